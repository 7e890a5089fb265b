from __future__ import annotations

import os
from pathlib import Path

import pytest

from crisis_sim.scenario import load_scenario
from crisis_sim.scenario.load import MAX_CHAIN
from tests.scenario.files import BASE, Write, mistakes_of, only_mistake, pointed_at


def test_a_scenario_says_only_what_it_changes(write: Write) -> None:
    text = "{extends: base.yaml, title: x, lenders: null, states: {india: {resolve: 0.5}}}"
    path = write("no_lenders.yaml", text)
    base, changed = load_scenario(path.with_name("base.yaml")), load_scenario(path)
    assert (changed.name, changed.title, changed.lenders) == ("no_lenders", "x", {})
    assert changed.states["india"].resolve == 0.5
    assert changed.states["india"].audience == base.states["india"].audience
    assert changed.states["pakistan"] == base.states["pakistan"]
    assert changed.mediators == base.mediators


def test_a_chain_is_laid_over_in_order(write: Write) -> None:
    write("b.yaml", "{extends: base.yaml, title: b, horizon_days: 40, follow_up_days: 6}")
    scenario = load_scenario(write("c.yaml", "{extends: b.yaml, title: c, follow_up_days: 12}"))
    assert (scenario.title, scenario.horizon_days, scenario.follow_up_days) == ("c", 40, 12)


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


def test_a_file_in_a_folder_below_may_be_extended(write: Write) -> None:
    write("below/more.yaml", BASE)
    assert load_scenario(write("a.yaml", "extends: below/more.yaml")).title == "A small crisis"


@pytest.mark.parametrize(
    ("message", "names"),
    {
        "files of its own folder only": [
            "/etc/passwd", "../base.yaml", "below/../../base.yaml", "'..\\base.yaml'",
            "'C:base.yaml'", "'C:\\base.yaml'", "'\\\\host\\share\\base.yaml'",
        ],
        "no file": ["~/base.yaml", "bse.yaml", "below.yaml", "x" * 5000 + ".yaml"],
        "is no scenario file": ["base", "notes.txt"],
        "`extends` names no file": ["[base.yaml]", "7", "''", ""],
    }.items(),
)  # fmt: skip
def test_nothing_but_a_scenario_file_of_its_own_folder_is_read(
    write: Write, message: str, names: list[str]
) -> None:
    write("notes.txt", "secret").with_name("below.yaml").mkdir()
    for name in names:
        mistake = only_mistake(write("a.yaml", f"title: x\nextends: {name}\n"))
        assert message in mistake.message
        assert mistake.line == 2
        assert "secret" not in str(mistake)


def test_the_nearest_file_is_suggested(write: Write) -> None:
    assert only_mistake(write("a.yaml", "extends: bse.yaml")).suggestion == "base.yaml"


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
    assert "leads out of its folder" in only_mistake(path).message


def test_links_in_a_circle_are_no_trouble(write: Write, tmp_path: Path) -> None:
    link(tmp_path / "one.yaml", tmp_path / "two.yaml")
    link(tmp_path / "two.yaml", tmp_path / "one.yaml")
    assert "no file" in only_mistake(write("a.yaml", "extends: one.yaml")).message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(write: Write, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert "no file" in only_mistake(write("a.yaml", "extends: pipe.yaml")).message


def test_a_circle_is_told_as_a_chain(write: Write, tmp_path: Path) -> None:
    write("b.yaml", "extends: c.yaml")
    write("c.yaml", "extends: a.yaml")
    mistake = only_mistake(write("a.yaml", "extends: b.yaml"))
    chain = [str(tmp_path / name) for name in ("a.yaml", "b.yaml", "c.yaml", "a.yaml")]
    assert mistake.message == f"a circle of files: {' -> '.join(chain)}"
    assert Path(mistake.file).name == "c.yaml"


def test_a_scenario_cannot_extend_itself(write: Write) -> None:
    assert "a circle of files" in only_mistake(write("a.yaml", "extends: a.yaml")).message


def test_a_chain_may_be_long_but_not_endless(write: Write) -> None:
    last = "base.yaml"
    for number in range(MAX_CHAIN - 1):
        path = write(f"{number}.yaml", f"extends: {last}")
        last = path.name
    assert load_scenario(path).title == "A small crisis"
    assert "extend one another" in only_mistake(write("one_more.yaml", f"extends: {last}")).message


def test_a_mistake_points_into_the_file_in_which_it_was_made(write: Write) -> None:
    write("parent.yaml", BASE.replace("deaths: 26", "deaths: -1"))
    path = write("child.yaml", "extends: parent.yaml\nstates: {india: {resolve: 7}}\n")
    found = {Path(one.file).name: one for one in mistakes_of(path)}
    assert pointed_at(found["parent.yaml"]).startswith("-1")
    assert pointed_at(found["child.yaml"]).startswith("7")


def test_mistakes_in_writing_are_reported_for_all_files_of_a_chain(write: Write) -> None:
    write("parent.yaml", BASE + "title: again\n")
    path = write("child.yaml", "extends: parent.yaml\nhorizon_days: 50\nhorizon_days: 60\n")
    assert sorted(Path(one.file).name for one in mistakes_of(path)) == ["child.yaml", "parent.yaml"]


def test_removing_what_was_not_inherited_is_a_mistake(write: Write) -> None:
    mistake = only_mistake(write("a.yaml", "extends: base.yaml\nmediators: {uss: null}\n"))
    assert "nothing of that name is inherited" in mistake.message
    assert mistake.suggestion == "us"
    assert pointed_at(mistake).startswith("uss")


def test_removing_what_is_needed_points_at_the_file_that_removed_it(write: Write) -> None:
    path = write("a.yaml", "extends: base.yaml\nstates:\n  india: {resolve: null}\n")
    mistake = only_mistake(path)
    assert mistake.message == "'resolve' is missing from india"
    assert (Path(mistake.file).name, mistake.line, mistake.column) == ("a.yaml", 3, 3)
