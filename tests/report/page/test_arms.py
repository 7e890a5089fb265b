"""Which crises the page of an experiment tells, and that they are the ones in its folder."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from crisis_sim.cli import DONE, run_command
from crisis_sim.experiments import make_experiment, read_experiment, run_experiment
from crisis_sim.report import replay
from crisis_sim.report.page import contents, page_of
from crisis_sim.report.page import stories as told
from crisis_sim.report.page.blocks import Story, Table
from crisis_sim.report.page.contents import Baseline, baseline
from tests.report.page.conftest import short

REPLICATES = 20


@pytest.fixture(autouse=True)
def no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts take most of the time that a page takes, and have tests of their own."""
    monkeypatch.setattr(replay, "draw_replay", lambda *_: None)
    monkeypatch.setattr(told, "inline", lambda *_: "<svg></svg>")


@pytest.fixture(scope="module")
def attribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    mediators = list(short().mediators)
    parts = {f"part {k}": f"mediators.{name}" for k, name in enumerate(mediators[:1])}
    return _made(tmp_path_factory, "attribute", parts={**parts, "<b>lenders</b>": "lenders"})


@pytest.fixture(scope="module")
def tornado(tmp_path_factory: pytest.TempPathFactory) -> Path:
    vary = {f"states.{state}.resolve": {} for state in short().states}
    study = {"method": "sobol", "vary": vary, "samples": 16, "tornado": REPLICATES}
    return _made(tmp_path_factory, "sensitivity", replicates=2, **study)


def _made(factory: pytest.TempPathFactory, kind: str, **asked: Any) -> Path:
    folder = factory.mktemp("arms") / kind
    asked = {"replicates": REPLICATES, "outcomes": ["agreement"], **asked}
    run_experiment(make_experiment(kind, kind=kind, scenario=short(), **asked), folder)
    return folder


def found(folder: Path) -> Baseline:
    one = baseline(read_experiment(folder), folder)
    assert one is not None
    return one


@pytest.mark.parametrize("kind", ["sweep", "attribution", "tornado"])
def test_every_crisis_told_comes_out_again_as_it_stands_in_the_folder(
    kind: str, request: pytest.FixtureRequest
) -> None:
    arm = found(request.getfixturevalue(kind)).arm
    assert arm.ensemble.replicates == REPLICATES
    result = told.tell_arm(arm)
    assert result.stories
    assert result.lacking == ""


def test_a_sweep_tells_of_the_point_that_others_are_compared_with(sweep: Path) -> None:
    one = found(sweep)
    summary = json.loads((sweep / "summary.json").read_text(encoding="utf-8"))
    table = read_experiment(sweep).tables["points"].to_pylist()
    value = table[summary["reference"]]["states.northland.resolve"]
    assert one.arm.overrides == [f"states.northland.resolve={value!r}"]
    assert one.told == f"at resolve {value:g}, with which the others are compared"
    assert len(one.arm.elsewhere) == len(table)
    assert all(name.startswith("resolve ") for name in one.arm.elsewhere)


def test_a_long_sweep_is_shown_from_end_to_end(
    sweep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "SHOWN", 2)
    names = list(found(sweep).arm.elsewhere)
    values = [row["states.northland.resolve"] for row in _points(sweep)]
    assert {names[0], names[-1]} == {f"resolve {one:g}" for one in (min(values), max(values))}


def _points(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read_experiment(folder).tables["points"].to_pylist()
    return rows


def test_an_attribution_holds_a_crisis_with_all_parts_against_it_without_each(
    attribution: Path,
) -> None:
    arm = found(attribution).arm
    assert list(arm.elsewhere) == [
        "with all of them",
        "without part 0",
        "without <b>lenders</b>",
        "with none of them",
    ]
    (story, *_) = told.tell_arm(arm).stories
    (table,) = (block for block in story.blocks if isinstance(block, Table))
    assert [name for name, _ in table.rows] == list(arm.elsewhere)
    assert table.caption == "The same crisis, with the same luck, with parts taken away"


def test_a_sensitivity_analysis_tells_of_the_middle_beside_either_end(tornado: Path) -> None:
    one = found(tornado)
    assert len(one.arm.overrides) == 2
    assert next(iter(one.arm.elsewhere)) == "all in their middle"
    assert len(one.arm.elsewhere) == 5
    without = shutil.copytree(tornado, tornado.parent / "without")
    shutil.rmtree(without / "design" / "tornado")
    assert baseline(read_experiment(without), without) is None


def test_the_command_beside_a_story_tells_the_same_crisis(
    sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from crisis_sim.report.page.parts import scenario_file

    arm = found(sweep).arm
    story = told.tell_arm(arm).stories[0]
    monkeypatch.chdir(tmp_path)
    plain = read_experiment(sweep).experiment.scenario.plain()
    Path("short.yaml").write_text(scenario_file({"scenario": plain}), encoding="utf-8")
    words = shlex.split(story.command)
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert run_command([*words[1:], "--json"]) == DONE
    outcome = json.loads(capsys.readouterr().out)["outcome"]
    row = arm.ensemble.table.slice(story.replicate, 1).to_pylist()[0]
    assert outcome["ending"] == row["ending"]
    assert outcome["deaths"] == pytest.approx(row["deaths"], rel=1e-5)


def test_the_page_has_the_stories_between_the_figures_and_the_assumptions(sweep: Path) -> None:
    page = page_of(sweep)
    names = [one.name for one in page.sections]
    assert names[:4] == ["charts", "tables", "stories", "assumptions"]
    (section,) = (one for one in page.sections if one.name == "stories")
    assert any(isinstance(block, Story) for block in section.blocks)
    assert page.plain()["stories"]


def test_crises_that_cannot_be_read_are_no_reason_for_no_page(sweep: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(sweep, tmp_path / "copy"))
    (copy / "design" / "outcomes.parquet").write_bytes(b"spoilt")
    (section,) = (one for one in page_of(copy).sections if one.name == "stories")
    (only,) = section.blocks
    assert "The crises cannot be told here: " in getattr(only, "text", "")


def test_too_many_crises_to_look_through_are_not_told(
    sweep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MOST_CRISES", 3 * REPLICATES - 1)
    assert baseline(read_experiment(sweep), sweep) is None
    assert "stories" not in [one.name for one in page_of(sweep).sections]
