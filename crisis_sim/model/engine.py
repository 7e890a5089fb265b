"""What an agent is: a class that says what it holds, which numbers it needs, what can happen to it, and what it does.

A class of agents declares `Variables`, what further numbers it needs (`Facts`), which purposes it takes luck for (`draws`),
which events can happen to it (`events`), and gives a rule for each thing that it does. A rule is a compiled method; a
subclass that has its own takes the place of the rule above it, which it may call by the class's name. `schedule` strings the
rules together, `layout` makes records of what is declared, `check` says what is wrong with a rule.
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

from crisis_sim.model import check
from crisis_sim.model.compiled import OF_RULES, _translate
from crisis_sim.model.luck import uniforms

#: What every agent does, in this order, at each event: `perceive` how things stand, `influence` the states, `weigh` it all.
PHASES = ("perceive", "influence", "weigh")
#: All that an agent does beside its events: `begin` once, `pass_time` between two events, `take` an option asked for.
STEPS = ("begin", *PHASES, "pass_time", "take")
#: The fields of every agent's record: its number in its role, its first clock, its first stream of luck.
PLACE = ("index", "clocks", "streams")

#: A number that there may not be yet, such as a moment that has not come: not a number, or infinite, until then.
Maybe: TypeAlias = float
#: What a variable or a fact can be.
KINDS = {"float": np.float64, "int": np.int64, "bool": np.bool_, "Maybe": np.float64}


def rule(function: Callable[..., Any]) -> Any:
    """A method that is compiled. Its arguments are `own, [rival,] facts, c, p, luck`: see `Agent`."""
    name = f"{function.__module__}.{function.__qualname__} {_text_of(function)}"
    if not function.__module__.startswith("crisis_sim."):
        # What is kept on disk names the module, and a process that has no such module could not read it.
        function.__module__ = __name__
    return named(_translate(function, forceinline=True, **OF_RULES), name)


def _text_of(function: Callable[..., Any]) -> str:
    """The text that decides what a rule does: of its file, whose other functions it may use."""
    file = inspect.getsourcefile(function)
    if file is not None and Path(file).is_file():
        return Path(file).read_text(encoding="utf-8")
    return inspect.getsource(function)


def named(made: Any, text: str) -> Any:
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

    @property
    def rules(self) -> dict[str, str]:
        """Its rules by what they are for."""
        rules = {"happen": self.happen, "rate": self.rate, "due": self.due}
        return {what: name for what, name in rules.items() if name}


class Kind(type(mesa.Agent)):  # type: ignore[misc]  # Mesa is untyped
    """The class of agents' classes: compiled rules may call those of other classes, such as `State.decide(...)`."""


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
        found = getattr(kind.kind, name, None)
        return types.Dispatcher(found) if check.is_rule(found) else None


@lower_constant(_KindType)
def _constant_kind(context: Any, *_: Any) -> Any:
    return context.get_dummy_value()


@lower_getattr_generic(_KindType)
def _get_rule(context: Any, *_: Any) -> Any:
    return context.get_dummy_value()


class Agent(mesa.Agent, metaclass=Kind):  # type: ignore[misc]  # Mesa's Agent is untyped
    """An agent of a crisis; each attribute that its `Variables` name is an array over the block's replicates.

    Rules are compiled methods with these arguments:

    - own: the agent's variables; rival: those of the other state, for states only.
    - facts: its facts, from the scenario, and what `Facts` adds.
    - c: the crisis, with `c.states[0]`, `c.mediators[2]`, `c.now` and so on.
    - p: the behavioural parameters, by name.
    - luck: keys of luck and the event log, as `uniform(c, luck.keys, own.streams + CHOICE)` and `note` take them;
      `own.streams + n` is the stream of the n-th of the class's `draws`.

    A rule is called `begin`, `perceive`, `influence`, `weigh`, `pass_time` (see `STEPS`), or as an event names it. There may
    be a plain method `step` instead, which is called after every day of the crisis, for all replicates at once: it reads
    attributes such as `state.grievance`, and writes to `self.records["..."]`, or to `lent_...` in a state's `records`.

    Attributes:
        role: what kind of agent it is; a new role is a name of one's own.
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

    def __init_subclass__(cls, **further: Any) -> None:
        super().__init_subclass__(**further)
        check.check_class(cls, KINDS, STEPS)

    def __init__(self, model: Any, name: str, index: int, spec: Any = None) -> None:
        super().__init__(model)
        self.name, self.index, self.spec = name, index, spec
        self.title = getattr(spec, "title", "") or name

    @property
    def records(self) -> Any:
        """Its variables as of the last event: records, shape (replicates,). To intervene, write here."""
        return self.model.crises[self.role][:, self.index]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        names = [*PLACE, *annotations_of(type(self), "Variables")]
        if name in names:
            return self.model.view[self.role][:, self.index][name]
        raise AttributeError(
            f"{type(self).__name__} has no '{name}'; its variables are {', '.join(names)}"
        )

    def luck(self, purpose: str) -> NDArray[np.float64]:
        """A number in (0, 1) for each replicate, keyed by purpose and day, for `step`: replicates stay what they are."""
        day = f"{self.name}/{purpose}/{self.model.days:g}"
        return uniforms(self.model.seed_, day, self.model.replicate)

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
    def find(cls, name: str) -> Any:
        """The rule of that name, or None."""
        return getattr(cls, name, None)


def annotations_of(kind: type, holder: str) -> dict[str, str]:
    """What the `Variables` or `Facts` of a class and of those above it declare, in order, the highest first."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        declared = vars(one).get(holder)
        if declared is not None:
            for name, word in inspect.get_annotations(declared).items():
                found[name] = word if isinstance(word, str) else word.__name__
    return found


def fields_of(annotations: Mapping[str, str], facts: bool = False) -> list[tuple[Any, ...]]:
    """The fields of a record of what is declared; a fact takes a whole word, so that it can be drawn."""
    fields: list[tuple[Any, ...]] = []
    for name, declared in annotations.items():
        word, _, count = declared.strip("'\"").partition("*")
        kind = np.int64 if facts and word.strip() == "bool" else KINDS[word.strip()]
        fields.append((name, kind, (int(count),)) if count else (name, kind))
    return fields


def record(fields: Iterable[tuple[Any, ...]]) -> np.dtype[Any]:
    """A record of these fields, laid out as compiled code expects it."""
    return np.dtype(list(fields), align=True)


def events_of(kinds: Iterable[type[Agent]]) -> list[tuple[str, dict[type[Agent], Event]]]:
    """All events of a role whose agents may be of several classes: by name, in order, each as the classes that have it say.

    An event that comes at a rate in one class and on a date in another counts as two.
    """
    found: dict[tuple[str, bool], dict[type[Agent], Event]] = {}
    for kind in kinds:
        for event in kind.events:
            found.setdefault((event.name, bool(event.rate)), {})[kind] = event
    return [(name, events) for (name, _), events in found.items()]


def clocks_of(kinds: Iterable[type[Agent]]) -> tuple[str, ...]:
    """The clocks of every agent of a role whose agents may be of several classes."""
    return tuple(dict.fromkeys(name for kind in kinds for name in kind.clocks()))
