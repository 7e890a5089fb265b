"""Custom classes in a batch: loading from files, checks, labels, records, and references for workers.

A custom class replaces that of an agent, or of all agents of a role (`roles`), or adds an agent (`agents`). Workers receive
a class from a file as a reference: the file, the name of the class, and the digest of the file's text. They import the file
by its path, and refuse it if its text has changed. A file may import installed packages, but not other files in its folder,
since changes of those would go unnoticed.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from crisis_sim.batch.safe_files import BatchError
from crisis_sim.scenario.errors import Mistake, ScenarioError, did_you_mean, nearest, one_of
from crisis_sim.scenario.schema import SECTIONS
from crisis_sim.text import listed

if TYPE_CHECKING:
    from crisis_sim.model import Agent
    from crisis_sim.scenario.schema import Scenario

#: The number of digits of a digest in messages.
SHOWN = 12
_EXPECTED = "FILE.py:CLASS, such as my_rules.py:Cautious"


@dataclass(frozen=True)
class ClassReference:
    """A reference to a class: its file, its name, and the SHA-256 of the file's text."""

    file: Path
    name: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.file.name}:{self.name}"

    def load(self) -> type[Agent]:
        """Import the class; BatchError if the text of the file has changed."""
        module, sha256 = _import(self.file, str(self.file))
        if sha256 != self.sha256:
            raise BatchError(
                f"{self.file} has changed since the run began: the digest of its text was "
                f"{self.sha256[:SHOWN]} and is now {sha256[:SHOWN]}"
            )
        return _class_in(module, self.name, str(self.file))


#: Imported files by path and digest, and the path and digest of a module by its name.
_MODULES: dict[tuple[Path, str], ModuleType] = {}
_ORIGINS: dict[str, tuple[Path, str]] = {}


def load_class(text: str) -> type[Agent]:
    """Load the class that is named by `FILE.py:CLASS`.

    Raises:
        BatchError: when the text does not have this form.
        ScenarioError: when there is no such file or class, the file has mistakes, or the class is not an agent's.
    """
    file, _, name = text.rpartition(":")
    if not file or not name.isidentifier():
        raise BatchError(f"{text}: expected {_EXPECTED}")
    module, _ = _import(Path(file), file)
    return _class_in(module, name, file)


def to_reference(kind: Any) -> Any:
    """Return a reference to a class from a file, which can be pickled; return anything else unchanged."""
    origin = _ORIGINS.get(getattr(kind, "__module__", ""))
    return kind if origin is None else ClassReference(origin[0], kind.__qualname__, origin[1])


def load_reference(kind: Any) -> Any:
    """Load the class of a reference; return anything else unchanged."""
    return kind.load() if isinstance(kind, ClassReference) else kind


def _import(path: Path, shown: str) -> tuple[ModuleType, str]:
    """Import a file, once for each version of its text; return the module and the digest of the text."""
    try:
        content = path.read_bytes()
        text = content.decode("utf-8")
    except (OSError, ValueError) as error:
        message, near = f"cannot be read: {getattr(error, 'strerror', None) or error}", ""
        if isinstance(error, FileNotFoundError):
            message = "no such file"
            near = nearest(path.name, (other.name for other in path.parent.glob("*.py")))
        elif isinstance(error, UnicodeDecodeError):
            message = "its text is not UTF-8"
        raise _mistake(shown, message, "a Python file", near) from None
    from numba import cloudpickle

    path, sha256 = path.resolve(), hashlib.sha256(content).hexdigest()
    if (path, sha256) in _MODULES:
        return _MODULES[path, sha256], sha256
    # The digest distinguishes files of the same name, and compiled rules of different texts.
    name = f"{path.stem}_{sha256[:16]}"
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # required by dataclasses and by `inspect`
    try:
        exec(compile(text, str(path), "exec"), module.__dict__)  # noqa: S102 - the user asked to run this file
    except BaseException as error:
        sys.modules.pop(name, None)
        if isinstance(error, SyntaxError):
            position = text, error.lineno, error.offset
            raise _mistake(shown, f"syntax error: {error.msg}", "", "", *position) from None
        # A ScenarioError of a class of agents includes its position already.
        if isinstance(error, (ScenarioError, KeyboardInterrupt, GeneratorExit)):
            raise
        trace = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in trace if frame.filename == str(path)]
        message = f"cannot be imported: {type(error).__name__}: {error}"
        is_local = isinstance(error, ImportError) and (path.parent / f"{error.name}.py").exists()
        expected = "a file that imports no other file of its folder" if is_local else ""
        raise _mistake(shown, message, expected, "", text, lines[-1] if lines else None) from None
    # Other processes cannot import the module by name, so its functions are pickled with their code.
    cloudpickle.register_pickle_by_value(module)  # type: ignore[no-untyped-call]
    _MODULES[path, sha256], _ORIGINS[name] = module, (path, sha256)
    return module, sha256


