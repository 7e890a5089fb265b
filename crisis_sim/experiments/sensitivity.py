"""Sensitivity: which parameters an outcome depends on, by Morris, Sobol and a tornado."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from crisis_sim import text as wording
from crisis_sim.batch.files import inside
from crisis_sim.experiments import spec as words
from crisis_sim.experiments.design import Design, run_design
from crisis_sim.experiments.factors import Factor, Range, number_at, resolve
from crisis_sim.experiments.indices import (
    MAIN,
    IndexEstimates,
    Layout,
    Study,
    layout_of,
    pairs_of,
    size_of,
    study,
)
from crisis_sim.experiments.spec import (
    MOST,
    Experiment,
    Findings,
    Reading,
    RunOptions,
    Spec,
    WrittenMeasure,
)
from crisis_sim.model.parameters import invert
from crisis_sim.outcomes.differences import Contrast, Measured
from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.outcomes.measures import Measure
from crisis_sim.scenario.errors import Mistake
from crisis_sim.scenario.introspect import numbers_of, slot_at
from crisis_sim.scenario.numbers import Distribution
from crisis_sim.scenario.schema import Scenario

# --- What a sensitivity experiment says

Method = Literal["morris", "sobol", "pawn"]

#: Samples where a file does not say how many: trajectories, base samples, points.
SAMPLES: dict[str, int] = {"morris": 32, "sobol": 256, "pawn": 1024}
#: Fewer than these say nothing at all.
FEWEST: dict[str, int] = {"morris": 4, "sobol": 16, "pawn": 64}
#: What a sample is called.
SAMPLE_WORDS: dict[str, str] = {
    "morris": "trajectories",
    "sobol": "base samples",
    "pawn": "points",
}


class SensitivitySpec(Spec):
    """Which parameters an outcome turns on."""

    kind: Literal["sensitivity"] = Field(description="what kind of experiment it is")
    method: Method = Field(
        "morris",
        description="morris to screen many parameters, sobol to share out variance, "
        "pawn to compare distributions",
    )
    vary: dict[str, Range] = Field(
        default_factory=dict,
        description="parameters by path, each with its range; where none is given, all that are "
        "worth a slider",
    )
    samples: int | None = Field(
        None,
        description="trajectories (morris), base samples (sobol: a power of two) or points (pawn)",
        strict=True,
        ge=1,
        le=1_000_000,
    )
    second_order: bool = Field(
        False, description="sobol: whether pairs of parameters get an index, at twice the cost"
    )
    tornado: int = Field(
        1000,
        description="crises at each end of every parameter for the tornado; 0 for none",
        strict=True,
        ge=0,
        le=MOST,
    )
    outcomes: tuple[WrittenMeasure, ...] = Field(min_length=1, description="what is measured")

    @property
    def count(self) -> int:
        """How many samples are drawn."""
        return SAMPLES[self.method] if self.samples is None else self.samples


# --- Sensitivity: which parameters an outcome turns on, one by one and together
#
# Morris screens many parameters, Sobol shares out the variance of an outcome, PAWN compares its whole
# distribution. All points share the luck of each replicate, and
# what luck is left in the indices is told. Beside them a tornado moves each factor alone.

SPEC = SensitivitySpec
ANSWERS = "which parameters an outcome turns on, one by one and together"


def check(spec: SensitivitySpec, reading: Reading) -> Iterator[Mistake]:
    yield from reading.check_factors(ranges(spec.vary, reading.scenario), "vary")
    yield from _check_samples(spec, reading)
    if spec.second_order and spec.method != "sobol":
        yield reading.mistake(
            "second_order",
            message=f"{spec.method} has no indices of pairs",
            expected="method: sobol, or second_order: false",
        )


def _check_samples(spec: SensitivitySpec, reading: Reading) -> Iterator[Mistake]:
    count, fewest = spec.count, FEWEST[spec.method]
    if count < fewest:
        yield reading.mistake(
            "samples",
            message=f"{count} {SAMPLE_WORDS[spec.method]} tell nothing",
            expected=f"{fewest} or more",
        )
    elif spec.method == "sobol" and count & (count - 1):
        below = 1 << (count.bit_length() - 1)
        yield reading.mistake(
            "samples",
            message=f"{count} base samples lose the balance of a Sobol sequence",
            expected=f"a power of two, such as {below} or {2 * below}",
        )


def crises(experiment: Experiment) -> int:
    spec: Any = experiment.spec
    factors = len(ranges(spec.vary, experiment.scenario))
    size = size_of(spec.method, factors, second_order=spec.second_order)
    return int(spec.count * size * spec.replicates) + count(factors, spec.tornado)


def run(experiment: Experiment, options: RunOptions) -> Findings:
    spec: Any = experiment.spec
    drawn = drawn_factors(spec.vary, experiment.scenario)
    paths = [one.factor.path for one in drawn]
    layout = layout_of(
        spec.method, spec.count, len(drawn), spec.seed, second_order=spec.second_order
    )
    total = crises(experiment)
    design = _run(
        experiment, values_of(layout, drawn), spec.replicates, "points", _of(options, 0, total)
    )
    studies = {name: study(layout, one, spec.seed) for name, one in design.measured.items()}
    found = {
        "points": design.point_table(),
        "measures": design.measure_table(),
        "indices": index_table(studies, paths),
    }
    if spec.second_order:
        found["pairs"] = pair_table(studies, paths)
    if spec.method == "morris":
        found["effects"] = effect_table(studies, paths)
    if spec.tornado:
        beside = _run(
            experiment,
            points_of(drawn),
            spec.tornado,
            "tornado",
            _of(options, design.crises, total),
        )
        found["tornado"] = bar_table(
            [row for name, one in beside.measured.items() for row in bars(name, one, drawn)]
        )
    warned = {name: list(warnings(spec, one, layout)) for name, one in studies.items()}
    return Findings(
        experiment,
        tuple(answer(experiment, drawn, studies, warned, layout)),
        found,
        _summary(experiment, drawn, studies, warned, layout),
        total,
    )


def values_of(layout: Layout, drawn: list[Drawn]) -> dict[str, Any]:
    """The value of each parameter at each point; Morris goes from end to end of each."""
    to_ends = layout.method == "morris"
    return {
        one.factor.path: (one.between_ends if to_ends else one.values)(layout.shares[:, k])
        for k, one in enumerate(drawn)
    }


def _run(
    experiment: Experiment, values: dict[str, Any], replicates: int, name: str, options: RunOptions
) -> Design:
    return run_design(
        experiment.scenario,
        values,
        experiment.measures,
        replicates,
        experiment.spec.seed,
        options.workers,
        None if options.design is None else inside(options.design, name, is_folder=True),
        resume=options.resume,
        progress=options.progress,
        on_message=options.on_message,
        agents=options.agents,
    )


def _of(options: RunOptions, before: int, total: int) -> RunOptions:
    """The same way, with the progress of one of two designs told as that of both."""
    progress: Callable[[int, int], None] = options.progress
    return replace(options, progress=lambda done, _: progress(before + done, total))


def _summary(
    experiment: Experiment,
    drawn: list[Drawn],
    studies: dict[str, Study],
    warned: dict[str, list[str]],
    layout: Layout,
) -> dict[str, Any]:
    spec: Any = experiment.spec
    paths = [one.factor.path for one in drawn]
    return {
        "method": spec.method,
        "samples": layout.samples,
        "points": len(layout.shares),
        "replicates": spec.replicates,
        "tornado_replicates": spec.tornado,
        "factors": factor_rows(drawn),
        "measures": [one.about() for one in experiment.measures],
        "studies": {
            name: {**study_summary(one, paths, spec.method), "warnings": warned[name]}
            for name, one in studies.items()
        },
    }


# --- Short names of factors, for sentences and charts


def names_of(paths: Sequence[str]) -> dict[str, str]:
    """Each path without its section: `us.leverage.india`; whole where two would be called the same."""
    short = {path: path.split(".", 1)[-1] for path in paths}
    called = list(short.values())
    return {path: name if called.count(name) == 1 else path for path, name in short.items()}


# --- Factors of a study, and how each is drawn: a share of its probability becomes a value
#
# A parameter that the file gives no range for is drawn as the scenario draws it, where it is uncertain
# there, so that what matters is told by the scenario's own weights. One that is known there goes
# evenly over the range of the schema: in equal ratios where this spans a thousandfold, such as delays
# from a quarter of an hour to a year, else in equal steps. Where no file names the parameters, it goes
# as far as its slider does.

Values = NDArray[np.float64]

#: A range with a larger ratio of its ends goes in equal ratios where nothing else is said.
DECADES = 1000.0
#: Of a distribution without ends the middle 95% counts as all of it where ends are needed.
MIDDLE = 0.95
#: Where the ends of a tornado's bars lie in a distribution.
TORNADO = (0.05, 0.95)
#: Shares nearer to 0 or 1 than this would be infinite values.
NEVER = 1e-9


@dataclass(frozen=True)
class Drawn:
    """A factor and how it is drawn.

    Attributes:
        factor: the factor.
        distribution: the scenario's own distribution, if it is drawn by that.
        low, high: what the schema allows.
    """

    factor: Factor
    distribution: Distribution | None
    low: float
    high: float

    def values(self, shares: Values) -> Values:
        """Values at shares of its probability."""
        if self.distribution is None:
            return np.asarray(np.clip(self.factor.at(shares), self.factor.low, self.factor.high))
        return invert(self.distribution, np.clip(shares, NEVER, 1 - NEVER), self.low, self.high)

    def between_ends(self, shares: Values) -> Values:
        """Values at shares of the way from end to end; where it has no ends, of its middle 95%."""
        if self.distribution is not None and self.distribution.kind in ("normal", "lognormal"):
            shares = (1 - MIDDLE) / 2 + MIDDLE * shares
        return self.values(shares)

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of its bar in a tornado: its 5% and 95% quantile, or those of a given range."""
        if self.distribution is None:
            return self.factor.low, self.factor.high
        low, high = self.values(np.asarray(TORNADO))
        return float(low), float(high)

    def words(self) -> str:
        """How it is drawn, as a person would say it."""
        if self.distribution is not None and self.distribution.kind == "choice":
            return "as the scenario chooses it"
        if self.distribution is not None:
            numbers = ", ".join(f"{value:g}" for value in self.distribution.values)
            return f"{self.distribution.kind} ({numbers}), as in the scenario"
        spacing = "in equal ratios" if self.factor.scale == "log" else "evenly"
        return f"{spacing} from {self.factor.low:g} to {self.factor.high:g}"


