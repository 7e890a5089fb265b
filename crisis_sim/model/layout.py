"""Records of crises and of parameters, made of what classes declare, and filled with what is known beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.acts import ACTS
from crisis_sim.model.cast import ROLES, kinds_of
from crisis_sim.model.check import RuleError, check_names, mistake_at
from crisis_sim.model.choice import FULL_WAR, IMPOSSIBLE, MINOR, OPTIONS, RUNGS
from crisis_sim.model.engine import (
    PLACE,
    Agent,
    Maybe,
    annotations_of,
    clocks_of,
    events_of,
    fields_of,
    record,
)
from crisis_sim.model.luck import key_of
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


class Crisis:
    """What is kept of a crisis beside its agents."""

    class Variables:
        """What changes."""

        ongoing: bool  # whether it is not over
        war: bool  # whether there is full-scale war
        now: Maybe  # the last event
        wait: float  # from that to the next one, days
        danger: float  # 1 - (1 - I_1)(1 - I_2), by the states' intensities, each at most 1
        urgency: float  # to third parties: see `Ending.weigh`
        deaths: float
        began: Maybe  # the start of the scenario, or of what it is about
        last_fire: Maybe
        last_strike: Maybe
        ended_at: Maybe
        first_strike_at: Maybe
        mediated_at: Maybe  # when the first mediator engaged
        channel_at: Maybe  # when a channel first opened
        agreed_at: Maybe  # when a halt was first agreed
        in_effect_at: Maybe
        violated_at: Maybe
        relapsed_at: Maybe
        war_at: Maybe
        nuclear_use_at: Maybe
        followed_until: Maybe
        fire_at: Maybe
        paused_at: Maybe  # when fire stopped that has paused since
        over_at: Maybe  # when the states see it as over
        strikes_paused_at: Maybe
        event: int  # the event that comes next, by its number; -1 for none
        agent: int  # to which agent of its role
        asking: int  # the state whose choice is left to somebody, or -1
        choice: int  # the option of the last decision
        n_clocks: int
        n_rungs: int
        war_rung: int  # the lowest rung of full-scale war
        fire_rung: int  # the lowest rung with violence
        path: int  # where its path is kept, or -1
        ending: int  # its place in `ENDINGS`
        worst: int  # the worst violence so far, by its place in `VIOLENCE`
        last: int  # the state that acted last, or -1
        peak_rung: int
        last_act: int  # the kind of the last act, by its place in `ACTS`, or -1
        style: int  # the strongest style of mediation so far, or 0
        broker: int  # the mediator that brokered a settlement, from 1, or 0
        first_strike_by: int
        fault: int  # what a checked run found missing, or -1


#: What a rung of the ladder is.
RUNG = record(
    [
        *((name, np.float64) for name in ("intensity", "toll", "dread", "opening_deaths", "deaths_per_day", "cost_per_day")),
        *((name, np.int64) for name in ("violence", "kind")),
        *((name, np.bool_) for name in ("strike", "nuclear", "military")),
    ]
)  # fmt: skip
_DRAWN_RUNG = ("intensity", "opening_deaths", "deaths_per_day", "cost_per_day")


@dataclass
class Layout:
    """Crises as rows, and the desk at which one at a time is worked on.

    Attributes:
        crises: records, shape (rows,).
        desk: the record of one crisis, with room for what need not be kept, and of the parameters, shape (1,).
        drawn: values that each crisis has of its own of parameters, as words, shape (rows, values).
        slots: where on the desk they belong, shape (values,).
        keys, stream_of: see `record.Luck`.
    """

    crises: NDArray[Any]
    desk: NDArray[Any]
    drawn: NDArray[np.int64]
    slots: NDArray[np.int64]
    keys: NDArray[np.uint64]
    stream_of: NDArray[np.int64]


class _Records:
    """The records of a cast."""

    def __init__(self, model: CrisisModel) -> None:
        self.kinds = kinds_of(model.cast)
        members, known = [], []
        self.clocks = self.streams = 0
        for role, kinds in self.kinds.items():
            capacity = kinds[0].capacity
            while capacity < len(model.cast[role]):
                capacity *= 2
            clocks = clocks_of(kinds)
            self.clocks += capacity * len(clocks)
            self.streams += capacity * (max(len(kind.draws) for kind in kinds) + len(clocks))
            variables = {**dict.fromkeys(PLACE, "int"), **_union(kinds, "Variables")}
            members.append((role, record(fields_of(variables)), (capacity,)))
            known.append((role, _facts_record(role, kinds), (capacity,)))
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
        at_desk = [*self.crisis, ("rates", np.float64, (self.clocks,)), ("ladder", RUNG, (RUNGS,))]
        behaviour = record([(name, np.float64) for name in vars(model.behaviour)])
        parameters = record([("behaviour", behaviour), *known])
        self.desk = record([("c", record(at_desk)), ("p", parameters)])

    def check_rules(self) -> None:
        """Make sure that rules of a person's own speak of what the records hold."""
        crisis, parameters = self.desk["c"], self.desk["p"]
        names: dict[str, Any] = {
            "crisis": crisis.names,
            "parameters": parameters["behaviour"].names,
        }
        for role in self.kinds:
            names |= {
                role: crisis[role].base.names,
                f"facts of {role}": parameters[role].base.names,
            }
        for kind in {one for kinds in self.kinds.values() for one in kinds} - set(ROLES.values()):
            check_names(kind, names)


