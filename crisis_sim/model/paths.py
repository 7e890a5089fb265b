"""Day-by-day paths of a batch's first replicates, for charts of bands: markets, pressure and rungs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.arrays import Real
from crisis_sim.model.compiled import rule

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel

#: How a state stands at the end of a day.
PATH = np.dtype([("rung", np.int64), ("market", Real), ("pressure", Real)], align=True)
#: The rung of a day that a crisis has not come to.
_NOT_YET = -1


class Paths:
    """Values at the end of each day; once a crisis is over its last values are held.

    Args:
        crisis: the block.
        replicates: how many of the batch's first replicates to keep paths of.

    Attributes:
        kept: how many of them are in the block.
        records: records of `PATH`, shape (days, kept, states), which rules write.
    """

    def __init__(self, crisis: CrisisModel, replicates: int) -> None:
        self._crisis = crisis
        self.kept = min(max(replicates - crisis.first_replicate, 0), crisis.replicates)
        scenario = crisis.scenario  # whose last turn may end after the horizon
        hours = max(scenario.horizon_hours, scenario.turn_ends()[-1])
        days = int(hours // 24) if self.kept else 0
        self.records = np.zeros((days + 1, self.kept, len(crisis.states)), PATH)
        self.records["rung"] = _NOT_YET

    def begin(self) -> None:
        """Note how the states stand before the first turn."""
        for state in self._crisis.states:
            today = self.records[0, :, state.place]
            today["rung"] = state.rung[: self.kept]
            today["market"] = state.economy.market[: self.kept]
            today["pressure"] = state.economy.pressure[: self.kept]

    def columns(self) -> dict[str, NDArray[Any]] | None:
        """The paths as columns, one row a replicate and day to the horizon, or None where none are kept."""
        if not self.kept:
            return None
        day = np.arange(len(self.records))
        came = self.records["rung"][:, :, 0] != _NOT_YET
        last = np.maximum.accumulate(np.where(came, day[:, None], 0), axis=0)
        held = self.records[last, np.arange(self.kept)]
        columns = {
            "replicate": np.tile(self._crisis.first_replicate + np.arange(self.kept), day.size),
            "day": np.repeat(day, self.kept),
        }
        for state in self._crisis.states:
            for name in ("market", "pressure", "rung"):
                columns[f"{state.name}_{name}"] = held[name][:, :, state.place].reshape(-1)
        return columns


@rule
def keep(today: Any, own: Any) -> None:
    """Note how a state stands."""
    today.rung = own.rung
    today.market = own.market
    today.pressure = own.pressure
