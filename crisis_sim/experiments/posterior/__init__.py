"""Posteriors by approximate Bayesian computation: priors, evidence, the sampler, and what it found.

schema      what a file says; `check` finds its mistakes
priors      what is believed before, as normal scores
record      single crises on record; `problem` joins them with targets, and runs crises
sampler     adaptive importance sampling, of any study
checkpoint  generations on disk
find        the whole; `marginals`, `predictive` and `fitted` look at it, `told` tells it
draw        joint draws, for crises of one's own

from crisis_sim.experiments.posterior import Posterior

values = Posterior.of("results/posterior_may_2025").draw(10_000, seed=7)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crisis_sim.experiments.posterior.draw import Posterior

__all__ = ["Posterior"]


def __getattr__(name: str) -> Any:
    if name != "Posterior":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from crisis_sim.experiments.posterior.draw import Posterior

    return Posterior
