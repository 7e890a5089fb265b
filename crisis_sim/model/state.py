"""A state: it suffers, plans and answers, tires, sees its rival through fog, and chooses by what its options are worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from crisis_sim.model import record
from crisis_sim.model.compiled import routine, rule as inlined
from crisis_sim.model.engine import Agent, Event, rule
from crisis_sim.model.luck import gamma2, normal, uniform
from crisis_sim.model.record import first, note

#: Rungs that there is room for.
RUNGS = 16
#: Options of a decision: to wait (0), to carry out or plan the act of a rung (its number), or to offer or accept a halt.
HALT = RUNGS
OPTIONS = RUNGS + 1
IMPOSSIBLE = -1e9

_LN2 = math.log(2.0)

#: Violence of a rung: the words of ICB, by number.
MINOR, SERIOUS, FULL_WAR = 1, 2, 3

# Streams, after the clocks of its events.
_CLOCKS = 4
STAKES, TEMPO, WEAPONS, CHOICE, LEAD, SUCCESS, LENGTH, ERROR, MARKET, SETTLE = range(_CLOCKS, _CLOCKS + 10)


class State(Agent):
    """One of the two states."""

    role = "states"
    capacity = 2
    draws = ("stakes", "tempo", "weapons", "choice", "lead", "success", "length", "error", "market", "settle")
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
        review_at: float  # when its operation is reviewed next, days
        plan: int  # the act that it prepares, or 0
        act_at: float  # when that is ready, days
        force: float  # standing force of its acts, in intensity
        intensity: float  # what it does to its rival now
        grievance: float  # harm suffered and not yet answered; below 0: satisfaction banked
        exhaustion: float  # how much of its will fighting has used up, 0 to 1
        demand: float  # how much it wants to answer or have
        alert: bool  # whether it was struck and has not yet decided all that it would
        silent: bool  # whether the rival's last act is without any answer
        ready: bool  # whether its forces fight or have fought
        acted: bool  # whether it has acted
        acts: int  # how many acts it has carried out
        operations: int  # how many of them were violent
        first_act_at: float  # when it first acted, days
        acted_at: float  # when it last acted, or went on for `RENEWED_AFTER_DAYS`, days
        struck_at: float  # when a violent trigger struck it, days
        stood: int  # its rung then
        response: int  # the highest rung of its first run of acts above that
        response_at: float  # when that run was complete, days
        answer: int  # its highest act in the first weeks, up to the first with violence
        answer_at: float  # when it did that, days
        offer_until: float  # until when its offer of a halt stands, days
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
        market_at_halt: float
        rebound: float  # share by which its market rose in the day after a halt
        rebound_at: float
        pressure: float  # economic pressure, 0 to 1
        highest_pressure: float
        traded: float  # days of trade so far
        asked: bool  # whether its choices are left to somebody
        forced: int  # the option that it takes at its first decision from `forced_from` on, whatever it is worth, or -1
        forced_from: float  # days
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
        trade(own, facts, c, p, luck)

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
        misread(own, rival, c, p, luck)
        if c.war:
            remember_answer(own, c, c.war_rung)
        value_options(own, rival, facts, c, p)
        c.choice = choose(own, c, luck)
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
        return own.acted_at + RENEWED_AFTER_DAYS if goes_on and not c.halts[0].in_force else math.inf

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


UNRESOLVED, AGREEMENT, TACIT, UNILATERAL, IMPOSED, FADED = 5, 0, 1, 2, 3, 4


@inlined
def c_rung(c: Any, rung: Any) -> Any:
    """A rung's intensity."""
    return c.ladder[rung].intensity


@inlined
def logistic(x: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + math.exp(-x))


@inlined
def under_fire(c: Any) -> Any:
    """Whether either side fires."""
    return c.war or c.states[0].operation > 0 or c.states[1].operation > 0


@inlined
def demand_of(state: Any, facts: Any, p: Any, grievance: Any) -> Any:
    """How much a state with this grievance wants to answer or have."""
    left = 1.0 - state.exhaustion
    suffered = max(grievance, 0.0)
    return left * left * state.stake * (suffered / (1.0 + suffered / p.saturation) + facts.claim)


