"""How crises ended, scenario by scenario, and how often war and nuclear use came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from crisis_sim.report import style, words

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch

#: Narrowest segment, in per cent, that holds its own number.
_LABELLED_FROM = 4.5

#: What stands beside the bars: its place in the summary and its heading.
_BESIDE = (("war", "full-scale war"), ("nuclear_use", "nuclear use"))


@style.styled
def draw_endings(batch: Batch, summary: Mapping[str, Any]) -> Figure:
    """Shares of each ending as stacked bars; war and nuclear use beside them with 95% intervals.

    Args:
        batch: the replicates; gives the order of the scenarios.
        summary: their summary (`crisis_sim.outcomes.summarise`).
    """
    names = [name for name in batch.ensembles if name in summary["scenarios"]]
    figure = style.new_figure(height=30.0 + 7.0 * len(names))
    bars, *beside = figure.subplots(1, 3, sharey=True, width_ratios=(6.0, 1.5, 1.5))
    places = range(len(names))
    for place, name in zip(places, names, strict=True):
        _bar(bars, place, summary["scenarios"][name]["endings"])
    bars.set_yticks(list(places), [words.shorten(words.label(name), 26) for name in names])
    bars.set_ylim(len(names) - 0.45, -0.55)
    bars.tick_params(axis="y", length=0)
    bars.spines["left"].set_visible(False)
    bars.set_xlim(0.0, 100.0)
    bars.set_xlabel("% of all crises")
    bars.set_title("How crises ended", pad=18.0)
    legend = bars.legend(
        handles=[
            Patch(facecolor=fill.colour, hatch=fill.hatch, edgecolor=style.GREY, label=label)
            for ending, fill in style.ENDING_FILLS.items()
            for label in [words.ENDINGS[ending]]
        ],
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.005),
        ncols=len(style.ENDING_FILLS),
        handlelength=1.6,
        handletextpad=0.5,
        columnspacing=1.3,
        borderaxespad=0.0,
    )
    legend.set_in_layout(False)  # it may be a little wider than the bars, which must not give way
    for axes, (event, heading) in zip(beside, _BESIDE, strict=True):
        _shares(axes, [summary["scenarios"][name]["shares"][event] for name in names])
        axes.set_title(heading.capitalize(), pad=18.0)
        axes.set_xlabel("% of all crises")
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
                bbox=_plate(fill),
            )
        left += width


def _plate(fill: style.Fill) -> dict[str, Any] | None:
    """A plain ground under a number where its segment is hatched."""
    if not fill.hatch:
        return None
    return {"boxstyle": "square,pad=0.12", "facecolor": fill.colour, "edgecolor": "none"}


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
            words.percent(share["estimate"]),
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
