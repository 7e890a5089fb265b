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
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from crisis_sim import text
from crisis_sim.dashboard.changes import Changes, Group, Slider, number_in_words
from crisis_sim.report.page.parts import scenario_file
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
from crisis_sim.text import clean, printable
from crisis_sim.version import __version__

# --- Scenarios that a person opens: by name, from a file on this machine, or sent by a browser

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
    return f".{suffix}" in SUFFIXES and is_file_name(composed(stem)) and len(name) <= MAX_NAME


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
    elif not is_file_name(composed(stem)) or len(name) > MAX_NAME:
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
        files[layer.path.relative_to(folder).as_posix()] = layer.path.read_bytes()
    return files


# --- What a person has made, as a scenario file that extends the original and says only what differs

#: Changes that a title names; more are counted.
NAMED = 2
#: A line that is longer is broken.
WIDTH = 100

_HEAD = """\
# {title}
#
# Made in the dashboard of Crisis Sim {version}. It extends {original}, which must stand in the same folder.
#
#   crisis-sim check {quoted}
#   crisis-sim run {original_quoted} {quoted}

"""


def file_name(wished: str, opened: Opened) -> str:
    """A name for the file that is near to the wished one, and is none of those that it extends."""
    stem = composed(clean(wished)).removesuffix(".yaml").removesuffix(".yml")
    if not is_file_name(stem):
        stem = f"{opened.scenario.name}_moved"
    while f"{stem}.yaml" in opened.files:
        stem += "_moved"
    return f"{stem}.yaml"


def as_scenario_file(opened: Opened, changes: Changes, groups: tuple[Group, ...], name: str) -> str:
    """The scenario with its changes as a file that extends the original.

    Args:
        opened: the original.
        changes: what was changed in it.
        groups: its sliders and switches.
        name: the file's name (`file_name`).
    """
    told = told_changes(changes, groups)
    title = f"{text.clean(opened.scenario.title)}: {_short(told)}"
    content: dict[str, Any] = {
        "extends": opened.file,
        "title": title,
        "description": text.sentence(text.listed(told)) or "Nothing is changed.",
    }
    for path, value in changes.effective.items():
        _put(content, path, value)
    for path in sorted(changes.off):
        _put(content, path, None)
    head = _HEAD.format(
        title=title,
        version=__version__,
        original=opened.file,
        quoted=shlex.quote(name),
        original_quoted=shlex.quote(opened.file),
    )
    return head + _yaml(content)


def told_changes(changes: Changes, groups: tuple[Group, ...]) -> list[str]:
    """Each change in words, such as "Attention days of United States 0.5 days in place of 0.5 to 1.5 days"."""
    told = []
    for group in groups:
        if group.path in changes.off:
            told.append(f"without {text.with_article(group.title)}")
        told += [
            _told(slider, group, changes.effective[slider.path])
            for slider in group.sliders
            if slider.path in changes.effective
        ]
    return told


def _told(slider: Slider, group: Group, value: float) -> str:
    of = f" of {text.with_article(group.title)}" if group.path.count(".") else ""
    given = number_in_words(slider.given, slider.unit)
    return f"{slider.label[:1].lower()}{slider.label[1:]}{of} {number_in_words(value, slider.unit)} in place of {given}"


def _short(told: list[str]) -> str:
    """What was changed, for a title."""
    if not told:
        return "unchanged"
    if len(told) <= NAMED:
        return text.listed([one.partition(" in place of ")[0] for one in told])
    return f"{text.in_letters(len(told))} changes"


def _put(content: dict[str, Any], path: str, value: float | None) -> None:
    *before, last = path.split(".")
    for key in before:
        content = content.setdefault(key, {})
    content[last] = value


def _yaml(content: dict[str, Any]) -> str:
    from ruamel.yaml import YAML

    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None  # what holds no further mapping stands in one line
    yaml.sort_base_mapping_type_on_output = False
    yaml.allow_unicode = True
    yaml.width = WIDTH
    stream = StringIO()
    yaml.dump(content, stream)
    return stream.getvalue()
