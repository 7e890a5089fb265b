"""Crisis Sim: an agent-based simulator of crises between states.

    from crisis_sim import Scenario, compare, simulate

    batch = simulate(["may_2025", "no_mediators"], replicates=10_000, seed=1)
    summary = compare(batch)

`Scenario.load` reads a scenario; `simulate` runs one or more of them as paired replicates; `compare` says what came of
them, with intervals; `write_page` makes one HTML page of a folder of results. `run_experiment` asks a question of a
scenario: a sweep, what ended it, and others. `CrisisModel` is the Mesa model itself; `CrisisAgent` and `ThirdParty` are the
classes to subclass for agents of your own, with `Influence` for what these bring to bear on a state.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from crisis_sim.version import __version__

if TYPE_CHECKING:
    from crisis_sim.batch import Batch, Ensemble, read_batch, run_to_folder, simulate
    from crisis_sim.experiments import (
        Experiment,
        Findings,
        load_experiment,
        make_experiment,
        read_experiment,
        run_experiment,
    )
    from crisis_sim.model import CrisisAgent, CrisisModel, Influence, Journal, ThirdParty
    from crisis_sim.outcomes import compare, summarise
    from crisis_sim.report import write_page
    from crisis_sim.scenario import Scenario, ScenarioError, load_scenario

#: Each public name and the room it lives in, which is imported when the name is first used: Mesa and SciPy are slow.
_ROOMS = {
    "Batch": "batch",
    "CrisisAgent": "model",
    "CrisisModel": "model",
    "Ensemble": "batch",
    "Experiment": "experiments",
    "Findings": "experiments",
    "Influence": "model",
    "Journal": "model",
    "Scenario": "scenario",
    "ScenarioError": "scenario",
    "ThirdParty": "model",
    "compare": "outcomes",
    "load_experiment": "experiments",
    "load_scenario": "scenario",
    "make_experiment": "experiments",
    "read_batch": "batch",
    "read_experiment": "experiments",
    "run_experiment": "experiments",
    "run_to_folder": "batch",
    "simulate": "batch",
    "summarise": "outcomes",
    "write_page": "report",
}

__all__ = [
    "Batch",
    "CrisisAgent",
    "CrisisModel",
    "Ensemble",
    "Experiment",
    "Findings",
    "Influence",
    "Journal",
    "Scenario",
    "ScenarioError",
    "ThirdParty",
    "__version__",
    "compare",
    "load_experiment",
    "load_scenario",
    "make_experiment",
    "read_batch",
    "read_experiment",
    "run_experiment",
    "run_to_folder",
    "simulate",
    "summarise",
    "write_page",
]


def __getattr__(name: str) -> Any:
    room = _ROOMS.get(name)
    if room is None:
        raise AttributeError(f"crisis_sim has no '{name}'; it has {', '.join(__all__)}")
    return getattr(import_module(f"crisis_sim.{room}"), name)


def __dir__() -> list[str]:
    return __all__
