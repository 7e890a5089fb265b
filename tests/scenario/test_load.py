from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from crisis_sim.scenario import Scenario, ScenarioError, load_scenario, read_scenario
from tests.scenario.files import BASE, Write, mistakes_of, only_mistake, pointed_at


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


def test_a_text_can_extend_nothing() -> None:
    with pytest.raises(ScenarioError, match="only a file can extend others"):
        read_scenario("extends: base.yaml\n" + BASE)


def test_a_file_cannot_set_its_name(write: Write) -> None:
    assert "named after its file" in only_mistake(write("a.yaml", BASE + "name: b\n")).message


@pytest.mark.parametrize(
    ("old", "new", "points_at", "message", "expected", "suggestion"),
    [
        (
            "resolve: 0.8",
            "reslove: 0.8, resolve: 0.8",
            "reslove",
            "unknown key 'reslove'",
            "resolve",
            "resolve",
        ),
        (
            "resolve: 0.8, ",
            "",
            "india",
            "'resolve' is missing from india",
            "how much the issue",
            "",
        ),
        ("resolve: 0.8", "resolve: 1.8", "1.8", "out of range: 1.8", "between 0 and 1 (share)", ""),
        ("resolve: 0.8", "resolve: high", "high", "not a number: 'high'", "between 0 and 1", ""),
        ("resolve: 0.8", "resolve: true", "true", "not a number: true", "between 0 and 1", ""),
        (
            "resolve: 0.8",
            "resolve: .nan",
            ".nan",
            "expected a finite number",
            "between 0 and 1",
            "",
        ),
        ("resolve: 0.8", f"resolve: {'9' * 399}", "9", "expected a finite number", "between", ""),
        ("resolve: 0.8", "resolve: ", "resolve", "'resolve' is empty", "between 0 and 1", ""),
        ("resolve: 0.8", "resolve: [0.8]", "[0.8]", "not a number: a list", "between 0 and 1", ""),
        (
            "resolve: 0.8",
            "resolve: {uniform: [0.5, 1.5]}",
            "{uniform",
            "out of range: uniform from 0.5 to 1.5",
            "between 0 and 1",
            "",
        ),
        (
            "{uniform",
            "{unifrom",
            "{unifrom",
            "unknown distribution 'unifrom'",
            "uniform, tri",
            "uniform",
        ),
        ("uniform: [0.4", "normal: [0.4, 1", "{normal", "normal takes 2 numbers", "between 0", ""),
        ("leverage: {india: 0.3", "leverage: {india: 3", "3,", "out of range: 3", "between 0", ""),
        ("title: A small crisis", "title: 2025", "2025", "not a text: 2025", "a text", ""),
        ("title: A small crisis\n", "", "start", "'title' is missing", "one line", ""),
        (
            "style: facilitation",
            "style: facilitaton",
            "facilitaton",
            "unknown style",
            "or manip",
            "facilitation",
        ),
        ("[pakistan, us]", "us", "us", "not a list: 'us'", "a list", ""),
        ("[pakistan, us]", "{us: 1}", "{us", "not a list: a mapping", "a list", ""),
        ("{state: pakistan}", "dove", "dove", "not a mapping: 'dove'", "a mapping with title", ""),
        ("deaths: 26", "deaths: -26", "-26", "out of range: -26", "(deaths)", ""),
        ("2025-04-23", "yesterday", "yesterday", "not a date: 'yesterday'", "such as 2025-", ""),
        ("2025-04-23", "20250423", "20250423", "not a date: 20250423", "such as 2025-", ""),
        ("2025-04-23", "'1745366400'", "'1745", "not a date: '1745366400'", "such as 2025-", ""),
        ("2025-04-23", "9999-12-31", "9999", "a year out of range: 9999", "such as 2025-", ""),
        (
            "start: 2025",
            "horizon_days: 4000\nstart: 2025",
            "4000",
            "out of range: 4000",
            "to 3650",
            "",
        ),
        (
            "start: 2025",
            "horizon_days: true\nstart: 2025",
            "true",
            "not a number: true",
            "to 3650",
            "",
        ),
        ("start: 2025", "horizon_days: .nan\nstart: 2025", ".nan", "", "to 3650", ""),
        (
            "start: 2025",
            "horizon_days: .inf\nstart: 2025",
            ".inf",
            "out of range: inf",
            "to 3650",
            "",
        ),
        ("start: 2025", f"horizon_days: {'9' * 399}\nstart: 2025", "9", "", "to 3650", ""),
        (
            "start: 2025",
            "real_path: {markets: {india: {index: a, closes: [[2025-05-01]]}}}\nstart: 2025",
            "[2025-05-01]",
            "item 2 is missing",
            "a number",
            "",
        ),
    ],
)
def test_a_mistake_is_shown_where_it_stands(
    write: Write, old: str, new: str, points_at: str, message: str, expected: str, suggestion: str
) -> None:
    assert old in BASE
    mistake = only_mistake(write("a.yaml", BASE.replace(old, new, 1)))
    assert pointed_at(mistake).startswith(points_at), mistake
    assert mistake.message.startswith(message), mistake
    assert expected in mistake.expected, mistake
    assert mistake.suggestion == suggestion, mistake


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


def test_a_value_refused_as_it_is_written_is_not_complained_of_twice(write: Write) -> None:
    mistake = only_mistake(write("a.yaml", BASE.replace("resolve: 0.8", "resolve: *x")))
    assert mistake.message.startswith("an alias")


def test_files_are_called_as_the_person_called_them(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = write("a.yaml", "title: x\n")
    monkeypatch.chdir(tmp_path)
    assert {one.file for one in mistakes_of(Path("a.yaml"))} == {"a.yaml"}
    assert {one.file for one in mistakes_of(path)} == {"a.yaml"}
    monkeypatch.chdir(path.parents[1])
    assert {one.file for one in mistakes_of(path)} == {str(Path(tmp_path.name) / "a.yaml")}


def test_the_room_needs_no_array_library() -> None:
    code = (
        "import sys; from crisis_sim.scenario import Scenario;"
        f"Scenario.from_text({BASE!r});"
        "print(sorted({'numpy', 'scipy', 'pandas', 'mesa', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == "[]"
