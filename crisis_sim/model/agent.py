"""Agents: classes that declare their variables, facts, random streams, events and rules.

A rule is a compiled method. A subclass may replace a rule, and call the replaced rule through its class. `event_loop`
combines the rules of all agents, `layout` derives records from the declarations, and `rule_checks` reports mistakes in
them.
"""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import mesa
import numpy as np
from numba import types
from numba.core.imputils import lower_constant, lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import models, register_model, typeof_impl
from numpy.typing import NDArray

from crisis_sim.model import rule_checks
from crisis_sim.model.compiling import RULE_OPTIONS, njit
from crisis_sim.model.luck import uniforms

#: Rules that all agents follow before each event, in this order: `perceive`, `influence` the states, `weigh`.
PHASES = ("perceive", "influence", "weigh")
#: All rules other than those of events: `begin` once, `pass_time` between events, `take` an option chosen by a policy.
STEPS = ("begin", *PHASES, "pass_time", "take")
#: Fields of every agent's record: its number in its role, its first clock, its first random stream.
IDENTITY = ("index", "clocks", "streams")

#: A number that may be missing (NaN) or infinite, such as the time of a future event.
Maybe: TypeAlias = float
#: Types of variables and facts.
KINDS = {"float": np.float64, "int": np.int64, "bool": np.bool_, "Maybe": np.float64}


def rule(function: Callable[..., Any]) -> Any:
    """Compile a method as a rule. Its arguments are `own, [rival,] facts, c, p, luck`: see `Agent`."""
    name = f"{function.__module__}.{function.__qualname__} {_source_of(function)}"
    if not function.__module__.startswith("crisis_sim."):
        # The cache refers to the module, which another process may be unable to import.
        function.__module__ = __name__
    return with_identifier(njit(function, forceinline=True, **RULE_OPTIONS), name)


def _source_of(function: Callable[..., Any]) -> str:
    """Return the source of a rule's file, as the rule may call other functions in it."""
    file = inspect.getsourcefile(function)
    if file is not None and Path(file).is_file():
        return Path(file).read_text(encoding="utf-8")
    return inspect.getsource(function)


def with_identifier(dispatcher: Any, text: str) -> Any:
    """Identify a compiled function by a text rather than at random, so that later processes find it in the cache.

    Return the first function of this process with that text: the cache refers to one of them, and the code of its callers
    would be loaded again at every call of another.
    """
    identifier = str(uuid.uuid5(uuid.NAMESPACE_URL, text))
    known = type(dispatcher)._memo.get(identifier)
    if known is not None:
        return known
    dispatcher._set_uuid(identifier)
    return dispatcher


@dataclass(frozen=True)
class Event:
    """An event that can happen to each agent of a class.

    Attributes:
        name: its name, which keys the random numbers of its clock.
        happen: name of the rule that carries it out.
        rate: name of the rule that returns its rate per day; or
        due: name of the rule that returns its time, days from the start; infinite for never.
    """

    name: str
    happen: str
    rate: str = ""
    due: str = ""

    @property
    def rules(self) -> dict[str, str]:
        """Names of its rules by purpose."""
        rules = {"happen": self.happen, "rate": self.rate, "due": self.due}
        return {purpose: name for purpose, name in rules.items() if name}


class Kind(type(mesa.Agent)):  # type: ignore[misc]  # Mesa is untyped
    """Metaclass of agents; it lets compiled rules call those of a class, such as `State.decide(...)`."""


class _KindType(types.Dummy):
    def __init__(self, kind: type) -> None:
        self.kind = kind
        super().__init__(f"class {kind.__module__}.{kind.__qualname__}")


@typeof_impl.register(Kind)
def _typeof_kind(kind: Any, _: Any) -> Any:
    return _KindType(kind)


register_model(_KindType)(models.OpaqueModel)


@infer_getattr
class _RuleOfKind(AttributeTemplate):
    key = _KindType

    def generic_resolve(self, kind: Any, name: str) -> Any:  # type: ignore[override]
        member = getattr(kind.kind, name, None)
        return types.Dispatcher(member) if rule_checks.is_rule(member) else None


@lower_constant(_KindType)
def _constant_kind(context: Any, *_: Any) -> Any:
    return context.get_dummy_value()


@lower_getattr_generic(_KindType)
def _get_rule(context: Any, *_: Any) -> Any:
    return context.get_dummy_value()


