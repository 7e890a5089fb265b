"""What `crisis-sim validate` prints for a person: each fact beside the simulated value, and each case."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from crisis_sim.report.tables import WIDTH, new_table
from crisis_sim.report.words import label, percent
from crisis_sim.validation import words
from crisis_sim.validation.cases import IN_WORDS
from crisis_sim.validation.run import Validation
from crisis_sim.validation.verdict import Verdict

#: How a verdict is set: what is amiss stands out.
STYLES: dict[Verdict, str] = {
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
        console.print(Text(f"{label(name)}: {words.counted(counts[name])}."), width=width)
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
        table.add_row(Text(words.family(family), style="bold"))
        for one in comparisons:
            table.add_row(
                Text(f"  {words.short(one.fact)}"),
                words.unit(one.fact.is_share),
                words.recorded(one.fact),
                words.simulated(one.fact, one.measured.estimate),
                Text(one.verdict, style=STYLES[one.verdict]),
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
            words.case_figure(one, one.real),
            words.case_range(one),
            percent(one.percentile),
            percent(one.came),
            Text(one.verdict, style=STYLES[one.verdict]),
            "yes" if one.expectation.in_fit else "",
        )
    told = "; ".join(f"{what}: {meaning}" for what, meaning in IN_WORDS.items())
    table.caption = Text(
        f"{told[0].upper()}{told[1:]}. Come: share that have one, of all crises; of a halt, of crises "
        "with a first strike."
    )
    return table
