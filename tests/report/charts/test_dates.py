from __future__ import annotations

from datetime import datetime

import pytest
from matplotlib.figure import Figure

from crisis_sim.report.curves import date_axis

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
