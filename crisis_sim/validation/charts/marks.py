"""The marks that all charts of the validation share: what is real, what is simulated, and the verdict on it.

Black is the record's alone, as in the other charts. A verdict is told by a colour and by a shape, and so in grey print too.
"""

from __future__ import annotations

from typing import Any

from matplotlib.lines import Line2D

from crisis_sim.report import style
from crisis_sim.validation.verdict import Verdict

#: Colour and shape of a simulated value by its verdict.
VERDICT_MARKS: dict[Verdict, dict[str, Any]] = {
    "inside": {"color": style.BLUE, "marker": "o"},
    "near": {"color": style.ORANGE, "marker": "s"},
    "outside": {"color": style.VERMILLION, "marker": "X"},
    "not comparable": {"color": style.GREY, "marker": "d"},
}
REAL_MARK: dict[str, Any] = {"color": style.REAL, "marker": "|", "markersize": 7.0}


def keys(real: str, simulated: str, interval: bool = True) -> list[Line2D]:
    """Entries of a legend: the record, with or without an interval, and what is simulated by its verdict."""
    line: dict[str, Any] = {"linewidth": 3.0, "alpha": 0.35} if interval else {"linestyle": "none"}
    entries = [Line2D([], [], label=real, **line, **REAL_MARK)]
    entries += [
        Line2D([], [], linestyle="none", markersize=4.0, label=f"{simulated}: {verdict}", **mark)
        for verdict, mark in VERDICT_MARKS.items()
        if verdict != "not comparable"
    ]
    return entries
