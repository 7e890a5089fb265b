"""Cumulative incidence with competing endings and censoring: the Aalen-Johansen estimator.

An average over the crises with a ceasefire does not show how quickly ceasefires come: some crises end
otherwise, and some are still going on when the observation ends. The Aalen-Johansen estimator (Aalen
and Johansen 1978) uses every crisis for as long as it was observed. With one kind of event it is one
minus the Kaplan-Meier estimator; without censoring it is a proportion.

With `Y(u)` crises at risk just before time `u`, `d_k(u)` events of kind `k` and `d(u)`
events of any kind at `u`::

    S(t)   = product over u <= t of (1 - d(u) / Y(u))        still without any event
    F_k(t) = sum over u <= t of S(u-) d_k(u) / Y(u)          had an event of kind k

A crisis censored at `u` counts as at risk at `u`: at the same time, events come before censoring.

The standard error is of Greenwood's type (Gaynor et al. 1993; Marubini and Valsecchi 1995; compared
with others by Allignol, Schumacher and Beyersmann 2010), as in statsmodels. It is identical to the
infinitesimal jackknife, so it equals the root mean square of the influence values computed here and,
without censoring, the binomial standard error.

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

#: Tolerance for rounding errors in comparisons of times (hours) and levels.
TOLERANCE = 1e-9

#: The tail of a curve needs at least this many crises at risk.
_FEW_AT_RISK = 10


@dataclass(frozen=True, eq=False)
class CumulativeIncidence:
    """Aalen-Johansen curves, one for each kind of event, as right-continuous step functions.

    The value is 0 before the first step and constant after the last. Confidence limits are pointwise:
    they are valid at one time, not at all times at once. Curves at many points of a design share one
    grid of times and have an axis for the points, here `...`, before the last axis.

    Attributes:
        causes: Names of the kinds of event, along the first axis of `events`, `estimate` and `standard_error`.
        times: Hours at which some event happened, increasing, shape `(steps,)`.
        at_risk: Replicates observed and without an event just before each time, `(..., steps)`.
        events: Events of each kind at each time, `(causes, ..., steps)`.
        every: Events of any kind, `(..., steps)`.
        survival: Share without any event just after each time, `(..., steps)`.
        estimate: Cumulative incidence just after each time, `(causes, ..., steps)`.
        standard_error: Its standard error, `(causes, ..., steps)`.
        confidence: Confidence level of the limits.
        row_time: Hours to each replicate's event or censoring, NaN if it is not on this clock,
            `(..., rows)`.
        row_cause: The kind of each replicate's event, from 1, or 0 if censored.
        row_step: The number of steps at or before each replicate's time, -1 if it is not on this clock.
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
        """The number of replicates, on this clock or not."""
        return int(self.row_time.shape[-1])

    @cached_property
    def started(self) -> Any:
        """The number of replicates on this clock, observed from hour 0."""
        counts = np.asarray(np.count_nonzero(self.row_step >= 0, axis=-1))
        return counts if counts.ndim else int(counts)

    @cached_property
    def watched_until(self) -> Any:
        """The longest observation of a replicate, in hours; NaN if none started."""
        longest = np.fmax.reduce(self.row_time, axis=-1, initial=-np.inf)
        return np.where(self.started > 0, longest, np.nan)[()]

    def at(self, hours: ArrayLike, cause: str | None = None) -> Measured:
        """Return the cumulative incidence of a cause (by default the first) at one or more times.

        After the longest observation the incidence is unknown (NaN), unless every replicate had its
        event by then.

        Args:
            hours: Times on the curve's clock: one for each point of a design, or any number for a
                single curve.
            cause: One of the curve's causes.

        Raises:
            ValueError: `cause` is not one of this curve's causes.
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
        """Return the number of replicates observed and without an event just before given times."""
        times = np.asarray(hours) - TOLERANCE
        if self.row_time.ndim == 1:
            return self.started - np.searchsorted(self._sorted_times, times)
        return np.count_nonzero(self.row_time >= times[..., None], axis=-1)

    def latest(self, horizon_hours: float) -> Any:
        """Return the latest time up to `horizon_hours` at which the curve is reliable.

        If observations end at different times, the end of the curve rests on a few crises. So the
        latest time is when ten crises, or a tenth of those that started, are still at risk.
        """
        if not self.rows:
            return horizon_hours
        end = np.fmin(horizon_hours, self.watched_until)
        cut_short = (self.row_cause == 0) & (self.row_time < end[..., None] - TOLERANCE)
        few = np.minimum(_FEW_AT_RISK, np.ceil(self.started / _FEW_AT_RISK)).astype(int)
        tail = _pick(self._sorted_times, np.minimum(self.started - few, self.rows - 1))
        end = np.where(cut_short.any(axis=-1), np.fmin(end, tail), end)
        return np.where((self.started == 0) | self._everyone_ended, horizon_hours, end)[()]

    def band(self, cause: str | None = None) -> Interval:
        """Return the confidence limits of a cause (by default the first) just after each step."""
        k = self._index(cause)
        return complementary_log_log_interval(
            self.estimate[k], self.standard_error[k], self._known, self.confidence
        )

    def quantile(self, level: float = 0.5, cause: str | None = None, unit: float = 1.0) -> Measured:
        """Return the first time at which the incidence of a cause reaches `level`, or infinity.

        With competing endings or censoring the incidence may never reach `level`. A mean over the
        replicates with the event would be no substitute.

        Args:
            level: The share, between 0 and 1.
            cause: One of the curve's causes; by default the first.
            unit: The unit of the result, in hours.

        Returns:
            The time, with limits from inverting the pointwise band: the range of times at which `level`
            is inside it. A limit is NaN if the band never reaches `level`. The standard error and the
            influence values follow from the limits (Woodruff's argument: the error of the curve divided
            by its slope).

        Raises:
            ValueError: `level` is not between 0 and 1, or `cause` is not one of the causes.
        """
        if not 0.0 < level < 1.0:
            raise ValueError(f"a quantile's level must lie between 0 and 1, got {level!r}")
        k, band = self._index(cause), self.band(cause)
        padded = np.concatenate([[np.nan], self.times]) / unit

        def steps_to(curve: FloatArray) -> IntArray:
            """The number of steps until a curve reaches the level, 0 if it never does."""
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
        """Return the influence of each replicate on the estimate of cause `k` after `steps` steps.

        A small weight on one replicate changes the hazards of each step `u`. With `later` the increase of
        the estimate after `u`, the derivative of the estimate is `S(u-) - later / (1 - h(u))` with respect
        to the hazard of this cause, and `-later / (1 - h(u))` with respect to that of others. A replicate
        raises the hazard at its event and lowers the hazards of the steps at which it is at risk. Without
        censoring its influence is its indicator (1 if the event came by then) minus the estimate.
        """
        counted = np.arange(len(self.times)) < steps[..., None]
        own, every = self.events[k] * counted, self.every * counted
        risk, before = np.maximum(self.at_risk, 1.0), _before(self.survival)
        later = (_after(self.estimate[k], steps)[..., None] - self.estimate[k]) * counted
        # If all at risk have their event, nothing comes later, and 0 / 0 counts as 0.
        lost = later / np.where(risk > every, risk - every, np.inf)
        exposure = np.cumsum(before * own / risk**2 - lost * every / risk, axis=-1)
        # By the kind of a replicate's end (censored, this cause, another) and its number of steps.
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
        """The number of replicates not censored before each step."""
        return np.asarray(self.at_risk + np.cumsum(self.every, axis=-1) - self.every)

    @property
    def _everyone_ended(self) -> BoolArray:
        return np.asarray((self.survival[..., -1:] <= 0.0).any(axis=-1))

    @cached_property
    def _sorted_times(self) -> FloatArray:
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
    """Estimate cumulative incidence from the time and outcome of each replicate.

    Args:
        time: Hours from the clock's origin to the event or to censoring, not negative, shape
            `(rows,)`, or `(points, rows)` for a curve at each point; NaN for a replicate that is not
            on this clock.
        cause: 0 for censored, `k` for `causes[k - 1]`; same shape as `time`.
        causes: Names of the kinds of event, the event of interest first.
        confidence: Confidence level of the bands, between 0 and 1.
        first_only: Return only the curve of the first kind; the others still compete with it.

    Returns:
        The curves. The cost is one sort of the rows.

    Raises:
        ValueError: Shapes differ, a time is negative, or a cause has no name.
    """
    time = np.asarray(time, dtype=np.float64)
    row_cause = np.asarray(cause).astype(np.int8)
    if time.ndim not in (1, 2) or time.shape != row_cause.shape:
        raise ValueError(
            f"time and cause must have the same shape (rows,), got {time.shape} and {row_cause.shape}"
        )
    if (time < 0.0).any():
        raise ValueError(f"times must not be negative, got {float(np.nanmin(time))!r}")
    if row_cause.size and not 0 <= int(row_cause.min()) <= int(row_cause.max()) <= len(causes):
        raise ValueError(
            f"causes must lie between 0 (censored) and {len(causes)}, "
            f"got {int(row_cause.min())} to {int(row_cause.max())}"
        )
    names = tuple(causes[:1] if first_only else causes)
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
        """The number of rows with each number of steps, for each curve."""
        return np.bincount(slot[rows], minlength=width * number).reshape(*curves, width)

    events = np.stack(
        [counted(had_event & (row_cause == k + 1))[..., 1:] for k in range(len(names))]
    )
    every = counted(had_event)[..., 1:]
    # Rows with fewer steps left before this one.
    at_risk = started.sum(axis=-1)[..., None] - np.cumsum(counted(started), axis=-1)[..., :-1]
    risk = np.maximum(at_risk, 1.0)
    survival = np.cumprod((risk - every) / risk, axis=-1)
    before = _before(survival)
    estimate = np.minimum(np.cumsum(before * events / risk, axis=-1), 1.0)
    return CumulativeIncidence(
        causes=names,
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
    """Greenwood-type standard error of each cumulative incidence at each step.

    The variance at `t` is the sum, over the steps `u <= t` and with `later = F(t) - F(u)`, of
    `later^2 d / (Y (Y - d))  +  S(u-)^2 d_k (Y - d_k) / Y^3  -  2 later S(u-) d_k / Y^2`
    (Marubini and Valsecchi 1995, chapter 10). Expanded in powers of `F(t)`, each term is a
    cumulative sum.
    """
    # If all at risk have their event, nothing comes later, and infinity times 0 counts as 0.
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
    """The survival just before each step."""
    return np.insert(survival, 0, 1.0, axis=-1)[..., :-1]


def _after(curve: Any, steps: IntArray) -> Any:
    """A curve's value after each number of steps; 0 after none."""
    return _pick(np.insert(curve, 0, 0, axis=-1), steps)


