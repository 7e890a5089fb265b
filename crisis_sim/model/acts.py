"""Acts of states: preparation, execution, offers of a halt, harm and grievance, and the end of a crisis."""

from __future__ import annotations

import math
from typing import Any

from crisis_sim.model import journal
from crisis_sim.model.choice import FULL_WAR, HALT, MINOR, SERIOUS
from crisis_sim.model.compiling import routine, rule
from crisis_sim.model.journal import first, note
from crisis_sim.model.luck import exp, gamma2, uniform

#: Positions of a state's random streams in `State.draws`.
STAKES, TEMPO, WEAPONS, CHOICE, LEAD, SUCCESS, LENGTH, ERROR, MARKET, OFFENCE, SETTLE, READINESS = (
    range(12)
)

#: Positions of endings in `scenario.schema.ENDINGS`.
AGREEMENT, TACIT, UNILATERAL, IMPOSED, FADED, UNRESOLVED = range(6)

#: Kinds of act in a militarised confrontation, from least to worst, after MIE (Gibler and Miller).
ACTS = ("threat", "display", "force", "war")
THREAT, DISPLAY, FORCE, WAR = range(4)
#: Continuing force, or a continuing display, counts as a new act after this time, days.
RENEWED_AFTER_DAYS = 7.0
#: Only acts within this time of a trigger count as answers to it, days.
ANSWER_DAYS = 60.0
_LN2 = math.log(2.0)


@rule
def rung_intensity(c: Any, rung: Any) -> Any:
    """Return the intensity of a rung."""
    return c.ladder[rung].intensity


@rule
def under_fire(c: Any) -> Any:
    """Return true if either state is firing."""
    return c.war or c.states[0].operation > 0 or c.states[1].operation > 0


@routine
def act_on(own: Any, rival: Any, c: Any, p: Any, luck: Any) -> None:
    """Carry out the chosen option: wait, offer a halt, or act.

    Acts without violence are carried out at once; violent acts are prepared first (see `prepare`).
    """
    option = c.choice
    if option == 0:
        own.alert = False
    elif option == HALT:
        offer(own, rival, c, p, luck)
    elif c.ladder[option].violence >= MINOR:
        prepare(own, c, p, luck, option)
    else:
        carry_out(own, rival, c, p, luck, option, True)


@rule
def prepare(own: Any, c: Any, p: Any, luck: Any, act: Any) -> None:
    """Begin to prepare an act of intensity z; the preparation time is gamma distributed (shape 2).

        mean = max(preparation_days x z, ready_days);  ready_days for an act short of war once there was serious fighting

    Fire across the line can be prepared at the same time as a strike or war.
    """
    mean = p.preparation_days * rung_intensity(c, act)
    if own.ready and c.ladder[act].violence < FULL_WAR:
        mean = p.ready_days
    ready_at = c.now + gamma2(c, luck.keys, own.streams + LEAD, max(mean, p.ready_days))
    if c.ladder[act].violence == MINOR:
        own.opening, own.open_at = act, ready_at
    else:
        own.plan, own.act_at = act, ready_at
    note(luck, journal.PLANNED, own.index, c.now, act)


@rule
def offer(own: Any, rival: Any, c: Any, p: Any, luck: Any) -> None:
    """Offer a halt for `offer_lasts_days`, or accept the rival's open offer.

    An offer puts the rival on alert until the rival has considered it. An agreed halt takes effect after
    `implementation_hours`, and both states drop their plans.
    """
    own.alert = False
    halt = c.halts[0]
    if rival.offer_until >= c.now:
        halt.stands, halt.in_force = True, False
        halt.due = c.now + p.implementation_hours / 24.0
        c.agreed_at = first(c.agreed_at, c.now)
        own.offer_until = rival.offer_until = -math.inf
        drop_plans(own)
        drop_plans(rival)
        c.broker = broker_of(c, p)
        note(luck, journal.AGREED, own.index, c.now, c.broker)
    else:
        if own.offer_until < c.now:
            note(luck, journal.OFFERED, own.index, c.now)
        own.offer_until = c.now + p.offer_lasts_days
        rival.alert = True


@rule
def broker_of(c: Any, p: Any) -> Any:
    """Return the number, from 1, of the mediator that brokered a settlement; 0 if none did.

    It is the mediator with the most sway, if that exceeds `brokered_share`; of two with equal sway, the first to engage.
    """
    most, since, best = p.brokered_share, -math.inf, 0
    for k in range(c.n_mediators):
        sway, engaged_at = c.mediators[k].sway, c.mediators[k].at
        if sway > most or (sway == most and engaged_at < since):
            most, since, best = sway, engaged_at, k + 1
    return best


