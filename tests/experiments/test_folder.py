from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crisis_sim.batch import read_batch
from crisis_sim.batch.files import BatchError, ResultsError
from crisis_sim.cli import DONE, run_command
from crisis_sim.experiments import (
    Experiment,
    Findings,
    read_experiment,
    read_points,
    run,
    run_experiment,
)
from crisis_sim.experiments.run import read_resolved
from crisis_sim.experiments.spec import ExperimentError
from crisis_sim.outcomes import compare
from tests.experiments import examples
from tests.experiments.examples import same


def made(**changes: Any) -> Experiment:
    experiment: Experiment = examples.made("sweep", **changes)
    return experiment


@pytest.fixture
def done(tmp_path: Path) -> tuple[Path, Findings]:
    folder = tmp_path / "results"
    return folder, run_experiment(made(), folder)


def stop_at_once(done: int, total: int) -> None:
    raise InterruptedError


def test_findings_come_back_from_their_folder_with_the_experiment_and_its_batch(
    done: tuple[Path, Findings],
) -> None:
    folder, written = done
    read = read_experiment(folder)
    assert same(read, written)
    assert read.crises == written.crises == 20
    assert read.experiment.digest == written.experiment.digest
    assert read.experiment.measures == written.experiment.measures
    assert (folder / "experiment.yaml").read_text() == written.experiment.text
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["experiment"], manifest["crises"]) == ("sweep", 20)
    assert manifest["digest"] == written.experiment.digest
    assert read_batch(folder / "design").ensembles["quarrel"].replicates == 20
    with pytest.raises(BatchError, match=r"holds an experiment; its crises are in .*design"):
        read_batch(folder)


def test_findings_are_replaced_by_those_of_another_run(done: tuple[Path, Findings]) -> None:
    folder, _ = done
    (folder / "old.svg").touch()  # a chart of the earlier run
    run_experiment(made(replicates=5), folder)
    assert read_experiment(folder).crises == 10
    assert not (folder / "old.svg").exists()


def test_a_finished_experiment_is_not_run_again_and_another_is_not_gone_on_with(
    done: tuple[Path, Findings],
) -> None:
    folder, written = done
    assert same(run_experiment(made(), folder, resume=True, progress=stop_at_once), written)
    with pytest.raises(ExperimentError, match="another experiment"):
        run_experiment(made(seed=9), folder, resume=True)


@pytest.mark.parametrize("kind", examples.CONTENT)
def test_findings_are_the_same_to_the_bit_cut_short_with_any_processes_and_from_the_folder(
    kind: str, tmp_path: Path
) -> None:
    experiment = examples.made(kind)
    whole = run_experiment(experiment)

    def stop_halfway(done: int, total: int) -> None:
        if 2 * done > total:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        run_experiment(experiment, tmp_path, progress=stop_halfway)
    with pytest.raises(ResultsError, match="not finished"):
        read_experiment(tmp_path)
    with pytest.raises(ExperimentError, match=r"not finished; go on with: .* --resume"):
        run_experiment(experiment, tmp_path)
    assert same(whole, run_experiment(read_resolved(tmp_path), tmp_path, resume=True, workers=2))
    assert same(whole, read_experiment(tmp_path))
    assert not same(whole, run_experiment(examples.made(kind, seed=9)))


def test_an_experiment_that_was_cut_short_is_thrown_away_when_asked(tmp_path: Path) -> None:
    with pytest.raises(InterruptedError):
        run_experiment(made(), tmp_path, progress=stop_at_once)
    findings = run_experiment(made(replicates=4), tmp_path, restart=True)
    assert read_experiment(tmp_path).crises == findings.crises == 8


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("ten years of work")
    with pytest.raises(ResultsError, match=r"holds other things .*thesis\.txt"):
        run_experiment(made(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_nothing_is_read_from_a_folder_that_holds_no_experiment(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="no experiment"):
        read_experiment(tmp_path)


def test_points_stand_side_by_side_under_what_was_varied_with_the_figures_that_were_found(
    done: tuple[Path, Findings],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, written = done
    summary = compare(read_points(folder))
    assert list(summary["scenarios"]) == ["resolve 0.2", "resolve 0.8"]
    shares = [one["endings"]["agreement"]["estimate"] for one in summary["scenarios"].values()]
    found = written.tables["measures"].to_pandas().query("measure == 'agreement'")
    assert shares == pytest.approx(found["estimate"].tolist())
    assert summary["differences"]["resolve 0.8"]["paired"] is True
    assert run_command(["compare", str(folder)]) == DONE
    assert "resolve 0.8" in capsys.readouterr().out
    monkeypatch.setattr(run, "MOST_POINTS", 1)
    with pytest.raises(ResultsError, match="2 points, too many"):
        read_points(folder)
