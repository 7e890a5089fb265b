"""Shared parts of tune and posterior: targets, files of calibrated scenarios, moved parameters, and CMA-ES."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from io import StringIO
from itertools import combinations, pairwise
from typing import Any, Literal

import numpy as np

from crisis_sim.experiments.factors import (
    Factor,
    Range,
    Values,
    check_ends,
    check_factor,
    number_at,
    resolve,
)
from crisis_sim.experiments.run import GIVEN
from crisis_sim.experiments.spec import Experiment, Reading, RunOptions, Spec, WrittenMeasure, entry
from crisis_sim.model.luck import uniforms
from crisis_sim.model.sampled_parameters import invert
from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.outcomes.measures import Columns, Measure
from crisis_sim.outcomes.named_measures import measure, read_measure
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of, removed_parameter
from crisis_sim.scenario.introspect import numbers_of
from crisis_sim.scenario.numbers import DISTRIBUTIONS, Distribution, Part, Within
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.yaml_text import Node

# --- Targets, and deviations from them in standard errors

#: The standard error of a target without an interval: five points of a share, a tenth of other values.
ASSUMED_SHARE, ASSUMED_RATIO = 0.05, 0.1
#: Largest deviation in standard errors; also that of unknown figures and of times that never come.
FARTHEST = 100.0


class Target(Part):
    """A figure that crises should show."""

    measure: WrittenMeasure = entry("the measure")
    value: float = entry("its target value")
    interval: tuple[float, float] | None = entry("the 95% interval of the target value", None)
    weight: float = entry("its weight in the loss", 1.0, gt=0, le=1e6)
    scale: Literal["linear", "log"] = entry(
        "linear to compare differences, log to compare ratios", "linear"
    )
    scenario: str = entry("its scenario; the first by default", "")
    precision: float = entry(
        "factor by which choices are more precise than in the scenario", 1.0, gt=0, le=100
    )


@dataclass(frozen=True)
class Aim:
    """A target with its measure, its scenario, and its standard error on its scale."""

    target: Target
    measure: Measure
    scenario: str
    error: float

    @classmethod
    def of(cls, target: Target, first: str) -> Aim:
        """Return a checked target; `first` is the scenario of targets without one."""
        measured, log = measure(target.measure), target.scale == "log"
        if target.interval is None:
            is_share = measured.unit == "share" and not log
            ratio = ASSUMED_RATIO * (1.0 if log else abs(target.value))
            error = ASSUMED_SHARE if is_share else ratio
        else:
            low, high = target.interval
            error = (math.log(high / low) if log else high - low) / (2 * normal_quantile())
        scenario = variant_name(target.scenario or first, target.precision)
        return cls(target, measured, scenario, error)

    @property
    def log(self) -> bool:
        """True if figures are compared with the target by ratio."""
        return self.target.scale == "log"

    @property
    def limits(self) -> tuple[float, float]:
        """The 95% interval of the target, given or assumed."""
        if self.target.interval is not None:
            return self.target.interval
        value, margin = self.target.value, normal_quantile() * self.error
        if self.log:
            return value * math.exp(-margin), value * math.exp(margin)
        return value - margin, value + margin

    def deviation(self, estimate: Values, standard_error: Values | None = None) -> Values:
        """Return the deviation of figures from the target in standard errors.

        Args:
            standard_error: the figures' Monte Carlo errors, which are added to that of the target.
        """
        error: float | Values = self.error
        with np.errstate(divide="ignore", invalid="ignore"):
            difference = estimate - self.target.value
            if self.log:
                difference = np.log(np.maximum(estimate, 0.0)) - math.log(self.target.value)
            if standard_error is not None:
                noise = standard_error / estimate if self.log else standard_error
                error = np.hypot(error, np.nan_to_num(noise, posinf=0.0))
        return np.clip(np.nan_to_num(difference / error, nan=FARTHEST), -FARTHEST, FARTHEST)


def check_targets(
    targets: Sequence[Target], reading: Reading, scenarios: Mapping[str, Scenario]
) -> Iterator[Mistake]:
    """Yield mistakes in targets: scenarios, measures, values, intervals, and two targets for the same measure."""
    seen: list[tuple[str, float, Measure]] = []
    for k, target in enumerate(targets):
        name = target.scenario or reading.scenario.name
        if name not in scenarios:
            yield no_scenario(name, reading, scenarios, "targets", k, "scenario")
            continue
        try:
            columns = columns_of(scenarios[name], reading)
            measured = read_measure(reading.node_at("targets", k, "measure"), columns)
        except ScenarioError as error:
            yield from error.mistakes
            continue
        mistakes = list(_check_value(target, measured))
        if (name, target.precision, measured) in seen:
            message = f"a second target for '{measured.name}' in {name}"
            mistakes.insert(0, ("measure", message, "one target for each measure of a scenario"))
        seen.append((name, target.precision, measured))
        for key, message, expected in mistakes:
            yield reading.node_at("targets", k, key).place.mistake(message, expected)


def _check_value(target: Target, measured: Measure) -> Iterator[tuple[str, str, str]]:
    """Yield the mistake in a target's value or interval: key, message and expected value."""
    value, log = target.value, target.scale == "log"
    if measured.unit == "share" and not 0 <= value <= 1:
        yield "value", f"{value:g} is not a share", "a number between 0 and 1"
    elif log and value <= 0:
        yield "value", f"{value:g} has no logarithm", "a value above 0, or scale: linear"
    elif target.interval is None:
        if value == 0 and measured.unit != "share":
            yield "value", "a target of 0 has no assumed error", "an interval"
    else:
        low, high = target.interval
        if low >= high:
            yield "interval", f"an empty interval: {low:g} to {high:g}", "[low, high]"
        elif log and low <= 0:
            yield "interval", f"{low:g} has no logarithm", "limits above 0, or scale: linear"
        elif not low <= value <= high:
            yield (
                "interval",
                f"the value {value:g} is outside the interval",
                "[low, high] around it",
            )


