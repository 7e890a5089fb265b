"""Mesa models for comparison: empty ones, and a plain one with the same kind and amount of arithmetic as Crisis Sim.

The plain model represents a crisis in Mesa's usual idiom: agents with plain numbers, Python's `random` and `math`, no
arrays, one crisis at a time, and steps of equal length, as many as a crisis of Crisis Sim has events. It copies no rules
of Crisis Sim, and its results mean nothing. It has agents of the same roles and number, called in the same order; a
relaxation for each state variable that changes; two exponentials per step in each state and a normal number per day; a
clock for each hazard; and as many decisions, with seven influences of each third party and a choice by the exponentials
of the options' values. Parameters drawn for each crisis, scheduled events, records and endings are rare and left out, so
that it does slightly less than Crisis Sim.
"""
# ruff: noqa: D102 - an agent's methods are documented once, in its base class

from __future__ import annotations

import math
import random
import time
import warnings
from typing import Any

import mesa

from benchmarks.timing import Timing
from crisis_sim.scenario import Scenario

#: Results of `benchmarks.floor.count`.
Counts = dict[str, Any]
#: The lowest rung with a strike, and the highest rung without fire.
FIRST_STRIKE, HALT_RUNG = 5, 3
HOURS_PER_DAY = 24
NO_INFLUENCE = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


class EmptyAgent(mesa.Agent):  # type: ignore[misc]  # Mesa is untyped
    """An agent whose step does nothing."""

    def step(self) -> None:
        pass


class EmptyModel(mesa.Model):  # type: ignore[misc]
    """Agents that do nothing, called in the same order in each step or (`shuffle_do`) in a new order."""

    def __init__(self, agents: int, steps: int, activation: str = "do", rng: object = None) -> None:
        super().__init__(rng=1)
        self._length, self._activation = steps, activation
        self.datacollector = mesa.DataCollector()
        EmptyAgent.create_agents(self, agents)

    def step(self) -> None:
        getattr(self.agents, self._activation)("step")
        self.running = self.steps < self._length


def time_empty(agents: int, steps: int, crises: int, activation: str) -> Timing:
    """Run empty models one after another."""
    started = time.perf_counter()
    for _ in range(crises):
        model = EmptyModel(agents, steps, activation)
        while model.running:
            model.step()
    return _timed("empty Mesa", f"empty Mesa, {activation}", started, (agents, steps, crises))


