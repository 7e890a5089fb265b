"""A single crisis: its milestones and events, a change at a moment, and the removal of an event.

A crisis is a `CrisisModel` with one replicate. `run_to` runs it to a moment, `change` returns a changed copy, `follow`
lists all later events, and `undo` removes the next event. Random numbers are keyed, so that everything a change does not
affect happens as before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic_core import PydanticCustomError

from crisis_sim import text
from crisis_sim.experiments.factors import ScenarioEditor
from crisis_sim.model.agent import clocks_of
from crisis_sim.model.choice import Decision, option_numbers
from crisis_sim.model.crisis import CrisisModel
from crisis_sim.model.ending import VIOLATION
from crisis_sim.model.journal import NOTE, Entry, Journal, entry_of
from crisis_sim.report.replay import Replay
from crisis_sim.report.story import Narrator
from crisis_sim.scenario.errors import RequestError, did_you_mean, one_of
from crisis_sim.scenario.introspect import read_part
from crisis_sim.scenario.numbers import PATTERN, Part, read_moment
from crisis_sim.scenario.schema import SECTIONS, EventSpec
from crisis_sim.scenario.yaml_text import Node, Source, parse_value, read_text, to_node

if TYPE_CHECKING:
    from crisis_sim.scenario.schema import Scenario

#: A milestone is taken this much later than its time, days: outcomes are in hours, and rounded.
_AFTER = 1e-9
#: Other names of milestones, and columns that are not milestones.
_SYNONYMS = {"halt_agreed": "ceasefire_agreed", "halt_in_effect": "ceasefire_in_effect"}
_NO_MILESTONES = ("ended", "over", "followed_until")
#: Variables that are computed when a crisis begins; a change of parameters updates those that are still unchanged.
_INITIAL = {
    "states": ("stake", "tempo", "nuclear", "aversion"),
    "halts": ("common", "deal"),
    "reviews": ("due",),
    "channels": ("open",),
}
#: Options with a smaller probability do not replace a decision to wait.
LEAST_PROBABILITY = 0.05


class HistoryError(RequestError, ValueError):
    """An invalid request about a history; the message gives the reason and what is possible."""


# --- Moments


def begin(scenario: Scenario, seed: int, replicate: int, **classes: Any) -> CrisisModel:
    """Return a crisis at its beginning, with a journal; `classes` are `roles`, `agents` and `policies`."""
    options: dict[str, Any] = {"journal": Journal(), "keep_paths": replicate + 1, **classes}
    return CrisisModel(scenario, 1, seed, replicate, **options)


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
    """Return the milestones of a finished crisis: days by name, NaN for those that did not occur."""
    hours = {
        name.removesuffix("_at_hours"): float(column[0])
        for name, column in model.outcomes().items()
        if name.endswith("_at_hours")
    }
    days = {name: at / 24 + _AFTER for name, at in hours.items() if name not in _NO_MILESTONES}
    return days | {name: days[usual] for name, usual in _SYNONYMS.items()}


def moment_of(model: CrisisModel, at: str | float) -> float:
    """Convert a moment to days from the scenario's start.

    Args:
        model: the crisis, run to its end.
        at: a day from the scenario's start; a date; or a milestone, such as `first_strike`, just after it.

    Raises:
        HistoryError: if it is none of these, or not within the crisis.
    """
    scenario, at, known = model.scenario, str(at).strip(), milestones(model)
    first, last = scenario.begins_hours / 24, float(model.crises["now"][0])
    try:
        if at in known:
            days = known[at]
        elif PATTERN.fullmatch(at):
            days = scenario.hours_from_start(read_moment(at)) / 24
        else:
            days = float(at)
    except PydanticCustomError as error:
        raise HistoryError(str(error)) from None
    except ValueError:
        expected = "a day such as 15, a date such as 2025-05-07T01:05+05:30, or a milestone such as first_strike"
        raise HistoryError(f"'{at}' is not a moment: expected {expected}{did_you_mean(at, known)}") from None  # fmt: skip
    if at in known and math.isnan(days):
        occurred = [name for name, x in known.items() if x == x and name not in _SYNONYMS]
        raise HistoryError(f"'{at}' did not occur in this crisis; expected {one_of(occurred)}")
    if not first <= days < last:
        began, over = (date_text(scenario, x) for x in (first, last))
        raise HistoryError(f"{at} is not in this crisis, which ran from {began} to {over}, day {last:.1f}")  # fmt: skip
    return days


def date_text(scenario: Scenario, days: float) -> str:
    """Return date and time of a moment in words."""
    return text.moment(scenario.moment(round(days * 1440) / 60))


@dataclass(frozen=True, eq=False)
class History(Replay):
    """A crisis with a journal, finished or not."""

    @classmethod
    def at(cls, model: CrisisModel, **attributes: Any) -> Self:
        """Create the history of a crisis; `attributes` are those of a subclass."""
        return cls(model.scenario, model.seed_, int(model.replicate[0]), model, **attributes)

    def sentences(self, entries: Sequence[Entry], after: Sequence[Entry] = ()) -> dict[int, str]:
        """Return sentences on entries of the journal by minute, in the context of earlier entries."""
        narrator = Narrator(self.scenario, self.scenario.trigger_hours)
        narrator.tell(after)
        by_minute: dict[int, list[Entry]] = {}
        for entry in entries:
            by_minute.setdefault(round(entry.hours * 60), []).append(entry)
        return {minute: " ".join(narrator.tell(several)) for minute, several in by_minute.items()}


# --- Changes


class Change(Part):
    """A change in a crisis at a moment.

    `set` contains overrides as for `--set`; `force` maps agents to choices: an option of a state, or an event of a third
    party, such as `engage`; `inject` contains events.
    """

    at: float | str = Field(description="the moment: a day, a date or a milestone")
    set: tuple[str, ...] = Field(
        (), description="values from then on, such as mediators.us.trust.india=0.9"
    )
    force: dict[str, str] = Field(default_factory=dict, description="choices of agents, by name")
    inject: tuple[EventSpec, ...] = Field((), description="events, as in a scenario")


class _Events(Part):
    events: tuple[EventSpec, ...] = Field(description="events")


def read_events(path: Path) -> tuple[EventSpec, ...]:
    """Read events from a file: a list as in a scenario, or a mapping with `events`.

    Raises:
        ScenarioError: if the file cannot be read, or has mistakes.
    """
    content = read_text(path, str(path))
    source = Source.of(str(path), content)
    node = parse_value(source, content)
    if not isinstance(node.content, dict):
        node = Node(source.start, {"events": node}, source.start)
    return read_part(_Events, node).events


def change(model: CrisisModel, what: Change) -> CrisisModel:
    """Return a changed copy of a crisis at its current moment.

    Raises:
        HistoryError: if the change is impossible at this moment.
        ScenarioError: if a value or an event has mistakes.
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
    """Return the scenario from a moment on."""
    editor, source = ScenarioEditor(scenario), Source.of("--inject", "")
    for event in what.inject:
        if event.struck not in scenario.states:
            message = f"an event cannot strike '{event.struck}'"
            raise HistoryError(_unknown(message, event.struck, scenario.state_names))
        if event.kind == "trigger":
            raise HistoryError("an event during a crisis must be an 'incident': the trigger is past")  # fmt: skip
        hours = scenario.hours_from_start(event.at)
        if not days * 24 <= hours < scenario.horizon_hours:
            times = (hours / 24, days, scenario.horizon_days)
            at, first, last = (date_text(scenario, x) for x in times)
            raise HistoryError(f"an event cannot come on {at}: expected a time from {first} to {last}")  # fmt: skip
    if what.inject:
        added = [to_node(event.model_dump(mode="json"), source.start) for event in what.inject]
        events = Node(source.start, [*editor.top.items("events"), *added], source.start)
        editor.top = replace(editor.top, content={**editor.top.entries(), "events": events})
    for override in what.set:
        if "=" not in override:
            raise HistoryError(f"--set {override}: expected PATH=VALUE, such as mediators.us.trust.india=0.9")  # fmt: skip
        with_it, without = (editor.with_changes(x, scenario.name) for x in ([override], []))
        if with_it.digest == without.digest:
            raise HistoryError(f"--set {override} changes nothing: this is the current value")
    return editor.with_changes(what.set, scenario.name)


