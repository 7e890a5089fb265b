"""What a scenario leaves uncertain, drawn: one value for each replicate, by inverting the distribution at a keyed uniform.

A parameter's luck is keyed by its path in the scenario, so that the same replicate draws alike in every scenario, and
values move smoothly when a distribution is moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from crisis_sim.model.luck import uniforms
from crisis_sim.scenario.numbers import Distribution, Part, range_of

#: A spread so wide that the range holds less than this share of the distribution: there it is flat.
FLAT = 1e-9


def invert(
    distribution: Distribution, uniform: NDArray[np.float64], low: float, high: float
) -> NDArray[np.float64]:
    """The distribution's values at the given probabilities; unbounded ones are truncated to [low, high]."""
    kind, values = distribution.kind, distribution.values
    if kind == "uniform":
        return values[0] + (values[1] - values[0]) * uniform
    if kind == "triangular":
        return _invert_triangular(uniform, *values)
    if kind == "choice":
        return np.asarray(values)[row_of(distribution, uniform)]
    from scipy import special  # slow to import, and seldom needed

    if kind == "beta":
        return np.asarray(special.betaincinv(values[0], values[1], uniform))
    location, scale = values if kind == "normal" else (float(np.log(values[0])), values[1])
    if kind == "lognormal":
        low, high = float(np.log(low)) if low > 0 else -np.inf, float(np.log(high))
    bottom, top = special.ndtr((low - location) / scale), special.ndtr((high - location) / scale)
    if top - bottom < FLAT:
        drawn = low + (high - low) * uniform
    else:
        with np.errstate(over="ignore"):  # what lies beyond all numbers lies beyond the range
            drawn = location + scale * special.ndtri(bottom + (top - bottom) * uniform)
    drawn = np.asarray(np.clip(drawn, low, high))
    return np.exp(drawn) if kind == "lognormal" else drawn


def row_of(choice: Distribution, uniform: NDArray[np.float64]) -> NDArray[np.intp]:
    """Which of a choice's values is drawn, from 0."""
    return np.searchsorted(np.cumsum(choice.weights)[:-1], uniform, side="right")


def _invert_triangular(
    uniform: NDArray[np.float64], low: float, mode: float, high: float
) -> NDArray[np.float64]:
    turn = (mode - low) / (high - low)
    rising = low + np.sqrt(uniform * (high - low) * (mode - low))
    falling = high - np.sqrt((1 - uniform) * (high - low) * (high - mode))
    return np.where(uniform < turn, rising, falling)


class Numbers:
    """The numbers of one part of a scenario, each an array over replicates or one value shared by all."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        vars(self).update(values)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"no number is called '{name}' here; there are {', '.join(vars(self))}"
        )


class Parameters:
    """Draws a block's parameters.

    Args:
        seed: the batch's seed.
        replicates: the numbers of the block's replicates in its batch, one for each of its rows.
        given: values that replace the scenario's, by path (such as `mediators.us.leverage.india`), each of shape
            (rows of the block,): for sweeps and fits, in which every replicate holds its own parameters.
    """

    def __init__(
        self,
        seed: int,
        replicates: NDArray[np.uint64],
        given: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        self._seed, self._replicates = seed, replicates
        self._given = dict(given or {})
        #: For choices drawn together, by their name: which row each replicate has drawn, from 0.
        self.rows: dict[str, NDArray[np.intp]] = {}

    @property
    def given(self) -> Mapping[str, NDArray[Any]]:
        """The values given that no number has taken yet, by path."""
        return self._given

    def number(
        self, path: str, value: float | Distribution, low: float = -np.inf, high: float = np.inf
    ) -> Any:
        """One number: a float where it is known, an array of shape (replicates,) where it is drawn or given."""
        if path in self._given:
            return np.asarray(self._given.pop(path), np.float64)
        if isinstance(value, Distribution):
            key = f"together/{value.together}" if value.together else f"parameter/{path}"
            drawn = uniforms(self._seed, key, self._replicates)
            if value.together:
                self.rows[value.together] = row_of(value, drawn)
            return invert(value, drawn, low, high)
        return float(value)

    def numbers(self, path: str, part: Part) -> Numbers:
        """All numbers of a part of the scenario that stands at `path`, by name; parts of parts are left out."""
        values: dict[str, Any] = {}
        for name in type(part).model_fields:
            limits = range_of(type(part), name)
            if limits is None:
                continue
            value, where = getattr(part, name), f"{path}.{name}"
            if isinstance(value, dict):
                values[name] = {
                    key: self.number(f"{where}.{key}", entry, limits.low, limits.high)
                    for key, entry in value.items()
                }
            else:
                values[name] = self.number(where, value, limits.low, limits.high)
        return Numbers(values)

    def check_all_used(self) -> None:
        """Make sure that every given path was a parameter.

        Raises:
            KeyError: naming the given paths that are none.
        """
        if self._given:
            raise KeyError(f"no such parameter in the scenario: {', '.join(sorted(self._given))}")


def parts_of(part: BaseModel) -> dict[str, Part]:
    """The parts of a part that are parts themselves, by name."""
    return {
        name: value
        for name in type(part).model_fields
        if isinstance(value := getattr(part, name), Part)
    }
