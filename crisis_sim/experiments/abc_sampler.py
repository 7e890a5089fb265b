"""Approximate Bayesian computation: keys of the experiment, priors, simulation of particles, and importance sampling."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from crisis_sim.batch import safe_files, simulate
from crisis_sim.batch.own_classes import applicable_roles
from crisis_sim.batch.safe_files import ResultsError
from crisis_sim.experiments.factors import DrawnFactor, Range, Values
from crisis_sim.experiments.points import IN_MEMORY
from crisis_sim.experiments.spec import entry, offset_progress, whole_number
from crisis_sim.experiments.targets import Aim, Calibration, CalibrationSpec
from crisis_sim.outcomes.durations import TRIGGER, Clock, Replicates
from crisis_sim.outcomes.measures import HOURS, Condition
from crisis_sim.scenario.introspect import numbers_of
from crisis_sim.scenario.numbers import Part

# --- The keys of a posterior experiment

MOST_PARTICLES, MOST_GENERATIONS = 100_000, 100


class Observed(Part):
    """A recorded number of a crisis."""

    of: str = entry("the outcome, such as ceasefire_in_effect_at_hours")
    since: str = entry("for times: the start of the count", TRIGGER)
    value: float = entry("the recorded value")
    within: float = entry(
        "largest difference at which a crisis counts as like the historical record", gt=0
    )
    unit: Literal["hours", "days"] = entry("for times: the unit of value and within", "hours")


class Case(Part):
    """A recorded crisis: one draw from what the model can show."""

    name: str = entry("its name")
    record: tuple[Observed, ...] = entry("its recorded numbers", ())
    so: dict[str, Any] = Field(
        default_factory=dict, description="further conditions, such as {ending: agreement}"
    )
    scenario: str = entry("its scenario; the first by default", "")


class PosteriorSpec(CalibrationSpec):
    """Parameters that explain recorded crises, or figures over many crises."""

    kind: Literal["posterior"] = entry("the kind of experiment")
    vary: dict[str, Range] = entry(
        "the parameters by path; the prior is the scenario's distribution, or uniform over a given range",
        min_length=1,
    )
    cases: tuple[Case, ...] = entry("recorded crises", ())
    particles: int = whole_number("points of each generation", least=20, most=MOST_PARTICLES)
    generations: int = whole_number("number of generations", 5, most=MOST_GENERATIONS)
    replicates: int = whole_number("crises of each particle, each with its own random numbers")
    tolerance: float = entry(
        "final tolerance, relative to the targets' standard errors and the records' `within`",
        1.0,
        gt=0,
    )
    draws: int | None = whole_number(
        "points drawn from the posterior for the check; by default as many as particles, but at most 200",
        None,
        least=20,
        most=MOST_PARTICLES,
    )


# --- Priors
#
# Sampling uses normal scores: the standard normal quantiles of a parameter's cumulative prior probability. Every score has a
# standard normal prior, no proposal falls outside a range, and all scores have the same scale.

#: Smallest distance of cumulative probabilities from 0 and 1.
EDGE = 1e-12


@dataclass(frozen=True)
class Prior(DrawnFactor):
    """The prior of a parameter: the scenario's distribution, or uniform over a given range."""

    def scaled(self, values: Values) -> Values:
        """Return values on the parameter's scale: their logarithms if it is logarithmic."""
        return np.log(np.maximum(values, 1e-300)) if self.scale == "log" else values

    def describe(self) -> str:
        """Return the prior in words."""
        if self.distribution is None:
            even = "even in the logarithm" if self.scale == "log" else "even"
            return f"{even} from {self.low:g} to {self.high:g}"
        numbers = ", ".join(f"{value:g}" for value in self.distribution.values)
        return f"{self.distribution.kind} {numbers}"


def values_of(priors: Sequence[Prior], scores: Values) -> Values:
    """Return the parameters of normal scores; both are `(particles, parameters)`."""
    from scipy.special import ndtr

    shares = np.clip(ndtr(scores), EDGE, 1.0 - EDGE)
    return np.stack([prior.at(shares[:, k]) for k, prior in enumerate(priors)], axis=1)


def log_density(scores: Values) -> Values:
    """Return the log density of the scores' prior, which is independent and standard normal."""
    squares = np.einsum("pk,pk->p", scores, scores)
    return np.asarray(-0.5 * squares - 0.5 * scores.shape[1] * math.log(2 * math.pi))


# --- Recorded numbers of a crisis

Single = NDArray[np.float32]


