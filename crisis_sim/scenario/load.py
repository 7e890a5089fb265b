"""From a reference to a checked scenario: find, read, lay over, override, check.

All mistakes are gathered and reported together, whichever step found them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from crisis_sim.scenario.checks import check
from crisis_sim.scenario.errors import Mistake, ScenarioError
from crisis_sim.scenario.explain import explain
from crisis_sim.scenario.extends import read_chain
from crisis_sim.scenario.merge import lay_over
from crisis_sim.scenario.overrides import override
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.shipped import find_scenario
from crisis_sim.scenario.source import Node, parse

#: A file's name without its suffix, which becomes the scenario's: in tables, folders and columns.
PLAIN_NAME = re.compile(r"\w[\w .+-]*")


def load_scenario(reference: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Scenario:
    """Read and check a scenario.

    Args:
        reference: a scenario file, or the bare name of a shipped scenario.
        overrides: changes such as `mediators.us.leverage.india=0.2`, in the order in which they
            are to be made (see `crisis_sim.scenario.overrides`).

    Raises:
        ScenarioError: when there is no such scenario, or it has mistakes; holds all of them.
    """
    path = find_scenario(reference)
    if not PLAIN_NAME.fullmatch(path.stem):
        raise ScenarioError(
            [
                Mistake(
                    _call(path),
                    0,
                    0,
                    "the file's name cannot be a scenario's name",
                    "letters, digits, spaces and any of _ - . +",
                )
            ]
        )
    layers, mistakes = read_chain(path, _call(path))
    top = layers[-1].top
    for layer in reversed(layers[:-1]):
        top = lay_over(top, layer.top)
    return _checked(top, path.stem, overrides, mistakes)


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
    return _checked(top, name, overrides, mistakes)


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
