"""Many replicates: blocks of them, workers that run the blocks, and the folder that keeps what came out.

A batch asks the model for replicates block by block, so that memory stays bounded however many there are, and so that
any number of workers gives the same rows. `simulate` keeps a batch in memory; `run_to_folder` streams it to disk, and
`read_batch` brings it back.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch, Ensemble

__all__ = ["Batch", "Ensemble"]

_HOMES = {"Batch": "ensemble", "Ensemble": "ensemble"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
