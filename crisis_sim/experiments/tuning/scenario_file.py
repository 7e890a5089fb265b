"""The tuned scenario, as a file that extends the original and says only what differs.

A scenario extends files of its own folder only. So the original stands beside it, as it was
resolved: with every value and everything that the experiment set.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from io import StringIO
from typing import Any

from crisis_sim.experiments.folder import GIVEN
from crisis_sim.experiments.tuning.evaluation import Problem
from crisis_sim.experiments.tuning.places import Values, place_in
from crisis_sim.scenario.schema import Scenario

#: A line of the head that is longer is broken.
WIDTH = 100


def scenario_files(problem: Problem, point: Values) -> dict[str, str]:
    """For each scenario the tuned one and the original, by the names of their files.

    Args:
        problem: what was tuned.
        point: the parameters, `(parameters,)`.
    """
    files: dict[str, str] = {}
    for scenario in problem.scenarios:
        changes = {
            path: value
            for one, value in zip(problem.tuned, point.tolist(), strict=True)
            for path in one.paths
            if place_in(scenario, path) is not None
        }
        files |= extending(
            scenario, changes, tuned_name(scenario), "tuned", problem.experiment.name
        )
    return files


def extending(
    scenario: Scenario,
    changes: Mapping[str, Any],
    name: str,
    word: str,
    experiment: str,
    head: str = "",
) -> dict[str, str]:
    """A scenario with some numbers changed, and the original that it extends, by their files' names.

    Args:
        scenario: the scenario.
        changes: by path a number, or a distribution as it is written.
        name: the name of the file.
        word: what has been done to it, such as `tuned`.
        experiment: by which experiment.
        head: further lines of comment, each with its `#`.
    """
    own = original_name(scenario)
    content = {key: value for key, value in scenario.plain().items() if key != "name"}
    changed = copy.deepcopy(content)
    for path, value in changes.items():
        _put(changed, path.split("."), value)
    said = {
        "extends": own,
        "title": f"{scenario.title}, {word}",
        **_difference(content, changed),
    }
    return {
        name: f"# {scenario.name}, {word} by the experiment {experiment}.\n{head}{_yaml(said)}",
        own: (
            f"# {scenario.name} as the experiment {experiment} had it, "
            "every value written out.\n" + _yaml(_without_nothing(content))
        ),
    }


def tuned_name(scenario: Scenario) -> str:
    """The name of a tuned scenario's file."""
    return f"{scenario.name}_tuned.yaml"


def original_name(scenario: Scenario) -> str:
    """The name of the file that it extends."""
    name = f"{scenario.name}.yaml"
    return f"{scenario.name}_original.yaml" if name == GIVEN else name


def _put(content: Any, path: list[str], value: Any) -> None:
    *before, last = path
    for key in before:
        content = content[int(key) if isinstance(content, list) else key]
    content[int(last) if isinstance(content, list) else last] = value


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What must be laid over `before` to have `after`: mappings are merged, the rest is replaced."""
    found = {}
    for key, value in after.items():
        old = before.get(key)
        # Of a choice neither its values nor its weights can be left out.
        if isinstance(value, dict) and isinstance(old, dict) and "choice" not in value:
            inner = _difference(old, value)
            if inner:
                found[key] = inner
        elif value != old:
            found[key] = value
    return found


def _without_nothing(content: Any) -> Any:
    """Content without entries that are None, which a file has no need to say."""
    if isinstance(content, dict):
        return {key: _without_nothing(value) for key, value in content.items() if value is not None}
    if isinstance(content, list):
        return [_without_nothing(item) for item in content]
    return content


def _yaml(content: Mapping[str, Any]) -> str:
    from ruamel.yaml import YAML

    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None  # what holds no further mapping stands in one line
    yaml.sort_base_mapping_type_on_output = False
    yaml.allow_unicode = True
    yaml.width = WIDTH
    stream = StringIO()
    yaml.dump(dict(content), stream)
    return stream.getvalue()
