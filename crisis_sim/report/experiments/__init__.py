"""The charts of experiments: a module for each kind, which `DRAWERS` names.

Each module has a function `draw(findings)` that yields charts with the names of their files. They
draw what stands in the findings' tables and summary, so that a folder can be drawn anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from crisis_sim.experiments.spec import Findings

#: The kinds whose charts are not in their own module yet, and the module that draws them.
DRAWERS = {
    "sensitivity": "crisis_sim.report.experiments.sensitivity",
    "sweep": "crisis_sim.report.experiments.sweep",
}

__all__ = ["DRAWERS", "draw_experiment", "write_experiment_charts"]


def draw_experiment(findings: Findings) -> Iterator[tuple[str, Figure]]:
    """Every chart of an experiment, one by one, each with the name of its file."""
    from crisis_sim.experiments import plots

    kind = findings.experiment.kind
    if kind in DRAWERS:
        yield from import_module(DRAWERS[kind]).draw(findings)
    else:
        yield from plots.draw_experiment(findings)


def write_experiment_charts(findings: Findings, folder: str | Path) -> list[Path]:
    """Write every chart of an experiment into a folder, as SVG and as PNG.

    Returns:
        The files written.

    Raises:
        OSError: when a file cannot be written.
    """
    from crisis_sim import style
    from crisis_sim.report.save import SUFFIXES

    written = []
    for name, figure in draw_experiment(findings):
        for suffix in SUFFIXES:
            path = Path(folder) / f"{name}{suffix}"
            style.save(figure, path)
            written.append(path)
    return written
