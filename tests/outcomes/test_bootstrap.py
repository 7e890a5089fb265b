"""The bootstrap of a median time, and differences of two."""

from __future__ import annotations

import math

import numpy as np
import pytest

from crisis_sim.outcomes import CumulativeIncidence, cumulative_incidence
from crisis_sim.outcomes.incidence import MedianTime, median_difference, median_time


def uniform_crises(number: int, stretch: float = 1.0, shift: float = 0.0) -> CumulativeIncidence:
    time = np.random.default_rng(2).random(number) * 100.0 * stretch + shift
    return cumulative_incidence(time, np.ones(number, dtype=int))


def test_a_shift_of_every_time_is_found_without_any_doubt() -> None:
    """Paired with itself shifted by six hours, the difference has no luck left in it."""
    ours, theirs = median_time(uniform_crises(3000, shift=6.0)), median_time(uniform_crises(3000))
    result = median_difference(ours, theirs)
    assert (result.estimate, result.lower, result.upper) == pytest.approx((6.0, 6.0, 6.0))


@pytest.mark.parametrize("number", [390, 20_000])
def test_the_bootstrap_spreads_as_a_sample_median_does(number: int) -> None:
    """For uniform times up to 100 h the median's standard error is 50 / sqrt(n)."""
    draws = median_time(uniform_crises(number)).draws
    assert np.std(draws) == pytest.approx(50.0 / math.sqrt(number), rel=0.25)


def test_bins_lose_nothing_next_to_exact_times() -> None:
    """With so many distinct times that they are pooled, medians stay those of the times."""
    curve = uniform_crises(20_000)
    draws = median_time(curve).draws
    assert len(np.unique(draws)) > 100
    assert np.median(draws) == pytest.approx(curve.quantile().estimate, abs=0.05)


def test_the_bootstrap_repeats_itself_and_streams_differ() -> None:
    curve = uniform_crises(500)
    np.testing.assert_array_equal(median_time(curve).draws, median_time(curve).draws)
    assert (median_time(curve).draws != median_time(curve, stream=1).draws).any()


@pytest.mark.parametrize("seed", range(20))
def test_groups_count_censored_replicates_as_the_curve_does(seed: int) -> None:
    """One group drawn once is the sample itself, so its median is the curve's."""
    draw = np.random.default_rng(seed)
    time, watch = np.ceil(draw.exponential(20.0, 60)), np.ceil(draw.uniform(0.0, 60.0, 60))
    curve = cumulative_incidence(np.minimum(time, watch), (time <= watch).astype(int))
    whole = median_time(curve, draws=3, groups=1)
    np.testing.assert_array_equal(whole.draws, whole.hours)


def test_pooled_bins_take_censoring_into_account() -> None:
    draw = np.random.default_rng(4)
    time, watch = draw.exponential(60.0, 3000), draw.uniform(0.0, 200.0, 3000)
    curve = cumulative_incidence(np.minimum(time, watch), (time <= watch).astype(int))
    whole = median_time(curve, draws=3, groups=1)
    np.testing.assert_allclose(whole.draws, whole.hours, atol=0.5)


def test_no_median_no_difference() -> None:
    seldom = cumulative_incidence(
        np.full(100, 10.0), np.repeat([1, 2], [40, 60]), ("ceasefire", "otherwise")
    )
    assert median_time(seldom).hours == math.inf
    assert math.isnan(
        median_difference(median_time(seldom), median_time(uniform_crises(9))).estimate
    )


def test_draws_without_a_median_leave_that_side_open() -> None:
    settled, never = MedianTime(20.0, np.full(8, 20.0)), MedianTime(30.0, np.full(8, np.inf))
    some = MedianTime(30.0, np.repeat([30.0, np.inf], 4))
    for ours, theirs, limits in (
        (some, settled, (10.0, math.nan)),
        (settled, some, (math.nan, -10.0)),
        (never, never, (math.nan, math.nan)),
    ):
        found = median_difference(ours, theirs)
        np.testing.assert_array_equal((found.lower, found.upper), limits)