def columns_of(scenario: Scenario, reading: Reading) -> Columns:
    """Return the outcomes of one of the scenarios of a file."""
    if scenario is reading.scenario:
        return reading.columns
    return Columns.of(scenario, agents=reading.agents, roles=reading.roles)


def no_scenario(
    name: str, reading: Reading, scenarios: Mapping[str, Scenario], *path: str | int
) -> Mistake:
    """Return the mistake of an unknown scenario's name, at a path of the file."""
    message, near = f"'{name}' is not one of the scenarios", nearest(name, scenarios)
    return reading.node_at(*path).place.mistake(message, one_of(scenarios), near)


def variant_name(scenario: str, precision: float) -> str:
    """Return the name of a scenario with more precise choices."""
    return scenario if precision == 1.0 else f"{scenario}_precision_{precision:g}"


def _more_precise(scenario: Scenario, precision: float) -> Scenario:
    decision = scenario.behaviour.decision.model_copy(update={"precision": precision})
    behaviour = scenario.behaviour.model_copy(update={"decision": decision})
    name = variant_name(scenario.name, precision)
    return scenario._with(name=name, behaviour=behaviour)


class CalibrationSpec(Spec):
    """The keys that tune and posterior share."""

    others: tuple[str, ...] = entry(
        "scenarios fitted together with the first, on the same parameters", ()
    )
    targets: tuple[Target, ...] = entry("figures that crises should show", ())


@dataclass(frozen=True)
class Calibration:
    """A checked experiment of either kind, with the options for its run."""

    experiment: Experiment
    options: RunOptions = field(default_factory=RunOptions)

    @property
    def spec(self) -> Any:
        """The experiment's keys."""
        return self.experiment.spec

    @property
    def originals(self) -> tuple[Scenario, ...]:
        """The scenarios of the file."""
        return (self.experiment.scenario, *self.experiment.others)

    @cached_property
    def scenarios(self) -> tuple[Scenario, ...]:
        """All scenarios: those of the file, and the variants with more precise choices for targets that need them."""
        by_name = {scenario.name: scenario for scenario in self.originals}
        variants = dict.fromkeys(
            (target.scenario or self.originals[0].name, target.precision)
            for target in self.spec.targets
            if target.precision != 1.0
        )
        return (
            *self.originals,
            *(_more_precise(by_name[name], factor) for name, factor in variants),
        )

    @cached_property
    def aims(self) -> tuple[Aim, ...]:
        """The targets."""
        return tuple(Aim.of(target, self.scenarios[0].name) for target in self.spec.targets)

    @cached_property
    def watched(self) -> tuple[tuple[Measure, str], ...]:
        """The measures and their scenarios: those of targets, then the other outcomes in the first scenario."""
        first = self.scenarios[0].name
        targets = ((aim.measure, aim.scenario) for aim in self.aims)
        return (*targets, *((measured, first) for measured in self.experiment.measures))


# --- Files of calibrated scenarios. They extend the original, which is written next to them with all values.