def drawn_factors(vary: dict[str, Range], scenario: Scenario) -> list[Drawn]:
    """The factors of a study, in its order; `vary` must have been checked."""
    return [_drawn(path, written, scenario) for path, written in ranges(vary, scenario).items()]


def ranges(vary: dict[str, Range], scenario: Scenario) -> dict[str, Range]:
    """What is varied: what a file says, or every number that is worth a slider and can be moved."""
    if vary:
        return vary
    sliders = {path: _slider(path) for path in numbers_of(scenario)}
    return {
        # What the scenario draws goes as it is drawn; what it knows, as far as a slider goes.
        path: Range()
        if isinstance(number_at(scenario, path), Distribution)
        else Range(low=ends[0], high=ends[1])
        for path, ends in sliders.items()
        if ends
    }


def _drawn(path: str, written: Range, scenario: Scenario) -> Drawn:
    limits = numbers_of(scenario)[path]
    number = number_at(scenario, path)
    as_given = written.low is None and written.high is None and written.scale == "linear"
    own = number if as_given and isinstance(number, Distribution) else None
    factor = resolve(path, written, scenario)
    said: Any = written.model_fields_set
    if "scale" not in said and own is None and 0 < factor.low * DECADES <= factor.high:
        factor = resolve(path, written.model_copy(update={"scale": "log"}), scenario)
    return Drawn(factor, own, limits.low, limits.high)


