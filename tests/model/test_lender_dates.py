from __future__ import annotations

import numpy as np

from crisis_sim.batch import simulate
from tests.batch.crises import crisis

BANK = {"borrower": "south", "reviews": [{"at": "2025-04-25T12:00+00:00", "amount_usd_bn": 1}]}
#: The end of the turn in which it falls due, after 84 hours: turns of six hours are counted from the trigger, at 3.
DUE = 87.0


def test_a_lenders_reviews_can_be_held_later_or_before_their_dates() -> None:
    days = np.array([-2.0, -0.5, 0.0, 1.0])
    batch = simulate(
        crisis(lenders={"bank": BANK}),
        replicates=30,
        points=len(days),
        parameters={"lenders.bank.days_later": np.repeat(days, 30)},
    )
    decided = batch.ensembles["quarrel"].column("bank_decided_at_hours").reshape(len(days), 30)
    for later, hours in zip(days, decided, strict=True):
        assert set(hours[~np.isnan(hours)]) == {DUE + 24 * later}


def test_a_review_put_before_the_start_is_held_in_the_crisis_first_turn() -> None:
    early = crisis(lenders={"bank": {**BANK, "days_later": -100}})
    decided = simulate(early, replicates=5).ensembles["quarrel"].column("bank_decided_at_hours")
    assert set(decided) == {9.0}
