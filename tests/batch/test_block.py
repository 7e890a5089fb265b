from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

from crisis_sim.batch.block import (
    PATHS_KEPT,
    STATE_COLUMNS,
    Block,
    BlockOrder,
    as_table,
    attempt,
    conform,
    run_block,
    union,
)
from crisis_sim.model import Agent, CrisisModel
from crisis_sim.scenario import load_scenario
from crisis_sim.scenario.checks import FIRST_COLUMNS, FIRST_PATH_COLUMNS
from crisis_sim.scenario.introspect import numbers_of
from crisis_sim.scenario.load import shipped_names
from crisis_sim.scenario.schema import Scenario
from tests.batch.crises import Counter, Raise, Saboteur, crisis

QUARREL = crisis()


def run(
    first: int, count: int, seed: int = 1, scenario: Scenario = QUARREL, **others: Any
) -> Block:
    return run_block(BlockOrder(scenario, first, count, seed, **others))


def rows(first: int, count: int, *others: Any, **more: Any) -> list[Any]:
    table: list[Any] = run(first, count, *others, **more).table.to_pylist()
    return table


def test_the_columns_are_those_of_the_contract_in_their_order() -> None:
    table = run(0, 20).table
    states = [f"{state}_{name}" for state in ("north", "south") for name in STATE_COLUMNS]
    known = [*FIRST_COLUMNS, *states]
    assert table.column_names[: len(known)] == known
    assert table.column("ending").null_count == 0
    assert table.column("replicate").to_pylist() == list(range(20))


def test_a_replicate_is_the_same_in_any_block_and_another_with_another_seed() -> None:
    whole = rows(0, 300, 7)
    assert rows(120, 30, 7) == whole[120:150]
    assert rows(134, 1, 7) == whole[134:135]
    assert rows(0, 300, 0) != whole


def test_paths_run_to_the_horizon_for_the_first_replicates_of_the_batch_only() -> None:
    paths = run(PATHS_KEPT - 2, 5).paths
    days = round(QUARREL.horizon_days)
    kept = {(row["replicate"], row["day"]) for row in paths.to_pylist()}
    assert kept == {(PATHS_KEPT - k, day) for k in (1, 2) for day in range(days + 1)}
    assert paths.column_names[:3] == list(FIRST_PATH_COLUMNS)
    assert paths.num_rows == len(kept)
    assert run(PATHS_KEPT, 5).paths is None


@pytest.mark.parametrize("name", [*shipped_names(), ""])
def test_the_model_takes_a_value_for_every_number_of_a_scenario(name: str) -> None:
    scenario = load_scenario(name) if name else QUARREL
    values = {path: np.array([max(one.low, 0.0)]) for path, one in numbers_of(scenario).items()}
    model = CrisisModel(scenario, parameters=values)  # it refuses paths that it does not read
    assert model.rows == 1


def test_each_replicate_may_have_parameters_of_its_own() -> None:
    values = np.repeat([0.0, 1.0], 20)
    given = rows(0, 40, parameters={"states.north.resolve": values})
    states = QUARREL.plain()["states"]
    calm = crisis(states={**states, "north": {**states["north"], "resolve": 0.0}})
    assert given[:20] == rows(0, 20, scenario=calm)
    assert given[20:] != rows(20, 20, scenario=calm)


def test_an_agent_of_ones_own_adds_its_column_after_the_known_ones() -> None:
    table = run(0, 10, agents=[Counter]).table
    assert "acts_counted" in table.column_names[len(FIRST_COLUMNS) :]
    assert min(table.column("acts_counted").to_pylist()) > 0


def test_a_block_that_raises_is_a_failure_that_says_which_and_why() -> None:
    failed = attempt(BlockOrder(QUARREL, 30, 10, 5, agents=[Saboteur(32, Raise())], number=3))
    assert str(failed.order) == "replicates 30 to 39 of quarrel"
    assert failed.table is None
    assert failed.error == "ZeroDivisionError: no leverage to divide by"
    assert "crises.py" in failed.trace


def test_an_interruption_is_no_failure_of_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object, **others: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("crisis_sim.batch.block.run_block", interrupted)
    with pytest.raises(KeyboardInterrupt):
        attempt(BlockOrder(QUARREL, 0, 1, 1))


def test_a_block_is_watched_day_by_day_and_ends_with_what_the_watch_raises() -> None:
    order = BlockOrder(QUARREL, 0, 20, 1)
    hours: list[float] = []
    watched = run_block(order, lambda model: hours.append(model.days * 24))
    assert hours == [24.0 * day for day in range(1, 9)]
    assert watched.table.equals(run_block(order).table)
    looks: list[float] = []
    run_block(order, lambda model: looks.append(model.days * 24), daily=False)
    assert len(looks) == 1

    def stop(model: CrisisModel) -> None:
        raise StopIteration

    with pytest.raises(StopIteration):
        run_block(order, stop)


@pytest.mark.parametrize("fails", [False, True])
def test_a_block_leaves_no_model_behind(fails: bool) -> None:
    models: list[weakref.ref[CrisisModel]] = []

    class Witness(Agent):
        """Holds the model, as any agent does."""

        role = "witnesses"

        def __init__(self, model: CrisisModel, *others: Any) -> None:
            super().__init__(model, *others)
            models.append(weakref.ref(model))

    agents = [Witness, Saboteur(5 if fails else -1, Raise())]
    assert bool(attempt(BlockOrder(QUARREL, 0, 10, 1, agents=agents)).error) is fails
    gc.collect()
    assert [model() for model in models] == [None]


def test_what_never_came_is_null_and_texts_are_encoded() -> None:
    import pyarrow as pa

    table = as_table(
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
    import pyarrow as pa

    one = pa.table({"replicate": [0], "elder_engaged_at_hours": [6.0], "deaths": [1.0]})
    other = pa.table({"replicate": [0], "deaths": [2.0], "bank_decided_at_hours": [9.0]})
    schema = union([one.schema, other.schema], [])
    own = ["elder_engaged_at_hours", "bank_decided_at_hours"]
    assert schema.names == ["replicate", "deaths", *own]
    assert conform(other, schema).select(own).to_pylist() == [{own[0]: None, own[1]: 9.0}]
    with pytest.raises(ValueError, match="did not announce: zeal"):
        conform(pa.table({"replicate": [0], "zeal": [1.0]}), schema)
