"""Text of a run's page: its question, answer and key figures, and the caption of each chart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim import text
from crisis_sim.outcomes.durations import AMONG, CLOCKS
from crisis_sim.outcomes.summary import figure_at
from crisis_sim.report.answers import Figure, is_clear, on_differences, told_share, told_worst
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
        told += ", and of those that see a first strike fewer than half have a ceasefire while they are followed."
    else:
        within = median(clock["median_hours"])
        told += (
            f", and of those that see a first strike half have a ceasefire within {within} of it."
        )
    paused = figure_at(scenario, "pause.median_hours")
    if paused is None:
        return told
    return f"{told} In half of those struck the strikes have paused, agreed or not, within {median(paused)}."


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
    """The rest of the answer: clear differences between scenarios, and how often the worst came."""
    shares = summary["scenarios"][summary["reference"]]["shares"]
    known = shares["war"]["estimate"] is not None
    worst = text.sentence(told_worst(shares["war"], shares["nuclear_use"])) if known else ""
    return [one for one in (on_differences(summary), worst) if one]


def key_figures(summary: Mapping[str, Any]) -> list[dict[str, str]]:
    """The figures at the head of the page, of the reference: `label`, `value`, and `limits`."""
    scenario = summary["scenarios"][summary["reference"]]
    by = scenario["ceasefire"]["from_first_strike"]["by"]
    shown = {
        "of all crises end in a ceasefire that holds": scenario["endings"]["agreement"],
        "of crises with a first strike have a ceasefire within 96 hours of it": by["96_hours"],
        "of crises with a first strike see the strikes pause within 96 hours of it, agreed or not": (
            figure_at(scenario, "pause.by.96_hours") or {"estimate": None}
        ),
        "of all crises come to full-scale war": scenario["shares"]["war"],
        "of all crises see nuclear use": scenario["shares"]["nuclear_use"],
    }
    return [_key(label, one) for label, one in shown.items() if one["estimate"] is not None]


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
        yield f"No crisis of “{text.label(reference)}” saw {ORIGINS[clock]}."
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
        yield f"In “{text.label(reference)}” {text.listed(parts)}."
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
        found.setdefault(text.percent(share), []).append(f"“{text.label(name)}”")
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
    compared: dict[str, Callable[[Any], Figure]] = {
        "among crises with a first strike, a ceasefire within 96 hours of it": (
            lambda one: one["ceasefire"]["from_first_strike"]["by"]["96_hours"]
        ),
        "among all crises, an end by agreement": lambda one: one["endings"]["agreement"],
        "among all crises, full-scale war": lambda one: one["shares"]["war"],
    }
    for what, find in compared.items():
        figures = {name: find(one) for name, one in summary["differences"].items()}
        if all(one["estimate"] is None for one in figures.values()):
            yield text.sentence(f"{what} cannot be compared: in no two scenarios is it known")
            continue
        clear = {name: one["estimate"] for name, one in figures.items() if is_clear(one)}
        told = {
            name: f"“{text.label(name)}” ({text.points(size)} points)"
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
        clearly = (
            f"clearly {text.listed(found)}" if found else "not clearly more or less likely anywhere"
        )
        yield text.sentence(f"{what} is {clearly}")


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
