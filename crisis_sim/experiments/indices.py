"""Points of the unit cube, as each method asks for them, and the samples that they come in.

A sample is what a method repeats: a trajectory of Morris, a base sample of Sobol with its crossings,
a point. The first samples of a study are a smaller study of their own, so that it can be shown how
the indices settle. SALib draws the points from generators that it is given, so that NumPy's global
generator is left alone and a seed of 0 is a seed.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.outcomes.differences import Measured
from crisis_sim.outcomes.intervals import normal_quantile

# --- Points of the unit cube, as each method asks for them, and the samples that they come in

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Layout:
    """Where a method looks.

    Attributes:
        method: `morris`, `sobol` or `pawn`.
        shares: the points in the unit cube, `(samples * size, factors)`, sample after sample.
        size: points in each sample.
        second_order: whether samples of Sobol hold what indices of pairs need.
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
    """Points of a study.

    Args:
        method: `morris`, `sobol` or `pawn`.
        samples: how many samples; of Sobol a power of two.
        factors: how many factors.
        seed: the same seed gives the same points.
        second_order: Sobol: with what indices of pairs need.
    """
    generator = np.random.default_rng([seed, 0])
    shares = _SAMPLERS[method](problem(factors), samples, generator, second_order)
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


def _sobol(cube: Any, samples: int, generator: Any, second_order: bool) -> Values:
    from SALib.sample import sobol

    drawn = sobol.sample(cube, samples, calc_second_order=second_order, seed=generator)
    return np.asarray(drawn)


def _morris(cube: Any, samples: int, generator: Any, _: bool) -> Values:
    from SALib.sample import morris

    return np.asarray(morris.sample(cube, samples, seed=generator))


def _pawn(cube: Any, samples: int, generator: Any, _: bool) -> Values:
    from SALib.sample import latin

    return np.asarray(latin.sample(cube, samples, seed=generator))


_SAMPLERS = {"sobol": _sobol, "morris": _morris, "pawn": _pawn}


# --- Sobol's indices with the Monte Carlo noise taken out
#
# A point's figure is a mean over few replicates, so that between points it varies by more than the
# parameters make it: by the noise of each mean. Indices of such figures put down to parameters, in
# `total` above all, what is noise. Replicates tell how large it is: the covariance of two figures'
# noise is estimated by the sum of the products of the replicates' pulls on them
# (`Measured.influence`), and by so much each product of figures in an estimator is too large on
# average. So it is taken off: from the numerators, which are those of SALib (Saltelli and others 2010
# for `first`, Jansen 1999 for `total`, Saltelli 2002 for `second`), and from the variance that they are
# divided by. What is left estimates the indices of what infinitely many replicates would give, and is
# SALib's figure where there is no noise.


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


# --- Indices of figures at the points of a layout, by SALib; without noise; and as samples are drawn anew
#
# Morris: `mu_star`, the mean size of an elementary effect (what the outcome would change by over the
# whole range of a factor), `mu`, its mean with its sign, and `sigma`, its standard deviation: large
# where a factor acts differently from place to place, by curvature or with others. Sobol: `first`, the
# share of the variance that a factor explains alone, `total`, with all that it takes part in, and
# `second`, that of a pair beyond both alone. PAWN: the Kolmogorov-Smirnov distance between all figures
# and those with the factor in one tenth of its range: the `median` over tenths and the `maximum`.

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
    if np.ptp(y) == 0:
        return {name: np.zeros(length) for name, length in _lengths(layout).items()}
    with _quiet():
        return _ESTIMATORS[layout.method](layout, y)


def without_noise(layout: Layout, measured: Measured) -> Indices:
    """The indices of what more replicates would give, as far as these tell; else as `estimate` has them.

    From Sobol's indices noise is taken out (`sobol_terms`); of Morris's and PAWN's it is not known how.
    """
    y = measured.estimate
    if np.ptp(y) == 0:
        return {name: np.zeros(length) for name, length in _lengths(layout).items()}
    if layout.method == "sobol":
        found = terms_of(layout, y, measured.influence).indices()
        return {name: of[0] for name, of in found.items()}
    if layout.method == "pawn":
        return _summed_up(distances(layout.shares, y))
    return estimate_indices(layout, y)


