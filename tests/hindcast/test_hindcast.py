"""The hindcast as a whole: parameters, forecasts, the command, its tables and charts, and cross-validation."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from crisis_sim import style
from crisis_sim.batch import read_batch
from crisis_sim.cli import DONE, MISTAKE, run_command
from crisis_sim.hindcast import forecast as forecasting
from crisis_sim.hindcast import run
from crisis_sim.hindcast.forecast import KINDS, QUANTILES, forecast, parameters_of
from crisis_sim.hindcast.run import Hindcast, as_rows, folds, hindcast, left_out
from crisis_sim.hindcast.show import print_hindcast
from crisis_sim.hindcast.sources import read_crises
from crisis_sim.model import CrisisModel
from crisis_sim.outcomes.durations import Rows
from crisis_sim.outcomes.named_measures import measure
from crisis_sim.scenario.behaviour import ReadingBehaviour
from crisis_sim.scenario.load import load_scenario
from tests.hindcast.made_up_crises import crises, made_up

# --- Parameters and forecasts


def test_facts_become_parameters_and_unknown_facts_middle_values() -> None:
    facts = crises(3, trigger_type=["violent", "nonviolent_military", "political"])
    facts = facts.assign(ln_cinc_ratio=[9.0, 0.0, -1.0], nuclear_a=[1, 0, 0], major_b=[1, 0, 0])
    given = parameters_of(facts)
    assert given["events.0.rival_rung"].tolist() == [2, 3, 2]
    assert given["about.violent"].tolist() == [1, 0.17, 0.2]
    assert given["about.words"].tolist() == [0, 0, 1]
    assert given["states.defender.capability"] == pytest.approx(np.exp([3.0, 0.0, -1.0]))
    assert given["states.defender.nuclear"].tolist() == [1, 0, 0]
    assert given["states.challenger.audience"].tolist() == [0.3] * 3
    assert given["about.great_power"].tolist() == [1, 0, 0]
    assert given["about.territory"].tolist() == [1, 1, 1]
    facts[facts.columns.drop("crisno")] = None
    given = parameters_of(facts)
    assert (given["states.defender.capability"] == 1).all()
    assert (given["states.challenger.audience"] == 0.5).all()
    assert all(np.isfinite(one).all() for one in given.values())


def test_a_forecast_does_not_depend_on_other_crises_or_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forecasting, "CHUNK", 2000)  # two crises at once
    facts = crises(3, trigger_type=["violent", "political", "violent"], nuclear_b=[0, 0, 1])
    found = forecast(facts, 1000, seed=3, workers=3)
    alone = forecast(facts.iloc[1:2], 1000, seed=3)
    assert found.iloc[1:2].reset_index(drop=True).equals(alone)
    for target in ("ending", "violence"):
        shares = found[[f"{target}_{kind}" for kind in KINDS[target]]].to_numpy()
        assert shares.sum(axis=1) == pytest.approx(1)
        assert (shares > 0).all()
    quantiles = found[[f"dur_{name}" for name in QUANTILES]].to_numpy()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert (quantiles >= 1).all()
    # A violent trigger implies violence, and a rival with nuclear weapons deters war.
    assert found["violence_none"][0] < 0.001 < found["violence_none"][1]
    assert found["violence_war"][2] < found["violence_war"][0]


@pytest.mark.slow
def test_every_parameter_of_the_reading_changes_the_start_of_a_crisis() -> None:
    def begins(*overrides: str) -> dict[str, Any]:
        model = CrisisModel(load_scenario("since_1945", overrides), 200, 1)
        parts = {f"{path}.": vars(numbers) for path, numbers in model.numbers.items()}
        parts[""] = {
            one: value
            for one, value in vars(model.behaviour).items()
            if one not in ReadingBehaviour.model_fields
        }
        return {
            f"{path}{one}": np.broadcast_to(value, 200)
            for path, numbers in parts.items()
            for one, value in numbers.items()
            if not isinstance(value, dict)
        }

    usual = begins()
    for name in ReadingBehaviour.model_fields:
        other = begins(f"behaviour.reading.{name}=0.4")
        assert any((other[path] != value).any() for path, value in usual.items()), name


# --- The command and its results


def test_the_command_prints_scores_and_writes_forecasts_and_charts(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["hindcast", "--data", str(folder), "--replicates", "100", "--json", "--out", str(out)]
    assert run_command([*words, "--format", "svg", "--width", "column"]) == DONE
    results = json.loads(capsys.readouterr().out)
    assert results == json.loads((out / "hindcast.json").read_text("utf-8"))
    assert results["outcomes"] == {"ending": 20, "violence": 20, "mediated": 20, "dur": 20}
    assert results["scores"][0]["baseline"]["skill"] is None
    assert len(pd.read_csv(out / "predictions.csv")) == 20
    names = ("duration", "reliability", "skill")
    for suffix, made in (("svg", names), ("csv", names), ("png", ())):
        charts = sorted(path.name for path in out.glob(f"hindcast_*.{suffix}"))
        assert charts == [f"hindcast_{name}.{suffix}" for name in made]
    for chart in out.glob("*.svg"):
        points = re.search(r'width="([\d.]+)pt"', chart.read_text("utf-8"))
        assert points
        assert float(points.group(1)) / 72 * 25.4 < style.SINGLE_COLUMN + 1


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Hindcast:
    return hindcast(made_up(tmp_path_factory.mktemp("crises")), replicates=50)


def printed(found: Hindcast, width: int) -> str:
    """Return the printed tables, which fit into the width."""
    console = Console(width=width, file=io.StringIO())
    print_hindcast(found, console)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    return text


@pytest.mark.parametrize("width", [60, 80])
def test_tables_fit(found: Hindcast, width: int) -> None:
    text = printed(found, width)
    assert "Skill over climatology" in text
    assert "nothing is scored" not in text


def test_forecasts_over_fits_use_all_sets_and_need_no_outcomes(
    folder: Path, found: Hindcast
) -> None:
    (folder / "hindcast_outcomes_dev.csv").unlink()
    over = hindcast(folder, replicates=50, over_fits=True)
    assert over.plain()["over_fits"]
    assert not found.plain()["over_fits"]
    assert (over.predictions["violence_war"] != found.predictions["violence_war"]).any()
    assert over.predictions["violence_war"].between(0.001, 0.7).all()
    assert "nothing is scored" in " ".join(printed(over, 60).split())


def test_mistakes_are_reported_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for options in (("--data", "nowhere"), (), ("--data", ".", "--replicates", "1")):
        assert run_command(["hindcast", *options, "--out", "out"]) == MISTAKE
        assert not list(tmp_path.iterdir())


def test_a_population_consists_of_the_crises_of_a_folder(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], no_charts: None
) -> None:
    words = ["run", "since_1945", "--replicates", "300", "--data", str(folder), "--json"]
    assert run_command([*words, "--out", str(tmp_path / "run")]) == DONE
    found = read_batch(tmp_path / "run").ensembles["since_1945"]
    violent = found.column("trigger") == "violent"
    assert set(found.column("trigger")) == {"violent", "words"}
    assert 100 < violent.sum() < 200
    assert set(found.column("stakes")) == {"territory"}
    assert set(found.column("power")) == {"about equal"}
    # Facts of a row are drawn together, so a violent trigger comes with violence.
    assert (found.column("worst_violence")[violent] != "none").all()
    capsys.readouterr()
    assert run_command(["run", "may_2025", "--data", str(folder)]) == MISTAKE
    assert "may_2025 is a single crisis" in capsys.readouterr().err


# --- Crises left out


@pytest.fixture
def two_eras(folder: Path) -> Path:
    """Return a folder with ten crises of an era with nine wars, and ten of an era with one."""
    for name, column, values in (
        ("inputs", "start", ["1950-01-01"] * 10 + ["1970-01-01"] * 10),
        ("outcomes_dev", "violence", ["war"] * 9 + ["minor"] * 10 + ["war"]),
    ):
        path = folder / f"hindcast_{name}.csv"
        pd.read_csv(path).assign(**{column: values}).to_csv(path, index=False)
    return folder


def test_real_crises_are_measured_like_simulated_ones() -> None:
    endings = ["agreement", "other", "faded", "faded"]
    facts = crises(4, dur=[3.0, 11.0, 21.0, np.nan], ending=endings)
    facts = facts.assign(violence="minor", mediated=["yes", "no", "no", None])
    rows, at = Rows(as_rows(facts), 0.0), {"of": "over_at_hours", "since": "trigger_at_hours"}
    median = measure({"quantile": 0.5, **at, "unit": "days"})
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
    monkeypatch.setattr(run, "SLOPES", 2000)
    table, about = left_out(read_crises(two_eras).table, "eras", replicates=60)
    assert [fold.crises for fold in about] == [10, 10]
    assert all(0.0 < fold.moved < 0.5 and fold.figures > 10 for fold in about)
    columns = ["violence_war", "in_violence_war", "clim_violence_war"]
    war = table.groupby("fold")[columns].mean()
    early, late = war.loc["until 1962"], war.loc["1963 to 1989"]
    assert late["clim_violence_war"] == pytest.approx(9.5 / 12)
    assert early["violence_war"] < early["in_violence_war"]
    assert early["clim_violence_war"] == pytest.approx(1.5 / 12)
    shares = table[[f"ending_{kind}" for kind in KINDS["ending"]]].sum(axis=1)
    assert shares.to_numpy() == pytest.approx(1.0)


@pytest.mark.slow
def test_the_command_prints_and_writes_the_results_of_folds(
    two_eras: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "SLOPES", 1000)
    monkeypatch.setenv("COLUMNS", "80")
    words = ["hindcast", "--data", str(two_eras), "--replicates", "20", "--leave-out", "eras"]
    assert run_command([*words, "--out", str(two_eras / "out")]) == DONE
    results = json.loads((two_eras / "out" / "hindcast_eras.json").read_text("utf-8"))
    assert {score["group"] for score in results["scores"]} >= {"until 1962", "1963 to 1989"}
    assert results["scores"][0]["in_sample"]["crises"] == 20
    printed = capsys.readouterr().out
    assert "Until 1962: 10 crises predicted" in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_invalid_folds_are_reported(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["hindcast", "--data", str(folder), "--leave-out", "eras"]
    assert run_command(words) == MISTAKE
    assert "too few crises with outcomes to leave out eras" in capsys.readouterr().err
    assert run_command([*words, "--over-fits"]) == MISTAKE
    assert "--over-fits uses fits to all crises" in capsys.readouterr().err
