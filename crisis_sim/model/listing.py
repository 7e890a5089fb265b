"""What can happen in a crisis, as a list: made of what classes declare and of their rules' docstrings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crisis_sim.model.cast import ROLES
from crisis_sim.model.engine import Agent, events_of


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
