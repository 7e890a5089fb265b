"""`Replicates`, the outcomes as arrays; and clocks, which count hours from one moment of a crisis to another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from crisis_sim.outcomes.incidence import CumulativeIncidence, cumulative_incidence
from crisis_sim.outcomes.intervals import FloatArray
from crisis_sim.scenario.schema import ENDINGS


class UnknownReferenceError(ValueError):
    """The scenario to compare against (`name`) is not among those simulated (`valid`).

    `nearest` is the valid name most like it, or None if none is much like it.
    """

    def __init__(self, name: str, valid: Iterable[str]) -> None:
        self.name, self.valid = name, tuple(valid)
        self.nearest = next(iter(get_close_matches(name, self.valid, n=1)), None)
        hint = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        super().__init__(
            f"no scenario {name!r} to compare against{hint} (there are: {', '.join(self.valid)})"
        )


class NotPairedError(ValueError):
    """A scenario and its reference have no replicates that share their luck, so none can be paired.

    `seeds` are the seeds of the two, in that order; None where no seed is known.
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
    """A column holds a word (`value`) that it may not hold (`valid`)."""

    def __init__(self, column: str, value: str, valid: tuple[str, ...]) -> None:
        self.column, self.value, self.valid = column, value, valid
        super().__init__(f"column {column!r} holds {value!r}; it may hold {', '.join(valid)}")


AGREEMENT = "agreement"

#: Still going on when the horizon came: cut off, not ended.
UNRESOLVED = "unresolved"

#: Endings of a crisis other than by agreement, after which no ceasefire can come.
OTHER_ENDINGS = tuple(ending for ending in ENDINGS if ending not in (AGREEMENT, UNRESOLVED))


class Replicates(Protocol):
    """Outcomes of the replicates of a scenario or a design, such as an `Ensemble` or a `Reading`."""

    @property
    def horizon_hours(self) -> float:
        """Hours from the start after which no crisis was followed."""

    def column(self, name: str) -> NDArray[Any]:
        """One value for each replicate; NaN or an empty string where the thing never came."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Outcomes of crises that are in no table, by column."""

    columns: Mapping[str, NDArray[Any]]
    horizon_hours: float

    def column(self, name: str) -> NDArray[Any]:
        """One value for each crisis."""
        return self.columns[name]


def kinds(ensemble: Replicates, column: str, valid: tuple[str, ...]) -> NDArray[np.int8]:
    """A column of words as places in `valid`, shape `(replicates,)`.

    Raises:
        UnknownValueError: The column holds a word that is not in `valid`.
    """
    words = ensemble.column(column)
    places = np.full(len(words), -1, dtype=np.int8)
    for place, word in enumerate(valid):
        places[words == word] = place
    if (places < 0).any():
        raise UnknownValueError(column, str(words[int(np.argmin(places))]), valid)
    return places


# --- Clocks: hours from one moment of a crisis to another
#
# They must never be mixed: a ceasefire four days after the first strike may be nineteen days after
# the trigger. A replicate that never reaches a clock's origin is not on that clock.

TRIGGER, STRIKE = "trigger_at_hours", "first_strike_at_hours"
HALT, RELAPSED = "ceasefire_in_effect_at_hours", "relapsed_at_hours"
FIRE = "first_fire_at_hours"
#: Fire, or strikes alone, that stopped for a week or for good, agreed or not.
FIRE_PAUSED, STRIKES_PAUSED = "fire_paused_at_hours", "strikes_paused_at_hours"
CEASEFIRE = "ceasefire"
RELAPSE = "relapse"

#: The crises that shares on each clock are shares of.
AMONG = {
    "from_trigger": "crises with a trigger",
    "from_first_strike": "crises with a first strike",
    RELAPSE: "crises with a ceasefire",
}


#: Words for what a column's name does not say by itself.
_PLAIN = {FIRE_PAUSED: "pause in fire", STRIKES_PAUSED: "pause in strikes"}


def plain_name(column: str) -> str:
    """A column's name as plain words."""
    if column in _PLAIN:
        return _PLAIN[column]
    return column.removesuffix("_at_hours").replace("_", " ")


# --- Courses: how far a crisis went; each takes exactly one
#
# Full-scale war, or else no first strike, or else a first strike after which strikes stopped within
# `SHORT_DAYS`, agreed or not (none for a week or for good), or did not: a crisis that the horizon
# cuts off before that counts with the longer fights.

