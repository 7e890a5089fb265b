"""JSON Schema of experiments' files, so that an editor completes keys and marks mistakes as one types.

For VS Code's YAML extension, write it to a file and name that file in an experiment's first line:

    crisis-sim schema --experiment > experiment.schema.json
    # yaml-language-server: $schema=experiment.schema.json
"""

from __future__ import annotations

from typing import Any

from crisis_sim.experiments.kinds import KINDS, kind_of
from crisis_sim.scenario.json_schema import DIALECT


def experiment_schema() -> dict[str, Any]:
    """The JSON Schema of an experiment's file: one kind's, by its `kind`."""
    definitions: dict[str, Any] = {}
    branches = []
    for name in KINDS:
        own = kind_of(name).SPEC.model_json_schema(ref_template="#/$defs/{model}")
        definitions.update(own.pop("$defs", {}))
        definitions[own["title"]] = own
        branches.append(
            {
                "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
                "then": {"$ref": f"#/$defs/{own['title']}"},
            }
        )
    return {
        "$schema": DIALECT,
        "title": "Crisis Sim experiment",
        "type": "object",
        "properties": {"kind": {"enum": list(KINDS)}},
        "required": ["kind"],
        "allOf": branches,
        "$defs": definitions,
    }
