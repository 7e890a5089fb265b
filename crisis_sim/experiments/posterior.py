"""Posterior: what a record, or figures over many crises, say of a scenario's parameters.

Approximate Bayesian computation: parameters drawn from what the scenario leaves open are weighted by
how likely they make what was seen, generation after generation.
Each generation is on disk before the next begins.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim import text as wording
from crisis_sim.batch.plan import check_count
from crisis_sim.experiments import spec
from crisis_sim.experiments.calibrate import check_targets, file_name, scenario_files
from crisis_sim.experiments.factors import check_factor, check_path
from crisis_sim.experiments.run import read_experiment
from crisis_sim.experiments.sampler import (
    Case,
    Checkpointed,
    NothingFitsError,
    PosteriorSpec,
    Prior,
    Problem,
    Sample,
    Seen,
    Values,
    is_time,
    misses,
    resampled,
    sample,
    values_of,
)
from crisis_sim.experiments.spec import Experiment, ExperimentError, Findings, Reading, RunOptions
from crisis_sim.model.parameters import invert
from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.outcomes.measures import EVERYONE, Columns
from crisis_sim.outcomes.names import read_measure
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.scenario.introspect import numbers_of
from crisis_sim.scenario.numbers import Distribution
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import Node

if TYPE_CHECKING:
    import pyarrow as pa


# --- Posterior: what a record, or figures over many crises, say of a scenario's parameters

ANSWERS = "what a record, or figures over many crises, say of parameters"
SPEC = PosteriorSpec


def check(spec: PosteriorSpec, reading: Reading) -> Iterator[Mistake]:

    return find_mistakes(spec, reading)


def crises(experiment: Experiment) -> int:
    from crisis_sim.experiments.sampler import Problem

    return Problem(experiment, RunOptions()).crises


def run(experiment: Experiment, options: RunOptions) -> Findings:

    return told(find(experiment, options))


# --- The mistakes in a posterior experiment that its types cannot tell: paths, targets, records


def find_mistakes(spec: PosteriorSpec, reading: Reading) -> Iterator[Mistake]:
    """The mistakes in a posterior experiment.

    Args:
        spec: what the file says.
        reading: the file's places and its scenarios.
    """
    scenarios = {one.name: one for one in (reading.scenario, *reading.others)}
    for path, written in spec.vary.items():
        node = reading.at("vary", path)
        holder = next((one for one in scenarios.values() if path in numbers_of(one)), None)
        if holder is None:
            yield from check_path(path, node, reading.scenario)
        else:
            yield from check_factor(path, written, node, holder)
    if not spec.targets and not spec.cases:
        yield reading.top.label.mistake(
            "neither targets nor cases", "figures that crises should show, or crises on record"
        )
    yield from check_targets(spec.targets, reading, scenarios)
    names: list[str] = []
    for k, case in enumerate(spec.cases):
        if case.name in names:
            message = f"a second case that is called '{case.name}'"
            yield reading.mistake("cases", k, "name", message=message, expected="another name")
        names.append(case.name)
        yield from _check_case(case, k, reading, scenarios)


def _check_case(
    case: Case, k: int, reading: Reading, scenarios: Mapping[str, Scenario]
) -> Iterator[Mistake]:
    name = case.scenario or reading.scenario.name
    if name not in scenarios:
        yield reading.mistake(
            "cases",
            k,
            "scenario",
            message=f"'{name}' is none of the scenarios",
            expected=one_of(scenarios),
            suggestion=nearest(name, scenarios),
        )
        return
    scenario = scenarios[name]
    own = scenario is reading.scenario
    columns = reading.columns if own else Columns.of(scenario, agents=reading.agents)
    if not case.record and not case.so:
        yield reading.mistake(
            "cases", k, message="nothing is on record", expected="a record, or what was so"
        )
    for j, observed in enumerate(case.record):
        node = reading.at("cases", k, "record", j)
        yield from _check_column(node, "of", observed.of, columns, "time", "number")
        if is_time(observed.of):
            yield from _check_column(node, "since", observed.since, columns, "time")
            continue
        for key in ("since", "unit"):
            if key in node.entries():
                yield node.entries()[key].label.mistake(
                    f"'{observed.of}' is no time: it has no '{key}'", f"no '{key}'"
                )
    if case.so:
        written = reading.at("cases", k, "so")
        try:
            read_measure(Node(written.place, {"share": written}, written.key), columns)
        except ScenarioError as error:
            yield from error.mistakes


def _check_column(
    node: Node, key: str, name: str, columns: Columns, *kinds: str
) -> Iterator[Mistake]:
    known = columns.named(*kinds)
    if name not in known:
        where = node.entries().get(key, node)
        yield where.place.mistake(f"no outcome '{name}'", one_of(known), nearest(name, known))


# --- A posterior found: the generations, then a check of what it predicts, with fresh luck


@dataclass(frozen=True)
class Generation:
    """How a generation went.

    Attributes:
        tolerance: of the likelihood.
        effective: the effective sample size of all particles so far.
        acceptance: the effective share of its own.
    """

    tolerance: float
    effective: float
    acceptance: float


@dataclass(frozen=True)
class Found:
    """A posterior.

    Attributes:
        problem: what it is about.
        sample: the particles of all generations with their weights.
        values: their parameters, `(particles, parameters)`.
        history: how each generation went.
        fresh: what crises show at points drawn from it, with luck that no particle had; all points
            count alike.
    """

    problem: Problem
    sample: Sample
    values: Values
    history: tuple[Generation, ...]
    fresh: Seen


def find(experiment: Experiment, options: RunOptions) -> Found:
    """Find a posterior, and check it.

    Raises:
        ExperimentError: when no particle shows anything like what is aimed for.
        BatchError: when crises cannot be run.
        KeyboardInterrupt: on Ctrl-C; with a folder, the generations that were finished are in it.
    """
    problem = Problem(experiment, options)
    spec = problem.spec
    study = Checkpointed(problem, options.design, options.resume)
    history: list[Generation] = []
    last: Sample | None = None
    try:
        for last in sample(
            study, len(problem.priors), spec.particles, spec.generations, spec.seed, spec.tolerance
        ):
            history.append(Generation(last.tolerance, last.effective, last.acceptance))
            options.on_message(
                f"generation {len(history)} of {spec.generations}: tolerance {last.tolerance:.3g}, "
                f"acceptance {100 * last.acceptance:.0f}%, effective sample {last.effective:.0f}"
            )
            options.progress(problem.crises_before(len(history)), problem.crises)
    except NothingFitsError:
        raise ExperimentError(
            "no crisis of the first generation shows what is on record, within any distance: "
            "more particles or replicates, wider priors, or another record"
        ) from None
    assert last is not None  # noqa: S101 - there is a first generation
    random = np.random.default_rng([spec.seed, spec.generations])
    drawn = last.scores[resampled(last.weight, problem.draws, random)]
    fresh = study.run(drawn, spec.generations)
    options.progress(problem.crises, problem.crises)
    return Found(problem, last, values_of(problem.priors, last.scores), tuple(history), fresh)


# --- Joint draws from a posterior, for crises in which parameters go together as the evidence has it

#: Columns of the table of particles beside the parameters.
OTHERS = ("particle", "generation", "weight")


@dataclass(frozen=True)
class Posterior:
    """A weighted sample of parameters.

        posterior = Posterior.of("results/posterior_may_2025")
        values = posterior.draw(10_000, seed=7)
        batch = simulate("may_2025", 10_000, seed=7, parameters=values)

    Attributes:
        paths: the parameters.
        values: of each particle, `(particles, parameters)`.
        weight: how much each counts, `(particles,)`; they sum to 1.
    """

    paths: Sequence[str]
    values: NDArray[np.float64]
    weight: NDArray[np.float64]

    @classmethod
    def of(cls, findings: Findings | str | Path) -> Posterior:
        """The posterior that an experiment found.

        Args:
            findings: what it found, or its folder.

        Raises:
            ExperimentError: when it was an experiment of another kind.
            ResultsError: when the folder holds no experiment that is finished.
        """
        if not isinstance(findings, Findings):
            findings = read_experiment(findings)
        if findings.experiment.kind != "posterior":
            raise ExperimentError(
                f"an experiment of kind {findings.experiment.kind} has no posterior"
            )
        table = findings.tables["particles"]
        paths = [name for name in table.column_names if name not in OTHERS]
        values = np.stack([table.column(path).to_numpy() for path in paths], axis=1)
        return cls(tuple(paths), values, np.asarray(table.column("weight").to_numpy()))

    def draw(self, replicates: int, seed: int = 1) -> dict[str, NDArray[np.float64]]:
        """Parameters for replicates: particles drawn by weight, all parameters of one together.

        Args:
            replicates: how many.
            seed: the same draws for the same seed.

        Returns:
            By path an array of shape `(replicates,)`, as `crisis_sim.batch.simulate` takes them.

        Raises:
            BatchError: when either is no number to count with.
        """
        check_count("replicates", replicates)
        check_count("seed", seed, least=0)
        random = np.random.default_rng(seed)
        chosen = random.choice(len(self.weight), size=replicates, p=self.weight)
        return {path: self.values[chosen, k] for k, path in enumerate(self.paths)}


# --- What a posterior says of each parameter, and of two together

#: The levels of an interval, and the middle.
LEVELS = (0.025, 0.5, 0.975)
#: A parameter whose variance the evidence narrows by less, and whose mean it moves by less of the
#: prior's standard deviation, is not pinned down; nor is one for which chance explains as much.
NARROWED, MOVED = 0.1, 0.2
#: This share of the posterior in the outermost twentieth of a given range presses against its edge.
PRESSED, OUTERMOST = 0.2, 0.05


@dataclass(frozen=True)
class Marginal:
    """What is known of one parameter.

    Attributes:
        prior: what was believed before.
        mean, median, lower, upper: of the posterior, with its 95% interval.
        prior_mean, prior_median, prior_lower, prior_upper: of the prior.
        shrinkage: 1 less posterior over prior variance (in the logarithm, where the scale is `log`).
        shift: by how many of the prior's standard deviations the mean has moved.
        pinned: whether the evidence says anything of it that chance does not explain.
        edge: at which end of its range it presses: `low`, `high`, or "" for neither.
    """

    prior: Prior
    mean: float
    median: float
    lower: float
    upper: float
    prior_mean: float
    prior_median: float
    prior_lower: float
    prior_upper: float
    shrinkage: float
    shift: float
    pinned: bool
    edge: str


@dataclass(frozen=True)
class Pair:
    """How two parameters go together in the posterior.

    Attributes:
        first, second: their paths.
        correlation: of their values, on their scales.
    """

    first: str
    second: str
    correlation: float


def weighted_quantiles(values: Values, weight: Values, levels: tuple[float, ...]) -> list[float]:
    """Quantiles of weighted values; between values in a straight line."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order])
    places = (total - 0.5 * weight[order]) / total[-1]
    return [float(np.interp(level, places, values[order])) for level in levels]


