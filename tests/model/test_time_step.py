"""Conclusions do not hang on the length of a turn, on blocks or on the order of agents, in the population of crises too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mesa.agent import AgentSet

from crisis_sim.model import CrisisModel, turn
from crisis_sim.scenario import Scenario, load_scenario
from tests.model.conftest import Columns, same, take

#: What a share may move by beside its paired noise. See docs/ODD.md, "The time step".
LITTLE = 0.03
REMEMBERED = "behaviour.harm.grievance_half_life_days=3650"


def grievance_after_days(
    days: int, hours_per_turn: float, rungs: tuple[str, str], *overrides: str
) -> float:
    """The second state's grievance, after days in which both stand on their rungs and decide nothing."""
    scenario = load_scenario(
        "may_2025", [f"hours_per_turn={hours_per_turn}", REMEMBERED, *overrides]
    )
    model = CrisisModel(scenario, 1)
    for state, rung in zip(model.states, rungs, strict=True):
        state.rung[:] = model.ladder.names.index(rung)
    model.look()
    take(model, turn.OBSERVE, times=round(24 * days / hours_per_turn))
    return float(model.states[1].grievance[0])


def deaths_per_day(rung: str) -> float:
    found = next(r for r in load_scenario("may_2025").ladder if r.name == rung)
    assert isinstance(found.deaths_per_day, float)
    return found.deaths_per_day


@pytest.mark.parametrize("hours_per_turn", [1.5, 3.0, 12.0, 24.0])
def test_deaths_that_come_day_by_day_add_up_whatever_the_length_of_a_turn(
    hours_per_turn: float,
) -> None:
    unit = "behaviour.harm.harm_unit_deaths=25"
    suffered = grievance_after_days(10, hours_per_turn, ("air and drone exchange", "calm"), unit)
    assert suffered == pytest.approx(10 * deaths_per_day("air and drone exchange") / 25, rel=2e-3)


def test_deaths_done_settle_deaths_suffered_by_the_credit_that_attrition_gives() -> None:
    both = ("air and drone exchange", "air and drone exchange")

    def left(credit: float) -> float:
        return grievance_after_days(10, 3.0, both, f"behaviour.harm.attrition_credit={credit}")

    nothing = left(0.0)
    assert nothing > 0
    assert left(0.4) == pytest.approx(0.6 * nothing, rel=1e-3)
    assert left(1.0) == pytest.approx(0.0, abs=1e-4)


@pytest.fixture(scope="module")
def population() -> Scenario:
    return load_scenario("since_1945", ["horizon_days=150"])


@pytest.fixture(scope="module")
def whole(population: Scenario) -> Columns:
    return CrisisModel(population, 150, seed=3).run().outcomes()


def test_crises_of_the_population_are_the_same_in_any_block(
    population: Scenario, whole: Columns
) -> None:
    block = CrisisModel(population, 40, seed=3, first_replicate=37).run().outcomes()
    same(whole, block, slice(37, 77))


def test_crises_of_the_population_are_the_same_in_any_order_of_agents(
    population: Scenario, whole: Columns
) -> None:
    turned = population.model_copy(
        update={"mediators": dict(reversed(population.mediators.items()))}
    )
    model = CrisisModel(turned, 150, seed=3)
    model._all_agents = AgentSet(list(reversed(list(model.agents))), random=model.random)
    same(whole, model.run().outcomes())


@pytest.mark.slow
def test_halving_the_turn_moves_the_shares_of_the_population_by_little(outcomes: Any) -> None:
    coarse = outcomes(name="since_1945", replicates=700)
    fine = outcomes("hours_per_turn=3", name="since_1945", replicates=700)
    assert load_scenario("since_1945").hours_per_turn == 6

    def moved(measure: Any) -> None:
        change = measure(fine).astype(float) - measure(coarse)
        assert abs(change.mean()) < 3 * change.std() / np.sqrt(change.size) + LITTLE, measure

    assert np.mean(coarse["ending"] == fine["ending"]) > 0.7
    for ending in ("agreement", "tacit", "unilateral", "imposed", "faded", "unresolved"):
        moved(lambda columns, ending=ending: columns["ending"] == ending)
    moved(lambda columns: columns["mediated"])
    for milestone in ("first_strike_at_hours", "war_at_hours"):
        moved(lambda columns, milestone=milestone: ~np.isnan(columns[milestone]))
