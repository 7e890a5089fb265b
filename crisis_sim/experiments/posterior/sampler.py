"""Adaptive importance sampling of a posterior, generation after generation.

The first generation is drawn from the prior. Each later one is drawn near the particles that fit so
far: a mixture of normal kernels around particles resampled by weight, as wide as Scott's rule makes
them, and for a tenth the prior again, so that nothing is ever ruled out for good. No particle is
thrown away: each is weighted by prior times likelihood over the mixture of *all* generations'
proposals (Cornuet, Marin, Mira and Robert 2012). The likelihood has a tolerance, which is lowered to
its goal as fast as the effective sample allows (Del Moral, Doucet and Jasra 2012).

This is population Monte Carlo for approximate Bayesian computation (Beaumont, Cornuet, Marin and
Robert 2009), in which a generation costs what was planned, whatever it finds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from crisis_sim.experiments.posterior.priors import log_density

Values = NDArray[np.float64]
Likelihood = Callable[[float], Values]

#: The share of each later generation that is drawn from the prior.
DEFENSIVE = 0.1
#: The tolerance is as low as leaves an effective sample of this share of a generation.
ENOUGH = 0.25
#: Tolerances are looked for up to this many times the goal.
WIDEST = 1e6
_STEPS = 30


class Study(Protocol):
    """What is sampled from."""

    def run(self, scores: Values, generation: int) -> Any:
        """What crises show at particles; `scores` are `(particles, parameters)`.

        The same for the same arguments.
        """

    def join(self, seen: list[Any]) -> Any:
        """What several generations have shown, as one."""

    def likelihood(self, seen: Any) -> Likelihood:
        """From a tolerance, the logarithm of each particle's likelihood, -inf where it is none."""


@dataclass(frozen=True)
class Proposal:
    """From where a generation is drawn.

    Attributes:
        centres: where kernels stand, `(kernels, parameters)`; None for the prior alone.
        root: the Cholesky root of their covariance.
    """

    centres: Values | None = None
    root: Values | None = None

    def draw(self, count: int, dimensions: int, random: np.random.Generator) -> Values:
        """Particles, `(count, dimensions)`."""
        drawn = random.standard_normal((count, dimensions))
        if self.centres is None or self.root is None:
            return drawn
        from_kernels = random.random(count) >= DEFENSIVE
        near = self.centres[random.integers(len(self.centres), size=count)]
        return np.where(from_kernels[:, None], near + drawn @ self.root.T, drawn)

    def log_density(self, scores: Values) -> Values:
        """Logarithm of the density with which particles are drawn."""
        prior = log_density(scores)
        if self.centres is None or self.root is None:
            return prior
        from scipy.linalg import solve_triangular
        from scipy.spatial.distance import cdist
        from scipy.special import logsumexp

        points, centres = (
            solve_triangular(self.root, of.T, lower=True).T for of in (scores, self.centres)
        )
        scale = np.log(np.diag(self.root)).sum() + 0.5 * scores.shape[1] * math.log(2 * math.pi)
        kernels = logsumexp(-0.5 * cdist(points, centres, "sqeuclidean"), axis=1)
        near = kernels - math.log(len(centres)) - scale
        return np.asarray(np.logaddexp(math.log(DEFENSIVE) + prior, math.log1p(-DEFENSIVE) + near))


@dataclass(frozen=True)
class Sample:
    """The particles of all generations so far, and how much each counts.

    Attributes:
        generation: of each particle, `(particles,)`.
        scores: normal scores of its parameters, `(particles, parameters)`.
        weight: how much it counts; they sum to 1.
        seen: what its crises showed.
        tolerance: of the likelihood.
        effective: the effective sample size: so many equally weighted particles would say as much.
        acceptance: the effective share of the last generation alone.
    """

    generation: NDArray[np.int64]
    scores: Values
    weight: Values
    seen: Any
    tolerance: float
    effective: float
    acceptance: float


class NothingFitsError(Exception):
    """No particle has shown anything like what was aimed for."""


