"""What tune and posterior share: parameters that are varied, targets, and points run and scored."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from crisis_sim.experiments.design import run_design
from crisis_sim.experiments.factors import Factor, Range, number_at, resolve
from crisis_sim.experiments.spec import MOST, Experiment, Spec, WrittenMeasure
from crisis_sim.model.luck import Luck
from crisis_sim.model.parameters import invert
from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.outcomes.measures import Measure
from crisis_sim.outcomes.names import measure
from crisis_sim.scenario.introspect import numbers_of
from crisis_sim.scenario.numbers import DISTRIBUTIONS, Distribution, Part, Within
from crisis_sim.scenario.schema import Scenario

# --- What a tune experiment says

#: The samplers by name; `crisis_sim.experiments.search` says what each does.
Sampler = Literal["cmaes", "tpe", "sobol", "random"]
MOST_TRIALS = 1_000_000


class TunedRange(Range):
    """How far a parameter may be moved."""

    start: float | None = Field(
        None,
        description="where the search begins; where left out, the scenario's own value, or the end of the range "
        "that is nearest to it",
    )
    also: tuple[str, ...] = Field((), description="further paths that take the same value")


class Target(Part):
    """A figure that crises should show."""

    measure: WrittenMeasure = Field(description="what is measured")
    value: float = Field(description="what it should be")
    interval: tuple[float, float] | None = Field(
        None, description="the 95% interval in which the value is known"
    )
    weight: float = Field(1.0, description="how much it counts", gt=0, le=1e6)
    scale: Literal["linear", "log"] = Field(
        "linear", description="whether being off is counted in differences, or in ratios"
    )
    scenario: str = Field("", description="in which scenario; in the first where left out")


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
    sampler: Sampler = Field("cmaes", description="how the next points are chosen")
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


# --- Where a tuned parameter stands in a scenario: a number, or one of the numbers of a distribution
#
# `mediators.us.attention_days` is a number: every crisis at a point gets the point's value.
# `mediators.us.attention_days.uniform.0` is the lower end of the distribution that the scenario gives
# it: crises at a point draw from the distribution with the point's value in it, each with the luck
# that it has in the scenario itself, so that they move smoothly as the distribution does.

Values = NDArray[np.float64]

#: By kind of distribution, which of its numbers must lie in the range of the number itself; the
#: others must only be above zero.
_LOCATIONS = {
    "uniform": (0, 1),
    "triangular": (0, 1, 2),
    "normal": (0,),
    "lognormal": (0,),
    "beta": (),
}
#: Distributions whose numbers must rise.
ORDERED = ("uniform", "triangular")


@dataclass(frozen=True)
class Place:
    """Where a path leads in one scenario.

    Attributes:
        path: the path as it is written.
        number: the path of the number that it changes.
        index: which number of its distribution it is; None where it is the number itself.
        low, high: what it may be.
    """

    path: str
    number: str
    index: int | None
    low: float
    high: float

    @property
    def allowed(self) -> Within:
        """What it may be."""
        return Within(self.low, self.high)


@dataclass(frozen=True)
class Tuned:
    """A parameter that is tuned.

    Attributes:
        factor: what it is, and how far it may be moved.
        start: where the search begins.
        paths: all the paths that take its value, its own first.
    """

    factor: Factor
    start: float
    paths: tuple[str, ...]

    @property
    def own(self) -> float:
        """The scenario's own value; of a distribution, its middle."""
        return self.factor.middle

    def share_of(self, values: Values) -> Values:
        """How far along its range values are, on its scale: from 0 to 1."""
        low, high = self.factor.low, self.factor.high
        if self.factor.scale == "log":
            values, low, high = np.log(values), math.log(low), math.log(high)
        return np.asarray(np.clip((values - low) / (high - low), 0.0, 1.0))


