"""Charts of shares: how crises ended, and differences from the reference."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from crisis_sim import style
from crisis_sim.batch.ensemble import Batch
from crisis_sim.report.shares import draw_differences
from tests.report.looking import words_in


def dots(axes: Axes) -> list[Any]:
    return [line for line in axes.lines if line.get_marker() == "o"]


def panel(figure: Figure, heading: str) -> Axes:
    return next(axes for axes in figure.axes if axes.get_title(loc="left").startswith(heading))


def test_dots_are_the_differences_in_the_units_of_the_axis(
    summary: dict[str, Any], drawn: dict[str, Figure]
) -> None:
    figure = drawn["differences"]
    for place, difference in enumerate(summary["differences"].values()):
        agreement = 100.0 * difference["endings"]["agreement"]["estimate"]
        median = difference["ceasefire"]["from_first_strike"]["median_hours"]["estimate"]
        assert dots(panel(figure, "Ending"))[place].get_xdata() == pytest.approx([agreement])
        assert dots(panel(figure, "Median"))[place].get_xdata() == pytest.approx([median])


def test_every_panel_shows_its_zero(drawn: dict[str, Figure]) -> None:
    for axes in drawn["differences"].axes:
        low, high = axes.get_xlim()
        assert low < 0.0 < high
        assert any(list(line.get_xdata()) == [0.0, 0.0] for line in axes.lines)


def test_a_dot_is_hollow_only_where_the_interval_holds_zero(
    summary: dict[str, Any], drawn: dict[str, Figure]
) -> None:
    figure = drawn["differences"]
    wars = [difference["shares"]["war"] for difference in summary["differences"].values()]
    hollow = [dot.get_markerfacecolor() == "#FFFFFF" for dot in dots(panel(figure, "Full"))]
    assert hollow == [war["lower"] <= 0.0 <= war["upper"] for war in wars]
    assert any(hollow)
    assert not all(hollow)


def test_limits_and_differences_that_are_not_known(batch: Batch, summary: dict[str, Any]) -> None:
    changed = copy.deepcopy(summary)
    first, second, *_ = changed["differences"].values()
    first["ceasefire"]["from_first_strike"]["median_hours"] = None
    second["ceasefire"]["from_first_strike"]["median_hours"]["upper"] = None
    figure = draw_differences(batch, changed)
    assert "never reaches half" in words_in(figure)
    arrows = [text for text in panel(figure, "Median").texts if text.arrow_patch]
    assert len(arrows) == 1


def test_one_scenario_has_nothing_to_be_compared_with(
    batch: Batch, summary: dict[str, Any]
) -> None:
    figure = draw_differences(batch, {**summary, "differences": {}})
    assert "May 2025 is the only scenario" in words_in(figure)


def test_it_says_when_not_all_were_paired(
    batch: Batch, summary: dict[str, Any], drawn: dict[str, Figure]
) -> None:
    changed = copy.deepcopy(summary)
    next(iter(changed["differences"].values()))["paired"] = False
    assert "same luck, replicate by replicate" in words_in(drawn["differences"])
    assert "not all with the same luck" in words_in(draw_differences(batch, changed))


def test_segments_are_the_shares_and_fill_the_bar(
    batch: Batch, summary: dict[str, Any], drawn: dict[str, Figure]
) -> None:
    bars = drawn["endings"].axes[0]
    kinds = list(style.ENDING_FILLS)
    widths = [segment.get_width() for segment in bars.patches]
    for place, name in enumerate(batch.ensembles):
        own = widths[place * len(kinds) : (place + 1) * len(kinds)]
        endings = summary["scenarios"][name]["endings"]
        assert own == pytest.approx([100.0 * endings[kind]["estimate"] for kind in kinds])
        assert sum(own) == pytest.approx(100.0)


def test_the_first_scenario_stands_on_top(drawn: dict[str, Figure]) -> None:
    bars = drawn["endings"].axes[0]
    low, high = bars.get_ylim()
    assert low > high
    assert bars.get_yticklabels()[0].get_text() == "May 2025"


def test_war_and_nuclear_use_stand_beside_with_their_intervals(
    summary: dict[str, Any], drawn: dict[str, Figure]
) -> None:
    _, *beside = drawn["endings"].axes
    for axes, event in zip(beside, ("war", "nuclear_use"), strict=True):
        whisker = axes.lines[0].get_xdata()
        share = summary["scenarios"]["may_2025"]["shares"][event]
        assert list(whisker) == pytest.approx([100.0 * share["lower"], 100.0 * share["upper"]])
        assert axes.get_xlim()[0] == 0.0


def test_endings_differ_without_colour() -> None:
    def lightness(colour: str) -> float:
        red, green, blue = to_rgb(colour)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    seen = [(round(lightness(fill.colour), 1), fill.hatch) for fill in style.ENDING_FILLS.values()]
    assert len(set(seen)) == len(seen)
