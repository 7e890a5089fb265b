"""Charts into axes of one's own, and one crisis again."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from crisis_sim import Batch, replay, simulate


@pytest.fixture(scope="module")
def batch() -> Batch:
    return simulate(["may_2025", "no_mediators"], replicates=60)


@pytest.mark.parametrize("chart", ["ceasefire", "endings", "differences", "markets"])
def test_a_chart_is_drawn_into_axes_of_ones_own_or_a_figure_of_its_own(
    batch: Batch, chart: str
) -> None:
    figure = Figure(layout="constrained")
    left, right = figure.subplots(1, 2)
    assert batch.plot(chart, ax=left) is figure
    assert left.has_data()
    assert not right.has_data()
    assert figure.get_layout_engine() is not None
    assert len(batch.plot(chart).axes) > 1


def test_an_unknown_chart_is_told_with_those_that_there_are(batch: Batch) -> None:
    with pytest.raises(ValueError, match="no chart 'war'; there are ceasefire, endings"):
        batch.plot("war")


def test_a_replay_is_the_replicate_of_the_batch(batch: Batch) -> None:
    crisis = replay("may_2025", 7)
    row = batch["may_2025"].to_pandas().iloc[7]
    assert crisis.outcome["ending"] == row["ending"]
    assert crisis.outcome["deaths"] == row["deaths"]
    events = crisis.to_pandas()
    assert events["hours"].is_monotonic_increasing
    assert events["at"].iloc[0] == crisis.scenario.start
    assert "trigger" in set(events["kind"])
    assert crisis.series().index.is_monotonic_increasing
    assert np.isfinite(crisis.series()["danger"]).all()
    assert len(crisis.plot().axes) > 1
    assert str(crisis) == crisis.story
    assert "India" in crisis._repr_html_()
    assert crisis.plain()["replicate"] == 7