def _slider(path: str) -> tuple[float, float] | None:
    slot = slot_at([int(word) if word.isdigit() else word for word in path.split(".")])
    return slot.slider if slot else None


# --- A tornado: each factor moved alone to either end of its range, all others in their middle
#
# What one sees at a glance, and on paired luck precisely; but it looks along one line through the
# middle for each factor, and sees nothing of how factors act together. The indices do.


def points_of(drawn: Sequence[Drawn]) -> dict[str, Values]:
    """The middle of all factors, then each factor at its low and at its high end: `(1 + 2 factors,)` each."""
    found = {}
    for k, one in enumerate(drawn):
        values = np.full(1 + 2 * len(drawn), one.factor.middle)
        values[1 + 2 * k], values[2 + 2 * k] = one.ends
        found[one.factor.path] = values
    return found


def count(factors: int, replicates: int) -> int:
    """How many crises it takes."""
    return (1 + 2 * factors) * replicates


def bars(name: str, measured: Measured, drawn: Sequence[Drawn]) -> list[dict[str, Any]]:
    """One row a factor and end: its value, and the outcome there less that in the middle."""
    less: Contrast = measured.less(0)
    rows = []
    for k, one in enumerate(drawn):
        for place, (end, value) in enumerate(zip(("low", "high"), one.ends, strict=True), start=1):
            point = 2 * k + place
            rows.append(
                {
                    "measure": name,
                    "factor": one.factor.path,
                    "end": end,
                    "value": value,
                    "outcome": float(measured.estimate[point]),
                    "estimate": float(less.estimate[point]),
                    "standard_error": float(less.standard_error[point]),
                    "lower": float(less.lower[point]),
                    "upper": float(less.upper[point]),
                }
            )
    return rows


