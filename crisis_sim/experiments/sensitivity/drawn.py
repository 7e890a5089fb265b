"""Factors of a study, and how each is drawn: a share of its probability becomes a value.

A parameter that the file gives no range for is drawn as the scenario draws it, where it is uncertain
there, so that what matters is told by the scenario's own weights. One that is known there goes
evenly over the range of the schema: in equal ratios where this spans a thousandfold, such as delays
from a quarter of an hour to a year, else in equal steps. Where no file names the parameters, it goes
as far as its slider does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.experiments.factors import Factor, Range, number_at, resolve
from crisis_sim.model.parameters import invert
from crisis_sim.scenario.fields import slot_at
from crisis_sim.scenario.numbers import Distribution
from crisis_sim.scenario.parameters import numbers_of
from crisis_sim.scenario.schema import Scenario

Values = NDArray[np.float64]

#: A range with a larger ratio of its ends goes in equal ratios where nothing else is said.
DECADES = 1000.0
#: Of a distribution without ends the middle 95% counts as all of it where ends are needed.
MIDDLE = 0.95
#: Where the ends of a tornado's bars lie in a distribution.
TORNADO = (0.05, 0.95)
#: Shares nearer to 0 or 1 than this would be infinite values.
NEVER = 1e-9


@dataclass(frozen=True)
class Drawn:
    """A factor and how it is drawn.

    Attributes:
        factor: the factor.
        distribution: the scenario's own distribution, if it is drawn by that.
        low, high: what the schema allows.
    """

    factor: Factor
    distribution: Distribution | None
    low: float
    high: float

    def values(self, shares: Values) -> Values:
        """Values at shares of its probability."""
        if self.distribution is None:
            return np.asarray(np.clip(self.factor.at(shares), self.factor.low, self.factor.high))
        return invert(self.distribution, np.clip(shares, NEVER, 1 - NEVER), self.low, self.high)

    def between_ends(self, shares: Values) -> Values:
        """Values at shares of the way from end to end; where it has no ends, of its middle 95%."""
        if self.distribution is not None and self.distribution.kind in ("normal", "lognormal"):
            shares = (1 - MIDDLE) / 2 + MIDDLE * shares
        return self.values(shares)

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of its bar in a tornado: its 5% and 95% quantile, or those of a given range."""
        if self.distribution is None:
            return self.factor.low, self.factor.high
        low, high = self.values(np.asarray(TORNADO))
        return float(low), float(high)

    def words(self) -> str:
        """How it is drawn, as a person would say it."""
        if self.distribution is not None and self.distribution.kind == "choice":
            return "as the scenario chooses it"
        if self.distribution is not None:
            numbers = ", ".join(f"{value:g}" for value in self.distribution.values)
            return f"{self.distribution.kind} ({numbers}), as in the scenario"
        how = "in equal ratios" if self.factor.scale == "log" else "evenly"
        return f"{how} from {self.factor.low:g} to {self.factor.high:g}"


def drawn_factors(vary: dict[str, Range], scenario: Scenario) -> list[Drawn]:
    """The factors of a study, in its order; `vary` must have been checked."""
    return [_drawn(path, written, scenario) for path, written in ranges(vary, scenario).items()]


def ranges(vary: dict[str, Range], scenario: Scenario) -> dict[str, Range]:
    """What is varied: what a file says, or every number that is worth a slider and can be moved."""
    if vary:
        return vary
    sliders = {path: _slider(path) for path in numbers_of(scenario)}
    return {
        # What the scenario draws goes as it is drawn; what it knows, as far as a slider goes.
        path: Range()
        if isinstance(number_at(scenario, path), Distribution)
        else Range(low=ends[0], high=ends[1])
        for path, ends in sliders.items()
        if ends
    }


def _drawn(path: str, written: Range, scenario: Scenario) -> Drawn:
    limits = numbers_of(scenario)[path]
    number = number_at(scenario, path)
    as_given = written.low is None and written.high is None and written.scale == "linear"
    own = number if as_given and isinstance(number, Distribution) else None
    factor = resolve(path, written, scenario)
    said: Any = written.model_fields_set
    if "scale" not in said and own is None and 0 < factor.low * DECADES <= factor.high:
        factor = resolve(path, written.model_copy(update={"scale": "log"}), scenario)
    return Drawn(factor, own, limits.low, limits.high)


def _slider(path: str) -> tuple[float, float] | None:
    slot = slot_at([int(word) if word.isdigit() else word for word in path.split(".")])
    return slot.slider if slot else None
