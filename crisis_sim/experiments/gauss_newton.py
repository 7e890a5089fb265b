"""Gauss-Newton steps of a fit, ensembles of parameter sets that fit about as well, and slices through the best point.

A single run gives all slopes: each crisis has its own parameters, jittered around a point, and its influence value on each
figure (Efron and Tibshirani 1993, chapter 21) is regressed on its jitter. The parameters x are shares of their ranges, with
a uniform prior over each range. With the slopes J of the misses z (deviations in standard errors of the targets) and weights
W (those of the targets; robust: Huber 1964), a step is

    dx = -(J'WJ + R + lambda I)^-1 (J'W z + R (x - 1/2)),    R = 12 I, the inverse variance of a uniform prior

for several lambda (Levenberg 1944, Marquardt 1963), which are all tried with the same random numbers; J is averaged over
steps. Around the best point the posterior is approximated by N(x, T (J'WJ + R)^-1). The temperature T is the loss per degree
of freedom, so that a model that misses the targets by more than their errors gets a wider posterior (quasi-likelihood,
Wedderburn 1974). Sets are drawn from it, each is run with its own random numbers, and weighted by importance (`ensemble`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from crisis_sim.experiments.factors import Values
from crisis_sim.experiments.targets import Aim, parameters_at, seed_of
from crisis_sim.outcomes.intervals import Measured

#: The inverse variance of a parameter that is uniform over its range, in units of the range.
PRIOR = 12.0
#: Range of the damping of steps.
DAMPING = (20.0, 2000.0)
#: Largest change of a parameter in one step, as a share of its range.
FARTHEST = 0.2
#: Crises of the run that gives slopes, relative to a trial: steps depend on precise slopes.
SLOPES_OF = 3
#: Widths of the two proposals, relative to the posterior from the slopes; far from the centre the loss is steeper.
WIDTHS = (1.0, 0.7)
#: Largest importance weight, relative to the mean.
CUT_OFF = 5.0


@dataclass(frozen=True)
class Slopes:
    """The targets' misses at a point, and their slopes.

    Attributes:
        point: the point, as shares of the ranges, `(parameters,)`.
        miss: deviation of each figure from its target in standard errors, `(targets,)`.
        slope: change of a miss over a parameter's whole range, `(targets, parameters)`.
        weight: weights of the targets, `(targets,)`.
    """

    point: Values
    miss: Values
    slope: Values
    weight: Values

    @property
    def precision(self) -> Values:
        """The inverse covariance of the parameters, `(parameters, parameters)`, at a temperature of 1."""
        return self.slope.T @ (self.weight[:, None] * self.slope) + PRIOR * np.eye(len(self.point))

    @property
    def directions(self) -> float:
        """The number of directions in parameter space informed by the targets: the trace of the shrinkage."""
        informed = self.slope.T @ (self.weight[:, None] * self.slope)
        return float(np.trace(np.linalg.solve(self.precision, informed)))

    def informed(self) -> Values:
        """Return 1 minus the ratio of posterior and prior variance of each parameter, `(parameters,)`."""
        return np.asarray(1.0 - PRIOR * np.diag(np.linalg.inv(self.precision)))

    def steps(self, damping: Values) -> Values:
        """Return the points of steps, one for each value of the damping, `(steps, parameters)`."""
        gradient = self.slope.T @ (self.weight * self.miss) + PRIOR * (self.point - 0.5)
        points = []
        for value in damping:
            step = -np.linalg.solve(self.precision + value * np.eye(len(self.point)), gradient)
            step *= min(1.0, FARTHEST / max(float(np.abs(step).max()), 1e-9))
            points.append(np.clip(self.point + step, 0.0, 1.0))
        return np.asarray(points)


def slopes_at(problem: Any, point: Values, seed: int) -> Slopes:
    """Estimate the slopes at a point from a run in which every crisis has its own parameters."""
    count, parameters = len(problem.aims), len(point)
    miss, slope = np.full(count, np.nan), np.zeros((count, parameters))
    for number, (scenario, indices) in enumerate(problem.by_scenario()):
        replicates = SLOPES_OF * problem.replicates_of(scenario.name)
        random = np.random.default_rng([seed, number])
        jitter = problem.spec.jitter * random.standard_normal((replicates, parameters))
        points = problem.points_of(np.clip(point + jitter, 0.0, 1.0))
        values = parameters_at(scenario, problem.tuned, points, 1, seed + number)
        values = {path: column.reshape(1, -1) for path, column in values.items()}
        design = problem.run(scenario, indices, values, replicates, seed + number)
        regression = Regression(jitter)
        for k in indices:
            measured, aim = design.measured[str(k)], problem.aims[k]
            slope[k] = regression.slopes(measured, aim)
            miss[k] = aim.deviation(measured.estimate)[0]
    slope[~np.isfinite(slope).all(axis=1)] = 0.0
    return Slopes(point, miss, slope, problem.weighted(miss))


class Regression:
    """The regression of influence values on the jitter of each crisis's parameters, `(crises, parameters)`."""

    def __init__(self, jitter: Values) -> None:
        self.design = np.column_stack([np.ones(len(jitter)), jitter])
        self.inverse = np.linalg.inv(self.design.T @ self.design)

    def slopes(self, measured: Measured, aim: Aim) -> Values:
        """Return the slopes of a figure in standard errors of its target, `(parameters,)`."""
        influence = np.nan_to_num(measured.influence[0])
        fitted = self.inverse @ (self.design.T @ influence)
        residual = influence - self.design @ fitted
        error = np.sqrt((residual @ residual) / len(residual) * np.diag(self.inverse)[1:])
        # Noisy slopes are shrunk towards 0 (James and Stein 1961, parameter by parameter).
        shrinkage = np.maximum(0.0, 1.0 - (error / np.maximum(np.abs(fitted[1:]), 1e-12)) ** 2)
        scale = aim.error * (float(measured.estimate[0]) if aim.log else 1.0)
        return np.asarray(fitted[1:] * shrinkage / scale)


