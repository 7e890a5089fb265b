"""Scenario files that come in, from a person or a stranger, and that go out."""

from __future__ import annotations

from pathlib import Path

import pytest

from crisis_sim.cli import DONE, run_command
from crisis_sim.dashboard.changes import Changes, groups_of
from crisis_sim.dashboard.scenario_files import (
    MAX_NAME,
    Opened,
    as_scenario_file,
    file_name,
    open_reference,
    open_sent,
)
from crisis_sim.experiments.factors import ScenarioEditor
from crisis_sim.scenario import load_scenario
from crisis_sim.scenario.errors import ScenarioError
from crisis_sim.scenario.source import MAX_BYTES
from tests.dashboard.quarrel import QUARREL, write_quarrel


def mistakes(name: str, content: bytes) -> str:
    with pytest.raises(ScenarioError) as caught:
        open_sent(name, content, {})
    return str(caught.value)


def test_a_scenario_comes_with_the_files_that_it_stands_in(tmp_path: Path) -> None:
    write_quarrel(tmp_path)
    over = tmp_path / "over.yaml"
    over.write_text("extends: quarrel.yaml\ntitle: Otherwise\n")
    opened = open_reference(over)
    assert list(opened.files) == ["over.yaml", "quarrel.yaml"]
    assert opened.files["quarrel.yaml"].decode() == QUARREL
    assert opened.file == "over.yaml"


def test_a_sent_file_may_extend_a_shipped_one_or_one_that_is_known() -> None:
    assert open_sent("a.yaml", b"extends: may_2025.yaml\ntitle: A\n", {}).scenario.title == "A"
    known = {"quarrel.yaml": QUARREL.encode()}
    opened = open_sent("b.yaml", b"extends: quarrel.yaml\ntitle: B\n", known)
    assert list(opened.files) == ["b.yaml", "quarrel.yaml"]


def test_mistakes_in_a_sent_file_say_where_by_its_own_name() -> None:
    told = mistakes("mine.yaml", b"extends: may_2025.yaml\nmediators:\n  us: {leverge: 2}\n")
    assert told.startswith("mine.yaml:3:8: error: unknown key 'leverge'")
    assert "did you mean 'leverage'?" in told


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.txt", b"title: A", "a.txt: error: this is no scenario file"),
        ("a\x1b[2J.yaml", b"", "the file's name cannot be a scenario's name"),
        ("a" * MAX_NAME + ".yaml", b"", "the file's name cannot be a scenario's name"),
        ("", b"", "this is no scenario file"),
        ("a.yaml", b" " * (MAX_BYTES + 1), "too big for a scenario"),
        ("a.yaml", b"", "the file is empty"),
        ("a.yaml", b"title: \xff\n", "a.yaml:1:8: error: byte 0xff is not UTF-8"),
        ("a.yaml", b"extends: ../../etc/passwd\n", "extends files of its own folder only"),
        ("a.yaml", b"extends: /etc/passwd\n", "extends files of its own folder only"),
        ("a.yaml", b"extends: nowhere.yaml\n", "a.yaml:1:10: error: no file 'nowhere.yaml' here"),
        ("a.yaml", b"extends: a.yaml\n", "a circle of files"),
        ("a.yaml", b"x: !!python/object:os.system {}\n", "error: "),
        ("a.yaml", b"[" * 5000, "error: "),
    ],
)
def test_a_hostile_file_gets_a_kind_answer(name: str, content: bytes, told: str) -> None:
    found = mistakes(name, content)
    assert told in found
    assert "Traceback" not in found
    assert "crisis-sim-" not in found  # the folder in which it was read


@pytest.mark.parametrize("name", ["../../up.yaml", "C:\\down\\up.yaml", "/etc/up.yaml"])
def test_a_path_in_a_sent_name_leads_nowhere(name: str) -> None:
    assert open_sent(name, QUARREL.encode(), {}).file == "up.yaml"


CHANGES = (
    Changes()
    .move("mediators.elder.leverage.south", 0.75)
    .move("behaviour.decision.preparation_days", 1e-05)
    .switch("mediators.envoy", on=False)
    .switch("lenders.bank", on=False)
)


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    return open_reference(write_quarrel(tmp_path))


