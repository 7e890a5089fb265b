"""Confidence intervals for shares and quantiles, and paired differences of figures.

All intervals are two-sided and pointwise. An interval has a width even if an event never happened:
"0 of 10,000" is evidence of a small share, not proof of a share of zero.

docs/statistics.md has the sources and the coverage of the intervals.
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

#: The confidence level of all intervals in the summary.
CONFIDENCE = 0.95

#: Continuity correction: the number of pairs by which the agreement of two scenarios is reduced. Newcombe's
#: is half a pair. If nearly all pairs agree, as with common random numbers, that is too few: when two pairs in
#: the batch are expected to differ, both in the same direction, the coverage of his 95% interval is 86%. With a
#: whole pair it is, in that limit, the interval of Bonett and Price (2012), which adds a pair to each direction,
#: and the coverage is at least 93%.
CONTINUITY = 1.0

#: A binomial count's probabilities are negligible beyond this many standard deviations from the mean.
_FAR = 20.0


class Interval(NamedTuple):
    """Lower and upper confidence limits, arrays of the same shape."""

    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, or an array of figures, with confidence limits.

    Attributes:
        estimate: The figure; NaN if it cannot be estimated.
        lower, upper: Confidence limits; NaN if the data do not determine them.
    """

    estimate: float
    lower: float
    upper: float


#: The estimate without data.
UNKNOWN = Estimate(float("nan"), float("nan"), float("nan"))


def normal_quantile(confidence: float = CONFIDENCE) -> float:
    """Return the half-width of a two-sided interval in standard errors (1.96 for 95%)."""
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence!r}")
    return NormalDist().inv_cdf(0.5 + confidence / 2.0)


def _floats(*values: ArrayLike) -> tuple[FloatArray, ...]:
    return np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in values))


def wilson_interval(
    successes: ArrayLike, trials: ArrayLike, confidence: float = CONFIDENCE
) -> Interval:
    """Return Wilson's (1927) score interval for a share, from counts; NaN if `trials` is 0."""
    z_squared = normal_quantile(confidence) ** 2
    count, number = _floats(successes, trials)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(number > 0, count / number, np.nan)
        weight = 1.0 + z_squared / number
        centre = (share + z_squared / (2.0 * number)) / weight
        spread = share * (1.0 - share) / number + z_squared / (4.0 * number**2)
        reach = np.sqrt(z_squared * spread) / weight
    # At 0 and at 1 the limit is exact; rounding would make it slightly wrong.
    lower = np.where(count == 0, np.where(number > 0, 0.0, np.nan), centre - reach)
    upper = np.where(count == number, np.where(number > 0, 1.0, np.nan), centre + reach)
    return Interval(lower, upper)


