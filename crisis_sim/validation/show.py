"""Show a validation: the tables of `crisis-sim validate`, its files, and the page docs/validation.md.

The page is the template page.md with the figures filled in; it ends with limits.md.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.text import Text

from crisis_sim.batch.safe_files import as_json
from crisis_sim.model.observer import ANSWER_DAYS, RENEWED_AFTER_DAYS
from crisis_sim.report.answers import WIDTH, fitted
from crisis_sim.scenario.load import on_disk
from crisis_sim.text import UNKNOWN, label, percent
from crisis_sim.validation.facts import OTHER_SHARE, Comparison, Verdict, read_facts
from crisis_sim.validation.run import (
    CASES_AMONG,
    DEFINITIONS,
    HALT,
    INSIDE,
    POPULATION,
    REBOUND,
    CaseResult,
    Validation,
    family_name,
    rank,
)

if TYPE_CHECKING:
    from crisis_sim.validation.held_out import Prediction

#: File with the whole comparison.
RESULTS = "validation.json"
#: Charts in the order of the page; the names of their files begin with `PREFIX`.
CHARTS = ("facts", "survival", "transitions", "cases")
PREFIX = "validation_"
FOLDER = on_disk(Path(__file__).parent)
TEMPLATE, LIMITS = FOLDER / "page.md", FOLDER / "limits.md"
#: Folder of the charts, next to the page.
IMAGES = "images"
#: Style of each verdict on a terminal.
VERDICT_STYLES: dict[Verdict, str] = {
    "inside": "",
    "near": "yellow",
    "outside": "bold red",
    "not comparable": "dim",
}
#: Explanations below the tables.
FACT_VERDICTS = """\
Inside: the simulated value lies in the historical record's 95% interval.
Near: it does not, but the two intervals overlap; if the record has no interval, it lies within a fixed tolerance.
Outside: neither.
In fit: used to fit the behavioural parameters."""
CASE_VERDICTS = """\
Below: share of the simulated figures below the real one.
Occur: share of the crises that have such a figure; for a halt, of the crises with a first strike.
Inside: the real figure is among the central 80% of the simulated ones, and at least 10% of the crises have one.
Near: the same with 95% and 2.5%. Outside: neither."""


def _number(value: float, is_share: bool = False) -> str:
    """Format a share in per cent, or days, with up to three digits."""
    if math.isnan(value):
        return UNKNOWN
    if is_share:
        return percent(value)
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}".removesuffix(".0")


def _fact_cells(comparison: Comparison) -> list[str]:
    """Return the cells of a fact's row: name, unit, recorded and simulated value, verdict, in fit."""
    is_share, values = comparison.fact.is_share, []
    for figure in (comparison.fact, comparison.simulated):
        lower, upper = (
            UNKNOWN if limit is None else _number(limit, is_share)
            for limit in (figure.lower, figure.upper)
        )
        interval = "" if lower == upper == UNKNOWN else f" ({lower}–{upper})"
        values.append(_number(figure.value, is_share) + interval)
    in_fit = "yes" if comparison.expectation.in_fit else ""
    unit = "%" if is_share else "days"
    return [comparison.expectation.name, unit, *values, comparison.verdict, in_fit]


def _case_cells(result: CaseResult) -> list[str]:
    """Return the cells of a row: case, figure, real value, quantiles, share below, share with one, verdict, in fit."""
    is_share = result.what == REBOUND
    real, *simulated = (
        f"{_number(value, is_share)}{'%' if is_share else ''}"
        for value in (result.real, *result.quantiles[1:4])
    )
    cells = [", ".join(simulated), percent(result.percentile), percent(result.came)]
    if result.verdict == "not comparable":
        cells = [UNKNOWN] * 3
    in_fit = "yes" if result.expectation.in_fit else ""
    return [result.case.name, result.what, real, *cells, result.verdict, in_fit]


def _counted(counts: dict[str, int]) -> str:
    """Return the counts of the verdicts and their total as part of a sentence."""
    verdicts = ", ".join(
        f"{counts[verdict]} {verdict}" for verdict in ("inside", "near", "outside")
    )
    excluded = counts["not comparable"]
    remark = f" ({excluded} more cannot be compared)" if excluded else ""
    return f"{verdicts}, of {sum(counts.values()) - excluded}{remark}"


