"""The result of a batch in words and tables: the answer, key figures, captions of charts, and a terminal's tables."""

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

#: The event from which each clock counts.
ORIGINS = {"from_first_strike": "the first strike", "from_trigger": "the trigger"}
#: The crises of each course, to follow "crises" or "the share of crises".
_CRISES_WITH = {
    "no_strike": "without a strike",
    "short_fight": f"whose strikes stopped within {SHORT_DAYS} days",
    "long_fight": "with a longer fight",
    "war": "with full-scale war",
}

#: The maximum number of scenarios whose differences are described.
_MOST_DESCRIBED = 3

#: A figure of a summary: `estimate`, `lower` and `upper`, each perhaps None.
Figure = Mapping[str, Any]


def answer(summary: Mapping[str, Any]) -> str:
    """Return the answer in sentences: how crises end, how far they go, and what clearly changes that."""
    return f"{labels(summary)[summary['reference']]}: {' '.join(paragraphs(summary))}"


def paragraphs(summary: Mapping[str, Any]) -> list[str]:
    """Return the paragraphs of the answer: ceasefires of the reference, their times, courses, and differences."""
    scenario = summary["scenarios"][summary["reference"]]
    if not scenario["replicates"]:
        return ["there are no simulated crises to answer from."]
    parts = (_ceasefires_held(scenario), _median_times(scenario), _courses(scenario))
    return [*filter(None, parts), *differences(summary)]


def _ceasefires_held(scenario: Mapping[str, Any]) -> str:
    """The share of crises that ended in a ceasefire that held: of all, and of each course."""
    agreement = scenario["endings"]["agreement"]
    courses = {name: part["endings"]["agreement"] for name, part in scenario["courses"].items()}
    first, *others = [
        f"{text.percent(figure['estimate'])}% of {{}} {_CRISES_WITH[name]}"
        for name, figure in courses.items()
        if figure["of"]
    ]
    by_course = text.listed([first.format("the crises"), *(one.format("those") for one in others)])
    return (
        f"{_percent(agreement)} of {of_these(agreement['of'], 'all crises')} ended in a ceasefire "
        f"that held. Such a ceasefire ended {by_course}."
    )


def _courses(scenario: Mapping[str, Any]) -> str:
    """The share of all crises that took each course, with 95% intervals."""
    none, short, long, war = (scenario["courses"][course]["share"] for course in COURSES)
    nuclear_use = scenario["shares"]["nuclear_use"]
    nuclear = (
        f" Nuclear weapons were used in {text.percent(nuclear_use['estimate'])}% of all crises."
    )
    return (
        f"Of {of_these(none['of'], 'all crises')}, {_share(none, '95% interval ')} saw no strike, {_share(short)} "
        f"strikes that stopped within {SHORT_DAYS} days, with or without an agreement, {_share(long)} a longer fight, "
        f"and {_share(war)} full-scale war.{nuclear if nuclear_use['count'] else ''}"
    )


def _percent(figure: Figure) -> str:
    """A share with its 95% interval, such as "65.2% (95% interval 60.9 to 69.2)"."""
    low, estimate, high = (text.percent(figure[key]) for key in ("lower", "estimate", "upper"))
    over = text.over_fits(figure)
    return f"{estimate}% (95% interval {low} to {high}{over and '; '}{over})"


def _share(figure: Figure, interval: str = "") -> str:
    """A rounded share such as "71% (70 to 72)"; 0% only if there are none, 100% only if there are all."""
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


def fits_of(summary: Mapping[str, Any], template: str) -> str:
    """Format a template with the number of parameter sets of the reference; "" if it was run with one."""
    over = summary["scenarios"][summary["reference"]].get("over_fits")
    return template.format(over["sets"]) if over else ""


