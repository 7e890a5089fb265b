"""What can be changed in a scenario, the changes made, and the page's address and the files that keep these."""

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
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest
from crisis_sim.scenario.introspect import numbers_of, slot_at
from crisis_sim.scenario.load import (
    SUFFIXES,
    find_scenario,
    load_scenario,
    read_chain,
    shipped_folder,
)
from crisis_sim.scenario.numbers import Distribution, Number
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import FILE_WORDS, MAX_BYTES, is_file_name, nfc
from crisis_sim.version import __version__

#: Names of the scenario among results: as it is, changed, and with changes that were kept to compare with.
UNCHANGED, CHANGED, KEPT = "unchanged", "changed", "kept"


@dataclass(frozen=True)
class Changes:
    """Changes to a scenario; a change to them makes a new one.

    Attributes:
        moved: the value of each number that was moved, by its path, in the order of the moves.
        off: paths of the agents that were taken out.
    """

    moved: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    off: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.moved or self.off)

    def move(self, path: str, value: float) -> Changes:
        """The same with a number moved."""
        return replace(self, moved=MappingProxyType({**self.moved, path: value}))

    def back(self, path: str) -> Changes:
        """The same with a number as the scenario has it."""
        left = {key: value for key, value in self.moved.items() if key != path}
        return replace(self, moved=MappingProxyType(left))

    def switch(self, path: str, on: bool) -> Changes:
        """The same with an agent there or taken out."""
        return replace(self, off=self.off - {path} if on else self.off | {path})

    @property
    def effective(self) -> dict[str, float]:
        """The numbers that were moved, without those of agents that are taken out."""
        return {
            path: value
            for path, value in self.moved.items()
            if not any(path.startswith(f"{one}.") for one in self.off)
        }

    def as_set(self, everything: bool = False) -> list[str]:
        """The same changes as `--set` makes them; `everything` adds numbers of agents taken out, which it refuses."""
        moved = self.moved if everything else self.effective
        off = (f"{path}=null" for path in sorted(self.off))
        return [*(f"{path}={value!r}" for path, value in moved.items()), *off]

    def made_in(self, whole: ScenarioEditor) -> Scenario:
        """The scenario with the changes made.

        Raises:
            ScenarioError: when what is left is no scenario.
        """
        return whole.with_changes(self.as_set(), CHANGED)


# The page's address keeps what was changed: a reload brings it back, and a link to the same dashboard takes it along. Its
# query has a `set` for each change, as `--set` makes it, a `kept` for each of the variant that is compared with, the `clock`
# where it is not the usual one, `over_fits` if it is so, and the `file` that was opened, which the browser's tab itself
# keeps. Anybody may have typed it, so what is wrong in it is reported, not obeyed.

SET, KEEP, CLOCK, FILE, FITS = "set", "kept", "clock", "file", "over_fits"
#: From where time may be counted; the first as usual.
CLOCKS = ("from_first_strike", "from_trigger")
#: Letters that a query may have: far more than a change to every slider takes.
MAX_QUERY = 20_000
#: Letters of a stranger's that are repeated in a message.
MAX_ECHO = 60


@dataclass(frozen=True)
class Asked:
    """The request in the query of the page's address.

    Attributes:
        sets, kept: changes, and those of the variant that is compared with, as `--set` makes them.
        clock: from where time is counted; "" for as usual.
        file: the file that was opened; "" for none.
        fits: whether it is over fits.
        mistakes: what is wrong in it as a whole.
    """

    sets: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    clock: str = ""
    file: str = ""
    fits: bool = False
    mistakes: tuple[str, ...] = ()

    @property
    def query(self) -> str:
        """The query that asks for it; "" where it is nothing."""
        pairs = [(FILE, self.file), *((SET, one) for one in self.sets)]
        pairs += [*((KEEP, one) for one in self.kept), (CLOCK, self.clock)]
        pairs.append((FITS, "true" if self.fits else ""))
        return urlencode([pair for pair in pairs if pair[1]], safe="=")


def asked_by(query: str) -> Asked:
    """The request in a query; names that it does not know, such as a search engine's, are ignored."""
    if len(query) > MAX_QUERY:
        return Asked(mistakes=("error: the address is too long to be one of this page",))
    pairs = parse_qsl(query, keep_blank_values=True)
    sets, kept = (
        tuple(dict.fromkeys(value for name, value in pairs if name == key)) for key in (SET, KEEP)
    )
    known = [name for name, _ in pairs if name in (CLOCK, FILE)]
    twice = dict.fromkeys(name for name in known if known.count(name) > 1)
    mistakes = [f"error: the address says '{name}' twice" for name in twice]
    first = dict(reversed(pairs))
    fits, clock = first.get(FITS) == "true", first.get(CLOCK, "")
    if clock not in ("", *CLOCKS):
        told = f"counts time '{_echo(clock)}': expected {' or '.join(CLOCKS)}"
        mistakes.append(f"error: the address {told}")
        clock = ""
    return Asked(sets, kept, clock, first.get(FILE, ""), fits, tuple(mistakes))