def scenario_files(
    scenarios: Sequence[Scenario],
    values: Mapping[str, Any],
    word: str,
    experiment: str,
    head: str = "",
) -> dict[str, str]:
    """Return the calibrated scenarios and the originals that they extend, as texts by file name.

    Args:
        values: by path a number, or a distribution in its written form; each scenario takes those that it has.
        word: describes the calibration, such as `tuned`, and ends the names of the files.
        experiment: name of the experiment.
        head: further lines of comment, each with its `#`.
    """
    files: dict[str, str] = {}
    for scenario in scenarios:
        name, known = scenario.name, numbers_of(scenario)
        original = f"{name}.yaml" if f"{name}.yaml" != GIVEN else f"{name}_original.yaml"
        content = {key: value for key, value in scenario.plain().items() if key != "name"}
        changed = copy.deepcopy(content)
        for path, value in values.items():
            if locate(scenario, path, known) is not None:
                _put(changed, path.split("."), value)
        header = {"extends": original, "title": f"{scenario.title}, {word}"}
        comment = f"# {name}, {word} by the experiment {experiment}.\n{head}"
        override = header | _difference(content, changed)
        files[file_name(scenario, word)] = comment + as_yaml(override)
        comment = f"# {name} as used by the experiment {experiment}, with all values.\n"
        files[original] = comment + as_yaml(_without_none(content))
    return files


def file_name(scenario: Scenario, word: str) -> str:
    """Return the name of a calibrated scenario's file."""
    return f"{scenario.name}_{word}.yaml"


