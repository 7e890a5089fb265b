"""A state: it suffers, plans and answers, tires, sees its rival through fog, and chooses by what its options are worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from crisis_sim.model import record
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
    c_rung,
    end_crisis,
    end_operation,
    go_ahead,
    remember_answer,
    suffer,
    under_fire,
)  # fmt: skip
from crisis_sim.model.choice import MINOR, choose, demand_of, logistic, misread, value_options
from crisis_sim.model.economy import keep_path, trade
from crisis_sim.model.engine import Agent, Event, Maybe, rule
from crisis_sim.model.luck import exp, gamma2, normal, uniform
from crisis_sim.model.record import note


class State(Agent):
    """One of the two states."""

    role = "states"
    capacity = 2
    draws = (
        "stakes",  # how much is at stake for it
        "tempo",  # how often it decides
        "weapons",  # whether it has nuclear weapons, where that is a chance
        "choice",  # which option it takes, and whether it goes on with an operation
        "lead",  # how long an act takes to prepare
        "success",  # how much of an act it can claim as a success
        "length",  # how long until an operation is reviewed
        "error",  # by how much it misreads its rival
        "market",  # the daily movement of its market
        "offence",  # whether it or its rival violates a halt
        "settle",  # how long after giving in the crisis is over to the states
        "readiness",  # whether its forces stand ready, where that is a chance
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
        stake: float  # how much is at stake for it; 1 for the middle state of full resolve
        tempo: float  # decisions a day, neither alarmed nor under fire
        nuclear: bool  # whether it has nuclear weapons
        aversion: float  # to mediators that are seen
        rung: int  # the highest act that stands
        posture: int  # the highest act without violence that stands
        operation: int  # the violent act under way, or 0
        review_at: Maybe  # when its operation is reviewed next, days
        plan: int  # the strike or war that it prepares, or 0
        act_at: Maybe  # when that is ready, days
        opening: int  # the lesser fire that it prepares, or 0
        open_at: Maybe  # when that is ready, days
        force: float  # standing force of its acts, in intensity
        intensity: float  # what it does to its rival now
        grievance: float  # harm suffered and not yet answered; below 0: satisfaction banked
        granted: float  # the share of its claim that its rival has granted
        wronged: float  # the worst that it has suffered and not yet answered, in intensity
        exhaustion: float  # how much of its will fighting has used up, 0 to 1
        demand: float  # how much it wants to answer or have
        alert: bool  # whether it was struck, or offered a halt, and has not yet decided all that it would
        unanswered: float  # the worst that it has suffered and not answered in kind, in intensity
        answered: float  # its highest act since then, in intensity
        ready: bool  # whether its forces fight or have fought
        acted: bool  # whether it has done more than speak and impose sanctions
        acts: int  # how many acts it has carried out
        operations: int  # how many of them were violent
        first_act_at: Maybe  # when it first acted, days
        acted_at: Maybe  # when it last acted, or went on for `RENEWED_AFTER_DAYS`, days
        struck_at: Maybe  # when a violent trigger struck it, days
        answer: int  # its highest act in the weeks after that, up to the first with violence
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
        lowest_market: float  # the lowest so far
        market_at_halt: Maybe  # its market when the first halt came into effect
        rebound: Maybe  # share by which its market rose in the day after a halt
        rebound_at: Maybe  # when that day is over, days
        pressure: float  # economic pressure, 0 to 1
        highest_pressure: float  # the highest so far
        traded: float  # the next day on which its market moves, days
        asked: bool  # whether its choices are left to somebody
        forced: int  # the option that it takes, whatever it is worth, once it is open to it from `forced_from` on, or -1
        forced_from: Maybe  # days
        lent_trust: float  # what agents of a user's own add to `trust`
        lent_information: float  # likewise
        lent_leverage: float  # likewise
        lent_cover: float  # likewise
        lent_counsel: float  # likewise
        lent_dovish: float  # likewise

    class Facts:
        weakness: float  # how much stronger its rival is: above 1 for the weaker state
        act_cost: float  # cost of an act of full intensity
        sensitivity: float  # fall of its market at full danger, in logarithms
        volatility: float  # daily movement of its market without news, in logarithms
        priced_a_day: float  # share of what is feared anew that its market prices in a day
        kept_a_day: float  # share of economic losses and relief that is left after a day
        start: int  # its rung at the start

    def facts(self) -> Mapping[str, Any]:
        """Acts cost the weaker state more, and none less than states that are equals.

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
        """Crises differ in what they are about, which nobody has recorded: half of it is common to both states.

            stake = resolve x exp(stakes_spread x (z_common + z_own) / sqrt 2)
            tempo = min(deliberations_per_day x exp(deliberations_spread x z), decisions_on_alert_per_day)

        Each z is standard normal. A state has nuclear weapons with chance `nuclear`, and its forces stand ready with
        chance `ready`.
        """
        z = (c.halts[0].common + normal(c, luck.keys, own.streams + STAKES)) * math.sqrt(0.5)
        own.stake = facts.resolve * exp(p.stakes_spread * z)
        z = normal(c, luck.keys, own.streams + TEMPO)
        tempo = p.deliberations_per_day * exp(p.deliberations_spread * z)
        own.tempo = min(tempo, p.decisions_on_alert_per_day)
        own.nuclear = uniform(c, luck.keys, own.streams + WEAPONS) < facts.nuclear
        own.aversion = facts.mediation_aversion
        own.posture = own.rung = facts.start
        own.force = c_rung(c, facts.start)
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

    # How things stand.

    @rule
    def perceive(own, rival, facts, c, p, luck):
        """What a state does to its rival now, by the force that stands and by the operation under way.

            intensity = 1 in war, else max(force, intensity of the operation's rung)

        What third parties bring to bear is counted anew at each look.
        """
        own.intensity = 1.0 if c.war else max(own.force, c_rung(c, own.operation))
        own.trust, own.information = own.lent_trust, own.lent_information
        own.leverage, own.cover = own.lent_leverage, own.lent_cover
        own.counsel, own.dovish = own.lent_counsel, own.lent_dovish
        own.money = own.purse = own.assured = 0.0

    @rule
    def weigh(own, rival, facts, c, p, luck):
        """What it demands is to answer what it suffered, and the rest of its claim; fighting uses it up (Slantchev 2003).

            demand = (1 - exhaustion)^2 x stake x (g + claim x (1 - granted))
            g = G / (1 + G / saturation),  G = max(grievance, 0)

        A halt is worth more to who is hurt (Zartman 2000), and less to who does not trust it (Fortna 2004).

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
        """Forget, suffer, tire; an act's standing force fades; markets close once a day."""
        suffer(own, rival, c, p)
        trade(own, facts, c, p, luck, own.streams + MARKET)

    # Decisions.

    @rule
    def decisions(own, rival, facts, c, p, luck):
        """How often it decides (Hermann 1969): under stress more often than in calm, and not while a halt stands.

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
        """Quantal choice among the options that are possible (McKelvey and Palfrey 1995).

            P(option) = exp(value of the option) / sum of exp(value) over all options

        It misreads its rival anew first. Waiting is worth 0, and a halt `halt_value`.
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
        """Carry out the choice that was asked for."""
        if c.asking == own.index:
            act_on(own, rival, c, p, luck)

    # Acts.

    @rule
    def plan_due(own, rival, facts, c, p, luck):
        """When the strike that it prepares is ready."""
        return own.act_at if not c.halts[0].stands else math.inf

    @rule
    def carry_out_plan(own, rival, facts, c, p, luck):
        """Carry out the strike, or go to the war, that was prepared: see `go_ahead`."""
        act, own.plan, own.act_at = own.plan, 0, math.inf
        go_ahead(own, rival, facts, c, p, luck, act)

    @rule
    def opening_due(own, rival, facts, c, p, luck):
        """When the lesser fire that it prepares is ready."""
        return own.open_at if not c.halts[0].stands else math.inf

    @rule
    def open_fire(own, rival, facts, c, p, luck):
        """Open the lesser fire that was prepared: see `go_ahead`."""
        act, own.opening, own.open_at = own.opening, 0, math.inf
        go_ahead(own, rival, facts, c, p, luck, act)

    @rule
    def review_due(own, rival, facts, c, p, luck):
        """When its operation is reviewed."""
        return own.review_at

    @rule
    def review_operation(own, rival, facts, c, p, luck):
        """Go on with an operation of intensity z, or end it.

            P(go on) = logistic(answering x demand x z - act_cost x z^cost_power)

        It ends for certain where neither grievance nor what is left of a claim is above 0. The next review comes after
        `operation_days` in the mean (gamma distributed, shape 2). Who ends it while a grievance is open stays on alert.
        """
        z = c_rung(c, own.operation)
        worth = p.answering * own.demand * z - facts.act_cost * c.ladder[own.operation].toll
        wants = own.grievance > 0 or facts.claim * (1.0 - own.granted) > 0
        if wants and uniform(c, luck.keys, own.streams + CHOICE) < logistic(worth):
            own.review_at = c.now + gamma2(c, luck.keys, own.streams + LENGTH, p.operation_days)
        else:
            note(luck, record.OPERATION_ENDED, own.index, c.now, own.operation)
            end_operation(own)
            own.alert = own.grievance > 0

    # Giving in, and being overpowered.

    @rule
    def giving_in(own, rival, facts, c, p, luck):
        """A state gives in sooner the weaker it is, the more it suffers, and the less it demands (Fearon 1994 on audiences).

            rate = weakness / yielding_days
                   x exp(yielding_fire x rival's intensity + face x cover - yielding_stakes x demand x (1/2 + audience)
                         - patience x [a third party has mediated, and there was violence])

        While a third party mediates an end of violence, there are terms to wait for (Wilkenfeld et al. 2005). It can only
        where the rival had the last word, or in war; not while it prepares an act, nor while a halt stands.
        """
        if c.halts[0].stands or own.plan + own.opening > 0 or not (c.war or c.last == rival.index):
            return 0.0
        holding_out = p.yielding_stakes * own.demand * (0.5 + facts.audience)
        hastened = p.yielding_fire * rival.intensity + p.face * own.cover - holding_out
        if c.mediated_at == c.mediated_at and c.worst >= MINOR:  # mediated, and there was violence
            hastened -= p.patience
        return exp(hastened) * facts.weakness / p.yielding_days

    @rule
    def give_in(own, rival, facts, c, p, luck):
        """Let the rival's last word stand: the crisis ends unilaterally.

        Under fire the states see it as over after `settling_days` in the mean (gamma distributed, shape 2).
        """
        note(luck, record.YIELDED, own.index, c.now)
        settling = 0.0
        if under_fire(c):
            settling = gamma2(c, luck.keys, own.streams + SETTLE, p.settling_days)
        end_crisis(c, luck, UNILATERAL, c.now, settling)

    @rule
    def being_overpowered(own, rival, facts, c, p, luck):
        """The rate at which it is overpowered, while no halt stands, as far as its rival's forces can overrun it.

        rate = collapse_per_day x conquerable x sqrt(rival's intensity) x weakness

        Force decays with distance (Boulding 1962): who reaches the rival by missiles and aircraft alone occupies nothing.
        """
        if c.halts[0].stands:
            return 0.0
        return p.collapse_per_day * facts.conquerable * math.sqrt(rival.intensity) * facts.weakness

    @rule
    def collapse(own, rival, facts, c, p, luck):
        """It is overpowered: the rival imposes what it wants."""
        note(luck, record.COLLAPSED, own.index, c.now)
        end_crisis(c, luck, IMPOSED, c.now, 0.0)

    # Fog.

    @rule
    def accidents(own, rival, facts, c, p, luck):
        """Accidents of its own fire, in war or while it has an operation under way.

        rate = accidents_per_day x intensity
        """
        firing = c.war or own.operation > 0
        return p.accidents_per_day * own.intensity if firing else 0.0

    @rule
    def have_accident(own, rival, facts, c, p, luck):
        """A shot astray: the rival's grievance rises by `accident_harm`, which nobody meant."""
        rival.grievance += p.accident_harm
        note(luck, record.ACCIDENT, own.index, c.now)
