"""HTML for the `_repr_html_` of objects in notebooks; all text is escaped.

Notebooks style tables themselves, light or dark, so no colours are set here. `crisis_sim.style` displays figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from crisis_sim.text import clean

#: The maximum number of characters of a cell.
_LONGEST = 300


def text(value: Any) -> str:
    """Escape a value for HTML, on one line and shortened."""
    line = clean(str(value))
    return escape(line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…")


def heading(title: Any, about: Any = "") -> str:
    """Return a heading: the kind of object in bold, then a line about it."""
    more = f"<br>{text(about)}" if about != "" else ""
    return f"<p><strong>{text(title)}</strong>{more}</p>"


def paragraph(words: Any) -> str:
    """Return a paragraph, or "" without words."""
    return f"<p>{text(words)}</p>" if words else ""


def bullets(items: Iterable[Any]) -> str:
    """Return a bulleted list; items are not shortened."""
    return f"<ul>{''.join(f'<li>{escape(clean(str(item)))}</li>' for item in items)}</ul>"


def table(
    head: Sequence[Any], rows: Iterable[Sequence[Any]], caption: Any = "", figures: bool = False
) -> str:
    """Return a table whose first column contains row headings.

    Args:
        head: the heading of each column.
        rows: the cells of each row.
        caption: text above the table.
        figures: leave the alignment to the notebook, which aligns cells to the right.
    """
    align = "" if figures else ' style="text-align: left"'
    above = f'<caption style="text-align: left">{text(caption)}</caption>' if caption else ""
    headings = "".join(f'<th scope="col"{align}>{text(name)}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row"{align}>{text(first)}</th>'
        f"{''.join(f'<td{align}>{text(cell)}</td>' for cell in others)}</tr>"
        for first, *others in rows
    )
    return f"<table>{above}<thead><tr>{headings}</tr></thead><tbody>{body}</tbody></table>"


def folded(summary: Any, html: str) -> str:
    """Return HTML in a block that the reader can unfold."""
    return f"<details><summary>{text(summary)}</summary>{html}</details>"


def page(*parts: str) -> str:
    """Wrap parts into one block."""
    return f"<div>{''.join(parts)}</div>"
