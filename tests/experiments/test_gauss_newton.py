"""Steps by slopes: they are those of the figures, they recover what is known, and sets around the best are weighed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crisis_sim.batch import simulate
from crisis_sim.experiments import read_experiment, run_experiment
from crisis_sim.experiments.gauss_newton import slopes_at
from crisis_sim.experiments.search import Problem
from crisis_sim.outcomes.names import measure
from tests.experiments import examples
from tests.experiments.examples import ATTENTION, DEATHS, same, struck

TRUTH = 350.0


def made(**changes: Any) -> Any:
    (ensemble,) = simulate([struck(TRUTH)], 4000, seed=99).ensembles.values()
    deaths = float(measure("median_deaths").over(ensemble).estimate[0])
    targets = [{"measure": "median_deaths", "value": deaths, "scale": "log"}]
    vary = {DEATHS: {"low": 50, "high": 800, "scale": "log"}, ATTENTION: {"low": 0.01, "high": 0.5}}
    usual = {"targets": targets, "vary": vary, "replicates": 1000, "trials": 12, "generation": 4}
    return examples.made("tune", None, **{**usual, "sampler": "gauss_newton", **changes})


def test_slopes_from_one_run_are_those_between_two_points() -> None:
    calm = {"worst_violence": ["none", "minor clashes"]}
    aim = {"measure": {"mean": "deaths", "given": calm}, "value": 300, "interval": [250, 350]}
    problem = Problem(made(targets=[aim]))
    at = np.array([0.55, 0.5])
    slopes = slopes_at(problem, at, seed=3)
    apart = np.array([[0.5, 0.5], [0.6, 0.5]])
    low, high = problem.misses(problem.at(problem.points_of(apart), 1000, 3).figures)
    assert slopes.slope[0, 0] == pytest.approx((high - low)[0] / 0.1, rel=0.25)
    assert abs(slopes.slope[0, 1]) < 0.2 * abs(slopes.slope[0, 0])
    assert 0.9 < slopes.directions < 1.5
    informed = slopes.informed()
    assert informed[0] > 0.9 > 0.5 > informed[1]


def test_a_known_parameter_is_recovered_and_sets_lie_around_it(tmp_path: Path) -> None:
    found = run_experiment(made(sets=24), tmp_path)
    assert same(found, read_experiment(tmp_path))
    (killed,) = (row for row in found.summary["parameters"] if row["path"] == DEATHS)
    assert killed["best"] == pytest.approx(TRUTH, rel=0.15)
    rows = [line.split(",") for line in found.files["sets.csv"].splitlines()]
    assert rows[0] == ["weight", DEATHS, ATTENTION]
    weight, deaths, attention = np.array(rows[1:], float).T
    assert weight.sum() == pytest.approx(1.0, abs=1e-3)
    middle = np.average(deaths, weights=weight)
    spread = np.sqrt(np.average((deaths - middle) ** 2, weights=weight))
    assert abs(middle - TRUTH) < 3 * spread < 150.0
    assert attention.std() > 0.05  # which the target says nothing of
    assert found.summary["sets"]["effective"] > 8


def test_steps_cut_short_go_on_to_what_they_would_have_found(tmp_path: Path) -> None:
    experiment = made(replicates=300)
    whole = run_experiment(experiment)

    def stop(crises: int, _: int) -> None:
        if crises > 1500:  # in the second of three generations
            raise InterruptedError

    with pytest.raises(InterruptedError):
        run_experiment(experiment, tmp_path, progress=stop)
    assert same(whole, run_experiment(experiment, tmp_path, resume=True, workers=2))
