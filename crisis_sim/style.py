"""The one look of every chart: fit for a printed page, for colour-blind readers and for grey print, in any script.

Colours are Okabe and Ito's (2008, Color Universal Design), which stay apart under every common colour blindness. Endings
also differ by hatch and lightness, states by line, so that nothing is told by colour alone. An SVG of the same chart is the
same file to the byte. Charts are `matplotlib.figure.Figure` objects, never of pyplot, so drawing leaves no global state.
"""

from __future__ import annotations

import csv
import functools
import io
import logging
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import fill
from typing import Any, ParamSpec, cast

import matplotlib as mpl
import numpy as np
from fontTools import unicodedata as scripts
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.legend import Legend
from matplotlib.patches import Patch
from matplotlib.text import Annotation, Text

from crisis_sim.batch.files import write_durably

#: The charts' own font. It comes with matplotlib, so every machine draws alike.
FAMILY = "DejaVu Sans"
#: Fonts that draw a box for every character.
_NO_LETTERS = "Last Resort"
#: Scripts that one font holds together, by their codes in Unicode; and those that have none of their own.
_EAST_ASIAN = ("Bopo", "Hang", "Hani", "Hira", "Kana")
_SHARED = ("Zinh", "Zyyy", "Zzzz")
_WITH_LATIN = ("Latn", "Grek", "Cyrl")


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
    script = scripts.script(letter)
    if script in _SHARED:  # such as a vowel's mark
        script = min(scripts.script_extension(letter))
    if script in _EAST_ASIAN:
        return "Chinese, Japanese or Korean", "Noto Sans CJK"
    name = "some letters" if script in _SHARED else scripts.script_name(script)
    return name, "Noto Sans" if script in (*_WITH_LATIN, *_SHARED) else f"Noto Sans {name}"


@cache
def _tell(script: str, font: str) -> None:
    """Say once that a script cannot be drawn: on the error stream, unless a program has said where such words go."""
    logging.getLogger("crisis_sim").warning(
        "no installed font holds %s: in charts its letters are empty boxes; install one that does, such as %s",
        script,
        font,
    )


Draw = ParamSpec("Draw")

MILLIMETRES_PER_INCH = 25.4
POINTS_PER_INCH = 72.0
#: As browsers count.
PIXELS_PER_INCH = 96.0

#: Widths of a journal's single and double column, in millimetres.
SINGLE_COLUMN = 85.0
DOUBLE_COLUMN = 175.0


@dataclass(frozen=True)
class Print:
    """How charts are made: as wide as this at most, in millimetres, and in these formats; ".csv" is a chart's data."""

    width: float = DOUBLE_COLUMN
    suffixes: tuple[str, ...] = (".svg", ".png", ".csv")


#: How charts are made now.
PRINT: ContextVar[Print] = ContextVar("PRINT", default=Print())  # noqa: B039 - it is frozen


@contextmanager
def in_a_column() -> Iterator[None]:
    """Within it charts are drawn for one column of a journal, or for a phone: panels below each other."""
    token = PRINT.set(Print(SINGLE_COLUMN, PRINT.get().suffixes))
    try:
        yield
    finally:
        PRINT.reset(token)


#: Letters that a legend in a column has room for, those that a key takes, and the fewest in a line of a title.
_ACROSS, _KEY, _LEAST = 66, 6, 12

#: Dots per inch of a PNG.
RESOLUTION = 200

#: Points between axes and their title: as it is, and where moments are named above the axes.
TITLE_PAD = 5.0
TITLE_PAD_OVER_MARKS = 12.0

#: Okabe and Ito's palette, without its yellow, which is too pale for lines on white.
BLACK = "#000000"
ORANGE = "#E69F00"
SKY_BLUE = "#56B4E9"
GREEN = "#009E73"
BLUE = "#0072B2"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"

GREY = "#6E6E6E"
PALE_GREY = "#D9D9D9"
GRID_GREY = "#E4E4E4"
WHITE = "#FFFFFF"

#: Words upon a coloured area, on a dark page too (`crisis_sim.report.svg`): black to the eye.
ON_COLOUR = "#010101"

#: Shade of what really happened, drawn under or over what was simulated.
REAL = BLACK


@dataclass(frozen=True)
class Fill:
    """How an area is filled: its colour, a hatch for grey print, and the colour of text upon it."""

    colour: str
    hatch: str = ""
    text: str = ON_COLOUR


# One colour means one thing in all charts: endings, estimates, aims, signs and third parties have Tol's muted colours,
# courses the browns of ColorBrewer's BrBG, states and scenarios Okabe and Ito's, none of which is both a state's and a
# scenario's.

