"""Find, read and check experiment files; their JSON Schema."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crisis_sim.batch.own_classes import check_rules, classes_in_words
from crisis_sim.experiments.spec import KINDS, Experiment, Kind, Reading, kind_of
from crisis_sim.outcomes.measures import Columns, Measure
from crisis_sim.scenario import yaml_text
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.scenario.fits import over_fits
from crisis_sim.scenario.introspect import DIALECT, validate
from crisis_sim.scenario.load import (
    SET_OPTION,
    SUFFIX,
    data_folder,
    find_file,
    find_overwritten,
    load_scenario,
)
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.yaml_text import Node, Place, Source, lay_over, merge, nfc, to_node

# --- Shipped experiments: the folder `experiments/` of a checkout, `crisis_sim/_experiments` in a wheel


@dataclass(frozen=True)
class ShippedExperiment:
    """An experiment that comes with Crisis Sim."""

    name: str
    path: Path
    kind: str
    title: str
    question: str


def experiments_folder() -> Path:
    """Return the folder of the shipped experiments."""
    return data_folder(__file__, "_experiments", "experiments")


def shipped_experiments() -> list[ShippedExperiment]:
    """Return the shipped experiments in alphabetical order; ScenarioError if a file cannot be read."""
    shipped = []
    for path in sorted(experiments_folder().glob(f"*{SUFFIX}")):
        top, _ = _parse(str(path), yaml_text.read_text(path, str(path)))
        nodes = (top.entries().get(key) for key in ("kind", "title", "question"))
        texts = (str(node.content) if node else "" for node in nodes)
        shipped.append(ShippedExperiment(path.stem, path, *texts))
    return shipped


def _parse(name: str, text: str) -> tuple[Node, list[Mistake]]:
    return yaml_text.parse(name, text, "experiment", "kind, title and scenario")


# --- Reading and checking: all mistakes are reported together


def load_experiment(
    reference: str | os.PathLike[str],
    changes: Mapping[str, Any] | None = None,
    agents: Sequence[Any] = (),
    settings: Node | None = None,
    roles: Mapping[str, Any] | None = None,
) -> Experiment:
    """Read and check an experiment.

    Args:
        reference: an experiment's file, or the bare name of a shipped one.
        changes: values that replace the file's, by key, such as `{"replicates": 100}`.
        agents, roles: agents to add and classes to use instead of the scenario's, as in `run_experiment`.
        settings: further values that replace the file's, from `read_settings`.

    Raises:
        ScenarioError: if there is no such experiment or it has mistakes; contains all of them.
    """
    path = find_file(reference, experiments_folder(), "experiment", "an experiment's file")
    file, name = str(path), nfc(path.stem)
    if not yaml_text.is_file_name(name):
        message = "the file's name cannot be an experiment's name"
        raise ScenarioError([Mistake(file, 0, 0, message, yaml_text.FILE_WORDS)])
    text = yaml_text.read_text(path, file)
    top, mistakes = _parse(file, text)
    # Changes are read like the keys of a file named after the option, so that mistakes point there.
    entries = {}
    for key, value in (changes or {}).items():
        entries[key] = to_node(value, Place(Source.of(f"--{key}", f"{key}: {value}"), 1, 1))
    top = lay_over(top, Node(top.place, entries))
    return _checked(
        top, mistakes, name, text, yaml_text.folder_of(path), settings, None, agents, roles
    )


def make_experiment(
    name: str = "experiment",
    settings: Node | None = None,
    /,
    *,
    agents: Sequence[Any] = (),
    roles: Mapping[str, Any] | None = None,
    **content: Any,
) -> Experiment:
    """Make an experiment in Python, with the keys of a file.

    Args:
        name: its name.
        settings: values from `read_settings`, which replace those of `content`.
        agents, roles: agents to add and classes to use instead of the scenario's, as in `run_experiment`.
        content: keys such as `kind="sweep", scenario="may_2025"`; a scenario may be a `Scenario`.

    Raises:
        ScenarioError: if it has mistakes; contains all of them.
    """
    import json

    scenario = content.get("scenario")
    ready = scenario if isinstance(scenario, Scenario) else None
    content = {"title": name, **content, **({"scenario": ready.name} if ready else {})}
    complete = {**content, **(settings.plain() if settings else {})}
    given, text = (
        json.dumps(keys, indent=2, ensure_ascii=False, default=str) for keys in (content, complete)
    )
    return _checked(*_parse(name, given), name, text, Path(), settings, ready, agents, roles)


def resolved_experiment(content: Mapping[str, Any], text: str = "") -> Experiment:
    """Return an experiment from the resolved copy in its folder, which may be damaged."""
    from crisis_sim.outcomes.named_measures import measure

    spec = kind_of(content["experiment"]["kind"]).SPEC.model_validate(content["experiment"])
    scenario = Scenario.model_validate(content["scenario"])
    measures = tuple(map(measure, spec.outcomes))
    others = tuple(map(Scenario.model_validate, content.get("others", ())))
    return Experiment(content["name"], spec, scenario, measures, text, others)


def _checked(
    top: Node,
    mistakes: list[Mistake],
    name: str,
    text: str,
    folder: Path,
    settings: Node | None,
    scenario: Scenario | None,
    agents: Sequence[Any],
    roles: Mapping[str, Any] | None,
) -> Experiment:
    """Return the experiment with a file's values, after adding to `mistakes`; ScenarioError if there are any."""
    if settings:
        top = replace(lay_over(top, settings), place=top.place)
    kind = _kind(top)
    spec = validate(kind.SPEC, top, mistakes)
    before = len(mistakes)
    loaded = _scenarios(top, folder, scenario, mistakes)
    if spec is None or not loaded or len(mistakes) > before:
        raise ScenarioError(mistakes)
    scenario, *others = loaded
    if spec.over_fits:
        scenario, *others = map(over_fits, loaded)
    agents, roles = (*agents, *spec.agents), dict(roles or {})
    check_rules((scenario, *others), roles, agents)
    columns = Columns.of(scenario, agents=agents, roles=roles)
    reading = Reading(top, scenario, columns, tuple(others), agents, roles)
    measures = _measures(reading, len(spec.outcomes), mistakes)
    mistakes += kind.check(spec, reading)
    if mistakes:
        raise ScenarioError(mistakes)
    if classes := classes_in_words(roles, agents):
        texts = {"title": f"{spec.title}, with {classes}"}
        texts |= {"question": f"{spec.question} With {classes}."} if spec.question else {}
        spec = spec.model_copy(update=texts)
    return Experiment(name, spec, scenario, measures, text, tuple(others))


