from __future__ import annotations

from pathlib import Path

import pytest

from crisis_sim.scenario import Scenario, load_scenario, read_scenario
from tests.scenario.files import BASE, Write, mistakes_of, only_mistake


def test_a_file_becomes_a_scenario_named_after_it(write: Write) -> None:
    scenario = load_scenario(write("border_2030.yaml", BASE))
    assert isinstance(scenario, Scenario)
    assert scenario.name == "border_2030"
    assert scenario.state_names == ("india", "pakistan")
    assert scenario.trigger_hours == 9.0  # midnight in the offset of `start`


def test_file_and_text_give_the_same_scenario(write: Write) -> None:
    assert Scenario.load(write("scenario.yaml", BASE)) == Scenario.from_text(BASE)


@pytest.mark.parametrize("name", ["..yaml", "-x.yaml", "a\x1b[2J.yaml", "a\nb.yaml"])
def test_a_file_with_a_strange_name_is_refused_and_shown_safely(write: Write, name: str) -> None:
    try:
        path = write(name, BASE)
    except OSError:
        pytest.skip("no such names here")
    mistake = only_mistake(path)
    assert mistake.message == "the file's name cannot be a scenario's name"
    assert "\x1b" not in str(mistake)
    assert "\n" not in str(mistake).split("error:")[0]


def test_the_plain_data_of_a_scenario_makes_it_again() -> None:
    scenario = read_scenario(BASE)
    assert Scenario.model_validate(scenario.plain()) == scenario


@pytest.mark.parametrize(
    ("count", "expected"), [(1, "at least 2"), (3, "at most 2")], ids=["too few", "too many"]
)
def test_there_are_two_states(write: Write, count: int, expected: str) -> None:
    states = "".join(f"  s{number}: {{resolve: 1, audience: 1}}\n" for number in range(count))
    text = f"title: t\nstart: 2025-04-22T15:00Z\nstates:\n{states}"
    mistake = only_mistake(write("a.yaml", text))
    assert (mistake.message, mistake.expected) == (f"{count} entries here", expected)


def test_all_mistakes_are_told_at_once(write: Write) -> None:
    text = BASE.replace("resolve: 0.8", "reslove: 0.8").replace("struck: india", "struck: indai")
    text = text.replace("pakistan, us", "pakistan, usa") + "title: again\nhorizon_days: -1\n"
    assert [(one.line, one.message) for one in mistakes_of(write("a.yaml", text))] == [
        (4, "'resolve' is missing from india"),
        (4, "unknown key 'reslove'"),
        (7, "unknown state 'indai'"),
        (17, "unknown state or mediator 'usa'"),
        (20, "duplicate key 'title': line 1 has it already"),
        (21, "out of range: -1"),
    ]


def test_files_are_called_as_the_person_called_them(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = write("a.yaml", "title: x\n")
    monkeypatch.chdir(tmp_path)
    assert {one.file for one in mistakes_of(Path("a.yaml"))} == {"a.yaml"}
    assert {one.file for one in mistakes_of(path)} == {"a.yaml"}
    monkeypatch.chdir(path.parents[1])
    assert {one.file for one in mistakes_of(path)} == {str(Path(tmp_path.name) / "a.yaml")}
