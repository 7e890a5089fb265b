"""Charts of shares: how crises ended, and paired differences against the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crisis_sim import style, text
from crisis_sim.outcomes.durations import AMONG
from crisis_sim.outcomes.measures import EVERYONE
from crisis_sim.report.answers import labels
from crisis_sim.report.curves import MOST_ROWS, left_out, shown
from crisis_sim.text import excludes_zero

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch


class Measure(NamedTuple):
    """One thing compared: heading, unit, the crises it is told of, how many units 1 is, and where it is in the summary."""

    heading: str
    unit: str
    among: str
    scale: float
    find: Callable[[dict[str, Any]], dict[str, Any] | None]


MEASURES = (
    Measure(
        "Ceasefire within 96 h\nof the first strike",
        "percentage points",
        AMONG["from_first_strike"],
        100.0,
        lambda difference: difference["ceasefire"]["from_first_strike"]["by"]["96_hours"],
    ),
    Measure(
        "Ending by agreement",
        "percentage points",
        EVERYONE,
        100.0,
        lambda difference: difference["endings"]["agreement"],
    ),
    Measure(
        "Full-scale war",
        "percentage points",
        EVERYONE,
        100.0,
        lambda difference: difference["shares"]["war"],
    ),
    Measure(
        "Median time from first\nstrike to ceasefire",
        "hours",
        AMONG["from_first_strike"],
        1.0,
        lambda difference: difference["ceasefire"]["from_first_strike"]["median_hours"],
    ),
)


#: Room beside the outermost limits, as a share of the width: enough for an arrow head.
_ROOM = 0.12


@style.styled
def draw_differences(batch: Batch, summary: Mapping[str, Any]) -> Figure:
    """Each scenario less the reference, as dots with 95% whiskers about a line at zero.

    Of many scenarios those that differ most are drawn. A hollow dot is a difference whose interval holds zero; an arrow
    head, a limit that the data do not set.

    Args:
        batch: the replicates; gives the order of the scenarios.
        summary: their summary (`crisis_sim.outcomes.summarise`).
    """
    differences = summary["differences"]
    names = [name for name in shown(batch, summary, MOST_ROWS) if name in differences]
    reference = text.shorten(labels(summary)[summary["reference"]], 40)
    if not names:
        figure = style.new_figure(height=20.0)
        figure.text(
            0.5, 0.5, f"{reference} is the only scenario: there is nothing to compare", ha="center"
        )
        return figure
    figure = style.new_figure(height=38.0 + 6.0 * max(len(names), 2))
    columns = figure.subplots(1, len(MEASURES), sharey=True)
    for axes, measure in zip(columns, MEASURES, strict=True):
        axes.set_title(measure.heading, fontsize=7.0)
        axes.set_xlabel(f"{measure.unit},\nof {measure.among}")
        axes.axvline(0.0, color=style.GREY, linewidth=0.8, zorder=1)
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        for place, name in enumerate(names):
            _whisker(axes, place, measure.find(differences[name]), measure.scale)
        _frame(axes)
    columns[0].set_yticks(
        list(range(len(names))), [text.shorten(labels(summary)[name], 26) for name in names]
    )
    columns[0].set_ylim(len(names) - 0.4, -0.6)
    paired = all(differences[name]["paired"] for name in names)
    how = "same luck, replicate by replicate" if paired else "not all with the same luck"
    figure.suptitle(
        f"Difference from “{reference}”", fontsize=7.5, x=0.01, ha="left", fontweight="bold"
    )
    said = [f"95% intervals, hollow where they hold zero; {how}", left_out(summary, MOST_ROWS)]
    figure.supxlabel("\n".join(filter(None, said)), fontsize=6.5)
    return figure


def _whisker(axes: Axes, place: int, figure: dict[str, Any] | None, scale: float) -> None:
    if figure is None or figure["estimate"] is None:
        axes.annotate(
            "never reaches half" if scale == 1.0 else "not known",
            xy=(0.0, place),
            xytext=(3.0, 0.0),
            textcoords="offset points",
            fontsize=6.0,
            color=style.GREY,
            va="center",
        )
        return
    middle = scale * figure["estimate"]
    limits = [None if figure[key] is None else scale * figure[key] for key in ("lower", "upper")]
    low, high = limits
    known = [middle if limit is None else limit for limit in limits]
    axes.plot(known, [place, place], color=style.BLUE, linewidth=1.0, zorder=2)
    for limit, edge in zip(limits, (0.0, 1.0), strict=True):
        if limit is None:
            axes.annotate(
                "",
                xy=(edge, place),
                xycoords=("axes fraction", "data"),
                xytext=(middle, place),
                textcoords="data",
                arrowprops={"arrowstyle": "->", "color": style.BLUE, "linewidth": 1.0},
            )
    axes.plot(
        [middle],
        [place],
        marker="o",
        markersize=3.8,
        markerfacecolor=style.BLUE if excludes_zero(low, high) else "#FFFFFF",
        markeredgecolor=style.BLUE,
        markeredgewidth=0.9,
        zorder=3,
    )


def _frame(axes: Axes) -> None:
    """Limits about the data and zero, with a little room."""
    axes.autoscale_view()
    low, high = axes.dataLim.intervalx if axes.lines[1:] else (-1.0, 1.0)
    low, high = min(low, 0.0), max(high, 0.0)
    room = _ROOM * (high - low) or 1.0
    axes.set_xlim(low - room, high + room)
    axes.locator_params(axis="x", nbins=4)


#: Narrowest segment, in per cent, that holds its own number.
_LABELLED_FROM = 4.5


@style.styled
def draw_endings(batch: Batch, summary: Mapping[str, Any]) -> Figure:
    """Shares of each ending as stacked bars; war and nuclear use beside them with 95% intervals.

    Of many scenarios those that differ most are drawn.

    Args:
        batch: the replicates; gives the order of the scenarios.
        summary: their summary (`crisis_sim.outcomes.summarise`).
    """
    names = shown(batch, summary, MOST_ROWS)
    figure = style.new_figure(height=30.0 + 7.0 * len(names))
    bars, *beside = figure.subplots(1, 3, sharey=True, width_ratios=(6.0, 1.5, 1.5))
    places = range(len(names))
    for place, name in zip(places, names, strict=True):
        _bar(bars, place, summary["scenarios"][name]["endings"])
    bars.set_yticks(list(places), [text.shorten(labels(summary)[name], 26) for name in names])
    bars.set_ylim(len(names) - 0.45, -0.55)
    bars.tick_params(axis="y", length=0)
    bars.spines["left"].set_visible(False)
    bars.set_xlim(0.0, 100.0)
    bars.set_xlabel("% of all crises")
    bars.set_title("How crises ended", pad=18.0)
    legend = bars.legend(
        handles=style.ending_keys(),
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.005),
        ncols=len(style.ENDING_FILLS),
        handlelength=1.6,
        handletextpad=0.5,
        columnspacing=1.3,
        borderaxespad=0.0,
    )
    legend.set_in_layout(False)  # it may be a little wider than the bars, which must not give way
    headings = {"war": "Full-scale war", "nuclear_use": "Nuclear use"}
    for axes, (event, heading) in zip(beside, headings.items(), strict=True):
        _shares(axes, [summary["scenarios"][name]["shares"][event] for name in names])
        axes.set_title(heading, pad=18.0)
        axes.set_xlabel("% of all crises")
    style.say_below(figure, left_out(summary, MOST_ROWS))
    return figure


def _bar(axes: Axes, place: int, endings: dict[str, Any]) -> None:
    left = 0.0
    for ending, fill in style.ENDING_FILLS.items():
        share = endings[ending]["estimate"] or 0.0
        width = 100.0 * share
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


def _shares(axes: Axes, shares: list[dict[str, Any]]) -> None:
    """Dots with whiskers, and the number to the right of each."""
    axes.grid(axis="x")
    axes.patch.set_visible(False)  # the bars' legend may reach into these axes
    top = max((share["upper"] or 0.0 for share in shares), default=0.0)
    for place, share in enumerate(shares):
        if share["estimate"] is None:
            continue
        low, middle, high = (100.0 * share[key] for key in ("lower", "estimate", "upper"))
        axes.plot([low, high], [place, place], color=style.BLACK, linewidth=0.9)
        axes.plot([middle], [place], marker="o", markersize=3.2, color=style.BLACK, clip_on=False)
        axes.annotate(
            text.percent(share["estimate"]),
            xy=(high, place),
            xytext=(3.0, 0.0),
            textcoords="offset points",
            fontsize=6.0,
            va="center",
        )
    axes.set_xlim(0.0, max(100.0 * top, 0.01) * 1.5)
    axes.locator_params(axis="x", nbins=3)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
