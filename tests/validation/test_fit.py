"""The defaults are what the shipped fit found, and the fit aimed at the record as it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from crisis_sim.experiments import load_experiment
from crisis_sim.experiments.search import Problem
from crisis_sim.validation.facts import read_expectations, read_facts

ROOT = Path(__file__).parents[2]
FILE = ROOT / "experiments" / "fit_to_the_record.yaml"
FOUND = json.loads((ROOT / "docs" / "fit" / "summary.json").read_text(encoding="utf-8"))
#: A target's value, its interval and the fact that it is, as the file writes them.
TARGET = re.compile(r"value: ([\d.]+), interval: \[([\d.]+), ([\d.]+)\].*# (\w+)$")
#: Where the record gives no interval.
FACTOR = 1.5


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem(load_experiment(FILE))


def targets() -> dict[str, tuple[float, ...]]:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    found = [match for line in lines if (match := TARGET.search(line))]
    return {match[4]: tuple(float(number) for number in match.groups()[:3]) for match in found}


def test_defaults_are_what_the_fit_found_to_three_figures(problem: Problem) -> None:
    best = FOUND["best"]["parameters"]
    assert {one.factor.path for one in problem.tuned} == set(best)
    for one in problem.tuned:
        assert one.factor.middle == pytest.approx(best[one.factor.path], rel=5.1e-3), (
            one.factor.path
        )


@pytest.mark.parametrize("fact", read_facts().values(), ids=lambda fact: fact.id)
def test_a_target_is_the_fact_of_the_record(fact: Any) -> None:
    aim = targets().get(fact.id)
    assert (aim is not None) == read_expectations()[fact.id].in_fit
    if aim is None:
        return
    other = read_facts()["ending_other"].value
    unit = 24.0 if fact.id.startswith("response_days") else 1.0
    if fact.id.startswith("ending"):
        unit = 1.0 / (1.0 - other)
    lower = fact.value / FACTOR if fact.lower is None else fact.lower
    upper = fact.value * FACTOR if fact.upper is None else fact.upper
    expected = tuple(unit * number for number in (fact.value, lower, upper))
    assert aim == pytest.approx(expected, rel=6e-3, abs=1e-9)


def test_the_cases_that_the_fit_used_are_marked(problem: Problem) -> None:
    aimed = {aim.scenario for aim in problem.aims} - {"since_1945"}
    expected = read_expectations()
    marked = {name.split("/")[0] for name, one in expected.items() if "/" in name and one.in_fit}
    assert aimed == marked
    assert not expected["uri_2016/halt"].in_fit
