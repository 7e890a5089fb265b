"""A halt: agreed, brought into effect, violated, and absorbed or answered."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim.model import mediator, state, tell
from crisis_sim.model.arrays import DAY_HOURS, MOMENT, Array, Held, Real, row
from crisis_sim.model.choice import logistic
from crisis_sim.model.compiled import routine, rule
from crisis_sim.model.luck import rings, uniform
from crisis_sim.model.record import (
    AGREED,
    BROKERED_BY,
    FIGURES_A_STATE,
    FIRST_VIOLATION,
    IN_EFFECT,
    MARKET_REBOUND,
    OF_STATES,
    mark,
    note,
)
from crisis_sim.model.state import STREAMS_A_STATE, STRUCK

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel

#: What a halt takes luck for, by the number of the stream after those of the states.
VIOLATE, ANSWER = (2 * STREAMS_A_STATE + k for k in range(2))
PURPOSES = ("violate", "answer")
NAME = "crisis/halt"

#: Numbers of a halt that stay as they are while a crisis lasts, in `crisis_sim.model.world.TERMS`.
TERMS = (
    ("violations_per_day", Real),
    ("violation_fade_days", Real),
    ("implementation_hours", np.float64),
    ("offer_hours", np.float64),
    ("brokered_share", Real),
)
_NEVER = -np.inf


class Halt:
    """The halt between the two states.

    Attributes (each an array over replicates):
        pending: whether a halt is agreed and not in effect yet.
        holding: whether a halt is in effect.
        effective_at: hours at which the last halt agreed comes, or came, into effect.
    """

    pending = Held()
    holding = Held()
    effective_at = Held()

    def __init__(self, crisis: CrisisModel) -> None:
        self._crisis = crisis
        self.effective_at = np.nan

    @property
    def records(self) -> Any:
        """Where its attributes are held."""
        return self._crisis.board


def terms(behaviour: Any) -> dict[str, Array]:
    """A halt's numbers: `TERMS`."""
    halt = behaviour.halt
    return {
        "violations_per_day": halt.violations_per_day,
        "violation_fade_days": halt.violation_fade_days,
        "implementation_hours": halt.implementation_hours,
        "offer_hours": 24 * halt.offer_lasts_days,
        "brokered_share": behaviour.mediation.brokered_share,
    }


@rule
def agree(
    one: Any,
    other: Any,
    terms: Any,
    mediation: Any,
    means: Any,
    replicate: Any,
    here: Any,
    lots: Any,
) -> None:
    """Agree where both sides want to; an offer that is not taken up at once stands for a while.

    Args:
        lots: the number of the mediators' first stream of luck.
    """
    if not (one.wants_halt or other.wants_halt):
        return
    book, hours, now = here.book, here.hours, here.hours - MOMENT
    takes_up = one.wants_halt and other.offer_until >= now
    other_takes_up = other.wants_halt and one.offer_until >= now
    would = one.wants_halt or one.offer_until >= now
    other_would = other.wants_halt or other.offer_until >= now
    if not (would and other_would):
        stands_until = hours + terms.offer_hours
        if one.wants_halt:
            one.offer_until = stands_until
            note(book, tell.OFFERED, 0, hours)
        if other.wants_halt:
            other.offer_until = stands_until
            note(book, tell.OFFERED, 1, hours)
        return
    # Who took up a standing offer has just decided for a halt; who made an offer, not knowing whether it would be taken up,
    # decides now whether it meant it.
    meant = True
    if not (takes_up or state.concludes(one, here, 0)):
        meant = False
        note(book, tell.TOOK_BACK, 0, hours)
    if not (other_takes_up or state.concludes(other, here, STREAMS_A_STATE)):
        meant = False
        note(book, tell.TOOK_BACK, 1, hours)
    if not meant:
        one.offer_until = _NEVER
        other.offer_until = _NEVER
        return
    here.board.pending = True
    here.board.effective_at = hours + terms.implementation_hours
    share, numbers = terms.brokered_share, row(means, replicate)
    broker = mediator.broker(mediation, means, numbers, share, here.luck, lots)
    if math.isnan(book.figures[AGREED, book.row]):
        book.words[BROKERED_BY, book.row] = broker
        book.figures[AGREED, book.row] = hours
    note(book, tell.AGREED, 0, hours, broker)


@rule
def is_due(here: Any) -> Any:
    """Whether a halt that was agreed comes into effect."""
    board = here.board
    if not board.pending or board.effective_at > here.hours + MOMENT:
        return False
    board.pending = False
    board.holding = True
    mark(here.book, IN_EFFECT, board.effective_at)
    note(here.book, tell.IN_EFFECT, 0, board.effective_at)
    return True


@rule
def start(own: Any, side: Any, ladder: Any, openings: Any, halt_rung: Any, here: Any) -> None:
    """A halt that comes into effect brings a state below violence."""
    own.market_at_halt = own.market
    own.offer_until = _NEVER
    if own.rung > halt_rung:
        state.move(own, side, halt_rung, ladder, openings, here, here.hours)


@rule
def note_rebound(own: Any, side: Any, here: Any) -> None:
    """How far a market has come back a day after the halt came into effect."""
    rebound = own.market / own.market_at_halt - Real(1)
    mark(here.book, OF_STATES + side * FIGURES_A_STATE + MARKET_REBOUND, rebound)


@rule
def is_violated(terms: Any, here: Any) -> Any:
    """Whether there are shots in a halt that followed shots: the clock runs the slower the older it is."""
    if here.board.worst <= 0:
        return False
    age_days = Real((here.hours - here.board.effective_at) / DAY_HOURS)
    fading = math.exp(-age_days / terms.violation_fade_days)
    if not rings(here.luck, VIOLATE, terms.violations_per_day * fading * here.days):
        return False
    mark(here.book, FIRST_VIOLATION, here.hours)
    note(here.book, tell.VIOLATION, 0, here.hours)
    return True


@rule
def first_is_struck(here: Any) -> Any:
    """Whether it is the first state that was fired on: either side is as likely to fire, and draws a lot of its own."""
    one, other = Real(0), Real(0)
    while one == other:
        one = uniform(here.luck, STRUCK)
        other = uniform(here.luck, STREAMS_A_STATE + STRUCK)
    return one > other


@routine
def answer(
    own: Any,
    side: Any,
    habits: Any,
    stakes: Any,
    ladder: Any,
    openings: Any,
    fire_rung: Any,
    here: Any,
) -> None:
    """The state that was fired on keeps the halt, or goes back to the ladder's first violent rung."""
    own.grievance += habits.violation_harm
    anger = stakes.forgone_by_halt * own.grievance
    odds = Real(stakes.choice_precision) * (anger - habits.answering_cost)
    if uniform(here.luck, ANSWER) < logistic(odds):
        state.fall(side, here, here.hours)
        state.move(own, side, fire_rung, ladder, openings, here, here.hours)
    else:
        note(here.book, tell.ABSORBED, side, here.hours)
