"""How much memory a crisis takes at most, so that a batch can be cut into blocks that fit.

It does not grow with the horizon: what a crisis has been through is not kept, and neither are the numbers of its luck.
"""

from __future__ import annotations

from crisis_sim.scenario.schema import Scenario

#: Bytes of a crisis apart from its agents, of an agent, review or event, and of a rung that is drawn for each crisis.
BYTES_A_CRISIS, BYTES_AN_AGENT, BYTES_A_RUNG = 1000, 200, 50


def bytes_of_a_crisis(scenario: Scenario) -> int:
    """The most bytes that a block holds for each of its crises."""
    agents = ("states", "mediators", "lenders", "channels", "advisers", "events")
    reviews = sum(len(lender.reviews) for lender in scenario.lenders.values())
    count = sum(len(getattr(scenario, name)) for name in agents) + reviews
    return BYTES_A_CRISIS + BYTES_AN_AGENT * count + BYTES_A_RUNG * len(scenario.ladder)