def robust_weight(miss: Values, robust: float | None) -> Values:
    """Return the weights of misses in iteratively reweighted least squares (Huber 1964); 1 without `robust`."""
    size = np.maximum(np.abs(miss), 1e-9)
    return np.ones_like(size) if robust is None else np.minimum(1.0, robust / size)


class Steps:
    """Gauss-Newton steps as generations of trials; each generation starts from the best point so far."""

    def __init__(self, problem: Any) -> None:
        self.problem, self.best, self.loss = problem, problem.start, math.inf
        self.generation = 0
        self.slope: Values | None = None

    def ask(self, size: int) -> Values:
        """Return the points of the next generation, `(size, parameters)`; the first generation begins with the start.

        Slopes are averaged with earlier ones, which reduces their noise; over a few steps they hardly change. The misses
        are those of a trial at the best point.
        """
        problem, spec = self.problem, self.problem.spec
        slope = slopes_at(problem, self.best, seed_of(spec.seed, 1, self.generation)).slope
        self.slope = slope if self.slope is None else (self.slope + slope) / 2
        scored = problem.evaluate(problem.points_of(self.best[None]), spec.replicates, spec.seed)
        miss = np.nan_to_num(problem.misses(scored.figures)[0])
        slopes = Slopes(self.best, miss, self.slope, problem.weighted(miss))
        first = self.best[None] if self.generation == 0 else self.best[None][:0]
        damping = np.geomspace(*DAMPING, max(size - len(first), 1))
        return np.concatenate([first, slopes.steps(damping)])[:size]

    def tell(self, shares: Values, losses: Values) -> None:
        """Update the best point with the losses of a generation's points."""
        self.generation += 1
        penalised = losses + _prior_loss(shares)
        if penalised.min() < self.loss:
            k = int(np.argmin(penalised))
            self.best, self.loss = shares[k], float(penalised[k])


def _prior_loss(shares: Values) -> Values:
    return np.asarray(PRIOR * ((shares - 0.5) ** 2).sum(axis=1))


@dataclass(frozen=True)
class Sets:
    """Parameter sets that fit about as well.

    Attributes:
        shares: their parameters as shares of the ranges, `(sets, parameters)`.
        weight: their weights, which sum to 1.
        scored: their losses and figures, each with its own random numbers.
        slopes: the slopes at the best point.
        temperature: the loss per degree of freedom.
    """

    shares: Values
    weight: Values
    scored: Any
    slopes: Slopes
    temperature: float

    @property
    def effective(self) -> float:
        """The effective number of sets (Kish 1965)."""
        return float(1.0 / (self.weight**2).sum())


