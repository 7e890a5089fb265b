"""Our estimates beside those of statsmodels, scikit-survival and SciPy, over data at random.

Estimates agree to rounding. Standard errors of a cumulative incidence come in several formulas;
ours is the delta method's (Dinse and Larson 1986, equation 6; Marubini and Valsecchi 1995), as in
statsmodels and as scikit-survival's `Dinse_Approx`. How far the others lie from it is held here,
too: scikit-survival's `Aalen` divides by one less than those at risk, as R's cmprsk does, and
`Dinse` keeps the terms of higher order.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import CensoredData, bootstrap, ecdf, quantile_test
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from crisis_sim.outcomes.incidence import CumulativeIncidence, cumulative_incidence
from crisis_sim.outcomes.intervals import (
    CONTINUITY,
    newcombe_independent_interval,
    newcombe_paired_interval,
    normal_quantile,
    quantile_with_interval,
    wilson_interval,
)
from crisis_sim.outcomes.paired import incidence_difference

Z = normal_quantile()
CAUSES = ("ceasefire", "otherwise", "yielded")

Row = tuple[int, int]


def rows_of(largest_time: int, causes: int, most: int = 60) -> st.SearchStrategy[list[Row]]:
    """Times in whole hours, so that many tie, from 1 on, and what happened then; 0 is censored."""
    row = st.tuples(st.integers(1, largest_time), st.integers(0, causes))
    return st.lists(row, min_size=1, max_size=most)


#: Ties and their absence, one kind of event and three, heavy censoring, and nothing but censoring.
anything = st.one_of(
    rows_of(5, 3),
    rows_of(100_000, 3),
    rows_of(12, 1),
    rows_of(30, 3).map(lambda rows: [(t, k if t % 5 == 0 else 0) for t, k in rows]),
    rows_of(9, 3).map(lambda rows: [(t, 0) for t, _ in rows]),
    rows_of(9, 3).map(lambda rows: [(7, k) for _, k in rows]),
)
edges = [
    [(1, 1)],  # a single crisis, and it had the event
    [(1, 0)],  # a single crisis, of which nothing is known
    [(3, 1), (3, 0), (3, 2), (3, 0)],  # all at one time
    [(1, 0), (1, 0), (2, 1), (9, 0)],
    [(1, 2), (2, 2), (3, 1), (4, 1)],  # nothing censored
]


def data_of(rows: list[Row], scale: float = 1.0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The rows with kinds numbered from 1 without a gap, as the other libraries ask."""
    time, cause = np.array(rows).T
    kinds = np.unique(cause[cause > 0])
    return time * scale, np.where(cause > 0, np.searchsorted(kinds, cause) + 1, 0)


def every_example(test: Any) -> Any:
    for rows in edges:
        test = example(rows)(test)
    return settings(deadline=None)(test)  # the first call of a library takes longer


def steps_of(curve: CumulativeIncidence, times: NDArray[np.float64]) -> NDArray[np.intp]:
    """Where our steps stand among their times, which hold those of censoring, too."""
    places = np.searchsorted(times, curve.times)
    np.testing.assert_array_equal(times[places], curve.times)
    return places


def before_all_ended(curve: CumulativeIncidence) -> NDArray[np.bool_]:
    """Steps after which somebody is left: at others some libraries divide by zero."""
    return np.asarray(curve.at_risk > curve.events.sum(axis=0))


@every_example
@given(anything)
def test_incidence_and_its_error_are_those_of_statsmodels(rows: list[Row]) -> None:
    time, cause = data_of(rows)
    curve = cumulative_incidence(time, cause, CAUSES)
    if not cause.any():  # statsmodels has nothing to say
        assert curve.at(float(time.max())).estimate == 0.0
        return
    with np.errstate(divide="ignore", invalid="ignore"):
        theirs = CumIncidenceRight(time, cause)
    at, some_left = steps_of(curve, theirs.times), before_all_ended(curve)
    for k in range(int(cause.max())):
        np.testing.assert_allclose(curve.estimate[k], theirs.cinc[k][at], rtol=1e-12, atol=1e-14)
        variance = np.maximum(np.nan_to_num(theirs.cinc_se[k][at][some_left]), 0.0) ** 2
        np.testing.assert_allclose(
            curve.standard_error[k, some_left] ** 2, variance, rtol=1e-9, atol=1e-14
        )


