"""Tune: the parameters with which crises show what they should, or with which something is most likely.

Optuna asks for points and is told how bad each is; a generation of them is one batch, whose points
share the luck of each replicate, as do all generations. The best of many is partly the luckiest, so
what is found is run once more with fresh luck; with `finalists`, so are the best of the trials, and what
does best then is the answer. Trials go to a journal, so that a search goes on
where it was cut short and finds what it would have found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from crisis_sim.experiments.experiment import Experiment
from crisis_sim.experiments.findings import Findings
from crisis_sim.experiments.reading import Reading
from crisis_sim.experiments.run import How
from crisis_sim.experiments.tuning.schema import TuneSpec
from crisis_sim.scenario.errors import Mistake

if TYPE_CHECKING:
    from crisis_sim.experiments.tuning.evaluation import Problem, Scored
    from crisis_sim.experiments.tuning.search import Trials

ANSWERS = "which parameters reach targets, or make something most likely at least cost"
SPEC = TuneSpec
#: Beside those of a batch, the libraries on which what it finds depends.
LIBRARIES = ("optuna", "cmaes")
#: How many times the replicates of a trial the best is checked on, where the file does not say.
CHECK_TIMES = 4


def check(spec: TuneSpec, reading: Reading) -> Iterator[Mistake]:
    from crisis_sim.experiments.tuning import check as checks

    return checks.check(spec, reading)


def crises(experiment: Experiment) -> int:
    from crisis_sim.experiments.tuning.evaluation import Problem

    problem = Problem(experiment)
    spec = problem.spec
    moved = len(problem.tuned) * spec.slices + 1 if spec.slices else 0
    checked = min(spec.finalists, spec.trials) + 1
    each = (spec.trials + moved) * spec.replicates + checked * _check_replicates(problem)
    return each * len(problem.scenarios)


def run(experiment: Experiment, how: How) -> Findings:
    from crisis_sim.experiments.tuning.evaluation import Problem
    from crisis_sim.experiments.tuning.found import Found
    from crisis_sim.experiments.tuning.pinned import pin_down
    from crisis_sim.experiments.tuning.scenario_file import scenario_files
    from crisis_sim.experiments.tuning.search import search
    from crisis_sim.experiments.tuning.slices import slice_through
    from crisis_sim.experiments.tuning.told import answer

    problem = Problem(experiment, how.agents)
    trials = search(problem, how)
    # Another seed: luck that no trial has had.
    seed, replicates = problem.spec.seed + 1, _check_replicates(problem)
    trials, fresh = _final(problem, trials, seed, replicates, how.workers)
    best = trials.points[trials.best]
    pinned = pin_down(problem, trials)
    found = Found(
        problem,
        trials,
        pinned,
        fresh,
        problem.at(None, replicates, seed, how.workers),
        seed,
        replicates,
        slice_through(problem, best, pinned.tolerance, seed, how.workers),
    )
    return Findings(
        experiment,
        tuple(answer(found)),
        found.tables(),
        found.summary(),
        crises(experiment),
        scenario_files(problem, best),
    )


def _final(
    problem: Problem, trials: Trials, seed: int, replicates: int, workers: int
) -> tuple[Trials, Scored]:
    """Run the best trials with fresh luck; the one that does best then, and how it does."""
    import numpy as np

    from crisis_sim.experiments.tuning.evaluation import Scored

    first = np.argsort(trials.loss, kind="stable")[: problem.spec.finalists]
    scored = problem.at(trials.points[first], replicates, seed, workers)
    k = int(np.argmin(scored.loss))
    figures = {name: values[k : k + 1] for name, values in scored.figures.items()}
    return replace(trials, chosen=int(first[k])), Scored(scored.loss[k : k + 1], figures)


def _check_replicates(problem: Problem) -> int:
    return problem.spec.check_replicates or CHECK_TIMES * problem.spec.replicates
