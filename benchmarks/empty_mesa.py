"""A Mesa model that does nothing: what any Mesa model that runs one replicate at a time pays."""

from __future__ import annotations

import mesa


class EmptyAgent(mesa.Agent):  # type: ignore[misc]  # Mesa is untyped
    """An agent whose step does nothing."""

    def step(self) -> None:
        """Do nothing."""


class EmptyModel(mesa.Model):  # type: ignore[misc]
    """Some agents that do nothing, all in the same order each turn.

    Args:
        agents: how many there are.
    """

    activation = "do"

    def __init__(self, agents: int) -> None:
        super().__init__(rng=1)
        EmptyAgent.create_agents(self, agents)

    def step(self) -> None:
        """Let each agent take its turn."""
        getattr(self.agents, self.activation)("step")


class ShufflingEmptyModel(EmptyModel):
    """The same, in a new order each turn, as most Mesa models have it."""

    activation = "shuffle_do"
