"""The experiments that come with Crisis Sim, and how a name on the command line becomes a file.

They are the folder `experiments/` of a checkout, which travels in a wheel as `crisis_sim/_experiments`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from crisis_sim.scenario.shipped import SUFFIX, find_file, on_disk
from crisis_sim.scenario.source import parse, read_text

#: Keys that an experiment begins with, in words.
BEGINS_WITH = "kind, title and scenario"


@dataclass(frozen=True)
class ShippedExperiment:
    """An experiment that comes with Crisis Sim.

    Attributes:
        name: the name it answers to.
        path: its file.
        kind: what kind of experiment it is.
        title: what it is, in a line.
        question: what it asks.
    """

    name: str
    path: Path
    kind: str
    title: str
    question: str


def experiments_folder() -> Path:
    """Where the shipped experiments are: inside the package, or beside it in a checkout."""
    package = on_disk(Path(__file__).resolve().parents[1])
    inside = package / "_experiments"
    return inside if inside.is_dir() else package.parent / "experiments"


def shipped_experiments() -> list[ShippedExperiment]:
    """All shipped experiments, in order of the alphabet.

    Raises:
        ScenarioError: when a file cannot be read.
    """
    return [_shipped(path) for path in sorted(experiments_folder().glob(f"*{SUFFIX}"))]


def find_experiment(reference: str | os.PathLike[str]) -> Path:
    """The file that a person means: a path, or the bare name of a shipped experiment.

    Raises:
        ScenarioError: when there is neither; names the nearest.
    """
    return find_file(reference, experiments_folder(), "experiment", "an experiment's file")


def _shipped(path: Path) -> ShippedExperiment:
    top, _ = parse(str(path), read_text(path, str(path)), "experiment", BEGINS_WITH)

    def text(key: str) -> str:
        node = top.entries().get(key)
        return str(node.content) if node else ""

    return ShippedExperiment(path.stem, path, text("kind"), text("title"), text("question"))
