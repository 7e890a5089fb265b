"""`python -m benchmarks.billion`: time and disk space of a block of May 2025, and of a billion crises.

Batches are run into folders with one worker and with two alternately, so that a slow spell of the machine affects both.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.report import table
from benchmarks.timing import machine
from crisis_sim.batch import run_to_folder
from crisis_sim.batch.block import BLOCK_SIZE
from crisis_sim.batch.folder import OUTCOMES

SCENARIO, BILLION = "may_2025", 1_000_000_000
#: Cores in the clusters of the estimate.
CLUSTERS = (16, 64, 256, 1_000)


def run(crises: int, workers: int) -> tuple[float, float, int]:
    """Run crises into a folder; return seconds, core-seconds and bytes of outcomes."""

    def core_seconds() -> float:
        uses = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(use.ru_utime + use.ru_stime for use in uses)

    with tempfile.TemporaryDirectory() as folder:
        before, began = core_seconds(), time.perf_counter()
        run_to_folder(SCENARIO, folder, crises, workers=workers, block_size=BLOCK_SIZE)
        seconds, worked = time.perf_counter() - began, core_seconds() - before
        return seconds, worked, (Path(folder) / OUTCOMES).stat().st_size


def main() -> None:
    """Measure, and print the results in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.billion", description=__doc__)
    parser.add_argument("--blocks", type=int, default=4, help="blocks in each batch; 4")
    parser.add_argument(
        "--rounds", type=int, default=3, help="batches with one and with two workers; 3"
    )
    arguments = parser.parse_args()
    run(BLOCK_SIZE // 16, 1)  # the first run compiles and imports
    crises, blocks = arguments.blocks * BLOCK_SIZE, BILLION / BLOCK_SIZE
    rounds = [(run(crises, 1), run(crises, 2)) for _ in range(arguments.rounds)]
    one, two = (min(each[workers][1] for each in rounds) / arguments.blocks for workers in (0, 1))
    ratios = [alone[0] / both[0] for alone, both in rounds]
    size = rounds[0][0][2] / crises
    core_hours = blocks * one / 3600
    machine_text = ", ".join(f"{what} {value}" for what, value in machine().items())
    lines = [
        f"Measured on {machine_text}.\n",
        f"- a block of {BLOCK_SIZE:,} crises: {one:.1f} core-seconds ({1e3 * one / BLOCK_SIZE:.3f} ms "
        f"per crisis), including its file and its share of {OUTCOMES}",
        f"- outcomes: {size:.1f} bytes per crisis, {size * BLOCK_SIZE / 1e6:.1f} MB per block",
        f"- {arguments.blocks} blocks with two workers: {statistics.median(ratios):.2f} times as fast as with one, "
        f"at {two:.1f} core-seconds per block",
        "\nA billion crises:\n",
        f"- {BILLION:,} / {BLOCK_SIZE:,} = {blocks:,.0f} blocks",
        f"- {blocks:,.0f} x {one:.1f} s / 3,600 = {core_hours:,.1f} core-hours",
        f"- {BILLION:,} x {size:.1f} B = {BILLION * size / 1e9:,.1f} GB\n",
    ]
    print("\n".join(lines))
    rows = [
        (
            f"{cores:,}",
            f"{core_hours / cores:,.2f}",
            f"{cores / one:,.1f}",
            f"{cores / one * size * BLOCK_SIZE / 1e6:,.1f}",
        )
        for cores in CLUSTERS
    ]
    print(table(("cores", "hours", "blocks per second", "MB per second to disk"), rows, texts=0))


if __name__ == "__main__":
    main()
