"""Parts of a page: its head with question, answer and key figures; captions; what the scenarios assume."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim import text
from crisis_sim import text as words
from crisis_sim.outcomes.durations import AMONG, CLOCKS
from crisis_sim.report.answers import Figure, is_clear, on_differences, told_share, told_worst
from crisis_sim.report.curves import ORIGINS
from crisis_sim.report.page import blocks
from crisis_sim.report.page.blocks import (
    Attachments,
    Block,
    Bullets,
    Cell,
    Code,
    Facts,
    Fold,
    KeyFigure,
    Paragraph,
    Path,
    Table,
)
from crisis_sim.report.real_path import real_record
from crisis_sim.scenario.introspect import slot_at
from crisis_sim.scenario.numbers import Part
from crisis_sim.scenario.schema import Rung, Scenario
from crisis_sim.text import of_these

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch, Ensemble


# --- The head of a page on a run: the question, its answer in a sentence, and the key figures

#: Said of every result, where nobody can miss it.
WHAT_IT_IS = (
    "This is what a model says. It explores mechanisms and does not predict: an interval says how far chance in the "
    "simulated crises may have moved a figure, not whether the scenario or the model is right."
)


def question(title: str, several: bool) -> str:
    """What a run asks."""
    asked = f"{text.clean(title)}: how often, and how quickly, does the crisis end in a ceasefire"
    return f"{asked}, and what would change that?" if several else f"{asked}?"


def answer(summary: Mapping[str, Any]) -> str:
    """How often and how quickly, in one sentence, each figure with its interval."""
    scenario = summary["scenarios"][summary["reference"]]
    agreement = scenario["endings"]["agreement"]
    if agreement["estimate"] is None:
        return "There are no simulated crises to answer from."
    told = f"In this model {told_share(agreement)} of all crises end in a ceasefire that holds"
    clock = scenario["ceasefire"]["from_first_strike"]
    if clock["of"] == 0:
        return f"{told}, and none sees a first strike."
    if clock["median_hours"] is None:
        return f"{told}, and of those that see a first strike fewer than half have a ceasefire while they are followed."
    return (
        f"{told}, and of those that see a first strike half have a ceasefire within "
        f"{told_median(clock['median_hours'])} of it."
    )


def told_median(median: Figure) -> str:
    """Such as "4.8 days (4.6 to 5.0)"; hours where it is short."""
    hours = [median[key] for key in ("estimate", "lower", "upper")]
    per, unit, digits = (1.0, "hours", 0)
    if hours[0] >= text.DAYS_FROM_HOURS:
        per, unit, digits = (24.0, "days", 1)
    middle, low, high = (None if one is None else f"{one / per:.{digits}f}" for one in hours)
    if low is None and high is None:
        return f"{middle} {unit}"
    if high is None:
        return f"{middle} {unit} (at least {low})"
    return f"{middle} {unit} ({low or 'at most'}{' to' if low else ''} {high})"


def more(summary: Mapping[str, Any]) -> Iterator[str]:
    """What else belongs to the answer: what would have changed it, and how often the worst came."""
    changes = on_differences(summary)
    if changes:
        yield changes
    shares = summary["scenarios"][summary["reference"]]["shares"]
    if shares["war"]["estimate"] is not None:
        yield text.sentence(told_worst(shares["war"], shares["nuclear_use"]))


def key_figures(summary: Mapping[str, Any]) -> list[KeyFigure]:
    """The figures that stand at the head of the page, of the reference."""
    scenario = summary["scenarios"][summary["reference"]]
    clock = scenario["ceasefire"]["from_first_strike"]
    shown = [
        ("of all crises end in a ceasefire that holds", scenario["endings"]["agreement"]),
        (
            "of crises with a first strike have a ceasefire within 96 hours of it",
            clock["by"]["96_hours"],
        ),
        ("of all crises come to full-scale war", scenario["shares"]["war"]),
        ("of all crises see nuclear use", scenario["shares"]["nuclear_use"]),
    ]
    return [_key(label, figure) for label, figure in shown if figure["estimate"] is not None]


def _key(label: str, figure: Figure) -> KeyFigure:
    low, middle, high = (
        text.UNKNOWN if figure[key] is None else text.percent(figure[key])
        for key in ("lower", "estimate", "upper")
    )
    if figure.get("count") == 0:
        return KeyFigure(label, "none", f"of {text.count(figure['of'])}; below {high}%")
    return KeyFigure(label, f"{middle}%", f"{low} to {high}%")


# --- What each chart of a run says, in words, and how it is to be read

#: The moment by which scenarios are told apart on each clock, and how it is said.
_BY = {"from_first_strike": ("96_hours", "96 hours"), "from_trigger": ("30_days", "30 days")}

#: Scenarios with the same figure that are named, and those that a difference is told of.
_NAMED, _TOLD = 3, 6

#: Each chart: what it is, and how it is read.
TITLES = {
    "ceasefire_from_first_strike": "Ceasefires by the time since the first strike",
    "ceasefire_from_trigger": "Ceasefires by the time since the trigger",
    "endings": "How crises end, scenario by scenario",
    "differences": "What each scenario changes",
    "markets": "Stock markets of both states",
}
READING = {
    "ceasefire_from_first_strike": "Left: the share of crises with a first strike that is over by then, by how it "
    "ended. Right: the share of them with a ceasefire, scenario by scenario, with 95% bands.",
    "ceasefire_from_trigger": "Left: the share of crises with a trigger, the event that set them off, that is over by then, "
    "by how it ended. Right: the share of them with a ceasefire, scenario by scenario, with 95% bands.",
    "endings": "Each bar is all crises of a scenario, of which war and nuclear use are shares too. Whiskers are 95% "
    "intervals.",
    "differences": "Dots are differences from the reference, whiskers their 95% intervals; a hollow dot is a difference "
    "that chance alone may explain.",
    "markets": "Line: the median of simulated crises. Bands: the middle half and the middle 90% of them, which is how much "
    "crises differ and no error of estimation. Black: what the index really did, where the scenario records it.",
}


#: What is told of differences, and where a difference holds it.
_COMPARED: dict[str, Callable[[Mapping[str, Any]], Figure]] = {
    "among crises with a first strike, a ceasefire within 96 hours of it": (
        lambda one: one["ceasefire"]["from_first_strike"]["by"]["96_hours"]
    ),
    "among all crises, an end by agreement": lambda one: one["endings"]["agreement"],
    "among all crises, full-scale war": lambda one: one["shares"]["war"],
}


def caption(name: str, batch: Batch, summary: Mapping[str, Any]) -> str:
    """The finding of a chart, in words; "" where it says nothing."""
    return " ".join(part for part in _SAID[name](batch, summary) if part)


def _ceasefires(batch: Batch, summary: Mapping[str, Any], clock: str) -> Iterator[str]:
    reference = summary["reference"]
    figures = summary["scenarios"][reference]["ceasefire"][clock]
    if figures["of"] == 0:
        yield f"No crisis of “{text.label(reference)}” saw {ORIGINS[clock]}."
        return
    moments = (
        ("24_hours", "96_hours", "7_days")
        if clock == "from_first_strike"
        else ("14_days", "30_days")
    )
    known = [(moment, figures["by"][moment]["estimate"]) for moment in moments]
    told = [
        (f"{text.percent(share)}%", f"within {moment.replace('_', ' ')}")
        for moment, share in known
        if share is not None
    ]
    if told:
        (first, within), *others = told
        parts = [
            f"{first} of {of_these(figures['of'], AMONG[clock])} have a ceasefire {within} of it",
            *(" ".join(one) for one in others),
        ]
        yield f"In “{text.label(reference)}” {text.listed(parts)}."
    yield _beside_the_record(batch.ensembles[reference], clock)
    yield _most_and_least(summary, clock)


def _beside_the_record(ensemble: Ensemble, clock: str) -> str:
    """How many simulated crises had a ceasefire by the time that the real one took."""
    record = real_record(ensemble.scenario)
    real = None if record is None else record.ceasefire_after_hours(clock)
    if real is None or real < 0.0:
        return ""
    share = float(CLOCKS[clock].read(ensemble).incidence(first_only=True).at(real).estimate)
    if np.isnan(share):
        return f"The real ceasefire came after {text.duration(real)}."
    return (
        f"The real ceasefire came after {text.duration(real)}, by when {text.percent(share)}% of the simulated "
        f"{AMONG[clock]} had one."
    )


def _most_and_least(summary: Mapping[str, Any], clock: str) -> str:
    """How far the scenarios' estimates of one moment lie apart; those at the same figure are named together."""
    moment, said = _BY[clock]
    found: dict[str, list[str]] = {}
    figures = [
        (one["ceasefire"][clock]["by"][moment]["estimate"], name)
        for name, one in summary["scenarios"].items()
    ]
    for share, name in sorted((share, name) for share, name in figures if share is not None):
        found.setdefault(text.percent(share), []).append(f"“{text.label(name)}”")
    if sum(map(len, found.values())) < 2:
        return ""
    if len(found) == 1:
        return f"Within {said} it is estimated at {next(iter(found))}% of {AMONG[clock]} in each scenario that tells."
    (least, lowest), *_, (most, highest) = found.items()
    return f"Within {said} estimates go from {least}% of {AMONG[clock]} in {_few(lowest)} to {most}% in {_few(highest)}."


