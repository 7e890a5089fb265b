"""Sensitivity indices of one outcome, Sobol's, Morris's and PAWN's, with their errors from points and from luck.

Points lie in the unit cube, in samples. A sample is what a method repeats: a trajectory of Morris, a
base sample of Sobol with its crossings, a point. SALib draws the points from generators that it is
given, so that NumPy's global generator is left alone and a seed of 0 is a seed.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.experiments.design import finite_or_none, table_of
from crisis_sim.experiments.factors import Values
from crisis_sim.outcomes.intervals import Measured, normal_quantile
from crisis_sim.text import count, round_up

if TYPE_CHECKING:
    import pyarrow as pa


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


# A study of one outcome
#
# Every point has its figure from the same replicates, so luck which is in all points alike moves no index.
# Luck that acts differently at different points is noise: it adds to the variance between points, and so to
# the indices. All from how each replicate pulls each figure (`Measured.influence`) three things are given of
# it: its share of the variance between points; Sobol's indices with noise taken out, and of other methods
# what noise alone would show; and its part of an index's standard error, by leaving out one group of
# replicates at a time (jackknife), added to the error from the choice of points (bootstrap).

#: The figures of an index.
OF_INDEX = ("estimate", "standard_error", "lower", "upper", "luck_error", "with_noise")
#: Groups of replicates that are left out in turn.
GROUPS = 16
#: Where noise is a larger share of the variance between points than this, no index is given.
MOST_NOISE = 0.9
#: Where a figure is unknown in more samples than this share, no index is given.
MOST_LOST = 0.2
#: Parts of the samples at which a study is looked at, to show how it settles.
PARTS = (8, 4, 2, 1)
#: A study of fewer samples than this is not looked at.
FEWEST = 4


@dataclass(frozen=True, eq=False)
class IndexEstimates:
    """The indices of one outcome by name, each `(factors,)` or, of pairs, `(pairs,)`, from so many samples.

    Attributes:
        estimate, with_noise: Sobol's without noise, and all as SALib finds them in the figures as they are.
        error, luck: standard errors, and the part of them that is luck; NaN where there is but one replicate.
        draws, left_out: the indices as samples are drawn anew, and without each group of replicates, a row each.
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
        estimate, reach = self.estimate[name], normal_quantile() * self.error[name]
        lower = np.maximum(estimate - reach, 0.0) if name in NOT_NEGATIVE else estimate - reach
        return lower, estimate + reach

    def rows(self, name: str) -> Iterator[dict[str, float]]:
        """The figures `OF_INDEX` of an index, factor by factor or pair by pair."""
        each = self.estimate, self.error, self.luck, self.with_noise
        estimate, error, luck, with_noise = (of[name] for of in each)
        for row in zip(estimate, error, *self.limits(name), luck, with_noise, strict=True):
            yield dict(zip(OF_INDEX, map(float, row), strict=True))

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
    """The sensitivity study of one outcome: its indices and their errors.

    Attributes:
        known: the indices, from few samples to all; empty where too little is known, or nearly all is noise.
        mean, deviation: the figure's mean over the points, and its standard deviation between them.
        noise: the share of that variance which is noise; NaN where it is not known.
        lost, samples: samples left out, for the figure is not known at a point of theirs, of how many.
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
        """Why there are no indices, in a clause; "" where there are."""
        if self.known:
            return ""
        if math.isnan(self.mean):
            return f"unknown, or never reached, in {self.lost} of {self.samples} samples"
        return "all but lost in Monte Carlo noise"

    def plain(self, paths: Sequence[str], main: str) -> dict[str, Any]:
        """The study as plain data for JSON, with the paths of the factors."""

        def rows(index: str) -> dict[str, dict[str, float | None]]:
            each = zip(paths, self.final.rows(index), strict=True)
            return {
                path: {key: finite_or_none(of) for key, of in row.items()} for path, row in each
            }

        names = self.final.estimate if self.known else ()
        return {
            **{key: finite_or_none(getattr(self, key)) for key in ("mean", "deviation", "noise")},
            "samples": self.samples,
            "samples_lost": self.lost,
            "why_not": self.why_not,
            "main_index": main,
            "order": [paths[k] for k in self.final.order] if self.known else [],
            "indices": {index: rows(index) for index in names if index != "second"},
            "floor": {
                index: dict(zip(paths, map(float, of), strict=True))
                for index, of in self.floor.items()
            },
        }


def study(layout: Layout, measured: Measured, seed: int) -> Study:
    """Find the indices of an outcome; the same seed gives the same limits."""
    figures = np.isfinite(measured.estimate).reshape(layout.samples, layout.size).all(axis=1)
    good = np.flatnonzero(figures)
    lost = layout.samples - len(good)
    if lost > MOST_LOST * layout.samples or len(good) < FEWEST:
        return Study((), math.nan, math.nan, math.nan, lost, layout.samples, {})
    kept, own = layout.only(good), _only(measured, layout.rows(good))
    independent = kept.rows(np.arange(kept.samples)).reshape(kept.samples, kept.size)
    if kept.method == "sobol":  # the points between are crossings of these
        independent = independent[:, [0, -1]]
    noise = noise_share(_only(own, independent.ravel()))
    path = () if noise > MOST_NOISE else tuple(_grown(layout, measured, good, seed))
    told = path and path[-1].samples == len(good)
    random = np.random.default_rng([seed, len(PARTS) + 1])
    return Study(
        path if told else (),
        float(own.estimate[independent].mean()),
        float(own.estimate[independent].std(ddof=1)) if np.ptp(own.estimate) else 0.0,
        noise,
        lost,
        layout.samples,
        noise_threshold(kept, own, random) if told else {},
        effects(kept, own.estimate) if kept.method == "morris" else None,
    )


def noise_share(measured: Measured) -> float:
    """The share of the variance between points that comes of luck which acts differently at each.

    The replicates' scatter about what they do at all points alike, over their number (the interaction in an
    analysis of variance). NaN with one replicate, and where the figure is the same everywhere.
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
        kept, some = layout.only(within), _only(measured, layout.rows(within))
        estimate = without_noise(kept, some)
        if not all(np.isfinite(of).all() for of in estimate.values()):
            continue
        draws = resampled(kept, some, np.random.default_rng([seed, number]))
        without = [without_noise(kept, one) for one in _without_groups(some)] or [estimate]
        left_out = {name: np.stack([one[name] for one in without]) for name in estimate}
        luck = {name: np.sqrt(_jackknife_variance(of)) for name, of in left_out.items()}
        error = {
            name: np.hypot(np.nanstd(draws[name], axis=0, ddof=1), luck[name]) for name in estimate
        }
        if len(without) == 1:
            luck = {name: np.full_like(of, np.nan) for name, of in luck.items()}
        raw = estimate_indices(kept, some.estimate)
        main = MAIN[layout.method]
        yield IndexEstimates(kept.samples, estimate, raw, error, luck, draws, left_out, main)


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
    names = ("estimate", "standard_error", "lower", "upper", "of")
    columns = {name: getattr(measured, name)[rows] for name in names}
    return replace(measured, **columns, pull=measured.influence[rows])


