"""Measures: figures of a scenario, or of all points of a design.

A measure is given by its name (`named_measures`), by the path of a figure in summary.json, such as
`ceasefire.from_trigger.by.30_days`, or as a mapping:

    share: {ending: agreement}                       share of crises that satisfy a condition
    within_hours: 96                                 cumulative incidence of an event
      of: ceasefire_in_effect_at_hours               (Aalen-Johansen, with competing endings
      since: first_strike_at_hours                   and censoring)
    time_quantile: 0.5                               quantile of the time, from the same curve
      of: ceasefire_in_effect_at_hours
      since: first_strike_at_hours
    quantile: 0.9                                    quantile of a column's known values
      of: deaths
    mean: deaths                                     mean of a column's known values

`given` restricts a share, a quantile or a mean to the crises that satisfy another condition, and
`name` names the figure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from crisis_sim.outcomes.durations import (
    COURSE,
    COURSE_COLUMNS,
    COURSES,
    Clock,
    Durations,
    Replicates,
    courses,
    kinds,
    plain_name,
)
from crisis_sim.outcomes.incidence import (
    TOLERANCE,
    CumulativeIncidence,
    MedianTime,
    cumulative_incidence,
    median_time,
)
from crisis_sim.outcomes.intervals import (
    BoolArray,
    FloatArray,
    Measured,
    error_from_limits,
    influence_on_quantile,
    joined,
    normal_quantile,
    quantile_with_interval,
    wilson_interval,
)
from crisis_sim.scenario.schema import ENDINGS, STYLES, VIOLENCE

if TYPE_CHECKING:
    from crisis_sim.scenario.schema import Scenario


# --- Columns of outcomes and their kinds

#: Valid values of text columns; other text columns may contain any text.
WORDS: Mapping[str, tuple[str, ...]] = {
    "ending": ENDINGS,
    "worst_violence": VIOLENCE,
    "mediation_style": STYLES,
    COURSE: tuple(COURSES),
}

#: Columns that identify a crisis.
_NO_OUTCOMES = ("scenario", "replicate", "point")


@dataclass(frozen=True)
class Columns:
    """The outcomes available to measures.

    Attributes:
        kinds: the kind of each column by name: `time`, `number`, `flag` or `text`.
    """

    kinds: Mapping[str, str]

    @classmethod
    def of(
        cls,
        *scenarios: Scenario,
        agents: Sequence[Any] = (),
        roles: Mapping[str, Any] | None = None,
    ) -> Columns:
        """The outcomes that all scenarios have, run with additional agents and replaced roles."""
        from crisis_sim.batch.block import schemas

        first, *others = (schemas(scenario, agents, roles=roles)[0] for scenario in scenarios)
        kinds = {
            name: _kind(name, first.field(name).type)
            for name in first.names
            if name not in _NO_OUTCOMES and all(name in other.names for other in others)
        }
        return cls(kinds | {COURSE: "text"})

    def named(self, *kinds: str) -> list[str]:
        """The names of the columns of given kinds."""
        return [name for name, kind in self.kinds.items() if kind in kinds]


def _kind(name: str, stored: Any) -> str:
    import pyarrow as pa

    if pa.types.is_boolean(stored):
        return "flag"
    if pa.types.is_floating(stored) or pa.types.is_integer(stored):
        return "time" if name.endswith("_at_hours") else "number"
    return "text"


# --- Conditions on a crisis's outcomes

#: Conditions on a time: that the event happened, or never did.
CAME, NEVER = "came", "never"
#: Conditions on a number, or on a time in hours from the start.
BOUNDS = ("at_least", "at_most")


@dataclass(frozen=True)
class Condition:
    """A conjunction of conditions on outcomes.

    Attributes:
        terms: each column with its required value: a text or a tuple of texts; true or false for flags;
            `came` or `never` for times; bounds for times and numbers.
    """

    terms: tuple[tuple[str, Any], ...]

    @classmethod
    def of(cls, terms: Mapping[str, Any]) -> Condition:
        """Create a condition from a mapping."""
        return cls(tuple((column, _frozen(value)) for column, value in terms.items()))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the condition reads."""
        groups = [COURSE_COLUMNS if column == COURSE else (column,) for column, _ in self.terms]
        return tuple(column for columns in groups for column in columns)

    def holds(self, replicates: Replicates) -> BoolArray:
        """Return whether each replicate satisfies the condition, `(rows,)`."""
        satisfied = [
            _satisfies(
                courses(replicates) if column == COURSE else replicates.column(column), value
            )
            for column, value in self.terms
        ]
        return np.asarray(np.logical_and.reduce(satisfied), dtype=np.bool_)

    def plain(self) -> dict[str, Any]:
        """The condition as a mapping."""
        return {column: _plain(value) for column, value in self.terms}

    def words(self) -> str:
        """The condition in words."""
        return " and ".join(_words(column, value) for column, value in self.terms)

    def among(self) -> str:
        """The crises that satisfy it, in words: "crises with no war", "crises that are not mediated"."""
        return "crises " + " and ".join(
            f"{'that are' if isinstance(value, bool) else 'with'} {_words(column, value)}"
            for column, value in self.terms
        )


