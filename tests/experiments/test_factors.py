from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from crisis_sim.experiments.factors import (
    Range,
    default_range,
    drawn_factors,
    middle_of,
    ranges,
    resolve,
)
from crisis_sim.experiments.sensitivity import crises
from crisis_sim.scenario.numbers import read_number
from tests.batch.crises import crisis
from tests.experiments.examples import DAYS, NORTH, RESOLVE, made, with_south


@pytest.mark.parametrize(
    ("written", "low", "high", "middle"),
    [
        ({"uniform": [0.2, 0.4]}, 0.2, 0.4, 0.3),
        ({"triangular": [0.1, 0.2, 0.5]}, 0.1, 0.5, 0.2),
        ({"beta": [2, 6]}, 0.0, 1.0, 0.25),
        ({"choice": {"values": [0.3, 0.1], "weights": [3, 1]}}, 0.1, 0.3, 0.25),
        ({"normal": [0.5, 0.1]}, 0.5 - 0.1959964, 0.5 + 0.1959964, 0.5),
        ({"normal": [0.9, 0.1]}, 0.9 - 0.1959964, 1.0, 0.9),  # limited by the schema
        ({"lognormal": [0.2, 0.5]}, 0.2 / math.exp(0.979982), 0.2 * math.exp(0.979982), 0.2),
        (0.3, 0.0, 1.0, 0.3),  # the schema's range
    ],
)
def test_default_ranges_and_middles_come_from_the_distribution(
    written: object, low: float, high: float, middle: float
) -> None:
    number = read_number(written)
    assert default_range(number, 0.0, 1.0) == pytest.approx((low, high), rel=1e-5)
    assert middle_of(number) == pytest.approx(middle)


def test_a_given_end_replaces_the_default_and_steps_are_equal_or_ratios() -> None:
    factor = resolve(RESOLVE, Range(low=0.7), crisis())
    assert (factor.low, factor.high) == (0.7, 1.0)
    assert factor.unit == "ratio"
    assert factor.meaning == "importance of the issue to the state, relative to full resolve"
    for scale, steps in (("linear", [1, 5, 9]), ("log", [1, 3, 9])):
        factor = resolve("states.north.caution", Range(low=1, high=9, scale=scale), crisis())
        assert factor.at(np.array([0.0, 0.5, 1.0])) == pytest.approx(steps)


# --- Factors of a sensitivity study

PREPARATION = "behaviour.decision.preparation_days"


def drawn(path: str, scenario: Any = None, **range_: Any) -> Any:
    (factor,) = drawn_factors({path: Range(**range_)}, scenario or crisis())
    return factor


def test_an_uncertain_parameter_is_drawn_from_its_distribution() -> None:
    factor = drawn(RESOLVE, with_south({"triangular": [0.2, 0.5, 0.8]}))
    # A uniform distribution would have 0.275 at an eighth.
    values = factor.finite_at(np.array([0.0, 0.125, 0.5, 1.0]))
    assert values == pytest.approx([0.2, 0.35, 0.5, 0.8], abs=1e-4)
    assert factor.ends == pytest.approx((0.2 + 0.3 * 0.1**0.5, 0.8 - 0.3 * 0.1**0.5))
    # Of an unbounded distribution, trajectories use the middle 95%.
    scenario = crisis(behaviour={"decision": {"preparation_days": {"lognormal": [2.0, 0.5]}}})
    ends = 2 * np.exp(-0.979982), 2 * np.exp(0.979982)
    unbounded = drawn(PREPARATION, scenario).between_ends(np.array([0.0, 1.0]))
    assert unbounded == pytest.approx(ends, rel=1e-3)
    # On a log scale they replace it.
    in_ratios = drawn(PREPARATION, scenario, scale="log").describe()
    assert in_ratios.startswith(f"in equal ratios from {ends[0]:g} to {ends[1]:g}")


def test_a_given_range_replaces_the_distribution_and_a_wide_schema_range_is_logarithmic() -> None:
    given = drawn(RESOLVE, low=0.6, high=0.8)
    assert given.distribution is None
    assert given.ends == (0.6, 0.8)
    days, north = drawn(DAYS), drawn(NORTH)
    places = np.array([0.0, 0.5, 1.0])
    for factor, middle in (
        (given, 0.7),
        (days, (days.low * days.high) ** 0.5),
        (north, (north.low + north.high) / 2),
    ):
        assert factor.finite_at(places) == pytest.approx([factor.low, middle, factor.high])


def test_by_default_every_number_with_a_slider_is_a_factor() -> None:
    found = ranges({}, crisis())
    assert {NORTH, RESOLVE, DAYS, "lenders.bank.conditionality"} <= set(found)
    assert "mediators.elder.trust.north" not in found
    assert found["lenders.bank.days_later"] == Range(low=-20, high=30)  # the slider's range
    assert found["lenders.bank.conditionality"] == Range()  # the scenario's distribution
    experiment = made("sensitivity", method="morris", vary={}, samples=4, tornado=0)
    assert crises(experiment) == 4 * (len(found) + 1) * 8
