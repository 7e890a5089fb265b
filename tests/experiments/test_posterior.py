from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crisis_sim.batch import simulate
from crisis_sim.experiments import load_experiment, run_experiment
from crisis_sim.experiments.abc_sampler import Prior, Problem, Seen, values_of
from crisis_sim.experiments.marginals import fitted
from crisis_sim.experiments.posterior import Posterior, crises
from crisis_sim.experiments.spec import ExperimentError
from crisis_sim.scenario.load import load_scenario
from crisis_sim.scenario.numbers import Distribution
from tests.batch.crises import crisis
from tests.experiments import examples
from tests.experiments.examples import (
    ATTENTION,
    DEATHS,
    RESOLVE,
    VARY,
    row_of,
    shown,
    with_south,
    write_two_scenarios,
)

CASE = {
    "name": "the quarrel of old",
    "record": [{"of": "deaths", "value": 400, "within": 150}],
    "so": {"mediated": True},
}


def made(scenario: Any = None, **changes: Any) -> Any:
    return examples.made("posterior", scenario, **changes)


@pytest.fixture(scope="module")
def found() -> Any:
    """The posterior of the small crisis; its progress and messages are as they should be."""
    experiment = made(cases=[CASE], outcomes=["agreement", "median_hours_to_ceasefire"])
    seen: list[tuple[int, int]] = []
    messages: list[str] = []
    found = run_experiment(
        experiment, progress=lambda *now: seen.append(now), on_message=messages.append
    )
    assert seen == sorted(seen)
    assert {total for _, total in seen} == {crises(experiment)} == {(2 * 24 + 20) * 20}
    assert seen[-1][0] == found.crises
    assert re.match(r"generation 1 of 2: tolerance \S+, acceptance \d+%, effective", messages[0])
    return found


def test_a_known_parameter_is_recovered_and_one_that_does_little_is_not_pinned_down() -> None:
    truth = 350.0
    deaths = shown(truth, "median_deaths")
    interval = [0.85 * deaths, 1.15 * deaths]
    target = {"measure": "median_deaths", "value": deaths, "interval": interval}
    vary = {DEATHS: {"low": 50, "high": 800}, ATTENTION: {"low": 0.01, "high": 0.5}}
    more = {"particles": 80, "generations": 3, "replicates": 100}
    posterior = run_experiment(made(vary=vary, targets=[target], **more))
    killed, elder = (row_of(posterior, path) for path in (DEATHS, ATTENTION))
    assert killed["lower"] < truth < killed["upper"]
    assert killed["median"] == pytest.approx(truth, rel=0.25)
    assert killed["shrinkage"] > 0.8 > 0.5 > elder["shrinkage"]
    assert killed["pinned"]
    assert not elder["pinned"]
    changed = "The evidence changes 1 of 2 parameters, measured in standard deviations of the prior"
    assert posterior.answer[0].startswith(f"{changed}: deaths (narrower by ")
    assert "Not pinned down by this evidence: attention_threshold" in " ".join(posterior.answer)
    (row,) = posterior.summary["predictive"]
    assert row["lower"] < deaths < row["upper"]
    assert row["upper"] - row["lower"] < 0.6 * (row["prior_upper"] - row["prior_lower"])


def test_each_particle_has_its_own_luck() -> None:
    problem = Problem(made(cases=[CASE]))
    seen = problem.run(np.zeros((6, 2)), 0)  # the same parameters six times
    assert len({values.tobytes() for values in seen.values}) == 6
    assert np.array_equal(seen.values, problem.run(np.zeros((6, 2)), 0).values)
    assert not np.array_equal(seen.values, problem.run(np.zeros((6, 2)), 1).values)


def test_a_particles_likelihood_is_the_share_of_its_crises_that_are_like_the_record() -> None:
    problem = Problem(made(cases=[CASE, {"name": "so", "so": {"mediated": True}}]))
    values = np.asarray([[[300, 500, 551, np.nan]]], dtype=np.float32)
    so = np.asarray([[[True, False, True, True], [True, True, False, True]]])
    misses = problem.misses(Seen(*np.zeros((2, 1, 1)), values, so))
    assert (misses <= 1).mean(axis=2).tolist() == [[0.25, 0.75]]
    assert (misses <= 2).mean(axis=2).tolist() == [[0.5, 0.75]]


