"""What the tests of charts, tables and stories look at."""

from __future__ import annotations

from typing import Any

import pytest
from matplotlib.figure import Figure

from crisis_sim.batch.ensemble import Batch
from crisis_sim.model.record import Journal
from crisis_sim.outcomes.summary import summarise
from crisis_sim.report.curves import draw_incidence, draw_markets
from crisis_sim.report.replay import draw_replay
from crisis_sim.report.shares import draw_differences, draw_endings
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
def drawn(
    batch: Batch, summary: dict[str, Any], journal: Journal, scenario: Scenario
) -> dict[str, Figure]:
    """Every chart, drawn once: to look at, not to change."""
    return {
        "from the first strike": draw_incidence(batch, summary),
        "from the trigger": draw_incidence(batch, summary, "from_trigger"),
        "endings": draw_endings(batch, summary),
        "differences": draw_differences(batch, summary),
        "markets": draw_markets(batch, summary),
        "replay": draw_replay(journal, scenario),
    }


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    return make_scenario()


@pytest.fixture(scope="session")
def journal() -> Journal:
    return make_journal()