def time_batch_runner(agents: int, steps: int, crises: int, workers: int = 1) -> Timing:
    """Run empty models with Mesa's batch runner, which Mesa 4 no longer has."""
    parameters, started = {"agents": agents, "steps": steps}, time.perf_counter()
    options = {"iterations": crises, "max_steps": steps, "display_progress": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is deprecated
        mesa.batch_run(EmptyModel, parameters, number_processes=workers, **options)
    size = (agents, steps, crises)
    return _timed("empty Mesa", "empty Mesa, batch_run", started, size, workers)


def _timed(kind: str, what: str, since: float, size: tuple[int, int, int], by: int = 1) -> Timing:
    agents, steps, crises = size
    seconds = time.perf_counter() - since
    return Timing(kind, what, seconds, "", crises, crises * steps * agents, by)


class Clock:
    """Rings when the accumulated hazard reaches a random budget."""

    __slots__ = ("_draw", "left")

    def __init__(self, luck: random.Random) -> None:
        self._draw = luck.random
        self.left = -math.log(1 - self._draw())

    def rings(self, hazard: float) -> bool:
        """Add a hazard, and return whether the event happens."""
        self.left -= hazard
        if self.left > 0:
            return False
        self.left -= math.log(1 - self._draw())
        return True


class PlainAgent(mesa.Agent):  # type: ignore[misc]
    """An agent that may observe and act, and has influence on a state's decision."""

    model: PlainModel

    def observe(self) -> None:
        """Update the agent's view after a step."""

    def act(self) -> None:
        """Decide."""

    def influence(self) -> tuple[float, ...]:
        """Restraint, inducement, cover, information, privacy, trust, overtness."""
        return NO_INFLUENCE


class PlainState(PlainAgent):
    """One of the two states."""

    rival: PlainState

    def __init__(self, model: PlainModel) -> None:
        super().__init__(model)
        luck: random.Random = model.random
        self.misread, self.accident, self.due = Clock(luck), Clock(luck), Clock(luck)
        self.rung = self.goal = 3
        self.intensity = 0.3
        self.alert, self.grievance, self.commitment, self.fatigue = 1.0, 0.6, 0.3, 0.0
        self.seen, self.error, self.prepared, self.lean = 0.0, 0.0, 0.0, 0.5
        self.drift, self.priced, self.spent, self.pressure, self.market = 0.0, 0.0, 0.0, 0.0, 1.0
        self.lowest_market, self.highest_pressure, self.blow = 1.0, 0.0, 0.0
        self.wants_halt = False

    def observe(self) -> None:
        rival, model = self.rival, self.model
        self.alert -= 0.1 * self.alert
        self.grievance = self.grievance * 0.99 + 0.01 * rival.intensity - 0.005 * self.intensity
        if rival.blow > 0:
            self.grievance += rival.blow
            self.alert = 1.0
        if self.blow > 0:
            self.grievance -= 0.8 * self.blow
        if self.grievance < 0:
            self.grievance = 0.0
        above = self.intensity - self.commitment
        self.commitment += (0.1 if above > 0 else 0.02) * above
        self.fatigue += 0.01 * (self.intensity - self.fatigue)
        self.seen += 0.2 * (rival.intensity - self.seen)
        if self.misread.rings(0.02):
            self.error = 0.3 * (2 * model.random.random() - 1)
        if self.grievance > 0.05:
            self.prepared += 0.01
        if self.rung >= FIRST_STRIKE or rival.rung >= FIRST_STRIKE:
            self.prepared = max(self.prepared, 1.0)
        self.priced += 0.1 * (model.danger - self.priced)
        if model.is_new_day:
            self.drift = min(max(self.drift + 0.01 * model.random.gauss(0.0, 1.0), -40.0), 40.0)
        self.market = math.exp(self.drift - 0.2 * self.priced)
        self.lowest_market = min(self.lowest_market, self.market)
        self.spent = self.spent * 0.995 + 0.02 * self.intensity
        burden = max(1 - self.market, 0.0) * 2.0 + 0.1 * self.spent + model.burden
        self.pressure = 1 - math.exp(-max(0.5 * burden, 0.0))
        self.highest_pressure = max(self.highest_pressure, self.pressure)

    def act(self) -> None:
        self.blow = 0.0
        self.wants_halt = False
        self.goal = self.rung
        if self.rung >= FIRST_STRIKE and self.accident.rings(0.01 * self.intensity):
            self.blow = 0.05
        if self.due.rings(self.model.decisions_per_step):
            self._decide()

    def _decide(self) -> None:
        """Value each option, and choose one with probability proportional to the exponential of its value."""
        model, rungs = self.model, self.model.intensities
        restraint, inducement, cover, information, privacy, trust, overtness = model.influence()
        demand = self.grievance / (1 + self.grievance / 2)
        seen = max(self.seen * (1 + self.error * (1 - information)), 0.0)
        against = 0.5 * self.pressure + 0.5 * self.fatigue + restraint
        pull, exposed = 2.0 * 0.7 * demand - against, 0.6 * (1 - cover)
        unready = 1.0 if self.prepared < 1 else 0.0
        values = [0.0, 0.0]
        for rung, intensity in enumerate(rungs):
            distance = abs(rung - self.rung)
            value = pull * intensity - 1.5 * model.dreads[rung]
            value -= 0.7 * max(seen - intensity, 0.0)
            value -= exposed * max(self.commitment - intensity, 0.0)
            if rung >= FIRST_STRIKE:
                value -= 2.0 * unready + 0.3 * max(rung - self.rung, 0)
            if rung == len(rungs) - 1:
                value -= 8.0
            value -= 0.2 * seen + 0.1 * distance + (0.2 if distance else 0.0)
            values.append(value)
        hold, rest = values[2 + self.rung], rungs[min(self.rung, HALT_RUNG)]
        peace = inducement - 0.5 - 0.7 * demand - 0.5 * (1 - trust) - 0.4 * overtness
        peace -= against * rest + exposed * max(self.commitment - rest, 0.0)
        self.lean = 1 / (1 + math.exp(-min(max(4.0 * (peace - hold), -60.0), 60.0)))
        belief = 0.3 + information * (self.rival.lean - 0.3)
        taken_up = self.lean * peace + (1 - self.lean) * hold
        asking = belief * taken_up + (1 - belief) * (hold - 0.2) - 0.3 * (1 - privacy)
        values[0] = -0.7 * (2.0 + demand) - exposed * self.commitment
        values[1] = peace if self.rival.wants_halt else asking
        best = max(values)
        odds = [math.exp(4.0 * (value - best)) for value in values]
        chosen = model.random.random() * sum(odds)
        option = 0
        while option < len(odds) - 1 and chosen >= odds[option]:
            chosen -= odds[option]
            option += 1
        self.wants_halt = option == 1
        if option >= 2:
            self.goal = option - 2

    def settle(self) -> None:
        """Carry out the decision."""
        if self.goal != self.rung:
            if self.goal > self.rung:
                self.blow += 0.1 * self.goal
            self.rung = self.goal
            self.intensity = self.model.intensities[self.rung]


class PlainMediator(PlainAgent):
    """A mediator."""

    def __init__(self, model: PlainModel) -> None:
        super().__init__(model)
        self.call = Clock(model.random)
        self.alarm, self.effort, self.style, self.engaged, self.came_in = 0.0, 0.0, 0, False, False

    def observe(self) -> None:
        self.alarm += 0.05 * (self.model.danger - self.alarm)
        if self.came_in:
            self.effort += 0.1 * (self.engaged - self.effort)

    def act(self) -> None:
        excess = self.alarm - 0.3
        if not self.engaged:
            if excess > 0 and self.call.rings(0.2 * excess):
                self.engaged = self.came_in = True
        else:
            self.style = max(self.style, 1 + (excess > 0.1) + (excess > 0.2))
            if self.alarm < 0.15:
                self.engaged = False

    def influence(self) -> tuple[float, ...]:
        trust = 0.5 * self.effort
        terms = trust if self.style > 1 else 0.0
        pressing = 0.4 * self.effort * (1 - 0.3) if self.style > 2 else 0.0
        overtness = self.effort if self.style > 1 else 0.0
        pressed = 0.8 * pressing, 0.5 * pressing
        return (*pressed, 0.5 * terms, 0.6 * trust, trust, 0.3 * terms, overtness)


class PlainLender(PlainAgent):
    """A lender."""

    def __init__(self, model: PlainModel, reviews: int) -> None:
        super().__init__(model)
        self.burdens = [0.01] * reviews

    def observe(self) -> None:
        self.burdens = [0.99 * burden for burden in self.burdens]

    def influence(self) -> tuple[float, ...]:
        nearness = math.exp(-abs(self.model.hours - 400.0) / 200.0)
        return 0.5 * 0.8 * nearness, *NO_INFLUENCE[1:]


class PlainChannel(PlainAgent):
    """A back-channel."""

    def __init__(self, model: PlainModel) -> None:
        super().__init__(model)
        self.opening, self.breaking, self.open = Clock(model.random), Clock(model.random), False

    def act(self) -> None:
        model = self.model
        if not self.open:
            self.open = self.opening.rings(0.05 * sum(state.lean for state in model.states))
        elif model.under_fire and self.breaking.rings(0.05 * model.danger * (1 - 0.5)):
            self.open = False

    def influence(self) -> tuple[float, ...]:
        trust = 0.5 * self.open
        return 0.0, 0.0, 0.0, 0.4 * trust, trust, trust, 0.0


class PlainAdviser(PlainAgent):
    """An adviser."""

    def __init__(self, model: PlainModel) -> None:
        super().__init__(model)
        self.speaking, self.voice = Clock(model.random), 0.0

    def observe(self) -> None:
        self.voice *= 0.98

    def act(self) -> None:
        if self.model.danger > 0.3 and self.speaking.rings(0.1 * (1 - self.voice)):
            self.voice = 1.0

    def influence(self) -> tuple[float, ...]:
        counsel = 0.5 * self.voice
        return 0.4 * counsel, 0.4 * counsel, 0.0, 0.0, 0.0, 0.0, 0.0


class PlainModel(mesa.Model):  # type: ignore[misc]
    """One crisis, as a usual Mesa model."""

    def __init__(self, scenario: Scenario, counts: Counts, seed: int) -> None:
        super().__init__(rng=seed)
        self.random.seed(seed)
        self.hours_per_step = counts["hours_per_step"]
        self.decisions_per_step = counts["decisions_per_state_step"]
        self.hours, self.day, self.is_new_day, self.burden = 0.0, 0, False, 0.0
        rungs = len(scenario.ladder)
        self.intensities = [rung / (rungs - 1) for rung in range(rungs)]
        self.dreads = [intensity**3 for intensity in self.intensities]
        self.states = first, second = PlainState(self), PlainState(self)
        first.rival, second.rival = second, first
        self.lenders = [PlainLender(self, len(one.reviews)) for one in scenario.lenders.values()]
        self.others: list[PlainAgent] = [
            *(PlainMediator(self) for _ in scenario.mediators),
            *self.lenders,
            *(PlainChannel(self) for _ in scenario.channels),
            *(PlainAdviser(self) for _ in scenario.advisers),
        ]
        self.violation, self.halted, self.quiet_days = Clock(self.random), 0.0, 0.0
        self.decisions = 0
        self._see()

    def _see(self) -> None:
        a, b = self.states
        self.danger = 1 - (1 - a.intensity) * (1 - b.intensity)
        self.under_fire = a.rung >= FIRST_STRIKE or b.rung >= FIRST_STRIKE

    def influence(self) -> tuple[float, ...]:
        """The influence of all third parties together on a state that decides."""
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
        self.hours += self.hours_per_step
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
        waned = math.exp((self.halted - self.hours) / HOURS_PER_DAY) if self.halted else 0.0
        if self.halted and self.violation.rings(0.01 * waned):
            self.halted = 0.0
        if self.danger < 0.1:
            self.quiet_days += self.hours_per_step / HOURS_PER_DAY
        else:
            self.quiet_days = 0.0


def run_plain(scenario: Scenario, counts: Counts, steps: int, seed: int) -> PlainModel:
    """Run one plain model."""
    model = PlainModel(scenario, counts, seed)
    for _ in range(steps):
        model.step()
    return model


def time_plain(scenario: Scenario, counts: Counts, crises: int) -> Timing:
    """Run plain models one after another."""
    steps, started = counts["mean_steps"], time.perf_counter()
    for seed in range(crises):
        run_plain(scenario, counts, steps, seed)
    return _timed("plain Mesa", "plain Mesa", started, (counts["agents"], steps, crises))
