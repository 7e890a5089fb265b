"""Uses of the schema: expected values, error messages, tables of parameters and the JSON Schema."""

from __future__ import annotations

import math
import types
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from itertools import groupby
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from crisis_sim import notebook
from crisis_sim.scenario.behaviour import FITTED, READS_FACTS
from crisis_sim.scenario.errors import (
    MAX_MISTAKES,
    Mistake,
    ScenarioError,
    nearest,
    one_of,
    removed_parameter,
)
from crisis_sim.scenario.numbers import (
    ASSUMED,
    DISTRIBUTION_SCHEMA,
    DISTRIBUTIONS,
    EXAMPLE,
    Distribution,
    Number,
    Part,
    Within,
    range_of,
)
from crisis_sim.scenario.schema import LADDERS, Scenario
from crisis_sim.scenario.yaml_text import Node


@dataclass(frozen=True)
class Slot:
    """A position in a scenario, and the value that the schema expects there.

    Attributes:
        kind: the type of the value; None if there must be no value.
        field: the field that describes the value; for entries of a mapping and items of a list, the field of the
            mapping or list.
        item_metadata: metadata of an item of a list, such as bounds.
    """

    kind: Any
    field: FieldInfo | None = None
    item_metadata: tuple[Any, ...] = ()

    @property
    def part(self) -> type[Part] | None:
        """The type of the value if it is a part."""
        if isinstance(self.kind, type) and issubclass(self.kind, Part):
            return self.kind
        return None

    @property
    def limits(self) -> Within | None:
        """The range of a number, or of a number for each state; None for other values and plain numbers."""
        metadata = self.field.metadata if self.field else []
        return next((item for item in metadata if isinstance(item, Within)), None)

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The lowest and highest value of any number; None for other values."""
        if self.limits:
            return self.limits.low, self.limits.high
        if self.kind not in (float, int) or self.field is None:
            return None
        low, high = -math.inf, math.inf
        for item in (*self.field.metadata, *self.item_metadata):
            low = getattr(item, "gt", getattr(item, "ge", low))
            high = getattr(item, "le", high)
        return low, high

    @property
    def slider(self) -> tuple[float, float] | None:
        """The range of the number's slider; None for most numbers, which have no slider."""
        marked = self.note("slider")
        if not marked or self.bounds is None:
            return None
        return self.bounds if marked is True else (marked[0], marked[1])

    def note(self, name: str) -> Any:
        """Return a numeric field's `unit`, `source` or `slider`, or "" if it has none."""
        extra = self.field.json_schema_extra if self.field else None
        return extra.get(name, "") if isinstance(extra, dict) else ""

    @property
    def by_name(self) -> bool:
        """True for a mapping whose keys the scenario chooses."""
        return get_origin(self.kind) is dict

    @property
    def is_list(self) -> bool:
        """True for a list."""
        return get_origin(self.kind) is tuple

    @property
    def keys(self) -> tuple[str, ...]:
        """The valid keys of a part; empty for other values."""
        return keys_of(self.part) if self.part else ()

    def child(self, key: str | int) -> Slot | None:
        """Return the slot under a key or at an index, or None if there is none."""
        if self.part and isinstance(key, str):
            field = self.part.model_fields.get(key)
            return Slot(_bare(field.annotation), field) if field and key in self.keys else None
        arguments = get_args(self.kind)
        if self.by_name and isinstance(key, str):
            return Slot(_bare(arguments[1]), self.field)
        if self.is_list and isinstance(key, int):
            if arguments[-1] is Ellipsis:
                return Slot(_bare(arguments[0]), self.field)
            if 0 <= key < len(arguments):
                return Slot(_bare(arguments[key]), self.field, _metadata(arguments[key]))
        return None

    @property
    def choices(self) -> tuple[str, ...]:
        """The valid words, if only certain words are valid; otherwise empty."""
        return get_args(self.kind) if get_origin(self.kind) is Literal else ()

    def noun(self) -> str:
        """Return the expected type in words, such as "a list"."""
        if self.part or self.by_name:
            return "a mapping"
        if self.limits:
            return "a number"
        return "a list" if self.is_list else _NOUNS.get(self.kind, "a value")

    def words(self) -> str:
        """Describe the expected value; "" if there must be none."""
        if self.kind is None:
            return ""
        if self.part:
            return f"a mapping with {one_of(self.keys)}"
        if self.by_name:
            return "a mapping with a number for each state" if self.limits else "a mapping by name"
        if self.limits:
            unit = f" ({self.note('unit')})" if self.note("unit") else ""
            if self.limits.whole:
                return f"a whole number {self.limits.words()}{unit}, or a choice among such numbers"
            return f"a number {self.limits.words()}{unit}, or a distribution over such numbers"
        if self.choices:
            return one_of(self.choices)
        if self.kind is datetime:
            return f"a date such as {EXAMPLE}"
        low, high = self.bounds or (-math.inf, math.inf)
        if not math.isinf(high):
            return f"{self.noun()} from {low:g} to {high:g}"
        return self.noun() if math.isinf(low) else f"{self.noun()} of at least {low:g}"


