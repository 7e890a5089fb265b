"""Plain sentences on a summary: how sure each result is, and what would make it surer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crisis_sim.outcomes.durations import AMONG
from crisis_sim.text import (
    FAR_OUT_OF_REACH,
    count,
    decimals,
    excludes_zero,
    goes_with,
    limits,
    listed,
    number,
    of_these,
    over_fits,
    replicates_to_tell,
)

#: The result that the advice is about: the first of these that was observed long enough.
_HEADLINES = (
    ("from_first_strike", "96_hours", "a ceasefire within 96 hours of the first strike"),
    ("from_trigger", "horizon", "a ceasefire by the horizon"),
)

#: Events rare enough in some scenarios that none may be seen.
_RARE = {"war": "full-scale war", "nuclear_use": "nuclear use"}


def advise(summary: Mapping[str, Any]) -> list[str]:
    """Sentences, most important first: how sure a summary's results are, and what would make them surer."""
    about = (
        _on_the_reference,
        _on_differences,
        _on_lost_pairs,
        _on_events_never_seen,
        _on_missing_medians,
        _on_fits,
        _on_what_the_intervals_mean,
    )
    return [sentence for each in about for sentence in each(summary)]


def _headline(part: Mapping[str, Any]) -> tuple[str, str, Mapping[str, Any]] | None:
    """A scenario's, or a difference's, first headline known: its clock, its words and its figure."""
    for clock, moment, words in _HEADLINES:
        figure = part["ceasefire"].get(clock, {}).get("by", {}).get(moment)
        if figure is not None and figure["estimate"] is not None:
            return clock, words, figure
    return None


def _on_the_reference(summary: Mapping[str, Any]) -> Iterator[str]:
    scenario = summary["scenarios"][summary["reference"]]
    if headline := _headline(scenario):
        clock, words, figure = headline
        estimate, low, high, digits = _in_points(figure)
        told = over_fits(figure)
        yield (
            f"{scenario['label']}: {words} came in {number(estimate, digits)}% of "
            f"{of_these(scenario['ceasefire'][clock]['of'], AMONG[clock])} "
            f"(95% interval {limits(low, high, digits, '%')}{told and f'; {told}%'}, "
            f"{count(scenario['replicates'])} replicates)."
        )


def _on_differences(summary: Mapping[str, Any]) -> Iterator[str]:
    scenarios = summary["scenarios"]
    reference = scenarios[summary["reference"]]["label"]
    for name, difference in summary["differences"].items():
        if headline := _headline(difference):
            clock, words, figure = headline
            among, both = AMONG[clock], difference.get("struck_in_both")
            in_both = both and _headline({"ceasefire": both.get("ceasefire", {})})
            if clock == "from_first_strike" and in_both:
                among, figure = f"the {count(both['of'])} crises with a strike in both", in_both[2]
            replicates = difference["pairs"] or scenarios[name]["replicates"]
            said = f"among {among}, {words}"
            yield _on_one_difference(scenarios[name]["label"], reference, said, figure, replicates)


def _on_one_difference(
    name: str, reference: str, words: str, figure: Mapping[str, float], replicates: int
) -> str:
    estimate, low, high, digits = _in_points(figure)
    if low is None or high is None:
        return f"{name}: {words} is told from too few crises to be compared with {reference}."
    if told := over_fits(figure, sign=True):
        return (
            f"{name}: {words} changes by {number(estimate, digits, sign=True)} points against {reference} (chance "
            f"±{number((high - low) / 2.0, digits)}; {told}); {goes_with(figure)}."
        )
    if excludes_zero(low, high):
        small, large = sorted((abs(low), abs(high)))
        direction = "more" if low > 0.0 else "less"
        return (
            f"{name}: {words} is {limits(small, large, digits)} percentage points {direction} "
            f"likely than in {reference}; {count(4 * replicates)} replicates would about halve "
            "that interval."
        )
    these = "one replicate does" if replicates == 1 else f"these {count(replicates)} replicates do"
    verdict = (
        f"{name}: {words} is between {number(-low, digits)} percentage points less and "
        f"{number(high, digits)} more likely than in {reference}, so {these} not "
        "tell the two apart"
    )
    needed = replicates_to_tell(estimate, low, high, replicates)
    if needed is None:
        return (
            f"{verdict}; {count(4 * replicates)} would about halve that interval, but a difference "
            f"as small as the one estimated would take over "
            f"{count(FAR_OUT_OF_REACH * replicates)} to show."
        )
    return (
        f"{verdict}; if the difference is as estimated ({number(estimate, digits, sign=True)} "
        f"points), about {count(needed)} would."
    )


