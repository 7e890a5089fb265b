"""What a batch is told of each replicate: its milestones, its worst moments and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.arrays import Indices
from crisis_sim.model.compiled import compiled


class Record:
    """Columns over all replicates of a block, those that have left it too.

    Args:
        replicates: how many replicates the block started with.

    Attributes:
        place: for each replicate still in the block, its row in the record.
    """

    def __init__(self, replicates: int) -> None:
        self.place = np.arange(replicates)
        self.columns: dict[str, NDArray[Any]] = {}
        self._words: dict[str, NDArray[np.str_]] = {}

    def add(self, name: str, fill: Any = np.nan, dtype: Any = np.float64) -> None:
        """Make a column of numbers."""
        self.columns[name] = np.full(self.place.size, fill, dtype)

    def add_words(self, name: str, words: Sequence[str]) -> None:
        """Make a column of words, kept as their numbers in `words`; it starts with the first one."""
        self.add(name, 0, np.int16)
        self._words[name] = np.array(words)

    def table(self) -> dict[str, NDArray[Any]]:
        """All columns, words as words."""
        return {
            name: self._words[name][column] if name in self._words else column
            for name, column in self.columns.items()
        }

    def mark(self, name: str, who: Indices, hours: Any) -> None:
        """Note the first time of a milestone; later ones leave it as it is."""
        _mark(self.columns[name], self.place, who, np.asarray(hours, np.float64).reshape(-1))

    def set(self, name: str, who: Indices, value: Any) -> None:
        """Write a column for some replicates."""
        self.columns[name][self.place[who]] = value

    def raise_to(self, name: str, who: Indices, value: Any) -> None:
        """Keep the highest value that a column has seen."""
        rows = self.place[who]
        self.columns[name][rows] = np.maximum(self.columns[name][rows], value)

    def of(self, name: str, who: Indices) -> NDArray[Any]:
        """A column's values for some replicates."""
        return self.columns[name][self.place[who]]


@compiled
def _mark(
    column: NDArray[np.float64], place: Indices, who: Indices, hours: NDArray[np.float64]
) -> None:
    last = hours.size - 1
    for number in range(who.size):
        row = place[who[number]]
        if np.isnan(column[row]):
            column[row] = hours[min(number, last)]
