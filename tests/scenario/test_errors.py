from __future__ import annotations

import pickle

import pytest

from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of

MISTAKE = Mistake(
    "f", 14, 5, "unknown 'leverge'", "title or leverage", "leverage", "    leverge: {}"
)


def test_a_report_has_place_line_caret_expectation_and_suggestion() -> None:
    assert str(MISTAKE).splitlines() == [
        "f:14:5: error: unknown 'leverge'",
        "14 |     leverge: {}",
        "   |     ^",
        "   expected: title or leverage",
        "   did you mean 'leverage'?",
    ]


def test_a_mistake_of_a_whole_file_has_no_line() -> None:
    assert str(Mistake("gone.yaml", 0, 0, "no such file")) == "gone.yaml: error: no such file"


@pytest.mark.parametrize(
    ("source", "column", "shown"),
    [
        ("\ta: 1", 3, ":"),
        ("危機: 1", 4, " "),
        ("\x1b\x1bX", 3, "X"),
        ("a" * 400 + "X" + "b" * 400, 401, "X"),
    ],
    ids=["a tab", "wide characters", "escapes", "a long line"],
)
def test_the_caret_stays_under_its_character(source: str, column: int, shown: str) -> None:
    lines = str(Mistake("f", 1, column, "m", source_line=source)).splitlines()[1:3]
    line, caret = (one.split("| ", 1)[1] for one in lines)
    cells = "".join(mark * (2 if mark in "危機" else 1) for mark in line)
    assert cells[caret.index("^")] == shown
    assert len(line) < 130


def test_terminal_controls_are_escaped_wherever_they_stand() -> None:
    evil = "\x1b[2J\u202e\x07"
    report = str(Mistake(evil, 1, 6, evil, evil, evil, f"k: {evil}"))
    assert not {"\x1b", "\u202e", "\x07"} & {*report}
    assert "\\x1b[2J" in report


def test_a_very_long_message_is_cut() -> None:
    assert len(str(Mistake("f", 0, 0, "x" * 100_000))) < 400


def test_an_error_sorts_its_mistakes_and_says_each_once() -> None:
    late, early = Mistake("b", 9, 1, "late"), Mistake("b", 2, 1, "early")
    other = Mistake("a", 30, 1, "other file")
    error = ScenarioError([late, other, early, late])
    assert error.mistakes == (other, early, late)
    assert str(error).splitlines()[-1] == "3 mistakes"


def test_an_error_survives_the_way_between_processes() -> None:
    again = pickle.loads(pickle.dumps(ScenarioError([MISTAKE])))  # noqa: S301 - our own bytes
    assert again.mistakes == (MISTAKE,)


@pytest.mark.parametrize(
    ("word", "expected"), [("leverge", "leverage"), ("Trust", "trust"), ("zzz", "")]
)
def test_the_nearest_word_is_near_or_none(word: str, expected: str) -> None:
    assert nearest(word, ["trust", "leverage", "interest"]) == expected


def test_words_are_listed_as_a_person_would() -> None:
    assert one_of(["a", "b", "c", "b"]) == "a, b or c"
    assert one_of(["a"]) == "a"
    assert one_of([]) == ""
