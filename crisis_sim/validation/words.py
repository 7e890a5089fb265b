"""Facts, figures and verdicts in words and in tables."""

from __future__ import annotations

import math

from rich.console import Console
from rich.table import Table
from rich.text import Text

from crisis_sim.outcomes.intervals import Estimate
from crisis_sim.report.answers import WIDTH, new_table
from crisis_sim.scenario.schema import STYLES
from crisis_sim.text import UNKNOWN, label, percent
from crisis_sim.validation.cases import IN_WORDS, REBOUND, CaseResult
from crisis_sim.validation.record import Fact, Verdict
from crisis_sim.validation.run import Validation

# --- How facts, figures and verdicts are put into words, in tables, charts and on the page alike

#: What each fact is called under the name of its family, shorter than in the record.
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


#: What the shares of a family are shares of.
AMONG = {
    "Endings": "crises that ended",
    "Worst violence": "all crises",
    "Mediation": "all crises",
    "Agreement": "crises that ended, so mediated",
    "Answer to a violent trigger": "states that answered",
    "Nuclear use": "crises between nuclear powers",
    "From act to act": "acts of the first kind; wars: of all crises",
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


def unit(is_share: bool) -> str:
    """The unit that `number` writes in."""
    return "%" if is_share else "days"


def recorded(fact: Fact) -> str:
    """The figure of the record with its interval, such as "36.2 (31.7–41)"."""
    return _with_limits(fact.value, fact.lower, fact.upper, fact.is_share)


def simulated(fact: Fact, estimate: Estimate) -> str:
    """The model's figure with its interval."""
    return _with_limits(estimate.estimate, estimate.lower, estimate.upper, fact.is_share)


def _with_limits(value: float, lower: float | None, upper: float | None, is_share: bool) -> str:
    if lower is None or upper is None or (math.isnan(lower) and math.isnan(upper)):
        return number(value, is_share)
    return f"{number(value, is_share)} ({number(lower, is_share)}–{number(upper, is_share)})"


def case_figure(result: CaseResult, value: float) -> str:
    """A figure of a case in its unit: days, or for a market's rise per cent."""
    return number(value, True) + "%" if result.what == REBOUND else number(value, False)


def case_range(result: CaseResult) -> str:
    """The simulated figures of a case: their 10th, 50th and 90th percentile."""
    return ", ".join(case_figure(result, value) for value in result.quantiles[1:4])


def counted(counts: dict[str, int]) -> str:
    """How many of how many are inside, near and outside, in a sentence's part."""
    told = [f"{counts[verdict]} {verdict}" for verdict in ("inside", "near", "outside")]
    left_out = counts["not comparable"]
    of = sum(counts.values()) - left_out
    return f"{', '.join(told)}, of {of}" + (
        f" ({left_out} more cannot be compared)" if left_out else ""
    )


# --- What `crisis-sim validate` prints for a person: each fact beside the simulated value, and each case

#: How a verdict is set: what is amiss stands out.
VERDICT_STYLES: dict[Verdict, str] = {
    "inside": "",
    "near": "yellow",
    "outside": "bold red",
    "not comparable": "dim",
}


def print_validation(validation: Validation, console: Console | None = None) -> None:
    """Print where the model stands: a table of facts, one of cases, and how many are met.

    Args:
        validation: what was compared.
        console: where to print; standard output unless given.
    """
    console = console or Console()
    width = min(console.width, WIDTH)
    console.print(fact_table(validation), width=width)
    console.print()
    console.print(case_table(validation), width=width)
    console.print()
    counts = validation.counts()
    for name in ("facts", "cases"):
        console.print(Text(f"{label(name)}: {counted(counts[name])}."), width=width)
    if validation.unresolved:
        console.print(
            Text(
                f"{percent(validation.unresolved)}% of all crises of the population went on to the horizon."
            ),
            width=width,
        )


def fact_table(validation: Validation) -> Table:
    """A row a fact, family by family."""
    table = new_table("Facts: the record, and the population scenario, with 95% intervals")
    table.add_column("fact", max_width=42)
    for heading in ("unit", "record", "simulated", "verdict", "in fit"):
        table.add_column(heading, no_wrap=True)
    for family, comparisons in validation.facts.items():
        table.add_row(Text(family_name(family), style="bold"))
        for one in comparisons:
            table.add_row(
                Text(f"  {short(one.fact)}"),
                unit(one.fact.is_share),
                recorded(one.fact),
                simulated(one.fact, one.measured.estimate),
                Text(one.verdict, style=VERDICT_STYLES[one.verdict]),
                "yes" if one.expectation.in_fit else "",
            )
    return table


def case_table(validation: Validation) -> Table:
    """A row a real figure of a case."""
    table = new_table("Cases: where the real figure falls among the simulated ones")
    table.add_column("case")
    for heading in (
        "what",
        "real",
        "simulated\n10, 50, 90%",
        "below\nit, %",
        "come,\n%",
        "verdict",
        "in\nfit",
    ):
        table.add_column(heading, no_wrap=True)
    for one in validation.cases:
        table.add_row(
            one.case.name,
            one.what,
            case_figure(one, one.real),
            case_range(one),
            percent(one.percentile),
            percent(one.came),
            Text(one.verdict, style=VERDICT_STYLES[one.verdict]),
            "yes" if one.expectation.in_fit else "",
        )
    told = "; ".join(f"{what}: {meaning}" for what, meaning in IN_WORDS.items())
    table.caption = Text(
        f"{told[0].upper()}{told[1:]}. Come: share that have one, of all crises; of a halt, of crises "
        "with a first strike."
    )
    return table
