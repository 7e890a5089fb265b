"""`Replicates`, the outcomes as arrays; and clocks, which measure the time between two moments of a crisis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from crisis_sim.outcomes.incidence import CumulativeIncidence, cumulative_incidence
from crisis_sim.outcomes.intervals import FloatArray
from crisis_sim.scenario.errors import did_you_mean, nearest
from crisis_sim.scenario.schema import ENDINGS


class UnknownReferenceError(ValueError):
    """The reference scenario (`name`) is not among those simulated (`valid`).

    `nearest` is the most similar valid name, or None.
    """

    def __init__(self, name: str, valid: Iterable[str]) -> None:
        self.name, self.valid = name, tuple(valid)
        self.nearest = nearest(name, self.valid) or None
        hint = did_you_mean(name, self.valid)
        super().__init__(
            f"no scenario {name!r} to compare with{hint} (there are: {', '.join(self.valid)})"
        )


class NotPairedError(ValueError):
    """A scenario and its reference have no replicates with common random numbers, so they cannot be paired.

    `seeds` are their seeds, in that order; None if unknown.
    """

    def __init__(self, scenario: str, reference: str, seeds: tuple[int | None, int | None]) -> None:
        self.scenario, self.reference, self.seeds = scenario, reference, seeds
        ours, theirs = ("unknown" if seed is None else str(seed) for seed in seeds)
        reason = (
            "they have no replicate number in common"
            if ours == theirs != "unknown"
            else f"their seeds are {ours} and {theirs}"
        )
        super().__init__(
            f"cannot pair the replicates of {scenario!r} with those of {reference!r}: {reason}; "
            "run both with one seed, or compare them as independent samples"
        )


class UnknownValueError(ValueError):
    """A column contains a value that is not among its valid values (`valid`)."""

    def __init__(self, column: str, value: str, valid: tuple[str, ...]) -> None:
        self.column, self.value, self.valid = column, value, valid
        super().__init__(
            f"column {column!r} contains {value!r}; valid values are {', '.join(valid)}"
        )


AGREEMENT = "agreement"

#: Cut off at the horizon, not ended.
UNRESOLVED = "unresolved"

#: Endings other than by agreement, after which no ceasefire can come.
OTHER_ENDINGS = tuple(ending for ending in ENDINGS if ending not in (AGREEMENT, UNRESOLVED))


class Replicates(Protocol):
    """Outcomes of the replicates of a scenario or a design, such as an `Ensemble` or a `Reading`."""

    @property
    def horizon_hours(self) -> float:
        """The time until which crises were followed, in hours from the start."""

    def column(self, name: str) -> NDArray[Any]:
        """The value of each replicate; NaN or an empty string if the event never happened."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Outcomes of crises given as arrays, by column."""

    columns: Mapping[str, NDArray[Any]]
    horizon_hours: float

    def column(self, name: str) -> NDArray[Any]:
        """The value of each crisis."""
        return self.columns[name]


def kinds(ensemble: Replicates, column: str, valid: tuple[str, ...]) -> NDArray[np.int8]:
    """Encode a column of texts as indices into `valid`, shape `(replicates,)`.

    Raises:
        UnknownValueError: The column contains a text that is not in `valid`.
    """
    values = ensemble.column(column)
    indices = np.full(len(values), -1, dtype=np.int8)
    for index, value in enumerate(valid):
        indices[values == value] = index
    if (indices < 0).any():
        raise UnknownValueError(column, str(values[int(np.argmin(indices))]), valid)
    return indices


# --- Clocks: the time from one moment of a crisis to another, in hours
#
# Clocks must never be mixed: a ceasefire four days after the first strike may be nineteen days after
# the trigger. A replicate that never reaches a clock's origin is not on that clock.

TRIGGER, STRIKE = "trigger_at_hours", "first_strike_at_hours"
HALT, RELAPSED = "ceasefire_in_effect_at_hours", "relapsed_at_hours"
FIRE = "first_fire_at_hours"
#: The times when fire, or strikes alone, stopped for a week or for good, with or without an agreement.
FIRE_PAUSED, STRIKES_PAUSED = "fire_paused_at_hours", "strikes_paused_at_hours"
CEASEFIRE = "ceasefire"
RELAPSE = "relapse"

#: The denominator of shares on each clock.
AMONG = {
    "from_trigger": "crises with a trigger",
    "from_first_strike": "crises with a first strike",
    RELAPSE: "crises with a ceasefire",
}


#: Names of events whose columns are not named after them.
_PLAIN = {FIRE_PAUSED: "pause in fire", STRIKES_PAUSED: "pause in strikes"}


def plain_name(column: str) -> str:
    """Return the name of a column's event."""
    return _PLAIN.get(column) or column.removesuffix("_at_hours").replace("_", " ")


# --- Courses: how far a crisis went; each crisis takes exactly one
#
# Full-scale war; else no first strike; else strikes that stopped within `SHORT_DAYS` of the first one, for a
# week or for good, with or without an agreement; else a longer fight, which includes crises that the horizon
# cuts off before.

