from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from crisis_sim.batch.ensemble import Ensemble
from crisis_sim.outcomes import CumulativeIncidence, cumulative_incidence, from_first_strike
from crisis_sim.outcomes.intervals import (
    CONTINUITY,
    newcombe_independent_interval,
    newcombe_paired_interval,
    wilson_interval,
)
from crisis_sim.outcomes.paired import (
    MedianTime,
    incidence_difference,
    match_replicates,
    median_difference,
    median_time,
    share_difference,
)

NEVER = np.full(8, np.inf)


def test_replicates_are_matched_by_number() -> None:
    ours, theirs = match_replicates(np.array([7, 3, 9, 1]), np.array([1, 2, 3, 7]))
    assert sorted(zip(ours.tolist(), theirs.tolist(), strict=True)) == [(0, 3), (1, 2), (3, 0)]


def test_a_paired_share_difference_counts_the_pairs_that_disagree() -> None:
    here = np.repeat([True, True, False, False], [30, 8, 2, 60])
    there = np.repeat([True, False, True, False], [30, 8, 2, 60])
    result = share_difference(here, there)
    lower, upper = newcombe_paired_interval(30, 8, 2, 60, continuity=CONTINUITY)
    assert result.estimate == pytest.approx(0.06)
    assert (result.lower, result.upper) == (float(lower), float(upper))


def test_an_independent_share_difference_needs_no_equal_numbers() -> None:
    result = share_difference(
        np.repeat([True, False], [38, 62]), np.repeat([True, False], [32, 118]), paired=False
    )
    lower, upper = newcombe_independent_interval(38, 100, 32, 150)
    assert (result.lower, result.upper) == (float(lower), float(upper))


def test_no_replicates_no_difference() -> None:
    nothing = np.zeros(0, dtype=bool)
    assert math.isnan(share_difference(nothing, nothing).estimate)


def test_without_censoring_the_error_is_that_of_the_paired_indicators() -> None:
    draw = np.random.default_rng(1)
    budgets = draw.exponential(size=(400, 2))
    curves, came = [], []
    for mean in (80.0, 100.0):
        every = budgets * [mean, 150.0]
        time, cause = every.min(axis=1), every.argmin(axis=1) + 1
        curves.append(cumulative_incidence(time, cause, ("ceasefire", "otherwise")))
        came.append(((time <= 96.0) & (cause == 1)).astype(float))
    differences = came[0] - came[1]
    result = incidence_difference(*curves, 96.0)
    assert result.estimate == pytest.approx(differences.mean())
    assert result.standard_error == pytest.approx(differences.std() / math.sqrt(400))


def test_replicates_on_the_clock_in_one_scenario_only_are_reckoned_with() -> None:
    """A share among those on the clock is a ratio of means; its error is the delta method's."""
    draw = np.random.default_rng(3)
    on_clock = draw.random((2, 300)) < 0.7
    came = draw.random((2, 300)) < np.array([[0.5], [0.3]])
    curves, pulls = [], []
    for here, event in zip(on_clock, came, strict=True):
        time = np.where(here, np.where(event, 10.0, 50.0), np.nan)
        curves.append(cumulative_incidence(time, event & here))
        pulls.append(here * (event - event[here].mean()) / here.mean())
    result = incidence_difference(*curves, 24.0)
    assert result.standard_error == pytest.approx(np.std(pulls[0] - pulls[1]) / math.sqrt(300))


def test_pairing_narrows_and_the_same_scenario_twice_differs_by_a_few_crises_at_most(
    simulated: Callable[..., Ensemble],
) -> None:
    base, quick = (from_first_strike(simulated(2000, mean)).incidence() for mean in (90.0, 80.0))
    paired = incidence_difference(quick, base, 96.0)
    apart = incidence_difference(quick, base, 96.0, paired=False)
    assert paired.estimate == apart.estimate
    assert paired.upper - paired.lower < 0.5 * (apart.upper - apart.lower)
    assert apart.standard_error == pytest.approx(
        math.hypot(quick.at(96.0).standard_error, base.at(96.0).standard_error)
    )
    same = incidence_difference(base, base, 96.0)
    assert (same.estimate, same.standard_error) == (0.0, 0.0)
    assert 2.0 / same_pairs(base) < same.upper < 4.0 / same_pairs(base)
    assert same.lower == pytest.approx(-same.upper)


