"""Reading the schema: keys, range and unit of a path; error messages, parameter tables and the JSON Schema."""

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

from crisis_sim import show
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
from crisis_sim.scenario.source import Node


@dataclass(frozen=True)
class Slot:
    """A place in a scenario for a value, as the schema describes it.

    Attributes:
        kind: the type of value that belongs there; None where nothing does.
        field: the field that describes it; for an entry of a mapping or an item of a list, the
            field that holds the mapping or the list.
        own: bounds of an item of a list.
    """

    kind: Any
    field: FieldInfo | None = None
    own: tuple[Any, ...] = ()

    @property
    def part(self) -> type[Part] | None:
        """The part that belongs there, if it is one."""
        if isinstance(self.kind, type) and issubclass(self.kind, Part):
            return self.kind
        return None

    @property
    def limits(self) -> Within | None:
        """The range, if a number (or a number for each state) belongs there."""
        notes = self.field.metadata if self.field else []
        return next((note for note in notes if isinstance(note, Within)), None)

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The lowest and highest value of a number, whether it may be uncertain or not."""
        if self.limits:
            return self.limits.low, self.limits.high
        if self.kind not in (float, int) or self.field is None:
            return None
        low, high = -math.inf, math.inf
        for note in (*self.field.metadata, *self.own):
            low = getattr(note, "gt", getattr(note, "ge", low))
            high = getattr(note, "le", high)
        return low, high

    @property
    def slider(self) -> tuple[float, float] | None:
        """From where to where a slider goes, if the number is one of the few that are worth one."""
        marked = self.note("slider")
        if not marked or self.bounds is None:
            return None
        return self.bounds if marked is True else (marked[0], marked[1])

    def note(self, name: str) -> Any:
        """A numeric field's `unit`, `source` or `slider`; "" if it has none."""
        extra = self.field.json_schema_extra if self.field else None
        return extra.get(name, "") if isinstance(extra, dict) else ""

    @property
    def by_name(self) -> bool:
        """Whether a mapping from names that the scenario chooses belongs there."""
        return get_origin(self.kind) is dict

    @property
    def is_list(self) -> bool:
        """Whether a list belongs there."""
        return get_origin(self.kind) is tuple

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that a part may have; empty where the scenario chooses them, or has none."""
        return keys_of(self.part) if self.part else ()

    def step(self, key: str | int) -> Slot | None:
        """The slot under a key or at an index; None where there is none."""
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
                return Slot(_bare(arguments[key]), self.field, _notes(arguments[key]))
        return None

    @property
    def choices(self) -> tuple[str, ...]:
        """The words among which one is to be chosen; empty where it is no such choice."""
        return get_args(self.kind) if get_origin(self.kind) is Literal else ()

    def noun(self) -> str:
        """The kind of value that was expected, in a word or two."""
        if self.part or self.by_name:
            return "a mapping"
        if self.limits:
            return "a number"
        return "a list" if self.is_list else _NOUNS.get(self.kind, "a value")

    def words(self) -> str:
        """The expected value, in words; "" where none belongs there."""
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
    """The keys that a part may have in a file."""
    return tuple(name for name in part.model_fields if (part, name) != (Scenario, "name"))


def slot_at(path: Iterable[str | int], top: Slot = TOP) -> Slot | None:
    """The slot at a path of keys and places in lists, from a scenario's top or another; None where there is none."""
    return reduce(lambda slot, key: slot and slot.step(key), path, cast("Slot | None", top))


def _notes(kind: Any) -> tuple[Any, ...]:
    """The metadata of an annotated type, such as bounds."""
    about = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    return tuple(note for one in about if isinstance(one, FieldInfo) for note in one.metadata)