COURSE, WAR, SHORT_DAYS = "course", "war_at_hours", 4
COURSES = {
    "no_strike": "no strike",
    "short_fight": f"strikes that stopped within {SHORT_DAYS} days",
    "long_fight": "a longer fight",
    "war": "full-scale war",
}
#: The columns that determine a course.
COURSE_COLUMNS = (STRIKE, STRIKES_PAUSED, WAR)


def courses(replicates: Replicates) -> NDArray[Any]:
    """Return the course of each replicate, a key of `COURSES`, `(rows,)`."""
    strike, pause, war = map(replicates.column, COURSE_COLUMNS)
    conditions = [~np.isnan(war), np.isnan(strike), pause - strike <= 24.0 * SHORT_DAYS]
    return np.select(conditions, ["war", "no_strike", "short_fight"], "long_fight")


@dataclass(frozen=True, slots=True)
class Durations:
    """The times of all replicates on one clock.

    Attributes:
        hours: Hours from the clock's origin to the event, a competing ending or the end of the
            observation, shape `(replicates,)`; NaN for replicates that are not on this clock.
        cause: 0 if the observation ended first (censored), else `k` for `causes[k - 1]`.
        causes: Names of the kinds of event, the event of interest first.
    """

    hours: FloatArray
    cause: NDArray[np.int8]
    causes: tuple[str, ...]

    def incidence(self, *, first_only: bool = False) -> CumulativeIncidence:
        """The cumulative incidence of each cause, or of the first only."""
        return cumulative_incidence(self.hours, self.cause, self.causes, first_only=first_only)


@dataclass(frozen=True)
class Clock:
    """The time `of` an event `since` an origin; both are columns of times.

    An event counts if it comes at or after the origin. If the crisis ends before the event, that is a competing
    ending. A crisis still going on when the observation ends is censored there, never counted as a ceasefire.
    Exceptions:

    - From the trigger or the first strike to a ceasefire: the first ceasefire in effect counts. A ceasefire
      before the first strike does not count, because it did not stop what the strike began; but if an agreement
      ended the crisis after the strike, the ceasefire is the moment when it took effect.
    - A pause in fire or in strikes needs no agreement. Every ending of a crisis ends its fire, so nothing
      competes with a pause once there is fire.
    - Nothing competes with a relapse; a ceasefire that still held at the end of the observation is censored.

    On the clock from the first strike, a crisis struck late is observed for a shorter time. The estimate then
    assumes that crises struck late and early end alike, as any estimate from censored times must.
    """

    of: str = HALT
    since: str = TRIGGER

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the clock reads."""
        return (self.of, self.since, "ending", "ended_at_hours", "followed_until_hours")

    def read(self, replicates: Replicates) -> Durations:
        """Return the times of all replicates on this clock.

        Raises:
            UnknownValueError: An ending is unknown.
        """
        origin, event = replicates.column(self.since), replicates.column(self.of)
        ending = kinds(replicates, "ending", ENDINGS)
        ended = replicates.column("ended_at_hours")
        until = replicates.column("followed_until_hours")
        until = np.where(np.isnan(until), replicates.horizon_hours, until)
        over = (ending != ENDINGS.index(UNRESOLVED)) & ~np.isnan(ended)
        early = over & (ended < origin)  # over before the clock began
        causes: tuple[str, ...] = (self.of, *ENDINGS)
        if (self.of, self.since) in ((HALT, TRIGGER), (HALT, STRIKE)):
            agreed = ending == ENDINGS.index(AGREEMENT)
            # Comparisons with NaN are false: an event that never came is never at or after the origin.
            event = np.where(event >= origin, event, np.where(agreed, ended, np.nan))
            over &= ~agreed
            causes = (CEASEFIRE, *OTHER_ENDINGS)
        elif (self.of, self.since) == (RELAPSED, HALT):
            over = early = np.zeros_like(over)
            causes = (RELAPSE,)
        came = event >= origin
        hours = np.where(came, event, np.where(over, ended, until)) - origin
        number = np.array([causes.index(kind) + 1 if kind in causes else 0 for kind in ENDINGS])
        cause = np.where(came, 1, np.where(over, number[ending], 0)).astype(np.int8)
        return Durations(np.where((hours >= 0.0) & ~early, hours, np.nan), cause, causes)

    def plain(self) -> dict[str, str]:
        """The clock as keys of a measure."""
        return {"of": self.of, "since": self.since}

    @property
    def among(self) -> str:
        """The crises on this clock, in words."""
        special = {TRIGGER: "from_trigger", STRIKE: "from_first_strike", HALT: RELAPSE}
        if self.since in special:
            return AMONG[special[self.since]]
        return f"crises with {plain_name(self.since)}"

    def words(self) -> str:
        """The event, in words."""
        return CEASEFIRE if self.of == HALT else plain_name(self.of)

    def since_words(self) -> str:
        """The origin, in words."""
        return f"a {CEASEFIRE}" if self.since == HALT else f"the {plain_name(self.since)}"


#: The clocks of a summary and its charts, in the order in which a crisis starts them.
CLOCKS = {
    "from_trigger": Clock(HALT, TRIGGER),
    "from_first_strike": Clock(HALT, STRIKE),
    RELAPSE: Clock(RELAPSED, HALT),
}
#: The clock from the first strike to the pause in strikes.
PAUSE = Clock(STRIKES_PAUSED, STRIKE)
