"""One crisis and its past: its milestones, its steps one by one, a change at a moment, and a step undone.

A crisis is a `CrisisModel` of one replicate. `run_to` takes it to a moment, `change` makes a copy that goes on otherwise,
`follow` lists every event on its way, and `undo` leaves one of them out. Luck is keyed: what a change does not touch goes as
it went.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic_core import PydanticCustomError

from crisis_sim.experiments.factors import ScenarioEditor
from crisis_sim.model.choice import Decision, option_numbers
from crisis_sim.model.crisis import CrisisModel
from crisis_sim.model.ending import VIOLATION
from crisis_sim.model.engine import clocks_of
from crisis_sim.model.luck import key_of
from crisis_sim.model.record import NOTE, Entry, Journal, entry_of
from crisis_sim.report.replay import Replay
from crisis_sim.report.story import Narrator
from crisis_sim.scenario.errors import RequestError, did_you_mean, one_of
from crisis_sim.scenario.introspect import read_part
from crisis_sim.scenario.numbers import PATTERN, Part, read_moment
from crisis_sim.scenario.schema import SECTIONS, EventSpec
from crisis_sim.scenario.source import Node, Source, parse_value, read_text, to_node
from crisis_sim.text import moment as told_moment

if TYPE_CHECKING:
    from crisis_sim.scenario.schema import Scenario

#: A moment so much after another is after it, days: times of outcomes, in hours, are rounded.
_AFTER = 1e-9
#: Other names of milestones, and columns that name none.
_ALSO = {"halt_agreed": "ceasefire_agreed", "halt_in_effect": "ceasefire_in_effect"}
_NONE = ("ended", "over", "followed_until")
#: Variables that are settled when a crisis begins: a change reaches those that nothing has moved since.
_SETTLED = {
    "states": ("stake", "tempo", "nuclear", "aversion"),
    "halts": ("common", "deal"),
    "reviews": ("due",),
    "channels": ("open",),
}
#: An option that a state would take less often is no alternative to waiting.
LIKELY = 0.05


class HistoryError(RequestError, ValueError):
    """A history that cannot be had; the message says why, and what could be."""


# --- Moments


def begin(scenario: Scenario, seed: int, replicate: int, **classes: Any) -> CrisisModel:
    """A crisis as it begins, with a journal; `classes` are `roles`, `agents` and `policies`."""
    how: dict[str, Any] = {"journal": Journal(), "keep_paths": replicate + 1, **classes}
    return CrisisModel(scenario, 1, seed, replicate, **how)


def run_to(model: CrisisModel, days: float) -> CrisisModel:
    """Run a crisis up to a time; its journal observes at the same times as in a full run."""
    if journal := model.journal:
        step = journal.step_hours / 24
        if not journal.series:
            journal.observe(model)
        while model.running and model.days + step <= days:
            model.go_on(model.days + step)
            journal.observe(model)
    model.go_on(days)
    return model


def milestones(model: CrisisModel) -> dict[str, float]:
    """When what can be a moment of a crisis that has been run came, days, by name; not a number where it never came."""
    hours = {
        name.removesuffix("_at_hours"): float(column[0])
        for name, column in model.outcomes().items()
        if name.endswith("_at_hours")
    }
    days = {name: at / 24 + _AFTER for name, at in hours.items() if name not in _NONE}
    return days | {name: days[of] for name, of in _ALSO.items()}


def moment_of(model: CrisisModel, at: str | float) -> float:
    """The moment of a crisis, in days from its start, that a person means.

    Args:
        model: the crisis, run to its end.
        at: a day, counted from the scenario's start; a date; or a milestone, such as `first_strike`, just after it.

    Raises:
        HistoryError: when it is none of these, or no moment of this crisis.
    """
    scenario, said, known = model.scenario, str(at).strip(), milestones(model)
    first, last = scenario.begins_hours / 24, float(model.crises["now"][0])
    try:
        if said in known:
            days = known[said]
        elif PATTERN.fullmatch(said):
            days = scenario.hours_from_start(read_moment(said)) / 24
        else:
            days = float(said)
    except PydanticCustomError as error:
        raise HistoryError(str(error)) from None
    except ValueError:
        expected = "a day such as 15, a date such as 2025-05-07T01:05+05:30, or a milestone such as first_strike"
        raise HistoryError(f"'{said}' is no moment: expected {expected}{did_you_mean(said, known)}") from None  # fmt: skip
    if said in known and math.isnan(days):
        came = [name for name, one in known.items() if one == one and name not in _ALSO]
        raise HistoryError(f"'{said}' did not occur in this crisis; expected {one_of(came)}")
    if not first <= days < last:
        began, over = (said_at(scenario, one) for one in (first, last))
        raise HistoryError(f"{said} is not in this crisis, which ran from {began} to {over}, day {last:.1f}")  # fmt: skip
    return days


def said_at(scenario: Scenario, days: float) -> str:
    """A moment in words, to the minute."""
    return told_moment(scenario.moment(round(days * 1440) / 60))


@dataclass(frozen=True, eq=False)
class History(Replay):
    """A crisis with a journal, as it has come to stand, and what there is to tell of it."""

    @classmethod
    def at(cls, model: CrisisModel, **more: Any) -> Self:
        """A crisis where it stands; `more` are attributes of a class of its own."""
        return cls(model.scenario, model.seed_, int(model.replicate[0]), model, **more)

    def sentences(self, entries: Sequence[Entry], after: Sequence[Entry] = ()) -> dict[int, str]:
        """Entries as sentences by the minute, told after some others."""
        narrator = Narrator(self.scenario, self.scenario.trigger_hours)
        narrator.tell(after)
        moments: dict[int, list[Entry]] = {}
        for entry in entries:
            moments.setdefault(round(entry.hours * 60), []).append(entry)
        return {minute: " ".join(narrator.tell(several)) for minute, several in moments.items()}


# --- Changes


class Change(Part):
    """What is changed in a crisis, and when.

    `set` holds texts as of `--set`; `force` a choice by the name of who takes it: a state's option, or something that a
    third party can do, such as `engage`; `inject` holds events.
    """

    at: float | str = Field(description="when: a day, a date or a milestone, such as first_strike")
    set: tuple[str, ...] = Field(
        (), description="values from then on, such as mediators.us.trust.india=0.9"
    )
    force: dict[str, str] = Field(
        default_factory=dict, description="what somebody does as soon as it can, by name"
    )
    inject: tuple[EventSpec, ...] = Field((), description="events, as in a scenario")


class _Events(Part):
    events: tuple[EventSpec, ...] = Field(description="events")


def read_events(path: Path) -> tuple[EventSpec, ...]:
    """The events in a file: a list as in a scenario, or a mapping with `events`.

    Raises:
        ScenarioError: when it cannot be read, or has mistakes.
    """
    text = read_text(path, str(path))
    source = Source.of(str(path), text)
    node = parse_value(source, text)
    if not isinstance(node.content, dict):
        node = Node(source.start, {"events": node}, source.start)
    return read_part(_Events, node).events


def change(model: CrisisModel, what: Change) -> CrisisModel:
    """A copy of a crisis, from where it stands, in which something is changed.

    Raises:
        HistoryError: when it cannot be changed in that way at that moment.
        ScenarioError: when a value or an event has mistakes.
    """
    scenario = model.scenario
    if what.set or what.inject:
        changed = _changed(scenario, what, model.days)
        _check_reachable(scenario, changed, model.days)
        other = with_scenario(model, changed)
    else:
        other = model.copied()
    for name, choice in what.force.items():
        force(other, name, choice)
    return other


def _changed(scenario: Scenario, what: Change, days: float) -> Scenario:
    """The scenario that holds from a moment on."""
    editor, source = ScenarioEditor(scenario), Source.of("--inject", "")
    for event in what.inject:
        if (struck := event.struck) not in scenario.states:
            told = f"an event cannot strike '{struck}'"
            raise HistoryError(_unknown(told, struck, scenario.state_names))
        if event.kind == "trigger":
            raise HistoryError("an event during a crisis must be an 'incident': the trigger is past")  # fmt: skip
        hours = scenario.hours_from_start(event.at)
        if not days * 24 <= hours < scenario.horizon_hours:
            times = (hours / 24, days, scenario.horizon_days)
            at, first, last = (said_at(scenario, one) for one in times)
            raise HistoryError(f"an event cannot come on {at}: expected a time from {first} to {last}")  # fmt: skip
    if what.inject:
        more = [to_node(one.model_dump(mode="json"), source.start) for one in what.inject]
        events = Node(source.start, [*editor.top.items("events"), *more], source.start)
        editor.top = replaced(editor.top, content={**editor.top.entries(), "events": events})
    for text in what.set:
        if "=" not in text:
            raise HistoryError(f"--set {text}: expected PATH=VALUE, such as mediators.us.trust.india=0.9")  # fmt: skip
        if (
            editor.with_changes([text], scenario.name).digest
            == editor.with_changes([], scenario.name).digest
        ):
            raise HistoryError(f"--set {text} changes nothing: that is its value already")
    return editor.with_changes(what.set, scenario.name)


def _check_reachable(old: Scenario, new: Scenario, days: float) -> None:
    """Make sure that a change can still matter: refuse what matters only when a crisis begins."""
    fixed = ["start", "horizon_days", "behaviour.mediation.first_day"]
    fixed += [f"states.{name}.rung_at_start" for name in old.states]
    why = "agents cannot be added or removed; change numbers, such as mediators.us.trust.india=0"
    found = [(x, why) for x in SECTIONS if set(getattr(old, x)) != set(getattr(new, x))]
    if [one.name for one in old.ladder] != [one.name for one in new.ladder]:
        found.append(("the names of rungs", "change their numbers, such as ladder.5.intensity=0.5"))
    late = "it matters only at the beginning"
    found = found or [(one, late) for one in fixed if _value(old, one) != _value(new, one)]
    for k, (was, now) in enumerate(zip(old.events, new.events, strict=False)):
        if was != now and min(old.hours_from_start(one.at) for one in (was, now)) <= days * 24:
            found.append((f"events.{k}", f"by {said_at(old, days)} it has happened, or would have"))
    if found:
        raise HistoryError("{} cannot be changed during a crisis: {}".format(*found[0]))


def _value(of: Any, path: str) -> Any:
    for key in path.split("."):
        of = of[key] if isinstance(of, dict) else getattr(of, key)
    return of


def with_scenario(model: CrisisModel, scenario: Scenario) -> CrisisModel:
    """A copy of a crisis that goes on, from now, with the parameters and events of another scenario of the same agents.

    What is settled when a crisis begins (how much is at stake, what the deal is worth, on what date a board meets) is as it
    would have been with these parameters, unless it has changed since.

    Raises:
        HistoryError: when a board would meet on a date that is past.
    """
    first, journal = int(model.replicate[0]), model.journal and Journal()
    how: dict[str, Any] = {"first_replicate": first, "policies": model.policies, **model.classes}
    kept = model.paths.shape[0] and first + 1
    other = CrisisModel(scenario, 1, model.seed_, journal=journal, keep_paths=kept, **how)
    usual = CrisisModel(model.scenario, 1, model.seed_, **how)
    now, new = model.copied(), other.crises.copy()
    if scenario._with(events=model.scenario.events) != model.scenario:
        now._go_on(model.days, None, stop=True)  # rates are looked at anew from now on
    others = [name for name in now.crises.dtype.names or () if name not in ("events", "n_events")]
    for name in others:
        other.crises[name] = now.crises[name]
    events = len(model.cast["events"])
    other.crises["events"][:, :events] = now.crises["events"][:, :events]
    for role, names in _SETTLED.items():
        for name in names:
            was, then, holds = (one[role][name] for one in (usual.crises, new, now.crises))
            differs = (was != then) & ~(np.isnan(was) & np.isnan(then))
            if name == "due" and (differs & ((then <= model.days) | (was != holds))).any():
                raise HistoryError("this board meeting is past, or would be: change a later one")  # fmt: skip
            moved = differs & (was == holds)
            other.crises[role][name][moved] = then[moved]
    other.journal, other.days, other.running = now.journal, model.days, model.running
    other.luck = other.luck._replace(notes=now.luck.notes, noted=now.luck.noted, paths=now.paths)
    other.paths, other.view = now.paths, other.crises
    return other


def force(model: CrisisModel, name: str, choice: str) -> None:
    """Let somebody do something as soon as it can: a state take an option, a third party do what it can do.

    Raises:
        HistoryError: when there is no such agent, or it can do no such thing.
    """
    known, is_state = choices(model), name in model.scenario.states
    if name not in known:
        raise HistoryError(_unknown(f"no agent '{name}' that can be forced", name, [*known]))
    if choice not in known[name]:
        cannot = f"has no option '{choice}'" if is_state else f"cannot '{choice}'"
        raise HistoryError(_unknown(f"{name} {cannot}", choice, known[name]))
    if is_state:
        model.force(name, choice, model.days)
        return
    one = next(one for one in _able(model) if one.name == name)
    clock = _clock(model, one.role, one.index, choice)
    model._go_on(model.days, None, stop=True)
    model.crises["budgets"][:, clock] = 0.0
    model.go_on(model.days)
    if model.crises["budgets"][0, clock] == 0.0:
        on = said_at(model.scenario, model.days)
        raise HistoryError(f"{name} cannot {choice} on {on}: it has done so, or a halt stands")


def never_open(model: CrisisModel, state: str, option: str) -> str:
    """That a state could never take an option after a moment, and what it could do at its first decision."""
    seen: list[tuple[float, list[str]]] = []

    def look(decision: Decision) -> None:
        seen.append((float(decision.model.crises["now"][0]), list(decision.options)))

    one = model.copied()
    one.policies = {state: look}
    one.cast["states"][one.scenario.state_names.index(state)].records["asked"] = True
    one.run()
    after = f"after {said_at(model.scenario, model.days)}"
    if not seen:
        return f"{state} takes no decision {after}"
    on, options = said_at(model.scenario, seen[0][0]), one_of(seen[0][1])
    told = f"'{option}' is never open to {state} {after}: at its next decision, on {on}"
    return f"{told}, it can choose {options}"


def choices(model: CrisisModel) -> dict[str, list[str]]:
    """What each state and third party may be forced to do, by its name."""
    states = {name: list(option_numbers(model.scenario)) for name in model.scenario.state_names}
    return states | {one.name: list(type(one).clocks()) for one in _able(model)}


def _able(model: CrisisModel) -> Iterator[Any]:
    for role in ("mediators", "channels", "advisers"):
        yield from (one for one in model.cast[role] if type(one).clocks())


def _unknown(message: str, word: str, known: Sequence[str]) -> str:
    return f"{message}; expected {one_of(known)}{did_you_mean(word, known)}"


def _clock(model: CrisisModel, role: str, index: int, event: str) -> int:
    """The clock of an agent's event that comes at a rate."""
    clocks = clocks_of([type(one) for one in model.cast[role]])
    return int(model.crises[role][0, index]["clocks"]) + clocks.index(event)


