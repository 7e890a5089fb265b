"""Equations and tables of docs/ODD.md, made from the model's code.

    <!-- from crisis_sim/model#State.weigh, choice.value_options -->

inserts the docstrings of these rules. A class name with `.Variables` or `.Facts` inserts a table of its declarations, whose
meanings are the comments behind them; `draws` and `events` insert tables of all random draws and of all events. `figures.py`
refreshes these blocks.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import io
import re
import textwrap
import tokenize
from collections.abc import Iterator
from typing import Any

from crisis_sim.model.cast import ROLES, happenings

#: Classes of agents by name.
KINDS = {kind.__name__: kind for kind in ROLES.values()}
#: Modules with further rules.
MODULES = ("acts", "choice", "economy", "ending", "third_parties")
#: Functions that prepare parameters before a crisis begins.
PREPARATION = ("sampled_parameters.read_about", "sampled_parameters.apply_precision")
#: Beginning of an equation.
_EQUATION = re.compile(r"(?: {4}|[\w' ()-]+? [-+x]?= )")
_KINDS = {
    "float": "number",
    "int": "whole number",
    "bool": "yes or no",
    "Maybe": "number, once there is one",
}


def shown(heading: str) -> str:
    """Return the content of a block as Markdown.

    Raises:
        ValueError: if the model has no such name.
    """
    if heading in ("draws", "events"):
        return "\n".join({"draws": _draws, "events": _events}[heading]())
    name, _, part = heading.partition(".")
    if part in ("Variables", "Facts") and name in KINDS:
        return "\n".join(_declarations(KINDS[name], part))
    return "\n\n".join(_rule(rule.strip()) for rule in heading.split(","))


def rules() -> list[str]:
    """Return the names of all rules: compiled methods of the agents' classes and functions of the modules."""
    names = [
        f"{name}.{attribute}"
        for name, kind in KINDS.items()
        for attribute, value in vars(kind).items()
        if hasattr(value, "py_func")
    ]
    for name in MODULES:
        module = importlib.import_module(f"crisis_sim.model.{name}")
        names += [
            f"{name}.{attribute}"
            for attribute, value in vars(module).items()
            if hasattr(value, "py_func") and value.py_func.__module__ == module.__name__
        ]
    return [*names, *PREPARATION]


def meanings(holder: type) -> dict[str, tuple[str, str]]:
    """Return the declarations of a `Variables` or a `Facts`: by name, the type and the comment behind it."""
    source = textwrap.dedent(inspect.getsource(holder))
    comments = _comments(source)
    return {
        ast.unparse(line.target): (ast.unparse(line.annotation), comments.get(line.lineno, ""))
        for line in ast.walk(ast.parse(source))
        if isinstance(line, ast.AnnAssign)
    }


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}


def _declarations(kind: type, part: str) -> Iterator[str]:
    yield from ("| name | kind | meaning |", "|---|---|---|")
    for name, (value, meaning) in meanings(getattr(kind, part)).items():
        word, _, count = value.partition(" * ")
        words = _KINDS[word] if not count else f"{count} of: {_KINDS[word]}"
        yield f"| `{name}` | {words} | {_cell(meaning)} |"


def _draws() -> Iterator[str]:
    yield from ("| agent | purpose | what is drawn |", "|---|---|---|")
    for name, kind in KINDS.items():
        for event in kind.events:
            if event.rate:
                yield f"| {name} | `{event.name}` | budgets of the clock of that event |"
        source = textwrap.dedent(inspect.getsource(kind))
        comments = _comments(source)
        strings = {
            node.value: comments.get(node.lineno, "")
            for node in ast.walk(_assigned(source, "draws"))
            if isinstance(node, ast.Constant)
        }
        for purpose in kind.draws:
            yield f"| {name} | `{purpose}` | {_cell(strings[purpose])} |"


def _assigned(source: str, name: str) -> ast.AST:
    """Return the value that a class assigns to a name."""
    for line in ast.walk(ast.parse(source)):
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == name:
            return line.value
    return ast.Module([], [])


def _events() -> Iterator[str]:
    yield from ("| | agent | event | what happens | rate or date |", "|--:|---|---|---|---|")
    for number, row in enumerate(happenings(), 1):
        event = next(event for event in KINDS[row.of].events if event.name == row.event)
        kind = "date" if row.is_dated else "rate"
        when = f"{kind} `{row.of}.{event.rate or event.due}`: {row.when}"
        yield f"| {number} | {row.of} | `{row.event}` | {_cell(row.effect)} | {_cell(when)} |"


def _rule(name: str) -> str:
    """Return a rule's name and docstring, with its equations as blocks."""
    first, *rest = _doc(name).partition("\n\nArgs:")[0].split("\n\n")
    parts = [f"**`{name}`** {' '.join(first.split())}"]
    for paragraph in rest:
        if _EQUATION.match(paragraph):
            lines = textwrap.dedent(paragraph).replace(" x ", " × ").replace(" x= ", " ×= ")
            parts.append(textwrap.indent(lines, "    "))
        else:
            parts.append(" ".join(paragraph.split()))
    return "\n\n".join(parts)


def _doc(name: str) -> str:
    owner, _, attribute = name.partition(".")
    holder: Any = KINDS.get(owner)
    if holder is None and (owner in MODULES or name in PREPARATION):
        holder = importlib.import_module(f"crisis_sim.model.{owner}")
    rule = getattr(holder, attribute, None)
    text = inspect.getdoc(getattr(rule, "py_func", rule)) if rule is not None else None
    if text is None:
        raise ValueError(f"the model has no {name}, or it has no docstring")
    return text


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")
