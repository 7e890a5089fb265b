"""Artificial data with a known true value, for every interval that the summary gives.

A case defines how data are generated, the true value, and bounds of the coverage: close to 95%, except for known
effects of small samples. tests/outcomes/test_coverage.py tests these bounds, with an allowance for simulation error.

Crises end by ceasefire or otherwise at constant hazards, and are observed every two hours, so that many times tie;
for medians, which have no exact true value on a grid, they are observed continuously.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from crisis_sim.outcomes import CumulativeIncidence, cumulative_incidence
from crisis_sim.outcomes.incidence import median_difference, median_time
from crisis_sim.outcomes.intervals import (
    CONTINUITY,
    Contrast,
    Estimate,
    Interval,
    Measured,
    cautious_correlation,
    difference,
    difference_interval,
    quantile_with_interval,
    wilson_interval,
)

Found = Estimate | Measured | Contrast | None

#: Mean hours to a ceasefire in the reference and with a third party, and to another ending.
SLOW, QUICK, OTHERWISE = 100.0, 85.0, 160.0
CAUSES = ("ceasefire", "otherwise")
GRID_HOURS = 2.0
#: Hour at which observation ends for all crises, and range of hours in which it ends for crises that start late.
HORIZON, STAGGERED = 240.0, (20.0, 300.0)
WATCH = {True: "each watched until some time from 20 to 300 h", False: "all watched for 240 h"}
#: Bounds of the coverage of a method that is close to its nominal level.
CLOSE = (0.94, 0.965)
#: Numbers of data sets that are cheap to simulate: in the table, and in the tests.
MANY, QUICKLY_MANY = 100_000, 20_000
#: Mean and standard deviation of the logarithm of deaths.
LOG_DEATHS = (5.0, 1.5)


@dataclass(frozen=True)
class Case:
    """An interval, and a way to generate data.

    Attributes:
        statistic: the quantity that the interval is for.
        setting: description of the data.
        truth: the true value.
        limits: simulates a number of data sets and returns the limits in each.
        holds: bounds of the coverage.
        sets: data sets in the published table.
        quick_sets: data sets in the tests.
    """

    statistic: str
    setting: str
    truth: float
    limits: Callable[[Generator, int], Interval]
    holds: tuple[float, float] = CLOSE
    sets: int = 4_000
    quick_sets: int = 600


def cases() -> Iterator[Case]:
    """All cases, in the order of the table."""
    for number, share in ((30, 0.1), (100, 0.01), (100, 0.5), (10_000, 0.001), (10_000, 0.95)):
        yield _share(number, share)
    for first, second, p, q in (
        (30, 50, 0.5, 0.3),
        (500, 500, 0.02, 0.01),
        (5_000, 5_000, 0.85, 0.84),
    ):
        yield _independent_shares(first, second, p, q)
    # If few pairs differ, the continuity correction makes the interval conservative.
    yield _paired_shares(100, 0.3, 0.1, 0.05, 0.97)
    yield _paired_shares(2_000, 0.8, 0.05, 0.02, 0.96)
    yield _paired_shares(10_000, 0.001, 0.001, 0.0005, 0.98)
    yield _paired_shares(2_000, 0.5, 0.001, 0.0, 1.0)
    yield _incidence(50, 24.0, False, (0.935, 0.97))
    yield _incidence(50, 96.0, True, (0.935, 0.965))
    for hours, staggered in ((24.0, True), (96.0, False), (180.0, True)):
        yield _incidence(500, hours, staggered, CLOSE)
    for number, paired in ((50, False), (500, False), (50, True), (500, True), (2_000, True)):
        yield _incidences(number, paired)
    for number in (50, 500):
        yield _median(number)
    for number, paired in ((100, True), (600, True), (2_000, True), (600, False)):
        yield _medians(number, paired)
    for number, level in ((50, 0.1), (50, 0.5), (1_000, 0.1), (1_000, 0.9)):
        yield _quantile(number, level)


def _share(number: int, share: float) -> Case:
    """Wide bounds, since the coverage of Wilson's interval jumps with the share (Brown, Cai and DasGupta 2001)."""

    def limits(rng: Generator, sets: int) -> Interval:
        return wilson_interval(rng.binomial(number, share, sets), number)

    setting = f"{share:.1%} of {number:,}"
    return Case("share", setting, share, limits, (0.915, 0.98), MANY, QUICKLY_MANY)


