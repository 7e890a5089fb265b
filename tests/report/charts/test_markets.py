from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from matplotlib.figure import Figure

from crisis_sim.batch.ensemble import Batch
from crisis_sim.outcomes.summary import summarise
from crisis_sim.report.curves import draw_markets, levels
from tests.report.looking import legend_entries, words_in
from tests.report.made_up import REAL_CLOSES, make_batch, make_ensemble


def test_real_closes_are_drawn_in_per_cent_of_the_close_on_the_first_day(
    drawn: dict[str, Figure],
) -> None:
    india, pakistan = drawn["markets"].axes
    closes = REAL_CLOSES["pakistan"][1]
    real = next(line for line in pakistan.lines if line.get_marker() == "o")
    assert min(real.get_ydata()) == pytest.approx(100.0 * closes["05-08"] / closes["04-22"])
    assert real.get_ydata()[0] == pytest.approx(100.0)
    assert real.get_xdata()[0] == 0.0
    assert india.get_title(loc="left") == "India: NIFTY 50"


def test_both_states_have_one_scale(drawn: dict[str, Figure]) -> None:
    india, pakistan = drawn["markets"].axes
    assert india.get_ylim() == pakistan.get_ylim()


def test_the_line_is_the_median_over_replicates(batch: Batch, drawn: dict[str, Figure]) -> None:
    paths = batch.ensembles["may_2025"].paths
    days, level = levels(paths, "pakistan")
    assert level.shape == (200, 61)
    assert np.all(level[:, 0] > 0.0)
    line = next(
        line
        for line in drawn["markets"].axes[1].lines
        if line.get_marker() != "o" and len(line.get_xdata()) > 2
    )
    shown = len(line.get_xdata())
    assert line.get_ydata() == pytest.approx(100.0 * np.median(level, axis=0)[:shown])
    assert list(line.get_xdata()) == list(days[:shown])


def test_levels_do_not_depend_on_the_order_of_rows() -> None:
    paths = pa.table(
        {"replicate": [1, 0, 1, 0], "day": [0, 0, 1, 1], "a_market": [1.0, 1.0, 0.8, 0.9]}
    )
    days, level = levels(paths, "a")
    assert list(days) == [0.0, 1.0]
    assert level.tolist() == [[1.0, 0.9], [1.0, 0.8]]


def test_without_paths_or_record_it_says_what_is_missing() -> None:
    ensemble = make_ensemble("may_2025", replicates=50, paths=False)
    batch = make_batch(ensemble)
    assert "this batch kept no market paths" in words_in(draw_markets(batch, summarise(batch)))


def test_the_legend_names_the_record_only_where_there_is_one(
    batch: Batch, drawn: dict[str, Figure]
) -> None:
    assert "real close" in legend_entries(drawn["markets"])
    bare = make_batch(replace(batch.ensembles["may_2025"], scenario={}))
    assert "real close" not in legend_entries(draw_markets(bare, summarise(bare)))
