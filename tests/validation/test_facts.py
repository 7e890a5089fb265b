"""The record is read as it stands, and a fact's verdict is what its interval or its tolerance says."""

from __future__ import annotations

import csv
import math
import shutil
from pathlib import Path

import pytest

from crisis_sim.outcomes.intervals import wilson_interval
from crisis_sim.scenario import shipped_scenarios
from crisis_sim.validation import facts
from crisis_sim.validation.facts import (
    FILE,
    OTHER_SHARE,
    Comparison,
    Expectation,
    Fact,
    Simulated,
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
    assert real_rebound() == pytest.approx(117297.73 / 107174.64 - 1)
    cases = {case.scenario for case in read_cases()}
    assert cases <= {one.name for one in shipped_scenarios()}
    assert len(cases) == 8


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


def test_every_fact_and_no_other_is_compared_and_has_an_expectation(validation: Validation) -> None:
    assert {one.fact.id for one in validation.comparisons} == set(read_facts())
    compared = [one.expectation.id for one in (*validation.comparisons, *validation.cases)]
    assert sorted(compared) == sorted(read_expectations())
    assert all(one.expectation.name for one in validation.comparisons)


@pytest.mark.parametrize(
    ("more", "said"), [("{0}", "comes twice"), ("{1}", "expected yes or no, got 'perhaps'")]
)
def test_an_expectation_that_comes_twice_or_answers_oddly_is_refused(
    more: str, said: str, tmp_path: Path
) -> None:
    head, row, *_ = FILE.read_text(encoding="utf-8").splitlines()
    path = tmp_path / "expectations.csv"
    lines = [head, row, more.format(row, row.replace("10", "11").replace("no", "perhaps"))]
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        read_expectations(path)


def verdict(
    record: tuple[float | None, ...], simulated: Simulated, days: bool = False, **expected: float
) -> str:
    """Of a fact with a value and limits."""
    fact = Fact("a", "crises", "days" if days else "share", *record, None, "")  # type: ignore[arg-type]
    return Comparison(fact, simulated, Expectation("a", **expected)).verdict  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("simulated", "expected"),
    [
        (Simulated(0.25, 0.24, 0.26, 100), "inside"),
        (Simulated(0.2, 0.1, 0.3, 100), "inside"),
        (Simulated(0.35, 0.29, 0.41, 100), "near"),
        (Simulated(0.15, 0.1, 0.2, 100), "near"),
        (Simulated(0.35, 0.31, 0.39, 100), "outside"),
        (Simulated(0.35, math.nan, math.nan, 100), "near"),
        (Simulated(math.nan, math.nan, math.nan, 0), "outside"),
    ],
)
def test_a_fact_with_an_interval(simulated: Simulated, expected: str) -> None:
    assert verdict((0.25, 0.2, 0.3), simulated) == expected


@pytest.mark.parametrize(
    ("value", "days", "tolerance", "expected"),
    [
        (0.30, False, 0.05, "near"),
        (0.31, False, 0.05, "outside"),
        (0.20, False, 0.05, "near"),
        (0.36, True, 1.5, "near"),
        (0.40, True, 1.5, "outside"),
        (0.17, True, 1.5, "near"),
        (0.16, True, 1.5, "outside"),
    ],
)
def test_a_fact_without_an_interval_is_near_within_a_tolerance_and_never_inside(
    value: float, days: bool, tolerance: float, expected: str
) -> None:
    record = (0.25, None, None)
    simulated = Simulated(value, value, value, 100)
    assert verdict(record, simulated, days, tolerance=tolerance) == expected
    inside = Simulated(0.25, 0.2, 0.3, 100)
    assert verdict(record, inside, days, tolerance=tolerance) == "near"
    with pytest.raises(ValueError, match="neither an interval nor a tolerance"):
        verdict(record, inside, days)


def test_the_share_of_other_endings_is_about_that_of_the_record() -> None:
    record = read_facts()
    other, agreement = (record[f"ending_{one}"].value for one in ("other", "agreement"))
    assert other / (1 - agreement) == pytest.approx(OTHER_SHARE, abs=0.02)
    shares = [one.value for name, one in record.items() if name.startswith("ending_")]
    assert math.fsum(shares) == pytest.approx(1.0, abs=0.002)


def test_a_share_that_comes_with_a_number_gets_an_interval_and_others_stand() -> None:
    record = read_facts()
    verbal = record["response_verbal"]
    assert verbal.lower is None
    assert (verbal.compared.lower, verbal.compared.upper) == wilson_interval(15, 301)
    same = {name for name, one in record.items() if one.compared == one}
    assert {"duration_p50", "mediated", "mediation_start_p50", "next_war_war"} <= same
    assert {name for name in record if name.startswith("ending_")} <= same
