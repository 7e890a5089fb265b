"""Classes of a person's own in a batch: found in their files, checked, named in labels, recorded, and sent to workers.

A class takes the place of a scenario's agent, or of all agents of a role (`roles`), or adds an agent (`agents`). One from a
file is sent to workers by reference: the file, the class's name and the digest of the file's text. A worker imports the file
by its path, and refuses one that holds another text. A file stands alone: it may import what is installed, but no file
beside it, whose changes nobody would notice.
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

from crisis_sim.batch.files import BatchError
from crisis_sim.scenario.errors import Mistake, ScenarioError, did_you_mean, nearest, one_of
from crisis_sim.scenario.schema import SECTIONS
from crisis_sim.text import listed

if TYPE_CHECKING:
    from crisis_sim.model import Agent
    from crisis_sim.scenario.schema import Scenario

#: Digits of a digest that are shown.
SHOWN = 12
_EXPECTED = "FILE.py:CLASS, such as my_rules.py:Cautious"


@dataclass(frozen=True)
class ClassReference:
    """Where to find a class: its file, its name there, and the SHA-256 of the file's text."""

    file: Path
    name: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.file.name}:{self.name}"

    def load(self) -> type[Agent]:
        """The class; BatchError where the file holds another text by now, ScenarioError where it has mistakes."""
        module, found = _import(self.file, str(self.file))
        if found != self.sha256:
            raise BatchError(
                f"{self.file} is not the file that the run was begun with: its text has the digest "
                f"{found[:SHOWN]} now, and had {self.sha256[:SHOWN]}"
            )
        return _class_in(module, self.name, str(self.file))


#: Files that were imported, by path and digest, and where the classes of a module come from, by its name.
_MODULES: dict[tuple[Path, str], ModuleType] = {}
_ORIGINS: dict[str, tuple[Path, str]] = {}


def load_class(text: str) -> type[Agent]:
    """The class that `FILE.py:CLASS` names.

    Raises:
        BatchError: when it is not of that form.
        ScenarioError: when there is no such file or class, the file has mistakes, or the class is no agent's.
    """
    shown, _, name = text.rpartition(":")
    if not shown or not name.isidentifier():
        raise BatchError(f"{text}: expected {_EXPECTED}")
    module, _ = _import(Path(shown), shown)
    return _class_in(module, name, shown)


def to_reference(given: Any) -> Any:
    """A class from a file as a reference to it, fit to be sent elsewhere; anything else as it is."""
    origin = _ORIGINS.get(getattr(given, "__module__", ""))
    return given if origin is None else ClassReference(origin[0], given.__qualname__, origin[1])


def load_reference(given: Any) -> Any:
    """The class that a reference leads to; anything else as it is."""
    return given.load() if isinstance(given, ClassReference) else given


def _import(path: Path, shown: str) -> tuple[ModuleType, str]:
    """The module that a file is, imported once for each text of it, and the digest of the text."""
    try:
        content = path.read_bytes()
        text = content.decode("utf-8")
    except (OSError, ValueError) as error:
        said, near = f"cannot be read: {getattr(error, 'strerror', None) or error}", ""
        if isinstance(error, FileNotFoundError):
            said = "no such file"
            near = nearest(path.name, (one.name for one in path.parent.glob("*.py")))
        elif isinstance(error, UnicodeDecodeError):
            said = "its text is not UTF-8"
        raise _wrong(shown, said, "a Python file", near) from None
    from numba import cloudpickle

    path, sha256 = path.resolve(), hashlib.sha256(content).hexdigest()
    if (path, sha256) in _MODULES:
        return _MODULES[path, sha256], sha256
    # The digest tells apart files of one name, and rules that were compiled for another text.
    name = f"{path.stem}_{sha256[:16]}"
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # as dataclasses need it, and whoever looks for the text of a class
    try:
        exec(compile(text, str(path), "exec"), module.__dict__)  # noqa: S102 - who names a file wants it run
    except BaseException as error:
        sys.modules.pop(name, None)
        if isinstance(error, SyntaxError):
            place = text, error.lineno, error.offset
            raise _wrong(shown, f"syntax error: {error.msg}", "", "", *place) from None
        # A class of agents tells the place of a mistake itself.
        if isinstance(error, (ScenarioError, KeyboardInterrupt, GeneratorExit)):
            raise
        trace = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in trace if frame.filename == str(path)]
        said = f"cannot be imported: {type(error).__name__}: {error}"
        beside = isinstance(error, ImportError) and (path.parent / f"{error.name}.py").exists()
        expected = "a file that stands alone, without imports of files beside it" if beside else ""
        raise _wrong(shown, said, expected, "", text, lines[-1] if lines else None) from None
    # Not importable by name elsewhere: what is compiled of it is kept on disk with its code.
    cloudpickle.register_pickle_by_value(module)  # type: ignore[no-untyped-call]
    _MODULES[path, sha256], _ORIGINS[name] = module, (path, sha256)
    return module, sha256


