"""Text of a run's page: its question, answer and key figures, and the caption of each chart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim import text
from crisis_sim.outcomes.durations import AMONG, CLOCKS, COURSES, SHORT_DAYS
from crisis_sim.outcomes.summary import figure_at
from crisis_sim.report.answers import (
    Figure,
    after_a_strike,
    is_clear,
    labels,
    on_differences,
    told_courses,
    told_endings,
    told_share,
)
from crisis_sim.report.curves import ORIGINS
from crisis_sim.report.real_path import real_record
from crisis_sim.text import of_these

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch, Ensemble

#: The moments of each clock that a caption names, and the one by which scenarios are compared.
_MOMENTS = {
    "from_first_strike": (("24_hours", "96_hours", "7_days"), "96_hours"),
    "from_trigger": (("14_days", "30_days"), "30_days"),
}
#: At most: scenarios with the same figure that are named, and scenarios whose differences are given.
_NAMED, _TOLD = 3, 6


def question(title: str, several: bool) -> str:
    """The question of a run, as a sentence."""
    asked = f"{text.clean(title)}: how often, and how quickly, does the crisis end in a ceasefire"
    return f"{asked}, and what would change that?" if several else f"{asked}?"


def answer(summary: Mapping[str, Any]) -> str:
    """How far crises go, in one sentence, each figure with its interval."""
    scenario = summary["scenarios"][summary["reference"]]
    if not scenario["replicates"]:
        return "There are no simulated crises to answer from."
    return f"In this model, {told_courses(scenario)}."


def median(figure: Figure) -> str:
    """Such as "4.8 days (4.6 to 5.0)"; hours where it is short."""
    in_days = figure["estimate"] >= text.DAYS_FROM_HOURS
    per, unit, digits = (24.0, "days", 1) if in_days else (1.0, "hours", 0)
    middle, low, high = (
        None if figure[key] is None else figure[key] / per for key in ("estimate", "lower", "upper")
    )
    interval = "" if low is None and high is None else f" ({text.limits(low, high, digits)})"
    return f"{text.number(middle, digits)} {unit}{interval}"


def more(summary: Mapping[str, Any]) -> list[str]:
    """The rest of the answer: how crises end, how soon after a strike, and clear differences between scenarios."""
    scenario = summary["scenarios"][summary["reference"]]
    if not scenario["replicates"]:
        return []
    return [
        one for one in (told_endings(scenario), _soon(scenario), on_differences(summary)) if one
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
        text.listed(names) if len(names) <= _NAMED else f"{len(names)} scenarios"
        for names in (lowest, highest)
    )
    return f"{within} estimates go from {least}% of {among} in {low} to {most}% in {high}."


def _endings(batch: Batch, summary: Mapping[str, Any]) -> Iterator[str]:
    name = summary["reference"]
    scenario = summary["scenarios"][name]
    if not scenario["replicates"]:
        return
    yield text.sentence(f"in “{labels(summary)[name]}”, {told_courses(scenario)}")
    shares = {ending: scenario["endings"][ending]["estimate"] for ending in text.ENDINGS}
    others = sorted((one for one in shares if one != "agreement"), key=lambda one: -shares[one])
    told = [f"{text.ENDINGS[one]} {text.percent(shares[one])}%" for one in others if shares[one]]
    rest = f"; the rest: {text.listed(told)}" if told else ""
    yield f"{told_share(scenario['endings']['agreement'])} of all crises end by agreement{rest}."


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
            if len(names) > _TOLD:
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
