from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from crisis_sim.experiments import (
    load_experiment,
    make_experiment,
    run_experiment,
    shipped_experiments,
)
from crisis_sim.experiments.load import experiments_folder
from crisis_sim.experiments.spec import KINDS
from crisis_sim.outcomes.measures import Columns
from crisis_sim.outcomes.named_measures import measure
from crisis_sim.scenario.load import load_scenario

NAMES = [one.name for one in shipped_experiments()]


@pytest.mark.parametrize(
    "name",
    [
        # Many scenarios of whole populations.
        pytest.param(name, marks=[pytest.mark.slow] if name.startswith("fit_") else [])
        for name in NAMES
    ],
)
def test_every_shipped_experiment_is_valid_and_every_sweep_runs(name: str) -> None:
    experiment = load_experiment(name)
    assert experiment.spec.title
    assert experiment.spec.question
    assert experiment.kind in KINDS
    if experiment.kind == "sweep":
        assert run_experiment(load_experiment(name, {"replicates": 2})).answer


def test_shipped_experiments_are_in_the_checkouts_folder() -> None:
    assert experiments_folder() == Path(__file__).parents[2] / "experiments"
    assert {"mediation_delay", "lender_review_and_leverage"} <= set(NAMES)


def test_the_script_prints_its_answers(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(experiments_folder() / "from_python.py"))["main"](replicates=10)
    printed = capsys.readouterr().out
    assert "What does a delay of mediation cost?\n- Ceasefire within 96 hours" in printed
    assert "Which third party brought the ceasefire about?\n- " in printed
    assert printed.count("ceasefire_within_96_hours") == 5  # a row per point


# --- The page on experiments

PAGE = Path(__file__).parents[2] / "docs" / "experiments.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS: list[Any] = [
    YAML(typ="safe").load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
]
EXPERIMENTS = [block for block in BLOCKS if "kind" in block]


@pytest.mark.parametrize("content", EXPERIMENTS, ids=lambda content: content["kind"])
def test_the_examples_are_experiments_without_mistakes(content: dict[str, Any]) -> None:
    assert make_experiment("example", **content).kind == content["kind"]


def test_the_measures_on_the_page_are_valid() -> None:
    columns = Columns.of(load_scenario("may_2025"))
    shown = [one for block in BLOCKS if "kind" not in block for one in block.get("outcomes", [])]
    assert {block["kind"] for block in EXPERIMENTS} >= {"attribute", "sweep"}
    assert len({measure(one, columns).name for one in shown}) == len(shown) > 5
