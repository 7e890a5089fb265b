"""Numbers, distributions and dates of a scenario, and how they are read."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from numbers import Integral
from typing import Annotated, Any, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError, core_schema

# --- Dates and times in a scenario: ISO 8601, such as 2025-05-07T01:05+05:30
#
# One way to write each: a day, `2025-05-07`; if wanted, after a `T` or a space, a time to the minute, the second or a
# part of it, `01:05`, `01:05:30`, `01:05:30.25`; if wanted, after a time, its offset from UTC, `Z` or `+05:30`, of at
# most
# 14 hours. All else is refused, so that nothing is read as another hour than was meant.

EXAMPLE = "2025-05-07T01:05+05:30"
#: Years that a scenario may name: all of diplomatic history, and no date that arithmetic overflows.
YEARS = (1500, 2500)
#: How far from UTC a clock may be.
FARTHEST = timedelta(hours=14)
_HOUR, _SIXTY = "([01][0-9]|2[0-3])", "[0-5][0-9]"
PATTERN = re.compile(
    "[0-9]{4}-[0-9]{2}-[0-9]{2}"
    f"([T ]{_HOUR}:{_SIXTY}(:{_SIXTY}(\\.[0-9]{{1,6}})?)?(Z|[+-](0[0-9]|1[0-4]):{_SIXTY})?)?"
)


def read_moment(value: Any) -> datetime:
    """A date as it stands in a scenario file; one without an hour is its midnight.

    Raises:
        PydanticCustomError: when it is no date; the message says what was expected.
    """
    moment = value if isinstance(value, datetime) else None
    if isinstance(value, str) and PATTERN.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:  # no such day
            moment = None
    if moment is None:
        raise PydanticCustomError("moment", "not a date: {value}", {"value": repr(value)})
    if not YEARS[0] <= moment.year <= YEARS[1]:
        raise PydanticCustomError(
            "moment",
            "a year out of range: {year}, expected {first} to {last}",
            {"year": moment.year, "first": YEARS[0], "last": YEARS[1]},
        )
    offset = moment.utcoffset() or timedelta()
    if abs(offset) > FARTHEST or offset % timedelta(minutes=1):
        raise PydanticCustomError(
            "moment",
            "an offset from UTC that no clock has: {value}, expected whole minutes, at most 14:00",
            {"value": str(value)},
        )
    return moment


Moment = Annotated[
    datetime,
    BeforeValidator(read_moment),
    # Not the format `date-time`: that one insists on seconds and an offset.
    WithJsonSchema({"type": "string", "pattern": f"^{PATTERN.pattern}$", "examples": [EXAMPLE]}),
]


# --- What the parts of a scenario share: strict keys, and numbers with unit, range and source

ASSUMED = "assumed"


class Part(BaseModel):
    """A part of a scenario: unknown keys are mistakes, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@cache
def range_of(part: type[Part], field: str) -> Within | None:
    """The range that a part's numeric field declares, or None where it declares none."""
    return next(
        (note for note in part.model_fields[field].metadata if isinstance(note, Within)), None
    )


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
    """A numeric field with its meaning, unit, range and source; required when `default` is None.

    The range is checked when a file is read, and tells sweeps and sliders how far a parameter may
    move.

    Args:
        default: its value where a file says none; a distribution as a mapping.
        between: its least and greatest value.
        unit: its unit, in words.
        meaning: what it is, as docs/parameters.md says it.
        source: where the default comes from.
        slider: whether it is one of the few that are worth a slider; as two numbers, how far a
            slider goes where most of the range would be out of this world.
        whole: whether a fraction of it makes no sense.
    """
    extra: dict[str, Any] = {"unit": unit, "source": source}
    if slider:
        extra["slider"] = list(slider) if isinstance(slider, tuple) else True
    described: dict[str, Any] = {"description": meaning, "json_schema_extra": extra}
    field: FieldInfo
    if default == {}:  # one number for each state, none given
        field = Field(default_factory=dict, **described)
    else:
        field = Field(... if default is None else read_number(default), **described)
    field.metadata.append(Within(*between, whole))
    return field


def chance(meaning: str, *, source: str = ASSUMED) -> Any:
    """A field that is true or false, by default false, or the chance that it is true."""
    field: Any = Field(
        0.0, description=meaning, json_schema_extra={"unit": "probability", "source": source}
    )
    field.metadata.append(Chance())
    return field


# --- A number in a scenario: known (a plain value) or uncertain (a distribution, drawn per replicate)
#
# This module knows how a distribution is written and where it lies, not how it is drawn: that is
# `crisis_sim.model.parameters`, so that checking a file needs no array library.

#: How each distribution is written: its name in the file, and what its list of numbers means.
DISTRIBUTIONS: dict[str, tuple[str, ...]] = {
    "uniform": ("low", "high"),
    "triangular": ("low", "mode", "high"),
    "normal": ("mean", "standard deviation"),
    "lognormal": ("median", "sigma of the logarithm"),
    "beta": ("alpha", "beta"),
}


