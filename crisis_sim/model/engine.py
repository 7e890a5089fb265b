"""The engine: records made of what classes declare, rules composed into one compiled schedule, and clocks that run down.

A class of agents says what it holds (`Variables`), what further numbers it needs (`Facts`), which purposes it takes luck for
(`draws`), which events can happen to it (`events`), and gives a rule for each thing that it does. A rule is a method that is
compiled; a subclass that has its own takes the place of the rule above it. The engine makes one nested record of a crisis and
one of its parameters, strings the rules together in the order of `PHASES`, and takes each crisis from event to event.

Time is continuous, in days since the scenario's start. Every event has a clock, a unit-exponential budget that its rate eats
(random time change; the common reaction path method of Rathinam, Sheppard and Khammash 2010, Journal of Chemical Physics
132, 034103), or a date on which it is due. Rates stand still from one event to the next and are looked at anew at each, and
at least every `REFRESH_DAYS`. Of two events at one moment the one that stands first in the list comes first.
"""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import mesa
import numpy as np
from numba import types
from numba.core.imputils import lower_constant, lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import models, register_model, typeof_impl

from crisis_sim.model.compiled import OF_RULES, _translate, driver
from crisis_sim.model.compiled import rule as inlined
from crisis_sim.model.luck import exponential

#: Rates are looked at anew at least this often, days.
REFRESH_DAYS = 4.0
#: What every agent does, in this order, at each event: `perceive` how things stand, `influence` the states, `weigh` it all.
PHASES = ("perceive", "influence", "weigh")
#: An event of nobody's: time alone has passed.
_NOTHING = -1

_KINDS = {"float": np.float64, "int": np.int64, "bool": np.bool_}


def rule(function: Callable[..., Any]) -> Any:
    """A method that is compiled. Its arguments are `own, [rival,] facts, c, p, luck`: see `Agent`."""
    name = f"{function.__module__}.{function.__qualname__} {_text_of(function)}"
    if not function.__module__.startswith("crisis_sim."):
        # What is kept on disk names the module, and a process that has no such module could not read it.
        function.__module__ = __name__
    return _named(_translate(function, forceinline=True, **OF_RULES), name)


def _text_of(function: Callable[..., Any]) -> str:
    """The text that decides what a rule does: of its file, whose other functions it may use."""
    file = inspect.getsourcefile(function)
    if file is not None and Path(file).is_file():
        return Path(file).read_text(encoding="utf-8")
    return inspect.getsource(function)


def _named(made: Any, text: str) -> Any:
    """Give compiled code a name that a later process gives it too, so that what is kept on disk is found again."""
    made._set_uuid(str(uuid.uuid5(uuid.NAMESPACE_URL, text)))
    return made


@dataclass(frozen=True)
class Event:
    """Something that can happen to each agent of a class.

    Attributes:
        name: what it is called; it keys the luck of its clock.
        happen: the rule that carries it out.
        rate: the rule that says how often it comes, a day, as things stand; or
        due: the rule that says when it comes, in days since the scenario's start, infinite for not at all.
    """

    name: str
    happen: str
    rate: str = ""
    due: str = ""


class Kind(type(mesa.Agent)):  # type: ignore[misc]  # Mesa is untyped
    """The class of agents' classes: compiled rules may call those of other classes, such as `State.decide(...)`."""


class _KindType(types.Dummy):  # type: ignore[misc]  # Numba is untyped
    def __init__(self, kind: type) -> None:
        self.kind = kind
        super().__init__(f"class {kind.__module__}.{kind.__qualname__}")


@typeof_impl.register(Kind)
def _typeof_kind(kind: Any, _: Any) -> Any:
    return _KindType(kind)


register_model(_KindType)(models.OpaqueModel)


@infer_getattr
class _RuleOfKind(AttributeTemplate):  # type: ignore[misc]
    key = _KindType

    def generic_resolve(self, kind: Any, name: str) -> Any:
        found = getattr(kind.kind, name, None)
        return types.Dispatcher(found) if hasattr(found, "py_func") else None


@lower_constant(_KindType)
def _constant_kind(context: Any, *_: Any) -> Any:
    return context.get_dummy_value()


@lower_getattr_generic(_KindType)
def _get_rule(context: Any, *_: Any) -> Any:
    return context.get_dummy_value()


