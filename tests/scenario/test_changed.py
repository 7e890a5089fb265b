"""A scenario changed from Python is checked as one changed on the command line is."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from crisis_sim import Scenario, ScenarioError
from crisis_sim.scenario import Distribution, shipped_scenarios

MAY = Scenario.load("may_2025")


@pytest.mark.parametrize("name", [one.name for one in shipped_scenarios()])
def test_a_scenario_without_changes_is_the_same(name: str) -> None:
    scenario = Scenario.load(name)
    same = scenario.changed({}, name="other")
    assert (same.name, same.digest) == ("other", scenario.digest)
    assert scenario.changed({}) == scenario
    left_open = scenario.behaviour.decision.model_fields_set
    assert same.behaviour.decision.model_fields_set == left_open


def test_a_changed_scenario_is_called_by_its_changes_unless_it_is_given_a_name() -> None:
    changes = {"states.india.resolve": 0.5, "mediators.us": None}
    assert MAY.changed(changes).label == "With india resolve 0.5 and no us"
    assert MAY.changed({**changes, "lenders": None}).label == "With 3 changes"
    assert MAY.changed({**changes, "title": "Mine"}).label == ""
    assert MAY.changed({}).label == MAY.label


def test_changes_are_those_of_the_command_line() -> None:
    uniform = Distribution("uniform", (0.4, 0.6))
    changes = {"states.india.resolve": np.float64(0.5), "mediators.us.leverage.india": uniform}
    changes |= {"lenders": None, "mediators.uk": None, "events.0.deaths": {"uniform": [20, 40]}}
    texts = ["states.india.resolve=0.5", "mediators.us.leverage.india={uniform: [0.4, 0.6]}"]
    texts += ["lenders=null", "mediators.uk=null", "events.0.deaths={uniform: [20, 40]}"]
    changed = MAY.changed(changes)
    assert changed.digest == Scenario.load("may_2025", texts).digest
    assert changed.states["india"].resolve == 0.5
    assert MAY.states["india"].resolve != 0.5


def test_parts_may_be_put_in_whole() -> None:
    calm = MAY.states["india"].model_copy(update={"resolve": 0.1})
    assert MAY.changed({"states.india": calm}).states["india"] == calm


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"states.india.resolve": 5}, "out of range: 5"),
        ({"states.idia.resolve": 0.5}, "did you mean 'india'"),
        ({"states.india.resolve": "much"}, "changed:1:"),
        ({"states.india.resolve": float("nan")}, "changed:1:"),
        ({"states.india": None}, "india"),
        ({"mediators.us.trust": {"iran": 0.5}}, "iran"),
    ],
)
def test_a_mistake_is_told_as_on_the_command_line(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ScenarioError, match=said) as raised:
        MAY.changed(changes)
    assert "--set" not in str(raised.value)


def test_a_value_that_no_file_holds_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="a scenario holds no object"):
        MAY.changed({"title": object()})


def test_there_is_no_copy_that_is_not_checked() -> None:
    with pytest.raises(ValidationError, match="resolve"):
        MAY.states["india"].model_copy(update={"resolve": 5})
    with pytest.raises(ValidationError, match="resolv"):
        MAY.states["india"].model_copy(update={"resolv": 0.5})
    with pytest.raises(ValidationError, match="horizon"):
        MAY.model_copy(update={"horizon": 5})
    with pytest.raises(ScenarioError, match="india"):  # trusted by a state that is not there
        MAY.model_copy(update={"states": {"a": MAY.states["india"], "b": MAY.states["pakistan"]}})
    shorter = MAY.model_copy(update={"horizon_days": 40})
    assert shorter.horizon_days == 40
    assert shorter.digest != MAY.digest