def place_in(
    scenario: Scenario, path: str, known: Mapping[str, Within] | None = None
) -> Place | None:
    """Where a path leads in a scenario; None where it leads to no number.

    Args:
        scenario: the scenario.
        path: the path.
        known: the scenario's `numbers_of`, where they are at hand.
    """
    known = numbers_of(scenario) if known is None else known
    if path in known:
        return Place(path, path, None, known[path].low, known[path].high)
    number, _, end = path.rpartition(".")
    number, _, kind = number.rpartition(".")
    if number not in known or not end.isdecimal():
        return None
    given = number_at(scenario, number)
    if not isinstance(given, Distribution) or given.kind != kind or kind not in DISTRIBUTIONS:
        return None
    index = int(end)
    if index >= len(given.values):
        return None
    low, high = known[number].low, known[number].high
    if index not in _LOCATIONS[kind]:
        low, high = math.ulp(0.0), math.inf
    elif kind == "lognormal":
        low = max(low, math.ulp(0.0))
    return Place(path, number, index, low, high)


def inner_paths(scenario: Scenario) -> list[str]:
    """The paths of all numbers inside a scenario's distributions."""
    return [
        f"{path}.{given.kind}.{index}"
        for path in numbers_of(scenario)
        if isinstance(given := number_at(scenario, path), Distribution)
        and given.kind in DISTRIBUTIONS
        for index in range(len(given.values))
    ]


def tuned_parameter(path: str, written: TunedRange, scenarios: Sequence[Scenario]) -> Tuned:
    """A parameter from what a file says of it, which must have been checked.

    Args:
        path: its path.
        written: its range.
        scenarios: the scenarios; what it is, is read from the first that has it.
    """
    for scenario in scenarios:
        place = place_in(scenario, path)
        if place is not None:
            break
    else:
        raise ValueError(f"no scenario has {path!r}")
    if place.index is None:
        factor = resolve(path, written, scenario)
    else:
        given = number_at(scenario, place.number)
        assert isinstance(given, Distribution)  # noqa: S101 - `place_in` has looked
        whole = resolve(place.number, TunedRange(low=0, high=1), scenario)
        word = DISTRIBUTIONS[given.kind][place.index]
        assert written.low is not None  # noqa: S101 - `check` has looked
        assert written.high is not None  # noqa: S101
        factor = Factor(
            path,
            written.low,
            written.high,
            written.scale,
            "" if place.index not in _LOCATIONS[given.kind] else whole.unit,
            f"{word} of: {whole.meaning}",
            given.values[place.index],
        )
    start = factor.middle if written.start is None else written.start
    return Tuned(factor, min(max(start, factor.low), factor.high), (path, *written.also))


def parameters_at(
    scenario: Scenario, tuned: Sequence[Tuned], points: Values, replicates: int, seed: int
) -> dict[str, Values]:
    """What to give a design so that a scenario's crises have the parameters of each point.

    Args:
        scenario: the scenario; parameters that it does not have are left out.
        tuned: the parameters.
        points: the value of each at each point, `(points, parameters)`.
        replicates: crises at each point.
        seed: the seed of their luck.

    Returns:
        By path of a number its values, `(points,)`; of a number that stays uncertain
        `(points, replicates)`.
    """
    known = numbers_of(scenario)
    found: dict[str, Values] = {}
    inside: dict[str, dict[int, Values]] = {}
    for column, one in enumerate(tuned):
        for path in one.paths:
            place = place_in(scenario, path, known)
            if place is None:
                continue
            if place.index is None:
                found[place.number] = points[:, column]
            else:
                inside.setdefault(place.number, {})[place.index] = points[:, column]
    luck = Luck(seed, 0, replicates)
    for number, changed in inside.items():
        uniform = luck.uniforms(f"parameter/{number}").astype(np.float64)
        limits = known[number]
        found[number] = np.stack(
            [
                np.clip(
                    invert(
                        _moved(scenario, number, changed, point), uniform, limits.low, limits.high
                    ),
                    limits.low,
                    limits.high,
                )
                for point in range(len(points))
            ]
        )
    return found


