from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from crisis_sim.experiments import make_experiment
from crisis_sim.outcomes.measures import Columns
from crisis_sim.outcomes.names import measure
from crisis_sim.scenario.load import load_scenario

PAGE = Path(__file__).parents[2] / "docs" / "experiments.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS: list[Any] = [
    YAML(typ="safe").load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
]
EXPERIMENTS = [block for block in BLOCKS if "kind" in block]


def test_the_page_shows_whole_experiments() -> None:
    assert {block["kind"] for block in EXPERIMENTS} >= {"attribute", "sweep"}


@pytest.mark.parametrize("content", EXPERIMENTS, ids=lambda content: content["kind"])
def test_the_examples_are_experiments_without_mistakes(content: dict[str, Any]) -> None:
    assert make_experiment("example", **content).kind == content["kind"]


def test_the_measures_that_the_page_shows_can_be_taken() -> None:
    columns = Columns.of(load_scenario("may_2025"))
    shown = [one for block in BLOCKS if "kind" not in block for one in block.get("outcomes", [])]
    assert len({measure(one, columns).name for one in shown}) == len(shown) > 5
