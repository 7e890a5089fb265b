"""Evidence on how a crisis has gone so far: a dated list with tolerances, read from a file and held against histories."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from crisis_sim.outcomes.measures import Measure
from crisis_sim.outcomes.names import read_measure
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.scenario.introspect import validate
from crisis_sim.scenario.load import data_folder, find_file
from crisis_sim.scenario.numbers import Part, read_moment
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import Node, Place, Source, parse, read_scalar, read_text
from crisis_sim.text import clean, moment

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel

#: Times that a crisis learns of only later, or that are no event.
_LATER = ("ended", "over", "trigger", "fire_paused", "strikes_paused")
#: The event that the crisis is over: it has ended, or its halt has held long enough.
OVER = "over"
#: The four kinds of evidence by their key, each with its further keys.
KINDS = {
    "came": ("by", "within_hours"),
    "not_yet": (),
    "rung": ("at_least", "at_most"),
    "market": ("level", "within"),
}


def _read_when(value: Any) -> Any:
    """A date, or days since the scenario's start."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number else read_moment(value)


When = Annotated[Any, BeforeValidator(_read_when)]


class SeenSpec(Part):
    """One line of evidence, as it is written."""

    at: When = Field(description="when it was seen: a date, or days since the start")
    came: str = Field(
        "", description="an event that had come by then, or within `within_hours` of it"
    )
    within_hours: float | None = Field(
        None, ge=0, le=1e6, description="how many hours it may be off, before and after"
    )
    by: str = Field("", description="the state whose strike the first one was")
    not_yet: str = Field("", description="an event that had not come by then")
    rung: str = Field("", description="the state whose rung was seen")
    at_least: str = Field("", description="the lowest rung that it can have been")
    at_most: str = Field("", description="the highest")
    market: str = Field("", description="the state whose market was seen")
    level: float | None = Field(
        None, ge=0, le=100, description="its index, as a share of that at the start"
    )
    within: float | None = Field(
        None, ge=0, le=100, description="how far it may be off, below and above"
    )


class EvidenceSpec(Part):
    """A file of evidence."""

    title: str = Field(description="what it is, in a line")
    question: str = Field("", description="what is asked")
    days: tuple[When, ...] = Field(
        (), description="the moments at which it is asked; the last evidence's where left out"
    )
    outcomes: tuple[Any, ...] = Field((), description="further measures, as experiments have them")
    given: tuple[SeenSpec, ...] = Field(description="what was seen, in order of time")


@dataclass(frozen=True)
class Seen:
    """One line of evidence. Times are hours from the scenario's start.

    Attributes:
        at: when it was seen.
        kind, name: `came` or `not_yet` and the event's name; or `rung` or `market` and the number of the state.
        low, high: the window of the event's time; or the lowest and highest rung or level.
        by: the number of the state that struck first, or -1 where that is left open.
        words, line: it in words, and its line in the file.
    """

    at: float
    kind: str
    name: Any
    low: float
    high: float
    by: int
    words: str
    line: int

    @property
    def is_look(self) -> bool:
        """Whether it is about how things stood, which is looked at when it comes."""
        return self.kind in ("rung", "market")

    @property
    def known_at(self) -> float:
        """From when on it is known of a history whether it meets this."""
        return self.high if self.kind == "came" else self.at

    def holds(self, times: Mapping[str, NDArray[Any]], now: float = np.inf) -> NDArray[np.bool_]:
        """Whether an event came when it was seen to, or had not come, in each history, as of now."""
        at = times[self.name]
        if self.kind == "not_yet":
            return ~(at <= self.at)
        right = (at >= self.low) & (at <= min(self.high, now))
        return right if self.by < 0 else right & (times["first_strike_by"] == self.by)

    def is_seen(self, model: CrisisModel) -> NDArray[np.bool_]:
        """Whether each crisis of a model stands as was seen; one that is over stands on the lowest rung."""
        own = model.view["states"][:, self.name]
        value = own["market"]
        if self.kind == "rung":
            value = np.where(model.view["ongoing"], own["rung"], 0)
        return np.asarray((value >= self.low) & (value <= self.high))


