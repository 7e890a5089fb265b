"""Loading a scenario: finding its file, what it extends, overrides, and the checked result."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, TypeVar

from pydantic import ValidationError

from crisis_sim.scenario.checks import check
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.scenario.introspect import TOP, Slot, explain
from crisis_sim.scenario.schema import Scenario, south_asian_ladder
from crisis_sim.scenario.source import (
    FILE_WORDS,
    Node,
    Place,
    Source,
    composed,
    folder_of,
    is_distribution,
    is_file_name,
    lay_over,
    merge,
    node_of,
    parse,
    parse_value,
    read_text,
    spelt_on_disk,
)

# --- The scenarios that come with Crisis Sim, and how a name on the command line becomes a file
#
# They are the folder `scenarios/` of a checkout, which travels in a wheel as `crisis_sim/_scenarios`. A wheel may be
# imported
# as it is, without being unpacked.

SUFFIX = ".yaml"


@dataclass(frozen=True)
class Shipped:
    """A scenario that comes with Crisis Sim.

    Attributes:
        name: the name it answers to.
        path: its file.
        title: what it is, in one line.
    """

    name: str
    path: Path
    title: str


def shipped_folder() -> Path:
    """Where the shipped scenarios are: inside the package, or beside it in a checkout."""
    package = on_disk(Path(__file__).resolve().parents[1])
    inside = package / "_scenarios"
    return inside if inside.is_dir() else package.parent / "scenarios"


@cache
def on_disk(folder: Path) -> Path:
    """A folder of the package with all its files; a copy, for as long as the process lives, where a zip file holds it.

    Args:
        folder: where a module's `__file__` says that it is.

    Raises:
        OSError: when it cannot be copied.
    """
    archive = None
    with suppress(OSError):  # it may not be looked at
        found = next((one for one in (folder, *folder.parents) if one.exists()), folder)
        archive = found if found.is_file() else None
    return folder if archive is None else _unpacked(archive) / folder.relative_to(archive)


@cache
def _unpacked(archive: Path) -> Path:
    """A copy of what a zip file has of the package."""
    import atexit
    import shutil
    from tempfile import mkdtemp
    from zipfile import ZipFile

    package = __name__.partition(".")[0]
    copy = Path(mkdtemp(prefix="crisis-sim-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    with ZipFile(archive) as file:
        names = [name for name in file.namelist() if package in Path(name).parts]
        file.extractall(copy, names)
    return copy


def shipped_names() -> list[str]:
    """The names of all shipped scenarios, in order of the alphabet."""
    return sorted(path.stem for path in shipped_folder().glob(f"*{SUFFIX}"))


def shipped_scenarios() -> list[Shipped]:
    """All shipped scenarios with their titles, in order of the alphabet.

    Raises:
        ScenarioError: when a file cannot be read.
    """
    return [_shipped(shipped_folder() / f"{name}{SUFFIX}") for name in shipped_names()]


def find_scenario(reference: str | os.PathLike[str]) -> Path:
    """The file that a person means: a path, or the bare name of a shipped scenario.

    Raises:
        ScenarioError: when there is neither; names the nearest.
    """
    return find_file(reference, shipped_folder(), "scenario", "a scenario file")


def find_file(
    reference: str | os.PathLike[str], folder: Path, what: str, what_is_expected: str
) -> Path:
    """The file that a person means: a path, be it of a pipe, or the bare name of one that comes with Crisis Sim.

    Args:
        reference: what the person gave.
        folder: where the shipped files are.
        what: what such a file holds, in a word.
        what_is_expected: the file, in the words of a report.

    Raises:
        ScenarioError: when there is neither; names the nearest.
    """
    text = os.fspath(reference)
    path = spelt_on_disk(Path(text))
    try:
        is_folder = path.is_dir()
        if path.exists() and not is_folder:
            return path
    except (OSError, ValueError):  # no name that a file can have
        is_folder = False
    shipped = {file.stem: file for file in sorted(folder.glob(f"*{SUFFIX}"))}
    if text in shipped:
        return shipped[text]
    known = [*shipped, *(file.name for file in Path().glob(f"*{SUFFIX}"))]
    near = next((word for word in (f"{text}{SUFFIX}", path.stem) if word in known), "")
    message = "this is a folder" if is_folder else f"no such file, nor a shipped {what}"
    expected = f"{what_is_expected}, or {one_of(shipped)}" if shipped else what_is_expected
    raise ScenarioError([Mistake(text, 0, 0, message, expected, near or nearest(text, known))])


def _shipped(path: Path) -> Shipped:
    from crisis_sim.scenario.source import parse, read_text

    top, _ = parse(str(path), read_text(path, str(path)))
    tops = [top]
    if "title" not in top.entries():  # it is inherited, then
        tops = [layer.top for layer in read_chain(path, str(path))[0]]
    titles = (one.entries().get("title") for one in tops)
    title = next((node.content for node in titles if node), "")
    return Shipped(path.stem, path, str(title))


# --- Reading a scenario file and those it extends, one upon the other
#
# A scenario file is data from anyone. It can name only files inside its own folder, so that it
# cannot show a stranger's report what stands elsewhere.

#: Files that may extend one another in a row.
MAX_CHAIN = 10
SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Layer:
    """What one file of a chain says.

    Attributes:
        path: the file.
        top: its mapping, without `extends`.
    """

    path: Path
    top: Node


def read_chain(path: Path, name: str) -> tuple[list[Layer], list[Mistake]]:
    """A scenario file and those it extends.

    Args:
        path: the file.
        name: what to call it in a report.

    Returns:
        what each says, the file itself first; and mistakes in how they are written that leave the
        rest readable.

    Raises:
        ScenarioError: when one of them cannot be read, or they extend one another in a circle.
    """
    layers: list[Layer] = []
    mistakes: list[Mistake] = []
    names = {path.resolve(): name}
    while True:
        try:
            top, found = parse(name, read_text(path, name))
        except ScenarioError as error:
            raise ScenarioError([*mistakes, *error.mistakes]) from None
        mistakes += found
        entries = dict(top.entries())
        extends = entries.pop("extends", None)
        layers.append(Layer(path, Node(top.place, entries)))
        if extends is None:
            return layers, mistakes
        try:
            folder, named = folder_of(path), Path(name) if path.is_file() else Path()
            path = _inside(folder, extends)
            if path in names:
                chain = " -> ".join([*names.values(), names[path]])
                raise ScenarioError([extends.place.mistake(f"a circle of files: {chain}")])
            if len(names) == MAX_CHAIN:
                raise ScenarioError(
                    [extends.place.mistake(f"more than {MAX_CHAIN} files extend one another")]
                )
        except ScenarioError as error:
            raise ScenarioError([*mistakes, *error.mistakes]) from None
        name = str(named.parent / str(extends.content))
        names[path] = name


def _inside(folder: Path, extends: Node) -> Path:
    """The file that `extends` names, resolved; it lies inside the folder.

    Raises:
        ScenarioError: when it is no file's name, or no such file is inside the folder.
    """
    name = extends.content
    expected = "the name of a scenario file in the same folder, such as may_2025.yaml"
    if not isinstance(name, str) or not name:
        raise ScenarioError([extends.label.mistake("`extends` names no file", expected)])
    windows = PureWindowsPath(name)
    if windows.anchor or PurePosixPath(name).is_absolute() or ".." in windows.parts:
        raise ScenarioError(
            [extends.place.mistake("a scenario extends files of its own folder only", expected)]
        )
    if windows.suffix not in SUFFIXES:
        raise ScenarioError([extends.place.mistake(f"'{name}' is no scenario file", expected)])
    root = folder.resolve()
    try:
        target = spelt_on_disk(root / name).resolve()
        found = target.is_file()
    except (OSError, RuntimeError):  # a name too long, or links that lead in a circle
        target, found = root / name, False
    if not target.is_relative_to(root):
        raise ScenarioError([extends.place.mistake(f"'{name}' leads out of its folder", expected)])
    if not found:
        known = [file.name for suffix in SUFFIXES for file in root.glob(f"*{suffix}")]
        raise ScenarioError(
            [extends.place.mistake(f"no file '{name}' here", expected, nearest(name, known))]
        )
    return target


# --- `--set path=value`: one value of a scenario changed from the command line
#
# A path goes from key to key with dots, and by number (from 0) into a list:
# `mediators.us.leverage.india=0.2`, `events.0.deaths=40`,
# `lenders.imf.conditionality={uniform: [0, 1]}`. The value is read as YAML and laid over what the
# files say, as a file that extends them would be: `mediators.us=null` takes that mediator out.
# Overrides are made in their order: the last one stands. On a command line and in an experiment's
# file, one that a later one overwrites is a mistake.

NAME = "--set"


def override(top: Node, overrides: Sequence[str]) -> tuple[Node, list[Mistake]]:
    """A scenario with overrides laid over it, one after the other.

    Args:
        top: the scenario's values.
        overrides: texts such as `mediators.us.leverage.india=0.2`.

    Returns:
        the values with all overrides that could be read, and the mistakes in the others.
    """
    mistakes: list[Mistake] = []
    for text in overrides:
        try:
            top = _override(top, text)
        except ScenarioError as error:
            mistakes += error.mistakes
    return top, mistakes


def overwritten(overrides: Sequence[str]) -> list[Mistake]:
    """The mistakes in overrides of which a later one leaves nothing: nobody means to say a thing twice.

    Programs may; so it is the commands and the experiments' files that ask.
    """
    mistakes: list[Mistake] = []
    replaced: dict[Keys, str] = {}  # by later ones, and by which
    entered: dict[Keys, str] = {}  # what stands above that
    for text in reversed(overrides):
        source = Source.of(NAME, text)
        path, _, value = text.partition("=")
        try:
            node = parse_value(source, value)
        except ScenarioError:  # it is told of when the override is made
            continue
        start = tuple(word.strip() for word in composed(path).split("."))
        said, replacing = _said(node, start)
        found = [
            replaced.get(one[:count]) or entered.get(one)
            for one in said
            for count in range(1, len(one) + 1)
        ]
        later = next(filter(None, found), None)
        if later is not None:
            mistakes.append(
                Place(source, 1, 1).mistake(
                    f"'{later}' overwrites what '{text}' says", "one of them"
                )
            )
        for one in replacing:
            replaced[one] = text
            entered |= {one[:count]: text for count in range(1, len(one))}
    return mistakes[::-1]


Keys = tuple[str, ...]


def _said(node: Node, path: Keys) -> tuple[list[Keys], list[Keys]]:
    """Where an override says what something is, and where it leaves nothing of what was said before."""
    said: list[Keys] = []
    replaced: list[Keys] = []
    within = [(node, path, False)]
    while within:
        one, at, inside = within.pop()
        is_whole = not isinstance(one.content, dict) or is_distribution(one)
        if is_whole and not inside:
            replaced.append(at)
        inner: dict[Any, Node] = dict(enumerate(one.items())) or one.entries()
        within += [(child, (*at, str(key)), is_whole or inside) for key, child in inner.items()]
        if not inner and one.content is not None and one.content != {}:
            said.append(at)
    return said, replaced


def removes(text: str) -> bool:
    """Whether an override takes something out: whether its value is null."""
    source = Source.of(NAME, text)
    try:
        return parse_value(source, text.partition("=")[2]).content is None
    except ScenarioError:
        return False


def leads_somewhere(top: Node, text: str) -> bool:
    """Whether there is something in a scenario at an override's path."""
    try:
        _steps(Source.of(NAME, text), text.partition("=")[0], top)
    except ScenarioError:
        return False
    return True