def _pick(values: Any, index: IntArray) -> Any:
    """Values at an index along the last axis: one for each point, or any number for a single curve."""
    return values[index] if values.ndim == 1 else values[np.arange(len(values)), index]


# --- Differences of median times, by a bootstrap of groups of replicates

#: Bootstrap draws: enough that a 95% percentile limit hardly depends on the seed.
BOOTSTRAP_DRAWS = 1000

#: Groups to draw from: enough that drawing groups is as good as drawing replicates, and few
#: enough that a million replicates cost no more than a few thousand.
BOOTSTRAP_GROUPS = 400

#: Fixed, so that the same results always give the same interval.
BOOTSTRAP_SEED = 1998

#: Half-width of the window around the median, in standard errors of the incidence.
_WINDOW = 8.0

#: The maximum number of bins of times before that window, and within it.
_BINS_BEFORE = 100
_BINS_AROUND = 400

#: Bootstrap samples computed at a time, to fit into a processor's cache.
_DRAWS_AT_ONCE = 50

#: Whole numbers below this are exact in single precision.
_EXACT_BELOW = 2**24


class MedianTime(NamedTuple):
    """The median hours to an event, in the sample and in each bootstrap sample; infinite if never reached."""

    hours: float
    draws: FloatArray


def median_difference(scenario: MedianTime, reference: MedianTime) -> Estimate:
    """Return the difference of two median times, in hours, with the bootstrap's percentile interval.

    The samples are paired if both medians were drawn with the same stream from the same replicates,
    and independent if the streams differ (see `median_time`). A limit is NaN if too many draws have
    no median; everything is NaN if one of the medians does not exist.
    """
    if not np.isfinite((scenario.hours, reference.hours)).all():
        return UNKNOWN
    with np.errstate(invalid="ignore"):
        differences = scenario.draws - reference.draws
    # If neither draw has a median, the difference is unknown: lowest for the lower limit, highest for the upper.
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
    """Return the median time of a curve's first cause, with bootstrap samples.

    The replicates are divided by row number into up to `groups` groups, and the events of each group
    are counted in bins of time. A bootstrap sample draws as many groups as there are, with replacement
    (multinomial weights), and adds their counts. Since groups of independent replicates are independent
    and identically distributed, drawing groups is a valid bootstrap (Efron and Tibshirani 1993,
    *An Introduction to the Bootstrap*, sections 8.3 and 13.3) whose cost does not grow with the number
    of replicates. Two curves with the same rows and the same `stream` use the same groups and weights,
    so their medians are paired.

    Up to a few hundred distinct times, the bins are the times themselves. Otherwise they are narrowest
    around the median, where they are far narrower than its standard error.

    In small batches (hundreds of replicates) the interval of a paired difference is conservative,
    because a sample median varies more than the difference of paired medians.
    """
    reached = float(curve.quantile().estimate)
    if not np.isfinite(reached):
        return MedianTime(np.inf, np.full(draws, np.inf))
    groups = min(groups, curve.rows)
    starts = _bin_starts(curve)
    counts = np.hstack(_counts_by_group(curve, groups, starts))
    # Sums of whole numbers, exact in single precision: group sizes differ by at most one, so no
    # sample has twice as many replicates as there are.
    if 2 * curve.rows < _EXACT_BELOW:
        counts = counts.astype(np.float32)
    weights = _weights(stream, draws, groups).astype(counts.dtype)
    bin_ends = curve.times[np.append(starts[1:], len(curve.times)) - 1]
    sums = weights @ counts
    medians = np.empty(draws)
    for first in range(0, draws, _DRAWS_AT_ONCE):
        chunk = slice(first, first + _DRAWS_AT_ONCE)
        medians[chunk] = _medians(sums[chunk].astype(np.float64), bin_ends)
    return MedianTime(reached, medians)