def index_tables(
    studies: Mapping[str, Study], paths: Sequence[str], layout: Layout
) -> dict[str, pa.Table]:
    """The indices of every factor, of pairs, and the elementary effects, in tidy tables."""
    rows = [
        {"measure": name, "index": index, "factor": path, "samples": known.samples, **row}
        for name, one in studies.items()
        for known in one.known
        for index in known.estimate
        if index != "second"
        for path, row in zip(paths, known.rows(index), strict=True)
    ]
    found = {"indices": table_of(rows, ("measure", "index", "factor"), ("samples",), OF_INDEX)}
    if layout.second_order:
        rows = [
            {"measure": name, "factor": paths[j], "with": paths[k], **row}
            for name, one in studies.items()
            if one.known
            for j, k, row in zip(*pairs_of(len(paths)), one.final.rows("second"), strict=True)
        ]
        found["pairs"] = table_of(rows, ("measure", "factor", "with"), (), OF_INDEX)
    if layout.method == "morris":
        rows = [
            {"measure": name, "factor": path, "trajectory": number, "effect": float(effect)}
            for name, one in studies.items()
            if one.effects is not None
            for number, effects in enumerate(one.effects)
            for path, effect in zip(paths, effects, strict=True)
        ]
        found["effects"] = table_of(rows, ("measure", "factor"), ("trajectory",), ("effect",))
    return found


