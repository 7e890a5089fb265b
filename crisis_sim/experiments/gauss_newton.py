"""Fits by slopes: Gauss-Newton steps, and an ensemble of parameter sets that fit about as well; slices through the best.

One run gives all slopes: each crisis has parameters of its own, jittered around a point, and its influence on each
figure (Efron and Tibshirani 1993, chapter 21) is regressed on its jitter. With slopes J of the misses z (in
standard errors of the targets) on the parameters x (each a share of its range, whose prior is as wide as the range), and
weights W (of the targets; robust: Huber 1964), a step is

    dx = -(J'WJ + R + lambda I)^-1 (J'W z + R (x - 1/2)),    R = 12 I, the inverse variance of a uniform prior

for several lambda (Levenberg 1944, Marquardt 1963), each tried on the same luck; J is averaged over steps. Around
the best point the posterior is taken as normal, N(x, T (J'WJ + R)^-1): the temperature T is the loss per degree of freedom,
so that a model that misses the targets by more than their errors is not held to be surer than it can be (quasi-likelihood,
Wedderburn 1974). Sets are drawn from it, each is run on luck of its own, and weighted by importance (`ensemble`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from crisis_sim.experiments.calibrate import Aim, parameters_at, seed_of
from crisis_sim.experiments.factors import Values
from crisis_sim.outcomes.intervals import Measured

#: The inverse variance of a parameter that is uniform over its range, in units of the range.
PRIOR = 12.0
#: Damping of the steps that are tried, and the farthest that any parameter moves in one, as a share of its range.
DAMPING, FARTHEST = (20.0, 2000.0), 0.2
#: The run that gives slopes has so many times the crises of a trial: steps can be no better than the slopes are.
SLOPES_OF = 3
#: How wide the two proposals are, relative to the posterior that slopes give: over its whole width the loss is steeper.
WIDTHS = (1.0, 0.7)
#: Importance weights are cut off at so many times their mean.
CUT_OFF = 5.0


@dataclass(frozen=True)
class Slopes:
    """How targets' misses move with parameters, at a point.

    Attributes:
        at: the point, as shares of the ranges, `(parameters,)`.
        miss, weight: how many standard errors above each target its figure is, and what that counts, `(targets,)`.
        slope: how a miss changes over a parameter's whole range, `(targets, parameters)`.
    """

    at: Values
    miss: Values
    slope: Values
    weight: Values

    @property
    def precision(self) -> Values:
        """The inverse variance of the parameters, `(parameters, parameters)`, at a temperature of 1."""
        return self.slope.T @ (self.weight[:, None] * self.slope) + PRIOR * np.eye(len(self.at))

    @property
    def directions(self) -> float:
        """How many directions of the parameters the targets inform, rather than the prior: the trace of the shrinkage."""
        informed = self.slope.T @ (self.weight[:, None] * self.slope)
        return float(np.trace(np.linalg.solve(self.precision, informed)))

    def informed(self) -> Values:
        """By how much the targets narrow each parameter, one minus the ratio of variances, `(parameters,)`."""
        return np.asarray(1.0 - PRIOR * np.diag(np.linalg.inv(self.precision)))

    def steps(self, damping: Values) -> Values:
        """Points to try, one for each damping, `(steps, parameters)`."""
        pull = self.slope.T @ (self.weight * self.miss) + PRIOR * (self.at - 0.5)
        found = []
        for much in damping:
            step = -np.linalg.solve(self.precision + much * np.eye(len(self.at)), pull)
            step *= min(1.0, FARTHEST / max(float(np.abs(step).max()), 1e-9))
            found.append(np.clip(self.at + step, 0.0, 1.0))
        return np.asarray(found)


def slopes_at(problem: Any, at: Values, seed: int) -> Slopes:
    """Slopes at a point from one run in which every crisis has parameters of its own."""
    count, parameters = len(problem.aims), len(at)
    miss, slope = np.full(count, np.nan), np.zeros((count, parameters))
    for number, (scenario, own) in enumerate(problem.by_scenario()):
        replicates = SLOPES_OF * problem.replicates_of(scenario.name)
        random = np.random.default_rng([seed, number])
        jitter = problem.spec.jitter * random.standard_normal((replicates, parameters))
        points = problem.points_of(np.clip(at + jitter, 0.0, 1.0))
        values = parameters_at(scenario, problem.tuned, points, 1, seed + number)
        values = {path: of.reshape(1, -1) for path, of in values.items()}
        design = problem.run(scenario, own, values, replicates, seed + number)
        regression = Regression(jitter)
        for k in own:
            measured, aim = design.measured[str(k)], problem.aims[k]
            slope[k] = regression.slopes(measured, aim)
            miss[k] = aim.apart(measured.estimate, None)[0]
    slope[~np.isfinite(slope).all(axis=1)] = 0.0
    return Slopes(at, miss, slope, problem.weighted(miss))


class Regression:
    """The regression of figures' influence values on the jitter of each crisis's parameters, `(crises, parameters)`."""

    def __init__(self, jitter: Values) -> None:
        self.design = np.column_stack([np.ones(len(jitter)), jitter])
        self.inverse = np.linalg.inv(self.design.T @ self.design)

    def slopes(self, measured: Measured, aim: Aim) -> Values:
        """How a figure moves with each parameter, in standard errors of its target, `(parameters,)`."""
        pull = np.nan_to_num(measured.influence[0])
        fitted = self.inverse @ (self.design.T @ pull)
        left = pull - self.design @ fitted
        error = np.sqrt((left @ left) / len(left) * np.diag(self.inverse)[1:])
        # Slopes that noise may explain are shrunk (James and Stein 1961, parameter by parameter).
        sure = np.maximum(0.0, 1.0 - (error / np.maximum(np.abs(fitted[1:]), 1e-12)) ** 2)
        scale = aim.error * (float(measured.estimate[0]) if aim.log else 1.0)
        return np.asarray(fitted[1:] * sure / scale)


def robust_weight(miss: Values, robust: float | None) -> Values:
    """What a miss counts beside that of a square (Huber 1964)."""
    far = np.maximum(np.abs(miss), 1e-9)
    return np.ones_like(far) if robust is None else np.minimum(1.0, robust / far)


class Steps:
    """Gauss-Newton steps as generations of trials: each is tried from the best point so far."""

    def __init__(self, problem: Any) -> None:
        self.problem, self.best, self.loss = problem, problem.start, math.inf
        self.generation = 0
        self.slope: Values | None = None

    def ask(self, size: int) -> Values:
        """The points of the next generation, `(size, parameters)`; in the first one the start comes first.

        Each slope is the mean of what was found now and before: over a few steps it hardly changes, and is known the
        better. The misses are those of a trial at the best point, around which crises with their own parameters spread.
        """
        problem, spec = self.problem, self.problem.spec
        found = slopes_at(problem, self.best, seed_of(spec.seed, 1, self.generation))
        self.slope = found.slope if self.slope is None else (self.slope + found.slope) / 2
        tried = problem.at(problem.points_of(self.best[None]), spec.replicates, spec.seed)
        miss = np.nan_to_num(problem.misses(tried.figures)[0])
        slopes = Slopes(self.best, miss, self.slope, problem.weighted(miss))
        first = self.best[None] if self.generation == 0 else self.best[None][:0]
        damping = np.geomspace(*DAMPING, max(size - len(first), 1))
        return np.concatenate([first, slopes.steps(damping)])[:size]

    def tell(self, shares: Values, losses: Values) -> None:
        """Take in the losses of a generation's points."""
        self.generation += 1
        whole = losses + _of_prior(shares)
        if whole.min() < self.loss:
            k = int(np.argmin(whole))
            self.best, self.loss = shares[k], float(whole[k])


