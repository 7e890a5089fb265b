"""Mistakes in experiments of every kind are told at their places, with the nearest name."""

from __future__ import annotations

import re
from typing import Any

import pytest

from crisis_sim.outcomes.measures import Columns
from crisis_sim.scenario.errors import ScenarioError
from tests.batch.crises import crisis
from tests.experiments.examples import NORTH, RESOLVE, made

VARY = {RESOLVE: {"low": 0.2, "high": 1.0}}
CASE = {"name": "x", "record": [{"of": "deaths", "value": 400, "within": 150}]}


def target(**changes: Any) -> dict[str, Any]:
    return {"targets": [{"measure": "agreement", "value": 0.2, **changes}]}


def aim(**objective: Any) -> dict[str, Any]:
    return {"targets": [], "objective": objective}


def record(**changes: Any) -> dict[str, Any]:
    return {"cases": [{"name": "x", "record": [{**CASE["record"][0], **changes}]}]}


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        ("attribute", {"parts": {"x": "mediators.elda"}}, "did you mean 'mediators.elder'?"),
        ("attribute", {"parts": {"x": ["lenders", "mediatrs.elder"]}}, "did you mean 'mediators.elder'?"),
        ("attribute", {"parts": {"x": "states.north"}}, "states.north"),
        ("attribute", {"parts": {}}, "at least 1"),
        ("attribute", {"parts": {"x": []}}, "at least 1"),
        ("attribute", {"parts": {f"part {k}": f"lenders.l{k}" for k in range(11)}}, "at most 10"),
        ("attribute", {"parts": {"all": "mediators", "x": "mediators.elder"}}, "in part 'all' already"),
        ("attribute", {"parts": {"x": ["lenders", "lenders.bank"]}}, "in this part already"),
        ("attribute", {"parts": {"x": "lenders.bank.conditionality=7"}}, "out of range"),
        ("attribute", {"scenario": crisis(lenders={}), "parts": {"x": "lenders"}}, "nothing there"),
        ("attribute", {"parts": {"point": "lenders"}}, "cannot be called 'point'"),
        ("attribute", {"parts": {" ": "lenders"}}, "cannot be called ' '"),
        ("attribute", {"party": 1}, "did you mean 'parts'?"),
        ("sensitivity", {"vary": {"states.north.resolv": {}}}, "did you mean 'states.north.resolve'?"),
        ("sensitivity", {"vary": {NORTH: {"low": 0.5, "high": 0.5}}}, "an empty range"),
        ("sensitivity", {"vary": {NORTH: {"low": 0.5, "high": 5}}}, "out of range: 5"),
        ("sensitivity", {"vary": {NORTH: {"low": 0, "high": 1, "scale": "log"}}}, "no ratios"),
        ("sensitivity", {"samples": 0}, "out of range: 0"),
        ("sensitivity", {"samples": 8}, "8 base samples tell nothing"),
        ("sensitivity", {"samples": 100}, "a power of two, such as 64 or 128"),
        ("sensitivity", {"method": "morris", "samples": 3}, "3 trajectories tell nothing"),
        ("sensitivity", {"method": "pawn", "samples": 64, "second_order": True}, "pawn has no indices of pairs"),
        ("sensitivity", {"method": "sobel"}, "did you mean 'sobol'?"),
        ("sensitivity", {"tornado": -1}, "out of range: -1"),
        ("tune", {"vary": {"states.south.resolv": {}}}, "did you mean 'states.south.resolve'?"),
        ("tune", {"vary": {f"{RESOLVE}.uniform.7": {"low": 0, "high": 1}}}, f"did you mean '{RESOLVE}.uniform."),
        ("tune", {"vary": {f"{RESOLVE}.uniform.0": {}}}, "no range is known"),
        ("tune", {"vary": {f"{RESOLVE}.uniform.0": {"low": 0, "high": 4}}}, "out of range: 4"),
        ("tune", {"vary": {f"{RESOLVE}.uniform.0": {"low": 0.2, "high": 1.0}}}, "out of order"),
        ("tune", {"vary": {f"{RESOLVE}.uniform.0": {"low": 0, "high": 0.4}, **VARY}}, "changes already"),
        ("tune", {"vary": {RESOLVE: {"low": 0.5, "high": 0.5}}}, "an empty range"),
        ("tune", {"vary": {RESOLVE: {"low": 0.2, "high": 1.0, "start": 0.1}}}, "begins at 0.1, outside"),
        ("tune", {"vary": {RESOLVE: {"also": ["states.west.resolve"]}}}, "no parameter 'states.west.resolve'"),
        ("tune", {"vary": {}}, "vary"),
        ("tune", {"trials": 0}, "trials"),
        ("tune", {"sampler": "cmae"}, "did you mean 'cmaes'?"),
        ("tune", {"targets": []}, "neither targets nor an objective"),
        ("tune", {"objective": {"maximise": "agreement"}}, "both targets and an objective"),
        ("tune", target(measure="mean_death"), "did you mean 'mean_deaths'?"),
        ("tune", target(value=1.2), "no share: 1.2"),
        ("tune", target(interval=[0.4, 0.3]), "an empty interval"),
        ("tune", target(interval=[0.3, 0.4]), "does not lie in it"),
        ("tune", target(measure="mean_deaths", value=0), "how near to 0"),
        ("tune", target(value=0, scale="log"), "has no ratios"),
        ("tune", target(weight=0), "weight"),
        ("tune", target(scenario="quarel"), "did you mean 'quarrel'?"),
        ("tune", aim(), "nothing to aim for"),
        ("tune", aim(maximise="agreement", enough=1.5), "no share to reach"),
        ("tune", aim(maximise="agreement", cost={"states.south": 1}), "is not varied"),
        ("tune", aim(maximise="agreement", cost={RESOLVE: -1}), "a cost below 0"),
        ("tune", {**aim(maximise="agreement"), "sampler": "gauss_newton"}, "nothing to take steps towards"),
        ("tune", {"vary": {f"{RESOLVE}.uniform.0": {"low": 0.1, "high": 0.2}}, "sampler": "gauss_newton"}, "inside a dist"),
        ("tune", {"fewer": {"crisi": 10}}, "'crisi' is none of the scenarios"),
        ("posterior", {"vary": {"states.south.resolv": {}}}, "no parameter 'states.south.resolv'"),
        ("posterior", {"targets": []}, "neither targets nor cases"),
        ("posterior", target(measure="mean_deathss"), "unknown measure 'mean_deathss'"),
        ("posterior", {"cases": [{"name": "x"}]}, "nothing is on record"),
        ("posterior", {"cases": [CASE, CASE]}, "a second case"),
        ("posterior", {"cases": [{**CASE, "scenario": "quarel"}]}, "none of the scenarios"),
        ("posterior", {"cases": [{**CASE, "so": {"endin": "faded"}}]}, "no outcome 'endin'"),
        ("posterior", record(of="death"), "no outcome 'death'"),
        ("posterior", record(within=0), "0"),
        ("posterior", record(unit="days"), "no time"),
        ("posterior", {"particles": 0}, "20"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_place(kind: str, changes: dict[str, Any], said: str) -> None:
    usual = {"vary": VARY} if kind == "tune" else {}
    with pytest.raises(ScenarioError) as error:
        made(kind, **{**usual, **changes})
    assert said in str(error.value)
    assert re.match(r"mine:\d+:\d+: error: ", str(error.value))
    # What is missing from the whole file is told at its first line.
    whole = said.startswith("neither")
    assert all(mistake.line > 1 or whole for mistake in error.value.mistakes)


def test_an_outcome_that_goes_with_a_part_is_refused() -> None:
    own = next(name for name in Columns.of(crisis()).named("flag", "time") if "bank" in name)
    with pytest.raises(ScenarioError, match=f"no outcome '{own}' where parts are taken away"):
        made("attribute", outcomes=[{"mean": own}])
