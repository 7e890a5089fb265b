from __future__ import annotations

import numpy as np
import pytest

from crisis_sim.batch import simulate
from crisis_sim.experiments import load_experiment, run_experiment
from crisis_sim.experiments.attribute import scenarios_of
from crisis_sim.experiments.load import resolved_experiment
from tests.batch.crises import crisis
from tests.experiments.examples import made


def test_every_combination_of_parts_is_a_scenario_of_its_own() -> None:
    scenarios = scenarios_of(made("attribute"))
    there = [
        ("elder" in one.mediators, "bank" in one.lenders, "line" in one.channels)
        for one in scenarios
    ]
    # The first part changes fastest.
    assert there == [tuple(bool(number >> k & 1) for k in range(3)) for number in range(8)]
    assert [one.name for one in scenarios][:3] == ["parts_000", "parts_100", "parts_010"]
    assert scenarios[-1].digest == crisis().digest
    # Who is gone opens no channel.
    assert scenarios[0b110].channels["line"].opened_by == ("north",)


def test_a_part_may_be_changed_in_place_of_taken_out() -> None:
    off, on = scenarios_of(made("attribute", parts={"tie": "lenders.bank.conditionality=0"}))
    assert off.lenders["bank"].conditionality == 0.0
    assert on.digest == crisis().digest


def test_what_moves_nobody_gets_exactly_nothing() -> None:
    # Nobody misreads anybody, so that it does not matter what the elder knows.
    scenario = crisis(behaviour={"fog": {"misreading": 0}})
    parts = {"purse": "lenders", "news": "mediators.elder.information=0"}
    found = run_experiment(made("attribute", scenario, parts=parts))
    for one in found.summary["attributions"].values():
        news = one["parts"]["news"]["shapley"]
        assert news["estimate"] == news["standard_error"] == 0.0
    assert "No difference in any combination: purse and news" in found.answer[0]


def test_shares_add_up_to_the_difference_between_all_and_none() -> None:
    found = run_experiment(made("attribute"))
    for one in found.summary["attributions"].values():
        values = [part["shapley"]["estimate"] for part in one["parts"].values()]
        total = one["everything"]["estimate"] - one["nothing"]["estimate"]
        assert sum(values) == pytest.approx(one["total"]["estimate"]) == pytest.approx(total)
    rows = {name: table.num_rows for name, table in found.tables.items()}
    assert rows == {"points": 8, "measures": 16, "attributions": 2 * 3 * 3, "interactions": 2 * 3}
    points = found.tables["points"]
    assert points.column_names == ["point", "scenario", "elder", "purse", "line"]
    assert np.sum(points.column("purse").to_numpy()) == 4


def test_over_fits_shares_have_ranges() -> None:
    experiment = made("attribute", over_fits=True, replicates=2_000, outcomes=["mediated"])
    found = run_experiment(experiment)
    (one,) = found.summary["attributions"].values()
    share = one["parts"]["elder"]["shapley"]
    assert share["over_fits"]["sets"] > 20
    assert share["over_fits"]["lower"] < share["estimate"] < share["over_fits"]["upper"]
    # A part that changes next to nothing rests on too few crises for a range.
    assert "over_fits" not in one["parts"]["purse"]["shapley"]
    assert "; over fits +" in found.answer[0]
    assert "Over fits: each replicate drew one of" in found.answer[-1]
    assert "fits_same_sign" in found.tables["attributions"].column_names
    again = resolved_experiment(experiment.plain())
    assert again.digest == experiment.digest


def test_what_ended_the_fighting_is_asked_of_a_strike_at_its_real_hour() -> None:
    experiment = load_experiment("what_ended_the_fighting_of_may_2025")
    whole = load_experiment("what_ended_may_2025")
    assert experiment.spec.parts == whole.spec.parts
    (ensemble,) = simulate([experiment.scenario], 100).ensembles.values()
    strike = ensemble.column("first_strike_at_hours")
    assert np.mean(strike == pytest.approx(10 + 5 / 60)) > 0.9  # of May 7, from 15:00 on the eve
    assert not np.isnan(strike).any()
