"""A posterior found: the generations, then a check of what it predicts, with fresh luck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crisis_sim.experiments.errors import ExperimentError
from crisis_sim.experiments.experiment import Experiment
from crisis_sim.experiments.posterior.checkpoint import Checkpointed
from crisis_sim.experiments.posterior.priors import Values, values_of
from crisis_sim.experiments.posterior.problem import Problem, Seen
from crisis_sim.experiments.posterior.sampler import NothingFitsError, Sample, resampled, sample
from crisis_sim.experiments.run import How


@dataclass(frozen=True)
class Generation:
    """How a generation went.

    Attributes:
        tolerance: of the likelihood.
        effective: the effective sample size of all particles so far.
        acceptance: the effective share of its own.
    """

    tolerance: float
    effective: float
    acceptance: float


@dataclass(frozen=True)
class Found:
    """A posterior.

    Attributes:
        problem: what it is about.
        sample: the particles of all generations with their weights.
        values: their parameters, `(particles, parameters)`.
        history: how each generation went.
        fresh: what crises show at points drawn from it, with luck that no particle had; all points
            count alike.
    """

    problem: Problem
    sample: Sample
    values: Values
    history: tuple[Generation, ...]
    fresh: Seen


def find(experiment: Experiment, how: How) -> Found:
    """Find a posterior, and check it.

    Raises:
        ExperimentError: when no particle shows anything like what is aimed for.
        BatchError: when crises cannot be run.
        KeyboardInterrupt: on Ctrl-C; with a folder, the generations that were finished are in it.
    """
    problem = Problem(experiment, how)
    spec = problem.spec
    study = Checkpointed(problem, how.design, how.resume)
    history: list[Generation] = []
    last: Sample | None = None
    try:
        for last in sample(
            study, len(problem.priors), spec.particles, spec.generations, spec.seed, spec.tolerance
        ):
            history.append(Generation(last.tolerance, last.effective, last.acceptance))
            how.tell(
                f"generation {len(history)} of {spec.generations}: tolerance {last.tolerance:.3g}, "
                f"acceptance {100 * last.acceptance:.0f}%, effective sample {last.effective:.0f}"
            )
            how.progress(problem.crises_before(len(history)), problem.crises)
    except NothingFitsError:
        raise ExperimentError(
            "no crisis of the first generation shows what is on record, within any distance: "
            "more particles or replicates, wider priors, or another record"
        ) from None
    assert last is not None  # noqa: S101 - there is a first generation
    random = np.random.default_rng([spec.seed, spec.generations])
    drawn = last.scores[resampled(last.weight, problem.draws, random)]
    fresh = study.run(drawn, spec.generations)
    how.progress(problem.crises, problem.crises)
    return Found(problem, last, values_of(problem.priors, last.scores), tuple(history), fresh)
