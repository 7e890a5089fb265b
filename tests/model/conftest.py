"""Crises of May 2025 that tests of the model share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from crisis_sim.model.crisis import CrisisModel
from crisis_sim.scenario import Scenario, load_scenario

Columns = dict[str, NDArray[Any]]
SEED = 11


def run(scenario: Scenario, replicates: int, **further: Any) -> Columns:
    """Outcomes of a number of crises."""
    return CrisisModel(scenario, replicates, seed=SEED, **further).run().outcomes()


def same(a: Columns, b: Columns) -> bool:
    """Return true if two sets of outcomes are equal to the bit."""
    return a.keys() == b.keys() and all(
        np.array_equal(a[name], b[name], equal_nan=a[name].dtype.kind == "f") for name in a
    )


def rows(columns: Columns, chosen: Any) -> Columns:
    """Some replicates of outcomes."""
    return {name: column[chosen] for name, column in columns.items()}


@pytest.fixture(scope="session")
def may_2025() -> Scenario:
    return load_scenario("may_2025")


@pytest.fixture(scope="session")
def whole(may_2025: Scenario) -> Columns:
    return run(may_2025, 300)
