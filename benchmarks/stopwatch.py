"""`python -m benchmarks.stopwatch COMMAND ...`: run a command; its time and memory, as JSON.

It is a small process between us and the command, since Linux counts the memory of whoever starts a
command as the command's own. What the command prints comes back with the figures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

PROCESSES = Path("/proc")
#: Seconds between looks at the memory of a command and those that it has started.
LOOK_SECONDS = 0.05
KIBIBYTE = 1024


def main() -> None:
    """Run the command, and print what it took."""
    started = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True)
    family = Family(process.pid)
    printed = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    own = usage.ru_maxrss * (1 if sys.platform == "darwin" else KIBIBYTE)
    print(
        json.dumps(
            {
                "code": os.waitstatus_to_exitcode(status),
                "seconds": seconds,
                "peak_bytes": own,
                "family_peak_bytes": family.stop(),
                "printed": printed,
            }
        )
    )


class Family:
    """Watches the memory of a process and of all that it has started.

    The system keeps the peak of each process; these peaks are summed over the processes that are
    alive at the same time. So no peak is missed, and pages that processes share count in each.

    Args:
        first: number of the process.
    """

    def __init__(self, first: int) -> None:
        self._first, self._most, self._over = first, 0, threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def stop(self) -> int | None:
        """The most that the family held at once, in bytes; None where the system does not tell."""
        self._over.set()
        self._watcher.join()
        return self._most or None

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self._most = max(self._most, sum(map(_peak_of, _family(self._first))))


def _family(first: int) -> list[int]:
    """A process and all that it has started, be it through others."""
    if not PROCESSES.exists():
        return []
    parents = {}
    for entry in PROCESSES.iterdir():
        if entry.name.isdigit():
            # The name of a process, in brackets, may hold anything; its parent is the second after.
            words = _read(entry / "stat").rpartition(")")[2].split()
            if words:
                parents[int(entry.name)] = int(words[1])
    members = [first]
    for member in members:  # it grows as we go
        members.extend(child for child, parent in parents.items() if parent == member)
    return members


def _peak_of(process: int) -> int:
    for line in _read(PROCESSES / str(process) / "status").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * KIBIBYTE
    return 0


def _read(path: Path) -> str:
    """What a file of a process says; nothing once the process is over."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


if __name__ == "__main__":
    main()