def _put(content: Any, path: list[str], value: Any) -> None:
    *parents, last = path
    for key in parents:
        content = content[int(key) if isinstance(content, list) else key]
    content[int(last) if isinstance(content, list) else last] = value


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the override that turns `before` into `after`: mappings are merged, other values replaced."""
    override = {}
    for key, value in after.items():
        old = before.get(key)
        # A choice is replaced as a whole: it needs its values and its weights.
        if isinstance(value, dict) and isinstance(old, dict) and "choice" not in value:
            if inner := _difference(old, value):
                override[key] = inner
        elif value != old:
            override[key] = value
    return override


def _without_none(content: Any) -> Any:
    """Return content without entries that are None."""
    if isinstance(content, dict):
        return {key: _without_none(value) for key, value in content.items() if value is not None}
    return [_without_none(item) for item in content] if isinstance(content, list) else content


def as_yaml(content: Mapping[str, Any]) -> str:
    """Return the text of a scenario file; innermost mappings are written on one line."""
    from ruamel.yaml import YAML

    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None
    yaml.sort_base_mapping_type_on_output = False
    yaml.allow_unicode = True
    yaml.width = 100
    stream = StringIO()
    yaml.dump(dict(content), stream)
    return stream.getvalue()


# --- Parameters that a search moves: numbers of a scenario, or of its distributions
#
# `mediators.us.attention_days` is a number: every crisis at a point gets the point's value.
# `mediators.us.attention_days.uniform.0` is the lower end of its distribution: crises at a point draw from the changed
# distribution, each with the same random number as in the scenario itself.

#: Indices of a distribution's numbers that must lie in the range of the parameter; others need only be positive.
_LOCATIONS = {
    "uniform": (0, 1),
    "triangular": (0, 1, 2),
    "normal": (0,),
    "lognormal": (0,),
    "beta": (),
}
#: Distributions whose numbers must be in ascending order.
_ORDERED = ("uniform", "triangular")


class TunedRange(Range):
    """The range of a moved parameter."""

    start: float | None = entry(
        "start of the search; by default the scenario's value, or the end of the range nearest to it",
        None,
    )
    also: tuple[str, ...] = entry("further paths that take the same value", ())


@dataclass(frozen=True)
class Location:
    """The target of a path in a scenario: a number, or the number with an index in its distribution."""

    path: str
    number: str
    index: int | None
    allowed: Within


def locate(scenario: Scenario, path: str, known: Mapping[str, Within]) -> Location | None:
    """Return the location of a path in a scenario with the numbers `known`; None if there is none."""
    if path in known:
        return Location(path, path, None, known[path])
    outer, _, end = path.rpartition(".")
    number, _, kind = outer.rpartition(".")
    value = number_at(scenario, number) if number in known and end.isdecimal() else None
    if not isinstance(value, Distribution) or value.kind != kind or kind not in DISTRIBUTIONS:
        return None
    index, low, high = int(end), known[number].low, known[number].high
    if index >= len(value.values):
        return None
    if index not in _LOCATIONS[kind]:
        low, high = math.ulp(0.0), math.inf
    elif kind == "lognormal":
        low = max(low, math.ulp(0.0))
    return Location(path, number, index, Within(low, high))


@dataclass(frozen=True)
class Tuned(Factor):
    """A moved parameter, with the start of the search and all paths that take its value (its own is the first)."""

    start: float
    paths: tuple[str, ...]

    @classmethod
    def of(cls, path: str, written: TunedRange, scenarios: Sequence[Scenario]) -> Tuned:
        """Return a parameter from its checked keys, described by the first scenario that has it."""
        scenario, place = next(_locations(path, scenarios))
        if place.index is None:
            factor = resolve(path, written, scenario)
        else:
            distribution: Any = number_at(scenario, place.number)
            number = resolve(place.number, Range(low=0, high=1), scenario)
            unit = number.unit if place.index in _LOCATIONS[distribution.kind] else ""
            meaning = f"{DISTRIBUTIONS[distribution.kind][place.index]} of: {number.meaning}"
            ends = (written.low or 0.0, written.high or 0.0)
            value = distribution.values[place.index]
            factor = Factor(path, *ends, written.scale, unit, meaning, value)
        start = factor.middle if written.start is None else written.start
        start = min(max(start, factor.low), factor.high)
        return cls(**vars(factor), start=start, paths=(path, *written.also))


def _locations(path: str, scenarios: Sequence[Scenario]) -> Iterator[tuple[Scenario, Location]]:
    """Yield the scenarios that have a path, with its location."""
    for scenario in scenarios:
        if (place := locate(scenario, path, numbers_of(scenario))) is not None:
            yield scenario, place


def parameters_at(
    scenario: Scenario, tuned: Sequence[Tuned], points: Values, replicates: int, seed: int
) -> dict[str, Values]:
    """Return the values of a scenario's numbers by path, for a design with points `(points, parameters)`.

    Fixed numbers have the shape `(points,)`, those drawn from a changed distribution `(points, replicates)`.
    """
    known = numbers_of(scenario)
    parameters: dict[str, Values] = {}
    distributions: dict[str, dict[int, Values]] = {}
    for values, parameter in zip(points.T, tuned, strict=True):
        for path in parameter.paths:
            place = locate(scenario, path, known)
            if place is None:
                continue
            if place.index is None:
                parameters[place.number] = values
            else:
                distributions.setdefault(place.number, {})[place.index] = values
    numbers = np.arange(replicates, dtype=np.uint64)
    for number, changed in distributions.items():
        original: Any = number_at(scenario, number)
        uniform = uniforms(seed, f"parameter/{number}", numbers)
        low, high = known[number].low, known[number].high
        rows = []
        for point in range(len(points)):
            changed_values = list(original.values)
            for k, column in changed.items():
                changed_values[k] = float(column[point])
            drawn = invert(replace(original, values=tuple(changed_values)), uniform, low, high)
            rows.append(np.clip(drawn, low, high))
        parameters[number] = np.stack(rows)
    return parameters


def check_moved(
    vary: Mapping[str, TunedRange], reading: Reading, scenarios: Sequence[Scenario]
) -> Iterator[Mistake]:
    """Yield mistakes in moved parameters: paths, ranges and starts, and two parameters for the same number."""
    mistakes: list[Mistake] = []
    for path, written in vary.items():
        node = reading.node_at("vary", path)
        if first := next(_locations(path, scenarios), None):
            mistakes += _check_range(*first, written, node)
        else:
            mistakes.append(node.label.mistake(*_unknown(path, scenarios)))
        mistakes += [
            reading.node_at("vary", path, "also", k).place.mistake(*_unknown(also, scenarios))
            for k, also in enumerate(written.also)
            if next(_locations(also, scenarios), None) is None
        ]
    yield from mistakes
    for scenario in scenarios if not mistakes else ():
        yield from _check_scenario(scenario, vary, reading)


def _unknown(path: str, scenarios: Sequence[Scenario]) -> tuple[str, ...]:
    """Return the mistake of an unknown path: message, expected value, and the nearest known path."""
    if former := removed_parameter(path):
        return former
    known: list[str] = []
    for scenario in scenarios:
        for number in numbers_of(scenario):
            known.append(number)
            value = number_at(scenario, number)
            if isinstance(value, Distribution) and value.kind in DISTRIBUTIONS:
                inner = f"{number}.{value.kind}"
                known += [f"{inner}.{index}" for index in range(len(value.values))]
    names = one_of([scenario.name for scenario in scenarios])
    expected = (
        "the path of a number in the scenario (docs/parameters.md), "
        "or of a number in its distribution, such as ….uniform.0"
    )
    return f"no parameter '{path}' in {names}", expected, nearest(path, known)


def _check_range(
    scenario: Scenario, place: Location, written: TunedRange, node: Node
) -> Iterator[Mistake]:
    start, low, high = written.start, written.low, written.high
    if place.index is None:
        mistakes = list(check_factor(place.path, written, node, scenario))
    elif low is None or high is None:
        message = f"'{place.path}', a number of a distribution, has no default range"
        mistakes = [node.label.mistake(message, "low and high")]
    else:
        mistakes = list(check_ends(written, node, low, high, place.allowed))
    yield from mistakes
    if mistakes or start is None:
        return
    if (low is not None and start < low) or (high is not None and start > high):
        yield node.entries()["start"].place.mistake(
            f"the start {start:g} is outside the range", "a start between low and high"
        )


def _check_scenario(
    scenario: Scenario, vary: Mapping[str, TunedRange], reading: Reading
) -> Iterator[Mistake]:
    """Yield mistakes in a scenario's moved numbers: none, the same one twice, distributions out of order."""
    moved: dict[str, list[tuple[Location, str]]] = {}
    for path, written in vary.items():
        for target in (path, *written.also):
            for _, place in _locations(target, [scenario]):
                moved.setdefault(place.number, []).append((place, path))
    if not moved:
        message = f"{scenario.name} has none of the varied parameters"
        yield reading.node_at("vary").label.mistake(message, "a parameter of each scenario")
    for number, places in moved.items():
        conflicts = [
            reading.node_at("vary", path).label.mistake(
                f"'{b.path}' and '{a.path}' change the same number", "one of them"
            )
            for (a, _), (b, path) in combinations(places, 2)
            if a.index is None or b.index is None or a.index == b.index
        ]
        yield from conflicts
        original = number_at(scenario, number)
        if conflicts or not isinstance(original, Distribution) or original.kind not in _ORDERED:
            continue
        ends = [(value, value) for value in original.values]
        for place, path in places:
            if place.index is not None:
                ends[place.index] = (vary[path].low or 0.0, vary[path].high or 0.0)
        (first, path), *_ = places
        if first.index is not None and any(a[1] >= b[0] for a, b in pairwise(ends)):
            message = f"the {original.kind} distribution of '{number}' could have its numbers out of order"
            yield reading.node_at("vary", path).label.mistake(message, "ranges that do not overlap")


