from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from crisis_sim.batch import Ensemble


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


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("war_at_hours", "float64", [6.0, np.nan, 12.5, np.nan]),
        ("south_lowest_market", "float64", [0.5, np.nan, 1.0, 0.25]),
        ("ending", "<U9", ["tacit", "", "agreement", "faded"]),
        ("note", "<U1", ["b", "", "a", "c"]),
        ("mediated", "bool", [True, False, True, False]),
        ("replicate", "int64", [0, 1, 2, 3]),
    ],
)
def test_a_column_comes_as_an_array_across_blocks(
    name: str, kind: str, expected: list[Any]
) -> None:
    column = ensemble(two_blocks()).column(name)
    assert column.dtype == np.dtype(kind)
    np.testing.assert_array_equal(column, expected)
    assert ensemble(two_blocks().slice(0, 0)).column(name).shape == (0,)


def test_an_unknown_column_names_the_nearest() -> None:
    with pytest.raises(KeyError, match=r"quarrel.*war_at_hour.*did you mean 'war_at_hours'"):
        ensemble(two_blocks()).column("war_at_hour")
