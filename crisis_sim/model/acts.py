"""Acts and what they do: plans, operations, grievance, war; offers of a halt, and the end of a crisis."""

from __future__ import annotations

import math
from typing import Any

from crisis_sim.model import record
from crisis_sim.model.choice import FULL_WAR, HALT, MINOR, SERIOUS
from crisis_sim.model.compiled import routine, rule
from crisis_sim.model.luck import gamma2, uniform
from crisis_sim.model.record import first, note

#: The draws of a state, by their places in `State.draws`.
STAKES, TEMPO, WEAPONS, CHOICE, LEAD, SUCCESS, LENGTH, ERROR, MARKET, SETTLE = range(10)

#: How a crisis ended, by its place in the scenario's `ENDINGS`.
AGREEMENT, TACIT, UNILATERAL, IMPOSED, FADED, UNRESOLVED = range(6)

#: Kinds of act in a militarised confrontation, from least to worst, after MIE (Gibler and Miller); by number, -1 for none.
ACTS = ("threat", "display", "force", "war")
THREAT, DISPLAY, FORCE, WAR = range(4)
#: Force or a display that goes on is a new act this long after the last, days.
RENEWED_AFTER_DAYS = 7.0
#: Acts no further apart than this are one response, carried out step by step, days.
RESPONSE_GAP_DAYS = 3.0
#: An answer to the trigger comes within this time, days.
ANSWER_DAYS = 60.0
_LN2 = math.log(2.0)


@rule
def c_rung(c: Any, rung: Any) -> Any:
    """A rung's intensity."""
    return c.ladder[rung].intensity


@rule
def under_fire(c: Any) -> Any:
    """Whether either side fires."""
    return c.war or c.states[0].operation > 0 or c.states[1].operation > 0


@routine
def act_on(own: Any, rival: Any, c: Any, p: Any, luck: Any) -> None:
    """Carry out the choice of a decision."""
    option = c.choice
    if option == 0:
        own.alert = False
    elif option == HALT:
        offer(own, rival, c, p, luck)
    elif c.ladder[option].violence >= SERIOUS:
        prepare(own, c, p, luck, option)
    else:
        carry_out(own, rival, c, p, luck, option, True)


@rule
def prepare(own: Any, c: Any, p: Any, luck: Any, act: Any) -> None:
    """Begin to prepare an act: gamma distributed (shape 2), with mean its intensity times `preparation_days`."""
    mean = p.preparation_days * c_rung(c, act)
    if own.ready and c.ladder[act].violence < FULL_WAR:
        mean = p.ready_days
    own.plan = act
    own.act_at = c.now + gamma2(c, luck.keys, own.streams + LEAD, max(mean, p.ready_days))
    note(luck, record.PLANNED, own.index, c.now, act)


@rule
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


@rule
def broker_of(c: Any, p: Any) -> Any:
    """The engaged mediator with most sway, if that is enough for a settlement to count as brokered: its number from 1, or 0."""
    most, best = p.brokered_share, 0
    for k in range(c.n_mediators):
        if c.mediators[k].sway > most:
            most, best = c.mediators[k].sway, k + 1
    return best


@rule
def end_operation(own: Any) -> None:
    """Cease fire."""
    own.operation, own.review_at = 0, math.inf
    own.rung = own.posture


@routine
def count_act(own: Any, c: Any, act: Any) -> None:
    """Count that an act followed the last one of either state, and what it adds to an answer to a violent trigger."""
    kind = c.ladder[act].kind
    if c.war and kind == FORCE:
        kind = WAR
    if c.last_act >= 0:
        c.followed[len(ACTS) * c.last_act + kind] += 1
    c.last_act = kind
    own.acted_at = c.now
    in_time = not c.now - own.response_at > RESPONSE_GAP_DAYS  # true before the first
    if own.struck_at == own.struck_at and act > own.stood and in_time:
        own.response = max(own.response, act)
        own.response_at = c.now


@rule
def remember_answer(own: Any, c: Any, act: Any) -> None:
    """Remember its highest act of the first weeks, up to the first with violence."""
    early = c.now - c.began < ANSWER_DAYS
    if early and act > own.answer and c.ladder[own.answer].violence < MINOR:
        own.answer, own.answer_at = act, c.now


@rule
def settle(own: Any, p: Any, harm: Any, z: Any) -> None:
    """Settle grievance by harm done with an act of intensity z, as far as it matches the worst that was suffered.

    G falls by credit x harm x min(z / worst, 1)^2, down to what can be banked: a small answer to a great wrong settles little.
    """
    match = z / own.wronged if own.wronged > z else 1.0
    own.grievance = max(own.grievance - p.answer_credit * harm * match * match, -p.banked)
    if own.grievance <= 0.0:
        own.wronged = 0.0


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
    rival.wronged = max(rival.wronged, z)
    rival.alert = rival.silent = True
    if credited:
        success = 0.5 + uniform(c, luck.keys, own.streams + SUCCESS)
        settle(own, p, success * p.blow * z, z)
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
    if rung.violence >= SERIOUS:
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


@rule
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
            own.wronged = max(own.wronged, c_rung(c, rival.operation))
        if own.operation > 0:
            z = c_rung(c, own.operation)
            settle(own, p, p.fire * z * days, z)
            own.force = max(own.force, z)
            c.deaths += c.ladder[own.operation].deaths_per_day * days
            c.last_fire = c.now + days
            if c.ladder[own.operation].strike:
                c.last_strike = c.now + days
    if c.war or own.operation > 0 or rival.operation > 0:
        fight = max(own.intensity, rival.intensity)
        own.exhaustion += (1.0 - own.exhaustion) * (
            1.0 - math.exp(-days * fight / p.exhaustion_days)
        )
