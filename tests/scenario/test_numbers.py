"""Numbers, distributions and dates as a scenario file has them."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from crisis_sim.scenario import read_scenario
from crisis_sim.scenario.introspect import json_schema
from crisis_sim.scenario.numbers import (
    PATTERN,
    YEARS,
    Distribution,
    Within,
    read_moment,
    read_number,
)
from tests.scenario.files import BASE


@pytest.mark.parametrize(
    ("written", "values", "support"),
    [
        ({"uniform": [1, 3]}, (1, 3), (1, 3)),
        ({"triangular": [0, 0, 2]}, (0, 0, 2), (0, 2)),
        ({"normal": [5, 2]}, (5, 2), (-math.inf, math.inf)),
        ({"lognormal": [9, 0.5]}, (9, 0.5), (0, math.inf)),
        ({"beta": [2, 3]}, (2, 3), (0, 1)),
        ({"choice": [4, 1]}, (4, 1), (1, 4)),
        ({"choice": {"values": [0, 1], "weights": [0.25, 0.75]}}, (0, 1), (0, 1)),
    ],
)
def test_distributions_have_a_support_and_can_be_written(
    written: Any, values: tuple[float, ...], support: tuple[float, float]
) -> None:
    number = read_number(written)
    assert isinstance(number, Distribution)
    assert (number.kind, number.values, number.support) == (next(iter(written)), values, support)
    assert number.plain() == written


def test_weights_of_a_choice_sum_to_one() -> None:
    number = read_number({"choice": {"values": [0, 1], "weights": [1, 3]}})
    assert isinstance(number, Distribution)
    assert number.weights == (0.25, 0.75)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        *((one, "expected a number or a distribution") for one in ("0.5", True, None, [1])),
        (math.nan, "expected a finite number, got nan"),
        (10**400, "expected a finite number, got 1000"),
        ({}, "got 0 keys"),
        ({"uniform": [0, 1], "normal": [0, 1]}, "got 2 keys"),
        ({"gaussian": [0, 1]}, "unknown distribution 'gaussian'"),
        ({"uniform": [0]}, r"uniform takes 2 numbers: \[low, high\]"),
        ({"uniform": 1}, "uniform takes 2 numbers"),
        ({"uniform": [1, 0]}, r"uniform needs numbers in rising order, got \[1.0, 0.0\]"),
        ({"uniform": [1, 1]}, "write the plain number 1 instead"),
        ({"uniform": [0, "1"]}, "expected a number"),
        ({"triangular": [0, 3, 2]}, "rising order"),
        ({"normal": [0, 0]}, "normal needs a spread above zero, got 0"),
        ({"normal": [0, math.inf]}, "expected a finite number, got inf"),
        ({"lognormal": [0, 1]}, "lognormal needs a median above zero, got 0"),
        ({"lognormal": [1, -1]}, "lognormal needs a spread above zero"),
        ({"beta": [1, 0]}, "beta needs two numbers above zero"),
        *(({"choice": one}, "a choice needs a list of values") for one in ([], 1)),
        ({"choice": {"weights": [1]}}, "a choice has `values`"),
        ({"choice": {"values": [1], "weight": [1]}}, "a choice has `values`"),
        ({"choice": {"values": [1, 2], "weights": [1]}}, "a choice of 2 values needs 2 weights"),
        ({"choice": {"values": [1, 2], "weights": [0, 0]}}, "nor all zero"),
        ({"choice": {"values": [1, 2], "weights": [2, -1]}}, "must not be negative"),
    ],
)  # fmt: skip
def test_invalid_numbers_are_reported_with_the_expected_form(written: Any, message: str) -> None:
    with pytest.raises(PydanticCustomError, match=message):
        read_number(written)


@pytest.mark.parametrize(
    "written",
    [0, 1, {"uniform": [0, 1]}, {"beta": [1, 1]}, {"normal": [0.9, 1]}, {"lognormal": [1, 1]}],
)
def test_numbers_in_range_are_read(written: Any) -> None:
    assert Within(0, 1).read(written) == read_number(written)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (-0.1, "-0.1"),
        (1.1, "1.1"),
        ({"normal": [9, 1]}, "normal around 9"),
        ({"uniform": [-1, 1]}, "uniform from -1 to 1"),
        ({"choice": [0, 2]}, "choice from 0 to 2"),
    ],
)
def test_numbers_out_of_range_are_reported_with_the_range(written: Any, shown: str) -> None:
    with pytest.raises(PydanticCustomError, match=f"between 0 and 1, got {shown}"):
        Within(0, 1).read(written)


#: Dates as docs/reference/scenario_files.md has them, in other words than the reader's own.
FIELDS = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII
)
MOMENTS = st.datetimes(
    datetime.fromisoformat(f"{YEARS[0]}-01-01"), datetime.fromisoformat(f"{YEARS[1]}-12-31T23:59")
)
OFFSETS = st.integers(-14 * 60, 14 * 60)


def written(moment: datetime, length: int, between: str, offset: str) -> str:
    text = f"{moment:%Y-%m-%d}{between}{moment:%H:%M:%S.%f}"[:length]
    return text if length == 10 else text + offset


DATES = st.builds(
    written,
    MOMENTS,
    st.sampled_from([10, 16, 19, *range(21, 27)]),
    st.sampled_from("T "),
    st.sampled_from(["", "Z"])
    | OFFSETS.map(lambda one: f"{'-' if one < 0 else '+'}{abs(one) // 60:02}:{abs(one) % 60:02}"),
)


def assert_read_as_it_says(text: str) -> None:
    moment, found = read_moment(text), FIELDS.fullmatch(text)
    assert found, text
    day, time, seconds, part, offset = found.groups()
    clock = f"{day}T{time or '00:00'}:{seconds or '00'}.{part or '':0<6}"
    assert moment.replace(tzinfo=None).isoformat(timespec="microseconds") == clock
    minutes = 0
    if offset not in (None, "Z"):
        minutes = int(f"{offset[0]}1") * (60 * int(offset[1:3]) + int(offset[4:]))
    assert moment.utcoffset() == (None if offset is None else timedelta(minutes=minutes))


@settings(max_examples=200, deadline=None)
@given(DATES)
def test_documented_dates_are_read_correctly(text: str) -> None:
    assert_read_as_it_says(text)


@settings(max_examples=400, deadline=None)
@given(
    DATES, st.integers(0, 32), st.sampled_from(["", *"0123456789T .:+-Zzt٣,"]), st.integers(0, 2)
)
def test_corrupted_dates_are_read_correctly_or_refused(
    text: str, place: int, more: str, gone: int
) -> None:
    spoilt = text[:place] + more + text[place + gone :]
    with suppress(PydanticCustomError):
        assert_read_as_it_says(spoilt)


@given(MOMENTS, OFFSETS)
def test_a_date_survives_the_resolved_scenario(moment: datetime, minutes: int) -> None:
    start = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)), second=0)
    text = BASE.replace("2025-04-22T15:00+05:30", start.isoformat())
    text = re.sub(r"(?s)events:.*?mediators:", "mediators:", text)
    scenario = read_scenario(re.sub(r"reviews: .*", "reviews: []", text))
    again = type(scenario).model_validate(scenario.plain()).start
    assert (again, again.utcoffset()) == (start, start.utcoffset())


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-02+05:30", "2025-01-03-05:00", "2025-01-02Z", "2025-01-04T10.30", "2025-01-04T10",
        "2025-01-04T10:30+05:75", "2025-01-04T10:30+24:00", "2025-01-04T10:30+14:01",
        "2025-01-04x10:30", "2025-01-04t10:30", "2025-01-04_10:30", "2025-01-04  10:30",
        "2025-01-04T24:00", "2025-01-04T23:60", "2025-01-04T23:59:60", "2025-01-04T10:30z",
        "2025-01-04T10:30+0530", "2025-01-04T10:30+05", "2025-01-04T10:30+05:30:15",
        "2025-01-04T10:30:00,5", "2025-01-04T10:30:00.1234567", "2025-01-04T10:30:00.",
        "2025-W01-1", "20250104", "2025-004", "2025-02-29", "2025-01-04T10:30 +05:30",
        "٢٠٢٥-٠١-٠٤", "2025-01-04T10:30\u200e", "2025-01-04T10:30−05:00",
    ],
)  # fmt: skip
def test_a_date_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError, match=r"not a date|invalid offset from UTC"):
        read_moment(text)


def test_the_json_schema_accepts_the_same_dates_as_the_reader() -> None:
    start = json_schema()["$defs"]["Scenario"]["properties"]["start"]
    assert start["pattern"] == f"^{PATTERN.pattern}$"
