"""What each part of a scenario brought to an outcome, with intervals from luck that all share.

All figures are sums over combinations of parts. Their errors follow from the influence of each
replicate on every combination, summed in the same way, so that luck which is alike in all
combinations cancels out. Limits are normal; of shares they are adjusted as Agresti and Min do for
matched proportions: as if two more replicates had come, in which the sum was +1 and -1, so that a
part which changed nothing in any replicate gets a value of exactly 0 and still an interval.

Source:
    A. Agresti and Y. Min (2005), "Simple improved confidence intervals for comparing matched
    proportions", Statistics in Medicine 24, 729-740.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from crisis_sim.experiments import games
from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.outcomes.measures import Measured
from crisis_sim.scenario.numbers import Number

#: What is told of each part, and what it means.
FIGURES = {
    "shapley": "what it adds on average over all orders in which parts could come in",
    "alone": "what it brings where there is no other",
    "but_for": "what is lost where it alone is taken away",
}


@dataclass(frozen=True)
class Figure:
    """A figure with its confidence limits; NaN where it is not known."""

    estimate: float
    lower: float
    upper: float
    standard_error: float

    @property
    def is_known(self) -> bool:
        """Whether there is such a figure."""
        return bool(np.isfinite(self.estimate))

    @property
    def holds_zero(self) -> bool:
        """Whether it may be nothing, as far as the replicates tell; also where it is not known."""
        return not (self.lower > 0.0 or self.upper < 0.0)

    def plain(self) -> dict[str, Number | None]:
        """The figure fit for JSON."""
        return {key: value if np.isfinite(value) else None for key, value in vars(self).items()}


@dataclass(frozen=True)
class Attribution:
    """An outcome shared out among parts.

    Attributes:
        nothing: the outcome where none of the parts is there.
        everything: where all are.
        total: the difference, which the Shapley values add up to.
        parts: for each part, in order, its figures by the keys of `FIGURES`.
        interactions: by the numbers of two parts, the lower first, their interaction index.
        leads: by the numbers of two parts, how far the first's Shapley value is above the second's.
        overlap: the total less what is lost of each part where it alone is taken away; of the sign
            of the total where parts do each other's work.
        idle: for each part whether the outcome is the same with it and without it, replicate by
            replicate, in every combination of the others.
        unknown: combinations in which the outcome is unknown or infinite; where there are any, so
            are the Shapley values.
    """

    nothing: Figure
    everything: Figure
    total: Figure
    parts: tuple[dict[str, Figure], ...]
    interactions: dict[tuple[int, int], Figure]
    leads: dict[tuple[int, int], Figure]
    overlap: Figure
    idle: tuple[bool, ...]
    unknown: int

    @property
    def order(self) -> list[int]:
        """Numbers of the parts, the one with the largest Shapley value first."""
        sizes = [-abs(part["shapley"].estimate) for part in self.parts]
        if any(np.isnan(sizes)):
            return [*range(len(sizes))]
        return sorted(range(len(sizes)), key=lambda k: sizes[k])


def attribute(measured: Measured) -> Attribution:
    """Share out an outcome.

    Args:
        measured: the outcome in every combination of the parts, in the order of `games`.
    """
    worth = np.where(np.isfinite(measured.estimate), measured.estimate, np.nan)
    pull = np.where(np.isfinite(measured.influence), measured.influence, 0.0)
    of = int(measured.of.min())
    # A quantile between too few values has no error, and no influence either: nothing says how sure it is.
    told = np.isfinite(worth)
    sure = measured.is_share or not np.isnan(measured.standard_error[told]).any()

    def figure(estimate: Any, influence: Any) -> Figure:
        return _figure(float(estimate), influence if sure else influence[:1], of, measured.is_share)

    values = {
        "shapley": (games.shapley(worth), games.shapley(pull)),
        "alone": (games.alone(worth), games.alone(pull)),
        "but_for": (games.but_for(worth), games.but_for(pull)),
    }
    number = games.count_parts(worth)
    pairs, pulls = games.interactions(worth), games.interactions(pull)
    value, influence = values["shapley"]
    return Attribution(
        nothing=_at(measured, 0),
        everything=_at(measured, -1),
        total=figure(worth[-1] - worth[0], pull[-1] - pull[0]),
        parts=tuple(
            {key: figure(one[k], other[k]) for key, (one, other) in values.items()}
            for k in range(number)
        ),
        interactions={pair: figure(pairs[pair], pulls[pair]) for pair in pairs},
        leads={
            (one, other): figure(value[one] - value[other], influence[one] - influence[other])
            for one in range(number)
            for other in range(number)
            if one != other
        },
        overlap=figure(
            worth[-1] - worth[0] - values["but_for"][0].sum(axis=0),
            pull[-1] - pull[0] - values["but_for"][1].sum(axis=0),
        ),
        idle=tuple(
            not np.any(games.marginals(worth, k)) and not np.any(games.marginals(pull, k))
            for k in range(number)
        ),
        unknown=int(np.isnan(worth).sum()),
    )


def _at(measured: Measured, combination: int) -> Figure:
    return Figure(
        float(measured.estimate[combination]),
        float(measured.lower[combination]),
        float(measured.upper[combination]),
        float(measured.standard_error[combination]),
    )


def _figure(estimate: float, influence: Any, of: int, is_share: bool) -> Figure:
    if not np.isfinite(estimate) or of == 0:
        return Figure(np.nan, np.nan, np.nan, np.nan)
    error = float(np.sqrt(np.mean(influence**2) / len(influence)))
    centre, spread = estimate, error
    if is_share:
        centre, spread = estimate * of / (of + 2), float(np.hypot(of * error, 1.0)) / (of + 2)
    if len(influence) < 2:  # one replicate says nothing of how replicates differ
        error = spread = np.nan
    reach = normal_quantile() * spread
    lower, upper = centre - reach, centre + reach
    return Figure(estimate, lower, upper, error)


def rows(name: str, parts: list[str], attribution: Attribution) -> Iterator[dict[str, Any]]:
    """One row for each part and figure, for a table."""
    for part, figures in zip(parts, attribution.parts, strict=True):
        for key, figure in figures.items():
            yield {"measure": name, "part": part, "figure": key, **figure.plain()}


def pair_rows(name: str, parts: list[str], attribution: Attribution) -> Iterator[dict[str, Any]]:
    """One row for each pair of parts, for a table."""
    for (one, other), figure in attribution.interactions.items():
        yield {"measure": name, "part": parts[one], "with": parts[other], **figure.plain()}
