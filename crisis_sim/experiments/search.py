"""The search of a tune experiment: its keys, the loss of points, the trials on disk, and the generations."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from crisis_sim.batch import safe_files
from crisis_sim.batch.own_classes import applicable_roles
from crisis_sim.batch.safe_files import ResultsError, writing
from crisis_sim.experiments import phrases, targets
from crisis_sim.experiments.factors import Values
from crisis_sim.experiments.gauss_newton import Steps, robust_weight
from crisis_sim.experiments.points import Design, run_design, sobol_points
from crisis_sim.experiments.spec import (
    Experiment,
    Progress,
    Reading,
    RunOptions,
    WrittenMeasure,
    entry,
    flag,
    ignore,
    offset_progress,
    whole_number,
)
from crisis_sim.experiments.targets import Evolution, Tuned, seed_of
from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.outcomes.measures import Measure
from crisis_sim.outcomes.named_measures import measure, read_measure
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.scenario.introspect import numbers_of
from crisis_sim.scenario.numbers import Part
from crisis_sim.scenario.schema import Scenario

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial


# --- The keys of a tune experiment

MOST_TRIALS = 1_000_000


class Objective(Part):
    """A measure to maximise or minimise, and the costs to weigh against it."""

    maximise: WrittenMeasure | None = entry("the measure to maximise", None)
    minimise: WrittenMeasure | None = entry("the measure to minimise", None)
    enough: float | None = entry(
        "level that is enough; the search then minimises the cost of reaching it", None
    )
    surely: bool = flag("true if the whole 95% interval, not only the estimate, must reach enough")
    cost: dict[str, float] = Field(
        default_factory=dict,
        description="by parameter, the cost of a change by one unit from the scenario's value",
    )


class TuneSpec(targets.CalibrationSpec):
    """A search for the parameters that reach targets, or an objective."""

    kind: Literal["tune"] = entry("the kind of experiment")
    vary: dict[str, targets.TunedRange] = entry(
        "the parameters to move, by path, each with its range", min_length=1
    )
    robust: float | None = entry(
        "deviation in standard errors beyond which the loss is linear instead of quadratic (Huber)",
        None,
        gt=0,
    )
    monte_carlo_error: bool = flag(
        "true to add the figures' Monte Carlo errors to those of targets"
    )
    objective: Objective | None = entry("the measure to maximise or minimise", None)
    observe: bool = flag(
        "true for an observer that counts responses, acts and halts, so that they can be measured "
        "(docs/outcomes.md)"
    )
    sampler: Literal["cmaes", "gauss_newton", "tpe", "sobol", "random"] = entry(
        "the method that chooses points", "cmaes"
    )
    jitter: float = entry(
        "for gauss_newton: spread of the parameters of single crises around a point, from which its slopes are "
        "estimated, as a share of each range",
        0.04,
        gt=0,
        le=0.25,
    )
    fewer: dict[str, int] = Field(
        default_factory=dict, description="smaller numbers of crises, by scenario"
    )
    sets: int = whole_number(
        "number of parameter sets to find that fit about as well", 0, least=0, most=100_000
    )
    trials: int = whole_number("number of points to try", least=2, most=MOST_TRIALS)
    generation: int | None = whole_number(
        "points tried together before the next are chosen", None, least=4, most=None
    )
    spread: float = entry(
        "first standard deviation of CMA-ES around the start, as a share of each range",
        0.25,
        gt=0,
        le=1,
    )
    tolerance: float | None = entry(
        "largest difference from the best loss at which a trial counts as about as good", None, gt=0
    )
    finalists: int = whole_number(
        "number of the best trials to run again with new random numbers; the best of these is the result",
        1,
        most=MOST_TRIALS,
    )
    slices: int | None = whole_number(
        "number of values to which each parameter of the best point is moved alone, to see how well "
        "the targets determine it; by default none",
        None,
        least=3,
        most=1000,
    )
    check_replicates: int | None = whole_number(
        "crises with new random numbers for the check of the best point; by default four times the replicates",
        None,
    )

    @property
    def agents(self) -> tuple[Any, ...]:
        """The observer, if there is one."""
        if not self.observe:
            return ()
        from crisis_sim.model.observer import Observer

        return (Observer,)


def check(spec: TuneSpec, reading: Reading) -> Iterator[Mistake]:
    """Yield mistakes in moved parameters, targets and objective, and in the choice of a sampler."""
    scenarios = (reading.scenario, *reading.others)
    yield from targets.check_moved(spec.vary, reading, scenarios)
    if bool(spec.targets) == (spec.objective is not None):
        node = reading.node_at("objective") if spec.targets else reading.top
        message = "both targets and" if spec.targets else "neither targets nor"
        expected = "targets to reach, or an objective to maximise or minimise"
        yield node.label.mistake(f"{message} an objective", expected)
    by_name = {scenario.name: scenario for scenario in scenarios}
    yield from targets.check_targets(spec.targets, reading, by_name)
    if spec.objective is not None:
        yield from _check_objective(spec.objective, spec.vary, reading)
    if spec.sampler == "gauss_newton":
        if not spec.targets:
            yield reading.node_at("sampler").place.mistake(
                "gauss_newton needs targets", "targets, or another sampler"
            )
        for path in spec.vary:
            if all(path not in numbers_of(scenario) for scenario in scenarios):
                message = f"gauss_newton cannot move '{path}', a number of a distribution"
                expected = "the path of a number, or another sampler"
                yield reading.node_at("vary", path).label.mistake(message, expected)
    precisions = {1.0, *(target.precision for target in spec.targets)}
    known = {targets.variant_name(name, precision) for name in by_name for precision in precisions}
    for name in spec.fewer:
        if name not in known:
            message, near = f"'{name}' is not one of the scenarios", nearest(name, known)
            yield reading.node_at("fewer", name).label.mistake(message, one_of(sorted(known)), near)
    if spec.finalists > spec.trials:
        message = f"{spec.finalists} finalists of {spec.trials} trials"
        yield reading.node_at("finalists").place.mistake(message, f"at most {spec.trials}")


def _check_objective(
    objective: Objective, vary: Mapping[str, Any], reading: Reading
) -> Iterator[Mistake]:
    """Yield mistakes in an objective: its measure, its level, and its costs."""
    keys = [key for key in ("maximise", "minimise") if getattr(objective, key) is not None]
    if len(keys) != 1:
        message = f"{'both' if keys else 'neither'} maximise {'and' if keys else 'nor'} minimise"
        yield reading.node_at("objective").label.mistake(message, "one of the two")
        return
    try:
        measured = read_measure(reading.node_at("objective", keys[0]), reading.columns)
    except ScenarioError as error:
        yield from error.mistakes
    else:
        enough = objective.enough
        if enough is not None and measured.unit == "share" and not 0 < enough < 1:
            message, expected = f"{enough:g} is not a share", "a number between 0 and 1"
            yield reading.node_at("objective", "enough").place.mistake(message, expected)
    for path, price in objective.cost.items():
        node = reading.node_at("objective", "cost", path)
        if path not in vary:
            message = f"'{path}' is not varied"
            yield node.label.mistake(message, one_of(vary), nearest(path, vary))
        elif price < 0:
            yield node.place.mistake(f"a cost below 0: {price:g}", "0 or more")


# --- Loss of points
#
# If a level is enough, points that reach it are ranked by cost, and all others after them by their shortfall, so that costs
# and shortfalls need no weights (Deb 2000, Computer Methods in Applied Mechanics and Engineering 186, 311-338).

#: Loss of an unknown figure, or of a time that never comes; larger than any known loss.
WORST = 1e9
#: Stored statistics of a figure.
KEPT = ("estimate", "standard_error", "lower", "upper")


@dataclass(frozen=True)
class Goal:
    """An objective with the costs of changes.

    Attributes:
        prices: cost of a unit of change of each parameter.
        own: the scenario's values, from which changes are counted.
        highest_cost: the cost of the farthest point.
    """

    objective: Objective
    prices: Values
    own: Values
    highest_cost: float

    @classmethod
    def of(cls, objective: Objective, tuned: Sequence[Tuned]) -> Goal:
        """Return a checked objective; a level without costs gets the shares of the ranges as costs."""
        own, low, high = np.asarray([(x.middle, x.low, x.high) for x in tuned]).T
        prices = np.asarray([objective.cost.get(x.path, 0.0) for x in tuned])
        if objective.enough is not None and not objective.cost:
            prices = 1.0 / (high - low)
        farthest = np.maximum(np.abs(low - own), np.abs(high - own))
        return cls(objective, prices, own, float(farthest @ prices))

    def cost(self, points: Values) -> Values:
        """Return the costs of points, `(points,)`."""
        return np.asarray(np.abs(points - self.own) @ self.prices)

    def shortfall(self, figures: Mapping[str, Values]) -> Values:
        """Return how far the first of the figures is from the level; 0 if it reaches it."""
        enough, surely = self.objective.enough, self.objective.surely
        if enough is None:
            return np.zeros(len(figures["estimate"]))
        if self.objective.maximise is not None:
            shortfall = enough - figures["lower" if surely else "estimate"][:, 0]
        else:
            shortfall = figures["upper" if surely else "estimate"][:, 0] - enough
        return np.maximum(np.nan_to_num(shortfall, nan=WORST, posinf=WORST, neginf=0.0), 0.0)

    def loss(self, points: Values, figures: Mapping[str, Values]) -> Values:
        """Return the losses of points, `(points,)`; lower is better."""
        cost = self.cost(points)
        if self.objective.enough is None:
            estimate = figures["estimate"][:, 0]
            loss = estimate if self.objective.maximise is None else -estimate
            return np.clip(np.nan_to_num(loss, nan=WORST), -WORST, WORST) + cost
        shortfall = self.shortfall(figures)
        return np.where(shortfall > 0, self.highest_cost + shortfall, cost)


@dataclass(frozen=True)
class Scored:
    """Losses of points, `(points,)`, and the `KEPT` statistics of all watched measures, `(points, watched)`."""

    loss: Values
    figures: dict[str, Values]


@dataclass(frozen=True)
class Problem(targets.Calibration):
    """The parameters to tune and the loss to minimise."""

    @cached_property
    def tuned(self) -> tuple[Tuned, ...]:
        """The parameters."""
        return tuple(Tuned.of(path, keys, self.scenarios) for path, keys in self.spec.vary.items())

    @property
    def start(self) -> Values:
        """The start of the search, as shares of the ranges, `(parameters,)`."""
        return np.asarray([float(tuned.share_of(tuned.start)) for tuned in self.tuned])

    @cached_property
    def goal(self) -> Goal | None:
        """The objective."""
        return None if self.spec.objective is None else Goal.of(self.spec.objective, self.tuned)

    @cached_property
    def watched(self) -> tuple[tuple[Measure, str], ...]:
        """The measures and their scenarios: those of the targets or the objective, then the other outcomes."""
        objective, outcomes = self.spec.objective, super().watched
        if objective is None:
            return outcomes
        written: Any = objective.minimise if objective.maximise is None else objective.maximise
        return ((measure(written), self.scenarios[0].name), *outcomes)

    @property
    def check_replicates(self) -> int:
        """Crises of each scenario with new random numbers; by default four times those of a trial."""
        return int(self.spec.check_replicates or 4 * self.spec.replicates)

    def evaluate(
        self, points: Values | None, replicates: int, seed: int, progress: Progress = ignore
    ) -> Scored:
        """Run and score points `(points, parameters)`, or the unchanged scenarios, all with the same random numbers.

        The loss is that of the goal, or the weighted sum of the targets' squared deviations in standard errors (robust:
        Huber 1964). Progress refers to all scenarios together.
        """
        count = 1 if points is None else len(points)
        figures = {name: np.full((count, len(self.watched)), np.nan) for name in KEPT}
        crises = count * replicates
        for index, (scenario, indices) in enumerate(self.by_scenario()):
            fewer = self.replicates_of(scenario.name) * replicates // self.spec.replicates
            fewer, values = max(fewer, 1), {}
            if points is not None:
                values = targets.parameters_at(scenario, self.tuned, points, fewer, seed)
            done = offset_progress(progress, index * crises, crises * len(self.scenarios))
            design = self.run(scenario, indices, values, fewer, seed, done)
            for k in indices:
                for name in KEPT:
                    figures[name][:, k] = getattr(design.measured[str(k)], name)
        if self.goal is not None:
            points = np.asarray([self.goal.own]) if points is None else points
            return Scored(self.goal.loss(points, figures), figures)
        robust, miss = self.spec.robust, np.abs(self.misses(figures))
        losses = miss**2
        if robust is not None:
            losses = np.where(miss > robust, robust * (2 * miss - robust), losses)
        return Scored(np.asarray(losses @ self.weights), figures)

    def by_scenario(self) -> Iterator[tuple[Scenario, list[int]]]:
        """Yield the scenarios with measures, and the indices of their measures in `watched`."""
        for scenario in self.scenarios:
            indices = [k for k, (_, name) in enumerate(self.watched) if name == scenario.name]
            if indices:
                yield scenario, indices

    def replicates_of(self, scenario: str) -> int:
        """Return the number of crises of a scenario in a trial."""
        default = int(self.spec.replicates)
        return min(int(self.spec.fewer.get(scenario, default)), default)

    def run(
        self,
        scenario: Scenario,
        indices: Sequence[int],
        values: Mapping[str, Values],
        replicates: int,
        seed: int,
        progress: Progress = ignore,
    ) -> Design:
        """Run a scenario with values (see `run_design`); measures are named by their indices in `watched`."""
        return run_design(
            scenario,
            values,
            [replace(self.watched[k][0], name=str(k)) for k in indices],  # names may not be unique
            replicates,
            seed,
            replace(
                self.options,
                agents=(*self.options.agents, *self.spec.agents),
                roles=applicable_roles(scenario, self.options.roles),
                progress=progress,
            ),
        )

    def points_of(self, shares: Values) -> Values:
        """Return points from their shares of the ranges, `(points, parameters)`."""
        return np.stack([tuned.at(shares[:, k]) for k, tuned in enumerate(self.tuned)], axis=1)

    def shares_of(self, points: Values) -> Values:
        """Return the shares of the ranges at which points lie, `(points, parameters)`."""
        return np.stack(
            [tuned.share_of(points[:, k]) for k, tuned in enumerate(self.tuned)], axis=1
        )

    @property
    def weights(self) -> Values:
        """The weights of the targets, `(targets,)`."""
        return np.asarray([aim.target.weight for aim in self.aims])

    def weighted(self, miss: Values) -> Values:
        """Return the weights of targets with given deviations, `(targets,)`; robust losses reduce large ones."""
        return np.asarray(self.weights * robust_weight(miss, self.spec.robust))

    def misses(self, figures: Mapping[str, Values]) -> Values:
        """Return the deviations of figures from the targets in standard errors, `(points, targets)`."""
        with_error = self.spec.monte_carlo_error
        estimates, errors = figures["estimate"].T, figures["standard_error"].T
        deviations = [
            aim.deviation(estimates[k], errors[k] if with_error else None)
            for k, aim in enumerate(self.aims)
        ]
        return np.stack(deviations, axis=1)


# --- Trials on disk, to resume from
#
# The journal is that of an Optuna study, which Optuna's dashboard can read. The seal contains the experiment's digest, and
# the journal's length and checksum after each generation. All generations from the first wrong checksum on are run again.

JOURNAL, SEAL = "journal.log", "journal.json"


class Journal:
    """The trials of a search on disk, if it has a folder.

    Attributes:
        trials: those of complete generations in the folder.

    Raises:
        ResultsError: if the folder cannot be read or written.
    """

    def __init__(self, experiment: Experiment, options: RunOptions) -> None:
        self.trials: list[FrozenTrial] = []
        self._folder, self._digest = options.folder, experiment.digest
        self._ends: list[tuple[int, str]] = []
        self._study: Study | None = None
        if self._folder is None:
            return
        import optuna
        from optuna.storages.journal import JournalFileBackend

        path, content = self._folder / JOURNAL, b""
        if options.resume and safe_files.inside(self._folder, JOURNAL).exists():
            content = self._intact(self._folder, options)
        # The folder is locked already.
        lock: Any = SimpleNamespace(acquire=lambda: True, release=lambda: None)
        open_study = optuna.load_study if content else optuna.create_study
        with writing(self._folder), safe_files.reading(self._folder):
            safe_files.write_durably(path, content)
            storage = optuna.storages.JournalStorage(JournalFileBackend(str(path), lock))
            self._study = open_study(storage=storage, study_name=experiment.name)
            self.trials = self._study.get_trials(deepcopy=False)
        if not content:
            self.add([])

    def add(self, trials: Sequence[FrozenTrial]) -> None:
        """Write the trials of a generation, and the checksum of the journal with them."""
        if self._study is None or self._folder is None:
            return
        with writing(self._folder):
            self._study.add_trials(trials)
            content = (self._folder / JOURNAL).read_bytes()
            self._ends.append((len(content), safe_files.digest_of(content)))
            seal = safe_files.with_checksum({"experiment": self._digest, "ends": self._ends})
            safe_files.write_durably(self._folder / SEAL, safe_files.as_json(seal))

    def _intact(self, folder: Path, options: RunOptions) -> bytes:
        """Return the journal up to the last generation with a correct checksum."""
        content = safe_files.read_bytes(folder, JOURNAL)
        ends: list[tuple[int, str]] = []
        try:
            with safe_files.reading(folder):
                seal = safe_files.read_json(folder, SEAL)
                ends = seal["ends"] if seal["experiment"] == self._digest else []
                self._ends = [
                    *takewhile(lambda end: safe_files.digest_of(content[: end[0]]) == end[1], ends)
                ]
        except ResultsError as error:
            options.on_message(f"the search starts again: {error}")
        if len(self._ends) < len(ends):
            options.on_message(
                f"{folder / JOURNAL}: generation {max(len(self._ends), 1)} does not match its checksum: "
                "this and all later generations are run again"
            )
        return content[: self._ends[-1][0]] if self._ends else b""


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Optuna except for errors."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


# --- The search: generations of trials. Each generation is a batch, and all have the same random numbers.


@dataclass(frozen=True)
class Trials(Scored):
    """The trials of a search in order.

    Attributes:
        points: parameters, `(trials, parameters)`.
        generation: generation of each trial, `(trials,)`.
        importance: importance of each parameter for being among the best trials, `(parameters,)`; the sum is 1.
        best: index of the best trial.
    """

    points: Values
    generation: NDArray[np.int64]
    importance: Values
    best: int


def search(problem: Problem, options: RunOptions) -> Trials:
    """Search for the best point; if interrupted, finished generations are in the journal."""
    import optuna

    with quiet():
        journal = Journal(problem.experiment, options)
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler())
        study.add_trials(journal.trials)
        try:
            _make_trials(problem, study, journal, options)
        except KeyboardInterrupt:
            if study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,)):
                options.on_message(f"best so far: {_best_so_far(problem, study)}")
            raise
        trials = study.get_trials(deepcopy=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about few trials
            # PED-ANOVA on the best tenth: Watanabe, Bansal and Hutter 2023, IJCAI 32, 4389-4396.
            importance = optuna.importance.get_param_importances(study)
    loss = np.asarray([trial.value for trial in trials], dtype=np.float64)
    return Trials(
        loss,
        {name: np.asarray([trial.user_attrs[name] for trial in trials]) for name in KEPT},
        _points(problem, trials),
        np.asarray([trial.user_attrs["generation"] for trial in trials]),
        np.asarray([importance.get(tuned.path, 0.0) for tuned in problem.tuned]),
        int(np.argmin(loss)),
    )


def sizes_of(problem: Problem) -> list[int]:
    """Return the number of trials of each generation; by default Hansen's 4 + 3 ln n, but at least 8."""
    default = max(4 + int(3 * np.log(len(problem.tuned))), 8)
    size = problem.spec.generation or (5 if problem.spec.sampler == "gauss_newton" else default)
    full, rest = divmod(problem.spec.trials, size)
    return [size] * full + [rest] * (rest > 0)


