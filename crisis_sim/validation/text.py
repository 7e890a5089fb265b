"""Facts, figures and verdicts in words, for tables, charts and the page; and what `crisis-sim validate` prints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.text import Text

from crisis_sim.report.answers import WIDTH, fitted
from crisis_sim.scenario.schema import STYLES
from crisis_sim.text import UNKNOWN, label, percent
from crisis_sim.validation.facts import Comparison, Fact, Verdict
from crisis_sim.validation.run import Validation
from crisis_sim.validation.simulated import HALT, IN_WORDS, REBOUND, CaseResult, rank

if TYPE_CHECKING:
    from crisis_sim.validation.held_out import Foretold

#: A fact's name under that of its family, shorter than in the record.
SHORT = {
    **{f"duration_p{level}": f"{level}% have ended after" for level in (10, 25, 50, 75, 90)},
    **{
        f"ending_{kind}": kind
        for kind in ("agreement", "tacit", "unilateral", "imposed", "faded", "other")
    },
    "peak_violence_none": "none",
    "peak_violence_minor_clashes": "minor clashes",
    "peak_violence_serious_clashes": "serious clashes",
    "peak_violence_full_scale_war": "full-scale war",
    "mediated": "crises mediated",
    **{f"mediation_start_p{level}": f"{level}% of it begun after" for level in (25, 50, 75)},
    "agreement_if_mediated": "if mediated",
    "agreement_if_unmediated": "if not mediated",
    **{f"agreement_{style}": f"by {style}" for style in STYLES},
    "violent_response": "violent",
    "response_nonviolent_military": "nonviolent military",
    "response_political_or_economic": "political or economic",
    "response_verbal": "verbal",
    **{f"response_days_p{level}": f"{level}% given after" for level in (25, 50, 75, 90)},
    "nuclear_use": "between nuclear powers",
    "war_share_confrontations": "confrontations with a war",
}
#: The denominator of each family of shares.
AMONG = {
    "Endings": "crises that ended",
    "Worst violence": "all crises",
    "Mediation": "all crises",
    "Agreement": "crises that ended, so mediated",
    "Answer to a violent trigger": "states that answered",
    "Nuclear use": "crises between nuclear powers",
    "From act to act": "acts of the first kind; wars: of all crises",
}
#: The style of each verdict on a terminal; unmet ones stand out.
VERDICT_STYLES: dict[Verdict, str] = {
    "inside": "",
    "near": "yellow",
    "outside": "bold red",
    "not comparable": "dim",
}


def family_name(name: str) -> str:
    """A family's name with the denominator of its shares."""
    return f"{name} (% of {AMONG[name]})" if name in AMONG else name


def short(fact: Fact) -> str:
    """A fact's name in a table."""
    if fact.id.startswith("next_"):
        _, act, following = fact.id.split("_")
        return f"{act}, then {following}"
    return SHORT[fact.id]


def number(value: float, is_share: bool) -> str:
    """A share in per cent, or days, to three figures at most."""
    if math.isnan(value):
        return UNKNOWN
    if is_share:
        return percent(value)
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}".removesuffix(".0")


def fact_cells(one: Comparison) -> tuple[str, str, str, str, Verdict, str]:
    """A fact's row: name, unit, the record's and the model's figure with intervals, verdict, whether it was fitted."""
    fact, simulated = one.fact, one.simulated

    def told(value: float, lower: float | None, upper: float | None) -> str:
        if lower is None or upper is None or (math.isnan(lower) and math.isnan(upper)):
            return number(value, fact.is_share)
        return "{} ({}–{})".format(*(number(x, fact.is_share) for x in (value, lower, upper)))

    return (
        short(fact),
        "%" if fact.is_share else "days",
        told(fact.value, fact.lower, fact.upper),
        told(simulated.value, simulated.lower, simulated.upper),
        one.verdict,
        "yes" if one.expectation.in_fit else "",
    )


def case_cells(one: CaseResult) -> tuple[str, str, str, str, str, str, Verdict, str]:
    """A case's row: name, kind of figure, the real one, simulated quantiles, shares below and with one, verdict, fit."""

    def told(value: float) -> str:
        return f"{number(value, True)}%" if one.what == REBOUND else number(value, False)

    return (
        one.case.name,
        one.what,
        told(one.real),
        ", ".join(map(told, one.quantiles[1:4])),
        percent(one.percentile),
        percent(one.came),
        one.verdict,
        "yes" if one.expectation.in_fit else "",
    )


