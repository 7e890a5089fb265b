from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from crisis_sim import style


@given(some.lists(some.floats(0.0, 100.0), max_size=20), some.floats(0.1, 30.0))
def test_spread_keeps_order_gap_and_bounds(wanted: list[float], gap: float) -> None:
    places = style.spread(wanted, gap, 0.0, 100.0)
    kept = min(gap, 100.0 / max(len(wanted) - 1, 1))
    in_order = [place for _, place in sorted(zip(wanted, places, strict=True))]
    assert all(-1e-6 <= place <= 100.0 + 1e-6 for place in places)
    assert all(after - before >= kept - 1e-6 for before, after in pairwise(in_order))


def test_spread_moves_neighbours_apart_about_their_middle_and_nothing_that_has_room() -> None:
    assert style.spread([90.0, 10.0, 50.0], 5.0, 0.0, 100.0) == [90.0, 10.0, 50.0]
    assert style.spread([50.0, 51.0], 5.0, 0.0, 100.0) == pytest.approx([48.0, 53.0])


def test_a_curve_that_ends_far_beyond_the_axes_is_named_at_their_edge() -> None:
    with style.in_style():
        figure = style.new_figure()
        axes = figure.add_subplot(ylim=(0.0, 1.0))
        ends = [(0.5, "near", style.scenario_line(0)), (1e3, "far", style.scenario_line(1))]
        style.label_ends(figure, axes, ends)
        style.settle(figure)
    for line in axes.lines:
        assert all(0.0 <= place <= 1.0 for place in line.get_ydata())
    assert axes.get_position().height > 0.5


def test_every_scenario_of_a_dozen_has_a_line_of_its_own() -> None:
    lines = [style.scenario_line(place) for place in range(12)]
    seen = {(line["color"], str(line["linestyle"])) for line in lines}
    assert len(seen) == 12


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_files_carry_no_date_and_no_program_and_a_script_that_the_font_lacks_is_no_warning(
    suffix: str, tmp_path: Path
) -> None:
    figure = style.new_figure()
    figure.add_subplot().plot([0, 1])
    figure.text(0.5, 0.5, "危機")
    style.save(figure, tmp_path / f"chart{suffix}")
    assert b"Matplotlib" not in (tmp_path / f"chart{suffix}").read_bytes()
