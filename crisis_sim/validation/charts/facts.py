"""Facts and simulated values side by side, a row a fact: shares to the left, days to the right."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from crisis_sim.report import style
from crisis_sim.validation import words
from crisis_sim.validation.charts.marks import VERDICT_MARKS, keys
from crisis_sim.validation.run import Validation
from crisis_sim.validation.verdict import Comparison

#: Facts that have a chart of their own.
ELSEWHERE = ("From act to act",)
TICKS = (1, 3, 10, 30, 100, 300)
#: Millimetres for each row, and for what is above and below the rows.
ROW, FRAME = 3.9, 30.0


@style.styled
def draw_facts(validation: Validation) -> Figure:
    """A dot with its interval for each fact, over the record's interval."""
    families = {
        family: [one for one in comparisons if one.verdict != "not comparable"]
        for family, comparisons in validation.facts.items()
        if family not in ELSEWHERE
    }
    shares = {
        family: [one for one in ones if one.fact.is_share] for family, ones in families.items()
    }
    days = {
        family: [one for one in ones if not one.fact.is_share] for family, ones in families.items()
    }
    rows = max(_rows(shares), _rows(days))
    figure = style.new_figure(height=FRAME + ROW * rows)
    left, right = figure.subplots(1, 2)
    _panel(left, shares, rows, scale=100.0)
    _panel(right, days, rows, scale=1.0)
    left.set_xlim(0, 100)
    left.set_xlabel("% of what the family says")
    left.set_title("Shares")
    right.set_xscale("log")
    right.set_xlim(0.7, 700)
    right.xaxis.set_major_locator(FixedLocator(TICKS))
    right.xaxis.set_minor_locator(NullLocator())
    right.xaxis.set_major_formatter(FuncFormatter(lambda day, _: f"{day:g}"))
    right.set_xlabel("days (logarithmic)")
    right.set_title("Times")
    entries = keys("record, 95% interval", "simulated")
    figure.legend(handles=entries, loc="outside lower center", ncols=len(entries))
    return figure


def _rows(families: dict[str, list[Comparison]]) -> int:
    """Rows that a panel needs, one of them for each family's name."""
    return sum(1 + len(ones) for ones in families.values() if ones)


def _panel(axes: Axes, families: dict[str, list[Comparison]], rows: int, scale: float) -> None:
    labels: list[tuple[str, bool]] = []
    for family, ones in families.items():
        if ones:
            labels.append((words.family(family) if scale > 1.0 else family, True))
        for one in ones:
            _row(axes, len(labels), one, scale)
            labels.append((words.short(one.fact), False))
    axes.set_yticks(range(len(labels)), [text for text, _ in labels])
    for label, (_, is_family) in zip(axes.get_yticklabels(), labels, strict=True):
        label.set_fontweight("bold" if is_family else "normal")
    axes.set_ylim(rows - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def _row(axes: Axes, place: int, one: Comparison, scale: float) -> None:
    fact, simulated = one.fact, one.measured.estimate
    if fact.lower is not None and fact.upper is not None:
        ends = [scale * fact.lower, scale * fact.upper]
        axes.plot(ends, [place, place], color=style.REAL, linewidth=3.0, alpha=0.35)
    axes.plot([scale * fact.value], [place], color=style.REAL, marker="|", markersize=6.0)
    mark = VERDICT_MARKS[one.verdict]
    limits = [
        scale * limit for limit in (simulated.lower, simulated.upper) if not math.isnan(limit)
    ]
    if len(limits) == 2:
        axes.plot(limits, [place, place], color=mark["color"], linewidth=0.9)
    axes.plot([scale * simulated.estimate], [place], markersize=3.4, clip_on=False, **mark)
