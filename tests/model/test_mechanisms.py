"""Each mechanism, weakened and strengthened on paired luck: the direction in which it moves the May 2025 crisis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from crisis_sim.outcomes.intervals import wilson_interval
from tests.model.conftest import Columns

Measure = Callable[[Columns], NDArray[Any]]


def within_hours(hours: float) -> Measure:
    def measure(columns: Columns) -> NDArray[Any]:
        since = columns["ceasefire_in_effect_at_hours"] - columns["first_strike_at_hours"]
        return (since >= 0) & (since <= hours)

    return measure


def came(milestone: str) -> Measure:
    return lambda columns: ~np.isnan(columns[milestone])


def ended(ending: str) -> Measure:
    return lambda columns: columns["ending"] == ending


def column(name: str) -> Measure:
    return lambda columns: columns[name]


def by_day(milestone: str, days: float) -> Measure:
    return lambda columns: columns[milestone] <= 24 * days


STRUCK, WAR, SOON = came("first_strike_at_hours"), came("war_at_hours"), within_hours(168)
DECISION, HALT = "behaviour.decision", "behaviour.halt"
#: Pakistan opens the crisis with a limited strike: what follows a first strike is then seen in all replicates, not in half.
STRUCK_AT_ONCE = "events.0.rival_rung=5"

#: A parameter's path, weak and strong, what it moves and in which direction, and what else is changed.
CASES: list[tuple[Any, ...]] = [
    (f"{DECISION}.retaliation", 9, 15, WAR, +1),
    (f"{DECISION}.dread", 8, 14, STRUCK, -1),
    (f"{DECISION}.dread_power", 3, 4.5, STRUCK, +1),
    (f"{DECISION}.reciprocity", 0, 10, SOON, +1),
    (f"{DECISION}.preparation_days", 3, 14, by_day("first_strike_at_hours", 10), -1),
    (f"{DECISION}.unready_cost", 0, 6, by_day("first_strike_at_hours", 5), -1),
    (f"{DECISION}.audience_cost", 1, 12, SOON, -1),
    (f"{DECISION}.hurting", 1, 8, SOON, +1),
    (f"{DECISION}.economic_restraint", 0, 30, SOON, -1, STRUCK_AT_ONCE),
    (f"{DECISION}.fatigue_restraint", 0, 10, column("peak_rung"), -1),
    (f"{DECISION}.decisions_under_fire_per_day", 0.5, 4, SOON, +1),
    (f"{DECISION}.decisions_on_alert_per_day", 0, 4, by_day("first_strike_at_hours", 5), +1),
    (f"{DECISION}.alert_days", 0.3, 6, by_day("first_strike_at_hours", 5), +1),
    (f"{DECISION}.deliberations_per_day", 0.4, 2, STRUCK, +1),
    (f"{DECISION}.nuclear_dread", 0, 1, WAR, -1),
    ("behaviour.harm.answer_credit", 0.7, 1.6, SOON, +1),
    (
        "behaviour.harm.success_cover",
        0,
        1,
        within_hours(96),
        +1,
        f"{DECISION}.audience_cost=12",  # a share of this is what it saves
    ),
    ("behaviour.harm.grievance_half_life_days", 5, 100, STRUCK, +1),
    ("behaviour.fog.hope", 0, 0.8, SOON, +1, STRUCK_AT_ONCE),
    ("behaviour.fog.accident_harm", 0, 5, WAR, +1),
    (f"{HALT}.settling_cost", -0.5, 1.5, SOON, -1),
    (f"{HALT}.forgone_retaliation", 1, 4, ended("agreement"), -1),
    (f"{HALT}.mistrust", 0.5, 4, SOON, -1),
    (f"{HALT}.public_offer_cost", 0, 10, within_hours(96), -1, STRUCK_AT_ONCE),
    (f"{HALT}.rebuff_cost", 0, 3, SOON, -1),
    (f"{HALT}.yielding_cost", 3, 9, ended("unilateral"), -1),
    (f"{HALT}.violations_per_day", 0.2, 6, came("first_violation_at_hours"), +1),
    (f"{HALT}.answering_cost", 2, 5, came("relapsed_at_hours"), -1),
    (f"{HALT}.violation_harm", 0, 0.6, came("relapsed_at_hours"), +1),
    ("behaviour.mediation.calls_per_day", 1, 30, by_day("mediation_started_at_hours", 20), +1),
    ("behaviour.mediation.cover", 0, 1, SOON, +1, STRUCK_AT_ONCE),
    ("behaviour.mediation.assurance", 0, 1, SOON, +1),
    ("behaviour.mediation.leverage_on_halt", 0, 15, SOON, +1),
    ("behaviour.mediation.overt_cost", 0, 4, SOON, -1),
    ("behaviour.channels.openings_per_day", 0.05, 5, came("channel_opened_at_hours"), +1),
    ("behaviour.channels.breaks_per_day", 0, 8, SOON, -1),
    (
        "behaviour.lending.restraint",
        0,
        30,
        by_day("first_strike_at_hours", 17),
        -1,
        "events.0.struck=pakistan",  # so that it is the borrower who has something to answer
    ),
    ("behaviour.lending.strictness", 0, 30, lambda c: c["imf_decision"] == "delayed", +1),
    ("behaviour.lending.shock", 0, 5, column("pakistan_highest_pressure"), +1),
    ("behaviour.advice.weight_on_halt", 0, 5, SOON, +1),
    ("behaviour.economy.pressure_of_market_loss", 1, 9, column("pakistan_highest_pressure"), +1),
    ("behaviour.economy.market_reaction_days", 0.1, 5, column("pakistan_lowest_market"), +1),
    ("behaviour.economy.halt_relief", 0, 1, column("pakistan_market_rebound"), +1),
    ("behaviour.war.collapse_per_day", 0.001, 2, ended("imposed"), +1),
    (
        "behaviour.quiet.quiet_intensity",
        0.02,
        0.15,
        lambda c: ended("tacit")(c) | ended("faded")(c),
        +1,
        "events.0.deaths=4",  # so few that states may be quiet for all their grievance
    ),
    ("states.india.resolve", 0.4, 0.9, by_day("first_strike_at_hours", 12), +1),
    ("states.india.mediation_aversion", 0, 1, SOON, -1),
    ("states.pakistan.economic_vulnerability", 0.1, 0.9, column("pakistan_highest_pressure"), +1),
    ("mediators.us.attention_threshold", 0.3, 0.8, by_day("us_engaged_at_hours", 60), -1),
    ("mediators.us.attention_days", 0.1, 6, SOON, -1),
    ("channels.nsa_line.trust", 0.1, 0.9, SOON, +1),
]


@pytest.mark.parametrize(
    ("path", "low", "high", "measure", "direction", "further"),
    [(*case[:5], case[5:]) for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_a_mechanism_moves_the_crisis_in_the_direction_it_should(
    outcomes: Any,
    path: str,
    low: float,
    high: float,
    measure: Measure,
    direction: int,
    further: tuple[str, ...],
) -> None:
    weak, strong = (
        measure(outcomes(f"{path}={value}", *further, replicates=700)) for value in (low, high)
    )
    difference = strong.astype(float) - weak.astype(float)
    difference = difference[~np.isnan(difference)]
    error = difference.std() / np.sqrt(difference.size)
    assert direction * difference.mean() > 2.5 * error > 0


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("no_mediators", -1),
        ("no_back_channel", -1),
        ("no_channels", -1),
        ("no_adviser", -1),
        ("early_mediation", +1),
    ],
)
def test_a_counterfactual_moves_the_crisis_as_its_description_says(
    outcomes: Any, name: str, direction: int
) -> None:
    within = within_hours(96)
    other, usual = outcomes(name=name, replicates=3000), outcomes(replicates=3000)
    difference = within(other).astype(float) - within(usual)
    error = difference.std() / np.sqrt(difference.size)
    assert direction * difference.mean() > 2 * error > 0


@pytest.mark.parametrize("helpers", ["mediators", "channels"])
def test_third_parties_bring_agreements_to_the_population_of_crises(
    outcomes: Any, helpers: str
) -> None:
    run = {"name": "since_1945", "replicates": 1200}
    coarse = ("horizon_days=200", "hours_per_turn=12")  # for speed
    without = outcomes(*coarse, f"{helpers}=null", **run)
    usual = outcomes(*coarse, **run)
    difference = ended("agreement")(usual).astype(float) - ended("agreement")(without)
    error = difference.std() / np.sqrt(difference.size)
    assert difference.mean() > 3 * error > 0


def test_mediators_engage_because_a_crisis_is_bad(outcomes: Any) -> None:
    columns = outcomes()
    mediated = columns["mediated"]
    assert columns["deaths"][mediated].mean() > columns["deaths"][~mediated].mean()
    assert columns["peak_rung"][mediated].mean() > columns["peak_rung"][~mediated].mean()


def test_money_restrains_before_it_is_released_and_not_after(outcomes: Any) -> None:
    strong = ["behaviour.lending.restraint=30", "lenders.imf.conditionality=1"]
    struck = "events.0.struck=pakistan"  # so that it is the borrower who has something to answer
    with_review, without = (
        outcomes(*changes, struck, replicates=700) for changes in (strong, ["lenders=null"])
    )
    review, week = 24 * 17.25, 24 * 7

    def rise(after: float) -> tuple[float, float]:
        """By how much more of the replicates strike first in the week from then on, and its standard error."""
        within = [
            (columns["first_strike_at_hours"] > after)
            & (columns["first_strike_at_hours"] <= after + week)
            for columns in (with_review, without)
        ]
        difference = within[0].astype(float) - within[1]
        return float(difference.mean()), float(difference.std() / np.sqrt(difference.size))

    before, error = rise(review - week)
    assert before < -2.5 * error < 0
    afterwards, error = rise(review)
    assert afterwards > -error  # what was held back comes once the money is out


def test_nuclear_use_is_rare_but_can_happen(outcomes: Any) -> None:
    assert came("nuclear_use_at_hours")(outcomes(replicates=3000)).mean() < 0.01
    fearless = outcomes(f"{DECISION}.dread=1", f"{DECISION}.nuclear_taboo=0", replicates=700)
    assert came("nuclear_use_at_hours")(fearless).any()
    disarmed = outcomes(
        f"{DECISION}.dread=1",
        f"{DECISION}.nuclear_taboo=0",
        "states.india.nuclear=false",
        "states.pakistan.nuclear=false",
        replicates=700,
    )
    assert not came("nuclear_use_at_hours")(disarmed).any()


def test_may_2025_behaves(outcomes: Any) -> None:
    columns = outcomes(replicates=3000)
    days = columns["first_strike_at_hours"] / 24
    halt = columns["ceasefire_in_effect_at_hours"] - columns["first_strike_at_hours"]
    assert np.nanquantile(days, 0.05) > 2  # days, not hours
    assert np.nanquantile(days, 0.1) < 15 < np.nanquantile(days, 0.9)
    assert np.nanquantile(halt[halt > 0], 0.1) < 87.9 < np.nanquantile(halt[halt > 0], 0.9)
    rebound = columns["pakistan_market_rebound"]
    assert np.nanquantile(rebound, 0.1) < 0.0945 < np.nanquantile(rebound, 0.9)
    # Of five crises between the two after an attack (2001, 2008, 2016, 2019, 2025) three saw strikes.
    struck = STRUCK(columns)
    bounds = wilson_interval(3, 5)
    assert bounds.lower < struck.mean() < bounds.upper
    # Who strikes is halted, more often than not; without a strike there may be nothing to halt within 60 days.
    assert 0.5 < np.mean(columns["ending"][struck] == "agreement") < 0.97
    assert 0.3 < np.mean(columns["ending"] == "agreement") < 0.95
    assert 0.005 < np.mean(came("war_at_hours")(columns)) < 0.2
