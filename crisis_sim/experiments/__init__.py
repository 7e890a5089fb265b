"""Experiments: a question in one YAML file, and an answer that says how sure it is.

    from crisis_sim.experiments import run_experiment

    findings = run_experiment("what_ended_may_2025", workers=2)
    print(" ".join(findings.answer))

An experiment names a scenario, what to vary in it, what to measure (`crisis_sim.outcomes.measures`)
and how many crises to spend. What it does with them is its kind: `kinds` holds a module for each.
Whatever its kind, an experiment is read with the care that scenarios are (`load`), runs as one batch
whose points share the luck of each replicate (`design`), and leaves one folder (`folder`).

To add a kind: write a module in `kinds` that holds what `kinds.Kind` asks for, and name it in
`kinds.KINDS`. Its spec derives from `schema.Spec`; `reading.Reading` finds places and reads measures
and factors when it checks a file; `design.run_design` runs points; tables, summary and sentences go
into `findings.Findings`. Its charts are a module in `crisis_sim.report.experiments`, named in its
`DRAWERS`; its own command goes into `crisis_sim.cli`; its tests into `tests/experiments`; what it
answers, into docs/experiments.md.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crisis_sim.experiments.design import Design, run_design
    from crisis_sim.experiments.experiment import Experiment
    from crisis_sim.experiments.findings import Findings
    from crisis_sim.experiments.folder import read_experiment
    from crisis_sim.experiments.load import load_experiment, make_experiment
    from crisis_sim.experiments.run import run_experiment
    from crisis_sim.experiments.shipped import shipped_experiments
    from crisis_sim.experiments.side_by_side import read_points

_HOMES = {
    "Design": "design",
    "Experiment": "experiment",
    "Findings": "findings",
    "load_experiment": "load",
    "make_experiment": "load",
    "read_experiment": "folder",
    "read_points": "side_by_side",
    "run_design": "design",
    "run_experiment": "run",
    "shipped_experiments": "shipped",
}

__all__ = [
    "Design",
    "Experiment",
    "Findings",
    "load_experiment",
    "make_experiment",
    "read_experiment",
    "read_points",
    "run_design",
    "run_experiment",
    "shipped_experiments",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
