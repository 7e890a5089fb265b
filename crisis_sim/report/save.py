"""Writes the report on a batch into a folder: its summary, and its charts as SVG and as PNG."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch.files import ResultsError
from crisis_sim.batch.folder import MANIFEST, check_folder

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from crisis_sim.batch.ensemble import Batch


#: The file that holds a batch's summary.
SUMMARY = "summary.json"
#: The page that `crisis-sim report` writes into a results folder.
PAGE = "report.html"

#: Formats in which a chart may be.
ALL_SUFFIXES = (".svg", ".png", ".pdf", ".csv")

#: The charts that there can be, in the order in which a reader wants to see them.
CHARTS = (
    "endings",
    "ceasefire_from_first_strike",
    "ceasefire_from_trigger",
    "differences",
    "markets",
)


def write_report(batch: Batch, summary: Mapping[str, Any], folder: str | Path) -> list[Path]:
    """Write a batch's summary and charts, with each chart's data, in place of those that are there.

    Args:
        batch: the replicates.
        summary: their summary (`crisis_sim.outcomes.summarise`).
        folder: where to, such as the batch's own results folder; made where it is missing.

    Returns:
        The files written, the summary first.

    Raises:
        OSError: when a file cannot be written.
    """
    text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    remove_report(folder, page=False)
    path = folder / SUMMARY
    path.write_text(text + "\n", encoding="utf-8")
    return [path, *write_charts(batch, summary, folder)]


def check_report_folder(folder: Path, compared: Sequence[Path]) -> None:
    """Make sure that a report on a comparison overwrites nothing but an earlier one.

    Raises:
        ResultsError: when the folder holds other things than results or a report, or the results
            of a run that is not all that is compared, whose summary would be lost.
    """
    if not (folder / MANIFEST).exists():
        try:
            summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            summary = None
        if isinstance(summary, dict) and {"reference", "scenarios", "differences"} <= set(summary):
            return  # an earlier comparison
    holds_run = check_folder(folder)
    if holds_run and [one.resolve() for one in compared] != [folder.resolve()]:
        raise ResultsError(
            f"{folder} holds a run, whose own summary and charts would be overwritten; "
            "give a folder for this comparison"
        )


def write_charts(batch: Batch, summary: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write every chart that the batch allows into a folder, which is made where it is missing.

    Differences are left out where there is one scenario only, and markets where no paths were kept.

    Returns:
        The files written, in the order in which a reader wants to see them.

    Raises:
        OSError: when a file cannot be written.
    """
    from crisis_sim import style

    folder.mkdir(parents=True, exist_ok=True)
    charts = all_charts(batch, summary)
    return [file for name, draw in charts for file in style.write(draw(), folder / name)]


def remove_report(folder: Path, page: bool = True) -> None:
    """Remove the summary, the charts and the page of results that are gone, so that none stands beside new ones.

    Raises:
        OSError: when one cannot be removed.
    """
    charts = [f"{name}{suffix}" for name in CHARTS for suffix in ALL_SUFFIXES]
    for name in (SUMMARY, *charts, *([PAGE] if page else [])):
        (folder / name).unlink(missing_ok=True)


def all_charts(
    batch: Batch, summary: Mapping[str, Any]
) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Every chart that the batch allows: the name of its file, and what draws it."""
    from crisis_sim.report.charts import (
        draw_differences,
        draw_endings,
        draw_incidence,
        draw_markets,
    )

    yield "endings", partial(draw_endings, batch, summary)
    yield "ceasefire_from_first_strike", partial(draw_incidence, batch, summary)
    yield "ceasefire_from_trigger", partial(draw_incidence, batch, summary, "from_trigger")
    if summary["differences"]:
        yield "differences", partial(draw_differences, batch, summary)
    if batch.ensembles[summary["reference"]].paths is not None:
        yield "markets", partial(draw_markets, batch, summary)


def plot(batch: Batch, chart: str, ax: Axes | None) -> Figure:
    """One chart of a batch (see `Batch.plot`)."""
    from crisis_sim.outcomes import summarise
    from crisis_sim.report.charts import (
        draw_differences,
        draw_endings,
        draw_incidence,
        draw_markets,
    )

    charts: dict[str, Callable[..., Figure]] = {
        "ceasefire": draw_incidence,
        "endings": draw_endings,
        "differences": draw_differences,
        "markets": draw_markets,
    }
    if chart not in charts:
        raise ValueError(f"no chart {chart!r}; there are {', '.join(charts)}")
    return charts[chart](batch, summarise(batch), ax=ax)


def save_chart(figure: Figure, path: str | Path) -> None:
    """Write a chart as a file, of the kind that the suffix of its name says.

    Raises:
        OSError: when the file cannot be written.
    """
    from crisis_sim import style

    style.save(figure, Path(path))


def scenario_file(about: Mapping[str, Any]) -> str:
    """A resolved scenario as a file that `crisis-sim run` takes: JSON, which YAML can be."""
    held = {
        key: part for key, part in about["scenario"].items() if key != "name" and part is not None
    }
    return json.dumps(held, indent=1, ensure_ascii=False) + "\n"
