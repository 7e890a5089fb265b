"""Directives for what pages show and nobody types: keys of files, from their schema; measures; a story's beginning.

    ```{schema} scenario
    ```

shows every key of a scenario file, a table for each part of it; `experiment` those of experiments.
`{rules}` lists what must fit together in a scenario, `{former}` what is gone from scenario files, `{measures}` what may be
measured by name,
`{commands}` all commands. `{story} NAME` sets the first events of a story that a command has printed
(docs/shown/NAME) as a quotation.
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

from crisis_sim.cli import app
from crisis_sim.experiments.load import experiment_schema
from crisis_sim.outcomes.names import NAMES, SUMMARY_PATHS
from crisis_sim.scenario.checks import CHECKS
from crisis_sim.scenario.errors import removed_table
from crisis_sim.scenario.introspect import CHANGE, json_schema

#: Definitions that are told elsewhere, or are one of many ways to write a number.
UNTOLD = ("Distribution",)
LOOKING = "Run and look"
EXPERIMENTS = ("attribute", "sweep", "sensitivity", "tune", "posterior")
#: Commands by what they are for; one that is not named here is told with those that run and look.
GROUPS = {
    LOOKING: ("run", "compare", "report", "dashboard"),
    "One crisis": ("replay", "branch", "why", "nowcast", "play"),
    "Scenario files": ("scenarios", "check", "init", "schema"),
    "Experiments": ("experiments", "experiment", *EXPERIMENTS),
    "Whether to trust it": ("validate", "hindcast", "doctor"),
}
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
    first = ["Scenario"] if "Scenario" in parts else []
    order = list(dict.fromkeys([*_below(first, parts), *parts]))
    return "\n".join(line for name in order for line in _part(name, parts[name], parts, level))


def _below(names: list[str], parts: dict[str, Any]) -> list[str]:
    """Definitions and those that they name, the whole before its parts, in the order of the keys."""
    found: list[str] = []
    for name in names:
        inside = re.findall(r"#/\$defs/(\w+)", str(parts[name]))
        found += [name, *_below([one for one in inside if one in parts], parts)]
    return found


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
    """All measures that have a name, as Markdown."""
    lines: list[str] = []
    for names in (NAMES, SUMMARY_PATHS):
        lines += ["| name | what it measures |", "|---|---|"]
        lines += [f"| `{name}` | {_cell(one.words)} |" for name, one in names.items()]
        lines.append("")
    return "\n".join(lines)


def rules_page() -> str:
    """All rules that no single value of a scenario can break, as a Markdown list."""
    return "\n".join(f"- {' '.join((rule.__doc__ or '').split())}" for rule in CHECKS)


def commands_page() -> str:
    """All commands with their options, as Markdown, a heading for each group of them."""
    elsewhere = {name for names in GROUPS.values() for name in names}
    rest = [name for name in app if not name.startswith("-") and name not in elsewhere]
    lines: list[str] = []
    for title, names in GROUPS.items():
        more = rest if title == LOOKING else ()
        known = [name for name in (*names, *more) if name in list(app)]
        lines += [f"## {title}", "", *map(_command, known)]
    return "\n".join(lines)


def _command(name: str) -> str:
    how: dict[str, Any] = {"generate_toc": False, "flatten_commands": True, "no_root_title": True}
    options = generate_markdown_docs(app, commands_filter=[name], usage_name="crisis-sim", **how)
    usage = options.replace("```console", "```text", 1)
    return f"### crisis-sim {name}\n\n{usage}"


def schema_of(kind: str) -> str:
    """Every key of a kind of file."""
    return schema_page({"scenario": json_schema, "experiment": experiment_schema}[kind](), 2)


#: Directives by name: the text that each shows, of its arguments, and how many these are.
SHOWN: dict[str, tuple[Callable[..., str], int]] = {
    "commands": (commands_page, 0),
    "schema": (schema_of, 1),
    "rules": (rules_page, 0),
    "former": (removed_table, 0),
    "measures": (measures_page, 0),
}


def directive(make: Callable[..., str], arguments: int) -> type[SphinxDirective]:
    """A directive that shows a text."""

    class Made(SphinxDirective):
        required_arguments = arguments

        def run(self) -> list[nodes.Node]:
            return self.parse_text_to_nodes(make(*self.arguments), allow_section_headings=True)

    return Made


class Story(SphinxDirective):
    """The first events of a story, as a quotation."""

    required_arguments = 1
    option_spec: ClassVar = {"events": positive_int}

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.srcdir) / "shown" / self.arguments[0]
        self.env.note_dependency(str(path))
        told = [line for line in path.read_text("utf-8").splitlines() if line.startswith("**")]
        text = "\n\n".join([*told[: self.options.get("events", 8)], "…"])
        return [nodes.block_quote("", *self.parse_text_to_nodes(text))]


def setup(sphinx: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of them."""
    for name, shown in SHOWN.items():
        sphinx.add_directive(name, directive(*shown))
    sphinx.add_directive("story", Story)
    return {"parallel_read_safe": True, "version": "1"}
