"""Sentences about a summary: how certain each result is, and what would make it more certain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crisis_sim import text
from crisis_sim.outcomes.durations import AMONG
from crisis_sim.text import count, limits, listed, number

#: The result that the advice is about: the first of these that was observed long enough.
_HEADLINES = (
    ("from_first_strike", "96_hours", "a ceasefire within 96 hours of the first strike"),
    ("from_trigger", "horizon", "a ceasefire by the horizon"),
)

#: Events that may be too rare to appear in a run.
_RARE = {"war": "full-scale war", "nuclear_use": "nuclear use"}


def advise(summary: Mapping[str, Any]) -> list[str]:
    """Return sentences on how certain a summary's results are, the most important first."""
    topics = (
        _on_the_reference,
        _on_differences,
        _on_lost_pairs,
        _on_unseen_events,
        _on_missing_medians,
        _on_fits,
        _on_the_meaning_of_intervals,
    )
    return [sentence for topic in topics for sentence in topic(summary)]


def _headline(part: Mapping[str, Any]) -> tuple[str, str, Mapping[str, Any]] | None:
    """The clock, wording and figure of the first known headline of a scenario or a difference."""
    for clock, moment, event in _HEADLINES:
        figure = part["ceasefire"].get(clock, {}).get("by", {}).get(moment)
        if figure is not None and figure["estimate"] is not None:
            return clock, event, figure
    return None


def _on_the_reference(summary: Mapping[str, Any]) -> Iterator[str]:
    scenario = summary["scenarios"][summary["reference"]]
    if headline := _headline(scenario):
        clock, event, figure = headline
        estimate, low, high, digits = _in_points(figure)
        over = text.over_fits(figure)
        yield (
            f"{scenario['label']}: {event} came in {number(estimate, digits)}% of "
            f"{text.of_these(scenario['ceasefire'][clock]['of'], AMONG[clock])} "
            f"(95% interval {limits(low, high, digits, '%')}{over and f'; {over}%'}; "
            f"{count(scenario['replicates'])} replicates)."
        )


def _on_differences(summary: Mapping[str, Any]) -> Iterator[str]:
    scenarios = summary["scenarios"]
    reference = scenarios[summary["reference"]]["label"]
    for name, difference in summary["differences"].items():
        if headline := _headline(difference):
            clock, event, figure = headline
            among, both = AMONG[clock], difference.get("struck_in_both")
            in_both = both and _headline({"ceasefire": both.get("ceasefire", {})})
            if clock == "from_first_strike" and in_both:
                among, figure = f"the {count(both['of'])} crises with a strike in both", in_both[2]
            replicates = difference["pairs"] or scenarios[name]["replicates"]
            subject = f"{scenarios[name]['label']}: among {among}, {event}"
            yield _on_one_difference(subject, reference, figure, replicates)


def _on_one_difference(
    subject: str, reference: str, figure: Mapping[str, float], replicates: int
) -> str:
    estimate, low, high, digits = _in_points(figure)
    if low is None or high is None:
        return f"{subject} cannot be compared with that in {reference}: there are too few crises."
    if over := text.over_fits(figure, sign=True):
        return (
            f"{subject} differs by {number(estimate, digits, sign=True)} percentage points from {reference} (chance "
            f"±{number((high - low) / 2.0, digits)}; {over}); {text.goes_with(figure)}."
        )
    if text.excludes_zero(low, high):
        small, large = sorted((abs(low), abs(high)))
        direction = "more" if low > 0.0 else "less"
        return (
            f"{subject} is {limits(small, large, digits)} percentage points {direction} likely "
            f"than in {reference} (95% interval); {count(4 * replicates)} replicates would about halve it."
        )
    these = "one replicate does" if replicates == 1 else f"these {count(replicates)} replicates do"
    verdict = (
        f"{subject} is between {number(-low, digits)} percentage points less and "
        f"{number(high, digits)} more likely than in {reference} (95% interval), so {these} not tell "
        "the two apart"
    )
    needed = text.replicates_to_tell(estimate, low, high, replicates)
    if needed is None:
        return (
            f"{verdict}; {count(4 * replicates)} would about halve the interval, but to detect a "
            f"difference as small as the estimate would take over "
            f"{count(text.FAR_OUT_OF_REACH * replicates)}."
        )
    return (
        f"{verdict}; if the difference is as estimated ({number(estimate, digits, sign=True)} "
        f"points), about {count(needed)} would."
    )


