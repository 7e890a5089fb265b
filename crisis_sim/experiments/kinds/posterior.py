"""Posterior: what a record, or figures over many crises, say of a scenario's parameters.

Approximate Bayesian computation: parameters drawn from what the scenario leaves open are weighted by
how likely they make what was seen, generation after generation (`crisis_sim.experiments.posterior`).
Each generation is on disk before the next begins.
"""

from __future__ import annotations

from collections.abc import Iterator

from crisis_sim.experiments.experiment import Experiment
from crisis_sim.experiments.findings import Findings
from crisis_sim.experiments.posterior.schema import PosteriorSpec
from crisis_sim.experiments.reading import Reading
from crisis_sim.experiments.run import How
from crisis_sim.scenario.errors import Mistake

ANSWERS = "what a record, or figures over many crises, say of parameters"
SPEC = PosteriorSpec


def check(spec: PosteriorSpec, reading: Reading) -> Iterator[Mistake]:
    from crisis_sim.experiments.posterior import check as checks

    return checks.check(spec, reading)


def crises(experiment: Experiment) -> int:
    from crisis_sim.experiments.posterior.problem import Problem

    return Problem(experiment, How()).crises


def run(experiment: Experiment, how: How) -> Findings:
    from crisis_sim.experiments.posterior.find import find
    from crisis_sim.experiments.posterior.told import told

    return told(find(experiment, how))