# --- Steps


@dataclass(frozen=True, eq=False)
class Step:
    """An event of a crisis.

    Attributes:
        days: when, from the scenario's start.
        role, agent, index, event: to whom it happened, and what, as the model names it.
        entries: what the journal says of it.
        before, after: the crisis as it stood, records of shape (1,).
        choice, otherwise: of a decision: the option taken, by number, and the one that undoing it puts in its place:
            to wait, or of waiting the likeliest other; -1 where there is none.
    """

    days: float
    role: str
    agent: str
    index: int
    event: str
    entries: tuple[Entry, ...]
    before: NDArray[Any] = field(repr=False)
    after: NDArray[Any] = field(repr=False)
    choice: int = -1
    otherwise: int = -1


def follow(model: CrisisModel) -> Iterator[Step]:
    """Every event of a crisis from where it stands to its end, one by one; the model stays where it is."""
    one = model.copied()
    one.journal = None
    notes, noted = np.zeros(64, NOTE), np.zeros(1, np.int64)
    one.luck = one.luck._replace(notes=notes, noted=noted)
    one.go_on(one.days)  # which finds what comes next
    noted[0] = 0
    while one.running:
        before = one.crises.copy()
        c = before[0]
        event, at = int(c["event"]), float(c["now"] + c["wait"])
        one.go_on(at)
        entries = tuple(entry_of(one, note) for note in notes[: noted[0]])
        noted[0] = 0
        if event < 0:
            continue
        role, name, _ = one.schedule.events[event]
        agent = one.cast[role][int(c["agent"])]
        step = Step(at, role, agent.name, agent.index, name, entries, before, one.crises.copy())
        yield _decided(step) if name == "decide" and role == "states" else step


