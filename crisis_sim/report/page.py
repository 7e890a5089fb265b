"""The page of a run or an experiment: one self-contained HTML file.

This module collects the contents; the text is in `templates/`. The file contains its style sheet, charts and attached files.
It has no script, and its content security policy forbids network requests.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from crisis_sim import text
from crisis_sim.batch.safe_files import ResultsError, reading, write_durably
from crisis_sim.experiments.phrases import part_titles
from crisis_sim.experiments.plots import charts_of
from crisis_sim.outcomes import summarise
from crisis_sim.report.answers import (
    caption,
    key_figures,
    labels,
    paragraphs,
    question,
)
from crisis_sim.report.example_crises import (
    Arm,
    baseline_of,
    own_classes_in,
    reference_of,
    tell_arm,
)
from crisis_sim.report.inline_svg import for_both
from crisis_sim.report.save import CHARTS, PAGE, all_charts, scenario_file
from crisis_sim.report.story import environment, story_html
from crisis_sim.scenario.introspect import slot_at
from crisis_sim.scenario.numbers import Distribution, Part
from crisis_sim.scenario.schema import Rung, Scenario

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

    from crisis_sim.batch.ensemble import Batch
    from crisis_sim.experiments.spec import Findings

Progress = Callable[[int, int], None]

#: Files of the commands that write their own page: `branch`, `nowcast` and `why`.
HISTORIES = ("branch.yaml", "nowcast.json", "why.md")
#: Suffixes of a page's file. No file of results has one, so none is overwritten by mistake.
SUFFIXES = (".html", ".htm")
#: The maximum size of a table on a page.
MOST_ROWS, MOST_COLUMNS = 200, 12


@dataclass(frozen=True)
class Page:
    """A page as HTML, and its main contents as plain data: question, answer, key figures and example crises."""

    html: str
    plain: dict[str, Any]


def write_page(
    folder: str | Path, file: str | Path | None = None, reference: str | None = None
) -> Path:
    """Write a report on results as one self-contained HTML file.

    Args:
        folder: the folder of results of `crisis-sim run` or an experiment.
        file: the file to write; `report.html` in the folder by default.
        reference: the scenario that the others of a run are compared with; the first by default.

    Returns:
        The file.

    Raises:
        ResultsError: the folder has no finished, readable results, or the file's suffix is not .html or .htm.
        UnknownReferenceError: there is no such scenario.
        OSError: the file cannot be written.
    """
    file = page_file(folder, file)
    return save_page(page_of(folder, reference), file)


def page_file(folder: str | Path, file: str | Path | None = None) -> Path:
    """Return the file for a folder's page.

    Raises:
        ResultsError: the file is a folder, or its suffix is not .html or .htm.
    """
    file = Path(folder) / PAGE if file is None else Path(file)
    if file.is_dir():
        raise ResultsError(f"{file} is a folder; give the page's file, such as {file / PAGE}")
    if file.suffix.lower() not in SUFFIXES:
        raise ResultsError(f"{file} is not a file name for a page: expected one that ends in .html")
    return file


def save_page(page: Page, file: Path) -> Path:
    """Write a page; if that fails with an `OSError`, an earlier page is unchanged."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_durably(file, page.html.encode())
    return file


def page_of(
    folder: str | Path, reference: str | None = None, progress: Progress = lambda done, total: None
) -> Page:
    """Return the page that `write_page` writes.

    `progress` is called with the number of scenarios and charts of a run that are done, and the total.
    """
    from crisis_sim.batch.folder import read_batch
    from crisis_sim.experiments.run import is_experiment, read_experiment

    folder = Path(folder)
    try:
        if is_experiment(folder):
            if reference is not None:
                raise ResultsError(
                    f"{folder} contains an experiment; its file determines the comparisons"
                )
            findings = read_experiment(folder)
            with reading(folder):
                return _of_experiment(findings, folder)
        batch = read_batch(folder)
        if batch.manifest["points"] is not None:
            raise ResultsError(
                f"{folder} contains the crises of an experiment's design; give the experiment's folder"
            )
        empty = [name for name, one in batch.ensembles.items() if not one.replicates]
        if empty:
            raise ResultsError(
                f"{folder} has no crises of {', '.join(empty)}: all their blocks failed"
            )
        return _of_run(batch, reference, progress)
    except KeyError as error:  # in a manifest or a table
        raise ResultsError(f"{folder} lacks something that a page needs: {error}") from error


