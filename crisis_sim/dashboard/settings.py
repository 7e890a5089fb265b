"""What the dashboard was started with: set once by the server, read by every new session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crisis_sim.dashboard.opened import Opened

#: What is shown where nothing else is asked for.
SCENARIO, REPLICATES, SEED = "may_2025", 4_000, 1
#: The loopback address: no other machine can reach it.
HOST, PORT = "127.0.0.1", 8765
#: Crises of each scenario: as few as still have an interval, as many as one waits for.
FEWEST, MOST = 100, 100_000


@dataclass(frozen=True)
class Settings:
    """A scenario, and how many crises of it with which luck."""

    opened: Opened
    replicates: int = REPLICATES
    seed: int = SEED


_given: list[Settings] = []


def give(settings: Settings) -> None:
    """Set what new sessions begin with."""
    _given[:] = [settings]


def given() -> Settings:
    """What new sessions begin with; the first shipped case where nothing was set."""
    if not _given:
        from crisis_sim.dashboard.opened import open_reference

        give(Settings(open_reference(SCENARIO)))
    return _given[0]
