"""Finding and reading experiment files, and their JSON Schema."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from crisis_sim.batch.rules import check_rules, in_words
from crisis_sim.experiments.spec import KINDS, Experiment, Reading, Spec, kind_of
from crisis_sim.outcomes.measures import Columns, Measure
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.scenario.fits import over_fits
from crisis_sim.scenario.introspect import DIALECT, Slot, explain
from crisis_sim.scenario.load import NAME as OVERRIDE
from crisis_sim.scenario.load import SUFFIX, data_folder, find_file, load_scenario, overwritten
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import (
    FILE_WORDS,
    Node,
    Place,
    Source,
    composed,
    folder_of,
    is_file_name,
    lay_over,
    merge,
    node_of,
    parse,
    parse_value,
    read_text,
)

# --- Shipped experiments, and finding a file by name
#
# They are the folder `experiments/` of a checkout, which travels in a wheel as `crisis_sim/_experiments`.

#: Keys that an experiment begins with, in words.
BEGINS_WITH = "kind, title and scenario"


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
    """All shipped experiments, in order of the alphabet.

    Raises:
        ScenarioError: when a file cannot be read.
    """
    return [_shipped(path) for path in sorted(experiments_folder().glob(f"*{SUFFIX}"))]


def find_experiment(reference: str | os.PathLike[str]) -> Path:
    """The file that a person means: a path, or the bare name of a shipped experiment.

    Raises:
        ScenarioError: when there is neither; names the nearest.
    """
    return find_file(reference, experiments_folder(), "experiment", "an experiment's file")


def _shipped(path: Path) -> ShippedExperiment:
    top, _ = parse(str(path), read_text(path, str(path)), "experiment", BEGINS_WITH)

    def text(key: str) -> str:
        node = top.entries().get(key)
        return str(node.content) if node else ""

    return ShippedExperiment(path.stem, path, text("kind"), text("title"), text("question"))


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
        agents: makers of agents that it will be run with, since they may add outcomes to measure.
        settings: further values in place of the file's, as `read_settings` reads them.
        roles: classes that it will be run with in place of the scenario's own, likewise.

    Raises:
        ScenarioError: when there is no such experiment, or it has mistakes; holds all of them.
    """
    path = find_experiment(reference)
    if not is_file_name(composed(path.stem)):
        message = "the file's name cannot be an experiment's name"
        raise ScenarioError([Mistake(str(path), 0, 0, message, FILE_WORDS)])
    name = str(path)
    text = read_text(path, name)
    top, mistakes = parse(name, text, "experiment", BEGINS_WITH)
    if changes:
        top = lay_over(top, _changes(changes, top))
    name, folder = composed(path.stem), folder_of(path)
    return _checked(top, mistakes, name, text, folder, settings, agents=agents, roles=roles)


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
    if isinstance(scenario, Scenario):
        content = {**content, "scenario": scenario.name}
    said = settings.plain() if settings else {}
    content = {"title": name, **content}
    given, text = (
        json.dumps(one, indent=2, ensure_ascii=False, default=str)
        for one in (content, {**content, **said})
    )
    top, mistakes = parse(name, given, "experiment", BEGINS_WITH)
    ready = scenario if isinstance(scenario, Scenario) else None
    return _checked(top, mistakes, name, text, Path(), settings, ready, agents, roles)


def resolved_experiment(content: Mapping[str, Any], text: str = "") -> Experiment:
    """An experiment from the resolved copy in its folder.

    Raises:
        pydantic.ValidationError, KeyError, ScenarioError: when the copy is none of this version's.
    """
    from crisis_sim.outcomes.names import measure

    spec = kind_of(content["experiment"]["kind"]).SPEC.model_validate(content["experiment"])
    scenario = Scenario.model_validate(content["scenario"])
    measures = tuple(measure(one) for one in spec.outcomes)
    others = tuple(Scenario.model_validate(one) for one in content.get("others", ()))
    return Experiment(content["name"], spec, scenario, measures, text, others)


