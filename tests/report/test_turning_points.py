from __future__ import annotations

import pytest

from crisis_sim.model.journal import Journal
from crisis_sim.report.story import third_parties, turning_points
from crisis_sim.scenario.schema import Scenario
from tests.report.made_up import ENTRIES, hours, make_journal, make_scenario


def test_the_milestones_of_a_crisis(journal: Journal, scenario: Scenario) -> None:
    points = turning_points(journal, scenario)
    assert points.first_strike == (pytest.approx(hours("05-06 18:00")), "india")
    assert points.ceasefire is points.halts[0]
    assert points.halts[0].brokered_by == "us"
    assert points.halts[0].violations == 1
    assert points.ending == "agreement"
    assert points.ended_at_hours == pytest.approx(hours("05-10 15:24"))
    assert points.peak_rungs == {"india": 8, "pakistan": 6}


def test_a_halt_before_the_first_strike_is_not_its_ceasefire() -> None:
    halts = [
        ("04-23 15:00", "agreed", "", {"by": ""}),
        ("04-23 16:00", "in_effect", "", {}),
        ("04-25 16:00", "relapsed", "india", {}),
        ("04-26 16:00", "climbed", "india", {"from_rung": "calm", "to_rung": "limited strike"}),
        ("04-27 16:00", "agreed", "", {"by": ""}),
        ("04-27 20:00", "in_effect", "", {}),
    ]
    points = turning_points(make_journal([ENTRIES[0], *halts]), make_scenario())
    assert points.ceasefire is points.halts[1]
    assert points.halts[0].relapsed_at_hours == pytest.approx(hours("04-25 16:00"))


def test_an_unresolved_crisis_has_no_end() -> None:
    ended = ("06-20 15:00", "ended", "", {"ending": "unresolved"})
    points = turning_points(make_journal([ENTRIES[0], ended]), make_scenario())
    assert points.ended_at_hours is None
    assert points.first_strike is None
    assert points.ceasefire is None


def test_an_empty_journal(scenario: Scenario) -> None:
    points = turning_points(Journal(), scenario)
    assert points.ending == ""
    assert points.peak_rungs == {"india": 0, "pakistan": 0}


def test_third_parties_by_kind(scenario: Scenario) -> None:
    kinds = [kind for kind, _, _ in third_parties(scenario)]
    assert kinds == [*["mediators"] * 3, *["channels"] * 2, "advisers", "lenders"]
