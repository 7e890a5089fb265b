"""The pictures and the output that the guide shows are those of the scenarios as they are now."""

from __future__ import annotations

import json

import pytest
from console import SHOWN

from crisis_sim import load_scenario

MADE_OF = json.loads((SHOWN / "made_of.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", MADE_OF)
def test_the_guide_shows_the_scenario_as_it_is(name: str) -> None:
    assert load_scenario(name).digest == MADE_OF[name], "`make pictures` refreshes what is shown"


def test_the_guide_says_what_it_was_made_of() -> None:
    assert "may_2025" in MADE_OF
