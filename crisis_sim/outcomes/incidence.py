"""Cumulative incidence with competing endings and censoring: the Aalen-Johansen estimator.

An average over the crises that had a ceasefire does not say how quickly one comes: some crises end
otherwise, and some are still going on when they stop being watched. The Aalen-Johansen estimator
(Aalen and Johansen 1978) uses every crisis for as long as it was watched. With one kind of event
it is one minus the Kaplan-Meier estimator; without censoring it is the plain proportion.

With `Y(u)` crises at risk just before time `u`, `d_k(u)` events of kind `k` and `d(u)`
events of any kind at `u`::

    S(t)   = product over u <= t of (1 - d(u) / Y(u))        still without any event
    F_k(t) = sum over u <= t of S(u-) d_k(u) / Y(u)          had an event of kind k

A crisis censored at `u` counts as at risk at `u`: events come before censoring in a tie.

The standard error is the Greenwood-type one (Gaynor et al. 1993; Marubini and Valsecchi 1995;
compared with others by Allignol, Schumacher and Beyersmann 2010), as in statsmodels. It is
identical to the infinitesimal jackknife, so it equals the root mean square of the influence values
given here, and the binomial standard error when nothing is censored.

Sources: docs/statistics.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crisis_sim.outcomes.intervals import (
    CONFIDENCE,
    UNKNOWN,
    BoolArray,
    Estimate,
    FloatArray,
    IntArray,
    Interval,
    Measured,
    complementary_log_log_interval,
    error_from_limits,
    influence_on_quantile,
)

#: Slack in comparing times (hours) and levels, for sums that rounding left a hair short.
TOLERANCE = 1e-9

#: Fewer crises at risk than this are too few to carry a curve's tail.
_FEW_AT_RISK = 10


@dataclass(frozen=True, eq=False)
class CumulativeIncidence:
    """Aalen-Johansen curves, one for each kind of event, as right-continuous step functions.

    The value before the first step is 0, and from the last step on it stays. Confidence limits are
    pointwise: each holds at one time, not at all times at once. Curves at many points of a design
    share one grid of times and have an axis for the points, here `...`, just before the last one.

    Attributes:
        causes: Names of the kinds of event; the first axis of arrays that have one for them.
        times: Hours at which some event happened, increasing, shape `(steps,)`.
        at_risk: Replicates watched and without an event just before each time, `(..., steps)`.
        events: Events of each kind at each time, `(causes, ..., steps)`.
        every: Events of any kind, `(..., steps)`.
        survival: Share without any event just after each time, `(..., steps)`.
        estimate: Cumulative incidence just after each time, `(causes, ..., steps)`.
        standard_error: Its standard error, `(causes, ..., steps)`.
        confidence: Confidence level of the limits.
        row_time: For each replicate hours to its event or censoring, NaN if it is not on this
            clock, `(..., rows)`.
        row_cause: For each replicate the kind of its event counted from 1, or 0 if censored.
        row_step: For each replicate how many steps lie at or before its time, -1 if not on this
            clock.
    """

    causes: tuple[str, ...]
    times: FloatArray
    at_risk: IntArray
    events: IntArray
    every: IntArray
    survival: FloatArray
    estimate: FloatArray
    standard_error: FloatArray
    confidence: float
    row_time: FloatArray = field(repr=False)
    row_cause: NDArray[np.int8] = field(repr=False)
    row_step: NDArray[np.int32] = field(repr=False)

    @property
    def rows(self) -> int:
        """Replicates given, on this clock or not."""
        return int(self.row_time.shape[-1])

    @cached_property
    def started(self) -> Any:
        """Replicates on this clock: watched from hour 0."""
        counts = np.asarray(np.count_nonzero(self.row_step >= 0, axis=-1))
        return counts if counts.ndim else int(counts)

    @cached_property
    def watched_until(self) -> Any:
        """Longest time that a replicate was watched, in hours; NaN if none started."""
        longest = np.fmax.reduce(self.row_time, axis=-1, initial=-np.inf)
        return np.where(self.started > 0, longest, np.nan)[()]

    def at(self, hours: ArrayLike, cause: str | None = None) -> Measured:
        """Cumulative incidence of a cause (the first unless named) by a moment, or by several.

        Past the longest time that any replicate was watched the incidence is unknown (NaN), unless
        every replicate had its event by then.

        Args:
            hours: The moment on the curve's clock, of each point where there are points; of a
                single curve as many as wanted, such as a grid for drawing.
            cause: One of the curve's causes.

        Raises:
            ValueError: `cause` is none of this curve's causes.
        """
        k = self._index(cause)
        hours, started = np.broadcast_arrays(np.asarray(hours, dtype=np.float64), self.started)
        steps = np.searchsorted(self.times, hours + TOLERANCE, side="right")
        estimate, error = _after(self.estimate[k], steps), _after(self.standard_error[k], steps)
        known = np.where(steps > 0, _after(self._known, steps), self.at_risk_at(hours))
        limits = complementary_log_log_interval(estimate, error, known, self.confidence)
        too_late = (hours > self.watched_until + TOLERANCE) & ~self._everyone_ended
        hidden = np.where(too_late | (started == 0), np.nan, 0.0)
        return Measured(
            estimate + hidden,
            error + hidden,
            limits.lower + hidden,
            limits.upper + hidden,
            started,
            lambda: self._influence(steps, k),
            is_share=True,
        )

    def at_risk_at(self, hours: ArrayLike) -> Any:
        """Replicates still watched and without an event just before a moment."""
        moments = np.asarray(hours) - TOLERANCE
        if self.row_time.ndim == 1:
            return self.started - np.searchsorted(self._in_order, moments)
        return np.count_nonzero(self.row_time >= moments[..., None], axis=-1)

    def latest(self, horizon_hours: float) -> Any:
        """The last moment up to `horizon_hours` for which the curve is well founded.

        Where watches end at different times the last few crises at risk would carry the whole
        curve. So it is read no later than ten (or a tenth of those that started) are at risk.
        """
        if not self.rows:
            return horizon_hours
        end = np.fmin(horizon_hours, self.watched_until)
        cut_short = (self.row_cause == 0) & (self.row_time < end[..., None] - TOLERANCE)
        few = np.minimum(_FEW_AT_RISK, np.ceil(self.started / _FEW_AT_RISK)).astype(int)
        tail = _picked(self._in_order, np.minimum(self.started - few, self.rows - 1))
        end = np.where(cut_short.any(axis=-1), np.fmin(end, tail), end)
        return np.where((self.started == 0) | self._everyone_ended, horizon_hours, end)[()]

    def band(self, cause: str | None = None) -> Interval:
        """Confidence limits of a cause (the first unless named) just after each step."""
        k = self._index(cause)
        return complementary_log_log_interval(
            self.estimate[k], self.standard_error[k], self._known, self.confidence
        )

    def quantile(self, level: float = 0.5, cause: str | None = None, unit: float = 1.0) -> Measured:
        """First time at which the incidence of a cause reaches `level`; infinite if it never does.

        With competing endings or censoring the incidence may stay below `level` for good; then
        there is no such time, and a mean over those that had the event would be no stand-in.

        Args:
            level: The share, between 0 and 1.
            cause: One of the curve's causes; the first unless named.
            unit: Hours in the unit in which the time is given.

        Returns:
            The time, with limits from inverting the pointwise band: those times at which `level`
            lies inside it. A limit is NaN when the band never gets there. The standard error is what
            the limits imply (Woodruff's argument: how far the curve is off, over how steep it is),
            and so are the influence values.

        Raises:
            ValueError: `level` is not between 0 and 1, or `cause` is none of the causes.
        """
        if not 0.0 < level < 1.0:
            raise ValueError(f"a quantile's level must lie between 0 and 1, got {level!r}")
        k, band = self._index(cause), self.band(cause)
        padded = np.concatenate([[np.nan], self.times]) / unit

        def steps_to(curve: FloatArray) -> IntArray:
            """How many steps it takes a curve to reach the level, 0 where it never does."""
            reached = np.insert(curve >= level - TOLERANCE, 0, False, axis=-1)
            return np.asarray(np.argmax(reached, axis=-1))

        steps = steps_to(self.estimate[k])
        time, lower, upper = (
            padded[steps],
            padded[steps_to(band.upper)],
            padded[steps_to(band.lower)],
        )
        error = error_from_limits(lower, time, upper)
        error_of_share = _after(self.standard_error[k], steps)
        never = np.where(self.started > 0, np.inf, np.nan)
        return Measured(
            np.where(steps > 0, time, never)[()],
            error,
            lower,
            upper,
            np.asarray(self.started),
            lambda: influence_on_quantile(self._influence(steps, k), error, error_of_share),
        )

    def _influence(self, steps: IntArray, k: int) -> FloatArray:
        """Influence of each replicate on the estimate of cause `k` after so many steps.

        Moving a little weight to one replicate moves each step's hazards; what a step's hazards
        do to the estimate by then is (for steps up to then, with `later` what is still to come)
        `S(u-) - later / (1 - h(u))` for this cause and `-later / (1 - h(u))` for others.
        A replicate adds to a step's hazards by its event there and takes away by being at risk.
        Without censoring its value is its indicator (1 if the event came by then) less the estimate.
        """
        counted = np.arange(len(self.times)) < steps[..., None]
        own, every = self.events[k] * counted, self.every * counted
        risk, before = np.maximum(self.at_risk, 1.0), _before(self.survival)
        later = (_after(self.estimate[k], steps)[..., None] - self.estimate[k]) * counted
        # When all at risk have their event nothing comes later, and 0 / 0 stands for 0.
        lost = later / np.where(risk > every, risk - every, np.inf)
        exposure = np.cumsum(before * own / risk**2 - lost * every / risk, axis=-1)
        # By what became of a replicate (censored, this cause, another) and how many steps it saw.
        table = np.zeros((3, *exposure.shape[:-1], len(self.times) + 1))
        table[..., 1:] = -exposure
        table[1, ..., 1:] += (before / risk - lost) * counted
        table[2, ..., 1:] -= lost
        kind = np.where(self.row_cause == 0, 0, np.where(self.row_cause == k + 1, 1, 2))
        points = () if kind.ndim == 1 else (np.arange(len(kind))[:, None],)
        values = table[(kind, *points, np.maximum(self.row_step, 0))]
        return np.where(self.row_step < 0, 0.0, values * self.rows)

    @cached_property
    def _known(self) -> IntArray:
        """Replicates whose state at each step is known: none of them censored before it."""
        return np.asarray(self.at_risk + np.cumsum(self.every, axis=-1) - self.every)

    @property
    def _everyone_ended(self) -> BoolArray:
        return np.asarray((self.survival[..., -1:] <= 0.0).any(axis=-1))

    @cached_property
    def _in_order(self) -> FloatArray:
        return np.sort(self.row_time, axis=-1)

    def _index(self, cause: str | None) -> int:
        if cause is not None and cause not in self.causes:
            raise ValueError(f"unknown cause {cause!r}; this curve has {', '.join(self.causes)}")
        return 0 if cause is None else self.causes.index(cause)


def cumulative_incidence(
    time: FloatArray,
    cause: NDArray[np.integer],
    causes: Sequence[str] = ("event",),
    confidence: float = CONFIDENCE,
    *,
    first_only: bool = False,
) -> CumulativeIncidence:
    """Estimate cumulative incidence from one time and one outcome for each replicate.

    Args:
        time: Hours from the clock's origin to the event or to censoring, not negative, shape
            `(rows,)`, or `(points, rows)` for a curve at each point; NaN for a replicate that is not
            on this clock.
        cause: What happened then: 0 for censored, `k` for `causes[k - 1]`; of the same shape.
        causes: Names of the kinds of event, the one of interest first.
        confidence: Confidence level of the bands, between 0 and 1.
        first_only: Keep the curve of the first kind only; the others compete with it as ever.

    Returns:
        The curves. Cost is one sort of the rows.

    Raises:
        ValueError: Shapes differ, a time is negative, or a cause has no name.
    """
    time = np.asarray(time, dtype=np.float64)
    row_cause = np.asarray(cause).astype(np.int8)
    if time.ndim not in (1, 2) or time.shape != row_cause.shape:
        raise ValueError(
            f"time and cause must have one shape (rows,), got {time.shape} and {row_cause.shape}"
        )
    if (time < 0.0).any():
        raise ValueError(f"times must not be negative, got {float(np.nanmin(time))!r}")
    if row_cause.size and not 0 <= int(row_cause.min()) <= int(row_cause.max()) <= len(causes):
        raise ValueError(
            f"causes must lie between 0 (censored) and {len(causes)}, "
            f"got {int(row_cause.min())} to {int(row_cause.max())}"
        )
    kept = tuple(causes[:1] if first_only else causes)
    started = ~np.isnan(time)
    had_event = started & (row_cause > 0)
    times = np.unique(time[had_event])
    row_step = np.full(time.shape, -1, dtype=np.int32)
    row_step[started] = np.searchsorted(times, time[started], side="right")
    width = len(times) + 1
    curves = time.shape[:-1]
    number = math.prod(curves)
    slot = row_step + width * np.arange(number).reshape(*curves, 1)

    def counted(rows: BoolArray) -> IntArray:
        """For each curve and step, the number of rows with that many steps."""
        return np.bincount(slot[rows], minlength=width * number).reshape(*curves, width)

    events = np.stack(
        [counted(had_event & (row_cause == k + 1))[..., 1:] for k in range(len(kept))]
    )
    every = counted(had_event)[..., 1:]
    # Who has fewer steps than this one left before it.
    at_risk = started.sum(axis=-1)[..., None] - np.cumsum(counted(started), axis=-1)[..., :-1]
    risk = np.maximum(at_risk, 1.0)
    survival = np.cumprod((risk - every) / risk, axis=-1)
    before = _before(survival)
    estimate = np.minimum(np.cumsum(before * events / risk, axis=-1), 1.0)
    return CumulativeIncidence(
        causes=kept,
        times=times,
        at_risk=at_risk,
        events=events,
        every=every,
        survival=survival,
        estimate=estimate,
        standard_error=_standard_error(estimate, events, every, risk, before),
        confidence=confidence,
        row_time=time,
        row_cause=row_cause,
        row_step=row_step,
    )


def _standard_error(
    estimate: FloatArray, own: IntArray, every: IntArray, risk: FloatArray, before: FloatArray
) -> FloatArray:
    """Greenwood-type standard error of each cumulative incidence at each of its steps.

    The variance at `t` sums, over the steps `u <= t` and with `later = F(t) - F(u)`,
    `later^2 d / (Y (Y - d))  +  S(u-)^2 d_k (Y - d_k) / Y^3  -  2 later S(u-) d_k / Y^2`
    (Marubini and Valsecchi 1995, chapter 10). Multiplied out in powers of `F(t)` each part is
    a running sum.
    """
    # When all at risk have their event nothing comes later, and infinity times 0 stands for 0.
    greenwood = every / (risk * np.where(risk > every, risk - every, np.inf))
    cross = before * own / risk**2
    at_step = before**2 * own * (risk - own) / risk**3
    variance = (
        estimate**2 * np.cumsum(greenwood, axis=-1)
        - 2.0 * estimate * np.cumsum(estimate * greenwood + cross, axis=-1)
        + np.cumsum(estimate**2 * greenwood + at_step + 2.0 * estimate * cross, axis=-1)
    )
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def _before(survival: FloatArray) -> FloatArray:
    """Survival just before each step."""
    return np.insert(survival, 0, 1.0, axis=-1)[..., :-1]


def _after(curve: Any, steps: IntArray) -> Any:
    """A curve's value after each number of steps; 0 before the first."""
    return _picked(np.insert(curve, 0, 0, axis=-1), steps)


def _picked(values: Any, place: IntArray) -> Any:
    """The values at a place along the last axis: one of each point, or any number of a single curve."""
    return values[place] if values.ndim == 1 else values[np.arange(len(values)), place]


# --- Differences of median times, by a bootstrap of whole groups of replicates

#: Draws of the bootstrap: enough that a 95% percentile limit hardly moves with another seed.
BOOTSTRAP_DRAWS = 1000

#: Groups that the bootstrap draws from: many enough that drawing groups is as good as drawing
#: replicates, few enough that a million replicates cost no more than a few thousand.
BOOTSTRAP_GROUPS = 400

#: Fixed, so that the same results folder always gives the same interval.
BOOTSTRAP_SEED = 1998

#: Half-width, in standard errors of the incidence, of the window in which bootstrap medians fall.
_WINDOW = 8.0

#: Times before that window are pooled into no more bins than this, and those within it likewise.
_BINS_BEFORE = 100
_BINS_AROUND = 400

#: Bootstrap samples worked on at a time, so that they stay in a processor's cache.
_DRAWS_AT_ONCE = 50

#: Whole numbers that single precision holds exactly, and their sums, lie below this.
_EXACT_BELOW = 2**24


class MedianTime(NamedTuple):
    """The hours by which half have had the event, in the sample and in each bootstrap sample.

    Infinite where half never have.
    """

    hours: float
    draws: FloatArray


def median_difference(scenario: MedianTime, reference: MedianTime) -> Estimate:
    """Difference in the time by which half have had the event, in hours.

    The interval is the bootstrap's percentile interval. It is that of paired replicates if both
    medians were drawn in the same stream from the same replicates, and that of independent
    samples if the streams differ (see `median_time`). A limit is NaN when too many draws have no
    median; all is NaN when half is never reached in one of the two.
    """
    if not np.isfinite((scenario.hours, reference.hours)).all():
        return UNKNOWN
    with np.errstate(invalid="ignore"):
        differences = scenario.draws - reference.draws
    # Where neither has one the difference could be anything: low for the lower limit, high for the upper.
    neither, tail = np.isnan(differences), (1.0 - CONFIDENCE) / 2.0
    lower, upper = (
        float(np.quantile(np.where(neither, far, differences), level, method="inverted_cdf"))
        for far, level in ((-np.inf, tail), (np.inf, 1.0 - tail))
    )
    return Estimate(
        scenario.hours - reference.hours,
        lower if np.isfinite(lower) else float("nan"),
        upper if np.isfinite(upper) else float("nan"),
    )


def median_time(
    curve: CumulativeIncidence,
    stream: int = 0,
    draws: int = BOOTSTRAP_DRAWS,
    groups: int = BOOTSTRAP_GROUPS,
) -> MedianTime:
    """The median time of a curve's first cause with bootstrap samples of it.

    The replicates are dealt into up to `groups` groups by their place. Each group is counted
    once into bins of time; a bootstrap sample takes as many groups as there are, with replacement
    (multinomial weights), and adds up their counts. Groups of independent replicates are
    independent of one another and alike, so drawing groups is a bootstrap like drawing replicates
    (Efron and Tibshirani 1993, *An Introduction to the Bootstrap*, sections 8.3 and 13.3), at a
    cost that does not grow with their number. Two curves with the same rows and the same
    `stream` are drawn with the same groups and weights: their medians are then paired.

    Up to some hundreds of distinct times the bins are the times themselves. Beyond that they are
    finest around the median, where they are far narrower than its standard error.

    In small batches (hundreds of replicates) the interval of a paired difference errs on the wide
    side: a sample median is rougher than the difference that the pairs leave.
    """
    reached = float(curve.quantile().estimate)
    if not np.isfinite(reached):
        return MedianTime(np.inf, np.full(draws, np.inf))
    groups = min(groups, curve.rows)
    starts = _bin_starts(curve)
    counts = np.hstack(_counts_by_group(curve, groups, starts))
    # Whole numbers, whose sums single precision holds exactly: as groups differ by one replicate at
    # most in size, no sample has twice as many replicates as there are.
    if 2 * curve.rows < _EXACT_BELOW:
        counts = counts.astype(np.float32)
    weights = _weights(stream, draws, groups).astype(counts.dtype)
    bin_ends = curve.times[np.append(starts[1:], len(curve.times)) - 1]
    sums = weights @ counts
    medians = np.empty(draws)
    for first in range(0, draws, _DRAWS_AT_ONCE):
        some = slice(first, first + _DRAWS_AT_ONCE)
        medians[some] = _medians(sums[some].astype(np.float64), bin_ends)
    return MedianTime(reached, medians)


@lru_cache(maxsize=8)
def _weights(stream: int, draws: int, groups: int) -> NDArray[np.int64]:
    """How often each bootstrap sample takes each group, shape `(draws, groups)`; not to be written to."""
    generator = np.random.Generator(np.random.Philox(seed=[BOOTSTRAP_SEED, stream]))
    return generator.multinomial(groups, np.full(groups, 1.0 / groups), size=draws)


def _medians(counts: FloatArray, bin_ends: FloatArray) -> FloatArray:
    """The median time of each sample, of its first-cause events, all events and numbers at risk in each bin."""
    own, every, at_risk = np.hsplit(counts, 3)
    at_risk = np.maximum(at_risk, 1.0)  # nobody at risk: no events either
    survival = np.cumprod(1.0 - every / at_risk, axis=1)
    before = np.hstack((np.ones((len(counts), 1)), survival[:, :-1]))
    incidence = np.cumsum(before * own / at_risk, axis=1)
    reached = incidence >= 0.5 - TOLERANCE
    found: FloatArray = np.where(reached.any(axis=1), bin_ends[np.argmax(reached, axis=1)], np.inf)
    return found


def _bin_starts(curve: CumulativeIncidence) -> NDArray[np.intp]:
    """First step of each bin: fine up to and around the median, one bin for all that comes after.

    The window around the median is so wide that no bootstrap sample's median leaves it.
    """
    near = np.flatnonzero(
        np.abs(curve.estimate[0] - 0.5) <= _WINDOW * curve.standard_error[0] + TOLERANCE
    )
    middle = int(np.argmax(curve.estimate[0] >= 0.5 - TOLERANCE))
    first = min(int(near[0]), middle) if near.size else middle
    after = max(int(near[-1]), middle) + 1 if near.size else middle + 1

    def bins(start: int, stop: int, most: int) -> NDArray[np.intp]:
        number = min(stop - start, most)
        return np.linspace(start, stop, number, endpoint=False).astype(np.intp)

    starts = np.concatenate(
        (bins(0, first, _BINS_BEFORE), bins(first, after, _BINS_AROUND), [after])
    )
    return starts[starts < len(curve.times)].astype(np.intp)


def _counts_by_group(
    curve: CumulativeIncidence, groups: int, starts: NDArray[np.intp]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """First-cause events, all events and numbers at risk, each of shape `(groups, bins)`."""
    bins = len(starts)
    rows = np.flatnonzero(curve.row_step >= 0)
    group = rows % groups
    step = curve.row_step[rows].astype(np.intp)  # steps at or before the row's time
    cause = curve.row_cause[rows]
    by_step = np.arange(len(curve.times) + 1)
    bin_of_event = np.searchsorted(starts, by_step - 1, side="right") - 1
    first_bin_missed = np.searchsorted(starts, by_step, side="left")

    def count(chosen: BoolArray, bin_of: NDArray[np.intp], width: int) -> FloatArray:
        slot = group[chosen] * width + bin_of[step[chosen]]
        counts = np.bincount(slot, minlength=groups * width).reshape(groups, width)
        return counts.astype(np.float64)

    everyone = np.ones(len(rows), dtype=np.bool_)
    left = count(everyone, first_bin_missed, bins + 1)
    at_risk = left.sum(axis=1, keepdims=True) - np.cumsum(left[:, :bins], axis=1)
    return count(cause == 1, bin_of_event, bins), count(cause > 0, bin_of_event, bins), at_risk