def is_time(column: str) -> bool:
    """Return True for a column of times."""
    return column.endswith("_at_hours")


@dataclass(frozen=True)
class Number:
    """A recorded number, with the names of its case and its scenario."""

    case: str
    scenario: str
    observed: Observed

    @property
    def unit(self) -> str:
        """The unit; "" if it is not a time."""
        return self.observed.unit if is_time(self.observed.of) else ""

    @property
    def words(self) -> str:
        """The number's description, such as "from the trigger to a ceasefire"."""
        of, clock = self.observed.of, Clock(self.observed.of, self.observed.since)
        if not is_time(of):
            return of.replace("_", " ")
        end = clock.words()
        article = "the" if end.startswith("first ") else "an" if end[:1] in "aeiou" else "a"
        return f"from {clock.since_words()} to {article} {end}"

    def read(self, replicates: Replicates) -> Single:
        """Return its value in each crisis, `(rows,)`; NaN if a time never occurs."""
        of, since = self.observed.of, self.observed.since
        if not is_time(of):
            return np.asarray(replicates.column(of), dtype=np.float32)
        durations = Clock(of, since).read(replicates)
        hours = np.where(durations.cause == 1, durations.hours, np.nan)
        return np.asarray(hours / HOURS[self.unit], dtype=np.float32)


# --- The problem: priors, observations, and simulated particles
#
# Every crisis of every particle has its own random numbers. With common random numbers, as in a design, the errors of all
# particles would be alike, and the posterior would be too narrow. With independent ones, the share of crises like the record
# is an unbiased estimate of a particle's likelihood, whose noise averages out over particles (Andrieu and Roberts 2009).

#: Assumed error of a target without an interval, relative to the median absolute deviation of the prior's figures.
EXACT = 0.1


class Seen(NamedTuple):
    """The simulated figures of particles.

    Attributes:
        figures, errors: estimates of the watched measures and their standard errors, `(particles, watched)`.
        values: the recorded numbers in each crisis, `(particles, numbers, replicates)`; NaN if a time never occurs.
        so: True if a case's further conditions hold, `(particles, cases, replicates)`.
    """

    figures: Values
    errors: Values
    values: Single
    so: NDArray[np.bool_]


