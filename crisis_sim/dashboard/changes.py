"""Changes to a scenario: its sliders and switches, and the address and files that store the changes."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlencode

from crisis_sim import text
from crisis_sim.experiments.factors import ScenarioEditor, default_range, middle_of, number_at
from crisis_sim.report.save import scenario_file
from crisis_sim.scenario.errors import Mistake, ScenarioError, did_you_mean
from crisis_sim.scenario.introspect import numbers_of, slot_at
from crisis_sim.scenario.load import (
    SUFFIXES,
    find_scenario,
    load_scenario,
    read_chain,
    shipped_folder,
)
from crisis_sim.scenario.numbers import DISTRIBUTIONS, Distribution, Number
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.yaml_text import FILE_WORDS, MAX_BYTES, is_file_name, nfc
from crisis_sim.version import __version__

#: Names of the scenario in results: unchanged, changed, and with changes kept for comparison.
UNCHANGED, CHANGED, KEPT = "unchanged", "changed", "kept"


@dataclass(frozen=True)
class Changes:
    """Changes to a scenario; immutable.

    Attributes:
        moved: new values of numbers by path, in the order of the changes.
        off: paths of removed agents.
    """

    moved: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    off: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.moved or self.off)

    def move(self, path: str, value: float) -> Changes:
        """Return a copy with a new value of a number."""
        return replace(self, moved=MappingProxyType({**self.moved, path: value}))

    def back(self, path: str) -> Changes:
        """Return a copy without the change to a number."""
        moved = {key: value for key, value in self.moved.items() if key != path}
        return replace(self, moved=MappingProxyType(moved))

    def switch(self, path: str, on: bool) -> Changes:
        """Return a copy with an agent added or removed."""
        return replace(self, off=self.off - {path} if on else self.off | {path})

    @property
    def effective(self) -> dict[str, float]:
        """The new values of numbers, without those of removed agents."""
        return {
            path: value
            for path, value in self.moved.items()
            if not any(path.startswith(f"{agent}.") for agent in self.off)
        }

    def overrides(self, everything: bool = False) -> list[str]:
        """Return the changes as `--set` takes them; `everything` adds numbers of removed agents, which it would refuse."""
        moved = self.moved if everything else self.effective
        off = (f"{path}=null" for path in sorted(self.off))
        return [*(f"{path}={value!r}" for path, value in moved.items()), *off]

    def apply(self, editor: ScenarioEditor) -> Scenario:
        """Return the changed scenario.

        Raises:
            ScenarioError: if it is not valid.
        """
        return editor.with_changes(self.overrides(), CHANGED)


# The page's address stores the changes, so that reloads and links restore them. Its query has a `set` for each change, in
# the form of `--set`, a `kept` for each change of the variant kept for comparison, the `clock` if it is not the default,
# `over_fits`, and the name of the opened `file`, whose content the browser's tab stores. Mistakes in it are reported.

SET, KEEP, CLOCK, FILE, FITS = "set", "kept", "clock", "file", "over_fits"
#: Origins of time; the first is the default.
CLOCKS = ("from_first_strike", "from_trigger")
#: Maximum length of a query, more than enough to change every slider.
MAX_QUERY = 20_000
#: Maximum length of a quotation from the address in a message.
MAX_QUOTE = 60


@dataclass(frozen=True)
class Query:
    """The parsed query of the page's address.

    Attributes:
        sets, kept: changes, and those of the variant kept for comparison, in the form of `--set`.
        clock: the origin of time; "" for the default.
        file: name of the opened file, or "".
        fits: True to draw behaviour from all parameter sets that fit the historical record.
        mistakes: mistakes in the query.
    """

    sets: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    clock: str = ""
    file: str = ""
    fits: bool = False
    mistakes: tuple[str, ...] = ()

    @property
    def encoded(self) -> str:
        """The query as text; "" if it is empty."""
        pairs = [(FILE, self.file), *((SET, change) for change in self.sets)]
        pairs += [*((KEEP, change) for change in self.kept), (CLOCK, self.clock)]
        pairs.append((FITS, "true" if self.fits else ""))
        return urlencode([pair for pair in pairs if pair[1]], safe="=")


def parse_query(query: str) -> Query:
    """Parse a query; unknown names, such as a search engine's, are ignored."""
    if len(query) > MAX_QUERY:
        return Query(mistakes=("error: the address is too long",))
    pairs = parse_qsl(query, keep_blank_values=True)
    sets, kept = (
        tuple(dict.fromkeys(value for name, value in pairs if name == key)) for key in (SET, KEEP)
    )
    known = [name for name, _ in pairs if name in (CLOCK, FILE)]
    twice = dict.fromkeys(name for name in known if known.count(name) > 1)
    mistakes = [f"error: the address contains '{name}' twice" for name in twice]
    first = dict(reversed(pairs))
    fits, clock = first.get(FITS) == "true", first.get(CLOCK, "")
    if clock not in ("", *CLOCKS):
        expected = " or ".join(CLOCKS)
        mistakes.append(
            f"error: unknown clock '{_quote(clock)}' in the address: expected {expected}"
        )
        clock = ""
    return Query(sets, kept, clock, first.get(FILE, ""), fits, tuple(mistakes))


