"""Scenario files as text: names in any script, YAML with the place of each value, and merging."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from crisis_sim.scenario.errors import MAX_MISTAKES, Mistake, ScenarioError
from crisis_sim.scenario.numbers import DISTRIBUTIONS

# Names of agents and of files. Letters are those of any script, with the marks that stand on and beside them, and the
# joiners where scripts need them. A name is one whichever way its accents are written: composed (as most keyboards do)
# or decomposed (as macOS keeps the names of files). All names are read in the composed form, Unicode's NFC.

#: Letters of an agent's name.
LONGEST = 40
AGENT_WORDS = f"a letter, then letters, digits or _, all in lower case, at most {LONGEST}"
FILE_WORDS = "letters, digits, spaces and any of _ - . +"

NON_JOINER, JOINER = "\u200c", "\u200d"
#: Unicode's categories of marks that stand on a letter, and beside it.
MARKS = ("Mn", "Mc")
#: Unicode's combining class of the marks that take a letter's vowel away, beside which joiners may stand.
_VIRAMA = 9


def nfc(text: str) -> str:
    """A text in Unicode's composed form."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def is_agent_name(name: str) -> bool:
    """Whether an agent may be called so: names become columns, paths of parameters, keys of luck."""
    plain = len(name) <= LONGEST and name == name.lower() and name[:1].isalpha()
    return plain and _is_made_of_letters(name, "_")


def suggest_agent_name(name: str) -> str:
    """The agent's name that is most like a text which is none; "" where nothing is left of it."""
    kept = "".join(
        mark if mark.isalnum() or unicodedata.category(mark) in MARKS else "_"
        for mark in nfc(without_joiners(name.lower()))
    )
    near = "_".join(filter(None, kept.split("_"))).lstrip("_0123456789")[:LONGEST].rstrip("_")
    return near if is_agent_name(near) else ""


def is_file_name(name: str) -> bool:
    """Whether a file (without its suffix) may be called so: the name stands in tables, folders and columns."""
    return name[:1] not in (*" .+-", "") and _is_made_of_letters(name, "_ .+-")


def without_joiners(name: str) -> str:
    """A name as it is seen: without joiners."""
    return name.replace(JOINER, "").replace(NON_JOINER, "")


def existing_path(path: Path) -> Path:
    """The path of a file or folder by its name, whichever way its accents are written on the disk."""
    try:
        if str(path).isascii() or path.exists():
            return path
        inside = sorted(existing_path(path.parent).iterdir())
    except (OSError, ValueError):  # no name that a file can have, or a folder that cannot be read
        return path
    return next((one for one in inside if nfc(one.name) == nfc(path.name)), path)


def _is_made_of_letters(name: str, others: str) -> bool:
    return all(
        mark in others or mark.isalnum() or _belongs(mark, name[:place], name[place + 1 :])
        for place, mark in enumerate(name)
    )


def _belongs(mark: str, before: str, after: str) -> bool:
    """Whether a character that is no letter belongs to the letters around it."""
    last = before[-1:]
    if unicodedata.category(mark) in MARKS:
        return last.isalpha() or (bool(last) and unicodedata.category(last) in (*MARKS, "Cf"))
    if mark not in (JOINER, NON_JOINER):
        return False
    if last and unicodedata.combining(last) == _VIRAMA:
        return True
    if not after:
        return False
    if mark == JOINER and last.isalpha() and unicodedata.combining(after[0]) == _VIRAMA:
        return True  # as in Bengali, where it keeps a letter's form before what follows
    letter = next((one for one in reversed(before) if unicodedata.category(one) != "Mn"), "")
    # Persian and Urdu have the non-joiner between parts of a word.
    return mark == NON_JOINER and all(
        unicodedata.bidirectional(one) == "AL" for one in (letter or " ", after[0])
    )


# YAML 1.2: NO is a text, 010 is ten, 1e-3 a number, a date stays a text. Tags (they could make objects), anchors and
# aliases, a second document, duplicate keys and deep nesting are refused by name. A text may come from a stranger: its
# size, the number of its values and the length of its keys have limits, so that it takes neither long nor much memory
# to read.

#: Size of a file, or characters of an override. The scenarios that are shipped have some thousands.
MAX_BYTES = 1024 * 1024
#: Levels of nesting; the schema needs seven.
MAX_DEPTH = 20
#: Keys, items and values in all. Some ten years of a stock market's closes fit; to read so many takes
#: about two seconds.
MAX_VALUES = 50_000
#: Letters of a key.
MAX_KEY = 200
#: Digits beyond which a whole number is read as a float (which it overflows).
MAX_DIGITS = 400
#: How long to wait for a pipe without a writer.
SECONDS_FOR_A_WRITER = 3

