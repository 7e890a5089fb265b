"""Where to look next: the samplers by name.

    cmaes    the covariance matrix adaptation evolution strategy (Hansen 2016, arXiv:1604.00772):
             for many continuous parameters; starts anew elsewhere when it has settled
    tpe      Optuna's tree-structured Parzen estimator: for few trials
    sobol    a scrambled Sobol sequence: fills the space, and never looks at the results
    random   Optuna's independent draws

Whatever the sampler, what it proposes in a generation is a function of the seed, the generation's
number and the trials before it alone. So a search that was cut short and goes on makes the very
trials that it would have made.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages.journal import BaseJournalBackend

from crisis_sim.batch.files import (
    ResultsError,
    believed,
    canonical_digest,
    inside,
    read_bytes,
    write_durably,
)
from crisis_sim.experiments import spec as words
from crisis_sim.experiments.calibrate import KEPT, Problem
from crisis_sim.outcomes.intervals import normal_quantile

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from crisis_sim.experiments.calibrate import Tuned
    from crisis_sim.experiments.spec import RunOptions


# --- Where to look next: the samplers by name

Values = NDArray[np.float64]

#: Its first mean keeps this share of a range away from the range's ends.
MARGIN = 0.05
#: The fewest points from which CMA-ES can learn.
SMALLEST = 4
#: The fewest points of a generation where a file does not say.
FEWEST = 8


def generation_size(parameters: int) -> int:
    """How many points a generation has by default: Hansen's 4 + 3 ln n, and no fewer than `FEWEST`."""
    return max(4 + int(3 * np.log(parameters)), FEWEST)


class Source(Protocol):
    """What chooses the points of the next generation, as shares of the parameters' ranges."""

    def sampler(self, generation: int, first: int, size: int) -> BaseSampler:
        """The sampler of a generation whose first trial has the number `first`."""

    def learn(self, shares: Values, losses: Values) -> None:
        """Take in what came of the generation, `(points, parameters)` and `(points,)`."""


def source_of(name: str, seed: int, size: int, tuned: Sequence[Tuned], spread: float) -> Source:
    """The source of a name.

    Args:
        name: its name.
        seed: the experiment's seed.
        size: points of a generation.
        tuned: the parameters.
        spread: how far from the start CMA-ES looks at first, as a share of each range.
    """
    if name == "cmaes":
        return _Evolution(seed, size, tuned, spread)
    return _Sobol(seed, tuned) if name == "sobol" else _OptunasOwn(name, seed)


class _OptunasOwn:
    """A sampler of Optuna's that goes by the study's trials alone, seeded for each generation."""

    def __init__(self, name: str, seed: int) -> None:
        self._kind = {"tpe": TPESampler, "random": RandomSampler}[name]
        self._seed = seed

    def sampler(self, generation: int, first: int, size: int) -> BaseSampler:
        made: BaseSampler = self._kind(seed=_number(self._seed, generation))
        return made

    def learn(self, shares: Values, losses: Values) -> None:
        pass


class _Sobol:
    """A scrambled Sobol sequence, taken up where the trials before have left it."""

    def __init__(self, seed: int, tuned: Sequence[Tuned]) -> None:
        self._seed, self._tuned = seed, tuned

    def sampler(self, generation: int, first: int, size: int) -> BaseSampler:
        import warnings

        from scipy.stats import qmc

        sequence = qmc.Sobol(len(self._tuned), rng=self._seed)
        if first:
            sequence.fast_forward(first)
        with warnings.catch_warnings():
            # A generation is no power of two; the sequence as a whole is what fills the space.
            warnings.filterwarnings("ignore", message="The balance properties")
            return _Given(sequence.random(size), self._tuned, first)

    def learn(self, shares: Values, losses: Values) -> None:
        pass