def differences(summary: Mapping[str, Any]) -> list[str]:
    """Describe what each scenario clearly changes: a text for each, the largest change first."""
    label = labels(summary)
    changes = {name: _changes(part) for name, part in summary["differences"].items()}
    largest = {name: max(sizes.values()) for name, sizes in changes.items() if sizes}
    changed = sorted(largest, key=lambda name: -largest[name])
    if not changes:
        return []
    if not changed:
        subject = "No other scenario clearly changes"
        if len(changes) == 1:
            subject = f"“{label[next(iter(changes))]}” does not clearly change"
        return [f"{subject} how far crises go or how soon they have a ceasefire."]
    described = [
        _describe_changes(label[name], summary["differences"][name])
        for name in changed[:_MOST_DESCRIBED]
    ]
    if more := len(changed) - len(described):
        noun = "scenario differs" if more == 1 else "scenarios differ"
        described.append(
            f"{text.in_letters(more).capitalize()} more {noun} clearly, by no more than these."
        )
    return described


def _changes(difference: Mapping[str, Any]) -> dict[str, float]:
    """The size of each clear change: of the share of each course, and of ceasefires after a strike."""
    figures = {course: figure_at(difference, f"courses.{course}.share") for course in COURSES}
    figures["ceasefire"] = ceasefire_change(difference)[0]
    return {name: abs(figure["estimate"]) for name, figure in figures.items() if is_clear(figure)}


def ceasefire_change(difference: Mapping[str, Any]) -> tuple[Figure | None, str]:
    """The change in ceasefires within 96 hours of the first strike, and the crises it is measured in.

    A scenario also changes which crises have a strike. In pairs, those with a strike in both are compared; in
    independent samples, the crises with a strike in each.
    """
    path = "ceasefire.from_first_strike.by.96_hours"
    if both := difference.get("struck_in_both"):
        crises = f"{text.count(both['of'])} crises with a strike in both scenarios"
        return figure_at(both, path), crises
    return figure_at(difference, path), "crises with a strike in each scenario"


def _describe_changes(label: str, difference: Mapping[str, Any]) -> str:
    """Describe the clear changes of one scenario: the ceasefires first, then the courses."""
    clear = _changes(difference)
    where = label if label.startswith(("With ", "Without ")) else f"In “{label}”"
    changes = []
    figure, crises = ceasefire_change(difference)
    if figure is not None and is_clear(figure):
        changes.append(
            f"{where}, a ceasefire within 96 hours of the first strike is "
            f"{_points(figure, 'more frequent', 'less frequent', crises)}."
        )
    shares: list[str] = []
    courses = [name for name in clear if name in COURSES]
    for course in sorted(courses, key=lambda course: -clear[course]):
        share, brief = difference["courses"][course]["share"], bool(changes or shares)
        all_crises, verb = ("", "") if shares else (" of all crises", " is")
        points = _points(share, "higher", "lower", brief=brief)
        shares.append(f"the share{all_crises} {_CRISES_WITH[course]}{verb} {points}")
    if shares:
        sentence = f"{text.listed(shares)}."
        changes.append(text.sentence(sentence) if changes else f"{where}, {sentence}")
    return " ".join(changes)


def _points(figure: Figure, more: str, less: str, crises: str = "", *, brief: bool = False) -> str:
    """Describe a difference of shares: its size, direction, 95% interval and, if given, denominator."""
    low, high = sorted(abs(100.0 * (figure[key] or 0.0)) for key in ("lower", "upper"))
    size = text.points(abs(figure["estimate"])).removeprefix("+")
    unit, interval = ("points", "") if brief else ("percentage points", "95% interval ")
    parts = [interval + text.limits(low, high, 1), text.over_fits(figure, sign=True), crises]
    direction = more if figure["estimate"] > 0.0 else less
    return f"{size} {unit} {direction} ({'; '.join(filter(None, parts))})"


def is_clear(figure: Figure | None) -> bool:
    """Return whether a difference is more than chance explains: its interval excludes zero."""
    return figure is not None and excludes_zero(figure["lower"], figure["upper"])


