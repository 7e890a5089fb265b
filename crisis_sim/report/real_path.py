"""The real path of a crisis, read from its scenario, and its position among simulated crises."""

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
        at_hours: the time of each close, in hours from the scenario's start. A close with a date but no hour
            is put at the end of the simulated day that ends on that date.
        relative: each close relative to the level at the start, which is the last close before it or,
            without one, the first.
    """

    name: str
    at_hours: tuple[float, ...]
    relative: tuple[float, ...]

    @property
    def lowest(self) -> float:
        """The lowest close since the start; if there is none, the lowest of all."""
        closes = zip(self.at_hours, self.relative, strict=True)
        return min([level for hours, level in closes if hours >= 0.0] or self.relative)


@dataclass(frozen=True)
class RealRecord:
    """The real path of a crisis, in hours from the scenario's start; None for events that never happened.

    `rungs` has the time and name of each rung that a state reached; `markets` has the index of each state.
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
    """Return the start of a scenario given as plain data; None if unknown."""
    return read_moment(scenario["start"]) if scenario.get("start") else None


def real_record(scenario: Mapping[str, Any]) -> RealRecord | None:
    """Return the real path of a scenario given as plain data; None if it has none."""
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


def _close_hours(start: datetime, date: str) -> float:
    """Hours to a close; a date without an hour, read as midnight, means the end of its simulated day."""
    moment, hours = _moment(start, date), _hours(start, date)
    has_no_hour = (moment.hour, moment.minute) == (0, 0)
    return 24.0 * (math.floor(hours / 24.0) + 1) if has_no_hour else hours


def _moment(start: datetime, date: str) -> datetime:
    moment = read_moment(date)
    return moment if moment.tzinfo else moment.replace(tzinfo=start.tzinfo)


def _hours(start: datetime, date: str) -> float:
    return (_moment(start, date) - start).total_seconds() / 3600.0


# --- The position of the real times among simulated ones


@dataclass(frozen=True)
class RealTime:
    """The real time between two moments of a crisis, compared with simulated times.

    Attributes:
        since, to: the two moments, in words.
        hours: the real time.
        below: the share of the simulated times that are shorter, with its 95% interval.
        of: the number of crises with such a time before the horizon.
        middle: the range of the middle 80% of them, in hours.
    """

    since: str
    to: str
    hours: float
    below: Estimate
    of: int
    middle: tuple[float, float]

    def __str__(self) -> str:
        interval = f"95% interval {percent(self.below.lower)} to {percent(self.below.upper)}%"
        low, high = map(duration, self.middle)
        return (
            f"The real time from {self.since} to a {self.to}, {duration(self.hours)}, is longer than "
            f"{percent(self.below.estimate)}% ({interval}) of the {self.of:,} simulated times, "
            f"the middle 80% of which range from {low} to {high}."
        )


def real_times(ensemble: Ensemble) -> list[RealTime]:
    """Compare the times of the real path with the replicates; empty if the scenario has no real path.

    Shares are relative to the cumulative incidence (Aalen and Johansen) at the horizon, so crises cut off there do not
    count as short. If the trigger is itself the first strike, there is no time between them.
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
    comparisons = []
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
        words = clock.since_words(), clock.words()
        comparisons.append(RealTime(*words, hours, below, of, (low, high)))
    return comparisons
