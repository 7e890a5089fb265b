"""Outcomes as records, and the durations of a crisis: from the trigger, from the first strike, to a relapse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from crisis_sim.outcomes.incidence import CumulativeIncidence, cumulative_incidence
from crisis_sim.outcomes.intervals import (
    CONFIDENCE,
    FloatArray,
    Interval,
    complementary_log_log_interval,
)
from crisis_sim.scenario.schema import ENDINGS, VIOLENCE

# --- What can go wrong when outcomes are summarised, each error with the facts in its fields
#
# ValueError
# ├── UnknownReferenceError   no scenario of that name to compare against
# ├── NotPairedError          a paired comparison was asked of scenarios with different luck
# └── UnknownValueError       a column holds a word that it may not hold


class UnknownReferenceError(ValueError):
    """The scenario to compare against is not among those simulated.

    Attributes:
        name: The name that was asked for.
        valid: The names that there are.
        nearest: The valid name most like it, or None if none is much like it.
    """

    def __init__(self, name: str, valid: Iterable[str]) -> None:
        self.name = name
        self.valid = tuple(valid)
        close = get_close_matches(name, self.valid, n=1)
        self.nearest = close[0] if close else None
        hint = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        super().__init__(
            f"no scenario {name!r} to compare against{hint} (there are: {', '.join(self.valid)})"
        )


class NotPairedError(ValueError):
    """Two scenarios have no replicates that share their luck, so none can be paired.

    Attributes:
        scenario: Name of the scenario.
        reference: Name of the scenario it was to be compared against.
        seeds: The seeds of the two, in that order; None where no seed is known.
    """

    def __init__(self, scenario: str, reference: str, seeds: tuple[int | None, int | None]) -> None:
        self.scenario = scenario
        self.reference = reference
        self.seeds = seeds
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
    """A column holds a word that it may not hold.

    Attributes:
        column: The column's name.
        value: The word found.
        valid: The words it may hold.
    """

    def __init__(self, column: str, value: str, valid: tuple[str, ...]) -> None:
        self.column = column
        self.value = value
        self.valid = valid
        super().__init__(f"column {column!r} holds {value!r}; it may hold {', '.join(valid)}")


# --- What this room asks of a batch, and the words its columns may hold
#
# The statistics read three things from a batch: its scenarios, each a table with one row for each
# replicate, and the seed of its luck. Whatever offers these will do: a batch just simulated, one
# read from a results folder, or several joined by `crisis_sim.outcomes.summary.join`.

AGREEMENT = "agreement"

#: Still going on when the horizon came: cut off, not ended.
UNRESOLVED = "unresolved"

#: Endings of a crisis other than by agreement, after which no ceasefire can come.
OTHER_ENDINGS = tuple(ending for ending in ENDINGS if ending not in (AGREEMENT, UNRESOLVED))

#: Every value of the column `worst_violence`, from least to most.
WORST_VIOLENCE = VIOLENCE


class Replicates(Protocol):
    """One scenario's replicates (`crisis_sim.batch.ensemble.Ensemble` is one)."""

    @property
    def name(self) -> str:
        """The scenario's name."""

    @property
    def title(self) -> str:
        """The scenario's title, in words."""

    @property
    def horizon_hours(self) -> float:
        """Hours from the start after which no crisis was followed."""

    @property
    def replicates(self) -> int:
        """Number of replicates."""

    def column(self, name: str) -> NDArray[Any]:
        """One value for each replicate; NaN or an empty string where the thing never came."""


@runtime_checkable
class Scenarios(Protocol):
    """Scenarios simulated together (`crisis_sim.batch.Batch` is one)."""

    @property
    def ensembles(self) -> Mapping[str, Replicates]:
        """Each scenario's replicates by name; the first is the usual reference."""

    @property
    def seed(self) -> int | None:
        """The seed that, with a replicate's number, fixes its luck; None if there is not one."""


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


# --- The three durations of a crisis, each on a clock of its own
#
# =================== ===================== ============================= ========================
# clock               counts from           event of interest             watched until
# =================== ===================== ============================= ========================
# `from_trigger`      the trigger           first ceasefire in effect     the horizon
# `from_first_strike` the first strike      first ceasefire in effect     the horizon
# `relapse`           the first ceasefire   fighting again                the end of the follow-up
# =================== ===================== ============================= ========================
#
# They must never be mixed: a ceasefire four days after the first strike may be nineteen days after
# the trigger. A replicate that never reaches a clock's origin is not on that clock.
#
# On the first two clocks a crisis that ends otherwise (tacit, unilateral, imposed or faded) before a
# ceasefire has had a competing ending: no ceasefire can come any more. A crisis still going on when
# the watching stops is censored. It is never counted as a ceasefire.
#
# On the clock from the first strike a crisis struck late is watched more briefly. The estimate then
# takes it that late and early struck crises end alike, as every estimate from censored times must.