def same_pairs(curve: CumulativeIncidence) -> float:
    """How many replicates without censoring the incidence by 96 hours is worth."""
    point = curve.at(96.0)
    return point.estimate * (1.0 - point.estimate) / point.standard_error**2


def test_crises_that_all_went_alike_bound_a_difference_as_seldom_seen_events_do() -> None:
    """None of 200 differed, so three in 200 might (the rule of three): half have the event."""
    time = np.repeat([10.0, 500.0], 100)
    curve = cumulative_incidence(time, np.ones(200, dtype=int))
    result = incidence_difference(curve, curve, 96.0)
    share = share_difference(time < 96.0, time < 96.0)
    for upper in (result.upper, share.upper):
        assert 2.5 / 200 < upper < 3.5 / 200
    assert result.lower == pytest.approx(-result.upper)


def test_never_against_never_has_a_width() -> None:
    curve = cumulative_incidence(np.full(200, 500.0), np.zeros(200, dtype=int))
    result = incidence_difference(curve, curve, 96.0)
    highest = float(wilson_interval(0, 200).upper)
    assert result.estimate == 0.0
    assert (result.lower, result.upper) == pytest.approx((-highest, highest))


def test_a_moment_past_the_watch_of_either_is_unknown() -> None:
    longer = cumulative_incidence(np.full(10, 500.0), np.zeros(10, dtype=int))
    shorter = cumulative_incidence(np.full(10, 50.0), np.zeros(10, dtype=int))
    assert math.isnan(incidence_difference(longer, shorter, 96.0).estimate)


def test_pairs_need_the_same_replicates() -> None:
    ten, nine = (cumulative_incidence(np.ones(k), np.ones(k, dtype=int)) for k in (10, 9))
    with pytest.raises(ValueError, match="got 10 and 9"):
        incidence_difference(ten, nine, 2.0)


def uniform_crises(number: int, stretch: float = 1.0, shift: float = 0.0) -> CumulativeIncidence:
    time = np.random.default_rng(2).random(number) * 100.0 * stretch + shift
    return cumulative_incidence(time, np.ones(number, dtype=int))


def test_a_shift_of_every_time_is_found_without_any_doubt() -> None:
    """Paired with itself shifted by six hours, the difference has no luck left in it."""
    ours, theirs = median_time(uniform_crises(3000, shift=6.0)), median_time(uniform_crises(3000))
    result = median_difference(ours, theirs)
    assert result is not None
    assert result.estimate == pytest.approx(6.0)
    assert result.lower == pytest.approx(6.0)
    assert result.upper == pytest.approx(6.0)


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
    median = curve.quantile()
    assert median is not None
    assert np.median(draws) == pytest.approx(median.estimate, abs=0.05)


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
    assert whole.hours is not None
    np.testing.assert_array_equal(whole.draws, whole.hours)


def test_pooled_bins_take_censoring_into_account() -> None:
    draw = np.random.default_rng(4)
    time, watch = draw.exponential(60.0, 3000), draw.uniform(0.0, 200.0, 3000)
    curve = cumulative_incidence(np.minimum(time, watch), (time <= watch).astype(int))
    whole = median_time(curve, draws=3, groups=1)
    assert whole.hours is not None
    np.testing.assert_allclose(whole.draws, whole.hours, atol=0.5)


def test_no_median_no_difference() -> None:
    seldom = cumulative_incidence(
        np.full(100, 10.0), np.repeat([1, 2], [40, 60]), ("ceasefire", "otherwise")
    )
    assert median_time(seldom).hours is None
    assert median_difference(median_time(seldom), median_time(uniform_crises(100))) is None


def test_draws_without_a_median_leave_that_side_open() -> None:
    settled = MedianTime(20.0, np.full(8, 20.0))
    open_above = median_difference(
        MedianTime(30.0, np.where(np.arange(8) < 4, 30.0, NEVER)), settled
    )
    assert open_above is not None
    assert (open_above.lower, math.isnan(open_above.upper)) == (10.0, True)
    open_below = median_difference(
        settled, MedianTime(30.0, np.where(np.arange(8) < 4, 30.0, NEVER))
    )
    assert open_below is not None
    assert (math.isnan(open_below.lower), open_below.upper) == (True, -10.0)
    neither = median_difference(MedianTime(30.0, NEVER), MedianTime(20.0, NEVER))
    assert neither is not None
    assert math.isnan(neither.lower)
    assert math.isnan(neither.upper)
