"""Every column of results is documented, and every documented column is there; pauses are told apart from ceasefires."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from crisis_sim import simulate
from crisis_sim.batch.block import schemas
from crisis_sim.batch.ensemble import Ensemble
from crisis_sim.model.observer import ACTS, NEXT, Observer
from crisis_sim.outcomes.durations import CLOCKS, PAUSE
from crisis_sim.scenario.schema import Scenario
from tests.batch.crises import crisis

PAGE = (Path(__file__).parents[2] / "docs" / "outcomes.md").read_text(encoding="utf-8")
#: Sections of a scenario, and what the page calls an agent of each.
ROLES = {
    "states": "<state>",
    "mediators": "<mediator>",
    "lenders": "<lender>",
    "channels": "<channel>",
    "advisers": "<adviser>",
}


def documented(name: str, scenario: Scenario) -> str:
    """A column's name as the page writes it."""
    for section, role in ROLES.items():
        for agent in getattr(scenario, section):
            if name.startswith(f"{agent}_"):
                return f"{role}_{name.removeprefix(f'{agent}_')}"
    if re.fullmatch(f"next_({'|'.join(ACTS)})_({'|'.join(NEXT)})", name):
        return "next_<act>_<following>"
    return name


def test_every_column_is_documented_and_every_documented_column_is_there() -> None:
    scenario = crisis()
    found = {
        documented(name, scenario)
        for schema in schemas(scenario, [Observer])
        for name in schema.names
    }
    tables = PAGE.partition("## outcomes.parquet")[2].partition("## The folder")[0]
    tables = tables.partition("## Endings")[0] + tables.partition("## What an observer adds")[2]
    rows = [line.split("|")[1] for line in tables.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`([a-z_<>]+)`", row)} == found


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    """A thousand crises, long enough for pauses to be seen."""
    return simulate(crisis(horizon_days=60), 1_000).ensembles["quarrel"]


def test_a_ceasefire_is_a_pause_and_a_pause_need_be_no_ceasefire(ensemble: Ensemble) -> None:
    fire, strike = ensemble.column("first_fire_at_hours"), ensemble.column("first_strike_at_hours")
    fire_paused = ensemble.column("fire_paused_at_hours")
    strikes_paused = ensemble.column("strikes_paused_at_hours")
    ended, agreed = ensemble.column("ended_at_hours"), ensemble.column("ending") == "agreement"
    over = ensemble.column("over_at_hours")
    struck = ~np.isnan(strike)
    assert struck.any()
    # There is no pause without fire, none before it, and no crisis that ends without one.
    assert np.isnan(fire_paused[np.isnan(fire)]).all()
    assert np.isnan(strikes_paused[~struck]).all()
    assert not (fire_paused < fire).any()
    assert not (strikes_paused < strike).any()
    assert (strikes_paused[struck & ~np.isnan(ended)] <= ended[struck & ~np.isnan(ended)]).all()
    assert (np.isnan(over) == np.isnan(ended)).all()
    assert not (over < ended).any()
    # Strikes paused where nobody had agreed to anything.
    assert (struck & ~np.isnan(strikes_paused) & ~agreed).any()


def test_strikes_pause_no_later_than_a_ceasefire_that_holds(ensemble: Ensemble) -> None:
    hours = np.array([24.0, 96.0, 14 * 24.0, 30 * 24.0])
    paused = PAUSE.read(ensemble).incidence(first_only=True).at(hours).estimate
    agreed = CLOCKS["from_first_strike"].read(ensemble).incidence(first_only=True).at(hours)
    assert (paused >= agreed.estimate - 1e-9).all()
    assert paused[-1] > 0


def test_acts_and_operations_are_counted(ensemble: Ensemble) -> None:
    acts, operations = ensemble.column("acts"), ensemble.column("operations")
    assert (operations <= acts).all()
    assert ((operations > 0) == ~np.isnan(ensemble.column("first_fire_at_hours"))).all()
    first = np.fmin(*(ensemble.column(f"{name}_first_act_at_hours") for name in ensemble.states))
    assert ((acts > 0) == ~np.isnan(first)).all()
