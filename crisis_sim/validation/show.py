"""A validation in words: what `crisis-sim validate` prints, its files, and the page docs/validation.md.

The page is `page.md` with the figures put in, and `limits.md`, which people write, at its end.
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

from crisis_sim.batch.files import as_json
from crisis_sim.model.observer import ANSWER_DAYS, RENEWED_AFTER_DAYS
from crisis_sim.report.answers import WIDTH, fitted
from crisis_sim.scenario.load import on_disk
from crisis_sim.text import UNKNOWN, label, percent
from crisis_sim.validation.facts import OTHER_SHARE, Comparison, Verdict, read_facts
from crisis_sim.validation.run import (
    CASES_AMONG,
    HALT,
    IN_WORDS,
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

#: The file that holds all that was compared.
RESULTS = "validation.json"
#: The charts, in the order in which a reader wants to see them; their files begin with `PREFIX`.
CHARTS = ("facts", "survival", "transitions", "cases")
PREFIX = "validation_"
HERE = on_disk(Path(__file__).parent)
TEMPLATE, LIMITS = HERE / "page.md", HERE / "limits.md"
#: Where the charts stand beside the page.
IMAGES = "images"
#: The style of each verdict on a terminal; unmet ones stand out.
VERDICT_STYLES: dict[Verdict, str] = {
    "inside": "",
    "near": "yellow",
    "outside": "bold red",
    "not comparable": "dim",
}


def _number(value: float, is_share: bool = False) -> str:
    """A share in per cent, or days, to three figures at most."""
    if math.isnan(value):
        return UNKNOWN
    if is_share:
        return percent(value)
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}".removesuffix(".0")


def _fact_cells(one: Comparison) -> list[str]:
    """A fact's row: name, unit, the record's and the model's figure with intervals, verdict, whether it was fitted."""
    is_share, figures = one.fact.is_share, []
    for figure in (one.fact, one.simulated):
        limits = [UNKNOWN if x is None else _number(x, is_share) for x in (figure.lower, figure.upper)]  # fmt: skip
        told = f" ({limits[0]}–{limits[1]})" if set(limits) != {UNKNOWN} else ""
        figures.append(_number(figure.value, is_share) + told)
    in_fit = "yes" if one.expectation.in_fit else ""
    return [one.expectation.name, "%" if is_share else "days", *figures, one.verdict, in_fit]


def _case_cells(one: CaseResult) -> list[str]:
    """A case's row: name, kind of figure, the real one, simulated quantiles, shares below and with one, verdict, fit."""
    rises, unit = one.what == REBOUND, "%" if one.what == REBOUND else ""
    real, *simulated = (f"{_number(x, rises)}{unit}" for x in (one.real, *one.quantiles[1:4]))
    shares = percent(one.percentile), percent(one.came)
    in_fit = "yes" if one.expectation.in_fit else ""
    return [one.case.name, one.what, real, ", ".join(simulated), *shares, one.verdict, in_fit]


def _counted(counts: dict[str, int]) -> str:
    """How many of how many are inside, near and outside, in a sentence's part."""
    told = [f"{counts[verdict]} {verdict}" for verdict in ("inside", "near", "outside")]
    left_out = counts["not comparable"]
    more = f" ({left_out} more cannot be compared)" if left_out else ""
    return f"{', '.join(told)}, of {sum(counts.values()) - left_out}{more}"


# --- On a terminal


def print_validation(validation: Validation, console: Console | None = None) -> None:
    """Print where the model stands, on standard output unless given: facts, cases, and how many are met."""
    console = console or Console()
    for table in (_fact_table, _case_table):
        console.print(table(validation, console.width), width=console.width)
        console.print()
    halts = [one for one in validation.cases if one.what == HALT and not math.isnan(one.percentile)]
    found = rank([one.quantile(0.5) for one in halts], [one.real for one in halts])
    told = [f"{label(name)}: {_counted(of)}." for name, of in validation.counts().items()]
    told.append(
        f"Rank correlation of middle and real fights: {found:.2f}. "
        "These were fitted. What was not: crisis-sim validate --held-out, crisis-sim hindcast, and docs/scorecard.md."
    )
    if share := validation.unresolved:
        told.append(f"{percent(share)}% of all crises of the population went on to the horizon.")
    for line in told:
        console.print(Text(line), width=min(console.width, WIDTH))


def _styled(cells: Sequence[str], verdict: Verdict) -> list[Text | str]:
    """A row whose last cell but one is a verdict."""
    return [*cells[:-2], Text(verdict, style=VERDICT_STYLES[verdict]), cells[-1]]


def _fact_table(validation: Validation, width: int) -> Group:
    rows: list[list[Text | str]] = []
    for family, comparisons in validation.facts.items():
        rows.append([Text(family_name(family), style="bold"), *[""] * 5])
        for one in comparisons:
            name, *others = _fact_cells(one)
            rows.append(_styled([f"- {name}", *others], one.verdict))
    headings = ("fact", "unit", "record", "simulated", "verdict", "in\nfit")
    title = "Facts: the record, and the population scenario, with 95% intervals"
    return fitted(title, headings, rows, width)