def _override(top: Node, text: str) -> Node:
    source = Source.of(NAME, text)
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise ScenarioError(
            [
                Place(source, 1, 1).mistake(
                    f"'{text}' sets nothing", "path=value, such as behaviour.decision.dread=5"
                )
            ]
        )
    if "ladder" not in top.entries() and path.strip().startswith("ladder."):
        top = _with_ladder(top, Place(source, 1, 1))
    steps = _steps(source, path, top)
    # Spaces in place of the path, so that the value's columns are those of the whole text.
    node = parse_value(source, " " * (len(path) + 1) + value)
    return lay_over(top, _nest(top, steps, node))


Step = tuple[str | int, Place]


def _steps(source: Source, path: str, top: Node) -> list[Step]:
    """The keys of a path with their places.

    Raises:
        ScenarioError: when the path leads nowhere; names the nearest that does not.
    """
    steps: list[Step] = []
    column = 1 + len(path) - len(path.lstrip())
    slot, node = TOP, top
    for word in path.strip().split("."):
        place = Place(source, 1, column)
        key = _key(composed(word), place, slot, node, top)
        below = slot.step(key)
        if below is None:
            raise ScenarioError([_nothing_at(word, place)])
        steps.append((key, place))
        slot, node = below, _child(node, key) or Node(place, None)
        column += len(word) + 1
    return steps


