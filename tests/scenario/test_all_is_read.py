"""The model reads every number that a scenario may hold."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crisis_sim.model.crisis import CrisisModel
from crisis_sim.scenario import read_scenario, schema
from crisis_sim.scenario.behaviour import Behaviour
from crisis_sim.scenario.introspect import numbers_of
from crisis_sim.scenario.numbers import Distribution, Part, Within
from tests.scenario.files import BASE

#: A crisis in which all that there is has a part, nuclear use among it.
SCENARIO = read_scenario(
    BASE.replace("kind: trigger, struck: india", "kind: trigger, rival_rung: 4, struck: india"),
    "all",
    [
        "states.india.nuclear=0.5",
        "states.pakistan.nuclear=0.5",
        "states.india.claim=1",
        "states.india.mediation_aversion=0.5",
        "states.pakistan.mediation_aversion=0.5",
        "states.pakistan.market={volatility: 0.02, sensitivity: 0.2}",
        "states.india.economic_vulnerability=0.8",
        "events.0.pressure=0.2",
        "events.0.provocation=0.5",
        "lenders.imf.reviews.0.rival_vote=abstain",
        "mediators.us={style: manipulation, information: 0.7, attention_days: 20}",
        "mediators.us.trust={india: 0.5, pakistan: 0.5}",
        "mediators.us.interest={india: 0.2, pakistan: 0.2}",
        "mediators.uae={style: formulation, trust: {india: 0.5, pakistan: 0.5}}",
        "channels.line.trust=0.4",
        "behaviour.decision.nuclear_taboo=1",
        "behaviour.lending.money=3",
    ],
)
ROWS = 400


def moved(path: str, limits: Within) -> float:
    """A value far from the scenario's own."""
    value: Any = SCENARIO
    for word in path.split("."):
        if isinstance(value, tuple):
            value = value[int(word)]
        else:
            value = value[word] if isinstance(value, dict) else getattr(value, word)
    given = np.mean(value.values) if isinstance(value, Distribution) else value
    low, high = max(limits.low, -5.0), min(limits.high, 50.0)
    if limits.whole:
        return 2.0
    share = 0.25 if given > low + 0.5 * (high - low) else 0.75
    return low + share * (high - low)


def crises(given: dict[str, float]) -> dict[str, bytes]:
    """All that became of the crises, by name, with some numbers given."""
    parameters = {path: np.full(ROWS, value) for path, value in given.items()}
    run = CrisisModel(SCENARIO, ROWS, seed=3, parameters=parameters).run(daily=False).crises
    return {name: run[name].tobytes() for name in run.dtype.names if name != "ladder"}


@pytest.mark.slow
def test_a_number_that_is_moved_changes_some_crisis() -> None:
    usual = crises({})
    unread = [
        path
        for path, limits in numbers_of(SCENARIO).items()
        if crises({path: moved(path, limits)}) == usual
    ]
    assert unread == []


PARTS = (
    *(schema.Rung, schema.MarketSpec, schema.StateSpec, schema.MediatorSpec, schema.ReviewSpec),
    *(schema.LenderSpec, schema.ChannelSpec, schema.AdviserSpec, schema.EventSpec),
    *(field.annotation for field in Behaviour.model_fields.values()),
)
#: Names for people, which the model hands on or leaves alone.
WORDS = {"title", "index", "name"}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_each_key_of_a_part_stands_in_a_rule_of_the_model(part: type[Part]) -> None:
    folder = Path(inspect.getfile(CrisisModel)).parent
    rules = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    read = set(re.findall(r"\.([a-z_]+)", rules)) | set(re.findall(r"\[\"([a-z_]+)\"\]", rules))
    assert part.model_fields.keys() - WORDS <= read
