"""Summaries of a posterior sample: marginals, correlations, fitted distributions, and predictive checks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from crisis_sim.experiments.abc_sampler import Prior, Problem, Sample, Seen, values_of
from crisis_sim.experiments.factors import Values
from crisis_sim.model.sampled_parameters import invert
from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.outcomes.measures import EVERYONE
from crisis_sim.scenario.numbers import Distribution


class Found(NamedTuple):
    """A posterior.

    Attributes:
        sample: the particles of all generations with their weights.
        values: their parameters, `(particles, parameters)`.
        fresh: simulated figures at equally weighted draws from the posterior, with new random numbers.
    """

    problem: Problem
    sample: Sample
    values: Values
    fresh: Seen

    @property
    def prior(self) -> Seen:
        """The simulated figures of the first generation, which is drawn from the prior."""
        return Seen(*(array[: self.problem.spec.particles] for array in self.sample.seen))


# --- Marginals of parameters, and correlations of pairs

#: Levels of an interval and its median.
LEVELS = (0.025, 0.5, 0.975)
#: Smallest shrinkage of the variance, and smallest shift of the mean in prior standard deviations, at which a parameter
#: counts as informed by the evidence; both must exceed chance, too.
NARROWED, MOVED = 0.1, 0.2
#: Share of the posterior in the outer part of a range, and the width of this part, at which it presses against the edge.
PRESSED, OUTERMOST = 0.2, 0.05


def parameters_of(found: Found) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return a row for each parameter (prior, posterior, fitted distribution), and the distributions by path, as written."""
    rows, fits, weight = [], {}, found.sample.weight
    adjusted = _adjusted(found)
    for k, prior in enumerate(found.problem.priors):
        values = found.values[:, k]
        marginal = _marginal(prior, values, found.sample)
        distribution, error, is_prior = fitted(prior, marginal["pinned"], values, weight)
        fits[prior.path] = distribution.plain()
        lower, median, upper = adjusted[k] if adjusted else (None, None, None)
        rows.append(
            {
                **prior.about("scale", "low", "high", "axis"),
                "own": prior.middle,
                "prior": prior.describe(),
                **marginal,
                "adjusted_median": median,
                "adjusted_lower": lower,
                "adjusted_upper": upper,
                "distribution": distribution.kind,
                "distribution_values": list(distribution.values),
                "distribution_error": error,
                "distribution_is_prior": is_prior,
            }
        )
    return rows, fits


def _marginal(prior: Prior, values: Values, sampled: Sample) -> dict[str, Any]:
    """Return a parameter's marginal.

    Shrinkage is 1 - posterior variance / prior variance; the shift of the mean is in prior standard deviations.
    """
    weight = sampled.weight
    lower, median, upper = weighted_quantiles(values, weight, LEVELS)
    prior_lower, prior_median, prior_upper = prior.at(LEVELS).tolist()
    scaled, before = prior.scaled(values), prior.scaled(prior.at((np.arange(4096) + 0.5) / 4096))
    spread, mean = float(before.std()), float(weight @ scaled)
    shrinkage = 1.0 - float(weight @ (scaled - mean) ** 2) / spread**2
    shift = (mean - float(before.mean())) / spread
    # Three standard errors of the mean of independent draws; those of their variance are larger by the root of two.
    chance = 3.0 / math.sqrt(max(sampled.effective, 1.0))
    narrowed = shrinkage > max(NARROWED, math.sqrt(2) * chance)
    return {
        "mean": float(weight @ values),
        "median": median,
        "lower": lower,
        "upper": upper,
        "prior_mean": float(prior.at((np.arange(1024) + 0.5) / 1024).mean()),
        "prior_median": prior_median,
        "prior_lower": prior_lower,
        "prior_upper": prior_upper,
        "shrinkage": shrinkage,
        "shift": shift,
        "pinned": narrowed or abs(shift) > max(MOVED, chance),
        "edge": _edge(prior, scaled, weight),
    }


