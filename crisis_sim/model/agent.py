"""What every agent can do, and what a third party brings to bear on a state. Subclass these for agents of your own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import mesa
import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.arrays import Array, Indices, OverReplicates, Real
from crisis_sim.model.choice import INFLUENCE
from crisis_sim.model.compiled import compiled
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

        Args:
            purpose: names the event, and keys its luck.
            rate_per_day: shape (replicates,), or (len(who),), or one number for all.
            who: the replicates in which it may happen in this turn; all of them where left out.
        """
        clock = cast(Clock, self._stream(purpose, Clock))
        return clock.ring(rate_per_day * self.crisis.days_per_turn, who)

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

    Each turn the crisis calls `observe` on all agents (take in what the last turn brought), then `act` (decide): on the
    states first, then on all others; then `settle` (carry out what was decided). In `observe` and `act` an agent reads
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


@dataclass(slots=True)
class Influence:
    """What third parties bring to bear on one state, in some replicates; each an array over those replicates, or None.

    Attributes:
        restraint: value that it takes from full intensity (negative: that it adds).
        inducement: value that it adds to a halt.
        cover: share of the audience cost of stepping down that it saves.
        information: share of the fog that it lifts.
        privacy: share of the cost of an open offer that a private way saves.
        trust: share of the mistrust of a halt that it lifts.
        overtness: how far it is seen to broker.
    """

    restraint: Array = None
    inducement: Array = None
    cover: Array = None
    information: Array = None
    privacy: Array = None
    trust: Array = None
    overtness: Array = None


class Bearing:
    """All that third parties bring to bear on one state, in m replicates, as it is joined party by party.

    Values add up; shares each save a part of what the others left; overtness is that of the most overt.

    Attributes:
        total: records of `INFLUENCE`, shape (m,). Until it is closed, its shares are what is left of them.
    """

    def __init__(self, count: int) -> None:
        self.total = np.empty(count, INFLUENCE)
        _start(self.total)

    def join(self, influence: Influence) -> None:
        """Join what one party brings. To say nothing, or nothing yet, changes no digit."""
        _join(self.total, *(_whole(getattr(influence, part), self.total.size) for part in PARTS))

    def close(self) -> NDArray[np.void]:
        """The records, once all have joined."""
        _close(self.total)
        return self.total


PARTS = tuple(INFLUENCE.names or ())
_NOTHING = np.empty(0, Real)
_ONE = Real(1)


def _whole(part: Array, count: int) -> NDArray[np.float32]:
    """A part of an influence as an array of `Real`, shape (count,), or of none where it is None."""
    if part is None:
        return _NOTHING
    if getattr(part, "dtype", None) == Real and part.shape == (count,) and part.flags.carray:
        return cast("NDArray[np.float32]", part)
    return np.full(count, part, Real)


@compiled
def _start(total: NDArray[np.void]) -> None:
    """Let shares be what is left of them, until all have been joined."""
    for one in range(total.size):
        total[one].restraint = 0
        total[one].inducement = 0
        total[one].overtness = 0
        total[one].cover = _ONE
        total[one].information = _ONE
        total[one].privacy = _ONE
        total[one].trust = _ONE


@compiled
def _join(
    total: NDArray[np.void],
    restraint: NDArray[np.float32],
    inducement: NDArray[np.float32],
    cover: NDArray[np.float32],
    information: NDArray[np.float32],
    privacy: NDArray[np.float32],
    trust: NDArray[np.float32],
    overtness: NDArray[np.float32],
) -> None:
    for one in range(restraint.size):
        total[one].restraint += restraint[one]
    for one in range(inducement.size):
        total[one].inducement += inducement[one]
    for one in range(cover.size):
        total[one].cover *= _ONE - cover[one]
    for one in range(information.size):
        total[one].information *= _ONE - information[one]
    for one in range(privacy.size):
        total[one].privacy *= _ONE - privacy[one]
    for one in range(trust.size):
        total[one].trust *= _ONE - trust[one]
    for one in range(overtness.size):
        total[one].overtness = max(total[one].overtness, overtness[one])


@compiled
def _close(total: NDArray[np.void]) -> None:
    """Turn what is left of shares into the shares."""
    for one in range(total.size):
        total[one].cover = _ONE - total[one].cover
        total[one].information = _ONE - total[one].information
        total[one].privacy = _ONE - total[one].privacy
        total[one].trust = _ONE - total[one].trust


class ThirdParty(CrisisAgent):
    """An agent that bears on the states: a mediator, a lender, a back-channel, an adviser, or one of your own."""

    def strain(self, state: State) -> Array | None:
        """Economic pressure that it puts on `state` (negative: that it lifts), over all replicates; None for none."""
        return None

    def influence(self, state: State, who: Indices) -> Influence | None:
        """What it brings to bear on `state` in the replicates `who`; None for nothing in any of them."""
        return None

    def bear(self, state: State, who: Indices, bearing: Bearing) -> None:
        """Join its influence to that of others."""
        influence = self.influence(state, who)
        if influence is not None:
            bearing.join(influence)
