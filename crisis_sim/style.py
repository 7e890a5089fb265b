"""The style of all charts: for print, for colour-blind readers and for grey print, in any script.

Colours are those of Okabe and Ito (2008, Color Universal Design), distinct in all common forms of colour blindness. Endings
also differ by hatch and lightness, and states by line style, so no information depends on colour alone. The same chart
always gives the same SVG file. Charts are `matplotlib.figure.Figure` objects without pyplot, so there is no global state.
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

from crisis_sim.batch.safe_files import write_durably

#: The default font. It comes with matplotlib, so charts are the same on all machines.
FAMILY = "DejaVu Sans"
#: Fonts that draw a box for every character.
_NO_LETTERS = "Last Resort"
#: Unicode codes of scripts that share fonts, and of characters without a script.
_EAST_ASIAN = ("Bopo", "Hang", "Hani", "Hira", "Kana")
_SHARED = ("Zinh", "Zyyy", "Zzzz")
_WITH_LATIN = ("Latn", "Grek", "Cyrl")


def fall_back(figure: Figure) -> bool:
    """Set fallback fonts for characters that the default font lacks; return whether there were any.

    A script without an installed font is reported once.
    """
    changed = False
    for text in figure.findobj(Text):
        characters = text.get_text()
        missing = [] if characters.isascii() else list(filter(_is_missing, characters))
        if missing:
            families = dict.fromkeys(font for letter in missing if (font := _font_with(letter)))
            text.set_fontfamily([FAMILY, *families])
            changed = changed or bool(families)
    return changed


def _is_missing(letter: str) -> bool:
    return (
        ord(letter) not in _letters(font_manager.findfont(FAMILY))
        and unicodedata.category(letter)[0] not in "CZ"
    )


@cache
def _letters(path: str) -> frozenset[int]:
    """The characters in a font; none if it cannot be read."""
    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()


@cache
def _font_with(letter: str) -> str:
    """The name of an installed font with a letter, or ""; a missing script is reported once."""
    for name, path in _installed():
        if ord(letter) in _letters(path):
            return name
    _warn(*script_of(letter))
    return ""


@cache
def _installed() -> tuple[tuple[str, str], ...]:
    """The names and files of installed upright fonts of normal weight, Noto Sans first."""
    entries = {
        entry.name: entry.fname
        for entry in font_manager.fontManager.ttflist
        if entry.style == "normal" and entry.weight in (400, "normal", "regular")
        if not entry.name.startswith(_NO_LETTERS)
    }
    return tuple(
        sorted(entries.items(), key=lambda font: (not font[0].startswith("Noto Sans"), font))
    )


def script_of(letter: str) -> tuple[str, str]:
    """Return the name of a letter's script, and of a free font for it."""
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
def _warn(script: str, font: str) -> None:
    """Log a warning, once for each script, that no installed font has it."""
    logging.getLogger("crisis_sim").warning(
        "no installed font has %s: in charts its letters are empty boxes; install one that has, such as %s",
        script,
        font,
    )


Draw = ParamSpec("Draw")

MILLIMETRES_PER_INCH = 25.4
POINTS_PER_INCH = 72.0
#: CSS pixels.
PIXELS_PER_INCH = 96.0

#: Widths of one and two columns of a journal, in millimetres.
SINGLE_COLUMN = 85.0
DOUBLE_COLUMN = 175.0


@dataclass(frozen=True)
class Print:
    """Output options of charts: maximum width in millimetres, and formats; ".csv" is a chart's data."""

    width: float = DOUBLE_COLUMN
    suffixes: tuple[str, ...] = (".svg", ".png", ".csv")


#: The current output options.
PRINT: ContextVar[Print] = ContextVar("PRINT", default=Print())  # noqa: B039 - it is frozen


@contextmanager
def in_a_column() -> Iterator[None]:
    """Draw charts within the context for one column of a journal or a phone, with panels below each other."""
    token = PRINT.set(Print(SINGLE_COLUMN, PRINT.get().suffixes))
    try:
        yield
    finally:
        PRINT.reset(token)


