"""Finding scenario files and what they extend; several at once; and files for the model's first generation."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from crisis_sim.experiments.load import load_experiment
from crisis_sim.scenario import (
    Scenario,
    ScenarioError,
    load_scenario,
    load_scenarios,
    read_scenario,
    shipped_scenarios,
)
from crisis_sim.scenario import load as room
from crisis_sim.scenario.errors import REMOVED, removed_parameter
from crisis_sim.scenario.introspect import slot_at
from crisis_sim.scenario.load import MAX_CHAIN, find_scenario, load_each, shipped_names
from tests.scenario.files import BASE, Write, mistakes_of, only_mistake, pointed_at, refused


def test_files_texts_and_plain_data_give_the_same_scenario(
    write: Write,
) -> None:
    scenario = load_scenario(write("border_2030.yaml", BASE))
    assert isinstance(scenario, Scenario)
    assert (scenario.name, scenario.state_names) == ("border_2030", ("india", "pakistan"))
    assert scenario.trigger_hours == 9.0  # midnight in the offset of `start`
    assert scenario == Scenario.from_text(BASE, "border_2030")
    assert Scenario.model_validate(scenario.plain()) == scenario


@pytest.mark.parametrize("name", ["..yaml", "-x.yaml", "a\x1b[2J.yaml", "a\nb.yaml"])
def test_a_file_with_a_strange_name_is_refused_and_shown_safely(write: Write, name: str) -> None:
    try:
        path = write(name, BASE)
    except OSError:
        pytest.skip("no such names here")
    mistake = only_mistake(path)
    assert mistake.message == "the file's name cannot be a scenario's name"
    assert not {"\x1b", "\n"} & {*str(mistake).split("error:")[0]}


@pytest.mark.parametrize(("count", "expected"), [(1, "at least 2"), (3, "at most 2")])
def test_there_are_two_states(count: int, expected: str) -> None:
    states = "".join(f"  s{number}: {{resolve: 1, audience: 1}}\n" for number in range(count))
    text = f"title: t\nstart: 2025-04-22T15:00Z\nstates:\n{states}"
    (mistake,) = refused(lambda: read_scenario(text))
    assert (mistake.message, mistake.expected) == (f"{count} entries here", expected)


def test_all_mistakes_are_reported_together(write: Write) -> None:
    text = BASE.replace("resolve: 0.8", "reslove: 0.8").replace("struck: india", "struck: indai")
    text = text.replace("pakistan, us", "pakistan, usa") + "title: again\nhorizon_days: -1\n"
    assert [(one.line, one.message) for one in mistakes_of(write("a.yaml", text))] == [
        (4, "'resolve' is missing from india"),
        (4, "unknown key 'reslove'"),
        (7, "unknown state 'indai'"),
        (17, "unknown state or mediator 'usa'"),
        (20, "duplicate key 'title', first given in line 1"),
        (21, "out of range: -1"),
    ]


def test_reports_name_files_as_the_user_did(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = write("a.yaml", "title: x\n")
    monkeypatch.chdir(tmp_path)
    assert {one.file for one in mistakes_of(Path("a.yaml"))} == {"a.yaml"}
    assert {one.file for one in mistakes_of(path)} == {"a.yaml"}
    monkeypatch.chdir(path.parents[1])
    assert {one.file for one in mistakes_of(path)} == {str(Path(tmp_path.name) / "a.yaml")}


# What ships


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_scenario_is_valid_and_unchanged_by_a_copy(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.name == name
    same = scenario.changed({}, name="other")
    assert (same.name, same.digest) == ("other", scenario.digest)
    left_open = scenario.behaviour.decision.model_fields_set
    assert same.behaviour.decision.model_fields_set == left_open


@pytest.fixture
def shelf(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and two shipped scenarios elsewhere."""
    write("shipped/may_2025.yaml", BASE)
    write("shipped/no_lenders.yaml", "extends: may_2025.yaml\nlenders: null\n")
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.setattr(room, "shipped_folder", lambda: tmp_path / "shipped")
    monkeypatch.chdir(here)
    return here


def test_a_file_but_not_a_folder_takes_precedence_over_a_shipped_scenario(
    shelf: Path,
) -> None:
    assert load_scenario("no_lenders").lenders == {}
    (shelf / "may_2025").mkdir()
    assert load_scenario("may_2025").title == "A small crisis"
    (shelf / "may_2025").rmdir()
    (shelf / "may_2025").write_text(BASE.replace("A small crisis", "Mine"), encoding="utf-8")
    assert load_scenario("may_2025").title == "Mine"