def marginals_of(found: Found) -> tuple[Marginal, ...]:
    """What a posterior says of each parameter, in their order."""
    return tuple(
        _marginal(prior, found.values[:, k], found.sample.weight, found.sample.effective)
        for k, prior in enumerate(found.problem.priors)
    )


def _marginal(prior: Prior, values: Values, weight: Values, effective: float) -> Marginal:
    lower, median, upper = weighted_quantiles(values, weight, LEVELS)
    before = prior.at(np.asarray(LEVELS))
    grid = prior.at((np.arange(1024) + 0.5) / 1024)
    scaled = prior.scaled(values)
    middle, spread = prior.spread()
    mean = float(weight @ scaled)
    variance = float(weight @ (scaled - mean) ** 2)
    shrinkage = 1.0 - variance / spread**2
    shift = (mean - middle) / spread
    # The mean of so many independent draws errs by a third of this, their variance by root two of it.
    chance = 3.0 / math.sqrt(max(effective, 1.0))
    pinned = shrinkage > max(NARROWED, math.sqrt(2) * chance) or abs(shift) > max(MOVED, chance)
    return Marginal(
        prior,
        float(weight @ values),
        median,
        lower,
        upper,
        float(grid.mean()),
        float(before[1]),
        float(before[0]),
        float(before[2]),
        shrinkage,
        shift,
        bool(pinned),
        _edge(prior, scaled, weight),
    )


