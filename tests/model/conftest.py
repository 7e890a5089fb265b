"""Scenarios and runs that the model's tests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from crisis_sim.model import CrisisModel, turn
from crisis_sim.scenario import Scenario, load_scenario
from tests.validation.conftest import POPULATION

Columns = dict[str, NDArray[Any]]


@pytest.fixture(scope="session")
def may_2025() -> Scenario:
    return load_scenario("may_2025")


@pytest.fixture(scope="session")
def population() -> Scenario:
    """Crises of several kinds, as the tests of validation have them."""
    return Scenario.from_text(POPULATION, "small")


@pytest.fixture(scope="session")
def outcomes() -> Callable[..., Columns]:
    """Run a shipped scenario with overrides, and give its outcomes; the same call is run once a session."""
    done: dict[tuple[Any, ...], Columns] = {}

    def run(*overrides: str, name: str = "may_2025", replicates: int = 1500) -> Columns:
        key = (name, replicates, *overrides)
        if key not in done:
            scenario = load_scenario(name, overrides)
            done[key] = CrisisModel(scenario, replicates).run().outcomes()
        return done[key]

    return run


def same(one: Columns, other: Columns, rows: slice = slice(None)) -> None:
    """Make sure that two runs' columns agree to the bit."""
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values[rows], other[name], err_msg=name)


def take(model: CrisisModel, parts: int, times: int = 1) -> None:
    """Take a model's replicates through parts of its next turn, or of so many turns."""
    for _ in range(times):
        model._take_turns(model.turn + 1, parts)


__all__ = ["Columns", "same", "take", "turn"]
