"""Scenario files as text: valid names, YAML with the place of each value, and merging of files."""

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

# Names of agents and files consist of letters of any script, including combining marks, and joiners where a script needs
# them. Accents may be composed (as most keyboards write them) or decomposed (as macOS stores file names); all names are
# converted to the composed form, Unicode's NFC.

#: Maximum length of an agent's name.
LONGEST = 40
AGENT_WORDS = f"a letter, then letters, digits or _, all in lower case, at most {LONGEST}"
FILE_WORDS = "letters, digits, spaces and any of _ - . +"

NON_JOINER, JOINER = "\u200c", "\u200d"
#: Unicode's categories of combining marks: nonspacing and spacing.
MARKS = ("Mn", "Mc")
#: Unicode's combining class of the marks that suppress a letter's vowel; joiners may follow or precede them.
_VIRAMA = 9


def nfc(text: str) -> str:
    """Return a text in Unicode's composed form."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def is_agent_name(name: str) -> bool:
    """Return True for a valid agent's name; names become columns, parameter paths and keys of random streams."""
    plain = len(name) <= LONGEST and name == name.lower() and name[:1].isalpha()
    return plain and _consists_of_letters(name, "_")


def suggest_agent_name(name: str) -> str:
    """Return the valid agent's name most similar to a text, or "" if there is none."""
    words = "".join(
        char if char.isalnum() or unicodedata.category(char) in MARKS else " "
        for char in nfc(without_joiners(name.lower()))
    ).split()
    similar = "_".join(words).lstrip("_0123456789")[:LONGEST].rstrip("_")
    return similar if is_agent_name(similar) else ""


def is_file_name(name: str) -> bool:
    """Return True for a valid name of a file, without its suffix; it also appears in tables, folders and columns."""
    return name[:1] not in (*" .+-", "") and _consists_of_letters(name, "_ .+-")


def without_joiners(name: str) -> str:
    """Return a name without joiners, which are invisible."""
    return name.replace(JOINER, "").replace(NON_JOINER, "")


def existing_path(path: Path) -> Path:
    """Return the path with accents as they are spelt on disk, or the path itself if no such file exists."""
    try:
        if str(path).isascii() or path.exists():
            return path
        inside = sorted(existing_path(path.parent).iterdir())
    except (OSError, ValueError):  # an invalid name, or a folder that cannot be read
        return path
    return next((file for file in inside if nfc(file.name) == nfc(path.name)), path)


def _consists_of_letters(name: str, others: str) -> bool:
    return all(
        char in others
        or char.isalnum()
        or _is_part_of_letter(char, name[:index], name[index + 1 :])
        for index, char in enumerate(name)
    )


def _is_part_of_letter(char: str, before: str, after: str) -> bool:
    """Return True for a combining mark or joiner that is valid between two parts of a name."""
    last = before[-1:]
    if unicodedata.category(char) in MARKS:
        return last.isalpha() or (bool(last) and unicodedata.category(last) in (*MARKS, "Cf"))
    if char not in (JOINER, NON_JOINER):
        return False
    if last and unicodedata.combining(last) == _VIRAMA:
        return True
    if not after:
        return False
    if char == JOINER and last.isalpha() and unicodedata.combining(after[0]) == _VIRAMA:
        return True  # as in Bengali, where it preserves a letter's form
    letter = next((other for other in reversed(before) if unicodedata.category(other) != "Mn"), " ")
    # Persian and Urdu have the non-joiner between parts of a word.
    return char == NON_JOINER and all(
        unicodedata.bidirectional(side) == "AL" for side in (letter, after[0])
    )


# YAML 1.2: NO is a text, 010 is ten, 1e-3 a number, and a date remains a text. Tags (which could create objects), anchors,
# aliases, second documents, duplicate keys and deep nesting are refused. A file may come from a stranger: limits on its
# size, its number of values and its keys bound the time and memory for reading it.

