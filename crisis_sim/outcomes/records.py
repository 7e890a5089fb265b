"""What this room asks of a batch, and the words its columns may hold.

The statistics read three things from a batch: its scenarios, each a table with one row for each
replicate, and the seed of its luck. Whatever offers these will do: a batch just simulated, one
read from a results folder, or several joined by `crisis_sim.outcomes.comparison.join`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from crisis_sim.outcomes.errors import UnknownValueError
from crisis_sim.scenario.schema import ENDINGS, VIOLENCE

AGREEMENT = "agreement"

#: Still going on when the horizon came: cut off, not ended.
UNRESOLVED = "unresolved"

#: Endings of a crisis other than by agreement, after which no ceasefire can come.
OTHER_ENDINGS = tuple(ending for ending in ENDINGS if ending not in (AGREEMENT, UNRESOLVED))

#: Every value of the column `worst_violence`, from least to most.
WORST_VIOLENCE = VIOLENCE


class Replicates(Protocol):
    """One scenario's replicates (`crisis_sim.batch.ensemble.Ensemble` is one)."""

    @property
    def name(self) -> str:
        """The scenario's name."""

    @property
    def title(self) -> str:
        """The scenario's title, in words."""

    @property
    def horizon_hours(self) -> float:
        """Hours from the start after which no crisis was followed."""

    @property
    def replicates(self) -> int:
        """Number of replicates."""

    def column(self, name: str) -> NDArray[Any]:
        """One value for each replicate; NaN or an empty string where the thing never came."""


@runtime_checkable
class Scenarios(Protocol):
    """Scenarios simulated together (`crisis_sim.batch.Batch` is one)."""

    @property
    def ensembles(self) -> Mapping[str, Replicates]:
        """Each scenario's replicates by name; the first is the usual reference."""

    @property
    def seed(self) -> int | None:
        """The seed that, with a replicate's number, fixes its luck; None if there is not one."""


def kinds(ensemble: Replicates, column: str, valid: tuple[str, ...]) -> NDArray[np.int8]:
    """A column of words as places in `valid`, shape `(replicates,)`.

    Raises:
        UnknownValueError: The column holds a word that is not in `valid`.
    """
    words = ensemble.column(column)
    places = np.full(len(words), -1, dtype=np.int8)
    for place, word in enumerate(valid):
        places[words == word] = place
    if (places < 0).any():
        raise UnknownValueError(column, str(words[int(np.argmin(places))]), valid)
    return places