def resampled(layout: Layout, measured: Measured, generator: np.random.Generator) -> Indices:
    """The indices `without_noise` as samples are drawn with replacement (Efron's bootstrap).

    Returns:
        By index `(draws, factors)` or, of pairs, `(draws, pairs)`: the same draws for all of them.
    """
    if np.ptp(measured.estimate) == 0:
        return {name: np.zeros((RESAMPLES, length)) for name, length in _lengths(layout).items()}
    drawn = generator.integers(layout.samples, size=(RESAMPLES, layout.samples))
    return _RESAMPLERS[layout.method](layout, measured, drawn)


def noise_threshold(layout: Layout, measured: Measured, generator: np.random.Generator) -> Indices:
    """What a factor that matters nothing would seldom exceed, in one of twenty, by index and factor.

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
    """Kolmogorov-Smirnov distances between all of `y` and that in each slice of each factor.

    The same figures as SALib's `pawn` finds by `scipy.stats.ks_2samp`, without the p-values, which
    take nearly all of its time.

    Args:
        x: the factors, `(points, factors)`.
        y: the figures, `(points,)`.

    Returns:
        `(slices, factors)`; NaN where a slice is empty.
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


def _lengths(layout: Layout) -> dict[str, int]:
    factors = layout.factors
    if layout.method == "morris":
        return dict.fromkeys(("mu_star", "mu", "sigma"), factors)
    if layout.method == "pawn":
        return dict.fromkeys(("median", "maximum"), factors)
    pairs = {"second": factors * (factors - 1) // 2} if layout.second_order else {}
    return {"total": factors, "first": factors, **pairs}


def _quiet() -> Any:
    """SALib warns of draws in which a figure is the same everywhere; it counts them as zero."""
    return warnings.catch_warnings(action="ignore")


def _estimate_sobol(layout: Layout, y: Values) -> Indices:
    from SALib.analyze import sobol

    found = sobol.analyze(
        problem(layout.factors),
        y,
        calc_second_order=layout.second_order,
        num_resamples=2,  # it insists on some, which are not looked at
        seed=np.random.default_rng(0),  # as a generator, since a seed of 0 counts as none there
    )
    pairs = {"second": found["S2"][pairs_of(layout.factors)]} if layout.second_order else {}
    return {"total": found["ST"], "first": found["S1"], **pairs}


def _estimate_morris(layout: Layout, y: Values) -> Indices:
    from SALib.analyze import morris

    found = morris.analyze(
        problem(layout.factors), layout.shares, y, num_resamples=2, seed=np.random.default_rng(0)
    )
    return {name: np.asarray(found[name], np.float64) for name in ("mu_star", "mu", "sigma")}


def _resample_sobol(layout: Layout, measured: Measured, drawn: NDArray[np.int64]) -> Indices:
    weights = np.stack([np.bincount(row, minlength=layout.samples) for row in drawn])
    terms = terms_of(layout, measured.estimate, measured.influence)
    return terms.indices(weights / layout.samples)


def _resample_morris(layout: Layout, measured: Measured, drawn: NDArray[np.int64]) -> Indices:
    of = effects(layout, measured.estimate)[drawn]
    return {
        "mu_star": np.abs(of).mean(axis=1),
        "mu": of.mean(axis=1),
        "sigma": of.std(axis=1, ddof=1),
    }


def _estimate_pawn(layout: Layout, y: Values) -> Indices:
    from SALib.analyze import pawn

    found = pawn.analyze(problem(layout.factors), layout.shares, y, S=SLICES)
    return {name: np.asarray(found[name]) for name in ("median", "maximum")}


def _resample_pawn(layout: Layout, measured: Measured, drawn: NDArray[np.int64]) -> Indices:
    y = measured.estimate
    each = [_summed_up(distances(layout.shares[row], y[row])) for row in drawn]
    return {name: np.stack([one[name] for one in each]) for name in each[0]}


def _summed_up(of: Values) -> Indices:
    # An empty slice is rare, and looking out for one takes NumPy most of its time.
    median = np.nanmedian if np.isnan(of).any() else np.median
    return {"median": median(of, axis=0), "maximum": np.nanmax(of, axis=0)}


_ESTIMATORS: dict[str, Callable[[Layout, Values], Indices]] = {
    "sobol": _estimate_sobol,
    "morris": _estimate_morris,
    "pawn": _estimate_pawn,
}
_RESAMPLERS: dict[str, Callable[[Layout, Measured, NDArray[np.int64]], Indices]] = {
    "sobol": _resample_sobol,
    "morris": _resample_morris,
    "pawn": _resample_pawn,
}


# --- What a study knows of an outcome: indices, with what the choice of points and luck leave open
#
# Every point has its figure from the same replicates, so that luck which is in all points alike moves no
# index. What is left, luck that acts differently at different points, is noise: it adds to the variance
# between points, and so to the indices. Three things are told of it, all from how each replicate pulls
# each figure (`Measured.influence`):
#
# - the share of the variance between points that is noise: the replicates' scatter about what they do
#   at all points alike, over their number;
# - Sobol's indices with noise taken out (`sobol_terms`), and of other methods what noise alone would
#   show (`estimators.floor`);
# - the luck's part of an index's standard error, by leaving out one group of replicates at a time
#   (jackknife), added to the error from the choice of points (bootstrap, `estimators.resampled`).

#: Groups of replicates that are left out in turn.
GROUPS = 16
#: Where noise is a larger share of the variance between points than this, no index is told.
MOST_NOISE = 0.9
#: Where a figure is unknown in more samples than this share, no index is told.
MOST_LOST = 0.2
#: Parts of the samples at which a study is looked at, to show how it settles.
PARTS = (8, 4, 2, 1)
#: A study of fewer samples than this is not looked at.
FEWEST = 4


@dataclass(frozen=True, eq=False)
class IndexEstimates:
    """The indices of one outcome, told from some of the samples.

    Attributes:
        samples: of how many samples.
        estimate: the indices by name, each `(factors,)` or, of pairs, `(pairs,)`; Sobol's without
            noise.
        with_noise: the same as SALib finds them in the figures as they are.
        error: their standard errors, from luck and from the choice of points.
        luck: the part of these errors that is luck; NaN where there is but one replicate.
        draws: the indices as samples are drawn anew, each `(draws, factors)` or `(draws, pairs)`.
        left_out: the indices without each group of replicates, likewise.
        main: the name of the main index.
    """

    samples: int
    estimate: dict[str, Values]
    with_noise: dict[str, Values]
    error: dict[str, Values]
    luck: dict[str, Values]
    draws: dict[str, Values]
    left_out: dict[str, Values]
    main: str

    def limits(self, name: str) -> tuple[Values, Values]:
        """95% limits of an index."""
        reach = normal_quantile() * self.error[name]
        lower = self.estimate[name] - reach
        return (
            np.maximum(lower, 0.0) if name in NOT_NEGATIVE else lower,
            self.estimate[name] + reach,
        )

    @cached_property
    def order(self) -> list[int]:
        """The factors, the most important first."""
        return [int(k) for k in np.argsort(-self.estimate[self.main], kind="stable")]

    def surely_more(self, one: int, other: int) -> bool:
        """Whether a factor surely matters more than another (95%), on points and luck they share."""
        weights = np.zeros(len(self.estimate[self.main]))
        weights[[one, other]] = 1.0, -1.0
        apart, error = self.sum(self.main, weights)
        return apart > normal_quantile() * error

    def sum(self, name: str, weights: Values) -> tuple[float, float]:
        """The sum of an index over the factors with weights, and its standard error."""
        of_points = float(np.nanvar(self.draws[name] @ weights, ddof=1))
        of_luck = float(_jackknife_variance(self.left_out[name] @ weights))
        return float(self.estimate[name] @ weights), math.sqrt(of_points + of_luck)


@dataclass(frozen=True, eq=False)
class Study:
    """What is known of one outcome.

    Attributes:
        known: the indices, from few samples to all of them; empty where too little is known, or nearly
            all is noise.
        mean: the figure's mean over the points.
        deviation: its standard deviation between points.
        noise: the share of that variance which is noise; NaN where it is not known.
        lost: samples left out, for the figure is unknown or infinite at a point of theirs.
        samples: how many there were.
        floor: what a factor that matters nothing would seldom exceed, by index, `(factors,)`.
        effects: Morris: the elementary effects, `(trajectories, factors)`.
    """

    known: tuple[IndexEstimates, ...]
    mean: float
    deviation: float
    noise: float
    lost: int
    samples: int
    floor: dict[str, Values]
    effects: Values | None = None

    @property
    def final(self) -> IndexEstimates:
        """The indices from all samples."""
        return self.known[-1]

    @property
    def why_not(self) -> str:
        """Why no index is told, in a clause; "" where they are."""
        if self.known:
            return ""
        if math.isnan(self.mean):
            return f"unknown, or never reached, in {self.lost} of {self.samples} samples"
        return "all but lost in Monte Carlo noise"


def study(layout: Layout, measured: Measured, seed: int) -> Study:
    """Find the indices of an outcome.

    Args:
        layout: the points.
        measured: the outcome at the points.
        seed: the same seed gives the same limits.
    """
    figures = np.isfinite(measured.estimate).reshape(layout.samples, layout.size).all(axis=1)
    good = np.flatnonzero(figures)
    lost = layout.samples - len(good)
    if lost > MOST_LOST * layout.samples or len(good) < FEWEST:
        nothing = float("nan")
        return Study((), nothing, nothing, nothing, lost, layout.samples, {})
    kept, own = layout.only(good), _only(measured, layout.rows(good))
    independent = kept.rows(np.arange(kept.samples)).reshape(kept.samples, kept.size)
    if kept.method == "sobol":  # the points between are crossings of these
        independent = independent[:, [0, -1]]
    noise = noise_share(_only(own, independent.ravel()))
    known = () if noise > MOST_NOISE else tuple(_grown(layout, measured, good, seed))
    told = bool(known) and known[-1].samples == len(good)
    return Study(
        known if told else (),
        float(own.estimate[independent].mean()),
        float(own.estimate[independent].std(ddof=1)) if np.ptp(own.estimate) else 0.0,
        noise,
        lost,
        layout.samples,
        noise_threshold(kept, own, np.random.default_rng([seed, len(PARTS) + 1])) if told else {},
        effects(kept, own.estimate) if kept.method == "morris" else None,
    )


def noise_share(measured: Measured) -> float:
    """The share of the variance between points that comes of luck which acts differently at each.

    The replicates' scatter about what they do at all points alike, over their number, is the variance
    that noise adds to that between points (the interaction in an analysis of variance by point and
    replicate). NaN with one replicate, and where the figure is the same everywhere.
    """
    points, replicates = measured.influence.shape
    if replicates < 2 or np.ptp(measured.estimate) == 0:
        return float("nan")
    between = float(measured.estimate.var(ddof=1))
    apart = measured.influence - measured.influence.mean(axis=0)
    freedom = float(replicates * (replicates - 1) * (points - 1))
    scatter = float(np.einsum("pr,pr->", apart, apart))
    return min(scatter / (freedom * between), 1.0)


def _grown(
    layout: Layout, measured: Measured, good: NDArray[np.int64], seed: int
) -> Iterator[IndexEstimates]:
    """The indices from an eighth of the samples, a quarter, a half, and all."""
    for number, part in enumerate(PARTS, start=1):
        within = good[good < layout.samples // part]
        if len(within) < FEWEST:
            continue
        some = _only(measured, layout.rows(within))
        generator = np.random.default_rng([seed, number])
        known = _known(layout.only(within), some, generator)
        if all(np.isfinite(of).all() for of in known.estimate.values()):
            yield known


def _known(layout: Layout, measured: Measured, generator: np.random.Generator) -> IndexEstimates:
    estimate = without_noise(layout, measured)
    draws = resampled(layout, measured, generator)
    without = [without_noise(layout, one) for one in _without_groups(measured)]
    left_out = {
        name: np.stack([one[name] for one in without]) if without else of[None]
        for name, of in estimate.items()
    }
    luck = {name: np.sqrt(_jackknife_variance(of)) for name, of in left_out.items()}
    return IndexEstimates(
        layout.samples,
        estimate,
        estimate_indices(layout, measured.estimate),
        {name: np.hypot(np.nanstd(draws[name], axis=0, ddof=1), luck[name]) for name in estimate},
        luck if without else {name: np.full_like(of, np.nan) for name, of in luck.items()},
        draws,
        left_out,
        MAIN[layout.method],
    )


def _without_groups(measured: Measured) -> Iterator[Measured]:
    """The figures without each group of replicates, to first order."""
    replicates = measured.influence.shape[1]
    groups = min(GROUPS, replicates)
    if groups < 2:
        return
    influence = np.where(np.isfinite(measured.influence), measured.influence, 0.0)
    for group in range(groups):
        kept = influence[:, np.arange(replicates) % groups != group]
        moved = kept.mean(axis=1)
        yield replace(measured, estimate=measured.estimate + moved, pull=kept - moved[:, None])


def _jackknife_variance(left_out: Values) -> Values:
    groups = len(left_out)
    return np.asarray((groups - 1) * np.nanvar(left_out, axis=0))


def _only(measured: Measured, rows: NDArray[np.int64]) -> Measured:
    """A measure at some of its points."""
    return Measured(
        measured.estimate[rows],
        measured.standard_error[rows],
        measured.lower[rows],
        measured.upper[rows],
        measured.of[rows],
        measured.influence[rows],
        measured.is_share,
    )