def _edge(prior: Prior, scaled: Values, weight: Values) -> str:
    """At which end of a given range a posterior presses."""
    if prior.distribution is not None and prior.distribution.kind != "uniform":
        return ""
    low, high = prior.scaled(prior.at(np.asarray([0.0, 1.0])))
    near = OUTERMOST * (high - low)
    at_low, at_high = weight @ (scaled < low + near), weight @ (scaled > high - near)
    if max(at_low, at_high) < PRESSED:
        return ""
    return "low" if at_low > at_high else "high"


def pairs_of(found: Found) -> tuple[Pair, ...]:
    """How parameters go together, the most correlated first."""
    priors, weight = found.problem.priors, found.sample.weight
    scaled = np.stack([prior.scaled(found.values[:, k]) for k, prior in enumerate(priors)], axis=1)
    apart = scaled - weight @ scaled
    covariance = np.einsum("p,pj,pk->jk", weight, apart, apart)
    spread = np.sqrt(np.diag(covariance))
    found_pairs = [
        Pair(
            priors[j].path,
            priors[k].path,
            float(covariance[j, k] / (spread[j] * spread[k])) if spread[j] * spread[k] > 0 else 0.0,
        )
        for j, k in combinations(range(len(priors)), 2)
    ]
    return tuple(sorted(found_pairs, key=lambda pair: -abs(pair.correlation)))


