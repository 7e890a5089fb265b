"""Tune: the parameters with which crises show what they should, or with which something is most likely.

Optuna asks for points and is told how bad each is; a generation of them is one batch, whose points
share the luck of each replicate, as do all generations. The best of many is partly the luckiest, so
what is found is run once more with fresh luck; with `finalists`, so are the best of the trials, and
what does best then is the answer. Trials go to a journal, so that a search goes on where it was cut
short and finds what it would have found.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from crisis_sim import text as wording
from crisis_sim.experiments import spec as words
from crisis_sim.experiments.calibrate import (
    GENERATION,
    SIZE,
    Aim,
    Evolution,
    Target,
    Tuned,
    TunedRange,
    Values,
    aims_of,
    check_moved,
    check_targets,
    file_name,
    open_journal,
    parameters_at,
    quiet,
    scenario_files,
    seed_of,
    share_of,
    sobol_points,
)
from crisis_sim.experiments.design import run_design
from crisis_sim.experiments.spec import (
    MOST,
    Experiment,
    Findings,
    Reading,
    RunOptions,
    Spec,
    WrittenMeasure,
)
from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.outcomes.measures import Measure
from crisis_sim.outcomes.names import measure, read_measure
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.scenario.numbers import Part
from crisis_sim.scenario.schema import Scenario

if TYPE_CHECKING:
    import pyarrow as pa
    from optuna import Study
    from optuna.trial import FrozenTrial

ANSWERS = "which parameters reach targets, or make something most likely at least cost"
#: Beside those of a batch, the libraries on which what it finds depends.
LIBRARIES = ("optuna", "cmaes")

# --- Keys

MOST_TRIALS = 1_000_000


class Objective(Part):
    """What is to be as high, or as low, as can be, and at what cost."""

    maximise: WrittenMeasure | None = Field(None, description="what should be high")
    minimise: WrittenMeasure | None = Field(None, description="what should be low")
    enough: float | None = Field(
        None, description="how high, or low, is enough; the least cost that gives it is sought then"
    )
    surely: bool = Field(
        False,
        description="whether the whole 95% interval, not the estimate alone, must be beyond enough",
        strict=True,
    )
    cost: dict[str, float] = Field(
        default_factory=dict,
        description="by parameter, what moving it by one unit from the scenario's own value costs",
    )


class TuneSpec(Spec):
    """A search for the parameters that reach targets, or an objective."""

    kind: Literal["tune"] = Field(description="what kind of experiment it is")
    others: tuple[str, ...] = Field(
        (), description="scenarios tuned together with the first, on the same parameters"
    )
    vary: dict[str, TunedRange] = Field(
        min_length=1, description="the parameters that may be moved, by path, each with its range"
    )
    targets: tuple[Target, ...] = Field((), description="figures that crises should show")
    robust: float | None = Field(
        None,
        description="standard errors beyond which a target that is missed counts in proportion, "
        "not by the square (Huber)",
        gt=0,
    )
    monte_carlo_error: bool = Field(
        False, description="whether the error of few replicates widens each target's", strict=True
    )
    objective: Objective | None = Field(None, description="what should be high or low")
    observe: bool = Field(
        False,
        description="whether an observer counts answers, acts and halts, so that they can be measured "
        "(docs/outcomes.md)",
        strict=True,
    )
    sampler: Literal["cmaes", "tpe", "sobol", "random"] = Field(
        "cmaes", description="how the next points are chosen"
    )
    trials: int = Field(
        description="points to try, one after the other", strict=True, ge=2, le=MOST_TRIALS
    )
    generation: int | None = Field(
        None, description="points tried together before the next are chosen", strict=True, ge=4
    )
    spread: float = Field(
        0.25,
        description="how far from the start CMA-ES looks at first, as a share of each range",
        gt=0,
        le=1,
    )
    tolerance: float | None = Field(
        None, description="how much worse than the best a trial may be to count as good", gt=0
    )
    finalists: int = Field(
        1,
        description="so many of the best trials are run again with fresh luck, and the best of these is the answer",
        strict=True,
        ge=1,
        le=MOST_TRIALS,
    )
    slices: int | None = Field(
        None,
        description="values to which each parameter of the best is then moved alone, to see how well "
        "it is pinned down; none where left out",
        strict=True,
        ge=3,
        le=1000,
    )
    check_replicates: int | None = Field(
        None,
        description="crises with fresh luck on which the best is checked; "
        "four times the replicates where left out",
        strict=True,
        ge=1,
        le=MOST,
    )

    @property
    def agents(self) -> tuple[Any, ...]:
        """The observer, where it is asked for."""
        if not self.observe:
            return ()
        from crisis_sim.model.observer import Observer

        return (Observer,)


SPEC = TuneSpec


def check(spec: TuneSpec, reading: Reading) -> Iterator[Mistake]:
    scenarios = (reading.scenario, *reading.others)
    yield from check_moved(spec.vary, reading, scenarios)
    if bool(spec.targets) == (spec.objective is not None):
        where = reading.at("objective") if spec.targets else reading.top
        said = "both targets and an" if spec.targets else "neither targets nor an"
        expected = "targets to reach, or an objective to maximise or minimise"
        yield where.label.mistake(f"{said} objective", expected)
    yield from check_targets(spec.targets, reading, {one.name: one for one in scenarios})
    if spec.objective is not None:
        yield from _check_objective(spec.objective, spec, reading)
    if spec.finalists > spec.trials:
        message = f"{spec.finalists} finalists of {spec.trials} trials"
        yield reading.mistake("finalists", message=message, expected=f"at most {spec.trials}")


def _check_objective(objective: Objective, spec: TuneSpec, reading: Reading) -> Iterator[Mistake]:
    given = [key for key in ("maximise", "minimise") if getattr(objective, key) is not None]
    if len(given) != 1:
        yield reading.at("objective").label.mistake(
            f"{' and '.join(given) or 'nothing'} to aim for", "either maximise or minimise"
        )
        return
    try:
        measured = read_measure(reading.at("objective", given[0]), reading.columns)
    except ScenarioError as error:
        yield from error.mistakes
    else:
        enough = objective.enough
        if enough is not None and measured.unit == "share" and not 0 < enough < 1:
            message, expected = f"no share to reach: {enough:g}", "a number between 0 and 1"
            yield reading.mistake("objective", "enough", message=message, expected=expected)
    for path, price in objective.cost.items():
        node = reading.at("objective", "cost", path)
        if path not in spec.vary:
            message = f"'{path}' is not varied"
            yield node.label.mistake(message, one_of(spec.vary), nearest(path, spec.vary))
        elif price < 0:
            yield node.place.mistake(f"a cost below 0: {price:g}", "0 or more")


# --- How good points are
#
# Where something is enough, points that reach it are ranked by cost, points that do not by how far
# they fall short, and any that does comes before any that does not (Deb 2000, Computer Methods in
# Applied Mechanics and Engineering 186, 311-338). That takes no weight of one against the other.

#: What an unknown figure, or a time that never comes, counts for: more than any that is known.
WORST = 1e9
#: What is kept of a figure.
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
        own = np.asarray([one.factor.middle for one in tuned])
        low = np.asarray([one.factor.low for one in tuned])
        high = np.asarray([one.factor.high for one in tuned])
        prices = np.asarray([objective.cost.get(one.factor.path, 0.0) for one in tuned])
        if objective.enough is not None and not objective.cost:
            prices = 1.0 / (high - low)
        farthest = np.maximum(np.abs(low - own), np.abs(high - own))
        return cls(objective, prices, own, float(farthest @ prices))

    def cost(self, points: Values) -> Values:
        """What points cost, `(points,)`."""
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
    """Loss of points, `(points,)`, and by name what is `KEPT` of all that is watched, `(points, watched)`."""

    loss: Values
    figures: dict[str, Values]


@dataclass(frozen=True)
class Problem:
    """What is to be tuned, and what counts as good; `agents` are added to its scenarios' own."""

    experiment: Experiment
    agents: Sequence[Any] = ()

    @property
    def spec(self) -> TuneSpec:
        """What the experiment says."""
        return cast(TuneSpec, self.experiment.spec)

    @cached_property
    def scenarios(self) -> tuple[Scenario, ...]:
        """Its scenarios, the first one first."""
        return (self.experiment.scenario, *self.experiment.others)

    @cached_property
    def tuned(self) -> tuple[Tuned, ...]:
        """The parameters."""
        return tuple(Tuned.of(path, of, self.scenarios) for path, of in self.spec.vary.items())

    @cached_property
    def aims(self) -> tuple[Aim, ...]:
        """The targets."""
        return aims_of(self.spec.targets, self.scenarios[0].name)

    @cached_property
    def goal(self) -> Goal | None:
        """The objective."""
        return None if self.spec.objective is None else Goal.of(self.spec.objective, self.tuned)

    @cached_property
    def watched(self) -> tuple[tuple[Measure, str], ...]:
        """What is measured, in which scenario: the targets, or the objective; then the other outcomes."""
        first, objective = self.scenarios[0].name, self.spec.objective
        found = [(one.measure, one.scenario) for one in self.aims]
        if objective is not None:
            aim: Any = objective.minimise if objective.maximise is None else objective.maximise
            found.append((measure(aim), first))
        return (*found, *((one, first) for one in self.experiment.measures))

    @property
    def check_replicates(self) -> int:
        """Crises of each scenario with fresh luck: four times those of a trial, if the file does not say."""
        return self.spec.check_replicates or 4 * self.spec.replicates

    def at(
        self,
        points: Values | None,
        replicates: int,
        seed: int,
        workers: int = 1,
        progress: Callable[[int, int], None] | None = None,
    ) -> Scored:
        """Run and score points, every scenario's crises at every point with the same luck.

        Args:
            points: their parameters, `(points, parameters)`; None for the scenarios as they are.
            replicates: crises of each scenario at each point.
            seed: the seed of their luck.
            workers: the most threads, or processes, to use.
            progress: called with the crises done and those in all, of all scenarios.
        """
        count = 1 if points is None else len(points)
        figures = {name: np.full((count, len(self.watched)), np.nan) for name in KEPT}
        each = count * replicates
        for place, scenario in enumerate(self.scenarios):
            own = [k for k, (_, name) in enumerate(self.watched) if name == scenario.name]
            if not own:
                continue
            values = (
                {}
                if points is None
                else parameters_at(scenario, self.tuned, points, replicates, seed)
            )
            design = run_design(
                scenario,
                values,
                [replace(self.watched[k][0], name=str(k)) for k in own],  # two may have one name
                replicates,
                seed,
                workers,
                agents=(*self.agents, *self.spec.agents),
                progress=_counting(progress, place * each, each * len(self.scenarios)),
            )
            for k in own:
                for name in KEPT:
                    figures[name][:, k] = getattr(design.measured[str(k)], name)
        if self.goal is not None:
            at = np.asarray([self.goal.own]) if points is None else points
            return Scored(self.goal.loss(at, figures), figures)
        return Scored(self._loss(figures), figures)

    def _loss(self, figures: dict[str, Values]) -> Values:
        """The weighted sum over targets of squared distances in standard errors (robust: Huber 1964)."""
        robust, errors = self.spec.robust, figures["standard_error"]
        far = np.stack(
            [
                aim.apart(
                    figures["estimate"][:, k], errors[:, k] if self.spec.monte_carlo_error else None
                )
                for k, aim in enumerate(self.aims)
            ],
            axis=1,
        )
        far = np.abs(far)
        each = far**2
        if robust is not None:
            each = np.where(far > robust, robust * (2 * far - robust), each)
        return np.asarray(each @ np.asarray([aim.target.weight for aim in self.aims]))


