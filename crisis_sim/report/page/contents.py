"""What stands on the page of a run or an experiment, and the file that it is written to."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from crisis_sim import text
from crisis_sim.batch import Ensemble, read_batch
from crisis_sim.batch.files import ResultsError, write_durably
from crisis_sim.batch.folder import read_manifest
from crisis_sim.experiments.factors import ScenarioEditor
from crisis_sim.experiments.run import batch_folder
from crisis_sim.experiments.spec import names_of, values_in_words
from crisis_sim.outcomes import summarise
from crisis_sim.outcomes.advice import advise
from crisis_sim.report.experiments import draw_experiment
from crisis_sim.report.page import blocks as tables
from crisis_sim.report.page import parts
from crisis_sim.report.page import parts as head
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
    number,
)
from crisis_sim.report.page.parts import WHAT_IT_IS, assumptions, differences
from crisis_sim.report.page.stories import COLUMNS, Arm, tell_arm, tell_chosen
from crisis_sim.report.page.svg import chart, inline
from crisis_sim.report.save import CHARTS, PAGE, draw_all
from crisis_sim.scenario.schema import Scenario
from crisis_sim.text import JOINERS, printable

if TYPE_CHECKING:
    import pyarrow as pa

    from crisis_sim.batch.ensemble import Batch
    from crisis_sim.experiments.spec import Findings


# --- The crises of an experiment that a page tells of: those of its baseline, held against its other arms
#
# A sweep, an attribution and a tornado keep the outcome of each crisis in the folder, so a few of them can be run
# again and
# told. A tuning and a posterior keep figures alone, as do the points of a sensitivity analysis's own design, of which
# each
# is as good as any other; of these nothing is told.

#: Crises of a design that are looked through; more would not fit into a small machine's memory.
MOST_CRISES = 4_000_000
#: Arms of a sweep that a told crisis is held against.
SHOWN = 5
_ELSEWHERE = "The same crisis, with the same luck, {}"


@dataclass(frozen=True)
class Baseline:
    """An experiment's baseline: its crises, and what it is in words.

    Attributes:
        arm: its crises.
        told: what it is, to go on after "the crises".
    """

    arm: Arm
    told: str


def baseline(findings: Findings, folder: Path) -> Baseline | None:
    """The crises that an experiment compares others with; None where its folder does not keep them.

    Args:
        findings: what the experiment found.
        folder: where it stands.

    Raises:
        ResultsError: when the crises cannot be read.
    """
    found = _KINDS.get(findings.experiment.spec.kind)
    return None if found is None else found(findings, folder)


def _of_sweep(findings: Findings, folder: Path) -> Baseline | None:
    from crisis_sim.experiments.sweep import factors_of

    factors = factors_of(findings.experiment)
    points = [
        {path: float(row[path]) for path in (factor.path for factor in factors)}
        for row in findings.tables["points"].to_pylist()
    ]
    reference = int(findings.summary["reference"])
    order = sorted(range(len(points)), key=lambda point: tuple(points[point].values()))
    even = np.linspace(0, len(order) - 1, min(SHOWN, len(order))).round().astype(int)
    shown = {order[k] for k in even} | {reference}
    names = {point: values_in_words(factors, points[point]) for point in order if point in shown}
    told = f"at {names[reference]}, with which the others are compared"
    return _of_points(findings, folder, names, reference, points[reference], told)


def _of_tornado(findings: Findings, folder: Path) -> Baseline | None:
    """The middle of all factors, beside either end of the first of them, as `tornado.points_of` has them."""
    factors = findings.summary["factors"]
    names = {0: "all in their middle"}
    shorter = names_of([factor["path"] for factor in factors])
    for k, factor in enumerate(factors[:SHOWN]):
        for step, end in enumerate(("low", "high"), start=1):
            names[2 * k + step] = f"{shorter[factor['path']]} {factor[end]:.3g}"
    middle = {factor["path"]: float(factor["middle"]) for factor in factors}
    told = "with every parameter in its middle, from which each is moved in turn"
    return _of_points(findings, folder, names, 0, middle, told, "tornado")


def _of_points(
    findings: Findings,
    folder: Path,
    names: Mapping[int, str],
    reference: int,
    values: Mapping[str, float],
    told: str,
    design: str = "",
) -> Baseline | None:
    """A baseline that is a point of a design, beside other points by name."""
    home = _kept(findings, folder, design)
    if home is None:
        return None
    batch = read_batch(home, (*COLUMNS, "point"))
    (ensemble,) = batch.ensembles.values()
    points = {name: _at(ensemble, point) for point, name in names.items()}
    changes = [f"{path}={value!r}" for path, value in values.items()]
    scenario = findings.experiment.scenario
    return Baseline(
        Arm(
            ensemble=points[names[reference]],
            scenario=ScenarioEditor(scenario).without(changes, scenario.name),
            seed=batch.seed,
            file=f"{scenario.name}.yaml",
            overrides=changes,
            elsewhere=points,
            caption=_ELSEWHERE.format("at other values"),
            of="Where",
        ),
        told,
    )


def _of_attribution(findings: Findings, folder: Path) -> Baseline | None:
    from crisis_sim.experiments.attribute import combination_name

    home = _kept(findings, folder)
    if home is None:
        return None
    parts = [text.clean(one["name"]) for one in findings.summary["parts"]]
    everything = (True,) * len(parts)
    shown = {everything: "with all of them"}
    for k, part in enumerate(parts):
        shown[(*everything[:k], False, *everything[k + 1 :])] = f"without {part}"
    shown[(False,) * len(parts)] = "with none of them"
    batch = read_batch(home, COLUMNS)
    arms = {name: batch.ensembles[combination_name(there)] for there, name in shown.items()}
    scenario = findings.experiment.scenario
    return Baseline(
        Arm(
            ensemble=arms[shown[everything]],
            scenario=scenario,
            seed=batch.seed,
            file=f"{scenario.name}.yaml",
            elsewhere=arms,
            caption=_ELSEWHERE.format("with parts taken away"),
            of="What is there",
        ),
        "in which all parts are there",
    )


def _kept(findings: Findings, folder: Path, design: str = "") -> Path | None:
    """Where a folder keeps an experiment's crises, if these are no more than can be looked through."""
    home = batch_folder(findings, folder, design)
    if home is None:
        return None
    about: Iterable[Mapping[str, Any]] = read_manifest(home)["scenarios"].values()
    return home if sum(int(one["replicates_done"]) for one in about) <= MOST_CRISES else None


def _at(ensemble: Ensemble, point: int) -> Ensemble:
    """The replicates of one point of a design."""
    return replace(
        ensemble, table=ensemble.table.filter(ensemble.column("point") == point), paths=None
    )


_KINDS: dict[str, Callable[[Findings, Path], Baseline | None]] = {
    "sweep": _of_sweep,
    "attribute": _of_attribution,
    "sensitivity": _of_tornado,
}


# --- The page on a run: one scenario or several side by side

#: Charts that belong to a section of their own; the others come first.
_APART = ("differences", "endings", "markets")


#: Steps after the scenarios are summarised: each chart, and the stories.
_STEPS = len(CHARTS) + 1


def page_of_run(
    batch: Batch,
    reference: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Page:
    """Everything that a page says of a run.

    Args:
        batch: the replicates.
        reference: the scenario to compare with; the first where left out.
        progress: called with how many scenarios and charts are done, and of how many.

    Raises:
        UnknownReferenceError: when there is no such scenario.
        UnknownValueError: when a column holds a word that it may not hold.
    """
    many = len(batch.ensembles)
    total = many + _STEPS
    summary = summarise(batch, reference, progress=lambda done, _: progress(done, total))
    name = summary["reference"]
    scenarios = {one: _read(ensemble.scenario) for one, ensemble in batch.ensembles.items()}
    drawn = {}
    for place, (chart_name, picture) in enumerate(_charts(batch, summary), start=1):
        drawn[chart_name] = picture
        progress(many + place, total)
    stories = list(_run_stories(batch, name, scenarios[name]))
    progress(total, total)
    sections = [
        Section("charts", "How often, and how quickly", list(_main(drawn, summary))),
        *_compared(drawn, summary),
        Section("endings", "How crises end", list(_endings(drawn, summary))),
        Section(
            "stories",
            "A few crises, told",
            stories,
            new_page=True,
        ),
        Section(
            "assumptions", "What was assumed", list(_assumed(batch, name, scenarios)), new_page=True
        ),
        Section(
            "sure", "How sure this is, and what would make it surer", [Bullets(_advice(summary))]
        ),
        Section("again", "Reproduce", list(parts.of_run(batch.manifest))),
    ]
    title = batch.ensembles[name].title
    return Page(
        title=text.clean(title),
        question=head.question(title, bool(summary["differences"])),
        answer=head.answer(summary),
        more=list(head.more(summary)),
        notices=list(_notices(batch)),
        figures=head.key_figures(summary),
        sections=sections,
        made_by=parts.made_by(batch.manifest),
    )


def _charts(batch: Batch, summary: Mapping[str, Any]) -> Iterator[tuple[str, Chart]]:
    for name, figure in draw_all(batch, summary):
        said = parts.caption(name, batch, summary)
        yield (
            name,
            chart(figure, f"chart-{name}", parts.TITLES[name], said, parts.READING[name]),
        )


def _main(drawn: Mapping[str, Chart], summary: Mapping[str, Any]) -> Iterator[Block]:
    yield from (one for name, one in drawn.items() if name not in _APART)
    yield tables.outcomes(summary)


def _compared(drawn: Mapping[str, Chart], summary: Mapping[str, Any]) -> Iterator[Section]:
    if "differences" in drawn:
        blocks: list[Block] = [drawn["differences"], tables.differences(summary)]
        yield Section("compared", "What would change it", blocks)


def _endings(drawn: Mapping[str, Chart], summary: Mapping[str, Any]) -> Iterator[Block]:
    yield drawn["endings"]
    yield tables.endings(summary)
    if "markets" in drawn:
        yield drawn["markets"]


def _run_stories(batch: Batch, reference: str, scenario: Scenario | None) -> Iterator[Block]:
    told = tell_chosen(batch, reference, scenario)
    if told.stories:
        yield Paragraph(
            f"Each is one of the simulated crises of “{text.label(reference)}”, chosen by a rule that it states: first "
            "what most crises are like, then the extremes. None of them is a forecast."
        )
    if told.lacking:
        yield Paragraph(told.lacking)
    yield from told.stories
    if not told.stories and not told.lacking:
        yield Paragraph("There is no crisis to tell of.")


def _assumed(
    batch: Batch, reference: str, scenarios: Mapping[str, Scenario | None]
) -> Iterator[Block]:
    scenario = scenarios[reference]
    if scenario is None:
        yield Paragraph(
            "Another version of Crisis Sim made these results, and this one cannot read its scenarios; they stand, as they "
            "were run, at the end of this page."
        )
        return
    yield Heading(f"“{text.label(reference)}”")
    yield from assumptions(scenario)
    others = {name: one for name, one in scenarios.items() if one is not None and name != reference}
    if others:
        yield Heading("What the other scenarios change")
    for place, (name, other) in enumerate(others.items()):
        yield Paragraph(f"“{text.label(name)}”: {text.sentence(other.description or other.title)}")
        yield differences(scenario, other, f"differs-{place}")


def _advice(summary: Mapping[str, Any]) -> Sequence[str]:
    """The summary's advice, which calls scenarios as the page does."""
    called = {name: f"“{text.label(name)}”" for name in summary["scenarios"]}
    if len(set(called.values())) < len(called):  # two names read alike
        return list(summary["advice"])
    return advise(
        {
            **summary,
            "reference": called[summary["reference"]],
            **{
                part: {called[name]: figures for name, figures in summary[part].items()}
                for part in ("scenarios", "differences")
            },
        }
    )


def _notices(batch: Batch) -> Iterator[str]:
    failures = batch.manifest.get("failures") or ()
    if failures:
        lost = sum(int(one["replicates"]) for one in failures)
        yield (
            f"{text.count(lost)} crises could not be run and are missing here "
            f"({text.plural(len(failures), 'block')} of them failed); the manifest at the end says which."
        )


def _read(plain: Mapping[str, Any]) -> Scenario | None:
    """A scenario of the results; None where this version cannot read it."""
    try:
        return Scenario.model_validate(plain)
    except ValidationError:
        return None


# --- The page on an experiment of any kind

#: Rows and columns of a table that can still be read on a page.
MOST_ROWS, MOST_COLUMNS = 200, 12
#: What each chart of an experiment shows.
CHART_TITLES = {
    "attribution": "What each part brings: from none of them to all, and each part’s figures with 95% intervals",
    "interactions": "Interaction: how much more, or less, each of two parts adds when the other is present",
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
        *_experiment_stories(findings, folder),
        Section(
            "assumptions",
            "What was assumed",
            [
                Heading(text.sentence(experiment.scenario.title)[:-1]),
                *assumptions(experiment.scenario),
            ],
            new_page=True,
        ),
        Section("sure", "How sure this is, and what would make it surer", list(_sure(sure))),
        Section(
            "again",
            "Reproduce",
            list(parts.of_experiment(findings.manifest, experiment.text, _files(findings))),
        ),
    ]
    return Page(
        title=text.clean(spec.title),
        question=text.clean(spec.question or spec.title),
        answer=first,
        more=[],
        notices=[],
        figures=[],
        sections=sections,
        made_by=parts.made_by(findings.manifest),
    )


def _found(findings: Findings, first: str, others: list[str]) -> Iterator[Block]:
    if others:
        yield Bullets(others)
    for place, (name, figure) in enumerate(draw_experiment(findings)):
        title = CHART_TITLES.get(name, text.label(name))
        finding = first if place == 0 else f"{title}. What it says stands above it in words."
        picture = inline(figure, f"chart-{name}", title, finding)
        yield Chart(f"chart-{name}", picture, "", text.sentence(title))


def _figures(findings: Findings) -> Iterator[Block]:
    """The tables that can be read on a page; the others are said to be in the folder."""
    left = []
    yield Paragraph(
        "The tables behind the charts, to be unfolded one by one. A print leaves them out; the folder has them all."
    )
    for place, (name, table) in enumerate(findings.tables.items()):
        if table.num_rows > MOST_ROWS or table.num_columns > MOST_COLUMNS:
            left.append(f"{text.clean(name)}.parquet ({text.count(table.num_rows)} rows)")
            continue
        yield Fold(text.label(name), [_table(f"table-{place}", name, table)])
    if left:
        yield Paragraph(f"Too large for a page, and in the folder of results: {text.listed(left)}.")


def _experiment_stories(findings: Findings, folder: Path) -> Iterator[Section]:
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
        caption=f"{text.label(called)} ({called}.parquet)",
        head=[text.label(one) for one in (first, *others)],
        rows=[(_shown(row[first]), [Cell(_shown(row[one])) for one in others]) for row in rows],
    )


