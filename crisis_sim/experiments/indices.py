"""Indices: Sobol's, Morris's and PAWN's of the factors of a study, and Shapley's of the parts of a whole.

Points lie in the unit cube, in samples. A sample is what a method repeats: a trajectory of Morris, a
base sample of Sobol with its crossings, a point. SALib draws the points from generators that it is
given, so that NumPy's global generator is left alone and a seed of 0 is a seed.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crisis_sim.experiments.factors import Values
from crisis_sim.outcomes.intervals import Measured, normal_quantile


@dataclass(frozen=True, eq=False)
class Layout:
    """Where a method looks: points in the unit cube, `(samples * size, factors)`, sample after sample of `size` each.

    With `second_order` samples of Sobol hold what indices of pairs need.
    """

    method: str
    shares: Values
    size: int
    second_order: bool = False

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return len(self.shares) // self.size

    @property
    def factors(self) -> int:
        """How many factors there are."""
        return int(self.shares.shape[1])

    def rows(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """The points of some samples."""
        return (samples[:, None] * self.size + np.arange(self.size)).ravel()

    def only(self, samples: NDArray[np.int64]) -> Layout:
        """Some of the samples."""
        return Layout(self.method, self.shares[self.rows(samples)], self.size, self.second_order)


def layout_of(
    method: str, samples: int, factors: int, seed: int, *, second_order: bool = False
) -> Layout:
    """Points of a study; of Sobol the samples are a power of two. The same seed gives the same."""
    from SALib.sample import latin, morris, sobol

    cube, generator = problem(factors), np.random.default_rng([seed, 0])
    if method == "sobol":
        pairs = {"calc_second_order": second_order}
        shares = sobol.sample(cube, samples, **pairs, seed=generator)
    else:
        sampler = morris if method == "morris" else latin
        shares = np.asarray(sampler.sample(cube, samples, seed=generator))
    return Layout(method, np.clip(shares, 0.0, 1.0), len(shares) // samples, second_order)


def size_of(method: str, factors: int, *, second_order: bool = False) -> int:
    """Points in each sample."""
    if method == "sobol":
        return 2 * factors + 2 if second_order else factors + 2
    return factors + 1 if method == "morris" else 1


def problem(factors: int) -> dict[str, Any]:
    """The unit cube as SALib describes it."""
    return {
        "num_vars": factors,
        "names": [f"x{k}" for k in range(factors)],
        "bounds": [[0.0, 1.0]] * factors,
    }


# Sobol's indices with the Monte Carlo noise taken out
#
# A point's figure is a mean over few replicates, whose noise indices of such figures, `total` above all,
# attribute to parameters. The covariance of two figures' noise is estimated by the sum of the products of
# the replicates' influence on them (`Measured.influence`). By so much each product of figures in an
# estimator is too large on average, so it is subtracted from the numerators, which are those of SALib
# (Saltelli and others 2010 for `first`, Jansen 1999 for `total`, Saltelli 2002 for `second`), and from the
# variance in the denominator. The rest estimates the indices for infinitely many replicates, and equals
# SALib's figure where there is no noise.


def pairs_of(factors: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs of factors, in the order of `second`."""
    first, second = np.triu_indices(factors, 1)
    return first, second


