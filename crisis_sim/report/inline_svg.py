"""Inline SVG of a chart for a page: small, with unique ids, a text alternative, and colours for light and dark pages."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from numpy.typing import NDArray

from crisis_sim import style, text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Charts are drawn for white paper. On a dark page, black, grey and white keep the contrast with the background that they
# have with white paper. All other colours are mixed with the same share of white, so that each has at least the contrast of
# 3 to 1 that WCAG 2.2 requires of graphics, and lighter colours remain lighter.

#: Background and text colour of the dark page, as in `style.css`.
PAPER, INK = "#141414", "#ebebeb"
#: Colours that are inverted on a dark page.
TURNED = (style.BLACK, style.GREY, style.PALE_GREY, style.GRID_GREY, style.WHITE)
#: Colours that stay the same: text on a coloured area.
FIXED = (style.ON_COLOUR,)
#: Contrast of coloured parts with the background: 3, and a margin for rounding.
CONTRAST = 3.05

_COLOUR = re.compile(r"(?<=[ \"])#[0-9a-f]{6}(?=[;\"])")
#: Patterns to remove from matplotlib's SVG, in this order, and their replacements.
_SMALLER = (
    (re.compile(r"\A.*?<svg [^>]*>|<!--.*?-->|<style.*?</style>|</svg>", re.DOTALL), ""),
    (re.compile(r"\s+"), " "),
    (re.compile(r"(?<=>) | (?=/?>)|(?<=\") (?=\")"), ""),
    (re.compile(r'<g id="[^"]*">'), "<g>"),
    (re.compile(r"xlink:href"), "href"),
)
_GEOMETRY = re.compile(r'(?<= )(?:d|x|y|width|height)="[^"]*"')
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
#: Redundant points within a horizontal line, which step plots have many of.
_LEVEL = re.compile(r"([ML] \S+ (\S+)) (?:L \S+ \2 )+(?=L \S+ \2 )")


def for_both(draw: Callable[[], Figure], name: str, title: str, finding: str) -> str:
    """Return a chart as two `<svg>` elements, for wide and narrow screens; the page's style sheet shows one of them.

    `draw` draws the chart; the other arguments are those of `inline`.
    """
    wide = inline(draw(), name, title, finding, "wide")
    with style.in_a_column():
        return wide + inline(draw(), f"{name}-narrow", title, finding, "narrow")


def inline(figure: Figure, name: str, title: str, finding: str, width: str = "") -> str:
    """Return a chart as an `<svg>` element.

    Args:
        figure: the chart.
        name: the prefix of its ids, unique on the page.
        title: its title.
        finding: its result in words.
        width: another class of the element.
    """
    file = io.StringIO()
    with style.in_style():
        figure.savefig(
            file, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    svg = file.getvalue()
    box = re.findall('viewBox="([^"]+)"', svg)[0]
    for pattern, replacement in _SMALLER:
        svg = pattern.sub(replacement, svg)
    svg = _GEOMETRY.sub(_rounded, svg)
    svg = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    colours = set(_COLOUR.findall(svg))
    svg = _COLOUR.sub(lambda match: f"var(--on-{match[0][1:]}, {match[0]})", svg)
    return (
        f'<svg viewBox="{box}" class="{f"chart {width}".strip()}" role="img" aria-labelledby="{name}-title" '
        f'aria-describedby="{name}-finding"><title id="{name}-title">{escape(text.clean(title))}</title>'
        f'<desc id="{name}-finding">{escape(text.clean(finding))}</desc>{svg}'
        f"<style>{dark_sheet(colours)}</style></svg>"
    )


def _rounded(attribute: re.Match[str]) -> str:
    """Round an attribute to hundredths of a point and drop redundant points of horizontal lines."""
    short = _LONG_NUMBER.sub(lambda match: f"{float(match[0]):.2f}", attribute[0])
    return _LEVEL.sub(r"\1 ", short.replace('"', ' "')).replace(' "', '"')


def dark_sheet(colours: Iterable[str]) -> str:
    """Return the style sheet with the colours' values on a dark page."""
    values = "".join(f"--on-{colour[1:]}:{on_dark(colour)};" for colour in sorted(colours))
    return f"@media screen and (prefers-color-scheme:dark){{.chart{{{values}}}}}" if values else ""


def on_dark(colour: str) -> str:
    """Return the colour on a dark page of a colour chosen for white paper."""
    if colour.upper() in FIXED:
        return colour
    background = luminance(PAPER) + 0.05
    if colour.upper() in TURNED:
        target = min(contrast(colour, style.WHITE), contrast(INK, PAPER))
        return _hex(np.full(3, target * background - 0.05))
    white = CONTRAST * background - 0.05
    return _hex(_linear(colour) * (1 - white) + white)


def contrast(a: str, b: str) -> float:
    """Return the contrast of two colours, from 1 to 21 (WCAG 2.2)."""
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """Return a colour's relative luminance, from 0 to 1 (WCAG 2.2)."""
    return float(_linear(colour) @ (0.2126, 0.7152, 0.0722))


def _linear(colour: str) -> NDArray[np.float64]:
    shares = np.array(to_rgb(colour))
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def _hex(linear: NDArray[np.float64]) -> str:
    low, high = 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    red, green, blue = np.where(linear <= 0.0031308, low, high)
    return to_hex((red, green, blue))
