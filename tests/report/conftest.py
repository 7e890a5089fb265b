"""What the tests of charts, tables and stories look at."""

from __future__ import annotations

from typing import Any

import pytest

from crisis_sim.batch.ensemble import Batch
from crisis_sim.model.journal import Journal
from crisis_sim.outcomes.summary import summarise
from crisis_sim.scenario.schema import Scenario
from tests.report.made_up import CASES, make_batch, make_ensemble, make_journal, make_scenario


@pytest.fixture(scope="session")
def batch() -> Batch:
    """May 2025 and its counterfactuals, made up."""
    return make_batch(*(make_ensemble(name) for name in CASES))


@pytest.fixture(scope="session")
def summary(batch: Batch) -> dict[str, Any]:
    return summarise(batch)


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    return make_scenario()


@pytest.fixture(scope="session")
def journal() -> Journal:
    return make_journal()
