"""Talks, halts and how a crisis ends: what is on the table, whether a halt holds, quiet, and scheduled events."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from crisis_sim.model import record
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
from crisis_sim.model.choice import MINOR, logistic
from crisis_sim.model.compiled import rule as inlined
from crisis_sim.model.engine import Agent, Event, Maybe, rule
from crisis_sim.model.luck import exp, exponential, gamma2, normal, uniform
from crisis_sim.model.record import first, note

#: The draws of `Halt`, by their places there.
COMMON, DEAL, ANSWER, VIOLATION, BURST, SETTLING = range(6)
#: Fire that stopped for so long has paused, agreed or not, days.
PAUSE_DAYS = 7.0
#: A burst of violations dies down in this time, days.
_BURST_DAYS = 0.25


class Halt(Agent):
    """The talks between the two states: the deal on the table, and a halt once it is agreed."""

    role = "halts"
    draws = (
        "common",  # what the crisis is about
        "deal",  # what the deal on the table is worth
        "answer",  # whether a violation is answered
        "violation",  # when the next violation comes of itself
        "burst",  # when the next one comes that another brings about
        "settling",  # how long after a halt the crisis is over to the states
    )
    events = (
        Event("terms", "change_terms", rate="changes_of_terms"),
        Event("violation", "be_violated", due="violation_due"),
        Event("in_effect", "come_into_effect", due="in_effect_due"),
        Event("held", "hold", due="held_due"),
    )

    class Variables:
        common: float  # what the crisis is about, for both: standard normal
        deal: float  # what the deal on the table is worth to both
        stands: bool  # whether a halt was agreed and has not fallen
        in_force: bool  # whether it is in effect
        due: Maybe  # when it comes into effect, days
        ended_fire: bool  # whether there had been fire
        settling: float  # how much longer the states see the crisis as open, days
        next_violation: Maybe  # when the next one comes of itself, days
        next_of_burst: Maybe  # when the next one comes that an earlier one brings about, days

    class Facts:
        follow_up: float  # how long a halt is watched before it ends the crisis, days

    def facts(self) -> Mapping[str, Any]:
        return {"follow_up": self.model.scenario.follow_up_days}

    @rule
    def begin(own, facts, c, p, luck):
        """What settles a crisis is a fact of it and of its moment: the deal on the table, worth the same to both.

        deal on the table = deal + deal_spread x z,  z standard normal
        """
        own.common = normal(c, luck.keys, own.streams + COMMON)
        own.deal = p.deal + p.deal_spread * normal(c, luck.keys, own.streams + DEAL)
        own.due = math.inf

    @rule
    def changes_of_terms(own, facts, c, p, luck):
        """Other terms come on the table, unless a halt stands.

        rate = 1 / deal_days
        """
        return 0.0 if own.stands else 1.0 / p.deal_days

    @rule
    def change_terms(own, facts, c, p, luck):
        """Draw the deal anew."""
        own.deal = p.deal + p.deal_spread * normal(c, luck.keys, own.streams + DEAL)

    @rule
    def in_effect_due(own, facts, c, p, luck):
        """When an agreed halt comes into effect: `implementation_hours` after it was agreed."""
        return own.due if own.stands and not own.in_force else math.inf

    @rule
    def come_into_effect(own, facts, c, p, luck):
        """All fire ends, and war with it; what was prepared was dropped when the halt was agreed.

        The states see the crisis as over after `settling_days` in the mean (gamma distributed, shape 2) if there was fire.
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
        note(luck, record.IN_EFFECT, 0, c.now)

    @rule
    def held_due(own, facts, c, p, luck):
        """When a halt has held for `follow_up_days`, long enough to end the crisis."""
        return own.due + facts.follow_up if own.in_force else math.inf

    @rule
    def hold(own, facts, c, p, luck):
        """The crisis ended by agreement, as of when the halt came into effect."""
        end_crisis(c, luck, AGREEMENT, own.due, own.settling)

    @rule
    def violation_due(own, facts, c, p, luck):
        """When the next violation comes, of itself or brought about by another."""
        return min(own.next_violation, own.next_of_burst) if own.in_force else math.inf

    @rule
    def be_violated(own, facts, c, p, luck):
        """Either state is hurt, each as likely: its grievance rises by `violation_harm`, and it absorbs that or answers.

            P(answer) = logistic(answering x demand x z - keeping),  z the intensity of the lowest rung with violence

        An answer is an act of that rung, and the halt has fallen. A violation brings about the next one of its burst
        (Hawkes 1971), if any, after t days at the rate

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
        mine = uniform(c, luck.keys, c.states[0].streams + OFFENCE)
        k = 0 if mine < uniform(c, luck.keys, c.states[1].streams + OFFENCE) else 1
        hurt, offender = c.states[k], c.states[1 - k]
        hurt.grievance += p.violation_harm
        note(luck, record.VIOLATION, 1 - k, c.now)
        worth = p.answering * hurt.demand * c.ladder[c.fire_rung].intensity - p.keeping
        if uniform(c, luck.keys, own.streams + ANSWER) < logistic(worth):
            carry_out(hurt, offender, c, p, luck, c.fire_rung, True)
        else:
            note(luck, record.ABSORBED, k, c.now)


@inlined
def draw_violation(own: Any, c: Any, p: Any, luck: Any) -> None:
    """When the next violation comes of itself, t days after the halt came into effect; only a halt that ended fire has any.

    rate = violations_per_day x exp(-t / violation_fade_days)
    """
    since = exp((own.due - c.now) / p.violation_fade_days)
    budget = exponential(c, luck.keys, own.streams + VIOLATION)
    own.next_violation = c.now + decaying(
        p.violations_per_day * since, p.violation_fade_days, budget
    )


@inlined
def decaying(rate: Any, days: Any, budget: Any) -> Any:
    """Time in which a rate that falls off exponentially has eaten a budget, exactly; infinite where it never does."""
    share = budget / (rate * days) if rate > 0.0 else 1.0
    return -days * math.log(1.0 - share) if share < 1.0 else math.inf


class Ending(Agent):
    """What ends a crisis though nobody signed anything."""

    role = "endings"
    events = (Event("fade", "fade", rate="fading"),)

    @rule
    def perceive(own, facts, c, p, luck):
        """How dangerous the crisis is, from 0 to 1, by the intensities of both states (at most 1 each).

        danger = 1 - (1 - intensity of one) x (1 - intensity of the other)
        """
        a, b = min(c.states[0].intensity, 1.0), min(c.states[1].intensity, 1.0)
        c.danger = 1.0 - (1.0 - a) * (1.0 - b)

    @rule
    def weigh(own, facts, c, p, luck):
        """How urgent the crisis is to third parties: see `Mediator.engaging`.

        urgency = exp(alarm x danger + ripeness x mean halt_propensity of both states)
        """
        ripe = 0.5 * (c.states[0].halt_propensity + c.states[1].halt_propensity)
        c.urgency = exp(p.alarm * c.danger + p.ripeness * ripe)

    @rule
    def pass_time(own, facts, c, p, luck):
        """Fire has paused, as of its last day, once there was none for a week, agreed or not; so have strikes.

        Acts that go on are counted anew: see `renew`.
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
        """A crisis without danger is over after a while, the sooner the less either state still wants of the other.

        rate = (1 - danger)^4 / fading_days
               x exp(-fading_stakes x mean demand of both - patience x [a third party has mediated, and there was violence])

        It does not fade while there is fire, a plan or a halt; while a third party mediates an end of violence, there are
        terms to wait for.
        """
        a, b = c.states[0], c.states[1]
        planning = a.plan + a.opening + b.plan + b.opening > 0
        if under_fire(c) or planning or c.halts[0].stands:
            return 0.0
        slowed = 0.5 * p.fading_stakes * (a.demand + b.demand)
        if c.mediated_at == c.mediated_at and c.worst >= MINOR:  # mediated, and there was violence
            slowed += p.patience
        return (1.0 - c.danger) ** 4 * exp(-slowed) / p.fading_days

    @rule
    def fade(own, facts, c, p, luck):
        """Tacit, if both had used their forces and there was no more than minor violence; else the crisis faded."""
        both = c.states[0].acted and c.states[1].acted
        end_crisis(c, luck, TACIT if both and c.worst <= MINOR else FADED, c.now, 0.0)


