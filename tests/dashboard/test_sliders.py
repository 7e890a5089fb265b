from __future__ import annotations

from pathlib import Path

import pytest

from crisis_sim.dashboard.changes import Group, Slider, groups_of, number_in_words
from crisis_sim.scenario import load_scenario
from crisis_sim.scenario.introspect import numbers_of, slot_at
from crisis_sim.scenario.load import shipped_names
from crisis_sim.scenario.numbers import Distribution
from tests.dashboard.quarrel import write_quarrel


@pytest.fixture
def groups(tmp_path: Path) -> dict[str, Group]:
    scenario = load_scenario(write_quarrel(tmp_path))
    return {group.path: group for group in groups_of(scenario)}


def sliders(groups: dict[str, Group]) -> dict[str, Slider]:
    return {one.path: one for group in groups.values() for one in group.sliders}


@pytest.mark.parametrize("name", shipped_names())
def test_there_is_a_slider_for_every_number_that_the_schema_marks_and_for_no_other(
    name: str,
) -> None:
    scenario = load_scenario(name)
    marked = {
        path
        for path in numbers_of(scenario)
        for slot in [slot_at([int(w) if w.isdigit() else w for w in path.split(".")])]
        if slot is not None and slot.slider
    }
    assert {one.path for group in groups_of(scenario) for one in group.sliders} == marked


def test_a_slider_says_what_the_schema_and_the_scenario_say(groups: dict[str, Group]) -> None:
    one = sliders(groups)["mediators.elder.attention_threshold"]
    assert (one.label, one.unit) == ("Attention threshold", "intensity")
    assert one.meaning == "alarm from which it engages"
    assert (one.low, one.high, one.step) == (0.0, 1.0, 0.01)
    assert one.given == Distribution("uniform", (0.4, 0.6))
    assert one.middle == pytest.approx(0.5)
    assert one.spread == (0.4, 0.6)


def test_a_slider_goes_as_far_as_its_mark_says(groups: dict[str, Group]) -> None:
    one = sliders(groups)["lenders.bank.days_later"]
    assert (one.low, one.high) == (-20, 30)
    assert one.spread is None


def test_a_slider_reaches_what_the_scenario_says_wherever_that_lies(tmp_path: Path) -> None:
    scenario = load_scenario(write_quarrel(tmp_path), ["behaviour.decision.audience_cost=35"])
    found = {one.path: one for group in groups_of(scenario) for one in group.sliders}
    one = found["behaviour.decision.audience_cost"]
    assert (one.middle, one.high) == (35, 35)


def test_what_holds_for_each_state_has_a_slider_for_each(groups: dict[str, Group]) -> None:
    labels = [one.label for one in groups["mediators.elder"].sliders]
    assert labels[-2:] == ["Leverage: Northland", "Leverage: South"]


def test_agents_but_not_states_can_be_taken_out(groups: dict[str, Group]) -> None:
    switched = {path for path, group in groups.items() if group.switched}
    assert switched == {
        "lenders.bank",
        "mediators.elder",
        "mediators.envoy",
        "channels.line",
        "advisers.brother",
    }


@pytest.mark.parametrize(
    ("number", "unit", "told"),
    [
        (0.25, "share", "0.25"),
        (3.0, "days", "3 days"),
        (Distribution("uniform", (0.2, 0.6)), "share", "0.2 to 0.6"),
        (Distribution("triangular", (1, 2, 4)), "days", "1 to 4 days, mostly near 2"),
        (Distribution("lognormal", (9, 0.5)), "days", "lognormal, around 9 days"),
        (Distribution("choice", (0, 1), (0.5, 0.5)), "share", "one of 0 or 1"),
        (Distribution("beta", (2, 3)), "share", "beta, 2 and 3"),
    ],
)
def test_a_number_is_told_in_words(number: float | Distribution, unit: str, told: str) -> None:
    assert number_in_words(number, unit) == told


def test_the_ends_of_sliders_are_numbers_a_person_would_choose() -> None:
    scenario = load_scenario("may_2025")
    for group in groups_of(scenario):
        for one in group.sliders:
            assert float(f"{one.low:.2g}") == one.low
            assert float(f"{one.high:.2g}") == one.high
            assert one.spread is None or one.low <= one.spread[0] <= one.spread[1] <= one.high
