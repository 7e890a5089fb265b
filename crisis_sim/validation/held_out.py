"""Predictions of the cases, each by a model that was fitted without it.

For each case, the experiment `fit_to_the_record` takes one more step from its result, without the targets that concern the
case. The prediction is scored next to a reference made of the other cases: for times, a lognormal distribution with their
mean and spread (Student's t, as there are few of them); for strikes, the share of them with a strike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.batch import simulate
from crisis_sim.experiments.gauss_newton import Steps
from crisis_sim.experiments.load import load_experiment
from crisis_sim.experiments.search import Problem
from crisis_sim.experiments.spec import RunOptions
from crisis_sim.model.observer import Observer
from crisis_sim.outcomes.intervals import crps
from crisis_sim.scenario.load import load_scenario
from crisis_sim.validation.facts import Case, read_cases, read_expectations
from crisis_sim.validation.run import INSIDE, REBOUND, STRIKE, CaseResult, rank, results

FIT = "fit_to_the_record"
#: Points that are evaluated at each step, including the start.
POINTS_PER_STEP = 5
#: Levels of the quantiles that are scored.
LEVELS = np.arange(0.05, 1.0, 0.05)
#: Shorter times are scored as this many days, since the record does not date events to the hour.
LEAST_DAYS = 0.25


@dataclass(frozen=True)
class Prediction:
    """The prediction of a time of a case, by a fit without that case.

    Attributes:
        what: `STRIKE` or `HALT`.
        real: the real time, days.
        came: share of the crises in which the event occurs.
        percentile: share of the simulated times below the real one.
        quantiles: the 10th, 50th and 90th percentile, days.
        log_score: minus the log density of the real log time (lower is better); for a strike, including the
            probability that there is one.
        crps: continuous ranked probability score of the log10 time (lower is better).
        log_score_others, crps_others: the same for the reference made of the other cases.
    """

    case: Case
    what: str
    real: float
    came: float
    percentile: float
    quantiles: tuple[float, ...]
    log_score: float
    crps: float
    log_score_others: float
    crps_others: float

    def plain(self) -> dict[str, Any]:
        """Return the prediction as JSON-compatible data."""
        return vars(self) | {"case": self.case.name, "scenario": self.case.scenario}


def held_out(
    replicates: int = 10_000,
    seed: int = 1,
    workers: int = 1,
    progress: Callable[[str], None] = lambda message: None,
) -> list[Prediction]:
    """Predict each case by a fit without it.

    Args:
        replicates: crises to run of each case. progress: receives a message before each refit.
    """
    experiment, cases, expected = load_experiment(FIT), read_cases(), read_expectations()
    predictions: list[Prediction] = []
    for number, case in enumerate(cases, 1):
        progress(f"{number} of {len(cases)}: fitting without {case.name}")
        problem = without(experiment, case.scenario, workers)
        point = problem.points_of(refitted(problem)[0][None])[0]
        parameters = {
            path: np.full(replicates, value)
            for tuned, value in zip(problem.tuned, point, strict=True)
            for path in tuned.paths
        }
        scenario = load_scenario(case.scenario)
        batch = simulate(
            scenario, replicates, seed, workers, parameters=parameters, agents=[Observer]
        )
        others = [other for other in cases if other != case]
        predictions += [
            _scored(result, others)
            for result in results(case, batch.ensembles[case.scenario], expected)
            if result.what != REBOUND and result.real > 0  # at 0 the trigger was the strike
        ]
    return predictions


def summary(predictions: Sequence[Prediction]) -> dict[str, dict[str, float]]:
    """Return, for strikes and for halts, the sums of scores, the number inside the central 80%, and the rank correlation."""
    by_kind: dict[str, dict[str, float]] = {}
    for what in dict.fromkeys(p.what for p in predictions):
        chosen = [p for p in predictions if p.what == what]
        scores = ("log_score", "log_score_others", "crps", "crps_others")
        by_kind[what] = {
            score: float(np.sum([getattr(p, score) for p in chosen])) for score in scores
        }
        by_kind[what] |= {
            "cases": len(chosen),
            "inside": sum(INSIDE[0] <= p.percentile <= INSIDE[1] for p in chosen),
            "rank": rank([p.quantiles[1] for p in chosen], [p.real for p in chosen]),
        }
    return by_kind


def without(experiment: Any, scenario: str, workers: int = 1) -> Problem:
    """Return the fit without the targets that concern a case."""
    targets = tuple(target for target in experiment.spec.targets if target.scenario != scenario)
    spec = experiment.spec.model_copy(update={"targets": targets})
    others = tuple(other for other in experiment.others if other.name != scenario)
    return Problem(replace(experiment, spec=spec, others=others), RunOptions(workers))


def refitted(
    problem: Problem, start: NDArray[np.float64] | None = None, generations: int = 1
) -> tuple[NDArray[np.float64], float]:
    """Take Gauss-Newton steps from a start, by default the scenario's values.

    Returns:
        The best point, as shares of the ranges, and the loss at the start.
    """
    steps, spec, losses = Steps(problem), problem.spec, []
    if start is not None:
        steps.best = start
    for _ in range(generations):
        shares = steps.ask(POINTS_PER_STEP)
        losses.append(problem.evaluate(problem.points_of(shares), spec.replicates, spec.seed).loss)
        steps.tell(shares, losses[-1])
    return np.asarray(steps.best), float(losses[0][0])


def _scored(result: CaseResult, others: Sequence[Case]) -> Prediction:
    """Score a prediction of a case, next to the reference made of the other cases."""
    real, is_strike = result.real, result.what == STRIKE
    times = [other.strike_days if is_strike else other.halt_days for other in others]
    positive = [time for time in times if time > 0]
    log_score_others, quantiles_others = _lognormal(positive, real)

    def quantile(level: float) -> float:
        return max(result.quantile(level), LEAST_DAYS)

    def log_crps(quantiles: Iterable[float]) -> float:
        logs = np.log10(np.maximum([*quantiles, real], LEAST_DAYS))
        return float(crps(logs[:-1], logs[-1], LEVELS))

    chance = max(result.came, 1e-4) if is_strike else 1.0
    chance_others = (len(positive) + 0.5) / (len(times) + 1.0) if is_strike else 1.0
    return Prediction(
        result.case, result.what, real, result.came, result.percentile, tuple(map(quantile, (0.1, 0.5, 0.9))),
        -math.log(chance) - math.log(_density(result)), log_crps(map(quantile, LEVELS)),
        log_score_others - math.log(chance_others), log_crps(quantiles_others),
    )  # fmt: skip


def _density(result: CaseResult) -> float:
    """Return the predictive density at the real log time.

    A normal kernel with Silverman's bandwidth has weight 0.99, a wide normal distribution the rest.
    """
    weight, days = np.diff(result.shares, prepend=0.0), result.values
    logs = np.log(np.maximum(days, LEAST_DAYS))
    real = math.log(max(result.real, LEAST_DAYS))
    mean = float(weight @ logs)
    spread = max(math.sqrt(float(weight @ (logs - mean) ** 2)), 0.1)
    bandwidth = max(0.9 * spread * max(days.size, 2) ** -0.2, 0.15)

    def normal(x: Any, scale: float) -> Any:
        return np.exp(-0.5 * (x / scale) ** 2) / (scale * math.sqrt(2 * math.pi))

    kernel = weight @ normal(real - logs, bandwidth)
    return float(0.99 * kernel + 0.01 * normal(real - mean, 3.0))


def _lognormal(times: list[float], real: float) -> tuple[float, list[float]]:
    """Return the reference's log score and its quantiles: a t distribution of the next log time."""
    from scipy import stats

    logs = np.log(np.maximum(times, LEAST_DAYS))
    spread = float(logs.std(ddof=1)) * math.sqrt(1.0 + 1.0 / logs.size)
    predictive = stats.t(logs.size - 1, float(logs.mean()), spread)
    density = float(predictive.pdf(math.log(max(real, LEAST_DAYS))))
    return -math.log(density), np.exp(predictive.ppf(LEVELS)).tolist()
