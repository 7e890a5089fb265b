"""All that one run of the benchmarks measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.cold_start import ColdStart
from benchmarks.commands import Command
from benchmarks.counting import Counts
from benchmarks.floor import Floor
from benchmarks.growth import Point
from benchmarks.one_batch import Batch
from benchmarks.speed import Speed


@dataclass(frozen=True)
class ScenarioResults:
    """What was measured of one scenario.

    Attributes:
        name: its name.
        title: its one-line title.
        digest: what it was, whatever its file says by now.
        counts: what was counted in a run of it.
        one_core: batches by one worker, from few replicates to many.
        two_cores: batches by two workers, of those sizes that are more than one block.
        in_turns: one batch by one worker and by two, timed in turns; empty where it was not.
        batches: batches in fresh processes, with their memory.
        empty: empty Mesa models with as many agents and turns, called in several ways.
        plain: the plain Mesa model with as many agents, turns and decisions.
        floor: the least that NumPy needs for it.
    """

    name: str
    title: str
    digest: str
    counts: Counts
    one_core: Sequence[Speed]
    two_cores: Sequence[Speed]
    in_turns: Sequence[Speed]
    batches: Sequence[Batch]
    empty: Sequence[Speed]
    plain: Speed
    floor: Floor

    @property
    def empty_mesa(self) -> Speed:
        """The quickest of the empty Mesa models on one core: the one to be beaten."""
        ones = (speed for speed in self.empty if speed.workers == 1)
        return max(ones, key=lambda speed: speed.agent_turns_per_second)

    def as_data(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "name": self.name,
            "title": self.title,
            "digest": self.digest,
            "counts": self.counts.plain(),
            "one_core": [speed.plain() for speed in self.one_core],
            "two_cores": [speed.plain() for speed in self.two_cores],
            "in_turns": [speed.plain() for speed in self.in_turns],
            "batches": [batch.plain() for batch in self.batches],
            "empty_mesa": [speed.plain() for speed in self.empty],
            "plain_mesa": self.plain.plain(),
            "floor": self.floor.plain(),
        }


@dataclass(frozen=True)
class Results:
    """What was measured.

    Attributes:
        measured: when, as ISO 8601.
        git_revision: of which code.
        machine: on what, and with which versions.
        scenarios: scenario by scenario.
        by_block_size: the first scenario in blocks of several sizes.
        pool_start_seconds: how long a pool of workers takes to give back its first blocks.
        growth: crises with other agents and horizons.
        cold_start: a run from a cold start, split.
        start_up: commands that should answer at once.
        whole_runs: runs from a cold start to the charts, from few replicates to many.
    """

    measured: str
    git_revision: str | None
    machine: Mapping[str, str]
    scenarios: Sequence[ScenarioResults]
    by_block_size: Sequence[Speed]
    pool_start_seconds: float
    growth: Sequence[Point]
    cold_start: ColdStart
    start_up: Sequence[Command]
    whole_runs: Sequence[Command]

    def as_data(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "measured": self.measured,
            "git_revision": self.git_revision,
            "machine": dict(self.machine),
            "scenarios": [one.as_data() for one in self.scenarios],
            "by_block_size": [speed.plain() for speed in self.by_block_size],
            "pool_start_seconds": self.pool_start_seconds,
            "growth": [point.plain() for point in self.growth],
            "cold_start": self.cold_start.plain(),
            "start_up": [command.plain() for command in self.start_up],
            "whole_runs": [command.plain() for command in self.whole_runs],
        }