@pytest.mark.parametrize(
    ("reference", "suggestion"),
    [
        *((one, "may_2025") for one in ("may2025", "may_2025.yaml", "scenarios/may_2025.yaml")),
        ("mine", "mine.yaml"),
        *((one, "") for one in ("qqq", "\x00", "x" * 5000)),
    ],
    ids=range(7),
)
def test_an_unknown_name_suggests_the_nearest(shelf: Path, reference: str, suggestion: str) -> None:
    (shelf / "mine.yaml").write_text(BASE, encoding="utf-8")
    (mistake,) = refused(lambda: find_scenario(reference))
    assert mistake.message == "no such file, nor a shipped scenario"
    assert mistake.suggestion == suggestion
    assert "may_2025 or no_lenders" in mistake.expected
    with pytest.raises(ScenarioError, match="this is a folder"):
        find_scenario(shelf)


def test_shipped_scenarios_have_titles_of_their_own_which_a_file_may_inherit(
    request: pytest.FixtureRequest,
) -> None:
    titles = {one.name: one.title for one in shipped_scenarios()}
    assert "may_2025" in titles
    assert all(titles.values())
    assert len({*titles.values()}) == len(titles)
    request.getfixturevalue("shelf")
    assert [one.title for one in shipped_scenarios()] == ["A small crisis"] * 2


def test_in_a_wheel_the_scenarios_are_inside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "crisis_sim" / "scenario" / "shipped.py"
    module.parent.mkdir(parents=True)
    monkeypatch.setattr(room, "__file__", str(module))
    assert room.shipped_folder() == tmp_path.resolve() / "scenarios"
    (tmp_path / "crisis_sim" / "_scenarios").mkdir()
    assert room.shipped_folder() == tmp_path.resolve() / "crisis_sim" / "_scenarios"


# Files that extend others


def test_a_scenario_gives_changes_only_and_chains_are_merged_in_order(
    write: Write,
) -> None:
    text = "{extends: base.yaml, title: x, lenders: null, states: {india: {resolve: 0.5}}}"
    path = write("poor.yaml", text)
    base, changed = load_scenario(path.with_name("base.yaml")), load_scenario(path)
    assert (changed.name, changed.title, changed.lenders) == ("poor", "x", {})
    assert changed.states["india"].resolve == 0.5
    assert changed.states["india"].audience == base.states["india"].audience
    assert changed.states["pakistan"] == base.states["pakistan"]
    assert changed.mediators == base.mediators
    more = load_scenario(write("c.yaml", "{extends: poor.yaml, title: c, follow_up_days: 12}"))
    assert (more.title, more.follow_up_days, more.lenders) == ("c", 12, {})


@pytest.mark.parametrize("name", ["no_mediators", "no_mediators.yaml"])
def test_a_shipped_scenario_is_found_from_every_folder_unless_a_file_there_has_its_name(
    write: Write, name: str
) -> None:
    path = write("mine.yaml", f"{{extends: {name}, title: x, horizon_days: 40}}")
    mine, shipped = load_scenario(path), load_scenario("no_mediators")
    assert (mine.title, mine.horizon_days) == ("x", 40)
    assert (mine.states, mine.mediators) == (shipped.states, {})
    write("no_mediators.yaml", BASE)
    assert load_scenario(path).mediators == load_scenario(path.with_name("base.yaml")).mediators
    assert only_mistake(write("a.yaml", "extends: no_mediator")).suggestion == "no_mediators"
    assert only_mistake(write("a.yaml", "extends: bse.yaml")).suggestion == "base.yaml"


def test_files_in_subfolders_but_not_in_parent_folders_may_be_extended(write: Write) -> None:
    write("below/more.yaml", BASE)
    assert load_scenario(write("a.yaml", "extends: below/more.yaml")).title == "A small crisis"
    write("below/one.yaml", "extends: ../base.yaml\n")
    mistake = only_mistake(write("b.yaml", "extends: below/one.yaml\n"))
    assert "a scenario can only extend files of its folder" in mistake.message


