"""Cumulative incidence at every point of a design at once: `incidence`, with an axis for the points.

The estimator, its standard error and its influence values are those of `CumulativeIncidence`; a
test holds one against the other. Here all points share one grid of event times, so that a point is
a row of a matrix and ten thousand points take no loop. Only the first cause's curve is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisis_sim.outcomes.durations import Durations
from crisis_sim.outcomes.incidence import CumulativeIncidence
from crisis_sim.outcomes.intervals import (
    CONFIDENCE,
    FloatArray,
    Interval,
    complementary_log_log_interval,
)

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
        standard_error=_standard_error(estimate, own, every, risk, before),
        started=number.astype(np.int64),
        watched_until=np.where(number > 0, watched, np.nan),
        row_step=row_step,
        row_cause=np.where(had_event, cause, 0).astype(np.int8),
    )


def _standard_error(
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
