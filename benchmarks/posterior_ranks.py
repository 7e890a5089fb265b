"""`python -m benchmarks.posterior_ranks`: test whether posteriors have the right width.

Simulation-based calibration (Talts and others 2018) with the model: a parameter is drawn from its prior, crises are
simulated with it, and their outcomes become the evidence. Over many such runs the rank of the parameter among draws
from its posterior must be uniformly distributed.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chisquare

from benchmarks.report import table
from benchmarks.timing import talk
from crisis_sim.batch import simulate
from crisis_sim.experiments import make_experiment
from crisis_sim.experiments.abc_sampler import Problem, sample, values_of
from crisis_sim.experiments.spec import RunOptions
from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.outcomes.named_measures import measure
from crisis_sim.scenario.schema import Scenario

#: Seed of the true values and their crises, and number of draws from each posterior.
SEED, DRAWS = 777, 7
PATH, LOW, HIGH = "states.south.resolve", 0.5, 1.0
PARTICLES, GENERATIONS = 40, 2
#: Crises from which a true share is computed, and the standard error with which it is then known.
CRISES, ERROR = 500, 0.06
#: A week of a crisis between two states with a mediator, which runs in milliseconds.
QUARREL = f"""
title: A quarrel
start: 2025-04-22T00:00+00:00
horizon_days: 8
follow_up_days: 2
states:
  north: {{resolve: 0.9, audience: 0.6}}
  south: {{resolve: {{uniform: [{LOW}, {HIGH}]}}, audience: 0.5}}
mediators:
  elder: {{attention_threshold: 0.05, trust: {{north: 0.6}}}}
events:
  - {{at: 2025-04-22T03:00+00:00, kind: trigger, struck: north, deaths: 200}}
behaviour: {{decision: {{preparation_days: 0.5}}}}
"""


def deaths_of_one_crisis(truths: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Evidence: the deaths of one crisis, within 15 per cent or 30 deaths."""
    records = [
        {"of": "deaths", "value": deaths, "within": max(0.15 * deaths, 30.0)}
        for deaths in _run(truths, 1).column("deaths").astype(float).tolist()
    ]
    return [{"cases": [{"name": "one", "record": [one]}], "replicates": 40} for one in records]


def share_known_with_an_error(truths: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Evidence: the share of endings by agreement, known with an error."""
    shares = measure("agreement").over(_run(truths, CRISES), len(truths)).estimate
    reach, evidence = normal_quantile() * ERROR, []
    for run, share in enumerate(shares):
        known = share + ERROR * np.random.default_rng([SEED, run]).standard_normal()
        value = float(np.clip(known, 0.0, 1.0))
        interval = [value - reach, value + reach]
        target = {"measure": "agreement", "value": value, "interval": interval}
        evidence.append({"targets": [target], "replicates": 100})
    return evidence


def _run(truths: NDArray[np.float64], replicates: int) -> Any:
    quarrel = Scenario.from_text(QUARREL, "quarrel")
    parameters = {PATH: np.repeat(truths, replicates)}
    rows = len(truths) * replicates
    return simulate([quarrel], rows, seed=SEED, parameters=parameters).ensembles["quarrel"]


def ranks_of(truths: NDArray[np.float64], evidence: list[dict[str, Any]]) -> NDArray[np.int64]:
    """The frequency of each rank."""
    ranks = []
    for run, (truth, given) in enumerate(zip(truths, evidence, strict=True)):
        experiment = make_experiment(
            "ranks",
            kind="posterior",
            particles=PARTICLES,
            generations=GENERATIONS,
            scenario=Scenario.from_text(QUARREL, "quarrel"),
            vary={PATH: {}},
            seed=run,
            **given,
        )
        problem = Problem(experiment, RunOptions())
        *_, last = sample(problem, 1, PARTICLES, GENERATIONS, run)
        values = values_of(problem.priors, last.scores)[:, 0]
        drawn = np.random.default_rng([SEED, run, 1]).choice(values, DRAWS, p=last.weight)
        ranks.append(int((drawn < truth).sum()))
    return np.bincount(ranks, minlength=DRAWS + 1)


def main() -> None:
    """Run the test, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--runs", type=int, default=200, help="true values for each kind of evidence"
    )
    runs = parser.parse_args().runs
    truths, rows = np.random.default_rng(SEED).uniform(LOW, HIGH, runs), []
    for name, evidence_of in (
        ("one crisis", deaths_of_one_crisis),
        ("a share known with an error", share_known_with_an_error),
    ):
        talk(name)
        ranks = ranks_of(truths, evidence_of(truths))
        frequencies = " ".join(map(str, ranks.tolist()))
        rows.append((name, str(runs), frequencies, f"{chisquare(ranks).pvalue:.2f}"))
    print(table(("evidence", "runs", "frequency of each rank", "chi-square p"), rows))


if __name__ == "__main__":
    main()
