"""Many replicates: blocks of them, workers that run the blocks, and the folder that keeps them.

A batch asks the model for replicates block by block, so that memory stays bounded however many
there are, and so that any number of workers gives the same rows. `simulate` keeps a batch in
memory; `run_to_folder` puts it on disk block by block, `resume` goes on with one that was cut
short, and `read_batch` brings it back.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crisis_sim.batch.block import Block, run_block
    from crisis_sim.batch.ensemble import Batch, Ensemble
    from crisis_sim.batch.errors import BatchError, ResultsError
    from crisis_sim.batch.folder import read_batch, read_manifest
    from crisis_sim.batch.publish import write_batch
    from crisis_sim.batch.run import resume, run_to_folder, simulate

__all__ = [
    "Batch",
    "BatchError",
    "Block",
    "Ensemble",
    "ResultsError",
    "read_batch",
    "read_manifest",
    "resume",
    "run_block",
    "run_to_folder",
    "simulate",
    "write_batch",
]

_HOMES = {
    "Batch": "ensemble",
    "BatchError": "errors",
    "Block": "block",
    "Ensemble": "ensemble",
    "ResultsError": "errors",
    "read_batch": "folder",
    "read_manifest": "folder",
    "resume": "run",
    "run_block": "block",
    "run_to_folder": "run",
    "simulate": "run",
    "write_batch": "publish",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