#: Width of a legend in one column, width of a legend's key, and minimum width of a title's line, in characters.
_ACROSS, _KEY, _LEAST = 66, 6, 12

#: Dots per inch of a PNG.
RESOLUTION = 200

#: Points between axes and their title: normally, and if moments are labelled above the axes.
TITLE_PAD = 5.0
TITLE_PAD_OVER_MARKS = 12.0

#: Okabe and Ito's palette without yellow, which is too pale for lines on white.
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

#: Text on a coloured area: a black that stays black on a dark page (`crisis_sim.report.inline_svg`).
ON_COLOUR = "#010101"

#: The colour of the real path.
REAL = BLACK


@dataclass(frozen=True)
class Fill:
    """The fill of an area: its colour, a hatch for grey print, and the colour of text on it."""

    colour: str
    hatch: str = ""
    text: str = ON_COLOUR


# A colour has the same meaning in all charts. Endings, estimates, targets, signs and third parties have Tol's muted colours,
# courses the browns of ColorBrewer's BrBG, states and scenarios those of Okabe and Ito (no colour is both a state's and a
# scenario's).

#: Estimates of experiments; areas and minor marks of estimates; targets, thresholds and the record.
ESTIMATE, ESTIMATE_PALE, AIM = "#332288", "#ADA7CF", "#882255"
#: Increases and the upper end of a parameter; decreases and the lower end.
MORE, LESS = "#117733", "#AA4499"
#: Third parties, whose kinds differ by lightness and hatch.
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

#: Colour and line style of the two states, in the order of the scenario.
STATE_COLOURS = (BLUE, VERMILLION)
STATE_DASHES: tuple[Any, ...] = ("-", (0, (4, 1)))

#: Colours of scenarios other than the reference, which is black.
_SCENARIO_COLOURS = (ORANGE, GREEN, SKY_BLUE, PURPLE)
_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.2)), (0, (1, 1)))

_SETTINGS: Any = {
    "font.family": [FAMILY],
    "font.size": 7.0,
    "axes.titlesize": 7.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": TITLE_PAD,
    "axes.titley": 1.0,  # saves a search for ticks above the axes, a fifth of a chart's time
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
    "text.parse_math": False,  # dollar signs in titles are literal
    "svg.hashsalt": "crisis-sim",
    "svg.fonttype": "path",
    "axes.formatter.use_mathtext": False,
    "axes.unicode_minus": True,
}


@contextmanager
def in_style() -> Iterator[None]:
    """Apply this style's matplotlib settings within the context."""
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        # Instead of a warning for each letter, `_warn` reports each script once.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def styled(draw: Callable[Draw, Figure]) -> Callable[Draw, Figure]:
    """Decorate a function to draw its chart in this style and lay it out; the layout of a user's axes is not changed."""

    @functools.wraps(draw)
    def drawn(*args: Draw.args, **kwargs: Draw.kwargs) -> Figure:
        with in_style():
            figure = draw(*args, **kwargs)
            if not isinstance(figure, Chart):
                return figure
            settle(figure)
        figure.set_layout_engine(None)  # another layout for each format would take seconds
        return figure

    return drawn


