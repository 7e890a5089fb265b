"""The tornado of a sensitivity study."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from crisis_sim.report import style, words
from crisis_sim.report.experiments.sensitivity_panels import (
    AROUND,
    MOST,
    NAME,
    ROW,
    name_rows,
    names_of_factors,
    stacked,
    title,
    unit_of,
)

if TYPE_CHECKING:
    from crisis_sim.experiments.findings import Findings

#: Letters in a line of the words below.
_FOOT = 115


@style.styled
def draw_tornado(findings: Findings) -> Figure:
    """What each outcome changes by as one factor alone goes to either end of its range."""
    summary = findings.summary
    rows = min(len(summary["factors"]), MOST)
    figure, panels = stacked(findings, AROUND + ROW * rows, whole=True)
    table = findings.tables["tornado"].to_pandas()
    names = names_of_factors(summary)
    factors = {one["path"]: one for one in summary["factors"]}
    for axes, measure in zip(panels, summary["measures"], strict=True):
        axes.set_title(title(measure))
        scale, unit = unit_of(measure["unit"])
        own = table[table["measure"] == measure["name"]]
        widest = own.groupby("factor", sort=False)["estimate"].agg(_swing)
        if widest.isna().all():
            style.say_nothing_to_draw(
                axes, "unknown, or never reached, in the middle of the factors"
            )
            axes.set_axis_off()
            continue
        shown = list(widest.sort_values(ascending=False, kind="stable").index[:rows])
        for place, path in enumerate(shown):
            for _, end in own[own["factor"] == path].iterrows():
                _bar(axes, place, end, scale)
        labels = [
            f"{words.shorten(names[path], NAME)}  {factors[path]['low']:.3g} … "
            f"{factors[path]['high']:.3g}"
            for path in shown
        ]
        name_rows(axes, labels)
        axes.axvline(0.0, color=style.BLACK, linewidth=0.8, zorder=4)
        axes.set_xlabel(f"change in {unit}" if unit == "percentage points" else f"change, {unit}")
    legend = [
        Patch(color=style.ORANGE, label="at its low end"),
        Patch(color=style.BLUE, label="at its high end"),
    ]
    figure.legend(handles=legend, loc="outside upper right", ncols=2)
    replicates = words.count(summary["tornado_replicates"])
    said = (
        "One factor moved, all others in their middle; beside each name its ends (5% and 95% of what "
        f"it may be, or the range that was given). Lines: 95% intervals; {replicates} replicates at "
        "each end, all with the same luck."
    )
    figure.supxlabel(fill(said, _FOOT), fontsize=6.0, color=style.GREY)
    return figure


def _bar(axes: Axes, place: int, end: Any, scale: float) -> None:
    """One end of a factor: its bar in one half of the row, so that bars on one side both show."""
    low = end["end"] == "low"
    if not np.isfinite(end["estimate"]):
        return
    middle = place + (-0.2 if low else 0.2)
    colour = style.ORANGE if low else style.BLUE
    axes.barh(middle, scale * end["estimate"], height=0.38, color=colour, linewidth=0, zorder=2)
    limits = [scale * end["lower"], scale * end["upper"]]
    axes.plot(limits, [middle] * 2, color=style.BLACK, linewidth=0.7, zorder=3)


def _swing(estimates: Any) -> float:
    known = np.abs(estimates[np.isfinite(estimates)])
    return float(known.max()) if len(known) else float("nan")
