"""Sensitivity: which parameters an outcome depends on, one by one and together.

Morris screens many parameters, Sobol divides the variance of an outcome, PAWN compares its distributions
(`indices`). Replicates have the same random numbers at all points, and the remaining Monte Carlo noise is
reported. A tornado moves each factor alone.
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
from crisis_sim.experiments import indices, phrases, plots
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
from crisis_sim.experiments.points import FIGURES, run_points, table_of
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
    """The keys of a sensitivity study."""

    kind: Literal["sensitivity"] = entry("the kind of experiment")
    method: Literal["morris", "sobol", "pawn"] = entry(
        "morris to screen many parameters, sobol to divide the variance, "
        "pawn to compare distributions",
        "morris",
    )
    vary: dict[str, Range] = Field(
        default_factory=dict,
        description="parameters by path, each with its range; by default all that have a slider",
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
        """The number of samples."""
        return SAMPLES[self.method][0] if self.samples is None else self.samples


SPEC = SensitivitySpec


def check(spec: SensitivitySpec, reading: Reading) -> Iterator[Mistake]:
    yield from reading.check_factors(ranges(spec.vary, reading.scenario), "vary")
    count, (_, fewest, samples) = spec.count, SAMPLES[spec.method]
    if count < fewest:
        message, expected = f"{count} {samples} are too few", f"{fewest} or more"
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
    factors = drawn_factors(spec.vary, experiment.scenario)
    paths = [factor.path for factor in factors]
    layout = layout_of(
        spec.method, spec.count, len(factors), spec.seed, second_order=spec.second_order
    )
    total = crises(experiment)

    # Morris goes from end to end of each factor.
    draw = DrawnFactor.between_ends if layout.method == "morris" else DrawnFactor.finite_at
    shares = zip(factors, layout.shares.T, strict=True)
    values = {factor.path: draw(factor, column) for factor, column in shares}
    first = replace(options, progress=offset_progress(options.progress, 0, total))
    design = run_points(experiment, first, values, name="points")
    studies = {
        name: indices.study(layout, each, spec.seed) for name, each in design.measured.items()
    }
    tables = {
        "points": design.point_table(),
        "measures": design.measure_table(),
        **indices.index_tables(studies, paths, layout),
    }
    if spec.tornado:
        # Point 0 has all factors at their middle; points 1 + 2k and 2 + 2k have factor k at its ends.
        ends = {factor.path: np.full(1 + 2 * len(factors), factor.middle) for factor in factors}
        for k, factor in enumerate(factors):
            ends[factor.path][1 + 2 * k : 3 + 2 * k] = factor.ends
        second = replace(options, progress=offset_progress(options.progress, design.crises, total))
        tornado = run_points(experiment, second, ends, replicates=spec.tornado, name="tornado")
        rows = [
            bar for name, each in tornado.measured.items() for bar in _bars(name, each, factors)
        ]
        floats = ("value", "outcome", "estimate", "standard_error", "lower", "upper")
        tables["tornado"] = table_of(rows, ("measure", "factor", "end"), (), floats)
    warnings = {
        name: list(indices.budget_warnings(spec.replicates, study, layout))
        for name, study in studies.items()
    }
    summary = {
        "method": spec.method,
        "samples": layout.samples,
        "points": len(layout.shares),
        "replicates": spec.replicates,
        "tornado_replicates": spec.tornado,
        "factors": [
            {**each.about("middle"), "drawn": each.describe(), "low": low, "high": high}
            for each in factors
            for low, high in [each.ends]
        ],
        "measures": [measure.about() for measure in experiment.measures],
        "studies": {
            name: {**study.plain(paths, MAIN[spec.method]), "warnings": warnings[name]}
            for name, study in studies.items()
        },
    }
    sentences = tuple(answer(experiment, factors, studies, warnings, layout))
    return Findings(experiment, sentences, tables, summary, total)


def _bars(
    name: str, measured: Measured, factors: Sequence[DrawnFactor]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of the tornado: each factor's ends, and the change in the outcome from the middle."""
    less = measured.less(0)
    for k, factor in enumerate(factors):
        for side, end in enumerate(("low", "high")):
            point = 1 + 2 * k + side
            yield {
                "measure": name,
                "factor": factor.path,
                "end": end,
                "value": factor.ends[side],
                "outcome": measured.estimate[point],
                **{key: getattr(less, key)[point] for key in FIGURES},
            }


# --- The answer

