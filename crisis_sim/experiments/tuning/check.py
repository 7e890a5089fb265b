"""The mistakes in a tune experiment that its types cannot tell: paths, ranges, targets, the objective."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise

from crisis_sim.experiments.factors import check_factor, number_at
from crisis_sim.experiments.reading import Reading
from crisis_sim.experiments.tuning.places import ORDERED, Place, inner_paths, place_in
from crisis_sim.experiments.tuning.schema import Objective, Target, TunedRange, TuneSpec
from crisis_sim.outcomes.measures import Columns, Measure, read_measure
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.scenario.numbers import Distribution, Within
from crisis_sim.scenario.parameters import numbers_of
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import Node


def check(spec: TuneSpec, reading: Reading) -> Iterator[Mistake]:
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
