"""Sensitivity indices of one outcome by Sobol, Morris and PAWN, with errors from points and from replicates.

Points are in the unit cube and come in samples: a trajectory (Morris), a base sample with its crossings
(Sobol), or a single point (PAWN). SALib draws them from generators passed to it, so NumPy's global
generator is not used and a seed of 0 is valid.
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

from crisis_sim.experiments.factors import Values
from crisis_sim.experiments.points import finite_or_none, table_of
from crisis_sim.outcomes.intervals import Measured, normal_quantile
from crisis_sim.text import count, round_up

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class Layout:
    """The points of a study.

    Attributes:
        shares: points in the unit cube, `(samples * size, factors)`, sample after sample.
        size: the number of points in a sample.
        second_order: whether Sobol's samples have the points for indices of pairs.
    """

    method: str
    shares: Values
    size: int
    second_order: bool = False

    @property
    def samples(self) -> int:
        """The number of samples."""
        return len(self.shares) // self.size

    @property
    def factors(self) -> int:
        """The number of factors."""
        return int(self.shares.shape[1])

    def rows(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers of the points in some samples."""
        return (samples[:, None] * self.size + np.arange(self.size)).ravel()

    def only(self, samples: NDArray[np.int64]) -> Layout:
        """Return the layout with some of the samples."""
        return Layout(self.method, self.shares[self.rows(samples)], self.size, self.second_order)


def layout_of(
    method: str, samples: int, factors: int, seed: int, *, second_order: bool = False
) -> Layout:
    """Draw the points of a study; for Sobol `samples` is a power of two."""
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
    """Return the number of points in a sample."""
    if method == "sobol":
        return 2 * factors + 2 if second_order else factors + 2
    return factors + 1 if method == "morris" else 1


def problem(factors: int) -> dict[str, Any]:
    """Return SALib's description of the unit cube."""
    return {
        "num_vars": factors,
        "names": [f"x{k}" for k in range(factors)],
        "bounds": [[0.0, 1.0]] * factors,
    }


# --- Sobol's indices without Monte Carlo noise
#
# The outcome at a point is a mean over few replicates. Indices of such outcomes, `total` above all, attribute
# their noise to parameters. The covariance of the noise of two outcomes is estimated by the sum of the products
# of the replicates' influence on them (`Measured.influence`). Each product of outcomes in an estimator is too
# large by this covariance on average, so it is subtracted from the numerators, which are those of SALib
# (Saltelli and others 2010 for `first`, Jansen 1999 for `total`, Saltelli 2002 for `second`), and from the
# variance in the denominator. The result estimates the indices for infinitely many replicates, and equals
# SALib's index if there is no noise.


