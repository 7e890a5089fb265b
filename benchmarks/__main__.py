"""`python -m benchmarks`: measure speed and memory on one machine; write figures, tables and the chart."""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.floor import count, time_floor
from benchmarks.histories import time_histories
from benchmarks.mesa_models import time_batch_runner, time_empty, time_plain
from benchmarks.report import FROM, draw_speed, tables, targets
from benchmarks.timing import (
    WARM_UP,
    Timing,
    best_of,
    machine,
    plan_of,
    talk,
    time_crises,
    time_in_fresh_process,
    time_python,
)
from crisis_sim.batch.manifest import git_revision
from crisis_sim.report import save_chart
from crisis_sim.scenario import Scenario, load_scenario

FOLDER = Path(__file__).parent / "results"
#: A single case, and the population of crises.
SCENARIOS = ("may_2025", "since_1945")
#: Numbers of Mesa models that are run one after another, in about half a second.
EMPTY_CRISES, PLAIN_CRISES = 200, 30
#: Replicates of a batch that one worker and two workers run alternately, and the number of runs of each.
IN_TURNS, TURNS_EACH = 50_000, 5


def main() -> None:
    """Measure, and report the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    quick = "measure for about a minute: one round, no batch above 10,000, no nowcast, one core"
    parser.add_argument("--quick", action="store_true", help=quick)
    most = "the most replicates in a batch; %(default)s"
    parser.add_argument("--most", type=int, default=1_000_000, metavar="N", help=most)
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for the results")
    arguments = parser.parse_args()
    measurements = measure(
        min(arguments.most, FROM) if arguments.quick else arguments.most, arguments.quick
    )
    measurements["targets"] = targets(measurements)
    text = tables(measurements)
    print(text)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, content in (("speed.json", json.dumps(measurements, indent=2)), ("speed.md", text)):
        (arguments.out / name).write_text(f"{content}\n", encoding="utf-8")
    for suffix in (".svg", ".png"):
        save_chart(draw_speed(measurements), arguments.out / f"speed{suffix}")


def measure(most: int, quick: bool = False) -> dict[str, Any]:
    """Measure everything, as plain data; `quick` leaves out two cores, memory, the nowcast, and further rounds."""
    found: dict[str, Any] = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_revision": git_revision()[0],
        "machine": machine(),
        "scenarios": [],
    }
    timings: list[Timing] = []
    sizes = [10**power for power in range(len(str(most)))]
    for scenario in map(load_scenario, SCENARIOS):
        talk(f"{scenario.name}: batches, Mesa models and the floor")
        counts = count(scenario)
        timings += time_scenario(scenario, counts, sizes, quick)
        about = {"name": scenario.name, "title": scenario.title, "digest": scenario.digest}
        found["scenarios"].append({**about, "counts": counts})
    talk("branch, why, nowcast and play")
    timings += time_histories(load_scenario(SCENARIOS[0]), quick)
    talk("whole commands, from a cold start")
    start, found["cold_start"] = time_start(1 if quick else 3)
    timings += start
    timings += [time_run(size) for size in sizes if size >= FROM]
    return {**found, "timings": [asdict(timing) for timing in timings]}


def time_scenario(
    scenario: Scenario, counts: dict[str, Any], sizes: list[int], quick: bool
) -> list[Timing]:
    """Time batches of all sizes; empty and plain Mesa models with as many agents and steps; the floor."""
    time_crises(scenario, WARM_UP)
    name, steps, agents = scenario.name, counts["mean_steps"], counts["agents"]
    empty = (agents, steps, EMPTY_CRISES)
    tasks: list[Callable[[], Timing]] = [
        *(partial(time_crises, scenario, size) for size in sizes if size <= FROM),
        *(partial(time_empty, *empty, activation) for activation in ("do", "shuffle_do")),
        partial(time_batch_runner, *empty),
        partial(time_plain, scenario, counts, PLAIN_CRISES),
        partial(time_floor, name, counts, FROM, plan_of(scenario, FROM).block_size),
    ]
    timings = best_of(1 if quick else 3, tasks)
    if not quick:
        for size in (size for size in sizes if size >= FROM):
            for workers in (1, 2) if plan_of(scenario, size).blocks > 1 else (1,):
                talk(f"{name}: {size:,} replicates, {workers} workers")
                timings += best_of(2, [partial(time_in_fresh_process, name, size, workers)])
        # Alternately, because the load of the machine changes within minutes.
        talk(f"{name}: {IN_TURNS:,} replicates, one worker and two workers alternately")
        by = [
            partial(time_crises, scenario, IN_TURNS, workers, kind="in turns") for workers in (1, 2)
        ]
        timings += best_of(TURNS_EACH, by, math.inf)
        timings.append(time_batch_runner(*empty, workers=2))
    return [replace(timing, scenario=name) for timing in timings]


def time_start(rounds: int) -> tuple[list[Timing], dict[str, Any]]:
    """Time commands that should answer at once, and the parts of a cold run: start of Python, imports, other work."""
    commands = {"python -c pass": ["-c", "pass"]} | {
        f"crisis-sim {words}": ["-m", "crisis_sim", *words.split()]
        for words in ("--help", "check may_2025")
    }
    tasks = [lambda what=what: time_python(commands[what], what)[0] for what in commands]
    start = best_of(3 * rounds, tasks)
    python = min(start, key=lambda one: one.seconds).seconds
    own = imported(time_python(["-X", "importtime", "-c", "pass"], "python")[2])
    splits = []
    for _ in range(rounds + 1):  # the first fills the caches
        with tempfile.TemporaryDirectory() as folder:
            words = ["run", SCENARIOS[0], "--replicates", str(FROM), "--out", f"{folder}/results"]
            arguments = ["-X", "importtime", "-m", "crisis_sim", *words]
            run, _, talked = time_python(arguments, "a cold start")
        imports = imported(talked) - own
        work = run.seconds - python - imports
        splits.append({"python": python, "imports": imports, "work": work})
    phases = min(splits[1:], key=lambda split: sum(split.values()))
    return start, {"scenario": SCENARIOS[0], "replicates": FROM, "phases": phases}


def imported(talked: str) -> float:
    """Seconds of all imports, each counted once, from the output of `python -X importtime`."""
    lines = (line.partition("import time:")[2].split("|")[0] for line in talked.splitlines())
    return sum(int(line) for line in lines if line.strip().isdigit()) / 1e6


def time_run(replicates: int) -> Timing:
    """Time a run from a cold start to its charts, with as many workers as cores."""
    words = f"run {SCENARIOS[0]} --replicates {replicates}"
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["-m", "crisis_sim", *words.split(), "--out", f"{folder}/results"]
        return time_python(arguments, f"crisis-sim {words}", replicates)[0]


if __name__ == "__main__":
    main()