CEASEFIRE = "ceasefire"
RELAPSE = "relapse"

#: The crises that shares on each clock are shares of.
AMONG = {
    "from_trigger": "crises with a trigger",
    "from_first_strike": "crises with a first strike",
    RELAPSE: "crises with a ceasefire",
}

#: All competing endings together.
OTHERWISE = "ended otherwise"


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

    def incidence(self, confidence: float = CONFIDENCE) -> CumulativeIncidence:
        """The cumulative incidence of each cause on this clock."""
        return cumulative_incidence(self.hours, self.cause, self.causes, confidence)

    def competing_as_one(self) -> Durations:
        """The same with every competing ending under one name; the event of interest is as it was.

        The incidence of the first cause does not depend on how the others are told apart.
        """
        return Durations(
            self.hours, np.minimum(self.cause, 2).astype(np.int8), (self.causes[0], OTHERWISE)
        )

    def subset(self, rows: NDArray[np.intp]) -> Durations:
        """The readings of some replicates, in the order of `rows`."""
        return Durations(self.hours[rows], self.cause[rows], self.causes)


def from_trigger(ensemble: Replicates) -> Durations:
    """Trigger to first ceasefire in effect. Every replicate with a trigger is on this clock."""
    return _to_ceasefire(ensemble, ensemble.column("trigger_at_hours"))


def from_first_strike(ensemble: Replicates) -> Durations:
    """First strike to first ceasefire in effect, for the replicates that saw a first strike.

    A ceasefire that took effect before the first strike does not count, for it did not halt what
    the strike began. If an agreement ended the crisis after the strike nevertheless, the moment
    that agreement took effect is the ceasefire.
    """
    return _to_ceasefire(ensemble, ensemble.column("first_strike_at_hours"))


def relapse(ensemble: Replicates) -> Durations:
    """First ceasefire in effect to relapse, for the replicates that had a ceasefire.

    Nothing competes with a relapse; a ceasefire that still held when the watch ended is censored
    there. The cumulative incidence is one minus the Kaplan-Meier estimate of ceasefires that hold.
    """
    halt = ensemble.column("ceasefire_in_effect_at_hours")
    again = ensemble.column("relapsed_at_hours")
    hours = np.where(np.isnan(again), _watched_until(ensemble), again) - halt
    return Durations(
        _not_before_the_origin(hours), np.where(np.isnan(again), 0, 1).astype(np.int8), (RELAPSE,)
    )


#: The clocks by name, in the order in which a crisis starts them.
CLOCKS = {
    "from_trigger": from_trigger,
    "from_first_strike": from_first_strike,
    "relapse": relapse,
}


def _to_ceasefire(ensemble: Replicates, origin: FloatArray) -> Durations:
    ending = kinds(ensemble, "ending", ENDINGS)
    ended = ensemble.column("ended_at_hours")
    first_halt = ensemble.column("ceasefire_in_effect_at_hours")
    agreed = ending == ENDINGS.index(AGREEMENT)
    unresolved = ending == ENDINGS.index(UNRESOLVED)

    lasting_halt = np.where(agreed, ended, np.nan)
    # Comparisons with NaN are false: what never came is never at or after the origin.
    halt = np.where(
        first_halt >= origin, first_halt, np.where(lasting_halt >= origin, lasting_halt, np.nan)
    )
    ended_otherwise = np.where(agreed | unresolved, np.nan, ended)

    causes = (CEASEFIRE, *OTHER_ENDINGS)
    cause = np.zeros(len(origin), dtype=np.int8)
    at = _watched_until(ensemble)
    otherwise = ~np.isnan(ended_otherwise)
    # The other endings stand in ENDINGS just after agreement, as in causes just after ceasefire.
    cause[otherwise] = ending[otherwise] + 1
    at = np.where(otherwise, ended_otherwise, at)
    came = ~np.isnan(halt)
    cause[came] = 1
    at = np.where(came, halt, at)
    # A crisis that was over before the clock began is not on it.
    at = np.where(ended < origin, np.nan, at)
    return Durations(_not_before_the_origin(at - origin), cause, causes)


def _watched_until(ensemble: Replicates) -> FloatArray:
    """Last hour at which each replicate was observed; the horizon where none is recorded."""
    until = ensemble.column("followed_until_hours")
    return np.where(np.isnan(until), ensemble.horizon_hours, until)


