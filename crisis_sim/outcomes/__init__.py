"""What the replicates say: endings, cumulative incidence and paired differences.

Arrays of outcomes go in; small frozen dataclasses and plain dictionaries come out. `summarise`
turns a batch into everything that summary.json holds, and `compare` does so for scenarios from
several batches. Under them lie intervals for shares (`intervals`), the Aalen-Johansen estimator
(`incidence`), the three durations of a crisis as clocks (`durations`) and differences between
scenarios whose replicates share their luck (`paired`). Nothing here needs more than NumPy.
"""

from __future__ import annotations

from crisis_sim.outcomes.durations import (
    Durations,
    NotPairedError,
    UnknownReferenceError,
    UnknownValueError,
    from_first_strike,
    from_trigger,
    relapse,
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
    "from_first_strike",
    "from_trigger",
    "join",
    "relapse",
    "summarise",
    "wilson_interval",
]
