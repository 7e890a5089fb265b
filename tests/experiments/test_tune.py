from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crisis_sim.batch import simulate
from crisis_sim.cli import DONE
from crisis_sim.experiments import read_experiment, run_experiment
from crisis_sim.experiments.gauss_newton import range_around, slopes_at
from crisis_sim.experiments.search import Problem
from crisis_sim.experiments.targets import parameters_at
from crisis_sim.outcomes.named_measures import measure
from crisis_sim.scenario.errors import ScenarioError
from crisis_sim.scenario.load import load_scenario
from tests.batch.crises import Counter, crisis
from tests.conftest import Cli
from tests.experiments import examples
from tests.experiments.examples import (
    ATTENTION,
    DEATHS,
    RESOLVE,
    as_file,
    found,
    row_of,
    same,
    shown,
    with_south,
    write_two_scenarios,
)

TRUTH = 350.0
KILLED = {DEATHS: {"low": 50, "high": 800}, ATTENTION: {"low": 0.01, "high": 0.5}}


def made(scenario: Any = None, **changes: Any) -> Any:
    return examples.made("tune", scenario, **changes)


def steps(**changes: Any) -> Any:
    deaths = shown(TRUTH, "median_deaths")
    targets = [{"measure": "median_deaths", "value": deaths, "scale": "log"}]
    vary = {**KILLED, DEATHS: {"low": 50, "high": 800, "scale": "log"}}
    usual = {"targets": targets, "vary": vary, "replicates": 1000, "trials": 12, "generation": 4}
    return made(**{**usual, "sampler": "gauss_newton", **changes})


def test_a_known_parameter_is_recovered() -> None:
    deaths, agreement = (shown(TRUTH, name) for name in ("median_deaths", "agreement"))
    near = [max(agreement - 0.04, 0.0), agreement + 0.04]
    targets = [
        {"measure": "median_deaths", "value": deaths, "scale": "log"},
        {"measure": "agreement", "value": agreement, "interval": near},
    ]
    findings = run_experiment(made(targets=targets, vary=KILLED, trials=48, replicates=300))
    killed = row_of(findings, DEATHS)
    assert killed["best"] == pytest.approx(TRUTH, rel=0.15)
    assert findings.summary["good"]["trials"] > 3
    assert killed["low"] < killed["lower"] < TRUTH < killed["upper"] < killed["high"]
    assert killed["importance"] > 0.5  # the other parameter hardly matters
    assert findings.summary["fresh"]["loss_before"] > 20 > 10 > findings.summary["fresh"]["loss"]


@pytest.mark.parametrize(
    ("sampler", "torn", "kept"),
    [
        ("cmaes", 0, 2), ("cmaes", 100, 1), ("tpe", 4000, 1), ("sobol", 0, 2), ("random", 0, 2),
        ("gauss_newton", 0, 2),
    ],
)  # fmt: skip
def test_an_interrupted_search_is_resumed_with_the_same_result(
    tmp_path: Path, sampler: str, torn: int, kept: int
) -> None:
    size = 5 if sampler == "gauss_newton" else 8
    experiment = made(sampler=sampler, trials=3 * size)
    done: list[int] = []

    def note(crises: int, _: int) -> None:
        done.append(crises)

    def stop_in_the_third_generation(crises: int, _: int) -> None:
        if crises > 2 * size * 40:
            raise KeyboardInterrupt

    messages: list[str] = []
    stop: Any = {"progress": stop_in_the_third_generation, "on_message": messages.append}
    with pytest.raises(KeyboardInterrupt):
        run_experiment(experiment, tmp_path, **stop)
    assert messages[-1].startswith("best so far")
    journal = tmp_path / "journal.log"
    text = journal.read_bytes()
    journal.write_bytes(text[: len(text) - torn])  # as if killed while writing
    resumed = run_experiment(experiment, tmp_path, resume=True, progress=note)
    assert done[0] == (kept + 1) * size * 40  # what was kept is not run again
    assert same(resumed, run_experiment(experiment, workers=2))
    other = run_experiment(made(sampler=sampler, seed=6, trials=size))
    points = [one.tables["trials"].column(RESOLVE).to_numpy() for one in (resumed, other)]
    assert points[0][0] == points[1][0] == 0.75  # the middle of what the scenario leaves open
    assert not np.isin(points[0][1:], points[1][1:]).any()


