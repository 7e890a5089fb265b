"""What can go wrong with an experiment beside mistakes in its file (`ScenarioError`)."""

from __future__ import annotations

from crisis_sim.batch.errors import BatchError


class ExperimentError(BatchError):
    """An experiment cannot be run as it was asked for."""


class BlocksFailedError(ExperimentError):
    """Some blocks of an experiment's batch failed; the others are safe."""