def adjusted_of(found: Found) -> list[tuple[float, float, float]] | None:
    """Medians and 95% intervals after regression adjustment; None where there is nothing to adjust.

    Where the tolerance could not be lowered to its goal, particles are spread wider around the
    targets than these are known. Scores are regressed on the distances, with the particles' weights,
    and moved along the line to where their distances would be as small as the goal has it (after
    Beaumont, Zhang and Balding 2002).
    """
    from scipy.special import ndtr

    problem, sample = found.problem, found.sample
    aims = problem.scaled_aims(sample.seen)
    ratio = problem.spec.tolerance / sample.tolerance
    if not aims or ratio > 0.999:
        return None
    off = np.stack([aim.apart(sample.seen.figures[:, k]) for k, aim in enumerate(aims)], axis=1)
    root = np.sqrt(sample.weight)[:, None]
    design = np.column_stack([np.ones(len(off)), off])
    slopes = np.linalg.lstsq(root * design, root * sample.scores, rcond=None)[0][1:]
    scores = sample.scores - (1.0 - ratio) * off @ slopes
    shares = np.clip(ndtr(scores), 1e-12, 1 - 1e-12)
    adjusted = []
    for k, prior in enumerate(problem.priors):
        lower, median, upper = weighted_quantiles(prior.at(shares[:, k]), sample.weight, LEVELS)
        adjusted.append((median, lower, upper))
    return adjusted


# --- A marginal as one of the distributions that a scenario can hold: whichever is nearest
#
# A scenario's numbers are independent of each other, and their distributions of a few kinds. So a
# marginal is fitted by the kind whose quantiles are nearest to its own; how parameters go together is
# lost, and only joint draws keep it.

#: Cumulative probabilities at which distributions are compared.
FITTED_LEVELS: NDArray[np.float64] = (np.arange(40) + 0.5) / 40
#: Significant digits that are written.
DIGITS = 5


@dataclass(frozen=True)
class Fit:
    """A distribution that stands for a marginal.

    Attributes:
        distribution: the distribution.
        error: root mean square distance between their quantiles, in the marginal's standard
            deviations.
        prior: whether it is the prior's own, left as it was.
    """

    distribution: Distribution
    error: float
    prior: bool


def fitted(marginal: Marginal, values: Values, weight: Values) -> Fit:
    """The distribution that is nearest to a marginal.

    Args:
        marginal: the marginal; where the evidence says nothing of it, its prior is kept.
        values, weight: its particles, `(particles,)`.
    """
    prior = marginal.prior
    given = prior.distribution
    if given is None and prior.factor.scale == "linear":
        given = Distribution("uniform", (prior.factor.low, prior.factor.high))
    if given is not None and given.kind == "choice":
        return _choice(given, values, weight)
    wanted = np.asarray(weighted_quantiles(values, weight, tuple(FITTED_LEVELS.tolist())))
    mean = float(weight @ values)
    spread = float(np.sqrt(weight @ (values - mean) ** 2)) or 1.0
    if not marginal.pinned and given is not None:
        return Fit(given, _error(given, wanted, prior) / spread, True)
    tried = [(_error(one, wanted, prior), one) for one in _candidates(prior, wanted, mean, spread)]
    error, best = min(tried, key=lambda pair: pair[0])
    return Fit(best, error / spread, False)


def _choice(given: Distribution, values: Values, weight: Values) -> Fit:
    """Of a choice only the weights change."""
    share = [float(weight @ (values == value)) for value in given.values]
    total = sum(share)
    return Fit(
        Distribution("choice", given.values, tuple(one / total for one in share)), 0.0, False
    )


def _error(distribution: Distribution, wanted: Values, prior: Prior) -> float:
    found = invert(distribution, FITTED_LEVELS, prior.low, prior.high)
    return float(np.sqrt(np.mean((found - wanted) ** 2)))


def _candidates(prior: Prior, wanted: Values, mean: float, spread: float) -> Iterator[Distribution]:
    """The nearest of each kind that may stand there."""
    low, high = (float(value) for value in prior.at(np.asarray([0.0, 1.0])))
    ends = (max(low, prior.low), min(high, prior.high))
    half = 3**0.5 * spread
    even = [max(mean - half, ends[0]), min(mean + half, ends[1])]
    if even[0] < even[1]:
        yield _rounded("uniform", even)
    yield from _searched(
        "triangular", [wanted[0], float(np.median(wanted)), wanted[-1]], wanted, prior, ends
    )
    yield from _searched("normal", [mean, spread], wanted, prior, ends)
    if wanted[0] > 0:
        logs = np.log(wanted)
        yield from _searched(
            "lognormal",
            [float(np.exp(logs.mean())), max(float(logs.std()), 1e-6)],
            wanted,
            prior,
            ends,
        )
    if wanted[0] > 0 and wanted[-1] < 1 and prior.low <= 0 and prior.high >= 1:
        common = mean * (1 - mean) / spread**2 - 1
        if common > 0:
            yield from _searched("beta", [mean * common, (1 - mean) * common], wanted, prior, ends)


