"""The scenarios that come with Crisis Sim, and how a name on the command line becomes a file.

They are the folder `scenarios/` of a checkout, which travels in a wheel as `crisis_sim/_scenarios`. A wheel may be imported
as it is, without being unpacked.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of

SUFFIX = ".yaml"


@dataclass(frozen=True)
class Shipped:
    """A scenario that comes with Crisis Sim.

    Attributes:
        name: the name it answers to.
        path: its file.
        title: what it is, in one line.
    """

    name: str
    path: Path
    title: str


def shipped_folder() -> Path:
    """Where the shipped scenarios are: inside the package, or beside it in a checkout."""
    package = on_disk(Path(__file__).resolve().parents[1])
    inside = package / "_scenarios"
    return inside if inside.is_dir() else package.parent / "scenarios"


@cache
def on_disk(folder: Path) -> Path:
    """A folder of the package with all its files; a copy, for as long as the process lives, where a zip file holds it.

    Args:
        folder: where a module's `__file__` says that it is.

    Raises:
        OSError: when it cannot be copied.
    """
    archive = None
    with suppress(OSError):  # it may not be looked at
        found = next((one for one in (folder, *folder.parents) if one.exists()), folder)
        archive = found if found.is_file() else None
    return folder if archive is None else _unpacked(archive) / folder.relative_to(archive)


@cache
def _unpacked(archive: Path) -> Path:
    """A copy of what a zip file has of the package."""
    import atexit
    import shutil
    from tempfile import mkdtemp
    from zipfile import ZipFile

    package = __name__.partition(".")[0]
    copy = Path(mkdtemp(prefix="crisis-sim-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    with ZipFile(archive) as file:
        names = [name for name in file.namelist() if package in Path(name).parts]
        file.extractall(copy, names)
    return copy


def shipped_names() -> list[str]:
    """The names of all shipped scenarios, in order of the alphabet."""
    return sorted(path.stem for path in shipped_folder().glob(f"*{SUFFIX}"))


def shipped_scenarios() -> list[Shipped]:
    """All shipped scenarios with their titles, in order of the alphabet.

    Raises:
        ScenarioError: when a file cannot be read.
    """
    return [_shipped(shipped_folder() / f"{name}{SUFFIX}") for name in shipped_names()]


def find_scenario(reference: str | os.PathLike[str]) -> Path:
    """The file that a person means: a path, or the bare name of a shipped scenario.

    Raises:
        ScenarioError: when there is neither; names the nearest.
    """
    return find_file(reference, shipped_folder(), "scenario", "a scenario file")


def find_file(
    reference: str | os.PathLike[str], folder: Path, what: str, what_is_expected: str
) -> Path:
    """The file that a person means: a path, be it of a pipe, or the bare name of one that comes with Crisis Sim.

    Args:
        reference: what the person gave.
        folder: where the shipped files are.
        what: what such a file holds, in a word.
        what_is_expected: the file, in the words of a report.

    Raises:
        ScenarioError: when there is neither; names the nearest.
    """
    text = os.fspath(reference)
    path = Path(text)
    try:
        is_folder = path.is_dir()
        if path.exists() and not is_folder:
            return path
    except (OSError, ValueError):  # no name that a file can have
        is_folder = False
    shipped = {file.stem: file for file in sorted(folder.glob(f"*{SUFFIX}"))}
    if text in shipped:
        return shipped[text]
    known = [*shipped, *(file.name for file in Path().glob(f"*{SUFFIX}"))]
    near = next((word for word in (f"{text}{SUFFIX}", path.stem) if word in known), "")
    message = "this is a folder" if is_folder else f"no such file, nor a shipped {what}"
    expected = f"{what_is_expected}, or {one_of(shipped)}" if shipped else what_is_expected
    raise ScenarioError([Mistake(text, 0, 0, message, expected, near or nearest(text, known))])


def _shipped(path: Path) -> Shipped:
    from crisis_sim.scenario.extends import read_chain
    from crisis_sim.scenario.source import parse, read_text

    top, _ = parse(str(path), read_text(path, str(path)))
    tops = [top]
    if "title" not in top.entries():  # it is inherited, then
        tops = [layer.top for layer in read_chain(path, str(path))[0]]
    titles = (one.entries().get("title") for one in tops)
    title = next((node.content for node in titles if node), "")
    return Shipped(path.stem, path, str(title))