def _bare(kind: Any) -> Any:
    """A type without its annotations and without `None`."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        others = [one for one in get_args(kind) if one is not type(None)]
        return _bare(others[0]) if len(others) == 1 else kind
    return kind


#: In paths of parameters, in place of a name that the scenario chooses or of an index in a list.
NAMES = {
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
    """A number that a scenario can hold.

    Attributes:
        path: such as `mediators.<mediator>.leverage.<state>`; with names and indices filled in, a path for `--set`.
        default: its value where a scenario gives none; None where it has none.
        required: whether every scenario must give it.
        source: where its default comes from; "assumed" where from judgement.
        uncertain: whether it may be a distribution.
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
        """Whether it says how states and third parties work in general."""
        return self.path.startswith("behaviour.")

    @property
    def fitted(self) -> bool:
        """Whether the fit to the record moves it; any other behavioural parameter is fixed."""
        return self.behavioural and FITTED in self.source

    @property
    def section(self) -> str:
        """The part of the scenario that holds it: its path without its own name."""
        return self.path.removesuffix(PER_STATE).rpartition(".")[0]


def parameters() -> tuple[Parameter, ...]:
    """All parameters, found by walking the schema in its order."""
    return tuple(_walk(TOP, ""))


def numbers_of(scenario: Scenario) -> dict[str, Within]:
    """Paths of all numbers that one scenario holds and that may be uncertain, with their ranges.

    By these paths a sweep or a fit gives every replicate a value of its own.
    """
    return {path: limits for path, limits, _ in _numbers_in(scenario)}


def parameter_table() -> str:
    """All parameters as the Markdown of docs/parameters.md, a table for each section."""
    lines = [_HEAD, *_fitted_and_fixed()]
    for section, listed in groupby(parameters(), key=lambda one: one.section):
        lines += [f"## {f'`{section}`' if section else 'Frame'}", "", *_TABLE_HEAD]
        lines += [*map(_row, listed), ""]
    return "\n".join(lines)


_HEAD = """\
# Parameters

Every number that a scenario can hold, with its unit, default, range and source. This page is
made from the schema by `python -m crisis_sim.scenario.introspect`; do not edit it.

Any of them may be a plain value or a distribution, drawn once for each replicate, except
where the last column says "plain". Choices that share a name under `together` are drawn as rows of
one table. `required` means that every scenario must give the value.
`assumed` means that no source fixes it: the default is a judgement, and worth varying. A source that says
"(form)" supports the shape of a rule, not its number.
`--set PATH=VALUE` sets one for a run; names in angle brackets are the scenario's own, and
rungs, events and reviews are counted from 0.
"""
_TABLE_HEAD = (
    "| parameter | meaning | unit | default | range | source |",
    "|---|---|---|---|---|---|",
)


def _fitted_and_fixed() -> Iterator[str]:
    """Which behavioural parameters are fitted, and which are not."""
    listed = [one for one in parameters() if one.behavioural]
    fitted, rest = _names(one for one in listed if one.fitted), [o for o in listed if not o.fitted]
    reading = _names(one for one in rest if one.path in READS_FACTS)
    fixed = [one for one in rest if one.path not in READS_FACTS]
    sourced = _names(one for one in fixed if one.source != ASSUMED)
    assumed = _names(one for one in fixed if one.source == ASSUMED)
    yield from ("## Fitted and fixed", "")
    yield f"Of {len(listed)} behavioural parameters, the fit to the record moves {len(fitted)}. The others do not move:"
    yield "the record does not tell their values apart, or they only set a unit."
    for words, names in (
        ("Fitted", fitted),
        ("Fixed, with a source for their form or size", sourced),
        ("Fixed by judgement", assumed),
        ("Fixed; they read the facts of a trigger", reading),
    ):
        yield from ("", f"- **{words}** ({len(names)}): {', '.join(names)}.")
    yield ""


def _names(several: Iterable[Parameter]) -> list[str]:
    return [f"`{one.path.removeprefix('behaviour.')}`" for one in several]


def _walk(slot: Slot, path: str) -> Iterator[Parameter]:
    for key in slot.keys:
        below = slot.step(key)
        if below is None:
            continue
        where = f"{path}.{key}" if path else key
        if below.bounds:
            yield _parameter(where, below)
        elif below.part:
            yield from _walk(below, where)
        elif key in NAMES:
            entry = below.step(0) if below.is_list else below.step("")
            if entry:
                yield from _walk(entry, f"{where}.{NAMES[key]}")


