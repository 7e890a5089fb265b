"""Measures by name: the common ones, every figure in summary.json by its path, and three families."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from crisis_sim.outcomes.durations import CLOCKS, HALT, STRIKE, TRIGGER, Clock
from crisis_sim.outcomes.measures import (
    BOUNDS,
    CAME,
    NEVER,
    WORDS,
    ColumnMean,
    ColumnQuantile,
    Columns,
    Condition,
    Measure,
    Share,
    TimeQuantile,
    Within,
)
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.scenario.schema import ENDINGS, VIOLENCE
from crisis_sim.scenario.source import Node, Source, parse_value
from crisis_sim.text import clean

# --- Measures by name: the common ones, every figure in summary.json by its path, and three families

FROM_TRIGGER, FROM_STRIKE, RELAPSE = CLOCKS.values()

_WITHIN = re.compile(r"(ceasefire|relapse)_within_([0-9]+)_(hours|days)")
_OF_COLUMN = re.compile(r"(mean|median)_(.+)")
#: A moment in summary.json.
_MOMENT = re.compile(r"([0-9]+)_(hours|days)")
_HOURS = {"hours": 1.0, "days": 24.0}
_SUMMARY_CLOCKS = {"from_first_strike": FROM_STRIKE, "from_trigger": FROM_TRIGGER}
_MOMENTS = ("24_hours", "72_hours", "96_hours", "7_days", "14_days", "30_days", "horizon")
_RELAPSE_MOMENTS = ("7_days", "14_days")
_QUANTILES = (10, 50, 90)


def _share(name: str, words: str, terms: dict[str, object]) -> Share:
    return Share(name, words, Condition.of(terms))


_SHARES: dict[str, tuple[str, dict[str, object]]] = {
    "first_strike": ("a first strike", {STRIKE: CAME}),
    "mediated": ("mediation", {"mediated": True}),
    "war": ("full-scale war", {"war_at_hours": CAME}),
    "nuclear_use": ("nuclear use", {"nuclear_use_at_hours": CAME}),
}


def _common() -> Iterator[Measure]:
    for hours in (24, 72, 96):
        yield _within(
            f"ceasefire_within_{hours}_hours", FROM_STRIKE, float(hours), f"{hours} hours"
        )
    for days in (7, 14, 30):
        yield _within(f"ceasefire_within_{days}_days", FROM_TRIGGER, 24.0 * days, f"{days} days")
    for ending in ENDINGS:
        yield _share(
            ending, _ENDING_WORDS.get(ending, f"an ending that is {ending}"), {"ending": ending}
        )
    for name, (words, terms) in _SHARES.items():
        yield _share(name, words, terms)
    yield _within("relapse", RELAPSE, 14 * 24.0, "14 days")
    for days in (7, 14):
        yield _within(f"relapse_within_{days}_days", RELAPSE, 24.0 * days, f"{days} days")
    yield TimeQuantile(
        "median_hours_to_ceasefire",
        "median time from the first strike to a ceasefire",
        FROM_STRIKE,
        0.5,
    )
    yield TimeQuantile(
        "median_days_to_ceasefire",
        "median time from the trigger to a ceasefire",
        FROM_TRIGGER,
        0.5,
        "days",
    )
    yield ColumnMean("mean_deaths", "mean deaths", "deaths")
    yield ColumnQuantile("median_deaths", "median deaths", "deaths", 0.5)


_ENDING_WORDS = {
    "agreement": "ending by agreement",
    "tacit": "ending by tacit understanding",
    "unilateral": "ending by one state's yielding",
    "imposed": "an imposed ending",
    "faded": "fading away",
    "unresolved": "no end before the horizon",
}


def _within(name: str, clock: Clock, hours: float | None, words: str) -> Within:
    what = clock.words()
    said = "by the horizon" if hours is None else f"within {words}"
    return Within(name, f"{what} {said} of {clock.since_words()}", clock, hours)


def _in_summary() -> Iterator[Measure]:
    for ending in ENDINGS:
        words = _ENDING_WORDS.get(ending, ending)
        yield _share(f"endings.{ending}", words, {"ending": ending})
    for name, (words, terms) in _SHARES.items():
        yield _share(f"shares.{name}", words, terms)
    for violence in VIOLENCE:
        yield _share(
            f"worst_violence.{violence}",
            f"worst violence: {violence}",
            {"worst_violence": violence},
        )
    for key, clock in _SUMMARY_CLOCKS.items():
        for moment in _MOMENTS:
            yield _within(f"ceasefire.{key}.by.{moment}", clock, _hours(moment), _spoken(moment))
        yield TimeQuantile(
            f"ceasefire.{key}.median_hours",
            f"median time from {clock.since_words()} to a ceasefire",
            clock,
            0.5,
        )
    for moment in _RELAPSE_MOMENTS:
        yield _within(f"relapse.by.{moment}", RELAPSE, _hours(moment), _spoken(moment))
    for per_cent in _QUANTILES:
        level, what = per_cent / 100.0, "median" if per_cent == 50 else f"{per_cent}th percentile"
        yield ColumnQuantile(
            f"quantiles.trigger_to_first_strike_days.{per_cent}",
            f"{what} of the time from trigger to first strike, where it came",
            STRIKE,
            level,
            TRIGGER,
            in_unit="days",
        )
        yield ColumnQuantile(
            f"quantiles.first_strike_to_ceasefire_hours.{per_cent}",
            f"{what} of the time from first strike to ceasefire, where it came",
            HALT,
            level,
            STRIKE,
            in_unit="hours",
        )
        yield ColumnQuantile(f"quantiles.deaths.{per_cent}", f"{what} of deaths", "deaths", level)


def _hours(moment: str) -> float | None:
    found = _MOMENT.fullmatch(moment)
    return float(found[1]) * _HOURS[found[2]] if found else None


def _spoken(moment: str) -> str:
    return moment.replace("_", " ")


#: The common measures by name.
NAMES: dict[str, Measure] = {one.name: one for one in _common()}
#: Every figure in a scenario's part of summary.json, by its path there.
SUMMARY_PATHS: dict[str, Measure] = {one.name: one for one in _in_summary()}


def known_names(columns: Columns | None = None) -> list[str]:
    """All names that a measure may be written by, for crises with these outcomes.

    Beside these, `ceasefire_within_<n>_hours` (of the first strike), `ceasefire_within_<n>_days`
    (of the trigger) and `relapse_within_<n>_days` may have any whole number.
    """
    of_columns = [
        f"{kind}_{column}"
        for column in (columns.named("number") if columns else ())
        for kind in ("mean", "median")
    ]
    return list(dict.fromkeys([*NAMES, *of_columns, *SUMMARY_PATHS]))


def by_name(name: str, columns: Columns | None = None) -> Measure | None:
    """The measure of a name; None where there is no such name.

    Args:
        name: the name, or a figure's path in summary.json.
        columns: the outcomes that there are; None to take any for one.
    """
    if name in NAMES:
        return NAMES[name]
    if name in SUMMARY_PATHS:
        return SUMMARY_PATHS[name]
    within = _WITHIN.fullmatch(name)
    if within:
        what, number, unit = within.groups()
        clock = RELAPSE if what == "relapse" else _SINCE[unit]
        return _within(name, clock, float(number) * _HOURS[unit], f"{number} {unit}")
    of_column = _OF_COLUMN.fullmatch(name)
    if of_column and (columns is None or of_column[2] in columns.named("number")):
        kind, column = of_column.groups()
        words = f"{kind} {column.replace('_', ' ')}"
        if kind == "mean":
            return ColumnMean(name, words, column)
        return ColumnQuantile(name, words, column, 0.5)
    return None


#: Hours are counted from the first strike, days from the trigger.
_SINCE = {"hours": FROM_STRIKE, "days": FROM_TRIGGER}


# --- Measures as they are written, with every mistake at its place and the nearest valid name

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
