from __future__ import annotations

import math

import numpy as np
import pytest

from crisis_sim.experiments.factors import Range, default_range, middle_of, number_at, resolve
from crisis_sim.scenario.numbers import Distribution, read_number
from tests.batch.crises import crisis


@pytest.mark.parametrize(
    ("written", "low", "high"),
    [
        ({"uniform": [0.2, 0.4]}, 0.2, 0.4),
        ({"triangular": [0.1, 0.2, 0.5]}, 0.1, 0.5),
        ({"beta": [2, 5]}, 0.0, 1.0),
        ({"choice": [0.3, 0.1, 0.2]}, 0.1, 0.3),
        ({"normal": [0.5, 0.1]}, 0.5 - 0.1959964, 0.5 + 0.1959964),
        ({"normal": [0.9, 0.1]}, 0.9 - 0.1959964, 1.0),  # cut to what the schema allows
        ({"lognormal": [0.2, 0.5]}, 0.2 / math.exp(0.979982), 0.2 * math.exp(0.979982)),
        (0.3, 0.0, 1.0),  # as far as the schema allows
    ],
)
def test_a_number_goes_over_what_the_scenario_leaves_open(
    written: object, low: float, high: float
) -> None:
    assert default_range(read_number(written), 0.0, 1.0) == pytest.approx((low, high), rel=1e-5)


def test_a_given_end_takes_the_place_of_the_default() -> None:
    factor = resolve("states.south.resolve", Range(low=0.7), crisis())
    assert (factor.low, factor.high) == (0.7, 1.0)
    assert factor.unit == "share"
    assert factor.meaning == "how much the issue is worth to it"


@pytest.mark.parametrize(
    ("written", "middle"),
    [
        (0.3, 0.3),
        ({"uniform": [0.2, 0.4]}, 0.3),
        ({"triangular": [0.1, 0.2, 0.5]}, 0.2),
        ({"beta": [2, 6]}, 0.25),
        ({"normal": [0.5, 0.1]}, 0.5),
        ({"choice": {"values": [0, 1], "weights": [3, 1]}}, 0.25),
    ],
)
def test_a_numbers_middle(written: object, middle: float) -> None:
    assert middle_of(read_number(written)) == pytest.approx(middle)


def test_numbers_are_found_in_mappings_and_lists() -> None:
    scenario = crisis()
    assert number_at(scenario, "states.south.resolve") == Distribution("uniform", (0.5, 1.0))
    assert number_at(scenario, "lenders.bank.reviews.0.amount_usd_bn") == 1
    assert number_at(scenario, "mediators.elder.trust.north") == 0.6


def test_steps_are_equal_or_are_ratios() -> None:
    straight = resolve("states.north.caution", Range(low=1, high=9), crisis())
    ratios = resolve("states.north.caution", Range(low=1, high=9, scale="log"), crisis())
    shares = np.array([0.0, 0.5, 1.0])
    assert straight.at(shares) == pytest.approx([1, 5, 9])
    assert ratios.at(shares) == pytest.approx([1, 3, 9])
