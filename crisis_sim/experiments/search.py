"""A search for the best points: its keys, what counts as good, where to look next, and its trials on disk."""

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

from crisis_sim.batch import files
from crisis_sim.batch.files import ResultsError, writing
from crisis_sim.batch.rules import applicable_roles
from crisis_sim.experiments import calibrate, phrases
from crisis_sim.experiments.calibrate import Evolution, Tuned, seed_of
from crisis_sim.experiments.design import Design, run_design, sobol_points
from crisis_sim.experiments.factors import Values
from crisis_sim.experiments.gauss_newton import Steps, robust_weight
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
from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.outcomes.measures import Measure
from crisis_sim.outcomes.names import measure, read_measure
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

    maximise: WrittenMeasure | None = entry("what should be high", None)
    minimise: WrittenMeasure | None = entry("what should be low", None)
    enough: float | None = entry(
        "how high, or low, is enough; the least cost that gives it is sought then", None
    )
    surely: bool = flag(
        "whether the whole 95% interval, not the estimate alone, must be beyond enough"
    )
    cost: dict[str, float] = Field(
        default_factory=dict,
        description="by parameter, what moving it by one unit from the scenario's own value costs",
    )


class TuneSpec(calibrate.CalibrationSpec):
    """A search for the parameters that reach targets, or an objective."""

    kind: Literal["tune"] = entry("what kind of experiment it is")
    vary: dict[str, calibrate.TunedRange] = entry(
        "the parameters that may be moved, by path, each with its range", min_length=1
    )
    robust: float | None = entry(
        "standard errors beyond which a target that is missed counts in proportion, "
        "not by the square (Huber)",
        None,
        gt=0,
    )
    monte_carlo_error: bool = flag("whether the error of few replicates widens each target's")
    objective: Objective | None = entry("what should be high or low", None)
    observe: bool = flag(
        "whether an observer counts answers, acts and halts, so that they can be measured "
        "(docs/outcomes.md)"
    )
    sampler: Literal["cmaes", "gauss_newton", "tpe", "sobol", "random"] = entry(
        "how the next points are chosen", "cmaes"
    )
    jitter: float = entry(
        "for gauss_newton: how far each crisis's own parameters lie from the point whose slopes are asked for, "
        "as a share of each range",
        0.04,
        gt=0,
        le=0.25,
    )
    fewer: dict[str, int] = Field(
        default_factory=dict, description="by scenario, crises of it where fewer will do"
    )
    sets: int = whole_number(
        "so many parameter sets that fit about as well are found", 0, least=0, most=100_000
    )
    trials: int = whole_number("points to try, one after the other", least=2, most=MOST_TRIALS)
    generation: int | None = whole_number(
        "points tried together before the next are chosen", None, least=4, most=None
    )
    spread: float = entry(
        "how far from the start CMA-ES looks at first, as a share of each range", 0.25, gt=0, le=1
    )
    tolerance: float | None = entry(
        "how much worse than the best a trial may be to count as good", None, gt=0
    )
    finalists: int = whole_number(
        "so many of the best trials are run again with fresh luck, and the best of these is the answer",
        1,
        most=MOST_TRIALS,
    )
    slices: int | None = whole_number(
        "values to which each parameter of the best is then moved alone, to see how well "
        "it is pinned down; none where left out",
        None,
        least=3,
        most=1000,
    )
    check_replicates: int | None = whole_number(
        "crises with fresh luck on which the best is checked; "
        "four times the replicates where left out",
        None,
    )

    @property
    def agents(self) -> tuple[Any, ...]:
        """The observer, where it is asked for."""
        if not self.observe:
            return ()
        from crisis_sim.model.observer import Observer

        return (Observer,)


def check(spec: TuneSpec, reading: Reading) -> Iterator[Mistake]:
    """The mistakes that a search's types cannot tell: in what is moved and aimed for, and what a sampler cannot do."""
    scenarios = (reading.scenario, *reading.others)
    yield from calibrate.check_moved(spec.vary, reading, scenarios)
    if bool(spec.targets) == (spec.objective is not None):
        where = reading.node_at("objective") if spec.targets else reading.top
        said = "both targets and an" if spec.targets else "neither targets nor an"
        expected = "targets to reach, or an objective to maximise or minimise"
        yield where.label.mistake(f"{said} objective", expected)
    yield from calibrate.check_targets(spec.targets, reading, {one.name: one for one in scenarios})
    if spec.objective is not None:
        yield from _check_objective(spec.objective, spec.vary, reading)
    if spec.sampler == "gauss_newton":
        if not spec.targets:
            yield reading.node_at("sampler").place.mistake(
                "nothing to take steps towards", "targets"
            )
        for path in spec.vary:
            if all(path not in numbers_of(one) for one in scenarios):
                message = f"steps cannot move '{path}', a number inside a distribution"
                expected = "the path of a number, or another sampler"
                yield reading.node_at("vary", path).label.mistake(message, expected)
    precisions = {1.0, *(target.precision for target in spec.targets)}
    known = {calibrate.variant_name(one.name, times) for one in scenarios for times in precisions}
    for name in spec.fewer:
        if name not in known:
            said, near = f"'{name}' is none of the scenarios", nearest(name, known)
            yield reading.node_at("fewer", name).label.mistake(said, one_of(sorted(known)), near)
    if spec.finalists > spec.trials:
        message = f"{spec.finalists} finalists of {spec.trials} trials"
        yield reading.node_at("finalists").place.mistake(message, f"at most {spec.trials}")


