"""Measures by name: the common ones, every figure in summary.json by its path, and three families."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crisis_sim.outcomes.measures.columns import Columns
from crisis_sim.outcomes.measures.conditions import CAME, Condition
from crisis_sim.outcomes.measures.events import HALT, RELAPSED, STRIKE, TRIGGER, Clock
from crisis_sim.outcomes.measures.kinds import (
    ColumnMean,
    ColumnQuantile,
    Measure,
    Share,
    TimeQuantile,
    Within,
)
from crisis_sim.scenario.schema import ENDINGS, VIOLENCE

FROM_STRIKE, FROM_TRIGGER, RELAPSE = (
    Clock(HALT, STRIKE),
    Clock(HALT, TRIGGER),
    Clock(RELAPSED, HALT),
)

_WITHIN = re.compile(r"(ceasefire|relapse)_within_([0-9]+)_(hours|days)")
_OF_COLUMN = re.compile(r"(mean|median)_(.+)")
#: A moment in summary.json.
_MOMENT = re.compile(r"([0-9]+)_(hours|days)")
_HOURS = {"hours": 1.0, "days": 24.0}
_SUMMARY_CLOCKS = {"from_first_strike": FROM_STRIKE, "from_trigger": FROM_TRIGGER}
_MOMENTS = ("24_hours", "72_hours", "96_hours", "7_days", "14_days", "30_days", "horizon")
_RELAPSE_MOMENTS = ("7_days", "14_days")
_QUANTILES = (10, 50, 90)


def _share(name: str, words: str, terms: dict[str, object]) -> Share:
    return Share(name, words, Condition.of(terms))


_SHARES: dict[str, tuple[str, dict[str, object]]] = {
    "first_strike": ("a first strike", {STRIKE: CAME}),
    "mediated": ("mediation", {"mediated": True}),
    "war": ("full-scale war", {"war_at_hours": CAME}),
    "nuclear_use": ("nuclear use", {"nuclear_use_at_hours": CAME}),
}


def _common() -> Iterator[Measure]:
    for hours in (24, 72, 96):
        yield _within(
            f"ceasefire_within_{hours}_hours", FROM_STRIKE, float(hours), f"{hours} hours"
        )
    for days in (7, 14, 30):
        yield _within(f"ceasefire_within_{days}_days", FROM_TRIGGER, 24.0 * days, f"{days} days")
    for ending in ENDINGS:
        yield _share(
            ending, _ENDING_WORDS.get(ending, f"an ending that is {ending}"), {"ending": ending}
        )
    for name, (words, terms) in _SHARES.items():
        yield _share(name, words, terms)
    yield _within("relapse", RELAPSE, 14 * 24.0, "14 days")
    for days in (7, 14):
        yield _within(f"relapse_within_{days}_days", RELAPSE, 24.0 * days, f"{days} days")
    yield TimeQuantile(
        "median_hours_to_ceasefire",
        "median time from the first strike to a ceasefire",
        FROM_STRIKE,
        0.5,
    )
    yield TimeQuantile(
        "median_days_to_ceasefire",
        "median time from the trigger to a ceasefire",
        FROM_TRIGGER,
        0.5,
        "days",
    )
    yield ColumnMean("mean_deaths", "mean deaths", "deaths")
    yield ColumnQuantile("median_deaths", "median deaths", "deaths", 0.5)


_ENDING_WORDS = {
    "agreement": "ending by agreement",
    "tacit": "ending by tacit understanding",
    "unilateral": "ending by one state's yielding",
    "imposed": "an imposed ending",
    "faded": "fading away",
    "unresolved": "no end before the horizon",
}


def _within(name: str, clock: Clock, hours: float | None, words: str) -> Within:
    what = clock.words()
    said = "by the horizon" if hours is None else f"within {words}"
    return Within(name, f"{what} {said} of {clock.since_words()}", clock, hours)


def _in_summary() -> Iterator[Measure]:
    for ending in ENDINGS:
        words = _ENDING_WORDS.get(ending, ending)
        yield _share(f"endings.{ending}", words, {"ending": ending})
    for name, (words, terms) in _SHARES.items():
        yield _share(f"shares.{name}", words, terms)
    for violence in VIOLENCE:
        yield _share(
            f"worst_violence.{violence}",
            f"worst violence: {violence}",
            {"worst_violence": violence},
        )
    for key, clock in _SUMMARY_CLOCKS.items():
        for moment in _MOMENTS:
            yield _within(f"ceasefire.{key}.by.{moment}", clock, _hours(moment), _spoken(moment))
        yield TimeQuantile(
            f"ceasefire.{key}.median_hours",
            f"median time from {clock.since_words()} to a ceasefire",
            clock,
            0.5,
        )
    for moment in _RELAPSE_MOMENTS:
        yield _within(f"relapse.by.{moment}", RELAPSE, _hours(moment), _spoken(moment))
    for per_cent in _QUANTILES:
        level, what = per_cent / 100.0, "median" if per_cent == 50 else f"{per_cent}th percentile"
        yield ColumnQuantile(
            f"quantiles.trigger_to_first_strike_days.{per_cent}",
            f"{what} of the time from trigger to first strike, where it came",
            STRIKE,
            level,
            TRIGGER,
            in_unit="days",
        )
        yield ColumnQuantile(
            f"quantiles.first_strike_to_ceasefire_hours.{per_cent}",
            f"{what} of the time from first strike to ceasefire, where it came",
            HALT,
            level,
            STRIKE,
            in_unit="hours",
        )
        yield ColumnQuantile(f"quantiles.deaths.{per_cent}", f"{what} of deaths", "deaths", level)


def _hours(moment: str) -> float | None:
    found = _MOMENT.fullmatch(moment)
    return float(found[1]) * _HOURS[found[2]] if found else None


def _spoken(moment: str) -> str:
    return moment.replace("_", " ")


#: The common measures by name.
NAMES: dict[str, Measure] = {one.name: one for one in _common()}
#: Every figure in a scenario's part of summary.json, by its path there.
SUMMARY_PATHS: dict[str, Measure] = {one.name: one for one in _in_summary()}


def known_names(columns: Columns | None = None) -> list[str]:
    """All names that a measure may be written by, for crises with these outcomes.

    Beside these, `ceasefire_within_<n>_hours` (of the first strike), `ceasefire_within_<n>_days`
    (of the trigger) and `relapse_within_<n>_days` may have any whole number.
    """
    of_columns = [
        f"{kind}_{column}"
        for column in (columns.named("number") if columns else ())
        for kind in ("mean", "median")
    ]
    return list(dict.fromkeys([*NAMES, *of_columns, *SUMMARY_PATHS]))


def by_name(name: str, columns: Columns | None = None) -> Measure | None:
    """The measure of a name; None where there is no such name.

    Args:
        name: the name, or a figure's path in summary.json.
        columns: the outcomes that there are; None to take any for one.
    """
    if name in NAMES:
        return NAMES[name]
    if name in SUMMARY_PATHS:
        return SUMMARY_PATHS[name]
    within = _WITHIN.fullmatch(name)
    if within:
        what, number, unit = within.groups()
        clock = RELAPSE if what == "relapse" else _SINCE[unit]
        return _within(name, clock, float(number) * _HOURS[unit], f"{number} {unit}")
    of_column = _OF_COLUMN.fullmatch(name)
    if of_column and (columns is None or of_column[2] in columns.named("number")):
        kind, column = of_column.groups()
        words = f"{kind} {column.replace('_', ' ')}"
        if kind == "mean":
            return ColumnMean(name, words, column)
        return ColumnQuantile(name, words, column, 0.5)
    return None


#: Hours are counted from the first strike, days from the trigger.
_SINCE = {"hours": FROM_STRIKE, "days": FROM_TRIGGER}
