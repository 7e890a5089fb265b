"""Scenario files spoilt at random, by a seeded generator: bytes, lines and values."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

#: What may stand where a value stood.
VALUES = (
    *("", "~", "null", "true", "NO", "0", "-0.0", "-1", "1e308", "-1e308", "1e-320", "1e999"),
    *(".nan", ".inf", "-.inf", "0x" + "f" * 500, "9" * 400, "9" * 5000, "1_000", "0o17", "1e5"),
    *("[]", "{}", "[[[[]]]]", "{a: {b: {c: 1}}}", "[1, 2, 3]", "{uniform: [0, 1]}"),
    *("{uniform: [1, 0]}", "{uniform: 3}", "{normal: [0.5, 1e308]}", "{normal: [0.5, 1e-320]}"),
    *("{lognormal: [1e-320, 1]}", "{beta: [1e308, 1e-320]}", "{choice: []}", "{choice: [.nan]}"),
    *("{choice: {values: [0, 1], weights: [1e308, 1e308]}}", "{triangular: [0, 0, 0]}"),
    *("{choice: {values: [0, 1], weights: [0, 0]}}", "{uniform: [0, 1], normal: [0, 1]}"),
    *("*a", "&a 1", "&a [*a]", "!!python/object/apply:os.system [x]", "!!binary aGk=", "<<", "|"),
    *("2025-05-07", "0001-01-01", "9999-12-31T23:59:59-23:59", "2025-02-30", "2025-05-07T25:00"),
    *("'", '"', '"\\', '"\\x1b[2J"', '"\\ud800"', '"\\0"', "../../etc/passwd", "/dev/zero", "a/b"),
    *("\x1b[31m", "\u202etxet", "\x00", "\ufeff", "[red]x[/red]", "$\\frac{$", "<b>&", "é" * 400),
    *("x" * 10_000, "? [a]", "- - - -", "%YAML 1.1", "---", "...", "@", "`", "\t", "#", ": :"),
)
_SCALAR = re.compile(r"(?<=: )[^\s,{}\[\]][^,{}\[\]\n]*|(?<=[\[,] )[^\s,{}\[\]]+")
ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "latin-1", "utf-8-sig", "utf-7", "cp500")
MARKS = ":-[]{}'\"\n \t#"


def mutants(text: str, count: int, seed: int) -> Iterator[bytes]:
    """Files made of a scenario's text, each spoilt once to four times."""
    chance = random.Random(seed)
    for _ in range(count):
        spoilt = text.encode()
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            spoilt = _spoilt(spoilt, chance)
        yield spoilt


def _spoilt(text: bytes, chance: random.Random) -> bytes:
    """A text cut, flipped, added to, with other lines, with another value or in another encoding."""
    start, place = (chance.randrange(len(text) + 1) for _ in range(2))
    written = text.decode(errors="replace")
    match chance.choice(("cut", "end", "flip", "marks", "copy", "lines", *["value"] * 5, "code")):
        case "cut":
            return text[:start] + text[start + chance.choice((1, 3, 40)) :]
        case "end":
            return text[:start]
        case "flip":
            flipped = bytearray(text or b" ")
            for _ in range(chance.choice((1, 2, 8))):
                flipped[chance.randrange(len(flipped))] = chance.randrange(256)
            return bytes(flipped)
        case "marks":
            more = chance.choice(
                (chance.choice(MARKS) * chance.choice((1, 3, 30)), chance.choice(VALUES))
            )
            return text[:start] + more.encode() + text[start:]
        case "copy":
            return text[:place] + text[start : start + chance.choice((5, 50))] + text[place:]
        case "lines":
            lines = text.split(b"\n")
            here, there = (chance.randrange(len(lines)) for _ in range(2))
            new = chance.choice(
                (lines[there], b"\t" + lines[here], b" " + lines[here], lines[here].lstrip())
            )
            lines[here : here + chance.choice((0, 1))] = [new] * chance.choice((0, 1))
            return b"\n".join(lines)
        case "value" if found := [*_SCALAR.finditer(written)]:
            one = chance.choice(found)
            return (written[: one.start()] + chance.choice(VALUES) + written[one.end() :]).encode()
        case _:
            return written.encode(chance.choice(ENCODINGS), errors="replace")
