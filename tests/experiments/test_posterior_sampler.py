"""The sampler by itself, on simulators whose posterior is known or costs nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

from crisis_sim.experiments.abc_sampler import sample

#: Error of the stand-in's figure, and spread of its single crises; how near they must be.
ERROR, SPREAD, WITHIN = 0.4, 1.0, 0.3
RUNS, RANKS = 120, 8


@dataclass(frozen=True)
class Figures:
    """A figure that is the first score, told from replicates, and known with an error."""

    seen: float
    replicates: int
    seed: int

    def luck(self, generation: int, *shape: int) -> Any:
        return np.random.default_rng([self.seed, generation, 7]).standard_normal(shape)

    def run(self, scores: Any, generation: int) -> Any:
        return scores[:, 0] + self.luck(generation, len(scores)) / np.sqrt(self.replicates)

    def join(self, seen: list[Any]) -> Any:
        return np.concatenate(seen)

    def likelihood(self, seen: Any) -> Any:
        return lambda tolerance: -0.5 * ((seen - self.seen) / (tolerance * ERROR)) ** 2


class OneCrisis(Figures):
    """Crises spread around the first score; one of them is on record."""

    def run(self, scores: Any, generation: int) -> Any:
        luck = self.luck(generation, len(scores), self.replicates)
        return np.abs(scores[:, :1] + SPREAD * luck - self.seen) / WITHIN

    def likelihood(self, seen: Any) -> Any:
        def at(tolerance: float) -> Any:
            with np.errstate(divide="ignore"):
                return np.log((seen <= tolerance).mean(axis=1))

        return at


def last(
    study: Any, dimensions: int = 1, particles: int = 100, generations: int = 3, **how: Any
) -> Any:
    *_, final = sample(study, dimensions, particles, generations, how.pop("seed", 3), **how)
    return final


def ranks(study: Any, error: float, **how: Any) -> Any:
    """Where true parameters lie among draws from their posteriors (Talts et al. 2018)."""
    found = []
    for run in range(RUNS):
        random = np.random.default_rng([11, run])
        truth = random.standard_normal()
        seen = truth + error * random.standard_normal()
        posterior = last(
            replace(study, seen=seen, seed=run), particles=50, generations=2, seed=run, **how
        )
        drawn = random.choice(posterior.scores[:, 0], RANKS - 1, p=posterior.weight)
        found.append(int((drawn < truth).sum()))
    return np.bincount(found, minlength=RANKS)


class SharedLuck(Figures):
    def luck(self, generation: int, *shape: int) -> Any:
        return np.random.default_rng([self.seed, 7]).standard_normal()


def test_true_parameters_rank_evenly_among_draws_given_one_crisis() -> None:
    assert chisquare(ranks(OneCrisis(0, 20, 0), SPREAD)).pvalue > 0.01


@pytest.mark.slow
@pytest.mark.parametrize(
    ("study", "goal", "least", "most"),
    [
        # So many replicates that their luck hardly adds to the error with which the figure is known.
        (Figures(0, 100, 0), 1.0, 0.01, 1.0),
        (Figures(0, 100, 0), 0.4, 0.0, 1e-6),
        (SharedLuck(0, 4, 0), 1.0, 0.0, 1e-3),
    ],
    ids=["as it is", "too narrow", "shared luck"],
)
def test_ranks_given_figures_known_with_an_error_are_even_unless_something_is_wrong(
    study: Figures, goal: float, least: float, most: float
) -> None:
    assert least <= chisquare(ranks(study, ERROR, goal=goal)).pvalue <= most


def test_it_finds_the_posterior_that_algebra_gives() -> None:
    # Prior N(0, 1), figure known with an error: precision 1 + 1 / ERROR**2, the second score unmoved.
    posterior = last(Figures(2.0, 10_000, 1), dimensions=2, particles=600)
    precision = 1 + 1 / ERROR**2
    mean = posterior.weight @ posterior.scores
    spread = np.sqrt(posterior.weight @ (posterior.scores - mean) ** 2)
    assert mean == pytest.approx([2.0 / ERROR**2 / precision, 0.0], abs=0.1)
    assert spread == pytest.approx([precision**-0.5, 1.0], rel=0.1)
    assert posterior.tolerance == 1.0
    assert posterior.weight.sum() == pytest.approx(1.0)


def test_later_generations_are_drawn_where_it_fits_and_the_tolerance_comes_down() -> None:
    path = list(sample(Figures(2.5, 1000, 1), 1, 200, 4, seed=1))
    assert path[-1].acceptance > 2 * path[0].acceptance
    assert path[-1].effective > path[0].effective
    assert len(path[-1].weight) == 800
    far = list(sample(Figures(4.0, 10_000, 1), 1, 100, 6, seed=1, goal=0.25))
    assert far[0].tolerance > far[1].tolerance > far[-1].tolerance
    assert far[-1].weight @ far[-1].scores[:, 0] == pytest.approx(4.0, abs=0.2)
    for one in (path, far):
        tolerances = [now.tolerance for now in one]
        assert tolerances == sorted(tolerances, reverse=True)