def complementary_log_log_interval(
    share: ArrayLike, standard_error: ArrayLike, known: ArrayLike, confidence: float = CONFIDENCE
) -> Interval:
    """Return an interval for a cumulative incidence, normal on the scale of `log(-log(1 - share))`.

    On that scale the limits are always between 0 and 1, and small incidences get a long upper tail
    (Kalbfleisch and Prentice 2002, section 1.4, for one kind of event; the transformation is also usual
    for competing events). It is undefined at 0 and 1; there the limit is Wilson's, with the replicates
    whose state is `known` (not censored earlier) as trials.
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
    """Return an interval for `first - second` from the interval of each (square and add).

    Newcombe's (1998) method 10 in the general form of Zou and Donner (2008): the distances from
    each estimate to its limits are combined like standard errors with the given `correlation`,
    0 for independent samples. Asymmetric limits stay asymmetric, and a difference of two shares of 0
    still has a width.
    """
    a, b, rho = _floats(first, second, correlation)

    def reach(ours: FloatArray, theirs: FloatArray) -> FloatArray:
        # With a correlation of 1, rounding may make a square slightly negative.
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
    """Reduce the correlation of two estimated shares by a continuity correction, for any estimator.

    Two scenarios with the same outcome in all observed crises may still differ in others; with a
    correlation of 1 their difference would have no width. Newcombe (1998b) reduces the agreement of
    `n` pairs by `continuity` pairs, which reduces the correlation by
    `continuity / (n sqrt(p1 q1 p2 q2))`, where `q = 1 - p`. With censoring, the effective number of
    replicates of an estimate is `p q / error^2`; with the geometric mean of the two in place of `n`,
    the reduction is `continuity * error1 * error2 / (p1 q1 p2 q2)`.

    Returns:
        The correlation, with its sign unchanged; 0 if one of the shares is 0 or 1 (so two shares of 0
        have the interval of two independent zeros, not a point).
    """
    rho, p, p_error, q, q_error = _floats(
        correlation, first, first_standard_error, second, second_standard_error
    )
    spread = p * (1.0 - p) * q * (1.0 - q)
    known = spread > 0.0
    reduction = continuity * p_error * q_error / np.where(known, spread, 1.0)
    return np.where(known, np.where(rho > 0.0, np.maximum(rho - reduction, 0.0), rho), 0.0)


def quantile_with_interval(
    values: FloatArray, level: float, confidence: float = CONFIDENCE
) -> Estimate:
    """Return a sample quantile with a distribution-free interval between two order statistics.

    The number of values below the true quantile is binomial for any distribution. The limits are the
    innermost order statistics that each miss the quantile with a probability of at most
    `(1 - confidence) / 2` (Conover 1999, section 3.2), so the coverage is at least `confidence`.

    The sample is along the last axis, in any order; NaN is ignored. A limit is NaN if the sample is
    too small for it.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"a quantile's level must lie between 0 and 1, got {level!r}")
    # NaN sorts to the end; one more is added for ranks that the sample does not have.
    ordered = np.sort(np.append(values, np.full((*np.shape(values)[:-1], 1), np.nan), -1), axis=-1)
    number = np.asarray(np.count_nonzero(~np.isnan(ordered), axis=-1))

    def ranked(rank: IntArray) -> Any:
        known = (rank >= 0) & (rank < number)
        index = np.where(known, rank, ordered.shape[-1] - 1)[..., None]
        return np.asarray(np.take_along_axis(ordered, index, axis=-1)[..., 0])[()]

    ranks = [
        quantile_ranks(size, level, confidence) if size else (-1, 0)
        for size in number.ravel().tolist()
    ]
    below, above = np.reshape(ranks, (*number.shape, 2)).T
    middle = np.ceil(number * level - 1e-9).astype(int) - 1
    return Estimate(ranked(middle), ranked(below), ranked(above))


@lru_cache(maxsize=4096)
def quantile_ranks(number: int, level: float, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """Return the ranks, from 0, of the confidence limits of a sample quantile.

    With `B` the number of values below the quantile, the value of rank `r` is above it if `B <= r`,
    and below it if `B > r`. Without a lower limit the rank is -1, without an upper one `number`.
    """
    tail = (1.0 - confidence) / 2.0
    middle, reach = int(number * level), int(_FAR * np.sqrt(number * level * (1.0 - level))) + 1
    first, last = max(middle - reach, 0), min(middle + reach, number)
    counts = np.arange(first, last, dtype=np.float64)
    # The ratios of successive binomial probabilities.
    odds = np.log((number - counts) / (counts + 1.0)) + np.log(level / (1.0 - level))
    logarithm = np.concatenate(([0.0], np.cumsum(odds)))
    chances = np.exp(logarithm - logarithm.max())
    chances /= chances.sum()
    up_to = np.cumsum(chances)
    beyond = np.cumsum(chances[::-1])[::-1]  # summed from the smallest, to keep precision
    # The last rank with P(B <= rank) <= tail, and the first with P(B > rank) <= tail.
    below = first + int(np.count_nonzero(up_to <= tail)) - 1
    above = first + int(np.count_nonzero(beyond > tail)) - 1
    return below, above


def error_from_limits(lower: Any, estimate: Any, upper: Any) -> FloatArray:
    """Return the standard error implied by two limits, or by one if the other is NaN."""
    down, up = estimate - lower, upper - estimate
    width = np.where(np.isnan(down), 2 * up, np.where(np.isnan(up), 2 * down, down + up))
    return np.asarray(width / (2 * normal_quantile()))


def influence_on_quantile(
    influence: FloatArray, error: FloatArray, error_of_share: FloatArray
) -> FloatArray:
    """Convert the influence on the share below a quantile to that on the quantile, by the curve's slope."""
    inverse_slope = np.divide(
        error, error_of_share, out=np.zeros_like(error), where=error_of_share > 0
    )
    return np.asarray(-influence * np.nan_to_num(inverse_slope, posinf=0.0)[..., None])


def crps(quantiles: FloatArray, observed: Any, levels: FloatArray) -> FloatArray:
    """Return the continuous ranked probability score of quantiles, `(..., levels)`: twice the mean pinball loss.

    Gneiting and Raftery 2007, Strictly Proper Scoring Rules, Prediction, and Estimation.
    """
    error = np.asarray(observed)[..., None] - quantiles
    return np.asarray(2 * np.maximum(levels * error, (levels - 1) * error).mean(axis=-1))


# --- Differences
#
# If two scenarios, or two points of a design, have the same seed, a replicate has the same random
# numbers in both (common random numbers). The correlation of two figures is then that of their
# influence values, which without censoring is exactly the analysis of paired indicators. Scenarios
# with different seeds are independent samples.


@dataclass(frozen=True, eq=False)
class Contrast:
    """Figures, differences or other weighted sums, with standard errors and confidence limits; NaN if unknown."""

    estimate: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, eq=False)
