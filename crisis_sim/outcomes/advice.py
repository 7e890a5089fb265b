"""Plain sentences on a summary: how sure each result is, and what would make it surer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: The result that the advice is about: the first of these that was observed long enough.
_HEADLINES = (
    ("from_first_strike", "96_hours", "a ceasefire within 96 hours of the first strike"),
    ("from_trigger", "horizon", "a ceasefire by the horizon"),
)

#: A difference that would take this many times the replicates to show is called too small for it.
_FAR_OUT_OF_REACH = 100.0

#: Events rare enough in some scenarios that none may be seen.
_RARE = {"war": "full-scale war", "nuclear_use": "nuclear use"}


def advise(summary: Mapping[str, Any]) -> list[str]:
    """Say how sure a summary's results are and what would make them surer.

    Args:
        summary: A summary without its advice (see :mod:`crisis_sim.outcomes.summary`).

    Returns:
        Sentences, most important first.
    """
    return [
        *_on_the_reference(summary),
        *_on_differences(summary),
        *_on_lost_pairs(summary),
        *_on_events_never_seen(summary),
        *_on_missing_medians(summary),
        *_on_what_the_intervals_mean(summary),
    ]


def _on_the_reference(summary: Mapping[str, Any]) -> Iterator[str]:
    name = summary["reference"]
    scenario = summary["scenarios"][name]
    for clock, moment, words in _HEADLINES:
        figure = scenario["ceasefire"][clock]["by"][moment]
        if figure["estimate"] is None:
            continue
        digits = _digits(figure)
        yield (
            f"{name}: {words} came in {_percent(figure['estimate'], digits)} of crises "
            f"(95% interval {_percent(figure['lower'], digits)} to "
            f"{_percent(figure['upper'], digits)}, {_count(scenario['replicates'])} replicates)."
        )
        return


def _on_differences(summary: Mapping[str, Any]) -> Iterator[str]:
    for name, difference in summary["differences"].items():
        for clock, moment, words in _HEADLINES:
            figure = difference["ceasefire"][clock]["by"][moment]
            if figure["estimate"] is not None:
                replicates = difference["pairs"] or summary["scenarios"][name]["replicates"]
                yield _on_one_difference(name, summary["reference"], words, figure, replicates)
                break


def _on_one_difference(
    name: str, reference: str, words: str, figure: Mapping[str, float], replicates: int
) -> str:
    estimate, lower, upper = figure["estimate"], figure["lower"], figure["upper"]
    digits = _digits(figure)
    if lower > 0.0 or upper < 0.0:
        small, large = sorted((abs(lower), abs(upper)))
        direction = "more" if estimate > 0.0 else "less"
        return (
            f"{name}: {words} is {_points(small, digits)} to {_points(large, digits)} percentage "
            f"points {direction} likely than in {reference}; {_count(4 * replicates)} replicates "
            "would halve that interval."
        )
    verdict = (
        f"{name}: {words} is between {_points(-lower, digits)} percentage points less and "
        f"{_points(upper, digits)} more likely than in {reference}, so these {_count(replicates)} "
        "replicates do not tell the two apart"
    )
    # The interval narrows with the square root of the replicates.
    reach = (upper - lower) / 2.0
    times = (reach / abs(estimate)) ** 2 if estimate else math.inf
    if times > _FAR_OUT_OF_REACH:
        return (
            f"{verdict}; {_count(4 * replicates)} would halve that interval, but a difference as "
            f"small as the one estimated would take over {_count(100 * replicates)} to show."
        )
    return (
        f"{verdict}; if the difference is as estimated ({_points(estimate, digits, sign=True)} "
        f"points), about {_count(_round_up(1.1 * times * replicates))} would."
    )


def _on_lost_pairs(summary: Mapping[str, Any]) -> Iterator[str]:
    reference = summary["reference"]
    available = summary["scenarios"][reference]["replicates"]
    for name, difference in summary["differences"].items():
        pairs = difference["pairs"]
        if not difference["paired"]:
            yield (
                f"{name} and {reference} are compared as independent samples, for their "
                "replicates do not share their luck; run with one seed, their differences would "
                "be paired and the intervals narrower."
            )
        elif pairs < max(available, summary["scenarios"][name]["replicates"]):
            yield (
                f"{name} is compared with {reference} on the {_count(pairs)} replicates that both "
                "have; the shares of each scenario are of all its own."
            )


def _on_events_never_seen(summary: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for all scenarios that bound an event equally."""
    for event, words in _RARE.items():
        never: dict[int, list[str]] = {}
        for name, scenario in summary["scenarios"].items():
            share = scenario["shares"][event]
            if share["count"] == 0 and share["of"]:
                never.setdefault(share["of"], []).append(name)
        for replicates, names in never.items():
            share = summary["scenarios"][names[0]]["shares"][event]
            yield (
                f"{_listed(names)}: no replicate of {_count(replicates)} saw {words}; its share is "
                f"below {_percent(share['upper'], _digits(share))} (95% interval)."
            )


def _on_missing_medians(summary: Mapping[str, Any]) -> Iterator[str]:
    for name, scenario in summary["scenarios"].items():
        clock = scenario["ceasefire"]["from_first_strike"]
        if clock["of"] == 0:
            yield f"{name}: no replicate saw a first strike, so nothing is counted from one."
        elif clock["median_hours"] is None:
            yield (
                f"{name}: a ceasefire came in fewer than half of the crises with a first strike "
                "for as long as they were watched, so there is no median time; quantiles among "
                "those that had one are no stand-in."
            )


def _on_what_the_intervals_mean(summary: Mapping[str, Any]) -> Iterator[str]:
    number = sum(_count_intervals(difference) for difference in summary["differences"].values())
    if number:
        expected = (1.0 - summary["confidence"]) * number
        yield (
            f"Of the {number} intervals of differences given here about {expected:.0f} will miss "
            "the true difference by chance alone: trust a pattern or a question asked beforehand "
            "over a single surprise."
        )
    yield (
        "The intervals say how far chance in the replicates may have moved a figure, not whether "
        "the scenario or the model is right."
    )


def _count_intervals(part: Any) -> int:
    """How many figures with two known limits a part of the summary holds."""
    if not isinstance(part, Mapping):
        return 0
    if "lower" in part and "upper" in part:
        return int(part["lower"] is not None and part["upper"] is not None)
    return sum(_count_intervals(inner) for inner in part.values())


def _digits(figure: Mapping[str, float]) -> int:
    """Decimals, in percentage points, that show an interval's width with two figures."""
    width = 100.0 * (figure["upper"] - figure["lower"])
    if width <= 0.0:
        return 1
    return min(max(1 - math.floor(math.log10(width)), 0), 4)


def _percent(share: float, digits: int) -> str:
    return f"{100.0 * share:.{digits}f}%"


def _points(share: float, digits: int, sign: bool = False) -> str:
    return f"{100.0 * share:{'+' if sign else ''}.{digits}f}"


def _count(number: float) -> str:
    return f"{number:,.0f}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _round_up(number: float) -> int:
    """Up to two figures: 38,412 becomes 39,000."""
    unit = int(10 ** max(math.floor(math.log10(number)) - 1, 0))
    return math.ceil(number / unit) * unit
