"""What a block of crises is held to: keyed luck, the same crisis in any block, agents that keep to themselves, time."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from mesa.agent import AgentSet

from crisis_sim.model import CrisisAgent, CrisisModel, Influence, Journal, ThirdParty
from crisis_sim.model.record import FOLLOWED, MILESTONES
from crisis_sim.scenario import Scenario, load_scenario
from tests.model.conftest import Columns, same

WHOLE = 400


@pytest.fixture(scope="module")
def whole(may_2025: Scenario) -> Columns:
    return CrisisModel(may_2025, WHOLE, seed=3).run().outcomes()


@pytest.mark.parametrize(
    ("first", "count"), [(0, 1), (7, 1), (123, 1), (399, 1), (0, 37), (101, 299)]
)
def test_a_replicate_is_the_same_to_the_bit_in_any_block(
    may_2025: Scenario, whole: Columns, first: int, count: int
) -> None:
    block = CrisisModel(may_2025, count, seed=3, first_replicate=first).run().outcomes()
    same(whole, block, slice(first, first + count))


def test_finished_replicates_that_leave_the_block_change_nothing(
    may_2025: Scenario, whole: Columns
) -> None:
    same(whole, CrisisModel(may_2025, WHOLE, seed=3).run(drop_finished=False).outcomes())
    model = CrisisModel(may_2025, WHOLE, seed=3)
    while model.running:
        model.step()
        model.drop_finished(share=0)
    assert model.replicates < WHOLE
    same(whole, model.outcomes())


def test_they_leave_of_themselves_when_they_are_most_of_the_block(population: Scenario) -> None:
    left: list[int] = []
    CrisisModel(population, 200).run(watch=lambda model: left.append(model.replicates))
    assert left[-1] < 100
    assert sorted(left, reverse=True) == left


def test_what_nobody_looks_at_is_not_lost(may_2025: Scenario) -> None:
    at_a_stretch = CrisisModel(may_2025, 60, seed=3, keep_paths=20).run()
    seen = CrisisModel(may_2025, 60, seed=3, keep_paths=20)
    lowest = [state.economy.market.copy() for state in seen.states]
    highest = [state.economy.pressure.copy() for state in seen.states]
    while seen.running:
        seen.step()
        for state in seen.states:
            low, high = lowest[state.place], highest[state.place]
            np.minimum(low, state.economy.market, out=low)
            np.maximum(high, state.economy.pressure, out=high)
    outcomes = seen.outcomes()
    same(outcomes, at_a_stretch.outcomes())
    for state in seen.states:
        np.testing.assert_array_equal(outcomes[f"{state.name}_lowest_market"], lowest[state.place])
        np.testing.assert_array_equal(
            outcomes[f"{state.name}_highest_pressure"], highest[state.place]
        )
    same(seen.kept_paths() or {}, at_a_stretch.kept_paths() or {})


def test_a_replicate_has_the_same_luck_at_every_point_of_a_design(
    may_2025: Scenario, whole: Columns
) -> None:
    count, path = 60, "mediators.us.attention_threshold"
    thresholds = np.repeat([0.2, 0.9, 0.2], count)
    design = CrisisModel(
        may_2025, count, 3, first_replicate=101, parameters={path: thresholds}, points=3
    )
    rows = design.run().outcomes()
    for point, threshold in enumerate([0.2, 0.9, 0.2]):
        alone = CrisisModel(
            may_2025, count, 3, first_replicate=101, parameters={path: np.full(count, threshold)}
        )
        same(rows, alone.run().outcomes(), slice(point * count, (point + 1) * count))
    assert not np.array_equal(
        rows["us_engaged_at_hours"][:count], rows["us_engaged_at_hours"][count : 2 * count]
    )


def test_another_seed_is_another_crisis_and_zero_is_a_seed(may_2025: Scenario) -> None:
    zero, one = (CrisisModel(may_2025, 50, seed=seed).run().outcomes() for seed in (0, 1))
    assert not np.array_equal(zero["deaths"], one["deaths"])
    same(zero, CrisisModel(may_2025, 50, seed=0).run().outcomes())


def test_a_journal_changes_nothing(may_2025: Scenario, whole: Columns) -> None:
    model = CrisisModel(may_2025, 1, seed=3, first_replicate=55, journal=Journal())
    same(whole, model.run().outcomes(), slice(55, 56))


class Bystander(ThirdParty):
    """Sees everything, draws luck of its own, and brings nothing to bear."""

    def act(self) -> None:
        self.happens("yawn", 3.0)


def test_an_agent_that_brings_nothing_to_bear_leaves_all_luck_untouched(
    may_2025: Scenario, whole: Columns
) -> None:
    model = CrisisModel(
        may_2025, WHOLE, seed=3, agents=[lambda crisis: Bystander(crisis, "bystander")]
    )
    same(whole, model.run().outcomes())


class Patron(ThirdParty):
    """Ruins both states, and their peace."""

    def strain(self, state: Any) -> Any:
        return self.array(5.0)

    def influence(self, state: Any, who: Any) -> Influence:
        return Influence(restraint=50.0 * np.ones(len(who), np.float32))


def test_what_an_agent_of_ones_own_brings_counts_until_it_leaves(may_2025: Scenario) -> None:
    model = CrisisModel(may_2025, 50, seed=3, agents=[lambda crisis: Patron(crisis, "patron")])
    alone = CrisisModel(may_2025, 50, seed=3)
    for _ in range(8):
        model.step()
        alone.step()
    assert np.all(model.states[0].economy.pressure > alone.states[0].economy.pressure + 0.2)
    model.own_agents[0].remove()
    for _ in range(8):
        model.step()
    assert np.all(model.states[0].economy.pressure < 0.3)


def test_an_agent_of_the_scenario_cannot_leave(may_2025: Scenario) -> None:
    model = CrisisModel(may_2025, 2)
    with pytest.raises(ValueError, match="'us' is part of the scenario"):
        model.mediators[0].remove()


def test_taking_an_agent_out_leaves_the_luck_of_all_others_untouched(may_2025: Scenario) -> None:
    with_all, without = (
        CrisisModel(scenario, 300, seed=3)
        for scenario in (may_2025, load_scenario("may_2025", ["lenders=null"]))
    )
    for _ in range(60):
        with_all.step()
        without.step()
    for name in ("india", "pakistan", "us", "nsa_line"):
        ours = next(agent for agent in with_all.cast if agent.name == name)
        theirs = next(agent for agent in without.cast if agent.name == name)
        if isinstance(ours, type(with_all.states[0])):
            for number in ("resolve", "audience"):
                np.testing.assert_array_equal(
                    getattr(ours.facts, number), getattr(theirs.facts, number)
                )
    for number, name in enumerate(without.streams.names):
        there = with_all.streams.names.index(name)
        np.testing.assert_array_equal(with_all.streams.keys[there], without.streams.keys[number])
    np.testing.assert_array_equal(with_all.luck.replicate, without.luck.replicate)


def test_the_order_of_agents_does_not_matter(may_2025: Scenario, whole: Columns) -> None:
    turned = may_2025.model_copy(
        update={
            "mediators": dict(reversed(may_2025.mediators.items())),
            "channels": dict(reversed(may_2025.channels.items())),
        }
    )
    other = CrisisModel(turned, WHOLE, seed=3).run().outcomes()
    same(whole, other)


def test_the_order_in_which_mesa_calls_agents_does_not_matter(
    may_2025: Scenario, whole: Columns
) -> None:
    model = CrisisModel(may_2025, WHOLE, seed=3)
    backwards = list(reversed(list(model.agents)))
    model._all_agents = AgentSet(
        backwards, random=model.random
    )  # Mesa has no public way to turn them
    assert list(model.agents) == backwards
    same(whole, model.run().outcomes())


def test_halving_the_turn_leaves_shares_and_most_single_crises_as_they_are(outcomes: Any) -> None:
    coarse = outcomes(replicates=3000)
    fine = outcomes("hours_per_turn=1.5", replicates=3000)
    alike = coarse["ending"] == fine["ending"]
    assert alike.mean() > 0.88
    apart = np.abs(coarse["ended_at_hours"] - fine["ended_at_hours"])[alike]
    assert np.nanmedian(apart) < 0.1 * np.nanmedian(coarse["ended_at_hours"])
    strikes = np.abs(coarse["first_strike_at_hours"] - fine["first_strike_at_hours"])
    assert np.nanquantile(strikes, 0.75) <= 3.0
    for milestone in ("first_strike_at_hours", "ended_at_hours"):
        medians = [np.nanmedian(columns[milestone]) for columns in (coarse, fine)]
        assert medians[1] == pytest.approx(medians[0], rel=0.04), milestone
    for ending in ("agreement", "unresolved", "unilateral"):
        change = (fine["ending"] == ending).astype(float) - (coarse["ending"] == ending)
        assert abs(change.mean()) < 3 * change.std() / np.sqrt(change.size) + 1e-3, ending


def test_milestones_come_in_order(outcomes: Any) -> None:
    columns = outcomes(replicates=3000)

    def in_order(*names: str) -> None:
        for earlier, later in itertools.pairwise(names):
            gap = columns[later] - columns[earlier]
            assert np.all(gap[~np.isnan(gap)] >= 0), (earlier, later)

    in_order("trigger_at_hours", "first_strike_at_hours", "war_at_hours", "nuclear_use_at_hours")
    in_order(
        "ceasefire_agreed_at_hours", "ceasefire_in_effect_at_hours", "first_violation_at_hours"
    )
    in_order("first_violation_at_hours", "relapsed_at_hours")
    came = ~np.isnan(columns["ceasefire_in_effect_at_hours"])
    assert not np.isnan(columns["ceasefire_agreed_at_hours"][came]).any()


def test_nothing_happens_after_the_end(outcomes: Any) -> None:
    columns = outcomes(
        replicates=3000
    )  # all the block's turns, for those still in it after their end too
    until = columns["followed_until_hours"]
    for milestone in (*MILESTONES, "us_engaged_at_hours", "imf_decided_at_hours"):
        hours = columns[milestone]
        came = ~np.isnan(hours)
        assert np.all(hours[came] <= until[came]), milestone


def test_time_out_is_never_an_ending_in_time(outcomes: Any) -> None:
    columns = outcomes(replicates=3000)
    unresolved = columns["ending"] == "unresolved"
    assert unresolved.any()
    assert np.isnan(columns["ended_at_hours"][unresolved]).all()
    assert not np.isnan(columns["ended_at_hours"][~unresolved]).any()


def test_an_agreement_is_a_halt_that_held(outcomes: Any, may_2025: Scenario) -> None:
    columns = outcomes(replicates=3000)
    agreed = columns["ending"] == "agreement"
    first_held = agreed & np.isnan(columns["relapsed_at_hours"])
    np.testing.assert_array_equal(
        columns["ended_at_hours"][first_held], columns["ceasefire_in_effect_at_hours"][first_held]
    )
    watched = columns["followed_until_hours"] - columns["ended_at_hours"]
    in_full = watched[agreed] >= 24 * may_2025.follow_up_days
    at_horizon = columns["followed_until_hours"][agreed] == may_2025.horizon_hours
    assert np.all(in_full | at_horizon)


def test_every_replicate_has_an_ending_and_no_number_is_lost(outcomes: Any) -> None:
    columns = outcomes(replicates=3000)
    known = {"agreement", "tacit", "unilateral", "imposed", "faded", "unresolved"}
    assert set(columns["ending"]) <= known
    for name in ("deaths", "peak_rung", "india_lowest_market", "pakistan_highest_pressure"):
        assert np.isfinite(columns[name]).all(), name
    assert np.all(columns["pakistan_highest_pressure"] < 1)
    assert np.all(columns["india_lowest_market"] <= 1)


def test_one_replicate_is_an_ordinary_mesa_model(may_2025: Scenario) -> None:
    model = CrisisModel(may_2025)
    assert len(model.agents) == 12
    for _ in range(10):
        model.step()
    assert model.steps == 10
    assert model.hours == 30
    assert model.running
    assert [state.rung.shape for state in model.states] == [(1,), (1,)]


class Blockade(ThirdParty):
    """Someone who makes all force costly to both states from the start."""

    def influence(self, state: Any, who: Any) -> Influence:
        return Influence(restraint=self.array(20.0)[who])


def test_an_agent_of_ones_own_bears_on_the_states(may_2025: Scenario, outcomes: Any) -> None:
    model = CrisisModel(may_2025, 1500, agents=[lambda crisis: Blockade(crisis, "blockade")])
    held_back, usual = model.run().outcomes(), outcomes()
    struck = [~np.isnan(columns["first_strike_at_hours"]) for columns in (held_back, usual)]
    assert struck[0].mean() < 0.2 < struck[1].mean()


def test_an_agent_that_does_not_subclass_third_party_still_observes_and_acts(
    may_2025: Scenario,
) -> None:
    class Counter(CrisisAgent):
        turns = 0

        def act(self) -> None:
            self.turns += 1

    model = CrisisModel(may_2025, 2, agents=[lambda crisis: Counter(crisis, "counter")])
    model.step()
    assert model.cast[-1].turns == 1  # type: ignore[attr-defined]


def test_a_journal_follows_one_replicate_only(may_2025: Scenario) -> None:
    with pytest.raises(ValueError, match="one replicate, not 2"):
        CrisisModel(may_2025, 2, journal=Journal())


def test_the_journal_tells_what_the_record_says(may_2025: Scenario, whole: Columns) -> None:
    journal = Journal()
    struck = int(np.flatnonzero(~np.isnan(whole["first_strike_at_hours"]))[5])
    CrisisModel(may_2025, 1, seed=3, first_replicate=struck, journal=journal).run()
    hours = [entry.hours for entry in journal.entries]
    assert hours == sorted(hours)
    ended = [entry for entry in journal.entries if entry.kind == "ended"]
    assert [entry.detail["ending"] for entry in ended] == [whole["ending"][struck]]
    first = [entry.hours for entry in journal.entries if entry.kind == "first_strike"]
    assert first[0] == whole["first_strike_at_hours"][struck]
    assert len({len(series) for series in journal.series.values()}) == 1


def test_paths_are_kept_day_by_day_and_held_once_a_crisis_is_over(may_2025: Scenario) -> None:
    model = CrisisModel(may_2025, 60, keep_paths=40).run()
    paths = model.kept_paths()
    assert paths is not None
    assert set(paths["replicate"]) == set(range(40))
    assert paths["day"].max() == may_2025.horizon_days
    last = paths["pakistan_market"][paths["day"] == paths["day"].max()]
    assert np.isfinite(last).all()
    assert len(paths["day"]) == 40 * (may_2025.horizon_days + 1)
    over = model.record.figures[FOLLOWED, :40] / 24
    for name in ("india_market", "pakistan_rung"):
        by_day = paths[name].reshape(-1, 40)
        for replicate in range(40):
            ended = int(over[replicate])
            assert np.all(by_day[ended:, replicate] == by_day[-1, replicate])
    assert len(np.unique(paths["india_market"].reshape(-1, 40)[:, 0])) > 10
    assert CrisisModel(may_2025, 5, first_replicate=40, keep_paths=40).run().kept_paths() is None
