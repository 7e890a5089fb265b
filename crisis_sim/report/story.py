"""One crisis told as a story, turn by turn, from the journal of its replicate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from crisis_sim.report import words
from crisis_sim.report.real_path import RealRecord, real_record
from crisis_sim.report.sentences import Narrator
from crisis_sim.report.turning_points import Halt, TurningPoints, turning_points

if TYPE_CHECKING:
    from crisis_sim.model.journal import Entry, Journal
    from crisis_sim.scenario.schema import Scenario

#: A pause of so many hours between two turns is told, and a longer one with where both sides stood.
_PAUSE_HOURS = 48.0
_LONG_PAUSE_HOURS = 120.0

#: How each ending is told, in words before and after the moment when it came; that is left out where it is not known.
ENDINGS = {
    "agreement": ("The crisis ended by agreement: the ceasefire", " of {}", " held"),
    "tacit": (
        "The crisis ended tacitly: both stepped down, unsigned, and",
        " by {}",
        " it was over",
    ),
    "unilateral": ("The crisis ended unilaterally:", " on {}", " one side gave way"),
    "imposed": ("The crisis ended with an imposed outcome:", " on {}", " one side was beaten"),
    "faded": (
        "The crisis faded: it went quiet without a settlement, and",
        " by {}",
        " it was over",
    ),
    "unresolved": ("The crisis was still going on when its time ran out", "", ""),
}


def tell(journal: Journal, scenario: Scenario, outcome: Mapping[str, Any] | None = None) -> str:
    """Tell a crisis as a story in Markdown, with local dates and times.

    Args:
        journal: of the replicate, as `crisis_sim.model.CrisisModel` filled it.
        scenario: the crisis that was run.
        outcome: the replicate's row of outcomes by column, if at hand; its deaths are told.

    Returns:
        The story: who is in it; what happened, a paragraph a turn; how it ended, in numbers; and,
        where the scenario has a real path, how that compares.
    """
    points = turning_points(journal, scenario)
    narrator = Narrator(scenario, points.trigger_at_hours)
    chapters = [
        f"# {words.markdown(scenario.title)}",
        _cast(scenario, narrator),
        *_chapters(journal, scenario, points, narrator),
        "## How it ended",
        _ending(scenario, points, narrator),
        "\n".join(f"- {fact}" for fact in _facts(journal, scenario, points, narrator, outcome)),
    ]
    record = real_record(scenario.plain())
    if record is not None:
        compared = _beside_the_record(journal, scenario, points, record)
        if compared:
            chapters += ["## Beside the record", compared]
    return "\n\n".join(chapters) + "\n"


def _cast(scenario: Scenario, narrator: Narrator) -> str:
    """Who is in it, and how times are told."""
    states = words.listed([narrator.name(state) for state in scenario.state_names])
    told = [
        f"One simulated crisis between {states}, from "
        f"{words.moment(scenario.start, year=True)}. Times are {words.offset(scenario.start)}, "
        f"to the turn of {words.plural(scenario.hours_per_turn, 'hour')}."
    ]
    names = {
        kind: [narrator.name(name) for name in getattr(scenario, kind)]
        for kind in ("mediators", "channels")
    }
    if names["mediators"]:
        told.append(f"Able to mediate: {words.listed(names['mediators'])}.")
    for name, lender in scenario.lenders.items():
        told.append(
            words.sentence(f"{narrator.name(name)} lends to {narrator.name(lender.borrower)}")
        )
    if names["channels"]:
        told.append(f"Private lines between the two: {words.listed(names['channels'])}.")
    for name, adviser in scenario.advisers.items():
        told.append(words.sentence(f"{narrator.name(name)} advises {narrator.name(adviser.state)}"))
    return " ".join(told)


def _chapters(
    journal: Journal, scenario: Scenario, points: TurningPoints, narrator: Narrator
) -> Iterator[str]:
    """A heading for each phase, and a paragraph for each turn in which something happened."""
    rungs = {
        name: spec.rung_at_start or scenario.ladder[0].name
        for name, spec in scenario.states.items()
    }
    heading, before = "", 0.0
    for hours, entries in _turns(journal):
        new_heading = _phase(entries, points, heading)
        if new_heading != heading:
            heading = new_heading
            yield f"## {heading}"
        sentences = narrator.tell(entries)
        pause = _pause(hours - before, rungs, narrator)
        for entry in entries:
            if "to_rung" in entry.detail:
                rungs[entry.agent] = entry.detail["to_rung"]
        before = hours
        if sentences:
            sentences[0] = pause + sentences[0]
            yield f"**{_moment(scenario, hours)}.** {' '.join(sentences)}"


def _turns(journal: Journal) -> Iterator[tuple[float, list[Entry]]]:
    """Entries by the minute in which they happened."""
    in_order = sorted(journal.entries, key=lambda entry: entry.hours)
    for minute, entries in groupby(in_order, key=lambda entry: round(entry.hours * 60.0)):
        yield minute / 60.0, list(entries)


def _phase(entries: list[Entry], points: TurningPoints, heading: str) -> str:
    """The heading under which a turn stands."""
    kinds = {entry.kind for entry in entries}
    if "relapsed" in kinds:
        return "After the halt failed"
    if "in_effect" in kinds:
        return "A new halt" if heading == "After the halt failed" else "The halt"
    if points.first_strike is not None and entries[-1].hours >= points.first_strike[0]:
        return "Under fire" if heading in ("", "Before the first strike") else heading
    if heading:
        return heading
    return "The crisis" if points.first_strike is None else "Before the first strike"


def _pause(hours: float, rungs: Mapping[str, str], narrator: Narrator) -> str:
    """A sentence on the time in which nothing happened, where it was long."""
    if hours < _PAUSE_HOURS:
        return ""
    days = round(hours / 24.0)
    told = words.sentence(f"{words.in_letters(days)} days pass")
    if hours < _LONG_PAUSE_HOURS:
        return f"{told} "
    stands = {words.markdown(rung) for rung in rungs.values()}
    where = [f"{narrator.name(state)} at {words.markdown(rung)}" for state, rung in rungs.items()]
    both = f"both sides at {min(stands)}" if len(stands) == 1 else words.listed(where)
    return f"{told[:-1]} with {both}. "


def _ending(scenario: Scenario, points: TurningPoints, narrator: Narrator) -> str:
    when = points.ended_at_hours
    at = "" if when is None else _moment(scenario, when, year=True)
    if points.ending == "agreement" and points.halts and when is not None:
        halt = points.halts[-1]
        at += f", brokered by {narrator.name(halt.brokered_by)}," if halt.brokered_by else ""
        at = at if halt.brokered_by else f"{at},"
    before, moment, after = ENDINGS.get(
        points.ending, ("The story breaks off before its end", "", "")
    )
    told = before + (moment.format(at) if at else "") + after
    if points.ending == "agreement" and when is not None:
        told += f" for the {words.duration(points.last_hours - when)} for which it was watched"
    return words.sentence(told)


def _moment(scenario: Scenario, hours: float, year: bool = False) -> str:
    """The date and time so many hours after the start, to the minute."""
    return words.moment(scenario.moment(round(hours * 60.0) / 60.0), year)


def _facts(
    journal: Journal,
    scenario: Scenario,
    points: TurningPoints,
    narrator: Narrator,
    outcome: Mapping[str, Any] | None,
) -> Iterator[str]:
    yield _strike_fact(scenario, points, narrator)
    yield from (_halt_fact(halt, points, narrator) for halt in points.halts)
    if not points.halts:
        yield "Halt: none was agreed."
    peaks = [
        f"{narrator.name(state)} “{words.markdown(scenario.ladder[rung].name)}”"
        for state, rung in points.peak_rungs.items()
    ]
    yield f"Highest rung: {words.listed(peaks)}."
    if outcome is not None and "deaths" in outcome:
        yield f"Deaths: about {words.count(float(outcome['deaths']))}."
    lows = [
        f"{words.markdown(spec.market.index)} {100.0 * min(series):.1f}%"
        for state, spec in scenario.states.items()
        if (series := journal.series.get(f"{state}_market"))
    ]
    if lows:
        yield f"Lowest market, of the level at the start: {words.listed(lows)}."


def _strike_fact(scenario: Scenario, points: TurningPoints, narrator: Narrator) -> str:
    if points.first_strike is None:
        return "First strike: none fell."
    hours, _ = points.first_strike
    after = words.after(hours - points.trigger_at_hours, "the trigger")
    at = _moment(scenario, hours)
    states = words.listed([narrator.name(state) for state in points.strikers])
    return f"First strike: {after}, by {states}{' at once' * (len(points.strikers) > 1)} ({at})."


def _halt_fact(halt: Halt, points: TurningPoints, narrator: Narrator) -> str:
    if halt.in_effect_at_hours is None:
        return "Halt: agreed, but it never took effect."
    clock, origin = "the trigger", points.trigger_at_hours
    if points.first_strike is not None and halt.in_effect_at_hours >= points.first_strike[0]:
        clock, origin = "the first strike", points.first_strike[0]
    told = f"Halt: in effect {words.after(halt.in_effect_at_hours - origin, clock)}"
    told += f", brokered by {narrator.name(halt.brokered_by)}" if halt.brokered_by else ""
    told += f"; violated {_times(halt.violations)}" if halt.violations else "; never violated"
    if halt.relapsed_at_hours is None:
        held = points.ending == "agreement" and halt is points.halts[-1]
        return f"{told}; {'it held' if held else 'no end of it was seen'}."
    return f"{told}; over after {words.duration(halt.relapsed_at_hours - halt.in_effect_at_hours)}."


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _beside_the_record(
    journal: Journal, scenario: Scenario, points: TurningPoints, record: RealRecord
) -> str:
    """What really happened, and the same here, measure by measure."""
    lines = []
    real_strike = record.first_strike_at_hours
    if real_strike is not None:
        here = None
        if points.first_strike is not None:
            here = points.first_strike[0] - points.trigger_at_hours
        lines.append(
            _compared(
                "First strike",
                real_strike - record.trigger_at_hours,
                here,
                "the trigger",
                "none fell",
            )
        )
    real_halt = record.ceasefire_after_hours("from_first_strike")
    if real_halt is not None:
        halt, here = points.ceasefire, None
        if halt is not None and halt.in_effect_at_hours is not None and points.first_strike:
            here = halt.in_effect_at_hours - points.first_strike[0]
        none = "none came" if points.first_strike else "no strike fell"
        lines.append(_compared("Ceasefire", real_halt, here, "the first strike", none))
    numbers = {rung.name: number for number, rung in enumerate(scenario.ladder)}
    real_peak = max(
        (numbers[rung] for steps in record.rungs.values() for _, rung in steps if rung in numbers),
        default=None,
    )
    if real_peak is not None:
        names = [
            words.markdown(scenario.ladder[rung].name)
            for rung in (real_peak, max(points.peak_rungs.values()))
        ]
        lines.append(f"Highest rung: “{names[0]}” in fact; “{names[1]}” here.")
    for state, index in record.markets.items():
        here_levels = journal.series.get(f"{state}_market")
        if here_levels:
            lines.append(
                f"Lowest {words.markdown(index.name)}, of its level at the start: "
                f"{100.0 * index.lowest:.1f}% in fact; {100.0 * min(here_levels):.1f}% here."
            )
    return "\n".join(f"- {line}" for line in lines)


def _compared(what: str, real: float, here: float | None, since: str, none: str) -> str:
    """How long something took in fact and here, in hours since the same; `none` where it never came here."""
    if real < 0.0 or (here is not None and here < 0.0):  # before it: each moment is told on its own
        told = none if here is None else words.after(here, since)
        return f"{what}: {words.after(real, since)} in fact; {told} here."
    told = none if here is None else words.duration(here)
    return f"{what} after {since}: {words.duration(real)} in fact; {told} here."
