"""Where the points of a sweep lie, which of them others are compared with, and where a curve crosses a level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from crisis_sim.experiments.factors import Factor, Range
from crisis_sim.outcomes.measures import Measured
from crisis_sim.scenario.part import Part

Values = NDArray[np.float64]


class SweptRange(Range):
    """How far a swept parameter goes, and in how many steps."""

    points: int = Field(
        9, description="values on its side of the grid", strict=True, ge=2, le=10_000
    )
    values: tuple[float, ...] = Field((), description="the very values, in place of a range")


class Sample(Part):
    """A space-filling sample, in place of a grid."""

    method: Literal["sobol", "latin hypercube"] = Field(
        "sobol", description="how points are spread"
    )
    points: int = Field(description="how many points", strict=True, ge=2, le=1_000_000)


def points_of(
    vary: Mapping[str, SweptRange], sample: Sample | None, factors: Sequence[Factor], seed: int
) -> dict[str, Values]:
    """The value of each parameter at each point, `(points,)`; on a grid the last one moves fastest."""
    if sample:
        shares = _shares(sample, len(factors), seed)
        return {factor.path: factor.at(shares[:, k]) for k, factor in enumerate(factors)}
    sides = []
    for factor in factors:
        swept = vary[factor.path]
        own = (
            np.unique(swept.values) if swept.values else factor.at(np.linspace(0, 1, swept.points))
        )
        sides.append(np.clip(own, factor.low, factor.high))
    grid = np.meshgrid(*sides, indexing="ij")
    return {factor.path: side.ravel() for factor, side in zip(factors, grid, strict=True)}


def _shares(sample: Sample, dimensions: int, seed: int) -> Values:
    """Points in the unit cube, the same for the same seed."""
    import warnings

    from scipy.stats import qmc

    if sample.method == "latin hypercube":
        return np.asarray(qmc.LatinHypercube(dimensions, rng=seed).random(sample.points))
    with warnings.catch_warnings():
        # Any number of points may be asked for; only balance is lost where it is no power of two.
        warnings.filterwarnings("ignore", message="The balance properties")
        return np.asarray(qmc.Sobol(dimensions, rng=seed).random(sample.points))


def nearest_point(
    values: Mapping[str, Values], factors: Sequence[Factor], wanted: Mapping[str, float]
) -> int:
    """The point that is nearest to wanted values; to the scenario's own where none is wanted."""
    distance: Any = 0.0
    for factor in factors:
        goal = wanted.get(factor.path, factor.middle)
        scale = np.log if factor.scale == "log" else np.asarray
        here = scale(
            np.maximum(values[factor.path], 1e-12) if scale is np.log else values[factor.path]
        )
        span = scale(factor.high) - scale(factor.low)
        distance = (
            distance + ((here - scale(max(goal, 1e-12) if scale is np.log else goal)) / span) ** 2
        )
    return int(np.argmin(distance))


def crossings_of(x: Values, measured: Measured, threshold: float) -> list[dict[str, Any]]:
    """Where a curve crosses a threshold, between points in a straight line.

    The limits are where its band's edges cross it, each the nearest to the crossing; null where an
    edge does not.
    """
    order = np.argsort(x)
    x = x[order]
    middle = _crossed(x, measured.estimate[order], threshold)
    edges = [
        place
        for curve in (measured.lower, measured.upper)
        for place, _ in _crossed(x, curve[order], threshold)
    ]
    found = []
    for at, rises in middle:
        below = [edge for edge in edges if edge < at]
        above = [edge for edge in edges if edge > at]
        found.append(
            {
                "at": at,
                "lower": max(below) if below else None,
                "upper": min(above) if above else None,
                "direction": "rises" if rises else "falls",
            }
        )
    return found


def _crossed(x: Values, y: Values, threshold: float) -> list[tuple[float, bool]]:
    apart = y - threshold
    found = []
    for k in range(len(x) - 1):
        a, b = apart[k], apart[k + 1]
        if np.isfinite(a) and np.isfinite(b) and (a < 0) != (b < 0):
            found.append((float(x[k] + (x[k + 1] - x[k]) * a / (a - b)), bool(b > a)))
    return found
