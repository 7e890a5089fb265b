from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from crisis_sim.batch import block


def test_known_columns_come_first_in_their_order_and_the_rest_in_the_models() -> None:
    names = ["zeal", "south_lowest_market", "deaths", "alarm", "replicate", "north_lowest_market"]
    assert block.arrange(names, ["north", "south"]) == [
        "replicate",
        "deaths",
        "north_lowest_market",
        "south_lowest_market",
        "zeal",
        "alarm",
    ]


def test_what_never_came_is_null_and_texts_are_encoded() -> None:
    table = block.outcome_table(
        "quarrel",
        {
            "replicate": np.array([40, 41, 42]),
            "ending": np.array(["tacit", "", "tacit"]),
            "war_at_hours": np.array([np.nan, 6, 12], np.float32),
            "south_highest_pressure": np.array([0, 0.5, 1], np.float32),
        },
        ["south"],
    )
    assert table.column("ending").to_pylist() == ["tacit", None, "tacit"]
    assert pa.types.is_dictionary(table.schema.field("ending").type)
    assert table.column("war_at_hours").to_pylist() == [None, 6.0, 12.0]
    assert table.schema.field("war_at_hours").type == pa.float64()
    assert table.schema.field("south_highest_pressure").type == pa.float32()
    assert table.column("replicate").to_pylist() == [40, 41, 42]
    assert table.column("scenario").to_pylist() == ["quarrel"] * 3


def test_scenarios_with_different_agents_share_one_schema() -> None:
    one = pa.table({"replicate": [0], "elder_engaged_at_hours": [6.0], "deaths": [1.0]})
    other = pa.table({"replicate": [0], "deaths": [2.0], "bank_decided_at_hours": [9.0]})
    schema = block.union([one.schema, other.schema], [])
    assert schema.names == [
        "replicate",
        "deaths",
        "elder_engaged_at_hours",
        "bank_decided_at_hours",
    ]
    whole = block.conform(other, schema)
    assert whole.column("elder_engaged_at_hours").to_pylist() == [None]
    assert whole.column("bank_decided_at_hours").to_pylist() == [9.0]


def test_a_column_that_was_not_announced_is_refused() -> None:
    schema = pa.schema([("replicate", pa.int64())])
    with pytest.raises(ValueError, match="did not announce: zeal"):
        block.conform(pa.table({"replicate": [0], "zeal": [1.0]}), schema)