def _searched(
    kind: str, start: list[float], wanted: Values, prior: Prior, ends: tuple[float, float]
) -> Iterator[Distribution]:
    """The distribution of a kind that is nearest to wanted quantiles, from where a search begins."""
    from scipy.optimize import minimize

    size = np.maximum(np.abs(start), 1e-9)

    def distribution(numbers: Values) -> Distribution | None:
        values = [float(value) for value in numbers * size]
        if kind == "triangular":
            values = [max(values[0], ends[0]), values[1], min(values[2], ends[1])]
            if not values[0] <= values[1] <= values[2] or values[0] == values[2]:
                return None
        elif kind == "beta":
            if min(values) <= 0:
                return None
        elif (
            not (
                max(prior.low, 0.0 if kind == "lognormal" else prior.low) <= values[0] <= prior.high
            )
            or values[1] <= 0
        ):
            return None
        return _rounded(kind, values)

    def loss(numbers: Values) -> float:
        one = distribution(numbers)
        return float("inf") if one is None else _error(one, wanted, prior)

    begin = np.asarray(start) / size
    best = minimize(loss, begin, method="Nelder-Mead", options={"maxiter": 200, "xatol": 1e-4})
    one = distribution(best.x)
    if one is not None:
        yield one


def _rounded(kind: str, values: list[float]) -> Distribution:
    return Distribution(kind, tuple(float(f"{value:.{DIGITS}g}") for value in values))


# --- Posterior predictive check: what the posterior says that crises show, beside what was seen
#
# Points are drawn from the posterior, and their crises have luck that no particle had. Beside them
# stands what the prior predicted.

#: Quantiles that are told, by the names of their columns.
QUANTILES = {"lower": 0.025, "quarter": 0.25, "median": 0.5, "three_quarters": 0.75, "upper": 0.975}
#: Probabilities beyond which what was seen is in the tail of what is predicted.
TAIL = 0.025


def predicted(found: Found) -> list[dict[str, Any]]:
    """One row for each figure and each number on record."""
    return [*_figures(found), *_numbers(found)]


def _figures(found: Found) -> list[dict[str, Any]]:
    """Of each figure: how it is spread over points, with what it should be where it is a target."""
    from scipy.special import ndtr

    problem = found.problem
    before, after = _prior(found), found.fresh
    aims = problem.scaled_aims(found.sample.seen)
    rows = []
    for k, (measured, scenario) in enumerate(problem.watched):
        row = {
            "what": "figure",
            "name": measured.name,
            "words": measured.words,
            "unit": measured.unit,
            "among": measured.among,
            "scenario": scenario,
            "case": None,
            "seen": None,
            "seen_lower": None,
            "seen_upper": None,
            "tail": None,
            **_spread(after.figures[:, k], ""),
            **_spread(before.figures[:, k], "prior_"),
        }
        if k < len(aims):
            aim = aims[k]
            row |= {
                "seen": aim.target.value,
                "seen_lower": aim.limits[0],
                "seen_upper": aim.limits[1],
                "tail": float(ndtr(aim.apart(after.figures[:, k])).mean()),
            }
        rows.append(row)
    return rows


def _numbers(found: Found) -> list[dict[str, Any]]:
    """Of each number on record: how it is spread over single crises."""
    before, after = _prior(found), found.fresh
    rows = []
    for k, number in enumerate(found.problem.numbers):
        observed = number.observed
        values = after.values[:, k].astype(np.float64).ravel()
        came = values[~np.isnan(values)]
        below = np.mean(came < observed.value) + 0.5 * np.mean(came == observed.value)
        rows.append(
            {
                "what": "record",
                "name": f"{number.case}: {number.words}",
                "words": number.words,
                "unit": number.unit,
                "among": EVERYONE,
                "scenario": number.scenario,
                "case": number.case,
                "seen": observed.value,
                "seen_lower": observed.value - observed.within,
                "seen_upper": observed.value + observed.within,
                "tail": float(1.0 - below) if len(came) else None,
                **_spread(values, ""),
                **_spread(before.values[:, k].astype(np.float64).ravel(), "prior_"),
            }
        )
    return rows


def shares_like(found: Found) -> list[dict[str, Any]]:
    """Of each crisis on record: how often one like it comes, at the goal of the tolerance."""
    problem = found.problem
    goal = problem.spec.tolerance
    each = {
        name: (misses(problem.spec.cases, seen.values, seen.so) <= goal).mean(axis=2)
        for name, seen in (("prior", _prior(found)), ("posterior", found.fresh))
    }
    rows = []
    for k, case in enumerate(problem.spec.cases):
        row: dict[str, Any] = {"name": case.name, "scenario": case.scenario}
        for name, shares in each.items():
            own = shares[:, k]
            error = float(own.std(ddof=1) / math.sqrt(len(own)))
            row[name] = float(own.mean())
            row[f"{name}_lower"] = max(row[name] - normal_quantile() * error, 0.0)
            row[f"{name}_upper"] = min(row[name] + normal_quantile() * error, 1.0)
        rows.append(row)
    return rows


