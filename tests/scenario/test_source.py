from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis_sim.scenario.errors import ScenarioError
from crisis_sim.scenario.source import MAX_BYTES, MAX_DEPTH, Node, parse, read_scalar, read_text


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("off", "off"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'null'", "null"),
        ("010", 10),
        ("-7", -7),
        ("0x1F", 31),
        ("0o17", 15),
        ("1e-3", 0.001),
        ("1.", 1.0),
        ("+.5E1", 5.0),
        ("1_000", "1_000"),
        ("2025-05-07", "2025-05-07"),
        ("2025-05-07T01:05+05:30", "2025-05-07T01:05+05:30"),
        ("12:30:00", "12:30:00"),
        ("'1'", "1"),
        ("<<", "<<"),
        ("=", "="),
        ("1.2.3", "1.2.3"),
        ("٣", "٣"),
        ("[1, two, {three: 3}]", [1, "two", {"three": 3}]),
        (">-\n  folded\n  text", "folded text"),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, expected: object) -> None:
    value = value_of(text)
    assert value == expected
    assert type(value) is type(expected)


def test_two_escapes_that_are_one_letter_in_json_are_that_letter() -> None:
    assert value_of(r'"\ud835\udd1e"') == "𝔞"
    assert list(value_of(r'{"\ud835\udd1e": 1}')) == ["𝔞"]  # type: ignore[call-overload]


def test_numbers_that_are_not_finite_are_read_as_such() -> None:
    assert value_of(".inf") == math.inf
    assert value_of("-.Inf") == -math.inf
    assert math.isnan(float(str(value_of(".nan"))))


@pytest.mark.parametrize("text", ["9" * 100_000, "0x" + "f" * 100_000])
def test_a_number_of_many_digits_is_infinite_and_no_trouble(text: str) -> None:
    assert read_scalar(text) == math.inf


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


def test_columns_count_characters_not_bytes() -> None:
    assert report_of("{é€𝄞: 1, é€𝄞: 2}").startswith("f.yaml:1:10: error: duplicate key 'é€𝄞'")


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "1:1", "the file is empty"),
        ("# nothing\n", "1:1", "the file is empty"),
        ("---\n", "1:1", "the file is empty"),
        ("- a", "1:1", "a list"),
        ("just words", "1:1", "a single value"),
        ("a: 1\nb: 2\na: 3", "3:1", "duplicate key 'a': line 1 has it already"),
        ("a: !!python/object:os.system x", "1:4", "a tag (!!python/object:os.system)"),
        ("a: !!str 5", "1:4", "a tag (!!str)"),
        ("a: !thing {b: 1}", "1:4", "a tag (!thing)"),
        ("!!map {a: 1}", "1:1", "a tag (!!map)"),
        ("a: &x 1", "1:4", "an anchor (&x)"),
        ("&k a: 1", "1:1", "an anchor (&k)"),
        ("b: *x", "1:4", "an alias (*x)"),
        ("? [a, b]\n: 1", "1:3", "a key that is not a plain word"),
        ("a: 1\n---\nb: 2", "2:1", "a second document"),
        ("a: 1\n...\nb: 2", "3:1", "a second document"),
        ("%YAML 1.1\n---\na: NO", "1:1", "a directive"),
        ("a:\n\tb: 1", "2:1", "a tab cannot indent"),
        ("a: b: c", "1:5", "a colon where none can stand"),
        ("a:\n   b: 1\n  c: 2", "3:3", "this does not line up"),
        ("a: 'open", "1:9", "a quoted text that does not end"),
        ("a: [1, 2", "1:9", "not valid YAML"),
        ("a: @x", "1:4", "not valid YAML"),
        ('a: 1\nb: "\\U0011ffff"', "2:1", "cannot be read as YAML"),
        ("a: \x1b[31m", "1:4", "character U+001B"),
        ('a: "\\e[31m"', "1:4", "character U+001B"),
        ('"\\e": 1', "1:1", "character U+001B"),
        ("a: \u202eevil", "1:4", "character U+202E"),
        ("a: \u2028b", "1:4", "character U+2028"),
        ('a: "\\ud800"', "1:4", "character U+D800"),
        ("a: \x00", "1:4", "character U+0000"),
    ],
)
def test_what_a_scenario_has_no_use_for_is_refused_at_its_place(
    text: str, place: str, message: str
) -> None:
    report = report_of(text)
    assert report.startswith(f"f.yaml:{place}: error: {message}"), report


def test_anchors_are_refused_kindly() -> None:
    assert "use `extends: other.yaml`" in report_of("a: &x 1\nb: *x")


def test_all_that_is_written_amiss_is_said_at_once() -> None:
    report = report_of("a: !t 1\nb: &x 2\nc: *x\na: 3\n")
    assert [line.split(": ")[0] for line in report.splitlines() if ": error:" in line] == [
        "f.yaml:1:4",
        "f.yaml:2:4",
        "f.yaml:3:4",
        "f.yaml:4:1",
    ]


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


def test_a_file_that_is_not_utf_8_is_refused_at_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("title: a\ntext: caf\xe9 ".encode("latin-1"))
    with pytest.raises(ScenarioError, match=r"latin.yaml:2:10: error: byte 0xe9 is not UTF-8"):
        read_text(path, "latin.yaml")


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "windows.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\na: 2\r\n")
    _, mistakes = parse("windows.yaml", read_text(path, "windows.yaml"))
    assert [(one.line, one.column) for one in mistakes] == [(2, 1)]


@pytest.mark.parametrize("name", [".", "missing.yaml"])
def test_what_cannot_be_opened_is_said_without_a_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read_text(tmp_path / name, name)
    assert [mistake.line for mistake in caught.value.mistakes] == [0]


YAML_BITS = st.lists(
    st.sampled_from(
        [
            *"abc01 -:,[]{}#&*!|>'\"%@`?\\\n\t",
            "\n  ",
            ": ",
            "- ",
            "---\n",
            "%YAML 1.2\n",
            "\\x",
            "é",
        ]
    ),
    max_size=40,
).map("".join)


@settings(max_examples=400, deadline=None)
@given(YAML_BITS | st.text(max_size=40))
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
