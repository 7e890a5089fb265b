"""Random draws of a scenario's uncertain numbers: one value per replicate, by inverse transform of a keyed uniform number.

A parameter's random number is keyed by its path, so that a replicate draws the same number in every scenario, and values
change smoothly with the distribution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from crisis_sim.model.luck import uniforms
from crisis_sim.scenario.behaviour import VALUE, Behaviour
from crisis_sim.scenario.numbers import Distribution, Part, range_of

#: A distribution with less than this probability within the range is treated as uniform there.
FLAT = 1e-9


def invert(
    distribution: Distribution, uniform: NDArray[np.float64], low: float, high: float
) -> NDArray[np.float64]:
    """Return the quantiles of a distribution; unbounded distributions are truncated to [low, high]."""
    kind, values = distribution.kind, distribution.values
    if kind == "uniform":
        return values[0] + (values[1] - values[0]) * uniform
    if kind == "triangular":
        return _invert_triangular(uniform, *values)
    if kind == "choice":
        return np.asarray(values)[_choose(distribution.weights, uniform)]
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
        with np.errstate(over="ignore"):  # infinite values are clipped below
            drawn = location + scale * special.ndtri(bottom + (top - bottom) * uniform)
    drawn = np.asarray(np.clip(drawn, low, high))
    return np.exp(drawn) if kind == "lognormal" else drawn


def _choose(weights: Sequence[float], uniform: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the positions of weighted choices."""
    edges = np.cumsum(weights)
    return np.searchsorted(edges[:-1] / edges[-1], uniform, side="right")


def _invert_triangular(
    uniform: NDArray[np.float64], low: float, mode: float, high: float
) -> NDArray[np.float64]:
    turn = (mode - low) / (high - low)
    rising = low + np.sqrt(uniform * (high - low) * (mode - low))
    falling = high - np.sqrt((1 - uniform) * (high - low) * (high - mode))
    return np.where(uniform < turn, rising, falling)


