from __future__ import annotations

import pytest

from crisis_sim.scenario import load_scenario
from crisis_sim.scenario.checks import AGENT_COLUMNS, COLUMNS, MAX_AGENTS, MAX_TURNS
from tests.scenario.files import BASE, Write, only_mistake, pointed_at

LADDER = """\
ladder:
  - {name: calm, intensity: 0}
  - {name: fire, intensity: 0.4, violence: minor clashes, strike: true}
  - {name: war, intensity: {uniform: [0.6, 0.8]}, violence: full-scale war, strike: true}
"""


@pytest.mark.parametrize(
    ("old", "new", "points_at", "message", "suggestion"),
    [
        # Names
        ("elder:", "Elder Brother:", "Elder", "'Elder Brother' cannot be a name", "elder_brother"),
        ("elder:", "2nd:", "2nd", "'2nd' cannot be a name", "nd"),
        ("elder:", f"{'e' * 41}:", "eee", f"'{'e' * 41}' cannot be a name", "e" * 40),
        ("elder:", "Вождь:", "Вождь", "'Вождь' cannot be a name", "вождь"),
        ("elder:", "imf:", "imf", "'imf' is already one of the lenders", ""),
        ("uae:", "india:", "india", "'india' is already one of the states", ""),
        ("line:", "channel:", "channel", "the name 'channel' makes a column channel_opened", ""),
        (
            "india: {resolve: 0.8, audience: 0.7}\n",
            "peak: {resolve: 0.8, audience: 0.7}\n",
            "peak",
            "the name 'peak' makes a column peak_rung",
            "",
        ),
        # States
        ("india: 0.3", "indai: 0.3", "indai", "unknown state 'indai'", "india"),
        ("{style: facilitation}", "{trust: {us: 1}}", "us", "unknown state 'us'", ""),
        ("{style: facilitation}", "{interest: {uk: 1}}", "uk", "unknown state 'uk'", ""),
        ("borrower: pakistan", "borrower: pak", "pak", "unknown state 'pak'", ""),
        ("state: pakistan", "state: us", "us", "unknown state 'us'", ""),
        ("struck: india", "struck: Indi", "Indi", "unknown state 'Indi'", "india"),
        # Openers
        ("[pakistan, us]", "[pakistan, imf]", "imf", "unknown state or mediator 'imf'", ""),
        ("[pakistan, us]", "[us, pakistan, us]", "us]", "'us' a second time", ""),
        # Dates
        ("15:00+05:30", "15:00", "2025", "'2025-04-22T15:00' has no offset", ""),
        ("at: 2025-04-23", "at: 2025-04-22", "2025", "'2025-04-22' is before the start", ""),
        ("at: 2025-04-23", "at: 2025-06-22", "2025", "'2025-06-22' is after the horizon", ""),
        ("2025-05-09T20", "2024-05-09T20", "2024", "'2024-05-09T20:00+05:30' is before", ""),
    ],
)
def test_what_does_not_fit_together_is_told_where_it_stands(
    write: Write, old: str, new: str, points_at: str, message: str, suggestion: str
) -> None:
    text = BASE.replace(old, new, 1)
    if "peak" in new:  # a state's name stands in more than one place
        text = text.replace("struck: india", "struck: peak").replace("{india: 0.3,", "{peak: 0.3,")
    mistake = only_mistake(write("a.yaml", text))
    assert pointed_at(mistake).startswith(points_at), mistake
    assert mistake.message.startswith(message), mistake
    assert mistake.suggestion == suggestion, mistake


@pytest.mark.parametrize(
    ("old", "new", "points_at", "message"),
    [
        ("name: fire", "name: calm", "calm", "a second rung called 'calm'"),
        ("intensity: 0.4", "intensity: 0", "0", "not above the rung before it"),
        ("intensity: 0.4", "intensity: 0.9", "{uniform", "not above the rung before it"),
        ("intensity: 0.4", "intensity: {uniform: [0, 0.4]}", "{uniform", "not above"),
        ("intensity: 0}", "intensity: 0, strike: true}", "true", "the lowest rung cannot be a str"),
    ],
)
def test_the_ladder_rises_from_peace(
    write: Write, old: str, new: str, points_at: str, message: str
) -> None:
    mistake = only_mistake(write("a.yaml", BASE + LADDER.replace(old, new, 1)))
    assert pointed_at(mistake).startswith(points_at), mistake
    assert mistake.message.startswith(message), mistake


