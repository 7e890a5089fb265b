"""Crises and agent-turns per second.

An agent-turn is one agent going through one turn of one crisis. Ours are counted only while the
crisis goes on: what the arrays compute for replicates that are already over earns nothing. All
times are wall-clock and include making the models; ours also include the tables of outcomes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.empty_mesa import EmptyModel, ShufflingEmptyModel
from crisis_sim.batch.block import Block, BlockOrder, attempt
from crisis_sim.batch.interrupt import StopSign
from crisis_sim.batch.plan import BLOCK_SIZE, Plan
from crisis_sim.batch.workers import open_pool, run_plan
from crisis_sim.model import CrisisModel
from crisis_sim.scenario.schema import Scenario

#: Crises that an empty Mesa model runs, one after another: about a second's worth.
EMPTY_CRISES = 400


@dataclass(frozen=True)
class Speed:
    """One timing.

    Attributes:
        what: what ran.
        crises: how many crises it ran.
        agent_turns: how many turns of how many agents that were.
        seconds: how long it took.
        workers: in how many processes.
        block_size: the most replicates that ran together.
    """

    what: str
    crises: int
    agent_turns: int
    seconds: float
    workers: int = 1
    block_size: int = 1

    @property
    def crises_per_second(self) -> float:
        """Crises per second."""
        return self.crises / self.seconds

    @property
    def agent_turns_per_second(self) -> float:
        """Agent-turns per second."""
        return self.agent_turns / self.seconds

    def plain(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self) | {
            "crises_per_second": self.crises_per_second,
            "agent_turns_per_second": self.agent_turns_per_second,
        }


def time_crises(
    scenario: Scenario, replicates: int, block_size: int = BLOCK_SIZE, workers: int = 1
) -> Speed:
    """Run a scenario as a batch does, and time it."""
    plan = Plan((scenario,), replicates, seed=1, block_size=block_size)
    started = time.perf_counter()
    blocks = list(run_plan(plan, workers, StopSign()))
    seconds = time.perf_counter() - started
    turns = [block.agent_turns for block in blocks if isinstance(block, Block)]
    if len(turns) < len(blocks):
        raise RuntimeError(f"{len(blocks) - len(turns)} blocks failed")
    return Speed(scenario.name, replicates, sum(turns), seconds, workers, block_size)


def count_agents(scenario: Scenario) -> int:
    """How many Mesa agents a scenario has."""
    return len(CrisisModel(scenario).agents)


def time_empty_mesa(agents: int, mean_turns: int) -> list[Speed]:
    """Run empty Mesa models with as many agents and turns as the mean crisis of a scenario has."""
    timings = []
    for what, kind in (("do", EmptyModel), ("shuffle_do", ShufflingEmptyModel)):
        started = time.perf_counter()
        for _ in range(EMPTY_CRISES):
            model = kind(agents)
            for _ in range(mean_turns):
                model.step()
        seconds = time.perf_counter() - started
        turns = EMPTY_CRISES * mean_turns * agents
        timings.append(Speed(f"empty Mesa, {what}", EMPTY_CRISES, turns, seconds))
    return timings


def time_pool_start(scenario: Scenario, workers: int) -> float:
    """Seconds until each worker of a new pool has given back its first small block."""
    order = BlockOrder(scenario, first=0, count=1, seed=1)
    started = time.perf_counter()
    with open_pool(workers) as pool:
        for worker in [pool.submit(attempt, order) for _ in range(workers)]:
            worker.result()
        return time.perf_counter() - started


def best_of(rounds: int, measure: Sequence[Callable[[], list[Speed]]]) -> list[Speed]:
    """The quickest of some rounds of each measurement: the one that was disturbed the least.

    The measurements take turns, so that a slow spell of the machine hits all of them alike.
    """
    taken = [[speed for one in measure for speed in one()] for _ in range(rounds)]
    return [min(same, key=lambda speed: speed.seconds) for same in zip(*taken, strict=True)]