# --- CMA-ES, whose points are shares of the parameters' ranges
#
# Optuna's CMA-ES is not used because it stores its state as a pickle, which must not be loaded from somebody else's folder.
# Proposals depend only on the seed, the generation and the trials before it, so an interrupted search can be resumed.

#: Smallest distance of CMA-ES's first mean from the ends of a range, as a share of the range.
MARGIN = 0.05
#: Smallest generation of CMA-ES.
SMALLEST = 4


class Evolution:
    """CMA-ES over the unit cube (Hansen 2016); a search that has converged starts again from a random point.

    Args:
        size: points of each generation.
        start: the first mean. spread: the first standard deviation.
    """

    def __init__(self, seed: int, size: int, start: Values, spread: float) -> None:
        self._seed, self._size, self._spread = seed, max(size, SMALLEST), spread
        self._searches = 0
        self._begin(start)

    def ask(self, size: int) -> Values:
        """Return the points of the next generation, `(points, parameters)`."""
        return np.stack([self._search.ask() for _ in range(size)])

    def tell(self, shares: Values, losses: Values) -> None:
        """Update the search with the losses of a generation's points."""
        if len(losses) != self._size:  # the last generation, which may be smaller
            return
        self._search.tell(list(zip(shares, losses.tolist(), strict=True)))
        if self._search.should_stop():
            self._searches += 1
            random = np.random.default_rng([self._seed, self._searches])
            self._begin(np.asarray(random.random(shares.shape[1])))

    def _begin(self, mean: Values) -> None:
        from cmaes import CMA

        self._search = CMA(
            mean=np.clip(mean, MARGIN, 1.0 - MARGIN),
            sigma=self._spread,
            bounds=np.tile([0.0, 1.0], (len(mean), 1)),
            n_max_resampling=10 * len(mean),
            seed=seed_of(self._seed, self._searches),
            population_size=self._size,
        )


def seed_of(*entropy: int) -> int:
    """Return a 32-bit seed derived from several numbers."""
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])