# Warnings where the budget is too small.

#: Of each method: samples where a file does not say how many, the fewest that say anything, and what
#: a sample is called.
SAMPLES = {
    "morris": (32, 4, "trajectories"),
    "sobol": (256, 16, "base samples"),
    "pawn": (1024, 64, "points"),
}


#: How far a limit of the main index may lie from it before the budget is called too small: a share of
#: the variance (sobol), a distance between distributions (pawn), or of the largest index (morris).
REACH = {"sobol": 0.1, "pawn": 0.1, "morris": 0.25}
#: Noise is called large from this share of the variance between points on, and should be below this.
LARGE_NOISE, SMALL_NOISE = 0.1, 0.05
#: More samples alone do not halve an interval of which luck is a larger share than this.
MUCH_LUCK = 0.25
#: Of each method what large noise does to indices, and what a factor without effect would show.
NOISE = {
    "sobol": ("which is taken out of the indices, but widens their intervals", ""),
    "morris": (
        "which makes factors that matter little look as if they did",
        "No more than noise alone would show",
    ),
    "pawn": (
        "which blurs the distributions that are compared",
        "No more than a factor that nothing depends on would show",
    ),
}


def budget_warnings(replicates: int, one: Study, layout: Layout) -> Iterator[str]:
    """Warnings: results that the budget is too small for, and the budget that would be enough."""
    if not one.known or one.deviation == 0:
        return
    if one.noise > LARGE_NOISE:
        yield (
            f"{percent(one.noise)} of the variance between points is Monte Carlo noise, "
            f"{NOISE[layout.method][0]}; about {enough(replicates, one.noise)} replicates at "
            f"each point would bring it below {percent(SMALL_NOISE)}."
        )
    elif math.isnan(one.noise) and replicates < 2:
        yield "with one replicate at each point it is not known how much of the indices is noise."
    yield from _too_wide(replicates, one.final, layout)
    if one.lost:
        yield (
            f"it is unknown or infinite at a point of {one.lost} of {one.samples} "
            f"{SAMPLES[layout.method][2]}, which were left out: the indices are those of the rest."
        )


def _too_wide(replicates: int, known: IndexEstimates, layout: Layout) -> Iterator[str]:
    """The warning that the widest interval of the main index is too wide, and the budget that would narrow it."""
    limit, morris = REACH[layout.method], layout.method == "morris"
    scale = float(known.estimate[known.main].max()) if morris else 1.0
    widest = int(known.error[known.main].argmax())
    reach = normal_quantile() * float(known.error[known.main][widest]) / scale
    if reach <= limit:
        return
    # What is luck falls with the replicates, what is choice of points with the samples: half for each.
    more, luck = (reach / limit) ** 2, luck_share(known, widest)
    in_two = luck > MUCH_LUCK
    samples = layout.samples * max((2 * (1 - luck) if in_two else 1) * more, 1.0)
    many = 1 << math.ceil(math.log2(samples)) if layout.method == "sobol" else round_up(samples)
    needed = f"{count(many)} {SAMPLES[layout.method][2]}"
    if in_two:
        replicates = round_up(replicates * max(2 * luck * more, 1.0))
        needed += f" of {count(replicates)} replicates"
    far, near = (f"±{percent(one)}" if morris else f"±{one:.2g}" for one in (reach, limit))
    yield (
        f"the intervals reach up to {far}{' of the largest' if morris else ''}, too far to tell indices "
        f"apart that are closer; about {needed} would bring that to {near}."
    )


def enough(replicates: int, noise: float) -> str:
    """Replicates that make noise small: its variance falls with their number."""
    between = (1 - min(noise, 0.99)) / noise
    return count(round_up(replicates / between * (1 - SMALL_NOISE) / SMALL_NOISE))


def luck_share(known: IndexEstimates, factor: int) -> float:
    """The share of an interval's variance that is luck, not the choice of points."""
    luck, error = known.luck[known.main][factor], known.error[known.main][factor]
    return 0.0 if math.isnan(luck) or error == 0 else float((luck / error) ** 2)


def percent(share: float) -> str:
    """A share in per cent: to a tenth where it is small."""
    shown = f"{100 * share:.{0 if abs(share) >= 0.095 or abs(share) < 0.0005 else 1}f}"
    return f"{shown.removesuffix('.0')}%"