def _kind(top: Node) -> Kind:
    """Return the kind that a file names; ScenarioError if it names none or one that is unknown."""
    node = top.entries().get("kind")
    if node is None:
        raise ScenarioError([top.place.mistake("'kind' is missing", one_of(KINDS))])
    if isinstance(node.content, str) and node.content in KINDS:
        return kind_of(node.content)
    name = node.plain()
    near = nearest(str(name), KINDS)
    raise ScenarioError([node.place.mistake(f"unknown kind {name!r}", one_of(KINDS), near)])


def _scenarios(
    top: Node, folder: Path, scenario: Scenario | None, mistakes: list[Mistake]
) -> list[Scenario]:
    """Load a file's scenario, if none is given, and its other scenarios; adds to `mistakes`."""
    entries = top.entries()
    items = entries["set"].items() if "set" in entries else []
    overrides = [item.content for item in items if isinstance(item.content, str)]
    named = [(entries["scenario"], overrides)] if scenario is None and "scenario" in entries else []
    named += [(item, []) for item in (entries["others"].items() if "others" in entries else ())]
    loaded = [scenario] if scenario else []
    for node, changes in named:
        if not isinstance(node.content, str):
            continue  # already reported by the schema
        try:
            if overwritten := find_overwritten(changes):
                raise ScenarioError(overwritten)
            is_file = Path(node.content).suffix in (".yaml", ".yml")
            scenario = load_scenario(folder / node.content if is_file else node.content, changes)
        except ScenarioError as error:
            mistakes += [_placed(mistake, node, items) for mistake in error.mistakes]
            continue
        if scenario.name in [other.name for other in loaded]:
            message = f"a second scenario that is called '{scenario.name}'"
            mistakes.append(node.place.mistake(message, "a scenario with another name"))
        loaded.append(scenario)
    return loaded


