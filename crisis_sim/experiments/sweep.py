"""Sweep: how outcomes change as one parameter, or two, go over a range.

Points lie on a grid, or are a space-filling sample (a scrambled Sobol sequence or a Latin hypercube
of `scipy.stats.qmc`). All of them share the luck of each replicate, so that a curve is smooth long
before its band is narrow, and differences to the reference point are paired.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from crisis_sim import text as wording
from crisis_sim.experiments import spec
from crisis_sim.experiments.design import Design, run_design
from crisis_sim.experiments.factors import Factor, Range, check_path, check_value, resolve
from crisis_sim.experiments.spec import (
    Experiment,
    Findings,
    Reading,
    RunOptions,
    Spec,
    WrittenMeasure,
)
from crisis_sim.outcomes.differences import Contrast, Measured
from crisis_sim.outcomes.measures import Measure
from crisis_sim.scenario.errors import Mistake, nearest, one_of
from crisis_sim.scenario.introspect import numbers_of
from crisis_sim.scenario.numbers import Part
from crisis_sim.scenario.schema import Scenario

# --- Sweep: how outcomes change as one parameter, or two, go over a range

Values = NDArray[np.float64]

ANSWERS = "how outcomes change as one or two parameters go over a range"


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
    wrong: list[Mistake] = []
    for path, swept in spec.vary.items():
        if swept.values:
            wrong += _check_values(path, swept, reading)
        else:
            wrong += reading.check_factors({path: swept}, "vary")
        wrong += _check_unread(path, swept, spec, reading)
    yield from wrong
    for path, wanted in spec.reference.items():
        node = reading.at("reference", path)
        if path not in spec.vary:
            yield node.label.mistake(
                f"'{path}' is not varied", one_of(spec.vary), nearest(path, spec.vary)
            )
        elif not wrong:
            factor = factor_of(path, spec.vary[path], reading.scenario)
            if not factor.low <= wanted <= factor.high:
                yield node.place.mistake(
                    f"out of the range that is swept: {wanted:g}",
                    f"a number between {factor.low:g} and {factor.high:g}",
                )


def _check_unread(
    path: str, swept: SweptRange, spec: SweepSpec, reading: Reading
) -> Iterator[Mistake]:
    """What a file says of a range and nothing would read."""
    beside = ("low", "high", "points") if swept.values else ()
    entries = reading.at("vary", path).entries()
    for key in beside:
        if key in entries:
            yield entries[key].label.mistake(f"`{key}` beside `values`", "one of the two")
    for key in ("values", "points") if spec.sample else ():
        if key in entries:
            yield entries[key].label.mistake(
                f"`{key}` beside `sample`, which chooses the points itself", "one of the two"
            )


def _check_values(path: str, swept: SweptRange, reading: Reading) -> Iterator[Mistake]:
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
        elif limits.whole and not value.is_integer():
            message = f"a fraction where only whole numbers make sense: {value:g}"
            yield reading.mistake(
                "vary", path, "values", k, message=message, expected="a whole number"
            )
        else:
            where = reading.at("vary", path, "values", k)
            yield from check_value(path, value, where, reading.scenario)


def crises(experiment: Experiment) -> int:
    spec: Any = experiment.spec
    return _count_points(spec) * int(spec.replicates)


def _count_points(spec: SweepSpec) -> int:
    if spec.sample:
        return spec.sample.points
    return math.prod(
        len(set(one.values)) if one.values else one.points for one in spec.vary.values()
    )


def run(experiment: Experiment, options: RunOptions) -> Findings:
    spec: Any = experiment.spec
    factors = factors_of(experiment)
    values = points_of(spec.vary, spec.sample, factors, spec.seed)
    design = run_design(
        experiment.scenario,
        values,
        experiment.measures,
        spec.replicates,
        spec.seed,
        options.workers,
        options.design,
        resume=options.resume,
        progress=options.progress,
        on_message=options.on_message,
    )
    reference = nearest_point(values, factors, spec.reference)
    differences = {name: one.less(reference) for name, one in design.measured.items()}
    summary = _summary(experiment, design, factors, reference)
    return Findings(
        experiment,
        tuple(answer(experiment, design, factors, reference, differences, summary)),
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
    return [factor_of(path, swept, experiment.scenario) for path, swept in spec.vary.items()]


def factor_of(path: str, swept: SweptRange, scenario: Scenario) -> Factor:
    """A parameter that a sweep varies; what the file says of it must have been checked."""
    ends = {"low": min(swept.values), "high": max(swept.values)} if swept.values else {}
    return resolve(path, swept.model_copy(update=ends), scenario)


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
        "measures": [one.about() for one in experiment.measures],
        "threshold": spec.threshold,
        "crossings": crossings,
    }


# --- Where the points of a sweep lie, which of them others are compared with, and where a curve crosses a level


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


# --- The sentences that answer a sweep: how far its outcomes go, where they cross a level, and how sure that is


def answer(
    experiment: Experiment,
    design: Design,
    factors: list[Factor],
    reference: int,
    differences: dict[str, Contrast],
    summary: dict[str, Any],
) -> Iterator[str]:
    """What a sweep found: a sentence for each measure, for the threshold, and for how sure it is.

    Args:
        experiment: the sweep.
        design: what was run.
        factors: what was varied.
        reference: the point that others are compared with.
        differences: by measure, every point less that one.
        summary: the sweep's figures, of which the threshold and its crossings are read.
    """
    for measure in experiment.measures:
        yield _range_of(measure, design, factors, differences[measure.name], reference)
    yield from _at_threshold(experiment, factors, summary)
    yield (
        f"{wording.count(design.points)} points of {wording.count(design.replicates)} replicates, all "
        "with the same luck; intervals are 95%, and lowest and highest are picked among the points, "
        f"which chance stretches a little. {spec.halving(design.replicates)}"
    )


def _range_of(
    measure: Measure, design: Design, factors: list[Factor], less: Contrast, reference: int
) -> str:
    one = design.measured[measure.name]
    known = np.where(np.isfinite(one.estimate), one.estimate, np.nan)
    name = spec.sentence_start(measure.subject)
    never, unknown = int(np.isinf(one.estimate).sum()), int(np.isnan(one.estimate).sum())
    lost = [
        f"{what} at {wording.count(of)} of {wording.count(one.points)} points"
        for what, of in (("never reached", never), ("unknown", unknown))
        if of
    ]
    if np.isnan(known).all():
        return f"{name}: {wording.listed(lost)}."
    if one.points > 1 and not lost and np.ptp(known) == 0.0:
        said = spec.estimate(*_figures(one, reference), measure.unit)
        return f"{name}: {said} at every point."
    ends = int(np.nanargmin(known)), int(np.nanargmax(known))

    def place(point: int) -> str:
        return spec.values_in_words(
            factors, {path: of[point] for path, of in design.values.items()}
        )

    lowest, highest = (
        f"{spec.estimate(*_figures(one, point), measure.unit)} at {place(point)}"
        + _and_more(int((known == known[point]).sum()) - 1)
        for point in ends
    )
    text = f"{name}: from {lowest} to {highest}"
    text += f", and {wording.listed(lost)}" if lost else ""
    far = max(ends, key=lambda point: abs(known[point] - known[reference]))
    if far != reference and np.isfinite(less.estimate[far]):
        said = spec.change(*_figures(less, far), measure.unit)
        text += f"; from {place(reference)} to {place(far)} it {said}"
    return f"{text}."


def _and_more(points: int) -> str:
    """That other points have the same figure."""
    return f" and {wording.count(points)} more point{'s' * (points > 1)}" if points else ""


def _figures(of: Measured | Contrast, point: int) -> tuple[float, float, float]:
    return float(of.estimate[point]), float(of.lower[point]), float(of.upper[point])


def _at_threshold(
    experiment: Experiment, factors: list[Factor], summary: dict[str, Any]
) -> Iterator[str]:
    threshold, measure = summary["threshold"], experiment.measures[0]
    if threshold is None or len(factors) != 1:
        return
    shown = spec.figure(threshold, measure.unit)
    if not summary["crossings"]:
        yield f"{spec.sentence_start(measure.subject)} crosses {shown} nowhere in this range."
    for one in summary["crossings"]:
        limits = [
            spec.valued(factors[0], one[key]) for key in ("lower", "upper") if one[key] is not None
        ]
        said = f" (the band: {' to '.join(limits)})" if len(limits) == 2 else ""
        where = spec.values_in_words(factors, {factors[0].path: one["at"]})
        yield (
            f"{spec.sentence_start(measure.subject)} {one['direction']} through {shown} at "
            f"{where}{said}."
        )
