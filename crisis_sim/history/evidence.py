"""Evidence on the course of a crisis: dated observations with tolerances, read from a file and compared with histories."""

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
from crisis_sim.outcomes.named_measures import read_measure
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.scenario.introspect import validate
from crisis_sim.scenario.load import data_folder, find_file
from crisis_sim.scenario.numbers import Part, read_moment
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.yaml_text import Node, Place, Source, parse, read_scalar, read_text
from crisis_sim.text import clean, moment

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel

#: Times that are determined only later, or are not events.
_NO_EVENTS = ("ended", "over", "trigger", "fire_paused", "strikes_paused")
#: The event that the crisis is over: it has ended, or its halt has lasted long enough.
OVER = "over"
#: The kinds of evidence by their key, with their additional keys.
KINDS = {
    "came": ("by", "within_hours"),
    "not_yet": (),
    "rung": ("at_least", "at_most"),
    "market": ("level", "within"),
}


def _read_when(value: Any) -> Any:
    """Read a date, or days since the scenario's start."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number else read_moment(value)


When = Annotated[Any, BeforeValidator(_read_when)]


class ObservationSpec(Part):
    """An observation in a file."""

    at: When = Field(description="time of the observation: a date, or days since the start")
    came: str = Field(
        "", description="an event that had occurred, or within `within_hours` of `at`"
    )
    within_hours: float | None = Field(
        None, ge=0, le=1e6, description="tolerance before and after `at`, hours"
    )
    by: str = Field("", description="the state that struck first")
    not_yet: str = Field("", description="an event that had not occurred")
    rung: str = Field("", description="the state whose rung was observed")
    at_least: str = Field("", description="its lowest possible rung")
    at_most: str = Field("", description="its highest possible rung")
    market: str = Field("", description="the state whose market was observed")
    level: float | None = Field(
        None, ge=0, le=100, description="its index, relative to that at the start"
    )
    within: float | None = Field(
        None, ge=0, le=100, description="tolerance of the index, below and above"
    )


class EvidenceSpec(Part):
    """A file of evidence."""

    title: str = Field(description="title, in a line")
    question: str = Field("", description="the question")
    days: tuple[When, ...] = Field(
        (), description="moments at which to ask; by default that of the last observation"
    )
    outcomes: tuple[Any, ...] = Field((), description="further measures, as in experiments")
    given: tuple[ObservationSpec, ...] = Field(description="the observations, in order of time")


@dataclass(frozen=True)
class Observation:
    """An observation. Times are hours from the scenario's start.

    Attributes:
        at: time of the observation.
        kind, name: `came` or `not_yet` and the event's name; or `rung` or `market` and the number of the state.
        low, high: window of the event's time; or the lowest and highest rung or level.
        by: number of the state that struck first, or -1 if unknown.
        words, line: description, and line in the file.
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
    def is_of_state(self) -> bool:
        """True for a rung or market, which must be compared during the crisis."""
        return self.kind in ("rung", "market")

    @property
    def known_at(self) -> float:
        """The time at which it is certain whether a history agrees."""
        return self.high if self.kind == "came" else self.at

    def agrees(self, times: Mapping[str, NDArray[Any]], now: float = np.inf) -> NDArray[np.bool_]:
        """Return, for each history, whether the times of its events until now agree."""
        at = times[self.name]
        if self.kind == "not_yet":
            return ~(at <= self.at)
        in_window = (at >= self.low) & (at <= min(self.high, now))
        return in_window if self.by < 0 else in_window & (times["first_strike_by"] == self.by)

    def agrees_now(self, model: CrisisModel) -> NDArray[np.bool_]:
        """Return, for each crisis, whether its current rung or market agrees; after its end the rung is the lowest."""
        own = model.view["states"][:, self.name]
        value = own["market"]
        if self.kind == "rung":
            value = np.where(model.view["ongoing"], own["rung"], 0)
        return np.asarray((value >= self.low) & (value <= self.high))


def times_of(model: CrisisModel) -> dict[str, NDArray[Any]]:
    """Return the times of events in each crisis so far, hours from the start, by their names in evidence."""
    times = {
        short: values
        for name, values in model.outcomes().items()
        if (short := name.removesuffix("_at_hours")) != name and short not in _NO_EVENTS
    }
    c = model.crises
    times[OVER] = np.where(c["ongoing"], np.nan, c["now"] * 24)
    times["first_strike_by"] = c["first_strike_by"].copy()  # a view would keep all records alive
    return times


