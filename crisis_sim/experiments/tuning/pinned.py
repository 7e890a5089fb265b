"""How well a search pins its parameters down: which values do about as well as the best.

That is told from the trials that were made, so it is no more than what the search came by: a range
may be wider than it looks, above all after few trials, and is no interval of confidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisis_sim.experiments.tuning.evaluation import Problem
from crisis_sim.experiments.tuning.search import Trials
from crisis_sim.outcomes.intervals import normal_quantile

Values = NDArray[np.float64]

#: A cost that is higher by no more than this share counts as about as good.
ABOUT_AS_CHEAP = 0.1
#: A value this near to an end of its range, as a share of the range, lies at its edge.
EDGE = 0.01


@dataclass(frozen=True)
class Pinned:
    """The values that do about as well as the best.

    Attributes:
        tolerance: how much worse than the best a trial may be.
        count: how many trials are that good, the best among them.
        lower, upper: of each parameter the lowest and highest value among them, `(parameters,)`.
        at_edge: whether the best lies at an end of its range, `(parameters,)`.
    """

    tolerance: float
    count: int
    lower: Values
    upper: Values
    at_edge: NDArray[np.bool_]


def pin_down(problem: Problem, trials: Trials) -> Pinned:
    """Find the trials that are about as good as the best."""
    tolerance = problem.spec.tolerance or _tolerance(problem, trials)
    good = trials.points[trials.loss <= trials.loss[trials.best] + tolerance]
    best = trials.points[trials.best]
    shares = [float(one.share_of(value)) for one, value in zip(problem.tuned, best, strict=True)]
    at_edge = (np.asarray(shares) < EDGE) | (np.asarray(shares) > 1 - EDGE)
    return Pinned(tolerance, len(good), good.min(axis=0), good.max(axis=0), at_edge)


def _tolerance(problem: Problem, trials: Trials) -> float:
    """How much worse than the best counts as about as good, where the file does not say.

    Of targets what the likelihood allows a single parameter at 95%, if the targets' errors are
    normal and independent; of an objective the reach of its Monte Carlo error.
    """
    goal, best = problem.goal, trials.best
    if goal is None:
        return normal_quantile() ** 2
    if goal.enough is not None and trials.loss[best] <= goal.dearest:
        return ABOUT_AS_CHEAP * float(trials.loss[best])
    return float(np.nan_to_num(normal_quantile() * trials.figures["standard_error"][best, 0]))
