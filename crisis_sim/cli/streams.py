"""Streams that may be closed, full, or read by nobody: no command fails for that, or does less than it should."""

from __future__ import annotations

import errno
import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any, TextIO

from crisis_sim.cli.talk import talk

PACKAGE = Path(__file__).parents[1]


@contextmanager
def safe_streams() -> Iterator[list[OSError]]:
    """While a command runs, what nobody can hear goes nowhere.

    A stream that is closed, or whose reader has seen enough, as `head` has, was not meant to be heard. Warnings of our own
    become talk.

    Yields:
        what kept something that was asked for from being written, such as a full disk; filled as it happens.
    """
    _plug()
    unsaid: list[OSError] = []
    outputs = _safe(sys.stdout, unsaid), _safe(sys.stderr, [])
    usual = warnings.showwarning

    def show(message: Any, category: Any, filename: str, *where: Any, **others: Any) -> None:
        if Path(filename).is_relative_to(PACKAGE):
            talk(f"warning: {message}")
        else:
            usual(message, category, filename, *where, **others)

    with redirect_stdout(outputs[0]), redirect_stderr(outputs[1]), warnings.catch_warnings():
        warnings.showwarning = show
        try:
            yield unsaid
        finally:
            for output in outputs:
                output.flush()


def _plug() -> None:
    """Let no file that is opened be taken for a standard stream that the process was started without."""
    nowhere = -1
    while nowhere < 3:
        nowhere = os.open(os.devnull, os.O_RDWR)
        if nowhere < 3:
            os.set_inheritable(nowhere, True)  # nor by a process that is started
    os.close(nowhere)


def _safe(stream: TextIO | None, unsaid: list[OSError]) -> TextIO:
    """A stream to where another one leads, on which nothing fails.

    A terminal that cannot show a dash or a letter gets an escape.
    """
    if stream is None or stream.closed:
        return _Nowhere()
    with suppress(OSError):
        stream.flush()
    try:
        outlet = _Outlet(stream.fileno(), unsaid)
    except (OSError, AttributeError):  # one of Python's own, in memory
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(outlet),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=getattr(stream, "line_buffering", False),
    )


class _Nowhere(io.StringIO):
    """A stream that nobody hears."""

    def write(self, text: str) -> int:
        return len(text)


class _Outlet(io.FileIO):
    """Where bytes go; those that cannot go there go nowhere."""

    def __init__(self, number: int, unsaid: list[OSError]) -> None:
        super().__init__(number, "w", closefd=False)
        self._unsaid = unsaid

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.EBADF):
                self._unsaid.append(error)
            return memoryview(data).nbytes
