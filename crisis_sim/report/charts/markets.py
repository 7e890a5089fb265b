"""Both states' stock markets: what the replicates did, and what the real index did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from crisis_sim.report import style, words
from crisis_sim.report.charts.dates import date_axis
from crisis_sim.report.real_path import RealIndex, RealRecord, real_record, start_of

if TYPE_CHECKING:
    import pyarrow as pa

    from crisis_sim.batch.ensemble import Batch, Ensemble

#: Bands about the median: share of the replicates within, and opacity.
BANDS = ((0.9, 0.18), (0.5, 0.35))

#: Days shown after the last real close, so that the record does not run into the edge.
_DAYS_AFTER_RECORD = 7.0


@style.styled
def draw_markets(batch: Batch, summary: Mapping[str, Any]) -> Figure:
    """Daily market levels in the reference scenario, with the real closes over them.

    For each state the median over replicates and the bands that hold the middle 50% and 90% of
    them, as a percentage of the level at the start. The bands are the spread of crises, not an
    error of estimation. Both panels have one scale, so that a deep fall looks deeper than a slight
    one. After a crisis is over its last level is kept.

    Args:
        batch: the replicates, with paths.
        summary: their summary (`crisis_sim.outcomes.summarise`), which names the reference.
    """
    ensemble = batch.ensembles[summary["reference"]]
    record = real_record(ensemble.scenario)
    figure = style.new_figure(height=74.0)
    panels = figure.subplots(1, len(ensemble.states), sharey=True)
    start = start_of(ensemble.scenario)
    last = _last_day(ensemble, record)
    for place, (axes, state) in enumerate(zip(panels, ensemble.states, strict=True)):
        real = None if record is None else record.markets.get(state)
        marked = record is not None and record.first_strike_at_hours is not None
        room = style.TITLE_PAD_OVER_MARKS if marked else style.TITLE_PAD
        axes.set_title(_title(ensemble, state), pad=room)
        axes.grid(axis="y")
        date_axis(axes, start, 0.0, last, dates=5)
        if ensemble.paths is None or not ensemble.paths.num_rows:
            style.say_nothing_to_draw(axes, "this batch kept no market paths")
            continue
        axes.axhline(100.0, color=style.GREY, linewidth=0.6)
        _spread(axes, ensemble.paths, state, style.STATE_COLOURS[place], last)
        if real is not None:
            _closes(axes, real, last)
        if record is not None:
            _moments(axes, record)
    panels[0].set_ylabel("index, % of its level at the start")
    figure.legend(
        handles=_keys(record is not None and bool(record.markets)),
        loc="outside lower center",
        ncols=5,
    )
    return figure


def _title(ensemble: Ensemble, state: str) -> str:
    spec = ensemble.scenario.get("states", {}).get(state, {})
    title = words.clean(spec.get("title") or words.label(state))
    index = words.clean(spec.get("market", {}).get("index") or "market index")
    return f"{words.shorten(title, 24)}: {words.shorten(index, 24)}"


def _last_day(ensemble: Ensemble, record: RealRecord | None) -> float:
    """The horizon, or a week past the real closes where those end sooner."""
    horizon = ensemble.horizon_hours / 24.0
    ends = [index.at_hours[-1] for index in record.markets.values()] if record else []
    return min(horizon, max(ends) / 24.0 + _DAYS_AFTER_RECORD) if ends else horizon


def levels(paths: pa.Table, state: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Days, shape (days,), and market levels, shape (replicates, days), relative to the start."""
    from crisis_sim.batch.ensemble import as_array

    day = as_array(paths.column("day"))
    level = as_array(paths.column(f"{state}_market"))
    days = np.unique(day)
    by_day = np.lexsort((as_array(paths.column("replicate")), day))
    return days.astype(np.float64), level[by_day].reshape(len(days), -1).T


def _spread(axes: Axes, paths: pa.Table, state: str, colour: str, last: float) -> None:
    days, level = levels(paths, state)
    shown = days <= last
    for share, opacity in BANDS:
        low, high = np.quantile(level, (0.5 - share / 2.0, 0.5 + share / 2.0), axis=0)
        axes.fill_between(
            days[shown],
            100.0 * low[shown],
            100.0 * high[shown],
            facecolor=colour,
            alpha=opacity,
            linewidth=0.0,
        )
    axes.plot(days[shown], 100.0 * np.median(level, axis=0)[shown], color=colour)


def _closes(axes: Axes, real: RealIndex, last: float) -> None:
    points = [
        (hours / 24.0, 100.0 * level)
        for hours, level in zip(real.at_hours, real.relative, strict=True)
        if 0.0 <= hours / 24.0 <= last
    ]
    axes.plot(
        *zip(*points, strict=True), color=style.REAL, linewidth=0.8, marker="o", markersize=2.2
    )


def _moments(axes: Axes, record: RealRecord) -> None:
    """Real first strike and ceasefire, named above the axes on either side of their lines."""
    for hours, name, side in (
        (record.first_strike_at_hours, "real first strike", "right"),
        (record.ceasefire_in_effect_at_hours, "ceasefire", "left"),
    ):
        if hours is not None:
            style.mark_moment(axes, hours / 24.0, name, side=side)


def _keys(real: bool) -> list[Any]:
    grey = style.GREY
    keys: list[Any] = [Line2D([], [], color=grey, label="simulated median")]
    keys += [
        Patch(facecolor=grey, alpha=opacity + 0.1, label=f"middle {share:.0%} of crises")
        for share, opacity in reversed(BANDS)
    ]
    if real:
        keys.append(
            Line2D(
                [],
                [],
                color=style.REAL,
                linewidth=0.8,
                marker="o",
                markersize=2.2,
                label="real close",
            )
        )
    return keys
