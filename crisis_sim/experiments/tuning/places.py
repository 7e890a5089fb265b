"""Where a tuned parameter stands in a scenario: a number, or one of the numbers of a distribution.

`mediators.us.attention_days` is a number: every crisis at a point gets the point's value.
`mediators.us.attention_days.uniform.0` is the lower end of the distribution that the scenario gives
it: crises at a point draw from the distribution with the point's value in it, each with the luck
that it has in the scenario itself, so that they move smoothly as the distribution does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crisis_sim.experiments.factors import Factor, number_at, resolve
from crisis_sim.experiments.tuning.schema import TunedRange
from crisis_sim.model.luck import Luck
from crisis_sim.model.parameters import invert
from crisis_sim.scenario.numbers import DISTRIBUTIONS, Distribution, Within
from crisis_sim.scenario.parameters import numbers_of
from crisis_sim.scenario.schema import Scenario

Values = NDArray[np.float64]

#: By kind of distribution, which of its numbers must lie in the range of the number itself; the
#: others must only be above zero.
_LOCATIONS = {
    "uniform": (0, 1),
    "triangular": (0, 1, 2),
    "normal": (0,),
    "lognormal": (0,),
    "beta": (),
}
#: Distributions whose numbers must rise.
ORDERED = ("uniform", "triangular")


@dataclass(frozen=True)
class Place:
    """Where a path leads in one scenario.

    Attributes:
        path: the path as it is written.
        number: the path of the number that it changes.
        index: which number of its distribution it is; None where it is the number itself.
        low, high: what it may be.
    """

    path: str
    number: str
    index: int | None
    low: float
    high: float

    @property
    def allowed(self) -> Within:
        """What it may be."""
        return Within(self.low, self.high)


@dataclass(frozen=True)
class Tuned:
    """A parameter that is tuned.

    Attributes:
        factor: what it is, and how far it may be moved.
        start: where the search begins.
        paths: all the paths that take its value, its own first.
    """

    factor: Factor
    start: float
    paths: tuple[str, ...]

    @property
    def own(self) -> float:
        """The scenario's own value; of a distribution, its middle."""
        return self.factor.middle

    def share_of(self, values: Values) -> Values:
        """How far along its range values are, on its scale: from 0 to 1."""
        low, high = self.factor.low, self.factor.high
        if self.factor.scale == "log":
            values, low, high = np.log(values), math.log(low), math.log(high)
        return np.asarray(np.clip((values - low) / (high - low), 0.0, 1.0))


def place_in(
    scenario: Scenario, path: str, known: Mapping[str, Within] | None = None
) -> Place | None:
    """Where a path leads in a scenario; None where it leads to no number.

    Args:
        scenario: the scenario.
        path: the path.
        known: the scenario's `numbers_of`, where they are at hand.
    """
    known = numbers_of(scenario) if known is None else known
    if path in known:
        return Place(path, path, None, known[path].low, known[path].high)
    number, _, end = path.rpartition(".")
    number, _, kind = number.rpartition(".")
    if number not in known or not end.isdecimal():
        return None
    given = number_at(scenario, number)
    if not isinstance(given, Distribution) or given.kind != kind or kind not in DISTRIBUTIONS:
        return None
    index = int(end)
    if index >= len(given.values):
        return None
    low, high = known[number].low, known[number].high
    if index not in _LOCATIONS[kind]:
        low, high = math.ulp(0.0), math.inf
    elif kind == "lognormal":
        low = max(low, math.ulp(0.0))
    return Place(path, number, index, low, high)


def inner_paths(scenario: Scenario) -> list[str]:
    """The paths of all numbers inside a scenario's distributions."""
    return [
        f"{path}.{given.kind}.{index}"
        for path in numbers_of(scenario)
        if isinstance(given := number_at(scenario, path), Distribution)
        and given.kind in DISTRIBUTIONS
        for index in range(len(given.values))
    ]


def tuned_parameter(path: str, written: TunedRange, scenarios: Sequence[Scenario]) -> Tuned:
    """A parameter from what a file says of it, which must have been checked.

    Args:
        path: its path.
        written: its range.
        scenarios: the scenarios; what it is, is read from the first that has it.
    """
    for scenario in scenarios:
        place = place_in(scenario, path)
        if place is not None:
            break
    else:
        raise ValueError(f"no scenario has {path!r}")
    if place.index is None:
        factor = resolve(path, written, scenario)
    else:
        given = number_at(scenario, place.number)
        assert isinstance(given, Distribution)  # noqa: S101 - `place_in` has looked
        whole = resolve(place.number, TunedRange(low=0, high=1), scenario)
        word = DISTRIBUTIONS[given.kind][place.index]
        assert written.low is not None  # noqa: S101 - `check` has looked
        assert written.high is not None  # noqa: S101
        factor = Factor(
            path,
            written.low,
            written.high,
            written.scale,
            "" if place.index not in _LOCATIONS[given.kind] else whole.unit,
            f"{word} of: {whole.meaning}",
            given.values[place.index],
        )
    start = factor.middle if written.start is None else written.start
    return Tuned(factor, min(max(start, factor.low), factor.high), (path, *written.also))


def parameters_at(
    scenario: Scenario, tuned: Sequence[Tuned], points: Values, replicates: int, seed: int
) -> dict[str, Values]:
    """What to give a design so that a scenario's crises have the parameters of each point.

    Args:
        scenario: the scenario; parameters that it does not have are left out.
        tuned: the parameters.
        points: the value of each at each point, `(points, parameters)`.
        replicates: crises at each point.
        seed: the seed of their luck.

    Returns:
        By path of a number its values, `(points,)`; of a number that stays uncertain
        `(points, replicates)`.
    """
    known = numbers_of(scenario)
    found: dict[str, Values] = {}
    inside: dict[str, dict[int, Values]] = {}
    for column, one in enumerate(tuned):
        for path in one.paths:
            place = place_in(scenario, path, known)
            if place is None:
                continue
            if place.index is None:
                found[place.number] = points[:, column]
            else:
                inside.setdefault(place.number, {})[place.index] = points[:, column]
    luck = Luck(seed, 0, replicates)
    for number, changed in inside.items():
        uniform = luck.uniforms(f"parameter/{number}").astype(np.float64)
        limits = known[number]
        found[number] = np.stack(
            [
                np.clip(
                    invert(
                        _moved(scenario, number, changed, point), uniform, limits.low, limits.high
                    ),
                    limits.low,
                    limits.high,
                )
                for point in range(len(points))
            ]
        )
    return found


def _moved(
    scenario: Scenario, number: str, changed: Mapping[int, Values], point: int
) -> Distribution:
    given = number_at(scenario, number)
    assert isinstance(given, Distribution)  # noqa: S101 - `place_in` has looked
    values = list(given.values)
    for index, column in changed.items():
        values[index] = float(column[point])
    return replace(given, values=tuple(values))
