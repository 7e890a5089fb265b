from __future__ import annotations

import math

import pytest

from crisis_sim.outcomes.intervals import wilson_interval
from crisis_sim.validation.facts import (
    OTHER_SHARE,
    Expectation,
    Fact,
    Simulated,
    comparable,
    judge,
    read_facts,
)

EXPECTED = Expectation("a")


def fact(
    value: float, lower: float | None = None, upper: float | None = None, days: bool = False
) -> Fact:
    return Fact("a", "crises", "days" if days else "share", value, lower, upper, None, "")


@pytest.mark.parametrize(
    ("simulated", "verdict"),
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
def test_a_fact_with_an_interval(simulated: Simulated, verdict: str) -> None:
    assert judge(fact(0.25, 0.2, 0.3), simulated, EXPECTED) == verdict


@pytest.mark.parametrize(
    ("value", "days", "tolerance", "verdict"),
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
    value: float, days: bool, tolerance: float, verdict: str
) -> None:
    expected = Expectation("a", tolerance=tolerance)
    real = fact(0.25, days=days)
    assert judge(real, Simulated(value, value, value, 100), expected) == verdict
    assert judge(real, Simulated(0.25, 0.2, 0.3, 100), expected) == "near"


def test_a_fact_with_neither_is_a_mistake_of_the_record() -> None:
    with pytest.raises(ValueError, match="neither an interval nor a tolerance"):
        judge(fact(0.25), Simulated(0.25, 0.2, 0.3, 100), EXPECTED)


def test_the_share_of_other_endings_is_about_that_of_the_record() -> None:
    record = read_facts()
    other, agreement = (record[f"ending_{one}"].value for one in ("other", "agreement"))
    assert other / (1 - agreement) == pytest.approx(OTHER_SHARE, abs=0.02)
    endings = [name for name in record if name.startswith("ending_")]
    assert math.fsum(record[name].value for name in endings) == pytest.approx(1.0, abs=0.002)
    assert all(comparable(record)[name] == record[name] for name in endings)


def test_a_share_that_comes_with_a_number_gets_an_interval() -> None:
    record, made = read_facts(), comparable(read_facts())
    assert record["response_verbal"].lower is None
    lower, upper = wilson_interval(15, 301)
    assert (made["response_verbal"].lower, made["response_verbal"].upper) == (lower, upper)


def test_other_facts_are_compared_as_they_stand() -> None:
    record, made = read_facts(), comparable(read_facts())
    same = [name for name in record if made[name] == record[name]]
    assert {"duration_p50", "mediated", "mediation_start_p50", "next_war_war"} <= set(same)
