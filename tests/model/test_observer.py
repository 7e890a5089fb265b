from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from crisis_sim.batch import simulate
from crisis_sim.model import CrisisAgent, CrisisModel
from crisis_sim.model.observer import ACTS, NEXT, Observer, transition_column
from crisis_sim.scenario import Scenario, load_scenario

Columns = dict[str, NDArray[Any]]
RUNGS = [rung.name for rung in load_scenario("may_2025").ladder]
TRIGGER_AT = 12
HOURS = 6


def scenario(deaths: float = 25, at: int = TRIGGER_AT) -> Scenario:
    text = f"""
title: as the script says
start: 2000-01-01T00:00+00:00
horizon_days: 90
hours_per_turn: {HOURS}
follow_up_days: 10
states:
  one: {{resolve: 0.5, audience: 0.5}}
  other: {{resolve: 0.5, audience: 0.5}}
events:
  - {{at: "2000-01-01T{at:02}:00+00:00", kind: trigger, struck: one, deaths: {deaths}}}
"""
    return Scenario.from_text(text, "script")


#: Of states that decide nothing by themselves, and have no accidents.
IDLE = {
    f"behaviour.{name}": np.zeros(1)
    for name in (
        "decision.deliberations_per_day",
        "decision.decisions_under_fire_per_day",
        "decision.decisions_on_alert_per_day",
        "fog.accidents_per_day",
    )
}


def idle(scenario: Scenario, *agents: Any) -> CrisisModel:
    """One crisis in which the states decide nothing."""
    return CrisisModel(scenario, agents=[Observer, *agents], parameters=dict(IDLE))


class Script(CrisisAgent):
    """Has the states yield, or go to the rungs that the script says, at the hours that it says."""

    def __init__(self, model: CrisisModel, script: Mapping[int, Mapping[str, str]]) -> None:
        super().__init__(model, "script")
        self._script = (script,)

    def settle(self) -> None:
        for name, deed in self._script[0].get(int(self.crisis.hours), {}).items():
            state = self.crisis.state(name)
            if deed == "yield":
                state.yields[0] = True
            else:
                state.move(np.array([0]), np.array([RUNGS.index(deed)]))


def play(
    script: Mapping[int, Mapping[str, str]], scenario: Scenario, until: int | None = None
) -> dict[str, Any]:
    """Run one crisis in which the states do what the script says, and nothing else."""
    model = idle(scenario, lambda crisis: Script(crisis, script))
    while model.running and (until is None or model.hours < until):
        model.step()
    return {name: values[0] for name, values in model.outcomes().items()}


def followed(outcome: dict[str, Any]) -> dict[tuple[str, str], int]:
    """How often each act was followed by each, where it was at all."""
    counts = {(a, b): int(outcome[transition_column(a, b)]) for a in ACTS for b in NEXT}
    return {pair: count for pair, count in counts.items() if count}


def test_crises_are_the_same_with_an_observer_and_without(population: Scenario) -> None:
    for one in (population, load_scenario("may_2025", ["horizon_days=30"])):
        without = CrisisModel(one, 150).run().outcomes()
        observed = CrisisModel(one, 150, agents=[Observer]).run().outcomes()
        for name, values in without.items():
            np.testing.assert_array_equal(observed[name], values, err_msg=name)


def test_it_sees_the_same_whether_finished_crises_leave_the_block_or_not(
    population: Scenario,
) -> None:
    left = CrisisModel(population, 150, agents=[Observer]).run().outcomes()
    stayed = CrisisModel(population, 150, agents=[Observer]).run(drop_finished=False).outcomes()
    for name, values in left.items():
        np.testing.assert_array_equal(stayed[name], values, err_msg=name)


def test_it_sees_the_same_in_blocks_of_any_size(population: Scenario) -> None:
    whole = simulate(population, 60, agents=[Observer]).ensembles["small"].table
    parts = simulate(population, 60, agents=[Observer], block_size=17).ensembles["small"].table
    assert parts.to_pylist() == whole.to_pylist()


def test_a_given_number_of_deaths_reaches_the_crisis_and_the_observer(
    population: Scenario,
) -> None:
    deaths = np.array([0.0, 40.0, 0.0, 7.0])
    model = CrisisModel(population, 4, parameters={"events.0.deaths": deaths}, agents=[Observer])
    outcomes = model.run().outcomes()
    assert (outcomes["deaths"] >= deaths).all()
    np.testing.assert_array_equal(~np.isnan(outcomes["one_struck_at_hours"]), deaths > 0)