def _union(kinds: Sequence[type[Agent]], holder: str) -> dict[str, str]:
    """What the classes of a role declare, taken together: the last first.

    So no record begins as another one does: to Numba, the longer of two such would be a kind of the shorter one.
    """
    found: dict[str, str] = {}
    for kind in kinds:
        for name, word in annotations_of(kind, holder).items():
            if found.setdefault(name, word) != word:
                said = f"{kind.__name__}.{holder}: '{name}' is {word}, and {found[name]} in another class of the {kind.role}"
                raise RuleError([mistake_at(getattr(kind, holder), said, found[name], word=name)])
    return dict(reversed(found.items()))


def _facts_record(role: str, kinds: Sequence[type[Agent]]) -> np.dtype[Any]:
    part = _PARTS.get(role)
    fields: dict[str, tuple[Any, ...]] = {}
    for name, field in part.model_fields.items() if part is not None else ():
        if range_of(part, name) is not None:
            by_state = str(field.annotation).startswith("dict")
            fields[name] = (name, np.float64, (2,)) if by_state else (name, np.float64)
    own = {one[0]: one for one in fields_of(_union(kinds, "Facts"), facts=True)}
    return record({**own, **fields, **own}.values() or [("none", np.float64)])


def lay_out(model: CrisisModel, seed: int) -> Layout:
    """Make the records of a model's crises and parameters, and put in what is known.

    Raises:
        RuleError: when a rule of a person's own speaks of what there is not.
    """
    scenario = model.scenario
    if len(scenario.ladder) > RUNGS:
        raise ValueError(f"a ladder has {RUNGS} rungs at most, not {len(scenario.ladder)}")
    records = _Records(model)
    records.check_rules()
    rows, desk = model.rows, np.zeros(1, records.desk)
    c = desk["c"]
    keys = np.zeros((records.streams, 2), np.uint64)
    stream_of = np.zeros(records.clocks, np.int64)
    clock = stream = 0
    for role, kinds in records.kinds.items():
        agents, clocks = model.cast[role], clocks_of(kinds)
        c[f"n_{role}"] = len(agents)
        for one in agents:
            own = c[role][:, one.index]
            own["index"], own["clocks"], own["streams"] = one.index, clock, stream
            for purpose in (*one.draws, *clocks):
                keys[stream] = key_of(seed, f"{one.name}/{purpose}")
                stream += 1
            stream_of[clock : clock + len(clocks)] = np.arange(stream - len(clocks), stream)
            clock += len(clocks)
    c["n_clocks"] = clock
    _fill_crisis(c, scenario)
    values = _Values(desk, rows)
    _fill_ladder(values, c, model)
    values.put(vars(model.behaviour), "p", "behaviour")
    for role in records.kinds:
        for one in model.cast[role]:
            values.put(_facts_of(one, model), "p", role, one.index)
    dtype = record(records.crisis)
    crises = np.empty(rows, dtype)
    words = crises.view(np.int64).reshape(rows, -1)
    words[:] = desk.view(np.int64)[: words.shape[1]]
    crises["replicate"] = model.replicate
    return Layout(crises, desk, *values.drawn(), keys, stream_of)