def _class_in(module: ModuleType, name: str, shown: str) -> type[Agent]:
    from crisis_sim.model import Agent

    classes = {
        key: value
        for key, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__
    }
    kind = classes.get(name)
    if kind is None:
        agents = [key for key, value in classes.items() if issubclass(value, Agent)]
        expected = one_of(agents) if agents else "one that derives from crisis_sim.Agent"
        raise _mistake(shown, f"it has no class '{name}'", expected, nearest(name, classes))
    if not issubclass(kind, Agent):
        expected = "a class that derives from crisis_sim.Agent or from one of its subclasses"
        raise _mistake(shown, f"'{name}' is not a class of agents", expected)
    return kind


def _mistake(
    file: str,
    message: str,
    expected: str = "",
    near: str = "",
    text: str = "",
    line: int | None = None,
    column: int | None = None,
) -> ScenarioError:
    """Return the error for a mistake in a file, at a position in its text if known."""
    lines = text.splitlines()
    source_line = lines[line - 1] if line and line <= len(lines) else ""
    indent = len(source_line) - len(source_line.lstrip())
    return ScenarioError(
        [Mistake(file, line or 0, column or indent + 1, message, expected, near, source_line)]
    )


def applicable_roles(scenario: Scenario, roles: Mapping[str, Any] | None) -> dict[str, Any]:
    """Select the `roles` that are agents of a scenario, or whole roles."""
    names = _role_of_each(scenario) if roles else {}
    return {name: kind for name, kind in (roles or {}).items() if name in names}


def _role_of_each(scenario: Scenario) -> dict[str, str]:
    """Return the roles of a scenario's agents by name; the name of a role stands for all of its agents."""
    from crisis_sim.model.cast import ROLES

    agents = {name: section for section in SECTIONS for name in getattr(scenario, section)}
    return {**agents, **{role: role for role in ROLES}}


def check_rules(
    scenarios: Iterable[Scenario], roles: Mapping[str, Any], agents: Iterable[Any]
) -> None:
    """Raise BatchError unless each of `roles` names an agent of some scenario or a role, and all classes fit."""
    role_of = {name: role for one in scenarios for name, role in _role_of_each(one).items()}
    for name, kind in roles.items():
        if name not in role_of:
            expected = one_of(role_of) + did_you_mean(name, role_of)
            raise BatchError(
                f"there is no agent '{name}' for {_short(kind)} to replace; expected {expected}"
            )
    check_classes(roles, agents, role_of)