_LINE_BREAK = re.compile("\r\n|\r|\n")

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Source:
    """A text and its name in messages."""

    name: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, name: str, text: str) -> Source:
        """The source with this name and text."""
        return cls(name, tuple(_LINE_BREAK.split(text)))

    @property
    def start(self) -> Place:
        """Its first character."""
        return Place(self, 1, 1)

    def line(self, number: int) -> str:
        """A line by its number, counted from 1."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""


@dataclass(frozen=True)
class Place:
    """A place in a source; line and column count from 1, in characters."""

    source: Source
    line: int
    column: int

    def mistake(self, message: str, expected: str = "", suggestion: str = "") -> Mistake:
        """A mistake at this place."""
        name, line = self.source.name, self.source.line(self.line)
        return Mistake(name, self.line, self.column, message, expected, suggestion, line)

    def error(self, message: str, expected: str = "", suggestion: str = "") -> ScenarioError:
        """An error with one mistake, at this place."""
        return ScenarioError([self.mistake(message, expected, suggestion)])


@dataclass(frozen=True)
class Node:
    """A value and its place in a file.

    Attributes:
        place: where the value begins.
        content: a scalar, a list of nodes, or a mapping from keys to nodes.
        key: where the value's key stands, if it has one.
    """

    place: Place
    content: Scalar | list[Node] | dict[str, Node]
    key: Place | None = None

    @property
    def label(self) -> Place:
        """Where to point when the whole entry is meant: its key, or else the value itself."""
        return self.key or self.place

    @property
    def text(self) -> str:
        """The text here; "" where the value is none."""
        return self.content if isinstance(self.content, str) else ""

    @property
    def inner(self) -> dict[Any, Node]:
        """All that it holds: the entries of a mapping by key, the items of a list by place."""
        return self.entries() or dict(enumerate(self.items()))

    def get(self, *path: str) -> Node | None:
        """The node under keys, one below the other; None where one of them is missing."""
        node: Node | None = self
        for key in path:
            node = node.content.get(key) if node and isinstance(node.content, dict) else None
        return node

    def entries(self, *path: str) -> dict[str, Node]:
        """The entries of a mapping, here or under keys; none where it is something else."""
        node = self.get(*path)
        return node.content if node and isinstance(node.content, dict) else {}

    def items(self, *path: str) -> list[Node]:
        """The items of a list, here or under keys; none where it is something else."""
        node = self.get(*path)
        return node.content if node and isinstance(node.content, list) else []

    def all(self, path: str) -> list[Node]:
        """All nodes at a path such as `lenders.*.reviews.#.at`: `*` is each entry, `#` each item."""
        nodes = [self]
        for key in path.split("."):
            if key == "*":
                nodes = [inner for node in nodes for inner in node.entries().values()]
            elif key == "#":
                nodes = [inner for node in nodes for inner in node.items()]
            else:
                nodes = [inner for node in nodes if (inner := node.get(key))]
        return nodes

    def walk(self) -> Iterator[Node]:
        """The value and all values in it."""
        yield self
        for inner in self.inner.values():
            yield from inner.walk()

    def plain(self) -> Any:
        """The value without its places."""
        if isinstance(self.content, dict):
            return {key: node.plain() for key, node in self.content.items()}
        if isinstance(self.content, list):
            return [node.plain() for node in self.content]
        return self.content


def read_text(path: Path, name: str) -> str:
    """The text of a scenario file, which reports call by a name.

    Raises:
        ScenarioError: when it cannot be read, is a device, is too big, or is not UTF-8.
    """
    try:
        raw = _read_bytes(path, name)
    except IsADirectoryError:
        expected = "a scenario file, such as crisis.yaml"
        raise _whole_file(name, "this is a folder", expected) from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        message = getattr(error, "strerror", None) or error
        raise _whole_file(name, f"cannot be read: {message}") from None
    if len(raw) > MAX_BYTES:
        raise _whole_file(name, "too big for a scenario", f"at most {MAX_BYTES} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig", errors="replace")
        source = Source.of(name, raw.decode("utf-8", errors="replace"))
        place = _place_at(source, before, len(before))
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        raise place.error(message, "a text file saved as UTF-8") from None


def _read_bytes(path: Path, name: str) -> bytes:
    """The content of a file or a pipe, up to a byte more than it may have; a device might never end."""
    inherited = _INHERITED.fullmatch(str(path))
    if inherited:  # a socket could not be opened by its name
        number = os.dup(int(inherited[1] or 0))
    else:  # where the system has that flag, a pipe is not waited for until it is seen to be one
        flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        number = os.open(path, os.O_RDONLY | flags)
    try:
        mode = os.fstat(number).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError
        if stat.S_ISFIFO(mode):
            _await_writer(number)
        elif not (stat.S_ISREG(mode) or stat.S_ISSOCK(mode) or os.isatty(number)):
            raise _whole_file(name, "a pipe or a device, not a file", "a scenario file")
        with os.fdopen(number, "rb", closefd=False) as file:
            raw = file.read(MAX_BYTES + 1) or b""
        if not (raw or stat.S_ISREG(mode)):
            raise _whole_file(name, "a pipe or a device, and nothing came of it", "a scenario")
        return raw
    finally:
        os.close(number)


def _await_writer(number: int) -> None:
    """Give a pipe's writer the time to begin; once begun, it may take its time."""
    import select

    poll = select.poll()
    poll.register(number, select.POLLIN)
    poll.poll(1000 * SECONDS_FOR_A_WRITER)
    os.set_blocking(number, True)  # where there is no writer, it has ended


