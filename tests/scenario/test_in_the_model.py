"""What the model makes of a scenario: it reads every number, in as much memory as is said, with columns that are known."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from crisis_sim.batch import block, simulate
from crisis_sim.batch.block import BLOCK_SIZE, bytes_per_crisis, make_plan
from crisis_sim.model import CrisisModel
from crisis_sim.outcomes.measures import Columns
from crisis_sim.outcomes.named_measures import by_name
from crisis_sim.scenario import Scenario, load_scenario, read_scenario
from crisis_sim.scenario.checks import AGENT_COLUMNS, COLUMNS
from crisis_sim.scenario.introspect import numbers_of
from crisis_sim.scenario.numbers import Distribution, Within
from tests.scenario.files import BASE
from tests.scenario.test_schema import at

#: A crisis in which all that there is has a part, nuclear use among it.
SCENARIO = read_scenario(
    BASE.replace("kind: trigger, struck: india", "kind: trigger, rival_rung: 4, struck: india"),
    "all",
    [
        "states.india.nuclear=0.5",
        "states.pakistan.nuclear=0.5",
        "states.india.claim=1",
        "states.india.mediation_aversion=0.5",
        "states.pakistan.mediation_aversion=0.5",
        "states.pakistan.market={volatility: 0.02, sensitivity: 0.2}",
        "states.india.economic_vulnerability=0.8",
        "events.0.pressure=0.2",
        "events.0.provocation=0.5",
        "lenders.imf.reviews.0.rival_vote=abstain",
        "mediators.us={style: manipulation, information: 0.7, attention_days: 20}",
        "mediators.us.trust={india: 0.5, pakistan: 0.5}",
        "mediators.us.interest={india: 0.2, pakistan: 0.2}",
        "mediators.uae={style: formulation, trust: {india: 0.5, pakistan: 0.5}}",
        "channels.line.trust=0.4",
        "behaviour.decision.nuclear_taboo=1",
        "behaviour.lending.money=3",
    ],
)
ROWS = 400


def moved(path: str, limits: Within) -> float:
    """A value far from the scenario's own."""
    value = at(SCENARIO, path)
    given = np.mean(value.values) if isinstance(value, Distribution) else value
    low, high = max(limits.low, -5.0), min(limits.high, 50.0)
    if limits.whole:
        return 2.0
    share = 0.25 if given > low + 0.5 * (high - low) else 0.75
    return low + share * (high - low)


def crises(given: dict[str, float]) -> dict[str, bytes]:
    """All that became of the crises, by name, with some numbers given."""
    parameters = {path: np.full(ROWS, value) for path, value in given.items()}
    run = CrisisModel(SCENARIO, ROWS, seed=3, parameters=parameters).run(daily=False).crises
    return {name: run[name].tobytes() for name in run.dtype.names if name != "ladder"}


@pytest.mark.slow
def test_every_number_affects_some_crisis() -> None:
    usual, numbers = crises({}), numbers_of(SCENARIO).items()
    unread = [path for path, limits in numbers if crises({path: moved(path, limits)}) == usual]
    assert unread == []


def test_the_checks_know_the_columns_that_results_have() -> None:
    scenario = read_scenario(BASE, "a")
    ensemble = simulate(scenario, replicates=2).ensembles["a"]
    made = {
        f"{name}_{ending}"
        for section, endings in AGENT_COLUMNS.items()
        for name in getattr(scenario, section)
        for ending in endings
    }
    tables = filter(None, (ensemble.table, ensemble.paths))
    assert {name for table in tables for name in table.column_names} <= made | {*COLUMNS}


def test_measures_of_agents_are_found_by_their_names() -> None:
    columns = Columns.of(read_scenario(BASE.replace("india", "भारत")))
    assert by_name("median_भारत_lowest_market", columns) is not None
    assert by_name("ceasefire_within_٩٦_hours") is None


def endless(days: float) -> Scenario:
    """A crisis that hardly anybody can end, in which all decide as often as they may."""
    overrides = (
        "behaviour.ends={fading_days: 3650, yielding_days: 3650, yielding_fire: -5}",
        "behaviour.halt={deal: -20, mistrust: 50}",
        "behaviour.decision.deliberations_per_day=24",
        "behaviour.operations.collapse_per_day=0",
        "states.india.resolve=1",
        "states.pakistan.resolve=1",
        f"horizon_days={days}",
    )
    return read_scenario(BASE, "endless", overrides)


def test_a_block_takes_no_more_memory_than_documented() -> None:
    scenario, replicates = endless(60), 500
    CrisisModel(scenario, 1).step()  # what libraries keep is not the block's
    tracemalloc.start()
    model = CrisisModel(scenario, replicates).run()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (model.outcomes()["ending"] == "unresolved").mean() > 0.9
    said = replicates * bytes_per_crisis(scenario)
    assert said / 10 <= most <= said
    assert bytes_per_crisis(endless(3650)) == bytes_per_crisis(scenario)


def test_blocks_are_smaller_where_crises_need_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    scenarios = [load_scenario("may_2025"), endless(60)]
    assert make_plan(scenarios, 10_000_000, 1, None, None, ()).block_size == BLOCK_SIZE
    monkeypatch.setattr(block, "BLOCK_BYTES", 2**20)
    size = make_plan(scenarios, 100_000, 1, None, None, ()).block_size
    assert size * bytes_per_crisis(scenarios[0]) <= 2**20
    assert (size + 1) * bytes_per_crisis(scenarios[0]) > 2**20
    assert make_plan(scenarios, 100_000, 1, 7, None, ()).block_size == 7
