"""Approximate Bayesian computation: its keys, priors, crises at particles, and sequential Monte Carlo."""

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

from crisis_sim.batch import files, simulate
from crisis_sim.batch.files import ResultsError
from crisis_sim.batch.rules import applicable_roles
from crisis_sim.experiments.calibrate import Aim, Calibration, CalibrationSpec
from crisis_sim.experiments.design import IN_MEMORY
from crisis_sim.experiments.factors import DrawnFactor, Range, Values
from crisis_sim.experiments.spec import entry, offset_progress, whole_number
from crisis_sim.outcomes.durations import TRIGGER, Clock, Replicates
from crisis_sim.outcomes.measures import HOURS, Condition
from crisis_sim.scenario.introspect import numbers_of
from crisis_sim.scenario.numbers import Part

# --- The keys of a posterior experiment

MOST_PARTICLES, MOST_GENERATIONS = 100_000, 100


class Observed(Part):
    """A number on record of one crisis."""

    of: str = entry("the outcome, such as ceasefire_in_effect_at_hours")
    since: str = entry("of a time: since when it is counted", TRIGGER)
    value: float = entry("what the record says")
    within: float = entry("how far a crisis may be off and still count as the same", gt=0)
    unit: Literal["hours", "days"] = entry("of a time: the unit of both", "hours")


class Case(Part):
    """One crisis on record: one draw from what the model could have shown."""

    name: str = entry("what it is called")
    record: tuple[Observed, ...] = entry("numbers that are on record", ())
    so: dict[str, Any] = Field(
        default_factory=dict, description="what else was so, such as {ending: agreement}"
    )
    scenario: str = entry("in which scenario; in the first where left out", "")


class PosteriorSpec(CalibrationSpec):
    """What a record, or figures over many crises, say of parameters."""

    kind: Literal["posterior"] = entry("what kind of experiment it is")
    vary: dict[str, Range] = entry(
        "the parameters by path; the prior is what the scenario leaves open, or even "
        "over a range that is given",
        min_length=1,
    )
    cases: tuple[Case, ...] = entry("single crises on record", ())
    particles: int = whole_number("points tried in each generation", least=20, most=MOST_PARTICLES)
    generations: int = whole_number("rounds, each nearer to what fits", 5, most=MOST_GENERATIONS)
    replicates: int = whole_number("crises of each particle, each with luck of its own")
    tolerance: float = entry(
        "where to stop tightening, in the targets' standard errors and the records' own distances",
        1.0,
        gt=0,
    )
    draws: int | None = whole_number(
        "points drawn from the posterior for the check; as many as particles, "
        "but at most 200, where left out",
        None,
        least=20,
        most=MOST_PARTICLES,
    )


# --- Priors
#
# Sampling goes on in normal scores: the standard normal quantile of a parameter's place in its prior. So
# the prior of every score is standard normal, no proposal falls outside a range, and steps fit all of them.

#: Probabilities nearer to 0 and 1 than this are taken as so near: no float lies beyond.
EDGE = 1e-12


@dataclass(frozen=True)
class Prior(DrawnFactor):
    """The prior of one parameter: the scenario's own distribution or, where a range is given, uniform over it."""

    def scaled(self, values: Values) -> Values:
        """Values on the scale on which they are compared: their logarithms where that is asked."""
        return np.log(np.maximum(values, 1e-300)) if self.scale == "log" else values

    def describe(self) -> str:
        """The prior as a person would say it."""
        if self.distribution is None:
            even = "even in the logarithm" if self.scale == "log" else "even"
            return f"{even} from {self.low:g} to {self.high:g}"
        numbers = ", ".join(f"{value:g}" for value in self.distribution.values)
        return f"{self.distribution.kind} {numbers}"


def values_of(priors: Sequence[Prior], scores: Values) -> Values:
    """Parameters of normal scores, `(particles, parameters)` both."""
    from scipy.special import ndtr

    shares = np.clip(ndtr(scores), EDGE, 1.0 - EDGE)
    return np.stack([prior.at(shares[:, k]) for k, prior in enumerate(priors)], axis=1)


