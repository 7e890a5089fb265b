"""A graphics card as engine: the same rules and the same loop, compiled for it; crises are worked on at many desks at once.

Luck is keyed, so replicate k of seed s is the same crisis here as on a processor; only the last digits of exponentials and
logarithms, which each kind of machine takes in its own way, may differ, and with them, very seldom, a decision.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from crisis_sim.model.schedule import work_on

#: Threads that a card's multiprocessor takes on together.
THREADS = 128
#: The most desks on a card, each of which takes some kilobytes of its memory.
DESKS = 65_536


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


def run_crises(
    crises: Any,
    table: Any,
    drawn: Any,
    slots: Any,
    desk: Any,
    words: Any,
    luck: Any,
    first: int,
    last: int,
    until: float,
    horizon: float,
    stop: bool,
    *rules: Any,
) -> int:
    """As `crisis_sim.model.schedule.run_crises`: crises go up to the card, and come back with all that was written down."""
    cuda = _cuda()
    desks = min(last - first, DESKS)
    there = cuda.to_device(crises)
    laid = cuda.device_array(desks, desk.dtype)
    luck_there = type(luck)(*map(cuda.to_device, luck))
    counts = cuda.to_device(np.zeros(desks, np.int64))
    kernel(rules)[-(-desks // THREADS), THREADS](
        there, _as_words(there), cuda.to_device(drawn), cuda.to_device(slots),
        cuda.to_device(words), laid, _as_words(laid), luck_there,
        first, last, until, horizon, stop, counts,
    )  # fmt: skip
    there.copy_to_host(crises)
    luck_there.paths.copy_to_host(luck.paths)
    return int(counts.copy_to_host().sum())


def _as_words(records: Any) -> Any:
    return records.view(np.int64).reshape(records.size, -1)


@cache
def kernel(rules: tuple[Any, ...]) -> Any:
    """The loop with these rules, compiled for the card when it is first used; Numba takes those of a processor for it."""
    cuda = _cuda()
    look, clocks, pass_time, happen, take, fault = rules

    @cuda.jit  # type: ignore[untyped-decorator]
    def run(
        crises: Any, table: Any, drawn: Any, slots: Any, words: Any, desks: Any, words_of: Any,
        luck: Any, first: Any, last: Any, until: Any, horizon: Any, stop: Any, counts: Any,
    ) -> None:  # fmt: skip
        one = cuda.grid(1)
        if one < desks.size:
            for j in range(words.size):
                words_of[one, j] = words[j]
            counts[one] = work_on(
                crises, table, drawn, slots, desks[one], words_of[one], luck,
                first + one, last, desks.size, until, horizon, stop,
                look, clocks, pass_time, happen, take, fault,
            )  # fmt: skip

    return run