class _Values:
    """Puts values on the desk: those that all crises share at once, the others when a crisis is laid there."""

    def __init__(self, desk: NDArray[Any], rows: int) -> None:
        self.desk, self.rows = desk, rows
        self.slots: list[int] = []
        self.columns: list[NDArray[Any]] = []

    def put(self, values: Mapping[str, Any], *path: str | int) -> None:
        """Put values by name, each one or one for each crisis, into the record to which a path leads."""
        holder, offset = self.desk[0], 0
        for step in path:
            whole = holder.dtype
            offset += whole.fields[step][1] if isinstance(step, str) else step * whole.itemsize
            holder = holder[step]
        for name, value in values.items():
            kind, start = holder.dtype.fields[name][:2]
            if np.ndim(value) <= len(kind.shape):
                holder[name] = value
                continue
            several = np.broadcast_to(value, (self.rows, *kind.shape)).reshape(self.rows, -1)
            for k, column in enumerate(several.T):
                self.slots.append((offset + start) // 8 + k)
                self.columns.append(column.astype(kind.base).view(np.int64))

    def drawn(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """What each crisis has of its own, and where it belongs."""
        empty = np.zeros((self.rows, 0), np.int64)
        drawn = np.ascontiguousarray(np.stack(self.columns, axis=1)) if self.columns else empty
        return drawn, np.array(self.slots, np.int64)


def _facts_of(one: Agent, model: CrisisModel) -> dict[str, Any]:
    """The values of an agent's facts: those of its part of the scenario, and its own."""
    path = f"events.{one.index}" if one.role == "events" else f"{one.role}.{one.name}"
    numbers = model.numbers.get(getattr(one, "path", path))
    values: dict[str, Any] = {}
    for name, value in vars(numbers).items() if numbers is not None else ():
        if isinstance(value, dict):
            by_state = [value.get(state, 0.0) for state in model.scenario.state_names]
            values[name] = np.stack(np.broadcast_arrays(*by_state), axis=-1)
        else:
            values[name] = value
    own, declared = one.facts(), annotations_of(type(one), "Facts")
    if set(own) != set(declared):
        said = f"{type(one).__name__}.facts gives {', '.join(own) or 'nothing'}"
        right = f"values of {', '.join(declared)}, which Facts declares"
        raise RuleError([mistake_at(type(one), said, right, word="facts")])
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
        own["military"] = kind >= ACTS.index("display")
        drawn: Mapping[str, Any] = {name: getattr(numbers, name) for name in _DRAWN_RUNG}
        intensity = drawn["intensity"]
        powers = {"toll": intensity**model.behaviour.cost_power, "dread": intensity**6}
        values.put({**drawn, **powers}, "c", "ladder", k)


def _kind(rung: int, violence: int, display: int) -> int:
    """Which of `ACTS` coming to a rung is; -1 for the lowest rung. A display is the highest rung without violence."""
    if rung == 0:
        return -1
    if violence:
        return ACTS.index("war" if violence >= FULL_WAR else "force")
    return ACTS.index("display" if rung == display else "threat")
