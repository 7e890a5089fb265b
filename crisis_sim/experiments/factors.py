"""Factors: parts of a scenario that an experiment takes away, and numbers that it varies."""

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
from crisis_sim.scenario.source import Node, Place, Source, to_node

Values = NDArray[np.float64]


class ScenarioEditor:
    """A scenario with everything there, from which parts are taken away by changes as of `--set`.

    `mediators.us` stands for `mediators.us=null`, and a part may be changed in place of being taken
    out: `lenders.imf.conditionality=0` leaves the lender and unties its money.
    """

    def __init__(self, scenario: Scenario, simplify: Callable[[Any], Any] | None = None) -> None:
        self.name = scenario.name
        content = {key: value for key, value in scenario.plain().items() if key != "name"}
        content = simplify(content) if simplify else content
        self.top = to_node(content, Place(Source.of(scenario.name, ""), 1, 1))

    def with_changes(self, changes: Sequence[str], name: str) -> Scenario:
        """The scenario with changes made, under another name.

        Raises:
            ScenarioError: when a change cannot be made, or what is left is no scenario.
        """
        overrides = [one if "=" in one else f"{one.strip()}=null" for one in changes]
        return build_scenario(self.top, name, overrides=overrides)

    def can_remove(self, change: str) -> bool:
        """Whether there is something to take out at a path; of other changes, always."""
        if "=" in change:
            return True
        node = self.top.get(*change.strip().split("."))
        return node is not None and bool(node.content)


def overlaps(one: str, other: str) -> bool:
    """Whether two changes reach the same place, or one the inside of the other's."""
    paths = (change.partition("=")[0].strip().split(".") for change in (one, other))
    return all(a == b for a, b in zip(*paths, strict=False))


def check_change(whole: ScenarioEditor, change: str, node: Node) -> Iterator[Mistake]:
    """The mistakes in one change of a scenario, placed where it is written in an experiment's file."""
    try:
        whole.with_changes([change], whole.name)
    except ScenarioError as error:
        mistake = error.mistakes[0]
        near = mistake.suggestion and _with_word(change, mistake.column, mistake.suggestion)
        yield node.place.mistake(f"'{change}': {mistake.message}", mistake.expected, near)
        return
    if not whole.can_remove(change):
        message = f"'{change}': {whole.name} has nothing there that could be taken out"
        yield node.place.mistake(message, "a part that it has")


def _with_word(change: str, column: int, word: str) -> str:
    """A change with another word in place of the one that begins at a column, counted from 1."""
    path, equals, value = change.partition("=")
    if not 0 < column <= len(path):
        return word
    _, dot, rest = path[column - 1 :].partition(".")
    return f"{path[: column - 1]}{word}{dot}{rest}{equals}{value}"


# --- Factors: numbers of a scenario that an experiment varies, and their ranges
#
# Where a file gives none: the range that the scenario leaves open, all of it where that is bounded, else its
# middle 95%; of a number that is known in the scenario what the schema allows, unless that is implausibly wide.

#: A range of the schema that is wider than this is no default.
WIDEST = 1000.0


