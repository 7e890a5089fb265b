"""Experiments: a question in one YAML file, and an answer that says how sure it is.

    from crisis_sim.experiments import run_experiment

    findings = run_experiment("what_ended_may_2025", workers=2)
    print(" ".join(findings.answer))

An experiment names a scenario, what to vary in it, what to measure (`crisis_sim.outcomes.measures`)
and how many crises to spend. What it does with them is its kind: a module for each, which
`spec.KINDS` names, with its keys, its run, its sentences and its charts. Whatever its kind, an
experiment is read with the care that scenarios are (`load`), varies `factors`, runs as one batch whose
points share the luck of each replicate (`design`), leaves one folder (`run`), and is drawn (`plots`).
Tune and posterior share `calibrate`; tune has its `search` and `gauss_newton`; posterior has its
`sampler` and `marginals`; sensitivity has its `indices`.

To add a kind: write a module that holds what `spec.Kind` asks for, and name it in `spec.KINDS`. Its
spec derives from `spec.Spec`; `spec.Reading` finds places and reads measures and factors when it
checks a file; `design.run_points` runs points; tables, summary and sentences go into
`spec.Findings`. A short command goes into `crisis_sim.cli.experiment`; its tests into
`tests/experiments`; what it answers, into docs/experiments.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from crisis_sim.experiments.design import Design as Design
    from crisis_sim.experiments.design import run_design as run_design
    from crisis_sim.experiments.load import load_experiment as load_experiment
    from crisis_sim.experiments.load import make_experiment as make_experiment
    from crisis_sim.experiments.load import shipped_experiments as shipped_experiments
    from crisis_sim.experiments.run import read_experiment as read_experiment
    from crisis_sim.experiments.run import read_points as read_points
    from crisis_sim.experiments.run import run_experiment as run_experiment
    from crisis_sim.experiments.spec import Experiment as Experiment
    from crisis_sim.experiments.spec import Findings as Findings

#: Fetched when first used: Mesa and SciPy are slow to import.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "design": ["Design", "run_design"],
        "spec": ["Experiment", "Findings"],
        "run": ["read_experiment", "read_points", "run_experiment"],
        "load": ["load_experiment", "make_experiment", "shipped_experiments"],
    },
)
