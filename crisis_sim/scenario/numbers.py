"""A number in a scenario: known (a plain value) or uncertain (a distribution, drawn once for each replicate).

This module knows how a distribution is written and where it lies, not how it is drawn: that is
`crisis_sim.model.parameters`, so that checking a file needs no array library.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

#: How each distribution is written: its name in the file, and what its list of numbers means.
DISTRIBUTIONS: dict[str, tuple[str, ...]] = {
    "uniform": ("low", "high"),
    "triangular": ("low", "mode", "high"),
    "normal": ("mean", "standard deviation"),
    "lognormal": ("median", "sigma of the logarithm"),
    "beta": ("alpha", "beta"),
}


@dataclass(frozen=True)
class Distribution:
    """An uncertain number.

    Attributes:
        kind: one of `DISTRIBUTIONS`, or `choice`.
        values: the distribution's numbers, in the order of `DISTRIBUTIONS`; for a choice, the values to choose from.
        weights: for a choice, the probability of each value (they sum to 1); empty otherwise.
    """

    kind: str
    values: tuple[float, ...]
    weights: tuple[float, ...] = ()

    @property
    def support(self) -> tuple[float, float]:
        """The lowest and highest value that can be drawn (infinite where there is no bound)."""
        if self.kind == "normal":
            return -math.inf, math.inf
        if self.kind == "lognormal":
            return 0.0, math.inf
        if self.kind == "beta":
            return 0.0, 1.0
        return min(self.values), max(self.values)

    def plain(self) -> dict[str, Any]:
        """The distribution as it is written in a scenario file."""
        if self.kind == "choice" and len(set(self.weights)) > 1:
            return {"choice": {"values": list(self.values), "weights": list(self.weights)}}
        return {self.kind: list(self.values)}


def _error(message: str, **context: Any) -> PydanticCustomError:
    return PydanticCustomError("number", message, context)  # type: ignore[arg-type]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _finite(value: Any) -> float:
    if not _is_number(value):
        raise _error(
            "expected a number or a distribution such as {uniform: [0, 1]}, got {value}",
            value=repr(value),
        )
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _error("expected a finite number, got {value}", value=str(value))
    return number


def _read_choice(body: Any) -> Distribution:
    values, weights = body, None
    if isinstance(body, dict):
        unknown = sorted(str(key) for key in body if key not in ("values", "weights"))
        if unknown or "values" not in body:
            raise _error("a choice has `values` and, if you like, `weights`")
        values, weights = body["values"], body.get("weights")
    if not isinstance(values, list) or not values:
        raise _error("a choice needs a list of values, such as {choice: [0, 1]}")
    numbers = tuple(_finite(value) for value in values)
    if weights is None:
        return Distribution("choice", numbers, (1 / len(numbers),) * len(numbers))
    if not isinstance(weights, list) or len(weights) != len(numbers):
        raise _error("a choice of {count} values needs {count} weights", count=len(numbers))
    shares = [_finite(weight) for weight in weights]
    total = math.fsum(shares)
    if min(shares) < 0 or total <= 0:
        raise _error("weights of a choice must not be negative, nor all zero")
    return Distribution("choice", numbers, tuple(share / total for share in shares))


def _check_order(kind: str, numbers: tuple[float, ...]) -> None:
    if kind in ("uniform", "triangular") and list(numbers) != sorted(numbers):
        raise _error(
            "{kind} needs its numbers in rising order, got {values}",
            kind=kind,
            values=str(list(numbers)),
        )
    if kind in ("uniform", "triangular") and numbers[0] == numbers[-1]:
        raise _error(
            "an empty range: {kind} from {low} to {low}; write the plain number {low} instead",
            kind=kind,
            low=f"{numbers[0]:g}",
        )
    if kind in ("normal", "lognormal") and numbers[1] <= 0:
        raise _error("{kind} needs a spread above zero, got {spread}", kind=kind, spread=numbers[1])
    if kind == "lognormal" and numbers[0] <= 0:
        raise _error("lognormal needs a median above zero, got {median}", median=numbers[0])
    if kind == "beta" and min(numbers) <= 0:
        raise _error("beta needs both its numbers above zero, got {values}", values=str(numbers))


def read_number(value: Any) -> float | Distribution:
    """A number as it stands in a scenario file, plain or as a mapping with one distribution's name.

    Raises:
        PydanticCustomError: when it is neither; the message says what was expected.
    """
    if isinstance(value, Distribution):
        return value
    if not isinstance(value, dict):
        return _finite(value)
    if len(value) != 1:
        raise _error(
            "a distribution has one name, such as {uniform: [0, 1]}; got {count} keys",
            count=len(value),
        )
    kind, body = next(iter(value.items()))
    if kind == "choice":
        return _read_choice(body)
    if kind not in DISTRIBUTIONS:
        raise _error(
            "unknown distribution '{name}': expected uniform, triangular, normal, lognormal, beta or choice",
            name=str(kind),
        )
    meaning = DISTRIBUTIONS[kind]
    if not isinstance(body, list) or len(body) != len(meaning):
        raise _error(
            "{kind} takes {count} numbers: [{meaning}]",
            kind=kind,
            count=len(meaning),
            meaning=", ".join(meaning),
        )
    numbers = tuple(_finite(number) for number in body)
    _check_order(kind, numbers)
    return Distribution(kind, numbers)


@dataclass(frozen=True)
class Within:
    """The range that a number may take; a distribution's bounded support must lie inside it.

    Unbounded distributions (normal, lognormal) are truncated to the range when they are drawn.
    """

    low: float
    high: float

    def __call__(self, number: float | Distribution) -> float | Distribution:
        if isinstance(number, Distribution):
            low, high = number.support
            outside = (math.isfinite(low) and low < self.low) or (
                math.isfinite(high) and high > self.high
            )
            shown = f"{number.kind} from {low:g} to {high:g}"
        else:
            outside = not self.low <= number <= self.high
            shown = f"{number:g}"
        if outside:
            raise _error(
                "out of range: expected {expected}, got {shown}",
                expected=self.words(),
                shown=shown,
            )
        return number

    def words(self) -> str:
        """The range as a person would say it."""
        if math.isinf(self.high):
            return f"at least {self.low:g}"
        return f"between {self.low:g} and {self.high:g}"


def _plain(number: float | Distribution) -> Any:
    return number.plain() if isinstance(number, Distribution) else number


_PAIR = {"type": "array", "items": {"type": "number"}}
_JSON_SCHEMA: dict[str, Any] = {
    "description": "A number, or a distribution drawn once for each replicate.",
    "anyOf": [
        {"type": "number"},
        *(
            {
                "type": "object",
                "description": f"{kind}: [{', '.join(meaning)}]",
                "properties": {kind: {**_PAIR, "minItems": len(meaning), "maxItems": len(meaning)}},
                "required": [kind],
                "additionalProperties": False,
            }
            for kind, meaning in DISTRIBUTIONS.items()
        ),
        {
            "type": "object",
            "description": "choice: a list of values, or {values: [...], weights: [...]}",
            "properties": {"choice": {}},
            "required": ["choice"],
            "additionalProperties": False,
        },
    ],
}

#: The type of every number in a scenario that a person may know or be unsure of.
Number = Annotated[
    float | Distribution,
    PlainValidator(read_number),
    PlainSerializer(_plain),
    WithJsonSchema(_JSON_SCHEMA),
]
