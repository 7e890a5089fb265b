"""Fits from ten other starts: `python docs/tools/starts.py` writes docs/fit/starts.csv, which docs/fit.md shows.

Each start lies half-way from the defaults to a random point of the ranges. From there the experiment's own steps are taken,
with a quarter of its crises, and what they come to is scored with all of them and fresh luck.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from console import DOCS

from crisis_sim.experiments.gauss_newton import Steps
from crisis_sim.experiments.load import load_experiment
from crisis_sim.experiments.search import Problem
from crisis_sim.experiments.spec import RunOptions

STARTS, GENERATIONS, STEPS, SHARE, SEED = 10, 4, 5, 4, 11
FILE = DOCS / "fit" / "starts.csv"


def fits() -> Iterator[tuple[float, float, float]]:
    """Of each start: its loss, the loss of the fit, and how far apart fit and defaults are, as a mean share of ranges."""
    experiment = load_experiment("fit_to_the_record")
    whole = Problem(experiment, RunOptions(workers=2))
    fewer = {name: max(count // SHARE, 200) for name, count in whole.spec.fewer.items()}
    spec = whole.spec.model_copy(
        update={"replicates": whole.spec.replicates // SHARE, "fewer": fewer}
    )
    small = Problem(replace(experiment, spec=spec), RunOptions(workers=2))
    random = np.random.default_rng(SEED)
    for _ in range(STARTS):
        steps = Steps(small)
        steps.best = whole.start + 0.5 * (random.random(len(whole.start)) - whole.start)
        first = 0.0
        for generation in range(GENERATIONS):
            shares = steps.ask(STEPS)
            loss = small.at(small.points_of(shares), spec.replicates, spec.seed).loss
            first = first if generation else float(loss[0])
            steps.tell(shares, loss)
        best = whole.points_of(steps.best[None])
        fresh = whole.at(best, whole.spec.replicates, spec.seed + 99).loss
        yield first, float(fresh[0]), float(np.abs(steps.best - whole.start).mean())


def main() -> None:
    """Fit from each start, and write what came of it."""
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["start", "fit", "apart"])
        for row in fits():
            writer.writerow([f"{one:.4g}" for one in row])
            file.flush()


if __name__ == "__main__":
    main()
