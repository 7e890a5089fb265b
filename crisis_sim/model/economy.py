"""A state's market and economic pressure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crisis_sim.model.agent import Lucky
from crisis_sim.model.arrays import Array
from crisis_sim.scenario.schema import StateSpec

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel

#: How far, in logarithms, a market drifts at most: to nothing or to all there is. A ratio of two such markets
#: is still a number.
FARTHEST = 40.0


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
        self.vulnerability = vulnerability
        self._index = crisis.parameters.numbers(f"states.{name}.market", spec.market)
        economy = crisis.behaviour.economy
        self._reacted = crisis.share(1 / economy.market_reaction_days)
        self._recovered = crisis.share(1 / economy.recovery_days)
        self._days = 0
        self.market = self.array(1.0)
        self.market_at_halt = self.array(np.nan)
        self.drift = self.array()
        self.priced = self.array()
        self.spent = self.array()
        self.strain = self.array()
        self._strained = False
        self.pressure = self.array()
        self.lowest_market = self.array(1.0)
        self.highest_pressure = self.array()

    def suffer(self, pressure: Array) -> None:
        """Take a scheduled event's economic pressure."""
        self._strained = self._strained or bool(np.any(pressure))
        self.strain += pressure

    def observe(self, feared: Array, cost: Array) -> None:
        """Price the danger that is feared, and pay the cost of the turn that has passed."""
        crisis, economy = self.crisis, self.crisis.behaviour.economy
        self.priced += self._reacted * (feared - self.priced)
        days = int(crisis.hours // 24)
        if days > self._days:  # a day's movement without news
            self._days = days
            everyone = np.arange(crisis.replicates)
            self.drift += self._index.volatility * self.normal("market", everyone)
            np.clip(self.drift, -FARTHEST, FARTHEST, out=self.drift)
        self.market = np.exp(self.drift - self._index.sensitivity * self.priced)
        np.minimum(self.lowest_market, self.market, out=self.lowest_market)

        self.spent *= 1 - self._recovered
        self.spent += cost
        burden = 1 - self.market
        np.maximum(burden, 0, out=burden)
        burden *= economy.pressure_of_market_loss
        burden += economy.pressure_of_cost * self.spent
        if self._strained:
            self.strain *= 1 - self._recovered
            burden += self.strain
        burden += crisis.strain_on(self.name)
        burden *= -self.vulnerability
        np.minimum(burden, 0, out=burden)
        self.pressure = 1 - np.exp(burden, out=burden)
        np.maximum(self.highest_pressure, self.pressure, out=self.highest_pressure)