#: Maximum size of a file in bytes, or of an override in characters; shipped scenarios have a few thousand.
MAX_BYTES = 1024 * 1024
#: Maximum levels of nesting; the schema needs seven.
MAX_DEPTH = 20
#: Maximum number of keys, items and values: about ten years of a stock market's closes, or two seconds of reading.
MAX_VALUES = 50_000
#: Maximum length of a key.
MAX_KEY = 200
#: Whole numbers with more digits are read as infinite.
MAX_DIGITS = 400
#: Seconds to wait for the writer of a pipe.
WAIT_FOR_WRITER = 3

_LINE_BREAK = re.compile("\r\n|\r|\n")

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Source:
    """A text, and its name in messages."""

    name: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, name: str, text: str) -> Source:
        """Return the source with this name and text."""
        return cls(name, tuple(_LINE_BREAK.split(text)))

    @property
    def start(self) -> Place:
        """The place of the first character."""
        return Place(self, 1, 1)

    def line(self, number: int) -> str:
        """Return a line by its number, counted from 1."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""


@dataclass(frozen=True)
class Place:
    """A place in a source; lines and columns (in characters) count from 1."""

    source: Source
    line: int
    column: int

    def mistake(self, message: str, expected: str = "", suggestion: str = "") -> Mistake:
        """Return a mistake at this place."""
        name, line = self.source.name, self.source.line(self.line)
        return Mistake(name, self.line, self.column, message, expected, suggestion, line)

    def error(self, message: str, expected: str = "", suggestion: str = "") -> ScenarioError:
        """Return an error with one mistake at this place."""
        return ScenarioError([self.mistake(message, expected, suggestion)])


@dataclass(frozen=True)
class Node:
    """A value and its place in a file.

    Attributes:
        place: the place of the value.
        content: a scalar, a list of nodes, or a mapping from keys to nodes.
        key: the place of the value's key, if it has one.
    """

    place: Place
    content: Scalar | list[Node] | dict[str, Node]
    key: Place | None = None

    @property
    def label(self) -> Place:
        """The place of the whole entry: its key, or the value if it has no key."""
        return self.key or self.place

    @property
    def text(self) -> str:
        """The value if it is a text, otherwise ""."""
        return self.content if isinstance(self.content, str) else ""

    @property
    def inner(self) -> dict[Any, Node]:
        """The entries of a mapping by key, or the items of a list by index."""
        return self.entries() or dict(enumerate(self.items()))

    def get(self, *path: str) -> Node | None:
        """Return the node at a path of keys, or None if a key is missing."""
        node: Node | None = self
        for key in path:
            node = node.content.get(key) if node and isinstance(node.content, dict) else None
        return node

    def entries(self, *path: str) -> dict[str, Node]:
        """Return the entries of the mapping at a path of keys; empty if there is none."""
        node = self.get(*path)
        return node.content if node and isinstance(node.content, dict) else {}

    def items(self, *path: str) -> list[Node]:
        """Return the items of the list at a path of keys; empty if there is none."""
        node = self.get(*path)
        return node.content if node and isinstance(node.content, list) else []

    def all(self, path: str) -> list[Node]:
        """Return all nodes at a path such as `lenders.*.reviews.#.at`: `*` stands for each entry, `#` for each item."""
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
        """Yield this node and all nodes inside it."""
        yield self
        for inner in self.inner.values():
            yield from inner.walk()

    def plain(self) -> Any:
        """Return the value as plain data."""
        if isinstance(self.content, dict):
            return {key: node.plain() for key, node in self.content.items()}
        if isinstance(self.content, list):
            return [node.plain() for node in self.content]
        return self.content


def read_text(path: Path, name: str) -> str:
    """Return the text of a scenario file; `name` is its name in reports.

    Raises:
        ScenarioError: if it cannot be read, is a device, is too big, or is not UTF-8.
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
    """Return the content of a file or pipe, at most one byte above the limit; a device might never end."""
    inherited = _INHERITED.fullmatch(str(path))
    if inherited:  # a socket cannot be opened by name
        descriptor = os.dup(int(inherited[1] or 0))
    else:  # opening a pipe must not block
        flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError
        if stat.S_ISFIFO(mode):
            _wait_for_writer(descriptor)
        elif not (stat.S_ISREG(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)):
            raise _whole_file(name, "a device, not a file", "a scenario file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            raw = file.read(MAX_BYTES + 1) or b""
        if not (raw or stat.S_ISREG(mode)):
            raise _whole_file(name, "nothing could be read from this pipe or device", "a scenario")
        return raw
    finally:
        os.close(descriptor)


def _wait_for_writer(descriptor: int) -> None:
    """Wait a limited time until a pipe's writer begins; after that, reading may block."""
    import select

    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    poll.poll(1000 * WAIT_FOR_WRITER)
    os.set_blocking(descriptor, True)  # a pipe without a writer is at its end


def folder_of(path: Path) -> Path:
    """Return the folder of the files that a file refers to: its own folder, or the working folder for a pipe."""
    return path.parent if path.is_file() else Path()


def parse(
    name: str, text: str, noun: str = "scenario", keys: str = "title, start and states"
) -> tuple[Node, list[Mistake]]:
    """Parse a YAML mapping; also return mistakes after which parsing could continue, such as duplicate keys.

    Args:
        name: the file's name in reports.
        noun: what the file describes, for messages.
        keys: typical keys of such a file, for messages.

    Raises:
        ScenarioError: if the text is not a mapping, or cannot be parsed to its end.
    """
    source = Source.of(name, text)
    top, mistakes = _read(source, text, noun)
    if isinstance(top.content, dict):
        return top, list(mistakes)
    message, place = f"a single value: no {noun}", top.place
    if top.content is None:
        message, place = f"the file is empty: no {noun}", source.start
    elif isinstance(top.content, list):
        message = f"a list: no {noun}"
    raise ScenarioError([*mistakes, place.mistake(message, f"keys such as {keys}")])


def parse_value(source: Source, text: str) -> Node:
    """Parse a YAML value, such as the right side of an override; lines and columns are those of `source`.

    Raises:
        ScenarioError: if it is not a value.
    """
    node, mistakes = _read(source, text, "value")
    if mistakes:
        raise ScenarioError(mistakes)
    return node


@lru_cache(maxsize=32)  # compared scenarios extend the same files
def _read(source: Source, text: str, noun: str) -> tuple[Node, tuple[Mistake, ...]]:
    if len(text) > MAX_BYTES:
        raise _whole_file(source.name, f"too big for a {noun}", f"at most {MAX_BYTES} characters")
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        place = _place_at(source, text, forbidden.start())
        raise place.error(_forbidden_message(forbidden.group()))
    reader = _Reader(source)
    return reader.read(text), tuple(reader.mistakes)


# Control characters, and those that reorder or break lines invisibly; titles would bring them to the terminal.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufeff\ufffe\uffff]"
)
#: Names of open files inherited from the parent process, as by `<(...)` in a shell.
_INHERITED = re.compile("/dev/stdin|/dev/fd/([0-9]{1,9})")
_SURROGATES = re.compile("[\ud800-\udfff]")

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
    """Return the value of an unquoted scalar, by the core schema of YAML 1.2.2 (10.3)."""
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
    """Builds nodes from the parser's events, and collects mistakes after which parsing can continue."""

    source: Source
    mistakes: list[Mistake] = field(default_factory=list)
    reached: tuple[int, int] = (1, 1)  # line and column of the last event
    values: int = 0  # number of keys, items and values

    def read(self, text: str) -> Node:
        """Return the document's value; raise ScenarioError if the text is not a single valid document."""
        # The C parser has different rules. The composer recurses as deeply as the text, expands aliases, and is slower.
        stream = YAML(typ="safe", pure=True).parse(text)
        try:
            return self._document(stream)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = self._place(mark) if mark else self.source.start
            raise self._stop(place, *_syntax_words(error)) from None
        except (YAMLError, ValueError, OverflowError, IndexError, AttributeError) as error:
            # For some malformed texts, the parser raises exceptions without a place.
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
                    message = "a directive, which scenarios must not contain"
                    self._note(self.source.start, message, "no line with %")
            elif isinstance(event, events.NodeEvent):
                top = self._value(event, stream, depth=1)
        return top

    def _value(self, event: Any, stream: Iterator[Any], depth: int) -> Node:
        place = self._place(event.start_mark)
        if depth > MAX_DEPTH:
            raise self._stop(place, "nested too deeply", f"at most {MAX_DEPTH} levels of nesting")
        self._check_event(event, place)
        if isinstance(event, events.MappingStartEvent):
            return Node(place, self._mapping(stream, depth))
        if isinstance(event, events.SequenceStartEvent):
            items = takewhile(lambda item: not isinstance(item, events.SequenceEndEvent), stream)
            return Node(place, [self._value(item, stream, depth + 1) for item in items])
        if isinstance(event, events.ScalarEvent):
            return Node(place, self._scalar(event, place))
        return Node(place, f"*{event.anchor}")  # an alias, already reported as a mistake

    def _mapping(self, stream: Iterator[Any], depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        for event in stream:
            if isinstance(event, events.MappingEndEvent):
                break
            place = self._place(event.start_mark)
            key = None
            if isinstance(event, events.ScalarEvent):
                self._check_event(event, place)
                if len(event.value) > MAX_KEY:
                    message = f"a key of {len(event.value):,} characters"
                    raise self._stop(place, message, f"at most {MAX_KEY}")
                key = self._text(event.value, place)
            else:
                self._value(event, stream, depth + 1)
                self._note(place, "a key that is not a plain word", "a name")
            value = self._value(next(stream), stream, depth + 1)
            if key in entries:
                line = entries[key].label.line
                self._note(place, f"duplicate key '{key}', first given in line {line}")
            elif key is not None:
                entries[key] = Node(value.place, value.content, place)
        return entries

    def _scalar(self, event: Any, place: Place) -> Scalar:
        text = self._text(event.value, place)
        if event.style:  # quotes
            return text
        value = read_scalar(text)
        if isinstance(value, float) and value == 0.0 and _NOT_ZERO.match(text):
            self._note(place, f"too close to 0 to be represented: {text}", "0, or more")
        return value

    def _check_event(self, event: Any, place: Place) -> None:
        """Refuse YAML features that scenarios do not use, too many values, and too many mistakes."""
        self.values += 1
        if self.values > MAX_VALUES:
            raise self._stop(place, "too many values", f"at most {MAX_VALUES:,}")
        if len(self.mistakes) >= MAX_MISTAKES:
            raise self._stop(place, "too many mistakes to continue", "fewer mistakes above")
        extends = "to build on another scenario, use `extends: other.yaml`"
        if isinstance(event, events.AliasEvent):
            message = f"an alias (*{event.anchor}), which scenarios must not contain"
            self._note(place, message, f"the value itself; {extends}")
        elif event.anchor:
            message = f"an anchor (&{event.anchor}), which scenarios must not contain"
            self._note(place, message, f"the value alone; {extends}")
        tag = getattr(event, "tag", None)
        if tag:
            tag = str(tag).replace("tag:yaml.org,2002:", "!!")
            self._note(place, f"a tag ({tag}), which scenarios must not contain", "a plain value")

    def _text(self, text: str, place: Place) -> str:
        """Return a text in composed form, and report forbidden characters that it contains as escapes.

        Surrogate pairs are joined: JSON escapes some letters as two.
        """
        if _SURROGATES.search(text):
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        forbidden = _FORBIDDEN.search(text)
        if forbidden:
            self._note(place, _forbidden_message(forbidden.group()))
            text = _FORBIDDEN.sub("\ufffd", text)  # later checks may not accept lone surrogates
        return nfc(text)

    def _place(self, mark: Any) -> Place:
        self.reached = (mark.line + 1, mark.column + 1)
        return Place(self.source, *self.reached)

    def _note(self, place: Place, message: str, expected: str = "") -> None:
        self.mistakes.append(place.mistake(message, expected))

    def _stop(self, place: Place, message: str, expected: str = "") -> ScenarioError:
        return ScenarioError([*self.mistakes, place.mistake(message, expected)])


def to_node(value: Any, place: Place) -> Node:
    """Return plain data as a node at a place."""
    if isinstance(value, Mapping):
        return Node(place, {key: to_node(entry, place) for key, entry in value.items()}, place)
    if isinstance(value, (list, tuple)):
        return Node(place, [to_node(item, place) for item in value], place)
    return Node(place, value, place)


#: Part of the parser's message, our message, and the expected syntax.
_SYNTAX = (
    ("'\\t'", "a tab in the indentation", "spaces"),
    (
        "mapping values are not allowed",
        "a colon is not allowed here",
        "quotes around a text that contains ': '",
    ),
    (
        "expected <block end>",
        "this line is not aligned with the lines above",
        "keys of one level in one column",
    ),
    ("could not find expected ':'", "a key without a colon", "key: value"),
)


def _syntax_words(error: Any) -> tuple[str, str]:
    """Return the parser's message in plain words, and the expected syntax."""
    problem = " ".join(str(error.problem or error.context or "not YAML").split())
    for part, message, expected in _SYNTAX:
        if part in problem:
            return message, expected
    if "while scanning a quoted scalar" in str(error.context) and "end of stream" in problem:
        return "a quoted text that does not end", "a closing quote"
    return f"not valid YAML: {problem}", ""


def _forbidden_message(char: str) -> str:
    return f"character U+{ord(char):04X}: scenarios must not contain control characters"


def _place_at(source: Source, text: str, position: int) -> Place:
    lines = _LINE_BREAK.split(text[:position])
    return Place(source, len(lines), len(lines[-1]) + 1)


def _whole_file(name: str, message: str, expected: str = "") -> ScenarioError:
    return ScenarioError([Mistake(name, 0, 0, message, expected)])


# A file that extends another is laid over it:
# - Mappings are merged entry by entry, at every depth.
# - Other values replace the inherited value. Distributions are replaced as a whole, although they are mappings.
# - `null` removes the inherited entry. If none was inherited, it remains, and is reported later.
# - A removed mediator is also removed from the inherited `opened_by` of channels.
# Every value keeps its place, so that mistakes point to the right file.


def lay_over(inherited: Node, over: Node) -> Node:
    """Lay a scenario's mapping over the one that it extends. A new title drops the inherited label."""
    if over.get("title") and inherited.get("label"):
        entries = {key: node for key, node in inherited.entries().items() if key != "label"}
        inherited = replace(inherited, content=entries)
    merged = merge(inherited, over)
    removed = inherited.entries("mediators").keys() - merged.entries("mediators").keys()
    channels = merged.get("channels")
    if not removed or channels is None:
        return merged
    changed = channels.entries().copy()
    for name, channel in changed.items():
        openers = channel.get("opened_by")
        if openers and openers is inherited.get("channels", name, "opened_by"):
            remaining = [opener for opener in openers.items() if opener.content not in removed]
            changed[name] = _with(channel, "opened_by", replace(openers, content=remaining))
    return _with(merged, "channels", replace(channels, content=changed))


def merge(inherited: Node, over: Node) -> Node:
    """Lay a value over another."""
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
    """Return True for a value in the form of a distribution, such as `{uniform: [0, 1]}`."""
    if not isinstance(node.content, dict) or len(node.content) != 1:
        return False
    kind, body = next(iter(node.content.items()))
    if kind == "choice":
        return isinstance(body.content, list) or "values" in body.entries()
    return kind in DISTRIBUTIONS and isinstance(body.content, list)


def _with(node: Node, key: str, value: Node) -> Node:
    return replace(node, content={**node.entries(), key: value})
