"""Which replicates a page tells: a few typical and a few extreme ones, each by a rule that it states.

Typical is what most crises are: of those with the commonest ending, and among these the commonest
worst violence, the ones nearest the median and the quartiles of the time from trigger to end.
Extreme are the quickest and the slowest ceasefire after a first strike, and the crisis with the
most deaths. Of replicates that fit a rule equally well it is the one with the lowest number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crisis_sim.outcomes.records import AGREEMENT, UNRESOLVED
from crisis_sim.outcomes.text import of_these
from crisis_sim.report import words

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Ensemble

#: What is typical: a name, a heading, the share of typical crises that end sooner, and its name.
_TYPICAL = (
    ("typical", "A typical crisis", 0.5, "median"),
    ("shorter", "A typical one, on the short side", 0.25, "lower quartile"),
    ("longer", "A typical one, on the long side", 0.75, "upper quartile"),
)

#: Which crises are chosen from.
_ALIKE = "crises that ended in the commonest way"
_HALTED = "crises with a first strike and then a ceasefire that held"

Rows = NDArray[np.intp]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """A replicate that is worth telling.

    Attributes:
        name: a word for what it stands for.
        heading: the same as a heading.
        why: the rule by which it was chosen, with the figures that it was chosen by.
        replicate: its number.
        row: its place in the ensemble's table.
    """

    name: str
    heading: str
    why: str
    replicate: int
    row: int


def choose(ensemble: Ensemble) -> list[Choice]:
    """The replicates to tell, the typical ones first; none twice.

    Args:
        ensemble: the replicates of one scenario.
    """
    number = ensemble.column("replicate").astype(np.int64)
    found: dict[int, Choice] = {}
    for name, heading, why, row in (*_typical(ensemble, number), *_extreme(ensemble, number)):
        replicate = int(number[row])
        found.setdefault(replicate, Choice(name, heading, why, replicate, row))
    return list(found.values())


def _typical(ensemble: Ensemble, number: NDArray[np.int64]) -> Iterator[tuple[str, str, str, int]]:
    ending, violence = ensemble.column("ending"), ensemble.column("worst_violence")
    lasted = ensemble.column("ended_at_hours") - ensemble.column("trigger_at_hours")
    over = np.flatnonzero((ending != UNRESOLVED) & ~np.isnan(lasted))
    if not len(over):
        return
    commonest = _commonest(ending[over])
    alike = over[ending[over] == commonest]
    worst = _commonest(violence[alike])
    alike = alike[violence[alike] == worst]
    for name, heading, share, called in _TYPICAL:
        at = float(np.quantile(lasted[alike], share))
        row = _least(alike, np.abs(lasted[alike] - at), number)
        yield (
            name,
            heading,
            f"Of {of_these(len(alike), _ALIKE)} ({words.ENDINGS.get(commonest, commonest)}) and, among those, with the "
            f"commonest worst violence ({worst}), none lasted nearer to the {called} from trigger to end: this one took "
            f"{words.duration(float(lasted[row]))}.{_tied(ending[over], violence[over][ending[over] == commonest])}",
            row,
        )


def _extreme(ensemble: Ensemble, number: NDArray[np.int64]) -> Iterator[tuple[str, str, str, int]]:
    to_ceasefire = ensemble.column("ended_at_hours") - ensemble.column("first_strike_at_hours")
    agreed = np.flatnonzero(
        (ensemble.column("ending") == AGREEMENT) & ~np.isnan(to_ceasefire) & (to_ceasefire >= 0.0)
    )
    among = f"Of {of_these(len(agreed), _HALTED)}, none "
    if len(agreed):
        quickest = _least(agreed, to_ceasefire[agreed], number)
        told = f"{among}came to it sooner: after {words.duration(float(to_ceasefire[quickest]))}."
        yield "quickest", "The quickest ceasefire", told, quickest
        slowest = _least(agreed, -to_ceasefire[agreed], number)
        told = f"{among}came to it later: after {words.duration(float(to_ceasefire[slowest]))}."
        yield "slowest", "The slowest ceasefire", told, slowest
    deaths = ensemble.column("deaths").astype(np.float64)
    if len(deaths) and deaths.max() > 0.0:
        row = _least(np.arange(len(deaths)), -deaths, number)
        told = f"Of {of_these(len(deaths), 'all crises')}, none cost more lives: about {words.count(float(deaths[row]))}."
        yield "worst", "The worst", told, row


def _commonest(values: NDArray[np.str_]) -> str:
    """The value that comes most often; of equals the first in the alphabet."""
    kinds, counts = np.unique(values, return_counts=True)
    return str(kinds[np.argmax(counts)])


def _tied(*kinds: NDArray[np.str_]) -> str:
    """That others come as often as the commonest, where they do."""
    for values in kinds:
        counts = np.unique(values, return_counts=True)[1]
        if np.count_nonzero(counts == counts.max()) > 1:
            return " Others are as common; of equals the first in the alphabet is taken."
    return ""


def _least(rows: Rows, by: Numbers, number: NDArray[np.int64]) -> int:
    """The row with the least value; of equals the one with the lowest number."""
    return int(rows[np.lexsort((number[rows], by))[0]])
