"""What the schema says: parameters and their page, the JSON Schema for editors, and the page on limits."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from crisis_sim.batch.block import BLOCK_BYTES, BLOCK_SIZE
from crisis_sim.scenario import Scenario, checks, load, read_scenario, schema, yaml_text
from crisis_sim.scenario.behaviour import READS_FACTS
from crisis_sim.scenario.errors import MAX_MISTAKES
from crisis_sim.scenario.introspect import (
    Parameter,
    json_schema,
    keys_of,
    numbers_of,
    parameter_table,
    parameters,
    slot_at,
)
from crisis_sim.scenario.numbers import Distribution, Within
from tests.scenario.files import BASE

DOCS = Path(__file__).parents[2] / "docs"
LISTED = {one.path: one for one in parameters()}


def test_the_page_of_parameters_is_up_to_date() -> None:
    assert (DOCS / "parameters.md").read_text(encoding="utf-8") == parameter_table(), (
        "write it anew: python -m crisis_sim.scenario.introspect > docs/parameters.md"
    )


def test_a_parameter_has_the_attributes_of_the_schema() -> None:
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
    named = [f"`{path.removeprefix('behaviour.')}`" for path in LISTED if path in fitted]
    assert listed[0] == ("Fitted", str(len(named)), ", ".join(named))
    assert sum(int(count) for _, count, _ in listed) == len(behavioural)


NAMES = {"<rung>": "0", "<review>": "0", "<event>": "0", "<state>": "pakistan", "<lender>": "imf"}
NAMES |= {"<mediator>": "us", "<channel>": "line", "<adviser>": "elder"}


def test_every_parameter_is_described_and_can_be_set_by_its_path() -> None:
    overrides, expected = [], {}
    for one in LISTED.values():
        assert one.meaning, one.path
        assert one.unit, one.path
        assert one.source or not one.uncertain, one.path
        assert one.low < one.high, one.path
        assert one.default is None or Within(one.low, one.high)(one.default) == one.default
        slot = slot_at(one.path.split("."))
        if slot and slot.slider:
            assert one.low <= slot.slider[0] < slot.slider[1] <= one.high, one.path
        path = ".".join(NAMES.get(word, word) for word in one.path.split("."))
        given = at(read_scenario(BASE), path) if one.default is None else one.default
        expected[path] = given
        written = given.plain() if isinstance(given, Distribution) else given
        overrides.append(f"{path}={written}")
    read = read_scenario(BASE, "f", overrides)
    assert {path: at(read, path) for path in expected} == expected
    cost = slot_at(["behaviour", "decision", "cost"])
    assert cost
    assert cost.slider is None


def test_the_numbers_of_a_scenario_are_the_parameters_under_its_names() -> None:
    scenario = read_scenario(BASE)
    found = numbers_of(scenario)
    assert all(isinstance(at(scenario, path), (float, Distribution)) for path in found)
    assert found["mediators.us.leverage.india"] == Within(0.0, 1.0)
    assert {"lenders.imf.reviews.0.amount_usd_bn", "ladder.5.deaths_per_day"} <= found.keys()
    assert "horizon_days" not in found  # it is one for the whole scenario
    uncertain = [one for one in parameters() if one.uncertain]
    shapes = [re.compile(re.sub("<.*?>", "[^.]+", re.escape(one.path))) for one in uncertain]
    assert all(any(shape.fullmatch(path) for shape in shapes) for path in found)


def at(scenario: Scenario, path: str) -> float | Distribution:
    value: Any = scenario
    for word in path.split("."):
        if isinstance(value, tuple):
            value = value[int(word)]
        else:
            value = value.get(word, 0.5) if isinstance(value, dict) else getattr(value, word)
    return value  # type: ignore[no-any-return]


# JSON Schema

WHOLE = json_schema()
PARTS = WHOLE["$defs"]


def references(schema: Any) -> set[str]:
    inner = schema.values() if isinstance(schema, dict) else schema
    if not isinstance(schema, (dict, list)):
        return set()
    here = {schema["$ref"]} if isinstance(schema, dict) and "$ref" in schema else set()
    return here.union(*map(references, inner))


def test_it_is_plain_json_with_the_keys_of_the_schema_and_references_that_lead_somewhere() -> None:
    assert json.loads(json.dumps(WHOLE)) == WHOLE
    assert references(WHOLE)
    assert {one.removeprefix("#/$defs/") for one in references(WHOLE)} <= PARTS.keys()
    for part in (schema.Scenario, schema.StateSpec, schema.MediatorSpec):
        assert PARTS[part.__name__]["properties"].keys() == {*keys_of(part)}
        assert PARTS[part.__name__]["additionalProperties"] is False


def test_a_whole_scenario_needs_its_parts_and_one_that_extends_another_may_remove_them() -> None:
    assert PARTS["Scenario"]["required"] == ["title", "start", "states"]
    assert PARTS["StateSpec"]["required"] == ["resolve", "audience"]
    assert "extends" not in PARTS["Scenario"]["properties"]
    change = PARTS["ScenarioChange"]
    assert "extends" in change["properties"]
    assert "required" not in change
    assert "required" not in PARTS["StateSpecChange"]
    one_mediator = change["properties"]["mediators"]["anyOf"][0]["additionalProperties"]
    assert one_mediator["anyOf"] == [{"$ref": "#/$defs/MediatorSpecChange"}, {"type": "null"}]
    events = change["properties"]["events"]["anyOf"][0]
    assert events["items"] == {"$ref": "#/$defs/EventSpec"}, "items of a list are whole even then"


def test_numbers_carry_range_unit_and_meaning() -> None:
    resolve = PARTS["StateSpec"]["properties"]["resolve"]
    plain = {"type": "number", "minimum": 0.0, "maximum": 3.0}
    assert resolve["anyOf"] == [plain, {"$ref": "#/$defs/Distribution"}]
    assert resolve["unit"] == "ratio"
    assert resolve["description"] == schema.StateSpec.model_fields["resolve"].description


# Limits

LIMITS = {
    "size of a file, bytes": yaml_text.MAX_BYTES,
    "keys, items and values in it": yaml_text.MAX_VALUES,
    "letters of a key": yaml_text.MAX_KEY,
    "levels of nesting": yaml_text.MAX_DEPTH,
    "digits of a whole number": yaml_text.MAX_DIGITS,
    "files that extend one another": load.MAX_CHAIN,
    "reported mistakes of one kind": MAX_MISTAKES,
    "agents, the two states among them": checks.MAX_AGENTS,
    "rungs of the ladder": schema.MAX_RUNGS,
    "scheduled events": checks.MAX_EVENTS,
    "reviews of all lenders together": checks.MAX_REVIEWS,
    "distributions": checks.MAX_UNCERTAIN,
    "letters of a title, a name or a source": checks.MAX_TEXT,
    "letters of the description": checks.MAX_DESCRIPTION,
}


def test_the_page_on_limits_lists_all_limits() -> None:
    page = (DOCS / "limits.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| ([a-z][^|]*[a-z]) \| ([\d,]+) \|$", page, re.MULTILINE))
    assert {name: f"{limit:,}" for name, limit in LIMITS.items()} == told
    assert f"at most {BLOCK_SIZE:,} crises" in page
    assert f"{BLOCK_BYTES // 2**30} GiB a block" in page
