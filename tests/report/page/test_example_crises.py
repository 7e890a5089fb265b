"""Which crises a page tells: by rules that can be checked by hand, and as they are in the folder."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crisis_sim.batch import read_batch
from crisis_sim.batch.ensemble import Ensemble
from crisis_sim.cli import DONE, run_command
from crisis_sim.experiments import make_experiment, read_experiment, run_experiment
from crisis_sim.report import example_crises
from crisis_sim.report.example_crises import (
    Arm,
    Choice,
    baseline_of,
    choose,
    reference_of,
    tell_arm,
)
from crisis_sim.report.page import page_of
from crisis_sim.report.save import scenario_file
from crisis_sim.scenario import Scenario
from tests.report.made_up import make_ensemble
from tests.report.page.conftest import short
from tests.report.page.reading import read

COUNT = 9
NONE = float("nan")


def nine(**columns: Any) -> Ensemble:
    """Nine crises with a strike after 100 hours; the k-th, from 0, ends by agreement k + 1 days later."""
    ends = 100.0 + 24.0 * np.arange(1, COUNT + 1)
    usual = {
        "ending": np.full(COUNT, "agreement"),
        "worst_violence": np.full(COUNT, "serious clashes"),
        "first_strike_at_hours": np.full(COUNT, 100.0),
        "ended_at_hours": ends,
        "deaths": np.full(COUNT, 10.0),
    }

    def change(found: dict[str, Any]) -> None:
        found.update(usual | columns)

    return make_ensemble("may_2025", replicates=COUNT, change=change, paths=False)


def by_name(chosen: list[Choice]) -> dict[str, int]:
    return {one.name: one.replicate for one in chosen}


def test_typical_are_median_and_quartiles_and_extreme_the_ends() -> None:
    deaths = np.full(COUNT, 10.0)
    deaths[5] = 900.0
    chosen = choose(nine(deaths=deaths))
    assert by_name(chosen) == {
        "typical": 4,
        "shorter": 2,
        "longer": 6,
        "quickest": 0,
        "slowest": 8,
        "worst": 5,
    }
    assert "nearer to the median from trigger to end: this one took 9.2 days" in chosen[0].why
    assert "none came to it sooner: after 24 hours" in chosen[3].why
    assert "Of all 9 crises, none cost more lives: about 900." in chosen[5].why


def test_what_is_typical_has_the_commonest_ending_and_violence() -> None:
    ending = np.full(COUNT, "agreement")
    ending[:2] = "tacit"
    violence = np.full(COUNT, "serious clashes")
    violence[-3:] = "full-scale war"
    chosen = choose(nine(ending=ending, worst_violence=violence))
    # Those left are 2 to 5; their median lies between 3 and 4, and the lower number is taken.
    assert chosen[0].replicate == 3
    assert "Of the 4 crises that ended in the commonest way (agreement)" in chosen[0].why
    assert by_name(chosen)["quickest"] == 2


def test_no_crisis_is_told_twice() -> None:
    for one in range(1, COUNT):
        deaths = np.full(COUNT, 10.0)
        deaths[one] = 11.0
        chosen = choose(nine(deaths=deaths))
        numbers = [choice.replicate for choice in chosen]
        assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (
            {"ending": np.full(COUNT, "unresolved"), "ended_at_hours": np.full(COUNT, NONE)},
            ["worst"],
        ),
        (
            {
                "ending": np.full(COUNT, "unresolved"),
                "ended_at_hours": np.full(COUNT, NONE),
                "deaths": np.zeros(COUNT),
            },
            [],
        ),
        (
            {"first_strike_at_hours": np.full(COUNT, NONE), "deaths": np.zeros(COUNT)},
            ["typical", "shorter", "longer"],
        ),
        (
            {"ending": np.full(COUNT, "faded"), "deaths": np.zeros(COUNT)},
            ["typical", "shorter", "longer"],
        ),
    ],
)
def test_what_there_is_none_of_is_not_chosen(columns: dict[str, Any], told: list[str]) -> None:
    assert [one.name for one in choose(nine(**columns))] == told


@pytest.mark.parametrize("shuffle", [np.sort, lambda order: order[::-1]])
def test_the_order_of_rows_does_not_matter(shuffle: Callable[[Any], Any]) -> None:
    ensemble = nine()
    order = shuffle(np.arange(COUNT))
    turned = Ensemble(**{**vars(ensemble), "table": ensemble.table.take(order)})
    assert by_name(choose(turned)) == by_name(choose(ensemble))
    assert all(turned.column("replicate")[one.row] == one.replicate for one in choose(turned))


AT_EACH_POINT = 20


@pytest.fixture(scope="module")
def attribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    mediators = list(short().mediators)
    parts = {f"part {k}": f"mediators.{name}" for k, name in enumerate(mediators[:1])}
    return _made(tmp_path_factory, "attribute", parts={**parts, "<b>lenders</b>": "lenders"})


@pytest.fixture(scope="module")
def tornado(tmp_path_factory: pytest.TempPathFactory) -> Path:
    vary = {f"states.{state}.resolve": {} for state in short().states}
    study = {"method": "sobol", "vary": vary, "samples": 16, "tornado": AT_EACH_POINT}
    return _made(tmp_path_factory, "sensitivity", replicates=2, **study)


def _made(factory: pytest.TempPathFactory, kind: str, **asked: Any) -> Path:
    folder = factory.mktemp("arms") / kind
    asked = {"replicates": AT_EACH_POINT, "outcomes": ["agreement"], **asked}
    run_experiment(make_experiment(kind, kind=kind, scenario=short(), **asked), folder)
    return folder


def arm_of(folder: Path) -> Arm:
    arm = baseline_of(read_experiment(folder), folder)
    assert arm is not None
    return arm


@pytest.mark.usefixtures("no_charts")
@pytest.mark.parametrize("kind", ["sweep", "attribution", "tornado"])
def test_every_crisis_told_comes_out_again_as_it_stands_in_the_folder(
    kind: str, request: pytest.FixtureRequest
) -> None:
    arm = arm_of(request.getfixturevalue(kind))
    assert arm.ensemble.replicates == AT_EACH_POINT
    stories, changed = tell_arm(arm)
    assert stories
    assert not changed
    for story in stories:
        assert [name for name, *_ in story["elsewhere"]] == list(arm.elsewhere)


def test_a_sweep_tells_of_the_point_that_others_are_compared_with(
    sweep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm = arm_of(sweep)
    found = read_experiment(sweep)
    values = [row["states.northland.resolve"] for row in found.tables["points"].to_pylist()]
    value = values[found.summary["reference"]]
    assert arm.overrides == [f"states.northland.resolve={value!r}"]
    assert arm.about == f"at resolve {value:g}, with which the others are compared"
    assert set(arm.elsewhere) == {f"resolve {one:g}" for one in values}
    monkeypatch.setattr(example_crises, "SHOWN", 2)  # a long one is shown from end to end
    names = list(arm_of(sweep).elsewhere)
    assert {names[0], names[-1]} == {f"resolve {one:g}" for one in (min(values), max(values))}


def test_an_attribution_holds_a_crisis_with_all_parts_against_it_without_each(
    attribution: Path,
) -> None:
    assert list(arm_of(attribution).elsewhere) == [
        "with all of them",
        "without part 0",
        "without <b>lenders</b>",
        "with none of them",
    ]


def test_a_sensitivity_analysis_tells_of_the_middle_beside_either_end(tornado: Path) -> None:
    arm = arm_of(tornado)
    assert len(arm.overrides) == 2
    assert next(iter(arm.elsewhere)) == "all in their middle"
    assert len(arm.elsewhere) == 5
    without = shutil.copytree(tornado, tornado.parent / "without")
    shutil.rmtree(without / "design" / "tornado")
    assert baseline_of(read_experiment(without), without) is None


@pytest.mark.usefixtures("no_charts")
def test_the_command_beside_a_story_tells_the_same_crisis(
    sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arm = arm_of(sweep)
    (story, *_), _ = tell_arm(arm)
    plain = read_experiment(sweep).experiment.scenario.plain()
    (tmp_path / "short.yaml").write_text(scenario_file({"scenario": plain}), encoding="utf-8")
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert run_command([*shlex.split(story["command"])[1:], "--json"]) == DONE
    outcome = json.loads(capsys.readouterr().out)["outcome"]
    row = arm.ensemble.table.slice(story["replicate"], 1).to_pylist()[0]
    assert outcome["ending"] == row["ending"]
    assert outcome["deaths"] == pytest.approx(row["deaths"], rel=1e-5)


@pytest.mark.usefixtures("no_charts")
def test_crises_that_cannot_be_read_are_no_reason_for_no_page(sweep: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(sweep, tmp_path / "copy"))
    (copy / "design" / "outcomes.parquet").write_bytes(b"spoilt")
    assert "The crises cannot be told here: " in read(page_of(copy).html).text


@pytest.mark.usefixtures("no_charts")
def test_too_many_crises_to_look_through_are_not_told(
    sweep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example_crises, "MOST_CRISES", 3 * AT_EACH_POINT - 1)
    assert baseline_of(read_experiment(sweep), sweep) is None
    assert "A few crises, told" not in page_of(sweep).html


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"agents_added": ["mine.Agent"]}, "agents of other code took part in them (mine.Agent)"),
        ({"parameters_varied": ["x"]}, "each had values of its own from outside the scenario"),
        ({}, "another version of Crisis Sim made them"),
    ],
)
def test_what_cannot_be_told_anew_is_not_told(
    folder: Path, change: dict[str, Any], said: str
) -> None:
    batch = read_batch(folder)
    batch.manifest.update(change)
    scenario = Scenario.model_validate(batch.ensembles["short"].scenario) if change else None
    assert reference_of(batch, "short", scenario) == said
