"""Reading a scenario file and those it extends, one upon the other.

A scenario file is data from anyone. It can name only files inside its own folder, so that it
cannot show a stranger's report what stands elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest
from crisis_sim.scenario.source import Node, folder_of, parse, read_text

#: Files that may extend one another in a row.
MAX_CHAIN = 10
SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Layer:
    """What one file of a chain says.

    Attributes:
        path: the file.
        top: its mapping, without `extends`.
    """

    path: Path
    top: Node


def read_chain(path: Path, name: str) -> tuple[list[Layer], list[Mistake]]:
    """A scenario file and those it extends.

    Args:
        path: the file.
        name: what to call it in a report.

    Returns:
        what each says, the file itself first; and mistakes in how they are written that leave the
        rest readable.

    Raises:
        ScenarioError: when one of them cannot be read, or they extend one another in a circle.
    """
    layers: list[Layer] = []
    mistakes: list[Mistake] = []
    names = {path.resolve(): name}
    while True:
        try:
            top, found = parse(name, read_text(path, name))
        except ScenarioError as error:
            raise ScenarioError([*mistakes, *error.mistakes]) from None
        mistakes += found
        entries = dict(top.entries())
        extends = entries.pop("extends", None)
        layers.append(Layer(path, Node(top.place, entries)))
        if extends is None:
            return layers, mistakes
        try:
            folder, named = folder_of(path), Path(name) if path.is_file() else Path()
            path = _inside(folder, extends)
            if path in names:
                chain = " -> ".join([*names.values(), names[path]])
                raise ScenarioError([extends.place.mistake(f"a circle of files: {chain}")])
            if len(names) == MAX_CHAIN:
                raise ScenarioError(
                    [extends.place.mistake(f"more than {MAX_CHAIN} files extend one another")]
                )
        except ScenarioError as error:
            raise ScenarioError([*mistakes, *error.mistakes]) from None
        name = str(named.parent / str(extends.content))
        names[path] = name


def _inside(folder: Path, extends: Node) -> Path:
    """The file that `extends` names, resolved; it lies inside the folder.

    Raises:
        ScenarioError: when it is no file's name, or no such file is inside the folder.
    """
    name = extends.content
    expected = "the name of a scenario file in the same folder, such as may_2025.yaml"
    if not isinstance(name, str) or not name:
        raise ScenarioError([extends.label.mistake("`extends` names no file", expected)])
    windows = PureWindowsPath(name)
    if windows.anchor or PurePosixPath(name).is_absolute() or ".." in windows.parts:
        raise ScenarioError(
            [extends.place.mistake("a scenario extends files of its own folder only", expected)]
        )
    if windows.suffix not in SUFFIXES:
        raise ScenarioError([extends.place.mistake(f"'{name}' is no scenario file", expected)])
    root = folder.resolve()
    try:
        target = (root / name).resolve()
        found = target.is_file()
    except (OSError, RuntimeError):  # a name too long, or links that lead in a circle
        target, found = root / name, False
    if not target.is_relative_to(root):
        raise ScenarioError([extends.place.mistake(f"'{name}' leads out of its folder", expected)])
    if not found:
        known = [file.name for suffix in SUFFIXES for file in root.glob(f"*{suffix}")]
        raise ScenarioError(
            [extends.place.mistake(f"no file '{name}' here", expected, nearest(name, known))]
        )
    return target