@pytest.mark.parametrize(
    ("message", "names"),
    {
        "a scenario can only extend files of its folder": [
            "/etc/passwd", "../base.yaml", "below/../../base.yaml", "'..\\base.yaml'",
            "'C:base.yaml'", "'C:\\base.yaml'", "'\\\\host\\share\\base.yaml'",
        ],
        "no file": ["~/base.yaml", "bse.yaml", "below.yaml", "x" * 5000 + ".yaml"],
        "is not a scenario file": ["base", "notes.txt"],
        "`extends` names no file": ["[base.yaml]", "7", "''", ""],
    }.items(),
)  # fmt: skip
def test_only_scenario_files_of_the_same_folder_are_read(
    write: Write, message: str, names: list[str]
) -> None:
    write("notes.txt", "secret").with_name("below.yaml").mkdir()
    for name in names:
        mistake = only_mistake(write("a.yaml", f"title: x\nextends: {name}\n"))
        assert message in mistake.message
        assert mistake.line == 2
        assert "secret" not in str(mistake)


def link(path: Path, target: Path) -> None:
    try:
        path.symlink_to(target)
    except (OSError, NotImplementedError):
        pytest.skip("no symbolic links here")


@pytest.mark.parametrize(("name", "to"), [("linked.yaml", "base.yaml"), ("below", ".")])
def test_a_link_out_of_the_folder_is_not_followed(
    write: Write, tmp_path: Path, name: str, to: str
) -> None:
    path = write("inside/a.yaml", f"extends: {name}{'/base.yaml' if to == '.' else ''}")
    link(tmp_path / "inside" / name, tmp_path / to)
    assert "is outside of the scenario's folder" in only_mistake(path).message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_circular_links_and_pipes_are_handled(write: Write, tmp_path: Path) -> None:
    link(tmp_path / "one.yaml", tmp_path / "two.yaml")
    link(tmp_path / "two.yaml", tmp_path / "one.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    for name in ("one.yaml", "pipe.yaml"):
        assert "no file" in only_mistake(write("a.yaml", f"extends: {name}")).message


def test_circular_files_are_reported_as_a_chain(write: Write, tmp_path: Path) -> None:
    write("b.yaml", "extends: c.yaml")
    write("c.yaml", "extends: a.yaml")
    mistake = only_mistake(write("a.yaml", "extends: b.yaml"))
    chain = [str(tmp_path / name) for name in ("a.yaml", "b.yaml", "c.yaml", "a.yaml")]
    assert mistake.message == f"files extend each other in a circle: {' -> '.join(chain)}"
    assert Path(mistake.file).name == "c.yaml"
    assert "in a circle" in only_mistake(write("d.yaml", "extends: d.yaml")).message


def test_a_chain_may_be_long_but_not_endless(write: Write) -> None:
    last = "base.yaml"
    for number in range(MAX_CHAIN - 1):
        path = write(f"{number}.yaml", f"extends: {last}")
        last = path.name
    assert load_scenario(path).title == "A small crisis"
    assert "extend one another" in only_mistake(write("one_more.yaml", f"extends: {last}")).message


def test_a_mistake_points_into_the_file_in_which_it_was_made(write: Write) -> None:
    write("parent.yaml", BASE.replace("deaths: 26", "deaths: -1") + "title: again\n")
    path = write("child.yaml", "extends: parent.yaml\nstates: {india: {resolve: 7}}\n")
    found = {(Path(one.file).name, one.line): one for one in mistakes_of(path)}
    assert pointed_at(found["parent.yaml", 7]).startswith("-1")
    assert "duplicate key" in found["parent.yaml", 20].message
    assert pointed_at(found["child.yaml", 2]).startswith("7")


def test_removing_a_missing_or_required_entry_is_a_mistake(
    write: Write,
) -> None:
    mistake = only_mistake(write("a.yaml", "extends: base.yaml\nmediators: {uss: null}\n"))
    assert "there is no inherited" in mistake.message
    assert mistake.suggestion == "us"
    assert pointed_at(mistake).startswith("uss")
    path = write("a.yaml", "extends: base.yaml\nstates:\n  india: {resolve: null}\n")
    mistake = only_mistake(path)
    assert mistake.message == "'resolve' is missing from india"
    assert (Path(mistake.file).name, mistake.line, mistake.column) == ("a.yaml", 3, 3)


# Several that are to be compared


@pytest.fixture
def pair(write: Write) -> list[Path]:
    """A scenario and its counterfactual without lenders."""
    poor = write("poor.yaml", "extends: base.yaml\ntitle: poor\nlenders: null\n")
    return [poor.with_name("base.yaml"), poor]


def told(references: list[Path], *overrides: str) -> list[tuple[str, str]]:
    mistakes = refused(lambda: load_scenarios(references, overrides))
    return [(one.message, one.suggestion) for one in mistakes]


def test_overrides_apply_to_each_scenario_and_removed_entries_may_be_missing_from_some(
    pair: list[Path],
) -> None:
    overrides = ["lenders.imf=null", "states.india.resolve=0.3"]
    for references in (pair, pair[::-1]):
        read = load_scenarios(references, overrides)
        assert [one.name for one in read] == [path.stem for path in references]
        assert [one.lenders for one in read] == [{}, {}]
        assert [one.states["india"].resolve for one in read] == [0.3, 0.3]
    assert told(pair, "lenders.inf=null") == [("unknown 'inf'", "imf")]
    assert told(pair[1:], "lenders.imf=null") == [("unknown 'imf'", "")]


def test_a_mistake_names_the_scenarios_that_have_it_where_others_do_not(
    pair: list[Path], write: Write
) -> None:
    override = "lenders.imf.dependence=0.2"
    assert told(pair, override) == [("unknown 'imf' in poor", "")]
    third = write("third.yaml", "extends: poor.yaml\ntitle: third\n")
    assert told([*pair, third], override) == [("unknown 'imf' in poor and third", "")]
    good, bad = load_each(pair, [override])
    assert isinstance(good, Scenario)
    assert isinstance(bad, ScenarioError)


def test_mistakes_of_all_scenarios_are_reported_together(pair: list[Path], write: Write) -> None:
    wrong = write("wrong.yaml", "extends: base.yaml\ntitel: x\n")
    references = [wrong, wrong.with_name("gone.yaml"), *pair]
    mistakes = refused(lambda: load_scenarios(references, ["horizon_days=-1"]))
    files = [Path(one.file).name for one in mistakes]
    assert files == ["--set", "gone.yaml", "wrong.yaml"]


# Files for the first generation of the model are read, or are told what replaced what.


def test_the_length_of_a_turn_is_ignored_with_a_warning(write: Write) -> None:
    path = write("old.yaml", "extends: base.yaml\nhours_per_turn: 6\ntitle: old\n")
    with pytest.warns(UserWarning, match=re.escape(f"{path}:2:1: `hours_per_turn` is ignored")):
        old = load_scenario(path)
    assert old.digest == load_scenario(write("new.yaml", "extends: base.yaml\ntitle: old\n")).digest
    with pytest.warns(UserWarning, match=r"--set:1:1: `hours_per_turn` .* can be deleted"):
        assert read_scenario(BASE, "f", ["hours_per_turn=3"]).digest == read_scenario(BASE).digest


def test_removed_parameters_are_reported_with_their_replacements() -> None:
    for path in REMOVED.keys() - {room.TURNS}:
        _, section, name = path.split(".")
        now = REMOVED[path][0]
        reports = []
        for text, override in (
            (f"{BASE}behaviour:\n  {section}:\n    {name}: 1\n", []),
            (BASE, [f"{path}=1"]),
        ):
            (mistake,) = refused(lambda: read_scenario(text, "f", override))  # noqa: B023
            reports.append((mistake.message, mistake.expected))
            assert (mistake.file, mistake.line) == (("--set", 1) if override else ("f", 22))
        ((message, expected),) = {*reports}
        assert message.startswith(f"{path} no longer exists: ")
        assert now in expected
        assert "docs/model_versions.md" in expected
        assert slot_at(path.split(".")) is None
        assert not now or slot_at(now.split("."))


def test_removed_sections_and_numbers_of_distributions_are_reported(write: Write) -> None:
    mistake = only_mistake(write("a.yaml", BASE), "behaviour.quiet=null")
    assert mistake.message == "behaviour.quiet no longer exists"
    assert "behaviour.ends.fading_days instead" in mistake.expected
    inner = removed_parameter("behaviour.halt.settling_cost.normal.0")
    assert inner == removed_parameter("behaviour.halt.settling_cost")
    assert removed_parameter("behaviour.decision.cost") is removed_parameter("behaviour") is None


def test_an_experiment_on_a_removed_parameter_is_reported(write: Write) -> None:
    text = "kind: sweep\ntitle: t\nquestion: q\nscenario: base.yaml\nreplicates: 100\noutcomes: [war]\n"
    path = write("e.yaml", f"{text}vary: {{behaviour.decision.retaliation: {{low: 1, high: 2}}}}\n")
    (mistake,) = refused(lambda: load_experiment(path))
    assert mistake.message.startswith("behaviour.decision.retaliation no longer exists")
    assert "behaviour.decision.answering" in mistake.expected
    assert mistake.line == len(text.splitlines()) + 1
