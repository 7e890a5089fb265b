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

from crisis_sim.experiments.design import Design, run_design
from crisis_sim.experiments.experiment import Experiment
from crisis_sim.experiments.factors import Factor, check_path, resolve
from crisis_sim.experiments.findings import Findings
from crisis_sim.experiments.reading import Reading
from crisis_sim.experiments.run import How
from crisis_sim.experiments.schema import Spec, WrittenMeasure
from crisis_sim.experiments.sweep_words import answer
from crisis_sim.experiments.sweeping import (
    Sample,
    SweptRange,
    crossings_of,
    nearest_point,
    points_of,
)
from crisis_sim.outcomes.measures import Contrast
from crisis_sim.scenario.errors import Mistake, nearest, one_of
from crisis_sim.scenario.parameters import numbers_of

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
    for path, swept in spec.vary.items():
        if swept.values:
            yield from _check_values(path, swept, reading)
        else:
            yield from reading.check_factors({path: swept}, "vary")
    for path in spec.reference:
        if path not in spec.vary:
            node = reading.at("reference", path)
            yield node.label.mistake(
                f"'{path}' is not varied", one_of(spec.vary), nearest(path, spec.vary)
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
    values = points_of(spec.vary, spec.sample, factors, spec.seed)
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
    factors = []
    for path, swept in spec.vary.items():
        ends = {"low": min(swept.values), "high": max(swept.values)} if swept.values else {}
        factors.append(resolve(path, swept.model_copy(update=ends), experiment.scenario))
    return factors


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