@inlined
def value_options(own: Any, rival: Any, facts: Any, c: Any, p: Any) -> None:
    """What each option is worth.

    An act of intensity z: U = omega (1-f)^2 s [g z + k (z - e)+] + silence - cost z^b - dread z^6 - purse z - counsel z
    - lines not yet crossed - trouble, or bother for a strike. Acts without violence are carried out at once; those with it are prepared.
    """
    left = (1.0 - own.exhaustion) * (1.0 - own.exhaustion) * own.stake
    suffered = max(own.grievance, 0.0)
    suffered = suffered / (1.0 + suffered / p.saturation)
    silence = p.silence_cost * facts.audience if own.silent else 0.0
    dread = p.cost * p.nuclear_dread if rival.nuclear else 0.0
    busy = c.ladder[own.operation].violence
    for k in range(1, c.n_rungs):
        rung = c.ladder[k]
        violence = rung.violence
        possible = k > own.posture
        if c.war:
            possible = rung.nuclear and own.nuclear
        elif violence >= SERIOUS:
            possible = own.plan == 0 and busy < SERIOUS
            if violence == FULL_WAR:
                possible = possible and c.worst >= MINOR and not rung.nuclear
        elif violence == MINOR:
            possible = own.operation == 0 and own.plan == 0
        if not possible:
            c.values[k] = IMPOSSIBLE
            continue
        z = rung.intensity
        value = p.answering * left * (suffered * z + facts.claim * max(z - own.force, 0.0))
        value += silence - (p.bother if violence >= SERIOUS else p.trouble) - facts.act_cost * rung.toll - dread * rung.dread
        value -= own.counsel * z + own.purse * max(z - own.intensity, 0.0)
        if violence >= MINOR and c.worst < MINOR:
            value -= p.line_minor
        if violence >= SERIOUS and c.worst < SERIOUS:
            value -= p.line_serious
        if violence >= FULL_WAR and c.worst < FULL_WAR:
            value -= p.line_war
        if rung.nuclear:
            value -= p.nuclear_taboo
        c.values[k] = value
    for k in range(c.n_rungs, HALT):
        c.values[k] = IMPOSSIBLE
    c.values[0] = 0.0
    c.values[HALT] = own.halt_value


@inlined
def choose(own: Any, c: Any, luck: Any) -> Any:
    """The option that is taken; the same luck is consumed whatever it is."""
    drawn = uniform(c, luck.keys, own.streams + CHOICE)
    top = 0.0
    for k in range(OPTIONS):
        top = max(top, c.values[k])
    total = 0.0
    for k in range(OPTIONS):
        value = c.values[k]
        odds = math.exp(value - top) if value > top - 40.0 else 0.0
        c.odds[k] = odds
        total += odds
    if own.forced >= 0 and c.now >= own.forced_from:
        option, own.forced = own.forced, -1
        return option
    drawn *= total
    option = 0
    for k in range(OPTIONS):
        if c.odds[k] > 0.0:
            option = k
            if drawn < c.odds[k]:
                break
            drawn -= c.odds[k]
    return option


@routine
def act_on(own: Any, rival: Any, c: Any, p: Any, luck: Any) -> None:
    """Carry out the choice of a decision."""
    option = c.choice
    if option == 0:
        own.alert = False
    elif option == HALT:
        offer(own, rival, c, p, luck)
    elif c.ladder[option].violence >= MINOR:
        prepare(own, c, p, luck, option)
    else:
        carry_out(own, rival, c, p, luck, option, True)


@inlined
def misread(own: Any, rival: Any, c: Any, p: Any, luck: Any) -> None:
    """Read the rival's intensity with an error between -misreading and misreading of it, less what third parties tell."""
    own.error = p.misreading * (2.0 * uniform(c, luck.keys, own.streams + ERROR) - 1.0)
    before = own.seen
    own.seen = max(rival.intensity * (1.0 + own.error * (1.0 - own.information)), 0.0)
    own.halt_value += p.hurting * (own.seen - before)


@inlined
def prepare(own: Any, c: Any, p: Any, luck: Any, act: Any) -> None:
    """Begin to prepare an act: gamma distributed (shape 2), with mean its intensity times `preparation_days`."""
    mean = p.preparation_days * c_rung(c, act)
    if own.ready and c.ladder[act].violence < FULL_WAR:
        mean = p.ready_days
    own.plan = act
    own.act_at = c.now + gamma2(c, luck.keys, own.streams + LEAD, max(mean, p.ready_days))
    note(luck, record.PLANNED, own.index, c.now, act)


@inlined
def offer(own: Any, rival: Any, c: Any, p: Any, luck: Any) -> None:
    """Offer a halt, or accept the one that the rival offers."""
    own.alert = False
    halt = c.halts[0]
    if rival.offer_until >= c.now:
        halt.stands, halt.in_force = True, False
        halt.due = c.now + p.implementation_hours / 24.0
        c.agreed_at = first(c.agreed_at, c.now)
        own.offer_until = rival.offer_until = -math.inf
        own.plan = rival.plan = 0
        own.act_at = rival.act_at = math.inf
        c.broker = broker_of(c, p)
        note(luck, record.AGREED, own.index, c.now, c.broker)
    else:
        if own.offer_until < c.now:
            note(luck, record.OFFERED, own.index, c.now)
        own.offer_until = c.now + p.offer_lasts_days