COURSE, WAR, SHORT_DAYS = "course", "war_at_hours", 4
COURSES = {
    "no_strike": "no strike",
    "short_fight": f"strikes that stopped within {SHORT_DAYS} days",
    "long_fight": "a longer fight",
    "war": "full-scale war",
}
#: The columns that a course is read from.
COURSE_COLUMNS = (STRIKE, STRIKES_PAUSED, WAR)


def courses(replicates: Replicates) -> NDArray[Any]:
    """The course of each replicate, a key of `COURSES`, `(rows,)`."""
    strike, pause, war = map(replicates.column, COURSE_COLUMNS)
    conditions = [~np.isnan(war), np.isnan(strike), pause - strike <= 24.0 * SHORT_DAYS]
    return np.select(conditions, ["war", "no_strike", "short_fight"], "long_fight")


@dataclass(frozen=True, slots=True)
class Durations:
    """One clock's reading for every replicate.

    Attributes:
        hours: Hours from the clock's origin to the event, a competing ending or the end of the
            watch, shape `(replicates,)`; NaN for replicates that are not on this clock.
        cause: 0 if the watch ended first (censored), else `k` for `causes[k - 1]`.
        causes: Names of what may happen, the event of interest first.
    """

    hours: FloatArray
    cause: NDArray[np.int8]
    causes: tuple[str, ...]

    def incidence(self, *, first_only: bool = False) -> CumulativeIncidence:
        """The cumulative incidence of each cause on this clock, or of the first only."""
        return cumulative_incidence(self.hours, self.cause, self.causes, first_only=first_only)


@dataclass(frozen=True)
class Clock:
    """The time `of` an event `since` its origin; both are columns of times.

    What comes at or after the origin is an event. The end of a crisis before it is a competing
    ending, after which it cannot come, and a crisis still going on when the watching stops is
    censored there: never counted as a ceasefire. Some clocks differ:

    - From the trigger or the first strike to a ceasefire it is the first ceasefire in effect that
      counts. One from before the strike does not, for it did not halt what the strike began; if an
      agreement ended the crisis after the strike nevertheless, the moment that it took effect is
      the ceasefire.
    - A pause in fire or in strikes is no ceasefire: it may be agreed or not. Whatever ends a crisis
      ends its fire, so that nothing competes with a pause once there is fire.
    - Nothing competes with a relapse; a ceasefire that still held when the watch ended is censored.

    On the clock from the first strike a crisis struck late is watched more briefly. The estimate
    then takes it that late and early struck crises end alike, as every estimate from censored times
    must.
    """

    of: str = HALT
    since: str = TRIGGER

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return (self.of, self.since, "ending", "ended_at_hours", "followed_until_hours")

    def read(self, replicates: Replicates) -> Durations:
        """The clock's reading of every row.

        Raises:
            UnknownValueError: An ending is not one of those there are.
        """
        origin, at = replicates.column(self.since), replicates.column(self.of)
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
            at = np.where(at >= origin, at, np.where(agreed, ended, np.nan))
            over &= ~agreed
            causes = (CEASEFIRE, *OTHER_ENDINGS)
        elif (self.of, self.since) == (RELAPSED, HALT):
            over = early = np.zeros_like(over)
            causes = (RELAPSE,)
        came = at >= origin
        hours = np.where(came, at, np.where(over, ended, until)) - origin
        which = np.array([causes.index(one) + 1 if one in causes else 0 for one in ENDINGS])
        cause = np.where(came, 1, np.where(over, which[ending], 0)).astype(np.int8)
        return Durations(np.where((hours >= 0.0) & ~early, hours, np.nan), cause, causes)

    def plain(self) -> dict[str, str]:
        """The clock as it is written."""
        return {"of": self.of, "since": self.since}

    @property
    def among(self) -> str:
        """The crises that are on it: those in which it begins."""
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


#: The clocks of a summary and its charts by name, in the order in which a crisis starts them.
CLOCKS = {
    "from_trigger": Clock(HALT, TRIGGER),
    "from_first_strike": Clock(HALT, STRIKE),
    RELAPSE: Clock(RELAPSED, HALT),
}
#: How long strikes go on, until they pause or a ceasefire ends them.
PAUSE = Clock(STRIKES_PAUSED, STRIKE)
