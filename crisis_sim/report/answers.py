"""The result of a batch in words: its answer, captions of charts, key figures, and the tables that a terminal prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from crisis_sim import text
from crisis_sim.outcomes.durations import AMONG, CLOCKS, COURSES, SHORT_DAYS
from crisis_sim.outcomes.summary import figure_at
from crisis_sim.report.real_path import real_record
from crisis_sim.text import excludes_zero, of_these

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch, Ensemble

#: Where each clock counts from, in words.
ORIGINS = {"from_first_strike": "the first strike", "from_trigger": "the trigger"}
#: How a crisis of each course is told, of those that ended in a ceasefire that held.
_OF_COURSE = {
    "no_strike": "of those without a strike",
    "short_fight": "of those whose strikes soon stopped",
    "long_fight": "of the longer fights",
    "war": "of the wars",
}

#: Scenarios whose differences are put into words, at most.
_TOLD = 3

_INTERVAL = "95% interval "

#: A figure of a summary: `estimate`, `lower` and `upper`, each perhaps None.
Figure = Mapping[str, Any]


def answer(summary: Mapping[str, Any]) -> str:
    """The answer in sentences: how far crises went, how each of these ended, and what clearly changed that."""
    name = summary["reference"]
    scenario = summary["scenarios"][name]
    changed = on_differences(summary)
    if not scenario["replicates"]:
        return f"{scenario['label']}: there are no replicates. {changed}".strip()
    return f"{scenario['label']}: {_told_courses(scenario)}. {_told_endings(scenario)} {changed}".strip()


def _told_courses(scenario: Mapping[str, Any]) -> str:
    """How far crises went, each share with its 95% interval, of all crises; of older results, war alone."""
    shares = scenario["shares"]
    if "courses" not in scenario:
        return told_worst(shares["war"], shares["nuclear_use"])
    none, short, long, war = (scenario["courses"][one]["share"] for one in COURSES)
    nuclear = text.percent(shares["nuclear_use"]["estimate"])
    worst = f"; nuclear use came in {nuclear}%" if shares["nuclear_use"]["count"] else ""
    return (
        f"of {of_these(none['of'], 'all crises')}, {_share(none, _INTERVAL)} saw no strike; in {_share(short)} "
        f"strikes stopped within {SHORT_DAYS} days, agreed or not; {_share(long)} saw a longer fight "
        f"and {_share(war)} full-scale war{worst}"
    )


def _told_endings(scenario: Mapping[str, Any]) -> str:
    """How many crises of each course ended in a ceasefire that held, as a sentence."""
    overall = f"{text.percent(scenario['endings']['agreement']['estimate'])}% of all crises"
    if "courses" not in scenario:
        return f"A ceasefire that held ended {overall}."
    shares = {one: part["endings"]["agreement"] for one, part in scenario["courses"].items()}
    told = [
        f"{text.percent(shares[one]['estimate'])}% {words}"
        for one, words in _OF_COURSE.items()
        if shares[one]["of"]
    ]
    return f"A ceasefire that held ended {text.listed(told)}: {overall}."


def _share(figure: Figure, interval: str = "") -> str:
    """Such as "71% (95% interval 70 to 72)"; 0 and 100% only where it is so of none and of all."""
    estimate, low, high = (
        None if figure[key] is None else 100.0 * figure[key]
        for key in ("estimate", "lower", "upper")
    )
    digits = 1 if low is not None and high is not None and high - low < 3.0 else 0
    middle = text.number(estimate, digits)
    if estimate is not None and 0.0 < estimate < 100.0 and float(middle) in (0.0, 100.0):
        middle = text.percent(figure["estimate"])
    over = text.over_fits(figure)
    return f"{middle}% ({interval}{text.limits(low, high, digits)}{over and '; '}{over})"


def told_worst(war: Figure, nuclear: Figure) -> str:
    """How many crises came to war and to nuclear use, including where none did."""
    if not war["count"] and not nuclear["count"]:
        return "no crisis saw full-scale war or nuclear use"
    wars = f"full-scale war came in {text.percent(war['estimate'])}% of all crises"
    if not nuclear["count"]:
        return f"{wars}, and no crisis saw nuclear use"
    uses = text.percent(nuclear["estimate"])
    if not war["count"]:
        return f"no crisis saw full-scale war, and nuclear use came in {uses}% of all crises"
    return f"{wars}, and nuclear use in {uses}%"


def fits_of(summary: Mapping[str, Any], words: str) -> str:
    """Words with the number of sets of behaviour over which the reference was run; "" where it was run with one."""
    over = summary["scenarios"][summary["reference"]].get("over_fits")
    return words.format(over["sets"]) if over else ""


def on_differences(summary: Mapping[str, Any]) -> str:
    """Sentences on what each scenario clearly changes in how far crises go, the most changed first."""
    clear = {name: _changes(one) for name, one in summary["differences"].items()}
    moved = sorted(
        (name for name in clear if clear[name]), key=lambda name: -max(clear[name].values())
    )
    label = labels(summary)
    if not clear:
        return ""
    if not moved:
        which = f"“{label[next(iter(clear))]}”" if len(clear) == 1 else "any of the other scenarios"
        return f"How far crises go is not clearly different in {which}."
    told = [_told_changes(label[name], summary["differences"][name]) for name in moved[:_TOLD]]
    more = len(moved) - len(told)
    rest = (
        f" {text.in_letters(more).capitalize()} more differed, by no more than these."
        if more
        else ""
    )
    first, unit, others = (" ".join(told) + rest).partition("percentage points")
    return first + unit + others.replace("percentage points", "points")


def _changes(difference: Mapping[str, Any]) -> dict[str, float]:
    """How much the share of each course, and of ceasefires after a strike, clearly changes, without the sign."""
    figures = {one: figure_at(difference, f"courses.{one}.share") for one in COURSES}
    figures["ceasefire"] = after_a_strike(difference)[0]
    return {one: abs(figure["estimate"]) for one, figure in figures.items() if is_clear(figure)}


def after_a_strike(difference: Mapping[str, Any]) -> tuple[Figure | None, str]:
    """How a ceasefire within 96 hours of a strike changes, and among which crises.

    Which crises are struck is itself changed: so of pairs those struck in both are compared; of independent
    samples, those struck in each.
    """
    both = difference.get("struck_in_both")
    if both is None:
        return figure_at(
            difference, "ceasefire.from_first_strike.by.96_hours"
        ), "the crises with a strike in each"
    return figure_at(both, "ceasefire.from_first_strike.by.96_hours"), (
        f"the {text.count(both['of'])} crises with a strike in both"
    )


def _told_changes(label: str, difference: Mapping[str, Any]) -> str:
    clear = _changes(difference)
    of_all = [
        f"{COURSES[one]} {_points(difference['courses'][one]['share'])}"
        for one in sorted(clear, key=lambda one: -clear[one])
        if one in COURSES
    ]
    parts = [f"of all crises, {text.listed(of_all)}"] if of_all else []
    if "ceasefire" in clear:
        figure, among = after_a_strike(difference)
        parts.append(f"of {among}, a ceasefire within 96 hours of the strike {_points(figure)}")  # type: ignore[arg-type]
    return f"In “{label}”: {'; '.join(parts)}."


def _points(figure: Figure) -> str:
    low, high = sorted(abs(100.0 * (figure[key] or 0.0)) for key in ("lower", "upper"))
    size = text.points(abs(figure["estimate"])).removeprefix("+")
    way = "more" if figure["estimate"] > 0.0 else "less"
    over = text.over_fits(figure, sign=True)
    return (
        f"{size} percentage points {way} often ({text.limits(low, high, 1)}{over and '; '}{over})"
    )


def is_clear(figure: Figure | None) -> bool:
    """Whether a difference is more than chance explains: its interval leaves out zero."""
    return figure is not None and excludes_zero(figure["lower"], figure["upper"])


def labels(summary: Mapping[str, Any]) -> dict[str, str]:
    """What each scenario is called."""
    return {name: one["label"] for name, one in summary["scenarios"].items()}


# --- The text of a page: its question, answer and key figures, and the caption of each chart

#: The moments of each clock that a caption names, and the one by which scenarios are compared.
_MOMENTS = {
    "from_first_strike": (("24_hours", "96_hours", "7_days"), "96_hours"),
    "from_trigger": (("14_days", "30_days"), "30_days"),
}
#: At most: scenarios with the same figure that are named, and scenarios whose differences are given.
_MOST_NAMED, _MOST_TOLD = 3, 6


def question(title: str, several: bool) -> str:
    """The question of a run, as a sentence."""
    asked = f"{text.clean(title)}: how often, and how quickly, does the crisis end in a ceasefire"
    return f"{asked}, and what would change that?" if several else f"{asked}?"


def headline(summary: Mapping[str, Any]) -> str:
    """The answer at the head of a page: how far crises go, in one sentence, each figure with its interval."""
    scenario = summary["scenarios"][summary["reference"]]
    if not scenario["replicates"]:
        return "There are no simulated crises to answer from."
    return f"In this model, {_told_courses(scenario)}."


def median(figure: Figure) -> str:
    """Such as "4.8 days (4.6 to 5.0)"; hours where it is short."""
    in_days = figure["estimate"] >= text.DAYS_FROM_HOURS
    per, unit, digits = (24.0, "days", 1) if in_days else (1.0, "hours", 0)
    middle, low, high = (
        None if figure[key] is None else figure[key] / per for key in ("estimate", "lower", "upper")
    )
    interval = "" if low is None and high is None else f" ({text.limits(low, high, digits)})"
    return f"{text.number(middle, digits)} {unit}{interval}"


def after_headline(summary: Mapping[str, Any]) -> list[str]:
    """The rest of the answer: how crises end, how soon after a strike, and clear differences between scenarios."""
    scenario = summary["scenarios"][summary["reference"]]
    if not scenario["replicates"]:
        return []
    return [
        one for one in (_told_endings(scenario), _soon(scenario), on_differences(summary)) if one
    ]


def _soon(scenario: Mapping[str, Any]) -> str:
    """How soon half of the crises with a strike have a ceasefire, and how soon strikes have paused in half."""
    clock = scenario["ceasefire"]["from_first_strike"]
    if clock["of"] == 0:
        return ""
    ceasefire, pause = clock["median_hours"], figure_at(scenario, "pause.median_hours")
    came = "fewer than half have a ceasefire while they are followed"
    if ceasefire is not None:
        came = f"half have a ceasefire within {median(ceasefire)} of it"
    paused = (
        f", and in half the strikes have paused, agreed or not, within {median(pause)}"
        if pause
        else ""
    )
    return f"Of {of_these(clock['of'], AMONG['from_first_strike'])}, {came}{paused}."


def key_figures(summary: Mapping[str, Any]) -> list[dict[str, str]]:
    """The figures at the head of the page, of the reference: `label`, `value`, and `limits`."""
    scenario = summary["scenarios"][summary["reference"]]
    if not scenario["replicates"]:
        return []
    crises = of_these(scenario["replicates"], "all crises")
    shown = {
        "no_strike": "see no strike",
        "short_fight": f"are struck, and strikes stop within {SHORT_DAYS} days, agreed or not",
        "long_fight": "see a longer fight",
        "war": "come to full-scale war",
    }
    figures = []
    for course, words in shown.items():
        if part := figure_at(scenario, f"courses.{course}"):
            agreed = part["endings"]["agreement"]
            how = (
                f"; {text.percent(agreed['estimate'])}% of these end by agreement"
                if agreed["of"]
                else ""
            )
            figures.append(_key(f"of {crises} {words}{how}", part["share"]))
    ends = {"end by agreement": scenario["endings"]["agreement"]}
    ends["see nuclear use"] = scenario["shares"]["nuclear_use"]
    return [*figures, *(_key(f"of {crises} {words}", one) for words, one in ends.items())]


def _key(label: str, figure: Figure) -> dict[str, str]:
    low, middle, high = (text.percent(figure[key]) for key in ("lower", "estimate", "upper"))
    value, limits = f"{middle}%", f"{low} to {high}%"
    if figure.get("count") == 0:
        value, limits = "none", f"of {text.count(figure['of'])}; below {high}%"
    if over := text.over_fits(figure):
        limits += f"; {over}%"
    return {"label": label, "value": value, "limits": limits}


def caption(name: str, batch: Batch, summary: Mapping[str, Any]) -> str:
    """The finding of a chart, in words; "" where there is none."""
    return " ".join(part for part in _CAPTIONS[name](batch, summary) if part)


def _ceasefires(batch: Batch, summary: Mapping[str, Any], clock: str) -> Iterator[str]:
    reference = summary["reference"]
    figures = summary["scenarios"][reference]["ceasefire"][clock]
    if figures["of"] == 0:
        yield f"No crisis of “{labels(summary)[reference]}” saw {ORIGINS[clock]}."
        return
    told = [
        (f"{text.percent(share)}%", f"within {moment.replace('_', ' ')}")
        for moment in _MOMENTS[clock][0]
        if (share := figures["by"][moment]["estimate"]) is not None
    ]
    if told:
        (first, within), *others = told
        among = of_these(figures["of"], AMONG[clock])
        parts = [f"{first} of {among} have a ceasefire {within} of it", *map(" ".join, others)]
        yield f"In “{labels(summary)[reference]}” {text.listed(parts)}."
    if clock == "from_first_strike":
        yield _pauses(summary["scenarios"][reference])
    yield _beside_the_record(batch.ensembles[reference], clock)
    yield _most_and_least(summary, clock)


def _pauses(scenario: Mapping[str, Any]) -> str:
    """How soon strikes pause, agreed or not; "" where that is not known."""
    told = [
        f"{text.percent(share)}% within {moment.replace('_', ' ')}"
        for moment in _MOMENTS["from_first_strike"][0]
        if (share := (figure_at(scenario, f"pause.by.{moment}") or {}).get("estimate")) is not None
    ]
    if not told:
        return ""
    return f"Of {AMONG['from_first_strike']}, strikes pause, agreed or not, in {text.listed(told)}."


def _beside_the_record(ensemble: Ensemble, clock: str) -> str:
    """How many simulated crises had a ceasefire by the time that the real one took."""
    record = real_record(ensemble.scenario)
    real = None if record is None else record.ceasefire_after_hours(clock)
    if real is None or real < 0.0:
        return ""
    came = f"The real ceasefire came after {text.duration(real)}"
    share = float(CLOCKS[clock].read(ensemble).incidence(first_only=True).at(real).estimate)
    if np.isnan(share):
        return f"{came}."
    return f"{came}, by when {text.percent(share)}% of the simulated {AMONG[clock]} had one."


def _most_and_least(summary: Mapping[str, Any], clock: str) -> str:
    """How far the scenarios' estimates of one moment lie apart; those at the same figure are named together."""
    moment = _MOMENTS[clock][1]
    found: dict[str, list[str]] = {}
    figures = [
        (one["ceasefire"][clock]["by"][moment]["estimate"], name)
        for name, one in summary["scenarios"].items()
    ]
    for share, name in sorted((share, name) for share, name in figures if share is not None):
        found.setdefault(text.percent(share), []).append(f"“{labels(summary)[name]}”")
    within, among = f"Within {moment.replace('_', ' ')}", AMONG[clock]
    if sum(map(len, found.values())) < 2:
        return ""
    if len(found) == 1:
        return f"{within} it is estimated at {next(iter(found))}% of {among} in each scenario that tells."
    (least, lowest), *_, (most, highest) = found.items()
    low, high = (
        text.listed(names) if len(names) <= _MOST_NAMED else f"{len(names)} scenarios"
        for names in (lowest, highest)
    )
    return f"{within} estimates go from {least}% of {among} in {low} to {most}% in {high}."