# --- The tables and the summary of a study

_FIGURES = ("estimate", "standard_error", "lower", "upper", "luck_error", "with_noise")


def index_table(studies: Mapping[str, Study], paths: Sequence[str]) -> Any:
    """One row an outcome, index, factor and number of samples: estimate, limits, errors."""
    rows = [
        {"measure": name, "index": index, "factor": path, "samples": known.samples, **figures}
        for name, one in studies.items()
        for known in one.known
        for index in known.estimate
        if index != "second"
        for path, figures in zip(paths, _figures(known, index), strict=True)
    ]
    return _table(rows, ("measure", "index", "factor"), ("samples",), _FIGURES)


def pair_table(studies: Mapping[str, Study], paths: Sequence[str]) -> Any:
    """One row an outcome and pair of factors: the second-order index."""
    first, second = pairs_of(len(paths))
    rows = [
        {"measure": name, "factor": paths[j], "with": paths[k], **figures}
        for name, one in studies.items()
        if one.known
        for j, k, figures in zip(first, second, _figures(one.final, "second"), strict=True)
    ]
    return _table(rows, ("measure", "factor", "with"), (), _FIGURES)


def effect_table(studies: Mapping[str, Study], paths: Sequence[str]) -> Any:
    """One row an outcome, trajectory and factor: the elementary effect."""
    rows = [
        {"measure": name, "factor": path, "trajectory": number, "effect": float(effect)}
        for name, one in studies.items()
        if one.effects is not None
        for number, effects in enumerate(one.effects)
        for path, effect in zip(paths, effects, strict=True)
    ]
    return _table(rows, ("measure", "factor"), ("trajectory",), ("effect",))


def bar_table(bars: Sequence[Mapping[str, Any]]) -> Any:
    """One row an outcome, factor and end of its range: the outcome there less that in the middle."""
    figures = ("value", "outcome", "estimate", "standard_error", "lower", "upper")
    return _table(bars, ("measure", "factor", "end"), (), figures)


def factor_rows(drawn: Sequence[Drawn]) -> list[dict[str, Any]]:
    """The factors as plain data."""
    return [
        {
            "path": one.factor.path,
            "meaning": one.factor.meaning,
            "unit": one.factor.unit,
            "drawn": one.words(),
            "low": one.ends[0],
            "middle": one.factor.middle,
            "high": one.ends[1],
        }
        for one in drawn
    ]


def study_summary(one: Study, paths: Sequence[str], method: str) -> dict[str, Any]:
    """What is known of an outcome, as plain data."""
    main = MAIN[method]
    indices: dict[str, Any] = {}
    order: list[str] = []
    if one.known:
        indices = {
            index: dict(
                zip(paths, (_plain(row) for row in _figures(one.final, index)), strict=True)
            )
            for index in one.final.estimate
            if index != "second"
        }
        order = [paths[k] for k in one.final.order]
    return {
        "mean": _number(one.mean),
        "deviation": _number(one.deviation),
        "noise": _number(one.noise),
        "samples": one.samples,
        "samples_lost": one.lost,
        "why_not": one.why_not,
        "main_index": main,
        "order": order,
        "indices": indices,
        "floor": {
            index: dict(zip(paths, map(float, of), strict=True)) for index, of in one.floor.items()
        },
    }


