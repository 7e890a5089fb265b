"""What other libraries' other formulas and methods say of the same data, data at random.

`test_other_libraries` and `test_scikit_survival` hold ours to the same formula elsewhere. Here it
stands beside different ones, which must differ from it by as much as they should and no more:
weights for replicates, Kaplan-Meier curves by SciPy, medians, other variances of a cumulative
incidence (scikit-survival's `Aalen` divides by one less than those at risk, as R's cmprsk does, and
`Dinse` keeps the terms of higher order), exact tests and the bootstrap.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import CensoredData, bootstrap, ecdf
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep

from benchmarks.coverage_cases import independent_shares, paired_shares
from crisis_sim.outcomes.differences import difference as difference_of
from crisis_sim.outcomes.incidence import CumulativeIncidence, cumulative_incidence
from crisis_sim.outcomes.intervals import (
    CONTINUITY,
    normal_quantile,
)

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
    assert math.isinf(ours.estimate) == math.isnan(median)
    band = curve.band()
    smooth = (np.diff(band.lower) >= 0).all() and (np.diff(band.upper) >= 0).all()
    if math.isnan(median) or not smooth or not before_all_ended(curve).all():
        return
    assert ours.estimate == median
    accepted = (band.lower < 0.5) & (band.upper > 0.5)
    if accepted.any():
        assert ours.lower == limits[0]
        assert (math.inf if math.isnan(ours.upper) else ours.upper) == limits[1]


def sksurv() -> Any:
    return pytest.importorskip("sksurv.nonparametric", reason="no wheels for this Python")


def error_behind(estimate: NDArray[np.float64], limits: NDArray[np.float64]) -> NDArray[np.float64]:
    """The standard error from which scikit-survival made limits on the scale of log(-log F)."""
    lower, upper = limits
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = (np.log(-np.log(lower)) - np.log(-np.log(upper))) / 2.0
        return np.asarray(reach / Z * estimate * -np.log(estimate))


def usual_variances(
    time: NDArray[np.float64], cause: NDArray[np.int64], curve: CumulativeIncidence
) -> list[NDArray[np.float64]]:
    """Of each kind just after each of our steps, by scikit-survival's default formula."""
    with np.errstate(divide="ignore", invalid="ignore"):
        times, incidence, limits = sksurv().cumulative_incidence_competing_risks(
            cause, time, conf_type="log-log", var_type="Aalen"
        )
    at = steps_of(curve, times)
    return [
        error_behind(incidence[k, at], limits[k][:, at]) ** 2 for k in range(1, cause.max() + 1)
    ]


@every_example
@given(anything)
def test_with_three_kinds_and_ties_within_each_the_usual_variance_is_ours_times_a_known_factor(
    rows: list[Row],
) -> None:
    """It multiplies what each step adds to our variance by Y / (Y - 1), and so lies above ours by
    no more than that of the last step, the one with the fewest at risk. One more crisis outlasts
    all others, for the library divides by zero where nobody is left.
    """
    of_one_kind = [(hour, kind and 1 + hour % 3) for hour, kind in rows]
    time, cause = data_of([*of_one_kind, (max(rows)[0] + 1, 0)])
    if cause.max() < 2:
        return
    curve = cumulative_incidence(time, cause, CAUSES)
    fewest = curve.at_risk.astype(float)
    for ours, usual in zip(
        curve.standard_error**2, usual_variances(time, cause, curve), strict=False
    ):
        told = ours > 1e-9  # the library leaves out variances below rounding
        assert (usual[told] >= ours[told] * (1.0 - 1e-6)).all()
        assert (usual[told] <= (ours * fewest / (fewest - 1.0))[told] * (1.0 + 1e-6)).all()


def test_where_kinds_tie_ours_is_still_binomial_and_the_usual_variance_is_not() -> None:
    """Of six crises two have each kind of event at hour 1, one the first kind at hour 2."""
    time, cause = np.array([1.0, 1, 1, 1, 2, 3]), np.array([1, 1, 2, 2, 1, 0])
    curve = cumulative_incidence(time, cause, CAUSES[:2])
    assert curve.standard_error[0, 1] ** 2 == pytest.approx(3 / 6 * 3 / 6 / 6)
    usual = usual_variances(time, cause, curve)[0][1]
    assert usual < 3 / 6 * 3 / 6 / 6 < 3 / 6 * 3 / 6 / 5


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


def test_in_large_samples_other_methods_for_independent_shares_say_the_same() -> None:
    ours = independent_shares(900, 3000, 1000, 3000)
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
    np.testing.assert_allclose(paired_shares(*table), theirs, atol=1e-9)


@given(*[st.integers(0, 400)] * 2, st.integers(0, 60), st.integers(0, 60))
def test_paired_intervals_tell_a_difference_where_mcnemars_exact_test_does(
    both: int, neither: int, first: int, second: int
) -> None:
    chance = mcnemar([[both, first], [second, neither]], exact=True).pvalue
    for continuity in (0.5, CONTINUITY):
        lower, upper = paired_shares(both, first, second, neither, continuity)
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
    figures = [curve.at(96.0) for curve in curves(*columns)]
    ours = difference_of(*figures)
    # The bootstrap's own standard error is 2 per cent.
    assert ours.standard_error == pytest.approx(theirs.standard_error, rel=0.08)
    apart = difference_of(*figures, paired=False)
    assert apart.standard_error > 1.3 * theirs.standard_error
