"""What holds for every chart: labels with units, no overlap, the same file each time, odd cases."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from crisis_sim.batch.ensemble import Batch
from crisis_sim.model.journal import Journal
from crisis_sim.outcomes.summary import summarise
from crisis_sim.report.curves import draw_incidence, draw_markets
from crisis_sim.report.replay import draw_replay
from crisis_sim.report.shares import draw_differences, draw_endings
from crisis_sim.scenario.schema import Scenario
from tests.report.looking import legend_entries, legends_over_data, overlaps, svg, texts, words_in
from tests.report.made_up import (
    CASES,
    ENTRIES,
    make_batch,
    make_ensemble,
    make_journal,
    make_scenario,
)

Draw = Callable[[Batch, dict[str, Any]], Figure]

CHARTS: dict[str, Draw] = {
    "from the first strike": draw_incidence,
    "from the trigger": lambda batch, summary: draw_incidence(batch, summary, "from_trigger"),
    "endings": draw_endings,
    "differences": draw_differences,
    "markets": draw_markets,
}

every_chart = pytest.mark.parametrize("draw", CHARTS.values(), ids=CHARTS.keys())

UNITS = re.compile(r"%|percentage points|hours|days|date|0 to 1|rung")


@pytest.mark.parametrize("name", [*CHARTS, "replay"])
def test_it_can_be_read(name: str, drawn: dict[str, Figure]) -> None:
    """Every axis has a unit, nothing lies over anything, no letter is too small, and it fits a double column."""
    figure = drawn[name]
    labels = [one for axes in figure.axes for one in (axes.get_xlabel(), axes.get_ylabel()) if one]
    assert labels
    assert all(UNITS.search(label) for label in labels), labels
    bottom = [axes for axes in figure.axes if axes.get_subplotspec().is_last_row()]
    assert all(axes.get_xlabel() for axes in bottom)
    assert overlaps(figure) == []
    assert legends_over_data(figure) == []
    assert min(text.get_fontsize() for text in texts(figure)) >= 6.0
    assert figure.get_figwidth() == pytest.approx(175.0 / 25.4)


@pytest.mark.parametrize("name", [*CHARTS, "replay"])
def test_drawn_twice_an_svg_is_the_same_to_the_byte(
    name: str,
    drawn: dict[str, Figure],
    batch: Batch,
    summary: dict[str, Any],
    journal: Journal,
    scenario: Scenario,
    tmp_path: Path,
) -> None:
    again = draw_replay(journal, scenario) if name == "replay" else CHARTS[name](batch, summary)
    first = svg(drawn[name], tmp_path)
    assert first == svg(again, tmp_path)
    assert b"<dc:date>" not in first


def test_drawing_leaves_no_settings_behind(batch: Batch, summary: dict[str, Any]) -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    draw_endings(batch, summary)
    assert dict(mpl.rcParams) == before


def test_legends_name_every_ending(drawn: dict[str, Figure]) -> None:
    others = ["tacit", "unilateral", "imposed", "faded", "still going"]
    assert legend_entries(drawn["from the first strike"]) == ["ceasefire", *others]
    assert legend_entries(drawn["endings"]) == ["agreement", *others]


@every_chart
def test_one_scenario_alone(draw: Draw) -> None:
    batch = make_batch(make_ensemble("may_2025", replicates=200))
    figure = draw(batch, summarise(batch))
    assert overlaps(figure) == []


def nothing_happens(columns: dict[str, Any]) -> None:
    """No strike, no ceasefire, no end: every crisis is still going on at the horizon."""
    for name, values in columns.items():
        if name.endswith("_at_hours") and name != "trigger_at_hours":
            values[:] = np.nan
    columns["ending"] = np.full(len(columns["ending"]), "unresolved")
    columns["worst_violence"] = np.full(len(columns["ending"]), "none")


@every_chart
def test_no_strike_no_ceasefire_no_record_and_no_third_parties(draw: Draw) -> None:
    bare = make_scenario(
        "bare", real_path=None, mediators=None, lenders=None, channels=None, advisers=None
    )
    ensembles = [
        make_ensemble(
            name,
            CASES["may_2025"],
            replicates=50,
            scenario=bare,
            change=nothing_happens,
            paths=False,
        )
        for name in ("bare", "barer")
    ]
    batch = make_batch(*ensembles)
    figure = draw(batch, summarise(batch))
    assert overlaps(figure) == []
    assert "real" not in words_in(figure)


@pytest.mark.parametrize("draw", [draw_incidence, draw_markets])
def test_an_ensemble_that_knows_nothing_of_its_scenario(draw: Draw) -> None:
    batch = make_batch(replace(make_ensemble("may_2025", replicates=50), scenario={}))
    assert overlaps(draw(batch, summarise(batch))) == []


@pytest.mark.parametrize("draw", [draw_endings, draw_markets])
def test_names_that_would_be_formulas_are_drawn_as_they_stand(draw: Draw) -> None:
    index = {"title": "India", "resolve": 0.5, "audience": 0.5, "market": {"index": "a$\\frac$"}}
    states = {"india": index, "pakistan": {**index, "title": "$x_"}}
    scenario = make_scenario("cost$\\frac$", states=states, mediators=None, lenders=None)
    batch = make_batch(
        make_ensemble("cost$\\frac$", CASES["may_2025"], replicates=50, scenario=scenario)
    )
    assert "$\\frac$" in words_in(draw(batch, summarise(batch)))


def test_a_replay_without_strike_record_or_third_parties() -> None:
    quiet = make_journal((*ENTRIES[:6], ("05-24 15:00", "ended", "", {"ending": "faded"})))
    bare = make_scenario(real_path=None, mediators=None, lenders=None, channels=None, advisers=None)
    figure = draw_replay(quiet, bare)
    assert overlaps(figure) == []
    assert len(figure.axes) == 2
    assert legend_entries(figure) == ["India", "Pakistan"]


def test_a_replay_of_an_empty_journal() -> None:
    assert overlaps(draw_replay(Journal(), make_scenario())) == []
