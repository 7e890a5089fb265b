"""Tune: the parameters with which crises show what they should, or with which something is most likely.

Optuna asks for points and is told how bad each is; a generation of them is one batch, whose points
share the luck of each replicate, as do all generations. The best of many is partly the luckiest, so
what is found is run once more with fresh luck; with `finalists`, so are the best of the trials, and what
does best then is the answer. Trials go to a journal, so that a search goes on
where it was cut short and finds what it would have found.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim import text as wording
from crisis_sim.experiments import spec as words
from crisis_sim.experiments.calibrate import (
    KEPT,
    ORDERED,
    Objective,
    Place,
    Problem,
    Scored,
    Target,
    TunedRange,
    TuneSpec,
    Values,
    inner_paths,
    place_in,
)
from crisis_sim.experiments.factors import check_factor, number_at
from crisis_sim.experiments.run import GIVEN
from crisis_sim.experiments.search import Pinned, Slices, Trials
from crisis_sim.experiments.spec import Experiment, Findings, Reading, RunOptions
from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.outcomes.measures import Columns, Measure
from crisis_sim.outcomes.names import read_measure
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.scenario.introspect import numbers_of
from crisis_sim.scenario.numbers import Distribution, Within
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import Node

if TYPE_CHECKING:
    import pyarrow as pa


# --- Tune: the parameters with which crises show what they should, or with which something is most likely

ANSWERS = "which parameters reach targets, or make something most likely at least cost"
SPEC = TuneSpec
#: Beside those of a batch, the libraries on which what it finds depends.
LIBRARIES = ("optuna", "cmaes")
#: How many times the replicates of a trial the best is checked on, where the file does not say.
CHECK_TIMES = 4


def check(spec: TuneSpec, reading: Reading) -> Iterator[Mistake]:

    return find_mistakes(spec, reading)


def crises(experiment: Experiment) -> int:
    from crisis_sim.experiments.calibrate import Problem

    problem = Problem(experiment)
    spec = problem.spec
    moved = len(problem.tuned) * spec.slices + 1 if spec.slices else 0
    checked = spec.finalists + 1
    each = (spec.trials + moved) * spec.replicates + checked * _check_replicates(problem)
    return each * len(problem.scenarios)


def run(experiment: Experiment, options: RunOptions) -> Findings:
    from crisis_sim.experiments.calibrate import Problem
    from crisis_sim.experiments.search import pin_down, search, slice_through

    problem = Problem(experiment, options.agents)
    trials = search(problem, options)
    # Another seed: luck that no trial has had.
    seed, replicates = problem.spec.seed + 1, _check_replicates(problem)
    trials, fresh = _final(problem, trials, seed, replicates, options.workers)
    best = trials.points[trials.best]
    pinned = pin_down(problem, trials)
    found = Found(
        problem,
        trials,
        pinned,
        fresh,
        problem.at(None, replicates, seed, options.workers),
        seed,
        replicates,
        slice_through(problem, best, pinned.tolerance, seed, options.workers),
    )
    return Findings(
        experiment,
        tuple(answer(found)),
        found.tables(),
        found.summary(),
        crises(experiment),
        scenario_files(problem, best),
    )


def _final(
    problem: Problem, trials: Trials, seed: int, replicates: int, workers: int
) -> tuple[Trials, Scored]:
    """Run the best trials with fresh luck; the one that does best then, and how it does."""
    import numpy as np

    from crisis_sim.experiments.calibrate import Scored

    first = np.argsort(trials.loss, kind="stable")[: problem.spec.finalists]
    scored = problem.at(trials.points[first], replicates, seed, workers)
    k = int(np.argmin(scored.loss))
    figures = {name: values[k : k + 1] for name, values in scored.figures.items()}
    return replace(trials, chosen=int(first[k])), Scored(scored.loss[k : k + 1], figures)


def _check_replicates(problem: Problem) -> int:
    return problem.spec.check_replicates or CHECK_TIMES * problem.spec.replicates


# --- The mistakes in a tune experiment that its types cannot tell: paths, ranges, targets, the objective


def find_mistakes(spec: TuneSpec, reading: Reading) -> Iterator[Mistake]:
    """The mistakes in a tune experiment.

    Args:
        spec: what the file says.
        reading: the file's places and its scenarios.
    """
    scenarios = (reading.scenario, *reading.others)
    numbers = {one.name: numbers_of(one) for one in scenarios}
    wrong = list(_Paths(spec, reading, scenarios, numbers).check())
    yield from wrong
    if bool(spec.targets) == (spec.objective is not None):
        where = reading.at("objective") if spec.targets else reading.top
        said = (
            "both targets and an objective" if spec.targets else "neither targets nor an objective"
        )
        yield where.label.mistake(said, "targets to reach, or an objective to maximise or minimise")
    yield from check_targets(spec.targets, reading, {one.name: one for one in scenarios})
    if spec.objective is not None:
        yield from _check_objective(spec.objective, spec, reading)
    if spec.finalists > spec.trials:
        yield reading.mistake(
            "finalists",
            message=f"{spec.finalists} finalists of {spec.trials} trials",
            expected=f"at most {spec.trials}",
        )


class _Paths:
    """Looks at what a file varies."""

    def __init__(
        self,
        spec: TuneSpec,
        reading: Reading,
        scenarios: tuple[Scenario, ...],
        numbers: Mapping[str, Mapping[str, Within]],
    ) -> None:
        self.spec, self.reading, self.scenarios, self.numbers = spec, reading, scenarios, numbers

    def check(self) -> Iterator[Mistake]:
        found: list[Mistake] = []
        for path, written in self.spec.vary.items():
            node = self.reading.at("vary", path)
            found += self._check_range(path, written, node)
            for k, also in enumerate(written.also):
                place = self.reading.at("vary", path, "also", k)
                if self._first(also) is None:
                    found.append(place.place.mistake(*self._unknown(also)))
        yield from found
        if not found:
            for scenario in self.scenarios:
                yield from self._check_scenario(scenario)

    def _place(self, path: str, scenario: Scenario) -> Place | None:
        return place_in(scenario, path, self.numbers[scenario.name])

    def _first(self, path: str) -> tuple[Scenario, Place] | None:
        """The first scenario in which a path leads somewhere, and where."""
        for scenario in self.scenarios:
            place = self._place(path, scenario)
            if place is not None:
                return scenario, place
        return None

    def _unknown(self, path: str) -> tuple[str, str, str]:
        """What is wrong with a path that leads nowhere, what was expected, and the nearest."""
        known = {
            one: None
            for scenario in self.scenarios
            for one in (*self.numbers[scenario.name], *inner_paths(scenario))
        }
        names = one_of([scenario.name for scenario in self.scenarios])
        expected = (
            "the path of a number in the scenario (docs/parameters.md), "
            "or of a number in its distribution, such as ….uniform.0"
        )
        return f"no parameter '{path}' in {names}", expected, nearest(path, known)

    def _check_range(self, path: str, written: TunedRange, node: Node) -> Iterator[Mistake]:
        first = self._first(path)
        if first is None:
            yield node.label.mistake(*self._unknown(path))
            return
        scenario, place = first
        if place.index is None:
            wrong = list(check_factor(path, written, node, scenario))
        else:
            wrong = list(_check_inner(place, written, node))
        yield from wrong
        start = written.start
        if wrong or start is None:
            return
        low, high = written.low, written.high
        if (low is not None and start < low) or (high is not None and start > high):
            yield node.entries()["start"].place.mistake(
                f"the search begins at {start:g}, outside the range", "a start between low and high"
            )

    def _check_scenario(self, scenario: Scenario) -> Iterator[Mistake]:
        """Look at all that is varied in one scenario: something, each number once, and in order."""
        varied: dict[str, list[tuple[Place, str]]] = {}
        for path, written in self.spec.vary.items():
            for one in (path, *written.also):
                place = self._place(one, scenario)
                if place is not None:
                    varied.setdefault(place.number, []).append((place, path))
        if not varied:
            yield self.reading.at("vary").label.mistake(
                f"nothing that is varied is in {scenario.name}", "a parameter of each scenario"
            )
        for number, places in varied.items():
            wrong = list(self._check_once(places))
            yield from wrong or self._check_order(scenario, number, dict(places))

    def _check_once(self, places: list[tuple[Place, str]]) -> Iterator[Mistake]:
        for (one, _), (other, path) in combinations(places, 2):
            if one.index is None or other.index is None or one.index == other.index:
                yield self.reading.at("vary", path).label.mistake(
                    f"'{other.path}' changes what '{one.path}' changes already", "one of them"
                )

    def _check_order(
        self, scenario: Scenario, number: str, places: Mapping[Place, str]
    ) -> Iterator[Mistake]:
        """A uniform or triangular distribution's numbers must rise wherever they are moved."""
        given = number_at(scenario, number)
        if not isinstance(given, Distribution) or given.kind not in ORDERED:
            return
        ends: list[tuple[float, float]] = [(value, value) for value in given.values]
        for place, path in places.items():
            if place.index is None:
                return
            written = self.spec.vary[path]
            ends[place.index] = (written.low or 0.0, written.high or 0.0)
        for (_, before), (after, _) in pairwise(ends):
            if before >= after:
                path = next(iter(places.values()))
                yield self.reading.at("vary", path).label.mistake(
                    f"the {given.kind} distribution of '{number}' could have its numbers out of order",
                    "ranges that do not meet",
                )
                return


