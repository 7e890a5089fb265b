"""A small crisis that runs in milliseconds, and agents that make a batch fail."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from crisis_sim.batch import Batch, read_batch, run_to_folder
from crisis_sim.batch.folder import MANIFEST, OUTCOMES, PATHS
from crisis_sim.model import Agent, CrisisModel
from crisis_sim.scenario.schema import Scenario


def crisis(name: str = "quarrel", **changes: Any) -> Scenario:
    """A week of two states, with one agent of each role."""
    content = {
        "name": name,
        "title": "A quarrel",
        "start": "2025-04-22T00:00+00:00",
        "horizon_days": 8,
        "follow_up_days": 2,
        "states": {
            "north": {"resolve": 0.9, "audience": 0.6},
            "south": {"resolve": {"uniform": [0.5, 1.0]}, "audience": 0.5},
        },
        "mediators": {"elder": {"attention_threshold": 0.05, "trust": {"north": 0.6}}},
        "lenders": {
            "bank": {
                "borrower": "south",
                "reviews": [{"at": "2025-04-25T12:00+00:00", "amount_usd_bn": 1}],
            }
        },
        "channels": {"line": {"opened_by": ["north", "elder"]}},
        "advisers": {"brother": {"state": "south", "attention_threshold": 0.05}},
        "events": [
            {"at": "2025-04-22T03:00+00:00", "kind": "trigger", "struck": "north", "deaths": 200}
        ],
        "behaviour": {"decision": {"preparation_days": 0.5}},
    }
    return Scenario.model_validate({**content, **changes})


SCENARIOS = (crisis("one"), crisis("two", lenders={}))
RESULTS = [MANIFEST, OUTCOMES, PATHS]


def rows(results: Batch | Path) -> dict[str, Any]:
    """Return all rows of all tables of a batch, or of a results folder."""
    batch = read_batch(results) if isinstance(results, Path) else results
    order = [("replicate", "ascending"), ("day", "ascending")]
    return {
        name: (
            ensemble.table.to_pylist(),
            ensemble.paths.sort_by(order).to_pylist() if ensemble.paths else None,
        )
        for name, ensemble in batch.ensembles.items()
    }


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class EnoughError(Exception):
    """Ends a run, as a failure would."""


def cut_short(folder: Path, blocks: int, *scenarios: Any, **options: Any) -> None:
    """Interrupt a run after some blocks."""
    left = iter(range(blocks - 1))

    def progress(done: int, crises: int) -> None:
        if next(left, None) is None:
            raise EnoughError

    settings = {"replicates": 60, "block_size": 10, **options}
    with pytest.raises(EnoughError):
        run_to_folder(scenarios or SCENARIOS, folder, progress=progress, **settings)


class Bystander(Agent):
    """An agent without rules, so that nothing has to be compiled. It may act after its block has run."""

    role = "bystanders"

    def deed(self) -> None:
        """Act."""

    def outcomes(self) -> dict[str, Any]:
        if self.model.events_run:  # not the model that is asked for its columns alone
            self.deed()
        return {}


@dataclass(frozen=True)
class Saboteur:
    """Makes an agent that acts in the block of one replicate only."""

    replicate: int
    deed: Callable[[], None]
    name: str = "saboteur"
    role: ClassVar[str] = Bystander.role
    __name__: ClassVar[str] = "Saboteur"

    def __call__(self, model: CrisisModel, name: str, index: int) -> Agent:
        agent = Bystander(model, name, index)
        if self.replicate in range(model.first_replicate, model.first_replicate + model.rows):
            agent.deed = self.deed  # type: ignore[method-assign]
        return agent


def fail() -> None:
    raise ZeroDivisionError("no leverage to divide by")


def die() -> None:
    """End the process at once, as the kernel does when memory runs out."""
    os._exit(9)


def die_once(mark: Path) -> None:
    """End the process the first time only."""
    if not mark.exists():
        mark.touch()
        die()


@dataclass(frozen=True)
class Dawdler:
    """Makes an agent that delays each block, and records the process that ran it."""

    notes: Path
    seconds: float
    role: ClassVar[str] = Bystander.role
    name: ClassVar[str] = "dawdler"
    __name__: ClassVar[str] = "Dawdler"

    def __call__(self, model: CrisisModel, name: str, index: int) -> Agent:
        def dawdle() -> None:
            block = f"{model.scenario.name} {model.first_replicate}"
            (self.notes / f"{block} in {os.getpid()}").touch()
            time.sleep(self.seconds)

        agent = Bystander(model, name, index)
        agent.deed = dawdle  # type: ignore[method-assign]
        return agent


class Counter(Bystander):
    """A custom agent that adds a column to the outcomes."""

    name = "counter"

    def outcomes(self) -> dict[str, Any]:
        return {"acts_counted": self.model.crises["states"]["acts"].sum(axis=1).astype(np.int32)}
