"""What each chart of a run says, in words, and how it is to be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim.outcomes.durations import AMONG, CLOCKS
from crisis_sim.outcomes.text import of_these
from crisis_sim.report import words
from crisis_sim.report.answers import Figure, is_clear, told_share, told_worst
from crisis_sim.report.charts.incidence import ORIGINS
from crisis_sim.report.real_path import real_record

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch, Ensemble

#: The moment by which scenarios are told apart on each clock, and how it is said.
_BY = {"from_first_strike": ("96_hours", "96 hours"), "from_trigger": ("30_days", "30 days")}

#: Scenarios with the same figure that are named.
_NAMED = 3

#: Each chart: what it is, and how it is read.
TITLES = {
    "ceasefire_from_first_strike": "Ceasefires by the time since the first strike",
    "ceasefire_from_trigger": "Ceasefires by the time since the trigger",
    "endings": "How crises end, scenario by scenario",
    "differences": "What each scenario changes",
    "markets": "Stock markets of both states",
}
READING = {
    "ceasefire_from_first_strike": "Left: the share of crises with a first strike that is over by then, by how it "
    "ended. Right: the share of them with a ceasefire, scenario by scenario, with 95% bands.",
    "ceasefire_from_trigger": "Left: the share of crises with a trigger, the event that set them off, that is over by then, "
    "by how it ended. Right: the share of them with a ceasefire, scenario by scenario, with 95% bands.",
    "endings": "Each bar is all crises of a scenario, of which war and nuclear use are shares too. Whiskers are 95% "
    "intervals.",
    "differences": "Dots are differences from the reference, whiskers their 95% intervals; a hollow dot is a difference "
    "that chance alone may explain.",
    "markets": "Line: the median of simulated crises. Bands: the middle half and the middle 90% of them, which is how much "
    "crises differ and no error of estimation. Black: what the index really did, where the scenario records it.",
}


#: What is told of differences, and where a difference holds it.
_COMPARED: dict[str, Callable[[Mapping[str, Any]], Figure]] = {
    "among crises with a first strike, a ceasefire within 96 hours of it": (
        lambda one: one["ceasefire"]["from_first_strike"]["by"]["96_hours"]
    ),
    "among all crises, an end by agreement": lambda one: one["endings"]["agreement"],
    "among all crises, full-scale war": lambda one: one["shares"]["war"],
}


def caption(name: str, batch: Batch, summary: Mapping[str, Any]) -> str:
    """The finding of a chart, in words; "" where it says nothing."""
    return " ".join(part for part in _SAID[name](batch, summary) if part)


def _ceasefires(batch: Batch, summary: Mapping[str, Any], clock: str) -> Iterator[str]:
    reference = summary["reference"]
    figures = summary["scenarios"][reference]["ceasefire"][clock]
    if figures["of"] == 0:
        yield f"No crisis of “{words.label(reference)}” saw {ORIGINS[clock]}."
        return
    moments = (
        ("24_hours", "96_hours", "7_days")
        if clock == "from_first_strike"
        else ("14_days", "30_days")
    )
    known = [(moment, figures["by"][moment]["estimate"]) for moment in moments]
    told = [
        (f"{words.percent(share)}%", f"within {moment.replace('_', ' ')}")
        for moment, share in known
        if share is not None
    ]
    if told:
        (first, within), *others = told
        parts = [
            f"{first} of {of_these(figures['of'], AMONG[clock])} have a ceasefire {within} of it",
            *(" ".join(one) for one in others),
        ]
        yield f"In “{words.label(reference)}” {words.listed(parts)}."
    yield _beside_the_record(batch.ensembles[reference], clock)
    yield _most_and_least(summary, clock)


def _beside_the_record(ensemble: Ensemble, clock: str) -> str:
    """How many simulated crises had a ceasefire by the time that the real one took."""
    record = real_record(ensemble.scenario)
    real = None if record is None else record.ceasefire_after_hours(clock)
    if real is None or real < 0.0:
        return ""
    share = CLOCKS[clock](ensemble).competing_as_one().incidence().at(real).estimate
    if np.isnan(share):
        return f"The real ceasefire came after {words.duration(real)}."
    return (
        f"The real ceasefire came after {words.duration(real)}, by when {words.percent(share)}% of the simulated "
        f"{AMONG[clock]} had one."
    )


def _most_and_least(summary: Mapping[str, Any], clock: str) -> str:
    """How far the scenarios' estimates of one moment lie apart; those at the same figure are named together."""
    moment, said = _BY[clock]
    found: dict[str, list[str]] = {}
    figures = [
        (one["ceasefire"][clock]["by"][moment]["estimate"], name)
        for name, one in summary["scenarios"].items()
    ]
    for share, name in sorted((share, name) for share, name in figures if share is not None):
        found.setdefault(words.percent(share), []).append(f"“{words.label(name)}”")
    if sum(map(len, found.values())) < 2:
        return ""
    if len(found) == 1:
        return f"Within {said} it is estimated at {next(iter(found))}% of {AMONG[clock]} in each scenario that tells."
    (least, lowest), *_, (most, highest) = found.items()
    return f"Within {said} estimates go from {least}% of {AMONG[clock]} in {_few(lowest)} to {most}% in {_few(highest)}."


