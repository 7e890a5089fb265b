from __future__ import annotations

from typing import Any

import pytest
from matplotlib.figure import Figure

from crisis_sim import style
from crisis_sim.batch.ensemble import Batch


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
    from matplotlib.colors import to_rgb

    def lightness(colour: str) -> float:
        red, green, blue = to_rgb(colour)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    seen = [(round(lightness(fill.colour), 1), fill.hatch) for fill in style.ENDING_FILLS.values()]
    assert len(set(seen)) == len(seen)
