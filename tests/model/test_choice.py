from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisis_sim.model import choice
from crisis_sim.model.agent import Bearing, Influence
from crisis_sim.model.arrays import Real
from crisis_sim.model.ladder import RUNG
from crisis_sim.model.parameters import invert
from crisis_sim.scenario.behaviour import Behaviour
from crisis_sim.scenario.numbers import Distribution
from crisis_sim.scenario.part import Part, range_of


def known(part: Any) -> Any:
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


BEHAVIOUR = SimpleNamespace(**{name: known(section) for name, section in Behaviour()})
DECISION, HALT = BEHAVIOUR.decision, BEHAVIOUR.halt
FACTS = {"resolve": 0.8, "audience": 0.6, "claim": 0.0, "mediation_aversion": 1.0}
SITUATION = {
    "grievance": 0.5,
    "demand": 0.5,
    "seen": 0.5,
    "commitment": 0.4,
    "pressure": 0.2,
    "fatigue": 0.2,
    "unready": 0.0,
    "worst": 2.0,
    "answered": 0.5,
    "accepting": 0.0,
    "belief": 0.5,
}


def brought(*influences: Influence) -> np.ndarray:
    bearing = Bearing(1)
    for influence in influences:
        bearing.join(influence)
    return bearing.close()


class Choice:
    """One state's choice in one replicate: its facts, its situation and what third parties bring, some of it changed."""

    def __init__(self, influence: Influence | None = None, **changes: float) -> None:
        facts = {name: changes.pop(name, usual) for name, usual in FACTS.items()}
        dread = changes.pop("dread", 12.0)
        self.stakes = choice.stakes_of(SimpleNamespace(**facts), BEHAVIOUR, dread, 1)
        self.now = np.zeros(1, choice.SITUATION)
        for name, usual in SITUATION.items():
            self.now[name] = changes.pop(name, usual)
        assert not changes
        self.brought = brought(*([influence] if influence else []))

    def weigh(self, rung: int = 0) -> tuple[np.ndarray, float, float, float]:
        """Values of the options without a halt's, of peace, and of going on; and the log odds of the two."""
        values, peace, hold, against = choice.weigh(
            np.array([0]), np.array([rung]), np.array([True]), self.stakes, self.now, self.brought, LADDER, 1, 3
        )  # fmt: skip
        return values[0], float(peace[0]), float(hold[0]), -float(against[0])

    def offer(self, peace: float, hold: float, lean: float) -> float:
        """The value of asking for a halt, counted from the best of the options, of which one is to hold."""
        values = np.full((1, 3), hold, Real)
        one = np.ones(1)
        against = (1 - lean) / lean * one
        choice.complete(
            np.array([0]), self.stakes, self.now, self.brought, values, peace * one, hold * one.astype(Real), against
        )  # fmt: skip
        return (
            hold
            + float(values[0, choice.HALT] - values[0, choice.YIELD]) / DECISION.choice_precision
        )


def ladder() -> np.ndarray:
    rungs = np.zeros((1, 4), RUNG)
    rungs["intensity"] = [0.0, 0.2, 0.5, 1.0]
    rungs["dread"] = rungs["intensity"] ** 3
    rungs["strike"] = [0.0, 0.0, 1.0, 1.0]
    rungs["nuclear"] = [0.0, 0.0, 0.0, 1.0]
    rungs["violence"] = [0.0, 1.0, 2.0, 3.0]
    return rungs


LADDER = ladder()


def value_of(rung: int, **changes: Any) -> float:
    """The value of being on a rung, whatever it costs to come there."""
    return Choice(**changes).weigh(rung)[2]


def slope(**changes: Any) -> float:
    """Value of the third rung less that of the lowest: the pull upward."""
    return value_of(2, **changes) - value_of(0, **changes)


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
    assert slope(influence=Influence(restraint=2.0)) < slope()


