"""Blocks, and batches in memory."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from crisis_sim.batch import BatchError, Ensemble, read_batch, run_to_folder, simulate
from crisis_sim.batch.block import (
    PATHS_KEPT,
    STATE_COLUMNS,
    Block,
    BlockOrder,
    as_table,
    attempt,
    conform,
    run_block,
    unify_schemas,
)
from crisis_sim.batch.ensemble import DECISIONS
from crisis_sim.model import Agent, CrisisModel
from crisis_sim.model.third_parties import DECISIONS as OF_THE_MODEL
from crisis_sim.scenario import load_scenario
from crisis_sim.scenario.checks import FIRST_COLUMNS, FIRST_PATH_COLUMNS
from crisis_sim.scenario.introspect import numbers_of
from crisis_sim.scenario.load import shipped_names
from crisis_sim.scenario.schema import ENDINGS, VIOLENCE, Scenario
from tests.batch.crises import Counter, Saboteur, crisis, fail
from tests.batch.crises import rows as rows_of

QUARREL = crisis()


def run(
    first: int, count: int, seed: int = 1, scenario: Scenario = QUARREL, **others: Any
) -> Block:
    return run_block(BlockOrder(scenario, first, count, seed, **others))


def rows(first: int, count: int, *others: Any, **more: Any) -> list[Any]:
    table: list[Any] = run(first, count, *others, **more).table.to_pylist()
    return table


def test_documented_columns_come_first_then_those_of_custom_agents() -> None:
    table = run(0, 20, agents=[Counter]).table
    states = [f"{state}_{name}" for state in ("north", "south") for name in STATE_COLUMNS]
    known = [*FIRST_COLUMNS, *states]
    assert table.column_names[: len(known)] == known
    assert table.column("ending").null_count == 0
    assert table.column("replicate").to_pylist() == list(range(20))
    assert "acts_counted" in table.column_names[len(known) :]
    assert min(table.column("acts_counted").to_pylist()) > 0


def test_a_replicate_depends_on_the_seed_and_not_on_its_block() -> None:
    whole = rows(0, 300, 7)
    assert rows(120, 30, 7) == whole[120:150]
    assert rows(134, 1, 7) == whole[134:135]
    assert rows(0, 300, 0) != whole


def test_only_the_first_replicates_have_paths_which_end_at_the_horizon() -> None:
    paths = run(PATHS_KEPT - 2, 5).paths
    days = round(QUARREL.horizon_days)
    kept = {(row["replicate"], row["day"]) for row in paths.to_pylist()}
    assert kept == {(PATHS_KEPT - k, day) for k in (1, 2) for day in range(days + 1)}
    assert paths.column_names[:3] == list(FIRST_PATH_COLUMNS)
    assert paths.num_rows == len(kept)
    assert run(PATHS_KEPT, 5).paths is None


@pytest.mark.parametrize("name", [*shipped_names(), ""])
def test_the_model_accepts_a_value_for_every_number_of_a_scenario(name: str) -> None:
    scenario = load_scenario(name) if name else QUARREL
    values = {path: np.array([max(one.low, 0.0)]) for path, one in numbers_of(scenario).items()}
    model = CrisisModel(scenario, parameters=values)  # it refuses paths that it does not read
    assert model.rows == 1


def test_replicates_may_have_different_parameters() -> None:
    values = np.repeat([0.0, 1.0], 20)
    given = rows(0, 40, parameters={"states.north.resolve": values})
    states = QUARREL.plain()["states"]
    calm = crisis(states={**states, "north": {**states["north"], "resolve": 0.0}})
    assert given[:20] == rows(0, 20, scenario=calm)
    assert given[20:] != rows(20, 20, scenario=calm)


def test_a_block_that_raises_fails_with_its_name_and_the_error() -> None:
    saboteur = {"agents": [Saboteur(32, fail)]}
    failed = attempt(BlockOrder(QUARREL, 30, 10, 5, number=3, **saboteur))
    assert str(failed.order) == "replicates 30 to 39 of quarrel"
    assert failed.table is None
    assert failed.error == "ZeroDivisionError: no leverage to divide by"
    assert "crises.py" in failed.trace
    message = "replicates 30 to 39 of quarrel, seed 4: ZeroDivisionError"
    with pytest.raises(BatchError, match=message):  # in memory it ends the batch
        simulate(crisis(), 40, seed=4, block_size=10, **saboteur)


def test_the_watch_is_called_every_day_and_may_interrupt_the_block() -> None:
    order, hours, looks = BlockOrder(QUARREL, 0, 20, 1), list[float](), list[float]()
    watched = run_block(order, lambda model: hours.append(model.days * 24))
    assert hours == [24.0 * day for day in range(1, 9)]
    assert watched.table.equals(run_block(order).table)
    run_block(order, lambda model: looks.append(model.days * 24), daily=False)
    assert len(looks) == 1

    def stop(model: CrisisModel) -> None:
        raise KeyboardInterrupt  # not a failure of the block

    with pytest.raises(KeyboardInterrupt):
        attempt(order, stop)


@pytest.mark.parametrize("fails", [False, True])
def test_a_block_frees_its_model(fails: bool) -> None:
    models: list[weakref.ref[CrisisModel]] = []

    class Witness(Agent):
        """Refers to the model, like any agent."""

        role = "witnesses"

        def __init__(self, model: CrisisModel, *others: Any) -> None:
            super().__init__(model, *others)
            models.append(weakref.ref(model))

    agents = [Witness, Saboteur(5 if fails else -1, fail)]
    assert bool(attempt(BlockOrder(QUARREL, 0, 10, 1, agents=agents)).error) is fails
    gc.collect()
    assert [model() for model in models] == [None]


def test_missing_values_are_null_and_texts_are_encoded() -> None:
    columns: dict[str, Any] = {
        "replicate": np.array([40, 41, 42]),
        "ending": np.array(["tacit", "", "tacit"]),
        "war_at_hours": np.array([np.nan, 6, 12], np.float32),
        "south_highest_pressure": np.array([0, 0.5, 1], np.float32),
    }
    table = as_table("quarrel", columns, ["south"])
    assert table.column("ending").to_pylist() == ["tacit", None, "tacit"]
    assert pa.types.is_dictionary(table.schema.field("ending").type)
    assert table.column("war_at_hours").to_pylist() == [None, 6.0, 12.0]
    assert table.schema.field("war_at_hours").type == pa.float64()
    assert table.schema.field("south_highest_pressure").type == pa.float32()
    assert table.column("scenario").to_pylist() == ["quarrel"] * 3


def test_scenarios_with_different_agents_share_one_schema() -> None:
    one = pa.table({"replicate": [0], "elder_engaged_at_hours": [6.0], "deaths": [1.0]})
    other = pa.table({"replicate": [0], "deaths": [2.0], "bank_decided_at_hours": [9.0]})
    schema = unify_schemas([one.schema, other.schema], [])
    own = ["elder_engaged_at_hours", "bank_decided_at_hours"]
    assert schema.names == ["replicate", "deaths", *own]
    assert conform(other, schema).select(own).to_pylist() == [{own[0]: None, own[1]: 9.0}]
    with pytest.raises(ValueError, match="not in the batch's schema: zeal"):
        conform(pa.table({"replicate": [0], "zeal": [1.0]}), schema)


# Batches in memory


def test_scenarios_keep_their_order_and_have_the_same_results_alone() -> None:
    batch = simulate([crisis("two", lenders={}), crisis("one")], replicates=40)
    assert list(batch.ensembles) == ["two", "one"]
    assert batch.manifest["replicates"] == 40
    alone, beside = simulate(crisis("one"), replicates=40).ensembles["one"], batch.ensembles["one"]
    own = [name for name in beside.table.column_names if name in alone.table.column_names]
    assert beside.table.select(own).to_pylist() == alone.table.select(own).to_pylist()


@pytest.mark.parametrize("block_size", [None, 7, 25])
def test_a_design_runs_every_replicate_at_every_point(
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
    assert rows_of(tmp_path) == rows_of(batch)
    alone = simulate(crisis("one"), 10, parameters={"states.north.resolve": np.full(10, 0.5)})
    second = one.table.slice(10, 10).drop_columns("point").to_pylist()
    assert rows_of(alone)["one"][0] == second


@pytest.fixture
def two_blocks() -> Ensemble:
    """Two blocks with different dictionaries, as read from a results folder."""
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
    table = pa.concat_tables([pa.table(first), pa.table(second)])
    return Ensemble("quarrel", "A quarrel", 24.0, ("north", "south"), table)


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
def test_a_column_is_one_array_across_blocks(
    two_blocks: Ensemble, name: str, kind: str, expected: list[Any]
) -> None:
    column = two_blocks.column(name)
    assert column.dtype == np.dtype(kind)
    np.testing.assert_array_equal(column, expected)
    object.__setattr__(two_blocks, "table", two_blocks.table.slice(0, 0))
    assert two_blocks.column(name).shape == (0,)


def test_a_batch_is_a_mapping_of_ensembles_and_an_ensemble_of_columns() -> None:
    batch = simulate({"base": "may_2025", "mine": "no_mediators"}, replicates=20, seed=3)
    assert (list(batch), len(batch), "mine" in batch) == (["base", "mine"], 2, True)
    assert batch["mine"].scenario["mediators"] == {}
    assert (len(batch["mine"]), "deaths" in list(batch["mine"])) == (20, True)
    assert np.array_equal(batch["mine"]["deaths"], batch["mine"].column("deaths"))
    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: batch["bse"], r"did you mean 'base'.*there are base, mine"),
        (lambda: batch["base"]["death"], "'base' has no column 'death'; did you mean 'deaths'"),
    ]
    for ask, message in wrong:
        with pytest.raises(KeyError, match=message):
            ask()
    with pytest.raises(BatchError, match=r"^ensemble 'base' has no column"):
        batch["base"]["death"]
    with pytest.raises(BatchError, match="cannot be a scenario's name"):
        simulate({"a/b": "may_2025"}, replicates=2)


def test_categories_in_a_data_frame_are_all_possible_values() -> None:
    batch = simulate(["no_lenders", "may_2025"], replicates=8)
    frame = batch.to_pandas()
    known = {
        "ending": list(ENDINGS),
        "worst_violence": list(VIOLENCE),
        "scenario": ["no_lenders", "may_2025"],
        "brokered_by": sorted(load_scenario("may_2025").mediators),
        "imf_decision": list(DECISIONS),
    }
    assert {name: frame[name].cat.categories.tolist() for name in known} == known
    assert OF_THE_MODEL[1:] == DECISIONS
    assert frame["worst_violence"].max() in VIOLENCE
    assert frame["imf_decision"].isna().sum() >= 8  # without lenders there is none
    one = batch["may_2025"].to_pandas()
    assert one["ending"].astype(str).tolist() == frame["ending"].astype(str).tolist()[8:]
    assert np.array_equal(one["deaths"], batch["may_2025"]["deaths"])
