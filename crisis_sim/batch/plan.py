"""What a batch is to run, and how it is cut into blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch.block import BlockOrder
from crisis_sim.batch.errors import BatchError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crisis_sim.scenario.schema import Scenario

#: Replicates in a block: its arrays still fit the processor's cache, and a turn's fixed cost is
#: spread over many (`make bench` shows the speed by block size).
BLOCK_SIZE = 4096


@dataclass(frozen=True)
class Plan:
    """Scenarios to run side by side on the same luck.

    Attributes:
        scenarios: the scenarios, each under a name of its own.
        replicates: how many replicates of each.
        seed: the seed of all of them.
        block_size: the most replicates that a block has.
        parameters: values in place of the scenarios', by path, each of shape (replicates,).
        agents: makers of agents to add to each scenario's own.
    """

    scenarios: tuple[Scenario, ...]
    replicates: int
    seed: int
    block_size: int = BLOCK_SIZE
    parameters: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    agents: Sequence[Any] = ()

    def __post_init__(self) -> None:
        if not self.scenarios:
            raise BatchError("there is no scenario to run")
        for what, number in (("replicates", self.replicates), ("block size", self.block_size)):
            if number < 1:
                raise BatchError(f"expected at least 1 for {what}, got {number}")
        names = [scenario.name for scenario in self.scenarios]
        for name in names:
            if names.count(name) > 1:
                raise BatchError(
                    f"{names.count(name)} scenarios are called {name!r}; "
                    "each needs a name of its own"
                )
        for path, values in self.parameters.items():
            if values.shape != (self.replicates,):
                raise BatchError(
                    f"parameter {path!r} has values of shape {values.shape}; "
                    f"expected one for each of the {self.replicates} replicates"
                )

    @property
    def crises(self) -> int:
        """How many crises there are in all."""
        return self.replicates * len(self.scenarios)

    @property
    def states(self) -> tuple[str, ...]:
        """Names of all the scenarios' states, each once."""
        return tuple(dict.fromkeys(name for one in self.scenarios for name in one.state_names))

    def orders(self) -> Iterator[BlockOrder]:
        """The blocks; a batch that is cut short has the same replicates of every scenario."""
        for first in range(0, self.replicates, self.block_size):
            count = min(self.block_size, self.replicates - first)
            own = {path: values[first : first + count] for path, values in self.parameters.items()}
            for scenario in self.scenarios:
                yield BlockOrder(scenario, first, count, self.seed, own, self.agents)


def make_plan(
    scenarios: Scenario | str | Path | Iterable[Scenario | str | Path],
    replicates: int,
    seed: int,
    block_size: int | None,
    parameters: Mapping[str, Any] | None,
    agents: Sequence[Any],
) -> Plan:
    """A plan from what a person may give: scenarios, files or shipped names, one or many.

    Raises:
        ScenarioError: when a scenario file has mistakes.
        BatchError: when the batch cannot be run as asked.
    """
    import numpy as np

    from crisis_sim.scenario import load_scenario
    from crisis_sim.scenario.schema import Scenario

    if isinstance(scenarios, (Scenario, str, Path)):
        scenarios = [scenarios]
    read = [one if isinstance(one, Scenario) else load_scenario(one) for one in scenarios]
    named = tuple(
        one if one.name else one.model_copy(update={"name": f"scenario_{number}"})
        for number, one in enumerate(read, start=1)
    )
    values = {path: np.asarray(numbers) for path, numbers in (parameters or {}).items()}
    return Plan(named, replicates, seed, block_size or BLOCK_SIZE, values, tuple(agents))
