from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crisis_sim.batch.ensemble import Batch
from crisis_sim.outcomes.summary import summarise
from crisis_sim.report.curves import date_axis, draw_incidence
from tests.report.looking import words_in
from tests.report.made_up import hours, make_batch, make_ensemble

CLOCKS = {"from_first_strike": "from the first strike", "from_trigger": "from the trigger"}


def upright_lines(axes: Axes) -> list[float]:
    """Where the lines from the bottom to the top stand."""
    return [line.get_xdata()[0] for line in axes.lines if _upright(line)]


def _upright(line: Any) -> bool:
    xs = np.unique(np.asarray(line.get_xdata(), dtype=float))
    return len(xs) == 1 and list(line.get_ydata()) == [0, 1]


def curve(axes: Axes, place: int) -> tuple[np.ndarray, np.ndarray]:
    """The ceasefire curve drawn `place`-th, as days and per cent."""
    lines = [line for line in axes.lines if len(line.get_xdata()) > 10]
    return np.asarray(lines[place].get_xdata()), np.asarray(lines[place].get_ydata())


@pytest.mark.parametrize("clock", ["from_first_strike", "from_trigger"])
def test_curves_are_the_incidence_of_the_summary(
    clock: str, batch: Batch, summary: dict[str, Any], drawn: dict[str, Figure]
) -> None:
    _, right = drawn[CLOCKS[clock]].axes
    for place, name in enumerate(batch.ensembles):
        days, per_cent = curve(right, place)
        by = summary["scenarios"][name]["ceasefire"][clock]["by"]["7_days"]["estimate"]
        drawn = per_cent[np.searchsorted(days, 7.0, side="right") - 1]
        assert drawn == pytest.approx(100.0 * by, abs=1.5)


def test_the_reference_is_drawn_first_and_alone_on_the_left(batch: Batch) -> None:
    pair = make_batch(batch.ensembles["may_2025"], batch.ensembles["no_mediators"])
    left, right = draw_incidence(pair, summarise(pair, "no_mediators")).axes
    assert left.get_title(loc="left").startswith("No mediators")
    names = [text.get_text() for text in right.texts]
    assert "No mediators" in names
    assert len([name for name in names if not name.startswith("real")]) == 2


@pytest.mark.parametrize(
    ("clock", "origin"), [("from_first_strike", "05-07 01:05"), ("from_trigger", "04-22 15:00")]
)
def test_the_real_ceasefire_is_marked_on_the_clock_of_the_chart(
    clock: str, origin: str, drawn: dict[str, Figure]
) -> None:
    real_days = (hours("05-10 17:00") - hours(origin)) / 24.0
    for axes in drawn[CLOCKS[clock]].axes:
        assert upright_lines(axes) == [pytest.approx(real_days)]


def test_the_share_axis_runs_from_0_to_100(drawn: dict[str, Figure]) -> None:
    for axes in drawn["from the first strike"].axes:
        assert axes.get_ylim() == (0.0, 100.0)
        assert axes.get_xlim()[0] == 0.0


def test_without_a_first_strike_the_chart_says_so() -> None:
    def no_strike(columns: dict[str, Any]) -> None:
        columns["first_strike_at_hours"][:] = np.nan

    batch = make_batch(make_ensemble("may_2025", replicates=50, change=no_strike))
    summary = summarise(batch)
    assert "no crisis saw a first strike" in words_in(draw_incidence(batch, summary))
    assert "no crisis saw" not in words_in(draw_incidence(batch, summary, "from_trigger"))


def test_an_unknown_clock_is_a_key_error(batch: Batch, summary: dict[str, Any]) -> None:
    with pytest.raises(KeyError):
        draw_incidence(batch, summary, "from_yesterday")


START = datetime.fromisoformat("2025-04-22T15:00+05:30")


def labels_of(low: float, high: float, start: datetime | None = START) -> tuple[list[str], str]:
    axes = Figure().add_subplot()
    date_axis(axes, start, low, high, dates=6)
    return [label.get_text() for label in axes.get_xticklabels()], axes.get_xlabel()


def test_dates_stand_at_local_midnights() -> None:
    axes = Figure().add_subplot()
    date_axis(axes, START, 0.0, 5.0)
    assert axes.get_xticks()[0] == pytest.approx(9.0 / 24.0)
    assert axes.get_xticklabels()[0].get_text() == "23 Apr"


@pytest.mark.parametrize("days", [1.0, 6.0, 40.0, 60.0, 400.0, 3650.0])
def test_there_are_some_dates_and_not_too_many(days: float) -> None:
    labels, _ = labels_of(0.0, days)
    assert 1 <= len(labels) <= 7


def test_the_label_names_year_and_offset() -> None:
    assert labels_of(0.0, 5.0)[1] == "date, 2025 (UTC+5:30)"
    assert labels_of(0.0, 300.0)[1] == "date, 2025–2026 (UTC+5:30)"


def test_an_unknown_start_gives_days() -> None:
    assert labels_of(0.0, 5.0, None)[1] == "days from the start"
