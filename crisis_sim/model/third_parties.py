"""Third parties: mediators, lenders and their reviews, back-channels, and advisers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from crisis_sim.model import journal
from crisis_sim.model.acts import under_fire
from crisis_sim.model.agent import Agent, Event, Maybe, rule
from crisis_sim.model.choice import MINOR, logistic
from crisis_sim.model.compiling import rule as inlined
from crisis_sim.model.journal import first, note
from crisis_sim.model.luck import exp, uniform
from crisis_sim.scenario.schema import STYLES

FACILITATION, FORMULATION, MANIPULATION = 1, 2, 3
#: Positions of the random streams in `Mediator.draws`.
PRESENT, REFUSED = range(2)
#: Decisions of a lender, by number.
DECISIONS = ("", "approved", "delayed")


@inlined
def enter(own: Any, facts: Any, c: Any, p: Any, luck: Any) -> None:
    """Engage a mediator; each state may refuse it.

        P(refuse) = refusal x mediation_aversion x (1 - leverage over the state)

    A mediator that a state refuses continues in private, as a facilitator.
    """
    own.engaged, own.style, own.at = True, FACILITATION, c.now
    c.mediated_at = first(c.mediated_at, c.now)
    c.style = max(c.style, FACILITATION)
    note(luck, journal.ENGAGED, own.index, c.now)
    for k in range(2):
        chance = p.refusal * c.states[k].aversion * (1.0 - facts.leverage[k])
        if uniform(c, luck.keys, own.streams + REFUSED) < chance:
            own.refused += 1
            note(luck, journal.REFUSED, own.index, c.now, k)


class Mediator(Agent):
    """A third party that may carry messages, propose terms, and use carrots and sticks."""

    role = "mediators"
    capacity = 8
    draws = (
        "present",  # engagement from the first day
        "refused",  # refusal by each state
    )
    events = (Event("engage", "engage", rate="engaging"),)

    class Variables:
        engaged: bool  # it mediates
        style: int  # 0 before it engages, then 1 to 3
        refused: int  # number of states that refuse it
        sway: float  # its influence on a settlement: trust and leverage used, over both sides
        at: Maybe  # time at which it engaged, days

    class Facts:
        ablest: int  # its most intrusive possible style, 1 to 3
        attention: float  # its rate of engagement per day at no danger and zero halt propensity

    def facts(self) -> Mapping[str, Any]:
        """Return the facts, with the rate of engagement at no danger and zero halt propensity.

        attention = exp(-alarm x attention_threshold) / attention_days
        """
        own = self.model.numbers[f"mediators.{self.name}"]
        calm = np.exp(-self.model.behaviour.alarm * own.attention_threshold)
        return {
            "ablest": STYLES.index(self.spec.style) + 1,
            "attention": calm / own.attention_days,
        }

    def outcomes(self) -> Mapping[str, Any]:
        return {f"{self.name}_engaged_at_hours": self.records["at"] * 24}

    @rule
    def begin(own, facts, c, p, luck):
        """Engage from the first day with probability `first_day`."""
        own.at = math.nan
        if uniform(c, luck.keys, own.streams + PRESENT) < p.first_day:
            enter(own, facts, c, p, luck)

    @rule
    def engaging(own, facts, c, p, luck):
        """Rate of engagement: higher with danger and with both states' propensity to halt (Zartman 2000).

        rate = urgency x attention
             = exp(alarm x (danger - attention_threshold) + ripeness x mean halt_propensity of both) / attention_days

        An engaged mediator stays engaged; none engages while a halt is agreed.
        """
        return 0.0 if own.engaged or c.halts[0].stands else c.urgency * facts.attention

    @rule
    def engage(own, facts, c, p, luck):
        """Begin to mediate."""
        enter(own, facts, c, p, luck)

    @rule
    def influence(own, facts, c, p, luck):
        """Influence each state according to style (Beardsley et al. 2006), trust, leverage and interest.

            information = 1 - (1 - information) x (1 - its information x trust)
            assured = max(assured, share x assurance x trust),  share = 1 from formulation on, else 1/2
            cover = max(cover, trust) from formulation on
            pressing = used x its leverage x (1 - its interest),  used = 1 in manipulation, else 1/2
            leverage += leverage_on_halt x pressing, once there was violence: mediators press for an end of fire
            sway = mean over both states of share x trust + pressing

        A mediator formulates once danger exceeds `formulation_danger`, and manipulates above `manipulation_danger`, if it is
        able to and no state has refused it. Its style never becomes less intrusive.
        """
        if not own.engaged:
            return
        if own.refused == 0 and not c.halts[0].stands:
            fitting = FACILITATION
            if c.danger > p.formulation_danger:
                fitting = MANIPULATION if c.danger > p.manipulation_danger else FORMULATION
            own.style = max(own.style, min(fitting, facts.ablest))
            c.style = max(c.style, own.style)
        own.sway = 0.0
        for k in range(2):
            state, trust = c.states[k], facts.trust[k]
            state.information = 1.0 - (1.0 - state.information) * (1.0 - facts.information * trust)
            share = 1.0 if own.style >= FORMULATION else 0.5
            state.assured = max(state.assured, share * p.assurance * trust)
            if own.style >= FORMULATION:
                state.cover = max(state.cover, trust)
            used = 1.0 if own.style >= MANIPULATION else 0.5
            pressing = used * facts.leverage[k] * (1.0 - facts.interest[k])
            if c.worst >= MINOR:
                state.leverage += p.leverage_on_halt * pressing
            own.sway += 0.5 * (share * trust + pressing)


class Lender(Agent):
    """A lender on which one state depends; each of its reviews is an agent."""

    role = "lenders"
    capacity = 2

    class Variables:
        decision: int  # its first decision: 0 none, 1 approved, 2 delayed
        decided_at: Maybe  # time of that decision, days

    def outcomes(self) -> Mapping[str, Any]:
        own = self.records
        return {
            f"{self.name}_decided_at_hours": own["decided_at"] * 24,
            f"{self.name}_decision": np.array(DECISIONS)[own["decision"]],
        }

    @rule
    def begin(own, facts, c, p, luck):
        """Start without a decision."""
        own.decided_at = math.nan


class Review(Agent):
    """A date on which a lender's board decides on a loan."""

    role = "reviews"
    capacity = 4
    draws = ("board",)  # decision of the board
    events = (Event("decision", "decide", due="board_due"),)

    class Variables:
        due: Maybe  # time of the next board meeting, days
        calm: float  # probability of approval if the borrower is calm
        fought: float  # probability of approval if the borrower acts with full intensity

    class Facts:
        date: float  # time of the first board meeting, days
        lender: int  # number of the lender
        borrower: int  # number of the borrowing state
        size: float  # tranche relative to `reference_share` of reserves, times dependence
        against: float  # opposition of the rival, 0 to 1
        condition: float  # degree to which the loan depends on restraint, 0 to 1

    def facts(self) -> Mapping[str, Any]:
        model, lending = self.model, self.model.behaviour
        lender = model.scenario.lenders[self.lender]
        own = model.numbers[f"lenders.{self.lender}"]
        terms = model.numbers[self.path]
        reserves = model.numbers[f"states.{lender.borrower}"].reserves_usd_bn
        votes = {"for": 0.0, "abstain": lending.abstention, "against": 1.0}
        return {
            "date": model.scenario.hours_from_start(self.spec.at) / 24 + own.days_later,
            "lender": list(model.scenario.lenders).index(self.lender),
            "borrower": model.scenario.state_names.index(lender.borrower),
            "size": own.dependence * terms.amount_usd_bn / (lending.reference_share * reserves),
            "against": votes[self.spec.rival_vote],
            "condition": own.conditionality,
        }

    def __init__(self, model: Any, name: str, index: int, spec: Any = None) -> None:
        super().__init__(model, name, index, spec)
        self.lender, _, number = name.rsplit("/", 2)
        self.path = f"lenders.{self.lender}.reviews.{number}"

    @rule
    def begin(own, facts, c, p, luck):
        """Set the date of the first meeting, and P(0) and P(1) of `influence`, which stay constant."""
        own.due = facts.date
        odds = p.approval - p.opposition * facts.against
        own.calm, own.fought = logistic(odds), logistic(odds - p.strictness * facts.condition)

    @rule
    def influence(own, facts, c, p, luck):
        """Add the money at stake before the board meets (Thacker 1999): the gain from a halt, and the loss by an act.

        size = dependence x amount_usd_bn / (reference_share x reserves_usd_bn)
        odds = approval - opposition x vote,  vote = 1 against, `abstention` for an abstention, 0 for
        P(i) = logistic(odds - strictness x conditionality x i),  i the borrower's intensity
        near = money x size x exp(-days to the board / run_up_days)
        money of the borrower += near x (P(0) - P(intensity)),  purse += near x (P(intensity) - P(1))
        """
        if own.due == math.inf or own.due < c.now:
            return
        state = c.states[facts.borrower]
        odds = p.approval - p.opposition * facts.against
        strict = p.strictness * facts.condition
        near = p.money * facts.size * exp((c.now - own.due) / p.run_up_days)
        now = logistic(odds - strict * state.intensity)
        state.money += near * (own.calm - now)
        state.purse += near * (now - own.fought)

    @rule
    def board_due(own, facts, c, p, luck):
        """Time of the board meeting."""
        return own.due

    @rule
    def decide(own, facts, c, p, luck):
        """Approve the loan with probability P(intensity) of `Review.influence`, or delay it by `delay_days`.

        strain -= relief x size if it approves,  strain += shock x size if not
        """
        state, lender = c.states[facts.borrower], c.lenders[facts.lender]
        odds = p.approval - p.opposition * facts.against
        odds -= p.strictness * facts.condition * state.intensity
        decision = 2
        if uniform(c, luck.keys, own.streams) < logistic(odds):
            decision = 1
            own.due = math.inf
            state.strain -= p.relief * facts.size
        else:
            own.due = c.now + facts.delay_days
            state.strain += p.shock * facts.size
        if lender.decision == 0:
            lender.decision, lender.decided_at = decision, c.now
        note(luck, journal.DECIDED, facts.lender, c.now, decision, own.index)


