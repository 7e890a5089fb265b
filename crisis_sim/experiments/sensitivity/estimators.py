"""Indices of figures at the points of a layout, by SALib, and how they vary as samples are drawn anew.

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
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.experiments.sensitivity.layouts import Layout, problem

Values = NDArray[np.float64]
#: Each index, `(factors,)`; that of pairs, `(pairs,)`, in the order of `pairs_of`.
Indices = dict[str, Values]

#: The index by which factors are ranked.
MAIN = {"morris": "mu_star", "sobol": "total", "pawn": "median"}
#: Indices that cannot be below zero.
NOT_NEGATIVE = ("mu_star", "sigma", "total", "median", "maximum")
#: Draws of the samples, with replacement.
RESAMPLES = 200
#: Equal parts of a factor's range that PAWN compares.
SLICES = 10
#: Factors that nothing depends on, which PAWN is tried on.
DUMMIES = 200
#: A dummy's index is seldom higher than the threshold: in one of twenty.
SELDOM = 0.95


@dataclass(frozen=True, eq=False)
class Resampled:
    """How indices vary as samples are drawn anew.

    Attributes:
        error: their standard errors, by index.
        draws: the indices of each draw, the same draws for all factors, `(draws, factors)`; those
            of pairs are left out.
    """

    error: Indices
    draws: Indices


def estimate(layout: Layout, y: Values) -> Indices:
    """Indices by SALib; all of them zero where the figure is the same everywhere."""
    if np.ptp(y) == 0:
        return {name: np.zeros(length) for name, length in _lengths(layout).items()}
    with _quiet():
        return _ESTIMATORS[layout.method](layout, y)


def again(layout: Layout, y: Values) -> Indices:
    """The indices that `estimate` finds, for figures that are tried many times over."""
    if layout.method == "pawn":
        return _summed_up(distances(layout.shares, y))
    return estimate(layout, y)


def resampled(layout: Layout, y: Values, generator: np.random.Generator) -> Resampled:
    """How indices vary as samples are drawn with replacement (Efron's bootstrap)."""
    if np.ptp(y) == 0:
        zero = {name: np.zeros(length) for name, length in _lengths(layout).items()}
        return Resampled(zero, {name: np.zeros((RESAMPLES, len(of))) for name, of in zero.items()})
    with _quiet():
        return _RESAMPLERS[layout.method](layout, y, generator)


def pairs_of(factors: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs of factors, in the order of `second`."""
    first, second = np.triu_indices(factors, 1)
    return first, second


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


def dummies(layout: Layout, y: Values, generator: np.random.Generator) -> dict[str, float]:
    """What PAWN's indices seldom exceed for a factor that nothing depends on, by index."""
    shuffled = np.argsort(generator.random((DUMMIES, len(y))), axis=1).T / len(y)
    of = distances(shuffled, y)
    return {name: float(np.quantile(value, SELDOM)) for name, value in _summed_up(of).items()}


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
    edges = np.nanquantile(x, np.arange(SLICES + 1) / SLICES, axis=0)
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


def _sobol(layout: Layout, y: Values, generator: Any, draws: int) -> Any:
    from SALib.analyze import sobol

    # A generator is a seed as any other here, while the seed 0 would count as none.
    return sobol.analyze(
        problem(layout.factors),
        y,
        calc_second_order=layout.second_order,
        num_resamples=draws,
        seed=generator,
        keep_resamples=True,
    )


def _estimate_sobol(layout: Layout, y: Values) -> Indices:
    found = _sobol(layout, y, np.random.default_rng(0), 2)  # the draws are not looked at
    pairs = {"second": found["S2"][pairs_of(layout.factors)]} if layout.second_order else {}
    return {"total": found["ST"], "first": found["S1"], **pairs}


def _resample_sobol(layout: Layout, y: Values, generator: np.random.Generator) -> Resampled:
    from crisis_sim.outcomes.intervals import normal_quantile

    found = _sobol(layout, y, generator, RESAMPLES)
    drawn = _spread({"total": found["ST_conf_all"], "first": found["S1_conf_all"]})
    if layout.second_order:
        pairs = found["S2_conf"][pairs_of(layout.factors)]
        drawn.error["second"] = pairs / normal_quantile(0.95)  # SALib gives what a limit is away
    return drawn


def _estimate_morris(layout: Layout, y: Values) -> Indices:
    from SALib.analyze import morris

    found = morris.analyze(
        problem(layout.factors), layout.shares, y, num_resamples=2, seed=np.random.default_rng(0)
    )
    return {name: np.asarray(found[name], np.float64) for name in ("mu_star", "mu", "sigma")}


def _resample_morris(layout: Layout, y: Values, generator: np.random.Generator) -> Resampled:
    of = effects(layout, y)
    drawn = of[generator.integers(len(of), size=(RESAMPLES, len(of)))]
    return _spread(
        {
            "mu_star": np.abs(drawn).mean(axis=1),
            "mu": drawn.mean(axis=1),
            "sigma": drawn.std(axis=1, ddof=1),
        }
    )


def _estimate_pawn(layout: Layout, y: Values) -> Indices:
    from SALib.analyze import pawn

    found = pawn.analyze(problem(layout.factors), layout.shares, y, S=SLICES)
    return {name: np.asarray(found[name]) for name in ("median", "maximum")}


def _resample_pawn(layout: Layout, y: Values, generator: np.random.Generator) -> Resampled:
    rows = generator.integers(len(y), size=(RESAMPLES, len(y)))
    each = [_summed_up(distances(layout.shares[row], y[row])) for row in rows]
    return _spread({name: np.stack([one[name] for one in each]) for name in each[0]})


def _summed_up(of: Values) -> Indices:
    return {"median": np.nanmedian(of, axis=0), "maximum": np.nanmax(of, axis=0)}


def _spread(draws: Indices) -> Resampled:
    return Resampled({name: of.std(axis=0, ddof=1) for name, of in draws.items()}, draws)


_ESTIMATORS: dict[str, Callable[[Layout, Values], Indices]] = {
    "sobol": _estimate_sobol,
    "morris": _estimate_morris,
    "pawn": _estimate_pawn,
}
_RESAMPLERS: dict[str, Callable[[Layout, Values, np.random.Generator], Resampled]] = {
    "sobol": _resample_sobol,
    "morris": _resample_morris,
    "pawn": _resample_pawn,
}
