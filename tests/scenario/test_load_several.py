from __future__ import annotations

from pathlib import Path

import pytest

from crisis_sim.scenario import Scenario, ScenarioError, load_scenarios
from crisis_sim.scenario.load import load_each
from tests.scenario.files import BASE, Write


@pytest.fixture
def pair(write: Write) -> list[Path]:
    """A scenario and its counterfactual without lenders."""
    return [
        write("base.yaml", BASE),
        write("poor.yaml", "extends: base.yaml\ntitle: poor\nlenders: null\n"),
    ]


def told(references: list[Path], *overrides: str) -> ScenarioError:
    with pytest.raises(ScenarioError) as caught:
        load_scenarios(references, overrides)
    return caught.value


def test_scenarios_come_in_the_order_asked_for_with_overrides_made_in_each(
    pair: list[Path],
) -> None:
    read = load_scenarios(reversed(pair), ["mediators.us.leverage.india=0.1"])
    assert [one.name for one in read] == ["poor", "base"]
    assert [one.mediators["us"].leverage["india"] for one in read] == [0.1, 0.1]


def test_what_is_taken_out_may_be_missing_from_some(pair: list[Path]) -> None:
    overrides = ["lenders.imf=null", "states.india.resolve=0.3"]
    for references in (pair, pair[::-1]):
        read = load_scenarios(references, overrides)
        assert [one.lenders for one in read] == [{}, {}]
        assert [one.states["india"].resolve for one in read] == [0.3, 0.3]


def test_what_is_taken_out_must_be_in_one_of_them(pair: list[Path]) -> None:
    (mistake,) = told(pair, "lenders.inf=null").mistakes
    assert (mistake.message, mistake.suggestion) == ("unknown 'inf'", "imf")
    (alone,) = told(pair[1:], "lenders.imf=null").mistakes
    assert alone.message == "unknown 'imf'"


def test_a_mistake_names_the_scenarios_that_have_it_where_others_do_not(
    pair: list[Path], write: Write
) -> None:
    (mistake,) = told(pair, "lenders.imf.dependence=0.2").mistakes
    assert mistake.message == "unknown 'imf' in poor"
    third = write("third.yaml", "extends: poor.yaml\ntitle: third\n")
    (of_two,) = told([*pair, third], "lenders.imf.dependence=0.2").mistakes
    assert of_two.message == "unknown 'imf' in poor and third"


def test_mistakes_of_all_are_told_at_once(pair: list[Path], write: Write) -> None:
    wrong = write("wrong.yaml", "extends: base.yaml\ntitel: x\n")
    mistakes = told([wrong, wrong.with_name("gone.yaml"), *pair], "horizon_days=-1").mistakes
    assert [Path(one.file).name for one in mistakes] == ["--set", "gone.yaml", "wrong.yaml"]


def test_each_can_be_had_with_the_mistakes_of_the_others(pair: list[Path]) -> None:
    good, bad = load_each(pair, ["lenders.imf.dependence=0.2"])
    assert isinstance(good, Scenario)
    assert isinstance(bad, ScenarioError)