#: The number of most important factors that are named, and the largest number of others that are listed.
NAMED, LISTED = 3, 6

INDEX_WORDS = {"total": "total index", "mu_star": "mean effect", "median": "PAWN index"}


def answer(
    experiment: Experiment,
    factors: Sequence[DrawnFactor],
    studies: Mapping[str, Study],
    warnings: Mapping[str, Sequence[str]],
    layout: Layout,
) -> Iterator[str]:
    """Yield the sentences of the answer, outcome by outcome, and on the uncertainty."""
    spec: Any = experiment.spec
    names = list(phrases.without_sections([factor.path for factor in factors]).values())
    is_noisy = False
    for measure in experiment.measures:
        study = studies[measure.name]
        if study.known:
            widest = int(study.final.error[study.final.main].argmax())
            is_noisy |= indices.noise_part(study.final, widest) > indices.MUCH_NOISE
        if study.deviation == 0:
            value = phrases.with_unit(study.mean, measure.unit)
            yield f"{text.capitalize(measure.subject)}: {value} at every point."
        elif not study.known:
            yield _unknown(measure, study, spec.replicates)
        else:
            yield _most_important(measure, study.final, names)
            yield _spread(measure, study)
            yield from _least_important(study, names, layout.method)
            for warning in warnings[measure.name]:
                yield f"Warning, {measure.words}: {warning}"
    samples, replicates = SAMPLES[layout.method][2], text.count(spec.replicates)
    points = "" if layout.method == "pawn" else f" ({text.count(len(layout.shares))} points)"
    more = f" of {text.count(4 * spec.replicates)} replicates" if is_noisy else ""
    yield (
        f"{text.count(layout.samples)} {samples}{points} of {replicates} replicates, all with the same random "
        f"numbers. {text.count(4 * layout.samples)} {samples}{more} would about halve the intervals."
    )


def _most_important(measure: Measure, estimates: IndexEstimates, names: Sequence[str]) -> str:
    order, main = estimates.order, estimates.main

    def ahead(count: int) -> bool:
        """Return whether each of the first is significantly above all later factors."""
        return all(estimates.exceeds(a, b) for a in order[:count] for b in order[count:])

    first = [k for k in order[:NAMED] if estimates.estimate[main][k] > 0]
    if not first:
        return f"{_undecided(measure)}: none has a {INDEX_WORDS[main]} above zero."
    ranked = 0  # the number of factors whose rank is significant
    while ranked + 1 < len(order) and ahead(ranked + 1):
        ranked += 1
    listed = text.listed([f"{names[k]} ({_index(estimates, k, measure)})" for k in first])
    by = f"by {INDEX_WORDS[main]}, 95% intervals"
    together = next((m for m in range(2, min(NAMED + 1, len(order))) if ahead(m)), 0)
    if len(order) > 1 and not ranked and not together:
        return f"{_undecided(measure)}; {by}, {listed} come{'s' * (len(first) == 1)} first."
    sentence = f"{text.capitalize(measure.words)} depends most on {listed}; {by}"
    if not ranked and together:
        sentence += f"; the order of the first {text.in_letters(together)} is uncertain"
    elif 0 < ranked < len(first) - 1:
        sentence += (
            f"; only the first {'rank is' if ranked == 1 else f'{ranked} ranks are'} certain"
        )
    return f"{sentence}."


def _undecided(measure: Measure) -> str:
    return f"Too few crises to rank the parameters by their effect on {measure.words}"


def _index(estimates: IndexEstimates, k: int, measure: Measure) -> str:
    main = estimates.main
    value = float(estimates.estimate[main][k])
    low, high = (max(float(limit[k]), 0.0) for limit in estimates.limits(main))
    if main != "mu_star":
        return f"{value:.2f}, {low:.2f} to {high:.2f}"
    if measure.unit == "share":
        return f"{100 * value:.1f} points, {100 * low:.1f} to {100 * high:.1f}"
    return phrases.estimate(value, low, high, measure.unit).replace(" (", ", ").rstrip(")")


def _spread(measure: Measure, study: Study) -> str:
    mean, deviation = (phrases.with_unit(x, measure.unit) for x in (study.mean, study.deviation))
    if measure.unit == "share":
        mean, deviation = f"{mean} of {measure.among}", f"{100 * study.deviation:.1f} points"
    sentence = f"Its mean over all points is {mean}, with a standard deviation of {deviation}"
    if math.isnan(study.noise):
        return f"{sentence}."
    return f"{sentence}; {percent(study.noise)} of that variance is Monte Carlo noise."


