"""What a state wants and suffers, who may cross a line first, weapons by chance: direction and rough size on paired luck.

The bounds are wide: they hold a mechanism to a size, not to the digits that the present defaults give.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from crisis_sim.model import CrisisModel, Journal, turn
from crisis_sim.scenario import load_scenario
from tests.model.conftest import Columns, take

INDIA, PAKISTAN, LADDER = "states.india", "states.pakistan", load_scenario("may_2025").ladder
NAMES = [rung.name for rung in LADDER]
ONE_EVENT = "events=[{at: 2025-04-22T15:00+05:30, kind: trigger, struck: india, "


def came(columns: Columns, milestone: str) -> NDArray[np.bool_]:
    return ~np.isnan(columns[milestone])


def rise(weak: Any, strong: Any) -> tuple[float, float]:
    """Mean paired difference and its standard error."""
    difference = np.asarray(strong, float) - np.asarray(weak, float)
    return float(difference.mean()), float(difference.std() / np.sqrt(difference.size))


def lies(weak: Any, strong: Any, low: float, high: float) -> bool:
    """Whether the mean paired difference lies between bounds, by at least 2.5 standard errors."""
    mean, error = rise(weak, strong)
    return low < mean - 2.5 * error and mean + 2.5 * error < high


def days_of_fight(columns: Columns) -> NDArray[np.float64]:
    """From the first strike to a ceasefire, or to the end of what was followed."""
    halted = columns["ceasefire_in_effect_at_hours"]
    until = np.where(np.isnan(halted), columns["followed_until_hours"], halted)
    return (until - columns["first_strike_at_hours"]) / 24


def test_a_claim_makes_strikes_and_wars_likelier_and_fights_longer(outcomes: Any) -> None:
    none, some, much = (outcomes(f"{INDIA}.claim={c}", replicates=700) for c in (0, 0.3, 1.5))
    strike, war = "first_strike_at_hours", "war_at_hours"
    assert lies(came(none, strike), came(some, strike), 0.05, 0.5)
    assert lies(came(some, war), came(much, war), 0.1, 0.8)
    both = came(some, strike) & came(much, strike)
    assert lies(days_of_fight(some)[both], days_of_fight(much)[both], 3, 40)


def test_a_provocation_moves_a_crisis_as_the_deaths_that_harm_as_much(outcomes: Any) -> None:
    nothing = outcomes("events.0.deaths=0", replicates=700)
    behaviour = load_scenario("may_2025").behaviour.harm
    alike = (26 / behaviour.harm_unit_deaths) ** behaviour.harm_exponent
    provoked = outcomes("events.0.deaths=0", f"events.0.provocation={alike}", replicates=700)
    killed = outcomes("events.0.deaths=26", replicates=700)
    strike = "first_strike_at_hours"
    assert lies(came(nothing, strike), came(provoked, strike), 0.4, 1)
    assert np.mean(provoked["ending"] == killed["ending"]) > 0.99
    np.testing.assert_allclose(killed["deaths"] - provoked["deaths"], 26, atol=1e-3, rtol=1e-3)


def test_the_harm_of_deaths_and_of_a_provocation_are_blamed_alike() -> None:
    event = "deaths: 25, provocation: 0.5, blame: 0.4}]"
    unit = ["behaviour.harm.harm_unit_deaths=25", "behaviour.harm.grievance_half_life_days=3650"]
    model = CrisisModel(load_scenario("may_2025", [ONE_EVENT + event, *unit]), 1)
    model.step()
    assert model.state("india").grievance[0] == pytest.approx(0.4 * 1.5, rel=1e-3)
    assert model.state("pakistan").grievance[0] == 0


@pytest.mark.parametrize("rung", ["border fire", "limited strike", "full-scale war"])
def test_an_event_may_bring_the_rival_to_a_rung_at_its_own_hour(rung: str) -> None:
    k = NAMES.index(rung)
    scenario = load_scenario("may_2025", [f"{ONE_EVENT}rival_rung: {k}}}]", "horizon_days=20"])
    rows = CrisisModel(scenario, 40).run().outcomes()
    assert np.all(rows["peak_rung"] >= k)
    order = ["none", "minor clashes", "serious clashes", "full-scale war"]
    worst = np.array([order.index(word) for word in rows["worst_violence"]])
    assert np.all(worst >= order.index(LADDER[k].violence))
    trigger = rows["trigger_at_hours"]
    if LADDER[k].strike:
        np.testing.assert_array_equal(rows["first_strike_at_hours"], trigger)
    if LADDER[k].violence == "full-scale war":
        np.testing.assert_array_equal(rows["war_at_hours"], trigger)
    if isinstance(opening := LADDER[k].opening_deaths, float):
        assert np.all(rows["deaths"] >= opening)


def test_who_stands_higher_does_not_come_down_for_an_event() -> None:
    low, start = NAMES.index("mobilisation"), "states.pakistan.rung_at_start='border fire'"
    model = CrisisModel(load_scenario("may_2025", [f"{ONE_EVENT}rival_rung: {low}}}]", start]), 5)
    take(model, turn.OBSERVE)
    assert np.all(model.state("pakistan").rung == NAMES.index("border fire"))


def test_an_event_that_brings_the_rival_to_a_rung_of_violence_ends_a_halt_in_effect() -> None:
    k = NAMES.index("limited strike")
    event = (
        f"{ONE_EVENT}deaths: 1}}, {{at: 2025-04-23T15:00+05:30, struck: india, rival_rung: {k}}}]"
    )
    model = CrisisModel(load_scenario("may_2025", [event]), 1, journal=Journal())
    while model.hours < 21:
        model.step()
    model.halt.pending[:], model.halt.holding[:], model.halt.effective_at[:] = False, True, 20.0
    model.step()
    assert not model.halt.holding.any()
    assert model.open_to_decision.all()
    assert model.journal is not None
    kinds = [(entry.kind, entry.hours) for entry in model.journal.entries[-20:]]
    assert kinds.index(("incident", 24)) < kinds.index(("relapsed", 24))


def test_lines_that_nobody_has_crossed_hold_states_back_in_calm_and_not_in_a_fight(
    outcomes: Any,
) -> None:
    def run(cost: float, *further: str) -> Columns:
        return outcomes(f"behaviour.decision.line_cost={cost}", *further, replicates=700)

    def violent(columns: Columns) -> NDArray[np.bool_]:
        return columns["worst_violence"] != "none"

    free, dear = run(0), run(3)
    assert lies(violent(free), violent(dear), -1, -0.3)
    assert lies(came(free, "war_at_hours"), came(dear, "war_at_hours"), -0.6, -0.05)
    # Once a war has opened the crisis there is no line left to cross: the cost changes nothing, to the bit.
    war = f"{ONE_EVENT}deaths: 26, rival_rung: {NAMES.index('full-scale war')}}}]"
    free, dear = run(0, war), run(3, war)
    for name in ("ending", "deaths", "peak_rung", "ceasefire_agreed_at_hours"):
        np.testing.assert_array_equal(free[name], dear[name])


def test_fights_that_settle_no_grievance_go_on_longer_and_become_wars(outcomes: Any) -> None:
    credit = "behaviour.harm.attrition_credit"
    none, full = (outcomes(f"{credit}={value}", replicates=700) for value in (0, 1.4))
    assert lies(came(none, "war_at_hours"), came(full, "war_at_hours"), -0.95, -0.2)
    both = came(none, "first_strike_at_hours") & came(full, "first_strike_at_hours")
    assert lies(days_of_fight(none)[both], days_of_fight(full)[both], -60, -3)


def test_a_chance_of_nuclear_weapons_is_a_share_of_crises_and_dread_goes_with_the_rival() -> None:
    count = 4000
    scenario = load_scenario("may_2025", [f"{INDIA}.nuclear=0.5", f"{PAKISTAN}.nuclear=0.3"])
    model = CrisisModel(scenario, count)
    india, pakistan = model.states
    for state, chance in ((india, 0.5), (pakistan, 0.3)):
        assert abs(state.nuclear.mean() - chance) < 4 * np.sqrt(chance * (1 - chance) / count)
    pair = model.outcomes()["nuclear_pair"]
    np.testing.assert_array_equal(pair, india.nuclear & pakistan.nuclear)
    assert abs(pair.mean() - 0.15) < 4 * np.sqrt(0.15 * 0.85 / count)
    decision = model.behaviour.decision
    expected = (
        decision.dread * india.facts.caution * (1 + decision.nuclear_dread * pakistan.nuclear)
    )
    np.testing.assert_allclose(india.dread, expected, rtol=1e-6)


@pytest.mark.parametrize(("written", "drawn"), [("true", 1), ("false", 0), ("1", 1), ("0.0", 0)])
def test_nuclear_weapons_that_are_known_are_no_matter_of_chance(written: str, drawn: int) -> None:
    model = CrisisModel(load_scenario("may_2025", [f"{INDIA}.nuclear={written}"]), 500)
    assert model.states[0].nuclear.mean() == drawn


def test_nuclear_weapons_on_both_sides_hold_crises_back(outcomes: Any) -> None:
    none, both = (
        outcomes(f"{INDIA}.nuclear={has}", f"{PAKISTAN}.nuclear={has}", replicates=700)
        for has in ("false", "true")
    )
    assert not none["nuclear_pair"].any()
    assert both["nuclear_pair"].all()
    for milestone in ("first_strike_at_hours", "war_at_hours"):
        assert lies(came(none, milestone), came(both, milestone), -0.4, 0), milestone
