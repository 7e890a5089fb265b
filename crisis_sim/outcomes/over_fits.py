"""How far an answer moves over all behaviours that fit, and with which of their parameters.

Every replicate drew one set of behavioural parameters (`crisis_sim.scenario.load`). A set's figure is estimated from its own
replicates, a hundred or so, and errs by chance. A random-effects meta-analysis takes that out: true effects are spread about
their mean with a standard deviation that is not known, of flat prior (Gelman 2006; Röver 2020), and a set's own is drawn
towards the mean as far as chance may explain its distance. docs/statistics.md has the formulas.
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
from crisis_sim.scenario.load import FIT, fit_columns

#: Steps in which the spread of effects is tried, and how many times their observed spread is tried at most.
_STEPS, _WIDEST = 60, 3.0
#: Halvings by which a limit of a range is found.
_HALVINGS = 40
#: The normal distribution function, as a table: exact to a millionth.
_Z = np.linspace(-8.0, 8.0, 4001)
_BELOW = np.array([0.5 * math.erfc(-z / math.sqrt(2.0)) for z in _Z])


@dataclass(frozen=True)
class OverFits:
    """How far a figure, or a difference, moves over the behaviours that fit.

    Attributes:
        sets: how many sets of parameters it is told from.
        effective: how many of equal weight they are worth.
        lower, upper: the range of the true figure in 95% of the sets, by weight.
        spread: its standard deviation over sets.
        same_sign: the share of sets, by weight, in which it has the sign of the estimate.
        goes_with: parameters that the spread goes with, by path, each with the share of the spread's variance, the largest
            first; only those whose share chance hardly explains.
        noise: the share that chance reaches in one of twenty answers with the strongest of all the parameters.
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
        """The figures fit for JSON; a single share has no sign to agree."""
        kept = ("sets", "effective", "lower", "upper", "spread", "same_sign", "noise")
        found: dict[str, Any] = {key: float(f"{getattr(self, key):.6g}") for key in kept}
        if not is_difference:
            del found["same_sign"]
        goes_with = {path: round(share, 4) for path, share in self.goes_with}
        return {**found, "sets": self.sets, "goes_with": goes_with}


