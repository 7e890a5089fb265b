"""Factors: parts of a scenario that an experiment removes, and numbers that it varies."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of, removed_parameter
from crisis_sim.scenario.introspect import Slot, numbers_of, slot_at
from crisis_sim.scenario.load import build_scenario
from crisis_sim.scenario.numbers import Distribution, Number, Part, Within
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.yaml_text import Node, Place, Source, to_node

Values = NDArray[np.float64]


class ScenarioEditor:
    """A scenario to which changes are applied, in the syntax of `--set`.

    A bare path removes a part: `mediators.us` is short for `mediators.us=null`.
    """

    def __init__(self, scenario: Scenario, simplify: Callable[[Any], Any] | None = None) -> None:
        self.name = scenario.name
        content = {key: value for key, value in scenario.plain().items() if key != "name"}
        content = simplify(content) if simplify else content
        self.top = to_node(content, Place(Source.of(scenario.name, ""), 1, 1))

    def with_changes(self, changes: Sequence[str], name: str) -> Scenario:
        """Return the scenario with changes applied, under a new name.

        Raises:
            ScenarioError: if a change cannot be applied, or the result is not a valid scenario.
        """
        overrides = [text if "=" in text else f"{text.strip()}=null" for text in changes]
        return build_scenario(self.top, name, overrides=overrides)

    def can_remove(self, change: str) -> bool:
        """Return whether there is something to remove at a bare path; True for other changes."""
        if "=" in change:
            return True
        node = self.top.get(*change.strip().split("."))
        return node is not None and bool(node.content)


def overlaps(a: str, b: str) -> bool:
    """Return whether two changes have the same path, or one a path inside the other's."""
    paths = (change.partition("=")[0].strip().split(".") for change in (a, b))
    return all(x == y for x, y in zip(*paths, strict=False))


def check_change(editor: ScenarioEditor, change: str, node: Node) -> Iterator[Mistake]:
    """Yield the mistakes in a change of a scenario, at its place in an experiment's file."""
    try:
        editor.with_changes([change], editor.name)
    except ScenarioError as error:
        mistake = error.mistakes[0]
        near = mistake.suggestion and _with_word(change, mistake.column, mistake.suggestion)
        yield node.place.mistake(f"'{change}': {mistake.message}", mistake.expected, near)
        return
    if not editor.can_remove(change):
        message = f"'{change}': {editor.name} has nothing there to remove"
        yield node.place.mistake(message, "a part of the scenario")


def _with_word(change: str, column: int, word: str) -> str:
    """Return a change with the word that begins at a column, counted from 1, replaced by another."""
    path, equals, value = change.partition("=")
    if not 0 < column <= len(path):
        return word
    _, dot, rest = path[column - 1 :].partition(".")
    return f"{path[: column - 1]}{word}{dot}{rest}{equals}{value}"


# --- Factors: numbers of a scenario that an experiment varies, and their ranges
#
# The default range of an uncertain number is that of its distribution in the scenario: all of it if it is
# bounded, otherwise the middle 95%. The default range of an exact number is the schema's, unless that is too wide.

#: The widest range of the schema that is a default.
WIDEST = 1000.0


