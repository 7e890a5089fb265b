"""Sphinx directives for parts of pages that are made from code.

    ```{schema} scenario
    ```

lists the keys of scenario files, with a table for each part; `{schema} experiment` those of experiment files.
`{rules}` lists the conditions on combinations of values in a scenario, `{former}` keys that scenario files no longer have,
`{measures}` the named measures, and `{commands}` all commands. `{story} NAME` quotes the first events of a printed story
(docs/shown/NAME).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from cyclopts.docs.markdown import generate_markdown_docs
from docutils import nodes
from docutils.parsers.rst.directives import positive_int
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from crisis_sim.cli import COMMANDS, app
from crisis_sim.experiments.load import experiment_schema
from crisis_sim.outcomes.named_measures import NAMES, SUMMARY_PATHS
from crisis_sim.scenario.checks import CHECKS
from crisis_sim.scenario.errors import removed_table
from crisis_sim.scenario.introspect import CHANGE, json_schema

#: Definitions that pages leave out: a distribution is one of several ways to write a number.
OMITTED = ("Distribution",)
#: Headings of the commands of each module of `crisis_sim.cli`.
HEADINGS = {
    "run": "Run and explore",
    "history": "One crisis",
    "scenarios": "Scenario files",
    "experiment": "Experiments",
    "assess": "Assess the model",
}
HEAD = ("| key | meaning | value | default |", "|---|---|---|---|")


def schema_page(schema: dict[str, Any], level: int) -> str:
    """Return a JSON Schema as Markdown: a heading and a table of keys for each definition.

    Args:
        schema: the schema. Definitions for files that extend another are omitted: they differ only in the required keys.
        level: the level of the headings.
    """
    parts = {
        name: body
        for name, body in schema["$defs"].items()
        if not name.endswith(CHANGE) and name not in OMITTED
    }
    first = ["Scenario"] if "Scenario" in parts else []
    order = list(dict.fromkeys([*_below(first, parts), *parts]))
    return "\n".join(line for name in order for line in _part(name, parts[name], parts, level))


def _below(names: list[str], parts: dict[str, Any]) -> list[str]:
    """Return definitions, each followed by those that it refers to, in the order of the keys."""
    order: list[str] = []
    for name in names:
        references = re.findall(r"#/\$defs/(\w+)", str(parts[name]))
        order += [name, *_below([other for other in references if other in parts], parts)]
    return order


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
        reference = value.get("$ref", "").rpartition("/")[2]
        meaning = _cell(value.get("description") or parts.get(reference, {}).get("description", ""))
        yield f"| `{key}` | {meaning} | {_kind(value, parts)} | {default} |"
    yield ""


def _title(name: str) -> str:
    """Return the title of a definition, such as "Mediator" for `MediatorSpec`."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return words.strip().removesuffix(" spec").capitalize()


def _kind(value: dict[str, Any], parts: dict[str, Any]) -> str:
    """Describe the values of a key."""
    reference = value.get("$ref", "").rpartition("/")[2]
    if reference in parts:
        return f"[{_title(reference).lower()}](#{_title(reference).lower().replace(' ', '-')})"
    if reference or "Distribution" in str(value.get("anyOf", "")):
        return "number or distribution"
    if "anyOf" in value:
        kinds = [_kind(item, parts) for item in value["anyOf"] if item.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{item}`" for item in value["enum"])
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
    if "default" not in value:
        return "–"
    default = value["default"]
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
    """Return tables of all named measures as Markdown."""
    lines: list[str] = []
    for names in (NAMES, SUMMARY_PATHS):
        lines += ["| name | meaning |", "|---|---|"]
        lines += [f"| `{name}` | {_cell(measure.words)} |" for name, measure in names.items()]
        lines.append("")
    return "\n".join(lines)


def rules_page() -> str:
    """Return the conditions on combinations of values in a scenario as a Markdown list."""
    return "\n".join(f"- {' '.join((rule.__doc__ or '').split())}" for rule in CHECKS)


def commands_page() -> str:
    """Return all commands with their options as Markdown, with a heading for each module."""
    lines: list[str] = []
    for module, names in COMMANDS.items():
        lines += [f"## {HEADINGS[module]}", "", *map(_command, names.split())]
    return "\n".join(lines)


def _command(name: str) -> str:
    usage = generate_markdown_docs(
        app,
        commands_filter=[name],
        usage_name="crisis-sim",
        generate_toc=False,
        flatten_commands=True,
        no_root_title=True,
    ).replace("```console", "```text", 1)
    return f"### crisis-sim {name}\n\n{usage}"


def schema_of(kind: str) -> str:
    """Return the keys of a kind of file."""
    return schema_page({"scenario": json_schema, "experiment": experiment_schema}[kind](), 2)


#: Directives by name: the function that returns the text, and its number of arguments.
DIRECTIVES: dict[str, tuple[Callable[..., str], int]] = {
    "commands": (commands_page, 0),
    "schema": (schema_of, 1),
    "rules": (rules_page, 0),
    "former": (removed_table, 0),
    "measures": (measures_page, 0),
}


def directive(make: Callable[..., str], arguments: int) -> type[SphinxDirective]:
    """Return a directive that inserts a text."""

    class TextDirective(SphinxDirective):
        required_arguments = arguments

        def run(self) -> list[nodes.Node]:
            return self.parse_text_to_nodes(make(*self.arguments), allow_section_headings=True)

    return TextDirective


class Story(SphinxDirective):
    """The first events of a story, as a quotation."""

    required_arguments = 1
    option_spec: ClassVar = {"events": positive_int}

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.srcdir) / "shown" / self.arguments[0]
        self.env.note_dependency(str(path))
        lines = [line for line in path.read_text("utf-8").splitlines() if line.startswith("**")]
        text = "\n\n".join([*lines[: self.options.get("events", 8)], "…"])
        return [nodes.block_quote("", *self.parse_text_to_nodes(text))]


def setup(sphinx: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    for name, (make, arguments) in DIRECTIVES.items():
        sphinx.add_directive(name, directive(make, arguments))
    sphinx.add_directive("story", Story)
    return {"parallel_read_safe": True, "version": "1"}