def labels(summary: Mapping[str, Any]) -> dict[str, str]:
    """The label of each scenario."""
    return {name: scenario["label"] for name, scenario in summary["scenarios"].items()}


# --- The text of a page: its question, answer and key figures, and the caption of each chart

#: The moments of each clock that a caption gives, and the one at which scenarios are compared.
_MOMENTS = {
    "from_first_strike": (("24_hours", "96_hours", "7_days"), "96_hours"),
    "from_trigger": (("14_days", "30_days"), "30_days"),
}
#: The maximum number of scenarios with the same figure that are named, and of differences that are listed.
_MOST_NAMED, _MOST_LISTED = 3, 6


def question(title: str, several: bool) -> str:
    """The question of a run; `several` if it compares scenarios."""
    sentence = (
        f"{text.clean(title)}: how often, and how quickly, does the crisis end in a ceasefire"
    )
    return f"{sentence}, and what would change that?" if several else f"{sentence}?"


def median(figure: Figure) -> str:
    """Format a median time, such as "4.8 days (4.6 to 5.0)", in hours if it is short."""
    in_days = figure["estimate"] >= text.DAYS_FROM_HOURS
    per, unit, digits = (24.0, "days", 1) if in_days else (1.0, "hours", 0)
    middle, low, high = (
        None if figure[key] is None else figure[key] / per for key in ("estimate", "lower", "upper")
    )
    interval = "" if low is None and high is None else f" ({text.limits(low, high, digits)})"
    return f"{text.number(middle, digits)} {unit}{interval}"


def _median_times(scenario: Mapping[str, Any]) -> str:
    """The median times from the first strike to a ceasefire and to a pause in strikes; "" without strikes."""
    clock = scenario["ceasefire"]["from_first_strike"]
    if clock["of"] == 0:
        return ""
    ceasefire, pause = clock["median_hours"], scenario["pause"]["median_hours"]
    sentence = f"Of {of_these(clock['of'], AMONG['from_first_strike'])}, "
    if ceasefire is None:
        sentence += "fewer than half had a ceasefire while they were followed"
    else:
        sentence += f"half had a ceasefire within {median(ceasefire)} of that strike"
    if pause is not None:
        sentence += (
            f"; in half, strikes paused, with or without an agreement, within {median(pause)}"
        )
    return f"{sentence}."


def key_figures(summary: Mapping[str, Any]) -> list[dict[str, str]]:
    """The figures at the head of the page, of the reference: `label`, `value`, and `limits`."""
    scenario = summary["scenarios"][summary["reference"]]
    if not scenario["replicates"]:
        return []
    crises = of_these(scenario["replicates"], "all crises")
    outcomes = {
        "no_strike": "saw no strike",
        "short_fight": f"saw strikes that stopped within {SHORT_DAYS} days, with or without an agreement",
        "long_fight": "saw a longer fight",
        "war": "came to full-scale war",
    }
    figures = [
        _key(f"of {crises} ended in a ceasefire that held", scenario["endings"]["agreement"])
    ]
    for course, outcome in outcomes.items():
        part = scenario["courses"][course]
        agreed = part["endings"]["agreement"]
        share = f"; {text.percent(agreed['estimate'])}% of these ended in a ceasefire that held"
        label = f"of {crises} {outcome}{share if agreed['of'] else ''}"
        figures.append(_key(label, part["share"]))
    return [*figures, _key(f"of {crises} saw nuclear use", scenario["shares"]["nuclear_use"])]


def _key(label: str, figure: Figure) -> dict[str, str]:
    low, middle, high = (text.percent(figure[key]) for key in ("lower", "estimate", "upper"))
    value, limits = f"{middle}%", f"{low} to {high}%"
    if figure.get("count") == 0:
        value, limits = "none", f"below {high}%"
    if over := text.over_fits(figure):
        limits += f"; {over}%"
    return {"label": label, "value": value, "limits": limits}


def caption(name: str, batch: Batch, summary: Mapping[str, Any]) -> str:
    """Describe the finding of a chart; "" if there is none."""
    return " ".join(filter(None, _CAPTIONS[name](batch, summary)))


