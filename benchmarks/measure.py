"""Measures everything, side by side on one machine in one run.

What is quick is measured in rounds that take turns, and the quickest counts; large batches run in
fresh processes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from benchmarks import cold_start, commands, growth
from benchmarks.counting import count
from benchmarks.empty_mesa import time_batch_runner, time_empty_mesa
from benchmarks.floor import Floor, quickest, time_floor
from benchmarks.machine import machine
from benchmarks.one_batch import Batch, time_batch
from benchmarks.plain_mesa import Cast, time_plain_mesa
from benchmarks.results import Results, ScenarioResults
from benchmarks.speed import Rounds, Speed, best_of, plan_of, time_crises, time_pool_start, warm_up
from benchmarks.talk import talk
from crisis_sim.batch.manifest import git_revision
from crisis_sim.scenario import Scenario, load_scenario

#: A case known well, and the population of cases.
SCENARIOS = ("may_2025", "since_1945")
#: Replicates from which on a batch is large, and runs in a fresh process (where it also tells its
#: memory): the size that the targets begin with.
LARGE = 10_000
#: Mesa models that are run, one after another: about half a second's worth.
EMPTY_CRISES, PLAIN_CRISES = 200, 30
BLOCK_SIZES = (1_024, 4_096, 16_384, 65_536)
#: Replicates of a batch that one worker and two run in turns, and how often each does.
IN_TURNS, TURNS_EACH = 50_000, 5
#: Replicates on which block sizes are compared.
MANY = 65_536


@dataclass(frozen=True)
class Extent:
    """How much to measure.

    Attributes:
        most: the most replicates in a batch.
        rounds: of what is quick, and of start-ups.
        growth_replicates: replicates of each case of growth.
        whole: whether to measure what takes long, too: two cores, memory, sizes of blocks.
    """

    most: int
    rounds: int = 3
    growth_replicates: int = LARGE
    whole: bool = True

    @property
    def sizes(self) -> list[int]:
        """Powers of ten, from one replicate to the most."""
        return [10**power for power in range(len(str(self.most))) if 10**power <= self.most]


def measure(extent: Extent) -> Results:
    """Measure all that is asked for."""
    about = machine()
    scenarios = [measure_scenario(load_scenario(name), extent) for name in SCENARIOS]
    first = load_scenario(SCENARIOS[0])
    talk("sizes of blocks, and growth with agents and horizon")
    blocks = [time_crises(first, MANY, size) for size in BLOCK_SIZES] if extent.whole else []
    points = measure_growth(extent)
    pool_start = time_pool_start(first, os.cpu_count() or 1)
    talk("whole commands, from a cold start")
    large = [size for size in extent.sizes if size >= LARGE]
    return Results(
        measured=datetime.now(UTC).isoformat(timespec="seconds"),
        git_revision=git_revision()[0],
        machine=about,
        scenarios=scenarios,
        by_block_size=blocks,
        pool_start_seconds=pool_start,
        growth=points,
        cold_start=cold_start.time_cold_start(extent.rounds),
        start_up=commands.time_start_up(3 * extent.rounds),
        whole_runs=[commands.time_whole_run(SCENARIOS[0], size) for size in large],
    )


def measure_scenario(scenario: Scenario, extent: Extent) -> ScenarioResults:
    """Batches of a scenario of all sizes, and what stands beside them."""
    talk(f"{scenario.name}: counting what a crisis takes")
    counts = count(scenario)
    warm_up(scenario)
    turns, agents = counts.mean_turns, counts.agents
    talk(f"{scenario.name}: {agents} agents, {turns} turns in the mean crisis; batches beside Mesa")
    floors: list[Floor] = []

    def floor() -> list[Speed]:
        floors.append(time_floor(counts, LARGE, plan_of(scenario, LARGE).block_size))
        return []

    ours, empty, runner, plain, _ = best_of(
        extent.rounds,
        [
            Rounds(partial(time_crises, scenario, size) for size in extent.sizes if size <= LARGE),
            partial(time_empty_mesa, agents, turns, EMPTY_CRISES),
            partial(time_batch_runner, agents, turns, EMPTY_CRISES),
            partial(
                time_plain_mesa,
                Cast.of(scenario, counts.decisions_per_state_turn),
                turns,
                PLAIN_CRISES,
            ),
            floor,
        ],
    )
    if extent.whole:
        runner += time_batch_runner(agents, turns, EMPTY_CRISES, workers=2)
    batches = _large_batches(scenario, extent) if extent.whole else []
    return ScenarioResults(
        name=scenario.name,
        title=scenario.title,
        digest=scenario.digest,
        counts=counts,
        one_core=joined(ours, [batch.speed for batch in batches if batch.speed.workers == 1]),
        two_cores=[batch.speed for batch in batches if batch.speed.workers == 2],
        in_turns=_in_turns(scenario) if extent.whole else [],
        batches=batches,
        empty=[*empty, *runner],
        plain=plain[0],
        floor=quickest(floors),
    )


def _large_batches(scenario: Scenario, extent: Extent) -> list[Batch]:
    """Large batches on one core, and those of more than one block on two."""
    batches = []
    for size in extent.sizes:
        if size < LARGE:
            continue
        is_cut = plan_of(scenario, size).blocks > 1
        for workers in (1, 2) if is_cut else (1,):
            talk(f"{scenario.name}: {size:,} replicates, {workers} at a time")
            batches.append(time_batch(scenario.name, size, workers))
    return batches


def _in_turns(scenario: Scenario) -> list[Speed]:
    """A batch by one worker and by two in turns: minutes apart, the machine's other users would decide."""
    talk(f"{scenario.name}: {IN_TURNS:,} replicates, by one worker and by two in turns")

    def by(workers: int) -> list[Speed]:
        return [time_crises(scenario, IN_TURNS, workers=workers)]

    return [speed for (speed,) in best_of(TURNS_EACH, [partial(by, 1), partial(by, 2)])]


def measure_growth(extent: Extent) -> list[growth.Point]:
    """Cases with other agents and horizons."""
    given = growth.cases()
    size = extent.growth_replicates
    (speeds,) = best_of(
        extent.rounds, [Rounds(partial(time_crises, case.scenario, size) for case in given)]
    )
    return [
        growth.Point(case.kind, case.value, case.agents, speed)
        for case, speed in zip(given, speeds, strict=True)
    ]


def joined(some: Sequence[Speed], others: Sequence[Speed]) -> list[Speed]:
    """Timings of batches by their size; of two of the same size the quicker."""
    quickest_of: dict[int, Speed] = {}
    for speed in [*some, *others]:
        known = quickest_of.setdefault(speed.crises, speed)
        if speed.seconds < known.seconds:
            quickest_of[speed.crises] = speed
    return [quickest_of[size] for size in sorted(quickest_of)]
