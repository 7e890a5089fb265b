"""What is said, and where, of a scenario with mistakes: in one value, or between several, which are never clamped to fit."""

from __future__ import annotations

import json
import pickle
import re
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from crisis_sim.experiments.factors import ScenarioEditor
from crisis_sim.scenario import Scenario, ScenarioError, load_scenario
from crisis_sim.scenario.checks import CHECKS, MILESTONES
from crisis_sim.scenario.errors import Mistake
from crisis_sim.scenario.introspect import numbers_of, slot_at
from crisis_sim.scenario.schema import VIOLENCE
from tests.scenario.files import BASE, said_of

LADDER = """\
ladder:
  - {name: calm, intensity: 0}
  - {name: fire, intensity: 0.4, violence: minor clashes}
  - {name: raid, intensity: {uniform: [0.5, 0.6]}, violence: serious clashes, strike: true}
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
#: `old => new` replaces the first of its kind, a line alone is added at the end, \n is a new line.
CHANGES = {
    BASE: r"""
resolve: 0.8 => reslove: 0.8, resolve: 0.8
resolve: 0.8,  =>
resolve: 0.8 => resolve: 3.8
resolve: 0.8 => resolve: 3.000000001
resolve: 0.8 => resolve: -1e-09
resolve: 0.8 => resolve: high
resolve: 0.8 => resolve: true
resolve: 0.8 => resolve: .nan
resolve: 0.8 => resolve: 9{399}
resolve: 0.8,  => resolve: ,
resolve: 0.8 => resolve: [0.8]
resolve: 0.8 => resolve: {uniform: [0.5, 3.5]}
resolve: 0.8 => resolve: {normal: [9, 1]}
resolve: 0.8 => resolve: {choice: [0, 4]}
resolve: 0.8 => resolve: *x
{uniform => {unifrom
uniform: [0.4 => normal: [0.4, 1
leverage: {india: 0.3 => leverage: {india: 3
title: A small crisis => title: 2025
title: A small crisis\n =>
style: facilitation => style: facilitaton
[pakistan, us] => us
[pakistan, us] => {us: 1}
{state: pakistan} => dove
deaths: 26 => deaths: -26
deaths: 26 => deaths: 1e-400
deaths: 26 => deaths: -1.5E-999
deaths: 26 => deaths: 0.0000001e-340
deaths: 26 => deaths: 0e-999
2025-04-23 => yesterday
2025-04-23 => 20250423
2025-04-23 => '1745366400'
2025-04-23 => 9999-12-31
horizon_days: 4000
horizon_days: true
horizon_days: .nan
horizon_days: .inf
horizon_days: 9{399}
real_path: {markets: {india: {index: a, closes: [[2025-05-01]]}}}
real_path: {markets: {india: {index: a, closes: [[2025-05-02, 1e-320]]}}}
real_path: {markets: {india: {index: a, closes: [[2025-05-02, .nan]]}}}
real_path: {markets: {india: {index: a, closes: [[2025-05-02, '1']]}}}
name: b
extends: base.yaml
elder: => Elder Brother:
elder: => 2nd:
elder: => e{41}:
elder: => Вождь:
elder: => imf:
uae: => india:
line: => channel:
india: {resolve: 0.8, audience: 0.7} => peak: {resolve: 0.8, audience: 0.7}
uae: {style: facilitation} => "e\u0301": {}\n  é: {}
uae: {style: facilitation} => क्ष: {}\n  "क्\u200dष": {}
india: 0.3 => indai: 0.3
{style: facilitation} => {trust: {us: 1}}
{style: facilitation} => {interest: {uk: 1}}
borrower: pakistan => borrower: pak
state: pakistan => state: us
struck: india => struck: Indi
[pakistan, us] => [pakistan, imf]
[pakistan, us] => [us, pakistan, us]
15:00+05:30 => 15:00
at: 2025-04-23 => at: 2025-04-22
at: 2025-04-23 => at: 2025-06-22
2025-05-09T20 => 2024-05-09T20
events:\n => events:\n  - {at: 2025-04-22T09:30Z, struck: india}\n
events:\n => events:\n  - {at: 2025-06-21T15:00+05:30, struck: india}\n
india: {resolve => india: {rung_at_start: clam, resolve
real_path: {rungs: {india: [[2025-05-01, protests]]}}
real_path: {rungs: {china: [[2025-05-01, calm]]}}
real_path: {rungs: {india: [[2025-05-02, calm], [2025-05-01, protest]]}}
real_path: {markets: {indai: {index: a, closes: []}}}
real_path: {markets: {india: {index: a, closes: [[2025-05-02, 1], [2025-05-02, 2]]}}}
real_path: {markets: {india: {index: a, closes: [[2025-04-01, 1], [2026-01-01, 2]]}}}
deaths: 26 => deaths: 26, rival_rung: 15
deaths: 26 => deaths: 26, rival_rung: 10
deaths: 26 => deaths: 26, rival_rung: {choice: [0, 12]}
deaths: 26 => deaths: 26, rival_rung: 2.5
deaths: 26 => deaths: 26, rival_rung: {choice: [1, 1.5]}
deaths: 26 => deaths: 26, rival_rung: {uniform: [0, 3]}
deaths: 26 => deaths: 26, rival_rung: {normal: [3, 1]}
deaths: 26 => deaths: 26, rival_rung: 60
deaths: 26 => deaths: 26, rival_rung: -1
uae: {style: facilitation} => uae: {title: The Fund}\n  other: {title: "The Fund"}
uae: {style: facilitation} => uae: {title: The Fund}\n  other: {title: " The  Fu\u200dnd"}
uae: {style: facilitation} => uae: {}\n  other: {title: uae}
uae: {style: facilitation} => other: {title: uae}\n  uae: {}
imf:\n => imf:\n    title: us\n
, kind: trigger, struck: india, deaths: 26}\n => , struck: india}\nreal_path: {ceasefire_in_effect: 2025-04-22}\n
""",
    BASE + LADDER: r"""
violence: serious clashes, strike => strike
full-scale war, strike: true} => minor clashes, strike: true}
full-scale war, strike: true} => full-scale war}
intensity: 0} => intensity: 0, violence: minor clashes}
intensity: 0} => intensity: 0, strike: yes}
intensity: 0} => intensity: 0, strike: true}
strike: true} => strike: true, nuclear: true}
name: end => name: " "
name: fire => name: calm
name: end => name: "wa\u200dr"
intensity: 0.4 => intensity: 0
intensity: 0.4 => intensity: 0.9
intensity: 0.4 => intensity: {uniform: [0, 0.4]}
violence: minor clashes} => strike: true}
violence: minor clashes} => violence: none, strike: true}
strike: true, nuclear => nuclear
strike: true, nuclear => strike: no, nuclear
full-scale war, strike: true, nuclear => serious clashes, strike: true, nuclear
deaths: 26 => deaths: 26, rival_rung: 3
deaths: 26 => deaths: 26, rival_rung: 5
india: {resolve => india: {rung_at_start: fire, resolve
india: {resolve => india: {rung_at_start: protest, resolve
""",
    BASE + RECORD: r"""
first_strike: 2025-05-07 => first_strike: 2025-04-22
first_strike: 2025-05-07 => first_strike: 2025-05-11
agreed: 2025-05-10T15:35 => agreed: 2025-05-06
effect: 2025-05-10T17:00 => effect: 2025-05-10T15:34
effect: 2025-05-10T17:00 => effect: 2025-05-10T11:00Z
effect: 2025-05-10T17:00 => effect: 2025-05-10T10:00Z
at: 2025-05-08 => at: 2025-05-06
at: 2025-05-08 => at: 2025-05-07
  rungs: {india: [[2025-05-01, border fire], [2025-05-07, limited strike]]}
  rungs: {india: [[2025-05-01, border fire], [2025-05-06T18:29Z, limited strike]]}
""",
}
OVERRIDES = r"""
mediators.uss.style=x
mediator.us=null
behaviour.decison.dread=3
mediators.us.leverage.indai=1
states.china.resolve=1
events.1.deaths=1
events.first.deaths=1
events.-1.deaths=1
ladder.99.name=x
real_path.events.0.text=x
states.india.resolve.low=1
states..resolve=1
extends=other.yaml
name=other
horizon_days
=5
horizon_days=*x
horizon_days=!!python/none x
mediators.us.title='\e'
horizon_days=-1
horizon_days=1e308
states.india.resolve=7
states.india.resolve=null
lenders.imf.borrower=pakstan
events.0.at=2024-01-01
events.0.deaths=1e-400
mediators.uae.information=null
"""


def written(line: str) -> str:
    line = re.sub(r"(\w)\{(\d+)\}", lambda found: found[1] * int(found[2]), line)
    return line.replace(r"\n", "\n").replace(r"\e", "\x1b")


def lines_of(table: str) -> list[str]:
    return table.strip("\n").split("\n")


@pytest.mark.parametrize(
    ("base", "change"),
    [
        pytest.param(base, line, id=f"{where} {line}")
        for where, (base, table) in zip(("", "ladder", "record"), CHANGES.items(), strict=True)
        for line in lines_of(table)
    ],
)
def test_a_mistake_is_told_where_it_stands(
    base: str, change: str, snapshot: SnapshotAssertion
) -> None:
    old, arrow, new = change.partition(" =>")
    if arrow:
        assert written(old) in base
        text = base.replace(written(old), written(new.removeprefix(" ")), 1)
    else:
        text = f"{base}{written(change)}\n"
    assert said_of(text) == snapshot


@pytest.mark.parametrize("override", lines_of(OVERRIDES))
def test_a_mistake_is_told_in_the_override(override: str, snapshot: SnapshotAssertion) -> None:
    assert said_of(BASE, written(override)) == snapshot


# Rules between fields


def accepted(text: str, *overrides: str) -> bool:
    return said_of(text, *overrides) == "no mistakes"


def test_every_rule_is_told_in_a_sentence() -> None:
    for rule in CHECKS:
        words = " ".join((rule.__doc__ or "").split())
        assert words[:1].isupper()
        assert words.endswith(".")


KINDS = st.tuples(st.sampled_from(VIOLENCE), st.booleans(), st.booleans())


@settings(max_examples=60, deadline=None)
@given(st.lists(KINDS, min_size=2, max_size=5))
def test_ladders_that_never_fall_from_peace_are_accepted(
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


#: How surely a state has nuclear weapons; whether it may stand on a nuclear rung, and whether it may have used one.
WEAPONS = {
    "false": (False, False),
    "0.5": (False, True),
    "{uniform: [0.9, 1]}": (False, True),
    "true": (True, True),
}


@pytest.mark.parametrize("nuclear", WEAPONS)
def test_a_nuclear_rung_needs_nuclear_weapons(nuclear: str) -> None:
    may_stand, may_have_used = WEAPONS[nuclear]
    for override in (
        "states.pakistan.rung_at_start=nuclear use",
        "events.0.rival_rung=9",
        "events.0.rival_rung={choice: [1, 9]}",
    ):
        assert accepted(BASE, f"states.pakistan.nuclear={nuclear}", override) == may_stand
        assert not accepted(BASE, f"states.india.nuclear={nuclear}", override)
    record = "real_path: {rungs: {india: [[2025-05-01, nuclear use]]}}\n"
    assert accepted(BASE + record, f"states.india.nuclear={nuclear}") == may_have_used


@pytest.mark.parametrize("name", ["may_2025", pytest.param("since_1945", marks=pytest.mark.slow)])
def test_every_number_is_kept_exactly_or_refused(name: str) -> None:
    scenario = load_scenario(name)
    whole = ScenarioEditor(scenario)
    for path, limits in list(numbers_of(scenario).items())[::20]:
        slot = slot_at([int(word) if word.isdigit() else word for word in path.split(".")])
        assert slot
        assert slot.limits == limits
        beyond = [limits.low - 1e-6 * (1 + abs(limits.low)), limits.high * (1 + 1e-6) + 1e-6]
        for value in (beyond[0], limits.low, limits.high, beyond[1]):
            try:
                read = whole.with_changes([f"{path}={value!r}"], name)
            except ScenarioError:
                continue
            assert limits.low <= value <= limits.high
            assert _at(read, path) == value


def _at(scenario: Scenario, path: str) -> Any:
    found: Any = scenario.plain()
    for word in path.split("."):
        found = found[int(word) if isinstance(found, list) else word]
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | st.integers(0, 40), min_size=3, max_size=3))
def test_a_record_is_accepted_where_its_moments_rise(days: list[int | None]) -> None:
    known = {key: day for key, day in zip(MILESTONES, days, strict=True) if day is not None}
    first = date(2025, 4, 22)
    path = {key: str(first + timedelta(day)) for key, day in known.items()}
    rises = [*known.values()] == sorted(known.values()) and all(known.values())
    assert accepted(f"{BASE}real_path: {json.dumps(path)}\n") == rises


# Reports

MISTAKE = Mistake(
    "f", 14, 5, "unknown 'leverge'", "title or leverage", "leverage", "    leverge: {}"
)


def test_a_report_has_place_line_caret_expectation_and_suggestion_if_not_of_a_whole_file() -> None:
    assert str(MISTAKE).splitlines() == [
        "f:14:5: error: unknown 'leverge'",
        "14 |     leverge: {}",
        "   |     ^",
        "   expected: title or leverage",
        "   did you mean 'leverage'?",
    ]
    assert str(Mistake("gone.yaml", 0, 0, "no such file")) == "gone.yaml: error: no such file"
    assert len(str(Mistake("f", 0, 0, "x" * 100_000))) < 400


@pytest.mark.parametrize(
    ("source", "column", "shown"),
    [
        ("\ta: 1", 3, ":"),
        ("危機: 1", 4, " "),
        ("\x1b\x1bX", 3, "X"),
        ("a" * 400 + "X" + "b" * 400, 401, "X"),
    ],
    ids=["a tab", "wide characters", "escapes", "a long line"],
)
def test_the_caret_stays_under_its_character(source: str, column: int, shown: str) -> None:
    lines = str(Mistake("f", 1, column, "m", source_line=source)).splitlines()[1:3]
    line, caret = (one.split("| ", 1)[1] for one in lines)
    cells = "".join(mark * (2 if mark in "危機" else 1) for mark in line)
    assert cells[caret.index("^")] == shown
    assert len(line) < 130


def test_an_error_sorts_mistakes_without_duplicates_and_can_be_pickled() -> None:
    late, early = Mistake("b", 9, 1, "late"), Mistake("b", 2, 1, "early")
    other = Mistake("a", 30, 1, "other file")
    error = ScenarioError([late, other, early, late])
    assert error.mistakes == (other, early, late)
    assert str(error).splitlines()[-1] == "3 mistakes"
    assert pickle.loads(pickle.dumps(error)).mistakes == error.mistakes  # noqa: S301 - our own bytes
