"""Targets and files of calibrated scenarios, for tune and posterior; parameters that are moved, points to try."""

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
from crisis_sim.model.parameters import invert
from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.outcomes.measures import Columns, Measure
from crisis_sim.outcomes.names import measure, read_measure
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of, removed_parameter
from crisis_sim.scenario.introspect import numbers_of
from crisis_sim.scenario.numbers import DISTRIBUTIONS, Distribution, Part, Within
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import Node

# --- Targets, and distances from them in standard errors

#: The standard error of a target without an interval: five points of a share, a tenth of anything else.
ASSUMED_SHARE, ASSUMED_RATIO = 0.05, 0.1
#: A figure that is unknown, or a time that never comes, counts as so many standard errors off, and
#: nothing counts as more.
FARTHEST = 100.0


class Target(Part):
    """A figure that crises should show."""

    measure: WrittenMeasure = entry("what is measured")
    value: float = entry("what it should be")
    interval: tuple[float, float] | None = entry(
        "the 95% interval in which the value is known", None
    )
    weight: float = entry("how much it counts", 1.0, gt=0, le=1e6)
    scale: Literal["linear", "log"] = entry(
        "whether being off is counted in differences, or in ratios", "linear"
    )
    scenario: str = entry("in which scenario; in the first where left out", "")
    precision: float = entry(
        "with how much more precise choices than the scenario's", 1.0, gt=0, le=100
    )


@dataclass(frozen=True)
class Aim:
    """A target with its measure and its scenario; `error` is its standard error, on its scale."""

    target: Target
    measure: Measure
    scenario: str
    error: float

    @classmethod
    def of(cls, target: Target, first: str) -> Aim:
        """A target that has been checked; `first` is the scenario where it names none."""
        measured, log = measure(target.measure), target.scale == "log"
        if target.interval is None:
            share = measured.unit == "share" and not log
            error = ASSUMED_SHARE if share else ASSUMED_RATIO * (1.0 if log else abs(target.value))
        else:
            low, high = target.interval
            error = (math.log(high / low) if log else high - low) / (2 * normal_quantile())
        scenario = variant_name(target.scenario or first, target.precision)
        return cls(target, measured, scenario, error)

    @property
    def log(self) -> bool:
        """Whether figures are compared with it by ratio."""
        return self.target.scale == "log"

    @property
    def limits(self) -> tuple[float, float]:
        """The 95% interval in which it is known, given or assumed."""
        if self.target.interval is not None:
            return self.target.interval
        value, off = self.target.value, normal_quantile() * self.error
        if self.log:
            return value * math.exp(-off), value * math.exp(off)
        return value - off, value + off

    def apart(self, estimate: Values, standard_error: Values | None = None) -> Values:
        """How many standard errors above the target figures are, their own Monte Carlo errors added if given."""
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.log:
                off = np.log(np.maximum(estimate, 0.0)) - math.log(self.target.value)
                own = None if standard_error is None else standard_error / estimate
            else:
                off, own = estimate - self.target.value, standard_error
        error = self.error if own is None else np.hypot(self.error, np.nan_to_num(own, posinf=0.0))
        return np.clip(np.nan_to_num(off / error, nan=FARTHEST), -FARTHEST, FARTHEST)


def check_targets(
    targets: Sequence[Target], reading: Reading, scenarios: Mapping[str, Scenario]
) -> Iterator[Mistake]:
    """The mistakes in targets: their scenarios, measures, values and intervals, and two for one measure."""
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
        wrong = list(_check_value(target, measured))
        if (name, target.precision, measured) in seen:
            message = f"a second target for '{measured.name}' in {name}"
            wrong.insert(0, ("measure", message, "one target for each measure of a scenario"))
        seen.append((name, target.precision, measured))
        for key, message, expected in wrong:
            yield reading.node_at("targets", k, key).place.mistake(message, expected)


def _check_value(target: Target, measured: Measure) -> Iterator[tuple[str, str, str]]:
    """The mistake in a target's value or interval: key, message and expected value."""
    value, log = target.value, target.scale == "log"
    if measured.unit == "share" and not 0 <= value <= 1:
        yield "value", f"no share: {value:g}", "a number between 0 and 1"
    elif log and value <= 0:
        yield "value", f"{value:g} has no ratios", "a value above 0, or scale: linear"
    elif target.interval is None:
        if value == 0 and measured.unit != "share":
            yield "value", "nothing tells how near to 0 is near", "an interval"
    else:
        low, high = target.interval
        if low >= high:
            yield "interval", f"an empty interval: {low:g} to {high:g}", "[low, high]"
        elif log and low <= 0:
            yield "interval", f"{low:g} has no ratios", "limits above 0, or scale: linear"
        elif not low <= value <= high:
            yield "interval", f"{value:g} does not lie in it", "[low, high] around it"


