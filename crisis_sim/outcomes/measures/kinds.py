"""The kinds of measures, each computed at all points at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from crisis_sim.outcomes.curves import Curves, curves_in_parts, one_curve
from crisis_sim.outcomes.intervals import (
    BoolArray,
    FloatArray,
    complementary_log_log_interval,
    normal_quantile,
    quantile_ranks,
    wilson_interval,
)
from crisis_sim.outcomes.measures.conditions import CAME, Condition
from crisis_sim.outcomes.measures.events import Clock
from crisis_sim.outcomes.measures.measured import Measured, joined
from crisis_sim.outcomes.records import Replicates

#: The denominator of a share that is told of every crisis.
EVERYONE = "all crises"
#: Hours in a unit of time.
HOURS = {"hours": 1.0, "days": 24.0}


@dataclass(frozen=True)
class Measure:
    """A figure that can be told of any batch.

    Attributes:
        name: what it is called in tables and files.
        words: what it is, in a sentence or on an axis.
    """

    name: str
    words: str

    #: Its unit: `share`, `hours`, `days`, or "" for whatever its column is in.
    unit = ""

    @property
    def among(self) -> str:
        """The crises that it is told of: of a share, its denominator."""
        return EVERYONE

    @property
    def subject(self) -> str:
        """What it is at the head of a sentence: a share with its denominator."""
        return f"{self.words}, of {self.among}" if self.unit == "share" else self.words

    def about(self) -> dict[str, str]:
        """What it is, fit for JSON."""
        return {
            "name": self.name,
            "words": self.words,
            "unit": self.unit,
            "among": self.among,
        }

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of outcomes that it needs."""
        raise NotImplementedError

    def over(self, replicates: Replicates, points: int = 1) -> Measured:
        """The figure at every point.

        Args:
            replicates: one row for each replicate at each point, point after point, the replicates
                in one order at all of them.
            points: how many points.
        """
        raise NotImplementedError

    def plain(self) -> dict[str, Any]:
        """The measure as it would be written in full."""
        raise NotImplementedError


@dataclass(frozen=True)
class Share(Measure):
    """How often something is so.

    Attributes:
        event: what is so.
        given: the crises among which it is counted; None for all.
    """

    event: Condition
    given: Condition | None = None
    unit = "share"

    @property
    def among(self) -> str:
        return _told_of(self.given)

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.event.columns, *(self.given.columns if self.given else ()))

    def over(self, replicates: Replicates, points: int = 1) -> Measured:
        came = self.event.holds(replicates).reshape(points, -1)
        among = _among(self.given, replicates, came.shape)
        count, of = (came & among).sum(axis=1), among.sum(axis=1)
        share = np.divide(count, of, out=np.full(points, np.nan), where=of > 0)
        limits = wilson_interval(count, of)
        error = np.sqrt(share * (1.0 - share) / np.maximum(of, 1))
        influence = _ratio_influence(came, among, share, of)
        return Measured(share, error, limits.lower, limits.upper, of, influence, is_share=True)

    def plain(self) -> dict[str, Any]:
        return _written(self, {"share": self.event.plain()}, self.given)


@dataclass(frozen=True)
class Within(Measure):
    """How often something comes within a time: cumulative incidence, with what competes dealt with.

    Attributes:
        clock: what comes, and since when it is awaited.
        hours: within how many hours; None for the horizon, or as long as enough were watched.
    """

    clock: Clock
    hours: float | None
    unit = "share"

    @property
    def among(self) -> str:
        return self.clock.among

    @property
    def columns(self) -> tuple[str, ...]:
        return self.clock.columns

    def over(self, replicates: Replicates, points: int = 1) -> Measured:
        durations = self.clock.read(replicates)
        hours = np.full(points, self.hours if self.hours is not None else replicates.horizon_hours)
        if self.hours is None:
            latest = [one_curve(durations, points, k).latest(hours[k]) for k in range(points)]
            hours = np.asarray(latest)
        parts = [
            _within(curves, hours[part])
            for part, curves in curves_in_parts(durations, points, until=self.hours)
        ]
        return joined(parts)

    def plain(self) -> dict[str, Any]:
        within = "horizon" if self.hours is None else self.hours
        return _written(self, {"within_hours": within, **self.clock.plain()})


