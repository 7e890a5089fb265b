"""Cumulative incidence with competing endings and censoring: the Aalen-Johansen estimator.

"How quickly does a ceasefire come?" cannot be answered by an average over the crises that had
one. Some crises end otherwise (then no ceasefire can come any more) and some are still going on
when they stop being watched (then nothing is known about later). The Aalen-Johansen estimator
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

Sources
-------
Aalen and Johansen (1978), An empirical transition matrix for non-homogeneous Markov chains based
on censored observations, *Scandinavian Journal of Statistics* 5:141-150.
Gaynor et al. (1993), On the use of cause-specific failure and conditional failure probabilities,
*Journal of the American Statistical Association* 88:400-409.
Marubini and Valsecchi (1995), *Analysing Survival Data from Clinical Trials and Observational
Studies*, chapter 10.
Allignol, Schumacher and Beyersmann (2010), A note on variance estimation of the Aalen-Johansen
estimator of the cumulative incidence function in competing risks, *Biometrical Journal*
52:126-137.
Efron and Tibshirani (1993), *An Introduction to the Bootstrap*, chapter 21 (influence values and
the infinitesimal jackknife).
Brookmeyer and Crowley (1982), A confidence interval for the median survival time, *Biometrics*
38:29-41 (a quantile's interval from inverting the band).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crisis_sim.outcomes.intervals import (
    CONFIDENCE,
    Estimate,
    FloatArray,
    Interval,
    complementary_log_log_interval,
)

IntArray = NDArray[np.int64]

#: Slack in comparing times (hours) and levels, for sums that rounding left a hair short.
_TOLERANCE = 1e-9

#: Fewer crises at risk than this are too few to carry a curve's tail.
_FEW_AT_RISK = 10


@dataclass(frozen=True, slots=True)
class IncidenceAt:
    """Cumulative incidence of one kind of event by one moment.

    Attributes:
        hours: The moment, in hours on the curve's clock.
        estimate: Cumulative incidence, 0 to 1; NaN when nobody was watched for that long.
        lower: Lower confidence limit.
        upper: Upper confidence limit.
        standard_error: Standard error of `estimate`.
        at_risk: Replicates still watched and without an event just before that moment.
    """

    hours: float
    estimate: float
    lower: float
    upper: float
    standard_error: float
    at_risk: int


@dataclass(frozen=True, eq=False)
class CumulativeIncidence:
    """Aalen-Johansen curves, one for each kind of event, as right-continuous step functions.

    The value before the first step is 0, and from the last step on it stays. Confidence limits are
    pointwise: each holds at one time, not at all times at once.

    Attributes:
        causes: Names of the kinds of event; the first axis of the arrays of two dimensions.
        times: Hours at which some event happened, increasing, shape `(steps,)`.
        at_risk: Replicates watched and without an event just before each time, `(steps,)`.
        events: Events of each kind at each time, `(causes, steps)`.
        survival: Share without any event just after each time, `(steps,)`.
        estimate: Cumulative incidence just after each time, `(causes, steps)`.
        standard_error: Its standard error, `(causes, steps)`.
        rows: Replicates given, on this clock or not.
        started: Replicates on this clock: watched from hour 0.
        watched_until: Longest time that a replicate was watched, in hours; NaN if none started.
        confidence: Confidence level of the limits.
        row_step: For each row how many steps lie at or before its time, -1 if it never started.
        row_cause: For each row the kind of its event counted from 1, or 0 if censored.
        row_time_sorted: The times of the rows that started, increasing.
    """

    causes: tuple[str, ...]
    times: FloatArray
    at_risk: IntArray
    events: IntArray
    survival: FloatArray
    estimate: FloatArray
    standard_error: FloatArray
    rows: int
    started: int
    watched_until: float
    confidence: float
    row_step: NDArray[np.int32] = field(repr=False)
    row_cause: NDArray[np.int8] = field(repr=False)
    row_time_sorted: FloatArray = field(repr=False)

    def at(self, hours: float, cause: str | None = None) -> IncidenceAt:
        """Cumulative incidence of a cause (the first unless named) by `hours`.

        Past the longest time that any replicate was watched the incidence is unknown (NaN), unless
        every replicate had its event by then.

        Raises:
            ValueError: `cause` is none of this curve's causes.
        """
        k = self._index(cause)
        too_late = hours > self.watched_until + _TOLERANCE and not self._everyone_ended
        if self.started == 0 or too_late:
            nan = float("nan")
            return IncidenceAt(hours, nan, nan, nan, nan, 0)
        at_risk = self.started - int(
            np.searchsorted(self.row_time_sorted, hours - _TOLERANCE, side="left")
        )
        steps = self._steps_by(hours)
        if steps == 0:
            estimate, standard_error, known = 0.0, 0.0, at_risk
        else:
            estimate = float(self.estimate[k, steps - 1])
            standard_error = float(self.standard_error[k, steps - 1])
            known = int(self.known[steps - 1])
        limits = complementary_log_log_interval(estimate, standard_error, known, self.confidence)
        return IncidenceAt(
            hours, estimate, float(limits.lower), float(limits.upper), standard_error, at_risk
        )

    def latest(self, horizon_hours: float) -> float:
        """The last moment up to `horizon_hours` for which the curve is well founded.

        Where watches end at different times the last few crises at risk would carry the whole
        curve. So it is read no later than ten (or a tenth of those that started) are at risk.
        """
        if self.started == 0 or self._everyone_ended:
            return horizon_hours
        end = min(horizon_hours, self.watched_until)
        ended_before = int(self.events[:, self.times < end].sum())
        if self.at(end).at_risk + ended_before == self.started:  # nobody was censored before
            return end
        few = min(_FEW_AT_RISK, math.ceil(self.started / _FEW_AT_RISK))
        return min(end, float(self.row_time_sorted[-few]))

    @property
    def known(self) -> IntArray:
        """Replicates whose state at each step is known: none of them censored before it."""
        ended_before = np.cumsum(self.events.sum(axis=0)) - self.events.sum(axis=0)
        return np.asarray(self.at_risk + ended_before, dtype=np.int64)

    def band(self, cause: str | None = None) -> Interval:
        """Confidence limits of a cause (the first unless named) just after each step, `(steps,)`.

        Raises:
            ValueError: `cause` is none of this curve's causes.
        """
        k = self._index(cause)
        return complementary_log_log_interval(
            self.estimate[k], self.standard_error[k], self.known, self.confidence
        )

    def on_grid(
        self, hours: ArrayLike, cause: str | None = None
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Estimate, lower and upper limit of a cause at many moments, for drawing.

        Moments past `watched_until` are NaN, as in `at`.

        Raises:
            ValueError: `cause` is none of this curve's causes.
        """
        k = self._index(cause)
        grid = np.atleast_1d(np.asarray(hours, dtype=np.float64))
        steps = np.searchsorted(self.times, grid + _TOLERANCE, side="right")
        at_risk = self.started - np.searchsorted(self.row_time_sorted, grid - _TOLERANCE)
        estimate = np.concatenate([[0.0], self.estimate[k]])[steps]
        standard_error = np.concatenate([[0.0], self.standard_error[k]])[steps]
        known = np.where(steps == 0, at_risk, np.concatenate([[0], self.known])[steps])
        limits = complementary_log_log_interval(estimate, standard_error, known, self.confidence)
        too_late = (grid > self.watched_until + _TOLERANCE) & (not self._everyone_ended)
        unknown = too_late | (self.started == 0)
        hidden = np.where(unknown, np.nan, 0.0)
        return estimate + hidden, limits.lower + hidden, limits.upper + hidden

    def quantile(self, level: float = 0.5, cause: str | None = None) -> Estimate | None:
        """First time at which the incidence of a cause reaches `level`, or None if it never does.

        With competing endings or censoring the incidence may stay below `level` for good; then
        there is no such time, and a mean over those that had the event would be no stand-in.

        Returns:
            Hours, with limits from inverting the pointwise band: those times at which `level`
            lies inside it. A limit is NaN when the band never gets there.

        Raises:
            ValueError: `level` is not between 0 and 1, or `cause` is none of the causes.
        """
        if not 0.0 < level < 1.0:
            raise ValueError(f"a quantile's level must lie between 0 and 1, got {level!r}")
        k = self._index(cause)
        reached = self._first_time(self.estimate[k], level)
        if np.isnan(reached):
            return None
        band = self.band(cause)
        return Estimate(
            reached, self._first_time(band.upper, level), self._first_time(band.lower, level)
        )

    def influence(self, hours: float, cause: str | None = None) -> FloatArray:
        """How much each replicate pulls the estimate at `hours`: the influence function.

        To first order the error of the estimate is the mean of these values, so the variance of
        the estimate, or of a difference of two estimates from the same replicates, is the mean
        square of the values (or of their differences) divided by the number of replicates.
        Without censoring a replicate's value is exactly its indicator (1 if the event came by
        then, else 0) less the estimate. A replicate that is not on this clock has the value 0.

        Returns:
            Values of mean zero, one for each row, shape `(rows,)`.

        Raises:
            ValueError: `cause` is none of this curve's causes.
        """
        k = self._index(cause)
        table = self._influence_table(hours, k)
        kind = np.where(self.row_cause == 0, 0, np.where(self.row_cause == k + 1, 1, 2))
        values = table[kind, np.maximum(self.row_step, 0)]
        values[self.row_step < 0] = 0.0
        return np.asarray(values, dtype=np.float64)

    def _influence_table(self, hours: float, k: int) -> FloatArray:
        """Influence by kind of row (censored, this cause, another) and by the row's step count.

        Moving a little weight to one replicate moves each step's hazards; what a step's hazards
        do to the estimate by `hours` is (for `u <= hours`, with `later = F(hours) - F(u)`)
        `S(u-) - later / (1 - h(u))` for this cause and `-later / (1 - h(u))` for others.
        A replicate adds to a step's hazards by its event there and takes away by being at risk.
        """
        table = np.zeros((3, len(self.times) + 1))
        steps = self._steps_by(hours)
        if steps == 0:
            return table
        risk = self.at_risk[:steps].astype(np.float64)
        own = self.events[k, :steps]
        every = self.events[:, :steps].sum(axis=0)
        before = np.concatenate(([1.0], self.survival[: steps - 1]))
        later = self.estimate[k, steps - 1] - self.estimate[k, :steps]
        # When all at risk have their event nothing comes later, and 0 / 0 stands for 0.
        lost = later / np.where(risk > every, risk - every, np.inf)
        exposure = np.cumsum(before * own / risk**2 - lost * every / risk)
        table[:, 1 : steps + 1] = -exposure
        table[:, steps + 1 :] = -exposure[-1]
        table[1, 1 : steps + 1] += before / risk - lost
        table[2, 1 : steps + 1] -= lost
        return table * self.rows

    @property
    def _everyone_ended(self) -> bool:
        return bool(self.survival.size) and bool(self.survival[-1] <= 0.0)

    def _index(self, cause: str | None) -> int:
        if cause is None:
            return 0
        try:
            return self.causes.index(cause)
        except ValueError:
            raise ValueError(
                f"unknown cause {cause!r}; this curve has {', '.join(self.causes)}"
            ) from None

    def _steps_by(self, hours: float) -> int:
        return int(np.searchsorted(self.times, hours + _TOLERANCE, side="right"))

    def _first_time(self, curve: FloatArray, level: float) -> float:
        """First step time at which a curve is at `level` or above; NaN if there is none."""
        reached = curve >= level - _TOLERANCE
        return float(self.times[int(np.argmax(reached))]) if reached.any() else float("nan")