def columns_of(scenario: Scenario, reading: Reading) -> Columns:
    """The outcomes of one of the scenarios that a file names."""
    if scenario is reading.scenario:
        return reading.columns
    return Columns.of(scenario, agents=reading.agents, roles=reading.roles)


def no_scenario(
    name: str, reading: Reading, scenarios: Mapping[str, Scenario], *path: str | int
) -> Mistake:
    """The mistake of a name, written at a path, that is none of the scenarios'."""
    message, near = f"'{name}' is none of the scenarios", nearest(name, scenarios)
    return reading.node_at(*path).place.mistake(message, one_of(scenarios), near)


def variant_name(scenario: str, precision: float) -> str:
    """The name of a scenario whose choices are so much more precise."""
    return scenario if precision == 1.0 else f"{scenario}_precision_{precision:g}"


def _more_precise(scenario: Scenario, precision: float) -> Scenario:
    decision = scenario.behaviour.decision.model_copy(update={"precision": precision})
    behaviour = scenario.behaviour.model_copy(update={"decision": decision})
    name = variant_name(scenario.name, precision)
    return scenario._with(name=name, behaviour=behaviour)


class CalibrationSpec(Spec):
    """The keys that both kinds have."""

    others: tuple[str, ...] = entry(
        "scenarios fitted together with the first, on the same parameters", ()
    )
    targets: tuple[Target, ...] = entry("figures that crises should show", ())


@dataclass(frozen=True)
class Calibration:
    """An experiment of either kind, checked, and in which way it is to be run."""

    experiment: Experiment
    options: RunOptions = field(default_factory=RunOptions)

    @property
    def spec(self) -> Any:
        """The experiment's keys."""
        return self.experiment.spec

    @property
    def given(self) -> tuple[Scenario, ...]:
        """The scenarios that the file names, the first one first."""
        return (self.experiment.scenario, *self.experiment.others)

    @cached_property
    def scenarios(self) -> tuple[Scenario, ...]:
        """Its scenarios, the first one first; at the end those that targets want with more precise choices."""
        given = {one.name: one for one in self.given}
        wanted = dict.fromkeys(
            (target.scenario or self.given[0].name, target.precision)
            for target in self.spec.targets
            if target.precision != 1.0
        )
        return (*self.given, *(_more_precise(given[name], times) for name, times in wanted))

    @cached_property
    def aims(self) -> tuple[Aim, ...]:
        """The targets."""
        return tuple(Aim.of(target, self.scenarios[0].name) for target in self.spec.targets)

    @cached_property
    def watched(self) -> tuple[tuple[Measure, str], ...]:
        """What is measured, in which scenario: the targets, then the other outcomes in the first."""
        first = self.scenarios[0].name
        targets = ((aim.measure, aim.scenario) for aim in self.aims)
        return (*targets, *((one, first) for one in self.experiment.measures))


# --- Files of calibrated scenarios, which extend the original: every value of it, in a file beside them


def scenario_files(
    scenarios: Sequence[Scenario],
    values: Mapping[str, Any],
    word: str,
    experiment: str,
    head: str = "",
) -> dict[str, str]:
    """Each scenario with numbers changed, and the original that it extends, by their files' names.

    Args:
        values: by path a number, or a distribution as it is written; each scenario takes those it has.
        word: what has been done to them, such as `tuned`; names of files end so.
        experiment: by which experiment.
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
        said = {"extends": original, "title": f"{scenario.title}, {word}"}
        about = f"# {name}, {word} by the experiment {experiment}.\n{head}"
        files[file_name(scenario, word)] = about + as_yaml(said | _difference(content, changed))
        about = f"# {name} as the experiment {experiment} had it, every value written out.\n"
        files[original] = about + as_yaml(_without_none(content))
    return files


def file_name(scenario: Scenario, word: str) -> str:
    """The name of a calibrated scenario's file."""
    return f"{scenario.name}_{word}.yaml"


def _put(content: Any, path: list[str], value: Any) -> None:
    for place, word in enumerate(path, start=1):
        key = int(word) if isinstance(content, list) else word
        if place == len(path):
            content[key] = value
        content = content[key]


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The override that turns `before` into `after`: mappings are merged, the rest is replaced."""
    found = {}
    for key, value in after.items():
        old = before.get(key)
        # Of a choice neither its values nor its weights can be left out.
        if isinstance(value, dict) and isinstance(old, dict) and "choice" not in value:
            if inner := _difference(old, value):
                found[key] = inner
        elif value != old:
            found[key] = value
    return found


def _without_none(content: Any) -> Any:
    """Content without entries that are None, which a file has no need to say."""
    if isinstance(content, dict):
        return {key: _without_none(value) for key, value in content.items() if value is not None}
    return [_without_none(item) for item in content] if isinstance(content, list) else content


def as_yaml(content: Mapping[str, Any]) -> str:
    """A scenario file's text; a mapping without mappings in it takes one line."""
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
# `mediators.us.attention_days` is a number: every crisis at a point gets the point's value. Of
# `mediators.us.attention_days.uniform.0`, the lower end of its distribution, crises at a point draw from the
# distribution with the point's value in it, each with the luck that it has in the scenario itself.

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
_ORDERED = ("uniform", "triangular")


