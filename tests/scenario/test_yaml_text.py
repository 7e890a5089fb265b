"""Scenario files as text: YAML with the place of each value, one laid over another, and names in any script."""

from __future__ import annotations

import math
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from crisis_sim.scenario import load_scenario, read_scenario
from crisis_sim.scenario.errors import ScenarioError
from crisis_sim.scenario.yaml_text import (
    MAX_DEPTH,
    Node,
    is_agent_name,
    is_distribution,
    is_file_name,
    lay_over,
    merge,
    nfc,
    parse,
    suggest_agent_name,
)
from tests.scenario.files import BASE, Write, said_of


def node(text: str, name: str = "f.yaml") -> Node:
    top, mistakes = parse(name, text)
    assert mistakes == []
    return top


def value_of(text: str) -> object:
    return node(f"a: {text}").plain()["a"]


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
    unread = 'a: 1\nb: "\\U0011ffff"'
    assert report_of(unread).startswith("f.yaml:2:1: error: cannot be read as YAML")
    assert said_of(BASE, "horizon_days=[").startswith("--set:1:15: error: not valid YAML")


def test_the_deepest_nesting_allowed_is_read_and_one_more_level_refused() -> None:
    levels = MAX_DEPTH - 1  # the top mapping is one, the innermost value another
    assert value_of("[" * (levels - 1) + "1" + "]" * (levels - 1)) is not None
    assert "nested too deeply" in report_of("a: " + "[" * levels + "1" + "]" * levels)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_a_hundred_thousand_levels_are_refused_without_recursion(opening: str) -> None:
    assert "nested too deeply" in report_of("x:\n  " + opening * 100_000)


# One laid over another


@pytest.mark.parametrize(
    ("inherited", "over", "expected"),
    [
        ("{a: 1, b: 2}", "{b: 3}", {"a": 1, "b": 3}),
        ("{a: {b: {c: 1, d: 2}}}", "{a: {b: {d: 3}}}", {"a": {"b": {"c": 1, "d": 3}}}),
        ("{a: [1, 2, 3]}", "{a: [4]}", {"a": [4]}),
        ("{a: [{b: 1, c: 2}]}", "{a: [{b: 3}]}", {"a": [{"b": 3}]}),
        ("{a: 1}", "{a: {b: 2}}", {"a": {"b": 2}}),
        ("{a: {b: 2}}", "{a: 1}", {"a": 1}),
        ("{a: 1, b: 2}", "{a: null}", {"b": 2}),
        ("{a: {b: 1, c: 2}}", "{a: {b: null}}", {"a": {"c": 2}}),
        ("{a: {b: 1}}", "{a: {}}", {"a": {"b": 1}}),
        ("{a: 1}", "{b: null}", {"a": 1, "b": None}),
        # An agent with a distribution's name is no distribution.
        ("{uniform: {a: 1}}", "{uniform: {b: 2}}", {"uniform": {"a": 1, "b": 2}}),
        ("{choice: {a: 1}}", "{choice: {b: 2}}", {"choice": {"a": 1, "b": 2}}),
    ],
)
def test_mappings_are_merged_and_other_values_replaced(
    inherited: str, over: str, expected: Any
) -> None:
    below, above = node(inherited), node(over)
    before = below.plain(), above.plain()
    assert merge(below, above).plain() == expected
    assert (below.plain(), above.plain()) == before


@pytest.mark.parametrize(
    ("inherited", "over"),
    [
        ("{uniform: [0, 1]}", "{normal: [0.5, 0.1]}"),
        ("{uniform: [0, 1]}", "{choice: [0, 1]}"),
        ("{uniform: [0, 1]}", "{choice: {values: [0, 1], weights: [1, 2]}}"),
        ("{choice: {values: [0, 1], weights: [1, 2]}}", "{choice: {values: [3]}}"),
        ("{uniform: [0, 1]}", "{unifrom: [0, 2]}"),
        ("{unifrom: [0, 1]}", "{uniform: [0, 2]}"),
        ("{uniform: [0, 1]}", "0.5"),
        ("0.5", "{uniform: [0, 1]}"),
    ],
)
def test_a_distribution_replaces_and_is_replaced_as_a_whole(inherited: str, over: str) -> None:
    result = merge(node(f"{{a: {inherited}, b: 1}}"), node(f"{{a: {over}}}")).plain()
    assert result == {"a": value_of(over), "b": 1}
    assert not is_distribution(node("uniform: 0.5"))


