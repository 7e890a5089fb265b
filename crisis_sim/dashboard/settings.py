"""What the dashboard was started with: set once by the server, read by every new session."""

from __future__ import annotations

from dataclasses import dataclass

from crisis_sim.dashboard.opened import Opened, open_reference

#: What is shown where nothing else is asked for.
SCENARIO, REPLICATES, SEED = "may_2025", 4_000, 1
HOST, PORT = "127.0.0.1", 8765


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
    return _given[0] if _given else Settings(open_reference(SCENARIO))
