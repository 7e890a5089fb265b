from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crisis_sim.experiments import Experiment, make_experiment, run_experiment
from crisis_sim.experiments.sweep import crises, crossings_of, factors_of, nearest_point, points_of
from crisis_sim.outcomes.differences import Measured
from tests.batch.crises import crisis

RESOLVE, AUDIENCE = "states.north.resolve", "states.north.audience"


def made(**changes: Any) -> Experiment:
    content = {
        "kind": "sweep",
        "scenario": crisis(),
        "vary": {RESOLVE: {"low": 0.2, "high": 0.8, "points": 4}},
        "outcomes": ["agreement", "mean_deaths"],
        "replicates": 12,
        **changes,
    }
    return make_experiment("mine", **content)


def points(experiment: Experiment) -> dict[str, Any]:
    spec: Any = experiment.spec
    return points_of(spec.vary, spec.sample, factors_of(experiment), spec.seed)


def test_a_grid_goes_over_one_parameter_in_equal_steps() -> None:
    assert points(made())[RESOLVE] == pytest.approx([0.2, 0.4, 0.6, 0.8])


def test_a_grid_over_two_has_every_pair_the_last_one_moving_fastest() -> None:
    vary = {RESOLVE: {"values": [0.9, 0.1]}, AUDIENCE: {"low": 0, "high": 1, "points": 3}}
    experiment = made(vary=vary)
    grid = points(experiment)
    assert grid[RESOLVE] == pytest.approx([0.1, 0.1, 0.1, 0.9, 0.9, 0.9])
    assert grid[AUDIENCE] == pytest.approx([0, 0.5, 1, 0, 0.5, 1])
    assert crises(experiment) == 6 * 12


def test_a_log_grid_goes_up_in_ratios() -> None:
    path = "mediators.elder.attention_days"
    swept = points(made(vary={path: {"low": 0.1, "high": 10, "points": 3, "scale": "log"}}))
    assert swept[path] == pytest.approx([0.1, 1, 10])


@pytest.mark.parametrize("method", ["sobol", "latin hypercube"])
def test_a_sample_fills_the_space_and_is_the_same_for_a_seed(method: str) -> None:
    changes = {"vary": {RESOLVE: {}, AUDIENCE: {}}, "sample": {"method": method, "points": 32}}
    sample = points(made(**changes))
    for values in sample.values():
        assert len(values) == 32
        # One point in each of 32 slices, or in Sobol's case two in each of 16.
        slices = 32 if method == "latin hypercube" else 16
        assert set(np.bincount((values * slices).astype(int))) == {32 // slices}
    again, other = points(made(**changes)), points(made(**changes, seed=2))
    np.testing.assert_array_equal(sample[RESOLVE], again[RESOLVE])
    assert not np.array_equal(sample[RESOLVE], other[RESOLVE])


def test_any_number_of_sobol_points_may_be_asked_for() -> None:
    assert len(points(made(vary={RESOLVE: {}}, sample={"points": 5}))[RESOLVE]) == 5


def test_the_reference_is_the_point_nearest_to_the_scenarios_own_value_or_a_given_one() -> None:
    experiment = made(vary={RESOLVE: {"low": 0.1, "high": 1, "points": 10}})
    factors, grid = factors_of(experiment), points(experiment)
    assert grid[RESOLVE][nearest_point(grid, factors, {})] == pytest.approx(0.9)
    assert grid[RESOLVE][nearest_point(grid, factors, {RESOLVE: 0.31})] == pytest.approx(0.3)


def test_nearness_on_a_log_scale_is_one_of_ratios() -> None:
    path = "mediators.elder.attention_days"
    experiment = made(vary={path: {"values": [0.1, 1, 10], "scale": "log"}})
    factors, grid = factors_of(experiment), points(experiment)
    assert grid[path][nearest_point(grid, factors, {path: 4})] == 10
    assert grid[path][nearest_point(grid, factors, {path: 3})] == 1


def test_findings_hold_points_measures_and_paired_differences() -> None:
    findings = run_experiment(made())
    assert findings.crises == 48
    assert findings.tables["points"].num_rows == 4
    assert findings.tables["measures"].num_rows == findings.tables["differences"].num_rows == 8
    differences = findings.tables["differences"].to_pandas()
    measures = findings.tables["measures"].to_pandas()
    reference = findings.summary["reference"]
    for name in ("agreement", "mean_deaths"):
        own = measures[measures.measure == name].set_index("point").estimate
        less = differences[differences.measure == name].set_index("point").estimate
        assert less.to_list() == pytest.approx((own - own[reference]).to_list())


def test_a_parameter_that_nothing_reads_changes_nothing_at_all() -> None:
    # What the elder knows is never asked: without calls it does not come in.
    scenario = crisis(behaviour={"mediation": {"calls_per_day": 0}})
    experiment = made(scenario=scenario, vary={"mediators.elder.information": {"points": 3}})
    differences = run_experiment(experiment).tables["differences"].to_pandas()
    assert (differences.estimate == 0).all()
    assert (differences.standard_error == 0).all()


def test_the_answer_says_how_sure_it_is_and_what_would_make_it_surer() -> None:
    answer = run_experiment(made(threshold=0.5)).answer
    assert answer[0].startswith("Ending by agreement, of all crises: from ")
    assert "48 replicates at each point would about halve the intervals." in answer[-1]
    assert any("50" in line and "agreement" in line for line in answer[2:-1])


def curve(estimate: list[float], reach: float) -> Measured:
    middle = np.array(estimate)
    ones = np.ones(len(middle))
    return Measured(
        middle, ones, middle - reach, middle + reach, ones.astype(int), ones[:, None], True
    )


def test_a_crossing_lies_between_points_with_the_bands_crossings_about_it() -> None:
    x = np.array([3.0, 1.0, 2.0, 4.0])  # in no order
    (crossing,) = crossings_of(x, curve([0.4, 0.8, 0.6, 0.2], 0.1), 0.5)
    assert crossing["at"] == pytest.approx(2.5)
    assert crossing["lower"] == pytest.approx(2.0)
    assert crossing["upper"] == pytest.approx(3.0)
    assert crossing["direction"] == "falls"


def test_a_curve_that_stays_on_one_side_has_no_crossing() -> None:
    assert crossings_of(np.array([1.0, 2.0]), curve([0.8, 0.9], 0.1), 0.5) == []
