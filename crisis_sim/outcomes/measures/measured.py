"""A figure at every point of a design, and what luck that the points share says of their differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
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
    """Differences between points, or other sums over them with weights; arrays of one shape.

    Attributes:
        estimate: the sum; NaN where a figure that it needs is unknown or infinite.
        standard_error: its standard error, from the replicates that the points share.
        lower, upper: confidence limits.
    """

    estimate: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, eq=False)
class Measured:
    """A measure at every point.

    Attributes:
        estimate: the figure at each point, `(points,)`; NaN where there is nothing to tell it from,
            infinite for a time that never comes.
        standard_error: its standard error.
        lower, upper: confidence limits; NaN where the data set none.
        of: how many replicates it is told from.
        influence: how much each replicate pulls it, `(points, replicates)`, of mean zero: to first
            order the error of the estimate is the mean of these values.
        is_share: whether it is a share, so that its limits lie between 0 and 1.
    """

    estimate: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    of: NDArray[np.int64]
    influence: FloatArray = field(repr=False)
    is_share: bool = False

    @property
    def points(self) -> int:
        """How many points there are."""
        return len(self.estimate)

    def less(self, reference: int, confidence: float = CONFIDENCE) -> Contrast:
        """Each point less one of them, on the luck that they share.

        Of shares the limits are Newcombe's for paired shares in the form of `difference_interval`,
        with `cautious_correlation`, so that "never" less "never" has a width, and points at which
        every replicate went alike have one, too; of others they are normal.
        """
        theirs = self.influence[reference]
        error = _root_mean_square(self.influence - theirs)
        with np.errstate(invalid="ignore"):
            estimate = self.estimate - self.estimate[reference]
        estimate = np.where(np.isfinite(estimate), estimate, np.nan)
        if not self.is_share:
            # Where replicates do not tell how sure a figure is, they do not tell it of a difference.
            unsure = np.isnan(self.standard_error) | np.isnan(self.standard_error[reference])
            unsure |= self.influence.shape[1] < 2
            unsure[reference] = False  # a point less itself
            return _normal(estimate, np.where(unsure, np.nan, error), confidence)
        product = self.influence @ theirs
        scale = np.sqrt(np.einsum("pr,pr->p", self.influence, self.influence) * (theirs @ theirs))
        correlation = np.divide(product, scale, out=np.zeros_like(scale), where=scale > 0)
        limits = difference_interval(
            self.estimate,
            Interval(self.lower, self.upper),
            self.estimate[reference],
            Interval(self.lower[reference], self.upper[reference]),
            cautious_correlation(
                np.clip(correlation, -1.0, 1.0),
                self.estimate,
                self.standard_error,
                self.estimate[reference],
                self.standard_error[reference],
            ),
        )
        lower, upper = limits.lower.copy(), limits.upper.copy()
        lower[reference] = upper[reference] = estimate[reference]  # a point less itself
        return Contrast(estimate, error, lower, upper)

    def sums(self, weights: ArrayLike, confidence: float = CONFIDENCE) -> Contrast:
        """Sums over the points with weights, on the luck that they share; with normal limits.

        Args:
            weights: one row for each sum, `(sums, points)`.
            confidence: confidence level, between 0 and 1.
        """
        weights = np.atleast_2d(np.asarray(weights, dtype=np.float64))
        known = np.isfinite(self.estimate)
        estimate = weights @ np.where(known, self.estimate, 0.0)
        needed = (weights != 0.0) @ ~known
        estimate = np.where(needed > 0, np.nan, estimate)
        influence = np.where(np.isfinite(self.influence), self.influence, 0.0)
        return _normal(estimate, _root_mean_square(weights @ influence), confidence)


def joined(parts: Sequence[Measured]) -> Measured:
    """A measure at the points of several parts, one part after the other."""
    if len(parts) == 1:
        return parts[0]

    def whole(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])

    return Measured(
        whole("estimate"),
        whole("standard_error"),
        whole("lower"),
        whole("upper"),
        whole("of"),
        whole("influence"),
        is_share=parts[0].is_share,
    )


def _normal(estimate: FloatArray, error: FloatArray, confidence: float) -> Contrast:
    reach = normal_quantile(confidence) * error
    error = np.where(np.isnan(estimate), np.nan, error)
    return Contrast(estimate, error, estimate - reach, estimate + reach)


def _root_mean_square(influence: FloatArray) -> FloatArray:
    """The standard error that influence values imply: their root mean square over the root of their number."""
    replicates = influence.shape[1]
    return np.asarray(np.sqrt(np.einsum("pr,pr->p", influence, influence)) / replicates)
