"""What really happened, read from a resolved scenario and put on the scenario's clock."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from crisis_sim import text
from crisis_sim.outcomes.durations import CLOCKS, PAUSE, STRIKE, TRIGGER, Clock
from crisis_sim.scenario.numbers import read_moment

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


def real_times(ensemble: Ensemble) -> list[str]:
    """Where the real times fall among the simulated ones, in sentences; none where the scenario has no real path.

    The percentile is of the crises in which the event comes by the horizon (cumulative incidence), and the share
    in which it comes is given with it.
    """
    record = real_record(ensemble.scenario)
    if record is None:
        return []
    strike, halt = record.first_strike_at_hours, record.ceasefire_after_hours("from_first_strike")
    to_strike = None if strike is None else strike - record.trigger_at_hours
    compared: tuple[tuple[str, float | None, Clock, str], ...] = (
        ("first strike", to_strike, Clock(STRIKE, TRIGGER), "all crises"),
        ("ceasefire", halt, CLOCKS["from_first_strike"], "crises with a first strike"),
        ("end of the strikes, that ceasefire,", halt, PAUSE, "crises with a first strike"),
    )
    told = []
    for what, real, clock, among in compared:
        if real is None or real < 0.0:
            continue
        curve = clock.read(ensemble).incidence(first_only=True)
        came = float(curve.at(curve.latest(math.inf)).estimate) if curve.started else math.nan
        since = "the trigger" if clock.since == TRIGGER else "the first strike"
        after = text.after(real, since)
        if not came > 0.0:
            told.append(f"The real {what} came {after}; of {among} none has one.")
            continue
        sooner = float(curve.at(real).estimate) / came
        told.append(
            f"The real {what} came {after}, sooner than {text.percent(1.0 - sooner)}% and later than "
            f"{text.percent(sooner)}% of the simulated ones, which come in {text.percent(came)}% of "
            f"{text.of_these(int(curve.started), among)}."
        )
    return told


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