# --- On a terminal


def print_validation(validation: Validation, console: Console | None = None) -> None:
    """Print the comparisons of facts and cases and a summary, by default on standard output."""
    console = console or Console()
    for table in (_fact_table, _case_table):
        console.print(table(validation, console.width), width=console.width)
        console.print()
    halts = [
        result
        for result in validation.cases
        if result.what == HALT and not math.isnan(result.percentile)
    ]
    correlation = rank(
        [result.quantile(0.5) for result in halts], [result.real for result in halts]
    )
    lines = [f"{label(name)}: {_counted(counts)}." for name, counts in validation.counts().items()]
    lines.append(
        f"Rank correlation of the simulated median and the real days to the halt: {correlation:.2f}. The fit used these "
        "cases; for predictions without them, see crisis-sim validate --held-out, crisis-sim hindcast and "
        "docs/scorecard.md."
    )
    if share := validation.unresolved:
        lines.append(
            f"{percent(share)}% of the crises of the population were still going on at the horizon."
        )
    for line in lines:
        console.print(Text(line), width=min(console.width, WIDTH))


def _styled(cells: Sequence[str], verdict: Verdict) -> list[Text | str]:
    """Style the verdict, the last cell but one."""
    return [*cells[:-2], Text(verdict, style=VERDICT_STYLES[verdict]), cells[-1]]


def _fact_table(validation: Validation, width: int) -> Group:
    rows: list[list[Text | str]] = []
    for family, comparisons in validation.facts.items():
        rows.append([Text(family_name(family), style="bold"), *[""] * 5])
        for comparison in comparisons:
            name, *cells = _fact_cells(comparison)
            rows.append(_styled([f"- {name}", *cells], comparison.verdict))
    headings = ("fact", "unit", "record", "simulated", "verdict", "in\nfit")
    title = "Facts: the historical record and the population scenario, with 95% intervals"
    return fitted(title, headings, rows, width, FACT_VERDICTS)


def _case_table(validation: Validation, width: int) -> Group:
    rows = [_styled(_case_cells(result), result.verdict) for result in validation.cases]
    headings = (
        *("case", "figure", "real", "simulated\n10, 50, 90%", "below,\n%", "occur,\n%"),
        *("verdict", "in\nfit"),
    )
    title = "Cases: the real figure among the simulated ones"
    definitions = [f"{label(what)}: {meaning}." for what, meaning in DEFINITIONS.items()]
    return fitted(title, headings, rows, width, "\n".join([*definitions, CASE_VERDICTS]))


def print_held_out(predictions: Sequence[Prediction], console: Console | None = None) -> None:
    """Print the prediction of each case by a fit without it, and its scores."""
    from crisis_sim.validation.held_out import summary

    console = console or Console()
    headings = (
        *("case", "real,\ndays", "predicted,\n10–90%", "below,\n%"),
        *("log score\n(others)", "CRPS\n(others)"),
    )
    rows = [
        (
            f"{prediction.case.name}: {prediction.what}",
            _number(prediction.real),
            Text("{1}\n{0}–{2}".format(*map(_number, prediction.quantiles))),
            percent(prediction.percentile),
            Text(f"{prediction.log_score:.2f}\n({prediction.log_score_others:.2f})"),
            Text(f"{prediction.crps:.2f}\n({prediction.crps_others:.2f})"),
        )
        for prediction in predictions
    ]
    title = "Cases predicted by a model fitted without them"
    caption = (
        "Below: share of the predicted times below the real one. Lower scores are better. Others: scores of a "
        "lognormal distribution of the other cases' times, and of their share of crises with a strike. All eight cases "
        "were chosen because they had a strike, so the scores say little on whether there is one."
    )
    width = console.width
    console.print(fitted(title, headings, rows, width, caption), width=width)
    for what, sums in summary(predictions).items():
        line = (
            f"{label(what)}: {sums['inside']} of {sums['cases']} real times are in the central 80%; the rank correlation "
            f"of median and real times is {sums['rank']:.2f}, the log score {sums['log_score']:.1f}, that of the others "
            f"{sums['log_score_others']:.1f}."
        )
        console.print(Text(line), width=min(width, WIDTH))


