from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from crisis_sim.experiments import run_experiment
from crisis_sim.experiments.sweep import crises, crossings_of, factors_of, nearest_point, points_of
from crisis_sim.outcomes.intervals import Measured
from tests.experiments import examples
from tests.experiments.examples import DAYS, NORTH, deaf

AUDIENCE = "states.north.audience"


def made(scenario: Any = None, **changes: Any) -> Any:
    usual = {"replicates": 12, "vary": {NORTH: {"low": 0.2, "high": 0.8, "points": 4}}}
    return examples.made("sweep", scenario, **{**usual, **changes})


def points(experiment: Any) -> dict[str, Any]:
    spec = experiment.spec
    return points_of(spec.vary, spec.sample, factors_of(experiment), spec.seed)


def test_a_grid_has_every_pair_and_its_last_parameter_varies_fastest() -> None:
    assert points(made())[NORTH] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    vary = {NORTH: {"values": [0.9, 0.1]}, AUDIENCE: {"low": 0, "high": 1, "points": 3}}
    experiment = made(vary=vary)
    grid = points(experiment)
    assert grid[NORTH] == pytest.approx([0.1, 0.1, 0.1, 0.9, 0.9, 0.9])
    assert grid[AUDIENCE] == pytest.approx([0, 0.5, 1, 0, 0.5, 1])
    assert crises(experiment) == 6 * 12


def test_a_log_grid_has_equal_ratios_and_the_reference_is_the_nearest_point() -> None:
    experiment = made(vary={DAYS: {"low": 0.1, "high": 10, "points": 3, "scale": "log"}})
    factors, grid = factors_of(experiment), points(experiment)
    assert grid[DAYS] == pytest.approx([0.1, 1, 10])
    assert [nearest_point(grid, factors, {DAYS: value}) for value in (3, 4)] == [1, 2]
    experiment = made(vary={NORTH: {"low": 0.1, "high": 1, "points": 10}})
    factors, grid = factors_of(experiment), points(experiment)
    assert grid[NORTH][nearest_point(grid, factors, {})] == pytest.approx(0.9)  # the scenario's own
    assert grid[NORTH][nearest_point(grid, factors, {NORTH: 0.31})] == pytest.approx(0.3)


@pytest.mark.parametrize(("method", "slices"), [("sobol", 16), ("latin hypercube", 32)])
def test_a_sample_fills_the_space_and_is_the_same_for_a_seed(method: str, slices: int) -> None:
    share = {"low": 0, "high": 1}
    changes = {"vary": {NORTH: share, AUDIENCE: share}, "sample": {"method": method, "points": 32}}
    sample, again, other = (points(made(**changes, seed=seed)) for seed in (1, 1, 2))
    for values in sample.values():
        assert len(values) == 32
        # One point in each of 32 slices, or in Sobol's case two in each of 16.
        assert set(np.bincount((values * slices).astype(int))) == {32 // slices}
    np.testing.assert_array_equal(sample[NORTH], again[NORTH])
    assert not np.array_equal(sample[NORTH], other[NORTH])
    few = made(vary={NORTH: {}}, sample={"method": method, "points": 5})
    assert len(points(few)[NORTH]) == 5


def test_findings_contain_points_measures_paired_differences_and_uncertainty() -> None:
    findings = run_experiment(made(threshold=0.5))
    assert findings.crises == 48
    rows = {name: table.num_rows for name, table in findings.tables.items()}
    assert (rows["points"], rows["measures"], rows["differences"]) == (4, 8, 8)
    differences = findings.tables["differences"].to_pandas()
    measures = findings.tables["measures"].to_pandas()
    for name in ("agreement", "mean_deaths"):
        own = measures[measures.measure == name].set_index("point").estimate
        less = differences[differences.measure == name].set_index("point").estimate
        expected = own - own[findings.summary["reference"]]
        assert less.to_list() == pytest.approx(expected.to_list())
    answer = findings.answer
    own = r"\(the point nearest to the scenario's own value of 0.9\)\. "
    ends = "from .* at resolve = 0.2 to .* at resolve = 0.8"
    assert re.match(rf"Mean deaths: {ends} {own}", answer[1])
    assert "48 replicates at each point would about halve the intervals." in answer[-1]
    assert any("50" in line and "agreement" in line for line in answer[2:-1])


def test_a_parameter_without_effect_changes_nothing() -> None:
    experiment = made(deaf(), vary={"mediators.elder.information": {"points": 3}})
    differences = run_experiment(experiment).tables["differences"].to_pandas()
    assert (differences.estimate == 0).all()
    assert (differences.standard_error == 0).all()


def test_the_answer_goes_from_low_to_high_and_names_the_scenarios_own_value() -> None:
    swept = {NORTH: {"values": [1, 0.9, 0.1]}}
    found = run_experiment(made(vary=swept, outcomes=["first_strike"], replicates=200))
    assert re.match(
        r"A first strike, .*: from .* at resolve = 0.1 to .* at resolve = 1, with .* at resolve = 0.9 "
        r"\(the scenario's own\)\. Compared with resolve = 0.9, at resolve = 0.1 it is .* points less",
        found.answer[0],
    )


def test_a_crossing_is_interpolated_and_limited_by_the_bands_crossings() -> None:
    x = np.array([3.0, 1.0, 2.0, 4.0])  # in no order
    middle, ones = np.array([0.4, 0.8, 0.6, 0.2]), np.ones(4)
    curve = Measured(
        middle, ones, middle - 0.1, middle + 0.1, ones.astype(int), ones[:, None], True
    )
    (crossing,) = crossings_of(x, curve, 0.5)
    limits = [crossing[key] for key in ("lower", "at", "upper")]
    assert limits == pytest.approx([2.0, 2.5, 3.0])
    assert crossing["direction"] == "falls"
    assert crossings_of(x, curve, 0.9) == []


def test_over_fits_each_point_but_the_reference_has_a_range() -> None:
    vary = {NORTH: {"values": [0.1, 0.9]}}
    found = run_experiment(made(vary=vary, over_fits=True, replicates=1_000, outcomes=["mediated"]))
    levels, differences = (found.tables[name].to_pylist() for name in ("measures", "differences"))
    (other,) = [row for row in differences if row["fits_same_sign"] is not None]
    for row in (*levels, other):
        assert row["fits_lower"] < row["estimate"] < row["fits_upper"]
    assert "; over fits " in found.answer[0]
