"""Inspect output: the texts of a figure, the elements of an HTML page, and the lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from io import StringIO
from itertools import combinations
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from rich.console import Console

from crisis_sim import style
from crisis_sim.report.answers import print_summary


def texts(figure: Figure) -> list[Text]:
    """All visible texts."""
    found = [*figure.texts]
    for axes in figure.axes:
        found += [axes.xaxis.label, axes.yaxis.label, axes.title, axes._left_title, *axes.texts]
        found += _tick_labels(axes)
    for legend in legends(figure):
        found += legend.get_texts()
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def legends(figure: Figure) -> list[Legend]:
    own = [axes.get_legend() for axes in figure.axes]
    return [*figure.legends, *(legend for legend in own if legend is not None)]


def words_in(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in texts(figure))


def legend_entries(figure: Figure) -> list[str]:
    return [text.get_text() for legend in legends(figure) for text in legend.get_texts()]


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of overlapping texts, and texts that extend beyond the figure."""
    with style.in_style():  # ticks created late take their font size from it
        figure.draw_without_rendering()
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
    found = [
        (one, other)
        for (one, box), (other, its_box) in combinations(boxes, 2)
        if _area_shared(box, its_box) > 1.0
    ]
    low, high = figure.bbox.min - 1, figure.bbox.max + 1
    return found + [
        (name, "the edge") for name, box in boxes if (box.min < low).any() or (box.max > high).any()
    ]


def legends_over_data(figure: Figure) -> list[str]:
    """First entries of legends that overlap axes."""
    figure.draw_without_rendering()
    return [
        legend.get_texts()[0].get_text()
        for legend in legends(figure)
        for axes in figure.axes
        if _area_shared(legend.get_window_extent(), axes.get_window_extent()) > 1.0
    ]


def svg(figure: Figure, folder: Path) -> bytes:
    path = folder / "chart.svg"
    style.save(figure, path)
    return path.read_bytes()


def _tick_labels(axes: Axes) -> Iterator[Text]:
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in axis.get_major_ticks():
            if low <= tick.get_loc() <= high and tick.label1.get_visible():
                yield tick.label1


def _area_shared(one: Bbox, other: Bbox) -> float:
    shared = Bbox.intersection(one, other)
    return 0.0 if shared is None else float(shared.width * shared.height)


def printed(summary: dict[str, Any], width: int = 100) -> str:
    """The terminal output of a summary."""
    console = Console(file=StringIO(), width=width, no_color=True)
    print_summary(summary, console)
    return console.file.getvalue()


#: Elements of HTML that have no end.
VOID = frozenset("meta link br hr img input base source col embed area track wbr".split())  # noqa: SIM905


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    def walk(self) -> Iterator[Element]:
        """The element and all below it, in the order of the page."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, *tags: str) -> list[Element]:
        return [one for one in self.walk() if one.tag in tags]

    @property
    def text(self) -> str:
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            yield from [child] if isinstance(child, str) else child._texts()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {key: value or "" for key, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        closed = self.open.pop()
        assert closed.tag == tag, f"</{tag}> closes <{closed.tag}>"

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read(html: str) -> Element:
    """Parse an HTML page strictly: all tags must be closed in order."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == [reader.root], f"not closed: {[one.tag for one in reader.open[1:]]}"
    return reader.root
