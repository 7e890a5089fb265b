"""The chart of speed: how many agent-steps a second, by the size of the batch."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from benchmarks.report import Found, levels, timings_of
from crisis_sim.style import BLACK, BLUE, DOUBLE_COLUMN, GREEN, GREY, VERMILLION, new_figure, styled


@styled
def draw_speed(found: Found) -> Figure:
    """Agent-steps a second by replicates, on one core and on two, over Mesa models and under the floor."""
    timings, figure = timings_of(found), new_figure(DOUBLE_COLUMN, 75.0)
    panels = figure.subplots(1, len(found["scenarios"]), sharey=True, squeeze=False)[0]
    dashed: dict[str, Any] = {"linewidth": 0.9, "linestyle": (0, (4, 1))}
    for axes, scenario in zip(panels, found["scenarios"], strict=True):
        own = timings[timings["scenario"] == scenario["name"]].sort_values("crises")
        for workers, label, colour, marker in (
            (1, "Crisis Sim, one core", BLUE, "o"),
            (2, "Crisis Sim, two cores", VERMILLION, "s"),
        ):
            line = own[(own["kind"] == "ours") & (own["workers"] == workers)]
            if len(line):
                look: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 3}
                axes.loglog(line["crises"], line["rate"], label=label, **look)
        empty, plain, floor = levels(own)
        axes.axhline(floor, label="floor: NumPy alone, one core", color=GREEN, linewidth=0.9)
        axes.axhline(empty, label="empty Mesa, the quickest", color=GREY, **dashed)
        axes.axhline(plain, label="plain Mesa", color=BLACK, **dashed)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(numticks=12))
            axis.set_major_formatter(EngFormatter(sep=""))
            axis.set_minor_formatter(NullFormatter())
        axes.set_title(scenario["title"])
        axes.set_xlabel("replicates in the batch")
        axes.grid(visible=True, axis="y")
    panels[0].set_ylabel("agent-steps a second")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure
