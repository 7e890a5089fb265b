"""The validation's files: JSON, charts, and the page docs/validation.md.

The page is `page.md` with the figures put in, and `limits.md`, which people write, at its end.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from string import Template

from crisis_sim.batch.files import as_json
from crisis_sim.model.observer import ANSWER_DAYS, RENEWED_AFTER_DAYS
from crisis_sim.scenario.load import on_disk
from crisis_sim.text import UNKNOWN, percent
from crisis_sim.validation.facts import OTHER_SHARE, read_facts
from crisis_sim.validation.run import POPULATION, Validation
from crisis_sim.validation.simulated import CASES_AMONG, IN_WORDS, INSIDE
from crisis_sim.validation.text import case_cells, counted, fact_cells, family_name

#: The file that holds all that was compared.
RESULTS = "validation.json"
#: The charts, in the order in which a reader wants to see them; their files begin with `PREFIX`.
CHARTS = ("facts", "survival", "transitions", "cases")
PREFIX = "validation_"
HERE = on_disk(Path(__file__).parent)
TEMPLATE, LIMITS = HERE / "page.md", HERE / "limits.md"
#: Where the charts stand beside the page.
IMAGES = "images"


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
    counts = validation.counts()
    crises = validation.batch.ensembles[validation.population]
    record = read_facts()
    comparable = [one for one in validation.cases if one.verdict != "not comparable"]
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        command=_command(validation),
        replicates=f"{crises.replicates:,}",
        population=validation.population,
        horizon_days=f"{crises.horizon_hours / 24:g}",
        unresolved=percent(validation.unresolved),
        counted_facts=counted(counts["facts"]),
        counted_cases=counted(counts["cases"]),
        facts="\n".join(_fact_tables(validation)),
        cases="\n".join(_case_table(validation)),
        charts=f"{IMAGES}/{PREFIX}",
        case_figures=len(comparable),
        outside_by_chance=f"{len(comparable) * (1 - INSIDE[1] + INSIDE[0]):.0f}",
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
    crises = validation.batch.ensembles[validation.population]
    said = ["crisis-sim", "validate", "--replicates", str(crises.replicates)]
    said += ["--seed", str(validation.batch.seed)]
    if validation.population != POPULATION:
        said += ["--population", validation.population]
    for override in validation.overrides:
        said += ["--set", override]
    return shlex.join([*said, "--page", "docs/validation.md"])


def _fact_tables(validation: Validation) -> Iterator[str]:
    for family, comparisons in validation.facts.items():
        yield f"### {family_name(family)}\n"
        yield "| fact | unit | record | simulated | verdict | in fit |"
        yield "|---|---|--:|--:|---|---|"
        notes = list(dict.fromkeys(one.expectation.note for one in comparisons))
        notes = [note for note in notes if note]
        for one in comparisons:
            name, *figures, verdict, in_fit = fact_cells(one)
            note = one.expectation.note
            mark = f" [{notes.index(note) + 1}]" if note else ""
            yield _row(f"{name}{mark}", *figures, _set(verdict), in_fit)
        yield ""
        for place, note in enumerate(notes, start=1):
            yield f"[{place}] {note}\n"


def _case_table(validation: Validation) -> Iterator[str]:
    yield "| case | what | real | simulated: 10, 50, 90% | below the real one, % | come, % | verdict | in fit | note |"
    yield "|---|---|--:|--:|--:|--:|---|---|---|"
    for one in validation.cases:
        name, what, real, *simulated, verdict, in_fit = case_cells(one)
        if verdict == "not comparable":
            simulated = [UNKNOWN] * 3
        yield _row(name, what, real, *simulated, _set(verdict), in_fit, one.expectation.note)
    yield ""
    for what, meaning in IN_WORDS.items():
        yield f"- *{what}*: {meaning}; it comes in a share of {CASES_AMONG[what]}"


def _set(verdict: str) -> str:
    return f"**{verdict}**" if verdict == "outside" else verdict


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
