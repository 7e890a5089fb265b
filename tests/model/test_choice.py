from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisis_sim.model import choice
from crisis_sim.model.agent import Influence
from crisis_sim.model.choice import Rungs, Situation
from crisis_sim.model.parameters import invert
from crisis_sim.scenario.behaviour import DecisionBehaviour, HaltBehaviour
from crisis_sim.scenario.numbers import Distribution
from crisis_sim.scenario.part import Part, range_of


def known(part: Part) -> Any:
    """The section's defaults, distributions at their medians."""
    medians = {
        name: float(invert(value, np.array(0.5), *bounds(type(part), name)))
        for name, value in part
        if isinstance(value, Distribution)
    }
    return part.model_copy(update=medians)


def bounds(part: type[Part], name: str) -> tuple[float, float]:
    within = range_of(part, name)
    assert within is not None
    return within.low, within.high


DECISION, HALT = known(DecisionBehaviour()), known(HaltBehaviour())
COVER = 0.6
ONE = np.ones(1, np.float32)


def situation(influence: Influence | None = None, **changes: object) -> Situation:
    usual = Situation(
        resolve=0.8 * ONE,
        audience=0.6 * ONE,
        aversion=0.5 * ONE,
        dread=12.0 * ONE,
        grievance=0.5 * ONE,
        demand=0.5 * ONE,
        seen=0.5 * ONE,
        commitment=0.4 * ONE,
        pressure=0.2 * ONE,
        fatigue=0.2 * ONE,
        unready=0.0 * ONE,
        worst=2.0 * ONE,
        answered=0.5 * ONE,
        accepting=np.array([False]),
        belief=0.5 * ONE,
        influence=influence or Influence.joined([]),
    )
    return replace(usual, **{name: value * ONE for name, value in changes.items()})


def ladder() -> Rungs:
    intensity = np.array([[0.0], [0.2], [0.5], [1.0]], np.float32)
    strike = np.array([[0.0], [0.0], [1.0], [1.0]], np.float32)
    nuclear = np.array([[0.0], [0.0], [0.0], [1.0]], np.float32)
    violence = np.array([[0.0], [1.0], [2.0], [3.0]], np.float32)
    return Rungs(intensity, intensity**3, strike, violence, nuclear)


def slope(**changes: object) -> float:
    """Value of the third rung less that of the lowest: the pull upward."""
    value = choice.value_of_rungs(situation(**changes), ladder(), DECISION, COVER)
    return float(value[2, 0] - value[0, 0])


@pytest.mark.parametrize(
    ("factor", "pulls"),
    [
        ("demand", +1),
        ("resolve", +1),
        ("seen", +1),
        ("commitment", +1),
        ("audience", +1),
        ("dread", -1),
        ("pressure", -1),
        ("fatigue", -1),
        ("unready", -1),
    ],
)
def test_what_pulls_a_state_up_its_ladder_and_what_holds_it_down(factor: str, pulls: int) -> None:
    difference = slope(**{factor: 0.9}) - slope(**{factor: 0.1})
    assert np.sign(difference) == pulls


def value_of(rung: int, **changes: object) -> float:
    return float(choice.value_of_rungs(situation(**changes), ladder(), DECISION, COVER)[rung, 0])


@pytest.mark.parametrize(("worst", "rung", "lines"), [(0, 2, 2), (1, 2, 1), (2, 2, 0), (3, 1, 0)])
def test_each_line_of_violence_that_nobody_has_crossed_yet_costs_who_crosses_it(
    worst: float, rung: int, lines: int
) -> None:
    crossed = value_of(rung, worst=3.0)
    assert crossed - value_of(rung, worst=worst) == pytest.approx(
        lines * DECISION.line_cost, abs=1e-5
    )


def test_a_claim_pulls_up_the_ladder_and_a_halt_costs_nothing_for_it() -> None:
    assert slope(demand=0.9) > slope(demand=0.5)
    assert peace(demand=0.9) == peace(demand=0.5)


def test_restraint_by_a_third_party_holds_a_state_down() -> None:
    restrained = Influence.joined([Influence(restraint=2.0 * ONE)])
    assert slope(influence=restrained) < slope()


