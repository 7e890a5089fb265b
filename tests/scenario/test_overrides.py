from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis_sim.scenario import Distribution, ScenarioError, load_scenario, read_scenario
from crisis_sim.scenario.load import overwritten
from tests.scenario.files import BASE, Write, mistakes_of, only_mistake, pointed_at


@pytest.fixture
def base(write: Write, tmp_path: Path) -> Path:
    return tmp_path / "base.yaml"


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("mediators.us.leverage.india=0.2", "mediators.us.leverage.india", 0.2),
        ("mediators.uae.leverage.india=0.2", "mediators.uae.leverage.india", 0.2),
        ("behaviour.decision.dread=5", "behaviour.decision.dread", 5.0),
        (" states.india.resolve = 1e-3 ", "states.india.resolve", 0.001),
        ("mediators.us.title=NO", "mediators.us.title", "NO"),
        ("mediators.us.title=a=b", "mediators.us.title", "a=b"),
        ("events.0.deaths=40", "events.0.deaths", 40.0),
        ("lenders.imf.reviews.0.amount_usd_bn=0", "lenders.imf.reviews.0.amount_usd_bn", 0.0),
        ("ladder.5.deaths_per_day=31", "ladder.5.deaths_per_day", 31.0),
        ("horizon_days=21", "horizon_days", 21.0),
        ("channels.line.opened_by=[india]", "channels.line.opened_by", ("india",)),
        (
            "lenders.imf.conditionality={uniform: [0, 1]}",
            "lenders.imf.conditionality",
            Distribution("uniform", (0.0, 1.0)),
        ),
    ],
)
def test_one_value_is_changed(base: Path, text: str, path: str, expected: Any) -> None:
    value: Any = load_scenario(base, [text])
    for key in path.split("."):
        if isinstance(value, tuple):
            value = value[int(key)]
        else:
            value = value[key] if isinstance(value, dict) else getattr(value, key)
    assert value == expected


def test_nothing_but_the_value_is_changed(base: Path) -> None:
    before = load_scenario(base).plain()
    after = load_scenario(base, ["events.0.deaths=40", "mediators.us.leverage.india=0.2"]).plain()
    before["events"][0]["deaths"] = 40.0
    before["mediators"]["us"]["leverage"]["india"] = 0.2
    assert after == before


def test_setting_a_rung_leaves_the_rest_of_the_default_ladder(base: Path) -> None:
    before = load_scenario(base).ladder
    after = load_scenario(base, ["ladder.5.deaths_per_day=31"]).ladder
    assert after[:5] + after[6:] == before[:5] + before[6:]


def test_overrides_are_made_in_order(base: Path) -> None:
    first, second = "horizon_days=21", "horizon_days=34"
    assert load_scenario(base, [first, second]).horizon_days == 34
    assert load_scenario(base, [second, first]).horizon_days == 21


def test_a_mapping_is_laid_over_what_is_there(base: Path) -> None:
    mediators = load_scenario(base, ["mediators.us={style: manipulation}"]).mediators
    assert mediators["us"].style == "manipulation"
    assert mediators["us"].leverage == {"india": 0.3, "pakistan": 0.5}


def test_null_removes_and_the_removed_mediator_opens_no_channel(base: Path) -> None:
    scenario = load_scenario(base, ["mediators.us=null"])
    assert list(scenario.mediators) == ["uae"]
    assert scenario.channels["line"].opened_by == ("pakistan",)


def test_the_digest_tells_overridden_scenarios_apart(base: Path) -> None:
    assert load_scenario(base, ["horizon_days=21"]).digest != load_scenario(base).digest


