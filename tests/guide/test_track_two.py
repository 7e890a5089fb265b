"""The guide's worked example of an agent does what its page says."""

from __future__ import annotations

import runpy
from functools import partial
from typing import Any

import numpy as np
import pytest
from console import EXAMPLES

from crisis_sim import CrisisModel, Journal, load_scenario

TrackTwo = runpy.run_path(str(EXAMPLES / "track_two.py"))["TrackTwo"]


def crises(replicates: int = 200, **numbers: Any) -> tuple[CrisisModel, dict[str, Any]]:
    model = CrisisModel(
        load_scenario("may_2025"), replicates, agents=[partial(TrackTwo, **numbers)]
    )
    return model, model.run().outcomes()


def test_they_meet_where_the_crisis_is_dangerous() -> None:
    _, outcomes = crises()
    met = np.isfinite(outcomes["track_two_met_at_hours"])
    assert met.mean() > 0.5
    _, never = crises(threshold=1.0)
    assert not np.isfinite(never["track_two_met_at_hours"]).any()


def test_talks_that_nobody_hears_change_no_crisis() -> None:
    _, silent = crises(weight=0.0)
    alone = CrisisModel(load_scenario("may_2025"), 200).run().outcomes()
    for name, values in alone.items():
        np.testing.assert_array_equal(silent[name], values)


def test_talks_that_are_heard_change_some_crises_and_the_share_of_agreements_upwards() -> None:
    _, heard = crises(600, weight=1.0)
    _, silent = crises(600, weight=0.0)
    more = (heard["ending"] == "agreement").mean() - (silent["ending"] == "agreement").mean()
    assert more > 0


def test_one_crisis_is_the_same_alone_as_among_many() -> None:
    _, many = crises(20)
    alone = CrisisModel(load_scenario("may_2025"), 1, first_replicate=7, agents=[TrackTwo]).run()
    for name, values in alone.outcomes().items():
        np.testing.assert_array_equal(values[0], many[name][7])


def test_familiarity_is_a_share() -> None:
    model = CrisisModel(
        load_scenario("may_2025"), 100, agents=[partial(TrackTwo, meetings_per_day=50.0)]
    )
    for _ in range(100):
        model.step()
        (talks,) = (agent for agent in model.cast if agent.name == "track_two")
        assert talks.familiarity.min() >= 0
        assert talks.familiarity.max() <= 1


def test_a_replay_tells_of_their_meetings() -> None:
    journal = Journal()
    CrisisModel(
        load_scenario("may_2025"),
        1,
        first_replicate=3,
        agents=[partial(TrackTwo, threshold=0.0, meetings_per_day=2.0)],
        journal=journal,
    ).run()
    assert any(entry.kind == "met" for entry in journal.entries)
    assert max(journal.series["track_two_familiarity"]) == pytest.approx(1, abs=0.9)
    assert max(journal.series["track_two_familiarity"]) > 0
