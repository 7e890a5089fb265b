"""Statistics of replicates: endings, cumulative incidence and paired differences.

The input is arrays of outcomes; the output is small frozen dataclasses and plain dictionaries. `summarise` turns a batch
into the contents of summary.json, and `compare` does so for scenarios from several batches. A summary contains named
measures (`named_measures`, `measures`) of each scenario and their differences. They are based on the clocks of a crisis
(`durations`), the Aalen-Johansen estimator and the bootstrap of medians (`incidence`), and confidence intervals
(`intervals`). The package depends only on NumPy.
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
