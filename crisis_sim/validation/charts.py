"""The charts of the validation. They draw the comparison and compute no further statistics.

Only the record is black, as in the other charts. A verdict has a colour and a shape, so that it is visible in grey
print, too.
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
from crisis_sim.experiments import plots
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
}
#: Meaning of the verdicts in the legends.
FACT_VERDICTS: dict[Verdict, str] = {
    "inside": "inside: simulated value in the historical record's interval",
    "near": "near: intervals overlap, or within the tolerance",
    "outside": "outside: neither",
}
CASE_VERDICTS: dict[Verdict, str] = {
    "inside": "median; inside: real time in the central 80%",
    "near": "median; near: real time in the central 95%",
    "outside": "median; outside: neither",
}
REAL_MARK: dict[str, Any] = {"color": style.REAL, "marker": "|"}
REAL_INTERVAL: dict[str, Any] = {"linewidth": 3.0, "alpha": 0.35}
CENTRAL_95: dict[str, Any] = {"linewidth": 0.8}
CENTRAL_80: dict[str, Any] = {"linewidth": 3.5, "alpha": 0.45}
NOTE: dict[str, Any] = {"va": "center", "fontsize": 6.0, "color": style.GREY}

#: Families of facts with a chart of their own.
SEPARATE = ("From act to act",)
#: Labelled days of the axes.
TICKS = (0.3, 1, 3, 10, 30, 100, 300, 1000)
#: Height of a row of facts, of a row of cases, and of everything else, millimetres.
FACT_ROW, CASE_ROW, FRAME = 3.9, 8.0, 33.0
#: Width of the labels of facts, points.
LABELS = 92.0
#: Range of days in the chart of cases; earlier times are drawn at the left edge.
CASE_FIRST_DAY, CASE_LAST_DAY = 0.2, 300.0
TITLES = {STRIKE: "From the trigger to the first strike", HALT: "From the first strike to the halt"}
#: Share from which the colour of a cell is so dark that its number is white.
DARK_FROM = 0.55


def _key(label: str, **look: Any) -> Line2D:
    return Line2D([], [], label=label, **look)


def _legend(figure: Figure, *keys: Line2D, meanings: dict[Verdict, str], **look: Any) -> None:
    """Draw a legend of other keys and of the verdicts."""
    verdicts = (
        _key(meaning, markersize=4.0, **look, **VERDICT_MARKS[verdict])
        for verdict, meaning in meanings.items()
    )
    figure.legend(handles=[*keys, *verdicts], loc="outside lower center", ncols=2)


def _in_days(axes: Axes, first: float, last: float, label: str = "days (logarithmic)") -> None:
    """Set up a horizontal axis of days on a logarithmic scale."""
    axes.set_xscale("log")
    axes.set_xlim(first, last)
    axes.xaxis.set_major_locator(FixedLocator([day for day in TICKS if first <= day <= last]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda day, _: f"{day:g}"))
    axes.set_xlabel(label)


def _draw_real(axes: Axes, fact: Fact, height: float, scale: float, size: float) -> None:
    if fact.lower is not None and fact.upper is not None:
        ends = [scale * fact.lower, scale * fact.upper]
        axes.plot(ends, [height, height], color=style.REAL, **REAL_INTERVAL)
    axes.plot([scale * fact.value], [height], markersize=size, **REAL_MARK)


@style.styled
def draw_facts(validation: Validation) -> Figure:
    """Draw the simulated value of each fact over the record's interval: shares on the left, days on the right."""
    panels: dict[bool, dict[str, list[Comparison]]] = {True: {}, False: {}}
    for family, comparisons in validation.facts.items():
        for comparison in comparisons if family not in SEPARATE else ():
            if comparison.verdict != "not comparable":
                panels[comparison.fact.is_share].setdefault(family, []).append(comparison)
    # A row for each fact and for each family's name.
    rows = max(len(panel) + sum(map(len, panel.values())) for panel in panels.values())
    figure = style.new_figure(height=FRAME + FACT_ROW * rows)
    left, right = figure.subplots(1, 2)
    for axes, families, scale in ((left, panels[True], 100.0), (right, panels[False], 1.0)):
        labels: list[str] = []
        for family, comparisons in families.items():
            _heading(axes, len(labels), family_name(family) if scale > 1.0 else family)
            labels.append("")
            for comparison in comparisons:
                _fact_row(axes, len(labels), comparison, scale)
                labels.append(comparison.expectation.name)
        plots.name_rows(axes, labels, rows - len(labels) + 0.6)
    left.set_xlim(0, 100)
    left.set_xlabel("% of those named in the heading")
    left.set_title("Shares")
    _in_days(right, 0.7, 700)
    right.set_title("Times")
    record = _key(
        "historical record with its 95% interval", markersize=7.0, **REAL_INTERVAL, **REAL_MARK
    )
    _legend(figure, record, meanings=FACT_VERDICTS, linewidth=0.9)
    return figure