def _not_before_the_origin(hours: FloatArray) -> FloatArray:
    """Readings that would be negative become NaN: the watch ended before the clock began."""
    return np.where(hours >= 0.0, hours, np.nan)


# --- Cumulative incidence at every point of a design at once: `incidence`, with an axis for the points
#
# The estimator, its standard error and its influence values are those of `CumulativeIncidence`; a
# test holds one against the other. Here all points share one grid of event times, so that a point is
# a row of a matrix and ten thousand points take no loop. Only the first cause's curve is kept.

IntArray = NDArray[np.int64]

#: Slack in comparing times (hours) and levels, for sums that rounding left a hair short.
_TOLERANCE = 1e-9
#: Cells of a matrix of points by times that are held at once: some 20 MB each.
_CELLS = 2_500_000


@dataclass(frozen=True, eq=False)
class Curves:
    """The incidence of the first cause at each of many points, `(points, steps)`, and its makings.

    Attributes:
        times: Hours at which some event happened at some point, increasing, `(steps,)`.
        at_risk: Replicates watched and without an event just before each time.
        own: Events of the first cause at each time.
        every: Events of any cause.
        survival: Share without any event just after each time.
        estimate: Cumulative incidence just after each time.
        standard_error: Its standard error.
        started: Replicates on the clock, `(points,)`.
        watched_until: Longest time that a replicate was watched, `(points,)`; NaN if none started.
        row_step: For each replicate how many times lie at or before its own, -1 if it never
            started, `(points, replicates)`.
        row_cause: 0 if it was censored, 1 for the first cause, 2 for any other.
    """

    times: FloatArray
    at_risk: FloatArray
    own: FloatArray
    every: FloatArray
    survival: FloatArray
    estimate: FloatArray
    standard_error: FloatArray
    started: IntArray
    watched_until: FloatArray
    row_step: NDArray[np.int32]
    row_cause: NDArray[np.int8]

    def steps_by(self, hours: FloatArray | float) -> IntArray:
        """How many event times lie at or before a moment, or before each point's own."""
        hours = np.broadcast_to(np.asarray(hours, dtype=np.float64), self.started.shape)
        return np.searchsorted(self.times, hours + _TOLERANCE, side="right").astype(np.int64)

    def at(self, steps: IntArray) -> tuple[FloatArray, FloatArray, IntArray]:
        """Estimate, standard error and replicates whose state is known after so many steps."""
        return (
            _after(self.estimate, steps),
            _after(self.standard_error, steps),
            np.where(steps > 0, _after(self._known, steps), self.started).astype(np.int64),
        )

    def unknown_at(self, hours: FloatArray | float) -> NDArray[np.bool_]:
        """Points at which nobody was watched for so long, though not everybody had ended."""
        everyone_ended = (self.survival[:, -1:] <= 0.0).any(axis=1)
        too_late = np.asarray(hours) > self.watched_until + _TOLERANCE
        return np.asarray((too_late & ~everyone_ended) | (self.started == 0))

    def band(self, confidence: float = CONFIDENCE) -> Interval:
        """Confidence limits just after each step."""
        return complementary_log_log_interval(
            self.estimate, self.standard_error, self._known, confidence
        )

    def first_step(self, curve: FloatArray, level: float) -> IntArray:
        """At each point how many steps it takes a curve to reach a level; -1 where it never does."""
        reached = curve >= level - _TOLERANCE
        first = np.argmax(reached, axis=1) + 1 if reached.shape[1] else np.zeros(len(curve), int)
        return np.where(reached.any(axis=1), first, -1).astype(np.int64)

    def influence(self, steps: IntArray) -> FloatArray:
        """How much each replicate pulls its point's estimate after so many steps.

        See `CumulativeIncidence.influence`, of which this is the same with points.

        Returns:
            Values of mean zero at each point, `(points, replicates)`.
        """
        points, replicates = self.row_step.shape
        counted = np.arange(len(self.times)) < steps[:, None]
        own, every, risk = self.own * counted, self.every * counted, np.maximum(self.at_risk, 1.0)
        before = _before(self.survival)
        later = (_after(self.estimate, steps)[:, None] - self.estimate) * counted
        # When all at risk have their event nothing comes later, and 0 / 0 stands for 0.
        lost = later / np.where(risk > every, risk - every, np.inf)
        exposure = np.zeros((points, len(self.times) + 1))
        np.cumsum(before * own / risk**2 - lost * every / risk, axis=1, out=exposure[:, 1:])
        step = np.maximum(self.row_step, 0)
        values = -np.take_along_axis(exposure, step, axis=1)
        had_event = (self.row_cause > 0) & (step > 0) & (step <= steps[:, None])
        place, one = np.nonzero(had_event)
        at = step[place, one] - 1
        gain = np.where(self.row_cause[place, one] == 1, before[place, at] / risk[place, at], 0.0)
        values[place, one] += gain - lost[place, at]
        values[self.row_step < 0] = 0.0
        return np.asarray(values * replicates)

    @property
    def _known(self) -> FloatArray:
        ended_before = np.cumsum(self.every, axis=1) - self.every
        return np.asarray(self.at_risk + ended_before)


