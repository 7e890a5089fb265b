"""Mistakes in scenario files, and how they are shown to the person who made them.

Each says what is wrong, where, what was expected and what was perhaps meant:

    scenarios/border.yaml:14:5: error: unknown key 'leverge'
    14 |     leverge: {india: 0.3}
       |     ^
       expected: title, style, attention_threshold, ... or interest
       did you mean 'leverage'?
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from crisis_sim.text import listed, printable

#: Mistakes of one kind that are looked for, and that a report shows, at most: who made so many has
#: not made them one by one.
MAX_MISTAKES = 100
#: Characters of a line, or of a message, that are shown at most.
WIDTH = 100
LONGEST_MESSAGE = 300
#: Letters of a word for which a like one is looked for.
LONGEST_WORD = 100


@dataclass(frozen=True, order=True)
class Mistake:
    """One mistake in a scenario file or an override.

    Attributes:
        file: the file as the person would call it, or `--set`.
        line: number of the line, counted from 1; 0 where the whole file is meant.
        column: number of the character in it, counted from 1.
        message: what is wrong, in one line.
        expected: what would have been right; may be empty.
        suggestion: the nearest valid name; may be empty.
        source_line: the line itself.
    """

    file: str
    line: int
    column: int
    message: str
    expected: str = ""
    suggestion: str = ""
    source_line: str = ""

    def __str__(self) -> str:
        place = f":{self.line}:{self.column}" if self.line else ""
        report = [f"{printable(self.file)}{place}: error: {_short(printable(self.message))}"]
        margin = "  "
        if self.line:
            number = str(self.line)
            margin = " " * (len(number) + 1)
            shown, indent = _window(self.source_line, self.column)
            report += [f"{number} | {shown}".rstrip(), f"{margin}| {' ' * indent}^"]
        if self.expected:
            report.append(f"{margin}expected: {_short(printable(self.expected))}")
        if self.suggestion:
            report.append(f"{margin}did you mean {printable(repr(self.suggestion))}?")
        return "\n".join(report)


class ScenarioError(Exception):
    """A scenario has mistakes.

    Attributes:
        mistakes: all of them, by file and place. `str()` of the error is the whole report.
    """

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__(self.mistakes)

    def __str__(self) -> str:
        count = len(self.mistakes)
        report = [str(mistake) for mistake in self.mistakes[:MAX_MISTAKES]]
        if count > MAX_MISTAKES:
            report.append(f"the first {MAX_MISTAKES} of more than {MAX_MISTAKES} mistakes")
        elif count > 1:
            report.append(f"{count} mistakes")
        return "\n".join(report)


class Refused(Exception):  # noqa: N818 - what it is called in the code of who asks
    """A request that cannot be carried out; the message says why, and what could be."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that looks most like a given one, or "" where none is near."""
    if len(word) > LONGEST_WORD:  # to compare takes time by the square of the length
        return ""
    import difflib

    near = [one for one in known if len(one) <= LONGEST_WORD]
    matches = difflib.get_close_matches(word, near, n=1, cutoff=0.65)
    return matches[0] if matches else ""


def meant(word: str, known: Iterable[str]) -> str:
    """The nearest known word as the end of a message, such as "; did you mean 'halt'?"; "" where none is near."""
    near = nearest(word, known)
    return f"; did you mean {near!r}?" if near else ""


def one_of(words: Iterable[str], last: str = "or") -> str:
    """Words as a person would list them: `a, b or c`; with another word before the last."""
    return listed([*dict.fromkeys(words)], last)


def _short(text: str, length: int = LONGEST_MESSAGE) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."


def _window(line: str, column: int) -> tuple[str, int]:
    """The part of a line around a column, escaped, and how many cells of a terminal lie before the column."""
    from rich.cells import cell_len

    start = max(0, column - 1 - WIDTH // 2) if len(line) > WIDTH else 0
    before, after = (
        printable(part.replace("\t", " "))
        for part in (line[start : column - 1], line[column - 1 : start + WIDTH])
    )
    before = ("... " if start else "") + before
    tail = " ..." if start + WIDTH < len(line) else ""
    return f"{before}{after}{tail}", cell_len(before)
