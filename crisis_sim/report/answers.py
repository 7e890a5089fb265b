"""The answer in words: how often a ceasefire came, how quickly, and what clearly changed that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crisis_sim.outcomes.text import excludes_zero, limits, number
from crisis_sim.report import words

#: What differences are told of, and the crises that it is a share of.
_AMONG = "Among crises with a first strike, a ceasefire within 96 hours of it"
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
        f"{words.label(name)}: {told_share(agreement)} of all crises ended in a ceasefire that held"
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
    """Such as "71% (95% interval 70 to 72)"; 0 and 100% only where it is so of none and of all."""
    estimate, low, high = (
        None if figure[key] is None else 100.0 * figure[key]
        for key in ("estimate", "lower", "upper")
    )
    digits = 1 if low is not None and high is not None and high - low < 1.0 else 0
    middle = number(estimate, digits)
    if estimate is not None and 0.0 < estimate < 100.0 and float(middle) in (0.0, 100.0):
        middle = words.percent(figure["estimate"])
    return f"{middle}% (95% interval {limits(low, high, digits)})"


def told_worst(war: Figure, nuclear: Figure) -> str:
    """How many crises came to war and to nuclear use; what none came to is told as such."""
    if not war["count"] and not nuclear["count"]:
        return "no crisis saw full-scale war or nuclear use"
    wars = words.percent(war["estimate"])
    if not nuclear["count"]:
        return f"full-scale war came in {wars}% of all crises, and no crisis saw nuclear use"
    uses = words.percent(nuclear["estimate"])
    if not war["count"]:
        return f"no crisis saw full-scale war, and nuclear use came in {uses}% of all crises"
    return f"full-scale war came in {wars}% of all crises, and nuclear use in {uses}%"


def on_differences(summary: Mapping[str, Any]) -> str:
    """What clearly changed the chance of an early ceasefire, the largest change first."""
    figures = {
        name: difference["ceasefire"]["from_first_strike"]["by"]["96_hours"]
        for name, difference in summary["differences"].items()
    }
    known = {name: figure for name, figure in figures.items() if figure["estimate"] is not None}
    clear = [name for name, figure in known.items() if is_clear(figure)]
    clear.sort(key=lambda name: -abs(known[name]["estimate"]))
    if not known:
        return ""
    if not clear and len(figures) == 1:
        return f"{_AMONG} was not clearly more or less likely in “{words.label(*figures)}”."
    if not clear:
        return f"{_AMONG} was clearly more or less likely in none of the other scenarios."
    told = [_told_difference(name, known[name]) for name in clear[:_TOLD]]
    rest = (
        ""
        if len(clear) <= _TOLD
        else f"; {len(clear) - _TOLD} more differed, by no more than these"
    )
    return f"{_AMONG} was {words.listed(told)}{rest}."


def is_clear(figure: Figure | None) -> bool:
    """Whether a difference is more than chance explains: its interval leaves out zero."""
    return figure is not None and excludes_zero(figure["lower"], figure["upper"])


def _told_difference(name: str, figure: Figure) -> str:
    estimate, *ends = (100.0 * figure[key] for key in ("estimate", "lower", "upper"))
    low, high = sorted(map(abs, ends))
    direction = "more" if estimate > 0 else "less"
    return (
        f"{words.points(abs(figure['estimate'])).removeprefix('+')} percentage points {direction} likely "
        f"({limits(low, high, 1)}) in “{words.label(name)}”"
    )