def _numbers_in(
    value: Any, path: str = "", limits: Within | None = None
) -> Iterator[tuple[str, Within, Number]]:
    if isinstance(value, Part):
        for name in type(value).model_fields:
            inner = range_of(type(value), name)
            yield from _numbers_in(getattr(value, name), f"{path}.{name}", inner)
    elif isinstance(value, (dict, tuple)):
        for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _numbers_in(entry, f"{path}.{key}", limits)
    elif limits:
        yield path.removeprefix("."), limits, value


def _parameter(path: str, slot: Slot) -> Parameter:
    low, high = slot.bounds or (-math.inf, math.inf)
    required = slot.field is None or slot.field.is_required()
    in_name = next((word for word in ("days", "hours") if word in path), "")
    return Parameter(
        path=path + PER_STATE if slot.by_name else path,
        unit=slot.note("unit") or in_name,
        default=None if required or slot.by_name or slot.field is None else slot.field.default,
        required=required,
        low=low,
        high=high,
        meaning=(slot.field.description or "") if slot.field else "",
        source=slot.note("source"),
        uncertain=slot.limits is not None,
    )


def _row(one: Parameter) -> str:
    name = one.path.removeprefix(f"{one.section}.") if one.section else one.path
    default = "required" if one.required else "none" if one.default is None else _shown(one.default)
    source = "the scenario's" if one.required else one.source if one.uncertain else "plain"
    bounds = f"{one.low:g} to {one.high:g}"
    cells = (f"`{name}`", one.meaning, one.unit, default, bounds, source)
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _shown(number: Number) -> str:
    if not isinstance(number, Distribution):
        return f"{number:g}"
    return f"{number.kind} {', '.join(f'{value:g}' for value in number.values)}"


#: Letters of a digest that are shown; enough to distinguish scenarios.
DIGEST_SHOWN = 12


def html_of(scenario: Scenario) -> str:
    """A scenario as HTML."""
    numbers = ((path, value) for path, _, value in _numbers_in(scenario))
    uncertain = [(path, _shown(one)) for path, one in numbers if isinstance(one, Distribution)]
    return show.page(
        show.heading(scenario.title, f"scenario {scenario.name}, {scenario.digest[:DIGEST_SHOWN]}"),
        show.paragraph(scenario.description),
        show.paragraph(
            f"From {scenario.start:%Y-%m-%d %H:%M}, followed for {scenario.horizon_days:g} days at most; "
            f"a ladder of {len(scenario.ladder)} rungs."
        ),
        show.table(("role", "name", "title", "about"), _cast(scenario)),
        show.folded(
            f"{len(uncertain)} uncertain numbers, of which each crisis draws its own",
            show.table(("path", "distribution"), uncertain),
        ),
    )


def _cast(scenario: Scenario) -> Iterator[tuple[str, ...]]:
    """The agents and events: role, name, title, and a few words about each."""
    for name, state in scenario.states.items():
        about = f"resolve {_shown(state.resolve)}, audience {_shown(state.audience)}"
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


# pydantic's findings become mistakes at their places, in plain words

Path = Sequence[str | int]


Read = TypeVar("Read", bound=Part)


def validate(kind: type[Read], top: Node, found: list[Mistake], **fields: Any) -> Read | None:
    """The part that values make, with `fields` that no file holds; or None, and `found` gets the mistakes."""
    try:
        return kind.model_validate({**top.plain(), **fields})
    except ValidationError as error:
        for finding in error.errors(include_url=False)[:MAX_MISTAKES]:
            if finding["type"] == "extra_forbidden":
                node, _ = find_node(top, finding["loc"])
                found += _unknown_keys(node, finding["loc"], Slot(kind))
            else:
                found.append(_mistake(finding, top, Slot(kind)))
        return None


def read_part(kind: type[Read], top: Node, mistakes: Sequence[Mistake] = ()) -> Read:
    """A part of which a file holds nothing else, checked.

    Raises:
        ScenarioError: when it has mistakes; holds all of them, and those that were found in how it is written.
    """
    found = [*mistakes]
    part = validate(kind, top, found)
    if found or part is None:
        raise ScenarioError(found)
    return part


