"""Scenarios that a person opens: by name, from a file on this machine, or sent by a browser.

A file that a browser sends may be a stranger's. It is read in an empty folder of its own, beside
copies of the files that it may extend, with all the limits and reports of mistakes of
`crisis_sim.scenario`; the folder is gone afterwards.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from crisis_sim.report.page.provenance import scenario_file
from crisis_sim.scenario.errors import Mistake, ScenarioError
from crisis_sim.scenario.extends import SUFFIXES, read_chain
from crisis_sim.scenario.load import PLAIN_NAME, PLAIN_NAME_WORDS, load_scenario
from crisis_sim.scenario.printable import printable
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.shipped import find_scenario, shipped_folder
from crisis_sim.scenario.source import MAX_BYTES

#: Longest name of a file that a browser sends, in letters; file systems allow 255 bytes.
MAX_NAME = 60


@dataclass(frozen=True)
class Opened:
    """A scenario with the files that it stands in.

    Attributes:
        scenario: the scenario.
        files: the content of its file and of those that it extends, by their names: itself first.
    """

    scenario: Scenario
    files: Mapping[str, bytes]

    @property
    def file(self) -> str:
        """The name of its own file."""
        return next(iter(self.files))


def open_reference(reference: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Opened:
    """Open a scenario file, or a shipped scenario by its name.

    Args:
        reference: the file, or the name.
        overrides: changes to it, as `--set` makes them. With these it stands in a file of its own, for what is saved
            extends it.

    Raises:
        ScenarioError: when there is none, or it has mistakes.
    """
    scenario = load_scenario(reference, overrides)
    path = find_scenario(reference)
    if not overrides and path.is_file():  # a pipe cannot be read again
        return Opened(scenario, _chain(path))
    name = f"{scenario.name}_set"
    head = f"# {scenario.name} with {' '.join(f'--set {shlex.quote(one)}' for one in overrides)}\n"
    text = printable(head, also="\n") + scenario_file({"scenario": scenario.plain()})
    return Opened(Scenario.from_text(text, name), {f"{name}.yaml": text.encode()})


def open_sent(name: str, content: bytes, known: Mapping[str, bytes]) -> Opened:
    """Open a scenario file that a browser has sent.

    Args:
        name: the file's name there.
        content: what is in it.
        known: files that it may extend besides the shipped ones, by their names.

    Raises:
        ScenarioError: when it has mistakes; they name the file as the person does.
    """
    name = name.replace("\\", "/").rpartition("/")[2]
    _check(name, content)
    with TemporaryDirectory(prefix="crisis-sim-") as made:
        folder = Path(made)
        for shipped in shipped_folder().glob("*.yaml"):
            (folder / shipped.name).write_bytes(shipped.read_bytes())
        for other, text in known.items():
            (folder / other).parent.mkdir(parents=True, exist_ok=True)
            (folder / other).write_bytes(text)
        path = folder / name
        path.write_bytes(content)
        try:
            return Opened(load_scenario(path), _chain(path))
        except ScenarioError as error:
            raise ScenarioError(_without(folder, one) for one in error.mistakes) from None


def is_plain(name: str) -> bool:
    """Whether a file's name leads into no other folder, and is no longer than one may be."""
    stem, _, suffix = name.rpartition(".")
    return (
        f".{suffix}" in SUFFIXES
        and PLAIN_NAME.fullmatch(stem) is not None
        and len(name) <= MAX_NAME
    )


def _without(folder: Path, mistake: Mistake) -> Mistake:
    """A mistake without the folder in which the files were read, of which the person knows nothing."""

    def bare(text: str) -> str:
        return text.replace(f"{folder}{os.sep}", "")

    return replace(mistake, file=bare(mistake.file), message=bare(mistake.message))


def _check(name: str, content: bytes) -> None:
    """Make sure of a file's name and size before anything is written.

    Raises:
        ScenarioError: when either will not do.
    """
    stem, dot, suffix = name.rpartition(".")
    wrong = expected = ""
    if f"{dot}{suffix}" not in SUFFIXES:
        wrong, expected = "this is no scenario file", "a file that ends in .yaml or .yml"
    elif not PLAIN_NAME.fullmatch(stem) or len(name) > MAX_NAME:
        wrong = "the file's name cannot be a scenario's name"
        expected = f"at most {MAX_NAME} {PLAIN_NAME_WORDS}"
    elif len(content) > MAX_BYTES:
        wrong, expected = "too big for a scenario", f"at most {MAX_BYTES} bytes"
    if wrong:
        raise ScenarioError([Mistake(name[:MAX_NAME], 0, 0, wrong, expected)])


def _chain(path: Path) -> dict[str, bytes]:
    own, *others = read_chain(path, path.name)[0]
    folder = path.parent.resolve()
    files = {path.name: own.path.read_bytes()}
    for layer in others:
        files[layer.path.relative_to(folder).as_posix()] = layer.path.read_bytes()
    return files
