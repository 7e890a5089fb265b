"""Differences of median times, by a bootstrap of whole groups of replicates."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crisis_sim.outcomes.incidence import TOLERANCE, CumulativeIncidence
from crisis_sim.outcomes.intervals import CONFIDENCE, UNKNOWN, BoolArray, Estimate, FloatArray

#: Draws of the bootstrap: enough that a 95% percentile limit hardly moves with another seed.
BOOTSTRAP_DRAWS = 1000

#: Groups that the bootstrap draws from: many enough that drawing groups is as good as drawing
#: replicates, few enough that a million replicates cost no more than a few thousand.
BOOTSTRAP_GROUPS = 400

#: Fixed, so that the same results folder always gives the same interval.
BOOTSTRAP_SEED = 1998

#: Half-width, in standard errors of the incidence, of the window in which bootstrap medians fall.
_WINDOW = 8.0

#: Times before that window are pooled into no more bins than this, and those within it likewise.
_BINS_BEFORE = 100
_BINS_AROUND = 400

#: Bootstrap samples worked on at a time, so that they stay in a processor's cache.
_DRAWS_AT_ONCE = 50

#: Whole numbers that single precision holds exactly, and their sums, lie below this.
_EXACT_BELOW = 2**24


class MedianTime(NamedTuple):
    """The hours by which half have had the event, in the sample and in each bootstrap sample.

    Infinite where half never have.
    """

    hours: float
    draws: FloatArray


def median_difference(scenario: MedianTime, reference: MedianTime) -> Estimate:
    """Difference in the time by which half have had the event, in hours.

    The interval is the bootstrap's percentile interval. It is that of paired replicates if both
    medians were drawn in the same stream from the same replicates, and that of independent
    samples if the streams differ (see `median_time`). A limit is NaN when too many draws have no
    median; all is NaN when half is never reached in one of the two.
    """
    if not np.isfinite((scenario.hours, reference.hours)).all():
        return UNKNOWN
    with np.errstate(invalid="ignore"):
        differences = scenario.draws - reference.draws
    # Where neither has one the difference could be anything: low for the lower limit, high for the upper.
    neither, tail = np.isnan(differences), (1.0 - CONFIDENCE) / 2.0
    lower, upper = (
        float(np.quantile(np.where(neither, far, differences), level, method="inverted_cdf"))
        for far, level in ((-np.inf, tail), (np.inf, 1.0 - tail))
    )
    return Estimate(
        scenario.hours - reference.hours,
        lower if np.isfinite(lower) else float("nan"),
        upper if np.isfinite(upper) else float("nan"),
    )


def median_time(
    curve: CumulativeIncidence,
    stream: int = 0,
    draws: int = BOOTSTRAP_DRAWS,
    groups: int = BOOTSTRAP_GROUPS,
) -> MedianTime:
    """The median time of a curve's first cause with bootstrap samples of it.

    The replicates are dealt into up to `groups` groups by their place. Each group is counted
    once into bins of time; a bootstrap sample takes as many groups as there are, with replacement
    (multinomial weights), and adds up their counts. Groups of independent replicates are
    independent of one another and alike, so drawing groups is a bootstrap like drawing replicates
    (Efron and Tibshirani 1993, *An Introduction to the Bootstrap*, sections 8.3 and 13.3), at a
    cost that does not grow with their number. Two curves with the same rows and the same
    `stream` are drawn with the same groups and weights: their medians are then paired.

    Up to some hundreds of distinct times the bins are the times themselves. Beyond that they are
    finest around the median, where they are far narrower than its standard error.

    In small batches (hundreds of replicates) the interval of a paired difference errs on the wide
    side: a sample median is rougher than the difference that the pairs leave.
    """
    reached = float(curve.quantile().estimate)
    if not np.isfinite(reached):
        return MedianTime(np.inf, np.full(draws, np.inf))
    groups = min(groups, curve.rows)
    starts = _bin_starts(curve)
    counts = np.hstack(_counts_by_group(curve, groups, starts))
    # Whole numbers, whose sums single precision holds exactly: as groups differ by one replicate at
    # most in size, no sample has twice as many replicates as there are.
    if 2 * curve.rows < _EXACT_BELOW:
        counts = counts.astype(np.float32)
    weights = _weights(stream, draws, groups).astype(counts.dtype)
    bin_ends = curve.times[np.append(starts[1:], len(curve.times)) - 1]
    sums = weights @ counts
    medians = np.empty(draws)
    for first in range(0, draws, _DRAWS_AT_ONCE):
        some = slice(first, first + _DRAWS_AT_ONCE)
        medians[some] = _medians(sums[some].astype(np.float64), bin_ends)
    return MedianTime(reached, medians)


@functools.lru_cache(maxsize=8)
def _weights(stream: int, draws: int, groups: int) -> NDArray[np.int64]:
    """How often each bootstrap sample takes each group, shape `(draws, groups)`; not to be written to."""
    generator = np.random.Generator(np.random.Philox(seed=[BOOTSTRAP_SEED, stream]))
    return generator.multinomial(groups, np.full(groups, 1.0 / groups), size=draws)


def _medians(counts: FloatArray, bin_ends: FloatArray) -> FloatArray:
    """The median time of each sample, of its first-cause events, all events and numbers at risk in each bin."""
    own, every, at_risk = np.hsplit(counts, 3)
    at_risk = np.maximum(at_risk, 1.0)  # nobody at risk: no events either
    survival = np.cumprod(1.0 - every / at_risk, axis=1)
    before = np.hstack((np.ones((len(counts), 1)), survival[:, :-1]))
    incidence = np.cumsum(before * own / at_risk, axis=1)
    reached = incidence >= 0.5 - TOLERANCE
    found: FloatArray = np.where(reached.any(axis=1), bin_ends[np.argmax(reached, axis=1)], np.inf)
    return found


def _bin_starts(curve: CumulativeIncidence) -> NDArray[np.intp]:
    """First step of each bin: fine up to and around the median, one bin for all that comes after.

    The window around the median is so wide that no bootstrap sample's median leaves it.
    """
    near = np.flatnonzero(
        np.abs(curve.estimate[0] - 0.5) <= _WINDOW * curve.standard_error[0] + TOLERANCE
    )
    middle = int(np.argmax(curve.estimate[0] >= 0.5 - TOLERANCE))
    first = min(int(near[0]), middle) if near.size else middle
    after = max(int(near[-1]), middle) + 1 if near.size else middle + 1

    def bins(start: int, stop: int, most: int) -> NDArray[np.intp]:
        number = min(stop - start, most)
        return np.linspace(start, stop, number, endpoint=False).astype(np.intp)

    starts = np.concatenate(
        (bins(0, first, _BINS_BEFORE), bins(first, after, _BINS_AROUND), [after])
    )
    return starts[starts < len(curve.times)].astype(np.intp)


def _counts_by_group(
    curve: CumulativeIncidence, groups: int, starts: NDArray[np.intp]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """First-cause events, all events and numbers at risk, each of shape `(groups, bins)`."""
    bins = len(starts)
    rows = np.flatnonzero(curve.row_step >= 0)
    group = rows % groups
    step = curve.row_step[rows].astype(np.intp)  # steps at or before the row's time
    cause = curve.row_cause[rows]
    by_step = np.arange(len(curve.times) + 1)
    bin_of_event = np.searchsorted(starts, by_step - 1, side="right") - 1
    first_bin_missed = np.searchsorted(starts, by_step, side="left")

    def count(chosen: BoolArray, bin_of: NDArray[np.intp], width: int) -> FloatArray:
        slot = group[chosen] * width + bin_of[step[chosen]]
        counts = np.bincount(slot, minlength=groups * width).reshape(groups, width)
        return counts.astype(np.float64)

    everyone = np.ones(len(rows), dtype=np.bool_)
    left = count(everyone, first_bin_missed, bins + 1)
    at_risk = left.sum(axis=1, keepdims=True) - np.cumsum(left[:, :bins], axis=1)
    return count(cause == 1, bin_of_event, bins), count(cause > 0, bin_of_event, bins), at_risk
