"""A lender: its purse restrains the borrower before a decision, not after; the decision brings relief or a shock."""

from __future__ import annotations

import math
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim.model import tell
from crisis_sim.model.agent import Role
from crisis_sim.model.arrays import MOMENT, Array, Real, reals
from crisis_sim.model.choice import logistic
from crisis_sim.model.compiled import routine, rule
from crisis_sim.model.luck import uniform
from crisis_sim.model.record import OF_LENDERS, mark, note
from crisis_sim.model.state import State
from crisis_sim.scenario.schema import LenderSpec

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel

DECISIONS = ("", "approved", "delayed")
APPROVED, DELAYED = 1, 2

#: All that changes in a lender, review by review: see `Lender`.
REVIEW = np.dtype([("due", np.float64), ("burden", Real)], align=True)
#: How a lender's purse restrains its borrower, and what is left of a burden after a turn.
CONDUCT = reals("hold", "run_up_hours", "kept")
#: What hangs on a review.
STAKE = np.dtype(
    [*((name, Real) for name in ("favour", "strictness", "relief", "shock")), ("delay_hours", np.float64)]
)  # fmt: skip
_PUT_OFF_FOR_GOOD = np.inf


class Lender(Role):
    """A purse on which one state depends, with a calendar of reviews.

    A review put off comes back after `delay_days`, until it is approved or the crisis is over.

    Attributes (each an array over replicates):
        due: for each review, hours at which the board meets on it next; infinite once it is approved.
        burdens: for each review, economic pressure on the borrower from what was decided; negative for relief.
    """

    held_in = "reviews"

    def __init__(
        self, model: CrisisModel, name: str, spec: LenderSpec, place: int, first: int
    ) -> None:
        super().__init__(model, name, place)
        self.title = spec.title or name
        self.borrower_name = spec.borrower
        self.calendar = spec.reviews
        self.first_review = first
        self.facts = model.parameters.numbers(f"lenders.{name}", spec)
        path = f"lenders.{name}.reviews"
        self.terms = {
            k: model.parameters.numbers(f"{path}.{k}", review)
            for k, review in enumerate(spec.reviews)
        }
        for k, review in enumerate(spec.reviews):
            at_hours = model.scenario.hours_from_start(review.at)
            self.due[k][:] = at_hours + 24 * np.asarray(self.facts.days_later, np.float64)
        model.record.add_figure(f"{name}_decided_at_hours")
        model.record.add_word(f"{name}_decision", DECISIONS)

    @property
    def borrower(self) -> State:
        """The state that depends on it."""
        return self.crisis.state(self.borrower_name)

    def _of_reviews(self, field: str) -> dict[int, Any]:
        reviews = self.crisis.reviews
        return {k: reviews[field][:, self.first_review + k] for k in range(len(self.calendar))}

    @property
    def due(self) -> dict[int, Any]:
        """For each review, hours at which the board meets on it next."""
        return self._of_reviews("due")

    @property
    def burdens(self) -> dict[int, Any]:
        """For each review, economic pressure on the borrower from what was decided."""
        return self._of_reviews("burden")

    def conduct(self) -> dict[str, Array]:
        """How it restrains: `CONDUCT`."""
        crisis, lending = self.crisis, self.crisis.behaviour.lending
        return {
            "hold": lending.restraint * self.facts.dependence * self.facts.conditionality,
            "run_up_hours": 24 * lending.run_up_days,
            "kept": 1 - crisis.share(1 / crisis.behaviour.economy.recovery_days),
        }

    def stake(self, k: int) -> dict[str, Array]:
        """What hangs on review k: `STAKE`."""
        lending, terms, review = self.crisis.behaviour.lending, self.terms[k], self.calendar[k]
        votes = {"for": 0.0, "abstain": lending.abstention, "against": 1.0}
        size = terms.amount_usd_bn / (lending.reference_share * self.borrower.facts.reserves_usd_bn)
        bearing = size * self.facts.dependence
        return {
            "favour": lending.approval - lending.opposition * votes[review.rival_vote],
            "strictness": lending.strictness * self.facts.conditionality,
            "relief": lending.relief * bearing,
            "shock": lending.shock * bearing,
            "delay_hours": 24 * terms.delay_days,
        }

    def told(self, decision: int, review: int) -> dict[str, Any]:
        """What a journal is told of a decision on one of its reviews."""
        return {
            "decision": DECISIONS[decision],
            "amount_usd_bn": float(np.max(self.terms[review].amount_usd_bn)),
            "title": self.calendar[review].title,
            "vote": self.calendar[review].rival_vote,
        }

    def series(self) -> dict[str, Array]:
        """How much the next decision weighs, from 0 when it is far off to 1 on its day."""
        due = reduce(np.minimum, self.due.values(), np.full(self.crisis.replicates, np.inf))
        ahead = np.minimum(self.crisis.hours - due, 0)
        run_up_hours = 24 * self.crisis.behaviour.lending.run_up_days
        return {f"{self.name}_nearness": np.exp(ahead / run_up_hours)}


@rule
def is_due(review: Any, hours: Any) -> Any:
    """Whether the board meets on a review."""
    return review.due <= hours + MOMENT


@routine
def decide(
    review: Any,
    stake: Any,
    borrower: Any,
    here: Any,
    stream: Any,
    lender: Any,
    figure: Any,
    number: Any,
) -> None:
    """Approve or put off, by how the borrower stands.

    Args:
        stream: the number of the review's stream of luck.
        lender, number: the lender's number, and the review's among its own.
        figure: the record's column of its first decision.
    """
    odds = stake.favour - stake.strictness * borrower.intensity
    if uniform(here.luck, stream) < logistic(odds):
        decision = APPROVED
        review.due = _PUT_OFF_FOR_GOOD
        review.burden = -stake.relief
    else:
        decision = DELAYED
        review.due = here.hours + stake.delay_hours
        review.burden = stake.shock
    book = here.book
    if book.words[OF_LENDERS + lender, book.row] == 0:
        book.words[OF_LENDERS + lender, book.row] = decision
    mark(book, figure, here.hours)
    note(book, tell.DECIDED, lender, here.hours, decision, number)


@routine
def bear(conduct: Any, reviews: Any, first: Any, count: Any, hours: Any, joined: Any) -> None:
    """Restrain the borrower, the more the nearer the next decision is."""
    if count == 0:
        return
    due = reviews[first].due
    for k in range(first + 1, first + count):
        due = min(due, reviews[k].due)
    ahead = Real(min(hours - due, 0.0))
    joined.restraint += conduct.hold * math.exp(ahead / conduct.run_up_hours)
