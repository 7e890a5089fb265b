from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from crisis_sim.scenario import read_scenario
from crisis_sim.scenario.numbers import PATTERN, YEARS, read_moment
from tests.scenario.files import BASE, Write, only_mistake, pointed_at

#: What is documented (docs/reference/scenario_files.md), in other words than the reader's own.
FIELDS = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)([T ](?P<time>\d\d:\d\d)(:(?P<seconds>\d\d)(\.(?P<part>\d{1,6}))?)?"
    r"(?P<offset>Z|[+-]\d\d:\d\d)?)?",
    re.ASCII,
)

OFFSETS = st.integers(-14 * 60, 14 * 60)
MOMENTS = st.datetimes(
    datetime.fromisoformat(f"{YEARS[0]}-01-01"), datetime.fromisoformat(f"{YEARS[1]}-12-31T23:59")
)


def written_again(moment: datetime, like: str) -> str:
    """A moment as it would be written with the fields that a text has."""
    fields = FIELDS.fullmatch(like)
    assert fields, like
    text = f"{moment:%Y-%m-%d}"
    if not fields["time"]:
        assert moment.timetz() == datetime.min.time()
        return text
    text += f"{like[10]}{moment:%H:%M}"
    if fields["seconds"]:
        text += f":{moment:%S}"
    if fields["part"]:
        text += f".{moment.microsecond:06}"[: len(fields["part"]) + 1]
    offset = moment.utcoffset()
    if fields["offset"] == "Z":
        assert offset == timedelta()
        return f"{text}Z"
    if fields["offset"]:
        assert offset is not None
        minutes = abs(offset) // timedelta(minutes=1)
        sign = "-" if offset < timedelta() or fields["offset"] == "-00:00" else "+"
        return f"{text}{sign}{minutes // 60:02}:{minutes % 60:02}"
    assert offset is None
    return text


@st.composite
def dates(draw: st.DrawFn) -> str:
    """Dates in all the ways that are documented."""
    moment = draw(MOMENTS)
    text = f"{moment:%Y-%m-%d}"
    if draw(st.booleans()):
        text += draw(st.sampled_from("T ")) + f"{moment:%H:%M}"
        if draw(st.booleans()):
            text += f":{moment:%S}"
            if draw(st.booleans()):
                text += f".{moment.microsecond:06}"[: draw(st.integers(2, 7))]
        minutes = draw(OFFSETS)
        sign, minutes = "-" if minutes < 0 else "+", abs(minutes)
        text += draw(st.sampled_from(["", "Z", f"{sign}{minutes // 60:02}:{minutes % 60:02}"]))
    return text


@st.composite
def spoilt_dates(draw: st.DrawFn) -> str:
    """Dates with a letter or two put in, taken out, or put in place of others."""
    text = draw(dates())
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.integers(0, len(text)))
        more = draw(st.sampled_from(["", *"0123456789T .:+-Zzt٣,"]))
        text = text[:place] + more + text[place + draw(st.integers(0, 2)) :]
    return text


@settings(max_examples=200, deadline=None)
@given(dates())
def test_a_date_as_documented_is_read_and_written_back_the_same(text: str) -> None:
    assert written_again(read_moment(text), text) == text


@settings(max_examples=400, deadline=None)
@given(spoilt_dates())
def test_a_spoilt_date_is_read_as_what_it_says_or_refused(text: str) -> None:
    try:
        moment = read_moment(text)
    except PydanticCustomError:
        return
    assert written_again(moment, text) == text


@given(MOMENTS, OFFSETS)
def test_a_date_survives_the_resolved_scenario(moment: datetime, minutes: int) -> None:
    start = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)), second=0)
    text = BASE.replace("2025-04-22T15:00+05:30", start.isoformat())
    text = re.sub(r"(?s)events:.*?mediators:", "mediators:", text)
    text = re.sub(r"reviews: .*", "reviews: []", text)
    scenario = read_scenario(text)
    again = type(scenario).model_validate(scenario.plain())
    assert again.start == start
    assert again.start.utcoffset() == start.utcoffset()


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
def test_a_date_in_another_form_is_a_mistake_at_its_place(write: Write, text: str) -> None:
    given = BASE.replace("at: 2025-04-23", f'at: "{text}"')
    mistake = only_mistake(write("a.yaml", given))
    assert mistake.message.startswith("not a date") or "an offset from UTC" in mistake.message
    assert pointed_at(mistake).startswith(f'"{text}"')


def test_the_schema_for_editors_accepts_what_is_read_and_no_more() -> None:
    from crisis_sim.scenario.introspect import json_schema

    pattern = json_schema()["$defs"]["Scenario"]["properties"]["start"]["pattern"]
    assert pattern == f"^{PATTERN.pattern}$"
