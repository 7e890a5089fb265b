"""A lender: its purse restrains the borrower before a decision, not after; the decision brings relief or a shock."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.agent import Influence, ThirdParty
from crisis_sim.model.arrays import Array, Flags, Indices, Real, at
from crisis_sim.model.choice import logistic
from crisis_sim.model.compiled import compiled
from crisis_sim.model.state import State
from crisis_sim.scenario.schema import LenderSpec, ReviewSpec

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel

DECISIONS = ("", "approved", "delayed")
APPROVED, DELAYED = 1, 2


class Lender(ThirdParty):
    """A purse on which one state depends, with a calendar of reviews.

    A review put off comes back after `delay_days`, until it is approved or the crisis is over.

    Attributes (each an array over replicates):
        due: for each review, hours at which the board meets on it next; infinite once it is approved.
        burdens: for each review, economic pressure on the borrower from what was decided; negative for relief.
    """

    def __init__(self, model: CrisisModel, name: str, spec: LenderSpec) -> None:
        super().__init__(model, name)
        self.title = spec.title or name
        self.borrower_name = spec.borrower
        self.reviews = spec.reviews
        self.facts = model.parameters.numbers(f"lenders.{name}", spec)
        path = f"lenders.{name}.reviews"
        self.terms = {
            k: model.parameters.numbers(f"{path}.{k}", review)
            for k, review in enumerate(spec.reviews)
        }
        hours = [model.scenario.hours_from_start(review.at) for review in spec.reviews]
        self.due = {
            k: self.array(at_hours) + Real(24) * self.facts.days_later
            for k, at_hours in enumerate(hours)
        }
        self._next_due = min((float(due.min()) for due in self.due.values()), default=np.inf)
        self.burdens = {k: self.array() for k in self.due}
        lending = model.behaviour.lending
        #: Restraint that it puts on the borrower on the day of a decision.
        self._hold = lending.restraint * self.facts.dependence * self.facts.conditionality
        self._run_up_hours = 24 * lending.run_up_days
        self._recovered = model.share(1 / model.behaviour.economy.recovery_days)
        model.record.add(f"{name}_decided_at_hours")
        model.record.add_words(f"{name}_decision", DECISIONS)

    @property
    def borrower(self) -> State:
        """The state that depends on it."""
        return self.crisis.state(self.borrower_name)

    def nearness(self, who: Indices) -> Array:
        """How much the next decision weighs, from 0 when it is far off to 1 on its day."""
        if not self.due:
            return Real(0)
        due = reduce(np.minimum, (hours.take(who) for hours in self.due.values()))
        ahead = np.minimum(self.crisis.hours - due, 0)
        return np.exp(ahead / at(self._run_up_hours, who))

    def settle(self) -> None:
        kept = 1 - self._recovered
        self.burdens = {k: kept * burden for k, burden in self.burdens.items()}

    def act(self) -> None:
        crisis = self.crisis
        if crisis.hours < self._next_due:
            return
        self._next_due = np.inf
        for k, review in enumerate(self.reviews):
            who = _due(self.due[k], Real(crisis.hours), crisis.ongoing)
            if who.size:
                self._decide(k, review, who)
            self._next_due = min(self._next_due, float(self.due[k].min()))

    def _decide(self, k: int, review: ReviewSpec, who: Indices) -> None:
        crisis, lending = self.crisis, self.crisis.behaviour.lending
        terms, borrower = self.terms[k], self.borrower
        votes = {"for": 0.0, "abstain": at(lending.abstention, who), "against": 1.0}
        log_odds = (
            at(lending.approval, who) - at(lending.opposition, who) * votes[review.rival_vote]
        )
        log_odds = log_odds - (
            at(lending.strictness, who)
            * at(self.facts.conditionality, who)
            * borrower.intensity[who]
        )
        approved = self.uniform(f"review {k}", who) < logistic(log_odds)
        self.due[k][who] = np.where(approved, np.inf, crisis.hours + 24 * at(terms.delay_days, who))
        size = at(terms.amount_usd_bn, who) / (
            at(lending.reference_share, who) * at(borrower.facts.reserves_usd_bn, who)
        )
        bearing = size * at(self.facts.dependence, who)
        relief, shock = at(lending.relief, who) * bearing, at(lending.shock, who) * bearing
        self.burdens[k][who] = np.where(approved, -relief, shock)
        first = np.flatnonzero(crisis.record.of(f"{self.name}_decision", who) == 0)
        crisis.record.set(
            f"{self.name}_decision", who[first], np.where(approved[first], APPROVED, DELAYED)
        )
        crisis.record.mark(f"{self.name}_decided_at_hours", who, crisis.hours)
        if crisis.journal is not None:
            crisis.tell(
                "decided",
                self.name,
                decision=DECISIONS[APPROVED if approved[0] else DELAYED],
                amount_usd_bn=float(np.max(at(terms.amount_usd_bn, who))),
                title=review.title,
                vote=review.rival_vote,
            )

    def strain(self, state: State) -> Array | None:
        if state.name != self.borrower_name or not self.burdens:
            return None
        return sum(self.burdens.values())

    def influence(self, state: State, who: Indices) -> Influence | None:
        if state.name != self.borrower_name:
            return None
        return Influence(restraint=at(self._hold, who) * self.nearness(who))

    def series(self) -> dict[str, Array]:
        return {f"{self.name}_nearness": self.nearness(np.arange(self.crisis.replicates))}


@compiled
def _due(due: NDArray[np.float32], hours: np.float32, ongoing: Flags) -> Indices:
    """The replicates in which a review is due."""
    who = np.empty(due.size, np.intp)
    count = 0
    for one in range(due.size):
        if due[one] <= hours and ongoing[one]:
            who[count] = one
            count += 1
    return who[:count]
