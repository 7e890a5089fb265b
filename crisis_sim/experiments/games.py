"""Games of parts: how what all of them bring together is shared out among them.

A game says what every combination of `n` parts is worth. Combination `c` is the number whose bit `k`
(the bit worth `2**k`) says whether part `k` is in it: 0 is none of them, `2**n - 1` all. Worths are
arrays whose first axis counts the combinations; further axes, such as replicates, are carried along,
so that what holds for worths holds for the influence of each replicate on them.

Everything is built from differences that one part, or two, make: a part that makes none in any
combination gets exactly nothing.

Sources:
    L. S. Shapley (1953), "A value for n-person games", Contributions to the Theory of Games II,
    307-317. M. Grabisch and M. Roubens (1999), "An axiomatic approach to the concept of
    interaction among players in cooperative games", International Journal of Game Theory 28,
    547-565.
"""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]


def marginals(worth: ArrayLike, part: int) -> Values:
    """What a part adds to each combination of the others.

    Args:
        worth: what each combination is worth, `(2**n, ...)`.
        part: number of the part.

    Returns:
        The worth with it less that without it, `(2**(n-1), ...)`, in the order of the combinations
        without it.
    """
    worth = np.asarray(worth, dtype=np.float64)
    without = _combinations_without(worth, part)
    return np.asarray(worth[without | 1 << part] - worth[without])


def shapley(worth: ArrayLike) -> Values:
    """Each part's Shapley value: what it adds on average over all orders in which parts may come in.

    The values add up to the worth of all parts less that of none.

    Args:
        worth: what each combination is worth, `(2**n, ...)`.

    Returns:
        One value for each part, `(n, ...)`.
    """
    worth = np.asarray(worth, dtype=np.float64)
    parts = count_parts(worth)
    return np.stack(
        [
            _weighted(marginals(worth, k), _weights(_sizes(_combinations_without(worth, k)), parts))
            for k in range(parts)
        ]
    )


def interactions(worth: ArrayLike) -> dict[tuple[int, int], Values]:
    """The Shapley interaction index of every pair of parts.

    It says how much more one part of the pair adds where the other is there, on average over orders
    of the others with the pair as one: above 0 where they help each other, below 0 where one can
    stand in for the other.

    Args:
        worth: what each combination is worth, `(2**n, ...)`.

    Returns:
        By the numbers of the two parts, the lower first, values of shape `(...)`.
    """
    worth = np.asarray(worth, dtype=np.float64)
    parts = count_parts(worth)
    found = {}
    for first in range(parts):
        for second in range(first + 1, parts):
            without = _combinations_without(worth, first, second)
            one, other = without | 1 << first, without | 1 << second
            both = without | 1 << first | 1 << second
            extra = (worth[both] - worth[other]) - (worth[one] - worth[without])
            # A pair taken as one leaves a game of one part less.
            found[first, second] = _weighted(extra, _weights(_sizes(without), parts - 1))
    return found


def alone(worth: ArrayLike) -> Values:
    """What each part brings where there is no other, `(n, ...)`."""
    worth = np.asarray(worth, dtype=np.float64)
    return np.stack([worth[1 << part] - worth[0] for part in range(count_parts(worth))])


def but_for(worth: ArrayLike) -> Values:
    """What would be lost of each part if it alone were taken away from all, `(n, ...)`."""
    worth = np.asarray(worth, dtype=np.float64)
    every = len(worth) - 1
    return np.stack(
        [worth[every] - worth[every & ~(1 << part)] for part in range(count_parts(worth))]
    )


def count_parts(worth: Values) -> int:
    """How many parts a game has.

    Raises:
        ValueError: when the number of its combinations is no power of two.
    """
    parts = len(worth).bit_length() - 1
    if len(worth) != 1 << parts:
        raise ValueError(f"{len(worth)} combinations: expected a power of two")
    return parts


def _combinations_without(worth: Values, *parts: int) -> NDArray[np.int64]:
    numbers = np.arange(1 << count_parts(worth))
    taken = sum(1 << part for part in parts)
    return np.asarray(numbers[numbers & taken == 0])


def _sizes(combinations: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.array([int(one).bit_count() for one in combinations])


def _weights(sizes: NDArray[np.int64], parts: int) -> Values:
    """The share of all orders of some parts in which just those of a combination come before one.

    `s! (n - s - 1)! / n!`, which is one over `n` times the number of combinations of that size.
    """
    return np.array([1.0 / (parts * comb(parts - 1, int(size))) for size in sizes])


def _weighted(differences: Values, weights: Values) -> Values:
    return np.asarray(np.tensordot(weights, differences, axes=1))
