from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisis_sim import text
from crisis_sim.report import story
from crisis_sim.scenario.schema import ENDINGS


@pytest.mark.parametrize(
    ("share", "written"),
    [(0.7123, "71.2"), (1.0, "100.0"), (0.0, "0.0"), (0.0015, "0.15"), (0.00004, "0.0040")],
)
def test_small_percentages_keep_two_digits(share: float, written: str) -> None:
    assert text.percent(share) == written


def test_what_is_not_known_is_a_dash() -> None:
    nan = float("nan")
    assert {text.percent(nan), text.points(nan), text.duration(nan)} == {text.UNKNOWN}
    for endless in (math.inf, -math.inf):
        assert {text.percent(endless), text.points(endless)} == {text.UNKNOWN}
        assert {text.signed_hours(endless), text.count(endless)} == {text.UNKNOWN}


@pytest.mark.parametrize(
    ("difference", "written"), [(0.089, "+8.9"), (-0.089, "−8.9"), (0.0, "0.0"), (1e-9, "0.0")]
)
def test_differences_carry_their_sign(difference: float, written: str) -> None:
    assert text.points(difference) == written


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


@pytest.mark.parametrize(
    ("hours", "written"),
    [
        (0.5, "30 minutes"),
        (1.0, "1 hour"),
        (47.6, "48 hours"),
        (87.92, "3.7 days"),
        (24.0 * 14.4, "14.4 days"),
        (24.0 * 45.2, "45 days"),
    ],
)
def test_durations_as_a_person_says_them(hours: float, written: str) -> None:
    assert text.duration(hours) == written


def test_clean_takes_out_what_steers_a_terminal_or_the_direction_of_writing() -> None:
    assert text.clean("a\x1b[31mred\x07\r\nb\u202ec\u200fd") == "a[31mred bcd"


def test_clean_leaves_scripts_as_they_are() -> None:
    hindi = "क्\u200dष"
    assert text.clean(hindi) == hindi


def test_label_and_shorten() -> None:
    assert text.label("no_back_channel") == "No back channel"
    assert text.shorten("short", 10) == "short"
    assert text.shorten("a_long_name_that_ends_in_7", 12) == "a_long_n…n_7"
    assert len(text.shorten("x" * 50, 12)) == 12


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("United States", "the United States"),
        ("International Monetary Fund", "the International Monetary Fund"),
        ("China", "China"),
        ("military hotline", "the military hotline"),
        ("The Quad", "The Quad"),
        ("a quiet word", "a quiet word"),
    ],
)
def test_articles(title: str, told: str) -> None:
    assert text.with_article(title) == told


def test_listed() -> None:
    assert text.listed([]) == ""
    assert text.listed(["a"]) == "a"
    assert text.listed(["a", "b", "c"]) == "a, b and c"


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