def cumulative_incidence(
    time: FloatArray,
    cause: NDArray[np.integer],
    causes: Sequence[str] = ("event",),
    confidence: float = CONFIDENCE,
) -> CumulativeIncidence:
    """Estimate cumulative incidence from one time and one outcome for each replicate.

    Args:
        time: Hours from the clock's origin to the event or to censoring, shape `(rows,)`, not
            negative; NaN for a replicate that is not on this clock.
        cause: What happened then: 0 for censored, `k` for `causes[k - 1]`; shape `(rows,)`.
        causes: Names of the kinds of event, the one of interest first.
        confidence: Confidence level of the bands, between 0 and 1.

    Returns:
        The curves. Cost is one sort of the rows.

    Raises:
        ValueError: Shapes differ, a time is negative, or a cause has no name.
    """
    time = np.asarray(time, dtype=np.float64)
    row_cause = np.asarray(cause).astype(np.int8)
    if time.ndim != 1 or time.shape != row_cause.shape:
        raise ValueError(
            f"time and cause must have one shape (rows,), got {time.shape} and {row_cause.shape}"
        )
    started = ~np.isnan(time)
    if (time[started] < 0.0).any():
        raise ValueError(f"times must not be negative, got {float(np.nanmin(time))!r}")
    if row_cause.size and not 0 <= int(row_cause.min()) <= int(row_cause.max()) <= len(causes):
        raise ValueError(
            f"causes must lie between 0 (censored) and {len(causes)}, "
            f"got {int(row_cause.min())} to {int(row_cause.max())}"
        )

    in_order = np.sort(time[started])
    had_event = started & (row_cause > 0)
    times = np.unique(time[had_event])
    row_step = np.full(len(time), -1, dtype=np.int32)
    row_step[started] = np.searchsorted(times, time[started], side="right")
    steps = len(times)
    slot = (row_cause[had_event].astype(np.int64) - 1) * steps + row_step[had_event] - 1
    events = np.bincount(slot, minlength=len(causes) * steps).reshape(len(causes), steps)
    number = len(in_order)
    at_risk = number - np.searchsorted(in_order, times, side="left")

    every = events.sum(axis=0)
    survival = np.cumprod((at_risk - every) / at_risk)
    before = np.concatenate(([1.0], survival[:-1])) if steps else survival
    estimate = np.minimum(np.cumsum(before * events / at_risk, axis=1), 1.0)
    standard_error = np.stack(
        [
            _standard_error(estimate[k], events[k], every, at_risk, before)
            for k in range(len(causes))
        ]
    )
    return CumulativeIncidence(
        causes=tuple(causes),
        times=times,
        at_risk=at_risk,
        events=events,
        survival=survival,
        estimate=estimate,
        standard_error=standard_error,
        rows=len(time),
        started=number,
        watched_until=float(in_order[-1]) if number else float("nan"),
        confidence=confidence,
        row_step=row_step,
        row_cause=row_cause,
        row_time_sorted=in_order,
    )


def _standard_error(
    estimate: FloatArray, own: IntArray, every: IntArray, at_risk: IntArray, before: FloatArray
) -> FloatArray:
    """Greenwood-type standard error of one cumulative incidence at each of its steps.

    The variance at `t` sums, over the steps `u <= t` and with `later = F(t) - F(u)`,
    `later^2 d / (Y (Y - d))  +  S(u-)^2 d_k (Y - d_k) / Y^3  -  2 later S(u-) d_k / Y^2`
    (Marubini and Valsecchi 1995, chapter 10). Multiplied out in powers of `F(t)` each part is
    a running sum.
    """
    risk = at_risk.astype(np.float64)
    # When all at risk have their event nothing comes later, and infinity times 0 stands for 0.
    greenwood = every / (risk * np.where(risk > every, risk - every, np.inf))
    cross = before * own / risk**2
    at_step = before**2 * own * (risk - own) / risk**3
    variance = (
        estimate**2 * np.cumsum(greenwood)
        - 2.0 * estimate * np.cumsum(estimate * greenwood + cross)
        + np.cumsum(estimate**2 * greenwood + at_step + 2.0 * estimate * cross)
    )
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)), dtype=np.float64)
