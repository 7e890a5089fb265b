"""Talks, halts, scheduled events, and the ending of a crisis."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from crisis_sim.model import journal
from crisis_sim.model.acts import (
    AGREEMENT,
    DISPLAY,
    FADED,
    OFFENCE,
    RENEWED_AFTER_DAYS,
    TACIT,
    carry_out,
    count_act,
    end_crisis,
    end_operation,
    under_fire,
)
from crisis_sim.model.agent import Agent, Event, Maybe, rule
from crisis_sim.model.choice import MINOR, logistic
from crisis_sim.model.compiling import rule as inlined
from crisis_sim.model.journal import first, note
from crisis_sim.model.luck import exp, exponential, gamma2, normal, uniform

#: Positions of the random streams in `Halt.draws`.
COMMON, DEAL, ANSWER, VIOLATION, BURST, SETTLING = range(6)
#: Fire counts as paused after this time without fire, days.
PAUSE_DAYS = 7.0
#: Mean delay of a violation that another one causes, days.
_BURST_DAYS = 0.25


class Halt(Agent):
    """The talks between the two states: the deal on the table, and the halt once it is agreed."""

    role = "halts"
    draws = (
        "common",  # stake that both states share
        "deal",  # value of the deal on the table
        "answer",  # whether a violation is answered
        "violation",  # time of the next spontaneous violation
        "burst",  # time of the next violation caused by another
        "settling",  # time from a halt until the states see the crisis as over
    )
    events = (
        Event("terms", "change_terms", rate="changes_of_terms"),
        Event("violation", "be_violated", due="violation_due"),
        Event("in_effect", "come_into_effect", due="in_effect_due"),
        Event("held", "hold", due="held_due"),
    )

    class Variables:
        common: float  # stake that both states share, standard normal
        deal: float  # value of the deal on the table to each state
        stands: bool  # a halt is agreed and not broken
        in_force: bool  # the halt is in effect
        due: Maybe  # time at which the halt takes effect, days
        ended_fire: bool  # there was fire when the halt took effect
        settling: float  # time after the halt during which the states still see a crisis, days
        next_violation: Maybe  # time of the next spontaneous violation, days
        next_of_burst: Maybe  # time of the next violation caused by another, days

    class Facts:
        follow_up: float  # time that a halt must last to end the crisis, days

    def facts(self) -> Mapping[str, Any]:
        return {"follow_up": self.model.scenario.follow_up_days}

    @rule
    def begin(own, facts, c, p, luck):
        """Draw the shared stake and the deal on the table, whose value is the same to both states.

        deal on the table = deal + deal_spread x z,  z standard normal
        """
        own.common = normal(c, luck.keys, own.streams + COMMON)
        own.deal = p.deal + p.deal_spread * normal(c, luck.keys, own.streams + DEAL)
        own.due = math.inf

    @rule
    def changes_of_terms(own, facts, c, p, luck):
        """Rate at which the deal changes; 0 while a halt is agreed.

        rate = 1 / deal_days
        """
        return 0.0 if own.stands else 1.0 / p.deal_days

    @rule
    def change_terms(own, facts, c, p, luck):
        """Draw a new deal."""
        own.deal = p.deal + p.deal_spread * normal(c, luck.keys, own.streams + DEAL)

    @rule
    def in_effect_due(own, facts, c, p, luck):
        """Time at which an agreed halt takes effect: `implementation_hours` after the agreement."""
        return own.due if own.stands and not own.in_force else math.inf

    @rule
    def come_into_effect(own, facts, c, p, luck):
        """End all fire and war; plans were dropped when the halt was agreed.

        If there was fire, the states see the crisis as over after a settling time (gamma distributed, shape 2, mean
        `settling_days`).
        """
        own.in_force = True
        own.ended_fire = under_fire(c)
        own.settling = 0.0
        if own.ended_fire:
            own.settling = gamma2(c, luck.keys, own.streams + SETTLING, p.settling_days)
        own.due = c.now
        own.next_violation = own.next_of_burst = math.inf
        if own.ended_fire:
            draw_violation(own, c, p, luck)
        c.in_effect_at = first(c.in_effect_at, c.now)
        c.war = False
        for k in range(2):
            state = c.states[k]
            end_operation(state)
            if state.rebound_at == math.inf:
                state.market_at_halt, state.rebound_at = state.market, c.now + 1.0
        note(luck, journal.IN_EFFECT, 0, c.now)

    @rule
    def held_due(own, facts, c, p, luck):
        """Time at which the halt has lasted for `follow_up_days`."""
        return own.due + facts.follow_up if own.in_force else math.inf

    @rule
    def hold(own, facts, c, p, luck):
        """End the crisis by agreement, dated to the time at which the halt took effect."""
        end_crisis(c, luck, AGREEMENT, own.due, own.settling)

    @rule
    def violation_due(own, facts, c, p, luck):
        """Time of the next violation, spontaneous or caused by another."""
        return min(own.next_violation, own.next_of_burst) if own.in_force else math.inf

    @rule
    def be_violated(own, facts, c, p, luck):
        """Harm either state, with equal probability: grievance rises by `violation_harm`; the state absorbs or answers it.

            P(answer) = logistic(answering x demand x z - keeping),  z the intensity of the lowest rung with violence

        An answer is an act of that rung, and breaks the halt. A violation may cause another (Hawkes 1971), t days later, at
        the rate

            rate = violation_burst / (1/4 day) x exp(-t / (1/4 day))
        """
        if own.next_violation <= own.next_of_burst:
            draw_violation(own, c, p, luck)
        else:
            own.next_of_burst = math.inf
        child = decaying(
            p.violation_burst / _BURST_DAYS,
            _BURST_DAYS,
            exponential(c, luck.keys, own.streams + BURST),
        )
        own.next_of_burst = min(own.next_of_burst, c.now + child)
        c.violated_at = first(c.violated_at, c.now)
        first_draw = uniform(c, luck.keys, c.states[0].streams + OFFENCE)
        k = 0 if first_draw < uniform(c, luck.keys, c.states[1].streams + OFFENCE) else 1
        hurt, offender = c.states[k], c.states[1 - k]
        hurt.grievance += p.violation_harm
        note(luck, journal.VIOLATION, 1 - k, c.now)
        value = p.answering * hurt.demand * c.ladder[c.fire_rung].intensity - p.keeping
        if uniform(c, luck.keys, own.streams + ANSWER) < logistic(value):
            carry_out(hurt, offender, c, p, luck, c.fire_rung, True)
        else:
            note(luck, journal.ABSORBED, k, c.now)


@inlined
def draw_violation(own: Any, c: Any, p: Any, luck: Any) -> None:
    """Draw the time of the next spontaneous violation, t days after the halt took effect.

    rate = violations_per_day x exp(-t / violation_fade_days)

    Only a halt that ended fire has violations.
    """
    since = exp((own.due - c.now) / p.violation_fade_days)
    budget = exponential(c, luck.keys, own.streams + VIOLATION)
    own.next_violation = c.now + decaying(
        p.violations_per_day * since, p.violation_fade_days, budget
    )


@inlined
def decaying(rate: Any, days: Any, budget: Any) -> Any:
    """Return the time in which an exponentially decaying rate uses up a budget; infinite if it never does."""
    share = budget / (rate * days) if rate > 0.0 else 1.0
    return -days * math.log(1.0 - share) if share < 1.0 else math.inf


class Ending(Agent):
    """Ends a crisis without an agreement, and measures its danger."""

    role = "endings"
    events = (Event("fade", "fade", rate="fading"),)

    @rule
    def perceive(own, facts, c, p, luck):
        """Compute the danger of the crisis, 0 to 1, from the states' intensities, each at most 1.

        danger = 1 - (1 - intensity of one) x (1 - intensity of the other)
        """
        a, b = min(c.states[0].intensity, 1.0), min(c.states[1].intensity, 1.0)
        c.danger = 1.0 - (1.0 - a) * (1.0 - b)

    @rule
    def weigh(own, facts, c, p, luck):
        """Compute the urgency of the crisis to third parties: see `Mediator.engaging`.

        urgency = exp(alarm x danger + ripeness x mean halt_propensity of both states)
        """
        ripe = 0.5 * (c.states[0].halt_propensity + c.states[1].halt_propensity)
        c.urgency = exp(p.alarm * c.danger + p.ripeness * ripe)

    @rule
    def pass_time(own, facts, c, p, luck):
        """Record a pause in fire after a week without any, dated to the last day of fire; likewise for strikes.

        Continuing acts are counted again: see `renew`.
        """
        end = c.now + c.wait
        later = c.states[0].acted_at > c.states[1].acted_at
        for k in range(2):
            renew(c.states[1 - k if later else k], c, end)
        if c.last_fire + PAUSE_DAYS <= end:
            c.paused_at = first(c.paused_at, c.last_fire)
        if c.last_strike + PAUSE_DAYS <= end:
            c.strikes_paused_at = first(c.strikes_paused_at, c.last_strike)

    @rule
    def fading(own, facts, c, p, luck):
        """Rate at which a crisis fades: low while there is danger, or while the states still demand something of each other.

        rate = (1 - danger)^4 / fading_days
               x exp(-fading_stakes x mean demand of both - patience x [a third party has mediated, and there was violence])

        The rate is 0 during fire, while a violent act is prepared, and while a halt is agreed. Mediation after violence
        slows fading, because the states may wait for terms.
        """
        a, b = c.states[0], c.states[1]
        planning = a.plan + a.opening + b.plan + b.opening > 0
        if under_fire(c) or planning or c.halts[0].stands:
            return 0.0
        slowed = 0.5 * p.fading_stakes * (a.demand + b.demand)
        if c.mediated_at == c.mediated_at and c.worst >= MINOR:  # mediation and violence
            slowed += p.patience
        return (1.0 - c.danger) ** 4 * exp(-slowed) / p.fading_days

    @rule
    def fade(own, facts, c, p, luck):
        """End the crisis: tacitly if both states had used their forces and violence was at most minor, else by fading."""
        both = c.states[0].acted and c.states[1].acted
        end_crisis(c, luck, TACIT if both and c.worst <= MINOR else FADED, c.now, 0.0)


@inlined
def renew(state: Any, c: Any, until: Any) -> None:
    """Count continuing force, or a continuing display, as a new act a week after the last, unless a halt is in effect.

    The coders of militarised incidents (MIE) enter lasting acts as further incidents; nothing else depends on this count.
    """
    continues = c.war or state.operation > 0 or c.ladder[state.posture].kind >= DISPLAY
    due = state.acted_at + RENEWED_AFTER_DAYS  # NaN before its first act
    if due <= until and continues and not c.halts[0].in_force:
        act = c.war_rung if c.war else max(state.operation, state.posture)
        count_act(state, c, act, max(due, c.now))


class Scheduled(Agent):
    """An event that occurs on its date, whatever the agents do."""

    role = "events"
    capacity = 4
    events = (Event("event", "happen", due="event_due"),)

    class Variables:
        past: bool  # it has occurred

    class Facts:
        at: float  # its time, days
        victim: int  # number of the state that is struck
        trigger: int  # 1 for a trigger, else 0

    def facts(self) -> Mapping[str, Any]:
        scenario = self.model.scenario
        return {
            "at": scenario.hours_from_start(self.spec.at) / 24,
            "victim": scenario.state_names.index(self.spec.struck),
            "trigger": self.spec.kind == "trigger",
        }

    @rule
    def event_due(own, facts, c, p, luck):
        """Time of the event."""
        return math.inf if own.past else facts.at

    @rule
    def happen(own, facts, c, p, luck):
        """Harm the struck state; its rival carries out the act of `rival_rung`, if that is above 0.

            suffered = blame x (deaths / harm_unit_deaths)^harm_exponent + provocation
            grievance += suffered,  strain += pressure
            wronged = max(wronged, min(suffered / blow, 1)),  unanswered likewise

        The struck state goes on alert, and its rival counts as the last to act. The act of a trigger settles no grievance.

            granted = 1 - (1 - granted) x (1 - concession),  open grievance x= 1 - concession

        A concession settles that share of the state's demand (Fearon 1995: what is divided need not be fought for). A
        concession without harm alarms nobody and asks for no answer.
        """
        own.past = True
        struck, author = c.states[facts.victim], c.states[1 - facts.victim]
        note(luck, journal.EVENT, own.index, c.now)
        harm = (facts.deaths / p.harm_unit_deaths) ** p.harm_exponent
        c.deaths += facts.deaths
        struck.strain += facts.pressure
        rung = int(facts.rival_rung)
        harmless = harm + facts.provocation + facts.pressure + rung == 0.0
        if not (facts.concession > 0.0 and harmless):
            struck.alert = True
            c.last = author.index
        violent = facts.deaths > 0 or c.ladder[min(rung, c.n_rungs - 1)].violence >= MINOR
        calm = c.ladder[struck.rung].violence < MINOR
        if facts.trigger and violent and calm and struck.struck_at != struck.struck_at:
            struck.struck_at = c.now
        if rung > 0:
            carry_out(author, struck, c, p, luck, min(rung, c.n_rungs - 1), facts.trigger == 0)
        suffered = facts.blame * harm + facts.provocation
        struck.grievance += suffered
        wronged = min(suffered / p.blow, 1.0)
        struck.wronged, struck.unanswered = (
            max(struck.wronged, wronged),
            max(struck.unanswered, wronged),
        )
        struck.granted += (1.0 - struck.granted) * facts.concession
        struck.grievance -= max(struck.grievance, 0.0) * facts.concession
        author.acted = author.acted or harm > 0.0
