from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crisis_sim.experiments import read_experiment, run_experiment
from crisis_sim.experiments.plots import draw_experiment, write_experiment_charts
from tests.experiments.calibrations import ATTENTION, RESOLVE, made
from tests.report.looking import overlaps, words_in

CHARTED: dict[str, Any] = {
    "targets": [{"measure": "agreement", "value": 0.3, "interval": [0.2, 0.4]}],
    "cases": [{"name": "of old", "record": [{"of": "deaths", "value": 400, "within": 150}]}],
    "outcomes": ["median_hours_to_ceasefire"],
    "replicates": 10,
}


def texts(axes: Any) -> str:
    return " ".join([axes.get_title("left"), axes.get_xlabel(), axes.get_ylabel()])


def test_every_chart_says_what_it_shows(tmp_path: Path) -> None:
    run_experiment(made("posterior", **CHARTED), tmp_path / "out")
    again = read_experiment(tmp_path / "out")
    charts = dict(draw_experiment(again))
    assert list(charts) == ["marginals", "pairs", "predictive"]
    for figure in charts.values():
        assert not overlaps(figure)
        assert "mathdefault" not in words_in(figure)
    marginals = [axes for axes in charts["marginals"].axes if axes.get_visible()]
    assert {axes.get_title("left") for axes in marginals} == {RESOLVE, ATTENTION}
    by_name = {axes.get_title("left"): axes for axes in marginals}
    assert by_name[ATTENTION].get_xscale() == "log"
    for row in again.summary["parameters"]:
        axes = by_name[row["path"]]
        assert ("not pinned down" in texts(axes)) is not row["pinned"]
        # Bars of the posterior hold all of it: 100 per cent, as the prior's.
        assert [sum(patch.get_data().values) for patch in axes.patches] == pytest.approx([100, 100])
    rows = again.summary["predictive"]
    shown = [texts(axes) for axes in charts["predictive"].axes]
    assert len(shown) == len(rows) == 3
    assert "of old: deaths" in shown[-1]
    assert "per cent of all crises" in shown[0]
    assert "hours" in shown[1]
    scatter = charts["pairs"].axes[2]
    (line,) = scatter.lines
    assert len(line.get_xdata()) == 400  # as many draws as it says
    assert "correlation" in scatter.get_title("left")


def test_one_parameter_has_no_pairs_and_all_charts_are_written_twice(tmp_path: Path) -> None:
    one = run_experiment(made("posterior", **{**CHARTED, "vary": {RESOLVE: {}}, "outcomes": []}))
    assert [name for name, _ in draw_experiment(one)] == ["marginals", "predictive"]
    written = write_experiment_charts(one, tmp_path)
    assert {path.suffix for path in written} == {".svg", ".png"}
    assert all(path.stat().st_size > 2000 for path in written)
