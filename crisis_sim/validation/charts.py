"""The charts of the validation. They draw what was compared and compute no statistic of their own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from crisis_sim import style
from crisis_sim.model.observer import ACTS, NEXT
from crisis_sim.text import percent
from crisis_sim.validation import words
from crisis_sim.validation.cases import CASES_AMONG, HALT, HOURS, STRIKE, CaseResult, survival
from crisis_sim.validation.record import Comparison, Verdict
from crisis_sim.validation.run import Validation

# --- The marks that all charts of the validation share: what is real, what is simulated, and the verdict on it
#
# Black is the record's alone, as in the other charts. A verdict is told by a colour and by a shape, and so in grey
# print too.

#: Colour and shape of a simulated value by its verdict.
VERDICT_MARKS: dict[Verdict, dict[str, Any]] = {
    "inside": {"color": style.BLUE, "marker": "o"},
    "near": {"color": style.ORANGE, "marker": "s"},
    "outside": {"color": style.VERMILLION, "marker": "X"},
    "not comparable": {"color": style.GREY, "marker": "d"},
}
REAL_MARK: dict[str, Any] = {"color": style.REAL, "marker": "|", "markersize": 7.0}


def keys(real: str, simulated: str, interval: bool = True) -> list[Line2D]:
    """Entries of a legend: the record, with or without an interval, and what is simulated by its verdict."""
    line: dict[str, Any] = {"linewidth": 3.0, "alpha": 0.35} if interval else {"linestyle": "none"}
    entries = [Line2D([], [], label=real, **line, **REAL_MARK)]
    entries += [
        Line2D([], [], linestyle="none", markersize=4.0, label=f"{simulated}: {verdict}", **mark)
        for verdict, mark in VERDICT_MARKS.items()
        if verdict != "not comparable"
    ]
    return entries


# --- Facts and simulated values side by side, a row a fact: shares to the left, days to the right

#: Facts that have a chart of their own.
ELSEWHERE = ("From act to act",)
FACT_TICKS = (1, 3, 10, 30, 100, 300)
#: Millimetres for each row, and for what is above and below the rows.
FACT_ROW, FACT_FRAME = 3.9, 30.0


@style.styled
def draw_facts(validation: Validation) -> Figure:
    """A dot with its interval for each fact, over the record's interval."""
    families = {
        family: [one for one in comparisons if one.verdict != "not comparable"]
        for family, comparisons in validation.facts.items()
        if family not in ELSEWHERE
    }
    shares = {
        family: [one for one in ones if one.fact.is_share] for family, ones in families.items()
    }
    days = {
        family: [one for one in ones if not one.fact.is_share] for family, ones in families.items()
    }
    rows = max(_rows(shares), _rows(days))
    figure = style.new_figure(height=FACT_FRAME + FACT_ROW * rows)
    left, right = figure.subplots(1, 2)
    _panel(left, shares, rows, scale=100.0)
    _panel(right, days, rows, scale=1.0)
    left.set_xlim(0, 100)
    left.set_xlabel("% of what the family says")
    left.set_title("Shares")
    right.set_xscale("log")
    right.set_xlim(0.7, 700)
    right.xaxis.set_major_locator(FixedLocator(FACT_TICKS))
    right.xaxis.set_minor_locator(NullLocator())
    right.xaxis.set_major_formatter(FuncFormatter(lambda day, _: f"{day:g}"))
    right.set_xlabel("days (logarithmic)")
    right.set_title("Times")
    entries = keys("record, 95% interval", "simulated")
    figure.legend(handles=entries, loc="outside lower center", ncols=len(entries))
    return figure


def _rows(families: dict[str, list[Comparison]]) -> int:
    """Rows that a panel needs, one of them for each family's name."""
    return sum(1 + len(ones) for ones in families.values() if ones)