def _endings(batch: Batch, summary: Mapping[str, Any]) -> Iterator[str]:
    name = summary["reference"]
    scenario = summary["scenarios"][name]
    if not scenario["replicates"]:
        return
    yield text.sentence(f"in “{labels(summary)[name]}”, {_told_courses(scenario)}")
    shares = {ending: scenario["endings"][ending]["estimate"] for ending in text.ENDINGS}
    others = sorted((one for one in shares if one != "agreement"), key=lambda one: -shares[one])
    told = [f"{text.ENDINGS[one]} {text.percent(shares[one])}%" for one in others if shares[one]]
    rest = f"; the rest: {text.listed(told)}" if told else ""
    yield f"{_share(scenario['endings']['agreement'], _INTERVAL)} of all crises end by agreement{rest}."


def _differences(batch: Batch, summary: Mapping[str, Any]) -> Iterator[str]:
    """Of each thing compared, which scenarios clearly make it more and less likely, and which neither."""
    compared: dict[str, Callable[[Any], Figure | None]] = {
        f"among all crises, {words}": partial(figure_at, path=f"courses.{course}.share")
        for course, words in COURSES.items()
    }
    compared["among crises struck in both, a ceasefire within 96 hours of the first strike"] = (
        lambda one: after_a_strike(one)[0]
    )
    neither = []
    for what, find in compared.items():
        figures = {name: find(one) for name, one in summary["differences"].items()}
        clear = {
            name: one["estimate"]
            for name, one in figures.items()
            if one is not None and is_clear(one)
        }
        told = {
            name: f"“{labels(summary)[name]}” ({text.points(size)} points)"
            for name, size in clear.items()
        }
        found = []
        for way, sign in (("more", 1.0), ("less", -1.0)):
            names = [name for name, size in clear.items() if sign * size > 0]
            if len(names) > _MOST_TOLD:
                most = told[max(names, key=lambda name: abs(clear[name]))]
                found.append(f"{way} likely in {len(names)} scenarios, most so in {most}")
            elif names:
                found.append(f"{way} likely in {text.listed([told[name] for name in names])}")
        if found:
            yield text.sentence(f"{what} is clearly {text.listed(found)}")
        else:
            neither.append(what.split(", ", 1)[1])
    if neither:
        yield text.sentence(f"not clearly more or less likely anywhere: {text.listed(neither)}")