def test_recorded_times_have_their_own_unit_and_start() -> None:
    (ensemble,) = simulate([crisis(horizon_days=30)], 300, seed=1).ensembles.values()
    halt = {"of": "ceasefire_in_effect_at_hours", "since": "first_strike_at_hours"}
    record = [
        {"of": "first_strike_at_hours", "value": 1, "within": 1, "unit": "days"},
        {**halt, "value": 1, "within": 1},
    ]
    problem = Problem(made(cases=[{"name": "x", "record": record}]))
    strike, ceasefire = problem.numbers
    struck = ensemble.column("first_strike_at_hours")
    delay = (struck - ensemble.column("trigger_at_hours")) / 24
    assert strike.read(ensemble) == pytest.approx(delay, nan_ok=True)
    assert strike.words == "from the trigger to the first strike"
    after = ceasefire.read(ensemble)
    came = ~np.isnan(after)
    assert 0 < came.sum() < 300
    later = ensemble.column("ceasefire_in_effect_at_hours") - struck
    assert after[came] == pytest.approx(later[came])


def test_targets_without_an_interval_are_scaled_by_the_spread_of_the_prior() -> None:
    problem = Problem(made(targets=[{"measure": "mean_deaths", "value": 500}]))
    seen = problem.run(np.zeros((24, 2)), 0)
    shown = np.arange(24.0)[:, None]
    (aim,) = problem.scaled_aims(seen._replace(figures=shown))
    assert aim.error == pytest.approx(0.1 * np.median(np.abs(shown - np.median(shown))))


def test_priors_are_the_scenarios_distributions_or_uniform_over_a_range() -> None:
    experiment = made()
    own, ranged = (
        Prior.of(path, written, experiment.scenario)
        for path, written in experiment.spec.vary.items()
    )
    shares = np.asarray([0.0, 0.5, 1.0])
    assert own.at(shares) == pytest.approx([0.5, 0.75, 1.0])
    assert ranged.at(shares) == pytest.approx([0.01, 0.005**0.5, 0.5])
    scores = np.asarray([[0.0, 0.0], [9.0, -9.0]])
    assert values_of([own, ranged], scores)[0] == pytest.approx([0.75, 0.005**0.5])
    assert values_of([own, ranged], scores)[1] == pytest.approx([1.0, 0.01])


@pytest.mark.parametrize(
    ("kind", "draw"),
    [
        ("normal", lambda random: random.normal(0.15, 0.04, 3000)),
        ("beta", lambda random: random.beta(2, 9, 3000)),
        ("triangular", lambda random: random.triangular(0.2, 0.3, 0.9, 3000)),
        ("uniform", lambda random: random.uniform(0.2, 0.6, 3000)),
    ],
)
def test_a_marginal_is_written_as_the_kind_that_it_has(kind: str, draw: Any) -> None:
    values = draw(np.random.default_rng(3))
    prior = Prior.of(
        RESOLVE, made(vary={RESOLVE: {"low": 0, "high": 1}}).spec.vary[RESOLVE], crisis()
    )
    weight = np.full(3000, 1 / 3000)
    fit, error, _ = fitted(prior, True, values, weight)
    assert error < 0.05
    assert fit.kind == kind
    kept, _, is_prior = fitted(prior, False, values, weight)
    assert is_prior
    assert kept == Distribution("uniform", (0.0, 1.0))


def test_only_the_weights_of_a_choice_change() -> None:
    scenario = with_south({"choice": [0.5, 0.7, 1.0]})
    found = run_experiment(made(scenario, vary={RESOLVE: {}}))
    (south,) = found.summary["parameters"]
    assert south["distribution"] == "choice"
    assert south["distribution_values"] == [0.5, 0.7, 1.0]
    assert "weights" in found.files["quarrel_posterior.yaml"]