def _check_inner(place: Place, written: TunedRange, node: Node) -> Iterator[Mistake]:
    """The mistakes in the range of a number inside a distribution."""
    if written.low is None or written.high is None:
        yield node.label.mistake(
            f"no range is known for '{place.path}', a number inside a distribution", "low and high"
        )
        return
    for key, value in (("low", written.low), ("high", written.high)):
        if not place.low <= value <= place.high:
            where = node.entries()[key].place
            expected = "a number above 0" if place.low > 0 else f"a number {place.allowed.words()}"
            yield where.mistake(f"out of range: {value:g}", expected)
            return
    if written.low >= written.high:
        yield node.entries()["high"].label.mistake(
            f"an empty range: from {written.low:g} to {written.high:g}", "low below high"
        )
    elif written.scale == "log" and written.low <= 0:
        yield node.entries()["scale"].place.mistake(
            f"a range from {written.low:g} has no ratios", "a low above 0, or scale: linear"
        )


def check_targets(
    targets: Sequence[Target], reading: Reading, scenarios: Mapping[str, Scenario]
) -> Iterator[Mistake]:
    """The mistakes in targets: their scenarios, their measures, their values and their intervals, and two for one thing.

    Args:
        targets: what the file says.
        reading: the file's places.
        scenarios: the scenarios by name.
    """
    seen: list[tuple[str, Measure]] = []
    for k, target in enumerate(targets):
        yield from _check_target(target, k, reading, scenarios, seen)