def _markets(batch: Batch, summary: Mapping[str, Any]) -> Iterator[str]:
    ensemble = batch.ensembles[summary["reference"]]
    record = real_record(ensemble.scenario)
    for state in ensemble.states:
        lowest = ensemble.column(f"{state}_lowest_market")
        if not len(lowest):
            continue
        low, middle, high = (f"{100 * one:.0f}" for one in np.quantile(lowest, (0.05, 0.5, 0.95)))
        spec = ensemble.scenario.get("states", {}).get(state, {})
        index = text.clean(spec.get("market", {}).get("index") or "market index")
        real = None if record is None else record.markets.get(state)
        yield (
            f"{index}: at its lowest {middle}% of its level at the start in the median crisis "
            f"({low} to {high}% in the middle 90%){f'; in fact {100 * real.lowest:.0f}%' if real else ''}."
        )


_CAPTIONS: dict[str, Callable[[Batch, Mapping[str, Any]], Iterator[str]]] = {
    "ceasefire_from_first_strike": partial(_ceasefires, clock="from_first_strike"),
    "ceasefire_from_trigger": partial(_ceasefires, clock="from_trigger"),
    "endings": _endings,
    "differences": _differences,
    "markets": _markets,
}


# --- Tables
#
# Text from scenarios stands in them as plain `rich.text.Text`, never as markup.