def times_of(model: CrisisModel) -> dict[str, NDArray[Any]]:
    """When each event came in each crisis so far, in hours from the start, by the names that evidence has for them."""
    times = {
        short: values
        for name, values in model.outcomes().items()
        if (short := name.removesuffix("_at_hours")) != name and short not in _LATER
    }
    c = model.crises
    times[OVER] = np.where(c["ongoing"], np.nan, c["now"] * 24)
    times["first_strike_by"] = c["first_strike_by"].copy()  # a view would hold all of the model
    return times


@dataclass(frozen=True)
class Evidence:
    """What was seen, read and checked.

    Attributes:
        title, question: of the file.
        days: the moments at which it is asked, in hours from the start.
        seen: the evidence, in order of time.
        measures: further measures.
        text: the file.
    """

    title: str
    question: str
    days: tuple[float, ...]
    seen: tuple[Seen, ...]
    measures: tuple[Measure, ...]
    text: str


def shipped_folder() -> Path:
    """The folder of the evidence that comes with Crisis Sim."""
    return data_folder(__file__, "_experiments", "experiments") / "nowcasts"


def load_evidence(
    reference: str | os.PathLike[str],
    scenario: Scenario,
    columns: Any,
    at: Sequence[str] = (),
) -> Evidence:
    """Read and check a file of evidence.

    Args:
        reference: a file, or the bare name of one that comes with Crisis Sim.
        scenario: the crisis that it is about.
        columns: the outcomes that there are (`crisis_sim.outcomes.measures.Columns`).
        at: moments to ask at, in place of the file's.

    Raises:
        ScenarioError: when there is no such file, or it has mistakes; holds all of them.
    """
    path = find_file(reference, shipped_folder(), "evidence", "a file of evidence")
    text = read_text(path, str(path))
    return read_evidence(text, scenario, columns, at, str(path))


def read_evidence(
    text: str, scenario: Scenario, columns: Any, at: Sequence[str] = (), name: str = "evidence"
) -> Evidence:
    """Evidence from a text such as a file would hold; see `load_evidence`."""
    top, mistakes = parse(name, text, "evidence", "title and given")
    spec = validate(EvidenceSpec, top, mistakes)
    if spec is None:
        raise ScenarioError(mistakes)
    reader = _Reader(scenario, columns, [*mistakes])
    lines = zip(spec.given, top.items("given"), strict=True)
    seen = [one for line in lines if (one := reader.seen(*line))]
    days = [reader.hours(*day) for day in zip(spec.days, top.items("days"), strict=False)]
    if at:
        days = [reader.asked(one) for one in at]
    measures = []
    for node in top.items("outcomes"):
        try:
            measures.append(read_measure(node, columns))
        except ScenarioError as error:
            reader.mistakes += error.mistakes
    if not reader.mistakes:
        reader.mistakes += _contradictions(seen, top)
        if not seen:
            nothing = "no evidence", "at least one line under given"
            reader.mistakes.append(top.place.mistake(*nothing))
    if reader.mistakes:
        raise ScenarioError(reader.mistakes)
    days = sorted(set(days)) or [max(one.at for one in seen)]
    seen.sort(key=lambda one: one.at)
    title, question = clean(spec.title), clean(spec.question)
    return Evidence(title, question, tuple(days), tuple(seen), tuple(measures), text)


