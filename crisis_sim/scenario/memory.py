"""How much memory a crisis takes at most, so that a batch can be cut into blocks that fit.

What grows is luck: each stream keeps the numbers that any crisis of the block may still need. A stream
gives a crisis one number a turn at most, and no more than its rate allows. That is an upper bound, far
above what most blocks take: most crises end long before the horizon, and then leave their block.
"""

from __future__ import annotations

from collections.abc import Iterator

from crisis_sim.scenario.numbers import Distribution
from crisis_sim.scenario.part import Part, range_of
from crisis_sim.scenario.schema import Scenario

#: Bytes of a number in a stream; a stream that grows keeps room for as many again.
BYTES_A_DRAW = 8
#: Bytes of an agent's own arrays, columns and clocks, and of a review's.
BYTES_AN_AGENT = 200


def bytes_of_a_crisis(scenario: Scenario) -> int:
    """The most bytes that a block holds for each of its crises."""
    days, turns = scenario.horizon_days, scenario.turns
    draws = sum(min(rate * days, turns) + 1 for rate in _rates(scenario))
    return round(BYTES_AN_AGENT * _holders(scenario) + BYTES_A_DRAW * draws)


def _holders(scenario: Scenario) -> int:
    """How many agents, reviews and events there are."""
    agents = ("states", "mediators", "lenders", "channels", "advisers", "events")
    reviews = sum(len(lender.reviews) for lender in scenario.lenders.values())
    return sum(len(getattr(scenario, name)) for name in agents) + reviews


def _rates(scenario: Scenario) -> Iterator[float]:
    """How often a day each stream may give a number."""
    behaviour = scenario.behaviour
    fog, halt, decision = behaviour.fog, behaviour.halt, behaviour.decision
    deciding = most(decision, "deliberations_per_day") + most(
        decision, "decisions_under_fire_per_day"
    )
    misreading, accidents = most(fog, "misreadings_per_day"), most(fog, "accidents_per_day")
    for _ in scenario.states:  # to decide and to choose; to misread and by how much; market; defeat
        yield from (deciding, deciding, misreading, misreading, accidents, 1.0, 0.0)
    yield from 3 * [most(halt, "violations_per_day")]  # that there is one, of whom, and its answer
    for _ in scenario.mediators:
        yield most(behaviour.mediation, "calls_per_day")
    for _ in scenario.channels:
        yield most(behaviour.channels, "openings_per_day")
        yield most(behaviour.channels, "breaks_per_day")
    for _ in scenario.advisers:
        yield most(behaviour.advice, "counsels_per_day")
    for lender in scenario.lenders.values():
        for review in lender.reviews:
            yield 1 / least(review, "delay_days")


def most(part: Part, name: str) -> float:
    """The highest value that a number of a part can take."""
    return _ends(part, name)[1]


def least(part: Part, name: str) -> float:
    """The lowest value that a number of a part can take."""
    return _ends(part, name)[0]


def _ends(part: Part, name: str) -> tuple[float, float]:
    value, limits = getattr(part, name), range_of(type(part), name)
    low, high = value.support if isinstance(value, Distribution) else (value, value)
    return (max(low, limits.low), min(high, limits.high)) if limits else (low, high)