class _Evolution:
    """CMA-ES over the unit cube; a search that has settled begins anew at another place."""

    def __init__(self, seed: int, size: int, tuned: Sequence[Tuned], spread: float) -> None:
        self._seed, self._size, self._tuned = seed, max(size, SMALLEST), tuned
        self._spread = spread
        self._searches = 0
        start = [float(one.share_of(np.asarray(one.start))) for one in tuned]
        self._search = self._begun(np.asarray(start))

    def sampler(self, generation: int, first: int, size: int) -> BaseSampler:
        proposed = np.stack([self._search.ask() for _ in range(size)])
        return _Given(proposed, self._tuned, first)

    def learn(self, shares: Values, losses: Values) -> None:
        if len(losses) != self._size:  # the last generation, which the budget has cut short
            return
        self._search.tell(list(zip(shares, losses.tolist(), strict=True)))
        if self._search.should_stop():
            self._searches += 1
            generator = np.random.default_rng([self._seed, self._searches])
            self._search = self._begun(generator.random(len(self._tuned)))

    def _begun(self, mean: Values) -> Any:
        from cmaes import CMA

        parameters = len(self._tuned)
        return CMA(
            mean=np.clip(mean, MARGIN, 1.0 - MARGIN),
            sigma=self._spread,
            bounds=np.tile([0.0, 1.0], (parameters, 1)),
            n_max_resampling=10 * parameters,
            seed=_number(self._seed, self._searches),
            population_size=self._size,
        )


class _Given(BaseSampler):
    """Gives Optuna's trials points that have been chosen already."""

    def __init__(self, shares: Values, tuned: Sequence[Tuned], first: int) -> None:
        self._shares, self._tuned, self._first = shares, tuned, first

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return {one.factor.path: distribution_of(one) for one in self._tuned}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        shares = self._shares[trial.number - self._first]
        return {
            one.factor.path: _within(one, float(share))
            for one, share in zip(self._tuned, shares, strict=True)
        }

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        raise AssertionError(f"{param_name} is chosen together with the others")


def distribution_of(tuned: Tuned) -> BaseDistribution:
    """A parameter's range as Optuna has it."""
    from optuna.distributions import FloatDistribution

    factor = tuned.factor
    return FloatDistribution(factor.low, factor.high, log=factor.scale == "log")


def _within(tuned: Tuned, share: float) -> float:
    factor = tuned.factor
    return float(np.clip(factor.at(share), factor.low, factor.high))


def _number(*entropy: int) -> int:
    """A seed of 32 bits from several numbers."""
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])


# --- Trials on disk: Optuna's journal, a file to which each trial is added once it is known
#
# The file is a study that Optuna and its dashboard read. Beside what they read, each line holds its
# number and a digest of itself, of the line before it, and so of all lines before, back to the
# experiment's own digest: none can be missing, changed, or another experiment's, unseen. The file has
# whole generations only, but for a last one that a crash has cut short; that one is dropped when the
# search goes on, and made again, as is all that comes after a line that is not sound.

NAME = "journal.log"
#: What a trial notes of itself: the generation that it belongs to.
GENERATION = "generation"
#: What a line holds beside what Optuna reads: its number from 0 on, and its digest.
LINE, DIGEST = "line", "sha256"


