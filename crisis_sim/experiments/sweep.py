"""Sweep: how outcomes change as one or two parameters vary over a range.

Points form a grid or a space-filling sample (a scrambled Sobol sequence or a Latin hypercube, from
`scipy.stats.qmc`). A replicate has the same random numbers at all points, so curves are smooth even if
their bands are wide, and differences from the reference point are paired.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from textwrap import fill
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from crisis_sim import text
from crisis_sim.experiments import phrases, plots
from crisis_sim.experiments.factors import (
    Factor,
    Range,
    Values,
    check_path,
    check_value,
    resolve,
    share_of,
)
from crisis_sim.experiments.plots import style
from crisis_sim.experiments.points import FIGURES, FITS, Design, run_points, sobol_points
from crisis_sim.experiments.spec import (
    Experiment,
    Findings,
    MeasuringSpec,
    Reading,
    RunOptions,
    entry,
    whole_number,
)
from crisis_sim.outcomes.intervals import Contrast, Measured
from crisis_sim.outcomes.measures import Measure
from crisis_sim.outcomes.over_fits import OverFits
from crisis_sim.scenario.errors import Mistake, nearest, one_of
from crisis_sim.scenario.introspect import numbers_of
from crisis_sim.scenario.numbers import Part
from crisis_sim.scenario.schema import Scenario
from crisis_sim.text import excludes_zero

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class SweptRange(Range):
    """The range or the values of a swept parameter."""

    points: int = whole_number("the number of values in a grid", 9, least=2, most=10_000)
    values: tuple[float, ...] = entry("a list of values instead of a range", ())


class Sample(Part):
    """A space-filling sample instead of a grid."""

    method: Literal["sobol", "latin hypercube"] = entry("the sampling method", "sobol")
    points: int = whole_number("the number of points", least=2, most=1_000_000)


class SweepSpec(MeasuringSpec):
    """The keys of a sweep over one or two parameters."""

    kind: Literal["sweep"] = entry("the kind of experiment")
    vary: dict[str, SweptRange] = entry(
        "one or two parameters by path, each with its range", min_length=1, max_length=2
    )
    sample: Sample | None = entry("a space-filling sample instead of a grid", None)
    reference: dict[str, float] = Field(
        default_factory=dict,
        description="by parameter, the value that others are compared with; "
        "by default the scenario's",
    )
    threshold: float | None = entry(
        "a value of the first outcome; the answer reports where it is crossed", None
    )


SPEC = SweepSpec


def check(spec: SweepSpec, reading: Reading) -> Iterator[Mistake]:
    mistakes: list[Mistake] = []
    for path, swept in spec.vary.items():
        if swept.values:
            mistakes += _check_values(path, swept, reading)
        else:
            mistakes += reading.check_factors({path: swept}, "vary")
        conflicts = [(key, "`values`") for key in ("low", "high", "points") if swept.values]
        conflicts += [(key, "`sample`") for key in ("values", "points") if spec.sample]
        entries = reading.node_at("vary", path).entries()
        mistakes += [
            entries[key].label.mistake(f"`{key}` together with {other}", "one of the two")
            for key, other in conflicts
            if key in entries
        ]
    yield from mistakes
    for path, value in spec.reference.items():
        node = reading.node_at("reference", path)
        if path not in spec.vary:
            near = nearest(path, spec.vary)
            yield node.label.mistake(f"'{path}' is not varied", one_of(spec.vary), near)
        elif not mistakes:
            factor = factor_of(path, spec.vary[path], reading.scenario)
            if not factor.low <= value <= factor.high:
                expected = f"a number between {factor.low:g} and {factor.high:g}"
                yield node.place.mistake(f"outside the swept range: {value:g}", expected)


def _check_values(path: str, swept: SweptRange, reading: Reading) -> Iterator[Mistake]:
    if mistakes := list(check_path(path, reading.node_at("vary", path), reading.scenario)):
        yield from mistakes
        return
    allowed = numbers_of(reading.scenario)[path]
    if len(set(swept.values)) < 2:
        node = reading.node_at("vary", path, "values")
        yield node.place.mistake("fewer than two values", "two values or more")
    for k, value in enumerate(swept.values):
        node = reading.node_at("vary", path, "values", k)
        if not allowed.low <= value <= allowed.high:
            yield node.place.mistake(f"out of range: {value:g}", f"a number {allowed.words()}")
        elif allowed.whole and not value.is_integer():
            yield node.place.mistake(f"not a whole number: {value:g}", "a whole number")
        else:
            yield from check_value(path, value, node, reading.scenario)


def crises(experiment: Experiment) -> int:
    spec: Any = experiment.spec
    sides = [len(set(swept.values)) or swept.points for swept in spec.vary.values()]
    return int(spec.replicates) * (spec.sample.points if spec.sample else math.prod(sides))


def run(experiment: Experiment, options: RunOptions) -> Findings:
    spec: Any = experiment.spec
    factors = factors_of(experiment)
    values = points_of(spec.vary, spec.sample, factors, spec.seed)
    design = run_points(experiment, options, values)
    reference = nearest_point(values, factors, spec.reference)
    differences = {name: each.less(reference) for name, each in design.measured.items()}
    over = {name: design.over_fits(name, reference) for name in differences}
    crossings = []
    if spec.threshold is not None and len(factors) == 1:
        first = design.measured[experiment.measures[0].name]
        crossings = crossings_of(design.values[factors[0].path], first, spec.threshold)
    summary = {
        "vary": [
            {**factor.about("low", "high", "scale", "axis"), "own": factor.middle}
            for factor in factors
        ],
        "layout": spec.sample.method if spec.sample else "grid",
        "points": design.points,
        "replicates": design.replicates,
        "reference": reference,
        "measures": [measure.about() for measure in experiment.measures],
        "threshold": spec.threshold,
        "crossings": crossings,
        **({"fits": len(design.fits.weights)} if design.fits else {}),
    }
    tables = {
        "points": design.point_table(),
        "measures": design.measure_table(),
        "differences": design.figures_table(differences, FIGURES, chain(*over.values())),
    }
    sentences = tuple(answer(experiment, design, factors, differences, over, summary))
    return Findings(experiment, sentences, tables, summary, design.crises)


def factors_of(experiment: Experiment) -> list[Factor]:
    """Return the parameters of a sweep, in the order of its file."""
    spec: Any = experiment.spec
    return [factor_of(path, swept, experiment.scenario) for path, swept in spec.vary.items()]


def factor_of(path: str, swept: SweptRange, scenario: Scenario) -> Factor:
    """Return a parameter of a sweep from its checked keys."""
    ends = {"low": min(swept.values), "high": max(swept.values)} if swept.values else {}
    return resolve(path, swept.model_copy(update=ends), scenario)


def points_of(
    vary: Mapping[str, SweptRange], sample: Sample | None, factors: Sequence[Factor], seed: int
) -> dict[str, Values]:
    """Return the values of each parameter, `(points,)`; in a grid the last parameter varies fastest."""
    if sample:
        if sample.method == "sobol":
            shares = sobol_points(seed, len(factors), sample.points)
        else:
            from scipy.stats import qmc

            shares = qmc.LatinHypercube(len(factors), rng=seed).random(sample.points)
        return {factor.path: factor.at(shares[:, k]) for k, factor in enumerate(factors)}
    sides = []
    for factor in factors:
        swept = vary[factor.path]
        steps = factor.at(np.linspace(0, 1, swept.points))
        values = np.unique(swept.values) if swept.values else steps
        sides.append(np.clip(values, factor.low, factor.high))
    grid = np.meshgrid(*sides, indexing="ij")
    return {factor.path: side.ravel() for factor, side in zip(factors, grid, strict=True)}


def nearest_point(
    values: Mapping[str, Values], factors: Sequence[Factor], wanted: Mapping[str, float]
) -> int:
    """Return the point nearest to the wanted values, by default the scenario's."""
    distance: Any = 0.0
    for factor in factors:

        def on_scale(value: Any, log: bool = factor.scale == "log") -> Any:
            return np.log(np.maximum(value, 1e-12)) if log else np.asarray(value)

        goal = on_scale(wanted.get(factor.path, factor.middle))
        span = on_scale(factor.high) - on_scale(factor.low)
        distance = distance + ((on_scale(values[factor.path]) - goal) / span) ** 2
    return int(np.argmin(distance))


