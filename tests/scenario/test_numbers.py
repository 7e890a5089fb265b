from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from crisis_sim.scenario.numbers import Distribution, Within, read_number


@pytest.mark.parametrize("value", [0.25, 3, -1e9])
def test_a_plain_number_is_itself(value: float) -> None:
    assert read_number(value) == value
    assert isinstance(read_number(value), float)


@pytest.mark.parametrize(
    ("written", "kind", "values", "support"),
    [
        ({"uniform": [1, 3]}, "uniform", (1, 3), (1, 3)),
        ({"triangular": [0, 0, 2]}, "triangular", (0, 0, 2), (0, 2)),
        ({"normal": [5, 2]}, "normal", (5, 2), (-math.inf, math.inf)),
        ({"lognormal": [9, 0.5]}, "lognormal", (9, 0.5), (0, math.inf)),
        ({"beta": [2, 3]}, "beta", (2, 3), (0, 1)),
        ({"choice": [4, 1]}, "choice", (4, 1), (1, 4)),
    ],
)
def test_a_distribution_knows_where_it_lies(
    written: Any, kind: str, values: tuple[float, ...], support: tuple[float, float]
) -> None:
    number = read_number(written)
    assert isinstance(number, Distribution)
    assert (number.kind, number.values, number.support) == (kind, values, support)
    assert number.plain() == written


def test_weights_of_a_choice_sum_to_one_and_are_written_again() -> None:
    number = read_number({"choice": {"values": [0, 1], "weights": [1, 3]}})
    assert isinstance(number, Distribution)
    assert number.weights == (0.25, 0.75)
    assert read_number(number.plain()) == number


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("0.5", "expected a number or a distribution"),
        (True, "expected a number or a distribution"),
        (None, "expected a number or a distribution"),
        ([1], "expected a number or a distribution"),
        (math.nan, "expected a finite number, got nan"),
        (10**400, "expected a finite number, got 1000"),
        ({}, "got 0 keys"),
        ({"uniform": [0, 1], "normal": [0, 1]}, "got 2 keys"),
        ({"gaussian": [0, 1]}, "unknown distribution 'gaussian'"),
        ({"uniform": [0]}, r"uniform takes 2 numbers: \[low, high\]"),
        ({"uniform": 1}, "uniform takes 2 numbers"),
        ({"uniform": [1, 0]}, r"uniform needs its numbers in rising order, got \[1.0, 0.0\]"),
        ({"uniform": [1, 1]}, "write the plain number 1 instead"),
        ({"uniform": [0, "1"]}, "expected a number"),
        ({"triangular": [0, 3, 2]}, "rising order"),
        ({"normal": [0, 0]}, "normal needs a spread above zero, got 0"),
        ({"normal": [0, math.inf]}, "expected a finite number, got inf"),
        ({"lognormal": [0, 1]}, "lognormal needs a median above zero, got 0"),
        ({"lognormal": [1, -1]}, "lognormal needs a spread above zero"),
        ({"beta": [1, 0]}, "beta needs both its numbers above zero"),
        ({"choice": []}, "a choice needs a list of values"),
        ({"choice": 1}, "a choice needs a list of values"),
        ({"choice": {"weights": [1]}}, "a choice has `values`"),
        ({"choice": {"values": [1], "weight": [1]}}, "a choice has `values`"),
        ({"choice": {"values": [1, 2], "weights": [1]}}, "a choice of 2 values needs 2 weights"),
        ({"choice": {"values": [1, 2], "weights": [0, 0]}}, "nor all zero"),
        ({"choice": {"values": [1, 2], "weights": [2, -1]}}, "must not be negative"),
    ],
)
def test_what_is_no_number_says_what_was_expected(written: Any, message: str) -> None:
    with pytest.raises(PydanticCustomError, match=message):
        read_number(written)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        *(
            (fine, "")
            for fine in (0, 1, {"uniform": [0, 1]}, {"beta": [1, 1]}, {"normal": [0.9, 1]})
        ),
        ({"lognormal": [1, 1]}, ""),
        (-0.1, "-0.1"),
        ({"normal": [9, 1]}, "normal around 9"),
        (1.1, "1.1"),
        ({"uniform": [-1, 1]}, "uniform from -1 to 1"),
        ({"choice": [0, 2]}, "choice from 0 to 2"),
    ],
)
def test_what_lies_outside_is_shown_with_the_range(written: Any, shown: str) -> None:
    if not shown:
        assert Within(0, 1).read(written) == read_number(written)
        return
    with pytest.raises(PydanticCustomError, match=f"between 0 and 1, got {shown}"):
        Within(0, 1).read(written)


def test_an_unbounded_distribution_of_impossible_values_is_outside() -> None:
    with pytest.raises(PydanticCustomError, match="out of range"):
        Within(2, 3).read({"beta": [1, 1]})