@given(anything, st.data())
def test_replicates_that_stand_for_many_count_as_statsmodels_weights(
    rows: list[Row], data: st.DataObject
) -> None:
    time, cause = data_of(rows)
    if not cause.any():
        return
    often = np.array(data.draw(st.lists(st.integers(1, 5), min_size=len(time), max_size=len(time))))
    curve = cumulative_incidence(np.repeat(time, often), np.repeat(cause, often), CAUSES)
    with np.errstate(divide="ignore", invalid="ignore"):
        theirs = CumIncidenceRight(time, cause, freq_weights=often)
    at = steps_of(curve, theirs.times)
    for k in range(int(cause.max())):
        np.testing.assert_allclose(curve.estimate[k], theirs.cinc[k][at], rtol=1e-12, atol=1e-14)


@every_example
@given(anything)
def test_with_one_kind_it_is_the_survival_curve_of_scipy(rows: list[Row]) -> None:
    time, cause = data_of(rows)
    happened = cause > 0
    curve = cumulative_incidence(time, happened)
    theirs = ecdf(CensoredData.right_censored(time, ~happened)).cdf
    np.testing.assert_allclose(
        [curve.at(hours).estimate for hours in np.unique(time)],
        theirs.evaluate(np.unique(time)),
        rtol=1e-12,
        atol=1e-14,
    )


@every_example
@given(anything)
def test_the_median_and_its_limits_are_those_of_statsmodels(rows: list[Row]) -> None:
    """Brookmeyer and Crowley's on the same scale; statsmodels takes infinity for no upper limit.

    Where the band comes to its end, or is not monotone, statsmodels takes up the limit at the last
    time that a test does not reject, and we at the first time at which the other limit has come
    so far; there only the estimate is compared.
    """
    time, cause = data_of(rows)
    happened = (cause > 0).astype(int)
    curve = cumulative_incidence(time, happened)
    if not len(curve.times):
        return
    with np.errstate(divide="ignore", invalid="ignore"):
        theirs = SurvfuncRight(time, happened)
        median, limits = theirs.quantile(0.5), theirs.quantile_ci(0.5)
    ours = curve.quantile()
    if abs(theirs.surv_prob - 0.5).min() < 1e-9:
        return  # a median anywhere between two times; conventions differ
    assert (ours is None) == math.isnan(median)
    band = curve.band()
    smooth = (np.diff(band.lower) >= 0).all() and (np.diff(band.upper) >= 0).all()
    if ours is None or not smooth or not before_all_ended(curve).all():
        return
    assert ours.estimate == median
    accepted = (band.lower < 0.5) & (band.upper > 0.5)
    if accepted.any():
        assert ours.lower == limits[0]
        assert (math.inf if math.isnan(ours.upper) else ours.upper) == limits[1]


def sksurv() -> Any:
    return pytest.importorskip("sksurv.nonparametric", reason="no wheels for this Python")


@every_example
@given(anything)
def test_incidence_is_that_of_scikit_survival(rows: list[Row]) -> None:
    time, cause = data_of(rows)
    curve = cumulative_incidence(time, cause, CAUSES)
    if cause.max() < 2:  # of one kind of event the library has Kaplan-Meier's curve: below
        return
    times, theirs = sksurv().cumulative_incidence_competing_risks(cause, time)
    at = steps_of(curve, times)
    np.testing.assert_allclose(1.0 - curve.survival, theirs[0][at], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        curve.estimate[: cause.max()], theirs[1:, at], rtol=1e-12, atol=1e-14
    )


