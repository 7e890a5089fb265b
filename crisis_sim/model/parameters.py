"""What a scenario leaves uncertain, drawn: one value for each replicate, by inverting the distribution at a keyed uniform.

A parameter's luck is keyed by its path in the scenario, so that the same replicate draws alike in every scenario, and
values move smoothly when a distribution is moved.
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
        return np.asarray(values)[_place(distribution.weights, uniform)]
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


def _place(weights: Sequence[float], uniform: NDArray[np.float64]) -> NDArray[np.intp]:
    """Which of several things is drawn, from 0."""
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
            if value.together:
                return np.asarray(value.values)[self.row(value.together, value.weights)]
            drawn = uniforms(self._seed, f"parameter/{path}", self._replicates)
            return invert(value, drawn, low, high)
        return float(value)

    def row(self, together: str, weights: Sequence[float]) -> NDArray[np.intp]:
        """Which row of the table of choices drawn together each replicate has, from 0."""
        if together not in self.rows:
            drawn = uniforms(self._seed, f"together/{together}", self._replicates)
            self.rows[together] = _place(weights, drawn)
        return self.rows[together]

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


def apply_precision(behaviour: dict[str, Any]) -> None:
    """Multiply all behavioural parameters that are values by the precision of choices.

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
    """Read what was known of a crisis at its trigger into stakes, claims, the trigger's act, patience and third parties.

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

    Where the facts are those of a case and its states are described one by one, a scenario has no `about`.

    Args:
        numbers: those of the states, mediators and events, by path; they are changed, as is `behaviour`.
        violence: of each rung of the ladder, its place in `VIOLENCE`.

    Returns:
        Whether violence is part of the start.
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
            wants = uniforms(seed, f"about/{path}/claims", replicates) < _logistic(
                reading.claim_share + reading.claim_words * about.words
            )
            size = -reading.claim_size * np.log(uniforms(seed, f"about/{path}/claim", replicates))
            own.resolve, own.claim = own.resolve * stakes, np.where(wants, size, 0.0)
        elif section == "mediators":
            late = reading.great_power * about.great_power - reading.at_issue * about.territory
            late = late + reading.little * np.maximum(-about.gravity, 0.0)
            longer = reading.attention * np.exp(late)
            own.attention_days = own.attention_days * longer
        elif section == "events":
            own.provocation = own.provocation * reading.provocation
            kind = np.asarray(violence)[np.asarray(own.rival_rung, np.int64)]
            drawn = uniforms(seed, f"about/{path}/violent", replicates) < about.violent
            luck = uniforms(seed, f"about/{path}/violence", replicates)
            worst = 1 + (luck < _logistic(odds)) + (luck < _logistic(odds - reading.violence_war))
            rung = np.array(
                [violence.index(level) if level in violence else 0 for level in range(4)]
            )
            own.rival_rung = np.where(drawn & (kind < 1), rung[worst], own.rival_rung)
            started |= np.asarray(violence)[own.rival_rung.astype(np.int64)] > 0
    return started


def _logistic(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))
