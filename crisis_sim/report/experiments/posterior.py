"""Charts of a posterior: each parameter beside its prior, pairs, and what it predicts beside what was seen."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from crisis_sim import style
from crisis_sim import text as words
from crisis_sim.experiments.plots import plain_ratios

if TYPE_CHECKING:
    from crisis_sim.experiments.spec import Findings

#: Charts side by side, and the height of a row of them in millimetres.
_ACROSS, _HIGH = 3, 42.0
#: Parameters and figures that are drawn; the tables have all.
MOST_MARGINALS, MOST_PAIRED, MOST_PREDICTED = 12, 4, 14
#: Bars of a marginal, as many as the sample bears, and draws in a chart of pairs.
_BARS, _DRAWN = (25, 20, 16, 10), 400
_NAME = 38
#: Draws that are worth one bar, on average: with fewer, bars show luck.
_PER_BAR = 12


def draw(findings: Findings) -> Iterator[tuple[str, Figure]]:
    """The charts of a posterior, each with the name of its file."""
    yield "marginals", draw_marginals(findings)
    if len(findings.summary["parameters"]) > 1:
        yield "pairs", draw_pairs(findings)
    yield "predictive", draw_predictive(findings)


@style.styled
def draw_marginals(findings: Findings) -> Figure:
    """What is believed of each parameter, before and after."""
    rows = sorted(findings.summary["parameters"], key=lambda row: -float(row["shrinkage"]))
    rows = rows[:MOST_MARGINALS]
    down = math.ceil(len(rows) / _ACROSS)
    figure = style.new_figure(height=18.0 + _HIGH * down)
    grid = figure.subplots(down, _ACROSS, squeeze=False).ravel()
    for axes, row in zip(grid, rows, strict=False):
        _marginal(axes, findings, row)
    for axes in grid[len(rows) :]:
        axes.set_visible(False)
    figure.legend(
        handles=[
            Patch(color=style.SKY_BLUE, label="posterior"),
            Line2D([], [], color=style.GREY, drawstyle="steps-mid", label="prior"),
            Line2D([], [], color=style.BLACK, marker="D", markersize=3.2, label="posterior median, 95%"),
        ],
        loc="outside upper left",
        ncols=3,
        fontsize=6.0,
    )  # fmt: skip
    figure.supxlabel(_foot(findings), fontsize=6.0, color=style.GREY)
    return figure


def _marginal(axes: Axes, findings: Findings, row: dict[str, Any]) -> None:
    before = _prior(findings, row["path"])
    after, weight = _particles(findings, row["path"])
    log = row["scale"] == "log"
    low, high = _ends(before, log)
    worth = findings.summary["effective"] / _PER_BAR
    bars = next((number for number in _BARS if number <= worth), _BARS[-1])
    edges = np.geomspace(low, high, bars + 1) if log else np.linspace(low, high, bars + 1)
    inside = np.clip(after, low, high)
    shares, _ = np.histogram(inside, edges, weights=weight)
    expected, _ = np.histogram(np.clip(before, low, high), edges)
    axes.stairs(100 * shares, edges, fill=True, color=style.SKY_BLUE)
    axes.stairs(100 * expected / len(before), edges, color=style.GREY, linewidth=1.0)
    top = 100 * max(shares.max(), expected.max() / len(before))
    axes.plot([row["lower"], row["upper"]], [1.12 * top] * 2, color=style.BLACK, linewidth=1.0)
    axes.plot([row["median"]], [1.12 * top], "D", color=style.BLACK, markersize=3.2)
    axes.set_ylim(0, 1.22 * top)
    axes.set_xlim(low, high)
    if log:
        axes.set_xscale("log")
        plain_ratios(axes.xaxis)
    axes.set_title(_short(row["path"]), fontsize=6.0)
    axes.set_xlabel((_unit(row) or "value") + ("" if row["pinned"] else "; not pinned down"))
    axes.set_ylabel("per cent of draws")


@style.styled
def draw_pairs(findings: Findings) -> Figure:
    """How the parameters that go together most do so: draws from the posterior, pair by pair."""
    paths = _most_paired(findings)
    rows = {row["path"]: row for row in findings.summary["parameters"]}
    count = len(paths)
    side = min(max(45.0 * count, 120.0), style.DOUBLE_COLUMN)
    figure = style.new_figure(width=side, height=side * 0.86 + 12.0)
    grid = figure.subplots(count, count, squeeze=False)
    chosen = _chosen(findings)
    values = {path: _particles(findings, path)[0] for path in paths}
    correlation = {
        frozenset((pair["first"], pair["second"])): pair["correlation"]
        for pair in findings.summary["correlations"]
    }
    for j, down in enumerate(paths):
        for k, across in enumerate(paths):
            axes = grid[j, k]
            if k > j:
                axes.set_visible(False)
                continue
            log = rows[across]["scale"] == "log"
            low, high = _ends(_prior(findings, across), log)
            if j == k:
                _marginal(axes, findings, rows[across])
                axes.set_title("")
                axes.set_ylabel("")
                axes.set_yticks([])
                axes.spines["left"].set_visible(False)
            else:
                axes.plot(
                    values[across][chosen], values[down][chosen], "o", color=style.BLUE,
                    alpha=0.25, markersize=2.0, markeredgewidth=0,
                )  # fmt: skip
                axes.set_xlim(low, high)
                axes.set_ylim(*_ends(_prior(findings, down), rows[down]["scale"] == "log"))
                if log:
                    axes.set_xscale("log")
                    plain_ratios(axes.xaxis)
                if rows[down]["scale"] == "log":
                    axes.set_yscale("log")
                    plain_ratios(axes.yaxis)
                shown = f"{correlation[frozenset((down, across))]:+.2f}".replace("-", "−")
                axes.set_title(f"correlation {shown}", fontsize=6.0, fontweight="normal")
            axes.set_xlabel(_label(rows[across]) if j == count - 1 else "")
            if k == 0 and j > 0:
                axes.set_ylabel(_label(rows[down]))
    figure.supxlabel(
        f"{words.count(_DRAWN)} draws from the posterior; on the diagonal each alone, its prior in grey",
        fontsize=6.0,
        color=style.GREY,
    )
    return figure


@style.styled
def draw_predictive(findings: Findings) -> Figure:
    """What the posterior predicts, with fresh luck, beside what was seen."""
    rows = findings.summary["predictive"][:MOST_PREDICTED]
    figure = style.new_figure(height=22.0 + 15.0 * len(rows))
    if not rows:
        style.say_nothing_to_draw(figure.subplots(), "nothing was measured")
        return figure
    grid = figure.subplots(len(rows), 1, squeeze=False).ravel()
    for axes, row in zip(grid, rows, strict=True):
        _predicted(axes, row)
    figure.legend(
        handles=[
            Line2D([], [], color=style.BLUE, marker="o", markersize=4, label="posterior: median, half, 95%"),
            Line2D([], [], color=style.GREY, marker="o", markerfacecolor="#FFFFFF", markersize=4, label="prior"),
            Line2D([], [], color=style.VERMILLION, label="what was seen"),
            Patch(color=style.VERMILLION, alpha=0.15, linewidth=0, label="its 95% interval, or what counts as the same"),
        ],
        loc="outside upper left",
        ncols=4,
        fontsize=6.0,
    )  # fmt: skip
    summary = findings.summary
    figure.supxlabel(
        f"{words.count(summary['draws'])} draws of {words.count(summary['replicates'])} replicates, "
        "with luck that nothing was fitted to. Figures are spread over draws, what one crisis showed "
        "over single crises.",
        fontsize=6.0,
        color=style.GREY,
    )
    return figure


def _predicted(axes: Axes, row: dict[str, Any]) -> None:
    """One figure, or one number on record: prior below, posterior above."""
    share = row["unit"] == "share"
    scale = 100.0 if share else 1.0
    for place, prefix, colour, face in (
        (0.0, "prior_", style.GREY, "#FFFFFF"),
        (1.0, "", style.BLUE, style.BLUE),
    ):
        ends = [row[prefix + key] for key in ("lower", "quarter", "three_quarters", "upper")]
        known = [scale * end for end in ends if end is not None]
        if not known:
            continue
        axes.plot([known[0], known[-1]], [place] * 2, color=colour, linewidth=1.0)
        if len(known) == len(ends):
            axes.plot(known[1:3], [place] * 2, color=colour, linewidth=2.6)
        if row[f"{prefix}median"] is not None:
            axes.plot(
                [scale * row[f"{prefix}median"]], [place], "o", color=face,
                markeredgecolor=colour, markersize=4.0, zorder=4,
            )  # fmt: skip
    if row["seen"] is not None:
        axes.axvline(scale * row["seen"], color=style.VERMILLION, linewidth=1.0, zorder=2)
        axes.axvspan(
            scale * row["seen_lower"], scale * row["seen_upper"], color=style.VERMILLION,
            alpha=0.15, linewidth=0, zorder=0,
        )  # fmt: skip
    came = row["known"]
    text = words.sentence(row["words"]).rstrip(".")
    if row["case"]:
        text = f"{words.clean(row['case'])}: {words.clean(row['words'])}"
        text += f" (it came in {words.percent(came)}% of all crises)" if came < 1 else ""
    axes.set_title(words.shorten(text, 110), fontsize=6.5)
    axes.set_xlabel(style.of_crises(row) if share else row["unit"] or "value", labelpad=1.0)
    axes.set_ylim(-0.7, 1.7)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.margins(x=0.08)


def _prior(findings: Findings, path: str) -> Any:
    """A prior's quantiles, evenly spaced in probability."""
    table = findings.tables["priors"]
    names = np.asarray(table.column("parameter").to_pylist())
    return table.column("value").to_numpy()[names == path]