def _check_objective(
    objective: Objective, vary: Mapping[str, Any], reading: Reading
) -> Iterator[Mistake]:
    """The mistakes in an objective: its measure, how much is enough, and its costs."""
    given = [key for key in ("maximise", "minimise") if getattr(objective, key) is not None]
    if len(given) != 1:
        yield reading.node_at("objective").label.mistake(
            f"{' and '.join(given) or 'nothing'} to aim for", "either maximise or minimise"
        )
        return
    try:
        measured = read_measure(reading.node_at("objective", given[0]), reading.columns)
    except ScenarioError as error:
        yield from error.mistakes
    else:
        enough = objective.enough
        if enough is not None and measured.unit == "share" and not 0 < enough < 1:
            message, expected = f"no share to reach: {enough:g}", "a number between 0 and 1"
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
# Where a level is enough, points that reach it are ranked by cost, others by their shortfall, after all of those
# (Deb 2000, Computer Methods in Applied Mechanics and Engineering 186, 311-338). So the two need no weights.

#: The loss of an unknown figure, or of a time that never comes: more than any known loss.
WORST = 1e9
#: Statistics of a figure that are kept.
KEPT = ("estimate", "standard_error", "lower", "upper")


@dataclass(frozen=True)
class Goal:
    """An objective; what a unit of change of each parameter costs, from its own value, and the most to be spent."""

    objective: Objective
    prices: Values
    own: Values
    dearest: float

    @classmethod
    def of(cls, objective: Objective, tuned: Sequence[Tuned]) -> Goal:
        """An objective that was checked; of what is enough without costs, shares of the ranges are the cost."""
        own, low, high = np.asarray([(one.middle, one.low, one.high) for one in tuned]).T
        prices = np.asarray([objective.cost.get(one.path, 0.0) for one in tuned])
        if objective.enough is not None and not objective.cost:
            prices = 1.0 / (high - low)
        farthest = np.maximum(np.abs(low - own), np.abs(high - own))
        return cls(objective, prices, own, float(farthest @ prices))

    def cost(self, points: Values) -> Values:
        """Costs of points, `(points,)`."""
        return np.asarray(np.abs(points - self.own) @ self.prices)

    def shortfall(self, figures: Mapping[str, Values]) -> Values:
        """How far the first of the figures is from being enough; 0 where it is."""
        enough, surely = self.objective.enough, self.objective.surely
        if enough is None:
            return np.zeros(len(figures["estimate"]))
        if self.objective.maximise is not None:
            short = enough - figures["lower" if surely else "estimate"][:, 0]
        else:
            short = figures["upper" if surely else "estimate"][:, 0] - enough
        return np.maximum(np.nan_to_num(short, nan=WORST, posinf=WORST, neginf=0.0), 0.0)

    def loss(self, points: Values, figures: Mapping[str, Values]) -> Values:
        """How bad points are, `(points,)`: the lower, the better."""
        cost = self.cost(points)
        if self.objective.enough is None:
            estimate = figures["estimate"][:, 0]
            bad = estimate if self.objective.maximise is None else -estimate
            return np.clip(np.nan_to_num(bad, nan=WORST), -WORST, WORST) + cost
        short = self.shortfall(figures)
        return np.where(short > 0, self.dearest + short, cost)


@dataclass(frozen=True)
class Scored:
    """Loss of points, `(points,)`, and the `KEPT` statistics of all watched measures by name, `(points, watched)`."""

    loss: Values
    figures: dict[str, Values]


