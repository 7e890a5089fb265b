"""When a crisis is over, and how: the endings of the International Crisis Behavior project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.agent import Lucky
from crisis_sim.model.arrays import Flags, Indices, Real, Settings, at, at_most, reals
from crisis_sim.model.compiled import compiled
from crisis_sim.scenario.schema import ENDINGS

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel

AGREEMENT, TACIT, UNILATERAL, IMPOSED, FADED, UNRESOLVED = (ENDINGS.index(e) for e in ENDINGS)

#: How many times sooner than in an even war a side is beaten, at most: at once.
HOPELESS = 1e9

#: When both sides are quiet, for how long that must last, and within how many hours a step down is answered.
QUIET = reals("intensity", "grievance", "days", "reciprocation_hours")


class Endings(Lucky):
    """Watches for the end.

    Attributes (an array over replicates):
        quiet_days: for how long both sides have been quiet.
    """

    def __init__(self, crisis: CrisisModel) -> None:
        super().__init__(crisis, "crisis/endings")
        self.quiet_days = self.array()
        quiet = crisis.behaviour.quiet
        self._quiet = Settings.of(
            QUIET,
            intensity=quiet.quiet_intensity,
            grievance=quiet.quiet_grievance,
            days=quiet.quiet_days,
            reciprocation_hours=24 * quiet.reciprocation_days,
        )

    def settle(self) -> None:
        """End the crises that are over at this turn's end."""
        self._yielded()
        self._collapsed()
        self._quietened()
        self._held()
        if self.crisis.turn >= self.crisis.scenario.turns:
            self._out_of_time()

    def _yielded(self) -> None:
        """Unilateral: one side gives the other what it wants. Both at once is an understanding: tacit."""
        one, other = self.crisis.states
        if not (one.yields.any() or other.yields.any()):
            return
        halted = self.crisis.halt.pending | self.crisis.halt.holding  # agreed in the same turn
        both = one.yields & other.yields
        either = (one.yields | other.yields) & ~halted
        for state in (one, other):
            if (either & state.yields).any():
                self.crisis.tell("yielded", state.name)
        self._end(either & both, TACIT)
        self._end(either & ~both, UNILATERAL)

    def _collapsed(self) -> None:
        """Imposed: in a full-scale war, one side is beaten, the weaker one sooner."""
        crisis, war = self.crisis, self.crisis.behaviour.war
        if not crisis.at_war.any():
            return
        for state in crisis.states:
            balance = state.rival.facts.capability / state.facts.capability
            with np.errstate(over="ignore"):
                odds = at_most(balance**war.capability_exponent, HOPELESS)
            rate = war.collapse_per_day * odds
            at_war = (crisis.at_war & crisis.ongoing).nonzero()[0]
            collapses = self.where(f"{state.name} collapses", at(rate, at_war), at_war)
            if collapses.size:
                crisis.tell("collapsed", state.name)
                beaten = self.array(False, bool)
                beaten[collapses] = True
                self._end(beaten, IMPOSED)

    def _quietened(self) -> None:
        """Tacit, or faded: both quiet for long enough, with nothing signed."""
        crisis = self.crisis
        if crisis.hours < crisis.scenario.trigger_hours:
            return
        one, other = crisis.states
        tacit, faded = _quieten(
            self._quiet.records,
            (one.intensity, one.grievance, one.stepped_down_at),
            (other.intensity, other.grievance, other.stepped_down_at),
            crisis.halt.pending,
            crisis.halt.holding,
            crisis.ongoing,
            Real(crisis.days_per_turn),
            self.quiet_days,
        )
        self._end_those(tacit, TACIT)
        self._end_those(faded, FADED)

    def _held(self) -> None:
        """Agreement: a halt has been watched for as long as the scenario asks, and held."""
        crisis, halt = self.crisis, self.crisis.halt
        since = crisis.hours - 24 * crisis.scenario.follow_up_days
        self._end_those(_lasting(halt.holding, halt.effective_at, since, crisis.ongoing), AGREEMENT)

    def _out_of_time(self) -> None:
        """At the horizon a halt in effect is an agreement, watched for less long; all else is unresolved."""
        self._end(self.crisis.halt.holding, AGREEMENT)
        self._end(self.crisis.ongoing, UNRESOLVED)

    def _end(self, over: Flags, ending: int) -> None:
        self._end_those((over & self.crisis.ongoing).nonzero()[0], ending)

    def _end_those(self, who: Indices, ending: int) -> None:
        crisis = self.crisis
        if who.size:
            hours = np.full(who.size, crisis.hours)
            if ending == AGREEMENT:
                hours = crisis.halt.effective_at[who]
            elif ending == UNRESOLVED:
                hours[:] = np.nan
            crisis.end(who, ending, hours)


@compiled
def _quieten(
    settings: NDArray[np.void],
    one_state: Any,
    other_state: Any,
    pending: Flags,
    holding: Flags,
    ongoing: Flags,
    days: np.float32,
    quiet_days: NDArray[np.float32],
) -> tuple[Indices, Indices]:
    """Count the days of quiet; the replicates whose crisis ends by them, tacitly and faded."""
    intensity, grievance, stepped_down = one_state
    other_intensity, other_grievance, other_stepped_down = other_state
    tacit, faded = np.empty(quiet_days.size, np.intp), np.empty(quiet_days.size, np.intp)
    answered = unanswered = 0
    last = settings.size - 1
    for one in range(quiet_days.size):
        quiet = settings[min(one, last)]
        if (
            max(intensity[one], other_intensity[one]) > quiet.intensity
            or max(grievance[one], other_grievance[one]) >= quiet.grievance
            or holding[one]
            or pending[one]
        ):
            quiet_days[one] = 0
            continue
        quiet_days[one] += days
        if quiet_days[one] >= quiet.days and ongoing[one]:
            # Not a number, and so not answered, where one of them never stepped down.
            apart = abs(stepped_down[one] - other_stepped_down[one])
            if apart <= quiet.reciprocation_hours:
                tacit[answered] = one
                answered += 1
            else:
                faded[unanswered] = one
                unanswered += 1
    return tacit[:answered], faded[:unanswered]


@compiled
def _lasting(
    holding: Flags, effective_at: NDArray[np.float64], since: float, ongoing: Flags
) -> Indices:
    """The replicates in which a halt has held since then."""
    who = np.empty(holding.size, np.intp)
    count = 0
    for one in range(holding.size):
        if holding[one] and effective_at[one] <= since and ongoing[one]:
            who[count] = one
            count += 1
    return who[:count]