def recall(
    sets: Collection[str], sliders: Mapping[str, Slider], switches: Collection[str]
) -> tuple[Changes, list[str]]:
    """Make the changes that a query asks for, as far as this scenario has them; and the rest in words, a line each."""
    changes, mistakes = Changes(), list[str]()
    seen: set[str] = set()
    for one in sets:
        path, _, value = one.partition("=")
        path = nfc(path)
        if path in seen:
            mistakes.append(f"error: the address sets '{_echo(path)}' twice")
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
                told = f"expected a number from {low:g} to {high:g}"
                mistakes.append(f"error: the address sets {path} to '{_echo(value)}': {told}")
        else:
            near = nearest(path, [*sliders, *switches])
            hint = f"; did you mean '{near}'?" if near else ""
            told = f"error: the address sets '{_echo(path)}', which has no slider here{hint}"
            mistakes.append(told)
        seen.add(path)
    return changes, mistakes


def _echo(given: str) -> str:
    """A stranger's text, short and on one line."""
    shown = text.clean(given)
    return shown if len(shown) <= MAX_ECHO else f"{shown[:MAX_ECHO]}…"


# The sliders and switches of a scenario are read off its schema; none is listed by hand. A number has a slider where the
# schema marks it as worth one (`crisis_sim.scenario.numbers.parameter`), which also gives label, unit, range and help. An
# agent that a scenario may do without has a switch.

#: Kinds of agents in the order in which they are shown, each with its name; those with a switch can be taken out.
KINDS = {
    "lenders": "lender",
    "mediators": "mediator",
    "channels": "back-channel",
    "advisers": "adviser",
    "states": "state",
}
SWITCHED = frozenset(KINDS) - {"states"}
#: The group of sliders that hold for all agents.
BEHAVIOUR = "behaviour"
#: Units that are not written after a number.
UNSAID = ("", "share", "value", "intensity")
#: Steps from end to end of a slider, about.
STEPS = 100
#: How many times its low end a slider's high end is, for equal ways on it to be equal ratios.
DECADES = 30