def _least_important(study: Study, names: Sequence[str], method: str) -> Iterator[str]:
    estimates = study.final
    sizes = estimates.estimate[estimates.main]
    if method == "sobol":
        yield _first_order(estimates)
        yield from _largest_pair(estimates, names)
    elif estimates.main in study.floor:
        floor = study.floor[estimates.main]
        if noise := [names[k] for k in estimates.order if 0 < sizes[k] <= floor[k]]:
            count = f"{len(noise)} of {len(names)} factors"
            listed = text.listed(noise) if len(noise) <= LISTED else count
            yield f"{indices.NOISE[method][1]}: {listed}."
    raw = zip(names, estimates.with_noise[estimates.main], strict=True)
    idle = [name for name, size in raw if not size]
    if idle and method != "pawn":
        yield f"No difference at any point: {text.listed(idle)}."


def _first_order(estimates: IndexEstimates) -> str:
    total, error = estimates.sum("first", np.ones(len(estimates.estimate["first"])))
    reach = normal_quantile() * error
    low, high, total = (min(max(x, 0.0), 1.0) for x in (total - reach, total + reach, total))
    interactions = "the rest is due to interactions"
    if high >= 1.0:
        interactions = "interactions are not detectable"
    return (
        f"Alone the factors explain {percent(total)} of the variance "
        f"({100 * low:.0f} to {percent(high)}); {interactions}."
    )


def _largest_pair(estimates: IndexEstimates, names: Sequence[str]) -> Iterator[str]:
    estimate = estimates.estimate.get("second", np.empty(0))
    if not len(estimate):
        return
    first, second = pairs_of(len(names))
    significant = np.flatnonzero(estimates.limits("second")[0] > 0)
    candidates = significant if len(significant) else np.arange(len(estimate))
    largest = int(candidates[np.argmax(estimate[candidates])])
    pair = f"{names[first[largest]]} and {names[second[largest]]}"
    if len(significant):
        share = percent(estimate[largest])
        yield f"The largest significant interaction of a pair is that of {pair}: {share} of the variance."
    else:
        yield f"No interaction of a pair is significant; the largest is that of {pair}."


def _unknown(measure: Measure, study: Study, replicates: int) -> str:
    sentence = f"{_undecided(measure)}; it is {study.why_not}"
    if math.isnan(study.mean):
        return f"{sentence}. Try more replicates, a share within a time, or an earlier quantile."
    mean = phrases.with_unit(study.mean, measure.unit)
    mean += f" of {measure.among}" if measure.unit == "share" else ""
    needed, small = indices.enough(replicates, study.noise), percent(indices.SMALL_NOISE)
    return (
        f"{sentence}, which is {percent(study.noise)} of the variance between points. Its mean is {mean}; about "
        f"{needed} replicates at each point would reduce the noise to {small}."
    )


# --- Charts: the ranking, its convergence, the tornado, Morris's plane, and pairs

