"""Wall-clock timings of batches and of whole commands; those of batches include models and tables of outcomes.

`python -m benchmarks.timing may_2025 100000 2` times a batch in a fresh process with two workers, and prints it as JSON.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from crisis_sim.batch.block import make_plan
from crisis_sim.batch.manifest import versions
from crisis_sim.batch.workers import StopSign, run_plan
from crisis_sim.scenario import Scenario, load_scenario

ROOT = Path(__file__).resolve().parents[1]
#: Crises run before timing starts, so that everything is imported and compiled.
WARM_UP = 200
BATCH = "a batch"


@dataclass(frozen=True)
class Timing:
    """A timed task.

    Attributes:
        what: description of the task.
        seconds: its duration.
        scenario: name of its scenario, or "".
        crises: number of crises that were run, or 0.
        workers: number of threads.
        memory_mb: peak memory of its process in millions of bytes; None if not measured.
    """

    what: str
    seconds: float
    scenario: str = ""
    crises: int = 0
    workers: int = 1
    memory_mb: float | None = None


def time_batch(scenario: Scenario, replicates: int, workers: int = 1) -> Timing:
    """Time a batch in blocks, whose outcomes are not kept.

    Raises:
        RuntimeError: when a block fails.
    """
    plan = make_plan([scenario], replicates, 1, None, None, ())
    started = time.perf_counter()
    with closing(run_plan(plan, workers, StopSign())) as blocks:
        for block in blocks:
            if block.error:
                raise RuntimeError(f"{block.order} failed: {block.error}\n{block.trace}")
    seconds = time.perf_counter() - started
    return Timing(BATCH, seconds, scenario.name, replicates, workers)


def best_of(rounds: int, tasks: Sequence[Callable[[], Timing]]) -> list[Timing]:
    """The fastest of several rounds of each task, as the least disturbed.

    The tasks alternate, so that a slow spell of the machine affects all of them.
    """
    timings = [[task() for task in tasks] for _ in range(rounds)]
    return [min(each, key=lambda timing: timing.seconds) for each in zip(*timings, strict=True)]


def time_python(arguments: Sequence[str], what: str, replicates: int = 0) -> tuple[Timing, str]:
    """Run `python` with arguments; return its timing and its stdout.

    Raises:
        RuntimeError: when it fails.
    """
    command = [sys.executable, "-m", "benchmarks.stopwatch", sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    taken = json.loads(done.stdout or "null") or {"code": done.returncode}
    if taken["code"]:
        raise RuntimeError(f"{what} ended with {taken['code']}:\n{done.stderr}")
    memory = taken["peak_bytes"] / 1e6
    return Timing(what, taken["seconds"], crises=replicates, memory_mb=memory), taken["printed"]


def time_in_fresh_process(scenario: str, replicates: int, workers: int) -> Timing:
    """Time a batch of a shipped scenario in a fresh process, which also gives its memory."""
    words = [scenario, str(replicates), str(workers)]
    process, printed = time_python(["-m", "benchmarks.timing", *words], " ".join(words))
    return replace(Timing(**json.loads(printed)), memory_mb=process.memory_mb)


def machine() -> str:
    """Processor, cores, load, system and versions, as text."""
    processor, information = platform.processor() or "unknown", Path("/proc/cpuinfo")
    if information.exists():
        lines = information.read_text(encoding="utf-8").splitlines()
        names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        processor = next(names, processor)
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    found = {"processor": processor, "cores": os.cpu_count(), "load before": load}
    found |= {"system": f"{platform.system()} {platform.machine()}", **versions()}
    return ", ".join(f"{what} {value}" for what, value in found.items())


def talk(words: str) -> None:
    """Report progress on stderr; stdout is for results."""
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    name, size, by = sys.argv[1:]
    shipped = load_scenario(name)
    time_batch(shipped, WARM_UP)
    print(json.dumps(asdict(time_batch(shipped, int(size), int(by)))))
