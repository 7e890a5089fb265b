"""Targets, tables and the chart, made of what `make bench` has measured; never typed in.

Where a target holds for batches of ten thousand replicates or more, the least favourable of these sizes decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from benchmarks.histories import ASKED, BESIDE
from crisis_sim.style import BLACK, BLUE, DOUBLE_COLUMN, GREEN, GREY, VERMILLION, new_figure, styled

#: Replicates from which on the targets hold.
FROM = 10_000
#: How much a cost may grow and still be called flat.
FLAT = 1.2

Found = Mapping[str, Any]


def timings_of(found: Found) -> pd.DataFrame:
    """All timings, with their rates; of two of the same batch the quicker, with the most memory."""
    timings = pd.DataFrame(found["timings"])
    timings["rate"] = timings["agent_steps"] / timings["seconds"]
    timings["per_crisis"] = timings["seconds"] / timings["crises"]
    same = ["kind", "scenario", "what", "crises", "workers"]
    timings["memory_mb"] = timings.groupby(same)["memory_mb"].transform("max")
    order = timings.sort_values("seconds").drop_duplicates(same).index
    return timings.loc[sorted(order)]


def levels(timings: pd.DataFrame) -> tuple[float, float, float]:
    """Agent-steps a second of the quickest empty Mesa model on one core, of the plain one and of the floor."""
    best = timings[timings["workers"] == 1].groupby("kind")["rate"].max()
    return best["empty Mesa"], best["plain Mesa"], best["floor"]


def targets(found: Found) -> list[dict[str, Any]]:
    """Each target: `what` is compared in which `scenario`, the ratio `asked`, `at_least` or at most, and the one `measured`.

    `measured` and `met` are None where this run did not measure it.
    """
    names, aims = ("what", "scenario", "asked", "measured", "at_least"), []
    for one in _targets(found):
        _, _, asked, measured, at_least = one
        met = None
        if measured is not None:
            met = bool(measured >= asked if at_least else measured <= asked)
        aims.append({**dict(zip(names, one, strict=True)), "met": met})
    return aims


def _targets(found: Found) -> Iterator[tuple[str, str, float, float | None, bool]]:
    timings, grown = timings_of(found), "{}, largest batch relative to smallest".format
    for scenario in found["scenarios"]:
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
    cold = found["cold_start"]
    name, phases = cold["scenario"], cold["phases"]
    runs = timings[(timings["kind"] == "command") & (timings["crises"] > 0)].sort_values("crises")
    memory = "peak memory of the largest process of `crisis-sim run`"
    yield grown(memory), name, FLAT, _growth(runs["memory_mb"]), False
    imports = f"time of imports in a cold run of {cold['replicates']:,}, relative to all other work"
    yield imports, name, 1.0, phases["imports"] / phases["work"], True
    seconds = timings.groupby("kind")["seconds"].min()
    answers = timings[timings["kind"] == "history"].set_index("what")["seconds"]
    for what, (beside, asked) in ASKED.items():
        taken = float(answers[what] / seconds[beside]) if what in answers else None
        yield f"time of {what}, relative to {BESIDE[beside]}", name, asked, taken, False


def _growth(costs: pd.Series) -> float | None:
    """The cost of the largest beside that of the smallest; None with fewer than two."""
    costs = costs.dropna()
    return float(costs.iloc[-1] / costs.iloc[0]) if len(costs) > 1 else None


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> str:
    """A table in Markdown, whose first columns are texts and the others numbers."""
    rule = ["---"] * texts + ["--:"] * (len(heads) - texts)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, rule, *rows])


def _ratio(number: float) -> str:
    """A ratio, with as many digits as mean something."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def target_table(aims: Iterable[Mapping[str, Any]]) -> str:
    """The targets and the measured values."""
    met = {True: "met", False: "not met", None: "not measured"}
    rows = [
        (
            aim["what"],
            aim["scenario"],
            f"{'at least' if aim['at_least'] else 'at most'} {aim['asked']:g}",
            "" if aim["measured"] is None else _ratio(aim["measured"]),
            met[aim["met"]],
        )
        for aim in aims
    ]
    return table(("measure (a ratio)", "scenario", "target", "measured", "met?"), rows, texts=2)


def tables(found: Found) -> str:
    """All tables, under headings."""
    about = ", ".join(f"{what} {value}" for what, value in found["machine"].items())
    timings = timings_of(found)
    parts = [f"Measured on {about}, at {found['measured']}."]
    parts += ["## Targets", target_table(targets(found))]
    for scenario in found["scenarios"]:
        own = timings[timings["scenario"] == scenario["name"]]
        parts += [
            f"## Speed of {scenario['name']}",
            _speed_table(own),
            _counted(scenario["counts"]),
        ]
    answers = timings[timings["kind"].isin(["history", *BESIDE])]
    if len(answers):
        rows = [
            (BESIDE.get(one.kind, one.what), f"{one.seconds:.3g}") for one in answers.itertuples()
        ]
        parts += ["## Histories", table(("command, with one worker", "seconds"), rows)]
    parts += ["## Commands", _command_table(timings[timings["kind"] == "command"])]
    cold = found["cold_start"]
    split = ", ".join(f"{seconds:.2f} s {phase}" for phase, seconds in cold["phases"].items())
    parts.append(
        f"{cold['replicates']:,} replicates of {cold['scenario']} from a cold start: {split}."
    )
    return "\n\n".join(parts)


def _speed_table(own: pd.DataFrame) -> str:
    """Crises and agent-steps a second, beside the quickest empty Mesa model, the plain one and the floor."""
    empty, plain, floor = levels(own)
    rows = [
        (
            str(one.what),
            f"{one.crises:,}",
            str(one.workers),
            f"{min(one.block_size, one.crises):,}",
            f"{one.seconds:.3g}",
            f"{one.crises / one.seconds:,.0f}",
            f"{one.rate:,.0f}",
            _ratio(one.rate / empty),
            _ratio(one.rate / plain),
            f"{one.rate / floor:.1%}",
            "" if pd.isna(one.memory_mb) else f"{one.memory_mb:,.0f}",
        )
        for one in own.itertuples()
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
        (f"`{one.what}`", f"{one.seconds:.2f}", f"{one.memory_mb:,.0f}")
        for one in commands.itertuples()
    ]
    return table(("command", "seconds", "peak memory, MB"), rows)


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
