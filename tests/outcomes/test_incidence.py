"""Cumulative incidence, its influence values, and the bootstrap of its median.

`test_other_libraries` compares curves, errors and limits with those of other libraries.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given

from crisis_sim.outcomes import CumulativeIncidence, cumulative_incidence
from crisis_sim.outcomes.incidence import MedianTime, median_difference, median_time
from crisis_sim.outcomes.intervals import wilson_interval
from tests.outcomes.made_up import CAUSES, Readings, competing, readings


@pytest.fixture
def by_hand() -> CumulativeIncidence:
    """Eight crises with ties: at 2 an event and a censoring, at 3 one event of each kind.

    hour  at risk  ceasefire  otherwise  S       F(ceasefire)             F(otherwise)
    1     8        1          0          7/8     1/8                      0
    2     7        1          0          6/8     1/8 + 7/8 * 1/7 = 1/4    0
    3     5        1          1          9/20    1/4 + 3/4 * 1/5 = 2/5    3/4 * 1/5 = 3/20
    5     2        1          0          9/40    2/5 + 9/20 * 1/2 = 5/8   3/20
    """
    time = np.array([5.0, 3.0, 1.0, 2.0, 2.0, 3.0, 4.0, 5.0])
    return cumulative_incidence(time, np.array([1, 2, 1, 0, 1, 1, 0, 0]), CAUSES)


def test_the_example_worked_by_hand_between_and_outside_its_steps(
    by_hand: CumulativeIncidence,
) -> None:
    np.testing.assert_array_equal(by_hand.times, [1, 2, 3, 5])
    np.testing.assert_array_equal(by_hand.events, [[1, 1, 1, 1], [0, 0, 1, 0]])
    np.testing.assert_allclose(by_hand.survival, [7 / 8, 6 / 8, 9 / 20, 9 / 40])
    hours = [0.5, 1.0, 2.9, 3.0, 5.0, 5.1]  # nobody was watched as long as the last
    grid = by_hand.at(hours)
    np.testing.assert_allclose(grid.estimate, [0.0, 1 / 8, 1 / 4, 2 / 5, 5 / 8, np.nan])
    assert by_hand.at(3.0, "otherwise").estimate == pytest.approx(3 / 20)
    assert by_hand.at_risk_at([0.0, 2.0, 2.5, 5.0]).tolist() == [8, 7, 5, 2]
    for name in ("estimate", "lower", "upper"):
        alone = [getattr(by_hand.at(one), name) for one in hours]
        np.testing.assert_array_equal(getattr(grid, name), alone)
    with pytest.raises(ValueError, match="unknown cause 'peace'; this curve has ceasefire"):
        by_hand.at(1.0, "peace")


def test_a_quantile_is_the_first_time_at_its_level_and_its_limits_invert_the_band(
    by_hand: CumulativeIncidence,
) -> None:
    median, band = by_hand.quantile(0.5), by_hand.band()
    assert median.estimate == 5.0
    assert median.lower == by_hand.times[np.argmax(band.upper >= 0.5)] == 1.0
    assert band.lower[-1] < 0.5
    assert math.isnan(median.upper), "the lower limit never reaches half"
    assert by_hand.quantile(0.7).estimate == by_hand.quantile(0.5, "otherwise").estimate == math.inf
    with pytest.raises(ValueError, match="between 0 and 1"):
        by_hand.quantile(50.0)


@pytest.mark.parametrize("hours", [30.0, 150.0])
def test_the_influence_values_are_what_leaving_a_replicate_out_shows(hours: float) -> None:
    """Each crisis stands in the data a thousand times, so leaving one out moves it very little."""
    time, cause = competing(50, seed=5, grid=6.0)[0]
    many_times, many_causes = np.tile(time, 1000), np.tile(cause, 1000)
    whole = cumulative_incidence(many_times, many_causes, CAUSES)
    left_out = [
        cumulative_incidence(np.delete(many_times, row), np.delete(many_causes, row), CAUSES)
        for row in range(50)
    ]
    jackknife = [
        (whole.rows - 1) * (whole.at(hours).estimate - without.at(hours).estimate)
        for without in left_out
    ]
    np.testing.assert_allclose(whole.at(hours).influence[:50], jackknife, atol=1e-3)
    alone = cumulative_incidence(time, cause, CAUSES).at(hours)
    np.testing.assert_allclose(alone.influence, whole.at(hours).influence[:50], atol=1e-12)


def test_replicates_that_never_start_the_clock_have_no_influence() -> None:
    time, cause = competing(100, seed=6)[0]
    more = np.append(time, np.full(60, np.nan)), np.append(cause, np.zeros(60))
    joined, alone = cumulative_incidence(*more, CAUSES), cumulative_incidence(time, cause, CAUSES)
    assert (joined.rows, joined.started) == (160, 100)
    np.testing.assert_array_equal(joined.estimate, alone.estimate)
    values = joined.at(80.0).influence
    assert not values[100:].any()
    assert math.sqrt((values**2).sum()) / 160 == pytest.approx(alone.at(80.0).standard_error)


def test_edges() -> None:
    """Events of another kind are no censoring; nothing seen has Wilson's limit; nobody on the clock is unknown."""
    ended = cumulative_incidence(np.array([1.0, 1.0, 2.0, 2.0]), np.array([2, 2, 1, 1]), CAUSES)
    assert ended.at(2.0).estimate == 0.5
    assert ended.at(1000.0).estimate == 0.5, "everyone has ended, so nothing is unknown"
    highest = float(wilson_interval(0, 100).upper)
    censored = cumulative_incidence(np.full(100, 48.0), np.zeros(100, dtype=int), CAUSES)
    by_then = censored.at(48.0)
    assert (by_then.estimate, by_then.upper) == pytest.approx((0.0, highest))
    assert not by_then.influence.any()
    # Sixty ended otherwise by hour 2: like the forty still watched they had no ceasefire.
    time, cause = np.repeat([1.0, 2.0, 50.0], [30, 30, 40]), np.repeat([2, 0], [60, 40])
    assert cumulative_incidence(time, cause, CAUSES).at(24.0).upper == pytest.approx(highest)
    nobody = cumulative_incidence(np.full(3, np.nan), np.zeros(3, dtype=int), CAUSES)
    assert np.isnan([nobody.at(0.0).estimate, nobody.quantile().estimate]).all()


