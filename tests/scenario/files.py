"""A small scenario, and helpers that return its mistakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crisis_sim.scenario import Mistake, ScenarioError, load_scenario, read_scenario

BASE = """\
title: A small crisis
start: 2025-04-22T15:00+05:30
states:
  india: {resolve: 0.8, audience: 0.7}
  pakistan: {resolve: 0.7, audience: {uniform: [0.4, 0.8]}}
events:
  - {at: 2025-04-23, title: trigger, kind: trigger, struck: india, deaths: 26}
mediators:
  us: {leverage: {india: 0.3, pakistan: 0.5}}
  uae: {style: facilitation}
lenders:
  imf:
    borrower: pakistan
    conditionality: {triangular: [0, 0.5, 1]}
    reviews: [{at: 2025-05-09T20:00+05:30, amount_usd_bn: 1}]
channels:
  line: {opened_by: [pakistan, us]}
advisers:
  elder: {state: pakistan}
"""

#: Writes a scenario file next to `base.yaml` and returns its path.
Write = Callable[[str, str], Path]


def refused(read: Callable[[], object]) -> tuple[Mistake, ...]:
    """The mistakes for which a scenario is refused."""
    with pytest.raises(ScenarioError) as caught:
        read()
    return caught.value.mistakes


def mistakes_of(path: Path, *overrides: str) -> tuple[Mistake, ...]:
    return refused(lambda: load_scenario(path, overrides))


def only_mistake(path: Path, *overrides: str) -> Mistake:
    (mistake,) = mistakes_of(path, *overrides)
    return mistake


def pointed_at(mistake: Mistake) -> str:
    """The rest of the line at which a mistake points."""
    return mistake.source_line[mistake.column - 1 :]


def said_of(text: str, *overrides: str) -> str:
    """The report on the text of a scenario."""
    try:
        read_scenario(text, "f", overrides)
    except ScenarioError as error:
        return str(error)
    return "no mistakes"
