"""Running an experiment of any kind, in memory or into a folder."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crisis_sim.batch.durable import inside
from crisis_sim.experiments import folder as folders
from crisis_sim.experiments.experiment import Experiment
from crisis_sim.experiments.findings import Findings
from crisis_sim.experiments.kinds import kind_of
from crisis_sim.experiments.load import load_experiment

Progress = Callable[[int, int], None]
Tell = Callable[[str], None]


def _say_nothing(*_: Any) -> None:
    pass


@dataclass(frozen=True)
class How:
    """In which way an experiment is to be run, which changes nothing in it.

    Attributes:
        workers: the most threads, or processes, to use.
        folder: the experiment's folder; None to keep nothing on disk.
        resume: go on with what the folder holds.
        progress: called with the crises done and those in all.
        tell: told in words of what goes on.
        agents: makers of agents to add to the scenarios' own, as `CrisisModel` takes them.
    """

    workers: int = 1
    folder: Path | None = None
    resume: bool = False
    progress: Progress = _say_nothing
    tell: Tell = _say_nothing
    agents: Sequence[Any] = ()

    @property
    def design(self) -> Path | None:
        """Where the experiment's batch is to be kept; None for nowhere."""
        return None if self.folder is None else inside(self.folder, folders.DESIGN, is_folder=True)


def run_experiment(
    experiment: Experiment | str | os.PathLike[str],
    folder: str | Path | None = None,
    workers: int = 1,
    *,
    resume: bool = False,
    restart: bool = False,
    progress: Progress = _say_nothing,
    tell: Tell = _say_nothing,
    agents: Sequence[Any] = (),
) -> Findings:
    """Run an experiment.

    Args:
        experiment: an experiment, its file, or the name of a shipped one.
        folder: where to write what it finds; nowhere where left out. Findings that it holds are
            replaced.
        workers: the most threads, or processes, to use; the result is the same for any number.
        resume: go on with what the folder holds, which must be the same experiment.
        restart: throw away an experiment in the folder that is not finished.
        progress: called with the crises done and those in all.
        tell: told in words of what goes on.
        agents: makers of agents to add to the scenarios' own, as `CrisisModel` takes them; what
            they add to the outcomes can be measured.

    Raises:
        ScenarioError: when the experiment, or its scenario, has mistakes.
        BatchError: when it cannot be run as asked; nothing is written then.
        KeyboardInterrupt: on Ctrl-C; with a folder, what was finished is safe.
    """
    if not isinstance(experiment, Experiment):
        experiment = load_experiment(experiment, agents=agents)
    kind = kind_of(experiment.kind)
    started, began = datetime.now(UTC), time.perf_counter()
    if folder is None:
        return kind.run(experiment, How(workers, None, False, progress, tell, agents))
    folder = Path(folder)
    with folders.locked(folder):
        if folders.begin(experiment, folder, resume=resume, restart=restart, agents=agents):
            return folders.read_experiment(folder)
        findings = kind.run(experiment, How(workers, folder, resume, progress, tell, agents))
        return folders.write(findings, folder, started, time.perf_counter() - began, agents)