class Chart(Figure):
    """A figure that notebooks display in its printed size, with or without pyplot.

    Attributes:
        afterwards: functions to call once all axes have their positions.
        data: rows of the plotted data, for the chart's CSV file.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.afterwards: list[Callable[[], None]] = []
        self.data: list[dict[str, Any]] = []
        super().__init__(*args, **kwargs)
        self.narrow = self.get_figwidth() * MILLIMETRES_PER_INCH < SINGLE_COLUMN + 1.0

    def subplots(self, nrows: int = 1, ncols: int = 1, **options: Any) -> Any:
        """Create axes; a narrow figure puts all below each other, unless they share the x axis."""
        if not self.narrow or ncols == 1 or options.get("sharex") is not None:
            return super().subplots(nrows, ncols, **options)
        self.set_figheight(0.9 * ncols * self.get_figheight())
        heights = np.repeat(options.get("height_ratios", [1.0] * nrows), ncols).tolist()
        axes = super().subplots(nrows * ncols, 1, height_ratios=heights).reshape(nrows, ncols)
        for first, *others in axes if options.get("sharey") else ():
            for other in others:
                other.sharey(first)
        return axes if nrows > 1 or not options.get("squeeze", True) else axes[0]

    def legend(self, *args: Any, ncols: int = 1, **options: Any) -> Legend:
        """Add a legend with `ncols` columns, or fewer if a narrow figure has no room."""
        fitting = columns(self, options.get("handles", ()), ncols)
        return super().legend(*args, ncols=fitting, **options)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        file = io.BytesIO()
        with in_style():
            self.savefig(file, format="png", metadata={"Software": None})
        size = [round(float(inches) * PIXELS_PER_INCH) for inches in self.get_size_inches()]
        return file.getvalue(), {"width": size[0], "height": size[1]}


def new_figure(width: float = DOUBLE_COLUMN, height: float = 80.0) -> Chart:
    """Create a figure of a printed size in millimetres, no wider than the current output options allow."""
    maximum = PRINT.get().width
    if width > maximum:  # its texts take more lines
        width, height = maximum, height + 12.0
    inches = (width / MILLIMETRES_PER_INCH, height / MILLIMETRES_PER_INCH)
    return Chart(figsize=inches, layout="constrained")


def keep(axes: Axes, **columns: Any) -> None:
    """Add rows to a chart's data: each column is a value, or an array with a value for each row."""
    if isinstance(axes.figure, Chart):
        arrays = np.broadcast_arrays(*map(np.atleast_1d, columns.values()))
        rows = zip(*(array.tolist() for array in arrays), strict=True)
        axes.figure.data += [dict(zip(columns, row, strict=True)) for row in rows]


def figure_of(axes: Axes) -> Figure:
    """Return the figure or subfigure of a user's axes."""
    return cast("Figure", axes.get_figure())


def columns(figure: Figure, handles: Sequence[Any], most: int) -> int:
    """Return the number of columns of a legend: `most`, or fewer if a narrow figure has no room."""
    letters = [len(handle.get_label()) + _KEY for handle in handles]
    fit = most if not getattr(figure, "narrow", False) else 1
    for count in range(fit + 1, most + 1):
        if sum(max(part, default=0) for part in np.array_split(letters, count)) <= _ACROSS:
            fit = count
    return fit


def settle(figure: Figure) -> None:
    """Lay out all axes, and then everything that depends on their positions."""
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
    """Wrap titles and labels that exceed the width of a figure; return whether there were any."""
    changed = False
    for axes in figure.axes:
        for text in (axes.title, axes._left_title, axes.xaxis.label):  # type: ignore[attr-defined]
            box, content = text.get_window_extent(), text.get_text()
            over = max(box.x1 - figure.bbox.x1, -box.x0)
            if content and over > 0.0:
                sides = 1 if text.get_horizontalalignment() == "left" else 2
                letters = max(map(len, content.splitlines()))
                room = int(letters * (1.0 - sides * over / box.width))
                text.set_text(fill(content, max(room, _LEAST)))
                changed = changed or letters > _LEAST
    return changed


def write(figure: Figure, stem: Path) -> list[Path]:
    """Write a chart in the current formats, with its data, and return the files written.

    Raises:
        OSError: a file cannot be written.
    """
    has_data = bool(getattr(figure, "data", ()))
    suffixes = [suffix for suffix in PRINT.get().suffixes if has_data or suffix != ".csv"]
    files = [stem.with_name(f"{stem.name}{suffix}") for suffix in suffixes]
    for file in files:
        save(figure, file)
    return files


