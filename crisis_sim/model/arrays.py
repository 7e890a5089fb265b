"""What everything in a block shares: its arrays run over the replicates, and shrink together when finished ones leave."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: An array over replicates, shape (replicates,), or one number shared by all of them.
Array = Any
Real = np.float32
Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]


def at(values: Array, who: Indices) -> Array:
    """A parameter's values for some replicates; a number shared by all stays as it is."""
    return values.take(who, axis=0) if isinstance(values, np.ndarray) else values


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


def reals(*names: str) -> np.dtype[np.void]:
    """A kind of record whose fields are all of `Real`."""
    return np.dtype([(name, Real) for name in names])


class Settings(OverReplicates):
    """Numbers that a compiled rule reads: one record for each replicate, or a single one where all share them.

    Args:
        records: shape (replicates, ...), or (1, ...) where they are shared.
    """

    def __init__(self, records: NDArray[np.void]) -> None:
        shared = len(records) == 1
        # In a tuple where it is not over the replicates.
        self._shared = (records,) if shared else None
        self._own = None if shared else records

    @classmethod
    def of(cls, kind: np.dtype[np.void], **numbers: Array) -> Settings:
        """Settings of a kind, from a number for each of its fields: shared by all or of shape (replicates,)."""
        records = np.empty(max(np.size(number) for number in numbers.values()), kind)
        for name, number in numbers.items():
            records[name] = number
        return cls(records)

    @property
    def records(self) -> Any:
        """The records; that of replicate k is `records[min(k, len(records) - 1)]`."""
        return self._own if self._shared is None else self._shared[0]