# --- In files


def write_validation(validation: Validation, folder: Path) -> list[Path]:
    """Write the comparison as JSON, and its charts, into a folder; existing files are replaced.

    Returns:
        The files written.

    Raises:
        OSError: if a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / RESULTS
    path.write_bytes(as_json(validation.plain()))
    return [path, *_write_charts(validation, folder)]


def write_page(validation: Validation, path: Path) -> list[Path]:
    """Write the page, and its charts into the folder `images` next to it; existing files are replaced.

    Returns:
        The files written, the page first.

    Raises:
        OSError: if a file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(validation), encoding="utf-8")
    return [path, *_write_charts(validation, path.parent / IMAGES)]


def _write_charts(validation: Validation, folder: Path) -> list[Path]:
    from crisis_sim import style
    from crisis_sim.validation import charts

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in CHARTS:
        figure = getattr(charts, f"draw_{name}")(validation)
        written += style.write(figure, folder / f"{PREFIX}{name}")
    return written


def page(validation: Validation) -> str:
    """Return the page as Markdown."""
    counts, record = validation.counts(), read_facts()
    crises = validation.batch.ensembles[validation.population]
    comparable = sum(result.verdict != "not comparable" for result in validation.cases)
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        command=_command(validation),
        replicates=f"{crises.replicates:,}",
        population=validation.population,
        horizon_days=f"{crises.horizon_hours / 24:g}",
        unresolved=percent(validation.unresolved),
        counted_facts=_counted(counts["facts"]),
        counted_cases=_counted(counts["cases"]),
        facts="\n".join(_fact_lines(validation)),
        cases="\n".join(_case_lines(validation)),
        charts=f"{IMAGES}/{PREFIX}",
        case_figures=comparable,
        outside_by_chance=f"{comparable * (1 - INSIDE[1] + INSIDE[0]):.0f}",
        other=percent(record["ending_other"].value),
        other_share=percent(OTHER_SHARE),
        war_of_confrontations=percent(record["war_share_confrontations"].value),
        war_of_crises=percent(record["peak_violence_full_scale_war"].value),
        answer_days=f"{ANSWER_DAYS:g}",
        renewed_after=f"{RENEWED_AFTER_DAYS:g}",
        limits=LIMITS.read_text(encoding="utf-8").strip(),
    )


def _command(validation: Validation) -> str:
    """Return the command that generates the page."""
    crises, seed = validation.batch.ensembles[validation.population], validation.batch.seed
    words = f"crisis-sim validate --replicates {crises.replicates} --seed {seed}".split()
    if validation.population != POPULATION:
        words += ["--population", validation.population]
    for override in validation.overrides:
        words += ["--set", override]
    return shlex.join([*words, "--page", "docs/validation.md"])


def _fact_lines(validation: Validation) -> Iterator[str]:
    for family, comparisons in validation.facts.items():
        yield f"### {family_name(family)}\n"
        yield "| fact | unit | record | simulated | verdict | in fit |"
        yield "|---|---|--:|--:|---|---|"
        notes = [
            *dict.fromkeys(
                note for comparison in comparisons if (note := comparison.expectation.note)
            )
        ]
        for comparison in comparisons:
            name, *cells = _fact_cells(comparison)
            note = comparison.expectation.note
            mark = f" [{notes.index(note) + 1}]" if note else ""
            yield _row(f"{name}{mark}", *cells)
        yield ""
        for number, note in enumerate(notes, start=1):
            yield f"[{number}] {note}\n"


def _case_lines(validation: Validation) -> Iterator[str]:
    yield "| case | figure | real | simulated: 10, 50, 90% | below the real one, % | occur, % | verdict | in fit | note |"
    yield "|---|---|--:|--:|--:|--:|---|---|---|"
    for result in validation.cases:
        yield _row(*_case_cells(result), result.expectation.note)
    yield ""
    for what, meaning in DEFINITIONS.items():
        yield f"- *{what}*: {meaning}; *occur* is its share of {CASES_AMONG[what]}"


def _row(*cells: str) -> str:
    """Return a row in Markdown, with "outside" in bold."""
    marked = ("**outside**" if cell == "outside" else cell.replace("|", "/") for cell in cells)
    return f"| {' | '.join(marked)} |"
