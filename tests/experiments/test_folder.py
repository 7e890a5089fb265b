from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crisis_sim.batch import read_batch
from crisis_sim.batch.files import BatchError, ResultsError
from crisis_sim.experiments import (
    Experiment,
    Findings,
    make_experiment,
    read_experiment,
    run_experiment,
)
from crisis_sim.experiments.run import read_resolved
from crisis_sim.experiments.spec import ExperimentError
from tests.batch.crises import crisis


def made(**changes: Any) -> Experiment:
    content = {
        "kind": "sweep",
        "scenario": crisis(),
        "vary": {"states.north.resolve": {"values": [0.2, 0.8]}},
        "outcomes": ["agreement"],
        "replicates": 10,
        **changes,
    }
    return make_experiment("mine", **content)


@pytest.fixture
def done(tmp_path: Path) -> tuple[Path, Findings]:
    folder = tmp_path / "results"
    return folder, run_experiment(made(), folder)


class StoppedError(Exception):
    pass


def stop_at_once(done: int, total: int) -> None:
    raise StoppedError


def test_findings_come_back_from_their_folder(done: tuple[Path, Findings]) -> None:
    folder, written = done
    read = read_experiment(folder)
    assert read.answer == written.answer
    assert read.summary == written.summary
    assert read.crises == written.crises == 20
    assert read.experiment.digest == written.experiment.digest
    assert read.experiment.measures == written.experiment.measures
    assert read.tables["measures"].equals(written.tables["measures"])


def test_a_folder_holds_the_experiment_as_given_its_manifest_and_its_batch(
    done: tuple[Path, Findings],
) -> None:
    folder, written = done
    assert (folder / "experiment.yaml").read_text() == written.experiment.text
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["experiment"] == "sweep"
    assert manifest["crises"] == 20
    assert manifest["digest"] == written.experiment.digest
    assert read_batch(folder / "design").ensembles["quarrel"].replicates == 20


def test_findings_are_replaced_by_those_of_another_run(done: tuple[Path, Findings]) -> None:
    folder, _ = done
    (folder / "old.svg").touch()  # a chart of the earlier run
    run_experiment(made(replicates=5), folder)
    assert read_experiment(folder).crises == 10
    assert not (folder / "old.svg").exists()


def test_a_finished_experiment_is_not_run_again_when_it_is_resumed(
    done: tuple[Path, Findings],
) -> None:
    folder, written = done
    again = run_experiment(made(), folder, resume=True, progress=stop_at_once)
    assert again.answer == written.answer


def test_an_experiment_that_was_cut_short_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    with pytest.raises(StoppedError):
        run_experiment(made(), folder, progress=stop_at_once)
    with pytest.raises(ResultsError, match="not finished"):
        read_experiment(folder)
    with pytest.raises(ExperimentError, match=r"not finished; go on with: .* --resume"):
        run_experiment(made(), folder)
    resumed = run_experiment(read_resolved(folder), folder, resume=True)
    whole = run_experiment(made())
    assert resumed.answer == whole.answer
    assert resumed.tables["measures"].equals(whole.tables["measures"])


def test_an_experiment_that_was_cut_short_is_thrown_away_when_asked(tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        run_experiment(made(), tmp_path, progress=stop_at_once)
    findings = run_experiment(made(replicates=4), tmp_path, restart=True)
    assert read_experiment(tmp_path).crises == findings.crises == 8


def test_another_experiment_is_not_gone_on_with(done: tuple[Path, Findings]) -> None:
    folder, _ = done
    with pytest.raises(ExperimentError, match="another experiment"):
        run_experiment(made(seed=9), folder, resume=True)


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("ten years of work")
    with pytest.raises(ResultsError, match=r"holds other things .*thesis\.txt"):
        run_experiment(made(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_nothing_is_read_from_a_folder_that_holds_no_experiment(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="no experiment"):
        read_experiment(tmp_path)


def test_who_takes_an_experiment_for_a_batch_is_shown_where_that_is(
    done: tuple[Path, Findings],
) -> None:
    folder, _ = done
    with pytest.raises(BatchError, match=r"holds an experiment; its crises are in .*design"):
        read_batch(folder)


def test_any_number_of_workers_finds_the_same(tmp_path: Path) -> None:
    one = run_experiment(made(), tmp_path / "one")
    two = run_experiment(made(), tmp_path / "two", workers=2)
    assert one.answer == two.answer