#: What an experiment estimates; its area or lesser marks; and what it is held against: an aim, a threshold, the record.
ESTIMATE, ESTIMATE_PALE, AIM = "#332288", "#ADA7CF", "#882255"
#: What makes an outcome likelier, or is at a parameter's high end; and what makes it less likely, or is at the low end.
MORE, LESS = "#117733", "#AA4499"
#: Third parties; their kinds differ by lightness and hatch.
THIRD_PARTY = "#999933"

#: The fill of each ending.
ENDING_FILLS: dict[str, Fill] = {
    "agreement": Fill("#44AA99"),
    "tacit": Fill("#88CCEE"),
    "unilateral": Fill("#DDCC77", "/////"),
    "imposed": Fill("#CC6677", "xxxxx"),
    "faded": Fill("#F2DDE8", "-----"),
    "unresolved": Fill(WHITE, text=BLACK),
}

#: The fill of each course, from no strike to full-scale war.
COURSE_FILLS: dict[str, Fill] = {
    "no_strike": Fill("#F6E8C3"),
    "short_fight": Fill("#DFC27D"),
    "long_fight": Fill("#A6611A", text=WHITE),
    "war": Fill("#543005", text=WHITE),
}

#: The two states, in the order of the scenario: colour and line.
STATE_COLOURS = (BLUE, VERMILLION)
STATE_DASHES: tuple[Any, ...] = ("-", (0, (4, 1)))

#: Black is the reference's alone.
_SCENARIO_COLOURS = (ORANGE, GREEN, SKY_BLUE, PURPLE)
_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.2)), (0, (1, 1)))

_SETTINGS: Any = {
    "font.family": [FAMILY],
    "font.size": 7.0,
    "axes.titlesize": 7.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": TITLE_PAD,
    "axes.titley": 1.0,  # no axis has ticks above it; to look for some takes a fifth of a chart's time
    "axes.labelsize": 7.0,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": BLACK,
    "ytick.labelcolor": BLACK,
    "grid.color": GRID_GREY,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.solid_capstyle": "butt",
    "hatch.linewidth": 0.4,
    "hatch.color": "#00000066",
    "patch.linewidth": 0.5,
    "figure.dpi": RESOLUTION,
    "savefig.dpi": RESOLUTION,
    "savefig.facecolor": WHITE,
    "text.parse_math": False,  # a dollar sign in a scenario's title is a dollar sign
    "svg.hashsalt": "crisis-sim",
    "svg.fonttype": "path",
    "axes.formatter.use_mathtext": False,
    "axes.unicode_minus": True,
}


@contextmanager
def in_style() -> Iterator[None]:
    """Within it matplotlib has this style's settings; those from before come back after it."""
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        # A warning a letter would help nobody; `crisis_sim.style` tells of a script once.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def styled(draw: Callable[Draw, Figure]) -> Callable[Draw, Figure]:
    """Let a function draw its chart in this style, and settle the layout; that of somebody's own axes is left to them."""

    @functools.wraps(draw)
    def drawn(*args: Draw.args, **kwargs: Draw.kwargs) -> Figure:
        with in_style():
            figure = draw(*args, **kwargs)
            if not isinstance(figure, Chart):
                return figure
            settle(figure)
        figure.set_layout_engine(None)  # to lay out anew for each format would take seconds
        return figure

    return drawn


