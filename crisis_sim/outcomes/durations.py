"""The three durations of a crisis, each on a clock of its own.

=================== ===================== ============================= ========================
clock               counts from           event of interest             watched until
=================== ===================== ============================= ========================
`from_trigger`      the trigger           first ceasefire in effect     the horizon
`from_first_strike` the first strike      first ceasefire in effect     the horizon
`relapse`           the first ceasefire   fighting again                the end of the follow-up
=================== ===================== ============================= ========================

They must never be mixed: a ceasefire four days after the first strike may be nineteen days after
the trigger. A replicate that never reaches a clock's origin is not on that clock.

On the first two clocks a crisis that ends otherwise (tacit, unilateral, imposed or faded) before a
ceasefire has had a competing ending: no ceasefire can come any more. A crisis still going on when
the watching stops is censored. It is never counted as a ceasefire.

On the clock from the first strike a crisis struck late is watched more briefly. The estimate then
takes it that late and early struck crises end alike, as every estimate from censored times must.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisis_sim.outcomes.incidence import CumulativeIncidence, cumulative_incidence
from crisis_sim.outcomes.intervals import CONFIDENCE, FloatArray
from crisis_sim.outcomes.records import (
    AGREEMENT,
    OTHER_ENDINGS,
    UNRESOLVED,
    Replicates,
    kinds,
)
from crisis_sim.scenario.schema import ENDINGS

CEASEFIRE = "ceasefire"
RELAPSE = "relapse"

#: The crises that shares on each clock are shares of.
AMONG = {
    "from_trigger": "crises with a trigger",
    "from_first_strike": "crises with a first strike",
    RELAPSE: "crises with a ceasefire",
}

#: All competing endings together.
OTHERWISE = "ended otherwise"


@dataclass(frozen=True, slots=True)
class Durations:
    """One clock's reading for every replicate.

    Attributes:
        hours: Hours from the clock's origin to the event, a competing ending or the end of the
            watch, shape `(replicates,)`; NaN for replicates that are not on this clock.
        cause: 0 if the watch ended first (censored), else `k` for `causes[k - 1]`.
        causes: Names of what may happen, the event of interest first.
    """

    hours: FloatArray
    cause: NDArray[np.int8]
    causes: tuple[str, ...]

    def incidence(self, confidence: float = CONFIDENCE) -> CumulativeIncidence:
        """The cumulative incidence of each cause on this clock."""
        return cumulative_incidence(self.hours, self.cause, self.causes, confidence)

    def competing_as_one(self) -> Durations:
        """The same with every competing ending under one name; the event of interest is as it was.

        The incidence of the first cause does not depend on how the others are told apart.
        """
        return Durations(
            self.hours, np.minimum(self.cause, 2).astype(np.int8), (self.causes[0], OTHERWISE)
        )

    def subset(self, rows: NDArray[np.intp]) -> Durations:
        """The readings of some replicates, in the order of `rows`."""
        return Durations(self.hours[rows], self.cause[rows], self.causes)


def from_trigger(ensemble: Replicates) -> Durations:
    """Trigger to first ceasefire in effect. Every replicate with a trigger is on this clock."""
    return _to_ceasefire(ensemble, ensemble.column("trigger_at_hours"))


def from_first_strike(ensemble: Replicates) -> Durations:
    """First strike to first ceasefire in effect, for the replicates that saw a first strike.

    A ceasefire that took effect before the first strike does not count, for it did not halt what
    the strike began. If an agreement ended the crisis after the strike nevertheless, the moment
    that agreement took effect is the ceasefire.
    """
    return _to_ceasefire(ensemble, ensemble.column("first_strike_at_hours"))


def relapse(ensemble: Replicates) -> Durations:
    """First ceasefire in effect to relapse, for the replicates that had a ceasefire.

    Nothing competes with a relapse; a ceasefire that still held when the watch ended is censored
    there. The cumulative incidence is one minus the Kaplan-Meier estimate of ceasefires that hold.
    """
    halt = ensemble.column("ceasefire_in_effect_at_hours")
    again = ensemble.column("relapsed_at_hours")
    hours = np.where(np.isnan(again), _watched_until(ensemble), again) - halt
    return Durations(
        _not_before_the_origin(hours), np.where(np.isnan(again), 0, 1).astype(np.int8), (RELAPSE,)
    )


#: The clocks by name, in the order in which a crisis starts them.
CLOCKS = {
    "from_trigger": from_trigger,
    "from_first_strike": from_first_strike,
    "relapse": relapse,
}


def _to_ceasefire(ensemble: Replicates, origin: FloatArray) -> Durations:
    ending = kinds(ensemble, "ending", ENDINGS)
    ended = ensemble.column("ended_at_hours")
    first_halt = ensemble.column("ceasefire_in_effect_at_hours")
    agreed = ending == ENDINGS.index(AGREEMENT)
    unresolved = ending == ENDINGS.index(UNRESOLVED)

    lasting_halt = np.where(agreed, ended, np.nan)
    # Comparisons with NaN are false: what never came is never at or after the origin.
    halt = np.where(
        first_halt >= origin, first_halt, np.where(lasting_halt >= origin, lasting_halt, np.nan)
    )
    ended_otherwise = np.where(agreed | unresolved, np.nan, ended)

    causes = (CEASEFIRE, *OTHER_ENDINGS)
    cause = np.zeros(len(origin), dtype=np.int8)
    at = _watched_until(ensemble)
    otherwise = ~np.isnan(ended_otherwise)
    # The other endings stand in ENDINGS just after agreement, as in causes just after ceasefire.
    cause[otherwise] = ending[otherwise] + 1
    at = np.where(otherwise, ended_otherwise, at)
    came = ~np.isnan(halt)
    cause[came] = 1
    at = np.where(came, halt, at)
    # A crisis that was over before the clock began is not on it.
    at = np.where(ended < origin, np.nan, at)
    return Durations(_not_before_the_origin(at - origin), cause, causes)


def _watched_until(ensemble: Replicates) -> FloatArray:
    """Last hour at which each replicate was observed; the horizon where none is recorded."""
    until = ensemble.column("followed_until_hours")
    return np.where(np.isnan(until), ensemble.horizon_hours, until)


def _not_before_the_origin(hours: FloatArray) -> FloatArray:
    """Readings that would be negative become NaN: the watch ended before the clock began."""
    return np.where(hours >= 0.0, hours, np.nan)
