"""Charts of a run: courses and endings, ceasefires over time, differences between scenarios, and markets."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from crisis_sim import style, text
from crisis_sim.outcomes.durations import (
    AMONG,
    CEASEFIRE,
    CLOCKS,
    PAUSE,
    SHORT_DAYS,
    UNRESOLVED,
)
from crisis_sim.outcomes.incidence import CumulativeIncidence
from crisis_sim.outcomes.measures import EVERYONE
from crisis_sim.outcomes.summary import figure_at
from crisis_sim.report.answers import ORIGINS, ceasefire_change, fits_of, labels
from crisis_sim.report.real_path import RealRecord, real_record, start_of
from crisis_sim.text import MONTHS, excludes_zero, offset

if TYPE_CHECKING:
    import pyarrow as pa

    from crisis_sim.batch.ensemble import Batch, Ensemble

#: The maximum number of scenarios in a chart, with the reference: as labelled curves, and as rows.
MOST_CURVES, MOST_ROWS = 12, 24


def shown(batch: Batch, summary: Mapping[str, Any], most: int) -> list[str]:
    """Return the scenarios to draw, in the batch's order: all, or those that differ most from the reference.

    They are compared by their shares of crises that ended by agreement; ties go to the first.
    """
    share = {
        name: part["endings"]["agreement"]["estimate"]
        for name, part in summary["scenarios"].items()
    }
    names = [name for name in batch.ensembles if name in share]
    reference = summary["reference"]

    def gap(name: str) -> float:
        known = share[name] is not None and share[reference] is not None
        return abs(share[name] - share[reference]) if known else -1.0

    others = sorted((name for name in names if name != reference), key=gap, reverse=True)
    selected = {reference, *others[: most - 1]}
    return [name for name in names if name in selected]


def left_out(summary: Mapping[str, Any], most: int) -> str:
    """The note under a chart about scenarios that it does not show; "" if it shows all."""
    more = len(summary["scenarios"]) - most
    if more <= 0:
        return ""
    return (
        f"The reference and the {most - 1} scenarios whose share ended by agreement differs most from the reference’s; "
        f"{text.count(more)} more {'is' if more == 1 else 'are'} only in the tables"
    )


#: Possible steps between the dates on an axis, in days.
_STEPS = (1, 2, 3, 5, 7, 10, 14, 28, 56, 112, 182, 365, 730)


def date_axis(axes: Axes, start: datetime | None, low: float, high: float, dates: int = 7) -> None:
    """Label an axis in days with at most `dates` dates, at local midnights; with days if the start is unknown.

    A narrow figure has two dates fewer.
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
    midnights = [midnight + timedelta(day) for day in days]
    names = [f"{date.day} {MONTHS[date.month - 1][:3]}" for date in midnights]
    axes.set_xticks([day + to_midnight for day in days], names)
    if step <= 3 and days:
        quarters = to_midnight + np.arange(4 * (first - 1), 4 * (days[-1] + step + 1)) / 4
        axes.set_xticks(quarters[(low <= quarters) & (quarters <= high)], minor=True)
    years = {(start + timedelta(days=low)).year, (start + timedelta(days=high)).year}
    axes.set_xlabel(f"date, {'–'.join(str(year) for year in sorted(years))} ({offset(start)})")


#: The number of points of a curve.
_GRID_POINTS = 240

#: Curves whose maximum difference is below this count as equal.
_SAME = 0.01

#: The position of a legend below its axes.
_BELOW: Any = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.17)}

#: The time axis ends when every curve has reached this share of its last value.
_SHOWN_SHARE = 0.99


