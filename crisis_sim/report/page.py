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
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from crisis_sim import text
from crisis_sim.batch.files import ResultsError, reading, write_durably
from crisis_sim.experiments.plots import charts_of
from crisis_sim.outcomes import summarise
from crisis_sim.report.answers import (
    after_headline,
    caption,
    headline,
    key_figures,
    labels,
    question,
)
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
from crisis_sim.scenario.introspect import slot_at
from crisis_sim.scenario.numbers import Distribution, Part
from crisis_sim.scenario.schema import Rung, Scenario

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
    from crisis_sim.batch.folder import read_batch
    from crisis_sim.experiments.run import is_experiment, read_experiment

    folder = Path(folder)
    try:
        if is_experiment(folder):
            if reference is not None:
                raise ResultsError(
                    f"{folder} holds an experiment, whose comparisons are fixed by its file"
                )
            findings = read_experiment(folder)
            with reading(folder):
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
    except KeyError as error:  # a manifest or a table that lacks something
        raise ResultsError(f"{folder} does not hold all that a page needs: {error}") from error


def _of_run(batch: Batch, reference: str | None, progress: Progress) -> Page:
    many = len(batch.ensembles)
    total = many + len(CHARTS) + 1  # each chart, and the stories
    summary = summarise(batch, reference, progress=lambda done, _: progress(done, total))
    name, manifest, called = summary["reference"], batch.manifest, labels(summary)
    scenarios = {one: _read(ensemble.scenario) for one, ensemble in batch.ensembles.items()}
    charts = dict(all_charts(batch, summary))
    said = {chart: caption(chart, batch, summary) for chart in charts}
    drawn = count(many + 1)

    def draw(chart: str, title: str, reading: str) -> str:
        svg = for_both(charts[chart], f"chart-{chart}", title, said[chart] or reading)
        progress(next(drawn), total)
        return svg

    arm = reference_of(batch, name, scenarios[name])
    about, notices = manifest.get("scenarios", {}), []
    if failures := manifest.get("failures"):
        lost = sum(int(one["replicates"]) for one in failures)
        notices = [
            f"{text.count(lost)} crises could not be run and are missing here "
            f"({text.plural(len(failures), 'block')} of them failed); the manifest at the end says which."
        ]
    page = _rendered(
        "run.html.jinja",
        arm,
        title=text.clean(batch.ensembles[name].title),
        question=question(batch.ensembles[name].title, bool(summary["differences"])),
        answer=headline(summary),
        more=after_headline(summary),
        notices=notices,
        figures=key_figures(summary),
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
    html = page.render(assumed=_ASSUMED, arm=arm, stories=stories, changed=changed, **told)
    plain = {
        key: told[key] for key in ("title", "question", "answer", "more", "notices", "figures")
    }
    of_each = ("heading", "replicate", "why", "gist")
    plain["stories"] = [{key: one[key] for key in of_each} for one in stories]
    return Page(html, plain)


# The assumptions of a scenario: every value with unit and source, and what differs between scenarios.

#: Where a value stands in a scenario.
Place = tuple[str | int, ...]

#: Who takes part, by the scenario's own sections, in words.
ROLES = {
    "states": "State",
    "mediators": "Mediator",
    "lenders": "Lender",
    "channels": "Private line",
    "advisers": "Adviser",
}
#: Keys that describe a scenario and are no assumptions.
_ABOUT = ("name", "title", "description", "sources", "real_path")
#: Units that are not written after a number.
_NO_UNIT = ("share", "ratio", "intensity", "value", "")
#: Each distribution in words, with its numbers in their order.
_DISTRIBUTIONS = {
    "uniform": "{} to {}, evenly spread",
    "triangular": "{0} to {2}, most likely {1}",
    "normal": "about {}, standard deviation {}",
    "lognormal": "median {}, spread {} in logarithms",
    "beta": "beta with {} and {}",
}


def parts_of(scenario: Scenario) -> Iterator[tuple[str, Place, list[tuple[str, ...]]]]:
    """Each part that has a table: what it is, its path, and its rows (parameter, meaning, value, unit, source)."""
    for section, role in ROLES.items():
        for name, part in getattr(scenario, section).items():
            who = f"{role}: {text.clean(part.title) or text.label(name)}"
            yield who, (section, name), _rows(part, (section, name))
    for place, event in enumerate(scenario.events):
        rows = _rows(event, ("events", place))
        yield f"Event: {text.clean(event.title) or event.kind}", ("events", place), rows
    for name in type(scenario.behaviour).model_fields:
        rows = _rows(getattr(scenario.behaviour, name), ("behaviour", name))
        yield f"How they behave: {text.label(name).lower()}", ("behaviour", name), rows


def _rows(part: Part, path: Place) -> list[tuple[str, ...]]:
    return [
        (written(at[len(path) :]), _meaning(at), value(held), _unit(at), source(at, held))
        for at, held in _leaves(part, path)
        if at[-1] != "title"
    ]


def ladder_of(scenario: Scenario) -> tuple[list[str], list[tuple[str, ...]]]:
    """The ladder of escalation: names of its columns, and of each rung its name and its values."""
    fields = [name for name in Rung.model_fields if name != "name"]
    return [text.label(name) for name in fields], [
        (text.clean(rung.name), *(value(getattr(rung, name)) for name in fields))
        for rung in scenario.ladder
    ]


def differences(reference: Scenario, other: Scenario) -> Iterator[tuple[str, str, str, str]]:
    """Values that differ between another scenario and the reference: path, meaning, and the value in each.

    Somebody who is in one scenario alone is one row, not a row a value.
    """
    ours, theirs = (
        {path: held for path, held in _leaves(one) if path[0] not in _ABOUT}
        for one in (reference, other)
    )
    seen = set()
    for path in {**ours, **theirs}:
        if ours.get(path) == theirs.get(path):
            continue
        whole = path[:2] if path[0] in (*ROLES, "events") else path
        row = path if _holds(whole, ours) and _holds(whole, theirs) else whole
        if row not in seen:
            seen.add(row)
            meaning = _who(row, reference, other) or _meaning(row)
            yield written(row), meaning, _in_words(row, ours), _in_words(row, theirs)


def _holds(path: Place, values: Mapping[Place, Any]) -> bool:
    return any(one[: len(path)] == path for one in values)


def _in_words(path: Place, values: Mapping[Place, Any]) -> str:
    if path in values:
        return f"{value(values[path])} {_unit(path)}".rstrip()
    return "takes part" if _holds(path, values) else "not there"


def _who(path: Place, *scenarios: Scenario) -> str:
    """Who it is that takes part at a path; "" where it is a parameter's."""
    if len(path) != 2 or path[0] not in ROLES:
        return ""
    section, name = map(str, path)
    part = next(parts[name] for one in scenarios if name in (parts := getattr(one, section)))
    return f"{ROLES[section]}: {text.clean(part.title) or text.label(name)}"


def written(path: Place) -> str:
    """A path as it is written after `--set`."""
    return ".".join(map(str, path))


def value(held: Any) -> str:
    """A value as a person would say it."""
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
        pairs = (f"{text.clean(str(key))}: {value(one)}" for key, one in held.items())
        return ", ".join(pairs) or "none"
    return text.clean(str(held)) if held not in (None, "") else "none"


def stamp(moment: str) -> str:
    """A moment that a manifest notes, in words; as it is where it is none."""
    try:
        return value(datetime.fromisoformat(moment))
    except ValueError:
        return moment


def _distribution(held: Distribution) -> str:
    values = [text.exact(one) for one in held.values]
    if held.kind != "choice":
        return _DISTRIBUTIONS[held.kind].format(*values)
    if held.together:
        low, high = map(text.exact, held.support)
        return f"{low} to {high}, drawn with others as one of {len(values)} sets"
    if len(set(held.weights)) == 1:
        return f"{text.listed(values, 'or')}, equally likely"
    weighed = zip(values, held.weights, strict=True)
    return text.listed([f"{one} ({text.percent(weight)}%)" for one, weight in weighed], "or")


def source(path: Place, held: Any) -> str:
    """Where a value comes from: the scenario, or the default and its source."""
    slot = slot_at(path)
    if slot is None or slot.field is None or slot.field.is_required():
        return "the scenario"
    default = slot.field.get_default(call_default_factory=True)
    if isinstance(default, Mapping):
        return "the scenario"
    if held != default:
        return f"the scenario; usually {value(default)}" if slot.limits else "the scenario"
    noted = str(slot.note("source"))
    return f"default: {noted}" if noted else "default"


def _unit(path: Place) -> str:
    slot = slot_at(path)
    noted = str(slot.note("unit")) if slot else ""
    return "" if noted in _NO_UNIT else noted


def _meaning(path: Place) -> str:
    slot = slot_at(path)
    return (slot.field.description or "") if slot and slot.field else ""


def _leaves(held: Any, path: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every value that a part holds, with the path to it."""
    if isinstance(held, Part):
        for name in type(held).model_fields:
            yield from _leaves(getattr(held, name), (*path, name))
    elif isinstance(held, Mapping):
        for key, one in held.items():
            yield from _leaves(one, (*path, key))
    elif isinstance(held, Sequence) and any(isinstance(one, Part) for one in held):
        for place, one in enumerate(held):
            yield from _leaves(one, (*path, place))
    else:
        yield path, held


#: What the templates take from here.
_ASSUMED = {one.__name__: one for one in (parts_of, ladder_of, differences, written, value, stamp)}
