"""What a crisis takes: random numbers, decisions, exponentials, and the state that a turn goes over.

This is the one place that looks inside the model. What it looks at is counted in a run that is not
timed, and where it is gone, or no longer sees everything, it says so instead of counting too little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model import CrisisModel, luck
from crisis_sim.model.arrays import OverReplicates
from crisis_sim.model.choice import FIRST_RUNG
from crisis_sim.scenario.schema import Scenario

#: Replicates in the counted run.
COUNTED = 1_009
#: Replicates in the run in which arrays are watched: a prime, so that no array has this length by
#: chance.
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
    with _counting() as tally:
        model = CrisisModel(scenario, replicates).run()
    counts = Counts(
        replicates=replicates,
        turns=model.turns_run,
        states=len(model.states),
        lenders=len(model.lenders),
        agents=len(model.agents),
        options=FIRST_RUNG + len(model.ladder.names),
        numbers=tally.numbers,
        budgets=tally.budgets,
        normals=tally.normals,
        decisions=tally.decisions,
        state_bytes=bytes_of_state(CrisisModel(scenario, WATCHED)),
    )
    _check(counts, tally, scenario.hours_per_turn)
    return counts


def bytes_of_state(model: CrisisModel) -> float:
    """Size, for one replicate, of all arrays of a model that any turn changes; runs it to its end.

    So parameters are no state, in whichever way the model holds them; the budgets of clocks are.

    Raises:
        RuntimeError: when there are none.
    """
    before = {name: array.tobytes() for name, array in _arrays_of(model)}
    changed = set()

    def compare(model: CrisisModel) -> None:
        for name, array in _arrays_of(model):
            if name in before and array.tobytes() != before[name]:
                del before[name]  # to see it once is enough
                changed.add(name)

    model.run(drop_finished=False, watch=compare)
    if not changed:
        raise RuntimeError("the model's agents hold no arrays over replicates any more")
    # Some arrays go by two names.
    sizes = {
        array.__array_interface__["data"][0]: array.nbytes
        for name, array in _arrays_of(model)
        if name in changed
    }
    return sum(sizes.values()) / model.replicates


def _arrays_of(model: CrisisModel) -> Iterator[tuple[str, NDArray[Any]]]:
    """All arrays over replicates of a model, its agents and its other parts, each by a name."""
    for number, part in enumerate((model, *model.cast, model.halt, model.endings)):
        for name, value in vars(part).items():
            for place, array in _arrays(f"{number}.{name}", value):
                if model.replicates in array.shape:
                    yield place, array


def _arrays(name: str, value: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    """The arrays that an attribute holds, in whichever way, each by a name."""
    if isinstance(value, np.ndarray):
        yield name, value
    elif isinstance(value, luck.Stream):
        if isinstance(value, luck.Clock):  # of other streams only the place changes
            yield name, value.left
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _arrays(f"{name}.{key}", one)
    elif isinstance(value, OverReplicates) and not value.keeps_itself:
        yield from _arrays(name, vars(value))


class Tally:
    """Counts what is taken from streams, by their kind and by what they are for."""

    def __init__(self) -> None:
        self.numbers = self.budgets = self.normals = self.decisions = self.due = 0
        self._is_within = False

    def made(self, make: Callable[..., None]) -> Callable[..., None]:
        """What makes a stream, noting its name: the agent's, and what the stream is for."""

        def making(stream: Any, own_luck: Any, name: str, *others: Any) -> None:
            stream.__dict__["_counted_as"] = name.rpartition("/")[2]
            make(stream, own_luck, name, *others)

        return making

    def taken(self, take: Callable[..., Any]) -> Callable[..., Any]:
        """What takes numbers from a stream, counting them; a kind may take them by another's hand."""

        def taking(stream: Any, who: Any, *others: Any) -> Any:
            if self._is_within:
                return take(stream, who, *others)
            self._is_within = True
            try:
                numbers = take(stream, who, *others)
            finally:
                self._is_within = False
            self._count(stream, len(who))
            return numbers

        return taking

    def _count(self, stream: luck.Stream, numbers: int) -> None:
        self.numbers += numbers
        self.budgets += numbers * isinstance(stream, luck.Clock)
        self.normals += numbers * isinstance(stream, luck.NormalStream)
        purpose = vars(stream)["_counted_as"]
        self.decisions += numbers * (purpose == "choose")
        self.due += numbers * (purpose == "decide")


@contextmanager
def _counting() -> Iterator[Tally]:
    """Within it all that is taken from streams is counted.

    Raises:
        RuntimeError: when there are no streams to count at.
    """
    tally = Tally()
    with ExitStack() as patches:
        try:
            for kind in (luck.Stream, luck.Clock, luck.NormalStream):
                for way in {"take", "renew"} & vars(kind).keys():
                    hook = mock.patch.object(kind, way, tally.taken(vars(kind)[way]))
                    patches.enter_context(hook)
            making = tally.made(luck.Stream.__init__)
            patches.enter_context(mock.patch.object(luck.Stream, "__init__", making))
        except AttributeError as error:
            raise RuntimeError(f"nothing can be counted: {error}") from error
        yield tally


def _check(counts: Counts, tally: Tally, hours_per_turn: float) -> None:
    """See whether all was seen that must have happened.

    Raises:
        RuntimeError: when it was not.
    """
    # Each state's market takes a normal number a day; a crisis may end before its last day does.
    days = counts.turns * hours_per_turn / HOURS_PER_DAY - counts.replicates
    # A state decides at most as often as its clock rings, which took its first budget before.
    rings = tally.due - counts.states * counts.replicates
    for what, seen in (
        ("normal numbers", counts.normals >= counts.states * days > 0),
        ("decisions", 0 < counts.decisions <= rings),
        ("budgets", counts.budgets > counts.replicates),
    ):
        if not seen:
            raise RuntimeError(
                f"{what} are not counted any more: is luck.Stream.take passed by? {vars(tally)}"
            )
