from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from crisis_sim.experiments import Findings, make_experiment, run_experiment
from crisis_sim.experiments.plots import draw_experiment
from tests.batch.crises import crisis
from tests.report.looking import overlaps, words_in

DAYS, RESOLVE = "mediators.elder.attention_days", "states.north.resolve"


@cache
def found(layout: str) -> Findings:
    changes: dict[str, Any] = {
        "curve": {"vary": {DAYS: {"low": 0.05, "high": 5, "points": 5, "scale": "log"}}},
        "map": {"vary": {DAYS: {"points": 3, "high": 4}, RESOLVE: {"points": 4}}},
        "sample": {"vary": {DAYS: {"high": 4}, RESOLVE: {}}, "sample": {"points": 12}},
    }[layout]
    outcomes = ["agreement", "median_hours_to_ceasefire", "nuclear_use"]
    return run_experiment(
        make_experiment(
            layout,
            kind="sweep",
            scenario=crisis(),
            outcomes=outcomes,
            replicates=30,
            threshold=0.5,
            **changes,
        )
    )


@pytest.mark.parametrize("layout", ["curve", "map", "sample"])
def test_every_chart_of_a_sweep_can_be_read(layout: str) -> None:
    figures = dict(draw_experiment(found(layout)))
    expected = ["curves", "differences"] if layout == "curve" else ["map_1", "map_2", "map_3"]
    assert list(figures) == expected
    for figure in figures.values():
        assert overlaps(figure) == []
        assert DAYS in words_in(figure)
        assert "days" in words_in(figure)
        assert "30 replicates at each of" in words_in(figure).replace("\n", " ")


def test_a_curve_stands_where_its_estimates_do() -> None:
    findings = found("curve")
    figure = dict(draw_experiment(findings))["curves"]
    table = findings.tables["measures"].to_pandas()
    agreed = table[table.measure == "agreement"].estimate.to_numpy()
    (line,) = [one for one in figure.axes[0].lines if len(one.get_ydata()) == 5]
    np.testing.assert_allclose(line.get_ydata(), 100 * agreed)


def test_a_map_has_full_dots_only_where_the_difference_is_sure() -> None:
    findings = found("map")
    figure = dict(draw_experiment(findings))["map_1"]
    table = findings.tables["differences"].to_pandas()
    table = table[table.measure == "agreement"]
    sure = int(((table.lower > 0) | (table.upper < 0)).sum())
    full, hollow = (
        sum(
            len(line.get_xdata())
            for line in figure.axes[0].lines
            if line.get_marker() == "o" and line.get_markerfacecolor() == face
        )
        for face in ("#000000", "#FFFFFF")
    )
    assert (full, hollow) == (sure, 12 - sure)


def test_what_is_the_same_everywhere_is_said_to_be() -> None:
    assert "the same at every point" in words_in(dict(draw_experiment(found("map")))["map_3"])
