"""Curves, errors, limits and differences agree with statsmodels, SciPy and scikit-survival on random data.

Which variance of an incidence each uses, with `Y` at risk, `d` events of any kind and `d_k` of the kind in question:

- Ours is that of Dinse and Larson (1986), equation 6, as in statsmodels; scikit-survival has it as `Dinse_Approx`.
- scikit-survival's default is Aalen's (1978) in the form of Pintilie (2006), equation 4.5. Without ties each of
  its terms is ours times `Y / (Y - 1)`, as with a sample's variance and a population's: so it is
  the larger, and by no more than that factor at the last step.

Its limits of an incidence `F` among competing ones are normal on the scale of `log(-log F)`, ours
on that of `log(-log(1 - F))`, so there the standard errors behind the limits are compared. With one
kind of event its scale is ours, and so must its limits be.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import CensoredData, ecdf, quantile_test
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from benchmarks.coverage_cases import independent_shares, paired_shares
from crisis_sim.outcomes import CumulativeIncidence, cumulative_incidence
from crisis_sim.outcomes.intervals import (
    difference,
    normal_quantile,
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


@given(*[st.integers(0, 400)] * 2, st.integers(0, 60), st.integers(0, 60))
def test_paired_intervals_agree_with_mcnemars_exact_test(
    both: int, neither: int, first: int, second: int
) -> None:
    chance = mcnemar([[both, first], [second, neither]], exact=True).pvalue
    lower, upper = paired_shares(both, first, second, neither)
    if chance < 0.02:
        assert lower > 0.0 or upper < 0.0
    # With up to six discordant pairs, all in one direction, Newcombe's interval may exclude 0.
    if chance > 0.15 and both + neither + first + second > 6:
        assert lower <= 0.0 <= upper


# scikit-survival: on Python 3.13 there is no wheel of a solver that it asks for.


@pytest.fixture(scope="module")
def sksurv() -> Any:
    return pytest.importorskip("sksurv.nonparametric")


@given(data=readings())
def test_incidences_are_those_of_scikit_survival(sksurv: Any, data: Readings) -> None:
    time, kind = data
    curve = cumulative_incidence(time, kind, CAUSES)
    if {1, 2} <= set(kind):  # it knows no kind that never comes
        hours, incidence = sksurv.cumulative_incidence_competing_risks(kind, time)
        np.testing.assert_allclose(at(curve, hours, curve.estimate), incidence[1:], atol=1e-14)
    hours, survival = sksurv.kaplan_meier_estimator(kind > 0, time)
    np.testing.assert_allclose(1.0 - at(curve, hours, 1.0 - curve.survival), survival, atol=1e-14)


def their_errors(sksurv: Any, data: Readings, formula: str) -> tuple[Floats, Floats, Floats]:
    """Hours, incidences and the standard errors behind their limits, `F ** exp(±z e / (F log F))`."""
    time, kind = data
    with np.errstate(divide="ignore", invalid="ignore"):
        hours, incidence, limits = sksurv.cumulative_incidence_competing_risks(
            kind, time, conf_type="log-log", var_type=formula
        )
        incidence, limit = incidence[1:], limits[1:].min(axis=1)
        reach = np.log(np.log(limit) / np.log(incidence)) / normal_quantile()
        return hours, incidence, np.abs(reach * incidence * np.log(incidence))


BOTH = readings((0, 1, 2), (0, 0, 0, 0, 1, 2), (1, 2)).filter(lambda data: {1, 2} <= set(data[1]))


@given(data=BOTH)
def test_standard_errors_are_theirs_by_the_same_formula(sksurv: Any, data: Readings) -> None:
    # One crisis is watched for longer than all others: they lose every error to one 0 / 0.
    data = np.append(data[0], data[0].max() + 1.0), np.append(data[1], 0)
    curve = cumulative_incidence(*data, CAUSES)
    hours, incidence, errors = their_errors(sksurv, data, "Dinse_Approx")
    ours = at(curve, hours, curve.standard_error)
    compared = (incidence > 0.0) & (ours > 1e-6)
    assert compared.any()
    np.testing.assert_allclose(ours[compared], errors[compared], rtol=1e-6)


@pytest.mark.parametrize("number", [30, 300])
def test_standard_errors_are_less_than_their_usual_ones_by_one_crisis_of_those_at_risk(
    sksurv: Any, number: int
) -> None:
    for data in competing(number, seed=31):
        curve = cumulative_incidence(*data, CAUSES)
        hours, _, errors = their_errors(sksurv, data, "Aalen")
        begun = (curve.estimate > 0.0) & (curve.at_risk > 1) & (curve.survival > 1e-12)
        usual = errors[:, np.searchsorted(hours, curve.times)][begun]
        ratio = (usual / curve.standard_error[begun]) ** 2
        at_risk = np.broadcast_to(curve.at_risk, begun.shape)[begun]
        assert (ratio >= 1.0).all()
        assert (ratio <= at_risk / (at_risk - 1.0) + 1e-9).all()
        assert ratio.max() > 1.0 + 1.0 / number, "both formulas are the same"


@given(data=readings((0, 0, 1), (0, 1), (1,), (0,)))
def test_with_one_kind_of_event_limits_are_theirs(sksurv: Any, data: Readings) -> None:
    time, kind = data
    with np.errstate(divide="ignore", invalid="ignore"):
        hours, survival, limits = sksurv.kaplan_meier_estimator(kind > 0, time, conf_type="log-log")
    inside = (survival > 1e-12) & (survival < 1.0)
    ours = cumulative_incidence(time, kind).at(hours)
    np.testing.assert_allclose(ours.lower[inside], 1.0 - limits[1, inside], atol=1e-9)
    np.testing.assert_allclose(ours.upper[inside], 1.0 - limits[0, inside], atol=1e-9)


@pytest.mark.parametrize("grid", [None, 6.0])
def test_the_error_of_a_paired_difference_is_the_jackknife_of_their_curves(
    sksurv: Any, grid: float | None
) -> None:
    """Pairs with censoring and ties, left out one by one, both members at a time."""
    number, hours = 150, 96.0
    both = competing(number, seed=32, grid=grid)

    def apart(rows: NDArray[np.intp]) -> float:
        by_then = []
        for time, kind in both:
            when, share = sksurv.cumulative_incidence_competing_risks(kind[rows], time[rows])
            by_then.append(float(share[1, np.searchsorted(when, hours, side="right") - 1]))
        return by_then[0] - by_then[1]

    everyone = np.arange(number)
    without = np.array([apart(np.delete(everyone, one)) for one in everyone])
    jackknife = np.sqrt((number - 1) / number * np.sum((without - without.mean()) ** 2))
    ours = difference(*(cumulative_incidence(*each, CAUSES).at(hours) for each in both))
    assert ours.estimate == pytest.approx(apart(everyone), abs=1e-12)
    assert ours.standard_error == pytest.approx(jackknife, rel=0.01)


def test_with_ties_of_kinds_our_variance_is_binomial_and_their_usual_one_is_not(
    sksurv: Any,
) -> None:
    """Of six crises two have each kind of event at hour 1, one the first kind at hour 2."""
    data = np.array([1.0, 1, 1, 1, 2, 3]), np.array([1, 1, 2, 2, 1, 0])
    curve = cumulative_incidence(*data, CAUSES)
    assert curve.standard_error[0, 1] ** 2 == pytest.approx(3 / 6 * 3 / 6 / 6)
    hours, _, errors = their_errors(sksurv, data, "Aalen")
    assert errors[0, hours == 2.0] ** 2 < 3 / 6 * 3 / 6 / 6 < 3 / 6 * 3 / 6 / 5
