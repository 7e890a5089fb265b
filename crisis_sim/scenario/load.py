"""Loading of scenarios: files and the files that they extend, and overrides.

All mistakes are reported together, in a `ScenarioError`.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache, reduce
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple, TypeVar

from crisis_sim.scenario.checks import check
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of, removed_parameter
from crisis_sim.scenario.introspect import TOP, Slot, validate
from crisis_sim.scenario.schema import LADDERS, Scenario
from crisis_sim.scenario.yaml_text import (
    FILE_WORDS,
    Node,
    Place,
    Source,
    existing_path,
    folder_of,
    is_distribution,
    is_file_name,
    lay_over,
    merge,
    nfc,
    parse,
    parse_value,
    read_scalar,
    read_text,
    to_node,
)
from crisis_sim.text import listed, printable, shorten

SUFFIX = ".yaml"
SUFFIXES = (".yaml", ".yml")
#: Maximum length of a chain of files that extend one another.
MAX_CHAIN = 10

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class Shipped(NamedTuple):
    """Name, file and title of a shipped scenario."""

    name: str
    path: Path
    title: str


def shipped_folder() -> Path:
    """Return the folder of the shipped scenarios."""
    return data_folder(__file__, "_scenarios", "scenarios")


def data_folder(module: str, in_wheel: str, in_checkout: str) -> Path:
    """Return a folder of shipped files: inside the package in a wheel, next to it in a checkout.

    Args:
        module: `__file__` of a module in a room of the package.
        in_wheel, in_checkout: names of the folder.
    """
    package = on_disk(Path(module).resolve().parents[1])
    folder = package / in_wheel
    return folder if folder.is_dir() else package.parent / in_checkout


@cache
def on_disk(folder: Path) -> Path:
    """Return a folder of the package, or a temporary copy of it if the package is imported from a zip file."""
    archive = None
    with suppress(OSError):  # permission denied
        existing = next((path for path in (folder, *folder.parents) if path.exists()), folder)
        archive = existing if existing.is_file() else None
    return folder if archive is None else _unpacked(archive) / folder.relative_to(archive)


@cache
def _unpacked(archive: Path) -> Path:
    """Copy the package's files out of a zip file, until the process ends."""
    import atexit
    import shutil
    from tempfile import mkdtemp
    from zipfile import ZipFile

    package = __name__.partition(".")[0]
    copy = Path(mkdtemp(prefix="crisis-sim-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    with ZipFile(archive) as file:
        file.extractall(copy, [name for name in file.namelist() if package in Path(name).parts])
    return copy


def shipped_names() -> list[str]:
    """Return the names of all shipped scenarios, sorted."""
    return sorted(path.stem for path in shipped_folder().glob(f"*{SUFFIX}"))


def shipped_scenarios() -> list[Shipped]:
    """Return all shipped scenarios, sorted by name."""
    scenarios = []
    for name in shipped_names():
        path = shipped_folder() / f"{name}{SUFFIX}"
        layers, _ = read_chain(path, str(path))
        titles = (str(title.content) for layer in layers if (title := layer.top.get("title")))
        scenarios.append(Shipped(name, path, next(titles, "")))
    return scenarios


def find_scenario(reference: str | os.PathLike[str]) -> Path:
    """Return the file of a reference: a path, or the name of a shipped scenario."""
    return find_file(reference, shipped_folder(), "scenario", "a scenario file")


def find_file(reference: str | os.PathLike[str], folder: Path, noun: str, expected: str) -> Path:
    """Return the file of a reference: a path (also of a pipe), or the name of a shipped file.

    Args:
        folder: the folder of shipped files.
        noun: the kind of content, for messages.
        expected: the kind of file, for messages.
    """
    text = os.fspath(reference)
    path = existing_path(Path(text))
    try:
        is_folder = path.is_dir()
        if path.exists() and not is_folder:
            return path
    except (OSError, ValueError):  # an invalid name
        is_folder = False
    shipped = {file.stem: file for file in sorted(folder.glob(f"*{SUFFIX}"))}
    if text in shipped:
        return shipped[text]
    known = [*shipped, *(file.name for file in Path().glob(f"*{SUFFIX}"))]
    near = next((word for word in (f"{text}{SUFFIX}", path.stem) if word in known), "")
    message = "this is a folder" if is_folder else f"no such file, nor a shipped {noun}"
    if shipped:
        expected = f"{expected}, or {one_of(shipped)}"
    raise ScenarioError([Mistake(text, 0, 0, message, expected, near or nearest(text, known))])


class Layer(NamedTuple):
    """A file of a chain, and its mapping without `extends`."""

    path: Path
    top: Node

    def within(self, folder: Path) -> Path:
        """Return the path relative to a folder; for shipped scenarios outside of it, the file's name."""
        inside = self.path.is_relative_to(folder)
        return self.path.relative_to(folder) if inside else Path(self.path.name)


def read_chain(path: Path, name: str) -> tuple[list[Layer], list[Mistake]]:
    """Read a scenario file, whose name in reports is `name`, and the files that it extends.

    Each file is in the folder of the previous file or below: a file from a stranger must not reveal the content of
    other files in error messages. The chain begins with the given file. Also return mistakes after which reading
    could continue.
    """
    layers: list[Layer] = []
    mistakes: list[Mistake] = []
    names = {path.resolve(): name}
    try:
        while True:
            top, found = parse(name, read_text(path, name))
            mistakes += found
            entries = _entries(top)
            extends = entries.pop("extends", None)
            layers.append(Layer(path, Node(top.place, entries)))
            if extends is None:
                return layers, mistakes
            base = Path(name) if path.is_file() else Path()
            path = _extended_file(folder_of(path), extends)
            if path in names:
                chain = " -> ".join([*names.values(), names[path]])
                raise extends.place.error(f"files extend each other in a circle: {chain}")
            if len(names) == MAX_CHAIN:
                raise extends.place.error(f"more than {MAX_CHAIN} files extend one another")
            name = str(base.parent / extends.text)
            names[path] = name
    except ScenarioError as error:
        raise ScenarioError([*mistakes, *error.mistakes]) from None


#: A key of files for the first generation of the model, in which time ran in turns.
TURNS = "hours_per_turn"


def _entries(top: Node) -> dict[str, Node]:
    """Return a file's entries without the length of a turn, which is ignored."""
    entries = dict(top.entries())
    if turns := entries.pop(TURNS, None):
        _warn_of_turns(turns.label)
    return entries


def _warn_of_turns(place: Place) -> None:
    position = f"{printable(place.source.name)}:{place.line}:{place.column}"
    message = "is ignored, because time is continuous, and can be deleted"
    warnings.warn(f"{position}: `{TURNS}` {message}", stacklevel=3)


def _extended_file(folder: Path, extends: Node) -> Path:
    """Return the resolved path of the extended file: inside the folder, or a shipped scenario."""
    name = extends.text
    expected = "a scenario file of the same folder, or a shipped scenario, such as may_2025"
    if not name:
        raise extends.label.error("`extends` names no file", expected)
    windows = PureWindowsPath(name)
    if windows.anchor or PurePosixPath(name).is_absolute() or ".." in windows.parts:
        raise extends.place.error("a scenario can only extend files of its folder", expected)
    stem = name.removesuffix(SUFFIX)
    shipped = shipped_names()
    if windows.suffix not in SUFFIXES:
        if name not in shipped:
            raise extends.place.error(
                f"'{name}' is not a scenario file", expected, nearest(name, shipped)
            )
        name += SUFFIX
    root = folder.resolve()
    try:
        target = existing_path(root / name).resolve()
        exists = target.is_file()
    except (OSError, RuntimeError):  # the name is too long, or links form a circle
        target, exists = root / name, False
    if not target.is_relative_to(root):
        raise extends.place.error(f"'{name}' is outside of the scenario's folder", expected)
    if exists:
        return target
    if stem in shipped:
        return (shipped_folder() / f"{stem}{SUFFIX}").resolve()
    known = [file.name for suffix in SUFFIXES for file in root.glob(f"*{suffix}")]
    raise extends.place.error(f"no file '{name}' here", expected, nearest(name, known))


# Overrides: `--set path=value`. Paths consist of keys, and of numbers (from 0) for items of lists, with dots between them:
# `mediators.us.leverage.india=0.2`, `events.0.deaths=40`, `lenders.imf.conditionality={uniform: [0, 1]}`. The value is
# YAML, and is laid over the scenario like a file that extends it: `mediators.us=null` removes that mediator. Later
# overrides take precedence; on a command line and in an experiment's file, an override without effect is a mistake.

SET_OPTION = "--set"
#: Name of the source of values that a program has set, in reports of mistakes.
CHANGED = "changed"
Keys = tuple[str, ...]


def override(top: Node, overrides: Sequence[str]) -> tuple[Node, list[Mistake]]:
    """Apply overrides to a scenario in order; also return the mistakes of those that are invalid."""
    mistakes: list[Mistake] = []
    for text in overrides:
        try:
            top = _with_rungs(lay_over(top, _override(top, text)))
        except ScenarioError as error:
            mistakes += error.mistakes
    return top, mistakes


def _override(top: Node, text: str) -> Node:
    """Return an override as nested mappings, to be laid over a scenario."""
    source = Source.of(SET_OPTION, text)
    path, equals, value = text.partition("=")
    if path.strip() == TURNS:
        _warn_of_turns(source.start)
        return replace(top, content={})
    if not equals or not path.strip():
        expected = "path=value, such as behaviour.decision.cost=5"
        raise source.start.error(f"'{text}' sets nothing", expected)
    steps = _steps(source, path, top)
    # Spaces replace the path, so that columns in messages are those of the whole text.
    node = parse_value(source, " " * (len(path) + 1) + value)
    is_last = True
    for key, place, parent in reversed(steps):
        current = parent.inner.get(key)
        node = replace(node, key=place if is_last or current is None else current.key)
        content: Any = {key: node}
        if isinstance(key, int):
            content = parent.items().copy()
            content[key] = merge(content[key], node)
        node, is_last = replace(parent, content=content), False
    return node


def _steps(source: Source, path: str, top: Node) -> list[tuple[str | int, Place, Node]]:
    """Return each key of a path with its place and its parent node."""
    steps: list[tuple[str | int, Place, Node]] = []
    path = path.rstrip()
    column = 1 + len(path) - len(path.lstrip())
    slot, node = TOP, top
    for word in path.lstrip().split("."):
        place = Place(source, 1, column)
        if (
            slot.part
            and nfc(word) not in slot.keys
            and (removed := removed_parameter(path.strip()))
        ):
            raise place.error(*removed)
        key = _key(nfc(word), place, slot, node, top)
        child = slot.child(key) if key is not None else None
        if key is None or child is None:
            raise place.error(f"there is nothing to set at '{word}'", "a path to a value")
        steps.append((key, place, node))
        slot, node = child, node.inner.get(key) or Node(place, None)
        column += len(word) + 1
    return steps


def _key(word: str, place: Place, slot: Slot, node: Node, top: Node) -> str | int | None:
    """Return the key that a word of a path stands for; None if a value of this kind has no keys."""
    if slot.is_list:
        count = len(node.items())
        # Python refuses to convert very long numbers.
        if word.isascii() and word.isdigit() and len(word) <= len(str(count)) and int(word) < count:
            return int(word)
        expected = f"a number from 0 to {count - 1}" if count else "another path: the list is empty"
        raise place.error(f"no entry '{word}'", expected)
    known: Sequence[str] = slot.keys
    if slot.by_name:
        known = [*(top.entries("states") if slot.limits else node.entries())]
    if word in known:
        return word
    if not known and not slot.by_name:
        return None
    expected = one_of(known) or "another path: the scenario has no entries here"
    raise place.error(f"unknown '{word}'", expected, nearest(word, known))


def find_overwritten(overrides: Sequence[str]) -> list[Mistake]:
    """Return a mistake for each override without effect, because a later one overwrites it.

    For commands and experiment files: a program may overwrite its earlier changes, but a person does so by mistake.
    """
    mistakes: list[Mistake] = []
    replaced: dict[Keys, str] = {}  # paths that later overrides replace, and these overrides
    parents: dict[Keys, str] = {}  # the paths above them
    for text in reversed(overrides):
        source = Source.of(SET_OPTION, text)
        path, _, value = text.partition("=")
        try:
            node = parse_value(source, value)
        except ScenarioError:  # reported when the override is applied
            continue
        keys = tuple(word.strip() for word in nfc(path).split("."))
        given, replacing = _given_and_replaced(node, keys)
        later = (
            replaced.get(keys[:length]) or parents.get(keys)
            for keys in given
            for length in range(1, len(keys) + 1)
        )
        if overwriting := next(filter(None, later), None):
            message = f"'{overwriting}' overwrites '{text}'"
            mistakes.append(source.start.mistake(message, "only one of them"))
        for whole in replacing:
            replaced[whole] = text
            parents |= {whole[:length]: text for length in range(1, len(whole))}
    return mistakes[::-1]


def _given_and_replaced(node: Node, path: Keys) -> tuple[list[Keys], list[Keys]]:
    """Return the paths at which an override gives a value, and those at which it replaces the whole value."""
    given: list[Keys] = []
    replaced: list[Keys] = []
    stack = [(node, path, False)]
    while stack:
        node, path, inside = stack.pop()
        is_whole = not isinstance(node.content, dict) or is_distribution(node)
        if is_whole and not inside:
            replaced.append(path)
        for key, child in node.inner.items():
            stack.append((child, (*path, str(key)), is_whole or inside))
        if not node.inner and node.content is not None and node.content != {}:
            given.append(path)
    return given, replaced


# Content, name and mistakes of a scenario's files, before overrides and checks.
Files = tuple[Node, str, Sequence[Mistake]]


def load_scenario(reference: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Scenario:
    """Load and check a scenario.

    Args:
        reference: a scenario file, or the name of a shipped scenario.
        overrides: changes such as `mediators.us.leverage.india=0.2`, applied in order (see
            `crisis_sim.scenario.load`).

    Raises:
        ScenarioError: all mistakes, if there are any, or if there is no such scenario.
    """
    return build_scenario(*_read_files(reference), overrides=overrides)


def load_each(
    references: Iterable[str | os.PathLike[str]], overrides: Sequence[str] = ()
) -> list[Scenario | ScenarioError]:
    """Load scenarios for a comparison; return each, or its mistakes.

    Overrides apply to all scenarios. An override that removes an entry is ignored by scenarios without that entry,
    provided that one of them has it.
    """
    files = [_attempt(_read_files, reference) for reference in references]
    tops = [read[0] for read in files if not isinstance(read, ScenarioError)]
    optional = {
        text
        for text in overrides
        if read_scalar(text.partition("=")[2].strip()) is None
        and any(_path_exists(top, text) for top in tops)
    }

    def build(read: Files) -> Scenario:
        relevant = [
            text for text in overrides if text not in optional or _path_exists(read[0], text)
        ]
        return build_scenario(*read, overrides=relevant)

    return [read if isinstance(read, ScenarioError) else _attempt(build, read) for read in files]


def _path_exists(top: Node, text: str) -> bool:
    """Return True if a scenario has an entry at an override's path."""
    try:
        return bool(_steps(Source.of(SET_OPTION, text), text.partition("=")[0], top))
    except ScenarioError:
        return False


def _attempt(function: Callable[[Argument], Result], argument: Argument) -> Result | ScenarioError:
    try:
        return function(argument)
    except ScenarioError as error:
        return error


def load_scenarios(
    references: Iterable[str | os.PathLike[str]], overrides: Sequence[str] = ()
) -> list[Scenario]:
    """Load scenarios for a comparison, like `load_each`.

    Raises:
        ScenarioError: all mistakes of all scenarios. A mistake in an override that does not concern all of them
            names the scenarios.
    """
    references = list(references)
    results = load_each(references, overrides)
    names = [Path(reference).stem for reference in references]
    by_mistake: dict[Mistake, dict[str, Mistake]] = {}
    for name, result in zip(names, results, strict=True):
        for mistake in result.mistakes if isinstance(result, ScenarioError) else ():
            # The same mistake may have different expected values in different scenarios.
            same = replace(mistake, expected="", suggestion="")
            by_mistake.setdefault(same, {})[name] = mistake
    mistakes = []
    for by_name in by_mistake.values():
        mistake = max(by_name.values(), key=lambda mistake: bool(mistake.suggestion))
        if mistake.file == SET_OPTION and len(by_name) < len(set(names)):
            mistake = replace(mistake, message=f"{mistake.message} in {one_of(by_name, 'and')}")
        mistakes.append(mistake)
    if mistakes:
        raise ScenarioError(mistakes)
    return [result for result in results if isinstance(result, Scenario)]


def read_scenario(text: str, name: str = "scenario", overrides: Sequence[str] = ()) -> Scenario:
    """Read and check a scenario from a text.

    Args:
        text: the content of a scenario file; it cannot extend other files.
        name: the scenario's name, also in reports of mistakes.
        overrides: as in `load_scenario`.

    Raises:
        ScenarioError: all mistakes, if there are any.
    """
    top, mistakes = parse(name, text)
    entries = _entries(top)
    if extends := entries.pop("extends", None):
        mistakes.append(extends.label.mistake("only a file can extend others", "a whole scenario"))
    return build_scenario(replace(top, content=entries), nfc(name), mistakes, overrides)


def change_scenario(
    scenario: Scenario, changes: Mapping[str, Any], name: str, *, labelled: bool = False
) -> Scenario:
    """Return a copy of a scenario with changes and a new name; see `Scenario.changed`."""
    texts = [f"{path}={json.dumps(value, default=_plain)}" for path, value in changes.items()]
    if labelled and texts and not {"title", "label"} & changes.keys():
        texts.append(f"label={json.dumps(label_of([shorten(text, 60) for text in texts]))}")
    content = scenario.model_dump(
        mode="json", exclude={"name"}, exclude_none=True, exclude_unset=True
    )
    try:
        return build_scenario(to_node(content, Source.of(CHANGED, "").start), name, overrides=texts)
    except ScenarioError as error:
        mistakes = [
            replace(mistake, file=CHANGED) if mistake.file == SET_OPTION else mistake
            for mistake in error.mistakes
        ]
        raise ScenarioError(mistakes) from None


def label_of(overrides: Sequence[str]) -> str:
    """Return a label for a changed scenario, such as "With us leverage india 0.2 and no imf" or "With 3 changes".

    It consists of words, without names of sections, so that narrow tables can wrap it.
    """
    words = []
    for text in overrides:
        path, _, value = text.partition("=")
        section, *others = path.split(".")
        name = " ".join(others or [section]).replace("_", " ")
        words.append(f"no {name}" if value.strip() == "null" else f"{name} {value.strip()}")
    return f"With {listed(words) if len(words) < 3 else f'{len(words)} changes'}"


def _plain(value: Any) -> Any:
    """Convert a distribution, date, part of a scenario or NumPy number to the form of a scenario file."""
    for convert in ("plain", "isoformat", "model_dump", "tolist"):
        if hasattr(value, convert):
            return getattr(value, convert)()
    raise TypeError(f"not a value for a scenario: {value!r} ({type(value).__name__})")


def _read_files(reference: str | os.PathLike[str]) -> Files:
    path = find_scenario(reference)
    shown = str(path)
    if path.is_absolute():
        with suppress(OSError, ValueError):
            shown = str(path.relative_to(Path.cwd()))
    name = nfc(path.stem)
    if not is_file_name(name):
        message = "the file's name cannot be a scenario's name"
        raise ScenarioError([Mistake(shown, 0, 0, message, FILE_WORDS)])
    layers, mistakes = read_chain(path, shown)
    return reduce(lay_over, [layer.top for layer in reversed(layers)]), name, mistakes


def _with_rungs(top: Node) -> Node:
    """Replace the name of a ladder, or the default, by its rungs."""
    ladder = top.get("ladder") or Node(top.place, next(iter(LADDERS)), top.place)
    if not ladder.text:
        return top
    if ladder.text not in LADDERS:
        near = nearest(ladder.text, LADDERS)
        raise ladder.place.error(f"no ladder '{ladder.text}'", f"{one_of(LADDERS)}, or rungs", near)
    rungs = [rung.model_dump(mode="json") for rung in LADDERS[ladder.text]]
    written = replace(to_node(rungs, ladder.place), key=ladder.key)
    return replace(top, content={**top.entries(), "ladder": written})


def build_scenario(
    top: Node, name: str, mistakes: Sequence[Mistake] = (), overrides: Sequence[str] = ()
) -> Scenario:
    """Build a scenario from its values and overrides.

    Raises:
        ScenarioError: all mistakes, including those found when the files were parsed, but not the mistakes that result
            from these.
    """
    try:
        top, found = override(_with_rungs(top), overrides)
    except ScenarioError as error:
        raise ScenarioError([*mistakes, *error.mistakes]) from None
    found += check(top)
    if named := top.get("name"):  # a field of the schema that files cannot set
        found.append(named.label.mistake("a scenario is named after its file", "no name"))
    scenario = validate(Scenario, top, found, name=name)
    known = {mistake.position for mistake in mistakes}
    found = [mistake for mistake in found if mistake.position not in known]
    if mistakes or found or scenario is None:
        raise ScenarioError([*mistakes, *found])
    return scenario
