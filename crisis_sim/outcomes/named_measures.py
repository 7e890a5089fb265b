"""Measures by name: common measures, the figures of summary.json by path, and three families of names."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from crisis_sim.outcomes.durations import (
    CLOCKS,
    COURSE,
    COURSES,
    FIRE,
    FIRE_PAUSED,
    HALT,
    PAUSE,
    STRIKE,
    STRIKES_PAUSED,
    TRIGGER,
    Clock,
)
from crisis_sim.outcomes.measures import (
    BOUNDS,
    CAME,
    HOURS,
    NEVER,
    WORDS,
    Columns,
    Condition,
    Measure,
)
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.scenario.schema import ENDINGS, VIOLENCE
from crisis_sim.scenario.yaml_text import Node, Source, parse_value
from crisis_sim.text import clean

FROM_TRIGGER, FROM_STRIKE, RELAPSE = CLOCKS.values()

#: The clocks of families of names: hours count from the first strike (for fire, from the first fire), days from
#: the trigger.
_SINCE = {
    ("ceasefire", "hours"): FROM_STRIKE,
    ("ceasefire", "days"): FROM_TRIGGER,
    ("strikes_paused", "hours"): PAUSE,
    ("strikes_paused", "days"): Clock(STRIKES_PAUSED, TRIGGER),
    ("fire_paused", "hours"): Clock(FIRE_PAUSED, FIRE),
    ("fire_paused", "days"): Clock(FIRE_PAUSED, TRIGGER),
}
_WITHIN = re.compile(r"(ceasefire|strikes_paused|fire_paused|relapse)_within_([0-9]+_(hours|days))")
_OF_COLUMN = re.compile(r"(mean|median)_(.+)")
_MOMENTS = ("24_hours", "72_hours", "96_hours", "7_days", "14_days", "30_days", "horizon")
_ENDING_WORDS = {
    "agreement": "ending by agreement",
    "tacit": "ending by tacit understanding",
    "unilateral": "ending by one state's yielding",
    "imposed": "an imposed ending",
    "faded": "fading away",
    "unresolved": "no end before the horizon",
}
#: Shares: group in summary.json, name, words, column, and required value.
_SHARES: tuple[tuple[str, str, str, str, object], ...] = (
    *(("endings", one, _ENDING_WORDS[one], "ending", one) for one in ENDINGS),
    ("shares", "first_strike", "a first strike", STRIKE, CAME),
    ("shares", "mediated", "mediation", "mediated", True),
    ("shares", "war", "full-scale war", "war_at_hours", CAME),
    ("shares", "nuclear_use", "nuclear use", "nuclear_use_at_hours", CAME),
    *(("worst_violence", one, f"worst violence: {one}", "worst_violence", one) for one in VIOLENCE),
)
#: Quantiles in summary.json: words, the clock of a time between two events, and its unit.
_QUANTILES: dict[str, tuple[str, Clock | None, str]] = {
    "trigger_to_first_strike_days": ("trigger to first strike", Clock(STRIKE, TRIGGER), "days"),
    "first_strike_to_ceasefire_hours": ("first strike to ceasefire", FROM_STRIKE, "hours"),
    "first_strike_to_pause_hours": ("first strike to a pause in strikes", PAUSE, "hours"),
    "deaths": ("deaths", None, ""),
}


def _share(name: str, words: str, column: str, value: object) -> Measure:
    return Measure(name, words, "share", "share", event=Condition.of({column: value}))


def _within(name: str, clock: Clock, moment: str) -> Measure:
    """The incidence by a moment such as `24_hours` or `horizon`."""
    number, _, unit = moment.partition("_")
    hours = float(number) * HOURS[unit] if unit else None
    words = _incidence_words(clock, f"{number} {unit}" if unit else "")
    return Measure(name, words, "within_hours", "share", clock=clock, hours=hours)


def _incidence_words(clock: Clock, time: str) -> str:
    """Describe the event of a clock within a time; "" for the horizon."""
    by = f"within {time}" if time else "by the horizon"
    return f"{clock.words()} {by} of {clock.since_words()}"


def _median(name: str, clock: Clock, unit: str) -> Measure:
    words = f"median time from {clock.since_words()} to a {clock.words()}"
    return Measure(name, words, "time_quantile", unit, clock=clock)


def _of_family(name: str, columns: Columns | None = None) -> Iterator[Measure]:
    """The measure of a name that contains a number or a column, if it is valid."""
    if within := _WITHIN.fullmatch(name):
        event, moment, unit = within.groups()
        yield _within(name, _SINCE.get((event, unit), RELAPSE), moment)
    of_column = _OF_COLUMN.fullmatch(name)
    if of_column and (columns is None or of_column[2] in columns.named("number")):
        kind, column = of_column.groups()
        words = f"{kind} {column.replace('_', ' ')}"
        yield Measure(name, words, "mean" if kind == "mean" else "quantile", column=column)


def _common() -> Iterator[Measure]:
    for moment in _MOMENTS[:-1]:
        yield from _of_family(f"ceasefire_within_{moment}")
    for group, name, words, column, value in _SHARES:
        if group != "worst_violence":
            yield _share(name, words, column, value)
    yield _within("relapse", RELAPSE, "14_days")
    for moment in ("7_days", "14_days"):
        yield from _of_family(f"relapse_within_{moment}")
    yield _median("median_hours_to_ceasefire", FROM_STRIKE, "hours")
    yield _median("median_days_to_ceasefire", FROM_TRIGGER, "days")
    yield from _of_family("strikes_paused_within_96_hours")
    yield _median("median_hours_to_pause_in_strikes", PAUSE, "hours")
    for name in ("mean_deaths", "median_deaths"):
        yield from _of_family(name)


def _in_summary() -> Iterator[Measure]:
    for course, words in COURSES.items():
        given = Condition.of({COURSE: course})
        yield Measure(f"courses.{course}.share", words, "share", "share", event=given)
        for kind in ENDINGS:
            ending = _share(f"courses.{course}.endings.{kind}", _ENDING_WORDS[kind], "ending", kind)
            yield replace(ending, given=given)
    for group, name, words, column, value in _SHARES:
        yield _share(f"{group}.{name}", words, column, value)
    for key, clock in (("from_first_strike", FROM_STRIKE), ("from_trigger", FROM_TRIGGER)):
        for moment in _MOMENTS:
            yield _within(f"ceasefire.{key}.by.{moment}", clock, moment)
        yield _median(f"ceasefire.{key}.median_hours", clock, "hours")
    for moment in _MOMENTS:
        yield _within(f"pause.by.{moment}", PAUSE, moment)
    yield _median("pause.median_hours", PAUSE, "hours")
    for moment in ("7_days", "14_days"):
        yield _within(f"relapse.by.{moment}", RELAPSE, moment)
    for per_cent in (10, 50, 90):
        for name, (subject, between, unit) in _QUANTILES.items():
            words = "median" if per_cent == 50 else f"{per_cent}th percentile"
            words += f" of the time from {subject}, where it came" if unit else f" of {subject}"
            yield Measure(
                f"quantiles.{name}.{per_cent}",
                words,
                "quantile",
                unit,
                clock=between,
                level=per_cent / 100.0,
                column=between.of if between else subject,
            )


#: The common measures by name.
NAMES: dict[str, Measure] = {measure.name: measure for measure in _common()}
#: Every figure in a scenario's part of summary.json, by path.
SUMMARY_PATHS: dict[str, Measure] = {measure.name: measure for measure in _in_summary()}


def known_names(columns: Columns | None = None) -> list[str]:
    """Return the names of measures of crises with these outcomes.

    In addition, `ceasefire_within_<n>_hours` (of the first strike), `ceasefire_within_<n>_days` (of
    the trigger) and `relapse_within_<n>_days` allow any whole number; so do `strikes_paused_within_`
    and `fire_paused_within_`, whose hours count from the first strike and the first fire.
    """
    of_columns = [
        f"{kind}_{column}"
        for column in (columns.named("number") if columns else ())
        for kind in ("mean", "median")
    ]
    return list(dict.fromkeys([*NAMES, *of_columns, *SUMMARY_PATHS]))


def by_name(name: str, columns: Columns | None = None) -> Measure | None:
    """Return the measure of a name, or of a figure's path in summary.json; None if there is none."""
    if name in NAMES or name in SUMMARY_PATHS:
        return NAMES.get(name) or SUMMARY_PATHS[name]
    return next(_of_family(name, columns), None)