def test_an_interrupt_before_the_first_trial_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(Problem, "evaluate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_experiment(made())


def test_a_tuned_scenario_extends_the_original_and_runs_like_its_best_trial(tmp_path: Path) -> None:
    reviews, caution = "lenders.bank.reviews.0.amount_usd_bn", "states.north.caution.lognormal.0"
    varied = {
        RESOLVE: {"low": 0.2, "high": 1.0},
        caution: {"low": 0.2, "high": 2.0},
        reviews: {"low": 0.5, "high": 2.0},
    }
    states = {
        "north": {"resolve": 0.9, "audience": 0.6, "caution": {"lognormal": [0.8, 0.3]}},
        "south": {"resolve": {"uniform": [0.5, 1.0]}, "audience": 0.5},
    }
    original = crisis(states=states)
    findings = run_experiment(made(original, vary=varied, trials=12), tmp_path)
    assert load_scenario(tmp_path / "quarrel.yaml").digest == original.digest
    tuned = load_scenario(tmp_path / "quarrel_tuned.yaml")
    best = findings.summary["best"]["parameters"]
    assert tuned.states["south"].resolve == best[RESOLVE]
    assert tuned.states["north"].caution.plain() == {"lognormal": [best[caution], 0.3]}
    assert tuned.lenders["bank"].reviews[0].amount_usd_bn == best[reviews]
    assert tuned.states["north"].resolve == 0.9
    text = (tmp_path / "quarrel_tuned.yaml").read_text()
    assert "extends: quarrel.yaml" in text
    assert "mediators" not in text
    (ensemble,) = simulate([tuned], 40, seed=1).ensembles.values()
    deaths = measure("mean_deaths").over(ensemble).estimate[0]
    assert deaths == pytest.approx(findings.summary["outcomes"][0]["tuned_on_estimate"], rel=1e-6)


@pytest.mark.parametrize(
    "given", [{"uniform": [0.2, 0.9]}, {"normal": [0.5, 0.2]}, {"beta": [2, 3]}, {"triangular": [0, 0.5, 1]}]
)  # fmt: skip
def test_an_unchanged_distribution_gives_the_scenarios_draws(given: Any) -> None:
    ((kind, numbers),) = given.items()
    value = float(numbers[0])
    vary = {f"{RESOLVE}.{kind}.0": {"low": max(value - 0.1, 1e-9), "high": value + 0.1}}
    scenario = with_south(given)
    tuned = Problem(made(scenario, vary=vary)).tuned
    values = parameters_at(scenario, tuned, np.asarray([[value]]), 50, 7)[RESOLVE]
    moved = simulate([scenario], 50, seed=7, points=1, parameters={RESOLVE: values[0]})
    own = simulate([scenario], 50, seed=7)
    deaths = [next(iter(batch.ensembles.values())).column("deaths") for batch in (moved, own)]
    np.testing.assert_array_equal(*deaths)


def test_several_scenarios_are_tuned_on_the_parameters_that_each_has(tmp_path: Path) -> None:
    deaths = {"measure": "mean_deaths", "scenario": "second", "value": 700, "scale": "log"}
    content = {
        **write_two_scenarios(tmp_path),
        "kind": "tune",
        "vary": {
            RESOLVE: {"low": 0.2, "high": 1.0, "also": ["states.north.audience"]},
            ATTENTION: {"low": 0.01, "high": 0.5},
        },
        "targets": [
            {"measure": "agreement", "value": 0.5, "interval": [0.4, 0.6]},
            {**deaths, "weight": 2},
        ],
        "trials": 16,
        "replicates": 40,
    }
    file, out = tmp_path / "both.yaml", tmp_path / "out"
    file.write_text(json.dumps(content))
    findings = run_experiment(file, out)
    assert [row["scenario"] for row in findings.summary["outcomes"]] == ["first", "second"]
    best = findings.summary["best"]
    for name in ("first", "second"):
        states = load_scenario(out / f"{name}_tuned.yaml").states
        assert states["south"].resolve == states["north"].audience == best["parameters"][RESOLVE]
    trials = findings.tables["figures"].to_pandas()
    agreement, killed = trials[trials.trial == best["trial"]].estimate.to_numpy()
    misses = (agreement - 0.5) / (0.2 / (2 * 1.959964)), np.log(killed / 700) / 0.1
    assert best["loss"] == pytest.approx(misses[0] ** 2 + 2 * misses[1] ** 2, rel=1e-6)


@pytest.mark.parametrize(
    ("measured", "column", "usual", "added"),
    [
        ({"mean": "acts_counted"}, "acts_counted", {"agents": [Counter]}, [Counter]),
        ({"share": {"halted_at_hours": "came"}}, "halted_at_hours", {"observe": True}, []),
    ],
)
def test_custom_agents_and_the_observer_add_measures_for_targets(
    measured: Any, column: str, usual: Any, added: Any
) -> None:
    targets = [{"measure": measured, "value": 0.5}]
    findings = run_experiment(made(targets=targets, trials=8, **usual), agents=added)
    assert findings.summary["outcomes"][0]["estimate"] is not None
    with pytest.raises(ScenarioError, match=f"no outcome '{column}'"):
        made(targets=targets)


def test_the_loss_is_quadratic_unless_it_is_robust_or_errors_are_added() -> None:
    point = np.asarray([[0.75, 0.05]])
    far = {"targets": [{"measure": "mean_deaths", "value": 1.0}]}
    # Deviations are limited to 100 errors.
    assert Problem(made(**far)).evaluate(point, 40, 1).loss[0] == 100.0**2
    robust = Problem(made(**far, robust=3)).evaluate(point, 40, 1)
    assert robust.loss[0] == 3 * (2 * 100.0 - 3)
    widened = Problem(made(monte_carlo_error=True)).evaluate(point, 40, 1)
    estimate, error = (widened.figures[name][0, 0] for name in ("estimate", "standard_error"))
    deviation = (estimate - 500) / np.hypot(50, error)
    assert widened.loss[0] == pytest.approx(min(abs(deviation), 100) ** 2)


def test_the_cheapest_point_that_reaches_a_level_is_found() -> None:
    experiment = made(
        vary={DEATHS: {"low": 0.0, "high": 800.0}},
        targets=[],
        objective={"maximise": "median_deaths", "enough": 500, "cost": {DEATHS: 0.01}},
        trials=64,
        replicates=100,
    )
    findings = run_experiment(experiment)
    objective, best = findings.summary["objective"], findings.summary["best"]
    value = best["parameters"][DEATHS]
    assert objective["reached"]
    assert f" at the given prices: {objective['cost']:.3g} for deaths (" in findings.answer[1]
    assert findings.answer[1].endswith(" more, at 0.01 each).")
    assert objective["cost"] == pytest.approx(0.01 * (value - 200)) == pytest.approx(best["loss"])
    # A little less is not enough any more.
    below = (
        Problem(experiment).evaluate(np.asarray([[value - 80]]), 100, 1).figures["estimate"][0, 0]
    )
    assert below < 500 <= findings.summary["outcomes"][0]["tuned_on_estimate"]


def test_an_unreachable_level_is_reported_and_an_unbounded_objective_ends_at_the_edge() -> None:
    never = {"maximise": "agreement", "enough": 0.99}
    findings = run_experiment(made(targets=[], objective=never, trials=8))
    assert not findings.summary["objective"]["reached"]
    assert any("In no trial does the estimate reach 99.0%" in line for line in findings.answer)
    low = {"low": 10.0, "high": 800.0, "start": 10.0}
    least = {"vary": {DEATHS: low}, "targets": [], "objective": {"minimise": "mean_deaths"}}
    findings = run_experiment(made(**least, trials=8, replicates=100))
    (row,) = findings.summary["outcomes"]
    assert findings.summary["parameters"][0]["at_edge"]
    assert row["estimate"] < row["estimate_before"]
    assert any(f"edge of its range: {DEATHS}" in line for line in findings.answer)


def test_the_command_tunes_without_a_file_and_writes_a_valid_scenario(cli: Cli) -> None:
    as_file(Path(), "quarrel.yaml")
    words = f"--vary {RESOLVE}=0.2:1:log --target mean_deaths=500:400:600 --trials 8 --replicates 9"
    options = [*words.split(), "--workers", "1", "--out", "out"]
    said = cli("tune", "quarrel.yaml", *options, "--json").data
    assert said["parameters"][0]["scale"] == "log"
    assert said["outcomes"][0]["target_upper"] == 600
    written = {one.name for one in Path("out").iterdir()}
    assert written >= {"history.svg", "targets.png", "journal.log"}
    assert cli("check", "out/quarrel_tuned.yaml").code == DONE
    assert cli("tune", "--resume", "out", "--workers", "1").code == DONE


def test_the_best_finalist_with_fresh_luck_is_the_result_and_is_moved_alone() -> None:
    experiment = made(finalists=6, check_replicates=200, slices=5)
    findings = run_experiment(experiment)
    best, fresh = findings.summary["best"], findings.summary["fresh"]
    trials = findings.tables["trials"]
    assert trials.equals(found("tune").tables["trials"])
    first = np.argsort(trials.column("loss").to_numpy(), kind="stable")[:6]
    columns = [trials.column(path).to_numpy()[first] for path in (RESOLVE, ATTENTION)]
    assert (fresh["seed"], fresh["replicates"]) == (experiment.spec.seed + 1, 200)
    problem = Problem(experiment)
    losses = problem.evaluate(np.column_stack(columns), 200, fresh["seed"]).loss
    assert best["trial"] == first[np.argmin(losses)]
    assert fresh["loss"] == pytest.approx(losses.min())
    point = np.asarray([list(best["parameters"].values())])
    assert problem.evaluate(point, 40, 1).loss[0] == best["loss"] != fresh["loss"]
    assert "the best of the 6 best with new random numbers" in findings.answer[0]

    table = findings.tables["slices"].to_pandas()
    assert table.groupby("path").size().to_dict() == {RESOLVE: 5, ATTENTION: 5}
    for row in findings.summary["parameters"]:
        values = table[table["path"] == row["path"]]["value"]
        assert [values.min(), values.max()] == pytest.approx([row["low"], row["high"]])
        assert row["low"] <= row["alone_lower"] <= row["best"] <= row["alone_upper"] <= row["high"]
    assert any(sentence.startswith("Moved alone") for sentence in findings.answer)


SHARES = np.linspace(0.0, 1.0, 11)
PLATEAU = np.where(np.abs(SHARES - 0.5) < 0.15, 0.0, 50.0)


@pytest.mark.parametrize(
    ("at", "rise", "tolerance", "ends"),
    [
        (0.5, 400.0 * (SHARES - 0.5) ** 2, 10.0, (0.5 - 10**0.5 / 20, 0.5 + 10**0.5 / 20)),
        (0.52, 1000.0 * (SHARES - 0.52) ** 2, 1.6, (0.48, 0.56)),  # between two values
        (0.3, np.zeros(11), 3.84, (0.0, 1.0)),  # the loss never rises
        (0.0, 100.0 * SHARES**2, 0.25, (0.0, 0.05)),  # one side only
        (0.5, np.where(SHARES == 1.0, 0.0, PLATEAU), 5.0, (0.3684, 0.6316)),  # a second minimum is ignored
    ],
)  # fmt: skip
def test_the_range_around_the_best_ends_where_the_loss_exceeds_the_tolerance(
    at: float, rise: Any, tolerance: float, ends: tuple[float, float]
) -> None:
    assert range_around(at, SHARES, rise, tolerance) == pytest.approx(ends, abs=1e-4)


# --- Gauss-Newton steps


def test_slopes_from_one_run_equal_differences_between_two_points() -> None:
    calm = {"worst_violence": ["none", "minor clashes"]}
    aim = {"measure": {"mean": "deaths", "given": calm}, "value": 300, "interval": [250, 350]}
    problem = Problem(steps(targets=[aim]))
    slopes = slopes_at(problem, np.array([0.55, 0.5]), seed=3)
    shares = np.array([[0.5, 0.5], [0.6, 0.5]])
    low, high = problem.misses(problem.evaluate(problem.points_of(shares), 1000, 3).figures)
    assert slopes.slope[0, 0] == pytest.approx((high - low)[0] / 0.1, rel=0.25)
    assert abs(slopes.slope[0, 1]) < 0.2 * abs(slopes.slope[0, 0])
    assert 0.9 < slopes.directions < 1.5
    informed = slopes.informed()
    assert informed[0] > 0.9 > 0.5 > informed[1]


def test_steps_recover_a_known_parameter_and_sets_lie_around_it(tmp_path: Path) -> None:
    findings = run_experiment(steps(sets=24), tmp_path)
    assert same(findings, read_experiment(tmp_path))
    assert row_of(findings, DEATHS)["best"] == pytest.approx(TRUTH, rel=0.15)
    rows = [line.split(",") for line in findings.files["sets.csv"].splitlines()]
    assert rows[0] == ["weight", DEATHS, ATTENTION]
    weight, deaths, attention = np.array(rows[1:], float).T
    assert weight.sum() == pytest.approx(1.0, abs=1e-3)
    middle = np.average(deaths, weights=weight)
    spread = np.sqrt(np.average((deaths - middle) ** 2, weights=weight))
    assert abs(middle - TRUTH) < 3 * spread < 150.0
    assert attention.std() > 0.05  # not informed by the target
    assert findings.summary["sets"]["effective"] > 8
