"""`python -m benchmarks`: measure speed and memory on one machine; write figures, tables and the chart."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.histories import time_histories
from benchmarks.mesa_models import comparisons
from benchmarks.report import FOLDER, FROM, draw_speed, save, tables
from benchmarks.timing import (
    WARM_UP,
    Timing,
    best_of,
    machine,
    talk,
    time_batch,
    time_in_fresh_process,
    time_python,
)
from crisis_sim.report import save_chart
from crisis_sim.scenario import Scenario, load_scenario

#: A single case, and the population of crises.
SCENARIOS = ("may_2025", "since_1945")


def main() -> None:
    """Measure, and report the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    quick = "measure for about a minute: one round, no batch above 10,000, no nowcast, one worker"
    parser.add_argument("--quick", action="store_true", help=quick)
    most = "the most replicates in a batch; %(default)s"
    parser.add_argument("--most", type=int, default=100_000, metavar="N", help=most)
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for the results")
    arguments = parser.parse_args()
    measurements = measure(arguments.most, arguments.quick)
    save(arguments.out, "speed", measurements, tables(measurements))
    for suffix in (".svg", ".png"):
        save_chart(draw_speed(measurements), arguments.out / f"speed{suffix}")


def measure(most: int, quick: bool = False) -> dict[str, Any]:
    """Measure everything, as plain data.

    Args:
        most: the most replicates in a batch.
        quick: leave out two workers, memory of batches, batches above 10,000, the nowcast, and further rounds.
    """
    about = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
    }
    scenarios = [load_scenario(name) for name in SCENARIOS]
    sizes = [10**power for power in range(len(str(min(most, FROM) if quick else most)))]
    speed = [timing for each in scenarios for timing in time_scenario(each, sizes, quick)]
    talk("branch, why, nowcast and play")
    histories = time_histories(scenarios[0], quick)
    talk("whole commands, from a cold start")
    commands = time_commands(1 if quick else 3, [size for size in sizes if size >= FROM])
    timings = {"speed": speed, "histories": histories, "commands": commands}
    return {
        **about,
        "scenarios": {each.name: each.title for each in scenarios},
        **{part: [asdict(timing) for timing in some] for part, some in timings.items()},
    }


def time_scenario(scenario: Scenario, sizes: list[int], quick: bool) -> list[Timing]:
    """Time other ways to run crises, and batches of all sizes; batches of 10,000 and more in fresh processes."""
    rounds, name = 1 if quick else 3, scenario.name
    talk(f"{name}: small batches, and crises on Mesa")
    time_batch(scenario, WARM_UP)
    in_process = [size for size in sizes if quick or size < FROM]
    tasks = [partial(time_batch, scenario, size) for size in in_process]
    timings = best_of(rounds, [*comparisons(scenario), *tasks])
    for size in (size for size in sizes if size not in in_process):
        talk(f"{name}: {size:,} replicates, with one worker and with two alternately")
        timings += best_of(
            rounds, [partial(time_in_fresh_process, name, size, workers) for workers in (1, 2)]
        )
    return timings


def time_commands(rounds: int, sizes: list[int]) -> list[Timing]:
    """Time commands that should answer at once, and runs of some sizes to their charts, all from a cold start."""
    tasks = [
        partial(time_command, "python -c pass", ["-c", "pass"]),
        *(
            partial(time_command, f"crisis-sim {words}", ["-m", "crisis_sim", *words.split()])
            for words in ("--help", f"check {SCENARIOS[0]}")
        ),
        *(partial(time_run, size) for size in sizes),
    ]
    return best_of(rounds, tasks)


def time_command(what: str, arguments: list[str]) -> Timing:
    """Time a command."""
    return time_python(arguments, what)[0]


def time_run(replicates: int) -> Timing:
    """Time a run to its charts, with as many workers as cores."""
    words = f"run {SCENARIOS[0]} --replicates {replicates}"
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["-m", "crisis_sim", *words.split(), "--out", f"{folder}/results"]
        return time_python(arguments, f"crisis-sim {words}", replicates)[0]


if __name__ == "__main__":
    main()
