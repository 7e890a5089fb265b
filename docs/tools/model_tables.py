"""What docs/ODD.md shows of the model's code: equations from rules' docstrings, tables from what classes declare.

    <!-- from crisis_sim/model#State.weigh, choice.value_options -->

stands for the docstrings of these rules; a class's name with `.Variables` or `.Facts` for a table of what it declares, each
meaning from the comment behind it; `draws` and `events` for all purposes of luck and all events. `figures.py` puts it in.
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

#: The classes of agents, by name.
KINDS = {kind.__name__: kind for kind in ROLES.values()}
#: The modules whose functions carry rules out.
MODULES = ("acts", "choice", "economy", "ending", "parties")
#: Functions that settle numbers before a crisis begins.
BEFOREHAND = ("parameters.read_about", "parameters.apply_precision")
#: How an equation begins.
_EQUATION = re.compile(r"(?: {4}|[\w' ()-]+? [-+x]?= )")
_KINDS = {
    "float": "number",
    "int": "whole number",
    "bool": "yes or no",
    "Maybe": "number, once there is one",
}


def shown(heading: str) -> str:
    """What a block shows, as Markdown.

    Raises:
        ValueError: when the model has nothing of that name.
    """
    if heading in ("draws", "events"):
        return "\n".join({"draws": _draws, "events": _events}[heading]())
    name, _, part = heading.partition(".")
    if part in ("Variables", "Facts") and name in KINDS:
        return "\n".join(_declared(KINDS[name], part))
    return "\n\n".join(_told(one.strip()) for one in heading.split(","))


def rules() -> list[str]:
    """The names of all rules that decide something: methods of agents' classes, and what these call."""
    found = [
        f"{name}.{attribute}"
        for name, kind in KINDS.items()
        for attribute, value in vars(kind).items()
        if hasattr(value, "py_func")
    ]
    for name in MODULES:
        module = importlib.import_module(f"crisis_sim.model.{name}")
        found += [
            f"{name}.{attribute}"
            for attribute, value in vars(module).items()
            if hasattr(value, "py_func") and value.py_func.__module__ == module.__name__
        ]
    return [*found, *BEFOREHAND]


def meanings(holder: type) -> dict[str, tuple[str, str]]:
    """What a `Variables` or a `Facts` declares: by name, the kind of value and the comment behind it."""
    source = textwrap.dedent(inspect.getsource(holder))
    comments = _comments(source)
    return {
        ast.unparse(line.target): (ast.unparse(line.annotation), comments.get(line.lineno, ""))
        for line in ast.walk(ast.parse(source))
        if isinstance(line, ast.AnnAssign)
    }


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {one.start[0]: one.string.lstrip("# ") for one in tokens if one.type == tokenize.COMMENT}


def _declared(kind: type, part: str) -> Iterator[str]:
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
            one.value: comments.get(one.lineno, "")
            for one in ast.walk(_assigned(source, "draws"))
            if isinstance(one, ast.Constant)
        }
        for purpose in kind.draws:
            yield f"| {name} | `{purpose}` | {_cell(strings[purpose])} |"


def _assigned(source: str, name: str) -> ast.AST:
    """What a class's own line gives that name."""
    for line in ast.walk(ast.parse(source)):
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == name:
            return line.value
    return ast.Module([], [])


def _events() -> Iterator[str]:
    yield from ("| | agent | event | what happens | rate or date |", "|--:|---|---|---|---|")
    for number, one in enumerate(happenings(), 1):
        event = next(event for event in KINDS[one.of].events if event.name == one.event)
        when = (
            f"{'date' if one.is_dated else 'rate'} `{one.of}.{event.rate or event.due}`: {one.when}"
        )
        yield f"| {number} | {one.of} | `{one.event}` | {_cell(one.effect)} | {_cell(when)} |"


def _told(name: str) -> str:
    """A rule's docstring: its equations as blocks, the rest as text after its name."""
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
    holder, _, attribute = name.partition(".")
    whole: Any = KINDS.get(holder)
    if whole is None and (holder in MODULES or name in BEFOREHAND):
        whole = importlib.import_module(f"crisis_sim.model.{holder}")
    rule = getattr(whole, attribute, None)
    text = inspect.getdoc(getattr(rule, "py_func", rule)) if rule is not None else None
    if text is None:
        raise ValueError(f"the model has no {name}, or it says nothing of itself")
    return text


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")
