"""Do the 95% intervals hold the truth 95 times in a hundred? Simulated, with the truth known.

Each bound is wide enough for the luck of the simulation (its standard error is stated) and tight
enough to fail for the formula one might write by mistake: the plain normal interval for shares, a
binomial error under censoring, or the interval of independent samples for paired ones.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from crisis_sim.outcomes.incidence import cumulative_incidence
from crisis_sim.outcomes.intervals import (
    newcombe_paired_interval,
    normal_quantile,
    quantile_with_interval,
    wilson_interval,
)
from crisis_sim.outcomes.paired import incidence_difference, median_difference, median_time

CAUSES = ("ceasefire", "otherwise")

#: Mean hours to a ceasefire in the reference and with a third party at work, and to another ending.
SLOW, QUICK, OTHERWISE = 100.0, 85.0, 160.0


def incidence_by(hours: float, ceasefire_hours: float) -> float:
    """The true incidence of ceasefire under constant hazards."""
    hazard = 1.0 / ceasefire_hours + 1.0 / OTHERWISE
    return (1.0 / ceasefire_hours) / hazard * (1.0 - math.exp(-hazard * hours))


def median_of(ceasefire_hours: float) -> float:
    """The true time at which the incidence of ceasefire reaches one half."""
    hazard = 1.0 / ceasefire_hours + 1.0 / OTHERWISE
    return -math.log(1.0 - 0.5 * hazard * ceasefire_hours) / hazard


def crises(
    budgets: NDArray[np.float64], watched: NDArray[np.float64], ceasefire_hours: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Times and causes from unit-exponential budgets of shape (replicates, 2)."""
    every = np.column_stack((watched, budgets * [ceasefire_hours, OTHERWISE]))
    return every.min(axis=1), every.argmin(axis=1)


@pytest.mark.parametrize("share", [0.01, 0.03, 0.1, 0.5])
def test_wilson(share: float) -> None:
    """Coverage jumps with the share (Brown, Cai and DasGupta 2001), so only a floor is set."""
    successes = np.random.default_rng(11).binomial(60, share, 20_000)
    lower, upper = wilson_interval(successes, 60)
    covered = np.mean((lower <= share) & (share <= upper))  # standard error 0.0015
    assert covered >= 0.93
    if share <= 0.03:
        plain = successes / 60
        reach = normal_quantile() * np.sqrt(plain * (1 - plain) / 60)
        assert np.mean(np.abs(plain - share) <= reach) < 0.9, "the simulation has no teeth"


@pytest.mark.parametrize(("often", "extra"), [(0.30, 0.05), (0.004, 0.003)])
def test_newcombe_paired(often: float, extra: float) -> None:
    """The event came in both, or only in the scenario, or (half as often) only in the reference."""
    cells = (often, extra, extra / 2, 1.0 - often - 1.5 * extra)
    tables = np.random.default_rng(12).multinomial(400, cells, size=20_000)
    lower, upper = newcombe_paired_interval(*tables.T)
    covered = np.mean((lower <= extra / 2) & (extra / 2 <= upper))
    assert covered >= 0.94
    if often > 0.1:  # with rare events the continuity correction makes it cautious
        width = np.mean(upper - lower)
        assert covered <= 0.97
        assert width < 0.6 * np.mean(
            np.subtract(*wilson_interval(tables[:, 0], 400)[::-1]) * math.sqrt(2)
        ), "no narrower than two independent samples"


