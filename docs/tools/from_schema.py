"""Directives for pages that are made from the code: keys of files, from their schema, and measures.

    ```{schema} scenario
    ```

shows every key of a scenario file, a table for each part of it; `experiment` those of experiments.
`{measures}` lists what may be measured by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from crisis_sim.experiments.json_schema import experiment_schema
from crisis_sim.outcomes.measures.names import NAMES, SUMMARY_PATHS
from crisis_sim.scenario.json_schema import CHANGE, json_schema

#: Definitions that are told elsewhere, or are one of many ways to write a number.
UNTOLD = ("Distribution",)
HEAD = ("| key | meaning | value | where left out |", "|---|---|---|---|")


def schema_page(schema: dict[str, Any], level: int) -> str:
    """A JSON Schema as Markdown: a heading and a table of keys for each definition.

    Args:
        schema: the schema; definitions for files that extend another are left out, for they differ
            only in what they require.
        level: the level of the headings.
    """
    parts = {
        name: body
        for name, body in schema["$defs"].items()
        if not name.endswith(CHANGE) and name not in UNTOLD
    }
    order = sorted(parts, key=lambda name: name != "Scenario")  # the whole comes before its parts
    return "\n".join(line for name in order for line in _part(name, parts[name], parts, level))


def _part(name: str, body: dict[str, Any], parts: dict[str, Any], level: int) -> Iterator[str]:
    yield from (f"{'#' * level} {_title(name)}", "")
    if body.get("description"):
        yield from (_cell(body["description"]), "")
    properties = body.get("properties", {})
    if not properties:
        return
    yield from HEAD
    required = body.get("required", ())
    for key, value in properties.items():
        default = "required" if key in required else _default(value)
        meaning = _cell(value.get("description", ""))
        yield f"| `{key}` | {meaning} | {_kind(value, parts)} | {default} |"
    yield ""


def _title(name: str) -> str:
    """`MediatorSpec` becomes "Mediator", as it stands in the text."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return words.strip().removesuffix(" spec").capitalize()


def _kind(value: dict[str, Any], parts: dict[str, Any]) -> str:
    """What a key's value may be, in words."""
    reference = value.get("$ref", "").rpartition("/")[2]
    if reference in parts:
        return f"[{_title(reference).lower()}](#{_title(reference).lower().replace(' ', '-')})"
    if reference or "Distribution" in str(value.get("anyOf", "")):
        return "number or distribution"
    if "anyOf" in value:
        kinds = [_kind(one, parts) for one in value["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"])
    return _of_type(value, parts)


def _of_type(value: dict[str, Any], parts: dict[str, Any]) -> str:
    kind = value.get("type", "")
    if kind == "array":
        return f"list of: {_kind(value.get('items', {}), parts)}"
    if kind == "object":
        entries = value.get("additionalProperties")
        return f"by name: {_kind(entries, parts)}" if isinstance(entries, dict) else "mapping"
    return {"string": "text", "integer": "whole number", "boolean": "`true` or `false`"}.get(
        kind, kind or "any"
    )


def _default(value: dict[str, Any]) -> str:
    default = value.get("default")
    if default in (None, "", [], {}):
        return "nothing"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, float):
        return f"{default:g}"
    return f"`{default}`" if isinstance(default, str) else str(default)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|").replace("<", r"\<")


def measures_page() -> str:
    """All measures that have a name, as Markdown."""
    lines: list[str] = []
    for names in (NAMES, SUMMARY_PATHS):
        lines += ["| name | what it measures |", "|---|---|"]
        lines += [f"| `{name}` | {_cell(one.words)} |" for name, one in names.items()]
        lines.append("")
    return "\n".join(lines)


class Schema(SphinxDirective):
    """Every key of a kind of file."""

    required_arguments = 1
    schemas: ClassVar = {"scenario": json_schema, "experiment": experiment_schema}

    def run(self) -> list[nodes.Node]:
        text = schema_page(self.schemas[self.arguments[0]](), 2)
        return self.parse_text_to_nodes(text, allow_section_headings=True)


class Measures(SphinxDirective):
    """Every measure that has a name."""

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes(measures_page())


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of them."""
    app.add_directive("schema", Schema)
    app.add_directive("measures", Measures)
    return {"parallel_read_safe": True, "version": "1"}
