"""Day-by-day paths of a batch's first replicates, for charts of bands: markets, pressure and rungs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel


class Paths:
    """Values at the end of each day; once a crisis is over its last values are held.

    Args:
        crisis: the block.
        replicates: how many of the batch's first replicates to keep paths of.

    Attributes:
        kept: how many of them are in the block.
    """

    def __init__(self, crisis: CrisisModel, replicates: int) -> None:
        self._crisis = crisis
        self.kept = min(max(replicates - crisis.first_replicate, 0), crisis.replicates)
        self._day = 0
        self._days: list[dict[str, NDArray[Any]]] = []
        if self.kept:
            self._days.append(self._values())

    def _values(self) -> dict[str, NDArray[Any]]:
        values = {}
        for state in self._crisis.states:
            values[f"{state.name}_market"] = state.economy.market
            values[f"{state.name}_pressure"] = state.economy.pressure
            values[f"{state.name}_rung"] = state.rung
        return {name: value[: self.kept].copy() for name, value in values.items()}

    def take(self) -> None:
        """Note the values of the day that has just ended, if one has."""
        crisis = self._crisis
        day = int(crisis.hours // 24)
        if not self.kept or day <= self._day:
            return
        self._day = day
        place = crisis.record.place
        in_this_turn = (
            crisis.record.of("followed_until_hours", np.arange(place.size)) == crisis.hours
        )
        here = np.flatnonzero((place < self.kept) & (crisis.ongoing | in_this_turn))
        today = {name: value.copy() for name, value in self._days[-1].items()}
        for state in crisis.states:
            today[f"{state.name}_market"][place[here]] = state.economy.market[here]
            today[f"{state.name}_pressure"][place[here]] = state.economy.pressure[here]
            today[f"{state.name}_rung"][place[here]] = state.rung[here]
        self._days.append(today)

    def columns(self) -> dict[str, NDArray[Any]] | None:
        """The paths as columns, one row a replicate and day to the horizon, or None where none are kept."""
        if not self.kept:
            return None
        days = int(self._crisis.scenario.horizon_hours // 24)
        held = self._days + [self._days[-1]] * (days + 1 - len(self._days))
        replicates = self._crisis.first_replicate + np.arange(self.kept)
        columns = {
            "replicate": np.tile(replicates, len(held)),
            "day": np.repeat(np.arange(len(held)), self.kept),
        }
        for name in held[0]:
            columns[name] = np.concatenate([day[name] for day in held])
        return columns
