"""The tables of a page on a run: outcomes, differences and endings, every figure with its interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from crisis_sim.report import words
from crisis_sim.report.answers import Figure, is_clear
from crisis_sim.report.page.blocks import Cell, Table

_MOMENTS = {
    "24_hours": "24 hours",
    "72_hours": "72 hours",
    "96_hours": "96 hours",
    "7_days": "7 days",
}


def outcomes(summary: Mapping[str, Any]) -> Table:
    """A row a scenario: how often, how quickly, and how often the worst."""
    rows = []
    for name, scenario in summary["scenarios"].items():
        clock = scenario["ceasefire"]["from_first_strike"]
        cells = [
            share(scenario["endings"]["agreement"]),
            *(share(clock["by"][moment]) for moment in _MOMENTS),
            median(clock["median_hours"], clock["of"]),
            share(scenario["shares"]["war"]),
            share(scenario["shares"]["nuclear_use"]),
        ]
        rows.append((words.label(name), cells))
    return Table(
        name="outcomes",
        caption="Outcomes of each scenario, with 95% intervals",
        head=[
            "Scenario",
            "Ends in a ceasefire that holds, % of all crises",
            *(f"Ceasefire within {moment}, % of those struck" for moment in _MOMENTS.values()),
            "Half of those struck have a ceasefire within, hours",
            "Full-scale war, % of all crises",
            "Nuclear use, % of all crises",
        ],
        rows=rows,
        note="Ceasefires within a time, and the time by which half have one, are counted from the first strike, among the "
        "crises with a first strike: those struck.",
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
            "Ends in a ceasefire that holds, points of all crises",
            "Ceasefire within 96 hours, points of those struck",
            "Half of those struck have a ceasefire within, hours",
            "Full-scale war, points of all crises",
            "Pairs of crises",
        ],
        rows=rows,
        note="Points are percentage points; those struck are each scenario’s crises with a first strike. Bold where the "
        "interval leaves out zero, so that chance alone hardly explains the difference. "
        + _HOW[_is_paired(summary)],
    )


#: How crises are compared, by whether all of them share their luck with the reference.
_HOW = {
    True: "Crises are compared in pairs: each has the same luck in both scenarios, and only what the scenario changes "
    "differs.",
    False: "Where crises are compared in pairs, each has the same luck in both scenarios; where it says that they are not "
    "paired, the luck differs too.",
}


def _is_paired(summary: Mapping[str, Any]) -> bool:
    return all(one["paired"] for one in summary["differences"].values())


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
    return Cell(words.percent(figure["estimate"]), _limits(figure, words.percent))


def median(figure: Figure | None, of: int) -> Cell:
    """A median time in hours with its interval; `of` is the number of crises on its clock."""
    if figure is None:
        return Cell("never half" if of else "none struck")
    return Cell(words.count(figure["estimate"]), _limits(figure, words.count))


def difference(figure: Figure | None, write: Callable[[float], str]) -> Cell:
    """A difference with its interval, which stands out where that leaves out zero."""
    if figure is None or figure["estimate"] is None:
        return Cell("not known")
    return Cell(write(figure["estimate"]), _limits(figure, write), is_clear(figure))


def _limits(figure: Figure, write: Callable[[float], str]) -> str:
    low, high = figure["lower"], figure["upper"]
    if low is None and high is None:
        return "limits not known"
    if high is None:
        return f"at least {write(low)}"
    return f"at most {write(high)}" if low is None else f"{write(low)} to {write(high)}"
