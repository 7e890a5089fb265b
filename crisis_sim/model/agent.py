"""What every agent can do, and what a third party can bring to bear on a state. Subclass these to add agents of your own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import mesa
import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.arrays import Array, Indices, OverReplicates, Real
from crisis_sim.model.luck import Clock, NormalStream, Stream

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel
    from crisis_sim.model.state import State


class Lucky(OverReplicates):
    """Something to which things happen by chance, each purpose with luck of its own, keyed by name and purpose."""

    def __init__(self, crisis: CrisisModel, name: str) -> None:
        self.crisis = crisis
        self.name = name
        self._streams: dict[str, Stream] = {}

    def _stream(self, purpose: str, kind: type[Stream]) -> Stream:
        stream = self._streams.get(purpose)
        if stream is None:
            self._streams[purpose] = stream = kind(self.crisis.luck, f"{self.name}/{purpose}")
        return stream

    def happens(self, purpose: str, rate_per_day: Array) -> NDArray[np.bool_]:
        """Whether an event of this rate happens in this turn, shape (replicates,); call it once a turn for a purpose."""
        clock = cast(Clock, self._stream(purpose, Clock))
        return clock.ring(rate_per_day * self.crisis.days_per_turn) & self.crisis.ongoing

    def uniform(self, purpose: str, who: Indices) -> NDArray[np.float32]:
        """The next uniform number in [0, 1) of this purpose, for the replicates in `who`."""
        return self._stream(purpose, Stream).take(who)

    def normal(self, purpose: str, who: Indices) -> NDArray[np.float32]:
        """The next standard normal number of this purpose, for the replicates in `who`."""
        return self._stream(purpose, NormalStream).take(who)

    def array(self, fill: float | bool = 0.0, dtype: Any = Real) -> NDArray[Any]:
        """A new array over the replicates."""
        return np.full(self.crisis.replicates, fill, dtype)


class CrisisAgent(Lucky, mesa.Agent):  # type: ignore[misc]  # Mesa's Agent is untyped
    """An agent of a crisis; every array attribute runs over the replicates.

    Each turn the crisis calls `observe` on all agents (take in what the last turn brought), then `act` on all of them
    (decide, from what was observed), then `settle` (carry out what was decided). An agent reads others, and changes only
    itself: so the order of agents does not matter.

    Args:
        model: the crisis it belongs to.
        name: its name in the scenario, which keys its luck.
    """

    keeps_itself = True

    def __init__(self, model: CrisisModel, name: str) -> None:
        mesa.Agent.__init__(self, model)
        Lucky.__init__(self, model, name)

    def observe(self) -> None:
        """Take in the turn that has passed."""

    def act(self) -> None:
        """Decide what to do at the end of the turn."""

    def settle(self) -> None:
        """Carry out what was decided, once all have decided."""

    def write(self, who: Indices) -> None:
        """Write into the record what it knows of replicates whose crisis is over."""

    def series(self) -> dict[str, Array]:
        """What a replay draws of this agent, by column name, each an array over replicates."""
        return {}


@dataclass(slots=True)
class Influence:
    """What third parties bring to bear on one state, in some replicates; each an array over those replicates, or 0.

    Attributes:
        restraint: value that it takes from full intensity (negative: that it adds).
        inducement: value that it adds to a halt.
        cover: share of the audience cost of stepping down that it saves.
        information: share of the fog that it lifts.
        privacy: share of the cost of an open offer that a private way saves.
        trust: share of the mistrust of a halt that it lifts.
        overtness: how far it is seen to broker.
    """

    restraint: Array = 0.0
    inducement: Array = 0.0
    cover: Array = 0.0
    information: Array = 0.0
    privacy: Array = 0.0
    trust: Array = 0.0
    overtness: Array = 0.0

    def add(self, other: Influence) -> None:
        """Join another influence to this one: values add up; shares each save a part of what the others left."""
        self.restraint = self.restraint + other.restraint
        self.inducement = self.inducement + other.inducement
        for share in ("cover", "information", "privacy", "trust"):
            ours, theirs = getattr(self, share), getattr(other, share)
            setattr(self, share, ours + theirs - ours * theirs)
        self.overtness = np.maximum(self.overtness, other.overtness)


class ThirdParty(CrisisAgent):
    """An agent that bears on the states: a mediator, a lender, a back-channel, an adviser, or one of your own."""

    def strain(self, state: State) -> Array | None:
        """Economic pressure that it puts on `state` (negative: that it lifts), over all replicates; None for none."""
        return None

    def influence(self, state: State, who: Indices) -> Influence | None:
        """What it brings to bear on `state` in the replicates `who`; None for nothing in any of them."""
        return None
