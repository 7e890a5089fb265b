"""A single crisis on record: in which crises everything went as it did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisis_sim.experiments.posterior.schema import Case, Observed
from crisis_sim.outcomes.measures.conditions import Condition
from crisis_sim.outcomes.measures.events import Clock
from crisis_sim.outcomes.measures.kinds import HOURS
from crisis_sim.outcomes.records import Replicates

Single = NDArray[np.float32]


def is_time(column: str) -> bool:
    """Whether a column holds times."""
    return column.endswith("_at_hours")


@dataclass(frozen=True)
class Number:
    """A number on record.

    Attributes:
        case: the name of the crisis.
        scenario: in which scenario.
        observed: what is on record.
    """

    case: str
    scenario: str
    observed: Observed

    @property
    def unit(self) -> str:
        """Its unit; "" for what is no time."""
        return self.observed.unit if is_time(self.observed.of) else ""

    @property
    def words(self) -> str:
        """What it is."""
        of, since = self.observed.of, self.observed.since
        if not is_time(of):
            return of.replace("_", " ")
        clock = Clock(of, since)
        return f"from {clock.since_words()} to {_article(clock.words())}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of outcomes that it is read from."""
        of, since = self.observed.of, self.observed.since
        return Clock(of, since).columns if is_time(of) else (of,)

    def read(self, replicates: Replicates) -> Single:
        """Its value in each crisis, `(rows,)`; NaN where it never came."""
        of, since = self.observed.of, self.observed.since
        if not is_time(of):
            return np.asarray(replicates.column(of), dtype=np.float32)
        durations = Clock(of, since).read(replicates)
        hours = np.where(durations.cause == 1, durations.hours, np.nan)
        return np.asarray(hours / HOURS[self.unit], dtype=np.float32)


def numbers_on_record(cases: tuple[Case, ...], first: str) -> tuple[Number, ...]:
    """All numbers of all crises on record.

    Args:
        cases: the crises.
        first: the name of the first scenario, which is meant where none is named.
    """
    return tuple(
        Number(case.name, case.scenario or first, observed)
        for case in cases
        for observed in case.record
    )


def condition_of(case: Case) -> Condition | None:
    """What else must be so; None where nothing is said."""
    return Condition.of(case.so) if case.so else None


def misses(cases: tuple[Case, ...], values: Single, so: NDArray[np.bool_]) -> Single:
    """How far each crisis is from each record, in the distances that count as the same.

    Args:
        cases: the crises on record.
        values: the numbers on record as they are in each crisis, `(particles, numbers, replicates)`.
        so: whether what else must be so is, `(particles, cases, replicates)`.

    Returns:
        The farthest number's distance, `(particles, cases, replicates)`, in ascending order;
        infinite where something did not come, or was not so.
    """
    found = np.where(so, np.float32(0.0), np.float32(np.inf))
    place = 0
    for k, case in enumerate(cases):
        for observed in case.record:
            apart = np.abs(values[:, place] - np.float32(observed.value)) / observed.within
            apart = np.where(np.isnan(apart), np.inf, apart)
            found[:, k] = np.maximum(found[:, k], apart)
            place += 1
    return np.sort(found, axis=2)


def _article(words: str) -> str:
    """A thing with its article: a ceasefire, an end, the first strike."""
    if words.startswith("first "):
        return f"the {words}"
    return f"{'an' if words[:1] in 'aeiou' else 'a'} {words}"
