"""Fits from ten other starts: `python docs/tools/starts.py` writes docs/fit/starts.csv, which docs/fit.md shows.

Each start lies half-way from the defaults to a random point of the ranges. From there the experiment's own steps are taken,
with a quarter of its crises, and what they come to is scored with all of them and fresh luck. A row has the loss at the
start, that of the fit, and how far apart fit and defaults are, as a mean share of the ranges.
"""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
from console import DOCS

from crisis_sim.experiments.load import load_experiment
from crisis_sim.experiments.search import Problem
from crisis_sim.experiments.spec import RunOptions
from crisis_sim.validation.held_out import refitted

STARTS, GENERATIONS, SHARE, SEED = 10, 4, 4, 11

if __name__ == "__main__":
    experiment, options = load_experiment("fit_to_the_record"), RunOptions(workers=2)
    whole = Problem(experiment, options)
    fewer = {name: max(count // SHARE, 200) for name, count in whole.spec.fewer.items()}
    less = {"replicates": whole.spec.replicates // SHARE, "fewer": fewer}
    small = Problem(replace(experiment, spec=whole.spec.model_copy(update=less)), options)
    random = np.random.default_rng(SEED)
    with (DOCS / "fit" / "starts.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["start", "fit", "apart"])
        for _ in range(STARTS):
            start = whole.start + 0.5 * (random.random(len(whole.start)) - whole.start)
            best, first = refitted(small, start, GENERATIONS)
            points = whole.points_of(best[None])
            (fit,) = whole.at(points, whole.spec.replicates, whole.spec.seed + 99).loss
            row = (first, fit, np.abs(best - whole.start).mean())
            writer.writerow([f"{one:.4g}" for one in row])
            file.flush()
