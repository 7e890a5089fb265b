"""The speed of both as a chart."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from benchmarks.speed import Speed
from crisis_sim.report.style import (
    BLACK,
    BLUE,
    GREY,
    SINGLE_COLUMN,
    STATE_DASHES,
    new_figure,
    styled,
)


@styled
def draw_speed(ours: Sequence[Speed], empty: Sequence[Speed]) -> Figure:
    """Agent-turns per second by number of replicates, over the lines of empty Mesa models.

    Args:
        ours: Crisis Sim on one core, from few replicates to many.
        empty: the empty Mesa models.
    """
    figure = new_figure(SINGLE_COLUMN, 65.0)
    axes = figure.subplots()
    replicates = [speed.crises for speed in ours]
    rates = [speed.agent_turns_per_second for speed in ours]
    axes.loglog(replicates, rates, color=BLUE, marker="o", markersize=3, label=ours[0].what)
    for speed, dashes in zip(empty, STATE_DASHES, strict=True):
        colour = BLACK if dashes == STATE_DASHES[0] else GREY
        axes.axhline(speed.agent_turns_per_second, color=colour, linestyle=dashes, label=speed.what)
    axes.set_xlabel("replicates in the batch")
    axes.set_ylabel("agent-turns per second, one core")
    axes.set_title("Speed beside a Mesa model that does nothing")
    axes.grid(visible=True, axis="y")
    axes.legend(loc="lower right")
    return figure
