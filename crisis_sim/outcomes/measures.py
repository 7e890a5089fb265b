"""Measures: figures that are computed at every point of a design at once.

    from crisis_sim.outcomes.names import measure

    quick = measure("ceasefire_within_96_hours")
    deadly = measure({"share": {"deaths": {"at_least": 1000}}, "given": {"mediated": True}})
    measured = quick.over(ensemble, points=1)      # estimate, limits, standard error, influence

A measure is written by a name (`names`), by the path of a figure in summary.json, such as
`ceasefire.from_trigger.by.30_days`, or as a mapping (`read`):

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
`name` says what to call the figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crisis_sim.outcomes.durations import (
    AMONG,
    CEASEFIRE,
    CLOCKS,
    OTHERWISE,
    RELAPSE,
    UNRESOLVED,
    Curves,
    Durations,
    Replicates,
    curves_in_parts,
    one_curve,
)
from crisis_sim.outcomes.intervals import (
    CONFIDENCE,
    BoolArray,
    FloatArray,
    Interval,
    cautious_correlation,
    complementary_log_log_interval,
    difference_interval,
    normal_quantile,
    quantile_ranks,
    wilson_interval,
)
from crisis_sim.scenario.schema import ENDINGS, STYLES, VIOLENCE

if TYPE_CHECKING:
    from crisis_sim.scenario.schema import Scenario


# --- Which columns of outcomes there are, and what kind of thing each holds

#: Words that a column of texts may hold; columns that are not here may hold any.
WORDS: Mapping[str, tuple[str, ...]] = {
    "ending": ENDINGS,
    "worst_violence": VIOLENCE,
    "mediation_style": STYLES,
}

#: Columns that say whose crisis it is, not what came of it.
_NO_OUTCOMES = ("scenario", "replicate", "point")


@dataclass(frozen=True)
class Columns:
    """The outcomes that a measure may speak of.

    Attributes:
        kinds: the kind of each column by its name: `time`, `number`, `flag` or `text`.
    """

    kinds: Mapping[str, str]

    @classmethod
    def of(cls, *scenarios: Scenario, agents: Sequence[Any] = ()) -> Columns:
        """The outcomes that all of some scenarios have.

        Args:
            scenarios: the scenarios.
            agents: makers of agents to add to each, as `CrisisModel` takes them.
        """
        from crisis_sim.batch.block import schemas

        each = [schemas(scenario, agents)[0] for scenario in scenarios]
        names = [name for name in each[0].names if all(name in other.names for other in each)]
        return cls(
            {
                name: _kind(name, each[0].field(name).type)
                for name in names
                if name not in _NO_OUTCOMES
            }
        )

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


# --- Conditions: what is so in a crisis, and in which replicates

#: What may be said of a time: that it came, or never did.
CAME, NEVER = "came", "never"
#: What may be said of a number, or of a time in hours from the start.
BOUNDS = ("at_least", "at_most")


@dataclass(frozen=True)
class Condition:
    """Everything that must be so at once.

    Attributes:
        terms: for each column what it must hold: for texts a word or a tuple of words; for flags
            true or false; for times `came` or `never`; for times and numbers `at_least` and
            `at_most` with a number each.
    """

    terms: tuple[tuple[str, Any], ...]

    @classmethod
    def of(cls, terms: Mapping[str, Any]) -> Condition:
        """The condition that a mapping says."""
        return cls(
            tuple(
                (column, tuple(value) if isinstance(value, list) else _frozen(value))
                for column, value in terms.items()
            )
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it looks at."""
        return tuple(column for column, _ in self.terms)

    def holds(self, replicates: Replicates) -> BoolArray:
        """In which replicates it is so, `(rows,)`."""
        each = [_holds(replicates.column(column), wanted) for column, wanted in self.terms]
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
    if wanted == CAME and values.dtype.kind == "f":
        return np.asarray(~np.isnan(values))
    if wanted == NEVER and values.dtype.kind == "f":
        return np.asarray(np.isnan(values))
    if isinstance(wanted, _Bounds):
        # Comparisons with NaN are false: what never came is neither early nor late.
        return np.asarray((values >= wanted.at_least) & (values <= wanted.at_most))
    if isinstance(wanted, tuple):
        return np.asarray(np.isin(values, wanted))
    return np.asarray(values == wanted)


@dataclass(frozen=True)
class _Bounds:
    at_least: float = -np.inf
    at_most: float = np.inf


def _frozen(value: Any) -> Any:
    return _Bounds(**value) if isinstance(value, Mapping) else value


def _plain(wanted: Any) -> Any:
    if isinstance(wanted, _Bounds):
        return {name: bound for name in BOUNDS if np.isfinite(bound := getattr(wanted, name))}
    return list(wanted) if isinstance(wanted, tuple) else wanted


