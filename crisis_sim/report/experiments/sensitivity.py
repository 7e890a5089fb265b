"""Charts of a sensitivity analysis: indices, planes of two parameters, and the tornado."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from crisis_sim import style, text
from crisis_sim import text as words
from crisis_sim.experiments.sensitivity import names_of

if TYPE_CHECKING:
    from crisis_sim.experiments.spec import Findings


# --- What the charts of a sensitivity study share: panels above each other, rows, names and units

#: Factors that a chart shows, the most important first.
MOST = 15
#: Height of a row and of what stands around the rows of a panel, in millimetres.
ROW, AROUND = 4.4, 17.0
#: Letters of a factor's name.
NAME = 34


def stacked(findings: Findings, height: float, whole: bool = False) -> tuple[style.Chart, Any]:
    """A panel an outcome, one above the other; low ones where indices are not told, unless `whole`."""
    summary = findings.summary
    measures = summary["measures"]
    parts = [1.0 if whole else heights(summary["studies"][one["name"]]) for one in measures]
    figure = style.new_figure(height=14.0 + sum(parts) * height)
    ratios = {"height_ratios": parts}
    return figure, figure.subplots(len(parts), 1, squeeze=False, gridspec_kw=ratios)[:, 0]


def heights(one: dict[str, Any]) -> float:
    """How much of a panel's height an outcome needs: little where there is nothing to draw."""
    return 1.0 if one["indices"] and one["deviation"] else 0.3


def name_rows(axes: Axes, labels: list[str]) -> None:
    """A name for each row, the first on top."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def names_of_factors(summary: Mapping[str, Any]) -> dict[str, str]:
    """Each factor's short name by its path."""
    return names_of([one["path"] for one in summary["factors"]])


def title(measure: dict[str, Any]) -> str:
    """An outcome as the title of a panel."""
    return text.shorten(text.sentence(measure["words"]).rstrip("."), 90)


def unit_of(unit: str) -> tuple[float, str]:
    """How many of a unit 1 is, and what a change in it is told in."""
    return (100.0, "percentage points") if unit == "share" else (1.0, unit or "value")


# --- Two charts of a sensitivity study: Morris's plane of effects, and the squares of pairs

#: Factors that are named in the plane.
_NAMED = 10
#: Letters of a title where panels stand side by side, and of the words below.
_PLANE_TITLE, _PLANE_FOOT = 44, 115
#: Factors of which pairs are drawn, and up to how many of them two panels may stand side by side.
_MOST, _BESIDE = 12, 6


@style.styled
def draw_effects(findings: Findings) -> Figure:
    """Morris's plane: the mean size of a factor's effects, and how much they differ from place to place.

    Far to the right: it matters. High up: it acts differently from place to place, by curvature or
    with other factors. Beside the plane stand the effects themselves.
    """
    summary = findings.summary
    measures = summary["measures"]
    parts = [heights(summary["studies"][one["name"]]) for one in measures]
    figure = style.new_figure(height=16.0 + 72.0 * sum(parts))
    panels = figure.subplots(len(measures), 2, squeeze=False, gridspec_kw={"height_ratios": parts})
    effects = findings.tables["effects"].to_pandas()
    names = names_of([one["path"] for one in summary["factors"]])
    for (plane, strip), measure in zip(panels, measures, strict=True):
        one = summary["studies"][measure["name"]]
        title = text.sentence(measure["words"]).rstrip(".")
        plane.set_title(fill(text.shorten(title, 2 * _PLANE_TITLE), _PLANE_TITLE))
        if not one["indices"] or not one["deviation"]:
            style.say_nothing_to_draw(plane, one["why_not"] or "the same at every point")
            plane.set_axis_off()
            strip.set_axis_off()
            continue
        scale, unit = (
            (100.0, "percentage points")
            if measure["unit"] == "share"
            else (1.0, measure["unit"] or "in its own unit")
        )
        _plane(plane, one, scale)
        plane.set_xlabel(f"mean size of the effects, μ* ({unit})")
        plane.set_ylabel(f"their standard deviation, σ ({unit})")
        shown = one["order"][:_NAMED]
        own = effects[effects["measure"] == measure["name"]]
        for place, path in enumerate(shown):
            values = scale * own.loc[own["factor"] == path, "effect"].to_numpy()
            strip.plot(
                values, [place] * len(values), "|", color=style.BLUE, alpha=0.6, markersize=6
            )
            strip.plot([values.mean()], [place], "D", color=style.BLACK, markersize=2.6)
        strip.axvline(0.0, color=style.GREY, linewidth=0.8)
        labels = [f"{text.shorten(names[path], 28)}  {k}" for k, path in enumerate(shown, start=1)]
        strip.set_yticks(range(len(shown)), labels)
        strip.set_ylim(len(shown) - 0.4, -0.6)
        strip.tick_params(axis="y", length=0)
        strip.set_title("Every effect, and their mean")
        strip.set_xlabel(f"elementary effect, over the whole range\n({unit})")
    said = (
        "Left: lines are 95% intervals; on the dashed line effects differ as much as they are large "
        "(σ = μ*): below it a factor acts nearly alike everywhere, above it by curvature or with "
        f"others. Numbers: the first {_NAMED} factors, named on the right; there a bar is an effect in one "
        "trajectory, the diamond their mean."
    )
    figure.supxlabel(fill(said, _PLANE_FOOT), fontsize=6.0, color=style.GREY)
    return figure