def in_tail(row: dict[str, Any]) -> bool:
    """Whether what was seen is where the posterior hardly ever leads."""
    return row["tail"] is not None and not TAIL <= row["tail"] <= 1.0 - TAIL


def _prior(found: Found) -> Seen:
    """What the generation that was drawn from the prior has shown."""
    seen: Seen = found.sample.seen
    first = found.problem.spec.particles
    return Seen(*(getattr(seen, name)[:first] for name in ("figures", "errors", "values", "so")))


def _spread(values: Values, prefix: str) -> dict[str, float | None]:
    """Quantiles of what is known, and the share of all that is; None for a time that never comes."""
    known = values[~np.isnan(values)]
    found: dict[str, float | None] = {f"{prefix}known": len(known) / len(values)}
    for name, level in QUANTILES.items():
        at = float(np.quantile(known, level, method="inverted_cdf")) if len(known) else math.nan
        found[prefix + name] = at if math.isfinite(at) else None
    return found


# --- The posterior as a scenario that extends the original: each parameter with its own distribution

_HEAD = """\
# Each parameter has the distribution that is nearest to its marginal. They are drawn independently
# here: how parameters go together in the posterior is lost. Joint draws keep it (docs/experiments.md).
"""


# --- What a posterior experiment found, in sentences

#: Parameters and pairs that an answer tells of; the tables have all of them.
MOST_TOLD = 6
#: A correlation from which two parameters are said to go together.
TOGETHER = 0.3
#: An effective sample smaller than this sets 95% limits but roughly.
FEW = 400
#: Monte Carlo error beyond this share of a target's own is told of.
BLURRED = 0.5
#: With fewer crises like the record at a particle, luck decides how well it fits.
FEW_LIKE = 3.0


def answer(summary: dict[str, Any]) -> Iterator[str]:
    """Sentences: what was found, how sure that is, and what would make it surer."""
    yield from _on_parameters(summary)
    yield from _on_pairs(summary)
    yield from _on_cases(summary)
    yield from _on_check(summary)
    yield from _on_files(summary)
    yield from _on_budget(summary)


def _on_parameters(summary: dict[str, Any]) -> Iterator[str]:
    rows = sorted(summary["parameters"], key=lambda row: -float(row["shrinkage"]))
    names = spec.short_names([row["path"] for row in rows])
    pinned = [row for row in rows if row["pinned"]]
    told = [
        f"{names[row['path']]} {_span(row)}, before {_span(row, 'prior_')}"
        for row in pinned[:MOST_TOLD]
    ]
    if told:
        more = len(pinned) - MOST_TOLD
        rest = f"; {wording.count(more)} more in marginals.parquet" if more > 0 else ""
        yield f"Posterior medians with 95% intervals: {'; '.join(told)}{rest}."
    loose = [names[row["path"]] for row in rows if not row["pinned"]]
    if loose:
        said = wording.listed(loose[:MOST_TOLD])
        others = len(loose) - MOST_TOLD
        rest = f" and {wording.count(others)} more" if others > 0 else ""
        them = "them" if len(loose) > 1 else "it"
        yield f"Not pinned down by this evidence: {said}{rest}. What was believed of {them} stays."
    for row in rows:
        if row["edge"]:
            yield (
                f"{spec.sentence_start(names[row['path']])} presses against the {row['edge']} end of "
                "its prior: values beyond it might fit better."
            )
    if any(row["adjusted_median"] is not None for row in rows):
        told = [f"{names[row['path']]} {_span(row, 'adjusted_')}" for row in rows[:MOST_TOLD]]
        yield f"Adjusted by regression for the tolerance that is left: {'; '.join(told)}."


def _span(row: dict[str, Any], prefix: str = "") -> str:
    unit = str(row["unit"])
    if unit in ("share", "ratio", "intensity") or unit.startswith("1/"):
        unit = ""
    noun = "" if not unit or row["path"].endswith(unit) else f" {unit}"
    middle, lower, upper = (row[f"{prefix}{key}"] for key in ("median", "lower", "upper"))
    return f"{middle:.3g}{noun} ({lower:.3g} to {upper:.3g})"


def _on_pairs(summary: dict[str, Any]) -> Iterator[str]:
    names = spec.short_names([row["path"] for row in summary["parameters"]])
    error = 2.0 / math.sqrt(max(summary["effective"], 1.0))
    told = [
        f"{names[pair['first']]} and {names[pair['second']]} ({pair['correlation']:+.2f})".replace(
            "(-", f"({wording.MINUS}"
        )
        for pair in summary["correlations"]
        if abs(pair["correlation"]) > max(TOGETHER, error)
    ]
    if told:
        yield (
            f"Known better together than each alone (correlation): {wording.listed(told[:MOST_TOLD])}."
        )