LINES = "{line: {opened_by: [india, us, uk], trust: 0.5}, hotline: {opened_by: [india]}}"
CRISIS = f"{{mediators: {{us: {{}}, uk: {{}}}}, channels: {LINES}}}"


@pytest.mark.parametrize(
    ("over", "openers"),
    [
        ("{mediators: {us: null}}", ["india", "uk"]),
        ("{mediators: null}", ["india"]),
        ("{mediators: {us: {style: formulation}}}", ["india", "us", "uk"]),
        ("{mediators: {us: null}, channels: {line: {trust: 0.1}}}", ["india", "uk"]),
        # A list that the scenario itself writes is its own business; the checks will speak of it.
        ("{mediators: {us: null}, channels: {line: {opened_by: [us]}}}", ["us"]),
    ],
)
def test_a_removed_mediator_is_removed_from_inherited_openers(
    over: str, openers: list[str]
) -> None:
    channels = lay_over(node(CRISIS), node(over)).plain()["channels"]
    assert channels["line"]["opened_by"] == openers
    assert channels["hotline"]["opened_by"] == ["india"]
    assert lay_over(node(CRISIS), node("{mediators: null, channels: null}")).plain() == {}


# Names

#: Names of places as those who live there write them.
NAMES = (
    *("भारत", "पाकिस्तान", "বাংলাদেশ", "ශ්\u200dරී_ලංකා", "இலங்கை", "ไทย", "กัมพูชา", "မြန်မာ", "ខ្មែរ"),
    *("پاکستان", "مِصْر", "كُوَيْت", "می\u200cخواهم", "ישראל", "россия", "հայաստան", "საქართველო"),
    *("র\u200d্যাব", "മോഹന്\u200d", "శ్రీ", "ಕರ್ನಾಟಕ", "ਪੰਜਾਬ", "ગુજરાત", "ଓଡ଼ିଶା", "اَلْهِنْد", "ลาว"),
    *("中国", "日本", "한국", "perú", "méxico", "côte_d_ivoire", "việt_nam", "ኢትዮጵያ", "རྒྱ_གར"),
)


@pytest.mark.parametrize("name", NAMES)
def test_names_may_be_in_any_script_and_normal_form(name: str) -> None:
    known, decomposed = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    for form in (known, decomposed):
        assert is_agent_name(nfc(form))
        assert is_file_name(nfc(form))
    text = BASE.replace("india", decomposed).replace(f"struck: {decomposed}", f"struck: {known}")
    scenario = read_scenario(text, decomposed, [f"states.{decomposed}.resolve=0.25"])
    assert scenario.name == known
    assert scenario.states[known].resolve == 0.25


@pytest.mark.parametrize(("asked", "there"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_file_is_found_in_either_normal_form_of_its_name(
    write: Write, tmp_path: Path, asked: str, there: str
) -> None:
    base = write(unicodedata.normalize(there, "méxico_perú.yaml"), BASE)
    named = unicodedata.normalize(asked, base.name)
    assert load_scenario(tmp_path / named).name == "méxico_perú"
    over = write("over.yaml", f"extends: {named}\ntitle: other\n")
    assert load_scenario(over).title == "other"


@settings(max_examples=200)
@given(st.text(max_size=45))
def test_suggested_names_are_valid_and_normalised(text: str) -> None:
    name = nfc(text)
    if is_agent_name(name):
        assert nfc(name) == name == name.lower()
        assert all(
            mark in "_\u200c\u200d" or unicodedata.category(mark)[0] in "LMN" for mark in name
        )
    near = suggest_agent_name(text)
    assert near == "" or is_agent_name(near)
