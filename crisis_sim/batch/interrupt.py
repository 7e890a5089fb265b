"""Ctrl-C, or a request to terminate, while a batch is being written: it stops after the blocks in hand."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

#: What a process exits with that was asked to terminate: 128 and the signal's number, as in shells.
TERMINATED = 128 + signal.SIGTERM


@dataclass
class StopSign:
    """Whether the batch has been asked to stop.

    Attributes:
        requested: whether it has.
        number: by which signal.
    """

    requested: bool = False
    number: int = signal.SIGINT

    def obey(self) -> NoReturn:
        """Stop, as the signal would have it.

        Raises:
            KeyboardInterrupt: after Ctrl-C.
            SystemExit: after a request to terminate.
        """
        if self.number == signal.SIGTERM:
            raise SystemExit(TERMINATED)
        raise KeyboardInterrupt


@contextmanager
def stop_on_interrupt(tell: Callable[[str], None] = lambda words: None) -> Iterator[StopSign]:
    """Turn the first Ctrl-C into a request to stop; a second one interrupts at once, as usual.

    A request to terminate (SIGTERM) is treated likewise. Only the main thread hears signals, and a
    handler that somebody else has set is left alone.

    Args:
        tell: told that the first one has been heard.
    """
    sign = StopSign()
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    main = threading.current_thread() is threading.main_thread()
    ours = {
        number: handler
        for number, handler in usual.items()
        if main and signal.getsignal(number) is handler
    }

    def request(number: int, frame: FrameType | None) -> None:
        sign.number = number
        if sign.requested:
            sign.obey()
        sign.requested = True
        tell("stopping after the blocks in hand; once more to stop at once")

    for number in ours:
        signal.signal(number, request)
    try:
        yield sign
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