def pairs_of(factors: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and the second factor of each pair, in the order of `second`."""
    first, second = np.triu_indices(factors, 1)
    return first, second


def noiseless_sobol(
    layout: Layout, y: Values, influence: Values, weights: Values | None = None
) -> dict[str, Values]:
    """Return Sobol's indices without noise; with one replicate no noise is removed.

    Args:
        layout: the points.
        y: the outcome at each point, `(points,)`.
        influence: the influence of each replicate on it, `(points, replicates)`.
        weights: weights of the samples, `(draws, samples)`, by default a single draw of equal weights.

    Returns:
        Each index, `(draws, factors)` or for pairs `(draws, pairs)`; NaN if all variance is noise.
    """
    count, size, factors = layout.samples, layout.size, layout.factors
    replicates = influence.shape[1]
    centred = (y - y.mean()).reshape(count, size)
    # Scaled so that sums of products are covariances.
    pulls = influence.reshape(count, size, replicates)
    pulls = pulls / np.sqrt(replicates * max(replicates - 1, 1))

    def product(a: int, b: int) -> Values:
        noise = np.einsum("nr,nr->n", pulls[:, a], pulls[:, b])
        return np.asarray(centred[:, a] * centred[:, b] - noise)

    last, (firsts, seconds) = size - 1, pairs_of(factors)
    alone, crossed = product(0, 0), range(1, factors + 1)
    total = [(alone + product(j, j)) / 2 - product(0, j) for j in crossed]
    first = [product(last, j) - product(last, 0) for j in crossed]
    # One numerator per sample; that of pairs still includes the first-order indices of both.
    numerators = {"total": np.stack(total, axis=1), "first": np.stack(first, axis=1)}
    if layout.second_order:
        both = product(0, last)
        second = [
            product(a + 1 + factors, b + 1) - both
            for a, b in zip(firsts.tolist(), seconds.tolist(), strict=True)
        ]
        numerators["second"] = np.stack(second, axis=1) if second else np.empty((count, 0))
    ends, end_pulls = centred[:, [0, last]], pulls[:, [0, last]]
    # Chance that is the same at all points adds nothing to the variance.
    deviation = end_pulls - end_pulls.mean(axis=(0, 1))
    noise = np.einsum("ner,ner->n", deviation, deviation) / 2
    mean, square = ends.mean(axis=1), (ends**2).mean(axis=1)
    if weights is None:
        weights = np.full((1, count), 1 / count)
    variance = weights @ square - (weights @ mean) ** 2 - weights @ noise
    variance = np.where(variance > 0, variance, np.nan)[:, None]
    indices = {name: weights @ each / variance for name, each in numerators.items()}
    if "second" in indices:
        indices["second"] -= indices["first"][:, firsts] + indices["first"][:, seconds]
    return indices


# --- Indices by SALib, without noise, and of resampled points
#
# Morris: `mu_star` and `mu`, the mean size of an elementary effect (the change in the outcome over the whole range
# of a factor) and the mean with its sign, and `sigma`, its standard deviation, which is large if the effect of a
# factor differs from point to point. Sobol: `first`, the share of the variance that a factor explains alone, `total`,
# with all its interactions, and `second`, that of the interaction of a pair. PAWN: the Kolmogorov-Smirnov distance
# between all outcomes and those with the factor in one tenth of its range: the `median` over tenths and the `maximum`.

#: Each index by name, `(factors,)`, or for pairs `(pairs,)`, in the order of `pairs_of`.
Indices = dict[str, Values]

#: The index by which factors are ranked.
MAIN = {"morris": "mu_star", "sobol": "total", "pawn": "median"}
#: Indices that cannot be negative; Sobol's estimates can be, without noise.
NOT_NEGATIVE = ("mu_star", "sigma", "median", "maximum")
#: The number of bootstrap draws.
RESAMPLES = 200
#: The number of equal parts of a factor's range that PAWN compares.
SLICES = 10
#: The number of factors without effect from which PAWN's threshold is estimated.
DUMMIES = 200
#: The probability that a factor without effect stays below the threshold.
BELOW_THRESHOLD = 0.95


def estimate_indices(layout: Layout, y: Values) -> Indices:
    """Return SALib's indices, or zeros if the outcome is the same at all points."""
    from SALib.analyze import morris, pawn, sobol

    if np.ptp(y) == 0:
        return _zeros(layout)
    cube, second = problem(layout.factors), layout.second_order
    # SALib requires resamples, which are not used; it takes a seed of 0 for none, but not a generator.
    unused: Any = {"num_resamples": 2, "seed": np.random.default_rng(0)}
    with warnings.catch_warnings(action="ignore"):  # the outcome may be the same in a whole draw
        if layout.method == "sobol":
            result = sobol.analyze(cube, y, calc_second_order=second, **unused)
            pairs = {"second": result["S2"][pairs_of(layout.factors)]} if second else {}
            return {"total": result["ST"], "first": result["S1"], **pairs}
        if layout.method == "morris":
            result = morris.analyze(cube, layout.shares, y, **unused)
        else:
            result = pawn.analyze(cube, layout.shares, y, S=SLICES)
    return {name: np.asarray(result[name], np.float64) for name in _zeros(layout)}


def without_noise(layout: Layout, measured: Measured) -> Indices:
    """Return Sobol's indices for infinitely many replicates, and those of `estimate_indices` for other methods."""
    y = measured.estimate
    if np.ptp(y) == 0:
        return _zeros(layout)
    if layout.method == "sobol":
        draws = noiseless_sobol(layout, y, measured.influence)
        return {name: index[0] for name, index in draws.items()}
    if layout.method == "pawn":
        return _summarize(distances(layout.shares, y))
    return estimate_indices(layout, y)


def resampled(layout: Layout, measured: Measured, generator: np.random.Generator) -> Indices:
    """Return the indices `without_noise` of bootstrap draws of the samples (Efron), `(draws, factors)`."""
    y = measured.estimate
    if np.ptp(y) == 0:
        return {name: np.zeros((RESAMPLES, len(zero))) for name, zero in _zeros(layout).items()}
    drawn = generator.integers(layout.samples, size=(RESAMPLES, layout.samples))
    if layout.method == "sobol":
        weights = np.stack([np.bincount(row, minlength=layout.samples) for row in drawn])
        return noiseless_sobol(layout, y, measured.influence, weights / layout.samples)
    if layout.method == "morris":
        each = effects(layout, y)[drawn]
        size = np.abs(each).mean(axis=1)
        return {"mu_star": size, "mu": each.mean(axis=1), "sigma": each.std(axis=1, ddof=1)}
    draws = [_summarize(distances(layout.shares[row], y[row])) for row in drawn]
    return {name: np.stack([draw[name] for draw in draws]) for name in draws[0]}


def noise_threshold(layout: Layout, measured: Measured, generator: np.random.Generator) -> Indices:
    """Return the value that the index of a factor without effect exceeds in one of twenty studies.

    For PAWN, such a factor is independent of the outcome. For Morris, it changes single crises as this factor does, but
    not their mean, so that its effects are noise.
    """
    if layout.method == "pawn":
        shuffled = np.argsort(generator.random((DUMMIES, layout.samples)), axis=1).T
        dummies = _summarize(distances(shuffled / layout.samples, measured.estimate))
        limits = {name: np.quantile(index, BELOW_THRESHOLD) for name, index in dummies.items()}
        return {name: np.full(layout.factors, limit) for name, limit in limits.items()}
    replicates = measured.influence.shape[1]
    if layout.method == "morris" and replicates > 1:
        pulls = [effects(layout, measured.influence[:, r]) for r in range(replicates)]
        variance = np.square(pulls).sum(axis=0) / (replicates * (replicates - 1))
        # The mean absolute value of normal errors, and the standard error of their mean over trajectories.
        mean = np.sqrt(2 / np.pi) * np.sqrt(variance).mean(axis=0)
        error = np.sqrt((1 - 2 / np.pi) * variance.sum(axis=0)) / layout.samples
        return {"mu_star": mean + normal_quantile(2 * BELOW_THRESHOLD - 1) * error}
    return {}


def effects(layout: Layout, y: Values) -> Values:
    """Return the elementary effects of every trajectory, `(trajectories, factors)`."""
    shares = layout.shares.reshape(layout.samples, layout.size, layout.factors)
    steps = np.diff(shares, axis=1)
    moved = np.abs(steps).argmax(axis=2)
    step = np.take_along_axis(steps, moved[:, :, None], axis=2)[:, :, 0]
    slopes = np.diff(y.reshape(layout.samples, layout.size), axis=1) / step
    by_factor = np.empty((layout.samples, layout.factors))
    np.put_along_axis(by_factor, moved, slopes, axis=1)
    return by_factor


def distances(x: Values, y: Values) -> Values:
    """Return Kolmogorov-Smirnov distances between all of `y` and that in each slice of each factor, `(slices, factors)`.

    NaN for an empty slice. SALib's `pawn` gives the same, but spends nearly all of its time on p-values.
    """
    levels, rank = np.unique(y, return_inverse=True)
    everything = np.cumsum(np.bincount(rank, minlength=len(levels))) / len(y)
    largest = np.full((SLICES, x.shape[1]), np.nan)
    edges = np.quantile(x, np.arange(SLICES + 1) / SLICES, axis=0)
    for k in range(x.shape[1]):
        within = np.searchsorted(edges[:, k], x[:, k], side="right") - 1
        inside = within < SLICES  # the largest value is in no slice, as in SALib
        cell = within[inside] * len(levels) + rank[inside]
        counts = np.bincount(cell, minlength=SLICES * len(levels)).reshape(SLICES, -1)
        sizes = counts.sum(axis=1)
        some = sizes > 0
        gaps = np.abs(np.cumsum(counts[some], axis=1) / sizes[some, None] - everything)
        largest[some, k] = gaps.max(axis=1)
    return largest


def _zeros(layout: Layout) -> Indices:
    pawn = ("median", "maximum")
    names = {"morris": ("mu_star", "mu", "sigma"), "pawn": pawn, "sobol": ("total", "first")}
    zeros = {name: np.zeros(layout.factors) for name in names[layout.method]}
    if layout.second_order:
        zeros["second"] = np.zeros(len(pairs_of(layout.factors)[0]))
    return zeros


def _summarize(distances: Values) -> Indices:
    # Empty slices are rare, and `nanmedian` is slow.
    median = np.nanmedian if np.isnan(distances).any() else np.median
    return {"median": median(distances, axis=0), "maximum": np.nanmax(distances, axis=0)}


# --- The study of one outcome
#
# The outcome at every point comes from the same replicates, so chance that is the same at all points changes no
# index. Chance that differs between points is noise: it adds to the variance between points, and so to the indices.
# It is estimated from the influence of each replicate at each point (`Measured.influence`), and reported as its share
# of the variance between points; as Sobol's indices without noise, or for the other methods as the index of noise
# alone; and as its part of an index's standard error, from leaving out groups of replicates in turn (jackknife),
# which is added to the error from the choice of points (bootstrap).

#: The columns of an index.
OF_INDEX = ("estimate", "standard_error", "lower", "upper", "luck_error", "with_noise")
#: The number of groups of replicates in the jackknife.
GROUPS = 16
#: The largest share of noise in the variance between points with which indices are given.
MOST_NOISE = 0.9
#: The largest share of samples with an unknown outcome with which indices are given.
MOST_LOST = 0.2
#: The divisors of the samples from which indices are given, to show their convergence.
PARTS = (8, 4, 2, 1)
#: The smallest number of samples from which indices are given.
FEWEST = 4


@dataclass(frozen=True, eq=False)
class IndexEstimates:
    """The indices of one outcome from a number of samples, each `(factors,)` or for pairs `(pairs,)`.

    Attributes:
        estimate, with_noise: the indices, Sobol's without noise, and SALib's indices of the same outcome.
        error, noise: standard errors, and the part of them that is noise; NaN with one replicate.
        draws, left_out: the indices of each bootstrap draw, and without each group of replicates, in rows.
        main: the name of the main index.
    """

    samples: int
    estimate: dict[str, Values]
    with_noise: dict[str, Values]
    error: dict[str, Values]
    noise: dict[str, Values]
    draws: dict[str, Values]
    left_out: dict[str, Values]
    main: str

    def limits(self, name: str) -> tuple[Values, Values]:
        """Return the 95% limits of an index."""
        estimate, reach = self.estimate[name], normal_quantile() * self.error[name]
        lower = np.maximum(estimate - reach, 0.0) if name in NOT_NEGATIVE else estimate - reach
        return lower, estimate + reach

    def rows(self, name: str) -> Iterator[dict[str, float]]:
        """Yield the columns `OF_INDEX` of an index for each factor or pair."""
        each = (self.estimate, self.error, self.noise, self.with_noise)
        estimate, error, noise, with_noise = (index[name] for index in each)
        for row in zip(estimate, error, *self.limits(name), noise, with_noise, strict=True):
            yield dict(zip(OF_INDEX, map(float, row), strict=True))

    @cached_property
    def order(self) -> list[int]:
        """The factors, the most important first."""
        return [int(k) for k in np.argsort(-self.estimate[self.main], kind="stable")]

    def exceeds(self, a: int, b: int) -> bool:
        """Return whether factor `a` is significantly more important than `b` (paired, 95%)."""
        weights = np.zeros(len(self.estimate[self.main]))
        weights[[a, b]] = 1.0, -1.0
        difference, error = self.sum(self.main, weights)
        return difference > normal_quantile() * error

    def sum(self, name: str, weights: Values) -> tuple[float, float]:
        """Return the weighted sum of an index over the factors, and its standard error."""
        of_points = float(np.nanvar(self.draws[name] @ weights, ddof=1))
        of_noise = float(_jackknife_variance(self.left_out[name] @ weights))
        return float(self.estimate[name] @ weights), math.sqrt(of_points + of_noise)


@dataclass(frozen=True, eq=False)
class Study:
    """The sensitivity study of one outcome.

    Attributes:
        known: the indices, from few samples to all; empty if too little is known or nearly all variance is noise.
        mean, deviation: the outcome's mean and standard deviation over the points.
        noise: the share of noise in that variance; NaN if unknown.
        lost, samples: the number of samples left out because the outcome is unknown at a point, and of all samples.
        floor: the thresholds of a factor without effect (`noise_threshold`).
        effects: the elementary effects of Morris, `(trajectories, factors)`.
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
        """The reason why there are no indices, as a clause; "" if there are."""
        if self.known:
            return ""
        if math.isnan(self.mean):
            return f"unknown, or never reached, in {self.lost} of {self.samples} samples"
        return "nearly all Monte Carlo noise"

    def plain(self, paths: Sequence[str], main: str) -> dict[str, Any]:
        """Return the study as plain data for JSON, with the paths of the factors."""

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
    """Estimate the indices of an outcome; the same seed gives the same limits."""
    is_known = np.isfinite(measured.estimate).reshape(layout.samples, layout.size).all(axis=1)
    samples = np.flatnonzero(is_known)
    lost = layout.samples - len(samples)
    if lost > MOST_LOST * layout.samples or len(samples) < FEWEST:
        return Study((), math.nan, math.nan, math.nan, lost, layout.samples, {})
    kept, outcome = layout.only(samples), _only(measured, layout.rows(samples))
    independent = kept.rows(np.arange(kept.samples)).reshape(kept.samples, kept.size)
    if kept.method == "sobol":  # the points between are crossings of these
        independent = independent[:, [0, -1]]
    noise = noise_share(_only(outcome, independent.ravel()))
    steps = () if noise > MOST_NOISE else tuple(_convergence(layout, measured, samples, seed))
    has_indices = steps and steps[-1].samples == len(samples)
    random = np.random.default_rng([seed, len(PARTS) + 1])
    return Study(
        steps if has_indices else (),
        float(outcome.estimate[independent].mean()),
        float(outcome.estimate[independent].std(ddof=1)) if np.ptp(outcome.estimate) else 0.0,
        noise,
        lost,
        layout.samples,
        noise_threshold(kept, outcome, random) if has_indices else {},
        effects(kept, outcome.estimate) if kept.method == "morris" else None,
    )


def noise_share(measured: Measured) -> float:
    """Return the share of the variance between points that is due to chance which differs between them.

    It is the interaction of points and replicates in an analysis of variance, over the number of replicates. NaN
    with one replicate, or if the outcome is the same at all points.
    """
    points, replicates = measured.influence.shape
    if replicates < 2 or np.ptp(measured.estimate) == 0:
        return float("nan")
    between = float(measured.estimate.var(ddof=1))
    interaction = measured.influence - measured.influence.mean(axis=0)
    freedom = float(replicates * (replicates - 1) * (points - 1))
    scatter = float(np.einsum("pr,pr->", interaction, interaction))
    return min(scatter / (freedom * between), 1.0)


def _convergence(
    layout: Layout, measured: Measured, samples: NDArray[np.int64], seed: int
) -> Iterator[IndexEstimates]:
    """Yield the indices from an eighth of the samples, a quarter, a half, and all."""
    for number, part in enumerate(PARTS, start=1):
        within = samples[samples < layout.samples // part]
        if len(within) < FEWEST:
            continue
        kept, outcome = layout.only(within), _only(measured, layout.rows(within))
        estimate = without_noise(kept, outcome)
        if not all(np.isfinite(index).all() for index in estimate.values()):
            continue
        draws = resampled(kept, outcome, np.random.default_rng([seed, number]))
        without = [without_noise(kept, each) for each in _without_groups(outcome)] or [estimate]
        left_out = {name: np.stack([each[name] for each in without]) for name in estimate}
        noise = {name: np.sqrt(_jackknife_variance(each)) for name, each in left_out.items()}
        error = {
            name: np.hypot(np.nanstd(draws[name], axis=0, ddof=1), noise[name]) for name in estimate
        }
        if len(without) == 1:
            noise = {name: np.full_like(each, np.nan) for name, each in noise.items()}
        raw = estimate_indices(kept, outcome.estimate)
        main = MAIN[layout.method]
        yield IndexEstimates(kept.samples, estimate, raw, error, noise, draws, left_out, main)


def _without_groups(measured: Measured) -> Iterator[Measured]:
    """Yield the outcome without each group of replicates, to first order."""
    replicates = measured.influence.shape[1]
    groups = min(GROUPS, replicates)
    if groups < 2:
        return
    influence = np.where(np.isfinite(measured.influence), measured.influence, 0.0)
    for group in range(groups):
        kept = influence[:, np.arange(replicates) % groups != group]
        change = kept.mean(axis=1)
        yield replace(measured, estimate=measured.estimate + change, pull=kept - change[:, None])


def _jackknife_variance(left_out: Values) -> Values:
    groups = len(left_out)
    return np.asarray((groups - 1) * np.nanvar(left_out, axis=0))


def _only(measured: Measured, rows: NDArray[np.int64]) -> Measured:
    """Return a measure at some of its points."""
    names = ("estimate", "standard_error", "lower", "upper", "of")
    columns = {name: getattr(measured, name)[rows] for name in names}
    return replace(measured, **columns, pull=measured.influence[rows])


def index_tables(
    studies: Mapping[str, Study], paths: Sequence[str], layout: Layout
) -> dict[str, pa.Table]:
    """Return tidy tables of the indices of factors and pairs, and of the elementary effects."""
    rows = [
        {"measure": name, "index": index, "factor": path, "samples": step.samples, **row}
        for name, study in studies.items()
        for step in study.known
        for index in step.estimate
        if index != "second"
        for path, row in zip(paths, step.rows(index), strict=True)
    ]
    tables = {"indices": table_of(rows, ("measure", "index", "factor"), ("samples",), OF_INDEX)}
    if layout.second_order:
        rows = [
            {"measure": name, "factor": paths[j], "with": paths[k], **row}
            for name, study in studies.items()
            if study.known
            for j, k, row in zip(*pairs_of(len(paths)), study.final.rows("second"), strict=True)
        ]
        tables["pairs"] = table_of(rows, ("measure", "factor", "with"), (), OF_INDEX)
    if layout.method == "morris":
        rows = [
            {"measure": name, "factor": path, "trajectory": number, "effect": float(effect)}
            for name, study in studies.items()
            if study.effects is not None
            for number, effects in enumerate(study.effects)
            for path, effect in zip(paths, effects, strict=True)
        ]
        tables["effects"] = table_of(rows, ("measure", "factor"), ("trajectory",), ("effect",))
    return tables


# --- Warnings if the budget is too small

#: For each method, the default and the smallest number of samples, and the name of its samples.
SAMPLES = {
    "morris": (32, 4, "trajectories"),
    "sobol": (256, 16, "base samples"),
    "pawn": (1024, 64, "points"),
}


#: The largest distance of the main index's limits that gives no warning: in the variance (sobol), as a distance
#: between distributions (pawn), or relative to the largest index (morris).
REACH = {"sobol": 0.1, "pawn": 0.1, "morris": 0.25}
#: The share of noise in the variance between points that gives a warning, and the share to aim for.
LARGE_NOISE, SMALL_NOISE = 0.1, 0.05
#: The part of noise in an interval from which more samples alone do not narrow it enough.
MUCH_NOISE = 0.25
#: For each method, the effect of noise on its indices, and the heading of indices below the threshold.
NOISE = {
    "sobol": ("which is removed from the indices, but widens their intervals", ""),
    "morris": (
        "which makes unimportant factors look important",
        "Within the 95% limit of noise alone",
    ),
    "pawn": (
        "which blurs the distributions that are compared",
        "Within the 95% limit of a factor without effect",
    ),
}


def budget_warnings(replicates: int, study: Study, layout: Layout) -> Iterator[str]:
    """Yield warnings about results that need a larger budget, and that budget."""
    if not study.known or study.deviation == 0:
        return
    if study.noise > LARGE_NOISE:
        yield (
            f"{percent(study.noise)} of the variance between points is Monte Carlo noise, "
            f"{NOISE[layout.method][0]}; about {enough(replicates, study.noise)} replicates at "
            f"each point would reduce it to {percent(SMALL_NOISE)}."
        )
    elif math.isnan(study.noise) and replicates < 2:
        yield "with one replicate at each point the noise in the indices is unknown."
    yield from _too_wide(replicates, study.final, layout)
    if study.lost:
        yield (
            f"{study.lost} of {study.samples} {SAMPLES[layout.method][2]} were left out, because the outcome is unknown "
            "or infinite at one of their points."
        )


def _too_wide(replicates: int, estimates: IndexEstimates, layout: Layout) -> Iterator[str]:
    """Yield a warning if the main index's widest interval is too wide, with the budget that would narrow it."""
    main, limit, is_morris = estimates.main, REACH[layout.method], layout.method == "morris"
    scale = float(estimates.estimate[main].max()) if is_morris else 1.0
    widest = int(estimates.error[main].argmax())
    reach = normal_quantile() * float(estimates.error[main][widest]) / scale
    if reach <= limit:
        return
    # Noise falls with the replicates, the error from the choice of points with the samples: aim for half from each.
    ratio, noise = (reach / limit) ** 2, noise_part(estimates, widest)
    needs_both = noise > MUCH_NOISE
    samples = layout.samples * max((2 * (1 - noise) if needs_both else 1) * ratio, 1.0)
    many = 1 << math.ceil(math.log2(samples)) if layout.method == "sobol" else round_up(samples)
    needed = f"{count(many)} {SAMPLES[layout.method][2]}"
    if needs_both:
        replicates = round_up(replicates * max(2 * noise * ratio, 1.0))
        needed += f" of {count(replicates)} replicates"
    wide, narrow = (f"±{percent(x)}" if is_morris else f"±{x:.2g}" for x in (reach, limit))
    of_largest = " of the largest index" if is_morris else ""
    yield f"the widest interval is {wide}{of_largest}; about {needed} would narrow it to {narrow}."


def enough(replicates: int, noise: float) -> str:
    """Return the number of replicates that makes noise small: its variance falls with their number."""
    between = (1 - min(noise, 0.99)) / noise
    return count(round_up(replicates / between * (1 - SMALL_NOISE) / SMALL_NOISE))


def noise_part(estimates: IndexEstimates, factor: int) -> float:
    """Return the share of noise, as opposed to the choice of points, in the variance of a factor's main index."""
    noise, error = estimates.noise[estimates.main][factor], estimates.error[estimates.main][factor]
    return 0.0 if math.isnan(noise) or error == 0 else float((noise / error) ** 2)


def percent(share: float) -> str:
    """Return a share in per cent, with a decimal if it is small."""
    digits = 0 if abs(share) >= 0.095 or abs(share) < 0.0005 else 1
    return f"{100 * share:.{digits}f}".removesuffix(".0") + "%"