def _on_lost_pairs(summary: Mapping[str, Any]) -> Iterator[str]:
    reference = summary["reference"]
    scenarios = summary["scenarios"]
    for name, difference in summary["differences"].items():
        pairs = difference["pairs"]
        called = [scenarios[one]["label"] for one in (name, reference)]
        if not difference["paired"]:
            yield f"{called[0]} and {called[1]} are compared as independent samples" + (
                ", for their replicates do not share their luck; run with one seed, their "
                "differences would be paired and the intervals narrower."
                if scenarios[name]["seed"] != scenarios[reference]["seed"]
                else ": as was asked, or because nothing says that they share their luck, or "
                "because they have no replicate in common."
            )
        elif pairs < max(scenarios[one]["replicates"] for one in (name, reference)):
            yield (
                f"{called[0]} is compared with {called[1]} on the {count(pairs)} replicates that both "
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
            _, _, high, digits = _in_points(summary["scenarios"][names[0]]["shares"][event])
            called = listed([summary["scenarios"][one]["label"] for one in names])
            yield (
                f"{called}: no replicate of {count(replicates)} saw {words}; its share of "
                f"all crises is below {number(high, digits)}% (95% interval)."
            )


def _on_missing_medians(summary: Mapping[str, Any]) -> Iterator[str]:
    for scenario in summary["scenarios"].values():
        name, clock = scenario["label"], scenario["ceasefire"]["from_first_strike"]
        if clock["of"] == 0:
            yield f"{name}: no replicate saw a first strike, so nothing is counted from one."
        elif clock["median_hours"] is None:
            yield (
                f"{name}: a ceasefire came in fewer than half of the crises with a first strike "
                "for as long as they were watched, so there is no median time; quantiles among "
                "those that had one are no stand-in."
            )


def _on_fits(summary: Mapping[str, Any]) -> Iterator[str]:
    """The sets of behaviour, where the reference was run over all that fit."""
    if over := summary["scenarios"][summary["reference"]].get("over_fits"):
        yield (
            f"Over fits: each replicate drew one of {over['sets']} sets of behavioural parameters that fit the record, by "
            f"weights that make them worth {over['effective']:.0f} of equal weight; the range is that of 95% of the sets, "
            "without the chance of the few replicates of each, and the interval is by chance at these weights. There is no "
            "range where fewer crises tell than there are sets, nor of medians."
        )


def _on_what_the_intervals_mean(summary: Mapping[str, Any]) -> Iterator[str]:
    given = sum(_count_intervals(difference) for difference in summary["differences"].values())
    if given:
        expected = max((1.0 - summary["confidence"]) * given, 1.0)
        yield (
            f"Of the {given} intervals of differences given here about {expected:.0f} will miss "
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


def _in_points(figure: Mapping[str, Any]) -> tuple[float, float | None, float | None, int]:
    """A share, or a difference, with its limits in per cent, and decimals that show its width."""
    low, high = (None if figure[key] is None else 100.0 * figure[key] for key in ("lower", "upper"))
    width = 0.0 if low is None or high is None else high - low
    return 100.0 * figure["estimate"], low, high, decimals(width)
