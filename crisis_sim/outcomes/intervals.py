"""Confidence intervals for shares and quantiles, and differences of figures that take common luck out.

Every interval here is two-sided and pointwise. None of them collapses to a width of zero when an
event was never seen: "0 of 10,000" is evidence of a small share, not proof of a share of zero.

Sources, and how often the intervals hold the truth: docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

#: The confidence level of every interval in the summary.
CONFIDENCE = 0.95

#: Continuity correction: pairs taken off the agreement of two scenarios before it narrows an interval.
#: Newcombe takes half a pair. Where nearly all pairs agree, as with common luck, that is too few:
#: when two pairs in the batch are expected to differ, all in one direction, his 95% interval holds
#: the truth in 86% of batches. A whole pair makes it, in that limit, the interval of Bonett and
#: Price (2012), which adds a pair to each way of differing, and 93% the least that it holds.
CONTINUITY = 1.0

#: Standard deviations from the mean beyond which a binomial count's probabilities are negligible.
_FAR = 20.0


class Interval(NamedTuple):
    """Lower and upper confidence limits, arrays of one shape."""

    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, slots=True)
class Estimate:
    """One figure, or an array of them, and how sure it is.

    Attributes:
        estimate: The figure itself; NaN when it cannot be estimated from what was observed.
        lower, upper: Confidence limits; NaN when the data set no limit on that side.
    """

    estimate: float
    lower: float
    upper: float


#: Reported when there is nothing to estimate from.
UNKNOWN = Estimate(float("nan"), float("nan"), float("nan"))


def normal_quantile(confidence: float = CONFIDENCE) -> float:
    """How many standard errors a two-sided interval reaches to each side (1.96 for 95%)."""
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence!r}")
    return NormalDist().inv_cdf(0.5 + confidence / 2.0)


def _floats(*values: ArrayLike) -> tuple[FloatArray, ...]:
    return np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in values))


def wilson_interval(
    successes: ArrayLike, trials: ArrayLike, confidence: float = CONFIDENCE
) -> Interval:
    """Wilson's (1927) score interval for a share, from counts; NaN where `trials` is 0."""
    z_squared = normal_quantile(confidence) ** 2
    count, number = _floats(successes, trials)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(number > 0, count / number, np.nan)
        weight = 1.0 + z_squared / number
        centre = (share + z_squared / (2.0 * number)) / weight
        spread = share * (1.0 - share) / number + z_squared / (4.0 * number**2)
        reach = np.sqrt(z_squared * spread) / weight
    # At 0 and at 1 the limit is exact; rounding would leave it a hair off.
    lower = np.where(count == 0, np.where(number > 0, 0.0, np.nan), centre - reach)
    upper = np.where(count == number, np.where(number > 0, 1.0, np.nan), centre + reach)
    return Interval(lower, upper)


def complementary_log_log_interval(
    share: ArrayLike, standard_error: ArrayLike, known: ArrayLike, confidence: float = CONFIDENCE
) -> Interval:
    """Interval for a cumulative incidence, normal on the scale of `log(-log(1 - share))`.

    On that scale the limits can never leave 0 to 1 and small incidences get the long upper tail
    that they should have (Kalbfleisch and Prentice 2002, section 1.4, for one kind of event; the
    same transformation is the usual one for competing events). The scale has no place for 0 and
    1; there Wilson's limit is given, taking as trials the replicates whose state is `known` (none
    of them censored earlier).
    """
    share, standard_error, known = _floats(share, standard_error, known)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        log_survival = np.log1p(-share)
        reach = normal_quantile(confidence) * standard_error / ((1.0 - share) * -log_survival)
        lower = -np.expm1(log_survival * np.exp(-reach))
        upper = -np.expm1(log_survival * np.exp(reach))
    edge = wilson_interval(np.where(share >= 1.0, known, 0.0), known, confidence)
    inside = (share > 0.0) & (share < 1.0)
    return Interval(np.where(inside, lower, edge.lower), np.where(inside, upper, edge.upper))


