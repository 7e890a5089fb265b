"""The same curves, errors, limits and differences by statsmodels and SciPy, from data at random."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import quantile_test
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from benchmarks.coverage_cases import independent_shares
from crisis_sim.outcomes import cumulative_incidence
from crisis_sim.outcomes.differences import difference
from crisis_sim.outcomes.intervals import (
    quantile_with_interval,
    wilson_interval,
)
from tests.outcomes.at_random import CAUSES, Readings, at, readings, someone_stays


@given(readings())
def test_incidences_and_their_errors_are_those_of_statsmodels(data: Readings) -> None:
    time, kind = data
    curve = cumulative_incidence(time, kind, CAUSES)
    with np.errstate(divide="ignore", invalid="ignore"):
        theirs = CumIncidenceRight(time, kind)
    known = someone_stays(curve, theirs.times)
    for k, (incidence, error) in enumerate(zip(theirs.cinc, theirs.cinc_se, strict=True)):
        ours = at(curve, theirs.times, curve.estimate[k])
        np.testing.assert_allclose(ours, incidence, atol=1e-14)
        ours = at(curve, theirs.times, curve.standard_error[k])
        # Variances: the root of one that is but rounding would be far from another's.
        np.testing.assert_allclose(ours[known] ** 2, error[known] ** 2, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("level", [0.25, 0.5, 0.61])
@pytest.mark.parametrize("seed", range(6))
def test_the_time_by_which_a_share_has_it_is_that_of_statsmodels(seed: int, level: float) -> None:
    """No curve here stands at a level for a while: theirs reads the end of that, ours the start."""
    luck = np.random.default_rng(seed)
    time, watched = luck.exponential(100.0, 151), luck.uniform(100.0, 600.0, 151)
    time, kind = np.minimum(time, watched), (time <= watched).astype(int)
    ours, theirs = cumulative_incidence(time, kind).quantile(level), SurvfuncRight(time, kind)
    assert ours.estimate == theirs.quantile(level)
    with np.errstate(divide="ignore", invalid="ignore"):  # at the last event nobody stays
        assert (ours.lower, ours.upper) == theirs.quantile_ci(level, method="cloglog")


@given(st.integers(1, 5000), st.floats(0.0, 1.0))
def test_wilsons_limits_are_those_of_statsmodels(trials: int, share: float) -> None:
    successes = round(share * trials)
    theirs = proportion_confint(successes, trials, method="wilson")
    np.testing.assert_allclose(wilson_interval(successes, trials), theirs, atol=1e-12)


@given(st.integers(1, 2000), st.floats(0.0, 1.0), st.integers(1, 2000), st.floats(0.0, 1.0))
def test_newcombes_limits_are_those_of_statsmodels(
    first: int, first_share: float, second: int, second_share: float
) -> None:
    counts = round(first_share * first), first, round(second_share * second), second
    theirs = confint_proportions_2indep(*counts, method="newcomb", compare="diff")
    np.testing.assert_allclose(independent_shares(*counts), theirs, atol=1e-9)


@settings(max_examples=50)
@given(st.integers(1, 400), st.sampled_from([0.05, 0.1, 0.25, 0.5, 0.9, 0.99]))
def test_the_limits_of_a_quantile_are_those_of_scipy(number: int, level: float) -> None:
    values = np.random.default_rng(number).normal(size=number)
    ours = quantile_with_interval(values, level)
    theirs = quantile_test(values, p=level).confidence_interval(0.95)
    np.testing.assert_array_equal((ours.lower, ours.upper), tuple(theirs))


@pytest.mark.parametrize("seed", range(3))
def test_the_error_of_a_paired_difference_is_that_of_a_regression_clustered_by_pair(
    seed: int,
) -> None:
    """Without censoring it is that of the pairs' indicators."""
    budgets, curves, came = np.random.default_rng(seed).exponential(size=(300, 2)), [], []
    for mean in (80.0, 100.0):
        every = budgets * [mean, 150.0]
        curves.append(cumulative_incidence(every.min(axis=1), every.argmin(axis=1) + 1, CAUSES))
        came.append((every.argmin(axis=1) == 0) & (every[:, 0] <= 96.0))
    scenario = np.column_stack((np.repeat([1.0, 0.0], 300), np.ones(600)))
    pairs = {"groups": np.tile(np.arange(300), 2), "use_correction": False}
    theirs = OLS(np.concatenate(came).astype(float), scenario).fit(
        cov_type="cluster", cov_kwds=pairs
    )
    ours = difference(*(curve.at(96.0) for curve in curves))
    assert ours.estimate == pytest.approx(theirs.params[0], abs=1e-12)
    assert ours.standard_error == pytest.approx(theirs.bse[0], rel=1e-9)