def _counting(
    progress: Callable[[int, int], None] | None, before: int, total: int
) -> Callable[[int, int], None] | None:
    """The progress of a part as that of the whole."""
    return None if progress is None else lambda done, _: progress(before + done, total)


# --- The search: generation after generation of trials, each one batch with the same luck


@dataclass(frozen=True)
class Trials:
    """What was tried, in its order.

    Attributes:
        generation: the generation of each trial, `(trials,)`.
        points: their parameters, `(trials, parameters)`.
        scored: how bad each is, and its figures.
        importance: of each parameter its share in what sets the best trials apart, `(parameters,)`.
        best: the number of the best trial.
    """

    generation: NDArray[np.int64]
    points: Values
    scored: Scored
    importance: Values
    best: int

    @property
    def loss(self) -> Values:
        """How bad each is, `(trials,)`; the lower, the better."""
        return self.scored.loss


def search(problem: Problem, options: RunOptions) -> Trials:
    """Look for the best point.

    Raises:
        ResultsError: when the journal cannot be read.
        BatchError: when crises cannot be run.
        KeyboardInterrupt: on Ctrl-C; the generations that were finished are in the journal.
    """
    import optuna

    with quiet():
        journal, known = open_journal(problem.experiment, options)
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler())
        study.add_trials(known)
        try:
            _make_trials(problem, study, journal, options)
        except KeyboardInterrupt:
            if study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,)):
                options.on_message(f"best so far: {_best_so_far(problem, study)}")
            raise
        trials = study.get_trials(deepcopy=False)
        figures = {name: np.asarray([one.user_attrs[name] for one in trials]) for name in KEPT}
        losses = np.asarray([trial.value for trial in trials], dtype=np.float64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of trials too few to tell anything
            # PED-ANOVA on the best tenth: Watanabe, Bansal and Hutter 2023, IJCAI 32, 4389-4396.
            found = optuna.importance.get_param_importances(study)
        return Trials(
            np.asarray([trial.user_attrs[GENERATION] for trial in trials]),
            np.stack([_point(problem, trial) for trial in trials]),
            Scored(losses, figures),
            np.asarray([found.get(one.factor.path, 0.0) for one in problem.tuned]),
            int(np.argmin(losses)),
        )


def sizes_of(problem: Problem) -> list[int]:
    """How many trials each generation has; where nothing is said Hansen's 4 + 3 ln n, and no fewer than 8."""
    size = problem.spec.generation or max(4 + int(3 * np.log(len(problem.tuned))), 8)
    whole, rest = divmod(problem.spec.trials, size)
    return [size] * whole + ([rest] if rest else [])


def _make_trials(
    problem: Problem, study: Study, journal: Study | None, options: RunOptions
) -> None:
    """Make the generations that the study does not hold yet."""
    spec, tuned, sizes = problem.spec, problem.tuned, sizes_of(problem)
    start = np.asarray([float(one.share_of(one.start)) for one in tuned])
    evolution = Evolution(spec.seed, max(sizes), start, spec.spread)
    per_trial = spec.replicates * len(problem.scenarios)
    done, best = 0, np.inf
    for generation, size in enumerate(sizes):
        # Of trials that are there it is asked, too: so it comes to the state in which it was.
        shares = evolution.ask(size) if spec.sampler == "cmaes" else None
        made: Sequence[FrozenTrial] = study.get_trials(deepcopy=False)[done : done + size]
        if not made:
            if spec.sampler == "sobol":
                shares = sobol_points(spec.seed, len(tuned), done, size)
            _choose(problem, study, generation, shares)
            progress = _counting(options.progress, done * per_trial, spec.trials * per_trial)
            made = _generation(problem, study, generation, size, options.workers, progress)
            if journal is not None:
                journal.add_trials(made)
            if study.best_value < best or generation == len(sizes) - 1:
                so_far = _best_so_far(problem, study)
                options.on_message(
                    f"generation {generation + 1} of {len(sizes)}: best so far {so_far}"
                )
        best = min(best, *(float(trial.value or 0.0) for trial in made))
        if shares is not None and spec.sampler == "cmaes":
            points = np.stack([_point(problem, trial) for trial in made])
            shares = np.stack([one.share_of(points[:, k]) for k, one in enumerate(tuned)], axis=1)
            evolution.tell(shares, np.asarray([trial.value for trial in made], dtype=np.float64))
        done += size


def _choose(problem: Problem, study: Study, generation: int, shares: Values | None) -> None:
    """Give a study the points of a generation, or the sampler that chooses them; the first is the start."""
    from optuna.samplers import RandomSampler, TPESampler

    spec, tuned = problem.spec, problem.tuned
    if generation == 0:
        study.enqueue_trial({one.factor.path: one.start for one in tuned})
    if shares is None:
        sampler = TPESampler if spec.sampler == "tpe" else RandomSampler
        study.sampler = sampler(seed=seed_of(spec.seed, generation))
        return
    for point in shares[1:] if generation == 0 else shares:
        at = (one.at(float(share)) for one, share in zip(tuned, point, strict=True))
        study.enqueue_trial({one.factor.path: value for one, value in zip(tuned, at, strict=True)})


def _generation(
    problem: Problem,
    study: Study,
    generation: int,
    size: int,
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> Sequence[FrozenTrial]:
    """Ask for a generation's points, run them as one batch, and tell what came of them."""
    from optuna.distributions import FloatDistribution

    spec = problem.spec
    factors = [one.factor for one in problem.tuned]
    ranges: Any = {
        one.path: FloatDistribution(one.low, one.high, log=one.scale == "log") for one in factors
    }
    asked = [study.ask(ranges) for _ in range(size)]
    points = np.stack([_point(problem, trial) for trial in asked])
    scored = problem.at(points, spec.replicates, spec.seed, workers, progress)
    for k, trial in enumerate(asked):
        figures = {name: scored.figures[name][k].tolist() for name in KEPT}
        for key, value in {GENERATION: generation, SIZE: size, **figures}.items():
            trial.set_user_attr(key, value)
        study.tell(trial, float(scored.loss[k]))
    return study.get_trials(deepcopy=False)[-size:]


def _point(problem: Problem, trial: Any) -> Values:
    return np.asarray([trial.params[one.factor.path] for one in problem.tuned])


def _best_so_far(problem: Problem, study: Study) -> str:
    best, goal = study.best_trial, problem.goal
    said = f"a loss of {best.value:.4g}"
    if goal is not None:
        unit = problem.watched[0][0].unit
        said = words.figure(best.user_attrs["estimate"][0], unit)
        if goal.prices.any():
            said += f" at a cost of {float(goal.cost(_point(problem, best))):.3g}"
        if goal.objective.enough is not None and study.best_value > goal.dearest:
            said += f" (not yet {words.figure(goal.objective.enough, unit)})"
    return f"{said}, trial {best.number + 1} of {len(study.trials)}"


# --- How well a search pins its parameters down: which values do about as well as the best
#
# That is told from the trials that were made, so it is no more than what the search came by: a range
# may be wider than it looks, above all after few trials, and is no interval of confidence. Slices move
# each parameter of the best alone, all others held. Were the others moved along to make up for it, a
# parameter could go further. So the range is the least that is left open, and where even that is wide
# the targets do not pin the parameter down.

#: A cost that is higher by no more than this share counts as about as good.
ABOUT_AS_CHEAP = 0.1
#: A value this near to an end of its range, as a share of the range, lies at its edge.
EDGE = 0.01


def tolerance_of(problem: Problem, trials: Trials) -> float:
    """How much worse than the best counts as about as good.

    Where the file does not say: of targets what the likelihood allows a single parameter at 95%, if
    the targets' errors are normal and independent; of an objective the reach of its Monte Carlo error.
    """
    goal, best = problem.goal, trials.best
    if problem.spec.tolerance:
        return problem.spec.tolerance
    if goal is None:
        return normal_quantile() ** 2
    if goal.objective.enough is not None and trials.loss[best] <= goal.dearest:
        return ABOUT_AS_CHEAP * float(trials.loss[best])
    error = trials.scored.figures["standard_error"][best, 0]
    return float(np.nan_to_num(normal_quantile() * error))


@dataclass(frozen=True)
class Slices:
    """Points that differ from the best in one parameter, run with luck that it was not tuned on.

    Attributes:
        value, loss: where the parameter is moved to, and how bad that is, `(parameters, points)`.
        ends: of each parameter the range around the best in which the loss rises by no more than the
            tolerance; the search's own ends where it never does.
    """

    value: Values
    loss: Values
    ends: list[tuple[float, float]]


def slice_through(
    problem: Problem, best: Values, tolerance: float, seed: int, workers: int = 1
) -> Slices | None:
    """Move each parameter of a point alone through its range; None where the experiment asks for none."""
    if problem.spec.slices is None:
        return None
    shares, parameters = np.linspace(0.0, 1.0, problem.spec.slices), len(problem.tuned)
    value = np.asarray(
        [[float(one.factor.at(float(share))) for share in shares] for one in problem.tuned]
    )
    points = np.tile(best, (value.size + 1, 1))
    points[np.arange(value.size), np.repeat(np.arange(parameters), len(shares))] = value.ravel()
    loss = problem.at(points, problem.spec.replicates, seed, workers).loss
    rise = (loss[:-1] - loss[-1]).reshape(value.shape)
    ends = []
    for k, one in enumerate(problem.tuned):
        low, high = range_around(float(one.share_of(best[k])), shares, rise[k], tolerance)
        ends.append((float(one.factor.at(low)), float(one.factor.at(high))))
    return Slices(value, loss[:-1].reshape(value.shape), ends)


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
    below, above = np.flatnonzero(shares < at)[::-1], np.flatnonzero(shares > at)
    for side, end in ((below, shares[0]), (above, shares[-1])):
        before, height, edge = at, 0.0, end
        for k in side:
            if rise[k] > tolerance:
                roots = np.sqrt(np.maximum([height, tolerance, rise[k]], 0.0))
                edge = before + (shares[k] - before) * (roots[1] - roots[0]) / (roots[2] - roots[0])
                break
            before, height = shares[k], rise[k]
        found.append(float(edge))
    return found[0], found[1]


# --- Its run, and what it found


def crises(experiment: Experiment) -> int:
    problem = Problem(experiment)
    spec = problem.spec
    moved = len(problem.tuned) * spec.slices + 1 if spec.slices else 0
    checked = (spec.finalists + 1) * problem.check_replicates
    return ((spec.trials + moved) * spec.replicates + checked) * len(problem.scenarios)


@dataclass(frozen=True)
class Found:
    """All that a search found.

    Attributes:
        problem: what was tuned.
        trials: what was tried.
        tolerance: how much worse than the best counts as about as good.
        fresh: the best, run with luck that it was not tuned on.
        before: the scenarios as they are, with that same luck.
        slices: how far each parameter of the best may be moved alone, with that luck.
    """

    problem: Problem
    trials: Trials
    tolerance: float
    fresh: Scored
    before: Scored
    slices: Slices | None

    @property
    def good(self) -> Values:
        """The trials that are about as good as the best, `(trials, parameters)`."""
        loss = self.trials.loss
        return np.asarray(self.trials.points[loss <= loss[self.trials.best] + self.tolerance])


def run(experiment: Experiment, options: RunOptions) -> Findings:
    problem = Problem(experiment, options.agents)
    spec, trials = problem.spec, search(problem, options)
    # Another seed: luck that no trial has had.
    seed, replicates, workers = spec.seed + 1, problem.check_replicates, options.workers
    finalists = np.argsort(trials.loss, kind="stable")[: spec.finalists]
    scored = problem.at(trials.points[finalists], replicates, seed, workers)
    k = int(np.argmin(scored.loss))
    trials = replace(trials, best=int(finalists[k]))
    figures = {name: values[k : k + 1] for name, values in scored.figures.items()}
    best, tolerance = trials.points[trials.best], tolerance_of(problem, trials)
    found = Found(
        problem,
        trials,
        tolerance,
        Scored(scored.loss[k : k + 1], figures),
        problem.at(None, replicates, seed, workers),
        slice_through(problem, best, tolerance, seed, workers),
    )
    summary = _summary(found)
    values = {
        path: value
        for one, value in zip(problem.tuned, best.tolist(), strict=True)
        for path in one.paths
    }
    return Findings(
        experiment,
        tuple(answer(problem, summary)),
        _tables(found, summary),
        summary,
        crises(experiment),
        scenario_files(problem.scenarios, values, "tuned", experiment.name),
    )


def _tables(found: Found, summary: dict[str, Any]) -> dict[str, pa.Table]:
    """Tidy tables: the trials, their figures, the parameters, what was aimed for, and the slices."""
    import pyarrow as pa

    trials, problem = found.trials, found.problem
    number, watched = np.arange(len(trials.loss)), problem.watched
    paths = [one.factor.path for one in problem.tuned]
    tables = {
        "trials": {
            "trial": number,
            "generation": trials.generation,
            "loss": trials.loss,
            "best_so_far": np.minimum.accumulate(trials.loss),
            **({} if problem.goal is None else {"cost": problem.goal.cost(trials.points)}),
            **dict(zip(paths, trials.points.T, strict=True)),
        },
        "figures": {
            "trial": np.repeat(number, len(watched)),
            "scenario": [scenario for _, scenario in watched] * len(number),
            "measure": [measured.name for measured, _ in watched] * len(number),
            **{
                name: pa.array(trials.scored.figures[name].ravel(), from_pandas=True)
                for name in KEPT
            },
        },
    }
    rows = {name: pa.Table.from_pylist(summary[name]) for name in ("parameters", "outcomes")}
    if found.slices is not None:
        value, loss = found.slices.value, found.slices.loss
        path = np.repeat(paths, value.shape[1])
        rows["slices"] = pa.table({"path": path, "value": value.ravel(), "loss": loss.ravel()})
    return {**{name: pa.table(columns) for name, columns in tables.items()}, **rows}


def _summary(found: Found) -> dict[str, Any]:
    """The figures that matter, fit for JSON."""
    problem, trials, spec = found.problem, found.trials, found.problem.spec
    parameters = _parameters(found)
    return {
        "aim": "targets" if problem.goal is None else "objective",
        "sampler": spec.sampler,
        "trials": len(trials.loss),
        "generations": int(trials.generation[-1]) + 1,
        "replicates": spec.replicates,
        "scenarios": [one.name for one in problem.scenarios],
        "best": {
            "trial": trials.best,
            "loss": float(trials.loss[trials.best]),
            "parameters": {row["path"]: row["best"] for row in parameters},
        },
        "fresh": {
            "seed": spec.seed + 1,
            "replicates": problem.check_replicates,
            "loss": float(found.fresh.loss[0]),
            "loss_before": float(found.before.loss[0]),
        },
        "good": {"tolerance": found.tolerance, "trials": len(found.good)},
        "parameters": parameters,
        "outcomes": _outcomes(found),
        "objective": None if problem.goal is None else _objective(found, problem.goal),
        "files": [file_name(one, "tuned") for one in problem.scenarios],
    }


def _parameters(found: Found) -> list[dict[str, Any]]:
    """One row a parameter: where it may lie, where it lies best, and how much it matters."""
    best, good, rows = found.trials.points[found.trials.best], found.good, []
    for k, one in enumerate(found.problem.tuned):
        factor, share = one.factor, float(one.share_of(best[k]))
        alone = (None, None) if found.slices is None else found.slices.ends[k]
        row = {key: getattr(factor, key) for key in ("path", "meaning", "unit", "scale")}
        rows.append(
            {
                **row,
                "low": factor.low,
                "high": factor.high,
                "own": float(factor.middle),
                "start": float(one.start),
                "best": float(best[k]),
                "lower": float(good[:, k].min()),
                "upper": float(good[:, k].max()),
                "at_edge": share < EDGE or share > 1 - EDGE,
                "alone_lower": alone[0],
                "alone_upper": alone[1],
                "importance": float(found.trials.importance[k]),
            }
        )
    return rows


def _outcomes(found: Found) -> list[dict[str, Any]]:
    """One row a figure: what was aimed for, and what came of it."""
    aims, tried, rows = found.problem.aims, found.trials.scored, []
    fresh, before = found.fresh.figures, found.before.figures
    for k, (measured, scenario) in enumerate(found.problem.watched):
        about = measured.about()
        row: dict[str, Any] = {
            "measure": about.pop("name"),
            **about,
            "scenario": scenario,
            "is_target": k < len(aims),
            **dict.fromkeys(("target", "target_lower", "target_upper", "weight", "scale")),
            **dict.fromkeys(("apart", "apart_before", "apart_error")),
        }
        if k < len(aims):
            aim, estimate = aims[k], float(fresh["estimate"][0, k])
            error = float(fresh["standard_error"][0, k])
            if aim.log:
                error = error / estimate if estimate > 0 else math.nan
            row |= {
                "target": aim.target.value,
                "target_lower": aim.limits[0],
                "target_upper": aim.limits[1],
                "weight": aim.target.weight,
                "scale": aim.target.scale,
                "apart": float(aim.apart(np.asarray(estimate))),
                "apart_before": float(aim.apart(before["estimate"][0, k])),
                "apart_error": _known(error / aim.error),
            }
        for name in KEPT:
            row[f"tuned_on_{name}"] = _known(tried.figures[name][found.trials.best, k])
            row[name] = _known(fresh[name][0, k])
            row[f"{name}_before"] = _known(before[name][0, k])
        rows.append(row)
    return rows


def _objective(found: Found, goal: Goal) -> dict[str, Any]:
    """What came of the objective."""
    return {
        "way": "minimise" if goal.objective.maximise is None else "maximise",
        "enough": goal.objective.enough,
        "surely": goal.objective.surely,
        "cost": float(goal.cost(found.trials.points[found.trials.best])),
        "has_cost": bool(goal.prices.any()),
        "reached": bool((goal.shortfall(found.trials.scored.figures) == 0).any()),
        "reached_with_fresh_luck": bool(goal.shortfall(found.fresh.figures)[0] == 0),
    }


def _known(value: Any) -> float | None:
    """A figure for JSON and tables: None where it is unknown, or a time that never comes."""
    return float(value) if math.isfinite(value) else None


# --- The answer in sentences: what was found, how sure that is, and what would make it surer

#: Parameters that an answer tells of; the table has all of them.
MOST_TOLD = 8
#: A parameter that may move alone in no more than this share of its range is pinned down; in so much of it, it is not.
PINNED, LOOSE = 0.1, 0.5


def answer(problem: Problem, summary: dict[str, Any]) -> Iterator[str]:
    """Sentences on what a search found."""
    yield from _on_targets(problem, summary) if problem.goal is None else _on_objective(summary)
    yield from _on_parameters(summary)
    if problem.spec.slices is not None:
        yield _on_slices(summary)
    edges = [row["path"] for row in summary["parameters"] if row["at_edge"]]
    if edges:
        ranges = "its range" if len(edges) == 1 else "their ranges"
        shown = wording.listed(edges[:MOST_TOLD])
        yield f"At the edge of {ranges}: {shown}. A wider range might do better."
    trials, best = summary["trials"], summary["best"]["trial"]
    said = "The last tenth of the trials found nothing better."
    if trials < 10:
        said = "So few say nothing of what more would find."
    elif best >= 0.9 * trials:
        said = (
            "The best came among the last tenth of the trials: more of them may find a better one."
        )
    yield (
        f"{wording.count(trials)} trials by {summary['sampler']}, each of "
        f"{wording.count(summary['replicates'])} replicates with the same luck. {said}"
    )


def _on_targets(problem: Problem, summary: dict[str, Any]) -> Iterator[str]:
    tuned, count = summary["best"]["loss"], wording.count(len(problem.aims))
    fresh, before = summary["fresh"]["loss"], summary["fresh"]["loss_before"]
    finalists = min(problem.spec.finalists, summary["trials"])
    last = f", and the best of the {wording.count(finalists)} best with fresh luck"
    yield (
        f"The best of {wording.count(summary['trials'])} trials has a loss of {fresh:.3g} over "
        f"{count} target{'s' if len(problem.aims) > 1 else ''} with fresh luck "
        f"({tuned:.3g} with the luck it was tuned on{last if finalists > 1 else ''}; "
        f"{before:.3g} with the scenario as it is). "
        "The loss is the weighted sum of squared distances in the targets' standard errors."
    )
    rows = [row for row in summary["outcomes"] if row["is_target"]]
    inside = wording.count(sum(abs(row["apart"]) <= normal_quantile() for row in rows))
    far = max(rows, key=lambda row: float(abs(row["apart"])))
    where = f" in {far['scenario']}" if len(problem.scenarios) > 1 else ""
    aimed = words.estimate(far["target"], far["target_lower"], far["target_upper"], far["unit"])
    yield (
        f"With fresh luck {inside} of {count} figures lie in the 95% interval of their target; "
        f"farthest off: {_subject(far)}{where}: {_figure(far)}, aimed for {aimed}."
    )
    rough = sum((row["apart_error"] or 0.0) > 1.0 for row in rows)
    if rough:
        checked = wording.count(summary["fresh"]["replicates"])
        yield (
            f"{wording.count(rough)} of the targets are known better than {checked} "
            "replicates can tell: more replicates, or monte_carlo_error: true."
        )
    if fresh > tuned + normal_quantile() ** 2:
        yield (
            f"Part of the fit is luck: with fresh luck it is worse by {fresh - tuned:.3g}. "
            f"{words.halving(summary['replicates'])}"
        )
    if any(aim.target.interval is None for aim in problem.aims):
        yield (
            "Targets without an interval are taken as known to a standard error of five points "
            "of a share, or a tenth of anything else."
        )


def _subject(row: dict[str, Any]) -> str:
    """What a figure is; a share with its denominator."""
    return f"{row['words']}, of {row['among']}" if row["unit"] == "share" else str(row["words"])


def _figure(row: dict[str, Any], end: str = "") -> str:
    value, lower, upper = (
        math.nan if row[f"{key}{end}"] is None else float(row[f"{key}{end}"])
        for key in ("estimate", "lower", "upper")
    )
    if math.isnan(value):
        return "never, or unknown"
    return words.estimate(value, lower, upper, str(row["unit"]))


def _on_objective(summary: dict[str, Any]) -> Iterator[str]:
    row, objective = summary["outcomes"][0], summary["objective"]
    cost = f", at a cost of {objective['cost']:.3g}" if objective["has_cost"] else ""
    yield (
        f"{words.sentence_start(_subject(row))}: {_figure(row)} at the best of "
        f"{wording.count(summary['trials'])} trials{cost}, with fresh luck; "
        f"{_figure(row, '_before')} with the scenario as it is."
    )
    if objective["enough"] is None:
        return
    enough = words.figure(objective["enough"], row["unit"])
    sure = "the whole interval" if objective["surely"] else "the estimate"
    if not objective["reached"]:
        yield f"No trial reached {enough} with {sure}: this is the nearest."
    elif objective["reached_with_fresh_luck"]:
        yield f"It reaches {enough} with {sure}, with fresh luck, too."
    elif row["lower"] is not None and row["lower"] <= objective["enough"] <= row["upper"]:
        yield (
            f"{enough} is enough, and was reached with {sure} on the luck it was tuned on; with fresh "
            "luck it lies inside the interval, so it is reached as far as these replicates can tell. "
            "surely: true asks for a margin."
        )
    else:
        yield (
            f"{enough} was reached with {sure} on the luck it was tuned on, but is not with fresh "
            f"luck: part of it was luck. {words.halving(summary['replicates'])}"
        )


def _on_parameters(summary: dict[str, Any]) -> Iterator[str]:
    rows = sorted(summary["parameters"], key=lambda row: -float(row["importance"]))
    good = summary["good"]
    tolerance, several = f"{good['tolerance']:.3g} of the best loss", good["trials"] > 1
    told = []
    for row in rows[:MOST_TOLD]:
        span = f"; {row['lower']:.3g} to {row['upper']:.3g}" if several else ""
        told.append(
            f"{row['path']} {row['best']:.3g}{_noun(row['unit'])} (from {row['own']:.3g}{span})"
        )
    more = f"; {len(rows) - MOST_TOLD} more in parameters.parquet" if len(rows) > MOST_TOLD else ""
    yield f"Best where {wording.listed(told)}{more}. In brackets the scenario's own value" + (
        f", and the range among the {wording.count(good['trials'])} trials within {tolerance}: "
        "at least so much is left open."
        if several
        else f". No other trial comes within {tolerance}, so nothing tells yet how well these are pinned down."
    )


def _noun(unit: str) -> str:
    """A unit as it stands behind a number, where it is one people say."""
    return "" if unit in ("share", "ratio", "intensity", "") else f" {unit}"


def _on_slices(summary: dict[str, Any]) -> str:
    left = []
    for row in summary["parameters"]:
        ends = np.asarray([row["alone_lower"], row["alone_upper"]])
        low, high = share_of(ends, row["low"], row["high"], row["scale"])
        left.append((row["path"], float(high - low)))
    left.sort(key=lambda pair: pair[1])
    pinned = [path for path, open_share in left if open_share <= PINNED]
    loose = [path for path, open_share in reversed(left) if open_share >= LOOSE]
    most, least = wording.listed(pinned[:MOST_TOLD]), wording.listed(loose[:MOST_TOLD])
    return (
        f"Moved alone, with fresh luck, {wording.count(len(pinned))} of {wording.count(len(left))} "
        f"parameters raise the loss by more than {summary['good']['tolerance']:.3g} before they leave "
        f"a tenth of their range{f' (the most: {most})' if pinned else ''}; "
        f"{wording.count(len(loose))} hardly do in more than half of it"
        + (f" (the least: {least}): the targets do not pin those down." if loose else ".")
    )
