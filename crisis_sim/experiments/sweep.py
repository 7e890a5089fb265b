"""Sweep: how outcomes change as one parameter, or two, go over a range.

Points lie on a grid, or are a space-filling sample (a scrambled Sobol sequence or a Latin hypercube
of `scipy.stats.qmc`). All of them share the luck of each replicate, so that a curve is smooth long
before its band is narrow, and differences to the reference point are paired.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from textwrap import fill
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from crisis_sim import text
from crisis_sim.experiments import phrases, plots
from crisis_sim.experiments.design import FIGURES, FITS, Design, run_points, sobol_points
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
    """How far a swept parameter goes, and in how many steps."""

    points: int = whole_number("values on its side of the grid", 9, least=2, most=10_000)
    values: tuple[float, ...] = entry("the very values, in place of a range", ())


class Sample(Part):
    """A space-filling sample, in place of a grid."""

    method: Literal["sobol", "latin hypercube"] = entry("how points are spread", "sobol")
    points: int = whole_number("how many points", least=2, most=1_000_000)


class SweepSpec(MeasuringSpec):
    """A sweep of one parameter or two."""

    kind: Literal["sweep"] = entry("what kind of experiment it is")
    vary: dict[str, SweptRange] = entry(
        "one or two parameters by path, each with its range", min_length=1, max_length=2
    )
    sample: Sample | None = entry("a space-filling sample in place of a grid", None)
    reference: dict[str, float] = Field(
        default_factory=dict,
        description="by parameter, the value that others are compared with; "
        "the scenario's own where left out",
    )
    threshold: float | None = entry(
        "a value of the first outcome whose crossing matters, such as 0.5", None
    )


SPEC = SweepSpec


def check(spec: SweepSpec, reading: Reading) -> Iterator[Mistake]:
    wrong: list[Mistake] = []
    for path, swept in spec.vary.items():
        if swept.values:
            wrong += _check_values(path, swept, reading)
        else:
            wrong += reading.check_factors({path: swept}, "vary")
        unread = [(key, "`values`") for key in ("low", "high", "points") if swept.values]
        sample = "`sample`, which chooses the points itself"
        unread += [(key, sample) for key in ("values", "points") if spec.sample]
        entries = reading.node_at("vary", path).entries()
        wrong += [
            entries[key].label.mistake(f"`{key}` beside {other}", "one of the two")
            for key, other in unread
            if key in entries
        ]
    yield from wrong
    for path, wanted in spec.reference.items():
        node = reading.node_at("reference", path)
        if path not in spec.vary:
            near = nearest(path, spec.vary)
            yield node.label.mistake(f"'{path}' is not varied", one_of(spec.vary), near)
        elif not wrong:
            factor = factor_of(path, spec.vary[path], reading.scenario)
            if not factor.low <= wanted <= factor.high:
                expected = f"a number between {factor.low:g} and {factor.high:g}"
                message = f"out of the range that is swept: {wanted:g}"
                yield node.place.mistake(message, expected)


def _check_values(path: str, swept: SweptRange, reading: Reading) -> Iterator[Mistake]:
    wrong = list(check_path(path, reading.node_at("vary", path), reading.scenario))
    yield from wrong
    if wrong:
        return
    allowed = numbers_of(reading.scenario)[path]
    if len(set(swept.values)) < 2:
        node = reading.node_at("vary", path, "values")
        yield node.place.mistake("an empty range: fewer than two values", "two values or more")
    for k, value in enumerate(swept.values):
        node = reading.node_at("vary", path, "values", k)
        if not allowed.low <= value <= allowed.high:
            yield node.place.mistake(f"out of range: {value:g}", f"a number {allowed.words()}")
        elif allowed.whole and not value.is_integer():
            message = f"a fraction where only whole numbers make sense: {value:g}"
            yield node.place.mistake(message, "a whole number")
        else:
            yield from check_value(path, value, node, reading.scenario)


def crises(experiment: Experiment) -> int:
    spec: Any = experiment.spec
    sides = [len(set(one.values)) if one.values else one.points for one in spec.vary.values()]
    return int(spec.replicates) * (spec.sample.points if spec.sample else math.prod(sides))


def run(experiment: Experiment, options: RunOptions) -> Findings:
    spec: Any = experiment.spec
    factors = factors_of(experiment)
    values = points_of(spec.vary, spec.sample, factors, spec.seed)
    design = run_points(experiment, options, values)
    reference = nearest_point(values, factors, spec.reference)
    differences = {name: one.less(reference) for name, one in design.measured.items()}
    over = {name: design.over_fits(name, reference) for name in differences}
    crossings = []
    if spec.threshold is not None and len(factors) == 1:
        first = design.measured[experiment.measures[0].name]
        crossings = crossings_of(design.values[factors[0].path], first, spec.threshold)
    summary = {
        "vary": [
            {**one.about("low", "high", "scale", "axis"), "own": one.middle} for one in factors
        ],
        "layout": spec.sample.method if spec.sample else "grid",
        "points": design.points,
        "replicates": design.replicates,
        "reference": reference,
        "measures": [one.about() for one in experiment.measures],
        "threshold": spec.threshold,
        "crossings": crossings,
        **({"fits": len(design.fits.weights)} if design.fits else {}),
    }
    tables = {
        "points": design.point_table(),
        "measures": design.measure_table(),
        "differences": design.figures_table(differences, FIGURES, chain(*over.values())),
    }
    told = tuple(answer(experiment, design, factors, differences, over, summary))
    return Findings(experiment, told, tables, summary, design.crises)


def factors_of(experiment: Experiment) -> list[Factor]:
    """The parameters that a sweep varies, in its order."""
    spec: Any = experiment.spec
    return [factor_of(path, swept, experiment.scenario) for path, swept in spec.vary.items()]


def factor_of(path: str, swept: SweptRange, scenario: Scenario) -> Factor:
    """A parameter that a sweep varies; its keys in the file must have been checked."""
    ends = {"low": min(swept.values), "high": max(swept.values)} if swept.values else {}
    return resolve(path, swept.model_copy(update=ends), scenario)


def points_of(
    vary: Mapping[str, SweptRange], sample: Sample | None, factors: Sequence[Factor], seed: int
) -> dict[str, Values]:
    """The value of each parameter at each point, `(points,)`; on a grid the last one moves fastest."""
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
        own = np.unique(swept.values) if swept.values else steps
        sides.append(np.clip(own, factor.low, factor.high))
    grid = np.meshgrid(*sides, indexing="ij")
    return {factor.path: side.ravel() for factor, side in zip(factors, grid, strict=True)}


def nearest_point(
    values: Mapping[str, Values], factors: Sequence[Factor], wanted: Mapping[str, float]
) -> int:
    """The point that is nearest to wanted values; to the scenario's own where none is wanted."""
    distance: Any = 0.0
    for factor in factors:

        def on_scale(value: Any, log: bool = factor.scale == "log") -> Any:
            return np.log(np.maximum(value, 1e-12)) if log else np.asarray(value)

        goal = on_scale(wanted.get(factor.path, factor.middle))
        span = on_scale(factor.high) - on_scale(factor.low)
        distance = distance + ((on_scale(values[factor.path]) - goal) / span) ** 2
    return int(np.argmin(distance))


