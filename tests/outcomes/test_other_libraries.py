"""The same curves, errors, limits and differences by statsmodels and SciPy, from data at random."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import CensoredData, bootstrap, ecdf, quantile_test
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from benchmarks.coverage_cases import independent_shares, paired_shares
from crisis_sim.outcomes import cumulative_incidence
from crisis_sim.outcomes.intervals import (
    Measured,
    difference,
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


@given(readings())
def test_with_one_kind_it_is_the_survival_curve_of_scipy(data: Readings) -> None:
    time, kind = data
    curve = cumulative_incidence(time, kind > 0)
    theirs = ecdf(CensoredData.right_censored(time, kind == 0)).cdf
    np.testing.assert_allclose(curve.at(time).estimate, theirs.evaluate(time), atol=1e-14)


@given(*[st.integers(0, 400)] * 2, st.integers(0, 60), st.integers(0, 60))
def test_paired_intervals_tell_a_difference_where_mcnemars_exact_test_does(
    both: int, neither: int, first: int, second: int
) -> None:
    chance = mcnemar([[both, first], [second, neither]], exact=True).pvalue
    lower, upper = paired_shares(both, first, second, neither)
    if chance < 0.02:
        assert lower > 0.0 or upper < 0.0
    # Up to six pairs, all the unlike ones alike, Newcombe's interval may leave out 0.
    if chance > 0.15 and both + neither + first + second > 6:
        assert lower <= 0.0 <= upper


def test_the_error_of_a_paired_difference_is_that_of_scipys_bootstrap() -> None:
    """Random censoring, and replicates on the clock in one scenario only; 1,000 samples of 300."""
    draw = np.random.default_rng(22)
    budgets, watched = draw.exponential(size=(300, 2)), draw.uniform(50.0, 400.0, 300)
    columns: list[NDArray[Any]] = []
    for mean, on_clock in ((85.0, draw.random(300) < 0.85), (100.0, draw.random(300) < 0.9)):
        every = np.column_stack((watched, budgets * [mean, 160.0]))
        columns += [np.where(on_clock, every.min(axis=1), np.nan), every.argmin(axis=1)]

    def figures(*columns: NDArray[Any]) -> list[Measured]:
        return [
            cumulative_incidence(time, cause.astype(int), CAUSES).at(96.0)
            for time, cause in zip(columns[::2], columns[1::2], strict=True)
        ]

    def estimate(*columns: NDArray[Any]) -> float:
        return float(difference(*figures(*columns), paired=False).estimate)

    theirs = bootstrap(
        columns, estimate, paired=True, vectorized=False, n_resamples=1000, method="basic",
        rng=np.random.default_rng(23),
    )  # fmt: skip
    ours = difference(*figures(*columns))
    # The bootstrap's own standard error is 2 per cent.
    assert ours.standard_error == pytest.approx(theirs.standard_error, rel=0.08)
    apart = difference(*figures(*columns), paired=False)
    assert apart.standard_error > 1.3 * theirs.standard_error