@inlined
def broker_of(c: Any, p: Any) -> Any:
    """The engaged mediator with most sway, if that is enough for a settlement to count as brokered: its number from 1, or 0."""
    most, best = p.brokered_share, 0
    for k in range(c.n_mediators):
        if c.mediators[k].sway > most:
            most, best = c.mediators[k].sway, k + 1
    return best


@inlined
def end_operation(own: Any) -> None:
    """Cease fire."""
    own.operation, own.review_at = 0, math.inf
    own.rung = own.posture


#: Kinds of act in a militarised confrontation, from least to worst, after MIE (Gibler and Miller); by number, -1 for none.
ACTS = ("threat", "display", "force", "war")
THREAT, DISPLAY, FORCE, WAR_ACT = range(4)
#: Force or a display that goes on is a new act this long after the last, days.
RENEWED_AFTER_DAYS = 7.0
#: Acts no further apart than this are one response, carried out step by step, days.
RESPONSE_GAP_DAYS = 3.0


@routine
def count_act(own: Any, c: Any, act: Any) -> None:
    """Count that an act followed the last one of either state, and what it adds to an answer to a violent trigger."""
    kind = c.ladder[act].kind
    if c.war and kind == FORCE:
        kind = WAR_ACT
    if c.last_act >= 0:
        c.followed[len(ACTS) * c.last_act + kind] += 1
    c.last_act = kind
    own.acted_at = c.now
    in_time = not c.now - own.response_at > RESPONSE_GAP_DAYS  # true before the first
    if own.struck_at == own.struck_at and act > own.stood and in_time:
        own.response = max(own.response, act)
        own.response_at = c.now


#: An answer to the trigger comes within this time, days.
_ANSWER_DAYS = 60.0


@inlined
def remember_answer(own: Any, c: Any, act: Any) -> None:
    """Remember its highest act of the first weeks, up to the first with violence."""
    early = c.now - c.began < _ANSWER_DAYS
    if early and act > own.answer and c.ladder[own.answer].violence < MINOR:
        own.answer, own.answer_at = act, c.now


@routine
def carry_out(own: Any, rival: Any, c: Any, p: Any, luck: Any, act: Any, credited: Any) -> None:
    """Carry out an act: blow z of grievance to the rival; own grievance is settled by credit, down to what can be banked.

    Args:
        credited: whether it settles grievance of its own; not for the act with which a crisis begins.
    """
    rung = c.ladder[act]
    z = rung.intensity
    own.acted, own.silent, own.offer_until = True, False, -math.inf
    c.last = own.index
    rival.grievance += p.blow * z
    rival.alert = rival.silent = True
    if credited:
        success = 0.5 + uniform(c, luck.keys, own.streams + SUCCESS)
        own.grievance = max(own.grievance - p.answer_credit * success * p.blow * z, -p.banked)
    own.force = max(own.force, z)
    c.deaths += rung.opening_deaths
    own.rung = max(own.posture, act)
    c.peak_rung = max(c.peak_rung, act)
    note(luck, record.ACT, own.index, c.now, act)
    own.acts += 1
    count_act(own, c, act)
    own.first_act_at = first(own.first_act_at, c.now)
    if credited:
        remember_answer(own, c, act)
    if rung.violence == 0:
        own.posture = max(own.posture, act)
        own.rung = max(own.posture, own.operation)
        return
    own.operations += 1
    own.ready = rival.ready = True
    c.worst = max(c.worst, rung.violence)
    c.last_fire = c.now
    c.fire_at = first(c.fire_at, c.now)
    if rung.strike:
        c.last_strike = c.now
    if rung.strike and c.first_strike_at != c.first_strike_at:
        c.first_strike_at, c.first_strike_by = c.now, own.index
        note(luck, record.FIRST_STRIKE, own.index, c.now)
    if rung.nuclear and c.nuclear_use_at != c.nuclear_use_at:
        c.nuclear_use_at = c.now
        note(luck, record.NUCLEAR_USE, own.index, c.now)
    if rung.violence >= FULL_WAR:
        if not c.war:
            c.war_at = first(c.war_at, c.now)
            note(luck, record.WAR, own.index, c.now)
        c.war = True
        for k in range(2):
            one = c.states[k]
            one.plan, one.operation = 0, 0
            one.act_at = one.review_at = math.inf
            one.rung = max(one.rung, c.war_rung)
            one.force = max(one.force, c_rung(c, c.war_rung))
    else:
        own.operation = act
        own.review_at = c.now + gamma2(c, luck.keys, own.streams + LENGTH, p.operation_days)


