"""The charts of the validation. They draw what was compared and compute no statistic of their own.

Black is the record's alone, as in the other charts. A verdict has a colour and a shape, so that it is seen in grey
print too.
"""

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
from crisis_sim.validation.facts import Comparison, Fact, Verdict
from crisis_sim.validation.run import (
    CASES_AMONG,
    HALT,
    HOURS,
    QUANTILES,
    STRIKE,
    CaseResult,
    Validation,
    family_name,
    survival,
)

#: Colour and shape of a simulated value by its verdict.
VERDICT_MARKS: dict[Verdict, dict[str, Any]] = {
    "inside": {"color": style.ESTIMATE, "marker": "o"},
    "near": {"color": style.ORANGE, "marker": "s"},
    "outside": {"color": style.VERMILLION, "marker": "X"},
    "not comparable": {"color": style.GREY, "marker": "d"},
}
REAL_MARK: dict[str, Any] = {"color": style.REAL, "marker": "|"}
REAL_INTERVAL: dict[str, Any] = {"linewidth": 3.0, "alpha": 0.35}
NOTE: dict[str, Any] = {"va": "center", "fontsize": 6.0, "color": style.GREY}

#: Facts that have a chart of their own.
ELSEWHERE = ("From act to act",)
#: Days that axes name.
TICKS = (0.3, 1, 3, 10, 30, 100, 300, 1000)
#: Millimetres for each row of facts and of cases, and for what is above and below the rows.
FACT_ROW, CASE_ROW, FRAME = 3.9, 8.0, 30.0
#: Days shown of cases; earlier times, and strikes that come with the trigger, stand at the left edge.
CASE_FIRST_DAY, CASE_LAST_DAY = 0.2, 300.0
TITLES = {STRIKE: "From the trigger to the first strike", HALT: "From the first strike to the halt"}
#: A share from which the ground of a map is so dark that figures upon it are white.
DARK_FROM = 0.55


def _legend(figure: Figure, real: str, simulated: str, interval: bool = True) -> None:
    """Legend: the record, with or without an interval, and the simulated figures by verdict."""
    line = REAL_INTERVAL if interval else {"linestyle": "none"}
    entries = [Line2D([], [], label=real, markersize=7.0, **line, **REAL_MARK)]
    entries += [
        Line2D([], [], linestyle="none", markersize=4.0, label=f"{simulated}: {verdict}", **mark)
        for verdict, mark in VERDICT_MARKS.items()
        if verdict != "not comparable"
    ]
    figure.legend(handles=entries, loc="outside lower center", ncols=len(entries))


def _in_days(axes: Axes, first: float, last: float, label: str = "days (logarithmic)") -> None:
    """Let an axis across be of days, on a logarithmic scale."""
    axes.set_xscale("log")
    axes.set_xlim(first, last)
    axes.xaxis.set_major_locator(FixedLocator([day for day in TICKS if first <= day <= last]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda day, _: f"{day:g}"))
    axes.set_xlabel(label)


def _rows(axes: Axes, labels: list[str], rows: int) -> None:
    """Name the rows, which need no line at the left."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(rows - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def _draw_real(axes: Axes, fact: Fact, height: float, scale: float, size: float) -> None:
    if fact.lower is not None and fact.upper is not None:
        ends = [scale * fact.lower, scale * fact.upper]
        axes.plot(ends, [height, height], color=style.REAL, **REAL_INTERVAL)
    axes.plot([scale * fact.value], [height], markersize=size, **REAL_MARK)


@style.styled
def draw_facts(validation: Validation) -> Figure:
    """A dot with its interval for each fact, over the record's interval: shares to the left, days to the right."""
    panels: dict[bool, dict[str, list[Comparison]]] = {True: {}, False: {}}
    for family, ones in validation.facts.items():
        for one in ones if family not in ELSEWHERE else ():
            if one.verdict != "not comparable":
                panels[one.fact.is_share].setdefault(family, []).append(one)
    # A row for each fact, and one for each family's name.
    rows = max(sum(1 + len(ones) for ones in panel.values()) for panel in panels.values())
    figure = style.new_figure(height=FRAME + FACT_ROW * rows)
    left, right = figure.subplots(1, 2)
    for axes, families, scale in ((left, panels[True], 100.0), (right, panels[False], 1.0)):
        labels: list[str] = []
        for family, ones in families.items():
            labels.append(family_name(family) if scale > 1.0 else family)
            for one in ones:
                _fact_row(axes, len(labels), one, scale)
                labels.append(one.expectation.name)
        _rows(axes, labels, rows)
        heads = [*map(family_name, families), *families]
        for label in axes.get_yticklabels():
            if label.get_text() in heads:
                label.set_fontweight("bold")
    left.set_xlim(0, 100)
    left.set_xlabel("% of what the family says")
    left.set_title("Shares")
    _in_days(right, 0.7, 700)
    right.set_title("Times")
    _legend(figure, "record, 95% interval", "simulated")
    return figure


