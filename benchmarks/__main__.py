"""`python -m benchmarks`: measure, print tables in Markdown, keep the figures and a chart."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.chart import draw_speed
from benchmarks.commands import Command, time_start_up, time_whole_run
from benchmarks.machine import machine
from benchmarks.speed import (
    Speed,
    best_of,
    count_agents,
    time_crises,
    time_empty_mesa,
    time_pool_start,
)
from crisis_sim.batch.manifest import git_revision
from crisis_sim.report import save_chart
from crisis_sim.scenario import Scenario, load_scenario

RESULTS = Path(__file__).parent / "results"
SCENARIO = "may_2025"
#: Replicates in a batch; the small sizes are measured in rounds, the large ones once.
SMALL_SIZES, LARGE_SIZES = (1, 100, 1_000, 10_000), (100_000,)
ROUNDS = 3
BLOCK_SIZES = (1_024, 4_096, 16_384, 65_536)
#: Replicates on which block sizes, and numbers of workers, are compared.
MANY = 65_536
MILLION = 1_000_000


def main() -> None:
    """Measure all that was asked for, and report it."""
    asked = _read_arguments()
    about = machine()
    scenario = load_scenario(SCENARIO)
    agents = count_agents(scenario)
    warm = time_crises(scenario, 4_000)
    mean_turns = round(warm.agent_turns / warm.crises / agents)

    talk(f"{SCENARIO}: {agents} agents, {mean_turns} turns in the mean crisis; timing batches")
    ours, empty = _measure_speed(scenario, agents, mean_turns, asked.quick)
    by_block = [] if asked.quick else _measure_block_sizes(scenario)
    by_workers = [] if asked.quick else _measure_workers(scenario)
    pool_start = time_pool_start(scenario, os.cpu_count() or 1)
    talk("timing whole commands")
    commands = [*time_start_up(), time_whole_run(10_000)]
    if asked.million:
        talk("running a million replicates; this takes minutes")
        commands.append(time_whole_run(MILLION))

    figures = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_revision": git_revision()[0],
        "machine": about,
        "scenario": {
            "name": SCENARIO,
            "digest": scenario.digest,
            "agents": agents,
            "mean_turns": mean_turns,
        },
        "ours": [speed.plain() for speed in ours],
        "empty_mesa": [speed.plain() for speed in empty],
        "ratio_at_10000": _ratio(ours, empty),
        "by_block_size": [speed.plain() for speed in by_block],
        "by_workers": [speed.plain() for speed in by_workers],
        "pool_start_seconds": pool_start,
        "commands": [command.plain() for command in commands],
    }
    print(_tables(figures, [*ours, *by_block, *by_workers], empty, commands))
    _keep(figures, ours, empty, asked.out)


def talk(words: str) -> None:
    """Say on stderr what is going on."""
    print(words, file=sys.stderr, flush=True)


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, small batches only")
    parser.add_argument("--million", action="store_true", help="run a million replicates, too")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for figures and chart")
    return parser.parse_args()


def _measure_speed(
    scenario: Scenario, agents: int, mean_turns: int, quick: bool
) -> tuple[list[Speed], list[Speed]]:
    """Batches of all sizes on one core, and empty Mesa models between them."""

    def batches() -> list[Speed]:
        return [time_crises(scenario, size) for size in SMALL_SIZES]

    empty = partial(time_empty_mesa, agents, mean_turns)
    timings = best_of(1 if quick else ROUNDS, [batches, empty])
    ours, theirs = timings[: len(SMALL_SIZES)], timings[len(SMALL_SIZES) :]
    large = [] if quick else [time_crises(scenario, size) for size in LARGE_SIZES]
    return [*ours, *large], theirs


def _measure_block_sizes(scenario: Scenario) -> list[Speed]:
    return [time_crises(scenario, MANY, block_size=size) for size in BLOCK_SIZES]


def _measure_workers(scenario: Scenario) -> list[Speed]:
    return [time_crises(scenario, 2 * MANY, workers=workers) for workers in (1, 2)]


def _ratio(ours: Sequence[Speed], empty: Sequence[Speed]) -> float:
    """Our agent-turns per second at ten thousand replicates, over the quickest empty model's."""
    (ten_thousand,) = (speed for speed in ours if speed.crises == SMALL_SIZES[-1])
    return ten_thousand.agent_turns_per_second / max(one.agent_turns_per_second for one in empty)


def _tables(
    figures: dict[str, Any],
    ours: Iterable[Speed],
    empty: Iterable[Speed],
    commands: Iterable[Command],
) -> str:
    quickest = max(speed.agent_turns_per_second for speed in empty)
    about = ", ".join(f"{what} {value}" for what, value in figures["machine"].items())
    lines = [
        "\n## Speed\n",
        "| | crises | workers | block size | seconds | crises/s | agent-turns/s | x empty Mesa |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
        *(
            f"| {one.what} | {one.crises:,} | {one.workers} | {one.block_size:,} "
            f"| {one.seconds:.2f} | {one.crises_per_second:,.0f} "
            f"| {one.agent_turns_per_second:,.0f} "
            f"| {one.agent_turns_per_second / quickest:.1f} |"
            for one in [*ours, *empty]
        ),
        "\n## Commands\n",
        "| command | seconds | peak memory, MB |",
        "|---|--:|--:|",
        *(f"| `{one.what}` | {one.seconds:.2f} | {one.peak_memory_mb:,.0f} |" for one in commands),
        f"\nA pool of {os.cpu_count()} workers gives back its first blocks after "
        f"{figures['pool_start_seconds']:.1f} s.",
        f"\nMeasured on {about}.",
    ]
    return "\n".join(lines)


def _keep(
    figures: dict[str, Any], ours: Sequence[Speed], empty: Sequence[Speed], folder: Path
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(figures, indent=2) + "\n"
    (folder / "speed.json").write_text(text, encoding="utf-8")
    figure = draw_speed(ours, empty)
    for suffix in (".svg", ".png"):
        save_chart(figure, folder / f"speed{suffix}")
    talk(f"kept in {folder}")


if __name__ == "__main__":
    main()
