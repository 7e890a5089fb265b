"""Dates and times in a scenario: ISO 8601, such as 2025-05-07T01:05+05:30."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

EXAMPLE = "2025-05-07T01:05+05:30"
#: Years that a scenario may name: all of diplomatic history, and no date that arithmetic overflows.
YEARS = (1500, 2500)
PATTERN = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_moment(value: Any) -> datetime:
    """A date as it stands in a scenario file; one without an hour is its midnight.

    Raises:
        PydanticCustomError: when it is no date; the message says what was expected.
    """
    if isinstance(value, datetime):
        return value
    moment = None
    if isinstance(value, str) and PATTERN.match(value):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
    if moment is None:
        raise PydanticCustomError("moment", "not a date: {value}", {"value": repr(value)})
    if not YEARS[0] <= moment.year <= YEARS[1]:
        raise PydanticCustomError(
            "moment",
            "a year out of range: {year}, expected {first} to {last}",
            {"year": moment.year, "first": YEARS[0], "last": YEARS[1]},
        )
    return moment


Moment = Annotated[
    datetime,
    BeforeValidator(read_moment),
    # Not the format `date-time`: that one insists on seconds and an offset.
    WithJsonSchema({"type": "string", "pattern": f"^{PATTERN.pattern}", "examples": [EXAMPLE]}),
]
