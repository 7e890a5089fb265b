"""The answer in words: how often a ceasefire came, how quickly, and what clearly changed that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crisis_sim.report import words

#: Differences told in words, at most.
_TOLD = 3

#: A figure of a summary: `estimate`, `lower` and `upper`, each perhaps None.
Figure = Mapping[str, Any]


def answer(summary: Mapping[str, Any]) -> str:
    """The answer in a sentence or two: how often, how quickly, and what would have changed it."""
    return " ".join(part for part in (on_the_reference(summary), on_differences(summary)) if part)


def on_the_reference(summary: Mapping[str, Any]) -> str:
    """How often and how quickly a ceasefire came in the reference, and how often the worst."""
    name = summary["reference"]
    scenario = summary["scenarios"][name]
    agreement = scenario["endings"]["agreement"]
    if agreement["estimate"] is None:
        return f"{words.label(name)}: there are no replicates."
    clock = scenario["ceasefire"]["from_first_strike"]
    parts = [
        f"{words.label(name)}: {told_share(agreement)} of crises ended in a ceasefire that held"
    ]
    if clock["of"] == 0:
        parts.append("none saw a first strike")
    elif clock["median_hours"] is None:
        parts.append(
            "of those that saw a first strike, fewer than half had a ceasefire while watched"
        )
    else:
        median = words.duration(clock["median_hours"]["estimate"])
        parts.append(
            f"of those that saw a first strike, half had a ceasefire within {median} of it"
        )
    parts.append(told_worst(scenario["shares"]["war"], scenario["shares"]["nuclear_use"]))
    return f"{'; '.join(parts)}."


def told_share(figure: Figure) -> str:
    """Such as "71% (95% interval 70 to 72)"."""
    digits = 0 if 100.0 * (figure["upper"] - figure["lower"]) >= 1.0 else 1
    middle, low, high = (
        f"{100.0 * figure[key]:.{digits}f}" for key in ("estimate", "lower", "upper")
    )
    return f"{middle}% (95% interval {low} to {high})"


def told_worst(war: Figure, nuclear: Figure) -> str:
    """How many crises came to war and to nuclear use; what none came to is told as such."""
    if not war["count"] and not nuclear["count"]:
        return "no crisis saw full-scale war or nuclear use"
    told_war = f"full-scale war came in {words.percent(war['estimate'])}% of all crises"
    if not nuclear["count"]:
        return f"{told_war}, and no crisis saw nuclear use"
    if not war["count"]:
        told_war = "no crisis saw full-scale war"
    return f"{told_war}, nuclear use came in {words.percent(nuclear['estimate'])}%"


def on_differences(summary: Mapping[str, Any]) -> str:
    """What clearly changed the chance of an early ceasefire, the largest change first."""
    figures = {
        name: difference["ceasefire"]["from_first_strike"]["by"]["96_hours"]
        for name, difference in summary["differences"].items()
    }
    known = {name: figure for name, figure in figures.items() if figure["estimate"] is not None}
    clear = [name for name, figure in known.items() if figure["lower"] > 0 or figure["upper"] < 0]
    clear.sort(key=lambda name: -abs(known[name]["estimate"]))
    if not known:
        return ""
    if not clear and len(figures) == 1:
        return (
            "A ceasefire within 96 hours of the first strike was not clearly more or less likely "
            f"in “{words.label(*figures)}”."
        )
    if not clear:
        return (
            "In none of the other scenarios was a ceasefire within 96 hours of the first strike "
            "clearly more or less likely."
        )
    told = [_told_difference(name, known[name]) for name in clear[:_TOLD]]
    rest = "" if len(clear) <= _TOLD else f"; {len(clear) - _TOLD} more differed by less"
    return f"A ceasefire within 96 hours of the first strike was {words.listed(told)}{rest}."


def _told_difference(name: str, figure: Figure) -> str:
    sizes = sorted(abs(figure[limit]) for limit in ("lower", "upper"))
    middle, low, high = (
        words.points(size).removeprefix("+") for size in (abs(figure["estimate"]), *sizes)
    )
    direction = "more" if figure["estimate"] > 0 else "less"
    return (
        f"{middle} percentage points {direction} likely ({low} to {high}) in “{words.label(name)}”"
    )
