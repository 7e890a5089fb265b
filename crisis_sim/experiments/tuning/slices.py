"""How far each parameter of the best may be moved alone, all others held, before the loss tells.

A slice through the loss, not a profile: were the others moved along to make up for it, a parameter
could go further. So the range is the least that is left open, and where even that is wide the
targets do not pin the parameter down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisis_sim.experiments.tuning.evaluation import Problem

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Slices:
    """Points that differ from the best in one parameter, run with luck that it was not tuned on.

    Attributes:
        parameter: which parameter is moved at each point, as its place, `(points,)`.
        value: to what, `(points,)`.
        loss: how bad that is, `(points,)`.
        best: the loss of the best with the same luck.
        lower, upper: of each parameter the ends of the range around the best in which the loss rises
            by no more than the tolerance, `(parameters,)`; the search's own where it never does.
    """

    parameter: NDArray[np.intp]
    value: Values
    loss: Values
    best: float
    lower: Values
    upper: Values


def slice_through(
    problem: Problem, best: Values, tolerance: float, seed: int, workers: int = 1
) -> Slices | None:
    """Move each parameter of a point alone through its range; None where the experiment asks for none.

    Args:
        problem: what was tuned.
        best: the point, `(parameters,)`.
        tolerance: by how much the loss may rise.
        seed: the seed of the luck.
        workers: the most threads, or processes, to use.
    """
    count, parameters = problem.spec.slices, len(problem.tuned)
    if count is None:
        return None
    shares = np.linspace(0.0, 1.0, count)
    parameter = np.repeat(np.arange(parameters), count)
    value = np.concatenate(
        [[float(one.factor.at(float(share))) for share in shares] for one in problem.tuned]
    )
    points = np.tile(best, (len(value) + 1, 1))
    points[np.arange(len(value)), parameter] = value
    loss = problem.at(points, problem.spec.replicates, seed, workers).loss
    lower, upper = np.empty(parameters), np.empty(parameters)
    for k, one in enumerate(problem.tuned):
        at = float(one.share_of(np.asarray(best[k])))
        rise = loss[:-1].reshape(parameters, count)[k] - loss[-1]
        ends = range_around(at, shares, rise, tolerance)
        lower[k], upper[k] = (float(one.factor.at(end)) for end in ends)
    return Slices(parameter, value, loss[:-1], float(loss[-1]), lower, upper)


def range_around(at: float, shares: Values, rise: Values, tolerance: float) -> tuple[float, float]:
    """Where, on both sides of a point, a curve first rises above the tolerance.

    A sum of squares rises with the square of the distance, so its root goes by straight lines between values.

    Args:
        at: the point, where the rise is 0.
        shares: where the curve is known, rising.
        rise: its values there.
        tolerance: what it must not exceed.

    Returns:
        The ends of the range; the first and last of `shares` where the curve does not exceed it.
    """
    found = []
    for side, end in ((shares[shares < at][::-1], shares[0]), (shares[shares > at], shares[-1])):
        before, height = at, 0.0
        edge = float(end)
        for share in side:
            new = float(rise[np.flatnonzero(shares == share)[0]])
            if new > tolerance:
                roots = np.sqrt(np.maximum([height, tolerance, new], 0.0))
                edge = float(
                    before + (share - before) * (roots[1] - roots[0]) / (roots[2] - roots[0])
                )
                break
            before, height = float(share), new
        found.append(edge)
    return found[0], found[1]
