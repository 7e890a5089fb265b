"""The crisis: a Mesa model of a whole block of replicates, taken from event to event."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import mesa
import numpy as np
from numpy.typing import NDArray

from crisis_sim.model import engine as machine
from crisis_sim.model.acts import ACTS
from crisis_sim.model.choice import FULL_WAR, HALT, IMPOSSIBLE, MINOR, OPTIONS, RUNGS
from crisis_sim.model.ending import Ending, Halt, Scheduled
from crisis_sim.model.engine import Agent, Schedule, record
from crisis_sim.model.journal import Journal
from crisis_sim.model.luck import key_of
from crisis_sim.model.parameters import Numbers, Parameters, parts_of
from crisis_sim.model.parties import Adviser, Channel, Lender, Mediator, Review
from crisis_sim.model.record import NOTE, NOTES, PATH, Luck
from crisis_sim.model.state import State
from crisis_sim.scenario.numbers import is_count, range_of
from crisis_sim.scenario.schema import (
    ENDINGS,
    STYLES,
    VIOLENCE,
    AdviserSpec,
    ChannelSpec,
    EventSpec,
    LenderSpec,
    MediatorSpec,
    ReviewSpec,
    Scenario,
    StateSpec,
)  # fmt: skip

#: The roles, in the order in which agents begin, and in which ties between events are settled.
ROLES: dict[str, type[Agent]] = {
    "halts": Halt,
    "events": Scheduled,
    "states": State,
    "mediators": Mediator,
    "lenders": Lender,
    "reviews": Review,
    "channels": Channel,
    "advisers": Adviser,
    "endings": Ending,
}
#: What a lender decided, by number.
DECISIONS = ("", "approved", "delayed")
#: The part of a scenario whose numbers are an agent's facts, by role.
_PARTS: dict[str, Any] = {
    "states": StateSpec,
    "mediators": MediatorSpec,
    "lenders": LenderSpec,
    "reviews": ReviewSpec,
    "channels": ChannelSpec,
    "advisers": AdviserSpec,
    "events": EventSpec,
}
#: Replicates between two looks whether the run is to go on.
AT_A_STRETCH = 2048

_RUNG = record(
    [
        *((name, np.float64) for name in ("intensity", "toll", "dread", "opening_deaths", "deaths_per_day", "cost_per_day")),
        *((name, np.int64) for name in ("violence", "kind")),
        *((name, np.bool_) for name in ("strike", "nuclear", "military")),
    ]
)  # fmt: skip
#: Times of a crisis, days since the scenario's start; not a number where the thing never came.
TIMES = (
    "ended_at", "first_strike_at", "mediated_at", "channel_at", "agreed_at", "in_effect_at", "violated_at", "relapsed_at",
    "war_at", "nuclear_use_at", "followed_until", "fire_at", "paused_at", "over_at", "strikes_paused_at",
)  # fmt: skip
_OF_CRISIS = [
    ("replicate", np.uint64),
    ("salt", np.uint64),
    *((name, np.bool_) for name in ("ongoing", "war")),
    *((name, np.float64) for name in ("now", "wait", "danger", "deaths", "last_fire", "last_strike", "began", *TIMES)),
    *(
        (name, np.int64)
        for name in (
            "event", "agent", "asking", "choice", "n_clocks", "n_rungs", "war_rung", "fire_rung", "path", "ending", "worst", "last", "peak_rung", "last_act",
            "style", "broker", "first_strike_by",
        )
    ),
]  # fmt: skip


@dataclass(frozen=True)
class Decision:
    """A decision that a state has to take.

    Attributes:
        model, state, row: of which crisis, by which state.
    """

    model: CrisisModel
    state: Agent
    row: int

    @property
    def options(self) -> dict[str, tuple[float, float]]:
        """What it may do, by name: the value of each option to it, and the chance that it would take it."""
        c = self.model.crises[self.row]
        total = c["odds"].sum()
        return {
            name: (float(c["values"][k]), float(c["odds"][k] / total))
            for name, k in option_numbers(self.model.scenario).items()
            if c["values"][k] > IMPOSSIBLE
        }

    @property
    def chosen(self) -> str:
        """What it would do by itself."""
        numbers = option_numbers(self.model.scenario)
        choice = self.model.crises["choice"][self.row]
        return next(name for name, k in numbers.items() if k == choice)

    def number_of(self, option: str) -> int:
        """The number of an option.

        Raises:
            ValueError: when the state has no such option now.
        """
        if option not in self.options:
            raise ValueError(f"no option '{option}' now; there are {', '.join(self.options)}")
        return option_numbers(self.model.scenario)[option]


def option_numbers(scenario: Scenario) -> dict[str, int]:
    """All options of a state by name."""
    acts = {rung.name: k for k, rung in enumerate(scenario.ladder) if k}
    return {"wait": 0, **acts, "halt": HALT}


def number_of(scenario: Scenario, option: str) -> int:
    """The number of an option.

    Raises:
        ValueError: when there is none of that name.
    """
    numbers = option_numbers(scenario)
    if option not in numbers:
        raise ValueError(f"no option '{option}'; there are {', '.join(numbers)}")
    return numbers[option]


class CrisisModel(mesa.Model):  # type: ignore[misc]  # Mesa's Model is untyped
    """A block of replicates of one crisis; with one replicate, an ordinary Mesa model."""

    def __init__(
        self,
        scenario: Scenario,
        replicates: int = 1,
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
    ) -> None:
        super().__init__(rng=seed)
        if not (is_count(replicates) and is_count(first_replicate, 0)):
            raise ValueError(f"cannot run {replicates} replicates from number {first_replicate}")
        states = dict(sorted(scenario.states.items()))
        self._crisis = scenario = scenario.model_copy(update={"states": states})
        numbers = np.arange(first_replicate, first_replicate + replicates, dtype=np.uint64)
        self.first_replicate = first_replicate
        self.replicate = np.tile(numbers, points)
        self.rows = rows = self.replicate.size
        self.seed_ = seed
        self.journal = journal
        self._draw_parameters(seed, parameters)
        self._make_agents(dict(roles or {}), agents)
        self._lay_out(seed, rows)
        kept = min(max(keep_paths - first_replicate, 0), replicates) if points == 1 else 0
        self._kept = kept
        days = int(scenario.horizon_days) + 1 if kept else 0
        self.paths = np.zeros((kept, days, 2), PATH)
        self.paths["rung"] = -1
        self.luck = Luck(
            self._keys,
            self._stream_of,
            np.zeros(NOTES if journal is not None else 0, NOTE),
            np.zeros(1, np.int64),
            self.paths,
        )
        self.crises["path"][:] = -1
        self.crises["path"][:kept] = np.arange(kept)
        self.schedule = schedule_of(self.cast)
        self.events_run = 0
        self.days = scenario.begins_hours / 24
        self.view = self.crises
        self.policies = dict(policies or {})
        for name in self.policies:
            self.crises["states"][:, scenario.state_names.index(name)]["asked"] = True
        machine.begin_crises(self.crises, self.given, self.luck, self.schedule.begin)

    @property
    def scenario(self) -> Scenario:
        """The crisis that is run, its states in the order of their names."""
        return self._crisis

    @scenario.setter
    def scenario(self, _: object) -> None:
        """From 3.5 on, Mesa puts a scenario of its own kind here; it stays unused."""

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
            behaviour |= vars(draw.numbers(f"behaviour.{name}", part))
        self.behaviour = Numbers(behaviour)
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
        draw.check_all_used()

    def _make_agents(self, roles: dict[str, type[Agent]], added: Iterable[type[Agent]]) -> None:
        scenario = self.scenario

        def kind(role: str, name: str) -> type[Agent]:
            return roles.get(name) or roles.get(role) or ROLES[role]

        def make(role: str, specs: Mapping[str, Any]) -> list[Agent]:
            return [
                kind(role, name)(self, name, k, spec)
                for k, (name, spec) in enumerate(specs.items())
            ]

        reviews = [
            (name, k, review)
            for name, lender in scenario.lenders.items()
            for k, review in enumerate(lender.reviews)
        ]
        self.cast: dict[str, list[Agent]] = {
            "halts": make("halts", {"halt": None}),
            "events": make("events", {f"event {k}": e for k, e in enumerate(scenario.events)}),
            "states": make("states", scenario.states),
            "mediators": make("mediators", scenario.mediators),
            "lenders": make("lenders", scenario.lenders),
            "reviews": [
                Review(self, f"{name}/review/{k}", n, review, name, f"lenders.{name}.reviews.{k}")
                for n, (name, k, review) in enumerate(reviews)
            ],
            "channels": make("channels", scenario.channels),
            "advisers": make("advisers", scenario.advisers),
            "endings": make("endings", {"ending": None}),
        }
        for one in added:
            others = self.cast.setdefault(one.role, [])
            others.append(one(self, getattr(one, "name", one.__name__), len(others)))

    def _lay_out(self, seed: int, rows: int) -> None:
        """Make the records of crises and of parameters, and put in what is known."""
        members, known = [], []
        clocks = streams = 0
        starts: dict[str, tuple[int, int, int]] = {}
        facts: dict[str, list[dict[str, Any]]] = {}
        for role, agents in self.cast.items():
            kind = type(agents[0]) if agents else ROLES[role]
            capacity = kind.capacity
            while capacity < len(agents):
                capacity *= 2
            starts[role] = clocks, streams, capacity
            clocks += capacity * len(kind.clocks())
            streams += capacity * len(kind.streams())
            members.append((role, machine.variables_of(kind), (capacity,)))
            facts[role] = [self._facts_of(role, one) for one in agents]
            known.append((role, self._facts_record(role, kind), (capacity,)))
        layout = record(
            [
                *_OF_CRISIS,
                *((f"n_{role}", np.int64) for role in self.cast),
                ("taken", np.uint64, (streams,)),
                ("budgets", np.float64, (clocks,)),
                ("rates", np.float64, (clocks,)),
                ("happened", np.int64, (32,)),
                ("followed", np.int64, (len(ACTS) ** 2,)),
                ("values", np.float64, (OPTIONS,)),
                ("odds", np.float64, (OPTIONS,)),
                ("ladder", _RUNG, (RUNGS,)),
                *members,
            ]
        )
        c = np.zeros(1, layout)
        self._keys = np.zeros((streams, 2), np.uint64)
        self._stream_of = np.zeros(clocks, np.int64)
        for role, agents in self.cast.items():
            first_clock, first_stream, _ = starts[role]
            c[f"n_{role}"] = len(agents)
            for one in agents:
                own = c[role][:, one.index]
                names, purposes = type(one).clocks(), type(one).streams()
                clock = first_clock + one.index * len(names)
                stream = first_stream + one.index * len(purposes)
                own["index"], own["clocks"], own["streams"] = one.index, clock, stream
                for k, purpose in enumerate(purposes):
                    self._keys[stream + k] = key_of(seed, f"{one.name}/{purpose}")
                for k in range(len(names)):
                    self._stream_of[clock + k] = stream + k
        self._fill_crisis(c, clocks)
        self.crises = np.empty(rows, layout)
        self.crises[:] = c
        self.crises["replicate"] = self.replicate
        for k, numbers in enumerate(self.rungs):
            for name, value in vars(numbers).items():
                if _varies(value):
                    self.crises["ladder"][name][:, k] = value
            own = self.crises["ladder"][:, k]
            own["toll"] = own["intensity"] ** self.behaviour.cost_power
            own["dread"] = own["intensity"] ** 6
        behaviour = record([(name, np.float64) for name in vars(self.behaviour)])
        p = np.zeros(1, record([("behaviour", behaviour), *known]))
        drawn: list[tuple[Callable[[Any], Any], Any]] = []
        for name, value in vars(self.behaviour).items():
            if _varies(value):
                drawn.append((lambda all, name=name: all["behaviour"][name], value))
            else:
                p["behaviour"][name] = value
        for role, several in facts.items():
            for k, values in enumerate(several):
                for name, value in values.items():
                    if _varies(value) and np.shape(value)[0] == rows:
                        drawn.append((lambda all, r=role, n=name, k=k: all[r][n][:, k], value))
                    else:
                        p[role][name][:, k] = value
        self.given = np.empty(rows if drawn else 1, p.dtype)
        self.given[:] = p
        for column, value in drawn:
            column(self.given)[...] = value

    def _fill_crisis(self, c: Any, clocks: int) -> None:
        scenario = self.scenario
        c["ongoing"], c["n_clocks"] = True, clocks
        c["now"], c["ending"] = scenario.begins_hours / 24, ENDINGS.index("unresolved")
        c["n_rungs"], c["last"], c["first_strike_by"], c["asking"] = (
            len(scenario.ladder),
            -1,
            -1,
            -1,
        )
        c["last_act"] = -1
        c["began"] = c["now"]
        for name in (*TIMES, "last_fire", "last_strike"):
            c[name] = np.nan
        violence = [VIOLENCE.index(rung.violence) for rung in scenario.ladder]
        display = max((k for k, level in enumerate(violence) if level == 0), default=0)
        kinds = [_kind(k, level, display) for k, level in enumerate(violence)]
        c["fire_rung"] = next((k for k, v in enumerate(violence) if v >= MINOR), len(violence) - 1)
        c["war_rung"] = next(
            (k for k, v in enumerate(violence) if v >= FULL_WAR), len(violence) - 1
        )
        for k, (rung, numbers) in enumerate(zip(scenario.ladder, self.rungs, strict=True)):
            own = c["ladder"][:, k]
            for name in ("intensity", "opening_deaths", "deaths_per_day", "cost_per_day"):
                value = getattr(numbers, name)
                own[name] = 0.0 if _varies(value) else value
            own["violence"], own["strike"], own["nuclear"] = violence[k], rung.strike, rung.nuclear
            own["kind"], own["military"] = kinds[k], kinds[k] >= ACTS.index("display")

    def _facts_record(self, role: str, kind: type[Agent]) -> np.dtype[Any]:
        part = _PARTS.get(role)
        fields: list[tuple[Any, ...]] = []
        if part is not None:
            for name, field in part.model_fields.items():
                if range_of(part, name) is not None:
                    by_state = str(field.annotation).startswith("dict")
                    fields.append((name, np.float64, (2,)) if by_state else (name, np.float64))
        return record(
            [*fields, *machine.fields_of(machine.annotations_of(kind, "Facts"))]
            or [("none", np.float64)]
        )

    def _facts_of(self, role: str, one: Agent) -> dict[str, Any]:
        path = f"events.{one.index}" if role == "events" else f"{role}.{one.name}"
        values: dict[str, Any] = {}
        numbers = self.numbers.get(getattr(one, "path", path))
        for name, value in vars(numbers).items() if numbers is not None else ():
            if isinstance(value, dict):
                by_state = [value.get(state, 0.0) for state in self.scenario.state_names]
                values[name] = (
                    np.stack(np.broadcast_arrays(*by_state), axis=-1)
                    if any(map(_varies, by_state))
                    else np.array(by_state)[None]
                )
            else:
                values[name] = value
        return values | dict(one.facts())

    # A run.

    def step(self) -> None:
        """A day: take all crises through the events of the next day, and show how they stand at its end."""
        self.go_on(min(math.floor(self.days) + 1.0, self.scenario.horizon_days))

    def go_on(self, until: float, watch: Callable[[Any], None] | None = None) -> None:
        """Take all crises through the events that come by `until`, days since the scenario's start."""
        s, horizon = self.schedule, float(self.scenario.horizon_days)
        until = min(until, horizon)
        for start in range(0, self.rows, AT_A_STRETCH):
            end = min(start + AT_A_STRETCH, self.rows)
            self.events_run += machine.run_crises(
                self.crises, self.given, self.luck, start, end, until, horizon,
                s.look, s.clocks, s.pass_time, s.happen, s.take,
            )  # fmt: skip
            while self.policies and self._ask(start, end):
                self.events_run += machine.run_crises(
                    self.crises, self.given, self.luck, start, end, until, horizon,
                    s.look, s.clocks, s.pass_time, s.happen, s.take,
                )  # fmt: skip
            if watch is not None:
                watch(self)
        self.days = until
        self.running = bool(self.crises["ongoing"].any()) and until < horizon
        self.view = self.crises
        if self.running:  # a copy, brought to the end of the day
            self.view = self.crises.copy()
            machine.let_time_pass(self.view, self.given, self.luck, until, s.look, s.pass_time)

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
        """Let a state take an option at its first decision from a time on (days since the start), whatever it is worth."""
        own = self.crises["states"][:, self.scenario.state_names.index(state)]
        own["forced"] = number_of(self.scenario, option)
        own["forced_from"] = from_days

    def branch(self, futures: int, salt: int = 1) -> CrisisModel:
        """As many futures of this crisis as asked for, from where it stands: the same past, fresh luck from now on.

        Raises:
            ValueError: when the model holds more than one replicate.
        """
        if self.rows != 1:
            raise ValueError(f"a single crisis is branched, not {self.rows}")
        other = copy.copy(self)
        other.crises = np.repeat(self.crises, futures)
        other.given = np.repeat(self.given, 1)
        other.rows, other.replicate = futures, np.repeat(self.replicate, futures)
        other.crises["salt"] = [key_of(salt, f"future {k}")[0] for k in range(futures)]
        machine.redraw_budgets(other.crises, other.luck)
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
        c, scenario = self.crises, self.scenario
        columns: dict[str, NDArray[Any]] = {name: c[time] * 24 for name, time in MILESTONES.items()}
        open_end = np.isnan(c["followed_until"])
        columns["followed_until_hours"][open_end] = c["now"][open_end] * 24
        mediators = ["", *scenario.mediators]
        columns |= {
            "ending": np.array(ENDINGS)[c["ending"]],
            "mediation_style": np.array(["", *STYLES])[c["style"]],
            "brokered_by": np.array(mediators)[c["broker"]],
            "worst_violence": np.array(VIOLENCE)[c["worst"]],
            "peak_rung": c["peak_rung"].astype(np.int16),
            "nuclear_pair": c["states"]["nuclear"].all(axis=1),
            "deaths": c["deaths"].copy(),
            "acts": c["states"]["acts"].sum(axis=1),
            "operations": c["states"]["operations"].sum(axis=1),
            "replicate": self.replicate.astype(np.int64),
            "trigger_at_hours": np.full(self.rows, scenario.trigger_hours),
            "mediated": ~np.isnan(c["mediated_at"]),
        }
        for k, name in enumerate(scenario.state_names):
            own = c["states"][:, k]
            columns[f"{name}_lowest_market"] = own["lowest_market"].copy()
            columns[f"{name}_highest_pressure"] = own["highest_pressure"].copy()
            columns[f"{name}_market_rebound"] = own["rebound"].copy()
            columns[f"{name}_first_act_at_hours"] = own["first_act_at"] * 24
        for agents in self.cast.values():
            for one in agents:
                columns |= one.outcomes()
        for role, time, word in (
            ("mediators", "at", "engaged"),
            ("channels", "opened_at", "opened"),
            ("advisers", "spoke_at", "spoke"),
        ):
            for one in self.cast[role]:
                columns[f"{one.name}_{word}_at_hours"] = c[role][time][:, one.index] * 24
        for one in self.cast["lenders"]:
            own = c["lenders"][:, one.index]
            columns[f"{one.name}_decided_at_hours"] = own["decided_at"] * 24
            columns[f"{one.name}_decision"] = np.array(DECISIONS)[own["decision"]]
        return columns

    def kept_paths(self) -> dict[str, NDArray[Any]] | None:
        """Day-by-day paths of the batch's first replicates as columns, or None where this block keeps none."""
        if not self._kept:
            return None
        days = np.arange(self.paths.shape[1])
        came = self.paths["rung"][:, :, 0] >= 0
        last = np.maximum.accumulate(np.where(came, days, 0), axis=1)
        held = np.take_along_axis(self.paths, last[:, :, None], axis=1)
        columns = {
            "replicate": np.tile(self.first_replicate + np.arange(self._kept), days.size),
            "day": np.repeat(days, self._kept),
        }
        for k, name in enumerate(self.scenario.state_names):
            for what in ("market", "pressure", "rung"):
                columns[f"{name}_{what}"] = held[what][:, :, k].T.reshape(-1)
        return columns