def _checked(
    top: Node,
    mistakes: Sequence[Mistake],
    name: str,
    text: str,
    folder: Path,
    settings: Node | None,
    scenario: Scenario | None = None,
    agents: Sequence[Any] = (),
    roles: Mapping[str, Any] | None = None,
) -> Experiment:
    if settings:
        top = replace(lay_over(top, settings), place=top.place)
    found = [*mistakes]
    spec: Spec | None = None
    kind = _kind(top)
    try:
        spec = kind_of(kind).SPEC.model_validate(top.plain())
    except ValidationError as error:
        found += explain(error, top, Slot(kind_of(kind).SPEC))
    if scenario is None:
        scenario, wrong = _scenario(top, folder)
        found += wrong
    others, wrong = _others(top, folder, scenario)
    found += wrong
    if spec is None or scenario is None or others is None:
        raise ScenarioError(found)
    if spec.over_fits:
        scenario, others = over_fits(scenario), tuple(map(over_fits, others))
    agents, roles = (*agents, *spec.agents), dict(roles or {})
    check_rules((scenario, *others), roles, agents)
    columns = Columns.of(scenario, agents=agents, roles=roles)
    reading = Reading(top, scenario, columns, others, agents, roles)
    measures, wrong = _measures(reading, len(spec.outcomes))
    found += wrong
    found += kind_of(kind).check(spec, reading)
    if found:
        raise ScenarioError(found)
    if words := in_words(roles, agents):
        said = {"title": f"{spec.title}, with {words}"}
        said |= {"question": f"{spec.question} With {words}."} if spec.question else {}
        spec = spec.model_copy(update=said)
    return Experiment(name, spec, scenario, measures, text, others)


def _kind(top: Node) -> str:
    """The kind that a file says it is of.

    Raises:
        ScenarioError: when it says none, or one that there is not.
    """
    node = top.entries().get("kind")
    if node is None:
        raise ScenarioError([top.place.mistake("'kind' is missing", one_of(KINDS))])
    if not isinstance(node.content, str) or node.content not in KINDS:
        shown = node.plain()
        near = nearest(str(shown), KINDS)
        raise ScenarioError([node.place.mistake(f"unknown kind {shown!r}", one_of(KINDS), near)])
    return node.content


def _scenario(top: Node, folder: Path) -> tuple[Scenario | None, Iterable[Mistake]]:
    """The scenario that a file names, changed as it asks, and the mistakes in both."""
    node = top.entries().get("scenario")
    if node is None or not isinstance(node.content, str):
        return None, ()  # the schema has told of it
    sets = top.entries().get("set")
    items = sets.items() if sets else []
    overrides = [item.content for item in items if isinstance(item.content, str)]
    try:
        lost = overwritten(overrides)
        if lost:
            raise ScenarioError(lost)
        return load_scenario(_beside(node.content, folder), overrides), ()
    except ScenarioError as error:
        return None, [_placed(mistake, node, items) for mistake in error.mistakes]


def _others(
    top: Node, folder: Path, scenario: Scenario | None
) -> tuple[tuple[Scenario, ...] | None, list[Mistake]]:
    """The further scenarios that a file names, and the mistakes in them."""
    node = top.entries().get("others")
    found: list[Scenario] = []
    mistakes: list[Mistake] = []
    names = [scenario.name] if scenario else []
    for item in node.items() if node else ():
        if not isinstance(item.content, str):
            continue  # the schema has told of it
        try:
            one = load_scenario(_beside(item.content, folder))
        except ScenarioError as error:
            mistakes += [_placed(mistake, item, ()) for mistake in error.mistakes]
            continue
        if one.name in names:
            message = f"a second scenario that is called '{one.name}'"
            mistakes.append(item.place.mistake(message, "a scenario with another name"))
        names.append(one.name)
        found.append(one)
    return (None if mistakes else tuple(found)), mistakes


