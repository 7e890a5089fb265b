"""Rules between fields: what no value breaks alone, and what is never clamped or rounded to fit."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis_sim.experiments.factors import ScenarioEditor
from crisis_sim.scenario import Scenario, ScenarioError, load_scenario, read_scenario
from crisis_sim.scenario.checks import CHECKS, MILESTONES
from crisis_sim.scenario.introspect import numbers_of, slot_at
from crisis_sim.scenario.schema import VIOLENCE
from tests.scenario.files import BASE, Write, only_mistake, pointed_at

LADDER = """\
ladder:
  - {name: calm, intensity: 0}
  - {name: fire, intensity: 0.4, violence: minor clashes}
  - {name: raid, intensity: 0.5, violence: serious clashes, strike: true}
  - {name: war, intensity: 0.8, violence: full-scale war, strike: true}
  - {name: end, intensity: 1, violence: full-scale war, strike: true, nuclear: true}
"""
RECORD = """\
real_path:
  first_strike: 2025-05-07
  ceasefire_agreed: 2025-05-10T15:35
  ceasefire_in_effect: 2025-05-10T17:00
  events:
    - {at: 2025-05-07, text: one}
    - {at: 2025-05-08, text: two}
"""


def accepted(text: str, *overrides: str) -> bool:
    try:
        read_scenario(text, "f", overrides)
    except ScenarioError:
        return False
    return True


def test_every_rule_is_told_in_a_sentence() -> None:
    for rule in CHECKS:
        words = " ".join((rule.__doc__ or "").split())
        assert words[:1].isupper()
        assert words.endswith(".")


# The ladder.


@pytest.mark.parametrize(
    ("old", "new", "points_at", "message"),
    [
        (
            "violence: serious clashes, strike",
            "strike",
            "name: raid",
            "`violence` falls from minor",
        ),
        (
            "full-scale war, strike: true}",
            "minor clashes, strike: true}",
            "minor",
            "`violence` fall",
        ),
        (
            "full-scale war, strike: true}",
            "full-scale war}",
            "name: war",
            "`strike` falls from true",
        ),
        (
            "intensity: 0}",
            "intensity: 0, violence: minor clashes}",
            "minor",
            "the lowest rung cannot",
        ),
        (
            "intensity: 0}",
            "intensity: 0, strike: yes}",
            "yes",
            "the lowest rung cannot be a strike",
        ),
        ("strike: true}", "strike: true, nuclear: true}", "nuclear", ""),
        ("name: end", 'name: " "', '" "', "a rung without a name"),
        ("name: end", "name: wa\u200dr", "wa", "a second rung called"),
    ],
)
def test_a_ladder_that_makes_no_sense_is_a_mistake(
    write: Write, old: str, new: str, points_at: str, message: str
) -> None:
    path = write("a.yaml", BASE + LADDER.replace(old, new, 1))
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert any(
        message in mistake.message and points_at in pointed_at(mistake)
        for mistake in caught.value.mistakes
    ), str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "points_at", "message"),
    [
        ("violence: minor clashes}", "strike: true}", "true", "a strike without violence"),
        ("violence: minor clashes}", "violence: none, strike: true}", "none", "a strike without v"),
        ("strike: true, nuclear", "nuclear", "true", "nuclear use that is no strike"),
        ("strike: true, nuclear", "strike: no, nuclear", "no", "nuclear use that is no strike"),
    ],
)
def test_a_strike_is_violent_and_nuclear_use_is_one(
    write: Write, old: str, new: str, points_at: str, message: str
) -> None:
    path = write("a.yaml", BASE + LADDER.replace(old, new, 1))
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    found = {mistake.message: pointed_at(mistake) for mistake in caught.value.mistakes}
    places = [place for told, place in found.items() if told.startswith(message)]
    assert places
    assert places[0].startswith(points_at)


@pytest.mark.parametrize("day", ["2025-05-07", "2025-05-06T18:29Z"])
def test_a_strike_on_record_before_the_first_is_a_mistake(write: Write, day: str) -> None:
    rungs = f"  rungs: {{india: [[2025-05-01, border fire], [{day}, limited strike]]}}\n"
    path = write("a.yaml", BASE + RECORD + rungs)
    if "Z" not in day:
        assert load_scenario(path)
        return
    mistake = only_mistake(path)
    assert mistake.message.endswith("is before `first_strike`, and 'limited strike' is a strike")
    assert pointed_at(mistake).startswith(day)


def test_a_rung_of_nuclear_use_is_one_of_war(write: Write) -> None:
    text = LADDER.replace("full-scale war", "serious clashes")
    mistake = only_mistake(write("a.yaml", BASE + text))
    assert mistake.message == "nuclear use that is no full-scale war"


KINDS = st.tuples(st.sampled_from(VIOLENCE), st.booleans(), st.booleans())


@settings(max_examples=300, deadline=None)
@given(st.lists(KINDS, min_size=2, max_size=5))
def test_a_ladder_is_accepted_where_nothing_falls_from_peace(
    kinds: list[tuple[str, bool, bool]],
) -> None:
    rungs = [
        {
            "name": f"r{k}",
            "intensity": k / 10,
            "violence": one,
            "strike": strike,
            "nuclear": nuclear,
        }
        for k, (one, strike, nuclear) in enumerate(kinds)
    ]
    levels = [(VIOLENCE.index(one), strike, nuclear) for one, strike, nuclear in kinds]
    rises = all(
        all(x <= y for x, y in zip(low, high, strict=True)) for low, high in pairwise(levels)
    )
    at_war = all(level == 3 and strike for level, strike, nuclear in levels if nuclear)
    violent = all(level for level, strike, _ in levels if strike)
    sense = rises and at_war and violent and levels[0] == (0, False, False)
    assert accepted(f"{BASE}ladder: {json.dumps(rungs)}\n") == sense


# Weapons and rungs.


@pytest.mark.parametrize(
    ("nuclear", "may"),
    [("false", False), ("0.5", False), ("{uniform: [0.9, 1]}", False), ("true", True)],
)
@pytest.mark.parametrize(
    "override",
    [
        "states.pakistan.rung_at_start=nuclear use",
        "events.0.rival_rung=9",
        "events.0.rival_rung={choice: [1, 9]}",
    ],
)
def test_only_who_surely_has_nuclear_weapons_stands_on_a_nuclear_rung(
    nuclear: str, may: bool, override: str
) -> None:
    assert accepted(BASE, f"states.pakistan.nuclear={nuclear}", override) == may
    assert not accepted(BASE, f"states.india.nuclear={nuclear}", override)


@pytest.mark.parametrize(("nuclear", "may"), [("false", False), ("0.5", True), ("true", True)])
def test_only_who_may_have_nuclear_weapons_used_them(nuclear: str, may: bool) -> None:
    record = "real_path: {rungs: {india: [[2025-05-01, nuclear use]]}}\n"
    assert accepted(BASE + record, f"states.india.nuclear={nuclear}") == may


@pytest.mark.parametrize(
    ("written", "message"),
    [
        *(("15", "no rung 15"), ("10", "no rung 10"), ("{choice: [0, 12]}", "no rung 12")),
        *(("2.5", "a fraction"), ("{choice: [1, 1.5]}", "a fraction")),
        *(("{uniform: [0, 3]}", "a fraction"), ("{normal: [3, 1]}", "a fraction")),
        *(("60", "out of range"), ("-1", "out of range")),
    ],
)
def test_a_rung_off_the_ladder_or_between_two_is_a_mistake(
    write: Write, written: str, message: str
) -> None:
    text = BASE.replace("deaths: 26", f"deaths: 26, rival_rung: {written}")
    mistake = only_mistake(write("a.yaml", text))
    assert mistake.message.startswith(message)
    assert pointed_at(mistake).startswith(written)


def test_what_an_event_may_do_hangs_on_the_ladder_of_the_scenario(write: Write) -> None:
    text = BASE.replace("deaths: 26", "deaths: 26, rival_rung: 3") + LADDER
    assert load_scenario(write("a.yaml", text))
    mistake = only_mistake(write("b.yaml", text.replace("rival_rung: 3", "rival_rung: 5")))
    assert mistake.expected == "a rung from 0 ('calm') to 4 ('end')"


# Numbers are kept as they are given.


@pytest.mark.parametrize("written", ["1e-400", "-1.5E-999", "0.0000001e-340"])
def test_a_number_that_a_computer_cannot_tell_from_0_is_a_mistake(
    write: Write, written: str
) -> None:
    mistake = only_mistake(write("a.yaml", BASE.replace("deaths: 26", f"deaths: {written}")))
    assert mistake.message == f"too close to 0 to be represented: {written}"
    assert pointed_at(mistake).startswith(written)
    assert accepted(BASE, "events.0.deaths=0e-999")
    assert not accepted(BASE, f"events.0.deaths={written}")


@pytest.mark.parametrize("value", [1 + 1e-9, -1e-9])
def test_a_number_just_out_of_its_range_is_told_in_full(write: Write, value: float) -> None:
    path = write("a.yaml", BASE.replace("resolve: 0.8", f"resolve: {value!r}"))
    assert only_mistake(path).message.endswith(repr(value))


@pytest.mark.parametrize("name", ["may_2025", "since_1945"])
def test_every_number_is_kept_as_it_is_given_or_refused(name: str) -> None:
    scenario = load_scenario(name)
    whole = ScenarioEditor(scenario)
    for path, limits in list(numbers_of(scenario).items())[::3]:
        slot = slot_at([int(word) if word.isdigit() else word for word in path.split(".")])
        assert slot
        assert slot.limits == limits
        beyond = [limits.low - 1e-6 * (1 + abs(limits.low)), limits.high * (1 + 1e-6) + 1e-6]
        for value in (beyond[0], limits.low, limits.high, beyond[1]):
            try:
                read = whole.without([f"{path}={value!r}"], name)
            except ScenarioError:
                continue
            assert limits.low <= value <= limits.high
            assert _at(read, path) == value


def _at(scenario: Scenario, path: str) -> Any:
    found: Any = scenario.plain()
    for word in path.split("."):
        found = found[int(word) if isinstance(found, list) else word]
    return found


# The record.


@pytest.mark.parametrize(
    ("old", "new", "points_at", "message"),
    [
        (
            "first_strike: 2025-05-07",
            "first_strike: 2025-04-22",
            "2025-04-22",
            "is before the trigger",
        ),
        (
            "first_strike: 2025-05-07",
            "first_strike: 2025-05-11",
            "2025-05-10T15",
            "is before `first_s",
        ),
        (
            "agreed: 2025-05-10T15:35",
            "agreed: 2025-05-06",
            "2025-05-06",
            "is before `first_strike`",
        ),
        (
            "effect: 2025-05-10T17:00",
            "effect: 2025-05-10T15:34",
            "2025-05-10T15:34",
            "`ceasefire_agr",
        ),
        ("effect: 2025-05-10T17:00", "effect: 2025-05-10T11:00Z", "", ""),
        (
            "effect: 2025-05-10T17:00",
            "effect: 2025-05-10T10:00Z",
            "2025-05-10T10",
            "`ceasefire_agr",
        ),
        ("at: 2025-05-08", "at: 2025-05-06", "2025-05-06", "is before the event above it"),
        ("at: 2025-05-08", "at: 2025-05-07", "", ""),
    ],
)
def test_a_record_that_runs_backwards_is_a_mistake(
    write: Write, old: str, new: str, points_at: str, message: str
) -> None:
    path = write("a.yaml", BASE + RECORD.replace(old, new, 1))
    if not message:
        assert load_scenario(path)
        return
    mistake = only_mistake(path)
    assert message in mistake.message
    assert pointed_at(mistake).startswith(points_at)


def test_where_nothing_triggers_the_record_is_counted_from_the_start(write: Write) -> None:
    text = BASE.replace("kind: trigger, ", "") + "real_path: {ceasefire_in_effect: 2025-04-22}\n"
    assert only_mistake(write("a.yaml", text)).message == "'2025-04-22' is before the start"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | st.integers(0, 40), min_size=3, max_size=3))
def test_a_record_is_accepted_where_its_moments_rise(days: list[int | None]) -> None:
    known = {key: day for key, day in zip(MILESTONES, days, strict=True) if day is not None}
    path = {
        key: f"2025-{4 + (22 + day) // 31:02}-{1 + (22 + day) % 30:02}"
        for key, day in known.items()
    }
    written = [*path.values()]
    rises = written == sorted(written) and all(one >= "2025-04-23" for one in written)
    assert accepted(f"{BASE}real_path: {json.dumps(path)}\n") == rises


# Titles, and all that ships.


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("uae: {title: The Fund}", 'other: {title: "The Fund"}'),
        ("uae: {title: The Fund}", 'other: {title: " The  Fu\\u200dnd"}'),
        ("uae: {}", "other: {title: uae}"),
        ("other: {title: uae}", "uae: {}"),
    ],
)
def test_two_agents_of_one_kind_and_one_title_are_a_mistake(
    write: Write, first: str, second: str
) -> None:
    text = BASE.replace("uae: {style: facilitation}", f"{first}\n  {second}")
    mistake = only_mistake(write("a.yaml", text))
    assert mistake.message.startswith("a second agent called '")
    assert mistake.line == 1 + text[: text.index(second)].count("\n")


def test_agents_of_two_kinds_may_have_one_title() -> None:
    text = BASE.replace("uae: {", "uae: {title: China, ")
    assert accepted(text.replace("  imf:\n", "  imf:\n    title: China\n"))
