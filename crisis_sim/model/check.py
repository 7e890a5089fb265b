"""What is wrong with a class of agents or with a rule, told to who wrote it: where, what, and what to write instead.

What can be seen is looked for before anything is compiled: a class when Python makes it, names in its rules when a model is
made. What the compiler refuses after that is told in a few words of its own.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of

#: The arguments of a rule: of a state's, and of all others'.
OF_STATES = ("own", "rival", "facts", "c", "p", "luck")
OF_OTHERS = ("own", "facts", "c", "p", "luck")
#: Names that are listed in full, where a person has met none of them.
_FEW = 12


class RuleError(ScenarioError):
    """A class of agents or one of its rules has mistakes; `str()` tells them all, each with its place."""


def is_rule(found: Any) -> bool:
    """Whether something is compiled."""
    return hasattr(found, "py_func")


def arguments_of(role: str) -> tuple[str, ...]:
    """The arguments of a rule of that role."""
    return OF_STATES if role == "states" else OF_OTHERS


def mistake_at(
    thing: Any, message: str, expected: str = "", near: str = "", node: Any = None, word: str = ""
) -> Mistake:
    """A mistake in a class or a rule: at a node of its syntax, at a line that holds a word, or at its head."""
    thing = getattr(thing, "py_func", thing)
    try:
        lines, start = inspect.getsourcelines(thing)
        file = inspect.getsourcefile(thing) or "?"
    except (OSError, TypeError):  # typed at a prompt
        return Mistake(f"{thing.__qualname__}", 0, 0, message, expected, near)
    at = 0
    if node is not None:
        at = node.lineno - 1
    elif word:
        found = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
        at = next((k for k, line in enumerate(lines) if k and found.search(line)), 0)
    else:
        at = next((k for k, line in enumerate(lines) if re.match(r"\s*(def|class)\b", line)), 0)
    line = lines[at].rstrip("\n")
    column = len(line) - len(line.lstrip()) + 1
    if node is not None:
        column = node.col_offset + 1 + len(lines[0]) - len(lines[0].lstrip())
    elif word and found.search(line):
        column = line.index(word) + 1
    return Mistake(file, start + at, column, message, expected, near, line)


# A class, when Python makes it.


def check_class(cls: Any, kinds: Mapping[str, Any], steps: Iterable[str]) -> None:
    """Make sure that a class of agents is well made.

    Raises:
        RuleError: naming all that is wrong with it.
    """
    mistakes = [
        *_declarations(cls, kinds),
        *_events(cls),
        *_methods(
            cls, {*steps, *(name for event in _listed(cls) for name in event.rules.values())}
        ),
    ]
    if mistakes:
        raise RuleError(mistakes)


def _listed(cls: Any) -> list[Any]:
    """The events of a class, as far as they are events."""
    return [one for one in cls.events if hasattr(one, "happen")]


def _declarations(cls: Any, kinds: Mapping[str, Any]) -> Iterator[Mistake]:
    role = getattr(cls, "role", "none")
    if not (isinstance(role, str) and role.isidentifier()):
        said = f"{cls.__name__}: its role is {role!r}"
        yield mistake_at(cls, said, 'a name, such as role = "councils"', word="role")
    for holder in ("Variables", "Facts"):
        declared = vars(cls).get(holder)
        if declared is None:
            continue
        annotations = inspect.get_annotations(declared)
        for name, given in annotations.items():
            word = given if isinstance(given, str) else getattr(given, "__name__", str(given))
            kind, _, count = (part.strip() for part in word.strip("'\"").partition("*"))
            if kind not in kinds or (count and not (count.isdigit() and int(count))):
                said = f"{cls.__name__}.{holder} cannot hold '{name}: {word}'"
                few = f"{one_of(kinds)}, or several, such as {name}: float * 3"
                yield mistake_at(declared, said, few, nearest(kind, kinds), word=name)
            if hasattr(cls.__mro__[1], name) or name in ("index", "clocks", "streams", "name"):
                said = f"{cls.__name__}.{holder} cannot hold '{name}': agents have something else of that name"
                yield mistake_at(declared, said, "another name", word=name)
        for name in vars(declared):
            if not name.startswith("__") or name == "__slots__":
                start = name in annotations
                said = f"{cls.__name__}.{holder}: '{name}' is given a value here" if start else (
                    f"{cls.__name__}.{holder}: it is not said of what kind '{name}' is"
                )  # fmt: skip
                right = f"{name}: {annotations[name]}, and own.{name} = ... in a rule begin" if start else (
                    f"{name}: float, or another kind"
                )  # fmt: skip
                yield mistake_at(declared, said, right, word=name)


def _events(cls: Any) -> Iterator[Mistake]:
    rules = [name for name in dir(cls) if is_rule(getattr(cls, name, None))]
    seen: set[str] = set()
    for one in cls.events:
        if not hasattr(one, "happen"):
            said = f"{cls.__name__}: {one!r} is no event"
            yield mistake_at(cls, said, 'Event("name", "rule", rate="rule")', word="events")
            continue
        if one.name in seen:
            said = f"{cls.__name__} has two events '{one.name}'"
            yield mistake_at(cls, said, "another name: it keys its luck", word=one.name)
        seen.add(one.name)
        if bool(one.rate) == bool(one.due):
            what = "both a rate and a due" if one.rate else "neither a rate nor a due"
            said = f"{cls.__name__}: event '{one.name}' has {what}"
            yield mistake_at(cls, said, 'rate="..." or due="..."', word=one.name)
        for what, name in one.rules.items():
            if not hasattr(cls, name):
                said = f"{cls.__name__}: event '{one.name}' has no rule '{name}' ({what})"
                few = f"a method {name}(own, ...) with @rule above it"
                yield mistake_at(cls, said, few, nearest(name, rules), word=name)


def _methods(cls: Any, compiled: set[str]) -> Iterator[Mistake]:
    role = getattr(cls, "role", "none")
    for name, found in vars(cls).items():
        if is_rule(found):
            yield from _signature(cls, name, found, arguments_of(role))
            if name == "step":
                said = f"{cls.__name__}.step is compiled, and would never be called"
                yield mistake_at(found, said, "step(self) without @rule, or a rule of another name")
        elif inspect.isfunction(found):
            above = next((vars(one)[name] for one in cls.__mro__[1:] if name in vars(one)), None)
            if name in compiled or is_rule(above):
                yield mistake_at(found, f"{cls.__name__}.{name} is not compiled", "@rule above it")


def _signature(cls: Any, name: str, found: Any, right: tuple[str, ...]) -> Iterator[Mistake]:
    given = tuple(inspect.signature(found.py_func).parameters)
    moved = [one for k, one in enumerate(given) if one in right and right[k : k + 1] != (one,)]
    if len(given) != len(right) or moved:
        said = f"{cls.__name__}.{name} takes ({', '.join(given)})"
        yield mistake_at(found, said, f"def {name}({', '.join(right)}):")


# The names in rules, when a model is made.


def check_names(kind: Any, names: Mapping[str, Iterable[str]]) -> None:
    """Make sure that the rules of a class speak of what there is.

    Args:
        kind: the class.
        names: what records hold: of each role, of its facts (`facts of` and the role), of the `crisis` and `parameters`.

    Raises:
        RuleError: naming all that there is not.
    """
    numbers = {event.rate or event.due for event in kind.events}
    mistakes: list[Mistake] = []
    for name in dir(kind):
        found = getattr(kind, name)
        if is_rule(found):
            mistakes += _Names(kind, name, found, names).mistakes(name in numbers)
    if mistakes:
        raise RuleError(mistakes)


class _Names(ast.NodeVisitor):
    """Looks at what a rule reads and writes."""

    def __init__(self, kind: Any, name: str, rule: Any, names: Mapping[str, Any]) -> None:
        self.rule, self.names, self.title = rule, names, f"{kind.__name__}.{name}"
        given = tuple(inspect.signature(rule.py_func).parameters)
        means = {
            "own": kind.role,
            "rival": kind.role,
            "facts": f"facts of {kind.role}",
            "c": "crisis",
            "p": "parameters",
        }
        self.of: dict[str, str] = {
            one: means[k]
            for one, k in zip(given, arguments_of(kind.role), strict=True)
            if k in means
        }
        self.found: list[Mistake] = []

    def mistakes(self, returns: bool) -> list[Mistake]:
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(self.rule.py_func)))
        except (OSError, SyntaxError, TypeError):  # no source to look at
            return []
        self.visit(tree)
        if returns and not any(isinstance(one, ast.Return) and one.value for one in ast.walk(tree)):
            said = f"{self.title} returns nothing"
            self.found.append(mistake_at(self.rule, said, "return a number: a rate a day, or days"))
        return self.found

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            for left, right in pairs:
                if isinstance(left, ast.Name):
                    role = self._role_of(right)
                    if role:
                        self.of[left.id] = role
                    else:
                        self.of.pop(left.id, None)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        of = self._role_of(node.value)
        if of:
            known = self.names[of]
            role, is_fact = of.removeprefix("facts of "), of.startswith("facts")
            what = {"crisis": "variable of a crisis", "parameters": "behavioural parameter"}.get(
                of, f"{'fact' if is_fact else 'variable'} of the {role}"
            )
            if node.attr not in known:
                few = one_of(known) if len(list(known)) <= _FEW else ""
                said = f"{self.title}: there is no {what} called '{node.attr}'"
                self._say(said, few, nearest(node.attr, known), node)
            elif isinstance(node.ctx, ast.Store) and (is_fact or of == "parameters"):
                said = f"{self.title} changes '{node.attr}', a {what}"
                self._say(said, "a variable of one's own for what changes", "", node)
        self.generic_visit(node)

    def _role_of(self, node: ast.AST) -> str:
        """Of what record an expression is: `own`, or `c.states[k]`."""
        if isinstance(node, ast.Name):
            return self.of.get(node.id, "")
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute):
            whose, name = node.value.value, node.value.attr
            if isinstance(whose, ast.Name) and self.of.get(whose.id) == "crisis":
                return name if name in self.names else ""
        return ""

    def _say(self, message: str, expected: str, near: str, node: ast.AST) -> None:
        self.found.append(mistake_at(self.rule, message, expected, near, node))


# What the compiler refuses.

#: What it says, by pattern, and what to write instead.
_ADVICE = (
    (r"Untyped global name '(\w+)'", "@rule above '{}', if it is a function; rules see numbers, records and other rules"),
    (r"Cannot unify", "one kind of value on every path, such as 0.0 in place of 0"),
    (r"NameError: name '(\w+)' is not defined|name '(\w+)' is not defined", "'{}' imported or defined"),
    (r"return|none", "a number on every path"),
)  # fmt: skip
_PLAIN = "numbers and what there is of records; if, for ... in range(...), math, and other rules"


def explained(error: Exception, rules: Iterable[tuple[Any, str, Callable[[], None]]]) -> RuleError:
    """What the compiler refuses, in a few words.

    Args:
        error: what it raised.
        rules: class, name of a rule, and what compiles that rule alone.
    """
    for kind, name, compile_ in rules:
        try:
            compile_()
        except Exception as found:  # noqa: BLE001 - Numba raises many
            return RuleError([_refused(kind, name, found)])
    return RuleError([Mistake("rules", 0, 0, f"they do not compile: {_core(str(error))}", _PLAIN)])


def _refused(kind: Any, name: str, error: Exception) -> Mistake:
    said = _core(str(error))
    advice = _PLAIN
    for pattern, words in _ADVICE:
        found = re.search(pattern, said)
        if found:
            advice = words.format(next(filter(None, found.groups()), ""))
            break
    function = getattr(kind, name).py_func
    places = re.findall(r'File "([^"]+)", line (\d+)', str(error))
    own = inspect.getsourcefile(function) or ""
    lines = [int(line) for file, line in places if own.endswith(file.replace("..", "").lstrip("/"))]
    base = mistake_at(function, f"{kind.__name__}.{name} does not compile: {said}", advice)
    if not lines:
        return base
    text = inspect.findsource(function)[0]
    shown = text[lines[-1] - 1].rstrip("\n")
    column = len(shown) - len(shown.lstrip()) + 1
    return Mistake(base.file, lines[-1], column, base.message, advice, source_line=shown)


def _core(text: str) -> str:
    """The one sentence of a compiler's message that says what is wrong, without its types written out."""
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
    return "it is not known why"
