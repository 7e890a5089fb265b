"""Priors: what is believed of each parameter before anything was seen.

Sampling goes on in normal scores: a parameter's score is the standard normal quantile of its place
in its prior. So the prior of every score is standard normal, whatever the prior of its parameter;
no proposal ever falls outside a range; and steps are of a sensible size for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisis_sim.experiments.factors import Factor, Range, number_at, resolve
from crisis_sim.model.parameters import invert
from crisis_sim.scenario.numbers import Distribution
from crisis_sim.scenario.parameters import numbers_of
from crisis_sim.scenario.schema import Scenario

Values = NDArray[np.float64]

#: Probabilities nearer to 0 and 1 than this are taken as so near: no float lies beyond.
EDGE = 1e-12
#: Points at which a prior's mean and variance are taken.
GRID = 4096


@dataclass(frozen=True)
class Prior:
    """What is believed of one parameter.

    Attributes:
        factor: what it is; its range serves for axes.
        distribution: the scenario's own; None where a range is given, over which it is even (in the
            logarithm, where the range's scale is `log`).
        low, high: what the schema allows.
    """

    factor: Factor
    distribution: Distribution | None
    low: float
    high: float

    @property
    def path(self) -> str:
        """The parameter's path."""
        return self.factor.path

    def at(self, shares: Values) -> Values:
        """Its values at cumulative probabilities."""
        if self.distribution is None:
            values = np.asarray(self.factor.at(shares), dtype=np.float64)
            return np.clip(values, self.factor.low, self.factor.high)
        drawn = invert(self.distribution, shares, self.low, self.high)
        return np.clip(np.asarray(drawn, dtype=np.float64), self.low, self.high)

    def scaled(self, values: Values) -> Values:
        """Values on the scale on which they are compared: their logarithms where that is asked."""
        return np.log(np.maximum(values, 1e-300)) if self.factor.scale == "log" else values

    def spread(self) -> tuple[float, float]:
        """Mean and standard deviation, on its scale."""
        values = self.scaled(self.at((np.arange(GRID) + 0.5) / GRID))
        return float(values.mean()), float(values.std())

    def words(self) -> str:
        """The prior as a person would say it."""
        if self.distribution is None:
            even = "even in the logarithm" if self.factor.scale == "log" else "even"
            return f"{even} from {self.factor.low:g} to {self.factor.high:g}"
        numbers = ", ".join(f"{value:g}" for value in self.distribution.values)
        return f"{self.distribution.kind} {numbers}"


def prior_of(path: str, written: Range, scenarios: Sequence[Scenario]) -> Prior:
    """A prior from what a file says, which must have been checked.

    Args:
        path: the parameter's path.
        written: a range, or nothing.
        scenarios: the scenarios; the first that has the parameter is asked.
    """
    scenario = next(one for one in scenarios if path in numbers_of(one))
    given = number_at(scenario, path)
    own = isinstance(given, Distribution) and written.low is None and written.high is None
    allowed = numbers_of(scenario)[path]
    distribution = given if own and isinstance(given, Distribution) else None
    return Prior(resolve(path, written, scenario), distribution, allowed.low, allowed.high)


def values_of(priors: Sequence[Prior], scores: Values) -> Values:
    """Parameters of normal scores, `(particles, parameters)` both."""
    from scipy.special import ndtr

    shares = np.clip(ndtr(scores), EDGE, 1.0 - EDGE)
    return np.stack([prior.at(shares[:, k]) for k, prior in enumerate(priors)], axis=1)


def log_density(scores: Values) -> Values:
    """Logarithm of the prior density of scores: independent and standard normal."""
    dimensions = scores.shape[1]
    return np.asarray(
        -0.5 * np.einsum("pk,pk->p", scores, scores) - 0.5 * dimensions * math.log(2 * math.pi)
    )
