"""Charts of a sweep: curves with bands over one parameter, heat maps over two."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.tri import Triangulation

from crisis_sim.report import style, words

if TYPE_CHECKING:
    from crisis_sim.experiments.findings import Findings

#: Height of one panel, and of what stands around the panels, in millimetres.
_PANEL, _AROUND = 48.0, 16.0
#: Steps of colour of a heat map.
_LEVELS = 11


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
        scale, unit = _unit(measure["unit"], differences)
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
        scale, _ = _unit(summary["measures"][0]["unit"], False)
        _threshold_line(first, scale * summary["threshold"])
    if factor["scale"] == "log":
        first.set_xscale("log")
    first.annotate(
        "compared with" if differences else "reference",
        xy=(points[summary["reference"]], 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(2, -2),
        textcoords="offset points",
        fontsize=6.0,
        color=style.GREY,
        va="top",
    )
    panels[-1].set_xlabel(axis_label(factor))
    what = "Each point less the reference, on the same luck" if differences else "95% bands"
    figure.supxlabel(_foot(findings, what), fontsize=6.0, color=style.GREY)
    return figure


@style.styled
def draw_map(findings: Findings, name: str) -> Figure:
    """A measure over two parameters, in colour, with the line at which it crosses the threshold."""
    summary = findings.summary
    across, up = summary["vary"]
    measure = next(one for one in summary["measures"] if one["name"] == name)
    scale, unit = _unit(measure["unit"], False)
    x, y = (findings.tables["points"].column(one["path"]).to_numpy() for one in (across, up))
    z = scale * _column(findings.tables["measures"], name, "estimate")
    known = np.isfinite(z)
    figure = style.new_figure(width=120.0, height=95.0)
    axes = figure.subplots()
    axes.set_title(_title(measure))
    if known.sum() < 3 or np.ptp(z[known]) == 0:
        style.say_nothing_to_draw(axes, "the same at every point, as far as is known")
    else:
        mesh = Triangulation(
            *(_straight(one, of) for one, of in ((across, x[known]), (up, y[known])))
        )
        mesh.x, mesh.y = x[known], y[known]
        filled = axes.tricontourf(mesh, z[known], levels=_LEVELS, cmap="cividis")
        bar = figure.colorbar(filled, ax=axes)
        bar.set_label(unit)
        threshold = summary["threshold"]
        if threshold is not None and name == summary["measures"][0]["name"]:
            level = scale * threshold
            if z[known].min() < level < z[known].max():
                line = axes.tricontour(
                    mesh, z[known], levels=[level], colors="#FFFFFF", linewidths=1.4
                )
                axes.clabel(
                    line,
                    fmt=lambda value: f"{value:g}{'%' if unit == 'per cent' else ''}",
                    fontsize=6.5,
                )
    axes.plot(x, y, ".", color="#FFFFFF", markersize=1.5, alpha=0.6)
    reference = summary["reference"]
    axes.plot(
        [x[reference]], [y[reference]], "o", color="none", markeredgecolor="#FFFFFF", markersize=6
    )
    axes.set_xlabel(axis_label(across))
    axes.set_ylabel(axis_label(up))
    for factor, set_scale in ((across, axes.set_xscale), (up, axes.set_yscale)):
        if factor["scale"] == "log":
            set_scale("log")
    said = "Dots: points that were run; ring: reference"
    if summary["threshold"] is not None and name == summary["measures"][0]["name"]:
        said += "; white line: threshold"
    figure.supxlabel(_foot(findings, said), fontsize=6.0, color=style.GREY)
    return figure


def axis_label(factor: dict[str, Any]) -> str:
    """A parameter on an axis: what it is, where it stands, and its unit."""
    meaning = words.sentence(factor["meaning"]).rstrip(".")
    label = words.shorten(meaning, 60)
    return f"{label} ({factor['unit']})\n{factor['path']}" if label else factor["path"]


def _unit(unit: str, differences: bool) -> tuple[float, str]:
    """How many of a unit 1 is, and its name."""
    if unit == "share":
        return 100.0, "percentage points" if differences else "per cent"
    return 1.0, unit or "value"


def _column(table: Any, measure: str, key: str) -> Any:
    rows = table.filter([name == measure for name in table.column("measure").to_pylist()])
    return rows.column(key).to_numpy().astype(float)


def _title(measure: dict[str, Any]) -> str:
    return words.shorten(words.sentence(measure["words"]).rstrip("."), 90)


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
        f"{words.count(summary['replicates'])} replicates at each of {summary['points']} points"
    )
    return f"{what}; {replicates}, all with the same luck"
