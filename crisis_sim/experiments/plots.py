"""Charts of experiments: drawing and writing those of any kind, and what the kinds' charts share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import lazy_loader
import numpy as np

from crisis_sim import text
from crisis_sim.experiments.spec import Findings, kind_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    from crisis_sim import style as style  # noqa: PLC0414 (the kinds take it from here)
else:  # matplotlib is slow to import
    style = lazy_loader.load("crisis_sim.style", suppress_warning=True)

#: Pairs of more parts or factors than this would not be told apart; of more than `_BESIDE`, panels
#: stand below each other.
MOST_PAIRED, _BESIDE = 12, 6


def charts_of(findings: Findings) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Every chart of an experiment: the name of its file, and what draws it."""
    for name, draw in kind_of(findings.experiment.kind).charts(findings):
        yield name, partial(style.styled(draw), findings)


def draw_experiment(findings: Findings) -> Iterator[tuple[str, Figure]]:
    """Every chart of an experiment, one by one, each with the name of its file."""
    return ((name, draw()) for name, draw in charts_of(findings))


#: Of a chart that is not called as the table that it draws, the table.
_TABLES = {
    "attribution": "attributions",
    "curves": "measures",
    "map": "measures",
    "ranking": "indices",
    "convergence": "indices",
    "history": "figures",
    "trade_off": "figures",
    "targets": "outcomes",
    "pairs": "particles",
}


def write_experiment_charts(findings: Findings, folder: str | Path) -> list[Path]:
    """Write every chart of an experiment into a folder, with its data beside it; gives the files written.

    Raises:
        OSError: when a file cannot be written.
    """
    written = []
    for name, figure in draw_experiment(findings):
        if isinstance(figure, style.Chart):
            figure.data = _drawn(findings.tables, name)
        written += style.write(figure, Path(folder) / name)
    return written


