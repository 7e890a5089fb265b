"""What third parties bring to bear on a state, joined party by party."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.arrays import Array, Real, reals
from crisis_sim.model.compiled import rule

#: What third parties bring to bear on a state: see `Influence`. Until all have joined, shares are what is left of them.
INFLUENCE = reals(
    "restraint", "inducement", "cover", "information", "privacy", "trust", "overtness"
)
SHARES = ("cover", "information", "privacy", "trust")
#: The same with the economic pressure that is put on it, as agents of one's own bring it.
BESIDE = np.dtype([*((name, Real) for name in INFLUENCE.names or ()), ("strain", Real)])
_ONE = Real(1)


@dataclass(slots=True)
class Influence:
    """What a third party brings to bear on one state, in some replicates; each an array over those replicates, or None.

    Attributes:
        restraint: value that it takes from full intensity (negative: that it adds).
        inducement: value that it adds to a halt.
        cover: share of the audience cost of stepping down that it saves.
        information: share of the fog that it lifts.
        privacy: share of the cost of an open offer that a private way saves.
        trust: share of the mistrust of a halt that it lifts.
        overtness: how far it is seen to broker.
    """

    restraint: Array = None
    inducement: Array = None
    cover: Array = None
    information: Array = None
    privacy: Array = None
    trust: Array = None
    overtness: Array = None


def bring_nothing(records: NDArray[np.void]) -> None:
    """Let records of `INFLUENCE` say that no third party has joined yet."""
    for name in INFLUENCE.names or ():
        records[name] = 1 if name in SHARES else 0


def join(records: NDArray[np.void], influence: Influence, who: Any = slice(None)) -> None:
    """Join what one party brings, in the replicates `who`.

    Values add up; shares each save a part of what the others left; overtness is that of the most overt.
    """
    for name in INFLUENCE.names or ():
        part = getattr(influence, name)
        if part is None:
            continue
        part = np.asarray(part, Real)
        if name in SHARES:
            records[name][who] *= _ONE - part
        elif name == "overtness":
            records[name][who] = np.maximum(records[name][who], part)
        else:
            records[name][who] += part


@rule
def begin(total: Any, beside: Any) -> None:
    """Begin with what agents of one's own bring."""
    total.restraint = beside.restraint
    total.inducement = beside.inducement
    total.cover = beside.cover
    total.information = beside.information
    total.privacy = beside.privacy
    total.trust = beside.trust
    total.overtness = beside.overtness


@rule
def close(total: Any) -> None:
    """Turn what is left of shares into the shares, once all have joined."""
    total.cover = _ONE - total.cover
    total.information = _ONE - total.information
    total.privacy = _ONE - total.privacy
    total.trust = _ONE - total.trust
