from __future__ import annotations

import pytest

from crisis_sim.report.real_path import real_record, real_times, start_of
from tests.report.made_up import CASES, REAL_CLOSES, hours, make_ensemble, make_scenario


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


def test_where_the_real_times_fall_is_said() -> None:
    told = real_times(make_ensemble("may_2025", replicates=200))
    assert len(told) == 3
    assert told[0].startswith(
        "The real first strike came 14.4 days after the trigger, sooner than "
    )
    assert "of the 172 crises with a first strike." in told[1]
    bare = make_ensemble(
        "bare", CASES["may_2025"], replicates=50, scenario=make_scenario(real_path=None)
    )
    assert real_times(bare) == []
