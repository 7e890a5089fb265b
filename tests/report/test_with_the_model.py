"""The made-up batches and journals elsewhere in this room could be wrong; these are real ones."""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from typing import Any

import pytest

from crisis_sim.batch import simulate
from crisis_sim.model import CrisisModel, Journal
from crisis_sim.outcomes.summary import COLUMNS, summarise
from crisis_sim.report.answers import answer
from crisis_sim.report.replay import draw_replay
from crisis_sim.report.save import CHARTS, all_charts
from crisis_sim.report.story import SENTENCES, tell
from crisis_sim.scenario import Scenario, load_scenario
from tests.report.looking import overlaps


@pytest.fixture(scope="module")
def may_2025() -> Scenario:
    return load_scenario("may_2025")


@functools.cache
def replay_of(replicate: int) -> tuple[Journal, dict[str, Any]]:
    """Journal and outcomes of a replicate of May 2025."""
    journal = Journal()
    scenario = load_scenario("may_2025")
    model = CrisisModel(scenario, 1, seed=1, first_replicate=replicate, journal=journal)
    model.run()
    return journal, {name: values[0] for name, values in model.outcomes().items()}


def test_summary_and_charts_of_a_real_batch_read_no_other_columns(may_2025: Scenario) -> None:
    whole = simulate([may_2025, load_scenario("no_mediators")], replicates=60, seed=1)
    fewer = {
        name: replace(
            one, table=one.table.select([c for c in COLUMNS if c in one.table.schema.names])
        )
        for name, one in whole.ensembles.items()
    }
    batch = replace(whole, ensembles=fewer)
    summary = summarise(batch)
    assert dict(summary) == dict(summarise(whole))
    assert answer(summary).startswith("India and Pakistan, May 2025: ")
    drawn = {name: draw() for name, draw in all_charts(batch, summary)}
    assert tuple(drawn) == CHARTS
    assert {name: overlaps(figure) for name, figure in drawn.items()} == {
        name: [] for name in CHARTS
    }


@pytest.mark.parametrize("replicate", range(3))
def test_replays_of_real_crises(replicate: int, may_2025: Scenario) -> None:
    journal, outcome = replay_of(replicate)
    assert overlaps(draw_replay(journal, may_2025)) == []
    story = tell(journal, may_2025, outcome)
    assert "With it the crisis begins." in story
    assert f"- Deaths: about {outcome['deaths']:,.0f}." in story
    assert ("- First strike: none fell." in story) == math.isnan(outcome["first_strike_at_hours"])


def test_every_kind_of_entry_that_the_model_writes_has_its_sentence() -> None:
    kinds = {entry.kind for k in range(3) for entry in replay_of(k)[0].entries}
    assert len(kinds) > 8
    assert kinds <= SENTENCES.keys()