def crossings_of(x: Values, measured: Measured, threshold: float) -> list[dict[str, Any]]:
    """Return the linearly interpolated crossings of a threshold; their limits are where the band's edges cross it."""
    order = np.argsort(x)

    def crossed(curve: Values) -> Iterator[tuple[float, bool]]:
        """Yield each crossing of a curve, and whether the curve rises there."""
        distance, at = curve[order] - threshold, x[order]
        for k in range(len(x) - 1):
            a, b = distance[k], distance[k + 1]
            if np.isfinite(a) and np.isfinite(b) and (a < 0) != (b < 0):
                yield float(at[k] + (at[k + 1] - at[k]) * a / (a - b)), bool(b > a)

    edges = [at for curve in (measured.lower, measured.upper) for at, _ in crossed(curve)]
    return [
        {
            "at": at,
            "lower": max((edge for edge in edges if edge < at), default=None),
            "upper": min((edge for edge in edges if edge > at), default=None),
            "direction": "rises" if rises else "falls",
        }
        for at, rises in crossed(measured.estimate)
    ]


# --- The answer: the range of each outcome, crossings of the threshold, and the uncertainty


def answer(
    experiment: Experiment,
    design: Design,
    factors: list[Factor],
    differences: dict[str, Contrast],
    over: dict[str, list[OverFits | None]],
    summary: dict[str, Any],
) -> Iterator[str]:
    """Yield a sentence for each measure, for the threshold, and for the uncertainty."""
    reference, threshold = summary["reference"], summary["threshold"]
    values = {path: float(column[reference]) for path, column in design.values.items()}
    spec: Any = experiment.spec
    label = _reference_label(factors, values, spec.reference)
    for measure in experiment.measures:
        less = differences[measure.name]
        yield _range_of(measure, design, factors, less, over[measure.name], reference, label)
    measure = experiment.measures[0]
    if threshold is not None and len(factors) == 1:
        name = text.capitalize(measure.words)
        level = phrases.with_unit(threshold, measure.unit)
        if not summary["crossings"]:
            yield f"{name} does not cross {level} in this range."
        for crossing in summary["crossings"]:
            edges = [crossing["lower"], crossing["upper"]]
            point = phrases.describe_point(factors, {factors[0].path: crossing["at"]})
            if None not in edges:
                band = " to ".join(phrases.value_of(factors[0], edge) for edge in edges)
                point += f" (the band: {band})"
            yield f"{name} {crossing['direction']} through {level} at {point}."
    bias = "; the lowest and highest points are selected, which exaggerates the range slightly"
    yield (
        f"{text.count(design.points)} points of {text.count(design.replicates)} replicates, all with the "
        f"same random numbers; intervals are 95%{bias if len(factors) > 1 else ''}. "
        f"{phrases.halving_advice(design.replicates)}{phrases.explain_fits(design.fits)}"
    )


