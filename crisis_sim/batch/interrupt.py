"""Ctrl-C while a batch is being written: blocks in hand are finished, then it is closed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class StopSign:
    """Whether the batch has been asked to stop."""

    requested: bool = False


@contextmanager
def stop_on_interrupt() -> Iterator[StopSign]:
    """Turn the first Ctrl-C into a request to stop; a second one interrupts at once, as usual.

    Only the main thread hears Ctrl-C, and a handler that somebody else has set is left alone.
    """
    sign = StopSign()

    def request(number: int, frame: FrameType | None) -> None:
        if sign.requested:
            raise KeyboardInterrupt
        sign.requested = True

    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield sign
        return
    signal.signal(signal.SIGINT, request)
    try:
        yield sign
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
