"""Markets and economic pressure of a state."""

from __future__ import annotations

from typing import Any

from crisis_sim.model.compiled import rule
from crisis_sim.model.luck import exp, normal


@rule
def trade(own: Any, facts: Any, c: Any, p: Any, luck: Any, market: Any) -> None:
    """Markets price the danger that is feared, and drift day by day; losses, costs and lenders weigh on the economy.

        feared = danger, or danger x (1 - halt_relief) while a halt is in effect
        spent = spent x exp(-days / recovery_days) + cost_per_day x days,  strain x= exp(-days / recovery_days)
        drift += volatility x z once a day, z standard normal

    `market` is the stream of its market's luck.
    """
    halt = c.halts[0]
    feared = c.danger * (1.0 - p.halt_relief) if halt.in_force else c.danger
    end = c.now + c.wait
    kept = exp(-c.wait / p.recovery_days)
    acting = c.war_rung if c.war else max(own.operation, own.posture)
    own.spent = own.spent * kept + c.ladder[acting].cost_per_day * c.wait
    own.strain *= kept
    last = c.now
    while own.traded <= end:
        price(own, facts, p, feared, own.traded - last)
        own.drift += facts.volatility * normal(c, luck.keys, market)
        last = own.traded
        level(own, facts, p)
        keep_path(own, c, luck)
        if own.rebound_at <= own.traded and own.rebound != own.rebound:
            own.rebound = own.market / own.market_at_halt - 1.0
        own.traded += 1.0
    price(own, facts, p, feared, end - last)
    level(own, facts, p)


@rule
def price(own: Any, facts: Any, p: Any, feared: Any, days: Any) -> None:
    """A market prices what is feared with a delay.

    priced += (feared - priced) x (1 - exp(-days / market_reaction_days))
    """
    own.priced += (feared - own.priced) * (1.0 - exp(-days / p.market_reaction_days))


@rule
def level(own: Any, facts: Any, p: Any) -> None:
    """The market's level, and economic pressure from 0 to 1.

    market = exp(drift - sensitivity x priced)
    burden = pressure_of_market_loss x max(1 - market, 0) + pressure_of_cost x spent + strain
    pressure = max(1 - exp(-economic_vulnerability x burden), 0)
    """
    own.market = exp(own.drift - facts.sensitivity * own.priced)
    own.lowest_market = min(own.lowest_market, own.market)
    burden = p.pressure_of_market_loss * max(1.0 - own.market, 0.0)
    burden += p.pressure_of_cost * own.spent + own.strain
    own.pressure = max(1.0 - exp(-facts.economic_vulnerability * burden), 0.0)
    own.highest_pressure = max(own.highest_pressure, own.pressure)


@rule
def keep_path(own: Any, c: Any, luck: Any) -> None:
    """Note for charts how it stands at the end of a day."""
    day = int(own.traded)
    if c.path >= 0 and 0 <= day < luck.paths.shape[1]:
        today = luck.paths[c.path, day, own.index]
        today.rung, today.market, today.pressure = own.rung, own.market, own.pressure
