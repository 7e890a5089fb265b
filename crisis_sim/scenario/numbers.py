"""Numbers, distributions and dates of a scenario, and how they are read."""

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

# Dates: ISO 8601, such as 2025-05-07T01:05+05:30. One way to write each: a day, `2025-05-07`; if wanted, after a `T` or a
# space, a time to the minute, the second or a part of it, `01:05`, `01:05:30`, `01:05:30.25`; if wanted, after a time, its
# offset from UTC, `Z` or `+05:30`. All else is refused, so that nothing is read as another hour than was meant.

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
    """A date as it stands in a scenario file, where one without an hour is its midnight; else a PydanticCustomError."""
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
    if abs(offset) > FARTHEST or offset % timedelta(minutes=1):
        expected = "expected whole minutes, at most 14:00"
        raise _error(f"an offset from UTC that no clock has: {value}, {expected}", "moment")
    return moment


Moment = Annotated[
    datetime,
    BeforeValidator(read_moment),
    # Not the format `date-time`: that one insists on seconds and an offset.
    WithJsonSchema({"type": "string", "pattern": f"^{PATTERN.pattern}$", "examples": [EXAMPLE]}),
]


ASSUMED = "assumed"


class Part(BaseModel):
    """A part of a scenario: unknown keys are mistakes, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, with fields in place of its own, which are checked like those of a file.

        Raises:
            ValidationError: when one of them is unknown, out of range or of the wrong type.
        """
        return super().model_copy(deep=deep) if update is None else self._with(**update)

    def _with(self, **fields: Any) -> Self:
        """The same with these fields, each checked by itself alone; what is left at its default stays so."""
        kept = {name: getattr(self, name) for name in self.model_fields_set}
        return self.model_validate({**kept, **fields})