def _case_table(validation: Validation, width: int) -> Group:
    rows = [_styled(_case_cells(one), one.verdict) for one in validation.cases]
    headings = "case|what|real|simulated\n10, 50, 90%|below\nit, %|come,\n%|verdict|in\nfit"
    title = "Cases: where the real figure falls among the simulated ones"
    told = "; ".join(f"{what}: {meaning}" for what, meaning in IN_WORDS.items())
    told = (
        f"{told[0].upper()}{told[1:]}. Come: share that have one, of all crises; of a halt, of crises "
        "with a first strike."
    )
    return fitted(title, headings.split("|"), rows, width, told)


def print_held_out(found: Sequence[Prediction], console: Console | None = None) -> None:
    """Print what is predicted of each case by a model fitted without it, and how it scores."""
    from crisis_sim.validation.held_out import summary

    console = console or Console()
    headings = "case|real,\ndays|predicted,\n10–90%|below\nit, %|log score\n(others)|CRPS\n(others)"
    rows = [
        (
            f"{one.case.name}: {one.what}",
            _number(one.real),
            Text("{1}\n{0}–{2}".format(*map(_number, one.quantiles))),
            percent(one.percentile),
            Text(f"{one.log_score:.2f}\n({one.log_score_others:.2f})"),
            Text(f"{one.crps:.2f}\n({one.crps_others:.2f})"),
        )
        for one in found
    ]
    title = "Cases predicted by a model fitted without them"
    told = (
        "Lower scores are better. Others: a lognormal distribution of the other cases' times, and how often they saw a "
        "strike. All eight cases saw one, since they were picked for it: of whether there is a strike, that says little."
    )
    width = console.width
    console.print(fitted(title, headings.split("|"), rows, width, told), width=width)
    for what, one in summary(found).items():
        told = (
            f"{label(what)}: {one['inside']} of {one['cases']} real times in the central 80%; rank correlation of middle "
            f"and real times {one['rank']:.2f}; log score {one['log_score']:.1f}, of the others "
            f"{one['log_score_others']:.1f}."
        )
        console.print(Text(told), width=min(width, WIDTH))


# --- In files


def write_validation(validation: Validation, folder: Path) -> list[Path]:
    """Write the comparison, as JSON, and its charts into a folder, in place of earlier ones.

    Returns:
        The files written.

    Raises:
        OSError: when a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / RESULTS
    path.write_bytes(as_json(validation.plain()))
    return [path, *_write_charts(validation, folder)]


def write_page(validation: Validation, path: Path) -> list[Path]:
    """Write the page, and its charts into a folder `images` beside it, in place of earlier ones.

    Returns:
        The files written, the page first.

    Raises:
        OSError: when a file cannot be written.
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
    """The page as Markdown."""
    counts, record = validation.counts(), read_facts()
    crises = validation.batch.ensembles[validation.population]
    comparable = sum(one.verdict != "not comparable" for one in validation.cases)
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
    """The command that makes the page again."""
    crises, seed = validation.batch.ensembles[validation.population], validation.batch.seed
    said = f"crisis-sim validate --replicates {crises.replicates} --seed {seed}".split()
    if validation.population != POPULATION:
        said += ["--population", validation.population]
    said += [word for one in validation.overrides for word in ("--set", one)]
    return shlex.join([*said, "--page", "docs/validation.md"])


def _fact_lines(validation: Validation) -> Iterator[str]:
    for family, comparisons in validation.facts.items():
        yield f"### {family_name(family)}\n"
        yield "| fact | unit | record | simulated | verdict | in fit |"
        yield "|---|---|--:|--:|---|---|"
        notes = [*dict.fromkeys(note for one in comparisons if (note := one.expectation.note))]
        for one in comparisons:
            name, *others = _fact_cells(one)
            note = one.expectation.note
            mark = f" [{notes.index(note) + 1}]" if note else ""
            yield _row(f"{name}{mark}", *others)
        yield ""
        for place, note in enumerate(notes, start=1):
            yield f"[{place}] {note}\n"


def _case_lines(validation: Validation) -> Iterator[str]:
    yield "| case | what | real | simulated: 10, 50, 90% | below the real one, % | come, % | verdict | in fit | note |"
    yield "|---|---|--:|--:|--:|--:|---|---|---|"
    for one in validation.cases:
        cells = _case_cells(one)
        if one.verdict == "not comparable":
            cells[3:6] = [UNKNOWN] * 3
        yield _row(*cells, one.expectation.note)
    yield ""
    for what, meaning in IN_WORDS.items():
        yield f"- *{what}*: {meaning}; it comes in a share of {CASES_AMONG[what]}"


def _row(*cells: str) -> str:
    """A row in Markdown, in which an unmet verdict stands out."""
    told = ["**outside**" if cell == "outside" else cell.replace("|", "/") for cell in cells]
    return f"| {' | '.join(told)} |"