def _ceasefires(batch: Batch, summary: Mapping[str, Any], clock: str) -> Iterator[str]:
    reference = summary["reference"]
    figures = summary["scenarios"][reference]["ceasefire"][clock]
    if figures["of"] == 0:
        yield f"No crisis of “{labels(summary)[reference]}” has {ORIGINS[clock]}."
        return
    shares = _shares_by_moment(figures["by"], clock)
    if shares:
        among = of_these(figures["of"], AMONG[clock])
        (share, moment), *others = shares
        parts = [f"{share} of {among} have a ceasefire {moment} of it", *map(" ".join, others)]
        yield f"In “{labels(summary)[reference]}”, {text.listed(parts)}."
    if clock == "from_first_strike":
        pauses = _shares_by_moment(summary["scenarios"][reference]["pause"]["by"], clock)
        if pauses:
            parts = [f"{moment} in {share}" for share, moment in pauses]
            parts[0] += f" of {AMONG[clock]}"
            yield f"Strikes pause, with or without an agreement, {text.listed(parts)}."
    yield _real_ceasefire(batch.ensembles[reference], clock)
    yield _range_of_scenarios(summary, clock)


def _shares_by_moment(figures: Mapping[str, Figure], clock: str) -> list[tuple[str, str]]:
    """The known shares at the moments that captions give, such as ("32.0%", "within 96 hours")."""
    return [
        (f"{text.percent(share)}%", f"within {moment.replace('_', ' ')}")
        for moment in _MOMENTS[clock][0]
        if (share := figures[moment]["estimate"]) is not None
    ]


def _real_ceasefire(ensemble: Ensemble, clock: str) -> str:
    """The time to the real ceasefire, and the share of simulated crises with a ceasefire by then."""
    record = real_record(ensemble.scenario)
    real = None if record is None else record.ceasefire_after_hours(clock)
    if real is None or real < 0.0:
        return ""
    came = f"The real ceasefire came after {text.duration(real)}"
    share = float(CLOCKS[clock].read(ensemble).incidence(first_only=True).at(real).estimate)
    if np.isnan(share):
        return f"{came}."
    return f"{came}; by then {text.percent(share)}% of the simulated {AMONG[clock]} had one."


def _range_of_scenarios(summary: Mapping[str, Any], clock: str) -> str:
    """The lowest and the highest estimate at one moment, each with all scenarios that have it."""
    moment = _MOMENTS[clock][1]
    scenarios: dict[str, list[str]] = {}
    figures = [
        (one["ceasefire"][clock]["by"][moment]["estimate"], name)
        for name, one in summary["scenarios"].items()
    ]
    for share, name in sorted((share, name) for share, name in figures if share is not None):
        scenarios.setdefault(text.percent(share), []).append(f"“{labels(summary)[name]}”")
    if sum(map(len, scenarios.values())) < 2:
        return ""
    subject = f"The share with a ceasefire within {moment.replace('_', ' ')}"
    if len(scenarios) == 1:
        share = f"{next(iter(scenarios))}% of {AMONG[clock]}"
        return f"{subject} is {share} in every scenario with an estimate."
    (least, lowest), *_, (most, highest) = scenarios.items()
    low, high = (
        text.listed(names) if len(names) <= _MOST_NAMED else f"{len(names)} scenarios"
        for names in (lowest, highest)
    )
    return f"{subject} ranges from {least}% of {AMONG[clock]} in {low} to {most}% in {high}."


