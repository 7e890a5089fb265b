"""Readings of a clock at random, of any shape that data may have."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from crisis_sim.outcomes import CumulativeIncidence

Floats = NDArray[np.float64]

#: Hours and kinds: 0 for censored, else the kind of event.
Readings = tuple[Floats, NDArray[np.int64]]

CAUSES = ("ceasefire", "otherwise")

#: Hours with many ties, with few, with hardly any, and all crises at once.
HOURS = (
    st.integers(0, 6).map(float),
    st.integers(0, 60).map(float),
    st.integers(0, 10**6).map(lambda number: number / 1000.0),
    st.just(0.0),
)
#: Censored as often as not, mostly, never or always; with both kinds of event, one or none.
KINDS = ((0, 1, 2), (0,) * 8 + (1, 2), (1, 2), (0, 1), (0, 2), (1,), (2,), (0,))


@st.composite
def readings(draw: st.DrawFn, *kinds: tuple[int, ...]) -> Readings:
    """One to sixty crises; their kinds from one of the tuples given, or from any of `KINDS`."""
    hours, kind = draw(st.sampled_from(HOURS)), draw(st.sampled_from(kinds or KINDS))
    rows = draw(st.lists(st.tuples(hours, st.sampled_from(kind)), min_size=1, max_size=60))
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


def competing(number: int, seed: int, grid: float | None = None) -> tuple[Readings, Readings]:
    """The same crises twice, quicker and slower to a ceasefire, watched for some 20 to 300 hours.

    With a grid, times are rounded up to it, so that there are ties of events and of censoring.
    """
    luck = np.random.default_rng(seed)
    budgets, watched = luck.exponential(size=(number, 2)), luck.uniform(20.0, 300.0, number)

    def watch(ceasefire_hours: float) -> Readings:
        every = np.column_stack((budgets * [ceasefire_hours, 150.0], watched))
        every = every if grid is None else np.ceil(every / grid) * grid
        # Events come before censoring in a tie.
        return every.min(axis=1), np.array([1, 2, 0])[every.argmin(axis=1)]

    return watch(80.0), watch(100.0)


def at(curve: CumulativeIncidence, hours: Floats, of_steps: Floats) -> Floats:
    """A figure that a curve has just after its steps, as it stands at some hours; 0 before any."""
    padded = np.concatenate([np.zeros((*of_steps.shape[:-1], 1)), of_steps], axis=-1)
    return np.asarray(padded[..., np.searchsorted(curve.times, hours, side="right")])


def someone_stays(curve: CumulativeIncidence, hours: Floats) -> NDArray[np.bool_]:
    """Hours before all at risk have their event, where other libraries divide by zero."""
    return at(curve, hours, 1.0 - curve.survival) < 1.0 - 1e-12
