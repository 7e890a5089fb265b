"""A state's market and economic pressure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim.model.arrays import Array, Held, Real
from crisis_sim.model.compiled import rule
from crisis_sim.model.luck import normals
from crisis_sim.scenario.schema import StateSpec

if TYPE_CHECKING:
    from crisis_sim.model.state import State

#: How far, in logarithms, a market drifts at most: to nothing or to all there is. A ratio of two such markets
#: is still a number.
FARTHEST = Real(40)

_ZERO, _ONE = Real(0), Real(1)

#: What a state's economy is, in `crisis_sim.model.state.POWER`.
STANDING = (
    "market", "market_at_halt", "drift", "priced", "spent", "strain", "pressure", "lowest_market", "highest_pressure",
    "tomorrow",
)  # fmt: skip
#: How its market takes danger, and how its economy bears loss, in `crisis_sim.model.state.HABITS`.
HABITS = (
    "sensitivity", "vulnerability", "volatility", "reacted", "recovered", "pressure_of_market_loss", "pressure_of_cost",
)  # fmt: skip


class Economy:
    """Prices danger, pays for the fight, and feels the lender.

    Attributes (each an array over replicates):
        market: level of the index, as a ratio to its level at the start.
        market_at_halt: its level when the last halt came into effect.
        drift: logarithm of the level that the market would have without the crisis.
        priced: danger as the market has priced it, 0 to 1.
        spent: days of output lost to the crisis and not recovered.
        strain: pressure brought by scheduled events and not recovered.
        pressure: economic pressure, 0 to 1.
        lowest_market, highest_pressure: their worst so far.
    """

    market = Held()
    market_at_halt = Held()
    drift = Held()
    priced = Held()
    spent = Held()
    strain = Held()
    pressure = Held()
    lowest_market = Held()
    highest_pressure = Held()

    def __init__(self, state: State) -> None:
        self._state = state
        self.market = self.lowest_market = Real(1)
        self.market_at_halt = Real(np.nan)

    @property
    def records(self) -> Any:
        """Where its attributes are held."""
        return self._state.records


def habits(state: State, spec: StateSpec) -> dict[str, Array]:
    """How a state's market and economy work: `HABITS`."""
    crisis = state.crisis
    index = crisis.parameters.numbers(f"states.{state.name}.market", spec.market)
    economy = crisis.behaviour.economy
    return {
        "sensitivity": index.sensitivity,
        "vulnerability": state.facts.economic_vulnerability,
        "volatility": index.volatility,
        "reacted": crisis.share(1 / economy.market_reaction_days),
        "recovered": crisis.share(1 / economy.recovery_days),
        "pressure_of_market_loss": economy.pressure_of_market_loss,
        "pressure_of_cost": economy.pressure_of_cost,
    }


@rule
def drift(own: Any, habits: Any, luck: Any, stream: Any) -> None:
    """Move as a market does in a day without news; its luck comes for two days at once."""
    if own.has_tomorrow:
        today = own.tomorrow
    else:
        today, own.tomorrow = normals(luck, stream)
    own.has_tomorrow = not own.has_tomorrow
    own.drift = min(max(own.drift + habits.volatility * today, -FARTHEST), FARTHEST)


@rule
def balance(own: Any, habits: Any, feared: Any, lent: Any) -> None:
    """Price the danger that is feared, and pay the cost of the turn that has passed."""
    own.priced += habits.reacted * (feared - own.priced)
    own.market = math.exp(own.drift - habits.sensitivity * own.priced)
    own.lowest_market = min(own.lowest_market, own.market)

    kept = _ONE - habits.recovered
    own.spent = own.spent * kept + own.cost
    own.strain *= kept
    weight = max(_ONE - own.market, _ZERO) * habits.pressure_of_market_loss
    weight += habits.pressure_of_cost * own.spent
    weight += own.strain
    weight += lent
    own.pressure = _ONE - math.exp(min(weight * -habits.vulnerability, _ZERO))
    own.highest_pressure = max(own.highest_pressure, own.pressure)
