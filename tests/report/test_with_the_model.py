"""Reports on batches and journals of the model, compared with the real record."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from crisis_sim import Batch, Replay, replay, simulate
from crisis_sim.outcomes.summary import COLUMNS, summarise
from crisis_sim.report.answers import answer
from crisis_sim.report.real_path import real_record, real_times, start_of
from crisis_sim.report.save import CHARTS, all_charts
from crisis_sim.report.story import SENTENCES
from tests.report.looking import overlaps
from tests.report.made_up import MAY_2025, hours, make_scenario


@pytest.fixture(scope="module")
def crises() -> list[Replay]:
    return [replay("may_2025", replicate) for replicate in range(3)]


def test_summary_and_charts_of_a_real_batch_read_no_other_columns(real: Batch) -> None:
    fewer = {
        name: replace(
            one, table=one.table.select([c for c in COLUMNS if c in one.table.schema.names])
        )
        for name, one in real.ensembles.items()
    }
    batch = replace(real, ensembles=fewer)
    summary = summarise(batch)
    assert dict(summary) == dict(summarise(batch))
    assert answer(summary).startswith("India and Pakistan, May 2025: ")
    drawn = {name: overlaps(draw()) for name, draw in all_charts(batch, summary)}
    assert drawn == {name: [] for name in CHARTS}


@pytest.mark.parametrize("chart", ["ceasefire", "endings", "differences", "markets"])
def test_a_chart_is_drawn_into_axes_of_ones_own(real: Batch, chart: str) -> None:
    figure = Figure(layout="constrained")
    left, right = figure.subplots(1, 2)
    assert real.plot(chart, ax=left) is figure
    assert left.has_data()
    assert not right.has_data()
    assert figure.get_layout_engine() is not None


def test_an_unknown_chart_is_told_with_those_that_there_are(real: Batch) -> None:
    assert len(real.plot("endings").axes) > 1
    with pytest.raises(ValueError, match="no chart 'war'; there are ceasefire, endings"):
        real.plot("war")


def test_replays_are_the_replicates_of_the_batch(real: Batch, crises: list[Replay]) -> None:
    rows = real["may_2025"].to_pandas()
    for crisis in crises:
        row = rows.iloc[crisis.replicate]
        assert (crisis.outcome["ending"], crisis.outcome["deaths"]) == (
            row["ending"],
            row["deaths"],
        )
        assert "The crisis begins." in crisis.story
        assert f"- Deaths: about {row['deaths']:,.0f}." in crisis.story
        struck = not math.isnan(row["first_strike_at_hours"])
        assert ("- First strike: none." in crisis.story) is not struck
    kinds = {entry.kind for crisis in crises for entry in crisis.journal.entries}
    assert len(kinds) > 8
    assert kinds <= SENTENCES.keys()


def test_a_replay_is_shown_and_taken_apart(crises: list[Replay]) -> None:
    crisis = crises[2]
    events = crisis.to_pandas()
    assert events["hours"].is_monotonic_increasing
    assert events["at"].iloc[0] == crisis.scenario.start
    assert "trigger" in set(events["kind"])
    assert crisis.series().index.is_monotonic_increasing
    assert np.isfinite(crisis.series()["danger"]).all()
    assert str(crisis) == crisis.story
    assert "India" in crisis._repr_html_()
    assert crisis.plain()["replicate"] == 2


# What really happened.


def test_the_record_stands_on_the_clock_of_the_scenario() -> None:
    record = real_record(MAY_2025.plain())
    assert record.first_strike_at_hours == pytest.approx(hours("05-07 01:05"))
    assert record.ceasefire_after_hours("from_first_strike") == pytest.approx(87.0 + 55.0 / 60.0)
    assert record.ceasefire_after_hours("from_trigger") == pytest.approx(hours("05-10 17:00"))
    assert record.rungs["pakistan"][-1] == (pytest.approx(hours("05-10 17:00")), "mobilisation")
    # A close without an hour stands at the end of its simulated day.
    index = record.markets["pakistan"]
    assert (index.at_hours[:2], index.relative[0]) == ((0.0, 24.0), 1.0)


@pytest.mark.parametrize(
    ("closes", "at_hours", "relative"),
    [
        # The level at the start is the last close before it.
        ([("2025-04-21", 50.0), ("2025-04-22", 40.0), ("2025-04-23", 30.0)], (-24.0, 0.0, 24.0), (1.25, 1.0, 0.75)),
        # A close with an hour stands there.
        ([("2025-04-23T15:30+05:30", 50.0), ("2025-04-24T15:30", 40.0)], (24.5, 48.5), (1.0, 0.8)),
    ],
)  # fmt: skip
def test_closes_are_relative_to_the_start(closes: Any, at_hours: Any, relative: Any) -> None:
    scenario = make_scenario(real_path={"markets": {"india": {"index": "x", "closes": closes}}})
    index = real_record(scenario.plain()).markets["india"]
    assert (index.at_hours, index.relative) == (at_hours, relative)


def test_no_record_and_an_incomplete_one() -> None:
    assert real_record({}) is start_of({}) is None
    assert real_record(make_scenario(real_path=None).plain()) is None
    record = real_record(make_scenario(real_path={"first_strike": "2025-05-07"}).plain())
    assert record.ceasefire_after_hours("from_first_strike") is None
    assert record.ceasefire_after_hours("from_trigger") is None
    for changes, at in (({"start": "2025-04-22T03:00+05:30"}, 12.0), ({"events": []}, 0.0)):
        assert real_record({**MAY_2025.plain(), **changes}).trigger_at_hours == at


@pytest.mark.parametrize("name", ["cuba_1962", "israel_iran_2025", "may_2025"])
def test_where_the_real_times_of_an_example_fall_is_told(name: str) -> None:
    ensemble = simulate(name, 100).ensembles[name]
    times = real_times(ensemble)
    assert times
    assert {time.to for time in times} <= {"ceasefire", "first strike"}
    for time in times:
        assert 0.0 <= time.below.lower <= time.below.estimate <= time.below.upper <= 1.0
        assert time.middle[0] <= time.middle[1]
        assert f"of the {time.of} simulated times" in str(time)
    if name == "may_2025":
        strikes = ensemble.column("first_strike_at_hours")
        came = strikes[~np.isnan(strikes)]
        to_strike = next(time for time in times if time.to == "first strike")
        assert to_strike.of == len(came)
        assert to_strike.below.estimate == pytest.approx(np.mean(came <= to_strike.hours), abs=0.01)
        assert (
            real_times(replace(ensemble, scenario={**ensemble.scenario, "real_path": None})) == []
        )
