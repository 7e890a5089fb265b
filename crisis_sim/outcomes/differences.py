"""Figures with the influence of each replicate on them, and differences that take common luck out.

When two scenarios, or two points of a design, are run with one seed, replicate 4711 is the same
crisis in both but for what is changed (common random numbers). The correlation of two figures then
comes from their influence values, replicate by replicate; without censoring that is exactly the
analysis of the paired indicators. Scenarios with different seeds are independent samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crisis_sim.outcomes.intervals import (
    CONFIDENCE,
    FloatArray,
    Interval,
    cautious_correlation,
    difference_interval,
    normal_quantile,
)


@dataclass(frozen=True, eq=False)
class Contrast:
    """Differences between figures, or other weighted sums; NaN where one is unknown or infinite."""

    estimate: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, eq=False)
class Measured:
    """A figure, of one scenario or at each point of a design.

    Attributes:
        estimate: the figure, `()` or `(points,)`; NaN where no replicate bears on it,
            infinite for a time that never comes.
        standard_error: its standard error.
        lower, upper: confidence limits; NaN where the data set none.
        of: number of replicates that it is computed from.
        pull: its influence values, or a function that computes them when they are asked for.
        is_share: whether it is a share, with limits between 0 and 1.
        is_mean: whether it is a mean over replicates; shares are too, quantiles are not.
    """

    estimate: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray
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