def difference_interval(
    first: ArrayLike,
    first_interval: Interval,
    second: ArrayLike,
    second_interval: Interval,
    correlation: ArrayLike = 0.0,
) -> Interval:
    """Interval for `first - second`, built from the interval of each (square and add).

    Newcombe's (1998) method 10 in the general form of Zou and Donner (2008): the distances from
    each estimate to its own limits are added as if they were standard errors, less what the two
    estimates share by their `correlation`, 0 for independent samples. Limits that are not symmetric
    stay so, and a difference of "never" and "never" still gets a width.
    """
    a, b, rho = _floats(first, second, correlation)

    def reach(ours: FloatArray, theirs: FloatArray) -> FloatArray:
        # Rounding may leave a square a hair below zero when the correlation is 1.
        squared = ours**2 - 2.0 * rho * ours * theirs + theirs**2
        return np.asarray(np.sqrt(np.maximum(squared, 0.0)), dtype=np.float64)

    down = reach(a - first_interval.lower, second_interval.upper - b)
    up = reach(first_interval.upper - a, b - second_interval.lower)
    return Interval(np.maximum(a - b - down, -1.0), np.minimum(a - b + up, 1.0))


def cautious_correlation(
    correlation: ArrayLike,
    first: ArrayLike,
    first_standard_error: ArrayLike,
    second: ArrayLike,
    second_standard_error: ArrayLike,
    continuity: float = CONTINUITY,
) -> FloatArray:
    """The correlation of two estimated shares less a continuity correction, for any estimator.

    Two scenarios in which every crisis seen went alike may still differ in one crisis of those not
    seen; a correlation of 1 would leave their difference no width. Newcombe (1998b) takes so many
    pairs off the agreement of `n` pairs counted, which is `continuity / (n sqrt(p1 q1 p2 q2))` off
    the correlation, where `q = 1 - p`. With censoring the number of replicates that an estimate is
    worth is `p q / error^2`; put in the place of `n` (the geometric mean of the two) it makes that
    `continuity * error1 * error2 / (p1 q1 p2 q2)`.

    Returns:
        The correlation, never moved across 0; 0 where one of the shares is 0 or 1 (so 0 against 0
        gives the interval of two independent zeros, not a point).
    """
    rho, p, p_error, q, q_error = _floats(
        correlation, first, first_standard_error, second, second_standard_error
    )
    spread = p * (1.0 - p) * q * (1.0 - q)
    known = spread > 0.0
    less = continuity * p_error * q_error / np.where(known, spread, 1.0)
    return np.where(known, np.where(rho > 0.0, np.maximum(rho - less, 0.0), rho), 0.0)


