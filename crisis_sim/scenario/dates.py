"""Dates and times in a scenario: ISO 8601, such as 2025-05-07T01:05+05:30.

One way to write each: a day, `2025-05-07`; if wanted, after a `T` or a space, a time to the minute, the second or a
part of it, `01:05`, `01:05:30`, `01:05:30.25`; if wanted, after a time, its offset from UTC, `Z` or `+05:30`, of at most
14 hours. All else is refused, so that nothing is read as another hour than was meant.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

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