def _range_of(
    measure: Measure,
    design: Design,
    factors: list[Factor],
    less: Contrast,
    over: list[OverFits | None],
    reference: int,
    reference_label: str,
) -> str:
    """Describe the range of an outcome: from end to end of one parameter, from minimum to maximum over two."""
    measured = design.measured[measure.name]
    known = np.where(np.isfinite(measured.estimate), measured.estimate, np.nan)
    name = text.capitalize(measure.subject)
    missing = [
        f"{state} at {text.count(number)} of {text.count(measured.points)} points"
        for state, number in (
            ("never reached", int(np.isinf(measured.estimate).sum())),
            ("unknown", int(np.isnan(measured.estimate).sum())),
        )
        if number
    ]

    def limits(figures: Measured | Contrast, point: int) -> tuple[float, float, float]:
        return (
            float(figures.estimate[point]),
            float(figures.lower[point]),
            float(figures.upper[point]),
        )

    def values(point: int) -> str:
        at_point = {path: column[point] for path, column in design.values.items()}
        return phrases.describe_point(factors, at_point)

    def level(point: int) -> str:
        phrase = f"{phrases.estimate(*limits(measured, point), measure.unit)} at {values(point)}"
        phrase += f" ({reference_label})" if point == reference else ""
        ties = int((known == known[point]).sum()) - 1
        if ties and len(factors) > 1:
            phrase += f" and {text.count(ties)} more point{'s' * (ties > 1)}"
        return phrase

    if np.isnan(known).all():
        return f"{name}: {text.listed(missing)}."
    if measured.points > 1 and not missing and np.ptp(known) == 0.0:
        constant = phrases.estimate(*limits(measured, reference), measure.unit)
        return f"{name}: {constant} at every point."
    lowest, highest = int(np.nanargmin(known)), int(np.nanargmax(known))
    ends, extremes = [lowest, highest], []
    if len(factors) == 1:
        order = np.argsort(design.values[factors[0].path])
        finite = [int(point) for point in order if np.isfinite(known[point])]
        ends = [finite[0], finite[-1]]
        from_ends = [measured.less(end) for end in ends]
        extremes = [
            (name, point)
            for name, point in (("lowest", lowest), ("highest", highest))
            if all(excludes_zero(each.lower[point], each.upper[point]) for each in from_ends)
        ]
    sentence = f"{name}: from {level(ends[0])} to {level(ends[1])}"
    if reference not in ends and np.isfinite(known[reference]):
        sentence += f", with {level(reference)}"
    sentence += "".join(
        f"; {name} {level(point)}" for name, point in extremes if point != reference
    )
    sentence += f", and {text.listed(missing)}" if missing else ""
    points = [*ends, *(point for _, point in extremes)]
    farthest = max(points, key=lambda point: abs(known[point] - known[reference]))
    if farthest != reference and np.isfinite(less.estimate[farthest]):
        change = phrases.change(*limits(less, farthest), measure.unit)
        change = phrases.with_fits(change, over[farthest], measure.unit, named=True)
        sentence += f". Compared with {values(reference)}, at {values(farthest)} it {change}"
    return f"{sentence}."