def _few(names: list[str]) -> str:
    """Scenarios by name, or how many where they are many."""
    return text.listed(names) if len(names) <= _NAMED else f"{len(names)} scenarios"


def _endings(batch: Batch, summary: Mapping[str, Any]) -> Iterator[str]:
    name = summary["reference"]
    scenario = summary["scenarios"][name]
    if scenario["endings"]["agreement"]["estimate"] is None:
        return
    shares = {ending: scenario["endings"][ending]["estimate"] for ending in text.ENDINGS}
    others = sorted((one for one in shares if one != "agreement"), key=lambda one: -shares[one])
    told = [f"{text.ENDINGS[one]} {text.percent(shares[one])}%" for one in others if shares[one]]
    agreed = told_share(scenario["endings"]["agreement"])
    rest = f"; the rest: {text.listed(told)}" if told else ""
    yield f"In “{text.label(name)}” {agreed} of all crises end by agreement{rest}."
    yield text.sentence(told_worst(scenario["shares"]["war"], scenario["shares"]["nuclear_use"]))


def _differences(batch: Batch, summary: Mapping[str, Any]) -> Iterator[str]:
    """Of each thing compared, which scenarios clearly make it more and less likely, and which neither."""
    for what, find in _COMPARED.items():
        figures = {name: find(one) for name, one in summary["differences"].items()}
        if all(one["estimate"] is None for one in figures.values()):
            yield text.sentence(f"{what} cannot be compared: in no two scenarios is it known")
            continue
        clear = {name: one for name, one in figures.items() if is_clear(one)}
        said = []
        for way, sign in (("more", 1.0), ("less", -1.0)):
            names = [name for name, one in clear.items() if sign * one["estimate"] > 0]
            told = [_told(name, clear[name]) for name in names]
            if len(names) > _TOLD:
                most = max(names, key=lambda name: abs(clear[name]["estimate"]))
                said.append(
                    f"{way} likely in {len(names)} scenarios, most so in {_told(most, clear[most])}"
                )
            elif names:
                said.append(f"{way} likely in {text.listed(told)}")
        found = (
            f"{what} is clearly {text.listed(said)}"
            if said
            else f"{what} is not clearly more or less likely anywhere"
        )
        yield text.sentence(found)