def log_density(scores: Values) -> Values:
    """Logarithm of the prior density of scores: independent and standard normal."""
    squares = np.einsum("pk,pk->p", scores, scores)
    return np.asarray(-0.5 * squares - 0.5 * scores.shape[1] * math.log(2 * math.pi))


# --- A single crisis on record: simulated crises that match it

Single = NDArray[np.float32]


def is_time(column: str) -> bool:
    """Whether a column holds times."""
    return column.endswith("_at_hours")


@dataclass(frozen=True)
class Number:
    """A number on record of a crisis, by its name, in a scenario."""

    case: str
    scenario: str
    observed: Observed

    @property
    def unit(self) -> str:
        """Its unit; "" where it is not a time."""
        return self.observed.unit if is_time(self.observed.of) else ""

    @property
    def words(self) -> str:
        """The number in words, such as "from the trigger to a ceasefire"."""
        of, clock = self.observed.of, Clock(self.observed.of, self.observed.since)
        if not is_time(of):
            return of.replace("_", " ")
        end = clock.words()
        article = "the" if end.startswith("first ") else "an" if end[:1] in "aeiou" else "a"
        return f"from {clock.since_words()} to {article} {end}"

    def read(self, replicates: Replicates) -> Single:
        """Its value in each crisis, `(rows,)`; NaN where it never came."""
        of, since = self.observed.of, self.observed.since
        if not is_time(of):
            return np.asarray(replicates.column(of), dtype=np.float32)
        durations = Clock(of, since).read(replicates)
        hours = np.where(durations.cause == 1, durations.hours, np.nan)
        return np.asarray(hours / HOURS[self.unit], dtype=np.float32)


# --- The problem: priors, observations, and crises at particles
#
# Every crisis of every particle has luck of its own. If they shared theirs, as a design's points do, all
# particles would err alike, and the posterior would take one sample's luck for knowledge. So a particle's
# share of crises like the record is an unbiased estimate of its likelihood, whose noise averages out over
# particles (Andrieu and Roberts 2009).

#: A target without an interval is taken as known to this share of the spread of what the prior
#: shows (its median absolute deviation).
EXACT = 0.1


class Seen(NamedTuple):
    """The simulated figures of particles.

    Attributes:
        figures, errors: estimates of what is watched and their standard errors, `(particles, watched)`.
        values: the numbers on record in each crisis, `(particles, numbers, replicates)`; NaN where they never came.
        so: whether what else is on record was so, `(particles, cases, replicates)`.
    """

    figures: Values
    errors: Values
    values: Single
    so: NDArray[np.bool_]


