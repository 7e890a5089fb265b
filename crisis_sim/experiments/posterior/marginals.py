"""What a posterior says of each parameter, and of two together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from crisis_sim.experiments.posterior.find import Found
from crisis_sim.experiments.posterior.priors import Prior, Values

#: The levels of an interval, and the middle.
LEVELS = (0.025, 0.5, 0.975)
#: A parameter whose variance the evidence narrows by less, and whose mean it moves by less of the
#: prior's standard deviation, is not pinned down; nor is one for which chance explains as much.
NARROWED, MOVED = 0.1, 0.2
#: This share of the posterior in the outermost twentieth of a given range presses against its edge.
PRESSED, OUTERMOST = 0.2, 0.05


@dataclass(frozen=True)
class Marginal:
    """What is known of one parameter.

    Attributes:
        prior: what was believed before.
        mean, median, lower, upper: of the posterior, with its 95% interval.
        prior_mean, prior_median, prior_lower, prior_upper: of the prior.
        shrinkage: 1 less posterior over prior variance (in the logarithm, where the scale is `log`).
        shift: by how many of the prior's standard deviations the mean has moved.
        pinned: whether the evidence says anything of it that chance does not explain.
        edge: at which end of its range it presses: `low`, `high`, or "" for neither.
    """

    prior: Prior
    mean: float
    median: float
    lower: float
    upper: float
    prior_mean: float
    prior_median: float
    prior_lower: float
    prior_upper: float
    shrinkage: float
    shift: float
    pinned: bool
    edge: str


@dataclass(frozen=True)
class Pair:
    """How two parameters go together in the posterior.

    Attributes:
        first, second: their paths.
        correlation: of their values, on their scales.
    """

    first: str
    second: str
    correlation: float


def weighted_quantiles(values: Values, weight: Values, levels: tuple[float, ...]) -> list[float]:
    """Quantiles of weighted values; between values in a straight line."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order])
    places = (total - 0.5 * weight[order]) / total[-1]
    return [float(np.interp(level, places, values[order])) for level in levels]


def marginals_of(found: Found) -> tuple[Marginal, ...]:
    """What a posterior says of each parameter, in their order."""
    return tuple(
        _marginal(prior, found.values[:, k], found.sample.weight, found.sample.effective)
        for k, prior in enumerate(found.problem.priors)
    )


def _marginal(prior: Prior, values: Values, weight: Values, effective: float) -> Marginal:
    lower, median, upper = weighted_quantiles(values, weight, LEVELS)
    before = prior.at(np.asarray(LEVELS))
    grid = prior.at((np.arange(1024) + 0.5) / 1024)
    scaled = prior.scaled(values)
    middle, spread = prior.spread()
    mean = float(weight @ scaled)
    variance = float(weight @ (scaled - mean) ** 2)
    shrinkage = 1.0 - variance / spread**2
    shift = (mean - middle) / spread
    # The mean of so many independent draws errs by a third of this, their variance by root two of it.
    chance = 3.0 / math.sqrt(max(effective, 1.0))
    pinned = shrinkage > max(NARROWED, math.sqrt(2) * chance) or abs(shift) > max(MOVED, chance)
    return Marginal(
        prior,
        float(weight @ values),
        median,
        lower,
        upper,
        float(grid.mean()),
        float(before[1]),
        float(before[0]),
        float(before[2]),
        shrinkage,
        shift,
        bool(pinned),
        _edge(prior, scaled, weight),
    )


def _edge(prior: Prior, scaled: Values, weight: Values) -> str:
    """At which end of a given range a posterior presses."""
    if prior.distribution is not None and prior.distribution.kind != "uniform":
        return ""
    low, high = prior.scaled(prior.at(np.asarray([0.0, 1.0])))
    near = OUTERMOST * (high - low)
    at_low, at_high = weight @ (scaled < low + near), weight @ (scaled > high - near)
    if max(at_low, at_high) < PRESSED:
        return ""
    return "low" if at_low > at_high else "high"


def pairs_of(found: Found) -> tuple[Pair, ...]:
    """How parameters go together, the most correlated first."""
    priors, weight = found.problem.priors, found.sample.weight
    scaled = np.stack([prior.scaled(found.values[:, k]) for k, prior in enumerate(priors)], axis=1)
    apart = scaled - weight @ scaled
    covariance = np.einsum("p,pj,pk->jk", weight, apart, apart)
    spread = np.sqrt(np.diag(covariance))
    found_pairs = [
        Pair(
            priors[j].path,
            priors[k].path,
            float(covariance[j, k] / (spread[j] * spread[k])) if spread[j] * spread[k] > 0 else 0.0,
        )
        for j, k in combinations(range(len(priors)), 2)
    ]
    return tuple(sorted(found_pairs, key=lambda pair: -abs(pair.correlation)))


def adjusted_of(found: Found) -> list[tuple[float, float, float]] | None:
    """Medians and 95% intervals after regression adjustment; None where there is nothing to adjust.

    Where the tolerance could not be lowered to its goal, particles are spread wider around the
    targets than these are known. Scores are regressed on the distances, with the particles' weights,
    and moved along the line to where their distances would be as small as the goal has it (after
    Beaumont, Zhang and Balding 2002).
    """
    from scipy.special import ndtr

    problem, sample = found.problem, found.sample
    aims = problem.aims(sample.seen)
    ratio = problem.spec.tolerance / sample.tolerance
    if not aims or ratio > 0.999:
        return None
    off = np.stack([aim.apart(sample.seen.figures[:, k]) for k, aim in enumerate(aims)], axis=1)
    root = np.sqrt(sample.weight)[:, None]
    design = np.column_stack([np.ones(len(off)), off])
    slopes = np.linalg.lstsq(root * design, root * sample.scores, rcond=None)[0][1:]
    scores = sample.scores - (1.0 - ratio) * off @ slopes
    shares = np.clip(ndtr(scores), 1e-12, 1 - 1e-12)
    adjusted = []
    for k, prior in enumerate(problem.priors):
        lower, median, upper = weighted_quantiles(prior.at(shares[:, k]), sample.weight, LEVELS)
        adjusted.append((median, lower, upper))
    return adjusted
