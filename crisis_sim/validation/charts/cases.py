"""The simulated times of each case, with the real one marked."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from crisis_sim.report import style
from crisis_sim.report.words import percent
from crisis_sim.validation.cases import AMONG, HALT, STRIKE, CaseResult
from crisis_sim.validation.charts.marks import VERDICT_MARKS, keys
from crisis_sim.validation.run import Validation

#: Days shown; earlier times, and strikes that come with the trigger, stand at the left edge.
FIRST_DAY, LAST_DAY = 0.2, 300.0
TICKS = (0.3, 1, 3, 10, 30, 100, 300)
ROW, FRAME = 8.0, 30.0
TITLES = {STRIKE: "From the trigger to the first strike", HALT: "From the first strike to the halt"}


@style.styled
def draw_cases(validation: Validation) -> Figure:
    """A row a case: the central 80% and 95% of the simulated times, their median, and the real time."""
    cases = list(dict.fromkeys(one.case.name for one in validation.cases))
    figure = style.new_figure(height=FRAME + ROW * len(cases))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, what in zip(panels, (STRIKE, HALT), strict=True):
        axes.grid(axis="x")
        for one in validation.cases:
            if one.what == what:
                _row(axes, cases.index(one.case.name), one)
        axes.set_xscale("log")
        axes.set_xlim(FIRST_DAY, LAST_DAY)
        axes.xaxis.set_major_locator(FixedLocator(TICKS))
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


def _row(axes: Axes, place: int, one: CaseResult) -> None:
    if one.verdict == "not comparable":
        axes.text(
            FIRST_DAY * 1.2,
            place,
            "the attack was the trigger",
            va="center",
            fontsize=6.0,
            color=style.GREY,
        )
        return
    mark = VERDICT_MARKS[one.verdict]
    times = np.maximum(one.quantiles, FIRST_DAY)
    axes.plot(times[[0, 4]], [place, place], color=mark["color"], linewidth=0.8)
    axes.plot(times[[1, 3]], [place, place], color=mark["color"], linewidth=3.5, alpha=0.45)
    axes.plot([times[2]], [place], markersize=4.0, **mark)
    axes.plot(
        [max(one.real, FIRST_DAY)],
        [place],
        color=style.REAL,
        marker="|",
        markersize=11.0,
        markeredgewidth=1.5,
    )
    if one.came < 0.995:
        axes.annotate(
            f"comes in {percent(one.came)}% of {AMONG[one.what]}",
            xy=(1.0, place),
            xycoords=axes.get_yaxis_transform(),
            xytext=(0, 9),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=6.0,
            color=style.GREY,
        )
