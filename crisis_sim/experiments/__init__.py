"""Experiments: a question in one YAML file, and an answer with its uncertainty.

    from crisis_sim.experiments import run_experiment

    findings = run_experiment("what_ended_may_2025", workers=2)
    print(" ".join(findings.answer))

An experiment names a scenario, the parameters to vary, the outcomes to measure
(`crisis_sim.outcomes.measures`) and the number of crises. Its kind decides what is done with them.
Each kind is a module, listed in `spec.KINDS`, with its keys, its run, its sentences and its charts.
Experiments of all kinds are read and checked by `load`, vary `factors`, run as one batch whose points
share the random numbers of each replicate (`points`), are written to one folder (`run`), and are drawn
(`plots`). Tune and posterior share `targets`; tune has its `search` and `gauss_newton`; posterior has
its `abc_sampler` and `marginals`; sensitivity has its `indices`. `phrases` writes numbers and points in words.

To add a kind, write a module with the interface `spec.Kind` and list it in `spec.KINDS`. Its keys are a
subclass of `spec.Spec`; `spec.Reading` locates values and reads measures and factors when a file is
checked; `design.run_points` runs points; `spec.Findings` takes the tables, the summary and the sentences.
A short command goes into `crisis_sim.cli.experiment` and its name into `crisis_sim.cli.COMMANDS`, tests into
`tests/experiments`, and its description into docs/experiments.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from crisis_sim.experiments.load import load_experiment as load_experiment
    from crisis_sim.experiments.load import make_experiment as make_experiment
    from crisis_sim.experiments.load import shipped_experiments as shipped_experiments
    from crisis_sim.experiments.points import Design as Design
    from crisis_sim.experiments.points import run_design as run_design
    from crisis_sim.experiments.run import read_experiment as read_experiment
    from crisis_sim.experiments.run import read_points as read_points
    from crisis_sim.experiments.run import run_experiment as run_experiment
    from crisis_sim.experiments.spec import Experiment as Experiment
    from crisis_sim.experiments.spec import Findings as Findings

#: Imported on first use: Mesa and SciPy are slow to import.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "points": ["Design", "run_design"],
        "spec": ["Experiment", "Findings"],
        "run": ["read_experiment", "read_points", "run_experiment"],
        "load": ["load_experiment", "make_experiment", "shipped_experiments"],
    },
)
