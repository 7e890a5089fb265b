"""What the charts of a tuning share: words and rings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D

from crisis_sim.report import words

if TYPE_CHECKING:
    from crisis_sim.experiments.findings import Findings


def foot(findings: Findings) -> str:
    """What was spent on a search, for the foot of a chart."""
    summary = findings.summary
    surely = summary["objective"] and summary["objective"]["surely"]
    return (
        f"{words.count(summary['trials'])} trials by {summary['sampler']}, "
        f"{words.count(summary['replicates'])} replicates each, all with the same luck"
        + ("; enough is what is so with its whole 95% interval" if surely else "")
    )


def noun(unit: str) -> str:
    """A unit as it stands behind a number, where it is one people say."""
    return "" if unit in ("share", "ratio", "intensity", "") else f" {unit}"


def ring(label: str, colour: str, size: float) -> Line2D:
    """A ring in a legend."""
    look: Any = {"color": "#FFFFFF", "markeredgecolor": colour, "markersize": size}
    return Line2D([], [], marker="o", linestyle="", label=label, **look)
