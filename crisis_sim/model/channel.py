"""A back-channel: opened by who wants out, broken by fire, useful as far as it is trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crisis_sim.model.agent import CrisisAgent, Influence, ThirdParty
from crisis_sim.model.arrays import Array, Indices, at
from crisis_sim.model.mediator import Mediator
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
        self.standing = spec.standing
        model.record.add(f"{name}_opened_at_hours")

    def observe(self) -> None:
        pass

    def act(self) -> None:
        crisis, channels = self.crisis, self.crisis.behaviour.channels
        wish = self._wish()
        opens = self.happens("open", channels.openings_per_day * wish) & ~self.open
        fire = channels.breaks_per_day * crisis.fire * (1 - self.facts.trust)
        breaks = self.happens("break", fire) & self.open
        opened = np.flatnonzero(opens & crisis.open_to_decision)
        if opened.size:
            self.open[opened] = True
            crisis.record.mark(f"{self.name}_opened_at_hours", opened, crisis.hours)
            crisis.record.mark("channel_opened_at_hours", opened, crisis.hours)
            crisis.tell("channel_opened", self.name, by=self._opener())
        broken = np.flatnonzero(breaks)
        if broken.size:
            self.open[broken] = False
            crisis.tell("channel_broke", self.name)

    def _openers(self) -> list[CrisisAgent]:
        return [agent for agent in self.crisis.cast if agent.name in self.opened_by]

    def _wish(self) -> Array:
        """How much those who may open it want to: a state as far as it leans to a halt, a mediator by its effort."""
        wish: Array = 0.0
        for agent in self._openers():
            wish = wish + (agent.lean if isinstance(agent, State) else self._effort(agent))
        return wish

    def _effort(self, agent: CrisisAgent) -> Array:
        return agent.effort if isinstance(agent, Mediator) else 0.0

    def _opener(self) -> str:
        """Who wanted it most, in a block of one replicate."""
        def wanted(agent: CrisisAgent) -> float:
            wish = agent.lean if isinstance(agent, State) else self._effort(agent)
            return float(np.max(wish))

        return max(self._openers(), key=wanted).name if self._openers() else ""

    def influence(self, state: State, who: Indices) -> Influence | None:
        trust = self.open[who] * at(self.facts.trust, who)
        information = at(self.crisis.behaviour.channels.information, who) * trust
        return Influence(information=information, privacy=trust, trust=trust)

    def series(self) -> dict[str, Array]:
        return {f"{self.name}_open": self.open}