@dataclass(frozen=True)
class Evidence:
    """Evidence, read and checked.

    Attributes:
        title, question: title and question of the file.
        days: moments at which to ask, hours from the start.
        observations: the observations, in order of time.
        measures: further measures.
        text: the file.
    """

    title: str
    question: str
    days: tuple[float, ...]
    observations: tuple[Observation, ...]
    measures: tuple[Measure, ...]
    text: str


def shipped_folder() -> Path:
    """Return the folder of the evidence that comes with Crisis Sim."""
    return data_folder(__file__, "_experiments", "experiments") / "nowcasts"


def load_evidence(
    reference: str | os.PathLike[str],
    scenario: Scenario,
    columns: Any,
    at: Sequence[str] = (),
) -> Evidence:
    """Read and check a file of evidence.

    Args:
        reference: a file, or the name of a shipped one.
        scenario: the scenario of the crisis.
        columns: columns of the outcomes (`crisis_sim.outcomes.measures.Columns`).
        at: moments at which to ask, in place of the file's.

    Raises:
        ScenarioError: if the file does not exist, or has mistakes.
    """
    path = find_file(reference, shipped_folder(), "evidence", "a file of evidence")
    text = read_text(path, str(path))
    return read_evidence(text, scenario, columns, at, str(path))


def read_evidence(
    text: str, scenario: Scenario, columns: Any, at: Sequence[str] = (), name: str = "evidence"
) -> Evidence:
    """Read evidence from a text: see `load_evidence`."""
    top, mistakes = parse(name, text, "evidence", "title and given")
    spec = validate(EvidenceSpec, top, mistakes)
    if spec is None:
        raise ScenarioError(mistakes)
    reader = _Reader(scenario, columns, [*mistakes])
    lines = zip(spec.given, top.items("given"), strict=True)
    observations = [x for line in lines if (x := reader.observation(*line))]
    days = [reader.hours(*day) for day in zip(spec.days, top.items("days"), strict=False)]
    if at:
        days = [reader.argument(moment) for moment in at]
    measures = []
    for node in top.items("outcomes"):
        try:
            measures.append(read_measure(node, columns))
        except ScenarioError as error:
            reader.mistakes += error.mistakes
    if not reader.mistakes:
        reader.mistakes += _contradictions(observations, top)
        if not observations:
            missing = "no evidence", "at least one line under given"
            reader.mistakes.append(top.place.mistake(*missing))
    if reader.mistakes:
        raise ScenarioError(reader.mistakes)
    days = sorted(set(days)) or [max(x.at for x in observations)]
    observations.sort(key=lambda x: x.at)
    title, question = clean(spec.title), clean(spec.question)
    return Evidence(title, question, tuple(days), tuple(observations), tuple(measures), text)


