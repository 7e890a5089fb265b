from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from crisis_sim.batch.ensemble import Ensemble
from crisis_sim.outcomes import UnknownValueError
from crisis_sim.outcomes.durations import CLOCKS

from_trigger, from_first_strike, relapse = (clock.read for clock in CLOCKS.values())
Crises = Callable[..., Ensemble]

#: Struck after 10 days, halted 88 hours later, as in May 2025 but rounder.
AGREEMENT: dict[str, Any] = {
    "ending": "agreement",
    "trigger_at_hours": 24.0,
    "first_strike_at_hours": 264.0,
    "ceasefire_in_effect_at_hours": 352.0,
    "ended_at_hours": 352.0,
    "followed_until_hours": 700.0,
}


def reading(durations: Any, row: int = 0) -> tuple[float, str]:
    kind = int(durations.cause[row])
    return float(durations.hours[row]), durations.causes[kind - 1] if kind else "censored"


def test_the_two_clocks_count_from_their_own_moments(crises: Crises) -> None:
    ensemble = crises(AGREEMENT)
    assert reading(from_trigger(ensemble)) == (328.0, "ceasefire")
    assert reading(from_first_strike(ensemble)) == (88.0, "ceasefire")


@pytest.mark.parametrize("ending", ["tacit", "unilateral", "imposed", "faded"])
def test_any_other_ending_competes(crises: Crises, ending: str) -> None:
    ensemble = crises(
        {"ending": ending, "first_strike_at_hours": 100.0, "ended_at_hours": 150.0},
        horizon_hours=720.0,
    )
    assert reading(from_trigger(ensemble)) == (150.0, ending)
    assert reading(from_first_strike(ensemble)) == (50.0, ending)


def test_time_out_is_censored_at_the_horizon_and_never_a_ceasefire(crises: Crises) -> None:
    """Recorded or not, the watch of an unresolved crisis ends with the horizon."""
    row = {"trigger_at_hours": 20.0, "first_strike_at_hours": 100.0}
    ensemble = crises(row, {**row, "followed_until_hours": 720.0}, horizon_hours=720.0)
    for k in (0, 1):
        assert reading(from_trigger(ensemble), k) == (700.0, "censored")
        assert reading(from_first_strike(ensemble), k) == (620.0, "censored")
    curve = from_trigger(ensemble).incidence()
    assert curve.at(700.0).estimate == 0.0
    assert curve.at(700.0, "faded").estimate == 0.0


def test_a_ceasefire_that_broke_is_still_the_first_ceasefire(crises: Crises) -> None:
    ensemble = crises(
        {
            "ending": "imposed",
            "first_strike_at_hours": 100.0,
            "ceasefire_in_effect_at_hours": 130.0,
            "relapsed_at_hours": 140.0,
            "ended_at_hours": 500.0,
        }
    )
    assert reading(from_trigger(ensemble)) == (130.0, "ceasefire")
    assert reading(from_first_strike(ensemble)) == (30.0, "ceasefire")


def test_a_ceasefire_before_the_first_strike_does_not_count_from_the_strike(
    crises: Crises,
) -> None:
    broken_early = {"ceasefire_in_effect_at_hours": 50.0, "first_strike_at_hours": 100.0}
    ensemble = crises(
        {**broken_early, "ending": "agreement", "ended_at_hours": 160.0},
        {**broken_early, "ending": "faded", "ended_at_hours": 300.0},
        broken_early,
    )
    assert [reading(from_trigger(ensemble), k) for k in range(3)] == [(50.0, "ceasefire")] * 3
    assert [reading(from_first_strike(ensemble), k) for k in range(3)] == [
        (60.0, "ceasefire"),
        (200.0, "faded"),
        (1340.0, "censored"),
    ]


def test_a_crisis_without_a_first_strike_is_not_on_that_clock(crises: Crises) -> None:
    ensemble = crises({"ending": "faded", "ended_at_hours": 90.0}, AGREEMENT)
    durations = from_first_strike(ensemble)
    assert np.isnan(durations.hours[0])
    assert durations.incidence().started == 1
    assert from_trigger(ensemble).incidence().started == 2


def test_a_crisis_over_before_the_clock_began_is_not_on_it(crises: Crises) -> None:
    """A last violation of a settled agreement is no crisis begun anew."""
    ensemble = crises({**AGREEMENT, "first_strike_at_hours": 400.0})
    assert np.isnan(from_first_strike(ensemble).hours[0])


def test_an_ending_in_the_hour_of_the_strike_counts_at_hour_zero(crises: Crises) -> None:
    ensemble = crises({**AGREEMENT, "first_strike_at_hours": 352.0})
    assert reading(from_first_strike(ensemble)) == (0.0, "ceasefire")


def test_a_ceasefire_in_the_hour_of_the_strike_counts_even_if_it_broke(crises: Crises) -> None:
    ensemble = crises(
        {
            "ending": "faded",
            "ended_at_hours": 600.0,
            "first_strike_at_hours": 352.0,
            "ceasefire_in_effect_at_hours": 352.0,
        }
    )
    assert reading(from_first_strike(ensemble)) == (0.0, "ceasefire")


def test_time_out_stays_censored_even_if_an_end_is_written_beside_it(crises: Crises) -> None:
    ensemble = crises({"ended_at_hours": 1440.0, "followed_until_hours": 1440.0})
    assert reading(from_trigger(ensemble)) == (1440.0, "censored")


def test_relapse_counts_from_the_first_ceasefire(crises: Crises) -> None:
    ensemble = crises(
        AGREEMENT,
        {**AGREEMENT, "relapsed_at_hours": 400.0},
        {"ending": "faded", "ended_at_hours": 90.0},
    )
    durations = relapse(ensemble)
    assert reading(durations, 0) == (348.0, "censored")
    assert reading(durations, 1) == (48.0, "relapse")
    assert np.isnan(durations.hours[2]), "no ceasefire, nothing to relapse from"


def test_relapse_is_one_minus_kaplan_meier(crises: Crises) -> None:
    """Four ceasefires: one breaks at 10 h, one is watched to 20 h, one breaks at 30 h, one holds.

    Kaplan-Meier: 3/4 hold past 10 h, and 3/4 * 1/2 past 30 h.
    """
    rows = [(10.0, 500.0), (np.nan, 20.0), (30.0, 500.0), (np.nan, 500.0)]
    ensemble = crises(
        *(
            {
                **AGREEMENT,
                "relapsed_at_hours": 352.0 + broke,
                "followed_until_hours": 352.0 + watched,
            }
            for broke, watched in rows
        )
    )
    curve = relapse(ensemble).incidence()
    assert curve.at(10.0).estimate == pytest.approx(1 / 4)
    assert curve.at(30.0).estimate == pytest.approx(1 - 3 / 8)


def test_competing_endings_leave_the_ceasefire_as_it_is_alone(
    simulated: Crises,
) -> None:
    durations = from_first_strike(simulated(500))
    apart, first = durations.incidence(), durations.incidence(first_only=True)
    assert first.causes == ("ceasefire",)
    for name in ("estimate", "standard_error"):
        np.testing.assert_array_equal(getattr(first, name), getattr(apart, name)[:1])


def test_an_ending_that_is_none_is_refused_by_name(crises: Crises) -> None:
    with pytest.raises(UnknownValueError, match="'ending' holds 'peace'; it may hold agreement"):
        from_trigger(crises({"ending": "peace"}))
