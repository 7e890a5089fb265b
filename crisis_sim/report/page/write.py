"""From a folder of results to a page: one file, whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crisis_sim.batch.durable import write_durably
from crisis_sim.batch.errors import ResultsError
from crisis_sim.report.save import PAGE

if TYPE_CHECKING:
    from crisis_sim.report.page.blocks import Page

#: How the name of a page's file may end. No file of results ends so, and none is overwritten by mistake.
SUFFIXES = (".html", ".htm")


def write_page(
    folder: str | Path, file: str | Path | None = None, reference: str | None = None
) -> Path:
    """Write all that there is to say of results as one HTML file, to be read without a network.

    Args:
        folder: what `crisis-sim run` or an experiment wrote.
        file: the file; `report.html` in the folder where left out.
        reference: the scenario that the others of a run are compared with; the first where left out.

    Returns:
        The file.

    Raises:
        ResultsError: when the folder holds no finished results that can be read, or the file is none
            for a page.
        UnknownReferenceError: when there is no such scenario.
        OSError: when the file cannot be written.
    """
    file = page_file(folder, file)
    return save_page(page_of(folder, reference), file)


def page_file(folder: str | Path, file: str | Path | None = None) -> Path:
    """The file that a page of a folder is to be written to.

    Raises:
        ResultsError: when it is none for a page.
    """
    file = Path(folder) / PAGE if file is None else Path(file)
    if file.is_dir():
        raise ResultsError(f"{file} is a folder; give the page's file, such as {file / PAGE}")
    if file.suffix.lower() not in SUFFIXES:
        raise ResultsError(f"{file} is no name for a page; expected one that ends in .html")
    return file


def save_page(page: Page, file: Path) -> Path:
    """Write a page, aside first, so that nobody ever finds half of it.

    Raises:
        OSError: when it cannot be written; an earlier page is left as it was.
    """
    from crisis_sim.report.page.render import render

    file.parent.mkdir(parents=True, exist_ok=True)
    write_durably(file, render(page).encode())
    return file


def page_of(folder: str | Path, reference: str | None = None) -> Page:
    """Everything that a page says of the results in a folder.

    Raises:
        ResultsError: when the folder holds no finished results that can be read.
        UnknownReferenceError: when there is no such scenario.
    """
    folder = Path(folder)
    try:
        return _page_of(folder, reference)
    except KeyError as error:  # a manifest or a table that lacks something
        raise ResultsError(f"{folder} does not hold all that a page needs: {error}") from error


def _page_of(folder: Path, reference: str | None) -> Page:
    from crisis_sim.batch.folder import read_batch
    from crisis_sim.experiments.folder import read_experiment
    from crisis_sim.experiments.sealed import believed
    from crisis_sim.experiments.side_by_side import is_experiment

    if is_experiment(folder):
        from crisis_sim.report.page.of_experiment import page_of_experiment

        if reference is not None:
            raise ResultsError(
                f"{folder} holds an experiment, whose comparisons are fixed by its file"
            )
        findings = read_experiment(folder)
        with believed(folder):
            return page_of_experiment(findings, folder)
    from crisis_sim.report.page.of_run import page_of_run

    batch = read_batch(folder)
    if batch.manifest["points"] is not None:
        raise ResultsError(
            f"{folder} holds the crises of a design; give the folder of the experiment that asked for them"
        )
    empty = [name for name, one in batch.ensembles.items() if not one.replicates]
    if empty:
        raise ResultsError(f"{folder} holds nothing of {', '.join(empty)}: its blocks failed")
    return page_of_run(batch, reference)
