"""How far the parameters of a best point may be moved alone."""

from __future__ import annotations

import numpy as np
import pytest

from crisis_sim.experiments.search import range_around

SHARES = np.linspace(0.0, 1.0, 11)


def test_a_parabola_is_left_where_it_passes_the_tolerance() -> None:
    rise = 400.0 * (SHARES - 0.5) ** 2  # 4 at a distance of 0.1, 16 at 0.2
    assert range_around(0.5, SHARES, rise, 4.0) == pytest.approx((0.4, 0.6))
    far = np.sqrt(10.0 / 400.0)
    assert range_around(0.5, SHARES, rise, 10.0) == pytest.approx((0.5 - far, 0.5 + far))


def test_the_best_need_not_lie_on_a_value_that_was_tried() -> None:
    rise = 1000.0 * (SHARES - 0.52) ** 2
    low, high = range_around(0.52, SHARES, rise, 1.6)
    assert low == pytest.approx(0.48)
    assert high == pytest.approx(0.56)


def test_what_never_tells_is_open_to_the_ends() -> None:
    assert range_around(0.3, SHARES, np.zeros(11), 3.84) == (0.0, 1.0)


def test_a_best_at_an_end_of_its_range_has_one_side_only() -> None:
    low, high = range_around(0.0, SHARES, 100.0 * SHARES**2, 0.25)
    assert (low, high) == (0.0, pytest.approx(0.05))


def test_a_better_value_beyond_a_worse_one_does_not_widen_the_range() -> None:
    rise = np.where(np.abs(SHARES - 0.5) < 0.15, 0.0, 50.0)
    rise[-1] = 0.0
    assert range_around(0.5, SHARES, rise, 5.0)[1] < 0.72
