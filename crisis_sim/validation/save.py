"""Writes a validation into a folder: all of it as JSON, and its charts as SVG and as PNG."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from crisis_sim.report.save import SUFFIXES

if TYPE_CHECKING:
    from crisis_sim.validation.run import Validation

#: The file that holds all that was compared.
RESULTS = "validation.json"
#: The charts, in the order in which a reader wants to see them; their files begin with `PREFIX`.
CHARTS = ("facts", "survival", "transitions", "cases")
PREFIX = "validation_"


def write_validation(validation: Validation, folder: Path) -> list[Path]:
    """Write what was compared and its charts, in place of earlier ones.

    Args:
        validation: what was compared.
        folder: where to; made where it is missing. Other files in it are left alone.

    Returns:
        The files written.

    Raises:
        OSError: when a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / RESULTS
    text = json.dumps(validation.plain(), indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
    return [path, *write_charts(validation, folder)]


def write_charts(validation: Validation, folder: Path) -> list[Path]:
    """Write the charts, in place of earlier ones.

    Raises:
        OSError: when a file cannot be written.
    """
    from crisis_sim.report import style
    from crisis_sim.validation import charts

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in CHARTS:
        figure = getattr(charts, f"draw_{name}")(validation)
        for suffix in SUFFIXES:
            path = folder / f"{PREFIX}{name}{suffix}"
            style.save(figure, path)
            written.append(path)
    return written