def restore(
    sets: Collection[str], sliders: Mapping[str, Slider], switches: Collection[str]
) -> tuple[Changes, list[str]]:
    """Return the changes of a query that this scenario has sliders and switches for, and the mistakes in the others."""
    changes, mistakes = Changes(), list[str]()
    seen: set[str] = set()
    for change in sets:
        path, _, value = change.partition("=")
        path = nfc(path)
        if path in seen:
            mistakes.append(f"error: the address sets '{_quote(path)}' twice")
        elif path in switches and value == "null":
            changes = changes.switch(path, on=False)
        elif path in sliders:
            low, high = sliders[path].limits
            try:
                number = float(value)
            except ValueError:
                number = math.nan
            if low <= number <= high:
                changes = changes.move(path, number)
            else:
                expected = f"expected a number from {low:g} to {high:g}"
                mistakes.append(f"error: the address sets {path} to '{_quote(value)}': {expected}")
        else:
            hint = did_you_mean(path, [*sliders, *switches])
            mistakes.append(
                f"error: the address sets '{_quote(path)}', which has no slider here{hint}"
            )
        seen.add(path)
    return changes, mistakes


def _quote(value: str) -> str:
    """Shorten a text from a stranger to one line."""
    line = text.clean(value)
    return line if len(line) <= MAX_QUOTE else f"{line[:MAX_QUOTE]}…"


# Sliders and switches are derived from the schema, which marks numbers that have a slider
# (`crisis_sim.scenario.numbers.parameter`) and gives label, unit, range and help. Agents that can be removed have a switch.

#: Sections of agents in the order of the page, and their names; those with a switch can be removed.
KINDS = {
    "lenders": "lender",
    "mediators": "mediator",
    "channels": "back-channel",
    "advisers": "adviser",
    "states": "state",
}
SWITCHED = frozenset(KINDS) - {"states"}
#: The group of sliders of all agents.
BEHAVIOUR = "behaviour"
#: Units that are not written after a number.
HIDDEN_UNITS = ("", "share", "ratio", "value", "intensity")
#: Approximate number of steps of a slider.
STEPS = 100
#: Minimum ratio of a slider's upper to its lower end for a logarithmic slider.
LOG_RATIO = 30


@dataclass(frozen=True)
class Slider:
    """A slider for a number of a scenario.

    Attributes:
        path: the number's path, in the form of `--set`.
        meaning: the schema's description.
        limits: the schema's range, for typed numbers.
        low, high, step: ends and step of the slider.
        log: True for a logarithmic slider.
        given: the scenario's value or distribution.
        middle: the value, or the middle of the distribution.
        spread: the range from which the scenario draws the number; None for a plain value.
    """

    path: str
    label: str
    meaning: str
    unit: str
    limits: tuple[float, float]
    low: float
    high: float
    step: float
    log: bool
    given: Number
    middle: float
    spread: tuple[float, float] | None


