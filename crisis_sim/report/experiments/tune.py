"""Charts of a tuning: the search, the parameters, and what was fitted against what was aimed for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from crisis_sim.report import style, words
from crisis_sim.report.experiments.tune_parameters import draw_parameters
from crisis_sim.report.experiments.tune_targets import draw_targets
from crisis_sim.report.experiments.tune_words import foot, ring

if TYPE_CHECKING:
    from crisis_sim.experiments.findings import Findings

#: A loss that goes over more than this ratio is drawn on a logarithmic axis.
_WIDE = 20.0


def draw(findings: Findings) -> Iterator[tuple[str, Figure]]:
    """The charts of a tuning, each with the name of its file."""
    yield "history", draw_history(findings)
    yield "parameters", draw_parameters(findings)
    if findings.summary["aim"] == "targets":
        yield "targets", draw_targets(findings)
    elif findings.summary["objective"]["has_cost"]:
        yield "trade_off", draw_trade_off(findings)


@style.styled
def draw_history(findings: Findings) -> Figure:
    """What each trial came to, in the order in which they were made, and the best so far."""
    summary = findings.summary
    trials = findings.tables["trials"]
    number = trials.column("trial").to_numpy() + 1
    figure = style.new_figure(height=70.0)
    axes = figure.subplots()
    best = trials.column("best_so_far").to_numpy()
    leaders = np.flatnonzero(trials.column("loss").to_numpy() == best)
    leaders = leaders[np.concatenate([[True], np.diff(best[leaders]) < 0])]
    if summary["aim"] == "targets":
        loss = trials.column("loss").to_numpy()
        axes.set_title("Distance from the targets")
        axes.set_ylabel("loss: weighted sum of squared distances,\nin the targets' standard errors")
        if loss.min() > 0 and loss.max() > _WIDE * loss.min():
            axes.set_yscale("log")
        good = loss <= loss.min() + summary["good"]["tolerance"]
    else:
        row, objective = summary["outcomes"][0], summary["objective"]
        scale, unit = _unit(row)
        loss = scale * _figures(findings, 0, "estimate")
        axes.set_title(words.sentence(row["words"]).rstrip("."))
        axes.set_ylabel(unit)
        good = _enough(findings)
        if objective["enough"] is not None:
            _line(axes, scale * objective["enough"], "enough")
    known = np.isfinite(loss)
    for chosen, face in ((known & good, style.SKY_BLUE), (known & ~good, "#FFFFFF")):
        axes.plot(
            number[chosen], loss[chosen], "o", color=face, markeredgecolor=style.SKY_BLUE,
            markersize=2.8, markeredgewidth=0.6,
        )  # fmt: skip
    held = np.maximum.accumulate(
        np.where(np.isin(np.arange(len(best)), leaders), np.arange(len(best)), 0)
    )
    axes.step(number, loss[held], where="post", color=style.BLACK)
    axes.plot(number[leaders[-1]], loss[leaders[-1]], "D", color=style.BLACK, markersize=3.8)
    axes.set_xlabel("trial")
    axes.set_xlim(0, number[-1] + 1)
    axes.grid(axis="y")
    figure.legend(
        handles=_history_legend(summary), loc="outside upper right", ncols=4, fontsize=6.0
    )
    figure.supxlabel(foot(findings), fontsize=6.0, color=style.GREY)
    return figure


@style.styled
def draw_trade_off(findings: Findings) -> Figure:
    """What the figure that is aimed for costs: every trial, and those that no other one beats."""
    summary = findings.summary
    row, objective = summary["outcomes"][0], summary["objective"]
    scale, unit = _unit(row)
    cost = findings.tables["trials"].column("cost").to_numpy()
    value = scale * _figures(findings, 0, "estimate")
    figure = style.new_figure(width=120.0, height=85.0)
    axes = figure.subplots()
    axes.set_title(words.sentence(row["words"]).rstrip("."))
    known = np.isfinite(value)
    axes.plot(
        cost[known], value[known], "o", color="#FFFFFF", markeredgecolor=style.SKY_BLUE,
        markersize=2.8, markeredgewidth=0.6,
    )  # fmt: skip
    front = unbeaten(cost, value if objective["way"] == "maximise" else -value)
    axes.plot(
        cost[front], value[front], "o-", color=style.BLUE, markersize=3.0, drawstyle="steps-post"
    )
    best = summary["best"]["trial"]
    low, high = (scale * _figures(findings, 0, key)[best] for key in ("lower", "upper"))
    axes.plot([cost[best]] * 2, [low, high], color=style.BLACK, linewidth=1.0)
    axes.plot([cost[best]], [value[best]], "D", color=style.BLACK, markersize=4.2)
    if objective["enough"] is not None:
        _line(axes, scale * objective["enough"], "enough")
    axes.set_xlabel("cost of the changes")
    axes.set_ylabel(unit)
    axes.set_xlim(left=min(0.0, float(cost.min())))
    axes.grid(axis="y")
    handles = [
        ring("trial", style.SKY_BLUE, 3),
        Line2D([], [], marker="o", color=style.BLUE, markersize=3, label="none is better for less"),
        Line2D([], [], marker="D", color=style.BLACK, markersize=3.8, label="best, 95%"),
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside upper right", ncols=3, fontsize=6.0)
    figure.supxlabel(foot(findings), fontsize=6.0, color=style.GREY)
    return figure


def unbeaten(cost: Any, value: Any) -> Any:
    """The trials that no other one beats in value for the same cost or less, by rising cost.

    Args:
        cost: what each costs, `(trials,)`.
        value: what each is worth, `(trials,)`; the higher the better, NaN where unknown.
    """
    order = np.lexsort((-value, cost))
    kept, highest = [], -np.inf
    for trial in order:
        if value[trial] > highest:
            kept.append(trial)
            highest = value[trial]
    return np.asarray(kept, dtype=np.int64)


def _history_legend(summary: Mapping[str, Any]) -> list[Any]:
    if summary["aim"] == "targets":
        names = ("trial about as good as the best", "trial")
    elif summary["objective"]["enough"] is not None:
        names = ("trial that is enough", "trial that is not")
    else:
        names = ("", "trial")
    dots = [
        Line2D([], [], marker="o", linestyle="", color=face, markeredgecolor=style.SKY_BLUE, markersize=3, label=name)
        for name, face in zip(names, (style.SKY_BLUE, "#FFFFFF"), strict=True)
        if name
    ]  # fmt: skip
    line = Line2D([], [], color=style.BLACK, label="best so far")
    return [
        *dots,
        line,
        Line2D([], [], marker="D", linestyle="", color=style.BLACK, markersize=3.8, label="best"),
    ]


def _enough(findings: Findings) -> Any:
    """Which trials reached what is enough, as they were judged in the search."""
    objective = findings.summary["objective"]
    if objective["enough"] is None:
        return np.zeros(findings.tables["trials"].num_rows, dtype=bool)
    if objective["way"] == "maximise":
        return (
            _figures(findings, 0, "lower" if objective["surely"] else "estimate")
            >= objective["enough"]
        )
    return (
        _figures(findings, 0, "upper" if objective["surely"] else "estimate") <= objective["enough"]
    )


def _figures(findings: Findings, which: int, name: str) -> Any:
    """One of what is watched, at every trial."""
    trials = findings.tables["trials"].num_rows
    column = findings.tables["figures"].column(name).to_numpy(zero_copy_only=False)
    return column.astype(float).reshape(trials, -1)[:, which]


def _line(axes: Axes, level: float, text: str) -> None:
    axes.axhline(level, color=style.VERMILLION, linewidth=0.9, linestyle=(0, (4, 2)))
    axes.annotate(
        text,
        xy=(1.0, level),
        xycoords=("axes fraction", "data"),
        xytext=(3, 0),
        textcoords="offset points",
        fontsize=6.0,
        color=style.VERMILLION,
        va="center",
        annotation_clip=False,
    )


def _unit(row: Mapping[str, Any]) -> tuple[float, str]:
    """How many of a figure's unit 1 is, and its name."""
    if row["unit"] == "share":
        return 100.0, style.of_crises(row)
    return 1.0, row["unit"] or "value"