@dataclass(frozen=True)
class TimeQuantile(Measure):
    """By when a share of the crises has seen something; infinite where so many never do.

    Its standard error comes from the limits that the curve's band sets (Woodruff's argument: how
    far the curve is off, over how steep it is), and so do its influence values.

    Attributes:
        clock: what comes, and since when it is awaited.
        level: the share, between 0 and 1; 0.5 for the median.
        in_unit: `hours` or `days`.
    """

    clock: Clock
    level: float
    in_unit: str = "hours"

    @property
    def unit(self) -> str:  # type: ignore[override]
        """The unit it is told in."""
        return self.in_unit

    @property
    def among(self) -> str:
        return self.clock.among

    @property
    def columns(self) -> tuple[str, ...]:
        return self.clock.columns

    def over(self, replicates: Replicates, points: int = 1) -> Measured:
        durations = self.clock.read(replicates)
        parts = [
            _time_quantile(curves, self.level, HOURS[self.in_unit])
            for _, curves in curves_in_parts(durations, points)
        ]
        return joined(parts)

    def plain(self) -> dict[str, Any]:
        return _written(
            self, {"time_quantile": self.level, **self.clock.plain(), "unit": self.in_unit}
        )


@dataclass(frozen=True)
class ColumnQuantile(Measure):
    """A quantile of a column, or of the time between two, among the crises that have a value.

    Attributes:
        column: the column.
        level: which quantile, between 0 and 1.
        since: a time that is taken away from it, "" for none.
        given: the crises among which it is told; None for all that have a value.
        in_unit: `hours` or `days` where it is a time, else "".
    """

    column: str
    level: float
    since: str = ""
    given: Condition | None = None
    in_unit: str = ""

    @property
    def unit(self) -> str:  # type: ignore[override]
        """The unit it is told in."""
        return self.in_unit

    @property
    def among(self) -> str:
        return _told_of(self.given, self.column)

    @property
    def columns(self) -> tuple[str, ...]:
        own = (self.column, self.since) if self.since else (self.column,)
        clock = Clock(self.column, self.since).columns if self.since else ()
        return (*own, *clock, *(self.given.columns if self.given else ()))

    def over(self, replicates: Replicates, points: int = 1) -> Measured:
        values = _values(self.column, self.since, self.in_unit, replicates).reshape(points, -1)
        among = _among(self.given, replicates, values.shape) & ~np.isnan(values)
        ordered = np.sort(np.where(among, values, np.inf), axis=1)
        of = among.sum(axis=1)
        middle = np.ceil(of * self.level - 1e-9).astype(int) - 1
        first, last = np.array(
            [quantile_ranks(number, self.level) if number else (-1, 0) for number in of.tolist()]
        ).T

        def ranked(rank: Any) -> FloatArray:
            inside = (rank >= 0) & (rank < of)
            picked = ordered[np.arange(points), np.clip(rank, 0, ordered.shape[1] - 1)]
            return np.where(inside, picked, np.nan)

        estimate = ranked(middle)
        lower, upper = ranked(first), ranked(last)
        error = _error_from(lower, estimate, upper)
        below = among & (values <= estimate[:, None])
        share = below.sum(axis=1) / np.maximum(of, 1)
        under = _ratio_influence(below, among, share, of)
        error_of_share = np.sqrt(share * (1.0 - share) / np.maximum(of, 1))
        influence = _through(under, error, error_of_share)
        return Measured(estimate, error, lower, upper, of, influence)

    def plain(self) -> dict[str, Any]:
        since = {"since": self.since, "unit": self.in_unit} if self.since else {}
        return _written(self, {"quantile": self.level, "of": self.column, **since}, self.given)


