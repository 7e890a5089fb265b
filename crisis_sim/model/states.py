"""States: what they perceive, demand and decide; their acts, operations, markets, and how they give in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from crisis_sim.model import journal
from crisis_sim.model.acts import (
    CHOICE,
    ERROR,
    IMPOSED,
    LENGTH,
    MARKET,
    READINESS,
    SETTLE,
    STAKES,
    TEMPO,
    UNILATERAL,
    WEAPONS,
    act_on,
    end_crisis,
    end_operation,
    go_ahead,
    remember_answer,
    rung_intensity,
    suffer,
    under_fire,
)  # fmt: skip
from crisis_sim.model.agent import Agent, Event, Maybe, rule
from crisis_sim.model.choice import MINOR, choose, demand_of, logistic, misread, value_options
from crisis_sim.model.economy import keep_path, trade
from crisis_sim.model.journal import note
from crisis_sim.model.luck import exp, gamma2, normal, uniform


class State(Agent):
    """One of the two states."""

    role = "states"
    capacity = 2
    draws = (
        "stakes",  # its stake in the crisis
        "tempo",  # its rate of decisions
        "weapons",  # possession of nuclear weapons, if uncertain
        "choice",  # the chosen option, and whether an operation continues
        "lead",  # preparation time of an act
        "success",  # success of an act
        "length",  # time until the review of an operation
        "error",  # error in the perceived intensity of its rival
        "market",  # daily movement of its market
        "offence",  # which state a violation of a halt harms
        "settle",  # time from giving in until the states see the crisis as over
        "readiness",  # readiness of its forces, if uncertain
    )
    events = (
        Event("decide", "decide", rate="decisions"),
        Event("act", "carry_out_plan", due="plan_due"),
        Event("fire", "open_fire", due="opening_due"),
        Event("review", "review_operation", due="review_due"),
        Event("yield", "give_in", rate="giving_in"),
        Event("collapse", "collapse", rate="being_overpowered"),
        Event("accident", "have_accident", rate="accidents"),
    )

    class Variables:
        stake: float  # its stake in the crisis; 1 for the median state with resolve 1
        tempo: float  # decisions per day in calm
        nuclear: bool  # has nuclear weapons
        aversion: float  # aversion to visible mediators
        rung: int  # its highest current rung
        posture: int  # highest act without violence, which persists
        operation: int  # rung of the violent act under way, or 0
        review_at: Maybe  # time of the next review of its operation, days
        plan: int  # strike or war under preparation, or 0
        act_at: Maybe  # time at which that is ready, days
        opening: int  # lesser fire under preparation, or 0
        open_at: Maybe  # time at which that is ready, days
        force: float  # standing force of its acts, in intensity
        intensity: float  # its current intensity towards its rival
        grievance: float  # harm suffered and not answered; negative if answered in excess
        granted: float  # share of its claim that its rival has granted
        wronged: float  # most intense act suffered and not answered
        exhaustion: float  # share of its will to fight used up, 0 to 1
        demand: float  # value of what it still wants to answer or obtain
        alert: bool  # was harmed or offered a halt, and is still deciding how to respond
        unanswered: float  # intensity of the most intense act that awaits an answer in kind
        answered: float  # intensity of its highest act since then
        ready: bool  # its forces fight or have fought
        acted: bool  # has gone beyond words and sanctions
        acts: int  # number of its acts
        operations: int  # number of its violent acts
        first_act_at: Maybe  # time of its first act, days
        acted_at: Maybe  # time of its last act, or of its last count by `renew`, days
        struck_at: Maybe  # time of the first violent trigger against it, days
        answer: int  # its answer to that trigger, a rung (see `acts.remember_answer`)
        answer_at: Maybe  # time of that answer, days
        offer_until: Maybe  # time at which its offer of a halt lapses, days
        error: float  # relative error in the perceived intensity of its rival
        seen: float  # perceived intensity of its rival
        halt_value: float  # value of a halt to it
        halt_propensity: float  # probability of preferring a halt to waiting
        trust: float  # trust in a halt through channels
        assured: float  # trust in a halt through the most trusted mediator
        information: float  # share of the error that third parties remove
        leverage: float  # value that mediators add to a halt
        cover: float  # degree to which mediators save its face, 0 to 1
        money: float  # value that loans add to a halt
        purse: float  # cost of an act of full intensity in loans at risk
        counsel: float  # cost of an act of full intensity by its advisers' counsel
        dovish: float  # value that advisers add to a halt
        strain: float  # further economic pressure from events and lenders
        spent: float  # economic cost, days of output
        drift: float  # logarithm of its market index without the danger
        priced: float  # danger priced by its market
        market: float  # its market index, 1 at the start
        lowest_market: float  # lowest market index so far
        market_at_halt: Maybe  # its market index when the first halt took effect
        rebound: Maybe  # relative rise of its market in the day after a halt
        rebound_at: Maybe  # time at which that day ends, days
        pressure: float  # economic pressure, 0 to 1
        highest_pressure: float  # highest pressure so far
        traded: float  # time of the next market close, days
        asked: bool  # its choices are left to a policy
        forced: int  # option that it must take once possible, from `forced_from` on, or -1
        forced_from: Maybe  # time from which `forced` applies, days
        lent_trust: float  # value added to `trust` by agents in plain Python
        lent_information: float  # likewise for `information`
        lent_leverage: float  # likewise for `leverage`
        lent_cover: float  # likewise for `cover`
        lent_counsel: float  # likewise for `counsel`
        lent_dovish: float  # likewise for `dovish`

    class Facts:
        weakness: float  # relative strength of its rival; above 1 for the weaker state
        act_cost: float  # cost of an act of full intensity
        sensitivity: float  # fall of its market at full danger, in logarithms
        volatility: float  # daily standard deviation of its market without news, in logarithms
        priced_a_day: float  # share of newly feared danger that its market prices per day
        kept_a_day: float  # share of economic losses and relief that remains after a day
        start: int  # its rung at the start

    def facts(self) -> Mapping[str, Any]:
        """Return the facts; acts cost the weaker state more.

        weakness = (capability of the rival / its own)^capability_exponent
        act_cost = cost x max(weakness, 1) x caution
        """
        model, p = self.model, self.model.behaviour
        own = model.numbers[f"states.{self.name}"]
        rival = model.numbers[f"states.{model.rival_of(self.name)}"]
        market = model.numbers[f"states.{self.name}.market"]
        weakness = (rival.capability / own.capability) ** p.capability_exponent
        names = [rung.name for rung in model.scenario.ladder]
        return {
            "weakness": weakness,
            "act_cost": p.cost * np.maximum(weakness, 1.0) * own.caution,
            "sensitivity": market.sensitivity,
            "volatility": market.volatility,
            "priced_a_day": -np.expm1(-1 / p.market_reaction_days),
            "kept_a_day": np.exp(-1 / p.recovery_days),
            "start": names.index(self.spec.rung_at_start) if self.spec.rung_at_start else 0,
        }

    def outcomes(self) -> Mapping[str, Any]:
        own = self.records
        return {
            f"{self.name}_lowest_market": own["lowest_market"].copy(),
            f"{self.name}_highest_pressure": own["highest_pressure"].copy(),
            f"{self.name}_market_rebound": own["rebound"].copy(),
            f"{self.name}_first_act_at_hours": own["first_act_at"] * 24,
        }

    @rule
    def begin(own, rival, facts, c, p, luck):
        """Draw the state's stake, half of which both states share, and its tempo.

            stake = resolve x exp(stakes_spread x (z_common + z_own) / sqrt 2)
            tempo = min(deliberations_per_day x exp(deliberations_spread x z), decisions_on_alert_per_day)

        Each z is standard normal. A state has nuclear weapons with probability `nuclear`, and its forces are ready with
        probability `ready`. Crises differ in their stakes, which no data record.
        """
        z = (c.halts[0].common + normal(c, luck.keys, own.streams + STAKES)) * math.sqrt(0.5)
        own.stake = facts.resolve * exp(p.stakes_spread * z)
        z = normal(c, luck.keys, own.streams + TEMPO)
        tempo = p.deliberations_per_day * exp(p.deliberations_spread * z)
        own.tempo = min(tempo, p.decisions_on_alert_per_day)
        own.nuclear = uniform(c, luck.keys, own.streams + WEAPONS) < facts.nuclear
        own.aversion = facts.mediation_aversion
        own.posture = own.rung = facts.start
        own.force = rung_intensity(c, facts.start)
        own.ready = uniform(c, luck.keys, own.streams + READINESS) < facts.ready
        own.offer_until = -math.inf
        own.review_at = own.act_at = own.open_at = own.rebound_at = math.inf
        own.rebound = own.market_at_halt = own.answer_at = own.first_act_at = math.nan
        own.acted_at = own.struck_at = math.nan
        own.market = own.lowest_market = 1.0
        own.traded = c.now
        keep_path(own, c, luck)
        own.traded += 1.0
        own.forced = -1

    # Situation.

    @rule
    def perceive(own, rival, facts, c, p, luck):
        """Compute the state's intensity towards its rival, and reset third-party influence.

        intensity = 1 in war, else max(force, intensity of the operation's rung)
        """
        own.intensity = 1.0 if c.war else max(own.force, rung_intensity(c, own.operation))
        own.trust, own.information = own.lent_trust, own.lent_information
        own.leverage, own.cover = own.lent_leverage, own.lent_cover
        own.counsel, own.dovish = own.lent_counsel, own.lent_dovish
        own.money = own.purse = own.assured = 0.0

    @rule
    def weigh(own, rival, facts, c, p, luck):
        """Compute demand and the value of a halt. Fighting uses up demand (Slantchev 2003).

            demand = (1 - exhaustion)^2 x stake x (g + claim x (1 - granted))
            g = G / (1 + G / saturation),  G = max(grievance, 0)

        A halt is worth more to a state that is hurt (Zartman 2000), and less to one that does not trust it (Fortna 2004).

            seen = max(rival's intensity x (1 + error x (1 - information)), 0)
            halt_value = deal + hurting x seen - mistrust x (1 - trust) x (1 - assured) - forgone x demand
                         + leverage + economic_relief x pressure + money + dovish
            halt_propensity = logistic(halt_value)
        """
        own.demand = demand_of(own, facts, p, own.grievance)
        own.seen = max(rival.intensity * (1.0 + own.error * (1.0 - own.information)), 0.0)
        own.halt_value = (
            c.halts[0].deal
            + p.hurting * own.seen
            - p.mistrust * (1.0 - own.trust) * (1.0 - own.assured)
            - p.forgone * own.demand
            + own.leverage
            + p.economic_relief * own.pressure
            + own.money
            + own.dovish
        )
        own.halt_propensity = logistic(own.halt_value)

    @rule
    def pass_time(own, rival, facts, c, p, luck):
        """Update grievance, exhaustion and force, and close the market once a day."""
        suffer(own, rival, c, p)
        trade(own, facts, c, p, luck, own.streams + MARKET)

    # Decisions.

    @rule
    def decisions(own, rival, facts, c, p, luck):
        """Rate of decisions (Hermann 1969): higher under stress, 0 while a halt is agreed.

        rate = decisions_on_alert_per_day on alert, or while either state has an operation under way
               max(tempo, decisions_in_war_per_day) in war
               tempo else
        """
        if c.halts[0].stands:
            return 0.0
        if own.alert or rival.operation > 0 or own.operation > 0:
            return p.decisions_on_alert_per_day
        return max(own.tempo, p.decisions_in_war_per_day) if c.war else own.tempo

    @rule
    def decide(own, rival, facts, c, p, luck):
        """Choose among the possible options by quantal choice (McKelvey and Palfrey 1995).

            P(option) = exp(value of the option) / sum of exp(value) over all options

        The state draws a new error in its perception of the rival first. Waiting has value 0, and a halt `halt_value`.
        """
        misread(own, rival, c, p, luck, own.streams + ERROR)
        if c.war:
            remember_answer(own, c, c.war_rung)
        value_options(own, rival, facts, c, p)
        c.choice = choose(own, c, luck, own.streams + CHOICE)
        c.asking = own.index
        if not own.asked:
            act_on(own, rival, c, p, luck)
            c.asking = -1

    @rule
    def take(own, rival, facts, c, p, luck):
        """Carry out the choice that was left open to a policy."""
        if c.asking == own.index:
            act_on(own, rival, c, p, luck)

    # Acts.

    @rule
    def plan_due(own, rival, facts, c, p, luck):
        """Time at which the strike or war under preparation is ready."""
        return own.act_at if not c.halts[0].stands else math.inf

    @rule
    def carry_out_plan(own, rival, facts, c, p, luck):
        """Carry out the prepared strike, or begin the prepared war: see `go_ahead`."""
        act, own.plan, own.act_at = own.plan, 0, math.inf
        go_ahead(own, rival, facts, c, p, luck, act)

    @rule
    def opening_due(own, rival, facts, c, p, luck):
        """Time at which the lesser fire under preparation is ready."""
        return own.open_at if not c.halts[0].stands else math.inf

    @rule
    def open_fire(own, rival, facts, c, p, luck):
        """Open the prepared lesser fire: see `go_ahead`."""
        act, own.opening, own.open_at = own.opening, 0, math.inf
        go_ahead(own, rival, facts, c, p, luck, act)

    @rule
    def review_due(own, rival, facts, c, p, luck):
        """Time at which the operation is reviewed."""
        return own.review_at

    @rule
    def review_operation(own, rival, facts, c, p, luck):
        """Continue or end an operation of intensity z.

            P(continue) = logistic(answering x demand x z - act_cost x z^cost_power)

        The operation ends for certain if the state has neither a grievance nor an unmet claim. The next review comes after
        `operation_days` on average (gamma distributed, shape 2). A state that ends it with a grievance stays on alert.
        """
        z = rung_intensity(c, own.operation)
        value = p.answering * own.demand * z - facts.act_cost * c.ladder[own.operation].toll
        wants = own.grievance > 0 or facts.claim * (1.0 - own.granted) > 0
        if wants and uniform(c, luck.keys, own.streams + CHOICE) < logistic(value):
            own.review_at = c.now + gamma2(c, luck.keys, own.streams + LENGTH, p.operation_days)
        else:
            note(luck, journal.OPERATION_ENDED, own.index, c.now, own.operation)
            end_operation(own)
            own.alert = own.grievance > 0

    # Giving in and defeat.

    @rule
    def giving_in(own, rival, facts, c, p, luck):
        """Rate of giving in: higher for a weaker state, under more fire, and with less demand (on audiences: Fearon 1994).

            rate = weakness / yielding_days
                   x exp(yielding_fire x rival's intensity + face x cover - yielding_stakes x demand x (1/2 + audience)
                         - patience x [a third party has mediated, and there was violence])

        Mediation after violence slows giving in, because the state may wait for terms (Wilkenfeld et al. 2005). Outside
        war a state gives in only if its rival acted last; never while it prepares a violent act, or while a halt is agreed.
        """
        if c.halts[0].stands or own.plan + own.opening > 0 or not (c.war or c.last == rival.index):
            return 0.0
        holding_out = p.yielding_stakes * own.demand * (0.5 + facts.audience)
        hastened = p.yielding_fire * rival.intensity + p.face * own.cover - holding_out
        if c.mediated_at == c.mediated_at and c.worst >= MINOR:  # mediation and violence
            hastened -= p.patience
        return exp(hastened) * facts.weakness / p.yielding_days

    @rule
    def give_in(own, rival, facts, c, p, luck):
        """Give in to the rival's last act: the crisis ends unilaterally.

        Under fire, the states see the crisis as over after a settling time (gamma distributed, shape 2, mean
        `settling_days`).
        """
        note(luck, journal.YIELDED, own.index, c.now)
        settling = 0.0
        if under_fire(c):
            settling = gamma2(c, luck.keys, own.streams + SETTLE, p.settling_days)
        end_crisis(c, luck, UNILATERAL, c.now, settling)

    @rule
    def being_overpowered(own, rival, facts, c, p, luck):
        """Rate of defeat, given that the rival's forces can overrun the state; 0 while a halt is agreed.

        rate = collapse_per_day x conquerable x sqrt(rival's intensity) x weakness

        Force decays with distance (Boulding 1962): missiles and aircraft alone occupy nothing.
        """
        if c.halts[0].stands:
            return 0.0
        return p.collapse_per_day * facts.conquerable * math.sqrt(rival.intensity) * facts.weakness

    @rule
    def collapse(own, rival, facts, c, p, luck):
        """End the crisis by defeat: the rival imposes its terms."""
        note(luck, journal.COLLAPSED, own.index, c.now)
        end_crisis(c, luck, IMPOSED, c.now, 0.0)

    # Accidents.

    @rule
    def accidents(own, rival, facts, c, p, luck):
        """Rate of accidents of the state's own fire, in war or during an operation.

        rate = accidents_per_day x intensity
        """
        firing = c.war or own.operation > 0
        return p.accidents_per_day * own.intensity if firing else 0.0

    @rule
    def have_accident(own, rival, facts, c, p, luck):
        """Harm the rival unintentionally: its grievance rises by `accident_harm`."""
        rival.grievance += p.accident_harm
        note(luck, journal.ACCIDENT, own.index, c.now)
