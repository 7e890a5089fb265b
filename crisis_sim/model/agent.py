"""What every agent can do. Subclass `CrisisAgent` or `ThirdParty` for agents of your own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import mesa
import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.arrays import Array, Indices, OverReplicates, Real
from crisis_sim.model.bearing import Influence
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
            stream = kind(self.crisis.luck, f"{self.name}/{purpose}")
            self._streams[purpose] = stream
        return stream

    def happens(self, purpose: str, rate_per_day: Array) -> NDArray[np.bool_]:
        """Whether an event of this rate happens in this turn, shape (replicates,); call it once a turn a purpose."""
        happened = self.array(False, bool)
        happened[self.where(purpose, rate_per_day)] = True
        happened &= self.crisis.ongoing
        return happened

    def where(self, purpose: str, rate_per_day: Array, who: Indices | None = None) -> Indices:
        """The replicates in which an event of this rate happens in this turn; call it at most once a turn for a purpose.

        Nothing happens before the crisis begins.

        Args:
            purpose: names the event, and keys its luck.
            rate_per_day: shape (replicates,), or (len(who),), or one number for all.
            who: the replicates in which it may happen in this turn; all of them where left out.
        """
        clock = cast(Clock, self._stream(purpose, Clock))
        begun = self.crisis.begun if who is None else self.crisis.begun[who]
        return clock.ring(rate_per_day * self.crisis.days_per_turn * begun, who)

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

    Each turn all agents observe (take in what the last turn brought), then act (decide), the states before all others,
    then settle (carry out what was decided). For the scenario's own agents the rules in their files do that; on an agent of
    another kind the crisis calls `observe`, `act` and `settle` right after them. In `observe` and `act` an agent reads
    others and changes only itself, and what others read of it only where they have read it already: so the order of
    agents does not matter.

    Args:
        model: the crisis it belongs to.
        name: its name in the scenario, which keys its luck.

    Raises:
        ValueError: when another agent of the crisis has that name.
    """

    keeps_itself = True

    def __init__(self, model: CrisisModel, name: str) -> None:
        mesa.Agent.__init__(self, model)
        Lucky.__init__(self, model, name)
        model.enrol(self)

    def remove(self) -> None:
        """Leave the crisis."""
        self.crisis.dismiss(self)
        super().remove()

    def observe(self) -> None:
        """Take in the turn that has passed."""

    def act(self) -> None:
        """Decide what to do at the end of the turn."""

    def settle(self) -> None:
        """Carry out what was decided, once all have decided."""

    def wish_to_talk(self) -> NDArray[np.float32]:
        """How much it wants a channel opened, 0 to 1, over all replicates."""
        return self.array()

    def write(self, who: Indices) -> None:
        """Write into the record what it knows of replicates whose crisis is over."""

    def series(self) -> dict[str, Array]:
        """What a replay draws of this agent, by column name, each an array over replicates."""
        return {}


class ThirdParty(CrisisAgent):
    """An agent of one's own that bears on the states, as mediators, lenders, back-channels and advisers do."""

    def strain(self, state: State) -> Array | None:
        """Economic pressure that it puts on `state` (negative: that it lifts), over all replicates; None for none."""
        return None

    def influence(self, state: State, who: Indices) -> Influence | None:
        """What it brings to bear on `state` in the replicates `who`; None for nothing in any of them."""
        return None


class Role(CrisisAgent):
    """An agent of the scenario: it acts by the rules of its file, and what a turn changes is held in records of the crisis.

    Args:
        model: the crisis it belongs to.
        name: its name in the scenario.
        place: its number among the agents of its kind.
    """

    #: The crisis's attribute that holds the records of its kind, shape (replicates, members).
    held_in: str

    def __init__(self, model: CrisisModel, name: str, place: int) -> None:
        super().__init__(model, name)
        self.place = place

    @property
    def records(self) -> Any:
        """Where its attributes are held: records, shape (replicates,)."""
        return getattr(self.crisis, self.held_in)[:, self.place]
