from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from crisis_sim.batch import Batch, Ensemble


def ensemble(table: pa.Table) -> Ensemble:
    return Ensemble("quarrel", "A quarrel", 24.0, ("north", "south"), table)


def two_blocks() -> pa.Table:
    """Two blocks whose dictionaries differ, as a results folder gives them back."""
    first = {
        "replicate": [0, 1, 2],
        "war_at_hours": pa.array([6.0, None, 12.5]),
        "south_lowest_market": pa.array([0.5, None, 1.0], pa.float32()),
        "ending": pa.array(["tacit", None, "agreement"]).dictionary_encode(),
        "note": ["b", None, "a"],
        "mediated": [True, False, True],
    }
    second = {
        "replicate": [3],
        "war_at_hours": pa.array([None], pa.float64()),
        "south_lowest_market": pa.array([0.25], pa.float32()),
        "ending": pa.array(["faded"]).dictionary_encode(),
        "note": ["c"],
        "mediated": [False],
    }
    return pa.concat_tables([pa.table(first), pa.table(second)])


def test_times_that_never_came_are_nan_in_double_precision() -> None:
    hours = ensemble(two_blocks()).column("war_at_hours")
    assert hours.dtype == np.float64
    np.testing.assert_array_equal(hours, [6.0, np.nan, 12.5, np.nan])


def test_single_precision_columns_come_as_double_too() -> None:
    market = ensemble(two_blocks()).column("south_lowest_market")
    assert market.dtype == np.float64
    np.testing.assert_array_equal(market, [0.5, np.nan, 1.0, 0.25])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("ending", ["tacit", "", "agreement", "faded"]), ("note", ["b", "", "a", "c"])],
)
def test_missing_texts_are_empty_across_blocks(name: str, expected: list[str]) -> None:
    texts = ensemble(two_blocks()).column(name)
    assert texts.dtype.kind == "U"
    assert texts.tolist() == expected


def test_yes_or_no_and_whole_numbers_keep_their_kind() -> None:
    one = ensemble(two_blocks())
    assert one.column("mediated").dtype == np.bool_
    assert one.column("replicate").tolist() == [0, 1, 2, 3]
    assert one.replicates == 4


def test_columns_of_an_empty_table_are_empty() -> None:
    empty = ensemble(two_blocks().slice(0, 0))
    assert empty.replicates == 0
    assert empty.column("ending").shape == (0,)
    assert empty.column("war_at_hours").shape == (0,)


def test_an_unknown_column_names_the_nearest() -> None:
    with pytest.raises(KeyError, match=r"quarrel.*war_at_hour.*did you mean 'war_at_hours'"):
        ensemble(two_blocks()).column("war_at_hour")


def test_a_batch_takes_its_seed_from_its_manifest() -> None:
    assert Batch({}, {"seed": 0}).seed == 0
