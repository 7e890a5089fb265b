"""The result of a batch in sentences, and as the tables that a terminal prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crisis_sim import text
from crisis_sim.outcomes.summary import figure_at
from crisis_sim.text import excludes_zero, limits, number

#: The measure of the differences in words, and the crises that it is a share of.
_AMONG = "Among crises with a first strike, a ceasefire within 96 hours of it"
#: Differences in words, at most.
_TOLD = 3

#: A figure of a summary: `estimate`, `lower` and `upper`, each perhaps None.
Figure = Mapping[str, Any]


def answer(summary: Mapping[str, Any]) -> str:
    """The answer in a sentence or two: how often, how quickly, how often the worst, and what clearly changed it."""
    name = summary["reference"]
    scenario = summary["scenarios"][name]
    agreement, clock = scenario["endings"]["agreement"], scenario["ceasefire"]["from_first_strike"]
    changed = on_differences(summary)
    if agreement["estimate"] is None:
        return f"{text.label(name)}: there are no replicates. {changed}".strip()
    if clock["of"] == 0:
        quickly = "none saw a first strike"
    elif clock["median_hours"] is None:
        quickly = "of those that saw a first strike, fewer than half had a ceasefire while watched"
    else:
        median = text.duration(clock["median_hours"]["estimate"])
        quickly = f"of those that saw a first strike, half had a ceasefire within {median} of it"
    if paused := told_pause(scenario):
        quickly += f", and {paused}"
    often = f"{told_share(agreement)} of all crises ended in a ceasefire that held"
    worst = told_worst(scenario["shares"]["war"], scenario["shares"]["nuclear_use"])
    return f"{text.label(name)}: {often}; {quickly}; {worst}. {changed}".strip()


def told_pause(scenario: Mapping[str, Any]) -> str:
    """When strikes had paused in half of the crises that saw one, as a clause; "" where none did, or that is not known."""
    pause = scenario.get("pause")
    if not pause or pause["of"] == 0:
        return ""
    if pause["median_hours"] is None:
        return "in fewer than half the strikes paused while watched, agreed or not"
    median = text.duration(pause["median_hours"]["estimate"])
    return f"in half the strikes had paused within {median}, agreed or not"


def told_share(figure: Figure) -> str:
    """Such as "71% (95% interval 70 to 72)"; 0 and 100% only where it is so of none and of all."""
    estimate, low, high = (
        None if figure[key] is None else 100.0 * figure[key]
        for key in ("estimate", "lower", "upper")
    )
    digits = 1 if low is not None and high is not None and high - low < 1.0 else 0
    middle = number(estimate, digits)
    if estimate is not None and 0.0 < estimate < 100.0 and float(middle) in (0.0, 100.0):
        middle = text.percent(figure["estimate"])
    over = text.over_fits(figure)
    return f"{middle}% (95% interval {limits(low, high, digits)}{over and '; '}{over})"


def told_worst(war: Figure, nuclear: Figure) -> str:
    """How many crises came to war and to nuclear use, including where none did."""
    if not war["count"] and not nuclear["count"]:
        return "no crisis saw full-scale war or nuclear use"
    wars = text.percent(war["estimate"])
    if not nuclear["count"]:
        return f"full-scale war came in {wars}% of all crises, and no crisis saw nuclear use"
    uses = text.percent(nuclear["estimate"])
    if not war["count"]:
        return f"no crisis saw full-scale war, and nuclear use came in {uses}% of all crises"
    return f"full-scale war came in {wars}% of all crises, and nuclear use in {uses}%"


def on_differences(summary: Mapping[str, Any]) -> str:
    """Sentences on clear changes in the chance of an early ceasefire, the largest first."""
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
        return f"{_AMONG} was not clearly more or less likely in “{text.label(*figures)}”."
    if not clear:
        return f"{_AMONG} was clearly more or less likely in none of the other scenarios."
    told = [_told_difference(name, known[name]) for name in clear[:_TOLD]]
    rest = (
        ""
        if len(clear) <= _TOLD
        else f"; {len(clear) - _TOLD} more differed, by no more than these"
    )
    return f"{_AMONG} was {text.listed(told)}{rest}."


def is_clear(figure: Figure | None) -> bool:
    """Whether a difference is more than chance explains: its interval leaves out zero."""
    return figure is not None and excludes_zero(figure["lower"], figure["upper"])


def _told_difference(name: str, figure: Figure) -> str:
    estimate, *ends = (100.0 * figure[key] for key in ("estimate", "lower", "upper"))
    low, high = sorted(map(abs, ends))
    direction = "more" if estimate > 0 else "less"
    over = text.over_fits(figure, sign=True)
    return (
        f"{text.points(abs(figure['estimate'])).removeprefix('+')} percentage points {direction} likely "
        f"({limits(low, high, 1)}{over and '; '}{over}) in “{text.label(name)}”"
    )


#: Columns that the tables fit into. Text from scenarios stands in them as plain `rich.text.Text`, never as markup.
WIDTH = 100


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
        bullet.add_row("-", Text(text.clean(advice)))
        console.print(bullet, width=width)


def outcome_table(summary: Mapping[str, Any]) -> Table:
    """A row a scenario: agreement, ceasefire by three moments, median time, strikes paused, war, nuclear use."""
    table = new_table("Outcomes")
    _columns(
        table,
        ("agreement\n% (95%)", "ceasefire\nin 24 h, %", "in 72 h\n%", "in 96 h\n%"),
        ("median\nhours", "paused\nin 96 h", "war\n%", "nuclear\nuse, %"),
    )
    for name, scenario in summary["scenarios"].items():
        clock, shares = scenario["ceasefire"]["from_first_strike"], scenario["shares"]
        agreement, median = scenario["endings"]["agreement"], clock["median_hours"]
        by = [clock["by"][moment] for moment in ("24_hours", "72_hours", "96_hours")]
        estimate, low, high = (
            text.percent(agreement[key]) for key in ("estimate", "lower", "upper")
        )
        table.add_row(
            Text(text.clean(name), style="bold" if name == summary["reference"] else ""),
            Text.assemble(estimate, (f" ({low}–{high}){_second_line(agreement)}", "dim")),
            *(text.percent(one["estimate"]) for one in by),
            "none" if median is None else text.count(median["estimate"]),
            text.percent((figure_at(scenario, "pause.by.96_hours") or {}).get("estimate")),
            *(text.percent(shares[one]["estimate"]) for one in ("war", "nuclear_use")),
        )
    table.caption = Text(
        "Agreement, war and nuclear use: % of all crises. Ceasefire and median time: from the first "
        "strike, % of crises with one; paused: no strikes for a week or for good, agreed or not."
        + _on_fits(summary, ".")
    )
    return table


def difference_table(summary: Mapping[str, Any]) -> Table | None:
    """Each scenario less the reference; None where there is nothing to compare."""
    if not summary["differences"]:
        return None
    table = new_table(f"Differences from {text.clean(summary['reference'])}, with 95% intervals")
    _columns(
        table,
        ("agreement\npoints", "ceasefire in 96 h\npoints", "war\npoints", "median\nhours"),
    )
    for name, difference in summary["differences"].items():
        clock = difference["ceasefire"]["from_first_strike"]
        table.add_row(
            Text(text.clean(name)),
            _difference(difference["endings"]["agreement"], text.points),
            _difference(clock["by"]["96_hours"], text.points),
            _difference(difference["shares"]["war"], text.points),
            _difference(clock["median_hours"], text.signed_hours),
        )
    table.caption = Text(
        "Percentage points of all crises; for a ceasefire, of crises with a first strike. "
        "Dim where the interval holds zero."
        + _on_fits(summary, ", and in how many of them the sign agrees.")
    )
    return table


def _columns(table: Table, *headings: Sequence[str]) -> None:
    table.add_column("scenario", max_width=24, overflow="fold")
    for heading in (one for some in headings for one in some):
        table.add_column(heading, justify="right", no_wrap=True)


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


def _difference(figure: Figure | None, write: Callable[[float], str]) -> Text:
    """Estimate and limits, such as "−8.9 (−10.1, −7.8)"; a limit that is not set is left open."""
    if figure is None or figure["estimate"] is None:
        return Text("not known", style="dim")
    low, high = figure["lower"], figure["upper"]
    limits = f"{'…' if low is None else write(low)}, {'…' if high is None else write(high)}"
    told = f"{write(figure['estimate'])} ({limits}){_second_line(figure, sign=True)}"
    return Text(told, style="" if is_clear(figure) else "dim")


def _on_fits(summary: Mapping[str, Any], more: str) -> str:
    """What stands under a figure in a table, where there is something."""
    over = summary["scenarios"][summary["reference"]].get("over_fits")
    told = (
        f" Below: the range over fits, of 95% of {over['sets']} sets of behaviour" if over else ""
    )
    return told and told + more


def _second_line(figure: Figure, sign: bool = False) -> str:
    """The range over fits, for a cell of a table."""
    told = text.over_fits(figure, sign=sign).removeprefix("over fits ")
    return told and "\n" + told.replace("; the sign agrees in", ",")
