"""Whole commands, each in a process of its own: how soon they answer, how much memory they take."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

#: Runs a command and tells its time and peak memory. It is a small process between us and the
#: command, since Linux counts the memory of whoever starts a command as the command's own.
STOPWATCH = """
import json, os, subprocess, sys, time
started = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=sys.stderr)
_, status, usage = os.wait4(process.pid, 0)
seconds = time.perf_counter() - started
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps([os.waitstatus_to_exitcode(status), seconds, usage.ru_maxrss * unit]))
"""


@dataclass(frozen=True)
class Command:
    """One command, timed.

    Attributes:
        what: the command, as a person would type it.
        seconds: the shortest time it took.
        peak_memory_mb: the most memory that it held at once, in millions of bytes; its worker
            processes, if any, are not counted.
    """

    what: str
    seconds: float
    peak_memory_mb: float

    def plain(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self)


def time_command(what: str, arguments: Sequence[str], rounds: int = 1) -> Command:
    """Run `python` with some arguments, and time it.

    Args:
        what: what to call it.
        arguments: what Python is given.
        rounds: how often to run it.

    Raises:
        RuntimeError: when the command fails.
    """
    taken = [_run(what, arguments) for _ in range(rounds)]
    return Command(what, min(seconds for seconds, _ in taken), max(peak for _, peak in taken))


def time_start_up(rounds: int = 10) -> list[Command]:
    """How soon the command line answers, beside Python itself."""
    ours = [
        time_command(f"crisis-sim {words}", ["-m", "crisis_sim", *words.split()], rounds)
        for words in ("--help", "check may_2025")
    ]
    return [time_command("python -c pass", ["-c", "pass"], rounds), *ours]


def time_whole_run(replicates: int) -> Command:
    """A run of May 2025 from a cold start to its charts."""
    words = f"run may_2025 --replicates {replicates}"
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["-m", "crisis_sim", *words.split(), "--out", f"{folder}/results"]
        return time_command(f"crisis-sim {words}", arguments)


def _run(what: str, arguments: Sequence[str]) -> tuple[float, float]:
    """Run a command to its end; its time in seconds and its peak memory in millions of bytes."""
    command = [sys.executable, "-c", STOPWATCH, sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    code, seconds, peak = json.loads(done.stdout)
    if code:
        raise RuntimeError(f"{what} ended with {code}:\n{done.stderr}")
    return seconds, peak / 1e6
