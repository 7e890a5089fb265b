"""Scenario files and overrides of someone who means harm are read, or refused with their place, and soon."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis_sim.scenario import Scenario, ScenarioError, load_scenario, read_scenario
from crisis_sim.scenario.checks import (
    MAX_AGENTS,
    MAX_DESCRIPTION,
    MAX_EVENTS,
    MAX_REVIEWS,
    MAX_TEXT,
    MAX_UNCERTAIN,
)
from crisis_sim.scenario.errors import MAX_MISTAKES
from crisis_sim.scenario.introspect import TOP, Slot
from crisis_sim.scenario.load import find_scenario, shipped_names
from crisis_sim.scenario.numbers import Distribution, read_number
from crisis_sim.scenario.yaml_text import MAX_BYTES, MAX_KEY, MAX_VALUES, read_text
from crisis_sim.text import printable_lines
from tests.scenario.files import BASE, Write, only_mistake
from tests.scenario.mutations import VALUES, mutants

#: Far more than any of them takes, on a machine that does much else.
SECONDS = 20.0


def report_of(text: str, *overrides: str) -> str:
    """What is said of a text, which is refused, and soon."""
    began = time.perf_counter()
    with pytest.raises(ScenarioError) as caught:
        read_scenario(text, "f", overrides)
    report = str(caught.value)
    assert time.perf_counter() - began < SECONDS
    assert report == printable_lines(report)
    return report


def attempt(read: Callable[[], Scenario]) -> Scenario | None:
    """A scenario, or None where it is refused, with a report that is fit for a terminal."""
    try:
        return read()
    except ScenarioError as error:
        report = str(error)
        if not error.mistakes or report != printable_lines(report):
            raise AssertionError(report) from error
        return None


def many(count: int, item: Callable[[int], str], between: str = ", ") -> str:
    return between.join(item(number) for number in range(count))


def test_aliases_are_refused_before_they_are_expanded() -> None:
    lol = "a: &a [lol, lol, lol]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(20)
    )
    report = report_of(lol)
    assert "an anchor (&a), which scenarios must not contain" in report
    assert "an alias (*a), which scenarios must not contain" in report


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<<: {title: other}", "unknown key '<<'"),
        ("<<: *x", "an alias (*x)"),
        ("k" * (MAX_KEY + 1) + ": 1", f"a key of {MAX_KEY + 1} characters"),
        ("k" * 500_000 + ": 1", "a key without a colon"),
        ("'" + "k" * 900 + "': 1", "a key of 900 characters"),
        ("#" * (MAX_BYTES + 1), "too big for a scenario"),
    ],
    ids=range(6),
)
def test_merge_keys_have_no_effect_and_keys_have_a_maximum_length(text: str, message: str) -> None:
    assert message in report_of(f"{BASE}{text}\n")


@pytest.mark.slow
def test_reading_stops_after_too_many_values() -> None:
    for text in (
        "sources: [" + "a," * 500_000 + "a]",
        f"x: {{{many(60_000, lambda n: f'k{n}: 1')}}}",
    ):
        report = report_of(BASE + text)
        assert "too many values" in report
        assert f"at most {MAX_VALUES:,}" in report


@pytest.mark.parametrize(
    "text",
    [
        "x:\n" + "- &a b\n" * 40_000,
        "x: [" + "!t a, " * 40_000 + "b]",
        "x:\n" + " a: 1\n" * 40_000,
        "".join(f"k{n}: 1\n" for n in range(2_000)),
        "real_path: {rungs: {india: [" + many(1_000, lambda n: "[2025-05-01, clam]") + "]}}",
    ],
    ids=["anchors", "tags on one line", "duplicate keys", "unknown keys", "unknown rungs"],
)
def test_reports_have_a_maximum_number_of_mistakes(text: str) -> None:
    report = report_of(BASE + text)
    assert 50 < report.count(": error: ") <= MAX_MISTAKES
    assert len(report) < 1000 * MAX_MISTAKES


def test_similar_names_are_compared_quickly() -> None:
    alike = "a" * 190
    mediators = many(190, lambda n: f"  {alike}{n}: {{}}\n", "")
    openers = many(1_000, lambda n: f"{alike}x{n}")
    text = BASE.replace("mediators:\n", f"mediators:\n{mediators}")
    report_of(text.replace("[pakistan, us]", f"[{openers}]"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "mark", ["#", " ", "\n", "\\n", ":", "'", "- ", "? ", "[", "{a: ", "&a ", "%"]
)
def test_a_megabyte_of_one_character_is_read_quickly(mark: str) -> None:
    text = BASE + "description: " + mark * ((MAX_BYTES - 2_000) // len(mark))
    began = time.perf_counter()
    attempt(lambda: read_scenario(text))
    assert time.perf_counter() - began < SECONDS


def with_events(count: int, further: str = "") -> str:
    event = f"  - {{at: 2025-04-23, struck: india{further}}}\n"
    return BASE.replace("events:\n", "events:\n" + event * (count - 1))


def with_uncertain(count: int) -> str:
    """Two distributions stand in it already, and three in the ladder."""
    chance = ": {uniform: [0, 1]}"
    threes, ones = divmod(count - 5, 3)
    text = with_events(threes + 1, f", deaths{chance}, blame{chance}, pressure{chance}")
    one = f"  - {{at: 2025-04-23, struck: india, deaths{chance}}}\n"
    return text.replace("events:\n", "events:\n" + one * ones)


def with_reviews(count: int) -> str:
    review = "{at: 2025-05-09T20:00+05:30, amount_usd_bn: 1}"
    return BASE.replace("reviews: [", "reviews: [" + f"{review}, " * (count - 1))


def with_agents(count: int) -> str:
    """Seven there are already."""
    more = many(count - 7, lambda n: f"  m{n}: {{}}\n", "")
    return BASE.replace("mediators:\n", f"mediators:\n{more}")


@pytest.mark.parametrize(
    ("made_with", "most", "message"),
    [
        (with_events, MAX_EVENTS, "1,001 events"),
        (with_reviews, MAX_REVIEWS, "201 reviews of all lenders together"),
        (with_uncertain, MAX_UNCERTAIN, "1,001 distributions"),
        (with_agents, MAX_AGENTS, f"{MAX_AGENTS + 1} agents"),
    ],
)
def test_sizes_up_to_the_limit_are_accepted_and_larger_ones_refused(
    made_with: Callable[[int], str], most: int, message: str
) -> None:
    assert read_scenario(made_with(most))
    assert message in report_of(made_with(most + 1))


@pytest.mark.parametrize(
    ("before", "after", "most"),
    [
        ("A small crisis", "WORD", MAX_TEXT),
        ("imf:\n", "imf:\n    title: WORD\n", MAX_TEXT),
        ("mediators:", "sources: [WORD]\nmediators:", MAX_TEXT),
        ("mediators:", "description: WORD\nmediators:", MAX_DESCRIPTION),
        ("mediators:", "real_path: {events: [{at: 2025-05-07, text: WORD}]}\nmediators:", MAX_TEXT),
    ],
)
def test_a_text_that_no_chart_could_show_is_refused(before: str, after: str, most: int) -> None:
    text = BASE.replace(before, after)
    assert read_scenario(text.replace("WORD", "é" * most))
    assert f"a text of {most + 1:,} characters" in report_of(text.replace("WORD", "é" * (most + 1)))


NO_UTF = "f.yaml:1:1: error: byte 0x{} is not UTF-8"
FILES = {
    "utf-16": (BASE.encode("utf-16"), NO_UTF.format("ff")),
    "utf-16-le": (BASE.encode("utf-16-le"), "f.yaml:1:2: error: character U+0000"),
    "empty": (b"", "the file is empty"),
    "zeros": (b"\x00" * 1000, "character U+0000"),
    "random": (os.urandom(4096), "f.yaml:"),
    "latin-1": (
        "title: a\ntext: caf\xe9 ".encode("latin-1"),
        "f.yaml:2:10: error: byte 0xe9 is not UTF-8",
    ),
    "utf-8-sig": (b"\xef\xbb\xbfa: 1\r\na: 2\r\n", "f.yaml:2:1: error: duplicate key"),
}


@pytest.mark.parametrize("kind", FILES)
def test_other_encodings_and_binary_files_are_refused_at_the_first_invalid_byte(
    tmp_path: Path, kind: str
) -> None:
    path, (raw, message) = tmp_path / "f.yaml", FILES[kind]
    path.write_bytes(raw)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    report = str(caught.value)
    assert message in report
    assert report == printable_lines(report)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such devices here")
def test_folders_pipes_and_devices_are_refused_without_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crisis_sim.scenario.yaml_text.WAIT_FOR_WRITER", 0)
    os.mkfifo(tmp_path / "pipe.yaml")
    for path in (tmp_path / "pipe.yaml", Path("/dev/zero"), tmp_path, tmp_path / "missing.yaml"):
        said = (
            r"no such file|No such file|a device, not a file|this pipe or device|this is a folder"
        )
        with pytest.raises(ScenarioError, match=said):
            load_scenario(path)
        with pytest.raises(ScenarioError, match=said) as caught:
            read_text(path, "f")
        assert [mistake.line for mistake in caught.value.mistakes] == [0]


def test_a_file_of_a_terabyte_is_refused_quickly(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"#" * MAX_BYTES)
    assert len(read_text(path, "f")) == MAX_BYTES
    with path.open("ab") as file:
        try:
            file.truncate(2**40)
        except OSError:
            pytest.skip("no files with holes here")
    with pytest.raises(ScenarioError, match="too big for a scenario"):
        load_scenario(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_reported(write: Write) -> None:
    path = write("secret.yaml", BASE)
    path.chmod(0)
    assert "cannot be read" in only_mistake(path).message


@pytest.mark.parametrize(
    "name",
    [
        "a/b", "..", "../up", "a\\\\b", "C:", "a b", "a.b", "-a", "1a", "A", "é" * 41, "a" * 41, "",
        "[red]", "[link=http://x]a[/link]", "<b>", "$x$", "a|b", "con ", "\\x1b[31m", "\\u202ea",
        "__class__", "\\u0000", "\\n", "a\\n", "\\ud800", "a\\u200d", "\\u0301a", "a\\u200db",
        "a\\u200eb", "a\\u200fb", "a\\u061cb", "a\\u202eb", "a\\u2066b", "a\\u200bb", "a\\u00adb",
        "a\\u2060b", "a\\u200cb", "\\u200da", "_\\u0301", "a\\u20dd", "a😀", "a\\x07b",
    ],
)  # fmt: skip
def test_names_with_special_characters_are_refused(name: str) -> None:
    for old in ("india", "us", "imf", "line", "elder"):
        report = report_of(BASE.replace(f"  {old}:", f'  "{name}":', 1))
        assert "is not a valid name" in report or "control characters" in report


def test_tiny_numbers_and_huge_weights_are_accepted() -> None:
    for value in ("1e-320", "-0.0", "0"):
        read = read_scenario(BASE, "f", [f"states.india.resolve={value}"])
        assert read.states["india"].resolve == float(value)
        assert "out of range" in report_of(BASE, f"states.india.capability={value}")
    chosen = read_number({"choice": {"values": [0, 1], "weights": [1.5e308, 1.5e308]}})
    assert isinstance(chosen, Distribution)
    assert chosen.weights == (0.5, 0.5)


@pytest.mark.parametrize(
    "text",
    [
        "a=*b", "title=&a x", "title=!!python/object/apply:os.system [x]", "title=\x1b[2J", "\x1b=1",
        "events." + "9" * 5000 + ".deaths=1", "=" * 10_000, "a." * 20_000 + "=1", "k" * 100_000 + "=1",
        "horizon_days=" + "[" * 1000,
        "title=" + "x" * (MAX_BYTES + 1), "mediators={" + many(2_000, lambda n: f"m{n}: {{}}") + "}",
        "title=a\n---\nb", "title=a\nstart: b", "extends=../x.yaml", "\x00=1", "title=\ud800", "=", "",
    ],
    ids=range(19),
)  # fmt: skip
def test_invalid_overrides_are_refused_at_their_place(text: str) -> None:
    assert report_of(BASE, text).startswith("--set")


@pytest.mark.parametrize(
    "name", ["", *(pytest.param(one, marks=pytest.mark.slow) for one in shipped_names())]
)
def test_spoilt_files_are_read_or_refused(tmp_path: Path, name: str) -> None:
    """Soon; and what is read can be written and read again."""
    text = find_scenario(name).read_text(encoding="utf-8") if name else BASE
    for raw in mutants(text, 100, seed=len(name)):
        (tmp_path / "f.yaml").write_bytes(raw)
        began = time.perf_counter()
        scenario = attempt(lambda: load_scenario(tmp_path / "f.yaml"))
        if scenario:
            assert Scenario.model_validate(scenario.plain()).digest == scenario.digest
        assert time.perf_counter() - began < SECONDS


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["india", "pakistan", "us", "calm", "2025-05-01", "trigger", "for", "dove"])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def shaped_like(slot: Slot, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values with the keys that the schema has, and nearly everything under them."""
    if depth > 4 or not (slot.part or slot.by_name or slot.is_list):
        shares = st.floats(0, 1)
        numbers = shares | shares.map(lambda low: {"uniform": [low, low + 1]})
        words = st.sampled_from(slot.choices) if slot.choices else st.just("india")
        return (numbers if slot.bounds else words) | SCALARS | ANYTHING
    below = {key: shaped_like(inner, depth + 1) for key in slot.keys if (inner := slot.child(key))}
    if slot.part:
        return st.fixed_dictionaries({}, optional=below) | ANYTHING
    item = slot.child(0) if slot.is_list else slot.child("x")
    inner = shaped_like(item, depth + 1) if item else ANYTHING
    if slot.is_list:
        return st.lists(inner, max_size=3) | ANYTHING
    names = st.sampled_from(["india", "pakistan", "us", "imf", "a"]) | st.text(max_size=5)
    return st.dictionaries(names, inner, max_size=3) | ANYTHING


@settings(max_examples=60, deadline=None)
@given(shaped_like(TOP), st.lists(st.sampled_from(VALUES) | st.text(max_size=20), max_size=2))
def test_data_with_the_keys_of_a_scenario_never_crash_the_reader(
    plain: Any, values: list[str]
) -> None:
    overrides = [f"states.india.resolve={value}" for value in values]
    attempt(lambda: read_scenario(json.dumps(plain), "f", overrides))


PARTS = st.text(max_size=30) | st.sampled_from(VALUES)


@settings(max_examples=40, deadline=None)
@given(PARTS, PARTS)
def test_overrides_never_crash_the_reader(path: str, value: str) -> None:
    for text in (f"{path}={value}", f"events.0.{path}={value}", f"title={value}", path):
        attempt(lambda text=text: read_scenario(BASE, "f", [text]))  # type: ignore[misc]
