"""Invariants of every crisis in any valid scenario: see docs/outcomes.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from crisis_sim.model import CrisisModel
from crisis_sim.model.observer import MILESTONES
from crisis_sim.scenario import Scenario, read_scenario
from crisis_sim.scenario.numbers import range_of
from crisis_sim.scenario.schema import ENDINGS, STYLES, VIOLENCE, StateSpec
from tests.model.conftest import Columns, same
from tests.model.valid_scenarios import scenarios
from tests.scenario.files import BASE

REPLICATES = 24
#: Tolerance for rounding, hours.
ROUNDING = 1e-6


def run(
    scenario: Scenario, replicates: int = REPLICATES, first: int = 0, points: int = 1
) -> Columns:
    """Outcomes of a checked run, in which a variable that is not finite is an error."""
    model = CrisisModel(
        scenario, replicates, seed=7, first_replicate=first, points=points, checked=True
    )
    return model.run().outcomes()


def joined(blocks: Sequence[Columns]) -> Columns:
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def came(hours: NDArray[Any]) -> NDArray[np.bool_]:
    return ~np.isnan(hours)


def not_after(early: NDArray[Any], late: NDArray[Any]) -> bool:
    """Return true if the late event never occurs without or before the early one."""
    return bool(np.all(early[came(late)] <= late[came(late)]))  # a comparison with NaN is false


# Rows of outcomes.


@settings(max_examples=15, deadline=None)
@given(scenarios())
def test_every_row_of_any_valid_scenario_makes_sense(scenario: Scenario) -> None:
    rows = run(scenario)
    every_row_has_an_ending(scenario, rows)
    milestones_are_in_order(scenario, rows)
    acts_are_counted(scenario, rows)
    violence_is_that_of_the_rungs(scenario, rows)
    third_parties_agree_with_their_columns(scenario, rows)
    numbers_are_numbers(scenario, rows)


def every_row_has_an_ending(scenario: Scenario, rows: Columns) -> None:
    assert {len(column) for column in rows.values()} == {REPLICATES}
    ending, followed = rows["ending"], rows["followed_until_hours"]
    assert set(ending) <= set(ENDINGS) - {"other"}
    assert np.all((followed >= 0) & (followed <= scenario.horizon_hours + ROUNDING))
    open_end = ending == "unresolved"
    assert np.array_equal(came(rows["ended_at_hours"]), ~open_end)
    assert np.array_equal(came(rows["over_at_hours"]), ~open_end)
    assert np.all(rows["over_at_hours"][~open_end] >= rows["ended_at_hours"][~open_end])
    assert np.all(followed[open_end] >= scenario.horizon_hours - ROUNDING)
    agreed = ending == "agreement"
    held_at_once = agreed & ~came(rows["relapsed_at_hours"])
    in_effect = rows["ceasefire_in_effect_at_hours"]
    assert np.all(rows["ended_at_hours"][held_at_once] == in_effect[held_at_once])
    assert np.all(rows["ended_at_hours"][agreed] >= in_effect[agreed])
    other = ~agreed & ~open_end
    assert np.all(rows["ended_at_hours"][other] == followed[other])


def milestones_are_in_order(scenario: Scenario, rows: Columns) -> None:
    for name, column in rows.items():
        if name.endswith("_at_hours") and name not in ("trigger_at_hours", "over_at_hours"):
            at, followed = column[came(column)], rows["followed_until_hours"][came(column)]
            assert np.all((at >= 0) & (at <= followed + ROUNDING)), name
    agreed, in_effect = (rows[f"ceasefire_{name}_at_hours"] for name in ("agreed", "in_effect"))
    violated, relapsed = rows["first_violation_at_hours"], rows["relapsed_at_hours"]
    assert not_after(agreed, in_effect)
    assert not_after(in_effect, violated)
    assert not_after(violated, relapsed)
    assert not_after(rows["first_fire_at_hours"], rows["first_strike_at_hours"])
    assert not_after(rows["first_fire_at_hours"], rows["war_at_hours"])
    assert not_after(rows["war_at_hours"], rows["nuclear_use_at_hours"])
    for what in ("fire", "strikes"):
        first, paused = (
            rows[f"first_{what.removesuffix('s')}_at_hours"],
            rows[f"{what}_paused_at_hours"],
        )
        assert not_after(first, paused)
        over = came(first) & came(rows["ended_at_hours"])
        assert np.all(paused[over] <= rows["over_at_hours"][over] + ROUNDING)


def acts_are_counted(scenario: Scenario, rows: Columns) -> None:
    acts, operations = rows["acts"], rows["operations"]
    assert np.all(operations <= acts)
    acted = [came(rows[f"{state}_first_act_at_hours"]) for state in scenario.states]
    assert np.array_equal(acts > 0, np.any(acted, axis=0))
    assert np.array_equal(operations > 0, came(rows["first_fire_at_hours"]))


def violence_is_that_of_the_rungs(scenario: Scenario, rows: Columns) -> None:
    ladder, peak = scenario.ladder, rows["peak_rung"]
    assert np.all((peak >= 0) & (peak < len(ladder)))
    worst = np.array([VIOLENCE.index(word) for word in rows["worst_violence"]])
    by_rung = np.array([VIOLENCE.index(rung.violence) for rung in ladder])
    start = max(by_rung[names_of(scenario).index(rung)] for rung in starts(scenario))
    assert np.all((worst == by_rung[peak]) | (by_rung[peak] <= start))
    assert np.array_equal(worst == len(VIOLENCE) - 1, came(rows["war_at_hours"]))
    assert np.array_equal(worst > 0, came(rows["first_fire_at_hours"]))


def names_of(scenario: Scenario) -> list[str]:
    return [rung.name for rung in scenario.ladder]


def starts(scenario: Scenario) -> list[str]:
    """The rungs of the states at the start."""
    lowest = scenario.ladder[0].name
    return [state.rung_at_start or lowest for state in scenario.states.values()]


def third_parties_agree_with_their_columns(scenario: Scenario, rows: Columns) -> None:
    for section, ending, first in (
        ("mediators", "engaged_at_hours", "mediation_started_at_hours"),
        ("channels", "opened_at_hours", "channel_opened_at_hours"),
    ):
        names = getattr(scenario, section)
        each = [rows[f"{name}_{ending}"] for name in names] or [np.full(REPLICATES, np.nan)]
        np.testing.assert_array_equal(np.fmin.reduce(each), rows[first])
    assert np.array_equal(rows["mediated"], came(rows["mediation_started_at_hours"]))
    assert np.array_equal(rows["mediated"], rows["mediation_style"] != "")
    assert set(rows["mediation_style"]) <= {"", *STYLES}
    assert set(rows["brokered_by"]) <= {"", *scenario.mediators}
    assert not (rows["brokered_by"] != "")[~came(rows["ceasefire_agreed_at_hours"])].any()
    for name in scenario.lenders:
        assert np.array_equal(
            rows[f"{name}_decision"] != "", came(rows[f"{name}_decided_at_hours"])
        )


def numbers_are_numbers(scenario: Scenario, rows: Columns) -> None:
    """Columns that docs/outcomes.md describes as never null are finite and in their ranges."""
    never_null = [f"{state}_{name}" for state in scenario.states for name in ("lowest_market",)]
    pressures = [f"{state}_highest_pressure" for state in scenario.states]
    for name in (*never_null, *pressures, "deaths", "trigger_at_hours", "followed_until_hours"):
        assert np.isfinite(rows[name]).all(), name
    assert not any(np.isinf(column).any() for column in rows.values() if column.dtype.kind == "f")
    for name in never_null:
        assert np.all((rows[name] > 0) & (rows[name] <= 1)), name
    for name in pressures:
        assert np.all((rows[name] >= 0) & (rows[name] <= 1)), name
    scheduled = [float(event.deaths) for event in scenario.events if type(event.deaths) is float]
    assert np.all(rows["deaths"] >= 0)
    long = rows["followed_until_hours"] >= 24 * 25  # all events are earlier
    assert np.all(rows["deaths"][long] >= sum(scheduled) * (1 - ROUNDING))


# During a run.


SHARES: dict[str, Sequence[str]] = {
    "states": (
        "exhaustion",
        "halt_propensity",
        "trust",
        "assured",
        "information",
        "cover",
        "pressure",
    ),
    "advisers": ("voice",),
}


@settings(max_examples=8, deadline=None)
@given(scenarios())
def test_shares_and_probabilities_stay_between_0_and_1(scenario: Scenario) -> None:
    model = CrisisModel(scenario, REPLICATES, seed=7, checked=True)
    while model.running:
        model.step()
        shares = {"danger": model.view["danger"]}
        for role, names in SHARES.items():
            for agent in model.cast[role]:
                shares |= {f"{agent.name}.{name}": getattr(agent, name) for name in names}
        for state in model.cast["states"]:
            assert np.all((state.rung >= 0) & (state.rung < len(scenario.ladder)))
            assert np.all(state.market >= 0)
        for name, share in shares.items():
            assert np.all((share >= -1e-12) & (share <= 1 + 1e-12)), name


# Blocks.


@settings(max_examples=10, deadline=None)
@given(scenarios())
def test_rows_do_not_depend_on_blocks(scenario: Scenario) -> None:
    whole = run(scenario)
    cut = [run(scenario, count, first) for first, count in ((0, 1), (1, 6), (7, 17))]
    assert same(joined(cut), whole)


@settings(max_examples=10, deadline=None)
@given(scenarios())
def test_points_of_a_design_have_the_rows_of_a_batch_without_one(scenario: Scenario) -> None:
    alone = run(scenario, 5, first=1_000_003)
    design = run(scenario, 5, first=1_000_003, points=3)
    assert same(design, joined([alone] * 3))


# Extreme scenarios, in which numbers might overflow.

WAR = """
ladder=[{name: calm, intensity: 0}, {name: war, intensity: 0.5, strike: true, violence: full-scale war}, \
{name: end, intensity: 1, strike: true, nuclear: true, violence: full-scale war}]"""
EXTREMES = {
    "a hopeless war": f"""{WAR}
