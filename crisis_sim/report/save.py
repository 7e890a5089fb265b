"""Write the report on a batch into a folder: its summary and its charts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch.folder import MANIFEST, check_folder
from crisis_sim.batch.safe_files import ResultsError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from crisis_sim.batch.ensemble import Batch


#: The file of a batch's summary.
SUMMARY = "summary.json"
#: The page that `crisis-sim report` writes into a results folder.
PAGE = "report.html"

#: The formats of charts.
ALL_SUFFIXES = (".svg", ".png", ".pdf", ".csv")

#: The charts of a run, in reading order.
CHARTS = (
    "endings",
    "ceasefire_from_first_strike",
    "ceasefire_from_trigger",
    "differences",
    "markets",
)


def write_report(batch: Batch, summary: Mapping[str, Any], folder: str | Path) -> list[Path]:
    """Write a batch's summary, charts and the charts' data, replacing earlier ones.

    Args:
        batch: the replicates.
        summary: their summary (`crisis_sim.outcomes.summarise`).
        folder: the folder, such as the batch's results folder; created if missing.

    Returns:
        The files written, the summary first.

    Raises:
        OSError: a file cannot be written.
    """
    text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    remove_report(folder, page=False)
    path = folder / SUMMARY
    path.write_text(text + "\n", encoding="utf-8")
    return [path, *write_charts(batch, summary, folder)]


def check_report_folder(folder: Path, compared: Sequence[Path]) -> None:
    """Make sure that a report on a comparison overwrites only an earlier one.

    Raises:
        ResultsError: the folder contains files other than results or a report, or the results of a run other than
            the only one compared, whose summary would be lost.
    """
    if not (folder / MANIFEST).exists():
        try:
            summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            summary = None
        if isinstance(summary, dict) and {"reference", "scenarios", "differences"} <= set(summary):
            return  # an earlier comparison
    has_run = check_folder(folder)
    if has_run and [path.resolve() for path in compared] != [folder.resolve()]:
        raise ResultsError(
            f"{folder} contains a run, whose summary and charts would be overwritten; "
            "give another folder for this comparison"
        )


def write_charts(batch: Batch, summary: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write the charts of a batch into a folder, which is created if missing.

    There is no chart of differences for a single scenario, and none of markets without paths.

    Returns:
        The files written, in reading order.

    Raises:
        OSError: a file cannot be written.
    """
    from crisis_sim import style

    folder.mkdir(parents=True, exist_ok=True)
    charts = all_charts(batch, summary)
    return [file for name, draw in charts for file in style.write(draw(), folder / name)]


def remove_report(folder: Path, page: bool = True) -> None:
    """Remove the summary, the charts and, with `page`, the page of earlier results.

    Raises:
        OSError: a file cannot be removed.
    """
    charts = [f"{name}{suffix}" for name in CHARTS for suffix in ALL_SUFFIXES]
    for name in (SUMMARY, *charts, *([PAGE] if page else [])):
        (folder / name).unlink(missing_ok=True)


def all_charts(
    batch: Batch, summary: Mapping[str, Any]
) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Yield the name of each chart of the batch and the function that draws it."""
    from crisis_sim.report import charts

    yield "endings", partial(charts.draw_endings, batch, summary)
    yield "ceasefire_from_first_strike", partial(charts.draw_incidence, batch, summary)
    yield "ceasefire_from_trigger", partial(charts.draw_incidence, batch, summary, "from_trigger")
    if summary["differences"]:
        yield "differences", partial(charts.draw_differences, batch, summary)
    if batch.ensembles[summary["reference"]].paths is not None:
        yield "markets", partial(charts.draw_markets, batch, summary)


def plot(batch: Batch, chart: str, ax: Axes | None) -> Figure:
    """Draw a chart of a batch (see `Batch.plot`)."""
    from crisis_sim.outcomes import summarise
    from crisis_sim.report import charts

    functions: dict[str, Callable[..., Figure]] = {
        "ceasefire": charts.draw_incidence,
        "endings": charts.draw_endings,
        "differences": charts.draw_differences,
        "markets": charts.draw_markets,
    }
    if chart not in functions:
        raise ValueError(f"no chart {chart!r}; there are {', '.join(functions)}")
    return functions[chart](batch, summarise(batch), ax=ax)


def save_chart(figure: Figure, path: str | Path) -> None:
    """Write a chart in the format of the path's suffix.

    Raises:
        OSError: the file cannot be written.
    """
    from crisis_sim import style

    style.save(figure, Path(path))


def scenario_file(record: Mapping[str, Any]) -> str:
    """Return a resolved scenario as a file for `crisis-sim run`, in JSON, which is valid YAML."""
    parts = {
        key: part for key, part in record["scenario"].items() if key != "name" and part is not None
    }
    return json.dumps(parts, indent=1, ensure_ascii=False) + "\n"