def is_count(number: object, least: int = 1) -> bool:
    """Whether something is a whole number, and not too small; `True` is none, though Python counts with it."""
    return not isinstance(number, bool) and isinstance(number, Integral) and int(number) >= least


#: Weights above this are counted in units of it.
LARGE = 1e200


@dataclass(frozen=True)
class Distribution:
    """An uncertain number.

    Attributes:
        kind: one of `DISTRIBUTIONS`, or `choice`.
        values: the distribution's numbers, in the order of `DISTRIBUTIONS`; for a choice, the
            values to choose from.
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


#: The type of every number in a scenario that a person may know or be unsure of.
Number = float | Distribution


def _error(message: str, error_type: str = "number", **context: Any) -> PydanticCustomError:
    return PydanticCustomError(error_type, message, context)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _finite(value: Any) -> float:
    if not _is_number(value):
        raise _error(
            "expected a number or a distribution such as {uniform: [0, 1]}, got {value}",
            error_type="number_type",
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
    if max(shares) > LARGE:  # their sum might overflow
        shares = [share / LARGE for share in shares]
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
            "unknown distribution '{name}': expected {known} or choice",
            error_type="distribution",
            name=str(kind),
            known=", ".join(DISTRIBUTIONS),
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


def _plain(number: Number) -> Any:
    return number.plain() if isinstance(number, Distribution) else number


_LIST = {"type": "array", "items": {"type": "number"}}
_CHOICE = {**_LIST, "minItems": 1}

#: JSON Schema of a distribution as it is written in a scenario file.
DISTRIBUTION_SCHEMA: dict[str, Any] = {
    "description": "An uncertain number, drawn once for each replicate.",
    "anyOf": [
        *(
            {
                "type": "object",
                "description": f"{kind}: [{', '.join(meaning)}]",
                "properties": {kind: {**_LIST, "minItems": len(meaning), "maxItems": len(meaning)}},
                "required": [kind],
                "additionalProperties": False,
            }
            for kind, meaning in DISTRIBUTIONS.items()
        ),
        {
            "type": "object",
            "description": "choice: a list of values, or {values: [...], weights: [...]}",
            "properties": {
                "choice": {
                    "anyOf": [
                        _CHOICE,
                        {
                            "type": "object",
                            "properties": {"values": _CHOICE, "weights": _CHOICE},
                            "required": ["values"],
                            "additionalProperties": False,
                        },
                    ]
                }
            },
            "required": ["choice"],
            "additionalProperties": False,
        },
    ],
}


def _are_whole(number: Number) -> bool:
    """Whether all that a number can be is whole: of distributions, a choice among such numbers alone."""
    if isinstance(number, Distribution):
        return number.kind == "choice" and all(value.is_integer() for value in number.values)
    return number.is_integer()


@dataclass(frozen=True)
class Within:
    """The range that a number may take, and whether it is a whole one; a bounded distribution must lie inside it.

    Unbounded distributions (normal, lognormal) are truncated to the range when they are drawn; their
    middle must lie inside it.

    As an annotation of a field it is all that pydantic needs to read, write and describe the
    number, or a mapping of numbers. One plain schema a field: what pydantic works out by itself
    from the type took a quarter of the time in which `crisis-sim check` must answer.
    """

    low: float
    high: float
    whole: bool = False

    def __call__(self, number: Number) -> Number:
        """The number itself.

        Raises:
            PydanticCustomError: when it is out of range.
        """
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
        if self.whole and not _are_whole(number):
            raise _error("a fraction where only whole numbers make sense: {given}", given=shown)
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

    def read(self, value: Any) -> Number:
        """A number from a scenario file, inside the range.

        Raises:
            PydanticCustomError: when it is no number, or out of range.
        """
        return self(read_number(value))

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        number = core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.plain_serializer_function_ser_schema(_plain)
        )
        if get_origin(source) is dict:  # one number for each state
            return core_schema.dict_schema(core_schema.str_schema(), number)
        return number

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        kind = "integer" if self.whole else "number"
        plain = {"type": kind, "minimum": self.low, "maximum": self.high}
        number = {"anyOf": [plain, DISTRIBUTION_SCHEMA]}
        if schema["type"] == "dict":
            return {"type": "object", "additionalProperties": number}
        return number


@dataclass(frozen=True)
class Chance(Within):
    """Whether something is so: true or false, or uncertain, as the chance that it is."""

    low: float = 0.0
    high: float = 1.0

    def read(self, value: Any) -> Number:
        """As `Within.read`; true is 1 and false is 0."""
        return super().read(float(value) if isinstance(value, bool) else value)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        number = super().__get_pydantic_json_schema__(schema, handler)
        return {"anyOf": [{"type": "boolean"}, *number["anyOf"]]}
