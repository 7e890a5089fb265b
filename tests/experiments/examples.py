"""A small experiment of every kind about the small crisis, for tests."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from crisis_sim.batch import simulate
from crisis_sim.experiments import make_experiment, run_experiment
from crisis_sim.outcomes.named_measures import measure
from tests.batch.crises import crisis

NORTH, RESOLVE = "states.north.resolve", "states.south.resolve"
DEATHS = "events.0.deaths"
ATTENTION, DAYS = "mediators.elder.attention_threshold", "mediators.elder.attention_days"
VARY = {RESOLVE: {"low": 0.2, "high": 1.0}, ATTENTION: {"low": 0.01, "high": 0.5, "scale": "log"}}
BOTH = {"outcomes": ["agreement", "mean_deaths"]}
CONTENT: dict[str, dict[str, Any]] = {
    "sweep": {"vary": {NORTH: {"values": [0.2, 0.8]}}, **BOTH, "replicates": 10},
    "attribute": {
        "parts": {"elder": "mediators.elder", "purse": ["lenders"], "line": "channels.line"},
        **BOTH,
        "replicates": 60,
    },
    "sensitivity": {
        "method": "sobol",
        "vary": {
            NORTH: {"low": 0.2, "high": 1},
            RESOLVE: {},
            DAYS: {"low": 0.01, "high": 365, "scale": "log"},
        },
        "samples": 16,
        "tornado": 20,
        **BOTH,
        "replicates": 8,
    },
    "tune": {
        "vary": VARY,
        "targets": [{"measure": "mean_deaths", "value": 500}],
        "trials": 24,
        "replicates": 40,
    },
    # The prior of resolve is what the scenario leaves open.
    "posterior": {
        "vary": {**VARY, RESOLVE: {}},
        "targets": [{"measure": "mean_deaths", "value": 500, "interval": [400, 600]}],
        "particles": 24,
        "generations": 2,
        "replicates": 20,
        "draws": 20,
    },
}


def made(kind: str, scenario: Any = None, **changes: Any) -> Any:
    """An experiment with some keys changed; `agents` as `make_experiment` has them."""
    content = {"scenario": scenario or crisis(), **CONTENT[kind], **changes}
    return make_experiment("mine", kind=kind, **content)


@cache
def found(kind: str) -> Any:
    """What the experiment of a kind finds as it is, run once."""
    return run_experiment(made(kind))


def struck(deaths: float) -> Any:
    """The small crisis with another number of deaths in its trigger."""
    trigger = {"at": "2025-04-22T03:00+00:00", "kind": "trigger", "struck": "north"}
    return crisis(events=[{**trigger, "deaths": deaths}])


@cache
def shown(deaths: float, name: str) -> float:
    """What a measure is in many crises with so many deaths in their trigger."""
    (ensemble,) = simulate([struck(deaths)], 4000, seed=99).ensembles.values()
    return float(measure(name).over(ensemble).estimate[0])


def with_south(resolve: Any) -> Any:
    """The small crisis with another resolve of the south."""
    north = {"resolve": 0.9, "audience": 0.6}
    return crisis(states={"north": north, "south": {"resolve": resolve, "audience": 0.5}})


def deaf() -> Any:
    """The small crisis where nobody misreads anybody, so that it does not matter what the elder knows."""
    return crisis(behaviour={"fog": {"misreading": 0}})


def as_file(folder: Path, name: str, **changes: Any) -> Path:
    """A file of the small crisis."""
    content = {key: value for key, value in crisis().plain().items() if key != "name"}
    (folder / name).write_text(json.dumps({**content, **changes}))
    return folder / name


def write_two_scenarios(folder: Path) -> dict[str, Any]:
    """Files of the small crisis, once with and once without a mediator; the keys that name them."""
    as_file(folder, "first.yaml")
    as_file(folder, "second.yaml", mediators={}, channels={})
    return {"title": "both", "scenario": "first.yaml", "others": ["second.yaml"]}


def row_of(findings: Any, path: str) -> Any:
    """What findings say of a parameter."""
    return next(row for row in findings.summary["parameters"] if row["path"] == path)


def same(one: Any, other: Any) -> bool:
    """Whether two findings are the same to the bit."""
    return bool(
        one.summary == other.summary
        and one.answer == other.answer
        and one.files == other.files
        and one.tables.keys() == other.tables.keys()
        and all(one.tables[name].equals(other.tables[name]) for name in one.tables)
    )
