"""Numbers, distributions and dates of a scenario, and the fields that contain them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from numbers import Integral
from typing import Annotated, Any, Self, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError, core_schema

# Dates are a subset of ISO 8601: a day, `2025-05-07`; optionally `T` or a space and a time, `01:05`, `01:05:30` or
# `01:05:30.25`; optionally after a time its offset from UTC, `Z` or `+05:30`. Other forms are refused, because they might be
# read as a different hour.

EXAMPLE = "2025-05-07T01:05+05:30"
#: Range of years in a scenario, within which arithmetic on dates cannot overflow.
YEARS = (1500, 2500)
#: Largest offset from UTC.
MAX_OFFSET = timedelta(hours=14)
_HOUR, _SIXTY = "([01][0-9]|2[0-3])", "[0-5][0-9]"
PATTERN = re.compile(
    "[0-9]{4}-[0-9]{2}-[0-9]{2}"
    f"([T ]{_HOUR}:{_SIXTY}(:{_SIXTY}(\\.[0-9]{{1,6}})?)?(Z|[+-](0[0-9]|1[0-4]):{_SIXTY})?)?"
)


def read_moment(value: Any) -> datetime:
    """Read a date of a scenario file; a date without a time means midnight.

    Raises:
        PydanticCustomError: if the value is not a date, or out of range.
    """
    moment = value if isinstance(value, datetime) else None
    if isinstance(value, str) and PATTERN.fullmatch(value):
        with suppress(ValueError):  # no such day
            moment = datetime.fromisoformat(value)
    if moment is None:
        raise _error(f"not a date: {value!r}", "moment")
    first, last = YEARS
    if not first <= moment.year <= last:
        message = f"a year out of range: {moment.year}, expected {first} to {last}"
        raise _error(message, "moment")
    offset = moment.utcoffset() or timedelta()
    if abs(offset) > MAX_OFFSET or offset % timedelta(minutes=1):
        expected = "expected whole minutes, at most 14:00"
        raise _error(f"an invalid offset from UTC: {value}, {expected}", "moment")
    return moment


Moment = Annotated[
    datetime,
    BeforeValidator(read_moment),
    # JSON Schema's format `date-time` requires seconds and an offset.
    WithJsonSchema({"type": "string", "pattern": f"^{PATTERN.pattern}$", "examples": [EXAMPLE]}),
]


#: Source of parameters that are set by judgement.
ASSUMED = "assumed"


class Part(BaseModel):
    """Base class of the parts of a scenario: immutable, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields replaced; new values are checked.

        Raises:
            ValidationError: if a field is unknown, out of range or of the wrong type.
        """
        return super().model_copy(deep=deep) if update is None else self._with(**update)

    def _with(self, **fields: Any) -> Self:
        """Return a copy with these fields, each checked separately; unset fields remain unset."""
        current = {name: getattr(self, name) for name in self.model_fields_set}
        return self.model_validate({**current, **fields})


@cache
def range_of(part: type[Part], field: str) -> Within | None:
    """Return the declared range of a part's field, or None if the field has none."""
    notes = part.model_fields[field].metadata
    return next((note for note in notes if isinstance(note, Within)), None)


def parameter(
    default: float | dict[str, Any] | None,
    between: tuple[float, float],
    unit: str,
    meaning: str,
    source: str = ASSUMED,
    *,
    slider: bool | tuple[float, float] = False,
    whole: bool = False,
) -> Any:
    """Declare a numeric field with its meaning, unit, range and source.

    Args:
        default: a number; a distribution as a mapping; None for a required field; {} for a mapping from states to numbers.
        slider: True to show a slider in the dashboard, or the slider's range if most of `between` is unrealistic.
        whole: restrict the field to whole numbers.
    """
    extra: dict[str, Any] = {"unit": unit, "source": source}
    if slider:
        extra["slider"] = list(slider) if isinstance(slider, tuple) else True
    described: dict[str, Any] = {"description": meaning, "json_schema_extra": extra}
    field: FieldInfo
    if default == {}:
        field = Field(default_factory=dict, **described)
    else:
        field = Field(... if default is None else read_number(default), **described)
    field.metadata.append(Within(*between, whole))
    return field


def chance(meaning: str) -> Any:
    """Declare a field that is true, false (the default), or the probability that it is true."""
    field = parameter(0.0, (0, 1), "probability", meaning)
    field.metadata[-1] = Chance()
    return field


# A number is a plain value or a distribution. `crisis_sim.model.sampled_parameters` draws it for each replicate, so that
# checking a file needs no array library.

#: Names of distributions in scenario files, and the meaning of their numbers.
DISTRIBUTIONS: dict[str, tuple[str, ...]] = {
    "uniform": ("low", "high"),
    "triangular": ("low", "mode", "high"),
    "normal": ("mean", "standard deviation"),
    "lognormal": ("median", "sigma of the logarithm"),
    "beta": ("alpha", "beta"),
}


