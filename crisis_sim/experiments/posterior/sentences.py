"""What a posterior experiment found, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from crisis_sim.experiments import words
from crisis_sim.experiments.posterior.predictive import in_tail

#: Parameters and pairs that an answer tells of; the tables have all of them.
MOST_TOLD = 6
#: A correlation from which two parameters are said to go together.
TOGETHER = 0.3
#: An effective sample smaller than this sets 95% limits but roughly.
FEW = 400
#: Monte Carlo error beyond this share of a target's own is told of.
BLURRED = 0.5
#: With fewer crises like the record at a particle, luck decides how well it fits.
FEW_LIKE = 3.0


def answer(summary: dict[str, Any]) -> Iterator[str]:
    """Sentences: what was found, how sure that is, and what would make it surer."""
    yield from _on_parameters(summary)
    yield from _on_pairs(summary)
    yield from _on_cases(summary)
    yield from _on_check(summary)
    yield from _on_files(summary)
    yield from _on_budget(summary)


def _on_parameters(summary: dict[str, Any]) -> Iterator[str]:
    rows = sorted(summary["parameters"], key=lambda row: -float(row["shrinkage"]))
    names = words.short_names([row["path"] for row in rows])
    pinned = [row for row in rows if row["pinned"]]
    told = [
        f"{names[row['path']]} {_span(row)}, before {_span(row, 'prior_')}"
        for row in pinned[:MOST_TOLD]
    ]
    if told:
        more = len(pinned) - MOST_TOLD
        rest = f"; {words.count(more)} more in marginals.parquet" if more > 0 else ""
        yield f"Posterior medians with 95% intervals: {'; '.join(told)}{rest}."
    loose = [names[row["path"]] for row in rows if not row["pinned"]]
    if loose:
        said = words.listed(loose[:MOST_TOLD])
        others = len(loose) - MOST_TOLD
        rest = f" and {words.count(others)} more" if others > 0 else ""
        them = "them" if len(loose) > 1 else "it"
        yield f"Not pinned down by this evidence: {said}{rest}. What was believed of {them} stays."
    for row in rows:
        if row["edge"]:
            yield (
                f"{words.sentence_start(names[row['path']])} presses against the {row['edge']} end of "
                "its prior: values beyond it might fit better."
            )
    if any(row["adjusted_median"] is not None for row in rows):
        told = [f"{names[row['path']]} {_span(row, 'adjusted_')}" for row in rows[:MOST_TOLD]]
        yield f"Adjusted by regression for the tolerance that is left: {'; '.join(told)}."


def _span(row: dict[str, Any], prefix: str = "") -> str:
    unit = str(row["unit"])
    if unit in ("share", "ratio", "intensity") or unit.startswith("1/"):
        unit = ""
    noun = "" if not unit or row["path"].endswith(unit) else f" {unit}"
    middle, lower, upper = (row[f"{prefix}{key}"] for key in ("median", "lower", "upper"))
    return f"{middle:.3g}{noun} ({lower:.3g} to {upper:.3g})"


def _on_pairs(summary: dict[str, Any]) -> Iterator[str]:
    names = words.short_names([row["path"] for row in summary["parameters"]])
    error = 2.0 / math.sqrt(max(summary["effective"], 1.0))
    told = [
        f"{names[pair['first']]} and {names[pair['second']]} ({pair['correlation']:+.2f})".replace(
            "(-", f"({words.MINUS}"
        )
        for pair in summary["correlations"]
        if abs(pair["correlation"]) > max(TOGETHER, error)
    ]
    if told:
        yield (
            f"Known better together than each alone (correlation): {words.listed(told[:MOST_TOLD])}."
        )


def _on_cases(summary: dict[str, Any]) -> Iterator[str]:
    for row in summary["cases"]:
        before, after = (
            words.estimate(row[name], row[f"{name}_lower"], row[f"{name}_upper"], "share")
            for name in ("prior", "posterior")
        )
        yield (
            f"A crisis like {row['name']} comes in {after} of all crises with the posterior, in "
            f"{before} of all with the prior. One crisis is one draw of many that could have come: it says little."
        )


def _on_check(summary: dict[str, Any]) -> Iterator[str]:
    seen = [row for row in summary["predictive"] if row["tail"] is not None]
    off = [row for row in seen if in_tail(row)]
    if not seen:
        return
    if not off:
        what = "It lies" if len(seen) == 1 else f"All {words.count(len(seen))} lie"
        yield (
            "What was seen beside what the posterior predicts, with fresh luck: "
            f"{what[0].lower()}{what[1:]} within the middle 95%."
        )
        return
    why = (
        "The tolerance is not at its goal yet, which may be why."
        if summary["tolerance"] > summary["goal"]
        else "It may be that no values of these parameters explain it."
    )
    told = []
    for row in off[:MOST_TOLD]:
        median = math.inf if row["median"] is None else row["median"]
        seen_there = words.figure(row["seen"], row["unit"])
        told.append(f"{row['name']}: {seen_there}, predicted {words.figure(median, row['unit'])}")
    yield (
        f"The posterior does not explain {words.count(len(off))} of {words.count(len(seen))} that "
        f"were seen, which lie outside the middle 95% of what it predicts with fresh luck: "
        f"{'; '.join(told)}. {why}"
    )


def _on_files(summary: dict[str, Any]) -> Iterator[str]:
    files = words.listed(summary["files"])
    several = len(summary["files"]) > 1
    moved = [row for row in summary["parameters"] if not row["distribution_is_prior"]]
    if not moved:
        yield f"{files} {'have' if several else 'has'} the priors as they were."
        return
    worst = max(row["distribution_error"] for row in moved)
    lost = ""
    if summary["correlations"]:
        strongest = summary["correlations"][0]["correlation"]
        shown = f"{strongest:+.2f}".replace("-", words.MINUS)
        lost = (
            " Parameters are independent there: correlations are lost "
            f"(the strongest: {shown}); joint draws keep them."
        )
    yield (
        f"{files} {'have' if several else 'has'} the posterior as distributions, at most "
        f"{worst:.2g} standard deviations off.{lost}"
    )


def _on_budget(summary: dict[str, Any]) -> Iterator[str]:
    effective = summary["effective"]
    spent = summary["particles"] * len(summary["generations"])
    said = (
        f"{words.count(spent)} particles of {words.count(summary['replicates'])} replicates are worth "
        f"{words.count(effective)} equally weighted ones"
    )
    if effective < FEW:
        times = math.ceil(FEW / max(effective, 1.0))
        said += f": limits are rough; about {words.count(times)} times as many would set them well"
    elif summary["tolerance"] <= summary["goal"]:
        said += ": enough. More would hardly change the answer; more evidence would"
    yield f"{said}."
    if summary["tolerance"] > summary["goal"] * 1.001:
        yield (
            f"The tolerance came down to {summary['tolerance']:.3g}, not yet to "
            f"{summary['goal']:g}: intervals are wider than the evidence has them. More generations "
            "or particles would lower it."
        )
    yield from _on_noise(summary)


def _on_noise(summary: dict[str, Any]) -> Iterator[str]:
    """How much the luck of few replicates blurs."""
    noise, replicates = summary["noise"], words.count(summary["replicates"])
    blurred = [ratio for ratio in noise["targets"] if ratio and ratio > BLURRED]
    if blurred:
        times = math.ceil((max(blurred) / BLURRED) ** 2)
        yield (
            f"The luck of {replicates} replicates adds an error of up to {max(blurred):.2g} times a "
            f"target's own, and widens the posterior; {words.count(times)} times as many would make it "
            "small."
        )
    if blurred and any(noise["assumed"]):
        yield (
            "Targets without an interval are taken as known to a tenth of what the prior leaves open: "
            "an interval says how well they are."
        )
    few = [like for like in noise["like"] if like < FEW_LIKE]
    if few:
        yield (
            f"Particles that fit have about {min(few):.2g} crises like the record among "
            f"{replicates}: which of them count is much luck, though it "
            "averages out. More replicates would make the effective sample larger."
        )