@rule
def drop_plans(own: Any) -> None:
    """Drop all acts under preparation."""
    own.plan = own.opening = 0
    own.act_at = own.open_at = math.inf


@rule
def end_operation(own: Any) -> None:
    """End the state's operation."""
    own.operation, own.review_at = 0, math.inf
    own.rung = own.posture


@routine
def count_act(own: Any, c: Any, act: Any, days: Any) -> None:
    """Count the transition from the last act of either state to this one."""
    kind = c.ladder[act].kind
    if c.war and kind == FORCE:
        kind = WAR
    if c.last_act >= 0:
        c.followed[len(ACTS) * c.last_act + kind] += 1
    c.last_act = kind
    own.acted_at = days


@rule
def remember_answer(own: Any, c: Any, act: Any) -> None:
    """Record the answer to a violent trigger: the highest act within `ANSWER_DAYS`, up to the first violent act."""
    in_time = c.now - own.struck_at < ANSWER_DAYS  # false if struck_at is NaN
    if in_time and act > own.answer and c.ladder[own.answer].violence < MINOR:
        own.answer, own.answer_at = act, c.now


@rule
def settle(own: Any, p: Any, harm: Any, z: Any) -> None:
    """Reduce grievance by the harm done in an act of intensity z, in proportion to how z matches the worst act suffered.

        grievance = max(grievance - answer_credit x harm x min(z / wronged, 1)^2, -banked)

    A weak answer to a severe act settles little. `wronged` returns to 0 once no grievance is left.
    """
    match = z / own.wronged if own.wronged > z else 1.0
    own.grievance = max(own.grievance - p.answer_credit * harm * match * match, -p.banked)
    if own.grievance <= 0.0:
        own.wronged = 0.0


@routine
def carry_out(  # noqa: C901 - all effects of an act, in order
    own: Any, rival: Any, c: Any, p: Any, luck: Any, act: Any, credited: Any
) -> None:
    """Carry out an act of intensity z: it harms the rival and settles the state's own grievance (see `settle`).

        rival's grievance rises by blow x z,  rival's wronged = max(wronged, z),  force = max(force, z)
        harm = success x blow x z,  success uniform from 1/2 to 3/2

    The rival goes on alert, and the state's own offer of a halt lapses. An act above the rival's posture calls for an
    answer: it stays unanswered until the rival has carried out an act of at least this intensity (reciprocity: Leng 1993).
    An act without violence becomes the state's posture. A violent act breaks an agreed halt and opens an operation or war.
    In war all plans and operations end, and both states fight with intensity 1. Only a `credited` act settles
    grievance; the act that triggers the crisis does not.
    """
    rung = c.ladder[act]
    z = rung.intensity
    own.offer_until = -math.inf
    own.answered = max(own.answered, z)
    if own.answered >= own.unanswered:
        own.answered = own.unanswered = 0.0
    own.acted = own.acted or rung.military
    c.last = own.index
    rival.grievance += p.blow * z
    rival.wronged = max(rival.wronged, z)
    rival.alert = True
    if act > rival.posture:
        rival.unanswered = max(rival.unanswered, z)
    if credited:
        success = 0.5 + uniform(c, luck.keys, own.streams + SUCCESS)
        settle(own, p, success * p.blow * z, z)
    own.force = max(own.force, z)
    c.deaths += rung.opening_deaths
    own.rung = max(own.posture, act)
    c.peak_rung = max(c.peak_rung, act)
    note(luck, journal.ACT, own.index, c.now, act)
    own.acts += 1
    count_act(own, c, act, c.now)
    own.first_act_at = first(own.first_act_at, c.now)
    if credited:
        remember_answer(own, c, act)
    if rung.violence == 0:
        own.posture = max(own.posture, act)
        own.rung = max(own.posture, own.operation)
        return
    own.operations += 1
    break_halt(own, c, luck)
    if rung.violence >= SERIOUS:
        own.ready = rival.ready = True
    c.worst = max(c.worst, rung.violence)
    c.last_fire = c.now
    c.fire_at = first(c.fire_at, c.now)
    if rung.strike:
        c.last_strike = c.now
    if rung.strike and c.first_strike_at != c.first_strike_at:
        c.first_strike_at, c.first_strike_by = c.now, own.index
        note(luck, journal.FIRST_STRIKE, own.index, c.now)
    if rung.nuclear and c.nuclear_use_at != c.nuclear_use_at:
        c.nuclear_use_at = c.now
        note(luck, journal.NUCLEAR_USE, own.index, c.now)
    if rung.violence >= FULL_WAR:
        if not c.war:
            c.war_at = first(c.war_at, c.now)
            note(luck, journal.WAR, own.index, c.now)
        c.war = True
        for k in range(2):
            state = c.states[k]
            drop_plans(state)
            state.operation, state.review_at = 0, math.inf
            state.rung = max(state.rung, c.war_rung)
            state.force = max(state.force, rung_intensity(c, c.war_rung))
    elif act > own.operation:
        own.operation = act
        own.review_at = c.now + gamma2(c, luck.keys, own.streams + LENGTH, p.operation_days)