@dataclass(frozen=True)
class ColumnMean(Measure):
    """The mean of a column among the crises that have a value.

    Attributes:
        column: the column.
        given: the crises among which it is told; None for all that have a value.
    """

    column: str
    given: Condition | None = None

    @property
    def among(self) -> str:
        return _told_of(self.given, self.column)

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column, *(self.given.columns if self.given else ()))

    def over(self, replicates: Replicates, points: int = 1) -> Measured:
        values = np.asarray(replicates.column(self.column), np.float64).reshape(points, -1)
        among = _among(self.given, replicates, values.shape) & ~np.isnan(values)
        of = among.sum(axis=1)
        total = np.where(among, values, 0.0).sum(axis=1)
        mean = np.divide(total, of, out=np.full(points, np.nan), where=of > 0)
        influence = _ratio_influence(values, among, mean, of)
        squares = np.einsum("pr,pr->p", influence, influence)
        error = np.where(of > 1, np.sqrt(squares) / values.shape[1], np.nan)
        reach = normal_quantile() * error
        return Measured(mean, error, mean - reach, mean + reach, of, influence)

    def plain(self) -> dict[str, Any]:
        return _written(self, {"mean": self.column}, self.given)


def _within(curves: Curves, hours: FloatArray) -> Measured:
    steps = curves.steps_by(hours)
    estimate, error, known = curves.at(steps)
    limits = complementary_log_log_interval(estimate, error, known)
    hidden = np.where(curves.unknown_at(hours), np.nan, 0.0)
    return Measured(
        estimate + hidden,
        error + hidden,
        limits.lower + hidden,
        limits.upper + hidden,
        curves.started,
        curves.influence(steps),
        is_share=True,
    )


def _time_quantile(curves: Curves, level: float, unit: float) -> Measured:
    band = curves.band()
    padded = np.concatenate([[np.nan], curves.times]) / unit

    def reached(curve: FloatArray) -> FloatArray:
        return padded[np.maximum(curves.first_step(curve, level), 0)]

    steps = np.maximum(curves.first_step(curves.estimate, level), 0)
    never = np.where(curves.started > 0, np.inf, np.nan)
    estimate = np.where(steps > 0, padded[steps], never)
    lower, upper = reached(band.upper), reached(band.lower)
    error = _error_from(lower, np.where(np.isinf(estimate), np.nan, estimate), upper)
    influence = _through(curves.influence(steps), error, curves.at(steps)[1])
    return Measured(estimate, error, lower, upper, curves.started, influence)


def _error_from(lower: FloatArray, estimate: FloatArray, upper: FloatArray) -> FloatArray:
    """The standard error that two limits imply, or the one that there is."""
    down, up = estimate - lower, upper - estimate
    width = np.where(np.isnan(down), 2 * up, np.where(np.isnan(up), 2 * down, down + up))
    return np.asarray(width / (2 * normal_quantile()))


def _through(influence: FloatArray, error: FloatArray, error_of_share: FloatArray) -> FloatArray:
    """Influence on a quantile from that on the share below it: the other way, by how steep the curve is."""
    steep = np.divide(error, error_of_share, out=np.zeros_like(error), where=error_of_share > 0)
    return np.asarray(-influence * np.nan_to_num(steep, posinf=0.0)[:, None])


def _told_of(given: Condition | None, column: str = "") -> str:
    """The crises that fit a condition and, where a column is a time, have one."""
    terms = dict(given.terms) if given else {}
    if column.endswith("_at_hours"):
        terms.setdefault(column, CAME)
    return Condition(tuple(terms.items())).among() if terms else EVERYONE


def _among(given: Condition | None, replicates: Replicates, shape: tuple[int, ...]) -> BoolArray:
    if given is None:
        return np.ones(shape, dtype=np.bool_)
    return given.holds(replicates).reshape(shape)


def _ratio_influence(values: Any, among: BoolArray, ratio: FloatArray, of: Any) -> FloatArray:
    """How much each replicate pulls a mean over some of them."""
    with np.errstate(invalid="ignore"):
        apart = np.where(among, np.asarray(values, np.float64) - ratio[:, None], 0.0)
    apart *= (among.shape[1] / np.maximum(of, 1))[:, None]
    return np.asarray(apart)


def _values(column: str, since: str, unit: str, replicates: Replicates) -> FloatArray:
    if not since:
        return np.asarray(replicates.column(column), np.float64)
    durations = Clock(column, since).read(replicates)
    hours = np.where(durations.cause == 1, durations.hours, np.nan)
    return np.asarray(hours / HOURS[unit])


def _written(
    measure: Measure, body: dict[str, Any], given: Condition | None = None
) -> dict[str, Any]:
    return {"name": measure.name, **body, **({"given": given.plain()} if given else {})}