def _independent_shares(first: int, second: int, p: float, q: float) -> Case:
    def limits(rng: Generator, sets: int) -> Interval:
        ours, theirs = rng.binomial(first, p, sets), rng.binomial(second, q, sets)
        return independent_shares(ours, first, theirs, second)

    setting = f"{p:.0%} of {first:,} less {q:.0%} of {second:,}"
    statistic = "difference of shares, independent"
    return Case(statistic, setting, p - q, limits, (0.94, 0.97), MANY, QUICKLY_MANY)


def _paired_shares(pairs: int, both: float, ours: float, theirs: float, most: float) -> Case:
    def limits(rng: Generator, sets: int) -> Interval:
        cells = (both, ours, theirs, 1.0 - both - ours - theirs)
        a, b, c, d = rng.multinomial(pairs, cells, size=sets).T
        return paired_shares(a, b, c, d)

    setting = f"{pairs:,} pairs: both in {both:.1%}, one alone in {ours:.2%} and {theirs:.2%}"
    statistic = "difference of shares, paired"
    return Case(statistic, setting, ours - theirs, limits, (0.945, most), MANY, QUICKLY_MANY)


def independent_shares(
    ours: ArrayLike, first: ArrayLike, theirs: ArrayLike, second: ArrayLike
) -> Interval:
    """The interval of a difference of independent shares, from counts (Newcombe 1998a, method 10)."""
    first_share, second_share = (
        (np.asarray(count) / np.asarray(number), wilson_interval(count, number))
        for count, number in ((ours, first), (theirs, second))
    )
    return difference_interval(*first_share, *second_share)


def paired_shares(
    both: ArrayLike,
    ours: ArrayLike,
    theirs: ArrayLike,
    neither: ArrayLike,
    continuity: float = CONTINUITY,
) -> Interval:
    """The interval of a difference of paired shares, from counts of pairs (Newcombe 1998b, method 10).

    Newcombe uses half a pair as the continuity correction.
    """
    a, b, c, d = np.broadcast_arrays(*(np.asarray(x, float) for x in (both, ours, theirs, neither)))
    pairs, first, second = a + b + c + d, a + b, a + c
    scale = np.sqrt(first * (c + d) * second * (b + d))
    correlation = np.divide(a * d - b * c, scale, out=np.zeros_like(scale), where=scale > 0)
    p, q = (count / np.maximum(pairs, 1) for count in (first, second))
    p_error, q_error = (np.sqrt(share * (1.0 - share) / np.maximum(pairs, 1)) for share in (p, q))
    return difference_interval(
        p,
        wilson_interval(first, pairs),
        q,
        wilson_interval(second, pairs),
        cautious_correlation(correlation, p, p_error, q, q_error, continuity),
    )


def _incidence(number: int, hours: float, staggered: bool, holds: tuple[float, float]) -> Case:
    def limits(rng: Generator) -> Found:
        return curves(rng, number, staggered)[0].at(hours)

    setting = f"{number} crises, by {hours:.0f} h, {WATCH[staggered]}"
    truth = incidence_by(hours, SLOW)
    return Case("incidence at a moment", setting, truth, _one_by_one(limits), holds)


def _incidences(number: int, paired: bool) -> Case:
    def limits(rng: Generator) -> Found:
        theirs, ours = curves(rng, number, staggered=True, clock=0.8)
        if not paired:
            theirs, _ = curves(rng, 2 * number, staggered=True)
        return difference(ours.at(96.0), theirs.at(96.0), paired)

    independent = f"{number:,} and {2 * number:,} crises"
    who = f"{number:,} pairs, a fifth on one clock only" if paired else independent
    return Case(
        f"difference of incidences, {'paired' if paired else 'independent'}",
        f"{who}, by 96 h, {WATCH[True]}",
        incidence_by(96.0, QUICK) - incidence_by(96.0, SLOW),
        _one_by_one(limits),
        (0.94, 0.98) if number == 50 else CLOSE,
        quick_sets=400,
    )


