from __future__ import annotations

from unittest import mock

import pytest

from benchmarks.growth import MEDIATORS, agents_of, cases
from benchmarks.measure import Extent, joined
from benchmarks.speed import Rounds, best_of, time_crises
from crisis_sim.batch.block import Block
from crisis_sim.model import CrisisModel
from crisis_sim.scenario import load_scenario
from tests.benchmarks.made_up import speed_of


def test_a_batch_in_blocks_has_the_turns_of_the_batch_in_one():
    scenario = load_scenario("may_2025").model_copy(update={"horizon_days": 10})
    whole, cut = time_crises(scenario, 12), time_crises(scenario, 12, block_size=5)
    assert whole.agent_turns == cut.agent_turns == 12 * CrisisModel(scenario, 12).run().turns_run
    assert cut.block_size == 5


def test_a_block_that_fails_stops_the_timing():
    failed = Block("may_2025", 0, 2, error="ValueError: no", trace="somewhere")
    with (
        mock.patch("benchmarks.speed.run_plan", return_value=(one for one in [failed])),
        pytest.raises(RuntimeError, match="replicates 0 to 1 of may_2025 failed: ValueError: no"),
    ):
        time_crises(load_scenario("may_2025"), 2)


def test_measurements_take_turns_and_the_quickest_counts():
    order = []

    def measuring(name, rates):
        def one():
            order.append(name)
            return [speed_of(name, 1, rates.pop(0))]

        return one

    best = best_of(2, [measuring("a", [5.0, 7.0]), list, measuring("b", [9.0, 8.0])])
    assert order == ["a", "b", "a", "b"]
    assert [[round(speed.agent_turns_per_second) for speed in one] for one in best] == [
        [7],
        [],
        [9],
    ]


def test_what_took_long_is_not_repeated():
    calls = []

    def task(name, rate):
        def one():
            calls.append(name)
            return speed_of(name, 1, rate)

        return one

    rounds = Rounds([task("long", 1.0), task("short", 1e9)])
    assert [[speed.what for speed in rounds()] for _ in range(2)] == [["long", "short"]] * 2
    assert calls == ["long", "short", "short"]


def test_of_two_timings_of_one_size_the_quicker_counts():
    some = [speed_of("a", 10, 1.0), speed_of("a", 100, 5.0)]
    others = [speed_of("a", 1_000, 3.0), speed_of("a", 100, 6.0)]
    assert [round(one.agent_turns_per_second) for one in joined(some, others)] == [1, 6, 3]


@pytest.mark.parametrize(("most", "sizes"), [(1, [1]), (99, [1, 10]), (1_000, [1, 10, 100, 1_000])])
def test_sizes_are_powers_of_ten_up_to_the_most(most, sizes):
    assert Extent(most).sizes == sizes


def test_cases_have_the_agents_and_horizons_that_they_say():
    for case in cases():
        model = CrisisModel(case.scenario, 2)
        assert len(model.agents) == case.agents == agents_of(case.scenario)
        if case.kind == "mediators":
            assert len(model.mediators) == case.value
        else:
            assert case.scenario.horizon_hours == 24 * case.value
    assert [case.value for case in cases() if case.kind == "mediators"] == list(MEDIATORS)


def test_the_case_with_as_many_mediators_as_the_scenario_is_the_scenario():
    whole = load_scenario("may_2025")
    (same,) = (case for case in cases() if case.kind == "mediators" and case.value == 6)
    assert same.scenario.mediators == whole.mediators