def _shown(value: Any) -> str:
    """A value of a table: a number to four digits."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return text.UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "never" if math.isinf(value) else number(float(f"{value:.4g}"))
    return text.clean(str(value))


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
        f"{experiment.scenario.name}.yaml": parts.scenario_file(
            {"scenario": experiment.scenario.plain()}
        )
    }
    given = {f"{experiment.name}.yaml": experiment.text} if experiment.text else {}
    return {**given, **findings.files, **scenario}


# --- A page as HTML. Every text is escaped, and nothing that would be obeyed reaches the reader's browser
#
# The file holds all that it needs: its style, its charts, its files. It has no script, and a policy in
# its head forbids it to ask any machine for anything.

TEMPLATE, STYLE = "template.html.jinja", "style.css"


def render(page: Page) -> str:
    """The HTML of a page."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("crisis_sim.report", "page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown_text,
    )
    style, _, _ = environment.loader.get_source(environment, STYLE)  # type: ignore[union-attr]
    return environment.get_template(TEMPLATE).render(page=page, style=style, what_it_is=WHAT_IT_IS)


def _shown_text(value: Any) -> Any:
    """A value without characters that steer what stands around it; markup of our own as it is."""
    if hasattr(value, "__html__"):
        return value
    return printable(str(value), also="\n" + JOINERS)


