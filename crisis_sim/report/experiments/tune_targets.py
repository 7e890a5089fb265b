"""What a tuning fitted against what was aimed for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.report import style, words
from crisis_sim.report.experiments.tune_words import noun, ring

if TYPE_CHECKING:
    from crisis_sim.experiments.findings import Findings

#: Height of a target's row in one scenario, in one of several, and of what stands around the rows.
_ROW, _ROW_OF_SEVERAL, _AROUND = 5.5, 6.2, 26.0
#: Letters of a target's name on an axis.
_NAME = 54
#: Standard errors up to which a distance from a target is drawn to scale.
_FARTHEST = 8.0


@style.styled
def draw_targets(findings: Findings) -> Figure:
    """How far each figure is from its target, tuned and as it was, with luck that is fresh."""
    summary = findings.summary
    rows = [row for row in summary["outcomes"] if row["is_target"]]
    several = len(summary["scenarios"]) > 1
    figure = style.new_figure(height=_AROUND + (_ROW_OF_SEVERAL if several else _ROW) * len(rows))
    axes = figure.subplots()
    reach = normal_quantile()
    axes.axvspan(-reach, reach, color=style.PALE_GREY, alpha=0.6, linewidth=0)
    axes.axvline(0.0, color=style.GREY, linewidth=0.8)
    widest = max(max(abs(row["apart"]), abs(row["apart_before"])) for row in rows)
    end = min(max(1.15 * widest, 3.0), _FARTHEST)
    for place, row in enumerate(rows):
        before, after = (float(np.clip(row[key], -end, end)) for key in ("apart_before", "apart"))
        axes.plot([before, after], [place, place], color=style.GREY, linewidth=0.6, zorder=2)
        _dot(axes, before, place, row["apart_before"], end, "#FFFFFF")
        error = reach * (row["apart_error"] or 0.0)
        axes.plot(
            np.clip([row["apart"] - error, row["apart"] + error], -end, end), [place, place],
            color=style.BLUE, linewidth=1.2, zorder=3,
        )  # fmt: skip
        _dot(axes, after, place, row["apart"], end, style.BLUE)
        text = f"{_shown(row['estimate'], row['unit'])} ({_shown(row['target'], row['unit'])})"
        axes.text(
            1.01, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize=6.0
        )
    axes.set_yticks(range(len(rows)), [_target_name(row, several) for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(-1.04 * end, 1.04 * end)
    axes.set_xlabel("distance from the target, in its standard errors")
    axes.set_title("Fitted against aimed for")
    axes.text(
        1.01, -0.6, "tuned (target)", transform=axes.get_yaxis_transform(), va="bottom", fontsize=6.0,
        color=style.GREY,
    )  # fmt: skip
    axes.spines["left"].set_visible(False)
    figure.legend(
        handles=[
            Line2D([], [], marker="o", color=style.BLUE, markersize=4, label="tuned, with its 95% Monte Carlo error"),
            ring("scenario as it is", style.GREY, 4),
            Patch(color=style.PALE_GREY, label="the target's 95% interval"),
        ],
        loc="outside upper left",
        ncols=3,
        fontsize=6.0,
    )  # fmt: skip
    fresh = summary["fresh"]
    figure.supxlabel(
        f"With luck that nothing was tuned on: seed {fresh['seed']}, {words.count(fresh['replicates'])} replicates"
        + (f"; triangles: farther than {end:g}" if widest > end else ""),
        fontsize=6.0,
        color=style.GREY,
    )
    return figure


def _target_name(row: dict[str, Any], several: bool) -> str:
    name = words.shorten(words.sentence(row["words"]).rstrip("."), _NAME)
    return f"{name}\n{words.clean(row['scenario'])}" if several else name


def _dot(axes: Axes, x: float, y: float, true: float, end: float, colour: str) -> None:
    """A dot, or at the edge an arrow towards where it would be."""
    marker = "o" if abs(true) <= end else (">" if true > 0 else "<")
    edge = style.GREY if colour == "#FFFFFF" else colour
    axes.plot([x], [y], marker, color=colour, markeredgecolor=edge, markersize=4.0, zorder=4)


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return "unknown"
    return f"{words.percent(value)}%" if unit == "share" else f"{value:.3g}{noun(unit)}"
