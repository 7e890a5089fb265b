"""`crisis-sim report`: results as one page, to be mailed and read in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from crisis_sim.cli.app import Folder, Json, app
from crisis_sim.cli.codes import DONE
from crisis_sim.cli.talk import print_json, progress_bar, refuse, say, talk


@app.command
def report(
    folder: Annotated[Path, Parameter(help="Folder that `run` or an experiment wrote.")],
    /,
    *,
    out: Annotated[Folder, Parameter(help="The page's file; report.html in the folder.")] = None,
    reference: Annotated[
        str | None,
        Parameter(help="Scenario to compare with; the first.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> int:
    """Make one page of results: the answer, charts, tables, a few crises told, all assumptions.

    It is one HTML file that needs no network: to be mailed, printed, or read aloud. It holds the scenarios and the command
    with which anybody has the results again. With `--json` the answer, the key figures and the crises that are told are
    printed, too.
    """
    from crisis_sim.batch.errors import BatchError
    from crisis_sim.report.page import page_file, page_of, save_page

    try:
        file = page_file(folder, out)
        with progress_bar("scenarios and charts") as progress:
            page = page_of(folder, reference, progress)
        save_page(page, file)
    except (BatchError, OSError, ValueError) as error:
        return refuse(f"error: {error}")
    if as_json:
        print_json({"file": str(file), **page.plain()})
    else:
        say(str(file))
        talk("open it in a browser, print it, or attach it to a mail")
    return DONE
