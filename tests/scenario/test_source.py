from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from crisis_sim.scenario import load_scenario
from crisis_sim.scenario.errors import ScenarioError
from crisis_sim.scenario.source import MAX_BYTES, MAX_DEPTH, Node, parse, read_text
from tests.scenario.files import BASE, said_of


def value_of(text: str) -> object:
    top, mistakes = parse("f.yaml", f"a: {text}")
    assert mistakes == []
    return top.plain()["a"]


def report_of(text: str) -> str:
    """All that is said of a text, whether or not the rest of it could be read."""
    try:
        _, mistakes = parse("f.yaml", text)
    except ScenarioError as error:
        return str(error)
    return str(ScenarioError(mistakes))


WORDS = "NO yes off 1_000 2025-05-07 2025-05-07T01:05+05:30 12:30:00 << = 1.2.3 ٣".split()  # noqa: SIM905
VALUES = {
    "true": True, "False": False, "null": None, "~": None, "": None, "'null'": "null", "'1'": "1",
    "010": 10, "-7": -7, "0x1F": 31, "0o17": 15, "1e-3": 0.001, "1.": 1.0, "+.5E1": 5.0,
    "[1, two, {three: 3}]": [1, "two", {"three": 3}], ">-\n  folded\n  text": "folded text",
    r'"\ud835\udd1e"': "𝔞", r'{"\ud835\udd1e": 1}': {"𝔞": 1}, ".inf": math.inf, "-.Inf": -math.inf,
    "9" * 100_000: math.inf, "0x" + "f" * 100_000: math.inf,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"), [*((word, word) for word in WORDS), *VALUES.items()], ids=range(33)
)
def test_scalars_follow_yaml_1_2(text: str, expected: object) -> None:
    value = value_of(text)
    assert value == expected
    assert type(value) is type(expected)
    assert math.isnan(float(str(value_of(".nan"))))


def test_every_value_and_key_knows_its_place() -> None:
    top, _ = parse("f.yaml", "# comment\na: 1\nb:\n  - {c: x,   d: [y]}\n")
    b = top.entries()["b"]
    first = b.items()[0]
    d = first.entries()["d"]

    def where(node: Node) -> tuple[int, int]:
        return node.place.line, node.place.column

    def key(node: Node) -> tuple[int, int] | None:
        return (node.key.line, node.key.column) if node.key else None

    assert (where(top.entries()["a"]), key(top.entries()["a"])) == ((2, 4), (2, 1))
    assert key(b) == (3, 1)
    assert (where(first), key(first)) == ((4, 5), None)
    assert (where(d), key(d)) == ((4, 17), (4, 14))
    assert where(d.items()[0]) == (4, 18)


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r"])
def test_lines_are_counted_alike_for_every_line_break(break_: str) -> None:
    assert report_of(break_.join(["a: 1", "b: 2", "a: 3"])).startswith("f.yaml:3:1: error: dup")


@pytest.mark.parametrize(
    "text",
    [
        "", "# nothing\n", "---\n", "- a", "just words", "a: 1\nb: 2\na: 3", "{é€𝄞: 1, é€𝄞: 2}",
        "a: !!python/object:os.system x", "a: !!str 5", "a: !thing {b: 1}", "!!map {a: 1}",
        "a: &x 1", "&k a: 1", "b: *x", "a: &x 1\nb: *x", "a: !t 1\nb: &x 2\nc: *x\na: 3\n",
        "? [a, b]\n: 1", "a: 1\n---\nb: 2", "a: 1\n...\nb: 2", "%YAML 1.1\n---\na: NO",
        "a:\n\tb: 1", "a: b: c", "a:\n   b: 1\n  c: 2", "a: 'open",
        "a: \x1b[31m", 'a: "\\e[31m"', '"\\e": 1', "a: \u202eevil",
        "a: \u2028b", 'a: "\\ud800"', "a: \x00",
    ],
)  # fmt: skip
def test_what_a_scenario_has_no_use_for_is_refused_at_its_place(
    text: str, snapshot: SnapshotAssertion
) -> None:
    assert report_of(text) == snapshot


def test_what_the_parser_finds_amiss_is_told_at_its_place_in_words_of_its_own() -> None:
    assert report_of("a: [1, 2").startswith("f.yaml:1:9: error: not valid YAML")
    assert report_of("a: @x").startswith("f.yaml:1:4: error: not valid YAML")
    assert report_of('a: 1\nb: "\\U0011ffff"').startswith(
        "f.yaml:2:1: error: cannot be read as YAML"
    )
    assert said_of(BASE, "horizon_days=[").startswith("--set:1:15: error: not valid YAML")


def test_the_deepest_nesting_allowed_is_read_and_one_more_level_refused() -> None:
    levels = MAX_DEPTH - 1  # the top mapping is one, the innermost value another
    assert value_of("[" * (levels - 1) + "1" + "]" * (levels - 1)) is not None
    assert "nested too deeply" in report_of("a: " + "[" * levels + "1" + "]" * levels)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_a_hundred_thousand_levels_are_refused_without_recursion(opening: str) -> None:
    assert "nested too deeply" in report_of("x:\n  " + opening * 100_000)


def test_a_file_that_is_too_big_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_bytes(b"#" * MAX_BYTES)
    assert len(read_text(path, "big.yaml")) == MAX_BYTES
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ScenarioError, match="too big for a scenario"):
        read_text(path, "big.yaml")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (
            "title: a\ntext: caf\xe9 ".encode("latin-1"),
            "f.yaml:2:10: error: byte 0xe9 is not UTF-8",
        ),
        (b"\xef\xbb\xbfa: 1\r\na: 2\r\n", "f.yaml:2:1: error: duplicate key"),  # a byte order mark
    ],
)
def test_a_file_of_bytes_is_refused_at_its_place(tmp_path: Path, raw: bytes, said: str) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(raw)
    with pytest.raises(ScenarioError, match=said):
        load_scenario(path)


@pytest.mark.parametrize("name", [".", "missing.yaml"])
def test_what_cannot_be_opened_is_said_without_a_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read_text(tmp_path / name, name)
    assert [mistake.line for mistake in caught.value.mistakes] == [0]


BITS = [*"abc01 -:,[]{}#&*!|>'\"%@`?\\\n\t", "\n  ", ": ", "- ", "---\n", "%YAML 1.2\n", "\\x", "é"]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(BITS), max_size=40).map("".join) | st.text(max_size=40))
def test_no_text_brings_the_reader_down(text: str) -> None:
    try:
        top, mistakes = parse("f.yaml", text)
    except ScenarioError as error:
        mistakes = list(error.mistakes)
        assert mistakes
    else:
        assert isinstance(top.content, dict)
    for mistake in mistakes:
        assert 1 <= mistake.line <= len(text.splitlines()) + 1
        assert mistake.column >= 1
