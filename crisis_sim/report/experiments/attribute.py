"""Charts of an attribution: what each part brought, and which parts help or replace each other."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import fill
from typing import TYPE_CHECKING, Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from crisis_sim import style
from crisis_sim import text as words
from crisis_sim.text import excludes_zero

if TYPE_CHECKING:
    from crisis_sim.experiments.spec import Findings

#: Height of a bar, and of what stands around the bars of a panel, in millimetres.
_BAR, _AROUND = 6.0, 18.0
#: Letters of a part's name on an axis.
_NAME = 26
#: Letters of a line of a title where two panels stand side by side, and the parts up to which they may.
_TITLE, _BESIDE = 32, 6
#: Parts of which pairs are drawn: more would not be told apart.
_MOST = 12

#: What is told of each part beside the bars: its mark, its words, and how far from the middle of
#: its line it stands.
_MARKS = {
    "shapley": ("o", "its share", 0.0),
    "alone": ("^", "where there is no other", -0.27),
    "but_for": ("v", "what is lost where it alone is taken away", 0.27),
}


def draw(findings: Findings) -> Iterator[tuple[str, Figure]]:
    """The charts of an attribution, each with the name of its file."""
    yield "attribution", draw_attribution(findings)
    if len(findings.summary["parts"]) > 1:
        yield "interactions", draw_interactions(findings)


@style.styled
def draw_attribution(findings: Findings) -> Figure:
    """Left: from none of the parts to all, their shares end to end. Right: each part's figures.

    Beside a part's share the right side tells what it brings where there is no other, and what is
    lost where it alone is taken away.
    """
    summary = findings.summary
    measures = summary["measures"]
    rows = len(summary["parts"]) + 2
    figure = style.new_figure(height=8.0 + len(measures) * (_AROUND + _BAR * rows))
    grid = figure.subplots(
        len(measures), 2, squeeze=False, sharey="row", gridspec_kw={"width_ratios": (3, 2)}
    )
    for (bars, dots), measure in zip(grid, measures, strict=True):
        one = summary["attributions"][measure["name"]]
        bars.set_title(_title(measure))
        if one["combinations_unknown"]:
            dots.set_axis_off()
            _say_unknown(bars, one, summary["combinations"])
            continue
        scale, unit, change = _units(measure)
        _waterfall(bars, one, scale)
        _figures(dots, one, scale)
        _name_rows(bars, one)
        bars.set_xlabel(unit)
        dots.set_xlabel(change)
    figure.legend(handles=_legend(), loc="outside upper left", ncols=6, fontsize=6.0)
    figure.supxlabel(_foot(findings), fontsize=6.0, color=style.GREY)
    return figure


@style.styled
def draw_interactions(findings: Findings) -> Figure:
    """How much more, or less, each of two parts brings where the other is there: a square a pair."""
    summary = findings.summary
    measures, parts = summary["measures"], [one["name"] for one in summary["parts"]]
    rows = min(len(parts), _MOST)
    columns = min(2, len(measures)) if rows <= _BESIDE else 1
    lines = -(-len(measures) // columns)
    figure = style.new_figure(height=14.0 + lines * (46.0 + 8.0 * rows))
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, measure in zip(panels, measures, strict=False):
        scale, _, change = _units(measure)
        axes.set_title(f"{fill(_title(measure), _TITLE)}\n({change})")
        one = summary["attributions"][measure["name"]]
        if one["combinations_unknown"]:
            _say_unknown(axes, one, summary["combinations"])
        else:
            most = one["order"][:_MOST]
            _squares(axes, one, [part for part in parts if part in most], scale)
    for axes in panels[len(measures) :]:
        axes.set_axis_off()
    figure.supxlabel(
        "How much more each adds to it where the other is there. Blue: each adds more; orange: each adds less;\n"
        "no colour: not to be told, the 95% interval holds zero"
        + (f"; pairs of the first {_MOST} parts, all in the tables" if len(parts) > _MOST else ""),
        fontsize=6.0,
        color=style.GREY,
    )
    return figure


def _waterfall(axes: Axes, one: dict[str, Any], scale: float) -> None:
    """Bars from the level with none of the parts to that with all of them."""
    level = scale * one["nothing"]["estimate"]
    _bar(axes, 0, 0.0, level, style.PALE_GREY)
    _whisker(axes, 0, one["nothing"], scale)
    for place, name in enumerate(one["order"], start=1):
        share = one["parts"][name]["shapley"]
        begin, level = level, level + scale * share["estimate"]
        # The bar begins where the last one ended.
        axes.plot([begin, begin], [place - 1, place], color=style.GREY, linewidth=0.5, zorder=1)
        _bar(axes, place, begin, level, style.BLUE if level >= begin else style.ORANGE)
    last = len(one["order"]) + 1
    axes.plot([level, level], [last - 1, last], color=style.GREY, linewidth=0.5, zorder=1)
    _bar(axes, last, 0.0, scale * one["everything"]["estimate"], style.PALE_GREY)
    _whisker(axes, last, one["everything"], scale)
    axes.margins(x=0.04)


def _figures(axes: Axes, one: dict[str, Any], scale: float) -> None:
    """What each part brings, as dots with whiskers about a line at zero."""
    axes.axvline(0.0, color=style.GREY, linewidth=0.8, zorder=1)
    for place, name in enumerate(one["order"], start=1):
        for key, (marker, _, apart) in _MARKS.items():
            figure = one["parts"][name][key]
            share = key == "shapley"
            colour = style.BLACK if share else style.GREY
            _whisker(axes, place + apart, figure, scale, colour, 1.0 if share else 0.6)
            axes.plot(
                [scale * figure["estimate"]],
                [place + apart],
                marker,
                color=colour if share else "#FFFFFF",
                markeredgecolor=colour,
                markeredgewidth=0.8,
                markersize=3.8 if share else 3.2,
                zorder=4,
            )
    total = len(one["order"]) + 1
    _whisker(axes, total, one["total"], scale)
    axes.plot([scale * one["total"]["estimate"]], [total], "D", color=style.BLACK, markersize=3.2)
    axes.margins(x=0.06)


def _name_rows(axes: Axes, one: dict[str, Any]) -> None:
    names = [words.shorten(words.clean(name), _NAME) for name in one["order"]]
    axes.set_yticks(range(len(names) + 2), ["with none of them", *names, "with all of them"])
    axes.set_ylim(len(names) + 1.6, -0.6)
    for each in (axes, *axes.get_shared_y_axes().get_siblings(axes)):
        each.tick_params(axis="y", length=0)
        each.spines["left"].set_visible(False)
        each.grid(axis="x")


def _bar(axes: Axes, place: int, begin: float, end: float, colour: str) -> None:
    axes.barh(place, end - begin, left=begin, height=0.62, color=colour, linewidth=0, zorder=2)


def _whisker(
    axes: Axes,
    place: float,
    figure: dict[str, Any],
    scale: float,
    colour: str = style.BLACK,
    width: float = 0.9,
) -> None:
    limits = [
        scale * (figure["estimate"] if figure[key] is None else figure[key])
        for key in ("lower", "upper")
    ]
    axes.plot(limits, [place, place], color=colour, linewidth=width, zorder=3)


def _squares(axes: Axes, one: dict[str, Any], parts: list[str], scale: float) -> None:
    largest = max(abs(pair["estimate"]) for pair in one["interactions"]) or 1.0
    for pair in one["interactions"]:
        if not set(pair["parts"]) <= set(parts):
            continue
        column, row = sorted(parts.index(part) for part in pair["parts"])
        value = pair["estimate"]
        told = excludes_zero(pair["lower"], pair["upper"])
        colour = style.SKY_BLUE if value > 0.0 else style.ORANGE
        strength = 0.25 + 0.6 * abs(value) / largest
        axes.add_patch(
            Rectangle(
                (column - 0.48, row - 1.48),
                0.96,
                0.96,
                facecolor=style.tint(colour, strength) if told else "#FFFFFF",
                edgecolor=style.PALE_GREY,
            )
        )
        axes.text(
            column,
            row - 1,
            _shown(scale * value, scale * largest),
            ha="center",
            va="center",
            fontsize=6.5,
            color=style.ON_COLOUR if told else style.GREY,
        )
    names = [words.shorten(words.clean(part), 20) for part in parts]
    axes.set_xlim(-0.5, len(parts) - 1.5)
    axes.set_ylim(len(parts) - 1.5, -0.5)
    axes.set_xticks(range(len(parts) - 1), names[:-1], rotation=90)
    axes.set_yticks(range(len(parts) - 1), names[1:])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _say_unknown(axes: Axes, one: dict[str, Any], combinations: int) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    style.say_nothing_to_draw(
        axes,
        f"never reached, or unknown, in {one['combinations_unknown']} of {combinations} "
        "combinations:\nit cannot be shared out",
    )


def _shown(value: float, largest: float) -> str:
    digits = 0 if largest >= 30 else 1 if largest >= 1 else 2
    text = f"{abs(value):.{digits}f}"
    return text if float(text) == 0 else ("+" if value > 0 else words.MINUS) + text


def _legend() -> list[Artist]:
    def mark(marker: str, colour: str, label: str) -> Line2D:
        return Line2D(
            [],
            [],
            marker=marker,
            markersize=3.6,
            color=style.BLACK if colour == style.BLACK else style.GREY,
            linewidth=0.9,
            markerfacecolor=colour,
            label=label,
        )

    return [
        Patch(color=style.BLUE, label="raises"),
        Patch(color=style.ORANGE, label="lowers"),
        *(
            mark(marker, style.BLACK if key == "shapley" else "#FFFFFF", label)
            for key, (marker, label, _) in _MARKS.items()
        ),
        mark("D", style.BLACK, "all together"),
    ]


def _units(measure: dict[str, Any]) -> tuple[float, str, str]:
    """How many of a measure's unit 1 is, its name, and that of a change in it."""
    unit = measure["unit"]
    if unit == "share":
        return 100.0, style.of_crises(measure), "percentage points"
    return 1.0, unit or "value", unit or "value"


def _title(measure: dict[str, Any]) -> str:
    return words.shorten(words.sentence(measure["words"]).rstrip("."), 90)


def _foot(findings: Findings) -> str:
    summary = findings.summary
    return (
        f"{summary['combinations']} combinations of {words.count(summary['replicates'])} replicates, "
        "all with the same luck; lines are 95% intervals; shares are Shapley values, which add up to "
        "the whole difference"
    )
