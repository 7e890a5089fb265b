"""Summaries of a posterior sample: marginals, correlations, fitted distributions, and predictive checks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from crisis_sim.experiments.factors import Values
from crisis_sim.experiments.sampler import Prior, Problem, Sample, Seen, values_of
from crisis_sim.model.parameters import invert
from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.outcomes.measures import EVERYONE
from crisis_sim.scenario.numbers import Distribution


class Found(NamedTuple):
    """A posterior.

    Attributes:
        sample: the particles of all generations with their weights.
        values: their parameters, `(particles, parameters)`.
        fresh: what crises show at points drawn from it, all alike, with luck that no particle had.
    """

    problem: Problem
    sample: Sample
    values: Values
    fresh: Seen

    @property
    def prior(self) -> Seen:
        """The simulated figures of the generation that was drawn from the prior."""
        return Seen(*(array[: self.problem.spec.particles] for array in self.sample.seen))


# --- Marginals of parameters, and correlations of pairs

#: The levels of an interval, and the middle.
LEVELS = (0.025, 0.5, 0.975)
#: A parameter whose variance the evidence narrows by less, and whose mean it moves by less of the
#: prior's standard deviation, is not pinned down; nor is one for which chance explains as much.
NARROWED, MOVED = 0.1, 0.2
#: This share of the posterior in the outermost twentieth of a given range presses against its edge.
PRESSED, OUTERMOST = 0.2, 0.05


def parameters_of(found: Found) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A row a parameter: before, after, and the distribution for its file; and these by path, as they are written."""
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
    """A parameter's marginal; shrinkage is 1 - posterior / prior variance, shift is in prior standard deviations."""
    weight = sampled.weight
    lower, median, upper = weighted_quantiles(values, weight, LEVELS)
    prior_lower, prior_median, prior_upper = prior.at(LEVELS).tolist()
    scaled, known = prior.scaled(values), prior.scaled(prior.at((np.arange(4096) + 0.5) / 4096))
    spread, mean = float(known.std()), float(weight @ scaled)
    shrinkage = 1.0 - float(weight @ (scaled - mean) ** 2) / spread**2
    shift = (mean - float(known.mean())) / spread
    # The mean of so many independent draws errs by a third of this, their variance by root two of it.
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
    """Quantiles of weighted values; between values in a straight line."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order])
    places = (total - 0.5 * weight[order]) / total[-1]
    return [float(np.interp(level, places, values[order])) for level in levels]


def _edge(prior: Prior, scaled: Values, weight: Values) -> str:
    """At which end of a given range a posterior presses: `low`, `high`, or "" for neither."""
    if prior.distribution is not None and prior.distribution.kind != "uniform":
        return ""
    low, high = prior.scaled(prior.at([0.0, 1.0]))
    near = OUTERMOST * (high - low)
    at_low, at_high = weight @ (scaled < low + near), weight @ (scaled > high - near)
    if max(at_low, at_high) < PRESSED:
        return ""
    return "low" if at_low > at_high else "high"


def _adjusted(found: Found) -> list[list[float]] | None:
    """Quantiles at `LEVELS` after regression adjustment; None where the tolerance came down to its goal.

    Else particles are spread wider around the targets than these are known. Scores are regressed on the distances, with
    the particles' weights, and moved to where their distances would be as small as the goal has it (after Beaumont, Zhang
    and Balding 2002).
    """
    problem, sampled = found.problem, found.sample
    aims = problem.scaled_aims(sampled.seen)
    ratio = problem.spec.tolerance / sampled.tolerance
    if not aims or ratio > 0.999:
        return None
    off = np.stack([aim.apart(sampled.seen.figures[:, k]) for k, aim in enumerate(aims)], axis=1)
    root = np.sqrt(sampled.weight)[:, None]
    design = np.column_stack([np.ones(len(off)), off])
    slopes = np.linalg.lstsq(root * design, root * sampled.scores, rcond=None)[0][1:]
    values = values_of(problem.priors, sampled.scores - (1.0 - ratio) * off @ slopes)
    return [weighted_quantiles(column, sampled.weight, LEVELS) for column in values.T]


def pairs_of(found: Found) -> list[dict[str, Any]]:
    """How parameters go together, on their scales, the most correlated first."""
    priors, weight = found.problem.priors, found.sample.weight
    scaled = np.stack([prior.scaled(found.values[:, k]) for k, prior in enumerate(priors)], axis=1)
    apart = scaled - weight @ scaled
    covariance = np.einsum("p,pj,pk->jk", weight, apart, apart)
    spread = np.sqrt(np.diag(covariance))
    pairs = []
    for j, k in combinations(range(len(priors)), 2):
        both, names = spread[j] * spread[k], {"first": priors[j].path, "second": priors[k].path}
        pairs.append({**names, "correlation": float(covariance[j, k] / both) if both > 0 else 0.0})
    return sorted(pairs, key=lambda pair: -abs(pair["correlation"]))


# --- The nearest distribution that a scenario can hold, by its quantiles, of the few kinds that there are

#: Cumulative probabilities at which distributions are compared.
FITTED_LEVELS: Values = (np.arange(40) + 0.5) / 40


def fitted(
    prior: Prior, pinned: bool, values: Values, weight: Values
) -> tuple[Distribution, float, bool]:
    """The distribution that is nearest to a marginal; where that is not pinned down, its prior.

    With it the root mean square distance of quantiles, in the marginal's standard deviations, and whether it is the prior.
    """
    given = prior.distribution
    if given is None and prior.scale == "linear":
        given = Distribution("uniform", (prior.low, prior.high))
    if given is not None and given.kind == "choice":  # of which only the weights change
        shares = [float(weight @ (values == value)) for value in given.values]
        weights = tuple(share / sum(shares) for share in shares)
        return Distribution("choice", given.values, weights), 0.0, False
    wanted = np.asarray(weighted_quantiles(values, weight, FITTED_LEVELS.tolist()))
    mean = float(weight @ values)
    spread = float(np.sqrt(weight @ (values - mean) ** 2)) or 1.0
    if not pinned and given is not None:
        return given, _error(given, wanted, prior) / spread, True
    tried = [(_error(one, wanted, prior), one) for one in _candidates(prior, wanted, mean, spread)]
    error, best = min(tried, key=lambda pair: pair[0])
    return best, error / spread, False


def _error(distribution: Distribution, wanted: Values, prior: Prior) -> float:
    found = invert(distribution, FITTED_LEVELS, prior.allowed.low, prior.allowed.high)
    return float(np.sqrt(np.mean((found - wanted) ** 2)))


def _candidates(prior: Prior, wanted: Values, mean: float, spread: float) -> Iterator[Distribution]:
    """The nearest distribution of each kind that the scenario may hold there."""
    allowed, ends = prior.allowed, prior.at([0.0, 1.0]).tolist()
    half = 3**0.5 * spread
    even = [max(mean - half, ends[0]), min(mean + half, ends[1])]
    if even[0] < even[1]:
        yield _rounded("uniform", even)
    starts = {
        "triangular": [float(wanted[0]), float(np.median(wanted)), float(wanted[-1])],
        "normal": [mean, spread],
    }
    if wanted[0] > 0:
        logs = np.log(wanted)
        starts["lognormal"] = [float(np.exp(logs.mean())), max(float(logs.std()), 1e-6)]
        common = mean * (1 - mean) / spread**2 - 1
        if wanted[-1] < 1 and allowed.low <= 0 and allowed.high >= 1 and common > 0:
            starts["beta"] = [mean * common, (1 - mean) * common]
    for kind, start in starts.items():
        found = _searched(kind, start, wanted, prior, ends)
        if found is not None:
            yield found


def _searched(
    kind: str, start: list[float], wanted: Values, prior: Prior, ends: Sequence[float]
) -> Distribution | None:
    """The distribution of a kind that is nearest to wanted quantiles, from where a search begins."""
    from scipy.optimize import minimize

    size = np.maximum(np.abs(start), 1e-9)
    low, high = prior.allowed.low, prior.allowed.high
    lowest = max(low, 0.0) if kind == "lognormal" else low

    def distribution(numbers: Values) -> Distribution | None:
        values = [float(value) for value in numbers * size]
        if kind == "triangular":
            values = [max(values[0], ends[0]), values[1], min(values[2], ends[1])]
            is_one = values[0] <= values[1] <= values[2] and values[0] != values[2]
        elif kind == "beta":
            is_one = min(values) > 0
        else:
            is_one = lowest <= values[0] <= high and values[1] > 0
        return _rounded(kind, values) if is_one else None

    def loss(numbers: Values) -> float:
        one = distribution(numbers)
        return math.inf if one is None else _error(one, wanted, prior)

    options = {"maxiter": 200, "xatol": 1e-4}
    best = minimize(loss, np.asarray(start) / size, method="Nelder-Mead", options=options)
    return distribution(best.x)


def _rounded(kind: str, values: Sequence[float]) -> Distribution:
    """A distribution with numbers of five figures."""
    return Distribution(kind, tuple(float(f"{value:.5g}") for value in values))


# --- Predictive check: crises at posterior draws, with fresh luck

#: Quantiles by the names of their columns.
QUANTILES = {"lower": 0.025, "quarter": 0.25, "median": 0.5, "three_quarters": 0.75, "upper": 0.975}


def predicted(found: Found) -> Iterator[dict[str, Any]]:
    """A row a figure, spread over points, and a row a number on record, spread over single crises."""
    from scipy.special import ndtr

    problem, before, after = found.problem, found.prior, found.fresh
    aims = problem.scaled_aims(found.sample.seen)
    for k, (measured, scenario) in enumerate(problem.watched):
        figures = after.figures[:, k]
        seen, lower, upper, tail = (None, None, None, None)
        if k < len(aims):
            seen, (lower, upper) = aims[k].target.value, aims[k].limits
            tail = float(ndtr(aims[k].apart(figures)).mean())
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
        values, prior = (of.values[:, k].astype(np.float64).ravel() for of in (after, before))
        came = values[~np.isnan(values)]
        below = np.mean(came < value) + 0.5 * np.mean(came == value) if len(came) else 0.0
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
            "tail": float(1.0 - below) if len(came) else None,
            **_spread(values, ""),
            **_spread(prior, "prior_"),
        }


def _spread(values: Values, prefix: str) -> dict[str, float | None]:
    """Quantiles of the values that are known, and the share that is; None for a time that never comes."""
    known = values[~np.isnan(values)]
    found: dict[str, float | None] = {f"{prefix}known": len(known) / len(values)}
    for name, level in QUANTILES.items():
        at = float(np.quantile(known, level, method="inverted_cdf")) if len(known) else math.nan
        found[prefix + name] = at if math.isfinite(at) else None
    return found


def shares_like(found: Found) -> Iterator[dict[str, Any]]:
    """Of each crisis on record: how often one like it comes, at the goal of the tolerance."""
    spec = found.problem.spec
    each = {
        name: (found.problem.misses(seen) <= spec.tolerance).mean(axis=2)
        for name, seen in (("prior", found.prior), ("posterior", found.fresh))
    }
    for k, case in enumerate(spec.cases):
        row: dict[str, Any] = {"name": case.name, "scenario": case.scenario}
        for name, shares in each.items():
            own, middle = shares[:, k], float(shares[:, k].mean())
            reach = normal_quantile() * float(own.std(ddof=1) / math.sqrt(len(own)))
            row[name] = middle
            row[f"{name}_lower"] = max(middle - reach, 0.0)
            row[f"{name}_upper"] = min(middle + reach, 1.0)
        yield row


def noise_of(found: Found) -> dict[str, Any]:
    """How much the luck of few replicates blurs what particles show, where they fit.

    Of each target the Monte Carlo error over its own, and whether that was not given; of each record, the crises like it.
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