def peace(**changes: object) -> float:
    one = situation(**changes)
    return float(choice.value_of_halt(one, 0.1 * ONE, 0.001 * ONE, DECISION, HALT, COVER)[0])


@pytest.mark.parametrize(
    ("factor", "pulls"),
    [("grievance", -1), ("commitment", -1), ("audience", -1), ("answered", +1)],
)
def test_what_makes_a_halt_worth_more_or_less(factor: str, pulls: int) -> None:
    assert np.sign(peace(**{factor: 0.9}) - peace(**{factor: 0.2})) == pulls


@pytest.mark.parametrize(
    ("brought", "pulls"),
    [("inducement", +1), ("cover", +1), ("trust", +1), ("overtness", -1)],
)
def test_what_third_parties_bring_to_a_halt(brought: str, pulls: int) -> None:
    influence = Influence.joined([Influence(**{brought: 0.5 * ONE})])
    assert np.sign(peace(influence=influence) - peace()) == pulls


def test_overt_mediation_costs_nothing_to_a_state_that_is_not_averse() -> None:
    influence = Influence.joined([Influence(overtness=0.5 * ONE)])
    assert peace(influence=influence, aversion=0.0) == peace(aversion=0.0)


def test_an_offer_is_worth_more_with_hope_and_in_private() -> None:
    def offer(**changes: object) -> float:
        one = situation(**changes)
        return float(choice.value_of_offer(one, 1.0 * ONE, -1.0 * ONE, 1.0 * ONE, HALT)[0])

    private = Influence.joined([Influence(privacy=0.8 * ONE)])
    assert offer(belief=0.9) > offer(belief=0.1)
    assert offer(influence=private) > offer()


def test_a_standing_offer_is_weighed_as_a_halt_for_sure() -> None:
    accepting = situation(accepting=True)
    assert choice.value_of_offer(accepting, 1.5 * ONE, -1.0 * ONE, 0.5 * ONE, HALT)[0] == 1.5


@given(st.floats(0.0, 1.0), st.floats(0.0, 20.0), st.floats(0.05, 20.0))
def test_to_offer_what_one_does_not_want_is_never_better_than_to_go_on(
    belief: float, worse: float, precision: float
) -> None:
    hold, halt = 0.0 * ONE, -worse * ONE
    lean = choice.leaning(halt, hold, precision * ONE)
    offer = choice.value_of_offer(situation(belief=belief), halt, hold, lean, HALT)
    assert offer[0] <= hold[0]


def test_options_are_taken_in_proportion_to_the_exponential_of_their_value() -> None:
    values = np.array([0.0, 1.0, -0.5, -np.inf], np.float32)
    uniform = ((np.arange(30_000) + 0.5) / 30_000).astype(np.float32)
    taken = choice.choose(np.repeat(values[:, None], uniform.size, axis=1), 2.0, uniform)
    expected = np.exp(2 * values) / np.exp(2 * values).sum()
    np.testing.assert_allclose(np.bincount(taken, minlength=4) / uniform.size, expected, atol=1e-3)


def test_a_higher_number_takes_a_more_escalatory_option() -> None:
    values = np.zeros((5, 3), np.float32)
    taken = choice.choose(values, 1.0, np.array([0.05, 0.5, 0.95], np.float32))
    assert list(taken) == sorted(taken)
    assert choice.YIELD < choice.HALT < choice.FIRST_RUNG


def test_rungs_beyond_reach_cannot_be_taken() -> None:
    cost = choice.cost_of_change(np.array([4]), 10, DECISION)[:, 0]
    assert cost[4] == 0
    reachable = np.isfinite(cost)
    assert list(np.flatnonzero(reachable)) == [1, 2, 3, 4, 5, 6, 7]  # three rungs, by default


def test_shares_of_third_parties_each_save_a_part_of_what_the_others_left() -> None:
    total = Influence.joined([Influence(cover=0.5 * ONE), None, Influence(cover=0.5 * ONE)])
    assert total.cover == pytest.approx(0.75)
    assert total.trust == 0
