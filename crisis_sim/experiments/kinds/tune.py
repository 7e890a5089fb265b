"""Tune: the parameters with which crises show what they should, or with which something is most likely.

Optuna asks for points and is told how bad each is; a generation of them is one batch, whose points
share the luck of each replicate, as do all generations. What is found is run once more with fresh
luck, since the best of many is partly the luckiest. Trials go to a journal, so that a search goes on
where it was cut short and finds what it would have found.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crisis_sim.experiments.experiment import Experiment
from crisis_sim.experiments.findings import Findings
from crisis_sim.experiments.reading import Reading
from crisis_sim.experiments.run import How
from crisis_sim.experiments.tuning.schema import TuneSpec
from crisis_sim.scenario.errors import Mistake

if TYPE_CHECKING:
    from crisis_sim.experiments.tuning.evaluation import Problem

ANSWERS = "which parameters reach targets, or make something most likely at least cost"
SPEC = TuneSpec
#: How many times the replicates of a trial the best is checked on, where the file does not say.
CHECK_TIMES = 4


def check(spec: TuneSpec, reading: Reading) -> Iterator[Mistake]:
    from crisis_sim.experiments.tuning import check as checks

    return checks.check(spec, reading)


def crises(experiment: Experiment) -> int:
    from crisis_sim.experiments.tuning.evaluation import Problem

    problem = Problem(experiment)
    each = problem.spec.trials * problem.spec.replicates + 2 * _check_replicates(problem)
    return each * len(problem.scenarios)


def run(experiment: Experiment, how: How) -> Findings:
    from crisis_sim.experiments.tuning.evaluation import Problem
    from crisis_sim.experiments.tuning.found import Found
    from crisis_sim.experiments.tuning.pinned import pin_down
    from crisis_sim.experiments.tuning.scenario_file import scenario_files
    from crisis_sim.experiments.tuning.search import search
    from crisis_sim.experiments.tuning.told import answer

    problem = Problem(experiment, how.agents)
    trials = search(problem, how)
    best = trials.points[trials.best]
    # Another seed: luck that no trial has had.
    seed, replicates = problem.spec.seed + 1, _check_replicates(problem)
    found = Found(
        problem,
        trials,
        pin_down(problem, trials),
        problem.at(best[None, :], replicates, seed, how.workers),
        problem.at(None, replicates, seed, how.workers),
        seed,
        replicates,
    )
    return Findings(
        experiment,
        tuple(answer(found)),
        found.tables(),
        found.summary(),
        crises(experiment),
        scenario_files(problem, best),
    )


def _check_replicates(problem: Problem) -> int:
    return problem.spec.check_replicates or CHECK_TIMES * problem.spec.replicates