def _few(names: list[str]) -> str:
    """Scenarios by name, or how many where they are many."""
    return words.listed(names) if len(names) <= _NAMED else f"{len(names)} scenarios"


def _endings(batch: Batch, summary: Mapping[str, Any]) -> Iterator[str]:
    name = summary["reference"]
    scenario = summary["scenarios"][name]
    if scenario["endings"]["agreement"]["estimate"] is None:
        return
    shares = {ending: scenario["endings"][ending]["estimate"] for ending in words.ENDINGS}
    others = sorted((one for one in shares if one != "agreement"), key=lambda one: -shares[one])
    told = [f"{words.ENDINGS[one]} {words.percent(shares[one])}%" for one in others if shares[one]]
    agreed = told_share(scenario["endings"]["agreement"])
    rest = f"; the rest: {words.listed(told)}" if told else ""
    yield f"In “{words.label(name)}” {agreed} of all crises end by agreement{rest}."
    yield words.sentence(told_worst(scenario["shares"]["war"], scenario["shares"]["nuclear_use"]))


def _differences(batch: Batch, summary: Mapping[str, Any]) -> Iterator[str]:
    """Of each thing compared, which scenarios clearly make it more and less likely, and which neither."""
    for what, find in _COMPARED.items():
        figures = {name: find(one) for name, one in summary["differences"].items()}
        if all(one is None or one["estimate"] is None for one in figures.values()):
            yield words.sentence(f"{what} cannot be compared: in no two scenarios is it known")
            continue
        clear = {name: one for name, one in figures.items() if is_clear(one)}
        more = [_told(name, one) for name, one in clear.items() if one["estimate"] > 0]
        less = [_told(name, one) for name, one in clear.items() if one["estimate"] < 0]
        said = [
            f"{way} likely in {words.listed(names)}"
            for way, names in (("more", more), ("less", less))
            if names
        ]
        told = (
            f"{what} is clearly {words.listed(said)}"
            if said
            else f"{what} is not clearly more or less likely anywhere"
        )
        yield words.sentence(told)


def _told(name: str, figure: Figure) -> str:
    return f"“{words.label(name)}” ({words.points(figure['estimate'])} points)"


def _markets(batch: Batch, summary: Mapping[str, Any]) -> Iterator[str]:
    ensemble = batch.ensembles[summary["reference"]]
    record = real_record(ensemble.scenario)
    for state in ensemble.states:
        lowest = ensemble.column(f"{state}_lowest_market")
        if not len(lowest):
            continue
        low, middle, high = (
            f"{100 * value:.0f}" for value in np.quantile(lowest, (0.05, 0.5, 0.95))
        )
        spec = ensemble.scenario.get("states", {}).get(state, {})
        index = words.clean(spec.get("market", {}).get("index") or "market index")
        told = (
            f"{index}: at its lowest {middle}% of its level at the start in the median crisis "
            f"({low} to {high}% in the middle 90%)"
        )
        real = None if record is None else record.markets.get(state)
        yield told + (f"; in fact {100 * real.lowest:.0f}%." if real else ".")


_SAID: dict[str, Callable[[Batch, Mapping[str, Any]], Iterator[str]]] = {
    "ceasefire_from_first_strike": lambda batch, summary: _ceasefires(
        batch, summary, "from_first_strike"
    ),
    "ceasefire_from_trigger": lambda batch, summary: _ceasefires(batch, summary, "from_trigger"),
    "endings": _endings,
    "differences": _differences,
    "markets": _markets,
}