def _told(name: str, figure: Figure) -> str:
    return f"“{text.label(name)}” ({text.points(figure['estimate'])} points)"


def _markets(batch: Batch, summary: Mapping[str, Any]) -> Iterator[str]:
    ensemble = batch.ensembles[summary["reference"]]
    record = real_record(ensemble.scenario)
    for state in ensemble.states:
        lowest = ensemble.column(f"{state}_lowest_market")
        if not len(lowest):
            continue
        low, middle, high = (
            f"{100 * value:.0f}" for value in np.quantile(lowest, (0.05, 0.5, 0.95))
        )
        spec = ensemble.scenario.get("states", {}).get(state, {})
        index = text.clean(spec.get("market", {}).get("index") or "market index")
        told = (
            f"{index}: at its lowest {middle}% of its level at the start in the median crisis "
            f"({low} to {high}% in the middle 90%)"
        )
        real = None if record is None else record.markets.get(state)
        yield told + (f"; in fact {100 * real.lowest:.0f}%." if real else ".")


_SAID: dict[str, Callable[[Batch, Mapping[str, Any]], Iterator[str]]] = {
    "ceasefire_from_first_strike": lambda batch, summary: _ceasefires(
        batch, summary, "from_first_strike"
    ),
    "ceasefire_from_trigger": lambda batch, summary: _ceasefires(batch, summary, "from_trigger"),
    "endings": _endings,
    "differences": _differences,
    "markets": _markets,
}


