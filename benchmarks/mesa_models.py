"""Other ways to run crises on Mesa, with which batches are compared.

An empty Mesa model, whose agents do nothing, is the least that a model written agent by agent could take. The model of
Crisis Sim with one replicate is an ordinary Mesa model; it is also run with an additional agent in plain Python.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import mesa
import numpy as np

from benchmarks.timing import Timing
from crisis_sim import Agent
from crisis_sim.batch.block import make_plan
from crisis_sim.model import CrisisModel
from crisis_sim.scenario import Scenario

#: Replicates whose events are counted, to give an empty model as many steps as a crisis has events on average.
COUNTED = 1_000
#: Roles whose agents are counted.
ACTORS = ("states", "mediators", "lenders", "channels", "advisers")
EMPTY, ALONE = "an empty Mesa model", "one crisis at a time"
ALONE_WITH_AGENT = "one crisis at a time, with an agent in plain Python"
BLOCK_WITH_AGENT = "a block of crises, with an agent in plain Python"


class EmptyAgent(mesa.Agent):  # type: ignore[misc]  # Mesa is untyped
    """An agent whose step does nothing."""

    def step(self) -> None:
        """Do nothing."""


class EmptyModel(mesa.Model):  # type: ignore[misc]
    """Agents that do nothing, called in the same order in each step."""

    def __init__(self, agents: int) -> None:
        super().__init__(rng=1)
        EmptyAgent.create_agents(self, agents)

    def step(self) -> None:
        """Call each agent."""
        self.agents.do("step")


class Envoy(Agent):
    """An agent in plain Python: each day it presses states under pressure to halt."""

    role = "envoys"

    def step(self) -> None:
        """Press both states, with a strength that varies by day."""
        for state in self.model.cast["states"]:
            strength = np.where(state.pressure > 0.5, self.luck("strength"), 0.0)
            state.records["lent_leverage"] = strength


def run_empty(agents: int, steps: int) -> None:
    """Run an empty model."""
    model = EmptyModel(agents)
    for _ in range(steps):
        model.step()


def comparisons(scenario: Scenario) -> list[Callable[[], Timing]]:
    """The functions that time the other ways to run crises, ready to run; rules are compiled first."""

    def run(number: int, replicates: int = 1, agents: tuple[type[Agent], ...] = ()) -> CrisisModel:
        return CrisisModel(scenario, replicates, first_replicate=number, agents=agents).run()

    run(0, agents=(Envoy,))
    counted = run(0, COUNTED)
    actors = sum(len(getattr(scenario, role)) for role in ACTORS)
    steps = round(counted.events_run / COUNTED)
    block = make_plan([scenario], COUNTED, 1, None, None, ()).block_size
    timed = partial(_timed, scenario.name)
    return [
        partial(timed, EMPTY, 200, lambda _: run_empty(actors, steps)),
        partial(timed, ALONE, 50, run),
        partial(timed, ALONE_WITH_AGENT, 10, partial(run, agents=(Envoy,))),
        partial(timed, BLOCK_WITH_AGENT, 1, partial(run, replicates=block, agents=(Envoy,)), block),
    ]


def _timed(
    scenario: str, what: str, runs: int, run: Callable[[int], object], crises_per_run: int = 1
) -> Timing:
    """Time a number of runs one after another; `run` takes the number of the run."""
    started = time.perf_counter()
    for number in range(runs):
        run(number)
    seconds = time.perf_counter() - started
    return Timing(what, seconds, scenario, runs * crises_per_run)
