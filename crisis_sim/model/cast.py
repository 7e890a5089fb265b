"""The agents of a crisis: those that the scenario names, and additional ones; and the list of events that can happen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from crisis_sim.model.agent import STEPS, Agent, annotations_of, events_of
from crisis_sim.model.ending import Ending, Halt, Scheduled
from crisis_sim.model.rule_checks import RuleError, mistake_at
from crisis_sim.model.states import State
from crisis_sim.model.third_parties import Adviser, Channel, Lender, Mediator, Review
from crisis_sim.scenario.errors import did_you_mean, one_of
from crisis_sim.scenario.schema import Scenario

#: Roles, in the order in which agents begin and simultaneous events occur.
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


def make_agents(
    model: Any, scenario: Scenario, roles: Mapping[str, type[Agent]], added: Iterable[type[Agent]]
) -> Cast:
    """Create the agents of a crisis, by role.

    Args:
        roles: replacement classes, by the name of an agent or role.
        added: classes of additional agents, each with a new role.

    Raises:
        ValueError: if an agent or role is unknown.
        RuleError: if a class is unsuitable for its place.
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
    role_of = {name: role for role, agents in specs.items() for name in agents}
    _check_replacements(role_of, roles)
    cast = {
        role: [
            (roles.get(name) or roles.get(role) or ROLES[role])(model, name, k, spec)
            for k, (name, spec) in enumerate(agents.items())
        ]
        for role, agents in specs.items()
    }
    names = set(role_of)
    for kind in added:
        name = str(getattr(kind, "name", kind.__name__))
        _check_added(kind, name, names)
        names.add(name)
        others = cast.setdefault(kind.role, [])
        others.append(kind(model, name, len(others)))
    return cast


def _check_replacements(role_of: Mapping[str, str], replacements: Mapping[str, Any]) -> None:
    known = {**role_of, **{role: role for role in ROLES}}
    for place, kind in replacements.items():
        if place not in known:
            names = [name for name, role in role_of.items() if role not in ("events", "reviews")]
            expected = f"{one_of([*names, *ROLES])}{did_you_mean(place, known)}"
            raise ValueError(f"no agent or role '{place}'; expected {expected}")
        base = ROLES[known[place]]
        if not (isinstance(kind, type) and issubclass(kind, base)):
            kind_name = getattr(kind, "__name__", kind)
            message = f"{kind_name} cannot replace '{place}', one of the {known[place]}"
            expected = f"a subclass of {base.__name__}"
            if not isinstance(kind, type):
                raise ValueError(f"{message}; expected {expected}")
            raise RuleError([mistake_at(kind, message, expected)])


def _check_added(kind: Any, name: str, names: set[str]) -> None:
    role = getattr(kind, "role", None)
    if role is None:
        message, expected = f"{kind.__name__} has no role", 'a new role, such as role = "councils"'
    elif role in ROLES:
        message = f"{kind.__name__} is one of the {role}, which the scenario names"
        expected = f"a new role, or a replacement: roles={{'NAME': {kind.__name__}}}"
    elif name in names:
        message = f"there is another agent '{name}'"
        expected = 'a new name, such as name = "second_council"'
    else:
        return
    raise RuleError([mistake_at(kind, message, expected)])


def kinds_of(cast: Mapping[str, list[Agent]]) -> dict[str, tuple[type[Agent], ...]]:
    """Return the class of each agent, by role; a single class if all agents of the role share it.

    Added roles without variables, facts and compiled rules are left out.
    """
    kinds_by_role: dict[str, tuple[type[Agent], ...]] = {}
    for role, agents in cast.items():
        kinds = tuple(type(agent) for agent in agents) or (ROLES[role],)
        if role in ROLES or any(map(_takes_part, kinds)):
            kinds_by_role[role] = kinds[:1] if len(set(kinds)) == 1 else kinds
    return kinds_by_role


def _takes_part(kind: type[Agent]) -> bool:
    declared = any(annotations_of(kind, holder) for holder in ("Variables", "Facts"))
    return declared or bool(kind.events) or any(hasattr(kind, name) for name in STEPS)


# The list of events.


@dataclass(frozen=True)
class Happening:
    """An event of a role, described in words.

    Attributes:
        role: the role to whose agents it can happen.
        agent: the agent, if it has a class of its own; "" for all other agents of the role.
        of: the class that declares the event.
        event: its name.
        effect: its effect, in a sentence.
        when: its rate or date, in a sentence.
        is_dated: true if it occurs on a date, false if it occurs at a rate.
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
    """List all events that can happen, in the order in which simultaneous events occur.

    Args:
        roles: replacement classes, by the name of an agent or role, as `CrisisModel` takes them.
        agents: classes of additional agents.
    """
    replacements = dict(roles or {})
    cast = {role: [("", replacements.pop(role, kind))] for role, kind in ROLES.items()}
    for name, kind in replacements.items():
        cast[kind.role].append((name, kind))
    for kind in agents:
        cast.setdefault(kind.role, []).append(("", kind))
    return [event for role, kinds in cast.items() for event in _happenings_of(role, kinds)]


def _happenings_of(role: str, kinds: list[tuple[str, type[Agent]]]) -> Iterable[Happening]:
    """List the events of a role; an event appears again for agents whose class has other rules for it."""
    for name, by_kind in events_of(dict.fromkeys(kind for _, kind in kinds)):
        listed: set[tuple[object, object]] = set()
        for agent, kind in kinds:
            if kind not in by_kind:
                continue
            event = by_kind[kind]
            rules = getattr(kind, event.happen), getattr(kind, event.rate or event.due)
            if rules not in listed:
                listed.add(rules)
                effect, when = map(_first_sentence, rules)
                yield Happening(role, agent, kind.__name__, name, effect, when, bool(event.due))


def _first_sentence(rule: object) -> str:
    """Return the first sentence of a rule's docstring."""
    text = getattr(getattr(rule, "py_func", rule), "__doc__", None) or ""
    return re.split(r"(?<=[.:])\s+(?=[A-Z(])", " ".join(text.split("\n\n")[0].split()))[0]
