"""The search: generation after generation of trials, each one batch with the same luck."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.experiments import words
from crisis_sim.experiments.tuning.evaluation import KEPT, Problem
from crisis_sim.experiments.tuning.journal import GENERATION, Journal, quiet
from crisis_sim.experiments.tuning.proposals import (
    distribution_of,
    generation_size,
    source_of,
)

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

    from crisis_sim.experiments.run import How

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Trials:
    """What was tried, in its order; the lower the loss, the better.

    Attributes:
        generation: the generation of each trial, `(trials,)`.
        points: their parameters, `(trials, parameters)`.
        loss: how bad each is, `(trials,)`.
        figures: of what is watched the estimates, standard errors and limits by name, each
            `(trials, watched)`.
        importance: of each parameter how much of what sets the best trials apart it accounts for,
            `(parameters,)`; they sum to 1.
        chosen: the number of the trial that did best with fresh luck, where several were tried so.
    """

    generation: NDArray[np.int64]
    points: Values
    loss: Values
    figures: dict[str, Values]
    importance: Values
    chosen: int | None = None

    @property
    def best(self) -> int:
        """The number of the best trial: the chosen one, or else that of the lowest loss; of equals, the first."""
        return int(np.argmin(self.loss)) if self.chosen is None else self.chosen


def search(problem: Problem, how: How) -> Trials:
    """Look for the best point.

    Raises:
        ResultsError: when the journal cannot be read.
        BatchError: when crises cannot be run.
        KeyboardInterrupt: on Ctrl-C; the generations that were finished are in the journal.
    """
    import optuna

    with quiet():
        study = optuna.create_study(study_name=problem.experiment.name)
        experiment = problem.experiment
        journal = Journal(
            how.folder, experiment.name, experiment.digest, resume=how.resume, tell=how.tell
        )
        study.add_trials(journal.trials)
        try:
            _go_on(problem, study, journal, how)
        except KeyboardInterrupt:
            if study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,)):
                how.tell(f"best so far: {_best_in_words(problem, study)}")
            raise
        trials = study.get_trials(deepcopy=False)
        return Trials(
            np.asarray([trial.user_attrs[GENERATION] for trial in trials]),
            np.stack([_point(problem, trial) for trial in trials]),
            np.asarray([trial.value for trial in trials], dtype=np.float64),
            {name: np.asarray([trial.user_attrs[name] for trial in trials]) for name in KEPT},
            _importance(problem, study),
        )


def sizes_of(problem: Problem) -> list[int]:
    """How many trials each generation has."""
    size = problem.spec.generation or generation_size(len(problem.tuned))
    whole, rest = divmod(problem.spec.trials, size)
    return [size] * whole + ([rest] if rest else [])


def _go_on(problem: Problem, study: Study, journal: Journal, how: How) -> None:
    """Make the generations that the study does not hold yet."""
    spec = problem.spec
    sizes = sizes_of(problem)
    source = source_of(spec.sampler, spec.seed, max(sizes), problem.tuned, spec.spread)
    per_trial = spec.replicates * len(problem.scenarios)
    total = spec.trials * per_trial
    done, best = 0, np.inf
    for generation, size in enumerate(sizes):
        sampler = source.sampler(generation, done, size)
        made: Sequence[FrozenTrial] = study.get_trials(deepcopy=False)[done : done + size]
        if not made:
            study.sampler = sampler
            progress = _counting(how.progress, done * per_trial, total)
            made = _generation(problem, study, generation, size, how.workers, progress)
            journal.add(made)
            if study.best_value < best or generation == len(sizes) - 1:
                so_far = _best_in_words(problem, study)
                how.tell(f"generation {generation + 1} of {len(sizes)}: best so far {so_far}")
        best = min(best, *(float(trial.value or 0.0) for trial in made))
        source.learn(
            np.stack([_shares(problem, _point(problem, trial)) for trial in made]),
            np.asarray([trial.value for trial in made], dtype=np.float64),
        )
        done += size


def _generation(
    problem: Problem,
    study: Study,
    generation: int,
    size: int,
    workers: int,
    progress: Callable[[int, int], None],
) -> Sequence[FrozenTrial]:
    """Ask for a generation's points, run them as one batch, and tell what came of them."""
    spec = problem.spec
    ranges = {one.factor.path: distribution_of(one) for one in problem.tuned}
    if generation == 0:
        start = {one.factor.path: one.start for one in problem.tuned}
        study.enqueue_trial(start)
    asked = [study.ask(ranges) for _ in range(size)]
    points = np.stack([_point(problem, trial) for trial in asked])
    scored = problem.at(points, spec.replicates, spec.seed, workers, progress)
    for k, trial in enumerate(asked):
        trial.set_user_attr(GENERATION, generation)
        trial.set_user_attr("of", size)
        for name in KEPT:
            trial.set_user_attr(name, scored.figures[name][k].tolist())
        study.tell(trial, float(scored.loss[k]))
    return study.get_trials(deepcopy=False)[-size:]


def _point(problem: Problem, trial: Any) -> Values:
    return np.asarray([trial.params[one.factor.path] for one in problem.tuned])


def _shares(problem: Problem, point: Values) -> Values:
    return np.asarray(
        [float(one.share_of(value)) for one, value in zip(problem.tuned, point, strict=True)]
    )


def _importance(problem: Problem, study: Study) -> Values:
    """How much each parameter sets the best tenth of the trials apart from all (PED-ANOVA).

    Watanabe, Bansal and Hutter 2023, IJCAI 32, 4389-4396.
    """
    import warnings

    from optuna.importance import get_param_importances

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of trials too few to tell anything
        found = get_param_importances(study)
    return np.asarray([found.get(one.factor.path, 0.0) for one in problem.tuned])


def _best_in_words(problem: Problem, study: Study) -> str:
    best = study.best_trial
    said = f"a loss of {best.value:.4g}"
    if problem.goal is not None:
        measure = problem.watched[0].measure
        said = words.figure(best.user_attrs["estimate"][0], measure.unit)
        if problem.goal.prices.any():
            said += f" at a cost of {float(problem.goal.cost(_point(problem, best))):.3g}"
        if problem.goal.enough is not None and study.best_value > problem.goal.dearest:
            said += f" (not yet {words.figure(problem.goal.enough, measure.unit)})"
    return f"{said}, trial {best.number + 1} of {len(study.trials)}"


def _counting(
    progress: Callable[[int, int], None], before: int, total: int
) -> Callable[[int, int], None]:
    return lambda done, _: progress(before + done, total)
