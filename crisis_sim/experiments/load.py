"""Finding and reading experiment files, and their JSON Schema."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crisis_sim.batch.rules import check_rules, classes_in_words
from crisis_sim.experiments.spec import KINDS, Experiment, Kind, Reading, kind_of
from crisis_sim.outcomes.measures import Columns, Measure
from crisis_sim.scenario import source
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.scenario.introspect import DIALECT, validate
from crisis_sim.scenario.load import (
    SET_OPTION,
    SUFFIX,
    data_folder,
    find_file,
    find_overwritten,
    load_scenario,
    over_fits,
)
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import Node, Place, Source, lay_over, merge, nfc, to_node

# --- Shipped experiments, and finding a file by name
#
# They are the folder `experiments/` of a checkout, which travels in a wheel as `crisis_sim/_experiments`.


@dataclass(frozen=True)
class ShippedExperiment:
    """An experiment that comes with Crisis Sim: its name, its file, and the file's kind and title."""

    name: str
    path: Path
    kind: str
    title: str
    question: str


def experiments_folder() -> Path:
    """The folder of the shipped experiments."""
    return data_folder(__file__, "_experiments", "experiments")


def shipped_experiments() -> list[ShippedExperiment]:
    """All shipped experiments, in order of the alphabet; ScenarioError where a file cannot be read."""
    found = []
    for path in sorted(experiments_folder().glob(f"*{SUFFIX}")):
        top, _ = _parse(str(path), source.read_text(path, str(path)))
        nodes = (top.entries().get(key) for key in ("kind", "title", "question"))
        said = (str(of.content) if of else "" for of in nodes)
        found.append(ShippedExperiment(path.stem, path, *said))
    return found


def _parse(name: str, text: str) -> tuple[Node, list[Mistake]]:
    return source.parse(name, text, "experiment", "kind, title and scenario")


# --- Reading and checking; all mistakes are reported together


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
        changes: values in place of the file's, by key, such as `{"replicates": 100}`.
        agents, roles: makers of agents, and classes in place of the scenario's own, that it will be run with.
        settings: further values in place of the file's, as `read_settings` reads them.

    Raises:
        ScenarioError: when there is no such experiment, or it has mistakes; holds all of them.
    """
    path = find_file(reference, experiments_folder(), "experiment", "an experiment's file")
    file, name = str(path), nfc(path.stem)
    if not source.is_file_name(name):
        message = "the file's name cannot be an experiment's name"
        raise ScenarioError([Mistake(file, 0, 0, message, source.FILE_WORDS)])
    text = source.read_text(path, file)
    top, mistakes = _parse(file, text)
    # Values from elsewhere, such as the command line, as if they stood at the top of a file.
    entries = {}
    for key, value in (changes or {}).items():
        entries[key] = to_node(value, Place(Source.of(f"--{key}", f"{key}: {value}"), 1, 1))
    top = lay_over(top, Node(top.place, entries))
    return _checked(
        top, mistakes, name, text, source.folder_of(path), settings, None, agents, roles
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
    """An experiment from Python, with the keys that a file would have.

    Args:
        name: its name.
        settings: values that `read_settings` has read; they go before those of `content`.
        agents, roles: makers of agents, and classes in place of the scenario's own, that it will be run with.
        content: such as `kind="sweep", scenario="may_2025"`; a scenario may be a `Scenario`.

    Raises:
        ScenarioError: when it has mistakes; holds all of them.
    """
    import json

    scenario = content.get("scenario")
    ready = scenario if isinstance(scenario, Scenario) else None
    content = {"title": name, **content, **({"scenario": ready.name} if ready else {})}
    said = settings.plain() if settings else {}
    given, text = (
        json.dumps(one, indent=2, ensure_ascii=False, default=str)
        for one in (content, {**content, **said})
    )
    return _checked(*_parse(name, given), name, text, Path(), settings, ready, agents, roles)


def resolved_experiment(content: Mapping[str, Any], text: str = "") -> Experiment:
    """An experiment from the resolved copy in its folder, of which nothing is certain."""
    from crisis_sim.outcomes.names import measure

    spec = kind_of(content["experiment"]["kind"]).SPEC.model_validate(content["experiment"])
    scenario = Scenario.model_validate(content["scenario"])
    measures = tuple(measure(one) for one in spec.outcomes)
    others = tuple(Scenario.model_validate(one) for one in content.get("others", ()))
    return Experiment(content["name"], spec, scenario, measures, text, others)


def _checked(
    top: Node,
    found: list[Mistake],
    name: str,
    text: str,
    folder: Path,
    settings: Node | None,
    scenario: Scenario | None,
    agents: Sequence[Any],
    roles: Mapping[str, Any] | None,
) -> Experiment:
    """The experiment that a file's values make, in which mistakes have been found already."""
    if settings:
        top = replace(lay_over(top, settings), place=top.place)
    kind = _kind(top)
    spec = validate(kind.SPEC, top, found)
    before = len(found)
    loaded = _scenarios(top, folder, scenario, found)
    if spec is None or not loaded or len(found) > before:
        raise ScenarioError(found)
    scenario, *others = loaded
    if spec.over_fits:
        scenario, *others = map(over_fits, loaded)
    agents, roles = (*agents, *spec.agents), dict(roles or {})
    check_rules((scenario, *others), roles, agents)
    columns = Columns.of(scenario, agents=agents, roles=roles)
    reading = Reading(top, scenario, columns, tuple(others), agents, roles)
    measures = _measures(reading, len(spec.outcomes), found)
    found += kind.check(spec, reading)
    if found:
        raise ScenarioError(found)
    if words := classes_in_words(roles, agents):
        said = {"title": f"{spec.title}, with {words}"}
        said |= {"question": f"{spec.question} With {words}."} if spec.question else {}
        spec = spec.model_copy(update=said)
    return Experiment(name, spec, scenario, measures, text, tuple(others))