@dataclass(frozen=True)
class Group:
    """The sliders of an agent, or of the behaviour of all agents.

    Attributes:
        path: the agent's path, such as `mediators.us`.
        kind: the agent's kind, such as "lender".
        title: the agent's title.
        switched: True if the agent can be removed.
        sliders: the sliders, in the order of the schema.
    """

    path: str
    kind: str
    title: str
    switched: bool
    sliders: tuple[Slider, ...] = ()


def groups_of(scenario: Scenario) -> tuple[Group, ...]:
    """Return all sliders and switches of a scenario, grouped by agent."""
    groups = {
        f"{kind}.{name}": Group(
            f"{kind}.{name}", noun, text.clean(spec.title) or text.label(name), kind in SWITCHED
        )
        for kind, noun in KINDS.items()
        for name, spec in getattr(scenario, kind).items()
    }
    groups[BEHAVIOUR] = Group(BEHAVIOUR, "", "Behaviour of all agents", switched=False)
    for path, limits in numbers_of(scenario).items():
        kind, *rest = path.split(".")
        group = groups.get(BEHAVIOUR if kind == BEHAVIOUR else ".".join([kind, *rest[:1]]))
        slider = _slider(path, (limits.low, limits.high), scenario) if group else None
        if group and slider:
            groups[group.path] = replace(group, sliders=(*group.sliders, slider))
    return tuple(group for group in groups.values() if group.sliders or group.switched)


def number_in_words(number: Number, unit: str = "") -> str:
    """Describe a number of a scenario, such as "0.2 to 0.6" or "lognormal, median 30 days"."""
    suffix = "" if unit in HIDDEN_UNITS else f" {unit}"
    if not isinstance(number, Distribution):
        return f"{number:.15g}{suffix}"
    values = [f"{value:g}" for value in number.values]
    if number.together:
        return f"{min(number.values):g} to {max(number.values):g}{suffix}, drawn with others"
    if number.kind == "choice":
        return f"one of {text.listed(values, 'or')}{suffix}"
    if number.kind in ("normal", "lognormal"):
        return f"{number.kind}, {DISTRIBUTIONS[number.kind][0]} {values[0]}{suffix}"
    if number.kind == "beta":
        return f"beta({', '.join(values)}){suffix}"
    mode = f", most likely {values[1]}" if number.kind == "triangular" else ""
    return f"{values[0]} to {values[-1]}{suffix}{mode}"


def _slider(path: str, limits: tuple[float, float], scenario: Scenario) -> Slider | None:
    """Return the slider of a number, or None if the schema gives it none."""
    slot = slot_at(path.split("."))
    if slot is None or slot.slider is None:
        return None
    given = number_at(scenario, path)
    spread = default_range(given, *limits) if isinstance(given, Distribution) else None
    # The slider includes the scenario's value, even outside the usual range.
    included = (*(spread or ()), middle_of(given), *slot.slider)
    low = max(_rounded(min(included), math.floor), limits[0])
    high = min(_rounded(max(included), math.ceil), limits[1])
    step = (high - low) / STEPS
    power = 10.0 ** math.floor(math.log10(step))
    return Slider(
        path=path,
        label=_label(path, scenario),
        meaning=(slot.field.description or "") if slot.field else "",
        unit=str(slot.note("unit")),
        limits=limits,
        low=low,
        high=high,
        log=high >= LOG_RATIO * low > 0,
        step=max(power * digit for digit in (1, 2, 5) if power * digit <= step * (1 + 1e-9)),
        given=given,
        middle=middle_of(given),
        spread=spread,
    )


