"""The engine: keyed random numbers, clocks, and classes whose rules a user may replace."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from mesa.datacollection import DataCollector
from scipy.special import ndtri

from crisis_sim.model import acts, ending, third_parties
from crisis_sim.model.agent import Agent, Event, rule
from crisis_sim.model.compiling import is_cached
from crisis_sim.model.crisis import CrisisModel, Decision
from crisis_sim.model.ending import Halt
from crisis_sim.model.journal import Journal
from crisis_sim.model.luck import key_of, quantile, uniform, uniforms
from crisis_sim.model.states import State
from crisis_sim.model.third_parties import Mediator
from crisis_sim.scenario import Scenario, load_scenario
from tests.model.conftest import SEED, Columns, rows, run, same


class Patient(State):
    """It waits until the first strike, and then decides as other states do."""

    @rule
    def decide(own, rival, facts, c, p, luck):
        """Wait until the first strike."""
        if c.first_strike_at == c.first_strike_at:
            State.decide(own, rival, facts, c, p, luck)


class Thoughtful(State):
    """A state with an additional variable, fact, random stream and event, which its rival does not have."""

    draws = (*State.draws, "doubt")
    events = (*State.events, Event("doubt", "doubt", rate="doubting"))

    class Variables:
        thoughts: int
        doubts: float

    class Facts:
        doubts_a_day: float

    def facts(self) -> Mapping[str, Any]:
        return {**super().facts(), "doubts_a_day": np.full(self.model.rows, 0.5)}

    def outcomes(self) -> Mapping[str, Any]:
        thoughts = self.records["thoughts"].copy()
        return {**super().outcomes(), f"{self.name}_thoughts": thoughts}

    @rule
    def decide(own, rival, facts, c, p, luck):
        """Count, and decide as other states do."""
        own.thoughts += 1
        State.decide(own, rival, facts, c, p, luck)

    @rule
    def doubting(own, rival, facts, c, p, luck):
        """At its rate, once it has acted."""
        return facts.doubts_a_day if own.acted else 0.0

    @rule
    def doubt(own, rival, facts, c, p, luck):
        """Sum up random numbers."""
        own.doubts += uniform(c, luck.keys, own.streams + 11)


class Council(Agent):
    """It meets after serious violence, and calls for a halt, which makes a halt more valuable to both."""

    role = "councils"
    events = (Event("meet", "meet", rate="meeting"),)

    class Variables:
        called: bool

    @rule
    def meeting(own, facts, c, p, luck):
        """Every other day after serious violence."""
        return 0.5 if c.worst >= 2 and not own.called else 0.0

    @rule
    def meet(own, facts, c, p, luck):
        """Call for a halt."""
        own.called = True

    @rule
    def influence(own, facts, c, p, luck):
        """Add 4 to the value of a halt for both."""
        if own.called:
            c.states[0].dovish += 4.0
            c.states[1].dovish += 4.0


class Silent(Council):
    """A council without influence."""

    @rule
    def influence(own, facts, c, p, luck):
        """Nothing."""


class Peacemaker(Agent):
    """A plain agent that presses both states to halt from the tenth day on, with a strength that varies by day."""

    role = "peacemakers"

    def step(self) -> None:
        if self.model.days >= 10:
            for state in self.model.cast["states"]:
                assert state.grievance.shape == (self.model.rows,)
                state.records["lent_leverage"] = 4.0 + 2.0 * self.luck("zeal")


class Idler(Agent):
    """A plain agent that does nothing."""

    role = "idlers"

    def step(self) -> None:
        pass


@numba.njit
def _quantiles(probabilities: np.ndarray) -> np.ndarray:
    quantiles = np.empty_like(probabilities)
    for k in range(probabilities.size):
        quantiles[k] = quantile(probabilities[k])
    return quantiles


def test_normal_quantiles_agree_with_scipy() -> None:
    tail = 10.0 ** -np.linspace(0.31, 15, 400)
    probabilities = np.concatenate([np.linspace(0.001, 0.999, 999), tail, 1 - tail])
    expected = ndtri(probabilities)
    np.testing.assert_allclose(_quantiles(probabilities), expected, rtol=1e-13, atol=1e-15)


def test_an_agent_in_plain_python_takes_a_step_each_day(may_2025: Scenario) -> None:
    with_it, without = (run(may_2025, 600, agents=[kind]) for kind in (Peacemaker, Idler))
    early = with_it["followed_until_hours"] < 240
    assert same(rows(with_it, early), rows(without, early))
    agreed, otherwise = (np.mean(x["ending"] == "agreement") for x in (with_it, without))
    assert agreed > otherwise + 0.02
    model = CrisisModel(may_2025, 20, SEED, first_replicate=300, agents=[Peacemaker])
    while model.running:
        model.go_on(model.days + 0.4)  # any step size
    assert same(rows(with_it, slice(300, 320)), model.outcomes())


def test_compiled_rules_are_cached(may_2025: Scenario, whole: Columns) -> None:
    assert whole["ending"].size
    assert is_cached()


def test_schedules_share_functions_of_the_same_rules(may_2025: Scenario) -> None:
    """Otherwise the cache would find the drivers of one of them, and load them again at every call of the other."""
    usual, checked = (CrisisModel(may_2025, 2, checked=x).schedule for x in (False, True))
    assert usual.update is checked.update
    assert usual.fault is not checked.fault


@pytest.mark.parametrize(
    ("kind", "module", "first"),
    [(State, acts, "STAKES"), (Halt, ending, "COMMON"), (Mediator, third_parties, "PRESENT")],
)
def test_draws_are_numbered_in_the_order_of_their_declaration(
    kind: Any, module: Any, first: str
) -> None:
    numbered = {name.upper(): k for k, name in enumerate(kind.draws)}
    assert numbered[first] == 0
    assert {name: getattr(module, name) for name in numbered} == numbered


def test_random_numbers_are_those_of_philox() -> None:
    key = key_of(5, "india/choice")
    for replicate in (0, 7, 4711):
        raw = np.random.Philox(key=key, counter=[replicate, 0, 0, 0]).random_raw(1)[0]
        drawn = uniforms(5, "india/choice", np.array([replicate], np.uint64))[0]
        assert drawn == ((int(raw) >> 11) + 0.5) * 2.0**-53


def test_a_journal_changes_nothing(may_2025: Scenario, whole: Columns) -> None:
    struck = int(np.flatnonzero(~np.isnan(whole["first_strike_at_hours"]))[0])
    journal = Journal()
    model = CrisisModel(may_2025, 1, SEED, first_replicate=struck, journal=journal)
    assert same(rows(whole, slice(struck, struck + 1)), model.run().outcomes())
    strikes = [entry.hours for entry in journal.entries if entry.kind == "first_strike"]
    assert strikes == [whole["first_strike_at_hours"][struck]]
    assert len(journal.series["danger"]) == len(journal.series["hours"])


def test_removing_an_agent_changes_no_random_number_of_another(may_2025: Scenario) -> None:
    whole = CrisisModel(may_2025, 50, SEED)
    without = CrisisModel(may_2025.model_copy(update={"lenders": {}}), 50, SEED)
    for role in ("states", "mediators", "channels"):
        for a, b in zip(whole.cast[role], without.cast[role], strict=True):
            for name in ("stake", "tempo", "nuclear") if role == "states" else ():
                assert np.array_equal(getattr(a, name), getattr(b, name))
            k = len(type(a).clocks())
            mine, theirs = a.records["clocks"][0], b.records["clocks"][0]
            assert np.array_equal(
                whole.crises["budgets"][:, mine : mine + k],
                without.crises["budgets"][:, theirs : theirs + k],
            )


def test_a_small_change_of_a_rate_shifts_events_slightly(may_2025: Scenario) -> None:
    def first_acts(rate: float) -> Any:
        scenario = load_scenario(
            "may_2025", [f"behaviour.decision.decisions_on_alert_per_day={rate}"]
        )
        return run(scenario, 300)["india_first_act_at_hours"]

    a, b = first_acts(2.0), first_acts(2.002)
    both = ~np.isnan(a) & ~np.isnan(b)
    assert both.mean() > 0.3
    assert np.median(np.abs(a - b)[both]) < 0.1  # hours


@pytest.mark.slow
def test_a_declaration_of_one_state_does_not_affect_the_other(
    may_2025: Scenario, whole: Columns
) -> None:
    """It calls the rule of its base class; random numbers are unchanged, and times equal up to their last digits."""
    model = CrisisModel(may_2025, 300, SEED, roles={"pakistan": Thoughtful}).run()
    columns = model.outcomes()
    assert (columns.pop("pakistan_thoughts") > 0).any()
    assert np.mean(columns["ending"] == whole["ending"]) > 0.98
    assert columns.keys() == whole.keys()
    doubts = model.cast["states"][1].doubts
    assert 0.3 < doubts[doubts > 0].mean() / model.crises["now"][doubts > 0].mean() * 4 < 1.7
    with pytest.raises(AttributeError, match="State has no 'doubts'"):
        _ = model.cast["states"][0].doubts


@pytest.mark.slow
def test_states_may_decide_by_another_rule(may_2025: Scenario, whole: Columns) -> None:
    patient = run(may_2025, 300, roles={"states": Patient})
    assert not np.isfinite(patient["first_strike_at_hours"]).any()
    assert np.isfinite(whole["first_strike_at_hours"]).any()


@pytest.mark.slow
def test_an_additional_agent_changes_no_random_number_of_another(
    may_2025: Scenario, whole: Columns
) -> None:
    assert np.mean(run(may_2025, 300, agents=[Silent])["ending"] == whole["ending"]) > 0.97
    calls = run(may_2025, 300, agents=[Council])
    struck = np.isfinite(whole["first_strike_at_hours"]) & np.isfinite(
        calls["first_strike_at_hours"]
    )
    assert np.mean(calls["ending"][struck] == "agreement") > np.mean(
        whole["ending"][struck] == "agreement"
    )


def test_a_policy_that_leaves_decisions_to_the_model_changes_nothing(
    may_2025: Scenario, whole: Columns
) -> None:
    decisions: list[Decision] = []

    assert same(rows(whole, slice(40)), run(may_2025, 40, policies={"india": decisions.append}))
    assert decisions


def test_a_policy_chooses_among_named_options(may_2025: Scenario) -> None:
    seen: list[dict[str, tuple[float, float]]] = []

    def wait(decision: Decision) -> str:
        seen.append(decision.options)
        return "wait"

    waiting = run(may_2025, 40, policies={"india": wait, "pakistan": wait})
    assert not np.isfinite(waiting["first_strike_at_hours"]).any()
    assert all(abs(sum(odds for _, odds in options.values()) - 1) < 1e-9 for options in seen)
    with pytest.raises(ValueError, match="no option 'surrender'"):
        run(may_2025, 5, policies={"india": lambda decision: "surrender"})


def test_a_choice_is_forced_at_the_first_decision_from_a_time_on(may_2025: Scenario) -> None:
    model = CrisisModel(may_2025, 200, SEED)
    model.force("india", "limited strike", from_days=5.0)
    forced = model.run().outcomes()["first_strike_at_hours"] / 24
    assert np.isfinite(forced).mean() > 0.5
    with pytest.raises(ValueError, match="no option 'limited strikes'"):
        model.force("india", "limited strikes")


def test_a_branch_shares_the_past_and_has_new_random_numbers_after_it(
    may_2025: Scenario, whole: Columns
) -> None:
    struck = np.flatnonzero(whole["first_strike_at_hours"] > 24 * 6)[0]
    model = CrisisModel(may_2025, 1, SEED, first_replicate=int(struck))
    model.go_on(5.0)
    acts = model.crises["states"]["acts"][0].sum()
    futures = model.branch(300).run()
    columns = futures.outcomes()
    assert {column.size for column in columns.values()} == {300}
    assert (futures.crises["states"]["acts"].sum(axis=1) >= acts).all()
    assert not (columns["first_strike_at_hours"] < 24 * 5).any()
    assert np.unique(columns["followed_until_hours"]).size > 10
    assert same(rows(whole, slice(struck, struck + 1)), model.run().outcomes())


def test_crises_are_run_by_their_numbers_and_branched_by_their_rows(
    may_2025: Scenario, whole: Columns
) -> None:
    numbers = np.array([3, 17, 5], np.uint64)
    model = CrisisModel(may_2025, numbers, SEED)
    model.go_on(9.0)
    futures = model.branch(np.array([2, 0, 2, 2]))
    assert (futures.crises["now"][futures.crises["ongoing"]] == 9.0).all()
    columns = futures.run().outcomes()
    assert columns["replicate"].tolist() == [5, 3, 5, 5]
    assert same(rows(whole, numbers.astype(int)), model.run().outcomes())


def test_mesa_hosts_a_crisis_and_thousands(may_2025: Scenario) -> None:
    for replicates in (1, 50):
        model = CrisisModel(may_2025, replicates, SEED)
        collector = DataCollector(
            model_reporters={"danger": lambda model: float(model.view["danger"].mean())},
            agenttype_reporters={State: {"grievance": lambda state: state.grievance.mean()}},
        )
        for _ in range(4):
            model.step()
            collector.collect(model)
        assert len(collector.get_model_vars_dataframe()) == 4
        states = model.agents.select(agent_type=State)
        assert {state.name for state in states} == {"india", "pakistan"}
        assert states.agg("grievance", lambda values: max(v.max() for v in values)) > 0
    with pytest.raises(AttributeError, match="State has no 'grievnace'"):
        _ = states[0].grievnace


CALM = """
from crisis_sim import rule
from crisis_sim.model.states import State

