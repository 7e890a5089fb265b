from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given

from crisis_sim.outcomes import CumulativeIncidence, cumulative_incidence
from crisis_sim.outcomes.intervals import wilson_interval
from tests.outcomes.at_random import CAUSES, Readings, competing, readings


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
    cause = np.array([1, 2, 1, 0, 1, 1, 0, 0])
    return cumulative_incidence(time, cause, CAUSES)


def test_the_example_worked_by_hand(by_hand: CumulativeIncidence) -> None:
    np.testing.assert_array_equal(by_hand.times, [1, 2, 3, 5])
    np.testing.assert_array_equal(by_hand.at_risk, [8, 7, 5, 2])
    np.testing.assert_array_equal(by_hand.events, [[1, 1, 1, 1], [0, 0, 1, 0]])
    np.testing.assert_allclose(by_hand.survival, [7 / 8, 6 / 8, 9 / 20, 9 / 40])
    np.testing.assert_allclose(by_hand.estimate, [[1 / 8, 1 / 4, 2 / 5, 5 / 8], [0, 0, 0.15, 0.15]])


def test_the_variance_worked_by_hand(by_hand: CumulativeIncidence) -> None:
    """Until hour 2 nothing is censored, so it is binomial: 1/4 * 3/4 / 8. At hour 3 it sums
    (11/40)^2 / 56 + 7/512 - 2 (11/40) / 64            = 0.0064286 from hour 1,
    (3/20)^2 / 42 + (7/8)^2 6/343 - 2 (3/20) (7/8)/49  = 0.0085714 from hour 2,
    (3/4)^2 4/125                                      = 0.018     from hour 3.
    """
    np.testing.assert_allclose(
        by_hand.standard_error[0, :3] ** 2, [1 / 8 * 7 / 8 / 8, 3 / 128, 0.033], rtol=1e-12
    )


def test_reading_the_curve_between_and_outside_its_steps(by_hand: CumulativeIncidence) -> None:
    assert by_hand.at(0.5).estimate == 0.0
    assert by_hand.at(2.9).estimate == pytest.approx(1 / 4)
    assert by_hand.at(3.0).estimate == pytest.approx(2 / 5)
    assert by_hand.at(3.0, "otherwise").estimate == pytest.approx(3 / 20)
    assert by_hand.at_risk_at([0.0, 2.0, 2.5, 5.0]).tolist() == [8, 7, 5, 2]
    assert math.isnan(by_hand.at(5.1).estimate), "nobody was watched that long"
    with pytest.raises(ValueError, match="unknown cause 'peace'; this curve has ceasefire"):
        by_hand.at(1.0, "peace")


def test_on_a_grid_it_reads_as_at_each_moment(by_hand: CumulativeIncidence) -> None:
    grid = by_hand.at([0.0, 2.5, 6.0])
    points = [by_hand.at(hours) for hours in (0.0, 2.5, 6.0)]
    np.testing.assert_array_equal(grid.estimate, [point.estimate for point in points])
    np.testing.assert_array_equal(grid.lower, [point.lower for point in points])
    np.testing.assert_array_equal(grid.upper, [point.upper for point in points])


def test_the_median_is_the_first_time_at_half_and_its_limits_invert_the_band(
    by_hand: CumulativeIncidence,
) -> None:
    median = by_hand.quantile(0.5)
    assert median.estimate == 5.0
    band = by_hand.band()
    assert median.lower == by_hand.times[np.argmax(band.upper >= 0.5)] == 1.0
    assert band.lower[-1] < 0.5
    assert math.isnan(median.upper), "the lower limit never reaches half"


def test_a_quantile_that_is_never_reached_is_infinite(by_hand: CumulativeIncidence) -> None:
    assert by_hand.quantile(0.7).estimate == math.inf
    assert by_hand.quantile(0.5, "otherwise").estimate == math.inf
    with pytest.raises(ValueError, match="between 0 and 1"):
        by_hand.quantile(50.0)


def uncensored(number: int, grid: float | None) -> Readings:
    every = np.random.default_rng(1).exponential([100.0, 150.0], size=(number, 2))
    every = every if grid is None else np.ceil(every / grid) * grid
    return every.min(axis=1), every.argmin(axis=1) + 1


@pytest.mark.parametrize("grid", [None, 12.0])
def test_without_censoring_it_is_the_proportion_and_its_binomial_error(grid: float | None) -> None:
    time, cause = uncensored(500, grid)
    curve = cumulative_incidence(time, cause, CAUSES)
    for hours in (10.0, 60.0, 200.0, 10_000.0):
        share = np.mean((time <= hours) & (cause == 1))
        point = curve.at(hours)
        assert point.estimate == pytest.approx(share, rel=1e-12)
        assert point.standard_error == pytest.approx(math.sqrt(share * (1 - share) / 500), rel=1e-9)
        np.testing.assert_allclose(
            curve.at(hours).influence, ((time <= hours) & (cause == 1)) - share, atol=1e-12
        )


@pytest.mark.parametrize("grid", [None, 12.0])
def test_the_influence_values_are_the_standard_error(grid: float | None) -> None:
    time, cause = competing(250, seed=4, grid=grid)[0]
    curve = cumulative_incidence(time, cause, CAUSES)
    for step in range(0, len(curve.times), 7):
        values = curve.at(curve.times[step]).influence
        assert values.sum() == pytest.approx(0.0, abs=1e-9)
        assert math.sqrt((values**2).sum()) / 250 == pytest.approx(
            curve.standard_error[0, step], rel=1e-9
        )


