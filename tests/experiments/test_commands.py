from __future__ import annotations

import json
from pathlib import Path

import pytest

from crisis_sim.cli import DONE, MISTAKE, run_command
from crisis_sim.experiments import read_experiment

SWEEP = ("sweep", "may_2025", "--vary", "mediators.us.attention_days=0.5:4:3:log", "--workers", "1")


def test_a_sweep_from_the_command_line_answers_on_stdout_and_leaves_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    code = run_command([*SWEEP, "--outcome", "agreement", "--replicates", "5", "--out", str(out)])
    said = capsys.readouterr()
    assert code == DONE
    assert "- Ending by agreement, of all crises: " in said.out
    assert "15 crises" in said.err
    findings = read_experiment(out)
    days = findings.tables["points"].column("mediators.us.attention_days").to_pylist()
    assert days == pytest.approx([0.5, 2**0.5, 4])
    for name in ("curves.svg", "curves.png", "differences.svg", "manifest.json", "summary.json"):
        assert (out / name).stat().st_size > 0


def test_a_dry_run_says_how_much_it_would_be_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run_command([*SWEEP, "--replicates", "100", "--out", str(out), "--dry-run"]) == DONE
    assert "300 crises of may_2025, seed 1" in capsys.readouterr().out
    command = ["experiment", "mediation_delay", "--replicates", "10", "--dry-run", "--json"]
    assert run_command([*command, "--out", str(out)]) == DONE
    assert json.loads(capsys.readouterr().out)["crises"] == 130
    assert not out.exists()


def test_an_experiment_is_run_by_its_file_and_gone_on_with_by_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "mine.yaml", tmp_path / "out"
    file.write_text(
        "kind: sweep\ntitle: Mine\nscenario: may_2025\nreplicates: 3\noutcomes: [war]\n"
        "vary: {mediators.us.attention_days: {values: [1, 2]}}\n"
    )
    assert run_command(["experiment", str(file), "--out", str(out), "--json"]) == DONE
    first = json.loads(capsys.readouterr().out)
    assert first["kind"] == "sweep"
    (out / "manifest.json").unlink()  # as if it had been cut short before its end
    assert run_command(["experiment", "--resume", str(out), "--json"]) == DONE
    assert json.loads(capsys.readouterr().out) == first


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["experiment"], "NAME requires an argument"),
        (["experiment", "mediation_dely"], "did you mean 'mediation_delay'?"),
        (["experiment", "mediation_delay", "--replicates", "0"], "--replicates"),
        (["experiment", "--resume", "nowhere"], "holds no experiment"),
        (["experiment", "mediation_delay", "--resume", "x", "--restart"], "give one of them"),
        (["sweep", "may_2052", "--vary", "mediators.us.attention_days"], "did you mean 'may_2025'"),
        (["sweep", "may_2025", "--vary", "mediators.us.attention_day"], "attention_days'?"),
        (["sweep", "may_2025", "--vary", "mediators.us.attention_days=1:x:3"], "LOW:HIGH:STEPS"),
        (["sweep", "may_2025", "--vary", "mediators.us.attention_days=3:3:3"], "an empty range"),
        ([*SWEEP, "--outcome", "agrement"], "did you mean 'agreement'?"),
        ([*SWEEP, "--replicates", "0"], "--replicates"),
        ([*SWEEP, "--sample", "0"], "out of range: 0"),
        ([*SWEEP, "--set", "lenders.imff=null"], "did you mean 'imf'?"),
    ],
)
def test_a_mistake_is_told_with_the_nearest_name_and_nothing_is_written(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command(arguments) == MISTAKE
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_other_things_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").touch()
    assert run_command([*SWEEP, "--out", str(tmp_path)]) == MISTAKE
    assert "holds other things" in capsys.readouterr().err


def test_the_shipped_experiments_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["experiments"]) == DONE
    listed = capsys.readouterr().out
    assert "mediation_delay" in listed
    assert run_command(["experiments", "--json"]) == DONE
    names = [one["name"] for one in json.loads(capsys.readouterr().out)]
    assert all(name in listed for name in names)


def test_editors_get_a_schema_of_experiments(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["schema", "--experiment"]) == DONE
    schema = json.loads(capsys.readouterr().out)
    assert "sweep" in schema["properties"]["kind"]["enum"]
    sweep = schema["$defs"]["SweepSpec"]
    assert "vary" in sweep["required"]
    assert sweep["properties"]["replicates"]["minimum"] == 1
