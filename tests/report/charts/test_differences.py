from __future__ import annotations

import copy
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
