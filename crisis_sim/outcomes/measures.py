"""Measures: figures of a scenario, or of every point of a design at once.

A measure is written by a name (`names`), by the path of a figure in summary.json, such as
`ceasefire.from_trigger.by.30_days`, or as a mapping:

    share: {ending: agreement}                       how often something is so
    within_hours: 96                                 how often something comes in time, with
      of: ceasefire_in_effect_at_hours               competing endings and censoring dealt with
      since: first_strike_at_hours                   (cumulative incidence, Aalen-Johansen)
    time_quantile: 0.5                               by when half have come, on the same curve
      of: ceasefire_in_effect_at_hours
      since: first_strike_at_hours
    quantile: 0.9                                    of a column, among those that have a value
      of: deaths
    mean: deaths                                     likewise

`given` restricts a share, a quantile or a mean to the crises in which something else is so, and
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

#: Words that a column of texts may hold; columns that are not here may hold any.
WORDS: Mapping[str, tuple[str, ...]] = {
    "ending": ENDINGS,
    "worst_violence": VIOLENCE,
    "mediation_style": STYLES,
    COURSE: tuple(COURSES),
}

#: Columns that identify a crisis; no outcomes.
_NO_OUTCOMES = ("scenario", "replicate", "point")


@dataclass(frozen=True)
class Columns:
    """The outcomes that a measure may speak of.

    Attributes:
        kinds: the kind of each column by its name: `time`, `number`, `flag` or `text`.
    """

    kinds: Mapping[str, str]

    @classmethod
    def of(
        cls,
        *scenarios: Scenario,
        agents: Sequence[Any] = (),
        roles: Mapping[str, Any] | None = None,
    ) -> Columns:
        """The outcomes that all of some scenarios have, with agents to add and classes in place of their own."""
        from crisis_sim.batch.block import schemas

        first, *others = (schemas(scenario, agents, roles=roles)[0] for scenario in scenarios)
        found = {
            name: _kind(name, first.field(name).type)
            for name in first.names
            if name not in _NO_OUTCOMES and all(name in other.names for other in others)
        }
        return cls(found | {COURSE: "text"})

    def named(self, *kinds: str) -> list[str]:
        """Names of the columns of some kinds."""
        return [name for name, kind in self.kinds.items() if kind in kinds]


def _kind(name: str, stored: Any) -> str:
    import pyarrow as pa

    if pa.types.is_boolean(stored):
        return "flag"
    if pa.types.is_floating(stored) or pa.types.is_integer(stored):
        return "time" if name.endswith("_at_hours") else "number"
    return "text"


# --- Conditions on a crisis's outcomes

#: Conditions on a time: that it came, or never did.
CAME, NEVER = "came", "never"
#: Conditions on a number, or on a time in hours from the start.
BOUNDS = ("at_least", "at_most")


@dataclass(frozen=True)
class Condition:
    """Everything that must be so at once.

    Attributes:
        terms: each column with the value required: of texts a word or a tuple of words; of flags
            true or false; of times `came` or `never`; of times and numbers bounds.
    """

    terms: tuple[tuple[str, Any], ...]

    @classmethod
    def of(cls, terms: Mapping[str, Any]) -> Condition:
        """The condition that a mapping says."""
        return cls(tuple((column, _frozen(value)) for column, value in terms.items()))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it looks at."""
        each = [COURSE_COLUMNS if column == COURSE else (column,) for column, _ in self.terms]
        return tuple(column for columns in each for column in columns)

    def holds(self, replicates: Replicates) -> BoolArray:
        """Whether it holds in each replicate, `(rows,)`."""
        each = [
            _holds(courses(replicates) if column == COURSE else replicates.column(column), wanted)
            for column, wanted in self.terms
        ]
        return np.asarray(np.logical_and.reduce(each), dtype=np.bool_)

    def plain(self) -> dict[str, Any]:
        """The condition as it is written."""
        return {column: _plain(wanted) for column, wanted in self.terms}

    def words(self) -> str:
        """The condition as a person would say it."""
        return " and ".join(_words(column, wanted) for column, wanted in self.terms)

    def among(self) -> str:
        """The crises in which it is so: "crises with no war", "crises that are not mediated"."""
        return "crises " + " and ".join(
            f"{'that are' if isinstance(wanted, bool) else 'with'} {_words(column, wanted)}"
            for column, wanted in self.terms
        )


