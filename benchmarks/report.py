"""Targets, tables and the chart, made from the measurements of `make bench`.

If a target is for batches of ten thousand replicates or more, the size with the worst result counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from benchmarks.histories import ASKED, BESIDE
from crisis_sim.style import BLACK, BLUE, DOUBLE_COLUMN, GREEN, GREY, VERMILLION, new_figure, styled

#: The smallest number of replicates to which the targets apply.
FROM = 10_000
#: Target for costs that should not grow with the batch.
FLAT = 1.2

Measurements = Mapping[str, Any]


def timings_of(measurements: Measurements) -> pd.DataFrame:
    """All timings, with their rates; if a batch was timed twice, the faster timing, with the larger memory."""
    timings = pd.DataFrame(measurements["timings"])
    timings["rate"] = timings["agent_steps"] / timings["seconds"]
    timings["per_crisis"] = timings["seconds"] / timings["crises"]
    same = ["kind", "scenario", "what", "crises", "workers"]
    timings["memory_mb"] = timings.groupby(same)["memory_mb"].transform("max")
    order = timings.sort_values("seconds").drop_duplicates(same).index
    return timings.loc[sorted(order)]


def levels(timings: pd.DataFrame) -> tuple[float, float, float]:
    """Agent-steps per second on one core of the fastest empty Mesa model, of the plain Mesa model and of the floor."""
    best = timings[timings["workers"] == 1].groupby("kind")["rate"].max()
    return best["empty Mesa"], best["plain Mesa"], best["floor"]


def targets(measurements: Measurements) -> list[dict[str, Any]]:
    """The targets: `what` is compared, its `scenario`, the ratio `asked` (`at_least` or at most) and the ratio `measured`.

    `measured` and `met` are None if this run did not measure it.
    """
    names, rows = ("what", "scenario", "asked", "measured", "at_least"), []
    for target in _targets(measurements):
        _, _, asked, measured, at_least = target
        met = None
        if measured is not None:
            met = bool(measured >= asked if at_least else measured <= asked)
        rows.append({**dict(zip(names, target, strict=True)), "met": met})
    return rows


def _targets(measurements: Measurements) -> Iterator[tuple[str, str, float, float | None, bool]]:
    timings, grown = timings_of(measurements), "{}, largest batch relative to smallest".format
    for scenario in measurements["scenarios"]:
        name = scenario["name"]
        own = timings[timings["scenario"] == name]
        large = own[(own["kind"] == "ours") & (own["workers"] == 1) & (own["crises"] >= FROM)]
        large = large.sort_values("crises")
        empty, plain, floor = levels(own)
        slowest = float(large["rate"].min()) if len(large) else None
        for what, asked, rate in (
            ("agent-steps per second, relative to the fastest empty Mesa model", 40.0, empty),
            ("agent-steps per second, relative to the plain Mesa model", 150.0, plain),
        ):
            yield what, name, asked, slowest and slowest / rate, True
        slowdown = slowest and floor / slowest
        yield "time, relative to the least that NumPy needs", name, 3.0, slowdown, False
        turns = own[own["kind"] == "in turns"].set_index("workers")["seconds"]
        two = float(turns[1] / turns[2]) if len(turns) else None
        yield "crises per second with two workers, relative to one", name, 1.8, two, True
        yield grown("time per crisis"), name, FLAT, _growth(large["per_crisis"]), False
        yield grown("peak memory of a batch"), name, FLAT, _growth(large["memory_mb"]), False
    cold = measurements["cold_start"]
    name, phases = cold["scenario"], cold["phases"]
    runs = timings[(timings["kind"] == "command") & (timings["crises"] > 0)].sort_values("crises")
    memory = "peak memory of the largest process of `crisis-sim run`"
    yield grown(memory), name, FLAT, _growth(runs["memory_mb"]), False
    imports = f"time of imports in a cold run of {cold['replicates']:,}, relative to all other work"
    yield imports, name, 1.0, phases["imports"] / phases["work"], True
    seconds = timings.groupby("kind")["seconds"].min()
    answers = timings[timings["kind"] == "history"].set_index("what")["seconds"]
    for what, (reference, asked) in ASKED.items():
        ratio = float(answers[what] / seconds[reference]) if what in answers else None
        yield f"time of {what}, relative to {BESIDE[reference]}", name, asked, ratio, False


def _growth(costs: pd.Series) -> float | None:
    """The cost of the largest batch relative to that of the smallest; None for fewer than two."""
    costs = costs.dropna()
    return float(costs.iloc[-1] / costs.iloc[0]) if len(costs) > 1 else None


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> str:
    """A table in Markdown; the first columns contain text, the others numbers."""
    rule = ["---"] * texts + ["--:"] * (len(heads) - texts)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, rule, *rows])


def _ratio(number: float) -> str:
    """A ratio with three significant digits."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def target_table(target_list: Iterable[Mapping[str, Any]]) -> str:
    """The targets and the measured values."""
    met = {True: "met", False: "not met", None: "not measured"}
    rows = [
        (
            target["what"],
            target["scenario"],
            f"{'at least' if target['at_least'] else 'at most'} {target['asked']:g}",
            "" if target["measured"] is None else _ratio(target["measured"]),
            met[target["met"]],
        )
        for target in target_list
    ]
    return table(("measure (a ratio)", "scenario", "target", "measured", "met?"), rows, texts=2)