def _on_lost_pairs(summary: Mapping[str, Any]) -> Iterator[str]:
    reference = summary["scenarios"][summary["reference"]]
    for name, difference in summary["differences"].items():
        scenario, pairs = summary["scenarios"][name], difference["pairs"]
        ours, theirs = scenario["label"], reference["label"]
        if not difference["paired"]:
            yield f"{ours} and {theirs} are compared as independent samples, " + (
                "because their seeds differ; with the same seed, their differences would be paired "
                "and the intervals narrower."
                if scenario["seed"] != reference["seed"]
                else "as requested, or because they are not known to share random numbers or have "
                "no replicate in common."
            )
        elif pairs < max(scenario["replicates"], reference["replicates"]):
            yield (
                f"{ours} is compared with {theirs} on the {count(pairs)} replicates that both "
                "have; the shares of each scenario are of all its replicates."
            )


def _on_unseen_events(summary: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for all scenarios with the same upper limit of an event's share."""
    for event, noun in _RARE.items():
        unseen: dict[int, list[str]] = {}
        for name, scenario in summary["scenarios"].items():
            share = scenario["shares"][event]
            if share["count"] == 0 and share["of"]:
                unseen.setdefault(share["of"], []).append(name)
        for replicates, names in unseen.items():
            _, _, high, digits = _in_points(summary["scenarios"][names[0]]["shares"][event])
            labels = listed([summary["scenarios"][name]["label"] for name in names])
            yield (
                f"{labels}: no replicate of {count(replicates)} saw {noun}; its share of "
                f"all crises is below {number(high, digits)}% (95% interval)."
            )


def _on_missing_medians(summary: Mapping[str, Any]) -> Iterator[str]:
    for scenario in summary["scenarios"].values():
        label, clock = scenario["label"], scenario["ceasefire"]["from_first_strike"]
        if clock["of"] == 0:
            yield f"{label}: no replicate saw a first strike, so no time is counted from one."
        elif clock["median_hours"] is None:
            yield (
                f"{label}: fewer than half of the crises with a first strike had a ceasefire while "
                "they were followed, so there is no median time to one; a quantile among those "
                "with a ceasefire is no substitute."
            )


def _on_fits(summary: Mapping[str, Any]) -> Iterator[str]:
    """The parameter sets, if the reference was run over all that fit."""
    if over := summary["scenarios"][summary["reference"]].get("over_fits"):
        yield (
            f"Over fits: each replicate drew one of {over['sets']} sets of behavioural parameters that fit the historical "
            f"record, with unequal weights that make them worth {over['effective']:.0f} sets of equal weight. The range "
            "over fits covers 95% of the sets, without the chance variation of the few replicates of each; the 95% interval "
            "covers chance at these weights. Medians, and figures of fewer crises than there are sets, have no range."
        )


def _on_the_meaning_of_intervals(summary: Mapping[str, Any]) -> Iterator[str]:
    intervals = sum(_count_intervals(difference) for difference in summary["differences"].values())
    if intervals:
        expected = max((1.0 - summary["confidence"]) * intervals, 1.0)
        yield (
            f"By chance alone, about {expected:.0f} of the {intervals} intervals of differences in the summary will "
            "miss the true difference: trust a pattern, or an answer to a question asked beforehand, "
            "more than a single surprise."
        )
    yield (
        "The intervals show how far chance in the replicates may have moved a figure, not whether "
        "the scenario or the model is right."
    )


def _count_intervals(part: Any) -> int:
    """The number of figures in a part of the summary that have two known limits."""
    if not isinstance(part, Mapping):
        return 0
    if "lower" in part and "upper" in part:
        return int(part["lower"] is not None and part["upper"] is not None)
    return sum(_count_intervals(inner) for inner in part.values())


def _in_points(figure: Mapping[str, Any]) -> tuple[float, float | None, float | None, int]:
    """A share or a difference with its limits, in per cent, and the decimals that suit its width."""
    low, high = (None if figure[key] is None else 100.0 * figure[key] for key in ("lower", "upper"))
    width = 0.0 if low is None or high is None else high - low
    return 100.0 * figure["estimate"], low, high, text.decimals(width)
