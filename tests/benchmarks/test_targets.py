from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.targets import Target, targets
from tests.benchmarks.made_up import results_of, scenario_of, speed_of


def met(results, what, scenario="may_2025"):
    (one,) = (
        aim for aim in targets(results) if aim.what.startswith(what) and aim.scenario == scenario
    )
    return one.measured, one.met


def test_ratios_are_those_of_agent_turns_a_second():
    results = results_of(scenario_of("may_2025", large=150e6))
    assert met(results, "agent-turns a second, beside the quickest empty") == (
        pytest.approx(50),
        True,
    )
    assert met(results, "agent-turns a second, beside the plain") == (pytest.approx(300), True)
    assert met(results, "time, beside the floor") == (pytest.approx(2), True)


def test_a_slow_engine_meets_none_of_them():
    results = results_of(scenario_of("may_2025", large=60e6))
    assert met(results, "agent-turns a second, beside the quickest empty") == (
        pytest.approx(20),
        False,
    )
    assert met(results, "agent-turns a second, beside the plain") == (pytest.approx(120), False)
    assert met(results, "time, beside the floor") == (pytest.approx(5), False)


def test_the_least_favourable_size_decides_and_small_batches_do_not_count():
    one = scenario_of("may_2025", large=150e6)
    slower = speed_of("may_2025", 100_000, 90e6)
    sizes = [slower if speed.crises == 100_000 else speed for speed in one.one_core]
    results = results_of(replace(one, one_core=sizes))
    assert met(results, "agent-turns a second, beside the quickest")[0] == pytest.approx(30)


def test_an_empty_model_on_two_cores_is_not_what_one_core_is_beside():
    one = scenario_of("may_2025")
    quick = speed_of("empty Mesa, batch_run", 200, 9e9, workers=2)
    assert replace(one, empty=[*one.empty, quick]).empty_mesa == one.empty_mesa


@pytest.mark.parametrize(("times", "enough"), [(1.79, False), (1.81, True)])
def test_two_workers_are_beside_one_where_they_were_timed_in_turns(times, enough):
    results = results_of(scenario_of("may_2025", two_workers=times))
    assert met(results, "crises a second of two workers") == (pytest.approx(times), enough)


def test_growth_is_that_from_the_smallest_large_batch_to_the_largest():
    results = results_of(scenario_of("may_2025"))
    assert met(results, "cost of a crisis") == (pytest.approx(1), True)
    assert met(results, "peak memory of a batch") == (pytest.approx(1.1), True)
    assert met(results, "peak memory of a whole run") == (pytest.approx(3.5), False)


def test_imports_are_beside_all_work_but_not_beside_the_start_of_python():
    results = results_of(scenario_of("may_2025"))
    assert met(results, "imports beside all work") == (pytest.approx(1.2 / 1.08), True)


def test_what_was_not_measured_is_neither_met_nor_missed():
    one = scenario_of("may_2025")
    small = [speed for speed in one.one_core if speed.crises < 10_000]
    results = replace(
        results_of(replace(one, one_core=small, two_cores=[], in_turns=[], batches=[])),
        whole_runs=[],
    )
    cold = [aim for aim in targets(results) if aim.measured is not None]
    assert [aim.what.split(",")[0] for aim in cold] == ["imports beside all work"]
    assert {aim.met for aim in targets(results)} == {True, None}


def test_a_target_at_most_is_missed_from_above():
    assert Target("", "", 3.0, 3.1, at_least=False).met is False
    assert Target("", "", 3.0, 3.1, at_least=True).met is True