_NOUNS = {
    str: "a text",
    bool: "true or false",
    datetime: "a date",
    float: "a number",
    int: "a whole number",
}

#: The whole scenario.
TOP = Slot(Scenario)


def keys_of(part: type[Part]) -> tuple[str, ...]:
    """Return the valid keys of a part in a file."""
    return tuple(name for name in part.model_fields if (part, name) != (Scenario, "name"))


def slot_at(path: Iterable[str | int], top: Slot = TOP) -> Slot | None:
    """Return the slot at a path of keys and indices, or None if there is none."""
    return reduce(lambda slot, key: slot and slot.child(key), path, cast("Slot | None", top))


def _metadata(kind: Any) -> tuple[Any, ...]:
    """Return the metadata of an annotated type, such as bounds."""
    fields = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    return tuple(
        item for field in fields if isinstance(field, FieldInfo) for item in field.metadata
    )


def _bare(kind: Any) -> Any:
    """Return a type without annotations and without `None`."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        others = [other for other in get_args(kind) if other is not type(None)]
        return _bare(others[0]) if len(others) == 1 else kind
    return kind


#: Placeholders in paths of parameters for names that the scenario chooses, and for indices.
PLACEHOLDERS = {
    "states": "<state>",
    "mediators": "<mediator>",
    "lenders": "<lender>",
    "channels": "<channel>",
    "advisers": "<adviser>",
    "ladder": "<rung>",
    "reviews": "<review>",
    "events": "<event>",
}
PER_STATE = ".<state>"


@dataclass(frozen=True)
class Parameter:
    """A number of a scenario.

    Attributes:
        path: such as `mediators.<mediator>.leverage.<state>`; with names and indices filled in, a path for `--set`.
        default: the default value, or None.
        required: True if every scenario must give a value.
        source: the source of the default; "assumed" for a judgement.
        uncertain: True if the value may be a distribution.
    """

    path: str
    unit: str
    default: Number | None
    required: bool
    low: float
    high: float
    meaning: str
    source: str
    uncertain: bool

    @property
    def behavioural(self) -> bool:
        """True for behavioural parameters, which are the same for every scenario."""
        return self.path.startswith("behaviour.")

    @property
    def fitted(self) -> bool:
        """True if its default was fitted to the historical record; other behavioural parameters are fixed."""
        return self.behavioural and FITTED in self.source

    @property
    def section(self) -> str:
        """The path of the part that contains it."""
        return self.path.removesuffix(PER_STATE).rpartition(".")[0]


def parameters() -> tuple[Parameter, ...]:
    """Return all parameters, in the order of the schema."""
    return tuple(_walk(TOP, ""))


def numbers_of(scenario: Scenario) -> dict[str, Within]:
    """Return the paths and ranges of a scenario's numbers that may be uncertain; experiments vary these."""
    return {path: limits for path, limits, _ in _numbers_in(scenario)}