class Journal:
    """The trials of a search in a folder.

    Args:
        folder: the experiment's folder; None to keep no journal.
        name: the study's name.
        digest: the experiment's digest.
        resume: keep the whole generations that are there; else begin anew.
        on_message: called of lines that are not sound.

    Raises:
        ResultsError: when there is a journal that cannot be read.
    """

    def __init__(
        self,
        folder: Path | None,
        name: str,
        digest: str,
        *,
        resume: bool = False,
        on_message: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.trials: list[FrozenTrial] = []
        self._study: Study | None = None
        if folder is None:
            return
        path = inside(folder, NAME)
        if resume and path.exists():
            content = read_bytes(folder, NAME)
            logs, rest = sound_lines(content, digest)
            if b"\n" in rest:  # the last line alone may have been cut short by a crash
                on_message(
                    f"{path}: line {len(logs) + 1} is not what its digest says: "
                    "it and what follows is done again"
                )
            with believed(folder):
                self.trials = _whole(_study(_Chain(logs), name))
        # Written anew, so that neither half a generation nor half a line is left in it.
        chain = _Chain([], digest)
        _study(chain, name).add_trials(self.trials)
        write_durably(path, chain.content)
        chain.path = path
        self._study = _study(chain, name)

    def add(self, trials: Sequence[FrozenTrial]) -> None:
        """Write a generation's trials down."""
        if self._study is not None:
            self._study.add_trials(trials)


def sound_lines(content: bytes, digest: str) -> tuple[list[dict[str, Any]], bytes]:
    """What a journal's lines say as far as they are sound, and the rest.

    Args:
        content: the journal.
        digest: that of the experiment it must belong to.
    """
    logs: list[dict[str, Any]] = []
    rest = content
    while rest:
        line, end, after = rest.partition(b"\n")
        try:
            log = json.loads(line)
        except (ValueError, RecursionError):
            break
        if not end or not isinstance(log, dict):
            break
        said = log.pop(DIGEST, None)
        if said != _link(digest, log) or log.pop(LINE, None) != len(logs):
            break
        digest, rest = said, after
        logs.append(log)
    return logs, rest


@contextmanager
def quiet() -> Iterator[None]:
    """Within it Optuna says nothing but what is wrong, and warns of nothing that is experimental."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


class _Chain(BaseJournalBackend):
    """Optuna's journal in memory and, once there is a `path`, in a file.

    Args:
        logs: what is in it.
        digest: of its last line; where it has none, of the experiment.
    """

    def __init__(self, logs: list[dict[str, Any]], digest: str = "") -> None:
        self.path: Path | None = None
        self.content = b""
        self._logs, self._digest = logs, digest

    def read_logs(self, log_number_from: int) -> list[dict[str, Any]]:
        return self._logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        added = b""
        for log in logs:
            numbered = {**log, LINE: len(self._logs)}
            self._digest = _link(self._digest, numbered)
            line = json.dumps({**numbered, DIGEST: self._digest}, separators=(",", ":"))
            added += line.encode() + b"\n"
            self._logs.append(json.loads(json.dumps(log)))
        if self.path is None:
            self.content += added
            return
        try:
            with self.path.open("ab") as file:
                file.write(added)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ResultsError(f"cannot write {self.path}: {error.strerror or error}") from error


def _link(before: str, log: dict[str, Any]) -> str:
    """The digest of a line: of what it says, and of the line before it."""
    return canonical_digest({"before": before, "log": log})


def _study(chain: _Chain, name: str) -> Study:
    import optuna
    from optuna.storages import JournalStorage

    return optuna.create_study(storage=JournalStorage(chain), study_name=name, load_if_exists=True)


def _whole(study: Study) -> list[FrozenTrial]:
    """The trials of the generations that are whole, in their order."""
    whole: list[FrozenTrial] = []
    generation: list[FrozenTrial] = []
    for trial in study.get_trials(deepcopy=False):
        if generation and trial.user_attrs[GENERATION] != generation[0].user_attrs[GENERATION]:
            generation = []
        generation.append(trial)
        if len(generation) == trial.user_attrs["of"]:
            whole += generation
            generation = []
    return whole


# --- The search: generation after generation of trials, each one batch with the same luck


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


def search(problem: Problem, options: RunOptions) -> Trials:
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
            options.folder,
            experiment.name,
            experiment.digest,
            resume=options.resume,
            on_message=options.on_message,
        )
        study.add_trials(journal.trials)
        try:
            _go_on(problem, study, journal, options)
        except KeyboardInterrupt:
            if study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,)):
                options.on_message(f"best so far: {_best_in_words(problem, study)}")
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


def _go_on(problem: Problem, study: Study, journal: Journal, options: RunOptions) -> None:
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
            progress = _counting(options.progress, done * per_trial, total)
            made = _generation(problem, study, generation, size, options.workers, progress)
            journal.add(made)
            if study.best_value < best or generation == len(sizes) - 1:
                so_far = _best_in_words(problem, study)
                options.on_message(
                    f"generation {generation + 1} of {len(sizes)}: best so far {so_far}"
                )
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


# --- How well a search pins its parameters down: which values do about as well as the best
#
# That is told from the trials that were made, so it is no more than what the search came by: a range
# may be wider than it looks, above all after few trials, and is no interval of confidence.

#: A cost that is higher by no more than this share counts as about as good.
ABOUT_AS_CHEAP = 0.1
#: A value this near to an end of its range, as a share of the range, lies at its edge.
EDGE = 0.01


@dataclass(frozen=True)
class Pinned:
    """The values that do about as well as the best.

    Attributes:
        tolerance: how much worse than the best a trial may be.
        count: how many trials are that good, the best among them.
        lower, upper: of each parameter the lowest and highest value among them, `(parameters,)`.
        at_edge: whether the best lies at an end of its range, `(parameters,)`.
    """

    tolerance: float
    count: int
    lower: Values
    upper: Values
    at_edge: NDArray[np.bool_]


def pin_down(problem: Problem, trials: Trials) -> Pinned:
    """Find the trials that are about as good as the best."""
    tolerance = problem.spec.tolerance or _tolerance(problem, trials)
    good = trials.points[trials.loss <= trials.loss[trials.best] + tolerance]
    best = trials.points[trials.best]
    shares = [float(one.share_of(value)) for one, value in zip(problem.tuned, best, strict=True)]
    at_edge = (np.asarray(shares) < EDGE) | (np.asarray(shares) > 1 - EDGE)
    return Pinned(tolerance, len(good), good.min(axis=0), good.max(axis=0), at_edge)


def _tolerance(problem: Problem, trials: Trials) -> float:
    """How much worse than the best counts as about as good, where the file does not say.

    Of targets what the likelihood allows a single parameter at 95%, if the targets' errors are
    normal and independent; of an objective the reach of its Monte Carlo error.
    """
    goal, best = problem.goal, trials.best
    if goal is None:
        return normal_quantile() ** 2
    if goal.enough is not None and trials.loss[best] <= goal.dearest:
        return ABOUT_AS_CHEAP * float(trials.loss[best])
    return float(np.nan_to_num(normal_quantile() * trials.figures["standard_error"][best, 0]))


# --- How far each parameter of the best may be moved alone, all others held, before the loss tells
#
# A slice through the loss, not a profile: were the others moved along to make up for it, a parameter
# could go further. So the range is the least that is left open, and where even that is wide the
# targets do not pin the parameter down.


@dataclass(frozen=True)
class Slices:
    """Points that differ from the best in one parameter, run with luck that it was not tuned on.

    Attributes:
        parameter: which parameter is moved at each point, as its place, `(points,)`.
        value: to what, `(points,)`.
        loss: how bad that is, `(points,)`.
        best: the loss of the best with the same luck.
        lower, upper: of each parameter the ends of the range around the best in which the loss rises
            by no more than the tolerance, `(parameters,)`; the search's own where it never does.
    """

    parameter: NDArray[np.intp]
    value: Values
    loss: Values
    best: float
    lower: Values
    upper: Values


def slice_through(
    problem: Problem, best: Values, tolerance: float, seed: int, workers: int = 1
) -> Slices | None:
    """Move each parameter of a point alone through its range; None where the experiment asks for none.

    Args:
        problem: what was tuned.
        best: the point, `(parameters,)`.
        tolerance: by how much the loss may rise.
        seed: the seed of the luck.
        workers: the most threads, or processes, to use.
    """
    count, parameters = problem.spec.slices, len(problem.tuned)
    if count is None:
        return None
    shares = np.linspace(0.0, 1.0, count)
    parameter = np.repeat(np.arange(parameters), count)
    value = np.concatenate(
        [[float(one.factor.at(float(share))) for share in shares] for one in problem.tuned]
    )
    points = np.tile(best, (len(value) + 1, 1))
    points[np.arange(len(value)), parameter] = value
    loss = problem.at(points, problem.spec.replicates, seed, workers).loss
    lower, upper = np.empty(parameters), np.empty(parameters)
    for k, one in enumerate(problem.tuned):
        at = float(one.share_of(np.asarray(best[k])))
        rise = loss[:-1].reshape(parameters, count)[k] - loss[-1]
        ends = range_around(at, shares, rise, tolerance)
        lower[k], upper[k] = (float(one.factor.at(end)) for end in ends)
    return Slices(parameter, value, loss[:-1], float(loss[-1]), lower, upper)


def range_around(at: float, shares: Values, rise: Values, tolerance: float) -> tuple[float, float]:
    """Where, on both sides of a point, a curve first rises above the tolerance.

    A sum of squares rises with the square of the distance, so its root goes by straight lines between values.

    Args:
        at: the point, where the rise is 0.
        shares: where the curve is known, rising.
        rise: its values there.
        tolerance: what it must not exceed.

    Returns:
        The ends of the range; the first and last of `shares` where the curve does not exceed it.
    """
    found = []
    for side, end in ((shares[shares < at][::-1], shares[0]), (shares[shares > at], shares[-1])):
        before, height = at, 0.0
        edge = float(end)
        for share in side:
            new = float(rise[np.flatnonzero(shares == share)[0]])
            if new > tolerance:
                roots = np.sqrt(np.maximum([height, tolerance, new], 0.0))
                edge = float(
                    before + (share - before) * (roots[1] - roots[0]) / (roots[2] - roots[0])
                )
                break
            before, height = float(share), new
        found.append(edge)
    return found[0], found[1]
