"""A state's market and economic pressure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.agent import Lucky
from crisis_sim.model.arrays import Array, Real, Settings, reals
from crisis_sim.model.compiled import compiled
from crisis_sim.scenario.schema import StateSpec

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel

#: How far, in logarithms, a market drifts at most: to nothing or to all there is. A ratio of two such markets
#: is still a number.
FARTHEST = 40.0

#: How a state's market takes danger, and how its economy bears loss.
MARKET = reals("sensitivity", "vulnerability")
#: How all markets and economies work.
ECONOMY = reals("reacted", "recovered", "pressure_of_market_loss", "pressure_of_cost")
_ZERO, _ONE = Real(0), Real(1)


class Economy(Lucky):
    """Prices danger, pays for the fight, and feels the lender.

    Attributes (each an array over replicates):
        market: level of the index, as a ratio to its level at the start.
        market_at_halt: its level when the last halt came into effect.
        priced: danger as the market has priced it, 0 to 1.
        spent: days of output lost to the crisis and not recovered.
        strain: pressure brought by scheduled events and not recovered.
        pressure: economic pressure, 0 to 1.
        lowest_market, highest_pressure: their worst so far.
    """

    def __init__(
        self, crisis: CrisisModel, name: str, spec: StateSpec, vulnerability: Array
    ) -> None:
        super().__init__(crisis, name)
        index = crisis.parameters.numbers(f"states.{name}.market", spec.market)
        economy = crisis.behaviour.economy
        self._volatility = index.volatility
        self._own = Settings.of(MARKET, sensitivity=index.sensitivity, vulnerability=vulnerability)
        self._usual = Settings.of(
            ECONOMY,
            reacted=crisis.share(1 / economy.market_reaction_days),
            recovered=crisis.share(1 / economy.recovery_days),
            pressure_of_market_loss=economy.pressure_of_market_loss,
            pressure_of_cost=economy.pressure_of_cost,
        )
        self._days = 0
        self.market = self.array(1.0)
        self.market_at_halt = self.array(np.nan)
        self.drift = self.array()
        self.priced = self.array()
        self.spent = self.array()
        self.strain = self.array()
        self.pressure = self.array()
        self.lowest_market = self.array(1.0)
        self.highest_pressure = self.array()

    def suffer(self, pressure: Array) -> None:
        """Take a scheduled event's economic pressure."""
        self.strain += pressure

    def observe(self, feared: NDArray[np.float32], cost: NDArray[np.float32]) -> None:
        """Price the danger that is feared, and pay the cost of the turn that has passed."""
        crisis, settings = self.crisis, (self._own.records, self._usual.records)
        days = int(crisis.hours // 24)
        if days > self._days:  # a day's movement without news
            self._days = days
            everyone = np.arange(crisis.replicates)
            self.drift += self._volatility * self.normal("market", everyone)
            np.clip(self.drift, -FARTHEST, FARTHEST, out=self.drift)
        _price(*settings, feared, self.priced, self.drift, self.market)
        np.exp(self.market, out=self.market)
        burden = self.pressure
        lent = np.zeros_like(burden)
        lent += crisis.strain_on(self.name)
        _pay(
            *settings, cost, lent, self.market, self.lowest_market, self.spent, self.strain, burden
        )
        np.exp(burden, out=burden)
        np.subtract(1, burden, out=self.pressure)
        np.maximum(self.highest_pressure, self.pressure, out=self.highest_pressure)


@compiled
def _price(
    market_settings: NDArray[np.void],
    economy_settings: NDArray[np.void],
    feared: NDArray[np.float32],
    priced: NDArray[np.float32],
    drift: NDArray[np.float32],
    market: NDArray[np.float32],
) -> None:
    """Let markets come nearer to the danger that is feared; `market` is then the logarithm of their level."""
    last, last_usual = market_settings.size - 1, economy_settings.size - 1
    for one in range(market.size):
        own, usual = market_settings[min(one, last)], economy_settings[min(one, last_usual)]
        priced[one] += usual.reacted * (feared[one] - priced[one])
        market[one] = drift[one] - own.sensitivity * priced[one]


@compiled
def _pay(
    market_settings: NDArray[np.void],
    economy_settings: NDArray[np.void],
    cost: NDArray[np.float32],
    lent: NDArray[np.float32],
    market: NDArray[np.float32],
    lowest_market: NDArray[np.float32],
    spent: NDArray[np.float32],
    strain: NDArray[np.float32],
    burden: NDArray[np.float32],
) -> None:
    """Recover and pay; `burden` is then the logarithm of the economic strength that is left."""
    last, last_usual = market_settings.size - 1, economy_settings.size - 1
    for one in range(market.size):
        own, usual = market_settings[min(one, last)], economy_settings[min(one, last_usual)]
        kept = _ONE - usual.recovered
        lowest_market[one] = min(lowest_market[one], market[one])
        spent[one] = spent[one] * kept + cost[one]
        strain[one] *= kept
        weight = max(_ONE - market[one], _ZERO) * usual.pressure_of_market_loss
        weight += usual.pressure_of_cost * spent[one]
        weight += strain[one]
        weight += lent[one]
        burden[one] = min(weight * -own.vulnerability, _ZERO)