def is_count(number: object, least: int = 1) -> bool:
    """Return True for a whole number of at least `least`; booleans are not counts."""
    return not isinstance(number, bool) and isinstance(number, Integral) and int(number) >= least


#: Weights are divided by this if one of them is larger.
LARGE = 1e200
#: Tolerance of the sum of weights, which should be 1.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Distribution:
    """An uncertain number.

    Attributes:
        kind: one of `DISTRIBUTIONS`, or `choice`.
        values: the distribution's numbers, in the order of `DISTRIBUTIONS`; for a choice, the
            values to choose from.
        weights: for a choice, the probability of each value (they sum to 1); empty otherwise.
        together: for a choice, the name of the random draw that it shares: choices with the same name and weights are
            drawn as rows of one table.
    """

    kind: str
    values: tuple[float, ...]
    weights: tuple[float, ...] = ()
    together: str = ""

    @property
    def support(self) -> tuple[float, float]:
        """The lowest and highest value that can be drawn; infinite if unbounded."""
        if self.kind == "normal":
            return -math.inf, math.inf
        if self.kind == "lognormal":
            return 0.0, math.inf
        if self.kind == "beta":
            return 0.0, 1.0
        return min(self.values), max(self.values)

    def plain(self) -> dict[str, Any]:
        """Return the distribution in the form of a scenario file."""
        values = [*self.values]
        options: dict[str, Any] = {"weights": [*self.weights]} if len(set(self.weights)) > 1 else {}
        if self.together:
            options["together"] = self.together
        return {self.kind: {"values": values, **options} if options else values}


#: A number of a scenario, known or uncertain.
Number = float | Distribution


def _error(message: str, error_type: str = "number", **context: Any) -> PydanticCustomError:
    return PydanticCustomError(error_type, message, context or None)


def _finite(value: Any) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        expected = "a number or a distribution such as {uniform: [0, 1]}"
        raise _error(f"expected {expected}, got {value!r}", "number_type")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _error(f"expected a finite number, got {value}")
    return number


def _read_choice(body: Any) -> Distribution:
    values, weights, together = body, None, ""
    if isinstance(body, dict):
        if "values" not in body or not body.keys() <= {"values", "weights", "together"}:
            raise _error("a choice has `values`, and optionally `weights` and `together`")
        values, weights = body["values"], body.get("weights")
        together = body.get("together", "")
        if not isinstance(together, str):
            raise _error(f"`together` must be a name that choices share, not {together!r}")
    if not isinstance(values, list) or not values:
        raise _error("a choice needs a list of values, such as {choice: [0, 1]}")
    numbers = tuple(map(_finite, values))
    count = len(numbers)
    if weights is None:
        return Distribution("choice", numbers, (1 / count,) * count, together)
    if not isinstance(weights, list) or len(weights) != count:
        raise _error(f"a choice of {count} values needs {count} weights")
    shares = [_finite(weight) for weight in weights]
    if max(shares) > LARGE:  # their sum might overflow
        shares = [share / LARGE for share in shares]
    total = math.fsum(shares)
    if min(shares) < 0 or total <= 0:
        raise _error("weights of a choice must not be negative, nor all zero")
    if abs(total - 1.0) > ROUNDING:  # otherwise unchanged, so that a written copy is read as equal
        shares = [share / total for share in shares]
    return Distribution("choice", numbers, tuple(shares), together)


def _check_order(kind: str, numbers: tuple[float, ...]) -> None:
    first, last = numbers[0], numbers[-1]
    if kind in ("uniform", "triangular"):
        if list(numbers) != sorted(numbers):
            raise _error(f"{kind} needs numbers in rising order, got {list(numbers)}")
        if first == last:
            plain = f"write the plain number {first:g} instead"
            raise _error(f"an empty range: {kind} from {first:g} to {first:g}; {plain}")
    elif kind == "beta":
        if min(numbers) <= 0:
            raise _error(f"beta needs two numbers above zero, got {numbers}")
    elif last <= 0:
        raise _error(f"{kind} needs a spread above zero, got {last}")
    elif kind == "lognormal" and first <= 0:
        raise _error(f"lognormal needs a median above zero, got {first}")


def read_number(value: Any) -> float | Distribution:
    """Read a number of a scenario file: a plain value, or a mapping from a distribution's name to its numbers.

    Raises:
        PydanticCustomError: if the value is neither.
    """
    if isinstance(value, Distribution):
        return value
    if not isinstance(value, dict):
        return _finite(value)
    if len(value) != 1:
        expected = "a distribution has one key, such as {uniform: [0, 1]}"
        raise _error(f"{expected}; got {len(value)} keys")
    kind, body = next(iter(value.items()))
    if kind == "choice":
        return _read_choice(body)
    if kind not in DISTRIBUTIONS:
        known = ", ".join(DISTRIBUTIONS)
        raise _error(f"unknown distribution '{kind}': expected {known} or choice", "distribution")
    meaning = DISTRIBUTIONS[kind]
    if not isinstance(body, list) or len(body) != len(meaning):
        raise _error(f"{kind} takes {len(meaning)} numbers: [{', '.join(meaning)}]")
    numbers = tuple(map(_finite, body))
    _check_order(kind, numbers)
    return Distribution(kind, numbers)