def _holds(values: Any, wanted: Any) -> BoolArray:
    if values.dtype.kind == "f" and wanted in (CAME, NEVER):
        return np.asarray(np.isnan(values) == (wanted == NEVER))
    if isinstance(wanted, _Bounds):
        # Comparisons with NaN are false: a time that never came is neither early nor late.
        return np.asarray((values >= wanted.at_least) & (values <= wanted.at_most))
    if isinstance(wanted, tuple):
        return np.asarray(np.isin(values, wanted))
    return np.asarray(values == wanted)


@dataclass(frozen=True)
class _Bounds:
    at_least: float = -np.inf
    at_most: float = np.inf


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _Bounds(**value)
    return tuple(value) if isinstance(value, list) else value


def _plain(wanted: Any) -> Any:
    if isinstance(wanted, _Bounds):
        return {name: bound for name in BOUNDS if np.isfinite(bound := getattr(wanted, name))}
    return list(wanted) if isinstance(wanted, tuple) else wanted


def _words(column: str, wanted: Any) -> str:
    if column == COURSE and isinstance(wanted, str):
        return COURSES[wanted]
    name = plain_name(column)
    if wanted in (CAME, NEVER):
        return name if wanted == CAME else f"no {name}"
    if isinstance(wanted, bool):
        return name if wanted else f"not {name}"
    if isinstance(wanted, _Bounds):
        signs = dict(zip(BOUNDS, "≥≤", strict=True))
        return " ".join([name, *(f"{signs[key]} {at:g}" for key, at in _plain(wanted).items())])
    if isinstance(wanted, tuple):
        return f"{name} {' or '.join(map(str, wanted))}"
    return f"{name} {wanted}"


# --- Replicates, with cached conditions, clocks and curves

#: Cells of a matrix of points by times that are held at once: some 20 MB each.
_CELLS = 2_500_000


Found = TypeVar("Found")


class Reading:
    """The replicates of a scenario, or of all points of a design, as measures read them."""

    def __init__(
        self,
        replicates: Replicates,
        points: int | None = None,
        rows: NDArray[np.intp] | None = None,
    ) -> None:
        """Read replicates.

        Args:
            replicates: one row for each replicate at each point, point after point, the replicates
                in one order at all of them.
            points: how many points; None for a scenario, whose arrays have no axis for them.
            rows: the replicates to take, in this order; None for all.
        """
        self.source, self.points, self.rows = replicates, points, rows
        self.horizon_hours = replicates.horizon_hours
        self._last: tuple[str, NDArray[Any]] = ("", np.array([]))
        self._found: dict[
            tuple[Any, ...], Any
        ] = {}  # what has been asked for, by method and arguments

    @classmethod
    def of(cls, ensemble: Replicates) -> Reading:
        """All replicates of a scenario.

        Raises:
            UnknownValueError: The worst violence of one is not one of those there are.
        """
        kinds(ensemble, "worst_violence", VIOLENCE)
        return cls(ensemble)

    def subset(self, rows: NDArray[np.intp]) -> Reading:
        """Some of the replicates of a scenario, in the order of `rows`."""
        return Reading(self.source, rows=rows if self.rows is None else self.rows[rows])

    def column(self, name: str) -> NDArray[Any]:
        """One value a row; a column of texts takes long to read, and several measures in a row ask for it."""
        if name != self._last[0]:
            values = self.source.column(name)
            self._last = (name, values if self.rows is None else values[self.rows])
        return self._last[1]

    def shaped(self, values: Any) -> Any:
        """One value a row with an axis for the points, where there are points."""
        return values if self.points is None else values.reshape(self.points, -1)

    def holds(self, condition: Condition) -> BoolArray:
        """Whether a condition holds in each replicate."""
        return self._once(lambda: self.shaped(condition.holds(self)), "holds", condition)

    def durations(self, clock: Clock) -> Durations:
        """A clock's hours and causes of every row."""
        return self._once(lambda: clock.read(self), "durations", clock)

    def curve(self, clock: Clock) -> CumulativeIncidence:
        """The cumulative incidence, in a scenario, of a clock's event."""
        return self._once(lambda: self.durations(clock).incidence(first_only=True), "curve", clock)

    def median(self, clock: Clock, stream: int = 0) -> MedianTime:
        """The median time of that curve with its bootstrap: a reference needs it often."""
        return self._once(lambda: median_time(self.curve(clock), stream), "median", clock, stream)

    def _once(self, make: Callable[[], Found], *key: object) -> Found:
        if key not in self._found:
            self._found[key] = make()
        return cast(Found, self._found[key])

    def figure(
        self,
        clock: Clock,
        figure: Callable[[CumulativeIncidence], Measured],
        until: float | None = None,
    ) -> Measured:
        """A figure of the curve of a scenario, or of those at all points.

        Args:
            clock: the event and its origin.
            figure: the figure of a curve.
            until: hours after which events do not matter to it; None for all.
        """
        if self.points is None:
            return figure(self.curve(clock))
        # As many points at a time as memory should hold.
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

