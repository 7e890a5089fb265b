"""`python -m benchmarks`: measure speed and memory side by side on one machine; keep figures, tables and the chart."""

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
#: A case known well, and the population of cases.
SCENARIOS = ("may_2025", "since_1945")
#: Mesa models that are run one after another: about half a second's worth.
EMPTY_CRISES, PLAIN_CRISES = 200, 30
#: Replicates of a batch that one worker and two run in turns, and how often each does.
IN_TURNS, TURNS_EACH = 50_000, 5


def main() -> None:
    """Measure what was asked for, and report it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    quick = "a look in about a minute: one round, no batch above 10,000, no nowcast, one core"
    parser.add_argument("--quick", action="store_true", help=quick)
    most = "the most replicates in a batch; %(default)s"
    parser.add_argument("--most", type=int, default=1_000_000, metavar="N", help=most)
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for what was found")
    asked = parser.parse_args()
    found = measure(min(asked.most, FROM) if asked.quick else asked.most, asked.quick)
    found["targets"] = targets(found)
    words = tables(found)
    print(words)
    asked.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, indent=2)
    (asked.out / "speed.json").write_text(f"{text}\n", encoding="utf-8")
    (asked.out / "speed.md").write_text(f"{words}\n", encoding="utf-8")
    for suffix in (".svg", ".png"):
        save_chart(draw_speed(found), asked.out / f"speed{suffix}")


def measure(most: int, quick: bool = False) -> dict[str, Any]:
    """Everything, as plain data; `quick` leaves out what takes long: two cores, memory, a nowcast, more than one round."""
    found: dict[str, Any] = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_revision": git_revision()[0],
        "machine": machine(),
        "scenarios": [],
    }
    timings: list[Timing] = []
    sizes = [10**power for power in range(len(str(most)))]
    for scenario in map(load_scenario, SCENARIOS):
        talk(f"{scenario.name}: batches beside Mesa and the floor")
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
    """Batches of all sizes; empty and plain Mesa models with as many agents and steps; the floor."""
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
                talk(f"{name}: {size:,} replicates, {workers} at a time")
                timings += best_of(2, [partial(time_in_fresh_process, name, size, workers)])
        # Minutes apart, the machine's other users would decide.
        talk(f"{name}: {IN_TURNS:,} replicates, by one worker and by two in turns")
        by = [
            partial(time_crises, scenario, IN_TURNS, workers, kind="in turns") for workers in (1, 2)
        ]
        timings += best_of(TURNS_EACH, by, math.inf)
        timings.append(time_batch_runner(*empty, workers=2))
    return [replace(timing, scenario=name) for timing in timings]


def time_start(rounds: int) -> tuple[list[Timing], dict[str, Any]]:
    """Commands that should answer at once, and a cold run split into Python's start, imports and all other work."""
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
    """Seconds of all imports, each counted once, as `python -X importtime` tells them."""
    lines = (line.partition("import time:")[2].split("|")[0] for line in talked.splitlines())
    return sum(int(line) for line in lines if line.strip().isdigit()) / 1e6


def time_run(replicates: int) -> Timing:
    """A run from a cold start to its charts, with as many workers as there are cores."""
    words = f"run {SCENARIOS[0]} --replicates {replicates}"
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["-m", "crisis_sim", *words.split(), "--out", f"{folder}/results"]
        return time_python(arguments, f"crisis-sim {words}", replicates)[0]


if __name__ == "__main__":
    main()