def _check_target(
    target: Target,
    k: int,
    reading: Reading,
    scenarios: Mapping[str, Scenario],
    seen: list[tuple[str, Measure]],
) -> Iterator[Mistake]:
    name = target.scenario or reading.scenario.name
    if name not in scenarios:
        yield reading.mistake(
            "targets",
            k,
            "scenario",
            message=f"'{name}' is none of the scenarios",
            expected=one_of(scenarios),
            suggestion=nearest(name, scenarios),
        )
        return
    measured = _measure(reading, scenarios[name], "targets", k, "measure")
    if not isinstance(measured, Measure):
        yield from measured
        return
    if (name, measured) in seen:
        yield reading.mistake(
            "targets",
            k,
            "measure",
            message=f"a second target for '{measured.name}' in {name}",
            expected="one target for each measure of a scenario",
        )
    seen.append((name, measured))
    yield from _check_value(target, k, measured, reading)


def _check_value(target: Target, k: int, measured: Measure, reading: Reading) -> Iterator[Mistake]:
    def wrong(key: str, message: str, expected: str) -> Mistake:
        return reading.mistake("targets", k, key, message=message, expected=expected)

    log = target.scale == "log"
    if measured.unit == "share" and not 0 <= target.value <= 1:
        yield wrong("value", f"no share: {target.value:g}", "a number between 0 and 1")
    elif log and target.value <= 0:
        yield wrong("value", f"{target.value:g} has no ratios", "a value above 0, or scale: linear")
    elif target.interval is None:
        if target.value == 0 and measured.unit != "share":
            yield wrong("value", "nothing tells how near to 0 is near", "an interval")
    else:
        low, high = target.interval
        if low >= high:
            yield wrong("interval", f"an empty interval: {low:g} to {high:g}", "[low, high]")
        elif log and low <= 0:
            yield wrong("interval", f"{low:g} has no ratios", "limits above 0, or scale: linear")
        elif not low <= target.value <= high:
            yield wrong("interval", f"{target.value:g} does not lie in it", "[low, high] around it")


