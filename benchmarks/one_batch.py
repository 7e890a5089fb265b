"""`python -m benchmarks.one_batch may_2025 100000 --workers 2`: one batch in a fresh process.

It warms up, runs the batch as `benchmarks.speed` does, and prints what it took as JSON. Large batches
are timed so, and each tells how much memory it took.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from typing import Any

from benchmarks.commands import run_python
from benchmarks.speed import LONG_SECONDS, Speed, time_crises, warm_up
from crisis_sim.scenario import load_scenario


@dataclass(frozen=True)
class Batch:
    """One batch in a fresh process.

    Attributes:
        speed: how quick it was.
        memory_mb: the most memory that it held, with its processes if it had any, in millions of bytes.
    """

    speed: Speed
    memory_mb: float

    def plain(self) -> dict[str, Any]:
        """All of it as plain data."""
        return self.speed.plain() | {"memory_mb": self.memory_mb}


def time_batch(scenario: str, replicates: int, workers: int) -> Batch:
    """Run a batch in a fresh process, and again where it did not take long.

    Args:
        scenario: name of a shipped scenario.
        replicates: how many replicates.
        workers: the most workers to use.

    Returns:
        the quicker of the two, with the more memory.
    """
    first = _run(scenario, replicates, workers)
    if first.speed.seconds >= LONG_SECONDS:
        return first
    second = _run(scenario, replicates, workers)
    quicker = min((first.speed, second.speed), key=lambda speed: speed.seconds)
    return Batch(quicker, max(first.memory_mb, second.memory_mb))


def _run(scenario: str, replicates: int, workers: int) -> Batch:
    words = [scenario, str(replicates), "--workers", str(workers)]
    command, printed = run_python(
        ["-m", "benchmarks.one_batch", *words], f"a batch of {' '.join(words)}", replicates
    )
    return Batch(Speed(**json.loads(printed)), command.memory_mb)


def main() -> None:
    """Run the batch, and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.one_batch", description=__doc__)
    parser.add_argument("scenario", help="a scenario file, or the name of a shipped one")
    parser.add_argument("replicates", type=int, help="how many replicates")
    parser.add_argument("--workers", type=int, default=1, help="the most workers to use; 1")
    asked = parser.parse_args()
    scenario = load_scenario(asked.scenario)
    warm_up(scenario)
    speed = time_crises(scenario, asked.replicates, workers=asked.workers)
    print(json.dumps(vars(speed)))


if __name__ == "__main__":
    main()
