"""HTML for notebooks: a few lines that an object shows of itself, every text in them escaped.

Notebooks ask an object for `_repr_html_`. They style tables themselves, light or dark; nothing here has colours of its own.
Figures are shown by `crisis_sim.style`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from crisis_sim.text import clean

#: Letters of a text that one place in a table shows.
_LONGEST = 300


def text(value: Any) -> str:
    """A text as HTML shows it, on one line: letters and no more."""
    shown = clean(str(value))
    return escape(shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…")


def heading(title: Any, about: Any = "") -> str:
    """A first line: the kind of object in bold, then a few words about it."""
    more = f"<br>{text(about)}" if about != "" else ""
    return f"<p><strong>{text(title)}</strong>{more}</p>"


def paragraph(words: Any) -> str:
    """A paragraph; nothing where there are no words."""
    return f"<p>{text(words)}</p>" if words else ""


def bullets(items: Iterable[Any]) -> str:
    """A list of sentences, each whole."""
    return f"<ul>{''.join(f'<li>{escape(clean(str(item)))}</li>' for item in items)}</ul>"


def table(
    head: Sequence[Any], rows: Iterable[Sequence[Any]], caption: Any = "", figures: bool = False
) -> str:
    """A table whose first column names its rows.

    Args:
        head: a heading for each column.
        rows: its rows.
        caption: what it holds.
        figures: whether it holds figures, which notebooks set to the right; words begin at the left.
    """
    left = "" if figures else ' style="text-align: left"'
    said = f'<caption style="text-align: left">{text(caption)}</caption>' if caption else ""
    top = "".join(f'<th scope="col"{left}>{text(one)}</th>' for one in head)
    body = "".join(
        f'<tr><th scope="row"{left}>{text(first)}</th>'
        f"{''.join(f'<td{left}>{text(one)}</td>' for one in others)}</tr>"
        for first, *others in rows
    )
    return f"<table>{said}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def folded(summary: Any, html: str) -> str:
    """HTML that is shown when it is asked for."""
    return f"<details><summary>{text(summary)}</summary>{html}</details>"


def page(*parts: str) -> str:
    """Parts, one below the other."""
    return f"<div>{''.join(parts)}</div>"
