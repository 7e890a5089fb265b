"""`python -m benchmarks.one_batch may_2025 100000 --workers 2`: one batch in a fresh process.

It warms up, runs the batch as `benchmarks.speed` does, and prints what it took as JSON. Large batches
are timed so, and each tells how much memory it took.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from typing import Any

from benchmarks.commands import Command, run_python
from benchmarks.speed import Speed, time_crises, warm_up
from crisis_sim.scenario import load_scenario


@dataclass(frozen=True)
class Batch:
    """One batch in a fresh process.

    Attributes:
        speed: how quick it was.
        memory_mb: the most memory that all of its processes held together, in millions of bytes.
    """

    speed: Speed
    memory_mb: float

    def plain(self) -> dict[str, Any]:
        """All of it as plain data."""
        return self.speed.plain() | {"memory_mb": self.memory_mb}


def time_batch(scenario: str, replicates: int, workers: int, rounds: int = 1) -> Batch:
    """Run a batch in a fresh process: the quickest of some rounds, and the most memory of any.

    Args:
        scenario: name of a shipped scenario.
        replicates: how many replicates.
        workers: the most processes to use.
        rounds: how often to run it.
    """
    speeds, commands = [], []
    for _ in range(rounds):
        command, speed = _run(scenario, replicates, workers)
        commands.append(command)
        speeds.append(speed)
    quickest = min(speeds, key=lambda speed: speed.seconds)
    return Batch(quickest, max(command.memory_mb for command in commands))


def _run(scenario: str, replicates: int, workers: int) -> tuple[Command, Speed]:
    words = [scenario, str(replicates), "--workers", str(workers)]
    command, printed = run_python(
        ["-m", "benchmarks.one_batch", *words], f"a batch of {' '.join(words)}", replicates
    )
    return command, Speed(**json.loads(printed))


def main() -> None:
    """Run the batch, and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.one_batch", description=__doc__)
    parser.add_argument("scenario", help="a scenario file, or the name of a shipped one")
    parser.add_argument("replicates", type=int, help="how many replicates")
    parser.add_argument("--workers", type=int, default=1, help="the most processes to use; 1")
    asked = parser.parse_args()
    scenario = load_scenario(asked.scenario)
    warm_up(scenario)
    speed = time_crises(scenario, asked.replicates, workers=asked.workers)
    print(json.dumps(vars(speed)))


if __name__ == "__main__":
    main()
