"""Results of the benchmarks that nobody measured."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.cold_start import ColdStart
from benchmarks.commands import Command
from benchmarks.counting import Counts
from benchmarks.floor import Floor
from benchmarks.growth import Point
from benchmarks.one_batch import Batch
from benchmarks.results import Results, ScenarioResults
from benchmarks.speed import Speed

AGENTS, TURNS = 12, 400


def speed_of(what: str, crises: int, rate: float, workers: int = 1, block_size: int = 1) -> Speed:
    """A timing of `rate` agent-turns a second."""
    turns = crises * AGENTS * TURNS
    return Speed(what, crises, turns, turns / rate, workers, block_size)


def scenario_of(name: str, large: float = 150e6, two_workers: float = 1.9) -> ScenarioResults:
    """A scenario whose large batches run at a rate, and so many times as fast on two cores."""
    rates = {1: 3e4, 10: 3e5, 100: 3e6, 1_000: 2e7, 10_000: large, 100_000: large, 1_000_000: large}
    one_core = [speed_of(name, size, rate, 1, 65_536) for size, rate in rates.items()]
    twos = [
        speed_of(name, size, factor * large, 2, 65_536)
        for size, factor in ((100_000, 1.4), (1_000_000, 1.6))
    ]
    memory = {10_000: 300.0, 100_000: 310.0, 1_000_000: 330.0}
    batches = [Batch(one, memory[one.crises]) for one in one_core if one.crises in memory]
    return ScenarioResults(
        name=name,
        title=f"The crisis of {name}",
        digest="0",
        counts=Counts(
            1_009, 1_009 * TURNS, 2, 1, AGENTS, 12, 455_000, 203_000, 104_000, 85_000, 498
        ),
        one_core=one_core,
        two_cores=twos,
        in_turns=[
            speed_of(name, 50_000, factor * large, workers, 2_500)
            for workers, factor in ((1, 1.0), (2, two_workers))
        ],
        batches=[*batches, *(Batch(one, 700.0) for one in twos)],
        empty=[
            speed_of("empty Mesa, do", 200, 3e6),
            speed_of("empty Mesa, shuffle_do", 200, 1.7e6),
            speed_of("empty Mesa, batch_run", 200, 2.5e6),
            speed_of("empty Mesa, batch_run", 200, 1.0e6, workers=2),
        ],
        plain=speed_of("plain Mesa", 30, 0.5e6),
        floor=Floor(10_000, 10_000 * AGENTS * TURNS, 10_000, 0.02, 0.04, 0.10),
    )


def results_of(*scenarios: ScenarioResults) -> Results:
    """All that one run measures."""
    phases = {
        "python": 0.1,
        "imports": 1.2,
        "reading": 0.03,
        "model": 0.4,
        "statistics": 0.05,
        "writing": 0.6,
    }
    runs = {10_000: 400.0, 100_000: 450.0, 1_000_000: 1_400.0}
    growth = [
        Point(kind, value, agents, replace(speed_of("may_2025", 10_000, 1e8), seconds=seconds))
        for kind, value, agents, seconds in (
            ("mediators", 0, 6, 0.2),
            ("mediators", 6, 12, 0.4),
            ("mediators", 12, 18, 0.5),
            ("horizon", 15, 12, 0.1),
            ("horizon", 60, 12, 0.4),
            ("horizon", 120, 12, 0.6),
        )
    ]
    return Results(
        measured="2026-11-24T00:00:00+00:00",
        git_revision=None,
        machine={"processor": "an abacus", "cores": "2"},
        scenarios=scenarios,
        by_block_size=[speed_of("may_2025", 65_536, 1e8, 1, 1_024)],
        pool_start_seconds=1.5,
        growth=growth,
        cold_start=ColdStart("may_2025", 10_000, sum(phases.values()), phases),
        start_up=[Command("python -c pass", 0.02, 12.0)],
        whole_runs=[Command(f"crisis-sim run {n}", 2.0, mb, 2 * mb, n) for n, mb in runs.items()],
    )
