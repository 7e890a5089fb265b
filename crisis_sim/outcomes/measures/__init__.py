"""Measures: figures that are computed at every point of a design at once.

    from crisis_sim.outcomes.measures import measure

    quick = measure("ceasefire_within_96_hours")
    deadly = measure({"share": {"deaths": {"at_least": 1000}}, "given": {"mediated": True}})
    measured = quick.over(ensemble, points=1)      # estimate, limits, standard error, influence

A measure is written by a name (`names`), by the path of a figure in summary.json, such as
`ceasefire.from_trigger.by.30_days`, or as a mapping (`read`):

    share: {ending: agreement}                       how often something is so
    within_hours: 96                                 how often something comes in time, with
      of: ceasefire_in_effect_at_hours               competing endings and censoring dealt with
      since: first_strike_at_hours                   (cumulative incidence, Aalen-Johansen)
    time_quantile: 0.5                               by when half have come, on the same curve
      of: ceasefire_in_effect_at_hours
      since: first_strike_at_hours
    quantile: 0.9                                    of a column, among those that have a value
      of: deaths
    mean: deaths                                     likewise

`given` restricts a share, a quantile or a mean to the crises in which something else is so, and
`name` says what to call the figure.
"""

from __future__ import annotations

from crisis_sim.outcomes.measures.columns import Columns
from crisis_sim.outcomes.measures.conditions import Condition
from crisis_sim.outcomes.measures.kinds import (
    ColumnMean,
    ColumnQuantile,
    Measure,
    Share,
    TimeQuantile,
    Within,
)
from crisis_sim.outcomes.measures.measured import Contrast, Measured
from crisis_sim.outcomes.measures.names import NAMES, known_names
from crisis_sim.outcomes.measures.read import MEASURE_SCHEMA, measure, read_measure

__all__ = [
    "MEASURE_SCHEMA",
    "NAMES",
    "ColumnMean",
    "ColumnQuantile",
    "Columns",
    "Condition",
    "Contrast",
    "Measure",
    "Measured",
    "Share",
    "TimeQuantile",
    "Within",
    "known_names",
    "measure",
    "read_measure",
]