# --- From a folder of results to a page: one file, whole or not there

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
    file.parent.mkdir(parents=True, exist_ok=True)
    write_durably(file, render(page).encode())
    return file


def page_of(
    folder: str | Path,
    reference: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Page:
    """Everything that a page says of the results in a folder.

    Args:
        folder: what `crisis-sim run` or an experiment wrote.
        reference: the scenario that the others of a run are compared with; the first where left out.
        progress: called with how many scenarios and charts of a run are done, and of how many.

    Raises:
        ResultsError: when the folder holds no finished results that can be read.
        UnknownReferenceError: when there is no such scenario.
    """
    folder = Path(folder)
    try:
        return _page_of(folder, reference, progress)
    except KeyError as error:  # a manifest or a table that lacks something
        raise ResultsError(f"{folder} does not hold all that a page needs: {error}") from error


def _page_of(folder: Path, reference: str | None, progress: Callable[[int, int], None]) -> Page:
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
            return page_of_experiment(findings, folder)

    batch = read_batch(folder)
    if batch.manifest["points"] is not None:
        raise ResultsError(
            f"{folder} holds the crises of a design; give the folder of the experiment that asked for them"
        )
    empty = [name for name, one in batch.ensembles.items() if not one.replicates]
    if empty:
        raise ResultsError(f"{folder} holds nothing of {', '.join(empty)}: its blocks failed")
    return page_of_run(batch, reference, progress)