def _label(path: str, scenario: Scenario) -> str:
    """Return a label such as "Attention days", "Leverage: India" or "Lending: money"."""
    kind, _, *rest = path.split(".")
    if kind == BEHAVIOUR:
        return f"{text.label(path.split('.')[1])}: {text.label(rest[0]).lower()}"
    name, *states = rest
    titles = [text.clean(scenario.states[state].title) or text.label(state) for state in states]
    return ": ".join([text.label(name), *titles])


def _rounded(number: float, direction: Callable[[float], int]) -> float:
    """Round an end of a slider up (`math.ceil`) or down (`math.floor`) to two significant digits."""
    if number == 0:
        return number
    unit = 10.0 ** (math.floor(math.log10(abs(number))) - 1)
    return round(direction(round(number / unit, 6)) * unit, 9)


# A scenario is opened by name, from a local file, or from a file that a browser sends. The latter may come from a stranger:
# it is read in a temporary folder with copies of the files that it may extend, within the limits of `crisis_sim.scenario`.

#: Maximum length of the name of an uploaded file, in characters; file systems allow 255 bytes.
MAX_NAME = 60
#: Maximum number of changes that a title lists.
NAMED = 2


@dataclass(frozen=True)
class Opened:
    """A scenario, and the content of its file and of the files that it extends, by name, beginning with its file."""

    scenario: Scenario
    files: Mapping[str, bytes]

    @property
    def file(self) -> str:
        """The name of the scenario's file."""
        return next(iter(self.files))

    @cached_property
    def needed(self) -> dict[str, bytes]:
        """The files that are not shipped with Crisis Sim."""
        shipped = {name: shipped_folder() / name for name in self.files}
        return {
            name: content
            for name, content in self.files.items()
            if not (shipped[name].is_file() and shipped[name].read_bytes() == content)
        }

    @property
    def reference(self) -> str:
        """The scenario's name for commands and for files that extend it: its file, or the name of a shipped scenario."""
        return self.file if self.file in self.needed else Path(self.file).stem