def _figures(known: IndexEstimates, index: str) -> Iterator[dict[str, float]]:
    lower, upper = known.limits(index)
    columns = (
        known.estimate[index],
        known.error[index],
        lower,
        upper,
        known.luck[index],
        known.with_noise[index],
    )
    for row in zip(*columns, strict=True):
        yield dict(zip(_FIGURES, map(float, row), strict=True))


def _plain(row: Mapping[str, float]) -> dict[str, float | None]:
    return {key: _number(value) for key, value in row.items()}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _table(
    rows: Sequence[Mapping[str, Any]],
    texts: Sequence[str],
    whole: Sequence[str],
    figures: Sequence[str],
) -> Any:
    """A table with its types, whether there are rows or none; what is unknown is null."""
    import pyarrow as pa

    types = {
        **dict.fromkeys(texts, pa.string()),
        **dict.fromkeys(whole, pa.int64()),
        **dict.fromkeys(figures, pa.float64()),
    }
    return pa.table(
        {
            name: pa.array([row[name] for row in rows], kind, from_pandas=True)
            for name, kind in types.items()
        }
    )


# --- What a study found, in sentences, and warnings where the budget is too small for what it would claim

#: How far a limit of the main index may lie from it before the budget is called too small: a share of
#: the variance (sobol), a distance between distributions (pawn), or of the largest index (morris).
REACH = {"sobol": 0.1, "pawn": 0.1, "morris": 0.25}
#: Noise is called large from this share of the variance between points on.
LARGE_NOISE = 0.1
#: What noise should be below.
SMALL_NOISE = 0.05
#: More samples alone do not halve an interval of which luck is a larger share than this.
MUCH_LUCK = 0.25
#: Factors that are named as those that matter most, and those that are listed at most.
NAMED, LISTED = 3, 6

#: What large noise does to indices.
_NOISE_DOES = {
    "sobol": "which is taken out of the indices, but widens their intervals",
    "morris": "which makes factors that matter little look as if they did",
    "pawn": "which blurs the distributions that are compared",
}
INDEX_WORDS = {
    "total": "total index",
    "first": "first-order index",
    "mu_star": "mean effect",
    "median": "PAWN index",
}


def answer(
    experiment: Experiment,
    drawn: Sequence[Drawn],
    studies: Mapping[str, Study],
    warned: Mapping[str, Sequence[str]],
    layout: Layout,
) -> Iterator[str]:
    """Sentences that answer which parameters matter, outcome by outcome, then how sure that is."""
    spec: Any = experiment.spec
    names = list(names_of([one.factor.path for one in drawn]).values())
    for measure in experiment.measures:
        one = studies[measure.name]
        if one.deviation == 0:
            said = words.figure(one.mean, measure.unit)
            yield f"{words.sentence_start(measure.subject)}: {said} at every point."
            continue
        if not one.known:
            yield _unknown(measure, one, spec)
            continue
        yield _who_matters(measure, one.final, names, layout.method)
        yield from _rest(measure, one, names, layout)
        yield from (f"Warning, {measure.words}: {text}" for text in warned[measure.name])
    yield _budget(spec, studies, layout)


def warnings(spec: SensitivitySpec, one: Study, layout: Layout) -> Iterator[str]:
    """What the budget is too small for, and what would be enough."""
    if not one.known or one.deviation == 0:
        return
    if one.noise > LARGE_NOISE:
        yield (
            f"{_percent(one.noise)} of the variance between points is Monte Carlo noise, "
            f"{_NOISE_DOES[layout.method]}; about {wording.count(_enough(spec.replicates, one.noise))} "
            f"replicates at each point would bring it below {_percent(SMALL_NOISE)}."
        )
    elif math.isnan(one.noise) and spec.replicates < 2:
        yield "with one replicate at each point it is not known how much of the indices is noise."
    yield from _too_wide(spec, one.final, layout)
    if one.lost:
        yield (
            f"it is unknown or infinite at a point of {one.lost} of {one.samples} "
            f"{SAMPLE_WORDS[layout.method]}, which were left out: the indices are those of the rest."
        )