#: Columns that prose fills at most; a table may be wider where the terminal is.
WIDTH = 100
#: Columns that a table's first column, its labels, is given at least.
_LEAST, _MOST = 14, 40
_BELOW_THAT = " Below that, the range over fits, of 95% of {} sets of behaviour"
_NO_NOTES: Mapping[str, Sequence[str]] = {}


def print_summary(
    summary: Mapping[str, Any],
    console: Console | None = None,
    notes: Mapping[str, Sequence[str]] = _NO_NOTES,
) -> None:
    """Print a summary for a person: the answer, the outcomes, the differences and the advice.

    Args:
        summary: as `crisis_sim.outcomes.summarise` gives it.
        console: where to print; standard output unless given.
        notes: sentences to print with it by their heading.
    """
    console = console or Console()
    width = min(console.width, WIDTH)
    console.print(Text(answer(summary)), width=width)
    for table in tables(summary, console.width):
        console.print()
        console.print(table, width=console.width)
    for heading, sentences in {**notes, "How sure this is": summary["advice"]}.items():
        if sentences:
            console.print()
            console.print(Text(heading, style="bold"))
        for sentence in sentences:
            bullet = Table.grid(padding=(0, 1, 0, 0))
            bullet.add_row("-", Text(text.clean(sentence)))
            console.print(bullet, width=width)


