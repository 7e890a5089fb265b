"""The milestones of one crisis, gathered from its journal: first strike, halts, ending, peaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crisis_sim.model.journal import Entry, Journal
    from crisis_sim.scenario.schema import Scenario


@dataclass
class Halt:
    """A ceasefire: when it was agreed, by whose work, and what became of it."""

    agreed_at_hours: float
    brokered_by: str = ""
    in_effect_at_hours: float | None = None
    violations: int = 0
    relapsed_at_hours: float | None = None


@dataclass
class TurningPoints:
    """The milestones of one crisis.

    Attributes:
        trigger_at_hours: the trigger, 0 where the journal has none.
        first_strike: hours and state of the first strike, or None; of several at once, one of them.
        strikers: the states that strike at that moment, in the scenario's order.
        halts: every halt that was agreed, in order.
        ending: how it ended, "" while it goes on.
        ended_at_hours: when: for an agreement the moment when the halt that held took effect.
        last_hours: the last moment of which the journal tells.
        peak_rungs: the highest rung that each state came to, by number.
    """

    trigger_at_hours: float = 0.0
    first_strike: tuple[float, str] | None = None
    strikers: tuple[str, ...] = ()
    halts: list[Halt] = field(default_factory=list)
    ending: str = ""
    ended_at_hours: float | None = None
    last_hours: float = 0.0
    peak_rungs: dict[str, int] = field(default_factory=dict)

    @property
    def ceasefire(self) -> Halt | None:
        """The first halt in effect after the first strike; without a strike the first at all."""
        origin = self.first_strike[0] if self.first_strike else 0.0
        for halt in self.halts:
            if halt.in_effect_at_hours is not None and halt.in_effect_at_hours >= origin:
                return halt
        return None


def turning_points(journal: Journal, scenario: Scenario) -> TurningPoints:
    """Gather the milestones of the crisis that a journal followed."""
    found = TurningPoints()
    numbers = {rung.name: number for number, rung in enumerate(scenario.ladder)}
    for name, spec in scenario.states.items():
        found.peak_rungs[name] = numbers.get(spec.rung_at_start, 0)
        found.peak_rungs[name] = max(
            (int(rung) for rung in journal.series.get(f"{name}_rung", ())),
            default=found.peak_rungs[name],
        )
    triggers = [entry.hours for entry in journal.entries if entry.kind == "trigger"]
    found.trigger_at_hours = min(triggers, default=0.0)
    for entry in journal.entries:
        _take(found, entry, scenario, numbers)
    if found.first_strike is not None:
        moment = round(found.first_strike[0] * 60.0)
        striking = {found.first_strike[1]} | striking_in(
            (entry for entry in journal.entries if round(entry.hours * 60.0) == moment), scenario
        )
        found.strikers = tuple(name for name in scenario.states if name in striking)
    found.last_hours = max((found.last_hours, *journal.series.get("hours", ())))
    if found.ending == "agreement" and found.halts:
        found.ended_at_hours = found.halts[-1].in_effect_at_hours
    return found


def _take(
    found: TurningPoints, entry: Entry, scenario: Scenario, numbers: Mapping[str, int]
) -> None:
    found.last_hours = max(found.last_hours, entry.hours)
    halt = found.halts[-1] if found.halts else None
    rung = numbers.get(entry.detail.get("to_rung", ""))
    if rung is not None and entry.agent in found.peak_rungs:
        found.peak_rungs[entry.agent] = max(found.peak_rungs[entry.agent], rung)
        if scenario.ladder[rung].strike and found.first_strike is None:
            found.first_strike = (entry.hours, entry.agent)
    if entry.kind == "agreed":
        found.halts.append(Halt(entry.hours, entry.detail.get("by", "")))
    elif entry.kind == "in_effect" and halt is not None:
        halt.in_effect_at_hours = entry.hours
    elif entry.kind == "violation" and halt is not None:
        halt.violations += 1
    elif entry.kind == "relapsed" and halt is not None:
        halt.relapsed_at_hours = entry.hours
    elif entry.kind == "first_strike" and found.first_strike is None:
        found.first_strike = (entry.hours, entry.agent)
    elif entry.kind == "ended":
        found.ending = entry.detail.get("ending", "")
        found.ended_at_hours = None if found.ending == "unresolved" else entry.hours


def striking_in(entries: Iterable[Entry], scenario: Scenario) -> set[str]:
    """The states that some entries see strike: those that climb to a rung with strikes, or are said to."""
    strikes = {rung.name for rung in scenario.ladder if rung.strike}
    return {
        entry.agent
        for entry in entries
        if entry.kind == "first_strike"
        or (entry.kind == "climbed" and entry.detail.get("to_rung") in strikes)
    }


def third_parties(scenario: Scenario) -> Iterator[tuple[str, str, str]]:
    """Each third party of a scenario: its kind, its name and its title."""
    for kind in ("mediators", "channels", "advisers", "lenders"):
        for name, spec in getattr(scenario, kind).items():
            yield kind, name, spec.title
