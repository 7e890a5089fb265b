"""The whole way: a folder of crises is predicted, scored, printed and drawn."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from crisis_sim.batch import read_batch
from crisis_sim.cli import DONE, MISTAKE, run_command
from crisis_sim.hindcast.run import hindcast
from crisis_sim.hindcast.show import print_hindcast
from tests.hindcast.made_up_crises import made_up


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty crises: half open with violence, half with words; half are mediated."""
    return made_up(tmp_path)


def test_the_command_prints_scores_and_writes_forecasts_and_charts(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["hindcast", "--data", str(folder), "--replicates", "100", "--json", "--out", str(out)]
    assert run_command(words) == DONE
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((out / "hindcast.json").read_text("utf-8"))
    assert told["outcomes"] == {"ending": 20, "violence": 20, "mediated": 20, "dur": 20}
    assert told["scores"][0]["baseline"]["skill"] is None
    assert len(pd.read_csv(out / "predictions.csv")) == 20
    charts = sorted(path.name for path in out.glob("*.png"))
    assert charts == ["hindcast_duration.png", "hindcast_reliability.png", "hindcast_skill.png"]


@pytest.mark.parametrize("scored", [True, False])
def test_tables_fit(folder: Path, scored: bool) -> None:
    if not scored:
        (folder / "hindcast_outcomes_dev.csv").unlink()
    found = hindcast(folder, replicates=50)
    for width in (60, 80):
        console = Console(width=width, file=io.StringIO())
        print_hindcast(found, console)
        text = console.file.getvalue()
        assert max(map(len, text.splitlines())) <= width
        assert "…" not in text
        assert ("Skill over climatology" in text) == scored
        assert ("nothing is" in text) != scored


def test_forecasts_over_fits_are_drawn_from_all_sets(folder: Path) -> None:
    over, own = hindcast(folder, replicates=200, over_fits=True), hindcast(folder, replicates=200)
    assert over.plain()["over_fits"]
    assert not own.plain()["over_fits"]
    assert (over.predictions["violence_war"] != own.predictions["violence_war"]).any()
    assert over.predictions["violence_war"].between(0.001, 0.7).all()


@pytest.mark.parametrize(
    "options", [("--data", "nowhere"), (), ("--data", ".", "--replicates", "1")]
)
def test_mistakes_are_told_and_nothing_is_written(
    options: tuple[Any, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command(["hindcast", *options, "--out", "out"]) == MISTAKE
    assert not list(tmp_path.iterdir())


def test_a_population_is_of_the_folders_crises(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "since_1945", "--replicates", "300", "--data", str(folder), "--json"]
    assert run_command([*words, "--out", str(tmp_path / "run")]) == DONE
    crises = read_batch(tmp_path / "run").ensembles["since_1945"]
    violent = crises.column("trigger") == "violent"
    assert set(crises.column("trigger")) == {"violent", "words"}
    assert 100 < violent.sum() < 200
    assert set(crises.column("stakes")) == {"territory"}
    assert set(crises.column("power")) == {"about equal"}
    # Facts of a row are drawn together: a violent trigger begins with violence.
    assert (crises.column("worst_violence")[violent] != "none").all()
    capsys.readouterr()
    assert run_command(["run", "may_2025", "--data", str(folder)]) == MISTAKE
    assert "may_2025 is one crisis" in capsys.readouterr().err