def curves_in_parts(
    durations: Durations, points: int, until: float | None = None
) -> Iterator[tuple[slice, Curves]]:
    """The curves of all points, as many points at a time as memory should hold.

    Args:
        durations: a clock's reading, one row for each replicate of each point, point after point.
        points: how many points.
        until: hours after which events do not matter to what is asked; None for all.

    Yields:
        The points of each part, and their curves.
    """
    hours = durations.hours.reshape(points, -1)
    cause = np.minimum(durations.cause, 2).astype(np.int8).reshape(points, -1)
    had_event = (cause > 0) & ~np.isnan(hours)
    if until is not None:
        had_event &= hours <= until + _TOLERANCE
    steps = len(np.unique(hours[had_event]))
    size = max(_CELLS // max(steps, 1), 1)
    for first in range(0, points, size):
        part = slice(first, min(first + size, points))
        yield part, _curves(hours[part], cause[part], had_event[part])


def one_curve(durations: Durations, points: int, point: int) -> CumulativeIncidence:
    """All that is to be known of the curve at one point."""
    rows = np.arange(len(durations.hours)).reshape(points, -1)[point]
    return durations.subset(rows).competing_as_one().incidence()


def _curves(hours: FloatArray, cause: NDArray[np.int8], had_event: NDArray[np.bool_]) -> Curves:
    points = len(hours)
    started = ~np.isnan(hours)
    times = np.unique(hours[had_event])
    steps = len(times)
    row_step = np.full(hours.shape, -1, dtype=np.int32)
    row_step[started] = np.searchsorted(times, hours[started], side="right")

    def counted(rows: NDArray[np.bool_]) -> FloatArray:
        """For each point and step how many of the rows have so many steps."""
        place, _ = np.nonzero(rows)
        slot = place * (steps + 1) + row_step[rows]
        counts = np.bincount(slot, minlength=points * (steps + 1))
        return counts.reshape(points, steps + 1).astype(np.float64)

    number = started.sum(axis=1)
    own = counted(had_event & (cause == 1))[:, 1:]
    every = own + counted(had_event & (cause == 2))[:, 1:]
    # Who has fewer steps than this one left before it.
    at_risk = number[:, None] - np.cumsum(counted(started), axis=1)[:, :-1]
    risk = np.maximum(at_risk, 1.0)
    survival = np.cumprod((risk - every) / risk, axis=1)
    before = _before(survival)
    estimate = np.minimum(np.cumsum(before * own / risk, axis=1), 1.0)
    watched = np.where(started, hours, -np.inf).max(axis=1, initial=-np.inf)
    return Curves(
        times=times,
        at_risk=at_risk,
        own=own,
        every=every,
        survival=survival,
        estimate=estimate,
        standard_error=_standard_errors(estimate, own, every, risk, before),
        started=number.astype(np.int64),
        watched_until=np.where(number > 0, watched, np.nan),
        row_step=row_step,
        row_cause=np.where(had_event, cause, 0).astype(np.int8),
    )


def _standard_errors(
    estimate: FloatArray, own: FloatArray, every: FloatArray, risk: FloatArray, before: FloatArray
) -> FloatArray:
    """As in `incidence`, for all points."""
    greenwood = every / (risk * np.where(risk > every, risk - every, np.inf))
    cross = before * own / risk**2
    at_step = before**2 * own * (risk - own) / risk**3
    variance = (
        estimate**2 * np.cumsum(greenwood, axis=1)
        - 2.0 * estimate * np.cumsum(estimate * greenwood + cross, axis=1)
        + np.cumsum(estimate**2 * greenwood + at_step + 2.0 * estimate * cross, axis=1)
    )
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def _before(survival: FloatArray) -> FloatArray:
    """Survival just before each step."""
    return np.concatenate([np.ones((len(survival), 1)), survival], axis=1)[:, :-1]


def _after(curve: FloatArray, steps: IntArray) -> FloatArray:
    """A curve's value after so many steps at each point; 0 before the first."""
    padded = np.concatenate([np.zeros((len(curve), 1)), curve], axis=1)
    return np.asarray(padded[np.arange(len(curve)), steps])