def parameter_table() -> str:
    """Return all parameters as Markdown for docs/parameters.md, a table for each section."""
    lines = [_HEAD, *_fitted_and_fixed()]
    for section, listed in groupby(parameters(), key=lambda parameter: parameter.section):
        lines += [f"## {f'`{section}`' if section else 'Frame'}", "", *_TABLE_HEAD]
        lines += [*map(_row, listed), ""]
    return "\n".join(lines)


_HEAD = """\
# Parameters

All numbers of a scenario, with unit, default, range and source. This page is generated from the
schema by `python -m crisis_sim.scenario.introspect`; do not edit it.

Each number may be a plain value or a distribution, drawn once for each replicate, unless the last
column is "plain". Choices with the same name under `together` are drawn as rows of one table.
`required` means that every scenario must give the value. `assumed` means that the default is a
judgement without a source, and worth varying. A source with "(form)" supports the form of a rule,
not its number. `--set PATH=VALUE` sets a number for a run; replace names in angle brackets by names
from the scenario, or by numbers (from 0) for rungs, events and reviews.
"""
_TABLE_HEAD = (
    "| parameter | meaning | unit | default | range | source |",
    "|---|---|---|---|---|---|",
)


def _fitted_and_fixed() -> Iterator[str]:
    groups: dict[str, list[str]] = {
        "Fitted": [],
        "Fixed, with a source for their form or size": [],
        "Fixed by judgement": [],
        "Fixed; they convert the facts of a trigger": [],
    }
    fitted, sourced, assumed, reading = groups.values()
    for parameter in filter(lambda parameter: parameter.behavioural, parameters()):
        if parameter.fitted:
            group = fitted
        elif parameter.path in READS_FACTS:
            group = reading
        else:
            group = assumed if parameter.source == ASSUMED else sourced
        group.append(f"`{parameter.path.removeprefix('behaviour.')}`")
    total = sum(map(len, groups.values()))
    yield from ("## Fitted and fixed", "")
    yield f"Of {total} behavioural parameters, {len(fitted)} are fitted to the historical record. The others are fixed,"
    yield "because the historical record does not distinguish their values, or because they only set a unit."
    for title, names in groups.items():
        yield from ("", f"- **{title}** ({len(names)}): {', '.join(names)}.")
    yield ""


def _walk(slot: Slot, path: str) -> Iterator[Parameter]:
    for key in slot.keys:
        child = slot.child(key)
        if child is None:
            continue
        child_path = f"{path}.{key}" if path else key
        if child.bounds:
            yield _parameter(child_path, child)
        elif child.part:
            yield from _walk(child, child_path)
        elif key in PLACEHOLDERS and (entry := child.child(0 if child.is_list else "")):
            yield from _walk(entry, f"{child_path}.{PLACEHOLDERS[key]}")


def _numbers_in(
    value: Any, path: str = "", limits: Within | None = None
) -> Iterator[tuple[str, Within, Number]]:
    if isinstance(value, Part):
        for name in type(value).model_fields:
            limits = range_of(type(value), name)
            yield from _numbers_in(getattr(value, name), f"{path}.{name}", limits)
    elif isinstance(value, (dict, tuple)):
        for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _numbers_in(entry, f"{path}.{key}", limits)
    elif limits:
        yield path.removeprefix("."), limits, value


def _parameter(path: str, slot: Slot) -> Parameter:
    low, high = slot.bounds or (-math.inf, math.inf)
    required = slot.field is None or slot.field.is_required()
    unit_in_name = next((unit for unit in ("days", "hours") if unit in path), "")
    return Parameter(
        path=path + PER_STATE if slot.by_name else path,
        unit=slot.note("unit") or unit_in_name,
        default=None if required or slot.by_name or slot.field is None else slot.field.default,
        required=required,
        low=low,
        high=high,
        meaning=(slot.field.description or "") if slot.field else "",
        source=slot.note("source"),
        uncertain=slot.limits is not None,
    )


