"""Scenarios changed on the command line, and from Python, where a change is checked alike."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from syrupy.assertion import SnapshotAssertion

from crisis_sim.scenario import Distribution, Scenario, ScenarioError, read_scenario
from crisis_sim.scenario.load import find_overwritten
from tests.scenario.files import BASE


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Plain data by its paths."""
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    found = {}
    for key, one in entries:
        where = f"{path}.{key}".removeprefix(".")
        found |= flat(one, where) if isinstance(one, (dict, list)) and one else {where: one}
    return found


@pytest.mark.parametrize(
    "overrides",
    [
        *("mediators.us.leverage.india=0.2", "mediators.uae.leverage.india=0.2"),
        *("behaviour.harm.blow=5", " states.india.resolve = 1e-3 ", "mediators.us.title=NO"),
        *("mediators.us.title=a=b", "events.0.deaths=40", "lenders.imf.reviews.0.amount_usd_bn=0"),
        *("ladder.5.deaths_per_day=31", "horizon_days=21", "channels.line.opened_by=[india]"),
        *("lenders.imf.conditionality={uniform: [0, 1]}", "mediators.us={style: manipulation}"),
        *(
            "mediators.us=null",
            "horizon_days=21; horizon_days=34",
            "horizon_days=34; horizon_days=21",
        ),
    ],
)
def test_an_override_changes_only_its_path(overrides: str, snapshot: SnapshotAssertion) -> None:
    before, after = read_scenario(BASE), read_scenario(BASE, overrides=overrides.split(";"))
    there, now = flat(before.plain()), flat(after.plain())
    changed = {path for path in there | now if there.get(path) != now.get(path)}
    assert {path: [there.get(path), now.get(path)] for path in sorted(changed)} == snapshot
    assert before.digest != after.digest


def test_all_mistakes_of_all_overrides_are_reported() -> None:
    overrides = ["horizon_days=-1", "mediator.us=null", "states.india.resolve=7"]
    with pytest.raises(ScenarioError) as caught:
        read_scenario(BASE, "f", overrides)
    assert {one.source_line for one in caught.value.mistakes} == set(overrides)


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


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(SAID), min_size=2, max_size=4))
def test_overrides_without_overlap_are_independent_of_order(overrides: list[str]) -> None:
    digests = set()
    for order in permutations(overrides):
        if not find_overwritten(order):
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
def test_an_overwritten_override_is_reported(first: str, then: str) -> None:
    said = find_overwritten(["follow_up_days=6", first, then])
    assert [one.message for one in said] == [f"'{then}' overwrites '{first}'"]


def test_overrides_of_different_paths_are_compatible() -> None:
    for first, then in (
        ("mediators.us.attention_days=1", "mediators.us.attention_threshold=0.1"),
        ("mediators.us={attention_days: 1}", "mediators.us.attention_threshold=0.1"),
        (f"events=[{{{TRIGGER}}}]", "events.0.deaths=5"),
        ("mediators.us.leverage.india=0", "mediators.us.leverage={pakistan: 0}"),
    ):
        assert not find_overwritten([first, then])


# From Python

MAY = Scenario.load("may_2025")


def test_a_changed_scenario_is_labelled_by_its_changes_unless_it_has_a_label() -> None:
    changes = {"states.india.resolve": 0.5, "mediators.us": None}
    assert MAY.changed(changes).label == "With india resolve 0.5 and no us"
    assert MAY.changed({**changes, "lenders": None}).label == "With 3 changes"
    assert MAY.changed({**changes, "title": "Mine"}).label == ""
    assert MAY.changed({}).label == MAY.label


def test_changes_are_those_of_the_command_line() -> None:
    uniform = Distribution("uniform", (0.4, 0.6))
    changes = {"states.india.resolve": np.float64(0.5), "mediators.us.leverage.india": uniform}
    changes |= {"lenders": None, "mediators.uk": None, "events.0.deaths": {"uniform": [20, 40]}}
    texts = ["states.india.resolve=0.5", "mediators.us.leverage.india={uniform: [0.4, 0.6]}"]
    texts += ["lenders=null", "mediators.uk=null", "events.0.deaths={uniform: [20, 40]}"]
    changed = MAY.changed(changes)
    assert changed.digest == Scenario.load("may_2025", texts).digest
    assert changed.states["india"].resolve == 0.5
    assert MAY.states["india"].resolve != 0.5


def test_whole_parts_may_be_set() -> None:
    calm = MAY.states["india"].model_copy(update={"resolve": 0.1})
    assert MAY.changed({"states.india": calm}).states["india"] == calm


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"states.india.resolve": 5}, "out of range: 5"),
        ({"states.idia.resolve": 0.5}, "did you mean 'india'"),
        ({"states.india.resolve": "much"}, "changed:1:"),
        ({"states.india.resolve": float("nan")}, "changed:1:"),
        ({"states.india": None}, "india"),
        ({"mediators.us.trust": {"iran": 0.5}}, "iran"),
    ],
)
def test_a_mistake_is_told_as_on_the_command_line(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ScenarioError, match=said) as raised:
        MAY.changed(changes)
    assert "--set" not in str(raised.value)


def test_a_value_without_an_equivalent_in_files_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="not a value for a scenario"):
        MAY.changed({"title": object()})


def test_every_copy_is_checked() -> None:
    with pytest.raises(ValidationError, match="resolve"):
        MAY.states["india"].model_copy(update={"resolve": 5})
    with pytest.raises(ValidationError, match="resolv"):
        MAY.states["india"].model_copy(update={"resolv": 0.5})
    with pytest.raises(ValidationError, match="horizon"):
        MAY.model_copy(update={"horizon": 5})
    with pytest.raises(ScenarioError, match="india"):  # trusted by a state that is not there
        MAY.model_copy(update={"states": {"a": MAY.states["india"], "b": MAY.states["pakistan"]}})
    shorter = MAY.model_copy(update={"horizon_days": 40})
    assert shorter.horizon_days == 40
    assert shorter.digest != MAY.digest
