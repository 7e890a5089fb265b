"""Sweep: how outcomes change as one parameter, or two, go over a range.

Points lie on a grid, or are a space-filling sample (a scrambled Sobol sequence or a Latin hypercube
of `scipy.stats.qmc`). All of them share the luck of each replicate, so that a curve is smooth long
before its band is narrow, and differences to the reference point are paired.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from crisis_sim.experiments import words
from crisis_sim.experiments.design import Design, run_design
from crisis_sim.experiments.experiment import Experiment
from crisis_sim.experiments.factors import Factor, Range, resolve
from crisis_sim.experiments.findings import Findings
from crisis_sim.experiments.reading import Reading
from crisis_sim.experiments.run import How
from crisis_sim.experiments.schema import Spec, WrittenMeasure
from crisis_sim.outcomes.measures import Contrast, Measure, Measured
from crisis_sim.scenario.errors import Mistake
from crisis_sim.scenario.parameters import numbers_of
from crisis_sim.scenario.part import Part

Values = NDArray[np.float64]

ANSWERS = "how outcomes change as one or two parameters go over a range"


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


class SweepSpec(Spec):
    """A sweep of one parameter or two."""

    kind: Literal["sweep"] = Field(description="what kind of experiment it is")
    vary: dict[str, SweptRange] = Field(
        min_length=1, max_length=2, description="one or two parameters by path, each with its range"
    )
    sample: Sample | None = Field(None, description="a space-filling sample in place of a grid")
    outcomes: tuple[WrittenMeasure, ...] = Field(min_length=1, description="what is measured")
    reference: dict[str, float] = Field(
        default_factory=dict,
        description="by parameter, the value that others are compared with; "
        "the scenario's own where left out",
    )
    threshold: float | None = Field(
        None, description="a value of the first outcome whose crossing matters, such as 0.5"
    )


SPEC = SweepSpec


def check(spec: SweepSpec, reading: Reading) -> Iterator[Mistake]:
    for path, swept in spec.vary.items():
        if swept.values:
            yield from _check_values(path, swept, reading)
        else:
            yield from reading.check_factors({path: swept}, "vary")
    for path in spec.reference:
        if path not in spec.vary:
            from crisis_sim.scenario.errors import nearest, one_of

            node = reading.at("reference", path)
            yield node.label.mistake(
                f"'{path}' is not varied", one_of(spec.vary), nearest(path, spec.vary)
            )


def _check_values(path: str, swept: SweptRange, reading: Reading) -> Iterator[Mistake]:
    from crisis_sim.experiments.factors import check_path

    wrong = list(check_path(path, reading.at("vary", path), reading.scenario))
    yield from wrong
    if wrong:
        return
    limits = numbers_of(reading.scenario)[path]
    node = reading.at("vary", path, "values")
    if len(set(swept.values)) < 2:
        yield node.place.mistake("an empty range: fewer than two values", "two values or more")
    for k, value in enumerate(swept.values):
        if not limits.low <= value <= limits.high:
            yield reading.mistake(
                "vary",
                path,
                "values",
                k,
                message=f"out of range: {value:g}",
                expected=f"a number {limits.words()}",
            )


def crises(experiment: Experiment) -> int:
    spec: Any = experiment.spec
    return _count_points(spec) * int(spec.replicates)


def _count_points(spec: SweepSpec) -> int:
    if spec.sample:
        return spec.sample.points
    return math.prod(
        len(set(one.values)) if one.values else one.points for one in spec.vary.values()
    )


def run(experiment: Experiment, how: How) -> Findings:
    spec: Any = experiment.spec
    factors = factors_of(experiment)
    values = points_of(spec, factors)
    design = run_design(
        experiment.scenario,
        values,
        experiment.measures,
        spec.replicates,
        spec.seed,
        how.workers,
        how.design,
        resume=how.resume,
        progress=how.progress,
        tell=how.tell,
    )
    reference = nearest_point(values, factors, spec.reference)
    differences = {name: one.less(reference) for name, one in design.measured.items()}
    summary = _summary(experiment, design, factors, reference)
    return Findings(
        experiment,
        tuple(_answer(experiment, design, factors, reference, differences, summary)),
        {
            "points": design.point_table(),
            "measures": design.measure_table(),
            "differences": difference_table(differences),
        },
        summary,
        design.crises,
    )


def factors_of(experiment: Experiment) -> list[Factor]:
    """The parameters that a sweep varies, in its order."""
    spec: Any = experiment.spec
    factors = []
    for path, swept in spec.vary.items():
        ends = {"low": min(swept.values), "high": max(swept.values)} if swept.values else {}
        factors.append(resolve(path, swept.model_copy(update=ends), experiment.scenario))
    return factors


def points_of(spec: SweepSpec, factors: list[Factor]) -> dict[str, Values]:
    """The value of each parameter at each point, `(points,)`; on a grid the last one moves fastest."""
    if spec.sample:
        shares = _shares(spec.sample, len(factors), spec.seed)
        return {factor.path: factor.at(shares[:, k]) for k, factor in enumerate(factors)}
    sides = []
    for factor in factors:
        swept = spec.vary[factor.path]
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
    values: dict[str, Values], factors: list[Factor], wanted: dict[str, float]
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


def difference_table(differences: dict[str, Contrast]) -> Any:
    """One row a point and measure: the point less the reference point."""
    import pyarrow as pa

    names = list(differences)
    points = len(next(iter(differences.values())).estimate)
    columns = {
        key: pa.array(
            np.concatenate([getattr(one, key) for one in differences.values()]), from_pandas=True
        )
        for key in ("estimate", "lower", "upper", "standard_error")
    }
    return pa.table(
        {
            "point": np.tile(np.arange(points), len(names)),
            "measure": np.repeat(names, points),
            **columns,
        }
    )


def _summary(
    experiment: Experiment, design: Design, factors: list[Factor], reference: int
) -> dict[str, Any]:
    spec: Any = experiment.spec
    first = experiment.measures[0]
    crossings = []
    if spec.threshold is not None and len(factors) == 1:
        x = design.values[factors[0].path]
        crossings = crossings_of(x, design.measured[first.name], spec.threshold)
    return {
        "vary": [
            {
                "path": factor.path,
                "meaning": factor.meaning,
                "unit": factor.unit,
                "low": factor.low,
                "high": factor.high,
                "scale": factor.scale,
                "own": factor.middle,
            }
            for factor in factors
        ],
        "layout": spec.sample.method if spec.sample else "grid",
        "points": design.points,
        "replicates": design.replicates,
        "reference": reference,
        "measures": [
            {"name": one.name, "words": one.words, "unit": one.unit} for one in experiment.measures
        ],
        "threshold": spec.threshold,
        "crossings": crossings,
    }


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


def _answer(
    experiment: Experiment,
    design: Design,
    factors: list[Factor],
    reference: int,
    differences: dict[str, Contrast],
    summary: dict[str, Any],
) -> Iterator[str]:
    for measure in experiment.measures:
        yield _range_of(measure, design, factors, differences[measure.name], reference)
    yield from _at_threshold(experiment, factors, summary)
    yield (
        f"{words.count(design.points)} points of {words.count(design.replicates)} replicates, all "
        "with the same luck; intervals are 95%, and lowest and highest are picked among the points, "
        f"which chance stretches a little. {words.halving(design.replicates)}"
    )


def _range_of(
    measure: Measure, design: Design, factors: list[Factor], less: Contrast, reference: int
) -> str:
    one = design.measured[measure.name]
    known = np.where(np.isfinite(one.estimate), one.estimate, np.nan)
    name = words.sentence_start(measure.words)
    if np.isnan(known).all():
        return f"{name}: {words.figure(float(one.estimate[0]), measure.unit)} at every point."
    ends = int(np.nanargmin(known)), int(np.nanargmax(known))

    def place(point: int) -> str:
        return words.place(factors, {path: of[point] for path, of in design.values.items()})

    lowest, highest = (
        f"{words.estimate(*_figures(one, point), measure.unit)} at {place(point)}" for point in ends
    )
    text = f"{name}: from {lowest} to {highest}"
    far = max(ends, key=lambda point: abs(known[point] - known[reference]))
    if far != reference and np.isfinite(less.estimate[far]):
        said = words.change(*_figures(less, far), measure.unit)
        text += f"; from {place(reference)} to {place(far)} it {said}"
    return f"{text}."


def _figures(of: Measured | Contrast, point: int) -> tuple[float, float, float]:
    return float(of.estimate[point]), float(of.lower[point]), float(of.upper[point])


def _at_threshold(
    experiment: Experiment, factors: list[Factor], summary: dict[str, Any]
) -> Iterator[str]:
    threshold, measure = summary["threshold"], experiment.measures[0]
    if threshold is None or len(factors) != 1:
        return
    shown = words.figure(threshold, measure.unit)
    if not summary["crossings"]:
        yield f"{words.sentence_start(measure.words)} crosses {shown} nowhere in this range."
    for one in summary["crossings"]:
        limits = [
            words.valued(factors[0], one[key]) for key in ("lower", "upper") if one[key] is not None
        ]
        said = f" (the band: {' to '.join(limits)})" if len(limits) == 2 else ""
        where = words.place(factors, {factors[0].path: one["at"]})
        yield (
            f"{words.sentence_start(measure.words)} {one['direction']} through {shown} at "
            f"{where}{said}."
        )