@style.styled
def draw_incidence(
    batch: Batch,
    summary: Mapping[str, Any],
    clock: str = "from_first_strike",
    ax: Axes | None = None,
) -> Figure:
    """Draw the cumulative incidence of a ceasefire by time since the clock's origin.

    Left: the reference. The other endings are stacked on the ceasefire, so the height of the stack is the share of crises
    that have ended. On the clock from the first strike, a dashed line is the share in which strikes have paused, with or
    without an agreement. Right: the ceasefire's curve with its 95% band for each scenario or, of many, for those that differ
    most. A line marks the real ceasefire if the reference has a real path.

    Args:
        batch: the replicates.
        summary: their summary (`crisis_sim.outcomes.summarise`), which names the reference.
        clock: `from_first_strike` or `from_trigger`.
        ax: axes for the ceasefire's curves only; by default, a new figure with both panels.

    Raises:
        KeyError: there is no such clock.
    """
    reference = summary["reference"]
    names = shown(batch, summary, MOST_CURVES)
    names.sort(key=lambda name: name != reference)
    theirs = CLOCKS[clock].read(batch.ensembles[reference]).incidence()

    def curve_of(name: str) -> CumulativeIncidence:
        """A scenario's curve, computed when needed to save memory."""
        if name == reference:
            return theirs
        return CLOCKS[clock].read(batch.ensembles[name]).incidence(first_only=True)

    record = real_record(batch.ensembles[reference].scenario)
    real = None if record is None else record.ceasefire_after_hours(clock)
    days = shown_days(map(curve_of, names), real)
    grid = np.linspace(0.0, 24.0 * days, _GRID_POINTS)

    curves = ((labels(summary)[name], curve_of(name)) for name in names)

    if ax is not None:
        ax.set(xlim=(0.0, days), ylim=(0.0, 100.0), xlabel=f"days since {ORIGINS[clock]}")
        ax.set_ylabel(f"ceasefire, % of {AMONG[clock]}")
        if real is not None:
            style.mark_moment(ax, real / 24.0)
        _compare(None, ax, curves, grid, clock)
        return style.figure_of(ax)
    figure = style.new_figure(height=78.0)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.0, 1.0))
    _stack(left, theirs, grid, clock)
    paused = []
    if clock == "from_first_strike":
        share = PAUSE.read(batch.ensembles[reference]).incidence(first_only=True).at(grid)
        line: dict[str, Any] = {"color": style.BLACK, "linestyle": "--", "linewidth": 1.0}
        left.step(grid / 24.0, 100.0 * share.estimate, where="post", **line)
        paused = [Line2D([], [], label="strikes paused, agreed or not", **line)]
    label = text.shorten(labels(summary)[reference], 34)
    for axes, title in ((left, label), (right, "Ceasefire, by scenario (95% bands)")):
        axes.set_title(title, pad=style.TITLE_PAD if real is None else style.TITLE_PAD_OVER_MARKS)
        axes.set(xlim=(0.0, days), ylim=(0.0, 100.0), xlabel=f"days since {ORIGINS[clock]}")
        if real is not None:
            style.mark_moment(axes, real / 24.0, f"real ceasefire, {text.duration(real)}", "left")
    left.set_ylabel(f"% of {AMONG[clock]}")
    endings = {UNRESOLVED} | {
        "agreement" if cause == CEASEFIRE else cause
        for cause in theirs.causes
        if np.nanmax(theirs.at(grid, cause).estimate, initial=0.0) > 0.0
    }
    fills = {ending: fill for ending, fill in style.ENDING_FILLS.items() if ending in endings}
    keys = [*style.keys_of(fills, {**text.ENDINGS, "agreement": CEASEFIRE}), *paused]
    spacing = {"handlelength": 1.6, "columnspacing": 1.2}
    left.legend(handles=keys, ncols=style.columns(figure, keys, 3), **_BELOW, **spacing)
    _compare(figure, right, curves, grid, clock)
    style.say_below(figure, left_out(summary, MOST_CURVES))
    return figure


def shown_days(curves: Iterable[CumulativeIncidence], real: float | None) -> float:
    """Return the days, rounded up, after which no ceasefire curve rises noticeably."""
    latest = [24.0, 1.1 * (real or 0.0)]
    for curve in curves:
        if curve.started == 0:
            continue
        last = float(curve.at(curve.latest(math.inf)).estimate)
        nearly = curve.quantile(_SHOWN_SHARE * last).estimate if last > 0.0 else math.inf
        latest.append(float(min(nearly, curve.watched_until)))
    return float(math.ceil(max(latest) / 24.0))


