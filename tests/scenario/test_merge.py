from __future__ import annotations

from typing import Any

import pytest

from crisis_sim.scenario.source import Node, is_distribution, lay_over, merge, parse


def node(text: str, name: str = "f.yaml") -> Node:
    top, mistakes = parse(name, text)
    assert mistakes == []
    return top


def merged(inherited: str, over: str) -> Any:
    return merge(node(inherited), node(over)).plain()


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
    ],
)
def test_mappings_merge_and_all_else_replaces(inherited: str, over: str, expected: Any) -> None:
    assert merged(inherited, over) == expected


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
    result = merged(f"{{a: {inherited}, b: 1}}", f"{{a: {over}}}")
    assert result == {"a": node(f"a: {over}").plain()["a"], "b": 1}


@pytest.mark.parametrize("name", ["uniform", "normal", "beta", "choice"])
def test_an_agent_with_a_distributions_name_is_no_distribution(name: str) -> None:
    assert merged(f"{{{name}: {{a: 1}}}}", f"{{{name}: {{b: 2}}}}") == {name: {"a": 1, "b": 2}}
    assert not is_distribution(node(f"{name}: 0.5"))


def test_values_keep_the_file_they_came_from() -> None:
    top = merge(node("{a: {b: 1, c: 2}}", "parent.yaml"), node("\n{a: {c: 3}}", "child.yaml"))
    a = top.entries()["a"].entries()
    assert a["b"].place.source.name == "parent.yaml"
    assert (a["c"].place.source.name, a["c"].place.line) == ("child.yaml", 2)


def test_inputs_are_left_as_they_were() -> None:
    inherited, over = node("{a: {b: 1}, c: 2}"), node("{a: {b: 3}, c: null}")
    merge(inherited, over)
    assert inherited.plain() == {"a": {"b": 1}, "c": 2}
    assert over.plain() == {"a": {"b": 3}, "c": None}


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
def test_a_mediator_that_is_removed_leaves_inherited_openers(over: str, openers: list[str]) -> None:
    result = lay_over(node(CRISIS), node(over)).plain()
    assert result["channels"]["line"]["opened_by"] == openers
    assert result["channels"]["hotline"]["opened_by"] == ["india"]


def test_a_channel_may_be_removed_with_the_mediators() -> None:
    assert lay_over(node(CRISIS), node("{mediators: null, channels: null}")).plain() == {}
