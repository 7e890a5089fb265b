"""Crises and agent-turns per second.

An agent-turn is one agent going through one turn of one crisis. Ours are counted only while the
crisis goes on: what the arrays compute for replicates that are already over earns nothing. All
times are wall-clock and include making the models; ours also include the tables of outcomes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

from crisis_sim.batch.block import BlockOrder, attempt
from crisis_sim.batch.plan import Plan, make_plan
from crisis_sim.batch.workers import StopSign, open_pool, run_plan
from crisis_sim.scenario.schema import Scenario

#: Crises that are run before anything is timed: the first run of all imports, and compiles or reads
#: what was compiled.
WARM_UP = 200
#: Seconds from which on a timing is long enough not to be repeated.
LONG_SECONDS = 2.0


@dataclass(frozen=True)
class Speed:
    """One timing.

    Attributes:
        what: what ran.
        crises: how many crises it ran.
        agent_turns: how many turns of how many agents that were.
        seconds: how long it took.
        workers: by how many workers.
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

    @property
    def seconds_per_crisis(self) -> float:
        """Seconds that one crisis costs."""
        return self.seconds / self.crises

    def plain(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self) | {
            "crises_per_second": self.crises_per_second,
            "agent_turns_per_second": self.agent_turns_per_second,
        }


def time_crises(
    scenario: Scenario, replicates: int, block_size: int | None = None, workers: int = 1
) -> Speed:
    """Run a scenario as a batch does, and time it; of each block no more is kept than its turns.

    Args:
        scenario: the scenario.
        replicates: how many replicates.
        block_size: the most replicates to run together; as a batch chooses it where left out.
        workers: the most workers to use.

    Raises:
        RuntimeError: when a block fails.
    """
    plan = plan_of(scenario, replicates, block_size)
    turns = 0
    started = time.perf_counter()
    with closing(run_plan(plan, workers, StopSign())) as results:
        for block in results:
            if block.error:
                which = f"replicates {block.first} to {block.first + block.count - 1}"
                raise RuntimeError(
                    f"{which} of {block.scenario} failed: {block.error}\n{block.trace}"
                )
            turns += block.agent_turns
    seconds = time.perf_counter() - started
    return Speed(scenario.name, replicates, turns, seconds, workers, plan.block_size)


def plan_of(scenario: Scenario, replicates: int, block_size: int | None = None) -> Plan:
    """How a batch of a scenario is cut into blocks."""
    return make_plan([scenario], replicates, 1, block_size, None, ())


def warm_up(scenario: Scenario) -> Speed:
    """Run a scenario once so that what is timed next finds everything imported and compiled."""
    return time_crises(scenario, WARM_UP)


def time_pool_start(scenario: Scenario, workers: int) -> float:
    """Seconds until each worker of a new pool has given back its first small block."""
    order = BlockOrder(scenario, first=0, count=1, seed=1)
    started = time.perf_counter()
    with open_pool(workers) as pool:
        for worker in [pool.submit(attempt, order) for _ in range(workers)]:
            worker.result()
        return time.perf_counter() - started


class Rounds:
    """Timings to be repeated round by round: each time it is called, all but those that took long.

    Args:
        tasks: each gives one timing.
    """

    def __init__(self, tasks: Iterable[Callable[[], Speed]]) -> None:
        self._tasks = tuple(tasks)
        self._last: dict[int, Speed] = {}

    def __call__(self) -> list[Speed]:
        """The timings of this round; where one took long, that of the round before."""
        for number, task in enumerate(self._tasks):
            if number not in self._last or self._last[number].seconds < LONG_SECONDS:
                self._last[number] = task()
        return list(self._last.values())


def best_of(rounds: int, measure: Sequence[Callable[[], list[Speed]]]) -> list[list[Speed]]:
    """The quickest of some rounds of each measurement: the one that was disturbed the least.

    The measurements take turns, so that a slow spell of the machine hits all of them alike.

    Returns:
        for each measurement what it gives back, each timing the quickest of its rounds.
    """
    taken = [[one() for one in measure] for _ in range(rounds)]
    return [
        [min(same, key=lambda speed: speed.seconds) for same in zip(*rounds_of_one, strict=True)]
        for rounds_of_one in zip(*taken, strict=True)
    ]