def _make_trials(problem: Problem, study: Study, journal: Journal, options: RunOptions) -> None:
    """Run the generations that are missing in the study."""
    spec, tuned, sizes = problem.spec, problem.tuned, sizes_of(problem)
    learner: Evolution | Steps | None = None
    if spec.sampler == "gauss_newton":
        learner = Steps(problem)
    elif spec.sampler == "cmaes":
        learner = Evolution(spec.seed, max(sizes), problem.start, spec.spread)
    per_trial = spec.replicates * len(problem.scenarios)
    done, best = 0, np.inf
    for generation, size in enumerate(sizes):
        # Existing trials are replayed, so that the learner reaches the state it had.
        shares = learner.ask(size) if learner else None
        trials: Sequence[FrozenTrial] = study.get_trials(deepcopy=False)[done : done + size]
        if not trials:
            if spec.sampler == "sobol":
                shares = sobol_points(spec.seed, len(tuned), size, done)
            progress = offset_progress(options.progress, done * per_trial, spec.trials * per_trial)
            asked = _ask(problem, study, generation, size, shares)
            points = _points(problem, asked)
            scored = problem.evaluate(points, spec.replicates, spec.seed, progress)
            for k, trial in enumerate(asked):
                figures = {name: scored.figures[name][k].tolist() for name in KEPT}
                for key, value in {"generation": generation, **figures}.items():
                    trial.set_user_attr(key, value)
                study.tell(trial, float(scored.loss[k]))
            trials = study.get_trials(deepcopy=False)[-size:]
            journal.add(trials)
            if study.best_value < best or generation == len(sizes) - 1:
                so_far = _best_so_far(problem, study)
                options.on_message(
                    f"generation {generation + 1} of {len(sizes)}: best so far {so_far}"
                )
        losses = np.asarray([trial.value for trial in trials], dtype=np.float64)
        best = min(best, losses.min())
        if learner:
            learner.tell(problem.shares_of(_points(problem, trials)), losses)
        done += size


