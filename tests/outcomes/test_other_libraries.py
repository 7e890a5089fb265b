"""Curves, errors, limits and differences agree with statsmodels and SciPy on random data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import CensoredData, ecdf, quantile_test
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from benchmarks.coverage_cases import independent_shares
from crisis_sim.outcomes import CumulativeIncidence, cumulative_incidence
from crisis_sim.outcomes.intervals import (
    Measured,
    difference,
    quantile_with_interval,
    wilson_interval,
)
from tests.outcomes.made_up import CAUSES, Floats, Readings, competing, readings


def at(curve: CumulativeIncidence, hours: Floats, of_steps: Floats) -> Floats:
    """A figure just after the steps of a curve, evaluated at given hours; 0 before the first step."""
    padded = np.concatenate([np.zeros((*of_steps.shape[:-1], 1)), of_steps], axis=-1)
    return np.asarray(padded[..., np.searchsorted(curve.times, hours, side="right")])


@given(readings())
def test_incidences_and_their_errors_are_those_of_statsmodels(data: Readings) -> None:
    time, kind = data
    curve = cumulative_incidence(time, kind, CAUSES)
    with np.errstate(divide="ignore", invalid="ignore"):
        theirs = CumIncidenceRight(time, kind)
    # Only before all at risk have their event, when statsmodels divides by zero.
    known = at(curve, theirs.times, 1.0 - curve.survival) < 1.0 - 1e-12
    for k, (incidence, error) in enumerate(zip(theirs.cinc, theirs.cinc_se, strict=True)):
        np.testing.assert_allclose(
            at(curve, theirs.times, curve.estimate[k]), incidence, atol=1e-14
        )
        ours = at(curve, theirs.times, curve.standard_error[k])
        # Variances, since the roots of rounding errors differ.
        np.testing.assert_allclose(ours[known] ** 2, error[known] ** 2, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("level", [0.25, 0.5, 0.61])
@pytest.mark.parametrize("seed", range(3))
def test_quantiles_of_times_are_those_of_statsmodels(seed: int, level: float) -> None:
    """No curve here is constant at a level, where their quantile is the end and ours the start."""
    luck = np.random.default_rng(seed)
    time, watched = luck.exponential(100.0, 151), luck.uniform(100.0, 600.0, 151)
    time, kind = np.minimum(time, watched), (time <= watched).astype(int)
    ours, theirs = cumulative_incidence(time, kind).quantile(level), SurvfuncRight(time, kind)
    assert ours.estimate == theirs.quantile(level)
    with np.errstate(divide="ignore", invalid="ignore"):  # at the last event nobody stays
        assert (ours.lower, ours.upper) == theirs.quantile_ci(level, method="cloglog")


@given(st.integers(1, 5000), st.floats(0.0, 1.0), st.integers(1, 2000), st.floats(0.0, 1.0))
def test_wilsons_and_newcombes_limits_are_those_of_statsmodels(
    first: int, first_share: float, second: int, second_share: float
) -> None:
    counts = round(first_share * first), first, round(second_share * second), second
    theirs = proportion_confint(*counts[:2], method="wilson")
    np.testing.assert_allclose(wilson_interval(*counts[:2]), theirs, atol=1e-12)
    theirs = confint_proportions_2indep(*counts, method="newcomb", compare="diff")
    np.testing.assert_allclose(independent_shares(*counts), theirs, atol=1e-9)


@settings(max_examples=50)
@given(st.integers(1, 400), st.sampled_from([0.05, 0.1, 0.25, 0.5, 0.9, 0.99]))
def test_the_limits_of_a_quantile_are_those_of_scipy(number: int, level: float) -> None:
    values = np.random.default_rng(number).normal(size=number)
    ours = quantile_with_interval(values, level)
    theirs = quantile_test(values, p=level).confidence_interval(0.95)
    np.testing.assert_array_equal((ours.lower, ours.upper), tuple(theirs))


@pytest.mark.parametrize("seed", range(2))
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
    regression = OLS(np.concatenate(came).astype(float), scenario)
    theirs = regression.fit(cov_type="cluster", cov_kwds=pairs)
    ours = difference(*(curve.at(96.0) for curve in curves))
    assert ours.estimate == pytest.approx(theirs.params[0], abs=1e-12)
    assert ours.standard_error == pytest.approx(theirs.bse[0], rel=1e-9)


@given(readings())
def test_with_one_kind_it_is_the_survival_curve_of_scipy(data: Readings) -> None:
    time, kind = data
    curve = cumulative_incidence(time, kind > 0)
    theirs = ecdf(CensoredData.right_censored(time, kind == 0)).cdf
    np.testing.assert_allclose(curve.at(time).estimate, theirs.evaluate(time), atol=1e-14)


@pytest.mark.parametrize("grid", [None, 6.0])
def test_the_error_of_a_paired_difference_is_the_jackknife(grid: float | None) -> None:
    """Pairs with censoring and ties, left out one by one, both members at a time."""
    number, both = 150, competing(150, seed=32, grid=grid)

    def by_then(rows: NDArray[np.intp]) -> list[Measured]:
        return [
            cumulative_incidence(time[rows], kind[rows], CAUSES).at(96.0) for time, kind in both
        ]

    everyone = np.arange(number)
    left_out = [by_then(np.delete(everyone, one)) for one in everyone]
    without = np.array([float(ours.estimate - theirs.estimate) for ours, theirs in left_out])
    jackknife = np.sqrt((number - 1) / number * np.sum((without - without.mean()) ** 2))
    found = difference(*by_then(everyone))
    assert found.standard_error == pytest.approx(jackknife, rel=0.01)
