"""Charts of a tuning: how the search went, the parameters it found, and the targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from crisis_sim import style, text
from crisis_sim import text as words
from crisis_sim.outcomes.intervals import normal_quantile

if TYPE_CHECKING:
    from crisis_sim.experiments.spec import Findings


# --- What the charts of a tuning share: words and rings


def foot(findings: Findings) -> str:
    """What was spent on a search, for the foot of a chart."""
    summary = findings.summary
    surely = summary["objective"] and summary["objective"]["surely"]
    return (
        f"{text.count(summary['trials'])} trials by {summary['sampler']}, "
        f"{text.count(summary['replicates'])} replicates each, all with the same luck"
        + ("; enough is what is so with its whole 95% interval" if surely else "")
    )


def noun(unit: str) -> str:
    """A unit as it stands behind a number, where it is one people say."""
    return "" if unit in ("share", "ratio", "intensity", "") else f" {unit}"


def ring(label: str, colour: str, size: float) -> Line2D:
    """A ring in a legend."""
    look: Any = {"color": "#FFFFFF", "markeredgecolor": colour, "markersize": size}
    return Line2D([], [], marker="o", linestyle="", label=label, **look)


# --- Where the parameters of a tuning lie best in their ranges, and how much each matters

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


# --- What a tuning fitted against what was aimed for

#: Height of a target's row in one scenario, in one of several, and of what stands around the rows.
_TARGET_ROW, _ROW_OF_SEVERAL, _AROUND_TARGETS = 5.5, 6.2, 26.0
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
    figure = style.new_figure(
        height=_AROUND_TARGETS + (_ROW_OF_SEVERAL if several else _TARGET_ROW) * len(rows)
    )
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


# --- Charts of a tuning: the search, the parameters, and what was fitted against what was aimed for

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