#: The denominator of a share of every crisis.
EVERYONE = "all crises"
#: Hours in a unit of time.
HOURS = {"hours": 1.0, "days": 24.0}


@dataclass(frozen=True)
class Measure:
    """A figure that any batch has.

    Attributes:
        name: its name in tables and files.
        words: its name in a sentence or on an axis.
        kind: `share`, `within_hours`, `time_quantile`, `quantile` or `mean`.
        unit: `share`, `hours`, `days`, or "" for whatever its column is in.
        event: the condition whose share it is.
        clock: the event awaited and its origin; of a quantile, where it is of the time between two.
        hours: within how many hours; None for the horizon, or as long as enough were watched.
        level: which quantile, between 0 and 1; 0.5 for the median.
        column: the column, of a quantile or a mean.
        given: the crises that it is restricted to; None for all, or all that have a value.
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
        """The crises that it describes; of a share, its denominator."""
        if self.clock and not self.column:
            return self.clock.among
        terms = dict(self.given.terms) if self.given else {}
        if self.column.endswith("_at_hours"):
            terms.setdefault(self.column, CAME)
        return Condition(tuple(terms.items())).among() if terms else EVERYONE

    @property
    def subject(self) -> str:
        """Its words at the head of a sentence: a share with its denominator."""
        return f"{self.words}, of {self.among}" if self.unit == "share" else self.words

    def about(self) -> dict[str, str]:
        """Its name, words, unit and denominator, for JSON."""
        return {key: getattr(self, key) for key in ("name", "words", "unit", "among")}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of outcomes that it needs."""
        of = (self.column,) if self.column and not self.clock else ()
        parts = (self.event, self.clock, self.given)
        return (*of, *(column for part in parts if part for column in part.columns))

    def plain(self) -> dict[str, Any]:
        """The measure as it would be written in full."""
        body = {
            "share": self.event.plain(),
            "within_hours": "horizon" if self.hours is None else self.hours,
            "mean": self.column,
        }
        written = {"name": self.name, self.kind: body.get(self.kind, self.level)}
        if self.clock:
            written |= self.clock.plain()
        elif self.kind == "quantile":
            written["of"] = self.column
        if self.clock and self.unit != "share":
            written["unit"] = self.unit
        return written | ({"given": self.given.plain()} if self.given else {})

    def over(self, replicates: Replicates, points: int = 1) -> Measured:
        """The figure at every point; the arguments are those of `Reading`."""
        return self.read(Reading(replicates, points)).settled()

    def read(self, reading: Reading) -> Measured:
        """The figure in a scenario, or at every point."""
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
        """The hours by which an incidence is read off a curve."""
        return curve.latest(horizon_hours) if self.hours is None else self.hours

    def _given(self, reading: Reading) -> BoolArray:
        return reading.holds(self.given) if self.given else np.asarray(True)


def share_of(came: BoolArray, among: BoolArray) -> Measured:
    """How often something came among some replicates, along the last axis."""
    among = np.broadcast_to(among, came.shape)
    count, of = (came & among).sum(axis=-1), among.sum(axis=-1)
    share = np.divide(count, of, out=np.full(np.shape(of), np.nan), where=of > 0)
    error = np.sqrt(share * (1.0 - share) / np.maximum(of, 1))

    def influence() -> FloatArray:
        return _ratio_influence(came, among, share, of)

    return Measured(share, error, *wilson_interval(count, of), of, influence, is_share=True)


def _quantile(values: FloatArray, level: float) -> Measured:
    """A quantile of the values that are not NaN."""
    found = quantile_with_interval(values, level)
    estimate, lower, upper = map(np.asarray, (found.estimate, found.lower, found.upper))
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
    """How much each replicate pulls a mean over some of them."""
    with np.errstate(invalid="ignore"):
        apart = np.where(among, np.asarray(values, np.float64) - ratio[..., None], 0.0)
    apart *= (among.shape[-1] / np.maximum(of, 1))[..., None]
    return np.asarray(apart)
