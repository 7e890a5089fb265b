"""Charts over time: cumulative incidence of ceasefires and endings, and market paths."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from crisis_sim import style, text
from crisis_sim.outcomes.durations import AMONG, CEASEFIRE, CLOCKS, PAUSE, UNRESOLVED
from crisis_sim.outcomes.incidence import CumulativeIncidence
from crisis_sim.report.answers import labels
from crisis_sim.report.real_path import RealIndex, RealRecord, real_record, start_of
from crisis_sim.text import MONTHS, offset

if TYPE_CHECKING:
    import pyarrow as pa

    from crisis_sim.batch.ensemble import Batch, Ensemble

#: Scenarios that a chart has room for, the reference among them: as curves with their names, and as rows.
MOST_CURVES, MOST_ROWS = 12, 24


def shown(batch: Batch, summary: Mapping[str, Any], most: int) -> list[str]:
    """The scenarios to draw, in the batch's order: all, or the few that differ most from the reference.

    How much one differs is how far apart the shares that ended by agreement are; of equals the first are shown.
    """
    share = {
        name: one["endings"]["agreement"]["estimate"] for name, one in summary["scenarios"].items()
    }
    names = [name for name in batch.ensembles if name in share]
    reference = summary["reference"]

    def apart(name: str) -> float:
        known = share[name] is not None and share[reference] is not None
        return abs(share[name] - share[reference]) if known else -1.0

    others = sorted((name for name in names if name != reference), key=apart, reverse=True)
    kept = {reference, *others[: most - 1]}
    return [name for name in names if name in kept]


def left_out(summary: Mapping[str, Any], most: int) -> str:
    """The note under a chart on the scenarios that it does not show; "" where it shows all."""
    more = len(summary["scenarios"]) - most
    if more <= 0:
        return ""
    return (
        f"The reference and the {most - 1} scenarios whose share ended by agreement differs most from its own; "
        f"{text.count(more)} {'stands' if more == 1 else 'others stand'} in the tables alone"
    )


#: Steps between dates, in days, from which the axis chooses.
_STEPS = (1, 2, 3, 5, 7, 10, 14, 28, 56, 112, 182, 365, 730)


def date_axis(axes: Axes, start: datetime | None, low: float, high: float, dates: int = 7) -> None:
    """Label an axis in days from the start with dates at local midnights; in days where the start is not known.

    There are at most so many dates; two fewer in a narrow figure.
    """
    dates -= 2 if getattr(axes.figure, "narrow", False) else 0
    axes.set_xlim(low, high)
    if start is None:
        axes.set_xlabel("days from the start")
        return
    midnight = datetime(start.year, start.month, start.day, tzinfo=start.tzinfo)
    to_midnight = (midnight - start).total_seconds() / 86400.0
    step = next((step for step in _STEPS if (high - low) / step <= dates), _STEPS[-1])
    first = math.ceil(low - to_midnight)
    days = [day for day in range(first, math.floor(high - to_midnight) + 1) if day % step == 0]
    axes.set_xticks(
        [day + to_midnight for day in days],
        [
            f"{at.day} {MONTHS[at.month - 1][:3]}"
            for day in days
            for at in [midnight + timedelta(day)]
        ],
    )
    if step <= 3 and days:
        quarters = [
            day + to_midnight + part / 4
            for day in range(first - 1, days[-1] + step + 1)
            for part in (0, 1, 2, 3)
        ]
        axes.set_xticks([at for at in quarters if low <= at <= high], minor=True)
    years = {(start + timedelta(days=low)).year, (start + timedelta(days=high)).year}
    axes.set_xlabel(f"date, {'–'.join(str(year) for year in sorted(years))} ({offset(start)})")


#: Where each clock counts from, in words.
ORIGINS = {"from_first_strike": "the first strike", "from_trigger": "the trigger"}

#: Points in time at which a curve is drawn.
_GRID_POINTS = 240

#: Curves no further apart than this coincide.
_SAME = 0.01

#: The time axis ends where every curve has come to this share of its last value.
_SHOWN_SHARE = 0.99


@style.styled
def draw_incidence(
    batch: Batch,
    summary: Mapping[str, Any],
    clock: str = "from_first_strike",
    ax: Axes | None = None,
) -> Figure:
    """Cumulative incidence of a ceasefire by the time since the clock's origin.

    To the left the reference alone, the other endings stacked upon the ceasefire, so that the height of the stack is the
    share of crises that are over; since the first strike, a dashed line is the share in which strikes have paused, agreed
    or not. To the right the ceasefire's curve of every scenario with its 95% band; of many, of those
    that differ most. The moment of the real ceasefire is marked where the reference has a real path.

    Args:
        batch: the replicates.
        summary: their summary (`crisis_sim.outcomes.summarise`), which names the reference.
        clock: `from_first_strike` or `from_trigger`.
        ax: axes to draw the ceasefire's curves into, and nothing else; a figure with both panels where left out.

    Raises:
        KeyError: when there is no such clock.
    """
    reference = summary["reference"]
    names = shown(batch, summary, MOST_CURVES)
    names.sort(key=lambda name: name != reference)
    theirs = CLOCKS[clock].read(batch.ensembles[reference]).incidence()

    def curve_of(name: str) -> CumulativeIncidence:
        """A scenario's curve; made when it is needed, since those of many large batches need much memory."""
        if name == reference:
            return theirs
        return CLOCKS[clock].read(batch.ensembles[name]).incidence(first_only=True)

    record = real_record(batch.ensembles[reference].scenario)
    real = None if record is None else record.ceasefire_after_hours(clock)
    days = shown_days(map(curve_of, names), real)
    grid = np.linspace(0.0, 24.0 * days, _GRID_POINTS)

    if ax is not None:
        ax.set(xlim=(0.0, days), ylim=(0.0, 100.0), xlabel=f"days since {ORIGINS[clock]}")
        ax.set_ylabel(f"ceasefire, % of {AMONG[clock]}")
        if real is not None:
            style.mark_moment(ax, real / 24.0)
        named = ((labels(summary)[name], curve_of(name)) for name in names)
        _compare(None, ax, named, grid, clock)
        return style.figure_of(ax)
    figure = style.new_figure(height=78.0)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.0, 1.0))
    _stack(left, theirs, grid, clock)
    paused = []
    if clock == "from_first_strike" and "pause" in summary["scenarios"][reference]:
        share = PAUSE.read(batch.ensembles[reference]).incidence(first_only=True).at(grid)
        line: dict[str, Any] = {"color": style.BLACK, "linestyle": "--", "linewidth": 1.0}
        left.step(grid / 24.0, 100.0 * share.estimate, where="post", **line)
        paused = [Line2D([], [], label="strikes paused, agreed or not", **line)]
    room = style.TITLE_PAD if real is None else style.TITLE_PAD_OVER_MARKS
    left.set_title(text.shorten(labels(summary)[reference], 34), pad=room)
    right.set_title("Ceasefire, by scenario (95% bands)", pad=room)
    for axes in (left, right):
        axes.set_xlim(0.0, days)
        axes.set_ylim(0.0, 100.0)
        axes.set_xlabel(f"days since {ORIGINS[clock]}")
        if real is not None:
            style.mark_moment(axes, real / 24.0, f"real ceasefire, {text.duration(real)}", "left")
    left.set_ylabel(f"% of {AMONG[clock]}")
    came = {
        "agreement" if cause == CEASEFIRE else cause
        for cause in theirs.causes
        if np.nanmax(theirs.at(grid, cause).estimate, initial=0.0) > 0.0
    }
    occur = {one: fill for one, fill in style.ENDING_FILLS.items() if one in (*came, UNRESOLVED)}
    keys = [*style.keys_of(occur, {**text.ENDINGS, "agreement": CEASEFIRE}), *paused]
    left.legend(
        handles=keys,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.17),
        ncols=style.columns(figure, keys, 3),
        handlelength=1.6,
        columnspacing=1.2,
    )
    _compare(
        figure, right, ((labels(summary)[name], curve_of(name)) for name in names), grid, clock
    )
    style.say_below(figure, left_out(summary, MOST_CURVES))
    return figure


