"""pydantic's findings become mistakes at their places, in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from crisis_sim.scenario.errors import MAX_MISTAKES, Mistake, nearest, one_of
from crisis_sim.scenario.fields import TOP, Slot, slot_at
from crisis_sim.scenario.numbers import DISTRIBUTIONS
from crisis_sim.scenario.source import Node

Path = Sequence[str | int]


def explain(error: ValidationError, top: Node, whole: Slot = TOP) -> Iterator[Mistake]:
    """A mistake for each of pydantic's findings, `MAX_MISTAKES` at most.

    Args:
        error: what pydantic says of the plain values.
        top: the values with their places.
        whole: what the values are of; a scenario where left out.
    """
    for finding in error.errors(include_url=False)[:MAX_MISTAKES]:
        yield _mistake(finding, top, whole)


def find(top: Node, path: Path) -> tuple[Node, int]:
    """The deepest value on a path, and how many steps of the path lead to it."""
    node = top
    for count, key in enumerate(path):
        if isinstance(key, str) and key in node.entries():
            node = node.entries()[key]
        elif isinstance(key, int) and key < len(node.items()):
            node = node.items()[key]
        else:
            return node, count
    return node, len(path)


def _mistake(finding: Any, top: Node, whole: Slot) -> Mistake:
    path: Path = finding["loc"]
    node, steps = find(top, path)
    slot = slot_at(path, whole)
    if finding["type"] == "extra_forbidden":
        return _unknown_key(node, path, whole)
    if steps < len(path):
        return _missing(node, path, slot)
    if node.content is None:
        return _nothing_to_remove(node, path, slot, top)
    if slot and slot.choices and isinstance(node.content, str):
        near = nearest(node.content, slot.choices)
        return node.place.mistake(f"unknown {path[-1]} {_shown(node)}", _expected(slot), near)
    if finding["type"] == "distribution":
        name, known = next(iter(node.entries())), [*DISTRIBUTIONS, "choice"]
        return node.place.mistake(
            f"unknown distribution '{name}'", one_of(known), nearest(name, known)
        )
    return node.place.mistake(_message(finding, node, slot), _expected_size(finding, slot))


def _unknown_key(node: Node, path: Path, whole: Slot) -> Mistake:
    key = str(path[-1])
    if path == ("name",) and whole == TOP:
        return node.label.mistake("a scenario's name is the name of its file", "no such key")
    holder = slot_at(path[:-1], whole)
    known = holder.keys if holder else ()
    return node.label.mistake(f"unknown key '{key}'", one_of(known), nearest(key, known))


def _missing(holder: Node, path: Path, slot: Slot | None) -> Mistake:
    key = path[-1]
    if isinstance(key, int):
        return holder.label.mistake(f"item {key + 1} is missing", _expected(slot))
    meaning = slot.field.description if slot and slot.field else ""
    where = f" from {path[-2]}" if len(path) > 1 and isinstance(path[-2], str) else ""
    expected = f"{key}, {meaning}: {_expected(slot)}" if meaning else _expected(slot)
    return holder.label.mistake(f"'{key}' is missing{where}", expected)


def _nothing_to_remove(node: Node, path: Path, slot: Slot | None, top: Node) -> Mistake:
    key = path[-1]
    if isinstance(key, int):
        return node.place.mistake("an empty item", _expected(slot))
    siblings = [name for name in find(top, path[:-1])[0].entries() if name != key]
    empty = " ({} where all is left to defaults)" if slot and (slot.part or slot.by_name) else ""
    return node.label.mistake(
        f"'{key}' is empty, and nothing of that name is inherited that it would remove",
        _expected(slot) + empty,
        nearest(str(key), siblings),
    )


def _message(finding: Any, node: Node, slot: Slot | None) -> str:
    """What is wrong with a value."""
    kind, context = finding["type"], finding.get("ctx", {})
    if kind == "number" and "shown" in context:
        return f"out of range: {context['shown']}"
    if kind in ("number", "moment"):
        return str(finding["msg"])
    if kind in ("greater_than", "greater_than_equal", "less_than_equal", "less_than"):
        return f"out of range: {_shown(node)}"
    if kind in ("too_long", "too_short"):
        return f"{len(node.entries()) or len(node.items())} entries here"
    return f"not {slot.noun() if slot else 'what belongs here'}: {_shown(node)}"


def _expected_size(finding: Any, slot: Slot | None) -> str:
    context = finding.get("ctx", {})
    if finding["type"] == "too_long":
        return f"at most {context['max_length']}"
    if finding["type"] == "too_short":
        return f"at least {context['min_length']}"
    return _expected(slot)


def _expected(slot: Slot | None) -> str:
    return slot.words() if slot else ""


def _shown(node: Node) -> str:
    if isinstance(node.content, dict):
        return "a mapping"
    if isinstance(node.content, list):
        return "a list"
    if isinstance(node.content, bool):
        return str(node.content).lower()
    return repr(node.content)
