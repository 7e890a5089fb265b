"""Letters in charts: an installed font for scripts that the charts' own has not, and what to install where there is none."""

from __future__ import annotations

import logging
import re
import unicodedata
from functools import cache
from itertools import takewhile

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

#: The charts' own font. It comes with matplotlib, so every machine draws alike.
FAMILY = "DejaVu Sans"
#: Fonts that hold a picture of a box for everything.
_NO_LETTERS = "Last Resort"
#: Where in the name that Unicode gives a letter that of its script ends.
_AFTER_A_SCRIPT = re.compile(
    "LETTER|VOWEL|SIGN|DIGIT|SYLLABLE|MARK|CHARACTER|CONSONANT|UNIFIED|COMBINING|SUBJOINED|SYMBOL|PUNCTUATION|"
    "DEPENDENT|INDEPENDENT|TONE|NUMBER|LIGATURE|IDEOGRAPH|SMALL|CAPITAL"
)
_EAST_ASIAN = frozenset(
    ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "HALFWIDTH", "FULLWIDTH")
)
_WITH_LATIN = ("", "Latin", "Greek", "Cyrillic")


def fall_back(figure: Figure) -> bool:
    """Give the texts of a chart fonts for the letters that its own font lacks; whether there were any.

    A script that no installed font holds is told of once.
    """
    found = False
    for text in figure.findobj(Text):
        written = text.get_text()
        lacking = [] if written.isascii() else [one for one in written if _is_lacking(one)]
        if lacking:
            families = dict.fromkeys(holder for one in lacking if (holder := _holder(one)))
            text.set_fontfamily([FAMILY, *families])
            found = found or bool(families)
    return found


def _is_lacking(letter: str) -> bool:
    return (
        ord(letter) not in _letters(font_manager.findfont(FAMILY))
        and unicodedata.category(letter)[0] not in "CZ"
    )


@cache
def _letters(path: str) -> frozenset[int]:
    """The letters that a font holds; none where it cannot be read."""
    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()


@cache
def _holder(letter: str) -> str:
    """The name of an installed font that holds a letter; "" where none does, which is told once of each script."""
    for name, path in _installed():
        if ord(letter) in _letters(path):
            return name
    _tell(*script_of(letter))
    return ""


@cache
def _installed() -> tuple[tuple[str, str], ...]:
    """Names and files of the installed fonts that stand upright and are neither thin nor bold; Noto's first."""
    entries = {
        entry.name: entry.fname
        for entry in font_manager.fontManager.ttflist
        if entry.style == "normal" and entry.weight in (400, "normal", "regular")
        if not entry.name.startswith(_NO_LETTERS)
    }
    return tuple(sorted(entries.items(), key=lambda one: (not one[0].startswith("Noto Sans"), one)))


def script_of(letter: str) -> tuple[str, str]:
    """The name of a letter's script, and of a free font that holds it."""
    if unicodedata.category(letter)[0] not in "LMN":
        return "some symbols", "Noto Sans Symbols 2 or Noto Emoji"
    words = _script_words(unicodedata.name(letter, ""))
    if words and words[0] in _EAST_ASIAN:
        return "Chinese, Japanese or Korean", "Noto Sans CJK"
    script = " ".join(words).title()
    if script in _WITH_LATIN:
        return script or "some letters", "Noto Sans"
    return script, f"Noto Sans {script}"


def _script_words(name: str) -> list[str]:
    """What of a letter's name is that of its script: of some marks, the first word."""
    words = name.split()
    found = [*takewhile(lambda word: not _AFTER_A_SCRIPT.fullmatch(word), words)]
    return found if len(found) < len(words) else found[:1]


@cache
def _tell(script: str, font: str) -> None:
    """Say once that a script cannot be drawn: on the error stream, unless a program has said where such words go."""
    logging.getLogger("crisis_sim").warning(
        "no installed font holds %s: in charts its letters are empty boxes; install one that does, such as %s",
        script,
        font,
    )