class _Reader:
    """Reads observations, and collects their mistakes."""

    def __init__(self, scenario: Scenario, columns: Any, mistakes: list[Mistake]) -> None:
        self.scenario, self.mistakes = scenario, mistakes
        self.states = sorted(scenario.states)  # in the model's order
        self.rungs = [rung.name for rung in scenario.ladder]
        times = [name.removesuffix("_at_hours") for name in columns.named("time")]
        self.events = [*(name for name in times if name not in _NO_EVENTS), OVER]

    def hours(self, when: float | datetime, node: Node) -> float:
        """Return the hours from the start to a date or day, which must be within the crisis."""
        scenario = self.scenario
        hours = when * 24.0 if isinstance(when, float) else scenario.hours_from_start(when)
        if not 0.0 <= hours <= scenario.horizon_hours:
            end = moment(scenario.moment(scenario.horizon_hours), year=True)
            begin = moment(scenario.moment(0.0), year=True)
            self._add(node, f"outside the crisis: {node.plain()}", f"{begin}, to {end}")
        return hours

    def argument(self, text: str) -> float:
        """Return the hours from the start to a moment on the command line."""
        node = Node(Place(Source.of("--at", text), 1, 1), read_scalar(text))
        try:
            return self.hours(_read_when(node.content), node)
        except PydanticCustomError as error:
            self._add(node, error.message(), "a date such as 2025-05-09T08:00, or days such as 17")
            return 0.0

    def observation(self, spec: ObservationSpec, node: Node) -> Observation | None:
        """Read an observation; return None if it has mistakes."""
        before = len(self.mistakes)
        kinds = [key for key in KINDS if node.get(key)]
        if len(kinds) != 1:
            several = f"a line contains one observation, not {one_of(kinds, 'and')}"
            message = several if kinds else "no observation in this line"
            self._add(node, message, f"one of {one_of(KINDS)}")
            return None
        kind = kinds[0]
        for key in (key for keys in KINDS.values() for key in keys if key not in KINDS[kind]):
            expected = one_of(KINDS[kind]) or "no such key"
            self._add(node.get(key), f"'{key}' does not go with '{kind}'", expected, key=True)
        at, name = self.hours(spec.at, node.get("at") or node), getattr(spec, kind)
        when, low, high, by = moment(self.scenario.moment(at)), -np.inf, at, -1
        if kind in ("came", "not_yet"):
            self._index(name, self.events, node.get(kind), "event")
            event = name.replace("_", " ")
            words = f"{event} {'by' if kind == 'came' else 'not yet on'} {when}"
            if (hours := spec.within_hours) is not None:
                low, high = at - hours, at + hours
                words = f"{event}, {when}, give or take {hours:g} hours"
            if spec.by:
                if name != "first_strike":
                    message = "'by' goes with a first strike only"
                    self._add(node.get("by"), message, "came: first_strike", key=True)
                by = self._index(spec.by, self.states, node.get("by"), "state")
                words = f"{spec.by}'s {words}"
        else:
            number = self._index(name, self.states, node.get(kind), "state")
            low, high, limits = (self._rungs if kind == "rung" else self._levels)(spec, node)
            words, name = f"{name}'s {kind} on {when}: {limits}", number
        if len(self.mistakes) > before:
            return None
        return Observation(at, kind, name, float(low), float(high), by, words, node.place.line)

    def _levels(self, spec: ObservationSpec, node: Node) -> tuple[float, float, str]:
        """Return the lowest and highest level of a market, also in words."""
        if spec.level is None or spec.within is None:
            self._add(node, "a market needs a level and a tolerance", "level and within")
            return 0.0, 0.0, ""
        low, high = spec.level - spec.within, spec.level + spec.within
        return low, high, f"{low:.3g} to {high:.3g}"

    def _rungs(self, spec: ObservationSpec, node: Node) -> tuple[float, float, str]:
        """Return the lowest and highest rung, also in words."""
        limits = {"at_least": 0, "at_most": len(self.rungs)}
        words = []
        for key in limits:
            if name := getattr(spec, key):
                limits[key] = self._index(name, self.rungs, node.get(key), "rung")
                words.append(f"{key.replace('_', ' ')} {name}")
        if not words:
            self._add(node, "no rung in this line", "at_least, at_most or both")
        return limits["at_least"], limits["at_most"], " and ".join(words)

    def _index(self, word: str, known: Sequence[str], node: Node | None, noun: str) -> int:
        """Return the position of a word, or -1 with a mistake if it is unknown."""
        if word in known:
            return known.index(word)
        self._add(node, f"no {noun} '{word}'", one_of(known), nearest(word, known))
        return -1

    def _add(
        self, node: Node | None, message: str, expected: str, near: str = "", key: bool = False
    ) -> None:
        if node is not None:
            place = node.label if key else node.place
            self.mistakes.append(place.mistake(message, expected, near))


def _contradictions(observations: Sequence[Observation], top: Node) -> Iterator[Mistake]:
    """Find pairs of observations with which no history can agree."""
    nodes = {node.place.line: node for node in top.items("given")}
    for k, b in enumerate(observations):
        for a in observations[:k]:
            if a.name != b.name or (a.is_of_state and (a.kind != b.kind or a.at != b.at)):
                continue
            latest_no = max((x.at for x in (a, b) if x.kind == "not_yet"), default=-np.inf)
            windows = [x for x in (a, b) if x.kind != "not_yet"]
            low = max([*(x.low for x in windows), np.nextafter(latest_no, np.inf)])
            if windows and low > min(x.high for x in windows):
                message = f"this contradicts line {a.line}: {a.words}"
                yield nodes[b.line].place.mistake(message, "evidence without contradictions")
