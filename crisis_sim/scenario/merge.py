"""How a scenario that extends another is laid over it.

- A mapping is laid over a mapping entry by entry, at every depth.
- Anything else replaces what was there: a list, a text, a number. So does a distribution, as a
  whole: `{uniform: [0, 1]}` over `{normal: [0.5, 0.1]}` leaves nothing of the normal.
- `null` removes the inherited entry. Where nothing was inherited it stays, and is a mistake later.
- A mediator that is removed also leaves the inherited lists of those who may open a channel.

Every value keeps the place where it was written, so a mistake points into the right file.
"""

from __future__ import annotations

from crisis_sim.scenario.numbers import DISTRIBUTIONS
from crisis_sim.scenario.source import Node


def lay_over(inherited: Node, over: Node) -> Node:
    """A whole scenario laid over the one it extends; both are mappings."""
    merged = merge(inherited, over)
    gone = set(_names(inherited, "mediators")) - set(_names(merged, "mediators"))
    return _without_openers(merged, inherited, gone) if gone else merged


def merge(inherited: Node, over: Node) -> Node:
    """One value laid over another."""
    if not isinstance(inherited.content, dict) or not isinstance(over.content, dict):
        return over
    if is_distribution(inherited) or is_distribution(over):
        return over
    entries = dict(inherited.content)
    for key, value in over.content.items():
        if key in entries and value.content is None:
            del entries[key]
        elif key in entries:
            entries[key] = merge(entries[key], value)
        else:
            entries[key] = value
    return Node(over.place, entries, over.key)


def is_distribution(node: Node) -> bool:
    """Whether a value is written as a distribution, such as `{uniform: [0, 1]}`."""
    if not isinstance(node.content, dict) or len(node.content) != 1:
        return False
    kind, body = next(iter(node.content.items()))
    if kind == "choice":
        return isinstance(body.content, list) or "values" in body.entries()
    return kind in DISTRIBUTIONS and isinstance(body.content, list)


def _names(top: Node, section: str) -> list[str]:
    entries = top.entries()
    return [*entries[section].entries()] if section in entries else []


def _without_openers(merged: Node, inherited: Node, gone: set[str]) -> Node:
    """Take mediators that are gone out of `opened_by` where that list itself was inherited."""
    channels = merged.entries().get("channels")
    before = inherited.entries().get("channels")
    if channels is None or before is None:
        return merged
    kept = dict(channels.entries())
    for name, channel in channels.entries().items():
        openers = channel.entries().get("opened_by")
        old = before.entries().get(name)
        if old is not None and openers and openers is old.entries().get("opened_by"):
            left = [opener for opener in openers.items() if opener.content not in gone]
            kept[name] = _with(channel, "opened_by", Node(openers.place, left, openers.key))
    return _with(merged, "channels", Node(channels.place, kept, channels.key))


def _with(node: Node, key: str, value: Node) -> Node:
    return Node(node.place, {**node.entries(), key: value}, node.key)