def check_classes(
    roles: Mapping[str, Any], agents: Iterable[Any], role_of: Mapping[str, str] | None = None
) -> None:
    """Raise BatchError unless classes in `roles` have the role of the agent that they replace, and `agents` new roles.

    The roles of agents by name are in `role_of`; if it is None, a class may have any role.
    """
    from crisis_sim.model.cast import ROLES

    for name, kind in roles.items():
        base = ROLES.get((role_of or {}).get(name, name)) or ROLES.get(getattr(kind, "role", ""))
        if base is None or not (isinstance(kind, type) and issubclass(kind, base)):
            bases = [base] if base else ROLES.values()
            expected = one_of(f"{one.__module__}.{one.__name__}" for one in bases)
            raise BatchError(
                f"{name_of(kind)} cannot be '{name}': expected a subclass of {expected}"
            )
    for kind in agents:
        role = getattr(kind, "role", None)
        if not isinstance(role, str):
            raise BatchError(
                f'{name_of(kind)} has no role; expected a new one, such as role = "councils"'
            )
        if role in ROLES:
            raise BatchError(
                f"{name_of(kind)} has the role {role}, whose agents are named in a scenario; use it in "
                f"place of one of them, as NAME={_short(kind)}, or give it a new role"
            )


def takes_part(kind: Any) -> bool:
    """Return whether a class of agents can affect a crisis. An observer, which only adds columns, cannot."""
    from crisis_sim.model.agent import STEPS, Agent

    if not (isinstance(kind, type) and issubclass(kind, Agent)):
        return False
    plain = kind.step is not Agent.step
    return plain or kind.events != () or any(hasattr(kind, step) for step in STEPS)


def classes_in_words(roles: Mapping[str, Any], agents: Iterable[Any]) -> str:
    """List custom classes, such as "pakistan by Cautious and SecurityCouncil"; "" if there are none."""
    added = [_short(kind) for kind in agents if takes_part(kind)]
    return listed([*(f"{name} by {_short(kind)}" for name, kind in roles.items()), *added])


def labelled_with_classes(
    scenario: Scenario, roles: Mapping[str, Any], agents: Iterable[Any]
) -> Scenario:
    """Return a scenario with custom classes added to its name and title, such as "may_2025 with SecurityCouncil"."""
    classes = classes_in_words(applicable_roles(scenario, roles), agents)
    if not classes or scenario.name.endswith(f" with {classes}"):
        return scenario
    return scenario._with(
        name=f"{scenario.name} with {classes}",
        title=f"{scenario.title}, with {classes}",
        label=scenario.label and f"{scenario.label}, with {classes}",
    )


def _short(kind: Any) -> str:
    return str(getattr(kind, "__name__", type(kind).__name__))


def name_of(agent: Any) -> str:
    """Return the name of a class, or of another callable that makes agents, with its file or module."""
    kind = agent if hasattr(agent, "__qualname__") else type(agent)
    reference = to_reference(kind)
    is_from_file = isinstance(reference, ClassReference)
    return str(reference) if is_from_file else f"{kind.__module__}.{kind.__qualname__}"


def class_records(roles: Mapping[str, Any], agents: Sequence[Any]) -> list[dict[str, str]]:
    """Return the records of custom classes for a manifest.

    Each has the replaced agent (`agent`, "" for an added one), the class, its file and the digest of its text. The file
    is "" unless the class was loaded from one with `load_class`.
    """
    records = []
    for agent, given in [*roles.items(), *(("", one) for one in agents)]:
        kind = given if hasattr(given, "__qualname__") else type(given)
        reference, file, sha256 = to_reference(kind), "", ""
        if isinstance(reference, ClassReference):
            file, sha256 = str(reference.file), reference.sha256
        else:
            with suppress(OSError, TypeError):  # a class that was typed at a prompt
                source = inspect.getsourcefile(kind)
                text = Path(source).read_bytes() if source else inspect.getsource(kind).encode()
                sha256 = hashlib.sha256(text).hexdigest()
        records.append({"agent": agent, "class": name_of(kind), "file": file, "sha256": sha256})
    return records


def reload_classes(records: Iterable[Mapping[str, str]]) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """Load the roles and agents of a manifest's records from their files; skip those without a file."""
    roles: dict[str, Any] = {}
    agents: list[Any] = []
    for record in filter(lambda one: one["file"], records):
        kind = load_class(f"{record['file']}:{record['class'].rpartition(':')[2]}")
        if record["agent"]:
            roles[record["agent"]] = kind
        else:
            agents.append(kind)
    return roles, tuple(agents)