def test_curves_at_many_points_are_those_of_each_alone() -> None:
    """On one grid of times, with the second kind of event competing but without a curve."""
    points = [competing(60, seed, grid=6.0)[0] for seed in range(4)]
    together = cumulative_incidence(*map(np.array, zip(*points, strict=True)), CAUSES, first_only=True)  # type: ignore[arg-type] # fmt: skip
    for k, point in enumerate(points):
        alone = cumulative_incidence(*point, CAUSES)
        for one, all_points in (
            (alone.at(90.0), together.at(90.0)),
            (alone.quantile(0.4), together.quantile(0.4)),
        ):
            for name in ("estimate", "standard_error", "lower", "upper", "influence"):
                np.testing.assert_array_equal(getattr(all_points, name)[k], getattr(one, name))
        assert together.latest(500.0)[k] == alone.latest(500.0)


def test_the_latest_moment_is_the_horizon_or_leaves_enough_at_risk() -> None:
    for last in (0, 1):  # censored at the horizon, or all ended
        times, causes = np.repeat([5.0, 90.0 - 30 * last], [97, 3]), np.repeat([1, last], [97, 3])
        assert cumulative_incidence(times, causes).latest(90.0) == 90.0
    watches = np.arange(1.0, 201.0)
    curve = cumulative_incidence(watches, np.zeros(200, dtype=int))
    assert curve.latest(1000.0) == 191.0
    assert curve.at_risk_at(curve.latest(1000.0)) == 10
    assert cumulative_incidence(watches[:5], np.zeros(5, dtype=int)).latest(1000.0) == 5.0


