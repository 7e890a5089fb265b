"""The same curves, errors and limits by scikit-survival.

Which variance each uses, with `Y` at risk, `d` events of any kind and `d_k` of the kind in question:

- Ours is that of Dinse and Larson (1986), equation 6, which scikit-survival has as `Dinse_Approx`.
  The two must agree to rounding.
- Its default is Aalen's (1978) in the form of Pintilie (2006), equation 4.5. Without ties each of
  its terms is ours times `Y / (Y - 1)`, as with a sample's variance and a population's: so it is
  the larger, and by no more than that factor at the last step.

Its limits of an incidence `F` among competing ones are normal on the scale of `log(-log F)`, ours
on that of `log(-log(1 - F))`, so there the standard errors behind the limits are compared. With one
kind of event its scale is ours, and so must its limits be.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from crisis_sim.outcomes import cumulative_incidence
from crisis_sim.outcomes.intervals import difference as difference_of
from crisis_sim.outcomes.intervals import normal_quantile
from tests.outcomes.at_random import (
    CAUSES,
    Floats,
    Readings,
    at,
    competing,
    readings,
)

# Python 3.13 has no wheel of a solver that it asks for.
theirs = pytest.importorskip("sksurv.nonparametric")


@given(readings())
def test_incidences_are_theirs(data: Readings) -> None:
    time, kind = data
    curve = cumulative_incidence(time, kind, CAUSES)
    if {1, 2} <= set(kind):
        hours, incidence = theirs.cumulative_incidence_competing_risks(kind, time)
        np.testing.assert_allclose(at(curve, hours, curve.estimate), incidence[1:], atol=1e-14)
    else:  # they know no kind that never comes
        hours, survival = theirs.kaplan_meier_estimator(kind > 0, time)
        ours = at(curve, hours, curve.estimate).sum(axis=0)
        np.testing.assert_allclose(ours, 1.0 - survival, atol=1e-14)
    hours, survival = theirs.kaplan_meier_estimator(kind > 0, time)
    np.testing.assert_allclose(1.0 - at(curve, hours, 1.0 - curve.survival), survival, atol=1e-14)


def their_errors(data: Readings, formula: str) -> tuple[Floats, Floats, Floats]:
    """Hours, incidences and the standard errors behind their limits, `F ** exp(±z e / (F log F))`."""
    time, kind = data
    with np.errstate(divide="ignore", invalid="ignore"):
        hours, incidence, limits = theirs.cumulative_incidence_competing_risks(
            kind, time, conf_type="log-log", var_type=formula
        )
        incidence, limit = incidence[1:], limits[1:].min(axis=1)
        reach = np.log(np.log(limit) / np.log(incidence)) / normal_quantile()
        return hours, incidence, np.abs(reach * incidence * np.log(incidence))


@given(readings((0, 1, 2), (0, 0, 0, 0, 1, 2), (1, 2)).filter(lambda data: {1, 2} <= set(data[1])))
def test_standard_errors_are_theirs_by_the_same_formula(data: Readings) -> None:
    # One crisis is watched for longer than all others: they lose every error to one 0 / 0.
    data = np.append(data[0], data[0].max() + 1.0), np.append(data[1], 0)
    curve = cumulative_incidence(*data, CAUSES)
    hours, incidence, errors = their_errors(data, "Dinse_Approx")
    ours = at(curve, hours, curve.standard_error)
    told = (incidence > 0.0) & (ours > 1e-6)
    assert told.any()
    np.testing.assert_allclose(ours[told], errors[told], rtol=1e-6)


@pytest.mark.parametrize("number", [30, 300])
def test_standard_errors_are_less_than_their_usual_ones_by_one_crisis_of_those_at_risk(
    number: int,
) -> None:
    for data in competing(number, seed=31):
        curve = cumulative_incidence(*data, CAUSES)
        hours, _, errors = their_errors(data, "Aalen")
        begun = (curve.estimate > 0.0) & (curve.at_risk > 1) & (curve.survival > 1e-12)
        usual = errors[:, np.searchsorted(hours, curve.times)][begun]
        ratio = (usual / curve.standard_error[begun]) ** 2
        at_risk = np.broadcast_to(curve.at_risk, begun.shape)[begun]
        assert (ratio >= 1.0).all()
        assert (ratio <= at_risk / (at_risk - 1.0) + 1e-9).all()
        assert ratio.max() > 1.0 + 1.0 / number, "both formulas are the same"


@given(readings((0, 0, 1), (0, 1), (1,), (0,)))
def test_with_one_kind_of_event_limits_are_theirs(data: Readings) -> None:
    time, kind = data
    curve = cumulative_incidence(time, kind)
    with np.errstate(divide="ignore", invalid="ignore"):
        hours, survival, limits = theirs.kaplan_meier_estimator(kind > 0, time, conf_type="log-log")
    inside = (survival > 1e-12) & (survival < 1.0)
    ours = curve.at(hours)
    np.testing.assert_allclose(ours.lower[inside], 1.0 - limits[1, inside], atol=1e-9)
    np.testing.assert_allclose(ours.upper[inside], 1.0 - limits[0, inside], atol=1e-9)


@pytest.mark.parametrize("grid", [None, 6.0])
def test_the_error_of_a_paired_difference_is_the_jackknife_of_their_curves(
    grid: float | None,
) -> None:
    """Pairs with censoring and ties, left out one by one, both members at a time."""
    number, hours = 150, 96.0
    both = competing(number, seed=32, grid=grid)

    def difference(rows: NDArray[np.intp]) -> float:
        by_then = []
        for time, kind in both:
            when, share = theirs.cumulative_incidence_competing_risks(kind[rows], time[rows])
            by_then.append(float(share[1, np.searchsorted(when, hours, side="right") - 1]))
        return by_then[0] - by_then[1]

    everyone = np.arange(number)
    without = np.array([difference(np.delete(everyone, one)) for one in everyone])
    jackknife = np.sqrt((number - 1) / number * np.sum((without - without.mean()) ** 2))
    ours = difference_of(*(cumulative_incidence(*each, CAUSES).at(hours) for each in both))
    assert ours.estimate == pytest.approx(difference(everyone), abs=1e-12)
    assert ours.standard_error == pytest.approx(jackknife, rel=0.01)


def test_where_kinds_tie_ours_is_still_binomial_and_their_usual_variance_is_not() -> None:
    """Of six crises two have each kind of event at hour 1, one the first kind at hour 2."""
    data = np.array([1.0, 1, 1, 1, 2, 3]), np.array([1, 1, 2, 2, 1, 0])
    curve = cumulative_incidence(*data, CAUSES)
    assert curve.standard_error[0, 1] ** 2 == pytest.approx(3 / 6 * 3 / 6 / 6)
    hours, _, errors = their_errors(data, "Aalen")
    assert errors[0, hours == 2.0] ** 2 < 3 / 6 * 3 / 6 / 6 < 3 / 6 * 3 / 6 / 5
