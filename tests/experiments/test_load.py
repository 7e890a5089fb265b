"""Reading experiments: mistakes in files of any kind are reported at their places, with the nearest name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest
from ruamel.yaml import YAML

from crisis_sim.experiments import load_experiment
from crisis_sim.experiments.load import shipped_experiments
from crisis_sim.outcomes.measures import Columns
from crisis_sim.scenario.errors import ScenarioError
from tests.batch.crises import crisis
from tests.experiments.examples import NORTH, RESOLVE, as_file, made

DAYS = "mediators.us.attention_days"
GOOD = """\
kind: sweep
title: Delay
scenario: may_2025
vary:
  mediators.us.attention_days: {low: 0.1, high: 5}
outcomes: [agreement]
replicates: 10
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    return path


def test_a_valid_file_is_read_with_its_name_measures_and_scenario(mine: Path) -> None:
    experiment = load_experiment(mine)
    assert (experiment.name, experiment.kind, experiment.text) == ("mine", "sweep", GOOD)
    assert [one.name for one in experiment.measures] == ["agreement"]
    assert experiment.scenario.name == "may_2025"
    # A mistake in a change from the command line names the option.
    assert load_experiment(mine, {"replicates": 77}).spec.replicates == 77
    with pytest.raises(ScenarioError, match="--replicates:1:1: error: out of range: 0"):
        load_experiment(mine, {"replicates": 0})
    # A scenario's file is in the experiment's folder.
    as_file(mine.parent, "other.yaml")
    mine.write_text(GOOD.replace("may_2025", "other.yaml").replace(DAYS, NORTH).replace("5}", "1}"))
    assert load_experiment(mine).scenario.name == "other"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: sweep", "kind: sweeep", ["mine.yaml:1:7: error: unknown kind", "'sweep'?"]),
        ("kind: sweep", "kind: {a: b}", ["mine.yaml:1:7: error: unknown kind {'a': 'b'}"]),
        ("kind: sweep", "kind: null", ["mine.yaml:1:7: error: unknown kind None"]),
        ("kind: sweep\n", "", ["mine.yaml:1:1: error: 'kind' is missing"]),
        ("title: Delay", "titel: Delay", ["mine.yaml:2:1", "did you mean 'title'?"]),
        ("replicates: 10", "replicates: 0", ["mine.yaml:7:13: error: out of range: 0"]),
        ("replicates: 10", "replicates: ten", ["mine.yaml:7:13: error: not a whole number"]),
        ("replicates: 10", "seed: 3", ["'replicates' is missing", "a whole number"]),
        ("may_2025", "may_2052", ["mine.yaml:3:11", "did you mean 'may_2025'?"]),
        ("scenario: may_2025", "scenario: gone.yaml", ["mine.yaml:3:11", "no such file"]),
        ("outcomes: [agreement]", "outcomes: []", ["mine.yaml:6:11", "at least 1"]),
        ("[agreement]", "[agrement]", ["mine.yaml:6:12: error: unknown measure", "'agreement'?"]),
        ("[agreement]", "[agreement, agreement]", ["mine.yaml:6:23: error: a second measure"]),
        ("[agreement]", "[{mean: deths}]", ["mine.yaml:6:19", "did you mean 'deaths'?"]),
        (DAYS, "mediators.us.atention_days", ["mine.yaml:5:3: error: no parameter", f"did you mean '{DAYS}'?"]),
        ("low: 0.1, high: 5", "low: 5, high: 5", ["mine.yaml:5:", "an empty range: from 5 to 5"]),
        ("low: 0.1, high: 5", "low: 0.1, high: 50000", ["mine.yaml:5:49: error: out of range: 50000"]),
        ("low: 0.1, high: 5", "lo: 0.1", ["mine.yaml:5:33: error: unknown key 'lo'"]),
        ("low: 0.1, high: 5", "points: 1", ["out of range: 1", "a whole number from 2"]),
        ("low: 0.1, high: 5", "values: [1]", ["fewer than two values"]),
        ("low: 0.1, high: 5", "values: [1, 90000]", ["mine.yaml:5:45: error: out of range: 90000"]),
        ("kind", "set: [lenders.imff=null]\nkind", ["mine.yaml:1:7: error: unknown 'imff'", "did you mean 'imf'?"]),
        ("kind", f"reference: {{{DAYS[:-1]}: 1}}\nkind", ["is not varied", f"did you mean '{DAYS}'?"]),
        (f"{DAYS}: {{low: 0.1, high: 5}}", "states.india.resolve: {low: 0, high: 1, scale: log}", ["5:", "has no ratios"]),
        (f"{DAYS}: {{low: 0.1, high: 5}}", "events.0.deaths: {}", ["too wide a range"]),
        ("title: Delay", "title: [", ["mine.yaml:"]),
        ("", "", ["the file is empty: no experiment"]),
        (GOOD, GOOD.replace("us.att", "us.at").replace("[ag", "[a"), ["no parameter", "unknown measure", "2 mistakes"]),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_at_its_line_with_the_nearest_name(
    mine: Path, old: str, new: str, said: list[str]
) -> None:
    assert old in GOOD
    mine.write_text(GOOD.replace(old, new) if old else new)
    with pytest.raises(ScenarioError) as caught:
        load_experiment(mine)
    report = str(caught.value).replace(str(mine), "mine.yaml")
    for part in said:
        assert part in report


