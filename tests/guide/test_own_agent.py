"""The classes and the policy of the guide's page on own agents work as described; `test_pages.py` tests its commands."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from console import DOCS, EXAMPLES

from crisis_sim import CrisisModel, load_scenario
from crisis_sim.batch.own_classes import load_class
from crisis_sim.scenario.schema import VIOLENCE
from tests.guide.test_python import blocks

SCENARIO = load_scenario("may_2025")


@pytest.fixture(scope="module")
def alone() -> dict[str, Any]:
    return CrisisModel(SCENARIO, 200).run().outcomes()


@pytest.mark.slow
def test_the_council_calls_after_violence_and_changes_nothing_before(alone: dict[str, Any]) -> None:
    council = load_class(f"{EXAMPLES / 'unsc.py'}:SecurityCouncil")
    with_it = CrisisModel(SCENARIO, 200, agents=[council]).run().outcomes()
    called = with_it.pop("council_called")
    assert 0 < called.sum() < 200
    assert np.isin(with_it["worst_violence"][called], VIOLENCE[2:]).all()
    for name, values in alone.items():
        np.testing.assert_array_equal(with_it[name][~called], values[~called], name)
    assert any((with_it[name] != values)[called].any() for name, values in alone.items())
    single = CrisisModel(SCENARIO, 1, first_replicate=7, agents=[council]).run().outcomes()
    for name, values in with_it.items():
        np.testing.assert_array_equal(single[name][0], values[7], name)


@pytest.mark.slow
def test_two_cautious_states_never_strike() -> None:
    cautious = load_class(f"{EXAMPLES / 'my_rules.py'}:Cautious")
    outcomes = CrisisModel(SCENARIO, 100, roles={"states": cautious}).run().outcomes()
    assert np.isnan(outcomes["first_strike_at_hours"]).all()


@pytest.mark.slow
def test_a_policy_without_strikes_prevents_strikes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(EXAMPLES), *sys.path])
    from policy import no_strikes, strikes

    assert strikes(50, india=no_strikes) < strikes(50)
    assert strikes(50, india=no_strikes, pakistan=no_strikes) == 0.0


@pytest.mark.slow
def test_the_python_code_of_the_page_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(EXAMPLES), *sys.path])
    names: dict[str, Any] = {}
    (block,) = blocks(DOCS / "guide" / "own_agent.md")
    exec(compile(block, "own_agent.md", "exec"), names)  # noqa: S102 - the page is ours
    label = "may_2025 with pakistan by Cautious and SecurityCouncil"
    assert list(names["summary"]["differences"]) == [label]