#: The largest numbers of factors in a chart of rows, of lines, and of named points.
_ROWS, _LINES, _POINTS = 15, 6, 10
#: The label of each main index on the axis of the ranking, and on that of the convergence.
_AXES = {
    "total": ("share of the variance between points", "total index"),
    "median": (
        "distance between distributions (Kolmogorov-Smirnov, median over tenths of the range)",
        "PAWN index",
    ),
}
#: The labels of both marks in the ranking's legend.
_LEGENDS = {
    "sobol": ("total index: alone and with others", "first-order index: alone"),
    "morris": ("mean size of the elementary effects (μ*)", "95% limit of noise alone"),
    "pawn": ("PAWN index", "95% limit for a factor without effect"),
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
    """Draw each factor's index with its 95% interval, the most important first, in a panel per outcome."""
    summary = findings.summary
    method, names = summary["method"], _names(summary)
    figure, panels = _panels(summary, 17.0 + 4.4 * min(len(names), _ROWS))
    for axes, measure, study in _known(panels, summary):
        main, paths, by_index = study["main_index"], study["order"][:_ROWS], study["indices"]
        scale, _, change = plots.units(measure)
        scale = scale if main == "mu_star" else 1.0
        if "first" in by_index:
            _dots(axes, [by_index["first"][path] for path in paths], 1.0, 0.22, hollow=True)
        _dots(axes, [by_index[main][path] for path in paths], scale, 0.0, hollow=False)
        axes.set_xlabel(_AXES.get(main, (f"{change}, over the whole range of the factor",))[0])
        plots.name_rows(axes, [names[path] for path in paths])
        axes.axvline(0.0, color=style.GREY, linewidth=0.8, zorder=1)
        if main in study["floor"]:
            x = [scale * study["floor"][main][path] for path in paths]
            look: Any = {"color": style.AIM, "markersize": 8.0, "markeredgewidth": 1.2}
            axes.plot(x, range(len(x)), "|", **look)
        if method == "sobol":  # limits far outside must not hide the rest
            low, high = axes.get_xlim()
            axes.set_xlim(max(low, -0.6), min(high, 1.6))
    main_label, label = _LEGENDS[method]
    full = {"markersize": 3.4, "markerfacecolor": style.ESTIMATE}
    hollow = {**full, "markerfacecolor": style.WHITE}
    bar: Any = {"markersize": 7.0, "linestyle": "", "markeredgewidth": 1.2}
    handles = [
        plots.key(main_label, "o", style.ESTIMATE, **full),
        plots.key(label, "o", style.GREY, **hollow)
        if method == "sobol"
        else plots.key(label, "|", style.AIM, **bar),
    ]
    more = len(names) - _ROWS
    omitted = f"the {more} least important factors are omitted; " if more > 0 else ""
    return plots.finish(figure, _caption(summary, omitted), handles, "right", size=None)


def draw_convergence(findings: Findings) -> Figure:
    """Draw the main index of the most important factors by number of samples, with 95% intervals."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    summary = findings.summary
    names = _names(summary)
    table = findings.tables["indices"].to_pandas()
    figure, panels = _panels(summary, 56.0)
    labelled = []
    for axes, measure, study in _known(panels, summary):
        main, paths = study["main_index"], study["order"][:_LINES]
        scale, _, change = plots.units(measure)
        scale, unit = (scale, change) if main == "mu_star" else (1.0, _AXES[main][1])
        rows = table[(table["measure"] == measure["name"]) & (table["index"] == main)]
        ends = []
        for number, path in enumerate(paths):
            line = style.scenario_line(number)
            series = rows[rows["factor"] == path].sort_values("samples")
            # Shifted, so that no interval hides another.
            x = series["samples"].to_numpy() * 2.0 ** (0.05 * (number - (len(paths) - 1) / 2))
            y, lower, upper = (scale * series[key].to_numpy() for key in FIGURES[:3])
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
        if main == "total":  # limits far outside must not hide the rest
            low, high = max(low, -0.6), min(high, 1.6)
        axes.set_ylim(min(0.0, low), high)
        axes.axhline(0.0, color=style.GREY, linewidth=0.8, zorder=1)
        axes.set_xlabel(f"number of {SAMPLES[summary['method']][2]}")
        labelled.append((axes, ends))
    style.say_below(figure, _caption(summary, f"The first {min(_LINES, len(names))} factors"))
    for axes, ends in labelled:
        style.label_ends(figure, axes, ends)
    return figure


def draw_tornado(findings: Findings) -> Figure:
    """Draw the change in each outcome when one factor alone is at either end of its range."""
    summary = findings.summary
    factors = {factor["path"]: factor for factor in summary["factors"]}
    names, rows = _names(summary), min(len(factors), _ROWS)
    colours = {"low": style.LESS, "high": style.MORE}
    figure, panels = _panels(summary, 17.0 + 4.4 * rows, full_height=True)
    table = findings.tables["tornado"].to_pandas()
    table = table[np.isfinite(table["estimate"])]
    for axes, measure in zip(panels, summary["measures"], strict=True):
        axes.set_title(plots.title(measure))
        scale, _, change = plots.units(measure)
        bars = table[table["measure"] == measure["name"]]
        widest = bars["estimate"].abs().groupby(bars["factor"], sort=False).max()
        if widest.empty:
            plots.explain_empty(axes, "unknown, or never reached, in the middle of the factors")
            continue
        # A factor with an unknown outcome at both ends comes last, without bars.
        widest = widest.reindex(list(factors))
        paths = list(widest.sort_values(ascending=False, kind="stable").index[:rows])
        for row, path in enumerate(paths):
            for _, bar in bars[bars["factor"] == path].iterrows():
                # Each in one half of the row, so that neither hides the other.
                y, colour = row + (-0.2 if bar["end"] == "low" else 0.2), colours[bar["end"]]
                axes.barh(
                    y, scale * bar["estimate"], height=0.38, color=colour, linewidth=0, zorder=2
                )
                limits = [scale * bar["lower"], scale * bar["upper"]]
                plots.span(axes, limits, y, width=0.7, zorder=3)
        ends = {path: f"{x['low']:.3g} … {x['high']:.3g}" for path, x in factors.items()}
        plots.name_rows(axes, [f"{text.shorten(names[path], 34)}  {ends[path]}" for path in paths])
        axes.axvline(0.0, color=style.BLACK, linewidth=0.8, zorder=4)
        axes.set_xlabel(f"change{' in' if measure['unit'] == 'share' else ','} {change}")
    handles = [plots.patch(f"at its {end} end", colour) for end, colour in colours.items()]
    caption = (
        "One factor moved, all others at their middle; next to each name its ends (5% and 95% quantiles, "
        "or the given range). Lines: 95% intervals; "
        f"{text.count(summary['tornado_replicates'])} replicates at each end, all with the same random numbers."
    )
    return plots.finish(figure, fill(caption, 115), handles, "right", size=None)


def draw_effects(findings: Findings) -> Figure:
    """Draw the mean size of each factor's elementary effects and their spread, with the effects on the right.

    A factor on the right matters. One high up has an effect that differs from point to point, by curvature or
    interaction.
    """
    summary = findings.summary
    names = _names(summary)
    effects = findings.tables["effects"].to_pandas()
    figure, panels = _panels(summary, 72.0, margin=16.0, columns=2)
    strips = dict(zip(*panels.T, strict=True))
    for strip in strips.values():
        strip.set_axis_off()
    for plane, measure, study in _known(panels[:, 0], summary, 44):
        scale, _, unit = plots.units({**measure, "unit": measure["unit"] or "in its own unit"})
        sizes, spreads = study["indices"]["mu_star"], study["indices"]["sigma"]
        for rank, path in enumerate(study["order"], 1):
            x, y = scale * sizes[path]["estimate"], scale * spreads[path]["estimate"]
            named = rank <= _POINTS
            colour = style.ESTIMATE if named else style.PALE_GREY
            if named:
                across, up = (
                    [scale * index[path][key] for key in ("lower", "upper")]
                    for index in (sizes, spreads)
                )
                for ends in ((across, [y, y]), ([x, x], up)):
                    plane.plot(*ends, color=colour, linewidth=0.5, alpha=0.5)
                plots.note(plane, str(rank), (x, y), (3, 2), fontsize=6.5, color=style.BLACK)
            plane.plot([x], [y], "o", color=colour, markersize=3.2, zorder=3 if named else 2)
        plane.set_xlim(left=0.0)
        plane.set_ylim(bottom=0.0)
        end = min(plane.get_xlim()[1], plane.get_ylim()[1])
        dashed: Any = {"linewidth": 0.8, "linestyle": (0, (4, 2)), "zorder": 1}
        plane.plot([0, end], [0, end], color=style.GREY, **dashed)
        plane.set_xlabel(f"mean size of the effects, μ* ({unit})")
        plane.set_ylabel(f"their standard deviation, σ ({unit})")
        strip, paths = strips[plane], study["order"][:_POINTS]
        rows = effects[effects["measure"] == measure["name"]]
        for row, path in enumerate(paths):
            x = scale * rows.loc[rows["factor"] == path, "effect"].to_numpy()
            strip.plot(x, [row] * len(x), "|", color=style.ESTIMATE, alpha=0.6, markersize=6)
            strip.plot([x.mean()], [row], "D", color=style.BLACK, markersize=2.6)
        strip.set_axis_on()
        strip.axvline(0.0, color=style.GREY, linewidth=0.8)
        labels = [f"{text.shorten(names[path], 28)}  {k}" for k, path in enumerate(paths, 1)]
        strip.set_yticks(range(len(labels)), labels)
        strip.set_ylim(len(labels) - 0.4, -0.6)
        strip.tick_params(axis="y", length=0)
        strip.set_title("Effects and their mean")
        strip.set_xlabel(f"elementary effect, over the whole range\n({unit})")
    caption = (
        "Left: lines are 95% intervals. Below the dashed line (σ = μ*) a factor has nearly the same effect at all "
        "points; above it the effect varies, by curvature or interaction. "
        f"Numbers: the first {_POINTS} factors, named on the right, where a bar is the effect in one trajectory and "
        "the diamond the mean."
    )
    return plots.finish(figure, fill(caption, 115))


def draw_pairs(findings: Findings) -> Figure:
    """Draw the second-order index of each pair as a square."""
    summary, most = findings.summary, plots.MOST_PAIRED
    names, table = _names(summary), findings.tables["pairs"].to_pandas()
    figure, panels = plots.panels_of_pairs(len(summary["measures"]), len(names), 16.0, 7.0)
    for axes, measure, study in _known(panels, summary, 34):
        paths = [path for path in names if path in study["order"][:most]]
        rows = table[table["measure"] == measure["name"]]
        rows = rows[rows["factor"].isin(paths) & rows["with"].isin(paths)]
        largest = max(float(rows["estimate"].max()), 1e-9)
        cells = [
            (
                paths.index(row["factor"]),
                paths.index(row["with"]),
                text.number(100 * row["estimate"], 1),
                style.MORE if row["lower"] > 0.0 else "",
                max(row["estimate"], 0.0) / largest,
            )
            for row in rows.to_dict("records")
        ]
        plots.squares(axes, [text.shorten(names[path], 22) for path in paths], cells, 6.0)
    caption = (
        "Second-order index: per cent of the variance between points that is due to the interaction of two factors. "
        "Green: the 95% interval is above zero; no colour: it is not."
    )
    if len(names) > most:
        caption += f" Pairs of the {most} most important factors; the others are in the tables."
    return plots.finish(figure, fill(caption, 115))


def _panels(
    summary: Mapping[str, Any],
    height: float,
    full_height: bool = False,
    margin: float = 14.0,
    columns: int = 1,
) -> tuple[style.Chart, Any]:
    """Return a figure and a row of panels per outcome, `height` mm high, or lower if it has no indices to draw."""
    studies = [summary["studies"][measure["name"]] for measure in summary["measures"]]
    draws = [full_height or (study["indices"] and study["deviation"]) for study in studies]
    ratios = [1.0 if drawn else 0.3 for drawn in draws]
    figure = style.new_figure(height=margin + height * sum(ratios))
    panels = figure.subplots(
        len(ratios), columns, squeeze=False, gridspec_kw={"height_ratios": ratios}
    )
    return figure, panels if columns > 1 else panels[:, 0]


def _known(panels: Any, summary: Mapping[str, Any], letters: int = 0) -> Iterator[Any]:
    """Yield the panel, measure and study of each outcome with indices; write the reason into the other panels."""
    for axes, measure in zip(panels, summary["measures"], strict=True):
        study, title = summary["studies"][measure["name"]], plots.title(measure)
        axes.set_title(fill(title, letters) if letters else title)
        reason = study["why_not"] if study["deviation"] != 0 else "the same at every point"
        if reason:
            plots.explain_empty(axes, reason)
        else:
            yield axes, measure, study


def _dots(
    axes: Axes, figures: Sequence[Mapping[str, Any]], scale: float, offset: float, hollow: bool
) -> None:
    """Draw a dot with its interval in each row, `offset` rows below the middle."""
    colour = style.GREY if hollow else style.ESTIMATE
    face, size = (style.WHITE, 2.8) if hollow else (colour, 3.6)
    for row, figure in enumerate(figures):
        limits = [scale * figure["lower"], scale * figure["upper"]]
        x, y = scale * figure["estimate"], row + offset
        plots.span(axes, limits, y, colour, 0.8 if hollow else 1.2)
        plots.dot(axes, x, y, colour, face, markersize=size, markeredgewidth=0.8)


def _names(summary: Mapping[str, Any]) -> dict[str, str]:
    return phrases.without_sections([factor["path"] for factor in summary["factors"]])


def _caption(summary: Mapping[str, Any], first: str) -> str:
    shares = [summary["studies"][measure["name"]]["noise"] for measure in summary["measures"]]
    noise = ", ".join("unknown" if x is None else f"{text.percent(x)}%" for x in shares)
    method, keys = summary["method"], ("samples", "points", "replicates")
    samples, points, replicates = (text.count(summary[key]) for key in keys)
    removed = " (removed from the indices)" if method == "sobol" else ""
    # In PAWN the samples are the points.
    samples = "" if method == "pawn" else f"{samples} {SAMPLES[method][2]}, "
    sentence = (
        (f"{first.rstrip('; ')}; " if first else "")
        + f"lines: 95% intervals, from chance and from the choice of points; {samples}{points} points of {replicates} "
        f"replicates, all with the same random numbers; Monte Carlo noise in the variance between points: {noise}"
        f"{removed}."
    )
    return fill(text.capitalize(sentence), 115)