@pytest.mark.parametrize(
    ("time", "cause", "message"),
    [
        ([1.0, 2.0], [1], "the same shape"),
        ([-1.0], [1], "negative, got -1.0"),
        ([1.0], [3], "between 0 .* and 2, got 3"),
        ([1.0], [-1], "between 0 .* and 2, got -1"),
    ],
)
def test_invalid_times_and_causes_are_refused(
    time: list[float], cause: list[int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        cumulative_incidence(np.array(time), np.array(cause), CAUSES)


@given(readings())
def test_curves_are_probabilities_for_any_data(data: Readings) -> None:
    time, cause = data
    curve = cumulative_incidence(time, cause, CAUSES)
    np.testing.assert_allclose(curve.estimate.sum(axis=0) + curve.survival, 1.0)
    assert (np.diff(curve.estimate, axis=1) >= 0.0).all()
    for name, estimate in zip(CAUSES, curve.estimate, strict=True):
        band = curve.band(name)
        assert ((band.lower >= 0.0) & (band.lower <= estimate + 1e-12)).all()
        assert ((band.upper <= 1.0) & (band.upper >= estimate - 1e-12)).all()
    shuffled = np.random.default_rng(0).permutation(len(time))
    again = cumulative_incidence(time[shuffled], cause[shuffled], CAUSES)
    np.testing.assert_array_equal(again.estimate, curve.estimate)


# The bootstrap of a median, and differences of two


def uniform_crises(number: int, shift: float = 0.0) -> CumulativeIncidence:
    time = np.random.default_rng(2).random(number) * 100.0 + shift
    return cumulative_incidence(time, np.ones(number, dtype=int))


def test_a_constant_shift_of_all_times_has_no_uncertainty() -> None:
    """Paired with itself shifted by six hours, the difference has no luck left in it."""
    ours, theirs = (median_time(uniform_crises(3000, shift)) for shift in (6.0, 0.0))
    result = median_difference(ours, theirs)
    assert (result.estimate, result.lower, result.upper) == pytest.approx((6.0, 6.0, 6.0))


@pytest.mark.parametrize("number", [390, 20_000])
def test_the_bootstrap_has_the_standard_error_of_a_median_and_is_reproducible(number: int) -> None:
    """For uniform times up to 100 h the median's standard error is 50 / sqrt(n)."""
    curve = uniform_crises(number)
    draws = median_time(curve).draws
    assert np.std(draws) == pytest.approx(50.0 / math.sqrt(number), rel=0.25)
    assert np.median(draws) == pytest.approx(curve.quantile().estimate, abs=20.0 / number**0.5)
    assert len(np.unique(draws)) > 50, "pooling has lost times"
    np.testing.assert_array_equal(median_time(curve).draws, draws)
    assert (median_time(curve, stream=1).draws != draws).any()


@pytest.mark.parametrize(("number", "slack"), [(60, 0.0), (3000, 0.5)], ids=["exact", "pooled"])
def test_groups_count_censored_replicates_as_the_curve_does(number: int, slack: float) -> None:
    """One group drawn once is the sample itself, so its median is the curve's."""
    for seed in range(20):
        draw = np.random.default_rng(seed)
        time, watch = draw.exponential(20.0, number), draw.uniform(0.0, 60.0, number)
        if number < 100:
            time, watch = np.ceil(time), np.ceil(watch)
        curve = cumulative_incidence(np.minimum(time, watch), (time <= watch).astype(int))
        whole = median_time(curve, draws=3, groups=1)
        np.testing.assert_allclose(whole.draws, whole.hours, atol=slack, rtol=0.0)


def test_draws_without_a_median_make_a_limit_unknown_and_without_medians_there_is_no_difference() -> (
    None
):
    settled, never = MedianTime(20.0, np.full(8, 20.0)), MedianTime(30.0, np.full(8, np.inf))
    some = MedianTime(30.0, np.repeat([30.0, np.inf], 4))
    seldom = cumulative_incidence(np.full(100, 10.0), np.repeat([1, 2], [40, 60]), CAUSES)
    none = median_time(seldom, draws=8)
    assert none.hours == math.inf
    for ours, theirs, limits in (
        (some, settled, (10.0, math.nan)),
        (settled, some, (math.nan, -10.0)),
        (never, never, (math.nan, math.nan)),
        (none, settled, (math.nan, math.nan)),
    ):
        found = median_difference(ours, theirs)
        np.testing.assert_array_equal((found.lower, found.upper), limits)
        assert math.isnan(found.estimate) is (ours is none)