def find_node(top: Node, path: Path) -> tuple[Node, int]:
    """The deepest value on a path, and how many steps of the path lead to it."""
    node = top
    for count, key in enumerate(path):
        if key not in node.inner:
            return node, count
        node = node.inner[key]
    return node, len(path)


def _mistake(finding: Any, top: Node, whole: Slot) -> Mistake:
    path: Path = finding["loc"]
    node, steps = find_node(top, path)
    slot = slot_at(path, whole) or Slot(None)
    if steps < len(path):
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


def _unknown_keys(node: Node, path: Path, whole: Slot) -> Iterator[Mistake]:
    key = str(path[-1])
    if path == ("name",) and whole == TOP:
        yield node.label.mistake("a scenario's name is the name of its file", "no such key")
        return
    holder = slot_at(path[:-1], whole)
    known = holder.keys if holder else ()
    unknown = node.label.mistake(f"unknown key '{key}'", one_of(known), nearest(key, known))
    former = ".".join(map(str, path)) if whole == TOP else ""
    if removed_parameter(former) is None:
        yield unknown
        return
    inner = [(f"{former}.{name}", one) for name, one in node.entries().items()]
    for where, one in [(where, one) for where, one in inner if removed_parameter(where)] or [
        (former, node)
    ]:
        yield one.label.mistake(*(removed_parameter(where) or ()))


def _missing(holder: Node, path: Path, slot: Slot) -> Mistake:
    key = path[-1]
    if isinstance(key, int):
        return holder.label.mistake(f"item {key + 1} is missing", slot.words())
    meaning = slot.field.description if slot.field else ""
    where = f" from {path[-2]}" if len(path) > 1 and isinstance(path[-2], str) else ""
    expected = f"{key}, {meaning}: {slot.words()}" if meaning else slot.words()
    return holder.label.mistake(f"'{key}' is missing{where}", expected)


def _nothing_to_remove(node: Node, path: Path, slot: Slot, top: Node) -> Mistake:
    key = path[-1]
    if isinstance(key, int):
        return node.place.mistake("an empty item", slot.words())
    siblings = [name for name in find_node(top, path[:-1])[0].entries() if name != key]
    empty = " ({} where all is left to defaults)" if slot.part or slot.by_name else ""
    return node.label.mistake(
        f"'{key}' is empty, and nothing of that name is inherited that it would remove",
        slot.words() + empty,
        nearest(str(key), siblings),
    )


def _message(finding: Any, node: Node, slot: Slot) -> str:
    """The message of a mistake in a value."""
    kind, shown = finding["type"], finding.get("ctx", {}).get("shown", "")
    if kind in ("number", "moment"):
        return f"out of range: {shown}" if shown else str(finding["msg"])
    if kind in ("greater_than", "greater_than_equal", "less_than_equal", "less_than"):
        return f"out of range: {_shown_value(node)}"
    if kind in _SIZES:
        return f"{len(node.entries()) or len(node.items())} entries here"
    return f"not {slot.noun() if slot.kind else 'what belongs here'}: {_shown_value(node)}"


#: By pydantic's type of a finding: the word for its limit, and the limit's key in the finding.
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


# JSON Schema of scenario files, so that an editor completes keys and marks mistakes as one types. For VS Code's YAML
# extension, write it to a file and name that file in a scenario's first line:
#
#     crisis-sim schema > scenario.schema.json
#     # yaml-language-server: $schema=scenario.schema.json

DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: Definitions for a file that extends another end in this: they require nothing, and allow null.
CHANGE = "Change"

_EXTENDS = {
    "type": "string",
    "minLength": 1,
    "description": "a scenario file in the same folder, or a shipped scenario, which this one changes",
}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file.

    A file that extends another states only what it changes, and removes with `null`; so there are
    two sets of definitions, and `extends` decides which one holds.
    """
    top = Scenario.model_json_schema()
    definitions = {name: _tidy(body) for name, body in top.pop("$defs").items()}
    top = _tidy(top)
    del top["properties"]["name"]  # it is the file's own name
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
    """A schema in which distributions are described once, and generated titles are gone."""
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
    """A part's schema for a file that changes an inherited part."""
    if isinstance(schema, list):
        return [_change(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {
        # A list replaces the inherited one, so its items are whole.
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
