"""A marginal as one of the distributions that a scenario can hold: whichever is nearest.

A scenario's numbers are independent of each other, and their distributions of a few kinds. So a
marginal is fitted by the kind whose quantiles are nearest to its own; how parameters go together is
lost, and only joint draws keep it (`crisis_sim.experiments.posterior.draw`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisis_sim.experiments.posterior.marginals import Marginal, weighted_quantiles
from crisis_sim.experiments.posterior.priors import Prior, Values
from crisis_sim.model.parameters import invert
from crisis_sim.scenario.numbers import Distribution

#: Cumulative probabilities at which distributions are compared.
LEVELS: NDArray[np.float64] = (np.arange(40) + 0.5) / 40
#: Significant digits that are written.
DIGITS = 5


@dataclass(frozen=True)
class Fit:
    """A distribution that stands for a marginal.

    Attributes:
        distribution: the distribution.
        error: root mean square distance between their quantiles, in the marginal's standard
            deviations.
        prior: whether it is the prior's own, left as it was.
    """

    distribution: Distribution
    error: float
    prior: bool


def fitted(marginal: Marginal, values: Values, weight: Values) -> Fit:
    """The distribution that is nearest to a marginal.

    Args:
        marginal: the marginal; where the evidence says nothing of it, its prior is kept.
        values, weight: its particles, `(particles,)`.
    """
    prior = marginal.prior
    given = prior.distribution
    if given is None and prior.factor.scale == "linear":
        given = Distribution("uniform", (prior.factor.low, prior.factor.high))
    if given is not None and given.kind == "choice":
        return _choice(given, values, weight)
    wanted = np.asarray(weighted_quantiles(values, weight, tuple(LEVELS.tolist())))
    mean = float(weight @ values)
    spread = float(np.sqrt(weight @ (values - mean) ** 2)) or 1.0
    if not marginal.pinned and given is not None:
        return Fit(given, _error(given, wanted, prior) / spread, True)
    tried = [(_error(one, wanted, prior), one) for one in _candidates(prior, wanted, mean, spread)]
    error, best = min(tried, key=lambda pair: pair[0])
    return Fit(best, error / spread, False)


def _choice(given: Distribution, values: Values, weight: Values) -> Fit:
    """Of a choice only the weights change."""
    share = [float(weight @ (values == value)) for value in given.values]
    total = sum(share)
    return Fit(
        Distribution("choice", given.values, tuple(one / total for one in share)), 0.0, False
    )


def _error(distribution: Distribution, wanted: Values, prior: Prior) -> float:
    found = invert(distribution, LEVELS, prior.low, prior.high)
    return float(np.sqrt(np.mean((found - wanted) ** 2)))


def _candidates(prior: Prior, wanted: Values, mean: float, spread: float) -> Iterator[Distribution]:
    """The nearest of each kind that may stand there."""
    low, high = (float(value) for value in prior.at(np.asarray([0.0, 1.0])))
    ends = (max(low, prior.low), min(high, prior.high))
    half = 3**0.5 * spread
    even = [max(mean - half, ends[0]), min(mean + half, ends[1])]
    if even[0] < even[1]:
        yield _rounded("uniform", even)
    yield from _searched(
        "triangular", [wanted[0], float(np.median(wanted)), wanted[-1]], wanted, prior, ends
    )
    yield from _searched("normal", [mean, spread], wanted, prior, ends)
    if wanted[0] > 0:
        logs = np.log(wanted)
        yield from _searched(
            "lognormal",
            [float(np.exp(logs.mean())), max(float(logs.std()), 1e-6)],
            wanted,
            prior,
            ends,
        )
    if wanted[0] > 0 and wanted[-1] < 1 and prior.low <= 0 and prior.high >= 1:
        common = mean * (1 - mean) / spread**2 - 1
        if common > 0:
            yield from _searched("beta", [mean * common, (1 - mean) * common], wanted, prior, ends)


def _searched(
    kind: str, start: list[float], wanted: Values, prior: Prior, ends: tuple[float, float]
) -> Iterator[Distribution]:
    """The distribution of a kind that is nearest to wanted quantiles, from where a search begins."""
    from scipy.optimize import minimize

    size = np.maximum(np.abs(start), 1e-9)

    def distribution(numbers: Values) -> Distribution | None:
        values = [float(value) for value in numbers * size]
        if kind == "triangular":
            values = [max(values[0], ends[0]), values[1], min(values[2], ends[1])]
            if not values[0] <= values[1] <= values[2] or values[0] == values[2]:
                return None
        elif kind == "beta":
            if min(values) <= 0:
                return None
        elif (
            not (
                max(prior.low, 0.0 if kind == "lognormal" else prior.low) <= values[0] <= prior.high
            )
            or values[1] <= 0
        ):
            return None
        return _rounded(kind, values)

    def loss(numbers: Values) -> float:
        one = distribution(numbers)
        return float("inf") if one is None else _error(one, wanted, prior)

    begin = np.asarray(start) / size
    best = minimize(loss, begin, method="Nelder-Mead", options={"maxiter": 200, "xatol": 1e-4})
    one = distribution(best.x)
    if one is not None:
        yield one


def _rounded(kind: str, values: list[float]) -> Distribution:
    return Distribution(kind, tuple(float(f"{value:.{DIGITS}g}") for value in values))
