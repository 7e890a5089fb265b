from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as some
from matplotlib import font_manager

from crisis_sim import style

STIX = ("STIXGeneral", font_manager.findfont("STIXGeneral"))


@pytest.fixture(autouse=True)
def _nothing_told_yet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if no font but matplotlib's own were installed, and nothing had been said of any."""
    monkeypatch.setattr(style, "_installed", lambda: (STIX,))
    kept = style._holder, style._tell
    for one in kept:
        one.cache_clear()
    yield
    for one in kept:
        one.cache_clear()


def drawn(*titles: str) -> list[list[str]]:
    """The fonts that each of some titles is drawn with."""
    families = []
    with style.in_style():
        for title in titles:
            figure = style.new_figure()
            text = figure.add_subplot().set_title(title)
            style.settle(figure)
            families.append(text.get_fontfamily())
    return families


def test_a_script_that_no_font_holds_is_told_of_once_with_what_to_install(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        drawn("भारत और पाकिस्तान", "नेपाल", "भारत", "ไทย", "中国 日本 한국")
    told = [
        (one.split(" holds ")[1].split(":")[0], one.rsplit(" such as ", 1)[1])
        for one in caplog.messages
    ]
    assert told == [
        ("Devanagari", "Noto Sans Devanagari"),
        ("Thai", "Noto Sans Thai"),
        ("Chinese, Japanese or Korean", "Noto Sans CJK"),
    ]


def test_of_what_the_charts_own_font_holds_nothing_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        families = drawn("Crisis", "Ελλάδα россия", "پاکستان", "méxico e\u0301 a\u200d b\u00a0c")
    assert not caplog.messages
    assert families == [[style.FAMILY]] * 4


def test_letters_that_another_font_holds_are_drawn_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    there = sorted(style._letters(STIX[1]) - style._letters(font_manager.findfont(style.FAMILY)))
    letter = next(
        chr(one) for one in there if chr(one).isprintable() and style._is_lacking(chr(one))
    )
    assert drawn(f"a {letter}") == [[style.FAMILY, "STIXGeneral"]]
    assert not caplog.messages


SCRIPTS = {
    "Devanagari": "भाि",
    "Bengali": "বা",
    "Tamil": "தி",
    "Sinhala": "ග",
    "Thai": "ไ่",
    "Myanmar": "မ",
    "Khmer": "ខ្",
    "Ethiopic": "አ",
    "Tibetan": "འ",
    "Arabic": "پَ",
    "Chinese, Japanese or Korean": "中あア한ㄅｱ",
    "Latin": "ꞵ",
    "some symbols": "😀",
}
FONTS = {
    "Chinese, Japanese or Korean": "Noto Sans CJK",
    "Latin": "Noto Sans",
    "some symbols": "Noto Sans Symbols 2 or Noto Emoji",
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_known_by_its_letters_and_its_marks(script: str) -> None:
    font = FONTS.get(script, f"Noto Sans {script}")
    assert {style.script_of(letter) for letter in SCRIPTS[script]} == {(script, font)}


@given(some.characters(exclude_categories=["C", "Z"]))
def test_any_letter_is_of_some_script_and_some_font_is_named(letter: str) -> None:
    assert all(word.strip() == word and word for word in style.script_of(letter))
