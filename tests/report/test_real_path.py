from __future__ import annotations

import numpy as np
import pytest

from crisis_sim.batch import simulate
from crisis_sim.report.real_path import real_record, real_times, start_of
from crisis_sim.scenario import load_scenario
from tests.report.made_up import REAL_CLOSES, hours, make_scenario


def test_the_record_stands_on_the_clock_of_the_scenario() -> None:
    record = real_record(make_scenario().plain())
    assert record.first_strike_at_hours == pytest.approx(hours("05-07 01:05"))
    assert record.ceasefire_after_hours("from_first_strike") == pytest.approx(87.0 + 55.0 / 60.0)
    assert record.ceasefire_after_hours("from_trigger") == pytest.approx(hours("05-10 17:00"))
    assert record.rungs["pakistan"][-1] == (pytest.approx(hours("05-10 17:00")), "mobilisation")
    # A close without an hour stands at the end of its simulated day.
    index = record.markets["pakistan"]
    closes = list(REAL_CLOSES["pakistan"][1].values())
    assert index.at_hours[:3] == (-24.0, 0.0, 24.0)
    assert index.relative[1] == 1.0
    assert index.relative[-1] == pytest.approx(closes[-1] / closes[1])


def test_a_close_with_an_hour_stands_there() -> None:
    closes = [("2025-04-23T15:30+05:30", 50.0), ("2025-04-24T15:30", 40.0)]
    scenario = make_scenario(real_path={"markets": {"india": {"index": "x", "closes": closes}}})
    record = real_record(scenario.plain())
    assert record.markets["india"].at_hours == (24.5, 48.5)
    assert record.markets["india"].relative == (1.0, 0.8)


def test_no_record_and_an_incomplete_one() -> None:
    assert real_record({}) is None
    assert real_record(make_scenario(real_path=None).plain()) is None
    record = real_record(make_scenario(real_path={"first_strike": "2025-05-07"}).plain())
    assert record.ceasefire_after_hours("from_first_strike") is None
    assert record.ceasefire_after_hours("from_trigger") is None


def test_start_and_trigger() -> None:
    assert start_of({}) is None
    for changes, at in (({"start": "2025-04-22T03:00+05:30"}, 12.0), ({"events": []}, 0.0)):
        record = real_record({**make_scenario().plain(), **changes})
        assert record.trigger_at_hours == at


@pytest.mark.parametrize(
    "name", ["cuba_1962", "israel_iran_2025", "iran_pakistan_2024", "may_2025"]
)
def test_where_the_real_times_of_an_example_fall_is_told(name: str) -> None:
    ensemble = simulate(name, 400).ensembles[name]
    times = real_times(ensemble)
    assert {time.to for time in times} <= {"ceasefire", "first strike"}
    assert times
    for time in times:
        assert 0.0 <= time.below.lower <= time.below.estimate <= time.below.upper <= 1.0
        assert time.middle[0] <= time.middle[1]
        assert f"of the {time.of} simulated ones" in str(time)
    if name == "may_2025":
        strikes = ensemble.column("first_strike_at_hours")
        came = strikes[~np.isnan(strikes)]
        to_strike = next(time for time in times if time.to == "first strike")
        assert to_strike.of == len(came)
        assert to_strike.below.estimate == pytest.approx(np.mean(came <= to_strike.hours), abs=0.01)


def test_a_scenario_without_a_real_path_has_no_real_times() -> None:
    scenario = load_scenario("may_2025").model_copy(update={"real_path": None})
    assert real_times(simulate(scenario, 20).ensembles["may_2025"]) == []
