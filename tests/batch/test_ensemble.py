from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from crisis_sim.batch import BatchError, Ensemble, simulate
from crisis_sim.batch.ensemble import DECISIONS
from crisis_sim.model.parties import DECISIONS as OF_THE_MODEL
from crisis_sim.scenario import load_scenario
from crisis_sim.scenario.schema import ENDINGS, VIOLENCE


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


def test_a_batch_is_a_mapping_of_ensembles_and_an_ensemble_of_columns() -> None:
    batch = simulate({"base": "may_2025", "mine": "no_mediators"}, replicates=20, seed=3)
    assert (list(batch), len(batch), "mine" in batch) == (["base", "mine"], 2, True)
    assert batch["mine"].scenario["mediators"] == {}
    assert (len(batch["mine"]), "deaths" in list(batch["mine"])) == (20, True)
    assert np.array_equal(batch["mine"]["deaths"], batch["mine"].column("deaths"))
    with pytest.raises(KeyError, match=r"did you mean 'base'.*there are base, mine"):
        batch["bse"]
    with pytest.raises(KeyError, match="did you mean 'deaths'"):
        batch["base"]["death"]
    with pytest.raises(BatchError, match="cannot be a scenario's name"):
        simulate({"a/b": "may_2025"}, replicates=2)


def test_categories_in_a_data_frame_are_all_that_can_occur() -> None:
    batch = simulate(["no_lenders", "may_2025"], replicates=8)
    frame = batch.to_pandas()
    assert frame["ending"].cat.categories.tolist() == list(ENDINGS)
    assert frame["worst_violence"].cat.categories.tolist() == list(VIOLENCE)
    assert frame["worst_violence"].max() in VIOLENCE
    assert frame["scenario"].cat.categories.tolist() == ["no_lenders", "may_2025"]
    brokers = sorted(load_scenario("may_2025").mediators)
    assert frame["brokered_by"].cat.categories.tolist() == brokers
    assert frame["imf_decision"].cat.categories.tolist() == list(DECISIONS)
    assert OF_THE_MODEL[1:] == DECISIONS
    assert frame["imf_decision"].isna().sum() >= 8  # without lenders there is none
    one = batch["may_2025"].to_pandas()
    assert one["ending"].astype(str).tolist() == frame["ending"].astype(str).tolist()[8:]
    assert np.array_equal(one["deaths"], batch["may_2025"]["deaths"])
