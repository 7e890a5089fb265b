"""Charts as SVG inside a page, with colours for a dark page."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from crisis_sim import style
from crisis_sim import text as words
from crisis_sim.report.page.blocks import Chart

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# --- A chart's colours on a dark page
#
# Charts are drawn for white paper. On a dark page the style's ink, paper, axes and grid stand out from the ground as
# much as
# they do from white. Every other colour is mixed with so much white that it meets the contrast of 3 to 1 which WCAG
# 2.2 asks
# of a chart's parts; all take the same share of white, so what was the lighter of two stays so.

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


# --- A chart as inline SVG: small, with ids of its own, colours for light and dark, and its finding in words
#
# A file of matplotlib's is made for itself. Within a page ids must not meet those of another chart,
# a screen reader needs a title and a description, and hundredths of a point are exact enough.

_LINK = "{http://www.w3.org/1999/xlink}href"
_GEOMETRY = ("d", "x", "y", "width", "height")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
#: Attributes that hold a colour; a variable may stand in a `style` alone.
_PAINT = ("fill", "stroke")
_SPACE = re.compile(r"\s+")
_COMMAND = re.compile(r"[ML] \S+ \S+|z")
#: What a file needs and a page has elsewhere.
_LEFT_OUT = ("metadata", "style")


def chart(figure: Figure, name: str, title: str, finding: str, reading: str = "") -> Chart:
    """A chart as a block of a page, its finding as its caption.

    Args:
        figure: the chart.
        name: a word for it, unique on the page.
        title: what the chart is.
        finding: what it says, in words.
        reading: how to read it.
    """
    return Chart(name, inline(figure, name, title, finding or reading), finding, reading)


def inline(figure: Figure, name: str, title: str, finding: str) -> str:
    """A chart as an `<svg>` element.

    Args:
        figure: the chart.
        name: a word for it, unique on the page; its ids begin with it.
        title: what the chart is.
        finding: what it says, in words.
    """
    root = ET.fromstring(_drawn(figure))  # noqa: S314 (drawn here a moment ago)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    _leave_out(root)
    used = {reference for element in root.iter() for reference in _references(element)}
    colours: set[str] = set()
    for element in root.iter():
        _adopt(element, name, used)
        colours |= _colour(element)
    _shake_off_empty_groups(root)
    root.attrib = {
        "viewBox": root.attrib["viewBox"],
        "class": "chart",
        "role": "img",
        "aria-labelledby": f"{name}-title",
        "aria-describedby": f"{name}-finding",
    }
    for place, (tag, end, text) in enumerate(
        (("title", "title", title), ("desc", "finding", finding))
    ):
        said = ET.Element(tag, {"id": f"{name}-{end}"})
        said.text = words.clean(text)
        root.insert(place, said)
    ET.SubElement(root, "style").text = dark_sheet(colours)
    return ET.tostring(root, encoding="unicode")


def _drawn(figure: Figure) -> bytes:
    file = io.BytesIO()
    with style.in_style():
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


def _leave_out(parent: ET.Element) -> None:
    for child in list(parent):
        if child.tag in _LEFT_OUT:
            parent.remove(child)
        else:
            _leave_out(child)


def _references(element: ET.Element) -> Iterator[str]:
    """The ids that an element's attributes point to."""
    for key, value in element.attrib.items():
        if key == _LINK:
            yield value.removeprefix("#")
        yield from _REFERENCE.findall(value)


def _adopt(element: ET.Element, name: str, used: set[str]) -> None:
    """Give an element ids of this chart's own, and say no more than is needed."""
    attributes = {}
    for key, value in element.attrib.items():
        if key == "id":
            if value in used:
                attributes["id"] = f"{name}-{value}"
        elif key == _LINK:
            attributes["href"] = f"#{name}-{value.removeprefix('#')}"
        elif key in _GEOMETRY:
            rounded = _LONG_NUMBER.sub(lambda found: f"{float(found[0]):.2f}", value)
            attributes[key] = _straightened(_SPACE.sub(" ", rounded).strip())
        else:
            attributes[key] = _REFERENCE.sub(rf"url(#{name}-\1)", value)
    element.attrib = attributes
    element.text = element.tail = None


def _colour(element: ET.Element) -> set[str]:
    """Write an element's colours as variables, for a dark page to change; gives the colours."""
    painted = {key: element.attrib.pop(key) for key in _PAINT if key in element.attrib}
    declared = [f"{key}: {value}" for key, value in painted.items()]
    if "style" in element.attrib:
        declared.append(element.attrib["style"])
    if not declared:
        return set()
    element.attrib["style"], found = by_variable("; ".join(declared))
    return found


def _straightened(path: str) -> str:
    """A path without the points in the midst of level and upright stretches, of which steps are full."""
    commands = _COMMAND.findall(path)
    if " ".join(commands) != path:  # it has curves, or is no path
        return path
    kept: list[str] = []
    for command in commands:
        while len(kept) > 1 and _in_line(kept[-2], kept[-1], command):
            kept.pop()
        kept.append(command)
    return " ".join(kept)


def _in_line(before: str, between: str, after: str) -> bool:
    """Whether a line goes on through the middle one of three points, straight across or up."""
    if not (between.startswith("L") and after.startswith("L")):
        return False
    points = [[float(number) for number in one.split()[1:]] for one in (before, between, after)]
    for along, fixed in ((0, 1), (1, 0)):
        if points[0][fixed] == points[1][fixed] == points[2][fixed]:
            here = [point[along] for point in points]
            return here in (sorted(here), sorted(here, reverse=True))
    return False


def _shake_off_empty_groups(parent: ET.Element) -> None:
    """Take away groups that say nothing of what they hold."""
    children: list[ET.Element] = []
    for child in parent:
        _shake_off_empty_groups(child)
        children += list(child) if child.tag == "g" and not child.attrib else [child]
    parent[:] = children