def _who_matters(measure: Measure, known: IndexEstimates, names: Sequence[str], method: str) -> str:
    order, main = known.order, MAIN[method]
    sure = 0  # so many of the first are surely ahead of the next
    while sure + 1 < len(order) and all(
        known.surely_more(order[sure], other) for other in order[sure + 1 :]
    ):
        sure += 1
    first = [k for k in order[:NAMED] if known.estimate[main][k] > 0]
    said = [f"{names[k]} ({_index(known, main, k, measure)})" for k in first]
    name = words.sentence_start(measure.words)
    if not first:
        return f"{name}: no parameter has a {INDEX_WORDS[main]} above zero, so nothing can be told of what it turns on."
    text = f"{name} turns most on {wording.listed(said)}; by {INDEX_WORDS[main]}, 95% intervals"
    if sure == 0 and len(first) > 1:
        text += f", and whether {names[order[0]]} or {names[order[1]]} comes first cannot be told"
    elif 0 < sure < len(first) - 1:
        text += f", and only the first {'place is' if sure == 1 else f'{sure} places are'} sure"
    return f"{text}."


def _rest(measure: Measure, one: Study, names: Sequence[str], layout: Layout) -> Iterator[str]:
    known, method = one.final, layout.method
    yield _spread(measure, one)
    if method == "sobol":
        yield _alone(known)
        yield from _pairs(known, names)
    elif method == "pawn":
        yield from _below_floor(
            one, names, "no more than a factor that nothing depends on would show"
        )
    else:
        yield from _below_floor(one, names, "no more than noise alone would show")
    same = known.with_noise[MAIN[method]] == 0
    if same.any() and method != "pawn":
        listed = wording.listed([name for name, none in zip(names, same, strict=True) if none])
        yield f"No difference at any point: {listed}."


def _spread(measure: Measure, one: Study) -> str:
    mean, spread = (words.figure(of, measure.unit) for of in (one.mean, one.deviation))
    if measure.unit == "share":
        mean, spread = f"{mean} of {measure.among}", f"{100 * one.deviation:.1f} points"
    text = f"Over all points it is {mean} on average, with a standard deviation of {spread}"
    if math.isnan(one.noise):
        return f"{text}."
    return f"{text}; {_percent(one.noise)} of that variance is Monte Carlo noise."


def _below_floor(one: Study, names: Sequence[str], what: str) -> Iterator[str]:
    """Factors whose index is no higher than one that matters nothing may show."""
    main = one.final.main
    if main not in one.floor:
        return
    estimate = one.final.estimate[main]
    few = [names[k] for k in one.final.order if 0 < estimate[k] <= one.floor[main][k]]
    if few:
        listed = (
            wording.listed(few) if len(few) <= LISTED else f"{len(few)} of {len(names)} factors"
        )
        yield f"{words.sentence_start(what)} in 19 of 20 studies: {listed}."


def _alone(known: IndexEstimates) -> str:
    whole, error = known.sum("first", np.ones(len(known.estimate["first"])))
    reach = normal_quantile() * error
    low, high = (min(max(end, 0.0), 1.0) for end in (whole - reach, whole + reach))
    shown = _percent(min(max(whole, 0.0), 1.0))
    text = f"Acting alone the factors explain {shown} of the variance ({100 * low:.0f} to {_percent(high)})"
    if high >= 1.0:
        return f"{text}; whether they do anything together cannot be told."
    return f"{text}; the rest is what they do together."


def _pairs(known: IndexEstimates, names: Sequence[str]) -> Iterator[str]:
    if "second" not in known.estimate or not len(known.estimate["second"]):
        return
    first, second = pairs_of(len(names))
    lower, _ = known.limits("second")
    sure = np.flatnonzero(lower > 0)
    estimate = known.estimate["second"]
    largest = int(sure[np.argmax(estimate[sure])] if len(sure) else np.argmax(estimate))
    pair = f"{names[first[largest]]} and {names[second[largest]]}"
    if lower[largest] > 0:
        share = _percent(float(known.estimate["second"][largest]))
        yield (
            f"Together, beyond what each does alone, {pair} explain {share} of the variance: of the pairs that surely "
            "explain any, none explains more."
        )
    else:
        yield f"No pair surely does more together than both alone; {pair} come nearest to it."


def _unknown(measure: Measure, one: Study, spec: SensitivitySpec) -> str:
    text = f"{words.sentence_start(measure.words)}: nothing can be told of what it turns on; it is"
    if math.isnan(one.mean):
        return (
            f"{text} {one.why_not}. More replicates, a share within a time or an earlier quantile may "
            "be known everywhere."
        )
    of = f" of {measure.among}" if measure.unit == "share" else ""
    return (
        f"{text} {one.why_not}, {_percent(one.noise)} of the variance between points. "
        f"{words.sentence_start(words.figure(one.mean, measure.unit))}{of} on average, it would take about "
        f"{wording.count(_enough(spec.replicates, one.noise))} replicates at each point to bring that "
        f"below {_percent(SMALL_NOISE)}."
    )