def shown_days(curves: Iterable[CumulativeIncidence], real: float | None) -> float:
    """Whole days after which no ceasefire curve rises any more to speak of."""
    latest = [24.0, 1.1 * (real or 0.0)]
    for curve in curves:
        if curve.started == 0:
            continue
        last = float(curve.at(curve.latest(math.inf)).estimate)
        nearly = curve.quantile(_SHOWN_SHARE * last).estimate if last > 0.0 else math.inf
        latest.append(float(min(nearly, curve.watched_until)))
    return float(math.ceil(max(latest) / 24.0))


def nothing_on(clock: str) -> str:
    """The note of a chart where no crisis is on a clock."""
    return f"no crisis saw {AMONG[clock].removeprefix('crises with ')}"


def _stack(axes: Axes, curve: CumulativeIncidence, grid: np.ndarray, clock: str) -> None:
    if curve.started == 0:
        style.say_nothing_to_draw(axes, nothing_on(clock))
        return
    floor = np.zeros_like(grid)
    for cause in curve.causes:
        estimate = curve.at(grid, cause).estimate
        fill = style.ENDING_FILLS.get(cause, style.ENDING_FILLS["agreement"])
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


def _compare(
    figure: style.Chart | None,
    axes: Axes,
    curves: Iterable[tuple[str, CumulativeIncidence]],
    grid: np.ndarray,
    clock: str,
) -> None:
    """Draw curves with their bands, each named at its end; in somebody's own axes, where `figure` is None, by a legend."""
    axes.grid(axis="y")
    ends: list[tuple[float, str, dict[str, Any]]] = []
    drawn: list[np.ndarray] = []
    for place, (name, curve) in enumerate(curves):
        if curve.started == 0:
            continue
        line = style.scenario_line(place)
        share = curve.at(grid)
        limits = {"share": share.estimate, "lower": share.lower, "upper": share.upper}
        style.keep(axes, scenario=name, event="ceasefire", days=grid / 24.0, **limits)
        # Of curves that coincide the later is drawn in dashes, between which the earlier shows.
        if any(np.nanmax(np.abs(share.estimate - one), initial=0.0) < _SAME for one in drawn):
            line["linestyle"] = (0, (3, 3))
        drawn.append(share.estimate)
        estimate, lower, upper = 100.0 * share.estimate, 100.0 * share.lower, 100.0 * share.upper
        band: dict[str, Any] = {"facecolor": line["color"], "alpha": 0.18, "linewidth": 0.0}
        axes.fill_between(grid / 24.0, lower, upper, **band)
        axes.step(grid / 24.0, estimate, where="post", zorder=3.0 - 0.01 * place, **line)
        known = estimate[~np.isnan(estimate)]
        ends.append((float(known[-1]), text.shorten(name, 28), line))
    if not ends:
        style.say_nothing_to_draw(axes, nothing_on(clock))
    elif figure is not None and not figure.narrow:
        style.label_ends(figure, axes, ends)
    else:
        keys = [Line2D([], [], label=name, **line) for _, name, line in ends]
        below: Any = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.17)} if figure else {}
        axes.legend(handles=keys, ncols=style.columns(figure, keys, 2) if figure else 1, **below)


