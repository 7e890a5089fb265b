"""How long crises last: the simulated survival curve, and the real quantiles with their intervals."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from crisis_sim.report import style
from crisis_sim.validation.charts.marks import VERDICT_MARKS, keys
from crisis_sim.validation.families import HOURS, survival
from crisis_sim.validation.run import Validation

#: Days shown: from a day to as long as any crisis is watched, on a logarithmic scale.
FIRST_DAY = 1.0
TICKS = (1, 3, 10, 30, 100, 300, 1000)
GRID_POINTS = 300


@style.styled
def draw_survival(validation: Validation) -> Figure:
    """Share of crises still going on by the days since the trigger, with the record's quantiles."""
    curve = survival(validation.batch.ensembles[validation.population])
    real = [one.fact.upper or one.fact.value for one in validation.facts["Duration"]]
    last = 1.2 * max(curve.watched_until / HOURS, *real)
    days = np.geomspace(FIRST_DAY, last, GRID_POINTS)
    ended, lower, upper = curve.on_grid(days * HOURS)
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
    axes.set_xlim(FIRST_DAY, last)
    axes.set_ylim(0, 100)
    axes.xaxis.set_major_locator(FixedLocator([day for day in TICKS if day <= last]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda day, _: f"{day:g}"))
    axes.set_xlabel("days since the trigger (logarithmic)")
    axes.set_ylabel("% of all crises still going on")
    axes.set_title("How long crises last")
    entries = keys("real quantile, 95% interval", "simulated quantile")
    figure.legend(handles=entries, loc="outside lower center", ncols=len(entries))
    return figure