def _key(word: str, place: Place, slot: Slot, node: Node, top: Node) -> str | int:
    """The key that a word of a path means where it stands."""
    if slot.is_list:
        count = len(node.items())
        # No word of more digits than the count has can be below it, and Python reads no endless one.
        if word.isascii() and word.isdigit() and len(word) <= len(str(count)) and int(word) < count:
            return int(word)
        among = f"a number from 0 to {count - 1}" if count else "no path into a list that is empty"
        raise ScenarioError([place.mistake(f"no entry '{word}'", among)])
    known: Sequence[str] = slot.keys
    if slot.by_name and slot.limits:
        states = top.entries().get("states")
        known = [*states.entries()] if states else []
    elif slot.by_name:
        known = [*node.entries()]
    if word in known:
        return word
    if not known and slot.by_name:
        among = "a name that the scenario has; there is none here"
        raise ScenarioError([place.mistake(f"unknown '{word}'", among)])
    if not known:
        raise ScenarioError([_nothing_at(word, place)])
    raise ScenarioError([place.mistake(f"unknown '{word}'", one_of(known), nearest(word, known))])


def _nothing_at(word: str, place: Place) -> Mistake:
    return place.mistake(f"there is nothing to set at '{word}'", "a path to a value")


def _nest(node: Node | None, steps: Sequence[Step], value: Node) -> Node:
    """A mapping that says nothing but what a value is at the end of a path below a node."""
    if not steps:
        return value
    (key, place), rest = steps[0], steps[1:]
    child = _child(node, key)
    inner = _nest(child, rest, value)
    inner = Node(inner.place, inner.content, child.key if child and rest else place)
    if node is not None and isinstance(key, int):
        items = node.items().copy()
        items[key] = merge(items[key], inner)
        return Node(node.place, items, node.key)
    return Node(node.place if node else place, {str(key): inner}, node.key if node else place)


