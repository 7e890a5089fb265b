from __future__ import annotations

from collections.abc import Callable

import pytest
from syrupy.assertion import SnapshotAssertion

from crisis_sim.batch.ensemble import Batch, Ensemble
from crisis_sim.outcomes import summarise

Crises = Callable[..., Ensemble]
Batches = Callable[..., Batch]

#: Replicates, mean hours to a ceasefire of each scenario, and how often nuclear weapons are used.
CASES = {
    "a clear gain": (2000, {"base": 90.0, "quick": 60.0}, 0.0),
    "a clear loss": (2000, {"base": 60.0, "slow": 90.0}, 0.0),
    "not told apart": (60, {"base": 90.0, "near": 88.0}, 0.0),
    "no difference at all": (300, {"base": 90.0, "same": 90.0}, 0.0),
    "one alone, that never saw nuclear use": (1000, {"base": 90.0}, 0.0),
    "one that saw it, and has no median": (500, {"base": 900.0}, 0.01),
    "three that never saw it share a sentence": (300, {"a": 90.0, "b": 80.0, "c": 70.0}, 0.0),
}


@pytest.mark.parametrize("case", CASES)
def test_advice_says_how_sure_results_are_and_what_would_make_them_surer(
    case: str, simulated: Crises, batch_of: Batches, snapshot: SnapshotAssertion
) -> None:
    replicates, means, nuclear_use = CASES[case]
    batch = batch_of(
        *(
            simulated(replicates, mean, name=name, nuclear_use=nuclear_use)
            for name, mean in means.items()
        )
    )
    assert summarise(batch)["advice"] == snapshot


def test_without_a_first_strike_the_horizon_is_spoken_of(
    crises: Crises, batch_of: Batches, snapshot: SnapshotAssertion
) -> None:
    assert summarise(batch_of(crises(*[{}] * 20)))["advice"] == snapshot


def test_the_promise_to_halve_the_interval_is_kept(simulated: Crises, batch_of: Batches) -> None:
    def width(replicates: int) -> float:
        batch = batch_of(*(simulated(replicates, mean, name=str(mean)) for mean in (90.0, 70.0)))
        clock = summarise(batch)["differences"]["70.0"]["ceasefire"]["from_first_strike"]
        figure = clock["by"]["96_hours"]
        return float(figure["upper"] - figure["lower"])

    assert width(4 * 1000) == pytest.approx(width(1000) / 2, rel=0.15)
