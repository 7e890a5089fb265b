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
#: More than the last digit of a loss.
_A_LITTLE = Real(1e-6)

#: What a state's economy is, in `crisis_sim.model.state.POWER`.
STANDING = (
    "market", "market_at_halt", "drift", "priced", "spent", "strain", "lent", "pressure", "lowest_level", "heaviest",
    "lowest_market", "highest_pressure", "tomorrow",
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

    Market and pressure, and their worst, are looked up when someone looks: at the end of a turn that a model was asked to
    go to. In between rules keep what they follow from: `lent`, pressure from third parties, `lowest_level`, the logarithm of
    the lowest market, and `heaviest`, the heaviest burden.
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
    own.drift += habits.volatility * today


@rule
def balance(own: Any, habits: Any, feared: Any, lent: Any) -> None:
    """Price the danger that is feared, and pay the cost of the turn that has passed."""
    own.priced += habits.reacted * (feared - own.priced)
    kept = _ONE - habits.recovered
    own.spent = own.spent * kept + own.cost
    own.strain *= kept
    own.lent = lent

    level = _level(own, habits)
    own.lowest_level = min(own.lowest_level, level)
    # A market loses less than its logarithm: only where that would be the heaviest burden so far is it worth a closer look.
    if _burden(own, habits, max(-level, _ZERO) + _A_LITTLE) > own.heaviest:
        own.heaviest = max(own.heaviest, _burden(own, habits, _loss(math.exp(level))))


@rule
def feel(own: Any, habits: Any) -> None:
    """Look up market and pressure as they stand."""
    own.market = math.exp(_level(own, habits))
    own.pressure = _pressure(_burden(own, habits, _loss(own.market)), habits)


@rule
def recall(own: Any, habits: Any) -> None:
    """Look up the worst market and pressure so far."""
    own.lowest_market = math.exp(own.lowest_level)
    own.highest_pressure = _pressure(own.heaviest, habits)


@rule
def _level(own: Any, habits: Any) -> Any:
    """The market's level, in logarithms."""
    return min(max(own.drift, -FARTHEST), FARTHEST) - habits.sensitivity * own.priced


@rule
def _loss(market: Any) -> Any:
    return max(_ONE - market, _ZERO)


@rule
def _burden(own: Any, habits: Any, loss: Any) -> Any:
    """What weighs on an economy whose market has lost this share."""
    burden = loss * habits.pressure_of_market_loss
    burden += habits.pressure_of_cost * own.spent
    burden += own.strain
    return burden + own.lent


@rule
def _pressure(burden: Any, habits: Any) -> Any:
    return _ONE - math.exp(min(burden * -habits.vulnerability, _ZERO))