class _Reader:
    """Reads lines of evidence, gathering their mistakes."""

    def __init__(self, scenario: Scenario, columns: Any, mistakes: list[Mistake]) -> None:
        self.scenario, self.mistakes = scenario, mistakes
        self.states = sorted(scenario.states)  # as the model has them
        self.rungs = [rung.name for rung in scenario.ladder]
        times = [name.removesuffix("_at_hours") for name in columns.named("time")]
        self.events = [*(one for one in times if one not in _LATER), OVER]

    def hours(self, when: float | datetime, node: Node) -> float:
        """Hours from the start to a date or a day, which lies within the crisis."""
        scenario = self.scenario
        hours = when * 24.0 if isinstance(when, float) else scenario.hours_from_start(when)
        if not 0.0 <= hours <= scenario.horizon_hours:
            end = moment(scenario.moment(scenario.horizon_hours), year=True)
            begin = moment(scenario.moment(0.0), year=True)
            self._note(node, f"outside the crisis: {node.plain()}", f"{begin}, to {end}")
        return hours

    def asked(self, text: str) -> float:
        """Hours from the start of a moment that stands on the command line: a date, or days."""
        node = Node(Place(Source.of("--at", text), 1, 1), read_scalar(text))
        try:
            return self.hours(_read_when(node.content), node)
        except PydanticCustomError as wrong:
            self._note(node, wrong.message(), "a date such as 2025-05-09T08:00, or days such as 17")
            return 0.0

    def seen(self, one: SeenSpec, node: Node) -> Seen | None:
        """One line."""
        before = len(self.mistakes)
        kinds = [key for key in KINDS if node.get(key)]
        if len(kinds) != 1:
            several = f"a line says one thing, and this says {one_of(kinds, 'and')}"
            self._note(node, several if kinds else "this says nothing", f"one of {one_of(KINDS)}")
            return None
        kind = kinds[0]
        for key in (key for keys in KINDS.values() for key in keys if key not in KINDS[kind]):
            told = f"'{key}' says nothing of '{kind}'", one_of(KINDS[kind]) or "no such key"
            self._note(node.get(key), *told, key=True)
        at, name = self.hours(one.at, node.get("at") or node), getattr(one, kind)
        when, low, high, by = moment(self.scenario.moment(at)), -np.inf, at, -1
        if kind in ("came", "not_yet"):
            self._index(name, self.events, node.get(kind), "event")
            words = f"{name.replace('_', ' ')} {'by' if kind == 'came' else 'not yet on'} {when}"
            if (hours := one.within_hours) is not None:
                low, high = at - hours, at + hours
                words = f"{name.replace('_', ' ')}, {when}, give or take {hours:g} hours"
            if one.by:
                if name != "first_strike":
                    told = "only a first strike is by somebody", "came: first_strike"
                    self._note(node.get("by"), *told, key=True)
                by = self._index(one.by, self.states, node.get("by"), "state")
                words = f"{one.by}'s {words}"
        else:
            number = self._index(name, self.states, node.get(kind), "state")
            low, high, shown = (self._rungs if kind == "rung" else self._levels)(one, node)
            words, name = f"{name}'s {kind} on {when}: {shown}", number
        if len(self.mistakes) > before:
            return None
        return Seen(at, kind, name, float(low), float(high), by, words, node.place.line)

    def _levels(self, one: SeenSpec, node: Node) -> tuple[float, float, str]:
        """The lowest and highest level of a market that was seen, and both in words."""
        if one.level is None or one.within is None:
            self._note(node, "a market has a level and how far it may be off", "level and within")
            return 0.0, 0.0, ""
        low, high = one.level - one.within, one.level + one.within
        return low, high, f"{low:.3g} to {high:.3g}"

    def _rungs(self, one: SeenSpec, node: Node) -> tuple[float, float, str]:
        """The lowest and highest rung that was seen, and both in words."""
        limits = {"at_least": 0, "at_most": len(self.rungs)}
        words = []
        for key in limits:
            if name := getattr(one, key):
                limits[key] = self._index(name, self.rungs, node.get(key), "rung")
                words.append(f"{key.replace('_', ' ')} {name}")
        if not words:
            self._note(node, "this does not say which rung", "at_least, at_most or both")
        return limits["at_least"], limits["at_most"], " and ".join(words)

    def _index(self, word: str, known: Sequence[str], node: Node | None, noun: str) -> int:
        """The place of a word among those known; a mistake and -1 where it is none of them."""
        if word in known:
            return known.index(word)
        self._note(node, f"no {noun} '{word}'", one_of(known), nearest(word, known))
        return -1

    def _note(
        self, node: Node | None, message: str, expected: str, near: str = "", key: bool = False
    ) -> None:
        if node is not None:
            place = node.label if key else node.place
            self.mistakes.append(place.mistake(message, expected, near))


def _contradictions(seen: Sequence[Seen], top: Node) -> Iterator[Mistake]:
    """Lines that no history can meet together."""
    nodes = {node.place.line: node for node in top.items("given")}
    for k, b in enumerate(seen):
        for a in seen[:k]:
            if a.name != b.name or (a.is_look and (a.kind != b.kind or a.at != b.at)):
                continue
            no = max((one.at for one in (a, b) if one.kind == "not_yet"), default=-np.inf)
            came = [one for one in (a, b) if one.kind != "not_yet"]
            low = max([*(one.low for one in came), np.nextafter(no, np.inf)])
            if came and low > min(one.high for one in came):
                message = f"this contradicts line {a.line}: {a.words}"
                yield nodes[b.line].place.mistake(message, "evidence that one history can meet")