def _check_objective(objective: Objective, spec: TuneSpec, reading: Reading) -> Iterator[Mistake]:
    given = [key for key in ("maximise", "minimise") if getattr(objective, key) is not None]
    if len(given) != 1:
        yield reading.at("objective").label.mistake(
            f"{' and '.join(given) or 'nothing'} to aim for", "either maximise or minimise"
        )
        return
    measured = _measure(reading, reading.scenario, "objective", given[0])
    if not isinstance(measured, Measure):
        yield from measured
    elif objective.enough is not None and measured.unit == "share" and not 0 < objective.enough < 1:
        yield reading.mistake(
            "objective",
            "enough",
            message=f"no share to reach: {objective.enough:g}",
            expected="a number between 0 and 1",
        )
    for path, price in objective.cost.items():
        node = reading.at("objective", "cost", path)
        if path not in spec.vary:
            message = f"'{path}' is not varied"
            yield node.label.mistake(message, one_of(spec.vary), nearest(path, spec.vary))
        elif price < 0:
            yield node.place.mistake(f"a cost below 0: {price:g}", "0 or more")


def _measure(reading: Reading, scenario: Scenario, *path: str | int) -> Measure | list[Mistake]:
    """The measure that is written at a path, of a scenario; or its mistakes."""
    own = scenario is reading.scenario
    columns = reading.columns if own else Columns.of(scenario, agents=reading.agents)
    try:
        return read_measure(reading.at(*path), columns)
    except ScenarioError as error:
        return list(error.mistakes)


# --- The tuned scenario, as a file that extends the original and says only what differs
#
# A scenario extends files of its own folder only. So the original stands beside it, as it was
# resolved: with every value and everything that the experiment set.

#: A line of the head that is longer is broken.
WIDTH = 100


def scenario_files(problem: Problem, point: Values) -> dict[str, str]:
    """For each scenario the tuned one and the original, by the names of their files.

    Args:
        problem: what was tuned.
        point: the parameters, `(parameters,)`.
    """
    files: dict[str, str] = {}
    for scenario in problem.scenarios:
        changes = {
            path: value
            for one, value in zip(problem.tuned, point.tolist(), strict=True)
            for path in one.paths
            if place_in(scenario, path) is not None
        }
        files |= extending(
            scenario, changes, tuned_name(scenario), "tuned", problem.experiment.name
        )
    return files


def extending(
    scenario: Scenario,
    changes: Mapping[str, Any],
    name: str,
    word: str,
    experiment: str,
    head: str = "",
) -> dict[str, str]:
    """A scenario with some numbers changed, and the original that it extends, by their files' names.

    Args:
        scenario: the scenario.
        changes: by path a number, or a distribution as it is written.
        name: the name of the file.
        word: what has been done to it, such as `tuned`.
        experiment: by which experiment.
        head: further lines of comment, each with its `#`.
    """
    own = original_name(scenario)
    content = {key: value for key, value in scenario.plain().items() if key != "name"}
    changed = copy.deepcopy(content)
    for path, value in changes.items():
        _put(changed, path.split("."), value)
    said = {
        "extends": own,
        "title": f"{scenario.title}, {word}",
        **_difference(content, changed),
    }
    return {
        name: f"# {scenario.name}, {word} by the experiment {experiment}.\n{head}{_yaml(said)}",
        own: (
            f"# {scenario.name} as the experiment {experiment} had it, "
            "every value written out.\n" + _yaml(_without_nothing(content))
        ),
    }


