from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisis_sim.model import Influence, bearing, choice
from crisis_sim.model.arrays import Real, terms
from crisis_sim.model.bearing import INFLUENCE, bring_nothing, join
from crisis_sim.model.ladder import RUNG
from crisis_sim.model.parameters import invert
from crisis_sim.model.world import Course
from crisis_sim.scenario.behaviour import Behaviour
from crisis_sim.scenario.numbers import Distribution, Part, range_of


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


COURSE = Course(1.0, Real(1), 0.0, 1, halt_rung=1, fire_rung=2, nuclear_rung=3)


def brought(*influences: Influence) -> np.ndarray:
    """What third parties bring, once all have joined."""
    total = np.zeros(1, INFLUENCE)
    bring_nothing(total)
    for influence in influences:
        join(total, influence)
    close(total)
    return total


# Rules are called by compiled code only.


@numba.njit
def close(total: Any) -> None:
    bearing.close(total[0])


@numba.njit
def values(stakes: Any, now: Any, brought: Any, ladder: Any, rung: Any, rest: Any) -> Any:
    """The value of a rung, of a halt that leads to the rung `rest`, and of yielding."""
    own, seen, borne = stakes[0], now[0], brought[0]
    pull, exposed = choice.slope(own, seen, borne), choice.exposure(own, seen, borne)
    return (
        choice.value_of_rung(own, seen, pull, exposed, ladder[rung]),
        choice.value_of_halt(own, seen, borne, exposed, ladder[rest]),
    )


@numba.njit
def value_of_offer(stakes: Any, now: Any, brought: Any, peace: Any, hold: Any, lean: Any) -> Any:
    return choice.value_of_offer(stakes[0], now[0], brought[0], peace, hold, lean)


@numba.njit
def weigh(
    odds: Any, rung: Any, armed: Any, stakes: Any, now: Any, brought: Any, ladder: Any, course: Any
) -> Any:
    return choice.weigh(odds, rung, armed, stakes[0], now[0], brought[0], ladder, course)


@numba.njit
def pick_plainly(odds: Any, uniform: Any) -> Any:
    """As `pick`, by exponentials of all log odds, the hopeless ones too."""
    sums = np.empty(odds.size, Real)
    total = Real(0)
    for option in range(odds.size):
        total += Real(math.exp(odds[option]))
        sums[option] = total
    return (sums[:-1] <= (uniform * total).reshape(-1, 1)).sum(axis=1)


@numba.njit
def pick(odds: Any, uniform: Any) -> Any:
    """The option taken with each of the numbers, all options' log odds being the same each time."""
    taken = np.empty(uniform.size, np.intp)
    for place in range(uniform.size):
        taken[place] = choice.pick(odds.copy(), uniform[place])
    return taken


@numba.njit
def logistic(log_odds: Any) -> Any:
    return choice.logistic(log_odds)


