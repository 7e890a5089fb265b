"""The record is read without changes, verdicts follow from intervals and tolerances, and the fit uses the record."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from crisis_sim.outcomes.intervals import wilson_interval
from crisis_sim.scenario import shipped_scenarios
from crisis_sim.scenario.introspect import parameters
from crisis_sim.validation import facts
from crisis_sim.validation.facts import (
    EXPECTATIONS,
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

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "docs" / "facts"
nan = math.nan


def test_the_record_is_read_from_the_docs() -> None:
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


def test_a_wheel_contains_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path.resolve() / "crisis_sim"
    (package / "validation").mkdir(parents=True)
    monkeypatch.setattr(facts, "__file__", str(package / "validation" / "facts.py"))
    assert facts_folder() == package.parent / "docs" / "facts"
    shutil.copytree(RECORD, package / "_facts")
    assert facts_folder() == package / "_facts"
    assert len(read_cases()) == 8


def test_all_facts_are_compared_and_have_expectations(validation: Validation) -> None:
    assert {one.fact.id for one in validation.comparisons} == set(read_facts())
    compared = [one.expectation.id for one in (*validation.comparisons, *validation.cases)]
    with EXPECTATIONS.open(encoding="utf-8") as file:
        assert sorted(compared) == sorted(row["id"] for row in csv.DictReader(file))
    assert all(one.expectation.name for one in validation.comparisons)


@pytest.mark.parametrize(
    ("record", "simulated", "unit", "tolerance", "expected"),
    [
        ((0.25, 0.2, 0.3), (0.25, 0.24, 0.26), "share", None, "inside"),
        ((0.25, 0.2, 0.3), (0.2, 0.1, 0.3), "share", None, "inside"),
        ((0.25, 0.2, 0.3), (0.35, 0.29, 0.41), "share", None, "near"),
        ((0.25, 0.2, 0.3), (0.15, 0.1, 0.2), "share", None, "near"),
        ((0.25, 0.2, 0.3), (0.35, 0.31, 0.39), "share", None, "outside"),
        ((0.25, 0.2, 0.3), (0.35, nan, nan), "share", None, "near"),
        ((0.25, 0.2, 0.3), (nan, nan, nan), "share", None, "outside"),
        # Without an interval: near within the tolerance, never inside.
        ((0.25, None, None), (0.25, 0.2, 0.3), "share", 0.05, "near"),
        ((0.25, None, None), (0.30, 0.30, 0.30), "share", 0.05, "near"),
        ((0.25, None, None), (0.20, 0.20, 0.20), "share", 0.05, "near"),
        ((0.25, None, None), (0.31, 0.31, 0.31), "share", 0.05, "outside"),
        ((0.25, None, None), (0.36, 0.36, 0.36), "days", 1.5, "near"),
        ((0.25, None, None), (0.17, 0.17, 0.17), "days", 1.5, "near"),
        ((0.25, None, None), (0.40, 0.40, 0.40), "days", 1.5, "outside"),
        ((0.25, None, None), (0.16, 0.16, 0.16), "days", 1.5, "outside"),
    ],
)  # fmt: skip
def test_a_verdict_follows_from_the_interval_or_the_tolerance(
    record: tuple[float, ...], simulated: tuple[float, ...], unit: str, tolerance: float, expected: str
) -> None:  # fmt: skip
    fact = Fact("a", "crises", unit, *record, None, "")
    one = Comparison(fact, Simulated(*simulated, 100), Expectation("a", tolerance=tolerance))
    assert one.verdict == expected
    if record[1] is None:
        with pytest.raises(ValueError, match="neither an interval nor a tolerance"):
            _ = Comparison(fact, one.simulated, Expectation("a")).verdict


def test_the_share_of_other_endings_is_about_that_of_the_record() -> None:
    record = read_facts()
    other, agreement = (record[f"ending_{one}"].value for one in ("other", "agreement"))
    assert other / (1 - agreement) == pytest.approx(OTHER_SHARE, abs=0.02)
    shares = [one.value for name, one in record.items() if name.startswith("ending_")]
    assert math.fsum(shares) == pytest.approx(1.0, abs=0.002)


def test_a_share_with_a_sample_size_gets_an_interval() -> None:
    record = read_facts()
    verbal = record["response_verbal"]
    assert verbal.lower is None
    assert (verbal.compared.lower, verbal.compared.upper) == wilson_interval(15, 301)
    same = {name for name, one in record.items() if one.compared == one}
    assert {"duration_p50", "mediated", "mediation_start_p50", "next_war_war"} <= same
    assert {name for name in record if name.startswith("ending_")} <= same


# --- The fit

FIT = ROOT / "experiments" / "fit_to_the_record.yaml"
#: A target's value, interval and fact in the file.
TARGET = re.compile(r"value: ([\d.]+), interval: \[([\d.]+), ([\d.]+)\].*# (\w+)$", re.MULTILINE)
#: Half-width of intervals where the record gives none.
FACTOR = 1.5


def test_defaults_are_the_results_of_the_fit() -> None:
    kept = json.loads((ROOT / "docs" / "fit" / "fit.json").read_text(encoding="utf-8"))
    found = {row["path"]: float(f"{row['best']:.3g}") for row in kept["parameters"]}
    assert {one.path: one.default for one in parameters() if one.fitted} == found


def as_simulated(name: str, number: float) -> float:
    """Convert a figure of the record to the model, which has no other endings and counts days from 0."""
    if name.startswith("duration"):
        return number - 1.0
    if name.startswith("response_days"):
        return 24.0 * number
    if name.startswith("ending") and name != "ending_agreement":
        return number / (1.0 - OTHER_SHARE)
    if name.startswith("agreement_if"):  # without other endings
        return number / (number + (1.0 - number) / (1.0 - OTHER_SHARE))
    return number


def test_targets_of_the_fit_are_facts_of_the_record_and_marked() -> None:
    text, expected = FIT.read_text(encoding="utf-8"), read_expectations()
    aims = {name: tuple(map(float, numbers)) for *numbers, name in TARGET.findall(text)}
    assert {name for name in read_facts() if expected[name].in_fit} == aims.keys()
    for name, aim in aims.items():
        fact = read_facts()[name]
        lower = fact.value / FACTOR if fact.lower is None else fact.lower
        upper = fact.value * FACTOR if fact.upper is None else fact.upper
        record = [as_simulated(name, number) for number in (fact.value, lower, upper)]
        assert aim == pytest.approx(record, rel=2e-2, abs=1e-9), name
    written = YAML(typ="safe").load(FIT)["targets"]
    cases = {one.get("scenario") for one in written if "precision" not in one}
    marked = {name.split("/")[0] for name, one in expected.items() if "/" in name and one.in_fit}
    assert cases - {None, "since_1945"} == marked