class Numbers:
    """The numbers of one part of a scenario, each an array over replicates or a single value."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        vars(self).update(values)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"no number '{name}'; there are {', '.join(vars(self))}")


class Parameters:
    """Draws the parameters of a block.

    Args:
        seed: the batch's seed.
        replicates: numbers of the block's replicates in its batch, one per row.
        given: values that replace the scenario's, by path (such as `mediators.us.leverage.india`), each of shape (rows,):
            for sweeps and fits, in which parameters differ between replicates.
    """

    def __init__(
        self,
        seed: int,
        replicates: NDArray[np.uint64],
        given: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        self._seed, self._replicates = seed, replicates
        self._given = dict(given or {})
        #: Rows drawn from tables of choices, by the name of the table.
        self.rows: dict[str, NDArray[np.intp]] = {}

    def number(
        self, path: str, value: float | Distribution, low: float = -np.inf, high: float = np.inf
    ) -> Any:
        """Return a number: a float if it is known, else an array of shape (replicates,)."""
        if path in self._given:
            return np.asarray(self._given.pop(path), np.float64)
        if isinstance(value, Distribution):
            if value.together:
                return np.asarray(value.values)[self.row(value.together, value.weights)]
            drawn = uniforms(self._seed, f"parameter/{path}", self._replicates)
            return invert(value, drawn, low, high)
        return float(value)

    def row(self, together: str, weights: Sequence[float]) -> NDArray[np.intp]:
        """Return the row of a table of joint choices that each replicate has drawn."""
        if together not in self.rows:
            drawn = uniforms(self._seed, f"together/{together}", self._replicates)
            self.rows[together] = _choose(weights, drawn)
        return self.rows[together]

    def numbers(self, path: str, part: Part) -> Numbers:
        """Return all numbers of the part of the scenario at `path`, by name, without those of inner parts."""
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
        """Check that every given path is a parameter.

        Raises:
            KeyError: listing unknown paths.
        """
        if self._given:
            raise KeyError(f"no such parameter in the scenario: {', '.join(sorted(self._given))}")


def parts_of(part: BaseModel) -> dict[str, Part]:
    """Return the inner parts of a part by name."""
    return {
        name: value
        for name in type(part).model_fields
        if isinstance(value := getattr(part, name), Part)
    }


def apply_precision(behaviour: dict[str, Any]) -> None:
    """Multiply all behavioural parameters in units of value by the precision of choices.

    P(k) = exp(precision x value_k) / sum over j of exp(precision x value_j)
    """
    for part in parts_of(Behaviour()).values():
        for name, field in type(part).model_fields.items():
            if (field.json_schema_extra or {}).get("unit") == VALUE and name in behaviour:  # type: ignore[union-attr]
                behaviour[name] = behaviour[name] * behaviour["precision"]


def read_about(
    seed: int,
    replicates: NDArray[np.uint64],
    about: Numbers,
    reading: Numbers,
    behaviour: dict[str, Any],
    numbers: Mapping[str, Numbers],
    violence: Sequence[int],
) -> NDArray[np.bool_]:
    """Derive stakes, claims, the trigger's act, patience and third parties from the facts known at the trigger.

        resolve       x exp(gravity x about.gravity + protraction x [protracted or in a long war])
        attention_days x attention x exp(great_power x [a great power is a side] - at_issue x [territory is at issue]
            + little x max(-about.gravity, 0))
        provocation    x reading.provocation
        deal          + territory x [territory is at issue]
        yielding_days, fading_days x exp(words x [the trigger was words])
        claim = -claim_size x ln u  with log-odds claim_share + claim_words x [the trigger was words], else 0
        the trigger's act, with chance `violent` where it is below fire: serious with log-odds
            s = violence + violence_gravity x about.gravity + violence_indirect x [indirect]
                + violence_protracted x [protracted or in a long war] + violence_long_war x [in a long war],
        full-scale war with log-odds s - violence_war, and else fire across the line

    Scenarios that describe the states of a case individually have no `about`.

    Args:
        numbers: numbers of the states, mediators and events, by path; modified in place, as is `behaviour`.
        violence: position in `VIOLENCE` of each rung.

    Returns:
        Whether the crisis begins with violence, by replicate.
    """
    long_war = about.long_war
    protracted = np.maximum(about.protracted, long_war)
    stakes = np.exp(reading.gravity * about.gravity + reading.protraction * protracted)
    slow = np.exp(reading.words * about.words)
    for name in ("yielding_days", "fading_days"):
        behaviour[name] = behaviour[name] * slow
    behaviour["deal"] = behaviour["deal"] + reading.territory * about.territory
    odds = reading.violence + reading.violence_gravity * about.gravity
    odds = odds + reading.violence_indirect * about.indirect
    odds = odds + reading.violence_protracted * protracted + reading.violence_long_war * long_war
    started = np.zeros(replicates.size, np.bool_)
    own: Any
    for path, own in numbers.items():
        section = path.split(".")[0]
        if section == "states" and path.count(".") == 1:
            has_claim = uniforms(seed, f"about/{path}/claims", replicates) < _logistic(
                reading.claim_share + reading.claim_words * about.words
            )
            size = -reading.claim_size * np.log(uniforms(seed, f"about/{path}/claim", replicates))
            own.resolve, own.claim = own.resolve * stakes, np.where(has_claim, size, 0.0)
        elif section == "mediators":
            delay = reading.great_power * about.great_power - reading.at_issue * about.territory
            delay = delay + reading.little * np.maximum(-about.gravity, 0.0)
            factor = reading.attention * np.exp(delay)
            own.attention_days = own.attention_days * factor
        elif section == "events":
            own.provocation = own.provocation * reading.provocation
            kind = np.asarray(violence)[np.asarray(own.rival_rung, np.int64)]
            violent = uniforms(seed, f"about/{path}/violent", replicates) < about.violent
            drawn = uniforms(seed, f"about/{path}/violence", replicates)
            worst = 1 + (drawn < _logistic(odds)) + (drawn < _logistic(odds - reading.violence_war))
            rung = np.array(
                [violence.index(level) if level in violence else 0 for level in range(4)]
            )
            own.rival_rung = np.where(violent & (kind < 1), rung[worst], own.rival_rung)
            started |= np.asarray(violence)[own.rival_rung.astype(np.int64)] > 0
    return started


def _logistic(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))