def _words(column: str, wanted: Any) -> str:
    name = column.removesuffix("_at_hours").replace("_", " ")
    if wanted == CAME:
        return name
    if wanted == NEVER:
        return f"no {name}"
    if isinstance(wanted, bool):
        return name if wanted else f"not {name}"
    if isinstance(wanted, _Bounds):
        signs = {"at_least": "≥", "at_most": "≤"}
        return " ".join(
            [name, *(f"{signs[key]} {_plain(wanted)[key]:g}" for key in _plain(wanted))]
        )
    if isinstance(wanted, tuple):
        return f"{name} {' or '.join(map(str, wanted))}"
    return f"{name} {wanted}"


# --- Clocks: what is awaited, and since when

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


# --- A figure at every point of a design, and what luck that the points share says of their differences


@dataclass(frozen=True, eq=False)
class Contrast:
    """Differences between points, or other sums over them with weights; arrays of one shape.

    Attributes:
        estimate: the sum; NaN where a figure that it needs is unknown or infinite.
        standard_error: its standard error, from the replicates that the points share.
        lower, upper: confidence limits.
    """

    estimate: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, eq=False)
class Measured:
    """A measure at every point.

    Attributes:
        estimate: the figure at each point, `(points,)`; NaN where there is nothing to tell it from,
            infinite for a time that never comes.
        standard_error: its standard error.
        lower, upper: confidence limits; NaN where the data set none.
        of: how many replicates it is told from.
        influence: how much each replicate pulls it, `(points, replicates)`, of mean zero: to first
            order the error of the estimate is the mean of these values.
        is_share: whether it is a share, so that its limits lie between 0 and 1.
    """

    estimate: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    of: NDArray[np.int64]
    influence: FloatArray = field(repr=False)
    is_share: bool = False

    @property
    def points(self) -> int:
        """How many points there are."""
        return len(self.estimate)

    def less(self, reference: int, confidence: float = CONFIDENCE) -> Contrast:
        """Each point less one of them, on the luck that they share.

        Of shares the limits are Newcombe's for paired shares in the form of `difference_interval`,
        with `cautious_correlation`, so that "never" less "never" has a width, and points at which
        every replicate went alike have one, too; of others they are normal.
        """
        theirs = self.influence[reference]
        error = _root_mean_square(self.influence - theirs)
        with np.errstate(invalid="ignore"):
            estimate = self.estimate - self.estimate[reference]
        estimate = np.where(np.isfinite(estimate), estimate, np.nan)
        if not self.is_share:
            # Where replicates do not tell how sure a figure is, they do not tell it of a difference.
            unsure = np.isnan(self.standard_error) | np.isnan(self.standard_error[reference])
            unsure |= self.influence.shape[1] < 2
            unsure[reference] = False  # a point less itself
            return _normal(estimate, np.where(unsure, np.nan, error), confidence)
        product = self.influence @ theirs
        scale = np.sqrt(np.einsum("pr,pr->p", self.influence, self.influence) * (theirs @ theirs))
        correlation = np.divide(product, scale, out=np.zeros_like(scale), where=scale > 0)
        limits = difference_interval(
            self.estimate,
            Interval(self.lower, self.upper),
            self.estimate[reference],
            Interval(self.lower[reference], self.upper[reference]),
            cautious_correlation(
                np.clip(correlation, -1.0, 1.0),
                self.estimate,
                self.standard_error,
                self.estimate[reference],
                self.standard_error[reference],
            ),
        )
        lower, upper = limits.lower.copy(), limits.upper.copy()
        lower[reference] = upper[reference] = estimate[reference]  # a point less itself
        return Contrast(estimate, error, lower, upper)

    def sums(self, weights: ArrayLike, confidence: float = CONFIDENCE) -> Contrast:
        """Sums over the points with weights, on the luck that they share; with normal limits.

        Args:
            weights: one row for each sum, `(sums, points)`.
            confidence: confidence level, between 0 and 1.
        """
        weights = np.atleast_2d(np.asarray(weights, dtype=np.float64))
        known = np.isfinite(self.estimate)
        estimate = weights @ np.where(known, self.estimate, 0.0)
        needed = (weights != 0.0) @ ~known
        estimate = np.where(needed > 0, np.nan, estimate)
        influence = np.where(np.isfinite(self.influence), self.influence, 0.0)
        return _normal(estimate, _root_mean_square(weights @ influence), confidence)


def joined(parts: Sequence[Measured]) -> Measured:
    """A measure at the points of several parts, one part after the other."""
    if len(parts) == 1:
        return parts[0]

    def whole(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])

    return Measured(
        whole("estimate"),
        whole("standard_error"),
        whole("lower"),
        whole("upper"),
        whole("of"),
        whole("influence"),
        is_share=parts[0].is_share,
    )


def _normal(estimate: FloatArray, error: FloatArray, confidence: float) -> Contrast:
    reach = normal_quantile(confidence) * error
    error = np.where(np.isnan(estimate), np.nan, error)
    return Contrast(estimate, error, estimate - reach, estimate + reach)


def _root_mean_square(influence: FloatArray) -> FloatArray:
    """The standard error that influence values imply: their root mean square over the root of their number."""
    replicates = influence.shape[1]
    return np.asarray(np.sqrt(np.einsum("pr,pr->p", influence, influence)) / replicates)


# --- The kinds of measures, each computed at all points at once

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