class Chart(Figure):
    """A figure that a notebook shows, in its printed size, whether pyplot is there or not.

    Attributes:
        afterwards: what remains to be done once all axes have their places.
        data: what is drawn, a row each, for the file beside the chart.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.afterwards: list[Callable[[], None]] = []
        self.data: list[dict[str, Any]] = []
        super().__init__(*args, **kwargs)
        self.narrow = self.get_figwidth() * MILLIMETRES_PER_INCH < SINGLE_COLUMN + 1.0

    def subplots(self, nrows: int = 1, ncols: int = 1, **how: Any) -> Any:
        """Axes; in a narrow figure all stand below each other, unless they share what is across (`sharex`)."""
        if not self.narrow or ncols == 1 or how.get("sharex") is not None:
            return super().subplots(nrows, ncols, **how)
        self.set_figheight(0.9 * ncols * self.get_figheight())
        heights = [one for one in how.get("height_ratios", [1.0] * nrows) for _ in range(ncols)]
        axes = super().subplots(nrows * ncols, 1, height_ratios=heights).reshape(nrows, ncols)
        for first, *others in axes if how.get("sharey") else ():
            for one in others:
                one.sharey(first)
        return axes if nrows > 1 or not how.get("squeeze", True) else axes[0]

    def legend(self, *args: Any, ncols: int = 1, **how: Any) -> Legend:
        """A legend of so many columns; of as many as a narrow figure has room for."""
        return super().legend(*args, ncols=columns(self, how.get("handles", ()), ncols), **how)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        file = io.BytesIO()
        with in_style():
            self.savefig(file, format="png", metadata={"Software": None})
        size = [round(float(inches) * PIXELS_PER_INCH) for inches in self.get_size_inches()]
        return file.getvalue(), {"width": size[0], "height": size[1]}


def new_figure(width: float = DOUBLE_COLUMN, height: float = 80.0) -> Chart:
    """An empty figure of a printed size in millimetres, which lays out its own axes; no wider than charts are made now."""
    most = PRINT.get().width
    if width > most:  # for the more lines that its words take
        width, height = most, height + 12.0
    inches = (width / MILLIMETRES_PER_INCH, height / MILLIMETRES_PER_INCH)
    return Chart(figsize=inches, layout="constrained")


def keep(axes: Axes, **columns: Any) -> None:
    """Keep rows of what is drawn for a chart's file of data: each column is a value, or an array with one a row."""
    if isinstance(axes.figure, Chart):
        arrays = np.broadcast_arrays(*map(np.atleast_1d, columns.values()))
        rows = zip(*(one.tolist() for one in arrays), strict=True)
        axes.figure.data += [dict(zip(columns, row, strict=True)) for row in rows]


def figure_of(axes: Axes) -> Figure:
    """The figure that somebody's own axes stand in, or the part of one."""
    return cast("Figure", axes.get_figure())


def columns(figure: Figure, handles: Sequence[Any], most: int) -> int:
    """Columns of a legend: so many, or the fewer that a narrow figure has room for."""
    letters = [len(one.get_label()) + _KEY for one in handles]
    fit = most if not getattr(figure, "narrow", False) else 1
    for count in range(fit + 1, most + 1):
        if sum(max(part, default=0) for part in np.array_split(letters, count)) <= _ACROSS:
            fit = count
    return fit


def settle(figure: Figure) -> None:
    """Place all axes, and then everything that depends on their positions."""
    engine = figure.get_layout_engine()
    if engine is not None and figure.axes:
        engine.execute(figure)
        if fall_back(figure):
            engine.execute(figure)
        while isinstance(figure, Chart) and figure.narrow and _wrap(figure):
            engine.execute(figure)
    if isinstance(figure, Chart):
        while figure.afterwards:
            figure.afterwards.pop()()


def _wrap(figure: Figure) -> bool:
    """Break titles and labels that run over the edge of a figure into more lines; whether there were any."""
    found = False
    for axes in figure.axes:
        for text in (axes.title, axes._left_title, axes.xaxis.label):  # type: ignore[attr-defined]
            box, written = text.get_window_extent(), text.get_text()
            over = max(box.x1 - figure.bbox.x1, -box.x0)
            if written and over > 0.0:
                room = (
                    1.0 - (1 if text.get_horizontalalignment() == "left" else 2) * over / box.width
                )
                letters = max(map(len, written.splitlines()))
                text.set_text(fill(written, max(int(letters * room), _LEAST)))
                found = found or letters > _LEAST
    return found


def write(figure: Figure, stem: Path) -> list[Path]:
    """Write a chart in the formats in which charts are made now, with its data beside it; gives the files written.

    Raises:
        OSError: when a file cannot be written.
    """
    known = bool(getattr(figure, "data", ()))
    suffixes = [one for one in PRINT.get().suffixes if known or one != ".csv"]
    files = [stem.with_name(f"{stem.name}{suffix}") for suffix in suffixes]
    for file in files:
        save(figure, file)
    return files


def save(figure: Figure, path: Path) -> None:
    """Write a chart in the format of the path's suffix, `.svg`, `.png` or `.pdf`; or its data, as `.csv`.

    Raises:
        OSError: when the file cannot be written.
    """
    if path.suffix == ".csv":
        rows = figure.data if isinstance(figure, Chart) else []
        file = io.StringIO()
        writer = csv.DictWriter(
            file, dict.fromkeys(k for row in rows for k in row), lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows)
        write_durably(path, file.getvalue().encode())
        return
    with in_style():
        bare = {".svg": {"Date": None, "Creator": None}, ".pdf": {"CreationDate": None}}
        content = io.BytesIO()
        figure.savefig(
            content, format=path.suffix[1:], metadata=bare.get(path.suffix, {"Software": None})
        )
    write_durably(path, content.getvalue())  # and never through a link that lies there


