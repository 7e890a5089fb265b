"""What is said, and where, of a scenario in which one thing is other than it should be.

`old => new` replaces the first of its kind, a line alone is added at the end, \\n is a new line.
"""

from __future__ import annotations

import re

import pytest
from syrupy.assertion import SnapshotAssertion

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