@style.styled
def draw_pairs(findings: Findings) -> Figure:
    """Second-order indices: what each pair explains beyond both alone, a square a pair."""
    summary = findings.summary
    measures = summary["measures"]
    paths = [one["path"] for one in summary["factors"]]
    rows = min(len(paths), _MOST)
    columns = min(2, len(measures)) if rows <= _BESIDE else 1
    lines = -(-len(measures) // columns)
    figure = style.new_figure(height=16.0 + lines * (46.0 + 7.0 * rows))
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    table = findings.tables["pairs"].to_pandas()
    for axes, measure in zip(panels, measures, strict=False):
        title = text.sentence(measure["words"]).rstrip(".")
        axes.set_title(fill(text.shorten(title, 2 * _PLANE_TITLE), _PLANE_TITLE - 10))
        own = table[table["measure"] == measure["name"]]
        one = summary["studies"][measure["name"]]
        if own.empty or not one["deviation"]:
            style.say_nothing_to_draw(axes, one["why_not"] or "the same at every point")
            axes.set_axis_off()
            continue
        most = one["order"][:_MOST]
        own = own[own["factor"].isin(most) & own["with"].isin(most)]
        _squares(axes, own, [path for path in paths if path in most])
    for axes in panels[len(measures) :]:
        axes.set_axis_off()
    said = (
        "Second-order index: per cent of the variance between points that the two explain together, "
        "beyond what each explains alone. Blue: the 95% interval lies above zero; no colour: it does not."
    )
    if len(paths) > _MOST:
        said += f" Pairs of the {_MOST} factors that matter most; all stand in the tables."
    figure.supxlabel(fill(said, _PLANE_FOOT), fontsize=6.0, color=style.GREY)
    return figure


def _plane(axes: Axes, one: dict[str, Any], scale: float) -> None:
    sizes, spreads = one["indices"]["mu_star"], one["indices"]["sigma"]
    for place, path in enumerate(one["order"]):
        x, y = scale * sizes[path]["estimate"], scale * spreads[path]["estimate"]
        named = place < _NAMED
        colour = style.BLUE if named else style.PALE_GREY
        if named:
            for figures, points in ((sizes, "x"), (spreads, "y")):
                limits = [scale * figures[path][key] for key in ("lower", "upper")]
                ends = (limits, [y, y]) if points == "x" else ([x, x], limits)
                axes.plot(*ends, color=colour, linewidth=0.5, alpha=0.5)
            axes.annotate(
                str(place + 1),
                (x, y),
                xytext=(3, 2),
                textcoords="offset points",
                fontsize=6.5,
            )
        axes.plot([x], [y], "o", color=colour, markersize=3.2, zorder=3 if named else 2)
    axes.set_xlim(left=0.0)
    axes.set_ylim(bottom=0.0)
    end = min(axes.get_xlim()[1], axes.get_ylim()[1])
    axes.plot([0, end], [0, end], color=style.GREY, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)


def _squares(axes: Axes, own: Any, paths: list[str]) -> None:
    names = names_of(paths)
    largest = max(float(own["estimate"].max()), 1e-9)
    for _, row in own.iterrows():
        column, line = paths.index(row["factor"]), paths.index(row["with"])
        sure = row["lower"] > 0.0
        strength = 0.25 + 0.6 * max(row["estimate"], 0.0) / largest
        axes.add_patch(
            Rectangle(
                (column - 0.48, line - 1.48),
                0.96,
                0.96,
                facecolor=style.tint(style.SKY_BLUE, strength) if sure else "#FFFFFF",
                edgecolor=style.PALE_GREY,
            )
        )
        axes.text(
            column,
            line - 1,
            f"{100 * row['estimate']:.1f}".replace("-", text.MINUS),
            ha="center",
            va="center",
            fontsize=6.0,
            color=style.ON_COLOUR if sure else style.GREY,
        )
    last = len(paths) - 1
    axes.set_xlim(-0.5, last - 0.5)
    axes.set_ylim(last - 0.5, -0.5)
    labels = [text.shorten(names[path], 22) for path in paths]
    axes.set_xticks(range(last), labels[:-1], rotation=90)
    axes.set_yticks(range(last), labels[1:])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


# --- The tornado of a sensitivity study

#: Letters in a line of the words below.
_FOOT = 115


@style.styled
def draw_tornado(findings: Findings) -> Figure:
    """What each outcome changes by as one factor alone goes to either end of its range."""
    summary = findings.summary
    rows = min(len(summary["factors"]), MOST)
    figure, panels = stacked(findings, AROUND + ROW * rows, whole=True)
    table = findings.tables["tornado"].to_pandas()
    names = names_of_factors(summary)
    factors = {one["path"]: one for one in summary["factors"]}
    for axes, measure in zip(panels, summary["measures"], strict=True):
        axes.set_title(title(measure))
        scale, unit = unit_of(measure["unit"])
        own = table[table["measure"] == measure["name"]]
        widest = own.groupby("factor", sort=False)["estimate"].agg(_swing)
        if widest.isna().all():
            style.say_nothing_to_draw(
                axes, "unknown, or never reached, in the middle of the factors"
            )
            axes.set_axis_off()
            continue
        shown = list(widest.sort_values(ascending=False, kind="stable").index[:rows])
        for place, path in enumerate(shown):
            for _, end in own[own["factor"] == path].iterrows():
                _bar(axes, place, end, scale)
        labels = [
            f"{text.shorten(names[path], NAME)}  {factors[path]['low']:.3g} … "
            f"{factors[path]['high']:.3g}"
            for path in shown
        ]
        name_rows(axes, labels)
        axes.axvline(0.0, color=style.BLACK, linewidth=0.8, zorder=4)
        axes.set_xlabel(f"change in {unit}" if unit == "percentage points" else f"change, {unit}")
    legend = [
        Patch(color=style.ORANGE, label="at its low end"),
        Patch(color=style.BLUE, label="at its high end"),
    ]
    figure.legend(handles=legend, loc="outside upper right", ncols=2)
    replicates = text.count(summary["tornado_replicates"])
    said = (
        "One factor moved, all others in their middle; beside each name its ends (5% and 95% of what "
        f"it may be, or the range that was given). Lines: 95% intervals; {replicates} replicates at "
        "each end, all with the same luck."
    )
    figure.supxlabel(fill(said, _FOOT), fontsize=6.0, color=style.GREY)
    return figure


def _bar(axes: Axes, place: int, end: Any, scale: float) -> None:
    """One end of a factor: its bar in one half of the row, so that bars on one side both show."""
    low = end["end"] == "low"
    if not np.isfinite(end["estimate"]):
        return
    middle = place + (-0.2 if low else 0.2)
    colour = style.ORANGE if low else style.BLUE
    axes.barh(middle, scale * end["estimate"], height=0.38, color=colour, linewidth=0, zorder=2)
    limits = [scale * end["lower"], scale * end["upper"]]
    axes.plot(limits, [middle] * 2, color=style.BLACK, linewidth=0.7, zorder=3)


def _swing(estimates: Any) -> float:
    known = np.abs(estimates[np.isfinite(estimates)])
    return float(known.max()) if len(known) else float("nan")


# --- Charts of a sensitivity study: the ranking, how it settles, a tornado, effects and pairs

#: Lines that stay apart.
_LINES = 6
#: Height of a panel of lines, in millimetres.
_PANEL = 48.0

#: On the axis of the main index.
_AXES = {
    "total": "share of the variance between points",
    "median": "distance between distributions (Kolmogorov-Smirnov, median over tenths of the range)",
}
_SAMPLES = {"morris": "trajectories", "sobol": "base samples", "pawn": "points"}


def draw(findings: Findings) -> Iterator[tuple[str, Figure]]:
    """The charts of a study, each with the name of its file."""
    yield "ranking", draw_ranking(findings)
    yield "convergence", draw_convergence(findings)
    if "tornado" in findings.tables:
        yield "tornado", draw_tornado(findings)
    if "effects" in findings.tables:
        yield "effects", draw_effects(findings)
    if "pairs" in findings.tables:
        yield "pairs", draw_pairs(findings)


@style.styled
def draw_ranking(findings: Findings) -> Figure:
    """Each factor's index with its 95% interval, the most important first, a panel an outcome."""
    summary = findings.summary
    rows = min(len(summary["factors"]), MOST)
    figure, panels = stacked(findings, AROUND + ROW * rows)
    names = names_of_factors(summary)
    for axes, measure in zip(panels, summary["measures"], strict=True):
        one = summary["studies"][measure["name"]]
        axes.set_title(title(measure))
        if _says_nothing(axes, one):
            continue
        scale, unit = unit_of(measure["unit"])
        shown = one["order"][:MOST]
        scale = scale if one["main_index"] == "mu_star" else 1.0
        if "first" in one["indices"]:
            _dots(axes, shown, one["indices"]["first"], 1.0, 0.22, hollow=True)
        _dots(axes, shown, one["indices"][one["main_index"]], scale, 0.0)
        axes.set_xlabel(_AXES.get(one["main_index"], f"{unit}, over the whole range of the factor"))
        name_rows(axes, [names[path] for path in shown])
        axes.axvline(0.0, color=style.GREY, linewidth=0.8, zorder=1)
        floor = one["floor"].get(one["main_index"])
        if floor:
            _mark_floor(axes, [scale * floor[path] for path in shown])
        if summary["method"] == "sobol":  # wild limits must not hide the rest
            low, high = axes.get_xlim()
            axes.set_xlim(max(low, -0.6), min(high, 1.6))
    figure.legend(handles=_ranking_legend(summary), loc="outside upper right", ncols=3)
    figure.supxlabel(_foot(findings, _left_out(summary)), fontsize=6.0, color=style.GREY)
    return figure


@style.styled
def draw_convergence(findings: Findings) -> Figure:
    """The main index of the first factors as samples are added, with 95% intervals."""
    summary = findings.summary
    figure, panels = stacked(findings, _PANEL + 8.0)
    names = names_of_factors(summary)
    table = findings.tables["indices"].to_pandas()
    labelled = []
    for axes, measure in zip(panels, summary["measures"], strict=True):
        one = summary["studies"][measure["name"]]
        axes.set_title(title(measure))
        if _says_nothing(axes, one):
            continue
        main = one["main_index"]
        scale, unit = unit_of(measure["unit"]) if main == "mu_star" else (1.0, _SHORT[main])
        rows = table[(table["measure"] == measure["name"]) & (table["index"] == main)]
        shown = one["order"][:_LINES]
        ends = []
        for place, path in enumerate(shown):
            line = style.scenario_line(place)
            own = rows[rows["factor"] == path].sort_values("samples")
            # A little apart, so that no interval hides another.
            x = own["samples"].to_numpy() * 2.0 ** (0.05 * (place - (len(shown) - 1) / 2))
            y, lower, upper = (
                scale * own[key].to_numpy() for key in ("estimate", "lower", "upper")
            )
            axes.plot(x, y, marker="o", markersize=2.5, **line)
            axes.vlines(x, lower, upper, color=line["color"], linewidth=0.7)
            ends.append((float(y[-1]), words.shorten(names[path], NAME), line))
        _steps(axes, sorted(set(rows["samples"])))
        axes.set_ylabel(unit)
        axes.grid(axis="y")
        low, high = axes.get_ylim()
        if main == "total":  # wild limits of few samples must not hide the rest
            low, high = max(low, -0.6), min(high, 1.6)
        axes.set_ylim(min(0.0, low), high)
        axes.axhline(0.0, color=style.GREY, linewidth=0.8, zorder=1)
        axes.set_xlabel(f"{_SAMPLES[summary['method']]} so far")
        labelled.append((axes, ends))
    said = f"The first {min(_LINES, len(names))} factors"
    figure.supxlabel(_foot(findings, said), fontsize=6.0, color=style.GREY)
    for axes, ends in labelled:
        style.label_ends(figure, axes, ends)
    return figure


#: What the main index is called beside an axis.
_SHORT = {"total": "total index", "median": "PAWN index"}


def _says_nothing(axes: Axes, one: dict[str, Any]) -> bool:
    """Whether there is nothing to draw of an outcome; then it is said why."""
    why = one["why_not"] if one["deviation"] != 0 else "the same at every point"
    if why:
        style.say_nothing_to_draw(axes, why)
        axes.set_axis_off()
    return bool(why)


def _dots(
    axes: Axes,
    shown: list[str],
    figures: dict[str, Any],
    scale: float,
    apart: float,
    hollow: bool = False,
) -> None:
    for place, path in enumerate(shown):
        one = figures[path]
        colour = style.GREY if hollow else style.BLUE
        limits = [scale * one[key] for key in ("lower", "upper")]
        axes.plot(limits, [place + apart] * 2, color=colour, linewidth=0.8 if hollow else 1.2)
        axes.plot(
            [scale * one["estimate"]],
            [place + apart],
            "o",
            markersize=2.8 if hollow else 3.6,
            markerfacecolor="#FFFFFF" if hollow else colour,
            markeredgecolor=colour,
            markeredgewidth=0.8,
        )


def _mark_floor(axes: Axes, floor: list[float]) -> None:
    places = range(len(floor))
    axes.plot(floor, places, "|", color=style.VERMILLION, markersize=8.0, markeredgewidth=1.2)


def _ranking_legend(summary: Mapping[str, Any]) -> list[Artist]:
    def mark(label: str, colour: str, face: str) -> Line2D:
        return Line2D(
            [], [], marker="o", markersize=3.4, color=colour, markerfacecolor=face, label=label
        )

    if summary["method"] == "sobol":
        return [
            mark("total index: with all it takes part in", style.BLUE, style.BLUE),
            mark("first-order index: acting alone", style.GREY, "#FFFFFF"),
        ]
    morris = summary["method"] == "morris"
    nothing = "noise alone" if morris else "a factor that nothing depends on"
    floor = Line2D(
        [],
        [],
        marker="|",
        markersize=7.0,
        color=style.VERMILLION,
        linestyle="",
        markeredgewidth=1.2,
    )
    floor.set_label(f"{nothing} stays below, in 19 of 20 studies")
    main = "mean size of the elementary effects (μ*)" if morris else "PAWN index"
    return [mark(main, style.BLUE, style.BLUE), floor]


def _steps(axes: Axes, samples: list[int]) -> None:
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(samples))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _left_out(summary: Mapping[str, Any]) -> str:
    more = len(summary["factors"]) - MOST
    return f"the {more} factors that matter least are left out; " if more > 0 else ""


def _foot(findings: Findings, what: str) -> str:
    summary = findings.summary
    noise = [summary["studies"][one["name"]]["noise"] for one in summary["measures"]]
    told = ", ".join("unknown" if one is None else f"{words.percent(one)}%" for one in noise)
    what = f"{what.rstrip('; ')}; " if what else ""
    samples = f"{words.count(summary['samples'])} {_SAMPLES[summary['method']]}, "
    if summary["method"] == "pawn":  # its samples are the points
        samples = ""
    taken = " (taken out of the indices)" if summary["method"] == "sobol" else ""
    text = (
        f"{what}lines: 95% intervals, from luck and from the choice of points; "
        f"{samples}{words.count(summary['points'])} points of {words.count(summary['replicates'])} replicates, "
        f"all with the same luck; Monte Carlo noise in the variance between points: {told}{taken}."
    )
    return fill(text[:1].upper() + text[1:], _FOOT)