def tables(measurements: Measurements) -> str:
    """All tables, under headings."""
    machine = ", ".join(f"{what} {value}" for what, value in measurements["machine"].items())
    timings = timings_of(measurements)
    parts = [f"Measured on {machine}, at {measurements['measured']}."]
    parts += ["## Targets", target_table(targets(measurements))]
    for scenario in measurements["scenarios"]:
        own = timings[timings["scenario"] == scenario["name"]]
        parts += [
            f"## Speed of {scenario['name']}",
            _speed_table(own),
            _counted(scenario["counts"]),
        ]
    answers = timings[timings["kind"].isin(["history", *BESIDE])]
    if len(answers):
        rows = [
            (BESIDE.get(row.kind, row.what), f"{row.seconds:.3g}") for row in answers.itertuples()
        ]
        parts += ["## Histories", table(("command, with one worker", "seconds"), rows)]
    parts += ["## Commands", _command_table(timings[timings["kind"] == "command"])]
    cold = measurements["cold_start"]
    split = ", ".join(f"{seconds:.2f} s {phase}" for phase, seconds in cold["phases"].items())
    parts.append(
        f"{cold['replicates']:,} replicates of {cold['scenario']} from a cold start: {split}."
    )
    return "\n\n".join(parts)


def _speed_table(own: pd.DataFrame) -> str:
    """Crises and agent-steps per second, also relative to the Mesa models and the floor."""
    empty, plain, floor = levels(own)
    rows = [
        (
            str(row.what),
            f"{row.crises:,}",
            str(row.workers),
            f"{min(row.block_size, row.crises):,}",
            f"{row.seconds:.3g}",
            f"{row.crises / row.seconds:,.0f}",
            f"{row.rate:,.0f}",
            _ratio(row.rate / empty),
            _ratio(row.rate / plain),
            f"{row.rate / floor:.1%}",
            "" if pd.isna(row.memory_mb) else f"{row.memory_mb:,.0f}",
        )
        for row in own.itertuples()
    ]
    heads = "model|crises|workers|crises per block|seconds|crises/s|agent-steps/s|x empty Mesa|x plain Mesa"
    heads += "|of NumPy's speed|peak MB"
    return table(heads.split("|"), rows)


def _counted(counts: Mapping[str, Any]) -> str:
    each = counts["replicates"]
    return (
        f"{counts['agents']} agents, {counts['mean_steps']} steps per crisis on average, "
        f"{counts['decisions_per_state_step']:.3f} decisions per step of a state. A crisis takes "
        f"{counts['numbers'] / each:,.0f} random numbers, {counts['exponentials'] / each:,.0f} exponentials and, "
        f"in each step, {counts['state_bytes']:,.0f} bytes of state."
    )


def _command_table(commands: pd.DataFrame) -> str:
    rows = [
        (f"`{row.what}`", f"{row.seconds:.2f}", f"{row.memory_mb:,.0f}")
        for row in commands.itertuples()
    ]
    return table(("command", "seconds", "peak memory, MB"), rows)


@styled
def draw_speed(measurements: Measurements) -> Figure:
    """Agent-steps per second by replicates, on one core and on two, with lines for the Mesa models and the floor."""
    timings, figure = timings_of(measurements), new_figure(DOUBLE_COLUMN, 75.0)
    panels = figure.subplots(1, len(measurements["scenarios"]), sharey=True, squeeze=False)[0]
    dashed: dict[str, Any] = {"linewidth": 0.9, "linestyle": (0, (4, 1))}
    for axes, scenario in zip(panels, measurements["scenarios"], strict=True):
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