@dataclass(frozen=True, eq=False)
class Fits:
    """The sets of parameters, and which of them each replicate drew.

    Attributes:
        row: the set's number, `(replicates,)`.
        weights: of each set, `(sets,)`; they sum to 1.
        parameters: the values of each parameter by its path, `(sets,)`.
    """

    row: NDArray[np.intp]
    weights: FloatArray
    parameters: Mapping[str, FloatArray]

    @classmethod
    def of(cls, replicates: Replicates, scenario: Mapping[str, Any]) -> Fits | None:
        """Those of a scenario's replicates; None where it was not run over fits."""
        drawn = fit_columns(scenario)
        if not drawn:
            return None
        row = np.asarray(replicates.column(FIT), np.intp)
        values = {path: np.asarray(one.values) for path, one in drawn.items()}
        return cls(row, np.asarray(next(iter(drawn.values())).weights), values)

    @property
    def effective(self) -> float:
        """How many sets of equal weight they are worth."""
        return float(1.0 / np.sum(self.weights**2))

    def within(self, measured: Measured) -> FloatArray:
        """Influence values whose mean over a set's replicates is the set's figure less that of all, `(..., replicates)`.

        Of a figure of some replicates only, such as those with a first strike, the mean is of these in the set: NaN where
        there are none.
        """
        influence = measured.influence
        among = influence != 0.0
        shape, size = (*influence.shape[:-1], len(self.weights)), influence.shape[-1]
        drawn = self._sums(np.ones(size))
        counts = np.reshape(
            [self._sums(one) for one in among.reshape(-1, size).astype(np.float64)], shape
        )
        of = counts.sum(axis=-1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            scale = (of / size) * np.where(counts > 0.0, drawn / counts, np.nan)
        whole = (np.asarray(measured.of) == size) | (of[..., 0] == 0)
        return np.asarray(
            influence * np.where(whole[..., None], 1.0, np.take(scale, self.row, axis=-1))
        )

    def _sums(self, values: FloatArray) -> FloatArray:
        return np.bincount(self.row, values, minlength=len(self.weights)).astype(np.float64)

    def levels(self, measured: Measured) -> OverFits | None:
        """Over fits, a figure of one scenario; None where nothing tells."""
        bounds = (0.0, 1.0) if measured.is_share else (-math.inf, math.inf)
        return over_sets(float(measured.estimate), [(self, self.within(measured))], bounds)


def differ(
    ours: Measured, our_fits: Fits, theirs: Measured, their_fits: Fits, paired: bool = True
) -> OverFits | None:
    """Over fits, one figure less another; None where nothing tells, or their sets are not the same."""
    if not np.array_equal(our_fits.weights, their_fits.weights):
        return None
    estimate = float(ours.estimate - theirs.estimate)
    one, other = our_fits.within(ours), their_fits.within(theirs)
    parts = [(our_fits, one - other)] if paired else [(our_fits, one), (their_fits, -other)]
    return over_sets(estimate, parts, (-1.0, 1.0) if ours.is_share else (-math.inf, math.inf))


def over_sets(
    estimate: float,
    parts: Sequence[tuple[Fits, FloatArray]],
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> OverFits | None:
    """How a figure moves over sets.

    Args:
        estimate: the figure over all sets.
        parts: influence values as `Fits.within` gives them; of figures from independent replicates, those of each.
        bounds: the least and greatest value that it may have.

    Returns:
        None where there are fewer than three sets, or it rests on fewer replicates than there are sets.
    """
    fits = parts[0][0]
    effects = np.full(len(fits.weights), estimate)
    variances = np.zeros(len(fits.weights))
    for one, influence in parts:
        drawn = one._sums(np.ones(len(influence)))
        with np.errstate(invalid="ignore", divide="ignore"):
            means = one._sums(influence) / drawn
            known = np.isfinite(means)
            # One variance for all sets: that of a set in which all went alike would be none.
            inside = np.where(known[one.row], influence - means[one.row], 0.0)
            freedom = drawn[known].sum() - known.sum()
            variances += inside @ inside / max(freedom, 1.0) / drawn
        effects += means
        # Of a rare event, those in which it came.
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
    """The mean and variance of each set's true effect, and the standard deviation of all of them."""
    widest = _WIDEST * max(float(effects.std()), 1e-9)
    tau = (np.arange(_STEPS) + 0.5)[:, None] * (widest / _STEPS)
    precision = 1.0 / (variances + tau**2)
    total = precision.sum(axis=1, keepdims=True)
    middle = precision @ effects[:, None] / total
    fit = precision * (effects - middle) ** 2
    chance = 0.5 * (np.log(precision).sum(1) - np.log(total[:, 0]) - fit.sum(1))
    chance = np.exp(chance - chance.max())
    chance /= chance.sum()
    kept = tau**2 * precision  # how much of its distance from the mean a set keeps
    means = kept * effects + (1.0 - kept) * middle
    squares = kept * variances + (1.0 - kept) ** 2 / total + means**2
    mean = chance @ means
    return mean, chance @ squares - mean**2, float(chance @ tau[:, 0])


def _below(z: FloatArray) -> FloatArray:
    return np.asarray(np.interp(z, _Z, _BELOW))


def _quantiles(weights: FloatArray, mean: FloatArray, deviation: FloatArray) -> FloatArray:
    """The limits that leave out as much at each end of a mixture of normal distributions."""
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
    """Parameters that effects go with, each with its share of their variance, and the share that chance reaches.

    One by one, by the weighted correlation with the parameter's logarithm (itself, where it may be 0 or less): a
    regression on all of them would have a handful of sets for each.
    """
    known: BoolArray = weights > 0.0
    weights, effects = weights[known], effects[known]
    number = float(1.0 / np.sum(weights**2))
    if number < 4.0 or not parameters or spread <= 0.0:
        return (), 1.0
    apart = effects - weights @ effects
    observed = float(weights @ apart**2)
    scale = observed / spread**2  # chance is no part of the spread
    level = NormalDist().inv_cdf(1.0 - (1.0 - CONFIDENCE) / 2.0 / len(parameters)) ** 2 / number
    found = {}
    for path, values in parameters.items():
        x = np.log(values[known]) if np.all(values > 0.0) else values[known]
        x = x - weights @ x
        size = float(weights @ x**2)
        if size <= 0.0 or observed <= 0.0:
            continue
        share = float(weights @ (x * apart)) ** 2 / (size * observed)
        if share > level:
            found[path] = min((share - 1.0 / (number - 1.0)) * scale, 1.0)
    ordered = sorted(found.items(), key=lambda one: -one[1])
    return tuple(ordered), min(level * scale, 1.0)
