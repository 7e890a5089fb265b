"""What really happened, read from a resolved scenario, put on its clock, and where it falls among simulated crises."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim.outcomes.durations import CLOCKS, STRIKE, TRIGGER, Clock
from crisis_sim.outcomes.intervals import Estimate, wilson_interval
from crisis_sim.scenario.numbers import read_moment
from crisis_sim.text import duration, percent

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Ensemble


@dataclass(frozen=True)
class RealIndex:
    """Real closes of a market index.

    Attributes:
        name: name of the index.
        at_hours: hours from the scenario's start of each close. A close dated without an hour
            stands where the simulated day ends on that date.
        relative: each close relative to the level at the start: the last close until then, or the
            first where there is none.
    """

    name: str
    at_hours: tuple[float, ...]
    relative: tuple[float, ...]

    @property
    def lowest(self) -> float:
        """The lowest close since the start; of all closes where none is later."""
        dated = zip(self.at_hours, self.relative, strict=True)
        return min([level for at, level in dated if at >= 0.0] or self.relative)


@dataclass(frozen=True)
class RealRecord:
    """The real path of a crisis, in hours from the scenario's start; None for what never came.

    `rungs` holds when each state came to which rung, `markets` each market's closes.
    """

    trigger_at_hours: float
    first_strike_at_hours: float | None
    ceasefire_in_effect_at_hours: float | None
    rungs: dict[str, list[tuple[float, str]]]
    markets: dict[str, RealIndex]

    def ceasefire_after_hours(self, clock: str) -> float | None:
        """Hours to the real ceasefire on a clock, `from_trigger` or `from_first_strike`."""
        origin = self.trigger_at_hours if clock == "from_trigger" else self.first_strike_at_hours
        if origin is None or self.ceasefire_in_effect_at_hours is None:
            return None
        return self.ceasefire_in_effect_at_hours - origin


def start_of(scenario: Mapping[str, Any]) -> datetime | None:
    """When a scenario (as plain data) starts; None where it is not known."""
    return read_moment(scenario["start"]) if scenario.get("start") else None


def real_record(scenario: Mapping[str, Any]) -> RealRecord | None:
    """The real path of a scenario given as plain data; None where it has none."""
    path, start = scenario.get("real_path"), start_of(scenario)
    if not path or start is None:
        return None

    def moment(key: str) -> float | None:
        return None if path.get(key) is None else _hours(start, path[key])

    triggers = [
        _hours(start, event["at"])
        for event in scenario.get("events", ())
        if event["kind"] == "trigger"
    ]
    return RealRecord(
        trigger_at_hours=min(triggers, default=0.0),
        first_strike_at_hours=moment("first_strike"),
        ceasefire_in_effect_at_hours=moment("ceasefire_in_effect"),
        rungs={
            state: [(_hours(start, at), rung) for at, rung in steps]
            for state, steps in path.get("rungs", {}).items()
            if steps
        },
        markets={
            state: _index(start, market)
            for state, market in path.get("markets", {}).items()
            if market["closes"]
        },
    )


def _index(start: datetime, market: Mapping[str, Any]) -> RealIndex:
    at_hours = [_close_hours(start, at) for at, _ in market["closes"]]
    closes = [float(close) for _, close in market["closes"]]
    until_start = [close for at, close in zip(at_hours, closes, strict=True) if at <= 0.0]
    level = until_start[-1] if until_start else closes[0]
    return RealIndex(market["index"], tuple(at_hours), tuple(close / level for close in closes))


def _close_hours(start: datetime, written: str) -> float:
    """Hours to a close; midnight stands for a date alone, and so for its simulated day's end."""
    at, hours = _moment(start, written), _hours(start, written)
    dated = (at.hour, at.minute) == (0, 0)
    return 24.0 * (math.floor(hours / 24.0) + 1) if dated else hours


def _moment(start: datetime, written: str) -> datetime:
    moment = read_moment(written)
    return moment if moment.tzinfo else moment.replace(tzinfo=start.tzinfo)


def _hours(start: datetime, written: str) -> float:
    return (_moment(start, written) - start).total_seconds() / 3600.0


# Where the real times fall.


@dataclass(frozen=True)
class RealTime:
    """Where the real time from one moment of a crisis to another falls among the simulated ones.

    Attributes:
        since, to: the two moments, in words.
        hours: the real time.
        below: the share of the simulated times that are shorter, with its 95% interval.
        of: how many crises have such a time by the horizon.
        middle: the times between which the middle 80% of them lie, hours.
    """

    since: str
    to: str
    hours: float
    below: Estimate
    of: int
    middle: tuple[float, float]

    def __str__(self) -> str:
        sure = f"95% interval {percent(self.below.lower)} to {percent(self.below.upper)}%"
        low, high = map(duration, self.middle)
        return (
            f"The real time from {self.since} to a {self.to}, {duration(self.hours)}, is longer than "
            f"{percent(self.below.estimate)}% ({sure}) of the {self.of:,} simulated ones; "
            f"the middle 80% of these run from {low} to {high}."
        )


def real_times(ensemble: Ensemble) -> list[RealTime]:
    """Where the real path's times fall among the replicates; none where the scenario has no real path.

    A share is that of the cumulative incidence (Aalen and Johansen) at the horizon, so that crises cut off there do not
    count as short ones. A trigger that is the first strike itself has no time to it.
    """
    record = real_record(ensemble.scenario)
    if record is None:
        return []
    struck = record.first_strike_at_hours
    to_strike = None if struck is None else struck - record.trigger_at_hours
    real = {Clock(STRIKE, TRIGGER): to_strike}
    real |= {CLOCKS[name]: record.ceasefire_after_hours(name) for name in list(CLOCKS)[:2]}
    if to_strike == 0.0:  # the trigger is the first strike: one clock is enough
        del real[CLOCKS["from_trigger"]]
    found = []
    for clock, hours in real.items():
        times = clock.read(ensemble)
        of = int(np.count_nonzero(times.cause == 1))
        if hours is None or hours <= 0.0 or not of:
            continue
        curve = times.incidence(first_only=True)
        end = float(curve.latest(ensemble.horizon_hours))
        last = float(curve.at(end).estimate)
        share = float(curve.at(min(hours, end)).estimate) / last
        limits = wilson_interval(share * of, of)
        below = Estimate(share, float(limits.lower), float(limits.upper))
        low, high = (float(curve.quantile(level * last).estimate) for level in (0.1, 0.9))
        found.append(RealTime(clock.since_words(), clock.words(), hours, below, of, (low, high)))
    return found
