"""Graphics cards as an engine: the same rules and main loop, compiled for the card, with many crises in parallel.

Random numbers are keyed, so replicate k of seed s is the same crisis as on a CPU. Only the last digits of exponentials and
logarithms may differ between machines, and with them, very rarely, a decision.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from crisis_sim.model.event_loop import run_every

#: Threads per block.
THREADS = 128
#: Maximum number of workspaces, each of which takes a few kilobytes of the card's memory.
WORKSPACES = 65_536


class NoCardError(RuntimeError):
    """No graphics card can be used; the message gives the reason and a remedy."""


def check_card() -> str:
    """Check that there is a graphics card, and return its name.

    Raises:
        NoCardError: if there is no card, or the library for it is missing.
    """
    if find_spec("numba_cuda") is None:  # Numba itself no longer supports cards
        raise NoCardError(
            "engine gpu needs the library numba-cuda: pip install 'crisis-sim[gpu]', or run with "
            "--engine cpu"
        )
    cuda = _cuda()
    if not cuda.is_available():
        raise NoCardError(
            "engine gpu needs an NVIDIA graphics card and its driver; none was found: run with "
            "--engine cpu"
        )
    name = cuda.get_current_device().name
    return name.decode() if isinstance(name, bytes) else str(name)


def _cuda() -> Any:
    from numba import cuda

    return cuda


def run_crises(
    crises: Any, table: Any, drawn: Any, slots: Any, workspace: Any, words: Any, luck: Any,
    first: int, last: int, until: float, horizon: float, stop: bool, *rules: Any,
) -> int:  # fmt: skip
    """Run crises as `crisis_sim.model.event_loop.run_crises` does, on the card."""
    cuda = _cuda()
    count = min(last - first, WORKSPACES)
    on_card = cuda.to_device(crises)
    workspaces = cuda.device_array(count, workspace.dtype)
    luck_on_card = type(luck)(*map(cuda.to_device, luck))
    events = cuda.to_device(np.zeros(count, np.int64))
    kernel(rules)[-(-count // THREADS), THREADS](
        on_card, _as_words(on_card), cuda.to_device(drawn), cuda.to_device(slots),
        cuda.to_device(words), workspaces, _as_words(workspaces), luck_on_card,
        first, last, until, horizon, stop, events,
    )  # fmt: skip
    on_card.copy_to_host(crises)
    luck_on_card.paths.copy_to_host(luck.paths)
    return int(events.copy_to_host().sum())


def _as_words(records: Any) -> Any:
    return records.view(np.int64).reshape(records.size, -1)


@cache
def kernel(rules: tuple[Any, ...]) -> Any:
    """Return the main loop with these rules, compiled on first use; Numba accepts rules compiled for the CPU."""
    cuda = _cuda()
    update, clocks, pass_time, happen, take, fault = rules

    @cuda.jit  # type: ignore[untyped-decorator]
    def run(
        crises: Any, table: Any, drawn: Any, slots: Any, words: Any, workspaces: Any, words_of: Any,
        luck: Any, first: Any, last: Any, until: Any, horizon: Any, stop: Any, events: Any,
    ) -> None:  # fmt: skip
        thread = cuda.grid(1)
        if thread < workspaces.size:
            for j in range(words.size):
                words_of[thread, j] = words[j]
            events[thread] = run_every(
                crises, table, drawn, slots, workspaces[thread], words_of[thread], luck,
                first + thread, last, workspaces.size, until, horizon, stop,
                update, clocks, pass_time, happen, take, fault,
            )  # fmt: skip

    return run
