"""Wall-clock timings of batches and of whole commands. Those of Crisis Sim include models and tables of outcomes.

An agent-step is one update of one agent: at one event of one crisis, or in one step of a Mesa model.
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
from importlib import metadata
from pathlib import Path

from crisis_sim.batch.block import Plan, make_plan
from crisis_sim.batch.workers import StopSign, run_plan
from crisis_sim.scenario import Scenario, load_scenario

ROOT = Path(__file__).resolve().parents[1]
#: Crises run before timing starts, so that everything is imported and compiled.
WARM_UP = 200
#: Timings of at least so many seconds are not repeated.
LONG = 2.0


@dataclass(frozen=True)
class Timing:
    """A timed task.

    Attributes:
        kind: "ours", "in turns", "empty Mesa", "plain Mesa", "floor", "command"; for histories "batch", "alone", "history".
        what: description of the task.
        scenario: name of its scenario, or "".
        block_size: largest number of crises in a block.
        memory_mb: peak memory of its process in millions of bytes; None if not measured.
    """

    kind: str
    what: str
    seconds: float
    scenario: str = ""
    crises: int = 0
    agent_steps: int = 0
    workers: int = 1
    block_size: int = 1
    memory_mb: float | None = None


def time_crises(
    scenario: Scenario,
    replicates: int,
    workers: int = 1,
    block_size: int | None = None,
    kind: str = "ours",
) -> Timing:
    """Run a scenario as a batch, and keep only the number of events of each block.

    Raises:
        RuntimeError: when a block fails.
    """
    plan = plan_of(scenario, replicates, block_size)
    events, started = 0, time.perf_counter()
    with closing(run_plan(plan, workers, StopSign())) as results:
        for block in results:
            if block.error:
                raise RuntimeError(f"{block.order} failed: {block.error}\n{block.trace}")
            events += block.events
    seconds, name = time.perf_counter() - started, scenario.name
    steps = events * agents_of(scenario)
    return Timing(kind, name, seconds, name, replicates, steps, workers, plan.block_size)


def agents_of(scenario: Scenario) -> int:
    """The number of agents of a scenario."""
    roles = ("states", "mediators", "lenders", "channels", "advisers")
    return sum(len(getattr(scenario, role)) for role in roles)


def plan_of(scenario: Scenario, replicates: int, block_size: int | None = None) -> Plan:
    """The division of a batch of a scenario into blocks."""
    return make_plan([scenario], replicates, 1, block_size, None, ())


def best_of(rounds: int, tasks: Sequence[Callable[[], Timing]], long: float = LONG) -> list[Timing]:
    """The fastest of several rounds of each task, as the least disturbed; tasks that take `long` are not repeated.

    The tasks alternate, so that a slow spell of the machine affects all of them.
    """
    best = [task() for task in tasks]
    for _ in range(rounds - 1):
        for number, task in enumerate(tasks):
            if best[number].seconds < long:
                best[number] = min(best[number], task(), key=lambda timing: timing.seconds)
    return best


def time_python(
    arguments: Sequence[str], what: str, replicates: int = 0
) -> tuple[Timing, str, str]:
    """Run `python` with arguments; return its timing, its stdout and its stderr.

    Raises:
        RuntimeError: when it fails.
    """
    command = [sys.executable, "-m", "benchmarks.stopwatch", sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    taken = json.loads(done.stdout or "null") or {"code": done.returncode}
    if taken["code"]:
        raise RuntimeError(f"{what} ended with {taken['code']}:\n{done.stderr}")
    memory = taken["peak_bytes"] / 1e6
    timing = Timing("command", what, taken["seconds"], crises=replicates, memory_mb=memory)
    return timing, taken["printed"], done.stderr


def time_in_fresh_process(scenario: str, replicates: int, workers: int) -> Timing:
    """Run a batch of a shipped scenario in a fresh process, which also gives its memory."""
    words = [scenario, str(replicates), str(workers)]
    command, printed, _ = time_python(["-m", "benchmarks.timing", *words], " ".join(words))
    return replace(Timing(**json.loads(printed)), memory_mb=command.memory_mb)


def machine() -> dict[str, str]:
    """Processor, cores, load, system and versions."""
    processor, information = platform.processor() or "unknown", Path("/proc/cpuinfo")
    if information.exists():
        lines = information.read_text(encoding="utf-8").splitlines()
        names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        processor = next(names, processor)
    return {
        "processor": processor,
        "cores": str(os.cpu_count()),
        "load before": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in ("numpy", "mesa")},
    }


def talk(words: str) -> None:
    """Report progress on stderr; stdout is for results."""
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    name, size, by = sys.argv[1:]
    time_crises(load_scenario(name), WARM_UP)
    print(json.dumps(asdict(time_crises(load_scenario(name), int(size), int(by)))))
