"""Assumptions of a scenario for a page: every value with unit and source, and what differs between scenarios."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from crisis_sim import text
from crisis_sim.scenario.introspect import slot_at
from crisis_sim.scenario.numbers import Distribution, Part
from crisis_sim.scenario.schema import Rung, Scenario

Path = tuple[str | int, ...]

#: Who takes part, by the scenario's own sections, in words.
ROLES = {
    "states": "State",
    "mediators": "Mediator",
    "lenders": "Lender",
    "channels": "Private line",
    "advisers": "Adviser",
}
#: Keys that describe a scenario and are no assumptions.
_ABOUT = ("name", "title", "description", "sources", "real_path")
#: Units that are not written after a number.
_NO_UNIT = ("share", "ratio", "intensity", "value", "")
#: Each distribution in words, with its numbers in their order.
_DISTRIBUTIONS = {
    "uniform": "{} to {}, evenly spread",
    "triangular": "{0} to {2}, most likely {1}",
    "normal": "about {}, standard deviation {}",
    "lognormal": "median {}, spread {} in logarithms",
    "beta": "beta with {} and {}",
}


def parts_of(scenario: Scenario) -> Iterator[tuple[str, Path, list[tuple[str, ...]]]]:
    """Each part that has a table: what it is, its path, and its rows (parameter, meaning, value, unit, source)."""
    for section, role in ROLES.items():
        for name, part in getattr(scenario, section).items():
            who = f"{role}: {text.clean(part.title) or text.label(name)}"
            yield who, (section, name), _rows(part, (section, name))
    for place, event in enumerate(scenario.events):
        rows = _rows(event, ("events", place))
        yield f"Event: {text.clean(event.title) or event.kind}", ("events", place), rows
    for name in type(scenario.behaviour).model_fields:
        rows = _rows(getattr(scenario.behaviour, name), ("behaviour", name))
        yield f"How they behave: {text.label(name).lower()}", ("behaviour", name), rows


def _rows(part: Part, path: Path) -> list[tuple[str, ...]]:
    return [
        (written(at[len(path) :]), _meaning(at), value(held), _unit(at), source(at, held))
        for at, held in _leaves(part, path)
        if at[-1] != "title"
    ]


def ladder_of(scenario: Scenario) -> tuple[list[str], list[tuple[str, ...]]]:
    """The ladder of escalation: names of its columns, and of each rung its name and its values."""
    fields = [name for name in Rung.model_fields if name != "name"]
    return [text.label(name) for name in fields], [
        (text.clean(rung.name), *(value(getattr(rung, name)) for name in fields))
        for rung in scenario.ladder
    ]


def differences(reference: Scenario, other: Scenario) -> Iterator[tuple[str, str, str, str]]:
    """Values that differ between another scenario and the reference: path, meaning, and the value in each.

    Somebody who is in one scenario alone is one row, not a row a value.
    """
    ours, theirs = (
        {path: held for path, held in _leaves(one) if path[0] not in _ABOUT}
        for one in (reference, other)
    )
    seen = set()
    for path in {**ours, **theirs}:
        if ours.get(path) == theirs.get(path):
            continue
        whole = path[:2] if path[0] in (*ROLES, "events") else path
        row = path if _holds(whole, ours) and _holds(whole, theirs) else whole
        if row not in seen:
            seen.add(row)
            meaning = _who(row, reference, other) or _meaning(row)
            yield written(row), meaning, _shown(row, ours), _shown(row, theirs)


def _holds(path: Path, values: Mapping[Path, Any]) -> bool:
    return any(one[: len(path)] == path for one in values)


def _shown(path: Path, values: Mapping[Path, Any]) -> str:
    if path in values:
        return f"{value(values[path])} {_unit(path)}".rstrip()
    return "takes part" if _holds(path, values) else "not there"


def _who(path: Path, *scenarios: Scenario) -> str:
    """Who it is that takes part at a path; "" where it is a parameter's."""
    if len(path) != 2 or path[0] not in ROLES:
        return ""
    section, name = map(str, path)
    part = next(parts[name] for one in scenarios if name in (parts := getattr(one, section)))
    return f"{ROLES[section]}: {text.clean(part.title) or text.label(name)}"


def written(path: Path) -> str:
    """A path as it is written after `--set`."""
    return ".".join(map(str, path))


def value(held: Any) -> str:
    """A value as a person would say it."""
    if isinstance(held, Distribution):
        return _distribution(held)
    if isinstance(held, bool):
        return "yes" if held else "no"
    if isinstance(held, (int, float)):
        return text.exact(held)
    if isinstance(held, datetime):
        return f"{text.moment(held, year=True)} ({text.offset(held)})"
    if isinstance(held, (tuple, list)):
        return ", ".join(map(value, held)) or "none"
    if isinstance(held, Mapping):
        pairs = (f"{text.clean(str(key))}: {value(one)}" for key, one in held.items())
        return ", ".join(pairs) or "none"
    return text.clean(str(held)) if held not in (None, "") else "none"


def stamp(moment: str) -> str:
    """A moment that a manifest notes, in words; as it is where it is none."""
    try:
        return value(datetime.fromisoformat(moment))
    except ValueError:
        return moment


def _distribution(held: Distribution) -> str:
    values = [text.exact(one) for one in held.values]
    if held.kind != "choice":
        return _DISTRIBUTIONS[held.kind].format(*values)
    if held.together:
        low, high = map(text.exact, held.support)
        return f"{low} to {high}, drawn with others as one of {len(values)} sets"
    if len(set(held.weights)) == 1:
        return f"{text.listed(values, 'or')}, equally likely"
    weighed = zip(values, held.weights, strict=True)
    return text.listed([f"{one} ({text.percent(weight)}%)" for one, weight in weighed], "or")


def source(path: Path, held: Any) -> str:
    """Where a value comes from: the scenario, or the default and its source."""
    slot = slot_at(path)
    if slot is None or slot.field is None or slot.field.is_required():
        return "the scenario"
    default = slot.field.get_default(call_default_factory=True)
    if isinstance(default, Mapping):
        return "the scenario"
    if held != default:
        return f"the scenario; usually {value(default)}" if slot.limits else "the scenario"
    noted = str(slot.note("source"))
    return f"default: {noted}" if noted else "default"


def _unit(path: Path) -> str:
    slot = slot_at(path)
    noted = str(slot.note("unit")) if slot else ""
    return "" if noted in _NO_UNIT else noted


def _meaning(path: Path) -> str:
    slot = slot_at(path)
    return (slot.field.description or "") if slot and slot.field else ""


def _leaves(held: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that a part holds, with the path to it."""
    if isinstance(held, Part):
        for name in type(held).model_fields:
            yield from _leaves(getattr(held, name), (*path, name))
    elif isinstance(held, Mapping):
        for key, one in held.items():
            yield from _leaves(one, (*path, key))
    elif isinstance(held, Sequence) and any(isinstance(one, Part) for one in held):
        for place, one in enumerate(held):
            yield from _leaves(one, (*path, place))
    else:
        yield path, held