# --- What a page says of the scenarios: every assumption with unit, value and source, and what differs

#: Who takes part, by the scenario's own sections, in words.
_ROLES = {
    "states": "State",
    "mediators": "Mediator",
    "lenders": "Lender",
    "channels": "Private line",
    "advisers": "Adviser",
}
#: What a scenario says of itself, which is no assumption.
_ABOUT = ("name", "title", "description", "sources", "real_path")


def assumptions(scenario: Scenario) -> Iterator[Block]:
    """What was assumed in a scenario: what it is, where its facts come from, and every value."""
    if scenario.description:
        yield Paragraph(scenario.description)
    if scenario.sources:
        yield Paragraph("Where its facts come from:")
        yield Bullets(scenario.sources)
    yield Facts(
        [
            ("The clock starts", blocks.value(scenario.start)),
            ("Each crisis is followed for", f"{scenario.horizon_days:g} days at most"),
            ("A turn is", text.plural(scenario.hours_per_turn, "hour")),
            (
                "A halt is watched before it ends the crisis",
                text.plural(scenario.follow_up_days, "day"),
            ),
        ]
    )
    yield Paragraph(
        "Shares run from 0 to 1. Where a value is a range or a spread, every crisis draws its own. Of the sources, “the "
        "scenario” is a reading of the facts named above, and “assumed” means that no source fixes the value, which is then "
        "worth varying."
    )
    for place, (summary, path, part) in enumerate(_parts(scenario)):
        table = _table(f"assumed-{place}", summary, path, part)
        yield Fold(summary, [table], on_paper=path[0] != "behaviour")
    yield Fold("The ladder of escalation", [_ladder(scenario)], on_paper=True)


def _parts(scenario: Scenario) -> Iterator[tuple[str, Path, Part]]:
    """Each part of a scenario that has a table of its own: what it is, its path, and the part."""
    for section, role in _ROLES.items():
        for name, part in getattr(scenario, section).items():
            yield f"{role}: {text.clean(part.title) or text.label(name)}", (section, name), part
    for place, event in enumerate(scenario.events):
        yield f"Event: {text.clean(event.title) or event.kind}", ("events", place), event
    for name in type(scenario.behaviour).model_fields:
        told = f"How they behave: {text.label(name).lower()}"
        yield told, ("behaviour", name), getattr(scenario.behaviour, name)


