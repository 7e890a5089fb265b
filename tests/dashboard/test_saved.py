from __future__ import annotations

from pathlib import Path

import pytest

from crisis_sim.cli import DONE, run_command
from crisis_sim.dashboard.changes import Changes, groups_of
from crisis_sim.dashboard.opened import Opened, as_scenario_file, file_name, open_reference
from crisis_sim.experiments.factors import ScenarioEditor
from crisis_sim.scenario import load_scenario
from tests.dashboard.quarrel import write_quarrel

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


def test_a_scenario_that_was_not_changed_can_be_saved_too(tmp_path: Path, opened: Opened) -> None:
    text = as_scenario_file(opened, Changes(), groups_of(opened.scenario), "same.yaml")
    (tmp_path / "same.yaml").write_text(text)
    assert load_scenario(tmp_path / "same.yaml").title == "A quarrel: unchanged"


@pytest.mark.parametrize(
    ("wished", "name"),
    [
        ("", "quarrel_moved.yaml"),
        ("gulf", "gulf.yaml"),
        ("gulf.yml", "gulf.yaml"),
        ("quarrel.yaml", "quarrel_moved.yaml"),
        ("../up", "quarrel_moved.yaml"),
        ("a\nb", "a b.yaml"),
        ("<b>", "quarrel_moved.yaml"),
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
