"""A scenario's replicates, run day by day under a watch, and kept for who asks again."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import TYPE_CHECKING

from crisis_sim.batch import Batch, Ensemble, run_block
from crisis_sim.batch.cores import cores
from crisis_sim.batch.plan import most_at_once

if TYPE_CHECKING:
    import pyarrow as pa

    from crisis_sim.model import CrisisModel
    from crisis_sim.scenario.schema import Scenario

#: Ensembles that are kept: of four thousand replicates each takes about a megabyte.
KEPT = 24
#: Replicates of a first look, and how many times as many there must be for one to be worth its while.
LOOK, LOOK_FROM = 500, 4
#: Seconds for which nobody minds to wait without a first look.
SOON = 0.25

#: Replicates that are worth a thread of their own.
LEAST = 250
#: Seconds after which a watch is told how far a run has come.
TOLD_EVERY = 0.02

#: Told again and again what share of the work is done; what it raises ends the run.
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
        self._seconds: float | None = None  # what the last run took, but for its first look

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
        """The replicates of a scenario, from 0 on; those that were run before are not run again.

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
        first = self._first_of(scenario, replicates, seed)
        if first is not None and first.replicates == replicates:
            return first
        begun = time.perf_counter()
        made = run(scenario, replicates, seed, watch, first)
        with self._lock:
            if replicates != LOOK:
                self._seconds = time.perf_counter() - begun
            if first is not None:
                self._kept.pop((scenario.digest, first.replicates, seed), None)
            self._kept[scenario.digest, replicates, seed] = made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made

    def first_look(self, scenarios: Iterable[Scenario], replicates: int, seed: int) -> int | None:
        """How many replicates to show before all of them; None where all of them come soon enough.

        The first of many are the same as few, so nothing is run for nothing.

        Args:
            scenarios: what is to be run.
            replicates: how many of each.
            seed: of their luck.
        """
        if replicates < LOOK_FROM * LOOK:
            return None
        missing = sum(self._first_of(one, replicates, seed) is None for one in scenarios)
        soon = self._seconds is not None and missing * self._seconds < SOON
        return None if soon or not missing else LOOK

    def _first_of(self, scenario: Scenario, replicates: int, seed: int) -> Ensemble | None:
        """The replicates that were run before, or the first of them; None where none were."""
        with self._lock:
            for count in (replicates, LOOK):
                key = (scenario.digest, count, seed)
                if key in self._kept and count <= replicates:
                    self._kept.move_to_end(key)
                    return self._kept[key]
        return None


def run(
    scenario: Scenario, replicates: int, seed: int, watch: Watch, first: Ensemble | None = None
) -> Ensemble:
    """Run a scenario's replicates as one block: the same that `crisis-sim run` has.

    Args:
        scenario: the scenario.
        replicates: how many.
        seed: of their luck.
        watch: see `Watch`.
        first: the first of them, where these were run before; the others are run and put after them.
    """
    import pyarrow as pa

    done = first.replicates if first else 0
    tables = [first.table] if first else []
    tables += _tables(scenario, done, replicates, seed, watch)
    return Ensemble(
        name=scenario.name,
        title=scenario.title,
        horizon_hours=scenario.horizon_hours,
        states=scenario.state_names,
        table=pa.concat_tables(tables),
        scenario=scenario.plain(),
    )


def _tables(scenario: Scenario, first: int, beyond: int, seed: int, watch: Watch) -> list[pa.Table]:
    """The rows of replicates from `first` on, before `beyond`, run on all cores: rules let other threads run beside them."""
    parts = max(min(cores(), (beyond - first) // LEAST), 1)
    bounds = [first + (beyond - first) * part // parts for part in range(parts + 1)]

    def run_part(part: int, tell: Watch) -> pa.Table:
        def day(model: CrisisModel) -> None:
            tell(model.turn / scenario.turns)

        start = bounds[part]
        return run_block(scenario, start, bounds[part + 1] - start, seed, watch=day).table

    if parts == 1:
        return [run_part(0, watch)]
    shares, stop = [0.0] * parts, threading.Event()

    def tell(part: int, share: float) -> None:
        shares[part] = share
        if stop.is_set():
            raise StoppedError

    with ThreadPoolExecutor(parts) as pool:
        tables = [pool.submit(run_part, part, partial(tell, part)) for part in range(parts)]
        try:
            while wait(tables, timeout=TOLD_EVERY).not_done:
                watch(sum(shares) / parts)
        except BaseException:
            stop.set()
            raise
        return [table.result() for table in tables]


class StoppedError(Exception):
    """Ends a part of a run whose watch has ended the run."""