def _kind(top: Node) -> Kind:
    """The kind that a file says it is of; ScenarioError where it says none, or one that there is not."""
    node = top.entries().get("kind")
    if node is None:
        raise ScenarioError([top.place.mistake("'kind' is missing", one_of(KINDS))])
    if isinstance(node.content, str) and node.content in KINDS:
        return kind_of(node.content)
    shown = node.plain()
    near = nearest(str(shown), KINDS)
    raise ScenarioError([node.place.mistake(f"unknown kind {shown!r}", one_of(KINDS), near)])


def _scenarios(
    top: Node, folder: Path, scenario: Scenario | None, found: list[Mistake]
) -> list[Scenario]:
    """The scenario that a file names, if not given, changed as it asks, and its others; adds mistakes to those found."""
    entries = top.entries()
    items = entries["set"].items() if "set" in entries else []
    overrides = [item.content for item in items if isinstance(item.content, str)]
    named = [(entries["scenario"], overrides)] if scenario is None and "scenario" in entries else []
    named += [(item, []) for item in (entries["others"].items() if "others" in entries else ())]
    loaded = [scenario] if scenario else []
    for node, changes in named:
        if not isinstance(node.content, str):
            continue  # the schema has told of it
        try:
            if lost := find_overwritten(changes):
                raise ScenarioError(lost)
            # The name of a shipped scenario, or a file beside the experiment's.
            is_file = Path(node.content).suffix in (".yaml", ".yml")
            one = load_scenario(folder / node.content if is_file else node.content, changes)
        except ScenarioError as error:
            found += [_placed(mistake, node, items) for mistake in error.mistakes]
            continue
        if one.name in [other.name for other in loaded]:
            message = f"a second scenario that is called '{one.name}'"
            found.append(node.place.mistake(message, "a scenario with another name"))
        loaded.append(one)
    return loaded


def _placed(mistake: Mistake, node: Node, items: Sequence[Node]) -> Mistake:
    """A mistake in a reference or an override, where these stand in the experiment's file."""
    if mistake.file == SET_OPTION:
        for item in items:
            if item.content == mistake.source_line:
                return item.place.mistake(mistake.message, mistake.expected, mistake.suggestion)
    if not mistake.line:  # of the scenario as a whole: there is none of that name
        message = f"scenario '{node.content}': {mistake.message}"
        return node.place.mistake(message, mistake.expected, mistake.suggestion)
    return mistake


def _measures(reading: Reading, count: int, found: list[Mistake]) -> tuple[Measure, ...]:
    measures: dict[str, Measure] = {}
    for k in range(count):
        try:
            one = reading.measure("outcomes", k)
        except ScenarioError as error:
            found += error.mistakes
            continue
        if one.name in measures:
            message = f"a second measure that is called '{one.name}'"
            found.append(reading.node_at("outcomes", k).place.mistake(message, "another name"))
        measures[one.name] = one
    return tuple(measures.values())


# --- Experiments from the command line: a kind, and `KEY=VALUE` as for `--set`

#: Keys below which paths and names stand.
BY_NAME = ("parts", "reference", "vary")


def kind_named(name: str) -> str:
    """The kind of a name; ScenarioError where there is none of that name."""
    _kind(to_node({"kind": name}, Place(Source.of("argument", name), 1, 1)))
    return name


def read_settings(texts: Sequence[str]) -> Node:
    """`KEY=VALUE` arguments as the mapping that a file would hold: `replicates=500`, `sample.points=64`.

    Below `vary`, `reference` and `parts` all that follows is one name:
    `vary.mediators.us.attention_days={low: 0.1, high: 5}`.

    Raises:
        ScenarioError: when one cannot be read, or overwrites another.
    """
    top = Node(Place(Source.of("argument", ""), 1, 1), {})
    mistakes = [replace(one, file="argument") for one in find_overwritten(texts)]
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
            # Spaces in place of the path, so that the value's columns are those of the whole text.
            node = source.parse_value(given, " " * column + value)
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
    """The JSON Schema of an experiment's file: one kind's, by its `kind`."""
    definitions: dict[str, Any] = {}
    branches = []
    for name in KINDS:
        own = kind_of(name).SPEC.model_json_schema(ref_template="#/$defs/{model}")
        definitions |= {**own.pop("$defs", {}), own["title"]: own}
        is_one = {"properties": {"kind": {"const": name}}, "required": ["kind"]}
        branches.append({"if": is_one, "then": {"$ref": f"#/$defs/{own['title']}"}})
    return {
        "$schema": DIALECT,
        "title": "Crisis Sim experiment",
        "type": "object",
        "properties": {"kind": {"enum": list(KINDS)}},
        "required": ["kind"],
        "allOf": branches,
        "$defs": definitions,
    }
