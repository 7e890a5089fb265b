"""The questions of `crisis-sim init`, and the scenarios that it writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crisis_sim import Scenario, ScenarioError, simulate
from crisis_sim.cli.app import DONE, MISTAKE, run_command
from crisis_sim.cli.new_scenario import Interview, anchors, read_answers, scenario_text

DOCS = Path(__file__).parents[2] / "docs"
ANSWERS = DOCS / "guide" / "examples" / "strait_answers.yaml"


def typing(typed: dict[str, str] | None = None) -> Callable[[str], str]:
    """Answer questions that contain certain words, each once, and others by pressing Enter."""
    left = dict(typed or {})

    def cli(question: str) -> str:
        found = next((words for words in left if words in question), None)
        return "" if found is None else left.pop(found)

    return cli


def test_answers_from_a_file_give_a_scenario_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ["init", "strait", "--answers", str(ANSWERS)]
    assert run_command(asked) == DONE
    scenario = Scenario.load("strait.yaml")
    assert scenario.state_names == ("eastmark", "westmark")
    assert scenario.ladder[4].name == "ramming and warning shots"
    east, west = scenario.states.values()
    assert (east.nuclear, west.nuclear, east.conquerable) == (1, 0, 0)
    assert east.rung_at_start == "naval deployment"
    assert west.claim.plain() == {"uniform": [0.2, 0.5]}  # in place of an anchor
    assert scenario.mediators["great_power"].trust["westmark"].plain() == {"uniform": [0.7, 0.95]}
    assert scenario.channels["hotline"].standing
    assert "# to come off no worse" in Path("strait.yaml").read_text("utf-8")
    assert len(simulate(scenario, 20)["strait"]) == 20
    assert run_command(asked) == MISTAKE  # it is there already
    assert "exists already, and was not changed" in capsys.readouterr().err


def test_default_answers_give_a_scenario() -> None:
    scenario = Scenario.from_text(scenario_text(Interview(None, typing()), "mine.yaml"))
    assert scenario.state_names == ("northland", "southland")
    assert (scenario.mediators, scenario.lenders, scenario.real_path) == ({}, {}, None)


def test_invalid_answers_are_asked_for_again() -> None:
    ask = typing(
        {
            "two states": "Red Land, Blue Land",
            "Red Land: How much": "vow it",
            "no such answer": "survival",
            "may mediate": "Uncle",
            "Who lends": "the fund",
            "does its board decide": "next week",
            "not a date": "2030-03-20",
            "private channels": "a line",
            "first strike": "2030-03-03T00:00+00:00",
        }
    )
    scenario = Scenario.from_text(scenario_text(Interview(None, ask), "mine.yaml"))
    assert scenario.states["red_land"].resolve.plain() == {"triangular": [0.7, 0.9, 1.0]}
    assert list(scenario.mediators) == ["uncle"]
    assert scenario.lenders["the_fund"].reviews[0].at.day == 20
    assert scenario.real_path is not None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("resolve: vow", "resolve: vowed", "did you mean 'vow'"),
        ("theatre: naval", "theater: naval", "did you mean 'theatre'"),
        ("2030-05-02T06:00+08:00", "soon", "not a date: 'soon'"),
        (
            "struck: westmark",
            "struck: west",
            "no such answer: 'west'; expected eastmark or westmark",
        ),
        ("deaths: 3", "deaths: many", "no such answer: 'many'; expected a number"),
        ("deaths: 3", "deaths: -3", "out of range: -3"),
    ],
)
def test_mistakes_in_a_file_of_answers_are_reported_and_nothing_is_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    text = ANSWERS.read_text("utf-8")
    assert old in text
    Path("answers.yaml").write_text(text.replace(old, new), encoding="utf-8")
    assert run_command(["init", "mine", "--answers", "answers.yaml"]) == MISTAKE
    assert message in capsys.readouterr().err
    assert not Path("mine.yaml").exists()


def test_titles_that_are_not_plain_yaml_are_quoted(tmp_path: Path) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text("title: 'a: b # c'\nstates: {a: {title: 'no'}, b: {}}\n", encoding="utf-8")
    scenario = Scenario.from_text(scenario_text(read_answers(path), "x.yaml"))
    assert (scenario.title, scenario.states["a"].title) == ("a: b # c", "no")
    path.write_text("states: {a: {}, b: {}, c: {}}", encoding="utf-8")
    with pytest.raises(ScenarioError, match="3 states"):
        scenario_text(read_answers(path), "x.yaml")


def test_anchors_are_those_of_the_coding_guide() -> None:
    guide = (DOCS / "coding.md").read_text("utf-8")
    for key, of_key in anchors().items():
        for anchor, (_, meaning) in of_key.items():
            assert f"`{anchor}`" in guide, anchor
            if key not in ("theatre", "nuclear", "conquerable", "standing", "sensitivity", "kind"):
                assert meaning.partition(";")[0] in guide, anchor