def crossings_of(x: Values, measured: Measured, threshold: float) -> list[dict[str, Any]]:
    """Where a curve crosses a threshold, in a straight line; limits are the nearest places where its band's edges do."""
    order = np.argsort(x)

    def crossed(curve: Values) -> Iterator[tuple[float, bool]]:
        """Where a curve crosses it, and whether it rises there."""
        apart, at = curve[order] - threshold, x[order]
        for k in range(len(x) - 1):
            a, b = apart[k], apart[k + 1]
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


# Sentences: how far its outcomes go, where they cross a level, and how sure that is.


def answer(
    experiment: Experiment,
    design: Design,
    factors: list[Factor],
    differences: dict[str, Contrast],
    over: dict[str, list[OverFits | None]],
    summary: dict[str, Any],
) -> Iterator[str]:
    """A sentence for each measure, for the threshold, and for how sure it is."""
    reference, threshold = summary["reference"], summary["threshold"]
    values = {path: float(of[reference]) for path, of in design.values.items()}
    spec: Any = experiment.spec
    mark = reference_in_words(factors, values, spec.reference)
    for measure in experiment.measures:
        less = differences[measure.name]
        yield _range_of(measure, design, factors, less, over[measure.name], reference, mark)
    measure = experiment.measures[0]
    if threshold is not None and len(factors) == 1:
        name = text.capitalize(measure.words)
        shown = phrases.with_unit(threshold, measure.unit)
        if not summary["crossings"]:
            yield f"{name} crosses {shown} nowhere in this range."
        for one in summary["crossings"]:
            known = [one[key] for key in ("lower", "upper") if one[key] is not None]
            band = " to ".join(phrases.value_of(factors[0], edge) for edge in known)
            said = f" (the band: {band})" if len(known) == 2 else ""
            where = phrases.describe_point(factors, {factors[0].path: one["at"]})
            yield f"{name} {one['direction']} through {shown} at {where}{said}."
    picked = ", and lowest and highest are picked among the points, which chance stretches a little"
    yield (
        f"{text.count(design.points)} points of {text.count(design.replicates)} replicates, all "
        f"with the same luck; intervals are 95%{picked if len(factors) > 1 else ''}. "
        f"{phrases.halving_advice(design.replicates)}{phrases.explain_fits(design.fits)}"
    )


