"""Intervals of shares and quantiles, and differences of two figures, on shared luck and of independent samples.

`test_other_libraries` compares them with those of other libraries, `test_coverage` counts how often they hold the truth.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.coverage_cases import independent_shares, paired_shares
from crisis_sim.outcomes import CumulativeIncidence, cumulative_incidence
from crisis_sim.outcomes.durations import CLOCKS
from crisis_sim.outcomes.intervals import (
    CONTINUITY,
    Measured,
    cautious_correlation,
    complementary_log_log_interval,
    difference,
    normal_quantile,
    quantile_with_interval,
    wilson_interval,
)
from crisis_sim.outcomes.measures import Reading
from crisis_sim.outcomes.named_measures import measure
from tests.outcomes.made_up import crises, simulated


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_or_a_level_outside_0_to_1_is_refused(confidence: float) -> None:
    for ask in (normal_quantile, lambda level: quantile_with_interval(np.array([1.0]), level)):
        with pytest.raises(ValueError, match="between 0 and 1"):
            ask(confidence)


def test_without_trials_a_share_is_unknown_and_without_successes_its_interval_has_a_width() -> None:
    assert np.isnan(wilson_interval(0, 0)).all()
    assert math.isnan(quantile_with_interval(np.array([]), 0.5).estimate)
    lower, upper = wilson_interval(0, 10_000)
    assert lower == 0.0
    assert 0.0003 < upper < 0.0004


def test_newcombe_paired_gives_the_published_interval() -> None:
    """Bentur et al. (2009) as worked by Fagerland, Lydersen and Laake (2014): -0.507 to -0.026."""
    np.testing.assert_allclose(paired_shares(1, 1, 7, 12), (-0.507, -0.026), atol=5e-4)


@given(st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(any))
def test_newcombe_paired_contains_its_estimate_and_changes_sign_with_the_order(
    table: list[int],
) -> None:
    both, first, second, neither = table
    lower, upper = paired_shares(both, first, second, neither)
    assert -1.0 <= lower <= (first - second) / sum(table) + 1e-12
    assert (first - second) / sum(table) - 1e-12 <= upper <= 1.0
    turned = paired_shares(both, second, first, neither)
    np.testing.assert_allclose((turned.lower, turned.upper), (-upper, -lower), atol=1e-9)


def test_an_incidence_of_0_or_1_has_wilsons_limits() -> None:
    lower, upper = complementary_log_log_interval([0.0, 1.0], [0.0, 0.0], [50, 60])
    np.testing.assert_allclose(lower, [0.0, wilson_interval(60, 60).lower])
    np.testing.assert_allclose(upper, [wilson_interval(0, 50).upper, 1.0])


def test_the_correction_of_a_correlation_keeps_its_sign() -> None:
    few = cautious_correlation([0.04, -0.3, 1.0], 0.5, 0.1, [0.5, 0.5, 0.0], [0.1, 0.1, 0.0])
    np.testing.assert_allclose(few, [0.0, -0.3, 0.0])


def test_if_nearly_all_pairs_agree_the_interval_is_bonett_and_prices() -> None:
    """Bonett and Price (2012): the Wald interval after adding a pair to each way of differing."""
    for first, second in ((0, 0), (1, 0), (3, 1), (12, 20)):
        limits = paired_shares(5000, first, second, 5000 - first - second, continuity=CONTINUITY)
        one, other = (first + 1) / 10_002, (second + 1) / 10_002
        reach = normal_quantile() * math.sqrt((one + other - (one - other) ** 2) / 10_002)
        expected = one - other - reach, one - other + reach
        np.testing.assert_allclose(limits, expected, atol=2e-6, rtol=0.01)


# Differences of two figures


def mediated(which: Any) -> Measured:
    """The share of crises with mediation."""
    return measure("mediated").read(Reading(crises(*({"mediated": bool(one)} for one in which))))


def test_differences_of_shares_are_those_of_counts() -> None:
    """Pairs by how they agree; independent samples need no equal numbers."""
    here = mediated(np.repeat([1, 1, 0, 0], [30, 8, 2, 60]))
    there = mediated(np.repeat([1, 0, 1, 0], [30, 8, 2, 60]))
    found = difference(here, there)
    assert found.estimate == pytest.approx(0.06)
    limits = paired_shares(30, 8, 2, 60)
    np.testing.assert_allclose((found.lower, found.upper), limits, rtol=1e-12)
    found = difference(here, mediated(np.repeat([1, 0], [32, 118])), paired=False)
    assert (found.lower, found.upper) == independent_shares(38, 100, 32, 150)


def test_replicates_on_the_clock_in_only_one_scenario_count() -> None:
    """A share among those on the clock is a ratio of means; its error is the delta method's."""
    draw = np.random.default_rng(3)
    on_clock = draw.random((2, 300)) < 0.7
    came = draw.random((2, 300)) < np.array([[0.5], [0.3]])
    figures, pulls = [], []
    for here, event in zip(on_clock, came, strict=True):
        time = np.where(here, np.where(event, 10.0, 50.0), np.nan)
        figures.append(cumulative_incidence(time, event & here).at(24.0))
        pulls.append(here * (event - event[here].mean()) / here.mean())
    error = np.std(pulls[0] - pulls[1]) / math.sqrt(300)
    assert difference(*figures).standard_error == pytest.approx(error)


def test_pairing_narrows_intervals() -> None:
    base, quick = (
        CLOCKS["from_first_strike"].read(simulated(2000, mean)).incidence().at(96.0)
        for mean in (90.0, 80.0)
    )
    paired, apart = difference(quick, base), difference(quick, base, paired=False)
    assert paired.estimate == apart.estimate
    assert paired.upper - paired.lower < 0.5 * (apart.upper - apart.lower)
    errors = float(quick.standard_error), float(base.standard_error)
    assert apart.standard_error == pytest.approx(math.hypot(*errors))


def all_at(hours: float, cause: int, number: int = 200) -> CumulativeIncidence:
    return cumulative_incidence(np.full(number, hours), np.full(number, cause))


def test_if_all_pairs_agree_the_rule_of_three_bounds_the_difference() -> None:
    """None of 200 differed, so three in 200 might (the rule of three), whether half have the event or none."""
    time = np.repeat([10.0, 500.0], 100)
    half = cumulative_incidence(time, np.ones(200, dtype=int)).at(96.0)
    for figure in (half, mediated(time < 96.0)):
        result = difference(figure, figure)
        assert 2.5 / 200 < result.upper < 3.5 / 200
        assert result.lower == pytest.approx(-result.upper)
    never = all_at(500.0, 0).at(96.0)
    result, highest = difference(never, never), float(wilson_interval(0, 200).upper)
    found = (result.lower, result.estimate, result.upper)
    assert found == pytest.approx((-highest, 0.0, highest))


def test_a_difference_after_the_observation_of_either_is_unknown() -> None:
    result = difference(all_at(500.0, 0, 10).at(96.0), all_at(50.0, 0, 10).at(96.0))
    assert np.isnan([result.estimate, result.lower, result.upper]).all()
