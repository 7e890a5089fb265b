"""The guide's worked example of an agent does what its page says."""

from __future__ import annotations

import runpy
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from console import EXAMPLES

from crisis_sim import CrisisModel, load_scenario

TrackTwo: Any = runpy.run_path(str(EXAMPLES / "track_two.py"))["TrackTwo"]
MAY = load_scenario("may_2025")
Columns = dict[str, Any]


def crises(replicates: int, **numbers: float) -> Columns:
    """Crises with talks of other numbers; the class stays the same, so that it is compiled once."""
    with patch.multiple(TrackTwo, **numbers):
        return CrisisModel(MAY, replicates, agents=[TrackTwo]).run().outcomes()


@pytest.fixture(scope="module")
def silent() -> Columns:
    return crises(600, weight=0.0)


def test_they_meet_where_the_crisis_is_dangerous(silent: Columns) -> None:
    assert np.isfinite(silent["track_two_met_at_hours"]).mean() > 0.3
    assert not np.isfinite(crises(200, threshold=1.0)["track_two_met_at_hours"]).any()


def test_talks_that_nobody_hears_change_hardly_a_crisis(silent: Columns) -> None:
    alone = CrisisModel(MAY, 600).run().outcomes()
    assert np.mean(silent["ending"] == alone["ending"]) > 0.97  # crises are looked at more often


def test_talks_that_are_heard_raise_the_share_of_agreements(silent: Columns) -> None:
    heard = crises(600, weight=1.0)
    assert (heard["ending"] == "agreement").mean() > (silent["ending"] == "agreement").mean()


def test_one_crisis_is_the_same_alone_as_among_many(silent: Columns) -> None:
    with patch.multiple(TrackTwo, weight=0.0):
        alone = CrisisModel(MAY, 1, first_replicate=7, agents=[TrackTwo]).run()
    for name, values in alone.outcomes().items():
        np.testing.assert_array_equal(values[0], silent[name][7])


def test_familiarity_is_a_share() -> None:
    with patch.multiple(TrackTwo, meetings_per_day=50.0):
        model = CrisisModel(MAY, 100, agents=[TrackTwo])
    (talks,) = model.cast["talks"]
    seen = 0.0
    while model.running:
        model.step()
        assert talks.familiarity.min() >= 0
        seen = max(seen, talks.familiarity.max())
    assert 0.5 < seen <= 1