class Range(Part):
    """The range of a parameter; missing ends come from the scenario or the schema."""

    low: float | None = Field(None, description="the lower end")
    high: float | None = Field(None, description="the upper end")
    scale: Literal["linear", "log"] = Field(
        "linear", description="linear for equal steps, log for equal ratios"
    )

    @model_serializer(mode="wrap")
    def _as_written(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out a scale that the file does not give: a sensitivity study then chooses it."""
        plain: dict[str, Any] = dump(self)
        if "scale" not in self.model_fields_set:
            plain.pop("scale", None)
        return plain


@dataclass(frozen=True)
class Factor:
    """A number of a scenario that an experiment varies; `given` is the scenario's value or distribution."""

    path: str
    low: float
    high: float
    scale: str
    unit: str
    meaning: str
    given: Number

    @property
    def middle(self) -> float:
        """The scenario's value, or the middle of its distribution (`middle_of`)."""
        return middle_of(self.given)

    @property
    def axis(self) -> str:
        """The scale of its axis in charts: log for a lognormal distribution, otherwise its own scale."""
        lognormal = isinstance(self.given, Distribution) and self.given.kind == "lognormal"
        return "log" if lognormal and self.low > 0 else self.scale

    def at(self, shares: Any) -> Values:
        """Return values at positions in its range, from 0 to 1 on its scale."""
        if self.scale == "log":
            values = self.low * (self.high / self.low) ** np.asarray(shares)
        else:
            values = self.low + (self.high - self.low) * np.asarray(shares)
        return np.asarray(np.clip(values, self.low, self.high))

    def share_of(self, values: Any) -> Values:
        """Return the positions of values in its range, from 0 to 1 on its scale."""
        return share_of(values, self.low, self.high, self.scale)

    def about(self, *keys: str) -> dict[str, Any]:
        """Return its path, meaning, unit and further attributes, for a summary."""
        return {key: getattr(self, key) for key in ("path", "meaning", "unit", *keys)}


def share_of(values: Any, low: float, high: float, scale: str) -> Values:
    """Return the positions of values in a range, from 0 to 1 on its scale."""
    if scale == "log":
        values = np.log(np.maximum(values, math.ulp(0.0)))
        low, high = math.log(low), math.log(high)
    return np.asarray(np.clip((values - low) / (high - low), 0.0, 1.0))


def resolve(path: str, written: Range, scenario: Scenario) -> Factor:
    """Return a factor from its keys in a file that passed `check_factor`."""
    low, high = _range(path, written, scenario)
    slot = slot_of(path)
    meaning = (slot.field.description or "") if slot and slot.field else ""
    unit = str(slot.note("unit")) if slot else ""
    return Factor(path, low, high, written.scale, unit, meaning, number_at(scenario, path))


def check_path(path: str, node: Node, scenario: Scenario) -> Iterator[Mistake]:
    """Yield a mistake, with the nearest path, if a parameter is not in the scenario."""
    known = numbers_of(scenario)
    if path in known:
        return
    unknown = f"no parameter '{path}' in {scenario.name}"
    removed = removed_parameter(path)
    yield node.label.mistake(*removed or (unknown, _neighbours(path, known), nearest(path, known)))


def check_factor(path: str, written: Range, node: Node, scenario: Scenario) -> Iterator[Mistake]:
    """Yield the mistakes in a factor: an unknown parameter, an empty range, or one out of bounds."""
    if mistakes := list(check_path(path, node, scenario)):
        yield from mistakes
        return
    allowed, (low, high) = numbers_of(scenario)[path], _range(path, written, scenario)
    wide = (written.low is None or written.high is None) and high - low > WIDEST
    if mistakes := list(check_ends(written, node, low, high, allowed, wide or allowed.whole)):
        yield from mistakes
    elif allowed.whole:
        yield node.label.mistake(
            f"'{path}' takes whole numbers only, not a range",
            "a sweep over values, such as values: [1, 2, 3]",
        )
    elif wide:
        message = f"'{path}' may be anywhere {allowed.words()}: too wide a range to vary it over"
        yield node.label.mistake(message, "low and high")
    else:
        for key, value in (("low", low), ("high", high)):
            yield from check_value(path, value, node.entries().get(key, node), scenario)


def check_ends(
    written: Range, node: Node, low: float, high: float, allowed: Within, as_given: bool = False
) -> Iterator[Mistake]:
    """Yield the mistakes in a range: ends out of bounds and, unless `as_given`, an empty range or a log scale from 0."""
    entries = node.entries()
    for key in ("low", "high"):
        value = getattr(written, key)
        if value is not None and not allowed.low <= value <= allowed.high:
            bounds = "above 0" if allowed.low == math.ulp(0.0) else allowed.words()
            place = entries.get(key, node).place
            yield place.mistake(f"out of range: {value:g}", f"a number {bounds}")
            return
    if as_given:
        return
    if low >= high:
        label = entries.get("high", entries.get("low", node)).label
        yield label.mistake(f"an empty range: from {low:g} to {high:g}", "low below high")
    elif written.scale == "log" and low <= 0:
        message, expected = f"a range from {low:g} has no ratios", "a low above 0, or scale: linear"
        yield entries.get("scale", node).place.mistake(message, expected)


def check_value(path: str, value: float, node: Node, scenario: Scenario) -> Iterator[Mistake]:
    """Yield the mistake, if any, of a scenario in which a parameter has this value."""
    given, change = number_at(scenario, path), [f"{path}={value!r}"]
    is_choice = isinstance(given, Distribution) and given.kind == "choice"
    # Choices may have thousands of rows; try a short scenario first, unless the number itself is a choice.
    for simplify in (None,) if is_choice else (_spans, None):
        try:
            ScenarioEditor(scenario, simplify).with_changes(change, scenario.name)
            return
        except ScenarioError as error:
            mistake = error.mistakes[0]
    message = f"'{path}' at {value:g}: {mistake.message}"
    yield node.label.mistake(message, mistake.expected)


def _spans(content: Any) -> Any:
    """Return a scenario's content with choices reduced to their minimum and maximum, and without labels."""
    if isinstance(content, list):
        return [_spans(item) for item in content]
    if not isinstance(content, dict):
        return content
    if "choice" in content:
        choice = content["choice"]
        values = choice["values"] if isinstance(choice, dict) else choice
        low, high = min(values), max(values)
        return {"choice": [low, high]} if low < high else low
    return {key: _spans(value) for key, value in content.items() if key != "labels"}


def number_at(scenario: Scenario, path: str) -> Number:
    """Return the scenario's value or distribution at a valid path."""
    value: Any = scenario
    for word in path.split("."):
        if isinstance(value, tuple):
            value = value[int(word)]
        else:
            value = value[word] if isinstance(value, dict) else getattr(value, word)
    return value  # type: ignore[no-any-return]


def slot_of(path: str) -> Slot | None:
    """Return the schema's slot of a parameter."""
    return slot_at([int(word) if word.isdigit() else word for word in path.split(".")])


def default_range(number: Number, low: float, high: float) -> tuple[float, float]:
    """Return the default range of a factor, within the limits of the schema."""
    if not isinstance(number, Distribution):
        return low, high
    bottom, top = number.support
    if number.kind in ("normal", "lognormal"):
        middle, spread = number.values
        reach = normal_quantile() * spread
        bottom, top = middle - reach, middle + reach
        if number.kind == "lognormal":
            bottom, top = middle / math.exp(reach), middle * math.exp(reach)
    return max(bottom, low), min(top, high)


def middle_of(number: Number) -> float:
    """Return a number's middle: the mode of a triangular, the mean of a beta or a choice, otherwise the median."""
    if not isinstance(number, Distribution):
        return float(number)
    values = number.values
    if number.kind == "uniform":
        return (values[0] + values[1]) / 2
    if number.kind == "triangular":
        return values[1]
    if number.kind == "beta":
        return values[0] / (values[0] + values[1])
    if number.kind == "choice":
        return sum(value * weight for value, weight in zip(values, number.weights, strict=True))
    return values[0]


def _range(path: str, written: Range, scenario: Scenario) -> tuple[float, float]:
    allowed = numbers_of(scenario)[path]
    low, high = default_range(number_at(scenario, path), allowed.low, allowed.high)
    return (
        low if written.low is None else written.low,
        high if written.high is None else written.high,
    )


def _neighbours(path: str, known: Iterable[str]) -> str:
    """Return a list of the parameters in the deepest existing part on a path."""
    words = path.split(".")
    for count in range(len(words) - 1, 0, -1):
        prefix = ".".join([*words[:count], ""])
        if within := [other for other in known if other.startswith(prefix)]:
            return one_of(within)
    return "the path of a number in the scenario (docs/parameters.md)"


# --- Factors of a sensitivity study: probabilities become values
#
# A parameter without a range in the file is drawn from its distribution in the scenario. One that is exact
# there is drawn evenly from the schema's range, or evenly in the logarithm if the ratio of its ends is large,
# as of delays from a quarter of an hour to a year. If the file names no parameters, their ranges are those of
# their sliders.

#: The ratio of a range's ends from which its default scale is log.
DECADES = 1000.0
#: The central share of an unbounded distribution that replaces its range.
MIDDLE = 0.95
#: The quantiles at the ends of a tornado's bars.
TORNADO = (0.05, 0.95)
#: The smallest distance of probabilities from 0 and 1, where values may be infinite.
NEVER = 1e-9


@dataclass(frozen=True)
class DrawnFactor(Factor):
    """A factor with its distribution in the scenario, if it is drawn from that, and the limits of the schema."""

    distribution: Distribution | None
    allowed: Within

    @classmethod
    def of(cls, path: str, written: Range, scenario: Scenario) -> Self:
        """Return a factor from its checked keys in a file, drawn as in the scenario if they give no range."""
        factor = resolve(path, written, scenario)
        is_open = written.low is None and written.high is None
        drawn = factor.given if is_open and isinstance(factor.given, Distribution) else None
        return cls(**vars(factor), distribution=drawn, allowed=numbers_of(scenario)[path])

    def at(self, shares: Any) -> Values:
        """Return its quantiles at probabilities."""
        if self.distribution is None:
            return super().at(shares)
        from crisis_sim.model.sampled_parameters import invert  # slow to import

        low, high = self.allowed.low, self.allowed.high
        return np.clip(invert(self.distribution, np.asarray(shares), low, high), low, high)

    def between_ends(self, shares: Values) -> Values:
        """Return its quantiles at probabilities, rescaled to the middle 95% if it is unbounded."""
        if self.distribution is not None and self.distribution.kind in ("normal", "lognormal"):
            shares = (1 - MIDDLE) / 2 + MIDDLE * shares
        return self.finite_at(shares)

    def finite_at(self, shares: Values) -> Values:
        """Return its quantiles at probabilities from 0 to 1, finite at both ends."""
        return self.at(np.clip(shares, NEVER, 1 - NEVER) if self.distribution else shares)

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of its bars in a tornado: its 5% and 95% quantiles, or the ends of its range."""
        if self.distribution is None:
            return self.low, self.high
        low, high = self.at(TORNADO)
        return float(low), float(high)

    def describe(self) -> str:
        """Return a description of how it is drawn."""
        drawn = self.distribution
        if drawn is None:
            spacing = "in equal ratios" if self.scale == "log" else "evenly"
            return f"{spacing} from {self.low:g} to {self.high:g}"
        if drawn.kind == "choice":
            return "as the scenario chooses it"
        return f"{drawn.kind} ({', '.join(f'{x:g}' for x in drawn.values)}), as in the scenario"


def drawn_factors(vary: Mapping[str, Range], scenario: Scenario) -> list[DrawnFactor]:
    """Return the factors of a study, in the order of the checked `vary`."""
    factors = []
    for path, written in ranges(vary, scenario).items():
        factor = DrawnFactor.of(path, written, scenario)
        if factor.distribution is not None and written.scale == "log":
            factor = replace(factor, distribution=None)
        wide = factor.distribution is None and 0 < factor.low * DECADES <= factor.high
        if wide and "scale" not in written.model_fields_set:
            factor = replace(factor, scale="log")
        factors.append(factor)
    return factors


def ranges(vary: Mapping[str, Range], scenario: Scenario) -> Mapping[str, Range]:
    """Return the ranges to vary: `vary`, or by default every number with a slider.

    Uncertain numbers then vary as in the scenario, exact ones over their slider.
    """
    if vary:
        return vary
    found = {}
    for path in numbers_of(scenario):
        slot = slot_of(path)
        if slot and slot.slider:
            is_drawn = isinstance(number_at(scenario, path), Distribution)
            found[path] = Range() if is_drawn else Range(low=slot.slider[0], high=slot.slider[1])
    return found
