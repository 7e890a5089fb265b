"""Writes a batch's charts into its results folder, each as SVG and as PNG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from crisis_sim.batch.ensemble import Batch

#: Formats in which every chart is written.
SUFFIXES = (".svg", ".png")

#: The charts that there can be, in the order in which a reader wants to see them.
CHARTS = (
    "ceasefire_from_first_strike",
    "ceasefire_from_trigger",
    "endings",
    "differences",
    "markets",
)


def write_charts(batch: Batch, summary: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write every chart that the batch allows.

    Differences are left out where there is one scenario only, and markets where no paths were kept.

    Args:
        batch: the replicates.
        summary: their summary (`crisis_sim.outcomes.summarise`).
        folder: where to; made where it is missing.

    Returns:
        The files written, in the order in which a reader wants to see them.

    Raises:
        OSError: when a file cannot be written.
    """
    from crisis_sim.report import style

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, figure in draw_all(batch, summary):
        for suffix in SUFFIXES:
            path = folder / f"{name}{suffix}"
            style.save(figure, path)
            written.append(path)
    return written


def remove_charts(folder: Path) -> None:
    """Remove the charts of results that are gone, so that none stands beside new ones.

    Raises:
        OSError: when one cannot be removed.
    """
    for name in CHARTS:
        for suffix in SUFFIXES:
            (folder / f"{name}{suffix}").unlink(missing_ok=True)


def draw_all(batch: Batch, summary: Mapping[str, Any]) -> Iterator[tuple[str, Figure]]:
    """Draw every chart that the batch allows, one by one, each with the name of its file."""
    from crisis_sim.report import charts

    yield "ceasefire_from_first_strike", charts.draw_incidence(batch, summary)
    yield "ceasefire_from_trigger", charts.draw_incidence(batch, summary, "from_trigger")
    yield "endings", charts.draw_endings(batch, summary)
    if summary["differences"]:
        yield "differences", charts.draw_differences(batch, summary)
    if batch.ensembles[summary["reference"]].paths is not None:
        yield "markets", charts.draw_markets(batch, summary)
