"""`crisis-sim validate`: where the model stands against the record."""

from __future__ import annotations

import sys
import time
from typing import Annotated

from cyclopts import Parameter

from crisis_sim.cli.app import (
    Folder,
    Json,
    Overrides,
    Replicates,
    Seed,
    Workers,
    app,
)
from crisis_sim.cli.codes import CHECK_FAILED, DONE
from crisis_sim.cli.talk import in_words, print_json, progress_bar, refuse, talk

#: Columns of a table that is printed into a file or a pipe.
WIDTH = 100


@app.command
def validate(
    *,
    replicates: Annotated[
        int, Parameter(help="Crises to run of each scenario.", validator=Replicates)
    ] = 10_000,
    seed: Seed = 1,
    population: Annotated[
        str, Parameter(help="The scenario of crises of every kind: a file, or a shipped one.")
    ] = "since_1945",
    workers: Workers = None,
    out: Annotated[
        Folder, Parameter(help="Folder for validation.json and the charts; none without it.")
    ] = None,
    page: Annotated[
        Folder,
        Parameter(help="Markdown file to write the whole page to, its charts into images/ beside."),
    ] = None,
    overrides: Overrides = None,
    strict: Annotated[
        bool,
        Parameter(
            help="Fail, with exit code 1, where a fact that the project says is met is not.",
            negative=(),
            show_default=False,
        ),
    ] = False,
    as_json: Json = False,
) -> int:
    """Hold the model against the record: crises since 1945, and eight cases.

    Each fact stands beside the simulated value and its interval, with a plain verdict: inside, near or outside. For each
    case it says where the real times fall among the simulated ones.
    """
    from crisis_sim.batch.cores import cores
    from crisis_sim.batch.errors import BatchError
    from crisis_sim.validation import validate as compare
    from crisis_sim.validation.page import write_page
    from crisis_sim.validation.save import write_validation

    if out and out.exists() and not out.is_dir():
        return refuse(f"error: {out} is no folder")
    if page and page.is_dir():
        return refuse(f"error: {page} is a folder; give the page's file, such as validation.md")
    began = time.perf_counter()
    try:
        with progress_bar() as progress:
            validation = compare(
                population, replicates, seed, workers or cores(), overrides or (), progress=progress
            )
        written = write_validation(validation, out) if out else []
        written += write_page(validation, page) if page else []
    except (BatchError, OSError) as error:
        return refuse(f"error: {error}")
    if as_json:
        print_json(validation.plain())
    else:
        from rich.console import Console

        from crisis_sim.validation.tables import print_validation

        # A file or a pipe has no width of its own, and rich would take it for a narrow terminal.
        print_validation(validation, Console(width=None if sys.stdout.isatty() else WIDTH))
    for path in written:
        if path.suffix in (".json", ".md"):
            talk(f"written: {path}")
    crises = sum(one.replicates for one in validation.batch.ensembles.values())
    talk(f"{crises:,} crises in {in_words(time.perf_counter() - began)}")
    for name in validation.failures:
        talk(f"said to be met, and is not: {name}")
    return CHECK_FAILED if strict and validation.failures else DONE