#: Mediators per 64-bit number of `Channel.Facts.mediators`.
_BITS = 63


class Channel(Agent):
    """A private line between the two states."""

    role = "channels"
    capacity = 4
    events = (
        Event("open", "open_up", rate="openings"),
        Event("break", "break_down", rate="breaks"),
    )

    class Variables:
        open: bool  # the line is open
        opened_at: Maybe  # time at which it first opened, days

    class Facts:
        states: int * 2  # whether each state may open it
        mediators: int * 4  # bit k: whether mediator k may open it
        standing: int  # 1 if open from the start, else 0

    def facts(self) -> Mapping[str, Any]:
        scenario, openers = self.model.scenario, self.spec.opened_by
        mediators = np.zeros(4, int)  # room for 252; a scenario has 200 agents at most
        for k, name in enumerate(scenario.mediators):
            mediators[k // _BITS] |= (name in openers) << k % _BITS
        return {
            "states": np.array([name in openers for name in scenario.state_names], int),
            "mediators": mediators,
            "standing": self.spec.standing,
        }

    def outcomes(self) -> Mapping[str, Any]:
        return {f"{self.name}_opened_at_hours": self.records["opened_at"] * 24}

    @rule
    def begin(own, facts, c, p, luck):
        """Open the line at the start if it is standing."""
        own.open, own.opened_at = facts.standing > 0, math.nan

    @rule
    def openings(own, facts, c, p, luck):
        """Rate of opening, by states that would halt and by engaged mediators; 0 while a halt is agreed.

        rate = openings_per_day x (sum of halt_propensity of states that may open it + engaged mediators that may)
        """
        if own.open or c.halts[0].stands:
            return 0.0
        wish = 0.0
        for k in range(2):
            wish += facts.states[k] * c.states[k].halt_propensity
        for k in range(c.n_mediators):
            if c.mediators[k].engaged:
                wish += (facts.mediators[k // _BITS] >> k % _BITS) & 1
        return p.openings_per_day * wish

    @rule
    def open_up(own, facts, c, p, luck):
        """Open the line."""
        own.open = True
        own.opened_at = first(own.opened_at, c.now)
        c.channel_at = first(c.channel_at, c.now)
        note(luck, journal.CHANNEL_OPENED, own.index, c.now)

    @rule
    def breaks(own, facts, c, p, luck):
        """Rate of breaking under fire.

        rate = breaks_per_day x danger x (1 - trust)
        """
        breaks = own.open and under_fire(c)
        return p.breaks_per_day * c.danger * (1.0 - facts.trust) if breaks else 0.0

    @rule
    def break_down(own, facts, c, p, luck):
        """Close the line."""
        own.open = False
        note(luck, journal.CHANNEL_BROKE, own.index, c.now)

    @rule
    def influence(own, facts, c, p, luck):
        """Reduce misperception (Fey and Ramsay 2010) and add trust in a halt, in proportion to trust in the line.

        information = 1 - (1 - information) x (1 - `channels.information` x trust)
        trust in a halt = 1 - (1 - trust in a halt) x (1 - trust)
        """
        if own.open:
            for k in range(2):
                state = c.states[k]
                state.information = 1.0 - (1.0 - state.information) * (
                    1.0 - p.information * facts.trust
                )
                state.trust = 1.0 - (1.0 - state.trust) * (1.0 - facts.trust)


class Adviser(Agent):
    """A dove or hawk who advises one state, speaks up when danger grows, and is heard for a while."""

    role = "advisers"
    capacity = 4
    events = (Event("speak", "speak", rate="counsels"),)

    class Variables:
        voice: float  # weight of its counsel, 1 to 0
        spoke_at: Maybe  # time at which it first spoke up, days

    class Facts:
        of: int  # number of the state that it advises
        sign: float  # 1 for a dove, -1 for a hawk

    def facts(self) -> Mapping[str, Any]:
        names = self.model.scenario.state_names
        return {
            "of": names.index(self.spec.state),
            "sign": 1.0 if self.spec.stance == "dove" else -1.0,
        }

    def outcomes(self) -> Mapping[str, Any]:
        return {f"{self.name}_spoke_at_hours": self.records["spoke_at"] * 24}

    @rule
    def begin(own, facts, c, p, luck):
        """Start without having spoken."""
        own.spoke_at = math.nan

    @rule
    def counsels(own, facts, c, p, luck):
        """Rate of speaking up, while danger exceeds the adviser's threshold, its voice is below 1/2 and no halt is agreed.

        rate = counsels_per_day
        """
        speaks = c.danger > facts.attention_threshold and own.voice < 0.5 and not c.halts[0].stands
        return p.counsels_per_day if speaks else 0.0

    @rule
    def speak(own, facts, c, p, luck):
        """Set the adviser's voice to 1."""
        own.voice = 1.0
        own.spoke_at = first(own.spoke_at, c.now)
        note(luck, journal.SPOKE, own.index, c.now)

    @rule
    def pass_time(own, facts, c, p, luck):
        """Let the adviser's voice fade.

        voice x= exp(-days / lasts_days)
        """
        own.voice *= exp(-c.wait / p.lasts_days)

    @rule
    def influence(own, facts, c, p, luck):
        """Make acts more costly and a halt more valuable (dove, sign 1), or the reverse (hawk, sign -1).

        counsel += weight x voice x trust x sign,  dovish += weight_on_halt x voice x trust x sign
        """
        heard = own.voice * facts.trust * facts.sign
        state = c.states[facts.of]
        state.counsel += p.weight * heard
        state.dovish += p.weight_on_halt * heard
