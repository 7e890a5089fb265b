"""A graphics card as engine: the same rules, compiled for it, with a thread for each replicate.

Luck is keyed, so replicate k of seed s is the same crisis here as on a processor; only the last digits of exponentials and
logarithms, which each kind of machine takes in its own way, may differ, and with them, very seldom, a decision.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from crisis_sim.model.turn import take_turn
from crisis_sim.model.world import CHANGING, World

#: Threads that a card's multiprocessor takes on together.
THREADS = 128


class NoCardError(RuntimeError):
    """No graphics card can be used; says why, and what to do."""


def check_card() -> str:
    """Make sure that there is a card; its name.

    Raises:
        NoCardError: when there is none, or the library to use it is missing.
    """
    if find_spec("numba_cuda") is None:  # Numba's own support of cards is given up
        raise NoCardError(
            "engine gpu needs the library numba-cuda: pip install 'crisis-sim[gpu]', or run with "
            "--engine cpu"
        )
    cuda = _cuda()
    if not cuda.is_available():
        raise NoCardError(
            "engine gpu needs an NVIDIA graphics card and its driver, and none was found; run with "
            "--engine cpu"
        )
    name = cuda.get_current_device().name
    return name.decode() if isinstance(name, bytes) else str(name)


def _cuda() -> Any:
    from numba import cuda

    return cuda


class Card:
    """A world on a graphics card.

    Args:
        world: the world; what changes in it stays there until it is fetched.

    Raises:
        NoCardError: as of `check_card`.
    """

    def __init__(self, world: World) -> None:
        check_card()
        cuda, rows = _cuda(), len(world.board)
        # Each thread needs room of its own for a decision.
        room: dict[str, Any] = {
            name: np.zeros((rows, *getattr(world, name).shape[1:]), getattr(world, name).dtype)
            for name in ("now", "brought", "odds")
        }
        self._here = world
        self._there = _up(world._replace(**room))
        self._taken = cuda.to_device(np.zeros(rows, np.int64))

    def take_turns(self, first: int, last: int, parts: int) -> int:
        """As `crisis_sim.model.turn.take_turns`."""
        blocks = -(-self._taken.size // THREADS)
        _kernel()[blocks, THREADS](self._there, first, last, parts, self._taken)
        _cuda().synchronize()
        return int(self._taken.copy_to_host().sum())

    def fetch(self) -> None:
        """Bring back how all replicates stand, and all that was written down."""
        for name in (*CHANGING, "taken", "left", "figures", "words", "paths"):
            getattr(self._there, name).copy_to_host(getattr(self._here, name))


def _up(value: Any) -> Any:
    """A world's arrays on the card."""
    if isinstance(value, np.ndarray):
        return _cuda().to_device(value)
    if isinstance(value, tuple):
        return type(value)(*map(_up, value))
    return value


@cache
def _kernel() -> Any:
    """The rules, compiled for the card when they are first used; Numba takes those of a processor for it."""
    cuda = _cuda()

    @cuda.jit  # type: ignore[untyped-decorator]
    def take_turns(world: Any, first: Any, last: Any, parts: Any, taken: Any) -> None:
        one = cuda.grid(1)
        if one < world.board.shape[0]:
            observed, turn = 0, first
            while turn <= last and world.board[one].ongoing:
                observed += take_turn(world, one, turn, parts, last)
                turn += 1
            taken[one] = observed

    return take_turns