class Range(Part):
    """The range of a parameter; ends that are left out come from the scenario or the schema."""

    low: float | None = Field(None, description="from where")
    high: float | None = Field(None, description="up to where")
    scale: Literal["linear", "log"] = Field(
        "linear", description="whether steps are equal, or ratios"
    )

    @model_serializer(mode="wrap")
    def _as_written(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A scale that was left out stays so: a study then chooses one by the range."""
        plain: dict[str, Any] = dump(self)
        if "scale" not in self.model_fields_set:
            plain.pop("scale", None)
        return plain


@dataclass(frozen=True)
class Factor:
    """A number of a scenario: its path, its range, and the scenario's value or distribution (`given`)."""

    path: str
    low: float
    high: float
    scale: str
    unit: str
    meaning: str
    given: Number

    @property
    def middle(self) -> float:
        """The scenario's own value; of a distribution, its middle (see `middle_of`)."""
        return middle_of(self.given)

    @property
    def axis(self) -> str:
        """The scale of its axis in charts: its own, or of a lognormal, whose ratios matter, log."""
        lognormal = isinstance(self.given, Distribution) and self.given.kind == "lognormal"
        return "log" if lognormal and self.low > 0 else self.scale

    def at(self, shares: Any) -> Values:
        """Values at shares of its range, on its scale."""
        if self.scale == "log":
            values = self.low * (self.high / self.low) ** np.asarray(shares)
        else:
            values = self.low + (self.high - self.low) * np.asarray(shares)
        return np.asarray(np.clip(values, self.low, self.high))

    def share_of(self, values: Any) -> Values:
        """How far along its range values are, on its scale: from 0 to 1."""
        return share_of(values, self.low, self.high, self.scale)

    def about(self, *keys: str) -> dict[str, Any]:
        """What a table says of it: its path, meaning and unit, and further attributes."""
        return {key: getattr(self, key) for key in ("path", "meaning", "unit", *keys)}


def share_of(values: Any, low: float, high: float, scale: str) -> Values:
    """How far along a range values are, on its scale: from 0 to 1."""
    if scale == "log":
        values = np.log(np.maximum(values, math.ulp(0.0)))
        low, high = math.log(low), math.log(high)
    return np.asarray(np.clip((values - low) / (high - low), 0.0, 1.0))


def resolve(path: str, written: Range, scenario: Scenario) -> Factor:
    """A factor from its keys in a file, which must have been checked (`check_factor`)."""
    low, high = _range(path, written, scenario)
    slot = slot_of(path)
    meaning = (slot.field.description or "") if slot and slot.field else ""
    unit = str(slot.note("unit")) if slot else ""
    return Factor(path, low, high, written.scale, unit, meaning, number_at(scenario, path))


def check_path(path: str, node: Node, scenario: Scenario) -> Iterator[Mistake]:
    """The mistake in a parameter's path, if it leads to none in the scenario: with the nearest that does."""
    known = numbers_of(scenario)
    if path not in known:
        message = f"no parameter '{path}' in {scenario.name}"
        said = removed_parameter(path) or (message, _neighbours(path, known), nearest(path, known))
        yield node.label.mistake(*said)


def check_factor(path: str, written: Range, node: Node, scenario: Scenario) -> Iterator[Mistake]:
    """The mistakes in a factor: no such parameter, an empty range, one that is out of bounds."""
    if wrong := list(check_path(path, node, scenario)):
        yield from wrong
        return
    allowed, (low, high) = numbers_of(scenario)[path], _range(path, written, scenario)
    wide = (written.low is None or written.high is None) and high - low > WIDEST
    if wrong := list(check_ends(written, node, low, high, allowed, wide or allowed.whole)):
        yield from wrong
    elif allowed.whole:
        yield node.label.mistake(
            f"'{path}' takes whole numbers only, and a range holds others",
            "a sweep over values, such as values: [1, 2, 3]",
        )
    elif wide:
        message = f"'{path}' may lie anywhere {allowed.words()}: too wide a range to vary it over"
        yield node.label.mistake(message, "low and high")
    else:
        for key, value in (("low", low), ("high", high)):
            yield from check_value(path, value, node.entries().get(key, node), scenario)


def check_ends(
    written: Range, node: Node, low: float, high: float, allowed: Within, as_given: bool = False
) -> Iterator[Mistake]:
    """The mistakes in a range from `low` to `high`: an end out of bounds; unless `as_given`, none between, no ratios."""
    entries = node.entries()
    for key in ("low", "high"):
        value = getattr(written, key)
        if value is not None and not allowed.low <= value <= allowed.high:
            words = "above 0" if allowed.low == math.ulp(0.0) else allowed.words()
            place = entries.get(key, node).place
            yield place.mistake(f"out of range: {value:g}", f"a number {words}")
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
    """The mistake that a sound scenario has where a parameter takes a value of the right range, if any."""
    given, change = number_at(scenario, path), [f"{path}={value!r}"]
    is_choice = isinstance(given, Distribution) and given.kind == "choice"
    # Tables of choices may have thousands of rows, which the change of another number leaves as they are.
    for simplify in (None,) if is_choice else (_spans, None):
        try:
            ScenarioEditor(scenario, simplify).with_changes(change, scenario.name)
            return
        except ScenarioError as error:
            mistake = error.mistakes[0]
    message = f"'{path}' at {value:g}: {mistake.message}"
    yield node.label.mistake(message, mistake.expected)


def _spans(content: Any) -> Any:
    """A scenario's content with choices among their least and greatest value, and without the labels that go with them."""
    if isinstance(content, list):
        return [_spans(one) for one in content]
    if not isinstance(content, dict):
        return content
    if "choice" in content:
        drawn = content["choice"]
        values = drawn["values"] if isinstance(drawn, dict) else drawn
        low, high = min(values), max(values)
        return {"choice": [low, high]} if low < high else low
    return {key: _spans(value) for key, value in content.items() if key != "labels"}


def number_at(scenario: Scenario, path: str) -> Number:
    """The scenario's value or distribution at a path that it has."""
    value: Any = scenario
    for word in path.split("."):
        if isinstance(value, tuple):
            value = value[int(word)]
        else:
            value = value[word] if isinstance(value, dict) else getattr(value, word)
    return value  # type: ignore[no-any-return]


def slot_of(path: str) -> Slot | None:
    """The schema's slot of a parameter, by its path."""
    return slot_at([int(word) if word.isdigit() else word for word in path.split(".")])


def default_range(number: Number, low: float, high: float) -> tuple[float, float]:
    """The default range of a factor, within the limits of the schema."""
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
    """A number's middle: of a triangular distribution the mode, of a beta or a choice the mean, else the median."""
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
    """The parameters of the deepest part that a path leads to, as a person would list them."""
    words = path.split(".")
    for count in range(len(words) - 1, 0, -1):
        begin = ".".join([*words[:count], ""])
        if within := [one for one in known if one.startswith(begin)]:
            return one_of(within)
    return "the path of a number in the scenario (docs/parameters.md)"


# Factors of a study, and how each is drawn: a share of its probability becomes a value.
#
# Without a range in the file a parameter is drawn as the scenario draws it. A known one goes evenly over the
# range of the schema: in equal ratios where this spans a thousandfold, such as delays from a quarter of an hour
# to a year, else in equal steps; where no file names the parameters, as far as its slider does.

#: A range with a larger ratio of its ends goes in equal ratios where nothing else is said.
DECADES = 1000.0
#: Of a distribution without ends the middle 95% counts as all of it where ends are needed.
MIDDLE = 0.95
#: Where the ends of a tornado's bars lie in a distribution.
TORNADO = (0.05, 0.95)
#: Shares nearer to 0 or 1 than this would be infinite values.
NEVER = 1e-9


@dataclass(frozen=True)
class DrawnFactor(Factor):
    """A factor, the distribution by which the scenario draws it, if any, and the limits of the schema."""

    distribution: Distribution | None
    allowed: Within

    @classmethod
    def of(cls, path: str, written: Range, scenario: Scenario) -> Self:
        """A factor from its keys in a file, checked; drawn as in the scenario where no range is given."""
        factor = resolve(path, written, scenario)
        is_open = written.low is None and written.high is None
        own = factor.given if is_open and isinstance(factor.given, Distribution) else None
        return cls(**vars(factor), distribution=own, allowed=numbers_of(scenario)[path])

    def at(self, shares: Any) -> Values:
        """Values at shares of its probability."""
        if self.distribution is None:
            return super().at(shares)
        from crisis_sim.model.parameters import invert  # slow to import

        low, high = self.allowed.low, self.allowed.high
        return np.clip(invert(self.distribution, np.asarray(shares), low, high), low, high)

    def between_ends(self, shares: Values) -> Values:
        """Values at shares of the way from end to end; where it has no ends, of its middle 95%."""
        if self.distribution is not None and self.distribution.kind in ("normal", "lognormal"):
            shares = (1 - MIDDLE) / 2 + MIDDLE * shares
        return self.finite_at(shares)

    def finite_at(self, shares: Values) -> Values:
        """Values at shares of its probability that may be 0 or 1, where a value could be infinite."""
        return self.at(np.clip(shares, NEVER, 1 - NEVER) if self.distribution else shares)

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of its bar in a tornado: its 5% and 95% quantile, or those of a given range."""
        if self.distribution is None:
            return self.low, self.high
        low, high = self.at(TORNADO)
        return float(low), float(high)

    def describe(self) -> str:
        """How it is drawn, as a person would say it."""
        own = self.distribution
        if own is None:
            spacing = "in equal ratios" if self.scale == "log" else "evenly"
            return f"{spacing} from {self.low:g} to {self.high:g}"
        if own.kind == "choice":
            return "as the scenario chooses it"
        return f"{own.kind} ({', '.join(f'{one:g}' for one in own.values)}), as in the scenario"


def drawn_factors(vary: Mapping[str, Range], scenario: Scenario) -> list[DrawnFactor]:
    """The factors of a study, in its order; `vary` must have been checked."""
    found = []
    for path, written in ranges(vary, scenario).items():
        factor = DrawnFactor.of(path, written, scenario)
        if factor.distribution is not None and written.scale == "log":
            factor = replace(factor, distribution=None)
        wide = factor.distribution is None and 0 < factor.low * DECADES <= factor.high
        if wide and "scale" not in written.model_fields_set:
            factor = replace(factor, scale="log")
        found.append(factor)
    return found


def ranges(vary: Mapping[str, Range], scenario: Scenario) -> Mapping[str, Range]:
    """The ranges to vary: those of the file, or every number that has a slider and can be moved."""
    if vary:
        return vary
    found = {}
    for path in numbers_of(scenario):
        slot = slot_of(path)
        if slot and slot.slider:
            # Uncertain numbers vary as the scenario draws them, known ones over the range of their slider.
            drawn = isinstance(number_at(scenario, path), Distribution)
            found[path] = Range() if drawn else Range(low=slot.slider[0], high=slot.slider[1])
    return found
