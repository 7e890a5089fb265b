"""How often the 95% intervals of counts hold the truth, reckoned over all that may be counted.

Where the data are a few counts, every data set and its chance can be listed, and coverage comes out
without the luck of a simulation. Each test also narrows the same intervals by a fifth and shows that
they would fail: this is the size of mistake that it finds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, multinomial, poisson

from benchmarks.coverage_cases import independent_shares, paired_shares
from crisis_sim.outcomes.incidence import cumulative_incidence
from crisis_sim.outcomes.intervals import (
    CONTINUITY,
    Contrast,
    Interval,
    Measured,
    difference,
    quantile_ranks,
    wilson_interval,
)

Floats = NDArray[np.float64]

#: Newcombe's own continuity.
HALF_A_PAIR = 0.5


def coverage(
    estimate: Floats, interval: Interval, truth: Floats | float, chance: Floats, width: float = 1.0
) -> Floats:
    """Chance of the data sets (along the last axis) whose interval, made narrower, holds the truth."""
    lower = estimate - width * (estimate - interval.lower) - 1e-12
    upper = estimate + width * (interval.upper - estimate) + 1e-12
    truth = np.asarray(truth)[..., None]
    return np.asarray(np.sum(chance * ((lower <= truth) & (truth <= upper)), axis=-1))


@pytest.mark.parametrize("trials", [10, 30, 100, 1000, 3000])
def test_wilson(trials: int) -> None:
    """Coverage swings about 95%. Its lowest, at 0.17 events expected, is 84% for any number of
    trials, and 92% at one and more (Brown, Cai and DasGupta 2001, who found both).
    """
    rare = np.arange(0.02, 20.0, 0.03)
    shares = np.concatenate((rare[rare < trials / 2] / trials, np.linspace(0.02, 0.5, 200)))
    count = np.arange(trials + 1)
    chance = binom.pmf(count, trials, shares[:, None])
    interval = wilson_interval(count, trials)
    held, narrow = (
        coverage(count / trials, interval, shares, chance, width) for width in (1.0, 0.8)
    )
    assert held.min() > 0.84
    assert held[shares * trials >= 1.0].min() > 0.915
    common = shares >= 0.02
    assert 0.945 < held[common].mean() < 0.96
    assert narrow[common].mean() < 0.9


@pytest.mark.parametrize(
    ("first", "second", "least"), [(20, 20, 0.88), (60, 30, 0.91), (150, 150, 0.94)]
)
def test_newcombe_for_independent_shares(first: int, second: int, least: float) -> None:
    """Over shares from 2% to 98%; the least, at 2% against 98% of 20, has 0.4 events expected."""
    shares = np.linspace(0.02, 0.98, 13)
    ours, theirs = (each.ravel() for each in np.indices((first + 1, second + 1)))
    interval = independent_shares(ours, first, theirs, second)
    estimate = ours / first - theirs / second
    held, narrow = [], []
    for p in shares:
        for q in shares:
            chance = np.outer(
                binom.pmf(np.arange(first + 1), first, p),
                binom.pmf(np.arange(second + 1), second, q),
            ).ravel()
            held.append(coverage(estimate, interval, p - q, chance))
            narrow.append(coverage(estimate, interval, p - q, chance, width=0.8))
    assert min(held) >= least
    assert 0.945 < np.mean(held) < 0.96
    assert np.mean(narrow) < 0.9


@pytest.mark.parametrize(
    ("cells", "most"),
    [
        ((0.3, 0.2, 0.1), 0.97),
        ((0.05, 0.3, 0.02), 0.97),
        ((0.6, 0.2, 0.2), 0.97),
        ((0.1, 0.1, 0.1), 0.98),
        ((0.3, 0.1, 0.0), 0.99),
        ((0.45, 0.05, 0.05), 0.99),
        ((0.02, 0.02, 0.01), 1.0),
    ],
)
def test_newcombe_for_paired_shares_over_all_tables_of_forty_pairs(
    cells: tuple[float, float, float], most: float
) -> None:
    """Cautious where a pair or two are all that is expected to differ, else close to 95%."""
    cell = np.stack([each.ravel() for each in np.indices((41, 41, 41))], axis=1)
    cell = cell[cell.sum(axis=1) <= 40]
    tables = np.column_stack((cell, 40 - cell.sum(axis=1)))
    chance = multinomial.pmf(tables, 40, (*cells, 1.0 - sum(cells)))
    estimate, truth = (tables[:, 1] - tables[:, 2]) / 40, cells[1] - cells[2]
    interval = paired_shares(*tables.T, continuity=CONTINUITY)
    assert 0.95 <= coverage(estimate, interval, truth, chance) <= most
    if most < 0.98:
        assert coverage(estimate, interval, truth, chance, width=0.8) < 0.925


@pytest.mark.parametrize("back", [0.0, 0.5, 2.0, 5.0])
def test_pairs_of_which_few_differ_need_a_whole_pair_of_continuity(back: float) -> None:
    """10,000 pairs, in which 0.02 to 20 are expected to differ one way and `back` the other way."""
    pairs, expected = 10_000, np.arange(0.02, 20.0, 0.02)
    ours, theirs = (each.ravel() for each in np.indices((70, 70)))
    chance = poisson.pmf(ours, expected[:, None]) * poisson.pmf(theirs, back)
    least, narrow = {}, {}
    for continuity in (0.0, HALF_A_PAIR, CONTINUITY):
        interval = paired_shares(
            pairs // 2, ours, theirs, pairs // 2 - ours - theirs, continuity=continuity
        )
        held = [
            coverage((ours - theirs) / pairs, interval, (expected - back) / pairs, chance, width)
            for width in (1.0, 0.8)
        ]
        least[continuity], narrow[continuity] = held[0].min(), held[1].min()
        if continuity == CONTINUITY:
            assert 0.95 < held[0].mean() < 0.97
    assert least[CONTINUITY] > 0.93
    assert narrow[CONTINUITY] < 0.9
    if back == 0.0:
        assert 0.85 < least[HALF_A_PAIR] < 0.87
        assert least[0.0] < 0.05, "without continuity nothing is left where all pairs agree"


Came = NDArray[np.bool_]


def of_curves(ours: Came, theirs: Came) -> Contrast:
    figures = (
        cumulative_incidence(np.where(came, 10.0, 90.0), came.astype(int)).at(24.0)
        for came in (ours, theirs)
    )
    return difference(*figures)


def of_shares(ours: Came, theirs: Came) -> Contrast:
    figures = []
    for came in (ours, theirs):
        share, number = came.mean(), came.size
        error = np.sqrt(share * (1.0 - share) / number)
        limits = wilson_interval(came.sum(), number)
        figures.append(Measured(share, error, *limits, number, came - share, is_share=True))
    return difference(*figures)


@pytest.mark.parametrize("difference_of", [of_curves, of_shares])
@pytest.mark.parametrize("often", [0.1, 0.5, 0.9])
def test_a_counterfactual_that_seldom_matters(
    difference_of: Callable[[Came, Came], Contrast], often: float
) -> None:
    """It averts the event in a few of 2,000 crises that had it; in all others luck does the same.

    The number of those few is all that varies. Without continuity the interval of an incidence held
    the truth in as few as 2 batches of 100 here; that is what this test is for.
    """
    pairs = 2000
    few = np.arange(40)
    theirs = np.arange(pairs) < often * pairs
    found = [difference_of(theirs & (np.arange(pairs) >= averted), theirs) for averted in few]
    estimate, lower, upper = np.array([(one.estimate, one.lower, one.upper) for one in found]).T
    expected = np.arange(0.02, 15.0, 0.02)
    chance = poisson.pmf(few, expected[:, None])
    held, narrow = (
        coverage(estimate, Interval(lower, upper), -expected / pairs, chance, width)
        for width in (1.0, 0.8)
    )
    assert held.min() > 0.925
    assert 0.95 < held.mean() < 0.99
    assert narrow.min() < 0.91


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_quantiles(level: float) -> None:
    """From 95% up for samples of any size, and hardly above it for large ones.

    The normal approximation to the ranks, which was used before, went down to 92%.
    """
    held = {}
    for number in (*range(1, 400), 1000, 3000, 10_000, 100_000):
        below, above = quantile_ranks(number, level)
        # So many values below the quantile put the limits on its two sides.
        held[number] = binom.cdf(above, number, level) - binom.cdf(below, number, level)
        if number > 50:
            inward = max((above - below) // 10, 1)  # both limits: a fifth of the width
            assert (
                binom.cdf(above - inward, number, level) - binom.cdf(below + inward, number, level)
            ) < 0.95
    assert min(held.values()) >= 0.95 - 1e-12
    assert max(held[number] for number in held if number >= 300) < 0.97
    assert held[100_000] < 0.952