def counted(counts: dict[str, int]) -> str:
    """How many of how many are inside, near and outside, in a sentence's part."""
    told = [f"{counts[verdict]} {verdict}" for verdict in ("inside", "near", "outside")]
    left_out = counts["not comparable"]
    more = f" ({left_out} more cannot be compared)" if left_out else ""
    return f"{', '.join(told)}, of {sum(counts.values()) - left_out}{more}"


def print_validation(validation: Validation, console: Console | None = None) -> None:
    """Print where the model stands, on standard output unless given: facts, cases, and how many are met."""
    console = console or Console()
    width = min(console.width, WIDTH)
    for table in (_fact_table, _case_table):
        console.print(table(validation, console.width), width=console.width)
        console.print()
    for name, counts in validation.counts().items():
        console.print(Text(f"{label(name)}: {counted(counts)}."), width=width)
    halts = [one for one in validation.cases if one.what == HALT and not math.isnan(one.percentile)]
    found = rank([one.quantiles[2] for one in halts], [one.real for one in halts])
    told = (
        f"Rank correlation of middle and real fights: {found:.2f}. "
        "These were fitted. What was not: crisis-sim validate --held-out, crisis-sim hindcast, and docs/scorecard.md."
    )
    console.print(Text(told), width=width)
    if validation.unresolved:
        told = f"{percent(validation.unresolved)}% of all crises of the population went on to the horizon."
        console.print(Text(told), width=width)


def _fact_table(validation: Validation, width: int) -> Group:
    rows: list[list[Text | str]] = []
    for family, comparisons in validation.facts.items():
        rows.append([Text(family_name(family), style="bold"), *[""] * 5])
        for one in comparisons:
            name, *figures, verdict, in_fit = fact_cells(one)
            rows.append(
                [f"- {name}", *figures, Text(verdict, style=VERDICT_STYLES[one.verdict]), in_fit]
            )
    headings = ("fact", "unit", "record", "simulated", "verdict", "in\nfit")
    title = "Facts: the record, and the population scenario, with 95% intervals"
    return fitted(title, headings, rows, width)


def _case_table(validation: Validation, width: int) -> Group:
    rows = []
    for one in validation.cases:
        *figures, verdict, in_fit = case_cells(one)
        rows.append([*figures, Text(verdict, style=VERDICT_STYLES[one.verdict]), in_fit])
    headings = "case|what|real|simulated\n10, 50, 90%|below\nit, %|come,\n%|verdict|in\nfit"
    told = "; ".join(f"{what}: {meaning}" for what, meaning in IN_WORDS.items())
    return fitted(
        "Cases: where the real figure falls among the simulated ones",
        headings.split("|"),
        rows,
        width,
        f"{told[0].upper()}{told[1:]}. Come: share that have one, of all crises; of a halt, of crises "
        "with a first strike.",
    )


def print_held_out(found: Sequence[Foretold], console: Console | None = None) -> None:
    """Print what is foretold of each case by a model fitted without it, and how it scores."""
    from crisis_sim.validation.held_out import summary

    console = console or Console()
    width = min(console.width, WIDTH)
    headings = "case|real,\ndays|foretold,\n10–90%|below\nit, %|log score\n(others)|CRPS\n(others)"
    rows = [
        (
            f"{one.case.name}: {one.what}",
            number(one.real, False),
            Text("{1}\n{0}–{2}".format(*(number(value, False) for value in one.quantiles))),
            percent(one.percentile),
            Text(f"{one.log_score:.2f}\n({one.log_score_others:.2f})"),
            Text(f"{one.crps:.2f}\n({one.crps_others:.2f})"),
        )
        for one in found
    ]
    table = fitted(
        "Cases foretold by a model fitted without them",
        headings.split("|"),
        rows,
        console.width,
        "Lower scores are better. Others: a lognormal distribution of the other cases' times, and how often they saw a "
        "strike. All eight cases saw one, since they were picked for it: of whether there is a strike, that says little.",
    )
    console.print(table, width=console.width)
    for what, one in summary(found).items():
        told = (
            f"{label(what)}: {one['inside']} of {one['cases']} real times in the central 80%; rank correlation of middle "
            f"and real times {one['rank']:.2f}; log score {one['log_score']:.1f}, of the others "
            f"{one['log_score_others']:.1f}."
        )
        console.print(Text(told), width=width)