def _ask(
    problem: Problem, study: Study, generation: int, size: int, shares: Values | None
) -> list[Trial]:
    """Return the trials of a generation: points at given shares of the ranges, or points of Optuna's samplers.

    The first trial is the start.
    """
    from optuna.distributions import FloatDistribution
    from optuna.samplers import RandomSampler, TPESampler

    spec, tuned = problem.spec, problem.tuned
    ranges: Any = {x.path: FloatDistribution(x.low, x.high, log=x.scale == "log") for x in tuned}
    if generation == 0:
        study.enqueue_trial({x.path: x.start for x in tuned})
    if shares is None:
        sampler = TPESampler if spec.sampler == "tpe" else RandomSampler
        study.sampler = sampler(seed=seed_of(spec.seed, generation))
    else:
        for point in (shares[1:] if generation == 0 else shares).tolist():
            pairs = zip(tuned, point, strict=True)
            study.enqueue_trial({x.path: float(x.at(share)) for x, share in pairs})
    return [study.ask(ranges) for _ in range(size)]


def _points(problem: Problem, trials: Sequence[Trial | FrozenTrial]) -> Values:
    paths = [tuned.path for tuned in problem.tuned]
    return np.asarray([[trial.params[path] for path in paths] for trial in trials])


def _best_so_far(problem: Problem, study: Study) -> str:
    best, goal = study.best_trial, problem.goal
    value = f"a loss of {best.value:.4g}"
    if goal is not None:
        unit = problem.watched[0][0].unit
        value = phrases.with_unit(best.user_attrs["estimate"][0], unit)
        if goal.prices.any():
            value += f" at a cost of {float(goal.cost(_points(problem, [best])[0])):.3g}"
        if goal.objective.enough is not None and study.best_value > goal.highest_cost:
            value += f" (not yet {phrases.with_unit(goal.objective.enough, unit)})"
    return f"{value}, trial {best.number + 1} of {len(study.trials)}"


# --- Trials that are about as good as the best

#: Largest relative difference of costs that count as about equal.
ABOUT_AS_CHEAP = 0.1


def tolerance_of(problem: Problem, trials: Trials) -> float:
    """Return the largest difference from the best loss at which a trial counts as about as good.

    By default it is, for targets, the likelihood-ratio limit of a single parameter at 95% (for normal, independent errors)
    and, for an objective, the margin of its Monte Carlo error.
    """
    goal, best = problem.goal, trials.best
    if problem.spec.tolerance:
        return float(problem.spec.tolerance)
    if goal is None:
        return normal_quantile() ** 2
    if goal.objective.enough is not None and trials.loss[best] <= goal.highest_cost:
        return ABOUT_AS_CHEAP * float(trials.loss[best])
    error = trials.figures["standard_error"][best, 0]
    return float(np.nan_to_num(normal_quantile() * error))