def _plain(number: Number) -> Any:
    return number.plain() if isinstance(number, Distribution) else number


def _object_schema(properties: dict[str, Any], **keywords: str) -> dict[str, Any]:
    """Return the JSON Schema of a mapping with these keys and no others, the first of them required."""
    return {
        "type": "object",
        **keywords,
        "properties": properties,
        "required": [next(iter(properties))],
        "additionalProperties": False,
    }


def _list_schema(least: int, most: int | None = None) -> dict[str, Any]:
    """Return the JSON Schema of a list of numbers."""
    length = {"minItems": least} if most is None else {"minItems": least, "maxItems": most}
    return {"type": "array", "items": {"type": "number"}, **length}


_LIST = _list_schema(1)
_WEIGHTED = _object_schema({"values": _LIST, "weights": _LIST, "together": {"type": "string"}})
#: JSON Schema of a distribution in a scenario file.
DISTRIBUTION_SCHEMA: dict[str, Any] = {
    "description": "An uncertain number, drawn once for each replicate.",
    "anyOf": [
        *(
            _object_schema(
                {kind: _list_schema(len(numbers), len(numbers))},
                description=f"{kind}: [{', '.join(numbers)}]",
            )
            for kind, numbers in DISTRIBUTIONS.items()
        ),
        _object_schema(
            {"choice": {"anyOf": [_LIST, _WEIGHTED]}},
            description="choice: a list of values, or {values: [...], weights: [...]}; choices that have the same "
            "weights and name under `together` are drawn as rows of one table",
        ),
    ],
}


def _is_whole(number: Number) -> bool:
    """Return True for a whole number or a choice among whole numbers."""
    if isinstance(number, Distribution):
        return number.kind == "choice" and all(value.is_integer() for value in number.values)
    return number.is_integer()


@dataclass(frozen=True)
class Within:
    """The range of a number, optionally of whole numbers only.

    Bounded distributions must lie in the range. Normal and lognormal distributions must have their
    middle in it, and are truncated to it when drawn. As the annotation of a field, this class gives
    pydantic everything to read, write and describe a number or a mapping of numbers. To derive that
    from the type would take a quarter of the time allowed for `crisis-sim check`.
    """

    low: float
    high: float
    whole: bool = False

    def __call__(self, number: Number) -> Number:
        """Return the number; raise PydanticCustomError if it is out of range."""
        if isinstance(number, Distribution):
            low, high = number.support
            shown = f"{number.kind} from {low:g} to {high:g}"
            if math.isinf(high):
                low = high = number.values[0]
                shown = f"{number.kind} around {low:g}"
            outside = low < self.low or high > self.high
        else:
            outside = not self.low <= number <= self.high
            shown = f"{number:g}" if float(f"{number:g}") == number else repr(number)
        if self.whole and not _is_whole(number):
            raise _error(f"not a whole number: {shown}")
        if outside:
            raise _error(f"out of range: expected {self.words()}, got {shown}", shown=shown)
        return number

    def words(self) -> str:
        """Describe the range, such as "between 0 and 1"."""
        if math.isinf(self.high):
            return f"at least {self.low:g}"
        return f"between {self.low:g} and {self.high:g}"

    def read(self, value: Any) -> Number:
        """Read a number of a scenario file; raise PydanticCustomError if it is not in the range."""
        return self(read_number(value))

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        number = core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.plain_serializer_function_ser_schema(_plain)
        )
        if get_origin(source) is dict:  # a number for each state
            return core_schema.dict_schema(core_schema.str_schema(), number)
        return number

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: Any
    ) -> dict[str, Any]:
        kind = "integer" if self.whole else "number"
        plain = {"type": kind, "minimum": self.low, "maximum": self.high}
        number = {"anyOf": [plain, DISTRIBUTION_SCHEMA]}
        if schema["type"] == "dict":
            return {"type": "object", "additionalProperties": number}
        return number


@dataclass(frozen=True)
class Chance(Within):
    """The range of a truth value: true, false, or the probability of true."""

    low: float = 0.0
    high: float = 1.0

    def read(self, value: Any) -> Number:
        """Read a number like `Within.read`; true is 1 and false is 0."""
        return super().read(float(value) if isinstance(value, bool) else value)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: Any
    ) -> dict[str, Any]:
        number = super().__get_pydantic_json_schema__(schema, handler)
        return {"anyOf": [{"type": "boolean"}, *number["anyOf"]]}