class Agent(mesa.Agent, metaclass=Kind):  # type: ignore[misc]  # Mesa's Agent is untyped
    """An agent of a crisis; each attribute that its `Variables` name is an array over the block's replicates.

    Rules are compiled methods with the arguments:
        own: the agent's variables; rival: those of the other state, for states only.
        facts: its facts, from the scenario, and what `Facts` adds.
        c: the crisis, with `c.states[0]`, `c.mediators[2]`, `c.now` and so on.
        p: the behavioural parameters, by name.
        luck: keys of luck and the event log, as `uniform(c, luck, own.streams + CHOICE)` and `note` take them.

    Attributes:
        name: its name in the scenario, which keys its luck.
        index: its number among the agents of its role.
    """

    role: ClassVar[str]
    capacity: ClassVar[int] = 1
    draws: ClassVar[tuple[str, ...]] = ()
    events: ClassVar[tuple[Event, ...]] = ()

    class Variables:
        """What changes."""

    class Facts:
        """What stays as it is, beyond the numbers of the scenario's part."""

    def __init__(self, model: Any, name: str, index: int, spec: Any = None) -> None:
        super().__init__(model)
        self.name, self.index, self.spec = name, index, spec
        self.title = getattr(spec, "title", "") or name

    @property
    def records(self) -> Any:
        """Its variables as of the last event: records, shape (replicates,). To intervene, write here."""
        return self.model.crises[self.role][:, self.index]

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in (names := variables_of(type(self)).names or ()):
            return self.model.view[self.role][:, self.index][name]
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(
            f"{type(self).__name__} has no '{name}'; its variables are {', '.join(names)}"
        )

    def facts(self) -> Mapping[str, Any]:
        """The values of `Facts`, each a number or an array over replicates."""
        return {}

    def outcomes(self) -> Mapping[str, Any]:
        """Columns of its own in the outcomes, each an array over replicates."""
        return {}

    @classmethod
    def clocks(cls) -> tuple[str, ...]:
        """The names of the events that come at a rate, each of which has a clock."""
        return tuple(event.name for event in cls.events if event.rate)

    @classmethod
    def streams(cls) -> tuple[str, ...]:
        """The purposes that it takes luck for: its clocks, then its draws."""
        return (*cls.clocks(), *cls.draws)

    # Rules that do nothing, unless a class has its own.

    @classmethod
    def find(cls, name: str) -> Any:
        """The rule of that name, or None."""
        return getattr(cls, name, None)


def annotations_of(holder: type, name: str) -> dict[str, Any]:
    """What a class and those above it declare, in order, the highest first."""
    found: dict[str, Any] = {}
    for one in reversed(holder.__mro__):
        declared = vars(one).get(name)
        if declared is not None:
            found |= inspect.get_annotations(declared)
    return found


def variables_of(kind: type[Agent]) -> np.dtype[Any]:
    """The record of one agent's variables."""
    own = [("index", np.int64), ("clocks", np.int64), ("streams", np.int64)]
    return record([*own, *fields_of(annotations_of(kind, "Variables"))])


