"""The crisis: a Mesa model of a whole block of replicates, taken from event to event."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import mesa
import numba
import numpy as np
from numba.core.errors import NumbaError
from numpy.typing import NDArray

from crisis_sim.model import schedule as drivers
from crisis_sim.model.cast import ROLES, kinds_of, make
from crisis_sim.model.check import RuleError, arguments_of, explained, is_rule, mistake_at
from crisis_sim.model.choice import Decision, number_of
from crisis_sim.model.engine import Agent, Kind
from crisis_sim.model.layout import lay_out
from crisis_sim.model.luck import key_of
from crisis_sim.model.observer import columns_of, paths_of
from crisis_sim.model.parameters import Numbers, Parameters, apply_precision, parts_of, read_about
from crisis_sim.model.record import NOTE, NOTES, PATH, Journal, Luck
from crisis_sim.model.schedule import MOST_AGENTS, STAGES, Schedule
from crisis_sim.scenario.errors import nearest
from crisis_sim.scenario.numbers import is_count
from crisis_sim.scenario.schema import VIOLENCE, Scenario

#: Replicates between two looks whether the run is to go on.
AT_A_STRETCH = 2048


class CrisisModel(mesa.Model):  # type: ignore[misc]  # Mesa's Model is untyped
    """A block of replicates of one crisis; with one replicate, an ordinary Mesa model."""

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
        """Make the crisis, as it begins.

        Args:
            replicates: how many; or the numbers of any in their batch.
            first_replicate: the number of the first in its batch, where it is said how many.
            parameters: values in place of the scenario's, by path, each of shape (points * replicates,).
            roles: classes in place of the model's own, by an agent's name or by a role.
            agents: classes of agents to add.
            policies: who decides for a state, by its name: called with each `Decision`; None for what it would do by itself.
            journal: to be filled; for one replicate.
            keep_paths: how many of the batch's first replicates have their days kept.
            points: of a design, one after the other, each with the same replicates.
            engine: `cpu`, or `gpu` for a graphics card (see `crisis_sim.model.gpu`), which is for whole blocks of the
                model's own classes.
            checked: whether to look after every event for variables that are no longer numbers.

        Raises:
            NoCardError: when the engine is a graphics card, and there is none.
            RuleError: when a class of a person's own has mistakes; with `checked`, when a rule of theirs makes no number.
            ValueError: when roles, policies or counts make no sense, or the engine cannot do what is asked.
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
        #: Classes of a person's own, as they were given.
        self.classes: dict[str, Any] = {"roles": dict(roles or {}), "agents": tuple(agents)}
        self._draw_parameters(seed, parameters)
        self.cast = make(self, scenario, self.classes["roles"], self.classes["agents"])
        self._run_crises, self._stretch = self._find_engine(engine)
        #: Agents in plain Python, who take a step after each day.
        self.daily = [one for one in self.agents if type(one).step is not Agent.step]
        laid = lay_out(self, seed)
        self.crises, self.desk, self.drawn, self._slots = (
            laid.crises,
            laid.desk,
            laid.drawn,
            laid.slots,
        )
        kept = min(max(keep_paths - first_replicate, 0), count) if points == 1 else 0
        self._kept = kept
        days = int(scenario.horizon_days) + 1 if kept else 0
        self.paths = np.zeros((kept, days, 2), PATH)
        self.paths["rung"] = -1
        self.luck = Luck(
            laid.keys,
            laid.stream_of,
            np.zeros(NOTES if journal is not None else 0, NOTE),
            np.zeros(1, np.int64),
            self.paths,
        )
        self.crises["path"][:kept] = np.arange(kept)
        self.checked = checked
        self.schedule = schedule_of(self.cast, checked)
        self.events_run = 0
        self.days = scenario.begins_hours / 24
        self.view = self.crises
        for name in self.policies:
            self.crises["states"][:, self._number_of_state(name)]["asked"] = True
        with self._told():
            drivers.begin_crises(*self._at_desk(self.crises), self.schedule.begin)

    @property
    def scenario(self) -> Scenario:
        """The crisis that is run, all agents in the order of their names."""
        return self._crisis

    @scenario.setter
    def scenario(self, _: object) -> None:
        """From 3.5 on, Mesa puts a scenario of its own kind here; it stays unused."""

    def _find_engine(self, name: str) -> tuple[Callable[..., int], int]:
        """What takes crises from event to event, and how many at a stretch."""
        if name == "cpu":
            return drivers.run_crises, AT_A_STRETCH
        if name != "gpu":
            raise ValueError(f"engine '{name}' is unknown; there are cpu, gpu")
        own_classes = not {type(one) for one in self.agents} <= set(ROLES.values())
        if own_classes or self.policies or self.journal is not None:
            raise ValueError("classes of one's own, policies and a journal need the engine cpu")
        from crisis_sim.model import gpu

        gpu.check_card()
        return gpu.run_crises, self.rows

    def _number_of_state(self, name: str) -> int:
        names = self.scenario.state_names
        if name not in names:
            near = nearest(name, names)
            meant = f"; did you mean '{near}'?" if near else ""
            raise ValueError(f"no state '{name}'; there are {' and '.join(names)}{meant}")
        return names.index(name)

    def rival_of(self, name: str) -> str:
        """The other state's name."""
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
        """A day: take all crises through the events of the next day, and show how they stand at its end."""
        self.go_on(min(math.floor(self.days) + 1.0, self.scenario.horizon_days))

    def go_on(self, until: float, watch: Callable[[Any], None] | None = None) -> None:
        """Take all crises through the events that come by `until`, days since the scenario's start.

        Agents in plain Python take their steps at the end of each day that is over by then.

        Args:
            watch: called with the model now and then.
        """
        until = min(until, float(self.scenario.horizon_days))
        while self.daily and self.running and (day := math.floor(self.days) + 1.0) <= until:
            self._go_on(day, watch, stop=True)
            for one in self.daily:
                one.step()
        if self.days < until or not self.daily:
            self._go_on(until, watch, stop=False)

    def _go_on(self, until: float, watch: Callable[[Any], None] | None, stop: bool) -> None:
        """Go on until a time; with `stop`, bring all crises to it, so that what is changed there works from then on."""
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
        if self.running and not stop:  # a copy, brought to that time
            self.view = self.crises.copy()
            self.view["path"] = -1
            for start in range(0, self.rows, self._stretch):
                self._drive(self.view, start, min(start + self._stretch, self.rows), until, True)

    def _drive(self, crises: NDArray[Any], start: int, end: int, until: float, stop: bool) -> int:
        """Take some crises from event to event; how many there were."""
        s, horizon = self.schedule, float(self.scenario.horizon_days)
        with self._told():
            return self._run_crises(
                crises, *self._at_desk(crises), start, end, until, horizon, stop,
                s.look, s.clocks, s.pass_time, s.happen, s.take, s.fault,
            )  # fmt: skip

    def _at_desk(self, crises: NDArray[Any]) -> tuple[Any, ...]:
        """What all drivers take."""
        table = crises.view(np.int64).reshape(crises.size, -1)
        return table, self.drawn, self._slots, self.desk, self.desk.view(np.int64), self.luck

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell what the compiler refuses in a few words."""
        try:
            yield
        except NumbaError as error:
            told = explained(error, self._alone())
        else:
            return
        raise told from None

    def _alone(self) -> Iterator[tuple[Kind, str, Callable[[], None]]]:
        """All rules, those of a person's own first: class, name, and what compiles that rule alone."""
        kind_of, desk, luck = numba.from_dtype, self.desk.dtype, numba.typeof(self.luck)
        kinds = {kind: None for several in kinds_of(self.cast).values() for kind in several}
        for kind in sorted(kinds, key=lambda one: one in ROLES.values()):
            own, facts = (kind_of(desk[which][kind.role].base) for which in ("c", "p"))
            known = {"own": own, "rival": own, "facts": facts, "luck": luck}
            known |= {"c": kind_of(desk["c"]), "p": kind_of(desk["p"]["behaviour"])}
            given = tuple(known[name] for name in arguments_of(kind.role))
            for name in dir(kind):
                found = getattr(kind, name)
                if is_rule(found):
                    yield kind, name, partial(found.compile, given)

    def _check_faults(self) -> None:
        """Tell of the first variable that a checked run has found to be no number.

        Raises:
            RuleError: naming it, whose it is, what had just happened, when, and in which replicate.
        """
        if not self.checked or not (self.crises["fault"] >= 0).any():
            return
        c = self.crises[np.argmax(self.crises["fault"] >= 0)]
        found, stage = divmod(int(c["fault"]), len(STAGES))
        number, index = divmod(found, MOST_AGENTS)
        role, variable = self.schedule.checked[number]
        agent = self.cast[role][index]
        kind, rule = type(agent), {"look": "weigh", "pass_time": "pass_time"}.get(STAGES[stage], "")
        after = {"look": "all had a look at how things stand", "pass_time": "time had passed"}.get(
            STAGES[stage]
        )
        if after is None:
            of, name, by_kind = self.schedule.events[int(c["event"])]
            who = self.cast[of][int(c["agent"])]
            kind, rule = type(who), by_kind[type(who)].happen
            after = f"the event '{name}' of {who.name} ({kind.__name__}.{rule})"
        said = (
            f"replicate {c['replicate']}, day {c['now']:.3f}: {variable} of {agent.name} is "
            f"{c[role][index][variable]} after {after}"
        )
        raise RuleError([mistake_at(kind.find(rule) or kind, said, "a finite number")])

    def _ask(self, start: int, end: int) -> bool:
        """Ask whoever decides for a state in the crises that wait for it; whether there were any."""
        waiting = start + np.flatnonzero(self.crises["asking"][start:end] >= 0)
        for k in waiting:
            state = self.cast["states"][int(self.crises["asking"][k])]
            decision = Decision(self, state, int(k))
            chosen = self.policies[state.name](decision)
            if chosen is not None:
                self.crises["choice"][k] = decision.number_of(chosen)
        return bool(waiting.size)

    def force(self, state: str, option: str, from_days: float = 0.0) -> None:
        """Let a state take an option, whatever it is worth, at its first decision at which it is open.

        Args:
            from_days: days since the start, before which it decides by itself.

        Raises:
            ValueError: when there is no such state or option.
        """
        own = self.crises["states"][:, self._number_of_state(state)]
        own["forced"] = number_of(self.scenario, option)
        own["forced_from"] = from_days

    def copied(self, rows: int | NDArray[np.intp] | None = None) -> CrisisModel:
        """Crises that go on by themselves from where these stand: all of them, so many of the first, or those of some rows.

        A journal and kept paths go with all of them; some have none.
        """
        rows = np.zeros(rows, np.intp) if isinstance(rows, int) else rows
        other = copy.copy(self)
        notes, noted, paths = (one.copy() for one in self.luck[2:])
        if rows is None:
            rows, other.journal = np.arange(self.rows), copy.deepcopy(self.journal)
        else:
            other.journal, notes, noted[:], other._kept = None, notes[:0], 0, 0
        other.crises, other.view, other.desk = self.crises[rows], self.view[rows], self.desk.copy()
        other.drawn, other.replicate, other.rows = self.drawn[rows], self.replicate[rows], rows.size
        other.labels = {name: one[rows] for name, one in self.labels.items()}
        if not other._kept:
            other.crises["path"] = -1
        other.luck = self.luck._replace(notes=notes, noted=noted, paths=paths)
        other.paths = paths
        other.cast = {
            role: [copy.copy(one) for one in agents] for role, agents in self.cast.items()
        }
        for one in (one for agents in other.cast.values() for one in agents):
            one.model = other
        other.daily = [other.cast[one.role][one.index] for one in self.daily]
        return other

    def branch(self, futures: int | NDArray[np.intp], salt: int = 1) -> CrisisModel:
        """Futures from where crises stand: the same past, fresh luck from now on.

        Args:
            futures: how many of this crisis; or of which crises, by their rows, one future each.
            salt: keys the fresh luck.

        Raises:
            ValueError: when a number is given, and the model holds more than one crisis.
        """
        if isinstance(futures, int) and self.rows != 1:
            raise ValueError(f"a single crisis is branched, not {self.rows}")
        other = self.copied(futures)
        other._go_on(self.days, None, stop=True)  # clocks forget what was, as of now
        other.crises["salt"] = [key_of(salt, f"future {k}")[0] for k in range(other.rows)]
        drivers.redraw_budgets(*other._at_desk(other.crises))
        return other

    def run_until_each(self, days: NDArray[np.float64]) -> None:
        """Go on until each crisis is over or has come to its own time, days."""
        for until in np.unique(days):
            held = (days != until) & self.crises["ongoing"]
            self.crises["ongoing"][held] = False
            self.go_on(float(until))
            self.crises["ongoing"][held] = True

    def run(
        self, watch: Callable[[CrisisModel], None] | None = None, daily: bool = True
    ) -> CrisisModel:
        """Go on until every crisis is over, or at the horizon.

        Args:
            watch: called with the model as it goes on; what it raises ends the run.
            daily: whether that is once a day of the crisis; else it is now and then, which costs nothing.
        """
        if self.journal is not None:
            self.journal.look(self)
        while self.running:
            if self.journal is not None:
                self.go_on(self.days + self.journal.step_hours / 24)
                self.journal.look(self)
            elif watch is not None and daily:
                self.step()
            else:
                self.go_on(self.scenario.horizon_days, watch)
                break
            if watch is not None:
                watch(self)
        return self

    # What came of it.

    def outcomes(self) -> dict[str, NDArray[Any]]:
        """One row a replicate, as columns: see docs/outcomes.md for what each of them means.

        Times are hours from the start, not a number where the thing never came; texts are "" where there is none.
        """
        return columns_of(self)

    def kept_paths(self) -> dict[str, NDArray[Any]] | None:
        """Paths of the batch's first replicates as columns, or None where this block keeps none.

        They go day by day, or week by week where the horizon is over a year.
        """
        return paths_of(self) if self._kept else None


_SCHEDULES: dict[Any, Schedule] = {}


def schedule_of(cast: Mapping[str, list[Agent]], checked: bool = False) -> Schedule:
    """The compiled schedule of a cast, made once in a process."""
    kinds = kinds_of(cast)
    key = tuple(kinds.items()), checked
    if key not in _SCHEDULES:
        _SCHEDULES[key] = Schedule.of(kinds, checked)
    return _SCHEDULES[key]