def folder_of(path: Path) -> Path:
    """The folder in which the files that a file names are looked for: its own; the working folder for a pipe."""
    return path.parent if path.is_file() else Path()


def parse(
    name: str, text: str, noun: str = "scenario", keys: str = "title, start and states"
) -> tuple[Node, list[Mistake]]:
    """The mapping that a YAML text holds, and mistakes that leave the rest readable, such as duplicate keys.

    Args:
        name: what to call the text in a report: the file's name.
        noun: what the text is to hold, in a word.
        keys: keys that such a thing begins with, in words.

    Raises:
        ScenarioError: when it cannot be read to its end.
    """
    source = Source.of(name, text)
    top, read = _read(source, text, noun)
    mistakes = list(read)
    if not isinstance(top.content, dict):
        kind = "list" if isinstance(top.content, list) else "single value"
        found = "the file is empty" if top.content is None else f"a {kind}"
        place = source.start if top.content is None else top.place
        mistakes.append(place.mistake(f"{found}: no {noun}", f"keys such as {keys}"))
        raise ScenarioError(mistakes)
    return top, mistakes


def parse_value(source: Source, text: str) -> Node:
    """A single value in YAML, as it stands on the right of an override; its lines and columns are those of `source`.

    Raises:
        ScenarioError: when it is not a value.
    """
    node, mistakes = _read(source, text, "value")
    if mistakes:
        raise ScenarioError(mistakes)
    return node


@lru_cache(maxsize=32)  # scenarios that are compared extend the same files
def _read(source: Source, text: str, noun: str) -> tuple[Node, tuple[Mistake, ...]]:
    if len(text) > MAX_BYTES:
        raise _whole_file(source.name, f"too big for a {noun}", f"at most {MAX_BYTES} characters")
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        place = _place_at(source, text, forbidden.start())
        raise place.error(_forbidden_message(forbidden.group()))
    reader = _Reader(source)
    return reader.read(text), tuple(reader.mistakes)


# Control characters, and those that reorder or break lines unseen: none belongs in a scenario, and
# many would reach the terminal through a title.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufeff\ufffe\uffff]"
)
#: Names of files that a process was given open, as by `<(...)` in a shell.
_INHERITED = re.compile("/dev/stdin|/dev/fd/([0-9]{1,9})")
#: Halves of characters in UTF-16.
_HALVES = re.compile("[\ud800-\udfff]")