@dataclass(frozen=True)
class Problem(calibrate.Calibration):
    """The parameters to tune and the loss to minimise."""

    @cached_property
    def tuned(self) -> tuple[Tuned, ...]:
        """The parameters."""
        return tuple(Tuned.of(path, of, self.scenarios) for path, of in self.spec.vary.items())

    @property
    def start(self) -> Values:
        """Where the search begins, as shares of the ranges, `(parameters,)`."""
        return np.asarray([float(one.share_of(one.start)) for one in self.tuned])

    @cached_property
    def goal(self) -> Goal | None:
        """The objective."""
        return None if self.spec.objective is None else Goal.of(self.spec.objective, self.tuned)

    @cached_property
    def watched(self) -> tuple[tuple[Measure, str], ...]:
        """What is measured, in which scenario: the targets, or the objective; then the other outcomes."""
        objective, outcomes = self.spec.objective, super().watched
        if objective is None:
            return outcomes
        aim: Any = objective.minimise if objective.maximise is None else objective.maximise
        return ((measure(aim), self.scenarios[0].name), *outcomes)

    @property
    def check_replicates(self) -> int:
        """Crises of each scenario with fresh luck: four times those of a trial, if the file does not say."""
        return int(self.spec.check_replicates or 4 * self.spec.replicates)

    def at(
        self, points: Values | None, replicates: int, seed: int, progress: Progress = ignore
    ) -> Scored:
        """Run and score points `(points, parameters)`, or the scenarios as they are, all with the same luck.

        The loss is that of the goal, or the weighted sum over targets of squared distances in standard errors (robust:
        Huber 1964). Progress is that of all scenarios.
        """
        count = 1 if points is None else len(points)
        figures = {name: np.full((count, len(self.watched)), np.nan) for name in KEPT}
        each = count * replicates
        for index, (scenario, own) in enumerate(self.by_scenario()):
            fewer = self.replicates_of(scenario.name) * replicates // self.spec.replicates
            fewer, values = max(fewer, 1), {}
            if points is not None:
                values = calibrate.parameters_at(scenario, self.tuned, points, fewer, seed)
            done = offset_progress(progress, index * each, each * len(self.scenarios))
            design = self.run(scenario, own, values, fewer, seed, done)
            for k in own:
                for name in KEPT:
                    figures[name][:, k] = getattr(design.measured[str(k)], name)
        if self.goal is not None:
            at = np.asarray([self.goal.own]) if points is None else points
            return Scored(self.goal.loss(at, figures), figures)
        robust, far = self.spec.robust, np.abs(self.misses(figures))
        off = far**2
        if robust is not None:
            off = np.where(far > robust, robust * (2 * far - robust), off)
        return Scored(np.asarray(off @ self.weights), figures)

    def by_scenario(self) -> Iterator[tuple[Scenario, list[int]]]:
        """The scenarios in which something is measured, and the numbers of what is `watched` in each."""
        for scenario in self.scenarios:
            own = [k for k, (_, name) in enumerate(self.watched) if name == scenario.name]
            if own:
                yield scenario, own

    def replicates_of(self, scenario: str) -> int:
        """Crises of a scenario in a trial."""
        usual = int(self.spec.replicates)
        return min(int(self.spec.fewer.get(scenario, usual)), usual)

    def run(
        self,
        scenario: Scenario,
        own: Sequence[int],
        values: Mapping[str, Values],
        replicates: int,
        seed: int,
        progress: Progress = ignore,
    ) -> Design:
        """Run a scenario with values as `run_design` takes them, and measure what is `watched` there by its number."""
        return run_design(
            scenario,
            values,
            [replace(self.watched[k][0], name=str(k)) for k in own],  # two may have one name
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
        """Points by the shares of the ranges at which they lie, `(points, parameters)`."""
        return np.stack([one.at(shares[:, k]) for k, one in enumerate(self.tuned)], axis=1)

    def shares_of(self, points: Values) -> Values:
        """How far along the ranges points lie, `(points, parameters)`."""
        return np.stack([one.share_of(points[:, k]) for k, one in enumerate(self.tuned)], axis=1)

    @property
    def weights(self) -> Values:
        """What each target counts, `(targets,)`."""
        return np.asarray([aim.target.weight for aim in self.aims])

    def weighted(self, miss: Values) -> Values:
        """What each target counts at its miss, `(targets,)`: less than the square of one that is far off (robust)."""
        return np.asarray(self.weights * robust_weight(miss, self.spec.robust))

    def misses(self, figures: Mapping[str, Values]) -> Values:
        """How many standard errors above each target figures are, `(points, targets)`."""
        widened = self.spec.monte_carlo_error
        estimates, errors = figures["estimate"].T, figures["standard_error"].T
        apart = [
            aim.apart(estimates[k], errors[k] if widened else None)
            for k, aim in enumerate(self.aims)
        ]
        return np.stack(apart, axis=1)


# --- Trials on disk, to resume from: Optuna's journal of a study, which its dashboard reads, and the experiment's
# digest with the journal's length after each generation and the checksum of so much. What follows a wrong one
# is run again.

JOURNAL, SEAL = "journal.log", "journal.json"


class Journal:
    """The trials of a search in its folder, where it has one; `trials` are those of whole generations in it.

    Raises:
        ResultsError: when the folder cannot be read or written.
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

        path, kept = self._folder / JOURNAL, b""
        if options.resume and files.inside(self._folder, JOURNAL).exists():
            kept = self._kept(self._folder, options)
        # The folder is locked already.
        lock: Any = SimpleNamespace(acquire=lambda: True, release=lambda: None)
        begin = optuna.load_study if kept else optuna.create_study
        with writing(self._folder), files.reading(self._folder):
            files.write_durably(path, kept)
            storage = optuna.storages.JournalStorage(JournalFileBackend(str(path), lock))
            self._study = begin(storage=storage, study_name=experiment.name)
            self.trials = self._study.get_trials(deepcopy=False)
        if not kept:
            self.add([])

    def add(self, trials: Sequence[FrozenTrial]) -> None:
        """Write a generation's trials down, and a checksum of all up to them."""
        if self._study is None or self._folder is None:
            return
        with writing(self._folder):
            self._study.add_trials(trials)
            content = (self._folder / JOURNAL).read_bytes()
            self._ends.append((len(content), files.digest_of(content)))
            seal = files.with_checksum({"experiment": self._digest, "ends": self._ends})
            files.write_durably(self._folder / SEAL, files.as_json(seal))

    def _kept(self, folder: Path, options: RunOptions) -> bytes:
        """A journal as far as it is whole."""
        content = files.read_bytes(folder, JOURNAL)
        ends: list[tuple[int, str]] = []
        try:
            with files.reading(folder):
                seal = files.read_json(folder, SEAL)
                ends = seal["ends"] if seal["experiment"] == self._digest else []
                self._ends = whole_ends(content, ends)
        except ResultsError as error:
            options.on_message(f"the search is done again: {error}")
        if len(self._ends) < len(ends):
            options.on_message(
                f"{folder / JOURNAL}: generation {max(len(self._ends), 1)} is not what its checksum "
                "says: it and what follows is done again"
            )
        return content[: self._ends[-1][0]] if self._ends else b""


def whole_ends(content: bytes, ends: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """The lengths up to which a journal matches its checksums, one after the other."""
    return [*takewhile(lambda end: files.digest_of(content[: end[0]]) == end[1], ends)]


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Optuna but for errors, and its warnings of experimental features."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


# --- The search: generations of trials, each one batch with the same luck


@dataclass(frozen=True)
class Trials(Scored):
    """The trials of a search, in their order.

    Attributes:
        points, generation: parameters, `(trials, parameters)`, and the generation of each, `(trials,)`.
        importance: of each parameter its share in what sets the best trials apart, `(parameters,)`.
        best: the number of the best trial.
    """

    points: Values
    generation: NDArray[np.int64]
    importance: Values
    best: int


def search(problem: Problem, options: RunOptions) -> Trials:
    """Look for the best point; on Ctrl-C the generations that were finished are in the journal."""
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
            warnings.simplefilter("ignore", UserWarning)  # of trials too few to tell anything
            # PED-ANOVA on the best tenth: Watanabe, Bansal and Hutter 2023, IJCAI 32, 4389-4396.
            found = optuna.importance.get_param_importances(study)
    loss = np.asarray([trial.value for trial in trials], dtype=np.float64)
    return Trials(
        loss,
        {name: np.asarray([one.user_attrs[name] for one in trials]) for name in KEPT},
        _points(problem, trials),
        np.asarray([trial.user_attrs["generation"] for trial in trials]),
        np.asarray([found.get(one.path, 0.0) for one in problem.tuned]),
        int(np.argmin(loss)),
    )


def sizes_of(problem: Problem) -> list[int]:
    """How many trials each generation has; where nothing is said Hansen's 4 + 3 ln n, and no fewer than 8."""
    usual = max(4 + int(3 * np.log(len(problem.tuned))), 8)
    size = problem.spec.generation or (5 if problem.spec.sampler == "gauss_newton" else usual)
    whole, rest = divmod(problem.spec.trials, size)
    return [size] * whole + [rest] * (rest > 0)


def _make_trials(problem: Problem, study: Study, journal: Journal, options: RunOptions) -> None:
    """Make the generations that the study does not hold yet."""
    spec, tuned, sizes = problem.spec, problem.tuned, sizes_of(problem)
    learner: Evolution | Steps | None = None
    if spec.sampler == "gauss_newton":
        learner = Steps(problem)
    elif spec.sampler == "cmaes":
        learner = Evolution(spec.seed, max(sizes), problem.start, spec.spread)
    per_trial = spec.replicates * len(problem.scenarios)
    done, best = 0, np.inf
    for generation, size in enumerate(sizes):
        # Of trials that are there it is asked, too: so it comes to the state in which it was.
        shares = learner.ask(size) if learner else None
        made: Sequence[FrozenTrial] = study.get_trials(deepcopy=False)[done : done + size]
        if not made:
            if spec.sampler == "sobol":
                shares = sobol_points(spec.seed, len(tuned), size, done)
            progress = offset_progress(options.progress, done * per_trial, spec.trials * per_trial)
            asked = _ask(problem, study, generation, size, shares)
            points = _points(problem, asked)
            scored = problem.at(points, spec.replicates, spec.seed, progress)
            for k, trial in enumerate(asked):
                figures = {name: scored.figures[name][k].tolist() for name in KEPT}
                for key, value in {"generation": generation, **figures}.items():
                    trial.set_user_attr(key, value)
                study.tell(trial, float(scored.loss[k]))
            made = study.get_trials(deepcopy=False)[-size:]
            journal.add(made)
            if study.best_value < best or generation == len(sizes) - 1:
                so_far = _best_so_far(problem, study)
                said = f"generation {generation + 1} of {len(sizes)}: best so far {so_far}"
                options.on_message(said)
        losses = np.asarray([trial.value for trial in made], dtype=np.float64)
        best = min(best, losses.min())
        if learner:
            learner.tell(problem.shares_of(_points(problem, made)), losses)
        done += size


def _ask(
    problem: Problem, study: Study, generation: int, size: int, shares: Values | None
) -> list[Trial]:
    """Ask for a generation's points, the start first: those at shares of the ranges, or a sampler's of Optuna."""
    from optuna.distributions import FloatDistribution
    from optuna.samplers import RandomSampler, TPESampler

    spec, tuned = problem.spec, problem.tuned
    ranges: Any = {
        one.path: FloatDistribution(one.low, one.high, log=one.scale == "log") for one in tuned
    }
    if generation == 0:
        study.enqueue_trial({one.path: one.start for one in tuned})
    if shares is None:
        sampler = TPESampler if spec.sampler == "tpe" else RandomSampler
        study.sampler = sampler(seed=seed_of(spec.seed, generation))
    else:
        for point in (shares[1:] if generation == 0 else shares).tolist():
            at = zip(tuned, point, strict=True)
            study.enqueue_trial({one.path: float(one.at(share)) for one, share in at})
    return [study.ask(ranges) for _ in range(size)]


def _points(problem: Problem, trials: Sequence[Trial | FrozenTrial]) -> Values:
    paths = [one.path for one in problem.tuned]
    return np.asarray([[trial.params[path] for path in paths] for trial in trials])


def _best_so_far(problem: Problem, study: Study) -> str:
    best, goal = study.best_trial, problem.goal
    said = f"a loss of {best.value:.4g}"
    if goal is not None:
        unit = problem.watched[0][0].unit
        said = phrases.with_unit(best.user_attrs["estimate"][0], unit)
        if goal.prices.any():
            said += f" at a cost of {float(goal.cost(_points(problem, [best])[0])):.3g}"
        if goal.objective.enough is not None and study.best_value > goal.dearest:
            said += f" (not yet {phrases.with_unit(goal.objective.enough, unit)})"
    return f"{said}, trial {best.number + 1} of {len(study.trials)}"


# --- Trials that are about as good as the best

#: A cost that is higher by no more than this share counts as about as good.
ABOUT_AS_CHEAP = 0.1


def tolerance_of(problem: Problem, trials: Trials) -> float:
    """How much worse than the best counts as about as good, where the file does not say.

    Of targets what the likelihood allows a single parameter at 95%, if their errors are normal and independent; of an
    objective the reach of its Monte Carlo error.
    """
    goal, best = problem.goal, trials.best
    if problem.spec.tolerance:
        return float(problem.spec.tolerance)
    if goal is None:
        return normal_quantile() ** 2
    if goal.objective.enough is not None and trials.loss[best] <= goal.dearest:
        return ABOUT_AS_CHEAP * float(trials.loss[best])
    error = trials.figures["standard_error"][best, 0]
    return float(np.nan_to_num(normal_quantile() * error))
