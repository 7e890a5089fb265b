"""JSON Schema of scenario files, so that an editor completes keys and marks mistakes as one types.

For VS Code's YAML extension, write it to a file and name that file in a scenario's first line:

    crisis-sim schema > scenario.schema.json
    # yaml-language-server: $schema=scenario.schema.json
"""

from __future__ import annotations

from typing import Any

from crisis_sim.scenario.numbers import DISTRIBUTION_SCHEMA
from crisis_sim.scenario.schema import Scenario

DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: Definitions for a file that extends another end in this: they require nothing, and allow null.
CHANGE = "Change"

_EXTENDS = {
    "type": "string",
    "pattern": r"\.ya?ml$",
    "description": "a scenario file in the same folder, which this one changes",
}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file.

    A file that extends another states only what it changes, and removes with `null`; so there are
    two sets of definitions, and `extends` decides which one holds.
    """
    top = Scenario.model_json_schema()
    definitions = {name: _tidy(body) for name, body in top.pop("$defs").items()}
    top = _tidy(top)
    del top["properties"]["name"]  # it is the file's own name
    definitions["Scenario"] = top
    changes = {f"{name}{CHANGE}": _change(body) for name, body in definitions.items()}
    changes[f"Scenario{CHANGE}"]["properties"] = {
        "extends": _EXTENDS,
        **changes[f"Scenario{CHANGE}"]["properties"],
    }
    return {
        "$schema": DIALECT,
        "title": "Crisis Sim scenario",
        "if": {"required": ["extends"]},
        "then": {"$ref": f"#/$defs/Scenario{CHANGE}"},
        "else": {"$ref": "#/$defs/Scenario"},
        "$defs": {**definitions, **changes, "Distribution": DISTRIBUTION_SCHEMA},
    }


def _tidy(schema: Any) -> Any:
    """A schema in which distributions are described once, and generated titles are gone."""
    if schema == DISTRIBUTION_SCHEMA:
        return {"$ref": "#/$defs/Distribution"}
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _tidy(body) for name, body in value.items()}
        if key == "properties"
        else _tidy(value)
        for key, value in schema.items()
        if key != "title"
    }


def _change(schema: Any) -> Any:
    """A part's schema for a file that changes an inherited part."""
    if isinstance(schema, list):
        return [_change(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {
        # A list replaces the inherited one, so its items are whole.
        key: value if key in ("items", "prefixItems") else _change(value)
        for key, value in schema.items()
        if key not in ("required", "minProperties", "default")
    }
    reference = changed.get("$ref", "")
    if reference and not reference.endswith("/Distribution"):
        changed["$ref"] = f"{reference}{CHANGE}"
    for name in ("properties", "additionalProperties"):
        entries = changed.get(name)
        if name == "properties" and entries:
            changed[name] = {key: _or_null(body) for key, body in entries.items()}
        elif isinstance(entries, dict):
            changed[name] = _or_null(entries)
    return changed


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    description = {key: schema[key] for key in ("description",) if key in schema}
    return {**description, "anyOf": [schema, {"type": "null"}]}