def tuned_name(scenario: Scenario) -> str:
    """The name of a tuned scenario's file."""
    return f"{scenario.name}_tuned.yaml"


def original_name(scenario: Scenario) -> str:
    """The name of the file that it extends."""
    name = f"{scenario.name}.yaml"
    return f"{scenario.name}_original.yaml" if name == GIVEN else name


def _put(content: Any, path: list[str], value: Any) -> None:
    *before, last = path
    for key in before:
        content = content[int(key) if isinstance(content, list) else key]
    content[int(last) if isinstance(content, list) else last] = value


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What must be laid over `before` to have `after`: mappings are merged, the rest is replaced."""
    found = {}
    for key, value in after.items():
        old = before.get(key)
        # Of a choice neither its values nor its weights can be left out.
        if isinstance(value, dict) and isinstance(old, dict) and "choice" not in value:
            inner = _difference(old, value)
            if inner:
                found[key] = inner
        elif value != old:
            found[key] = value
    return found


def _without_nothing(content: Any) -> Any:
    """Content without entries that are None, which a file has no need to say."""
    if isinstance(content, dict):
        return {key: _without_nothing(value) for key, value in content.items() if value is not None}
    if isinstance(content, list):
        return [_without_nothing(item) for item in content]
    return content


def _yaml(content: Mapping[str, Any]) -> str:
    from ruamel.yaml import YAML

    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None  # what holds no further mapping stands in one line
    yaml.sort_base_mapping_type_on_output = False
    yaml.allow_unicode = True
    yaml.width = WIDTH
    stream = StringIO()
    yaml.dump(dict(content), stream)
    return stream.getvalue()


# --- What a search found: tidy tables, and plain data that charts and reports read


@dataclass(frozen=True)
class Found:
    """All that a search found.

    Attributes:
        problem: what was tuned.
        trials: what was tried.
        pinned: the values that do about as well as the best.
        fresh: the best, run with luck that it was not tuned on.
        before: the scenarios as they are, with that same luck.
        seed, replicates: of that luck.
        slices: how far each parameter of the best may be moved alone, with that luck.
    """

    problem: Problem
    trials: Trials
    pinned: Pinned
    fresh: Scored
    before: Scored
    seed: int
    replicates: int
    slices: Slices | None = None

    @property
    def loss(self) -> float:
        """The best trial's loss."""
        return float(self.trials.loss[self.trials.best])

    def tables(self) -> dict[str, pa.Table]:
        """Tidy tables: the trials, their figures, the parameters, and what was aimed for."""
        import pyarrow as pa

        trials, problem = self.trials, self.problem
        number = np.arange(len(trials.loss))
        points = {one.factor.path: trials.points[:, k] for k, one in enumerate(problem.tuned)}
        watched = len(problem.watched)
        figures = {name: pa.array(trials.figures[name].ravel(), from_pandas=True) for name in KEPT}
        goal = problem.goal
        cost = {} if goal is None else {"cost": goal.cost(trials.points)}
        return {
            "trials": pa.table(
                {
                    "trial": number,
                    "generation": trials.generation,
                    "loss": trials.loss,
                    "best_so_far": np.minimum.accumulate(trials.loss),
                    **cost,
                    **points,
                }
            ),
            "figures": pa.table(
                {
                    "trial": np.repeat(number, watched),
                    "scenario": [one.scenario for one in problem.watched] * len(number),
                    "measure": [one.measure.name for one in problem.watched] * len(number),
                    **figures,
                }
            ),
            "parameters": pa.Table.from_pylist(self.parameters()),
            "outcomes": pa.Table.from_pylist(self.outcomes()),
            **self._slices(),
        }

    def _slices(self) -> dict[str, pa.Table]:
        import pyarrow as pa

        if self.slices is None:
            return {}
        paths = [one.factor.path for one in self.problem.tuned]
        columns = {
            "path": [paths[k] for k in self.slices.parameter],
            "value": self.slices.value,
            "loss": self.slices.loss,
        }
        return {"slices": pa.table(columns)}

    def summary(self) -> dict[str, Any]:
        """The figures that matter, fit for JSON."""
        problem, spec = self.problem, self.problem.spec
        return {
            "aim": "targets" if problem.goal is None else "objective",
            "sampler": spec.sampler,
            "trials": len(self.trials.loss),
            "generations": int(self.trials.generation[-1]) + 1,
            "replicates": spec.replicates,
            "scenarios": [one.name for one in problem.scenarios],
            "best": {
                "trial": self.trials.best,
                "loss": self.loss,
                "parameters": {
                    one.factor.path: float(value)
                    for one, value in zip(
                        problem.tuned, self.trials.points[self.trials.best], strict=True
                    )
                },
            },
            "fresh": {
                "seed": self.seed,
                "replicates": self.replicates,
                "loss": float(self.fresh.loss[0]),
                "loss_before": float(self.before.loss[0]),
            },
            "good": {"tolerance": self.pinned.tolerance, "trials": self.pinned.count},
            "parameters": self.parameters(),
            "outcomes": self.outcomes(),
            "objective": self.objective(),
            "files": [tuned_name(one) for one in problem.scenarios],
        }

    def parameters(self) -> list[dict[str, Any]]:
        """One row a parameter: where it may lie, where it lies best, and how much it matters."""
        best = self.trials.points[self.trials.best]
        return [
            {
                "path": one.factor.path,
                "meaning": one.factor.meaning,
                "unit": one.factor.unit,
                "scale": one.factor.scale,
                "low": one.factor.low,
                "high": one.factor.high,
                "own": float(one.own),
                "start": float(one.start),
                "best": float(best[k]),
                "lower": float(self.pinned.lower[k]),
                "upper": float(self.pinned.upper[k]),
                "at_edge": bool(self.pinned.at_edge[k]),
                "alone_lower": None if self.slices is None else float(self.slices.lower[k]),
                "alone_upper": None if self.slices is None else float(self.slices.upper[k]),
                "importance": float(self.trials.importance[k]),
            }
            for k, one in enumerate(self.problem.tuned)
        ]

    def outcomes(self) -> list[dict[str, Any]]:
        """One row a figure: what was aimed for, and what came of it."""
        rows = []
        for k, one in enumerate(self.problem.watched):
            row: dict[str, Any] = {
                "measure": one.measure.name,
                "words": one.measure.words,
                "unit": one.measure.unit,
                "among": one.measure.among,
                "scenario": one.scenario,
                "is_target": k < len(self.problem.aims),
                "target": None,
                "target_lower": None,
                "target_upper": None,
                "weight": None,
                "scale": None,
                "apart": None,
                "apart_before": None,
                "apart_error": None,
            }
            if k < len(self.problem.aims):
                aim = self.problem.aims[k]
                error = float(self.fresh.figures["standard_error"][0, k])
                estimate = float(self.fresh.figures["estimate"][0, k])
                if aim.log:
                    error = error / estimate if estimate > 0 else math.nan
                row |= {
                    "target": aim.value,
                    "target_lower": aim.lower,
                    "target_upper": aim.upper,
                    "weight": aim.weight,
                    "scale": "log" if aim.log else "linear",
                    "apart": float(aim.apart(np.asarray(estimate))),
                    "apart_before": float(aim.apart(self.before.figures["estimate"][0, k])),
                    "apart_error": _known(error / aim.error),
                }
            for name in KEPT:
                row[f"tuned_on_{name}"] = _known(self.trials.figures[name][self.trials.best, k])
                row[name] = _known(self.fresh.figures[name][0, k])
                row[f"{name}_before"] = _known(self.before.figures[name][0, k])
            rows.append(row)
        return rows

    def objective(self) -> dict[str, Any] | None:
        """What came of the objective; None where there are targets."""
        goal = self.problem.goal
        if goal is None:
            return None
        figures = self.fresh.figures
        limits = (figures[name][0, 0] for name in ("estimate", "lower", "upper"))
        tried = (self.trials.figures[name][:, 0] for name in ("estimate", "lower", "upper"))
        return {
            "way": "maximise" if goal.high else "minimise",
            "enough": goal.enough,
            "surely": goal.surely,
            "cost": float(goal.cost(self.trials.points[self.trials.best])),
            "has_cost": bool(goal.prices.any()),
            "reached": bool((goal.shortfall(*tried) == 0).any()),
            "reached_with_fresh_luck": bool(goal.shortfall(*limits) == 0),
        }