def test_an_experiment_can_be_made_in_python_with_the_same_digest_for_the_same_results() -> None:
    experiment = made("sweep")
    assert experiment.scenario == crisis()
    assert experiment.digest == made("sweep").digest
    for change in ({"seed": 2}, {"replicates": 6}, {"outcomes": ["war"]}):
        assert experiment.digest != made("sweep", **change).digest


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
        ("attribute", {"parts": {f"part {k}": f"lenders.l{k}" for k in range(11)}}, "at most 10"),
        ("attribute", {"parts": {"all": "mediators", "x": "mediators.elder"}}, "already in part 'all'"),
        ("attribute", {"parts": {"x": ["lenders", "lenders.bank"]}}, "already in this part"),
        ("attribute", {"parts": {"x": "lenders.bank.conditionality=7"}}, "out of range"),
        ("attribute", {"scenario": crisis(lenders={}), "parts": {"x": "lenders"}}, "nothing there"),
        ("attribute", {"parts": {"point": "lenders"}}, "cannot be called 'point'"),
        ("attribute", {"parts": {" ": "lenders"}}, "cannot be called ' '"),
        ("sensitivity", {"vary": {"states.north.resolv": {}}}, "did you mean 'states.north.resolve'?"),
        ("sensitivity", {"vary": {NORTH: {"low": 0.5, "high": 5}}}, "out of range: 5"),
        ("sensitivity", {"vary": {NORTH: {"low": 0, "high": 1, "scale": "log"}}}, "no ratios"),
        ("sensitivity", {"samples": 8}, "8 base samples are too few"),
        ("sensitivity", {"samples": 100}, "a power of two, such as 64 or 128"),
        ("sensitivity", {"method": "morris", "samples": 3}, "3 trajectories are too few"),
        ("sensitivity", {"method": "pawn", "samples": 64, "second_order": True}, "pawn has no indices of pairs"),
        ("tune", {"vary": {"states.south.resolv": {}}}, "did you mean 'states.south.resolve'?"),
        ("tune", {"vary": {f"{RESOLVE}.uniform.7": {"low": 0, "high": 1}}}, f"did you mean '{RESOLVE}.uniform."),
        ("tune", {"vary": {f"{RESOLVE}.uniform.0": {}}}, "has no default range"),
        ("tune", {"vary": {f"{RESOLVE}.uniform.0": {"low": 0, "high": 4}}}, "out of range: 4"),
        ("tune", {"vary": {f"{RESOLVE}.uniform.0": {"low": 0.2, "high": 1.0}}}, "out of order"),
        ("tune", {"vary": {f"{RESOLVE}.uniform.0": {"low": 0, "high": 0.4}, **VARY}}, "change the same number"),
        ("tune", {"vary": {RESOLVE: {"low": 0.2, "high": 1.0, "start": 0.1}}}, "the start 0.1 is outside"),
        ("tune", {"vary": {RESOLVE: {"also": ["states.west.resolve"]}}}, "no parameter 'states.west.resolve'"),
        ("tune", {"sampler": "cmae"}, "did you mean 'cmaes'?"),
        ("tune", {"targets": []}, "neither targets nor an objective"),
        ("tune", {"objective": {"maximise": "agreement"}}, "both targets and an objective"),
        ("tune", target(value=1.2), "1.2 is not a share"),
        ("tune", target(interval=[0.4, 0.3]), "an empty interval"),
        ("tune", target(interval=[0.3, 0.4]), "is outside the interval"),
        ("tune", target(measure="mean_deaths", value=0), "no assumed error"),
        ("tune", target(value=0, scale="log"), "has no logarithm"),
        ("tune", target(scenario="quarel"), "did you mean 'quarrel'?"),
        ("tune", aim(), "neither maximise nor minimise"),
        ("tune", aim(maximise="agreement", enough=1.5), "1.5 is not a share"),
        ("tune", aim(maximise="agreement", cost={"states.south": 1}), "is not varied"),
        ("tune", aim(maximise="agreement", cost={RESOLVE: -1}), "a cost below 0"),
        ("tune", {**aim(maximise="agreement"), "sampler": "gauss_newton"}, "gauss_newton needs targets"),
        ("tune", {"vary": {f"{RESOLVE}.uniform.0": {"low": 0.1, "high": 0.2}}, "sampler": "gauss_newton"}, "a number of a"),
        ("tune", {"fewer": {"crisi": 10}}, "'crisi' is not one of the scenarios"),
        ("posterior", {"vary": {"states.south.resolv": {}}}, "no parameter 'states.south.resolv'"),
        ("posterior", {"targets": []}, "neither targets nor cases"),
        ("posterior", target(measure="mean_deathss"), "unknown measure 'mean_deathss'"),
        ("posterior", {"cases": [{"name": "x"}]}, "a case without evidence"),
        ("posterior", {"cases": [CASE, CASE]}, "a second case"),
        ("posterior", {"cases": [{**CASE, "scenario": "quarel"}]}, "not one of the scenarios"),
        ("posterior", {"cases": [{**CASE, "so": {"endin": "faded"}}]}, "no outcome 'endin'"),
        ("posterior", record(of="death"), "no outcome 'death'"),
        ("posterior", record(unit="days"), "is not a time"),
    ],
)  # fmt: skip
def test_a_mistake_of_a_kind_has_its_place(kind: str, changes: dict[str, Any], said: str) -> None:
    usual = {"vary": VARY} if kind == "tune" else {}
    with pytest.raises(ScenarioError) as error:
        made(kind, **{**usual, **changes})
    assert said in str(error.value)
    assert re.match(r"mine:\d+:\d+: error: ", str(error.value))
    # A missing key is reported at the first line.
    whole = said.startswith("neither")
    assert all(mistake.line > 1 or whole for mistake in error.value.mistakes)


