"""Keyed luck: every random event has a stream of its own, so that no agent's luck hangs on another's.

The n-th draw of a stream is a function of seed, replicate, agent name, purpose and n alone. Replicate 4711 is therefore
the same crisis in a batch of one or of a million; when an agent is taken out no other one hears of it; and scenarios run
on the same seed are paired (common random numbers).

An event in continuous time has a *clock*: a unit-exponential budget that its hazard eats turn by turn, after which it
happens and the clock takes its next budget (random time change; the common reaction path method of Rathinam, Sheppard and
Khammash 2010, Journal of Chemical Physics 132, 034103). A choice takes the next uniform number of its stream.

The draws come from NumPy's counter-based Philox generator (Salmon et al. 2011), keyed by a hash of seed and purpose and
set to the replicate's own place in the sequence.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.arrays import Array, Indices, OverReplicates, Real

#: 32-bit numbers that Philox makes at one step of its counter.
NUMBERS_A_STEP = 8


class Luck:
    """The luck of one block of replicates.

    The n-th number of replicate k in a stream is number k of the sequence that seed, stream and n name, wherever k's block
    starts.

    Args:
        seed: the batch's seed.
        first: number of the block's first replicate in the batch.
        count: how many replicates the block has.
        points: how many points of a design share the luck of these replicates; the block then has points * count rows,
            one point after the other.
    """

    def __init__(self, seed: int, first: int, count: int, points: int = 1) -> None:
        self.seed, self.first, self.count, self.points = seed, first, count, points

    @property
    def rows(self) -> int:
        """How many rows the block has: each replicate once for each point."""
        return self.count * self.points

    def for_rows(self, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
        """Numbers of the replicates, shape (count,), as those of the rows, shape (rows,)."""
        return np.tile(numbers, self.points) if self.points > 1 else numbers

    def uniforms(self, key: str, occurrence: int = 0) -> NDArray[np.float32]:
        """The uniform numbers in [0, 1) of one occurrence in a stream, one for each replicate, shape (count,)."""
        digest = hashlib.blake2b(f"{self.seed}/{key}".encode(), digest_size=16).digest()
        step, skipped = divmod(self.first, NUMBERS_A_STEP)
        philox = np.random.Philox(
            key=np.frombuffer(digest, np.uint64), counter=[step, occurrence, 0, 0]
        )
        return np.random.Generator(philox).random(skipped + self.count, Real)[skipped:]


class Stream(OverReplicates):
    """Uniform numbers in [0, 1), taken one after another by each replicate on its own.

    Args:
        luck: the block's luck.
        key: agent and purpose.
        place: the rows of the block that are still in it; all of them where left out.
    """

    def __init__(self, luck: Luck, key: str, place: Indices | None = None) -> None:
        self._luck, self._key = luck, key
        place = np.arange(luck.rows) if place is None else place
        self._taken = np.zeros(place.size, np.intp)
        if luck.points == 1:
            columns, self._column = place, np.arange(place.size)
        else:  # the points of a design read the same numbers
            columns, self._column = np.arange(luck.count), place % luck.count
        self._drawn = 0
        # In a tuple, since they are not over the replicates: the replicates of the block that the columns stand for, and
        # the numbers, one row an occurrence, with room for more rows.
        self._columns = (columns,)
        self._numbers = (np.empty((4, columns.size), Real),)

    def _row(self, occurrence: int) -> NDArray[np.float32]:
        """The numbers of one occurrence for all replicates of the block, shape (count,)."""
        return self._luck.uniforms(self._key, occurrence)

    def _draw(self) -> None:
        """Draw one more occurrence."""
        (numbers,), (places,) = self._numbers, self._columns
        if self._drawn == len(numbers):
            roomier = np.empty((2 * self._drawn, places.size), Real)
            roomier[: self._drawn] = numbers
            self._numbers, numbers = (roomier,), roomier
        row = self._row(self._drawn)
        numbers[self._drawn] = row if places.size == row.size else row.take(places)
        self._drawn += 1

    def take(self, who: Indices) -> NDArray[np.float32]:
        """The next number of each replicate in `who`, shape (len(who),)."""
        occurrence = self._taken.take(who)
        self._taken[who] = occurrence + 1
        while occurrence.size and occurrence.max() >= self._drawn:
            self._draw()
        (numbers,) = self._numbers
        occurrence *= numbers.shape[1]
        occurrence += self._column.take(who)
        return numbers.reshape(-1).take(occurrence)

    def keep(self, chosen: Indices, replicates: int) -> None:
        """Keep the chosen replicates; their columns are copied once a quarter of those there is of no more use."""
        super().keep(chosen, replicates)
        (numbers,), (places,) = self._numbers, self._columns
        if 4 * self._column.size < 3 * places.size:
            rows = max(self._drawn, 1)
            self._numbers = (numbers[:rows].take(self._column, axis=1),)
            self._columns = (places.take(self._column),)
            self._column = np.arange(self._column.size)


class NormalStream(Stream):
    """Standard normal numbers, two from each pair of uniform ones (Box and Muller 1958)."""

    def _row(self, occurrence: int) -> NDArray[np.float32]:
        pair = occurrence - occurrence % 2
        radius = np.sqrt(-2 * np.log(1 - super()._row(pair)))
        angle = Real(2 * np.pi) * super()._row(pair + 1)
        turn = np.cos(angle) if occurrence == pair else np.sin(angle)
        return np.asarray(radius * turn)


class Clock(Stream):
    """When an event happens: its hazard eats a unit-exponential budget, and takes the next one when it is gone."""

    def __init__(self, luck: Luck, key: str, place: Indices | None = None) -> None:
        super().__init__(luck, key, place)
        self.left = self.take(np.arange(self._column.size))

    def _row(self, occurrence: int) -> NDArray[np.float32]:
        return -np.log(
            1 - super()._row(occurrence)
        )  # exact: a number and 1 less it are multiples of 2**-24

    def ring(self, hazard: Array, who: Indices | None = None) -> Indices:
        """Spend `hazard` (a rate times the turn's length) and say in which replicates the event happens.

        Args:
            hazard: shape (replicates,), or (len(who),), or one number for all.
            who: the replicates in which the clock runs in this turn; all of them where left out.
        """
        if who is None:
            self.left -= hazard
            rang = (self.left <= 0).nonzero()[0]
        else:
            left = self.left.take(who) - hazard
            self.left[who] = left
            rang = who[left <= 0]
        if (
            rang.size
        ):  # what a budget lacks is owed by the next one, so that no rate is lost to long turns
            self.left[rang] += self.take(rang)
        return rang
