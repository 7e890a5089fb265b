from __future__ import annotations

from unittest import mock

import mesa
import pytest

from benchmarks.empty_mesa import EmptyAgent, time_batch_runner, time_empty_mesa
from benchmarks.plain_mesa import Cast, PlainModel, run_plain, time_plain_mesa
from crisis_sim.model import CrisisModel
from crisis_sim.scenario import load_scenario

OFTEN = 0.1


@pytest.fixture(scope="module", params=["may_2025", "since_1945"])
def scenario(request):
    return load_scenario(request.param)


def test_the_plain_model_has_as_many_agents_as_ours(scenario):
    cast = Cast.of(scenario, OFTEN)
    assert cast.agents == len(PlainModel(cast, 1).agents) == len(CrisisModel(scenario).agents)


def test_its_states_decide_as_often_as_they_are_told(scenario):
    cast, turns, crises = Cast.of(scenario, OFTEN), 400, 10
    decisions = sum(run_plain(cast, turns, seed).decisions for seed in range(crises))
    assert decisions / (2 * turns * crises) == pytest.approx(OFTEN, rel=0.15)


def test_it_takes_the_turns_that_are_counted(scenario):
    cast = Cast.of(scenario, OFTEN)
    with mock.patch.object(PlainModel, "step", autospec=True, side_effect=PlainModel.step) as step:
        (speed,) = time_plain_mesa(cast, turns=5, crises=3)
    assert step.call_count == 15
    assert speed.agent_turns == 15 * cast.agents
    assert speed.seconds > 0


def test_its_crises_differ_and_come_back(scenario):
    cast = Cast.of(scenario, OFTEN)
    ends = [run_plain(cast, 100, seed).states[0].market for seed in (1, 2, 1)]
    assert ends[0] == ends[2] != ends[1]


def test_something_happens_in_it():
    models = [run_plain(Cast.of(load_scenario("may_2025"), OFTEN), 400, seed) for seed in range(10)]
    states = [state for model in models for state in model.states]
    assert len({state.rung for state in states}) > 2
    assert all(0 < state.pressure < 1 and state.lowest_market < 1 for state in states)
    assert any(party.effort > 0.5 for party in models[0].others[:6])


def test_empty_models_take_the_turns_that_are_counted():
    with mock.patch.object(EmptyAgent, "step") as step:
        speeds = time_empty_mesa(3, 7, 2)
        assert step.call_count == sum(speed.agent_turns for speed in speeds) == 84
        speeds = time_batch_runner(3, 7, 2)
        assert step.call_count - 84 == sum(speed.agent_turns for speed in speeds)


@pytest.mark.skipif(hasattr(mesa, "batch_run"), reason="this Mesa has a batch runner")
def test_where_mesa_has_no_batch_runner_nothing_is_timed():
    assert time_batch_runner(3, 7, 2) == []
