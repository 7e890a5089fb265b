"""What was aimed at, and whether it was met: computed, never typed in.

Where a target holds for batches of ten thousand replicates or more, the least favourable of these
sizes decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.results import Results, ScenarioResults
from benchmarks.speed import Speed

#: Replicates from which on the targets hold.
FROM = 10_000
EMPTY_TIMES, PLAIN_TIMES, FLOOR_TIMES, WORKERS_TIMES = 40.0, 150.0, 3.0, 1.8
#: How much a cost may grow and still be called flat.
FLAT = 1.2


@dataclass(frozen=True)
class Target:
    """One target.

    Attributes:
        what: what was compared.
        scenario: in which scenario.
        asked: the ratio that was aimed at.
        measured: the ratio that was measured; None where this run did not measure it.
        at_least: whether the ratio should be at least as high as asked, rather than at most.
    """

    what: str
    scenario: str
    asked: float
    measured: float | None
    at_least: bool

    @property
    def met(self) -> bool | None:
        """Whether it was met; None where it was not measured."""
        if self.measured is None:
            return None
        return self.measured >= self.asked if self.at_least else self.measured <= self.asked

    def plain(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self) | {"met": self.met}


def targets(results: Results) -> list[Target]:
    """All targets."""
    return [
        *(target for one in results.scenarios for target in _of_scenario(one)),
        *_of_commands(results),
    ]


def _of_scenario(one: ScenarioResults) -> Iterator[Target]:
    rates = [speed.agent_turns_per_second for speed in one.one_core if speed.crises >= FROM]
    slowest = min(rates, default=None)
    floor = one.floor.speed.agent_turns_per_second
    for what, times, rate in (
        ("agent-turns a second, beside the quickest empty Mesa", EMPTY_TIMES, one.empty_mesa),
        ("agent-turns a second, beside the plain Mesa model", PLAIN_TIMES, one.plain),
    ):
        ratio = None if slowest is None else slowest / rate.agent_turns_per_second
        yield Target(what, one.name, times, ratio, at_least=True)
    beside_floor = None if slowest is None else floor / slowest
    yield Target("time, beside the floor", one.name, FLOOR_TIMES, beside_floor, at_least=False)
    yield Target(
        "crises a second of two workers, beside one",
        one.name,
        WORKERS_TIMES,
        _two_beside_one(one.in_turns),
        at_least=True,
    )
    costs = [speed.seconds_per_crisis for speed in one.one_core if speed.crises >= FROM]
    yield Target(
        "cost of a crisis, most beside fewest replicates", one.name, FLAT, _grown(costs), False
    )
    memory = [batch.memory_mb for batch in one.batches if batch.speed.workers == 1]
    yield Target(
        "peak memory of a batch, most beside fewest replicates",
        one.name,
        FLAT,
        _grown(memory),
        False,
    )


def _of_commands(results: Results) -> Iterator[Target]:
    cold = results.cold_start
    # Of the one process that gathers all, should there be others.
    memory = [command.peak_memory_mb for command in results.whole_runs]
    yield Target(
        "peak memory of a whole run's largest process, most beside fewest replicates",
        cold.scenario,
        FLAT,
        _grown(memory),
        False,
    )
    yield Target(
        f"imports beside all work, in a cold run of {cold.replicates:,}",
        cold.scenario,
        1.0,
        cold.phases["imports"] / cold.work,
        at_least=True,
    )


def _two_beside_one(in_turns: Sequence[Speed]) -> float | None:
    """How many times as fast two are."""
    if not in_turns:
        return None
    one, two = in_turns
    return two.crises_per_second / one.crises_per_second


def _grown(costs: Sequence[float]) -> float | None:
    """What the largest batch costs beside the smallest; None with fewer than two."""
    return costs[-1] / costs[0] if len(costs) > 1 else None
