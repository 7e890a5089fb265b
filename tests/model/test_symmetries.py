"""Symmetries of a crisis: changes of a file or a run that do not change its outcomes.

The tests use only public functions: scenarios are read and run, and outcomes compared. A model with other rules must pass
them too.

Random numbers are keyed by names. Changes that leave names alone (the order of a file, the start, stops during a run)
change no replicate; tests that change names give each agent the random numbers of its former name.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from crisis_sim.model import CrisisModel, layout, luck
from crisis_sim.model.observer import Observer
from crisis_sim.scenario import Scenario, load_scenario
from tests.model.valid_scenarios import DATES, scenarios

Columns = dict[str, NDArray[Any]]
Plain = dict[str, Any]

REPLICATES = 24
MANY = 3000
#: Tolerance for differences of means, in standard errors.
CHANCE = 4.5
#: Tolerance for rounding, hours.
ROUNDING = 1e-6
SECTIONS = ("states", "mediators", "lenders", "channels", "advisers")

#: Two equal states and symmetric third parties; one state is struck.
ALIKE: Plain = {
    "title": "Two alike",
    "start": "2025-01-01T00:00+00:00",
    "horizon_days": 45,
    "follow_up_days": 5,
    "states": {name: {"resolve": 0.8, "audience": 0.5} for name in ("north", "south")},
    "mediators": {
        name: {
            "style": "manipulation",
            "attention_threshold": 0.05,
            "trust": {"north": 0.8, "south": 0.8},
            "leverage": {"north": 0.6, "south": 0.6},
        }
        for name in ("elder", "friend", "uncle")
    },
    "channels": {"line": {"trust": 0.7, "opened_by": ["north", "south", "elder"]}},
    "lenders": {
        "bank": {
            "borrower": "south",
            "reviews": [{"at": "2025-01-15T00:00+00:00", "amount_usd_bn": 2}],
        }
    },
    "advisers": {"dove": {"state": "north"}},
    "events": [
        {"at": "2025-01-01T00:00+00:00", "kind": "trigger", "struck": "north", "deaths": 60}
    ],
}


def read(plain: Plain) -> Scenario:
    return Scenario.from_text(json.dumps(plain))


def run(scenario: Scenario, replicates: int = REPLICATES, **further: Any) -> Columns:
    return CrisisModel(scenario, replicates, seed=7, **further).run().outcomes()


def assert_same(a: Columns, b: Columns, rtol: float = 1e-9, atol: float = ROUNDING) -> None:
    """Check that outcomes are equal up to rounding."""
    assert a.keys() == b.keys()
    for name, values in a.items():
        if values.dtype.kind == "f":
            np.testing.assert_allclose(b[name], values, rtol=rtol, atol=atol, err_msg=name)
        else:
            np.testing.assert_array_equal(b[name], values, err_msg=name)


def written(scenario: Scenario) -> Plain:
    """The content of a file of the scenario."""
    return {key: value for key, value in scenario.plain().items() if key != "name"}


# The order of a file.


def shuffled(value: Any, random: Random) -> Any:
    """Change the order of all mappings."""
    if isinstance(value, dict):
        keys = list(value)
        random.shuffle(keys)
        return {key: shuffled(value[key], random) for key in keys}
    return [shuffled(item, random) for item in value] if isinstance(value, list) else value


@settings(max_examples=10, deadline=None)
@given(scenarios(), st.randoms(use_true_random=False))
def test_the_order_of_a_file_does_not_matter(scenario: Scenario, random: Random) -> None:
    reordered = read(shuffled(written(scenario), random))
    assert reordered.digest == scenario.digest
    a, b = (
        CrisisModel(x, REPLICATES, seed=7, keep_paths=3, agents=[Observer]).run()
        for x in (scenario, reordered)
    )
    assert_same(a.outcomes(), b.outcomes())
    assert_same(a.kept_paths() or {}, b.kept_paths() or {})


def orders() -> Iterable[Plain]:
    """`ALIKE` with one of its sections in every order."""
    for section in SECTIONS:
        for order in itertools.permutations(ALIKE[section].items()):
            yield {**ALIKE, section: dict(order)}
    for order in itertools.permutations(ALIKE["channels"]["line"]["opened_by"]):
        yield {**ALIKE, "channels": {"line": {**ALIKE["channels"]["line"], "opened_by": order}}}


def test_the_order_of_equal_agents_changes_no_replicate() -> None:
    first = run(read(ALIKE), 400)
    assert np.any(first["brokered_by"] != "")
    assert np.any(~np.isnan(first["first_violation_at_hours"]))
    for plain in orders():
        assert_same(first, run(read(plain), 400))


def test_equal_mediators_broker_equally_often() -> None:
    brokered = run(read(ALIKE), MANY)["brokered_by"]
    counts = np.array([np.sum(brokered == name) for name in ALIKE["mediators"]])
    even = counts.sum() / 3
    assert even > 100
    assert np.all(np.abs(counts - even) < CHANCE * np.sqrt(even)), counts


# Names.


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Replace names, as keys and as values."""
    if isinstance(value, dict):
        return {names.get(key, key): renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [renamed(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def renamed_columns(columns: Columns, names: Mapping[str, str]) -> Columns:
    """Replace names in columns and in their titles."""
    result = {}
    for column, values in columns.items():
        prefix = next((name for name in names if column.startswith(f"{name}_")), "")
        title = column.replace(prefix, names[prefix], 1) if prefix else column
        is_text = values.dtype.kind == "U"
        result[title] = np.array([names.get(x, x) for x in values]) if is_text else values
    return result


_key_of = luck.key_of


def with_other_names(plain: Plain, replicates: int, names: Mapping[str, str]) -> Columns:
    """Outcomes of a scenario with other names and the same random numbers, under the original names."""
    before = {new: old for old, new in names.items()}

    def key_of(seed: int, purpose: str) -> Any:
        words = (before.get(word, word) for word in re.split(r"(\W)", purpose))
        return _key_of(seed, "".join(words))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(luck, "key_of", key_of)
        patch.setattr(layout, "key_of", key_of)
        columns = run(read(renamed(plain, names)), replicates)
    return renamed_columns(columns, before)


OTHERS = {"north": "zulu", "elder": "eagle", "bank": "aid", "line": "a_line", "dove": "z_dove"}


def test_other_names_rename_columns_and_change_nothing_else() -> None:
    assert_same(run(read(ALIKE), 400), with_other_names(ALIKE, 400, OTHERS))


# The start.


def started_earlier(scenario: Scenario, minutes: int) -> Scenario:
    earlier = written(scenario)
    start = datetime.fromisoformat(earlier["start"]) - timedelta(minutes=minutes)
    earlier["start"] = start.isoformat()
    earlier["horizon_days"] += minutes / (24 * 60)
    return read(earlier)


def assert_same_after_the_start(usual: Columns, earlier: Columns, minutes: int) -> None:
    def is_time(name: str) -> bool:
        return name.endswith(("_at_hours", "_until_hours"))

    shifted = {name: x - minutes / 60 if is_time(name) else x for name, x in earlier.items()}
    assert_same(usual, shifted, rtol=1e-6)


def with_a_trigger(scenario: Scenario, at: str) -> Scenario:
    plain = written(scenario)
    struck = next(iter(plain["states"]))
    trigger = {"at": at, "kind": "trigger", "struck": struck, "deaths": 40}
    return read({**plain, "events": [*plain["events"], trigger]})


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(
    scenarios(), st.sampled_from(DATES[:4]), st.integers(1, 60 * 24 * 60) | st.just(40 * 24 * 60)
)
def test_a_start_before_the_trigger_changes_no_crisis(
    scenario: Scenario, at: str, minutes: int
) -> None:
    triggered = with_a_trigger(scenario, at if scenario.horizon_days >= 30 else DATES[0])
    earlier = started_earlier(triggered, minutes)
    outcomes = (run(x, agents=[Observer]) for x in (triggered, earlier))
    assert_same_after_the_start(*outcomes, minutes)


@pytest.mark.parametrize("name", ["may_2025", "armenia_azerbaijan_2016", "kargil_1999"])
def test_a_shipped_crisis_is_the_same_with_an_earlier_start(name: str) -> None:
    shipped = load_scenario(name)
    for days in (10, 20.5, 40):
        minutes = int(days * 24 * 60)
        earlier = started_earlier(shipped, minutes)
        assert_same_after_the_start(run(shipped, 200), run(earlier, 200), minutes)


QUIET: Plain = {
    **ALIKE,
    "channels": {"line": {"trust": 1.0, "standing": True}},
    "mediators": {"elder": {"attention_threshold": 0.0, "trust": {"north": 1, "south": 1}}},
    "lenders": {},
    "advisers": {"hawk": {"state": "north", "stance": "hawk", "attention_threshold": 0}},
    "events": [],
}


def test_without_a_beginning_nothing_happens() -> None:
    columns = run(read(QUIET), 400)
    assert set(columns["ending"]) == {"unresolved"}
    # A mediator may be engaged from the first day.
    excepted = {"trigger_at_hours", "mediation_started_at_hours", "elder_engaged_at_hours"}
    hours = [name for name in columns if name.endswith("_at_hours") and name not in excepted]
    assert all(np.isnan(columns[name]).all() for name in hours)
    assert not columns["deaths"].any()


@pytest.mark.parametrize("kind", ["trigger", "incident"])
def test_no_crisis_ends_before_it_begins(kind: str) -> None:
    """It begins with its trigger, or without one with the first event."""
    event = {**ALIKE["events"][0], "at": "2025-01-22T00:00+00:00", "kind": kind}
    columns = run(read({**QUIET, "events": [event]}), 400)
    for name in ("ended_at_hours", "ceasefire_agreed_at_hours", "hawk_spoke_at_hours"):
        came = ~np.isnan(columns[name])
        assert came.any(), name
        assert np.all(columns[name][came] > 21 * 24), name


@pytest.mark.parametrize("odds", [{"claim": 0.5}, {"rung_at_start": "border fire"}])
def test_a_crisis_without_events_begins_if_states_are_at_odds(odds: Plain) -> None:
    states = {"north": {**ALIKE["states"]["north"], **odds}, "south": ALIKE["states"]["south"]}
    columns = run(read({**QUIET, "states": states}), 400)
    ended = columns["ended_at_hours"][columns["ending"] != "unresolved"]
    assert ended.size
    assert ended.min() < 21 * 24


# Stops, and the horizon.


def with_an_incident(days: float, **further: Any) -> Scenario:
    """A crisis with an incident a minute before the end of a day after the trigger."""
    at = datetime.fromisoformat(ALIKE["start"]) + timedelta(days=days, minutes=-1)
    incident = {"at": at.isoformat(), "struck": "south", "deaths": 1e6, "rival_rung": 5}
    return read({**ALIKE, "events": [*ALIKE["events"], incident], "lenders": {}, **further})


@pytest.mark.parametrize("days", [3, 10.5, 21])
def test_an_event_at_the_horizon_happens_and_is_in_the_paths(days: float) -> None:
    model = CrisisModel(with_an_incident(days, horizon_days=days), 20, keep_paths=20).run()
    columns, paths = model.outcomes(), model.kept_paths()
    ongoing = columns["ending"] == "unresolved"
    assert ongoing.any()
    assert np.all(columns["deaths"][ongoing] >= 1e6)
    assert paths is not None
    assert np.all(paths["day"] <= days)


def test_paths_are_weekly_if_the_horizon_is_over_a_year() -> None:
    model = CrisisModel(read({**ALIKE, "horizon_days": 730}), 20, seed=7, keep_paths=20).run()
    paths, columns = model.kept_paths() or {}, model.outcomes()
    assert [*np.unique(paths["day"])] == [*range(0, 731, 7)]
    year = CrisisModel(read({**ALIKE, "horizon_days": 366}), 2, seed=7, keep_paths=2).run()
    assert [*np.unique((year.kept_paths() or {})["day"])] == [*range(367)]
    falls = paths["north_market"].reshape(-1, 20).min(axis=0) < 1
    assert falls.any()
    assert np.all(
        paths["north_market"].reshape(-1, 20).min(axis=0) >= columns["north_lowest_market"]
    )


@settings(max_examples=10, deadline=None)
@given(scenarios(), st.lists(st.floats(0, 30), max_size=4).map(sorted))
def test_stops_during_a_run_change_nothing(scenario: Scenario, stops: list[float]) -> None:
    model = CrisisModel(scenario, REPLICATES, seed=7)
    for days in stops:
        if model.running and days > model.days:
            model.go_on(days)
    columns = model.run().outcomes()
    for name, values in run(scenario).items():
        np.testing.assert_array_equal(columns[name], values, err_msg=name)


def test_a_nearer_horizon_changes_no_crisis_that_ended_before() -> None:
    near, far = (run(read({**ALIKE, "horizon_days": days}), 600) for days in (20, 45))
    over = far["followed_until_hours"] < 20 * 24
    assert 50 < np.count_nonzero(over) < 550
    for name, values in far.items():
        np.testing.assert_array_equal(near[name][over], values[over], err_msg=name)


# Rules treat both states alike: if they swap names and random numbers, all outcomes are swapped.

SWAPPED = {"india": "pakistan", "pakistan": "india"}


def assert_mirrored(scenario: Scenario, replicates: int) -> None:
    """Check the symmetry without refusals of mediators, which are drawn for one state after the other."""
    plain = written(scenario)
    plain["behaviour"]["mediation"]["refusal"] = 0
    mirrored = with_other_names(plain, replicates, SWAPPED)
    assert_same(run(read(plain), replicates), mirrored, rtol=1e-5)


@settings(max_examples=10, deadline=None)
@given(scenarios())
def test_any_crisis_is_mirrored(scenario: Scenario) -> None:
    assert_mirrored(scenario, 24)


def test_violations_of_a_halt_harm_both_states_alike() -> None:
    broken = ["behaviour.halt.violations_per_day=2", "behaviour.halt.keeping=0"]
    assert_mirrored(load_scenario("may_2025", broken), 600)