def _of_run(batch: Batch, reference: str | None, progress: Progress) -> Page:
    total = len(batch.ensembles) + len(CHARTS) + 1  # each scenario, each chart, and the stories
    summary = summarise(batch, reference, progress=lambda done, _: progress(done, total))
    name, manifest, label = summary["reference"], batch.manifest, labels(summary)
    scenarios = {key: _read(ensemble.scenario) for key, ensemble in batch.ensembles.items()}
    charts = dict(all_charts(batch, summary))
    captions = {chart: caption(chart, batch, summary) for chart in charts}
    done = count(len(batch.ensembles) + 1)

    def draw(chart: str, title: str, reading: str) -> str:
        svg = for_both(charts[chart], f"chart-{chart}", title, captions[chart] or reading)
        progress(next(done), total)
        return svg

    arm = reference_of(batch, name, scenarios[name])
    about, notices = manifest.get("scenarios", {}), []
    if failures := manifest.get("failures"):
        lost = sum(int(one["replicates"]) for one in failures)
        notices = [
            f"{text.count(lost)} crises could not be run and are missing here "
            f"({text.plural(len(failures), 'block')} failed); the manifest at the end lists them."
        ]
    first, *more = paragraphs(summary)
    headline, period, rest = first.partition(". ")
    page = _rendered(
        "run.html.jinja",
        arm,
        title=text.clean(batch.ensembles[name].title),
        question=question(batch.ensembles[name].title, bool(summary["differences"])),
        answer=f"In this model, {headline}{period.strip()}",
        more=[*filter(None, [rest]), *more],
        notices=notices,
        figures=key_figures(summary),
        label=label,
        reference=label[name],
        scenarios=[(label[key], part) for key, part in summary["scenarios"].items()],
        differences=[(label[key], part) for key, part in summary["differences"].items()],
        captions=captions,
        draw=draw,
        scenario=scenarios[name],
        others=[other for key, other in scenarios.items() if other is not None and key != name],
        advice=summary["advice"],
        manifest=manifest,
        files=[_attached(f"{key}.yaml", scenario_file(record)) for key, record in about.items()],
        source="",
        raw_manifest={
            **manifest,
            "scenarios": {
                key: {field: value for field, value in record.items() if field != "scenario"}
                for key, record in about.items()
            },
        },
    )
    progress(total, total)
    return page


def _read(plain: Mapping[str, Any]) -> Scenario | None:
    """Validate a scenario of the results; None if this version cannot read it."""
    try:
        return Scenario.model_validate(plain)
    except ValidationError:
        return None


def _of_experiment(findings: Findings, folder: Path) -> Page:
    experiment, spec = findings.experiment, findings.experiment.spec
    answer, *others = findings.answer or ("There are no findings.",)
    sure = others.pop() if others else ""
    figures = dict(charts_of(findings))
    titles = part_titles(experiment) if experiment.kind == "attribute" else {}
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
            (number, name, *_table(table, titles))
            for number, (name, table) in enumerate(findings.tables.items())
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
    answer: Sequence[str],
    draw: Callable[[], Figure],
    reading: str,
    manifest: Mapping[str, Any],
    story: str = "",
    notices: Sequence[str] = (),
) -> Path:
    """Write the page of a `branch`, a `nowcast` or a `why` into its folder.

    Args:
        folder: the folder.
        question: the heading.
        answer: paragraphs, the most important first.
        draw, reading: the chart, and how to read it.
        manifest: `command`, `seed` and `versions`.
        story: a story in Markdown, from `story.tell`.
        notices: warnings to show before the answer.

    Raises:
        OSError: the file cannot be written.
    """
    first, *more = map(text.clean, answer)
    page = _rendered(
        "history.html.jinja",
        None,
        title=text.clean(question),
        question=text.clean(question),
        answer=first,
        more=more,
        notices=notices,
        svg=for_both(draw, "chart-history", question, first),
        reading=reading,
        story=story and story_html(story),
        manifest=manifest,
    )
    return save_page(page, folder / PAGE)