def _child(node: Node | None, key: str | int) -> Node | None:
    if node is None:
        return None
    if isinstance(key, int):
        return node.items()[key] if key < len(node.items()) else None
    return node.entries().get(key)


def _with_ladder(top: Node, place: Place) -> Node:
    """The scenario with its default ladder written out, so that a path can lead into it."""
    rungs = [rung.model_dump(mode="json") for rung in south_asian_ladder()]
    return Node(top.place, {**top.entries(), "ladder": node_of(rungs, place)}, top.key)


# --- From a reference to a checked scenario: find, read, lay over, override, check
#
# All mistakes are gathered and reported together, whichever step found them.


def load_scenario(reference: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Scenario:
    """Read and check a scenario.

    Args:
        reference: a scenario file, or the bare name of a shipped scenario.
        overrides: changes such as `mediators.us.leverage.india=0.2`, in the order in which they
            are to be made (see `crisis_sim.scenario.load`).

    Raises:
        ScenarioError: when there is no such scenario, or it has mistakes; holds all of them.
    """
    return _read_files(reference).checked(overrides)


def load_each(
    references: Iterable[str | os.PathLike[str]], overrides: Sequence[str] = ()
) -> list[Scenario | ScenarioError]:
    """Read and check scenarios that are meant to stand side by side: each, or its mistakes.

    What an override takes out may be missing from some of them, but not from all.

    Args:
        references: as for `load_scenario`.
        overrides: as for `load_scenario`; they are made in every scenario.
    """
    read = [_attempt(_read_files, reference) for reference in references]
    tops = [one.top for one in read if isinstance(one, _Files)]
    somewhere = [
        text
        for text in overrides
        if removes(text) and any(leads_somewhere(top, text) for top in tops)
    ]

    def checked(files: _Files) -> Scenario:
        return files.checked(
            [
                text
                for text in overrides
                if text not in somewhere or leads_somewhere(files.top, text)
            ]
        )

    return [one if isinstance(one, ScenarioError) else _attempt(checked, one) for one in read]


def load_scenarios(
    references: Iterable[str | os.PathLike[str]], overrides: Sequence[str] = ()
) -> list[Scenario]:
    """Read and check scenarios that are meant to stand side by side, as `load_each` does.

    Raises:
        ScenarioError: when any of them has mistakes; holds all mistakes of all of them. A mistake
            in an override that only some of the scenarios have names them.
    """
    references = list(references)
    each = load_each(references, overrides)
    having: dict[Mistake, dict[str, Mistake]] = {}
    for reference, one in zip(references, each, strict=True):
        for mistake in one.mistakes if isinstance(one, ScenarioError) else ():
            # What would have been right differs between scenarios; the mistake is the same.
            same = replace(mistake, expected="", suggestion="")
            having.setdefault(same, {})[Path(reference).stem] = mistake
    if having:
        names = {Path(reference).stem for reference in references}
        raise ScenarioError(_told_once(by_name, len(names)) for by_name in having.values())
    return [one for one in each if isinstance(one, Scenario)]


def read_scenario(text: str, name: str = "scenario", overrides: Sequence[str] = ()) -> Scenario:
    """Check a scenario that stands in a text.

    Args:
        text: what a scenario file would hold; it can extend none, for it has no folder.
        name: the scenario's name, by which reports call the text, too.
        overrides: as for `load_scenario`.

    Raises:
        ScenarioError: when it has mistakes; holds all of them.
    """
    top, mistakes = parse(name, text)
    extends = top.entries().get("extends")
    if extends is not None:
        mistakes.append(extends.label.mistake("only a file can extend others", "a whole scenario"))
        top = Node(top.place, {k: v for k, v in top.entries().items() if k != "extends"})
    return _checked(top, composed(name), overrides, mistakes)


@dataclass(frozen=True)
class _Files:
    """What a scenario's files say, before it is changed and checked."""

    name: str
    top: Node
    mistakes: Sequence[Mistake]

    def checked(self, overrides: Sequence[str]) -> Scenario:
        return _checked(self.top, self.name, overrides, self.mistakes)


def _read_files(reference: str | os.PathLike[str]) -> _Files:
    path = find_scenario(reference)
    name = composed(path.stem)
    if not is_file_name(name):
        raise ScenarioError(
            [
                Mistake(
                    _call(path),
                    0,
                    0,
                    "the file's name cannot be a scenario's name",
                    FILE_WORDS,
                )
            ]
        )
    layers, mistakes = read_chain(path, _call(path))
    top = layers[-1].top
    for layer in reversed(layers[:-1]):
        top = lay_over(top, layer.top)
    return _Files(name, top, mistakes)


Given = TypeVar("Given")
Made = TypeVar("Made")


def _attempt(make: Callable[[Given], Made], given: Given) -> Made | ScenarioError:
    try:
        return make(given)
    except ScenarioError as error:
        return error


def _told_once(by_name: Mapping[str, Mistake], scenarios: int) -> Mistake:
    """One mistake for those of several scenarios; it names them where others do not have it."""
    mistake = max(by_name.values(), key=lambda one: bool(one.suggestion))
    if mistake.file != NAME or len(by_name) == scenarios:
        return mistake
    return replace(mistake, message=f"{mistake.message} in {one_of(by_name, 'and')}")


def _checked(
    top: Node, name: str, overrides: Sequence[str], mistakes: Sequence[Mistake]
) -> Scenario:
    top, found = override(top, overrides)
    found += check(top)
    scenario = None
    try:
        if "name" in top.entries():  # the schema's own, which a file cannot set
            found.append(
                top.entries()["name"].label.mistake("a scenario is named after its file", "no name")
            )
        scenario = Scenario.model_validate({**top.plain(), "name": name})
    except ValidationError as error:
        found += explain(error, top)
    # What is written amiss is read as well as it can be; what then follows from it is no news.
    known = {(mistake.file, mistake.line, mistake.column) for mistake in mistakes}
    found = [one for one in found if (one.file, one.line, one.column) not in known]
    if mistakes or found or scenario is None:
        raise ScenarioError([*mistakes, *found])
    return scenario


def _call(path: Path) -> str:
    """What to call a file in a report: as the person did, or relative to where they are."""
    if not path.is_absolute():
        return str(path)
    try:
        return str(path.relative_to(Path.cwd()))
    except (OSError, ValueError):
        return str(path)