def test_a_posterior_is_a_scenario_and_its_draws_are_particles(found: Any, tmp_path: Path) -> None:
    for name, text in found.files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    scenario = load_scenario(tmp_path / "quarrel_posterior.yaml")
    row = row_of(found, RESOLVE)
    resolve = scenario.states["south"].resolve
    assert isinstance(resolve, Distribution)
    assert (resolve.kind, list(resolve.values)) == (row["distribution"], row["distribution_values"])
    assert simulate([scenario], 8, seed=1).ensembles["quarrel_posterior"].replicates == 8

    posterior = Posterior.of(found)
    drawn = posterior.draw(500, seed=4)
    assert list(drawn) == [RESOLVE, ATTENTION]
    pairs = set(map(tuple, posterior.values.tolist()))
    assert set(zip(*(of.tolist() for of in drawn.values()), strict=True)) <= pairs
    mean = float(posterior.weight @ posterior.values[:, 0])
    assert drawn[RESOLVE].mean() == pytest.approx(mean, abs=0.03)
    again = posterior.draw(500, seed=4)
    assert all(np.array_equal(drawn[path], again[path]) for path in drawn)
    with pytest.raises(ExperimentError, match="kind sweep has no posterior"):
        Posterior.of(examples.found("sweep"))


def test_several_scenarios_are_fitted_on_the_parameters_that_each_has(tmp_path: Path) -> None:
    # A prior that is wide enough for the deaths aimed for to say something of it.
    one = made(vary=VARY, particles=60)
    cases = [{**CASE, "so": {}, "scenario": "second"}]
    content = {**one.spec.model_dump(mode="json"), **write_two_scenarios(tmp_path), "cases": cases}
    (tmp_path / "both.yaml").write_text(json.dumps(content))
    experiment = load_experiment(tmp_path / "both.yaml")
    both = run_experiment(experiment)
    assert crises(experiment) == 2 * crises(one)
    assert [row["scenario"] for row in both.summary["predictive"]] == ["first", "second"]
    posteriors = [both.files[f"{name}_posterior.yaml"] for name in ("first", "second")]
    assert ["attention_threshold" in text for text in posteriors] == [True, False]
    assert all("resolve" in text for text in posteriors)


def test_the_summary_and_the_answer(found: Any) -> None:
    summary = found.summary
    json.dumps(summary, allow_nan=False)
    weight = found.tables["particles"].column("weight").to_numpy()
    assert weight.sum() == pytest.approx(1)
    assert summary["effective"] == pytest.approx(1 / (weight @ weight))
    seen = {row["name"]: row["tail"] is not None for row in summary["predictive"]}
    outcomes = {"agreement": False, "median_hours_to_ceasefire": False}
    assert seen == {"mean_deaths": True, **outcomes, f"{CASE['name']}: deaths": True}
    (case,) = summary["cases"]
    assert case["prior_lower"] <= case["prior"] <= case["prior_upper"]
    answer = " ".join(found.answer)
    for part in ("it is weak evidence", "worth", "without the correlations"):
        assert part in answer


def test_without_information_the_file_keeps_the_priors() -> None:
    any_crisis = {"name": "any", "record": [{"of": "deaths", "value": 0, "within": 1e9}]}
    found = run_experiment(made(vary={RESOLVE: {}}, targets=[], cases=[any_crisis]))
    (south,) = found.summary["parameters"]
    assert not south["pinned"]
    assert south["shrinkage"] == pytest.approx(0, abs=0.6)
    assert (south["distribution"], south["distribution_values"]) == ("uniform", [0.5, 1.0])
    assert "contains the unchanged priors" in " ".join(found.answer)
    assert "uniform" not in found.files["quarrel_posterior.yaml"]  # which extends the original
    (case,) = found.summary["cases"]
    assert case["prior"] == case["posterior"] == 1.0


def test_a_record_without_similar_crises_is_an_error() -> None:
    never = {"name": "x", "so": {"nuclear_use_at_hours": "came", "ending": "faded"}}
    with pytest.raises(ExperimentError, match="no crisis of the first generation"):
        run_experiment(made(targets=[], cases=[never]))


def test_the_shipped_record_is_that_of_the_scenario() -> None:
    experiment = load_experiment("posterior_may_2025")
    real, trigger = experiment.scenario.real_path, experiment.scenario.events[0].at
    (case,) = experiment.spec.cases
    strike, ceasefire = case.record
    days = (real.first_strike - trigger).total_seconds() / 86400
    assert strike.value == pytest.approx(days, abs=0.01)
    after = (real.ceasefire_in_effect - real.first_strike).total_seconds() / 86400
    assert ceasefire.value == pytest.approx(after, abs=0.01)