def _class_in(module: ModuleType, name: str, shown: str) -> type[Agent]:
    from crisis_sim.model import Agent

    classes = {
        key: one
        for key, one in vars(module).items()
        if isinstance(one, type) and one.__module__ == module.__name__
    }
    found = classes.get(name)
    agents = [key for key, one in classes.items() if issubclass(one, Agent)]
    if found is None:
        has = one_of(agents, "or") if agents else "one that derives from crisis_sim.Agent"
        raise _wrong(shown, f"it has no class '{name}'", has, nearest(name, classes))
    if not issubclass(found, Agent):
        derives = "a class that derives from crisis_sim.Agent or from one of its subclasses"
        raise _wrong(shown, f"'{name}' is no class of agents", derives)
    return found


def _wrong(
    file: str,
    message: str,
    expected: str = "",
    near: str = "",
    text: str = "",
    line: int | None = None,
    column: int | None = None,
) -> ScenarioError:
    """A mistake in a file, if need be at a place of its text."""
    lines = text.splitlines()
    there = lines[line - 1] if line and line <= len(lines) else ""
    first = len(there) - len(there.lstrip()) + 1
    return ScenarioError(
        [Mistake(file, line or 0, column or first, message, expected, near, there)]
    )


def applicable_roles(scenario: Scenario, roles: Mapping[str, Any] | None) -> dict[str, Any]:
    """Those of the classes in place of others for which a scenario has an agent, or that are for a whole role."""
    known = _known(scenario) if roles else {}
    return {name: kind for name, kind in (roles or {}).items() if name in known}


def _known(scenario: Scenario) -> dict[str, str]:
    """The roles of a scenario's agents by their names; a role's own name stands for all of its agents."""
    from crisis_sim.model.cast import ROLES

    own = {name: section for section in SECTIONS for name in getattr(scenario, section)}
    return {**own, **{role: role for role in ROLES}}


def check_rules(
    scenarios: Iterable[Scenario], roles: Mapping[str, Any], agents: Iterable[Any]
) -> None:
    """Make sure that some of the scenarios have the agents whose classes are given, and that these classes fit.

    Raises:
        BatchError: when it is not so.
    """
    known = {name: role for one in scenarios for name, role in _known(one).items()}
    for name, kind in roles.items():
        if name not in known:
            expected = one_of(known) + did_you_mean(name, known)
            raise BatchError(
                f"there is no agent '{name}' to be a {_short(kind)}; expected {expected}"
            )
    check_classes(roles, agents, known)


def check_classes(
    roles: Mapping[str, Any], agents: Iterable[Any], known: Mapping[str, str] | None = None
) -> None:
    """Make sure that classes are of the right kind.

    Args:
        roles, agents: the classes.
        known: the roles of agents by their names; where it is left out, a class may be of any role.

    Raises:
        BatchError: when one is in place of others and of no role, or of another; or is added and is of one.
    """
    from crisis_sim.model.cast import ROLES

    for name, kind in roles.items():
        wanted = ROLES.get((known or {}).get(name, name)) or ROLES.get(getattr(kind, "role", ""))
        if wanted is None or not (isinstance(kind, type) and issubclass(kind, wanted)):
            several = [wanted] if wanted else ROLES.values()
            expected = one_of(f"{one.__module__}.{one.__name__}" for one in several)
            raise BatchError(
                f"{name_of(kind)} cannot be '{name}': expected a subclass of {expected}"
            )
    for kind in agents:
        role = getattr(kind, "role", None)
        if not isinstance(role, str):
            raise BatchError(
                f'{name_of(kind)} has no role; expected one of its own, such as role = "councils"'
            )
        if role in ROLES:
            raise BatchError(
                f"{name_of(kind)} is one of the {role}, which a scenario names; give it in the place "
                f"of one, as NAME={_short(kind)}, or give it a role of its own"
            )


