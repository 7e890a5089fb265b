from __future__ import annotations

import tracemalloc
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisis_sim.batch import BatchError, run_to_folder, simulate
from crisis_sim.batch import block as sizes
from crisis_sim.batch.block import BLOCK_SIZE, MOST, Plan, default_block_size, make_plan
from crisis_sim.cli.options import MOST_REPLICATES
from crisis_sim.model import CrisisModel
from tests.batch.crises import Counter, crisis

SCENARIOS = crisis("a"), crisis("b")


@given(st.none() | st.integers(1, 40), st.integers(1, 300), st.integers(1, 400), st.data())
def test_blocks_contain_each_replicate_once_per_point_with_its_parameters(
    points: int | None, replicates: int, block_size: int, data: st.DataObject
) -> None:
    values = np.arange(float((points or 1) * replicates)) / ((points or 1) * replicates)
    parameters = {"behaviour.decision.cost": values}
    plan = Plan(SCENARIOS, replicates, 1, block_size, parameters, points=points)
    orders = list(plan.orders())
    assert [order.number for order in orders] == list(range(plan.blocks))
    for scenario in SCENARIOS:
        own = [order for order in orders if order.scenario is scenario]
        held = [
            (point, replicate)
            for order in own
            for point in range(order.first_point, order.first_point + order.points)
            for replicate in range(order.first, order.first + order.count)
        ]
        assert held == [
            (p, replicate) for p in range(points or 1) for replicate in range(replicates)
        ]
        given_out = [order.parameters["behaviour.decision.cost"] for order in own]
        np.testing.assert_array_equal(np.concatenate(given_out), values)
    sizes = {order.rows for order in orders}
    assert max(sizes) <= block_size
    assert points or max(sizes) - min(sizes) <= 1
    # Any of them can be had without those before it.
    (order,) = plan.orders([data.draw(st.integers(0, plan.blocks - 1))])
    for name in ("first", "first_point", "rows"):
        assert getattr(order, name) == getattr(orders[order.number], name)


@given(st.integers(1, 10**10), st.integers(1, 10**10))
def test_blocks_grow_with_the_batch_up_to_a_maximum(few: int, many: int) -> None:
    few, many = sorted((few, many))
    assert default_block_size(few) <= default_block_size(many) <= BLOCK_SIZE
    at_most = max(
        many / sizes.MANY_BLOCKS, 1
    )  # a worker that is done early waits for one block at most
    assert default_block_size(many) <= max(at_most, sizes.SMALL_BLOCK_SIZE)


def test_scenarios_take_turns_so_that_an_interrupted_batch_is_paired() -> None:
    plan = make_plan([crisis("one"), crisis("")], 20, 1, 10, None, ())
    assert [(order.scenario.name, order.first) for order in plan.orders()] == [
        *(("one", 0), ("scenario_2", 0), ("one", 10), ("scenario_2", 10))
    ]


ELDER, NORTH, RUNG = "mediators.elder.trust.north", "states.north.resolve", "events.0.rival_rung"


@pytest.mark.parametrize(
    ("path", "values", "changes", "message"),
    [
        ("", None, {"scenarios": ()}, "no scenario"),
        ("", None, {"scenarios": (crisis("one"), crisis("one"))}, "2 scenarios are called 'one'"),
        ("a.b", np.zeros(3), {}, r"'a.b' has values of shape \(3,\).* 10 replicates"),
        ("a.b", np.zeros(10), {"points": 2}, "10 replicates at 2 points"),
        ("a.b", np.full(10, "x"), {}, "'a.b' has values that are not numbers"),
        (ELDER[:-1], np.zeros(10), {}, f"no .*'{ELDER[:-1]}' in quarrel; did you mean '{ELDER}'"),
        (NORTH, np.linspace(0, 4.5, 10), {}, f"'{NORTH}' .* to 4.5; expected between 0 and 3"),
        (NORTH, np.full(10, np.nan), {}, f"'{NORTH}' has values from nan to nan"),
        (NORTH[:-1], np.zeros(10), {"agents": (Counter,)}, f"did you mean '{NORTH}'?"),
        ("counter.step", np.zeros(10), {}, r"no parameter 'counter\.step'"),
        (RUNG, np.full(10, 2.5), {}, "expected whole numbers"),
        (RUNG, np.full(10, 15), {}, "expected between 0 and 9"),
        (
            *(ELDER, np.zeros(10)),
            {"scenarios": (crisis("one"), crisis("two", mediators={}, channels={}))},
            f"no parameter '{ELDER}' in two",
        ),
    ],
)
def test_invalid_plans_are_refused_with_the_reason(
    path: str, values: Any, changes: dict[str, Any], message: str
) -> None:
    parameters = {path: values} if path else {}
    plan: dict[str, Any] = {"scenarios": (crisis(),), "replicates": 10, "seed": 1, **changes}
    with pytest.raises(BatchError, match=message):
        Plan(**plan, parameters=parameters)


def test_custom_agents_may_have_parameters_but_not_ragged_ones() -> None:
    values = {"counter.step": np.ones(10)}
    assert Plan((crisis(),), 10, seed=1, parameters=values, agents=(Counter,)).parameters == values
    with pytest.raises(BatchError, match="parameters must be arrays of numbers"):
        make_plan(crisis(), 2, 1, None, {"states.north.resolve": [[0.1], [0.2, 0.3]]}, ())


def test_a_plan_with_the_maximum_of_replicates_takes_no_memory() -> None:
    assert MOST == MOST_REPLICATES
    tracemalloc.start()
    plan = Plan((crisis("a"), crisis("b")), MOST, seed=1, block_size=1)
    assert plan.blocks == 2 * MOST
    first, *_, last = islice(plan.orders(), 100)
    (far,) = plan.orders([plan.blocks - 1, plan.blocks, -1])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (first.first, last.first, last.scenario.name) == (0, 49, "b")
    assert (far.first, far.count, far.scenario.name) == (MOST - 1, 1, "b")
    assert peak < 5e6


HUGE = 10**30
NO_COUNTS = (0, True, False, np.True_, 1.0, 2.5, np.float64(3), "3", None, -1, HUGE, float("nan"))
#: Numbers that are none for some, and mean something for others.
BUT = {"seed": (0, HUGE), "block_size": (None, HUGE), "points": (None,), "workers": (HUGE,)}


@pytest.mark.parametrize("what", ["replicates", "seed", "workers", "block_size", "points"])
def test_invalid_counts_are_refused(tmp_path: Path, what: str) -> None:
    for number in (one for one in NO_COUNTS if not any(one is but for but in BUT.get(what, ()))):
        given: dict[str, Any] = {"replicates": 2, what: number}
        for ask in (simulate, partial(run_to_folder, folder=tmp_path / "new")):
            with pytest.raises(BatchError, match=f"for {what.replace('_', ' ')}"):
                ask(crisis(), **given)
        assert not (tmp_path / "new").exists()
        if what in ("replicates", "seed", "points") and number is not HUGE:
            with pytest.raises(ValueError, match=r"whole number|cannot run|at least one point"):
                CrisisModel(crisis(), **given)


def test_numpy_integers_are_accepted() -> None:
    batch = simulate(crisis(), np.int64(3), np.uint8(1), np.int32(1))
    assert batch.ensembles["quarrel"].table.equals(
        simulate(crisis(), 3, 1).ensembles["quarrel"].table
    )
