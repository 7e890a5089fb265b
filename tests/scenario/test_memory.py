from __future__ import annotations

import tracemalloc

import pytest

from crisis_sim.batch import plan
from crisis_sim.batch.plan import BLOCK_SIZE, bytes_of_a_crisis, make_plan
from crisis_sim.scenario import Scenario, load_scenario, read_scenario
from tests.scenario.files import BASE

#: A crisis that hardly anybody can end, in which all decide as often as they may.
ENDLESS = (
    "behaviour.ends={fading_days: 3650, yielding_days: 3650, yielding_fire: -5}",
    "behaviour.halt={deal: -20, mistrust: 50}",
    "behaviour.decision.deliberations_per_day=24",
    "behaviour.operations.collapse_per_day=0",
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
    assert (model.outcomes()["ending"] == "unresolved").mean() > 0.9
    assert most <= replicates * bytes_of_a_crisis(scenario)
    assert most >= replicates * bytes_of_a_crisis(scenario) / 10


def test_a_crisis_takes_no_more_memory_the_longer_it_may_last() -> None:
    assert bytes_of_a_crisis(endless(3650)) == bytes_of_a_crisis(endless(60))


def test_blocks_are_smaller_where_crises_need_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    scenarios = [load_scenario("may_2025"), endless(60)]
    assert make_plan(scenarios, 10_000_000, 1, None, None, ()).block_size == BLOCK_SIZE
    monkeypatch.setattr(plan, "BLOCK_BYTES", 2**20)
    size = make_plan(scenarios, 100_000, 1, None, None, ()).block_size
    assert size * bytes_of_a_crisis(scenarios[0]) <= 2**20
    assert (size + 1) * bytes_of_a_crisis(scenarios[0]) > 2**20
    assert make_plan(scenarios, 100_000, 1, 7, None, ()).block_size == 7