def nothing_on(clock: str) -> str:
    """The note in an empty chart if no crisis is on a clock."""
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
    """Draw curves with their bands, each labelled at its end or, if `figure` is None, in a legend."""
    axes.grid(axis="y")
    ends: list[tuple[float, str, dict[str, Any]]] = []
    drawn: list[np.ndarray] = []
    for index, (name, curve) in enumerate(curves):
        if curve.started == 0:
            continue
        line = style.scenario_line(index)
        share = curve.at(grid)
        limits = {"share": share.estimate, "lower": share.lower, "upper": share.upper}
        style.keep(axes, scenario=name, event="ceasefire", days=grid / 24.0, **limits)
        # If curves coincide, the later is dashed, so that the earlier is visible between the dashes.
        if any(np.nanmax(np.abs(share.estimate - other), initial=0.0) < _SAME for other in drawn):
            line["linestyle"] = (0, (3, 3))
        drawn.append(share.estimate)
        estimate, lower, upper = 100.0 * share.estimate, 100.0 * share.lower, 100.0 * share.upper
        band = {"facecolor": line["color"], "alpha": 0.18, "linewidth": 0.0}
        axes.fill_between(grid / 24.0, lower, upper, **band)
        axes.step(grid / 24.0, estimate, where="post", zorder=3.0 - 0.01 * index, **line)
        known = estimate[~np.isnan(estimate)]
        ends.append((float(known[-1]), text.shorten(name, 28), line))
    if not ends:
        style.say_nothing_to_draw(axes, nothing_on(clock))
    elif figure is not None and not figure.narrow:
        style.label_ends(figure, axes, ends)
    else:
        keys = [Line2D([], [], label=name, **line) for _, name, line in ends]
        below = _BELOW if figure else {}
        axes.legend(handles=keys, ncols=style.columns(figure, keys, 2) if figure else 1, **below)


#: Bands around the median: share of the replicates within, and opacity.
BANDS = ((0.9, 0.18), (0.5, 0.35))

#: The style of the line of real closes.
_CLOSE: dict[str, Any] = {
    "color": style.REAL,
    "linewidth": 0.8,
    "marker": "o",
    "markersize": 2.2,
}

#: Days shown after the last real close.
_DAYS_AFTER_RECORD = 7.0


@style.styled
def draw_markets(batch: Batch, summary: Mapping[str, Any], ax: Axes | None = None) -> Figure:
    """Draw daily market levels in the reference scenario, and the real closes.

    For each state, the median over replicates and bands with the middle 50% and 90% of them, in percent of the level at the
    start. The bands are the spread of crises, not an error of estimation. Both panels have the same scale. A crisis that has
    ended keeps its last level.

    Args:
        batch: the replicates, with paths.
        summary: their summary (`crisis_sim.outcomes.summarise`), which names the reference.
        ax: axes for the first state's market only; by default, a new figure with both states.
    """
    ensemble = batch.ensembles[summary["reference"]]
    record = real_record(ensemble.scenario)
    figure = style.new_figure(height=74.0) if ax is None else style.figure_of(ax)
    panels = [ax] if ax else figure.subplots(1, len(ensemble.states), sharey=True)
    start = start_of(ensemble.scenario)
    last = _last_day(ensemble, record)
    has_marks = record is not None and record.first_strike_at_hours is not None
    pad = style.TITLE_PAD_OVER_MARKS if has_marks else style.TITLE_PAD
    for number, (axes, state) in enumerate(zip(panels, ensemble.states, strict=ax is None)):
        real = None if record is None else record.markets.get(state)
        spec = ensemble.scenario.get("states", {}).get(state, {})
        title = text.clean(spec.get("title") or text.label(state))
        index = text.clean(spec.get("market", {}).get("index") or "market index")
        axes.set_title(f"{text.shorten(title, 24)}: {text.shorten(index, 24)}", pad=pad)
        axes.grid(axis="y")
        date_axis(axes, start, 0.0, last, dates=5)
        if ensemble.paths is None or not ensemble.paths.num_rows:
            style.say_nothing_to_draw(axes, "this batch has no market paths")
            continue
        axes.axhline(100.0, color=style.GREY, linewidth=0.6)
        _spread(axes, ensemble.paths, state, style.STATE_COLOURS[number], last)
        if real is not None:
            days, level = np.array(real.at_hours) / 24.0, 100.0 * np.array(real.relative)
            within = (days >= 0.0) & (days <= last)
            axes.plot(days[within], level[within], **_CLOSE)
        for key, name, side in (
            ("first_strike_at_hours", "real first strike", "right"),
            ("ceasefire_in_effect_at_hours", "ceasefire", "left"),
        ):
            hours = getattr(record, key, None)
            if hours is not None:
                style.mark_moment(axes, hours / 24.0, name, side=side)
    panels[0].set_ylabel("index, % of its level at the start")
    keys: list[Any] = [Line2D([], [], color=style.GREY, label="simulated median")]
    keys += [
        Patch(facecolor=style.GREY, alpha=opacity + 0.1, label=f"middle {share:.0%} of crises")
        for share, opacity in reversed(BANDS)
    ]
    if record is not None and record.markets:
        keys.append(Line2D([], [], **_CLOSE, label="real close"))
    if ax is None:
        figure.legend(handles=keys, loc="outside lower center", ncols=5)
    else:
        ax.legend(handles=keys)
    return figure