@rule
def break_halt(own: Any, c: Any, luck: Any) -> None:
    """End an agreed halt by violence; record a violation and a relapse if the halt was in effect."""
    halt = c.halts[0]
    if halt.in_force:
        c.violated_at = first(c.violated_at, c.now)
        c.relapsed_at = first(c.relapsed_at, c.now)
        note(luck, journal.RELAPSED, own.index, c.now)
    halt.stands = halt.in_force = False
    halt.due = math.inf


@rule
def go_ahead(own: Any, rival: Any, facts: Any, c: Any, p: Any, luck: Any, act: Any) -> None:
    """Carry out a prepared act if the state still has a grievance or an unmet claim; otherwise drop it."""
    if own.grievance > 0.0 or facts.claim * (1.0 - own.granted) > 0.0:
        carry_out(own, rival, c, p, luck, act, True)
    else:
        note(luck, journal.PLAN_DROPPED, own.index, c.now, act)


@routine
def end_crisis(c: Any, luck: Any, ending: Any, days: Any, settling: Any) -> None:
    """End the crisis at a time and stop all fire; the states see it as over after a settling time (ICB's clock)."""
    c.ending, c.ended_at, c.followed_until = ending, days, c.now
    c.over_at = days + settling
    c.ongoing = False
    if c.fire_at == c.fire_at:
        c.paused_at = first(c.paused_at, c.last_fire)
    if c.first_strike_at == c.first_strike_at:
        c.strikes_paused_at = first(c.strikes_paused_at, c.last_strike)
    note(luck, journal.ENDED, 0, c.now, ending)


@rule
def suffer(own: Any, rival: Any, c: Any, p: Any) -> None:
    """Update grievance, force and exhaustion over a period of `days`.

        grievance x= 2^(-days / grievance_half_life_days)
        grievance += fire x z_rival x days for the rival's operation, of intensity z_rival;  wronged = max(wronged, z_rival)
        harm = fire x z x days for its own operation, of intensity z: see `settle`
        grievance = min(grievance + fire x days, 5) in war, in which nothing is settled
        force x= exp(-days / pressing_days), but not below the operation under way; not in war
        1 - exhaustion x= exp(-days x max(intensity, rival's intensity) / exhaustion_days) while either fires

    Deaths are added at the daily rate of the state's own operation, or of full-scale war.
    """
    days = c.wait
    own.grievance *= exp(-_LN2 / p.grievance_half_life_days * days)
    if c.war:
        own.grievance = min(own.grievance + p.fire * days, 5.0)
        c.deaths += c.ladder[c.war_rung].deaths_per_day * days
        c.last_fire = c.last_strike = c.now + days
    else:
        own.force *= exp(-days / p.pressing_days)
        if rival.operation > 0:
            own.grievance += p.fire * rung_intensity(c, rival.operation) * days
            own.wronged = max(own.wronged, rung_intensity(c, rival.operation))
        if own.operation > 0:
            z = rung_intensity(c, own.operation)
            settle(own, p, p.fire * z * days, z)
            own.force = max(own.force, z)
            c.deaths += c.ladder[own.operation].deaths_per_day * days
            c.last_fire = c.now + days
            if c.ladder[own.operation].strike:
                c.last_strike = c.now + days
    if c.war or own.operation > 0 or rival.operation > 0:
        fight = max(own.intensity, rival.intensity)
        own.exhaustion += (1.0 - own.exhaustion) * (1.0 - exp(-days * fight / p.exhaustion_days))