#: Columns of outcomes that are times, and the time of the crisis that each is.
MILESTONES = {
    "ended_at_hours": "ended_at",
    "first_strike_at_hours": "first_strike_at",
    "mediation_started_at_hours": "mediated_at",
    "channel_opened_at_hours": "channel_at",
    "ceasefire_agreed_at_hours": "agreed_at",
    "ceasefire_in_effect_at_hours": "in_effect_at",
    "first_violation_at_hours": "violated_at",
    "relapsed_at_hours": "relapsed_at",
    "war_at_hours": "war_at",
    "nuclear_use_at_hours": "nuclear_use_at",
    "followed_until_hours": "followed_until",
    "first_fire_at_hours": "fire_at",
    "fire_paused_at_hours": "paused_at",
    "strikes_paused_at_hours": "strikes_paused_at",
    "over_at_hours": "over_at",
}


def _kind(rung: int, violence: int, display: int) -> int:
    """Which of `ACTS` coming to a rung is; -1 for the lowest rung. A display is the highest rung without violence."""
    if rung == 0:
        return -1
    if violence:
        return ACTS.index("war" if violence >= FULL_WAR else "force")
    return ACTS.index("display" if rung == display else "threat")


def _varies(value: Any) -> bool:
    """Whether a number is drawn for each replicate."""
    return isinstance(value, np.ndarray) and value.ndim > 0


_SCHEDULES: dict[Any, Schedule] = {}


def schedule_of(cast: Mapping[str, list[Agent]]) -> Schedule:
    """The compiled schedule of a cast, made once in a process."""
    kinds = {
        role: tuple(type(one) for one in agents) or (ROLES[role],) for role, agents in cast.items()
    }
    # One rule for all where all have the same class: then their number does not matter.
    kinds = {role: (k[0],) if len(set(k)) == 1 else k for role, k in kinds.items()}
    key = tuple(kinds.items())
    if key not in _SCHEDULES:
        _SCHEDULES[key] = Schedule.of(kinds)
    return _SCHEDULES[key]
