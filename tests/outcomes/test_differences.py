"""Differences of two figures, on shared luck and of independent samples."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.coverage_cases import independent_shares, paired_shares
from crisis_sim.batch.ensemble import Ensemble
from crisis_sim.outcomes import CumulativeIncidence, cumulative_incidence
from crisis_sim.outcomes.durations import CLOCKS
from crisis_sim.outcomes.intervals import Measured, difference, wilson_interval
from crisis_sim.outcomes.measures import Reading
from crisis_sim.outcomes.names import measure

Crises = Callable[..., Ensemble]


def mediated(crises: Crises, which: NDArray[np.bool_]) -> Measured:
    """The share of crises with mediation."""
    ensemble = crises(*({"mediated": one} for one in which.tolist()))
    return measure("mediated").read(Reading(ensemble))


def test_differences_of_shares_are_those_of_counts(crises: Crises) -> None:
    """Pairs by how they agree; independent samples need no equal numbers."""
    here = mediated(crises, np.repeat([True, True, False, False], [30, 8, 2, 60]))
    there = mediated(crises, np.repeat([True, False, True, False], [30, 8, 2, 60]))
    found = difference(here, there)
    assert found.estimate == pytest.approx(0.06)
    limits = paired_shares(30, 8, 2, 60)
    np.testing.assert_allclose((found.lower, found.upper), limits, rtol=1e-12)
    more = mediated(crises, np.repeat([True, False], [32, 118]))
    found = difference(here, more, paired=False)
    assert (found.lower, found.upper) == independent_shares(38, 100, 32, 150)


def test_without_censoring_the_error_is_that_of_the_paired_indicators() -> None:
    budgets = np.random.default_rng(1).exponential(size=(400, 2))
    figures, came = [], []
    for mean in (80.0, 100.0):
        every = budgets * [mean, 150.0]
        time, cause = every.min(axis=1), every.argmin(axis=1) + 1
        figures.append(cumulative_incidence(time, cause, ("ceasefire", "otherwise")).at(96.0))
        came.append(((time <= 96.0) & (cause == 1)).astype(float))
    differences = came[0] - came[1]
    result = difference(*figures)
    assert result.estimate == pytest.approx(differences.mean())
    assert result.standard_error == pytest.approx(differences.std() / math.sqrt(400))


def test_replicates_on_the_clock_in_one_scenario_only_are_reckoned_with() -> None:
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


def test_pairing_narrows_and_the_same_scenario_twice_differs_by_a_few_crises_at_most(
    simulated: Crises,
) -> None:
    base, quick = (
        CLOCKS["from_first_strike"].read(simulated(2000, mean)).incidence().at(96.0)
        for mean in (90.0, 80.0)
    )
    paired, apart = difference(quick, base), difference(quick, base, paired=False)
    assert paired.estimate == apart.estimate
    assert paired.upper - paired.lower < 0.5 * (apart.upper - apart.lower)
    errors = float(quick.standard_error), float(base.standard_error)
    assert apart.standard_error == pytest.approx(math.hypot(*errors))
    same = difference(base, base)
    assert (same.estimate, same.standard_error) == (0.0, 0.0)
    # How many replicates without censoring the incidence is worth.
    worth = base.estimate * (1.0 - base.estimate) / base.standard_error**2
    assert 2.0 / worth < same.upper < 4.0 / worth
    assert same.lower == pytest.approx(-same.upper)


def all_at(hours: float, cause: int, number: int = 200) -> CumulativeIncidence:
    return cumulative_incidence(np.full(number, hours), np.full(number, cause))


def test_crises_that_all_went_alike_bound_a_difference_as_seldom_seen_events_do(
    crises: Crises,
) -> None:
    """None of 200 differed, so three in 200 might (the rule of three): half have the event."""
    time = np.repeat([10.0, 500.0], 100)
    curve = cumulative_incidence(time, np.ones(200, dtype=int))
    for figure in (curve.at(96.0), mediated(crises, time < 96.0)):
        result = difference(figure, figure)
        assert 2.5 / 200 < result.upper < 3.5 / 200
        assert result.lower == pytest.approx(-result.upper)


def test_never_against_never_has_a_width() -> None:
    curve = all_at(500.0, 0)
    result = difference(curve.at(96.0), curve.at(96.0))
    highest = float(wilson_interval(0, 200).upper)
    assert result.estimate == 0.0
    assert (result.lower, result.upper) == pytest.approx((-highest, highest))


def test_a_moment_past_the_watch_of_either_is_unknown() -> None:
    figures = all_at(500.0, 0, 10).at(96.0), all_at(50.0, 0, 10).at(96.0)
    result = difference(*figures)
    assert np.isnan([result.estimate, result.lower, result.upper]).all()
