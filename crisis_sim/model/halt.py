"""A halt: agreed, brought into effect, violated, and absorbed or answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.agent import Lucky
from crisis_sim.model.arrays import Flags, Indices, Real, Settings, at, reals
from crisis_sim.model.choice import logistic
from crisis_sim.model.compiled import compiled
from crisis_sim.model.luck import Clock

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel
    from crisis_sim.model.state import State


#: How often a day a young halt is violated, and how soon that fades.
VIOLATIONS = reals("per_day", "fade_days")


class Halt(Lucky):
    """The halt between the two states.

    Attributes (each an array over replicates):
        pending: whether a halt is agreed and not in effect yet.
        holding: whether a halt is in effect.
        effective_at: hours at which the last halt agreed comes, or came, into effect.
    """

    def __init__(self, crisis: CrisisModel) -> None:
        super().__init__(crisis, "crisis/halt")
        self.pending = self.array(False, bool)
        self.holding = self.array(False, bool)
        self.effective_at = self.array(np.nan, np.float64)
        halt = crisis.behaviour.halt
        self._violations = Settings.of(
            VIOLATIONS, per_day=halt.violations_per_day, fade_days=halt.violation_fade_days
        )

    def settle(self) -> None:
        """Agree where both sides want to, start what was agreed, and see whether what holds is violated."""
        self._agree()
        if self.pending.any():
            self._start()
        crisis = self.crisis
        held, age_hours, fading = _watch(
            self._violations.records,
            self.holding,
            crisis.ongoing,
            self.effective_at,
            crisis.hours,
        )
        if held.size:
            self._note_rebound(held, age_hours)
            self._violate(held, np.exp(fading, out=fading))

    def _agree(self) -> None:
        crisis = self.crisis
        one, other = crisis.states
        hours = crisis.hours
        offers, other_offers, who = _talk(
            one.wants_halt, other.wants_halt, one.offer_until, other.offer_until, Real(hours)
        )
        self._offer(one, offers)
        self._offer(other, other_offers)
        if who.size:
            who = self._concluded(who, one, other)
        if not who.size:
            return
        self.pending[who] = True
        lasts = at(crisis.behaviour.halt.implementation_hours, who)
        self.effective_at[who] = hours + lasts
        broker = self._broker(who)
        first = np.isnan(crisis.record.of("ceasefire_agreed_at_hours", who))
        crisis.record.set("brokered_by", who[first], broker[first])
        crisis.record.mark("ceasefire_agreed_at_hours", who, hours)
        if crisis.journal is not None:
            crisis.tell("agreed", "", by=["", *crisis.scenario.mediators][broker[0]])

    def _concluded(self, who: Indices, one: State, other: State) -> Indices:
        """Those of the replicates `who`, where both would talk, in which nobody takes an offer back.

        Who took up a standing offer has just decided for a halt; who made an offer, not knowing whether it would be
        taken up, decides now whether it meant it.
        """
        meant = np.full(who.size, True)
        for state, rival in ((one, other), (other, one)):
            doubtful = _doubtful(who, state.wants_halt, rival.offer_until, Real(self.crisis.hours))
            takes_back = doubtful[~state.concludes(who[doubtful])]
            if takes_back.size:
                meant[takes_back] = False
                self.crisis.tell("took_back", state.name)
        for state in (one, other):
            state.offer_until[who[~meant]] = -np.inf
        concluded: Indices = who[meant]
        return concluded

    def _offer(self, state: State, who: Indices) -> None:
        """An offer that is not taken up at once stands for a while."""
        if who.size:
            lasts = at(self.crisis.behaviour.halt.offer_lasts_days, who)
            state.offer_until[who] = self.crisis.hours + 24 * lasts
            self.crisis.tell("offered", state.name)

    def _broker(self, who: Indices) -> Indices:
        """The mediator whose work the agreement is, the one with most sway, if that is enough; from 1, or 0 for none."""
        crisis = self.crisis
        best = np.zeros(who.size, np.intp)
        most = np.full(who.size, at(crisis.behaviour.mediation.brokered_share, who), Real)
        for number, mediator in enumerate(crisis.mediators, start=1):
            mediator.outdo(number, who, most, best)
        return best

    def _start(self) -> None:
        crisis = self.crisis
        due = self.pending & (self.effective_at <= crisis.hours)
        who = (due & crisis.ongoing).nonzero()[0]
        if not who.size:
            return
        self.pending[who] = False
        self.holding[who] = True
        crisis.record.mark("ceasefire_in_effect_at_hours", who, self.effective_at[who])
        crisis.tell("in_effect", "", hours=self.effective_at[who[0]])
        for state in crisis.states:
            state.economy.market_at_halt[who] = state.economy.market[who]
            state.offer_until[who] = -np.inf
            rung = state.rung[who]
            rest = np.minimum(rung, crisis.ladder.halt_rung)
            fell = np.flatnonzero(rest != rung)
            if fell.size:
                state.move(who[fell], rest[fell])

    def _note_rebound(self, held: Indices, age_hours: NDArray[np.float64]) -> None:
        """How far each market has come back a day after the halt came into effect."""
        crisis = self.crisis
        who = held[(age_hours >= 24) & (age_hours < 24 + crisis.scenario.hours_per_turn)]
        if who.size:
            for state in crisis.states:
                rebound = state.economy.market[who] / state.economy.market_at_halt[who] - 1
                crisis.record.mark(f"{state.name}_market_rebound", who, rebound)

    def _violate(self, held: Indices, fading: NDArray[np.float32]) -> None:
        """Shots after a halt that followed shots: absorbed, or answered, which brings the crisis back."""
        crisis = self.crisis
        clock = cast(Clock, self._stream("violate", Clock))
        who = _shoot(
            self._violations.records,
            held,
            fading,
            crisis.worst,
            Real(crisis.days_per_turn),
            clock.left,
        )
        clock.renew(who)
        if not who.size:
            return
        crisis.record.mark("first_violation_at_hours", who, crisis.hours)
        crisis.tell("violation", "")
        struck_first = self.uniform("struck", who) < 0.5  # either side is as likely to fire
        answer = self.uniform("answer", who)
        for state, struck in zip(crisis.states, (struck_first, ~struck_first), strict=True):
            here = np.flatnonzero(struck)
            if here.size:
                self._answer(state, who[here], answer[here])

    def _answer(self, state: State, who: Indices, uniform: NDArray[np.float32]) -> None:
        """The state that was fired on keeps the halt, or goes back to the ladder's first violent rung."""
        crisis, behaviour = self.crisis, self.crisis.behaviour
        state.grievance[who] += at(behaviour.halt.violation_harm, who)
        anger = (
            at(behaviour.halt.forgone_retaliation, who)
            * at(state.facts.resolve, who)
            * state.grievance[who]
        )
        keeping = at(behaviour.halt.answering_cost, who)
        precision = at(behaviour.decision.choice_precision, who)
        answers = np.flatnonzero(uniform < logistic(precision * (anger - keeping)))
        if answers.size < who.size:
            crisis.tell("absorbed", state.name)
        if answers.size:
            back = who[answers]
            self.fall(state, back, crisis.hours)
            state.move(back, np.full(back.size, crisis.ladder.fire_rung))

    def fall(self, state: State, who: Indices, hours: float) -> None:
        """What halts are in effect in the replicates `who` fall at the given hours, by the deed of `state`."""
        held = who[self.holding.take(who)]
        if held.size:
            self.holding[held] = False
            self.crisis.record.mark("relapsed_at_hours", held, hours)
            self.crisis.tell("relapsed", state.name, hours=hours)


