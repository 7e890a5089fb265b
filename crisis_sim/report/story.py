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

#: How each ending is told; {when} is the moment when it came.
ENDINGS = {
    "agreement": "The crisis ended by agreement: the ceasefire of {when} held",
    "tacit": "The crisis ended tacitly: both stepped down, unsigned, and by {when} it was over",
    "unilateral": "The crisis ended unilaterally: on {when} one side gave way",
    "imposed": "The crisis ended with an imposed outcome: on {when} one side was beaten",
    "faded": "The crisis faded: it went quiet without a settlement, and by {when} it was over",
    "unresolved": "The crisis was still going on when its time ran out",
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
    told = ENDINGS.get(points.ending, "The story breaks off before its end").format(when=at)
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
    hours, state = points.first_strike
    after = words.duration(hours - points.trigger_at_hours)
    at = _moment(scenario, hours)
    return f"First strike: {after} after the trigger, by {narrator.name(state)} ({at})."


def _halt_fact(halt: Halt, points: TurningPoints, narrator: Narrator) -> str:
    if halt.in_effect_at_hours is None:
        return "Halt: agreed, but it never took effect."
    clock, origin = "the trigger", points.trigger_at_hours
    if points.first_strike is not None and halt.in_effect_at_hours >= points.first_strike[0]:
        clock, origin = "the first strike", points.first_strike[0]
    told = f"Halt: in effect {words.duration(halt.in_effect_at_hours - origin)} after {clock}"
    told += f", brokered by {narrator.name(halt.brokered_by)}" if halt.brokered_by else ""
    told += f"; violated {_times(halt.violations)}" if halt.violations else "; never violated"
    if halt.relapsed_at_hours is None:
        return f"{told}; it held."
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
        real = words.duration(real_strike - record.trigger_at_hours)
        here = "none fell"
        if points.first_strike is not None:
            here = words.duration(points.first_strike[0] - points.trigger_at_hours)
        lines.append(f"First strike after the trigger: {real} in fact; {here} here.")
    real_halt = record.ceasefire_after_hours("from_first_strike")
    if real_halt is not None:
        halt, here = points.ceasefire, "none came"
        if halt is not None and halt.in_effect_at_hours is not None and points.first_strike:
            here = words.duration(halt.in_effect_at_hours - points.first_strike[0])
        lines.append(
            f"Ceasefire after the first strike: {words.duration(real_halt)} in fact; {here} here."
        )
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
                f"{100.0 * min(index.relative):.1f}% in fact; {100.0 * min(here_levels):.1f}% here."
            )
    return "\n".join(f"- {line}" for line in lines)
