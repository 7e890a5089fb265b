from __future__ import annotations

from pathlib import Path

import pytest

from crisis_sim.experiments import load_experiment, run_experiment, shipped_experiments
from crisis_sim.experiments.load import experiments_folder
from crisis_sim.experiments.spec import KINDS

NAMES = [one.name for one in shipped_experiments()]


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_experiment_is_sound_and_can_be_drawn(name: str) -> None:
    experiment = load_experiment(name)
    assert experiment.spec.title
    assert experiment.spec.question
    assert experiment.kind in KINDS


@pytest.mark.parametrize("name", [one.name for one in shipped_experiments() if one.kind == "sweep"])
def test_every_shipped_sweep_runs(name: str) -> None:
    assert run_experiment(load_experiment(name, {"replicates": 2})).answer


def test_they_lie_in_the_checkouts_folder() -> None:
    assert experiments_folder() == Path(__file__).parents[2] / "experiments"
    assert {"mediation_delay", "lender_review_and_leverage"} <= set(NAMES)
