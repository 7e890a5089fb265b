"""What a crisis takes: random numbers, decisions, exponentials, and the state that a turn goes over.

This is the one place that looks inside the model. What it looks at is counted in a run that is not
timed, and where it no longer sees everything, it says so instead of counting too little.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model import CrisisModel
from crisis_sim.model.choice import FIRST_RUNG
from crisis_sim.model.world import CHANGING
from crisis_sim.scenario.schema import Scenario

#: Replicates in the counted run.
COUNTED = 1_009
#: Replicates in the run in which numbers are watched.
WATCHED = 101
HOURS_PER_DAY = 24


@dataclass(frozen=True)
class Counts:
    """What was counted in some replicates of a scenario.

    Attributes:
        replicates: how many replicates.
        turns: turns that they went through while their crises went on, summed.
        states, lenders, agents: how many states, lenders and agents of all roles there are.
        options: among how many options a state chooses.
        numbers: uniform numbers that they took from their streams.
        budgets: those of them that became budgets of clocks.
        normals: those of them that became normal numbers.
        decisions: those of them with which a state chose.
        state_bytes: size of all that a turn changes in one replicate.
    """

    replicates: int
    turns: int
    states: int
    lenders: int
    agents: int
    options: int
    numbers: int
    budgets: int
    normals: int
    decisions: int
    state_bytes: float

    @property
    def mean_turns(self) -> int:
        """Turns of the mean crisis."""
        return round(self.turns / self.replicates)

    @property
    def decisions_per_state_turn(self) -> float:
        """How often a state decides in a turn."""
        return self.decisions / (self.turns * self.states)

    @property
    def exponentials(self) -> int:
        """Exponentials that these replicates cannot do without, and what costs as much.

        In each turn each state's market is one and its economic pressure another. A decision takes
        one for each option, one for how far the state leans to a halt and, in the borrower, one
        for the nearness of each lender's decision (the two states decide about as often). A budget
        is a logarithm, a normal number a logarithm and a cosine. Violations, lenders' decisions
        and the drawing of parameters come on top and are left out: they are few.
        """
        each_turn = 2 * self.states * self.turns
        deciding = self.decisions * (self.options + 1 + self.lenders / self.states)
        return round(each_turn + deciding + self.budgets + 2 * self.normals)

    def plain(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self) | {
            "mean_turns": self.mean_turns,
            "decisions_per_state_turn": self.decisions_per_state_turn,
            "exponentials": self.exponentials,
        }


def count(scenario: Scenario, replicates: int = COUNTED) -> Counts:
    """Run a scenario and count.

    Raises:
        RuntimeError: when the model no longer shows what is counted.
    """
    model = CrisisModel(scenario, replicates).run(drop_finished=False)
    streams = model.streams
    counts = Counts(
        replicates=replicates,
        turns=model.turns_run,
        states=len(model.states),
        lenders=len(model.lenders),
        agents=len(model.agents),
        options=FIRST_RUNG + len(model.ladder.names),
        numbers=int(streams.taken.sum()),
        budgets=int(streams.taken[:, streams.clocks].sum()),
        normals=_taken(model, "market"),
        decisions=_taken(model, "choose"),
        state_bytes=bytes_of_state(CrisisModel(scenario, WATCHED)),
    )
    _check(counts, _taken(model, "decide"), scenario.hours_per_turn)
    return counts


def _taken(model: CrisisModel, purpose: str) -> int:
    """How many numbers states took for a purpose."""
    names = [f"{state.name}/{purpose}" for state in model.states]
    chosen = [name in names for name in model.streams.names]
    return int(model.streams.taken[:, chosen].sum())


def bytes_of_state(model: CrisisModel) -> float:
    """Size, for one replicate, of all numbers of a model that any turn changes; runs it to its end.

    So parameters are no state, in whichever way the model holds them; the budgets of clocks are.

    Raises:
        RuntimeError: when there are none.
    """
    before = {name: array.tobytes() for name, array in _arrays_of(model)}
    sizes: dict[str, int] = {}

    while model.running:
        model.step()
        for name, array in _arrays_of(model):
            if name in before and array.tobytes() != before[name]:
                del before[name]  # to see it once is enough
                sizes[name] = array.nbytes
    if not sizes:
        raise RuntimeError("the model holds no records over replicates any more")
    return sum(sizes.values()) / model.replicates


def _arrays_of(model: CrisisModel) -> Iterator[tuple[str, NDArray[Any]]]:
    """All numbers over replicates of a model and of agents of one's own, each by a name."""
    for kind in CHANGING:
        records = getattr(model.world, kind).reshape(model.replicates, -1)
        for place in range(records.shape[1]):
            for field in records.dtype.names or ():
                yield f"{kind}.{place}.{field}", records[field][:, place]
    for place in map(int, np.flatnonzero(model.streams.clocks)):
        yield f"left.{place}", model.streams.left[:, place]
    for agent in model.own_agents:
        yield from _arrays(agent.name, vars(agent))


def _arrays(name: str, value: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    """The arrays that an attribute holds, each by a name."""
    if isinstance(value, np.ndarray):
        yield name, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _arrays(f"{name}.{key}", one)


def _check(counts: Counts, due: int, hours_per_turn: float) -> None:
    """See whether all was seen that must have happened.

    Args:
        due: how many budgets the clocks of decisions took.

    Raises:
        RuntimeError: when it was not.
    """
    # Each state's market takes a normal number a day; a crisis may end before its last day does.
    days = counts.turns * hours_per_turn / HOURS_PER_DAY - counts.replicates
    # A state decides at most as often as its clock rings, which took its first budget before.
    rings = due - counts.states * counts.replicates
    for what, seen in (
        ("normal numbers", counts.normals >= counts.states * days > 0),
        ("decisions", 0 < counts.decisions <= rings),
        ("budgets", counts.budgets > counts.replicates),
    ):
        if not seen:
            raise RuntimeError(f"{what} are not counted any more: {counts}")
