"""A back-channel: opened by who wants out, broken by fire, useful as far as it is trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.agent import Bearing, CrisisAgent, ThirdParty
from crisis_sim.model.arrays import Array, Flags, Indices, Real, Settings, at, reals
from crisis_sim.model.compiled import compiled
from crisis_sim.model.state import State
from crisis_sim.scenario.schema import ChannelSpec

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel


#: What an open line is worth.
WORTH = reals("trust", "information")
_ONE = Real(1)


class Channel(ThirdParty):
    """A private line between the two states.

    Attributes (arrays over replicates):
        open: whether the line is open.
    """

    def __init__(self, model: CrisisModel, name: str, spec: ChannelSpec) -> None:
        super().__init__(model, name)
        self.title = spec.title or name
        self.opened_by = spec.opened_by
        self.facts = model.parameters.numbers(f"channels.{name}", spec)
        self.open = self.array(spec.standing, bool)
        self._worth = Settings.of(
            WORTH, trust=self.facts.trust, information=model.behaviour.channels.information
        )
        model.record.add(f"{name}_opened_at_hours")

    def act(self) -> None:
        crisis, channels = self.crisis, self.crisis.behaviour.channels
        shut, under_fire = _sort_lines(self.open, crisis.open_to_decision, crisis.under_fire)
        opened = broken = shut[:0]
        if shut.size:
            rate = at(channels.openings_per_day, shut) * self._wish(shut)
            opened = self.where("open", rate, shut)
        if under_fire.size:
            fire = crisis.danger[under_fire] * (1 - at(self.facts.trust, under_fire))
            rate = at(channels.breaks_per_day, under_fire) * fire
            broken = self.where("break", rate, under_fire)
        if opened.size:
            self.open[opened] = True
            crisis.record.mark(f"{self.name}_opened_at_hours", opened, crisis.hours)
            crisis.record.mark("channel_opened_at_hours", opened, crisis.hours)
            if crisis.journal is not None:
                keenest = max(self._openers(), key=lambda agent: float(agent.wish_to_talk()[0]))
                crisis.tell("channel_opened", self.name, by=keenest.name)
        if broken.size:
            self.open[broken] = False
            crisis.tell("channel_broke", self.name)

    def _openers(self) -> list[CrisisAgent]:
        openers = [agent for agent in self.crisis.cast if agent.name in self.opened_by]
        return sorted(openers, key=lambda agent: agent.name)

    def _wish(self, who: Indices) -> Array:
        """How much those who may open it want to, together."""
        return sum(agent.wish_to_talk()[who] for agent in self._openers())

    def bear(self, state: State, who: Indices, bearing: Bearing) -> None:
        """Join what an open line brings, as far as it is trusted: information, privacy and trust."""
        _bear(self._worth.records, who, self.open, bearing.total)

    def series(self) -> dict[str, Array]:
        return {f"{self.name}_open": self.open}


@compiled
def _sort_lines(
    line_is_open: Flags, open_to_decision: Flags, under_fire: NDArray[np.float32]
) -> tuple[Indices, Indices]:
    """The replicates in which the line is shut and may be opened, and those in which it is open and under fire."""
    shut = np.empty(line_is_open.size, np.intp)
    exposed = np.empty(line_is_open.size, np.intp)
    closed = threatened = 0
    for one in range(line_is_open.size):
        if line_is_open[one]:
            if under_fire[one] > 0:
                exposed[threatened] = one
                threatened += 1
        elif open_to_decision[one]:
            shut[closed] = one
            closed += 1
    return shut[:closed], exposed[:threatened]


@compiled
def _bear(worth: NDArray[np.void], who: Indices, is_open: Flags, total: NDArray[np.void]) -> None:
    """Join its influence in the replicates `who` to the total; shares there are what is left of them."""
    last = worth.size - 1
    for place in range(who.size):
        one = who[place]
        if is_open[one]:
            own, joined = worth[min(one, last)], total[place]
            joined.information *= _ONE - own.information * own.trust
            joined.privacy *= _ONE - own.trust
            joined.trust *= _ONE - own.trust