def _row(parameter: Parameter) -> str:
    name = parameter.path.removeprefix(f"{parameter.section}.")
    default = "none" if parameter.default is None else _format(parameter.default)
    source = parameter.source if parameter.uncertain else "plain"
    if parameter.required:
        default, source = "required", "the scenario's"
    bounds = f"{parameter.low:g} to {parameter.high:g}"
    cells = (f"`{name}`", parameter.meaning, parameter.unit, default, bounds, source)
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _format(number: Number) -> str:
    if not isinstance(number, Distribution):
        return f"{number:g}"
    return f"{number.kind} {', '.join(f'{value:g}' for value in number.values)}"


#: Digits of a digest that are shown; enough to distinguish scenarios.
DIGEST_SHOWN = 12


def summary_html(scenario: Scenario) -> str:
    """Return a summary of a scenario as HTML."""
    uncertain = [
        (path, _format(number))
        for path, _, number in _numbers_in(scenario)
        if isinstance(number, Distribution)
    ]
    return notebook.page(
        notebook.heading(
            scenario.title, f"scenario {scenario.name}, {scenario.digest[:DIGEST_SHOWN]}"
        ),
        notebook.paragraph(scenario.description),
        notebook.paragraph(
            f"From {scenario.start:%Y-%m-%d %H:%M}, followed for {scenario.horizon_days:g} days at most; "
            f"a ladder of {len(scenario.ladder)} rungs."
        ),
        notebook.table(("role", "name", "title", "about"), _cast(scenario)),
        notebook.folded(
            f"{len(uncertain)} uncertain numbers, drawn for each crisis",
            notebook.table(("path", "distribution"), uncertain),
        ),
    )


def _cast(scenario: Scenario) -> Iterator[tuple[str, ...]]:
    """Yield role, name, title and a few words about each agent and event."""
    for name, state in scenario.states.items():
        about = f"resolve {_format(state.resolve)}, audience {_format(state.audience)}"
        yield "state", name, state.title, about
    for name, mediator in scenario.mediators.items():
        yield "mediator", name, mediator.title, mediator.style
    for name, lender in scenario.lenders.items():
        when = ", ".join(f"{review.at:%Y-%m-%d}" for review in lender.reviews)
        yield "lender", name, lender.title, f"lends to {lender.borrower}; reviews: {when or 'none'}"
    for name, channel in scenario.channels.items():
        opened = f"opened by {', '.join(channel.opened_by) or 'nobody'}"
        yield "channel", name, channel.title, "open from the start" if channel.standing else opened
    for name, adviser in scenario.advisers.items():
        yield "adviser", name, adviser.title, f"{adviser.stance}, to {adviser.state}"
    for event in scenario.events:
        yield event.kind, f"{event.at:%Y-%m-%d %H:%M}", event.title, f"harms {event.struck}"


# Pydantic's errors become mistakes at their places, in plain words.

Path = Sequence[str | int]


AnyPart = TypeVar("AnyPart", bound=Part)


def validate(
    kind: type[AnyPart], top: Node, mistakes: list[Mistake], **fields: Any
) -> AnyPart | None:
    """Build a part from its values and additional fields; if that fails, append to `mistakes` and return None."""
    try:
        return kind.model_validate({**top.plain(), **fields})
    except ValidationError as error:
        for finding in error.errors(include_url=False)[:MAX_MISTAKES]:
            if finding["type"] == "extra_forbidden":
                node, _ = find_node(top, finding["loc"])
                mistakes += _unknown_keys(node, finding["loc"], Slot(kind))
            else:
                mistakes.append(_mistake(finding, top, Slot(kind)))
        return None