def _median(number: int) -> Case:
    def limits(rng: Generator) -> Found:
        return curves(rng, number, staggered=True, grid=None)[0].quantile()

    setting, truth = f"{number} crises, {WATCH[True]}", median_of(SLOW)
    return Case("median time", setting, truth, _one_by_one(limits), (0.94, 0.97))


def _medians(number: int, paired: bool) -> Case:
    def limits(rng: Generator) -> Found:
        theirs, ours = curves(rng, number, grid=None)
        if not paired:
            theirs, _ = curves(rng, number, grid=None)
        return median_difference(median_time(ours), median_time(theirs, int(not paired)))

    return Case(
        f"difference of medians, {'paired' if paired else 'independent'}",
        f"{number:,} {'pairs' if paired else 'crises each'}, {WATCH[False]}",
        median_of(QUICK) - median_of(SLOW),
        _one_by_one(limits),
        # In the smallest sample the curve barely reaches one half, and that of many bootstrap samples does not.
        (0.91, 0.99) if number == 100 else (0.94, 0.99),
        sets=300,
        quick_sets=0,  # a bootstrap is slow; the tests have another case for it
    )


def _quantile(number: int, level: float) -> Case:
    """The limits are values of the sample, so the coverage is slightly above the nominal level."""

    def limits(rng: Generator) -> Found:
        return quantile_with_interval(rng.lognormal(*LOG_DEATHS, number), level)

    setting = f"{level:.0%} quantile of {number:,} deaths"
    truth = math.exp(NormalDist(*LOG_DEATHS).inv_cdf(level))
    return Case("quantile", setting, truth, _one_by_one(limits), (0.95, 0.98))


def incidence_by(hours: float, ceasefire_hours: float) -> float:
    """The true incidence of ceasefire."""
    hazard = 1.0 / ceasefire_hours + 1.0 / OTHERWISE
    return (1.0 / ceasefire_hours) / hazard * -math.expm1(-hazard * hours)


def median_of(ceasefire_hours: float) -> float:
    """The true time at which the incidence of ceasefire reaches one half."""
    hazard = 1.0 / ceasefire_hours + 1.0 / OTHERWISE
    return -math.log1p(-0.5 * hazard * ceasefire_hours) / hazard


def curves(
    rng: Generator,
    number: int,
    staggered: bool = False,
    clock: float = 1.0,
    grid: float | None = GRID_HOURS,
) -> tuple[CumulativeIncidence, CumulativeIncidence]:
    """The same crises with a slower and a quicker ceasefire, from the same random numbers.

    Args:
        rng: generator of random numbers.
        number: number of crises.
        staggered: whether observation ends at different times, or for all crises at the horizon.
        clock: share of the crises that count in each sample; the crises that do not count differ.
        grid: hours between observations; None for continuous observation.
    """
    budgets, here = rng.exponential(size=(number, 2)), rng.random(number)
    watched = rng.uniform(*STAGGERED, number) if staggered else np.full(number, HORIZON)

    def curve(ceasefire_hours: float, on_clock: NDArray[np.bool_]) -> CumulativeIncidence:
        every = np.column_stack((budgets * [ceasefire_hours, OTHERWISE], watched))
        every = every if grid is None else np.ceil(every / grid) * grid
        cause = np.array([1, 2, 0])[every.argmin(axis=1)]
        return cumulative_incidence(np.where(on_clock, every.min(axis=1), np.nan), cause, CAUSES)

    return curve(SLOW, here < clock), curve(QUICK, here >= 1.0 - clock)


def _one_by_one(limits: Callable[[Generator], Found]) -> Callable[[Generator, int], Interval]:
    """Simulate data sets one at a time; a limit that the data do not determine is infinite."""

    def many(rng: Generator, sets: int) -> Interval:
        both = np.full((sets, 2), np.nan)
        for row in both:
            found = limits(rng)
            if found is not None:
                row[:] = found.lower, found.upper
        lower, upper = both.T
        return Interval(np.nan_to_num(lower, nan=-np.inf), np.nan_to_num(upper, nan=np.inf))

    return many
