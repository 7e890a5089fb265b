"""Batches of many replicates: their blocks, the workers that run them, and results folders.

A batch is run in blocks of replicates, which bounds memory; the number of workers does not affect results. `block`
divides a plan into blocks and runs one, `workers` distributes them, `folder` writes them and joins them into results
with a `manifest`, and `ensemble` contains the results. `simulate` keeps a batch in memory; `run_to_folder` writes it
to disk, `resume` continues it after an interruption, and `read_batch` reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from crisis_sim.batch.block import Block as Block
    from crisis_sim.batch.block import run_block as run_block
    from crisis_sim.batch.ensemble import Batch as Batch
    from crisis_sim.batch.ensemble import Ensemble as Ensemble
    from crisis_sim.batch.folder import read_batch as read_batch
    from crisis_sim.batch.folder import read_manifest as read_manifest
    from crisis_sim.batch.run import resume as resume
    from crisis_sim.batch.run import run_to_folder as run_to_folder
    from crisis_sim.batch.run import simulate as simulate
    from crisis_sim.batch.safe_files import BatchError as BatchError
    from crisis_sim.batch.safe_files import ResultsError as ResultsError

#: Imported on first use, since Mesa and SciPy are slow to import.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "block": ["Block", "run_block"],
        "ensemble": ["Batch", "Ensemble"],
        "safe_files": ["BatchError", "ResultsError"],
        "folder": ["read_batch", "read_manifest"],
        "run": ["resume", "run_to_folder", "simulate"],
    },
)
