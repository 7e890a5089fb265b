"""`crisis-sim compare`, and the report that it and `run` end with."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from crisis_sim.cli.app import Folder, Json, app
from crisis_sim.cli.codes import DONE
from crisis_sim.cli.talk import print_json, refuse

#: Columns of a table that is printed into a file or a pipe.
WIDTH = 100


@app.command
def compare(
    *folders: Annotated[
        Path, Parameter(help="Folders that `run` or an experiment wrote.", required=True)
    ],
    reference: Annotated[
        str | None,
        Parameter(help="Scenario to compare with; the first.", show_default=False),
    ] = None,
    out: Annotated[
        Folder, Parameter(help="Folder for charts and summary; none are written without it.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Put scenarios side by side, from one folder of results or several; or an experiment's points."""
    from crisis_sim.batch import BatchError
    from crisis_sim.outcomes import join, summarise
    from crisis_sim.report.save import check_report_folder

    try:
        if out:
            check_report_folder(out, folders)
        joined = join(*map(_read, folders))
        summary = summarise(joined, reference)
        report(joined, summary, out, as_json)
    except (BatchError, OSError, ValueError) as error:
        return refuse(f"error: {error}")
    return DONE


def _read(folder: Path) -> Any:
    from crisis_sim.batch import read_batch
    from crisis_sim.experiments.side_by_side import is_experiment, read_points
    from crisis_sim.outcomes.summary import COLUMNS

    return read_points(folder) if is_experiment(folder) else read_batch(folder, COLUMNS)


def report(batch: Any, summary: Mapping[str, Any], folder: Path | None, as_json: bool) -> None:
    """Print what was asked, and write the report to a folder, if there is one: charts take a second or two."""
    from crisis_sim.report import print_summary, write_report

    if as_json:
        print_json(summary)
    else:
        from rich.console import Console

        # A file or a pipe has no width of its own, and rich would take it for a narrow terminal.
        print_summary(summary, Console(width=None if sys.stdout.isatty() else WIDTH))
    sys.stdout.flush()
    if folder:
        write_report(batch, summary, folder)
