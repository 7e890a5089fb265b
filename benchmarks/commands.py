"""Whole commands, each in a process of its own: how soon they answer, how much memory they take."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Command:
    """One command, timed.

    Attributes:
        what: the command, as a person would type it.
        seconds: the shortest time it took.
        peak_memory_mb: the most memory that its own process, or any one of its workers, held at
            once, in millions of bytes.
        family_memory_mb: the most that it and its workers held together; None where the system
            does not tell, or it was over too soon to be seen.
        replicates: how many replicates it ran; 0 for none.
    """

    what: str
    seconds: float
    peak_memory_mb: float
    family_memory_mb: float | None = None
    replicates: int = 0

    @property
    def memory_mb(self) -> float:
        """Memory of all processes together, as far as it is known."""
        return max(self.family_memory_mb or 0.0, self.peak_memory_mb)

    def plain(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self)


def run_python(arguments: Sequence[str], what: str, replicates: int = 0) -> tuple[Command, str]:
    """Run `python` with some arguments; what it took, and what it printed.

    Args:
        arguments: what Python is given.
        what: what to call it.
        replicates: how many replicates it runs.

    Raises:
        RuntimeError: when the command fails.
    """
    stopwatch = [sys.executable, "-m", "benchmarks.stopwatch", sys.executable, *arguments]
    done = subprocess.run(stopwatch, capture_output=True, text=True, check=False, cwd=ROOT)
    taken: Any = json.loads(done.stdout or "null") or {"code": done.returncode}
    if taken["code"]:
        raise RuntimeError(f"{what} ended with {taken['code']}:\n{done.stderr}")
    family = taken["family_peak_bytes"]
    command = Command(
        what,
        taken["seconds"],
        taken["peak_bytes"] / 1e6,
        None if family is None else family / 1e6,
        replicates,
    )
    return command, taken["printed"]


def time_start_up(rounds: int) -> list[Command]:
    """How soon the command line answers, beside Python itself: the quickest of some rounds."""
    commands = {"python -c pass": ["-c", "pass"]} | {
        f"crisis-sim {words}": ["-m", "crisis_sim", *words.split()]
        for words in ("--help", "check may_2025")
    }
    taken = [
        [run_python(arguments, what)[0] for what, arguments in commands.items()]
        for _ in range(rounds)
    ]
    return [min(same, key=lambda one: one.seconds) for same in zip(*taken, strict=True)]


def time_whole_run(scenario: str, replicates: int) -> Command:
    """A run from a cold start to its charts, with as many workers as there are cores."""
    words = f"run {scenario} --replicates {replicates}"
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["-m", "crisis_sim", *words.split(), "--out", f"{folder}/results"]
        return run_python(arguments, f"crisis-sim {words}", replicates)[0]