def _heading(axes: Axes, row: int, text: str) -> None:
    """Write a heading over the labels of the rows and the plot."""
    axes.annotate(
        text,
        xy=(0.0, row),
        xycoords=axes.get_yaxis_transform(),
        xytext=(-LABELS, 0.0),
        textcoords="offset points",
        va="center",
        fontsize=6.5,
        fontweight="bold",
    )


def _fact_row(axes: Axes, row: int, comparison: Comparison, scale: float) -> None:
    fact, simulated = comparison.fact, comparison.simulated
    mark = VERDICT_MARKS[comparison.verdict]
    _draw_real(axes, fact, row, scale, size=6.0)
    limits = {"simulated": simulated.value, "lower": simulated.lower, "upper": simulated.upper}
    style.keep(axes, fact=fact.id, record=fact.value, **limits, verdict=comparison.verdict)
    if not (math.isnan(simulated.lower) or math.isnan(simulated.upper)):
        ends = [scale * simulated.lower, scale * simulated.upper]
        plots.span(axes, ends, row, mark["color"], 0.9)
    axes.plot([scale * simulated.value], [row], markersize=3.4, clip_on=False, **mark)


@style.styled
def draw_cases(validation: Validation) -> Figure:
    """Draw the median, the central 80% and the central 95% of the simulated times of each case, and the real time."""
    cases = list(dict.fromkeys(result.case.name for result in validation.cases))
    figure = style.new_figure(height=FRAME + CASE_ROW * len(cases))
    panels = figure.subplots(1, 2, sharey=True)
    names = [name.replace(" ", "\n", 1) for name in cases]
    for axes, what in zip(panels, (STRIKE, HALT), strict=True):
        plots.name_rows(axes, names)
        for result in validation.cases:
            if result.what == what:
                _case_row(axes, cases.index(result.case.name), result)
        _in_days(axes, CASE_FIRST_DAY, CASE_LAST_DAY)
        axes.set_title(TITLES[what])
    _legend(
        figure,
        _key("real time", markersize=7.0, linestyle="none", **REAL_MARK),
        _key("central 80% of the simulated times", color=style.GREY, **CENTRAL_80),
        _key("central 95% of the simulated times", color=style.GREY, **CENTRAL_95),
        meanings=CASE_VERDICTS,
        linestyle="none",
    )
    return figure


def _case_row(axes: Axes, row: int, result: CaseResult) -> None:
    if result.verdict == "not comparable":
        axes.text(CASE_FIRST_DAY * 1.2, row, "the attack was the trigger", **NOTE)
        return
    mark, rows = VERDICT_MARKS[result.verdict], [row, row]
    quantiles = dict(zip(QUANTILES, result.quantiles, strict=True))
    figures = {"real": result.real, **quantiles, "came": result.came}
    style.keep(axes, case=result.case.name, what=result.what, **figures)
    times = np.maximum(result.quantiles, CASE_FIRST_DAY)
    axes.plot(times[[0, 4]], rows, color=mark["color"], **CENTRAL_95)
    axes.plot(times[[1, 3]], rows, color=mark["color"], **CENTRAL_80)
    axes.plot([times[2]], [row], markersize=4.0, **mark)
    real = max(result.real, CASE_FIRST_DAY)
    axes.plot([real], [row], markersize=11.0, markeredgewidth=1.5, **REAL_MARK)
    if result.came < 0.995:
        axes.annotate(
            f"occurs in {percent(result.came)}% of {CASES_AMONG[result.what]}",
            xy=(1.0, row),
            xycoords=axes.get_yaxis_transform(),
            xytext=(0, 9),
            textcoords="offset points",
            ha="right",
            **NOTE,
        )


