"""Scenarios: YAML files are read and checked, and become immutable `Scenario` objects.

The schema, in `schema` and `behaviour`, determines everything else: checks and their messages, overrides, the JSON Schema
for editors, and the table of parameters. This package does not run crises, and needs no array library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from crisis_sim.scenario.errors import Mistake as Mistake
    from crisis_sim.scenario.errors import ScenarioError as ScenarioError
    from crisis_sim.scenario.fits import over_fits as over_fits
    from crisis_sim.scenario.load import load_scenario as load_scenario
    from crisis_sim.scenario.load import load_scenarios as load_scenarios
    from crisis_sim.scenario.load import read_scenario as read_scenario
    from crisis_sim.scenario.load import shipped_scenarios as shipped_scenarios
    from crisis_sim.scenario.numbers import Distribution as Distribution
    from crisis_sim.scenario.schema import Scenario as Scenario

#: Imported on first use, because pydantic and its schemas are slow to import.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "errors": ["Mistake", "ScenarioError"],
        "fits": ["over_fits"],
        "load": ["load_scenario", "load_scenarios", "read_scenario", "shipped_scenarios"],
        "numbers": ["Distribution"],
        "schema": ["Scenario"],
    },
)
