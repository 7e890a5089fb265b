"""The sentences that answer a sweep: how far its outcomes go, where they cross a level, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from crisis_sim.experiments import words
from crisis_sim.experiments.design import Design
from crisis_sim.experiments.experiment import Experiment
from crisis_sim.experiments.factors import Factor
from crisis_sim.outcomes.measures import Contrast, Measure, Measured


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
        f"{words.count(design.points)} points of {words.count(design.replicates)} replicates, all "
        "with the same luck; intervals are 95%, and lowest and highest are picked among the points, "
        f"which chance stretches a little. {words.halving(design.replicates)}"
    )


def _range_of(
    measure: Measure, design: Design, factors: list[Factor], less: Contrast, reference: int
) -> str:
    one = design.measured[measure.name]
    known = np.where(np.isfinite(one.estimate), one.estimate, np.nan)
    name = words.sentence_start(measure.subject)
    never, unknown = int(np.isinf(one.estimate).sum()), int(np.isnan(one.estimate).sum())
    lost = [
        f"{what} at {words.count(of)} of {words.count(one.points)} points"
        for what, of in (("never reached", never), ("unknown", unknown))
        if of
    ]
    if np.isnan(known).all():
        return f"{name}: {words.listed(lost)}."
    if one.points > 1 and not lost and np.ptp(known) == 0.0:
        said = words.estimate(*_figures(one, reference), measure.unit)
        return f"{name}: {said} at every point."
    ends = int(np.nanargmin(known)), int(np.nanargmax(known))

    def place(point: int) -> str:
        return words.place(factors, {path: of[point] for path, of in design.values.items()})

    lowest, highest = (
        f"{words.estimate(*_figures(one, point), measure.unit)} at {place(point)}"
        + _and_more(int((known == known[point]).sum()) - 1)
        for point in ends
    )
    text = f"{name}: from {lowest} to {highest}"
    text += f", and {words.listed(lost)}" if lost else ""
    far = max(ends, key=lambda point: abs(known[point] - known[reference]))
    if far != reference and np.isfinite(less.estimate[far]):
        said = words.change(*_figures(less, far), measure.unit)
        text += f"; from {place(reference)} to {place(far)} it {said}"
    return f"{text}."


def _and_more(points: int) -> str:
    """That other points have the same figure."""
    return f" and {words.count(points)} more point{'s' * (points > 1)}" if points else ""


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
        yield f"{words.sentence_start(measure.subject)} crosses {shown} nowhere in this range."
    for one in summary["crossings"]:
        limits = [
            words.valued(factors[0], one[key]) for key in ("lower", "upper") if one[key] is not None
        ]
        said = f" (the band: {' to '.join(limits)})" if len(limits) == 2 else ""
        where = words.place(factors, {factors[0].path: one["at"]})
        yield (
            f"{words.sentence_start(measure.subject)} {one['direction']} through {shown} at "
            f"{where}{said}."
        )