def _on_cases(summary: dict[str, Any]) -> Iterator[str]:
    for row in summary["cases"]:
        before, after = (
            spec.estimate(row[name], row[f"{name}_lower"], row[f"{name}_upper"], "share")
            for name in ("prior", "posterior")
        )
        yield (
            f"A crisis like {row['name']} comes in {after} of all crises with the posterior, in "
            f"{before} of all with the prior. One crisis is one draw of many that could have come: it says little."
        )


def _on_check(summary: dict[str, Any]) -> Iterator[str]:
    seen = [row for row in summary["predictive"] if row["tail"] is not None]
    off = [row for row in seen if in_tail(row)]
    if not seen:
        return
    if not off:
        what = "It lies" if len(seen) == 1 else f"All {wording.count(len(seen))} lie"
        yield (
            "What was seen beside what the posterior predicts, with fresh luck: "
            f"{what[0].lower()}{what[1:]} within the middle 95%."
        )
        return
    why = (
        "The tolerance is not at its goal yet, which may be why."
        if summary["tolerance"] > summary["goal"]
        else "It may be that no values of these parameters explain it."
    )
    told = []
    for row in off[:MOST_TOLD]:
        median = math.inf if row["median"] is None else row["median"]
        seen_there = spec.figure(row["seen"], row["unit"])
        told.append(f"{row['name']}: {seen_there}, predicted {spec.figure(median, row['unit'])}")
    yield (
        f"The posterior does not explain {wording.count(len(off))} of {wording.count(len(seen))} that "
        f"were seen, which lie outside the middle 95% of what it predicts with fresh luck: "
        f"{'; '.join(told)}. {why}"
    )


def _on_files(summary: dict[str, Any]) -> Iterator[str]:
    files = wording.listed(summary["files"])
    several = len(summary["files"]) > 1
    moved = [row for row in summary["parameters"] if not row["distribution_is_prior"]]
    if not moved:
        yield f"{files} {'have' if several else 'has'} the priors as they were."
        return
    worst = max(row["distribution_error"] for row in moved)
    lost = ""
    if summary["correlations"]:
        strongest = summary["correlations"][0]["correlation"]
        shown = f"{strongest:+.2f}".replace("-", wording.MINUS)
        lost = (
            " Parameters are independent there: correlations are lost "
            f"(the strongest: {shown}); joint draws keep them."
        )
    yield (
        f"{files} {'have' if several else 'has'} the posterior as distributions, at most "
        f"{worst:.2g} standard deviations off.{lost}"
    )


def _on_budget(summary: dict[str, Any]) -> Iterator[str]:
    effective = summary["effective"]
    spent = summary["particles"] * len(summary["generations"])
    said = (
        f"{wording.count(spent)} particles of {wording.count(summary['replicates'])} replicates are worth "
        f"{wording.count(effective)} equally weighted ones"
    )
    if effective < FEW:
        times = math.ceil(FEW / max(effective, 1.0))
        said += (
            f": limits are rough; about {wording.count(times)} times as many would set them well"
        )
    elif summary["tolerance"] <= summary["goal"]:
        said += ": enough. More would hardly change the answer; more evidence would"
    yield f"{said}."
    if summary["tolerance"] > summary["goal"] * 1.001:
        yield (
            f"The tolerance came down to {summary['tolerance']:.3g}, not yet to "
            f"{summary['goal']:g}: intervals are wider than the evidence has them. More generations "
            "or particles would lower it."
        )
    yield from _on_noise(summary)


def _on_noise(summary: dict[str, Any]) -> Iterator[str]:
    """How much the luck of few replicates blurs."""
    noise, replicates = summary["noise"], wording.count(summary["replicates"])
    blurred = [ratio for ratio in noise["targets"] if ratio and ratio > BLURRED]
    if blurred:
        times = math.ceil((max(blurred) / BLURRED) ** 2)
        yield (
            f"The luck of {replicates} replicates adds an error of up to {max(blurred):.2g} times a "
            f"target's own, and widens the posterior; {wording.count(times)} times as many would make it "
            "small."
        )
    if blurred and any(noise["assumed"]):
        yield (
            "Targets without an interval are taken as known to a tenth of what the prior leaves open: "
            "an interval says how well they are."
        )
    few = [like for like in noise["like"] if like < FEW_LIKE]
    if few:
        yield (
            f"Particles that fit have about {min(few):.2g} crises like the record among "
            f"{replicates}: which of them count is much luck, though it "
            "averages out. More replicates would make the effective sample larger."
        )


# --- What a posterior experiment found, as tables, plain data and files

#: Cumulative probabilities at which priors are told, for charts.
DRAWN_LEVELS = (np.arange(400) + 0.5) / 400