def test_the_incidence_band() -> None:
    """800 simulated batches; the standard error of a coverage of 0.95 is 0.008."""
    draw = np.random.default_rng(13)
    moments = np.array([24.0, 96.0, 180.0])
    truth = np.array([incidence_by(hours, SLOW) for hours in moments])
    covered, naive = np.zeros(3), np.zeros(3)
    for _ in range(800):
        watched = draw.uniform(10.0, 300.0, 200)
        curve = cumulative_incidence(
            *crises(draw.exponential(size=(200, 2)), watched, SLOW), CAUSES
        )
        points = [curve.at(hours) for hours in moments]
        covered += [p.lower <= t <= p.upper for p, t in zip(points, truth, strict=True)]
        estimates = np.array([point.estimate for point in points])
        lower, upper = wilson_interval(200 * estimates, 200)
        naive += (lower <= truth) & (truth <= upper)
    assert (np.abs(covered / 800 - 0.95) < 0.025).all()
    assert naive[-1] / 800 < 0.92, "the binomial error passes, so the simulation has no teeth"


def test_paired_incidence_differences_under_common_luck() -> None:
    """The same budgets drive both; a third of the replicates are on the clock in one only."""
    draw = np.random.default_rng(14)
    truth = incidence_by(96.0, QUICK) - incidence_by(96.0, SLOW)
    covered = independent = 0
    for _ in range(800):
        budgets = draw.exponential(size=(250, 2))
        struck = draw.random(250)
        watched = draw.uniform(50.0, 400.0, 250)
        curves = []
        for mean, on_clock in ((QUICK, struck < 0.8), (SLOW, struck > 0.13)):
            time, cause = crises(budgets, watched, mean)
            curves.append(cumulative_incidence(np.where(on_clock, time, np.nan), cause, CAUSES))
        paired = incidence_difference(*curves, 96.0)
        apart = incidence_difference(*curves, 96.0, paired=False)
        assert paired.upper - paired.lower < apart.upper - apart.lower
        covered += paired.lower <= truth <= paired.upper
        independent += apart.lower <= truth <= apart.upper
    assert 0.93 <= covered / 800 <= 0.97
    assert independent / 800 > 0.98, "common luck is not at work in this simulation"


def test_independent_incidence_differences() -> None:
    draw = np.random.default_rng(15)
    truth = incidence_by(96.0, QUICK) - incidence_by(96.0, SLOW)
    covered = 0
    for _ in range(800):
        curves = [
            cumulative_incidence(
                *crises(draw.exponential(size=(size, 2)), draw.uniform(50.0, 400.0, size), mean),
                CAUSES,
            )
            for mean, size in ((QUICK, 150), (SLOW, 250))
        ]
        difference = incidence_difference(*curves, 96.0, paired=False)
        covered += difference.lower <= truth <= difference.upper
    assert 0.93 <= covered / 800 <= 0.97


def test_paired_differences_of_medians() -> None:
    """100 batches. The bootstrap of a median is cautious, so only a floor is set to its coverage
    (standard error 0.022); a ceiling is set to its width, by that of independent samples.
    """
    draw = np.random.default_rng(16)
    truth = median_of(QUICK) - median_of(SLOW)
    covered, widths, widths_apart = 0, [], []
    for batch in range(100):
        budgets = draw.exponential(size=(600, 2))
        watched = draw.uniform(300.0, 900.0, 600)
        ours, theirs = (
            cumulative_incidence(*crises(budgets, watched, mean), CAUSES) for mean in (QUICK, SLOW)
        )
        one, other = (median_time(curve, draws=199, groups=100) for curve in (ours, theirs))
        paired = median_difference(one, other)
        assert paired is not None
        covered += paired.lower <= truth <= paired.upper
        if batch < 10:
            apart = median_difference(one, median_time(theirs, 1, draws=199, groups=100))
            assert apart is not None
            widths.append(paired.upper - paired.lower)
            widths_apart.append(apart.upper - apart.lower)
    assert covered / 100 >= 0.9
    assert np.mean(widths) < 0.6 * np.mean(widths_apart)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_quantiles(level: float) -> None:
    samples = np.random.default_rng(17).exponential(size=(3000, 200))
    truth = -math.log1p(-level)
    results = [quantile_with_interval(sample, level) for sample in samples]
    covered = np.mean([result.lower <= truth <= result.upper for result in results])
    assert 0.935 <= covered <= 0.97  # standard error 0.004