def _decided(step: Step) -> Step:
    """A decision with what it chose, and what undoing it puts in its place."""
    choice, odds = int(step.after["choice"][0]), step.after["odds"][0].copy()
    if choice:
        return replaced(step, choice=choice, otherwise=0)
    odds /= odds.sum()
    odds[0] = 0.0
    likeliest = int(odds.argmax())
    return replaced(step, choice=0, otherwise=likeliest if odds[likeliest] >= LIKELY else -1)


def undo(model: CrisisModel, step: Step) -> bool:  # noqa: C901 - one case after another
    """Leave out what comes next of an agent's events of a kind, in a crisis that stands before it; whether that can be.

    A decision is taken otherwise; what is planned, or dated, does not come; an operation under review goes on for its mean
    length; what comes at a rate is passed over once, as if its clock had run down to no effect.
    """
    c, own = model.crises, model.crises[step.role][:, step.index]
    match step.role, step.event:
        case "states", "decide":
            if step.otherwise < 0:
                return False
            own["forced"], own["forced_from"] = step.otherwise, -math.inf
        case "states", "act":
            own["plan"], own["act_at"] = 0, math.inf
        case "states", "fire":
            own["opening"], own["open_at"] = 0, math.inf
        case "states", "review":
            if not any(entry.kind == "operation_ended" for entry in step.entries):
                return False
            own["review_at"] = step.days + float(np.ravel(model.behaviour.operation_days)[0])
        case "events", "event":
            if step.entries and step.entries[0].kind == "trigger":
                return False  # without it there is no crisis
            own["past"] = True
        case "reviews", "decision":
            due = c["reviews"]["due"]
            due[due == step.before["reviews"]["due"][0, step.index]] = math.inf
        case "halts", "violation":
            if own["next_of_burst"][0] < own["next_violation"][0]:
                own["next_of_burst"] = math.inf
            else:
                own["next_violation"] = _next_violation(model, step)
        case _ if step.event in type(model.cast[step.role][step.index]).clocks():
            clock = _clock(model, step.role, step.index, step.event)
            c["budgets"][0, clock] += _next_exponential(model, int(model.luck.stream_of[clock]))
        case _:
            return False
    return True


