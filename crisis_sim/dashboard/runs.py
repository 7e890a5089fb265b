"""A scenario's replicates, run turn by turn under a watch, and kept for who asks again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from crisis_sim.batch import Batch, Ensemble, run_block
from crisis_sim.batch.plan import most_at_once

if TYPE_CHECKING:
    from crisis_sim.model import CrisisModel
    from crisis_sim.scenario.schema import Scenario

#: Ensembles that are kept: of four thousand replicates each takes about a megabyte.
KEPT = 24

#: Told after each turn what share of the work is done; what it raises ends the run.
Watch = Callable[[float], None]


class TooBigError(Exception):
    """A scenario is too big to be run here; the message says so to a person."""


class Runs:
    """Runs scenarios, each once: the same scenario with the same luck gives the same replicates.

    What is kept is known by all that it hangs on, so any number of visitors may share it.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept: OrderedDict[tuple[str, int, int], Ensemble] = OrderedDict()
        self._most = kept
        self._lock = threading.Lock()

    def batch(
        self, scenarios: Mapping[str, Scenario], replicates: int, seed: int, watch: Watch
    ) -> Batch:
        """Scenarios side by side on the same luck, each under the name that it is given.

        Raises:
            TooBigError: when so many replicates might not fit into memory.
        """
        ensembles: dict[str, Ensemble] = {}
        for name, scenario in scenarios.items():

            def part(share: float) -> None:
                watch((len(ensembles) + share) / len(scenarios))

            ensembles[name] = self.ensemble(scenario, replicates, seed, part)
        return Batch(ensembles, {"seed": seed})

    def ensemble(self, scenario: Scenario, replicates: int, seed: int, watch: Watch) -> Ensemble:
        """The replicates of a scenario, from 0 on.

        Args:
            scenario: the scenario; its name does not matter.
            replicates: how many.
            seed: of their luck.
            watch: see `Watch`.

        Raises:
            TooBigError: when so many might not fit into memory.
        """
        most = most_at_once([scenario])
        if replicates > most:
            raise TooBigError(
                f"this scenario is so big that memory may not hold {replicates:,} crises of it at "
                f"once: at most {most:,} (--replicates)"
            )
        key = (scenario.digest, replicates, seed)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = run(scenario, replicates, seed, watch)
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made


def run(scenario: Scenario, replicates: int, seed: int, watch: Watch) -> Ensemble:
    """Run a scenario's replicates as one block: the same that `crisis-sim run` has."""

    def turn(model: CrisisModel) -> None:
        watch(model.turn / scenario.turns)

    block = run_block(scenario, 0, replicates, seed, watch=turn)
    return Ensemble(
        name=scenario.name,
        title=scenario.title,
        horizon_hours=scenario.horizon_hours,
        states=scenario.state_names,
        table=block.table,
        scenario=scenario.plain(),
    )