def test_the_saved_file_says_what_was_changed_and_nothing_else(
    tmp_path: Path, opened: Opened
) -> None:
    changes = CHANGES.move("behaviour.decision.preparation_days", 1.25)
    text = as_scenario_file(opened, changes, groups_of(opened.scenario), "mine.yaml")
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    saved, made = (
        load_scenario(tmp_path / "mine.yaml"),
        changes.made_in(ScenarioEditor(opened.scenario)),
    )
    told = {"name", "title", "description"}
    assert {key: value for key, value in saved.plain().items() if key not in told} == {
        key: value for key, value in made.plain().items() if key not in told
    }
    assert saved.title == "A quarrel: four changes"
    assert "leverage: South of the elder 0.75 in place of 0.2 to 0.4" in saved.description
    assert "without Envoy" in saved.description


def test_check_and_run_accept_the_saved_file(
    tmp_path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    changes = Changes().move("channels.line.trust", 0.9)
    text = as_scenario_file(opened, changes, groups_of(opened.scenario), "mine.yaml")
    Path("mine.yaml").write_text(text, encoding="utf-8")
    assert "crisis-sim run quarrel.yaml mine.yaml" in text
    assert run_command(["check", "mine.yaml"]) == DONE
    run = ["run", "quarrel.yaml", "mine.yaml", "--replicates", "20", "--workers", "1"]
    assert run_command([*run, "--out", "results"]) == DONE


def test_what_extends_a_shipped_scenario_runs_where_no_file_of_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_reference("may_2025")
    assert opened.needed == {}
    changes = Changes().move("mediators.us.attention_days", 12.5)
    text = as_scenario_file(opened, changes, groups_of(opened.scenario), "mine.yaml")
    assert "crisis-sim run may_2025 mine.yaml" in text
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(text, encoding="utf-8")
    assert run_command(["run", "may_2025", "mine.yaml", "--dry-run"]) == DONE
    sent = open_sent("mine.yaml", text.encode(), {})
    assert (sent.reference, list(sent.needed)) == ("mine.yaml", ["mine.yaml"])


def test_a_scenario_that_was_not_changed_can_be_saved_too(tmp_path: Path, opened: Opened) -> None:
    text = as_scenario_file(opened, Changes(), groups_of(opened.scenario), "same.yaml")
    (tmp_path / "same.yaml").write_text(text)
    assert load_scenario(tmp_path / "same.yaml").title == "A quarrel: unchanged"


@pytest.mark.parametrize(
    ("wished", "name"),
    [
        ("", "quarrel_changed.yaml"),
        ("gulf", "gulf.yaml"),
        ("gulf.yml", "gulf.yaml"),
        ("quarrel.yaml", "quarrel_changed.yaml"),
        ("../up", "quarrel_changed.yaml"),
        ("a\nb", "a b.yaml"),
        ("<b>", "quarrel_changed.yaml"),
    ],
)
def test_the_file_has_a_name_that_will_do(opened: Opened, wished: str, name: str) -> None:
    assert file_name(wished, opened) == name


def test_what_set_changed_is_in_the_saved_file_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ["mediators.elder.leverage.north=0.9", "events.0.deaths=7"]
    opened = open_reference(write_quarrel(tmp_path), given)
    assert opened.file == "quarrel_set.yaml"
    monkeypatch.chdir(tmp_path)
    for name, content in opened.files.items():
        Path(name).write_bytes(content)
    assert given[0] in Path(opened.file).read_text(encoding="utf-8").splitlines()[0]
    changes = Changes().move("channels.line.trust", 0.25)
    text = as_scenario_file(opened, changes, groups_of(opened.scenario), "mine.yaml")
    Path("mine.yaml").write_text(text, encoding="utf-8")
    saved = load_scenario("mine.yaml")
    assert saved.mediators["elder"].leverage["north"] == 0.9
    assert saved.events[0].deaths == 7
    assert saved.channels["line"].trust == 0.25
    told = {"name", "title", "description"}
    plain = load_scenario("quarrel.yaml", [*given, "channels.line.trust=0.25"]).plain()
    assert {k: v for k, v in saved.plain().items() if k not in told} == {
        k: v for k, v in plain.items() if k not in told
    }