@routine
def end_crisis(c: Any, luck: Any, ending: Any, at: Any, settling: Any) -> None:
    """End a crisis, as of a time; states then see it as over after a time of settling (ICB's clock)."""
    c.ending, c.ended_at, c.followed_until = ending, at, c.now
    c.over_at = at + settling
    c.ongoing = False
    note(luck, record.ENDED, 0, c.now, ending)


@inlined
def suffer(own: Any, rival: Any, c: Any, p: Any) -> None:
    """Grievance: the rival's fire adds to it day by day, one's own settles it; half of it is forgotten in its half-life.

    In war both suffer alike, and nothing is settled. Standing force fades over `pressing_days`. Under fire the will is used up.
    """
    days = c.wait
    own.grievance *= math.exp(-_LN2 / p.grievance_half_life_days * days)
    if c.war:
        own.grievance = min(own.grievance + p.fire * days, 5.0)
        c.deaths += c.ladder[c.war_rung].deaths_per_day * days
        c.last_fire = c.last_strike = c.now + days
    else:
        own.force *= math.exp(-days / p.pressing_days)
        if rival.operation > 0:
            own.grievance += p.fire * c_rung(c, rival.operation) * days
        if own.operation > 0:
            z = c_rung(c, own.operation)
            own.grievance = max(own.grievance - p.answer_credit * p.fire * z * days, -p.banked)
            own.force = max(own.force, z)
            c.deaths += c.ladder[own.operation].deaths_per_day * days
            c.last_fire = c.now + days
            if c.ladder[own.operation].strike:
                c.last_strike = c.now + days
    if c.war or own.operation > 0 or rival.operation > 0:
        fight = max(own.intensity, rival.intensity)
        own.exhaustion += (1.0 - own.exhaustion) * (1.0 - math.exp(-days * fight / p.exhaustion_days))


# Markets and economic pressure.


@inlined
def trade(own: Any, facts: Any, c: Any, p: Any, luck: Any) -> None:
    """Markets price the danger that is feared, and drift day by day; losses, costs and lenders weigh on the economy.

    ln market = drift - sensitivity x priced; pressure = 1 - exp(-vulnerability x burden).
    """
    halt = c.halts[0]
    feared = c.danger * (1.0 - p.halt_relief) if halt.in_force else c.danger
    end = c.now + c.wait
    kept = math.exp(-c.wait / p.recovery_days)
    acting = c.war_rung if c.war else max(own.operation, own.posture)
    own.spent = own.spent * kept + c.ladder[acting].cost_per_day * c.wait
    own.strain *= kept
    last = c.now
    while own.traded <= end:
        price(own, facts, p, feared, own.traded - last)
        own.drift += facts.volatility * normal(c, luck.keys, own.streams + MARKET)
        last = own.traded
        level(own, facts, p)
        keep_path(own, c, luck)
        if own.rebound_at <= own.traded and own.rebound != own.rebound:
            own.rebound = own.market / own.market_at_halt - 1.0
        own.traded += 1.0
    price(own, facts, p, feared, end - last)
    level(own, facts, p)


@inlined
def price(own: Any, facts: Any, p: Any, feared: Any, days: Any) -> None:
    own.priced += (feared - own.priced) * (1.0 - math.exp(-days / p.market_reaction_days))


@inlined
def level(own: Any, facts: Any, p: Any) -> None:
    own.market = math.exp(own.drift - facts.sensitivity * own.priced)
    own.lowest_market = min(own.lowest_market, own.market)
    burden = p.pressure_of_market_loss * max(1.0 - own.market, 0.0)
    burden += p.pressure_of_cost * own.spent + own.strain
    own.pressure = max(1.0 - math.exp(-facts.economic_vulnerability * burden), 0.0)
    own.highest_pressure = max(own.highest_pressure, own.pressure)


@inlined
def keep_path(own: Any, c: Any, luck: Any) -> None:
    """Note for charts how it stands at the end of a day."""
    day = int(own.traded)
    if c.path >= 0 and 0 <= day < luck.paths.shape[1]:
        today = luck.paths[c.path, day, own.index]
        today.rung, today.market, today.pressure = own.rung, own.market, own.pressure