class TestAnswers:
    def test_climbs_within_three_days_of_each_other_are_one_answer_of_the_highest_kind(
        self,
    ) -> None:
        script = {24: {"one": "protest"}, 36: {"one": "mobilisation"}, 108: {"one": "border fire"}}
        outcome = play(script, scenario())
        assert outcome["one_struck_at_hours"] == TRIGGER_AT
        assert outcome["one_response"] == "violent"
        assert outcome["one_response_hours"] == 108 - TRIGGER_AT

    def test_a_climb_long_after_the_last_is_another_matter(self) -> None:
        script = {24: {"one": "mobilisation"}, 102: {"one": "border fire"}}
        outcome = play(script, scenario())
        assert outcome["one_response"] == "nonviolent_military"
        assert outcome["one_response_hours"] == 24 - TRIGGER_AT

    @pytest.mark.parametrize(
        ("rung", "kind"),
        [
            ("protest", "verbal"),
            ("diplomatic and economic coercion", "political_or_economic"),
            ("mobilisation", "nonviolent_military"),
            ("border fire", "violent"),
            ("full-scale war", "violent"),
        ],
    )
    def test_its_kind_is_that_of_the_rung(self, rung: str, kind: str) -> None:
        assert play({48: {"one": rung}}, scenario(), until=72)["one_response"] == kind

    def test_a_climb_before_the_trigger_is_no_answer_to_it(self) -> None:
        outcome = play({6: {"one": "protest"}}, scenario())
        assert outcome["one_struck_at_hours"] == TRIGGER_AT
        assert outcome["one_response"] == ""
        assert np.isnan(outcome["one_response_hours"])

    def test_a_step_down_and_up_again_to_where_it_stood_is_none(self) -> None:
        script = {6: {"one": "mobilisation"}, 24: {"one": "calm"}, 30: {"one": "mobilisation"}}
        assert play(script, scenario())["one_response"] == ""

    def test_only_the_state_that_was_struck_answers(self) -> None:
        outcome = play({24: {"other": "border fire"}}, scenario())
        assert np.isnan(outcome["other_struck_at_hours"])
        assert outcome["other_response"] == ""

    def test_a_trigger_without_deaths_is_not_violent(self) -> None:
        outcome = play({24: {"one": "protest"}}, scenario(deaths=0))
        assert np.isnan(outcome["one_struck_at_hours"])

    def test_who_fights_already_is_left_out(self) -> None:
        outcome = play({6: {"one": "border fire"}, 24: {"one": "limited strike"}}, scenario())
        assert outcome["one_response"] == ""

    def test_a_trigger_at_the_very_start_counts(self) -> None:
        outcome = play({12: {"one": "border fire"}}, scenario(at=0), until=36)
        assert outcome["one_response_hours"] == 12


