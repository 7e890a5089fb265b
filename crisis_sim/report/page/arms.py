"""The crises of an experiment that a page tells of: those of its baseline, held against its other arms.

A sweep, an attribution and a tornado keep the outcome of each crisis in the folder, so a few of them can be run again and
told. A tuning and a posterior keep figures alone, as do the points of a sensitivity analysis's own design, of which each
is as good as any other; of these nothing is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim.batch import Ensemble, read_batch
from crisis_sim.batch.folder import read_manifest
from crisis_sim.experiments.folder import batch_folder
from crisis_sim.experiments.parts import Whole
from crisis_sim.experiments.sensitivity.naming import names_of
from crisis_sim.experiments.words import place
from crisis_sim.report import words
from crisis_sim.report.page.stories import COLUMNS, Arm

if TYPE_CHECKING:
    from crisis_sim.experiments.findings import Findings

#: Crises of a design that are looked through; more would not fit into a small machine's memory.
MOST_CRISES = 4_000_000
#: Arms of a sweep that a told crisis is held against.
SHOWN = 5
_ELSEWHERE = "The same crisis, with the same luck, {}"


@dataclass(frozen=True)
class Baseline:
    """An experiment's baseline: its crises, and what it is in words.

    Attributes:
        arm: its crises.
        told: what it is, to go on after "the crises".
    """

    arm: Arm
    told: str


def baseline(findings: Findings, folder: Path) -> Baseline | None:
    """The crises that an experiment compares others with; None where its folder does not keep them.

    Args:
        findings: what the experiment found.
        folder: where it stands.

    Raises:
        ResultsError: when the crises cannot be read.
    """
    found = _KINDS.get(findings.experiment.spec.kind)
    return None if found is None else found(findings, folder)


def _of_sweep(findings: Findings, folder: Path) -> Baseline | None:
    from crisis_sim.experiments.kinds.sweep import factors_of

    factors = factors_of(findings.experiment)
    points = [
        {path: float(row[path]) for path in (factor.path for factor in factors)}
        for row in findings.tables["points"].to_pylist()
    ]
    reference = int(findings.summary["reference"])
    order = sorted(range(len(points)), key=lambda point: tuple(points[point].values()))
    even = np.linspace(0, len(order) - 1, min(SHOWN, len(order))).round().astype(int)
    shown = {order[k] for k in even} | {reference}
    names = {point: place(factors, points[point]) for point in order if point in shown}
    told = f"at {names[reference]}, with which the others are compared"
    return _of_points(findings, folder, names, reference, points[reference], told)


def _of_tornado(findings: Findings, folder: Path) -> Baseline | None:
    """The middle of all factors, beside either end of the first of them, as `tornado.points_of` has them."""
    factors = findings.summary["factors"]
    names = {0: "all in their middle"}
    shorter = names_of([factor["path"] for factor in factors])
    for k, factor in enumerate(factors[:SHOWN]):
        for step, end in enumerate(("low", "high"), start=1):
            names[2 * k + step] = f"{shorter[factor['path']]} {factor[end]:.3g}"
    middle = {factor["path"]: float(factor["middle"]) for factor in factors}
    told = "with every parameter in its middle, from which each is moved in turn"
    return _of_points(findings, folder, names, 0, middle, told, "tornado")


def _of_points(
    findings: Findings,
    folder: Path,
    names: Mapping[int, str],
    reference: int,
    values: Mapping[str, float],
    told: str,
    design: str = "",
) -> Baseline | None:
    """A baseline that is a point of a design, beside other points by name."""
    home = _kept(findings, folder, design)
    if home is None:
        return None
    batch = read_batch(home, (*COLUMNS, "point"))
    (ensemble,) = batch.ensembles.values()
    points = {name: _at(ensemble, point) for point, name in names.items()}
    changes = [f"{path}={value!r}" for path, value in values.items()]
    scenario = findings.experiment.scenario
    return Baseline(
        Arm(
            ensemble=points[names[reference]],
            scenario=Whole(scenario).without(changes, scenario.name),
            seed=batch.seed,
            file=f"{scenario.name}.yaml",
            overrides=changes,
            elsewhere=points,
            caption=_ELSEWHERE.format("at other values"),
            of="Where",
        ),
        told,
    )


def _of_attribution(findings: Findings, folder: Path) -> Baseline | None:
    from crisis_sim.experiments.kinds.attribute import combination_name

    home = _kept(findings, folder)
    if home is None:
        return None
    parts = [words.clean(one["name"]) for one in findings.summary["parts"]]
    everything = (True,) * len(parts)
    shown = {everything: "with all of them"}
    for k, part in enumerate(parts):
        shown[(*everything[:k], False, *everything[k + 1 :])] = f"without {part}"
    shown[(False,) * len(parts)] = "with none of them"
    batch = read_batch(home, COLUMNS)
    arms = {name: batch.ensembles[combination_name(there)] for there, name in shown.items()}
    scenario = findings.experiment.scenario
    return Baseline(
        Arm(
            ensemble=arms[shown[everything]],
            scenario=scenario,
            seed=batch.seed,
            file=f"{scenario.name}.yaml",
            elsewhere=arms,
            caption=_ELSEWHERE.format("with parts taken away"),
            of="What is there",
        ),
        "in which all parts are there",
    )


def _kept(findings: Findings, folder: Path, design: str = "") -> Path | None:
    """Where a folder keeps an experiment's crises, if these are no more than can be looked through."""
    home = batch_folder(findings, folder, design)
    if home is None:
        return None
    about: Iterable[Mapping[str, Any]] = read_manifest(home)["scenarios"].values()
    return home if sum(int(one["replicates_done"]) for one in about) <= MOST_CRISES else None


def _at(ensemble: Ensemble, point: int) -> Ensemble:
    """The replicates of one point of a design."""
    return replace(
        ensemble, table=ensemble.table.filter(ensemble.column("point") == point), paths=None
    )


_KINDS: dict[str, Callable[[Findings, Path], Baseline | None]] = {
    "sweep": _of_sweep,
    "attribute": _of_attribution,
    "sensitivity": _of_tornado,
}
