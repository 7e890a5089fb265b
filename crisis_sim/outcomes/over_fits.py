"""The range of a figure over all parameter sets that fit the historical record, and the parameters associated with it.

Every replicate drew one set of behavioural parameters (`crisis_sim.scenario.fits`). A set's figure is estimated from about a
hundred replicates, with a chance error, which a random-effects meta-analysis removes: true effects vary around their mean
with an unknown standard deviation of flat prior (Gelman 2006; Röver 2020), and each set's effect is shrunk towards the mean
as far as chance may explain its deviation. docs/statistics.md has the formulas.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.outcomes.durations import Replicates
from crisis_sim.outcomes.intervals import CONFIDENCE, BoolArray, FloatArray, Measured
from crisis_sim.scenario.fits import FIT, fit_columns

#: The grid of standard deviations of effects: number of steps, and maximum as a multiple of the observed spread.
_STEPS, _WIDEST = 60, 3.0
#: Bisection steps for a limit of a range.
_HALVINGS = 40
#: A table of the normal distribution function, accurate to a millionth.
_Z = np.linspace(-8.0, 8.0, 4001)
_BELOW = np.array([0.5 * math.erfc(-z / math.sqrt(2.0)) for z in _Z])


@dataclass(frozen=True)
class OverFits:
    """The range of a figure, or of a difference, over the parameter sets that fit.

    Attributes:
        sets: the number of parameter sets.
        effective: the equivalent number of equally weighted sets.
        lower, upper: the range of the true figure in 95% of the sets, by weight.
        spread: its standard deviation over sets.
        same_sign: the share of sets, by weight, in which it has the sign of the estimate.
        goes_with: parameters associated with the spread, by path, each with its share of the variance, the largest
            first; only shares that chance is unlikely to explain.
        noise: the share that chance alone gives to the strongest of all parameters in one of twenty answers.
    """

    sets: int
    effective: float
    lower: float
    upper: float
    spread: float
    same_sign: float
    goes_with: tuple[tuple[str, float], ...]
    noise: float

    def plain(self, is_difference: bool = True) -> dict[str, Any]:
        """The figures as JSON-serialisable data, with `same_sign` only for a difference."""
        keys = ("sets", "effective", "lower", "upper", "spread", "same_sign", "noise")
        figures: dict[str, Any] = {key: float(f"{getattr(self, key):.6g}") for key in keys}
        if not is_difference:
            del figures["same_sign"]
        goes_with = {path: round(share, 4) for path, share in self.goes_with}
        return {**figures, "sets": self.sets, "goes_with": goes_with}


@dataclass(frozen=True, eq=False)
class Fits:
    """The parameter sets, and the set of each replicate.

    Attributes:
        row: the number of each replicate's set, `(replicates,)`.
        weights: the weights of the sets, `(sets,)`, with sum 1.
        parameters: the values of each parameter by path, `(sets,)`.
    """

    row: NDArray[np.intp]
    weights: FloatArray
    parameters: Mapping[str, FloatArray]

    @classmethod
    def of(cls, replicates: Replicates, scenario: Mapping[str, Any]) -> Fits | None:
        """The sets of a scenario's replicates; None if it was not run over fits."""
        distributions = fit_columns(scenario)
        if not distributions:
            return None
        row = np.asarray(replicates.column(FIT), np.intp)
        values = {path: np.asarray(each.values) for path, each in distributions.items()}
        return cls(row, np.asarray(next(iter(distributions.values())).weights), values)

    @property
    def effective(self) -> float:
        """The equivalent number of equally weighted sets."""
        return float(1.0 / np.sum(self.weights**2))

    def within(self, measured: Measured) -> FloatArray:
        """Scale influence values so that their mean over a set is the set's figure minus that of all sets.

        The shape is `(..., replicates)`. If only some replicates are in the figure's denominator, such as those with a first
        strike, the mean is over these; NaN if the set has none.
        """
        influence = measured.influence
        among = influence != 0.0
        shape, size = (*influence.shape[:-1], len(self.weights)), influence.shape[-1]
        drawn = self._sums(np.ones(size))
        counts = np.reshape(
            [self._sums(row) for row in among.reshape(-1, size).astype(np.float64)], shape
        )
        of = counts.sum(axis=-1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            scale = (of / size) * np.where(counts > 0.0, drawn / counts, np.nan)
        all_count = (np.asarray(measured.of) == size) | (of[..., 0] == 0)
        return np.asarray(
            influence * np.where(all_count[..., None], 1.0, np.take(scale, self.row, axis=-1))
        )

    def _sums(self, values: FloatArray) -> FloatArray:
        return np.bincount(self.row, values, minlength=len(self.weights)).astype(np.float64)

    def levels(self, measured: Measured) -> OverFits | None:
        """The range of a scenario's figure over fits; None if the data are too few."""
        bounds = (0.0, 1.0) if measured.is_share else (-math.inf, math.inf)
        return over_sets(float(measured.estimate), [(self, self.within(measured))], bounds)


def differ(
    ours: Measured, our_fits: Fits, theirs: Measured, their_fits: Fits, paired: bool = True
) -> OverFits | None:
    """The range of a difference over fits; None if the data are too few or the sets differ."""
    if not np.array_equal(our_fits.weights, their_fits.weights):
        return None
    estimate = float(ours.estimate - theirs.estimate)
    our, their = our_fits.within(ours), their_fits.within(theirs)
    parts = [(our_fits, our - their)] if paired else [(our_fits, our), (their_fits, -their)]
    return over_sets(estimate, parts, (-1.0, 1.0) if ours.is_share else (-math.inf, math.inf))


def over_sets(
    estimate: float,
    parts: Sequence[tuple[Fits, FloatArray]],
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> OverFits | None:
    """Estimate the range of a figure over sets.

    Args:
        estimate: the figure over all sets.
        parts: influence values from `Fits.within`, one part for each independent sample.
        bounds: the minimum and maximum of the figure.

    Returns:
        None if there are fewer than three sets, or if the figure rests on fewer replicates than there are sets.
    """
    fits = parts[0][0]
    effects = np.full(len(fits.weights), estimate)
    variances = np.zeros(len(fits.weights))
    for part, influence in parts:
        drawn = part._sums(np.ones(len(influence)))
        with np.errstate(invalid="ignore", divide="ignore"):
            means = part._sums(influence) / drawn
            known = np.isfinite(means)
            # The variance is pooled, since a set whose replicates all agree would have none.
            inside = np.where(known[part.row], influence - means[part.row], 0.0)
            freedom = drawn[known].sum() - known.sum()
            variances += inside @ inside / max(freedom, 1.0) / drawn
        effects += means
        # The effective number of replicates; for a rare event, those in which it came.
        squares = np.nan_to_num(influence) ** 2
        if squares.sum() ** 2 <= known.sum() * (squares @ squares):
            return None
    known = np.isfinite(effects) & np.isfinite(variances) & (fits.weights > 0)
    if known.sum() < 3:
        return None
    weights = np.where(known, fits.weights, 0.0) / fits.weights[known].sum()
    mean, variance, spread = _shrunk(effects[known], variances[known])
    lower, upper = np.clip(_quantiles(weights[known], mean, np.sqrt(variance)), *bounds)
    agree = weights[known] @ _below(np.sign(estimate) * mean / np.sqrt(variance))
    goes_with, noise = _goes_with(fits.parameters, weights, effects, spread)
    return OverFits(
        sets=int(known.sum()),
        effective=float(1.0 / np.sum(weights**2)),
        lower=float(lower),
        upper=float(upper),
        spread=spread,
        same_sign=float(agree),
        goes_with=goes_with,
        noise=noise,
    )


def _shrunk(effects: FloatArray, variances: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """The posterior mean and variance of each set's true effect, and the standard deviation over sets."""
    widest = _WIDEST * max(float(effects.std()), 1e-9)
    tau = (np.arange(_STEPS) + 0.5)[:, None] * (widest / _STEPS)
    precision = 1.0 / (variances + tau**2)
    total = precision.sum(axis=1, keepdims=True)
    middle = precision @ effects[:, None] / total
    fit = precision * (effects - middle) ** 2
    posterior = 0.5 * (np.log(precision).sum(1) - np.log(total[:, 0]) - fit.sum(1))
    posterior = np.exp(posterior - posterior.max())
    posterior /= posterior.sum()
    factor = tau**2 * precision  # the shrinkage factor of each set's deviation from the mean
    means = factor * effects + (1.0 - factor) * middle
    squares = factor * variances + (1.0 - factor) ** 2 / total + means**2
    mean = posterior @ means
    return mean, posterior @ squares - mean**2, float(posterior @ tau[:, 0])


def _below(z: FloatArray) -> FloatArray:
    return np.asarray(np.interp(z, _Z, _BELOW))


def _quantiles(weights: FloatArray, mean: FloatArray, deviation: FloatArray) -> FloatArray:
    """The central range of a mixture of normal distributions."""
    tails = np.array([(1.0 - CONFIDENCE) / 2.0, (1.0 + CONFIDENCE) / 2.0])
    low = np.full(2, np.min(mean - 6.0 * deviation))
    high = np.full(2, np.max(mean + 6.0 * deviation))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        below = _below((middle[:, None] - mean) / deviation) @ weights < tails
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2.0


def _goes_with(
    parameters: Mapping[str, FloatArray], weights: FloatArray, effects: FloatArray, spread: float
) -> tuple[tuple[tuple[str, float], ...], float]:
    """Parameters associated with the effects, each with its share of their variance, and the share that chance reaches.

    Each share is from the weighted correlation with the parameter's logarithm, or with the parameter if it may be 0 or less;
    a regression on all parameters would have only a few sets for each.
    """
    known: BoolArray = weights > 0.0
    weights, effects = weights[known], effects[known]
    number = float(1.0 / np.sum(weights**2))
    if number < 4.0 or not parameters or spread <= 0.0:
        return (), 1.0
    deviations = effects - weights @ effects
    observed = float(weights @ deviations**2)
    scale = observed / spread**2  # the spread excludes chance
    level = NormalDist().inv_cdf(1.0 - (1.0 - CONFIDENCE) / 2.0 / len(parameters)) ** 2 / number
    shares = {}
    for path, values in parameters.items():
        x = np.log(values[known]) if np.all(values > 0.0) else values[known]
        x = x - weights @ x
        size = float(weights @ x**2)
        if size <= 0.0 or observed <= 0.0:
            continue
        share = float(weights @ (x * deviations)) ** 2 / (size * observed)
        if share > level:
            shares[path] = min((share - 1.0 / (number - 1.0)) * scale, 1.0)
    largest_first = sorted(shares.items(), key=lambda item: -item[1])
    return tuple(largest_first), min(level * scale, 1.0)