_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile("[-+]?[0-9]+")
_OTHER_BASE = re.compile("0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_ZERO = re.compile("[-+0.]*[1-9]")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def read_scalar(text: str) -> Scalar:
    """The value of a scalar that stands without quotes, by the core schema of YAML 1.2.2 (10.3)."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) <= MAX_DIGITS else float(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0) if len(text) <= MAX_DIGITS else float("inf")
    if _FLOAT.fullmatch(text):
        return float(text)
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", ""))
    return text


@dataclass
class _Reader:
    """Reads one document from the parser's events, and notes mistakes that leave the rest readable."""

    source: Source
    mistakes: list[Mistake] = field(default_factory=list)
    reached: tuple[int, int] = (1, 1)  # line and column of the last value met
    values: int = 0  # keys, items and values met

    def read(self, text: str) -> Node:
        """The document's value; an error where it is no YAML, or nested too deeply, or there are two documents."""
        # Not the C parser (it has other rules), and not the composer: it recurses as deeply as
        # the text does, lets aliases multiply, and is slower.
        stream = YAML(typ="safe", pure=True).parse(text)
        try:
            return self._document(stream)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = self._place(mark) if mark else self.source.start
            raise self._stop(place, *_syntax_words(error)) from None
        except (YAMLError, ValueError, OverflowError, IndexError, AttributeError) as error:
            # The parser meets some malformed texts with exceptions that know no place.
            message = f"cannot be read as YAML: {' '.join(str(error).split())}"
            raise self._stop(Place(self.source, *self.reached), message) from None

    def _document(self, stream: Iterator[Any]) -> Node:
        top = Node(self.source.start, None)
        documents = 0
        for event in stream:
            if isinstance(event, events.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    place, message = self._place(event.start_mark), "a second document begins here"
                    raise self._stop(place, message, "one scenario in a file")
                if event.version or event.tags:
                    message = "a directive: scenarios are YAML 1.2 and need none"
                    self._note(self.source.start, message, "no line with %")
            elif isinstance(event, events.NodeEvent):
                top = self._value(event, stream, depth=1)
        return top

    def _value(self, event: Any, stream: Iterator[Any], depth: int) -> Node:
        place = self._place(event.start_mark)
        if depth > MAX_DEPTH:
            raise self._stop(place, "nested too deeply", f"at most {MAX_DEPTH} levels of nesting")
        self._meet(event, place)
        if isinstance(event, events.MappingStartEvent):
            return Node(place, self._mapping(stream, depth))
        if isinstance(event, events.SequenceStartEvent):
            inner = takewhile(lambda one: not isinstance(one, events.SequenceEndEvent), stream)
            return Node(place, [self._value(one, stream, depth + 1) for one in inner])
        if isinstance(event, events.ScalarEvent):
            return Node(place, self._scalar(event, place))
        return Node(place, f"*{event.anchor}")  # an alias, which has been refused

    def _mapping(self, stream: Iterator[Any], depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        for event in stream:
            if isinstance(event, events.MappingEndEvent):
                break
            place = self._place(event.start_mark)
            key = None
            if isinstance(event, events.ScalarEvent):
                self._meet(event, place)
                if len(event.value) > MAX_KEY:
                    message = f"a key of {len(event.value):,} letters"
                    raise self._stop(place, message, f"at most {MAX_KEY}")
                key = self._checked_text(event.value, place)
            else:
                self._value(event, stream, depth + 1)
                self._note(place, "a key that is not a plain word", "a name")
            value = self._value(next(stream), stream, depth + 1)
            if key in entries:
                line = entries[key].label.line
                self._note(place, f"duplicate key '{key}': line {line} has it already")
            elif key is not None:
                entries[key] = Node(value.place, value.content, place)
        return entries

    def _scalar(self, event: Any, place: Place) -> Scalar:
        text = self._checked_text(event.value, place)
        if event.style:  # quotes
            return text
        value = read_scalar(text)
        if isinstance(value, float) and value == 0.0 and _NOT_ZERO.match(text):
            self._note(place, f"too close to 0 to be represented: {text}", "0, or more")
        return value

    def _meet(self, event: Any, place: Place) -> None:
        """Count a value; refuse YAML that scenarios do not use, and too many values or mistakes."""
        self.values += 1
        if self.values > MAX_VALUES:
            raise self._stop(place, "too much for a scenario", f"at most {MAX_VALUES:,} values")
        if len(self.mistakes) >= MAX_MISTAKES:
            raise self._stop(place, "too many mistakes to read on", "those above mended first")
        extends = "to build on another scenario, use `extends: other.yaml`"
        if isinstance(event, events.AliasEvent):
            message = f"an alias (*{event.anchor}): scenarios have none"
            self._note(place, message, f"the value itself; {extends}")
        elif event.anchor:
            message = f"an anchor (&{event.anchor}): scenarios have none"
            self._note(place, message, f"the value alone; {extends}")
        tag = getattr(event, "tag", None)
        if tag:
            tag = str(tag).replace("tag:yaml.org,2002:", "!!")
            self._note(place, f"a tag ({tag}): scenarios have none", "a plain value")

    def _checked_text(self, text: str, place: Place) -> str:
        """A composed text, without forbidden characters that an escape in its quotes brought in.

        Two escapes that are one character in UTF-16 are put together: JSON writes some letters so.
        """
        if _HALVES.search(text):
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        forbidden = _FORBIDDEN.search(text)
        if forbidden:
            self._note(place, _forbidden_message(forbidden.group()))
            text = _FORBIDDEN.sub("\ufffd", text)  # what looks at it next may take no half letter
        return nfc(text)

    def _place(self, mark: Any) -> Place:
        self.reached = (mark.line + 1, mark.column + 1)
        return Place(self.source, *self.reached)

    def _note(self, place: Place, message: str, expected: str = "") -> None:
        self.mistakes.append(place.mistake(message, expected))

    def _stop(self, place: Place, message: str, expected: str = "") -> ScenarioError:
        return ScenarioError([*self.mistakes, place.mistake(message, expected)])


def to_node(value: Any, place: Place) -> Node:
    """A plain value as if it stood at a place."""
    if isinstance(value, Mapping):
        return Node(place, {key: to_node(entry, place) for key, entry in value.items()}, place)
    if isinstance(value, (list, tuple)):
        return Node(place, [to_node(item, place) for item in value], place)
    return Node(place, value, place)


#: Words in a parser's complaint, its meaning, and the expected syntax.
_SYNTAX = (
    ("'\\t'", "a tab cannot indent", "spaces"),
    (
        "mapping values are not allowed",
        "a colon where none can stand",
        "quotes around a text that holds ': '",
    ),
    (
        "expected <block end>",
        "this does not line up with what stands above",
        "keys of one level in one column",
    ),
    ("could not find expected ':'", "a key without a colon", "key: value"),
)


def _syntax_words(error: Any) -> tuple[str, str]:
    """A parser's complaint in plain words, and what it expected."""
    problem = " ".join(str(error.problem or error.context or "not YAML").split())
    for words, message, expected in _SYNTAX:
        if words in problem:
            return message, expected
    if "while scanning a quoted scalar" in str(error.context) and "end of stream" in problem:
        return "a quoted text that does not end", "a closing quote"
    return f"not valid YAML: {problem}", ""


def _forbidden_message(mark: str) -> str:
    return f"character U+{ord(mark):04X}: control characters have no place in a scenario"


def _place_at(source: Source, text: str, position: int) -> Place:
    """The place of the character at a position of a text."""
    lines = _LINE_BREAK.split(text[:position])
    return Place(source, len(lines), len(lines[-1]) + 1)


def _whole_file(name: str, message: str, expected: str = "") -> ScenarioError:
    return ScenarioError([Mistake(name, 0, 0, message, expected)])


# A scenario that extends another is laid over it:
# - A mapping is laid over a mapping entry by entry, at every depth.
# - Anything else replaces what was there: a list, a text, a number. So does a distribution, as a
#   whole: `{uniform: [0, 1]}` over `{normal: [0.5, 0.1]}` leaves nothing of the normal.
# - `null` removes the inherited entry. Where nothing was inherited it stays, and is a mistake later.
# - A mediator that is removed also leaves the inherited lists of those who may open a channel.
# Every value keeps the place where it was written, so a mistake points into the right file.


def lay_over(inherited: Node, over: Node) -> Node:
    """A whole scenario laid over the one it extends; both are mappings. A new title loses the old label."""
    if over.get("title") and inherited.get("label"):
        inherited = replace(
            inherited, content={k: v for k, v in inherited.entries().items() if k != "label"}
        )
    merged = merge(inherited, over)
    gone = inherited.entries("mediators").keys() - merged.entries("mediators").keys()
    channels = merged.get("channels")
    if not gone or channels is None:
        return merged
    kept = channels.entries().copy()
    for name, channel in kept.items():
        openers = channel.get("opened_by")
        if openers and openers is inherited.get("channels", name, "opened_by"):
            left = [opener for opener in openers.items() if opener.content not in gone]
            kept[name] = _with(channel, "opened_by", replace(openers, content=left))
    return _with(merged, "channels", replace(channels, content=kept))


def merge(inherited: Node, over: Node) -> Node:
    """One value laid over another."""
    if not isinstance(inherited.content, dict) or not isinstance(over.content, dict):
        return over
    if is_distribution(inherited) or is_distribution(over):
        return over
    entries = dict(inherited.content)
    for key, value in over.content.items():
        if key in entries and value.content is None:
            del entries[key]
        else:
            entries[key] = merge(entries[key], value) if key in entries else value
    return replace(over, content=entries)


def is_distribution(node: Node) -> bool:
    """Whether a value is written as a distribution, such as `{uniform: [0, 1]}`."""
    if not isinstance(node.content, dict) or len(node.content) != 1:
        return False
    kind, body = next(iter(node.content.items()))
    if kind == "choice":
        return isinstance(body.content, list) or "values" in body.entries()
    return kind in DISTRIBUTIONS and isinstance(body.content, list)


def _with(node: Node, key: str, value: Node) -> Node:
    return replace(node, content={**node.entries(), key: value})