def _endings(batch: Batch, summary: Mapping[str, Any]) -> Iterator[str]:
    name = summary["reference"]
    scenario = summary["scenarios"][name]
    if not scenario["replicates"]:
        return
    courses = _courses(scenario)
    yield f"In “{labels(summary)[name]}”, {courses[0].lower()}{courses[1:]}"
    shares = {ending: scenario["endings"][ending]["estimate"] for ending in text.ENDINGS}
    others = sorted((one for one in shares if one != "agreement"), key=lambda one: -shares[one])
    rest = [f"{text.ENDINGS[one]} {text.percent(shares[one])}%" for one in others if shares[one]]
    agreement = _share(scenario["endings"]["agreement"], "95% interval ")
    yield f"{agreement} of all crises end by agreement{rest and '; the rest: '}{text.listed(rest)}."


def _differences(batch: Batch, summary: Mapping[str, Any]) -> Iterator[str]:
    """For each outcome compared, the scenarios that clearly make it more or less likely."""
    ceasefire = "a ceasefire within 96 hours of the first strike"
    outcomes: dict[str, Callable[[Any], Figure | None]] = {
        ceasefire: lambda part: ceasefire_change(part)[0]
    }
    outcomes |= {
        f"a crisis {crises}": partial(figure_at, path=f"courses.{course}.share")
        for course, crises in _CRISES_WITH.items()
    }
    unclear = []
    for outcome, find in outcomes.items():
        figures = {name: find(part) for name, part in summary["differences"].items()}
        clear = {
            name: figure["estimate"]
            for name, figure in figures.items()
            if figure is not None and is_clear(figure)
        }
        sizes = {
            name: f"“{labels(summary)[name]}” ({text.points(size)} points)"
            for name, size in clear.items()
        }
        changes = []
        for direction, sign in (("more", 1.0), ("less", -1.0)):
            names = [name for name, size in clear.items() if sign * size > 0]
            if len(names) > _MOST_LISTED:
                most = sizes[max(names, key=lambda name: abs(clear[name]))]
                changes.append(f"{direction} likely in {len(names)} scenarios, most so in {most}")
            elif names:
                where = text.listed([sizes[name] for name in names])
                changes.append(f"{direction} likely in {where}")
        if changes:
            among = "among crises struck in both scenarios, " if outcome == ceasefire else ""
            yield text.sentence(f"{among}{outcome} is clearly {text.listed(changes)}")
        else:
            unclear.append(outcome)
    if unclear:
        yield text.sentence(
            f"not clearly more or less likely in any scenario: {text.listed(unclear)}"
        )


