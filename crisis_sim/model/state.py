"""A state: it suffers, plans and answers, tires, sees its rival through fog, and chooses by what its options are worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from crisis_sim.model import record
from crisis_sim.model.acts import (
    CHOICE,
    DISPLAY,
    ERROR,
    IMPOSED,
    LENGTH,
    MARKET,
    RENEWED_AFTER_DAYS,
    SETTLE,
    STAKES,
    TEMPO,
    UNILATERAL,
    WEAPONS,
    act_on,
    c_rung,
    carry_out,
    count_act,
    end_crisis,
    end_operation,
    remember_answer,
    suffer,
    under_fire,
)  # fmt: skip
from crisis_sim.model.choice import choose, demand_of, logistic, misread, value_options
from crisis_sim.model.economy import trade
from crisis_sim.model.engine import Agent, Event, Maybe, rule
from crisis_sim.model.luck import gamma2, normal, uniform
from crisis_sim.model.record import note


class State(Agent):
    """One of the two states."""

    role = "states"
    capacity = 2
    draws = (
        "stakes",
        "tempo",
        "weapons",
        "choice",
        "lead",
        "success",
        "length",
        "error",
        "market",
        "settle",
    )
    events = (
        Event("decide", "decide", rate="decisions"),
        Event("act", "carry_out_plan", due="plan_due"),
        Event("review", "review_operation", due="review_due"),
        Event("yield", "give_in", rate="giving_in"),
        Event("collapse", "collapse", rate="being_overpowered"),
        Event("accident", "have_accident", rate="accidents"),
        Event("renewal", "renew", due="renewal_due"),
    )

    class Variables:
        stake: float  # how much is at stake for it; 1 for the middle state of full resolve
        tempo: float  # decisions a day, neither alarmed nor under fire
        nuclear: bool  # whether it has nuclear weapons
        aversion: float  # to mediators that are seen
        rung: int  # the highest act that stands
        posture: int  # the highest act without violence that stands
        operation: int  # the violent act under way, or 0
        review_at: Maybe  # when its operation is reviewed next, days
        plan: int  # the act that it prepares, or 0
        act_at: Maybe  # when that is ready, days
        force: float  # standing force of its acts, in intensity
        intensity: float  # what it does to its rival now
        grievance: float  # harm suffered and not yet answered; below 0: satisfaction banked
        wronged: float  # the worst that it has suffered and not yet answered, in intensity
        exhaustion: float  # how much of its will fighting has used up, 0 to 1
        demand: float  # how much it wants to answer or have
        alert: bool  # whether it was struck and has not yet decided all that it would
        silent: bool  # whether the rival's last act is without any answer
        ready: bool  # whether its forces fight or have fought
        acted: bool  # whether it has acted
        acts: int  # how many acts it has carried out
        operations: int  # how many of them were violent
        first_act_at: Maybe  # when it first acted, days
        acted_at: Maybe  # when it last acted, or went on for `RENEWED_AFTER_DAYS`, days
        struck_at: Maybe  # when a violent trigger struck it, days
        stood: int  # its rung then
        response: int  # the highest rung of its first run of acts above that
        response_at: Maybe  # when that run was complete, days
        answer: int  # its highest act in the first weeks, up to the first with violence
        answer_at: Maybe  # when it did that, days
        offer_until: Maybe  # until when its offer of a halt stands, days
        error: float  # by what share it misreads its rival
        seen: float  # its rival's intensity, as it reads it
        halt_value: float  # what a halt is worth to it
        halt_propensity: float  # chance that it would rather halt than wait
        trust: float  # trust in a halt through channels
        assured: float  # trust in a halt through the mediator that it trusts most
        information: float  # share of the fog that third parties lift
        leverage: float  # value that mediators add to a halt
        cover: float  # how much face mediators save it, 0 to 1
        money: float  # value of a halt by the money that hangs on it
        purse: float  # cost of an act of full intensity by the money that hangs on restraint
        counsel: float  # cost of an act of full intensity by its advisers' counsel
        dovish: float  # value that advisers add to a halt
        strain: float  # further economic pressure of events and lenders
        spent: float  # days of output lost
        drift: float  # logarithm of its market without the danger
        priced: float  # danger as its market prices it
        market: float  # its market index, 1 at the start
        lowest_market: float
        market_at_halt: Maybe
        rebound: Maybe  # share by which its market rose in the day after a halt
        rebound_at: Maybe
        pressure: float  # economic pressure, 0 to 1
        highest_pressure: float
        traded: float  # days of trade so far
        asked: bool  # whether its choices are left to somebody
        forced: int  # the option that it takes at its first decision from `forced_from` on, whatever it is worth, or -1
        forced_from: Maybe  # days
        lent_trust: float  # what agents of one's own bring: see `trust`, `information`, `leverage`, `cover`, `counsel`, `dovish`
        lent_information: float
        lent_leverage: float
        lent_cover: float
        lent_counsel: float
        lent_dovish: float

    class Facts:
        weakness: float  # relative capability of its rival, by `capability_exponent`
        act_cost: float  # cost of an act of full intensity
        sensitivity: float
        volatility: float
        start: int  # its rung at the start

    def facts(self) -> Mapping[str, Any]:
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
        """ln stake = ln resolve + sigma (z_common + z_own) / sqrt 2: crises differ in what they are about (nobody has recorded it).

        Decisions a day, neither alarmed nor under fire, are lognormal over states, and at most those on alert.
        """
        z = (c.halts[0].common + normal(c, luck.keys, own.streams + STAKES)) * math.sqrt(0.5)
        own.stake = facts.resolve * math.exp(p.stakes_spread * z)
        z = normal(c, luck.keys, own.streams + TEMPO)
        tempo = p.deliberations_per_day * math.exp(p.deliberations_spread * z)
        own.tempo = min(tempo, p.decisions_on_alert_per_day)
        own.nuclear = uniform(c, luck.keys, own.streams + WEAPONS) < facts.nuclear
        own.aversion = facts.mediation_aversion
        own.posture = own.rung = facts.start
        own.force = c_rung(c, facts.start)
        own.offer_until = -math.inf
        own.review_at = own.act_at = own.rebound_at = math.inf
        own.rebound = own.market_at_halt = own.answer_at = own.first_act_at = math.nan
        own.acted_at = own.struck_at = own.response_at = math.nan
        own.market = own.lowest_market = 1.0
        own.traded = math.ceil(c.now)
        own.forced = -1

    # How things stand.

    @rule
    def perceive(own, rival, facts, c, p, luck):
        """Intensity: 1 in war, else the greater of standing force and the operation under way."""
        own.intensity = 1.0 if c.war else max(own.force, c_rung(c, own.operation))
        own.trust, own.information = own.lent_trust, own.lent_information
        own.leverage, own.cover = own.lent_leverage, own.lent_cover
        own.counsel, own.dovish = own.lent_counsel, own.lent_dovish
        own.money = own.purse = own.assured = 0.0

    @rule
    def weigh(own, rival, facts, c, p, luck):
        """Demand q = (1 - f)^2 s (g + k), g = G+ / (1 + G+ / saturation): to answer what was suffered, and a claim (Slantchev 2003).

        A halt is worth v = deal + hurting I_rival - mistrust (1 - trust) - forgone q + leverage + relief x pressure + money + counsel.
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
        """Forget, suffer, tire; an act's standing force fades; markets trade day by day."""
        suffer(own, rival, c, p)
        trade(own, facts, c, p, luck, own.streams + MARKET)

    # Decisions.

    @rule
    def decisions(own, rival, facts, c, p, luck):
        """Decisions a day: its own tempo, `decisions_on_alert_per_day` on alert or under fire, at least `decisions_in_war_per_day` in war; none while a halt stands."""
        if c.halts[0].stands:
            return 0.0
        if own.alert or rival.operation > 0 or own.operation > 0:
            return p.decisions_on_alert_per_day
        return max(own.tempo, p.decisions_in_war_per_day) if c.war else own.tempo

    @rule
    def decide(own, rival, facts, c, p, luck):
        """P(option) is proportional to exp(value) (McKelvey and Palfrey 1995); waiting is worth 0."""
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
        """Carry out the choice that was asked for."""
        if c.asking == own.index:
            act_on(own, rival, c, p, luck)

    # Acts.

    @rule
    def plan_due(own, rival, facts, c, p, luck):
        """When the act that it prepares is ready."""
        return own.act_at if own.plan > 0 and not c.halts[0].stands else math.inf

    @rule
    def carry_out_plan(own, rival, facts, c, p, luck):
        """Carry out the act that was prepared, if there is still something to answer or to want."""
        act, own.plan, own.act_at = own.plan, 0, math.inf
        if own.grievance > 0 or facts.claim > 0:
            carry_out(own, rival, c, p, luck, act, True)
        else:
            note(luck, record.PLAN_DROPPED, own.index, c.now, act)

    @rule
    def review_due(own, rival, facts, c, p, luck):
        """When its operation is reviewed."""
        return own.review_at

    @rule
    def review_operation(own, rival, facts, c, p, luck):
        """Go on with chance logistic(omega q z - cost z^b), as long as there is something to answer or to want; else end it."""
        z = c_rung(c, own.operation)
        worth = p.answering * own.demand * z - facts.act_cost * c.ladder[own.operation].toll
        wants = own.grievance > 0 or facts.claim > 0
        if wants and uniform(c, luck.keys, own.streams + CHOICE) < logistic(worth):
            own.review_at = c.now + gamma2(c, luck.keys, own.streams + LENGTH, p.operation_days)
        else:
            note(luck, record.OPERATION_ENDED, own.index, c.now, own.operation)
            end_operation(own)
            own.alert = own.grievance > 0

    @rule
    def renewal_due(own, rival, facts, c, p, luck):
        """When force or a display that goes on counts as a new act (MIE codes an incident that lasts as one)."""
        goes_on = c.war or own.operation > 0 or c.ladder[own.posture].kind >= DISPLAY
        return (
            own.acted_at + RENEWED_AFTER_DAYS if goes_on and not c.halts[0].in_force else math.inf
        )

    @rule
    def renew(own, rival, facts, c, p, luck):
        """Count an act that goes on."""
        count_act(own, c, c.war_rung if c.war else max(own.operation, own.posture))

    # Giving in, and being overpowered.

    @rule
    def giving_in(own, rival, facts, c, p, luck):
        """Rate (1/u) exp(fire x I_rival - psi q (1/2 + audience) + face x cover) x weakness, if the rival has the last word, or in war."""
        if c.halts[0].stands or own.plan > 0 or not (c.war or c.last == rival.index):
            return 0.0
        holding_out = p.yielding_stakes * own.demand * (0.5 + facts.audience)
        hastened = p.yielding_fire * rival.intensity + p.face * own.cover - holding_out
        return math.exp(hastened) * facts.weakness / p.yielding_days

    @rule
    def give_in(own, rival, facts, c, p, luck):
        """Let the rival's last word stand: the crisis ends unilaterally."""
        note(luck, record.YIELDED, own.index, c.now)
        settling = 0.0
        if under_fire(c):
            settling = gamma2(c, luck.keys, own.streams + SETTLE, p.settling_days)
        end_crisis(c, luck, UNILATERAL, c.now, settling)

    @rule
    def being_overpowered(own, rival, facts, c, p, luck):
        """Rate collapse x sqrt(I_rival) x weakness."""
        if c.halts[0].stands:
            return 0.0
        return p.collapse_per_day * math.sqrt(rival.intensity) * facts.weakness

    @rule
    def collapse(own, rival, facts, c, p, luck):
        """It is overpowered: the rival imposes what it wants."""
        note(luck, record.COLLAPSED, own.index, c.now)
        end_crisis(c, luck, IMPOSED, c.now, 0.0)

    # Fog.

    @rule
    def accidents(own, rival, facts, c, p, luck):
        """Accidents a day are proportional to the intensity of its fire."""
        firing = c.war or own.operation > 0
        return p.accidents_per_day * own.intensity if firing else 0.0

    @rule
    def have_accident(own, rival, facts, c, p, luck):
        """A shot astray: grievance of the rival's that nobody meant."""
        rival.grievance += p.accident_harm
        note(luck, record.ACCIDENT, own.index, c.now)
