"""What the schema says of a path in a scenario: which keys there may be, and what was expected.

Reports of mistakes, overrides and the table of parameters ask here, so that the schema stays the
one home of names, units, ranges and meanings.
"""

from __future__ import annotations

import math
import types
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from crisis_sim.scenario.dates import EXAMPLE
from crisis_sim.scenario.errors import one_of
from crisis_sim.scenario.numbers import Within
from crisis_sim.scenario.part import Part
from crisis_sim.scenario.schema import Scenario


@dataclass(frozen=True)
class Slot:
    """A place in a scenario for a value.

    Attributes:
        kind: the type of value that belongs there.
        field: the field that describes it; for an entry of a mapping or an item of a list, the
            field that holds the mapping or the list.
        own: what an item of a list notes of itself.
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
        """What a numeric field notes of itself: `unit`, `source` or `slider`; "" if nothing."""
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
        """What belongs under a key or at an index; None where nothing can."""
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
        """What was expected there, as a person would say it."""
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
        if self.bounds:
            low, high = self.bounds
            if math.isinf(low) and math.isinf(high):
                return self.noun()
            if math.isinf(high):
                return f"{self.noun()} of at least {low:g}"
            return f"{self.noun()} from {low:g} to {high:g}"
        return self.noun()


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
    """What belongs at a path from the top; None where nothing can.

    Args:
        path: keys and places in lists.
        top: what the whole is; a scenario where left out.
    """
    slot: Slot | None = top
    for key in path:
        slot = slot.step(key) if slot else None
    return slot


def _notes(kind: Any) -> tuple[Any, ...]:
    """What an annotated type notes of itself, such as bounds."""
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