def fields_of(annotations: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    fields: list[tuple[Any, ...]] = []
    for name, kind in annotations.items():
        word = kind if isinstance(kind, str) else kind.__name__
        word, _, count = word.strip("'\"").partition("*")
        one = _KINDS[word.strip()]
        fields.append((name, one, (int(count),)) if count else (name, one))
    return fields


def record(fields: Iterable[tuple[Any, ...]]) -> np.dtype[Any]:
    """A record of these fields, laid out as compiled code expects it."""
    return np.dtype(list(fields), align=True)


# Rules strung together.


def compose(steps: Sequence[Any]) -> Any:
    """Steps one after another, as one compiled step of `(c, p, luck)`."""
    if len(steps) == 1:
        return steps[0]
    half = len(steps) // 2
    first, then = compose(steps[:half]), compose(steps[half:])

    def both(c: Any, p: Any, luck: Any) -> None:
        first(c, p, luck)
        then(c, p, luck)

    return _composed(both, first, then)


def _composed(function: Any, *parts: Any, extra: str = "") -> Any:
    made = _translate(function, forceinline=True, **OF_RULES)
    ids = "".join(str(part._uuid) for part in parts)
    return _named(made, inspect.getsource(function) + ids + extra)


def by_agent(rules: Sequence[Any]) -> Any:
    """One rule for agents of a role of whom each may have a rule of its own."""
    if all(one is rules[0] for one in rules):
        return rules[0]
    last, rest, number = rules[-1], by_agent(rules[:-1]), len(rules) - 1
    arguments = len(inspect.signature(last.py_func).parameters)
    if arguments == 6:

        def choose(own: Any, rival: Any, facts: Any, c: Any, p: Any, luck: Any) -> Any:
            if own.index == number:
                return last(own, rival, facts, c, p, luck)
            return rest(own, rival, facts, c, p, luck)

        return _composed(choose, last, rest, extra=str(number))

    def choose_party(own: Any, facts: Any, c: Any, p: Any, luck: Any) -> Any:
        if own.index == number:
            return last(own, facts, c, p, luck)
        return rest(own, facts, c, p, luck)

    return _composed(choose_party, last, rest, extra=str(number))


def each(do: Any, role: str) -> Any:
    """A step in which every agent of a role follows a rule."""
    members = f"n_{role}"
    if role == "states":

        def step_states(c: Any, p: Any, luck: Any) -> None:
            do(c.states[0], c.states[1], p.states[0], c, p.behaviour, luck)
            do(c.states[1], c.states[0], p.states[1], c, p.behaviour, luck)

        return _composed(step_states, do)

    def step(c: Any, p: Any, luck: Any) -> None:
        for k in range(c[members]):
            do(c[role][k], p[role][k], c, p.behaviour, luck)

    return _composed(step, do, extra=role)


def run_down(rate: Any, role: str, number: int, clock: int) -> Any:
    """A step that looks how soon an event comes to each agent of a role, by its clock."""
    members = f"n_{role}"
    if role == "states":

        def step_states(c: Any, p: Any, luck: Any) -> None:
            for k in range(2):
                own = c.states[k]
                per_day = rate(own, c.states[1 - k], p.states[k], c, p.behaviour, luck)
                _consider(c, own.clocks + clock, per_day, number, k)

        return _composed(step_states, rate, extra=f"{number} {clock}")

    def step(c: Any, p: Any, luck: Any) -> None:
        for k in range(c[members]):
            own = c[role][k]
            per_day = rate(own, p[role][k], c, p.behaviour, luck)
            _consider(c, own.clocks + clock, per_day, number, k)

    return _composed(step, rate, extra=f"{role} {number} {clock}")


@inlined
def _consider(c: Any, clock: Any, per_day: Any, number: Any, agent: Any) -> None:
    c.rates[clock] = per_day
    if per_day > 0.0:
        wait = c.budgets[clock] / per_day
        if wait < c.wait:
            c.wait, c.event, c.agent = wait, number, agent


def come_due(due: Any, role: str, number: int) -> Any:
    """A step that looks how soon an event comes to each agent of a role, by its date."""
    members = f"n_{role}"
    if role == "states":

        def step_states(c: Any, p: Any, luck: Any) -> None:
            for k in range(2):
                at = due(c.states[k], c.states[1 - k], p.states[k], c, p.behaviour, luck)
                if at - c.now < c.wait:
                    c.wait, c.event, c.agent = max(at - c.now, 0.0), number, k

        return _composed(step_states, due, extra=str(number))

    def step(c: Any, p: Any, luck: Any) -> None:
        for k in range(c[members]):
            at = due(c[role][k], p[role][k], c, p.behaviour, luck)
            if at - c.now < c.wait:
                c.wait, c.event, c.agent = max(at - c.now, 0.0), number, k

    return _composed(step, due, extra=f"{role} {number}")


def carry_out(happen: Any, role: str, number: int, clock: int) -> Any:
    """A step that carries out an event if it is the one that comes; `clock` is its clock's number, or -1."""
    if role == "states":

        def step_states(c: Any, p: Any, luck: Any) -> None:
            if c.event == number:
                own = c.states[c.agent]
                if clock >= 0:
                    c.budgets[own.clocks + clock] = exponential(c, luck.keys, own.streams + clock)
                happen(own, c.states[1 - c.agent], p.states[c.agent], c, p.behaviour, luck)

        return _composed(step_states, happen, extra=f"{number} {clock}")

    def step(c: Any, p: Any, luck: Any) -> None:
        if c.event == number:
            own = c[role][c.agent]
            if clock >= 0:
                c.budgets[own.clocks + clock] = exponential(c, luck.keys, own.streams + clock)
            happen(own, p[role][c.agent], c, p.behaviour, luck)

    return _composed(step, happen, extra=f"{role} {number} {clock}")


@dataclass(frozen=True)
class Schedule:
    """The compiled schedule of a cast, and the list of what can happen in it.

    Attributes:
        begin, look, clocks, pass_time, happen, take: composed steps; `take` carries out a choice that was left open.
        events: role and event, in the order in which ties are settled.
    """

    begin: Any
    look: Any
    clocks: Any
    pass_time: Any
    happen: Any
    take: Any
    events: tuple[tuple[str, Event], ...]

    @classmethod
    def of(cls, roles: Mapping[str, Sequence[type[Agent]]]) -> Schedule:
        """The schedule of a cast: by role, the class of each agent."""

        def steps(name: str) -> list[Any]:
            found = []
            for role, kinds in roles.items():
                rules = [kind.find(name) for kind in kinds]
                if any(one is not None for one in rules):
                    found.append(each(by_agent([one or _nothing(role) for one in rules]), role))
            return found

        clocks, happen, events = [], [], []
        for role, kinds in roles.items():
            first = kinds[0]
            for event in first.events:
                number = len(events)
                events.append((role, event))
                rules = by_agent([kind.find(event.happen) for kind in kinds])
                clock = first.clocks().index(event.name) if event.rate else -1
                if event.rate:
                    rate = by_agent([kind.find(event.rate) for kind in kinds])
                    clocks.append(run_down(rate, role, number, clock))
                else:
                    due = by_agent([kind.find(event.due) for kind in kinds])
                    clocks.append(come_due(due, role, number))
                happen.append(carry_out(rules, role, number, clock))
        look = [step for phase in PHASES for step in steps(phase)]
        return cls(
            compose(steps("begin")),
            compose(look),
            compose(clocks),
            compose(steps("pass_time")),
            compose(happen),
            compose(steps("take")),
            tuple(events),
        )


@inlined
def _do_nothing(own: Any, facts: Any, c: Any, p: Any, luck: Any) -> None:
    pass


@inlined
def _do_nothing_state(own: Any, rival: Any, facts: Any, c: Any, p: Any, luck: Any) -> None:
    pass


def _nothing(role: str) -> Any:
    return _do_nothing_state if role == "states" else _do_nothing


@driver
def begin_crises(crises: Any, parameters: Any, luck: Any, begin: Any) -> None:
    """Let every crisis begin: all clocks get their budgets, and agents draw what is drawn once."""
    for k in range(crises.shape[0]):
        c = crises[k]
        p = parameters[min(k, parameters.shape[0] - 1)]
        for clock in range(c.n_clocks):
            c.budgets[clock] = exponential(c, luck.keys, luck.stream_of[clock])
        begin(c, p, luck)


@driver
def redraw_budgets(crises: Any, luck: Any) -> None:
    """Give all clocks fresh budgets, as one may at any time: they do not remember."""
    for k in range(crises.shape[0]):
        c = crises[k]
        for clock in range(c.n_clocks):
            c.budgets[clock] = exponential(c, luck.keys, luck.stream_of[clock])


@driver
def run_crises(
    crises: Any,
    parameters: Any,
    luck: Any,
    first: Any,
    last: Any,
    until: Any,
    horizon: Any,
    look: Any,
    clocks: Any,
    pass_time: Any,
    happen: Any,
    take: Any,
) -> Any:
    """Take crises `first` to `last - 1` from event to event, as far as events come by `until`; how many there were."""
    count = 0
    for k in range(first, last):
        c = crises[k]
        p = parameters[min(k, parameters.shape[0] - 1)]
        if c.asking >= 0 and c.ongoing:
            take(c, p, luck)
            c.asking = -1
        while c.ongoing and c.now < horizon and c.asking < 0:
            look(c, p, luck)
            c.wait = min(REFRESH_DAYS, horizon - c.now)
            c.event = _NOTHING
            clocks(c, p, luck)
            if c.now + c.wait > until:
                break  # what comes next is looked for anew, and found again, by whoever goes on
            for clock in range(c.n_clocks):
                c.budgets[clock] -= c.rates[clock] * c.wait
            pass_time(c, p, luck)
            c.now = horizon if c.wait == horizon - c.now else c.now + c.wait
            if c.event >= 0:
                c.happened[c.event] += 1
                happen(c, p, luck)
            count += 1
    return count


@driver
def let_time_pass(
    crises: Any, parameters: Any, luck: Any, until: Any, look: Any, pass_time: Any
) -> None:
    """Bring crises whose next events come later than `until` to that time, to be looked at: they cannot go on from there."""
    for k in range(crises.shape[0]):
        c = crises[k]
        p = parameters[min(k, parameters.shape[0] - 1)]
        c.path = -1
        if c.ongoing and c.now < until:
            look(c, p, luck)
            c.wait = until - c.now
            pass_time(c, p, luck)
            c.now = until