def tables(summary: Mapping[str, Any], width: int) -> Iterator[Group]:
    """All tables of a summary, each within a width."""
    reference, label = summary["reference"], labels(summary)
    scenarios, differences = summary["scenarios"], summary["differences"]
    if "courses" in scenarios[reference]:
        yield _course_table(scenarios[reference], width)

    def table(title: str, columns: Columns, parts: Mapping[str, Any], caption: str) -> Group:
        rows = [
            (label[name], *(_cell(one, path, parts is differences) for _, path in columns))
            for name, one in parts.items()
        ]
        return fitted(title, ["scenario", *(head for head, _ in columns)], rows, width, caption)

    if differences:
        yield table(
            "Scenarios, % of all crises",
            (*_COURSES, _AGREEMENT, ("nuclear\nuse", "shares.nuclear_use")),
            scenarios,
            "Below each, its 95% interval." + fits_of(summary, f"{_BELOW_THAT}."),
        )
    yield table(
        "After a first strike, % of the crises with one",
        _AFTER,
        scenarios,
        "Below each, its 95% interval. Strikes have paused when there are none for a week or for good, agreed "
        "or not; a ceasefire is agreed.",
    )
    if differences:
        against = f"Difference from “{label[reference]}”"
        yield table(
            f"{against}, percentage points of all crises",
            (*_COURSES, _AGREEMENT),
            differences,
            "Below each, its 95% interval; dim where that holds zero."
            + fits_of(summary, f"{_BELOW_THAT}, and in how many of them the sign agrees."),
        )
        yield table(
            f"{against}, after a first strike",
            _AFTER_CHANGED,
            differences,
            "Percentage points. Struck: with a first strike. A change also changes which crises are struck; only those "
            "struck in both scenarios are the same crises. The table above has the effect over all crises.",
        )