def _range_of(
    measure: Measure,
    design: Design,
    factors: list[Factor],
    less: Contrast,
    over: list[OverFits | None],
    reference: int,
    mark: str,
) -> str:
    """How far an outcome goes: of one parameter from its low end to its high one, of two from lowest to highest."""
    one = design.measured[measure.name]
    known = np.where(np.isfinite(one.estimate), one.estimate, np.nan)
    name = text.capitalize(measure.subject)
    never, unknown = int(np.isinf(one.estimate).sum()), int(np.isnan(one.estimate).sum())
    lost = [
        f"{what} at {text.count(of)} of {text.count(one.points)} points"
        for what, of in (("never reached", never), ("unknown", unknown))
        if of
    ]

    def figures(of: Measured | Contrast, point: int) -> tuple[float, float, float]:
        return float(of.estimate[point]), float(of.lower[point]), float(of.upper[point])

    def place(point: int) -> str:
        return phrases.describe_point(
            factors, {path: of[point] for path, of in design.values.items()}
        )

    def level(point: int) -> str:
        more = int((known == known[point]).sum()) - 1 if len(factors) > 1 else 0
        said = f"{phrases.estimate(*figures(one, point), measure.unit)} at {place(point)}"
        said += f" ({mark})" if point == reference else ""
        return said + f" and {text.count(more)} more point{'s' * (more > 1)}" * bool(more)

    if np.isnan(known).all():
        return f"{name}: {text.listed(lost)}."
    if one.points > 1 and not lost and np.ptp(known) == 0.0:
        said = phrases.estimate(*figures(one, reference), measure.unit)
        return f"{name}: {said} at every point."
    lowest, highest = int(np.nanargmin(known)), int(np.nanargmax(known))
    ends, beyond = [lowest, highest], []
    if len(factors) == 1:  # from the parameter's low end to its high one
        order = np.argsort(design.values[factors[0].path])
        found = [int(point) for point in order if np.isfinite(known[point])]
        ends = [found[0], found[-1]]
        apart = [one.less(end) for end in ends]
        beyond = [
            (name, point)
            for name, point in (("lowest", lowest), ("highest", highest))
            if all(excludes_zero(of.lower[point], of.upper[point]) for of in apart)
        ]
    sentence = f"{name}: from {level(ends[0])} to {level(ends[1])}"
    if reference not in ends and np.isfinite(known[reference]):
        sentence += f", with {level(reference)}"
    sentence += "".join(f"; {name} {level(point)}" for name, point in beyond if point != reference)
    sentence += f", and {text.listed(lost)}" if lost else ""
    places = [*ends, *(point for _, point in beyond)]
    far = max(places, key=lambda point: abs(known[point] - known[reference]))
    if far != reference and np.isfinite(less.estimate[far]):
        said = phrases.change(*figures(less, far), measure.unit)
        said = phrases.with_fits(said, over[far], measure.unit, named=True)
        sentence += f"; from {place(reference)} to {place(far)} it {said}"
    return f"{sentence}."


def reference_in_words(
    factors: Sequence[Factor], values: Mapping[str, float], wanted: Mapping[str, float]
) -> str:
    """What a reference point is: the scenario's own values, the nearest to them, or one that was asked for."""
    if wanted:
        return "the reference"
    own = {factor.path: factor.middle for factor in factors}
    if all(math.isclose(own[path], value, rel_tol=1e-3) for path, value in values.items()):
        return "the scenario's own"
    if len(factors) > 1:
        return f"the nearest to the scenario's own {phrases.describe_point(factors, own)}"
    return f"the nearest to the scenario's own, {phrases.value_of(factors[0], factors[0].middle)}"


# Charts: curves with bands over one parameter, heat maps over two.


def charts(findings: Findings) -> Iterator[tuple[str, Callable[[Findings], Figure]]]:
    if len(findings.summary["vary"]) == 1:
        yield "curves", draw_curves
        yield "differences", lambda found: draw_curves(found, differences=True)
        return
    for place in range(len(findings.summary["measures"])):
        yield f"map_{place + 1}", lambda found, place=place: draw_map(found, place)  # type: ignore[misc]


def draw_curves(findings: Findings, differences: bool = False) -> Figure:
    """Every measure over the parameter, or its difference from the reference point, each with its 95% band."""
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
    said = "compared with" if differences else "scenario's own"
    what = "Each point less the reference, with 95% bands" if differences else "95% bands"
    if is_shown:
        plots.note(first, said, (marked, 0.0), (2, 2), xycoords=("data", "axes fraction"))
    else:
        what += f"; the scenario's own value, {marked:.3g}, lies outside"
    panels[-1].set_xlabel(plots.axis_label(factor))
    return plots.finished(figure, _foot(findings, what))


