"""What a crisis is written down as: event codes for a journal, and notes of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from crisis_sim.model.compiled import routine, rule

#: A note of something that happened: its code (its place in `CODES`), to which agent (its number in its role), when,
#: and up to two numbers more.
NOTE = np.dtype(
    [
        ("code", np.int64),
        ("agent", np.int64),
        ("days", np.float64),
        ("a", np.int64),
        ("b", np.int64),
    ]
)
#: Notes that a journal has room for.
NOTES = 20_000

#: What may happen, as a journal calls it; rules note it by its number.
CODES = (
    "event", "act", "operation_ended", "planned", "plan_dropped", "first_strike", "war", "nuclear_use", "accident",
    "offered", "agreed", "in_effect", "violation", "absorbed", "relapsed", "engaged", "refused", "decided", "channel_opened",
    "channel_broke", "spoke", "yielded", "collapsed", "ended",
)  # fmt: skip
(
    EVENT, ACT, OPERATION_ENDED, PLANNED, PLAN_DROPPED, FIRST_STRIKE, WAR, NUCLEAR_USE, ACCIDENT,
    OFFERED, AGREED, IN_EFFECT, VIOLATION, ABSORBED, RELAPSED, ENGAGED, REFUSED, DECIDED, CHANNEL_OPENED,
    CHANNEL_BROKE, SPOKE, YIELDED, COLLAPSED, ENDED,
) = range(len(CODES))  # fmt: skip


class Luck(NamedTuple):
    """What rules take luck from, and write notes to.

    Attributes:
        keys: what keys each stream, shape (streams, 2).
        stream_of: each clock's stream.
        notes: records of `NOTE`; none where there is no journal.
        noted: how many of them are filled, shape (1,).
        paths: records of `PATH`, shape (replicates kept, days, states).
    """

    keys: Any
    stream_of: Any
    notes: Any
    noted: Any
    paths: Any


#: How a state stands at the end of a day.
PATH = np.dtype([("rung", np.int64), ("market", np.float64), ("pressure", np.float64)], align=True)


@rule
def note(luck: Any, code: Any, agent: Any, days: Any, a: Any = 0, b: Any = 0) -> None:
    """Note for the journal, if there is one, that something happened."""
    if luck.notes.size > 0:
        _write(luck.notes, luck.noted, code, agent, days, a, b)


@routine
def _write(notes: Any, noted: Any, code: Any, agent: Any, days: Any, a: Any, b: Any) -> None:
    n = noted[0]
    if n < notes.size:
        noted[0] = n + 1
        entry = notes[n]
        entry.code, entry.agent, entry.days, entry.a, entry.b = code, agent, days, a, b


@rule
def first(at: Any, now: Any) -> Any:
    """The first time of something: `at` if it came before (a time), else `now`."""
    return now if at != at else at