#: Columns of a table: of each its heading, and where its figure is in what is told of a scenario or of a difference.
Columns = Sequence[tuple[str, str]]

_COURSE_HEADS = ("no\nstrike", f"stopped\nin {SHORT_DAYS} days", "longer\nfight", "full-scale\nwar")
_COURSES: Columns = [
    (head, f"courses.{course}.share") for head, course in zip(_COURSE_HEADS, COURSES, strict=True)
]
_AGREEMENT = ("ended by\nagreement", "endings.agreement")
_STRUCK, _BOTH = "ceasefire.from_first_strike", "struck_in_both"
_AFTER: Columns = (
    ("crises\nstruck", f"{_STRUCK}.of"),
    *((f"ceasefire\nin {hours} h", f"{_STRUCK}.by.{hours}_hours") for hours in (24, 72, 96)),
    ("strikes paused\nin 96 h", "pause.by.96_hours"),
    ("ceasefire:\nmedian hours", f"{_STRUCK}.median_hours"),
)
_AFTER_CHANGED: Columns = (
    ("ceasefire in\n96 h, of the\nstruck in each", f"{_STRUCK}.by.96_hours"),
    ("of those\nstruck in\nboth", f"{_BOTH}.{_STRUCK}.by.96_hours"),
    ("pairs\nstruck\nin both", f"{_BOTH}.of"),
    ("paused\nin 96 h,\nin both", f"{_BOTH}.pause.by.96_hours"),
    ("median\nhours,\nin each", f"{_STRUCK}.median_hours"),
)


def _course_table(scenario: Mapping[str, Any], width: int) -> Group:
    """How far crises of a scenario went, in columns, and how those of each ended."""
    parts = [*scenario["courses"].values()]
    shares, total = [part["share"] for part in parts], scenario["replicates"]
    rows: list[Sequence[Any]] = [
        ("% of all", *(text.percent(one["estimate"]) for one in shares), "100"),
        ("interval", *(Text(_limits(one, text.percent, "–"), style="dim") for one in shares), ""),
        *_fits_row(shares),
        ("crises", *(text.count(one["count"]) for one in shares), text.count(total)),
        (Text("of these, %", style="dim"), *[""] * 5),
    ]
    for ending, words in text.ENDINGS.items():
        of_each = [part["endings"][ending] for part in parts]
        if any(one["count"] for one in of_each):
            all_of_them = scenario["endings"][ending]["estimate"]
            rows.append(
                (
                    words,
                    *(text.percent(one["estimate"]) for one in of_each),
                    text.percent(all_of_them),
                )
            )
    return fitted(
        f"{scenario['label']}: how far crises went, and how they ended",
        ["", *_COURSE_HEADS, "all\ncrises"],
        rows,
        width,
        f"A crisis with full-scale war counts there alone. Stopped: no strikes from within {SHORT_DAYS} days of the "
        "first one for a week or for good, agreed or not.",
    )