def _check_reachable(old: Scenario, new: Scenario, days: float) -> None:
    """Refuse changes that have an effect only when a crisis begins."""
    fixed = ["start", "horizon_days", "behaviour.mediation.first_day"]
    fixed += [f"states.{name}.rung_at_start" for name in old.states]
    why = "agents cannot be added or removed; change numbers, such as mediators.us.trust.india=0"
    refused = [(x, why) for x in SECTIONS if set(getattr(old, x)) != set(getattr(new, x))]
    if [rung.name for rung in old.ladder] != [rung.name for rung in new.ladder]:
        why = "change their numbers, such as ladder.5.intensity=0.5"
        refused.append(("the names of rungs", why))
    why = "it matters only at the beginning"
    refused = refused or [(x, why) for x in fixed if _value(old, x) != _value(new, x)]
    for k, (before, after) in enumerate(zip(old.events, new.events, strict=False)):
        earliest = min(old.hours_from_start(event.at) for event in (before, after))
        if before != after and earliest <= days * 24:
            why = f"by {date_text(old, days)} it has happened, or would have"
            refused.append((f"events.{k}", why))
    if refused:
        raise HistoryError("{} cannot be changed during a crisis: {}".format(*refused[0]))


def _value(part: Any, path: str) -> Any:
    for key in path.split("."):
        part = part[key] if isinstance(part, dict) else getattr(part, key)
    return part