def sample(
    study: Study,
    dimensions: int,
    particles: int,
    generations: int,
    seed: int,
    goal: float = 1.0,
) -> Iterator[Sample]:
    """Sample a posterior; what there is after each generation.

    Args:
        study: what is sampled from.
        dimensions: how many parameters.
        particles: in each generation.
        generations: how many.
        seed: of all proposals; the same for the same seed and study.
        goal: the lowest tolerance.

    Raises:
        NothingFitsError: when no particle has any likelihood at any tolerance.
    """
    proposals: list[Proposal] = []
    scores: list[Values] = []
    seen: list[Any] = []
    now: Sample | None = None
    highest = WIDEST * goal
    for generation in range(generations):
        random = np.random.default_rng([seed, generation])
        proposals.append(Proposal() if now is None else proposal_near(now, particles, random))
        scores.append(proposals[-1].draw(particles, dimensions, random))
        seen.append(study.run(scores[-1], generation))
        everywhere, shown = np.concatenate(scores), study.join(seen)
        base = log_density(everywhere) - _mixture(proposals, everywhere)
        likelihood = study.likelihood(shown)
        tolerance = tolerance_for(likelihood, base, ENOUGH * particles, goal, highest)
        logarithm = base + likelihood(tolerance)
        own = logarithm[-particles:]
        now = Sample(
            np.repeat(np.arange(generation + 1), particles),
            everywhere,
            _normalised(logarithm),
            shown,
            tolerance,
            effective_size(logarithm),
            effective_size(own) / particles,
        )
        highest = tolerance
        yield now


def proposal_near(now: Sample, kernels: int, random: np.random.Generator) -> Proposal:
    """Kernels around particles that fit, resampled by weight."""
    dimensions = now.scores.shape[1]
    centres = now.scores[resampled(now.weight, kernels, random)]
    middle = now.weight @ now.scores
    apart = now.scores - middle
    covariance = np.einsum("p,pj,pk->jk", now.weight, apart, apart)
    width = max(now.effective, 2.0) ** (-2.0 / (dimensions + 4))
    steady = 1e-6 * np.eye(dimensions)
    return Proposal(centres, np.linalg.cholesky(width * covariance + steady))


def resampled(weight: Values, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Numbers of particles, each about as often as its weight says (systematic resampling)."""
    places = (random.random() + np.arange(count)) / count
    total = np.cumsum(weight)
    return np.asarray(np.searchsorted(total / total[-1], places, side="right")).clip(
        0, len(weight) - 1
    )


def tolerance_for(
    likelihood: Likelihood, base: Values, enough: float, goal: float, highest: float
) -> float:
    """The lowest tolerance that leaves an effective sample of `enough`, from `goal` to `highest`.

    Raises:
        NothingFitsError: when there is no likelihood at the highest.
    """
    most = effective_size(base + likelihood(highest))
    if most == 0.0:
        raise NothingFitsError
    enough = min(enough, 0.9 * most)
    if effective_size(base + likelihood(goal)) >= enough:
        return goal
    low, high = math.log(goal), math.log(highest)
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if effective_size(base + likelihood(math.exp(middle))) >= enough:
            high = middle
        else:
            low = middle
    return min(math.exp(high), highest)


def effective_size(logarithm: Values) -> float:
    """Kish's effective sample size of weights that are given by their logarithms; 0 for none."""
    top = logarithm.max()
    if top == -np.inf:
        return 0.0
    weight = np.exp(logarithm - top)
    return float(weight.sum() ** 2 / (weight @ weight))


def _normalised(logarithm: Values) -> Values:
    weight = np.exp(logarithm - logarithm.max())
    return np.asarray(weight / weight.sum())


def _mixture(proposals: list[Proposal], scores: Values) -> Values:
    """Logarithm of the density of all generations' proposals together."""
    from scipy.special import logsumexp

    each = np.stack([proposal.log_density(scores) for proposal in proposals])
    return np.asarray(logsumexp(each, axis=0) - math.log(len(proposals)))