def _known(value: Any) -> float | None:
    """A figure for JSON and tables: None where it is unknown, or a time that never comes."""
    number = float(value)
    return number if math.isfinite(number) else None


# --- The answer of a search in sentences: what was found, how sure that is, and what would make it surer

#: Parameters that an answer tells of; the table has all of them.
MOST_TOLD = 8
#: A parameter that may move alone in no more than this share of its range is pinned down; in so much of it, it is not.
PINNED, LOOSE = 0.1, 0.5
#: Trials of which a tenth is one.
FEWEST = 10


def answer(found: Found) -> Iterator[str]:
    """Sentences: what was found, how sure that is, and what would make it surer."""
    yield from _on_targets(found) if found.problem.goal is None else _on_objective(found)
    yield from _on_parameters(found)
    yield from _on_slices(found)
    yield from _on_edges(found)
    yield _on_budget(found)


def _on_targets(found: Found) -> Iterator[str]:
    spec = found.problem.spec
    fresh, before = float(found.fresh.loss[0]), float(found.before.loss[0])
    count = len(found.problem.aims)
    yield (
        f"The best of {wording.count(len(found.trials.loss))} trials has a loss of {fresh:.3g} over "
        f"{wording.count(count)} target{'s' if count > 1 else ''} with fresh luck "
        f"({found.loss:.3g} with the luck it was tuned on{_finalists(found)}; {before:.3g} with the scenario as it is). "
        "The loss is the weighted sum of squared distances in the targets' standard errors."
    )
    rows = [row for row in found.outcomes() if row["is_target"]]
    inside = sum(abs(row["apart"]) <= normal_quantile() for row in rows)
    yield (
        f"With fresh luck {wording.count(inside)} of {wording.count(count)} figures lie in the 95% "
        f"interval of their target; farthest off: {_row_in_words(found, _farthest(rows))}."
    )
    rough = sum((row["apart_error"] or 0.0) > 1.0 for row in rows)
    if rough:
        yield (
            f"{wording.count(rough)} of the targets are known better than {wording.count(found.replicates)} "
            "replicates can tell: more replicates, or monte_carlo_error: true."
        )
    if fresh > found.loss + normal_quantile() ** 2:
        yield (
            "Part of the fit is luck: with fresh luck it is worse by "
            f"{fresh - found.loss:.3g}. {words.halving(spec.replicates)}"
        )
    if any(aim.assumed for aim in found.problem.aims):
        yield (
            "Targets without an interval are taken as known to a standard error of five points "
            "of a share, or a tenth of anything else."
        )


