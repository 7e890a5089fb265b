"""Symmetries of a crisis: what may be changed in a file, or in how it is run, without changing what comes of it.

They are asked of the public faces alone: a scenario is read, run, and its outcomes are compared. A model with other rules
has to pass them too.

Luck is keyed by names. So what changes no name (the order of a file, the start, where one stops on the way) changes no
replicate; what changes names, or who bears them, deals out other luck, and what comes of single crises may differ by chance.
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
#: By how many standard errors means may differ by chance, many of them compared.
CHANCE = 4.5
#: Hours: the last digits of sums.
ROUNDING = 1e-6
SECTIONS = ("states", "mediators", "lenders", "channels", "advisers")

#: Two states alike, all between them alike, and one of them struck.
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


def assert_same(one: Columns, other: Columns) -> None:
    """All alike but for the last digits of sums in another order."""
    assert one.keys() == other.keys()
    for name, values in one.items():
        if values.dtype.kind == "f":
            np.testing.assert_allclose(other[name], values, rtol=1e-9, atol=ROUNDING, err_msg=name)
        else:
            np.testing.assert_array_equal(other[name], values, err_msg=name)


def written(scenario: Scenario) -> Plain:
    """All that a file would have to say to make the scenario."""
    return {key: value for key, value in scenario.plain().items() if key != "name"}


# The order of a file.


def shuffled(value: Any, random: Random) -> Any:
    """The same in another order, wherever order means nothing: in mappings."""
    if isinstance(value, dict):
        keys = list(value)
        random.shuffle(keys)
        return {key: shuffled(value[key], random) for key in keys}
    return [shuffled(one, random) for one in value] if isinstance(value, list) else value


@settings(max_examples=10, deadline=None)
@given(scenarios(), st.randoms(use_true_random=False))
def test_what_stands_in_another_order_is_the_same_crisis(
    scenario: Scenario, random: Random
) -> None:
    turned = read(shuffled(written(scenario), random))
    assert turned.digest == scenario.digest
    one, other = (
        CrisisModel(each, REPLICATES, seed=7, keep_paths=3, agents=[Observer]).run()
        for each in (scenario, turned)
    )
    assert_same(one.outcomes(), other.outcomes())
    assert_same(one.kept_paths() or {}, other.kept_paths() or {})


def orders() -> Iterable[Plain]:
    """`ALIKE` with each of its sections in every order, one at a time."""
    for section in SECTIONS:
        for order in itertools.permutations(ALIKE[section].items()):
            yield {**ALIKE, section: dict(order)}
    for order in itertools.permutations(ALIKE["channels"]["line"]["opened_by"]):
        yield {**ALIKE, "channels": {"line": {**ALIKE["channels"]["line"], "opened_by": order}}}


def test_no_order_of_those_who_are_alike_changes_a_replicate() -> None:
    first = run(read(ALIKE), 400)
    assert np.any(first["brokered_by"] != "")
    assert np.any(~np.isnan(first["first_violation_at_hours"]))
    for plain in orders():
        assert_same(first, run(read(plain), 400))


def test_mediators_who_are_alike_broker_alike() -> None:
    brokered = run(read(ALIKE), MANY)["brokered_by"]
    counts = np.array([np.sum(brokered == name) for name in ALIKE["mediators"]])
    even = counts.sum() / 3
    assert even > 100
    assert np.all(np.abs(counts - even) < CHANCE * np.sqrt(even)), counts


# Names.


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """The same with other names, as keys and as values."""
    if isinstance(value, dict):
        return {names.get(key, key): renamed(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [renamed(one, names) for one in value]
    return names.get(value, value) if isinstance(value, str) else value


def renamed_columns(columns: Columns, names: Mapping[str, str]) -> Columns:
    """Columns of agents under their other names, and their names in them."""
    turned = {}
    for column, values in columns.items():
        whose = [name for name in names if column.startswith(f"{name}_")]
        where = column.replace(whose[0], names[whose[0]], 1) if whose else column
        words = values.dtype.kind == "U"
        turned[where] = np.array([names.get(one, one) for one in values]) if words else values
    return turned


def alike_but_for_chance(one: Columns, other: Columns) -> None:
    """Make sure that shares, and means, of two independent runs differ by no more than chance makes them."""
    assert one.keys() == other.keys()
    for name, values in one.items():
        for label, ours, theirs in _measures(name, values, other[name]):
            error = np.sqrt(ours.var() / ours.size + theirs.var() / theirs.size)
            assert abs(ours.mean() - theirs.mean()) <= CHANCE * error + 1e-9, (name, label)


def _measures(name: str, ours: Any, theirs: Any) -> Iterable[tuple[str, Any, Any]]:
    if ours.dtype.kind == "U":
        for word in {*ours, *theirs}:
            yield word, (ours == word).astype(float), (theirs == word).astype(float)
    elif name != "replicate":
        came, they_came = ~np.isnan(ours.astype(float)), ~np.isnan(theirs.astype(float))
        yield "came", came.astype(float), they_came.astype(float)
        if came.sum() > 30 and they_came.sum() > 30:
            # The worst of wars weigh too much in a mean.
            most = np.quantile(ours[came].astype(float), 0.98)
            yield "mean", np.minimum(ours[came], most), np.minimum(theirs[they_came], most)


ROLES = {"north": "south", "south": "north"}
OTHERS = {"north": "zulu", "elder": "zeno", "bank": "aid", "line": "a_line", "dove": "z_dove"}


@pytest.mark.parametrize("names", [ROLES, OTHERS], ids=["swapped", "renamed"])
def test_other_names_change_whose_the_columns_are_and_nothing_else(names: dict[str, str]) -> None:
    """With roles swapped, all that befell the one befalls the other."""
    usual, turned = run(read(ALIKE), MANY), run(read(renamed(ALIKE, names)), MANY)
    alike_but_for_chance(renamed_columns(usual, names), turned)


def test_two_who_are_alike_fare_alike_where_nothing_tells_them_apart() -> None:
    war = [{**ALIKE["events"][0], "deaths": 0, "rival_rung": 6}]
    both = [*war, {**war[0], "struck": "south"}]
    text = {**ALIKE, "events": both, "lenders": {}, "advisers": {}}
    columns = run(read(text), MANY)
    alike_but_for_chance(columns, renamed_columns(columns, ROLES))


# The start.


def started_earlier(scenario: Scenario, minutes: int) -> Scenario:
    earlier = written(scenario)
    start = datetime.fromisoformat(earlier["start"]) - timedelta(minutes=minutes)
    earlier["start"] = start.isoformat()
    earlier["horizon_days"] += minutes / (24 * 60)
    return read(earlier)


def same_but_for_the_start(usual: Columns, earlier: Columns, minutes: int) -> None:
    assert usual.keys() == earlier.keys()
    for name, values in usual.items():
        moved = minutes / 60 if name.endswith(("_at_hours", "_until_hours")) else 0
        if values.dtype.kind == "f":
            np.testing.assert_allclose(
                earlier[name] - moved, values, rtol=1e-6, atol=ROUNDING, err_msg=name
            )
        else:
            np.testing.assert_array_equal(earlier[name], values, err_msg=name)


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
def test_a_start_ahead_of_the_trigger_changes_no_crisis(
    scenario: Scenario, at: str, minutes: int
) -> None:
    triggered = with_a_trigger(scenario, at if scenario.horizon_days >= 30 else DATES[0])
    earlier = started_earlier(triggered, minutes)
    usual, moved = (
        CrisisModel(one, REPLICATES, seed=7, agents=[Observer]).run().outcomes()
        for one in (triggered, earlier)
    )
    same_but_for_the_start(usual, moved, minutes)


@pytest.mark.parametrize("name", ["may_2025", "armenia_azerbaijan_2016", "kargil_1999"])
def test_a_shipped_crisis_is_the_same_with_weeks_before_it(name: str) -> None:
    shipped = load_scenario(name)
    for days in (10, 20.5, 40):
        minutes = int(days * 24 * 60)
        earlier = started_earlier(shipped, minutes)
        same_but_for_the_start(run(shipped, 200), run(earlier, 200), minutes)


QUIET: Plain = {
    **ALIKE,
    "channels": {"line": {"trust": 1.0, "standing": True}},
    "mediators": {"elder": {"attention_threshold": 0.0, "trust": {"north": 1, "south": 1}}},
    "lenders": {},
    "advisers": {"hawk": {"state": "north", "stance": "hawk", "attention_threshold": 0}},
    "events": [],
}


def test_where_nothing_begins_a_crisis_nobody_does_anything_or_agrees() -> None:
    columns = run(read(QUIET), 400)
    assert set(columns["ending"]) == {"unresolved"}
    # A mediator may be there from the first moment.
    may_be = {"trigger_at_hours", "mediation_started_at_hours", "elder_engaged_at_hours"}
    hours = [name for name in columns if name.endswith("_at_hours") and name not in may_be]
    assert all(np.isnan(columns[name]).all() for name in hours)
    assert not columns["deaths"].any()


@pytest.mark.parametrize("kind", ["trigger", "incident"])
def test_no_crisis_ends_before_it_begins(kind: str) -> None:
    """A trigger begins it; where there is none, the first event."""
    event = {**ALIKE["events"][0], "at": "2025-01-22T00:00+00:00", "kind": kind}
    columns = run(read({**QUIET, "events": [event]}), 400)
    for name in ("ended_at_hours", "ceasefire_agreed_at_hours", "hawk_spoke_at_hours"):
        came = ~np.isnan(columns[name])
        assert came.any(), name
        assert np.all(columns[name][came] > 21 * 24), name


@pytest.mark.parametrize("odds", [{"claim": 0.5}, {"rung_at_start": "border fire"}])
def test_a_crisis_that_nothing_triggers_begins_where_states_are_at_odds(odds: Plain) -> None:
    states = {"north": {**ALIKE["states"]["north"], **odds}, "south": ALIKE["states"]["south"]}
    columns = run(read({**QUIET, "states": states}), 400)
    ended = columns["ended_at_hours"][columns["ending"] != "unresolved"]
    assert ended.size
    assert ended.min() < 21 * 24


# Stops, and the horizon.


def with_an_incident(days: float, **further: Any) -> Scenario:
    """A crisis in which something happens just before so many days after the trigger."""
    at = datetime.fromisoformat(ALIKE["start"]) + timedelta(days=days, minutes=-1)
    incident = {"at": at.isoformat(), "struck": "south", "deaths": 1e6, "rival_rung": 5}
    return read({**ALIKE, "events": [*ALIKE["events"], incident], "lenders": {}, **further})


@pytest.mark.parametrize("days", [3, 10.5, 21])
def test_what_happens_at_the_horizon_happens_and_is_drawn(days: float) -> None:
    model = CrisisModel(with_an_incident(days, horizon_days=days), 20, keep_paths=20).run()
    columns, paths = model.outcomes(), model.kept_paths()
    ongoing = columns["ending"] == "unresolved"
    assert ongoing.any()
    assert np.all(columns["deaths"][ongoing] >= 1e6)
    assert paths is not None
    assert np.all(paths["day"] <= days)


def test_paths_go_by_weeks_where_the_horizon_is_over_a_year() -> None:
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
def test_to_stop_on_the_way_and_go_on_changes_nothing(
    scenario: Scenario, stops: list[float]
) -> None:
    model = CrisisModel(scenario, REPLICATES, seed=7)
    for days in stops:
        if model.running and days > model.days:
            model.go_on(days)
    columns = model.run().outcomes()
    for name, values in run(scenario).items():
        np.testing.assert_array_equal(columns[name], values, err_msg=name)


def test_a_nearer_horizon_cuts_crises_off_and_changes_none_that_ended_before() -> None:
    near, far = (run(read({**ALIKE, "horizon_days": days}), 600) for days in (20, 45))
    over = far["followed_until_hours"] < 20 * 24
    assert 50 < np.count_nonzero(over) < 550
    for name, values in far.items():
        np.testing.assert_array_equal(near[name][over], values[over], err_msg=name)


# No rule knows a first state and a second: with names and luck swapped, to the replicate, all is mirrored.

SWAPPED = {"india": "pakistan", "pakistan": "india"}
_key_of = luck.key_of


def _swapped_key(seed: int, purpose: str) -> Any:
    names = re.sub(r"\b(india|pakistan)\b", lambda found: SWAPPED[found.group()], purpose)
    return _key_of(seed, names)


def mirrored(scenario: Scenario, replicates: int) -> Columns:
    """What comes of a scenario whose states have swapped names and luck, told of them by their own names again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(luck, "key_of", _swapped_key)
        patch.setattr(layout, "key_of", _swapped_key)
        columns = run(read(renamed(written(scenario), SWAPPED)), replicates)
    return renamed_columns(columns, SWAPPED)


def all_is_mirrored(scenario: Scenario, replicates: int) -> None:
    """A mediator's luck with one state and with the other is drawn in turn: so none is refused here."""
    plain = written(scenario)
    plain["behaviour"]["mediation"]["refusal"] = 0
    usual, other = run(read(plain), replicates), mirrored(read(plain), replicates)
    assert usual.keys() == other.keys()
    for name, values in usual.items():
        if values.dtype.kind == "f":  # sums in another order
            np.testing.assert_allclose(other[name], values, rtol=1e-5, atol=1e-6, err_msg=name)
        else:
            np.testing.assert_array_equal(other[name], values, err_msg=name)


@settings(max_examples=10, deadline=None)
@given(scenarios())
def test_any_crisis_is_mirrored(scenario: Scenario) -> None:
    all_is_mirrored(scenario, 24)


def test_shots_in_a_halt_strike_either_state() -> None:
    broken = ["behaviour.halt.violations_per_day=2", "behaviour.halt.keeping=0"]
    all_is_mirrored(load_scenario("may_2025", broken), 600)