def open_reference(reference: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Opened:
    """Open a scenario file, or a shipped scenario by name.

    With `overrides`, in the form of `--set`, the changed scenario becomes a new file, which saved scenarios extend.

    Raises:
        ScenarioError: if it does not exist, or has mistakes.
    """
    scenario = load_scenario(reference, overrides)
    path = find_scenario(reference)
    if not overrides and path.is_file():  # a pipe cannot be read again
        return Opened(scenario, _chain(path))
    name = f"{scenario.name}_set"
    options = " ".join(f"--set {shlex.quote(change)}" for change in overrides)
    head = text.printable(f"# {scenario.name} with {options}\n", also="\n")
    content = head + scenario_file({"scenario": scenario.plain()})
    return Opened(Scenario.from_text(content, name), {f"{name}.yaml": content.encode()})


def open_upload(name: str, content: bytes, known: Mapping[str, bytes]) -> Opened:
    """Open a scenario file that a browser has sent.

    Args:
        name: the file's name.
        content: the file's content.
        known: other files that it may extend, by name; it may also extend shipped scenarios.

    Raises:
        ScenarioError: all mistakes, if there are any.
    """
    name = name.replace("\\", "/").rpartition("/")[2]
    _check(name, content)
    with TemporaryDirectory(prefix="crisis-sim-") as temporary:
        folder = Path(temporary)
        shipped = {file.name: file.read_bytes() for file in shipped_folder().glob("*.yaml")}
        for file, data in {**shipped, **known, name: content}.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(data)
        try:
            return Opened(load_scenario(folder / name), _chain(folder / name))
        except ScenarioError as error:

            def without_folder(message: str) -> str:
                return message.replace(f"{folder}{os.sep}", "")

            raise ScenarioError(
                replace(
                    mistake,
                    file=without_folder(mistake.file),
                    message=without_folder(mistake.message),
                )
                for mistake in error.mistakes
            ) from None


def is_plain_name(name: str) -> bool:
    """Return True for a scenario file's name that is valid, not too long, and does not refer to another folder."""
    stem, dot, suffix = name.rpartition(".")
    return f"{dot}{suffix}" in SUFFIXES and is_file_name(nfc(stem)) and len(name) <= MAX_NAME


def _check(name: str, content: bytes) -> None:
    """Check a file's name and size before it is written."""
    if not name.endswith(SUFFIXES):
        message, expected = "this is not a scenario file", "a file that ends in .yaml or .yml"
    elif not is_plain_name(name):
        message = "the file's name cannot be a scenario's name"
        expected = f"at most {MAX_NAME} {FILE_WORDS}"
    elif len(content) > MAX_BYTES:
        message, expected = "too big for a scenario", f"at most {MAX_BYTES} bytes"
    else:
        return
    raise ScenarioError([Mistake(name[:MAX_NAME], 0, 0, message, expected)])


def _chain(path: Path) -> dict[str, bytes]:
    """Return the content of a scenario file, and of the files that it extends, by name."""
    first, *others = read_chain(path, path.name)[0]
    folder = path.parent.resolve()
    files = {path.name: first.path.read_bytes()}
    for layer in others:
        files[layer.within(folder).as_posix()] = layer.path.read_bytes()
    return files


# The changed scenario is saved as a file that extends the original and contains only the differences.

_HEAD = """\
# {title}
#
# Made in the dashboard of Crisis Sim {version}. It extends {original}, {location}.
#
#   crisis-sim check {quoted}
#   crisis-sim run {original_quoted} {quoted}

"""


def file_name(wished: str, opened: Opened) -> str:
    """Return a valid file name like the wished one, different from those of the extended files."""
    stem = nfc(text.clean(wished)).removesuffix(".yaml").removesuffix(".yml")
    if not is_file_name(stem):
        stem = f"{opened.scenario.name}_changed"
    while f"{stem}.yaml" in opened.files:
        stem += "_changed"
    return f"{stem}.yaml"


def as_scenario_file(opened: Opened, changes: Changes, groups: tuple[Group, ...], name: str) -> str:
    """Return the text of a file of this name (see `file_name`) that extends the original by the changes."""
    from crisis_sim.experiments.targets import as_yaml

    described = describe_changes(changes, groups)
    summary = "unchanged"
    if described:
        summary = f"{text.in_letters(len(described))} changes"
        if len(described) <= NAMED:
            summary = text.listed([change.partition(" instead of ")[0] for change in described])
    title = f"{text.clean(opened.scenario.title)}: {summary}"
    content: dict[str, Any] = {
        "extends": opened.reference,
        "title": title,
        "description": text.sentence(text.listed(described)) or "Nothing is changed.",
    }
    for path, value in {**changes.effective, **dict.fromkeys(sorted(changes.off))}.items():
        *parents, last = path.split(".")
        inner = content
        for key in parents:
            inner = inner.setdefault(key, {})
        inner[last] = value
    is_shipped = opened.file not in opened.needed
    head = _HEAD.format(
        title=title,
        version=__version__,
        original=opened.reference,
        location="which comes with Crisis Sim" if is_shipped else "a file of the same folder",
        quoted=shlex.quote(name),
        original_quoted=shlex.quote(opened.reference),
    )
    return head + as_yaml(content)


def describe_changes(changes: Changes, groups: tuple[Group, ...]) -> list[str]:
    """Describe each change, such as "attention days of the United States 0.5 days instead of 0.5 to 1.5 days"."""
    described = []
    for group in groups:
        name = text.with_article(group.title)
        if group.path in changes.off:
            described.append(f"without {name}")
        owner = f" of {name}" if "." in group.path else ""
        for slider in group.sliders:
            if slider.path in changes.effective:
                label = f"{slider.label[:1].lower()}{slider.label[1:]}"
                value = number_in_words(changes.effective[slider.path], slider.unit)
                given = number_in_words(slider.given, slider.unit)
                described.append(f"{label}{owner} {value} instead of {given}")
    return described