def _moved(
    scenario: Scenario, number: str, changed: Mapping[int, Values], point: int
) -> Distribution:
    given = number_at(scenario, number)
    assert isinstance(given, Distribution)  # noqa: S101 - `place_in` has looked
    values = list(given.values)
    for index, column in changed.items():
        values[index] = float(column[point])
    return replace(given, values=tuple(values))


# --- How far figures are from targets, in the standard errors that their intervals imply

#: The standard error of a target that is given without an interval: five points of a share, a
#: tenth of anything else.
ASSUMED_SHARE, ASSUMED_RATIO = 0.05, 0.1
#: A figure that is unknown, or a time that never comes, counts as so many standard errors off, and
#: nothing counts as more.
FARTHEST = 100.0


@dataclass(frozen=True)
class Aim:
    """A target, ready to be compared with.

    Attributes:
        name, words, unit: of what is measured.
        scenario: in which scenario.
        value: what it should be.
        lower, upper: the 95% interval in which that is known.
        error: its standard error, on the target's scale.
        weight: how much it counts.
        log: whether it is compared by ratio.
        assumed: whether its interval was not given, but assumed.
    """

    name: str
    words: str
    unit: str
    scenario: str
    value: float
    lower: float
    upper: float
    error: float
    weight: float
    log: bool
    assumed: bool

    def apart(self, estimate: Values, standard_error: Values | None = None) -> Values:
        """How many standard errors above the target figures are.

        Args:
            estimate: the figures.
            standard_error: their own Monte Carlo errors, where these are to count.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.log:
                off = np.log(np.maximum(estimate, 0.0)) - math.log(self.value)
                own = None if standard_error is None else standard_error / estimate
            else:
                off, own = estimate - self.value, standard_error
        error = self.error if own is None else np.hypot(self.error, np.nan_to_num(own, posinf=0.0))
        return np.clip(np.nan_to_num(off / error, nan=FARTHEST), -FARTHEST, FARTHEST)


def aim_of(target: Target, measure: Measure, scenario: str) -> Aim:
    """A target from what a file says, which must have been checked."""
    reach = 2 * normal_quantile()
    log = target.scale == "log"
    if target.interval is None:
        share = measure.unit == "share" and not log
        error = ASSUMED_SHARE if share else ASSUMED_RATIO * (1.0 if log else abs(target.value))
        off = reach / 2 * error
        lower, upper = (
            (target.value * math.exp(-off), target.value * math.exp(off))
            if log
            else (target.value - off, target.value + off)
        )
    else:
        lower, upper = target.interval
        error = (math.log(upper / lower) if log else upper - lower) / reach
    return Aim(
        measure.name,
        measure.words,
        measure.unit,
        scenario,
        target.value,
        lower,
        upper,
        error,
        target.weight,
        log,
        target.interval is None,
    )


def loss_of(aims: Sequence[Aim], apart: Values, robust: float | None = None) -> Values:
    """The weighted sum over targets of squared distances in standard errors.

    Args:
        aims: the targets.
        apart: how far off each is, `(points, targets)`.
        robust: distances beyond this count in proportion (Huber 1964).

    Returns:
        The loss of each point, `(points,)`.
    """
    far = np.abs(apart)
    each = far**2
    if robust is not None:
        each = np.where(far > robust, robust * (2 * far - robust), each)
    return np.asarray(each @ np.asarray([aim.weight for aim in aims]))


# --- How good a figure is, and what it cost to get it there
#
# Where something is enough, points that reach it are ranked by cost, points that do not by how far
# they fall short, and any that does comes before any that does not (Deb 2000, Computer Methods in
# Applied Mechanics and Engineering 186, 311-338). That takes no weight of one against the other.

#: What an unknown figure, or a time that never comes, counts for: more than any that is known.
WORST = 1e9


@dataclass(frozen=True)
class Goal:
    """An objective, ready to be compared by.

    Attributes:
        high: whether the figure should be high; else low.
        enough: how high, or low, is enough; None where there is no such thing.
        surely: whether the whole interval must be beyond it.
        prices: what a unit of change of each parameter costs, `(parameters,)`.
        own: the scenario's own values, `(parameters,)`.
        dearest: the most that can be spent.
    """

    high: bool
    enough: float | None
    surely: bool
    prices: Values
    own: Values
    dearest: float

    def cost(self, points: Values) -> Values:
        """What the points cost, `(points,)`."""
        return np.asarray(np.abs(points - self.own) @ self.prices)

    def shortfall(self, estimate: Values, lower: Values, upper: Values) -> Values:
        """How far figures are from being enough; 0 where they are."""
        if self.enough is None:
            return np.zeros_like(estimate)
        if self.high:
            short = self.enough - (lower if self.surely else estimate)
        else:
            short = (upper if self.surely else estimate) - self.enough
        return np.maximum(np.nan_to_num(short, nan=WORST, posinf=WORST, neginf=0.0), 0.0)

    def loss(self, points: Values, estimate: Values, lower: Values, upper: Values) -> Values:
        """How bad points are: the lower, the better.

        Args:
            points: their parameters, `(points, parameters)`.
            estimate, lower, upper: the figure and its limits, `(points,)`.
        """
        cost = self.cost(points)
        if self.enough is None:
            bad = -estimate if self.high else estimate
            return np.clip(np.nan_to_num(bad, nan=WORST), -WORST, WORST) + cost
        short = self.shortfall(estimate, lower, upper)
        return np.where(short > 0, self.dearest + short, cost)


def goal_of(objective: Objective, tuned: Sequence[Tuned]) -> Goal:
    """An objective from what a file says, which must have been checked.

    Where something is enough and no costs are given, each parameter costs the share of its range by
    which it is moved.
    """
    own = np.asarray([one.own for one in tuned])
    reach = np.asarray([one.factor.high - one.factor.low for one in tuned])
    prices = np.asarray([objective.cost.get(one.factor.path, 0.0) for one in tuned])
    if objective.enough is not None and not objective.cost:
        prices = 1.0 / reach
    ends = [(one.factor.low, one.factor.high) for one in tuned]
    farthest = np.asarray(
        [max(abs(end - at) for end in pair) for pair, at in zip(ends, own, strict=True)]
    )
    return Goal(
        objective.maximise is not None,
        objective.enough,
        objective.surely,
        prices,
        own,
        float(farthest @ prices),
    )


# --- Points run and scored: every scenario's crises at every point, with the same luck at all of them

#: What is kept of a figure.
KEPT = ("estimate", "standard_error", "lower", "upper")


@dataclass(frozen=True)
class Watched:
    """A figure that is told of every trial.

    Attributes:
        measure: what is measured.
        scenario: in which scenario.
    """

    measure: Measure
    scenario: str


@dataclass(frozen=True)
class Scored:
    """What came of points.

    Attributes:
        loss: how bad each is, `(points,)`.
        figures: of what is watched the estimates, standard errors and limits by name, each
            `(points, watched)`.
    """

    loss: Values
    figures: dict[str, Values]


@dataclass(frozen=True)
class Problem:
    """What is to be tuned, and what counts as good.

    Attributes:
        experiment: the experiment, checked.
        agents: makers of agents to add to its scenarios' own, and to those that it asks for.
    """

    experiment: Experiment
    agents: Sequence[Any] = ()

    @property
    def spec(self) -> TuneSpec:
        """What the experiment says."""
        spec = self.experiment.spec
        assert isinstance(spec, TuneSpec)  # noqa: S101 - `spec.KINDS` has seen to it
        return spec

    @cached_property
    def scenarios(self) -> tuple[Scenario, ...]:
        """Its scenarios, the first one first."""
        return (self.experiment.scenario, *self.experiment.others)

    @cached_property
    def tuned(self) -> tuple[Tuned, ...]:
        """The parameters."""
        return tuple(
            tuned_parameter(path, written, self.scenarios)
            for path, written in self.spec.vary.items()
        )

    @cached_property
    def aims(self) -> tuple[Aim, ...]:
        """The targets."""
        return tuple(
            aim_of(target, measure(target.measure), target.scenario or self.scenarios[0].name)
            for target in self.spec.targets
        )

    @cached_property
    def goal(self) -> Goal | None:
        """The objective."""
        return None if self.spec.objective is None else goal_of(self.spec.objective, self.tuned)

    @cached_property
    def watched(self) -> tuple[Watched, ...]:
        """What is measured: first the targets, or the objective; then the other outcomes."""
        first = self.scenarios[0].name
        objective = self.spec.objective
        found = [
            Watched(measure(target.measure), aim.scenario)
            for target, aim in zip(self.spec.targets, self.aims, strict=True)
        ]
        if objective is not None:
            written: Any = objective.minimise if objective.maximise is None else objective.maximise
            found.append(Watched(measure(written), first))
        return (*found, *(Watched(one, first) for one in self.experiment.measures))

    @property
    def start(self) -> Values:
        """Where the search begins, `(parameters,)`."""
        return np.asarray([one.start for one in self.tuned])

    def at(
        self,
        points: Values | None,
        replicates: int,
        seed: int,
        workers: int = 1,
        progress: Callable[[int, int], None] | None = None,
    ) -> Scored:
        """Run and score points.

        Args:
            points: their parameters, `(points, parameters)`; None for the scenarios as they are.
            replicates: crises of each scenario at each point.
            seed: the seed of their luck.
            workers: the most threads, or processes, to use.
            progress: called with the crises done and those in all, of all scenarios.
        """
        count = 1 if points is None else len(points)
        figures = {name: np.full((count, len(self.watched)), np.nan) for name in KEPT}
        total, done = count * replicates * len(self.scenarios), 0
        for scenario in self.scenarios:
            own = [k for k, one in enumerate(self.watched) if one.scenario == scenario.name]
            # Two figures may go by one name.
            measures = [replace(self.watched[k].measure, name=str(k)) for k in own]
            values = (
                {}
                if points is None
                else parameters_at(scenario, self.tuned, points, replicates, seed)
            )
            if own:
                design = run_design(
                    scenario,
                    values,
                    measures,
                    replicates,
                    seed,
                    workers,
                    agents=(*self.agents, *self.spec.agents),
                    progress=_counting(progress, done, total),
                )
                for k in own:
                    for name in KEPT:
                        figures[name][:, k] = getattr(design.measured[str(k)], name)
            done += count * replicates
        own_values = np.asarray([[one.own for one in self.tuned]])
        return Scored(self._loss(own_values if points is None else points, figures), figures)

    def apart(self, figures: dict[str, Values]) -> Values:
        """How many standard errors figures are from the targets, `(points, targets)`."""
        with_error = self.spec.monte_carlo_error
        columns = [
            aim.apart(
                figures["estimate"][:, k], figures["standard_error"][:, k] if with_error else None
            )
            for k, aim in enumerate(self.aims)
        ]
        return np.stack(columns, axis=1)

    def _loss(self, points: Values, figures: dict[str, Values]) -> Values:
        if self.goal is None:
            return loss_of(self.aims, self.apart(figures), self.spec.robust)
        return self.goal.loss(
            points, *(figures[name][:, 0] for name in ("estimate", "lower", "upper"))
        )


def _counting(
    progress: Callable[[int, int], None] | None, before: int, total: int
) -> Callable[[int, int], None] | None:
    """A scenario's progress as that of all of them."""
    if progress is None:
        return None
    return lambda done, _: progress(before + done, total)
