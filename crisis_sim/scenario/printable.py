"""Text that came from a file, made fit to be shown: the one home of what may reach a terminal or a page.

`printable` shows everything, and escapes what a terminal would obey; reports of mistakes need that. `clean`
makes one line of a title or a name and leaves out what has no shape; tables, charts and stories need that.
`markdown` makes such a line literal in Markdown, and so in the HTML that is made of it.
"""

from __future__ import annotations

import re
import unicodedata

#: Characters without a shape of their own that some scripts need between letters.
JOINERS = "\u200c\u200d"

#: Unicode's categories of control characters, of direction marks and the like, and of broken pairs.
_UNSEEN = ("Cc", "Cf", "Cs")

#: What Markdown, GitHub's dialect of it and its formulas give a meaning to inside a line.
_MARKUP = re.compile(r"[\\`*_\[\]<>&|~$#]")


def printable(text: str, *, also: str = "") -> str:
    """A text with everything escaped that could move a terminal's cursor or hide other text.

    Args:
        text: any text.
        also: characters to leave as they are, such as line breaks.
    """
    if text.isprintable():
        return text
    return "".join(
        mark
        if mark.isprintable() or mark in also
        else mark.encode("unicode_escape").decode("ascii")
        for mark in text
    )


def printable_lines(text: str) -> str:
    """A text of many lines, for a terminal: escaped like `printable`, line by line.

    Line breaks and the joiners that some scripts need stay.
    """
    return printable(text, also="\n" + JOINERS)


def printable_json(text: str) -> str:
    """A JSON text for a terminal: the same data, with escapes where `printable_lines` has them."""
    if text.isprintable():
        return text
    return "".join(
        mark if mark.isprintable() or mark in "\n" + JOINERS else _json_escape(mark)
        for mark in text
    )


def clean(text: str) -> str:
    """A text on one line, without characters that steer a terminal or its writing."""
    kept = (
        " " if char.isspace() else char
        for char in text
        if char.isspace() or char in JOINERS or unicodedata.category(char) not in _UNSEEN
    )
    return " ".join("".join(kept).split())


def markdown(text: str) -> str:
    """A cleaned text as Markdown shows it: links, emphasis, HTML and formulas are letters and no more."""
    return _MARKUP.sub(r"\\\g<0>", clean(text))


def _json_escape(mark: str) -> str:
    """A character as JSON escapes it: in UTF-16, two escapes for one beyond the first plane."""
    units = mark.encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
