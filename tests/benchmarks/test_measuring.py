"""What `make bench` measures."""

from __future__ import annotations

from unittest import mock

import mesa
import numpy as np
import pytest

from benchmarks.__main__ import imported
from benchmarks.floor import bytes_of_state, count, time_floor
from benchmarks.histories import ASKED, time_histories
from benchmarks.mesa_models import (
    EmptyAgent,
    PlainModel,
    run_plain,
    time_batch_runner,
    time_empty,
    time_plain,
)
from benchmarks.timing import Timing, agents_of, best_of, time_crises, time_python
from crisis_sim.batch.block import Block, BlockOrder
from crisis_sim.model import CrisisModel
from crisis_sim.scenario import load_scenario

#: Counts like those that `count` returns.
COUNTS = {"hours_per_step": 6.0, "decisions_per_state_step": 0.1, "mean_steps": 5, "agents": 12}


@pytest.fixture(scope="module")
def short():
    return load_scenario("may_2025").model_copy(update={"horizon_days": 20})


@pytest.fixture(scope="module")
def counts(short):
    return count(short, 101)


@pytest.fixture(scope="module", params=["may_2025", "since_1945"])
def scenario(request):
    return load_scenario(request.param)


def test_events_are_counted_in_every_block(short, counts):
    assert counts["steps"] == CrisisModel(short, 101).run().events_run
    whole, cut = time_crises(short, 12), time_crises(short, 12, block_size=5)
    events = CrisisModel(short, 12).run().events_run
    assert whole.agent_steps == cut.agent_steps == counts["agents"] * events
    assert cut.block_size == 5


def test_a_block_that_fails_stops_the_timing():
    scenario = load_scenario("may_2025")
    failed = Block(BlockOrder(scenario, 0, 2, 1), error="ValueError: no", trace="somewhere")
    with (
        mock.patch("benchmarks.timing.run_plan", return_value=(one for one in [failed])),
        pytest.raises(RuntimeError, match="replicates 0 to 1 of may_2025 failed: ValueError: no"),
    ):
        time_crises(scenario, 2)


def test_tasks_alternate_the_fastest_round_counts_and_long_tasks_are_not_repeated():
    calls = []

    def task(name, *seconds):
        left = list(seconds)

        def timed():
            calls.append(name)
            return Timing("ours", name, left.pop(0))

        return timed

    best = best_of(2, [task("long", 3.0, 1.0), task("a", 0.5, 0.2), task("b", 0.3, 0.4)])
    assert calls == ["long", "a", "b", "a", "b"]
    assert [timing.seconds for timing in best] == [3.0, 0.2, 0.3]


@pytest.mark.slow
def test_a_timed_command_returns_its_output_or_the_reason_of_its_failure():
    timing, printed, _ = time_python(["-c", "import time; time.sleep(0.2); print('done')"], "sleep")
    assert printed == "done\n"
    assert 0.2 <= timing.seconds < 30
    assert 1 < timing.memory_mb < 1_000
    with pytest.raises(RuntimeError, match=r"(?s)mine ended with 3.*because"):
        time_python(["-c", "import sys; print('because', file=sys.stderr); sys.exit(3)"], "mine")


def test_imports_are_counted_once_each():
    head = "import time: self [us] | cumulative | imported package\n"
    lines = "import time:   250 |   750 |   json\nimport time: 500 | 500 |     json.decoder\n"
    assert imported(f"{head}{lines}a warning | 7\n") == 0.00075


def test_counts_are_plausible(short, counts):
    assert 14 * counts["steps"] < counts["exponentials"] < 100 * counts["steps"]
    assert 0.1 < counts["hours_per_step"] < 96
    assert 0 < counts["decisions_per_state_step"] < 1
    assert 100 < bytes_of_state(CrisisModel(short, 11)) <= counts["state_bytes"]


def test_inconsistent_counts_are_refused(short):
    model = CrisisModel(short, 11).run()
    model.crises["taken"][:] = 0
    run = mock.Mock(run=lambda: model)
    with (
        mock.patch("benchmarks.floor.CrisisModel", return_value=run),
        pytest.raises(RuntimeError, match="the counts are inconsistent: normals=0"),
    ):
        count(short, 11)


def test_the_floor_does_as_many_operations_as_were_counted(counts):
    draw, exponentiate, stream = [], [], []
    luck = mock.Mock(random=lambda out, dtype: draw.append(len(out)))
    with (
        mock.patch.object(np.random, "default_rng", return_value=luck),
        mock.patch.object(np, "exp", lambda powers, out: exponentiate.append(len(powers))),
        mock.patch.object(np, "negative", lambda array, out: stream.append(array.nbytes)),
    ):
        least = time_floor("may_2025", counts, 202, 101)
    assert sum(draw) == 2 * counts["numbers"]
    assert sum(exponentiate) == 2 * counts["exponentials"]
    steps = round(2 * counts["steps"] / 101)
    assert sum(stream) == pytest.approx(steps * 101 * counts["state_bytes"], rel=0.01)
    assert least.agent_steps == 2 * counts["steps"] * counts["agents"]


def test_the_plain_model_decides_as_often_as_crisis_sim_and_depends_only_on_its_seed(scenario):
    models = [run_plain(scenario, COUNTS, 400, seed) for seed in (*range(10), 0)]
    assert len(models[0].agents) == agents_of(scenario)
    decisions = sum(model.decisions for model in models) / (2 * 400 * len(models))
    assert decisions == pytest.approx(COUNTS["decisions_per_state_step"], rel=0.15)
    ends = [model.states[0].market for model in models]
    assert ends[0] == ends[-1] != ends[1]
    states = [state for model in models for state in model.states]
    assert len({state.rung for state in states}) > 2
    assert all(0 < state.pressure < 1 and state.lowest_market < 1 for state in states)


def test_mesa_models_take_the_steps_that_are_counted(scenario):
    with mock.patch.object(PlainModel, "step", autospec=True, side_effect=PlainModel.step) as step:
        assert time_plain(scenario, COUNTS, crises=3).agent_steps == 12 * step.call_count == 180
    with mock.patch.object(EmptyAgent, "step") as step:
        for activation in ("do", "shuffle_do"):
            assert time_empty(3, 7, 2, activation).agent_steps == 42
        assert step.call_count == 84
        if hasattr(mesa, "batch_run"):
            assert time_batch_runner(3, 7, 2).agent_steps == step.call_count - 84 == 42


@pytest.mark.slow
def test_every_answer_about_histories_is_timed():
    with mock.patch.multiple("benchmarks.histories", FUTURES=20, BATCH=20):
        timings = time_histories(load_scenario("may_2025"), quick=True)
    assert [one.kind for one in timings] == ["batch", "alone", *["history"] * (len(ASKED) - 1)]
    assert all(one.seconds > 0 for one in timings)