def _enough(replicates: int, noise: float) -> int:
    """Replicates that make noise small: its variance falls with their number."""
    between = (1 - min(noise, 0.99)) / noise
    return _rounded(replicates / between * (1 - SMALL_NOISE) / SMALL_NOISE)


def _budget(spec: SensitivitySpec, studies: Mapping[str, Study], layout: Layout) -> str:
    crossed = "" if layout.method == "pawn" else f" ({wording.count(len(layout.shares))} points)"
    lucky = any(
        one.known and _luck(one.final, int(one.final.error[one.final.main].argmax())) > MUCH_LUCK
        for one in studies.values()
    )
    more = f" of {wording.count(4 * spec.replicates)} replicates" if lucky else ""
    return (
        f"{wording.count(layout.samples)} {SAMPLE_WORDS[layout.method]}{crossed} of "
        f"{wording.count(spec.replicates)} replicates, all with the same luck. "
        f"{wording.count(4 * layout.samples)} {SAMPLE_WORDS[layout.method]}{more} would about halve the "
        "intervals."
    )


def _too_wide(spec: SensitivitySpec, known: IndexEstimates, layout: Layout) -> Iterator[str]:
    """That the widest interval of the main index reaches too far, and what would narrow it."""
    main, limit = MAIN[layout.method], REACH[layout.method]
    scale = float(known.estimate[main].max()) if layout.method == "morris" else 1.0
    widest = int(known.error[main].argmax())
    reach = normal_quantile() * float(known.error[main][widest]) / scale
    if reach <= limit:
        return
    # What is luck falls with the replicates, what is choice of points with the samples: half for each.
    more, luck = (reach / limit) ** 2, _luck(known, widest)
    in_two = luck > MUCH_LUCK
    samples = layout.samples * max((2 * (1 - luck) if in_two else 1) * more, 1.0)
    count = 1 << math.ceil(math.log2(samples)) if layout.method == "sobol" else _rounded(samples)
    needed = f"{wording.count(count)} {SAMPLE_WORDS[layout.method]}"
    if in_two:
        replicates = _rounded(spec.replicates * max(2 * luck * more, 1.0))
        needed += f" of {wording.count(replicates)} replicates"
    of = " of the largest" if layout.method == "morris" else ""
    yield (
        f"the intervals reach up to {_reach(reach, layout.method)}{of}, too far to tell indices apart "
        f"that are closer; about {needed} would bring that to {_reach(limit, layout.method)}."
    )


def _luck(known: IndexEstimates, factor: int) -> float:
    """The share of an interval's variance that is luck, not the choice of points."""
    luck, error = known.luck[known.main][factor], known.error[known.main][factor]
    return 0.0 if math.isnan(luck) or error == 0 else float((luck / error) ** 2)


def _reach(reach: float, method: str) -> str:
    return f"±{_percent(reach)}" if method == "morris" else f"±{reach:.2g}"


def _index(known: IndexEstimates, main: str, k: int, measure: Measure) -> str:
    lower, upper = known.limits(main)
    value, low, high = (float(of[k]) for of in (known.estimate[main], lower, upper))
    low, high = max(low, 0.0), max(high, 0.0)
    if main == "mu_star":
        if measure.unit == "share":
            return f"{100 * value:.1f} points, {100 * low:.1f} to {100 * high:.1f}"
        return words.estimate(value, low, high, measure.unit).replace(" (", ", ").rstrip(")")
    return f"{value:.2f}, {low:.2f} to {high:.2f}"


def _percent(share: float) -> str:
    shown = f"{100 * share:.{0 if abs(share) >= 0.095 or abs(share) < 0.0005 else 1}f}"
    return f"{shown.removesuffix('.0')}%"


def _rounded(number: float) -> int:
    """A number to two figures, upwards."""
    scale = 10.0 ** (math.floor(math.log10(max(number, 1.0))) - 1)
    return math.ceil(math.ceil(number / scale) * scale)
