"""What a state sees and knows, and how third parties' information changes it."""

from __future__ import annotations

import numpy as np
import pytest

from crisis_sim.model import CrisisModel, Influence, ThirdParty, turn
from crisis_sim.model.state import State
from crisis_sim.scenario import Scenario, load_scenario
from tests.model.conftest import take


class Herald(ThirdParty):
    """Tells both states all there is to know."""

    def influence(self, state: State, who: np.ndarray) -> Influence:
        return Influence(information=np.ones(len(who), np.float32))


def crisis(scenario: Scenario, *, informed: bool) -> CrisisModel:
    makers = [lambda model: Herald(model, "herald")] if informed else []
    model = CrisisModel(scenario, 50, agents=makers)
    model._strain([])  # room for what the herald brings
    india, pakistan = model.states
    india.seen[:], india.error[:], pakistan.lean[:] = 0.5, 0.2, 0.9
    return model


def situation(model: CrisisModel) -> np.void:
    """What India sees when it decides, in the last replicate."""
    india = model.states[0]
    india.decides[:] = True
    model._bear([agent for agent in model.own_agents if isinstance(agent, ThirdParty)])
    take(model, turn.ACT)
    seen: np.void = model.world.now[0]
    return seen


@pytest.fixture(scope="module")
def alone() -> Scenario:
    """May 2025 with nobody but the two states."""
    nobody = ["mediators=null", "lenders=null", "channels=null", "advisers=null"]
    return load_scenario("may_2025", nobody)


def test_information_lifts_the_fog_and_shows_what_the_rival_wants(alone: Scenario) -> None:
    informed = situation(crisis(alone, informed=True))
    np.testing.assert_allclose(informed["seen"], 0.5)
    np.testing.assert_allclose(informed["belief"], 0.9, rtol=1e-6)


def test_without_information_a_state_errs_and_hopes_for_the_usual(alone: Scenario) -> None:
    left_alone = situation(crisis(alone, informed=False))
    np.testing.assert_allclose(left_alone["seen"], 0.6, rtol=1e-6)
    np.testing.assert_allclose(left_alone["belief"], alone.behaviour.fog.hope, rtol=1e-6)


def test_a_trigger_aggrieves_the_struck_state_as_far_as_it_blames_its_rival() -> None:
    quiet = "[{at: 2025-04-22T15:00+05:30, kind: trigger, struck: india, deaths: 25, blame: "
    grievances = []
    for blame in (0.2, 1.0):
        model = CrisisModel(load_scenario("may_2025", [f"events={quiet}{blame}}}]"]), 1)
        model.step()
        grievances.append(float(model.state("india").grievance[0]))
        assert model.state("pakistan").grievance[0] == 0
    assert grievances[0] == pytest.approx(0.2, rel=0.01)
    assert grievances[1] == pytest.approx(1.0, rel=0.01)


def test_a_blow_aggrieves_the_rival_and_settles_ones_own_grievance(alone: Scenario) -> None:
    model = CrisisModel(alone, 1)
    india, pakistan = model.states
    model.step()
    before = float(india.grievance[0])
    strike = model.ladder.names.index("limited strike")
    india.move(np.array([0]), np.array([strike]))
    take(model, turn.OBSERVE)
    assert pakistan.grievance[0] > 0.1
    assert india.grievance[0] < before


def test_climbing_takes_back_an_offer_that_stands(alone: Scenario) -> None:
    model = CrisisModel(alone, 1)
    india = model.states[0]
    india.offer_until[:] = 1e6
    india.move(np.array([0]), np.array([2]))
    assert india.offer_until[0] == -np.inf


@pytest.mark.parametrize(("lean", "agreed"), [(0.0, 0), (1.0, 50)])
def test_an_offer_that_is_taken_up_binds_only_who_meant_it(
    alone: Scenario, lean: float, agreed: int
) -> None:
    model = CrisisModel(alone, 50)
    india, pakistan = model.states
    india.offer_until[:], india.lean[:] = 1e6, lean
    pakistan.wants_halt[:] = True
    take(model, turn.CLOSE)
    assert np.count_nonzero(model.halt.pending | model.halt.holding) == agreed
    if not agreed:
        assert (india.offer_until == -np.inf).all()


def test_who_takes_up_an_offer_is_not_asked_again(alone: Scenario) -> None:
    model = CrisisModel(alone, 50)
    india, pakistan = model.states
    india.offer_until[:], india.lean[:], pakistan.lean[:] = 1e6, 1.0, 0.0
    pakistan.wants_halt[:] = True
    take(model, turn.CLOSE)
    assert (model.halt.pending | model.halt.holding).all()


def test_offers_that_cross_are_each_thought_over(alone: Scenario) -> None:
    model = CrisisModel(alone, 4000)
    for state in model.states:
        state.wants_halt[:], state.lean[:] = True, 0.5
    take(model, turn.CLOSE)
    assert np.mean(model.halt.pending | model.halt.holding) == pytest.approx(0.25, abs=0.03)


def test_public_commitment_rises_faster_than_it_fades(alone: Scenario) -> None:
    model = CrisisModel(alone, 1)
    india = model.states[0]
    india.intensity[:] = 0.5
    take(model, turn.OBSERVE, times=16)  # two days
    risen = float(india.commitment[0])
    india.intensity[:] = 0.0
    take(model, turn.OBSERVE, times=16)
    assert risen > 0.25
    assert risen - india.commitment[0] < risen / 2