@dataclass(frozen=True)
class Slider:
    """A number of a scenario that is worth moving.

    Attributes:
        path: where it stands, as for `--set`.
        meaning: the schema's description, in a line.
        limits: from where to where it may be typed, which is as far as the schema allows.
        low, high, step: the ends of the slider, and how far apart its places are.
        log: whether equal ways on the slider are equal ratios, because it spans decades.
        given: the scenario's value or distribution.
        middle: its value, or the middle of its distribution.
        spread: from where to where the scenario draws it; None for a plain value.
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
    """The sliders of one agent, or of what holds for all.

    Attributes:
        path: where the agent stands in the scenario, such as `mediators.us`.
        kind: a lender, a mediator.
        title: its name.
        switched: whether it can be taken out.
        sliders: its sliders, in the schema's order.
    """

    path: str
    kind: str
    title: str
    switched: bool
    sliders: tuple[Slider, ...] = ()


def groups_of(scenario: Scenario) -> tuple[Group, ...]:
    """All sliders and switches of a scenario, agent by agent."""
    groups = {
        f"{kind}.{name}": Group(
            f"{kind}.{name}", noun, text.clean(spec.title) or text.label(name), kind in SWITCHED
        )
        for kind, noun in KINDS.items()
        for name, spec in getattr(scenario, kind).items()
    }
    groups[BEHAVIOUR] = Group(BEHAVIOUR, "all of them", "How all of them decide", switched=False)
    for path, limits in numbers_of(scenario).items():
        kind, *rest = path.split(".")
        group = groups.get(BEHAVIOUR if kind == BEHAVIOUR else ".".join([kind, *rest[:1]]))
        slider = _slider(path, (limits.low, limits.high), scenario) if group else None
        if group and slider:
            groups[group.path] = replace(group, sliders=(*group.sliders, slider))
    return tuple(one for one in groups.values() if one.sliders or one.switched)


def number_in_words(number: Number, unit: str = "") -> str:
    """A number of a scenario as a person would say it: "0.2 to 0.6"."""
    after = "" if unit in UNSAID else f" {unit}"
    if not isinstance(number, Distribution):
        return f"{number:.15g}{after}"
    shown = [f"{value:g}" for value in number.values]
    if number.together:
        return f"{min(number.values):g} to {max(number.values):g}{after}, drawn with others"
    if number.kind == "choice":
        return f"one of {text.listed(shown, 'or')}{after}"
    if number.kind in ("normal", "lognormal"):
        return f"{number.kind}, around {shown[0]}{after}"
    if number.kind == "beta":
        return f"beta, {text.listed(shown)}{after}"
    around = f", mostly near {shown[1]}" if number.kind == "triangular" else ""
    return f"{shown[0]} to {shown[-1]}{after}{around}"


def _slider(path: str, limits: tuple[float, float], scenario: Scenario) -> Slider | None:
    """The slider of a number; None where the schema marks it as worth none."""
    slot = slot_at(path.split("."))
    if slot is None or slot.slider is None:
        return None
    given = number_at(scenario, path)
    spread = default_range(given, *limits) if isinstance(given, Distribution) else None
    # The scenario's own value has a place on the slider, even outside the usual range.
    within = (*(spread or ()), middle_of(given), *slot.slider)
    low = max(_rounded(min(within), math.floor), limits[0])
    high = min(_rounded(max(within), math.ceil), limits[1])
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
        log=high >= DECADES * low > 0,
        step=max(power * one for one in (1, 2, 5) if power * one <= step * (1 + 1e-9)),
        given=given,
        middle=middle_of(given),
        spread=spread,
    )


def _label(path: str, scenario: Scenario) -> str:
    """Such as "Attention days", "Leverage: India", "Lending: restraint"."""
    kind, _, *rest = path.split(".")
    if kind == BEHAVIOUR:
        return f"{text.label(path.split('.')[1])}: {text.label(rest[0]).lower()}"
    name, *states = rest
    titles = [text.clean(scenario.states[state].title) or text.label(state) for state in states]
    return ": ".join([text.label(name), *titles])


def _rounded(number: float, way: Callable[[float], int]) -> float:
    """An end of a slider, rounded outward to two figures."""
    if number == 0:
        return number
    figure = 10.0 ** (math.floor(math.log10(abs(number))) - 1)
    return round(way(round(number / figure, 6)) * figure, 9)


# Opening a scenario: by name, from a local file, or sent by a browser. A file that a browser sends may be a stranger's. It
# is read in a folder of its own, beside copies of the files that it may extend, with all the limits and messages of
# `crisis_sim.scenario`; the folder is gone afterwards.

#: Longest name of a file that a browser sends, in letters; file systems allow 255 bytes.
MAX_NAME = 60
#: Changes that a title names; more are counted.
NAMED = 2


@dataclass(frozen=True)
class Opened:
    """A scenario, and the content of its file and of those that it extends, by their names: itself first."""

    scenario: Scenario
    files: Mapping[str, bytes]

    @property
    def file(self) -> str:
        """The name of its own file."""
        return next(iter(self.files))

    @cached_property
    def needed(self) -> dict[str, bytes]:
        """Those of the files that do not come with Crisis Sim, and so are found only where they are kept."""
        shipped = {name: shipped_folder() / name for name in self.files}
        return {
            name: content
            for name, content in self.files.items()
            if not (shipped[name].is_file() and shipped[name].read_bytes() == content)
        }

    @property
    def reference(self) -> str:
        """What a file that extends it, or a command, calls it: its file, or a shipped scenario's name."""
        return self.file if self.file in self.needed else Path(self.file).stem