def _table(table: pa.Table, titles: Mapping[str, str]) -> tuple[list[str], list[list[str]]]:
    """The head and rows of a table, with `titles` in place of names."""
    head = [titles.get(name) or text.label(name) for name in table.column_names]
    rows = [[_format(value) for value in row.values()] for row in table.to_pylist()]
    return head, [[titles.get(cell, cell) for cell in row] for row in rows]


def _format(value: Any) -> str:
    """Format a value of a table; numbers with four digits."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return text.UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "never" if math.isinf(value) else text.exact(float(f"{value:.4g}"))
    return text.clean(str(value))


def _attached(name: str, content: str) -> tuple[str, str]:
    """The name of an attached file, and its content as a data URL."""
    encoded = base64.b64encode(content.encode()).decode("ascii")
    return text.clean(name), f"data:text/plain;charset=utf-8;base64,{encoded}"


def _rendered(template: str, arm: Arm | str | None, **values: Any) -> Page:
    """Render a page from its template, with the stories of an arm or the reason why there are none."""
    stories, changed = tell_arm(arm) if isinstance(arm, Arm) else ([], [])
    values = {"more": [], "notices": [], "figures": [], "raw_manifest": values["manifest"]} | values
    values["raw_manifest"] = json.dumps(values["raw_manifest"], indent=2, ensure_ascii=False)
    page = environment().get_template(template)
    html = page.render(assumed=_ASSUMED, arm=arm, stories=stories, changed=changed, **values)
    keys = ("title", "question", "answer", "more", "notices", "figures")
    plain = {key: values[key] for key in keys}
    of_story = ("heading", "replicate", "why", "gist")
    plain["stories"] = [{key: story[key] for key in of_story} for story in stories]
    return Page(html, plain)


# The assumptions of a scenario: every value with unit and source, and the differences between scenarios.

#: The path of a value in a scenario.
Place = tuple[str | int, ...]

#: The name of an agent's role, by section of the scenario.
ROLES = {
    "states": "State",
    "mediators": "Mediator",
    "lenders": "Lender",
    "channels": "Private channel",
    "advisers": "Adviser",
}
#: Keys that describe a scenario rather than being assumptions.
_ABOUT = ("name", "title", "description", "sources", "real_path")
#: Units that are not shown after a number.
_NO_UNIT = ("share", "ratio", "intensity", "value", "")
#: A template for each distribution, to be filled with its parameters in order.
_DISTRIBUTIONS = {
    "uniform": "{} to {}, evenly spread",
    "triangular": "{0} to {2}, most likely {1}",
    "normal": "about {}, standard deviation {}",
    "lognormal": "median {}, spread {} in logarithms",
    "beta": "beta with {} and {}",
}


def parts_of(scenario: Scenario) -> Iterator[tuple[str, Place, list[tuple[str, ...]]]]:
    """Yield each part with a table: title, path, and rows (parameter, meaning, value, unit, source)."""
    for section, role in ROLES.items():
        for name, part in getattr(scenario, section).items():
            title = f"{role}: {text.clean(part.title) or text.label(name)}"
            yield title, (section, name), _rows(part, (section, name))
    for number, event in enumerate(scenario.events):
        rows = _rows(event, ("events", number))
        yield f"Event: {text.clean(event.title) or event.kind}", ("events", number), rows
    for name in type(scenario.behaviour).model_fields:
        rows = _rows(getattr(scenario.behaviour, name), ("behaviour", name))
        yield f"Behaviour: {text.label(name).lower()}", ("behaviour", name), rows


def _rows(part: Part, path: Place) -> list[tuple[str, ...]]:
    return [
        (written(leaf[len(path) :]), _meaning(leaf), value(held), _unit(leaf), source(leaf, held))
        for leaf, held in _leaves(part, path)
        if leaf[-1] != "title"
    ]


def ladder_of(scenario: Scenario) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return the column names of the ladder of escalation, and the name and values of each rung."""
    fields = [name for name in Rung.model_fields if name != "name"]
    return [text.label(name) for name in fields], [
        (text.clean(rung.name), *(value(getattr(rung, name)) for name in fields))
        for rung in scenario.ladder
    ]