@pytest.mark.parametrize(
    ("text", "points_at", "message", "suggestion"),
    [
        ("states: {india: {rung_at_start: clam}}", "clam", "unknown rung 'clam'", "calm"),
        (
            "real_path: {rungs: {india: [[2025-05-01, protests]]}}",
            "protests",
            "unknown rung 'protests'",
            "protest",
        ),
        ("real_path: {rungs: {china: [[2025-05-01, calm]]}}", "china", "unknown state 'china'", ""),
        (
            "real_path: {markets: {indai: {index: a, closes: []}}}",
            "indai",
            "unknown state 'indai'",
            "india",
        ),
        (
            "real_path: {rungs: {india: [[2025-05-02, calm], [2025-05-01, protest]]}}",
            "2025-05-01",
            "'2025-05-01' is not after the date before it",
            "",
        ),
        (
            "real_path: {markets: {india: {index: a, closes: [[2025-05-02, 1], [2025-05-02, 2]]}}}",
            "2025-05-02, 2",
            "'2025-05-02' is not after the date before it",
            "",
        ),
    ],
)
def test_rungs_and_the_record_are_checked_against_the_default_ladder(
    write: Write, text: str, points_at: str, message: str, suggestion: str
) -> None:
    mistake = only_mistake(write("a.yaml", f"extends: base.yaml\n{text}\n"))
    assert pointed_at(mistake).startswith(points_at), mistake
    assert mistake.message.startswith(message), mistake
    assert mistake.suggestion == suggestion, mistake


def test_rungs_are_checked_against_the_scenarios_own_ladder(write: Write) -> None:
    text = f"extends: base.yaml\nstates: {{india: {{rung_at_start: fire}}}}\n{LADDER}"
    assert load_scenario(write("a.yaml", text)).states["india"].rung_at_start == "fire"
    mistake = only_mistake(write("b.yaml", text.replace("start: fire", "start: protest")))
    assert mistake.message == "unknown rung 'protest'"


def test_the_record_may_begin_before_the_start(write: Write) -> None:
    closes = "real_path: {markets: {india: {index: a, closes: [[2025-04-01, 1], [2026-01-01, 2]]}}}"
    assert load_scenario(write("a.yaml", f"extends: base.yaml\n{closes}\n")).real_path


def test_events_at_the_very_start_and_the_very_horizon_are_inside(write: Write) -> None:
    text = "extends: base.yaml\nevents:\n" + "".join(
        f"  - {{at: {at}, struck: india}}\n"
        for at in ("2025-04-22T09:30Z", "2025-06-21T15:00+05:30")
    )
    assert len(load_scenario(write("a.yaml", text)).events) == 2


def test_there_is_an_end_to_agents(write: Write) -> None:
    state = "{resolve: 1, audience: 1}"

    def with_agents(count: int) -> str:
        more = "".join(f"  m{number}: {{}}\n" for number in range(count))
        return f"title: t\nstart: 2025-04-22T15:00Z\nstates: {{a: {state}, b: {state}}}\nmediators:\n{more}"

    assert load_scenario(write("a.yaml", with_agents(MAX_AGENTS - 2))).mediators
    assert only_mistake(write("b.yaml", with_agents(MAX_AGENTS - 1))).message == (
        f"{MAX_AGENTS + 1} agents"
    )


def test_there_is_an_end_to_turns(write: Write) -> None:
    at_most = "horizon_days: 3125\nhours_per_turn: 0.375\n"
    assert load_scenario(write("a.yaml", BASE + at_most)).turns == MAX_TURNS
    mistake = only_mistake(write("b.yaml", BASE + at_most.replace("0.375", "0.374")))
    assert "200,535 turns" in mistake.message
    assert pointed_at(mistake).startswith("0.374")


def test_the_checks_know_the_columns_that_results_have(write: Write, tmp_path: object) -> None:
    from crisis_sim.batch import simulate

    scenario = load_scenario(write("a.yaml", BASE))
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
