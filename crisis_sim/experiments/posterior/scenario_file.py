"""The posterior as a scenario that extends the original: each parameter with its own distribution."""

from __future__ import annotations

from collections.abc import Mapping

from crisis_sim.experiments.posterior.fitted import Fit
from crisis_sim.experiments.posterior.problem import Problem
from crisis_sim.experiments.tuning.scenario_file import extending
from crisis_sim.scenario.parameters import numbers_of
from crisis_sim.scenario.schema import Scenario

_HEAD = """\
# Each parameter has the distribution that is nearest to its marginal. They are drawn independently
# here: how parameters go together in the posterior is lost. Joint draws keep it (docs/experiments.md).
"""


def posterior_name(scenario: Scenario) -> str:
    """The name of the file with a scenario's posterior."""
    return f"{scenario.name}_posterior.yaml"


def scenario_files(problem: Problem, fits: Mapping[str, Fit]) -> dict[str, str]:
    """For each scenario the one with the posterior and the original, by the names of their files.

    Args:
        problem: what was found.
        fits: by path what stands for each parameter's marginal.
    """
    files: dict[str, str] = {}
    for scenario in problem.scenarios:
        known = numbers_of(scenario)
        changes = {path: fit.distribution.plain() for path, fit in fits.items() if path in known}
        name = posterior_name(scenario)
        files |= extending(scenario, changes, name, "posterior", problem.experiment.name, _HEAD)
    return files
