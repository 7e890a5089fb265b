from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crisis_sim import simulate
from crisis_sim.outcomes import UnknownValueError
from crisis_sim.outcomes.durations import CLOCKS, PAUSE, Durations
from tests.batch.crises import crisis as small_crisis
from tests.outcomes.made_up import crises, simulated

from_trigger, from_first_strike, relapse = (clock.read for clock in CLOCKS.values())
Row = dict[str, Any]


def row(ending: str = "unresolved", ended: float = np.nan, **times: float) -> Row:
    found = {f"{name}_at_hours": at for name, at in times.items() if name != "watched"}
    found |= {"followed_until_hours": times.get("watched", np.nan)}
    return {"ending": ending, "ended_at_hours": ended, **found}


def halted(at: float, **others: Any) -> Row:
    return row(ceasefire_in_effect=at, **others)


#: Struck after 10 days, halted 88 hours later, as in May 2025 but rounder.
AGREEMENT = halted(
    352.0, ending="agreement", ended=352.0, trigger=24.0, first_strike=264.0, watched=700.0
)


def reading(durations: Durations, row: int = 0) -> str:
    """Hours and what came then."""
    if np.isnan(durations.hours[row]):
        return "not on it"
    kind = int(durations.cause[row])
    return f"{durations.hours[row]:g} {durations.causes[kind - 1] if kind else 'censored'}"


@pytest.mark.parametrize(
    ("crisis", "since_trigger", "since_strike"),
    [
        (AGREEMENT, "328 ceasefire", "88 ceasefire"),
        *(
            (row(ending, 150.0, first_strike=100.0), f"150 {ending}", f"50 {ending}")
            for ending in ("tacit", "unilateral", "imposed", "faded")
        ),
        # Time out is censored at the horizon, recorded or not, and even if an end is written, too.
        (row(trigger=20.0, first_strike=100.0), "1420 censored", "1340 censored"),
        (row(trigger=20.0, first_strike=100.0, watched=720.0), "700 censored", "620 censored"),
        (row(ended=1440.0, first_strike=100.0, watched=1440.0), "1440 censored", "1340 censored"),
        # A ceasefire that broke is still the first.
        (
            halted(130.0, ending="imposed", ended=500.0, first_strike=100.0, relapsed=140.0),
            "130 ceasefire",
            "30 ceasefire",
        ),
        # One before the strike does not count from the strike; an agreement after it does.
        (
            halted(50.0, ending="agreement", ended=160.0, first_strike=100.0),
            "50 ceasefire",
            "60 ceasefire",
        ),
        (
            halted(50.0, ending="faded", ended=300.0, first_strike=100.0),
            "50 ceasefire",
            "200 faded",
        ),
        (halted(50.0, first_strike=100.0), "50 ceasefire", "1340 censored"),
        # Never struck, or by a last violation of a settled agreement, which is no crisis begun anew.
        (row("faded", 90.0), "90 faded", "not on it"),
        ({**AGREEMENT, "first_strike_at_hours": 400.0}, "328 ceasefire", "not on it"),
        # All in the hour of the strike.
        ({**AGREEMENT, "first_strike_at_hours": 352.0}, "328 ceasefire", "0 ceasefire"),
        (
            halted(352.0, ending="faded", ended=600.0, first_strike=352.0),
            "352 ceasefire",
            "0 ceasefire",
        ),
    ],
)
def test_what_each_clock_reads(crisis: Row, since_trigger: str, since_strike: str) -> None:
    ensemble = crises(crisis)
    assert reading(from_trigger(ensemble)) == since_trigger
    assert reading(from_first_strike(ensemble)) == since_strike


def test_relapse_counts_from_the_first_ceasefire() -> None:
    """Without a ceasefire there is nothing to relapse from."""
    broke = {**AGREEMENT, "relapsed_at_hours": 400.0}
    durations = relapse(crises(AGREEMENT, broke, row("faded", 90.0)))
    found = [reading(durations, place) for place in range(3)]
    assert found == ["348 censored", "48 relapse", "not on it"]
    assert durations.incidence().started == 2


def test_relapse_is_one_minus_kaplan_meier() -> None:
    """Four ceasefires: one breaks at 10 h, one is watched to 20 h, one breaks at 30 h, one holds.

    Kaplan-Meier: 3/4 hold past 10 h, and 3/4 * 1/2 past 30 h.
    """
    rows = [(10.0, 500.0), (np.nan, 20.0), (30.0, 500.0), (np.nan, 500.0)]
    ensemble = crises(
        *(
            halted(0.0, ending="agreement", ended=0.0, relapsed=broke, watched=watched)
            for broke, watched in rows
        )
    )
    share = relapse(ensemble).incidence().at([10.0, 30.0])
    np.testing.assert_allclose(share.estimate, [1 / 4, 1 - 3 / 8])


def test_competing_endings_leave_the_ceasefire_as_it_is_alone() -> None:
    durations = from_first_strike(simulated(500))
    apart, first = durations.incidence(), durations.incidence(first_only=True)
    assert first.causes == ("ceasefire",)
    for name in ("estimate", "standard_error"):
        np.testing.assert_array_equal(getattr(first, name), getattr(apart, name)[:1])


def test_an_unknown_ending_is_named_in_the_error() -> None:
    with pytest.raises(
        UnknownValueError, match="'ending' contains 'peace'; valid values are agreement"
    ):
        from_trigger(crises({"ending": "peace"}))


def test_a_pause_in_strikes_comes_no_later_than_a_ceasefire() -> None:
    ensemble = simulate(small_crisis(horizon_days=60), 1_000).ensembles["quarrel"]
    paused, agreed = (
        clock.read(ensemble).incidence(first_only=True).at([24.0, 96.0, 336.0, 720.0]).estimate
        for clock in (PAUSE, CLOCKS["from_first_strike"])
    )
    assert (paused >= agreed - 1e-9).all()
    assert paused[-1] > agreed[-1]