@compiled
def _talk(
    wants: Flags,
    other_wants: Flags,
    offer_until: NDArray[np.float32],
    other_offer_until: NDArray[np.float32],
    hours: np.float32,
) -> tuple[Indices, Indices, Indices]:
    """The replicates in which one side offers a halt, those in which the other does, and those in which both would talk."""
    offers = np.empty(wants.size, np.intp)
    other_offers = np.empty(wants.size, np.intp)
    talks = np.empty(wants.size, np.intp)
    ones = others = both = 0
    for one in range(wants.size):
        if not (wants[one] or other_wants[one]):
            continue
        would = wants[one] or offer_until[one] >= hours
        other_would = other_wants[one] or other_offer_until[one] >= hours
        if would and other_would:
            talks[both] = one
            both += 1
            continue
        if wants[one]:
            offers[ones] = one
            ones += 1
        if other_wants[one]:
            other_offers[others] = one
            others += 1
    return offers[:ones], other_offers[:others], talks[:both]


@compiled
def _doubtful(
    who: Indices, wants_halt: Flags, rival_offer_until: NDArray[np.float32], hours: np.float32
) -> Indices:
    """The places in `who` of the replicates in which a side has not just taken up its rival's standing offer."""
    doubtful = np.empty(who.size, np.intp)
    count = 0
    for place in range(who.size):
        one = who[place]
        if not (wants_halt[one] and rival_offer_until[one] >= hours):
            doubtful[count] = place
            count += 1
    return doubtful[:count]


@compiled
def _watch(
    violations: NDArray[np.void],
    holding: Flags,
    ongoing: Flags,
    effective_at: NDArray[np.float64],
    hours: float,
) -> tuple[Indices, NDArray[np.float64], NDArray[np.float32]]:
    """The replicates in which a halt holds, its age in hours, and the logarithm of how far violations have faded."""
    held = np.empty(holding.size, np.intp)
    age_hours, fading = np.empty(holding.size, np.float64), np.empty(holding.size, Real)
    count = 0
    last = violations.size - 1
    for one in range(holding.size):
        if holding[one] and ongoing[one]:
            held[count] = one
            age_hours[count] = hours - effective_at[one]
            fading[count] = -Real(age_hours[count] / 24) / violations[min(one, last)].fade_days
            count += 1
    return held[:count], age_hours[:count], fading[:count]


@compiled
def _shoot(
    violations: NDArray[np.void],
    held: Indices,
    fading: NDArray[np.float32],
    worst: NDArray[np.float32],
    days: np.float32,
    budget: NDArray[np.float32],
) -> Indices:
    """Let the clock of violations run where there was violence; the replicates in which there is one."""
    shots = np.empty(held.size, np.intp)
    count = 0
    last = violations.size - 1
    for place in range(held.size):
        one = held[place]
        if worst[one] > 0:
            budget[one] -= violations[min(one, last)].per_day * fading[place] * days
            if budget[one] <= 0:
                shots[count] = one
                count += 1
    return shots[:count]
