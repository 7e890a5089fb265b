"""Measures as they are written, with every mistake at its place and the nearest valid name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from crisis_sim.outcomes.measures.columns import WORDS, Columns
from crisis_sim.outcomes.measures.conditions import BOUNDS, CAME, NEVER, Condition
from crisis_sim.outcomes.measures.events import HALT, TRIGGER, Clock
from crisis_sim.outcomes.measures.kinds import (
    ColumnMean,
    ColumnQuantile,
    Measure,
    Share,
    TimeQuantile,
    Within,
)
from crisis_sim.outcomes.measures.names import by_name, known_names
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.scenario.printable import clean
from crisis_sim.scenario.source import Node, Source, parse_value

#: What a mapping may ask for, each with the keys that it may have beside `name`.
KEYS: Mapping[str, tuple[str, ...]] = {
    "share": ("given",),
    "within_hours": ("of", "since"),
    "time_quantile": ("of", "since", "unit"),
    "quantile": ("of", "since", "unit", "given"),
    "mean": ("given",),
}
UNITS = ("hours", "days")
HORIZON = "horizon"
_EXAMPLE = "a measure's name, such as ceasefire_within_96_hours, or a mapping such as {share: {ending: agreement}}"

#: JSON Schema of a measure as it is written.
MEASURE_SCHEMA: dict[str, Any] = {
    "description": "what is measured: a name, a figure's path in summary.json, or a mapping",
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "share": {"type": "object"},
                "given": {"type": "object"},
                "within_hours": {
                    "anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"const": HORIZON}]
                },
                "time_quantile": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                "quantile": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                "mean": {"type": "string"},
                "of": {"type": "string"},
                "since": {"type": "string"},
                "unit": {"enum": list(UNITS)},
            },
            "oneOf": [{"required": [key]} for key in KEYS],
            "additionalProperties": False,
        },
    ],
}


def measure(written: str | Mapping[str, Any], columns: Columns | None = None) -> Measure:
    """A measure from a name or a mapping, as it would stand in an experiment.

    Args:
        written: such as `"agreement"` or `{"share": {"deaths": {"at_least": 1000}}}`.
        columns: the outcomes that there are; None to take any for one.

    Raises:
        ScenarioError: when it has mistakes.
    """
    text = json.dumps(written, ensure_ascii=False)
    return read_measure(parse_value(Source.of("measure", text), text), columns)


def read_measure(node: Node, columns: Columns | None = None) -> Measure:
    """A measure from a file.

    Args:
        node: what is written, and where it stands.
        columns: the outcomes that there are; None to take any for one.

    Raises:
        ScenarioError: when it has mistakes; holds all of them.
    """
    if isinstance(node.content, str):
        named = by_name(node.content, columns)
        if named is None:
            known = known_names(columns)
            near = nearest(node.content, known)
            listed = one_of([*known[:9], "others (docs/experiments.md)"])
            raise _stop(node.place.mistake(f"unknown measure '{node.content}'", listed, near))
        return named
    if not node.entries():
        raise _stop(node.label.mistake("not a measure", _EXAMPLE))
    return _Reader(node, columns).read()


class _Reader:
    """Reads one mapping, gathering its mistakes."""

    def __init__(self, node: Node, columns: Columns | None) -> None:
        self.node, self.columns = node, columns
        self.entries = node.entries()
        self.mistakes: list[Mistake] = []

    def read(self) -> Measure:
        kinds = [key for key in self.entries if key in KEYS]
        if len(kinds) != 1:
            self._wrong_kinds(kinds)
            raise ScenarioError(self.mistakes)
        kind = kinds[0]
        allowed = ("name", kind, *KEYS[kind])
        for key, entry in self.entries.items():
            if key not in allowed:
                self._note(
                    entry, f"unknown key '{key}'", one_of(allowed), nearest(key, allowed), key=True
                )
        made = getattr(self, f"_{kind}")()
        if self.mistakes:
            raise ScenarioError(self.mistakes)
        assert isinstance(made, Measure)  # noqa: S101 - mypy cannot see through getattr
        return made

    def _wrong_kinds(self, kinds: list[str]) -> None:
        if kinds:
            self._note(
                self.entries[kinds[1]], f"a measure is one of {one_of(kinds)}", "one", key=True
            )
            return
        first = next(iter(self.entries.values()))
        near = next(filter(None, (nearest(key, KEYS) for key in self.entries)), "")
        self._note(first, "this does not say what to measure", one_of(KEYS), near, key=True)

    def _share(self) -> Share | None:
        event, given = self._condition("share"), self._given()
        if event is None:
            return None
        words = event.words() + (f", given {given.words()}" if given else "")
        return Share(self._name(words), words, event, given)

    def _within_hours(self) -> Within | None:
        node, clock = self.entries["within_hours"], self._clock()
        hours: float | None = None
        if node.content != HORIZON:
            hours = self._number(node, "a number of hours above 0, or horizon", 0.0, float("inf"))
        said = "by the horizon" if hours is None else f"within {hours:g} hours"
        words = f"{clock.words()} {said} of {clock.since_words()}"
        return Within(self._name(words), words, clock, hours)

    def _time_quantile(self) -> TimeQuantile | None:
        level, clock = self._level("time_quantile"), self._clock()
        what = "median" if level == 0.5 else f"{100 * level:g}% quantile of the"
        words = f"{what} time from {clock.since_words()} to {clock.words()}"
        return TimeQuantile(self._name(words), words, clock, level, self._unit() or "hours")

    def _quantile(self) -> ColumnQuantile | None:
        level, given, unit = self._level("quantile"), self._given(), self._unit()
        since = self._column("since", "time") if "since" in self.entries else ""
        column = self._column("of", *(("time",) if since else ("number", "time")))
        what = "median" if level == 0.5 else f"{100 * level:g}% quantile"
        words = f"{what} of {column.replace('_', ' ')}" + (f" since {since}" if since else "")
        words += f", given {given.words()}" if given else ""
        in_unit = (unit or "hours") if since else ""
        return ColumnQuantile(self._name(words), words, column, level, since, given, in_unit)

    def _mean(self) -> ColumnMean | None:
        column, given = self._column("mean", "number", "time", "flag"), self._given()
        words = f"mean {column.replace('_', ' ')}" + (f", given {given.words()}" if given else "")
        return ColumnMean(self._name(words), words, column, given)

    def _name(self, words: str) -> str:
        node = self.entries.get("name")
        if node is None:
            return words
        if not isinstance(node.content, str) or not clean(node.content):
            self._note(node, "not a name", "a text")
            return words
        return clean(node.content)

    def _given(self) -> Condition | None:
        return self._condition("given") if "given" in self.entries else None

    def _clock(self) -> Clock:
        of = self._column("of", "time") if "of" in self.entries else HALT
        since = self._column("since", "time") if "since" in self.entries else TRIGGER
        return Clock(of, since)

    def _column(self, key: str, *kinds: str) -> str:
        node = self.entries.get(key)
        if node is None:
            self._note(self.node, f"'{key}' is missing", "the name of an outcome")
            return ""
        if not isinstance(node.content, str):
            self._note(node, "not the name of an outcome", "such as deaths")
            return ""
        if self.columns is not None and node.content not in self.columns.named(*kinds):
            self._unknown_column(node, node.content, kinds)
        return node.content

    def _unknown_column(
        self, node: Node, name: str, kinds: tuple[str, ...], key: bool = False
    ) -> None:
        columns = self.columns or Columns({})
        known = columns.named(*kinds)
        if name in columns.kinds:
            message = f"'{name}' is a {columns.kinds[name]}, which has none of that"
        else:
            message = f"no outcome '{name}'"
        self._note(node, message, one_of(known), nearest(name, known), key=key)

    def _level(self, key: str) -> float:
        return self._number(self.entries[key], "a number between 0 and 1", 0.0, 1.0)

    def _unit(self) -> str:
        node = self.entries.get("unit")
        if node is None:
            return ""
        if node.content not in UNITS:
            near = nearest(str(node.content), UNITS)
            self._note(node, f"unknown unit {node.content!r}", one_of(UNITS), near)
            return ""
        return str(node.content)

    def _number(self, node: Node, expected: str, low: float, high: float) -> float:
        value = node.content
        if isinstance(value, (int, float)) and not isinstance(value, bool) and low < value < high:
            return float(value)
        self._note(node, f"out of range or no number: {node.plain()!r}", expected)
        return 0.5

    def _condition(self, key: str) -> Condition | None:
        node = self.entries[key]
        if not node.entries():
            self._note(
                node,
                f"'{key}' says nothing",
                "outcomes and what they must be, such as {ending: agreement}",
            )
            return None
        for column, wanted in node.entries().items():
            self.mistakes += self._term(column, wanted)
        return None if self.mistakes else Condition.of(node.plain())

    def _term(self, column: str, wanted: Node) -> Iterator[Mistake]:
        kind = self.columns.kinds.get(column) if self.columns else _guess(column, wanted)
        if kind is None:
            self._unknown_column(wanted, column, ("text", "flag", "time", "number"), key=True)
        elif kind == "flag" and not isinstance(wanted.content, bool):
            yield wanted.place.mistake(f"not true or false: {wanted.plain()!r}", "true or false")
        elif kind == "text":
            yield from _wrong_words(column, wanted)
        elif kind == "time" and isinstance(wanted.content, str):
            if wanted.content not in (CAME, NEVER):
                near = nearest(wanted.content, (CAME, NEVER))
                yield wanted.place.mistake(
                    f"not said of a time: '{wanted.content}'", f"{CAME}, {NEVER} or bounds", near
                )
        elif kind in ("time", "number"):
            yield from _wrong_bounds(wanted)

    def _note(
        self, node: Node, message: str, expected: str, near: str = "", *, key: bool = False
    ) -> None:
        place = node.label if key else node.place
        self.mistakes.append(place.mistake(message, expected, near))


def _guess(column: str, wanted: Node) -> str:
    """The kind of a column, where nothing is known but what is said of it."""
    if isinstance(wanted.content, bool):
        return "flag"
    if column.endswith("_at_hours"):
        return "time"
    return "number" if wanted.entries() else "text"


def _wrong_words(column: str, wanted: Node) -> Iterator[Mistake]:
    known = WORDS.get(column, ())
    for node in wanted.items() or [wanted]:
        if not isinstance(node.content, str):
            yield node.place.mistake(f"not a word: {node.plain()!r}", one_of(known) or "a text")
        elif known and node.content not in known:
            near = nearest(node.content, known)
            yield node.place.mistake(f"unknown {column} '{node.content}'", one_of(known), near)


def _wrong_bounds(wanted: Node) -> Iterator[Mistake]:
    expected = "at_least and at_most with a number each, such as {at_least: 1000}"
    if not wanted.entries():
        yield wanted.place.mistake(f"not bounds: {wanted.plain()!r}", expected)
    for key, node in wanted.entries().items():
        if key not in BOUNDS:
            yield node.label.mistake(f"unknown key '{key}'", one_of(BOUNDS), nearest(key, BOUNDS))
        elif isinstance(node.content, bool) or not isinstance(node.content, (int, float)):
            yield node.place.mistake(f"not a number: {node.plain()!r}", expected)


def _stop(mistake: Mistake) -> ScenarioError:
    return ScenarioError([mistake])
