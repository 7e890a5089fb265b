from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from crisis_sim.batch import block as columns
from crisis_sim.batch import run_block
from crisis_sim.batch.block import PATHS_KEPT, BlockFailure, BlockOrder, attempt
from crisis_sim.model import CrisisAgent, CrisisModel
from crisis_sim.scenario import load_scenario
from crisis_sim.scenario.introspect import numbers_of
from crisis_sim.scenario.load import shipped_names
from tests.batch.crises import Counter, Raise, Saboteur, crisis


def test_the_columns_are_those_of_the_contract_in_their_order() -> None:
    scenario = crisis()
    table = run_block(scenario, 0, 20, seed=1).table
    states = [f"{state}_{name}" for state in ("north", "south") for name in columns.STATE_COLUMNS]
    known = [*columns.FIRST_COLUMNS, *states]
    assert table.column_names[: len(known)] == known
    assert table.column("ending").null_count == 0
    assert table.column("replicate").to_pylist() == list(range(20))


def test_a_replicate_is_the_same_in_any_block() -> None:
    whole = run_block(crisis(), 0, 300, seed=7)
    part = run_block(crisis(), 120, 30, seed=7)
    alone = run_block(crisis(), 134, 1, seed=7)
    assert part.table.to_pylist() == whole.table.slice(120, 30).to_pylist()
    assert alone.table.to_pylist() == whole.table.slice(134, 1).to_pylist()


def test_another_seed_is_another_batch() -> None:
    one, other = run_block(crisis(), 0, 100, seed=7), run_block(crisis(), 0, 100, seed=0)
    assert one.table.to_pylist() != other.table.to_pylist()


def test_paths_run_to_the_horizon_for_the_first_replicates_of_the_batch_only() -> None:
    scenario = crisis()
    block = run_block(scenario, PATHS_KEPT - 2, 5, seed=1)
    assert block.paths is not None
    days = round(scenario.horizon_days)
    kept = {(row["replicate"], row["day"]) for row in block.paths.to_pylist()}
    assert kept == {(PATHS_KEPT - k, day) for k in (1, 2) for day in range(days + 1)}
    assert block.paths.column_names[:3] == list(columns.FIRST_PATH_COLUMNS)
    assert block.paths.num_rows == len(kept)
    assert run_block(scenario, PATHS_KEPT, 5, seed=1).paths is None


@pytest.mark.parametrize("name", [*shipped_names(), ""])
def test_the_model_takes_a_value_for_every_number_of_a_scenario(name: str) -> None:
    scenario = load_scenario(name) if name else crisis()
    values = {path: np.array([max(one.low, 0.0)]) for path, one in numbers_of(scenario).items()}
    model = CrisisModel(scenario, parameters=values)  # it refuses paths that it does not read
    assert model.replicates == 1


def test_each_replicate_may_have_parameters_of_its_own() -> None:
    values = np.repeat([0.0, 1.0], 20)
    given = run_block(crisis(), 0, 40, seed=1, parameters={"states.north.resolve": values})
    calm = crisis(
        states={
            "north": {"resolve": 0.0, "audience": 0.6},
            "south": {"resolve": {"uniform": [0.5, 1.0]}, "audience": 0.5},
        }
    )
    same = run_block(calm, 0, 20, seed=1)
    assert given.table.slice(0, 20).to_pylist() == same.table.to_pylist()
    assert (
        given.table.slice(20, 20).to_pylist() != run_block(calm, 20, 20, seed=1).table.to_pylist()
    )


def test_an_agent_of_ones_own_adds_its_column_after_the_known_ones() -> None:
    block = run_block(crisis(), 0, 10, seed=1, agents=[Counter])
    assert "turns_counted" in block.table.column_names[len(columns.FIRST_COLUMNS) :]
    assert min(block.table.column("turns_counted").to_pylist()) > 0


def test_a_block_that_raises_is_a_failure_that_says_which_and_why() -> None:
    order = BlockOrder(crisis(), 30, 10, 5, agents=[Saboteur(32, Raise())])
    failed = attempt(order)
    assert isinstance(failed, BlockFailure)
    assert failed.replicates == "replicates 30 to 39 of quarrel"
    assert failed.seed == 5
    assert failed.error == "ZeroDivisionError: no leverage to divide by"
    assert "crises.py" in failed.trace


def test_a_block_that_is_done_leaves_no_model_behind() -> None:
    models: list[weakref.ref[CrisisModel]] = []

    def remember(model: CrisisModel) -> CrisisAgent:
        models.append(weakref.ref(model))
        return CrisisAgent(model, "witness")

    run_block(crisis(), 0, 10, seed=1, agents=[remember])
    gc.collect()
    assert [model() for model in models] == [None]


def test_an_interruption_is_no_failure_of_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object, **others: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("crisis_sim.batch.block.run_block", interrupted)
    with pytest.raises(KeyboardInterrupt):
        attempt(BlockOrder(crisis(), 0, 1, 1))


def test_a_block_is_watched_day_by_day_and_ends_with_what_the_watch_raises() -> None:
    hours: list[float] = []
    watched = run_block(crisis(), 0, 20, seed=1, watch=lambda model: hours.append(model.hours))
    # Turns of six hours are counted from the trigger, at 3: these are the first ends of a turn in each new day.
    assert hours == [*(3 + 24.0 * day for day in range(1, len(hours))), 8 * 24 + 3]
    assert watched.table.equals(run_block(crisis(), 0, 20, seed=1).table)
    looks: list[float] = []
    run_block(crisis(), 0, 20, seed=1, watch=lambda model: looks.append(model.hours), daily=False)
    assert looks == [8 * 24 + 3]

    models: list[weakref.ref[CrisisModel]] = []

    def stop(model: CrisisModel) -> None:
        models.append(weakref.ref(model))
        raise StopIteration

    with pytest.raises(StopIteration):
        run_block(crisis(), 0, 20, seed=1, watch=stop)
    gc.collect()
    assert [model() for model in models] == [None]