def takes_part(kind: Any) -> bool:
    """Whether a class of agents has a part in a crisis; an observer, which only adds columns, has none."""
    from crisis_sim.model.engine import STEPS, Agent

    if not (isinstance(kind, type) and issubclass(kind, Agent)):
        return False
    plain = kind.step is not Agent.step
    return plain or kind.events != () or any(kind.find(one) for one in STEPS)


def classes_in_words(roles: Mapping[str, Any], agents: Iterable[Any]) -> str:
    """Who decides by other rules and who is added, such as "pakistan by Cautious and SecurityCouncil"; "" for none."""
    added = [_short(kind) for kind in agents if takes_part(kind)]
    return listed([*(f"{name} by {_short(kind)}" for name, kind in roles.items()), *added])


def labelled_with_classes(
    scenario: Scenario, roles: Mapping[str, Any], agents: Iterable[Any]
) -> Scenario:
    """A scenario under a name and a title that say by which rules it is run: "may_2025 with SecurityCouncil"."""
    words = classes_in_words(applicable_roles(scenario, roles), agents)
    if not words or scenario.name.endswith(f" with {words}"):
        return scenario
    changes = {
        "name": f"{scenario.name} with {words}",
        "title": f"{scenario.title}, with {words}",
        "label": scenario.label and f"{scenario.label}, with {words}",
    }
    return scenario._with(**changes)


def _short(kind: Any) -> str:
    return str(getattr(kind, "__name__", type(kind).__name__))


def name_of(agent: Any) -> str:
    """The name of a class, or of another maker of agents, with its module, or with its file where it comes from one."""
    kind = agent if hasattr(agent, "__qualname__") else type(agent)
    reference = to_reference(kind)
    own = isinstance(reference, ClassReference)
    return str(reference) if own else f"{kind.__module__}.{kind.__qualname__}"


def class_records(roles: Mapping[str, Any], agents: Sequence[Any]) -> list[dict[str, str]]:
    """What a manifest says of classes: in whose place (`agent`, "" for one that is added), name, file and digest.

    The file is that of a class that can be loaded from it again; "" for one that a Python program has given.
    """
    found = []
    for agent, given in [*roles.items(), *(("", one) for one in agents)]:
        kind = given if hasattr(given, "__qualname__") else type(given)
        reference, file, sha256 = to_reference(kind), "", ""
        if isinstance(reference, ClassReference):
            file, sha256 = str(reference.file), reference.sha256
        else:
            with suppress(OSError, TypeError):  # typed at a prompt
                source = inspect.getsourcefile(kind)
                whole = Path(source).read_bytes() if source else inspect.getsource(kind).encode()
                sha256 = hashlib.sha256(whole).hexdigest()
        found.append({"agent": agent, "class": name_of(kind), "file": file, "sha256": sha256})
    return found


def can_reload(record: Iterable[Mapping[str, str]]) -> bool:
    """Whether all classes of a record are in files from which they can be loaded."""
    return all(one["file"] for one in record)


def reload_classes(record: Iterable[Mapping[str, str]]) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """The roles and agents of a record, loaded from their files as these are now; those that have none are left out."""
    roles: dict[str, Any] = {}
    agents: list[Any] = []
    for one in record:
        if one["file"]:
            kind = load_class(f"{one['file']}:{one['class'].rpartition(':')[2]}")
            if one["agent"]:
                roles[one["agent"]] = kind
            else:
                agents.append(kind)
    return roles, tuple(agents)
