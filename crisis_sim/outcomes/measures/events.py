"""Clocks: what is awaited, and since when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crisis_sim.outcomes.durations import (
    AMONG,
    CEASEFIRE,
    CLOCKS,
    OTHERWISE,
    RELAPSE,
    Durations,
)
from crisis_sim.outcomes.records import UNRESOLVED, Replicates

TRIGGER, STRIKE, HALT = (
    "trigger_at_hours",
    "first_strike_at_hours",
    "ceasefire_in_effect_at_hours",
)
RELAPSED = "relapsed_at_hours"

#: The clocks of `crisis_sim.outcomes.durations`, by what is awaited and since when.
_SPECIAL = {
    (HALT, TRIGGER): "from_trigger",
    (HALT, STRIKE): "from_first_strike",
    (RELAPSED, HALT): RELAPSE,
}


@dataclass(frozen=True)
class Clock:
    """What is awaited, and since when; both are columns of times.

    A ceasefire since the trigger or the first strike, and a relapse since a ceasefire, are read as
    `crisis_sim.outcomes.durations` says. Anything else that comes at or after the origin is an
    event; the end of a crisis before it is a competing ending, after which it cannot come; and a
    crisis still going on at the horizon is censored there.
    """

    of: str = HALT
    since: str = TRIGGER

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return (self.of, self.since, "ending", "ended_at_hours", "followed_until_hours")

    def read(self, replicates: Replicates) -> Durations:
        """The clock's reading of every row, all competing endings taken together."""
        special = _SPECIAL.get((self.of, self.since))
        if special is not None:
            return CLOCKS[special](replicates).competing_as_one()
        origin = replicates.column(self.since)
        at = replicates.column(self.of)
        ended = replicates.column("ended_at_hours")
        until = replicates.column("followed_until_hours")
        until = np.where(np.isnan(until), replicates.horizon_hours, until)
        came = at >= origin  # false where either never came
        over = (replicates.column("ending") != UNRESOLVED) & ~np.isnan(ended)
        hours = np.where(came, at, np.where(over, ended, until)) - origin
        cause = np.where(came, 1, np.where(over, 2, 0)).astype(np.int8)
        # What was over before the clock began is not on it.
        hours = np.where((hours >= 0.0) & ~(over & (ended < origin)), hours, np.nan)
        return Durations(hours, cause, (self.of, OTHERWISE))

    def plain(self) -> dict[str, str]:
        """The clock as it is written."""
        return {"of": self.of, "since": self.since}

    @property
    def among(self) -> str:
        """The crises that are on it: those in which it begins."""
        special = {TRIGGER: "from_trigger", STRIKE: "from_first_strike", HALT: RELAPSE}
        if self.since in special:
            return AMONG[special[self.since]]
        return f"crises with {self.since.removesuffix('_at_hours').replace('_', ' ')}"

    def words(self) -> str:
        """What is awaited, in words."""
        if self.of == HALT:
            return CEASEFIRE
        return self.of.removesuffix("_at_hours").replace("_", " ")

    def since_words(self) -> str:
        """Since when, in words."""
        if self.since == HALT:
            return f"a {CEASEFIRE}"
        return f"the {self.since.removesuffix('_at_hours').replace('_', ' ')}"
