"""What a person has made, as a scenario file that extends the original and says only what differs."""

from __future__ import annotations

import shlex
from io import StringIO
from typing import Any

from crisis_sim.dashboard.changes import Changes
from crisis_sim.dashboard.opened import Opened
from crisis_sim.dashboard.sliders import Group, Slider, number_in_words
from crisis_sim.report import words
from crisis_sim.scenario.names import composed, is_file_name
from crisis_sim.scenario.printable import clean
from crisis_sim.version import __version__

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


def scenario_file(opened: Opened, changes: Changes, groups: tuple[Group, ...], name: str) -> str:
    """The scenario with its changes as a file that extends the original.

    Args:
        opened: the original.
        changes: what was changed in it.
        groups: its sliders and switches.
        name: the file's name (`file_name`).
    """
    told = told_changes(changes, groups)
    title = f"{words.clean(opened.scenario.title)}: {_short(told)}"
    content: dict[str, Any] = {
        "extends": opened.file,
        "title": title,
        "description": words.sentence(words.listed(told)) or "Nothing is changed.",
    }
    for path, value in changes.felt.items():
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
            told.append(f"without {words.with_article(group.title)}")
        told += [
            _told(slider, group, changes.felt[slider.path])
            for slider in group.sliders
            if slider.path in changes.felt
        ]
    return told


def _told(slider: Slider, group: Group, value: float) -> str:
    of = f" of {words.with_article(group.title)}" if group.path.count(".") else ""
    given = number_in_words(slider.given, slider.unit)
    return f"{slider.label[:1].lower()}{slider.label[1:]}{of} {number_in_words(value, slider.unit)} in place of {given}"


def _short(told: list[str]) -> str:
    """What was changed, for a title."""
    if not told:
        return "unchanged"
    if len(told) <= NAMED:
        return words.listed([one.partition(" in place of ")[0] for one in told])
    return f"{words.in_letters(len(told))} changes"


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
