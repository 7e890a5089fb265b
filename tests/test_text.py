from __future__ import annotations

import html
import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from crisis_sim.text import JOINERS, clean, markdown, printable, printable_json, printable_lines

#: Erases the screen, reverses writing, sets the window's title, begins a C1 sequence, hides in tags.
STEERING = "\x1b[2J\u202e\x1b]0;x\x07\x9b31m\u200f\ufeff\U000e0041\x7f\r\b"

MARKUP = [
    *("[x](javascript:alert)", "![i](http://x)", "<script>alert(1)</script>", "<http://a.b>"),
    *(
        "&lt;b&gt; &amp;",
        "**b** _i_ `c` ~~s~~",
        "a | b",
        "# h",
        "1. a",
        "- a",
        "\\*",
        "[a]: http://x",
    ),
]


def steers(text: str) -> bool:
    return any(
        unicodedata.category(mark) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        for mark in text
        if mark not in "\n" + JOINERS
    )


@given(st.text() | st.just(STEERING))
def test_no_text_steers_a_terminal_whichever_way_it_is_made_fit(text: str) -> None:
    for made in (printable(text), printable_lines(text), clean(text), markdown(text)):
        assert not steers(made)
    assert "\n" not in printable(text) + clean(text) + markdown(text)


@given(st.lists(st.text() | st.just(STEERING)))
def test_json_that_is_fit_for_a_terminal_holds_the_same_data(texts: list[str]) -> None:
    made = printable_json(json.dumps(texts, ensure_ascii=False, indent=2))
    assert not steers(made)
    assert json.loads(made) == texts


def test_lines_and_the_joiners_of_scripts_are_left() -> None:
    text = "क्\u200dष\n危機 – é"
    assert printable_lines(text) == text
    assert json.loads(printable_json(json.dumps(text, ensure_ascii=False))) == text


@pytest.mark.parametrize("before", ["# ", "x ", "**m.** "])
@pytest.mark.parametrize("text", MARKUP)
def test_markup_in_a_title_is_shown_as_letters(text: str, before: str) -> None:
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    page = reader.render(before + markdown(text))
    shown = html.unescape(re.sub("<[^>]+>", "", page)).strip()
    assert shown.removeprefix("x ").removeprefix("m. ") == clean(text)
    assert set(re.findall(r"<(\w+)", page)) <= {"h1", "p", "strong"}


def test_an_ordinary_title_needs_no_escapes_in_markdown() -> None:
    title = "India's “Operation” at 01:05 (IST), 26 dead; KSE-100 fell 12.6%!"
    assert markdown(title) == title