def test_an_outcome_that_is_removed_with_a_part_is_a_mistake() -> None:
    own = next(name for name in Columns.of(crisis()).named("flag", "time") if "bank" in name)
    with pytest.raises(ScenarioError, match=f"no outcome '{own}' without the parts"):
        made("attribute", outcomes=[{"mean": own}])


ODD = (None, True, -1, 10**400, 1.5, "", "x", [], [[]], {}, {"a": {"b": []}}, [None, {"a": 1}])


def places(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """The paths to all values in a file."""
    entries = value.items() if isinstance(value, dict) else ()
    entries = enumerate(value) if isinstance(value, list) else entries
    for key, below in entries:
        yield (*path, key)
        yield from places(below, *path, key)


@pytest.mark.slow
@pytest.mark.parametrize("shipped", shipped_experiments(), ids=lambda one: one.name)
def test_invalid_values_anywhere_in_a_file_are_mistakes(tmp_path: Path, shipped: Any) -> None:
    whole = YAML(typ="safe").load(shipped.path.read_text("utf-8"))
    random, path = Random(shipped.name), tmp_path / "mine.yaml"
    for where in random.sample(sorted(places(whole), key=str), 12):
        content = deepcopy(whole)
        holder = content
        for key in where[:-1]:
            holder = holder[key]
        holder[where[-1]] = random.choice(ODD)
        path.write_text(json.dumps(content, default=str), encoding="utf-8")
        with suppress(ScenarioError):
            load_experiment(path)