@lru_cache(maxsize=8)
def _weights(stream: int, draws: int, groups: int) -> NDArray[np.int64]:
    """The weight of each group in each bootstrap sample, shape `(draws, groups)`; cached, so read-only."""
    generator = np.random.Generator(np.random.Philox(seed=[BOOTSTRAP_SEED, stream]))
    return generator.multinomial(groups, np.full(groups, 1.0 / groups), size=draws)


def _medians(counts: FloatArray, bin_ends: FloatArray) -> FloatArray:
    """The median time of each sample, from its first-cause events, all events and numbers at risk in each bin."""
    own, every, at_risk = np.hsplit(counts, 3)
    at_risk = np.maximum(at_risk, 1.0)  # nobody at risk: no events either
    survival = np.cumprod(1.0 - every / at_risk, axis=1)
    before = np.hstack((np.ones((len(counts), 1)), survival[:, :-1]))
    incidence = np.cumsum(before * own / at_risk, axis=1)
    reached = incidence >= 0.5 - TOLERANCE
    return np.asarray(np.where(reached.any(axis=1), bin_ends[np.argmax(reached, axis=1)], np.inf))


def _bin_starts(curve: CumulativeIncidence) -> NDArray[np.intp]:
    """The first step of each bin: bins before and around the median, and one for all later steps.

    The window around the median is so wide that it contains the median of every bootstrap sample.
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