class TestActs:
    def test_acts_of_both_sides_form_one_sequence_that_ends_with_the_crisis(self) -> None:
        script = {
            24: {"one": "protest"},
            36: {"other": "mobilisation"},
            48: {"one": "border fire"},
            60: {"other": "full-scale war"},
            72: {"other": "limited strike"},
            84: {"one": "mobilisation", "other": "mobilisation"},
            96: {"other": "yield"},
        }
        outcome = play(script, scenario(deaths=0))
        assert outcome["ending"] == "unilateral"
        assert followed(outcome) == {
            ("threat", "display"): 1,
            ("display", "force"): 1,
            ("force", "war"): 1,
            ("war", "war"): 1,  # a strike, but the war goes on
            ("war", "display"): 1,
            ("display", "display"): 1,
            ("display", "end"): 1,
        }

    def test_a_war_is_over_once_neither_side_fires(self) -> None:
        script = {
            24: {"one": "full-scale war"},
            48: {"one": "calm"},
            72: {"other": "border fire"},
        }
        outcome = play(script, scenario(deaths=0), until=96)
        assert followed(outcome) == {("war", "force"): 1}

    def test_fighting_that_goes_on_is_a_new_act_every_week(self) -> None:
        days = 22
        script = {24: {"one": "border fire"}, 24 + days * 24: {"one": "yield"}}
        outcome = play(script, scenario(deaths=0))
        assert followed(outcome) == {("force", "force"): days // 7, ("force", "end"): 1}

    def test_to_take_back_a_measure_is_no_act(self) -> None:
        script = {24: {"one": "mobilisation"}, 48: {"one": "protest"}, 60: {"other": "protest"}}
        outcome = play(script, scenario(deaths=0), until=96)
        assert followed(outcome) == {("display", "threat"): 1}

    def test_standing_mobilised_is_a_new_act_every_week(self) -> None:
        days = 29
        script = {24: {"one": "mobilisation"}, 24 + days * 24: {"one": "calm"}}
        assert followed(play(script, scenario(deaths=0))) == {
            ("display", "display"): days // 7,
            ("display", "end"): 1,
        }

    def test_in_a_turn_the_state_listed_first_comes_first(self) -> None:
        script = {24: {"one": "protest", "other": "border fire"}, 48: {"other": "calm"}}
        outcome = play(script, scenario(deaths=0), until=72)
        assert followed(outcome) == {("threat", "force"): 1}

    def test_a_crisis_cut_off_at_the_horizon_has_no_end(self) -> None:
        outcome = play({24: {"one": "mobilisation"}, 48: {"one": "border fire"}}, scenario())
        assert outcome["ending"] == "unresolved"
        assert ("display", "force") in followed(outcome)
        assert not any(following == "end" for _, following in followed(outcome))

    def test_a_halt_is_no_act_and_its_fall_is_one(self) -> None:
        model = idle(scenario(deaths=0))
        model.step()
        model.state("one").move(np.array([0]), np.array([RUNGS.index("border fire")]))
        model.step()
        model.halt.pending[0], model.halt.effective_at[0] = True, model.hours
        model.step()
        assert model.halt.holding[0]
        assert RUNGS[model.state("one").rung[0]] == "mobilisation"
        model.step()
        assert followed({k: v[0] for k, v in model.record.table().items()}) == {}
        model.halt.holding[0] = False
        model.state("one").move(np.array([0]), np.array([RUNGS.index("border fire")]))
        model.step()
        counted = followed({k: v[0] for k, v in model.record.table().items()})
        assert counted == {("force", "force"): 1}


class TestHalts:
    def test_strikes_have_halted_when_none_fell_for_as_long_as_a_halt_is_watched(self) -> None:
        script = {24: {"one": "limited strike"}, 48: {"one": "border fire"}}
        outcome = play(script, scenario(deaths=0))
        assert outcome["first_strike_at_hours"] == 24
        assert outcome["halted_at_hours"] == 48
        assert outcome["ending"] == "unresolved"

    def test_a_pause_is_no_halt(self) -> None:
        script = {
            24: {"one": "limited strike"},
            48: {"one": "border fire"},
            48 + 9 * 24: {"one": "limited strike"},
            72 + 9 * 24: {"one": "border fire"},
        }
        assert play(script, scenario(deaths=0))["halted_at_hours"] == 72 + 9 * 24

    def test_who_strikes_to_the_horizon_has_not_halted(self) -> None:
        outcome = play({24: {"one": "limited strike"}}, scenario(deaths=0))
        assert np.isnan(outcome["halted_at_hours"])

    def test_a_crisis_that_ends_under_fire_halts_then(self) -> None:
        script = {24: {"one": "limited strike"}, 48: {"other": "yield"}}
        outcome = play(script, scenario(deaths=0))
        assert outcome["ending"] == "unilateral"
        assert outcome["halted_at_hours"] == outcome["ended_at_hours"]

    def test_no_strike_no_halt(self) -> None:
        assert np.isnan(play({24: {"one": "border fire"}}, scenario(deaths=0))["halted_at_hours"])


def test_a_ceasefire_after_the_first_strike_is_the_halt(population: Scenario) -> None:
    outcomes = CrisisModel(population, 300, agents=[Observer]).run().outcomes()
    struck, ceased = outcomes["first_strike_at_hours"], outcomes["ceasefire_in_effect_at_hours"]
    # A ceasefire that falls in the turn in which it takes effect is none: no turn's end sees it hold.
    seen = ~(outcomes["relapsed_at_hours"] - ceased < population.hours_per_turn)
    after = (ceased >= struck) & seen
    assert after.sum() > 20
    halted = outcomes["halted_at_hours"][after]
    # Strikes may have rested before the ceasefire came.
    assert (halted <= ceased[after]).all()
    assert (halted == ceased[after]).mean() > 0.8
    ended = ~np.isnan(struck) & (outcomes["ending"] != "unresolved")
    assert not np.isnan(outcomes["halted_at_hours"][ended]).any()