def tint(colour: str, strength: float) -> str:
    """A colour as it looks on white at a strength from 0 to 1, for an area with words upon it.

    It is opaque, so that the words can be read whatever the page's ground.
    """
    channels = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{round(255 + (one - 255) * strength):02x}" for one in channels)


def scenario_line(place: int) -> dict[str, Any]:
    """Colour and dash of the scenario that comes `place`-th; the first is the reference."""
    if place == 0:
        return {"color": BLACK, "linestyle": "-", "linewidth": 1.5}
    dash, colour = divmod(place - 1, len(_SCENARIO_COLOURS))
    return {
        "color": _SCENARIO_COLOURS[colour],
        "linestyle": _DASHES[dash % len(_DASHES)],
        "linewidth": 1.0,
    }


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places near the wanted ones, in their order, `gap` apart or more, between `low` and `high`.

    Where there are too many for the room, they stand evenly in it.
    """
    if not wanted:
        return []
    from scipy.optimize import isotonic_regression

    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    order = np.argsort(wanted, kind="stable")
    offsets = gap * np.arange(len(wanted))
    # Neighbours that want the same room share it: they stand together around their mean.
    bases = isotonic_regression(np.asarray(wanted)[order] - offsets).x
    places = np.empty(len(wanted))
    places[order] = np.clip(bases, low, high - offsets[-1]) + offsets
    return [float(place) for place in places]


def label_ends(
    figure: Chart,
    axes: Axes,
    ends: Sequence[tuple[float, str, dict[str, Any]]],
    size: float = 6.5,
) -> None:
    """Write each curve's name to the right of the axes, near its end, none over another once the figure is settled.

    A curve that ends beyond the axes' limits is named at the edge that it left by.

    Args:
        figure: the figure: how far apart names must stand depends on it.
        axes: where the curves are drawn; its limits must be set.
        ends: of each curve its last value, its name and its line (as from `scenario_line`).
        size: size of the letters in points.
    """
    low, high = axes.get_ylim()
    beside = axes.get_yaxis_transform()  # across in widths of the axes, up in the data's unit
    drawn = []
    for end, name, line in ends:
        lead = {"color": line["color"], "linestyle": line["linestyle"], "linewidth": 0.9}
        seen = min(max(end, low), high)
        (path,) = axes.plot([1.005, 1.035], [seen, seen], transform=beside, clip_on=False, **lead)
        text = axes.text(1.045, seen, name, transform=beside, fontsize=size, va="center")
        drawn.append((path, text, seen))

    def move_apart() -> None:
        height = axes.get_position().height * figure.get_figheight() * POINTS_PER_INCH
        gap = 1.25 * size / height * (high - low)
        heights = spread([end for end, _, _ in ends], gap, low, high)
        for (path, text, seen), place in zip(drawn, heights, strict=True):
            path.set_ydata([seen, place])
            text.set_y(place)

    figure.afterwards.append(move_apart)


def mark_moment(axes: Axes, x: float, text: str = "", side: str = "center") -> None:
    """A dotted vertical line through the axes; a word above it ends, centres or begins there."""
    axes.axvline(x, color=GREY, linewidth=0.7, linestyle=(0, (1, 1.5)), zorder=1.5)
    if text:
        axes.annotate(
            text,
            xy=(x, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=({"right": 2, "left": -2}.get(side, 0), 1.5),
            textcoords="offset points",
            fontsize=6.0,
            color=GREY,
            ha=side,
            va="bottom",
            annotation_clip=False,
        )


def keys_of(fills: Mapping[str, Fill], names: Mapping[str, str]) -> list[Patch]:
    """A legend's entries for areas, in their order."""
    return [
        Patch(
            facecolor=fill.colour,
            hatch=fill.hatch,
            edgecolor=GREY,
            label=names[one].replace("\n", " "),
        )
        for one, fill in fills.items()
    ]


def of_crises(measure: Mapping[str, Any]) -> str:
    """A share on an axis: "per cent of all crises"; folders of earlier versions do not say of which."""
    among = measure.get("among")
    return f"per cent of {among}" if among else "per cent"


def say_below(figure: Figure, text: str) -> None:
    """Small words under a chart, in as many lines as they need; none where the text is empty."""
    if text:
        letters = int(figure.get_figwidth() * POINTS_PER_INCH / 3.6)
        figure.supxlabel(fill(text, letters), fontsize=6.0, color=GREY)


def say_nothing_to_draw(axes: Axes, why: str) -> Annotation:
    """Say in the middle of empty axes why they are empty."""
    return axes.annotate(
        why,
        xy=(0.5, 0.5),
        xycoords="axes fraction",
        ha="center",
        va="center",
        color=GREY,
        fontsize=7.0,
    )
