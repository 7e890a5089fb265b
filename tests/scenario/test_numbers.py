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
from syrupy.assertion import SnapshotAssertion

from crisis_sim.scenario import read_scenario
from crisis_sim.scenario.introspect import json_schema
from crisis_sim.scenario.numbers import (
    PATTERN,
    YEARS,
    Distribution,
    read_moment,
    read_number,
)
from tests.scenario.files import BASE, said_of


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


@pytest.mark.parametrize(
    "written",
    [
        "'0.5'", "true", "null", "[1]", "NaN", "1" + "0" * 400, "{}", "{uniform: [0, 1], normal: [0, 1]}",
        "{gaussian: [0, 1]}", "{uniform: [0]}", "{uniform: 1}", "{uniform: [1, 0]}", "{uniform: [1, 1]}",
        "{uniform: [0, '1']}", "{triangular: [0, 3, 2]}", "{normal: [0, 0]}", "{normal: [0, .inf]}",
        "{lognormal: [0, 1]}", "{lognormal: [1, -1]}", "{beta: [1, 0]}", "{choice: []}", "{choice: 1}",
        "{choice: {weights: [1]}}", "{choice: {values: [1], weight: [1]}}",
        "{choice: {values: [1, 2], weights: [1]}}", "{choice: {values: [1, 2], weights: [0, 0]}}",
        "{choice: {values: [1, 2], weights: [2, -1]}}",
    ],
    ids=range(27),
)  # fmt: skip
def test_invalid_numbers_are_reported_with_the_expected_form(
    written: str, snapshot: SnapshotAssertion
) -> None:
    said = said_of(BASE.replace("resolve: 0.8", f"resolve: {written}"))
    assert said.partition("\n")[0] == snapshot


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