@dataclass(frozen=True)
class Problem(Calibration):
    """A posterior to be found, and how to run its crises; what `sample` samples from."""

    @cached_property
    def priors(self) -> tuple[Prior, ...]:
        """The parameters, each as the first scenario that has it."""
        return tuple(
            Prior.of(path, of, next(one for one in self.scenarios if path in numbers_of(one)))
            for path, of in self.spec.vary.items()
        )

    @cached_property
    def numbers(self) -> tuple[Number, ...]:
        """The numbers on record."""
        first = self.scenarios[0].name
        return tuple(
            Number(case.name, case.scenario or first, observed)
            for case in self.spec.cases
            for observed in case.record
        )

    @property
    def draws(self) -> int:
        """Points drawn from the posterior for the check."""
        return int(self.spec.draws or min(self.spec.particles, 200))

    def crises_before(self, generation: int) -> int:
        """How many crises there are before a generation; the check is the one after the last."""
        return generation * int(self.spec.particles * self.spec.replicates) * len(self.scenarios)

    @property
    def crises(self) -> int:
        """How many crises there are in all."""
        check = self.draws * int(self.spec.replicates) * len(self.scenarios)
        return self.crises_before(self.spec.generations) + check

    def scaled_aims(self, seen: Seen) -> tuple[Aim, ...]:
        """The targets; those without an interval are scaled by the spread of the prior's figures, the first in `seen`."""
        found = []
        for k, aim in enumerate(self.aims):
            shown = seen.figures[: self.spec.particles, k]
            with np.errstate(divide="ignore", invalid="ignore"):
                shown = np.log(shown) if aim.log else shown
            shown = shown[np.isfinite(shown)]
            spread = float(np.median(np.abs(shown - np.median(shown)))) if len(shown) else 0.0
            assumed = aim.target.interval is None and spread > 0
            found.append(replace(aim, error=EXACT * spread) if assumed else aim)
        return tuple(found)

    def join(self, seen: list[Seen]) -> Seen:
        """Several generations' figures, joined."""
        return Seen(*map(np.concatenate, zip(*seen, strict=True)))

    def misses(self, seen: Seen) -> Single:
        """How far each crisis is from each record, in the distances that count as the same.

        The farthest number's distance, `(particles, cases, replicates)`, in ascending order; infinite where something
        did not come, or was not so.
        """
        found = np.where(seen.so, np.float32(0.0), np.float32(np.inf))
        records = ((k, one) for k, case in enumerate(self.spec.cases) for one in case.record)
        for index, (k, observed) in enumerate(records):
            apart = np.abs(seen.values[:, index] - np.float32(observed.value)) / observed.within
            found[:, k] = np.maximum(found[:, k], np.where(np.isnan(apart), np.inf, apart))
        return np.sort(found, axis=2)

    def likelihood(self, seen: Seen) -> Likelihood:
        """From a tolerance, the logarithm of each particle's likelihood, -inf where it is none.

        Normal in targets, with the tolerance times their standard errors; of each record, the share of crises within it.
        """
        squares = np.zeros(len(seen.figures))
        for k, aim in enumerate(self.scaled_aims(seen)):
            squares += aim.target.weight * aim.apart(seen.figures[:, k]) ** 2
        off = self.misses(seen)

        def at(tolerance: float) -> Values:
            shares = (off <= tolerance).mean(axis=2)
            with np.errstate(divide="ignore"):
                return np.asarray(-0.5 * squares / tolerance**2 + np.log(shares).sum(axis=1))

        return at

    def run(self, scores: Values, generation: int) -> Seen:
        """Simulate crises at particles, each with luck of its own; read from the folder, if they are there and intact."""
        folder = self.options.design_folder
        about = {"experiment": self.experiment.digest, "generation": generation}
        if folder is not None and self.options.resume:
            try:
                if found := read_generation(folder, about, scores):
                    return found
            except ResultsError as error:
                self.options.on_message(f"generation {generation + 1} is done again: {error}")
        values = values_of(self.priors, scores)
        size = max(IN_MEMORY // self.spec.replicates, 1)
        firsts = range(0, len(values), size)
        seen = self.join([self._part(values[at : at + size], generation, at) for at in firsts])
        if folder is not None:
            write_generation(folder, about, scores, seen)
        return seen

    def _part(self, values: Values, generation: int, first: int) -> Seen:
        """The figures of some particles from number `first` on: replicates of each, particle after particle."""
        spec, options, count = self.spec, self.options, len(values)
        figures, errors = np.full((2, count, len(self.watched)), np.nan)
        shown = np.full((count, len(self.numbers), spec.replicates), np.nan, dtype=np.float32)
        so = np.ones((count, len(spec.cases), spec.replicates), dtype=np.bool_)
        for index, scenario in enumerate(self.scenarios):
            # Luck is another for each generation, and within it for each part that is run at once.
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
                    found = measured.over(ensemble, count)
                    figures[:, k], errors[:, k] = found.estimate, found.standard_error
            for k, number in enumerate(self.numbers):
                if number.scenario == scenario.name:
                    shown[:, k] = number.read(ensemble).reshape(count, -1)
            for k, case in enumerate(spec.cases):
                if case.so and (case.scenario or self.scenarios[0].name) == scenario.name:
                    so[:, k] = Condition.of(case.so).holds(ensemble).reshape(count, -1)
        return Seen(figures, errors, shown, so)


# --- Generations on disk, to resume from: particles and their figures, a row a particle, further axes of an
# array one after the other; then, written last, the experiment's digest and the checksum of that

_FILE = "generation_{generation:03d}"


def write_generation(folder: Path, about: dict[str, Any], scores: Values, seen: Seen) -> None:
    """Write the figures of particles; `about` are the experiment's digest and the generation's number."""
    import pyarrow as pa

    columns, shapes = {}, {}
    for name, array in {"scores": scores, **seen._asdict()}.items():
        offsets = np.arange(len(array) + 1, dtype=np.int64) * int(np.prod(array.shape[1:]))
        columns[name] = pa.LargeListArray.from_arrays(offsets, pa.array(array.ravel()))
        shapes[name] = ",".join(map(str, array.shape))
    content = files.parquet_of(pa.table(columns).replace_schema_metadata(shapes))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _FILE.format(**about)
    files.write_durably(path.with_suffix(".parquet"), content)
    seal = files.with_checksum({**about, "sha256": files.digest_of(content)})
    files.write_durably(path.with_suffix(".json"), files.as_json(seal))


def read_generation(folder: Path, about: dict[str, Any], scores: Values) -> Seen | None:
    """The figures of a generation's particles; None where they were never written to their end.

    ResultsError where they have been damaged, or are of other particles.
    """
    import pyarrow as pa

    name = _FILE.format(**about)
    path, seal = f"{name}.parquet", f"{name}.json"
    if not files.inside(folder, seal).exists():
        return None
    said, content = files.read_json(folder, seal), files.read_bytes(folder, path)
    files.check(
        folder / path, said == files.with_checksum({**about, "sha256": files.digest_of(content)})
    )
    arrays = {}
    with files.reading(folder):
        table = files.table_of(folder / path, content)
        for column in table.column_names:
            shape = [int(size) for size in table.schema.metadata[column.encode()].split(b",")]
            flat = pa.concat_arrays([chunk.flatten() for chunk in table.column(column).chunks])
            arrays[column] = flat.to_numpy(zero_copy_only=False).reshape(shape)
        is_same = np.array_equal(arrays.pop("scores"), scores)
        seen = Seen(**arrays)
    if not is_same:
        raise ResultsError(f"{folder / path} is of other particles")
    return seen


# --- Adaptive importance sampling, generation by generation
#
# The first generation is drawn from the prior, each later one near the particles that fit so far: a mixture
# of normal kernels around particles resampled by weight, as wide as Scott's rule makes them, and for a tenth
# the prior again, so that nothing is ruled out for good. Each particle ever is weighted by prior times
# likelihood over the mixture of *all* generations' proposals (Cornuet, Marin, Mira and Robert 2012). The
# tolerance is lowered to its goal as fast as the effective sample allows (Del Moral, Doucet and Jasra 2012).
# A generation costs what was planned, whatever it finds (population Monte Carlo for approximate Bayesian
# computation: Beaumont, Cornuet, Marin and Robert 2009).

Likelihood = Callable[[float], Values]

#: The share of each later generation that is drawn from the prior.
DEFENSIVE = 0.1
#: The tolerance is as low as leaves an effective sample of this share of a generation.
ENOUGH = 0.25
#: Tolerances are looked for up to this many times the goal.
WIDEST = 1e6
_STEPS = 30


@dataclass(frozen=True)
class Proposal:
    """A generation's kernels, their centres `(kernels, parameters)` and the root of their covariance; or the prior alone."""

    centres: Values | None = None
    root: Values | None = None

    def draw(self, count: int, dimensions: int, random: np.random.Generator) -> Values:
        """Particles, `(count, dimensions)`."""
        drawn = random.standard_normal((count, dimensions))
        if self.centres is None or self.root is None:
            return drawn
        from_kernels = random.random(count) >= DEFENSIVE
        near = self.centres[random.integers(len(self.centres), size=count)]
        return np.where(from_kernels[:, None], near + drawn @ self.root.T, drawn)

    def log_density(self, scores: Values) -> Values:
        """Logarithm of the density with which particles are drawn."""
        prior = log_density(scores)
        if self.centres is None or self.root is None:
            return prior
        from scipy.linalg import solve_triangular
        from scipy.spatial.distance import cdist
        from scipy.special import logsumexp

        both = (scores, self.centres)
        points, centres = (solve_triangular(self.root, of.T, lower=True).T for of in both)
        scale = np.log(np.diag(self.root)).sum() + 0.5 * scores.shape[1] * math.log(2 * math.pi)
        kernels = logsumexp(-0.5 * cdist(points, centres, "sqeuclidean"), axis=1)
        near = kernels - math.log(len(centres)) - scale
        return np.asarray(np.logaddexp(math.log(DEFENSIVE) + prior, math.log1p(-DEFENSIVE) + near))


@dataclass(frozen=True)
class Sample:
    """The particles of all generations so far.

    Attributes:
        generation, weight: of each particle, `(particles,)`; weights sum to 1.
        scores: normal scores of its parameters, `(particles, parameters)`.
        seen: what its crises showed.
        tolerance: of the likelihood.
        effective: the effective sample size: so many equally weighted particles would say as much.
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
    """No particle's crises came near the targets."""


def sample(
    study: Any, dimensions: int, particles: int, generations: int, seed: int, goal: float = 1.0
) -> Iterator[Sample]:
    """Sample a posterior; what there is after each generation of so many particles, down to a tolerance of `goal`.

    `study` is a `Problem`, or another model with its `run`, `join` and `likelihood`, of so many dimensions.

    Raises:
        NothingFitsError: when no particle has any likelihood at any tolerance.
    """
    from scipy.special import logsumexp

    proposals: list[Proposal] = []
    scores: list[Values] = []
    seen: list[Any] = []
    now: Sample | None = None
    highest = WIDEST * goal
    for generation in range(generations):
        random = np.random.default_rng([seed, generation])
        proposals.append(Proposal() if now is None else proposal_near(now, particles, random))
        scores.append(proposals[-1].draw(particles, dimensions, random))
        seen.append(study.run(scores[-1], generation))
        everywhere, shown = np.concatenate(scores), study.join(seen)
        each = np.stack([proposal.log_density(everywhere) for proposal in proposals])
        base = log_density(everywhere) - (logsumexp(each, axis=0) - math.log(len(proposals)))
        likelihood = study.likelihood(shown)
        highest = tolerance_for(likelihood, base, ENOUGH * particles, goal, highest)
        logarithm = base + likelihood(highest)
        weight = np.exp(logarithm - logarithm.max())
        now = Sample(
            np.repeat(np.arange(generation + 1), particles),
            everywhere,
            weight / weight.sum(),
            shown,
            highest,
            effective_size(logarithm),
            effective_size(logarithm[-particles:]) / particles,
        )
        yield now


def proposal_near(now: Sample, kernels: int, random: np.random.Generator) -> Proposal:
    """Kernels around particles that fit, resampled by weight."""
    dimensions = now.scores.shape[1]
    centres = now.scores[resampled(now.weight, kernels, random)]
    apart = now.scores - now.weight @ now.scores
    covariance = np.einsum("p,pj,pk->jk", now.weight, apart, apart)
    width = max(now.effective, 2.0) ** (-2.0 / (dimensions + 4))
    return Proposal(centres, np.linalg.cholesky(width * covariance + 1e-6 * np.eye(dimensions)))


def resampled(weight: Values, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Numbers of particles, each about as often as its weight says (systematic resampling)."""
    places, total = (random.random() + np.arange(count)) / count, np.cumsum(weight)
    found = np.searchsorted(total / total[-1], places, side="right")
    return np.asarray(found).clip(0, len(weight) - 1)


def tolerance_for(
    likelihood: Likelihood, base: Values, enough: float, goal: float, highest: float
) -> float:
    """The lowest tolerance from `goal` to `highest` that leaves a sample of `enough`; NothingFitsError for none."""

    def left(tolerance: float) -> float:
        return effective_size(base + likelihood(tolerance))

    most = left(highest)
    if most == 0.0:
        raise NothingFitsError
    enough = min(enough, 0.9 * most)
    if left(goal) >= enough:
        return goal
    low, high = math.log(goal), math.log(highest)
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if left(math.exp(middle)) >= enough else (middle, high)
    return min(math.exp(high), highest)


def effective_size(logarithm: Values) -> float:
    """Kish's effective sample size of weights that are given by their logarithms; 0 for none."""
    top = logarithm.max()
    if top == -np.inf:
        return 0.0
    weight = np.exp(logarithm - top)
    return float(weight.sum() ** 2 / (weight @ weight))
