"""Charts of a sweep: curves with bands over one parameter, heat maps over two."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.tri import Triangulation

from crisis_sim import style, text

if TYPE_CHECKING:
    from crisis_sim.experiments.spec import Findings

#: Height of one panel, and of what stands around the panels, in millimetres.
_PANEL, _AROUND = 48.0, 16.0
#: Steps of colour of a heat map.
_LEVELS = 11
#: Letters in a line of the words below a chart.
_FOOT = 100
#: Letters in a line beside an axis.
_LABEL = 60


def draw(findings: Findings) -> Iterator[tuple[str, Figure]]:
    """The charts of a sweep, each with the name of its file."""
    if len(findings.summary["vary"]) == 1:
        yield "curves", draw_curves(findings)
        yield "differences", draw_curves(findings, differences=True)
        return
    for number, measure in enumerate(findings.summary["measures"], start=1):
        yield f"map_{number}", draw_map(findings, measure["name"])


@style.styled
def draw_curves(findings: Findings, differences: bool = False) -> Figure:
    """Every measure over the parameter, each with its 95% band.

    Args:
        findings: what a sweep of one parameter found.
        differences: draw each point less the reference point, on the luck that they share.
    """
    summary = findings.summary
    (factor,) = summary["vary"]
    points = findings.tables["points"].column(factor["path"]).to_numpy()
    table = findings.tables["differences" if differences else "measures"]
    figure = style.new_figure(height=_AROUND + _PANEL * len(summary["measures"]))
    panels = figure.subplots(len(summary["measures"]), 1, sharex=True, squeeze=False)[:, 0]
    for axes, measure in zip(panels, summary["measures"], strict=True):
        scale, unit = _unit(measure, differences)
        estimate, lower, upper = (
            scale * _column(table, measure["name"], key) for key in ("estimate", "lower", "upper")
        )
        order = np.argsort(points)
        x = points[order]
        axes.fill_between(x, lower[order], upper[order], color=style.BLUE, alpha=0.2, linewidth=0)
        finite = np.where(np.isfinite(estimate), estimate, np.nan)[order]
        marker = "o" if len(x) <= 40 else ""
        axes.plot(x, finite, color=style.BLUE, marker=marker, markersize=2.5)
        axes.set_title(_title(measure))
        axes.set_ylabel(unit)
        axes.grid(axis="y")
        if differences:
            axes.axhline(0.0, color=style.GREY, linewidth=0.8)
        style.mark_moment(axes, points[summary["reference"]])
        _say_never(axes, estimate)
    first = panels[0]
    if summary["threshold"] is not None and not differences:
        scale, _ = _unit(summary["measures"][0], False)
        _threshold_line(first, scale * summary["threshold"])
    if factor["scale"] == "log":
        first.set_xscale("log")
        plain_ratios(first.xaxis)
    first.annotate(
        "compared with" if differences else "reference",
        xy=(points[summary["reference"]], 0.0),
        xycoords=("data", "axes fraction"),
        xytext=(2, 2),
        textcoords="offset points",
        fontsize=6.0,
        color=style.GREY,
    )
    panels[-1].set_xlabel(axis_label(factor))
    what = "Each point less the reference, with 95% bands" if differences else "95% bands"
    figure.supxlabel(_foot(findings, what), fontsize=6.0, color=style.GREY)
    return figure


@style.styled
def draw_map(findings: Findings, name: str) -> Figure:
    """A measure over two parameters, in colour, with the line at which it crosses the threshold.

    A full dot is a point whose difference from the reference point is sure (its 95% interval, on
    the luck that the two share, does not hold zero); a hollow one, a point that cannot be told from
    it.
    """
    summary = findings.summary
    across, up = summary["vary"]
    measure = next(one for one in summary["measures"] if one["name"] == name)
    scale, unit = _unit(measure, False)
    x, y = (findings.tables["points"].column(one["path"]).to_numpy() for one in (across, up))
    z = scale * _column(findings.tables["measures"], name, "estimate")
    threshold = summary["threshold"] if name == summary["measures"][0]["name"] else None
    figure = style.new_figure(width=120.0, height=100.0)
    axes = figure.subplots()
    axes.set_title(_title(measure))
    for factor, set_scale, axis in (
        (across, axes.set_xscale, axes.xaxis),
        (up, axes.set_yscale, axes.yaxis),
    ):
        if factor["scale"] == "log":
            set_scale("log")
            plain_ratios(axis)
    crossed = _fill(figure, axes, summary["vary"], (x, y, z), unit, threshold)
    _dots(axes, findings, name, x, y)
    axes.set_xlabel(axis_label(across))
    axes.set_ylabel(axis_label(up))
    said = ["Diamond: reference; full dots: surely other than it, hollow: not told apart from it"]
    if threshold is not None:
        shown = f"{scale * threshold:g}{' per cent' if measure['unit'] == 'share' else ''}"
        said.append(f"line: {shown}" if crossed else f"{shown} is crossed nowhere here")
    reach = scale * _reach(findings.tables["measures"], name)
    if np.isfinite(reach):
        said.append(f"a point's 95% interval is about ±{reach:.2g} {_unit(measure, True)[1]}")
    figure.supxlabel(_foot(findings, "; ".join(said)), fontsize=6.0, color=style.GREY)
    return figure


def _fill(
    figure: Figure,
    axes: Axes,
    vary: Any,
    values: tuple[Any, Any, Any],
    unit: str,
    threshold: float | None,
) -> bool:
    """Colour the map; whether the threshold's line is on it."""
    x, y, z = values
    known = np.isfinite(z)
    if known.sum() < 3 or np.ptp(z[known]) == 0:
        few = f"known at {known.sum()} of {len(z)} points: too few for a map"
        style.say_nothing_to_draw(
            axes, few if known.sum() < 3 else "the same at every point, as far as is known"
        )
        return False
    # Triangles are cut where they look even, on the scales of the axes.
    mesh = Triangulation(_straight(vary[0], x[known]), _straight(vary[1], y[known]))
    mesh.x, mesh.y = x[known], y[known]
    filled = axes.tricontourf(mesh, z[known], levels=_LEVELS, cmap="cividis")
    figure.colorbar(filled, ax=axes).set_label(unit)
    level = (
        None if threshold is None else (100.0 if unit.startswith("per cent") else 1.0) * threshold
    )
    if level is None or not z[known].min() < level < z[known].max():
        return False
    line = axes.tricontour(mesh, z[known], levels=[level], colors=style.VERMILLION, linewidths=1.6)
    axes.clabel(line, fmt=f"{level:g}", fontsize=6.5)
    return True