def _particles(findings: Findings, path: str) -> tuple[Any, Any]:
    table = findings.tables["particles"]
    return table.column(path).to_numpy(), table.column("weight").to_numpy()


def _chosen(findings: Findings) -> Any:
    """Particles drawn evenly by weight."""
    weight = findings.tables["particles"].column("weight").to_numpy()
    total = np.cumsum(weight)
    return np.searchsorted(total / total[-1], (np.arange(_DRAWN) + 0.5) / _DRAWN)


def _most_paired(findings: Findings) -> list[str]:
    """Few parameters, those first that go together most, in the order of the experiment."""
    chosen: list[str] = []
    for pair in findings.summary["correlations"]:
        for path in (pair["first"], pair["second"]):
            if path not in chosen and len(chosen) < MOST_PAIRED:
                chosen.append(path)
    order = [row["path"] for row in findings.summary["parameters"]]
    return sorted(chosen, key=order.index)


def _ends(before: Any, log: bool) -> tuple[float, float]:
    low, high = float(before.min()), float(before.max())
    if low == high:
        return low - 0.5, high + 0.5
    if not log:
        room = (high - low) * 0.5 / len(before)
        return low - room, high + room
    return low, high


def _short(path: str) -> str:
    return words.shorten(words.clean(path), _NAME)


def _unit(row: dict[str, Any]) -> str:
    return str(row["unit"])


def _label(row: dict[str, Any]) -> str:
    name = words.shorten(words.clean(".".join(row["path"].split(".")[1:])), 26)
    unit = _unit(row)
    return name if not unit or name.endswith(unit) else f"{name}\n({unit})"


def _foot(findings: Findings) -> str:
    summary = findings.summary
    return (
        f"{words.count(summary['particles'] * len(summary['generations']))} particles of "
        f"{words.count(summary['replicates'])} replicates, worth "
        f"{words.count(summary['effective'])} equally weighted ones; tolerance {summary['tolerance']:.3g}"
    )
