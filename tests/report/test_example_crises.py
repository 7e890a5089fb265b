"""The choice of example crises, checked by hand, and their reproduction from a folder."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from crisis_sim.batch import read_batch
from crisis_sim.batch.ensemble import Ensemble
from crisis_sim.experiments import make_experiment, read_experiment, run_experiment
from crisis_sim.report import example_crises
from crisis_sim.report.example_crises import Arm, baseline_of, choose, reference_of, tell_arm
from crisis_sim.report.page import page_of
from crisis_sim.report.save import scenario_file
from crisis_sim.scenario import Scenario
from tests.conftest import Cli
from tests.report.looking import read
from tests.report.made_up import make_ensemble, short

COUNT = 9


def nine(**columns: Any) -> Ensemble:
    """Nine crises with a strike after 100 hours; the k-th, from 0, ends by agreement k + 1 days later."""
    usual = {
        "ending": filled("agreement"),
        "worst_violence": filled("serious clashes"),
        "first_strike_at_hours": filled(100.0),
        "ended_at_hours": 100.0 + 24.0 * np.arange(1, COUNT + 1),
        "deaths": filled(10.0),
    }
    change = (usual | columns).items
    return make_ensemble("may_2025", replicates=COUNT, change=lambda found: found.update(change()))


def filled(usual: Any, **odd: Any) -> Any:
    """A column with one value, except for given crises."""
    column = np.full(COUNT, usual, dtype="U20" if isinstance(usual, str) else float)
    for value, places in odd.items():
        column[places] = value if isinstance(usual, str) else float(value)
    return column


UNRESOLVED = {"ending": filled("unresolved"), "ended_at_hours": filled(np.nan)}
QUIET = {"deaths": filled(0.0)}
ODD: dict[str, dict[str, Any]] = {
    "one is worst": {"deaths": filled(10.0, **{"900": 5})},
    "the worst is typical too": {"deaths": filled(10.0, **{"11": 4})},
    # Crises 2 to 5 remain; their median is between 3 and 4, and the tie goes to the lower number.
    "a most common ending and violence": {
        "ending": filled("agreement", tacit=slice(2)),
        "worst_violence": filled("serious clashes", **{"full-scale war": slice(-3, None)}),
    },
    "none ended": UNRESOLVED,
    "none ended or killed": UNRESOLVED | QUIET,
    "none struck": {"first_strike_at_hours": filled(np.nan)} | QUIET,
    "none agreed": {"ending": filled("faded")} | QUIET,
}


@pytest.mark.parametrize("case", ODD)
def test_typical_crises_are_median_and_quartiles_extreme_ones_the_ends_and_none_is_chosen_twice(
    case: str, snapshot: SnapshotAssertion
) -> None:
    ensemble = nine(**ODD[case])
    chosen = choose(ensemble)
    assert [(one.name, int(one.replicate), one.why) for one in chosen] == snapshot
    assert len({one.replicate for one in chosen}) == len(chosen)
    # The order of rows does not matter.
    turned = Ensemble(**{**vars(ensemble), "table": ensemble.table.take(np.arange(COUNT)[::-1])})
    again = choose(turned)
    assert [one.replicate for one in again] == [one.replicate for one in chosen]
    assert all(turned.column("replicate")[one.row] == one.replicate for one in again)


AT_EACH_POINT = 20


@pytest.fixture(scope="module")
def attribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    first = next(iter(short().mediators))
    parts = {"part 0": f"mediators.{first}", "<b>lenders</b>": "lenders"}
    return _made(tmp_path_factory, "attribute", parts=parts)


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


def arm_of(folder: Path) -> Arm | None:
    return baseline_of(read_experiment(folder), folder)


@pytest.mark.usefixtures("no_charts")
@pytest.mark.parametrize("kind", ["sweep", "attribution", "tornado"])
def test_examples_reproduce_their_outcomes(kind: str, request: pytest.FixtureRequest) -> None:
    arm = arm_of(request.getfixturevalue(kind))
    assert arm.ensemble.replicates == AT_EACH_POINT
    stories, changed = tell_arm(arm)
    assert stories
    assert not changed
    for story in stories:
        assert [name for name, *_ in story["elsewhere"]] == list(arm.elsewhere)


def test_a_sweep_tells_of_its_reference_point(sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arm = arm_of(sweep)
    found = read_experiment(sweep)
    values = [row["states.northland.resolve"] for row in found.tables["points"].to_pylist()]
    value = values[found.summary["reference"]]
    assert arm.overrides == [f"states.northland.resolve={value!r}"]
    assert arm.about == f"at resolve = {value:g}, the point of reference"
    assert set(arm.elsewhere) == {f"resolve = {one:g}" for one in values}
    monkeypatch.setattr(example_crises, "SHOWN", 2)  # a long one is shown from end to end
    names = list(arm_of(sweep).elsewhere)
    assert {names[0], names[-1]} == {f"resolve = {one:g}" for one in (min(values), max(values))}


def test_examples_of_an_attribution_have_all_parts_and_those_of_a_sensitivity_analysis_are_from_the_middle(
    attribution: Path, tornado: Path, tmp_path: Path
) -> None:
    parts = ["with all of them", "without part 0", "without <b>lenders</b>", "with none of them"]
    assert list(arm_of(attribution).elsewhere) == parts
    arm = arm_of(tornado)
    assert (len(arm.overrides), len(arm.elsewhere)) == (2, 5)
    assert next(iter(arm.elsewhere)) == "all in the middle"
    without = Path(shutil.copytree(tornado, tmp_path / "without"))
    shutil.rmtree(without / "design" / "tornado")
    assert arm_of(without) is None


@pytest.mark.usefixtures("no_charts")
def test_the_command_of_a_story_replays_the_same_crisis(
    cli: Cli, sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm = arm_of(sweep)
    (story, *_), _ = tell_arm(arm)
    plain = read_experiment(sweep).experiment.scenario.plain()
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    Path("short.yaml").write_text(scenario_file({"scenario": plain}), encoding="utf-8")
    outcome = cli(*shlex.split(story["command"])[1:], "--json").data["outcome"]
    row = arm.ensemble.table.slice(story["replicate"], 1).to_pylist()[0]
    assert outcome["ending"] == row["ending"]
    assert outcome["deaths"] == pytest.approx(row["deaths"], rel=1e-5)


@pytest.mark.usefixtures("no_charts")
def test_a_page_is_written_without_crises_that_cannot_be_read_or_are_too_many(
    sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Path(shutil.copytree(sweep, tmp_path / "copy"))
    (copy / "design" / "outcomes.parquet").write_bytes(b"spoilt")
    assert "There are no example crises: " in read(page_of(copy).html).text
    monkeypatch.setattr(example_crises, "MOST_CRISES", 3 * AT_EACH_POINT - 1)
    assert baseline_of(read_experiment(sweep), sweep) is None
    assert "Example crises" not in page_of(sweep).html


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"agents_added": ["mine.Agent"]}, "they include user-defined agents (mine.Agent)"),
        ({"rules": [{"class": "a.py:B"}]}, "they include user-defined agents (a.py:B)"),
        ({"parameters_varied": ["x"]}, "the parameters of each were set from outside the scenario"),
        ({}, "another version of Crisis Sim made these results"),
    ],
)
def test_crises_that_cannot_be_run_again_are_not_described(
    folder: Path, change: dict[str, Any], reason: str
) -> None:
    batch = read_batch(folder)
    batch.manifest.update(change)
    scenario = Scenario.model_validate(batch.ensembles["short"].scenario) if change else None
    assert reference_of(batch, "short", scenario) == reason
    if "rules" in change:  # as with --compare-without
        batch.manifest["without_rules"] = ["short"]
        assert isinstance(reference_of(batch, "short", scenario), Arm)