class Measured(Contrast):
    """A figure of a scenario, or of each point of a design, with the influence of each replicate.

    Attributes:
        estimate: the figure, `()` or `(points,)`; NaN without replicates, infinite for a time that never comes.
        of: the number of replicates in its denominator.
        pull: its influence values, or a function that computes them when needed.
        is_share: whether it is a share, with limits between 0 and 1.
        is_mean: whether it is a mean of a column.
    """

    of: NDArray[np.int64]
    pull: FloatArray | Callable[[], FloatArray] = field(repr=False)
    is_share: bool = False
    is_mean: bool = False

    @cached_property
    def influence(self) -> FloatArray:
        """The influence of each replicate on the figure, `(..., replicates)`, with mean zero.

        To first order the error of the estimate is the mean of these values. So the variance of an
        estimate, or of a difference of two estimates from the same replicates, is the mean square of
        the values, or of their differences, divided by the number of replicates (Efron and Tibshirani
        1993, chapter 21). A replicate outside the figure's denominator has the value 0.
        """
        return self.pull() if callable(self.pull) else self.pull

    @property
    def points(self) -> int:
        """The number of points."""
        return len(self.estimate)

    def settled(self) -> Measured:
        """Compute the influence values, so that the data behind them can be freed."""
        return replace(self, pull=self.influence)

    def less(self, reference: int) -> Contrast:
        """Subtract one point from all; its difference from itself is exactly 0."""
        theirs = replace(
            self,
            **{name: getattr(self, name)[reference] for name in _ARRAYS},
            pull=self.influence[reference],
        )
        contrast = difference(self, theirs)
        itself = contrast.estimate[reference]
        contrast.lower[reference] = contrast.upper[reference] = itself
        contrast.standard_error[reference] = 0.0 if self.is_share else 0.0 * itself
        return contrast

    def sums(self, weights: ArrayLike) -> Contrast:
        """Return sums over the points with weights `(sums, points)`, with normal limits."""
        weights = np.atleast_2d(np.asarray(weights, dtype=np.float64))
        known = np.isfinite(self.estimate)
        estimate = weights @ np.where(known, self.estimate, 0.0)
        needed = (weights != 0.0) @ ~known
        estimate = np.where(needed > 0, np.nan, estimate)
        influence = np.where(np.isfinite(self.influence), self.influence, 0.0)
        return _normal(estimate, _root_mean_square(weights @ influence))


_ARRAYS = ("estimate", "standard_error", "lower", "upper", "of")


def joined(parts: Sequence[Measured]) -> Measured:
    """Concatenate the points of several parts."""
    if len(parts) == 1:
        return parts[0]

    def concatenated(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])

    arrays = {name: concatenated(name) for name in _ARRAYS}
    return replace(parts[0], **arrays, pull=concatenated("influence"))


def difference(ours: Measured, theirs: Measured, paired: bool = True) -> Contrast:
    """Subtract a figure of a single scenario or point, `theirs`, from another.

    Limits of shares are Newcombe's (1998b, method 10) in the form of `difference_interval`, with
    `cautious_correlation`, so that differences have a width even if the event never happened or all
    replicates agree. Limits of other figures are normal.

    Args:
        ours: the figure, or the figures at all points.
        theirs: the figure to subtract.
        paired: whether the rows of both are the same replicates with common random numbers; otherwise
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
        unknown = np.isnan(ours.standard_error) | np.isnan(theirs.standard_error)
        unknown |= ours.influence.shape[-1] < 2
        return _normal(estimate, np.where(unknown, np.nan, error))
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
    """The standard error from influence values: their root mean square over the root of their number."""
    squares = np.einsum("...r,...r->...", influence, influence)
    return np.asarray(np.sqrt(squares) / max(influence.shape[-1], 1))
