from __future__ import annotations

import tracemalloc

import pytest

from crisis_sim.batch.plan import BLOCK_BYTES, BLOCK_SIZE, make_plan, most_in_a_block
from crisis_sim.scenario import Scenario, load_scenario, read_scenario
from crisis_sim.scenario.memory import bytes_of_a_crisis
from tests.scenario.files import BASE

#: A crisis that nobody can end, in which all decide and misread as often as they may.
ENDLESS = (
    "behaviour.quiet.quiet_grievance=0",
    "behaviour.halt={yielding_cost: 100, settling_cost: 20, mistrust: 50, public_offer_cost: 50}",
    "behaviour.decision={choice_precision: 20, deliberations_per_day: 24}",
    "behaviour.fog.misreadings_per_day=24",
    "behaviour.war.collapse_per_day=0",
    "states.india.resolve=1",
    "states.pakistan.resolve=1",
)


def endless(days: float) -> Scenario:
    return read_scenario(BASE, "endless", [*ENDLESS, f"horizon_days={days}"])


def test_a_block_takes_no_more_memory_than_is_said() -> None:
    from crisis_sim.model import CrisisModel

    scenario, replicates = endless(60), 500
    CrisisModel(scenario, 1).step()  # what libraries keep is not the block's
    tracemalloc.start()
    model = CrisisModel(scenario, replicates).run()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert model.turns_run == replicates * scenario.turns
    assert most <= replicates * bytes_of_a_crisis(scenario)
    assert most >= replicates * bytes_of_a_crisis(scenario) / 10


@pytest.mark.parametrize("value", ["10", "{uniform: [0, 10]}", "{lognormal: [1, 2]}"])
def test_uncertain_rates_count_as_the_highest_that_they_can_be(value: str) -> None:
    scenario = read_scenario(BASE, "f", [f"behaviour.fog.accidents_per_day={value}"])
    most = read_scenario(BASE, "f", ["behaviour.fog.accidents_per_day=10"])
    assert bytes_of_a_crisis(scenario) == bytes_of_a_crisis(most)


def test_blocks_are_smaller_where_crises_may_need_much_memory() -> None:
    assert most_in_a_block([load_scenario("may_2025")]) == BLOCK_SIZE
    long = endless(3650)
    plan = make_plan([load_scenario("may_2025"), long], 100_000, 1, None, None, ())
    assert plan.block_size < BLOCK_SIZE
    assert plan.block_size * bytes_of_a_crisis(long) <= BLOCK_BYTES
    assert make_plan([long], 100_000, 1, 7, None, ()).block_size == 7
