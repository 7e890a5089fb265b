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
from crisis_sim.scenario.checks import AGENT_COLUMNS, CHECKS, COLUMNS, MAX_AGENTS, MILESTONES
from crisis_sim.scenario.introspect import numbers_of, slot_at
from crisis_sim.scenario.schema import VIOLENCE
from tests.scenario.files import BASE, said_of


def accepted(text: str, *overrides: str) -> bool:
    return said_of(text, *overrides) == "no mistakes"


def test_every_rule_is_told_in_a_sentence() -> None:
    for rule in CHECKS:
        words = " ".join((rule.__doc__ or "").split())
        assert words[:1].isupper()
        assert words.endswith(".")


KINDS = st.tuples(st.sampled_from(VIOLENCE), st.booleans(), st.booleans())


@settings(max_examples=100, deadline=None)
@given(st.lists(KINDS, min_size=2, max_size=5))
def test_a_ladder_is_accepted_where_nothing_falls_from_peace(
    kinds: list[tuple[str, bool, bool]],
) -> None:
    keys = ("violence", "strike", "nuclear")
    rungs = [
        {"name": f"r{k}", "intensity": k / 10, **dict(zip(keys, kind, strict=True))}
        for k, kind in enumerate(kinds)
    ]
    levels = [(VIOLENCE.index(one), strike, nuclear) for one, strike, nuclear in kinds]
    rises = all(
        all(x <= y for x, y in zip(low, high, strict=True)) for low, high in pairwise(levels)
    )
    at_war = all(level == 3 and strike for level, strike, nuclear in levels if nuclear)
    violent = all(level for level, strike, _ in levels if strike)
    sense = rises and at_war and violent and levels[0] == (0, False, False)
    assert accepted(f"{BASE}ladder: {json.dumps(rungs)}\n") == sense


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


@pytest.mark.parametrize("name", ["may_2025", pytest.param("since_1945", marks=pytest.mark.slow)])
def test_every_number_is_kept_as_it_is_given_or_refused(name: str) -> None:
    scenario = load_scenario(name)
    whole = ScenarioEditor(scenario)
    for path, limits in list(numbers_of(scenario).items())[::10]:
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


def test_there_is_an_end_to_agents() -> None:
    state = "{resolve: 1, audience: 1}"

    def with_agents(count: int) -> str:
        more = "".join(f"  m{number}: {{}}\n" for number in range(count))
        return f"title: t\nstart: 2025-04-22T15:00Z\nstates: {{a: {state}, b: {state}}}\nmediators:\n{more}"

    assert accepted(with_agents(MAX_AGENTS - 2))
    assert f"{MAX_AGENTS + 1} agents" in said_of(with_agents(MAX_AGENTS - 1))


def test_the_checks_know_the_columns_that_results_have() -> None:
    from crisis_sim.batch import simulate

    scenario = read_scenario(BASE, "a")
    ensemble = simulate([scenario], replicates=2).ensembles["a"]
    made = {
        f"{name}_{ending}"
        for section, endings in AGENT_COLUMNS.items()
        for name in getattr(scenario, section)
        for ending in endings
    }
    columns = set(ensemble.table.column_names)
    if ensemble.paths is not None:
        columns |= set(ensemble.paths.column_names)
    assert columns <= made | set(COLUMNS)
