from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from crisis_sim.scenario import ScenarioError, read_scenario
from crisis_sim.scenario.load import overwritten
from tests.scenario.files import BASE, Write, mistakes_of


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
def test_nothing_but_what_it_says_is_changed_by_an_override(
    overrides: str, snapshot: SnapshotAssertion
) -> None:
    before, after = read_scenario(BASE), read_scenario(BASE, overrides=overrides.split(";"))
    there, now = flat(before.plain()), flat(after.plain())
    changed = {path for path in there | now if there.get(path) != now.get(path)}
    assert {path: [there.get(path), now.get(path)] for path in sorted(changed)} == snapshot
    assert before.digest != after.digest


def test_all_mistakes_of_all_overrides_are_told(write: Write) -> None:
    overrides = ["horizon_days=-1", "mediator.us=null", "states.india.resolve=7"]
    assert {one.source_line for one in mistakes_of(write("a.yaml", BASE), *overrides)} == set(
        overrides
    )


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
    said = overwritten(["follow_up_days=6", first, then])
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
