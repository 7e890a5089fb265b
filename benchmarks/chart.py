"""The speed of both as a chart."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

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
    axes.loglog(replicates, rates, color=BLUE, marker="o", markersize=3, label="Crisis Sim")
    for speed, colour, dashes in zip(empty, (BLACK, GREY), STATE_DASHES, strict=True):
        rate = speed.agent_turns_per_second
        axes.axhline(rate, color=colour, linestyle=dashes, label=speed.what)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(_shown))
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("replicates in the batch")
    axes.set_ylabel("agent-turns per second, one core")
    axes.grid(visible=True, axis="y")
    axes.legend(loc="lower right")
    return figure


def _shown(number: float, place: int | None = None) -> str:
    """A power of ten with its unit: 10, 10k, 10M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:g}{letter}"
    return f"{number:g}"