def ensemble(problem: Any, best: Values, count: int, seed: int) -> Sets:
    """Draw sets from the posterior around the best point, run them, and weight them.

    The slopes at the best point define a first proposal. A regression over sets drawn from it gives average slopes over the
    width of the posterior and thus a second proposal, from which the sets are drawn (an ensemble smoother: Evensen 2018).
    The weight of a set is posterior over proposal, truncated at `CUT_OFF` times the mean (Ionides 2008).
    """
    slopes = slopes_at(problem, best, seed_of(seed, 2))
    freedom = max(float((slopes.weight > 0).sum()) - slopes.directions, 1.0)
    replicates = problem.spec.replicates
    (loss,) = problem.evaluate(problem.points_of(best[None]), replicates, seed).loss
    temperature = max(float(loss) / freedom, 1.0)
    random = np.random.default_rng(seed)
    centre, spread = best, temperature * np.linalg.inv(slopes.precision)
    for stage, width in enumerate(WIDTHS):
        root = np.linalg.cholesky(spread) * width
        drawn = random.standard_normal((count, len(best)))
        shares = np.clip(centre + drawn @ root.T, 0.0, 1.0)
        points, luck = problem.points_of(shares), seed_of(seed, 3, stage)
        scored = problem.evaluate(points, replicates // 4, luck)
        if stage == 0:
            slopes, centre = _over_ensemble(problem, shares, scored, slopes)
            spread = temperature * np.linalg.inv(slopes.precision)
    log = -(scored.loss + _prior_loss(shares)) / (2 * temperature) + 0.5 * (drawn**2).sum(axis=1)
    weight = np.exp(log - log.max())
    for _ in range(20):
        weight = np.minimum(weight, CUT_OFF * weight.mean())
    return Sets(shares, weight / weight.sum(), scored, slopes, temperature)


def _over_ensemble(
    problem: Any, shares: Values, scored: Any, before: Slopes
) -> tuple[Slopes, Values]:
    """Return slopes by ridge regression over sets, shrunk towards those at the point, and the posterior's new centre."""
    miss = problem.misses(scored.figures)
    centre = shares.mean(axis=0)
    offset = shares - centre
    residual = miss - miss.mean(axis=0) - offset @ before.slope.T
    noise = residual.var(axis=0)
    spread = np.maximum(offset.var(axis=0), 1e-9)
    # The prior of a change of slopes is as wide as the slopes themselves.
    ridge = np.median(noise) / (np.maximum((before.slope**2).mean(), 1e-9) * spread)
    gram = offset.T @ offset + np.diag(ridge * spread)
    slope = before.slope + np.linalg.solve(gram, offset.T @ residual).T
    mean_miss = miss.mean(axis=0)
    slopes = Slopes(centre, mean_miss, slope, problem.weighted(mean_miss))
    return slopes, np.clip(slopes.steps(np.zeros(1))[0], 0.02, 0.98)


# --- Slices: values of a parameter that do about as well as the best
#
# Each parameter of the best trial is moved alone. It could move further if the others were adjusted, too, so the range is
# narrower than a confidence interval: a wide range shows that the targets do not determine the parameter.


class Slices(NamedTuple):
    """Slices through the best point, each with one parameter moved alone, with new random numbers.

    Attributes:
        value, loss: values of the moved parameter and losses, `(parameters, points)`.
        ends: for each parameter, the limits within which the loss rises by no more than the tolerance.
    """

    value: Values
    loss: Values
    ends: list[tuple[float, float]]


def slice_through(problem: Any, best: Values, tolerance: float, seed: int) -> Slices | None:
    """Move each parameter of a point alone through its range; None if the experiment has no slices."""
    if problem.spec.slices is None:
        return None
    shares, tuned = np.linspace(0.0, 1.0, problem.spec.slices), problem.tuned
    value = np.asarray([[float(moved.at(float(share))) for share in shares] for moved in tuned])
    points = np.tile(best, (value.size + 1, 1))
    points[np.arange(value.size), np.repeat(np.arange(len(tuned)), len(shares))] = value.ravel()
    loss = problem.evaluate(points, problem.spec.replicates, seed).loss
    rise = (loss[:-1] - loss[-1]).reshape(value.shape)
    ends = []
    for k, moved in enumerate(tuned):
        low, high = range_around(float(moved.share_of(best[k])), shares, rise[k], tolerance)
        ends.append((float(moved.at(low)), float(moved.at(high))))
    return Slices(value, loss[:-1].reshape(value.shape), ends)


def range_around(
    point: float, shares: Values, rise: Values, tolerance: float
) -> tuple[float, float]:
    """Return the shares below and above a point where a rise, known at `shares`, first exceeds the tolerance.

    Where it never does, the end of the range is returned. As a sum of squares rises with the square of the distance, its
    root is interpolated linearly.
    """
    limits = []
    below, above = np.flatnonzero(shares < point)[::-1], np.flatnonzero(shares > point)
    for side, end in ((below, shares[0]), (above, shares[-1])):
        before, height, limit = point, 0.0, end
        for k in side:
            if rise[k] > tolerance:
                roots = np.sqrt(np.maximum([height, tolerance, rise[k]], 0.0))
                limit = before + (shares[k] - before) * (roots[1] - roots[0]) / (
                    roots[2] - roots[0]
                )
                break
            before, height = shares[k], rise[k]
        limits.append(float(limit))
    return limits[0], limits[1]