def _markets(batch: Batch, summary: Mapping[str, Any]) -> Iterator[str]:
    ensemble = batch.ensembles[summary["reference"]]
    record = real_record(ensemble.scenario)
    for state in ensemble.states:
        lowest = ensemble.column(f"{state}_lowest_market")
        if not len(lowest):
            continue
        low, middle, high = (f"{100 * x:.0f}" for x in np.quantile(lowest, (0.05, 0.5, 0.95)))
        spec = ensemble.scenario.get("states", {}).get(state, {})
        index = text.clean(spec.get("market", {}).get("index") or "market index")
        real = None if record is None else record.markets.get(state)
        fact = f"; the real index fell to {100 * real.lowest:.0f}%" if real else ""
        yield (
            f"{index}: in the median crisis its lowest level is {middle}% of that at the start "
            f"({low} to {high}% in the middle 90% of crises){fact}."
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
# Text from scenarios is plain `rich.text.Text` here, never markup.

#: The maximum width of prose, in characters; in a wider terminal a table may be wider.
WIDTH = 100
#: The minimum and maximum width of a table's first column, which contains labels.
_LEAST, _MOST = 14, 40
_BELOW_THAT = " Below that: the range of 95% of {} parameter sets that fit"
_NO_NOTES: Mapping[str, Sequence[str]] = {}


def print_summary(
    summary: Mapping[str, Any],
    console: Console | None = None,
    notes: Mapping[str, Sequence[str]] = _NO_NOTES,
) -> None:
    """Print a summary: the answer, tables of outcomes and differences, and the advice.

    Args:
        summary: the result of `crisis_sim.outcomes.summarise`.
        console: where to print; standard output by default.
        notes: more sentences to print, by heading.
    """
    console = console or Console()
    width = min(console.width, WIDTH)
    first, *others = paragraphs(summary)
    first = f"{labels(summary)[summary['reference']]}: {first}"
    console.print(Text("\n".join([first, *others])), width=width)
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
    """The tables of a summary, each fitted into a width in characters."""
    reference, label = summary["reference"], labels(summary)
    scenarios, differences = summary["scenarios"], summary["differences"]
    yield _course_table(scenarios[reference], width)

    def table(title: str, columns: Columns, parts: Mapping[str, Any], caption: str) -> Group:
        rows = [
            (label[name], *(_cell(one, path, parts is not scenarios) for _, path in columns))
            for name, one in parts.items()
        ]
        return fitted(title, ["scenario", *(head for head, _ in columns)], rows, width, caption)

    if differences:
        yield table(
            "Scenarios, % of all crises",
            (*_COURSES, _AGREEMENT, ("nuclear\nuse", "shares.nuclear_use")),
            scenarios,
            "Below each figure: 95% interval." + fits_of(summary, f"{_BELOW_THAT}."),
        )
    yield table(
        "After a first strike, % of the crises with one",
        _AFTER,
        scenarios,
        "Below each figure: 95% interval. Strikes have paused when there are none for a week or for good, with or "
        "without an agreement; a ceasefire is agreed.",
    )
    if differences:
        against = f"Difference from “{label[reference]}”"
        yield table(
            f"{against}, percentage points of all crises",
            (*_COURSES, _AGREEMENT),
            differences,
            "Below each figure: 95% interval; dim if it contains zero."
            + fits_of(summary, f"{_BELOW_THAT}, and the share of sets with the same sign."),
        )
        yield table(
            f"{against}, after a first strike",
            _AFTER_CHANGED,
            {name: _after_a_strike(one) for name, one in differences.items()},
            _after_a_strike_caption(differences),
        )


#: Columns of a table: the heading of each, and the path of its figure in a scenario's or a difference's part.
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
    ("struck\nin both", f"{_BOTH}.of"),
    ("ceasefire\nin 96 h", f"{_BOTH}.{_STRUCK}.by.96_hours"),
    ("strikes paused\nin 96 h", f"{_BOTH}.pause.by.96_hours"),
    ("ceasefire:\nmedian hours", f"{_STRUCK}.median_hours"),
)


def _after_a_strike(difference: Mapping[str, Any]) -> dict[str, Any]:
    """A difference whose `struck_in_both` has the figures of crises struck in each scenario if it is not paired."""
    return {**difference, _BOTH: difference.get(_BOTH) or {**difference, "of": None}}


def _after_a_strike_caption(differences: Mapping[str, Mapping[str, Any]]) -> str:
    """Say which crises the differences after a first strike are of."""
    paired = {bool(one["paired"]) for one in differences.values()}
    crises = "of the crises with a first strike in each scenario. "
    if True in paired:
        crises = "of the crises with a first strike in both scenarios, which are the same crises; the medians are of those "
        crises += "with a first strike in each. "
        crises += "Of scenarios that are not paired, all figures are. " if False in paired else ""
    return f"Percentage points {crises}The table above shows the effect over all crises."


def _course_table(scenario: Mapping[str, Any], width: int) -> Group:
    """A table of a scenario's courses and, for each, of the endings."""
    parts = [*scenario["courses"].values()]
    shares, total = [part["share"] for part in parts], scenario["replicates"]
    rows: list[Sequence[Any]] = [
        ("% of all", *(text.percent(one["estimate"]) for one in shares), "100"),
        ("interval", *(Text(_limits(one, text.percent, "–"), style="dim") for one in shares), ""),
        *_fits_row(shares),
        ("crises", *(text.count(one["count"]) for one in shares), text.count(total)),
        (Text("of these, %", style="dim"), *[""] * 5),
    ]
    for ending, label in text.ENDINGS.items():
        of_each = [part["endings"][ending] for part in parts]
        if any(one["count"] for one in of_each):
            all_of_them = scenario["endings"][ending]["estimate"]
            rows.append(
                (
                    label,
                    *(text.percent(one["estimate"]) for one in of_each),
                    text.percent(all_of_them),
                )
            )
    return fitted(
        f"{scenario['label']}: how far crises went, and how they ended",
        ["", *_COURSE_HEADS, "all\ncrises"],
        rows,
        width,
        f"A crisis with full-scale war counts only there. Stopped: within {SHORT_DAYS} days of the first strike, strikes "
        "ceased for a week or for good, with or without an agreement.",
    )


