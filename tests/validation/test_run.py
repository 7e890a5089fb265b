from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from crisis_sim.cli import CHECK_FAILED, DONE, MISTAKE, run_command
from crisis_sim.validation import facts, run, show
from crisis_sim.validation.facts import read_expectations
from crisis_sim.validation.run import Validation, validate
from tests.validation.conftest import QUICK, expecting

SET = [word for change in QUICK for word in ("--set", change)]


def test_the_population_and_every_case_are_run_and_verdicts_counted(validation: Validation) -> None:
    first, *others = validation.batch.ensembles
    assert first == validation.population == "small"
    assert others == [case.scenario for case in run.read_cases()]
    counts = validation.counts()
    assert sum(counts["facts"].values()) == 54
    assert sum(counts["cases"].values()) == 2 * 8 + 1
    assert counts["cases"]["not comparable"] == 2


@pytest.mark.slow
def test_it_is_the_same_every_time_with_one_process_or_two(
    validation: Validation, population_file: Path
) -> None:
    again = validate(population_file, replicates=80, workers=2, overrides=QUICK)
    assert again.plain() == validation.plain()


def test_all_of_it_is_plain_data(validation: Validation) -> None:
    plain = json.loads(json.dumps(validation.plain(), allow_nan=False))
    assert plain["overrides"] == list(QUICK)
    by_id = {one["id"]: one for one in plain["facts"]}
    assert by_id["duration_p50"]["unit"] == "days"
    assert by_id["duration_p50"]["fact"] == {"value": 75, "lower": 61, "upper": 86, "n": 399}
    assert by_id["ending_agreement"]["recorded"]["value"] == 0.362
    assert by_id["ending_agreement"]["fact"]["value"] == 0.362
    simulated = {
        one: by_id[f"ending_{one}"]["simulated"]["value"] for one in ("agreement", "other")
    }
    assert simulated["other"] == pytest.approx(0.12 * (1 - simulated["agreement"]))
    assert by_id["ending_other"]["verdict"] == "not comparable"


def test_what_is_said_to_be_met_and_is_not_is_a_failure(validation: Validation) -> None:
    compared = [*validation.comparisons, *validation.cases]
    missed = [one.expectation.id for one in compared if one.verdict != "inside"]
    assert 0 < len(missed) < len(compared)
    assert expecting(validation, met=True).failures == missed
    assert expecting(validation, met=False).failures == []


class TestCommand:
    @pytest.fixture(autouse=True)
    def claim(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The project claims what a population that is followed for 60 days cannot meet, and nothing else."""
        text = facts.FILE.read_text(encoding="utf-8")
        text = re.sub(r"(,(?:yes|no)),yes,", r"\1,no,", text)
        text, claims = re.subn(r"^(duration_p90,.*),(yes|no),no,", r"\1,yes,yes,", text, flags=re.M)
        assert claims == 1
        path = tmp_path / "expectations.csv"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setattr(run, "read_expectations", lambda: read_expectations(path))

    @pytest.fixture
    def arguments(self, population_file: Path) -> list[str]:
        words = ["validate", "--population", str(population_file), "--replicates", "20"]
        return [*words, "--workers", "1", *SET]

    def test_it_prints_tables_and_says_which_claims_do_not_hold(
        self, arguments: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run_command(arguments) == DONE
        told = capsys.readouterr()
        assert "Worst violence" in told.out
        assert "Cases: " in told.out
        assert "180 crises in " in told.err
        assert "said to be met, and is not: duration_p90" in told.err

    def test_strict_fails_where_a_claim_does_not_hold(
        self,
        arguments: list[str],
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        out = tmp_path / "out"
        monkeypatch.setattr(show, "_write_charts", lambda *_: [])  # they have tests of their own
        assert run_command([*arguments, "--strict", "--json", "--out", str(out)]) == CHECK_FAILED
        told = json.loads(capsys.readouterr().out)
        assert told["failures"] == ["duration_p90"]
        assert told == json.loads((out / "validation.json").read_text(encoding="utf-8"))

    def test_where_nothing_can_be_written_is_told_before_anything_is_run(
        self, tmp_path: Path, population_file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run_command(["validate", "--page", str(tmp_path)]) == MISTAKE
        assert "is a folder; give the page's file" in capsys.readouterr().err
        assert run_command(["validate", "--out", str(population_file)]) == MISTAKE
        assert "is no folder" in capsys.readouterr().err

    def test_a_population_that_is_not_there_is_told(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run_command(["validate", "--population", "nowhere"]) == MISTAKE
        assert "no such file, nor a shipped scenario" in capsys.readouterr().err
