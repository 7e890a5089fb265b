"""How often and how quickly a ceasefire came, beside the other endings that compete with it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from crisis_sim.outcomes.durations import AMONG, CLOCKS
from crisis_sim.outcomes.incidence import CumulativeIncidence
from crisis_sim.report import style, words
from crisis_sim.report.real_path import real_record

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch

#: Where each clock counts from, in words.
ORIGINS = {"from_first_strike": "the first strike", "from_trigger": "the trigger"}

#: Points in time at which a curve is drawn.
_GRID_POINTS = 240

#: The time axis ends where every curve has come to this share of its last value.
_SHOWN_SHARE = 0.99

_CEASEFIRE = "agreement"  # whose fill a ceasefire has


@style.styled
def draw_incidence(
    batch: Batch, summary: Mapping[str, Any], clock: str = "from_first_strike"
) -> Figure:
    """Cumulative incidence of a ceasefire by the time since the clock's origin.

    To the left the reference alone, the other endings stacked upon the ceasefire, so that the
    height of the stack is the share of crises that are over. To the right the ceasefire's curve of
    every scenario with its 95% band. The moment of the real ceasefire is marked where the
    reference has a real path.

    Args:
        batch: the replicates.
        summary: their summary (`crisis_sim.outcomes.summarise`), which names the reference.
        clock: `from_first_strike` or `from_trigger`.

    Raises:
        KeyError: when there is no such clock.
    """
    reference = summary["reference"]
    names = [reference, *(name for name in batch.ensembles if name != reference)]
    theirs = CLOCKS[clock](batch.ensembles[reference]).incidence()

    def curve_of(name: str) -> CumulativeIncidence:
        """A scenario's curve; made when it is needed, since those of many large batches need much memory."""
        if name == reference:
            return theirs
        return CLOCKS[clock](batch.ensembles[name]).competing_as_one().incidence()

    record = real_record(batch.ensembles[reference].scenario)
    real = None if record is None else record.ceasefire_after_hours(clock)
    days = shown_days(map(curve_of, names), real)
    grid = np.linspace(0.0, 24.0 * days, _GRID_POINTS)

    figure = style.new_figure(height=78.0)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.0, 1.0))
    _stack(left, theirs, grid, clock)
    room = style.TITLE_PAD if real is None else style.TITLE_PAD_OVER_MARKS
    left.set_title(f"{words.shorten(words.label(reference), 20)}: how crises end", pad=room)
    right.set_title("Ceasefire, by scenario (95% bands)", pad=room)
    for axes in (left, right):
        axes.set_xlim(0.0, days)
        axes.set_ylim(0.0, 100.0)
        axes.set_xlabel(f"days since {ORIGINS[clock]}")
        if real is not None:
            style.mark_moment(axes, real / 24.0, f"real ceasefire, {words.duration(real)}", "left")
    left.set_ylabel(f"% of {AMONG[clock]}")
    left.legend(
        handles=_keys(),
        loc="upper center",
        bbox_to_anchor=(0.5, -0.17),
        ncols=3,
        handlelength=1.6,
        columnspacing=1.2,
    )
    _compare(figure, right, ((name, curve_of(name)) for name in names), grid, clock)
    return figure


def shown_days(curves: Iterable[CumulativeIncidence], real: float | None) -> float:
    """Whole days after which no ceasefire curve rises any more to speak of."""
    latest = [24.0, 1.1 * (real or 0.0)]
    for curve in curves:
        if curve.started == 0:
            continue
        last = curve.at(curve.latest(math.inf)).estimate
        nearly = curve.quantile(_SHOWN_SHARE * last) if last > 0.0 else None
        latest.append(curve.watched_until if nearly is None else nearly.estimate)
    return float(math.ceil(max(latest) / 24.0))


def nothing_on(clock: str) -> str:
    """What is said where no crisis is on a clock."""
    return f"no crisis saw {AMONG[clock].removeprefix('crises with ')}"


def _stack(axes: Axes, curve: CumulativeIncidence, grid: np.ndarray, clock: str) -> None:
    if curve.started == 0:
        style.say_nothing_to_draw(axes, nothing_on(clock))
        return
    floor = np.zeros_like(grid)
    for cause in curve.causes:
        estimate, _, _ = curve.on_grid(grid, cause)
        fill = _fill(cause)
        axes.fill_between(
            grid / 24.0,
            100.0 * floor,
            100.0 * (floor + estimate),
            step="post",
            facecolor=fill.colour,
            hatch=fill.hatch,
            edgecolor="#00000055" if fill.hatch else "none",
            linewidth=0.0,
        )
        floor = floor + estimate
    axes.step(grid / 24.0, 100.0 * floor, where="post", color=style.BLACK, linewidth=0.6)


def _fill(cause: str) -> style.Fill:
    return style.ENDING_FILLS[cause if cause in style.ENDING_FILLS else _CEASEFIRE]


def _keys() -> list[Patch]:
    """The legend's entries, in the order of the stack from the bottom."""
    keys = []
    for ending, fill in style.ENDING_FILLS.items():
        keys.append(
            Patch(
                facecolor=fill.colour,
                hatch=fill.hatch,
                edgecolor=style.GREY,
                label="ceasefire" if ending == _CEASEFIRE else words.ENDINGS[ending],
            )
        )
    return keys


def _compare(
    figure: style.Chart,
    axes: Axes,
    curves: Iterable[tuple[str, CumulativeIncidence]],
    grid: np.ndarray,
    clock: str,
) -> None:
    axes.grid(axis="y")
    ends = []
    for place, (name, curve) in enumerate(curves):
        if curve.started == 0:
            continue
        line = style.scenario_line(place)
        estimate, lower, upper = (100.0 * values for values in curve.on_grid(grid))
        axes.fill_between(
            grid / 24.0,
            lower,
            upper,
            facecolor=line["color"],
            alpha=0.18,
            linewidth=0.0,
        )
        axes.step(grid / 24.0, estimate, where="post", zorder=3.0 - 0.01 * place, **line)
        known = estimate[~np.isnan(estimate)]
        ends.append((float(known[-1]), words.shorten(words.label(name), 24), line))
    if not ends:
        style.say_nothing_to_draw(axes, nothing_on(clock))
        return
    style.label_ends(figure, axes, ends)