def _fits_row(shares: Sequence[Figure]) -> list[Sequence[Any]]:
    """A row with the range of each share over fits; none if there are no ranges."""
    ranges = [_over_fits(share).strip() for share in shares]
    return [("over fits", *(Text(one, style="dim") for one in ranges), "")] if any(ranges) else []


def fitted(
    title: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[Any]],
    width: int,
    caption: str = "",
) -> Group:
    """Fit a table into a width: unchanged, transposed, or as a list of its rows.

    Args:
        title: the line above it.
        headings: the heading of each column, with line breaks; the first is that of the row labels.
        rows: the cells of each row; the first is its label, which is wrapped if long.
        width: the width in characters.
        caption: the text below it.
    """
    cells = [
        [one if isinstance(one, Text) else Text(text.clean(one)) for one in row] for row in rows
    ]
    heads = [Text(one) for one in headings]
    table = _laid_out(heads, cells, width)
    if table is None:
        columns = zip(heads, *cells, strict=True)
        first, *body = [[_one_line(head), *column] for head, *column in columns]
        table = _laid_out(first, body, width) or _listed(heads, cells)
    below = [Text(caption, style="dim")] if caption else []
    return Group(Text(title, style="bold"), table, *below)


def _laid_out(top: Sequence[Text], body: Sequence[Sequence[Text]], width: int) -> Table | None:
    """A table whose first column may be wrapped; None if it does not fit into the width."""
    widths = [
        max(len(line) for cell in column for line in cell.plain.split("\n"))
        for column in zip(top, *body, strict=True)
    ]
    room = width - sum(widths[1:]) - len(widths[1:])
    if room < min(_LEAST, widths[0]):
        return None
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0, pad_edge=False)
    table.add_column(top[0], width=min(widths[0], _MOST, room), overflow="fold")
    for head in top[1:]:
        table.add_column(head, justify="right", no_wrap=True)
    for row in body:
        table.add_row(*row)
    return table


def _listed(heads: Sequence[Text], cells: Sequence[Sequence[Text]]) -> Table:
    """A table's rows one below the other, with a line for each cell."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for first, *others in cells:
        table.add_row(Text(first.plain, style="bold"))
        for head, cell in zip(heads[1:], others, strict=True):
            if cell.plain:
                table.add_row(Text.assemble(f"  {_one_line(head)}: ", _one_line(cell)))
    return table


def _one_line(cell: Text) -> Text:
    """Join the lines of a heading, or of a figure and its limits, into one."""
    first, *others = cell.plain.replace("-\n", "").split("\n")
    digits = first[:1].isdigit() or first[:1] in (text.MINUS, "+")
    rest = f" ({' '.join(others)})" if digits and others else "".join(f" {one}" for one in others)
    return Text(first + rest, style=cell.style)


def _limits(figure: Figure, write: Callable[[float], str], between: str) -> str:
    """Format both limits, with "…" for an unknown one."""
    return between.join(
        "…" if figure[key] is None else write(figure[key]) for key in ("lower", "upper")
    )


def _cell(part: Mapping[str, Any], path: str, changed: bool) -> Text:
    """A figure with its limits below; a difference is dim if they contain zero."""
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
    """The range over fits, as the third line of a cell; "" if there is none."""
    line = text.over_fits(figure, sign=sign).removeprefix("over fits ")
    return line and "\n" + line.replace("; same sign in", ",")