@style.styled
def draw_survival(validation: Validation) -> Figure:
    """Draw the share of crises still going on by days since the trigger, with the record's quantiles."""
    curve = survival(validation.batch.ensembles[validation.population])
    comparisons = validation.facts["Duration"]
    uppers = [comparison.fact.upper or comparison.fact.value for comparison in comparisons]
    last = 1.2 * max(curve.watched_until / HOURS, *uppers)
    days = np.geomspace(1.0, last, 300)
    ended = curve.at(days * HOURS)
    going_on, lower, upper = (
        100 * (1 - share) for share in (ended.estimate, ended.lower, ended.upper)
    )
    figure = style.new_figure(width=style.DOUBLE_COLUMN, height=84.0)
    axes = figure.subplots()
    axes.grid(axis="y")
    band: dict[str, Any] = {"color": style.ESTIMATE, "alpha": 0.2, "linewidth": 0}
    axes.fill_between(days, upper, lower, step="post", **band)
    axes.step(days, going_on, where="post", color=style.ESTIMATE)
    style.keep(axes, days=days, going_on=going_on, lower=upper, upper=lower)
    for comparison in comparisons:
        height = 100 - float(comparison.fact.id.removeprefix("duration_p"))
        _draw_real(axes, comparison.fact, height, 1.0, size=8.0)
        mark = VERDICT_MARKS[comparison.verdict]
        axes.plot([comparison.simulated.value], [height], markersize=4.0, **mark)
    _in_days(axes, 1.0, last, "days since the trigger (logarithmic)")
    axes.set_ylim(0, 100)
    axes.set_ylabel("% of all crises still going on")
    axes.set_title("How long crises last")
    record = _key(
        "recorded quantile with its 95% interval", markersize=7.0, **REAL_INTERVAL, **REAL_MARK
    )
    _legend(figure, record, meanings=FACT_VERDICTS, linestyle="none")
    return figure


@style.styled
def draw_transitions(validation: Validation) -> Figure:
    """Draw the share of acts of each kind (rows) that are followed by each kind, or by the end (columns).

    The upper panels count all acts, the lower ones only acts that are followed by another kind. The latter do not depend on
    how often continuing fighting counts as a new act.
    """
    record, simulation = acts_followed(validation)
    tables = {
        "Record (MIE)": record,
        "Simulation": simulation,
        "Record, where the kind changes": changes(record),
        "Simulation, where the kind changes": changes(simulation),
    }
    figure = style.new_figure(width=style.DOUBLE_COLUMN, height=120.0)
    panels = figure.subplots(2, 2, sharex=True, sharey=True)
    for axes, (title, table) in zip(panels.flat, tables.items(), strict=True):
        axes.imshow(table, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
        axes.set_title(title)
        for (act, following), share in np.ndenumerate(table):
            style.keep(axes, panel=title, act=ACTS[act], followed_by=NEXT[following], share=share)
            if not np.isnan(share):
                colour = "#FFFFFF" if share >= DARK_FROM else style.BLACK
                place: dict[str, Any] = {"ha": "center", "va": "center"}
                axes.text(following, act, f"{100 * share:.0f}", fontsize=7.0, color=colour, **place)
        axes.set_xticks(range(len(NEXT)), NEXT)
        axes.set_yticks(range(len(ACTS)), ACTS)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    for axes in panels[1]:
        axes.set_xlabel("next act, % of the row")
    for axes in panels[:, 0]:
        axes.set_ylabel("act")
    return figure


def acts_followed(validation: Validation) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the recorded and the simulated shares, each of shape (acts, 1 + acts); the first column is the end."""
    by_id = {comparison.fact.id: comparison for comparison in validation.facts["From act to act"]}
    table = [[by_id[f"next_{act}_{following}"] for following in NEXT] for act in ACTS]
    real = [[comparison.fact.value for comparison in row] for row in table]
    simulated = [[comparison.simulated.value for comparison in row] for row in table]
    return np.array(real), np.array(simulated)


def changes(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shares among acts that are followed by another kind or the end; NaN on the diagonal."""
    changed = table.copy()
    changed[np.arange(len(ACTS)), 1 + np.arange(len(ACTS))] = np.nan
    total = np.nansum(changed, axis=1, keepdims=True)
    return np.asarray(changed / np.where(total > 0, total, np.nan))
