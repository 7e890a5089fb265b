"""A folder is written by one run at a time.

The lock is the kernel's (`flock`): it is gone with the process that held it, however that ended, so
no lock is ever left behind by a run that was killed.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crisis_sim.batch.errors import ResultsError

try:
    import fcntl
except ImportError:  # Windows: runs there must not be started twice
    fcntl = None  # type: ignore[assignment]

LOCK = "run.lock"


class FolderLock:
    """Holds a folder for one run, from `take` to `close`.

    Args:
        folder: the folder, which must be there.

    Attributes:
        token: made up anew for each run; who reads it in the lock's file sees the same folder, at
            the same time.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK
        self.token = secrets.token_hex(8)
        self._file: int | None = None

    def take(self) -> None:
        """Take hold of the folder.

        Raises:
            ResultsError: when another run holds it; says which.
            OSError: when the lock's file cannot be written.
        """
        self._file = self._take()
        about = {
            "process": os.getpid(),
            "host": socket.gethostname(),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "token": self.token,
        }
        try:
            os.ftruncate(self._file, 0)
            os.write(self._file, json.dumps(about).encode())
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the folder."""
        if self._file is not None:
            # First the name, then the lock: who waits for neither finds no lock of nobody's.
            self.path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None

    def _take(self) -> int:
        while True:
            # Never through a link, which may lead out of a folder that somebody else has made.
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
            try:
                _lock(file)
                if _is(self.path, file):
                    return file
            except BlockingIOError:
                os.close(file)
                raise ResultsError(f"{self.path.parent} is in use: {_holder(self.path)}") from None
            except BaseException:
                os.close(file)
                raise
            os.close(file)  # the run that held it has just ended, and took the name away


def token_in(folder: Path) -> str | None:
    """The token of the run that holds a folder, as far as can be seen from here."""
    return _read(folder / LOCK).get("token")


def _lock(file: int) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks, as some clusters have: better than no results
        return


def _is(path: Path, file: int) -> bool:
    """Whether a name still stands for an open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False


def _holder(path: Path) -> str:
    about = _read(path)
    if not about:
        return "another run writes to it"
    return (
        f"process {about.get('process')} on {about.get('host')} "
        f"has been writing a run to it since {about.get('started')}"
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # gone, or being written just now
        return {}
    return about if isinstance(about, dict) else {}
