"""How far figures are from targets, in the standard errors that their intervals imply."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisis_sim.experiments.tuning.schema import Target
from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.outcomes.measures import Measure

Values = NDArray[np.float64]

#: The standard error of a target that is given without an interval: five points of a share, a
#: tenth of anything else.
ASSUMED_SHARE, ASSUMED_RATIO = 0.05, 0.1
#: A figure that is unknown, or a time that never comes, counts as so many standard errors off, and
#: nothing counts as more.
FARTHEST = 100.0


@dataclass(frozen=True)
class Aim:
    """A target, ready to be compared with.

    Attributes:
        name, words, unit: of what is measured.
        scenario: in which scenario.
        value: what it should be.
        lower, upper: the 95% interval in which that is known.
        error: its standard error, on the target's scale.
        weight: how much it counts.
        log: whether it is compared by ratio.
        assumed: whether its interval was not given, but assumed.
    """

    name: str
    words: str
    unit: str
    scenario: str
    value: float
    lower: float
    upper: float
    error: float
    weight: float
    log: bool
    assumed: bool

    def apart(self, estimate: Values, standard_error: Values | None = None) -> Values:
        """How many standard errors above the target figures are.

        Args:
            estimate: the figures.
            standard_error: their own Monte Carlo errors, where these are to count.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.log:
                off = np.log(np.maximum(estimate, 0.0)) - math.log(self.value)
                own = None if standard_error is None else standard_error / estimate
            else:
                off, own = estimate - self.value, standard_error
        error = self.error if own is None else np.hypot(self.error, np.nan_to_num(own, posinf=0.0))
        return np.clip(np.nan_to_num(off / error, nan=FARTHEST), -FARTHEST, FARTHEST)


def aim_of(target: Target, measure: Measure, scenario: str) -> Aim:
    """A target from what a file says, which must have been checked."""
    reach = 2 * normal_quantile()
    log = target.scale == "log"
    if target.interval is None:
        share = measure.unit == "share" and not log
        error = ASSUMED_SHARE if share else ASSUMED_RATIO * (1.0 if log else abs(target.value))
        off = reach / 2 * error
        lower, upper = (
            (target.value * math.exp(-off), target.value * math.exp(off))
            if log
            else (target.value - off, target.value + off)
        )
    else:
        lower, upper = target.interval
        error = (math.log(upper / lower) if log else upper - lower) / reach
    return Aim(
        measure.name,
        measure.words,
        measure.unit,
        scenario,
        target.value,
        lower,
        upper,
        error,
        target.weight,
        log,
        target.interval is None,
    )


def loss_of(aims: Sequence[Aim], apart: Values, robust: float | None = None) -> Values:
    """The weighted sum over targets of squared distances in standard errors.

    Args:
        aims: the targets.
        apart: how far off each is, `(points, targets)`.
        robust: distances beyond this count in proportion (Huber 1964).

    Returns:
        The loss of each point, `(points,)`.
    """
    far = np.abs(apart)
    each = far**2
    if robust is not None:
        each = np.where(far > robust, robust * (2 * far - robust), each)
    return np.asarray(each @ np.asarray([aim.weight for aim in aims]))
