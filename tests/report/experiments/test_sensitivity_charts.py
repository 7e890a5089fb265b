from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from crisis_sim.experiments import Findings, make_experiment, run_experiment
from crisis_sim.experiments.plots import draw_experiment
from tests.batch.crises import crisis
from tests.report.looking import legends_over_data, overlaps, words_in

VARY: dict[str, Any] = {
    "states.north.resolve": {"low": 0.2, "high": 1},
    "states.south.resolve": {},
    "mediators.elder.attention_days": {},
}
CHARTS = {
    "sobol": ["ranking", "convergence", "tornado", "pairs"],
    "morris": ["ranking", "convergence", "tornado", "effects"],
    "pawn": ["ranking", "convergence", "tornado"],
}


@cache
def found(method: str) -> Findings:
    return run_experiment(
        make_experiment(
            method,
            kind="sensitivity",
            scenario=crisis(),
            method=method,
            vary=VARY,
            samples={"sobol": 32, "morris": 8, "pawn": 64}[method],
            second_order=method == "sobol",
            outcomes=["mean_deaths", "median_hours_to_ceasefire", "nuclear_use"],
            replicates=20,
            tornado=30,
        )
    )


def drawn(method: str, chart: str) -> Any:
    return dict(draw_experiment(found(method)))[chart]


@pytest.mark.parametrize("method", CHARTS)
def test_every_chart_of_a_study_can_be_read(method: str) -> None:
    figures = dict(draw_experiment(found(method)))
    assert list(figures) == CHARTS[method]
    for name, figure in figures.items():
        assert overlaps(figure) == [], name
        assert legends_over_data(figure) == [], name
        assert "Mean deaths" in words_in(figure)
        assert "elder.attention_days" in words_in(figure)
    said = words_in(figures["ranking"]).replace("\n", " ")
    assert "unknown, or never reached, in" in said
    assert "the same at every point" in said
    assert "points of 20 replicates, all with the same luck" in said


@pytest.mark.parametrize(("method", "index"), [("sobol", "total"), ("morris", "mu_star")])
def test_the_ranking_has_each_index_where_it_is_the_largest_first(method: str, index: str) -> None:
    study = found(method).summary["studies"]["mean_deaths"]
    axes = drawn(method, "ranking").axes[0]
    full = [
        (float(line.get_ydata()[0]), float(line.get_xdata()[0]))
        for line in axes.lines
        if line.get_marker() == "o" and line.get_markerfacecolor() != "#FFFFFF"
    ]
    expected = [study["indices"][index][path]["estimate"] for path in study["order"]]
    assert [x for _, x in sorted(full)] == pytest.approx(expected)
    assert expected == sorted(expected, reverse=True)


def test_a_tornado_has_a_bar_for_each_end_the_widest_factor_first() -> None:
    findings = found("sobol")
    table = findings.tables["tornado"].to_pandas()
    own = table[table.measure == "mean_deaths"]
    bars = [bar.get_width() for bar in drawn("sobol", "tornado").axes[0].patches]
    assert sorted(bars) == pytest.approx(sorted(own.estimate))
    widest = [max(abs(bars[k]), abs(bars[k + 1])) for k in (0, 2, 4)]
    assert widest == sorted(widest, reverse=True)


def test_the_plane_shows_every_elementary_effect() -> None:
    findings = found("morris")
    strip = drawn("morris", "effects").axes[1]
    shown = np.concatenate([line.get_xdata() for line in strip.lines if line.get_marker() == "|"])
    table = findings.tables["effects"].to_pandas()
    own = table[table.measure == "mean_deaths"].effect
    assert np.sort(shown) == pytest.approx(np.sort(own))
