"""Checks of agents' classes and rules; each mistake has a place, a message and a correction.

A class is checked when Python creates it; the names in its rules when a model is created. Errors of the compiler that
remain are summarised.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of

#: A message lists the valid names in full up to this number.
_MOST_LISTED = 12


class RuleError(ScenarioError):
    """Mistakes in a class of agents or in its rules; `str()` lists them with their places."""


def is_rule(member: Any) -> bool:
    """Return true for a compiled rule."""
    return hasattr(member, "py_func")


def arguments_of(role: str) -> tuple[str, ...]:
    """Return the arguments of the rules of a role."""
    rival = ("rival",) if role == "states" else ()
    return ("own", *rival, "facts", "c", "p", "luck")


def mistake_at(
    thing: Any, message: str, expected: str = "", near: str = "", node: Any = None, word: str = ""
) -> Mistake:
    """Return a mistake in a class or rule: at a syntax node, at the first line with a word, or at its head."""
    thing = getattr(thing, "py_func", thing)
    try:
        lines, start = inspect.getsourcelines(thing)
        file = inspect.getsourcefile(thing) or "?"
    except (OSError, TypeError):  # defined at a prompt
        return Mistake(f"{thing.__qualname__}", 0, 0, message, expected, near)
    pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)" if word else r"\s*(def|class)\b")
    if node is not None:
        number = node.lineno - 1
    elif word:
        number = next((k for k, line in enumerate(lines) if k and pattern.search(line)), 0)
    else:
        number = next((k for k, line in enumerate(lines) if pattern.match(line)), 0)
    line = lines[number].rstrip("\n")
    column = len(line) - len(line.lstrip()) + 1
    if node is not None:
        column = node.col_offset + 1 + len(lines[0]) - len(lines[0].lstrip())
    elif word and pattern.search(line):
        column = line.index(word) + 1
    return Mistake(file, start + number, column, message, expected, near, line)


# Checks of a class, when Python creates it.


def check_class(cls: Any, kinds: Mapping[str, Any], steps: Iterable[str]) -> None:
    """Check the declarations, events and rules of a class of agents.

    Raises:
        RuleError: listing all mistakes.
    """
    events = [event for event in cls.events if hasattr(event, "happen")]
    compiled = {*steps, *(name for event in events for name in event.rules.values())}
    mistakes = [*_declarations(cls, kinds), *_events(cls), *_methods(cls, compiled)]
    if mistakes:
        raise RuleError(mistakes)


def _declarations(cls: Any, kinds: Mapping[str, Any]) -> Iterator[Mistake]:
    role = getattr(cls, "role", "none")
    if not (isinstance(role, str) and role.isidentifier()):
        message = f"{cls.__name__}: the role {role!r} is not a name"
        yield mistake_at(cls, message, 'a name, such as role = "councils"', word="role")
    for holder in ("Variables", "Facts"):
        declared = vars(cls).get(holder)
        if declared is None:
            continue
        title = f"{cls.__name__}.{holder}"
        annotations = inspect.get_annotations(declared)
        for name, annotation in annotations.items():
            word = getattr(annotation, "__name__", str(annotation))
            kind, _, count = (part.strip() for part in word.strip("'\"").partition("*"))
            if kind not in kinds or (count and not (count.isdigit() and int(count))):
                message = f"{title} cannot contain '{name}: {word}'"
                expected = f"{one_of(kinds)}, or several, such as {name}: float * 3"
                yield mistake_at(declared, message, expected, nearest(kind, kinds), word=name)
            if hasattr(cls.__mro__[1], name) or name in ("index", "clocks", "streams", "name"):
                message = f"{title} cannot contain '{name}': agents already have this attribute"
                yield mistake_at(declared, message, "another name", word=name)
        for name in vars(declared):
            if not name.startswith("__") or name == "__slots__":
                if name in annotations:
                    message = f"{title}: '{name}' has a value here"
                    expected = f"{name}: {annotations[name]}, and own.{name} = ... in a rule begin"
                else:
                    message = f"{title}: '{name}' has no type"
                    expected = f"{name}: float, or another type"
                yield mistake_at(declared, message, expected, word=name)


def _events(cls: Any) -> Iterator[Mistake]:
    rules = [name for name in dir(cls) if is_rule(getattr(cls, name, None))]
    names: set[str] = set()
    for event in cls.events:
        if not hasattr(event, "happen"):
            message = f"{cls.__name__}: {event!r} is not an event"
            yield mistake_at(cls, message, 'Event("name", "rule", rate="rule")', word="events")
            continue
        if event.name in names:
            message = f"{cls.__name__} has two events '{event.name}'"
            expected = "another name, because it keys the random numbers"
            yield mistake_at(cls, message, expected, word=event.name)
        names.add(event.name)
        if bool(event.rate) == bool(event.due):
            timing = "both a rate and a due" if event.rate else "neither a rate nor a due"
            message = f"{cls.__name__}: event '{event.name}' has {timing}"
            yield mistake_at(cls, message, 'rate="..." or due="..."', word=event.name)
        for purpose, name in event.rules.items():
            if not hasattr(cls, name):
                message = f"{cls.__name__}: event '{event.name}' has no rule '{name}' ({purpose})"
                expected = f"a method {name}(own, ...) with @rule above it"
                yield mistake_at(cls, message, expected, nearest(name, rules), word=name)


def _methods(cls: Any, compiled: set[str]) -> Iterator[Mistake]:
    expected = arguments_of(getattr(cls, "role", "none"))
    for name, member in vars(cls).items():
        if is_rule(member):
            yield from _signature(cls, name, member, expected)
            if name == "step":
                message = f"{cls.__name__}.step is compiled, and would never be called"
                remedy = "step(self) without @rule, or a rule of another name"
                yield mistake_at(member, message, remedy)
        elif inspect.isfunction(member):
            inherited = next((vars(base)[name] for base in cls.__mro__[1:] if name in vars(base)), None)  # fmt: skip
            if name in compiled or is_rule(inherited):
                yield mistake_at(member, f"{cls.__name__}.{name} is not compiled", "@rule above it")


def _signature(cls: Any, name: str, rule: Any, expected: tuple[str, ...]) -> Iterator[Mistake]:
    given = tuple(inspect.signature(rule.py_func).parameters)
    misplaced = [x for k, x in enumerate(given) if x in expected and expected[k : k + 1] != (x,)]
    if len(given) != len(expected) or misplaced:
        message = f"{cls.__name__}.{name} takes ({', '.join(given)})"
        yield mistake_at(rule, message, f"def {name}({', '.join(expected)}):")


# Checks of the names in rules, when a model is created.


def check_names(kind: Any, names: Mapping[str, Iterable[str]]) -> None:
    """Check the names that the rules of a class use.

    Args:
        kind: the class.
        names: valid names by record: a role, its facts (`facts of` and the role), `crisis` and `parameters`.

    Raises:
        RuleError: listing all unknown names.
    """
    numbers = {event.rate or event.due for event in kind.events}
    mistakes: list[Mistake] = []
    for name in dir(kind):
        member = getattr(kind, name)
        if is_rule(member):
            mistakes += _NameChecker(kind, name, member, names).check(name in numbers)
    if mistakes:
        raise RuleError(mistakes)


class _NameChecker(ast.NodeVisitor):
    """Checks the names that a rule reads and writes."""

    def __init__(self, kind: Any, name: str, rule: Any, names: Mapping[str, Any]) -> None:
        self.rule, self.names, self.title = rule, names, f"{kind.__name__}.{name}"
        records = {
            "own": kind.role,
            "rival": kind.role,
            "facts": f"facts of {kind.role}",
            "c": "crisis",
            "p": "parameters",
        }
        arguments = zip(
            inspect.signature(rule.py_func).parameters, arguments_of(kind.role), strict=True
        )
        #: Records by the local names that refer to them.
        self.records = {name: records[usual] for name, usual in arguments if usual in records}
        self.mistakes: list[Mistake] = []

    def check(self, returns_number: bool) -> list[Mistake]:
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(self.rule.py_func)))
        except (OSError, SyntaxError, TypeError):  # no source
            return []
        self.visit(tree)
        returns = any(isinstance(node, ast.Return) and node.value for node in ast.walk(tree))
        if returns_number and not returns:
            expected = "return a number: a rate per day, or days"
            self.mistakes.append(mistake_at(self.rule, f"{self.title} returns nothing", expected))
        return self.mistakes

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            for left, right in pairs:
                if isinstance(left, ast.Name):
                    record = self._record_of(right)
                    if record:
                        self.records[left.id] = record
                    else:
                        self.records.pop(left.id, None)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        record = self._record_of(node.value)
        if record:
            known = self.names[record]
            role, is_fact = record.removeprefix("facts of "), record.startswith("facts")
            noun = {"crisis": "variable of a crisis", "parameters": "behavioural parameter"}.get(
                record, f"{'fact' if is_fact else 'variable'} of the {role}"
            )
            if node.attr not in known:
                expected = one_of(known) if len(list(known)) <= _MOST_LISTED else ""
                message = f"{self.title}: there is no {noun} called '{node.attr}'"
                self._add(message, expected, nearest(node.attr, known), node)
            elif isinstance(node.ctx, ast.Store) and (is_fact or record == "parameters"):
                message = f"{self.title} changes '{node.attr}', a {noun}"
                self._add(message, "a new variable in Variables, to be changed instead", "", node)
        self.generic_visit(node)

    def _record_of(self, node: ast.AST) -> str:
        """Return the record that an expression such as `own` or `c.states[k]` refers to, or ""."""
        if isinstance(node, ast.Name):
            return str(self.records.get(node.id, ""))
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute):
            owner, name = node.value.value, node.value.attr
            if isinstance(owner, ast.Name) and self.records.get(owner.id) == "crisis":
                return name if name in self.names else ""
        return ""

    def _add(self, message: str, expected: str, near: str, node: ast.AST) -> None:
        self.mistakes.append(mistake_at(self.rule, message, expected, near, node))


# Errors of the compiler.

#: Patterns of its messages, and what to write instead.
_ADVICE = (
    (r"Untyped global name '(\w+)'", "@rule above '{}', if it is a function; rules see numbers, records and other rules"),
    (r"Cannot unify", "one kind of value on every path, such as 0.0 in place of 0"),
    (r"NameError: name '(\w+)' is not defined|name '(\w+)' is not defined", "'{}' imported or defined"),
    (r"return|none", "a number on every path"),
)  # fmt: skip
_SUPPORTED = "numbers, fields of records, if, for ... in range(...), math, and other rules"


def explain(error: Exception, rules: Iterable[tuple[Any, str, Callable[[], None]]]) -> RuleError:
    """Summarise an error of the compiler.

    Args:
        error: the error.
        rules: class and name of each rule, and a function that compiles that rule alone.
    """
    for kind, name, compile_ in rules:
        try:
            compile_()
        except Exception as own_error:  # noqa: BLE001 - Numba raises many
            return RuleError([_compiler_mistake(kind, name, own_error)])
    message = f"the rules do not compile: {_summary(str(error))}"
    return RuleError([Mistake("rules", 0, 0, message, _SUPPORTED)])


def _compiler_mistake(kind: Any, name: str, error: Exception) -> Mistake:
    summary = _summary(str(error))
    advice = _SUPPORTED
    for pattern, text in _ADVICE:
        match = re.search(pattern, summary)
        if match:
            advice = text.format(next(filter(None, match.groups()), ""))
            break
    function = getattr(kind, name).py_func
    places = re.findall(r'File "([^"]+)", line (\d+)', str(error))
    own = inspect.getsourcefile(function) or ""
    lines = [int(line) for file, line in places if own.endswith(file.replace("..", "").lstrip("/"))]
    head = mistake_at(function, f"{kind.__name__}.{name} does not compile: {summary}", advice)
    if not lines:
        return head
    line = inspect.findsource(function)[0][lines[-1] - 1].rstrip("\n")
    column = len(line) - len(line.lstrip()) + 1
    return replace(head, line=lines[-1], column=column, source_line=line)


def _summary(text: str) -> str:
    """Return the main sentence of a compiler message, with its types shortened."""
    skipped = (
        "Failed in",
        "During:",
        "File ",
        "- ",
        "There are",
        "In definition",
        "raised from",
        "* ",
        "This is",
    )
    for line in map(str.strip, re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()):
        if line and not line.startswith(skipped):
            short = re.sub(r"Record\(.*\)", "a record", line)
            short = re.sub(r" for '\$.*|, defined at .*", "", short)
            return re.sub(r"unaligned array\(.*?\)|array\(.*?\)", "an array", short)[:200]
    return "for an unknown reason"