def _dots(axes: Axes, findings: Findings, name: str, x: Any, y: Any) -> None:
    table = findings.tables["differences"]
    lower, upper = (_column(table, name, key) for key in ("lower", "upper"))
    reference = findings.summary["reference"]
    sure = (lower > 0) | (upper < 0)
    for which, face in ((sure, style.BLACK), (~sure, "#FFFFFF")):
        axes.plot(
            x[which],
            y[which],
            "o",
            markersize=2.2,
            markerfacecolor=face,
            markeredgecolor=style.BLACK,
            markeredgewidth=0.4,
            clip_on=False,
            zorder=4,
        )
    axes.plot(
        [x[reference]],
        [y[reference]],
        "D",
        markersize=5.0,
        markerfacecolor="#FFFFFF",
        markeredgecolor=style.BLACK,
        markeredgewidth=0.9,
        clip_on=False,
        zorder=5,
    )


def _reach(table: Any, name: str) -> float:
    """Half the width of a typical interval."""
    widths = _column(table, name, "upper") - _column(table, name, "lower")
    known = widths[np.isfinite(widths)]
    return float(np.median(known)) / 2 if known.size else float("nan")


def plain_ratios(axis: Any) -> None:
    """Ticks at 1, 2, 5, 10 ..., in plain figures."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def axis_label(factor: dict[str, Any]) -> str:
    """A parameter on an axis: what it is, where it stands, and its unit."""
    meaning = text.sentence(factor["meaning"]).rstrip(".")
    if not meaning:
        return str(factor["path"])
    unit = factor["unit"]
    return f"{fill(f'{meaning} ({unit})', _LABEL)}\n{factor['path']}"


def _unit(measure: dict[str, Any], differences: bool) -> tuple[float, str]:
    """How many of a measure's unit 1 is, and its name."""
    if measure["unit"] == "share":
        return 100.0, "percentage points" if differences else style.of_crises(measure)
    return 1.0, measure["unit"] or "value"


def _column(table: Any, measure: str, key: str) -> Any:
    rows = table.filter([name == measure for name in table.column("measure").to_pylist()])
    return rows.column(key).to_numpy().astype(float)


def _title(measure: dict[str, Any]) -> str:
    return text.shorten(text.sentence(measure["words"]).rstrip("."), 90)


def _threshold_line(axes: Axes, level: float) -> None:
    axes.axhline(level, color=style.VERMILLION, linewidth=0.9, linestyle=(0, (4, 2)))
    axes.annotate(
        "threshold",
        xy=(1.0, level),
        xycoords=("axes fraction", "data"),
        xytext=(-2, 2),
        textcoords="offset points",
        fontsize=6.0,
        color=style.VERMILLION,
        ha="right",
    )


def _say_never(axes: Axes, estimate: Any) -> None:
    never = int(np.isinf(estimate).sum())
    if never:
        style.say_nothing_to_draw(axes, f"never reached at {never} of {len(estimate)} points")


def _straight(factor: dict[str, Any], values: Any) -> Any:
    """Values as they stand on paper, from 0 to 1."""
    low, high = factor["low"], factor["high"]
    if factor["scale"] == "log":
        values, low, high = np.log(values), np.log(low), np.log(high)
    return (values - low) / (high - low)


def _foot(findings: Findings, what: str) -> str:
    summary = findings.summary
    replicates = (
        f"{text.count(summary['replicates'])} replicates at each of {summary['points']} points"
    )
    return fill(f"{what}; {replicates}, all with the same luck.", _FOOT)
