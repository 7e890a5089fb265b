"""The head of a page on a run: the question, its answer in a sentence, and the key figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crisis_sim.report import words
from crisis_sim.report.answers import Figure, on_differences, told_share, told_worst
from crisis_sim.report.page.blocks import KeyFigure

#: Said of every result, where nobody can miss it.
WHAT_IT_IS = (
    "This is what a model says. It explores mechanisms and does not predict: an interval says how far chance in the "
    "simulated crises may have moved a figure, not whether the scenario or the model is right."
)


def question(title: str, several: bool) -> str:
    """What a run asks."""
    asked = f"{words.clean(title)}: how often, and how quickly, does the crisis end in a ceasefire"
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
        return f"{told}, and of those that see a first strike fewer than half have a ceasefire while they are followed."
    return (
        f"{told}, and of those that see a first strike half have a ceasefire within "
        f"{told_median(clock['median_hours'])} of it."
    )


def told_median(median: Figure) -> str:
    """Such as "4.8 days (4.6 to 5.0)"; hours where it is short."""
    hours = [median[key] for key in ("estimate", "lower", "upper")]
    per, unit, digits = (1.0, "hours", 0)
    if hours[0] >= words.DAYS_FROM_HOURS:
        per, unit, digits = (24.0, "days", 1)
    middle, low, high = (None if one is None else f"{one / per:.{digits}f}" for one in hours)
    if low is None and high is None:
        return f"{middle} {unit}"
    if high is None:
        return f"{middle} {unit} (at least {low})"
    return f"{middle} {unit} ({low or 'at most'}{' to' if low else ''} {high})"


def more(summary: Mapping[str, Any]) -> Iterator[str]:
    """What else belongs to the answer: what would have changed it, and how often the worst came."""
    changes = on_differences(summary)
    if changes:
        yield changes
    shares = summary["scenarios"][summary["reference"]]["shares"]
    if shares["war"]["estimate"] is not None:
        yield words.sentence(told_worst(shares["war"], shares["nuclear_use"]))


def key_figures(summary: Mapping[str, Any]) -> list[KeyFigure]:
    """The figures that stand at the head of the page, of the reference."""
    scenario = summary["scenarios"][summary["reference"]]
    clock = scenario["ceasefire"]["from_first_strike"]
    shown = [
        ("of all crises end in a ceasefire that holds", scenario["endings"]["agreement"]),
        (
            "of crises with a first strike have a ceasefire within 96 hours of it",
            clock["by"]["96_hours"],
        ),
        ("of all crises come to full-scale war", scenario["shares"]["war"]),
        ("of all crises see nuclear use", scenario["shares"]["nuclear_use"]),
    ]
    return [_key(label, figure) for label, figure in shown if figure["estimate"] is not None]


def _key(label: str, figure: Figure) -> KeyFigure:
    low, middle, high = (
        words.UNKNOWN if figure[key] is None else words.percent(figure[key])
        for key in ("lower", "estimate", "upper")
    )
    if figure.get("count") == 0:
        return KeyFigure(label, "none", f"of {words.count(figure['of'])}; below {high}%")
    return KeyFigure(label, f"{middle}%", f"{low} to {high}%")
