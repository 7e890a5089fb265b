"""What each scenario changed: paired differences against the reference, with their intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crisis_sim.outcomes.durations import AMONG
from crisis_sim.outcomes.measures.kinds import EVERYONE
from crisis_sim.outcomes.text import excludes_zero
from crisis_sim.report import style, words

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch


@dataclass(frozen=True)
class Measure:
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

    A hollow dot is a difference whose interval holds zero; an arrow head, a limit that the data
    do not set.

    Args:
        batch: the replicates; gives the order of the scenarios.
        summary: their summary (`crisis_sim.outcomes.summarise`).
    """
    differences = summary["differences"]
    names = [name for name in batch.ensembles if name in differences]
    reference = words.shorten(words.label(summary["reference"]), 40)
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
        list(range(len(names))), [words.shorten(words.label(name), 26) for name in names]
    )
    columns[0].set_ylim(len(names) - 0.4, -0.6)
    paired = all(differences[name]["paired"] for name in names)
    how = "same luck, replicate by replicate" if paired else "not all with the same luck"
    figure.suptitle(
        f"Difference from “{reference}”", fontsize=7.5, x=0.01, ha="left", fontweight="bold"
    )
    figure.supxlabel(f"95% intervals, hollow where they hold zero; {how}", fontsize=6.5)
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