@pytest.mark.parametrize("hours", [30.0, 90.0, 150.0])
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
    alone = cumulative_incidence(time, cause, CAUSES)
    np.testing.assert_allclose(
        alone.at(hours).influence, whole.at(hours).influence[:50], atol=1e-12
    )


def test_replicates_that_never_start_the_clock_have_no_influence() -> None:
    time, cause = competing(100, seed=6)[0]
    joined = cumulative_incidence(
        np.concatenate((time, np.full(60, np.nan))), np.concatenate((cause, np.zeros(60))), CAUSES
    )
    alone = cumulative_incidence(time, cause, CAUSES)
    assert (joined.rows, joined.started) == (160, 100)
    np.testing.assert_array_equal(joined.estimate, alone.estimate)
    values = joined.at(80.0).influence
    assert not values[100:].any()
    assert math.sqrt((values**2).sum()) / 160 == pytest.approx(alone.at(80.0).standard_error)


def test_events_of_another_kind_are_no_censoring() -> None:
    """Two crises end otherwise at hour 1, two by ceasefire at hour 2: half, not all, got one."""
    curve = cumulative_incidence(np.array([1.0, 1.0, 2.0, 2.0]), np.array([2, 2, 1, 1]), CAUSES)
    assert curve.at(2.0).estimate == 0.5
    assert curve.at(1000.0).estimate == 0.5, "everyone has ended, so nothing is unknown"


def test_a_few_edges() -> None:
    """Nothing seen has Wilson's limit; nobody on the clock is unknown."""
    censored = cumulative_incidence(np.full(100, 48.0), np.zeros(100, dtype=int), CAUSES)
    by_then = censored.at(48.0)
    assert by_then.estimate == 0.0
    assert by_then.upper == pytest.approx(float(wilson_interval(0, 100).upper))
    assert not by_then.influence.any()
    assert censored.quantile().estimate == math.inf
    nobody = cumulative_incidence(np.full(3, np.nan), np.zeros(3, dtype=int), CAUSES)
    assert np.isnan([nobody.at(0.0).estimate, nobody.quantile().estimate]).all()


def test_curves_at_many_points_are_those_of_each_alone() -> None:
    """On one grid of times, with the second kind of event competing but without a curve."""
    points = [competing(60, seed, grid=6.0)[0] for seed in range(4)]
    together = cumulative_incidence(
        np.array([time for time, _ in points]), np.array([cause for _, cause in points]), CAUSES,
        first_only=True,
    )  # fmt: skip
    for k, point in enumerate(points):
        alone = cumulative_incidence(*point, CAUSES)
        for one, all_points in (
            (alone.at(90.0), together.at(90.0)),
            (alone.quantile(0.4), together.quantile(0.4)),
        ):
            for name in ("estimate", "standard_error", "lower", "upper", "influence"):
                np.testing.assert_array_equal(getattr(all_points, name)[k], getattr(one, name))
        assert together.latest(500.0)[k] == alone.latest(500.0)


def test_the_limit_of_never_counts_those_that_ended_otherwise() -> None:
    """Sixty ended otherwise by hour 2: like the forty still watched they had no ceasefire."""
    time, cause = np.repeat([1.0, 2.0, 50.0], [30, 30, 40]), np.repeat([2, 0], [60, 40])
    curve = cumulative_incidence(time, cause, CAUSES)
    assert curve.at(24.0).upper == pytest.approx(float(wilson_interval(0, 100).upper))


def test_the_latest_moment_is_the_horizon_where_nothing_is_censored_before_it() -> None:
    curve = cumulative_incidence(np.repeat([5.0, 90.0], [97, 3]), np.repeat([1, 0], [97, 3]))
    assert curve.latest(90.0) == 90.0
    all_ended = cumulative_incidence(np.repeat([5.0, 60.0], [97, 3]), np.ones(100, dtype=int))
    assert all_ended.latest(90.0) == 90.0


def test_the_latest_moment_leaves_enough_at_risk_where_watches_end_one_by_one() -> None:
    watches = np.arange(1.0, 201.0)
    curve = cumulative_incidence(watches, np.zeros(200, dtype=int))
    assert curve.latest(1000.0) == 191.0
    assert curve.at_risk_at(curve.latest(1000.0)) == 10
    few = cumulative_incidence(watches[:5], np.zeros(5, dtype=int))
    assert few.latest(1000.0) == 5.0


@pytest.mark.parametrize(
    ("time", "cause", "message"),
    [
        ([1.0, 2.0], [1], "one shape"),
        ([-1.0], [1], "negative, got -1.0"),
        ([1.0], [3], "between 0 .* and 2, got 3"),
        ([1.0], [-1], "between 0 .* and 2, got -1"),
    ],
)
def test_what_is_no_reading_of_a_clock_is_refused(
    time: list[float], cause: list[int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        cumulative_incidence(np.array(time), np.array(cause), CAUSES)


@given(readings())
def test_whatever_the_data_the_curves_are_probabilities(data: Readings) -> None:
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


@pytest.mark.slow
def test_a_million_rows() -> None:
    time, cause = competing(1_000_000, seed=7)[1]
    curve = cumulative_incidence(time, cause, CAUSES)
    assert curve.started == 1_000_000
    # Constant hazards: a closed form to compare with.
    hazard = 1 / 100 + 1 / 150
    truth = (1 / 100) / hazard * (1.0 - math.exp(-hazard * 96.0))
    point = curve.at(96.0)
    assert abs(point.estimate - truth) < 4.0 * point.standard_error < 0.01
