"""A Mesa model that does nothing: what any Mesa model that runs one replicate at a time pays."""

from __future__ import annotations

import time
import warnings

import mesa

from benchmarks.speed import Speed


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


class RunnableEmptyModel(EmptyModel):
    """The same, as Mesa's batch runner asks: it stops by itself, and has a collector, of nothing.

    Args:
        turns: how many turns it takes.
        rng: what the runner gives from Mesa 3.5 on; there is no luck in this model.
    """

    def __init__(self, agents: int, turns: int, rng: object = None) -> None:
        super().__init__(agents)
        self._turns = turns
        self.datacollector = mesa.DataCollector()

    def step(self) -> None:
        """Let each agent take its turn, and stop after the last."""
        super().step()
        self.running = self.steps < self._turns


def time_empty_mesa(agents: int, turns: int, crises: int) -> list[Speed]:
    """Run empty models one after another, with each of the two ways to call agents.

    Args:
        agents: how many agents each has.
        turns: how many turns each takes.
        crises: how many models.
    """
    timings = []
    for kind in (EmptyModel, ShufflingEmptyModel):
        started = time.perf_counter()
        for _ in range(crises):
            model = kind(agents)
            for _ in range(turns):
                model.step()
        seconds = time.perf_counter() - started
        what = f"empty Mesa, {kind.activation}"
        timings.append(Speed(what, crises, crises * turns * agents, seconds))
    return timings


def time_batch_runner(agents: int, turns: int, crises: int, workers: int = 1) -> list[Speed]:
    """Let Mesa's own batch runner run empty models; nothing where Mesa has none (from 4 on)."""
    batch_run = getattr(mesa, "batch_run", None)
    if batch_run is None:
        return []
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is going away, and says so
        batch_run(
            RunnableEmptyModel,
            {"agents": agents, "turns": turns},
            number_processes=workers,
            iterations=crises,
            max_steps=turns,
            display_progress=False,
        )
    seconds = time.perf_counter() - started
    return [Speed("empty Mesa, batch_run", crises, crises * turns * agents, seconds, workers)]
