"""`python -m benchmarks.posterior_ranks`: whether posteriors are as wide as they should be.

Simulation-based calibration (Talts and others 2018) through the engine: a parameter is drawn from its prior, crises are
run with it, and what they show becomes the evidence. Over many such runs the parameter's rank among draws from its
posterior must be even.
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
from crisis_sim.experiments.sampler import Problem, sample, values_of
from crisis_sim.experiments.spec import RunOptions
from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.outcomes.names import measure
from crisis_sim.scenario.schema import Scenario

#: Truths, of which the luck has this seed, and the draws from each posterior.
LUCK, DRAWS = 777, 7
PATH, LOW, HIGH = "states.south.resolve", 0.5, 1.0
PARTICLES, GENERATIONS = 40, 2
#: Crises from which a true figure is told, and the error with which it is then known.
TOLD_FROM, ERROR = 500, 0.06
#: A week of two states and a mediator, which runs in milliseconds.
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
    """The evidence is the deaths of one crisis, within 15 per cent or 30."""
    evidence = []
    for deaths in map(float, _run(truths, 1).column("deaths")):
        record = {"of": "deaths", "value": deaths, "within": max(0.15 * deaths, 30.0)}
        evidence.append({"cases": [{"name": "one", "record": [record]}], "replicates": 40})
    return evidence


def share_known_with_an_error(truths: NDArray[np.float64]) -> list[dict[str, Any]]:
    """The evidence is the share that ends by agreement, known with an error."""
    shown = measure("agreement").over(_run(truths, TOLD_FROM), len(truths)).estimate
    reach, evidence = normal_quantile() * ERROR, []
    for run, share in enumerate(shown):
        known = share + ERROR * np.random.default_rng([LUCK, run]).standard_normal()
        value = float(np.clip(known, 0.0, 1.0))
        interval = [value - reach, value + reach]
        target = {"measure": "agreement", "value": value, "interval": interval}
        evidence.append({"targets": [target], "replicates": 100})
    return evidence


def _run(truths: NDArray[np.float64], replicates: int) -> Any:
    quarrel = Scenario.from_text(QUARREL, "quarrel")
    parameters = {PATH: np.repeat(truths, replicates)}
    rows = len(truths) * replicates
    return simulate([quarrel], rows, seed=LUCK, parameters=parameters).ensembles["quarrel"]


def ranks_of(truths: NDArray[np.float64], evidence: list[dict[str, Any]]) -> NDArray[np.int64]:
    """How often each rank came."""
    found = []
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
        drawn = np.random.default_rng([LUCK, run, 1]).choice(values, DRAWS, p=last.weight)
        found.append(int((drawn < truth).sum()))
    return np.bincount(found, minlength=DRAWS + 1)


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=200, help="truths drawn for each kind")
    runs = parser.parse_args().runs
    truths, rows = np.random.default_rng(LUCK).uniform(LOW, HIGH, runs), []
    for name, evidence_of in (
        ("one crisis", deaths_of_one_crisis),
        ("a figure known with an error", share_known_with_an_error),
    ):
        talk(name)
        ranks = ranks_of(truths, evidence_of(truths))
        came = " ".join(map(str, ranks.tolist()))
        rows.append((name, str(runs), came, f"{chisquare(ranks).pvalue:.2f}"))
    print(table(("evidence", "runs", "how often each rank came", "chi-square p"), rows))


if __name__ == "__main__":
    main()
