from __future__ import annotations

from pathlib import Path

import pytest

from crisis_sim.batch.files import ResultsError
from crisis_sim.cli import DONE, run_command
from crisis_sim.experiments import (
    make_experiment,
    read_experiment,
    read_points,
    run,
    run_experiment,
)
from crisis_sim.outcomes import compare
from tests.batch.crises import crisis


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    experiment = make_experiment(
        "mine",
        kind="sweep",
        scenario=crisis(),
        vary={"states.north.resolve": {"values": [0.2, 0.8]}},
        outcomes=["agreement"],
        replicates=20,
    )
    run_experiment(experiment, tmp_path / "results")
    return tmp_path / "results"


def test_points_stand_side_by_side_under_what_was_varied_with_the_figures_that_were_found(
    folder: Path,
) -> None:
    summary = compare(read_points(folder))
    assert list(summary["scenarios"]) == ["resolve 0.2", "resolve 0.8"]
    found = read_experiment(folder).tables["measures"].column("estimate").to_pylist()
    shares = [one["endings"]["agreement"]["estimate"] for one in summary["scenarios"].values()]
    assert shares == pytest.approx(found)
    assert summary["differences"]["resolve 0.8"]["paired"] is True


def test_compare_reads_an_experiments_folder(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["compare", str(folder)]) == DONE
    assert "resolve 0.8" in capsys.readouterr().out


def test_too_many_points_are_not_put_side_by_side(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MOST_POINTS", 1)
    with pytest.raises(ResultsError, match="2 points, too many"):
        read_points(folder)