def peace(**changes: Any) -> float:
    """The value of a halt that both keep, to a state that fights."""
    return Choice(**changes).weigh(2)[1]


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
    assert np.sign(peace(influence=Influence(**{brought: 0.5})) - peace()) == pulls


def test_overt_mediation_costs_nothing_to_a_state_that_is_not_averse() -> None:
    overt = Influence(overtness=0.5)
    assert peace(influence=overt, mediation_aversion=0.0) == peace(mediation_aversion=0.0)


def test_how_far_a_state_leans_to_a_halt_goes_by_what_it_gains() -> None:
    _, peace, hold, log_odds = Choice().weigh(2)
    assert log_odds == pytest.approx(DECISION.choice_precision * (peace - hold))


def test_an_offer_is_worth_more_with_hope_and_in_private() -> None:
    def offer(**changes: Any) -> float:
        return Choice(**changes).offer(1.0, -1.0, 1.0)

    assert offer(belief=0.9) > offer(belief=0.1)
    assert offer(influence=Influence(privacy=0.8)) > offer()


def test_a_standing_offer_is_weighed_as_a_halt_for_sure() -> None:
    assert Choice(accepting=1.0).offer(1.5, -1.0, 0.5) == pytest.approx(1.5, abs=1e-5)


@given(st.floats(0.0, 1.0), st.floats(0.0, 20.0), st.floats(0.05, 20.0))
def test_to_offer_what_one_does_not_want_is_never_better_than_to_go_on(
    belief: float, worse: float, precision: float
) -> None:
    lean = float(choice.logistic(precision * -worse))
    assert Choice(belief=belief).offer(-worse, 0.0, lean) <= 0.0


def test_options_are_taken_in_proportion_to_their_odds() -> None:
    odds = np.exp(2 * np.array([0.0, 1.0, -0.5, -np.inf], Real))
    uniform = ((np.arange(30_000) + 0.5) / 30_000).astype(Real)
    taken = choice.pick(np.repeat(odds[None, :], uniform.size, axis=0), uniform)
    share = np.bincount(taken, minlength=4) / uniform.size
    np.testing.assert_allclose(share, odds / odds.sum(), atol=1e-3)


def test_a_higher_number_takes_a_more_escalatory_option() -> None:
    taken = choice.pick(np.ones((3, 5), Real), np.array([0.05, 0.5, 0.95], Real))
    assert list(taken) == sorted(set(taken))
    assert choice.YIELD < choice.HALT < choice.FIRST_RUNG


def test_rungs_beyond_reach_cannot_be_taken() -> None:
    far = np.zeros((1, 10), RUNG)
    one = Choice()
    values, *_ = choice.weigh(
        np.array([0]), np.array([4]), np.array([True]), one.stakes, one.now, one.brought, far, 1, 10
    )
    reachable = np.isfinite(values[0, choice.FIRST_RUNG :])
    assert list(np.flatnonzero(reachable)) == [1, 2, 3, 4, 5, 6, 7]  # three rungs, by default


@pytest.mark.parametrize(("rung", "armed", "can"), [(2, True, 1), (2, False, 0), (1, True, 0)])
def test_nuclear_weapons_are_used_by_who_has_them_and_from_the_rung_below(
    rung: int, armed: bool, can: int
) -> None:
    one = Choice()
    values, *_ = choice.weigh(
        np.array([0]), np.array([rung]), np.array([armed]), one.stakes, one.now, one.brought, LADDER, 1, 3
    )  # fmt: skip
    assert np.isfinite(values[0, choice.FIRST_RUNG + 3]) == can


def test_shares_of_third_parties_each_save_a_part_of_what_the_others_left() -> None:
    total = brought(Influence(cover=0.5), Influence(restraint=1.0), Influence(cover=0.5))
    assert total["cover"] == pytest.approx(0.75)
    assert total["restraint"] == 1.0
    assert total["trust"] == 0
