from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from benchmarks.coverage_cases import independent_shares, paired_shares
from crisis_sim.outcomes.intervals import (
    CONTINUITY,
    cautious_correlation,
    complementary_log_log_interval,
    normal_quantile,
    quantile_ranks,
    quantile_with_interval,
    wilson_interval,
)


def test_normal_quantile_is_the_textbook_one() -> None:
    assert normal_quantile(0.95) == pytest.approx(1.959964, abs=1e-6)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_outside_0_to_1_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        normal_quantile(confidence)


def test_wilson_of_no_trials_is_unknown_and_never_seen_is_not_never() -> None:
    assert np.isnan(wilson_interval(0, 0)).all()
    lower, upper = wilson_interval(0, 10_000)
    assert lower == 0.0
    assert 0.0003 < upper < 0.0004


def test_newcombe_independent_gives_the_published_intervals() -> None:
    """The first two examples of Newcombe (1998, Statistics in Medicine 17:873-890, table II)."""
    lower, upper = independent_shares([56, 9], [70, 10], [48, 3], [80, 10])
    np.testing.assert_allclose(lower, [0.0524, 0.1705], atol=5e-5)
    np.testing.assert_allclose(upper, [0.3339, 0.8090], atol=5e-5)


def test_newcombe_paired_gives_the_published_interval() -> None:
    """Bentur et al. (2009) as worked by Fagerland, Lydersen and Laake (2014): -0.507 to -0.026."""
    lower, upper = paired_shares(1, 1, 7, 12)
    assert float(lower) == pytest.approx(-0.507, abs=5e-4)
    assert float(upper) == pytest.approx(-0.026, abs=5e-4)


def test_newcombe_paired_of_zero_against_zero_has_a_width() -> None:
    lower, upper = paired_shares(0, 0, 0, 1000)
    _, highest = wilson_interval(0, 1000)
    assert float(upper) == pytest.approx(float(highest))
    assert float(lower) == pytest.approx(-float(highest))


@given(st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(any))
def test_newcombe_paired_holds_its_estimate_and_turns_over_with_its_arguments(
    table: list[int],
) -> None:
    both, first, second, neither = table
    lower, upper = paired_shares(both, first, second, neither)
    assert -1.0 <= lower <= (first - second) / sum(table) + 1e-12
    assert (first - second) / sum(table) - 1e-12 <= upper <= 1.0
    turned = paired_shares(both, second, first, neither)
    assert float(turned.lower) == pytest.approx(-float(upper))
    assert float(turned.upper) == pytest.approx(-float(lower))


def test_complementary_log_log_limits_by_hand() -> None:
    """0.25 of 8 with nothing censored: standard error 0.1531, on the scale 0.7095."""
    lower, upper = complementary_log_log_interval(0.25, math.sqrt(0.25 * 0.75 / 8), 8)
    scaled = math.sqrt(0.25 * 0.75 / 8) / (0.75 * -math.log(0.75))
    assert scaled == pytest.approx(0.7095, abs=5e-5)
    assert lower == pytest.approx(1.0 - 0.75 ** math.exp(-1.959964 * scaled), abs=1e-6)
    assert upper == pytest.approx(1.0 - 0.75 ** math.exp(1.959964 * scaled), abs=1e-6)


def test_complementary_log_log_limits_at_the_edges_are_wilsons() -> None:
    lower, upper = complementary_log_log_interval([0.0, 1.0], [0.0, 0.0], [50, 60])
    np.testing.assert_allclose(lower, [0.0, wilson_interval(60, 60).lower])
    np.testing.assert_allclose(upper, [wilson_interval(0, 50).upper, 1.0])


def test_median_of_ten_lies_between_the_second_and_the_ninth() -> None:
    """The ranks of the exact binomial table for the 95% interval of a median of 10."""
    result = quantile_with_interval(np.arange(10.0)[::-1] + 1.0, 0.5)
    assert (result.estimate, result.lower, result.upper) == (5.0, 2.0, 9.0)


def test_a_sample_too_small_for_a_quantile_sets_no_limit() -> None:
    result = quantile_with_interval(np.array([3.0, 1.0, 2.0]), 0.9)
    assert (result.estimate, result.lower) == (3.0, 1.0)
    assert math.isnan(result.upper)


@given(
    st.integers(1, 3000),
    st.sampled_from([0.01, 0.1, 0.25, 0.5, 0.9, 0.975]),
    st.sampled_from([0.5, 0.9, 0.95, 0.999]),
)
def test_the_ranks_of_a_quantile_are_the_innermost_that_scipys_binomial_allows(
    number: int, level: float, confidence: float
) -> None:
    below, above = quantile_ranks(number, level, confidence)
    count, tail = binom(number, level), (1.0 - confidence) / 2.0
    if below >= 0:
        assert count.cdf(below) <= tail * (1.0 + 1e-9)
    assert count.cdf(below + 1) >= tail * (1.0 - 1e-9)
    assert count.sf(above) <= tail * (1.0 + 1e-9)
    assert count.sf(above - 1) >= tail * (1.0 - 1e-9)


def test_a_correlation_is_corrected_as_counts_of_pairs_are() -> None:
    """Newcombe (1998b) takes pairs off the agreement: here one of 200."""
    both, first, second, neither = 120, 9, 4, 67
    pairs, here, there = 200, 129 / 200, 124 / 200
    agreement, scale = both * neither - first * second, math.sqrt(129 * 71 * 124 * 76)
    errors = [math.sqrt(share * (1 - share) / pairs) for share in (here, there)]
    corrected = cautious_correlation(agreement / scale, here, errors[0], there, errors[1])
    assert corrected == pytest.approx((agreement - pairs) / scale, rel=1e-12)


def test_a_corrected_correlation_never_changes_its_sign() -> None:
    few = cautious_correlation([0.04, -0.3, 1.0], 0.5, 0.1, [0.5, 0.5, 0.0], [0.1, 0.1, 0.0])
    np.testing.assert_allclose(few, [0.0, -0.3, 0.0])
    assert cautious_correlation(1.0, 0.5, 0.01, 0.5, 0.01) == pytest.approx(1.0 - 0.0001 / 0.0625)


def test_where_nearly_all_pairs_agree_a_whole_pair_makes_it_bonett_and_prices() -> None:
    """Bonett and Price (2012): the Wald interval after adding a pair to each way of differing."""
    for first, second in ((0, 0), (1, 0), (3, 1), (12, 20)):
        limits = paired_shares(5000, first, second, 5000 - first - second, continuity=CONTINUITY)
        one, other = (first + 1) / 10_002, (second + 1) / 10_002
        reach = normal_quantile() * math.sqrt((one + other - (one - other) ** 2) / 10_002)
        np.testing.assert_allclose(
            limits, (one - other - reach, one - other + reach), atol=2e-6, rtol=0.01
        )


def test_no_sample_no_quantile() -> None:
    assert math.isnan(quantile_with_interval(np.array([]), 0.5).estimate)
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile_with_interval(np.array([1.0]), 50)
