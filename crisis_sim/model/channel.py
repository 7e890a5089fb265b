"""A back-channel: opened by who wants out, broken by fire, useful as far as it is trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crisis_sim.model.agent import CrisisAgent, Influence, ThirdParty
from crisis_sim.model.arrays import Array, Indices, at
from crisis_sim.model.state import State
from crisis_sim.scenario.schema import ChannelSpec

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel


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
        model.record.add(f"{name}_opened_at_hours")

    def act(self) -> None:
        crisis, channels = self.crisis, self.crisis.behaviour.channels
        shut = np.greater(crisis.open_to_decision, self.open).nonzero()[
            0
        ]  # decisions open, line shut
        rate = at(channels.openings_per_day, shut) * self._wish(shut)
        opened = self.where("open", rate, shut)
        under_fire = (self.open & (crisis.under_fire > 0)).nonzero()[0]
        fire = crisis.danger[under_fire] * (1 - at(self.facts.trust, under_fire))
        broken = self.where("break", at(channels.breaks_per_day, under_fire) * fire, under_fire)
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

    def influence(self, state: State, who: Indices) -> Influence | None:
        trust = self.open.take(who) * at(self.facts.trust, who)
        information = at(self.crisis.behaviour.channels.information, who) * trust
        return Influence(information=information, privacy=trust, trust=trust)

    def series(self) -> dict[str, Array]:
        return {f"{self.name}_open": self.open}
