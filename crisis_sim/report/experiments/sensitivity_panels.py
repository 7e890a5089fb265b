"""What the charts of a sensitivity study share: panels above each other, rows, names and units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes

from crisis_sim.experiments.sensitivity.naming import names_of
from crisis_sim.report import style, words

if TYPE_CHECKING:
    from crisis_sim.experiments.findings import Findings

#: Factors that a chart shows, the most important first.
MOST = 15
#: Height of a row and of what stands around the rows of a panel, in millimetres.
ROW, AROUND = 4.4, 17.0
#: Letters of a factor's name.
NAME = 34


def stacked(findings: Findings, height: float, whole: bool = False) -> tuple[style.Chart, Any]:
    """A panel an outcome, one above the other; low ones where indices are not told, unless `whole`."""
    summary = findings.summary
    measures = summary["measures"]
    parts = [1.0 if whole else heights(summary["studies"][one["name"]]) for one in measures]
    figure = style.new_figure(height=14.0 + sum(parts) * height)
    ratios = {"height_ratios": parts}
    return figure, figure.subplots(len(parts), 1, squeeze=False, gridspec_kw=ratios)[:, 0]


def heights(one: dict[str, Any]) -> float:
    """How much of a panel's height an outcome needs: little where there is nothing to draw."""
    return 1.0 if one["indices"] and one["deviation"] else 0.3


def name_rows(axes: Axes, labels: list[str]) -> None:
    """A name for each row, the first on top."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def names_of_factors(summary: Mapping[str, Any]) -> dict[str, str]:
    """Each factor's short name by its path."""
    return names_of([one["path"] for one in summary["factors"]])


def title(measure: dict[str, Any]) -> str:
    """An outcome as the title of a panel."""
    return words.shorten(words.sentence(measure["words"]).rstrip("."), 90)


def unit_of(unit: str) -> tuple[float, str]:
    """How many of a unit 1 is, and what a change in it is told in."""
    return (100.0, "percentage points") if unit == "share" else (1.0, unit or "value")
