"""Records of crises and parameters, derived from the declarations of classes, with their initial values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.acts import ACTS, DISPLAY, FORCE, THREAT, WAR
from crisis_sim.model.agent import (
    IDENTITY,
    Agent,
    Maybe,
    annotations_of,
    clocks_of,
    events_of,
    fields_of,
    record,
)
from crisis_sim.model.cast import ROLES, kinds_of
from crisis_sim.model.choice import FULL_WAR, IMPOSSIBLE, MINOR, OPTIONS, RUNGS
from crisis_sim.model.luck import key_of
from crisis_sim.model.rule_checks import RuleError, check_names, mistake_at
from crisis_sim.scenario.numbers import range_of
from crisis_sim.scenario.schema import (
    ENDINGS,
    VIOLENCE,
    AdviserSpec,
    ChannelSpec,
    EventSpec,
    LenderSpec,
    MediatorSpec,
    ReviewSpec,
    StateSpec,
)

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel

#: Parts of a scenario whose numbers are facts of agents, by role.
_PARTS: dict[str, Any] = {
    "states": StateSpec,
    "mediators": MediatorSpec,
    "lenders": LenderSpec,
    "reviews": ReviewSpec,
    "channels": ChannelSpec,
    "advisers": AdviserSpec,
    "events": EventSpec,
}


class Crisis:
    """Variables of a crisis other than those of its agents."""

    class Variables:
        """Variables; times are days from the scenario's start."""

        ongoing: bool  # the crisis is not over
        war: bool  # there is full-scale war
        now: Maybe  # time of the last event
        wait: float  # time from that to the next event, days
        danger: float  # 1 - (1 - I_1)(1 - I_2), by the states' intensities, each at most 1
        urgency: float  # urgency to third parties: see `Ending.weigh`
        deaths: float
        began: Maybe  # the start of the scenario, or of its crisis
        last_fire: Maybe
        last_strike: Maybe
        ended_at: Maybe
        first_strike_at: Maybe
        mediated_at: Maybe  # time at which the first mediator engaged
        channel_at: Maybe  # time at which a channel first opened
        agreed_at: Maybe  # time at which a halt was first agreed
        in_effect_at: Maybe
        violated_at: Maybe
        relapsed_at: Maybe
        war_at: Maybe
        nuclear_use_at: Maybe
        followed_until: Maybe
        fire_at: Maybe
        paused_at: Maybe  # time of the last fire before a pause
        over_at: Maybe  # time at which the states see the crisis as over
        strikes_paused_at: Maybe
        event: int  # number of the next event; -1 for none
        agent: int  # number of the agent to which it happens
        asking: int  # number of the state whose choice is left to a policy, or -1
        choice: int  # option of the last decision
        n_clocks: int
        n_rungs: int
        war_rung: int  # lowest rung of full-scale war
        fire_rung: int  # lowest rung with violence
        path: int  # index of its path, or -1
        ending: int  # its position in `ENDINGS`
        worst: int  # worst violence so far, by its position in `VIOLENCE`
        last: int  # number of the state that acted last, or -1
        peak_rung: int
        last_act: int  # kind of the last act, by its position in `ACTS`, or -1
        style: int  # most intrusive style of mediation so far, or 0
        broker: int  # number of the mediator that brokered a settlement, from 1, or 0
        first_strike_by: int
        fault: int  # see `Schedule.fault`, or -1


#: A rung of the ladder.
RUNG = record(
    [
        *((name, np.float64) for name in ("intensity", "toll", "dread", "opening_deaths", "deaths_per_day", "cost_per_day")),
        *((name, np.int64) for name in ("violence", "kind")),
        *((name, np.bool_) for name in ("strike", "nuclear", "military")),
    ]
)  # fmt: skip


@dataclass
class Layout:
    """Crises as records, and the workspace for one crisis at a time.

    Attributes:
        crises: records, shape (rows,).
        workspace: record of one crisis with temporary fields, and of the parameters, shape (1,).
        drawn: parameter values that differ between crises, as 64-bit words, shape (rows, values).
        slots: positions of these values in the workspace, shape (values,).
        keys, stream_of: see `record.Luck`.
    """

    crises: NDArray[Any]
    workspace: NDArray[Any]
    drawn: NDArray[np.int64]
    slots: NDArray[np.int64]
    keys: NDArray[np.uint64]
    stream_of: NDArray[np.int64]


