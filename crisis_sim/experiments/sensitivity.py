"""Sensitivity: which parameters an outcome turns on, one by one and together.

Morris screens many parameters, Sobol shares out the variance of an outcome, PAWN compares its whole
distribution (`indices`). All points share the luck of each replicate, and what luck is left in the
indices is told. Beside them a tornado moves each factor alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from textwrap import fill
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from crisis_sim import text
from crisis_sim.experiments import indices as studying
from crisis_sim.experiments import phrases, plots
from crisis_sim.experiments.design import FIGURES, run_points, table_of
from crisis_sim.experiments.factors import DrawnFactor, Range, drawn_factors, ranges
from crisis_sim.experiments.indices import (
    MAIN,
    SAMPLES,
    IndexEstimates,
    Layout,
    Study,
    layout_of,
    pairs_of,
    percent,
    size_of,
)
from crisis_sim.experiments.plots import style
from crisis_sim.experiments.spec import (
    Experiment,
    Findings,
    MeasuringSpec,
    Reading,
    RunOptions,
    entry,
    offset_progress,
    whole_number,
)
from crisis_sim.outcomes.intervals import Measured, normal_quantile
from crisis_sim.outcomes.measures import Measure
from crisis_sim.scenario.errors import Mistake

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class SensitivitySpec(MeasuringSpec):
    """Which parameters an outcome turns on."""

    kind: Literal["sensitivity"] = entry("what kind of experiment it is")
    method: Literal["morris", "sobol", "pawn"] = entry(
        "morris to screen many parameters, sobol to share out variance, "
        "pawn to compare distributions",
        "morris",
    )
    vary: dict[str, Range] = Field(
        default_factory=dict,
        description="parameters by path, each with its range; where none is given, all that are "
        "worth a slider",
    )
    samples: int | None = whole_number(
        "trajectories (morris), base samples (sobol: a power of two) or points (pawn)",
        None,
        most=1_000_000,
    )
    second_order: bool = entry(
        "sobol: whether pairs of parameters get an index, at twice the cost", False
    )
    tornado: int = whole_number(
        "crises at each end of every parameter for the tornado; 0 for none", 1000, least=0
    )

    @property
    def count(self) -> int:
        """How many samples are drawn."""
        return SAMPLES[self.method][0] if self.samples is None else self.samples


SPEC = SensitivitySpec


def check(spec: SensitivitySpec, reading: Reading) -> Iterator[Mistake]:
    yield from reading.check_factors(ranges(spec.vary, reading.scenario), "vary")
    count, (_, fewest, samples) = spec.count, SAMPLES[spec.method]
    if count < fewest:
        message, expected = f"{count} {samples} tell nothing", f"{fewest} or more"
        yield reading.node_at("samples").place.mistake(message, expected)
    elif spec.method == "sobol" and count & (count - 1):
        below = 1 << (count.bit_length() - 1)
        message = f"{count} base samples lose the balance of a Sobol sequence"
        expected = f"a power of two, such as {below} or {2 * below}"
        yield reading.node_at("samples").place.mistake(message, expected)
    if spec.second_order and spec.method != "sobol":
        message = f"{spec.method} has no indices of pairs"
        expected = "method: sobol, or second_order: false"
        yield reading.node_at("second_order").place.mistake(message, expected)


def crises(experiment: Experiment) -> int:
    spec: Any = experiment.spec
    factors = len(ranges(spec.vary, experiment.scenario))
    size = size_of(spec.method, factors, second_order=spec.second_order)
    return int(spec.count * size * spec.replicates) + (1 + 2 * factors) * int(spec.tornado)


def run(experiment: Experiment, options: RunOptions) -> Findings:
    spec: Any = experiment.spec
    drawn = drawn_factors(spec.vary, experiment.scenario)
    paths = [one.path for one in drawn]
    layout = layout_of(
        spec.method, spec.count, len(drawn), spec.seed, second_order=spec.second_order
    )
    total = crises(experiment)

    # Morris goes from end to end of each factor.
    to_ends, shares = layout.method == "morris", zip(drawn, layout.shares.T, strict=True)
    values = {one.path: (one.between_ends if to_ends else one.finite_at)(of) for one, of in shares}
    # The progress of either of the two designs is a part of both.
    own = replace(options, progress=offset_progress(options.progress, 0, total))
    design = run_points(experiment, own, values, name="points")
    studies = {
        name: studying.study(layout, one, spec.seed) for name, one in design.measured.items()
    }
    found = {
        "points": design.point_table(),
        "measures": design.measure_table(),
        **studying.index_tables(studies, paths, layout),
    }
    if spec.tornado:
        # Each factor at its low and at its high end, all others in their middle; first all of them.
        ends = {one.path: np.full(1 + 2 * len(drawn), one.middle) for one in drawn}
        for k, one in enumerate(drawn):
            ends[one.path][1 + 2 * k : 3 + 2 * k] = one.ends
        own = replace(options, progress=offset_progress(options.progress, design.crises, total))
        beside = run_points(experiment, own, ends, replicates=spec.tornado, name="tornado")
        rows = [row for name, one in beside.measured.items() for row in _bars(name, one, drawn)]
        figures = ("value", "outcome", "estimate", "standard_error", "lower", "upper")
        found["tornado"] = table_of(rows, ("measure", "factor", "end"), (), figures)
    warned = {
        name: list(studying.budget_warnings(spec.replicates, one, layout))
        for name, one in studies.items()
    }
    summary = {
        "method": spec.method,
        "samples": layout.samples,
        "points": len(layout.shares),
        "replicates": spec.replicates,
        "tornado_replicates": spec.tornado,
        "factors": [
            {
                **one.about("middle"),
                "drawn": one.describe(),
                "low": one.ends[0],
                "high": one.ends[1],
            }
            for one in drawn
        ],
        "measures": [one.about() for one in experiment.measures],
        "studies": {
            name: {**one.plain(paths, MAIN[spec.method]), "warnings": warned[name]}
            for name, one in studies.items()
        },
    }
    told = tuple(answer(experiment, drawn, studies, warned, layout))
    return Findings(experiment, told, found, summary, total)


def _bars(name: str, measured: Measured, drawn: Sequence[DrawnFactor]) -> Iterator[dict[str, Any]]:
    """One row a factor and end: its value, and the outcome there less that in the middle."""
    less = measured.less(0)
    for k, one in enumerate(drawn):
        for place, end in enumerate(("low", "high")):
            point = 1 + 2 * k + place
            yield {
                "measure": name,
                "factor": one.path,
                "end": end,
                "value": one.ends[place],
                "outcome": measured.estimate[point],
                **{key: getattr(less, key)[point] for key in FIGURES},
            }


# The answer in sentences

#: Factors that are named as those that matter most, and those that are listed at most.
NAMED, LISTED = 3, 6

INDEX_WORDS = {"total": "total index", "mu_star": "mean effect", "median": "PAWN index"}


def answer(
    experiment: Experiment,
    drawn: Sequence[DrawnFactor],
    studies: Mapping[str, Study],
    warned: Mapping[str, Sequence[str]],
    layout: Layout,
) -> Iterator[str]:
    """Sentences that answer which parameters matter, outcome by outcome, then how sure that is."""
    spec: Any = experiment.spec
    names = list(phrases.without_sections([one.path for one in drawn]).values())
    lucky = False
    for measure in experiment.measures:
        one = studies[measure.name]
        if one.known:
            widest = int(one.final.error[one.final.main].argmax())
            lucky = lucky or studying.luck_share(one.final, widest) > studying.MUCH_LUCK
        if one.deviation == 0:
            said = phrases.with_unit(one.mean, measure.unit)
            yield f"{text.capitalize(measure.subject)}: {said} at every point."
        elif not one.known:
            yield _unknown(measure, one, spec.replicates)
        else:
            yield _who_matters(measure, one.final, names)
            yield _spread(measure, one)
            yield from _rest(one, names, layout.method)
            yield from (
                f"Warning, {measure.words}: {sentence}" for sentence in warned[measure.name]
            )
    samples, replicates = SAMPLES[layout.method][2], text.count(spec.replicates)
    crossed = "" if layout.method == "pawn" else f" ({text.count(len(layout.shares))} points)"
    more = f" of {text.count(4 * spec.replicates)} replicates" if lucky else ""
    yield (
        f"{text.count(layout.samples)} {samples}{crossed} of {replicates} replicates, all with the "
        f"same luck. {text.count(4 * layout.samples)} {samples}{more} would about halve the intervals."
    )


def _who_matters(measure: Measure, known: IndexEstimates, names: Sequence[str]) -> str:
    order, main = known.order, known.main

    def ahead(first: int) -> bool:
        """Whether each of the first is surely ahead of all that come later."""
        return all(known.surely_more(a, b) for a in order[:first] for b in order[first:])

    first = [k for k in order[:NAMED] if known.estimate[main][k] > 0]
    if not first:
        return f"{_cannot_be_told(measure)}: none has a {INDEX_WORDS[main]} above zero."
    sure = 0  # so many of the first are surely in their place
    while sure + 1 < len(order) and ahead(sure + 1):
        sure += 1
    listed = text.listed([f"{names[k]} ({_index(known, k, measure)})" for k in first])
    by = f"by {INDEX_WORDS[main]}, 95% intervals"
    together = next((m for m in range(2, min(NAMED + 1, len(order))) if ahead(m)), 0)
    if len(order) > 1 and not sure and not together:
        return f"{_cannot_be_told(measure)}; {by}, {listed} come{'s' * (len(first) == 1)} first."
    sentence = f"{text.capitalize(measure.words)} turns most on {listed}; {by}"
    if not sure and together:
        many = text.in_letters(together)
        sentence += f", and which of the first {many} matters more cannot be told"
    elif 0 < sure < len(first) - 1:
        sentence += f", and only the first {'place is' if sure == 1 else f'{sure} places are'} sure"
    return f"{sentence}."


def _cannot_be_told(measure: Measure) -> str:
    return f"Cannot be told at this budget: which parameters {measure.words} turns on most"


def _index(known: IndexEstimates, k: int, measure: Measure) -> str:
    value = float(known.estimate[known.main][k])
    low, high = (max(float(limit[k]), 0.0) for limit in known.limits(known.main))
    if known.main != "mu_star":
        return f"{value:.2f}, {low:.2f} to {high:.2f}"
    if measure.unit == "share":
        return f"{100 * value:.1f} points, {100 * low:.1f} to {100 * high:.1f}"
    return phrases.estimate(value, low, high, measure.unit).replace(" (", ", ").rstrip(")")


def _spread(measure: Measure, one: Study) -> str:
    mean, spread = (phrases.with_unit(of, measure.unit) for of in (one.mean, one.deviation))
    if measure.unit == "share":
        mean, spread = f"{mean} of {measure.among}", f"{100 * one.deviation:.1f} points"
    sentence = f"Over all points it is {mean} on average, with a standard deviation of {spread}"
    if math.isnan(one.noise):
        return f"{sentence}."
    return f"{sentence}; {percent(one.noise)} of that variance is Monte Carlo noise."


def _rest(one: Study, names: Sequence[str], method: str) -> Iterator[str]:
    known = one.final
    if method == "sobol":
        yield _alone(known)
        yield from _pairs(known, names)
    elif known.main in one.floor:
        size, floor = known.estimate[known.main], one.floor[known.main]
        if few := [names[k] for k in known.order if 0 < size[k] <= floor[k]]:
            many = f"{len(few)} of {len(names)} factors"
            listed = text.listed(few) if len(few) <= LISTED else many
            yield f"{studying.NOISE[method][1]} in 19 of 20 studies: {listed}."
    sizes = zip(names, known.with_noise[known.main], strict=True)
    idle = [name for name, size in sizes if not size]
    if idle and method != "pawn":
        yield f"No difference at any point: {text.listed(idle)}."


def _alone(known: IndexEstimates) -> str:
    whole, error = known.sum("first", np.ones(len(known.estimate["first"])))
    reach = normal_quantile() * error
    low, high, shown = (min(max(one, 0.0), 1.0) for one in (whole - reach, whole + reach, whole))
    rest = "the rest is what they do together"
    if high >= 1.0:
        rest = "whether they do anything together cannot be told"
    return (
        f"Acting alone the factors explain {percent(shown)} of the variance "
        f"({100 * low:.0f} to {percent(high)}); {rest}."
    )


def _pairs(known: IndexEstimates, names: Sequence[str]) -> Iterator[str]:
    estimate = known.estimate.get("second", np.empty(0))
    if not len(estimate):
        return
    first, second = pairs_of(len(names))
    sure = np.flatnonzero(known.limits("second")[0] > 0)
    largest = int(sure[np.argmax(estimate[sure])] if len(sure) else np.argmax(estimate))
    pair, share = f"{names[first[largest]]} and {names[second[largest]]}", estimate[largest]
    if len(sure):
        yield (
            f"Together, beyond what each does alone, {pair} explain {percent(share)} of the variance: of the "
            "pairs that surely explain any, none explains more."
        )
    else:
        yield f"No pair surely does more together than both alone; {pair} come nearest to it."


def _unknown(measure: Measure, one: Study, replicates: int) -> str:
    sentence = f"{_cannot_be_told(measure)}; it is {one.why_not}"
    if math.isnan(one.mean):
        return f"{sentence}. More replicates, a share within a time or an earlier quantile may be known everywhere."
    mean = text.capitalize(phrases.with_unit(one.mean, measure.unit))
    mean += f" of {measure.among}" if measure.unit == "share" else ""
    needed, small = studying.enough(replicates, one.noise), percent(studying.SMALL_NOISE)
    return (
        f"{sentence}, {percent(one.noise)} of the variance between points. {mean} on average, it would "
        f"take about {needed} replicates at each point to bring that below {small}."
    )


# Charts: the ranking, how it settles, the tornado, Morris's plane, and the squares of pairs.

#: Factors that a chart of rows shows, the most important first; lines that stay apart; points named.
_ROWS, _LINES, _POINTS = 15, 6, 10
#: Each main index's name on the axis of the ranking, and on that of the convergence.
_AXES = {
    "total": ("share of the variance between points", "total index"),
    "median": (
        "distance between distributions (Kolmogorov-Smirnov, median over tenths of the range)",
        "PAWN index",
    ),
}


def charts(findings: Findings) -> Iterator[tuple[str, Callable[[Findings], Figure]]]:
    yield "ranking", draw_ranking
    yield "convergence", draw_convergence
    if "tornado" in findings.tables:
        yield "tornado", draw_tornado
    if "effects" in findings.tables:
        yield "effects", draw_effects
    if "pairs" in findings.tables:
        yield "pairs", draw_pairs


def draw_ranking(findings: Findings) -> Figure:
    """Each factor's index with its 95% interval, the most important first, a panel an outcome."""
    summary = findings.summary
    method, names = summary["method"], _names(summary)
    figure, panels = _panels(summary, 17.0 + 4.4 * min(len(names), _ROWS))
    for axes, measure, one in _told(panels, summary):
        main, shown, of = one["main_index"], one["order"][:_ROWS], one["indices"]
        scale, _, change = plots.units(measure)
        scale = scale if main == "mu_star" else 1.0
        if "first" in of:
            _dots(axes, [of["first"][path] for path in shown], 1.0, 0.22, hollow=True)
        _dots(axes, [of[main][path] for path in shown], scale, 0.0, hollow=False)
        axes.set_xlabel(_AXES.get(main, (f"{change}, over the whole range of the factor",))[0])
        plots.name_rows(axes, [names[path] for path in shown])
        axes.axvline(0.0, color=style.GREY, linewidth=0.8, zorder=1)
        if main in one["floor"]:
            x = [scale * one["floor"][main][path] for path in shown]
            look: Any = {"color": style.AIM, "markersize": 8.0, "markeredgewidth": 1.2}
            axes.plot(x, range(len(x)), "|", **look)
        if method == "sobol":  # wild limits must not hide the rest
            low, high = axes.get_xlim()
            axes.set_xlim(max(low, -0.6), min(high, 1.6))
    full = {"markersize": 3.4, "markerfacecolor": style.ESTIMATE}
    if method == "sobol":
        hollow = full | {"markerfacecolor": style.WHITE}
        handles = [
            plots.key("total index: with all it takes part in", "o", style.ESTIMATE, **full),
            plots.key("first-order index: acting alone", "o", style.GREY, **hollow),
        ]
    else:
        nothing, main = "a factor that nothing depends on", "PAWN index"
        if method == "morris":
            nothing, main = "noise alone", "mean size of the elementary effects (μ*)"
        below = f"{nothing} stays below, in 19 of 20 studies"
        bar: Any = {"markersize": 7.0, "linestyle": "", "markeredgewidth": 1.2}
        handles = [
            plots.key(main, "o", style.ESTIMATE, **full),
            plots.key(below, "|", style.AIM, **bar),
        ]
    more = len(names) - _ROWS
    left = f"the {more} factors that matter least are left out; " if more > 0 else ""
    return plots.finish(figure, _foot(summary, left), handles, "right", size=None)


