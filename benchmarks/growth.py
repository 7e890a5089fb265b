"""How the cost of a crisis grows with the agents in it, and with how long it is followed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.speed import Speed
from crisis_sim.scenario import Scenario, load_scenario

SCENARIO = "may_2025"
MEDIATORS = (0, 2, 4, 6, 8, 10, 12)
HORIZONS_DAYS = (15, 30, 60, 120)


@dataclass(frozen=True)
class Case:
    """A scenario in which one thing was changed.

    Attributes:
        kind: what was changed: "mediators" or "horizon".
        value: to how many mediators or days.
        agents: how many agents it has.
        scenario: the scenario.
    """

    kind: str
    value: int
    agents: int
    scenario: Scenario


@dataclass(frozen=True)
class Point:
    """What a case costs.

    Attributes:
        kind, value, agents: as of `Case`.
        speed: how quick it was.
    """

    kind: str
    value: int
    agents: int
    speed: Speed

    @property
    def mean_turns(self) -> float:
        """Turns of the mean crisis."""
        return self.speed.agent_turns / (self.agents * self.speed.crises)

    def plain(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self) | {"mean_turns": self.mean_turns}


def cases() -> list[Case]:
    """The crisis of May 2025 with other mediators, and followed for other times."""
    whole = load_scenario(SCENARIO)
    others = agents_of(whole) - len(whole.mediators)
    with_mediators = [
        Case("mediators", number, others + number, having_mediators(whole, number))
        for number in MEDIATORS
    ]
    until = [
        # What its calendar holds beyond a nearer horizon never comes; a file could not say so.
        Case("horizon", days, agents_of(whole), whole.model_copy(update={"horizon_days": days}))
        for days in HORIZONS_DAYS
    ]
    return [*with_mediators, *until]


def having_mediators(scenario: Scenario, number: int) -> Scenario:
    """A scenario with so many mediators: its own, its own again under other names, or fewer.

    Who may open a channel stays as it is; whoever is missing opens none.
    """
    own = list(scenario.mediators.items())
    named = [
        (name if turn == 0 else f"{name}_{turn + 1}", spec)
        for turn in range(1 + number // len(own))
        for name, spec in own
    ]
    return scenario.model_copy(update={"mediators": dict(named[:number])})


def agents_of(scenario: Scenario) -> int:
    """How many agents a scenario has."""
    roles = ("states", "mediators", "lenders", "channels", "advisers")
    return sum(len(getattr(scenario, role)) for role in roles)