@dataclass(frozen=True)
class Problem(Calibration):
    """The posterior of an experiment, from which `sample` samples."""

    @cached_property
    def priors(self) -> tuple[Prior, ...]:
        """The parameters, each from the first scenario that has it."""
        return tuple(
            Prior.of(path, keys, next(x for x in self.scenarios if path in numbers_of(x)))
            for path, keys in self.spec.vary.items()
        )

    @cached_property
    def numbers(self) -> tuple[Number, ...]:
        """The recorded numbers."""
        first = self.scenarios[0].name
        return tuple(
            Number(case.name, case.scenario or first, observed)
            for case in self.spec.cases
            for observed in case.record
        )

    @property
    def draws(self) -> int:
        """The number of points drawn from the posterior for the check."""
        return int(self.spec.draws or min(self.spec.particles, 200))

    def crises_before(self, generation: int) -> int:
        """Return the number of crises before a generation; the check counts as the one after the last."""
        return generation * int(self.spec.particles * self.spec.replicates) * len(self.scenarios)

    @property
    def crises(self) -> int:
        """The number of crises in all."""
        check = self.draws * int(self.spec.replicates) * len(self.scenarios)
        return self.crises_before(self.spec.generations) + check

    def scaled_aims(self, seen: Seen) -> tuple[Aim, ...]:
        """Return the targets; without an interval, the error is relative to the spread of the prior's figures.

        Args:
            seen: figures, of which the first generation is drawn from the prior.
        """
        aims = []
        for k, aim in enumerate(self.aims):
            prior = seen.figures[: self.spec.particles, k]
            with np.errstate(divide="ignore", invalid="ignore"):
                prior = np.log(prior) if aim.log else prior
            prior = prior[np.isfinite(prior)]
            spread = float(np.median(np.abs(prior - np.median(prior)))) if len(prior) else 0.0
            is_assumed = aim.target.interval is None and spread > 0
            aims.append(replace(aim, error=EXACT * spread) if is_assumed else aim)
        return tuple(aims)

    def join(self, seen: list[Seen]) -> Seen:
        """Return the figures of several generations as one."""
        return Seen(*map(np.concatenate, zip(*seen, strict=True)))

    def misses(self, seen: Seen) -> Single:
        """Return the largest distance of each crisis from the numbers of each case, relative to their `within`.

        The shape is `(particles, cases, replicates)`, in ascending order. The distance is infinite if a time never occurs
        or a further condition does not hold.
        """
        distances = np.where(seen.so, np.float32(0.0), np.float32(np.inf))
        records = ((k, number) for k, case in enumerate(self.spec.cases) for number in case.record)
        for index, (k, observed) in enumerate(records):
            distance = np.abs(seen.values[:, index] - np.float32(observed.value)) / observed.within
            distance = np.where(np.isnan(distance), np.inf, distance)
            distances[:, k] = np.maximum(distances[:, k], distance)
        return np.sort(distances, axis=2)

    def likelihood(self, seen: Seen) -> Likelihood:
        """Return a function from the tolerance to the log likelihood of each particle.

        It is normal in the targets, with the tolerance times their standard errors; the factor of a case is the share of
        crises within the tolerance.
        """
        squares = np.zeros(len(seen.figures))
        for k, aim in enumerate(self.scaled_aims(seen)):
            squares += aim.target.weight * aim.deviation(seen.figures[:, k]) ** 2
        misses = self.misses(seen)

        def log_likelihood(tolerance: float) -> Values:
            shares = (misses <= tolerance).mean(axis=2)
            with np.errstate(divide="ignore"):
                return np.asarray(-0.5 * squares / tolerance**2 + np.log(shares).sum(axis=1))

        return log_likelihood

    def run(self, scores: Values, generation: int) -> Seen:
        """Simulate crises at particles, each with its own random numbers; a stored generation is read from the folder."""
        folder = self.options.design_folder
        about = {"experiment": self.experiment.digest, "generation": generation}
        if folder is not None and self.options.resume:
            try:
                if seen := read_generation(folder, about, scores):
                    return seen
            except ResultsError as error:
                self.options.on_message(f"generation {generation + 1} is run again: {error}")
        values = values_of(self.priors, scores)
        size = max(IN_MEMORY // self.spec.replicates, 1)
        starts = range(0, len(values), size)
        seen = self.join([self._part(values[k : k + size], generation, k) for k in starts])
        if folder is not None:
            write_generation(folder, about, scores, seen)
        return seen

    def _part(self, values: Values, generation: int, first: int) -> Seen:
        """Simulate some particles, the first of which has the index `first`."""
        spec, options, count = self.spec, self.options, len(values)
        figures, errors = np.full((2, count, len(self.watched)), np.nan)
        numbers = np.full((count, len(self.numbers), spec.replicates), np.nan, dtype=np.float32)
        so = np.ones((count, len(spec.cases), spec.replicates), dtype=np.bool_)
        for index, scenario in enumerate(self.scenarios):
            # Each part of each generation has its own seed.
            entropy: Sequence[int] = [spec.seed, generation, first]
            low, high = np.random.SeedSequence(entropy).generate_state(2, np.uint32).tolist()
            before = self.crises_before(generation)
            before += (first * len(self.scenarios) + index * count) * spec.replicates
            known = numbers_of(scenario)
            batch = simulate(
                [scenario],
                count * spec.replicates,
                int(low) + (int(high) << 31),
                options.workers,
                parameters={
                    prior.path: np.repeat(values[:, k], spec.replicates)
                    for k, prior in enumerate(self.priors)
                    if prior.path in known
                },
                agents=options.agents,
                roles=applicable_roles(scenario, options.roles),
                progress=offset_progress(options.progress, before, self.crises),
            )
            ensemble = batch.ensembles[scenario.name]
            for k, (measured, name) in enumerate(self.watched):
                if name == scenario.name:
                    figure = measured.over(ensemble, count)
                    figures[:, k], errors[:, k] = figure.estimate, figure.standard_error
            for k, number in enumerate(self.numbers):
                if number.scenario == scenario.name:
                    numbers[:, k] = number.read(ensemble).reshape(count, -1)
            for k, case in enumerate(spec.cases):
                if case.so and (case.scenario or self.scenarios[0].name) == scenario.name:
                    so[:, k] = Condition.of(case.so).holds(ensemble).reshape(count, -1)
        return Seen(figures, errors, numbers, so)


# --- Generations on disk, to resume from: a table of particles and their figures (a row for each particle, with arrays
# flattened), and then a seal with the experiment's digest and the table's checksum

_FILE = "generation_{generation:03d}"


def write_generation(folder: Path, about: dict[str, Any], scores: Values, seen: Seen) -> None:
    """Write the figures of particles; `about` has the experiment's digest and the generation's number."""
    import pyarrow as pa

    columns, shapes = {}, {}
    for name, array in {"scores": scores, **seen._asdict()}.items():
        offsets = np.arange(len(array) + 1, dtype=np.int64) * int(np.prod(array.shape[1:]))
        columns[name] = pa.LargeListArray.from_arrays(offsets, pa.array(array.ravel()))
        shapes[name] = ",".join(map(str, array.shape))
    content = safe_files.parquet_of(pa.table(columns).replace_schema_metadata(shapes))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _FILE.format(**about)
    safe_files.write_durably(path.with_suffix(".parquet"), content)
    seal = safe_files.with_checksum({**about, "sha256": safe_files.digest_of(content)})
    safe_files.write_durably(path.with_suffix(".json"), safe_files.as_json(seal))


def read_generation(folder: Path, about: dict[str, Any], scores: Values) -> Seen | None:
    """Return the figures of a generation's particles; None if the generation is incomplete.

    Raises:
        ResultsError: if the files are damaged, or belong to other particles.
    """
    import pyarrow as pa

    name = _FILE.format(**about)
    path, seal = f"{name}.parquet", f"{name}.json"
    if not safe_files.inside(folder, seal).exists():
        return None
    content = safe_files.read_bytes(folder, path)
    expected = safe_files.with_checksum({**about, "sha256": safe_files.digest_of(content)})
    safe_files.check(folder / path, safe_files.read_json(folder, seal) == expected)
    arrays = {}
    with safe_files.reading(folder):
        table = safe_files.table_of(folder / path, content)
        for column in table.column_names:
            shape = [int(size) for size in table.schema.metadata[column.encode()].split(b",")]
            flat = pa.concat_arrays([chunk.flatten() for chunk in table.column(column).chunks])
            arrays[column] = flat.to_numpy(zero_copy_only=False).reshape(shape)
        is_same = np.array_equal(arrays.pop("scores"), scores)
        seen = Seen(**arrays)
    if not is_same:
        raise ResultsError(f"{folder / path} belongs to other particles")
    return seen


# --- Adaptive importance sampling in generations
#
# The first generation is drawn from the prior. The proposal of each later one is a mixture: normal kernels around particles
# resampled by weight, with a width by Scott's rule, and a tenth of the prior, so that no region is excluded. Every particle
# is weighted by prior times likelihood over the mixture of *all* generations' proposals (Cornuet, Marin, Mira and Robert
# 2012). The tolerance is lowered to its goal as fast as the effective sample size allows (Del Moral, Doucet and Jasra 2012).
# All generations have the same size (population Monte Carlo: Beaumont, Cornuet, Marin and Robert 2009).

Likelihood = Callable[[float], Values]

#: Share of each later generation that is drawn from the prior.
DEFENSIVE = 0.1
#: Required effective sample size, as a share of a generation.
ENOUGH = 0.25
#: Highest tolerance, relative to the goal.
WIDEST = 1e6
#: Bisection steps in the search for a tolerance.
_STEPS = 30


@dataclass(frozen=True)
class Proposal:
    """The proposal of a generation: the prior, or kernels and the prior.

    Attributes:
        centres: the kernels' centres, `(kernels, parameters)`.
        root: the Cholesky root of their covariance.
    """

    centres: Values | None = None
    root: Values | None = None

    def draw(self, count: int, dimensions: int, random: np.random.Generator) -> Values:
        """Return particles, `(count, dimensions)`."""
        normal = random.standard_normal((count, dimensions))
        if self.centres is None or self.root is None:
            return normal
        from_kernels = random.random(count) >= DEFENSIVE
        centres = self.centres[random.integers(len(self.centres), size=count)]
        return np.where(from_kernels[:, None], centres + normal @ self.root.T, normal)

    def log_density(self, scores: Values) -> Values:
        """Return the log density of the proposal at scores."""
        prior = log_density(scores)
        if self.centres is None or self.root is None:
            return prior
        from scipy.linalg import solve_triangular
        from scipy.spatial.distance import cdist
        from scipy.special import logsumexp

        points, centres = (
            solve_triangular(self.root, x.T, lower=True).T for x in (scores, self.centres)
        )
        scale = np.log(np.diag(self.root)).sum() + 0.5 * scores.shape[1] * math.log(2 * math.pi)
        kernels = logsumexp(-0.5 * cdist(points, centres, "sqeuclidean"), axis=1)
        kernels = kernels - math.log(len(centres)) - scale
        mixture = np.logaddexp(math.log(DEFENSIVE) + prior, math.log1p(-DEFENSIVE) + kernels)
        return np.asarray(mixture)


@dataclass(frozen=True)
class Sample:
    """The particles of all generations so far.

    Attributes:
        generation: the generation of each particle, `(particles,)`.
        scores: normal scores of their parameters, `(particles, parameters)`.
        weight: their weights, `(particles,)`, which sum to 1.
        seen: their simulated figures.
        tolerance: the tolerance of the likelihood.
        effective: the effective sample size.
        acceptance: the effective share of the last generation alone.
    """

    generation: NDArray[np.int64]
    scores: Values
    weight: Values
    seen: Any
    tolerance: float
    effective: float
    acceptance: float


class NothingFitsError(Exception):
    """No particle has a positive likelihood at any tolerance."""


def sample(
    study: Any, dimensions: int, particles: int, generations: int, seed: int, goal: float = 1.0
) -> Iterator[Sample]:
    """Sample a posterior, and yield the sample after each generation.

    Args:
        study: a `Problem`, or another object with its methods `run`, `join` and `likelihood`.
        dimensions: number of parameters.
        particles: size of a generation.
        goal: the final tolerance.

    Raises:
        NothingFitsError: if no particle has a positive likelihood at any tolerance.
    """
    from scipy.special import logsumexp

    proposals: list[Proposal] = []
    scores: list[Values] = []
    seen: list[Any] = []
    current: Sample | None = None
    tolerance = WIDEST * goal
    for generation in range(generations):
        random = np.random.default_rng([seed, generation])
        proposals.append(
            Proposal() if current is None else proposal_near(current, particles, random)
        )
        scores.append(proposals[-1].draw(particles, dimensions, random))
        seen.append(study.run(scores[-1], generation))
        all_scores, all_seen = np.concatenate(scores), study.join(seen)
        densities = np.stack([proposal.log_density(all_scores) for proposal in proposals])
        mixture = logsumexp(densities, axis=0) - math.log(len(proposals))
        base = log_density(all_scores) - mixture
        likelihood = study.likelihood(all_seen)
        tolerance = tolerance_for(likelihood, base, ENOUGH * particles, goal, tolerance)
        log_weight = base + likelihood(tolerance)
        weight = np.exp(log_weight - log_weight.max())
        current = Sample(
            np.repeat(np.arange(generation + 1), particles),
            all_scores,
            weight / weight.sum(),
            all_seen,
            tolerance,
            effective_size(log_weight),
            effective_size(log_weight[-particles:]) / particles,
        )
        yield current


def proposal_near(current: Sample, kernels: int, random: np.random.Generator) -> Proposal:
    """Return a proposal with kernels around particles resampled by weight."""
    dimensions = current.scores.shape[1]
    centres = current.scores[resampled(current.weight, kernels, random)]
    offset = current.scores - current.weight @ current.scores
    covariance = np.einsum("p,pj,pk->jk", current.weight, offset, offset)
    width = max(current.effective, 2.0) ** (-2.0 / (dimensions + 4))
    return Proposal(centres, np.linalg.cholesky(width * covariance + 1e-6 * np.eye(dimensions)))


def resampled(weight: Values, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return indices of particles drawn by weight (systematic resampling)."""
    positions, total = (random.random() + np.arange(count)) / count, np.cumsum(weight)
    indices = np.searchsorted(total / total[-1], positions, side="right")
    return np.asarray(indices).clip(0, len(weight) - 1)


def tolerance_for(
    likelihood: Likelihood, base: Values, enough: float, goal: float, highest: float
) -> float:
    """Return the lowest tolerance from `goal` to `highest` with an effective sample size of `enough`.

    Raises:
        NothingFitsError: if the likelihood is 0 even at the highest tolerance.
    """

    def effective(tolerance: float) -> float:
        return effective_size(base + likelihood(tolerance))

    most = effective(highest)
    if most == 0.0:
        raise NothingFitsError
    enough = min(enough, 0.9 * most)
    if effective(goal) >= enough:
        return goal
    low, high = math.log(goal), math.log(highest)
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if effective(math.exp(middle)) >= enough else (middle, high)
    return min(math.exp(high), highest)


def effective_size(log_weight: Values) -> float:
    """Return Kish's effective sample size of log weights; 0 if all weights are 0."""
    largest = log_weight.max()
    if largest == -np.inf:
        return 0.0
    weight = np.exp(log_weight - largest)
    return float(weight.sum() ** 2 / (weight @ weight))
