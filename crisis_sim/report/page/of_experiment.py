"""The page on an experiment of any kind."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch.errors import ResultsError
from crisis_sim.report import words
from crisis_sim.report.experiments import draw_experiment
from crisis_sim.report.page import provenance
from crisis_sim.report.page.arms import baseline
from crisis_sim.report.page.assumptions import assumptions
from crisis_sim.report.page.blocks import (
    Block,
    Bullets,
    Cell,
    Chart,
    Fold,
    Heading,
    Page,
    Paragraph,
    Section,
    Table,
)
from crisis_sim.report.page.stories import tell_arm
from crisis_sim.report.page.svg import inline
from crisis_sim.report.page.values import number

if TYPE_CHECKING:
    import pyarrow as pa

    from crisis_sim.experiments.findings import Findings

#: Rows and columns of a table that can still be read on a page.
MOST_ROWS, MOST_COLUMNS = 200, 12
#: What each chart of an experiment shows.
CHARTS = {
    "attribution": "What each part brings: from none of them to all, and each part’s figures with 95% intervals",
    "interactions": "How much more, or less, each of two parts brings where the other is there",
    "curves": "Each measure over the values of the parameter, with 95% bands",
    "differences": "Each measure less that at the reference point, on the same luck, with 95% bands",
    "ranking": "How much each parameter matters, with 95% intervals",
    "convergence": "How the ranking settles as samples are added",
    "tornado": "What each measure comes to with a parameter at either end of its range",
    "effects": "What each parameter does over its range",
    "pairs": "Parameters two by two",
    "history": "What each trial came to, in order, and the best so far",
    "parameters": "Where the trials looked, and what was found best",
    "targets": "What was aimed at, and what was reached",
    "trade_off": "What is gained against what it costs",
    "marginals": "What is believed of each parameter before and after the record was seen",
    "predictive": "What the posterior predicts with fresh luck, beside what was seen",
}


def page_of_experiment(findings: Findings, folder: Path) -> Page:
    """Everything that a page says of an experiment.

    Args:
        findings: what it found.
        folder: where they stand.
    """
    experiment = findings.experiment
    spec = experiment.spec
    first, *others = findings.answer or ("Nothing was found.",)
    sure = others.pop() if others else ""
    sections = [
        Section("charts", "What it found", list(_found(findings, first, others))),
        Section("tables", "The figures", list(_figures(findings))),
        *_stories(findings, folder),
        Section(
            "assumptions",
            "What was assumed",
            [
                Heading(words.sentence(experiment.scenario.title)[:-1]),
                *assumptions(experiment.scenario),
            ],
            new_page=True,
        ),
        Section("sure", "How sure this is, and what would make it surer", list(_sure(sure))),
        Section(
            "again",
            "How to have it again",
            list(provenance.of_experiment(findings.manifest, experiment.text, _files(findings))),
        ),
    ]
    return Page(
        title=words.clean(spec.title),
        question=words.clean(spec.question or spec.title),
        answer=first,
        more=[],
        notices=[],
        figures=[],
        sections=sections,
        made_by=provenance.made_by(findings.manifest),
    )


def _found(findings: Findings, first: str, others: list[str]) -> Iterator[Block]:
    if others:
        yield Bullets(others)
    for place, (name, figure) in enumerate(draw_experiment(findings)):
        title = CHARTS.get(name, words.label(name))
        finding = first if place == 0 else f"{title}. What it says stands above it in words."
        picture = inline(figure, f"chart-{name}", title, finding)
        yield Chart(f"chart-{name}", picture, "", words.sentence(title))


def _figures(findings: Findings) -> Iterator[Block]:
    """The tables that can be read on a page; the others are said to be in the folder."""
    left = []
    yield Paragraph(
        "The tables behind the charts, to be unfolded one by one. A print leaves them out; the folder has them all."
    )
    for place, (name, table) in enumerate(findings.tables.items()):
        if table.num_rows > MOST_ROWS or table.num_columns > MOST_COLUMNS:
            left.append(f"{words.clean(name)}.parquet ({words.count(table.num_rows)} rows)")
            continue
        yield Fold(words.label(name), [_table(f"table-{place}", name, table)])
    if left:
        yield Paragraph(
            f"Too large for a page, and in the folder of results: {words.listed(left)}."
        )


def _stories(findings: Findings, folder: Path) -> Iterator[Section]:
    """A few crises of the baseline, where the folder keeps them."""
    try:
        found = baseline(findings, folder)
    except ResultsError as error:
        lacking = [Paragraph(f"The crises cannot be told here: {error}.")]
        yield Section("stories", "A few crises, told", lacking)
        return
    if found is None:
        return
    told = tell_arm(found.arm)
    blocks: list[Block] = [
        Paragraph(
            f"Each is one of the crises {found.told}, chosen by a rule that it states: first what most of them are like, "
            "then the extremes. None of them is a forecast."
        )
    ]
    if told.lacking:
        blocks.append(Paragraph(told.lacking))
    yield Section("stories", "A few crises, told", [*blocks, *told.stories], new_page=True)


def _table(name: str, called: str, table: pa.Table) -> Table:
    first, *others = table.column_names
    rows = table.to_pylist()
    return Table(
        name=name,
        caption=f"{words.label(called)} ({called}.parquet)",
        head=[words.label(one) for one in (first, *others)],
        rows=[(_shown(row[first]), [Cell(_shown(row[one])) for one in others]) for row in rows],
    )


def _shown(value: Any) -> str:
    """A value of a table: a number to four digits."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return words.UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "never" if math.isinf(value) else number(float(f"{value:.4g}"))
    return words.clean(str(value))


def _sure(sure: str) -> Iterator[Block]:
    if sure:
        yield Paragraph(sure)
    yield Paragraph(
        "The intervals say how far chance in the replicates may have moved a figure, not whether the scenario or the model "
        "is right."
    )


def _files(findings: Findings) -> dict[str, str]:
    """The files that travel inside the page: what the experiment was given, made, and its scenario."""
    experiment = findings.experiment
    scenario = {
        f"{experiment.scenario.name}.yaml": provenance.scenario_file(
            {"scenario": experiment.scenario.plain()}
        )
    }
    given = {f"{experiment.name}.yaml": experiment.text} if experiment.text else {}
    return {**given, **findings.files, **scenario}