def read_part(kind: type[AnyPart], top: Node, mistakes: Sequence[Mistake] = ()) -> AnyPart:
    """Build a part from its values.

    Raises:
        ScenarioError: if there are mistakes, including those already found.
    """
    found = [*mistakes]
    part = validate(kind, top, found)
    if found or part is None:
        raise ScenarioError(found)
    return part


def find_node(top: Node, path: Path) -> tuple[Node, int]:
    """Return the deepest existing node on a path, and its depth."""
    node = top
    for depth, key in enumerate(path):
        if key not in node.inner:
            return node, depth
        node = node.inner[key]
    return node, len(path)


def _mistake(finding: Any, top: Node, top_slot: Slot) -> Mistake:
    path: Path = finding["loc"]
    node, depth = find_node(top, path)
    slot = slot_at(path, top_slot) or Slot(None)
    if depth < len(path):
        return _missing(node, path, slot)
    if node.content is None:
        return _nothing_to_remove(node, path, slot, top)
    if slot.choices and isinstance(node.content, str):
        near = nearest(node.content, slot.choices)
        return node.place.mistake(f"unknown {path[-1]} {_shown_value(node)}", slot.words(), near)
    if finding["type"] == "distribution":
        name, known = next(iter(node.entries())), [*DISTRIBUTIONS, "choice"]
        return node.place.mistake(
            f"unknown distribution '{name}'", one_of(known), nearest(name, known)
        )
    return node.place.mistake(_message(finding, node, slot), _expected_size(finding, slot))


def _unknown_keys(node: Node, path: Path, top_slot: Slot) -> Iterator[Mistake]:
    key = str(path[-1])
    if path == ("name",) and top_slot == TOP:
        yield node.label.mistake("a scenario's name is the name of its file", "no such key")
        return
    parent = slot_at(path[:-1], top_slot)
    known = parent.keys if parent else ()
    unknown = node.label.mistake(f"unknown key '{key}'", one_of(known), nearest(key, known))
    former = ".".join(map(str, path)) if top_slot == TOP else ""
    removed = removed_parameter(former)
    if removed is None:
        yield unknown
        return
    inner = [
        entry.label.mistake(*found)
        for name, entry in node.entries().items()
        if (found := removed_parameter(f"{former}.{name}"))
    ]
    yield from inner or [node.label.mistake(*removed)]


def _missing(parent: Node, path: Path, slot: Slot) -> Mistake:
    key = path[-1]
    if isinstance(key, int):
        return parent.label.mistake(f"item {key + 1} is missing", slot.words())
    meaning = slot.field.description if slot.field else ""
    where = f" from {path[-2]}" if len(path) > 1 and isinstance(path[-2], str) else ""
    expected = f"{key}, {meaning}: {slot.words()}" if meaning else slot.words()
    return parent.label.mistake(f"'{key}' is missing{where}", expected)


def _nothing_to_remove(node: Node, path: Path, slot: Slot, top: Node) -> Mistake:
    key = path[-1]
    if isinstance(key, int):
        return node.place.mistake("an empty item", slot.words())
    siblings = [name for name in find_node(top, path[:-1])[0].entries() if name != key]
    empty = " ({} for all defaults)" if slot.part or slot.by_name else ""
    return node.label.mistake(
        f"'{key}' is empty, and there is no inherited '{key}' to remove",
        slot.words() + empty,
        nearest(str(key), siblings),
    )


def _message(finding: Any, node: Node, slot: Slot) -> str:
    kind, shown = finding["type"], finding.get("ctx", {}).get("shown", "")
    if kind in ("number", "moment"):
        return f"out of range: {shown}" if shown else str(finding["msg"])
    if kind in ("greater_than", "greater_than_equal", "less_than_equal", "less_than"):
        return f"out of range: {_shown_value(node)}"
    if kind in _SIZES:
        return f"{len(node.entries()) or len(node.items())} entries here"
    return f"not {slot.noun() if slot.kind else 'a valid value'}: {_shown_value(node)}"