def open_reference(reference: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Opened:
    """Open a scenario file, or a shipped scenario by its name.

    With `overrides`, as `--set` makes them, it stands in a file of its own, for what is saved extends it.

    Raises:
        ScenarioError: when there is none, or it has mistakes.
    """
    scenario = load_scenario(reference, overrides)
    path = find_scenario(reference)
    if not overrides and path.is_file():  # a pipe cannot be read again
        return Opened(scenario, _chain(path))
    name = f"{scenario.name}_set"
    head = f"# {scenario.name} with {' '.join(f'--set {shlex.quote(one)}' for one in overrides)}\n"
    content = text.printable(head, also="\n") + scenario_file({"scenario": scenario.plain()})
    return Opened(Scenario.from_text(content, name), {f"{name}.yaml": content.encode()})


def open_sent(name: str, content: bytes, known: Mapping[str, bytes]) -> Opened:
    """Open a scenario file that a browser has sent.

    Args:
        name: the file's name there.
        content: what is in it.
        known: files that it may extend besides the shipped ones, by their names.

    Raises:
        ScenarioError: when it has mistakes; they name the file as the person does.
    """
    name = name.replace("\\", "/").rpartition("/")[2]
    _check(name, content)
    with TemporaryDirectory(prefix="crisis-sim-") as made:
        folder = Path(made)
        shipped = {file.name: file.read_bytes() for file in shipped_folder().glob("*.yaml")}
        for file, data in {**shipped, **known, name: content}.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(data)
        try:
            return Opened(load_scenario(folder / name), _chain(folder / name))
        except ScenarioError as error:

            def bare(told: str) -> str:  # of the folder the person knows nothing
                return told.replace(f"{folder}{os.sep}", "")

            raise ScenarioError(
                replace(one, file=bare(one.file), message=bare(one.message))
                for one in error.mistakes
            ) from None


def is_plain(name: str) -> bool:
    """Whether a scenario file's name leads into no other folder, and is no longer than one may be."""
    stem, dot, suffix = name.rpartition(".")
    return f"{dot}{suffix}" in SUFFIXES and is_file_name(nfc(stem)) and len(name) <= MAX_NAME


def _check(name: str, content: bytes) -> None:
    """Make sure of a file's name and size before anything is written."""
    wrong = expected = ""
    if not name.endswith(SUFFIXES):
        wrong, expected = "this is no scenario file", "a file that ends in .yaml or .yml"
    elif not is_plain(name):
        wrong = "the file's name cannot be a scenario's name"
        expected = f"at most {MAX_NAME} {FILE_WORDS}"
    elif len(content) > MAX_BYTES:
        wrong, expected = "too big for a scenario", f"at most {MAX_BYTES} bytes"
    if wrong:
        raise ScenarioError([Mistake(name[:MAX_NAME], 0, 0, wrong, expected)])


def _chain(path: Path) -> dict[str, bytes]:
    own, *others = read_chain(path, path.name)[0]
    folder = path.parent.resolve()
    files = {path.name: own.path.read_bytes()}
    for layer in others:
        files[layer.within(folder).as_posix()] = layer.path.read_bytes()
    return files


# The changed scenario as a file that extends the original and holds only the differences.

_HEAD = """\
# {title}
#
# Made in the dashboard of Crisis Sim {version}. It extends {original}, {where}.
#
#   crisis-sim check {quoted}
#   crisis-sim run {original_quoted} {quoted}

"""


def file_name(wished: str, opened: Opened) -> str:
    """A name for the file that is near to the wished one, and is none of those that it extends."""
    stem = nfc(text.clean(wished)).removesuffix(".yaml").removesuffix(".yml")
    if not is_file_name(stem):
        stem = f"{opened.scenario.name}_changed"
    while f"{stem}.yaml" in opened.files:
        stem += "_changed"
    return f"{stem}.yaml"


def as_scenario_file(opened: Opened, changes: Changes, groups: tuple[Group, ...], name: str) -> str:
    """The scenario with its changes as a file, of this name (`file_name`), that extends the original."""
    from crisis_sim.experiments.calibrate import as_yaml

    told = describe_changes(changes, groups)
    short = "unchanged"
    if told:
        short = f"{text.in_letters(len(told))} changes"
        if len(told) <= NAMED:
            short = text.listed([one.partition(" in place of ")[0] for one in told])
    title = f"{text.clean(opened.scenario.title)}: {short}"
    content: dict[str, Any] = {
        "extends": opened.reference,
        "title": title,
        "description": text.sentence(text.listed(told)) or "Nothing is changed.",
    }
    for path, value in {**changes.effective, **dict.fromkeys(sorted(changes.off))}.items():
        *before, last = path.split(".")
        inner = content
        for key in before:
            inner = inner.setdefault(key, {})
        inner[last] = value
    head = _HEAD.format(
        title=title,
        version=__version__,
        original=opened.reference,
        where="a file of the same folder"
        if opened.file in opened.needed
        else "which comes with Crisis Sim",
        quoted=shlex.quote(name),
        original_quoted=shlex.quote(opened.reference),
    )
    return head + as_yaml(content)


def describe_changes(changes: Changes, groups: tuple[Group, ...]) -> list[str]:
    """Each change in words, such as "attention days of the United States 0.5 days in place of 0.5 to 1.5 days"."""
    told = []
    for group in groups:
        name = text.with_article(group.title)
        if group.path in changes.off:
            told.append(f"without {name}")
        of = f" of {name}" if "." in group.path else ""
        for slider in group.sliders:
            if slider.path in changes.effective:
                label = f"{slider.label[:1].lower()}{slider.label[1:]}"
                value = number_in_words(changes.effective[slider.path], slider.unit)
                given = number_in_words(slider.given, slider.unit)
                told.append(f"{label}{of} {value} in place of {given}")
    return told
