"""Repeat the fit from ten other starts: `python docs/tools/starts.py` writes docs/fit/starts.csv, used by docs/fit.md.

Each start is half-way between the defaults and a random point of the ranges. The fit takes the steps of the experiment with
a quarter of its crises, and is scored with all of them on new random numbers. A row has the loss at the start, the loss of
the fit, and the mean distance of its parameters from the defaults, as a share of the ranges.
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
    problem = Problem(experiment, options)
    fewer = {name: max(count // SHARE, 200) for name, count in problem.spec.fewer.items()}
    reduced = {"replicates": problem.spec.replicates // SHARE, "fewer": fewer}
    small = Problem(replace(experiment, spec=problem.spec.model_copy(update=reduced)), options)
    random = np.random.default_rng(SEED)
    with (DOCS / "fit" / "starts.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["start", "fit", "apart"])
        for _ in range(STARTS):
            start = problem.start + 0.5 * (random.random(len(problem.start)) - problem.start)
            best, start_loss = refitted(small, start, GENERATIONS)
            points = problem.points_of(best[None])
            (loss,) = problem.evaluate(points, problem.spec.replicates, problem.spec.seed + 99).loss
            row = (start_loss, loss, np.abs(best - problem.start).mean())
            writer.writerow([f"{value:.4g}" for value in row])
            file.flush()