def _reference_label(
    factors: Sequence[Factor], values: Mapping[str, float], wanted: Mapping[str, float]
) -> str:
    if wanted:
        return "the reference"
    own = {factor.path: factor.middle for factor in factors}
    if all(math.isclose(own[path], value, rel_tol=1e-3) for path, value in values.items()):
        return "the scenario's own"
    value = phrases.value_of(factors[0], factors[0].middle)
    point = phrases.describe_point(factors, own) if len(factors) > 1 else f"value of {value}"
    return f"the point nearest to the scenario's own {point}"


# --- Charts: curves with bands over one parameter, maps over two


def charts(findings: Findings) -> Iterator[tuple[str, Callable[[Findings], Figure]]]:
    if len(findings.summary["vary"]) == 1:
        yield "curves", draw_curves
        yield "differences", partial(draw_curves, differences=True)
        return
    for number in range(len(findings.summary["measures"])):
        yield f"map_{number + 1}", partial(draw_map, number=number)


def draw_curves(findings: Findings, differences: bool = False) -> Figure:
    """Draw every measure, or its difference from the reference point, over the parameter, with 95% bands."""
    summary = findings.summary
    (factor,) = summary["vary"]
    points = findings.tables["points"].column(factor["path"]).to_numpy()
    order = np.argsort(points)
    marked = points[summary["reference"]] if differences else factor["own"]
    is_shown = points.min() <= marked <= points.max()
    table = findings.tables["differences" if differences else "measures"]
    figure = style.new_figure(height=16.0 + 48.0 * len(summary["measures"]))
    panels = figure.subplots(len(summary["measures"]), 1, sharex=True, squeeze=False)[:, 0]
    for axes, measure in zip(panels, summary["measures"], strict=True):
        scale, unit, change = plots.units(measure)
        estimate, *limits = (
            scale * plots.column(table, measure["name"], key)[order] for key in FIGURES[:3]
        )
        x = points[order]
        axes.fill_between(x, *limits, color=style.ESTIMATE, alpha=0.2, linewidth=0)
        if "fits" in summary:
            ends = (scale * plots.column(table, measure["name"], key)[order] for key in FITS[:2])
            axes.fill_between(x, *ends, color=style.ESTIMATE, alpha=0.12, linewidth=0)
        look: Any = {"marker": "o" if len(x) <= 40 else "", "markersize": 2.5}
        axes.plot(
            x, np.where(np.isfinite(estimate), estimate, np.nan), color=style.ESTIMATE, **look
        )
        axes.set_title(plots.title(measure))
        axes.set_ylabel(change if differences else unit)
        axes.grid(axis="y")
        if differences:
            axes.axhline(0.0, color=style.GREY, linewidth=0.8)
        if is_shown:
            style.mark_moment(axes, marked)
        if never := int(np.isinf(estimate).sum()):
            style.say_nothing_to_draw(axes, f"never reached at {never} of {len(x)} points")
            if never == len(x):
                axes.set_yticks([])
    first = panels[0]
    if summary["threshold"] is not None and not differences:
        level = plots.units(summary["measures"][0])[0] * summary["threshold"]
        first.axhline(level, color=style.AIM, linewidth=0.9, linestyle=(0, (4, 2)))
        at: Any = {"xycoords": ("axes fraction", "data"), "color": style.AIM, "ha": "right"}
        plots.note(first, "threshold", (1.0, level), (-2, 2), **at)
    plots.scale_axis(first.xaxis, factor["axis"])
    caption = "Each point minus the reference, with 95% bands" if differences else "95% bands"
    if is_shown:
        label = "reference" if differences else "scenario's own"
        plots.note(first, label, (marked, 0.0), (2, 2), xycoords=("data", "axes fraction"))
    else:
        caption += f"; the scenario's own value, {marked:.3g}, lies outside"
    panels[-1].set_xlabel(plots.axis_label(factor))
    return plots.finish(figure, _caption(findings, caption))