states.india={{capability: 1000, rung_at_start: war}}
states.pakistan.capability=0.001
behaviour.operations={{collapse_per_day: 5, capability_exponent: 10}}""",
    "a hopeless war that never ends": f"""{WAR}
states.india={{capability: {{uniform: [999, 1000]}}, rung_at_start: war}}
states.pakistan.capability={{uniform: [0.001, 0.002]}}
behaviour.operations={{collapse_per_day: 0, capability_exponent: 10}}""",
    "a start on the highest rung": f"""{WAR}
states.india={{nuclear: true, rung_at_start: end}}
behaviour.fog.misreading=1""",
    "grievance without measure": """
events.0.deaths=1e8
behaviour.harm={harm_unit_deaths: 0.1, harm_exponent: 1}
behaviour.decision={answering: 200, cost: 0}""",
    "money without measure": """
lenders.imf={dependence: 1, reviews: [{at: 2025-05-09, amount_usd_bn: 1000}]}
states.pakistan.reserves_usd_bn=0.01
behaviour.lending={reference_share: 0.001, relief: 10, shock: 10}""",
    "spreads without measure": """
behaviour.harm.harm_unit_deaths={lognormal: [1, 1e300]}
behaviour.halt.implementation_hours={lognormal: [3, 1e-320]}
states.india.resolve={normal: [0.5, 1e308]}
states.pakistan.resolve={normal: [1, 5e-324]}
events.0.deaths={lognormal: [5e-324, 1]}
states.india.audience={beta: [1e308, 1e308]}
states.pakistan.audience={beta: [1e-320, 1e308]}""",
}


@pytest.mark.parametrize("extreme", EXTREMES)
def test_nothing_overflows_at_the_edges(extreme: str) -> None:
    scenario = read_scenario(BASE, "edge", EXTREMES[extreme].split("\n")[1:])
    rows = run(scenario)
    every_row_has_an_ending(scenario, rows)
    numbers_are_numbers(scenario, rows)


def test_a_spread_far_wider_than_the_range_draws_uniformly() -> None:
    wide = "states.india.resolve={normal: [0.5, 1e12]}"
    model = CrisisModel(read_scenario(BASE, "wide", [wide]), 4_000, seed=1)
    resolve = model.numbers["states.india"].resolve
    limits = range_of(StateSpec, "resolve")
    assert limits is not None
    shares = np.quantile(resolve / limits.high, [0.1, 0.5, 0.9])
    assert np.allclose(shares, [0.1, 0.5, 0.9], atol=0.03)


def test_outcomes_contain_all_milestones() -> None:
    rows = run(read_scenario(BASE, "base"), 2)
    assert set(MILESTONES) <= set(rows)
