from __future__ import annotations

from pathlib import Path

import pytest

from crisis_sim.cli.files import write_template
from crisis_sim.scenario import load_scenario


def test_the_template_is_a_scenario_with_one_of_each_agent(tmp_path: Path) -> None:
    path = tmp_path / "my_crisis.yaml"
    write_template(path)
    scenario = load_scenario(path)
    assert scenario.name == "my_crisis"
    assert len(scenario.states) == 2
    for section in ("mediators", "lenders", "channels", "advisers", "events"):
        assert len(getattr(scenario, section)) == 1, section


def test_its_comments_name_the_file_that_it_becomes(tmp_path: Path) -> None:
    path = tmp_path / "my_crisis.yaml"
    write_template(path)
    text = path.read_text(encoding="utf-8")
    assert "crisis-sim run my_crisis.yaml" in text
    assert "FILE" not in text


def test_its_counterfactual_works_as_it_says(tmp_path: Path) -> None:
    write_template(tmp_path / "my_crisis.yaml")
    text = (tmp_path / "my_crisis.yaml").read_text(encoding="utf-8")
    start = text.index("#   extends:")
    lines = [line.removeprefix("#   ") for line in text[start:].splitlines()]
    path = tmp_path / "without.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    assert load_scenario(path).lenders == {}


def test_it_does_not_write_over_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError):
        write_template(path)
    assert path.read_text(encoding="utf-8") == "mine"
