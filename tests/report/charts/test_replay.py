from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crisis_sim.model.journal import Journal
from crisis_sim.report.replay import draw_replay
from crisis_sim.scenario.schema import Scenario
from tests.report.looking import legend_entries, overlaps, words_in
from tests.report.made_up import ENTRIES, hours, make_journal, make_scenario


@pytest.fixture
def figure(drawn: dict[str, Figure]) -> Figure:
    return drawn["replay"]


def marks(axes: Axes) -> list[float]:
    return [line.get_xdata()[0] for line in axes.lines if list(line.get_ydata()) == [0, 1]]


def test_rungs_are_named_from_the_lowest_up(figure: Figure, scenario: Scenario) -> None:
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == [rung.name for rung in scenario.ladder]


def test_each_state_is_drawn_turn_by_turn(figure: Figure, journal: Journal) -> None:
    own = next(
        line
        for line in figure.axes[0].lines
        if len(line.get_xdata()) == len(journal.series["hours"])
    )
    assert np.asarray(own.get_xdata()) == pytest.approx(np.array(journal.series["hours"]) / 24.0)
    assert np.rint(own.get_ydata()).tolist() == journal.series["india_rung"]


def test_the_real_path_lies_under_both_states(figure: Figure) -> None:
    broad = [line for line in figure.axes[0].lines if line.get_linewidth() > 3.0]
    assert len(broad) == 2
    assert all(line.get_zorder() < 3 for line in broad)


def test_first_strike_and_ceasefire_are_marked_in_every_panel(figure: Figure) -> None:
    expected = [hours("05-06 18:00") / 24.0, hours("05-10 15:24") / 24.0]
    for axes in figure.axes:
        assert marks(axes) == pytest.approx(expected)


def test_the_close_view_shows_the_days_of_fighting(figure: Figure) -> None:
    low, high = figure.axes[1].get_xlim()
    assert 0.0 < low < hours("05-06 18:00") / 24.0
    assert hours("05-10 15:24") / 24.0 < high < figure.axes[0].get_xlim()[1]


def test_every_third_party_has_its_strip(figure: Figure) -> None:
    written = words_in(figure).replace("\n", " ")
    for title in ("United States", "Saudi Arabia", "China", "military hotline", "Nawaz Sharif"):
        assert title in written
    assert "mediator's effort" in legend_entries(figure)


def test_a_crisis_of_one_long_fight_needs_no_close_view() -> None:
    moves = [(m, *rest) for m, *rest in ENTRIES if rest[0] in ("trigger", "ended")]
    strike = ("04-23 15:00", "climbed", "india", {"from_rung": "calm", "to_rung": "limited strike"})
    journal = make_journal([moves[0], strike, moves[1]])
    assert len(draw_replay(journal, make_scenario()).axes) == 3


def test_a_ladder_of_many_rungs_and_a_dozen_mediators() -> None:
    ladder = [{"name": f"rung {k}", "intensity": k / 59.0, "strike": k > 40} for k in range(60)]
    mediators = {f"power_{k}": {"title": f"The {k}th power with a long title"} for k in range(12)}
    scenario = make_scenario(ladder=ladder, mediators=mediators, real_path=None)
    figure = draw_replay(make_journal(ENTRIES[:6]), scenario)
    assert len(figure.axes[0].get_yticklabels()) <= 14
    assert overlaps(figure) == []
