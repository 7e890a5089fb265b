"""The results as charts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from benchmarks.cold_start import PHASES, ColdStart
from benchmarks.results import Results, ScenarioResults
from benchmarks.speed import Speed
from crisis_sim.style import (
    BLACK,
    BLUE,
    DOUBLE_COLUMN,
    GREEN,
    GREY,
    ORANGE,
    PALE_GREY,
    SKY_BLUE,
    VERMILLION,
    Fill,
    new_figure,
    say_nothing_to_draw,
    styled,
)

#: One line a number of cores, and one colour a scenario.
ONE_CORE: dict[str, Any] = {"color": BLUE, "marker": "o", "markersize": 3}
TWO_CORES: dict[str, Any] = {"color": VERMILLION, "marker": "s", "markersize": 3}
SCENARIOS: tuple[dict[str, Any], ...] = (
    {"color": BLUE, "marker": "o", "markersize": 3},
    {"color": VERMILLION, "marker": "s", "markersize": 3, "linestyle": (0, (4, 1))},
)
WHOLE_RUN: dict[str, Any] = {
    "color": BLACK,
    "marker": "D",
    "markersize": 3,
    "linestyle": (0, (1, 1)),
}
MICROSECONDS = "microseconds a crisis"
PHASE_FILLS = {
    "python": Fill(PALE_GREY),
    "imports": Fill(SKY_BLUE),
    "reading": Fill(ORANGE),
    "model": Fill(BLUE, text="#FFFFFF"),
    "statistics": Fill(GREEN, text="#FFFFFF"),
    "writing": Fill("#F2DDE8"),
}
#: Share of the whole from which on a phase of the cold start is named upon its own part of the bar.
ROOM = 0.07


def draw_all(results: Results) -> dict[str, Figure]:
    """All charts, by the name of their file."""
    return {
        "speed": draw_speed(results.scenarios),
        "growth": draw_growth(results),
        "cold_start": draw_cold_start(results.cold_start),
    }


@styled
def draw_speed(scenarios: Sequence[ScenarioResults]) -> Figure:
    """Agent-turns a second by replicates, on one core and on two, over Mesa models and under the floor."""
    figure = new_figure(DOUBLE_COLUMN, 75.0)
    panels = figure.subplots(1, len(scenarios), sharey=True, squeeze=False)[0]
    for axes, one in zip(panels, scenarios, strict=True):
        for speeds, line, label in (
            (one.one_core, ONE_CORE, "Crisis Sim, one core"),
            (one.two_cores, TWO_CORES, "Crisis Sim, two cores"),
        ):
            rates = [speed.agent_turns_per_second for speed in speeds]
            if rates:
                axes.loglog([speed.crises for speed in speeds], rates, label=label, **line)
        for speed, label, line in _levels(one):
            axes.axhline(speed.agent_turns_per_second, label=label, linewidth=0.9, **line)
        _in_powers(axes.xaxis)
        _in_powers(axes.yaxis)
        axes.set_title(one.title)
        axes.set_xlabel("replicates in the batch")
        axes.grid(visible=True, axis="y")
    panels[0].set_ylabel("agent-turns a second")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def _levels(one: ScenarioResults) -> list[tuple[Speed, str, dict[str, Any]]]:
    """What batches are compared with, each a level line: its timing, name and look."""
    looks: list[dict[str, Any]] = [
        {"color": BLACK, "linestyle": (0, (4, 1))},
        {"color": GREY, "linestyle": (0, (4, 1))},
        {"color": GREY, "linestyle": (0, (1, 1))},
    ]
    empty = [speed for speed in one.empty if speed.workers == 1]
    return [
        (one.floor.speed, "floor: NumPy alone, one core", {"color": GREEN}),
        *((speed, speed.what, look) for speed, look in zip(empty, looks, strict=False)),
        (one.plain, "plain Mesa", {"color": BLACK}),
    ]


@styled
def draw_growth(results: Results) -> Figure:
    """What a crisis costs by replicates, agents and horizon; and memory by replicates."""
    figure = new_figure(DOUBLE_COLUMN, 100.0)
    (by_replicates, by_memory), (by_agents, by_horizon) = figure.subplots(2, 2)
    _draw_costs(by_replicates, results)
    _draw_memory(by_memory, results)
    for axes, kind, across, title, label in (
        (by_agents, "mediators", "agents", "Cost by agents", "agents, as mediators come and go"),
        (by_horizon, "horizon", "value", "Cost by horizon", "days to the horizon"),
    ):
        points = [point for point in results.growth if point.kind == kind]
        places = [getattr(point, across) for point in points]
        axes.plot(places, [_microseconds(point.speed) for point in points], **SCENARIOS[0])
        axes.set_title(title)
        axes.set_xlabel(label)
        axes.set_ylabel(MICROSECONDS)
        axes.set_xlim(left=0)
        axes.margins(y=0.1)
        axes.set_ylim(bottom=0)
        axes.set_xticks(places)
        axes.grid(visible=True, axis="y")
    return figure


def _draw_costs(axes: Axes, results: Results) -> None:
    """What a crisis costs in batches of all sizes."""
    for one, line in zip(results.scenarios, SCENARIOS, strict=True):
        costs = [_microseconds(speed) for speed in one.one_core]
        axes.loglog([speed.crises for speed in one.one_core], costs, label=one.title, **line)
    axes.set_title("Cost by replicates")
    axes.set_xlabel("replicates in the batch")
    axes.set_ylabel(MICROSECONDS)
    axes.grid(visible=True, axis="y")
    axes.legend(loc="upper right")  # it is empty: cost falls
    _in_powers(axes.xaxis)
    _in_powers(axes.yaxis)


def _draw_memory(axes: Axes, results: Results) -> None:
    """The most memory that batches of all sizes take, on one core, and whole runs on all."""
    lines = [
        (
            one.title,
            line,
            [(b.speed.crises, b.memory_mb) for b in one.batches if b.speed.workers == 1],
        )
        for one, line in zip(results.scenarios, SCENARIOS, strict=True)
    ]
    runs = [(run.replicates, run.memory_mb) for run in results.whole_runs]
    lines.append(("the first, a whole command and its workers", WHOLE_RUN, runs))
    for label, line, points in lines:
        if points:
            axes.semilogx(*zip(*points, strict=True), label=label, **line)
    axes.set_title("Peak memory by replicates")
    axes.set_ylim(0, 1.5 * axes.dataLim.ymax if axes.lines else None)  # with room for the legend
    if not axes.lines:
        say_nothing_to_draw(axes, "not measured")
        return
    _in_powers(axes.xaxis)
    axes.set_xlabel("replicates in the batch")
    axes.set_ylabel("millions of bytes")
    axes.grid(visible=True, axis="y")
    axes.legend(loc="upper left")


def _microseconds(speed: Speed) -> float:
    """What a crisis costs."""
    return 1e6 * speed.seconds_per_crisis


@styled
def draw_cold_start(cold: ColdStart) -> Figure:
    """Where the time of a run from a cold start goes: one bar, in parts."""
    figure = new_figure(DOUBLE_COLUMN, 32.0)
    axes = figure.subplots()
    left = 0.0
    for phase in PHASES:
        seconds, fill = cold.phases[phase], PHASE_FILLS[phase]
        label = f"{phase}, {seconds:.2f} s"
        axes.barh(0, seconds, left=left, color=fill.colour, edgecolor=BLACK, label=label)
        if seconds > ROOM * cold.seconds:
            share = f"{seconds / cold.seconds:.0%}"
            axes.text(left + seconds / 2, 0, share, color=fill.text, ha="center", va="center")
        left += seconds
    axes.set_xlim(0, left)
    axes.yaxis.set_major_locator(NullLocator())
    axes.spines["left"].set_visible(False)
    axes.set_title(
        f"{cold.replicates:,} replicates of {cold.scenario} from a cold start to the charts"
    )
    axes.set_xlabel("seconds")
    figure.legend(loc="outside lower center", ncols=len(PHASES))
    return figure


def _in_powers(axis: Axis) -> None:
    """Let an axis in powers of ten name each of them."""
    axis.set_major_locator(LogLocator(numticks=12))
    axis.set_major_formatter(FuncFormatter(_shown))
    axis.set_minor_formatter(NullFormatter())


def _shown(number: float, place: int | None = None) -> str:
    """A power of ten with its unit: 10, 10k, 10M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:g}{letter}"
    return f"{number:g}"