class _Records:
    """Record types for the agents of a model."""

    def __init__(self, model: CrisisModel) -> None:
        self.kinds = kinds_of(model.cast)
        members, facts = [], []
        self.clocks = self.streams = 0
        for role, kinds in self.kinds.items():
            capacity = kinds[0].capacity
            while capacity < len(model.cast[role]):
                capacity *= 2
            clocks = clocks_of(kinds)
            self.clocks += capacity * len(clocks)
            self.streams += capacity * (max(len(kind.draws) for kind in kinds) + len(clocks))
            variables = {**dict.fromkeys(IDENTITY, "int"), **_union(kinds, "Variables")}
            members.append((role, record(fields_of(variables)), (capacity,)))
            facts.append((role, _facts_record(role, kinds), (capacity,)))
        events = sum(len(events_of(kinds)) for kinds in self.kinds.values())
        self.crisis = [
            ("replicate", np.uint64),
            ("salt", np.uint64),
            *fields_of(annotations_of(Crisis, "Variables")),
            *((f"n_{role}", np.int64) for role in self.kinds),
            ("taken", np.uint32, (self.streams,)),
            ("happened", np.int32, (-(-events // 32) * 32,)),
            ("followed", np.int32, (len(ACTS) ** 2,)),
            ("budgets", np.float64, (self.clocks,)),
            ("values", np.float64, (OPTIONS,)),
            ("odds", np.float64, (OPTIONS,)),
            *members,
        ]
        temporary = [("rates", np.float64, (self.clocks,)), ("ladder", RUNG, (RUNGS,))]
        behaviour = record([(name, np.float64) for name in vars(model.behaviour)])
        parameters = record([("behaviour", behaviour), *facts])
        self.workspace = record([("c", record([*self.crisis, *temporary])), ("p", parameters)])

    def check_rules(self) -> None:
        """Check the names in rules of the user's own classes."""
        crisis, parameters = self.workspace["c"], self.workspace["p"]
        names: dict[str, Any] = {
            "crisis": crisis.names,
            "parameters": parameters["behaviour"].names,
        }
        for role in self.kinds:
            names[role] = crisis[role].base.names
            names[f"facts of {role}"] = parameters[role].base.names
        kinds = {kind for several in self.kinds.values() for kind in several}
        for kind in kinds - set(ROLES.values()):
            check_names(kind, names)


def _union(kinds: Sequence[type[Agent]], holder: str) -> dict[str, str]:
    """Return all annotations of the classes of a role, the last first.

    In this order no record is a prefix of another, which Numba would take for its base type.
    """
    annotations: dict[str, str] = {}
    for kind in kinds:
        for name, word in annotations_of(kind, holder).items():
            other = annotations.setdefault(name, word)
            if other != word:
                message = f"{kind.__name__}.{holder}: '{name}' is {word}, but {other} in another class of the {kind.role}"
                raise RuleError([mistake_at(getattr(kind, holder), message, other, word=name)])
    return dict(reversed(annotations.items()))


def _facts_record(role: str, kinds: Sequence[type[Agent]]) -> np.dtype[Any]:
    part = _PARTS.get(role)
    fields: dict[str, tuple[Any, ...]] = {}
    for name, field in part.model_fields.items() if part is not None else ():
        if range_of(part, name) is not None:
            by_state = str(field.annotation).startswith("dict")
            fields[name] = (name, np.float64, (2,)) if by_state else (name, np.float64)
    declared = {field[0]: field for field in fields_of(_union(kinds, "Facts"), facts=True)}
    return record({**declared, **fields, **declared}.values() or [("none", np.float64)])


def lay_out(model: CrisisModel, seed: int) -> Layout:
    """Create the records of a model's crises and parameters, with their initial values.

    Raises:
        RuleError: if a rule of the user uses unknown names.
    """
    scenario = model.scenario
    if len(scenario.ladder) > RUNGS:
        raise ValueError(f"a ladder has {RUNGS} rungs at most, not {len(scenario.ladder)}")
    records = _Records(model)
    records.check_rules()
    rows, workspace = model.rows, np.zeros(1, records.workspace)
    c = workspace["c"]
    keys = np.zeros((records.streams, 2), np.uint64)
    stream_of = np.zeros(records.clocks, np.int64)
    clock = stream = 0
    for role, kinds in records.kinds.items():
        agents, clocks = model.cast[role], clocks_of(kinds)
        c[f"n_{role}"] = len(agents)
        for agent in agents:
            own = c[role][:, agent.index]
            own["index"], own["clocks"], own["streams"] = agent.index, clock, stream
            for purpose in (*agent.draws, *clocks):
                keys[stream] = key_of(seed, f"{agent.name}/{purpose}")
                stream += 1
            stream_of[clock : clock + len(clocks)] = np.arange(stream - len(clocks), stream)
            clock += len(clocks)
    c["n_clocks"] = clock
    _fill_crisis(c, scenario)
    values = _Values(workspace, rows)
    _fill_ladder(values, c, model)
    values.put(vars(model.behaviour), "p", "behaviour")
    for role in records.kinds:
        for agent in model.cast[role]:
            values.put(_facts_of(agent, model), "p", role, agent.index)
    crises = np.empty(rows, record(records.crisis))
    words = crises.view(np.int64).reshape(rows, -1)
    words[:] = workspace.view(np.int64)[: words.shape[1]]
    crises["replicate"] = model.replicate
    return Layout(crises, workspace, *values.drawn(), keys, stream_of)


class _Values:
    """Writes shared values into the workspace, and collects values that differ between crises."""

    def __init__(self, workspace: NDArray[Any], rows: int) -> None:
        self.workspace, self.rows = workspace, rows
        self.slots: list[int] = []
        self.columns: list[NDArray[Any]] = []

    def put(self, values: Mapping[str, Any], *path: str | int) -> None:
        """Put values by name, each shared or an array over crises, into the record at a path."""
        holder, offset = self.workspace[0], 0
        for step in path:
            dtype = holder.dtype
            offset += dtype.fields[step][1] if isinstance(step, str) else step * dtype.itemsize
            holder = holder[step]
        for name, value in values.items():
            kind, start = holder.dtype.fields[name][:2]
            if np.ndim(value) <= len(kind.shape):
                holder[name] = value
                continue
            columns = np.broadcast_to(value, (self.rows, *kind.shape)).reshape(self.rows, -1).T
            for k, column in enumerate(columns):
                self.slots.append((offset + start) // 8 + k)
                self.columns.append(column.astype(kind.base).view(np.int64))

    def drawn(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the values that differ between crises, and their positions in the workspace."""
        empty = np.zeros((self.rows, 0), np.int64)
        drawn = np.ascontiguousarray(np.stack(self.columns, axis=1)) if self.columns else empty
        return drawn, np.array(self.slots, np.int64)


def _facts_of(agent: Agent, model: CrisisModel) -> dict[str, Any]:
    """Return the facts of an agent: the numbers of its part of the scenario, and those of its class."""
    path = f"events.{agent.index}" if agent.role == "events" else f"{agent.role}.{agent.name}"
    numbers = model.numbers.get(getattr(agent, "path", path))
    values: dict[str, Any] = {}
    for name, value in vars(numbers).items() if numbers is not None else ():
        if isinstance(value, dict):
            by_state = [value.get(state, 0.0) for state in model.scenario.state_names]
            values[name] = np.stack(np.broadcast_arrays(*by_state), axis=-1)
        else:
            values[name] = value
    own, declared = agent.facts(), annotations_of(type(agent), "Facts")
    if set(own) != set(declared):
        message = f"{type(agent).__name__}.facts returns {', '.join(own) or 'nothing'}"
        expected = f"values of {', '.join(declared)}, which Facts declares"
        raise RuleError([mistake_at(type(agent), message, expected, word="facts")])
    return values | dict(own)


def _fill_crisis(c: Any, scenario: Any) -> None:
    for name, word in annotations_of(Crisis, "Variables").items():
        if word == "Maybe":
            c[name] = np.nan
    c["ongoing"] = True
    c["now"] = c["began"] = scenario.begins_hours / 24
    c["ending"] = ENDINGS.index("unresolved")
    for name in ("last", "first_strike_by", "asking", "last_act", "fault", "path"):
        c[name] = -1
    c["n_rungs"], c["values"] = len(scenario.ladder), IMPOSSIBLE
    violence = [VIOLENCE.index(rung.violence) for rung in scenario.ladder]
    highest = len(violence) - 1
    c["fire_rung"] = next((k for k, level in enumerate(violence) if level >= MINOR), highest)
    c["war_rung"] = next((k for k, level in enumerate(violence) if level >= FULL_WAR), highest)


def _fill_ladder(values: _Values, c: Any, model: CrisisModel) -> None:
    violence = [VIOLENCE.index(rung.violence) for rung in model.scenario.ladder]
    display = max((k for k, level in enumerate(violence) if level == 0), default=0)
    for k, (rung, numbers) in enumerate(zip(model.scenario.ladder, model.rungs, strict=True)):
        own = c["ladder"][:, k]
        own["violence"], own["strike"], own["nuclear"] = violence[k], rung.strike, rung.nuclear
        own["kind"] = kind = _kind(k, violence[k], display)
        own["military"] = kind >= DISPLAY
        z = numbers.intensity
        powers = {"toll": z**model.behaviour.cost_power, "dread": z**6}
        values.put({**vars(numbers), **powers}, "c", "ladder", k)


def _kind(rung: int, violence: int, display: int) -> int:
    """Return the kind of a rung's act as a position in `ACTS`, -1 for the lowest rung.

    A display is the highest rung without violence.
    """
    if rung == 0:
        return -1
    if violence:
        return WAR if violence >= FULL_WAR else FORCE
    return DISPLAY if rung == display else THREAT
