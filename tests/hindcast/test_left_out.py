"""Crises are predicted by a fit, climatology and weights that did not see how they went."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crisis_sim.cli import DONE, MISTAKE, run_command
from crisis_sim.hindcast import run as module
from crisis_sim.hindcast.run import as_rows, folds, left_out
from crisis_sim.hindcast.sources import read_crises
from crisis_sim.outcomes.durations import Rows
from crisis_sim.outcomes.names import measure
from tests.hindcast.made_up_crises import crises, made_up


@pytest.fixture
def two_eras(tmp_path: Path) -> Path:
    """Ten crises of an era in which all but one came to war, and ten of an era in which one did."""
    made_up(tmp_path)
    inputs = pd.read_csv(tmp_path / "hindcast_inputs.csv")
    inputs["start"] = ["1950-01-01"] * 10 + ["1970-01-01"] * 10
    inputs.to_csv(tmp_path / "hindcast_inputs.csv", index=False)
    outcomes = pd.read_csv(tmp_path / "hindcast_outcomes_dev.csv")
    outcomes["violence"] = ["war"] * 9 + ["minor"] * 10 + ["war"]
    outcomes.to_csv(tmp_path / "hindcast_outcomes_dev.csv", index=False)
    return tmp_path


def test_real_crises_are_measured_as_simulated_ones_are() -> None:
    facts = crises(
        4, dur=[3.0, 11.0, 21.0, np.nan], ending=["agreement", "other", "faded", "faded"]
    )
    facts = facts.assign(violence="minor", mediated=["yes", "no", "no", None])
    rows = Rows(as_rows(facts), 0.0)
    median = measure(
        {"quantile": 0.5, "of": "over_at_hours", "since": "trigger_at_hours", "unit": "days"}
    )
    assert median.over(rows).estimate == pytest.approx([10.0])
    faded = measure({"share": {"ending": "faded"}, "given": {"stakes": "territory"}})
    assert faded.over(rows).estimate == [0.5]


def test_folds_are_eras_or_every_fifth_crisis() -> None:
    years = [1950] * 10 + [1980] * 12 + [1995] * 3
    facts = crises(25).assign(start=[f"{year}-06-01" for year in years])
    eras = folds(facts, "eras")
    assert eras.value_counts().to_dict() == {"until 1962": 10, "1963 to 1989": 12}
    assert folds(facts, "fifths").value_counts().to_dict() == {f"fifth {k}": 5 for k in range(1, 6)}


@pytest.mark.slow
def test_an_era_is_predicted_from_the_other_one(
    two_eras: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLOPES", 4000)
    table, about = left_out(read_crises(two_eras).table, "eras", replicates=100)
    assert [fold.crises for fold in about] == [10, 10]
    assert all(0.0 < fold.moved < 0.5 and fold.figures > 10 for fold in about)
    war = table.groupby("fold", sort=False)[
        ["violence_war", "in_violence_war", "clim_violence_war"]
    ].mean()
    early, late = war.loc["until 1962"], war.loc["1963 to 1989"]
    assert late["clim_violence_war"] == pytest.approx(9.5 / 12)
    assert early["violence_war"] < early["in_violence_war"]
    assert early["clim_violence_war"] == pytest.approx(1.5 / 12)
    shares = table[[f"ending_{kind}" for kind in module.KINDS["ending"]]].sum(axis=1)
    assert shares.to_numpy() == pytest.approx(1.0)


@pytest.mark.slow
def test_the_command_tells_what_is_left(
    two_eras: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "SLOPES", 1000)
    monkeypatch.setenv("COLUMNS", "80")
    words = ["hindcast", "--data", str(two_eras), "--replicates", "20", "--leave-out", "eras"]
    assert run_command([*words, "--out", str(two_eras / "out")]) == DONE
    told = json.loads((two_eras / "out" / "hindcast_eras.json").read_text("utf-8"))
    assert {one["group"] for one in told["scores"]} >= {"until 1962", "1963 to 1989"}
    assert told["scores"][0]["in_sample"]["crises"] == 20
    printed = capsys.readouterr().out
    assert "Until 1962: 10 crises predicted" in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_what_cannot_be_left_out_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["hindcast", "--data", str(made_up(tmp_path)), "--leave-out", "eras"]
    assert run_command(words) == MISTAKE
    assert "too few crises with outcomes to leave out eras" in capsys.readouterr().err
    assert run_command([*words, "--over-fits"]) == MISTAKE
    assert "sets that saw all crises" in capsys.readouterr().err
