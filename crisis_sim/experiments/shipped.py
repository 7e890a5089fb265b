"""The experiments that come with Crisis Sim, and how a name on the command line becomes a file.

They are the folder `experiments/` of a checkout, which travels in a wheel as `crisis_sim/_experiments`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.scenario.source import parse, read_text

SUFFIX = ".yaml"
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
    package = Path(__file__).resolve().parents[1]
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
    text = os.fspath(reference)
    path = Path(text)
    try:
        if path.is_file():
            return path
        is_folder = path.is_dir()
    except (OSError, ValueError):  # no name that a file can have
        is_folder = False
    shipped = {file.stem: file for file in sorted(experiments_folder().glob(f"*{SUFFIX}"))}
    if text in shipped:
        return shipped[text]
    known = [*shipped, *(file.name for file in Path().glob(f"*{SUFFIX}"))]
    near = next((word for word in (f"{text}{SUFFIX}", path.stem) if word in known), "")
    message = "this is a folder" if is_folder else "no such file, nor a shipped experiment"
    expected = f"an experiment's file, or {one_of(shipped)}" if shipped else "an experiment's file"
    raise ScenarioError([Mistake(text, 0, 0, message, expected, near or nearest(text, known))])


def _shipped(path: Path) -> ShippedExperiment:
    top, _ = parse(str(path), read_text(path, str(path)), "experiment", BEGINS_WITH)

    def text(key: str) -> str:
        node = top.entries().get(key)
        return str(node.content) if node else ""

    return ShippedExperiment(path.stem, path, text("kind"), text("title"), text("question"))
