"""Indices of figures at the points of a layout, by SALib; without noise; and as samples are drawn anew.

Morris: `mu_star`, the mean size of an elementary effect (what the outcome would change by over the
whole range of a factor), `mu`, its mean with its sign, and `sigma`, its standard deviation: large
where a factor acts differently from place to place, by curvature or with others. Sobol: `first`, the
share of the variance that a factor explains alone, `total`, with all that it takes part in, and
`second`, that of a pair beyond both alone. PAWN: the Kolmogorov-Smirnov distance between all figures
and those with the factor in one tenth of its range: the `median` over tenths and the `maximum`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.experiments.sensitivity.layouts import Layout, problem
from crisis_sim.experiments.sensitivity.sobol_terms import pairs_of, terms_of
from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.outcomes.measures import Measured

Values = NDArray[np.float64]
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


def estimate(layout: Layout, y: Values) -> Indices:
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
    return estimate(layout, y)


def resampled(layout: Layout, measured: Measured, generator: np.random.Generator) -> Indices:
    """The indices `without_noise` as samples are drawn with replacement (Efron's bootstrap).

    Returns:
        By index `(draws, factors)` or, of pairs, `(draws, pairs)`: the same draws for all of them.
    """
    if np.ptp(measured.estimate) == 0:
        return {name: np.zeros((RESAMPLES, length)) for name, length in _lengths(layout).items()}
    drawn = generator.integers(layout.samples, size=(RESAMPLES, layout.samples))
    return _RESAMPLERS[layout.method](layout, measured, drawn)


def floor(layout: Layout, measured: Measured, generator: np.random.Generator) -> Indices:
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
