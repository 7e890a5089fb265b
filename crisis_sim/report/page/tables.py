"""The tables of a page on a run: outcomes, differences and endings, every figure with its interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from crisis_sim.report import words
from crisis_sim.report.answers import Figure
from crisis_sim.report.page.blocks import Cell, Table

_MOMENTS = {
    "24_hours": "24 hours",
    "72_hours": "72 hours",
    "96_hours": "96 hours",
    "7_days": "7 days",
}
#: Below this a share in per cent is given to a hundredth.
_SMALL = 0.0095


def outcomes(summary: Mapping[str, Any]) -> Table:
    """A row a scenario: how often, how quickly, and how often the worst."""
    rows = []
    for name, scenario in summary["scenarios"].items():
        clock = scenario["ceasefire"]["from_first_strike"]
        cells = [
            share(scenario["endings"]["agreement"]),
            *(share(clock["by"][moment]) for moment in _MOMENTS),
            median(clock["median_hours"]),
            share(scenario["shares"]["war"]),
            share(scenario["shares"]["nuclear_use"]),
        ]
        rows.append((words.label(name), cells))
    return Table(
        name="outcomes",
        caption="Outcomes of each scenario, with 95% intervals",
        head=[
            "Scenario",
            "Ends in a ceasefire that holds, %",
            *(f"Ceasefire within {moment}, %" for moment in _MOMENTS.values()),
            "Half have a ceasefire within, hours",
            "Full-scale war, %",
            "Nuclear use, %",
        ],
        rows=rows,
        note="Ceasefires within a time, and the time by which half have one, are counted from the first strike, among the "
        "crises that see one.",
    )


def differences(summary: Mapping[str, Any]) -> Table:
    """A row a scenario: its figures less those of the reference."""
    rows = []
    for name, one in summary["differences"].items():
        clock = one["ceasefire"]["from_first_strike"]
        cells = [
            difference(one["endings"]["agreement"], words.points),
            difference(clock["by"]["96_hours"], words.points),
            difference(clock["median_hours"], words.signed_hours),
            difference(one["shares"]["war"], words.points),
            Cell(words.count(one["pairs"]) if one["paired"] else "not paired"),
        ]
        rows.append((words.label(name), cells))
    reference = words.label(summary["reference"])
    return Table(
        name="differences",
        caption=f"Differences from “{reference}”, with 95% intervals",
        head=[
            "Scenario",
            "Ends in a ceasefire that holds, points",
            "Ceasefire within 96 hours, points",
            "Half have a ceasefire within, hours",
            "Full-scale war, points",
            "Pairs of crises",
        ],
        rows=rows,
        note="Points are percentage points. Bold where the interval leaves out zero, so that chance alone hardly explains "
        "the difference. Crises are compared in pairs: each has the same luck in both scenarios, and only what the scenario "
        "changes differs.",
    )


def endings(summary: Mapping[str, Any]) -> Table:
    """A row a scenario: the share of each ending, and of mediation."""
    rows = []
    for name, scenario in summary["scenarios"].items():
        cells = [share(scenario["endings"][ending]) for ending in words.ENDINGS]
        cells += [share(scenario["shares"][event]) for event in ("first_strike", "mediated")]
        rows.append((words.label(name), cells))
    return Table(
        name="endings",
        caption="How crises end in each scenario, in % of all crises, with 95% intervals",
        head=[
            "Scenario",
            *(end.capitalize() for end in words.ENDINGS.values()),
            "See a first strike",
            "Mediated",
        ],
        rows=rows,
        note="Agreement: a ceasefire that held for as long as it was watched. Tacit: both step down and nothing is signed. "
        "Unilateral: one side gives way. Imposed: one side is beaten. Faded: it goes quiet without a settlement. Still "
        "going: cut off at the horizon, which never counts as a ceasefire.",
    )


def share(figure: Figure) -> Cell:
    """A share in per cent with its interval."""
    if figure["estimate"] is None:
        return Cell("not known")
    low, middle, high = (percent(figure[key]) for key in ("lower", "estimate", "upper"))
    return Cell(middle, f"{low} to {high}")


def median(figure: Figure | None) -> Cell:
    """A median time in hours with its interval."""
    if figure is None:
        return Cell("never half")
    return Cell(words.count(figure["estimate"]), _limits(figure, words.count))


def difference(figure: Figure | None, write: Callable[[float], str]) -> Cell:
    """A difference with its interval, which stands out where that leaves out zero."""
    if figure is None or figure["estimate"] is None:
        return Cell("not known")
    low, high = figure["lower"], figure["upper"]
    clear = (low is not None and low > 0.0) or (high is not None and high < 0.0)
    return Cell(write(figure["estimate"]), _limits(figure, write), clear)


def _limits(figure: Figure, write: Callable[[float], str]) -> str:
    low, high = figure["lower"], figure["upper"]
    if low is None and high is None:
        return "limits not known"
    if high is None:
        return f"at least {write(low)}"
    return f"at most {write(high)}" if low is None else f"{write(low)} to {write(high)}"


def percent(share: float | None) -> str:
    """A share in per cent to a tenth, a small one to a hundredth: the interval says what that is worth."""
    if share is None:
        return words.UNKNOWN
    return words.percent(share) if share >= _SMALL else f"{100 * share:.2f}"