def _finalists(found: Found) -> str:
    count = min(found.problem.spec.finalists, len(found.trials.loss))
    return f", and the best of the {wording.count(count)} best with fresh luck" if count > 1 else ""


def _farthest(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return max(rows, key=lambda row: float(abs(row["apart"])))


def _row_in_words(found: Found, row: dict[str, Any]) -> str:
    said = _subject(row)
    if len(found.problem.scenarios) > 1:
        said += f" in {row['scenario']}"
    aimed = words.estimate(row["target"], row["target_lower"], row["target_upper"], row["unit"])
    return f"{said}: {_figure(row)}, aimed for {aimed}"


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


def _on_objective(found: Found) -> Iterator[str]:
    row, objective = found.outcomes()[0], found.objective()
    assert objective is not None  # noqa: S101 - there is one
    cost = f", at a cost of {objective['cost']:.3g}" if objective["has_cost"] else ""
    yield (
        f"{words.sentence_start(_subject(row))}: {_figure(row)} at the best of "
        f"{wording.count(len(found.trials.loss))} trials{cost}, with fresh luck; "
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
            f"luck: part of it was luck. {words.halving(found.problem.spec.replicates)}"
        )


def _on_parameters(found: Found) -> Iterator[str]:
    rows = sorted(found.parameters(), key=lambda row: -float(row["importance"]))
    told = []
    for row in rows[:MOST_TOLD]:
        unit = row["unit"]
        noun = "" if unit in ("share", "ratio", "intensity", "") else f" {unit}"
        span = f"; {row['lower']:.3g} to {row['upper']:.3g}" if found.pinned.count > 1 else ""
        told.append(f"{row['path']} {row['best']:.3g}{noun} (from {row['own']:.3g}{span})")
    more = f"; {len(rows) - MOST_TOLD} more in parameters.parquet" if len(rows) > MOST_TOLD else ""
    trials = found.pinned.count
    if trials == 1:
        yield (
            f"Best where {wording.listed(told)}{more}. In brackets the scenario's own value. No other "
            f"trial comes within {found.pinned.tolerance:.3g} of the best loss, so nothing tells yet "
            "how well these are pinned down."
        )
        return
    yield (
        f"Best where {wording.listed(told)}{more}. In brackets the scenario's own value, and the range "
        f"among the {wording.count(trials)} trials within {found.pinned.tolerance:.3g} of the best loss: "
        "at least so much is left open."
    )


def _on_slices(found: Found) -> Iterator[str]:
    if found.slices is None:
        return
    left = [
        (one.factor.path, float(ends[1] - ends[0]))
        for k, one in enumerate(found.problem.tuned)
        for ends in [one.share_of(np.asarray([found.slices.lower[k], found.slices.upper[k]]))]
    ]
    left.sort(key=lambda pair: pair[1])
    pinned = [path for path, open_share in left if open_share <= PINNED]
    loose = [path for path, open_share in reversed(left) if open_share >= LOOSE]
    tolerance = f"{found.pinned.tolerance:.3g}"
    yield (
        f"Moved alone, with fresh luck, {wording.count(len(pinned))} of {wording.count(len(left))} parameters raise "
        f"the loss by more than {tolerance} before they leave a tenth of their range"
        + (f" (the most: {wording.listed(pinned[:MOST_TOLD])})" if pinned else "")
        + f"; {wording.count(len(loose))} hardly do in more than half of it"
        + (f" (the least: {wording.listed(loose[:MOST_TOLD])})" if loose else "")
        + (": the targets do not pin those down." if loose else ".")
    )


def _on_edges(found: Found) -> Iterator[str]:
    edges = [row["path"] for row in found.parameters() if row["at_edge"]]
    if edges:
        shown = wording.listed(edges[:MOST_TOLD])
        yield (
            f"At the edge of {'its range' if len(edges) == 1 else 'their ranges'}: {shown}. "
            "A wider range might do better."
        )


def _on_budget(found: Found) -> str:
    trials = found.trials
    late = trials.best >= 0.9 * len(trials.loss)
    said = (
        "The best came among the last tenth of the trials: more of them may find a better one."
        if late
        else "The last tenth of the trials found nothing better."
    )
    if len(trials.loss) < FEWEST:
        said = "So few say nothing of what more would find."
    return (
        f"{wording.count(len(trials.loss))} trials by {found.problem.spec.sampler}, each of "
        f"{wording.count(found.problem.spec.replicates)} replicates with the same luck. {said}"
    )
