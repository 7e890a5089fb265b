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

#: Occurrences drawn at a time for a whole block. A multiple of 4, since Philox makes four numbers at a time.
CHUNK = 8
#: The largest float32 below 1.
BELOW_ONE = np.nextafter(Real(1), Real(0))


def uniforms(seed: int, key: str, first: int, count: int, chunk: int) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1) for replicates `first` to `first + count - 1`, shape (count, CHUNK).

    `chunk` numbers the occurrences: chunk c holds occurrences c * CHUNK to (c + 1) * CHUNK - 1.
    """
    digest = hashlib.blake2b(f"{seed}/{key}".encode(), digest_size=16).digest()
    philox = np.random.Philox(
        key=np.frombuffer(digest, np.uint64), counter=[first * CHUNK // 4, chunk, 0, 0]
    )
    return np.random.Generator(philox).random((count, CHUNK))


class Luck:
    """The luck of one block of replicates: makes the streams of its agents.

    Args:
        seed: the batch's seed.
        first: number of the block's first replicate in the batch.
        count: how many replicates the block has.
    """

    def __init__(self, seed: int, first: int, count: int) -> None:
        self.seed, self.first, self.count = seed, first, count

    def uniforms(self, key: str, chunk: int = 0) -> NDArray[np.float64]:
        """One chunk of a stream's uniform numbers, shape (count, CHUNK)."""
        return uniforms(self.seed, key, self.first, self.count, chunk)


class Stream(OverReplicates):
    """Uniform numbers in [0, 1), taken one after another by each replicate on its own."""

    def __init__(self, luck: Luck, key: str) -> None:
        self._luck, self._key = luck, key
        self._chunks: list[NDArray[np.float32]] = []
        self.place = np.arange(luck.count)
        self.taken = np.zeros(luck.count, np.int32)

    def _shape(self, draws: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.minimum(draws.astype(Real), BELOW_ONE)

    def _chunk(self, number: int) -> NDArray[np.float32]:
        while len(self._chunks) <= number:
            draws = self._luck.uniforms(self._key, len(self._chunks))
            self._chunks.append(self._shape(draws))
        return self._chunks[number]

    def take(self, who: Indices) -> NDArray[np.float32]:
        """The next number of each replicate in `who`, shape (len(who),)."""
        chunk, column = np.divmod(self.taken[who], CHUNK)
        self.taken[who] += 1
        place = self.place[who]
        numbers = np.unique(chunk) if who.size else []
        if len(numbers) == 1:
            return self._chunk(int(numbers[0]))[place, column]
        taken = np.empty(who.size, Real)
        for number in numbers:
            here = chunk == number
            taken[here] = self._chunk(int(number))[place[here], column[here]]
        return taken


class NormalStream(Stream):
    """Standard normal numbers, two from each pair of uniform ones (Box and Muller 1958)."""

    def _shape(self, draws: NDArray[np.float64]) -> NDArray[np.float32]:
        half = CHUNK // 2
        radius, angle = np.sqrt(-2 * np.log1p(-draws[:, :half])), 2 * np.pi * draws[:, half:]
        return np.hstack([radius * np.cos(angle), radius * np.sin(angle)]).astype(Real)


class Clock(Stream):
    """When an event happens: its hazard eats a unit-exponential budget, and takes the next one when it is gone."""

    def __init__(self, luck: Luck, key: str) -> None:
        super().__init__(luck, key)
        self.left = self.take(np.arange(luck.count))

    def _shape(self, draws: NDArray[np.float64]) -> NDArray[np.float32]:
        return -np.log1p(-draws).astype(Real)

    def ring(self, hazard: Array) -> NDArray[np.bool_]:
        """Spend `hazard` (a rate times the turn's length) and say in which replicates the event happens."""
        self.left -= hazard
        rang = self.left <= 0
        who = np.flatnonzero(rang)
        if who.size:  # what a budget lacks is owed by the next one, so that no rate is lost to long turns
            self.left[who] += self.take(who)
        return rang