def differences(reference: Scenario, other: Scenario) -> Iterator[tuple[str, str, str, str]]:
    """Yield the differences between two scenarios: path, meaning, and the value in each.

    An agent or event that only one of them has is a single row.
    """
    ours, theirs = (
        {path: held for path, held in _leaves(scenario) if path[0] not in _ABOUT}
        for scenario in (reference, other)
    )
    seen = set()
    for path in {**ours, **theirs}:
        if ours.get(path) == theirs.get(path):
            continue
        whole = path[:2] if path[0] in (*ROLES, "events") else path
        row = path if _has(whole, ours) and _has(whole, theirs) else whole
        if row not in seen:
            seen.add(row)
            meaning = _agent(row, reference, other) or _meaning(row)
            yield written(row), meaning, _value_at(row, ours), _value_at(row, theirs)


def _has(path: Place, values: Mapping[Place, Any]) -> bool:
    return any(leaf[: len(path)] == path for leaf in values)


def _value_at(path: Place, values: Mapping[Place, Any]) -> str:
    if path in values:
        return f"{value(values[path])} {_unit(path)}".rstrip()
    return "takes part" if _has(path, values) else "not there"


def _agent(path: Place, *scenarios: Scenario) -> str:
    """The role and title of the agent at a path; "" for other paths."""
    if len(path) != 2 or path[0] not in ROLES:
        return ""
    section, name = map(str, path)
    part = next(parts[name] for each in scenarios if name in (parts := getattr(each, section)))
    return f"{ROLES[section]}: {text.clean(part.title) or text.label(name)}"


def written(path: Place) -> str:
    """Format a path as in `--set`."""
    return ".".join(map(str, path))


def value(held: Any) -> str:
    """Format a value of a scenario."""
    if isinstance(held, Distribution):
        return _distribution(held)
    if isinstance(held, bool):
        return "yes" if held else "no"
    if isinstance(held, (int, float)):
        return text.exact(held)
    if isinstance(held, datetime):
        return f"{text.moment(held, year=True)} ({text.offset(held)})"
    if isinstance(held, (tuple, list)):
        return ", ".join(map(value, held)) or "none"
    if isinstance(held, Mapping):
        pairs = (f"{text.clean(str(key))}: {value(inner)}" for key, inner in held.items())
        return ", ".join(pairs) or "none"
    return text.clean(str(held)) if held not in (None, "") else "none"


def stamp(moment: str) -> str:
    """Format a manifest's time; return it unchanged if it is not an ISO date."""
    try:
        return value(datetime.fromisoformat(moment))
    except ValueError:
        return moment


def _distribution(held: Distribution) -> str:
    values = [text.exact(number) for number in held.values]
    if held.kind != "choice":
        return _DISTRIBUTIONS[held.kind].format(*values)
    if held.together:
        low, high = map(text.exact, held.support)
        return f"{low} to {high}, drawn jointly with others from {len(values)} sets"
    if len(set(held.weights)) == 1:
        return f"{text.listed(values, 'or')}, equally likely"
    pairs = zip(values, held.weights, strict=True)
    return text.listed([f"{number} ({text.percent(weight)}%)" for number, weight in pairs], "or")


def source(path: Place, held: Any) -> str:
    """Return the source of a value: the scenario, or the default and its source."""
    slot = slot_at(path)
    if slot is None or slot.field is None or slot.field.is_required():
        return "the scenario"
    default = slot.field.get_default(call_default_factory=True)
    if isinstance(default, Mapping):
        return "the scenario"
    if held != default:
        return f"the scenario; default {value(default)}" if slot.limits else "the scenario"
    reference = str(slot.note("source"))
    return f"default: {reference}" if reference else "default"


def _unit(path: Place) -> str:
    slot = slot_at(path)
    unit = str(slot.note("unit")) if slot else ""
    return "" if unit in _NO_UNIT else unit


def _meaning(path: Place) -> str:
    slot = slot_at(path)
    return (slot.field.description or "") if slot and slot.field else ""


def _leaves(held: Any, path: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Yield every value in a part of a scenario, with its path."""
    if isinstance(held, Part):
        for name in type(held).model_fields:
            yield from _leaves(getattr(held, name), (*path, name))
    elif isinstance(held, Mapping):
        for key, inner in held.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(held, Sequence) and any(isinstance(item, Part) for item in held):
        for number, item in enumerate(held):
            yield from _leaves(item, (*path, number))
    else:
        yield path, held


#: Functions for the templates.
_ASSUMED = {
    each.__name__: each for each in (parts_of, ladder_of, differences, written, value, stamp)
}
