from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crisis_sim.batch import BatchError, read_batch, run_to_folder, simulate
from tests.batch.crises import Raise, Saboteur, crisis


def test_scenarios_keep_the_order_in_which_they_were_asked_for() -> None:
    batch = simulate([crisis("late"), crisis("early")], replicates=5)
    assert list(batch.ensembles) == ["late", "early"]
    assert [one.replicates for one in batch.ensembles.values()] == [5, 5]
    assert batch.manifest["replicates"] == 5


def test_a_scenario_is_the_same_alone_and_beside_others() -> None:
    alone = simulate(crisis("one"), replicates=40).ensembles["one"]
    beside = simulate([crisis("two", lenders={}), crisis("one")], replicates=40).ensembles["one"]
    own = [name for name in beside.table.column_names if name in alone.table.column_names]
    assert beside.table.select(own).to_pylist() == alone.table.select(own).to_pylist()


@pytest.mark.parametrize("block_size", [None, 7, 25])
def test_a_design_runs_every_replicate_at_every_point_and_says_at_which(
    tmp_path: Path, block_size: int | None
) -> None:
    resolve = np.repeat([0.1, 0.5, 0.9], 10)
    design = {"parameters": {"states.north.resolve": resolve}, "points": 3, "replicates": 10}
    batch = simulate([crisis("one"), crisis("two")], block_size=block_size, **design)
    run_to_folder([crisis("one"), crisis("two")], tmp_path, block_size=block_size, **design)
    one = batch.ensembles["one"]
    np.testing.assert_array_equal(one.column("point"), np.repeat([0, 1, 2], 10))
    np.testing.assert_array_equal(one.column("replicate"), np.tile(np.arange(10), 3))
    assert one.paths is None
    written = read_batch(tmp_path)
    assert written.manifest["points"] == 3
    for name, ensemble in batch.ensembles.items():
        assert written.ensembles[name].table.to_pylist() == ensemble.table.to_pylist()
    alone = simulate(
        crisis("one"), 10, parameters={"states.north.resolve": np.full(10, 0.5)}
    ).ensembles["one"]
    rows = one.table.slice(10, 10).drop_columns("point").to_pylist()
    assert rows == alone.table.to_pylist()


def test_progress_is_told_after_each_block_to_the_end() -> None:
    told: list[tuple[int, int]] = []
    simulate(
        [crisis("one"), crisis("two")],
        replicates=20,
        block_size=10,
        progress=lambda done, crises: told.append((done, crises)),
    )
    assert told == [(10, 40), (20, 40), (30, 40), (40, 40)]


def test_in_memory_a_failing_block_ends_the_batch_and_says_which(tmp_path: Path) -> None:
    with pytest.raises(
        BatchError, match="replicates 10 to 19 of quarrel, seed 4: ZeroDivisionError"
    ):
        simulate(crisis(), 30, seed=4, block_size=10, agents=[Saboteur(12, Raise())])


def test_on_disk_a_failing_block_is_recorded_and_the_rest_goes_on(tmp_path: Path) -> None:
    manifest = run_to_folder(
        crisis(), tmp_path, 30, seed=4, block_size=10, agents=[Saboteur(12, Raise())]
    )
    (failure,) = manifest["failures"]
    assert failure["scenario"] == "quarrel"
    assert (failure["first_replicate"], failure["replicates"], failure["seed"]) == (10, 10, 4)
    assert failure["error"] == "ZeroDivisionError: no leverage to divide by"
    batch = read_batch(tmp_path)
    assert batch.manifest == manifest
    assert batch.ensembles["quarrel"].column("replicate").tolist() == [*range(10), *range(20, 30)]
    assert manifest["scenarios"]["quarrel"]["replicates_done"] == 20