def _panel(axes: Axes, families: dict[str, list[Comparison]], rows: int, scale: float) -> None:
    labels: list[tuple[str, bool]] = []
    for family, ones in families.items():
        if ones:
            labels.append((words.family_name(family) if scale > 1.0 else family, True))
        for one in ones:
            _row(axes, len(labels), one, scale)
            labels.append((words.short(one.fact), False))
    axes.set_yticks(range(len(labels)), [text for text, _ in labels])
    for label, (_, is_family) in zip(axes.get_yticklabels(), labels, strict=True):
        label.set_fontweight("bold" if is_family else "normal")
    axes.set_ylim(rows - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def _row(axes: Axes, place: int, one: Comparison, scale: float) -> None:
    fact, simulated = one.fact, one.measured.estimate
    if fact.lower is not None and fact.upper is not None:
        ends = [scale * fact.lower, scale * fact.upper]
        axes.plot(ends, [place, place], color=style.REAL, linewidth=3.0, alpha=0.35)
    axes.plot([scale * fact.value], [place], color=style.REAL, marker="|", markersize=6.0)
    mark = VERDICT_MARKS[one.verdict]
    limits = [
        scale * limit for limit in (simulated.lower, simulated.upper) if not math.isnan(limit)
    ]
    if len(limits) == 2:
        axes.plot(limits, [place, place], color=mark["color"], linewidth=0.9)
    axes.plot([scale * simulated.estimate], [place], markersize=3.4, clip_on=False, **mark)


# --- The simulated times of each case, with the real one marked

#: Days shown; earlier times, and strikes that come with the trigger, stand at the left edge.
CASE_FIRST_DAY, LAST_DAY = 0.2, 300.0
CASE_TICKS = (0.3, 1, 3, 10, 30, 100, 300)
CASE_ROW, CASE_FRAME = 8.0, 30.0
TITLES = {STRIKE: "From the trigger to the first strike", HALT: "From the first strike to the halt"}


@style.styled
def draw_cases(validation: Validation) -> Figure:
    """A row a case: the central 80% and 95% of the simulated times, their median, and the real time."""
    cases = list(dict.fromkeys(one.case.name for one in validation.cases))
    figure = style.new_figure(height=CASE_FRAME + CASE_ROW * len(cases))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, what in zip(panels, (STRIKE, HALT), strict=True):
        axes.grid(axis="x")
        for one in validation.cases:
            if one.what == what:
                _case_row(axes, cases.index(one.case.name), one)
        axes.set_xscale("log")
        axes.set_xlim(CASE_FIRST_DAY, LAST_DAY)
        axes.xaxis.set_major_locator(FixedLocator(CASE_TICKS))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda day, _: f"{day:g}"))
        axes.set_xlabel("days (logarithmic)")
        axes.set_title(TITLES[what])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    panels[0].set_yticks(range(len(cases)), [name.replace(" ", "\n", 1) for name in cases])
    panels[0].set_ylim(len(cases) - 0.4, -0.6)
    entries = keys("real time", "simulated (10, 50, 90%)", interval=False)
    figure.legend(handles=entries, loc="outside lower center", ncols=len(entries))
    return figure


def _case_row(axes: Axes, place: int, one: CaseResult) -> None:
    if one.verdict == "not comparable":
        axes.text(
            CASE_FIRST_DAY * 1.2,
            place,
            "the attack was the trigger",
            va="center",
            fontsize=6.0,
            color=style.GREY,
        )
        return
    mark = VERDICT_MARKS[one.verdict]
    times = np.maximum(one.quantiles, CASE_FIRST_DAY)
    axes.plot(times[[0, 4]], [place, place], color=mark["color"], linewidth=0.8)
    axes.plot(times[[1, 3]], [place, place], color=mark["color"], linewidth=3.5, alpha=0.45)
    axes.plot([times[2]], [place], markersize=4.0, **mark)
    axes.plot(
        [max(one.real, CASE_FIRST_DAY)],
        [place],
        color=style.REAL,
        marker="|",
        markersize=11.0,
        markeredgewidth=1.5,
    )
    if one.came < 0.995:
        axes.annotate(
            f"comes in {percent(one.came)}% of {CASES_AMONG[one.what]}",
            xy=(1.0, place),
            xycoords=axes.get_yaxis_transform(),
            xytext=(0, 9),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=6.0,
            color=style.GREY,
        )


# --- How long crises last: the simulated survival curve, and the real quantiles with their intervals

#: Days shown: from a day to as long as any crisis is watched, on a logarithmic scale.
SURVIVAL_FIRST_DAY = 1.0
SURVIVAL_TICKS = (1, 3, 10, 30, 100, 300, 1000)
GRID_POINTS = 300


