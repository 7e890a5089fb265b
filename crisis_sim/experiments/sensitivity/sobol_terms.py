"""Sobol's indices with the Monte Carlo noise taken out.

A point's figure is a mean over few replicates, so that between points it varies by more than the
parameters make it: by the noise of each mean. Indices of such figures put down to parameters, in
`total` above all, what is noise. Replicates tell how large it is: the covariance of two figures'
noise is estimated by the sum of the products of the replicates' pulls on them
(`Measured.influence`), and by so much each product of figures in an estimator is too large on
average. So it is taken off: from the numerators, which are those of SALib (Saltelli and others 2010
for `first`, Jansen 1999 for `total`, Saltelli 2002 for `second`), and from the variance that they are
divided by. What is left estimates the indices of what infinitely many replicates would give, and is
SALib's figure where there is no noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisis_sim.experiments.sensitivity.layouts import Layout

Values = NDArray[np.float64]


def pairs_of(factors: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs of factors, in the order of `second`."""
    first, second = np.triu_indices(factors, 1)
    return first, second


@dataclass(frozen=True, eq=False)
class Terms:
    """What each base sample adds to the estimators.

    Attributes:
        numerators: by index, `(samples, factors)`; of pairs `(samples, pairs)`, before the first-order
            indices of both are taken off.
        mean, square: of the two independent figures their mean and that of their squares, `(samples,)`.
        noise: the mean of their noise variances, beside what all points share, `(samples,)`.
    """

    numerators: dict[str, Values]
    mean: Values
    square: Values
    noise: Values

    def indices(self, weights: Values | None = None) -> dict[str, Values]:
        """The indices, with weights on the samples.

        Args:
            weights: `(draws, samples)`, each row with the sum 1; None for equal ones.

        Returns:
            By index `(draws, factors)` or, of pairs, `(draws, pairs)`; NaN where there is no variance
            beside noise.
        """
        if weights is None:
            weights = np.full((1, len(self.mean)), 1 / len(self.mean))
        variance = weights @ self.square - (weights @ self.mean) ** 2 - weights @ self.noise
        variance = np.where(variance > 0, variance, np.nan)[:, None]
        found = {name: weights @ of / variance for name, of in self.numerators.items()}
        if "second" in found:
            one, other = pairs_of(found["first"].shape[1])
            found["second"] -= found["first"][:, one] + found["first"][:, other]
        return found


def terms_of(layout: Layout, y: Values, influence: Values) -> Terms:
    """The terms of every base sample.

    Args:
        layout: the points.
        y: the figures at the points, `(points,)`.
        influence: how each replicate pulls them, `(points, replicates)`, of mean zero; of one
            replicate nothing is known, and no noise is taken out.
    """
    count, size, factors = layout.samples, layout.size, layout.factors
    replicates = influence.shape[1]
    figures = (y - y.mean()).reshape(count, size)
    # Scaled so that sums of products are covariances of figures.
    pulls = influence.reshape(count, size, replicates)
    pulls = pulls / np.sqrt(replicates * max(replicates - 1, 1))

    def product(one: int, other: int) -> Values:
        noise = np.einsum("nr,nr->n", pulls[:, one], pulls[:, other])
        return np.asarray(figures[:, one] * figures[:, other] - noise)

    last = size - 1
    alone, crossed = product(0, 0), range(1, factors + 1)
    total = [(alone + product(j, j)) / 2 - product(0, j) for j in crossed]
    first = [product(last, j) - product(last, 0) for j in crossed]
    numerators = {"total": np.stack(total, axis=1), "first": np.stack(first, axis=1)}
    if layout.second_order:
        both = product(0, last)
        pairs = zip(*pairs_of(factors), strict=True)
        second = [product(int(j) + 1 + factors, int(k) + 1) - both for j, k in pairs]
        numerators["second"] = np.stack(second, axis=1) if second else np.empty((count, 0))
    ends, theirs = figures[:, [0, last]], pulls[:, [0, last]]
    # Luck that acts alike at all points is in the mean, and adds nothing to the variance.
    apart = theirs - theirs.mean(axis=(0, 1))
    noise = np.einsum("ner,ner->n", apart, apart) / 2
    return Terms(numerators, ends.mean(axis=1), (ends**2).mean(axis=1), noise)