def _of_prior(shares: Values) -> Values:
    """What the prior adds to the loss of points."""
    return np.asarray(PRIOR * ((shares - 0.5) ** 2).sum(axis=1))


@dataclass(frozen=True)
class Sets:
    """Parameter sets that fit about as well.

    Attributes:
        shares, weight: their parameters, as shares of the ranges, `(sets, parameters)`, and weights that sum to 1.
        scored: their losses and figures, each on luck of its own.
        slopes: those at the best point.
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
    """Draw sets from the posterior around the best point, run each, and weigh it.

    The slopes at the best point make a first proposal; the sets drawn from it, run and regressed, make a second one with
    slopes as they are over the spread of the posterior, from which the sets come (an ensemble smoother: Evensen 2018). The
    weight of a set is posterior over proposal, cut off at `CUT_OFF` times its mean (Ionides 2008).
    """
    slopes = slopes_at(problem, best, seed_of(seed, 2))
    freedom = max(float((slopes.weight > 0).sum()) - slopes.directions, 1.0)
    replicates, at_best = problem.spec.replicates, problem.points_of(best[None])
    temperature = max(float(problem.at(at_best, replicates, seed).loss[0]) / freedom, 1.0)
    random = np.random.default_rng(seed)
    centre, spread = best, temperature * np.linalg.inv(slopes.precision)
    for stage, wide in enumerate(WIDTHS):
        root = np.linalg.cholesky(spread) * wide
        drawn = random.standard_normal((count, len(best)))
        shares = np.clip(centre + drawn @ root.T, 0.0, 1.0)
        points, luck = problem.points_of(shares), seed_of(seed, 3, stage)
        scored = problem.at(points, replicates // 4, luck)
        if stage == 0:
            slopes, centre = _over_ensemble(problem, shares, scored, slopes)
            spread = temperature * np.linalg.inv(slopes.precision)
    log = -(scored.loss + _of_prior(shares)) / (2 * temperature) + 0.5 * (drawn**2).sum(axis=1)
    weight = np.exp(log - log.max())
    for _ in range(20):
        weight = np.minimum(weight, CUT_OFF * weight.mean())
    return Sets(shares, weight / weight.sum(), scored, slopes, temperature)


def _over_ensemble(
    problem: Any, shares: Values, scored: Any, before: Slopes
) -> tuple[Slopes, Values]:
    """Slopes by regression over sets, drawn towards those at the point, and the posterior's middle that follows."""
    miss = problem.misses(scored.figures)
    centre = shares.mean(axis=0)
    apart = shares - centre
    left = miss - miss.mean(axis=0) - apart @ before.slope.T
    noise = left.var(axis=0)
    spread = np.maximum(apart.var(axis=0), 1e-9)
    # Ridge: what the slopes at the point do not explain, with a prior of the size of those slopes' own changes.
    ridge = np.median(noise) / (np.maximum((before.slope**2).mean(), 1e-9) * spread)
    gram = apart.T @ apart + np.diag(ridge * spread)
    slope = before.slope + np.linalg.solve(gram, apart.T @ left).T
    here = miss.mean(axis=0)
    found = Slopes(centre, here, slope, problem.weighted(here))
    return found, np.clip(found.steps(np.zeros(1))[0], 0.02, 0.98)


