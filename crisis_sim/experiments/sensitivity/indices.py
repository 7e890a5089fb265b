"""What a study knows of an outcome: indices, with what the choice of points and luck leave open.

Every point has its figure from the same replicates, so that luck which is in all points alike moves no
index. What is left, luck that acts differently at different points, is noise: it adds to the variance
between points, and so to the indices. Three things are told of it, all from how each replicate pulls
each figure (`Measured.influence`):

- the share of the variance between points that is noise: the replicates' scatter about what they do
  at all points alike, over their number;
- Sobol's indices with noise taken out (`sobol_terms`), and of other methods what noise alone would
  show (`estimators.floor`);
- the luck's part of an index's standard error, by leaving out one group of replicates at a time
  (jackknife), added to the error from the choice of points (bootstrap, `estimators.resampled`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crisis_sim.experiments.sensitivity import estimators
from crisis_sim.experiments.sensitivity.estimators import MAIN, NOT_NEGATIVE
from crisis_sim.experiments.sensitivity.layouts import Layout
from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.outcomes.measures import Measured

Values = NDArray[np.float64]

#: Groups of replicates that are left out in turn.
GROUPS = 16
#: Where noise is a larger share of the variance between points than this, no index is told.
MOST_NOISE = 0.9
#: Where a figure is unknown in more samples than this share, no index is told.
MOST_LOST = 0.2
#: Parts of the samples at which a study is looked at, to show how it settles.
PARTS = (8, 4, 2, 1)
#: A study of fewer samples than this is not looked at.
FEWEST = 4


@dataclass(frozen=True, eq=False)
class Known:
    """The indices of one outcome, told from some of the samples.

    Attributes:
        samples: of how many samples.
        estimate: the indices by name, each `(factors,)` or, of pairs, `(pairs,)`; Sobol's without
            noise.
        with_noise: the same as SALib finds them in the figures as they are.
        error: their standard errors, from luck and from the choice of points.
        luck: the part of these errors that is luck; NaN where there is but one replicate.
        draws: the indices as samples are drawn anew, each `(draws, factors)` or `(draws, pairs)`.
        left_out: the indices without each group of replicates, likewise.
        main: the name of the main index.
    """

    samples: int
    estimate: dict[str, Values]
    with_noise: dict[str, Values]
    error: dict[str, Values]
    luck: dict[str, Values]
    draws: dict[str, Values]
    left_out: dict[str, Values]
    main: str

    def limits(self, name: str) -> tuple[Values, Values]:
        """95% limits of an index."""
        reach = normal_quantile() * self.error[name]
        lower = self.estimate[name] - reach
        return (
            np.maximum(lower, 0.0) if name in NOT_NEGATIVE else lower,
            self.estimate[name] + reach,
        )

    @cached_property
    def order(self) -> list[int]:
        """The factors, the most important first."""
        return [int(k) for k in np.argsort(-self.estimate[self.main], kind="stable")]

    def surely_more(self, one: int, other: int) -> bool:
        """Whether a factor surely matters more than another (95%), on points and luck they share."""
        weights = np.zeros(len(self.estimate[self.main]))
        weights[[one, other]] = 1.0, -1.0
        apart, error = self.sum(self.main, weights)
        return apart > normal_quantile() * error

    def sum(self, name: str, weights: Values) -> tuple[float, float]:
        """The sum of an index over the factors with weights, and its standard error."""
        of_points = float(np.nanvar(self.draws[name] @ weights, ddof=1))
        of_luck = float(_jackknife_variance(self.left_out[name] @ weights))
        return float(self.estimate[name] @ weights), math.sqrt(of_points + of_luck)


@dataclass(frozen=True, eq=False)
class Study:
    """What is known of one outcome.

    Attributes:
        known: the indices, from few samples to all of them; empty where too little is known, or nearly
            all is noise.
        mean: the figure's mean over the points.
        deviation: its standard deviation between points.
        noise: the share of that variance which is noise; NaN where it is not known.
        lost: samples left out, for the figure is unknown or infinite at a point of theirs.
        samples: how many there were.
        floor: what a factor that matters nothing would seldom exceed, by index, `(factors,)`.
        effects: Morris: the elementary effects, `(trajectories, factors)`.
    """

    known: tuple[Known, ...]
    mean: float
    deviation: float
    noise: float
    lost: int
    samples: int
    floor: dict[str, Values]
    effects: Values | None = None

    @property
    def final(self) -> Known:
        """The indices from all samples."""
        return self.known[-1]

    @property
    def why_not(self) -> str:
        """Why no index is told, in a clause; "" where they are."""
        if self.known:
            return ""
        if math.isnan(self.mean):
            return f"unknown, or never reached, in {self.lost} of {self.samples} samples"
        return "all but lost in Monte Carlo noise"


def study(layout: Layout, measured: Measured, seed: int) -> Study:
    """Find the indices of an outcome.

    Args:
        layout: the points.
        measured: the outcome at the points.
        seed: the same seed gives the same limits.
    """
    figures = np.isfinite(measured.estimate).reshape(layout.samples, layout.size).all(axis=1)
    good = np.flatnonzero(figures)
    lost = layout.samples - len(good)
    if lost > MOST_LOST * layout.samples or len(good) < FEWEST:
        nothing = float("nan")
        return Study((), nothing, nothing, nothing, lost, layout.samples, {})
    kept, own = layout.only(good), _only(measured, layout.rows(good))
    independent = kept.rows(np.arange(kept.samples)).reshape(kept.samples, kept.size)
    if kept.method == "sobol":  # the points between are crossings of these
        independent = independent[:, [0, -1]]
    noise = noise_share(_only(own, independent.ravel()))
    known = () if noise > MOST_NOISE else tuple(_grown(layout, measured, good, seed))
    told = bool(known) and known[-1].samples == len(good)
    return Study(
        known if told else (),
        float(own.estimate[independent].mean()),
        float(own.estimate[independent].std(ddof=1)) if np.ptp(own.estimate) else 0.0,
        noise,
        lost,
        layout.samples,
        estimators.floor(kept, own, np.random.default_rng([seed, len(PARTS) + 1])) if told else {},
        estimators.effects(kept, own.estimate) if kept.method == "morris" else None,
    )


def noise_share(measured: Measured) -> float:
    """The share of the variance between points that comes of luck which acts differently at each.

    The replicates' scatter about what they do at all points alike, over their number, is the variance
    that noise adds to that between points (the interaction in an analysis of variance by point and
    replicate). NaN with one replicate, and where the figure is the same everywhere.
    """
    points, replicates = measured.influence.shape
    if replicates < 2 or np.ptp(measured.estimate) == 0:
        return float("nan")
    between = float(measured.estimate.var(ddof=1))
    apart = measured.influence - measured.influence.mean(axis=0)
    freedom = float(replicates * (replicates - 1) * (points - 1))
    scatter = float(np.einsum("pr,pr->", apart, apart))
    return min(scatter / (freedom * between), 1.0)


def _grown(
    layout: Layout, measured: Measured, good: NDArray[np.int64], seed: int
) -> Iterator[Known]:
    """The indices from an eighth of the samples, a quarter, a half, and all."""
    for number, part in enumerate(PARTS, start=1):
        within = good[good < layout.samples // part]
        if len(within) < FEWEST:
            continue
        some = _only(measured, layout.rows(within))
        generator = np.random.default_rng([seed, number])
        known = _known(layout.only(within), some, generator)
        if all(np.isfinite(of).all() for of in known.estimate.values()):
            yield known


def _known(layout: Layout, measured: Measured, generator: np.random.Generator) -> Known:
    estimate = estimators.without_noise(layout, measured)
    draws = estimators.resampled(layout, measured, generator)
    without = [estimators.without_noise(layout, one) for one in _without_groups(measured)]
    left_out = {
        name: np.stack([one[name] for one in without]) if without else of[None]
        for name, of in estimate.items()
    }
    luck = {name: np.sqrt(_jackknife_variance(of)) for name, of in left_out.items()}
    return Known(
        layout.samples,
        estimate,
        estimators.estimate(layout, measured.estimate),
        {name: np.hypot(np.nanstd(draws[name], axis=0, ddof=1), luck[name]) for name in estimate},
        luck if without else {name: np.full_like(of, np.nan) for name, of in luck.items()},
        draws,
        left_out,
        MAIN[layout.method],
    )


def _without_groups(measured: Measured) -> Iterator[Measured]:
    """The figures without each group of replicates, to first order."""
    replicates = measured.influence.shape[1]
    groups = min(GROUPS, replicates)
    if groups < 2:
        return
    influence = np.where(np.isfinite(measured.influence), measured.influence, 0.0)
    for group in range(groups):
        kept = influence[:, np.arange(replicates) % groups != group]
        moved = kept.mean(axis=1)
        yield replace(measured, estimate=measured.estimate + moved, influence=kept - moved[:, None])


def _jackknife_variance(left_out: Values) -> Values:
    groups = len(left_out)
    return np.asarray((groups - 1) * np.nanvar(left_out, axis=0))


def _only(measured: Measured, rows: NDArray[np.int64]) -> Measured:
    """A measure at some of its points."""
    return Measured(
        measured.estimate[rows],
        measured.standard_error[rows],
        measured.lower[rows],
        measured.upper[rows],
        measured.of[rows],
        measured.influence[rows],
        measured.is_share,
    )