def draw_map(findings: Findings, place: int) -> Figure:
    """A measure over two parameters, in colour, with the line at which it crosses the threshold.

    Full dots surely differ from the reference point (95%, on the luck that they share); hollow ones cannot be told from it.
    """
    summary, tables = findings.summary, findings.tables
    across, up = summary["vary"]
    measure = summary["measures"][place]
    scale, unit, change = plots.units(measure)
    x, y = (tables["points"].column(one["path"]).to_numpy() for one in (across, up))
    estimate, low, high = (
        scale * plots.column(tables["measures"], measure["name"], key) for key in FIGURES[:3]
    )
    figure = style.new_figure(width=120.0, height=100.0)
    axes = figure.subplots()
    axes.set_title(plots.title(measure))
    for factor, axis in ((across, axes.xaxis), (up, axes.yaxis)):
        plots.scale_axis(axis, factor["axis"])
        axis.set_label_text(plots.axis_label(factor))
    level = None if summary["threshold"] is None or place else scale * summary["threshold"]
    crossed = _fill(figure, axes, summary["vary"], (x, y, estimate), unit, level)
    ends = ("lower", "upper")
    less, more = (plots.column(tables["differences"], measure["name"], key) for key in ends)
    sure = (less > 0) | (more < 0)
    dot: Any = {"markeredgecolor": style.BLACK, "clip_on": False}
    for which, face in ((sure, style.BLACK), (~sure, style.WHITE)):
        look: Any = {"markersize": 2.2, "markeredgewidth": 0.4, "zorder": 4, **dot}
        if which.any():  # a line of no points would ask for room at the figure's corner
            axes.plot(x[which], y[which], "o", markerfacecolor=face, **look)
    look = {"markersize": 5.0, "markeredgewidth": 0.9, "zorder": 5, **dot}
    reference = slice(summary["reference"], summary["reference"] + 1)
    axes.plot(x[reference], y[reference], "D", markerfacecolor=style.WHITE, **look)
    own = (across["own"], up["own"])
    said = ["diamond: reference; full dots: surely other than it, hollow: not told apart from it"]
    if x.min() <= own[0] <= x.max() and y.min() <= own[1] <= y.max():
        axes.plot(*own, "P", markersize=5.0, markeredgewidth=0.4, color=style.AIM, zorder=6)
        said.insert(0, "cross: the scenario's own values")
    if level is not None:
        shown = f"{level:g}{' per cent' if measure['unit'] == 'share' else ''}"
        said.append(f"line: {shown}" if crossed else f"{shown} is crossed nowhere here")
    widths = (high - low)[np.isfinite(high - low)]
    if widths.size:
        said.append(f"a point's 95% interval is about ±{np.median(widths) / 2:.2g} {change}")
    return plots.finished(figure, _foot(findings, text.sentence("; ".join(said)).rstrip(".")))


def _fill(
    figure: Figure,
    axes: Axes,
    vary: Sequence[Mapping[str, Any]],
    values: tuple[Any, Any, Any],
    unit: str,
    level: float | None,
) -> bool:
    """Colour the map; whether the threshold's line is on it."""
    from matplotlib.tri import Triangulation

    known = np.isfinite(values[2])
    x, y, z = (one[known] for one in values)
    if len(z) < 3 or np.ptp(z) == 0:
        few = f"known at {len(z)} of {len(known)} points: too few for a map"
        same = "the same at every point, as far as is known"
        style.say_nothing_to_draw(axes, few if len(z) < 3 else same)
        return False
    # Triangles are cut where they look even, on the scales of the axes.
    ends = ("low", "high", "axis")
    on_paper = (
        share_of(of, *(one[key] for key in ends)) for of, one in zip((x, y), vary, strict=True)
    )
    mesh = Triangulation(*on_paper)
    mesh.x, mesh.y = x, y
    filled = axes.tricontourf(mesh, z, levels=11, cmap="cividis")
    figure.colorbar(filled, ax=axes).set_label(unit)
    if level is None or not z.min() < level < z.max():
        return False
    line = axes.tricontour(mesh, z, levels=[level], colors=style.AIM, linewidths=1.6)
    axes.clabel(line, fmt=f"{level:g}", fontsize=6.5)
    return True


def _foot(findings: Findings, what: str) -> str:
    summary = findings.summary
    if "fits" in summary:
        what += f"; pale: 95% of {summary['fits']} sets of behaviour that fit"
    replicates, points = text.count(summary["replicates"]), summary["points"]
    return fill(
        f"{what}; {replicates} replicates at each of {points} points, all with the same luck.", 100
    )
