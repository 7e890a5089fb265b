"""Do the 95% intervals hold the truth 95 times in a hundred? Simulated, with the truth known.

The cases and their bounds are those of `benchmarks.coverage_cases`, of which docs/statistics.md gives
the results from many more data sets; here the luck of a smaller simulation is allowed besides. The
same data sets show that the bounds are tight enough to find a mistake: intervals a fifth too narrow.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from benchmarks.coverage import Coverage, count, limits_of
from benchmarks.coverage_cases import (
    QUICK,
    SLOW,
    Case,
    cases,
    curves,
    median_of,
)
from crisis_sim.outcomes.incidence import median_difference, median_time
from crisis_sim.outcomes.intervals import Interval

KEPT = Path(__file__).parents[2] / "benchmarks" / "results" / "coverage.json"
QUICK_CASES = [case for case in cases() if case.quick_sets]

#: Standard errors of the simulation that a case may lie outside its bounds.
LUCK = 3.5


@cache
def limits(case: Case) -> Interval:
    return limits_of(case, case.quick_sets)


def name(case: Case) -> str:
    return f"{case.statistic}: {case.setting}"


#: One of each statistic is quick.
FIRST = [next(group) for _, group in groupby(QUICK_CASES, key=lambda case: case.statistic)]


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=[] if case in FIRST else pytest.mark.slow, id=name(case))
        for case in QUICK_CASES
    ],
)
def test_intervals_hold_the_truth_as_often_as_they_should(case: Case) -> None:
    found = count(case, limits(case))
    low, high = case.holds
    assert low - LUCK * found.error <= found.held <= high + LUCK * found.error


def test_the_published_table_has_every_case_within_its_bounds() -> None:
    kept = json.loads(KEPT.read_text(encoding="utf-8"))["made_up"]
    table = {(one["statistic"], one["setting"]): one for one in kept}
    assert len(table) == len(kept) == len(list(cases()))
    for case in cases():
        one = table[case.statistic, case.setting]
        assert one["sets"] == case.sets
        published, (low, high) = one["held"], case.holds
        luck = LUCK * Coverage(case, case.sets, published, 0.0, 0.0).error
        assert low - luck <= published <= high + luck


@pytest.mark.slow
@pytest.mark.parametrize("statistic", {case.statistic: None for case in QUICK_CASES})
def test_intervals_a_fifth_too_narrow_are_found_out(statistic: str) -> None:
    """Taken together, for a few cases are so cautious that they bear it."""
    held, narrow, floor, errors = [], [], [], []
    for case in QUICK_CASES:
        if case.statistic == statistic:
            lower, upper = limits(case)
            tenth = np.where(np.isfinite(upper - lower), (upper - lower) / 10.0, 0.0)
            whole = count(case, limits(case))
            held.append(whole.held)
            narrow.append(count(case, Interval(lower + tenth, upper - tenth)).held)
            floor.append(case.holds[0])
            errors.append(whole.error)
    least = np.mean(floor) - LUCK * np.linalg.norm(errors) / len(errors)
    assert np.mean(narrow) < least <= np.mean(held)


@pytest.mark.slow
def test_paired_differences_of_medians() -> None:
    """100 batches. The bootstrap of a median is cautious, so only a floor is set to its coverage
    (standard error 0.022); a ceiling is set to its width, by that of independent samples.
    """
    luck = np.random.default_rng(16)
    truth = median_of(QUICK) - median_of(SLOW)
    covered, widths, widths_apart = 0, [], []
    for batch in range(100):
        theirs, ours = curves(luck, 600, grid=None)
        one, other = (median_time(curve, draws=199, groups=100) for curve in (ours, theirs))
        paired = median_difference(one, other)
        covered += paired.lower <= truth <= paired.upper
        if batch < 10:
            apart = median_difference(one, median_time(theirs, 1, draws=199, groups=100))
            widths.append(paired.upper - paired.lower)
            widths_apart.append(apart.upper - apart.lower)
    assert covered / 100 >= 0.9
    assert np.mean(widths) < 0.6 * np.mean(widths_apart)