def differences(reference: Scenario, other: Scenario, name: str) -> Table:
    """What another scenario has otherwise than the reference, path by path; `name` is the table's."""
    ours, theirs = _with_source(reference), _with_source(other)
    changed = [
        path
        for path in (*ours, *(path for path in theirs if path not in ours))
        if ours.get(path) != theirs.get(path)
    ]
    rows = []
    for path in _gathered(changed, ours, theirs):
        cells = [
            Cell(_meaning(path, reference, other)),
            Cell(_shown(path, ours)),
            Cell(_shown(path, theirs)),
        ]
        rows.append((blocks.written(path), cells))
    return Table(
        name=name,
        caption=f"“{text.label(other.name)}” against “{text.label(reference.name)}”",
        head=[
            "What",
            "Meaning",
            f"In “{text.label(reference.name)}”",
            f"In “{text.label(other.name)}”",
        ],
        rows=rows,
        code=True,
        figures=False,
    )


def _table(name: str, summary: str, path: Path, part: Part) -> Table:
    rows = [
        (
            blocks.written(where[len(path) :]),
            [
                Cell(blocks.meaning(where)),
                Cell(blocks.value(held)),
                Cell(blocks.unit(slot_at(where))),
                Cell(blocks.source(where, held)),
            ],
        )
        for where, held in blocks.leaves(part, path)
        if where[-1] != "title"
    ]
    return Table(
        name=name,
        caption=f"{summary} ({blocks.written(path)})",
        head=["Parameter", "Meaning", "Value", "Unit", "Source"],
        rows=rows,
        code=True,
        figures=False,
    )


def _ladder(scenario: Scenario) -> Table:
    fields = [name for name in Rung.model_fields if name != "name"]
    return Table(
        name="assumed-ladder",
        caption="Rungs, from the lowest up (ladder)",
        head=["Rung", *(text.label(name) for name in fields)],
        rows=[
            (text.clean(rung.name), [Cell(blocks.value(getattr(rung, name))) for name in fields])
            for rung in scenario.ladder
        ],
        note="Deaths are those on the other side; a cost is in days of output a day. A scenario without a ladder of its own "
        "has the one made from the South Asian record, after Kahn 1965.",
        figures=False,
    )


def _with_source(scenario: Scenario) -> dict[Path, Any]:
    return {path: held for path, held in blocks.leaves(scenario) if path[0] not in _ABOUT}


def _gathered(
    changed: list[Path], ours: Mapping[Path, Any], theirs: Mapping[Path, Any]
) -> Iterator[Path]:
    """The paths to tell: somebody who is in one scenario alone is told of once, not value by value."""
    told = set()
    for path in changed:
        whole = path[:2] if path[0] in (*_ROLES, "events") else path
        in_both = _holds(whole, ours) and _holds(whole, theirs)
        one = path if in_both else whole
        if one not in told:
            told.add(one)
            yield one


def _holds(path: Path, told: Mapping[Path, Any]) -> bool:
    return any(one[: len(path)] == path for one in told)


def _shown(path: Path, told: Mapping[Path, Any]) -> str:
    if path in told:
        noted = blocks.unit(slot_at(path))
        return f"{blocks.value(told[path])} {noted}".rstrip()
    return "takes part" if _holds(path, told) else "not there"


def _meaning(path: Path, *scenarios: Scenario) -> str:
    """What stands at a path: what the schema says of it, or who it is that takes part."""
    if len(path) == 2 and path[0] in _ROLES:
        section, name = str(path[0]), str(path[1])
        parts = [getattr(one, section)[name] for one in scenarios if name in getattr(one, section)]
        return f"{_ROLES[section]}: {text.clean(parts[0].title) or text.label(name)}"
    return blocks.meaning(path)


# --- How results came about, and what is needed to have them again

#: How libraries are written; what is not here is written as it is called.
_LIBRARIES = {
    "crisis_sim": "Crisis Sim",
    "code": "digest of its code",
    "python": "Python",
    "numpy": "NumPy",
    "scipy": "SciPy",
}


