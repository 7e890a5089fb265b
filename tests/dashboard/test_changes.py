from __future__ import annotations

from pathlib import Path

import pytest

from crisis_sim.dashboard.changes import Changes
from crisis_sim.experiments.factors import ScenarioEditor
from crisis_sim.scenario import Scenario, load_scenario
from tests.dashboard.quarrel import write_quarrel

THRESHOLD = "mediators.elder.attention_threshold"


@pytest.fixture
def quarrel(tmp_path: Path) -> Scenario:
    return load_scenario(write_quarrel(tmp_path))


def test_moving_and_putting_back_leaves_nothing_changed() -> None:
    changes = Changes().move(THRESHOLD, 0.2).switch("lenders.bank", on=False)
    assert changes
    assert not changes.back(THRESHOLD).switch("lenders.bank", on=True)


def test_changes_are_what_set_would_make(tmp_path: Path, quarrel: Scenario) -> None:
    changes = Changes().move(THRESHOLD, 0.2).switch("mediators.envoy", on=False)
    assert changes.as_set() == [f"{THRESHOLD}=0.2", "mediators.envoy=null"]
    same = load_scenario(tmp_path / "quarrel.yaml", changes.as_set())
    assert changes.made_in(ScenarioEditor(quarrel)).digest == same.digest


def test_a_number_of_an_agent_that_is_taken_out_is_not_felt_until_it_is_back(
    quarrel: Scenario,
) -> None:
    out = Changes().move(THRESHOLD, 0.2).switch("mediators.elder", on=False)
    assert out.as_set() == ["mediators.elder=null"]
    made = out.made_in(ScenarioEditor(quarrel))
    assert "elder" not in made.mediators
    assert made.channels["line"].opened_by == ("north",)
    assert out.switch("mediators.elder", on=True).effective == {THRESHOLD: 0.2}


def test_a_mediator_does_not_take_another_with_a_longer_name_along() -> None:
    changes = Changes().move("mediators.uk.attention_days", 2.0).switch("mediators.u", on=False)
    assert changes.effective == {"mediators.uk.attention_days": 2.0}
