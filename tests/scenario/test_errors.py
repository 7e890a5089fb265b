from __future__ import annotations

import pickle

import pytest

from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.text import printable

MISTAKE = Mistake(
    "border.yaml",
    14,
    5,
    "unknown key 'leverge'",
    "title, style or leverage",
    "leverage",
    "    leverge: {india: 0.3}",
)


def test_a_report_has_place_line_caret_expectation_and_suggestion() -> None:
    assert str(MISTAKE).splitlines() == [
        "border.yaml:14:5: error: unknown key 'leverge'",
        "14 |     leverge: {india: 0.3}",
        "   |     ^",
        "   expected: title, style or leverage",
        "   did you mean 'leverage'?",
    ]


def test_a_mistake_of_a_whole_file_has_no_line() -> None:
    assert str(Mistake("gone.yaml", 0, 0, "no such file")) == "gone.yaml: error: no such file"


def caret_cell(mistake: Mistake) -> tuple[str, int]:
    line, caret = str(mistake).splitlines()[1:3]
    return line.split("| ", 1)[1], caret.split("| ", 1)[1].index("^")


def test_the_caret_stays_under_its_character_after_a_tab() -> None:
    line, cell = caret_cell(Mistake("f", 1, 3, "m", source_line="\ta: 1"))
    assert line[cell] == ":"


def test_the_caret_stays_under_its_character_after_wide_characters() -> None:
    line, cell = caret_cell(Mistake("f", 1, 4, "m", source_line="危機: 1"))
    assert cell == len("危機") * 2 + len(":")
    assert line == "危機: 1"


def test_the_caret_stays_under_its_character_in_a_long_line() -> None:
    source = "a" * 400 + "X" + "b" * 400
    line, cell = caret_cell(Mistake("f", 1, 401, "m", source_line=source))
    assert line[cell] == "X"
    assert len(line) < 130


def test_terminal_controls_are_escaped_wherever_they_stand() -> None:
    evil = "\x1b[2J\u202e\x07"
    report = str(Mistake(evil, 1, 6, evil, evil, evil, f"k: {evil}"))
    assert "\x1b" not in report
    assert "\u202e" not in report
    assert "\x07" not in report
    assert "\\x1b[2J" in report


def test_the_caret_counts_escaped_characters_as_they_are_shown() -> None:
    line, cell = caret_cell(Mistake("f", 1, 3, "m", source_line="\x1b\x1bX"))
    assert line[cell] == "X"


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


def test_ordinary_text_of_any_script_is_printed_as_it_is() -> None:
    assert printable("Pakistan – پاکستان, भारत") == "Pakistan – پاکستان, भारत"
