"""Opening a scenario (by name, from a local file, or sent by a browser), and saving a changed one as a file.

A file that a browser sends may be a stranger's. It is read in a folder of its own, beside copies of the files that it may
extend, with all the limits and messages of `crisis_sim.scenario`; the folder is gone afterwards.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from crisis_sim import text
from crisis_sim.dashboard.changes import Changes, Group, number_in_words
from crisis_sim.report.save import scenario_file
from crisis_sim.scenario.errors import Mistake, ScenarioError
from crisis_sim.scenario.load import (
    SUFFIXES,
    find_scenario,
    load_scenario,
    read_chain,
    shipped_folder,
)
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import FILE_WORDS, MAX_BYTES, composed, is_file_name
from crisis_sim.version import __version__

#: Longest name of a file that a browser sends, in letters; file systems allow 255 bytes.
MAX_NAME = 60
#: Changes that a title names; more are counted.
NAMED = 2


@dataclass(frozen=True)
class Opened:
    """A scenario, and the content of its file and of those that it extends, by their names: itself first."""

    scenario: Scenario
    files: Mapping[str, bytes]

    @property
    def file(self) -> str:
        """The name of its own file."""
        return next(iter(self.files))

    @cached_property
    def needed(self) -> dict[str, bytes]:
        """Those of the files that do not come with Crisis Sim, and so are found only where they are kept."""
        shipped = {name: shipped_folder() / name for name in self.files}
        return {
            name: content
            for name, content in self.files.items()
            if not (shipped[name].is_file() and shipped[name].read_bytes() == content)
        }

    @property
    def reference(self) -> str:
        """What a file that extends it, or a command, calls it: its file, or a shipped scenario's name."""
        return self.file if self.file in self.needed else Path(self.file).stem


def open_reference(reference: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Opened:
    """Open a scenario file, or a shipped scenario by its name.

    With `overrides`, as `--set` makes them, it stands in a file of its own, for what is saved extends it.

    Raises:
        ScenarioError: when there is none, or it has mistakes.
    """
    scenario = load_scenario(reference, overrides)
    path = find_scenario(reference)
    if not overrides and path.is_file():  # a pipe cannot be read again
        return Opened(scenario, _chain(path))
    name = f"{scenario.name}_set"
    head = f"# {scenario.name} with {' '.join(f'--set {shlex.quote(one)}' for one in overrides)}\n"
    content = text.printable(head, also="\n") + scenario_file({"scenario": scenario.plain()})
    return Opened(Scenario.from_text(content, name), {f"{name}.yaml": content.encode()})


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
        shipped = {file.name: file.read_bytes() for file in shipped_folder().glob("*.yaml")}
        for file, data in {**shipped, **known, name: content}.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(data)
        try:
            return Opened(load_scenario(folder / name), _chain(folder / name))
        except ScenarioError as error:

            def bare(told: str) -> str:  # of the folder the person knows nothing
                return told.replace(f"{folder}{os.sep}", "")

            raise ScenarioError(
                replace(one, file=bare(one.file), message=bare(one.message))
                for one in error.mistakes
            ) from None


def is_plain(name: str) -> bool:
    """Whether a scenario file's name leads into no other folder, and is no longer than one may be."""
    stem, dot, suffix = name.rpartition(".")
    return f"{dot}{suffix}" in SUFFIXES and is_file_name(composed(stem)) and len(name) <= MAX_NAME


def _check(name: str, content: bytes) -> None:
    """Make sure of a file's name and size before anything is written."""
    wrong = expected = ""
    if not name.endswith(SUFFIXES):
        wrong, expected = "this is no scenario file", "a file that ends in .yaml or .yml"
    elif not is_plain(name):
        wrong = "the file's name cannot be a scenario's name"
        expected = f"at most {MAX_NAME} {FILE_WORDS}"
    elif len(content) > MAX_BYTES:
        wrong, expected = "too big for a scenario", f"at most {MAX_BYTES} bytes"
    if wrong:
        raise ScenarioError([Mistake(name[:MAX_NAME], 0, 0, wrong, expected)])


def _chain(path: Path) -> dict[str, bytes]:
    own, *others = read_chain(path, path.name)[0]
    folder = path.parent.resolve()
    files = {path.name: own.path.read_bytes()}
    for layer in others:
        files[layer.within(folder).as_posix()] = layer.path.read_bytes()
    return files


# The changed scenario as a file that extends the original and holds only the differences.

_HEAD = """\
# {title}
#
# Made in the dashboard of Crisis Sim {version}. It extends {original}, {where}.
#
#   crisis-sim check {quoted}
#   crisis-sim run {original_quoted} {quoted}

"""


def file_name(wished: str, opened: Opened) -> str:
    """A name for the file that is near to the wished one, and is none of those that it extends."""
    stem = composed(text.clean(wished)).removesuffix(".yaml").removesuffix(".yml")
    if not is_file_name(stem):
        stem = f"{opened.scenario.name}_changed"
    while f"{stem}.yaml" in opened.files:
        stem += "_changed"
    return f"{stem}.yaml"


def as_scenario_file(opened: Opened, changes: Changes, groups: tuple[Group, ...], name: str) -> str:
    """The scenario with its changes as a file, of this name (`file_name`), that extends the original."""
    from crisis_sim.experiments.calibrate import as_yaml

    told = describe_changes(changes, groups)
    short = "unchanged"
    if told:
        short = f"{text.in_letters(len(told))} changes"
        if len(told) <= NAMED:
            short = text.listed([one.partition(" in place of ")[0] for one in told])
    title = f"{text.clean(opened.scenario.title)}: {short}"
    content: dict[str, Any] = {
        "extends": opened.reference,
        "title": title,
        "description": text.sentence(text.listed(told)) or "Nothing is changed.",
    }
    for path, value in {**changes.effective, **dict.fromkeys(sorted(changes.off))}.items():
        *before, last = path.split(".")
        inner = content
        for key in before:
            inner = inner.setdefault(key, {})
        inner[last] = value
    head = _HEAD.format(
        title=title,
        version=__version__,
        original=opened.reference,
        where="a file of the same folder"
        if opened.file in opened.needed
        else "which comes with Crisis Sim",
        quoted=shlex.quote(name),
        original_quoted=shlex.quote(opened.reference),
    )
    return head + as_yaml(content)


def describe_changes(changes: Changes, groups: tuple[Group, ...]) -> list[str]:
    """Each change in words, such as "attention days of the United States 0.5 days in place of 0.5 to 1.5 days"."""
    told = []
    for group in groups:
        name = text.with_article(group.title)
        if group.path in changes.off:
            told.append(f"without {name}")
        of = f" of {name}" if "." in group.path else ""
        for slider in group.sliders:
            if slider.path in changes.effective:
                label = f"{slider.label[:1].lower()}{slider.label[1:]}"
                value = number_in_words(changes.effective[slider.path], slider.unit)
                given = number_in_words(slider.given, slider.unit)
                told.append(f"{label}{of} {value} in place of {given}")
    return told