def told(found: Found) -> Findings:
    """All that is told of a posterior."""
    marginals = marginals_of(found)
    weight = found.sample.weight
    fits = {
        one.prior.path: fitted(one, found.values[:, k], weight) for k, one in enumerate(marginals)
    }
    summary = _summary(found, marginals, fits)
    return Findings(
        found.problem.experiment,
        tuple(answer(summary)),
        _tables(found, summary),
        summary,
        found.problem.crises,
        scenario_files(
            found.problem.scenarios,
            {path: fit.distribution.plain() for path, fit in fits.items()},
            "posterior",
            found.problem.experiment.name,
            _HEAD,
        ),
    )


def _tables(found: Found, summary: dict[str, Any]) -> dict[str, pa.Table]:
    """Tidy tables: particles, marginals, correlations, the check, the generations, the priors."""
    import pyarrow as pa

    sample, priors = found.sample, found.problem.priors
    parameters = {prior.path: found.values[:, k] for k, prior in enumerate(priors)}
    pairs = summary["correlations"]
    return {
        "particles": pa.table(
            {
                "particle": np.arange(len(sample.weight)),
                "generation": sample.generation,
                "weight": sample.weight,
                **parameters,
            }
        ),
        "marginals": pa.Table.from_pylist(summary["parameters"]),
        "correlations": pa.table(
            {
                key: pa.array([pair[key] for pair in pairs], kind)
                for key, kind in (
                    ("first", pa.string()),
                    ("second", pa.string()),
                    ("correlation", pa.float64()),
                )
            }
        ),
        "predictive": pa.Table.from_pylist(summary["predictive"]),
        "generations": pa.Table.from_pylist(summary["generations"]),
        "priors": pa.table(
            {
                "parameter": np.repeat([prior.path for prior in priors], len(DRAWN_LEVELS)),
                "probability": np.tile(DRAWN_LEVELS, len(priors)),
                "value": np.concatenate([prior.at(DRAWN_LEVELS) for prior in priors]),
            }
        ),
    }


def _summary(found: Found, marginals: Sequence[Marginal], fits: dict[str, Fit]) -> dict[str, Any]:
    """The figures that matter, fit for JSON."""
    problem, spec = found.problem, found.problem.spec
    adjusted = adjusted_of(found)
    return {
        "particles": spec.particles,
        "replicates": spec.replicates,
        "draws": problem.draws,
        "scenarios": [one.name for one in problem.scenarios],
        "effective": found.sample.effective,
        "tolerance": found.sample.tolerance,
        "goal": spec.tolerance,
        "parameters": [
            _parameter(one, fits[one.prior.path], adjusted[k] if adjusted else None)
            for k, one in enumerate(marginals)
        ],
        "correlations": [asdict(pair) for pair in pairs_of(found)],
        "predictive": predicted(found),
        "cases": shares_like(found),
        "noise": _noise(found),
        "generations": [
            {"generation": k + 1, **asdict(one)} for k, one in enumerate(found.history)
        ],
        "files": [file_name(one, "posterior") for one in problem.scenarios],
    }


def _parameter(
    one: Marginal, fit: Fit, adjusted: tuple[float, float, float] | None
) -> dict[str, Any]:
    factor = one.prior.factor
    figures = {key: value for key, value in vars(one).items() if key != "prior"}
    names = ("adjusted_median", "adjusted_lower", "adjusted_upper")
    return {
        "path": factor.path,
        "meaning": factor.meaning,
        "unit": factor.unit,
        "scale": factor.scale,
        "low": factor.low,
        "high": factor.high,
        "prior": one.prior.words(),
        **figures,
        **dict(zip(names, adjusted or (None, None, None), strict=True)),
        "distribution": fit.distribution.kind,
        "distribution_values": list(fit.distribution.values),
        "distribution_error": fit.error,
        "distribution_is_prior": fit.prior,
    }


def _noise(found: Found) -> dict[str, Any]:
    """How much the luck of few replicates blurs what particles show, where they fit.

    `targets`: of each target the Monte Carlo error over its own error. `assumed`: whether that was
    not given. `like`: of each crisis on record, how many of a particle's crises are like it.
    """
    problem, sample = found.problem, found.sample
    targets = []
    for k, aim in enumerate(problem.scaled_aims(sample.seen)):
        error, figure = sample.seen.errors[:, k], sample.seen.figures[:, k]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = error / aim.error / (figure if aim.log else 1.0)
        known = np.isfinite(ratio)
        share = float(sample.weight @ known)
        targets.append(float(sample.weight[known] @ ratio[known]) / share if share > 0 else None)
    off = misses(problem.spec.cases, sample.seen.values, sample.seen.so)
    like = (off <= sample.tolerance).sum(axis=2)
    assumed = [aim.target.interval is None for aim in problem.aims]
    return {"targets": targets, "assumed": assumed, "like": (sample.weight @ like).tolist()}
