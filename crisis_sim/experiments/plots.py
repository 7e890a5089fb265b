"""Draw and write the charts of any experiment, and the elements that charts of several kinds share."""

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

#: The largest number of parts or factors whose pairs fit in a panel, and in one of two panels side by side.
MOST_PAIRED, _SIDE_BY_SIDE = 12, 6


def charts_of(findings: Findings) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Yield the name of each chart's file and a function that draws it."""
    for name, draw in kind_of(findings.experiment.kind).charts(findings):
        yield name, partial(style.styled(draw), findings)


def draw_experiment(findings: Findings) -> Iterator[tuple[str, Figure]]:
    """Draw the charts one by one, each with the name of its file."""
    return ((name, draw()) for name, draw in charts_of(findings))


#: The table of each chart that has another name than its table.
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
    """Write every chart of an experiment into a folder, with its data, and return the files.

    Raises:
        OSError: if a file cannot be written.
    """
    paths = []
    for name, figure in draw_experiment(findings):
        if isinstance(figure, style.Chart):
            figure.data = _data(findings.tables, name)
        paths += style.write(figure, Path(folder) / name)
    return paths


def _data(tables: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the rows behind a chart, each with the values of its point or trial."""
    table = tables[name if name in tables else _TABLES[name.rstrip("_0123456789")]].to_pandas()
    for column, other in {"point": "points", "trial": "trials"}.items():
        if column in table and other in tables:
            varied = tables[other].to_pandas()
            new = varied.columns.difference(table.columns)
            table = table.merge(varied[[column, *new]], on=column)
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def title(measure: Mapping[str, Any]) -> str:
    """Return the title of a measure's panel."""
    return text.shorten(text.sentence(measure["words"]).rstrip("."), 90)


def units(measure: Mapping[str, Any]) -> tuple[float, str, str]:
    """Return the factor from a measure's unit to that of its axis, the axis label, and the unit of changes."""
    unit = measure["unit"]
    if unit == "share":
        return 100.0, f"per cent of {measure['among']}", "percentage points"
    return 1.0, unit or "value", unit or "value"


def axis_label(factor: Mapping[str, Any]) -> str:
    """Return the axis label of a parameter: its meaning, unit and path."""
    path = str(factor["path"])
    return f"{fill(meaning(factor, 200), 60)}\n{path}" if factor["meaning"] else path


def meaning(factor: Mapping[str, Any], letters: int) -> str:
    """Return a parameter's meaning, shortened to a number of letters, and its unit."""
    sentence, unit = text.sentence(factor["meaning"]).rstrip("."), factor["unit"] or "value"
    return f"{text.shorten(sentence, letters)} ({unit})" if sentence else unit


def scale_axis(axis: Any, scale: str) -> None:
    """Set the scale of an axis, `linear` or `log`; the latter with ticks at 1, 2, 5, 10, ..."""
    if scale == "log":
        from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

        axis.axes.set(**{f"{axis.axis_name}scale": "log"})
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def name_rows(axes: Axes, labels: Sequence[str], below: float = 0.6) -> None:
    """Label the rows, the first at the top, and leave `below` rows free under the last."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 1 + below, -0.6)
    for each in axes.get_shared_y_axes().get_siblings(axes):
        each.tick_params(axis="y", length=0)
        each.spines["left"].set_visible(False)
        each.grid(axis="x")


def explain_empty(axes: Axes, reason: str) -> None:
    """Write the reason why there is nothing to draw in place of the axes."""
    style.say_nothing_to_draw(axes, reason)
    axes.set_axis_off()


def note(
    axes: Axes, label: str, point: tuple[Any, ...], offset: tuple[float, float], **look: Any
) -> None:
    """Write a small label near a point of the axes, with an offset in typographic points."""
    look = {"fontsize": 6.0, "color": style.GREY, **look}
    axes.annotate(label, xy=point[:2], xytext=offset, textcoords="offset points", **look)


def span(
    axes: Axes, ends: Any, y: float, colour: str = "black", width: float = 1.0, **look: Any
) -> None:
    """Draw a horizontal line from end to end, such as an interval."""
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
    """Draw one or several marks with an edge of a colour, filled with it unless `face` is another."""
    axes.plot(*np.atleast_1d(x, y), mark, color=face or colour, markeredgecolor=colour, **look)


def key(label: str, marker: str = "o", colour: str = "black", **look: Any) -> Line2D:
    """Return a mark for a legend."""
    from matplotlib.lines import Line2D

    return Line2D([], [], marker=marker, color=colour, label=label, **look)


def patch(label: str, colour: str, **look: Any) -> Patch:
    """Return an area for a legend."""
    from matplotlib.patches import Patch

    return Patch(color=colour, label=label, **look)


def finish(
    figure: Figure,
    caption: str,
    handles: Sequence[Any] = (),
    side: str = "left",
    size: float | None = 6.0,
) -> Figure:
    """Add a caption below a chart and, if it has handles, a legend of one line above it; return the chart."""
    if handles:
        location: Any = f"outside upper {side}"
        figure.legend(handles=handles, loc=location, ncols=len(handles), fontsize=size)
    style.say_below(figure, caption)
    return figure


def column(table: Any, measure: str, name: str) -> Any:
    """Return a column of a table in the rows of a measure, as floats."""
    rows = table.filter([row == measure for row in table.column("measure").to_pylist()])
    return rows.column(name).to_numpy().astype(float)


def panels_of_pairs(outcomes: int, rows: int, margin: float, height: float) -> tuple[Figure, Any]:
    """Return a figure and a panel per outcome for `squares`; the height of a row and the margin are in mm."""
    rows = min(rows, MOST_PAIRED)
    columns = min(2, outcomes) if rows <= _SIDE_BY_SIDE else 1
    lines = -(-outcomes // columns)
    figure = style.new_figure(height=margin + lines * (46.0 + height * rows))
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
    """Draw a square for each pair of parts or factors.

    Args:
        pairs: both numbers, a label, a colour or "", and the strength of the colour from 0 to 1.
        size: the font size of the labels.
    """
    from matplotlib.patches import Rectangle

    for first, second, label, colour, strength in pairs:
        x, y = sorted((first, second))
        face = style.tint(colour, 0.25 + 0.6 * strength) if colour else style.WHITE
        corner = (x - 0.48, y - 1.48)
        axes.add_patch(Rectangle(corner, 0.96, 0.96, facecolor=face, edgecolor=style.PALE_GREY))
        ink = style.ON_COLOUR if colour else style.GREY
        axes.text(x, y - 1, label, ha="center", va="center", fontsize=size, color=ink)
    last = len(names) - 1
    axes.set_xlim(-0.5, last - 0.5)
    axes.set_ylim(last - 0.5, -0.5)
    axes.set_xticks(range(last), names[:-1], rotation=90)
    axes.set_yticks(range(last), names[1:])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