def _drawn(tables: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The rows that a chart draws, each with what was varied at its point or in its trial."""
    table = tables[name if name in tables else _TABLES[name.rstrip("_0123456789")]].to_pandas()
    for by, place in {"point": "points", "trial": "trials"}.items():
        if by in table and place in tables:
            more = tables[place].to_pandas()
            table = table.merge(more[[by, *more.columns.difference(table.columns)]], on=by)
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def title(measure: Mapping[str, Any]) -> str:
    """A measure as the title of a panel."""
    return text.shorten(text.sentence(measure["words"]).rstrip("."), 90)


def units(measure: Mapping[str, Any]) -> tuple[float, str, str]:
    """How many of a measure's unit 1 is, its name on an axis, and that of a change in it."""
    unit = measure["unit"]
    if unit == "share":
        return 100.0, style.of_crises(measure), "percentage points"
    return 1.0, unit or "value", unit or "value"


def axis_label(factor: Mapping[str, Any]) -> str:
    """The axis label of a parameter: its meaning, its path, and its unit."""
    said = meaning(factor, 200)
    return f"{fill(said, 60)}\n{factor['path']}" if factor["meaning"] else str(factor["path"])


def meaning(factor: Mapping[str, Any], letters: int) -> str:
    """A parameter's meaning with its unit, or its unit alone, in so many letters."""
    said, unit = text.sentence(factor["meaning"]).rstrip("."), factor["unit"] or "value"
    return f"{text.shorten(said, letters)} ({unit})" if said else unit


def scale_axis(axis: Any, scale: str) -> None:
    """Give an axis a factor's scale, `linear` or `log`; of the latter ticks at 1, 2, 5, 10 ..., in plain figures."""
    if scale == "log":
        from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

        axis.axes.set(**{f"{axis.axis_name}scale": "log"})
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def name_rows(axes: Axes, labels: Sequence[str], below: float = 0.6) -> None:
    """Name each row, the first on top, with room of `below` rows under the last."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 1 + below, -0.6)
    for each in axes.get_shared_y_axes().get_siblings(axes):
        each.tick_params(axis="y", length=0)
        each.spines["left"].set_visible(False)
        each.grid(axis="x")


def say_nothing(axes: Axes, why: str) -> None:
    """Say why there is nothing to draw, in place of the axes."""
    style.say_nothing_to_draw(axes, why)
    axes.set_axis_off()


def note(
    axes: Axes, words: str, at: tuple[Any, ...], apart: tuple[float, float], **more: Any
) -> None:
    """A small label near a point of the axes, `apart` (in points) from it."""
    look = {"fontsize": 6.0, "color": style.GREY, **more}
    axes.annotate(words, xy=at[:2], xytext=apart, textcoords="offset points", **look)


def span(
    axes: Axes, ends: Any, y: float, colour: str = "black", width: float = 1.0, **look: Any
) -> None:
    """A level line from end to end, such as an interval."""
    axes.plot(ends, [y, y], color=colour, linewidth=width, **look)


def dot(
    axes: Axes,
    x: Any,
    y: Any,
    colour: str = "black",
    face: str = "",
    mark: str = "o",
    **look: Any,
) -> None:
    """A mark with an edge of a colour, or several; filled with the same unless it has another face."""
    at = ([x], [y]) if np.ndim(x) == 0 else (x, y)
    axes.plot(*at, mark, color=face or colour, markeredgecolor=colour, **look)


def key(label: str, marker: str = "o", colour: str = "black", **look: Any) -> Line2D:
    """A mark in a legend."""
    from matplotlib.lines import Line2D

    return Line2D([], [], marker=marker, color=colour, label=label, **look)


def patch(label: str, colour: str, **look: Any) -> Patch:
    """An area in a legend."""
    from matplotlib.patches import Patch

    return Patch(color=colour, label=label, **look)


def finished(
    figure: Figure,
    below: str,
    handles: Sequence[Any] = (),
    side: str = "left",
    size: float | None = 6.0,
) -> Figure:
    """A chart with words below it and a legend above it, on one line, if there are marks for one."""
    if handles:
        where: Any = f"outside upper {side}"
        figure.legend(handles=handles, loc=where, ncols=len(handles), fontsize=size)
    style.say_below(figure, below)
    return figure


def column(table: Any, measure: str, name: str) -> Any:
    """The figures of one measure in a table, in its order."""
    rows = table.filter([one == measure for one in table.column("measure").to_pylist()])
    return rows.column(name).to_numpy().astype(float)


def panels_of_pairs(outcomes: int, rows: int, around: float, high: float) -> tuple[Figure, Any]:
    """A figure with a panel an outcome for squares of pairs; `high` a row and `around` them are in mm."""
    rows = min(rows, MOST_PAIRED)
    columns = min(2, outcomes) if rows <= _BESIDE else 1
    lines = -(-outcomes // columns)
    figure = style.new_figure(height=around + lines * (46.0 + high * rows))
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in panels[outcomes:]:
        axes.set_axis_off()
    return figure, panels[:outcomes]


def squares(
    axes: Axes,
    names: Sequence[str],
    pairs: Iterable[tuple[int, int, str, str, float]],
    size: float,
) -> None:
    """A square for each pair of parts or factors: both numbers, words, a colour or "", its strength from 0 to 1."""
    from matplotlib.patches import Rectangle

    for one, other, words, colour, strength in pairs:
        x, y = sorted((one, other))
        face = style.tint(colour, 0.25 + 0.6 * strength) if colour else style.WHITE
        corner = (x - 0.48, y - 1.48)
        axes.add_patch(Rectangle(corner, 0.96, 0.96, facecolor=face, edgecolor=style.PALE_GREY))
        ink = style.ON_COLOUR if colour else style.GREY
        axes.text(x, y - 1, words, ha="center", va="center", fontsize=size, color=ink)
    last = len(names) - 1
    axes.set_xlim(-0.5, last - 0.5)
    axes.set_ylim(last - 0.5, -0.5)
    axes.set_xticks(range(last), names[:-1], rotation=90)
    axes.set_yticks(range(last), names[1:])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
