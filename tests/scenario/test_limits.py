"""docs/limits.md says the limits that the code has."""

from __future__ import annotations

import re
from pathlib import Path

from crisis_sim.batch.plan import BLOCK_BYTES, BLOCK_SIZE
from crisis_sim.scenario import checks
from crisis_sim.scenario.errors import MAX_MISTAKES
from crisis_sim.scenario.load import MAX_CHAIN
from crisis_sim.scenario.schema import MAX_RUNGS
from crisis_sim.scenario.source import MAX_BYTES, MAX_DEPTH, MAX_DIGITS, MAX_KEY, MAX_VALUES

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text(encoding="utf-8")
TOLD = dict(re.findall(r"^\| ([a-z][^|]*[a-z]) \| ([\d,]+) \|$", PAGE, re.MULTILINE))
LIMITS = {
    "size of a file, bytes": MAX_BYTES,
    "keys, items and values in it": MAX_VALUES,
    "letters of a key": MAX_KEY,
    "levels of nesting": MAX_DEPTH,
    "digits of a whole number that is read as one": MAX_DIGITS,
    "files that extend one another": MAX_CHAIN,
    "mistakes of one kind that are looked for": MAX_MISTAKES,
    "agents, the two states among them": checks.MAX_AGENTS,
    "rungs of the ladder": MAX_RUNGS,
    "scheduled events": checks.MAX_EVENTS,
    "reviews of all lenders together": checks.MAX_REVIEWS,
    "distributions": checks.MAX_UNCERTAIN,
    "letters of a title, a name or a source": checks.MAX_TEXT,
    "letters of the description": checks.MAX_DESCRIPTION,
}


def test_the_page_on_limits_says_each_of_them_and_no_others() -> None:
    assert {name: f"{limit:,}" for name, limit in LIMITS.items()} == TOLD
    assert f"at most {BLOCK_SIZE:,} crises" in PAGE
    assert f"{BLOCK_BYTES // 2**30} GiB a block" in PAGE