@style.styled
def draw_survival(validation: Validation) -> Figure:
    """Share of crises still going on by the days since the trigger, with the record's quantiles."""
    curve = survival(validation.batch.ensembles[validation.population])
    real = [one.fact.upper or one.fact.value for one in validation.facts["Duration"]]
    last = 1.2 * max(curve.watched_until / HOURS, *real)
    days = np.geomspace(SURVIVAL_FIRST_DAY, last, GRID_POINTS)
    share = curve.at(days * HOURS)
    ended, lower, upper = share.estimate, share.lower, share.upper
    figure = style.new_figure(width=style.DOUBLE_COLUMN, height=80.0)
    axes = figure.subplots()
    axes.grid(axis="y")
    axes.fill_between(
        days,
        100 * (1 - upper),
        100 * (1 - lower),
        step="post",
        color=style.BLUE,
        alpha=0.2,
        linewidth=0,
    )
    axes.step(days, 100 * (1 - ended), where="post", color=style.BLUE)
    for one in validation.facts["Duration"]:
        going_on = 100 - float(one.fact.id.removeprefix("duration_p"))
        if one.fact.lower is not None and one.fact.upper is not None:
            ends = [one.fact.lower, one.fact.upper]
            axes.plot(ends, [going_on, going_on], color=style.REAL, linewidth=3.0, alpha=0.35)
        axes.plot([one.fact.value], [going_on], color=style.REAL, marker="|", markersize=8.0)
        axes.plot(
            [one.measured.estimate.estimate],
            [going_on],
            markersize=4.0,
            **VERDICT_MARKS[one.verdict],
        )
    axes.set_xscale("log")
    axes.set_xlim(SURVIVAL_FIRST_DAY, last)
    axes.set_ylim(0, 100)
    axes.xaxis.set_major_locator(FixedLocator([day for day in SURVIVAL_TICKS if day <= last]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda day, _: f"{day:g}"))
    axes.set_xlabel("days since the trigger (logarithmic)")
    axes.set_ylabel("% of all crises still going on")
    axes.set_title("How long crises last")
    entries = keys("real quantile, 95% interval", "simulated quantile")
    figure.legend(handles=entries, loc="outside lower center", ncols=len(entries))
    return figure


# --- What follows an act in a confrontation, as heat maps: the record, the simulation, and both where the kind changes

#: A share from which the ground is so dark that figures upon it are white.
DARK_FROM = 0.55


@style.styled
def draw_transitions(validation: Validation) -> Figure:
    """Side by side: the share of acts of each kind (down) that were followed by each kind, or by the end (across).

    The upper maps count all acts, the lower ones only those that were followed by something else: these do not hang on how
    often fighting that goes on counts as a new act.
    """
    real, simulated = tables(validation)
    figure = style.new_figure(width=style.DOUBLE_COLUMN, height=120.0)
    panels = figure.subplots(2, 2, sharex=True, sharey=True)
    for axes, table, title in (
        (panels[0, 0], real, "Record (MIE)"),
        (panels[0, 1], simulated, "Simulation"),
        (panels[1, 0], changes(real), "Record, where the kind changes"),
        (panels[1, 1], changes(simulated), "Simulation, where the kind changes"),
    ):
        _map(axes, table)
        axes.set_title(title)
    for axes in panels[1]:
        axes.set_xlabel("followed next by, % of the row")
    for axes in panels[:, 0]:
        axes.set_ylabel("act")
    return figure


def tables(validation: Validation) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The record's shares and the simulated ones, shape (acts, 1 + acts), the end first."""
    by_id = {one.fact.id: one for one in validation.facts["From act to act"]}
    ids = [[f"next_{act}_{following}" for following in NEXT] for act in ACTS]
    real = np.array([[by_id[name].fact.value for name in row] for row in ids])
    simulated = np.array([[by_id[name].measured.estimate.estimate for name in row] for row in ids])
    return real, simulated


def changes(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of those acts alone that another kind, or the end, follows; NaN for what is left out."""
    changed = table.copy()
    changed[np.arange(len(ACTS)), 1 + np.arange(len(ACTS))] = np.nan
    total = np.nansum(changed, axis=1, keepdims=True)
    return np.asarray(changed / np.where(total > 0, total, np.nan))


def _map(axes: Axes, table: NDArray[np.float64]) -> None:
    axes.imshow(table, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
    for (row, column), value in np.ndenumerate(table):
        if not np.isnan(value):
            axes.text(
                column,
                row,
                f"{100 * value:.0f}",
                ha="center",
                va="center",
                fontsize=7.0,
                color="#FFFFFF" if value >= DARK_FROM else style.BLACK,
            )
    axes.set_xticks(range(len(NEXT)), NEXT)
    axes.set_yticks(range(len(ACTS)), ACTS)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
