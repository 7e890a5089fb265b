"""Where the parameters of a tuning lie best in their ranges, and how much each matters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from crisis_sim.report import style, words
from crisis_sim.report.experiments.tune_words import foot, noun

if TYPE_CHECKING:
    from crisis_sim.experiments.findings import Findings

#: Height of a parameter's row, and of what stands around the rows, in millimetres.
_ROW, _AROUND = 7.8, 26.0
#: Letters of a parameter's path on an axis.
_PATH = 44


@style.styled
def draw_parameters(findings: Findings) -> Figure:
    """Left: where each parameter lies best in its range. Right: how much it matters."""
    rows = sorted(findings.summary["parameters"], key=lambda row: -float(row["importance"]))
    figure = style.new_figure(height=_AROUND + _ROW * len(rows))
    left, right = figure.subplots(1, 2, sharey=True, gridspec_kw={"width_ratios": (3, 1)})
    for place, row in enumerate(rows):
        left.plot([0, 1], [place, place], color=style.PALE_GREY, linewidth=4.0, zorder=1)
        ends = [_share(row, row[key]) for key in ("lower", "upper")]
        left.plot(ends, [place, place], color=style.SKY_BLUE, linewidth=4.0, zorder=2)
        if row["alone_lower"] is not None:
            ends = [_share(row, row[key]) for key in ("alone_lower", "alone_upper")]
            left.plot(ends, [place + 0.18] * 2, color=style.VERMILLION, linewidth=1.2, zorder=2)
        own = _share(row, row["own"])
        left.plot([min(max(own, 0.0), 1.0)], [place], "|", color=style.GREY, markersize=9, zorder=3)
        left.plot(
            [_share(row, row["best"])], [place], "D", color=style.BLACK, markersize=3.6, zorder=4
        )
        for x, key, side in ((0.0, "low", "left"), (1.0, "high", "right")):
            _beside(left, x, place, f"{row[key]:.3g}", side, style.GREY)
        best = f"{row['best']:.3g}{noun(row['unit'])}"
        at = min(max(_share(row, row["best"]), 0.12), 0.88)
        _beside(left, at, place, best, "center", style.BLACK)
    left.set_yticks(
        range(len(rows)), [words.shorten(words.clean(row["path"]), _PATH) for row in rows]
    )
    left.set_ylim(len(rows) - 0.35, -0.6)
    left.set_xlim(-0.03, 1.03)
    left.set_xticks([])
    left.set_title("Where it lies in its range")
    right.barh(range(len(rows)), [100 * row["importance"] for row in rows], 0.5, color=style.BLUE)
    right.set_title("Importance")
    right.set_xlabel("what sets the best tenth of\nthe trials apart, per cent")
    right.set_xlim(left=0)
    for axes in (left, right):
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    left.spines["bottom"].set_visible(False)
    good = findings.summary["good"]
    figure.legend(
        handles=[
            Line2D([], [], marker="D", linestyle="", color=style.BLACK, markersize=3.6, label="best"),
            Patch(color=style.SKY_BLUE, label=f"about as good ({words.plural(good['trials'], 'trial')})"),
            Patch(color=style.PALE_GREY, label="searched"),
            *_alone(rows),
            Line2D([], [], marker="|", linestyle="", color=style.GREY, markersize=8, label="scenario's own"),
        ],
        loc="outside upper left",
        ncols=5,
        fontsize=6.0,
    )  # fmt: skip
    figure.supxlabel(foot(findings), fontsize=6.0, color=style.GREY)
    return figure


def _alone(rows: list[dict[str, Any]]) -> list[Line2D]:
    """What the legend says of parameters moved alone, where they were."""
    if rows[0]["alone_lower"] is None:
        return []
    label = "moved alone, loss hardly worse"
    return [Line2D([], [], color=style.VERMILLION, linewidth=1.2, label=label)]


def _share(row: dict[str, Any], value: float) -> float:
    """How far along its range a parameter's value is."""
    low, high = row["low"], row["high"]
    if row["scale"] == "log":
        if value <= 0:
            return 0.0
        value, low, high = np.log(value), np.log(low), np.log(high)
    return float((value - low) / (high - low))


def _beside(axes: Axes, x: float, y: float, text: str, side: Any, colour: str) -> None:
    """Small words over the end of a bar, or under a dot on it."""
    over = side == "center"
    axes.annotate(
        text,
        xy=(x, y),
        xytext=(0, 4.5 if over else -4.5),
        textcoords="offset points",
        ha=side,
        va="bottom" if over else "top",
        fontsize=6.0,
        color=colour,
    )
