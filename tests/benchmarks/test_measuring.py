"""What `make bench` measures."""

from __future__ import annotations

from unittest import mock

import pytest

from benchmarks.histories import LIMITS, time_histories
from benchmarks.mesa_models import EmptyAgent, comparisons, run_empty
from benchmarks.timing import Timing, best_of, time_batch, time_python
from crisis_sim.batch.block import Block, BlockOrder
from crisis_sim.scenario import load_scenario


@pytest.fixture(scope="module")
def scenario():
    return load_scenario("may_2025")


def test_a_batch_that_is_timed_has_all_its_crises(scenario):
    timing = time_batch(scenario, 12, workers=2)
    assert (timing.scenario, timing.crises, timing.workers) == ("may_2025", 12, 2)
    assert timing.seconds > 0


def test_a_block_that_fails_stops_the_timing(scenario):
    failed = Block(BlockOrder(scenario, 0, 2, 1), error="ValueError: no", trace="somewhere")
    with (
        mock.patch("benchmarks.timing.run_plan", return_value=(one for one in [failed])),
        pytest.raises(RuntimeError, match="replicates 0 to 1 of may_2025 failed: ValueError: no"),
    ):
        time_batch(scenario, 2)


def test_tasks_alternate_and_the_fastest_round_counts():
    calls = []

    def task(name, *seconds):
        left = list(seconds)

        def timed():
            calls.append(name)
            return Timing(name, left.pop(0))

        return timed

    best = best_of(2, [task("a", 0.5, 0.2), task("b", 0.3, 0.4)])
    assert calls == ["a", "b", "a", "b"]
    assert [timing.seconds for timing in best] == [0.2, 0.3]


@pytest.mark.slow
def test_a_timed_command_returns_its_output_or_the_reason_of_its_failure():
    timing, printed = time_python(["-c", "import time; time.sleep(0.2); print('done')"], "sleep")
    assert printed == "done\n"
    assert 0.2 <= timing.seconds < 30
    assert 1 < timing.memory_mb < 1_000
    with pytest.raises(RuntimeError, match=r"(?s)mine ended with 3.*because"):
        time_python(["-c", "import sys; print('because', file=sys.stderr); sys.exit(3)"], "mine")


def test_an_empty_model_calls_each_agent_in_each_step():
    with mock.patch.object(EmptyAgent, "step") as step:
        run_empty(agents=3, steps=7)
    assert step.call_count == 21


@pytest.mark.slow
def test_other_ways_to_run_crises_are_timed(scenario):
    with mock.patch("benchmarks.mesa_models.run_empty", side_effect=run_empty) as run:
        timings = [task() for task in comparisons(scenario)]
    assert len({timing.what for timing in timings}) == len(timings) == 4
    assert all(timing.seconds > 0 for timing in timings)
    agents, steps = run.call_args.args
    assert timings[0].crises == run.call_count == 200
    assert agents == 12
    assert 30 < steps < 80


@pytest.mark.slow
def test_every_answer_about_histories_is_timed(scenario):
    with mock.patch.multiple("benchmarks.histories", FUTURES=20, CRISES=20):
        timings = time_histories(scenario, quick=True)
    assert len(timings) == 2 + len(LIMITS) - 1
    assert all(one.seconds > 0 for one in timings)