def _last_day(ensemble: Ensemble, record: RealRecord | None) -> float:
    """The horizon, or a week after the last real close if that is earlier."""
    horizon = ensemble.horizon_hours / 24.0
    ends = [index.at_hours[-1] for index in record.markets.values()] if record else []
    return min(horizon, max(ends) / 24.0 + _DAYS_AFTER_RECORD) if ends else horizon


def levels(paths: pa.Table, state: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the days, shape (days,), and market levels relative to the start, shape (replicates, days)."""
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


# --- Courses and endings, and differences from the reference

#: The label of each course in a chart.
_COURSE_NAMES = {
    "no_strike": "no strike",
    "short_fight": f"strikes stopped\nwithin {SHORT_DAYS} days",
    "long_fight": "longer fight",
    "war": "full-scale war",
}


class Measure(NamedTuple):
    """A measure to compare: its heading, its denominator, and a function that finds it in a difference."""

    heading: str
    among: str
    find: Callable[[dict[str, Any]], Mapping[str, Any] | None]


MEASURES = (
    *(
        Measure(
            f"{name[:1].upper()}{name[1:]}",
            EVERYONE,
            lambda part, path=f"courses.{course}.share": figure_at(part, path),  # type: ignore[misc]
        )
        for course, name in _COURSE_NAMES.items()
    ),
    Measure(
        "Ceasefire in 96 h\nof the first strike",
        "those struck in both",
        lambda part: ceasefire_change(part)[0],
    ),
)

#: Room to the left of the lowest limit, and to the right of the highest for the number, as shares of the width.
_ROOM, _FOR_NUMBERS = 0.12, 0.5


@style.styled
def draw_differences(batch: Batch, summary: Mapping[str, Any], ax: Axes | None = None) -> Figure:
    """Draw each scenario's differences from the reference with 95% intervals, the largest first.

    Of many scenarios, those that differ most are drawn. A difference is grey if its interval contains zero; an arrow head
    is a limit that the data do not determine.

    Args:
        batch: the replicates, which determine the order of the scenarios.
        summary: their summary (`crisis_sim.outcomes.summarise`).
        ax: axes for the first measure only; by default, a new figure with all measures.
    """
    differences, label = summary["differences"], labels(summary)
    names = [name for name in shown(batch, summary, MOST_ROWS) if name in differences]
    reference = text.shorten(label[summary["reference"]], 40)
    if not names:
        if ax is not None:
            style.say_nothing_to_draw(ax, "only one scenario: there is nothing to compare")
            return style.figure_of(ax)
        figure: Figure = style.new_figure(height=20.0)
        figure.text(
            0.5, 0.5, f"{reference} is the only scenario: there is nothing to compare", ha="center"
        )
        return figure
    names.sort(key=lambda name: -_size(differences[name]))
    height = 40.0 + 6.0 * max(len(names), 2)
    figure = style.new_figure(height=height) if ax is None else style.figure_of(ax)
    columns = [ax] if ax else figure.subplots(1, len(MEASURES), sharey=True)
    for axes, measure in zip(columns, MEASURES, strict=ax is None):
        axes.set_title(measure.heading, fontsize=7.0)
        axes.set_xlabel(f"percentage points,\nof {measure.among}")
        axes.axvline(0.0, color=style.GREY, linewidth=0.8, zorder=1)
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        heading = measure.heading.replace("\n", " ")
        for row, name in enumerate(names):
            change = measure.find(differences[name])
            _whisker(axes, row, change)
            style.keep(axes, scenario=label[name], measure=heading, **_limits(change))
        _frame(axes)
    columns[0].set_yticks(
        list(range(len(names))), [text.shorten(label[name], 28) for name in names]
    )
    columns[0].set_ylim(len(names) - 0.4, -0.6)
    if ax is not None:
        return figure
    paired = all(differences[name]["paired"] for name in names)
    pairing = (
        "same random numbers, replicate by replicate"
        if paired
        else "not all with the same random numbers"
    )
    figure.suptitle(
        f"Difference from “{reference}”", fontsize=7.5, x=0.01, ha="left", fontweight="bold"
    )
    broad = fits_of(summary, "; broad lines: 95% of {} parameter sets that fit")
    notes = [
        f"95% intervals, grey if they contain zero; {pairing}{broad}",
        left_out(summary, MOST_ROWS),
    ]
    style.say_below(figure, ". ".join(filter(None, notes)))
    return figure


def _size(difference: dict[str, Any]) -> float:
    """The largest change in the share of any course."""
    estimates = [_limits(measure.find(difference))["estimate"] for measure in MEASURES[:-1]]
    return max((abs(estimate) for estimate in estimates if estimate is not None), default=0.0)


def _limits(figure: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: figure and figure[key] for key in ("estimate", "lower", "upper")}


def _whisker(axes: Axes, row: int, figure: Mapping[str, Any] | None) -> None:
    font: dict[str, Any] = {"fontsize": 6.0, "va": "center", "textcoords": "offset points"}
    if figure is None or figure["estimate"] is None:
        axes.annotate("not known", (0.0, row), xytext=(3.0, 0.0), color=style.GREY, **font)
        return
    middle = 100.0 * figure["estimate"]
    limits = [None if figure[key] is None else 100.0 * figure[key] for key in ("lower", "upper")]
    colour = style.BLACK if excludes_zero(*limits) else style.GREY
    known = [middle if limit is None else limit for limit in limits]
    if over := figure.get("over_fits"):  # a broad pale line under the whisker
        ends = [100.0 * over["lower"], 100.0 * over["upper"]]
        broad: Any = {"linewidth": 5.0, "solid_capstyle": "butt", "zorder": 1.5}
        axes.plot(ends, [row, row], color=style.PALE_GREY, **broad)
        known += ends
    axes.plot(known[:2], [row, row], color=colour, linewidth=1.0, zorder=2)
    for limit, edge in zip(limits, (0.0, 1.0), strict=True):
        if limit is None:
            axes.annotate(
                "",
                xy=(edge, row),
                xycoords=("axes fraction", "data"),
                xytext=(middle, row),
                textcoords="data",
                arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.0},
            )
    axes.plot([middle], [row], marker="|", markersize=6.0, color=colour, zorder=3)
    number = text.points(figure["estimate"])
    axes.annotate(number, (max(known), row), xytext=(3.0, 0.0), color=colour, **font)


def _frame(axes: Axes) -> None:
    """Set limits around the data and zero, with room for the numbers."""
    axes.autoscale_view()
    low, high = axes.dataLim.intervalx if axes.lines[1:] else (-1.0, 1.0)
    low, high = min(low, 0.0), max(high, 0.0)
    width = high - low or 1.0
    axes.set_xlim(low - _ROOM * width, high + _FOR_NUMBERS * width)
    axes.locator_params(axis="x", nbins=3)


#: The minimum width of a segment with a number, in percent of the axis.
_LABELLED_FROM = 4.5


@style.styled
def draw_endings(batch: Batch, summary: Mapping[str, Any], ax: Axes | None = None) -> Figure:
    """Draw the courses of the reference's crises, with their endings, and the courses in each scenario.

    Of many scenarios, those that differ most are drawn.

    Args:
        batch: the replicates, which determine the order of the scenarios.
        summary: their summary (`crisis_sim.outcomes.summarise`).
        ax: axes for the reference only; by default, a new figure with all scenarios.
    """
    label, reference = labels(summary), summary["scenarios"][summary["reference"]]
    names = shown(batch, summary, MOST_ROWS)
    if ax is not None:
        _tree(ax, reference["courses"], reference["label"])
        return style.figure_of(ax)
    several = len(names) > 1
    figure = style.new_figure(height=34.0 + 7.0 * max(len(names) if several else 0, 4))
    axes = figure.subplots(1, 2, width_ratios=(1.0, 1.0)) if several else [figure.subplots()]
    _tree(axes[0], reference["courses"], reference["label"])
    if several:
        bars, fills = axes[1], style.COURSE_FILLS
        for row, name in enumerate(names):
            shares = {
                course: _limits(summary["scenarios"][name]["courses"][course]["share"])
                for course in fills
            }
            segments = (
                (100.0 * (share["estimate"] or 0.0), fills[course])
                for course, share in shares.items()
            )
            _bar(bars, row, segments)
            for course, share in shares.items():
                style.keep(bars, scenario=label[name], course=course, ending="all", **share)
        _rows(bars, [text.shorten(label[name], 28) for name in names])
        bars.set_title("How far crises went, by scenario", pad=24.0)
        _legend(
            bars,
            style.keys_of(fills, {**_COURSE_NAMES, "short_fight": f"stopped in {SHORT_DAYS} days"}),
            2,
        )
    style.say_below(figure, left_out(summary, MOST_ROWS))
    return figure


def _tree(axes: Axes, courses: Mapping[str, Any], label: str) -> None:
    """Draw a bar for each course with its share of all crises, divided into its endings."""
    fills = {
        ending: fill
        for ending, fill in style.ENDING_FILLS.items()
        if any(part["endings"][ending]["estimate"] for part in courses.values())
    }
    for row, (course, part) in enumerate(courses.items()):
        share = part["share"]["estimate"] or 0.0
        shares = {end: share * (part["endings"][end]["estimate"] or 0.0) for end in fills}
        _bar(axes, row, ((100.0 * shares[end], fill) for end, fill in fills.items()))
        axes.annotate(
            _percent(part["share"]),
            (100.0 * share, row),
            xytext=(3.0, 0.0),
            textcoords="offset points",
            fontsize=6.5,
            va="center",
        )
        for ending in fills:
            limits = _limits(part["endings"][ending])
            style.keep(axes, scenario=label, course=course, ending=ending, **limits)
    _rows(axes, [_COURSE_NAMES[course] for course in courses])
    axes.set_title(f"{text.shorten(label, 34)}: how crises went and ended", pad=24.0)
    _legend(axes, style.keys_of(fills, text.ENDINGS), 3)


def _percent(figure: Mapping[str, Any]) -> str:
    """Format a share with its interval: "64.8% (63.9–65.7)"."""
    low, high = figure.get("lower"), figure.get("upper")
    limits = "" if low is None or high is None else f" ({text.percent(low)}–{text.percent(high)})"
    return f"{text.percent(figure['estimate'])}%{limits}"


def _rows(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(list(range(len(names))), names)
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(0.0, 100.0)
    axes.set_xlabel(f"% of {EVERYONE}")


def _legend(axes: Axes, handles: list[Any], columns: int) -> None:
    narrow = getattr(axes.figure, "narrow", False)  # then it extends over the names of the rows
    legend = axes.legend(
        handles=handles,
        loc="lower right" if narrow else "lower left",
        bbox_to_anchor=(1.0 if narrow else -0.01, 1.005),
        ncols=columns,
        handlelength=1.6,
        handletextpad=0.5,
        columnspacing=1.3,
        borderaxespad=0.0,
    )
    legend.set_in_layout(False)  # it may be wider than the bars, which must not shrink


def _bar(axes: Axes, row: int, segments: Iterable[tuple[float, style.Fill]]) -> None:
    """Draw a bar of segments with a width, in percent, and a fill; wide segments show their number."""
    left = 0.0
    for width, fill in segments:
        axes.barh(
            row,
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
                row,
                f"{width:.0f}",
                ha="center",
                va="center",
                color=fill.text,
                fontsize=6.5,
                # a plain background for a number on a hatched segment
                bbox={"boxstyle": "square,pad=0.12", "facecolor": fill.colour, "edgecolor": "none"}
                if fill.hatch
                else None,
            )
        left += width