def _placed(mistake: Mistake, node: Node, items: Sequence[Node]) -> Mistake:
    """Return a mistake in a scenario's name or override with its place in the experiment's file."""
    if mistake.file == SET_OPTION:
        for item in items:
            if item.content == mistake.source_line:
                return item.place.mistake(mistake.message, mistake.expected, mistake.suggestion)
    if not mistake.line:  # there is no scenario of that name
        message = f"scenario '{node.content}': {mistake.message}"
        return node.place.mistake(message, mistake.expected, mistake.suggestion)
    return mistake


def _measures(reading: Reading, count: int, mistakes: list[Mistake]) -> tuple[Measure, ...]:
    measures: dict[str, Measure] = {}
    for k in range(count):
        try:
            measure = reading.measure("outcomes", k)
        except ScenarioError as error:
            mistakes += error.mistakes
            continue
        if measure.name in measures:
            message = f"a second measure that is called '{measure.name}'"
            mistakes.append(reading.node_at("outcomes", k).place.mistake(message, "another name"))
        measures[measure.name] = measure
    return tuple(measures.values())


# --- Experiments from the command line: a kind, and `KEY=VALUE` as for `--set`

#: Keys after which the rest of a path is one name.
BY_NAME = ("parts", "reference", "vary")


def check_kind(name: str) -> str:
    """Return the name of a kind; ScenarioError if there is none of that name."""
    _kind(to_node({"kind": name}, Place(Source.of("argument", name), 1, 1)))
    return name


def read_settings(texts: Sequence[str]) -> Node:
    """Read `KEY=VALUE` arguments, such as `replicates=500` and `sample.points=64`, as the mapping of a file.

    After `vary`, `reference` and `parts` the rest of a key is one name:
    `vary.mediators.us.attention_days={low: 0.1, high: 5}`.

    Raises:
        ScenarioError: if an argument cannot be read or overwrites another.
    """
    top = Node(Place(Source.of("argument", ""), 1, 1), {})
    mistakes = [replace(mistake, file="argument") for mistake in find_overwritten(texts)]
    for text in texts:
        path, equals, value = text.partition("=")
        given = Source.of("argument", text)
        words = path.split(".", 1 if path.split(".")[0].strip() in BY_NAME else -1)
        if not equals or not all(word.strip() for word in words):
            expected = "key=value, such as replicates=500"
            mistakes.append(Place(given, 1, 1).mistake(f"'{text}' sets nothing", expected))
            continue
        column = len(path) + 1
        try:
            # Spaces replace the path, so that columns count from the start of the argument.
            node = yaml_text.parse_value(given, " " * column + value)
        except ScenarioError as error:
            mistakes += error.mistakes
            continue
        for word in reversed(words):
            column -= len(word) + 1
            place = Place(given, 1, column + 1)
            node = Node(place, {nfc(word.strip()): Node(node.place, node.content, place)})
        top = merge(top, node)
    if mistakes:
        raise ScenarioError(mistakes)
    return top


# --- JSON Schema of experiment files, for editors
#
# For VS Code's YAML extension, write it to a file and name that file in an experiment's first line:
#
#     crisis-sim schema --experiment > experiment.schema.json
#     # yaml-language-server: $schema=experiment.schema.json


def experiment_schema() -> dict[str, Any]:
    """Return the JSON Schema of experiment files, with a branch for each kind."""
    definitions: dict[str, Any] = {}
    branches = []
    for name in KINDS:
        schema = kind_of(name).SPEC.model_json_schema(ref_template="#/$defs/{model}")
        definitions |= {**schema.pop("$defs", {}), schema["title"]: schema}
        is_kind = {"properties": {"kind": {"const": name}}, "required": ["kind"]}
        branches.append({"if": is_kind, "then": {"$ref": f"#/$defs/{schema['title']}"}})
    return {
        "$schema": DIALECT,
        "title": "Crisis Sim experiment",
        "type": "object",
        "properties": {"kind": {"enum": list(KINDS)}},
        "required": ["kind"],
        "allOf": branches,
        "$defs": definitions,
    }