# --- Slices: values of a parameter that do about as well as the best
#
# Each parameter of the best trial is moved alone. If the others were adjusted as well it could go further,
# so the range is a lower bound, and no confidence interval: where it is wide, the targets do not tell.


class Slices(NamedTuple):
    """The best with one parameter moved alone, on luck that it was not tuned on: values and losses, `(parameters, points)`.

    Between `ends` the loss rises by no more than the tolerance, as far as was searched.
    """

    value: Values
    loss: Values
    ends: list[tuple[float, float]]


def slice_through(problem: Any, best: Values, tolerance: float, seed: int) -> Slices | None:
    """Move each parameter of a point alone through its range; None where the experiment asks for none."""
    if problem.spec.slices is None:
        return None
    shares, tuned = np.linspace(0.0, 1.0, problem.spec.slices), problem.tuned
    value = np.asarray([[float(one.at(float(share))) for share in shares] for one in tuned])
    points = np.tile(best, (value.size + 1, 1))
    points[np.arange(value.size), np.repeat(np.arange(len(tuned)), len(shares))] = value.ravel()
    loss = problem.at(points, problem.spec.replicates, seed).loss
    rise = (loss[:-1] - loss[-1]).reshape(value.shape)
    ends = []
    for k, one in enumerate(tuned):
        around = range_around(float(one.share_of(best[k])), shares, rise[k], tolerance)
        ends.append((float(one.at(around[0])), float(one.at(around[1]))))
    return Slices(value, loss[:-1].reshape(value.shape), ends)


def range_around(at: float, shares: Values, rise: Values, tolerance: float) -> tuple[float, float]:
    """Where, on both sides of a point, a rise that is known at `shares` first exceeds the tolerance, or their ends.

    A sum of squares rises with the square of the distance, so its root goes by straight lines between values.
    """
    found = []
    below, above = np.flatnonzero(shares < at)[::-1], np.flatnonzero(shares > at)
    for side, end in ((below, shares[0]), (above, shares[-1])):
        before, height, edge = at, 0.0, end
        for k in side:
            if rise[k] > tolerance:
                roots = np.sqrt(np.maximum([height, tolerance, rise[k]], 0.0))
                edge = before + (shares[k] - before) * (roots[1] - roots[0]) / (roots[2] - roots[0])
                break
            before, height = shares[k], rise[k]
        found.append(float(edge))
    return found[0], found[1]
