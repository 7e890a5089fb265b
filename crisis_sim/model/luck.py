"""Keyed luck: every random event has a stream of its own, so that no agent's luck hangs on another's.

The n-th draw of a stream is a function of seed, replicate, agent name, purpose and n alone. Replicate 4711 is therefore
the same crisis in a batch of one or of a million; when an agent is taken out no other one hears of it; and scenarios run
on the same seed are paired (common random numbers).

An event in continuous time has a *clock*: a unit-exponential budget that its hazard eats turn by turn, after which it
happens and the clock takes its next budget (random time change; the common reaction path method of Rathinam, Sheppard and
Khammash 2010, Journal of Chemical Physics 132, 034103). A choice takes the next uniform number of its stream.

The numbers are those of the counter-based generator Philox 4x64-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random
numbers: as easy as 1, 2, 3"), keyed by a hash of seed and purpose, with the replicate's own place and n as its counter. Any
of them can be had without those before it, so that they are made where they are used, and none is kept. They are, to the
bit, what NumPy's `Philox` gives at that place.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.arrays import Array, Indices, OverReplicates, Real
from crisis_sim.model.compiled import compiled, driver, routine, rule

#: 32-bit numbers that Philox makes at one step of its counter.
NUMBERS_A_STEP = 8

# The constants of Philox 4x64-10, as published.
_UINT = np.uint64
_MULTIPLIERS = _UINT(0xD2E7470EE14C6C93), _UINT(0xCA5A826395121157)
_KEY_STEPS = _UINT(0x9E3779B97F4A7C15), _UINT(0xBB67AE8584CAA73B)
_ROUNDS = 10
_HALF, _LOW = _UINT(32), _UINT(0xFFFFFFFF)
_ONE, _PER_STEP = _UINT(1), _UINT(NUMBERS_A_STEP)
_SPARE_BITS, _SPACING = _UINT(8), Real(2.0**-24)
_REAL_ONE, _FULL_TURN = Real(1), Real(2 * np.pi)


class Luck(OverReplicates):
    """The luck of one block of replicates.

    The n-th number of replicate k in a stream is number k of the sequence that seed, stream and n name, wherever k's block
    starts.

    Args:
        seed: the batch's seed.
        first: number of the block's first replicate in the batch.
        count: how many replicates the block has.
        points: how many points of a design share the luck of these replicates; the block then has points * count rows,
            one point after the other.

    Attributes:
        replicate: for each row that is still in the block, the number of its replicate in the batch.
    """

    keeps_itself = True  # one for all streams

    def __init__(self, seed: int, first: int, count: int, points: int = 1) -> None:
        self.seed, self.first, self.count, self.points = seed, first, count, points
        # The points of a design read the same numbers.
        self.replicate = np.tile(np.arange(first, first + count, dtype=np.uint64), points)

    @property
    def rows(self) -> int:
        """How many rows the block has: each replicate once for each point."""
        return self.count * self.points

    def for_rows(self, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
        """Numbers of the replicates, shape (count,), as those of the rows, shape (rows,)."""
        return np.tile(numbers, self.points) if self.points > 1 else numbers

    def key_of(self, stream: str) -> NDArray[np.uint64]:
        """The two numbers that key a stream of that name."""
        digest = hashlib.blake2b(f"{self.seed}/{stream}".encode(), digest_size=16).digest()
        return np.frombuffer(digest, np.uint64)

    def uniforms(self, stream: str) -> NDArray[np.float32]:
        """The first uniform number in [0, 1) of a stream, one for each replicate, shape (count,)."""
        return _first_numbers(self.key_of(stream), self.first, self.count)


class Stream(OverReplicates):
    """Uniform numbers in [0, 1), taken one after another by each replicate on its own.

    Args:
        luck: the block's luck.
        name: agent and purpose.
    """

    def __init__(self, luck: Luck, name: str) -> None:
        self._luck = luck
        self._key = (luck.key_of(name),)  # in a tuple, since it is not over the replicates
        self._taken = np.zeros(luck.replicate.size, np.uint32)

    def _next(self, who: Indices) -> NDArray[np.float32]:
        return _take_numbers(self._key[0], self._luck.replicate, self._taken, who)

    def take(self, who: Indices) -> NDArray[np.float32]:
        """The next number of each replicate in `who`, shape (len(who),)."""
        return self._next(who)


class NormalStream(Stream):
    """Standard normal numbers, two from each pair of uniform ones."""

    def take(self, who: Indices) -> NDArray[np.float32]:
        """The next number of each replicate in `who`, shape (len(who),)."""
        return _take_normals(self._key[0], self._luck.replicate, self._taken, who)


class Clock(Stream):
    """When an event happens: its hazard eats a unit-exponential budget, and takes the next one when it is gone."""

    def __init__(self, luck: Luck, name: str) -> None:
        super().__init__(luck, name)
        self.left = self.take(np.arange(self._taken.size))

    def take(self, who: Indices) -> NDArray[np.float32]:
        """The next budget of each replicate in `who`, shape (len(who),)."""
        # Exact: a number and 1 less it are multiples of 2**-24.
        return np.asarray(-np.log(1 - self._next(who)))

    def ring(self, hazard: Array, who: Indices | None = None) -> Indices:
        """Spend `hazard` (a rate times the turn's length) and say in which replicates the event happens.

        Args:
            hazard: shape (replicates,), or (len(who),), or one number for all.
            who: the replicates in which the clock runs in this turn; all of them where left out.
        """
        spent = np.asarray(hazard, Real).reshape(-1)
        rang = _spend_all(self.left, spent) if who is None else _spend(self.left, spent, who)
        self.renew(rang)
        return rang

    def renew(self, rang: Indices) -> None:
        """Take the next budget where the clock rang."""
        if rang.size:
            numbers = self._next(rang)
            np.subtract(1, numbers, out=numbers)
            _renew(self.left, rang, np.log(numbers, out=numbers))


@compiled
def _spend_all(left: NDArray[np.float32], hazard: NDArray[np.float32]) -> Indices:
    """Spend hazards in all replicates; those whose budget is gone."""
    rang = np.empty(left.size, np.intp)
    count, last = 0, hazard.size - 1
    for one in range(left.size):
        left[one] -= hazard[min(one, last)]
        if left[one] <= 0:
            rang[count] = one
            count += 1
    return rang[:count]


@compiled
def _spend(left: NDArray[np.float32], hazard: NDArray[np.float32], who: Indices) -> Indices:
    """Spend hazards in the replicates `who`; those whose budget is gone."""
    rang = np.empty(who.size, np.intp)
    count, last = 0, hazard.size - 1
    for place in range(who.size):
        one = who[place]
        if one >= left.size:
            raise IndexError("a replicate is asked for that is not in the block")
        left[one] -= hazard[min(place, last)]
        if left[one] <= 0:
            rang[count] = one
            count += 1
    return rang[:count]


@compiled
def _renew(left: NDArray[np.float32], rang: Indices, logarithm: NDArray[np.float32]) -> None:
    """Take the next budget, whose negative is given, less what the old one lacked: no rate is lost to long turns."""
    for place in range(rang.size):
        left[rang[place]] -= logarithm[place]


@compiled
def _take_numbers(
    key: NDArray[np.uint64],
    replicate: NDArray[np.uint64],
    taken: NDArray[np.uint32],
    who: Indices,
) -> NDArray[np.float32]:
    """The next uniform number of each replicate in `who`, who have then taken one more."""
    numbers = np.empty(who.size, Real)
    for place in range(who.size):
        one = who[place]
        numbers[place] = _number(key[0], key[1], replicate[one], _one_more(taken, one))
    return numbers


@rule
def _one_more(taken: Any, one: Any) -> Any:
    """How many numbers a replicate had taken before it takes one more."""
    if one >= taken.size:  # compiled code would read on beyond the array
        raise IndexError("a replicate is asked for that is not in the block")
    before = taken[one]
    taken[one] = before + np.uint32(1)
    return before


# The streams of the model's own agents, side by side for each replicate.


class Streams:
    """Streams and clocks that rules take numbers from, by their number.

    Args:
        luck: the block's luck.
        names: what keys each of them.
        clocks: which of them are clocks.

    Attributes:
        keys: what keys each stream, shape (streams, 2).
        taken: how many numbers each replicate has taken from each stream.
        left: what is left of each clock's budget.
    """

    def __init__(self, luck: Luck, names: Sequence[str], clocks: Sequence[bool]) -> None:
        self.names = tuple(names)
        self.clocks = np.array(clocks, bool)
        self.keys = np.array([luck.key_of(name) for name in names], np.uint64).reshape(-1, 2)
        self.taken = np.zeros((luck.replicate.size, len(names)), np.uint32)
        self.left = np.zeros((luck.replicate.size, len(names)), Real)
        _wind(self.keys, luck.replicate, self.taken, self.left, self.clocks)


class Draws(NamedTuple):
    """The luck of one replicate: see `Streams`; `number` is the replicate's in the batch."""

    keys: Any
    number: Any
    taken: Any
    left: Any


@routine
def uniform(luck: Any, stream: Any) -> Any:
    """The next uniform number in [0, 1) of a stream."""
    occurrence = luck.taken[stream]
    luck.taken[stream] = occurrence + np.uint32(1)
    return _number(luck.keys[stream, 0], luck.keys[stream, 1], luck.number, occurrence)


@rule
def normals(luck: Any, stream: Any) -> Any:
    """The next two standard normal numbers of a stream."""
    first = luck.taken[stream]
    luck.taken[stream] = first + np.uint32(2)
    return _pair(luck.keys[stream, 0], luck.keys[stream, 1], luck.number, first)


@routine
def _pair(key: Any, other_key: Any, replicate: Any, first: Any) -> Any:
    """Two normal numbers, from the two uniform ones from `first` on (Box and Muller 1958)."""
    number = _number(key, other_key, replicate, first)
    radius = math.sqrt(Real(-2) * math.log(_REAL_ONE - number))
    angle = _FULL_TURN * _number(key, other_key, replicate, first + np.uint32(1))
    return radius * math.cos(angle), radius * math.sin(angle)


@compiled
def _take_normals(
    key: NDArray[np.uint64],
    replicate: NDArray[np.uint64],
    taken: NDArray[np.uint32],
    who: Indices,
) -> NDArray[np.float32]:
    """The next normal number of each replicate in `who`, who have then taken one more."""
    numbers = np.empty(who.size, Real)
    for place in range(who.size):
        one = who[place]
        before = _one_more(taken, one)
        is_second = before % np.uint32(2)
        pair = _pair(key[0], key[1], replicate[one], before - is_second)
        numbers[place] = pair[1] if is_second else pair[0]
    return numbers


@rule
def rings(luck: Any, clock: Any, hazard: Any) -> Any:
    """Spend a hazard, and say whether the event happens."""
    luck.left[clock] -= hazard
    if luck.left[clock] > 0:
        return False
    renew(luck, clock)
    return True


@routine
def renew(luck: Any, clock: Any) -> None:
    """Take a clock's next budget, less what the old one lacked: no rate is lost to long turns."""
    luck.left[clock] -= math.log(_REAL_ONE - uniform(luck, clock))


@driver
def _wind(keys: Any, replicate: Any, taken: Any, left: Any, clocks: Any) -> None:
    """Give all clocks their first budgets."""
    for clock in range(clocks.size):
        if not clocks[clock]:
            continue
        key, other_key = keys[clock, 0], keys[clock, 1]
        step, words = replicate[0] // _PER_STEP, _words(key, other_key, replicate[0], 0)
        for one in range(replicate.size):
            if replicate[one] // _PER_STEP != step:
                step, words = replicate[one] // _PER_STEP, _words(key, other_key, replicate[one], 0)
            left[one, clock] = -math.log(_REAL_ONE - _number_of(words, replicate[one]))
            taken[one, clock] = 1


@compiled
def _first_numbers(key: NDArray[np.uint64], first: int, count: int) -> NDArray[np.float32]:
    """The first uniform number of a stream for each of `count` replicates from `first` on."""
    numbers = np.empty(count, Real)
    words = _words(key[0], key[1], _UINT(first), 0)
    for place in range(count):
        replicate = _UINT(first + place)
        if replicate % _PER_STEP == 0:
            words = _words(key[0], key[1], replicate, 0)
        numbers[place] = _number_of(words, replicate)
    return numbers


@rule
def _number(key: Any, other_key: Any, replicate: Any, occurrence: Any) -> Any:
    """The uniform number at a place of a stream."""
    return _number_of(_words(key, other_key, replicate, occurrence), replicate)


@rule
def _words(key: Any, other_key: Any, replicate: Any, occurrence: Any) -> Any:
    """What a replicate shares with those of its neighbours that are made at the same step of the counter."""
    return _philox(key, other_key, replicate // _PER_STEP + _ONE, _UINT(occurrence))


@rule
def _number_of(words: Any, replicate: Any) -> Any:
    """A replicate's own number among those of its neighbours."""
    within = replicate % _PER_STEP
    if within < 2:
        word = words[0]
    elif within < 4:
        word = words[1]
    elif within < 6:
        word = words[2]
    else:
        word = words[3]
    half = word >> _HALF if within % 2 else word & _LOW
    return Real(half >> _SPARE_BITS) * _SPACING


@routine
def _philox(key: np.uint64, other_key: np.uint64, step: np.uint64, occurrence: np.uint64) -> Any:
    """The four 64-bit words of Philox 4x64-10 at the counter (step, occurrence, 0, 0)."""
    one, two, three, four = step, occurrence, _UINT(0), _UINT(0)
    for _ in range(_ROUNDS):
        one, two, three, four = (
            _high_half(_MULTIPLIERS[1], three) ^ two ^ key,
            _MULTIPLIERS[1] * three,
            _high_half(_MULTIPLIERS[0], one) ^ four ^ other_key,
            _MULTIPLIERS[0] * one,
        )
        key += _KEY_STEPS[0]
        other_key += _KEY_STEPS[1]
    return one, two, three, four


@rule
def _high_half(one: np.uint64, other: np.uint64) -> np.uint64:
    """The upper 64 bits of the product of two 64-bit numbers."""
    one_high, one_low, other_high, other_low = (
        one >> _HALF,
        one & _LOW,
        other >> _HALF,
        other & _LOW,
    )
    middle = one_high * other_low + (one_low * other_low >> _HALF)
    other_middle = one_low * other_high + (middle & _LOW)
    return one_high * other_high + (middle >> _HALF) + (other_middle >> _HALF)
