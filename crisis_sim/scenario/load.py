"""From a reference to a checked scenario: find, read, lay over, override, check.

All mistakes are gathered and reported together, whichever step found them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from crisis_sim.scenario.checks import check
from crisis_sim.scenario.errors import Mistake, ScenarioError, one_of
from crisis_sim.scenario.explain import explain
from crisis_sim.scenario.extends import read_chain
from crisis_sim.scenario.merge import lay_over
from crisis_sim.scenario.names import FILE_WORDS, composed, is_file_name
from crisis_sim.scenario.overrides import NAME, leads_somewhere, override, removes
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.shipped import find_scenario
from crisis_sim.scenario.source import Node, parse


def load_scenario(reference: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Scenario:
    """Read and check a scenario.

    Args:
        reference: a scenario file, or the bare name of a shipped scenario.
        overrides: changes such as `mediators.us.leverage.india=0.2`, in the order in which they
            are to be made (see `crisis_sim.scenario.overrides`).

    Raises:
        ScenarioError: when there is no such scenario, or it has mistakes; holds all of them.
    """
    return _read_files(reference).checked(overrides)


def load_each(
    references: Iterable[str | os.PathLike[str]], overrides: Sequence[str] = ()
) -> list[Scenario | ScenarioError]:
    """Read and check scenarios that are meant to stand side by side: each, or its mistakes.

    What an override takes out may be missing from some of them, but not from all.

    Args:
        references: as for `load_scenario`.
        overrides: as for `load_scenario`; they are made in every scenario.
    """
    read = [_attempt(_read_files, reference) for reference in references]
    tops = [one.top for one in read if isinstance(one, _Files)]
    somewhere = [
        text
        for text in overrides
        if removes(text) and any(leads_somewhere(top, text) for top in tops)
    ]

    def checked(files: _Files) -> Scenario:
        return files.checked(
            [
                text
                for text in overrides
                if text not in somewhere or leads_somewhere(files.top, text)
            ]
        )

    return [one if isinstance(one, ScenarioError) else _attempt(checked, one) for one in read]


def load_scenarios(
    references: Iterable[str | os.PathLike[str]], overrides: Sequence[str] = ()
) -> list[Scenario]:
    """Read and check scenarios that are meant to stand side by side, as `load_each` does.

    Raises:
        ScenarioError: when any of them has mistakes; holds all mistakes of all of them. A mistake
            in an override that only some of the scenarios have names them.
    """
    references = list(references)
    each = load_each(references, overrides)
    having: dict[Mistake, dict[str, Mistake]] = {}
    for reference, one in zip(references, each, strict=True):
        for mistake in one.mistakes if isinstance(one, ScenarioError) else ():
            # What would have been right differs between scenarios; the mistake is the same.
            same = replace(mistake, expected="", suggestion="")
            having.setdefault(same, {})[Path(reference).stem] = mistake
    if having:
        names = {Path(reference).stem for reference in references}
        raise ScenarioError(_told_once(by_name, len(names)) for by_name in having.values())
    return [one for one in each if isinstance(one, Scenario)]


def read_scenario(text: str, name: str = "scenario", overrides: Sequence[str] = ()) -> Scenario:
    """Check a scenario that stands in a text.

    Args:
        text: what a scenario file would hold; it can extend none, for it has no folder.
        name: the scenario's name, by which reports call the text, too.
        overrides: as for `load_scenario`.

    Raises:
        ScenarioError: when it has mistakes; holds all of them.
    """
    top, mistakes = parse(name, text)
    extends = top.entries().get("extends")
    if extends is not None:
        mistakes.append(extends.label.mistake("only a file can extend others", "a whole scenario"))
        top = Node(top.place, {k: v for k, v in top.entries().items() if k != "extends"})
    return _checked(top, composed(name), overrides, mistakes)


@dataclass(frozen=True)
class _Files:
    """What a scenario's files say, before it is changed and checked."""

    name: str
    top: Node
    mistakes: Sequence[Mistake]

    def checked(self, overrides: Sequence[str]) -> Scenario:
        return _checked(self.top, self.name, overrides, self.mistakes)


def _read_files(reference: str | os.PathLike[str]) -> _Files:
    path = find_scenario(reference)
    name = composed(path.stem)
    if not is_file_name(name):
        raise ScenarioError(
            [
                Mistake(
                    _call(path),
                    0,
                    0,
                    "the file's name cannot be a scenario's name",
                    FILE_WORDS,
                )
            ]
        )
    layers, mistakes = read_chain(path, _call(path))
    top = layers[-1].top
    for layer in reversed(layers[:-1]):
        top = lay_over(top, layer.top)
    return _Files(name, top, mistakes)


Given = TypeVar("Given")
Made = TypeVar("Made")


def _attempt(make: Callable[[Given], Made], given: Given) -> Made | ScenarioError:
    try:
        return make(given)
    except ScenarioError as error:
        return error


def _told_once(by_name: Mapping[str, Mistake], scenarios: int) -> Mistake:
    """One mistake for those of several scenarios; it names them where others do not have it."""
    mistake = max(by_name.values(), key=lambda one: bool(one.suggestion))
    if mistake.file != NAME or len(by_name) == scenarios:
        return mistake
    return replace(mistake, message=f"{mistake.message} in {one_of(by_name, 'and')}")


def _checked(
    top: Node, name: str, overrides: Sequence[str], mistakes: Sequence[Mistake]
) -> Scenario:
    top, found = override(top, overrides)
    found += check(top)
    scenario = None
    try:
        if "name" in top.entries():  # the schema's own, which a file cannot set
            found.append(
                top.entries()["name"].label.mistake("a scenario is named after its file", "no name")
            )
        scenario = Scenario.model_validate({**top.plain(), "name": name})
    except ValidationError as error:
        found += explain(error, top)
    # What is written amiss is read as well as it can be; what then follows from it is no news.
    known = {(mistake.file, mistake.line, mistake.column) for mistake in mistakes}
    found = [one for one in found if (one.file, one.line, one.column) not in known]
    if mistakes or found or scenario is None:
        raise ScenarioError([*mistakes, *found])
    return scenario


def _call(path: Path) -> str:
    """What to call a file in a report: as the person did, or relative to where they are."""
    if not path.is_absolute():
        return str(path)
    try:
        return str(path.relative_to(Path.cwd()))
    except (OSError, ValueError):
        return str(path)
