"""Charts of shares: how far crises went and how they ended, and differences against the reference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crisis_sim import style, text
from crisis_sim.outcomes.durations import SHORT_DAYS
from crisis_sim.outcomes.measures import EVERYONE
from crisis_sim.outcomes.summary import figure_at
from crisis_sim.report.answers import after_a_strike, labels
from crisis_sim.report.curves import MOST_ROWS, left_out, shown
from crisis_sim.text import excludes_zero

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch

#: Each course as a chart names it.
_COURSE_NAMES = {
    "no_strike": "no strike",
    "short_fight": f"strikes stopped\nwithin {SHORT_DAYS} days",
    "long_fight": "longer fight",
    "war": "full-scale war",
}


_SHORT = f"stopped in {SHORT_DAYS} days"


class Measure(NamedTuple):
    """One thing compared: its heading, the crises it is told of, and where it is in the differences."""

    heading: str
    among: str
    find: Callable[[dict[str, Any]], Mapping[str, Any] | None]


MEASURES = (
    *(
        Measure(
            f"{name[:1].upper()}{name[1:]}",
            EVERYONE,
            lambda one, path=f"courses.{course}.share": figure_at(one, path),  # type: ignore[misc]
        )
        for course, name in _COURSE_NAMES.items()
    ),
    Measure(
        "Ceasefire in 96 h\nof the first strike",
        "those struck in both",
        lambda one: after_a_strike(one)[0],
    ),
)

#: Room to the left of the outermost limits, and to the right, where the number stands, as shares of the width.
_ROOM, _FOR_NUMBERS = 0.12, 0.5


@style.styled
def draw_differences(batch: Batch, summary: Mapping[str, Any], ax: Axes | None = None) -> Figure:
    """Each scenario less the reference, as estimates with 95% whiskers about a line at zero, the largest first.

    Of many scenarios those that differ most are drawn. Grey is a difference whose interval holds zero; an arrow head, a
    limit that the data do not set.

    Args:
        batch: the replicates; gives the order of the scenarios.
        summary: their summary (`crisis_sim.outcomes.summarise`).
        ax: axes to draw the differences in the first measure into, and nothing else; a figure with all where left out.
    """
    differences, called = summary["differences"], labels(summary)
    names = [name for name in shown(batch, summary, MOST_ROWS) if name in differences]
    reference = text.shorten(called[summary["reference"]], 40)
    if not names:
        if ax is not None:
            style.say_nothing_to_draw(ax, "one scenario alone: there is nothing to compare")
            return style.figure_of(ax)
        figure: Figure = style.new_figure(height=20.0)
        figure.text(
            0.5, 0.5, f"{reference} is the only scenario: there is nothing to compare", ha="center"
        )
        return figure
    names.sort(key=lambda name: -_size(differences[name]))
    height = 40.0 + 6.0 * max(len(names), 2)
    figure = style.new_figure(height=height) if ax is None else style.figure_of(ax)
    columns = [ax] if ax else figure.subplots(1, len(MEASURES), sharey=True)
    for axes, measure in zip(columns, MEASURES, strict=ax is None):
        axes.set_title(measure.heading, fontsize=7.0)
        axes.set_xlabel(f"percentage points,\nof {measure.among}")
        axes.axvline(0.0, color=style.GREY, linewidth=0.8, zorder=1)
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        for place, name in enumerate(names):
            found = measure.find(differences[name])
            _whisker(axes, place, found)
            told = measure.heading.replace("\n", " ")
            style.keep(axes, scenario=called[name], measure=told, **_row(found))
        _frame(axes)
    columns[0].set_yticks(
        list(range(len(names))), [text.shorten(called[name], 28) for name in names]
    )
    columns[0].set_ylim(len(names) - 0.4, -0.6)
    if ax is not None:
        return figure
    paired = all(differences[name]["paired"] for name in names)
    how = "same luck, replicate by replicate" if paired else "not all with the same luck"
    figure.suptitle(
        f"Difference from “{reference}”", fontsize=7.5, x=0.01, ha="left", fontweight="bold"
    )
    said = [
        f"95% intervals, grey where they hold zero; {how}{_on_fits(summary)}",
        left_out(summary, MOST_ROWS),
    ]
    style.say_below(figure, ". ".join(filter(None, said)))
    return figure


def _on_fits(summary: Mapping[str, Any]) -> str:
    over = summary["scenarios"][summary["reference"]].get("over_fits")
    return f"; broad: 95% of {over['sets']} sets of behaviour that fit" if over else ""


def _size(difference: dict[str, Any]) -> float:
    """The largest change that a scenario makes in the share of any course."""
    figures = [measure.find(difference) for measure in MEASURES[:-1]]
    return max(
        (abs(one["estimate"]) for one in figures if one and one["estimate"] is not None),
        default=0.0,
    )


def _row(figure: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: figure and figure[key] for key in ("estimate", "lower", "upper")}


def _whisker(axes: Axes, place: int, figure: Mapping[str, Any] | None) -> None:
    look: dict[str, Any] = {"fontsize": 6.0, "va": "center", "textcoords": "offset points"}
    if figure is None or figure["estimate"] is None:
        axes.annotate("not known", (0.0, place), xytext=(3.0, 0.0), color=style.GREY, **look)
        return
    middle = 100.0 * figure["estimate"]
    limits = [None if figure[key] is None else 100.0 * figure[key] for key in ("lower", "upper")]
    colour = style.BLACK if excludes_zero(*limits) else style.GREY
    known = [middle if limit is None else limit for limit in limits]
    if over := figure.get("over_fits"):  # a broad pale line under the whisker
        ends = [100.0 * over["lower"], 100.0 * over["upper"]]
        look_of: Any = {"linewidth": 5.0, "solid_capstyle": "butt", "zorder": 1.5}
        axes.plot(ends, [place, place], color=style.PALE_GREY, **look_of)
        known += ends
    axes.plot(known[:2], [place, place], color=colour, linewidth=1.0, zorder=2)
    for limit, edge in zip(limits, (0.0, 1.0), strict=True):
        if limit is None:
            axes.annotate(
                "",
                xy=(edge, place),
                xycoords=("axes fraction", "data"),
                xytext=(middle, place),
                textcoords="data",
                arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.0},
            )
    axes.plot([middle], [place], marker="|", markersize=6.0, color=colour, zorder=3)
    words = text.points(figure["estimate"])
    axes.annotate(words, (max(known), place), xytext=(3.0, 0.0), color=colour, **look)


def _frame(axes: Axes) -> None:
    """Limits about the data and zero, with room for the numbers."""
    axes.autoscale_view()
    low, high = axes.dataLim.intervalx if axes.lines[1:] else (-1.0, 1.0)
    low, high = min(low, 0.0), max(high, 0.0)
    width = high - low or 1.0
    axes.set_xlim(low - _ROOM * width, high + _FOR_NUMBERS * width)
    axes.locator_params(axis="x", nbins=3)


#: Narrowest segment, in per cent of the axis, that holds its own number.
_LABELLED_FROM = 4.5


@style.styled
def draw_endings(batch: Batch, summary: Mapping[str, Any], ax: Axes | None = None) -> Figure:
    """How far crises of the reference went and how those of each course ended; and how far those of each scenario went.

    Of many scenarios those that differ most are drawn. Results of an earlier version, which know of no courses, are
    drawn by their endings.

    Args:
        batch: the replicates; gives the order of the scenarios.
        summary: their summary (`crisis_sim.outcomes.summarise`).
        ax: axes to draw the reference's crises into, and nothing else; a figure of their own where left out.
    """
    called, reference = labels(summary), summary["scenarios"][summary["reference"]]
    names = shown(batch, summary, MOST_ROWS)
    whole = {"all crises": {"share": {"estimate": 1.0}, "endings": reference["endings"]}}
    courses = reference.get("courses", whole)
    if ax is not None:
        _tree(ax, courses, reference["label"])
        return style.figure_of(ax)
    several = len(names) > 1 and "courses" in reference
    figure = style.new_figure(height=34.0 + 7.0 * max(len(names) if several else 0, 4))
    axes = figure.subplots(1, 2, width_ratios=(1.0, 1.0)) if several else [figure.subplots()]
    _tree(axes[0], courses, reference["label"])
    if several:
        bars, fills = axes[1], style.COURSE_FILLS
        for place, name in enumerate(names):
            parts = summary["scenarios"][name].get("courses", {})
            shares = {one: parts[one]["share"]["estimate"] or 0.0 for one in fills if one in parts}
            _bar(bars, place, ((100.0 * share, fills[one]) for one, share in shares.items()))
            for one in shares:
                figures = _row(parts[one]["share"])
                style.keep(bars, scenario=called[name], course=one, ending="all", **figures)
        _rows(bars, [text.shorten(called[name], 28) for name in names])
        bars.set_title("How far crises went, by scenario", pad=24.0)
        _legend(bars, style.keys_of(fills, {**_COURSE_NAMES, "short_fight": _SHORT}), 2)
    style.say_below(figure, left_out(summary, MOST_ROWS))
    return figure


def _tree(axes: Axes, courses: Mapping[str, Any], label: str) -> None:
    """A row for each course, as long as its share of all crises, in which its endings lie side by side."""
    occur = [
        one
        for one in style.ENDING_FILLS
        if any(part["endings"][one]["estimate"] for part in courses.values())
    ]
    for place, (course, part) in enumerate(courses.items()):
        share = part["share"]["estimate"] or 0.0
        ends = {one: share * (part["endings"][one]["estimate"] or 0.0) for one in occur}
        _bar(axes, place, ((100.0 * ends[one], style.ENDING_FILLS[one]) for one in occur))
        axes.annotate(
            _percent(part["share"]),
            (100.0 * share, place),
            xytext=(3.0, 0.0),
            textcoords="offset points",
            fontsize=6.5,
            va="center",
        )
        for one in occur:
            figures = _row(part["endings"][one])
            style.keep(axes, scenario=label, course=course, ending=one, **figures)
    _rows(axes, [_COURSE_NAMES.get(course, course) for course in courses])
    axes.set_title(f"{text.shorten(label, 34)}: how crises went and ended", pad=24.0)
    _legend(axes, style.keys_of({one: style.ENDING_FILLS[one] for one in occur}, text.ENDINGS), 3)


def _percent(figure: Mapping[str, Any]) -> str:
    """A share with its interval, "64.8% (63.9–65.7)"."""
    low, high = figure.get("lower"), figure.get("upper")
    limits = "" if low is None or high is None else f" ({text.percent(low)}–{text.percent(high)})"
    return f"{text.percent(figure['estimate'])}%{limits}"


def _rows(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(list(range(len(names))), names)
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(0.0, 100.0)
    axes.set_xlabel(f"% of {EVERYONE}")


def _legend(axes: Axes, handles: list[Any], columns: int) -> None:
    narrow = getattr(axes.figure, "narrow", False)  # then it lies over the names of rows, too
    legend = axes.legend(
        handles=handles,
        loc="lower right" if narrow else "lower left",
        bbox_to_anchor=(1.0 if narrow else -0.01, 1.005),
        ncols=columns,
        handlelength=1.6,
        handletextpad=0.5,
        columnspacing=1.3,
        borderaxespad=0.0,
    )
    legend.set_in_layout(False)  # it may be a little wider than the bars, which must not give way


def _bar(axes: Axes, place: int, parts: Iterable[tuple[float, style.Fill]]) -> None:
    """A bar of segments, each with its width, in per cent, and its fill; wide ones hold their number."""
    left = 0.0
    for width, fill in parts:
        axes.barh(
            place,
            width,
            left=left,
            height=0.7,
            facecolor=fill.colour,
            hatch=fill.hatch,
            edgecolor=style.GREY,
            linewidth=0.4,
        )
        if width >= _LABELLED_FROM:
            axes.text(
                left + width / 2.0,
                place,
                f"{width:.0f}",
                ha="center",
                va="center",
                color=fill.text,
                fontsize=6.5,
                # a plain ground under a number where its segment is hatched
                bbox={"boxstyle": "square,pad=0.12", "facecolor": fill.colour, "edgecolor": "none"}
                if fill.hatch
                else None,
            )
        left += width