@inlined
def renew(state: Any, c: Any, until: Any) -> None:
    """Force or a display that goes on counts as a new act a week after the last, unless a halt is in effect.

    That is for counting only: the coders of militarised incidents (MIE) enter what lasts as further incidents.
    """
    goes_on = c.war or state.operation > 0 or c.ladder[state.posture].kind >= DISPLAY
    due = state.acted_at + RENEWED_AFTER_DAYS  # not a number where it has not acted
    if due <= until and goes_on and not c.halts[0].in_force:
        act = c.war_rung if c.war else max(state.operation, state.posture)
        count_act(state, c, act, max(due, c.now))


class Scheduled(Agent):
    """A scheduled event: it comes on its date, whatever the agents do."""

    role = "events"
    capacity = 4
    events = (Event("event", "happen", due="event_due"),)

    class Variables:
        past: bool  # whether it has happened

    class Facts:
        at: float  # when it comes, days
        victim: int  # which state it strikes, by its number
        trigger: int  # whether it is a trigger

    def facts(self) -> Mapping[str, Any]:
        scenario = self.model.scenario
        return {
            "at": scenario.hours_from_start(self.spec.at) / 24,
            "victim": scenario.state_names.index(self.spec.struck),
            "trigger": self.spec.kind == "trigger",
        }

    @rule
    def event_due(own, facts, c, p, luck):
        """When it comes."""
        return math.inf if own.past else facts.at

    @rule
    def happen(own, facts, c, p, luck):
        """Harm to the state that is struck; its rival carries out the act of `rival_rung` with it, if that is above 0.

            suffered = blame x (deaths / harm_unit_deaths)^harm_exponent + provocation
            grievance += suffered,  strain += pressure
            wronged = max(wronged, min(suffered / blow, 1)),  unanswered likewise

        The struck state is on alert, and the last word is its rival's. A trigger's act settles no grievance of its author.

            granted = 1 - (1 - granted) x (1 - concession),  open grievance x= 1 - concession

        A concession settles that share of what the state demands (Fearon 1995: what is divided need not be fought for); one
        that comes without harm alarms nobody, and asks for no answer.
        """
        own.past = True
        struck, author = c.states[facts.victim], c.states[1 - facts.victim]
        note(luck, record.EVENT, own.index, c.now)
        harm = (facts.deaths / p.harm_unit_deaths) ** p.harm_exponent
        c.deaths += facts.deaths
        struck.strain += facts.pressure
        rung = int(facts.rival_rung)
        yields = facts.concession > 0.0 and harm + facts.provocation + facts.pressure + rung == 0.0
        if not yields:
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
