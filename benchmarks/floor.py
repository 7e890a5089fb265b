"""The floor: what NumPy needs merely for the random numbers, the exponentials and the state.

It draws as many random numbers as a scenario's replicates take, evaluates as many exponentials, and
goes over as much state once a turn, reading and writing, in blocks of the same size. It decides
nothing and combines nothing, so no model of the same crises in NumPy can be quicker.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.counting import Counts
from benchmarks.speed import Speed


@dataclass(frozen=True)
class Floor:
    """How long the least takes.

    Attributes:
        crises: for how many crises.
        agent_turns: how many turns of how many agents they have.
        block_size: how many go together.
        drawing: seconds to draw the random numbers, with NumPy's default generator.
        exponentials: seconds to evaluate the exponentials.
        streaming: seconds to read and write the state once a turn.
    """

    crises: int
    agent_turns: int
    block_size: int
    drawing: float
    exponentials: float
    streaming: float

    @property
    def speed(self) -> Speed:
        """All three as one timing."""
        seconds = self.drawing + self.exponentials + self.streaming
        return Speed("floor", self.crises, self.agent_turns, seconds, 1, self.block_size)

    def plain(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self) | {"seconds": self.speed.seconds}


def time_floor(counts: Counts, crises: int, block_size: int) -> Floor:
    """Do the least that some crises take, and time it.

    Args:
        counts: what such crises were counted to take.
        crises: how many crises.
        block_size: the most that go together.
    """
    rows = math.ceil(crises / math.ceil(crises / block_size))  # blocks are of nearly the same size
    share = crises / counts.replicates
    turns = round(counts.turns * share / rows)  # of whole blocks
    return Floor(
        crises,
        round(counts.turns * share) * counts.agents,
        rows,
        _draw(round(counts.numbers * share), rows),
        _exponentiate(round(counts.exponentials * share), rows),
        _stream(_state(counts.state_bytes, rows), turns),
    )


def quickest(floors: list[Floor]) -> Floor:
    """The floor that was disturbed the least."""
    return min(floors, key=lambda floor: floor.speed.seconds)


def _state(bytes_a_crisis: float, rows: int) -> list[NDArray[np.float32]]:
    """Arrays of as many bytes as the state of `rows` crises."""
    return [np.ones(rows, np.float32) for _ in range(round(bytes_a_crisis / 4))]


def _draw(numbers: int, rows: int) -> float:
    generator, drawn = np.random.default_rng(1), np.empty(rows, np.float32)
    started = time.perf_counter()
    for _ in range(numbers // rows):
        generator.random(out=drawn, dtype=np.float32)
    generator.random(out=drawn[: numbers % rows], dtype=np.float32)
    return time.perf_counter() - started


def _exponentiate(numbers: int, rows: int) -> float:
    powers = -np.linspace(0, 10, rows, dtype=np.float32)
    values = np.empty_like(powers)
    started = time.perf_counter()
    for _ in range(numbers // rows):
        np.exp(powers, out=values)
    np.exp(powers[: numbers % rows], out=values[: numbers % rows])
    return time.perf_counter() - started


def _stream(state: list[NDArray[np.float32]], turns: int) -> float:
    started = time.perf_counter()
    for _ in range(turns):
        for array in state:
            np.negative(array, out=array)
    return time.perf_counter() - started