def _fact_row(axes: Axes, place: int, one: Comparison, scale: float) -> None:
    simulated, mark = one.simulated, VERDICT_MARKS[one.verdict]
    _draw_real(axes, one.fact, place, scale, size=6.0)
    limits = {"simulated": simulated.value, "lower": simulated.lower, "upper": simulated.upper}
    style.keep(axes, fact=one.fact.id, record=one.fact.value, **limits, verdict=one.verdict)
    if not (math.isnan(simulated.lower) or math.isnan(simulated.upper)):
        ends = [scale * simulated.lower, scale * simulated.upper]
        axes.plot(ends, [place, place], color=mark["color"], linewidth=0.9)
    axes.plot([scale * simulated.value], [place], markersize=3.4, clip_on=False, **mark)


@style.styled
def draw_cases(validation: Validation) -> Figure:
    """A row a case: the central 80% and 95% of the simulated times, their median, and the real time."""
    cases = list(dict.fromkeys(one.case.name for one in validation.cases))
    figure = style.new_figure(height=FRAME + CASE_ROW * len(cases))
    panels = figure.subplots(1, 2, sharey=True)
    names = [name.replace(" ", "\n", 1) for name in cases]
    for axes, what in zip(panels, (STRIKE, HALT), strict=True):
        _rows(axes, names, len(cases))
        for one in validation.cases:
            if one.what == what:
                _case_row(axes, cases.index(one.case.name), one)
        _in_days(axes, CASE_FIRST_DAY, CASE_LAST_DAY)
        axes.set_title(TITLES[what])
    _legend(figure, "real time", "simulated (10, 50, 90%)", interval=False)
    return figure


def _case_row(axes: Axes, place: int, one: CaseResult) -> None:
    if one.verdict == "not comparable":
        axes.text(CASE_FIRST_DAY * 1.2, place, "the attack was the trigger", **NOTE)
        return
    mark, row = VERDICT_MARKS[one.verdict], [place, place]
    quantiles = dict(zip(QUANTILES, one.quantiles, strict=True))
    style.keep(axes, case=one.case.name, what=one.what, real=one.real, **quantiles, came=one.came)
    times = np.maximum(one.quantiles, CASE_FIRST_DAY)
    axes.plot(times[[0, 4]], row, color=mark["color"], linewidth=0.8)
    axes.plot(times[[1, 3]], row, color=mark["color"], linewidth=3.5, alpha=0.45)
    axes.plot([times[2]], [place], markersize=4.0, **mark)
    real = max(one.real, CASE_FIRST_DAY)
    axes.plot([real], [place], markersize=11.0, markeredgewidth=1.5, **REAL_MARK)
    if one.came < 0.995:
        axes.annotate(
            f"comes in {percent(one.came)}% of {CASES_AMONG[one.what]}",
            xy=(1.0, place),
            xycoords=axes.get_yaxis_transform(),
            xytext=(0, 9),
            textcoords="offset points",
            ha="right",
            **NOTE,
        )