def weighted_quantiles(values: Values, weight: Values, levels: Sequence[float]) -> list[float]:
    """Return quantiles of weighted values, with linear interpolation."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order])
    midpoints = (total - 0.5 * weight[order]) / total[-1]
    return [float(np.interp(level, midpoints, values[order])) for level in levels]


def _edge(prior: Prior, scaled: Values, weight: Values) -> str:
    """Return the end of its range against which a posterior presses: `low`, `high`, or "" for neither."""
    if prior.distribution is not None and prior.distribution.kind != "uniform":
        return ""
    low, high = prior.scaled(prior.at([0.0, 1.0]))
    width = OUTERMOST * (high - low)
    at_low, at_high = weight @ (scaled < low + width), weight @ (scaled > high - width)
    if max(at_low, at_high) < PRESSED:
        return ""
    return "low" if at_low > at_high else "high"


def _adjusted(found: Found) -> list[list[float]] | None:
    """Return quantiles at `LEVELS` after regression adjustment; None if the tolerance has reached its goal.

    A higher tolerance spreads particles too widely around the targets. Scores are regressed on the deviations, weighted by
    particle, and moved as if the deviations were scaled to the goal (after Beaumont, Zhang and Balding 2002).
    """
    problem, sampled = found.problem, found.sample
    aims = problem.scaled_aims(sampled.seen)
    ratio = problem.spec.tolerance / sampled.tolerance
    if not aims or ratio > 0.999:
        return None
    figures = sampled.seen.figures
    deviations = np.stack([aim.deviation(figures[:, k]) for k, aim in enumerate(aims)], axis=1)
    root = np.sqrt(sampled.weight)[:, None]
    design = np.column_stack([np.ones(len(deviations)), deviations])
    slopes = np.linalg.lstsq(root * design, root * sampled.scores, rcond=None)[0][1:]
    values = values_of(problem.priors, sampled.scores - (1.0 - ratio) * deviations @ slopes)
    return [weighted_quantiles(column, sampled.weight, LEVELS) for column in values.T]


def pairs_of(found: Found) -> list[dict[str, Any]]:
    """Return the correlations of pairs of parameters on their scales, in descending order of strength."""
    priors, weight = found.problem.priors, found.sample.weight
    scaled = np.stack([prior.scaled(found.values[:, k]) for k, prior in enumerate(priors)], axis=1)
    offset = scaled - weight @ scaled
    covariance = np.einsum("p,pj,pk->jk", weight, offset, offset)
    spread = np.sqrt(np.diag(covariance))
    pairs = []
    for j, k in combinations(range(len(priors)), 2):
        scale = spread[j] * spread[k]
        correlation = float(covariance[j, k] / scale) if scale > 0 else 0.0
        names = {"first": priors[j].path, "second": priors[k].path}
        pairs.append({**names, "correlation": correlation})
    return sorted(pairs, key=lambda pair: -abs(pair["correlation"]))


# --- The nearest distribution that a scenario file can contain, by its quantiles

#: Cumulative probabilities at which distributions are compared.
FITTED_LEVELS: Values = (np.arange(40) + 0.5) / 40


def fitted(
    prior: Prior, pinned: bool, values: Values, weight: Values
) -> tuple[Distribution, float, bool]:
    """Return the distribution nearest to a marginal; a parameter that is not informed by the evidence keeps its prior.

    Returns:
        The distribution, the root mean square error of its quantiles in the marginal's standard deviations, and True if
        it is the prior.
    """
    before = prior.distribution
    if before is None and prior.scale == "linear":
        before = Distribution("uniform", (prior.low, prior.high))
    if before is not None and before.kind == "choice":  # only its weights change
        shares = [float(weight @ (values == value)) for value in before.values]
        weights = tuple(share / sum(shares) for share in shares)
        return Distribution("choice", before.values, weights), 0.0, False
    quantiles = np.asarray(weighted_quantiles(values, weight, FITTED_LEVELS.tolist()))
    mean = float(weight @ values)
    spread = float(np.sqrt(weight @ (values - mean) ** 2)) or 1.0
    if not pinned and before is not None:
        return before, _error(before, quantiles, prior) / spread, True
    candidates = [
        (_error(candidate, quantiles, prior), candidate)
        for candidate in _candidates(prior, quantiles, mean, spread)
    ]
    error, best = min(candidates, key=lambda pair: pair[0])
    return best, error / spread, False


def _error(distribution: Distribution, quantiles: Values, prior: Prior) -> float:
    values = invert(distribution, FITTED_LEVELS, prior.allowed.low, prior.allowed.high)
    return float(np.sqrt(np.mean((values - quantiles) ** 2)))


def _candidates(
    prior: Prior, quantiles: Values, mean: float, spread: float
) -> Iterator[Distribution]:
    """Yield the nearest distribution of each kind that is possible for the parameter."""
    allowed, ends = prior.allowed, prior.at([0.0, 1.0]).tolist()
    half = 3**0.5 * spread
    limits = [max(mean - half, ends[0]), min(mean + half, ends[1])]
    if limits[0] < limits[1]:
        yield _rounded("uniform", limits)
    starts = {
        "triangular": [float(quantiles[0]), float(np.median(quantiles)), float(quantiles[-1])],
        "normal": [mean, spread],
    }
    if quantiles[0] > 0:
        logs = np.log(quantiles)
        starts["lognormal"] = [float(np.exp(logs.mean())), max(float(logs.std()), 1e-6)]
        common = mean * (1 - mean) / spread**2 - 1
        if quantiles[-1] < 1 and allowed.low <= 0 and allowed.high >= 1 and common > 0:
            starts["beta"] = [mean * common, (1 - mean) * common]
    for kind, start in starts.items():
        if (nearest := _nearest(kind, start, quantiles, prior, ends)) is not None:
            yield nearest


def _nearest(
    kind: str, start: list[float], quantiles: Values, prior: Prior, ends: Sequence[float]
) -> Distribution | None:
    """Search for the distribution of a kind that is nearest to quantiles."""
    from scipy.optimize import minimize

    size = np.maximum(np.abs(start), 1e-9)
    low, high = prior.allowed.low, prior.allowed.high
    lowest = max(low, 0.0) if kind == "lognormal" else low

    def distribution(numbers: Values) -> Distribution | None:
        values = [float(value) for value in numbers * size]
        if kind == "triangular":
            values = [max(values[0], ends[0]), values[1], min(values[2], ends[1])]
            is_valid = values[0] <= values[1] <= values[2] and values[0] != values[2]
        elif kind == "beta":
            is_valid = min(values) > 0
        else:
            is_valid = lowest <= values[0] <= high and values[1] > 0
        return _rounded(kind, values) if is_valid else None

    def loss(numbers: Values) -> float:
        candidate = distribution(numbers)
        return math.inf if candidate is None else _error(candidate, quantiles, prior)

    options = {"maxiter": 200, "xatol": 1e-4}
    best = minimize(loss, np.asarray(start) / size, method="Nelder-Mead", options=options)
    return distribution(best.x)


def _rounded(kind: str, values: Sequence[float]) -> Distribution:
    """Return a distribution with its numbers rounded to five digits."""
    return Distribution(kind, tuple(float(f"{value:.5g}") for value in values))


# --- Predictive check: crises at posterior draws, with new random numbers

#: Quantiles by the names of their columns.
QUANTILES = {"lower": 0.025, "quarter": 0.25, "median": 0.5, "three_quarters": 0.75, "upper": 0.975}


def predicted(found: Found) -> Iterator[dict[str, Any]]:
    """Yield a row for each figure (its spread over points), and for each recorded number (its spread over crises)."""
    from scipy.special import ndtr

    problem, before, after = found.problem, found.prior, found.fresh
    aims = problem.scaled_aims(found.sample.seen)
    for k, (measured, scenario) in enumerate(problem.watched):
        figures = after.figures[:, k]
        seen, lower, upper, tail = (None, None, None, None)
        if k < len(aims):
            seen, (lower, upper) = aims[k].target.value, aims[k].limits
            tail = float(ndtr(aims[k].deviation(figures)).mean())
        yield {
            "what": "figure",
            **measured.about(),
            "scenario": scenario,
            "case": None,
            "seen": seen,
            "seen_lower": lower,
            "seen_upper": upper,
            "tail": tail,
            **_spread(figures, ""),
            **_spread(before.figures[:, k], "prior_"),
        }
    for k, number in enumerate(problem.numbers):
        value, within = number.observed.value, number.observed.within
        values, prior = (x.values[:, k].astype(np.float64).ravel() for x in (after, before))
        known = values[~np.isnan(values)]
        below = np.mean(known < value) + 0.5 * np.mean(known == value) if len(known) else 0.0
        yield {
            "what": "record",
            "name": f"{number.case}: {number.words}",
            "words": number.words,
            "unit": number.unit,
            "among": EVERYONE,
            "scenario": number.scenario,
            "case": number.case,
            "seen": value,
            "seen_lower": value - within,
            "seen_upper": value + within,
            "tail": float(1.0 - below) if len(known) else None,
            **_spread(values, ""),
            **_spread(prior, "prior_"),
        }


def _spread(values: Values, prefix: str) -> dict[str, float | None]:
    """Return quantiles of the known values, and their share; None for a time that never occurs."""
    known = values[~np.isnan(values)]
    row: dict[str, float | None] = {f"{prefix}known": len(known) / len(values)}
    for name, level in QUANTILES.items():
        value = float(np.quantile(known, level, method="inverted_cdf")) if len(known) else math.nan
        row[prefix + name] = value if math.isfinite(value) else None
    return row


def shares_like(found: Found) -> Iterator[dict[str, Any]]:
    """Yield a row for each case: the share of crises like it, at the final tolerance."""
    spec = found.problem.spec
    shares_by_name = {
        name: (found.problem.misses(seen) <= spec.tolerance).mean(axis=2)
        for name, seen in (("prior", found.prior), ("posterior", found.fresh))
    }
    for k, case in enumerate(spec.cases):
        row: dict[str, Any] = {"name": case.name, "scenario": case.scenario}
        for name, by_case in shares_by_name.items():
            shares = by_case[:, k]
            mean = float(shares.mean())
            margin = normal_quantile() * float(shares.std(ddof=1) / math.sqrt(len(shares)))
            row[name] = mean
            row[f"{name}_lower"] = max(mean - margin, 0.0)
            row[f"{name}_upper"] = min(mean + margin, 1.0)
        yield row


def noise_of(found: Found) -> dict[str, Any]:
    """Return the weighted mean noise of particles that comes from few replicates.

    For each target it is the Monte Carlo error relative to the target's (and whether that was assumed); for each case, the
    number of crises like it.
    """
    problem, sampled = found.problem, found.sample
    targets, weight, seen = [], sampled.weight, sampled.seen
    for k, aim in enumerate(problem.scaled_aims(seen)):
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = seen.errors[:, k] / aim.error / (seen.figures[:, k] if aim.log else 1.0)
        known = np.isfinite(ratio)
        share = float(weight @ known)
        targets.append(float(weight[known] @ ratio[known]) / share if share > 0 else None)
    like = problem.misses(seen) <= sampled.tolerance
    assumed = [aim.target.interval is None for aim in problem.aims]
    return {"targets": targets, "assumed": assumed, "like": (weight @ like.sum(axis=2)).tolist()}
