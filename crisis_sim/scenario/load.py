"""Loading a scenario: its file, what it extends, overrides, the checked result; and behaviours that fit the record.

What cannot be read is a `ScenarioError` with all mistakes, which name the nearest that there is.
"""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache, reduce
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple, TypeVar, cast

from pydantic_core import PydanticCustomError

from crisis_sim.scenario.checks import check
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of, removed_parameter
from crisis_sim.scenario.introspect import TOP, Slot, parameters, validate
from crisis_sim.scenario.numbers import Distribution, Within, read_number
from crisis_sim.scenario.schema import LADDERS, Scenario
from crisis_sim.scenario.source import (
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
#: Files that may extend one another in a row.
MAX_CHAIN = 10

Given = TypeVar("Given")
Made = TypeVar("Made")


class Shipped(NamedTuple):
    """A scenario that comes with Crisis Sim: its name, its file, and its title, in one line."""

    name: str
    path: Path
    title: str


def shipped_folder() -> Path:
    """The folder of the shipped scenarios."""
    return data_folder(__file__, "_scenarios", "scenarios")


def data_folder(module: str, inside: str, in_checkout: str) -> Path:
    """A folder of shipped files: inside the package (in a wheel), or in a checkout, as seen from a room's module's file."""
    package = on_disk(Path(module).resolve().parents[1])
    folder = package / inside
    return folder if folder.is_dir() else package.parent / in_checkout


@cache
def on_disk(folder: Path) -> Path:
    """A folder of the package with all its files.

    Where a wheel is imported as it is, without being unpacked, a copy that lasts as long as the process.
    """
    archive = None
    with suppress(OSError):  # it may not be looked at
        found = next((one for one in (folder, *folder.parents) if one.exists()), folder)
        archive = found if found.is_file() else None
    return folder if archive is None else _unpacked(archive) / folder.relative_to(archive)


@cache
def _unpacked(archive: Path) -> Path:
    """A copy of the package's files out of a zip file."""
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
    """The names of all shipped scenarios, in order of the alphabet."""
    return sorted(path.stem for path in shipped_folder().glob(f"*{SUFFIX}"))


def shipped_scenarios() -> list[Shipped]:
    """All shipped scenarios with their titles, in order of the alphabet."""
    found = []
    for name in shipped_names():
        path = shipped_folder() / f"{name}{SUFFIX}"
        layers, _ = read_chain(path, str(path))
        titles = (str(title.content) for layer in layers if (title := layer.top.get("title")))
        found.append(Shipped(name, path, next(titles, "")))
    return found


def find_scenario(reference: str | os.PathLike[str]) -> Path:
    """The file that a person means: a path, or the bare name of a shipped scenario."""
    return find_file(reference, shipped_folder(), "scenario", "a scenario file")


def find_file(
    reference: str | os.PathLike[str], folder: Path, noun: str, what_is_expected: str
) -> Path:
    """The file that a person means: a path, be it of a pipe, or the bare name of one of the shipped files in a folder.

    A report calls what such a file holds by the `noun`, and the file itself `what_is_expected`.
    """
    text = os.fspath(reference)
    path = existing_path(Path(text))
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
    message = "this is a folder" if is_folder else f"no such file, nor a shipped {noun}"
    expected = f"{what_is_expected}, or {one_of(shipped)}" if shipped else what_is_expected
    raise ScenarioError([Mistake(text, 0, 0, message, expected, near or nearest(text, known))])


class Layer(NamedTuple):
    """One file of a chain, and its mapping without `extends`."""

    path: Path
    top: Node

    def within(self, folder: Path) -> Path:
        """Its place in a folder; that of a shipped scenario, which is found from every folder, is its name."""
        inside = self.path.is_relative_to(folder)
        return self.path.relative_to(folder) if inside else Path(self.path.name)


def read_chain(path: Path, name: str) -> tuple[list[Layer], list[Mistake]]:
    """A scenario file and those it extends, each in the folder of the one before it or below.

    A scenario file may come from a stranger, and must not show what stands elsewhere in a report, which calls the first file
    by the name. Returns the files, the one asked for first, and mistakes that leave the rest readable.
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
            named = Path(name) if path.is_file() else Path()
            path = _inside(folder_of(path), extends)
            if path in names:
                chain = " -> ".join([*names.values(), names[path]])
                raise extends.place.error(f"a circle of files: {chain}")
            if len(names) == MAX_CHAIN:
                raise extends.place.error(f"more than {MAX_CHAIN} files extend one another")
            name = str(named.parent / extends.text)
            names[path] = name
    except ScenarioError as error:
        raise ScenarioError([*mistakes, *error.mistakes]) from None


#: A key of files for the first generation of the model, which had turns.
TURNS = "hours_per_turn"


def _entries(top: Node) -> dict[str, Node]:
    """A file's entries, without the length of a turn, which means nothing now."""
    entries = dict(top.entries())
    if turns := entries.pop(TURNS, None):
        _warn_of_turns(turns.label)
    return entries


def _warn_of_turns(place: Place) -> None:
    where = f"{printable(place.source.name)}:{place.line}:{place.column}"
    message = "means nothing now that time is continuous, and can be deleted"
    warnings.warn(f"{where}: `{TURNS}` {message}", stacklevel=3)


def _inside(folder: Path, extends: Node) -> Path:
    """The file that `extends` names, resolved: inside the folder, or else the shipped scenario of that name."""
    name = extends.text
    expected = "a scenario file of the same folder, or a shipped scenario, such as may_2025"
    if not name:
        raise extends.label.error("`extends` names no file", expected)
    windows = PureWindowsPath(name)
    if windows.anchor or PurePosixPath(name).is_absolute() or ".." in windows.parts:
        raise extends.place.error("a scenario extends files of its own folder only", expected)
    stem = name.removesuffix(SUFFIX)
    shipped = shipped_names()
    if windows.suffix not in SUFFIXES:
        if name not in shipped:
            raise extends.place.error(
                f"'{name}' is no scenario file", expected, nearest(name, shipped)
            )
        name += SUFFIX
    root = folder.resolve()
    try:
        target = existing_path(root / name).resolve()
        found = target.is_file()
    except (OSError, RuntimeError):  # a name too long, or links that lead in a circle
        target, found = root / name, False
    if not target.is_relative_to(root):
        raise extends.place.error(f"'{name}' leads out of its folder", expected)
    if not found and stem in shipped:
        return (shipped_folder() / f"{stem}{SUFFIX}").resolve()
    if not found:
        known = [file.name for suffix in SUFFIXES for file in root.glob(f"*{suffix}")]
        raise extends.place.error(f"no file '{name}' here", expected, nearest(name, known))
    return target


# Overrides: `--set path=value`. A path goes from key to key with dots, and by number (from 0) into a list:
# `mediators.us.leverage.india=0.2`, `events.0.deaths=40`, `lenders.imf.conditionality={uniform: [0, 1]}`. The value is
# read as YAML and laid over what the files say, as a file that extends them would be: `mediators.us=null` takes that
# mediator out. Overrides are made in their order: the last one stands. On a command line and in an experiment's file,
# one that a later one overwrites is a mistake.

SET_OPTION = "--set"
#: The place of a mistake in a value that a program has set.
CHANGED = "changed"
Keys = tuple[str, ...]


def override(top: Node, overrides: Sequence[str]) -> tuple[Node, list[Mistake]]:
    """A scenario's values with overrides laid over them one by one, and the mistakes in those that could not be read."""
    mistakes: list[Mistake] = []
    for text in overrides:
        try:
            top = _written_out(lay_over(top, _override(top, text)))
        except ScenarioError as error:
            mistakes += error.mistakes
    return top, mistakes


def _override(top: Node, text: str) -> Node:
    """What an override lays over a scenario: mappings along its path, with nothing but its value at the end."""
    source = Source.of(SET_OPTION, text)
    path, equals, value = text.partition("=")
    if path.strip() == TURNS:
        _warn_of_turns(source.start)
        return replace(top, content={})
    if not equals or not path.strip():
        expected = "path=value, such as behaviour.decision.cost=5"
        raise source.start.error(f"'{text}' sets nothing", expected)
    steps = _steps(source, path, top)
    # Spaces in place of the path, so that the value's columns are those of the whole text.
    node = parse_value(source, " " * (len(path) + 1) + value)
    is_last = True
    for key, place, holder in reversed(steps):
        there = holder.inner.get(key)
        node = replace(node, key=place if is_last or there is None else there.key)
        content: Any = {key: node}
        if isinstance(key, int):
            content = holder.items().copy()
            content[key] = merge(content[key], node)
        node, is_last = replace(holder, content=content), False
    return node


def _steps(source: Source, path: str, top: Node) -> list[tuple[str | int, Place, Node]]:
    """The keys of a path, each with its place and the value that it leads into."""
    steps: list[tuple[str | int, Place, Node]] = []
    column = 1 + len(path) - len(path.lstrip())
    slot, node = TOP, top
    for word in path.strip().split("."):
        place = Place(source, 1, column)
        if (slot.part and nfc(word) not in slot.keys) and (
            former := removed_parameter(path.strip())
        ):
            raise place.error(*former)
        key = _key(nfc(word), place, slot, node, top)
        below = slot.step(key) if key is not None else None
        if key is None or below is None:
            raise place.error(f"there is nothing to set at '{word}'", "a path to a value")
        steps.append((key, place, node))
        slot, node = below, node.inner.get(key) or Node(place, None)
        column += len(word) + 1
    return steps


def _key(word: str, place: Place, slot: Slot, node: Node, top: Node) -> str | int | None:
    """The key that a word of a path means; None where the schema has nothing below."""
    if slot.is_list:
        count = len(node.items())
        # No word of more digits than the count has can be below it, and Python reads no endless one.
        if word.isascii() and word.isdigit() and len(word) <= len(str(count)) and int(word) < count:
            return int(word)
        among = f"a number from 0 to {count - 1}" if count else "no path into a list that is empty"
        raise place.error(f"no entry '{word}'", among)
    known: Sequence[str] = slot.keys
    if slot.by_name:
        known = [*(top.entries("states") if slot.limits else node.entries())]
    if word in known:
        return word
    if not known and not slot.by_name:
        return None
    among = one_of(known) or "a name that the scenario has; there is none here"
    raise place.error(f"unknown '{word}'", among, nearest(word, known))


def find_overwritten(overrides: Sequence[str]) -> list[Mistake]:
    """Mistakes: overrides that a later one overwrites entirely; for commands and experiments' files.

    A program may overwrite what it set before; a person who does so has made a mistake.
    """
    mistakes: list[Mistake] = []
    replaced: dict[Keys, str] = {}  # by later overrides, and by which
    entered: dict[Keys, str] = {}  # the paths above those
    for text in reversed(overrides):
        source = Source.of(SET_OPTION, text)
        path, _, value = text.partition("=")
        try:
            node = parse_value(source, value)
        except ScenarioError:  # reported when the override is made
            continue
        said, replacing = _said(node, tuple(word.strip() for word in nfc(path).split(".")))
        found = (
            replaced.get(one[:count]) or entered.get(one)
            for one in said
            for count in range(1, len(one) + 1)
        )
        if later := next(filter(None, found), None):
            message = f"'{later}' overwrites what '{text}' says"
            mistakes.append(source.start.mistake(message, "one of them"))
        for one in replacing:
            replaced[one] = text
            entered |= {one[:count]: text for count in range(1, len(one))}
    return mistakes[::-1]


def _said(node: Node, path: Keys) -> tuple[list[Keys], list[Keys]]:
    """The paths at which an override gives a value, and those at which it replaces all that was there."""
    said: list[Keys] = []
    replaced: list[Keys] = []
    within = [(node, path, False)]
    while within:
        one, at, inside = within.pop()
        is_whole = not isinstance(one.content, dict) or is_distribution(one)
        if is_whole and not inside:
            replaced.append(at)
        within += [(child, (*at, str(k)), is_whole or inside) for k, child in one.inner.items()]
        if not one.inner and one.content is not None and one.content != {}:
            said.append(at)
    return said, replaced


# A scenario as its files give it, before overrides and checks: its values, its name, and mistakes in how it is written.
Files = tuple[Node, str, Sequence[Mistake]]


def load_scenario(reference: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Scenario:
    """Read and check a scenario.

    Args:
        reference: a scenario file, or the bare name of a shipped scenario.
        overrides: changes such as `mediators.us.leverage.india=0.2`, in the order in which they
            are to be made (see `crisis_sim.scenario.load`).

    Raises:
        ScenarioError: when there is no such scenario, or it has mistakes; holds all of them.
    """
    return build_scenario(*_read_files(reference), overrides=overrides)


def load_each(
    references: Iterable[str | os.PathLike[str]], overrides: Sequence[str] = ()
) -> list[Scenario | ScenarioError]:
    """Read and check scenarios that are to be compared: each, or its mistakes.

    Overrides are made in every scenario. One that takes something out does nothing in scenarios without it, but one of them
    must have it.
    """
    read = [_attempt(_read_files, reference) for reference in references]
    tops = [one[0] for one in read if not isinstance(one, ScenarioError)]
    optional = {
        text
        for text in overrides
        if read_scalar(text.partition("=")[2].strip()) is None
        and any(_leads_somewhere(top, text) for top in tops)
    }

    def made(files: Files) -> Scenario:
        left = [one for one in overrides if one not in optional or _leads_somewhere(files[0], one)]
        return build_scenario(*files, overrides=left)

    return [one if isinstance(one, ScenarioError) else _attempt(made, one) for one in read]


def _leads_somewhere(top: Node, text: str) -> bool:
    """Whether there is something in a scenario at an override's path."""
    try:
        return bool(_steps(Source.of(SET_OPTION, text), text.partition("=")[0], top))
    except ScenarioError:
        return False


def _attempt(make: Callable[[Given], Made], given: Given) -> Made | ScenarioError:
    try:
        return make(given)
    except ScenarioError as error:
        return error


def load_scenarios(
    references: Iterable[str | os.PathLike[str]], overrides: Sequence[str] = ()
) -> list[Scenario]:
    """Read and check scenarios that are to be compared, as `load_each` does.

    Raises:
        ScenarioError: when any of them has mistakes; holds all mistakes of all of them. A mistake
            in an override that only some of the scenarios have names them.
    """
    references = list(references)
    each = load_each(references, overrides)
    having: dict[Mistake, dict[str, Mistake]] = {}
    for reference, one in zip(references, each, strict=True):
        for mistake in one.mistakes if isinstance(one, ScenarioError) else ():
            # The expected value differs between scenarios; the mistake is the same.
            same = replace(mistake, expected="", suggestion="")
            having.setdefault(same, {})[Path(reference).stem] = mistake
    found = []
    for by_name in having.values():
        mistake = max(by_name.values(), key=lambda one: bool(one.suggestion))
        if mistake.file == SET_OPTION and len(by_name) < len(
            {Path(one).stem for one in references}
        ):
            message = f"{mistake.message} in {one_of(by_name, 'and')}"
            mistake = replace(mistake, message=message)
        found.append(mistake)
    if found:
        raise ScenarioError(found)
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
    entries = _entries(top)
    if extends := entries.pop("extends", None):
        mistakes.append(extends.label.mistake("only a file can extend others", "a whole scenario"))
    return build_scenario(replace(top, content=entries), nfc(name), mistakes, overrides)


def change_scenario(
    scenario: Scenario, changes: Mapping[str, Any], name: str, *, labelled: bool = False
) -> Scenario:
    """A scenario with values changed by path, under a name, and under a label that says so (see `Scenario.changed`)."""
    texts = [f"{path}={json.dumps(value, default=_plain)}" for path, value in changes.items()]
    if labelled and texts and not {"title", "label"} & changes.keys():
        texts.append(f"label={json.dumps(label_of([shorten(one, 60) for one in texts]))}")
    content = scenario.model_dump(
        mode="json", exclude={"name"}, exclude_none=True, exclude_unset=True
    )
    try:
        return build_scenario(to_node(content, Source.of(CHANGED, "").start), name, overrides=texts)
    except ScenarioError as error:
        found = [
            replace(one, file=CHANGED) if one.file == SET_OPTION else one for one in error.mistakes
        ]
        raise ScenarioError(found) from None


def label_of(overrides: Sequence[str]) -> str:
    """What a scenario with changes is called in charts and tables: by them, or by how many they are.

    In words that a narrow table can wrap, without names of sections: "With us leverage india 0.2 and no imf".
    """
    said = []
    for one in overrides:
        path, _, value = one.partition("=")
        section, *others = path.split(".")
        name = " ".join(others or [section]).replace("_", " ")
        said.append(f"no {name}" if value.strip() == "null" else f"{name} {value.strip()}")
    return f"With {listed(said) if len(said) < 3 else f'{len(said)} changes'}"


def _plain(value: Any) -> Any:
    """A value of Python's as a scenario file has it: a distribution, a date, a part of a scenario, a number of NumPy's."""
    for convert in ("plain", "isoformat", "model_dump", "tolist"):
        if hasattr(value, convert):
            return getattr(value, convert)()
    raise TypeError(f"a scenario holds no {type(value).__name__}: {value!r}")


def _read_files(reference: str | os.PathLike[str]) -> Files:
    path = find_scenario(reference)
    called = str(path)  # in a report: as the person did, or relative to where they are
    if path.is_absolute():
        with suppress(OSError, ValueError):
            called = str(path.relative_to(Path.cwd()))
    name = nfc(path.stem)
    if not is_file_name(name):
        message = "the file's name cannot be a scenario's name"
        raise ScenarioError([Mistake(called, 0, 0, message, FILE_WORDS)])
    layers, mistakes = read_chain(path, called)
    return reduce(lay_over, [layer.top for layer in reversed(layers)]), name, mistakes


def _written_out(top: Node) -> Node:
    """A scenario's values with the rungs of the ladder that it names, or of the first where it has none."""
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
    """The scenario of some values with overrides, checked.

    Mistakes in how they are written, found before, are reported with all others but those that follow from them.
    """
    try:
        top, found = override(_written_out(top), overrides)
    except ScenarioError as error:
        raise ScenarioError([*mistakes, *error.mistakes]) from None
    found += check(top)
    if named := top.get("name"):  # the schema's own, which a file cannot set
        found.append(named.label.mistake("a scenario is named after its file", "no name"))
    scenario = validate(Scenario, top, found, name=name)
    known = {(one.file, one.line, one.column) for one in mistakes}
    found = [one for one in found if (one.file, one.line, one.column) not in known]
    if mistakes or found or scenario is None:
        raise ScenarioError([*mistakes, *found])
    return scenario


# Behaviours that fit the record: a table of parameter sets, and a scenario that is drawn over all of them. A
# row is a set: its `weight`, and a column for each parameter by its path. Each replicate draws a row by its own
# keyed luck, the same in every scenario, so that replicates are paired within a set. The column `fit` of
# outcomes is the row's number, from 0.

#: The name of the luck by which a set is drawn, and of the column of outcomes with its number.
FIT = "fit"
WEIGHT = "weight"
#: The shipped table.
SHIPPED_FITS = Path(__file__).with_name("fits.csv")
_EXPECTED = "a parameter of behaviour, such as behaviour.decision.cost"


def over_fits(scenario: Scenario, table: str | os.PathLike[str] | None = None) -> Scenario:
    """The scenario over all behaviours that fit: parameters that it does not set itself are drawn from a table.

    Args:
        scenario: as it is read; `--set` and the scenario's file go before the table.
        table: a CSV file; the shipped one where left out.

    Raises:
        ScenarioError: when the table has mistakes, or the scenario sets all of its parameters itself.
    """
    columns = read_fits(SHIPPED_FITS if table is None else Path(table))
    groups: dict[str, dict[str, Distribution]] = {}
    for path, column in columns.items():
        _, group, name = path.split(".")
        if name not in getattr(scenario.behaviour, group).model_fields_set:
            groups.setdefault(group, {})[name] = column
    if not groups and not fit_columns(scenario.behaviour.model_dump(mode="json")):
        message = "every parameter of the behaviours that fit is set by the scenario"
        raise ScenarioError([Mistake(scenario.name, 0, 0, message, "one that it leaves open")])
    changed = {
        group: getattr(scenario.behaviour, group)._with(**update)
        for group, update in groups.items()
    }
    return scenario._with(behaviour=scenario.behaviour._with(**changed))


def load_over_fits(
    reference: str | os.PathLike[str], overrides: Sequence[str] = (), fits: bool = True
) -> Scenario:
    """A scenario as `load_scenario` reads it, over all behaviours that fit unless `fits` is false."""
    read = load_scenario(reference, overrides)
    return over_fits(read) if fits else read


def fit_columns(plain: Mapping[str, Any], path: str = "") -> dict[str, Distribution]:
    """The parameters of a scenario, as plain data, that are drawn from a table of fits: the column of each by its path."""
    found: dict[str, Distribution] = {}
    for key, value in plain.items():
        if not isinstance(value, Mapping):
            continue
        body = value.get("choice")
        if isinstance(body, Mapping) and body.get("together") == FIT:
            found[f"{path}{key}"] = cast(Distribution, read_number(value))
        else:
            found |= fit_columns(value, f"{path}{key}.")
    return found


def read_fits(path: Path) -> dict[str, Distribution]:
    """A table's columns, by the paths of their parameters.

    Raises:
        ScenarioError: when it cannot be read, or has mistakes; holds all of them.
    """
    source = Source.of(str(path), read_text(path, str(path)).rstrip())
    head, *rows = [list(_cells(source, line)) for line in range(1, len(source.lines) + 1)]
    limits = {one.path: Within(one.low, one.high) for one in parameters() if one.behavioural}
    limits[WEIGHT] = Within(0.0, math.inf)
    names, table = [name for name, _ in head], list[list[float]]()
    mistakes = [*_mistakes_in_head(source, head, limits)]
    if not rows:
        mistakes.append(source.start.mistake("no rows", "a row for each set of parameters"))
    for row in rows:
        if len(row) != len(head):
            expected = f"{len(head)}, as in the first line"
            mistakes.append(row[0][1].mistake(f"{len(row)} cells", expected))
            continue
        table.append([])
        for (text, place), name in zip(row, names, strict=True):
            try:
                table[-1].append(_number(text, limits.get(name)))
            except PydanticCustomError as error:
                mistakes.append(place.mistake(error.message()))
    if mistakes:
        raise ScenarioError(mistakes)
    columns = dict(zip(names, zip(*table, strict=True), strict=True))
    drawn = {"weights": [*columns.pop(WEIGHT)], "together": FIT}
    try:
        return {
            name: cast(Distribution, read_number({"choice": {"values": [*of], **drawn}}))
            for name, of in columns.items()
        }
    except PydanticCustomError as error:
        raise source.start.error(error.message()) from None


def _mistakes_in_head(
    source: Source, head: list[tuple[str, Place]], known: Mapping[str, Within]
) -> Iterator[Mistake]:
    names = [name for name, _ in head]
    if WEIGHT not in names or len(names) < 2:
        expected = f"a column '{WEIGHT}', and one for each parameter"
        yield source.start.mistake("not a table of behaviours that fit", expected)
    for index, (name, place) in enumerate(head):
        if name not in known:
            yield place.mistake(f"unknown parameter '{name}'", _EXPECTED, nearest(name, known))
        elif name in names[:index]:
            yield place.mistake(f"a second column '{name}'", "each parameter once")


def _cells(source: Source, line: int) -> Iterator[tuple[str, Place]]:
    """The cells of a line, each with its place."""
    column = 1
    for cell in source.line(line).split(","):
        yield cell.strip(), Place(source, line, column + len(cell) - len(cell.lstrip()))
        column += len(cell) + 1


def _number(text: str, limits: Within | None) -> float:
    try:
        number = float(text)
    except ValueError:
        raise PydanticCustomError("number", f"not a number: '{text}'") from None
    if limits is None:
        return number
    return cast(float, limits.read(number))
