"""When a crisis is over, and how: the endings of the International Crisis Behavior project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim.model import tell
from crisis_sim.model.arrays import MOMENT, Array, Held, Real, at_most
from crisis_sim.model.compiled import routine, rule
from crisis_sim.model.luck import rings
from crisis_sim.model.record import (
    DEATHS,
    ENDED,
    ENDING,
    FIGURES_A_STATE,
    FOLLOWED,
    HIGHEST_PRESSURE,
    LOWEST_MARKET,
    OF_STATES,
    note,
)
from crisis_sim.model.state import COLLAPSE, STREAMS_A_STATE
from crisis_sim.scenario.schema import ENDINGS

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel
    from crisis_sim.model.state import State

AGREEMENT, TACIT, UNILATERAL, IMPOSED, FADED, UNRESOLVED = (ENDINGS.index(e) for e in ENDINGS)
#: The crisis goes on.
NONE = -1

#: How many times sooner than in an even war a side is beaten, at most: at once.
HOPELESS = 1e9
NAME = "crisis/endings"

#: When both sides are quiet, for how long that must last, and within how many hours a step down is answered; in
#: `crisis_sim.model.world.TERMS`.
TERMS = (
    ("quiet_intensity", Real),
    ("quiet_grievance", Real),
    ("quiet_days", np.float64),
    ("reciprocation_hours", np.float64),
)


class Endings:
    """Watches for the end.

    Attributes (an array over replicates):
        quiet_days: for how long both sides have been quiet.
    """

    quiet_days = Held()

    def __init__(self, crisis: CrisisModel) -> None:
        self._crisis = crisis

    @property
    def records(self) -> Any:
        """Where its attributes are held."""
        return self._crisis.board

    def collapses(self, state: State) -> Array:
        """How often a turn a state is beaten in a full-scale war, the weaker one sooner."""
        crisis, war = self._crisis, self._crisis.behaviour.war
        balance = state.rival.facts.capability / state.facts.capability
        with np.errstate(over="ignore"):
            odds = at_most(balance**war.capability_exponent, HOPELESS)
        return war.collapse_per_day * odds * crisis.days_per_turn


def terms(behaviour: Any) -> dict[str, Array]:
    """When it is quiet: `TERMS`."""
    quiet = behaviour.quiet
    return {
        "quiet_intensity": quiet.quiet_intensity,
        "quiet_grievance": quiet.quiet_grievance,
        "quiet_days": quiet.quiet_days,
        "reciprocation_hours": 24 * quiet.reciprocation_days,
    }


@rule
def by_yielding(one: Any, other: Any, here: Any) -> Any:
    """Unilateral: one side gives the other what it wants. Both at once is an understanding: tacit."""
    # Not where a halt was agreed in the same turn.
    if not (one.yields or other.yields) or here.board.pending or here.board.holding:
        return NONE
    if one.yields:
        note(here.book, tell.YIELDED, 0, here.hours)
    if other.yields:
        note(here.book, tell.YIELDED, 1, here.hours)
    return TACIT if one.yields and other.yields else UNILATERAL


@rule
def by_collapse(habits: Any, side: Any, here: Any) -> Any:
    """Imposed: in a full-scale war, one side is beaten."""
    if not rings(here.luck, side * STREAMS_A_STATE + COLLAPSE, habits.collapses):
        return NONE
    note(here.book, tell.COLLAPSED, side, here.hours)
    return IMPOSED


@rule
def by_quiet(one: Any, other: Any, terms: Any, here: Any, days: Any) -> Any:
    """Tacit, or faded: both quiet for long enough, with nothing signed.

    Args:
        days: length of a turn.
    """
    board = here.board
    if (
        max(one.intensity, other.intensity) > terms.quiet_intensity
        or max(one.grievance, other.grievance) >= terms.quiet_grievance
        or board.holding
        or board.pending
    ):
        board.quiet_days = 0
        return NONE
    board.quiet_days += days
    if board.quiet_days < terms.quiet_days - MOMENT:
        return NONE
    # Not a number, and so not answered, where one of them never stepped down.
    apart = abs(one.stepped_down_at - other.stepped_down_at)
    return TACIT if apart <= terms.reciprocation_hours + MOMENT else FADED


@routine
def end(ending: Any, one: Any, other: Any, here: Any) -> None:
    """End a crisis, and write down how it stands."""
    board, figures, row = here.board, here.book.figures, here.book.row
    here.book.words[ENDING, row] = ending
    figures[ENDED, row] = here.hours
    if ending == AGREEMENT:
        figures[ENDED, row] = board.effective_at
    elif ending == UNRESOLVED:
        figures[ENDED, row] = np.nan
    figures[FOLLOWED, row] = here.hours
    figures[DEATHS, row] = board.deaths
    figures[OF_STATES + LOWEST_MARKET, row] = one.lowest_market
    figures[OF_STATES + HIGHEST_PRESSURE, row] = one.highest_pressure
    figures[OF_STATES + FIGURES_A_STATE + LOWEST_MARKET, row] = other.lowest_market
    figures[OF_STATES + FIGURES_A_STATE + HIGHEST_PRESSURE, row] = other.highest_pressure
    note(here.book, tell.ENDED, 0, here.hours, ending)
    board.ongoing = False