def with_scenario(model: CrisisModel, scenario: Scenario) -> CrisisModel:
    """Return a copy of a crisis that continues with the parameters and events of another scenario with the same agents.

    Variables that are computed at the beginning (stakes, the value of the deal, dates of board meetings) take the values
    that the new parameters give, unless they have changed since.

    Raises:
        HistoryError: if a board would meet on a past date.
    """
    first, journal = int(model.replicate[0]), model.journal and Journal()
    options: dict[str, Any] = {
        "first_replicate": first,
        "policies": model.policies,
        **model.classes,
    }
    kept = model.paths.shape[0] and first + 1
    other = CrisisModel(scenario, 1, model.seed_, journal=journal, keep_paths=kept, **options)
    old = CrisisModel(model.scenario, 1, model.seed_, **options).crises
    now, new = model.copied(), other.crises.copy()
    if scenario._with(events=model.scenario.events) != model.scenario:
        now._go_on(model.days, None, stop=True)  # new rates apply from now on
    others = [name for name in now.crises.dtype.names or () if name not in ("events", "n_events")]
    for name in others:
        other.crises[name] = now.crises[name]
    events = len(model.cast["events"])
    other.crises["events"][:, :events] = now.crises["events"][:, :events]
    for role, names in _INITIAL.items():
        for name in names:
            before, after, current = (x[role][name] for x in (old, new, now.crises))
            differs = (before != after) & ~(np.isnan(before) & np.isnan(after))
            if name == "due" and (differs & ((after <= model.days) | (before != current))).any():
                raise HistoryError("this board meeting is past, or would be: change a later one")
            updated = differs & (before == current)
            other.crises[role][name][updated] = after[updated]
    other.journal, other.days, other.running = now.journal, model.days, model.running
    other.luck = other.luck._replace(notes=now.luck.notes, noted=now.luck.noted, paths=now.paths)
    other.paths, other.view = now.paths, other.crises
    return other


def force(model: CrisisModel, name: str, choice: str) -> None:
    """Force an agent to act as soon as possible: a state to take an option, a third party to carry out an event.

    Raises:
        HistoryError: if there is no such agent, or it cannot do this.
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
    agent = next(agent for agent in _third_parties(model) if agent.name == name)
    clock = _clock(model, agent.role, agent.index, choice)
    model._go_on(model.days, None, stop=True)
    model.crises["budgets"][:, clock] = 0.0
    model.go_on(model.days)
    if model.crises["budgets"][0, clock] == 0.0:
        date = date_text(model.scenario, model.days)
        raise HistoryError(f"{name} cannot {choice} on {date}: it has done so, or a halt is agreed")


def never_possible(model: CrisisModel, state: str, option: str) -> str:
    """Explain that a state can never take an option after a moment, and list its options at its next decision."""
    decisions: list[tuple[float, list[str]]] = []

    def record(decision: Decision) -> None:
        decisions.append((float(decision.model.crises["now"][0]), list(decision.options)))

    copy = model.copied()
    copy.policies = {state: record}
    copy.cast["states"][copy.scenario.state_names.index(state)].records["asked"] = True
    copy.run()
    after = f"after {date_text(model.scenario, model.days)}"
    if not decisions:
        return f"{state} takes no decision {after}"
    days, options = decisions[0]
    next_decision = f"at its next decision, on {date_text(model.scenario, days)}"
    return f"'{option}' is never open to {state} {after}: {next_decision}, it can choose {one_of(options)}"  # fmt: skip


def choices(model: CrisisModel) -> dict[str, list[str]]:
    """Return the choices that can be forced, by state or third party."""
    states = {name: list(option_numbers(model.scenario)) for name in model.scenario.state_names}
    return states | {agent.name: list(type(agent).clocks()) for agent in _third_parties(model)}


def _third_parties(model: CrisisModel) -> Iterator[Any]:
    for role in ("mediators", "channels", "advisers"):
        yield from (agent for agent in model.cast[role] if type(agent).clocks())


def _unknown(message: str, word: str, known: Sequence[str]) -> str:
    return f"{message}; expected {one_of(known)}{did_you_mean(word, known)}"


def _clock(model: CrisisModel, role: str, index: int, event: str) -> int:
    """Return the number of the clock of an agent's event."""
    clocks = clocks_of([type(agent) for agent in model.cast[role]])
    return int(model.crises[role][0, index]["clocks"]) + clocks.index(event)


