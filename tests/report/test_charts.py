"""Charts of a run and of a crisis: readable, true to their figures, and robust to unusual cases."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pyarrow as pa
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from syrupy.assertion import SnapshotAssertion

from crisis_sim import Replay, replay, style
from crisis_sim.batch.ensemble import Batch
from crisis_sim.model.journal import Journal
from crisis_sim.outcomes.summary import summarise
from crisis_sim.report.answers import ceasefire_change
from crisis_sim.report.charts import (
    MOST_CURVES,
    MOST_ROWS,
    date_axis,
    draw_differences,
    draw_endings,
    draw_incidence,
    draw_markets,
    levels,
    shown,
)
from crisis_sim.report.replay import draw_replay
from tests.report.looking import legend_entries, legends_over_data, overlaps, svg, texts, words_in
from tests.report.made_up import CASES, MAY_2025, hours, make_batch, make_ensemble, make_scenario

Draw = Callable[[Batch, dict[str, Any]], Figure]

CHARTS: dict[str, Draw] = {
    "ceasefire_from_first_strike": draw_incidence,
    "ceasefire_from_trigger": lambda batch, summary: draw_incidence(batch, summary, "from_trigger"),
    "endings": draw_endings,
    "differences": draw_differences,
    "markets": draw_markets,
}
UNITS = re.compile(r"%|percentage points|hours|days|date|0 to 1|rung")
NOBODY: dict[str, Any] = dict.fromkeys(("mediators", "lenders", "channels", "advisers"))
each_chart = pytest.mark.parametrize("name", [*CHARTS, "replay"])


@each_chart
def test_a_chart_is_readable(
    name: str, drawn: dict[str, Figure], snapshot: SnapshotAssertion
) -> None:
    """Axes have units, nothing overlaps, no text is too small, and the chart fits a double column."""
    figure = drawn[name]
    labels = [one for axes in figure.axes for one in (axes.get_xlabel(), axes.get_ylabel()) if one]
    assert labels
    assert all(UNITS.search(label) for label in labels), labels
    bottom = [axes for axes in figure.axes if axes.get_subplotspec().is_last_row()]
    assert all(axes.get_xlabel() for axes in bottom)
    assert overlaps(figure) == legends_over_data(figure) == []
    assert min(text.get_fontsize() for text in texts(figure)) >= 6.0
    assert figure.get_figwidth() == pytest.approx(175.0 / 25.4)
    assert words_in(figure) == snapshot


@each_chart
def test_an_svg_is_reproducible_and_no_setting_is_left_behind(
    name: str,
    drawn: dict[str, Figure],
    batch: Batch,
    summary: dict[str, Any],
    crisis: Replay,
    tmp_path: Path,
) -> None:
    before = dict(mpl.rcParams)
    again = crisis.plot() if name == "replay" else CHARTS[name](batch, summary)
    assert dict(mpl.rcParams) == before
    first = svg(drawn[name], tmp_path)
    assert first == svg(again, tmp_path)
    assert b"<dc:date>" not in first


def nothing_happens(columns: dict[str, Any]) -> None:
    """No strike, no ceasefire, no end: every crisis is still going on at the horizon."""
    for name, values in columns.items():
        if name.endswith("_at_hours") and name != "trigger_at_hours":
            values[:] = np.nan
    columns["ending"] = np.full(len(columns["ending"]), "unresolved")
    columns["worst_violence"] = np.full(len(columns["ending"]), "none")


def odd_batch(case: str, paths: pa.Table) -> Batch:
    """A batch that lacks usual contents, or whose names look like formulas."""
    usual = make_ensemble("may_2025", replicates=50, paths=paths)
    if case == "alone":
        return make_batch(usual)
    if case == "nothing known of the scenario":
        return make_batch(replace(usual, scenario={}))
    if case == "formulas":
        market = {"index": "a$\\frac$"}
        north = {"title": "India", "resolve": 0.5, "audience": 0.5, "market": market}
        states = {"india": north, "pakistan": {**north, "title": "$x_"}}
        odd = make_scenario("cost$\\frac$", states=states, real_path=None, **NOBODY)
        how: dict[str, Any] = {"replicates": 50, "scenario": odd, "paths": paths}
        return make_batch(make_ensemble(odd.name, CASES["may_2025"], **how))
    bare = make_scenario("bare", real_path=None, **NOBODY)
    how = {"replicates": 50, "scenario": bare, "change": nothing_happens}
    return make_batch(*(make_ensemble(one, CASES["may_2025"], **how) for one in ("bare", "barer")))


@pytest.mark.parametrize(
    "case", ["alone", "nothing happens", "nothing known of the scenario", "formulas"]
)
def test_unusual_batches_are_drawn(case: str, real: Batch) -> None:
    batch = odd_batch(case, real["may_2025"].paths)
    summary = summarise(batch)
    figures = {name: draw(batch, summary) for name, draw in CHARTS.items()}
    assert [pair for figure in figures.values() for pair in overlaps(figure)] == []
    words = {name: words_in(figure) for name, figure in figures.items()}
    if case == "nothing happens":
        assert "real" not in " ".join(words.values())
        assert "no crisis saw a first strike" in words["ceasefire_from_first_strike"]
        assert "no crisis saw" not in words["ceasefire_from_trigger"]
        assert "this batch has no market paths" in words["markets"]
    elif case == "formulas":
        assert all("$\\frac$" in words[name] for name in ("endings", "markets"))
    elif case == "alone":
        assert "May 2025 is the only scenario" in words["differences"]
    else:
        assert "real close" not in legend_entries(figures["markets"])


def test_unusual_crises_are_drawn(crisis: Replay) -> None:
    assert overlaps(draw_replay(Journal(), MAY_2025)) == []
    quiet = replay(MAY_2025, 2).journal
    figure = draw_replay(quiet, make_scenario(real_path=None, **NOBODY))
    assert overlaps(figure) == []
    assert len(figure.axes) == 2
    assert legend_entries(figure) == ["India", "Pakistan"]
    assert len(replay(MAY_2025, 5).plot().axes) == 3  # a long fight has no detailed view
    ladder = [{"name": f"rung {k}", "intensity": k / 15.0, "strike": k > 10} for k in range(16)]
    mediators = {f"power_{k}": {"title": f"The {k}th power with a long title"} for k in range(12)}
    long = make_scenario(ladder=ladder, mediators=mediators, real_path=None)
    figure = draw_replay(crisis.journal, long)
    assert len(figure.axes[0].get_yticklabels()) <= 14
    assert overlaps(figure) == []


# Any number of scenarios and of third parties.

#: About where a chart begins to leave scenarios out, and beyond.
SIZES = (2, 12, 13, 25, 40)
LONG = "Ministère des affaires étrangères et de la coopération internationale"


@pytest.fixture(scope="module")
def many() -> tuple[Batch, dict[str, Any]]:
    cases = list(CASES.values())
    name = "a_scenario_with_quite_a_long_name_number_{}"
    ensembles = (
        make_ensemble(name.format(k), cases[k % len(cases)], replicates=40)
        for k in range(max(SIZES))
    )
    batch = make_batch(*ensembles)
    return batch, summarise(batch)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("draw", "most"),
    [(draw_incidence, MOST_CURVES), (draw_endings, MOST_ROWS), (draw_differences, MOST_ROWS)],
)
def test_charts_of_many_scenarios_are_readable_and_note_how_many_are_left_out(
    draw: Any, most: int, size: int, many: tuple[Batch, dict[str, Any]]
) -> None:
    batch, summary = many
    names = list(batch.ensembles)[:size]
    cut = {
        part: {name: one for name, one in summary[part].items() if name in names}
        for part in ("scenarios", "differences")
    }
    figure = draw(make_batch(*(batch.ensembles[name] for name in names)), {**summary, **cut})
    assert overlaps(figure) == legends_over_data(figure) == []
    named = [one for one in texts(figure) if one.get_text().startswith("A scenario")]
    assert len(named) <= most + 1  # the title of the incidence names the reference once more
    ends = {one.get_text().split(":")[0][-2:] for one in named}
    assert len(ends) == min(size, most) - (draw is draw_differences)  # all labels differ
    words = words_in(figure)
    assert ("only in the tables" in words) is (size > most)
    assert size <= most or f"{size - most} " in words


def test_the_scenarios_that_differ_most_are_shown_in_the_order_of_the_batch(
    batch: Batch, summary: dict[str, Any]
) -> None:
    figures = summary["scenarios"].items()
    share = {name: one["endings"]["agreement"]["estimate"] for name, one in figures}
    reference = summary["reference"]
    kept = shown(batch, summary, 4)
    assert reference in kept
    assert kept == [name for name in batch.ensembles if name in kept]
    apart = {name: abs(share[name] - share[reference]) for name in share}
    least = min(apart[name] for name in kept if name != reference)
    assert all(apart[name] <= least for name in share if name not in kept)
    assert shown(batch, summary, 80) == list(batch.ensembles)
    changed = copy.deepcopy(summary)  # one whose share is not known gives way
    changed["scenarios"]["no_mediators"]["endings"]["agreement"]["estimate"] = None
    assert shown(batch, changed, 6) == [name for name in CASES if name != "no_mediators"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", NOBODY)
@pytest.mark.parametrize("size", [1, 4, 13])
def test_any_number_of_third_parties_is_readable(kind: str, size: int, crisis: Replay) -> None:
    own = {
        "lenders": {"borrower": "india"},
        "advisers": {"state": "india"},
        "channels": {"standing": True},
    }
    parts = {f"p{k}": {"title": f"{LONG} {k}", **own.get(kind, {})} for k in range(size)}
    figure = draw_replay(crisis.journal, make_scenario(**{**NOBODY, kind: parts}))
    assert overlaps(figure) == legends_over_data(figure) == []
    labels = [one.get_text() for one in texts(figure) if one.get_text().startswith("Ministère")]
    assert len(set(labels)) == size  # titles with the same beginning keep their ends


# Ceasefires over time.


def marks(axes: Axes) -> list[float]:
    """The positions of vertical lines."""
    upright = (line for line in axes.lines if list(line.get_ydata()) == [0, 1])
    return [line.get_xdata()[0] for line in upright if len(set(line.get_xdata())) == 1]


@pytest.mark.parametrize(
    ("clock", "origin"), [("from_first_strike", "05-07 01:05"), ("from_trigger", "04-22 15:00")]
)
def test_curves_show_the_summarys_incidence_and_the_real_ceasefire(
    clock: str, origin: str, batch: Batch, summary: dict[str, Any], drawn: dict[str, Figure]
) -> None:
    left, right = drawn[f"ceasefire_{clock}"].axes
    curves = [line for line in right.lines if len(line.get_xdata()) > 10]
    for line, name in zip(curves, batch.ensembles, strict=False):
        by = summary["scenarios"][name]["ceasefire"][clock]["by"]["7_days"]["estimate"]
        week = np.searchsorted(np.asarray(line.get_xdata()), 7.0, side="right") - 1
        assert line.get_ydata()[week] == pytest.approx(100.0 * by, abs=1.5)
    assert len(curves) >= len(batch.ensembles)
    for axes in (left, right):
        assert marks(axes) == [pytest.approx((hours("05-10 17:00") - hours(origin)) / 24.0)]
        assert axes.get_ylim() == (0.0, 100.0)
        assert axes.get_xlim()[0] == 0.0


def test_the_reference_is_drawn_first_and_alone_on_the_left(batch: Batch) -> None:
    pair = make_batch(batch.ensembles["may_2025"], batch.ensembles["no_mediators"])
    left, right = draw_incidence(pair, summarise(pair, "no_mediators")).axes
    assert left.get_title(loc="left").startswith("No mediators")
    names = [text.get_text() for text in right.texts]
    assert "No mediators" in names
    assert len([name for name in names if not name.startswith("real")]) == 2
    with pytest.raises(KeyError):
        draw_incidence(pair, summarise(pair), "from_yesterday")


START = datetime.fromisoformat("2025-04-22T15:00+05:30")


@pytest.mark.parametrize("days", [1.0, 5.0, 40.0, 60.0, 400.0, 3650.0])
def test_dates_are_at_local_midnights_and_not_too_many(days: float) -> None:
    axes = Figure().add_subplot()
    date_axis(axes, START, 0.0, days, dates=6)
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert 1 <= len(labels) <= 7
    if days == 5.0:
        assert (axes.get_xticks()[0], labels[0]) == (pytest.approx(9.0 / 24.0), "23 Apr")
        assert axes.get_xlabel() == "date, 2025 (UTC+5:30)"
    if days == 400.0:
        assert axes.get_xlabel() == "date, 2025–2026 (UTC+5:30)"
        date_axis(axes, None, 0.0, 5.0)
        assert axes.get_xlabel() == "days from the start"


# Markets.


def test_real_closes_are_relative_and_panels_share_a_scale(drawn: dict[str, Figure]) -> None:
    india, pakistan = drawn["markets"].axes
    assert india.get_ylim() == pakistan.get_ylim()
    closes = [close for _, close in MAY_2025.real_path.markets["pakistan"].closes]
    real = next(line for line in pakistan.lines if line.get_marker() == "o")
    assert min(real.get_ydata()) == pytest.approx(100.0 * min(closes) / closes[0])
    assert (real.get_xdata()[0], real.get_ydata()[0]) == (0.0, pytest.approx(100.0))


def test_the_line_is_the_median_in_any_order_of_rows(
    batch: Batch, drawn: dict[str, Figure]
) -> None:
    columns = {"replicate": [1, 0, 1, 0], "day": [0, 0, 1, 1], "a_market": [1.0, 1.0, 0.8, 0.9]}
    days, level = levels(pa.table(columns), "a")
    assert list(days) == [0.0, 1.0]
    assert level.tolist() == [[1.0, 0.9], [1.0, 0.8]]
    days, level = levels(batch.ensembles["may_2025"].paths, "pakistan")
    curves = [line for line in drawn["markets"].axes[1].lines if len(line.get_xdata()) > 2]
    line = next(line for line in curves if line.get_marker() != "o")
    size = len(line.get_xdata())
    assert line.get_ydata() == pytest.approx(100.0 * np.median(level, axis=0)[:size])
    assert list(line.get_xdata()) == list(days[:size])


# Shares and differences.


def middles(axes: Axes) -> list[Any]:
    return [line for line in axes.lines if line.get_marker() == "|"]


def panel(figure: Figure, heading: str) -> Axes:
    return next(axes for axes in figure.axes if axes.get_title(loc="left").startswith(heading))


def test_differences_are_sorted_and_grey_only_if_the_interval_contains_zero(
    summary: dict[str, Any], drawn: dict[str, Figure]
) -> None:
    figure = drawn["differences"]
    names = [one.get_text() for one in figure.axes[0].get_yticklabels()]
    by_label = {summary["scenarios"][k]["label"]: v for k, v in summary["differences"].items()}
    fights = {name: by_label[name]["courses"]["long_fight"]["share"] for name in names}
    drawn_at = [line.get_xdata()[0] for line in middles(panel(figure, "Longer"))]
    assert drawn_at == pytest.approx([100.0 * fights[name]["estimate"] for name in names])
    largest = [
        max(abs(one["share"]["estimate"]) for one in by_label[name]["courses"].values())
        for name in names
    ]
    assert largest == sorted(largest, reverse=True)
    grey = [line.get_color() == style.GREY for line in middles(panel(figure, "Full"))]
    wars = [by_label[name]["courses"]["war"]["share"] for name in names]
    assert grey == [war["lower"] <= 0.0 <= war["upper"] for war in wars]
    assert set(grey) == {True, False}
    for axes in figure.axes:  # every panel shows its zero
        low, high = axes.get_xlim()
        assert low < 0.0 < high
        assert any(list(line.get_xdata()) == [0.0, 0.0] for line in axes.lines)


def test_unknown_and_unpaired_differences_are_marked(batch: Batch, summary: dict[str, Any]) -> None:
    changed = copy.deepcopy(summary)
    first, second, *_ = changed["differences"].values()
    ceasefire_change(first)[0]["estimate"] = None
    ceasefire_change(second)[0]["upper"] = None
    first["paired"] = False
    figure = draw_differences(batch, changed)
    assert "not known" in words_in(figure)
    assert "not all with the same random numbers" in words_in(figure)
    assert len([text for text in panel(figure, "Ceasefire").texts if text.arrow_patch]) == 1


def test_bars_are_the_courses_and_their_endings(
    batch: Batch, summary: dict[str, Any], drawn: dict[str, Figure]
) -> None:
    tree, bars = drawn["endings"].axes
    courses = summary["scenarios"]["may_2025"]["courses"]
    kinds = list(style.ENDING_FILLS)
    widths = [segment.get_width() for segment in tree.patches]
    for place, part in enumerate(courses.values()):
        own = widths[place * len(kinds) : (place + 1) * len(kinds)]
        shares = [part["share"]["estimate"] * part["endings"][kind]["estimate"] for kind in kinds]
        assert own == pytest.approx([100.0 * share for share in shares])
    widths = [segment.get_width() for segment in bars.patches]
    for place, name in enumerate(batch.ensembles):
        shares = [one["share"] for one in summary["scenarios"][name]["courses"].values()]
        own = widths[place * len(shares) : (place + 1) * len(shares)]
        assert own == pytest.approx([100.0 * share["estimate"] for share in shares])
    low, high = bars.get_ylim()
    assert low > high  # the first scenario stands on top
    assert bars.get_yticklabels()[0].get_text() == "India and Pakistan, May 2025"
    data = drawn["endings"].data
    assert {row["course"] for row in data} == set(courses)


# A crisis.


def test_a_replay_shows_rungs_and_milestones(drawn: dict[str, Figure], crisis: Replay) -> None:
    figure, journal = drawn["replay"], crisis.journal
    whole, close = figure.axes[:2]
    assert [one.get_text() for one in whole.get_yticklabels()] == [
        rung.name for rung in MAY_2025.ladder
    ]
    turns = journal.series["hours"]
    own = next(line for line in whole.lines if len(line.get_xdata()) == len(turns))
    assert np.asarray(own.get_xdata()) == pytest.approx(np.array(turns) / 24.0)
    assert np.rint(own.get_ydata()).tolist() == journal.series["india_rung"]
    real = [line for line in whole.lines if line.get_linewidth() > 3.0]
    assert [line.get_zorder() < 3 for line in real] == [True, True]
    times = ("first_strike_at_hours", "ceasefire_in_effect_at_hours")
    strike, halt = (crisis.outcome[one] / 24.0 for one in times)
    assert all(marks(axes) == pytest.approx([strike, halt]) for axes in figure.axes)
    low, high = close.get_xlim()
    assert 0.0 < low < strike
    assert halt < high < whole.get_xlim()[1]
