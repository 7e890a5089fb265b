"""The ladder of escalation: what each rung means, looked up by rung number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.arrays import Array, OverReplicates, Real, reals
from crisis_sim.model.parameters import Parameters
from crisis_sim.scenario.schema import VIOLENCE, Rung


class Table(OverReplicates):
    """One number for each rung: the same for all replicates, or drawn for each of them."""

    def __init__(self, columns: list[Any]) -> None:
        drawn = [column for column in columns if isinstance(column, np.ndarray)]
        self._shared: tuple[NDArray[np.float32], ...] = ()
        self._own: NDArray[np.float32] | None = None
        if drawn:
            shape = drawn[0].shape
            self._own = np.stack([np.broadcast_to(Real(c), shape) for c in columns], axis=1)
        else:
            self._shared = (np.array(columns, Real),)

    @property
    def rows(self) -> NDArray[np.float32]:
        """The numbers of all rungs, shape (replicates, rungs), or (1, rungs) where they are alike for all replicates."""
        return self._shared[0][None, :] if self._own is None else self._own


#: What being on a rung means, for a turn where it takes time.
RUNG = reals(
    "intensity", "dread", "harm", "answer", "cost", "deaths", "violence", "strike", "war", "nuclear"
)  # fmt: skip
#: What coming to a rung from below brings at once.
OPENING = reals("harm", "deaths")


class Ladder(OverReplicates):
    """A scenario's rungs, from the lowest (0) up.

    Attributes:
        names: the rungs' names.
        intensity, opening_deaths, deaths_per_day, cost_per_day: tables by rung, as in the scenario.
        opening_harm, harm_per_day: the grievance that the deaths give the rival, at once and a day.
        violence: the rungs' place in `VIOLENCE`, by rung, as float32 in a table.
        strike, war, nuclear: flags by rung, as float32 0 or 1 in tables.
        halt_rung: the highest rung without violence, to which a halt brings both sides.
        fire_rung: the lowest violent rung, where fighting starts again.
        nuclear_rung: number of the lowest nuclear rung, or the number of rungs where there is none.
    """

    def __init__(
        self, rungs: tuple[Rung, ...], parameters: Parameters, harm: Any, flow: Any
    ) -> None:
        self.names = tuple(rung.name for rung in rungs)
        self.top = len(rungs) - 1
        numbers = [parameters.numbers(f"ladder.{k}", rung) for k, rung in enumerate(rungs)]
        self.intensities = tuple(number.intensity for number in numbers)
        self.intensity = Table(list(self.intensities))
        self.deaths_per_day = Table([number.deaths_per_day for number in numbers])
        self.cost_per_day = Table([number.cost_per_day for number in numbers])
        self.opening_deaths = Table([number.opening_deaths for number in numbers])
        self.opening_harm = Table([harm(number.opening_deaths) for number in numbers])
        self.harm_per_day = Table([flow(number.deaths_per_day) for number in numbers])
        violence = [VIOLENCE.index(rung.violence) for rung in rungs]
        self.violence = Table(list(map(float, violence)))
        self.strike = Table([float(rung.strike) for rung in rungs])
        self.war = Table([float(level == len(VIOLENCE) - 1) for level in violence])
        self.nuclear = Table([float(rung.nuclear) for rung in rungs])
        self.halt_rung = max((k for k, level in enumerate(violence) if level == 0), default=0)
        self.fire_rung = min((k for k, level in enumerate(violence) if level > 0), default=self.top)
        self.nuclear_rung = min(
            (k for k, rung in enumerate(rungs) if rung.nuclear), default=self.top + 1
        )

    def rungs(
        self, days_per_turn: float, attrition_credit: Array, dread_power: Array
    ) -> NDArray[np.void]:
        """What each rung means, in records of `RUNG`, shape (replicates or 1, rungs).

        Args:
            days_per_turn: length of a turn.
            attrition_credit: share of the harm done day by day that settles one's own grievance.
            dread_power: how steeply dread rises with intensity.
        """
        harm = Real(days_per_turn) * self.harm_per_day.rows
        credit = attrition_credit[:, None] if np.ndim(attrition_credit) else attrition_credit
        fields = {
            "intensity": self.intensity.rows,
            "dread": Table([intensity**dread_power for intensity in self.intensities]).rows,
            "harm": harm,
            "answer": credit * harm,
            "cost": Real(days_per_turn) * self.cost_per_day.rows,
            "deaths": Real(days_per_turn) * self.deaths_per_day.rows,
            "violence": self.violence.rows,
            "strike": self.strike.rows,
            "war": self.war.rows,
            "nuclear": self.nuclear.rows,
        }
        return self._records(RUNG, fields)

    def openings(self) -> NDArray[np.void]:
        """What coming to each rung brings, in records of `OPENING`, shape (replicates or 1, rungs)."""
        fields = {"harm": self.opening_harm.rows, "deaths": self.opening_deaths.rows}
        return self._records(OPENING, fields)

    def _records(
        self, kind: np.dtype[np.void], fields: Mapping[str, NDArray[np.float32]]
    ) -> NDArray[np.void]:
        rows = max(len(numbers) for numbers in fields.values())
        records = np.empty((rows, self.top + 1), kind)
        for name, numbers in fields.items():
            records[name] = numbers
        return records
