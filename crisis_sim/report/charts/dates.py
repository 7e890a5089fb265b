"""A time axis in days from a scenario's start that shows local dates."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from matplotlib.axes import Axes

from crisis_sim.report.words import MONTHS, offset

#: Steps between dates, in days, from which the axis chooses.
_STEPS = (1, 2, 3, 5, 7, 10, 14, 28, 56, 112, 182, 365, 730)


def date_axis(axes: Axes, start: datetime | None, low: float, high: float, dates: int = 7) -> None:
    """Label the horizontal axis with dates at local midnights.

    Args:
        axes: its x values are days from the start.
        start: the scenario's start, in local time; None shows days instead.
        low: first day shown.
        high: last day shown.
        dates: at most so many dates.
    """
    axes.set_xlim(low, high)
    if start is None:
        axes.set_xlabel("days from the start")
        return
    midnight = datetime(start.year, start.month, start.day, tzinfo=start.tzinfo)
    to_midnight = (midnight - start).total_seconds() / 86400.0
    step = next((step for step in _STEPS if (high - low) / step <= dates), _STEPS[-1])
    first = math.ceil(low - to_midnight)
    days = [day for day in range(first, math.floor(high - to_midnight) + 1) if day % step == 0]
    axes.set_xticks(
        [day + to_midnight for day in days],
        [_short(midnight + timedelta(days=day)) for day in days],
    )
    if step <= 3 and days:
        quarters = [
            day + to_midnight + part / 4
            for day in range(first - 1, days[-1] + step + 1)
            for part in (0, 1, 2, 3)
        ]
        axes.set_xticks([at for at in quarters if low <= at <= high], minor=True)
    years = {(start + timedelta(days=low)).year, (start + timedelta(days=high)).year}
    axes.set_xlabel(f"date, {'–'.join(str(year) for year in sorted(years))} ({offset(start)})")


def _short(moment: datetime) -> str:
    return f"{moment.day} {MONTHS[moment.month - 1][:3]}"
