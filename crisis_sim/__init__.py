"""Crisis Sim: an agent-based simulator of crises between states.

    from crisis_sim import Scenario, compare, simulate

    batch = simulate(["may_2025", "no_mediators"], replicates=10_000, seed=1)
    summary = compare(batch)

`Scenario.load` reads a scenario; `simulate` runs scenarios with the same random numbers; `compare` summarises their
outcomes, with intervals; `write_page` writes an HTML page about a results folder. `run_experiment` runs a sweep, an
attribution or another experiment. `replay` shows one crisis event by event, `branch` changes it at some moment, and
`why` finds the steps that decided its outcome. `CrisisModel` is the Mesa model itself; custom agents are written with
`Agent`, `Event` and `rule`, and custom policies return a `Decision`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lazy_loader

from crisis_sim.version import __version__ as __version__

if TYPE_CHECKING:
    from crisis_sim.batch import Batch as Batch
    from crisis_sim.batch import Ensemble as Ensemble
    from crisis_sim.batch import read_batch as read_batch
    from crisis_sim.batch import run_to_folder as run_to_folder
    from crisis_sim.batch import simulate as simulate
    from crisis_sim.experiments import Experiment as Experiment
    from crisis_sim.experiments import Findings as Findings
    from crisis_sim.experiments import load_experiment as load_experiment
    from crisis_sim.experiments import make_experiment as make_experiment
    from crisis_sim.experiments import read_experiment as read_experiment
    from crisis_sim.experiments import run_experiment as run_experiment
    from crisis_sim.history.branch import branch as branch
    from crisis_sim.history.game import Game as Game
    from crisis_sim.history.game import debrief as debrief
    from crisis_sim.history.nowcast import nowcast as nowcast
    from crisis_sim.history.why import why as why
    from crisis_sim.model import Agent as Agent
    from crisis_sim.model import CrisisModel as CrisisModel
    from crisis_sim.model import Decision as Decision
    from crisis_sim.model import Event as Event
    from crisis_sim.model import Journal as Journal
    from crisis_sim.model import rule as rule
    from crisis_sim.outcomes import compare as compare
    from crisis_sim.outcomes import summarise as summarise
    from crisis_sim.outcomes.summary import Summary as Summary
    from crisis_sim.report.page import write_page as write_page
    from crisis_sim.report.replay import Replay as Replay
    from crisis_sim.report.replay import replay as replay
    from crisis_sim.scenario import Scenario as Scenario
    from crisis_sim.scenario import ScenarioError as ScenarioError
    from crisis_sim.scenario import load_scenario as load_scenario

#: Imported on first use, since Mesa, SciPy, matplotlib and the scenario's schema are slow to import.
_fetch, _, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "batch": ["Batch", "Ensemble", "read_batch", "run_to_folder", "simulate"],
        "experiments": [
            "Experiment",
            "Findings",
            "load_experiment",
            "make_experiment",
            "read_experiment",
            "run_experiment",
        ],
        "history.branch": ["branch"],
        "history.nowcast": ["nowcast"],
        "history.game": ["Game", "debrief"],
        "history.why": ["why"],
        "model": ["Agent", "CrisisModel", "Decision", "Event", "Journal", "rule"],
        "outcomes": ["compare", "summarise"],
        "outcomes.summary": ["Summary"],
        "report.page": ["write_page"],
        "report.replay": ["Replay", "replay"],
        "scenario": ["Scenario", "ScenarioError", "load_scenario"],
    },
)
__all__ += ["__version__"]
__all__.sort()


def __dir__() -> list[str]:
    return list(__all__)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"crisis_sim has no '{name}'; it has {', '.join(__all__)}")
    return _fetch(name)
