"""A chart's colours on a dark page.

Charts are drawn for white paper. On a dark page the style's ink, paper, axes and grid stand out from the ground as much as
they do from white. Every other colour is mixed with so much white that it meets the contrast of 3 to 1 which WCAG 2.2 asks
of a chart's parts; all take the same share of white, so what was the lighter of two stays so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from crisis_sim.report import style

#: The dark page's paper and ink, as `style.css` has them.
PAPER, INK = "#141414", "#ebebeb"
#: What turns about with the page, from ink to paper.
_TURNED = (style.BLACK, style.GREY, style.PALE_GREY, style.GRID_GREY, style.WHITE)
#: Contrast of a chart's coloured parts with the paper: the 3 asked for, and a little over for rounding.
CONTRAST = 3.05
#: Colours that are the same on any page: words that stand on a coloured area.
_FIXED = (style.ON_COLOUR,)

_COLOUR = re.compile(r"(?<=[ :])#[0-9a-f]{6}\b")


def variable(colour: str) -> str:
    """A colour as a page's style sheet knows it: on white paper it is the colour itself."""
    return f"var(--on-{colour[1:]}, {colour})"


def by_variable(declarations: str) -> tuple[str, set[str]]:
    """The declarations of a `style` attribute with variables in place of colours, and these colours."""
    found = set(_COLOUR.findall(declarations))
    return _COLOUR.sub(lambda one: variable(one[0]), declarations), found


def dark_sheet(colours: Iterable[str]) -> str:
    """The style sheet that gives colours their values on a dark page."""
    values = "".join(f"--on-{one[1:]}:{on_dark(one)};" for one in sorted(set(colours)))
    return f"@media screen and (prefers-color-scheme:dark){{.chart{{{values}}}}}" if values else ""


def on_dark(colour: str) -> str:
    """What a colour that was chosen for white paper becomes on the dark page."""
    if colour.upper() in _FIXED:
        return colour
    ground = luminance(PAPER) + 0.05
    if colour.upper() in _TURNED:
        wanted = min(contrast(colour, style.WHITE), contrast(INK, PAPER))
        light = wanted * ground - 0.05
        return _written(light, light, light)
    share = CONTRAST * ground - 0.05
    return _written(*(_linear(one) * (1 - share) + share for one in _channels(colour)))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21 (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """A colour's relative luminance, from 0 to 1 (WCAG 2.2)."""
    red, green, blue = (_linear(one) for one in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))


def _linear(channel: int) -> float:
    share = channel / 255
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)


def _written(*channels: float) -> str:
    """A colour from its linear channels."""
    shares = (
        12.92 * one if one <= 0.0031308 else 1.055 * one ** (1 / 2.4) - 0.055 for one in channels
    )
    return "#" + "".join(f"{round(255 * one):02x}" for one in shares)