def _fits_row(shares: Sequence[Figure]) -> list[Sequence[Any]]:
    """The range of each share over fits, where there is one."""
    over = [_over_fits(one).strip() for one in shares]
    return [("over fits", *(Text(one, style="dim") for one in over), "")] if any(over) else []


def fitted(
    title: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[Any]],
    width: int,
    caption: str = "",
) -> Group:
    """A table within a width: as it is, or turned about, or else as a list of its rows.

    Args:
        title: its heading.
        headings: of each column; the first names the rows. Line breaks part their lines.
        rows: their cells, texts; the first is the row's label, which is wrapped where it is long.
        width: columns that there are.
        caption: stands below.
    """
    cells = [
        [one if isinstance(one, Text) else Text(text.clean(one)) for one in row] for row in rows
    ]
    heads = [Text(one) for one in headings]
    turned = [[_one_line(head), *column] for head, *column in zip(heads, *cells, strict=True)]
    table = _laid_out(heads, cells, width)
    if table is None:
        first, *body = turned
        table = _laid_out(first, body, width) or _listed(heads, cells)
    below = [Text(caption, style="dim")] if caption else []
    return Group(Text(title, style="bold"), table, *below)


def _laid_out(top: Sequence[Text], body: Sequence[Sequence[Text]], width: int) -> Table | None:
    """A table with these columns, the first wrapped; None where it needs more room than there is."""
    wide = [
        max(len(line) for cell in column for line in cell.plain.split("\n"))
        for column in zip(top, *body, strict=True)
    ]
    room = width - sum(wide[1:]) - len(wide[1:])
    if room < min(_LEAST, wide[0]):
        return None
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0, pad_edge=False)
    table.add_column(top[0], width=min(wide[0], _MOST, room), overflow="fold")
    for head in top[1:]:
        table.add_column(head, justify="right", no_wrap=True)
    for row in body:
        table.add_row(*row)
    return table


def _listed(heads: Sequence[Text], cells: Sequence[Sequence[Text]]) -> Table:
    """A table's rows one below the other, a line a cell."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for first, *others in cells:
        table.add_row(Text(first.plain, style="bold"))
        for head, cell in zip(heads[1:], others, strict=True):
            if cell.plain:
                table.add_row(Text.assemble(f"  {_one_line(head)}: ", _one_line(cell)))
    return table


def _one_line(cell: Text) -> Text:
    """A heading, or a figure with the limits below it, on one line."""
    first, *others = cell.plain.replace("-\n", "").split("\n")
    digits = first[:1].isdigit() or first[:1] in (text.MINUS, "+")
    rest = f" ({' '.join(others)})" if digits and others else "".join(f" {one}" for one in others)
    return Text(first + rest, style=cell.style)


def _limits(figure: Figure, write: Callable[[float], str], between: str) -> str:
    """Both limits; one that is not set is left open."""
    return between.join(
        "…" if figure[key] is None else write(figure[key]) for key in ("lower", "upper")
    )


def _cell(part: Mapping[str, Any], path: str, changed: bool) -> Text:
    """A figure, and its limits below it; a difference is dim where they hold zero."""
    figure, hours = figure_at(part, path), path.endswith("median_hours")
    if path.endswith(".of"):
        return Text("not paired" if figure is None else text.count(figure))
    if figure is None or figure["estimate"] is None:
        if changed:
            return Text("not known", style="dim")
        never = "never half" if figure_at(part, f"{_STRUCK}.of") else "none"
        return Text(never if hours else text.UNKNOWN)
    if changed:
        write: Callable[[float], str] = text.signed_hours if hours else text.points
    else:
        write = text.count if hours else text.percent
    limits = _limits(figure, write, ", " if changed else "–") + _over_fits(figure, changed)
    if changed:
        style = "" if is_clear(figure) else "dim"
        return Text(f"{write(figure['estimate'])}\n{limits}", style=style)
    return Text.assemble(f"{write(figure['estimate'])}\n", (limits, "dim"))


def _over_fits(figure: Figure, sign: bool = False) -> str:
    """The range over fits, as a third line of a cell."""
    told = text.over_fits(figure, sign=sign).removeprefix("over fits ")
    return told and "\n" + told.replace("; the sign agrees in", ",")