@every_example
@given(anything)
def test_limits_with_one_kind_are_those_of_scikit_survivals_kaplan_meier(rows: list[Row]) -> None:
    time, cause = data_of(rows)
    curve = cumulative_incidence(time, cause > 0)
    times, survival, limits = sksurv().kaplan_meier_estimator(cause > 0, time, conf_type="log-log")
    at, some_left = steps_of(curve, times), before_all_ended(curve)
    np.testing.assert_allclose(curve.survival, survival[at], rtol=1e-12, atol=1e-14)
    band = curve.band()
    np.testing.assert_allclose(
        (band.lower[some_left], band.upper[some_left]),
        1.0 - limits[::-1, at[some_left]],
        rtol=1e-9,
        atol=1e-12,
    )


def error_behind(estimate: NDArray[np.float64], limits: NDArray[np.float64]) -> NDArray[np.float64]:
    """The standard error from which scikit-survival made limits on the scale of log(-log F)."""
    lower, upper = limits
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = (np.log(-np.log(lower)) - np.log(-np.log(upper))) / 2.0
    return np.asarray(reach / Z * estimate * -np.log(estimate))


@every_example
@given(anything)
def test_errors_beside_the_three_formulas_of_scikit_survival(rows: list[Row]) -> None:
    """Ours is `Dinse_Approx`; `Aalen` multiplies what each step adds to the variance by Y / (Y - 1)
    and so lies above ours by no more than that of the last step, the one with the fewest at risk.
    One more crisis outlasts all others, for the library divides by zero where nobody is left.
    """
    time, cause = data_of([*rows, (max(rows)[0] + 1, 0)])
    if cause.max() < 2:
        return
    curve = cumulative_incidence(time, cause, CAUSES)
    variances = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for formula in ("Dinse_Approx", "Aalen"):
            times, incidence, limits = sksurv().cumulative_incidence_competing_risks(
                cause, time, conf_type="log-log", var_type=formula
            )
            at = steps_of(curve, times)
            variances[formula] = [
                error_behind(incidence[k + 1, at], limits[k + 1][:, at]) ** 2
                for k in range(int(cause.max()))
            ]
    fewest = curve.at_risk.astype(float)
    for k in range(int(cause.max())):
        ours = curve.standard_error[k] ** 2
        told = ours > 1e-9  # the library leaves out variances below rounding
        np.testing.assert_allclose(ours[told], variances["Dinse_Approx"][k][told], rtol=1e-6)
        aalen = variances["Aalen"][k][told]
        assert (aalen >= ours[told] * (1.0 - 1e-6)).all()
        assert (aalen <= (ours * fewest / (fewest - 1.0))[told] * (1 + 1e-6)).all()


def test_the_formula_with_terms_of_higher_order_differs_by_less_than_a_hundredth() -> None:
    """scikit-survival's `Dinse` (Dinse and Larson 1986, equations 4 and 5), 300 crises."""
    draw = np.random.default_rng(21)
    every = np.column_stack(
        (draw.uniform(20.0, 300.0, 300), draw.exponential([100.0, 150.0], size=(300, 2)))
    )
    time, cause = np.ceil(every.min(axis=1) / 6.0) * 6.0, every.argmin(axis=1)
    curve = cumulative_incidence(time, cause, CAUSES[:2])
    times, incidence, limits = sksurv().cumulative_incidence_competing_risks(
        cause, time, conf_type="log-log", var_type="Dinse"
    )
    at = steps_of(curve, times)
    early = curve.at_risk > 20
    for k in range(2):
        theirs = error_behind(incidence[k + 1, at], limits[k + 1][:, at])
        ratio = theirs[early] / curve.standard_error[k, early]
        assert np.abs(ratio - 1.0).max() < 0.01


@given(st.integers(1, 1_000_000), st.floats(0.0, 1.0))
def test_wilson_is_that_of_statsmodels(trials: int, share: float) -> None:
    successes = round(share * trials)
    theirs = proportion_confint(successes, trials, method="wilson")
    np.testing.assert_allclose(wilson_interval(successes, trials), theirs, rtol=1e-9, atol=1e-12)


@given(*[st.integers(1, 2000)] * 2, *[st.floats(0.0, 1.0)] * 2)
def test_newcombe_is_that_of_statsmodels(
    first_trials: int, second_trials: int, first_share: float, second_share: float
) -> None:
    counts = (
        round(first_share * first_trials),
        first_trials,
        round(second_share * second_trials),
        second_trials,
    )
    theirs = confint_proportions_2indep(*counts, method="newcomb", compare="diff")
    np.testing.assert_allclose(newcombe_independent_interval(*counts), theirs, atol=1e-9)