def _beside(reference: str, folder: Path) -> str | Path:
    """The name of a shipped scenario, or a file beside the experiment's."""
    return folder / reference if Path(reference).suffix in (".yaml", ".yml") else reference


def _placed(mistake: Mistake, node: Node, items: Sequence[Node]) -> Mistake:
    """A mistake in a reference or an override, where these stand in the experiment's file."""
    if mistake.file == OVERRIDE:
        for item in items:
            if item.content == mistake.source_line:
                return item.place.mistake(mistake.message, mistake.expected, mistake.suggestion)
    if not mistake.line:  # of the scenario as a whole: there is none of that name
        message = f"scenario '{node.content}': {mistake.message}"
        return node.place.mistake(message, mistake.expected, mistake.suggestion)
    return mistake


def _measures(reading: Reading, count: int) -> tuple[tuple[Measure, ...], list[Mistake]]:
    measures: list[Measure] = []
    mistakes: list[Mistake] = []
    for k in range(count):
        try:
            one = reading.measure("outcomes", k)
        except ScenarioError as error:
            mistakes += error.mistakes
            continue
        if one.name in [other.name for other in measures]:
            message = f"a second measure that is called '{one.name}'"
            mistakes.append(
                reading.mistake("outcomes", k, message=message, expected="another name")
            )
        measures.append(one)
    return tuple(measures), mistakes


def _changes(changes: Mapping[str, Any], top: Node) -> Node:
    """Values from elsewhere, such as the command line, as if they stood at the top of a file."""
    entries = {}
    for key, value in changes.items():
        place = Place(Source.of(f"--{key}", f"{key}: {value}"), 1, 1)
        entries[key] = node_of(value, place)
    return Node(top.place, entries)


# --- Experiments from the command line: a kind, and `KEY=VALUE` as for `--set`

#: Keys below which paths and names stand, which are no keys of a file.
BY_NAME = ("parts", "reference", "vary")


def kind_named(name: str) -> str:
    """The kind of a name.

    Raises:
        ScenarioError: when there is none of that name.
    """
    return _kind(node_of({"kind": name}, Place(Source.of("argument", name), 1, 1)))


def read_settings(texts: Sequence[str]) -> Node:
    """`KEY=VALUE` arguments as the mapping that a file would hold: `replicates=500`, `sample.points=64`.

    Below `vary`, `reference` and `parts` all that follows is one name:
    `vary.mediators.us.attention_days={low: 0.1, high: 5}`.

    Raises:
        ScenarioError: when one cannot be read, or overwrites another.
    """
    top = Node(Place(Source.of("argument", ""), 1, 1), {})
    mistakes = [replace(one, file="argument") for one in overwritten(texts)]
    for text in texts:
        path, equals, value = text.partition("=")
        source = Source.of("argument", text)
        words = path.split(".", 1 if path.split(".")[0].strip() in BY_NAME else -1)
        if not equals or not all(word.strip() for word in words):
            expected = "key=value, such as replicates=500"
            mistakes.append(Place(source, 1, 1).mistake(f"'{text}' sets nothing", expected))
            continue
        try:
            # Spaces in place of the path, so that the value's columns are those of the whole text.
            node = parse_value(source, " " * (len(path) + 1) + value)
        except ScenarioError as error:
            mistakes += error.mistakes
            continue
        column = len(path) + 1
        for word in reversed(words):
            column -= len(word) + 1
            place = Place(source, 1, column + 1)
            key = composed(word.strip())
            node = Node(place, {key: Node(node.place, node.content, place)})
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
        definitions.update(own.pop("$defs", {}))
        definitions[own["title"]] = own
        branches.append(
            {
                "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
                "then": {"$ref": f"#/$defs/{own['title']}"},
            }
        )
    return {
        "$schema": DIALECT,
        "title": "Crisis Sim experiment",
        "type": "object",
        "properties": {"kind": {"enum": list(KINDS)}},
        "required": ["kind"],
        "allOf": branches,
        "$defs": definitions,
    }
