"""Markets and economic pressure."""

from __future__ import annotations

from typing import Any

from crisis_sim.model.compiling import rule
from crisis_sim.model.luck import exp, normal

#: Tolerance for rounding of dates, days: a market closes before an event at the same time, and at the horizon.
ROUNDING = 1e-9


@rule
def trade(own: Any, facts: Any, c: Any, p: Any, luck: Any, market: Any) -> None:
    """Add the costs of acts, and close the market at the end of each day.

        spent += cost_per_day x days
        drift += volatility x z at each close, z standard normal; see also `close`

    `market` is the random stream of the state's market.
    """
    end, last = c.now + c.wait, c.now
    cost = c.ladder[c.war_rung if c.war else max(own.operation, own.posture)].cost_per_day
    while own.traded <= end + ROUNDING:
        own.spent += cost * (own.traded - last)
        last = own.traded
        if facts.volatility > 0.0:
            own.drift += facts.volatility * normal(c, luck.keys, market)
        close(own, facts, c, p)
        keep_path(own, c, luck)
        own.traded += 1.0
    own.spent += cost * (end - last)


@rule
def close(own: Any, facts: Any, c: Any, p: Any) -> None:
    """Update a market at its close: it prices the feared danger with a delay, and economic pressure (0 to 1) follows.

    feared = danger, or danger x (1 - halt_relief) while a halt is in effect
    priced += (feared - priced) x (1 - exp(-1 / market_reaction_days))
    spent x= exp(-1 / recovery_days),  strain x= exp(-1 / recovery_days)
    market = exp(drift - sensitivity x priced)
    burden = pressure_of_market_loss x max(1 - market, 0) + pressure_of_cost x spent + strain
    pressure = max(1 - exp(-economic_vulnerability x burden), 0)
    """
    feared = c.danger * (1.0 - p.halt_relief) if c.halts[0].in_force else c.danger
    own.priced += (feared - own.priced) * facts.priced_a_day
    own.market = exp(own.drift - facts.sensitivity * own.priced)
    own.lowest_market = min(own.lowest_market, own.market)
    if own.rebound_at <= own.traded and own.rebound != own.rebound:
        own.rebound = own.market / own.market_at_halt - 1.0
    own.spent *= facts.kept_a_day
    own.strain *= facts.kept_a_day
    burden = p.pressure_of_market_loss * max(1.0 - own.market, 0.0)
    burden += p.pressure_of_cost * own.spent + own.strain
    own.pressure = max(1.0 - exp(-facts.economic_vulnerability * burden), 0.0)
    own.highest_pressure = max(own.highest_pressure, own.pressure)


@rule
def keep_path(own: Any, c: Any, luck: Any) -> None:
    """Store the state's rung, market and pressure at the end of a day, for charts."""
    day = int(own.traded)
    if c.path >= 0 and 0 <= day < luck.paths.shape[1]:
        today = luck.paths[c.path, day, own.index]
        today.rung, today.market, today.pressure = own.rung, own.market, own.pressure
