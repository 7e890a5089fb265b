"""`python -m benchmarks.billion`: time and disk space of a block of May 2025, and of a billion crises."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks.report import table
from benchmarks.timing import machine
from crisis_sim.batch import run_to_folder
from crisis_sim.batch.block import BLOCK_SIZE
from crisis_sim.batch.folder import OUTCOMES

SCENARIO, BILLION = "may_2025", 1_000_000_000
#: Cores in the clusters of the estimate.
CLUSTERS = (16, 64, 256, 1_000)


def run(crises: int) -> tuple[float, int]:
    """Run crises into a folder with one worker; return core-seconds and bytes of outcomes."""
    with tempfile.TemporaryDirectory() as folder:
        before = os.times()
        run_to_folder(SCENARIO, folder, crises, workers=1, block_size=BLOCK_SIZE)
        after = os.times()
        core_seconds = sum(after[:4]) - sum(before[:4])  # of this process and its children
        return core_seconds, (Path(folder) / OUTCOMES).stat().st_size


def main() -> None:
    """Measure, and print the results in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.billion", description=__doc__)
    parser.add_argument("--blocks", type=int, default=4, help="blocks in a batch; %(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="batches; %(default)s")
    arguments = parser.parse_args()
    run(BLOCK_SIZE // 16)  # the first run compiles and imports
    crises, blocks = arguments.blocks * BLOCK_SIZE, BILLION / BLOCK_SIZE
    rounds = [run(crises) for _ in range(arguments.rounds)]
    seconds = min(core_seconds for core_seconds, _ in rounds) / arguments.blocks
    size = rounds[0][1] / crises
    megabytes, core_hours = size * BLOCK_SIZE / 1e6, blocks * seconds / 3600
    print(f"""\
Measured on {machine()}.

- a block of {BLOCK_SIZE:,} crises: {seconds:.1f} core-seconds ({1e3 * seconds / BLOCK_SIZE:.3f} ms per crisis), \
including its file and its share of {OUTCOMES}
- outcomes: {size:.1f} bytes per crisis, {megabytes:.1f} MB per block

A billion crises:

- {BILLION:,} / {BLOCK_SIZE:,} = {blocks:,.0f} blocks
- {blocks:,.0f} x {seconds:.1f} s / 3,600 = {core_hours:,.1f} core-hours
- {BILLION:,} x {size:.1f} B = {BILLION * size / 1e9:,.1f} GB
""")
    rows = []
    for cores in CLUSTERS:
        rate = cores / seconds
        figures = (core_hours / cores, rate, rate * megabytes)
        rows.append([f"{cores:,}", *(f"{figure:,.2f}" for figure in figures)])
    print(table(("cores", "hours", "blocks per second", "MB per second to disk"), rows, texts=0))


if __name__ == "__main__":
    main()