def _satisfies(values: Any, required: Any) -> BoolArray:
    if values.dtype.kind == "f" and required in (CAME, NEVER):
        return np.asarray(np.isnan(values) == (required == NEVER))
    if isinstance(required, _Bounds):
        # Comparisons with NaN are false: a time that never came is neither early nor late.
        return np.asarray((values >= required.at_least) & (values <= required.at_most))
    if isinstance(required, tuple):
        return np.asarray(np.isin(values, required))
    return np.asarray(values == required)


@dataclass(frozen=True)
class _Bounds:
    at_least: float = -np.inf
    at_most: float = np.inf


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _Bounds(**value)
    return tuple(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, _Bounds):
        return {name: bound for name in BOUNDS if np.isfinite(bound := getattr(value, name))}
    return list(value) if isinstance(value, tuple) else value


def _words(column: str, value: Any) -> str:
    if column == COURSE and isinstance(value, str):
        return COURSES[value]
    name = plain_name(column)
    if value in (CAME, NEVER):
        return name if value == CAME else f"no {name}"
    if isinstance(value, bool):
        return name if value else f"not {name}"
    if isinstance(value, _Bounds):
        signs = dict(zip(BOUNDS, "≥≤", strict=True))
        return " ".join([name, *(f"{signs[key]} {at:g}" for key, at in _plain(value).items())])
    if isinstance(value, tuple):
        return f"{name} {' or '.join(map(str, value))}"
    return f"{name} {value}"


# --- Replicates, with cached conditions, clocks and curves

#: The maximum number of cells of a matrix of points by times, about 20 MB.
_CELLS = 2_500_000


Cached = TypeVar("Cached")


