"""A tornado: each factor moved alone to either end of its range, all others in their middle.

What one sees at a glance, and on paired luck precisely; but it looks along one line through the
middle for each factor, and sees nothing of how factors act together. The indices do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.experiments.sensitivity.drawn import Drawn
from crisis_sim.outcomes.measures import Contrast, Measured

Values = NDArray[np.float64]


def points_of(drawn: Sequence[Drawn]) -> dict[str, Values]:
    """The middle of all factors, then each factor at its low and at its high end: `(1 + 2 factors,)` each."""
    found = {}
    for k, one in enumerate(drawn):
        values = np.full(1 + 2 * len(drawn), one.factor.middle)
        values[1 + 2 * k], values[2 + 2 * k] = one.ends
        found[one.factor.path] = values
    return found


def count(factors: int, replicates: int) -> int:
    """How many crises it takes."""
    return (1 + 2 * factors) * replicates


def bars(name: str, measured: Measured, drawn: Sequence[Drawn]) -> list[dict[str, Any]]:
    """One row a factor and end: its value, and the outcome there less that in the middle."""
    less: Contrast = measured.less(0)
    rows = []
    for k, one in enumerate(drawn):
        for place, (end, value) in enumerate(zip(("low", "high"), one.ends, strict=True), start=1):
            point = 2 * k + place
            rows.append(
                {
                    "measure": name,
                    "factor": one.factor.path,
                    "end": end,
                    "value": value,
                    "outcome": float(measured.estimate[point]),
                    "estimate": float(less.estimate[point]),
                    "standard_error": float(less.standard_error[point]),
                    "lower": float(less.lower[point]),
                    "upper": float(less.upper[point]),
                }
            )
    return rows