@cache
def range_of(part: type[Part], field: str) -> Within | None:
    """The range that a part's numeric field declares, or None where it declares none."""
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
    """A numeric field with its meaning, unit, range and source; required when `default` is None.

    Args:
        default: its value where a file says none; a distribution as a mapping; {} for one number for each state, none given.
        slider: whether it is one of the few that are worth a slider; as two numbers, the slider's
            range, where most of `between` would be unrealistic.
        whole: whether only whole numbers make sense.
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
    """A field that is true or false, by default false, or the chance that it is true."""
    field = parameter(0.0, (0, 1), "probability", meaning)
    field.metadata[-1] = Chance()
    return field


# A number is known (a plain value) or uncertain (a distribution, drawn for each replicate). How a distribution is drawn
# is the business of `crisis_sim.model.parameters`, so that checking a file needs no array library.

#: Each distribution's name in the file, and the meaning of its list of numbers.
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
#: How far from 1 a sum of weights may be by rounding.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Distribution:
    """An uncertain number.

    Attributes:
        kind: one of `DISTRIBUTIONS`, or `choice`.
        values: the distribution's numbers, in the order of `DISTRIBUTIONS`; for a choice, the
            values to choose from.
        weights: for a choice, the probability of each value (they sum to 1); empty otherwise.
        together: for a choice, the name of the luck that it shares: choices of one name and the same weights are drawn
            as rows of one table.
    """

    kind: str
    values: tuple[float, ...]
    weights: tuple[float, ...] = ()
    together: str = ""

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
        more: dict[str, Any] = {"weights": [*self.weights]} if len(set(self.weights)) > 1 else {}
        if self.together:
            more["together"] = self.together
        return {self.kind: {"values": [*self.values], **more} if more else [*self.values]}


#: The type of every number in a scenario that a person may know or be unsure of.
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
            raise _error("a choice has `values` and, if you like, `weights` and `together`")
        values, weights = body["values"], body.get("weights")
        together = body.get("together", "")
        if not isinstance(together, str):
            raise _error(f"`together` is a name that choices share, not {together!r}")
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
    if abs(total - 1.0) > ROUNDING:  # the others stay as they are, so that copies read alike
        shares = [share / total for share in shares]
    return Distribution("choice", numbers, tuple(shares), together)


def _check_order(kind: str, numbers: tuple[float, ...]) -> None:
    first, last = numbers[0], numbers[-1]
    if kind in ("uniform", "triangular"):
        if list(numbers) != sorted(numbers):
            raise _error(f"{kind} needs its numbers in rising order, got {list(numbers)}")
        if first == last:
            plain = f"write the plain number {first:g} instead"
            raise _error(f"an empty range: {kind} from {first:g} to {first:g}; {plain}")
    elif kind == "beta":
        if min(numbers) <= 0:
            raise _error(f"beta needs both its numbers above zero, got {numbers}")
    elif last <= 0:
        raise _error(f"{kind} needs a spread above zero, got {last}")
    elif kind == "lognormal" and first <= 0:
        raise _error(f"lognormal needs a median above zero, got {first}")


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
        one_name = "a distribution has one name, such as {uniform: [0, 1]}"
        raise _error(f"{one_name}; got {len(value)} keys")
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


def _object(properties: dict[str, Any], **described: str) -> dict[str, Any]:
    """JSON Schema of a mapping with these keys and no others, the first of them required."""
    return {
        "type": "object",
        **described,
        "properties": properties,
        "required": [next(iter(properties))],
        "additionalProperties": False,
    }


def _numbers(least: int, most: int | None = None) -> dict[str, Any]:
    """JSON Schema of a list of numbers."""
    length = {"minItems": least} if most is None else {"minItems": least, "maxItems": most}
    return {"type": "array", "items": {"type": "number"}, **length}


_WEIGHTED = _object({"values": _numbers(1), "weights": _numbers(1), "together": {"type": "string"}})
#: JSON Schema of a distribution as it is written in a scenario file.
DISTRIBUTION_SCHEMA: dict[str, Any] = {
    "description": "An uncertain number, drawn once for each replicate.",
    "anyOf": [
        *(
            _object({kind: _numbers(len(of), len(of))}, description=f"{kind}: [{', '.join(of)}]")
            for kind, of in DISTRIBUTIONS.items()
        ),
        _object(
            {"choice": {"anyOf": [_numbers(1), _WEIGHTED]}},
            description="choice: a list of values, or {values: [...], weights: [...]}; choices that have the same "
            "weights and name under `together` are drawn as rows of one table",
        ),
    ],
}


def _are_whole(number: Number) -> bool:
    """Whether a number can take whole values only: of distributions, a choice among whole numbers."""
    if isinstance(number, Distribution):
        return number.kind == "choice" and all(value.is_integer() for value in number.values)
    return number.is_integer()


@dataclass(frozen=True)
class Within:
    """The range that a number may take, and whether it is a whole one; a bounded distribution must lie inside it.

    Unbounded distributions (normal, lognormal) are truncated to the range when they are drawn; their
    middle must lie inside it. As an annotation of a field it is all that pydantic needs to read, write
    and describe the number, or a mapping of numbers: the schema that pydantic derives from the type took
    a quarter of the time in which `crisis-sim check` must answer.
    """

    low: float
    high: float
    whole: bool = False

    def __call__(self, number: Number) -> Number:
        """The number itself, or a PydanticCustomError where it is out of range."""
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
            raise _error(f"a fraction where only whole numbers make sense: {shown}")
        if outside:
            raise _error(f"out of range: expected {self.words()}, got {shown}", shown=shown)
        return number

    def words(self) -> str:
        """The range as a person would say it."""
        if math.isinf(self.high):
            return f"at least {self.low:g}"
        return f"between {self.low:g} and {self.high:g}"

    def read(self, value: Any) -> Number:
        """A number from a scenario file, inside the range; else a PydanticCustomError."""
        return self(read_number(value))

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        number = core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.plain_serializer_function_ser_schema(_plain)
        )
        if get_origin(source) is dict:  # one number for each state
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
    """Whether something is so: true or false, or uncertain, as the chance that it is."""

    low: float = 0.0
    high: float = 1.0

    def read(self, value: Any) -> Number:
        """As `Within.read`; true is 1 and false is 0."""
        return super().read(float(value) if isinstance(value, bool) else value)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: Any
    ) -> dict[str, Any]:
        number = super().__get_pydantic_json_schema__(schema, handler)
        return {"anyOf": [{"type": "boolean"}, *number["anyOf"]]}
