"""`python -m benchmarks.cold_start`: a run from a cold start to its charts, split by what takes the time.

It does what `crisis-sim run may_2025 --replicates 10000` does, step by step. Each moment is counted
once, to the innermost of what goes on: an import counts as import wherever it happens, and the time
that blocks take, by all cores, as model, though a results folder is being written around them.
"""

from __future__ import annotations

import builtins
import gc
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.commands import run_python

SCENARIO, REPLICATES = "may_2025", 10_000
#: What the time is split into, in the order in which it mostly goes; `python` is what is left:
#: the interpreter's own start and end.
PHASES = ("python", "imports", "reading", "model", "statistics", "writing")


@dataclass(frozen=True)
class ColdStart:
    """A run in a fresh process.

    Attributes:
        scenario: the scenario.
        replicates: how many replicates.
        seconds: how long the process lived.
        phases: seconds of each of `PHASES`.
    """

    scenario: str
    replicates: int
    seconds: float
    phases: Mapping[str, float]

    @property
    def work(self) -> float:
        """Seconds that went into anything but Python's start and imports."""
        return sum(self.phases[phase] for phase in PHASES[2:])

    def plain(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self)


def time_cold_start(rounds: int, replicates: int = REPLICATES) -> ColdStart:
    """The quickest of some runs, each in a fresh process, after one that fills the caches.

    Raises:
        RuntimeError: when a run fails.
    """
    runs = [_run(replicates) for _ in range(rounds + 1)][1:]
    return min(runs, key=lambda run: run.seconds)


def _run(replicates: int) -> ColdStart:
    arguments = ["-m", "benchmarks.cold_start", str(replicates)]
    command, printed = run_python(arguments, "a cold start", replicates)
    seconds = json.loads(printed)
    seconds["python"] = command.seconds - sum(seconds.values())
    phases = {phase: seconds[phase] for phase in PHASES}
    return ColdStart(SCENARIO, replicates, command.seconds, phases)


class Split:
    """Splits time among named phases, each moment to the innermost."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self.seconds: dict[str, float] = {}
        self._now, self._since = now, now()
        self._within: list[str] = []
        self._thread = threading.get_ident()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """What goes on within it counts to this phase, save what counts to another within it."""
        self._close()
        self._within.append(name)
        try:
            yield
        finally:
            self._close()
            self._within.pop()

    def _close(self) -> None:
        """Count the time since the last change to the phase that it belongs to."""
        now = self._now()
        if self._within:
            current = self._within[-1]
            self.seconds[current] = self.seconds.get(current, 0.0) + now - self._since
        self._since = now

    def counting(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function whose time counts to a phase, whoever calls it."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            # Imports within imports are many; what other threads do is done while this one waits for it.
            if self._within[-1:] == [name] or threading.get_ident() != self._thread:
                return function(*args, **kwargs)
            with self.phase(name):
                return function(*args, **kwargs)

        return counted

    @contextmanager
    def catching(self, name: str, owner: Any, function: str) -> Iterator[None]:
        """Within it what this function of a class or module takes counts to a phase."""
        known = getattr(owner, function)  # not by unittest.mock, which takes long to import
        setattr(owner, function, self.counting(name, known))
        try:
            yield
        finally:
            setattr(owner, function, known)


def split_run(replicates: int, folder: Path) -> dict[str, float]:
    """Run the scenario into a folder with its summary and charts, and split the time it takes."""
    split = Split()
    with split.catching("imports", builtins, "__import__"), split.phase("writing"):
        from crisis_sim import cli

        cli.collect_seldom()
        from crisis_sim.batch import read_batch, run, run_to_folder
        from crisis_sim.batch.workers import cores
        from crisis_sim.model import CrisisModel
        from crisis_sim.outcomes.summary import COLUMNS, summarise
        from crisis_sim.report import print_summary, write_report
        from crisis_sim.scenario.load import load_scenarios

        with split.phase("reading"):
            scenarios = load_scenarios([SCENARIO])
        with (
            split.catching("model", CrisisModel, "__init__"),
            split.catching("model", run, "_run_blocks"),
        ):
            run_to_folder(scenarios, folder, replicates, workers=cores())
        with split.phase("statistics"):
            batch = read_batch(folder, COLUMNS)
            summary = summarise(batch)
        _print(print_summary, summary)
        write_report(batch, summary, folder)
    return split.seconds


def _print(print_summary: Callable[..., None], summary: Mapping[str, Any]) -> None:
    """Print the summary as a run does, but where only talk goes."""
    from rich.console import Console

    print_summary(summary, Console(file=sys.stderr, width=100))


def main(arguments: Sequence[str] = ()) -> None:
    """Run, and print the seconds of each phase as JSON."""
    replicates = int(arguments[0]) if arguments else REPLICATES
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(split_run(replicates, Path(folder) / "results")))
    gc.freeze()  # as a command does


if __name__ == "__main__":
    main(sys.argv[1:])
