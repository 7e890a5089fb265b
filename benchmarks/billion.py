"""`python -m benchmarks.billion`: what a block costs and takes up, and what a billion crises would.

Blocks of the shipped crisis of May 2025 are run into folders, by one worker and by two in turns,
so that a slow spell of the machine hits both alike. Then comes the arithmetic, line by line.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import machine
from crisis_sim.batch import run_to_folder
from crisis_sim.batch.folder import OUTCOMES
from crisis_sim.batch.plan import BLOCK_SIZE

SCENARIO = "may_2025"
BILLION = 1_000_000_000
#: Cores in the clusters of the estimate.
CLUSTERS = (16, 64, 256, 1_000)


@dataclass(frozen=True)
class Cost:
    """What a batch cost.

    Attributes:
        seconds: how long it took, its results included.
        core_seconds: how long cores worked on it, all together.
        bytes: the size of its outcomes.
    """

    seconds: float
    core_seconds: float
    bytes: int


def main() -> None:
    """Measure, and report in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.billion", description=__doc__)
    parser.add_argument("--blocks", type=int, default=4, help="blocks in each batch; 4")
    parser.add_argument("--rounds", type=int, default=3, help="batches by one worker and by two; 3")
    asked = parser.parse_args()
    run(BLOCK_SIZE // 16, 1)  # the first run of all compiles and imports
    crises = asked.blocks * BLOCK_SIZE
    ones, twos = [], []
    for _ in range(asked.rounds):
        ones.append(run(crises, 1))
        twos.append(run(crises, 2))
    sys.stdout.write("\n".join(report(crises, asked.blocks, ones, twos)) + "\n")


def run(crises: int, workers: int) -> Cost:
    """Run crises into a folder."""
    with tempfile.TemporaryDirectory() as folder:
        before, began = _core_seconds(), time.perf_counter()
        run_to_folder(SCENARIO, folder, crises, workers=workers, block_size=BLOCK_SIZE)
        seconds = time.perf_counter() - began
        return Cost(seconds, _core_seconds() - before, (Path(folder) / OUTCOMES).stat().st_size)


def report(crises: int, blocks: int, ones: list[Cost], twos: list[Cost]) -> list[str]:
    """What was measured, and what follows for a billion crises."""
    core_seconds = min(one.core_seconds for one in ones) / blocks
    bytes_a_crisis = ones[0].bytes / crises
    ratios = [one.seconds / two.seconds for one, two in zip(ones, twos, strict=True)]
    all_blocks = BILLION / BLOCK_SIZE
    core_hours = all_blocks * core_seconds / 3600
    about = ", ".join(f"{what} {value}" for what, value in machine().items())
    return [
        f"\nMeasured on {about}.\n",
        f"- a block of {BLOCK_SIZE:,} crises: {core_seconds:.1f} core-seconds "
        f"({1e3 * core_seconds / BLOCK_SIZE:.3f} ms a crisis), its file and its share of "
        f"{OUTCOMES} included",
        f"- outcomes: {bytes_a_crisis:.1f} bytes a crisis, "
        f"{bytes_a_crisis * BLOCK_SIZE / 1e6:.1f} MB a block",
        f"- {blocks} blocks by two workers: {statistics.median(ratios):.2f} times as fast as by "
        f"one (rounds: {', '.join(f'{ratio:.2f}' for ratio in ratios)}), at "
        f"{min(two.core_seconds for two in twos) / blocks:.1f} core-seconds a block",
        "\nA billion crises:\n",
        f"- {BILLION:,} / {BLOCK_SIZE:,} = {all_blocks:,.0f} blocks",
        f"- {all_blocks:,.0f} x {core_seconds:.1f} s / 3,600 = {core_hours:,.1f} core-hours",
        f"- {BILLION:,} x {bytes_a_crisis:.1f} B = {BILLION * bytes_a_crisis / 1e9:,.1f} GB\n",
        "| cores | hours | blocks a second | MB a second to disk |",
        "|--:|--:|--:|--:|",
        *(
            f"| {cores:,} | {core_hours / cores:,.2f} | {cores / core_seconds:,.1f} "
            f"| {cores / core_seconds * bytes_a_crisis * BLOCK_SIZE / 1e6:,.1f} |"
            for cores in CLUSTERS
        ),
    ]


def _core_seconds() -> float:
    """Seconds that cores have worked for this process and those that it has waited for."""
    uses = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in uses)


if __name__ == "__main__":
    main()
