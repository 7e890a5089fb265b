"""The journal of one replicate: what happened when, for a replay."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One event.

    Attributes:
        hours: when it happened, from the scenario's start.
        kind: what happened, such as `climbed`, `engaged` or `agreed`.
        agent: name of the agent it happened to, or "" for the crisis as a whole.
        detail: more about it, such as `from_rung` and `to_rung`.
    """

    hours: float
    kind: str
    agent: str
    detail: dict[str, Any]


@dataclass
class Journal:
    """Events and turn-by-turn series of a single replicate.

    Attributes:
        entries: the events in order of time.
        series: one value a turn by column: `hours`, `danger`, and what each agent's `series` names.
    """

    entries: list[Entry] = field(default_factory=list)
    series: dict[str, list[float]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return (
            f"Journal({len(self.entries):,} entries, {len(self.series.get('hours', ())):,} turns)"
        )

    def _repr_html_(self) -> str:
        """Its entries in order, for a notebook."""
        from crisis_sim import show

        rows = [
            (f"{one.hours / 24:.2f}", one.kind, one.agent, _told(one.detail))
            for one in self.entries
        ]
        return show.page(
            show.heading("Journal of one crisis", f"{len(rows):,} entries"),
            show.table(("day", "what", "who", "more"), rows),
        )

    def note(self, hours: float, kind: str, agent: str, detail: dict[str, Any]) -> None:
        """Add an event in its place: some are noted at the end of the turn in which they happened."""
        insort(self.entries, Entry(hours, kind, agent, detail), key=lambda entry: entry.hours)

    def take_turn(self, values: dict[str, float]) -> None:
        """Add a turn to the series."""
        for name, value in values.items():
            self.series.setdefault(name, []).append(value)


def _told(detail: dict[str, Any]) -> str:
    """The details of an entry on one line."""
    told = ((key, f"{one:.4g}" if isinstance(one, float) else one) for key, one in detail.items())
    return ", ".join(f"{key}: {one}" for key, one in told)
