"""A plain Mesa model: one crisis at a time, arithmetic of the same kind and amount as ours.

It stands for what the same model would be in Mesa's usual idiom: agents with plain numbers, Python's
`random` and `math`, no arrays. It copies none of our rules and means nothing; it does as much:

- agents of the same roles and number, called in the same order: all observe, the states decide,
  then the others, then the states move;
- a relaxation for each state variable that moves towards something in a turn, counted in the
  equations of docs/ODD.md: in a state alert, grievance (with what the rival did and what was done
  to it), commitment, fatigue, sight, preparation, priced danger, output lost; in a mediator alarm
  and, once it has come in, effort; in a lender one for each review; in an adviser voice;
- two exponentials a turn in each state (market and pressure), and a normal number a day;
- a clock for each hazard while its event may happen: misreading, accident (under fire), decision;
  a mediator's call; a channel's opening or breaking; an adviser's counsel; a violation of a halt;
- a decision as often as ours decide, counted in a run of ours and given (about one in ten turns of
  a state in May 2025): what third parties bring to bear, seven shares or sums for each of them; a
  value for each rung of the ladder, and for yielding and a halt; and a choice among them by the
  exponentials of their values.

Left out, all of it seldom: parameters drawn for each crisis, scheduled events, records, endings. So
it does rather less than ours, and crises all last as many turns as our mean crisis.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import mesa

from benchmarks.plain_agents import (
    FIRST_STRIKE,
    Clock,
    PlainAdviser,
    PlainAgent,
    PlainChannel,
    PlainLender,
    PlainMediator,
    PlainState,
)
from benchmarks.speed import Speed
from crisis_sim.scenario.schema import Scenario

HOURS_PER_DAY = 24


@dataclass(frozen=True)
class Cast:
    """How many agents of each role there are, and what a crisis of theirs asks for.

    Attributes:
        reviews: of each lender, how many reviews it has.
        rungs: how many rungs the ladder has.
        hours_per_turn: how long a turn is.
        decisions_per_state_turn: how often a state decides.
    """

    mediators: int
    reviews: tuple[int, ...]
    channels: int
    advisers: int
    rungs: int
    hours_per_turn: float
    decisions_per_state_turn: float

    @classmethod
    def of(cls, scenario: Scenario, decisions_per_state_turn: float) -> Cast:
        """The cast of a scenario."""
        return cls(
            len(scenario.mediators),
            tuple(len(lender.reviews) for lender in scenario.lenders.values()),
            len(scenario.channels),
            len(scenario.advisers),
            len(scenario.ladder),
            scenario.hours_per_turn,
            decisions_per_state_turn,
        )

    @property
    def agents(self) -> int:
        """How many there are in all."""
        return 2 + self.mediators + len(self.reviews) + self.channels + self.advisers


class PlainModel(mesa.Model):  # type: ignore[misc]  # Mesa is untyped
    """One crisis, a Mesa model as most are.

    Args:
        cast: who is in it.
        seed: its luck.
    """

    def __init__(self, cast: Cast, seed: int) -> None:
        super().__init__(rng=seed)
        self.random.seed(seed)
        self.cast = cast
        self.hours, self.day, self.is_new_day, self.burden = 0.0, 0, False, 0.0
        self.intensities = [rung / (cast.rungs - 1) for rung in range(cast.rungs)]
        self.dreads = [intensity**3 for intensity in self.intensities]
        self.states = (PlainState(self), PlainState(self))
        self.states[0].meet(self.states[1])
        self.states[1].meet(self.states[0])
        self.lenders = [PlainLender(self, reviews) for reviews in cast.reviews]
        self.others: list[PlainAgent] = [
            *(PlainMediator(self) for _ in range(cast.mediators)),
            *self.lenders,
            *(PlainChannel(self) for _ in range(cast.channels)),
            *(PlainAdviser(self) for _ in range(cast.advisers)),
        ]
        self.violation, self.halted, self.quiet_days, self.decisions = (
            Clock(self.random),
            0.0,
            0.0,
            0,
        )
        self._see()

    def _see(self) -> None:
        one, other = self.states
        self.danger = 1 - (1 - one.intensity) * (1 - other.intensity)
        self.under_fire = one.rung >= FIRST_STRIKE or other.rung >= FIRST_STRIKE

    def influence(self) -> tuple[float, ...]:
        """What all third parties together bring to bear on a state that decides."""
        self.decisions += 1
        restraint = inducement = overtness = 0.0
        cover = information = privacy = trust = 1.0
        for party in self.others:
            a, b, c, d, e, f, g = party.influence()
            restraint += a
            inducement += b
            cover *= 1 - c
            information *= 1 - d
            privacy *= 1 - e
            trust *= 1 - f
            overtness = max(overtness, g)
        return restraint, inducement, 1 - cover, 1 - information, 1 - privacy, 1 - trust, overtness

    def step(self) -> None:
        """One turn."""
        self.hours += self.cast.hours_per_turn
        day = int(self.hours // HOURS_PER_DAY)
        self.is_new_day, self.day = day > self.day, day
        self.burden = sum(burden for lender in self.lenders for burden in lender.burdens)
        self.agents.do("observe")
        self.agents.do("act")
        for state in self.states:
            state.settle()
        self._see()
        if self.states[0].wants_halt and self.states[1].wants_halt:
            self.halted = self.hours
        if self.halted and self.violation.rings(
            0.01 * math.exp((self.halted - self.hours) / HOURS_PER_DAY)
        ):
            self.halted = 0.0
        if self.danger < 0.1:
            self.quiet_days += self.cast.hours_per_turn / HOURS_PER_DAY
        else:
            self.quiet_days = 0.0


def time_plain_mesa(cast: Cast, turns: int, crises: int) -> list[Speed]:
    """Run plain models, one after another.

    Args:
        cast: who is in each.
        turns: how many turns each takes.
        crises: how many models.
    """
    started = time.perf_counter()
    for seed in range(crises):
        run_plain(cast, turns, seed)
    seconds = time.perf_counter() - started
    return [Speed("plain Mesa", crises, crises * turns * cast.agents, seconds)]


def run_plain(cast: Cast, turns: int, seed: int) -> PlainModel:
    """Run one plain model."""
    model = PlainModel(cast, seed)
    for _ in range(turns):
        model.step()
    return model
