from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crisis_sim.batch import BatchError, read_batch, run_to_folder, simulate
from tests.batch.crises import Raise, Saboteur, crisis, rows


def test_scenarios_keep_their_order_and_are_the_same_alone_and_beside_others() -> None:
    batch = simulate([crisis("two", lenders={}), crisis("one")], replicates=40)
    assert list(batch.ensembles) == ["two", "one"]
    assert batch.manifest["replicates"] == 40
    alone, beside = simulate(crisis("one"), replicates=40).ensembles["one"], batch.ensembles["one"]
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
    assert read_batch(tmp_path).manifest["points"] == 3
    assert rows(tmp_path) == rows(batch)
    alone = simulate(crisis("one"), 10, parameters={"states.north.resolve": np.full(10, 0.5)})
    second = one.table.slice(10, 10).drop_columns("point").to_pylist()
    assert rows(alone) == {"one": (second, rows(alone)["one"][1])}


def test_in_memory_a_failing_block_ends_the_batch_and_says_which() -> None:
    with pytest.raises(
        BatchError, match="replicates 10 to 19 of quarrel, seed 4: ZeroDivisionError"
    ):
        simulate(crisis(), 30, seed=4, block_size=10, agents=[Saboteur(12, Raise())])
