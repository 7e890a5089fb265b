"""How good a figure is, and what it cost to get it there.

Where something is enough, points that reach it are ranked by cost, points that do not by how far
they fall short, and any that does comes before any that does not (Deb 2000, Computer Methods in
Applied Mechanics and Engineering 186, 311-338). That takes no weight of one against the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisis_sim.experiments.tuning.places import Tuned
from crisis_sim.experiments.tuning.schema import Objective

Values = NDArray[np.float64]

#: What an unknown figure, or a time that never comes, counts for: more than any that is known.
WORST = 1e9


@dataclass(frozen=True)
class Goal:
    """An objective, ready to be compared by.

    Attributes:
        high: whether the figure should be high; else low.
        enough: how high, or low, is enough; None where there is no such thing.
        surely: whether the whole interval must be beyond it.
        prices: what a unit of change of each parameter costs, `(parameters,)`.
        own: the scenario's own values, `(parameters,)`.
        dearest: the most that can be spent.
    """

    high: bool
    enough: float | None
    surely: bool
    prices: Values
    own: Values
    dearest: float

    def cost(self, points: Values) -> Values:
        """What the points cost, `(points,)`."""
        return np.asarray(np.abs(points - self.own) @ self.prices)

    def shortfall(self, estimate: Values, lower: Values, upper: Values) -> Values:
        """How far figures are from being enough; 0 where they are."""
        if self.enough is None:
            return np.zeros_like(estimate)
        if self.high:
            short = self.enough - (lower if self.surely else estimate)
        else:
            short = (upper if self.surely else estimate) - self.enough
        return np.maximum(np.nan_to_num(short, nan=WORST, posinf=WORST, neginf=0.0), 0.0)

    def loss(self, points: Values, estimate: Values, lower: Values, upper: Values) -> Values:
        """How bad points are: the lower, the better.

        Args:
            points: their parameters, `(points, parameters)`.
            estimate, lower, upper: the figure and its limits, `(points,)`.
        """
        cost = self.cost(points)
        if self.enough is None:
            bad = -estimate if self.high else estimate
            return np.clip(np.nan_to_num(bad, nan=WORST), -WORST, WORST) + cost
        short = self.shortfall(estimate, lower, upper)
        return np.where(short > 0, self.dearest + short, cost)


def goal_of(objective: Objective, tuned: Sequence[Tuned]) -> Goal:
    """An objective from what a file says, which must have been checked.

    Where something is enough and no costs are given, each parameter costs the share of its range by
    which it is moved.
    """
    own = np.asarray([one.own for one in tuned])
    reach = np.asarray([one.factor.high - one.factor.low for one in tuned])
    prices = np.asarray([objective.cost.get(one.factor.path, 0.0) for one in tuned])
    if objective.enough is not None and not objective.cost:
        prices = 1.0 / reach
    ends = [(one.factor.low, one.factor.high) for one in tuned]
    farthest = np.asarray(
        [max(abs(end - at) for end in pair) for pair, at in zip(ends, own, strict=True)]
    )
    return Goal(
        objective.maximise is not None,
        objective.enough,
        objective.surely,
        prices,
        own,
        float(farthest @ prices),
    )