# --- Steps: the events of a crisis


@dataclass(frozen=True, eq=False)
class Step:
    """An event of a crisis.

    Attributes:
        days: time from the scenario's start.
        role, agent, index, event: the agent and its event, by their names in the model.
        entries: entries of the journal.
        before, after: the crisis before and after, records of shape (1,).
        choice, otherwise: for a decision, the number of the chosen option, and of the option that replaces it when undone:
            waiting, or for a decision to wait the most probable other option; -1 if there is none.
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
    """List all later events of a crisis, without changing the model."""
    copy = model.copied()
    copy.journal = None
    notes, noted = np.zeros(64, NOTE), np.zeros(1, np.int64)
    copy.luck = copy.luck._replace(notes=notes, noted=noted)
    copy.go_on(copy.days)  # determines the next event
    noted[0] = 0
    while copy.running:
        before = copy.crises.copy()
        c = before[0]
        event, days = int(c["event"]), float(c["now"] + c["wait"])
        copy.go_on(days)
        entries = tuple(entry_of(copy, note) for note in notes[: noted[0]])
        noted[0] = 0
        if event < 0:
            continue
        role, name, _ = copy.schedule.events[event]
        agent = copy.cast[role][int(c["agent"])]
        step = Step(days, role, agent.name, agent.index, name, entries, before, copy.crises.copy())
        yield _with_choice(step) if name == "decide" and role == "states" else step


def _with_choice(step: Step) -> Step:
    choice, odds = int(step.after["choice"][0]), step.after["odds"][0].copy()
    if choice:
        return replace(step, choice=choice, otherwise=0)
    odds /= odds.sum()
    odds[0] = 0.0
    other = int(odds.argmax())
    return replace(step, choice=0, otherwise=other if odds[other] >= LEAST_PROBABILITY else -1)


def undo(model: CrisisModel, step: Step) -> bool:  # noqa: C901 - a case for each event
    """Remove a step from a crisis that is just before it; return false if that is impossible.

    A decision is replaced; a planned or dated event does not happen; an operation under review continues for the mean time
    between reviews; an event with a rate is skipped once, as if its clock had run out without effect.
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
                return False  # without its trigger there is no crisis
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


def _next_exponential(model: CrisisModel, stream: int) -> float:
    """Draw the next number of a stream, as `luck.exponential` does."""
    c = model.crises[0]
    n = int(c["taken"][stream])
    model.crises["taken"][0, stream] = n + 1
    key = model.luck.keys[stream].copy()
    key[0] ^= c["salt"]
    word = np.random.Philox(key=key, counter=[int(c["replicate"]), n, 0, 0]).random_raw()
    return -math.log((float(word >> 11) + 0.5) * 2.0**-53)


def _next_violation(model: CrisisModel, step: Step) -> float:
    """Draw the time of the next spontaneous violation: see `ending.draw_violation`."""
    halt = model.crises["halts"][0, 0]
    p = model.behaviour
    rate, fade = (float(np.ravel(x)[0]) for x in (p.violations_per_day, p.violation_fade_days))
    rate *= math.exp((float(halt["due"]) - step.days) / fade)
    budget = _next_exponential(model, int(halt["streams"]) + VIOLATION)
    share = budget / (rate * fade) if rate > 0 else 1.0
    return step.days - fade * math.log(1 - share) if share < 1 else math.inf
