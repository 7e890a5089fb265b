"""The whole way: a folder of crises is foretold, scored, printed and drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.hindcast.made_up_crises import crises
from rich.console import Console

from crisis_sim.cli import DONE, MISTAKE, run_command
from crisis_sim.hindcast.forecast import KINDS, QUANTILES, forecast
from crisis_sim.hindcast.run import hindcast
from crisis_sim.hindcast.show import print_hindcast


def test_a_forecast_is_the_same_whatever_else_the_folder_holds_and_for_any_workers() -> None:
    facts = crises(3, trigger_type=["violent", "political", "violent"], nuclear_b=[0, 0, 1])
    found = forecast(facts, 4000, seed=3)
    alone = forecast(facts.iloc[1:2], 4000, seed=3)
    pd.testing.assert_frame_equal(found.iloc[1:2].reset_index(drop=True), alone)
    pd.testing.assert_frame_equal(found, forecast(facts, 4000, seed=3, workers=3))
    for target in ("ending", "violence"):
        shares = found[[f"{target}_{kind}" for kind in KINDS[target]]].to_numpy()
        assert shares.sum(axis=1) == pytest.approx(1)
        assert (shares > 0).all()
    quantiles = found[[f"dur_{name}" for name in QUANTILES]].to_numpy()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert (quantiles >= 1).all()
    # A violent trigger is violence, and a rival with nuclear weapons deters war.
    assert found["violence_none"][0] < 0.001 < found["violence_none"][1]
    assert found["violence_war"][2] < found["violence_war"][0]


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
def test_tables_fit_80_columns(folder: Path, scored: bool) -> None:
    if not scored:
        (folder / "hindcast_outcomes_dev.csv").unlink()
    found = hindcast(folder, replicates=50)
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    print_hindcast(found, console)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    assert ("worst violence" in text) == scored
    assert ("nothing is scored" in text) != scored


@pytest.mark.parametrize(
    "options", [("--data", "nowhere"), (), ("--data", ".", "--replicates", "1")]
)
def test_mistakes_are_told_and_nothing_is_written(
    options: tuple[Any, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command(["hindcast", *options, "--out", "out"]) == MISTAKE
    assert not list(tmp_path.iterdir())
