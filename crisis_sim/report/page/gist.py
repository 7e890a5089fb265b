"""One crisis in two sentences of plain text: its first strike, its end, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crisis_sim.report import words
from crisis_sim.report.turning_points import TurningPoints, third_parties, turning_points

if TYPE_CHECKING:
    from crisis_sim.model.journal import Journal
    from crisis_sim.scenario.schema import Scenario

#: How each ending is told; an agreement has a sentence of its own.
_ENDINGS = {
    "tacit": "both sides stepped down and nothing was signed",
    "unilateral": "one side gave way",
    "imposed": "one side was beaten",
    "faded": "it went quiet without a settlement",
    "unresolved": "it was still going on when its time ran out",
}


def gist_of(journal: Journal, scenario: Scenario, outcome: Mapping[str, Any]) -> str:
    """A crisis in short.

    Args:
        journal: of the replicate.
        scenario: the crisis that was run.
        outcome: the replicate's row of outcomes by column.
    """
    points = turning_points(journal, scenario)
    titles = {name: spec.title for name, spec in scenario.states.items()}
    titles |= {name: title for _, name, title in third_parties(scenario)}
    end = _end(points, titles)
    if points.first_strike is None:
        told = f"No strike fell, and {end}" if end else "No strike fell"
    else:
        hours, _ = points.first_strike
        states = words.listed([_name(state, titles) for state in points.strikers])
        struck = "struck first" if len(points.strikers) == 1 else "both struck first, at once"
        told = f"{states} {struck}, {words.after(hours - points.trigger_at_hours, 'the trigger')}"
        told = f"{told}; {end}" if end else told
    peak = words.clean(scenario.ladder[max(points.peak_rungs.values())].name)
    deaths = words.count(float(outcome["deaths"]))
    return f"{words.sentence(told)} Highest rung: {peak}. About {deaths} deaths."


def _end(points: TurningPoints, titles: Mapping[str, str]) -> str:
    if points.ending != "agreement" or not points.halts or points.ended_at_hours is None:
        return _ENDINGS.get(points.ending, "")
    halt = points.halts[-1]
    said = [
        f"brokered by {_name(halt.brokered_by, titles)}" if halt.brokered_by else "agreed directly"
    ]
    if len(points.halts) > 1:
        said.append(f"after {words.in_letters(len(points.halts) - 1)} that did not hold")
    came = words.after(points.ended_at_hours - points.trigger_at_hours, "the trigger")
    if points.first_strike is not None and points.ended_at_hours >= points.first_strike[0]:
        came = f"{words.duration(points.ended_at_hours - points.first_strike[0])} later"
    return f"a ceasefire, {', '.join(said)}, came {came} and held"


def _name(agent: str, titles: Mapping[str, str]) -> str:
    return words.with_article(words.clean(titles.get(agent, "")) or words.label(agent))
