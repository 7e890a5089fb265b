"""Charts of a sensitivity study: the ranking, how it settles, a tornado, effects and pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import fill
from typing import TYPE_CHECKING, Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from crisis_sim.report import style, words
from crisis_sim.report.experiments.sensitivity_panels import (
    AROUND,
    MOST,
    NAME,
    ROW,
    name_rows,
    names_of_factors,
    stacked,
    title,
    unit_of,
)
from crisis_sim.report.experiments.sensitivity_planes import draw_effects, draw_pairs
from crisis_sim.report.experiments.sensitivity_tornado import draw_tornado

if TYPE_CHECKING:
    from crisis_sim.experiments.findings import Findings

#: Lines that stay apart.
_LINES = 6
#: Height of a panel of lines, in millimetres.
_PANEL = 48.0
#: Letters in a line of the words below a chart.
_FOOT = 115

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