def draw_convergence(findings: Findings) -> Figure:
    """The main index of the first factors as samples are added, with 95% intervals."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    summary = findings.summary
    names = _names(summary)
    table = findings.tables["indices"].to_pandas()
    figure, panels = _panels(summary, 56.0)
    labelled = []
    for axes, measure, one in _told(panels, summary):
        main, shown = one["main_index"], one["order"][:_LINES]
        scale, _, change = plots.units(measure)
        scale, unit = (scale, change) if main == "mu_star" else (1.0, _AXES[main][1])
        rows = table[(table["measure"] == measure["name"]) & (table["index"] == main)]
        ends = []
        for place, path in enumerate(shown):
            line = style.scenario_line(place)
            own = rows[rows["factor"] == path].sort_values("samples")
            # A little apart, so that no interval hides another.
            x = own["samples"].to_numpy() * 2.0 ** (0.05 * (place - (len(shown) - 1) / 2))
            y, lower, upper = (scale * own[key].to_numpy() for key in FIGURES[:3])
            axes.plot(x, y, marker="o", markersize=2.5, **line)
            axes.vlines(x, lower, upper, color=line["color"], linewidth=0.7)
            ends.append((float(y[-1]), text.shorten(names[path], 34), line))
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_locator(FixedLocator(sorted(set(rows["samples"]))))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.set_ylabel(unit)
        axes.grid(axis="y")
        low, high = axes.get_ylim()
        if main == "total":  # wild limits of few samples must not hide the rest
            low, high = max(low, -0.6), min(high, 1.6)
        axes.set_ylim(min(0.0, low), high)
        axes.axhline(0.0, color=style.GREY, linewidth=0.8, zorder=1)
        axes.set_xlabel(f"{SAMPLES[summary['method']][2]} so far")
        labelled.append((axes, ends))
    style.say_below(figure, _foot(summary, f"The first {min(_LINES, len(names))} factors"))
    for axes, ends in labelled:
        style.label_ends(figure, axes, ends)
    return figure


def draw_tornado(findings: Findings) -> Figure:
    """The change in each outcome as one factor alone goes to either end of its range."""
    summary = findings.summary
    factors = {one["path"]: one for one in summary["factors"]}
    names, rows = _names(summary), min(len(factors), _ROWS)
    colours = {"low": style.LESS, "high": style.MORE}
    figure, panels = _panels(summary, 17.0 + 4.4 * rows, whole=True)
    table = findings.tables["tornado"].to_pandas()
    table = table[np.isfinite(table["estimate"])]
    for axes, measure in zip(panels, summary["measures"], strict=True):
        axes.set_title(plots.title(measure))
        scale, _, change = plots.units(measure)
        own = table[table["measure"] == measure["name"]]
        widest = own["estimate"].abs().groupby(own["factor"], sort=False).max()
        if widest.empty:
            plots.explain_empty(axes, "unknown, or never reached, in the middle of the factors")
            continue
        # A factor that is known at no end of it stands below the others, without bars.
        widest = widest.reindex(list(factors))
        shown = list(widest.sort_values(ascending=False, kind="stable").index[:rows])
        for place, path in enumerate(shown):
            for _, end in own[own["factor"] == path].iterrows():
                # In one half of the row, so that bars on one side both show.
                y, colour = place + (-0.2 if end["end"] == "low" else 0.2), colours[end["end"]]
                width, limits = scale * end["estimate"], [end["lower"], end["upper"]]
                axes.barh(y, width, height=0.38, color=colour, linewidth=0, zorder=2)
                plots.span(axes, [scale * of for of in limits], y, width=0.7, zorder=3)
        span = {path: f"{one['low']:.3g} … {one['high']:.3g}" for path, one in factors.items()}
        labels = [f"{text.shorten(names[path], 34)}  {span[path]}" for path in shown]
        plots.name_rows(axes, labels)
        axes.axvline(0.0, color=style.BLACK, linewidth=0.8, zorder=4)
        axes.set_xlabel(f"change{' in' if measure['unit'] == 'share' else ','} {change}")
    handles = [plots.patch(f"at its {end} end", of) for end, of in colours.items()]
    said = (
        "One factor moved, all others in their middle; beside each name its ends (5% and 95% of what "
        "it may be, or the range that was given). Lines: 95% intervals; "
        f"{text.count(summary['tornado_replicates'])} replicates at each end, all with the same luck."
    )
    return plots.finish(figure, fill(said, 115), handles, "right", size=None)


def draw_effects(findings: Findings) -> Figure:
    """Morris's plane: the mean size of a factor's effects, and their spread; beside it the effects.

    Far to the right: it matters. High up: it acts differently from place to place, by curvature or
    with other factors.
    """
    summary = findings.summary
    names = _names(summary)
    effects = findings.tables["effects"].to_pandas()
    figure, panels = _panels(summary, 72.0, around=16.0, columns=2)
    strips = dict(zip(*panels.T, strict=True))
    for strip in strips.values():
        strip.set_axis_off()
    for plane, measure, one in _told(panels[:, 0], summary, 44):
        scale, _, unit = plots.units({**measure, "unit": measure["unit"] or "in its own unit"})
        sizes, spreads = one["indices"]["mu_star"], one["indices"]["sigma"]
        for place, path in enumerate(one["order"]):
            x, y = scale * sizes[path]["estimate"], scale * spreads[path]["estimate"]
            named = place < _POINTS
            colour = style.ESTIMATE if named else style.PALE_GREY
            if named:
                across, up = (
                    [scale * of[path][key] for key in ("lower", "upper")] for of in (sizes, spreads)
                )
                for ends in ((across, [y, y]), ([x, x], up)):
                    plane.plot(*ends, color=colour, linewidth=0.5, alpha=0.5)
                plots.note(plane, str(place + 1), (x, y), (3, 2), fontsize=6.5, color=style.BLACK)
            plane.plot([x], [y], "o", color=colour, markersize=3.2, zorder=3 if named else 2)
        plane.set_xlim(left=0.0)
        plane.set_ylim(bottom=0.0)
        end = min(plane.get_xlim()[1], plane.get_ylim()[1])
        dashed: Any = {"linewidth": 0.8, "linestyle": (0, (4, 2)), "zorder": 1}
        plane.plot([0, end], [0, end], color=style.GREY, **dashed)
        plane.set_xlabel(f"mean size of the effects, μ* ({unit})")
        plane.set_ylabel(f"their standard deviation, σ ({unit})")
        strip, shown = strips[plane], one["order"][:_POINTS]
        own = effects[effects["measure"] == measure["name"]]
        for place, path in enumerate(shown):
            x = scale * own.loc[own["factor"] == path, "effect"].to_numpy()
            strip.plot(x, [place] * len(x), "|", color=style.ESTIMATE, alpha=0.6, markersize=6)
            strip.plot([x.mean()], [place], "D", color=style.BLACK, markersize=2.6)
        strip.set_axis_on()
        strip.axvline(0.0, color=style.GREY, linewidth=0.8)
        labels = [f"{text.shorten(names[path], 28)}  {k}" for k, path in enumerate(shown, 1)]
        strip.set_yticks(range(len(labels)), labels)
        strip.set_ylim(len(labels) - 0.4, -0.6)
        strip.tick_params(axis="y", length=0)
        strip.set_title("Every effect, and their mean")
        strip.set_xlabel(f"elementary effect, over the whole range\n({unit})")
    said = (
        "Left: lines are 95% intervals; on the dashed line effects differ as much as they are large "
        "(σ = μ*): below it a factor acts nearly alike everywhere, above it by curvature or with "
        f"others. Numbers: the first {_POINTS} factors, named on the right; there a bar is an effect in one "
        "trajectory, the diamond their mean."
    )
    return plots.finish(figure, fill(said, 115))


def draw_pairs(findings: Findings) -> Figure:
    """Second-order indices: what each pair explains beyond both alone, a square a pair."""
    summary, most = findings.summary, plots.MOST_PAIRED
    names, table = _names(summary), findings.tables["pairs"].to_pandas()
    figure, panels = plots.panels_of_pairs(len(summary["measures"]), len(names), 16.0, 7.0)
    for axes, measure, one in _told(panels, summary, 34):
        shown = [path for path in names if path in one["order"][:most]]
        own = table[table["measure"] == measure["name"]]
        own = own[own["factor"].isin(shown) & own["with"].isin(shown)]
        largest = max(float(own["estimate"].max()), 1e-9)
        cells = [
            (
                shown.index(row["factor"]),
                shown.index(row["with"]),
                text.number(100 * row["estimate"], 1),
                style.MORE if row["lower"] > 0.0 else "",
                max(row["estimate"], 0.0) / largest,
            )
            for row in own.to_dict("records")
        ]
        plots.squares(axes, [text.shorten(names[path], 22) for path in shown], cells, 6.0)
    said = (
        "Second-order index: per cent of the variance between points that the two explain together, "
        "beyond what each explains alone. Green: the 95% interval lies above zero; no colour: it does not."
    )
    if len(names) > most:
        said += f" Pairs of the {most} factors that matter most; all stand in the tables."
    return plots.finish(figure, fill(said, 115))


def _panels(
    summary: Mapping[str, Any],
    height: float,
    whole: bool = False,
    around: float = 14.0,
    columns: int = 1,
) -> tuple[style.Chart, Any]:
    """A row of panels an outcome, `height` mm high; lower where there are no indices, unless `whole`."""
    studies = [summary["studies"][one["name"]] for one in summary["measures"]]
    parts = [1.0 if whole or (one["indices"] and one["deviation"]) else 0.3 for one in studies]
    figure = style.new_figure(height=around + height * sum(parts))
    panels = figure.subplots(
        len(parts), columns, squeeze=False, gridspec_kw={"height_ratios": parts}
    )
    return figure, panels if columns > 1 else panels[:, 0]


def _told(panels: Any, summary: Mapping[str, Any], letters: int = 0) -> Iterator[Any]:
    """The panels, outcomes and studies that have indices to draw; the other panels say why they have none."""
    for axes, measure in zip(panels, summary["measures"], strict=True):
        one, title = summary["studies"][measure["name"]], plots.title(measure)
        axes.set_title(fill(title, letters) if letters else title)
        why = one["why_not"] if one["deviation"] != 0 else "the same at every point"
        if why:
            plots.explain_empty(axes, why)
        else:
            yield axes, measure, one


def _dots(
    axes: Axes, figures: Sequence[Mapping[str, Any]], scale: float, apart: float, hollow: bool
) -> None:
    """A dot with its whisker in each row, so far below the middle of it."""
    colour = style.GREY if hollow else style.ESTIMATE
    face, size = (style.WHITE, 2.8) if hollow else (colour, 3.6)
    for y, one in enumerate(figures):
        ends, x = [scale * one["lower"], scale * one["upper"]], scale * one["estimate"]
        plots.span(axes, ends, y + apart, colour, 0.8 if hollow else 1.2)
        plots.dot(axes, x, y + apart, colour, face, markersize=size, markeredgewidth=0.8)


def _names(summary: Mapping[str, Any]) -> dict[str, str]:
    """Each factor's short name by its path."""
    return phrases.without_sections([one["path"] for one in summary["factors"]])


def _foot(summary: Mapping[str, Any], what: str) -> str:
    noise = [summary["studies"][one["name"]]["noise"] for one in summary["measures"]]
    told = ", ".join("unknown" if one is None else f"{text.percent(one)}%" for one in noise)
    method, counted = summary["method"], ("samples", "points", "replicates")
    samples, points, replicates = (text.count(summary[key]) for key in counted)
    taken = " (taken out of the indices)" if method == "sobol" else ""
    # Of PAWN the samples are the points.
    drawn = "" if method == "pawn" else f"{samples} {SAMPLES[method][2]}, "
    sentence = (
        (f"{what.rstrip('; ')}; " if what else "")
        + f"lines: 95% intervals, from luck and from the choice of points; {drawn}{points} points of "
        f"{replicates} replicates, all with the same luck; Monte Carlo noise in the variance between "
        f"points: {told}{taken}."
    )
    return fill(text.capitalize(sentence), 115)
