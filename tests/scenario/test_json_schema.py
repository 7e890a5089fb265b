from __future__ import annotations

import json
from typing import Any

import pytest

from crisis_sim.scenario.introspect import json_schema, keys_of
from crisis_sim.scenario.schema import MediatorSpec, Scenario, StateSpec


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json_schema()


def references(schema: Any) -> set[str]:
    if isinstance(schema, dict):
        here = {schema["$ref"]} if isinstance(schema.get("$ref"), str) else set()
        return here.union(*(references(value) for value in schema.values()))
    if isinstance(schema, list):
        return set().union(*(references(item) for item in schema))
    return set()


def test_it_is_plain_json_and_all_its_references_lead_somewhere(schema: dict[str, Any]) -> None:
    assert json.loads(json.dumps(schema)) == schema
    assert references(schema)
    for reference in references(schema):
        assert reference.removeprefix("#/$defs/") in schema["$defs"]


@pytest.mark.parametrize("part", [Scenario, StateSpec, MediatorSpec])
def test_it_has_the_keys_of_the_schema(schema: dict[str, Any], part: Any) -> None:
    body = schema["$defs"][part.__name__]
    assert set(body["properties"]) == set(keys_of(part))
    assert body["additionalProperties"] is False


def test_a_whole_scenario_needs_its_parts_and_one_that_extends_another_may_remove_them(
    schema: dict[str, Any],
) -> None:
    assert schema["$defs"]["Scenario"]["required"] == ["title", "start", "states"]
    assert schema["$defs"]["StateSpec"]["required"] == ["resolve", "audience"]
    assert "extends" not in schema["$defs"]["Scenario"]["properties"]
    change = schema["$defs"]["ScenarioChange"]
    assert "extends" in change["properties"]
    assert "required" not in change
    assert "required" not in schema["$defs"]["StateSpecChange"]
    one_mediator = change["properties"]["mediators"]["anyOf"][0]["additionalProperties"]
    assert one_mediator["anyOf"] == [{"$ref": "#/$defs/MediatorSpecChange"}, {"type": "null"}]
    events = change["properties"]["events"]["anyOf"][0]
    assert events["items"] == {"$ref": "#/$defs/EventSpec"}, "items of a list are whole even then"


def test_numbers_carry_range_unit_and_meaning(schema: dict[str, Any]) -> None:
    resolve = schema["$defs"]["StateSpec"]["properties"]["resolve"]
    plain, distribution = resolve["anyOf"]
    assert plain == {"type": "number", "minimum": 0.0, "maximum": 3.0}
    assert distribution == {"$ref": "#/$defs/Distribution"}
    assert resolve["unit"] == "share"
    assert resolve["description"] == StateSpec.model_fields["resolve"].description
