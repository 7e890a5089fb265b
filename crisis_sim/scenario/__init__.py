"""Scenarios: a YAML file becomes a checked, unchanging `Scenario`, mistakes a readable report.

`load_scenario` does it all. `schema` and `behaviour` say what a scenario may hold, and everything
else follows them: reports of mistakes, overrides, the JSON Schema for editors, the table of
parameters. Nothing here runs a crisis, and nothing here needs an array library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crisis_sim.scenario.errors import Mistake, ScenarioError
    from crisis_sim.scenario.load import load_scenario, load_scenarios, read_scenario
    from crisis_sim.scenario.numbers import Distribution
    from crisis_sim.scenario.schema import Scenario
    from crisis_sim.scenario.shipped import shipped_scenarios

__all__ = [
    "Distribution",
    "Mistake",
    "Scenario",
    "ScenarioError",
    "load_scenario",
    "load_scenarios",
    "read_scenario",
    "shipped_scenarios",
]

#: Where each public name lives. They are fetched when first used: the schema takes a sixth of a
#: second to build, which `crisis-sim --help` need not wait for.
_HOMES = {
    "Distribution": "numbers",
    "Mistake": "errors",
    "Scenario": "schema",
    "ScenarioError": "errors",
    "load_scenario": "load",
    "load_scenarios": "load",
    "read_scenario": "load",
    "shipped_scenarios": "shipped",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