def of_run(manifest: Mapping[str, Any]) -> Iterator[Block]:
    """How a run came about: the command, seed, versions, the scenarios themselves, and the manifest."""
    yield Paragraph("The command that made these results, and makes them again, crisis for crisis:")
    yield Code(str(manifest.get("command") or "not recorded"))
    yield Facts(list(_facts(manifest)))
    scenarios = manifest.get("scenarios", {})
    if scenarios:
        yield Paragraph(
            "The scenarios as they were run, with every value spelled out. Saved as files, they can be given to crisis-sim "
            "run in place of those of the command:"
        )
        yield Attachments(
            [attached(f"{name}.yaml", scenario_file(one)) for name, one in scenarios.items()]
        )
    without = {
        **manifest,
        "scenarios": {
            name: {key: told for key, told in one.items() if key != "scenario"}
            for name, one in scenarios.items()
        },
    }
    yield _manifest(without)


def of_experiment(
    manifest: Mapping[str, Any], text: str, files: Mapping[str, str]
) -> Iterator[Block]:
    """How an experiment came about: the command, its file, what it made, and the manifest."""
    yield Paragraph("The command that made these results, and makes them again:")
    yield Code(str(manifest.get("command") or "not recorded"))
    yield Facts(list(_facts(manifest)))
    if text:
        yield Fold("The experiment as it was given", [Code(text)])
    if files:
        yield Paragraph("Files that belong to it:")
        yield Attachments([attached(name, content) for name, content in files.items()])
    yield _manifest(manifest)


def scenario_file(about: Mapping[str, Any]) -> str:
    """A resolved scenario as a file that `crisis-sim run` takes: JSON, which YAML can be."""
    held = {
        key: part for key, part in about["scenario"].items() if key != "name" and part is not None
    }
    return json.dumps(held, indent=1, ensure_ascii=False) + "\n"


def attached(name: str, content: str, about: str = "") -> tuple[str, str, str]:
    """A file that travels inside the page: its name, its content as a data URL, and what it is."""
    encoded = base64.b64encode(content.encode()).decode("ascii")
    return words.clean(name), f"data:text/plain;charset=utf-8;base64,{encoded}", about


def made_by(manifest: Mapping[str, Any]) -> str:
    """The version that made the results."""
    return f"Crisis Sim {manifest.get('versions', {}).get('crisis_sim', 'of an unknown version')}"


def _facts(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Seed", str(manifest.get("seed", words.UNKNOWN))
    if manifest.get("replicates"):
        each = "at each point" if "experiment_format" in manifest else "of each scenario"
        yield "Simulated crises", f"{words.count(manifest['replicates'])} {each}"
    if manifest.get("crises"):
        yield "In all", words.count(manifest["crises"])
    for key, said in (("started", "Begun"), ("finished", "Finished")):
        if manifest.get(key):
            yield said, _moment(str(manifest[key]))
    versions = [
        f"{_LIBRARIES.get(name, name)} {version}"
        for name, version in manifest.get("versions", {}).items()
    ]
    if versions:
        yield "Versions", ", ".join(versions)
    if manifest.get("git_revision"):
        changed = ", with changes that are not committed" if manifest.get("git_modified") else ""
        yield "Commit of the code", f"{manifest['git_revision']}{changed}"
    if manifest.get("digest"):
        yield "Digest of the experiment", str(manifest["digest"])
    for name, one in manifest.get("scenarios", {}).items():
        yield f"Digest of “{words.label(name)}”", str(one.get("digest", words.UNKNOWN))


def _moment(written: str) -> str:
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return written
    return f"{words.moment(at, year=True)} ({words.offset(at)})"


def _manifest(manifest: Mapping[str, Any]) -> Fold:
    return Fold("The manifest", [Code(json.dumps(manifest, indent=2, ensure_ascii=False))])
