"""What `run` and `compare` print: the answer, a table of outcomes, one of differences, advice.

Text from scenarios is put in as plain `rich.text.Text`, never as markup, so that square brackets in
a name are just brackets; control characters are taken out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crisis_sim.report import words
from crisis_sim.report.answers import Figure, answer, is_clear

#: Columns that the tables fit into.
WIDTH = 100

_SCENARIO_WIDTH = 24


def print_summary(summary: Mapping[str, Any], console: Console | None = None) -> None:
    """Print a summary for a person: the answer, the outcomes, the differences and the advice.

    Args:
        summary: as `crisis_sim.outcomes.summarise` gives it.
        console: where to print; standard output unless given.
    """
    console = console or Console()
    width = min(console.width, WIDTH)
    console.print(Text(answer(summary)), width=width)
    console.print()
    console.print(outcome_table(summary), width=width)
    differences = difference_table(summary)
    console.print()
    if differences is not None:
        console.print(differences, width=width)
        console.print()
    if summary["advice"]:
        console.print(Text("How sure this is", style="bold"))
    for advice in summary["advice"]:
        bullet = Table.grid(padding=(0, 1, 0, 0))
        bullet.add_row(Text("-"), Text(words.clean(advice)))
        console.print(bullet, width=width)


def outcome_table(summary: Mapping[str, Any]) -> Table:
    """A row a scenario: agreement, ceasefire by three moments, median time, war, nuclear use."""
    table = new_table("Outcomes")
    table.add_column("scenario", max_width=_SCENARIO_WIDTH, overflow="fold")
    for heading in (
        "agreement\n% (95%)",
        "ceasefire\nin 24 h, %",
        "in 72 h\n%",
        "in 96 h\n%",
        "median\nhours",
        "war\n%",
        "nuclear\nuse, %",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, scenario in summary["scenarios"].items():
        clock = scenario["ceasefire"]["from_first_strike"]
        median = clock["median_hours"]
        table.add_row(
            _name(name, bold=name == summary["reference"]),
            _share(scenario["endings"]["agreement"]),
            *(_percent(clock["by"][moment]) for moment in ("24_hours", "72_hours", "96_hours")),
            Text("none" if median is None else words.count(median["estimate"])),
            _percent(scenario["shares"]["war"]),
            _percent(scenario["shares"]["nuclear_use"]),
        )
    table.caption = Text(
        "Agreement, war and nuclear use: % of all crises. Ceasefire and median time: from the first "
        "strike, % of crises with one."
    )
    return table


def difference_table(summary: Mapping[str, Any]) -> Table | None:
    """Each scenario less the reference; None where there is nothing to compare."""
    if not summary["differences"]:
        return None
    table = new_table(f"Differences from {words.clean(summary['reference'])}, with 95% intervals")
    table.add_column("scenario", max_width=_SCENARIO_WIDTH, overflow="fold")
    for heading in (
        "agreement\npoints",
        "ceasefire in 96 h\npoints",
        "war\npoints",
        "median\nhours",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, difference in summary["differences"].items():
        clock = difference["ceasefire"]["from_first_strike"]
        table.add_row(
            _name(name),
            _difference(difference["endings"]["agreement"], words.points),
            _difference(clock["by"]["96_hours"], words.points),
            _difference(difference["shares"]["war"], words.points),
            _difference(clock["median_hours"], words.signed_hours),
        )
    table.caption = Text(
        "Percentage points of all crises; for a ceasefire, of crises with a first strike. "
        "Dim where the interval holds zero."
    )
    return table


def new_table(title: str) -> Table:
    """An empty table in the look of all of them."""
    return Table(
        title=Text(title, style="bold"),
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )


def _name(name: str, bold: bool = False) -> Text:
    return Text(words.clean(name), style="bold" if bold else "")


def _percent(figure: Figure) -> Text:
    return Text(words.percent(_value(figure, "estimate")))


def _share(figure: Figure) -> Text:
    low, high = (words.percent(_value(figure, limit)) for limit in ("lower", "upper"))
    return Text.assemble(words.percent(_value(figure, "estimate")), (f" ({low}–{high})", "dim"))


def _difference(figure: Figure | None, write: Callable[[float], str]) -> Text:
    """Estimate and limits, such as "−8.9 (−10.1, −7.8)"; a limit that is not set is left open."""
    if figure is None or figure["estimate"] is None:
        return Text("not known", style="dim")
    low, high = figure["lower"], figure["upper"]
    limits = f"{'…' if low is None else write(low)}, {'…' if high is None else write(high)}"
    return Text(f"{write(figure['estimate'])} ({limits})", style="" if is_clear(figure) else "dim")


def _value(figure: Figure, key: str) -> float:
    return float("nan") if figure[key] is None else float(figure[key])
