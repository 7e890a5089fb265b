"""A chart as SVG inside a page: small, with ids of its own, its finding in words, and colours for light and dark."""

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

# Charts are drawn for white paper. On a dark page the style's ink, paper, axes and grid stand out from the ground as much
# as they do from white. Every other colour is mixed with so much white that it meets the contrast of 3 to 1 which WCAG 2.2
# asks of a chart's parts; all take the same share of white, so what was the lighter of two stays so.

#: The dark page's paper and ink, as `style.css` has them.
PAPER, INK = "#141414", "#ebebeb"
#: Turned from ink to paper on a dark page.
TURNED = (style.BLACK, style.GREY, style.PALE_GREY, style.GRID_GREY, style.WHITE)
#: The same on any page: words that stand on a coloured area.
FIXED = (style.ON_COLOUR,)
#: Contrast of a chart's coloured parts with the paper: the 3 asked for, and a little over for rounding.
CONTRAST = 3.05

_COLOUR = re.compile(r"(?<=[ \"])#[0-9a-f]{6}(?=[;\"])")
#: Parts of matplotlib's SVG that a page does without, in this order, and their replacements.
_SMALLER = (
    (re.compile(r"\A.*?<svg [^>]*>|<!--.*?-->|<style.*?</style>|</svg>", re.DOTALL), ""),
    (re.compile(r"\s+"), " "),
    (re.compile(r"(?<=>) | (?=/?>)|(?<=\") (?=\")"), ""),
    (re.compile(r'<g id="[^"]*">'), "<g>"),
    (re.compile(r"xlink:href"), "href"),
)
_GEOMETRY = re.compile(r'(?<= )(?:d|x|y|width|height)="[^"]*"')
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
#: Points in the midst of a level stretch, of which steps are full.
_LEVEL = re.compile(r"([ML] \S+ (\S+)) (?:L \S+ \2 )+(?=L \S+ \2 )")


def for_both(draw: Callable[[], Figure], name: str, title: str, finding: str) -> str:
    """A chart as two `<svg>` elements, for a page and for a phone, of which the page's style sheet shows one.

    `draw` draws the chart in the width in which charts are made; the rest is as for `inline`.
    """
    wide = inline(draw(), name, title, finding, "wide")
    with style.in_a_column():
        return wide + inline(draw(), f"{name}-narrow", title, finding, "narrow")


def inline(figure: Figure, name: str, title: str, finding: str, width: str = "") -> str:
    """A chart as an `<svg>` element.

    Args:
        figure: the chart.
        name: a word for it, unique on the page; its ids begin with it.
        title: what the chart is.
        finding: what it shows, in words.
        width: a further class of the element.
    """
    file = io.StringIO()
    with style.in_style():
        figure.savefig(
            file, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    svg = file.getvalue()
    box = re.findall('viewBox="([^"]+)"', svg)[0]
    for pattern, instead in _SMALLER:
        svg = pattern.sub(instead, svg)
    svg = _GEOMETRY.sub(_rounded, svg)
    svg = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    colours = set(_COLOUR.findall(svg))
    svg = _COLOUR.sub(lambda one: f"var(--on-{one[0][1:]}, {one[0]})", svg)
    return (
        f'<svg viewBox="{box}" class="{f"chart {width}".strip()}" role="img" aria-labelledby="{name}-title" '
        f'aria-describedby="{name}-finding"><title id="{name}-title">{escape(text.clean(title))}</title>'
        f'<desc id="{name}-finding">{escape(text.clean(finding))}</desc>{svg}'
        f"<style>{dark_sheet(colours)}</style></svg>"
    )


def _rounded(attribute: re.Match[str]) -> str:
    """An attribute to hundredths of a point, its level stretches without the points between."""
    short = _LONG_NUMBER.sub(lambda found: f"{float(found[0]):.2f}", attribute[0])
    return _LEVEL.sub(r"\1 ", short.replace('"', ' "')).replace(' "', '"')


def dark_sheet(colours: Iterable[str]) -> str:
    """The style sheet that gives colours their values on a dark page."""
    values = "".join(f"--on-{one[1:]}:{on_dark(one)};" for one in sorted(colours))
    return f"@media screen and (prefers-color-scheme:dark){{.chart{{{values}}}}}" if values else ""


def on_dark(colour: str) -> str:
    """The dark page's colour for one that was chosen for white paper."""
    if colour.upper() in FIXED:
        return colour
    ground = luminance(PAPER) + 0.05
    if colour.upper() in TURNED:
        wanted = min(contrast(colour, style.WHITE), contrast(INK, PAPER))
        return _hex(np.full(3, wanted * ground - 0.05))
    white = CONTRAST * ground - 0.05
    return _hex(_linear(colour) * (1 - white) + white)


def contrast(a: str, b: str) -> float:
    """The contrast of two colours, from 1 to 21 (WCAG 2.2)."""
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """A colour's relative luminance, from 0 to 1 (WCAG 2.2)."""
    return float(_linear(colour) @ (0.2126, 0.7152, 0.0722))


def _linear(colour: str) -> NDArray[np.float64]:
    shares = np.array(to_rgb(colour))
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def _hex(linear: NDArray[np.float64]) -> str:
    low, high = 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    red, green, blue = np.where(linear <= 0.0031308, low, high)
    return to_hex((red, green, blue))
