"""The crisis: a Mesa model of a block of replicates, which runs from event to event."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import mesa
import numba
import numpy as np
from numba.core.errors import NumbaError
from numpy.typing import NDArray

from crisis_sim.model import event_loop as drivers
from crisis_sim.model.agent import Agent, Kind
from crisis_sim.model.cast import ROLES, kinds_of, make_agents
from crisis_sim.model.choice import Decision, number_of
from crisis_sim.model.event_loop import MOST_AGENTS, STAGES, Schedule
from crisis_sim.model.journal import NOTE, NOTES, PATH, Journal, Luck
from crisis_sim.model.layout import lay_out
from crisis_sim.model.luck import future_salts
from crisis_sim.model.observer import columns_of, paths_of
from crisis_sim.model.rule_checks import RuleError, arguments_of, explain, is_rule, mistake_at
from crisis_sim.model.sampled_parameters import (
    Numbers,
    Parameters,
    apply_precision,
    parts_of,
    read_about,
)
from crisis_sim.scenario.errors import did_you_mean, one_of
from crisis_sim.scenario.numbers import is_count
from crisis_sim.scenario.schema import VIOLENCE, Scenario

#: Replicates that run between two calls of the callback.
STRETCH = 2048


class CrisisModel(mesa.Model):  # type: ignore[misc]  # Mesa's Model is untyped
    """A block of replicates of a crisis; with a single replicate, an ordinary Mesa model."""

    def __init__(
        self,
        scenario: Scenario,
        replicates: int | NDArray[np.uint64] = 1,
        seed: int = 1,
        first_replicate: int = 0,
        parameters: Mapping[str, NDArray[Any]] | None = None,
        roles: Mapping[str, type[Agent]] | None = None,
        agents: Iterable[type[Agent]] = (),
        policies: Mapping[str, Callable[[Decision], str | None]] | None = None,
        journal: Journal | None = None,
        keep_paths: int = 0,
        points: int = 1,
        engine: str = "cpu",
        checked: bool = False,
    ) -> None:
        """Create the crises at their beginning.

        Args:
            scenario: the scenario.
            replicates: number of replicates, or an array of their numbers in the batch.
            seed: seed of all random numbers.
            first_replicate: number of the first replicate in its batch, if `replicates` is a count.
            parameters: values that replace the scenario's, by path, each of shape (points * replicates,).
            roles: replacement classes, by the name of an agent or role.
            agents: classes of additional agents.
            policies: functions that decide for a state, by its name; each takes a `Decision` and returns an option, or None
                for the choice of the model.
            journal: journal to fill, for a single replicate.
            keep_paths: number of the batch's first replicates whose daily paths are stored.
            points: number of points of a design, one after another, each with the same replicates.
            engine: `cpu`, or `gpu` for a graphics card (see `crisis_sim.model.gpu`), which runs whole blocks of the model's
                own classes.
            checked: check after every event that variables are finite.

        Raises:
            NoCardError: if the engine is a graphics card, and there is none.
            RuleError: if a class of the user has mistakes; with `checked`, if a variable is not finite.
            ValueError: if roles, policies or counts are invalid, or the engine does not support the request.
        """
        if not is_count(seed, 0):
            raise ValueError(f"expected a whole number of at least 0 for seed, got {seed!r}")
        super().__init__(rng=seed)
        if not is_count(points):
            raise ValueError(f"a design has at least one point, not {points}")
        if isinstance(replicates, np.ndarray):
            numbers, count = replicates.astype(np.uint64), replicates.size
        elif is_count(count := replicates) and is_count(first_replicate, 0):
            numbers = np.arange(first_replicate, first_replicate + count, dtype=np.uint64)
        else:
            raise ValueError(f"cannot run {replicates} replicates from number {first_replicate}")
        sections = ("states", "mediators", "lenders", "channels", "advisers")
        in_order = {name: dict(sorted(getattr(scenario, name).items())) for name in sections}
        self._crisis = scenario = scenario._with(**in_order)
        self.first_replicate = first_replicate
        self.replicate = np.tile(numbers, points)
        self.rows = self.replicate.size
        self.seed_ = seed
        self.journal = journal
        self.policies = dict(policies or {})
        #: The user's own classes.
        self.classes: dict[str, Any] = {"roles": dict(roles or {}), "agents": tuple(agents)}
        self._draw_parameters(seed, parameters)
        self.cast = make_agents(self, scenario, self.classes["roles"], self.classes["agents"])
        self._run_crises, self._stretch = self._find_engine(engine)
        #: Agents in plain Python, which take a step after each day.
        self.daily = [agent for agent in self.agents if type(agent).step is not Agent.step]
        layout = lay_out(self, seed)
        self.crises, self._workspace = layout.crises, layout.workspace
        self.drawn, self._slots = layout.drawn, layout.slots
        kept = min(max(keep_paths - first_replicate, 0), count) if points == 1 else 0
        self.paths = np.zeros((kept, int(scenario.horizon_days) + 1 if kept else 0, 2), PATH)
        self.paths["rung"] = -1
        notes = np.zeros(NOTES if journal is not None else 0, NOTE)
        noted = np.zeros(1, np.int64)
        self.luck = Luck(layout.keys, layout.stream_of, notes, noted, self.paths)
        self.crises["path"][:kept] = np.arange(kept)
        self.checked = checked
        self.schedule = schedule_of(self.cast, checked)
        self.events_run = 0
        self.days = scenario.begins_hours / 24
        self.view = self.crises
        for name in self.policies:
            self.crises["states"][:, self._number_of_state(name)]["asked"] = True
        with self._compiler_errors():
            drivers.begin_crises(*self._driver_arguments(self.crises), self.schedule.begin)

    @property
    def scenario(self) -> Scenario:
        """The scenario, with all agents in the order of their names."""
        return self._crisis

    @scenario.setter
    def scenario(self, _: object) -> None:
        """Ignore the scenario that Mesa sets from version 3.5 on."""

    def _find_engine(self, name: str) -> tuple[Callable[..., int], int]:
        """Return the driver of an engine, and the number of crises per call."""
        if name == "cpu":
            return drivers.run_crises, STRETCH
        if name != "gpu":
            raise ValueError(f"unknown engine {name!r}; expected cpu or gpu")
        own_classes = not {type(agent) for agent in self.agents} <= set(ROLES.values())
        if own_classes or self.policies or self.journal is not None:
            raise ValueError("your own classes, policies and a journal need the engine cpu")
        from crisis_sim.model import gpu

        gpu.check_card()
        return gpu.run_crises, self.rows

    def _number_of_state(self, name: str) -> int:
        names = self.scenario.state_names
        if name not in names:
            expected = f"{one_of(names, 'and')}{did_you_mean(name, names)}"
            raise ValueError(f"no state '{name}'; there are {expected}")
        return names.index(name)

    def rival_of(self, name: str) -> str:
        """Return the name of the other state."""
        a, b = self.scenario.state_names
        return b if name == a else a

    def _draw_parameters(self, seed: int, given: Mapping[str, NDArray[Any]] | None) -> None:
        scenario = self.scenario
        draw = Parameters(seed, self.replicate, given)
        self.numbers: dict[str, Numbers] = {}
        behaviour: dict[str, Any] = {}
        for name, part in parts_of(scenario.behaviour).items():
            drawn = draw.numbers(f"behaviour.{name}", part)
            if name == "reading":
                reading = drawn
            else:
                behaviour |= vars(drawn)
        for section in ("states", "mediators", "lenders", "channels", "advisers"):
            for name, part in getattr(scenario, section).items():
                self.numbers[f"{section}.{name}"] = draw.numbers(f"{section}.{name}", part)
                for key, inner in parts_of(part).items():
                    path = f"{section}.{name}.{key}"
                    self.numbers[path] = draw.numbers(path, inner)
        for name, lender in scenario.lenders.items():
            for k, review in enumerate(lender.reviews):
                path = f"lenders.{name}.reviews.{k}"
                self.numbers[path] = draw.numbers(path, review)
        for k, event in enumerate(scenario.events):
            self.numbers[f"events.{k}"] = draw.numbers(f"events.{k}", event)
        self.rungs = [draw.numbers(f"ladder.{k}", rung) for k, rung in enumerate(scenario.ladder)]
        about = draw.numbers("about", scenario.about) if scenario.about is not None else None
        draw.check_all_used()
        self.labels = {
            name: np.array(label.values)[draw.row(label.together, label.weights)]
            for name, label in scenario.labels.items()
        }
        self.labels |= {name: row.astype(np.int32) for name, row in draw.rows.items()}
        if about is not None:
            self.labels["violent_start"] = read_about(
                seed,
                self.replicate,
                about,
                reading,
                behaviour,
                self.numbers,
                [VIOLENCE.index(rung.violence) for rung in scenario.ladder],
            )
        apply_precision(behaviour)
        self.behaviour = Numbers(behaviour)

    # A run.

    def step(self) -> None:
        """Advance all crises by a day."""
        self.go_on(min(math.floor(self.days) + 1.0, self.scenario.horizon_days))

    def go_on(self, until: float, watch: Callable[[Any], None] | None = None) -> None:
        """Run all crises through the events up to a time, days since the scenario's start.

        Agents in plain Python take their steps at the end of each day.

        Args:
            until: the time.
            watch: callback that receives the model now and then.
        """
        until = min(until, float(self.scenario.horizon_days))
        while self.daily and self.running and (day := math.floor(self.days) + 1.0) <= until:
            self._go_on(day, watch, stop=True)
            for agent in self.daily:
                agent.step()
        if self.days < until or not self.daily:
            self._go_on(until, watch, stop=False)

    def _go_on(self, until: float, watch: Callable[[Any], None] | None, stop: bool) -> None:
        """Run up to a time; with `stop`, advance all crises to it, so that later changes take effect from then on."""
        for start in range(0, self.rows, self._stretch):
            end = min(start + self._stretch, self.rows)
            go_on = True
            while go_on:
                self.events_run += self._drive(self.crises, start, end, until, stop)
                self._check_faults()
                go_on = bool(self.policies) and self._ask(start, end)
            if watch is not None:
                watch(self)
        self.days = until
        self.running = bool(self.crises["ongoing"].any()) and until < self.scenario.horizon_days
        self.view = self.crises
        if self.running and not stop:  # a copy, advanced to that time
            self.view = self.crises.copy()
            self.view["path"] = -1
            for start in range(0, self.rows, self._stretch):
                self._drive(self.view, start, min(start + self._stretch, self.rows), until, True)

    def _drive(self, crises: NDArray[Any], start: int, end: int, until: float, stop: bool) -> int:
        """Run some crises from event to event; return the number of events."""
        s, horizon = self.schedule, float(self.scenario.horizon_days)
        with self._compiler_errors():
            return self._run_crises(
                crises, *self._driver_arguments(crises), start, end, until, horizon, stop,
                s.update, s.clocks, s.pass_time, s.happen, s.take, s.fault,
            )  # fmt: skip

    def _driver_arguments(self, crises: NDArray[Any]) -> tuple[Any, ...]:
        """Return the arguments that all drivers share."""
        table, words = (
            crises.view(np.int64).reshape(crises.size, -1),
            self._workspace.view(np.int64),
        )
        return table, self.drawn, self._slots, self._workspace, words, self.luck

    @contextmanager
    def _compiler_errors(self) -> Iterator[None]:
        """Replace errors of the compiler by a summary."""
        try:
            yield
        except NumbaError as error:
            summary = explain(error, self._single_rules())
        else:
            return
        raise summary from None

    def _single_rules(self) -> Iterator[tuple[Kind, str, Callable[[], None]]]:
        """List all rules, the user's own first: class, name, and a function that compiles the rule alone."""
        type_of, workspace = numba.from_dtype, self._workspace.dtype
        kinds = {kind: None for several in kinds_of(self.cast).values() for kind in several}
        for kind in sorted(kinds, key=lambda kind: kind in ROLES.values()):
            own, facts = (type_of(workspace[record][kind.role].base) for record in ("c", "p"))
            types = {"own": own, "rival": own, "facts": facts, "luck": numba.typeof(self.luck)}
            types |= {"c": type_of(workspace["c"]), "p": type_of(workspace["p"]["behaviour"])}
            arguments = tuple(types[name] for name in arguments_of(kind.role))
            for name in dir(kind):
                member = getattr(kind, name)
                if is_rule(member):
                    yield kind, name, partial(member.compile, arguments)

    def _check_faults(self) -> None:
        """Report the first variable that a checked run has found not to be finite.

        Raises:
            RuleError: naming the variable, its agent, the last stage or event, the time and the replicate.
        """
        if not self.checked or not (self.crises["fault"] >= 0).any():
            return
        c = self.crises[np.argmax(self.crises["fault"] >= 0)]
        position, stage = divmod(int(c["fault"]), len(STAGES))
        number, index = divmod(position, MOST_AGENTS)
        role, variable = self.schedule.checked[number]
        agent = self.cast[role][index]
        if STAGES[stage] == "happen":
            actor_role, name, by_kind = self.schedule.events[int(c["event"])]
            actor = self.cast[actor_role][int(c["agent"])]
            rule = by_kind[type(actor)].happen
            last = f"the event '{name}' of {actor.name} ({type(actor).__name__}.{rule})"
        else:
            actor, rule = agent, {"update": "weigh", "pass_time": "pass_time"}[STAGES[stage]]
            last = {"update": "the update before an event", "pass_time": "time passed"}[
                STAGES[stage]
            ]
        message = (
            f"replicate {c['replicate']}, day {c['now']:.3f}: {variable} of {agent.name} is "
            f"{c[role][index][variable]} after {last}"
        )
        place = getattr(type(actor), rule, type(actor))
        raise RuleError([mistake_at(place, message, "a finite number")])

    def _ask(self, start: int, end: int) -> bool:
        """Ask the policies in the crises that wait for a decision; return true if there were any."""
        waiting = start + np.flatnonzero(self.crises["asking"][start:end] >= 0)
        for k in waiting:
            state = self.cast["states"][int(self.crises["asking"][k])]
            decision = Decision(self, state, int(k))
            chosen = self.policies[state.name](decision)
            if chosen is not None:
                self.crises["choice"][k] = decision.number_of(chosen)
        return bool(waiting.size)

    def force(self, state: str, option: str, from_days: float = 0.0) -> None:
        """Force a state to take an option at the first decision at which it is possible.

        Args:
            state: the state.
            option: the option.
            from_days: days since the start, before which the state decides by itself.

        Raises:
            ValueError: if there is no such state or option.
        """
        own = self.crises["states"][:, self._number_of_state(state)]
        own["forced"] = number_of(self.scenario, option)
        own["forced_from"] = from_days

    def copied(self, rows: int | NDArray[np.intp] | None = None) -> CrisisModel:
        """Return a copy that runs independently: of all crises, of the first crisis that many times, or of some rows.

        Only a copy of all crises includes the journal and the stored paths.
        """
        rows = np.zeros(rows, np.intp) if isinstance(rows, int) else rows
        other = copy.copy(self)
        notes, noted, paths = (array.copy() for array in self.luck[2:])
        if rows is None:
            rows, other.journal = np.arange(self.rows), copy.deepcopy(self.journal)
        else:
            other.journal, notes, noted[:], paths = None, notes[:0], 0, paths[:0]
        other.crises, other.view = self.crises[rows], self.view[rows]
        other._workspace = self._workspace.copy()
        other.drawn, other.replicate, other.rows = self.drawn[rows], self.replicate[rows], rows.size
        other.labels = {name: values[rows] for name, values in self.labels.items()}
        if not len(paths):
            other.crises["path"] = -1
        other.luck = self.luck._replace(notes=notes, noted=noted, paths=paths)
        other.paths = paths
        other.cast = {
            role: [copy.copy(agent) for agent in agents] for role, agents in self.cast.items()
        }
        for agent in (agent for agents in other.cast.values() for agent in agents):
            agent.model = other
        other.daily = [other.cast[agent.role][agent.index] for agent in self.daily]
        return other

    def branch(self, futures: int | NDArray[np.intp], salt: int = 1) -> CrisisModel:
        """Return futures of the current crises, with the same past and new random numbers from now on.

        Args:
            futures: number of futures of a single crisis, or an array with the row of the crisis for each future.
            salt: keys the new random numbers.

        Raises:
            ValueError: if a number is given for several crises.
        """
        if isinstance(futures, int) and self.rows != 1:
            raise ValueError(f"expected a single crisis to branch, got {self.rows}")
        other = self.copied(futures)
        other._go_on(self.days, None, stop=True)
        other.redraw(future_salts(salt, other.rows))
        return other

    def redraw(self, salts: Sequence[int]) -> None:
        """Give each crisis new random numbers from now on, keyed by its salt."""
        self.crises["salt"] = salts
        drivers.redraw_budgets(*self._driver_arguments(self.crises))

    def run(
        self, watch: Callable[[CrisisModel], None] | None = None, daily: bool = True
    ) -> CrisisModel:
        """Run until every crisis is over, or up to the horizon.

        Args:
            watch: callback that receives the model; an exception that it raises ends the run.
            daily: call it once per day of the crisis; otherwise now and then, at no cost.
        """
        if self.journal is not None:
            self.journal.observe(self)
        while self.running:
            if self.journal is not None:
                self.go_on(self.days + self.journal.step_hours / 24)
                self.journal.observe(self)
            elif watch is not None and daily:
                self.step()
            else:
                self.go_on(self.scenario.horizon_days, watch)
                break
            if watch is not None:
                watch(self)
        return self

    # Results.

    def outcomes(self) -> dict[str, NDArray[Any]]:
        """Return one row per replicate, as columns: see docs/outcomes.md for their meanings.

        Times are hours from the start, NaN for events that did not occur; missing texts are "".
        """
        return columns_of(self)

    def kept_paths(self) -> dict[str, NDArray[Any]] | None:
        """Return the stored paths as columns, or None if the block stores none.

        Paths are daily, or weekly if the horizon is over a year.
        """
        return paths_of(self) if len(self.paths) else None


_SCHEDULES: dict[Any, Schedule] = {}


def schedule_of(cast: Mapping[str, list[Agent]], checked: bool = False) -> Schedule:
    """Return the compiled schedule of these agents; each is compiled once per process."""
    kinds = kinds_of(cast)
    key = tuple(kinds.items()), checked
    if key not in _SCHEDULES:
        _SCHEDULES[key] = Schedule.of(kinds, checked)
    return _SCHEDULES[key]