#: Bands about the median: share of the replicates within, and opacity.
BANDS = ((0.9, 0.18), (0.5, 0.35))

#: The line of the real closes.
_CLOSE: dict[str, Any] = {
    "color": style.REAL,
    "linewidth": 0.8,
    "marker": "o",
    "markersize": 2.2,
}

#: Days shown after the last real close, so that the record does not run into the edge.
_DAYS_AFTER_RECORD = 7.0


@style.styled
def draw_markets(batch: Batch, summary: Mapping[str, Any], ax: Axes | None = None) -> Figure:
    """Daily market levels in the reference scenario, with the real closes over them.

    For each state the median over replicates and the bands that hold the middle 50% and 90% of them, as a percentage of the
    level at the start. The bands are the spread of crises, not an error of estimation. Both panels have one scale, so that
    a deep fall looks deeper than a slight one. After a crisis is over its last level is kept.

    Args:
        batch: the replicates, with paths.
        summary: their summary (`crisis_sim.outcomes.summarise`), which names the reference.
        ax: axes to draw the first state's market into, and nothing else; a figure with both states where left out.
    """
    ensemble = batch.ensembles[summary["reference"]]
    record = real_record(ensemble.scenario)
    figure = style.new_figure(height=74.0) if ax is None else style.figure_of(ax)
    panels = [ax] if ax else figure.subplots(1, len(ensemble.states), sharey=True)
    start = start_of(ensemble.scenario)
    last = _last_day(ensemble, record)
    for place, (axes, state) in enumerate(zip(panels, ensemble.states, strict=ax is None)):
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
        for key, name, side in (
            ("first_strike_at_hours", "real first strike", "right"),
            ("ceasefire_in_effect_at_hours", "ceasefire", "left"),
        ):
            hours = getattr(record, key, None)
            if hours is not None:
                style.mark_moment(axes, hours / 24.0, name, side=side)
    panels[0].set_ylabel("index, % of its level at the start")
    keys = _market_keys(record is not None and bool(record.markets))
    if ax is None:
        figure.legend(handles=keys, loc="outside lower center", ncols=5)
    else:
        ax.legend(handles=keys)
    return figure


def _title(ensemble: Ensemble, state: str) -> str:
    spec = ensemble.scenario.get("states", {}).get(state, {})
    title = text.clean(spec.get("title") or text.label(state))
    index = text.clean(spec.get("market", {}).get("index") or "market index")
    return f"{text.shorten(title, 24)}: {text.shorten(index, 24)}"


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
    """Draw the median and the bands."""
    days, level = levels(paths, state)
    shown = days <= last
    for share, opacity in BANDS:
        low, high = np.quantile(level, (0.5 - share / 2.0, 0.5 + share / 2.0), axis=0)
        band: dict[str, Any] = {"facecolor": colour, "alpha": opacity, "linewidth": 0.0}
        axes.fill_between(days[shown], 100.0 * low[shown], 100.0 * high[shown], **band)
    axes.plot(days[shown], 100.0 * np.median(level, axis=0)[shown], color=colour)
    names = ("p5", "p25", "median", "p75", "p95")
    each = np.quantile(level, (0.05, 0.25, 0.5, 0.75, 0.95), axis=0)[:, shown]
    style.keep(axes, state=state, day=days[shown], **dict(zip(names, each, strict=True)))


def _closes(axes: Axes, real: RealIndex, last: float) -> None:
    days, level = np.array(real.at_hours) / 24.0, 100.0 * np.array(real.relative)
    shown = (days >= 0.0) & (days <= last)
    axes.plot(days[shown], level[shown], **_CLOSE)


def _market_keys(real: bool) -> list[Any]:
    keys: list[Any] = [Line2D([], [], color=style.GREY, label="simulated median")]
    keys += [
        Patch(facecolor=style.GREY, alpha=opacity + 0.1, label=f"middle {share:.0%} of crises")
        for share, opacity in reversed(BANDS)
    ]
    return [*keys, Line2D([], [], **_CLOSE, label="real close")] if real else keys
