from __future__ import annotations

import re
from pathlib import Path

import pytest

from crisis_sim.scenario import Scenario, read_scenario
from crisis_sim.scenario.behaviour import READS_FACTS
from crisis_sim.scenario.introspect import (
    Parameter,
    numbers_of,
    parameter_table,
    parameters,
    slot_at,
)
from crisis_sim.scenario.numbers import Distribution, Within
from tests.scenario.files import BASE

PAGE = Path(__file__).parents[2] / "docs" / "parameters.md"
LISTED = {one.path: one for one in parameters()}


def test_the_page_in_the_docs_is_what_the_schema_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == parameter_table(), (
        "write it anew: python -m crisis_sim.scenario.introspect > docs/parameters.md"
    )


def test_a_parameter_carries_what_the_schema_says() -> None:
    assert len(LISTED) == len(parameters())
    assert LISTED["lenders.<lender>.dependence"] == Parameter(
        path="lenders.<lender>.dependence",
        unit="share",
        default=0.5,
        required=False,
        low=0.0,
        high=1.0,
        meaning="how much the borrower depends on it",
        source="assumed",
        uncertain=True,
    )
    assert LISTED["lenders.<lender>.conditionality"].default == Distribution("uniform", (0.0, 1.0))
    assert LISTED["states.<state>.resolve"].required
    assert LISTED["mediators.<mediator>.leverage.<state>"].section == "mediators.<mediator>"


def test_few_behavioural_parameters_are_fitted_and_the_page_lists_them() -> None:
    behavioural = {one.path for one in LISTED.values() if one.behavioural}
    fitted = {one.path for one in LISTED.values() if one.fitted}
    reads = {path for path in fitted if path.startswith("behaviour.reading.")}
    assert 0 < len(fitted - reads) <= 35 > 16 >= len(reads)
    assert fitted < behavioural
    assert set(READS_FACTS) <= behavioural - fitted
    listed = re.findall(r"^- \*\*(\w+).*?\((\d+)\): (.*)\.$", parameter_table(), re.MULTILINE)
    named = {word: names.split(", ") for word, _, names in listed[:1]}
    assert named["Fitted"] == [
        f"`{path.removeprefix('behaviour.')}`" for path in LISTED if path in fitted
    ]
    assert sum(int(count) for _, count, _ in listed) == len(behavioural)


NAMES = dict.fromkeys(("<rung>", "<review>", "<event>"), "0") | {
    "<state>": "pakistan",
    "<lender>": "imf",
}
NAMES |= {"<mediator>": "us", "<channel>": "line", "<adviser>": "elder"}


@pytest.mark.parametrize("one", parameters(), ids=lambda one: one.path)
def test_every_parameter_says_what_it_is_and_can_be_set_by_its_path(one: Parameter) -> None:
    assert one.meaning
    assert one.unit
    assert one.source or not one.uncertain
    assert one.low < one.high
    assert one.default is None or Within(one.low, one.high)(one.default) == one.default
    slot = slot_at(one.path.split("."))
    if slot and slot.slider:
        assert one.low <= slot.slider[0] < slot.slider[1] <= one.high
    path = ".".join(NAMES.get(word, word) for word in one.path.split("."))
    given = read(read_scenario(BASE), path) if one.default is None else one.default
    written = given.plain() if isinstance(given, Distribution) else given
    assert read(read_scenario(BASE, "f", [f"{path}={written}"]), path) == given


def test_the_numbers_of_a_scenario_are_those_listed_under_its_own_names() -> None:
    scenario = read_scenario(BASE)
    found = numbers_of(scenario)
    assert all(isinstance(read(scenario, path), (float, Distribution)) for path in found)
    assert found["mediators.us.leverage.india"] == Within(0.0, 1.0)
    assert {"lenders.imf.reviews.0.amount_usd_bn", "ladder.5.deaths_per_day"} <= found.keys()
    assert "horizon_days" not in found  # it is one for the whole scenario
    uncertain = [one for one in parameters() if one.uncertain]
    shapes = [re.compile(re.sub("<.*?>", "[^.]+", re.escape(one.path))) for one in uncertain]
    assert all(any(shape.fullmatch(path) for shape in shapes) for path in found)


def read(scenario: Scenario, path: str) -> float | Distribution:
    value = scenario
    for word in path.split("."):
        if isinstance(value, tuple):
            value = value[int(word)]
        else:
            value = value.get(word, 0.5) if isinstance(value, dict) else getattr(value, word)
    return value  # type: ignore[return-value]


def test_what_is_not_marked_has_no_slider() -> None:
    slot = slot_at(["behaviour", "decision", "cost"])
    assert slot is not None
    assert slot.slider is None