def quantile_with_interval(
    values: FloatArray, level: float, confidence: float = CONFIDENCE
) -> Estimate:
    """A sample quantile with a distribution-free interval between two order statistics.

    The number of values below the true quantile is binomial whatever the distribution, which gives
    the ranks of the two limits: the innermost for which either misses with a chance of no more
    than half of what `confidence` leaves (Conover 1999, section 3.2). The interval therefore holds
    the quantile at least as often as it says.

    The sample stands along the last axis, in any order; NaN counts for nothing. A limit is NaN when
    the sample is too small to hold it.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"a quantile's level must lie between 0 and 1, got {level!r}")
    # NaN sorts to the end, and one more stands for a rank that the sample does not have.
    ordered = np.sort(np.append(values, np.full((*np.shape(values)[:-1], 1), np.nan), -1), axis=-1)
    number = np.asarray(np.count_nonzero(~np.isnan(ordered), axis=-1))

    def ranked(rank: IntArray) -> Any:
        known = (rank >= 0) & (rank < number)
        place = np.where(known, rank, ordered.shape[-1] - 1)[..., None]
        return np.asarray(np.take_along_axis(ordered, place, axis=-1)[..., 0])[()]

    ranks = [
        quantile_ranks(one, level, confidence) if one else (-1, 0)
        for one in number.ravel().tolist()
    ]
    below, above = np.reshape(ranks, (*number.shape, 2)).T
    middle = np.ceil(number * level - 1e-9).astype(int) - 1
    return Estimate(ranked(middle), ranked(below), ranked(above))


@lru_cache(maxsize=4096)
def quantile_ranks(number: int, level: float, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """Ranks, counted from 0, of the values that limit a quantile of a sample.

    With `B` the number of values below the quantile, the value of rank `r` lies above it when
    `B <= r`, and below it when `B > r`. The lower rank is -1 if there is none, the upper `number`.
    """
    tail = (1.0 - confidence) / 2.0
    middle, reach = int(number * level), int(_FAR * np.sqrt(number * level * (1.0 - level))) + 1
    first, last = max(middle - reach, 0), min(middle + reach, number)
    counts = np.arange(first, last, dtype=np.float64)
    # Each binomial probability is the one before it times this.
    odds = np.log((number - counts) / (counts + 1.0)) + np.log(level / (1.0 - level))
    logarithm = np.concatenate(([0.0], np.cumsum(odds)))
    chances = np.exp(logarithm - logarithm.max())
    chances /= chances.sum()
    up_to = np.cumsum(chances)
    beyond = np.cumsum(chances[::-1])[::-1]  # summed from its small end, to lose no digits
    # The last rank with P(B <= rank) <= tail, and the first with P(B > rank) <= tail.
    below = first + int(np.count_nonzero(up_to <= tail)) - 1
    above = first + int(np.count_nonzero(beyond > tail)) - 1
    return below, above


def error_from_limits(lower: Any, estimate: Any, upper: Any) -> FloatArray:
    """The standard error that two limits imply, or the one that there is."""
    down, up = estimate - lower, upper - estimate
    width = np.where(np.isnan(down), 2 * up, np.where(np.isnan(up), 2 * down, down + up))
    return np.asarray(width / (2 * normal_quantile()))


def influence_on_quantile(
    influence: FloatArray, error: FloatArray, error_of_share: FloatArray
) -> FloatArray:
    """Influence on a quantile from that on the share below it: the other way, by how steep the curve is."""
    steep = np.divide(error, error_of_share, out=np.zeros_like(error), where=error_of_share > 0)
    return np.asarray(-influence * np.nan_to_num(steep, posinf=0.0)[..., None])


def crps(quantiles: FloatArray, came: Any, levels: FloatArray) -> FloatArray:
    """The continuous ranked probability score by quantiles of shape (..., levels): twice the mean pinball loss.

    Gneiting and Raftery 2007, Strictly Proper Scoring Rules, Prediction, and Estimation.
    """
    error = np.asarray(came)[..., None] - quantiles
    return np.asarray(2 * np.maximum(levels * error, (levels - 1) * error).mean(axis=-1))


# --- Differences
#
# When two scenarios, or two points of a design, are run with one seed, replicate 4711 is the same
# crisis in both but for what is changed (common random numbers). The correlation of two figures then
# comes from their influence values, replicate by replicate; without censoring that is exactly the
# analysis of the paired indicators. Scenarios with different seeds are independent samples.


@dataclass(frozen=True, eq=False)
class Contrast:
    """Figures, their differences, or other weighted sums, with standard errors and limits; NaN where one is unknown."""

    estimate: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, eq=False)
class Measured(Contrast):
    """A figure with the influence of each replicate on it, of one scenario or at each point of a design.

    Attributes:
        estimate: the figure, `()` or `(points,)`; NaN where no replicate bears on it,
            infinite for a time that never comes.
        of: number of replicates that it is computed from.
        pull: its influence values, or a function that computes them when they are asked for.
        is_share: whether it is a share, with limits between 0 and 1.
        is_mean: whether it is a mean over replicates; shares are too, quantiles are not.
    """

    of: NDArray[np.int64]
    pull: FloatArray | Callable[[], FloatArray] = field(repr=False)
    is_share: bool = False
    is_mean: bool = False

    @cached_property
    def influence(self) -> FloatArray:
        """How much each replicate pulls the figure, `(..., replicates)`, of mean zero.

        To first order the error of the estimate is the mean of these values, so the variance of the
        estimate, or of a difference of two from the same replicates, is the mean square of the
        values (or of their differences) divided by the number of replicates (Efron and Tibshirani
        1993, chapter 21). A replicate outside the figure's denominator has the value 0.
        """
        return self.pull() if callable(self.pull) else self.pull

    @property
    def points(self) -> int:
        """How many points there are."""
        return len(self.estimate)

    def settled(self) -> Measured:
        """The same with its influence values worked out, so that nothing else is kept for them."""
        return replace(self, pull=self.influence)

    def less(self, reference: int) -> Contrast:
        """Each point less one of them, which less itself is exactly nothing."""
        theirs = replace(
            self,
            **{name: getattr(self, name)[reference] for name in _ARRAYS},
            pull=self.influence[reference],
        )
        found = difference(self, theirs)
        itself = found.estimate[reference]
        found.lower[reference] = found.upper[reference] = itself
        found.standard_error[reference] = 0.0 if self.is_share else 0.0 * itself
        return found

    def sums(self, weights: ArrayLike) -> Contrast:
        """Sums over the points with weights, `(sums, points)`, with normal limits."""
        weights = np.atleast_2d(np.asarray(weights, dtype=np.float64))
        known = np.isfinite(self.estimate)
        estimate = weights @ np.where(known, self.estimate, 0.0)
        needed = (weights != 0.0) @ ~known
        estimate = np.where(needed > 0, np.nan, estimate)
        influence = np.where(np.isfinite(self.influence), self.influence, 0.0)
        return _normal(estimate, _root_mean_square(weights @ influence))


_ARRAYS = ("estimate", "standard_error", "lower", "upper", "of")


def joined(parts: Sequence[Measured]) -> Measured:
    """A measure at the points of several parts, one part after the other."""
    if len(parts) == 1:
        return parts[0]

    def whole(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])

    return replace(parts[0], **{name: whole(name) for name in _ARRAYS}, pull=whole("influence"))


def difference(ours: Measured, theirs: Measured, paired: bool = True) -> Contrast:
    """One figure less another, `theirs` of a single scenario or point.

    Of shares the limits are Newcombe's (1998b, method 10) in the form of `difference_interval`, with
    `cautious_correlation`, so that "never" less "never" has a width, and so have scenarios in which
    every replicate went alike. Of other figures they are normal.

    Args:
        ours: the figure, or the figures at all points.
        theirs: the figure to subtract.
        paired: whether the two are of the same replicates, row by row, which share their luck; else
            they are independent samples.
    """
    with np.errstate(invalid="ignore"):
        estimate = np.asarray(ours.estimate - theirs.estimate)
    estimate = np.where(np.isfinite(estimate), estimate, np.nan)
    if paired:
        error = _root_mean_square(ours.influence - theirs.influence)
    else:
        error = np.hypot(ours.standard_error, theirs.standard_error)
    if not ours.is_share:
        # Without the error of both figures there is none of their difference.
        unsure = np.isnan(ours.standard_error) | np.isnan(theirs.standard_error)
        unsure |= ours.influence.shape[-1] < 2
        return _normal(estimate, np.where(unsure, np.nan, error))
    correlation: ArrayLike = 0.0
    if paired:
        product = ours.influence @ theirs.influence
        squares = np.einsum("...r,...r->...", ours.influence, ours.influence)
        scale = np.sqrt(squares * (theirs.influence @ theirs.influence))
        correlation = np.divide(product, scale, out=np.zeros_like(scale), where=scale > 0)
        figures = (ours.estimate, ours.standard_error, theirs.estimate, theirs.standard_error)
        correlation = cautious_correlation(np.clip(correlation, -1.0, 1.0), *figures)
    lower, upper = difference_interval(
        ours.estimate,
        Interval(ours.lower, ours.upper),
        theirs.estimate,
        Interval(theirs.lower, theirs.upper),
        correlation,
    )
    return Contrast(estimate, error, np.array(lower), np.array(upper))


def _normal(estimate: FloatArray, error: FloatArray) -> Contrast:
    reach = normal_quantile(CONFIDENCE) * error
    error = np.where(np.isnan(estimate), np.nan, error)
    return Contrast(estimate, error, estimate - reach, estimate + reach)


def _root_mean_square(influence: FloatArray) -> FloatArray:
    """The standard error that influence values imply: their root mean square over the root of their number."""
    squares = np.einsum("...r,...r->...", influence, influence)
    return np.asarray(np.sqrt(squares) / max(influence.shape[-1], 1))
