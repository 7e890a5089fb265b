"""What can be changed in a scenario, what was, and the address that keeps it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crisis_sim.dashboard.changes import (
    MAX_QUERY,
    Asked,
    Changes,
    Group,
    Slider,
    asked_by,
    groups_of,
    number_in_words,
    recall,
)
from crisis_sim.experiments.factors import ScenarioEditor
from crisis_sim.scenario import Scenario, load_scenario
from crisis_sim.scenario.introspect import numbers_of, slot_at
from crisis_sim.scenario.load import shipped_names
from crisis_sim.scenario.numbers import Distribution
from tests.dashboard.quarrel import QUARREL

THRESHOLD = "mediators.elder.attention_threshold"
Read = Callable[[str], tuple[Changes, list[str]]]


@pytest.fixture(scope="module")
def quarrel() -> Scenario:
    return Scenario.from_text(QUARREL, "quarrel")


@pytest.fixture(scope="module")
def groups(quarrel: Scenario) -> dict[str, Group]:
    return {group.path: group for group in groups_of(quarrel)}


@pytest.fixture(scope="module")
def read(groups: dict[str, Group]) -> Read:
    """What comes of a query where the quarrel is open."""
    switches = {group.path for group in groups.values() if group.switched}

    def read(query: str) -> tuple[Changes, list[str]]:
        asked = asked_by(query)
        changes, mistakes = recall(asked.sets, sliders(groups), switches)
        return changes, [*asked.mistakes, *mistakes]

    return read


def test_moving_and_putting_back_leaves_nothing_changed() -> None:
    changes = Changes().move(THRESHOLD, 0.2).switch("lenders.bank", on=False)
    assert changes
    assert not changes.back(THRESHOLD).switch("lenders.bank", on=True)


def test_changes_are_what_set_would_make(quarrel: Scenario) -> None:
    changes = Changes().move(THRESHOLD, 0.2).switch("mediators.envoy", on=False)
    assert changes.as_set() == [f"{THRESHOLD}=0.2", "mediators.envoy=null"]
    same = Scenario.from_text(QUARREL, "quarrel", changes.as_set())
    assert changes.made_in(ScenarioEditor(quarrel)).digest == same.digest


def test_a_number_of_an_agent_that_is_taken_out_is_not_felt_until_it_is_back(
    quarrel: Scenario,
) -> None:
    out = Changes().move(THRESHOLD, 0.2).switch("mediators.elder", on=False)
    assert out.as_set() == ["mediators.elder=null"]
    made = out.made_in(ScenarioEditor(quarrel))
    assert "elder" not in made.mediators
    assert made.channels["line"].opened_by == ("north",)
    assert out.switch("mediators.elder", on=True).effective == {THRESHOLD: 0.2}


def test_a_mediator_does_not_take_another_with_a_longer_name_along() -> None:
    changes = Changes().move("mediators.uk.attention_days", 2.0).switch("mediators.u", on=False)
    assert changes.effective == {"mediators.uk.attention_days": 2.0}


def test_changes_come_back_as_they_were(read: Read) -> None:
    changes = (
        Changes()
        .move(THRESHOLD, 0.1 + 0.2)
        .move("lenders.bank.days_later", -3.0)
        .switch("mediators.elder", on=False)
    )
    sets = tuple(changes.as_set(everything=True))
    asked = Asked(sets, sets[:1], "from_trigger", "late one.yaml")
    assert asked_by(asked.query) == asked
    assert read(asked.query) == (changes, [])


def test_nothing_changed_is_no_query() -> None:
    assert Asked().query == ""
    assert asked_by("") == Asked()


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (
            "set=mediators.eldr.attention_threshold=1",
            f"which has no slider here; did you mean '{THRESHOLD}'?",
        ),
        (f"set={THRESHOLD}=9", f"sets {THRESHOLD} to '9': expected a number from 0 to 1"),
        (f"set={THRESHOLD}=nan", "to 'nan': expected a number from 0 to 1"),
        (f"set={THRESHOLD}=null", "to 'null': expected a number"),
        (f"set={THRESHOLD}", "to '': expected a number"),
        ("set=states.north=null", "'states.north', which has no slider here"),
        ("clock=sundial", "counts time 'sundial': expected from_first_strike or from_trigger"),
        ("set=" + "x" * MAX_QUERY, "too long to be one of this page"),
    ],
)
def test_what_is_wrong_is_told_and_not_done(read: Read, query: str, told: str) -> None:
    changes, (mistake,) = read(query)
    assert not changes
    assert told in mistake


def test_what_is_right_is_done_beside_what_is_wrong(read: Read) -> None:
    changes, mistakes = read(f"set={THRESHOLD}=0.25&set=nonsense&utm_source=mail")
    assert changes.moved == {THRESHOLD: 0.25}
    assert len(mistakes) == 1


def test_a_strangers_text_is_told_short_and_without_what_steers(read: Read) -> None:
    _, (mistake,) = read("set=%1b[31m" + "y" * 500)
    assert "\x1b" not in mistake
    assert len(mistake) < 150


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
    assert one.meaning == "danger above which it hastens to engage; danger below slows it"
    assert (one.low, one.high, one.step) == (0.0, 1.0, 0.01)
    assert one.given == Distribution("uniform", (0.4, 0.6))
    assert one.middle == pytest.approx(0.5)
    assert one.spread == (0.4, 0.6)


def test_a_slider_goes_as_far_as_its_mark_says(groups: dict[str, Group]) -> None:
    one = sliders(groups)["lenders.bank.days_later"]
    assert (one.low, one.high) == (-20, 30)
    assert one.spread is None


def test_a_slider_reaches_what_the_scenario_says_wherever_that_lies() -> None:
    scenario = Scenario.from_text(QUARREL, "quarrel", ["behaviour.halt.economic_relief=35"])
    found = {one.path: one for group in groups_of(scenario) for one in group.sliders}
    one = found["behaviour.halt.economic_relief"]
    assert (one.middle, one.high) == (35, 35)


def test_a_slider_that_spans_decades_goes_by_ratios_and_takes_typed_numbers_beyond_its_ends() -> (
    None
):
    found = {
        one.path: one for group in groups_of(load_scenario("may_2025")) for one in group.sliders
    }
    days = found["mediators.us.attention_days"]
    assert days.log
    assert days.limits == (0.01, 10_000)
    changes, mistakes = recall(["mediators.us.attention_days=0.123456789"], found, ())
    assert (changes.moved, mistakes) == ({"mediators.us.attention_days": 0.123456789}, [])
    assert not found["mediators.us.attention_threshold"].log
    assert not found["behaviour.lending.money"].log  # from 0


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
        (0.1 + 0.2, "", "0.3"),
        (0.123456789, "", "0.123456789"),
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
