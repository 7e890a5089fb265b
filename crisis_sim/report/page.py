"""The page of a run or an experiment: one HTML file that a researcher can attach to a mail and an aide can read.

Its prose stands in `templates/`; here is what it is made from. The file holds all that it needs: its style, its charts, its
files. It has no script, and a policy in its head forbids it to ask any machine for anything.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from crisis_sim import text
from crisis_sim.batch.files import ResultsError, write_durably
from crisis_sim.experiments.plots import charts_of
from crisis_sim.outcomes import summarise
from crisis_sim.report import assumptions, captions
from crisis_sim.report.answers import labels
from crisis_sim.report.example_crises import (
    Arm,
    baseline_of,
    own_classes_in,
    reference_of,
    tell_arm,
)
from crisis_sim.report.save import CHARTS, PAGE, all_charts, scenario_file
from crisis_sim.report.story import environment, story_html
from crisis_sim.report.svg import for_both
from crisis_sim.scenario.schema import Scenario

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

    from crisis_sim.batch.ensemble import Batch
    from crisis_sim.experiments.spec import Findings

Progress = Callable[[int, int], None]

#: Files of commands that write their own page: of a branch, a nowcast, and of why a crisis went as it did.
HISTORIES = ("branch.yaml", "nowcast.json", "why.md")
#: How the name of a page's file may end. No file of results ends so, and none is overwritten by mistake.
SUFFIXES = (".html", ".htm")
#: Rows and columns of a table that can still be read on a page.
MOST_ROWS, MOST_COLUMNS = 200, 12


@dataclass(frozen=True)
class Page:
    """A page, and its content in short as plain data: question, answer, key figures, and example crises."""

    html: str
    plain: dict[str, Any]


def write_page(
    folder: str | Path, file: str | Path | None = None, reference: str | None = None
) -> Path:
    """Write a report on results as one HTML file, to be read without a network.

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
    """Write a page whole; where it cannot be written, an earlier page is left as it was (`OSError`)."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_durably(file, page.html.encode())
    return file


def page_of(
    folder: str | Path, reference: str | None = None, progress: Progress = lambda done, total: None
) -> Page:
    """The page on the results in a folder, as `write_page` writes it.

    `progress` is called with how many scenarios and charts of a run are done, and of how many.
    """
    folder = Path(folder)
    try:
        return _page_of(folder, reference, progress)
    except KeyError as error:  # a manifest or a table that lacks something
        raise ResultsError(f"{folder} does not hold all that a page needs: {error}") from error


def _page_of(folder: Path, reference: str | None, progress: Progress) -> Page:
    from crisis_sim.batch.files import believed
    from crisis_sim.batch.folder import read_batch
    from crisis_sim.experiments.run import is_experiment, read_experiment

    if is_experiment(folder):
        if reference is not None:
            raise ResultsError(
                f"{folder} holds an experiment, whose comparisons are fixed by its file"
            )
        findings = read_experiment(folder)
        with believed(folder):
            return _of_experiment(findings, folder)

    batch = read_batch(folder)
    if batch.manifest["points"] is not None:
        raise ResultsError(
            f"{folder} holds the crises of a design; give the folder of the experiment that asked for them"
        )
    empty = [name for name, one in batch.ensembles.items() if not one.replicates]
    if empty:
        raise ResultsError(f"{folder} holds nothing of {', '.join(empty)}: its blocks failed")
    return _of_run(batch, reference, progress)


def _of_run(batch: Batch, reference: str | None, progress: Progress) -> Page:
    many = len(batch.ensembles)
    total = many + len(CHARTS) + 1  # each chart, and the stories
    summary = summarise(batch, reference, progress=lambda done, _: progress(done, total))
    name, manifest, called = summary["reference"], batch.manifest, labels(summary)
    scenarios = {one: _read(ensemble.scenario) for one, ensemble in batch.ensembles.items()}
    charts = dict(all_charts(batch, summary))
    said = {chart: captions.caption(chart, batch, summary) for chart in charts}
    drawn = count(many + 1)

    def draw(chart: str, title: str, reading: str) -> str:
        svg = for_both(charts[chart], f"chart-{chart}", title, said[chart] or reading)
        progress(next(drawn), total)
        return svg

    arm = reference_of(batch, name, scenarios[name])
    about = manifest.get("scenarios", {})
    page = _rendered(
        "run.html.jinja",
        arm,
        title=text.clean(batch.ensembles[name].title),
        question=captions.question(batch.ensembles[name].title, bool(summary["differences"])),
        answer=captions.answer(summary),
        more=captions.more(summary),
        notices=list(_notices(batch)),
        figures=captions.key_figures(summary),
        label=called,
        reference=called[name],
        scenarios=[(called[one], found) for one, found in summary["scenarios"].items()],
        differences=[(called[one], found) for one, found in summary["differences"].items()],
        captions=said,
        draw=draw,
        scenario=scenarios[name],
        others=[one for other, one in scenarios.items() if one is not None and other != name],
        advice=summary["advice"],
        manifest=manifest,
        files=[_attached(f"{one}.yaml", scenario_file(of)) for one, of in about.items()],
        source="",
        raw_manifest={
            **manifest,
            "scenarios": {
                one: {key: held for key, held in of.items() if key != "scenario"}
                for one, of in about.items()
            },
        },
    )
    progress(total, total)
    return page


def _read(plain: Mapping[str, Any]) -> Scenario | None:
    """A scenario of the results; None where this version cannot read it."""
    try:
        return Scenario.model_validate(plain)
    except ValidationError:
        return None


def _notices(batch: Batch) -> Iterator[str]:
    failures = batch.manifest.get("failures") or ()
    if failures:
        lost = sum(int(one["replicates"]) for one in failures)
        yield (
            f"{text.count(lost)} crises could not be run and are missing here "
            f"({text.plural(len(failures), 'block')} of them failed); the manifest at the end says which."
        )


def _of_experiment(findings: Findings, folder: Path) -> Page:
    experiment, spec = findings.experiment, findings.experiment.spec
    answer, *others = findings.answer or ("Nothing was found.",)
    sure = others.pop() if others else ""
    figures = dict(charts_of(findings))
    fits = {
        name: table.num_rows <= MOST_ROWS and table.num_columns <= MOST_COLUMNS
        for name, table in findings.tables.items()
    }
    arm: Arm | str | None
    try:
        arm = own_classes_in(findings.manifest) or baseline_of(findings, folder)
    except ResultsError as error:
        arm = str(error)
    files = {f"{experiment.name}.yaml": experiment.text} if experiment.text else {}
    files |= findings.files
    files[f"{experiment.scenario.name}.yaml"] = scenario_file(
        {"scenario": experiment.scenario.plain()}
    )
    return _rendered(
        "experiment.html.jinja",
        arm,
        title=text.clean(spec.title),
        question=text.clean(spec.question or spec.title),
        answer=answer,
        others=others,
        charts=list(figures),
        draw=lambda chart, title, finding: for_both(
            figures[chart], f"chart-{chart}", title, finding
        ),
        tables=[
            (place, name, *_table(table))
            for place, (name, table) in enumerate(findings.tables.items())
            if fits[name]
        ],
        too_large=[
            f"{text.clean(name)}.parquet ({text.count(findings.tables[name].num_rows)} rows)"
            for name, fit in fits.items()
            if not fit
        ],
        scenario=experiment.scenario,
        sure=sure,
        manifest=findings.manifest,
        source=experiment.text,
        files=[_attached(name, content) for name, content in files.items()],
    )


def write_history_page(
    folder: Path,
    question: str,
    told: Sequence[str],
    draw: Callable[[], Figure],
    reading: str,
    manifest: Mapping[str, Any],
    story: str = "",
    notices: Sequence[str] = (),
) -> Path:
    """Write the page of a branch, a nowcast, or of why a crisis went as it did, into its folder.

    Args:
        folder: where to.
        question: what was asked.
        told: the answer, a paragraph each, the most important first.
        draw, reading: its chart, and how to read it.
        manifest: `command`, `seed` and `versions`.
        story: a story in Markdown, as `story.tell` tells it.
        notices: what must be known before the answer is read.

    Raises:
        OSError: when the file cannot be written.
    """
    answer, *more = map(text.clean, told)
    page = _rendered(
        "history.html.jinja",
        None,
        title=text.clean(question),
        question=text.clean(question),
        answer=answer,
        more=more,
        notices=notices,
        svg=for_both(draw, "chart-history", question, answer),
        reading=reading,
        story=story and story_html(story),
        manifest=manifest,
    )
    return save_page(page, folder / PAGE)


def _table(table: pa.Table) -> tuple[list[str], list[list[str]]]:
    head = [text.label(name) for name in table.column_names]
    return head, [[_shown(value) for value in row.values()] for row in table.to_pylist()]


def _shown(value: Any) -> str:
    """A value of a table: a number to four digits."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return text.UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "never" if math.isinf(value) else text.exact(float(f"{value:.4g}"))
    return text.clean(str(value))


def _attached(name: str, content: str) -> tuple[str, str]:
    """A file that travels inside the page: its name, and its content as a data URL."""
    encoded = base64.b64encode(content.encode()).decode("ascii")
    return text.clean(name), f"data:text/plain;charset=utf-8;base64,{encoded}"


def _rendered(template: str, arm: Arm | str | None, **told: Any) -> Page:
    """A page from its template, with the stories of an arm (or why there are none)."""
    stories, changed = tell_arm(arm) if isinstance(arm, Arm) else ([], [])
    told = {"more": [], "notices": [], "figures": [], "raw_manifest": told["manifest"], **told}
    told["raw_manifest"] = json.dumps(told["raw_manifest"], indent=2, ensure_ascii=False)
    page = environment().get_template(template)
    html = page.render(assumed=assumptions, arm=arm, stories=stories, changed=changed, **told)
    plain = {
        key: told[key] for key in ("title", "question", "answer", "more", "notices", "figures")
    }
    of_each = ("heading", "replicate", "why", "gist")
    plain["stories"] = [{key: one[key] for key in of_each} for one in stories]
    return Page(html, plain)
