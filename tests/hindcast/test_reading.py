"""What was known at a trigger becomes parameters of the scenario, replicate by replicate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.hindcast.made_up_crises import crises

from crisis_sim.hindcast.reading import SHIPPED, reading_parameters, values
from crisis_sim.model import CrisisModel
from crisis_sim.scenario.errors import ScenarioError
from crisis_sim.scenario.load import load_scenario

N = 400
NUMBERS = np.arange(N, dtype=np.uint64)
RUNG, CLAIM = "events.0.rival_rung", "states.challenger.claim"


def of(facts: pd.DataFrame, **options: Any) -> dict[str, Any]:
    return values(facts, np.zeros(N, int), NUMBERS, 1, **options)


def test_facts_move_the_parameters_that_they_are_read_as() -> None:
    plain = of(crises(1))
    graver = of(crises(1, grav_first=["existence"]))
    assert (graver["states.defender.resolve"] > plain["states.defender.resolve"]).all()
    assert (plain["behaviour.halt.deal"] > graver["behaviour.halt.deal"]).all()
    armed = of(crises(1, nuclear_a=[1], ln_cinc_ratio=[9.0], major_b=[1]))
    assert (armed["states.defender.nuclear"] == 1).all()
    assert armed["states.defender.capability"] == pytest.approx(np.exp(3.0))
    path = "mediators.third_party.attention_days"
    assert (armed[path] > plain[path]).all()
    words = of(crises(1, trigger_type=["political"]))
    slow = "behaviour.ends.fading_days"
    assert (words[slow] > plain[slow]).all()


def test_a_violent_trigger_always_begins_with_fire_and_words_seldom_do() -> None:
    assert (of(crises(1))[RUNG] >= 4).all()
    long_war = of(crises(1, protracted_first=["long_war"]))[RUNG]
    assert long_war.mean() > of(crises(1))[RUNG].mean()
    assert (of(crises(1, trigger_type=["verbal"]))[RUNG] >= 4).mean() == pytest.approx(
        0.2, abs=0.06
    )
    display = of(crises(1, trigger_type=["nonviolent_military"]))[RUNG]
    assert set(np.unique(display)) <= {3, 4, 5, 8}


def test_what_is_not_known_is_read_as_the_middle() -> None:
    unknown = crises(1)
    unknown[unknown.columns.drop("crisno")] = None
    given = of(unknown)
    assert (given["states.defender.capability"] == 1).all()
    assert (given["states.challenger.audience"] == 0.5).all()
    assert all(np.isfinite(one).all() for one in given.values())


def test_every_replicate_may_be_another_crisis_read_otherwise() -> None:
    facts = crises(2, nuclear_b=[0, 1])
    rows = np.arange(N) % 2
    paths = {"behaviour.decision.cost": np.linspace(5, 9, N), "behaviour.ends.yielding_days": 10.0}
    given = values(facts, rows, NUMBERS, 1, {"claim": np.linspace(0, 1, N)}, paths)
    assert (given["states.challenger.nuclear"] == rows).all()
    assert given["behaviour.decision.cost"][-1] == 9
    assert (given["behaviour.ends.yielding_days"] == 10).all()
    usual = values(facts, rows, NUMBERS, 1)
    assert (usual[CLAIM][:1] >= given[CLAIM][:1]).all()
    again = values(facts, rows[::-1], NUMBERS[::-1].copy(), 1)
    assert (again[CLAIM] == usual[CLAIM][::-1]).all()
    model = CrisisModel(load_scenario("since_1945"), N, 1, parameters=given)
    assert (model.crises["states"]["nuclear"][:, 0] == rows).all()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("claim_share,", "claim_shar,", "did you mean 'claim_share'"),
        ("claim_share,", "behaviour.decision.costs,", "no parameter 'behaviour.decision.costs'"),
        ("name,value", "name,number", "not the columns"),
        (",linear,log-odds,log", "x,linear,log-odds,log", "as the value of claim_share"),
        ("\nattention,", "\nbehaviour.decision.cost,", "no value for attention"),
    ],
)
def test_mistakes_in_a_file_of_the_reading_are_told(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = tmp_path / "reading.csv"
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ScenarioError, match=said):
        reading_parameters(path)