def salts_of(salt: int, number: int) -> list[int]:
    """Salts of so many futures."""
    return [key_of(salt, f"future {k}")[0] for k in range(number)]


def _next_exponential(model: CrisisModel, stream: int) -> float:
    """Take the next number of a stream, as `luck.exponential` does."""
    c = model.crises[0]
    n = int(c["taken"][stream])
    model.crises["taken"][0, stream] = n + 1
    key = model.luck.keys[stream].copy()
    key[0] ^= c["salt"]
    word = np.random.Philox(key=key, counter=[int(c["replicate"]), n, 0, 0]).random_raw()
    return -math.log((float(word >> 11) + 0.5) * 2.0**-53)


def _next_violation(model: CrisisModel, step: Step) -> float:
    """When the violation after one comes of itself: see `ending.draw_violation`."""
    halt = model.crises["halts"][0, 0]
    p = model.behaviour
    rate, fade = (float(np.ravel(one)[0]) for one in (p.violations_per_day, p.violation_fade_days))
    rate *= math.exp((float(halt["due"]) - step.days) / fade)
    budget = _next_exponential(model, int(halt["streams"]) + VIOLATION)
    share = budget / (rate * fade) if rate > 0 else 1.0
    return step.days - fade * math.log(1 - share) if share < 1 else math.inf