def noiseless_sobol(
    layout: Layout, y: Values, influence: Values, weights: Values | None = None
) -> dict[str, Values]:
    """Sobol's indices without noise, from figures `(points,)` and how each replicate pulls them, `(points, replicates)`.

    Of one replicate nothing is known, and no noise is taken out. Each index is `(draws, factors)` or, of pairs,
    `(draws, pairs)`, for weights on the samples, `(draws, samples)`, or equal ones; NaN where noise is all there is.
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

    last, (firsts, seconds) = size - 1, pairs_of(factors)
    alone, crossed = product(0, 0), range(1, factors + 1)
    total = [(alone + product(j, j)) / 2 - product(0, j) for j in crossed]
    first = [product(last, j) - product(last, 0) for j in crossed]
    # Of each sample; of pairs before the first-order indices of both are taken off.
    numerators = {"total": np.stack(total, axis=1), "first": np.stack(first, axis=1)}
    if layout.second_order:
        both = product(0, last)
        second = [
            product(a + 1 + factors, b + 1) - both
            for a, b in zip(firsts.tolist(), seconds.tolist(), strict=True)
        ]
        numerators["second"] = np.stack(second, axis=1) if second else np.empty((count, 0))
    ends, theirs = figures[:, [0, last]], pulls[:, [0, last]]
    # Luck that acts alike at all points is in the mean, and adds nothing to the variance.
    apart = theirs - theirs.mean(axis=(0, 1))
    noise = np.einsum("ner,ner->n", apart, apart) / 2
    mean, square = ends.mean(axis=1), (ends**2).mean(axis=1)
    if weights is None:
        weights = np.full((1, count), 1 / count)
    variance = weights @ square - (weights @ mean) ** 2 - weights @ noise
    variance = np.where(variance > 0, variance, np.nan)[:, None]
    found = {name: weights @ of / variance for name, of in numerators.items()}
    if "second" in found:
        found["second"] -= found["first"][:, firsts] + found["first"][:, seconds]
    return found


# Indices of figures at the points of a layout, by SALib; without noise; and as samples are drawn anew
#
# Morris: `mu_star` and `mu`, the mean size of an elementary effect (the change in the outcome over the
# whole range of a factor) and the mean with its sign, and `sigma`, its standard deviation: large where a
# factor acts differently from place to place. Sobol: `first`, the share of the variance that a factor
# explains alone, `total`, with all that it takes part in, and `second`, that of a pair beyond both alone.
# PAWN: the Kolmogorov-Smirnov distance between all figures and those with the factor in one tenth of its
# range: the `median` over tenths and the `maximum`.

#: Each index, `(factors,)`; that of pairs, `(pairs,)`, in the order of `pairs_of`.
Indices = dict[str, Values]

#: The index by which factors are ranked.
MAIN = {"morris": "mu_star", "sobol": "total", "pawn": "median"}
#: Indices that cannot be below zero; with noise taken out Sobol's can, as estimates.
NOT_NEGATIVE = ("mu_star", "sigma", "median", "maximum")
#: Draws of the samples, with replacement.
RESAMPLES = 200
#: Equal parts of a factor's range that PAWN compares.
SLICES = 10
#: Factors that nothing depends on, which PAWN is tried on.
DUMMIES = 200
#: How often a factor that matters nothing stays below the floor.
SELDOM = 0.95


def estimate_indices(layout: Layout, y: Values) -> Indices:
    """Indices by SALib; all of them zero where the figure is the same everywhere."""
    from SALib.analyze import morris, pawn, sobol

    if np.ptp(y) == 0:
        return _zeros(layout)
    cube, second = problem(layout.factors), layout.second_order
    # It insists on resamples, which are not looked at; a seed of 0 counts as none, a generator does not.
    unread: Any = {"num_resamples": 2, "seed": np.random.default_rng(0)}
    with warnings.catch_warnings(action="ignore"):  # a figure may be the same in a whole draw
        if layout.method == "sobol":
            found = sobol.analyze(cube, y, calc_second_order=second, **unread)
            pairs = {"second": found["S2"][pairs_of(layout.factors)]} if second else {}
            return {"total": found["ST"], "first": found["S1"], **pairs}
        if layout.method == "morris":
            found = morris.analyze(cube, layout.shares, y, **unread)
        else:
            found = pawn.analyze(cube, layout.shares, y, S=SLICES)
    return {name: np.asarray(found[name], np.float64) for name in _zeros(layout)}


def without_noise(layout: Layout, measured: Measured) -> Indices:
    """The indices that infinitely many replicates would give, of Sobol; else those of `estimate_indices`."""
    y = measured.estimate
    if np.ptp(y) == 0:
        return _zeros(layout)
    if layout.method == "sobol":
        found = noiseless_sobol(layout, y, measured.influence)
        return {name: of[0] for name, of in found.items()}
    if layout.method == "pawn":
        return _summed_up(distances(layout.shares, y))
    return estimate_indices(layout, y)


def resampled(layout: Layout, measured: Measured, generator: np.random.Generator) -> Indices:
    """The indices `without_noise` of draws of the samples with replacement (Efron's bootstrap), the same for all of them."""
    y = measured.estimate
    if np.ptp(y) == 0:
        return {name: np.zeros((RESAMPLES, len(of))) for name, of in _zeros(layout).items()}
    drawn = generator.integers(layout.samples, size=(RESAMPLES, layout.samples))
    if layout.method == "sobol":
        weights = np.stack([np.bincount(row, minlength=layout.samples) for row in drawn])
        return noiseless_sobol(layout, y, measured.influence, weights / layout.samples)
    if layout.method == "morris":
        of = effects(layout, y)[drawn]
        size = np.abs(of).mean(axis=1)
        return {"mu_star": size, "mu": of.mean(axis=1), "sigma": of.std(axis=1, ddof=1)}
    each = [_summed_up(distances(layout.shares[row], y[row])) for row in drawn]
    return {name: np.stack([one[name] for one in each]) for name in each[0]}


def noise_threshold(layout: Layout, measured: Measured, generator: np.random.Generator) -> Indices:
    """The index that a factor without influence exceeds in one case of twenty, by index and factor.

    Of PAWN, a factor that nothing depends on; of Morris, one that moves single crises, as this factor
    does, but not what they are on average, so that its effects are noise.
    """
    if layout.method == "pawn":
        shuffled = np.argsort(generator.random((DUMMIES, layout.samples)), axis=1).T
        of = _summed_up(distances(shuffled / layout.samples, measured.estimate))
        return {
            name: np.full(layout.factors, np.quantile(value, SELDOM)) for name, value in of.items()
        }
    replicates = measured.influence.shape[1]
    if layout.method == "morris" and replicates > 1:
        pulls = [effects(layout, measured.influence[:, r]) for r in range(replicates)]
        spread = np.square(pulls).sum(axis=0) / (replicates * (replicates - 1))
        # Sizes of normal errors: their mean, and how far that of so many trajectories may lie above.
        mean = np.sqrt(2 / np.pi) * np.sqrt(spread).mean(axis=0)
        error = np.sqrt((1 - 2 / np.pi) * spread.sum(axis=0)) / layout.samples
        return {"mu_star": mean + normal_quantile(2 * SELDOM - 1) * error}
    return {}


def effects(layout: Layout, y: Values) -> Values:
    """Elementary effects of every trajectory, `(trajectories, factors)`."""
    shares = layout.shares.reshape(layout.samples, layout.size, layout.factors)
    steps = np.diff(shares, axis=1)
    moved = np.abs(steps).argmax(axis=2)
    step = np.take_along_axis(steps, moved[:, :, None], axis=2)[:, :, 0]
    found = np.empty((layout.samples, layout.factors))
    slopes = np.diff(y.reshape(layout.samples, layout.size), axis=1) / step
    np.put_along_axis(found, moved, slopes, axis=1)
    return found


def distances(x: Values, y: Values) -> Values:
    """Kolmogorov-Smirnov distances between all of `y` and that in each slice of each factor, `(slices, factors)`.

    NaN where a slice is empty. SALib's `pawn` finds the same, and p-values, which take nearly all of its time.
    """
    levels, place = np.unique(y, return_inverse=True)
    whole = np.cumsum(np.bincount(place, minlength=len(levels))) / len(y)
    found = np.full((SLICES, x.shape[1]), np.nan)
    edges = np.quantile(x, np.arange(SLICES + 1) / SLICES, axis=0)
    for k in range(x.shape[1]):
        within = np.searchsorted(edges[:, k], x[:, k], side="right") - 1
        inside = within < SLICES  # the largest value is in no slice, as in SALib
        cell = within[inside] * len(levels) + place[inside]
        counts = np.bincount(cell, minlength=SLICES * len(levels)).reshape(SLICES, -1)
        sizes = counts.sum(axis=1)
        some = sizes > 0
        apart = np.abs(np.cumsum(counts[some], axis=1) / sizes[some, None] - whole)
        found[some, k] = apart.max(axis=1)
    return found


def _zeros(layout: Layout) -> Indices:
    """Every index of a method, at zero."""
    pawn = ("median", "maximum")
    names = {"morris": ("mu_star", "mu", "sigma"), "pawn": pawn, "sobol": ("total", "first")}
    found = {name: np.zeros(layout.factors) for name in names[layout.method]}
    if layout.second_order:
        found["second"] = np.zeros(len(pairs_of(layout.factors)[0]))
    return found


def _summed_up(of: Values) -> Indices:
    # An empty slice is rare, and looking out for one takes NumPy most of its time.
    median = np.nanmedian if np.isnan(of).any() else np.median
    return {"median": median(of, axis=0), "maximum": np.nanmax(of, axis=0)}


# Cooperative games: shares of parts in their joint effect
#
# A game says what every combination of `n` parts is worth: the combination is a number whose bit `k` says
# whether part `k` is in it. Worths are arrays `(2**n, ...)`; what holds for them holds for the influence of
# each replicate on them, along further axes. Everything is built from differences that one part, or two,
# make: a part that makes none in any combination gets exactly nothing.
#
# L. S. Shapley (1953), "A value for n-person games", Contributions to the Theory of Games II, 307-317.
# M. Grabisch and M. Roubens (1999), "An axiomatic approach to the concept of interaction among players in
# cooperative games", International Journal of Game Theory 28, 547-565.


def marginals(worth: ArrayLike, part: int) -> Values:
    """Marginal contributions of a part to each combination of the others, `(2**(n-1), ...)`, in their order."""
    worth = np.asarray(worth, dtype=np.float64)
    without = _without(worth, part)
    return np.asarray(worth[without | 1 << part] - worth[without])


def shapley(worth: ArrayLike) -> Values:
    """Each part's Shapley value, `(n, ...)`: what it adds on average over all orders; they add up to the whole."""
    worth = np.asarray(worth, dtype=np.float64)
    parts = count_parts(worth)
    return np.stack(
        [_average(marginals(worth, k), _without(worth, k), parts) for k in range(parts)]
    )


def interactions(worth: ArrayLike) -> dict[tuple[int, int], Values]:
    """The Shapley interaction index of every pair of parts, by their numbers, the lower first.

    How much more one adds where the other is there, on average over orders of the others with the pair as
    one: above 0 where they help each other, below 0 where one can stand in for the other.
    """
    worth = np.asarray(worth, dtype=np.float64)
    parts = count_parts(worth)
    found = {}
    for first, second in combinations(range(parts), 2):
        without = _without(worth, first, second)
        one, other = without | 1 << first, without | 1 << second
        extra = (worth[one | other] - worth[other]) - (worth[one] - worth[without])
        # A pair taken as one leaves a game of one part less.
        found[first, second] = _average(extra, without, parts - 1)
    return found


def count_parts(worth: Values) -> int:
    """How many parts a game has; ValueError where the number of its combinations is no power of two."""
    parts = len(worth).bit_length() - 1
    if len(worth) != 1 << parts:
        raise ValueError(f"{len(worth)} combinations: expected a power of two")
    return parts


def _without(worth: Values, *parts: int) -> NDArray[np.int64]:
    """The combinations that have none of some parts."""
    numbers = np.arange(1 << count_parts(worth))
    return np.asarray(numbers[numbers & sum(1 << part for part in parts) == 0])


def _average(differences: Values, without: NDArray[np.int64], parts: int) -> Values:
    """The mean of differences that a part makes to combinations without it, over all orders of parts.

    In one order of `parts * comb(parts - 1, size)` just those of a combination come before it.
    """
    weights = [1.0 / (parts * comb(parts - 1, int(one).bit_count())) for one in without]
    return np.asarray(np.tensordot(np.array(weights), differences, axes=1))