class TunedRange(Range):
    """How far a parameter may be moved."""

    start: float | None = entry(
        "where the search begins; where left out, the scenario's own value, or the end of the range "
        "that is nearest to it",
        None,
    )
    also: tuple[str, ...] = entry("further paths that take the same value", ())


@dataclass(frozen=True)
class Location:
    """Where a path leads in a scenario: to a number, or to the number of its distribution with an index."""

    path: str
    number: str
    index: int | None
    allowed: Within


def locate(scenario: Scenario, path: str, known: Mapping[str, Within]) -> Location | None:
    """The number at a path of a scenario with the numbers `known`; None where there is none."""
    if path in known:
        return Location(path, path, None, known[path])
    outer, _, end = path.rpartition(".")
    number, _, kind = outer.rpartition(".")
    given = number_at(scenario, number) if number in known and end.isdecimal() else None
    if not isinstance(given, Distribution) or given.kind != kind or kind not in DISTRIBUTIONS:
        return None
    index, low, high = int(end), known[number].low, known[number].high
    if index >= len(given.values):
        return None
    if index not in _LOCATIONS[kind]:
        low, high = math.ulp(0.0), math.inf
    elif kind == "lognormal":
        low = max(low, math.ulp(0.0))
    return Location(path, number, index, Within(low, high))


@dataclass(frozen=True)
class Tuned(Factor):
    """A parameter that is moved, where the search begins, and all the paths that take its value, its own first."""

    start: float
    paths: tuple[str, ...]

    @classmethod
    def of(cls, path: str, written: TunedRange, scenarios: Sequence[Scenario]) -> Tuned:
        """A parameter from its keys in a file, checked; its description is that of the first scenario that has it."""
        scenario, place = next(_locations(path, scenarios))
        if place.index is None:
            factor = resolve(path, written, scenario)
        else:
            given: Any = number_at(scenario, place.number)
            whole = resolve(place.number, Range(low=0, high=1), scenario)
            unit = whole.unit if place.index in _LOCATIONS[given.kind] else ""
            meaning = f"{DISTRIBUTIONS[given.kind][place.index]} of: {whole.meaning}"
            ends, own = (written.low or 0.0, written.high or 0.0), given.values[place.index]
            factor = Factor(path, *ends, written.scale, unit, meaning, own)
        start = factor.middle if written.start is None else written.start
        start = min(max(start, factor.low), factor.high)
        return cls(**vars(factor), start=start, paths=(path, *written.also))


def _locations(path: str, scenarios: Sequence[Scenario]) -> Iterator[tuple[Scenario, Location]]:
    """The scenarios in which a path leads somewhere, and where."""
    for scenario in scenarios:
        if (place := locate(scenario, path, numbers_of(scenario))) is not None:
            yield scenario, place


def parameters_at(
    scenario: Scenario, tuned: Sequence[Tuned], points: Values, replicates: int, seed: int
) -> dict[str, Values]:
    """The parameter arrays for a design whose points have values `(points, parameters)`.

    By path of a number that the scenario has its values, `(points,)`; of one that stays uncertain `(points, replicates)`.
    """
    known = numbers_of(scenario)
    found: dict[str, Values] = {}
    inside: dict[str, dict[int, Values]] = {}
    for values, one in zip(points.T, tuned, strict=True):
        for path in one.paths:
            place = locate(scenario, path, known)
            if place is None:
                continue
            if place.index is None:
                found[place.number] = values
            else:
                inside.setdefault(place.number, {})[place.index] = values
    numbers = np.arange(replicates, dtype=np.uint64)
    for number, changed in inside.items():
        given: Any = number_at(scenario, number)
        uniform = uniforms(seed, f"parameter/{number}", numbers)
        low, high = known[number].low, known[number].high
        rows = []
        for point in range(len(points)):
            own = [
                float(changed[k][point]) if k in changed else value
                for k, value in enumerate(given.values)
            ]
            drawn = invert(replace(given, values=tuple(own)), uniform, low, high)
            rows.append(np.clip(drawn, low, high))
        found[number] = np.stack(rows)
    return found


