"""Cases predicted by a model that was fitted without them.

For each case the experiment `fit_to_the_record` is taken a step on from where it ended, with everything that it says of the
case left out. The prediction is scored beside that from the times of the other cases: a lognormal distribution with their
mean and spread (its quantiles by Student's t, since few cases tell them), and how often they saw a strike.
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

#: The fit that is taken on, and how many points are tried at each step, the start first.
FIT, TRIED = "fit_to_the_record", 5
#: Levels at which quantiles are scored.
LEVELS = np.arange(0.05, 1.0, 0.05)
#: The least time that is scored, days: hours are not told apart.
LEAST_DAYS = 0.25


@dataclass(frozen=True)
class Prediction:
    """A time of a case, predicted without it.

    Attributes:
        what: `STRIKE` or `HALT`.
        real: the real time, days.
        came: the share of crises in which there is such a time.
        percentile: the share of simulated times below the real one.
        quantiles: the 10th, 50th and 90th percentile, days.
        log_score: minus the log density of the real log time: lower is better; of the strike, of there being one as well.
        crps: continuous ranked probability score of the log10 time: lower is better.
        log_score_others, crps_others: the same of the other cases' lognormal distribution.
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
        """As plain data, fit for JSON."""
        return vars(self) | {"case": self.case.name, "scenario": self.case.scenario}


def held_out(
    replicates: int = 10_000,
    seed: int = 1,
    workers: int = 1,
    progress: Callable[[str], None] = lambda said: None,
) -> list[Prediction]:
    """Predict each case without it.

    Args:
        replicates: how many crises of each case. progress: told before each refit.
    """
    experiment, cases, expected = load_experiment(FIT), read_cases(), read_expectations()
    found: list[Prediction] = []
    for number, case in enumerate(cases, 1):
        progress(f"{number} of {len(cases)}: fitted without {case.name}")
        problem = without(experiment, case.scenario, workers)
        point = problem.points_of(refitted(problem)[0][None])[0]
        tuned = zip(problem.tuned, point, strict=True)
        known = {path: np.full(replicates, value) for one, value in tuned for path in one.paths}
        scenario = load_scenario(case.scenario)
        batch = simulate(scenario, replicates, seed, workers, parameters=known, agents=[Observer])
        others = [one for one in cases if one != case]
        found += [
            _scored(one, others)
            for one in results(case, batch.ensembles[case.scenario], expected)
            if one.what != REBOUND and one.real > 0  # at 0 the trigger was the strike
        ]
    return found


def summary(found: Sequence[Prediction]) -> dict[str, dict[str, float]]:
    """For the strikes and the halts: how many are in the central 80%, the sums of log scores, and of the CRPS."""
    told: dict[str, dict[str, float]] = {}
    for what in dict.fromkeys(one.what for one in found):
        own = [one for one in found if one.what == what]
        scores = ("log_score", "log_score_others", "crps", "crps_others")
        told[what] = {name: float(np.sum([getattr(one, name) for one in own])) for name in scores}
        told[what] |= {
            "cases": len(own),
            "inside": sum(INSIDE[0] <= one.percentile <= INSIDE[1] for one in own),
            "rank": rank([one.quantiles[1] for one in own], [one.real for one in own]),
        }
    return told


def without(experiment: Any, scenario: str, workers: int = 1) -> Problem:
    """The fit without what it says of a case."""
    targets = tuple(one for one in experiment.spec.targets if one.scenario != scenario)
    spec = experiment.spec.model_copy(update={"targets": targets})
    others = tuple(one for one in experiment.others if one.name != scenario)
    return Problem(replace(experiment, spec=spec, others=others), RunOptions(workers))


def refitted(
    problem: Problem, start: NDArray[np.float64] | None = None, generations: int = 1
) -> tuple[NDArray[np.float64], float]:
    """The best point some steps on from a start, usually the scenario's own, as shares of the ranges; the start's loss."""
    steps, spec, losses = Steps(problem), problem.spec, []
    if start is not None:
        steps.best = start
    for _ in range(generations):
        shares = steps.ask(TRIED)
        losses.append(problem.at(problem.points_of(shares), spec.replicates, spec.seed).loss)
        steps.tell(shares, losses[-1])
    return np.asarray(steps.best), float(losses[0][0])


def _scored(result: CaseResult, others: Sequence[Case]) -> Prediction:
    """A prediction of a case, beside that from the times of the others."""
    real, is_strike = result.real, result.what == STRIKE
    theirs = [one.strike_days if is_strike else one.halt_days for one in others]
    known = [one for one in theirs if one > 0]
    score, theirs_at = _lognormal(known, real)

    def at(level: float) -> float:
        return max(result.quantile(level), LEAST_DAYS)

    def log_crps(times: Iterable[float]) -> float:
        logs = np.log10(np.maximum([*times, real], LEAST_DAYS))
        return float(crps(logs[:-1], logs[-1], LEVELS))

    chance = max(result.came, 1e-4) if is_strike else 1.0
    rate = (len(known) + 0.5) / (len(theirs) + 1.0) if is_strike else 1.0
    return Prediction(
        result.case, result.what, real, result.came, result.percentile, tuple(map(at, (0.1, 0.5, 0.9))),
        -math.log(chance) - math.log(_density(result)), log_crps(map(at, LEVELS)),
        score - math.log(rate), log_crps(theirs_at),
    )  # fmt: skip


def _density(result: CaseResult) -> float:
    """The density of the log time at the real one: a normal kernel of Silverman's width, and a hundredth of a wide one."""
    weight, days = np.diff(result.shares, prepend=0.0), result.values
    logs, at = np.log(np.maximum(days, LEAST_DAYS)), math.log(max(result.real, LEAST_DAYS))
    mean = float(weight @ logs)
    spread = max(math.sqrt(float(weight @ (logs - mean) ** 2)), 0.1)
    width = max(0.9 * spread * max(days.size, 2) ** -0.2, 0.15)

    def normal(x: Any, scale: float) -> Any:
        return np.exp(-0.5 * (x / scale) ** 2) / (scale * math.sqrt(2 * math.pi))

    return float(0.99 * (weight @ normal(at - logs, width)) + 0.01 * normal(at - mean, 3.0))


def _lognormal(times: list[float], real: float) -> tuple[float, list[float]]:
    """Minus the log density of the real log time by other cases, and quantiles: a t distribution of the next log time."""
    from scipy import stats

    logs = np.log(np.maximum(times, LEAST_DAYS))
    spread = float(logs.std(ddof=1)) * math.sqrt(1.0 + 1.0 / logs.size)
    law = stats.t(logs.size - 1, float(logs.mean()), spread)
    density = float(law.pdf(math.log(max(real, LEAST_DAYS))))
    return -math.log(density), [float(one) for one in np.exp(law.ppf(LEVELS))]