class Agent(mesa.Agent, metaclass=Kind):  # type: ignore[misc]  # Mesa's Agent is untyped
    """An agent in a block of crises. Each name in its `Variables` is also an attribute: an array over replicates.

    Rules are compiled methods with these arguments:

    - own: variables of the agent; rival: variables of the other state, in rules of states only.
    - facts: constants of the agent: numbers of the scenario, and those in `Facts`.
    - c: the crisis, such as `c.states[0]`, `c.mediators[2]` and `c.now`.
    - p: behavioural parameters, by name.
    - luck: random keys and the event log, as in `uniform(c, luck.keys, own.streams + CHOICE)` and `note`;
      `own.streams + n` is the stream of the n-th of the class's `draws`.

    Rules are named `begin`, `perceive`, `influence`, `weigh`, `pass_time` (see `STEPS`), or as an event names them. A plain
    method `step` is called after every day, for all replicates at once. It reads attributes such as `state.grievance`,
    and writes to `self.records["..."]` or to the `lent_...` fields of a state's `records`.

    Attributes:
        role: the kind of agent; an additional agent has a role of its own.
        name: its name in the scenario, which keys its random numbers.
        index: its number among the agents of its role.
    """

    role: ClassVar[str]
    capacity: ClassVar[int] = 1
    draws: ClassVar[tuple[str, ...]] = ()
    events: ClassVar[tuple[Event, ...]] = ()

    class Variables:
        """Variables, which change during a crisis."""

    class Facts:
        """Constants, in addition to the numbers of the agent's part of the scenario."""

    def __init_subclass__(cls, **further: Any) -> None:
        super().__init_subclass__(**further)
        rule_checks.check_class(cls, KINDS, STEPS)

    def __init__(self, model: Any, name: str, index: int, spec: Any = None) -> None:
        super().__init__(model)
        self.name, self.index, self.spec = name, index, spec
        self.title = getattr(spec, "title", "") or name

    @property
    def records(self) -> Any:
        """Records of its current variables, shape (replicates,). Write here to intervene."""
        return self.model.crises[self.role][:, self.index]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        names = [*IDENTITY, *annotations_of(type(self), "Variables")]
        if name in names:
            return self.model.view[self.role][:, self.index][name]
        raise AttributeError(
            f"{type(self).__name__} has no '{name}'; its variables are {', '.join(names)}"
        )

    def luck(self, purpose: str) -> NDArray[np.float64]:
        """Return a random number in (0, 1) per replicate for `step`, keyed by purpose and day."""
        day = f"{self.name}/{purpose}/{self.model.days:g}"
        return uniforms(self.model.seed_, day, self.model.replicate)

    def facts(self) -> Mapping[str, Any]:
        """Return the values of `Facts`, each a number or an array over replicates."""
        return {}

    def outcomes(self) -> Mapping[str, Any]:
        """Return additional columns of the outcomes, each an array over replicates."""
        return {}

    @classmethod
    def clocks(cls) -> tuple[str, ...]:
        """Return the names of events with a rate, each of which has a clock."""
        return tuple(event.name for event in cls.events if event.rate)


def annotations_of(kind: type, holder: str) -> dict[str, str]:
    """Return the annotations in `Variables` or `Facts` of a class and its bases, from the most basic class on."""
    annotations: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        declared = vars(base).get(holder)
        if declared is not None:
            for name, word in inspect.get_annotations(declared).items():
                annotations[name] = word if isinstance(word, str) else word.__name__
    return annotations


def fields_of(annotations: Mapping[str, str], facts: bool = False) -> list[tuple[Any, ...]]:
    """Return record fields for annotations; facts occupy whole words, because they may vary between replicates."""
    fields: list[tuple[Any, ...]] = []
    for name, declared in annotations.items():
        word, _, count = declared.strip("'\"").partition("*")
        kind = np.int64 if facts and word.strip() == "bool" else KINDS[word.strip()]
        fields.append((name, kind, (int(count),)) if count else (name, kind))
    return fields


def record(fields: Iterable[tuple[Any, ...]]) -> np.dtype[Any]:
    """Return a record type with the alignment of compiled code."""
    return np.dtype(list(fields), align=True)


def events_of(kinds: Iterable[type[Agent]]) -> list[tuple[str, dict[type[Agent], Event]]]:
    """Return the events of a role by name and class, in order.

    An event that has a rate in one class and a date in another counts as two.
    """
    events: dict[tuple[str, bool], dict[type[Agent], Event]] = {}
    for kind in kinds:
        for event in kind.events:
            events.setdefault((event.name, bool(event.rate)), {})[kind] = event
    return [(name, by_kind) for (name, _), by_kind in events.items()]


def clocks_of(kinds: Iterable[type[Agent]]) -> tuple[str, ...]:
    """Return the clocks of an agent whose role has these classes."""
    return tuple(dict.fromkeys(name for kind in kinds for name in kind.clocks()))