def save(figure: Figure, path: Path) -> None:
    """Write a chart in the format of the path's suffix, `.svg`, `.png` or `.pdf`, or its data as `.csv`.

    Raises:
        OSError: the file cannot be written.
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
    write_durably(path, content.getvalue())  # replaces a link instead of following it


def tint(colour: str, strength: float) -> str:
    """Mix a colour with white: strength 0 is white, 1 the colour.

    The result is opaque, so that text on it is readable on any background.
    """
    channels = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 + (value - 255) * strength):02x}" for value in channels)


def scenario_line(index: int) -> dict[str, Any]:
    """Return the colour and line style of a scenario; index 0 is the reference."""
    if index == 0:
        return {"color": BLACK, "linestyle": "-", "linewidth": 1.5}
    dash, colour = divmod(index - 1, len(_SCENARIO_COLOURS))
    return {
        "color": _SCENARIO_COLOURS[colour],
        "linestyle": _DASHES[dash % len(_DASHES)],
        "linewidth": 1.0,
    }


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return positions near the wanted ones, in the same order, at least `gap` apart, between `low` and `high`.

    If there is not enough room, they are evenly spaced.
    """
    if not wanted:
        return []
    from scipy.optimize import isotonic_regression

    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    order = np.argsort(wanted, kind="stable")
    offsets = gap * np.arange(len(wanted))
    # Positions that would overlap are grouped around their mean.
    bases = isotonic_regression(np.asarray(wanted)[order] - offsets).x
    positions = np.empty(len(wanted))
    positions[order] = np.clip(bases, low, high - offsets[-1]) + offsets
    return [float(position) for position in positions]


def label_ends(
    figure: Chart,
    axes: Axes,
    ends: Sequence[tuple[float, str, dict[str, Any]]],
    size: float = 6.5,
) -> None:
    """Label each curve to the right of the axes, near its end; `settle` moves the labels apart.

    A curve that ends outside the axes' limits is labelled at the nearest limit.

    Args:
        figure: the figure, whose height determines the distance between labels.
        axes: the curves' axes; its limits must be set.
        ends: the last value, name and line (from `scenario_line`) of each curve.
        size: font size in points.
    """
    low, high = axes.get_ylim()
    transform = axes.get_yaxis_transform()  # x in widths of the axes, y in data units
    drawn = []
    for end, name, line in ends:
        lead = {"color": line["color"], "linestyle": line["linestyle"], "linewidth": 0.9}
        y = min(max(end, low), high)
        (path,) = axes.plot([1.005, 1.035], [y, y], transform=transform, clip_on=False, **lead)
        text = axes.text(1.045, y, name, transform=transform, fontsize=size, va="center")
        drawn.append((path, text, y))

    def move_apart() -> None:
        height = axes.get_position().height * figure.get_figheight() * POINTS_PER_INCH
        gap = 1.25 * size / height * (high - low)
        heights = spread([end for end, _, _ in ends], gap, low, high)
        for (path, text, y), label_y in zip(drawn, heights, strict=True):
            path.set_ydata([y, label_y])
            text.set_y(label_y)

    figure.afterwards.append(move_apart)


def mark_moment(axes: Axes, x: float, text: str = "", side: str = "center") -> None:
    """Draw a dotted vertical line with a label above it, aligned by `side`."""
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
    """Return a legend's entries for fills."""
    return [
        Patch(
            facecolor=fill.colour,
            hatch=fill.hatch,
            edgecolor=GREY,
            label=names[key].replace("\n", " "),
        )
        for key, fill in fills.items()
    ]


def say_below(figure: Figure, text: str) -> None:
    """Write a note under a chart, wrapped to its width; "" for none."""
    if text:
        letters = int(figure.get_figwidth() * POINTS_PER_INCH / 3.6)
        figure.supxlabel(fill(text, letters), fontsize=6.0, color=GREY)


def say_nothing_to_draw(axes: Axes, why: str) -> Annotation:
    """Write in the middle of empty axes why they are empty."""
    return axes.annotate(
        why,
        xy=(0.5, 0.5),
        xycoords="axes fraction",
        ha="center",
        va="center",
        color=GREY,
        fontsize=7.0,
    )