def draw_map(findings: Findings, number: int) -> Figure:
    """Draw a measure over two parameters in colour, with a line where it crosses the threshold.

    Full dots differ significantly from the reference point (paired, 95%); hollow dots do not.
    """
    summary, tables = findings.summary, findings.tables
    across, up = summary["vary"]
    measure = summary["measures"][number]
    scale, unit, change = plots.units(measure)
    x, y = (tables["points"].column(factor["path"]).to_numpy() for factor in (across, up))
    estimate, low, high = (
        scale * plots.column(tables["measures"], measure["name"], key) for key in FIGURES[:3]
    )
    figure = style.new_figure(width=120.0, height=100.0)
    axes = figure.subplots()
    axes.set_title(plots.title(measure))
    for factor, axis in ((across, axes.xaxis), (up, axes.yaxis)):
        plots.scale_axis(axis, factor["axis"])
        axis.set_label_text(plots.axis_label(factor))
    level = None if summary["threshold"] is None or number else scale * summary["threshold"]
    crossed = _fill(figure, axes, summary["vary"], (x, y, estimate), unit, level)
    ends = ("lower", "upper")
    less, more = (plots.column(tables["differences"], measure["name"], key) for key in ends)
    significant = (less > 0) | (more < 0)
    dot: Any = {"markeredgecolor": style.BLACK, "clip_on": False}
    for points, face in ((significant, style.BLACK), (~significant, style.WHITE)):
        look: Any = {"markersize": 2.2, "markeredgewidth": 0.4, "zorder": 4, **dot}
        if points.any():  # an empty line takes space at the figure's corner
            axes.plot(x[points], y[points], "o", markerfacecolor=face, **look)
    look = {"markersize": 5.0, "markeredgewidth": 0.9, "zorder": 5, **dot}
    reference = slice(summary["reference"], summary["reference"] + 1)
    axes.plot(x[reference], y[reference], "D", markerfacecolor=style.WHITE, **look)
    own = (across["own"], up["own"])
    clauses = ["diamond: reference; full dots differ significantly from it, hollow dots do not"]
    if x.min() <= own[0] <= x.max() and y.min() <= own[1] <= y.max():
        axes.plot(*own, "P", markersize=5.0, markeredgewidth=0.4, color=style.AIM, zorder=6)
        clauses.insert(0, "cross: the scenario's own values")
    if level is not None:
        threshold = f"{level:g}{' per cent' if measure['unit'] == 'share' else ''}"
        clauses.append(f"line: {threshold}" if crossed else f"{threshold} is not crossed")
    widths = (high - low)[np.isfinite(high - low)]
    if widths.size:
        half = f"{np.median(widths) / 2:.2g} {change if measure['unit'] else ''}".rstrip()
        clauses.append(f"a point's 95% interval is about ±{half}")
    return plots.finish(figure, _caption(findings, text.capitalize("; ".join(clauses))))


def _fill(
    figure: Figure,
    axes: Axes,
    vary: Sequence[Mapping[str, Any]],
    values: tuple[Any, Any, Any],
    unit: str,
    level: float | None,
) -> bool:
    """Colour the map, and return whether the threshold's line is on it."""
    from matplotlib.tri import Triangulation

    known = np.isfinite(values[2])
    x, y, z = (column[known] for column in values)
    if len(z) < 3 or np.ptp(z) == 0:
        few = f"known at {len(z)} of {len(known)} points: too few for a map"
        same = "the same at every point where it is known"
        style.say_nothing_to_draw(axes, few if len(z) < 3 else same)
        return False
    # Triangulate on the scales of the axes, for even triangles.
    positions = (
        share_of(column, factor["low"], factor["high"], factor["axis"])
        for column, factor in zip((x, y), vary, strict=True)
    )
    mesh = Triangulation(*positions)
    mesh.x, mesh.y = x, y
    filled = axes.tricontourf(mesh, z, levels=11, cmap="cividis")
    figure.colorbar(filled, ax=axes).set_label(unit)
    if level is None or not z.min() < level < z.max():
        return False
    line = axes.tricontour(mesh, z, levels=[level], colors=style.AIM, linewidths=1.6)
    axes.clabel(line, fmt=f"{level:g}", fontsize=6.5)
    return True


def _caption(findings: Findings, clauses: str) -> str:
    summary = findings.summary
    if "fits" in summary:
        clauses += f"; pale: 95% of {summary['fits']} sets of behavioural parameters that fit"
    replicates, points = text.count(summary["replicates"]), summary["points"]
    return fill(
        f"{clauses}; {replicates} replicates at each of {points} points, all with the same random numbers.",
        100,
    )
