"""One scenario's outcomes, read once and put in the form that the statistics need."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crisis_sim.outcomes.durations import CLOCKS, Durations
from crisis_sim.outcomes.incidence import CumulativeIncidence
from crisis_sim.outcomes.intervals import BoolArray
from crisis_sim.outcomes.paired import MedianTime, median_time
from crisis_sim.outcomes.records import WORST_VIOLENCE, Replicates, kinds
from crisis_sim.scenario.schema import ENDINGS


@dataclass(frozen=True, eq=False)
class Reading:
    """What happened in each replicate of one scenario.

    Attributes:
        replicate: Replicate numbers, shape `(replicates,)`.
        happened: Yes or no for each replicate, by group and by name within it: `endings`,
            `worst_violence` and `shares` (see `what_happened`).
        durations: The three clocks' readings, by the names in `clocks.CLOCKS`, competing endings
            taken together.
        curves: The cumulative incidence on each of them.
    """

    replicate: NDArray[np.int64]
    happened: dict[str, dict[str, BoolArray]]
    durations: dict[str, Durations]
    curves: dict[str, CumulativeIncidence]
    _medians: dict[tuple[str, int], MedianTime] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, ensemble: Replicates) -> Reading:
        """Read a scenario's table.

        Raises:
            UnknownValueError: An ending or a worst violence is not one of those there are.
        """
        durations = {name: clock(ensemble).competing_as_one() for name, clock in CLOCKS.items()}
        return cls(
            replicate=np.asarray(ensemble.column("replicate")).astype(np.int64),
            happened=what_happened(ensemble),
            durations=durations,
            curves={name: reading.incidence() for name, reading in durations.items()},
        )

    def median(self, clock: str, stream: int = 0) -> MedianTime:
        """The median time on a clock with its bootstrap, made once: a reference needs it often."""
        if (clock, stream) not in self._medians:
            self._medians[clock, stream] = median_time(self.curves[clock], stream)
        return self._medians[clock, stream]

    def subset(self, rows: NDArray[np.intp]) -> Reading:
        """The same for some of the replicates, in the order of `rows`."""
        durations = {name: reading.subset(rows) for name, reading in self.durations.items()}
        return Reading(
            replicate=self.replicate[rows],
            happened={
                group: {name: came[rows] for name, came in names.items()}
                for group, names in self.happened.items()
            },
            durations=durations,
            curves={name: reading.incidence() for name, reading in durations.items()},
        )


def what_happened(ensemble: Replicates) -> dict[str, dict[str, BoolArray]]:
    """Everything whose share is reported, as one yes or no for each replicate.

    `shares` holds what may come beside any ending: a first strike, mediation, full-scale war,
    nuclear use. `endings` and `worst_violence` each partition the replicates.
    """
    ending = kinds(ensemble, "ending", ENDINGS)
    violence = kinds(ensemble, "worst_violence", WORST_VIOLENCE)
    return {
        "endings": {name: ending == place for place, name in enumerate(ENDINGS)},
        "shares": {
            "first_strike": ~np.isnan(ensemble.column("first_strike_at_hours")),
            "mediated": ensemble.column("mediated").astype(np.bool_),
            "war": ~np.isnan(ensemble.column("war_at_hours")),
            "nuclear_use": ~np.isnan(ensemble.column("nuclear_use_at_hours")),
        },
        "worst_violence": {name: violence == place for place, name in enumerate(WORST_VIOLENCE)},
    }