def test_in_large_samples_other_methods_for_independent_shares_say_the_same() -> None:
    ours = newcombe_independent_interval(900, 3000, 1000, 3000)
    for method in ("agresti-caffo", "score", "wald"):
        theirs = confint_proportions_2indep(900, 3000, 1000, 3000, method=method, compare="diff")
        np.testing.assert_allclose(ours, theirs, atol=2e-4)


@given(*[st.integers(1, 60)] * 2, *[st.integers(1, 8)] * 2)
def test_pairs_that_share_no_luck_have_the_interval_of_independent_shares(
    here: int, there: int, not_here: int, not_there: int
) -> None:
    """Counts of a table without correlation are products of its margins."""
    table = (here * there, here * not_there, not_here * there, not_here * not_there)
    pairs = sum(table)
    theirs = confint_proportions_2indep(
        table[0] + table[1], pairs, table[0] + table[2], pairs, method="newcomb", compare="diff"
    )
    np.testing.assert_allclose(newcombe_paired_interval(*table), theirs, atol=1e-9)


@given(*[st.integers(0, 400)] * 2, st.integers(0, 60), st.integers(0, 60))
def test_paired_intervals_tell_a_difference_where_mcnemars_exact_test_does(
    both: int, neither: int, first: int, second: int
) -> None:
    chance = mcnemar([[both, first], [second, neither]], exact=True).pvalue
    for continuity in (0.5, CONTINUITY):
        lower, upper = newcombe_paired_interval(both, first, second, neither, 0.95, continuity)
        if chance < 0.02:
            assert lower > 0.0 or upper < 0.0
        if chance > 0.15 and both + neither + first + second:
            assert lower <= 0.0 <= upper


@given(
    st.lists(st.integers(0, 10_000), min_size=1, max_size=300, unique=True),
    st.sampled_from([0.1, 0.5, 0.9]),
)
def test_limits_of_a_quantile_are_those_of_scipys_quantile_test(
    values: list[int], level: float
) -> None:
    ours = quantile_with_interval(np.array(values, dtype=float), level)
    theirs = quantile_test(values, p=level).confidence_interval(confidence_level=0.95)
    np.testing.assert_equal((ours.lower, ours.upper), (theirs.low, theirs.high))


def test_the_error_of_a_paired_difference_is_that_of_scipys_bootstrap() -> None:
    """Random censoring, and replicates on the clock in one scenario only; 1,000 samples of 300."""
    draw = np.random.default_rng(22)
    budgets, watched = draw.exponential(size=(300, 2)), draw.uniform(50.0, 400.0, 300)
    columns: list[NDArray[Any]] = []
    for mean, on_clock in ((85.0, draw.random(300) < 0.85), (100.0, draw.random(300) < 0.9)):
        every = np.column_stack((watched, budgets * [mean, 160.0]))
        columns += [np.where(on_clock, every.min(axis=1), np.nan), every.argmin(axis=1)]

    def curves(*columns: NDArray[Any]) -> list[CumulativeIncidence]:
        return [
            cumulative_incidence(time, cause.astype(int), CAUSES[:2])
            for time, cause in zip(columns[::2], columns[1::2], strict=True)
        ]

    def difference(*columns: NDArray[Any]) -> float:
        one, other = curves(*columns)
        return one.at(96.0).estimate - other.at(96.0).estimate

    theirs = bootstrap(
        columns, difference, paired=True, vectorized=False, n_resamples=1000, method="basic",
        rng=np.random.default_rng(23),
    )  # fmt: skip
    ours = incidence_difference(*curves(*columns), 96.0)
    # The bootstrap's own standard error is 2 per cent.
    assert ours.standard_error == pytest.approx(theirs.standard_error, rel=0.08)
    apart = incidence_difference(*curves(*columns), 96.0, paired=False)
    assert apart.standard_error > 1.3 * theirs.standard_error
