"""Points of the unit cube, as each method asks for them, and the samples that they come in.

A sample is what a method repeats: a trajectory of Morris, a base sample of Sobol with its crossings,
a point. The first samples of a study are a smaller study of their own, so that it can be shown how
the indices settle. SALib draws the points from generators that it is given, so that NumPy's global
generator is left alone and a seed of 0 is a seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Layout:
    """Where a method looks.

    Attributes:
        method: `morris`, `sobol` or `pawn`.
        shares: the points in the unit cube, `(samples * size, factors)`, sample after sample.
        size: points in each sample.
        second_order: whether samples of Sobol hold what indices of pairs need.
    """

    method: str
    shares: Values
    size: int
    second_order: bool = False

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return len(self.shares) // self.size

    @property
    def factors(self) -> int:
        """How many factors there are."""
        return int(self.shares.shape[1])

    def rows(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """The points of some samples."""
        return (samples[:, None] * self.size + np.arange(self.size)).ravel()

    def only(self, samples: NDArray[np.int64]) -> Layout:
        """Some of the samples."""
        return Layout(self.method, self.shares[self.rows(samples)], self.size, self.second_order)


def layout_of(
    method: str, samples: int, factors: int, seed: int, *, second_order: bool = False
) -> Layout:
    """Points of a study.

    Args:
        method: `morris`, `sobol` or `pawn`.
        samples: how many samples; of Sobol a power of two.
        factors: how many factors.
        seed: the same seed gives the same points.
        second_order: Sobol: with what indices of pairs need.
    """
    generator = np.random.default_rng([seed, 0])
    shares = _SAMPLERS[method](problem(factors), samples, generator, second_order)
    return Layout(method, np.clip(shares, 0.0, 1.0), len(shares) // samples, second_order)


def size_of(method: str, factors: int, *, second_order: bool = False) -> int:
    """Points in each sample."""
    if method == "sobol":
        return 2 * factors + 2 if second_order else factors + 2
    return factors + 1 if method == "morris" else 1


def problem(factors: int) -> dict[str, Any]:
    """The unit cube as SALib describes it."""
    return {
        "num_vars": factors,
        "names": [f"x{k}" for k in range(factors)],
        "bounds": [[0.0, 1.0]] * factors,
    }


def _sobol(cube: Any, samples: int, generator: Any, second_order: bool) -> Values:
    from SALib.sample import sobol

    drawn = sobol.sample(cube, samples, calc_second_order=second_order, seed=generator)
    return np.asarray(drawn)


def _morris(cube: Any, samples: int, generator: Any, _: bool) -> Values:
    from SALib.sample import morris

    return np.asarray(morris.sample(cube, samples, seed=generator))


def _pawn(cube: Any, samples: int, generator: Any, _: bool) -> Values:
    from SALib.sample import latin

    return np.asarray(latin.sample(cube, samples, seed=generator))


_SAMPLERS = {"sobol": _sobol, "morris": _morris, "pawn": _pawn}
