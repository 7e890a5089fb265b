"""Who takes part in a crisis, an agent of its class for everybody whom the scenario names and those that are added.

And what can happen to them, as a list, made of what classes declare and of their rules' docstrings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from crisis_sim.model.check import RuleError, mistake_at
from crisis_sim.model.ending import Ending, Halt, Scheduled
from crisis_sim.model.engine import STEPS, Agent, annotations_of, events_of
from crisis_sim.model.parties import Adviser, Channel, Lender, Mediator, Review
from crisis_sim.model.state import State
from crisis_sim.scenario.errors import nearest, one_of
from crisis_sim.scenario.schema import Scenario

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

Cast = dict[str, list[Agent]]


def make(
    model: Any, scenario: Scenario, roles: Mapping[str, type[Agent]], added: Iterable[type[Agent]]
) -> Cast:
    """The agents of a crisis, by role.

    Args:
        roles: other classes, by an agent's name or by a role.
        added: classes of agents beside those of the scenario, each with a role of its own.

    Raises:
        ValueError: when a role or an agent is unknown.
        RuleError: when a class cannot take the place that it is given.
    """
    specs: dict[str, dict[str, Any]] = {
        "halts": {"halt": None},
        "events": {f"event {k}": event for k, event in enumerate(scenario.events)},
        "states": scenario.states,
        "mediators": scenario.mediators,
        "lenders": scenario.lenders,
        "reviews": {
            f"{name}/review/{k}": review
            for name, lender in scenario.lenders.items()
            for k, review in enumerate(lender.reviews)
        },
        "channels": scenario.channels,
        "advisers": scenario.advisers,
        "endings": {"ending": None},
    }
    _check_places({name: role for role, several in specs.items() for name in several}, roles)
    cast = {
        role: [
            (roles.get(name) or roles.get(role) or ROLES[role])(model, name, k, spec)
            for k, (name, spec) in enumerate(several.items())
        ]
        for role, several in specs.items()
    }
    names = {name for several in specs.values() for name in several}
    for kind in added:
        name = str(getattr(kind, "name", kind.__name__))
        _check_added(kind, name, names)
        names.add(name)
        others = cast.setdefault(kind.role, [])
        others.append(kind(model, name, len(others)))
    return cast


def _check_places(names: Mapping[str, str], roles: Mapping[str, type[Agent]]) -> None:
    known = {**names, **{role: role for role in ROLES}}
    given: Mapping[str, Any] = roles
    for place, kind in given.items():
        if place not in known:
            near = nearest(place, known)
            some = [name for name, role in names.items() if role not in ("events", "reviews")]
            meant = f"; did you mean '{near}'?" if near else ""
            raise ValueError(
                f"there is no agent or role '{place}'; expected {one_of([*some, *ROLES])}{meant}"
            )
        wanted = ROLES[known[place]]
        if not (isinstance(kind, type) and issubclass(kind, wanted)):
            said = f"{getattr(kind, '__name__', kind)} cannot be '{place}', which is one of the {known[place]}"
            right = f"a subclass of {wanted.__name__}"
            if not isinstance(kind, type):
                raise ValueError(f"{said}; expected {right}")
            raise RuleError([mistake_at(kind, said, right)])


def _check_added(kind: Any, name: str, names: set[str]) -> None:
    role = getattr(kind, "role", None)
    if role is None:
        said = f"{kind.__name__} has no role"
        raise RuleError([mistake_at(kind, said, 'one of its own, such as role = "councils"')])
    if role in ROLES:
        said = f"{kind.__name__} is one of the {role}, which the scenario names"
        right = f"a role of its own, or the place of one of them: roles={{'NAME': {kind.__name__}}}"
        raise RuleError([mistake_at(kind, said, right)])
    if name in names:
        said = f"there is another agent '{name}'"
        raise RuleError(
            [mistake_at(kind, said, 'a name of its own, such as name = "second_council"')]
        )


def kinds_of(cast: Mapping[str, list[Agent]]) -> dict[str, tuple[type[Agent], ...]]:
    """The class of each agent, by role; one class where all have the same, whose number does not matter then.

    Roles of which nobody holds anything, or does anything that is compiled, are left out.
    """
    found: dict[str, tuple[type[Agent], ...]] = {}
    for role, agents in cast.items():
        kinds = tuple(type(one) for one in agents) or (ROLES[role],)
        if role in ROLES or any(map(_takes_part, kinds)):
            found[role] = kinds[:1] if len(set(kinds)) == 1 else kinds
    return found


def _takes_part(kind: type[Agent]) -> bool:
    declared = any(annotations_of(kind, holder) for holder in ("Variables", "Facts"))
    return declared or bool(kind.events) or any(kind.find(name) for name in STEPS)


# What can happen.


@dataclass(frozen=True)
class Happening:
    """An event of a role, as people read it.

    Attributes:
        role: the role of those to whom it can happen.
        agent: the agent for which this holds, where one has a class of its own; "" for all others of the role.
        of: the class that says so.
        event: its name.
        effect: what comes of it, in a sentence.
        when: how often it comes, or on which date, in a sentence.
        is_dated: whether it comes on a date; else it comes at a rate.
    """

    role: str
    agent: str
    of: str
    event: str
    effect: str
    when: str
    is_dated: bool


def happenings(
    roles: Mapping[str, type[Agent]] | None = None, agents: Iterable[type[Agent]] = ()
) -> list[Happening]:
    """All that can happen, in the order in which ties are settled: of two events at one moment the first listed comes first.

    Args:
        roles: by the name of an agent, or of a role, the class in place of the usual one, as `CrisisModel` takes them.
        agents: classes of agents that are added, likewise.
    """
    given = dict(roles or {})
    usual = {role: given.pop(role, kind) for role, kind in ROLES.items()}
    cast = {role: [("", kind)] for role, kind in usual.items()}
    for name, kind in given.items():
        cast[kind.role].append((name, kind))
    for kind in agents:
        cast.setdefault(kind.role, []).append(("", kind))
    return [one for role, kinds in cast.items() for one in _of_role(role, kinds)]


def _of_role(role: str, kinds: list[tuple[str, type[Agent]]]) -> Iterable[Happening]:
    """The events of a role, each followed by what is otherwise for agents with a class of their own."""
    for name, by_kind in events_of(dict.fromkeys(kind for _, kind in kinds)):
        told: set[tuple[object, object]] = set()
        for agent, kind in kinds:
            if kind not in by_kind:
                continue
            event = by_kind[kind]
            happen, when = kind.find(event.happen), kind.find(event.rate or event.due)
            if (happen, when) not in told:
                told.add((happen, when))
                said = _sentence(happen), _sentence(when)
                yield Happening(role, agent, kind.__name__, name, *said, bool(event.due))


def _sentence(rule: object) -> str:
    """The first sentence of a rule's docstring."""
    text = getattr(getattr(rule, "py_func", rule), "__doc__", None) or ""
    return re.split(r"(?<=[.:])\s+(?=[A-Z(])", " ".join(text.split("\n\n")[0].split()))[0]
