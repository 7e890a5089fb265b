"""The commented scenario that `crisis-sim init` writes for a newcomer to change."""

from __future__ import annotations

import json
from pathlib import Path

from crisis_sim.scenario.errors import Mistake, ScenarioError
from crisis_sim.scenario.shipped import on_disk

TEMPLATE = on_disk(Path(__file__).parent) / "template.yaml"

COUNTERFACTUAL = """\
# A counterfactual of {extends}: say only what differs. Mappings are merged, lists and numbers
# replace what was there, and null takes an entry out:
#
#   mediators: {{us: null}}
#   states: {{NAME: {{resolve: {{uniform: [0.2, 0.5]}}}}}}
#
#   crisis-sim check {file}
#   crisis-sim run {extends} {file}

extends: {extends}
title: {title}
"""


def template_text(file_name: str = "my_crisis.yaml") -> str:
    """The template, with the name of the file that it becomes in its comments."""
    text = TEMPLATE.read_text(encoding="utf-8")
    return text.replace("FILE", file_name).replace("this_file.yaml", file_name)


def write_template(path: Path) -> None:
    """Write the template to a new file.

    Raises:
        FileExistsError: when there is one already; it is left alone.
        OSError: when it cannot be written.
    """
    _write(path, template_text(path.name))


def _write(path: Path, text: str) -> None:
    """Write a new file; where that fails, nothing of it is left."""
    with path.open("x", encoding="utf-8") as file:
        try:
            file.write(text)
            file.flush()
        except OSError:
            path.unlink(missing_ok=True)
            raise


def write_counterfactual(path: Path, reference: str) -> list[Path]:
    """Write a scenario that extends another one, with copies of what it extends beside it.

    A scenario can extend files of its own folder only, so a shipped one is copied there first.

    Args:
        path: the new file.
        reference: the scenario to extend: a file, or the name of a shipped one.

    Returns:
        the files written, the new scenario first.

    Raises:
        FileExistsError: when the file is there already, or another one under a name that is needed.
        ScenarioError: when there is no such scenario, or it has mistakes.
        OSError: when they cannot be written.
    """
    from crisis_sim.scenario.extends import read_chain
    from crisis_sim.scenario.load import load_scenario
    from crisis_sim.scenario.shipped import find_scenario

    original = find_scenario(reference)
    if not original.is_file():  # it cannot be read again
        message = "a pipe or a device, which no file can extend"
        raise ScenarioError([Mistake(str(original), 0, 0, message, "a scenario file")])
    original = original.resolve()
    # A JSON text is a YAML text, whatever characters it holds.
    title = json.dumps(f"{load_scenario(original).title}, but otherwise", ensure_ascii=False)
    layers, _ = read_chain(original, str(original))
    copies = {
        path.parent / layer.path.relative_to(original.parent): layer.path.read_text("utf-8")
        for layer in layers
    }
    for copy, text in copies.items():
        if copy == path or (copy.exists() and copy.read_text("utf-8") != text):
            raise FileExistsError(copy)
    _write(path, COUNTERFACTUAL.format(extends=original.name, title=title, file=path.name))
    written = [path]
    for copy, text in copies.items():
        if not copy.exists():
            copy.parent.mkdir(exist_ok=True)
            _write(copy, text)
            written.append(copy)
    return written
