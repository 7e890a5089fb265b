"""What everything in a block shares: its arrays run over the replicates, and shrink together when finished ones leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.compiled import rule

#: An array over replicates, shape (replicates,), or one number shared by all of them.
Array = Any
Real = np.float32
Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]
#: Hours of a day.
DAY_HOURS = 24
#: Hours: times no further apart are the same, whatever sums and products they are of.
MOMENT = 1e-6


def at_most(values: Array, most: float) -> Array:
    """Values, none above a bound; a number shared by all stays a plain one."""
    return np.minimum(values, Real(most)) if isinstance(values, np.ndarray) else min(values, most)


class OverReplicates:
    """Something whose array attributes all run over the replicates of the block.

    A dictionary of arrays is fine too, as is a part that is itself `OverReplicates`. Anything else that is not over
    replicates belongs in a plain number, a tuple or an object of another kind.
    """

    def keep(self, chosen: Indices, replicates: int) -> None:
        """Keep only the chosen replicates out of `replicates`.

        Raises:
            TypeError: when an array attribute does not run over the replicates.
        """
        attributes = vars(self)
        for name, value in attributes.items():
            attributes[name] = self._kept(name, value, chosen, replicates)

    def _kept(self, name: str, value: Any, chosen: Indices, replicates: int) -> Any:
        if isinstance(value, np.ndarray):
            if value.shape[:1] != (replicates,):
                raise TypeError(
                    f"{type(self).__name__}.{name} has shape {value.shape}, not one entry for each of the "
                    f"{replicates} replicates; keep what is shared by all in a tuple or a number"
                )
            return value.take(chosen, axis=0)
        if isinstance(value, dict):
            return {key: self._kept(name, part, chosen, replicates) for key, part in value.items()}
        if isinstance(value, OverReplicates) and not value.keeps_itself:
            value.keep(chosen, replicates)
        return value

    #: Whether the block tells it itself to keep (agents do not shrink the agents that they know).
    keeps_itself = False


# Records: what rules read and write. A row of them is all that there is of one replicate, side by side in memory.


def reals(*names: str) -> np.dtype[np.void]:
    """A kind of record whose fields are all of `Real`."""
    return np.dtype([(name, Real) for name in names])


class Held:
    """An attribute that is a field of its owner's records: an array over replicates, which can be changed in place.

    The owner's `records` says where they are now, shape (replicates,).
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self if owner is None else owner.records[self._name]

    def __set__(self, owner: Any, values: Array) -> None:
        owner.records[self._name] = values


def terms(kind: np.dtype[np.void], members: Sequence[Mapping[str, Array]]) -> NDArray[np.void]:
    """Numbers that rules read, a record for each member: shape (replicates, members), or (1, members) where all share them.

    Args:
        kind: the records' fields.
        members: for each member a number for each field, shared by all replicates or of shape (replicates,).
    """
    rows = max((np.size(number) for member in members for number in member.values()), default=1)
    records = np.zeros((rows, len(members)), kind)
    for place, member in enumerate(members):
        for name in kind.names or ():
            records[name][:, place] = member[name]
    return records


def kept(records: NDArray[Any], chosen: Indices, replicates: int) -> NDArray[Any]:
    """Rows of the chosen replicates out of `replicates`, or the one row that all share."""
    return records if len(records) == 1 < replicates else records[chosen]


@rule
def row(records: Any, one: Any) -> Any:
    """The row of replicate `one`, or the only one where all share it."""
    return one if records.shape[0] > 1 else 0