@pytest.mark.parametrize(
    ("text", "points_at", "message", "suggestion"),
    [
        ("mediators.uss.style=x", "uss", "unknown 'uss'", "us"),
        ("mediator.us=null", "mediator.", "unknown 'mediator'", "mediators"),
        ("behaviour.decison.dread=3", "decison", "unknown 'decison'", "decision"),
        ("mediators.us.leverage.indai=1", "indai", "unknown 'indai'", "india"),
        ("states.china.resolve=1", "china", "unknown 'china'", ""),
        ("events.1.deaths=1", "1.deaths", "no entry '1'", ""),
        ("events.first.deaths=1", "first", "no entry 'first'", ""),
        ("events.-1.deaths=1", "-1", "no entry '-1'", ""),
        ("ladder.99.name=x", "99", "no entry '99'", ""),
        ("real_path.events.0.text=x", "0.text", "no entry '0'", ""),
        ("states.india.resolve.low=1", "low", "there is nothing to set at 'low'", ""),
        ("states..resolve=1", ".resolve", "unknown ''", ""),
        ("extends=other.yaml", "extends", "unknown 'extends'", ""),
        ("name=other", "name", "unknown 'name'", ""),
        ("horizon_days", "horizon_days", "'horizon_days' sets nothing", ""),
        ("=5", "=5", "'=5' sets nothing", ""),
        ("horizon_days=[", "", "not valid YAML", ""),
        ("horizon_days=*x", "*x", "an alias", ""),
        ("horizon_days=!!python/none x", "!!python", "a tag", ""),
        ("mediators.us.title='\x1b'", "\x1b", "character U+001B", ""),
        ("horizon_days=-1", "-1", "out of range: -1", ""),
        ("states.india.resolve=7", "7", "out of range: 7", ""),
        ("lenders.imf.borrower=pakstan", "pakstan", "unknown state 'pakstan'", "pakistan"),
        ("events.0.at=2024-01-01", "2024", "'2024-01-01' is before the start", ""),
        ("mediators.uae.information=null", "information", "'information' is empty", ""),
    ],
)
def test_a_mistake_is_shown_in_the_override(
    base: Path, text: str, points_at: str, message: str, suggestion: str
) -> None:
    mistake = only_mistake(base, text)
    assert mistake.file == "--set"
    assert mistake.source_line == text
    assert pointed_at(mistake).startswith(points_at)
    assert mistake.message.startswith(message)
    assert mistake.suggestion == suggestion


def test_removing_what_is_needed_is_a_mistake_of_the_file_it_is_missing_from(base: Path) -> None:
    mistake = only_mistake(base, "states.india.resolve=null")
    assert mistake.message == "'resolve' is missing from india"
    assert Path(mistake.file).name == "base.yaml"


def test_all_mistakes_of_all_overrides_are_told(base: Path) -> None:
    overrides = ["horizon_days=-1", "mediator.us=null", "states.india.resolve=7"]
    assert {one.source_line for one in mistakes_of(base, *overrides)} == set(overrides)


TRIGGER = "at: 2025-04-23, kind: trigger, struck: india"
#: Overrides, several of which speak of the same things.
SAID = (
    *("mediators.us.attention_days=1", " mediators.us.attention_days = 2", "mediators.us=null"),
    *("mediators.us={attention_days: {uniform: [1, 2]}}", "mediators.us.style=manipulation"),
    *("mediators.us.leverage={india: 0.1}", "mediators.us.leverage.pakistan=0.2"),
    *("mediators.us.leverage={india: null}", "mediators={us: {leverage: {india: 0.9}}}"),
    *("states.pakistan.audience={uniform: [0, 1]}", "states.pakistan.audience.uniform.0=0.3"),
    *("states.pakistan.audience.uniform=[0.1, 0.2]", "states.pakistan.audience=0.5"),
    *(f"events=[{{{TRIGGER}}}]", "events.0.deaths=5", f"events=[{{{TRIGGER}, deaths: 7}}]"),
    *("ladder.1.intensity=0.1", "channels.line.opened_by=[pakistan]", "channels={line: {}}"),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(SAID), min_size=2, max_size=4))
def test_what_no_override_overwrites_means_the_same_in_any_order(overrides: list[str]) -> None:
    digests = set()
    for order in permutations(overrides):
        if not overwritten(order):
            try:
                digests.add(read_scenario(BASE, "f", order).digest)
            except ScenarioError:
                continue
    assert len(digests) <= 1


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("horizon_days=10", "horizon_days=10"),
        ("horizon_days=10", " horizon_days = 20"),
        ("mediators.us.attention_days=1", "mediators.us={attention_days: 2}"),
        ("mediators={us: {attention_days: 1}}", "mediators.us.attention_days=2"),
        ("mediators.us.attention_days=1", "mediators.us=null"),
        ("states.pakistan.audience={uniform: [0, 1]}", "states.pakistan.audience.uniform.1=0.5"),
        ("states.pakistan.audience=0.5", "states.pakistan.audience={uniform: [0, 1]}"),
        (f"events=[{{{TRIGGER}, deaths: 7}}]", "events.0.deaths=5"),
    ],
)
def test_an_override_that_overwrites_another_is_named_with_it(first: str, then: str) -> None:
    said = overwritten(["hours_per_turn=6", first, then])
    assert [one.message for one in said] == [f"'{then}' overwrites what '{first}' says"]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("mediators.us.attention_days=1", "mediators.us.attention_threshold=0.1"),
        ("mediators.us={attention_days: 1}", "mediators.us.attention_threshold=0.1"),
        (f"events=[{{{TRIGGER}}}]", "events.0.deaths=5"),
        ("mediators.us.leverage.india=0", "mediators.us.leverage={pakistan: 0}"),
    ],
)
def test_overrides_of_different_things_go_together(first: str, then: str) -> None:
    assert not overwritten([first, then])
