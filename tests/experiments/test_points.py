from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crisis_sim.batch import simulate
from crisis_sim.batch.safe_files import BatchError
from crisis_sim.experiments import points as design_module
from crisis_sim.experiments import run_design
from crisis_sim.experiments.spec import ExperimentError
from crisis_sim.outcomes.named_measures import measure
from tests.batch.crises import crisis
from tests.experiments.examples import NORTH

AGREED, DEATHS = measure("agreement"), measure("mean_deaths")
POINTS = [0.2, 0.9, 0.5]


def run(folder: Path | None = None) -> Any:
    return run_design(crisis(), {NORTH: POINTS}, [AGREED, DEATHS], 40, seed=4, folder=folder)


def test_points_equal_separate_batches_in_memory_and_in_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = run()
    for point, value in enumerate(POINTS):
        parameters = {NORTH: np.full(40, value)}
        alone = simulate(crisis(), 40, 4, parameters=parameters).ensembles["quarrel"]
        assert design.measured["mean_deaths"].estimate[point] == pytest.approx(
            alone.column("deaths").mean()
        )
    assert (design.points, design.crises) == (3, 120)
    table = design.measure_table()
    assert table.column("measure").to_pylist() == ["agreement"] * 3 + ["mean_deaths"] * 3
    assert table.column("point").to_pylist() == [0, 1, 2] * 2
    assert min(table.column("of").to_pylist()) == 40
    others = [run(tmp_path / "design")]
    for size in (10, 90):  # less than one point, and two of three
        monkeypatch.setattr(design_module, "IN_MEMORY", size)
        others.append(run())
    for other in others:
        for name, one in design.measured.items():
            np.testing.assert_array_equal(one.estimate, other.measured[name].estimate)
            np.testing.assert_array_equal(one.influence, other.measured[name].influence)


def test_several_scenarios_are_points_in_order_with_the_same_random_numbers() -> None:
    design = run_design([crisis(), crisis("again")], {NORTH: POINTS}, [DEATHS], 20)
    estimate = design.measured["mean_deaths"].estimate
    assert len(estimate) == 6
    np.testing.assert_array_equal(estimate[:3], estimate[3:])
    less = design.measured["mean_deaths"].less(1)
    assert less.estimate[4] == less.standard_error[4] == 0  # the same crises
    table = design.point_table().to_pydict()
    assert table["scenario"] == ["quarrel"] * 3 + ["again"] * 3
    assert table[NORTH] == POINTS * 2
    # Without values the scenarios are unchanged.
    design = run_design([crisis(), crisis("b", horizon_days=6)], {}, [AGREED], 10)
    assert design.measured["agreement"].points == design.points == 2


def test_values_may_differ_between_replicates() -> None:
    values = np.random.default_rng(5).uniform(0.2, 0.9, (2, 30))
    design = run_design(crisis(), {NORTH: values}, [DEATHS], 30)
    batch = simulate(crisis(), 30, 1, points=2, parameters={NORTH: values.ravel()})
    expected = batch.ensembles["quarrel"].column("deaths").reshape(2, 30).mean(axis=1)
    assert design.measured["mean_deaths"].estimate == pytest.approx(expected)
    assert design.point_table().column_names == ["point", "scenario"]


@pytest.mark.parametrize(
    ("values", "said"),
    [([], "point"), ([[0.1, 0.2]], "shape"), (0.5, "len"), ([4.0], "expected between 0 and 3")],
)
def test_values_of_a_wrong_shape_write_nothing(values: object, said: str, tmp_path: Path) -> None:
    with pytest.raises((BatchError, TypeError), match=said):
        run_design(crisis(), {NORTH: values}, [AGREED], 5, folder=tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_failed_blocks_raise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    failed = {"failures": [{"error": "ZeroDivisionError: none"}]}
    monkeypatch.setattr(design_module, "run_to_folder", lambda *_, **__: failed)
    with pytest.raises(ExperimentError, match=r"1 blocks of the batch failed.*ZeroDivision"):
        run(tmp_path)
