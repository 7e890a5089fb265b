"""An experiment's points as scenarios side by side, so that `compare` and the reports can read them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from crisis_sim.batch import Batch, read_batch
from crisis_sim.batch.errors import ResultsError
from crisis_sim.experiments.folder import RESOLVED, batch_folder, read_experiment
from crisis_sim.experiments.words import short_names

#: Points that can be told apart side by side, in a table or a chart.
MOST_POINTS = 60


def is_experiment(folder: Path) -> bool:
    """Whether a folder holds an experiment, finished or not."""
    return (folder / RESOLVED).is_file()


def read_points(folder: str | Path) -> Batch:
    """An experiment's batch, with an ensemble for each point, named after what was varied there.

    They share their luck, so their differences are paired.

    Raises:
        ResultsError: when the folder holds no finished experiment, or one that has no batch of its
            own, or more points than `MOST_POINTS`.
    """
    folder = Path(folder)
    findings = read_experiment(folder)
    home = batch_folder(findings, folder)
    if home is None:
        kind = findings.experiment.kind
        raise ResultsError(f"{folder} holds an experiment of kind {kind}, which has no points")
    batch = read_batch(home)
    points = batch.manifest["points"]
    if (points or 1) * len(batch.ensembles) > MOST_POINTS:
        raise ResultsError(
            f"{folder} holds {points} points, too many to put side by side; at most {MOST_POINTS}"
        )
    if points is None:
        return batch
    table = findings.tables["points"]
    varied = short_names([name for name in table.column_names if name not in ("point", "scenario")])
    values = {path: table.column(path).to_pylist() for path in varied}
    ensembles = {}
    for place, one in enumerate(batch.ensembles.values()):
        replicates = one.replicates // points
        for point in range(points):
            at = {short: values[path][place * points + point] for path, short in varied.items()}
            said = ", ".join(f"{short} {value:.4g}" for short, value in at.items())
            name = said if len(batch.ensembles) == 1 else f"{one.name}, {said}"
            rows = one.table.slice(point * replicates, replicates)
            ensembles[name] = replace(one, name=name, table=rows, paths=None)
    return Batch(ensembles, batch.manifest)