class Choice:
    """One state's choice in one replicate: its facts, its situation and what third parties bring, some of it changed."""

    def __init__(self, influence: Influence | None = None, **changes: float) -> None:
        facts = {name: changes.pop(name, usual) for name, usual in FACTS.items()}
        dread = changes.pop("dread", 12.0)
        stakes = choice.stakes_of(SimpleNamespace(**facts), BEHAVIOUR, dread)
        self.stakes = terms(choice.STAKES, [stakes])[0]
        self.now = np.zeros(1, choice.SITUATION)
        for name, usual in SITUATION.items():
            self.now[name] = changes.pop(name, usual)
        assert not changes
        self.brought = brought(*([influence] if influence else []))

    @property
    def seen(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.stakes, self.now, self.brought

    def worth(self, rung: int = 0) -> tuple[float, float]:
        """The value of going on at a rung, and of peace."""
        hold, peace = values(*self.seen, LADDER, rung, min(rung, COURSE.halt_rung))
        return float(hold), float(peace)

    def weigh(
        self, rung: int, armed: bool = True, ladder: np.ndarray | None = None, **course: int
    ) -> tuple[np.ndarray, float]:
        """The log odds of all options, and how far it leans to a halt."""
        steps = LADDER if ladder is None else ladder
        odds = np.zeros(choice.FIRST_RUNG + steps.size, Real)
        lean = weigh(odds, rung, armed, *self.seen, steps, COURSE._replace(**course))
        return odds, float(lean)

    def offer(self, peace: float, hold: float, lean: float) -> float:
        """The value of asking for a halt."""
        return float(value_of_offer(*self.seen, peace, hold, lean))


def ladder() -> np.ndarray:
    rungs = np.zeros(4, RUNG)
    rungs["intensity"] = [0.0, 0.2, 0.5, 1.0]
    rungs["dread"] = rungs["intensity"] ** 3
    rungs["strike"] = [0.0, 0.0, 1.0, 1.0]
    rungs["nuclear"] = [0.0, 0.0, 0.0, 1.0]
    rungs["violence"] = [0.0, 1.0, 2.0, 3.0]
    return rungs


LADDER = ladder()


def value_of(rung: int, **changes: Any) -> float:
    """The value of being on a rung, whatever it costs to come there."""
    return Choice(**changes).worth(rung)[0]


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
    return Choice(**changes).worth(2)[1]


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
    hold, peace = Choice().worth(2)
    _, lean = Choice().weigh(2)
    log_odds = np.log(lean / (1 - lean))
    assert log_odds == pytest.approx(DECISION.choice_precision * (peace - hold), rel=1e-4)


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
    lean = float(logistic(precision * -worse))
    assert Choice(belief=belief).offer(-worse, 0.0, lean) <= 0.0


def test_options_are_taken_in_proportion_to_their_odds() -> None:
    log_odds = 2 * np.array([0.0, 1.0, -0.5, -np.inf], Real)
    uniform = ((np.arange(30_000) + 0.5) / 30_000).astype(Real)
    share = np.bincount(pick(log_odds, uniform), minlength=4) / uniform.size
    odds = np.exp(log_odds)
    np.testing.assert_allclose(share, odds / odds.sum(), atol=1e-3)


@pytest.mark.slow
def test_an_exponential_is_left_out_only_where_it_is_lost_in_the_sum() -> None:
    luck = np.random.default_rng(5)
    uniform = np.array([0, 2.0**-24, 0.25, 0.5, 0.75, 1 - 2.0**-23, 1 - 2.0**-24], Real)
    for _ in range(2000):
        odds = (-luck.choice([0.3, 5.0, 18.0, 120.0]) * luck.random(12)).astype(Real)
        odds[luck.integers(12)] = 0
        odds[luck.integers(12)] = -luck.uniform(16.5, 17.5)
        odds -= odds.max()
        np.testing.assert_array_equal(pick(odds, uniform), pick_plainly(odds, uniform))


def test_a_higher_number_takes_a_more_escalatory_option() -> None:
    taken = pick(np.zeros(5, Real), np.array([0.05, 0.5, 0.95], Real))
    assert list(taken) == sorted(set(taken))
    assert choice.YIELD < choice.HALT < choice.FIRST_RUNG


def test_rungs_beyond_reach_cannot_be_taken() -> None:
    odds, _ = Choice().weigh(4, ladder=np.zeros(10, RUNG), nuclear_rung=10)
    reachable = np.isfinite(odds[choice.FIRST_RUNG :])
    assert list(np.flatnonzero(reachable)) == [1, 2, 3, 4, 5, 6, 7]  # three rungs, by default


@pytest.mark.parametrize(("rung", "armed", "can"), [(2, True, 1), (2, False, 0), (1, True, 0)])
def test_nuclear_weapons_are_used_by_who_has_them_and_from_the_rung_below(
    rung: int, armed: bool, can: int
) -> None:
    odds, _ = Choice().weigh(rung, armed)
    assert np.isfinite(odds[choice.FIRST_RUNG + 3]) == can


def test_options_are_counted_from_the_best_of_them() -> None:
    odds, _ = Choice().weigh(2)
    assert odds.max() == 0


def test_shares_of_third_parties_each_save_a_part_of_what_the_others_left() -> None:
    total = brought(Influence(cover=0.5), Influence(restraint=1.0), Influence(cover=0.5))
    assert total["cover"] == pytest.approx(0.75)
    assert total["restraint"] == 1.0
    assert total["trust"] == 0