class Calm(State):
    @rule
    def begin(own, rival, facts, c, p, luck):
        "It begins as other states do."
        State.begin(own, rival, facts, c, p, luck)
"""
BEGIN = """
import warnings
warnings.simplefilter("error")
from calm import Calm
from crisis_sim import CrisisModel, load_scenario
CrisisModel(load_scenario("may_2025"), 2, roles={roles})
"""


@pytest.mark.slow
def test_own_rules_are_cached_in_addition_to_those_of_earlier_processes(tmp_path: Path) -> None:
    (tmp_path / "calm.py").write_text(CALM, encoding="utf-8")
    cache = tmp_path / "cache"
    paths = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    # Numba keeps a number of recent functions alive; here none.
    few = {"NUMBA_CACHE_DIR": str(cache), "NUMBA_FUNCTION_CACHE_SIZE": "0"}
    env = {**os.environ, **few, "PYTHONPATH": paths}
    for roles, expected in (("{}", 1), ("{'pakistan': Calm}", 2), ("{}", 2)):
        code = BEGIN.replace("{roles}", roles)
        result = subprocess.run(
            [sys.executable, "-c", code], check=False, env=env, capture_output=True, text=True
        )
        assert result.returncode == 0, result.stderr
        assert len(list(cache.glob("**/*.begin_crises-*.nbc"))) == expected
