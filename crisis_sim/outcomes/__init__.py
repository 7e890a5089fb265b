"""Statistics of replicates: endings, cumulative incidence and paired differences.

Arrays of outcomes go in; small frozen dataclasses and plain dictionaries come out. `summarise`
turns a batch into everything that summary.json holds, and `compare` does so for scenarios from
several batches. A summary is the named measures (`names`, `measures`) of each scenario and their
differences. Under them lie the clocks of a crisis (`durations`), the Aalen-Johansen estimator and
the bootstrap of medians (`incidence`), and intervals (`intervals`). Nothing here needs more than NumPy.
"""

from __future__ import annotations

from crisis_sim.outcomes.durations import (
    Durations,
    NotPairedError,
    UnknownReferenceError,
    UnknownValueError,
)
from crisis_sim.outcomes.incidence import CumulativeIncidence, cumulative_incidence
from crisis_sim.outcomes.intervals import Estimate, wilson_interval
from crisis_sim.outcomes.summary import Joined, Summary, compare, join, summarise

__all__ = [
    "CumulativeIncidence",
    "Durations",
    "Estimate",
    "Joined",
    "NotPairedError",
    "Summary",
    "UnknownReferenceError",
    "UnknownValueError",
    "compare",
    "cumulative_incidence",
    "join",
    "summarise",
    "wilson_interval",
]
