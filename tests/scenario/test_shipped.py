from __future__ import annotations

from pathlib import Path

import pytest

from crisis_sim.scenario import ScenarioError, load_scenario, shipped_scenarios
from crisis_sim.scenario import load as room
from crisis_sim.scenario.load import find_scenario, shipped_names
from tests.scenario.files import BASE, Write


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_scenario_is_right(name: str) -> None:
    assert load_scenario(name).name == name


def test_shipped_scenarios_have_titles_of_their_own() -> None:
    assert "may_2025" in shipped_names()
    titles = [one.title for one in shipped_scenarios()]
    assert all(titles)
    assert len(set(titles)) == len(titles)


@pytest.fixture
def shelf(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and two shipped scenarios elsewhere."""
    write("shipped/may_2025.yaml", BASE)
    write("shipped/no_lenders.yaml", "extends: may_2025.yaml\nlenders: null\n")
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.setattr(room, "shipped_folder", lambda: tmp_path / "shipped")
    monkeypatch.chdir(here)
    return here


def test_a_file_of_the_very_name_comes_before_what_is_shipped_but_no_folder_does(
    shelf: Path,
) -> None:
    assert load_scenario("no_lenders").lenders == {}
    (shelf / "may_2025").mkdir()
    assert load_scenario("may_2025").title == "A small crisis"
    (shelf / "may_2025").rmdir()
    (shelf / "may_2025").write_text(BASE.replace("A small crisis", "Mine"), encoding="utf-8")
    assert load_scenario("may_2025").title == "Mine"


@pytest.mark.parametrize(
    ("reference", "suggestion"),
    [
        ("may2025", "may_2025"),
        ("may_2025.yaml", "may_2025"),
        ("scenarios/may_2025.yaml", "may_2025"),
        ("mine", "mine.yaml"),
        ("qqq", ""),
        ("\x00", ""),
        ("x" * 5000, ""),
    ],
)
def test_an_unknown_name_names_the_nearest(shelf: Path, reference: str, suggestion: str) -> None:
    (shelf / "mine.yaml").write_text(BASE, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        find_scenario(reference)
    (mistake,) = caught.value.mistakes
    assert mistake.message == "no such file, nor a shipped scenario"
    assert mistake.suggestion == suggestion
    assert "may_2025 or no_lenders" in mistake.expected


def test_a_folder_is_said_to_be_one(shelf: Path) -> None:
    with pytest.raises(ScenarioError, match="this is a folder"):
        find_scenario(shelf)


def test_a_title_may_be_inherited(shelf: Path) -> None:
    assert [(one.name, one.title) for one in shipped_scenarios()] == [
        ("may_2025", "A small crisis"),
        ("no_lenders", "A small crisis"),
    ]


def test_in_a_wheel_the_scenarios_are_inside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "crisis_sim" / "scenario" / "shipped.py"
    module.parent.mkdir(parents=True)
    monkeypatch.setattr(room, "__file__", str(module))
    assert room.shipped_folder() == tmp_path.resolve() / "scenarios"
    (tmp_path / "crisis_sim" / "_scenarios").mkdir()
    assert room.shipped_folder() == tmp_path.resolve() / "crisis_sim" / "_scenarios"
