from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisis_sim import text
from crisis_sim.report import story
from crisis_sim.scenario.schema import ENDINGS


@pytest.mark.parametrize(
    ("write", "value", "written"),
    [
        (text.percent, 0.7123, "71.2"),
        (text.percent, 1.0, "100.0"),
        (text.percent, 0.0, "0.0"),
        (text.percent, 0.0015, "0.15"),
        (text.percent, 0.00004, "0.0040"),
        (text.percent, None, "–"),
        (text.points, 0.089, "+8.9"),
        (text.points, -0.089, "−8.9"),
        (text.points, 0.0, "0.0"),
        (text.points, 1e-9, "0.0"),
        (text.exact, 50_000.0, "50,000"),
        (text.exact, 0.125, "0.125"),
        (text.exact, -3, "−3"),
        (text.exact, 1e-7, "1e-07"),
        (text.exact, 1e20, "1e+20"),
        (text.exact, 0.0, "0"),
        (text.duration, 0.5, "30 minutes"),
        (text.duration, 1.0, "1 hour"),
        (text.duration, 47.6, "48 hours"),
        (text.duration, 87.92, "3.7 days"),
        (text.duration, 24.0 * 14.4, "14.4 days"),
        (text.duration, 24.0 * 45.2, "45 days"),
        (text.duration, -240.0, "−10 days"),
        (text.listed, [], ""),
        (text.listed, ["a"], "a"),
        (text.listed, ["a", "b", "c"], "a, b and c"),
        (text.label, "no_back_channel", "No back channel"),
        (text.with_article, "United States", "the United States"),
        (text.with_article, "International Monetary Fund", "the International Monetary Fund"),
        (text.with_article, "China", "China"),
        (text.with_article, "military hotline", "the military hotline"),
        (text.with_article, "The Quad", "The Quad"),
        (text.with_article, "a quiet word", "a quiet word"),
    ],
)
def test_in_words(write: Callable[[Any], str], value: Any, written: str) -> None:
    assert write(value) == written


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("write", [text.percent, text.points, text.signed_hours, text.count])
def test_what_is_not_known_is_a_dash(write: Callable[[float], str], odd: float) -> None:
    assert write(odd) == text.UNKNOWN


@given(
    size=st.floats(1e-4, 1e3),
    less=st.booleans(),
    write=st.sampled_from([text.points, text.signed_hours]),
)
def test_a_difference_that_is_not_zero_does_not_read_as_zero(
    size: float, less: bool, write: Callable[[float], str]
) -> None:
    written = write(-size if less else size)
    assert written[0] == (text.MINUS if less else "+")
    assert float(written[1:]) > 0.0


def test_clean_takes_out_what_steers_a_terminal_or_the_direction_of_writing_and_no_letters() -> (
    None
):
    assert text.clean("a\x1b[31mred\x07\r\nb\u202ec\u200fd") == "a[31mred bcd"
    hindi = "क्\u200dष"
    assert text.clean(hindi) == hindi


def test_the_middle_of_a_long_name_gives_way() -> None:
    assert text.shorten("short", 10) == "short"
    assert text.shorten("a_long_name_that_ends_in_7", 12) == "a_long_n…n_7"
    assert len(text.shorten("x" * 50, 12)) == 12


def test_moments_are_in_their_own_offset() -> None:
    at = datetime.fromisoformat("2025-05-07T01:05+05:30")
    assert text.moment(at) == "Wednesday 7 May, 01:05"
    assert text.moment(at, year=True) == "Wednesday 7 May 2025, 01:05"
    assert text.offset(at) == "UTC+5:30"
    assert text.offset(at.astimezone(UTC)) == "UTC"
    assert text.offset(datetime.fromisoformat("2025-05-07T01:05-04:00")) == "UTC−4"


def test_every_ending_has_a_name_and_a_telling() -> None:
    assert tuple(text.ENDINGS) == ENDINGS
    assert set(story.ENDINGS) == set(ENDINGS)