# --- Reading measures, with the position of each mistake

#: The kinds of measure in a mapping, each with its optional keys other than `name`.
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

#: JSON Schema of a measure.
MEASURE_SCHEMA: dict[str, Any] = {
    "description": "a measure: a name, a figure's path in summary.json, or a mapping",
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


def measure(definition: str | Mapping[str, Any], columns: Columns | None = None) -> Measure:
    """Create a measure from a name or a mapping, as in an experiment file.

    Args:
        definition: such as `"agreement"` or `{"share": {"deaths": {"at_least": 1000}}}`.
        columns: the available outcomes; None to allow any.

    Raises:
        ScenarioError: it has mistakes.
    """
    text = json.dumps(definition, ensure_ascii=False)
    return read_measure(parse_value(Source.of("measure", text), text), columns)


def read_measure(node: Node, columns: Columns | None = None) -> Measure:
    """Read a measure from a file; the error lists all mistakes with their positions."""
    if isinstance(node.content, str):
        named = by_name(node.content, columns)
        if named is None:
            known = known_names(columns)
            near = nearest(node.content, known)
            listed = one_of([*known[:9], "others (docs/experiments.md)"])
            raise node.place.error(f"unknown measure '{node.content}'", listed, near)
        return named
    if not node.entries():
        raise node.label.error("not a measure", _EXAMPLE)
    return _Reader(node, columns).read()


class _Reader:
    """Reads a mapping and collects its mistakes."""

    def __init__(self, node: Node, columns: Columns | None) -> None:
        self.node, self.columns = node, columns
        self.entries = node.entries()
        self.mistakes: list[Mistake] = []

    def read(self) -> Measure:
        kinds = [key for key in self.entries if key in KEYS]
        if len(kinds) > 1:
            second = self.entries[kinds[1]].label
            raise second.error(f"a measure is one of {one_of(kinds)}", "one")
        if not kinds:
            first = next(iter(self.entries.values())).label
            near = next(filter(None, (nearest(key, KEYS) for key in self.entries)), "")
            raise first.error("the kind of measure is missing", one_of(KEYS), near)
        allowed = ("name", kinds[0], *KEYS[kinds[0]])
        for key, entry in self.entries.items():
            if key not in allowed:
                near = nearest(key, allowed)
                self._note(entry, f"unknown key '{key}'", one_of(allowed), near, key=True)
        result = self._measure(kinds[0])
        if self.mistakes:
            raise ScenarioError(self.mistakes)
        return result

    def _measure(self, kind: str) -> Measure:
        entry, clock, unit = self.entries[kind], None, "share"
        values: dict[str, Any] = {}
        if kind == "share":
            values["event"] = self._condition("share")
            words = values["event"].words()
        elif kind == "mean":
            values["column"], unit = self._column("mean", "number", "time", "flag"), ""
            words = f"mean {values['column'].replace('_', ' ')}"
        elif kind == "within_hours":
            clock, hours = self._clock(), None
            if entry.content != HORIZON:
                hours = self._number(entry, "a number of hours above 0, or horizon", math.inf)
            words = _incidence_words(clock, "" if hours is None else f"{hours:g} hours")
            values["hours"] = hours
        else:
            level = values["level"] = self._number(entry, "a number between 0 and 1", 1.0)
            quantile = "median" if level == 0.5 else f"{100 * level:g}% quantile"
            unit = self._unit()
            if kind == "time_quantile":
                clock = self._clock()
                of_the = "" if level == 0.5 else " of the"
                words = f"{quantile}{of_the} time from {clock.since_words()} to {clock.words()}"
            else:
                since = self._column("since", "time") if "since" in self.entries else ""
                column = self._column("of", *(("time",) if since else ("number", "time")))
                words = f"{quantile} of {column.replace('_', ' ')}{since and f' since {since}'}"
                values["column"] = column
                clock, unit = (Clock(column, since), unit) if since else (None, "")
        given = self._condition("given") if "given" in self.entries else None
        words += f", given {given.words()}" if given else ""
        return Measure(self._name(words), words, kind, unit, clock=clock, given=given, **values)

    def _name(self, words: str) -> str:
        node = self.entries.get("name")
        if node is None:
            return words
        if not isinstance(node.content, str) or not clean(node.content):
            self._note(node, "not a name", "a text")
            return words
        return clean(node.content)

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
        message = f"no outcome '{name}'"
        if name in columns.kinds:
            message = f"'{name}' is a {columns.kinds[name]}, which is not possible here"
        self._note(node, message, one_of(known), nearest(name, known), key=key)

    def _unit(self) -> str:
        node = self.entries.get("unit")
        if node is None or node.content in UNITS:
            return str(node.content) if node else "hours"
        near = nearest(str(node.content), UNITS)
        self._note(node, f"unknown unit {node.content!r}", one_of(UNITS), near)
        return "hours"

    def _number(self, node: Node, expected: str, below: float) -> float:
        value = node.content
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0.0 < value < below:
            return float(value)
        self._note(node, f"not a number, or out of range: {node.plain()!r}", expected)
        return 0.5

    def _condition(self, key: str) -> Condition:
        node = self.entries[key]
        if not node.entries():
            expected = "outcomes with required values, such as {ending: agreement}"
            self._note(node, f"'{key}' is empty", expected)
        for column, value in node.entries().items():
            self.mistakes += self._mistakes_of(column, value)
        return Condition(()) if self.mistakes else Condition.of(node.plain())

    def _mistakes_of(self, column: str, value: Node) -> Iterator[Mistake]:
        kind = self.columns.kinds.get(column) if self.columns else _guess_kind(column, value)
        if kind is None:
            self._unknown_column(value, column, ("text", "flag", "time", "number"), key=True)
        elif kind == "flag" and not isinstance(value.content, bool):
            yield value.place.mistake(f"not true or false: {value.plain()!r}", "true or false")
        elif kind == "text":
            yield from _mistakes_of_texts(column, value)
        elif kind == "time" and isinstance(value.content, str):
            if value.content not in (CAME, NEVER):
                near = nearest(value.content, (CAME, NEVER))
                yield value.place.mistake(
                    f"not valid for a time: '{value.content}'", f"{CAME}, {NEVER} or bounds", near
                )
        elif kind in ("time", "number"):
            yield from _mistakes_of_bounds(value)

    def _note(
        self, node: Node, message: str, expected: str, near: str = "", *, key: bool = False
    ) -> None:
        place = node.label if key else node.place
        self.mistakes.append(place.mistake(message, expected, near))


def _guess_kind(column: str, value: Node) -> str:
    """The kind of an unknown column, from its required value."""
    if isinstance(value.content, bool):
        return "flag"
    if column.endswith("_at_hours"):
        return "time"
    return "number" if value.entries() else "text"


def _mistakes_of_texts(column: str, value: Node) -> Iterator[Mistake]:
    known = WORDS.get(column, ())
    for node in value.items() or [value]:
        if not isinstance(node.content, str):
            yield node.place.mistake(f"not a text: {node.plain()!r}", one_of(known) or "a text")
        elif known and node.content not in known:
            near = nearest(node.content, known)
            yield node.place.mistake(f"unknown {column} '{node.content}'", one_of(known), near)


def _mistakes_of_bounds(value: Node) -> Iterator[Mistake]:
    expected = "at_least, at_most or both, each with a number, such as {at_least: 1000}"
    if not value.entries():
        yield value.place.mistake(f"not bounds: {value.plain()!r}", expected)
    for key, node in value.entries().items():
        if key not in BOUNDS:
            yield node.label.mistake(f"unknown key '{key}'", one_of(BOUNDS), nearest(key, BOUNDS))
        elif isinstance(node.content, bool) or not isinstance(node.content, (int, float)):
            yield node.place.mistake(f"not a number: {node.plain()!r}", expected)