class Reading:
    """The replicates of a scenario, or of all points of a design, with a cache for measures."""

    def __init__(
        self,
        replicates: Replicates,
        points: int | None = None,
        rows: NDArray[np.intp] | None = None,
    ) -> None:
        """Wrap replicates.

        Args:
            replicates: a row for each replicate at each point, point after point, with the replicates
                in the same order at all points.
            points: the number of points; None for a scenario, whose arrays have no axis for points.
            rows: the rows to use, in this order; None for all.
        """
        self.source, self.points, self.rows = replicates, points, rows
        self.horizon_hours = replicates.horizon_hours
        self._last: tuple[str, NDArray[Any]] = ("", np.array([]))
        self._cache: dict[tuple[Any, ...], Any] = {}  # results by method and arguments

    @classmethod
    def of(cls, ensemble: Replicates) -> Reading:
        """Wrap all replicates of a scenario.

        Raises:
            UnknownValueError: A value of `worst_violence` is unknown.
        """
        kinds(ensemble, "worst_violence", VIOLENCE)
        return cls(ensemble)

    def subset(self, rows: NDArray[np.intp]) -> Reading:
        """Select replicates of a scenario, in the order of `rows`."""
        return Reading(self.source, rows=rows if self.rows is None else self.rows[rows])

    def column(self, name: str) -> NDArray[Any]:
        """The values of a column."""
        if (
            name != self._last[0]
        ):  # successive measures often read the same column, and texts are slow to read
            values = self.source.column(name)
            self._last = (name, values if self.rows is None else values[self.rows])
        return self._last[1]

    def shaped(self, values: Any) -> Any:
        """Reshape values to points by replicates, if there are points."""
        return values if self.points is None else values.reshape(self.points, -1)

    def holds(self, condition: Condition) -> BoolArray:
        """Return whether each replicate satisfies a condition."""
        return self._cached(lambda: self.shaped(condition.holds(self)), "holds", condition)

    def durations(self, clock: Clock) -> Durations:
        """The times of all rows on a clock."""
        return self._cached(lambda: clock.read(self), "durations", clock)

    def curve(self, clock: Clock) -> CumulativeIncidence:
        """The cumulative incidence of a clock's event in a scenario."""
        return self._cached(
            lambda: self.durations(clock).incidence(first_only=True), "curve", clock
        )

    def median(self, clock: Clock, stream: int = 0) -> MedianTime:
        """The median time of a clock's event in a scenario, with its bootstrap."""
        return self._cached(lambda: median_time(self.curve(clock), stream), "median", clock, stream)

    def _cached(self, compute: Callable[[], Cached], *key: object) -> Cached:
        if key not in self._cache:
            self._cache[key] = compute()
        return cast(Cached, self._cache[key])

    def figure(
        self,
        clock: Clock,
        figure: Callable[[CumulativeIncidence], Measured],
        until: float | None = None,
    ) -> Measured:
        """Compute a figure of the curve of a scenario, or of the curves at all points.

        Args:
            clock: the event and its origin.
            figure: a function that computes the figure from curves.
            until: hours after which events do not matter to it; None for all.
        """
        if self.points is None:
            return figure(self.curve(clock))
        return joined([figure(curves).settled() for curves in self._at_points(clock, until)])

    def _at_points(self, clock: Clock, until: float | None) -> Iterator[CumulativeIncidence]:
        durations = self.durations(clock)
        hours, cause = self.shaped(durations.hours), self.shaped(durations.cause)
        if until is not None:
            cause = np.where(hours <= until + TOLERANCE, cause, 0)
        steps = len(np.unique(hours[(cause > 0) & ~np.isnan(hours)]))
        size = max(_CELLS // max(steps, 1), 1)
        for first in range(0, len(hours), size):
            part = slice(first, first + size)
            yield cumulative_incidence(hours[part], cause[part], durations.causes, first_only=True)


# --- Kinds of measures, computed at all points at once

#: The denominator of a share of all crises.
EVERYONE = "all crises"
#: Hours in a unit of time.
HOURS = {"hours": 1.0, "days": 24.0}


@dataclass(frozen=True)
class Measure:
    """A figure that can be computed from any batch.

    Attributes:
        name: its name in tables and files.
        words: its name in a sentence or on an axis.
        kind: `share`, `within_hours`, `time_quantile`, `quantile` or `mean`.
        unit: `share`, `hours`, `days`, or "" for the unit of its column.
        event: the condition of a share.
        clock: the event and its origin, also for a quantile of the time between two events.
        hours: the time limit; None for the horizon, or for as long as the curve is reliable.
        level: the level of a quantile, between 0 and 1; 0.5 for the median.
        column: the column of a quantile or a mean.
        given: the condition that restricts the crises; None for all, or all with a value.
    """

    name: str
    words: str
    kind: str
    unit: str = ""
    event: Condition = Condition(())
    clock: Clock | None = None
    hours: float | None = None
    level: float = 0.5
    column: str = ""
    given: Condition | None = None

    @property
    def among(self) -> str:
        """The crises that it describes, in words; the denominator of a share."""
        if self.clock and not self.column:
            return self.clock.among
        terms = dict(self.given.terms) if self.given else {}
        if self.column.endswith("_at_hours"):
            terms.setdefault(self.column, CAME)
        return Condition(tuple(terms.items())).among() if terms else EVERYONE

    @property
    def subject(self) -> str:
        """Its words as the subject of a sentence; a share has its denominator."""
        return f"{self.words}, of {self.among}" if self.unit == "share" else self.words

    def about(self) -> dict[str, str]:
        """Its name, words, unit and denominator, for JSON."""
        return {key: getattr(self, key) for key in ("name", "words", "unit", "among")}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of outcomes that it reads."""
        of = (self.column,) if self.column and not self.clock else ()
        parts = (self.event, self.clock, self.given)
        return (*of, *(column for part in parts if part for column in part.columns))

    def plain(self) -> dict[str, Any]:
        """The measure as a complete mapping."""
        value = {
            "share": self.event.plain(),
            "within_hours": "horizon" if self.hours is None else self.hours,
            "mean": self.column,
        }
        mapping = {"name": self.name, self.kind: value.get(self.kind, self.level)}
        if self.clock:
            mapping |= self.clock.plain()
        elif self.kind == "quantile":
            mapping["of"] = self.column
        if self.clock and self.unit != "share":
            mapping["unit"] = self.unit
        return mapping | ({"given": self.given.plain()} if self.given else {})

    def over(self, replicates: Replicates, points: int = 1) -> Measured:
        """Compute the figure at every point; the arguments are those of `Reading`."""
        return self.read(Reading(replicates, points)).settled()

    def read(self, reading: Reading) -> Measured:
        """Compute the figure in a scenario, or at every point."""
        match self.kind, self.clock:
            case "share", _:
                return share_of(reading.holds(self.event), self._given(reading))
            case "within_hours", Clock() as clock:
                horizon = reading.horizon_hours
                return reading.figure(
                    clock, lambda curve: curve.at(self.moment(curve, horizon)), self.hours
                )
            case "time_quantile", Clock() as clock:
                unit = HOURS[self.unit]
                return reading.figure(clock, lambda curve: curve.quantile(self.level, unit=unit))
        if self.clock:
            durations = reading.durations(self.clock)
            hours = np.where(durations.cause == 1, durations.hours, np.nan)
            values = reading.shaped(hours / HOURS[self.unit])
        else:
            values = reading.shaped(np.asarray(reading.column(self.column), np.float64))
        values = np.where(self._given(reading), values, np.nan)
        return _mean(values) if self.kind == "mean" else _quantile(values, self.level)

    def moment(self, curve: CumulativeIncidence, horizon_hours: float) -> Any:
        """The time at which an incidence is read from a curve, in hours."""
        return curve.latest(horizon_hours) if self.hours is None else self.hours

    def _given(self, reading: Reading) -> BoolArray:
        return reading.holds(self.given) if self.given else np.asarray(True)


def share_of(came: BoolArray, among: BoolArray) -> Measured:
    """Return the share of events among a subset of replicates, along the last axis."""
    among = np.broadcast_to(among, came.shape)
    count, of = (came & among).sum(axis=-1), among.sum(axis=-1)
    share = np.divide(count, of, out=np.full(np.shape(of), np.nan), where=of > 0)
    error = np.sqrt(share * (1.0 - share) / np.maximum(of, 1))

    def influence() -> FloatArray:
        return _ratio_influence(came, among, share, of)

    return Measured(share, error, *wilson_interval(count, of), of, influence, is_share=True)


def _quantile(values: FloatArray, level: float) -> Measured:
    """A quantile of the values that are not NaN."""
    quantile = quantile_with_interval(values, level)
    estimate, lower, upper = map(np.asarray, (quantile.estimate, quantile.lower, quantile.upper))
    among = ~np.isnan(values)
    of, error = among.sum(axis=-1), error_from_limits(lower, estimate, upper)

    def influence() -> FloatArray:
        below = share_of(values <= estimate[..., None], among)
        return influence_on_quantile(below.influence, error, below.standard_error)

    return Measured(estimate, error, lower, upper, of, influence)


def _mean(values: FloatArray) -> Measured:
    """The mean of the values that are not NaN."""
    among = ~np.isnan(values)
    of = among.sum(axis=-1)
    total = np.where(among, values, 0.0).sum(axis=-1)
    mean = np.divide(total, of, out=np.full(np.shape(of), np.nan), where=of > 0)
    influence = _ratio_influence(values, among, mean, of)
    squares = np.einsum("...r,...r->...", influence, influence)
    error = np.where(of > 1, np.sqrt(squares) / values.shape[-1], np.nan)
    reach = normal_quantile() * error
    return Measured(mean, error, mean - reach, mean + reach, of, influence, is_mean=True)


def _ratio_influence(values: Any, among: BoolArray, ratio: FloatArray, of: Any) -> FloatArray:
    """The influence of each replicate on a mean over a subset."""
    with np.errstate(invalid="ignore"):
        deviation = np.where(among, np.asarray(values, np.float64) - ratio[..., None], 0.0)
    deviation *= (among.shape[-1] / np.maximum(of, 1))[..., None]
    return np.asarray(deviation)
