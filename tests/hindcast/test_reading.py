"""What was known at a trigger becomes values of the scenario's parameters, and these move what comes of it."""

from __future__ import annotations

import numpy as np
import pytest

from crisis_sim.hindcast import forecast as module
from crisis_sim.hindcast.forecast import KINDS, QUANTILES, forecast
from crisis_sim.hindcast.reading import read
from crisis_sim.model import CrisisModel
from crisis_sim.scenario.behaviour import ReadingBehaviour
from crisis_sim.scenario.load import load_scenario
from tests.hindcast.made_up_crises import crises


def test_facts_become_values_of_parameters() -> None:
    facts = crises(3, trigger_type=["violent", "nonviolent_military", "political"])
    facts = facts.assign(ln_cinc_ratio=[9.0, 0.0, -1.0], nuclear_a=[1, 0, 0], major_b=[1, 0, 0])
    given = read(facts)
    assert given["events.0.rival_rung"].tolist() == [2, 3, 2]
    assert given["about.violent"].tolist() == [1, 0.17, 0.2]
    assert given["about.words"].tolist() == [0, 0, 1]
    assert given["states.defender.capability"] == pytest.approx(np.exp([3.0, 0.0, -1.0]))
    assert given["states.defender.nuclear"].tolist() == [1, 0, 0]
    assert given["states.challenger.audience"].tolist() == [0.3] * 3
    assert given["about.great_power"].tolist() == [1, 0, 0]
    assert given["about.territory"].tolist() == [1, 1, 1]


def test_what_is_not_known_is_read_as_the_middle() -> None:
    unknown = crises(1)
    unknown[unknown.columns.drop("crisno")] = None
    given = read(unknown)
    assert given["states.defender.capability"] == 1
    assert given["states.challenger.audience"] == 0.5
    assert all(np.isfinite(one).all() for one in given.values())


def test_a_forecast_is_the_same_whatever_else_the_folder_holds_and_for_any_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CHUNK", 2000)  # two crises at once
    facts = crises(3, trigger_type=["violent", "political", "violent"], nuclear_b=[0, 0, 1])
    found = forecast(facts, 1000, seed=3)
    alone = forecast(facts.iloc[1:2], 1000, seed=3)
    assert found.iloc[1:2].reset_index(drop=True).equals(alone)
    assert found.equals(forecast(facts, 1000, seed=3, workers=3))
    for target in ("ending", "violence"):
        shares = found[[f"{target}_{kind}" for kind in KINDS[target]]].to_numpy()
        assert shares.sum(axis=1) == pytest.approx(1)
        assert (shares > 0).all()
    quantiles = found[[f"dur_{name}" for name in QUANTILES]].to_numpy()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert (quantiles >= 1).all()
    # A violent trigger is violence, and a rival with nuclear weapons deters war.
    assert found["violence_none"][0] < 0.001 < found["violence_none"][1]
    assert found["violence_war"][2] < found["violence_war"][0]


@pytest.mark.slow
@pytest.mark.parametrize("name", list(ReadingBehaviour.model_fields))
def test_every_parameter_of_the_reading_moves_what_a_crisis_begins_with(name: str) -> None:
    def begins(*overrides: str) -> dict[str, np.ndarray]:
        model = CrisisModel(load_scenario("since_1945", overrides), 200, 1)
        parts = {f"{path}.": vars(numbers) for path, numbers in model.numbers.items()}
        parts[""] = {
            one: value
            for one, value in vars(model.behaviour).items()
            if one not in ReadingBehaviour.model_fields
        }
        return {
            f"{path}{one}": np.broadcast_to(value, 200)
            for path, numbers in parts.items()
            for one, value in numbers.items()
            if not isinstance(value, dict)
        }

    usual, other = begins(), begins(f"behaviour.reading.{name}=0.4")
    assert any((other[path] != value).any() for path, value in usual.items())