#: Words for the limit, and its key in the finding, by pydantic's type of finding.
_SIZES = {"too_long": ("at most", "max_length"), "too_short": ("at least", "min_length")}


def _expected_size(finding: Any, slot: Slot) -> str:
    if finding["type"] not in _SIZES:
        return slot.words()
    words, key = _SIZES[finding["type"]]
    return f"{words} {finding['ctx'][key]}"


def _shown_value(node: Node) -> str:
    if isinstance(node.content, dict):
        return "a mapping"
    if isinstance(node.content, list):
        return "a list"
    if isinstance(node.content, bool):
        return str(node.content).lower()
    return repr(node.content)


# JSON Schema of scenario files, with which an editor completes keys and marks mistakes. For VS Code's YAML extension,
# write it to a file, and refer to it in the first line of a scenario:
#
#     crisis-sim schema > scenario.schema.json
#     # yaml-language-server: $schema=scenario.schema.json

DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: Suffix of the definitions for a file that extends another: nothing is required, and null is allowed.
CHANGE = "Change"

_EXTENDS = {
    "type": "string",
    "minLength": 1,
    "description": "the scenario to change: a file in the same folder, or a shipped scenario",
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a scenario file.

    A file that extends another gives changes only, and removes entries with `null`. Therefore, there are
    two sets of definitions, and `extends` selects one.
    """
    top = Scenario.model_json_schema()
    definitions = {name: _tidy(body) for name, body in top.pop("$defs").items()}
    top = _tidy(top)
    del top["properties"]["name"]  # not written in the file
    rungs = top["properties"]["ladder"]
    named = {"description": rungs.pop("description"), "anyOf": [rungs, {"enum": [*LADDERS]}]}
    top["properties"]["ladder"] = named
    definitions["Scenario"] = top
    changes = {f"{name}{CHANGE}": _change(body) for name, body in definitions.items()}
    changes[f"Scenario{CHANGE}"]["properties"] = {
        "extends": _EXTENDS,
        **changes[f"Scenario{CHANGE}"]["properties"],
    }
    return {
        "$schema": DIALECT,
        "title": "Crisis Sim scenario",
        "if": {"required": ["extends"]},
        "then": {"$ref": f"#/$defs/Scenario{CHANGE}"},
        "else": {"$ref": "#/$defs/Scenario"},
        "$defs": {**definitions, **changes, "Distribution": DISTRIBUTION_SCHEMA},
    }


def _tidy(schema: Any) -> Any:
    """Replace each distribution by a reference, and remove generated titles."""
    if schema == DISTRIBUTION_SCHEMA:
        return {"$ref": "#/$defs/Distribution"}
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _tidy(body) for name, body in value.items()}
        if key == "properties"
        else _tidy(value)
        for key, value in schema.items()
        if key != "title"
    }


def _change(schema: Any) -> Any:
    """Return the schema of changes to a part."""
    if isinstance(schema, list):
        return [_change(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {
        # A list replaces the inherited list: its items are complete.
        key: value if key in ("items", "prefixItems") else _change(value)
        for key, value in schema.items()
        if key not in ("required", "minProperties", "default")
    }
    reference = changed.get("$ref", "")
    if reference and not reference.endswith("/Distribution"):
        changed["$ref"] = f"{reference}{CHANGE}"
    for name in ("properties", "additionalProperties"):
        entries = changed.get(name)
        if name == "properties" and entries:
            changed[name] = {key: _or_null(body) for key, body in entries.items()}
        elif isinstance(entries, dict):
            changed[name] = _or_null(entries)
    return changed


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    description = {key: schema[key] for key in ("description",) if key in schema}
    return {**description, "anyOf": [schema, {"type": "null"}]}


if __name__ == "__main__":
    import sys

    sys.stdout.write(parameter_table())