@style.styled
def draw_survival(validation: Validation) -> Figure:
    """Share of crises still going on by the days since the trigger, with the record's quantiles."""
    curve, durations = survival(validation.batch.ensembles[validation.population]), "Duration"
    real = [one.fact.upper or one.fact.value for one in validation.facts[durations]]
    last = 1.2 * max(curve.watched_until / HOURS, *real)
    days = np.geomspace(1.0, last, 300)
    ended = curve.at(days * HOURS)
    going_on, lower, upper = (
        100 * (1 - share) for share in (ended.estimate, ended.lower, ended.upper)
    )
    figure = style.new_figure(width=style.DOUBLE_COLUMN, height=80.0)
    axes = figure.subplots()
    axes.grid(axis="y")
    band: dict[str, Any] = {"color": style.ESTIMATE, "alpha": 0.2, "linewidth": 0}
    axes.fill_between(days, upper, lower, step="post", **band)
    axes.step(days, going_on, where="post", color=style.ESTIMATE)
    style.keep(axes, days=days, going_on=going_on, lower=upper, upper=lower)
    for one in validation.facts[durations]:
        height = 100 - float(one.fact.id.removeprefix("duration_p"))
        _draw_real(axes, one.fact, height, 1.0, size=8.0)
        mark = VERDICT_MARKS[one.verdict]
        axes.plot([one.simulated.value], [height], markersize=4.0, **mark)
    _in_days(axes, 1.0, last, "days since the trigger (logarithmic)")
    axes.set_ylim(0, 100)
    axes.set_ylabel("% of all crises still going on")
    axes.set_title("How long crises last")
    _legend(figure, "real quantile, 95% interval", "simulated quantile")
    return figure


@style.styled
def draw_transitions(validation: Validation) -> Figure:
    """Maps of the share of acts of each kind (down) that were followed by each kind, or by the end (across).

    The upper maps count all acts, the lower ones only those that were followed by something else: these do not hang on
    how often fighting that goes on counts as a new act.
    """
    tables = dict(zip(("Record (MIE)", "Simulation"), acts_followed(validation), strict=True))
    changed = ("Record, where the kind changes", "Simulation, where the kind changes")
    tables |= dict(zip(changed, map(changes, tables.values()), strict=True))
    figure = style.new_figure(width=style.DOUBLE_COLUMN, height=120.0)
    panels = figure.subplots(2, 2, sharex=True, sharey=True)
    for axes, (title, table) in zip(panels.flat, tables.items(), strict=True):
        axes.imshow(table, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
        axes.set_title(title)
        for (act, following), share in np.ndenumerate(table):
            style.keep(axes, panel=title, act=ACTS[act], followed_by=NEXT[following], share=share)
            if not np.isnan(share):
                colour = "#FFFFFF" if share >= DARK_FROM else style.BLACK
                look: dict[str, Any] = {"ha": "center", "va": "center", "color": colour}
                axes.text(following, act, f"{100 * share:.0f}", fontsize=7.0, **look)
        axes.set_xticks(range(len(NEXT)), NEXT)
        axes.set_yticks(range(len(ACTS)), ACTS)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    for axes in panels[1]:
        axes.set_xlabel("followed next by, % of the row")
    for axes in panels[:, 0]:
        axes.set_ylabel("act")
    return figure


def acts_followed(validation: Validation) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The record's shares and the simulated ones, shape (acts, 1 + acts), the end first."""
    by_id = {one.fact.id: one for one in validation.facts["From act to act"]}
    ordered = [by_id[f"next_{act}_{following}"] for act in ACTS for following in NEXT]
    figures = [(one.fact.value, one.simulated.value) for one in ordered]
    real, simulated = np.array(figures).T.reshape(2, len(ACTS), len(NEXT))
    return real, simulated


def changes(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of those acts alone that another kind, or the end, follows; NaN for what is left out."""
    changed = table.copy()
    changed[np.arange(len(ACTS)), 1 + np.arange(len(ACTS))] = np.nan
    total = np.nansum(changed, axis=1, keepdims=True)
    return np.asarray(changed / np.where(total > 0, total, np.nan))
