from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from crisis_sim.scenario import shipped_scenarios
from crisis_sim.validation import facts
from crisis_sim.validation.facts import (
    FILE,
    facts_folder,
    read_cases,
    read_expectations,
    read_facts,
    real_rebound,
)
from crisis_sim.validation.run import Validation

RECORD = Path(__file__).parents[2] / "docs" / "facts"


def test_the_record_is_that_of_the_docs() -> None:
    assert facts_folder() == RECORD
    with (RECORD / "stylised_facts.csv").open(encoding="utf-8") as file:
        assert [*read_facts()] == [row["id"] for row in csv.DictReader(file)]
    median = read_facts()["duration_p50"]
    assert (median.value, median.lower, median.upper, median.n) == (75, 61, 86, 399)
    assert not median.is_share
    assert read_facts()["mediated"].is_share


def test_in_a_wheel_the_record_is_inside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "crisis_sim" / "validation" / "facts.py"
    module.parent.mkdir(parents=True)
    monkeypatch.setattr(facts, "__file__", str(module))
    assert facts_folder() == tmp_path.resolve() / "docs" / "facts"
    shutil.copytree(RECORD, tmp_path / "crisis_sim" / "_facts")
    assert facts_folder() == tmp_path.resolve() / "crisis_sim" / "_facts"
    assert len(read_cases()) == 8


def test_every_case_has_a_scenario_that_is_shipped() -> None:
    shipped = {one.name for one in shipped_scenarios()}
    assert {case.scenario for case in read_cases()} <= shipped
    assert len({case.scenario for case in read_cases()}) == 8


def test_the_rebound_is_worked_out_from_the_closes() -> None:
    assert real_rebound() == pytest.approx(117297.73 / 107174.64 - 1)


def test_every_fact_and_no_other_is_compared_and_has_an_expectation(validation: Validation) -> None:
    assert {one.fact.id for one in validation.comparisons} == set(read_facts())
    compared = [one.expectation.id for one in (*validation.comparisons, *validation.cases)]
    assert sorted(compared) == sorted(read_expectations())


def test_an_expectation_that_comes_twice_or_answers_oddly_is_refused(tmp_path: Path) -> None:
    head, row, *_ = FILE.read_text(encoding="utf-8").splitlines()
    path = tmp_path / "expectations.csv"
    path.write_text(f"{head}\n{row}\n{row}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="comes twice"):
        read_expectations(path)
    path.write_text(f"{head}\n{row.replace('no', 'perhaps')}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="expected yes or no, got 'perhaps'"):
        read_expectations(path)