def check_moved(
    vary: Mapping[str, TunedRange], reading: Reading, scenarios: Sequence[Scenario]
) -> Iterator[Mistake]:
    """The mistakes in the parameters that a file moves: their paths, ranges and starts, and two in one place."""
    found: list[Mistake] = []
    for path, written in vary.items():
        node = reading.node_at("vary", path)
        if first := next(_locations(path, scenarios), None):
            found += _check_range(*first, written, node)
        else:
            found.append(node.label.mistake(*_unknown(path, scenarios)))
        found += [
            reading.node_at("vary", path, "also", k).place.mistake(*_unknown(also, scenarios))
            for k, also in enumerate(written.also)
            if next(_locations(also, scenarios), None) is None
        ]
    yield from found
    for scenario in scenarios if not found else ():
        yield from _check_scenario(scenario, vary, reading)


def _unknown(path: str, scenarios: Sequence[Scenario]) -> tuple[str, ...]:
    """The mistake in an unknown path: message, expected value, and the nearest known path."""
    if former := removed_parameter(path):
        return former
    known: list[str] = []
    for scenario in scenarios:
        for number in numbers_of(scenario):
            known.append(number)
            given = number_at(scenario, number)
            if isinstance(given, Distribution) and given.kind in DISTRIBUTIONS:
                inner = f"{number}.{given.kind}"
                known += [f"{inner}.{index}" for index in range(len(given.values))]
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
        wrong = list(check_factor(place.path, written, node, scenario))
    elif low is None or high is None:
        message = f"no range is known for '{place.path}', a number inside a distribution"
        wrong = [node.label.mistake(message, "low and high")]
    else:
        wrong = list(check_ends(written, node, low, high, place.allowed))
    yield from wrong
    if wrong or start is None:
        return
    if (low is not None and start < low) or (high is not None and start > high):
        yield node.entries()["start"].place.mistake(
            f"the search begins at {start:g}, outside the range", "a start between low and high"
        )


def _check_scenario(
    scenario: Scenario, vary: Mapping[str, TunedRange], reading: Reading
) -> Iterator[Mistake]:
    """The mistakes in all that is moved in one scenario: nothing, a number twice, numbers out of order."""
    moved: dict[str, list[tuple[Location, str]]] = {}
    for path, written in vary.items():
        for one in (path, *written.also):
            for _, place in _locations(one, [scenario]):
                moved.setdefault(place.number, []).append((place, path))
    if not moved:
        message = f"nothing that is varied is in {scenario.name}"
        yield reading.node_at("vary").label.mistake(message, "a parameter of each scenario")
    for number, places in moved.items():
        twice = [
            reading.node_at("vary", path).label.mistake(
                f"'{b.path}' changes what '{a.path}' changes already", "one of them"
            )
            for (a, _), (b, path) in combinations(places, 2)
            if a.index is None or b.index is None or a.index == b.index
        ]
        yield from twice
        given = number_at(scenario, number)
        if twice or not isinstance(given, Distribution) or given.kind not in _ORDERED:
            continue
        ends = [(value, value) for value in given.values]
        for place, path in places:
            if place.index is not None:
                ends[place.index] = (vary[path].low or 0.0, vary[path].high or 0.0)
        (first, path), *_ = places
        if first.index is not None and any(a[1] >= b[0] for a, b in pairwise(ends)):
            message = (
                f"the {given.kind} distribution of '{number}' could have its numbers out of order"
            )
            yield reading.node_at("vary", path).label.mistake(message, "ranges that do not meet")


# --- Proposals of points, as shares of the parameters' ranges
#
# Optuna's tpe and random choose by themselves; points of cmaes and sobol are enqueued as its trials. Optuna's
# own CMA-ES keeps its state pickled in a study, which a stranger's folder must not bring along, and its Sobol
# sequence leaves the first point to chance. What is proposed follows from the seed, the generation's number
# and the trials before it alone, so that a search that was cut short goes on to what it would have found.

#: CMA-ES's first mean keeps this share of a range away from the range's ends.
MARGIN = 0.05
#: The fewest points from which CMA-ES can learn.
SMALLEST = 4


class Evolution:
    """CMA-ES over the unit cube (Hansen 2016), `size` points a generation, from `start` on, at first so far from it.

    A search that has settled begins anew at another place.
    """

    def __init__(self, seed: int, size: int, start: Values, spread: float) -> None:
        self._seed, self._size, self._spread = seed, max(size, SMALLEST), spread
        self._searches = 0
        self._begin(start)

    def ask(self, size: int) -> Values:
        """The points of the next generation, `(points, parameters)`."""
        return np.stack([self._search.ask() for _ in range(size)])

    def tell(self, shares: Values, losses: Values) -> None:
        """Take in the losses of a generation's points."""
        if len(losses) != self._size:  # the last generation, which the budget has cut short
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
    """A seed of 32 bits from several numbers."""
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])
